"""Refuses a table in which most rows share their time with another: several series, which must not be joined to one."""

import re

import pandas as pd

from workbench.exceptions import ImportDataError
from workbench.telemetry.importers.formats.number_marks import is_text
from workbench.telemetry.importers.repair import Ordered
from workbench.telemetry.importers.shapes.keys import separating_columns
from workbench.telemetry.importers.table_times import TimedTable

__all__ = ["check_shared_times"]

_CLOCK_NAME = re.compile(r"time|clock|hour|zeit|stunde|minute|second|ms\b|millis")
_HALF_DAY_CLOCK = re.compile(r"(?:^|[ T])(?P<hour>\d{1,2}):\d\d[:.,\d]*\s*(?P<half>[AaPp]\.?\s?[Mm])?")
_MOST = 0.5  # of the rows
_DIFFERENT = 0.1  # of the rows that would be joined; fewer are corrections in a file that holds each row twice


def check_shared_times(table: TimedTable, ordered: Ordered) -> None:
    """Raise an error where most rows have the time of another one, and values of their own.

    Parameters
    ----------
    table : TimedTable
        The table, whose rows have times.
    ordered : Ordered
        Its samples in the order of time.

    Raises
    ------
    ImportDataError
        It names the share of rows, the columns that may tell the series apart, and the options for them.
    """
    n = len(table.frame)
    joined = ordered.equal + ordered.conflicting
    if ordered.shared <= _MOST * n or ordered.conflicting <= _DIFFERENT * joined:
        return
    _check_clock(table)
    keys = separating_columns(table.frame, pd.Series(table.stamps)) if len(table.frame.columns) > 1 else []
    whose = f" of {table.raw.asset or table.raw.part}" if table.raw.asset or table.raw.part else ""
    message = (
        f"{table.raw.path}: {ordered.shared / n:.0%} of the rows{whose} ({ordered.shared:,} of {n:,}) have the time of "
        "another row and other values: the table holds several series."
    )
    clocks = [key for key in keys if _CLOCK_NAME.search(key.lower())]
    if clocks:
        date = table.time_columns[0] if table.time_columns else "DATE"
        raise ImportDataError(message, f'Where {clocks[0]!r} is the clock: --time-column "{date},{clocks[0]}".')
    if keys:
        raise ImportDataError(
            message,
            f"Under each value of {' or of '.join(repr(key) for key in keys[:3])} a time occurs once. Pass "
            f'--asset-column "{keys[0]}" where it names machines, or --channel-column "{keys[0]}" and --value-column '
            "where it names what is measured.",
        )
    raise ImportDataError(
        message,
        "Name the column that tells the series apart with --asset-column or --channel-column, or the columns of date "
        "and clock with --time-column.",
    )


def _check_clock(table: TimedTable) -> None:
    """Raise an error where the clock runs from 1 to 12 twice a day, and nothing says which half of the day it is."""
    if not table.time_columns or not is_text(table.raw.frame[table.time_columns[-1]]):
        return
    column = table.time_columns[-1]
    parts = table.raw.frame[column].astype(str).str.extract(_HALF_DAY_CLOCK)
    hours = pd.to_numeric(parts["hour"]).dropna()
    if parts["half"].notna().any() or set(hours) != set(range(1, 13)):
        return
    raise ImportDataError(
        f"{table.raw.path}: the hours of column {column!r} run from 1 to 12 without AM or PM, so that each time stands "
        "for two, and the times go back at noon.",
        "Export the times on a clock of 24 hours, or with AM and PM.",
    )
