"""The bound of a known event: how near an anomaly must be to count as the event."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import xarray as xr

from workbench.detection.known_events.matching import alike_in_size, compare
from workbench.detection.known_events.profile import shape_profile
from workbench.detection.known_events.shapes import Shape

__all__ = ["DEFAULT_BOUND", "MAX_BOUND", "MIN_BOUND", "learnt_bound", "normal_distance"]

DEFAULT_BOUND = 0.5
"""Bound of an event that was seen once: a correlation of 0.875 with its shape."""

MIN_BOUND, MAX_BOUND = 0.05, 0.7
"""Bounds that are learnt from repetitions lie in this range: correlations of 0.999 and 0.755."""

_MAX_NORMAL_SAMPLES = 200_000


def normal_distance(shape: Shape, telemetry: npt.NDArray[np.floating] | xr.DataArray) -> float:
    """Return the distance of a shape to what is most like it in normal telemetry, among what is of the same size.

    Parameters
    ----------
    shape : Shape
        Shape of the event.
    telemetry : numpy.ndarray or xarray.DataArray, shape (n,)
        Training telemetry; its last 200,000 samples are read and searched.

    Returns
    -------
    float
        Infinite where nothing of that amplitude and level is there, or the telemetry is shorter than the shape.
    """
    values = np.asarray(telemetry[-_MAX_NORMAL_SAMPLES:], dtype=np.float64)
    if values.size < shape.size:
        return float("inf")
    profile = shape_profile(shape.telemetry, values)
    return float(np.min(profile.distance[alike_in_size(profile)], initial=np.inf))


def learnt_bound(shapes: Sequence[Shape], normal: float = float("inf")) -> float:
    """Return the bound of an event from its repetitions.

    With k repetitions it is the largest distance of one to the nearest other, times 1 + 1 / (k - 1): twice that
    distance for two, one and a half times for three. With one it is `DEFAULT_BOUND`. In no case is it more than half
    the distance to normal telemetry.

    Parameters
    ----------
    shapes : sequence of Shape
        Shapes of the repetitions, at least one.
    normal : float
        Least distance of a shape to normal telemetry, from `normal_distance`.

    Returns
    -------
    float

    Examples
    --------
    >>> wave = Shape(np.sin(np.arange(30.0)), 8, 8)
    >>> learnt_bound([wave]), learnt_bound([wave], normal=0.3), learnt_bound([wave, wave])
    (0.5, 0.15, 0.05)
    """
    bound = DEFAULT_BOUND
    if len(shapes) > 1:
        widest = max(
            min(_distance(shape, other) for other in (*shapes[:place], *shapes[place + 1 :]))
            for place, shape in enumerate(shapes)
        )
        bound = min(max(widest * (1 + 1 / (len(shapes) - 1)), MIN_BOUND), MAX_BOUND)
    return min(bound, normal / 2)


def _distance(one: Shape, other: Shape) -> float:
    """Return the distance of two repetitions, the shorter moved along the longer."""
    return min(_distance_along(one, other), _distance_along(other, one))


def _distance_along(shape: Shape, other: Shape) -> float:
    values = other.telemetry
    channel = xr.Dataset({"telemetry": ("time", values), "commands": (("time", "command"), np.empty((values.size, 0)))})
    return compare(shape, channel, other.before, other.size - other.after - 1).distance
