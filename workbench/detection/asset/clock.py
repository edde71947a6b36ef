"""One time base for the channels of an asset, whose rates may be uneven."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from workbench.detection.asset.components import Rows
from workbench.detection.envelope.rolling import Floats
from workbench.exceptions import DetectionError
from workbench.telemetry.breaks import breaks_between
from workbench.telemetry.moments import clock_of, ticks

__all__ = ["PATIENCE", "AssetSeries", "on_one_clock", "standing_rows"]

PATIENCE = 2.0
"""How long a channel's last value stands, in its own median periods; afterwards it is missing."""


class AssetSeries:
    """The channels of an asset over one time base, of which parts are read when they are used.

    Parameters
    ----------
    series : mapping of str to xarray.Dataset
        One split of each channel, with its telemetry over its own times.
    patience : float
        How long a channel's last value stands, in its own median periods.
    max_gap_seconds : float, optional
        Longest step of the time base behind which it does not begin anew; any where omitted.

    Attributes
    ----------
    channels : tuple of str
        Names of the channels, in their order.
    clock : str
        Channel whose times are the base: the one with the most samples.
    times : numpy.ndarray, shape (n,)
        The times, or numbers of samples.
    breaks : tuple of int
        Rows at which the time base begins anew.

    Raises
    ------
    DetectionError
        There is no channel, or some have times and others numbers of samples.
    """

    def __init__(
        self, series: Mapping[str, xr.Dataset], patience: float = PATIENCE, max_gap_seconds: float | None = None
    ) -> None:
        if not series:
            raise DetectionError("The asset has no channel that can be read.", "Look at: workbench channels")
        self.channels = tuple(series)
        self._series = dict(series)
        self.clock = max(series, key=lambda name: series[name].sizes["time"])
        self.times: npt.NDArray[np.generic] = series[self.clock]["time"].values
        self.breaks = breaks_between(self.times, max_gap_seconds)
        base, kind = ticks(self.times), clock_of(self.times)
        self._positions: dict[str, npt.NDArray[np.int32]] = {}
        for name, one in series.items():
            times = one["time"].values
            if clock_of(times) != kind:
                raise DetectionError(
                    f"{self.clock} has {'times' if kind == 'time' else 'sample numbers'}, {name} has not.",
                    "Import the channels of an asset with the same kind of times.",
                )
            own = ticks(times)
            if own.size != base.size or not np.array_equal(own, base):
                self._positions[name] = standing_rows(own, base, patience)

    def __len__(self) -> int:
        return int(self.times.size)

    @property
    def absent(self) -> tuple[str, ...]:
        """Channels of which no value stands at any moment of the time base."""
        return tuple(name for name, rows in self._positions.items() if rows.max(initial=-1) < 0)

    def reader(self, channels: Sequence[str] | None = None) -> Rows:
        """Return a function that reads rows of some channels.

        Parameters
        ----------
        channels : sequence of str, optional
            Channels in the order of the columns, all where omitted; one that the asset does not have is missing.

        Returns
        -------
        callable
            Returns telemetry, shape (end - start, number of channels), from a first row up to the one after the last;
            NaN where a channel is missing.
        """
        names = self.channels if channels is None else tuple(channels)

        def rows(start: int, end: int) -> Floats:
            table = np.full((end - start, len(names)), np.nan)
            for column, name in enumerate(names):
                if name in self._series:
                    self._fill(table[:, column], name, start, end)
            return table

        return rows

    def _fill(self, column: Floats, name: str, start: int, end: int) -> None:
        telemetry = self._series[name]["telemetry"]
        if name not in self._positions:
            column[:] = telemetry[start:end].values
            return
        at = self._positions[name][start:end]
        there = at >= 0
        if there.any():
            first = int(at[there].min())
            column[there] = telemetry[first : int(at.max()) + 1].values[at[there] - first]


def on_one_clock(
    series: Mapping[str, "pd.Series[float]"], clock: str | None = None, patience: float = PATIENCE
) -> pd.DataFrame:
    """Bring channels of uneven rates onto one time base.

    Parameters
    ----------
    series : mapping of str to pandas.Series
        Values of each channel over its own times, or numbers of samples.
    clock : str, optional
        Channel whose times are the base; the one with the most samples where omitted.
    patience : float
        How long a channel's last value stands, in its own median periods; afterwards it is missing.

    Returns
    -------
    pandas.DataFrame
        One column a channel, in their order.

    Examples
    --------
    >>> fast, slow = pd.Series(np.arange(6.0)), pd.Series([10.0, 20.0], index=[0, 3])
    >>> on_one_clock({"fast": fast, "slow": slow})["slow"].tolist()
    [10.0, 10.0, 10.0, 20.0, 20.0, 20.0]
    """
    ordered = {name: one[~one.index.duplicated(keep="last")].sort_index() for name, one in series.items()}
    if not ordered:
        return pd.DataFrame()
    base = ordered[clock or max(ordered, key=lambda name: len(ordered[name]))].index
    columns = {}
    for name, one in ordered.items():
        periods = one.index.to_series().diff().dropna()
        tolerance = patience * periods.median() if len(periods) else None
        columns[name] = one.reindex(base, method="ffill", tolerance=tolerance)
    return pd.DataFrame(columns, index=base)


def standing_rows(
    own: npt.NDArray[np.int64], base: npt.NDArray[np.int64], patience: float = PATIENCE
) -> npt.NDArray[np.int32]:
    """Return for each moment of a base the row of a channel that stands there; -1 where none does.

    Parameters
    ----------
    own, base : numpy.ndarray, int64
        Moments of the channel and of the base, rising.
    patience : float
        How long the channel's last value stands, in its own median periods.

    Examples
    --------
    >>> standing_rows(np.array([0, 10, 20]), np.array([5, 10, 15, 20, 45]), patience=2.0).tolist()
    [0, 1, 1, 2, -1]
    """
    at = np.searchsorted(own, base, side="right") - 1
    if own.size > 1:
        age = base - own[np.maximum(at, 0)]
        at = np.where(age <= patience * float(np.median(np.diff(own))), at, -1)
    return at.astype(np.int32)
