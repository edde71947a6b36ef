"""Replay: archived channels sent again as if they came just now, at a chosen speed, with seeded faults."""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from zlib import crc32

import numpy as np
import numpy.typing as npt

from workbench.counts import counted
from workbench.exceptions import TelemetryError
from workbench.live.feeds.faults import FaultRates, Sent, with_faults
from workbench.live.feeds.feed import FeedState
from workbench.live.intake import Intake
from workbench.live.samples import Delivery, Sample
from workbench.telemetry.feeds import Replay
from workbench.telemetry.moments import clock_of, ticks

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["SPEEDS", "ReplayFeed", "rates_of"]

SPEEDS = (0.1, 10_000.0)
"""Slowest and fastest, in seconds of the telemetry a second; of a channel without times in samples a second."""

_SECOND = 1_000_000_000
_TICK_S = 0.05
_MOST_SAMPLES = 5_000  # of a delivery


@dataclass(frozen=True)
class _Series:
    """One channel on its way."""

    channel: str
    clock: str
    moments: npt.NDArray[np.int64]
    at: npt.NDArray[np.float64]  # seconds since the replay's start
    inputs: npt.NDArray[np.float32]
    names: tuple[str, ...]
    sent: Sent


class ReplayFeed:
    """Sends archived channels again.

    Parameters
    ----------
    series : mapping of str to xarray.Dataset
        What is sent of each channel.
    speed : float
        From `SPEEDS`: seconds of the telemetry a second.
    rates : FaultRates, optional
        Faults on the way; none where omitted.
    seed : int
        Seed of the faults.
    clock : callable
        Function that returns seconds that only rise.

    Raises
    ------
    TelemetryError
        The speed is out of range, or there is nothing to send.

    Notes
    -----
    Channels with times keep their distances in time; of those without, one sample counts as a second, from the start
    of the replay. All begin together where nothing but sample numbers is known.
    """

    name = "replay"

    def __init__(
        self,
        series: "Mapping[str, xr.Dataset]",
        speed: float = 1.0,
        rates: FaultRates | None = None,
        seed: int = 0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if not SPEEDS[0] <= speed <= SPEEDS[1]:
            raise TelemetryError(f"A replay runs at {SPEEDS[0]:g} to {SPEEDS[1]:,.0f} times the speed, not {speed:g}.")
        first = min(
            (
                int(ticks(one["time"].values[:1])[0])
                for one in series.values()
                if clock_of(one["time"].values) == "time"
            ),
            default=0,
        )
        self._series = [
            _prepared(name, one, first, rates or FaultRates(), seed)
            for name, one in series.items()
            if one.sizes["time"]
        ]
        if not self._series:
            raise TelemetryError("There is nothing to replay.", "Name channels that have samples to come.")
        end = max(float(one.at[-1]) for one in self._series)
        self._replay = Replay(0.0, end, clock=clock, speed=speed)
        self._speed = speed
        self._position = [0] * len(self._series)
        self._received = 0
        self._to_store = 0
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self, intake: Intake) -> None:
        """Begin to send samples."""
        self._replay.play()
        self._thread = threading.Thread(target=self._run, args=(intake,), name="replay", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop the sending thread."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(timeout=10)

    def state(self) -> FeedState:
        """Return how far it is."""
        total = sum(one.sent.row.size for one in self._series)
        finished = self._received >= total and self._to_store == 0
        words = f"{counted(self._received, 'sample')} of {total:,} sent at {self._speed:g} times the speed"
        return FeedState(True, words, self._received, finished)

    def _run(self, intake: Intake) -> None:
        while not self._stop.is_set():
            samples = self._due()
            for start in range(0, len(samples), _MOST_SAMPLES):
                part = samples[start : start + _MOST_SAMPLES]
                with self._lock:
                    self._to_store += len(part)
                if not intake.put(Delivery(self.name, part, stored=self._stored)):
                    return
                self._received += len(part)
            if all(place == one.sent.row.size for place, one in zip(self._position, self._series, strict=True)):
                return
            if not samples:
                self._stop.wait(_TICK_S)

    def _stored(self, counts: Mapping[str, int]) -> None:
        with self._lock:
            self._to_store -= sum(counts.values())

    def _due(self) -> list[Sample]:
        """Return the samples whose time has come, those of all channels in the order of their times."""
        due: list[tuple[float, int, Sample]] = []
        for number, one in enumerate(self._series):
            start = self._position[number]
            arrived = int(np.searchsorted(one.sent.due, self._replay.arrived(one.at)))
            arrived = min(arrived, start + _MOST_SAMPLES)
            due += [
                (float(one.at[one.sent.due[place]]), number, _sample(one, place)) for place in range(start, arrived)
            ]
            self._position[number] = arrived
        due.sort(key=lambda item: item[:2])
        return [sample for *_, sample in due]


def _prepared(name: str, series: "xr.Dataset", first: int, rates: FaultRates, seed: int) -> _Series:
    times = series["time"].values
    moments, clock = ticks(times), clock_of(times)
    at = (moments - first) / _SECOND if clock == "time" else (moments - moments[0]).astype(np.float64)
    return _Series(
        name,
        clock,
        moments,
        at,
        series["commands"].values.astype(np.float32),
        tuple(str(one) for one in series["command"].values),
        with_faults(series["telemetry"].values, rates, crc32(name.encode(), seed)),
    )


def _sample(one: _Series, place: int) -> Sample:
    sent = one.sent
    row = int(sent.row[place])
    shift = int(sent.shift[place]) * (_SECOND if one.clock == "time" else 1)
    inputs = dict(zip(one.names, one.inputs[row].tolist(), strict=True)) if one.names else None
    return Sample(one.channel, one.clock, int(one.moments[row]) + shift, float(sent.value[place]), inputs)


def rates_of(words: Sequence[str]) -> FaultRates:
    """Return fault rates as a command line has them: `drop=0.01`.

    Raises
    ------
    TelemetryError
        One is not of this form, or there is no such fault.
    """
    rates: dict[str, float] = {}
    for word in words:
        name, _, text = word.partition("=")
        try:
            rates[name] = float(text)
        except ValueError:
            raise TelemetryError(f"{word!r} is no rate of a fault.", "Write it as drop=0.01.") from None
    unknown = next((name for name in rates if name not in FaultRates.__dataclass_fields__), None)
    if unknown is not None:
        raise TelemetryError(f"There is no fault {unknown!r}.", f"Known: {', '.join(FaultRates.__dataclass_fields__)}.")
    return FaultRates(**rates)
