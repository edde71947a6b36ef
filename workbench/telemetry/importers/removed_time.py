"""Samples of a delivery that lie in a time which retention has removed: they do not come back."""

from collections.abc import Sequence

import numpy as np
import xarray as xr

from workbench.telemetry.appending import Contribution, Merged, OnConflict, is_dated, merge
from workbench.telemetry.archive import Archive
from workbench.telemetry.moments import ticks

__all__ = ["merge_behind_removed", "without_removed_time"]


def without_removed_time(archive: Archive, channel: str, series: xr.Dataset) -> xr.Dataset:
    """Return a series without the samples that lie where retention has removed those of its channel.

    Parameters
    ----------
    archive : Archive
        Archive that holds the channel.
    channel : str
        Name of the channel.
    series : xarray.Dataset
        See `workbench.telemetry.appending`.

    Returns
    -------
    xarray.Dataset
        It may be empty.
    """
    removed = archive.removed(channel)
    if not removed or not is_dated(series):
        return series
    times = ticks(series["time"].values)
    gone = np.zeros(len(times), dtype=bool)
    for since, until in removed:
        gone |= (times >= since) & (times <= until)
    return series.isel(time=np.flatnonzero(~gone)) if gone.any() else series


def merge_behind_removed(present: xr.Dataset, series: Sequence[xr.Dataset], on_conflict: OnConflict) -> Merged:
    """Merge series into the one that is there, some of which may have nothing left; see `merge`."""
    filled = [one for one in series if one.sizes["time"]]
    merged = merge([present, *filled], on_conflict)
    rest = iter(merged.contributions[1:])
    brought = [next(rest) if one.sizes["time"] else Contribution(0, 0, 0, 0) for one in series]
    return Merged(merged.series, (merged.contributions[0], *brought))
