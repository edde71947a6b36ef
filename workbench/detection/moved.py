"""Scores of a series that was changed since: at the moments that they are about, not at the rows that these had."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from workbench.detection.continuing import with_rows
from workbench.telemetry.moments import clock_of, rows_between, ticks

__all__ = ["score_on"]


def score_on(scored: xr.Dataset, times: npt.NDArray[Any]) -> xr.Dataset | None:
    """Return a score as one of a series, which may have other rows than the one that was scored.

    Parameters
    ----------
    scored : xarray.Dataset
        A stored score.
    times : numpy.ndarray, shape (n,)
        Coordinate `time` of the series as it is now.

    Returns
    -------
    xarray.Dataset or None
        The score itself where its samples have the same rows. Else its samples at their rows now, NaN at those that
        came between them, and its anomalies at the rows of the same moments. None where the series holds no sample
        that was scored.
    """
    stamps = scored["time"].values
    first = int(scored["sample"].variable[0]) if stamps.size else 0
    if stamps.size and first >= 0 and np.array_equal(times[first : first + stamps.size], stamps):
        return scored
    if clock_of(stamps) != clock_of(times):
        return None
    places = np.searchsorted(times, stamps)
    stays = np.zeros(stamps.size, dtype=bool)
    stays[places < times.size] = times[places[places < times.size]] == stamps[places < times.size]
    if not stays.any():
        return None
    rows = places[stays]
    start, length = int(rows[0]), int(rows[-1] - rows[0]) + 1
    variables: dict[str, Any] = {}
    for name, variable in scored.data_vars.items():
        if variable.dims == ("time",) and name != "sample":
            values = np.full(length, np.nan, dtype=variable.dtype)
            values[rows - start] = variable.values[stays]
            variables[str(name)] = ("time", values, variable.attrs)
    clock, moments = clock_of(times), ticks(stamps)

    def place(begin: int, end: int) -> tuple[int, int] | None:
        if end < first:  # the moments of what was judged without a forecast are not stored
            return None
        ends = (np.clip(row - first, 0, stamps.size - 1) for row in (begin, end))
        return rows_between(times, clock, *(int(moments[one]) for one in ends))

    attributes: Mapping[Any, Any] = with_rows(scored.attrs, place)
    coordinates = {"time": times[start : start + length], "sample": ("time", np.arange(start, start + length))}
    return xr.Dataset(variables, coordinates, dict(attributes))
