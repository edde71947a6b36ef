"""Tables with a row for each day and a column for each time of day, as utilities write loads: one series."""

import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from workbench.counts import counted
from workbench.telemetry.importers.formats.number_marks import numbers_in
from workbench.telemetry.importers.formats.raw_table import RawTable
from workbench.telemetry.importers.reading import Reading
from workbench.telemetry.importers.report import ChannelImport
from workbench.telemetry.importers.shapes.by_key import without_cut_row
from workbench.telemetry.importers.shapes.key_names import role_of
from workbench.telemetry.importers.timing.time_columns import is_date_only

__all__ = ["with_one_row_a_time"]

_CLOCK = re.compile(r"(\d{1,2})[:h](\d{2})(?::\d{2})?(?:\s*-\s*\d{1,2}[:h]\d{2}(?::\d{2})?)?")
_HOUR = re.compile(r"(?i)(?:h|hr|he|hour|hora|heure|stunde)[ _.]?(\d{1,2})")
_DAY_MIN = 24 * 60
_MIN_CLOCKS = 8
_VALUE, _CLOCK_NAME = "value", "time of day"


def with_one_row_a_time(raw: RawTable, reading: Reading) -> RawTable:
    """Write a table that has a column for each time of day with a row for each time.

    Parameters
    ----------
    raw : RawTable
        What was read.
    reading : Reading
        What was chosen.

    Returns
    -------
    RawTable
        The table itself where its columns are not called as all times of a day, evenly apart, beside one of dates, or
        where some of them were chosen as channels.
    """
    columns = [str(column) for column in raw.frame.columns]
    clocks = [column for column in columns if _minutes(column) is not None]
    others = [column for column in columns if column not in clocks]
    if not _cover_a_day(clocks) or reading.columns or {_VALUE, _CLOCK_NAME} & set(columns):
        return raw
    dates = [column for column in others if is_date_only(raw.frame[column].iloc[:1000], reading)]
    if len(dates) != 1:
        return raw
    raw = replace(without_cut_row(raw, set()), last=None)
    named = {*reading.inputs, reading.label_column, reading.asset_column, reading.channel_column}
    named |= (
        set(others) if raw.frame[dates[0]].duplicated().any() else {*dates}
    )  # something tells the rows of a day apart
    kept = [one for one in others if one in named or role_of(one) or numbers_in(raw.frame[one], raw.marks) is None]
    n, k = len(raw.frame), len(clocks)
    frame = raw.frame[kept].loc[raw.frame.index.repeat(k)].reset_index(drop=True)
    frame.insert(kept.index(dates[0]) + 1, _CLOCK_NAME, pd.Series(np.tile([_clock(one) for one in clocks], n)))
    values = raw.frame[clocks]
    if any(pd.api.types.is_string_dtype(one.dtype) for _, one in values.items()):
        values = values.astype("str")
    frame[_VALUE] = values.to_numpy().ravel()
    note = (
        f"the {counted(k, 'column')} {clocks[0]} to {clocks[-1]} taken as the times of day of one series; as a channel "
        "each: --columns"
    )
    left_out = [ChannelImport(one, "skipped", note="one value a day") for one in others if one not in kept]
    return replace(raw, frame=frame, notes=(*raw.notes, note), left_out=(*raw.left_out, *left_out))


def _cover_a_day(clocks: Sequence[str]) -> bool:
    """Tell whether names are times of day, evenly apart, from the first to the last of a day."""
    if len(clocks) < _MIN_CLOCKS:
        return False
    minutes = [_minutes(one) or 0 for one in clocks]
    steps = set(np.diff(minutes).tolist())
    return len(steps) == 1 and steps.pop() * len(minutes) == _DAY_MIN


def _minutes(name: str) -> int | None:
    """Return the minute of the day that a name says, as 10:15, 10:15-10:30 or H10; None where it says none."""
    if (clock := _CLOCK.fullmatch(name)) is not None:
        return 60 * int(clock[1]) + int(clock[2])
    hour = _HOUR.fullmatch(name)
    return None if hour is None else 60 * int(hour[1])


def _clock(name: str) -> str:
    minutes = _minutes(name) or 0
    return f"{minutes // 60:02d}:{minutes % 60:02d}"
