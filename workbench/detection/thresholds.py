"""The nonparametric dynamic threshold over one error window.

Source: Hundman et al. 2018, section 3.3 (equations 2 to 6) and NASA's `errors.py` (Telemanom 2.0), which
this equals exactly. It is fast because only errors within reach of the samples being judged are looked at,
and because runs of samples are counted from the distances between exceedances, not by listing them.

Errors are NaN at samples that are not judged, telemetry where it is missing. These are in no statistic and exceed
nothing. A sequence may go on across them, as it does across low errors, but one that holds nothing else is none.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from workbench.parameters import TelemanomParams
from workbench.telemetry.missing import present_values

__all__ = [
    "Floats",
    "Indices",
    "Moments",
    "Spread",
    "find_epsilon",
    "judge",
    "runs",
    "scale_matters",
]

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]

_LARGE_SHARE = 0.05
"""An error is large when above this share of the values' range."""
_MAX_SEQUENCES = 5
_MAX_ANOMALOUS_SHARE = 0.5


@dataclass(frozen=True, slots=True)
class Moments:
    """Mean and standard deviation of an error window.

    Attributes
    ----------
    mean, sd : float
        In the units of the telemetry.
    """

    mean: float
    sd: float

    @classmethod
    def of(cls, values: Floats) -> "Moments":
        """Return the moments of what is there as `numpy.mean` and `numpy.std` do, to the bit, in one pass less.

        Examples
        --------
        >>> Moments.of(np.array([1.0, 3.0]))
        Moments(mean=2.0, sd=1.0)
        """
        mean = np.add.reduce(values) / values.size
        if np.isnan(mean):
            values = present_values(values)
            if not values.size:
                return cls(float("nan"), 0.0)
            mean = np.add.reduce(values) / values.size
        centred = values - mean
        return cls(float(mean), float(np.sqrt(np.add.reduce(centred * centred) / values.size)))


@dataclass(frozen=True, slots=True)
class Spread:
    """How much the telemetry itself varies in an error window.

    Attributes
    ----------
    sd : float
        Standard deviation of the target values.
    inter_range : float
        95th minus 5th percentile of the target values.
    """

    sd: float
    inter_range: float

    @classmethod
    def of(cls, targets: Floats) -> "Spread":
        """Return the spread of the target values that are there.

        Examples
        --------
        >>> Spread.of(np.array([[0.0, 1.0], [1.0, np.nan]]))
        Spread(sd=0.4714045207910317, inter_range=0.9)
        """
        values = present_values(targets)
        if not values.size:
            return cls(0.0, 0.0)
        high, low = np.percentile(values, [95, 5])
        return cls(float(np.std(values)), float(high - low))


def runs(indices: Indices, reach: int = 0) -> tuple[Indices, Indices]:
    """Return the first and last element of each run of indices.

    Parameters
    ----------
    indices : numpy.ndarray, shape (k,), int
        Sorted, without repetition.
    reach : int
        Samples by which each index is widened on both sides before runs are formed; the bounds returned
        are those of the indices themselves.

    Returns
    -------
    first, last : numpy.ndarray, shape (number of runs,), int

    Examples
    --------
    >>> runs(np.array([1, 2, 3, 7]))
    (array([1, 7]), array([3, 7]))
    >>> runs(np.array([1, 2, 3, 7]), reach=2)
    (array([1]), array([7]))
    """
    if indices.size == 0:
        return indices, indices
    breaks = np.flatnonzero(indices[1:] - indices[:-1] > 2 * reach + 1)
    first = indices[np.concatenate(([0], breaks + 1))]
    last = indices[np.concatenate((breaks, [indices.size - 1]))]
    return first, last


def _buffered(indices: Indices, buffer: int, low: int, size: int) -> Indices:
    """Return all indices in [low, size) within `buffer` of a given one."""
    first, last = runs(indices, reach=buffer)
    pieces = [
        np.arange(max(a - buffer, low), min(b + buffer + 1, size))
        for a, b in zip(first.tolist(), last.tolist(), strict=True)
    ]
    return np.concatenate(pieces) if pieces else indices


def find_epsilon(errors: Floats, moments: Moments, params: TelemanomParams) -> float:
    """Choose the threshold of an error window (equations 3 to 5).

    The threshold is mean + z sd for the z that, per anomalous sample and squared number of sequences, most
    lowers the mean and the standard deviation of the errors that stay below it.

    Parameters
    ----------
    errors : numpy.ndarray, shape (h,), float64
        Smoothed errors of the window.
    moments : Moments
        Moments of the window; passed because the mirrored errors are judged by those of the original ones.
    params : TelemanomParams
        Detection parameters.

    Returns
    -------
    float
        epsilon; mean + z_max sd where no candidate is accepted (more than 5 sequences, or half of the
        window anomalous).
    """
    mean, sd = moments.mean, moments.sd
    chosen = mean + params.z_max * sd
    candidates = np.arange(params.z_min, params.z_max, params.z_step)
    above = np.flatnonzero(errors >= mean + sd * candidates[0])
    if above.size == 0:
        return chosen
    values = errors[above]
    best = -10_000_000.0
    reach = params.error_buffer - 1
    count = -1
    score = None
    for z in candidates.tolist():
        epsilon = mean + sd * z
        above_epsilon = values >= epsilon
        n_above = int(np.count_nonzero(above_epsilon))
        if n_above == 0:
            break
        if n_above != count:  # the same exceedances score the same
            count = n_above
            score = _score(errors, above[above_epsilon], epsilon, moments, reach)
        if score is not None and score >= best:
            best, chosen = score, mean + z * sd
    return chosen


def _score(errors: Floats, above: Indices, epsilon: float, moments: Moments, reach: int) -> float | None:
    first, last = runs(above, reach=reach)
    lengths = np.minimum(last + reach, errors.size - 1) - np.maximum(first - reach, 0) + 1
    n_anomalous = int(lengths.sum())
    n_sequences = int(np.count_nonzero(lengths > 1))
    if n_sequences > _MAX_SEQUENCES or n_anomalous >= errors.size * _MAX_ANOMALOUS_SHARE:
        return None
    below = errors[errors < epsilon]
    if not below.size:  # the few that are judged are all the same
        return None
    pruned = Moments.of(below)
    decrease = (moments.mean - pruned.mean) / moments.mean + (moments.sd - pruned.sd) / moments.sd
    return float(decrease / (n_sequences**2 + n_anomalous))


def judge(
    errors: Floats,
    epsilon: float,
    spread: Spread,
    judged_from: int,
    flagged: npt.NDArray[np.bool_],
    params: TelemanomParams,
) -> Indices:
    """Find the anomalous samples of an error window and prune the unremarkable ones (equation 6).

    Parameters
    ----------
    errors : numpy.ndarray, shape (h,), float64
        Smoothed errors of the window, or their mirror image about the mean.
    epsilon : float
        Threshold.
    spread : Spread
        Spread of the telemetry in the window.
    judged_from : int
        First sample of the window that is judged now.
    flagged : numpy.ndarray, shape (h,), bool
        Samples that earlier windows found anomalous.
    params : TelemanomParams
        Detection parameters.

    Returns
    -------
    numpy.ndarray of int
        Sorted positions in the window.

    Notes
    -----
    Where no sample of the window is normal, there is nothing to prune against and all sequences stay; the
    reference ends with an error there.
    """
    over = np.flatnonzero((errors >= epsilon) & (errors > _LARGE_SHARE * spread.inter_range))
    present = ~np.isnan(errors)
    anomalous = _with_any(present, _buffered(over, params.error_buffer, judged_from, errors.size))
    if anomalous.size == 0:
        return anomalous
    normal = ~flagged & present
    normal[anomalous] = False
    quiet = float(errors[normal].max()) if normal.any() else -np.inf
    first, last = runs(anomalous)
    long = first < last
    first, last = first[long], last[long]
    if first.size == 0:
        return anomalous
    maxima = np.array([np.fmax.reduce(errors[a : b + 1]) for a, b in zip(first.tolist(), last.tolist(), strict=True)])
    keep = ~_unremarkable(maxima, quiet, params.min_decrease)
    return np.concatenate(
        [np.arange(a, b + 1) for a, b in zip(first[keep].tolist(), last[keep].tolist(), strict=True)] or [over[:0]]
    )


def _with_any(present: npt.NDArray[np.bool_], indices: Indices) -> Indices:
    """Return indices without the runs in which nothing is present, as where a buffer reaches into missing samples."""
    if present[indices].all():
        return indices
    pieces = [np.arange(a, b + 1) for a, b in zip(*(bound.tolist() for bound in runs(indices)), strict=True)]
    return np.concatenate([indices[:0], *(piece for piece in pieces if present[piece].any())])


def _unremarkable(maxima: Floats, quiet: float, min_decrease: float) -> npt.NDArray[np.bool_]:
    """Mark the sequences after the last one that stands out from the next lower."""
    ordered = np.append(np.sort(maxima)[::-1], quiet)
    steps = (ordered[:-1] - ordered[1:]) / ordered[:-1] >= min_decrease
    if not steps.any():
        return np.ones(maxima.size, dtype=bool)
    least_kept = ordered[np.flatnonzero(steps)[-1]]
    marked: npt.NDArray[np.bool_] = maxima < least_kept
    return marked


def scale_matters(errors: Floats, moments: Moments, spread: Spread, least_error: float) -> bool:
    """Return whether the errors of a window are large enough, compared to the values, to be judged at all.

    Parameters
    ----------
    errors : numpy.ndarray, shape (h,), float64
        Smoothed errors.
    moments : Moments
        Moments of these errors.
    spread : Spread
        Spread of the telemetry.
    least_error : float
        The largest error must exceed it, in the units of the telemetry.

    Returns
    -------
    bool
    """
    largest = float(np.fmax.reduce(errors))
    return (
        moments.sd > _LARGE_SHARE * spread.sd or largest > _LARGE_SHARE * spread.inter_range
    ) and largest > least_error
