"""Range-based and VUS figures beside the overlap protocol, from the library aeon.

aeon is an extra (`pip install "telemetry-workbench[metrics]"`) and loads inside the functions. Event-wise figures are
those of `evaluation.evaluate`: the overlap protocol counts events.
"""

from collections.abc import Mapping
from types import ModuleType

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.exceptions import DetectionError

__all__ = ["EXTENDED_FIGURES", "extended_figures", "extended_table"]

EXTENDED_FIGURES = ("range_precision", "range_recall", "range_f1", "vus_pr", "vus_roc")
"""Names of the figures that `extended_figures` gives."""

_BUFFERS = range(0, 501, 10)


def extended_figures(
    predicted: pd.DataFrame, labels: pd.DataFrame, length: int, score: npt.ArrayLike | None = None
) -> dict[str, float]:
    """Compute the range-based figures of one channel and, from its score, the volume under the surface.

    Parameters
    ----------
    predicted, labels : pandas.DataFrame
        Integer columns `start`, `end`, inclusive, in samples of the test series.
    length : int
        Samples of the test series.
    score : array_like, shape (m,) or (length,), optional
        Anomaly score, high where anomalous, as the smoothed error; NaN, where a sample was not judged, counts as the
        least score. It is that of the last m samples where it is shorter than the
        series. Without it the two VUS figures are NaN.

    Returns
    -------
    dict of str to float
        `EXTENDED_FIGURES`; NaN where a figure is undefined (precision of nothing predicted, recall of nothing
        labelled, a constant score) or all samples are flagged or labelled, where aeon gives none.

    Raises
    ------
    DetectionError
        aeon is not installed, or the score is longer than the series, infinite or nothing but NaN.

    Notes
    -----
    `range_*`: Tatbul et al., "Precision and Recall for Time Series", NeurIPS 2018, with flat bias, reciprocal
    cardinality and, for F1, aeon's existence reward of 0.5 in the recall. `vus_*`: Paparrizos et al., "Volume Under
    the Surface", PVLDB 15(11), 2022, averaged over buffers of 0, 10, ... 500 samples (aeon's own function takes every
    buffer size and ten times as long, 5 s a figure and channel).
    """
    aeon = _aeon()
    figures = dict.fromkeys(EXTENDED_FIGURES, float("nan"))
    truth, flags = _mask(labels, length), _mask(predicted, length)
    if flags.any() and not truth.any():
        figures["range_precision"] = 0.0
    if truth.any() and not flags.any():
        figures["range_recall"] = 0.0
    if not truth.any() or truth.all():
        return figures
    if flags.any() and not flags.all():
        figures["range_precision"] = float(aeon.range_precision(truth, flags))
        figures["range_recall"] = float(aeon.range_recall(truth, flags))
        figures["range_f1"] = float(aeon.range_f_score(truth, flags))
    if score is not None:
        values = _score(score, length)
        scored_truth = truth[length - len(values) :]
        if np.ptp(values) > 0 and scored_truth.any() and not scored_truth.all():
            areas = [aeon.range_pr_roc_auc_support(scored_truth, values, buffer_size=size) for size in _BUFFERS]
            figures["vus_pr"], figures["vus_roc"] = map(float, np.mean(areas, axis=0))
    return figures


def extended_table(
    predicted: Mapping[str, pd.DataFrame],
    labels: Mapping[str, pd.DataFrame | None],
    lengths: Mapping[str, int],
    scores: Mapping[str, npt.ArrayLike] | None = None,
) -> pd.DataFrame:
    """Compute `extended_figures` of every channel that is scored and labelled.

    Parameters
    ----------
    predicted, labels, lengths : mapping by channel
        As in `evaluation.evaluate`.
    scores : mapping of channel to array_like, optional
        Anomaly score of each channel.

    Returns
    -------
    pandas.DataFrame
        `channel` and `EXTENDED_FIGURES`; the last row, `mean`, averages the channels where a figure is defined.

    Raises
    ------
    DetectionError
        aeon is not installed, or a score does not fit its series.
    """
    rows = [
        {"channel": name, **extended_figures(flags, sequences, lengths[name], (scores or {}).get(name))}
        for name, flags in predicted.items()
        if (sequences := labels.get(name)) is not None
    ]
    table = pd.DataFrame(rows, columns=["channel", *EXTENDED_FIGURES]).astype(dict.fromkeys(EXTENDED_FIGURES, float))
    mean = {"channel": "mean", **table[list(EXTENDED_FIGURES)].mean().to_dict()}
    return pd.DataFrame([*table.to_dict(orient="records"), mean], columns=table.columns)


def _aeon() -> ModuleType:
    try:
        import aeon.benchmarking.metrics.anomaly_detection as metrics
    except ModuleNotFoundError:
        raise DetectionError(
            "Range-based and VUS figures need the library aeon, which is not installed.",
            "Install it with: pip install 'telemetry-workbench[metrics]'.",
        ) from None
    return metrics  # type: ignore[no-any-return]


def _score(score: npt.ArrayLike, length: int) -> npt.NDArray[np.float64]:
    values = np.asarray(score, dtype=np.float64)
    if values.ndim != 1 or not 0 < len(values) <= length:
        raise DetectionError(f"score has shape {values.shape}.", f"It must hold 1 to {length} samples, one dimension.")
    missing = np.isnan(values)
    if missing.all() or np.isinf(values).any():
        raise DetectionError("score holds only NaN, or infinite values.", "Score the channel again, or pass others.")
    return np.where(missing, values[~missing].min(), values)


def _mask(sequences: pd.DataFrame, length: int) -> npt.NDArray[np.int64]:
    mask = np.zeros(length, dtype=np.int64)
    for start, end in sequences[["start", "end"]].to_numpy(dtype=np.int64):
        mask[start : end + 1] = 1
    return mask
