"""Silences and wrong clocks: channels that have become stale, sources that are gone, and samples of another time.

Each is an alert of a kind of its own, `silence` or `clock`, which says what was last seen, is raised once, and closes
by itself when samples come again. Where a source is gone there is one alert of it, not one of each of its channels.
What is raised stands in the maintenance database, and which source a channel had in the journal, so that a service that
starts anew goes on with it.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from workbench.counts import counted
from workbench.exceptions import ChannelNotFoundError, WorkbenchError
from workbench.live.admission import ChannelState
from workbench.live.journal import Tag
from workbench.maintenance.alerts.raising import Examined, Finding, as_time
from workbench.maintenance.alerts.table import LIVE_ASSET
from workbench.telemetry.feed_options import LiveSettings

if TYPE_CHECKING:
    from workbench.session import Session

__all__ = ["Silences", "Source"]

_LEVELS = {"channel": "medium", "source": "high", "clock": "medium"}
_PROGRAM = "workbench"


@dataclass(frozen=True)
class Source:
    """Where samples come from: a feed, or one of the senders behind it that says of itself when it is gone.

    Attributes
    ----------
    name : str
        Name of the feed; the name of a sender follows it, as `mqtt plant/gateway`.
    gone : str
        Why nothing can come of it; empty where it can.
    quiet : frozenset of str
        Channels of which nothing comes as long as they do not change.
    """

    name: str
    gone: str = ""
    quiet: frozenset[str] = frozenset()

    def covers(self, other: str) -> bool:
        """Return whether samples of a source come through this one."""
        return other == self.name or other.startswith((f"{self.name} ", f"{self.name}/"))


@dataclass
class _Since:
    """When something began, on the clock of moments and on the one that only rises."""

    moment: int
    began: float


@dataclass
class Silences:
    """Looks at when samples last came, and raises and closes alerts.

    Parameters
    ----------
    settings : LiveSettings
        After how long a channel is stale.
    states : callable
        Returns the channels that have sent something since the start.
    sources : callable
        Returns the sources.
    clock : callable
        Function that returns seconds that only rise.
    now : callable
        Function that returns the present moment in nanoseconds since 1970, UTC, for sources, which have no other.
    """

    settings: LiveSettings
    states: Callable[[], Iterable[ChannelState]]
    sources: Callable[[], Sequence[Source]]
    clock: Callable[[], float]
    now: Callable[[], int]
    _began: float = field(init=False)
    _gone: dict[str, _Since] = field(default_factory=dict, init=False)
    _raised: dict[tuple[str, str], int] | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        """Note the start."""
        self._began = self.clock()

    def look(
        self, session: "Session", served: Iterable[Tag], origins: Callable[[], Mapping[str, str]] = dict
    ) -> tuple[int, ...]:
        """Raise alerts for what has become silent or has a wrong clock, and close those that are over.

        Parameters
        ----------
        session : Session
            Session of the thread that asks.
        served : iterable of Tag
            The channels that live telemetry serves.
        origins : callable
            Returns where the last sample of each channel came from, before the start, too.

        Returns
        -------
        tuple of int
            Numbers of the alerts that were raised.
        """
        if self._raised is None:
            self._raised = _open_alerts(session)
        findings, examined = self._findings(session, served, origins)
        present = {(one.channel, one.kind): one.first_at for one in findings}
        over = {key for key in self._raised if key in examined and key not in present}
        new = {key for key in present if key not in self._raised}
        if not over and not new:
            return ()
        alerts = session.maintenance.alerts
        changed = over | new
        kept = [one for one in findings if (one.channel, one.kind) in changed]
        report = alerts.raise_findings([examined[key] for key in changed], kept)
        for number in report.returned:
            words = "Samples of it come again." if alerts.get(number).kind == "silence" else "Its samples follow again."
            alerts.close(number, _PROGRAM, "unknown", words)
        session.maintenance.send_messages()
        self._raised = {key: at for key, at in self._raised.items() if key not in over}
        self._raised |= {key: present[key] for key in new}
        return report.raised

    def _findings(
        self, session: "Session", served: Iterable[Tag], origins: Callable[[], Mapping[str, str]]
    ) -> tuple[list[Finding], dict[tuple[str, str], Examined]]:
        """Return what is found, and all that was looked at, by channel or source and kind."""
        now, sources = self.clock(), self.sources()
        states = {state.tag.name: state for state in self.states() if state.tag.state == "served"}
        quiet = frozenset[str]().union(*(source.quiet for source in sources))
        silent = {name for name, state in states.items() if now - state.arrived > self.settings.stale_s} - quiet
        missing = {tag.name: tag for tag in served if tag.name not in states and tag.name not in quiet}
        known = origins() if missing else {}
        origin = {name: state.source for name, state in states.items()}
        origin |= {name: known[name] for name in missing if name in known}
        is_late = now - self._began > self.settings.stale_s
        if is_late:
            silent |= missing.keys()
        findings: list[Finding] = []
        examined: dict[tuple[str, str], Examined] = {}
        gone: list[Source] = []
        for source in self._with_raised(sources, states.keys() | missing.keys()):
            own = [name for name, one in origin.items() if source.covers(one)]
            finding = self._of_source(source, own, silent, states, now)
            examined[source.name, "silence"] = Examined(source.name, "silence")
            if finding is not None:
                gone.append(source)
                if not any(one.covers(source.name) for one in gone[:-1]):
                    findings.append(finding)
        for name, state in states.items():
            if any(source.covers(state.source) for source in gone):
                continue
            examined[name, "silence"] = Examined(name, "silence")
            examined[name, "clock"] = Examined(name, "clock")
            if name in silent:
                findings.append(self._of_channel(session, state, now))
            if state.astray is not None:
                findings.append(_of_clock(session, state))
        for name, tag in missing.items() if is_late else ():
            if any(name not in origin or source.covers(origin[name]) for source in gone):
                continue
            examined[name, "silence"] = Examined(name, "silence")
            findings += _never_came(session, tag, self.settings.stale_s)
        return findings, examined

    def _with_raised(self, sources: Sequence[Source], channels: Collection[str]) -> list[Source]:
        """Return the sources, and senders behind them whose alerts are open though they are not gone any more."""
        names = {source.name for source in sources}.union(channels)
        senders = [name for name, kind in self._raised or {} if kind == "silence" and name not in names]
        return [*sources, *(Source(name) for name in senders if any(one.covers(name) for one in sources))]

    def _of_source(
        self,
        source: Source,
        own: Sequence[str],
        silent: set[str],
        states: Mapping[str, ChannelState],
        now: float,
    ) -> Finding | None:
        """Return the finding of a source from which nothing comes: it is gone, or all of its channels are silent.

        One of which that was raised before the start stays so until something comes of it.
        """
        come = [name for name in own if name in states]
        raised = (self._raised or {}).get((source.name, "silence"))
        all_silent = (len(own) > 1 and silent.issuperset(own)) or (raised is not None and bool(own) and not come)
        if not source.gone and not all_silent:
            self._gone.pop(source.name, None)
            return None
        since = self._gone.setdefault(source.name, _Since(self.now(), now))
        if raised is None and not all_silent and now - since.began < self.settings.gone_s:
            return None
        moment = since.moment if raised is None else raised
        latest = max((states[name].arrived for name in come), default=None)
        why = f"no samples since the service began, for more than {_span(now - self._began)}"
        if latest is not None:
            why = f"no samples for {_span(now - latest)}"
        words = f"Nothing comes from {source.name}: {source.gone or why}."
        last = max(come, key=lambda name: states[name].arrived, default=None)
        if last is not None:
            words += f" The last sample of its {counted(len(own), 'channel')} was of {last}, {_when(states[last])}."
        elif own:
            words += f" {counted(len(own), 'channel')} came from it before."
        return _finding(source.name, LIVE_ASSET, "", "silence", moment, "time", "source", words)

    def _of_channel(self, session: "Session", state: ChannelState, now: float) -> Finding:
        age = _span(now - state.arrived)
        words = f"No samples for {age}. The last one was of {_when(state)}, {_value(state)}."
        return _found(session, state.tag, state.newest or 0, "silence", words)


def _of_clock(session: "Session", state: ChannelState) -> Finding:
    assert state.astray is not None
    ahead = state.astray.moment > state.astray.newest
    words = (
        f"Its clock is wrong, or was: samples of {_moment(state, state.astray.moment)} came after one of "
        f"{_moment(state, state.astray.newest)}, {'ahead of' if ahead else 'behind'} it, and are in quarantine. "
        "See: workbench live refused"
    )
    return _found(session, state.tag, state.astray.newest, "clock", words)


def _never_came(session: "Session", tag: Tag, longest: float) -> list[Finding]:
    """Return the finding of a channel that has sent nothing since the start."""
    try:
        time = session.archive.open(tag.name, indexed=False)["time"].variable[-1:].values
    except WorkbenchError:  # it was removed, or is damaged, which is told elsewhere
        return []
    last = str(np.datetime_as_string(time[0], unit="s")) + "Z" if time.dtype.kind == "M" else f"sample {int(time[0]):,}"
    words = f"No samples since the service began, for more than {_span(longest)}. The last one was of {last}."
    return [_found(session, tag, int(time.astype(np.int64)[0]), "silence", words)]


def _found(session: "Session", tag: Tag, moment: int, kind: str, words: str) -> Finding:
    asset, subsystem = tag.asset, tag.subsystem
    level = "clock" if kind == "clock" else "channel"
    try:
        info = session.archive.info(tag.name)
        asset, subsystem = info.asset, info.subsystem
    except (ChannelNotFoundError, WorkbenchError):
        pass
    return _finding(tag.name, asset, subsystem, kind, moment, tag.clock, level, words)


def _finding(
    name: str, asset: str, subsystem: str, kind: str, moment: int, clock: str, level: str, words: str
) -> Finding:
    at = as_time(pd.Timestamp(moment)) if clock == "time" else None
    return Finding(
        name,
        asset,
        subsystem,
        "",
        kind,
        0,
        0,
        at,
        at,
        _LEVELS[level],
        None,
        None,
        None,
        "live telemetry",
        words,
        ongoing=True,
        first_at=moment,
        last_at=moment,
        at_once=True,
    )


def _open_alerts(session: "Session") -> dict[tuple[str, str], int]:
    """Return the open alerts of these kinds that the last run has left: their first moments by channel and kind."""
    rows = [
        session.maintenance.alerts.list(state="open", kind=kind)[["channel", "kind", "first_at", "condition"]]
        for kind in ("silence", "clock")
    ]
    return {
        (str(channel), str(kind)): int(first)
        for table in rows
        for channel, kind, first, lasts in table.itertuples(index=False)
        if lasts
    }


def _span(seconds: float) -> str:
    """Return a length of time in words.

    Examples
    --------
    >>> _span(59), _span(600), _span(90_000)
    ('59 seconds', '10 minutes', '25 hours')
    """
    for size, name in ((3_600, "hour"), (60, "minute")):
        if seconds >= 2 * size:
            return counted(int(seconds // size), name)
    return counted(int(seconds), "second")


def _moment(state: ChannelState, moment: int) -> str:
    if state.tag.clock != "time":
        return f"sample {moment:,}"
    return f"{np.datetime_as_string(np.datetime64(moment, 'ns'), unit='s')}Z"


def _when(state: ChannelState) -> str:
    return _moment(state, state.newest or 0)


def _value(state: ChannelState) -> str:
    held = state.recent.get(state.newest or 0)
    return "a missing value" if held is None or held[0] != held[0] else f"with the value {held[0]:g}"
