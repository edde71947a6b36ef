"""One case: what its alerts say of it together, and which of its channels moved first."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from workbench.counts import counted
from workbench.maintenance.alerts.grouping import ASSET_KIND
from workbench.maintenance.alerts.places import span_of
from workbench.parameters import LEVELS

__all__ = ["CASE_STATES", "Case", "Onset", "case_of", "lag_words", "moment_words"]

CASE_STATES = (
    "unacknowledged",
    "latched",
    "returned",
    "acknowledged",
    "latched_acknowledged",
    "cleared",
    "shelved",
    "suppressed",
    "closed",
)
"""States of alerts, from the one that asks most of an operator to the one that asks nothing: a case has its worst."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NAMED_CHANNELS = 3
_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))


@dataclass(frozen=True)
class Onset:
    """When a channel of a case moved.

    Attributes
    ----------
    channel : str
        Name of the channel.
    first_at : int
        Moment at which its first alert of the case set in, on the clock of the case: that of its evidence.
    level : str
        Worst level of its alerts of the case.
    share : float
        Its largest share in an alert on the asset as a whole, 0 to 1; 0 where it has none.
    own_at : int or None
        Moment at which the first alert of the channel itself set in; None where it only contributes to an alert on the
        asset as a whole, with whose beginning it is listed.
    """

    channel: str
    first_at: int
    level: str
    share: float = 0.0
    own_at: int | None = None


@dataclass(frozen=True)
class Case:
    """One case as it was when it was read.

    Attributes
    ----------
    id : int
        Number of the case.
    asset : str
        Asset of all its alerts.
    clock : str
        Clock of its moments: `time` (nanoseconds since 1970, UTC) or `sample`.
    first_at, last_at : int
        First and last moment of its alerts, both inclusive.
    level, state : str
        Worst level of its alerts, and their worst state by `CASE_STATES`.
    onsets : tuple of Onset
        Its channels in the order in which they moved, by their own alerts and by those on the asset as a whole to which
        they contribute. Where two moved at the same moment, the one with the larger share comes first, then the one
        with the worse level, then by name.
    alerts : tuple of int
        Numbers of its alerts, in the order in which they set in.
    raised_at : datetime
        When the first of its alerts was raised, UTC.
    """

    id: int
    asset: str
    clock: str
    first_at: int
    last_at: int
    level: str
    state: str
    onsets: tuple[Onset, ...]
    alerts: tuple[int, ...]
    raised_at: datetime

    @property
    def channels(self) -> tuple[str, ...]:
        """Names of its channels in the order in which they moved."""
        return tuple(onset.channel for onset in self.onsets)

    @property
    def own_onsets(self) -> list[tuple[int, Onset]]:
        """Channels with alerts of their own, each with the moment of its first, in the order of these moments."""
        own = [(onset.own_at, onset) for onset in self.onsets if onset.own_at is not None]
        return sorted(own, key=lambda one: one[0])

    @property
    def start_time(self) -> datetime | None:
        """When it begins, UTC; None where its channels have no dates."""
        return _as_time(self.first_at) if self.clock == "time" else None

    @property
    def end_time(self) -> datetime | None:
        """When it ends, UTC; None where its channels have no dates."""
        return _as_time(self.last_at) if self.clock == "time" else None

    def __str__(self) -> str:
        """Return in a sentence what moved first, how many channels there are, and the worst level."""
        return f"{self.asset}: {_moved_words(self)}; {self._size_words()}worst {self.level}."

    def _size_words(self) -> str:
        return f"{counted(len(self.onsets), 'channel')}, " if len(self.onsets) > 1 else ""


def case_of(number: int, alerts: Iterable[Mapping[Any, Any]]) -> Case:
    """Return the case that some alerts are, in whatever order they come.

    Parameters
    ----------
    number : int
        Number of the case.
    alerts : iterable of mapping
        All its alerts, at least one: id, asset, channel, kind, clock, first_at, last_at, evidence_at, level, state,
        contributions and raised_at, as `Alerts.list` returns them.

    Returns
    -------
    Case
    """
    members = sorted(alerts, key=lambda alert: (int(alert["evidence_at"]), int(alert["id"])))
    spans = [span_of(alert) for alert in members]
    onsets: dict[str, Onset] = {}
    for alert in members:
        first, level = int(alert["evidence_at"]), str(alert["level"])
        own_at = None if alert["kind"] == ASSET_KIND else first
        for name, share in _moved(alert):
            before = onsets.get(name, Onset(name, first, level))
            worst = max(before.level, level, key=LEVELS.index)
            own_first = own_at if before.own_at is None else before.own_at
            onsets[name] = Onset(name, before.first_at, worst, max(before.share, share), own_first)
    return Case(
        id=number,
        asset=str(members[0]["asset"]),
        clock=spans[0][0],
        first_at=min(first for _, first, _ in spans),
        last_at=max(last for _, _, last in spans),
        level=max((str(alert["level"]) for alert in members), key=LEVELS.index),
        state=min((str(alert["state"]) for alert in members), key=CASE_STATES.index),
        onsets=tuple(sorted(onsets.values(), key=_onset_order)),
        alerts=tuple(int(alert["id"]) for alert in members),
        raised_at=min(alert["raised_at"] for alert in members),
    )


def moment_words(clock: str, moment: int) -> str:
    """Return a moment in words.

    Examples
    --------
    >>> moment_words("time", 1_772_445_720 * 10**9), moment_words("sample", 1200)
    ('2026-03-02 10:02:00 UTC', 'sample 1,200')
    """
    return f"sample {moment:,}" if clock == "sample" else f"{_as_time(moment):%Y-%m-%d %H:%M:%S} UTC"


def lag_words(clock: str, lag: int) -> str:
    """Return how much later something came, in words: two units at most, so that it can be read at a glance.

    Parameters
    ----------
    clock : str
        `time`, or `sample`.
    lag : int
        Nanoseconds or samples, not negative.

    Examples
    --------
    >>> [lag_words("time", seconds * 10**9) for seconds in (0, 40, 150, 7_200, 90_061)]
    ['at the same time', '40 s later', '2 min 30 s later', '2 h later', '1 d 1 h later']
    >>> lag_words("sample", 1), lag_words("time", 500_000_000)
    ('1 sample later', '0.5 s later')
    """
    if not lag:
        return "at the same time"
    if clock == "sample":
        return f"{counted(lag, 'sample')} later"
    seconds = lag / 10**9
    if seconds < 10:
        return f"{seconds:.3g} s later"
    rest = round(seconds)
    parts = []
    for size, symbol in _UNITS:
        count, rest = divmod(rest, size)
        parts.append((count, symbol))
    first = next(at for at, (count, _) in enumerate(parts) if count)
    return " ".join(f"{count} {symbol}" for count, symbol in parts[first : first + 2] if count) + " later"


def _moved_words(case: Case) -> str:
    when = moment_words(case.clock, case.onsets[0].first_at if case.onsets else case.first_at)
    if not case.onsets:
        return f"the asset as a whole moved at {when}"
    own = case.own_onsets
    begin = case.onsets[0].first_at
    if not own or begin < own[0][0]:  # an alert on the asset came before any of a channel by itself
        shared = sorted(case.onsets, key=lambda onset: (-onset.share, onset.channel))[:_NAMED_CHANNELS]
        shares = ", ".join(f"{onset.channel} ({100 * onset.share:.0f} %)" for onset in shared if onset.share)
        followed = f"; {own[0][1].channel} by itself {lag_words(case.clock, own[0][0] - begin)}" if own else ""
        return f"the asset as a whole moved {'first ' if own else ''}at {when}, contributed most: {shares}{followed}"
    when = moment_words(case.clock, own[0][0])
    if len(own) == 1:
        return f"{own[0][1].channel} moved at {when}"
    lag = lag_words(case.clock, own[1][0] - own[0][0])
    return f"{own[0][1].channel} moved first at {when}, {own[1][1].channel} {lag}"


def _moved(alert: Mapping[Any, Any]) -> list[tuple[str, float]]:
    """Return the channels that an alert is about, with their shares where it is on the asset as a whole."""
    if alert["kind"] != ASSET_KIND:
        return [(str(alert["channel"]), 0.0)]
    return [(str(name), float(share)) for name, share in json.loads(alert["contributions"] or "[]")]


def _onset_order(onset: Onset) -> tuple[int, float, int, str]:
    return onset.first_at, -onset.share, -LEVELS.index(onset.level), onset.channel


def _as_time(moment: int) -> datetime:
    return _EPOCH + timedelta(microseconds=moment // 1000)
