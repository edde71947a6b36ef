"""Metrics beside the overlap protocol, by name, and the signature of one's own."""

from collections.abc import Iterable, Mapping
from typing import Protocol

import numpy.typing as npt
import pandas as pd

from workbench.detection.evaluation.affiliation import affiliation
from workbench.detection.evaluation.areas import score_figures
from workbench.detection.evaluation.esa import event_counts
from workbench.detection.evaluation.nab import nab_counts
from workbench.detection.evaluation.pooling import Counts, Result
from workbench.detection.evaluation.ranges import range_figures
from workbench.exceptions import DetectionError

__all__ = ["METRICS", "Metric", "MetricChoice", "chosen_metrics", "needs_scores", "result_of"]


class Metric(Protocol):
    """A function that judges one channel."""

    def __call__(
        self, predicted: pd.DataFrame, labels: pd.DataFrame, length: int, score: npt.ArrayLike | None, /
    ) -> float | Result:
        """Judge one channel.

        Parameters
        ----------
        predicted, labels : pandas.DataFrame
            Integer columns `start`, `end`, inclusive, in samples of the test series; predicted ones may have the sample
            at which each was detected as `detected_at`.
        length : int
            Samples of the test series.
        score : numpy.ndarray, shape (m,), or None
            Smoothed error of the last m samples judged; None where it is not known.

        Returns
        -------
        float, mapping of str to float, or Counts
            A float is called after the function. Floats are averaged over the channels where they are not NaN; counts
            (a frozen dataclass of numbers with a method `figures()`) are added up first.
        """


MetricChoice = str | Metric
"""A name of `METRICS`, "all" for all of them, or a function of one's own."""

METRICS: dict[str, Metric] = {
    "esa": event_counts,
    "affiliation": affiliation,
    "range": range_figures,
    "vus": score_figures,
    "nab": nab_counts,
}
"""Metrics by name: ESA's benchmark, affiliation, range-based, areas of the score, NAB's score."""

_OF_SCORES = ("vus", "esa", "nab")


def chosen_metrics(choices: Iterable[MetricChoice]) -> dict[str, Metric]:
    """Return the chosen metrics by name.

    Parameters
    ----------
    choices : iterable of str or callable
        Names of `METRICS`, "all" for all of them, and functions of one's own, which are called after themselves.

    Returns
    -------
    dict of str to callable

    Raises
    ------
    DetectionError
        A name is unknown, or two functions have the same.

    Examples
    --------
    >>> list(chosen_metrics(["esa", "nab"]))
    ['esa', 'nab']
    """
    chosen: dict[str, Metric] = {}
    for choice in choices:
        if isinstance(choice, str):
            if choice not in METRICS and choice != "all":
                raise DetectionError(f"There is no metric {choice!r}.", f"Known: all, {', '.join(METRICS)}.")
            chosen |= METRICS if choice == "all" else {choice: METRICS[choice]}
            continue
        if not callable(choice):
            raise DetectionError(
                f"The metric {choice!r} is neither a name nor a function.",
                "Pass a function of predicted, labels, length and score.",
            )
        name = getattr(choice, "__name__", type(choice).__name__)
        if chosen.setdefault(name, choice) is not choice:
            raise DetectionError(f"Two metrics are called {name}.", "Give one of the functions another name.")
    return chosen


def needs_scores(choices: Iterable[MetricChoice]) -> bool:
    """Return whether any of the metrics may read the anomaly score, or when anomalies were detected."""
    return any(not isinstance(choice, str) or choice in ("all", *_OF_SCORES) for choice in choices)


def result_of(
    name: str, metric: Metric, predicted: pd.DataFrame, labels: pd.DataFrame, length: int, score: npt.ArrayLike | None
) -> Result:
    """Return what a metric says of one channel, as counts or as figures by name.

    Raises
    ------
    DetectionError
        The metric returns something else.
    """
    result = metric(predicted, labels, length, score)
    if isinstance(result, Mapping):
        return {str(figure): _number(name, value) for figure, value in result.items()}
    return result if isinstance(result, Counts) else {name: _number(name, result)}


def _number(name: str, value: object) -> float:
    try:
        return float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        raise DetectionError(
            f"The metric {name} returns {value!r}.", "It must return a number, or a mapping of names to numbers."
        ) from None
