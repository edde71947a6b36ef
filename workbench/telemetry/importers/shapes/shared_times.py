"""Refuses a table in which most rows share their time with another: several series, which must not be joined to one."""

import re

import pandas as pd

from workbench.exceptions import ImportDataError
from workbench.telemetry.importers.repair import Ordered
from workbench.telemetry.importers.shapes.keys import separating_columns
from workbench.telemetry.importers.table_times import TimedTable

__all__ = ["check_shared_times"]

_CLOCK_NAME = re.compile(r"time|clock|hour|zeit|stunde|minute|second|ms\b|millis")
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
    keys = separating_columns(table.frame, pd.Series(table.stamps))
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
