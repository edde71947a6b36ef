"""Scores of samples of which some columns are missing: what the others make likely (probabilistic PCA)."""

import numpy as np
import numpy.typing as npt

from workbench.detection.envelope.rolling import Floats

__all__ = ["expected_scores"]

_SOLVED_COMPONENTS = 64  # with more, a system of equations for each row takes too long
_CHUNK_VALUES = 2_097_152
_ROUNDS = 10


def expected_scores(columns: Floats, loadings: Floats, variances: Floats, residual: float) -> Floats:
    """Compute the expected scores of samples from the columns that are there.

    Parameters
    ----------
    columns : numpy.ndarray, shape (n, k)
        Standardised samples; NaN where one is missing.
    loadings : numpy.ndarray, shape (k, r)
        Principal components.
    variances : numpy.ndarray, shape (r,)
        Their variances.
    residual : float
        Variance of each column beside them.

    Returns
    -------
    numpy.ndarray, shape (n, r)
        Scores whose product with the loadings is the conditional mean of each column. With more than 64 components
        they are approximated: missing columns are put where the scores say, ten times in turn.
    """
    there = ~np.isnan(columns)
    values = np.where(there, columns, 0.0)
    if loadings.shape[1] > _SOLVED_COMPONENTS:
        return _projected_in_turn(values, there, loadings)
    roots = np.sqrt(np.maximum(variances - residual, 0.0))
    weighted = loadings * roots
    k, r = weighted.shape
    products = (weighted[:, :, None] * weighted[:, None, :]).reshape(k, r * r)
    scores = np.empty((len(columns), r))
    step = max(1, _CHUNK_VALUES // (r * r))
    for start in range(0, len(columns), step):
        rows = slice(start, start + step)
        systems = (there[rows].astype(np.float64) @ products).reshape(-1, r, r) + residual * np.eye(r)
        right = values[rows] @ weighted
        scores[rows] = np.linalg.solve(systems, right[:, :, None])[:, :, 0] * roots
    return scores


def _projected_in_turn(values: Floats, there: npt.NDArray[np.bool_], loadings: Floats) -> Floats:
    scores = values @ loadings
    for _ in range(_ROUNDS):
        scores = np.where(there, values, scores @ loadings.T) @ loadings
    return scores
