"""The least changes of the threshold with which an anomaly would not have been raised."""

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from workbench.detection.anomalies import detect
from workbench.parameters import TelemanomParams

__all__ = ["Clearing"]

_DECREASE_STEPS = 100
"""`min_decrease` is tried in hundredths."""


@dataclass
class Clearing:
    """Runs the detection of one series with one parameter changed.

    An anomaly counts as cleared when no anomaly of the changed detection has a sample in common with it.

    Parameters
    ----------
    telemetry : array_like, shape (n,)
        Raw test telemetry.
    prediction : array_like, shape (n - sequence_length - prediction_horizon,)
        One-step predictions, as for `detect`.
    params : TelemanomParams
        Those that found the anomalies.

    Examples
    --------
    >>> random = np.random.default_rng(0)
    >>> telemetry = random.normal(0, 0.01, 3000)
    >>> telemetry[2000:2050] += 1
    >>> clearing = Clearing(telemetry, np.zeros(2740), TelemanomParams())
    >>> clearing.least_z([(1914, 2197)]), clearing.least_decrease((1914, 2197))
    ({(1914, 2197): 7.0}, 0.93)
    """

    telemetry: npt.ArrayLike
    prediction: npt.ArrayLike
    params: TelemanomParams
    _anomalies: dict[tuple[str, float], list[tuple[int, int]]] = field(default_factory=dict, repr=False)

    def least_z(self, anomalies: Iterable[tuple[int, int]]) -> dict[tuple[int, int], float | None]:
        """Find the smallest `z_min` that clears each anomaly.

        Parameters
        ----------
        anomalies : iterable of tuple of int
            Start and end, samples, inclusive.

        Returns
        -------
        dict
            By anomaly: the first of `z_min + z_step, z_min + 2 z_step, ...` below `z_max` that clears it; None where
            none does.
        """
        least: dict[tuple[int, int], float | None] = dict.fromkeys(anomalies)
        candidates = np.arange(self.params.z_min, self.params.z_max, self.params.z_step)[1:]
        for z in np.round(candidates, 9).tolist():
            uncleared = [anomaly for anomaly, least_change in least.items() if least_change is None]
            if not uncleared:
                break
            least |= {anomaly: z for anomaly in uncleared if self.clears(anomaly, "z_min", z)}
        return least

    def least_decrease(self, anomaly: tuple[int, int]) -> float | None:
        """Find the least `min_decrease`, in hundredths, that prunes an anomaly.

        Parameters
        ----------
        anomaly : tuple of int
            Start and end, samples, inclusive.

        Returns
        -------
        float or None
            None where even 0.99 leaves it.

        Notes
        -----
        Found by halving, as more pruning brings nothing back: what is pruned becomes normal, and against higher
        normal errors less stands out. The detection is run at the value given, which clears the anomaly, and one
        hundredth below, which does not.
        """
        low, high = int(round(self.params.min_decrease * _DECREASE_STEPS, 9)), _DECREASE_STEPS - 1
        if low >= high or not self.clears(anomaly, "min_decrease", high / _DECREASE_STEPS):
            return None
        while high - low > 1:
            middle = (low + high) // 2
            if self.clears(anomaly, "min_decrease", middle / _DECREASE_STEPS):
                high = middle
            else:
                low = middle
        return high / _DECREASE_STEPS

    def clears(self, anomaly: tuple[int, int], name: str, value: float) -> bool:
        """Return whether an anomaly is no longer detected with one parameter changed.

        Parameters
        ----------
        anomaly : tuple of int
            Start and end, samples, inclusive.
        name : str
            Parameter.
        value : float
            In its place.

        Returns
        -------
        bool
        """
        if (name, value) not in self._anomalies:
            changed_params = self.params.model_copy(update={name: value})
            table = detect(self.telemetry, self.prediction, changed_params).anomalies
            self._anomalies[name, value] = [(start, end) for start, end in table[["start", "end"]].to_numpy().tolist()]
        start, end = anomaly
        return not any(first <= end and last >= start for first, last in self._anomalies[name, value])
