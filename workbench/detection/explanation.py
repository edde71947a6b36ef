"""Explanations of anomalies: why each was detected, how far it went, and what would clear it."""

import logging
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from workbench.counts import counted, ratio_text
from workbench.detection.applied import bounds_of, params_of, unchanged_step
from workbench.detection.channel_errors import ChannelErrors
from workbench.detection.clearing import Clearing
from workbench.detection.command_use import CommandTotals, command_words
from workbench.detection.continuing import last_stretch
from workbench.detection.envelope.clearing import EnvelopeClearing
from workbench.detection.envelope.rows import FORECAST_ROWS, AnomalyRow, anomaly_rows
from workbench.detection.envelope.silence import whole_silence
from workbench.detection.evidence import Finding, evidence_in
from workbench.detection.incremental import Row, standing_within
from workbench.detection.loud import LoudWindows
from workbench.exceptions import DetectionError
from workbench.names import command_line
from workbench.observability.timings import stage
from workbench.parameters import SeverityLevels, TelemanomParams
from workbench.telemetry.attribute_names import REMOVED_SAMPLES
from workbench.telemetry.moments import Moment, moment_at, moment_text

__all__ = ["Spans", "explain"]

_LOG = logging.getLogger(__name__)

Spans = Collection[tuple[int, int]]
"""Anomalies, each by its start and end."""

_NOTHING = "nothing within the settings range clears it"
_COLUMNS = {
    "start_at": "str",
    "end_at": "str",
    "text": "str",
    "preset": "str",
    "model": "str",
    "found_by": "str",
    "words": "str",
    "feature": "str",
    "feature_value": "float64",
    "feature_bound": "float64",
    "feature_record": "float64",
    "feature_at": "int64",
    "margins": "float64",
    "found_from": "str",
    "windows": "int64",
    "window_start": "int64",
    "window_end": "int64",
    "z": "float64",
    "epsilon": "float64",
    "units": "str",
    "left_at": "int64",
    "smoothed_error": "float64",
    "smoothed_error_at": "int64",
    "ratio": "float64",
    "distance": "float64",
    "prediction_error": "float64",
    "prediction_error_at": "int64",
    "missing_samples": "int64",
    "clear_z": "float64",
    "clear_min_decrease": "float64",
    "clear_width": "float64",
    "clears": "str",
    "commands": "str",
}
"""Columns beside those of the anomalies, and their types."""


@stage("explain")
def explain(
    channel: xr.Dataset,
    scored: xr.Dataset,
    params: TelemanomParams,
    preset: str,
    levels: SeverityLevels | None = None,
    clearing: Spans | None = None,
    train: xr.Dataset | None = None,
) -> pd.DataFrame:
    """Explain each anomaly of a score.

    Parameters
    ----------
    channel : xarray.Dataset
        Test split, n samples.
    scored : xarray.Dataset
        Its score: `prediction` over `time`; where it has the attribute `anomalies`, those are checked.
    params : TelemanomParams
        Parameters of the preset by which it was scored; windows and least error are those that the score holds.
    preset : str
        Their name in the settings.
    levels : SeverityLevels, optional
        Name the severity.
    clearing : collection of tuple of int, optional
        Start and end of the anomalies for which what clears them is looked for, which takes longest; all where
        omitted.
    train : xarray.Dataset, optional
        Training split, without which no width of the envelope that clears an anomaly is looked for.

    Returns
    -------
    pandas.DataFrame
        One row an anomaly, in order of time. Samples are those of the test series, errors and thresholds in the
        telemetry's units. Of an anomaly that only the envelope found, what the forecast tells is NaN, -1 or empty.

        - `start`, `end` (rows, inclusive), `severity`, and `level` where levels are given;
        - `start_at`, `end_at`: their times, UTC, or numbers of their samples, which stay when the rows change;
        - `text`: one sentence; `preset`; `model`, empty where the score does not tell;
        - `found_by`: forecast, envelope or both; `words`: what the envelope found, empty where it found nothing;
        - `feature`: the feature of the envelope that lies furthest beyond its bound, at sample `feature_at`
          (`stuck`, a silence: from that sample on, and `feature_value` counts all of it);
          `feature_value`, `feature_bound` and `feature_record` (of training and since), in the telemetry's units, of
          `stuck` in samples; `margins`: the distance of value and record in times of that of bound and record;
        - `found_from`: high errors, unusually low errors, or both;
        - `windows`: how many error windows found it. The figures are those of the one whose threshold was passed by
          most standard deviations: `window_start`, `window_end`, its `z` and `epsilon` (the lower threshold, mean -
          z sd, where the errors are unusually low) and `units`;
        - `left_at`: first sample beyond the threshold; `smoothed_error` and `smoothed_error_at`: the one farthest
          beyond it, `ratio` to epsilon (NaN where epsilon is 0) and `distance` from the mean, in sd of the window;
        - `prediction_error` and `prediction_error_at`: the largest;
        - `missing_samples`: how many samples without a value lie in it, or in the window before it, from which its
          first sample was forecast; `text` tells them, too;
        - `clear_z`: the least `z_min`, in steps of `z_step`, with which it is no longer found, and
          `clear_min_decrease`: the least pruning in hundredths; `clear_width`: an `envelope_width` with which the
          envelope no longer finds it; NaN where none is. `clears` says them, and is empty where they were not looked
          for;
        - `commands`: those active inside, the most distinctive first.

    Raises
    ------
    DetectionError
        The score is not that of this series and these parameters.

    Notes
    -----
    What clears an anomaly is found by running the detection with the one change, not from a formula: raising `z_min`
    also changes what earlier error windows flag, and so what later ones prune against. It runs in the windows that can
    have a part in the anomaly. Telemanom explains nothing beyond its score.
    """
    params = params_of(scored, params)
    if params.least_error_of == "range":  # a score that does not tell the range
        params = params.in_units(bounds_of(channel).size)
    length, removed = params.sequence_length, int(scored.attrs.get(REMOVED_SAMPLES, 0))
    offset = length - removed  # from the position of an error to its sample in the series
    m = channel.sizes["time"] - offset - params.prediction_horizon
    first = max(0, -offset)
    errors = ChannelErrors(channel, params, m, scored["prediction"].values, first, removed=removed)
    stored = _stored_rows(scored)
    at_errors = [Row(row.start - offset, row.end - offset, row.severity) for row in stored]
    standing = None
    if removed:
        standing = standing_within(errors, m, params, first, at_errors, last_stretch(scored.attrs))
    loud = LoudWindows.of(errors, m, params, standing)
    sequences = [AnomalyRow(row.start + offset, row.end + offset, row.severity) for row in loud.rows]
    if standing is None:
        _check_same(channel, scored, stored, sequences, preset)
    else:
        loud = _those_stored(channel, stored, loud, offset, anomaly_rows(scored.attrs))
    loud = replace(loud, params=params.model_copy(update={"sequence_length": offset}))
    evidence = evidence_in(loud)
    anomalies = anomaly_rows(scored.attrs) if "anomalies" in scored.attrs else sequences
    members = {
        (row.start, row.end): [span for span in evidence if span[0] <= row.end and span[1] >= row.start]
        for row in anomalies
    }
    anomalies = [
        row if members[row.start, row.end] else replace(row, found_by="envelope")
        for row in anomalies
        if members[row.start, row.end] or row.events
    ]
    sought = {span for span in members if clearing is None or span in clearing}
    trial = Clearing(loud, offset)
    clear_z = trial.least_z(member for span in sought for member in members[span])
    width_trial = None if train is None or removed else EnvelopeClearing(channel, train, params)
    rows, totals = [], CommandTotals.of(channel)
    for anomaly in anomalies:
        span = (anomaly.start, anomaly.end)
        own, clears = members[span], {"clear_z": np.nan, "clear_min_decrease": np.nan, "clear_width": np.nan}
        findings = [finding for member in own for finding in evidence[member]]
        if span in sought:
            clears["clear_z"] = _all_of(clear_z[member] for member in own)
            clears["clear_min_decrease"] = _all_of(trial.least_decrease(member) for member in own)
            if anomaly.events and width_trial is not None:
                clears["clear_width"] = _all_of([width_trial.least_width(anomaly)])
        judged = channel["telemetry"].variable[max(0, anomaly.start - length) : anomaly.end + 1].values
        missing = int(np.isnan(judged).sum())
        row = {"start": anomaly.start, "end": anomaly.end, "severity": anomaly.severity}
        shown = whole_silence(anomaly, channel["telemetry"].variable, unchanged_step(scored.attrs))
        row |= _place(channel, anomaly) | _envelope_part(shown)
        row |= _forecast_part(findings, errors, anomaly, offset, m) | clears
        text = _text(channel, shown, findings) + (_missing_sentence(missing, length) if own else "")
        words = _clears(clears, findings, anomaly, params) if span in sought else ""
        rows.append(
            row
            | {
                "text": text,
                "preset": preset,
                "model": str(scored.attrs.get("model", "")),
                "units": str(channel.attrs.get("units", "")),
                "missing_samples": missing,
                "clears": words,
                "commands": command_words(channel, anomaly.start, anomaly.end, totals),
            }
        )
    bounds = {"start": "int64", "end": "int64", "severity": "float64"}
    table = pd.DataFrame(rows, columns=[*bounds, *_COLUMNS]).astype({**bounds, **_COLUMNS})
    if levels is not None:
        names = pd.Series([levels.level(value) for value in table["severity"]], dtype="str")
        table.insert(3, "level", names)
    return table


def _moment(channel: xr.Dataset, sample: int) -> Moment:
    """Return the moment of a sample, and read no other."""
    return moment_at(channel["time"].variable[sample : sample + 1].values, 0)


def _place(channel: xr.Dataset, anomaly: AnomalyRow) -> dict[str, str]:
    last = min(anomaly.end, channel.sizes["time"] - 1)
    return {
        "start_at": moment_text(_moment(channel, anomaly.start)),
        "end_at": moment_text(_moment(channel, last)),
    }


def _stored_rows(scored: xr.Dataset) -> list[AnomalyRow]:
    """Return the threshold's own sequences of a score."""
    return anomaly_rows({"anomalies": scored.attrs.get(FORECAST_ROWS, scored.attrs.get("anomalies", "[]"))})


def _those_stored(
    channel: xr.Dataset, stored: list[AnomalyRow], loud: LoudWindows, offset: int, anomalies: list[AnomalyRow]
) -> LoudWindows:
    """Keep the sequences of what retention has left that the score has, too; of those near the cut, too little is left.

    Raises
    ------
    DetectionError
        There are none, and the envelope has found nothing.
    """
    spans = {(row.start - offset, row.end - offset) for row in stored}
    rows = tuple(row for row in loud.rows if (row.start, row.end) in spans)
    n_lost = len(spans) - len(rows)
    name = channel.attrs.get("channel", "the channel")
    if n_lost:
        lost = f"{counted(n_lost, 'anomaly', 'anomalies')} of {name} cannot be explained: retention has removed samples"
        if n_lost == len(spans) and not any(anomaly.events for anomaly in anomalies):
            raise DetectionError(
                f"{lost} that they were found with.",
                "To score what is left by itself, and explain that, run: "
                + command_line("workbench score", name, options="--force"),
            )
        _LOG.warning("%s that they were found with.", lost)
    return replace(loud, rows=rows)


def _envelope_part(anomaly: AnomalyRow) -> dict[str, Any]:
    """Return what the envelope tells of an anomaly."""
    event = anomaly.main_event
    return {
        "found_by": anomaly.found_by,
        "words": anomaly.words,
        "feature": "" if event is None else event.feature,
        "feature_value": np.nan if event is None else event.value,
        "feature_bound": np.nan if event is None else event.bound,
        "feature_record": np.nan if event is None else event.record,
        "feature_at": -1 if event is None else event.peak_at,
        "margins": np.nan if event is None or not np.isfinite(event.margins) else event.margins,
    }


def _forecast_part(
    findings: list[Finding], errors: ChannelErrors, anomaly: AnomalyRow, offset: int, m: int
) -> dict[str, Any]:
    """Return what the forecast tells of an anomaly; it ends before the envelope does, `m` errors from the start."""
    if not findings:
        numbers = dict.fromkeys(("z", "epsilon", "smoothed_error", "ratio", "distance", "prediction_error"), np.nan)
        samples = dict.fromkeys(
            ("window_start", "window_end", "left_at", "smoothed_error_at", "prediction_error_at"), -1
        )
        return {"found_from": "", "windows": 0, **numbers, **samples}
    finding = max(findings, key=_margin)
    first = max(anomaly.start, offset)
    part = errors.errors(first - offset, min(anomaly.end - offset + 1, m))
    largest = int(np.nanargmax(part))
    return {
        "found_from": _found_from(findings),
        "windows": len({item.window for item in findings}),
        "window_start": finding.window[0],
        "window_end": finding.window[1],
        "z": finding.z,
        "epsilon": finding.epsilon,
        "left_at": _left_at(findings, finding),
        "smoothed_error": finding.peak,
        "smoothed_error_at": finding.peak_at,
        "ratio": _ratio(finding),
        "distance": finding.distance,
        "prediction_error": float(part[largest]),
        "prediction_error_at": first + largest,
    }


def _all_of(changes: Iterable[float | None]) -> float:
    """Return the change that clears all of several; NaN where one is cleared by none, or there are none."""
    values = list(changes)
    known = [value for value in values if value is not None]
    return max(known) if values and len(known) == len(values) else np.nan


def _check_same(
    channel: xr.Dataset, scored: xr.Dataset, stored: list[AnomalyRow], sequences: list[AnomalyRow], preset: str
) -> None:
    """Refuse a score whose anomalies are not those that are about to be explained."""
    if "anomalies" not in scored.attrs:
        return
    if [(row.start, row.end) for row in stored] != [(row.start, row.end) for row in sequences]:
        name = channel.attrs.get("channel", "the channel")
        raise DetectionError(
            f"The score of {name} has {counted(len(stored), 'anomaly', 'anomalies')} that preset {preset} does not "
            f"find in it: it finds {len(sequences)}, and not at the same samples.",
            "The score is of other telemetry or other parameters. Run: "
            + command_line("workbench score", name, options=f"--preset {preset}"),
        )


def _margin(finding: Finding) -> float:
    return finding.distance - finding.z


def _left_at(findings: list[Finding], chosen: Finding) -> int:
    return min(item.left_at for item in findings if item.low == chosen.low)


def _ratio(finding: Finding) -> float:
    return finding.peak / finding.epsilon if finding.epsilon > 0 else float("nan")


def _found_from(findings: list[Finding]) -> str:
    high, low = (any(item.low == side for item in findings) for side in (False, True))
    if high and low:
        return "high and unusually low errors"
    return "unusually low errors" if low else "high errors"


def _text(channel: xr.Dataset, anomaly: AnomalyRow, findings: list[Finding]) -> str:
    """Say what found an anomaly: the forecast, the envelope, or first the one and then the other."""
    name = str(channel.attrs.get("channel", "The channel"))
    sentences = [_sentence(channel, findings, max(findings, key=_margin))] if findings else []
    event = anomaly.main_event
    if event is not None:
        subject = "It" if sentences else name
        at = _at(channel, event.peak_at)
        sentences.append(f"{subject} did what it had not done before at {at}: {event.words}.")
    return " ".join(sentences)


def _at(channel: xr.Dataset, sample: int) -> str:
    if not np.issubdtype(channel["time"].dtype, np.datetime64):
        return f"sample {sample:,}"
    return f"sample {sample:,} ({_moment(channel, sample):%Y-%m-%d %H:%M:%S} UTC)"


def _sentence(channel: xr.Dataset, findings: list[Finding], finding: Finding) -> str:
    name, at = channel.attrs.get("channel", "The channel"), _at(channel, _left_at(findings, finding))
    if finding.low:
        return (
            f"{name} was closer to its forecast than usual from {at}: smoothed error {finding.peak:.3g}, "
            f"{finding.distance:.1f} sd below its mean."
        )
    ratio = f"{ratio_text(_ratio(finding))} times the threshold of its error window"
    return f"{name}: from {at} on, the smoothed error is up to {ratio}."


def _missing_sentence(missing: int, length: int) -> str:
    if not missing:
        return ""
    has, is_ = ("has", "is") if missing == 1 else ("have", "are")
    return f" {counted(missing, 'sample')} in it, or in the {length} before it, {has} no value and {is_} not judged."


def _clears(clears: Mapping[str, float], findings: list[Finding], anomaly: AnomalyRow, params: TelemanomParams) -> str:
    """Say which changes of the settings clear an anomaly; one that both have found needs one change for each."""
    words = []
    if not np.isnan(clears["clear_z"]):
        z = max(findings, key=_margin).z
        words.append(f"z_min {clears['clear_z']:g} instead of {params.z_min:g} (z is {z:g} here)")
    if not np.isnan(clears["clear_min_decrease"]):
        words.append(f"min_decrease {clears['clear_min_decrease']:g} instead of {params.min_decrease:g}")
    either = f"either {words[0]}, or {words[1]}" if len(words) > 1 else "".join(words)
    width = clears["clear_width"]
    wider = "" if np.isnan(width) else f"envelope_width {width:g} instead of {params.envelope_width:g}"
    if anomaly.found_by == "both":
        return f"{wider} together with {either}" if either and wider else _NOTHING
    return either or wider or _NOTHING
