"""Says what is wrong with a column that is called as times, where nothing can be read as times."""

import re
from collections.abc import Sequence

import numpy as np
import pandas as pd
import pyarrow.compute as pc

from workbench.exceptions import ImportDataError
from workbench.telemetry.importers.times import DateOrder, parse_times
from workbench.telemetry.importers.timing.clocks import clock_kind, is_clock_name, name_letters
from workbench.telemetry.importers.timing.time_forms import (
    DATE_FORMS,
    EARLIEST_YEAR,
    FIELD_DATES,
    LATEST_YEAR,
    Fields,
    as_text,
    fits,
)
from workbench.telemetry.importers.timing.time_numbers import numbers_of

__all__ = ["check_date_order", "check_julian", "check_likely", "check_side"]

_JULIAN_NAME = re.compile(r"[mbh]?jd(?:utc|tdb)?|(?:modified)?julian(?:day|date)s?", re.IGNORECASE)
_JULIAN_DAYS = ((2_440_000.5, 2_490_000.5), (40_000, 90_000))  # from 1968 on
_EXCEL_OF_JULIAN = -24_982  # its day 0 is the Julian day 2415018.5

_MIN_DATES = 0.9  # share of a column of dates such as 03/04/05
_MAX_LOST = 0.05  # of them, that the order that was chosen may leave without a date

_YEAR_OF_DATES = r"^(?:\d{1,2}[-/.]\d{1,2}[-/.])?(?P<year>\d{4})(?:[-/.]\d{1,2}[-/.]\d{1,2})?(?:\D|$)"


def check_date_order(
    sample: pd.DataFrame, columns: Sequence[str], order: DateOrder | None, timezone: str | None
) -> None:
    """Raise an error where dates such as 03/04/05 cannot be read in the order that was chosen, and can in another.

    Parameters
    ----------
    sample : pandas.DataFrame
        Rows from all over the table.
    columns : sequence of str
        Columns to look at.
    order : {"day", "month", "year"} or None
        What was chosen; nothing is checked where None.
    timezone : str or None
        Zone of times that carry none.

    Raises
    ------
    ImportDataError
        Names a date, and the order in which the column can be read.
    """
    for column in columns if order is not None else ():
        values = sample[column].dropna()
        text = as_text(values)
        is_clock = is_clock_name(column) and clock_kind(sample[column]) is not None
        if is_clock or not len(text) or fits(text, FIELD_DATES) < _MIN_DATES:
            continue
        chosen, free = parse_times(values, timezone, order), parse_times(values, timezone)
        lost = free.readable & ~chosen.readable
        if free.readable.mean() < _MIN_DATES or (chosen.date_order == order and lost.mean() <= _MAX_LOST):
            continue
        raise ImportDataError(
            f"Column {column!r} holds dates as {text[int(np.argmax(lost))].as_py()!r}, which cannot be read {order} "
            "first.",
            f"Pass --date-order {free.date_order}, or leave it out.",
        )


def check_julian(sample: pd.DataFrame, columns: Sequence[str]) -> None:
    """Raise an error where a column is called as Julian days and holds them: they are no days of a spreadsheet.

    Parameters
    ----------
    sample : pandas.DataFrame
        Rows from all over the table.
    columns : sequence of str
        Columns to look at.

    Raises
    ------
    ImportDataError
        Names what is to be subtracted.
    """
    for column in columns:
        if not _JULIAN_NAME.fullmatch(name_letters(column)) or pd.api.types.is_bool_dtype(sample[column].dtype):
            continue
        values = numbers_of(sample[column].dropna()).values
        for first, last in _JULIAN_DAYS:
            if len(values) and np.isfinite(values).all() and first < values.min() <= values.max() < last:
                raise ImportDataError(
                    f"Column {column!r} holds Julian days, as {values[0]:.10g}, which are not read as times.",
                    f"Subtract {first + _EXCEL_OF_JULIAN:.10g} from each, and pass --time-column {column} "
                    "--time-unit excel.",
                )


def check_side(columns: Sequence[str]) -> None:
    """Raise an error where the columns are called by times, as in a table with a row for each sensor.

    Parameters
    ----------
    columns : sequence of str
        All columns.

    Raises
    ------
    ImportDataError
        Says how the table should lie.
    """
    names = as_text(pd.Series(columns, dtype="str"))
    is_time = np.logical_or.reduce([Fields(names, form).matches for form in DATE_FORMS])
    if is_time.sum() > 1 and is_time.mean() > 0.5:
        example = columns[int(np.argmax(is_time))]
        raise ImportDataError(
            f"{is_time.sum()} of {len(columns)} columns are called by times, as {example!r}: the table is on its side.",
            "Write it with a row for each time and a column for each sensor.",
        )


def check_likely(sample: pd.DataFrame, columns: Sequence[str]) -> None:
    """Raise an error that says what is wrong with a column that is called as times and cannot be read as such.

    Parameters
    ----------
    sample : pandas.DataFrame
        Rows from all over the table.
    columns : sequence of str
        Columns with such a name.

    Raises
    ------
    ImportDataError
        The years of one lie out of range, it holds times of day that start anew, or none of its times can be read.
    """
    for column in columns:
        text = as_text(sample[column].dropna())
        if not len(text):
            continue
        example = text[0].as_py()
        years = pc.extract_regex(text, _YEAR_OF_DATES).drop_null()
        if len(years) * 2 > len(text) and all(
            not EARLIEST_YEAR <= int(year["year"]) < LATEST_YEAR for year in years.to_pylist()
        ):
            raise ImportDataError(
                f"The years of column {column!r} lie outside {EARLIEST_YEAR} to {LATEST_YEAR - 1}, as in {example!r}.",
                "Correct them in the file, or name another column of times with --time-column.",
            )
        if clock_kind(sample[column]) == "text":
            raise ImportDataError(
                f"Column {column!r} holds times of day without a date, as {example!r}, and they start anew.",
                "Put a column of dates beside it, or pass --sample-period with the step of the rows, as 10min.",
            )
    for column in columns:
        text = as_text(sample[column].dropna())
        if len(text):
            raise ImportDataError(
                f"Column {column!r} is called as times, and none can be read, as {text[0].as_py()!r}.",
                "Pass their form, as --time-format '%Y-%m-%d %H:%M:%S', or name another column with --time-column.",
            )
