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
_ORDERS = ("day", "month")


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
        Both readings of each file for which nothing decides, by path. Those files are returned, too.

    Notes
    -----
    What decides, in this order: other files of the asset that only one order allows; the series of the archive, of
    which one reading is the continuation or holds the same samples; even steps of the files together. A file of a new
    channel for which nothing decides stays as it was read.
    """
    open_files = [file for file in files if file.other is not None]
    if not open_files:
        return list(files), {}
    readings = {order: [_in_order(file, order) for file in open_files] for order in _ORDERS}
    series = {name: one for name, one in present.items() if is_dated(one)}
    order, why = _decision(files, readings, series)
    if order is not None:
        chosen = (replace(file, other=None, notes=_notes(file, why)) for file in readings[order])
        return [file if file.other is None else next(chosen) for file in files], {}
    refused: dict[str, WorkbenchError] = {}
    if series:
        refused = {
            str(file.path): _both_readings(readings["day"][place], readings["month"][place], series)
            for place, file in enumerate(open_files)
        }
    return list(files), refused


def _in_order(file: FileSamples, order: str) -> FileSamples:
    return file if file.date_order == order or file.other is None else replace(file.other, other=file)


def _decision(
    files: Sequence[FileSamples], readings: Mapping[str, list[FileSamples]], present: Mapping[str, xr.Dataset]
) -> tuple[str | None, str]:
    sure = {file.date_order for file in files if file.other is None and file.date_order is not None}
    if len(sure) == 1:
        return sure.pop(), "as in the other files"
    for column, series in present.items():
        fitting = [order for order in _ORDERS if _continues(readings[order], column, series)]
        if len(fitting) == 1:
            end = time_text(series["time"].values[-1])
            return fitting[0], f"as that continues {series.attrs['channel']}, which ends at {end}"
    if len(readings["day"]) > 1:
        uneven = {order: uneven_steps(_times(readings[order])) for order in _ORDERS}
        if uneven["day"] != uneven["month"]:
            return min(uneven, key=lambda order: uneven[order]), "as that keeps the steps even"
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


def _both_readings(day: FileSamples, month: FileSamples, present: Mapping[str, xr.Dataset]) -> ImportDataError:
    series = next(iter(present.values()))
    ways = [
        f"{name} first they go from {time_text(file.stamps[0])} to {time_text(file.stamps[-1])}"
        for name, file in (("day", day), ("month", month))
    ]
    first, last = (time_text(series["time"].values[place]) for place in (0, -1))
    return ImportDataError(
        f"The dates of {day.path} can be read in two ways: {', '.join(ways)}. Neither alone continues "
        f"{series.attrs['channel']}, which goes from {first} to {last}.",
        "Pass --date-order day or --date-order month.",
    )
