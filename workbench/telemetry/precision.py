"""Whether float32 holds the numbers of a column, or they are stored as float64."""

import numpy as np
import numpy.typing as npt

__all__ = ["needs_float64"]

_AT_ONCE = 65_536  # values: what is made of them stays in the cache of a core
_SHARE_OF_STEP = 0.1


def needs_float64(values: npt.NDArray[np.float64]) -> bool:
    """Tell whether a column would lose what it says by being stored as float32.

    Whole numbers, as those of a counter, are held exactly. Of other numbers the rounding may be as large as a tenth of
    the usual step from one value to the next; where all values are equal, they must print as the same number. A single
    value tells nothing of the steps: float32 is enough.

    Parameters
    ----------
    values : numpy.ndarray, shape (n,), float64
        NaN where a value is missing; none is beyond the range of float32.

    Returns
    -------
    bool

    Examples
    --------
    >>> needs_float64(np.array([20.1, 20.2, np.nan])), needs_float64(np.array([123456789.0, 123456790.0]))
    (False, True)
    >>> needs_float64(np.array([1234567.89, 1234567.91])), needs_float64(np.array([0.1, 0.1]))
    (True, False)
    """
    error, is_whole = 0.0, True
    for start in range(0, len(values), _AT_ONCE):
        part = values[start : start + _AT_ONCE]
        part = _present(part)
        if part.size:
            error = max(error, float(np.abs(part - part.astype(np.float32)).max()))
            is_whole = is_whole and bool((part == np.rint(part)).all())
    if not error:
        return False
    if is_whole:
        return True
    present = _present(values)
    least = error / _SHARE_OF_STEP
    n_steps, n_large = 0, 0
    for start in range(0, len(present), _AT_ONCE):
        steps = np.abs(np.diff(present[start : start + _AT_ONCE + 1]))
        n_steps += int(np.count_nonzero(steps))
        n_large += int(np.count_nonzero(steps > 1.001 * least))
    if not n_steps:
        return present.size > 1 and float(str(np.float32(present[0]))) != float(present[0])
    if 2 * n_large > n_steps + 1:  # the median is as large, which takes longer to find
        return False
    steps = np.abs(np.diff(present))
    return error > _SHARE_OF_STEP * float(np.median(steps[steps > 0], overwrite_input=True))


def _present(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    missing = np.isnan(values)
    return values[~missing] if missing.any() else values
