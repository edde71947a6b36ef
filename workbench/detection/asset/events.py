"""Events and anomalies of an asset: where its channels leave what the training has shown, and how that is said."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from workbench.counts import ratio_text
from workbench.detection.envelope.events import GAP

__all__ = [
    "MOST_SEVERE",
    "NAMED_SHARE",
    "AssetAnomaly",
    "AssetEvent",
    "Statistic",
    "contribution_words",
    "join_events",
    "named_contributions",
]

Statistic = Literal["t_squared", "q"]

MOST_SEVERE = 1000.0
"""Largest severity; a distance where training showed none has no ratio."""

_WORDS = {
    "t_squared": "channels moved together {times} times as far as ever in training",
    "q": "channels moved apart {times} times as far as ever in training",
}
NAMED_SHARE = 0.1
"""Share of a distance from which on a channel is named."""

_MAX_NAMED = 3


@dataclass(frozen=True, slots=True)
class AssetEvent:
    """Samples in which one distance of an asset exceeds its bound.

    Attributes
    ----------
    start, end : int
        First and last sample above the bound.
    statistic : {"t_squared", "q"}
        Whose square root exceeds it.
    peak_at : int
        Sample of the largest distance.
    value, bound, record : float
        Largest distance, its bound, and the largest distance in training, in standard deviations.
    contributions : tuple of (str, float)
        Channels and their shares of the statistic over the samples above the bound, largest first.
    """

    start: int
    end: int
    statistic: Statistic
    peak_at: int
    value: float
    bound: float
    record: float
    contributions: tuple[tuple[str, float], ...]

    def moved(self, by: int) -> "AssetEvent":
        """Return it at other samples."""
        return replace(self, start=self.start + by, end=self.end + by, peak_at=self.peak_at + by) if by else self

    @property
    def ratio(self) -> float:
        """Largest distance in times of that in training; infinite where that is 0."""
        return self.value / self.record if self.record > 0 else float("inf")

    @property
    def margins(self) -> float:
        """How far the distance lies from the largest in training, in margins; 1 at the bound.

        Examples
        --------
        >>> AssetEvent(7, 9, "q", 7, value=2.5, bound=1.5, record=1.0, contributions=()).margins
        3.0
        """
        margin = self.bound - self.record
        return min((self.value - self.record) / margin, MOST_SEVERE) if margin > 0 else MOST_SEVERE

    @property
    def words(self) -> str:
        """What was found, as a person would say it, with up to three channels that have most of it."""
        return _said(self, self.contributions)


@dataclass(frozen=True, slots=True)
class AssetAnomaly:
    """Events of an asset that belong together.

    Attributes
    ----------
    start, end : int
        First and last sample.
    events : tuple of AssetEvent
        Events of both statistics, in the order of their start.
    """

    start: int
    end: int
    events: tuple[AssetEvent, ...]

    @property
    def severity(self) -> float:
        """Largest distance of its events in margins, on the scale of the anomalies of channels."""
        return self.main.margins

    @property
    def main(self) -> AssetEvent:
        """The event that is furthest beyond its bound."""
        return max(self.events, key=lambda event: event.margins)

    @property
    def contributions(self) -> tuple[tuple[str, float], ...]:
        """Channels and their shares of all events, each of which counts by its distance in margins; largest first."""
        weight = sum(event.margins for event in self.events)
        shares: dict[str, float] = {}
        for event in self.events:
            for channel, share in event.contributions:
                shares[channel] = shares.get(channel, 0.0) + share * event.margins / weight
        return tuple(sorted(shares.items(), key=lambda item: -item[1]))

    @property
    def words(self) -> str:
        """What was found, as a person would say it, with up to three channels that have most of it."""
        return _said(self.main, self.contributions)

    def to_json_dict(self, most_channels: int = 20) -> dict[str, Any]:
        """Return plain values for `json.dumps` that say what was found, with the channels that contribute most."""
        main = {name: value for name, value in asdict(self.main).items() if name not in ("start", "end")}
        contributions = [[channel, share] for channel, share in self.contributions[:most_channels]]
        own = {"start": self.start, "end": self.end, "severity": self.severity, "words": self.words}
        return main | own | {"contributions": contributions}


def join_events(events: Iterable[AssetEvent]) -> list[AssetAnomaly]:
    """Join events between which at most 50 samples lie.

    Parameters
    ----------
    events : iterable of AssetEvent
        Events of both statistics, and of all blocks of an asset with many channels.

    Returns
    -------
    list of AssetAnomaly
        In order.

    Examples
    --------
    >>> events = [AssetEvent(at, at + 5, "q", at, 2.5, 1.5, 1.0, (("flow", 1.0),)) for at in (10, 60, 200)]
    >>> [(anomaly.start, anomaly.end) for anomaly in join_events(events)]
    [(10, 65), (200, 205)]
    """
    anomalies: list[AssetAnomaly] = []
    for event in sorted(events, key=lambda event: (event.start, event.end)):
        if anomalies and event.start - anomalies[-1].end <= GAP:
            last = anomalies.pop()
            anomalies.append(AssetAnomaly(last.start, max(last.end, event.end), (*last.events, event)))
        else:
            anomalies.append(AssetAnomaly(event.start, event.end, (event,)))
    return anomalies


def contribution_words(contributions: Iterable[tuple[str, float]]) -> str:
    """Name up to three channels that have a tenth of a statistic or more, with their shares.

    Examples
    --------
    >>> contribution_words([("flow", 0.61), ("speed", 0.2), ("heat", 0.04)])
    'flow 61 %, speed 20 %'
    """
    named = named_contributions(contributions)[:_MAX_NAMED]
    return ", ".join(f"{channel} {100 * share:.0f} %" for channel, share in named)


def named_contributions(contributions: Iterable[tuple[str, float]]) -> list[tuple[str, float]]:
    """Return the channels that contribute `NAMED_SHARE` and more; the first one where none does.

    Parameters
    ----------
    contributions : iterable of (str, float)
        Channels and their shares, largest first.

    Examples
    --------
    >>> named_contributions([("flow", 0.61), ("speed", 0.09)]), named_contributions([("flow", 0.01), ("speed", 0.01)])
    ([('flow', 0.61)], [('flow', 0.01)])
    """
    ordered = list(contributions)
    return [pair for pair in ordered if pair[1] >= NAMED_SHARE] or ordered[:1]


def _said(event: AssetEvent, contributions: Iterable[tuple[str, float]]) -> str:
    ratio = event.ratio
    times = "infinitely many" if ratio == float("inf") else ratio_text(ratio)
    words = _WORDS[event.statistic].format(times=times)
    return f"{words}; {contribution_words(contributions)}"
