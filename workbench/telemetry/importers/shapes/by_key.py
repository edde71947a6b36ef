"""Splits a table by its keys: a table for each machine and clock."""

import re
from dataclasses import replace
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.counts import counted
from workbench.telemetry.importers.formats.last_line import LEFT_OUT, LastLine
from workbench.telemetry.importers.formats.raw_table import RawTable
from workbench.telemetry.importers.reading import Reading
from workbench.telemetry.importers.report import ChannelImport
from workbench.telemetry.importers.roles.value_quality import bad_rows
from workbench.telemetry.importers.shapes.key_rows import KeyRows
from workbench.telemetry.importers.shapes.keys import Keys

__all__ = ["last_line_of", "split_by_keys", "without_cut_row"]

_LOGGER_MARK = re.compile(r"\$RT_\w+\$")  # WinCC's rows about its own logging
_UNIT = re.compile(r"[^\[\]]{1,20}")


def without_cut_row(raw: RawTable, values: set[str]) -> RawTable:
    """Leave out the last row where it may be cut elsewhere than in a value.

    Parameters
    ----------
    raw : RawTable
        What was read.
    values : set of str
        Columns of values: the last value of a file is doubtful, but stays.
    """
    if raw.last is None:
        return raw
    ends_in_value = raw.frame.columns[raw.last.fields - 1] in values
    if raw.last.is_whole and (ends_in_value or raw.last.is_as_long):
        return raw
    notes = (*raw.notes, LEFT_OUT)
    return replace(raw, frame=raw.frame.iloc[:-1], rows_dropped=raw.rows_dropped + 1, notes=notes, last=None)


def split_by_keys(raw: RawTable, keys: Keys, reading: Reading) -> list[RawTable]:
    """Split a table by its keys.

    Parameters
    ----------
    raw : RawTable
        What was read.
    keys : Keys
        Its keys.
    reading : Reading
        What was chosen.

    Returns
    -------
    list of RawTable
        One a machine; in the long form one a machine and clock: channels with the same times stand side by side.

    Raises
    ------
    ImportDataError
        Nothing says which values of the column of quality mean good.
    """
    raw, keys = _with_quality(raw, keys, reading)
    key_columns = {*keys.assets, *keys.channels, *keys.times}
    values = {keys.value} if keys.channels else {str(column) for column in raw.frame.columns} - key_columns
    raw = without_cut_row(raw, values)
    rows = KeyRows(raw.frame)
    machine, assets = rows.names(keys.assets) if keys.assets else (np.zeros(len(raw.frame), dtype=np.int64), [None])
    complete = machine >= 0
    tag, tags = (machine, [""])
    if keys.channels:
        tag, tags = rows.names(keys.channels)
        complete &= tag >= 0
        for code in [place for place, name in enumerate(tags) if _LOGGER_MARK.fullmatch(name)]:
            complete &= tag != code
    n_without = int((~complete).sum())
    raw = replace(raw, rows_dropped=raw.rows_dropped + n_without, left_out=(*raw.left_out, *_left_out(raw, keys)))
    if n_without:
        raw = replace(raw, notes=(*raw.notes, f"{counted(n_without, 'row')} without a key left out"))
    series = []
    for place, name in zip(_places(machine, complete), assets, strict=False):
        if not keys.channels:
            frame = raw.frame.iloc[place].drop(columns=list(keys.assets)).reset_index(drop=True)
            series.append(replace(raw, frame=frame, last=last_line_of(raw, place, frame, {}), asset=name))
        else:
            series += _side_by_side(replace(raw, asset=name), keys, rows, place, tag, tags)
    return series


def _with_quality(raw: RawTable, keys: Keys, reading: Reading) -> tuple[RawTable, Keys]:
    """Read the column of quality of the long form."""
    if keys.quality is None:
        return raw, keys
    column = raw.frame[keys.quality]
    is_chosen = reading.quality_column is not None
    is_code = column.nunique() > 1 and pd.to_numeric(column.dropna().iloc[:100], errors="coerce").notna().all()
    bad, note = bad_rows(column, keys.quality, reading, is_chosen=bool(is_chosen or is_code))
    if bad is None:
        return raw, replace(keys, quality=None)
    notes = (*raw.notes, note) if note else raw.notes
    return replace(raw, frame=raw.frame.assign(**{keys.quality: bad}), notes=notes), keys


def _places(codes: npt.NDArray[np.int64], complete: npt.NDArray[np.bool_]) -> list[npt.NDArray[np.intp]]:
    """Return the rows of each code, in the order of the file."""
    rows = np.flatnonzero(complete)
    if not len(rows):
        return []
    order = rows[np.argsort(codes[rows], kind="stable")]
    bounds = np.searchsorted(codes[order], np.arange(codes.max() + 2))
    return [order[first:stop] for first, stop in pairwise(bounds)]


def _side_by_side(
    raw: RawTable,
    keys: Keys,
    rows: KeyRows,
    machine_rows: npt.NDArray[np.intp],
    tag: npt.NDArray[np.int64],
    tags: list[str],
) -> list[RawTable]:
    """Return the channels of a machine as tables of one clock each."""
    moments = rows.joint_codes(keys.times)
    own = np.zeros(len(tag), dtype=bool)
    own[machine_rows] = True
    by_clock: dict[bytes, list[tuple[int, npt.NDArray[np.intp]]]] = {}
    for code, places in enumerate(_places(tag, own)):
        if len(places):
            clock = moments[places].tobytes() if keys.times else str(len(places)).encode()
            clock += b"" if keys.label is None else str(code).encode()  # a label goes with the value of its row
            by_clock.setdefault(clock, []).append((code, places))
    tables = []
    for members in by_clock.values():
        _, first_places = members[0]
        columns = {time: raw.frame[time].iloc[first_places].array for time in keys.times}
        quality: dict[str, str] = {}
        names: dict[str, npt.NDArray[np.intp]] = {}
        for code, places in members:
            name = _channel_name(raw.frame, keys, tags[code], places)
            columns[name] = raw.frame[keys.value].iloc[places].array
            names[name] = places
            if keys.quality is not None:
                quality[name] = f"{keys.quality} of {name}"
                columns[quality[name]] = raw.frame[keys.quality].iloc[places].array
            if keys.label is not None:
                columns[keys.label] = raw.frame[keys.label].iloc[places].array
        frame = pd.DataFrame(columns)
        end = len(raw.frame) - 1
        ending = next((name for name, places in names.items() if places[-1] == end), None)
        last = None if ending is None else last_line_of(raw, names[ending], frame, {keys.value: ending})
        more = f" and {len(names) - 1} more" if len(names) > 1 else ""
        part = next(iter(names)) + more
        tables.append(replace(raw, frame=frame, last=last, part=part, quality=quality))
    return [replace(tables[0], part="")] if len(tables) == 1 else tables


def _channel_name(frame: pd.DataFrame, keys: Keys, tag: str, places: npt.NDArray[np.intp]) -> str:
    name = f"{keys.channels[0]} {tag}" if tag in keys.times else tag
    if keys.unit is None:
        return name
    units = frame[keys.unit].iloc[places].dropna()
    unit = str(units.iloc[0]).strip() if len(units) else ""
    return f"{name} [{unit}]" if _UNIT.fullmatch(unit) else name


def last_line_of(
    raw: RawTable, places: npt.NDArray[np.intp], frame: pd.DataFrame, new_names: dict[str, str]
) -> LastLine | None:
    """Return the last line of a part of a table; None where it is not that of the file.

    Parameters
    ----------
    raw : RawTable
        The whole table.
    places : numpy.ndarray, shape (n,)
        Rows of the part, in the order of the file.
    frame : pandas.DataFrame
        The part.
    new_names : dict of str to str
        Names in the part of columns that were renamed.
    """
    if raw.last is None or not len(places) or places[-1] != len(raw.frame) - 1:
        return None
    column = str(raw.frame.columns[raw.last.fields - 1])
    column = new_names.get(column, column)
    fields = list(frame.columns).index(column) + 1 if column in frame.columns else 0
    return replace(raw.last, fields=fields) if fields else None


def _left_out(raw: RawTable, keys: Keys) -> list[ChannelImport]:
    """Say what became of the columns that are no channels."""
    uses = dict.fromkeys(keys.assets, "names the machine of each row; otherwise: --asset-column or --exclude")
    uses |= dict.fromkeys(keys.channels, "names the channel of each row; otherwise: --channel-column or --exclude")
    if keys.channels:
        uses[keys.value] = ""
        uses |= {name: "" for name in keys.times}
        if keys.unit is not None:
            uses[keys.unit] = "names the unit of each channel"
        if keys.quality is not None:
            uses[keys.quality] = ""
        if keys.label is not None:
            uses[keys.label] = ""
        beside = f"stands beside {keys.channels[0]} and {keys.value} in the long form; as the values: --value-column"
        uses |= {str(column): beside for column in raw.frame.columns if column not in uses}
    return [ChannelImport(column, "skipped", note=note) for column, note in uses.items() if note]
