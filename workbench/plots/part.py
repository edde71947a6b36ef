"""A part of a series, for figures that show what is around something."""

import pandas as pd
import xarray as xr

__all__ = ["part_of", "sequences_within"]


def part_of(dataset: xr.Dataset, first: int, last: int) -> xr.Dataset:
    """Cut a part out of a channel's split, or of its score.

    Parameters
    ----------
    dataset : xarray.Dataset
        Over `time`; one with a variable `sample`, as a score, is cut by that.
    first, last : int
        Samples of the split, both inclusive; what lies outside is not there.

    Returns
    -------
    xarray.Dataset
        With the attribute `first_sample`.

    Examples
    --------
    >>> import numpy as np
    >>> series = xr.Dataset({"telemetry": ("time", np.arange(10.0))})
    >>> part = part_of(series, 3, 5)
    >>> part["telemetry"].values, part.attrs["first_sample"]
    (array([3., 4., 5.]), 3)
    """
    begin = int(dataset["sample"].values[0]) if "sample" in dataset and dataset.sizes["time"] else 0
    lower = max(0, first - begin)
    part = dataset.isel(time=slice(lower, max(lower, last - begin + 1)))
    return part.assign_attrs(first_sample=lower + begin)


def sequences_within(sequences: pd.DataFrame | None, first: int, last: int) -> pd.DataFrame | None:
    """Return the sequences that reach into a part, without what lies outside it.

    Parameters
    ----------
    sequences : pandas.DataFrame or None
        `start`, `end` (inclusive).
    first, last : int
        Samples, both inclusive.

    Returns
    -------
    pandas.DataFrame or None
    """
    if sequences is None:
        return None
    within = sequences[(sequences["end"] >= first) & (sequences["start"] <= last)]
    return within.assign(start=within["start"].clip(lower=first), end=within["end"].clip(upper=last))
