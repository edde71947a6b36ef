"""Numbers in text: which mark stands before the decimals, and which between groups of digits."""

import re
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

__all__ = [
    "GROUP_MARKS",
    "LAKHS",
    "MINUS",
    "NumberMarks",
    "is_text",
    "may_hold_numbers",
    "numbers_in",
    "sure_decimal",
    "text_in",
    "with_signs_first",
]

MINUS = "\u2212"
"""The minus sign of typography."""

GROUP_MARKS = " '\u2019\u00a0\u2009\u202f"
"""Marks between groups of digits that are nothing else: spaces and apostrophes."""

LAKHS = r"\d{1,2}(?:,\d{2})+,\d{3}"
"""Whole number in the groups of India, as 12,34,567."""

_AROUND = (" ", "\t", "\n", "\u00a0")
_SAMPLE_ROWS = 3000
_MIN_NUMBERS = 0.5  # share of a column of numbers
_SIGN = rf"[+\-{MINUS}]?"
_WORD = r"[+\-]?(?i:inf|infinity|nan)"


@dataclass(frozen=True)
class NumberMarks:
    """How numbers are written in a file.

    Attributes
    ----------
    decimal : str
        "." or ",".
    thousands : str or None
        Mark between groups of three digits, "." or ","; spaces and apostrophes are always understood.
    """

    decimal: str = "."
    thousands: str | None = None


def is_text(column: pd.Series) -> bool:
    """Tell whether a column holds text, or objects that may be."""
    return bool(pd.api.types.is_object_dtype(column.dtype) or pd.api.types.is_string_dtype(column.dtype))


def text_in(column: pd.Series) -> pa.ChunkedArray:
    """Return a column of text as Arrow holds it, without spaces around; what is missing or empty is null.

    Parameters
    ----------
    column : pandas.Series
        Column for which `is_text` is true.

    Returns
    -------
    pyarrow.ChunkedArray of large_string, shape (n,)
    """
    if pd.api.types.is_object_dtype(column.dtype):
        column = column.where(column.notna(), None).map(str, na_action="ignore")
        values = pa.array(column, type=pa.large_string(), from_pandas=True)
    else:
        values = pa.array(column, from_pandas=True)
    chunks = pa.chunked_array([values]) if isinstance(values, pa.Array) else values
    text = chunks.cast(pa.large_string())
    if any(_any(pc.starts_with(text, space)) or _any(pc.ends_with(text, space)) for space in _AROUND):
        text = pc.utf8_trim_whitespace(text)
    if _any(pc.equal(text, "")):
        text = pc.if_else(pc.equal(text, ""), pa.scalar(None, pa.large_string()), text)
    return text


def _any(mask: pa.ChunkedArray) -> bool:
    return bool(pc.any(mask).as_py())


def numbers_in(column: pd.Series, marks: NumberMarks = NumberMarks()) -> tuple[npt.NDArray[np.float64], int] | None:
    """Read a column as numbers.

    Parameters
    ----------
    column : pandas.Series
        Column as it was read: text, or numbers already.
    marks : NumberMarks
        How numbers are written in its text.

    Returns
    -------
    values : numpy.ndarray, shape (n,), float64
        NaN where a value is missing or unreadable.
    unreadable : int
        Values that are there but are no numbers.

    Notes
    -----
    None is returned where less than half of the values that are there are numbers. A column in which all that is there
    is true or false holds 1 and 0. Groups are of three digits, else the value is not a number. A column that writes the
    other decimal mark than the file is read by its own where one of its numbers can be read in no other way.
    """
    if pd.api.types.is_bool_dtype(column.dtype) or pd.api.types.is_numeric_dtype(column.dtype):
        return np.asarray(column.astype("float64").to_numpy(na_value=np.nan), dtype=np.float64), 0
    if not is_text(column):
        return None
    if not may_hold_numbers(column):
        return None
    text = text_in(column)
    n_there = len(text) - text.null_count
    if not n_there:
        return None
    truth = _truth(text)
    if truth is not None:
        return truth, 0
    best = _read(text, marks)
    other = "," if marks.decimal == "." else "."
    if best.null_count > text.null_count and pc.any(pc.match_substring_regex(text, sure_decimal(other))).as_py():
        best = min(best, _read(text, NumberMarks(other)), key=lambda values: values.null_count)
    n_read = len(best) - best.null_count
    if n_read * 2 < n_there:
        return None
    return np.array(best.to_numpy(), dtype=np.float64), n_there - n_read


def may_hold_numbers(column: pd.Series) -> bool:
    """Tell by rows from all over a column of text whether numbers or words of truth may be in it.

    Parameters
    ----------
    column : pandas.Series
        Column for which `is_text` is true.

    Returns
    -------
    bool
        False where none of thousands of rows holds one.
    """
    if len(column) < 2 * _SAMPLE_ROWS:
        return True
    sample = text_in(column.iloc[:: len(column) // _SAMPLE_ROWS])
    return sample.null_count == len(sample) or _any(
        pc.match_substring_regex(
            sample, rf"^{_SIGN}[\d.,{GROUP_MARKS}]+(?:[eEdD][+\-]?\d+)?$|^(?:{_WORD}|(?i:true|false))$"
        )
    )


def with_signs_first(text: pa.ChunkedArray) -> pa.ChunkedArray:
    """Write negative numbers as `-20.5` where a column has `20.5-`, as SAP does, or `(20.5)`, as accountants do.

    Parameters
    ----------
    text : pyarrow.ChunkedArray of str, shape (n,)
        A column of text.

    Returns
    -------
    pyarrow.ChunkedArray of str, shape (n,)
        The same text where no more than half of what is there are numbers.

    Examples
    --------
    >>> with_signs_first(pa.chunked_array([["1.234,5-", "7", None], ["(20.5)"]])).to_pylist()
    ['-1.234,5', '7', None, '-20.5']
    >>> with_signs_first(pa.chunked_array([["7-", "7-a"]])).to_pylist()
    ['7-', '7-a']
    """
    digits = rf"\d[\d.,{GROUP_MARKS}]*"
    is_number = pc.match_substring_regex(text, rf"^\s*(?:{_SIGN}{digits}|{digits}-|\(\s*{digits}\s*\))\s*$")
    if not (pc.mean(is_number.cast(pa.int8())).as_py() or 0) > _MIN_NUMBERS:
        return text
    return pc.replace_substring_regex(text, rf"^\s*(?:({digits})-|\(\s*({digits})\s*\))\s*$", r"-\1\2")


def sure_decimal(mark: str) -> str:
    """Return the regular expression of numbers in which a mark can only be that of the decimals.

    Examples
    --------
    >>> [bool(re.search(sure_decimal(","), text)) for text in ("1,5", "0,125", "1.234,125", "1,250", "1,250,000")]
    [True, True, True, False, False]
    """
    own, other = re.escape(mark), re.escape("," if mark == "." else ".")
    whole = rf"\d*{own}(?:\d{{0,2}}|\d{{4,}})|(?:0\d*|\d{{4,}}|){own}\d{{3}}"
    whole += rf"|\d{{1,3}}(?:[{other}{GROUP_MARKS}]\d{{3}})+{own}\d+"
    return rf"^{_SIGN}(?:(?:{whole})(?:[eE][+\-]?\d+)?|\d+{own}\d*[eE][+\-]?\d+)$"


def _truth(text: pa.ChunkedArray) -> npt.NDArray[np.float64] | None:
    """Read true and false; None where anything else is there."""
    first = text.drop_null()[0].as_py().lower()
    if first not in ("true", "false"):
        return None
    words = pc.utf8_lower(text)
    if not pc.all(pc.is_in(words.drop_null(), value_set=pa.array(["true", "false"], words.type))).as_py():
        return None
    return np.array(pc.equal(words, "true").cast(pa.float64()).to_numpy(), dtype=np.float64)


def _read(text: pa.ChunkedArray, marks: NumberMarks) -> pa.ChunkedArray:
    """Read numbers in text; null where it is none."""
    if marks.decimal == ".":
        try:
            return pc.cast(text, pa.float64())
        except pa.ArrowInvalid:
            pass
    decimal = re.escape(marks.decimal)
    between = GROUP_MARKS + re.escape(marks.thousands or "")
    groups = rf"\d{{1,3}}(?:[{between}]\d{{3}})+" + (f"|{LAKHS}" if marks.thousands == "," else "")
    whole = rf"(?:\d+|{groups})(?:{decimal}\d*)?|{decimal}\d+"
    is_number = pc.match_substring_regex(text, rf"^(?:{_SIGN}(?:{whole})(?:[eEdD][+\-]?\d+)?|{_WORD})$")
    plain = pc.if_else(is_number, text, pa.scalar(None, pa.large_string()))
    plain = pc.replace_substring_regex(plain, r"(\d\.?)[dD]", r"\1e")
    if pc.any(pc.match_substring_regex(plain, rf"[{between}+{MINUS}]")).as_py():
        plain = pc.replace_substring(pc.replace_substring_regex(plain, rf"[{between}]|^\+|([eE])\+", r"\1"), MINUS, "-")
    if marks.decimal == ",":
        plain = pc.replace_substring(plain, ",", ".")
    return pc.cast(plain, pa.float64())
