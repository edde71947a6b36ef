"""Distances of a shape to every window of a series, where values may be missing on both sides."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["Profile", "shape_profile"]

Floats = npt.NDArray[np.float64]

_PRESENT_SHARE = 0.8
_FURTHEST = 100.0  # ranges of the shape: larger values are cut, which keeps the sums exact; they stay far too large
_ROUNDING = 1e-12  # of the largest square: smaller variances are rounding errors of the Fourier transform


@dataclass(frozen=True)
class Profile:
    """How far each window of a series is from a shape.

    Attributes
    ----------
    distance : numpy.ndarray, shape (n - m + 1,), float64
        Root mean square difference between the z-normalised shape and the z-normalised window: 0 for the same shape,
        1.41 for one that is not correlated, 2 for its mirror image. Infinite where the window is constant, or where
        fewer than 80 % of the shape's values have a counterpart.
    amplitude : numpy.ndarray, shape (n - m + 1,), float64
        Standard deviation of the window divided by that of the shape.
    level : numpy.ndarray, shape (n - m + 1,), float64
        Mean of the window less that of the shape, in ranges (greatest less least value) of the shape.
    """

    distance: Floats
    amplitude: Floats
    level: Floats


def shape_profile(shape: npt.ArrayLike, series: npt.ArrayLike) -> Profile:
    """Compare a shape with every window of a series that is as long.

    Parameters
    ----------
    shape : array_like, shape (m,)
        Telemetry; NaN where a value is missing. Not constant.
    series : array_like, shape (n,)
        Telemetry; NaN where a value is missing. n is at least m.

    Returns
    -------
    Profile

    Notes
    -----
    The distance is the z-normalised Euclidean one of the matrix profile [1]_ divided by the root of the number of
    samples compared, so that it means the same for short and long shapes: with the correlation r of shape and window it
    is sqrt(2 (1 - r)). As in MASS [2]_ all sliding sums come from Fourier transforms. Samples that are missing in
    one of the two count in none of its sums [3]_.

    References
    ----------
    .. [1] Yeh et al., "Matrix Profile I", ICDM 2016.
    .. [2] Mueen et al., "The fastest similarity search algorithm for time series subsequences", 2015.
    .. [3] Padfield, "Masked object registration in the Fourier domain", IEEE Trans. Image Process. 21(5), 2012.

    Examples
    --------
    >>> profile = shape_profile([0.0, 1.0, 0.0, 0.0], [5.0, 5.0, 7.0, 5.0, 5.0])
    >>> profile.distance.round(2).tolist(), profile.amplitude.round(2).tolist()
    ([1.63, 0.0], [2.0, 2.0])
    """
    one, other = (np.asarray(values, dtype=np.float64) for values in (shape, series))
    ours, theirs = ~np.isnan(one), ~np.isnan(other)
    centre, spread = one[ours].mean(), np.ptp(one[ours])
    one, other = (
        np.nan_to_num((values - centre) / spread, posinf=_FURTHEST, neginf=-_FURTHEST) for values in (one, other)
    )
    other = np.clip(other, -_FURTHEST, _FURTHEST)
    sliding = _Sliding(one.size, other.size)
    count = np.rint(sliding.sums(ours, theirs))
    with np.errstate(divide="ignore", invalid="ignore"):
        mean_one, mean_other = sliding.sums(one, theirs) / count, sliding.sums(ours, other) / count
        variance_one = sliding.sums(one**2, theirs) / count - mean_one**2
        variance_other = sliding.sums(ours, other**2) / count - mean_other**2
        covariance = sliding.sums(one, other) / count - mean_one * mean_other
        correlation = np.clip(covariance / np.sqrt(variance_one * variance_other), -1.0, 1.0)
        amplitude = np.sqrt(np.maximum(variance_other, 0.0) / np.maximum(variance_one, 0.0))
        level = mean_other - mean_one
    least = _ROUNDING * max(1.0, float(np.max(other**2, initial=0.0)))
    shaped = (variance_one > _ROUNDING) & (variance_other > least) & (count >= _PRESENT_SHARE * ours.sum())
    distance = np.where(shaped, np.sqrt(2 * (1 - np.where(shaped, correlation, 1.0))), np.inf)
    return Profile(distance, amplitude, level)


class _Sliding:
    """Sums of products of a short array with every window of a long one, by the Fourier transform."""

    def __init__(self, m: int, n: int) -> None:
        self._windows = n - m + 1
        self._size = 1 << (n - 1).bit_length()  # transforms are fastest at powers of two

    def sums(self, short: npt.NDArray[np.generic], long: npt.NDArray[np.generic]) -> Floats:
        """Return the sum of `short` times each window of `long`."""
        product = np.fft.rfft(long, self._size) * np.conj(np.fft.rfft(short, self._size))
        sums: Floats = np.fft.irfft(product, self._size)[: self._windows]
        return sums
