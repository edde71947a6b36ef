"""The least changes of the threshold with which an anomaly would not have been raised."""

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from workbench.detection.incremental import Row
from workbench.detection.loud import Group, LoudWindows
from workbench.parameters import TelemanomParams

__all__ = ["Clearing"]

_DECREASE_STEPS = 100
"""`min_decrease` is tried in hundredths."""


@dataclass
class Clearing:
    """Runs the detection of one series with one parameter changed.

    An anomaly counts as cleared when no anomaly of the changed detection has a sample in common with it.

    Only the error windows that can have a part in an anomaly are judged again; the others come to the same.

    Parameters
    ----------
    loud : LoudWindows
        Of the series, by the parameters that found the anomalies.
    sequence_length : int
        Samples before the first prediction.
    """

    loud: LoudWindows
    sequence_length: int
    _rows: dict[tuple[int, str, float], tuple[Row, ...]] = field(default_factory=dict, repr=False)

    @property
    def params(self) -> TelemanomParams:
        """Parameters that found the anomalies."""
        return self.loud.params

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
        normal errors less stands out. The windows are judged at the value given, which clears the anomaly, and one
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
        start, end = (sample - self.sequence_length for sample in anomaly)
        return not any(
            row.start <= end and row.end >= start
            for group in self.loud.groups_at(start, end)
            for row in self._rows_with(group, name, value)
        )

    def _rows_with(self, group: Group, name: str, value: float) -> tuple[Row, ...]:
        """Return the anomalies of a group of windows with one parameter changed."""
        key = (group.start, name, value)
        if key not in self._rows:
            changed_params = self.params.model_copy(update={name: value})
            self._rows[key] = self.loud.rows_with(group, changed_params)
        return self._rows[key]
