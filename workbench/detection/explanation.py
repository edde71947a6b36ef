"""Explanations of anomalies: why each was detected, how far it went, and what would clear it."""

import json
from collections.abc import Collection

import numpy as np
import pandas as pd
import xarray as xr

from workbench.counts import counted
from workbench.detection.applied import bounds_of, params_of
from workbench.detection.channel_errors import ChannelErrors
from workbench.detection.clearing import Clearing
from workbench.detection.command_use import command_words
from workbench.detection.envelope.rows import FORECAST_ROWS
from workbench.detection.evidence import Finding, evidence_in
from workbench.detection.loud import LoudWindows
from workbench.exceptions import DetectionError
from workbench.names import command_line
from workbench.observability.timings import stage
from workbench.parameters import SeverityLevels, TelemanomParams
from workbench.telemetry.attribute_names import REMOVED_SAMPLES
from workbench.telemetry.moments import moment_at, moment_text

__all__ = ["Spans", "explain"]

Spans = Collection[tuple[int, int]]
"""Anomalies, each by its start and end."""

_COLUMNS = {
    "start_at": "str",
    "end_at": "str",
    "text": "str",
    "preset": "str",
    "model": "str",
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

    Returns
    -------
    pandas.DataFrame
        One row an anomaly, in order of time. Samples are those of the test series, errors and thresholds in the
        telemetry's units.

        - `start`, `end` (rows, inclusive), `severity`, and `level` where levels are given;
        - `start_at`, `end_at`: their times, UTC, or numbers of their samples, which stay when the rows change;
        - `text`: one sentence; `preset`; `model`, empty where the score does not tell;
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
          `clear_min_decrease`: the least pruning in hundredths; NaN where none is. `clears` says both,
          and is empty where it was not looked for;
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
    if scored.attrs.get(REMOVED_SAMPLES):
        name = channel.attrs.get("channel", "the channel")
        raise DetectionError(
            f"The anomalies of {name} cannot be explained: retention has removed "
            f"{counted(int(scored.attrs[REMOVED_SAMPLES]), 'sample')} that they were found with.",
            "To score what is left by itself, and explain that, run: "
            + command_line("workbench score", name, options="--force"),
        )
    m = channel.sizes["time"] - params.sequence_length - params.prediction_horizon
    errors = ChannelErrors(channel, params, m, scored["prediction"].values)
    loud = LoudWindows.of(errors, m, params)
    length = params.sequence_length
    table = pd.DataFrame(
        [(row.start + length, row.end + length, row.severity) for row in loud.rows],
        columns=["start", "end", "severity"],
    ).astype({"start": "int64", "end": "int64", "severity": "float64"})
    _check_same(channel, scored, table, preset)
    evidence = evidence_in(loud)
    trial = Clearing(loud, length)
    sought = [anomaly for anomaly in evidence if clearing is None or anomaly in clearing]
    clear_z = trial.least_z(sought)
    rows, times = [], channel["time"].values
    for (start, end), findings in evidence.items():
        finding = max(findings, key=_margin)
        part = errors.errors(start - length, end - length + 1)
        largest = int(np.nanargmax(part))
        looked = (start, end) in clear_z
        z, decrease = clear_z.get((start, end)), trial.least_decrease((start, end)) if looked else None
        missing = int(np.isnan(channel["telemetry"].variable[start - length : end + 1].values).sum())
        rows.append(
            {
                "start_at": moment_text(moment_at(times, start)),
                "end_at": moment_text(moment_at(times, min(end, len(times) - 1))),
                "text": _sentence(channel, findings, finding) + _missing_sentence(missing, length),
                "preset": preset,
                "model": str(scored.attrs.get("model", "")),
                "found_from": _found_from(findings),
                "windows": len({item.window for item in findings}),
                "window_start": finding.window[0],
                "window_end": finding.window[1],
                "z": finding.z,
                "epsilon": finding.epsilon,
                "units": str(channel.attrs.get("units", "")),
                "left_at": _left_at(findings, finding),
                "smoothed_error": finding.peak,
                "smoothed_error_at": finding.peak_at,
                "ratio": _ratio(finding),
                "distance": finding.distance,
                "prediction_error": float(part[largest]),
                "prediction_error_at": start + largest,
                "missing_samples": missing,
                "clear_z": np.nan if z is None else z,
                "clear_min_decrease": np.nan if decrease is None else decrease,
                "clears": _clears(z, decrease, finding, params) if looked else "",
                "commands": command_words(channel, start, end),
            }
        )
    if levels is not None:
        table["level"] = pd.Series([levels.level(value) for value in table["severity"]], dtype="str")
    return pd.concat([table, pd.DataFrame(rows, columns=list(_COLUMNS)).astype(_COLUMNS)], axis=1)


def _check_same(channel: xr.Dataset, scored: xr.Dataset, table: pd.DataFrame, preset: str) -> None:
    """Refuse a score whose anomalies are not those that are about to be explained."""
    if "anomalies" not in scored.attrs:
        return
    stored = [(int(start), int(end)) for start, end, _ in json.loads(scored.attrs.get(FORECAST_ROWS, scored.attrs["anomalies"]))]
    detected = [(start, end) for start, end in table[["start", "end"]].to_numpy().tolist()]
    if stored != detected:
        name = channel.attrs.get("channel", "the channel")
        raise DetectionError(
            f"The score of {name} has {counted(len(stored), 'anomaly', 'anomalies')} that preset {preset} does not "
            f"find in it: it finds {len(detected)}, and not at the same samples.",
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


def _sentence(channel: xr.Dataset, findings: list[Finding], finding: Finding) -> str:
    name, sample = channel.attrs.get("channel", "The channel"), _left_at(findings, finding)
    at = f"sample {sample:,}"
    if np.issubdtype(channel["time"].dtype, np.datetime64):
        at += f" ({pd.Timestamp(channel['time'].values[sample]):%Y-%m-%d %H:%M:%S} UTC)"
    if finding.low:
        return (
            f"{name} was closer to its forecast than usual from {at}: smoothed error {finding.peak:.3g}, "
            f"{finding.distance:.1f} sd below its mean."
        )
    ratio = f"{_ratio(finding):.1f} times the threshold of its error window"
    return f"{name}: from {at} on, the smoothed error is up to {ratio}."


def _missing_sentence(missing: int, length: int) -> str:
    if not missing:
        return ""
    has, is_ = ("has", "is") if missing == 1 else ("have", "are")
    return f" {counted(missing, 'sample')} in it, or in the {length} before it, {has} no value and {is_} not judged."


def _clears(z: float | None, decrease: float | None, finding: Finding, params: TelemanomParams) -> str:
    words = []
    if z is not None:
        words.append(f"z_min {z:g} instead of {params.z_min:g} (z is {finding.z:g} here)")
    if decrease is not None:
        words.append(f"min_decrease {decrease:g} instead of {params.min_decrease:g}")
    return ", or ".join(words) or "nothing within the settings range clears it"
