"""What the cells of a column say beside a number: units, words of two states, values that stand for none."""

import re
from collections import Counter
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from workbench.counts import counted
from workbench.telemetry.importers.formats.number_marks import (
    GROUP_MARKS,
    MINUS,
    NumberMarks,
    is_text,
    numbers_in,
    text_in,
)
from workbench.telemetry.importers.formats.units import UNIT

__all__ = [
    "USUAL_SENTINELS",
    "far_off_value",
    "inexact_integers",
    "state_numbers",
    "without_missing",
    "without_status",
    "without_unit",
]

_SAMPLE_ROWS = 200
_HEAD_ROWS = 10_000
_WITH_UNIT = rf"^(?P<number>[+\-{MINUS}]?[\d.,][\d.,{GROUP_MARKS}]*(?:[eE][+\-]?\d+)?)\s*(?P<unit>{UNIT})$"
_WITH_STATUS = r"^(?P<value>[^{}]*?)\s*\{(?P<status>[A-Za-z, ]*)\}(?:\s*@\s*\w+)?$"
_BAD_STATUS = r"(?i)\b(?:fault|down|stale|null|disabled)\b"
_PAIRS = (("on", "off"), ("yes", "no"), ("open", "closed"), ("open", "close"), ("running", "stopped"), ("high", "low"))
USUAL_SENTINELS = (-200.0, -99.0, -999.0, -999.25, -9999.0, -99999.0, 999.0, 9999.0, 99999.0, 6553.5, 32767.0, 65535.0)
"""Numbers that programs write for a missing value."""

_MIN_DIFFERENT = 5


_MULTIPLES = ("k", "K", "M", "Mil", "Mio", "G", "B", "Bil", "T")


def without_unit(column: pd.Series) -> tuple[pd.Series, str] | None:
    """Take the unit away that stands behind the numbers of a column.

    Parameters
    ----------
    column : pandas.Series
        Column of a file.

    Returns
    -------
    pandas.Series
        The numbers as they are written.
    str
        Their unit.

    Notes
    -----
    None is returned where no unit stands there, or not the same one behind every number.
    """
    if not is_text(column):
        return None
    head = [match for match in map(_with_unit, column.iloc[:_HEAD_ROWS].dropna().iloc[:_SAMPLE_ROWS]) if match]
    if not head:
        return None
    unit, count = Counter(match["unit"] for match in head).most_common(1)[0]
    if count < len(head):
        return None
    text = text_in(column)
    parts = pc.extract_regex(text, _WITH_UNIT)
    units = pc.struct_field(parts, "unit")
    if pc.count_distinct(units).as_py() != 1 or (len(units) - units.null_count) * 2 < len(text) - text.null_count:
        return None
    if unit in _MULTIPLES and units.null_count > text.null_count:  # 990, then 1.01 K: not kelvin, but thousands
        return None
    plain = pc.coalesce(pc.struct_field(parts, "number"), text)
    return pd.Series(pc.utf8_trim_whitespace(plain).to_pandas(), dtype="str", index=column.index), unit


def without_status(column: pd.Series) -> tuple[pd.Series, str] | None:
    """Take the status in braces away that stands behind the values of a column, as Niagara writes `21.5 {ok}`.

    Parameters
    ----------
    column : pandas.Series
        Column of a file.

    Returns
    -------
    pandas.Series
        The values as they are written, missing where the status is fault, down, stale, null or disabled.
    str
        What was taken as missing; empty where nothing was.

    Notes
    -----
    None is returned where most values have no status, or there is nothing beside it.
    """
    if not is_text(column):
        return None
    head = column.iloc[:_HEAD_ROWS].dropna().iloc[:_SAMPLE_ROWS]
    if not len(head) or not head.astype(str).str.endswith("}").any():
        return None
    text = text_in(column)
    parts = pc.extract_regex(text, _WITH_STATUS)
    values, status = (pc.struct_field(parts, name) for name in ("value", "status"))
    n_there = len(text) - text.null_count
    if (len(parts) - parts.null_count) * 2 < n_there or not pc.any(pc.not_equal(values, "")).as_py():
        return None
    bad = pc.fill_null(pc.match_substring_regex(status, _BAD_STATUS), False)
    plain = pc.coalesce(values, text)
    plain = pc.if_else(pc.or_(bad, pc.is_in(plain, pa.array(["", "-"], plain.type))), None, plain)
    words = ", ".join(sorted(set(pc.unique(status.filter(bad)).to_pylist())))
    n_bad = pc.sum(bad).as_py() or 0
    note = f"{counted(n_bad, 'value')} with the status {words} taken as missing" if n_bad else ""
    return pd.Series(plain.to_pandas(), dtype="str", index=column.index), note


def _with_unit(value: object) -> re.Match[str] | None:
    return re.match(_WITH_UNIT, str(value).strip())


def state_numbers(column: pd.Series) -> tuple[pd.Series, str] | None:
    """Read a column of two words, as on and off, as 1 and 0.

    Parameters
    ----------
    column : pandas.Series
        Column of a file.

    Returns
    -------
    pandas.Series
        "1", "0" or missing.
    str
        What the words became.

    Notes
    -----
    None is returned where the column does not hold two such words.
    """
    if not is_text(column):
        return None
    words = pc.utf8_lower(text_in(column))
    different = words.drop_null().unique()
    pair = next((pair for pair in _PAIRS if 0 < len(different) <= 2 and set(different.to_pylist()) <= set(pair)), None)
    if pair is None:
        return None
    numbers = pc.if_else(pc.equal(words, pair[0]), "1", "0").cast(pa.large_string())
    return pd.Series(numbers.to_pandas(), dtype="str", index=column.index), f"{pair[0]} read as 1, {pair[1]} as 0"


def without_missing(column: pd.Series, words: Sequence[str], marks: NumberMarks) -> pd.Series:
    """Take values away that mean that there is none.

    Parameters
    ----------
    column : pandas.Series
        Column of a file.
    words : sequence of str
        These values; one that is a number stands for all that are equal to it.
    marks : NumberMarks
        How the numbers of the file are written.

    Returns
    -------
    pandas.Series

    Examples
    --------
    >>> without_missing(pd.Series(["-9999.0", "1", "bad"]), ["-9999", "bad"], NumberMarks()).tolist()
    [nan, '1', nan]
    """
    missing = np.zeros(len(column), dtype=bool)
    if is_text(column):
        values = pa.array([*words], pa.large_string())
        missing |= pc.is_in(text_in(column), value_set=values).to_numpy()
    read = [_number(word) for word in words]
    numbers = [number for number in read if number is not None]
    if numbers and (values_read := numbers_in(column, marks)) is not None:
        missing |= np.isin(values_read[0], numbers)
    return column.mask(missing) if missing.any() else column


def _number(word: str) -> float | None:
    try:
        return float(word.replace(",", "."))
    except ValueError:
        return None


def far_off_value(values: npt.NDArray[np.float64]) -> tuple[float, int] | None:
    """Find a value that recurs exactly, far from all others: it may stand for a missing one.

    Parameters
    ----------
    values : numpy.ndarray, shape (n,)
        Numbers of a column, NaN where missing.

    Returns
    -------
    value : float
    count : int
        How often it is there.

    Notes
    -----
    None is returned where there is none. Far off is what lies further from the others than ten times their range, or
    than their range where programs are known to write it for a missing value.

    Examples
    --------
    >>> far_off_value(np.array([20.1, -9999, 20.3, 20.4, 20.2, -9999, 20.5]))
    (-9999.0, 2)
    """
    there = np.isfinite(values)
    n_there = int(there.sum())
    for value in _ends(values, there):
        count = int((values == value).sum())
        is_usual = value in USUAL_SENTINELS  # a sensor that failed early has more of them than values
        if count < 2 or (count * 2 > n_there and not is_usual) or n_there <= _MIN_DIFFERENT:
            continue
        others = there & (values != value)
        low, high = _ends(values, others)
        distance = max(low - value, value - high)
        limit = high - low if is_usual else 10 * (high - low)
        if distance > limit > 0 and len(np.unique(values[others][:10_000])) >= _MIN_DIFFERENT:
            return value, count
    return None


def _ends(values: npt.NDArray[np.float64], where: npt.NDArray[np.bool_]) -> tuple[float, float]:
    """Return the least and the greatest value as floats of Python, which overflow to infinity without a warning."""
    return float(values.min(where=where, initial=np.inf)), float(values.max(where=where, initial=-np.inf))


def inexact_integers(column: pd.Series) -> int:
    """Count the integers of a column that 64 bits of a float do not hold exactly: beyond 2**53, and not even.

    Parameters
    ----------
    column : pandas.Series
        Column of a file.

    Returns
    -------
    int
    """
    if pd.api.types.is_integer_dtype(column.dtype):
        numbers = column.dropna()
        beyond = numbers[(numbers > 2**53) | (numbers < -(2**53))]
        return sum(int(float(number)) != int(number) for number in beyond)
    if not is_text(column) or not len(column):
        return 0
    text = text_in(column)
    if (pc.max(pc.binary_length(text)).as_py() or 0) < 16:
        return 0
    whole = text.filter(pc.match_substring_regex(text, r"^[+\-]?\d{16,300}$"))
    return sum(int(float(number)) != int(number) for number in whole.to_pylist())
