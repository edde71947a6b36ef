"""Tables in which each value, or a few of them, has a column of times of its own beside it."""

import re
from dataclasses import replace

import numpy as np
import pandas as pd

from workbench.telemetry.importers.formats.raw_table import RawTable
from workbench.telemetry.importers.reading import Reading
from workbench.telemetry.importers.shapes.by_key import last_line_of, without_cut_row
from workbench.telemetry.importers.times import parse_times
from workbench.telemetry.importers.timing.time_names import TIME_WORD, names_time

__all__ = ["series_of_pairs"]

_VALUE_WORD = re.compile(r"values?|val(?![a-z])|wert|reading")
_UNNAMED = re.compile(r"unnamed:? ?\d+", re.IGNORECASE)
_SAMPLE_ROWS = 200


def series_of_pairs(raw: RawTable, reading: Reading) -> list[RawTable]:
    """Split a table in which columns of times and of values take turns.

    Parameters
    ----------
    raw : RawTable
        What was read.
    reading : Reading
        What was chosen.

    Returns
    -------
    list of RawTable
        One a clock; empty where the table has another form.

    Notes
    -----
    Two columns of times in one table may be anything, as the start and end of a batch. They are pairs where the names
    say so: `Time1, A, Time2, B`; `A time, A, B time, B`; or the tag above its times, and nothing above its values.
    """
    if reading.time_column or reading.channel_column or reading.value_column or reading.asset_column:
        return []
    groups = _groups([str(column) for column in raw.frame.columns])
    sample = raw.frame.iloc[:: max(1, len(raw.frame) // _SAMPLE_ROWS)]
    if len(groups) < 2 or not all(_holds_times(sample[time]) for time, _ in groups):
        return []
    raw = without_cut_row(raw, {value for _, values in groups for value in values})
    by_clock: list[tuple[str, pd.DataFrame]] = []
    for time, values in groups:
        frame = raw.frame[[time, *values]].dropna(how="all")
        if _UNNAMED.fullmatch(values[0]):
            frame = frame.rename(columns={time: "time", values[0]: time})
            time = "time"
        same = next((place for place, (name, one) in enumerate(by_clock) if _equal(one[name], frame[time])), None)
        if same is None:
            by_clock.append((time, frame))
        else:
            name, earlier = by_clock[same]
            by_clock[same] = (name, pd.concat([earlier, frame.drop(columns=time)], axis=1))
    tables = []
    for time, frame in by_clock:
        last = last_line_of(raw, np.asarray(frame.index), frame, {})
        part = str(next(column for column in frame.columns if column != time))
        tables.append(replace(raw, frame=frame.reset_index(drop=True), last=last, part=part))
    return [replace(tables[0], part="")] if len(tables) == 1 else tables


def _groups(columns: list[str]) -> list[tuple[str, list[str]]]:
    """Return the columns of times with those of their values, by names alone; empty where they are no pairs."""
    above_times = columns[::2]
    if len(columns) >= 4 and all(_UNNAMED.fullmatch(one) for one in columns[1::2]):
        is_named = len(columns) % 2 == 0 and not any(_UNNAMED.fullmatch(one) for one in above_times)
        return [(time, [value]) for time, value in zip(above_times, columns[1::2], strict=True)] if is_named else []
    groups: list[tuple[str, list[str]]] = []
    for column in columns:
        if names_time(column):
            groups.append((column, []))
        elif not groups:
            return []
        else:
            groups[-1][1].append(column)
    if not all(values for _, values in groups):
        return []
    are_numbered = len({re.sub(r"[\W\d_]", "", time.lower()) for time, _ in groups}) == 1
    are_named = all(
        len(values) == 1 and _letters(TIME_WORD, time) == _letters(_VALUE_WORD, values[0]) for time, values in groups
    )
    return groups if are_numbered or are_named else []


def _letters(word: re.Pattern[str], column: str) -> str:
    """Return what a name says beside a word."""
    return re.sub(r"[\W_]", "", word.sub("", re.sub(r"[\[(].*?[\])]", "", column.lower())))


def _holds_times(column: pd.Series) -> bool:
    values = column.dropna()
    if values.empty:
        return False
    parsed = parse_times(values)
    return bool(parsed.readable.mean() > 0.5 and (parsed.absolute or (np.diff(parsed.stamps) >= 0).all()))


def _equal(times: pd.Series, others: pd.Series) -> bool:
    return len(times) == len(others) and bool((times.to_numpy() == others.to_numpy()).all())
