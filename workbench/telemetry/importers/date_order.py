"""Decide how dates such as 03/04/2024 are read where the file alone does not say it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from workbench.exceptions import ImportDataError, WorkbenchError
from workbench.telemetry.appending import is_dated, time_text
from workbench.telemetry.importers.file_samples import FileSamples
from workbench.telemetry.importers.times import uneven_steps

__all__ = ["with_date_order"]

_NEAR_STEPS = 1.5  # steps of the series, from its end to the first sample that continues it
_ORDERS = ("day", "month", "year")


def with_date_order(
    files: Sequence[FileSamples], present: Mapping[str, xr.Dataset]
) -> tuple[list[FileSamples], dict[str, WorkbenchError]]:
    """Return files of one asset with the order of dates that goes with the others and continues the archive.

    Parameters
    ----------
    files : sequence of FileSamples
        Files that come together.
    present : mapping of str to xarray.Dataset
        The series that the archive holds of their columns, by column.

    Returns
    -------
    files : list of FileSamples
        Each in the order that was decided on, with a note that says what decided.
    refused : dict of str to WorkbenchError
        All readings of each file for which nothing decides, by path. Those files are returned, too.

    Notes
    -----
    What decides, in this order: other files of the asset that only one order allows; the series of the archive, of
    which one reading is the continuation or holds the same samples; even steps of the files together. A file for which
    nothing decides is refused.
    """
    open_files = [file for file in files if file.other is not None]
    if not open_files:
        return list(files), {}
    orders = [order for order in _ORDERS if all(order in _readings(file) for file in open_files)]
    readings = {order: [_readings(file)[order] for file in open_files] for order in orders}
    series = {name: one for name, one in present.items() if is_dated(one)}
    order, why = _decision(files, readings, series)
    if order is not None:
        chosen = (replace(file, other=None, notes=_notes(file, why)) for file in readings[order])
        return [file if file.other is None else next(chosen) for file in files], {}
    refused: dict[str, WorkbenchError] = {
        str(file.path): _ambiguous(list(_readings(file).values()), series) for file in open_files
    }
    return list(files), refused


def _readings(file: FileSamples) -> dict[str, FileSamples]:
    """Return a file in each order in which its dates can be read, by order."""
    readings: dict[str, FileSamples] = {}
    reading: FileSamples | None = file
    while reading is not None:
        readings[str(reading.date_order)] = reading
        reading = reading.other
    return readings


def _decision(
    files: Sequence[FileSamples], readings: Mapping[str, list[FileSamples]], present: Mapping[str, xr.Dataset]
) -> tuple[str | None, str]:
    sure = {file.date_order for file in files if file.other is None and file.date_order is not None}
    if len(sure) == 1 and sure <= readings.keys():
        return sure.pop(), "as in the other files"
    for column, series in present.items():
        fitting = [order for order in readings if _continues(readings[order], column, series)]
        if len(fitting) == 1:
            end = time_text(series["time"].values[-1])
            return fitting[0], f"as that continues {series.attrs['channel']}, which ends at {end}"
    if all(len(files_in_order) > 1 for files_in_order in readings.values()):
        uneven = {order: uneven_steps(_times(readings[order])) for order in readings}
        least = [order for order in readings if uneven[order] == min(uneven.values())]
        if len(least) == 1:
            return least[0], "as that keeps the steps even"
    return None, ""


def _times(files: Sequence[FileSamples]) -> npt.NDArray[Any]:
    return np.unique(np.concatenate([file.stamps for file in files]))


def _continues(files: Sequence[FileSamples], column: str, series: xr.Dataset) -> bool:
    """Tell whether files hold samples of a series, or begin or end beside one of them; none may contradict it."""
    time, values = series["time"].values, series["telemetry"].values
    holds_the_same = False
    for file in files:
        if column not in file.columns:
            continue
        _, own, theirs = np.intersect1d(file.stamps, time, return_indices=True)
        pair = file.columns[column][own].astype(values.dtype), values[theirs]
        both = ~np.isnan(pair[0]) & ~np.isnan(pair[1])
        if (pair[0][both] != pair[1][both]).any():
            return False
        holds_the_same |= bool(both.any())
    if holds_the_same or len(time) < 2:
        return holds_the_same
    reach = _NEAR_STEPS * float(np.median(np.diff(time).astype("int64")))
    new = _times(files)
    before = np.searchsorted(time, new[0]) - 1
    after = np.searchsorted(time, new[-1])
    gaps = []
    if before >= 0:
        gaps.append(float((new[0] - time[before]).astype("int64")))
    if after < len(time):
        gaps.append(float((time[after] - new[-1]).astype("int64")))
    return min(gaps) <= reach


def _notes(file: FileSamples, why: str) -> tuple[str, ...]:
    others = [note for note in file.notes if not note.startswith("dates read ")]
    return (f"dates read {file.date_order} first, {why}", *others)


def _ambiguous(readings: Sequence[FileSamples], present: Mapping[str, xr.Dataset]) -> ImportDataError:
    ways = [
        f"{file.date_order} first they go from {time_text(file.stamps[0])} to {time_text(file.stamps[-1])}"
        for file in readings
    ]
    number, none = ("two", "Neither") if len(ways) == 2 else ("three", "None")
    why = "Nothing in the file decides."
    for series in list(present.values())[:1]:
        first, last = (time_text(series["time"].values[place]) for place in (0, -1))
        why = f"{none} alone continues {series.attrs['channel']}, which goes from {first} to {last}."
    return ImportDataError(
        f"The dates of {readings[0].path} can be read in {number} ways: {', '.join(ways)}. {why}",
        f"Pass {' or '.join(f'--date-order {file.date_order}' for file in readings)}.",
    )
