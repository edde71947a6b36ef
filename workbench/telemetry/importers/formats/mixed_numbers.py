"""Columns that write numbers in two ways, `20,5` and `20.5`, or `41%` and `0.41`: they are asked about, never mixed."""

import re
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from workbench.counts import counted
from workbench.exceptions import ImportDataError
from workbench.telemetry.importers.formats.cells import without_unit
from workbench.telemetry.importers.formats.mark_choice import choose_marks
from workbench.telemetry.importers.formats.number_marks import (
    GROUP_MARKS,
    MINUS,
    NumberMarks,
    is_text,
    numbers_in,
    sure_decimal,
    text_in,
)
from workbench.telemetry.importers.reading import Percent, Reading

__all__ = ["SignedNumbers", "signed_numbers", "unmixed_numbers", "with_one_mark"]

_SIGN = rf"[+\-{MINUS}]?"
_NUMBER = rf"{_SIGN}[.,]?\d[\d.,{GROUP_MARKS}]*(?:[eE][+\-]?\d+)?"
_BARE = rf"^{_NUMBER}$"
_SIGNED = rf"^(?P<number>{_NUMBER})[\s{GROUP_MARKS}]*(?P<sign>%|\x{{2030}}|\x{{FF05}}|(?i:pct|percent))$"
_MIN_NUMBERS = 0.5  # share of a column of numbers
_PER_MILLE = "\u2030"


@dataclass(frozen=True)
class SignedNumbers:
    """A column of which numbers have a percent sign.

    Attributes
    ----------
    numbers : pandas.Series
        Its values without the sign.
    sign : str
        "%", or the sign of per mille.
    is_bare : numpy.ndarray of bool, shape (n,)
        Numbers that have none.
    """

    numbers: pd.Series
    sign: str
    is_bare: npt.NDArray[np.bool_]

    def in_sign(self, values: npt.NDArray[np.float64], percent: Percent | None) -> npt.NDArray[np.float64]:
        """Return the values in the unit of the sign: shares of 1 become percentages where they are chosen to be.

        Parameters
        ----------
        values : numpy.ndarray, shape (n,)
            The numbers as they are written.
        percent : {"percent", "share"} or None
            What those without the sign are.
        """
        if percent != "share" or self.is_bare.all():
            return values
        factor = 1000 if self.sign == _PER_MILLE else 100
        return np.where(self.is_bare, values * factor, values)


def signed_numbers(column: pd.Series) -> SignedNumbers | None:
    """Take the percent signs of a column away.

    Parameters
    ----------
    column : pandas.Series
        Column of a file.

    Returns
    -------
    SignedNumbers or None
        None where no number has a sign, the signs differ, or most values are no numbers.

    Examples
    --------
    >>> found = signed_numbers(pd.Series(["41%", "0.42", "7 pct"]))
    >>> found.numbers.tolist(), found.sign, found.is_bare.tolist()
    (['41', '0.42', '7'], '%', [False, True, False])
    """
    if not is_text(column):
        return None
    text = text_in(column)
    if not pc.any(pc.match_substring_regex(text, r"(?:%|\x{2030}|\x{FF05}|(?i:pct|percent))$")).as_py():
        return None
    parts = pc.extract_regex(text, _SIGNED)
    signs = set(pc.unique(pc.struct_field(parts, "sign").drop_null()).to_pylist())
    kinds = {_PER_MILLE if sign == _PER_MILLE else "%" for sign in signs}
    if len(kinds) != 1:
        return None
    is_bare = pc.fill_null(pc.match_substring_regex(text, _BARE), False).to_numpy()
    n_signed = len(parts) - parts.null_count
    if (n_signed + int(is_bare.sum())) * 2 < len(text) - text.null_count:
        return None
    plain = pc.utf8_trim_whitespace(pc.coalesce(pc.struct_field(parts, "number"), text))
    return SignedNumbers(pd.Series(plain.to_pandas(), dtype="str", index=column.index), kinds.pop(), is_bare)


def unmixed_numbers(
    name: str, column: pd.Series, marks: NumberMarks, reading: Reading
) -> tuple[npt.NDArray[np.float64], int] | None:
    """Read a column as numbers as `numbers_in` does, unless it writes them in two ways.

    Parameters
    ----------
    name : str
        Name of the column, or of the tag whose values it holds.
    column : pandas.Series
        Its values as they were read.
    marks : NumberMarks
        How the numbers of the file are written.
    reading : Reading
        What was chosen: nothing is asked about that an option settles.

    Returns
    -------
    tuple or None
        As from `numbers_in`; percentages without their signs.

    Raises
    ------
    ImportDataError
        It holds numbers with a decimal comma and others with a decimal point, or numbers with and without percent sign.
    """
    signed = signed_numbers(column)
    plain = column if signed is None else signed.numbers
    if reading.decimal == "both":
        plain = with_one_mark(plain)
        _check_groups(name, plain)
    numbers = numbers_in(plain, marks)
    if numbers is None and (bare := without_unit(plain)) is not None:  # one tag of several that have each its unit
        plain = with_one_mark(bare[0]) if reading.decimal == "both" else bare[0]
        numbers = numbers_in(plain, choose_marks({name: plain}, ";", reading)[0])
    if reading.decimal is None and is_text(plain) and (numbers is not None or _are_numbers(text_in(plain))):
        _check_mixed(name, plain, reading, some_unread=numbers is None or numbers[1] > 0)
    if numbers is None:
        return None
    if signed is None:
        return numbers
    if reading.percent is None:
        _check_percents(name, column, signed, numbers[0])
    return signed.in_sign(numbers[0], reading.percent), numbers[1]


def _check_mixed(name: str, column: pd.Series, reading: Reading, *, some_unread: bool) -> None:
    """Raise an error where both marks are that of decimals, or one is and the other may be."""
    text = text_in(column)
    if not all(pc.any(pc.match_substring(text, mark)).as_py() for mark in ",."):
        return
    sure = {mark: text.filter(pc.match_substring_regex(text, sure_decimal(mark))) for mark in ",."}
    if some_unread and all(len(numbers) for numbers in sure.values()):
        comma, point = sure[","], sure["."]
        main = "," if len(comma) >= len(point) else "."
        raise ImportDataError(
            f"Column {name!r} holds {comma[0].as_py()} and {point[0].as_py()}: the comma can only be the decimal "
            f"mark of {counted(len(comma), 'number')}, and the point of {len(point):,}.",
            f"Pass --decimal both where each is the decimal mark of its numbers, or --decimal '{main}' where those "
            "with the other mark are wrong and to be missing.",
        )
    for mark, other in (",.", ".,"):
        if reading.thousands is not None or not len(sure[other]):
            continue
        either = text.filter(pc.match_substring_regex(text, _either(mark)))
        if len(either) and not pc.any(pc.match_substring_regex(text, _grouped(mark))).as_py():
            number = either[0].as_py()
            raise ImportDataError(
                f"Column {name!r} holds {sure[other][0].as_py()} and {number}, which may be "
                f"{number.replace(mark, '')} or {number.replace(mark, '.')}.",
                f"Pass --decimal both where each mark is that of the decimals of its numbers, or --thousands '{mark}' "
                "where it stands between thousands.",
            )


def _check_groups(name: str, column: pd.Series) -> None:
    text = text_in(column) if is_text(column) else pa.chunked_array([], pa.large_string())
    found = _doubtful(text)
    if found is not None and _are_numbers(text):
        doubtful, grouped, mark = found
        raise ImportDataError(
            f"Column {name!r} holds {grouped}, where {mark!r} stands between thousands, and {doubtful}, which may be "
            f"{doubtful.replace(mark, '')} or {doubtful.replace(mark, '.')}: --decimal both cannot tell.",
            f"Pass --thousands '{mark}' where it stands between thousands in all numbers, or mend the file.",
        )


def _check_percents(name: str, column: pd.Series, signed: SignedNumbers, values: npt.NDArray[np.float64]) -> None:
    """Raise an error where some numbers have the sign and others do not; 0 is the same with it."""
    is_open = signed.is_bare & ~np.isnan(values) & (values != 0)
    is_signed = ~signed.is_bare & ~np.isnan(values)
    if not is_open.any() or not is_signed.any():
        return
    place = int(np.argmax(is_open))
    words = str(column.iloc[int(np.argmax(is_signed))]).strip(), str(column.iloc[place]).strip()
    number, share = (float(signed.in_sign(values, one)[place]) for one in ("percent", "share"))
    raise ImportDataError(
        f"Column {name!r} holds {words[0]} and {words[1]}, which may be {number:.6g} {signed.sign} or {share:.6g} "
        f"{signed.sign}.",
        "Pass --percent share where numbers without the sign are shares of 1, or --percent percent where they are "
        "percent, too.",
    )


def with_one_mark(column: pd.Series) -> pd.Series:
    """Write the decimals of all numbers of a column behind a point, whichever mark each has, and take groups away.

    Parameters
    ----------
    column : pandas.Series
        Column of a file.

    Returns
    -------
    pandas.Series
        The column itself where a mark stands between thousands in one number, and may do so in another.

    Examples
    --------
    >>> with_one_mark(pd.Series(["20,5", "20.5", "1.234,5", "1'234,5", "1.234.567", "a,b"])).tolist()
    ['20.5', '20.5', '1234.5', '1234.5', '1234567', 'a,b']
    >>> with_one_mark(pd.Series(["950.5", "1,025.0", "1,050"])).tolist()
    ['950.5', '1,025.0', '1,050']
    """
    if not is_text(column):
        return column
    text = text_in(column)
    if _doubtful(text) is not None:
        return column
    changed = text
    for mark in ",.":
        grouped = pc.match_substring_regex(text, _grouped(mark))
        changed = pc.if_else(grouped, pc.replace_substring(changed, mark, ""), changed)
    spaced = rf"^{_SIGN}\d{{1,3}}(?:[{GROUP_MARKS}]\d{{3}})+(?:[.,]\d*)?$"
    is_spaced = pc.match_substring_regex(text, spaced)
    changed = pc.if_else(is_spaced, pc.replace_substring_regex(changed, f"[{GROUP_MARKS}]", ""), changed)
    single = rf"^{_SIGN}(?:\d+,\d*|,\d+)(?:[eE][+\-]?\d+)?$"
    is_single = pc.match_substring_regex(changed, single)
    changed = pc.if_else(is_single, pc.replace_substring(changed, ",", "."), changed)
    return pd.Series(changed.to_pandas(), dtype="str", index=column.index)


def _are_numbers(text: pa.ChunkedArray) -> bool:
    return (pc.mean(pc.match_substring_regex(text, _BARE).cast(pa.int8())).as_py() or 0) >= _MIN_NUMBERS


def _grouped(mark: str) -> str:
    """Return the regular expression of numbers in which a mark can only stand between thousands."""
    own, other = re.escape(mark), re.escape("," if mark == "." else ".")
    return rf"^{_SIGN}[1-9]\d{{0,2}}(?:(?:{own}\d{{3}})+{other}\d*|(?:{own}\d{{3}}){{2,}})$"


def _either(mark: str) -> str:
    """Return the regular expression of numbers in which a mark may be either."""
    return rf"^{_SIGN}[1-9]\d{{0,2}}{re.escape(mark)}\d{{3}}$"


def _doubtful(text: pa.ChunkedArray) -> tuple[str, str, str] | None:
    """Return a number whose mark may be either, another that groups by it, and the mark; None where there are none."""
    for mark in ",.":
        grouped = text.filter(pc.match_substring_regex(text, _grouped(mark)))
        if len(grouped):
            doubtful = text.filter(pc.match_substring_regex(text, _either(mark)))
            if len(doubtful):
                return doubtful[0].as_py(), grouped[0].as_py(), mark
    return None
