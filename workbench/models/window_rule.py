"""The windows that a model is trained with where nobody has said which: those of the preset, or shorter ones."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from workbench.counts import counted

__all__ = ["LEAST_WINDOWS", "TrainingWindows", "choose_windows"]

LEAST_WINDOWS = 10
"""Least number of times that a window lies in the training telemetry, end to end."""

_LENGTHS_PER_HORIZON = 4


@dataclass(frozen=True)
class TrainingWindows:
    """Windows of one training.

    Attributes
    ----------
    sequence_length, prediction_horizon : int
        Inputs and targets of a window, samples.
    reason : str
        What made them shorter than those of the preset; empty where nothing did.
    """

    sequence_length: int
    prediction_horizon: int
    reason: str = ""

    @property
    def sizes(self) -> dict[str, int]:
        """Both sizes by name, as forecasters take them."""
        return {"sequence_length": self.sequence_length, "prediction_horizon": self.prediction_horizon}


def choose_windows(
    preferred: Mapping[str, int], requested: Mapping[str, Any], n_train: int, n_test: int | None = None
) -> TrainingWindows:
    """Choose the windows that a model of a channel is trained with.

    Parameters
    ----------
    preferred : mapping of str to int
        `sequence_length` and `prediction_horizon` of the preset in use: the longest that are chosen.
    requested : mapping of str to Any
        Hyperparameters that a person asks for; windows among them hold as they are.
    n_train : int
        Samples of the training telemetry.
    n_test : int, optional
        Samples of the test telemetry; None where more are to come, so that its length says nothing.

    Returns
    -------
    TrainingWindows

    Notes
    -----
    A window is at most a tenth of the training telemetry, so that a model has ten windows to learn from that share no
    sample. Where the test telemetry is too short for one window and its horizon, it is at most a tenth of that, too:
    nine tenths are judged. A horizon is at most a quarter of the window, which holds for 250 and 10.

    Examples
    --------
    >>> preset = {"sequence_length": 250, "prediction_horizon": 10}
    >>> choose_windows(preset, {}, 400).reason
    'windows of 40 samples, as the training telemetry has 400'
    >>> choose_windows(preset, {}, 2500).sizes, choose_windows(preset, {"sequence_length": 120}, 400).sizes
    ({'sequence_length': 250, 'prediction_horizon': 10}, {'sequence_length': 120, 'prediction_horizon': 10})
    """
    length, horizon = preferred["sequence_length"], preferred["prediction_horizon"]
    if "sequence_length" in requested:
        return TrainingWindows(requested["sequence_length"], requested.get("prediction_horizon", horizon))
    limits = {f"the training telemetry has {n_train:,}": n_train // LEAST_WINDOWS}
    if n_test is not None and n_test <= length + horizon:
        limits[f"the test telemetry has {n_test:,}"] = n_test // LEAST_WINDOWS
    cause, limit = min(limits.items(), key=lambda item: item[1])
    if limit >= length:
        return TrainingWindows(length, requested.get("prediction_horizon", horizon))
    length = max(1, limit)
    horizon = requested.get("prediction_horizon", min(horizon, max(1, length // _LENGTHS_PER_HORIZON)))
    return TrainingWindows(length, horizon, f"windows of {counted(length, 'sample')}, as {cause}")
