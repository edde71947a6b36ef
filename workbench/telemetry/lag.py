"""The lag of each channel's telemetry and scores, and the gaps in its series."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pandas as pd

from workbench.exceptions import ArchiveError
from workbench.telemetry.archive import Archive
from workbench.telemetry.quality import gap_counts

__all__ = ["LAG_COLUMNS", "LagReader"]

LAG_COLUMNS = ("channel", "asset", "newest", "lag", "gaps", "missed", "received", "scored_at")
"""Columns of `LagReader.read`."""

_SAMPLES_AT_A_TIME = 65_536  # read from the end to find the last value


@dataclass(frozen=True)
class _Series:
    test_hash: str
    newest: pd.Timestamp | None
    gaps: int
    missing_samples: int


class LagReader:
    """Reads how current channels are; the time of a series is read once as long as the series stays the same.

    Parameters
    ----------
    archive : Archive
        Archive that holds the channels.
    """

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self._series: dict[str, _Series] = {}

    def read(self, channels: Iterable[str], now: datetime) -> pd.DataFrame:
        """Return how far behind each channel is.

        Parameters
        ----------
        channels : iterable of str
            Names of the channels.
        now : datetime
            Present time, with its zone.

        Returns
        -------
        pandas.DataFrame
            One row a channel: `asset`; `newest`, time of the last sample that holds a value, UTC, NaT where the source
            gives sample numbers; `lag`, seconds from then to now; `gaps` in the time of the test series and the samples
            `missed` in them; `received`, when its telemetry was written, and `scored_at`, when it was last scored, NaT
            where it was not, UTC. Of a damaged channel nothing but its name and asset is known.

        Raises
        ------
        ChannelNotFoundError
            A channel is not in the archive.
        """
        rows = []
        for name in channels:
            try:
                rows.append(self._row(name, pd.Timestamp(now)))
            except ArchiveError:  # damaged: its state in the overview says so
                rows.append((name, self._archive.asset_of(name)[0], None, np.nan, 0, 0, None, None))
        return pd.DataFrame(rows, columns=list(LAG_COLUMNS)).astype(
            {name: "datetime64[ns, UTC]" for name in ("newest", "received", "scored_at")} | {"lag": "float64"}
        )

    def _row(self, name: str, now: pd.Timestamp) -> tuple[object, ...]:
        info = self._archive.info(name)
        series = self._series.get(name)
        if series is None or series.test_hash != info.test_hash:
            series = self._series[name] = self._look(name, info.test_hash)
        lag = np.nan if series.newest is None else (now - series.newest).total_seconds()
        received = pd.Timestamp(round(self._archive.received(name)), unit="s", tz="UTC")
        times = [attrs["scored_at"] for attrs in self._archive.scores(name).values() if "scored_at" in attrs]
        scored = max((pd.Timestamp(time) for time in times), default=None)
        return name, info.asset, series.newest, lag, series.gaps, series.missing_samples, received, scored

    def _look(self, name: str, test_hash: str) -> _Series:
        series = self._archive.open(name)
        time, telemetry = series["time"].values, series["telemetry"].variable
        gaps, missing_samples = gap_counts(time)
        newest = None
        for end in range(time.size, 0, -_SAMPLES_AT_A_TIME) if np.issubdtype(time.dtype, np.datetime64) else ():
            start = max(0, end - _SAMPLES_AT_A_TIME)
            present = np.flatnonzero(~np.isnan(telemetry[start:end].values))
            if present.size:
                newest = pd.Timestamp(time[start + present[-1]], tz="UTC")
                break
        return _Series(test_hash, newest, gaps, missing_samples)
