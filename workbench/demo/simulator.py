"""The simulator: what the demo fleet's machines do comes as live telemetry, fast until it has caught up."""

import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from math import ceil
from typing import TYPE_CHECKING

from workbench.counts import counted
from workbench.live.feeds.feed import FeedState
from workbench.live.feeds.replay import ReplayFeed
from workbench.telemetry.moments import ticks

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["SPEED", "SimulatorFeed"]

SPEED = 60.0
"""Seconds of telemetry a second, until it has caught up with the present."""

_SECOND = 1_000_000_000


class SimulatorFeed(ReplayFeed):
    """Sends the telemetry of simulated machines: at `SPEED` what lies behind, and each sample at its time from then on.

    Parameters
    ----------
    series : mapping of str to xarray.Dataset
        What comes of each channel, with times.
    clock : callable
        Function that returns seconds that only rise.
    present : callable
        Function that returns the present time in seconds since 1970, UTC.

    Raises
    ------
    TelemetryError
        There is nothing to send.
    """

    name = "simulator"

    def __init__(
        self,
        series: "Mapping[str, xr.Dataset]",
        clock: Callable[[], float] = time.monotonic,
        present: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(series, clock=self._elapsed)
        self._first_s = min(int(ticks(one["time"].values[:1])[0]) for one in series.values()) / _SECOND
        self._seconds, self._present = clock, present
        self._began: float | None = None
        self._furthest = 0.0

    def state(self) -> FeedState:
        """Return how far it is, and whether it has caught up."""
        now = self._present()
        lag, how, catching_up = now - self._first_s - self._furthest, "in real time", ""
        if lag > SPEED:
            hours, minutes = divmod(ceil(lag / 300) * 5, 60)  # in steps of five minutes
            length = f"{hours} h {minutes} min" if hours else f"{minutes} min"
            until = datetime.fromtimestamp(now + lag / (SPEED - 1), UTC)
            catching_up = f"{length} behind, caught up at {until:%H:%M} UTC"
            how = f"at {SPEED:g} times the speed, {catching_up}"
        words = f"{counted(self._received, 'sample')} sent {how}"
        return FeedState(True, words, self._received, super().state().finished, catching_up=catching_up)

    def _elapsed(self) -> float:
        """Return seconds of telemetry since its first sample: never more than have passed in truth."""
        if self._began is None:
            self._began = self._seconds()
            return 0.0
        elapsed = min(SPEED * (self._seconds() - self._began), self._present() - self._first_s)
        self._furthest = max(self._furthest, elapsed)
        return self._furthest
