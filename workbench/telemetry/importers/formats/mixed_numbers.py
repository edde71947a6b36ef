"""Columns that write numbers in two ways, `20,5` and `20.5`, or `41%` and `0.41`: they are asked about, never mixed."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from workbench.counts import counted
from workbench.exceptions import ImportDataError
from workbench.telemetry.importers.formats.mark_choice import differ_by_key
from workbench.telemetry.importers.formats.number_marks import (
    MINUS,
    NumberMarks,
    is_text,
    numbers_in,
    sure_decimal,
    text_in,
)
from workbench.telemetry.importers.reading import Percent, Reading

__all__ = ["check_percents", "unmixed_numbers", "with_one_mark", "with_percent_signs"]

_NUMBER = rf"[+\-{MINUS}]?(?:\d+[.,]?\d*|[.,]\d+)(?:[eE][+\-]?\d+)?"
_BARE, _PERCENT = rf"^{_NUMBER}$", rf"^{_NUMBER}\s*%$"


def unmixed_numbers(
    name: str, column: pd.Series, marks: NumberMarks, reading: Reading
) -> tuple[npt.NDArray[np.float64], int] | None:
    """Read a column as numbers as `numbers_in` does, unless it writes them in two ways.

    Parameters
    ----------
    name : str
        Name of the column.
    column : pandas.Series
        Its values as they were read.
    marks : NumberMarks
        How the numbers of the file are written.
    reading : Reading
        What was chosen: nothing is asked about that an option settles.

    Returns
    -------
    tuple or None
        As from `numbers_in`.

    Raises
    ------
    ImportDataError
        It holds numbers with a decimal comma and others with a decimal point, or percentages and shares.
    """
    numbers = numbers_in(column, marks)
    if numbers is not None and numbers[1]:  # some could not be read
        _check_mixed(name, column, reading)
    return numbers


def _check_mixed(name: str, column: pd.Series, reading: Reading) -> None:
    if not is_text(column):
        return
    if reading.decimal is None:
        text = text_in(column)
        sure = {mark: text.filter(pc.match_substring_regex(text, sure_decimal(mark))) for mark in ",."}
        if all(len(numbers) for numbers in sure.values()):
            comma, point = sure[","], sure["."]
            main = "," if len(comma) >= len(point) else "."
            raise ImportDataError(
                f"Column {name!r} holds {comma[0].as_py()} and {point[0].as_py()}: the comma can only be the decimal "
                f"mark of {counted(len(comma), 'number')}, and the point of {len(point):,}.",
                f"Pass --decimal both where each is the decimal mark of its numbers, or --decimal '{main}' where those "
                "with the other mark are wrong and to be missing.",
            )
    if reading.percent is None:
        check_percents({name: column}, name)


def check_percents(columns: Mapping[str, pd.Series], name: str) -> None:
    """Raise an error where a column holds percentages, and numbers without the sign that may be shares.

    Parameters
    ----------
    columns : mapping of str to pandas.Series
        Columns of the table; where one of them separates the two, as the tags of the long form do, nothing is mixed.
    name : str
        Name of the column.

    Raises
    ------
    ImportDataError
        It holds, for example, 41% and 0.41.
    """
    text = text_in(columns[name])
    example = _ambiguous(text)
    if example is None:
        return
    masks = (pc.fill_null(pc.match_substring_regex(text, form), False).to_numpy() for form in (_PERCENT, _BARE))
    if differ_by_key(columns, name, *masks):
        return
    percent, bare = example
    number = float(bare.replace(",", ".").replace(MINUS, "-"))
    raise ImportDataError(
        f"Column {name!r} holds {percent} and {bare}, which may be {number:.6g} % or {number * 100:.6g} %.",
        "Pass --percent share where numbers without the sign are shares of 1, or --percent percent where they are "
        "percent, too.",
    )


def with_one_mark(column: pd.Series) -> pd.Series:
    """Write the decimals of all numbers of a column behind a point, whichever mark each has.

    Examples
    --------
    >>> with_one_mark(pd.Series(["20,5", "20.5", "1.234,5", "a,b"])).tolist()
    ['20.5', '20.5', '1.234,5', 'a,b']
    """
    if not is_text(column):
        return column
    text = text_in(column)
    plain = pc.replace_substring(text, ",", ".")
    changed = pc.if_else(pc.match_substring_regex(text, _BARE), plain, text)
    return pd.Series(changed.to_pandas(), dtype="str", index=column.index)


def with_percent_signs(column: pd.Series, percent: Percent) -> pd.Series:
    """Write a column that holds percentages and shares as percentages.

    Parameters
    ----------
    column : pandas.Series
        Column of a file; one that does not hold both stays as it is.
    percent : {"percent", "share"}
        What its numbers without the sign are.

    Examples
    --------
    >>> with_percent_signs(pd.Series(["41%", "0.42"]), "share").tolist()
    ['41%', '42%']
    >>> with_percent_signs(pd.Series(["41%", "0.42"]), "percent").tolist()
    ['41%', '0.42%']
    """
    if not is_text(column):
        return column
    text = text_in(column)
    if _ambiguous(text) is None:
        return column
    bare = pc.if_else(pc.match_substring_regex(text, _BARE), text, pa.scalar(None, text.type))
    if percent == "share":
        mark = "," if pc.any(pc.match_substring(text, ",")).as_py() else "."
        numbers = (None if number is None else number * 100 for number in _values(bare).to_pylist())
        words = [None if number is None else f"{number:.15g}".replace(".", mark) for number in numbers]
        bare = pa.chunked_array([pa.array(words, text.type)])
    signed = pc.binary_join_element_wise(bare, *(pa.scalar(one, text.type) for one in ("%", "")))
    return pd.Series(pc.coalesce(signed, text).to_pandas(), dtype="str", index=column.index)


def _ambiguous(text: pa.ChunkedArray) -> tuple[str, str] | None:
    """Return a percentage and a number without the sign that may be a share; None where there are not both."""
    percents = text.filter(pc.match_substring_regex(text, _PERCENT))
    if not len(percents):
        return None
    bare = text.filter(pc.match_substring_regex(text, _BARE))
    sizes = np.abs(np.asarray(_values(bare).to_numpy(), dtype=np.float64))
    signed = np.abs(np.asarray(_values(pc.replace_substring_regex(percents, r"\s*%$", "")).to_numpy(), np.float64))
    if not (sizes > 0).any() or (sizes > 1).any() or not (signed > 1).any():
        return None
    return percents[int(np.argmax(signed > 1))].as_py(), bare[int(np.argmax(sizes > 0))].as_py()


def _values(numbers: pa.ChunkedArray) -> pa.ChunkedArray:
    plain = pc.replace_substring(pc.replace_substring(pc.utf8_ltrim(numbers, "+"), MINUS, "-"), ",", ".")
    return pc.cast(plain, pa.float64())
