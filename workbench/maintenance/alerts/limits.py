"""Limit alarms: when a value counts as beyond its limit, and when as back.

On-delay: the value must lie beyond the limit for N consecutive samples. Hysteresis (deadband): once it does, it must
come back inside by a margin. Both keep noise at a limit from raising one alert after another (ISA-18.2-2016, 10.5.4;
EEMUA 191, appendix 9).
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from workbench.telemetry.catalog import Limits

__all__ = ["Excursion", "beyond", "excursions", "margin"]


@dataclass(frozen=True)
class Excursion:
    """One stay of a value beyond one of its limits.

    Attributes
    ----------
    start, end : int
        First sample beyond the limit and last one before the value was back inside by the margin.
    ongoing : bool
        Whether the series ends before that.
    limit : str
        The worst limit that was exceeded: `warning_high`, `critical_low` ...
    threshold : float
        Value of that limit.
    value : float
        Value that lies furthest beyond the limit.
    """

    start: int
    end: int
    ongoing: bool
    limit: str
    threshold: float
    value: float

    @property
    def is_critical(self) -> bool:
        """Return whether a critical limit was exceeded."""
        return self.limit.startswith("critical")


def excursions(values: npt.ArrayLike, limits: "Limits", on_delay: int = 1, hysteresis: float = 0.0) -> list[Excursion]:
    """Return all stays beyond the limits of a channel, in order.

    Parameters
    ----------
    values : array_like, shape (n,)
        In the units of the limits. NaN is neither beyond a limit nor back inside.
    limits : Limits
        A stay that reaches the critical limit, for the on-delay too, is critical as a whole.
    on_delay : int
        Consecutive samples beyond the limit before it counts.
    hysteresis : float
        Margin as a fraction of the span of the limits, see `margin`.

    Returns
    -------
    list of Excursion

    Examples
    --------
    >>> from workbench.telemetry.catalog import Limits
    >>> [excursion] = excursions([0, 2, 2, 4, 2, 0], Limits(warning_high=1, critical_high=3))
    >>> excursion.start, excursion.end, excursion.limit, excursion.value
    (1, 4, 'critical_high', 4.0)
    """
    series = np.asarray(values, dtype=np.float64)
    excursion_list: list[Excursion] = []
    for side, sign in (("high", 1.0), ("low", -1.0)):
        names = [name for name in (f"warning_{side}", f"critical_{side}") if getattr(limits, name) is not None]
        signed = sign * series
        stays = {
            name: beyond(signed, sign * getattr(limits, name), margin(limits, name, hysteresis), on_delay)
            for name in names
        }
        for start, end, ongoing in stays[names[0]] if names else ():
            reached = [name for name in names if any(a <= end and b >= start for a, b, _ in stays[name])]
            furthest = sign * float(np.nanmax(signed[start : end + 1]))
            excursion_list.append(Excursion(start, end, ongoing, reached[-1], getattr(limits, reached[-1]), furthest))
    return sorted(excursion_list, key=lambda excursion: excursion.start)


def margin(limits: "Limits", name: str, hysteresis: float) -> float:
    """Return the deadband of one limit: a fraction of the span of all limits, or of the size of the only one.

    Parameters
    ----------
    limits : Limits
        Limits of the channel.
    name : str
        Name of the limit, for example `warning_high`.
    hysteresis : float
        Deadband as a fraction of the span.

    Returns
    -------
    float
        In the units of the limits.
    """
    limit_values = [value for value in limits.model_dump().values() if value is not None]
    span = max(limit_values) - min(limit_values) if len(limit_values) > 1 else abs(float(getattr(limits, name)))
    return hysteresis * span


def beyond(
    values: npt.NDArray[np.float64], threshold: float, margin: float, on_delay: int
) -> list[tuple[int, int, bool]]:
    """Return the stays above one threshold.

    Parameters
    ----------
    values : numpy.ndarray, shape (n,)
        Samples; NaN is neither above nor back.
    threshold, margin : float
        Beyond is above `threshold`, back is at or below `threshold - margin`.
    on_delay : int
        Consecutive samples above the threshold before it counts; the stay begins with the first of them.

    Returns
    -------
    list of (int, int, bool)
        First and last sample, and whether it still goes on.
    """
    above = values > threshold
    # Padded with False, the differences are 1 where a run of True begins and -1 just after it ends.
    edges = np.diff(np.concatenate(([False], above, [False])).astype(np.int8))
    first = np.flatnonzero(edges == 1)
    last = np.flatnonzero(edges == -1) - 1
    back = np.flatnonzero(values <= threshold - margin)
    stays: list[tuple[int, int, bool]] = []
    free = 0  # first sample that no stay covers yet
    for start, end in zip(first.tolist(), last.tolist(), strict=True):
        if start < free or end - start + 1 < on_delay:
            continue
        after = int(np.searchsorted(back, end))
        ongoing = after == back.size
        free = values.size if ongoing else int(back[after])
        stays.append((start, free - 1, ongoing))
    return stays
