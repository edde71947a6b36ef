"""Numbers in text: which mark stands before the decimals, and which between groups of digits."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

__all__ = ["NumberMarks", "numbers_in"]

_TRUTH = {"true": 1.0, "false": 0.0}


@dataclass(frozen=True)
class NumberMarks:
    """How numbers are written in a file.

    Attributes
    ----------
    decimal : str
        "." or ",".
    thousands : str or None
        Mark between groups of three digits.
    """

    decimal: str = "."
    thousands: str | None = None


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
    None is returned where less than half of the values that are there are numbers.
    """
    if pd.api.types.is_bool_dtype(column.dtype) or pd.api.types.is_numeric_dtype(column.dtype):
        return np.asarray(column.astype("float64").to_numpy(na_value=np.nan), dtype=np.float64), 0
    if not (pd.api.types.is_object_dtype(column.dtype) or pd.api.types.is_string_dtype(column.dtype)):
        return None
    has_value = column.notna()
    text = column.astype("object").where(has_value, "").map(str).str.strip()
    has_value &= text != ""
    truth = text.str.lower().map(_TRUTH)
    if has_value.any() and not (has_value & truth.isna()).any():
        return np.asarray(truth, dtype=np.float64), 0
    plain = text if marks.thousands is None else text.str.replace(marks.thousands, "", regex=False)
    readings = [pd.to_numeric(plain.str.replace(marks.decimal, ".", regex=False), errors="coerce").astype("float64")]
    if marks.thousands != "," and text.str.contains(",", regex=False).any():
        readings.append(pd.to_numeric(text.str.replace(",", ".", regex=False), errors="coerce").astype("float64"))
    best = max(readings, key=lambda reading: int(reading.notna().sum()))
    if not has_value.any() or best.notna().sum() * 2 < has_value.sum():
        return None
    return np.asarray(best, dtype=np.float64), int((has_value & best.isna()).sum())
