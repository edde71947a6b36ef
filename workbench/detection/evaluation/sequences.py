"""Sequences of samples as bounds, masks and runs, in the form that every metric reads."""

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.exceptions import DetectionError

__all__ = ["DETECTED_AT", "Bounds", "alarms_of", "bounds_of", "mask_of", "merged_bounds", "ratio", "runs_of"]

DETECTED_AT = "detected_at"
"""Column of predicted sequences: the sample at which each was detected, where that is later than its first."""

Bounds = npt.NDArray[np.int64]
"""First and last sample of each sequence, both inclusive, shape (n, 2)."""


def bounds_of(sequences: pd.DataFrame, length: int, what: str) -> Bounds:
    """Return the bounds of sequences, after checking that they lie in their series.

    Parameters
    ----------
    sequences : pandas.DataFrame
        Integer columns `start`, `end`, both inclusive.
    length : int
        Samples of the series.
    what : str
        What the sequences are, for the error.

    Returns
    -------
    numpy.ndarray, shape (n, 2)

    Raises
    ------
    DetectionError
        A sequence ends before it starts or lies outside the series.
    """
    bounds = sequences[["start", "end"]].to_numpy(dtype=np.int64).reshape(-1, 2)
    invalid = (bounds[:, 0] > bounds[:, 1]) | (bounds[:, 0] < 0) | (bounds[:, 1] >= length)
    if invalid.any():
        start, end = bounds[invalid][0]
        raise DetectionError(
            f"{what} sequence [{start}, {end}] does not lie in a series of {length} samples.",
            f"Both ends count, so 0 <= start <= end <= {length - 1}.",
        )
    return bounds


def mask_of(bounds: Bounds, length: int) -> npt.NDArray[np.bool_]:
    """Return which samples of a series lie in any sequence.

    Examples
    --------
    >>> mask_of(np.array([[1, 2]]), 4).tolist()
    [False, True, True, False]
    """
    mask = np.zeros(length, dtype=np.bool_)
    for start, end in bounds:
        mask[start : end + 1] = True
    return mask


def runs_of(mask: npt.NDArray[np.bool_]) -> Bounds:
    """Return the bounds of the runs of true samples.

    Examples
    --------
    >>> runs_of(np.array([True, False, True, True])).tolist()
    [[0, 0], [2, 3]]
    """
    edges = np.flatnonzero(np.diff(np.concatenate(([0], mask.astype(np.int8), [0]))))
    return np.column_stack([edges[::2], edges[1::2] - 1]).astype(np.int64)


def merged_bounds(sequences: pd.DataFrame, length: int, what: str) -> Bounds:
    """Return sequences in order, with those that overlap or touch joined.

    Parameters
    ----------
    sequences, length, what
        As for `bounds_of`.

    Returns
    -------
    numpy.ndarray, shape (n, 2)

    Raises
    ------
    DetectionError
        As for `bounds_of`.
    """
    return runs_of(mask_of(bounds_of(sequences, length, what), length))


def alarms_of(sequences: pd.DataFrame, merged: Bounds) -> npt.NDArray[np.int64]:
    """Return the sample at which each joined sequence raises its alarm: the first at which one of them was detected.

    Parameters
    ----------
    sequences : pandas.DataFrame
        As for `merged_bounds`; where it has a column `detected_at`, sequences begin before they could be detected.
    merged : numpy.ndarray, shape (n, 2)
        From `merged_bounds`.

    Returns
    -------
    numpy.ndarray, shape (n,)

    Raises
    ------
    DetectionError
        A sequence was detected outside of itself.

    Examples
    --------
    >>> found = pd.DataFrame({"start": [10, 15, 40], "end": [20, 30, 50], "detected_at": [18, 16, 44]})
    >>> alarms_of(found, merged_bounds(found, 100, "predicted")).tolist()
    [16, 44]
    """
    if DETECTED_AT not in sequences:
        return merged[:, 0]
    rows = sequences[["start", "end", DETECTED_AT]].to_numpy(dtype=np.int64).reshape(-1, 3)
    for start, end, detected in rows.tolist():
        if not start <= detected <= end:
            raise DetectionError(
                f"The sequence [{start}, {end}] was detected at {detected}.", f"{DETECTED_AT} must lie inside it."
            )
    owner = np.searchsorted(merged[:, 0], rows[:, 0], side="right") - 1
    alarms = np.full(len(merged), np.iinfo(np.int64).max)
    np.minimum.at(alarms, owner, rows[:, 2])
    return alarms


def ratio(part: float, whole: float) -> float:
    """Return a quotient; NaN where the divisor is 0."""
    return part / whole if whole else float("nan")
