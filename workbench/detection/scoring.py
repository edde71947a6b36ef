"""A channel's score: what a model predicted, how far off it was, and the anomalies that this makes.

A score carries what it was made from (model, data hash, parameters), so that one that is current is never
computed twice and one that is not says why.
"""

import json
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from workbench.counts import counted
from workbench.detection.anomalies import detect
from workbench.detection.applied import common_windows, least_error_range, score_attributes
from workbench.exceptions import DetectionError
from workbench.observability.timings import stage
from workbench.parameters import Preset, SeverityLevels, TelemanomParams

if TYPE_CHECKING:
    from workbench.detection.forecasters import Forecaster

__all__ = ["METHOD", "anomaly_frame", "provenance", "score", "stale_reason"]

METHOD = 1
"""Version of the method; raised when the same inputs give another score."""


def provenance(model: str, data_hash: str, params: TelemanomParams, train_hash: str = "") -> dict[str, Any]:
    """Return what a score is made from; equal provenance means an equal score.

    Parameters
    ----------
    model : str
        Model and version, as `P-1.ridge/3`.
    data_hash : str
        SHA-256 of the test series.
    params : TelemanomParams
        Detection parameters.
    train_hash : str
        SHA-256 of the training series; it counts where the least error is a share of the training telemetry's range.

    Returns
    -------
    dict
        JSON values.
    """
    made_from = {
        "model": model,
        "data_hash": data_hash,
        "parameters": json.dumps(params.model_dump(), sort_keys=True),
        "method": METHOD,
    }
    return made_from | ({"train_hash": train_hash} if params.least_error_of == "range" else {})


def stale_reason(attributes: dict[str, Any], current: dict[str, Any]) -> str:
    """Return why a stored score is not current; an empty text where it is.

    Parameters
    ----------
    attributes : dict
        Attributes of the stored score.
    current : dict
        From `provenance`.

    Returns
    -------
    str

    Examples
    --------
    >>> current = provenance("P-1.ridge/3", "abc", TelemanomParams())
    >>> stale_reason(current | {"model": "P-1.ridge/2"}, current)
    'made with P-1.ridge/2, now P-1.ridge/3'
    """
    if attributes.get("model") != current["model"]:
        return f"made with {attributes.get('model')}, now {current['model']}"
    reasons = {
        "data_hash": "the telemetry has changed",
        "parameters": "the preset's parameters have changed",
        "method": "the method has changed",
        "train_hash": "the training telemetry has changed",
    }
    return next((text for name, text in reasons.items() if attributes.get(name) != current.get(name)), "")


def score(
    channel: xr.Dataset,
    forecasters: "Sequence[Forecaster]",
    params: TelemanomParams,
    train: xr.Dataset | None = None,
) -> xr.Dataset:
    """Predict a channel and find its anomalies.

    Parameters
    ----------
    channel : xarray.Dataset
        Test split, n samples.
    forecasters : sequence of Forecaster
        Fitted to the channel; the prediction is the mean of theirs, weighted where `params` is a preset with weights.
    params : TelemanomParams
        Their windows are those of the forecasters, whatever these parameters say.
    train : xarray.Dataset, optional
        Training split, whose range says what is large where `params` measure the least error by it.

    Returns
    -------
    xarray.Dataset
        `prediction`, `prediction_error`, `smoothed_error` and `epsilon`, float32 in the units of the telemetry,
        dims (time,) of length n - sequence_length - prediction_horizon; coordinate `sample` is the position in
        the test series. Attributes: `anomalies` (JSON rows of start, end, severity), `seconds`, and the windows and
        the range that held, for `workbench.detection.applied.params_of`.

    Raises
    ------
    DetectionError
        The telemetry is not finite, or the series is too short for a window of one forecaster and the horizon of
        another.

    Notes
    -----
    A mean of forecasts errs less than most of the forecasts that it is made of (Bates and Granger 1969); Telemanom
    has one forecaster. Forecasters of different windows predict different samples: the mean is over those that all of
    them predict, which the longest `sequence_length` and the longest `prediction_horizon` bound.
    """
    windows = common_windows(forecasters)
    params = params.model_copy(update=windows)
    by = least_error_range(train, channel)
    began = time.perf_counter()
    weighted = params.forecasters if isinstance(params, Preset) else {}
    weights = [weighted.get(forecaster.name, 1.0) for forecaster in forecasters]
    with stage("predict"):
        parts = [_in_common(forecaster, channel, windows) for forecaster in forecasters]
        mean = np.average(parts, axis=0, weights=weights)
    prediction = mean.astype(np.float32)  # as it is stored, so that the score explains its own anomalies
    with stage("threshold"):
        detection = detect(channel["telemetry"].values, prediction, params.in_units(by))
    seconds = time.perf_counter() - began
    samples = np.arange(params.sequence_length, params.sequence_length + prediction.size)
    series: dict[str, npt.NDArray[np.floating[Any]]] = {
        "prediction": prediction,
        "prediction_error": detection.prediction_error,
        "smoothed_error": detection.smoothed_error,
        "epsilon": detection.epsilon,
    }
    units = channel.attrs.get("units", "")
    return xr.Dataset(
        {name: ("time", values.astype(np.float32), {"units": units}) for name, values in series.items()},
        coords={"time": channel["time"].values[samples], "sample": ("time", samples)},
        attrs={
            "channel": channel.attrs["channel"],
            "anomalies": json.dumps(detection.anomalies.to_numpy().tolist()),
            "seconds": seconds,
            **score_attributes(params, by),
        },
    )


def _in_common(forecaster: "Forecaster", channel: xr.Dataset, windows: dict[str, int]) -> npt.NDArray[np.float32]:
    """Predict with one of several forecasters the samples that all of them predict."""
    first, last = windows["sequence_length"], channel.sizes["time"] - windows["prediction_horizon"]
    if last <= first:
        raise DetectionError(
            f"{channel.attrs['channel']} has {counted(channel.sizes['time'], 'sample')}.",
            f"At least {first + windows['prediction_horizon'] + 1} are needed: the longest sequence_length {first} + "
            f"the longest prediction_horizon {windows['prediction_horizon']} of its models + 1.",
        )
    return forecaster.predict(channel)[first - forecaster.sequence_length : last - forecaster.sequence_length]


def anomaly_frame(attributes: dict[str, Any], levels: SeverityLevels) -> pd.DataFrame:
    """Return the anomalies of a stored score as a table.

    Parameters
    ----------
    attributes : dict
        Attributes of the score.
    levels : SeverityLevels
        Name the severity.

    Returns
    -------
    pandas.DataFrame
        int `start`, `end` (samples of the test series, both inclusive), float `severity`, str `level`.
    """
    rows: list[list[float]] = json.loads(attributes["anomalies"])
    start, end, severity = zip(*rows, strict=True) if rows else ((), (), ())
    return pd.DataFrame(
        {
            "start": pd.Series(start, dtype="int64"),
            "end": pd.Series(end, dtype="int64"),
            "severity": pd.Series(severity, dtype="float64"),
            "level": pd.Series([levels.level(value) for value in severity], dtype="str"),
        }
    )
