"""Scores that go on where an earlier one of the same series stops, equal to the bit to one of the whole.

What is kept of the earlier score is final: predictions depend on nothing that comes after, and only the last error
window can still change. The rest is computed span by span, so that memory does not follow the length of the series.
"""

import json
import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt
import xarray as xr

from workbench.counts import counted
from workbench.detection.applied import (
    NO_BOUNDS,
    Bounds,
    bounds_of,
    common_windows,
    range_of_least_error,
    score_attributes,
    windows_of,
)
from workbench.detection.channel_errors import ChannelErrors
from workbench.detection.envelope import AnomalyRow, EnvelopeEvent, anomaly_rows, join
from workbench.detection.envelope.course import EnvelopeCourse, judge_envelope
from workbench.detection.envelope.joining import join_rows
from workbench.detection.envelope.rows import ENVELOPE, FORECAST_ROWS, Place, rows_text
from workbench.detection.incremental import Ending, Piece, Row, Standing
from workbench.detection.stretches import judge_on
from workbench.exceptions import DetectionError
from workbench.observability.timings import stage
from workbench.parameters import Preset, TelemanomParams
from workbench.telemetry.attribute_names import REMOVED_SAMPLES
from workbench.telemetry.breaks import usual_step

if TYPE_CHECKING:
    from workbench.detection.forecasters import Forecaster

__all__ = [
    "Continuation",
    "complete_rows",
    "continue_score",
    "earlier_standing",
    "envelope_standing",
    "last_stretch",
    "predict_one",
    "provisional_rows",
    "with_envelope",
    "with_rows",
]

_LOG = logging.getLogger(__name__)
_SPAN = 262_144  # samples held in float64 at a time
_STATE = "detection_state"
_COMPLETE = "complete"
_FINAL = "final_samples"


class Continuation(NamedTuple):
    """What a score is made of: samples of an earlier one, and those that come behind them.

    Attributes
    ----------
    keep : int
        How many samples of the earlier score stay as they are.
    scored : xarray.Dataset
        What follows them, and the attributes of the whole.
    """

    keep: int
    scored: xr.Dataset


def continue_score(
    channel: xr.Dataset,
    forecasters: "Sequence[Forecaster]",
    params: TelemanomParams,
    train: xr.Dataset | None = None,
    earlier: xr.Dataset | None = None,
) -> Continuation:
    """Score a channel, going on from a score of its first samples.

    Parameters
    ----------
    channel : xarray.Dataset
        Test split, n samples.
    forecasters : sequence of Forecaster
        As for `workbench.detection.scoring.score`.
    params : TelemanomParams
        As for `score`.
    train : xarray.Dataset, optional
        As for `score`.
    earlier : xarray.Dataset, optional
        Score of the first samples, made by the same forecasters with the same parameters; the caller sees to it that
        these samples have not changed. From nothing where omitted, or where it is too short to go on from.

    Returns
    -------
    Continuation
        The first `keep` samples of `earlier` with `scored` behind them are what `score` returns for the channel, to the
        bit, and so are the attributes of `scored`, but for `seconds`.

    Raises
    ------
    DetectionError, ForecasterError
        As for `score`.
    """
    windows = common_windows(forecasters)
    params = params.model_copy(update=windows)
    began = time.perf_counter()
    m = _count(channel, windows)
    _check_gap(channel, train, params)
    base = _Base.of(earlier, m, windows)
    test_bounds = bounds_of(channel, base.samples).joined(base.bounds)
    by = range_of_least_error(None if train is None else bounds_of(train), test_bounds, channel["telemetry"].dtype)
    judges_envelope = params.envelope != "none" and train is not None
    goes_on = base.standing is not None and (params.least_error_of == "units" or by == base.least_error_range)
    goes_on &= judges_envelope == (base.envelope is not None)
    if base.removed and not goes_on:
        _LOG.warning("%s is scored anew from the first sample that retention has left.", channel.attrs["channel"])
        return continue_score(channel, forecasters, params, train)
    m += base.removed
    standing = base.standing if goes_on else None
    params_in_units = params.in_units(by)
    # Behind a break nothing may be judged yet; what lies between is filled with NaN.
    first = 0 if standing is None else min(standing.judged(params), base.predicted)
    with stage("predict"):
        prediction = _predict(channel, forecasters, params, m, first, base)
    series = ChannelErrors(channel, params, m, prediction, first, base.score, base.removed)
    names = ("prediction_error", "smoothed_error", "epsilon")
    arrays = {name: np.full(m - first, np.nan, np.float32) for name in names}
    with stage("threshold"):
        for piece in judge_on(series, m, params_in_units, standing):
            if isinstance(piece, Ending):
                ending = piece
            else:
                _fill(arrays, piece, first)
    course = None
    if judges_envelope and train is not None:
        with stage("envelope"):
            state = base.envelope if goes_on else None
            course = judge_envelope(channel, train, params, state, base.events if goes_on else (), base.removed)
    seconds = time.perf_counter() - began
    start, end = (params.sequence_length + position - base.removed for position in (first, m))
    units = channel.attrs.get("units", "")
    scored = xr.Dataset(
        {name: ("time", values, {"units": units}) for name, values in ({"prediction": prediction} | arrays).items()},
        coords={"time": channel["time"].variable[start:end].values, "sample": ("time", np.arange(start, end))},
        attrs={
            "channel": channel.attrs["channel"],
            **_attributes(ending, course, test_bounds, params, base.removed),
            "seconds": seconds,
            **score_attributes(params, by),
        },
    )
    return Continuation(first - base.removed_rows, scored)


def complete_rows(attributes: dict[str, Any]) -> tuple[int, list[AnomalyRow]]:
    """Return the end of the last complete error window of a score, and the anomalies of a series that ends there.

    Parameters
    ----------
    attributes : dict
        Attributes of the score.

    Returns
    -------
    int
        Samples of the series up to that end; 0 where there is no complete window, or the score does not tell.
    list of AnomalyRow
        As in the attribute `anomalies`. Events of the envelope are among them wherever they lie: one that has begun
        can last longer, but is not taken back.
    """
    complete = json.loads(attributes.get(_COMPLETE, "{}"))
    if not complete:
        events = [event for row in anomaly_rows(attributes) for event in row.events]
        return 0, [AnomalyRow.of(anomaly) for anomaly in join(events)]
    rows = [*json.loads(attributes["anomalies"])[: complete["same"]], *complete["rows"]]
    return complete["samples"], [AnomalyRow.from_json(row) for row in rows]


def provisional_rows(attributes: dict[str, Any]) -> int:
    """Return how many anomalies of a score may still vanish or change, since their error window is not complete.

    Parameters
    ----------
    attributes : dict
        Attributes of the score of a channel that grows.
    """
    certain = {(row.start, row.end) for row in complete_rows(attributes)[1]}
    return sum((row.start, row.end) not in certain for row in anomaly_rows(attributes))


def earlier_standing(scored: xr.Dataset) -> Standing | None:
    """Return where the detection of a score stands; None where it cannot be gone on from, or its front is gone."""
    if scored.attrs.get(REMOVED_SAMPLES):
        return None
    windows = windows_of(scored.attrs)
    return _Base.of(scored, scored.sizes["time"], windows).standing


def envelope_standing(attributes: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return where the envelope of a score stands, for `stream_at_end`; None where the score does not tell."""
    try:
        state = json.loads(attributes.get(_STATE, "{}")).get("envelope")
        return state if isinstance(state, dict) else None
    except (ValueError, AttributeError, TypeError):  # it is not what this version writes
        return None


def last_stretch(attributes: Mapping[str, Any]) -> int:
    """Return the position of the error with which the last stretch of a score begins; 0 where it has no breaks."""
    state = json.loads(attributes.get(_STATE, "{}"))
    return int(json.loads(state["standing"]).get("first", 0)) if state else 0


def with_envelope(attributes: Mapping[str, Any], course: EnvelopeCourse) -> list[AnomalyRow]:
    """Return the anomalies that a score has when its envelope is judged anew, with the sequences of its threshold.

    Parameters
    ----------
    attributes : mapping
        Attributes of the score.
    course : EnvelopeCourse
        From `judge_envelope` on the series of the score.
    """
    own = attributes.get(FORECAST_ROWS, attributes["anomalies"])
    return _joined(anomaly_rows({"anomalies": own}), course)


def with_rows(attributes: Mapping[str, Any], place: Place) -> dict[str, Any]:
    """Return the attributes of a score with its anomalies at other places; one cannot be gone on from.

    Parameters
    ----------
    attributes : mapping
        Attributes of the score.
    place : callable
        From first and last sample to those that they are now; None where nothing is left.
    """
    plain = {name: value for name, value in attributes.items() if name not in (_STATE, FORECAST_ROWS)}
    samples, rows = complete_rows(dict(attributes))
    complete = {"samples": samples, "same": 0, "rows": _placed(rows, place)} if samples else {}
    anomalies = _placed(anomaly_rows(attributes), place)
    return plain | {"anomalies": json.dumps(anomalies), _COMPLETE: json.dumps(complete)}


def _placed(rows: list[AnomalyRow], place: Place) -> list[list[Any]]:
    return [there.to_json() for row in rows if (there := row.placed(place)) is not None]


def _count(channel: xr.Dataset, windows: dict[str, int]) -> int:
    """Return how many samples all forecasters predict."""
    first, last = windows["sequence_length"], channel.sizes["time"] - windows["prediction_horizon"]
    if last <= first:
        raise DetectionError(
            f"{channel.attrs['channel']} has {counted(channel.sizes['time'], 'sample')}.",
            f"At least {first + windows['prediction_horizon'] + 1} are needed: the longest sequence_length {first} + "
            f"the longest prediction_horizon {windows['prediction_horizon']} of its models + 1.",
        )
    return last - first


def _check_gap(channel: xr.Dataset, train: xr.Dataset | None, params: TelemanomParams) -> None:
    """Refuse a longest gap that is shorter than the usual step of the telemetry, which would be nothing but gaps."""
    step = 0.0 if params.max_gap_seconds is None or train is None else usual_step(train)
    if params.max_gap_seconds is not None and step > params.max_gap_seconds:
        raise DetectionError(
            f"max_gap_seconds is {params.max_gap_seconds:g}, and {channel.attrs['channel']} has a sample every "
            f"{step:g} seconds: no two of them would be judged together.",
            "Set it to several steps of the slowest channel.",
        )


def _attributes(
    ending: Ending, course: EnvelopeCourse | None, bounds: Bounds, params: TelemanomParams, removed: int
) -> dict[str, Any]:
    """Return what a score says of its anomalies, and what it takes to go on from it."""
    length = params.sequence_length - removed
    own, complete_own = (
        [AnomalyRow(row.start + length, row.end + length, row.severity) for row in some]
        for some in (ending.rows, ending.complete_rows)
    )
    rows = [row.to_json() for row in _joined(own, course)]
    complete = rows if complete_own == own else [row.to_json() for row in _joined(complete_own, course)]
    same = 0
    while same < min(len(rows), len(complete)) and rows[same] == complete[same]:
        same += 1
    end = ending.complete + length + params.prediction_horizon
    state: dict[str, Any] = (
        {} if ending.standing is None else {"standing": ending.standing.to_text(), "telemetry": list(bounds)}
    )
    if state and removed:
        state["removed"] = removed
    if state and course is not None:
        state["envelope"] = course.state
    final = ending.final + length
    return {
        "anomalies": json.dumps(rows),
        _COMPLETE: json.dumps({"samples": end, "same": same, "rows": complete[same:]} if ending.complete else {}),
        _FINAL: (final if course is None else min(final, course.final)) if ending.complete else 0,
        _STATE: json.dumps(state),
        **({} if course is None else _envelope_attributes(own, course)),
        **({REMOVED_SAMPLES: removed} if removed else {}),
    }


def _envelope_attributes(own: list[AnomalyRow], course: EnvelopeCourse) -> dict[str, Any]:
    """Return what a score says beside the anomalies where the envelope was judged, too."""
    return {FORECAST_ROWS: rows_text(own), ENVELOPE: json.dumps({"follows_training": course.follows_training})}


def _joined(rows: list[AnomalyRow], course: EnvelopeCourse | None) -> list[AnomalyRow]:
    """Join the threshold's sequences with the events of the envelope, none of which is taken back."""
    if course is None or not course.events:
        return rows
    sequences = [(row.start, row.end, row.severity) for row in rows]
    return [AnomalyRow.of(anomaly) for anomaly in join_rows(course.events, sequences)]


@dataclass(frozen=True)
class _Base:
    """What an earlier score gives to go on from: nothing, or itself, its samples, standing, ranges and envelope."""

    score: xr.Dataset | None = None
    samples: int = 0
    standing: Standing | None = None
    bounds: Bounds = NO_BOUNDS
    least_error_range: float = 0.0
    removed: int = 0
    removed_rows: int = 0
    envelope: dict[str, Any] | None = None
    events: tuple[EnvelopeEvent, ...] = ()

    @property
    def predicted(self) -> int:
        """Return how many samples are predicted, with those that are removed."""
        return 0 if self.score is None else self.removed_rows + self.score.sizes["time"]

    @classmethod
    def of(cls, earlier: xr.Dataset | None, m: int, windows: dict[str, int]) -> "_Base":
        if earlier is None or windows_of(earlier.attrs) != windows:
            return cls()
        length = windows["sequence_length"]
        removed = int(earlier.attrs.get(REMOVED_SAMPLES, 0))
        covered = earlier.sizes["time"] + sum(windows.values()) - min(removed, length)
        if covered > m + sum(windows.values()):
            return cls()
        try:
            state = json.loads(earlier.attrs.get(_STATE, "{}"))
            if not state:
                return cls()
            rows = [
                Row(int(start) - length + removed, int(end) - length + removed, severity)
                for start, end, severity in json.loads(earlier.attrs.get(FORECAST_ROWS, earlier.attrs["anomalies"]))
            ]
            events = tuple(event for row in anomaly_rows(earlier.attrs) for event in row.events)
            standing, bounds = Standing.from_text(state["standing"], rows), Bounds(*state["telemetry"])
            by = float(earlier.attrs["least_error_range"])
        except (ValueError, KeyError, TypeError):  # it is not what this version writes
            return cls()
        envelope = state.get("envelope")
        if state.get("removed", 0) != removed or (envelope is not None and envelope["first"] < removed):
            return cls()
        if standing.first and not standing.window and standing.first < removed:  # its stretch has lost its beginning
            return cls()
        gone = max(0, removed - length)
        return cls(earlier, covered, standing, bounds, by, removed, gone, envelope, events)


def _predict(
    channel: xr.Dataset,
    forecasters: "Sequence[Forecaster]",
    params: TelemanomParams,
    m: int,
    first: int,
    base: "_Base",
) -> npt.NDArray[Any]:
    """Return the predictions from a position on: those of the earlier score, then the mean of the forecasters."""
    prediction = np.empty(m - first, channel["telemetry"].dtype)
    earlier, gone, done = base.score, base.removed_rows, base.predicted
    if earlier is not None:
        prediction[: done - first] = earlier["prediction"].variable[first - gone : done - gone].values
    weighted = params.forecasters if isinstance(params, Preset) else {}
    weights = [weighted.get(forecaster.name, 1.0) for forecaster in forecasters]
    parts = [predict_one(forecaster, channel, params, m, done, base.removed) for forecaster in forecasters]
    for start in range(done, m, _SPAN):
        span = slice(start - done, min(start + _SPAN, m) - done)
        # Sums in this order whatever the length, as `numpy.average` has them for more than one sample.
        total = parts[0][span] * np.float64(weights[0])
        for part, weight in zip(parts[1:], weights[1:], strict=True):
            total += part[span] * np.float64(weight)
        prediction[start - first : start - first + total.size] = total / np.sum(weights)
    return prediction  # in the precision in which it is stored, so that the score explains its own anomalies


def predict_one(
    forecaster: "Forecaster", channel: xr.Dataset, params: TelemanomParams, m: int, done: int, removed: int = 0
) -> npt.NDArray[Any]:
    """Return one forecaster's predictions of the samples that all predict, from a position on.

    Parameters
    ----------
    forecaster : Forecaster
        One of those that predict together.
    channel : xarray.Dataset
        Series of which the first `removed` samples are not there any more.
    params : TelemanomParams
        With the windows of all forecasters.
    m : int
        Number of the samples that all predict, with those that are removed.
    done : int
        First position.
    removed : int
        Samples in front of the series.
    """
    ahead = params.sequence_length - forecaster.sequence_length - removed
    predict_from = getattr(forecaster, "predict_from", None)
    if predict_from is None:  # one that is not ours
        return forecaster.predict(channel)[ahead + done : ahead + m]
    where = (ahead + done, removed) if removed else (ahead + done,)
    part: npt.NDArray[Any] = predict_from(channel, *where)[: m - done]
    return part


def _fill(arrays: dict[str, npt.NDArray[np.float32]], piece: Piece, first: int) -> None:
    part = slice(piece.start - first, piece.start - first + piece.error.size)
    for name, values in (
        ("prediction_error", piece.error),
        ("smoothed_error", piece.smoothed),
        ("epsilon", piece.epsilon),
    ):
        arrays[name][part] = values
