"""What monitoring shows of an asset: its channels in groups, each prepared once, and the table of last values."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from workbench.counts import counted
from workbench.exceptions import ArchiveError
from workbench.live.arrivals import Arrivals
from workbench.live.standing import catching_up
from workbench.plots.long_trace import LONG_SAMPLES, LongTrace
from workbench.plots.marks import mark_data
from workbench.plots.strip_data import Strip, make_strip
from workbench.scores import anomalies_within
from workbench.telemetry.catalog import Catalog, Limits
from workbench.telemetry.last_values import last_value, quality_spans
from workbench.telemetry.moments import ticks
from workbench.views.markup import percent
from workbench.views.monitoring.held_channels import Held, go_on, published
from workbench.views.monitoring.long_channels import long_last_value, long_strip
from workbench.views.view_session import ViewSession

__all__ = ["ALL", "WORST", "ChannelStore", "presets"]

WORST = "worst first"
ALL = "all, by name"

_MAX_SAMPLES = 16_000_000
"""Samples in memory above which the channel that was shown longest ago is dropped."""

_COMING_S = 30.0
"""Seconds after a sample was seen to come for which a channel counts as one that others come from."""

_LIMITS = ("critical_low", "warning_low", "warning_high", "critical_high")


def presets(catalog: Catalog, fleet: pd.DataFrame, asset: str) -> dict[str, list[str]]:
    """Return the groups of an asset's channels.

    Parameters
    ----------
    catalog : Catalog
        Names of subsystems.
    fleet : pandas.DataFrame
        Table of `Session.overview`.
    asset : str
        Id of the asset.

    Returns
    -------
    dict of str to list of str
        Channels by the words of the group: all of them worst first, all by name, and each subsystem.
    """
    rows = fleet[fleet["asset"] == asset]
    worst = rows.assign(rank=rows["severity"].fillna(-1.0)).sort_values("rank", ascending=False, kind="stable")
    groups = {WORST: worst["channel"].tolist(), ALL: rows["channel"].tolist()}
    for subsystem, members in rows.groupby("subsystem", sort=False):
        name = catalog.subsystem_name(asset, str(subsystem)) or "no subsystem"
        groups[name if name not in groups else f"{name} ({subsystem})"] = members["channel"].tolist()
    return groups


class ChannelStore:
    """Read channels and prepare them for the charts, each when it is first asked for.

    Parameters
    ----------
    session : ViewSession
        Session that all values come from.

    Attributes
    ----------
    damage : dict of str to str
        What is wrong with channels, or with their scores, that were asked for and could not be read.
    """

    def __init__(self, session: ViewSession) -> None:
        self._session = session
        self._channels: dict[str, Held] = {}
        self._outdated: set[str] = set()  # held channels of which the archive holds more, or others
        self._rewritten: set[str] = set()
        self._came: dict[str, float] = {}  # when samples of a channel were last seen to come
        self._quality: dict[str, str] = {}
        self.damage: dict[str, str] = {}
        self._unreadable: set[str] = set()
        self._arrivals = Arrivals(session.settings.journal_path)
        self._stamp: tuple[int, int] = (0, 0)  # of the archive, before anything that is held was read

    def __contains__(self, name: str) -> bool:
        """Return whether a channel has been read."""
        return name in self._channels

    def clear(self) -> None:
        """Forget everything, so that it is read anew."""
        self._stamp = self._session.archive.index.stamp()
        self._channels.clear()
        self._outdated.clear()
        self._rewritten.clear()
        self._quality.clear()
        self.damage.clear()
        self._unreadable.clear()

    def forget_changed(self) -> None:
        """Note of which channels something has been published since they were read: they are read when they are shown.

        The words for their quality stay until everything is read anew: to judge it takes the whole series.
        """
        stamp = self._session.archive.index.stamp()
        changed = self._session.archive.index.changed_since(self._stamp)
        if changed is None:
            self.clear()
            return
        self._stamp = stamp
        for name in changed[0] | changed[1]:
            self._outdated.add(name)
            self.damage.pop(name, None)
            self._unreadable.discard(name)

    def arrive(self, names: Sequence[str]) -> bool:
        """Add to channels that have been read what has come since, and is not in the archive yet.

        Parameters
        ----------
        names : sequence of str
            Names of the channels.

        Returns
        -------
        bool
            Whether anything has come.
        """
        held = {name: self._channels[name] for name in names if name in self._channels}
        series = {name: one.telemetry for name, one in held.items() if one.telemetry is not None}
        since = {name: int(ticks(one["time"].values[-1:])[0]) for name, one in series.items()}
        arrived = self._arrivals.after(since)
        for name, (moments, values) in arrived.items():
            times = moments.astype("datetime64[ns]") if held[name].strip.dated else moments
            self._channels[name] = held[name].extended(times, values)
            self._came[name] = time.monotonic()
        return bool(arrived)

    def rewritten(self) -> set[str]:
        """Return the channels that were read anew since this was last asked, so that adding to them is not enough."""
        names, self._rewritten = self._rewritten, set()
        return names

    def strip(self, name: str) -> Strip:
        """Return a channel as the charts draw it.

        Parameters
        ----------
        name : str
            Name of the channel.

        Returns
        -------
        Strip
        """
        return self._get(name).strip

    def readable(self, name: str) -> bool:
        """Return whether a channel can be drawn, by reading it; `damage` says why where it cannot.

        Parameters
        ----------
        name : str
            Name of the channel.

        Returns
        -------
        bool
        """
        if name in self._unreadable:
            return False
        try:
            self._get(name)
        except ArchiveError as error:
            self.damage[name] = str(error)
            self._unreadable.add(name)
        return name not in self._unreadable

    def is_unreadable(self, name: str) -> bool:
        """Return whether a channel has been found unreadable; it is not read for that.

        Parameters
        ----------
        name : str
            Name of the channel.

        Returns
        -------
        bool
        """
        return name in self._unreadable

    def limits(self, name: str) -> Limits:
        """Return the limits of a channel.

        Parameters
        ----------
        name : str
            Name of the channel.

        Returns
        -------
        Limits
        """
        return self._session.catalog.channel(name).limits

    def has_quality(self, name: str) -> bool:
        """Return whether the quality of a channel has been read.

        Parameters
        ----------
        name : str
            Name of the channel.

        Returns
        -------
        bool
        """
        return name in self._quality

    def read_quality(self, names: Sequence[str]) -> None:
        """Read the quality of channels where that was not done yet.

        Parameters
        ----------
        names : sequence of str
            Names of the channels.
        """
        missing = [name for name in names if name not in self._quality]
        if not missing:
            return
        report = self._session.quality(missing).to_dataframe()
        for name in missing:
            self._quality[name] = _quality_words(report.loc[name].to_dict()) if name in report.index else "damaged"

    def table(
        self, names: Sequence[str], start: float, end: float, *, now: np.datetime64 | None, until: float
    ) -> pd.DataFrame:
        """Return the last values of channels, with statistics of the time shown.

        Parameters
        ----------
        names : sequence of str
            Names of the channels.
        start, end : float
            Time shown, of which the statistics are, as charts take it.
        now : numpy.datetime64 or None
            Present time, for the age of stamped values while nothing is replayed.
        until : float
            Time up to which telemetry has come; infinite while nothing is replayed.

        Returns
        -------
        pandas.DataFrame
            `channel`, `units`, `dated`, the columns of `last_value`, the limits, `coming`, whether samples have just
            come, or a feed that is behind is to send some, and `quality` in words, empty before `read_quality`.
        """
        rows = []
        is_behind = bool(catching_up(self._session.settings.home))
        for name in names:
            held = self._get(name)
            strip, channel = held.strip, held.telemetry
            limits = self.limits(name)
            present: Any = now if strip.dated else None
            if until < float("inf"):
                present = np.datetime64(int(until), "ms") if strip.dated else until
            if channel is None or isinstance(strip.telemetry, LongTrace):
                values = long_last_value(strip, limits, start, end, present)
            else:
                shown = strip.telemetry.span(start, end)
                inside = shown.start + (strip.telemetry.time[shown.start] < start), shown.stop
                values = last_value(channel, limits, now=present, first=inside[0], last=inside[1])
            bounds = {limit: np.nan if (at := getattr(limits, limit)) is None else at for limit in _LIMITS}
            described = {"channel": name, "units": strip.units, "dated": strip.dated, "words": strip.words}
            coming = time.monotonic() - self._came.get(name, -_COMING_S) < _COMING_S
            coming |= is_behind and self._session.archive.grows(name)
            rows.append(described | values | bounds | {"coming": coming, "quality": self._quality.get(name, "")})
        return pd.DataFrame(rows)

    def _get(self, name: str) -> Held:
        read = self._channels.pop(name, None)
        if read is not None and name in self._outdated:
            read = self._gone_on(name, read)
        if read is None:
            read = self._read(name)
            self._rewritten.add(name)
        self._outdated.discard(name)
        self._channels[name] = read  # at the end: the first one is the one that was shown longest ago
        while len(self._channels) > 1 and sum(map(_held, self._channels.values())) > _MAX_SAMPLES:
            del self._channels[next(iter(self._channels))]
        return read

    def _gone_on(self, name: str, held: Held) -> Held | None:
        """Return a held channel with what has been added to it; None where it has to be read anew."""
        try:
            read = go_on(self._session.archive, name, held)
            if read is None or held.published is None or read.published is None or read.telemetry is None:
                return None
            if read.strip.extent[1] > held.strip.extent[1]:
                self._came[name] = time.monotonic()
            if read.published.judged == held.published.judged:
                return read
            anomalies = self._session.stored_anomalies(name)
        except ArchiveError:  # it is said when it is read anew
            return None
        if anomalies is None:
            return None
        anomalies = anomalies_within(anomalies, read.telemetry.sizes["time"])
        self._rewritten.add(name)
        return replace(read, strip=replace(read.strip, marks=mark_data(read.telemetry, anomalies)))

    def _read(self, name: str) -> Held:
        archive = self._session.archive
        pieces = archive.index.pieces(name, "test")
        channel = self._session.channel(name, "test")
        if channel.sizes["time"] > LONG_SAMPLES:
            return Held(self._read_long(name), None)
        channel = channel.load()
        what = published(archive, name, "")
        try:
            scored, anomalies = self._session.stored(name), self._session.stored_anomalies(name)
            if scored is not None:
                what = published(archive, name, f"{scored.attrs.get('forecaster')}.{scored.attrs.get('preset')}")
                scored = scored.load()
        except ArchiveError as error:  # the telemetry can be shown all the same
            self.damage[name] = str(error)
            scored, anomalies = None, None
        if anomalies is not None:
            anomalies = anomalies_within(anomalies, channel.sizes["time"])
        strip = make_strip(channel, scored, anomalies, spans=quality_spans(channel), **self._described(name))
        return Held(strip, channel[["telemetry"]], replace(what, test=pieces))  # the strip holds the commands already

    def _read_long(self, name: str) -> Strip:
        """Prepare a channel that is read where it is shown."""
        key, anomalies = None, None
        try:
            scored, anomalies = self._session.stored(name), self._session.stored_anomalies(name)
            key = None if scored is None else f"{scored.attrs['forecaster']}.{scored.attrs['preset']}"
        except ArchiveError as error:  # the telemetry can be shown all the same
            self.damage[name] = str(error)
        archive = self._session.archive
        if anomalies is not None:
            anomalies = anomalies_within(anomalies, archive.info(name).n_test)
        return long_strip(archive, name, key, anomalies, **self._described(name))

    def _described(self, name: str) -> dict[str, Any]:
        entry = self._session.catalog.channel(name)
        limits: Mapping[str, float | None] = dict(entry.limits)
        return {
            "limits": {limit.replace("_", " "): value for limit, value in limits.items() if value is not None},
            "words": entry.description.split(";")[0],
        }


def _held(read: Held) -> int:
    """Return how many samples of a channel are held in memory."""
    return 0 if read.telemetry is None else int(read.telemetry.sizes["time"])


def _quality_words(measures: Mapping[Any, Any]) -> str:
    nouns = {"gaps_test": "gap", "stuck_runs": "stuck run"}
    shares = {"missing_test": "missing", "outliers_test": "outliers"}
    words = [counted(int(n), word) for key, word in nouns.items() if (n := measures[key]) > 0]
    words += [f"{percent(share, 1)} {word}" for key, word in shares.items() if (share := measures[key]) >= 0.0005]
    return ", ".join(words) or "good"
