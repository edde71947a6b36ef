"""Times between failures with a Weibull distribution: failures that come the more often the longer the last is ago.

References
----------
.. [1] W. Q. Meeker and L. A. Escobar, "Statistical Methods for Reliability Data", 1998, chapter 8: maximum likelihood
   with censored times.
.. [2] R. L. Lawless, "Statistical Models and Methods for Lifetime Data", 2nd edition, section 5.2: with complete
   samples shape / true shape and shape * log(scale / true scale) do not depend on the true values.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

__all__ = ["MIN_FAILURES", "WeibullFit", "fit_weibull"]

MIN_FAILURES = 10
"""Failures from which on a Weibull distribution is fitted: nine times between them."""

_DRAWS = 2_000
_MAX_TIMES = 200  # the newest ones; more say little more
_LOG_SHAPE_BOUNDS = (-4.0, 6.0)
_HALVINGS = 45
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class WeibullFit:
    """Weibull distribution of the times between failures.

    Attributes
    ----------
    shape, scale : float
        1 is a constant rate, more is wear, less is early failures; and the time by which 63 % have failed.
    shapes, scales : numpy.ndarray, shape (n,)
        Shapes and scales that are as likely, given the records: their quantiles are bounds.
    """

    shape: float
    scale: float
    shapes: Floats
    scales: Floats

    def probabilities(self, age: float, ahead: float) -> Floats:
        """Return the probability of a failure within some time of each of the likely distributions.

        Parameters
        ----------
        age : float
            Time since the last failure.
        ahead : float
            Time to look ahead.

        Returns
        -------
        numpy.ndarray, shape (n,)
        """
        before, after = ((bound / self.scales) ** self.shapes for bound in (age, age + ahead))
        return -np.expm1(before - after)


def fit_weibull(times: Floats, age: float) -> WeibullFit | None:
    """Fit a Weibull distribution to the times between failures.

    Parameters
    ----------
    times : numpy.ndarray, shape (n,)
        Times between consecutive failures, of any unit; the newest last.
    age : float
        Time since the last failure, in the same unit: the next one lasts longer than that.

    Returns
    -------
    WeibullFit or None
        None with fewer than nine times, or where one of them is 0, as of failures that came together.

    Notes
    -----
    Maximum likelihood with one censored time [1]_. The likely shapes and scales are drawn from the distribution of the
    two pivots of a complete sample of as many times [2]_, always the same draws: the same records have the same bounds.
    """
    newest = np.asarray(times, dtype=np.float64)[-_MAX_TIMES:]
    if newest.size < MIN_FAILURES - 1 or (newest <= 0).any():
        return None
    censored = np.append(newest, age) if age > 0 else newest
    shape, scale = (float(one[0]) for one in _estimates(censored[None, :], newest.size))
    pivot_shapes, pivot_scales = _pivots(newest.size)
    return WeibullFit(shape, scale, shape / pivot_shapes, scale * pivot_scales ** (-pivot_shapes / shape))


@lru_cache(maxsize=32)
def _pivots(size: int) -> tuple[Floats, Floats]:
    """Return shapes and scales that are estimated from samples of a given size whose true ones are 1."""
    random = np.random.default_rng(0)
    return _estimates(random.exponential(size=(_DRAWS, size)), size)


def _estimates(times: Floats, failures: int) -> tuple[Floats, Floats]:
    """Return shape and scale of each row, of which the first times ended with a failure and the others did not."""
    logs = np.log(times)
    largest = logs.max(axis=1, keepdims=True)
    logs = logs - largest
    mean = logs[:, :failures].mean(axis=1)
    low, high = (np.full(len(times), bound) for bound in _LOG_SHAPE_BOUNDS)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        shape = np.exp(middle)
        powers = np.exp(shape[:, None] * logs)
        slope = (powers * logs).sum(axis=1) / powers.sum(axis=1) - 1 / shape - mean
        low, high = np.where(slope < 0, middle, low), np.where(slope < 0, high, middle)
    shape = np.exp((low + high) / 2)
    powers = np.exp(shape[:, None] * logs)
    scale = np.exp(largest[:, 0]) * (powers.sum(axis=1) / failures) ** (1 / shape)
    return shape, scale
