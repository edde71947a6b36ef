"""Durations: a histogram for each callback of a view and each stage, cheap to add to and to add up.

One process holds one set; those of several processes are added up from their JSON.
"""

import math
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

__all__ = ["STAGE", "TIMINGS", "Histogram", "Row", "Timings", "stage"]

STAGE = "stage"
"""Group of what is no callback of a view: loading, predicting, setting thresholds."""

_BUCKETS_PER_DECADE = 20
_MIN_SECONDS = 1e-6


class Histogram:
    """Durations in buckets of which each ends 12 % above the one before, so that a percentile errs by less than that.

    Attributes
    ----------
    count : int
        Number of durations.
    total : float
        Seconds.
    buckets : dict of int to int
        Durations of at least 10 ** (i / 20) and less than 10 ** ((i + 1) / 20) seconds, by i.

    Examples
    --------
    >>> histogram = Histogram()
    >>> for seconds in (0.010, 0.011, 0.5):
    ...     histogram.add(seconds)
    >>> histogram.count, round(histogram.percentile(50), 2), round(histogram.percentile(99), 1)
    (3, 0.01, 0.5)
    """

    def __init__(self, total: float = 0.0, buckets: Mapping[int, int] | None = None) -> None:
        self.total = total
        self.buckets: dict[int, int] = dict(buckets or {})

    @property
    def count(self) -> int:
        """Number of durations that were counted."""
        return sum(self.buckets.values())

    def add(self, seconds: float) -> None:
        """Count one duration, in seconds."""
        place = math.floor(math.log10(max(seconds, _MIN_SECONDS)) * _BUCKETS_PER_DECADE)
        self.buckets[place] = self.buckets.get(place, 0) + 1
        self.total += seconds

    def merge(self, other: "Histogram") -> None:
        """Add what another has counted."""
        for place, count in other.buckets.items():
            self.buckets[place] = self.buckets.get(place, 0) + count
        self.total += other.total

    def percentile(self, percent: float) -> float:
        """Return a percentile in seconds, the middle of its bucket; NaN where nothing was counted."""
        rank, passed = max(math.ceil(self.count * percent / 100), 1), 0
        for place in sorted(self.buckets):
            passed += self.buckets[place]
            if passed >= rank:
                return float(10 ** ((place + 0.5) / _BUCKETS_PER_DECADE))
        return math.nan

    def below(self, places: Iterable[int]) -> list[int]:
        """Count the durations below the upper end of each bucket of `places`, which is 10 ** ((place + 1) / 20) s."""
        return [sum(count for at, count in self.buckets.items() if at <= place) for place in places]


@dataclass(frozen=True)
class Row:
    """Figures of one histogram; times in seconds."""

    group: str
    name: str
    count: int
    p50: float
    p95: float
    p99: float
    total: float


class Timings:
    """Histograms by group and name. Safe to use from threads.

    Parameters
    ----------
    rows : iterable of list, optional
        From `to_json`.
    """

    def __init__(self, rows: Iterable[list[Any]] = ()) -> None:
        self._lock = threading.Lock()
        self._histograms = {
            (str(group), str(name)): Histogram(
                float(total), {int(place): int(count) for place, count in counts.items()}
            )
            for group, name, total, counts in rows
        }

    def add(self, group: str, name: str, seconds: float) -> None:
        """Count a duration of a callback `name` of a view `group`, or of a stage."""
        with self._lock:
            self._histograms.setdefault((group, name), Histogram()).add(seconds)

    def merge(self, other: "Timings") -> None:
        """Add what another has counted."""
        for key, histogram in other.histograms().items():
            with self._lock:
                self._histograms.setdefault(key, Histogram()).merge(histogram)

    def histograms(self) -> dict[tuple[str, str], Histogram]:
        """Return copies, by group and name."""
        with self._lock:
            return {key: Histogram(histogram.total, histogram.buckets) for key, histogram in self._histograms.items()}

    def groups(self) -> dict[str, Histogram]:
        """Return one histogram for each view: of all its callbacks."""
        groups: dict[str, Histogram] = {}
        for (group, _), histogram in self.histograms().items():
            if group != STAGE:
                groups.setdefault(group, Histogram()).merge(histogram)
        return groups

    def stages(self) -> dict[str, Histogram]:
        """Return the histogram of each stage."""
        return {name: histogram for (group, name), histogram in self.histograms().items() if group == STAGE}

    def rows(self, expanded_group: str = "") -> list[Row]:
        """Return the figures of each view, then of each stage, by name.

        Parameters
        ----------
        expanded_group : str
            View after which its callbacks stand too, the slowest first.
        """
        rows = []
        for group, histogram in sorted(self.groups().items()):
            rows.append(_row(group, "", histogram))
            if group == expanded_group:
                own = [_row(*key, each) for key, each in self.histograms().items() if key[0] == group]
                rows += sorted(own, key=lambda row: -row.p95)
        return rows + [_row(STAGE, name, histogram) for name, histogram in sorted(self.stages().items())]

    def to_json(self) -> list[list[Any]]:
        """Return values for JSON."""
        return [[*key, histogram.total, histogram.buckets] for key, histogram in self.histograms().items()]


TIMINGS = Timings()
"""Durations measured in this process."""


@contextmanager
def stage(name: str) -> Iterator[None]:
    """Count how long something takes, as a context or as a decorator.

    Parameters
    ----------
    name : str
        Name of the stage, as `predict`.
    """
    began = time.perf_counter()
    try:
        yield
    finally:
        TIMINGS.add(STAGE, name, time.perf_counter() - began)


def _row(group: str, name: str, histogram: Histogram) -> Row:
    p50, p95, p99 = (histogram.percentile(percent) for percent in (50, 95, 99))
    return Row(group, name, histogram.count, p50, p95, p99, histogram.total)
