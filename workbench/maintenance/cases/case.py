"""One case: what its alerts say of it together, and which of its channels moved first."""

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
_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))


@dataclass(frozen=True)
class Onset:
    """When a channel of a case moved.

    Attributes
    ----------
    channel : str
        Name of the channel.
    first_at : int
        Moment at which its first alert of the case begins, on the clock of the case.
    level : str
        Worst level of its alerts of the case.
    """

    channel: str
    first_at: int
    level: str


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
        Its channels in the order in which they moved; where two moved at the same moment, the one with the worse level
        comes first, then by name. Alerts on the asset as a whole are none of these.
    alerts : tuple of int
        Numbers of its alerts, in the order of their beginning.
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
        All its alerts, at least one: id, asset, channel, kind, clock, first_at, last_at, level, state and raised_at, as
        `Alerts.list` returns them.

    Returns
    -------
    Case
    """
    members = sorted(alerts, key=lambda alert: (int(alert["first_at"]), int(alert["id"])))
    spans = [span_of(alert) for alert in members]
    onsets: dict[str, Onset] = {}
    for alert, (_, first, _) in zip(members, spans, strict=True):
        if alert["kind"] == ASSET_KIND:
            continue
        name, level = str(alert["channel"]), str(alert["level"])
        before = onsets.get(name, Onset(name, first, level))
        onsets[name] = Onset(name, before.first_at, max(before.level, level, key=LEVELS.index))
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
    first, *others = case.onsets
    if not others:
        return f"{first.channel} moved at {when}"
    lag = lag_words(case.clock, others[0].first_at - first.first_at)
    return f"{first.channel} moved first at {when}, {others[0].channel} {lag}"


def _onset_order(onset: Onset) -> tuple[int, int, str]:
    return onset.first_at, -LEVELS.index(onset.level), onset.channel


def _as_time(moment: int) -> datetime:
    return _EPOCH + timedelta(microseconds=moment // 1000)
