"""Whether an anomaly is a known event that has come again."""

from dataclasses import dataclass

import numpy as np
import xarray as xr

from workbench.detection.known_events.commands import command_uses, same_commands
from workbench.detection.known_events.profile import Profile, shape_profile
from workbench.detection.known_events.shapes import Shape

__all__ = ["AMPLITUDE_FACTOR", "LEVEL_SHARE", "Comparison", "alike_in_size", "begins_like", "compare"]

AMPLITUDE_FACTOR = 1.5
"""Times that the amplitude and the range of an event may be larger or smaller than those of the shape."""

LEVEL_SHARE = 0.25
"""Share of the shape's range by which the mean of an event, and its largest movement, may differ from the shape's."""

_MOVEMENT = 2  # samples, so that an edge counts the same wherever the samples fall on it

_COVERED_SHARE = 0.9  # of the anomaly: more than a tenth of it outside the shape is something else beside the event
_EVENT_SHARE = 0.5  # of the anomaly, or of the event where it is shorter: less is a match of the context


@dataclass(frozen=True)
class Comparison:
    """An anomaly compared with a shape, at the place where they are nearest.

    Attributes
    ----------
    start : int
        Row at which the window with the shape's context begins; negative where it begins before the series.
    distance : float
        Distance of the z-normalised shapes, 0 to 2; see `Profile`. Infinite where they cannot be compared.
    amplitude : float
        Standard deviation of the anomaly in that of the shape.
    range : float
        Greatest less least value of the anomaly in that of the shape: a spike within the event makes it large.
    level : float
        Difference of the means in ranges of the shape.
    movement : float
        Difference of the largest movements over two samples in ranges of the shape: an edge that only one of both has
        makes it large, which the distance of their shapes hardly sees.
    same_size : bool
        Whether amplitude, range, level and movement are those of the shape, within the tolerances.
    same_commands : bool
        Whether the commands around both are the same.
    """

    start: int
    distance: float
    amplitude: float
    range: float
    level: float
    movement: float
    same_size: bool
    same_commands: bool

    def is_within(self, bound: float) -> bool:
        """Return whether the anomaly is the event: near enough, of the same size and with the same commands."""
        return self.distance <= bound and self.same_size and self.same_commands


_NAN = float("nan")
_INCOMPARABLE = Comparison(0, float("inf"), _NAN, _NAN, _NAN, _NAN, same_size=False, same_commands=False)


def alike_in_size(profile: Profile) -> np.ndarray:
    """Return for each window whether its amplitude and level are those of the shape, within the tolerances."""
    amplitude = (profile.amplitude <= AMPLITUDE_FACTOR) & (profile.amplitude >= 1 / AMPLITUDE_FACTOR)
    return amplitude & (np.abs(profile.level) <= LEVEL_SHARE)


def compare(shape: Shape, channel: xr.Dataset, start: int, end: int) -> Comparison:
    """Compare an anomaly with a shape, at the place where they are nearest.

    An anomaly may begin and end a little earlier or later than the event did: the shape is moved along it. Nine tenths
    of the anomaly must lie within the shape and its context, and half of it within the event itself; where these are
    of unequal lengths, half of the shorter one.

    Parameters
    ----------
    shape : Shape
        Shape of the event.
    channel : xarray.Dataset
        Test split, n samples.
    start, end : int
        Samples of the anomaly, both inclusive.

    Returns
    -------
    Comparison
    """
    length = end - start + 1
    outside = int(length * (1 - _COVERED_SHARE))
    earliest = end - outside - shape.size + 1
    latest = start + outside
    if earliest > latest:  # the anomaly is much longer than the event
        return _INCOMPARABLE
    telemetry = _padded(channel, earliest, latest + shape.size - 1)
    profile = shape_profile(shape.telemetry, telemetry)
    events = np.arange(earliest, latest + 1) + shape.before
    common = np.minimum(end, events + shape.event_samples - 1) - np.maximum(start, events) + 1
    distance = np.where(common >= _EVENT_SHARE * min(length, shape.event_samples), profile.distance, np.inf)
    nearest = int(distance.argmin())
    if not np.isfinite(distance[nearest]):
        return _INCOMPARABLE
    first = earliest + nearest
    window = telemetry[nearest : nearest + shape.size]
    ranges, movement = _range_ratio(shape.telemetry, window), _movement_difference(shape.telemetry, window)
    same_size = bool(alike_in_size(profile)[nearest]) and 1 / AMPLITUDE_FACTOR <= ranges <= AMPLITUDE_FACTOR
    return Comparison(
        first,
        float(distance[nearest]),
        float(profile.amplitude[nearest]),
        ranges,
        float(profile.level[nearest]),
        movement,
        same_size and abs(movement) <= LEVEL_SHARE,
        _has_same_commands(shape, channel, first),
    )


def begins_like(shape: Shape, channel: xr.Dataset, start: int, bound: float) -> bool:
    """Return whether an event that still runs at the end of a series is like the beginning of a shape so far.

    This says nothing yet of how it goes on, nor of commands that are still to come. Half of the event must have come.

    Parameters
    ----------
    shape : Shape
        Shape of the event.
    channel : xarray.Dataset
        Test split, n samples.
    start : int
        Sample at which the event begins.
    bound : float
        Largest distance of the two.
    """
    first = start - shape.before
    size = min(shape.size, channel.sizes["time"] - first)
    part = shape.telemetry[: max(size, 0)]
    if size < shape.before + _EVENT_SHARE * shape.event_samples or not np.nanmax(part) > np.nanmin(part):
        return False
    profile = shape_profile(part, _padded(channel, first - shape.before, first + shape.before + size - 1))
    return bool(((profile.distance <= bound) & alike_in_size(profile)).any())


def _range_ratio(shape: np.ndarray, window: np.ndarray) -> float:
    """Return the range of a window in that of the shape, over the samples that both have."""
    common = ~np.isnan(shape) & ~np.isnan(window)
    return float(np.ptp(window[common]) / np.ptp(shape[common]))


def _movement_difference(shape: np.ndarray, window: np.ndarray) -> float:
    """Return the largest movement of a window less that of the shape, in ranges of the shape."""
    common = ~np.isnan(shape) & ~np.isnan(window)
    largest = [
        np.abs(series[_MOVEMENT:] - series[:-_MOVEMENT]).max(initial=0) for series in (window[common], shape[common])
    ]
    return float((largest[0] - largest[1]) / np.ptp(shape[common]))


def _padded(channel: xr.Dataset, first: int, last: int) -> np.ndarray:
    """Return the telemetry from one row to another, both inclusive, with NaN for rows outside the series."""
    n = channel.sizes["time"]
    values = np.full(last - first + 1, np.nan)
    inside = slice(max(0, first), min(n, last + 1))
    values[inside.start - first : inside.stop - first] = channel["telemetry"][inside].values
    return values


def _has_same_commands(shape: Shape, channel: xr.Dataset, first: int) -> bool:
    def inside(row: int) -> int:
        return min(max(row, 0), channel.sizes["time"] - 1)

    event = first + shape.before
    span = inside(event), inside(event + shape.event_samples - 1)
    uses = command_uses(channel, *span, inside(first), inside(first + shape.size - 1))
    return same_commands(shape.commands, uses)
