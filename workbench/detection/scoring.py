"""A channel's score: what a model predicted, how far off it was, and the anomalies that this makes.

A score carries what it was made from (model, data hash, parameters), so that one that is current is never
computed twice and one that is not says why.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import xarray as xr

from workbench.detection.applied import unchanged_step
from workbench.detection.continuing import complete_rows, continue_score
from workbench.detection.envelope import AnomalyRow, anomaly_rows
from workbench.detection.envelope.rows import ENVELOPE
from workbench.detection.envelope.silence import whole_silence
from workbench.parameters import SeverityLevels, TelemanomParams

if TYPE_CHECKING:
    from workbench.detection.forecasters import Forecaster

__all__ = [
    "METHOD",
    "TELEMETRY_CHANGED",
    "anomalies_to_alert",
    "anomaly_frame",
    "anomaly_frames",
    "first_judged",
    "provenance",
    "provenances",
    "score",
    "stale_reason",
    "whole_words",
]

TELEMETRY_CHANGED = "the telemetry has changed"
"""Why a score is stale whose telemetry has grown, or was replaced."""

METHOD = 3
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
        SHA-256 of the training series; it counts where the least error is a share of the training telemetry's range, or
        the envelope is judged.

    Returns
    -------
    dict
        JSON values.
    """
    return provenances(params)(model, data_hash, train_hash)


def provenances(params: TelemanomParams) -> Callable[[str, str, str], dict[str, Any]]:
    """Return a function that does what `provenance` does for scores with the same parameters.

    Parameters
    ----------
    params : TelemanomParams
        Detection parameters.

    Returns
    -------
    callable
        It takes the model, the hash of the test series and that of the training series.
    """
    parameters = json.dumps(params.model_dump(exclude_none=True), sort_keys=True)  # what is not set changes nothing
    by_training = params.least_error_of == "range" or params.envelope != "none"

    def made_from(model: str, data_hash: str, train_hash: str) -> dict[str, Any]:
        origin = {"model": model, "data_hash": data_hash, "parameters": parameters, "method": METHOD}
        return origin | ({"train_hash": train_hash} if by_training else {})

    return made_from


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
        "data_hash": TELEMETRY_CHANGED,
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
        the test series. Attributes: `anomalies` (JSON rows of start, end, severity), `seconds`, the windows and the
        range that held, for `workbench.detection.applied.params_of`, `final_samples` (an anomaly that ends before it
        is not changed by any sample to come), and what it takes to go on from the score: see
        `workbench.detection.continuing`.

    Raises
    ------
    DetectionError
        The telemetry is not finite, the series is too short for a window of one forecaster and the horizon of another,
        or `max_gap_seconds` is less than the usual step of the training split.

    Notes
    -----
    A mean of forecasts errs less than most of the forecasts that it is made of (Bates and Granger 1969); Telemanom
    has one forecaster. Forecasters of different windows predict different samples: the mean is over those that all of
    them predict, which the longest `sequence_length` and the longest `prediction_horizon` bound.

    With `max_gap_seconds`, errors and thresholds of samples whose window or horizon reaches across a longer gap are
    NaN, and so are those of a stretch that is too short for both. Their predictions are stored all the same, so that
    the score can be judged with another setting.
    """
    return continue_score(channel, forecasters, params, train).scored


def anomaly_frame(attributes: dict[str, Any], levels: SeverityLevels) -> pd.DataFrame:
    """Return the anomalies of a stored score as a table.

    Parameters
    ----------
    attributes : dict
        Attributes of the score; `grows` tells whether its channel grows.
    levels : SeverityLevels
        Name the severity.

    Returns
    -------
    pandas.DataFrame
        int `start`, `end` (samples of the test series, both inclusive), float `severity`, str `level`, bool
        `provisional`: whether the anomaly may vanish again, since it comes from the last error window of a channel
        that grows, which is not complete yet; str `found_by`: "forecast", "envelope" or "both"; and str `words`: what
        the envelope found, empty where it found nothing.
    """
    rows = anomaly_rows(attributes)
    frame = _frame(rows, levels)
    if not attributes.get("grows"):
        return frame
    complete = complete_rows(attributes)[1]
    certain = [any(one.start <= row.end and one.end >= row.start for one in complete) for row in rows]
    return frame.assign(provisional=~np.array(certain, dtype=bool))


def anomaly_frames(scores: Sequence[dict[str, Any]], levels: SeverityLevels) -> list[pd.DataFrame]:
    """Return what `anomaly_frame` returns for each of several scores; their tables are made together."""
    rows = [anomaly_rows(attributes) for attributes in scores]
    every = _frame([row for own in rows for row in own], levels)
    frames, start = [], 0
    for attributes, own in zip(scores, rows, strict=True):
        if own and attributes.get("grows"):
            frames.append(anomaly_frame(attributes, levels))
        else:
            frame = every.iloc[start : start + len(own)]
            frame.index = pd.RangeIndex(len(own))
            frames.append(frame)
        start += len(own)
    return frames


def whole_words(frame: pd.DataFrame, attributes: Mapping[str, Any], channel: Callable[[], xr.Dataset]) -> pd.DataFrame:
    """Return anomalies whose words count a silence to its end; the event of one ends after 100 samples.

    Parameters
    ----------
    frame : pandas.DataFrame
        From `anomaly_frame`.
    attributes : mapping
        Attributes of the score that it was made from.
    channel : callable
        Returns the test split; not called where no anomaly is a silence.
    """
    rows = anomaly_rows(attributes)
    if not any(event.feature == "stuck" for row in rows for event in row.events):
        return frame
    telemetry, unchanged = channel()["telemetry"].variable, unchanged_step(attributes)
    words = [whole_silence(row, telemetry, unchanged).words for row in rows]
    return frame.assign(words=pd.Series(words, dtype="str"))


def anomalies_to_alert(scored: xr.Dataset, levels: SeverityLevels) -> tuple[int | None, pd.DataFrame]:
    """Return the anomalies of a stored score that may raise alerts, and up to where the series was judged for them.

    Parameters
    ----------
    scored : xarray.Dataset
        The score; its attribute `grows` tells whether its channel grows.
    levels : SeverityLevels
        Name the severity.

    Returns
    -------
    int or None
        Last sample judged; None where the channel grows, no error window is complete yet and no envelope is judged.
    pandas.DataFrame
        As from `anomaly_frame`, none of them provisional: of a channel that grows, the anomalies of the series up to
        the end of the last complete error window, and whatever the envelope has found, which later samples do not take
        back.
    """
    attributes = scored.attrs
    if not attributes.get("grows"):
        return int(scored["sample"].variable[-1]), anomaly_frame(attributes, levels)
    samples, rows = complete_rows(attributes)
    horizon = int(attributes["prediction_horizon"])
    last = samples - horizon - 1 if samples else None
    if not samples and ENVELOPE in attributes:
        last = int(scored["sample"].variable[-1]) + horizon
    return last, _frame(rows, levels)


def first_judged(scored: xr.Dataset) -> int:
    """Return the first sample of a series that its score judges: without a forecast where the envelope does."""
    follows = json.loads(scored.attrs.get(ENVELOPE, "{}")).get("follows_training", False)
    return 0 if follows else int(scored["sample"].variable[0])


def _frame(rows: Sequence[AnomalyRow], levels: SeverityLevels) -> pd.DataFrame:
    columns: dict[str, tuple[str, list[Any]]] = {
        "start": ("int64", [row.start for row in rows]),
        "end": ("int64", [row.end for row in rows]),
        "severity": ("float64", [row.severity for row in rows]),
        "level": ("str", [levels.level(row.severity) for row in rows]),
        "provisional": ("bool", [False] * len(rows)),
        "found_by": ("str", [row.found_by for row in rows]),
        "words": ("str", [row.words for row in rows]),
    }
    arrays = {name: _array(values, dtype) for name, (dtype, values) in columns.items()}
    return pd.DataFrame(arrays)  # of series it would take three times as long


def _array(values: list[Any], dtype: str) -> Any:
    return pd.array(values, dtype="str") if dtype == "str" else np.array(values, dtype=dtype)
