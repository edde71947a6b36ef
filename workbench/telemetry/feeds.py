"""Feeds: telemetry as it comes, or as it came. A replay returns an archived channel again, at a chosen speed."""

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from workbench.exceptions import TelemetryError

__all__ = ["Replay"]


class Replay:
    """Replay of archived telemetry at a chosen speed.

    It holds no samples and starts no thread: its position follows from the clock, and whoever shows it asks again
    as often as it likes.

    Parameters
    ----------
    start, end : float
        First and last time that it covers, in the units of the channels' time axis.
    clock : callable
        Function that returns seconds that only rise, as `time.monotonic`.
    speed : float
        Units of the time axis a second of the clock, above 0.

    Attributes
    ----------
    start, end : float
        First and last time that it covers.

    Raises
    ------
    TelemetryError
        The end lies before the start, or the speed is not above 0.

    Examples
    --------
    >>> seconds = [0.0]
    >>> replay = Replay(0, 100, clock=lambda: seconds[0], speed=10)
    >>> replay.play()
    >>> seconds[0] = 3.0
    >>> replay.position, replay.state
    (30.0, 'playing')
    """

    def __init__(self, start: float, end: float, *, clock: Callable[[], float], speed: float = 1.0) -> None:
        if not end >= start:
            raise TelemetryError(f"The replay would end at {end:g}, before its start at {start:g}.")
        self.start = float(start)
        self.end = float(end)
        self._clock = clock
        self._speed = _checked(speed)
        self._from = self.start
        self._since: float | None = None

    @property
    def position(self) -> float:
        """Time up to which telemetry has come."""
        if self._since is None:
            return self._from
        return min(self._from + (self._clock() - self._since) * self._speed, self.end)

    @property
    def state(self) -> Literal["paused", "playing", "ended"]:
        """`playing` until the end is reached; `ended` there, whether played or sought."""
        if self.position >= self.end:
            return "ended"
        return "paused" if self._since is None else "playing"

    @property
    def speed(self) -> float:
        """Units of the time axis a second of the clock."""
        return self._speed

    def play(self) -> None:
        """Go on from the position; from the start where the end has been reached."""
        self._from = self.start if self.state == "ended" else self.position
        self._since = self._clock()

    def pause(self) -> None:
        """Stop the replay at its position."""
        self._from = self.position
        self._since = None

    def seek(self, position: float) -> None:
        """Go to a position, the nearest that is covered; a running replay goes on from it.

        Parameters
        ----------
        position : float
            Units of the time axis.
        """
        playing = self.state == "playing"
        self._from = min(max(float(position), self.start), self.end)
        self._since = self._clock() if playing else None

    def set_speed(self, speed: float) -> None:
        """Go faster or slower from the position on.

        Parameters
        ----------
        speed : float
            Units of the time axis a second of the clock.

        Raises
        ------
        TelemetryError
            It is not above 0.
        """
        speed = _checked(speed)
        position, playing = self.position, self._since is not None
        self._speed = speed
        self._from = position
        self._since = self._clock() if playing else None

    def arrived(self, time: npt.NDArray[Any]) -> int:
        """Count the samples of a channel that have come.

        Parameters
        ----------
        time : numpy.ndarray, shape (n,)
            Its time axis, rising, in the units of `start`.

        Returns
        -------
        int
            Samples at or before the position.
        """
        return int(np.searchsorted(time, self.position, side="right"))


def _checked(speed: float) -> float:
    if not 0 < speed < float("inf"):
        raise TelemetryError(f"The speed of a replay must be above 0, not {speed:g}.")
    return float(speed)
