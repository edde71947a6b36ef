"""Findings from which alerts are raised: anomalies of channels and assets, and stays beyond the limits of a channel."""

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import xarray as xr

from workbench.counts import ratio_text
from workbench.detection.applied import unchanged_step
from workbench.detection.asset.events import named_contributions
from workbench.detection.envelope import AnomalyRow, anomaly_rows
from workbench.detection.envelope.silence import is_frozen, whole_silence
from workbench.maintenance.alerts.limits import excursions
from workbench.maintenance.alerts.raising import Finding, as_time
from workbench.maintenance.options import AlertOptions
from workbench.telemetry.moments import ticks

if TYPE_CHECKING:
    from workbench.telemetry.catalog import Limits

__all__ = ["anomaly_findings", "asset_findings", "limit_findings"]


def anomaly_findings(
    channel: xr.Dataset, scored: xr.Dataset, anomalies: pd.DataFrame, last: int | None = None
) -> list[Finding]:
    """Return the anomalies of a score as findings.

    Parameters
    ----------
    channel : xarray.Dataset
        Test split.
    scored : xarray.Dataset
        Its score, as `Session.score` gives it.
    anomalies : pandas.DataFrame
        start, end (samples of the test series, both inclusive), severity, level, and as `anomaly_frame` returns them
        `found_by` and `words`; those that are `provisional` are left out.
    last : int, optional
        Last sample that was judged for them; that of the score where omitted.

    Returns
    -------
    list of Finding
        `value` is the smoothed error where it lies furthest above epsilon, `threshold` epsilon there. Where bounds
        without the lag of smoothing leave its peak outside, it is the error itself; where neither reaches epsilon,
        the anomaly is that they are low, and `value` the lowest smoothed error. Where only the envelope has found the
        anomaly, `value` is that of the feature that lies furthest beyond its bound, and `threshold` the bound. A
        silence counts to its end, and goes on as long as the telemetry does not change. `evidence_at` is the first
        sample at which an error reaches epsilon or an event begins.
    """
    last = int(scored["sample"].values[-1]) if last is None else last
    telemetry, unchanged = channel["telemetry"].variable, unchanged_step(scored.attrs)
    if "provisional" in anomalies:
        anomalies = anomalies[~anomalies["provisional"]]
    by_envelope = anomalies["found_by"] == "envelope" if "found_by" in anomalies else [False] * len(anomalies)
    words = anomalies["words"] if "words" in anomalies else [""] * len(anomalies)
    errors, source = _Errors(scored), str(scored.attrs["model"])
    events = [event for row in anomaly_rows(scored.attrs) for event in row.events]
    rows = anomalies[["start", "end", "severity", "level"]].to_numpy().tolist()
    findings = []
    for (start, end, severity, level), only_envelope, said in zip(rows, by_envelope, words, strict=True):
        own = tuple(event for event in events if start <= event.start <= end)
        row = whole_silence(AnomalyRow(start, end, severity, "envelope", own), telemetry, unchanged)
        said = row.words or said
        left_at = None if only_envelope else errors.first(start, end)
        seen_at = min([event.start for event in own] + ([] if left_at is None else [left_at]), default=None)
        place = _place(channel, start, end, seen_at)
        if only_envelope:
            event = row.main_event
            value, threshold = (None, None) if event is None else (event.value, event.bound)
            place["units"] = "samples" if event is not None and event.feature == "stuck" else place["units"]
            message = _envelope_message(channel, start if event is None else event.peak_at, said)
        else:
            value, threshold = errors.furthest(start, end)
            message = _anomaly_message(channel, start if left_at is None else left_at, value, threshold, source) + (
                f" Also: {said}." if said else ""
            )
        findings.append(
            Finding(
                **place,
                kind="model",
                level=level,
                severity=severity,
                value=value,
                threshold=threshold,
                source=source,
                message=message,
                ongoing=end >= last or is_frozen(row, telemetry, unchanged),
                at_once=bool(said),
            )
        )
    return findings


class _Errors:
    """The errors of a score against epsilon."""

    def __init__(self, scored: xr.Dataset) -> None:
        self._first = int(scored["sample"].values[0])
        names = ("smoothed_error", "prediction_error", "epsilon")
        self._smoothed, self._error, self._epsilon = (scored[name].values for name in names)

    def furthest(self, start: int, end: int) -> tuple[float, float]:
        """Return the error of an anomaly that lies furthest above epsilon, and epsilon there."""
        smoothed, error, epsilon = self._smoothed, self._error, self._epsilon
        part = self._part(start, end)
        exceeding = next((values for values in (smoothed, error) if (values[part] >= epsilon[part]).any()), None)
        distance = smoothed[part] * -1 if exceeding is None else exceeding[part] - epsilon[part]
        furthest = part.start + int(np.argmax(np.where(np.isnan(distance), -np.inf, distance)))  # NaN where not judged
        return float((smoothed if exceeding is None else exceeding)[furthest]), float(epsilon[furthest])

    def first(self, start: int, end: int) -> int | None:
        """Return the first sample of an anomaly whose error, smoothed or not, reaches epsilon; None where none does.

        Telemanom's sequences begin up to `error_buffer` samples before it.
        """
        part = self._part(start, end)
        reaching = np.fmax(self._smoothed[part], self._error[part]) >= self._epsilon[part]
        return self._first + part.start + int(reaching.argmax()) if reaching.any() else None

    def _part(self, start: int, end: int) -> slice:
        return slice(max(0, start - self._first), end - self._first + 1)


def asset_findings(scored: xr.Dataset, anomalies: pd.DataFrame, name: str) -> list[Finding]:
    """Return the anomalies of a whole asset as findings.

    Parameters
    ----------
    scored : xarray.Dataset
        Score of the asset, as `Session.score_asset` returns it.
    anomalies : pandas.DataFrame
        start, end (samples of the asset's time base, both inclusive), severity, level.
    name : str
        What people call the asset.

    Returns
    -------
    list of Finding
        `value` is the largest distance from normal operation and `threshold` its bound, in standard deviations; the
        message names the channels that contribute most.
    """
    asset, source = str(scored.attrs["asset"]), str(scored.attrs["model"])
    about = {"channel": asset, "asset": asset, "subsystem": "", "units": ""}
    series = xr.Dataset(coords={"time": scored["time"]}, attrs=about)
    last = scored.sizes["time"] - 1
    findings = []
    rows = anomalies[["start", "end", "severity", "level"]].to_numpy().tolist()
    for (start, end, severity, level), found in zip(rows, json.loads(scored.attrs["explained"]), strict=True):
        findings.append(
            Finding(
                **_place(series, start, end),
                kind="asset",
                level=level,
                severity=severity,
                value=float(found["value"]),
                threshold=float(found["bound"]),
                source=source,
                message=f"{name} left normal operation at {_when(series, start)}: {found['words']} ({source}).",
                ongoing=end >= last,
                at_once=True,  # its distance was exceeded, as a bound of the envelope is
                contributions=json.dumps(
                    [[name, round(share, 4)] for name, share in named_contributions(found["contributions"])]
                ),
            )
        )
    return findings


def limit_findings(channel: xr.Dataset, limits: "Limits", options: AlertOptions) -> list[Finding]:
    """Return the stays of a channel beyond its limits as findings.

    Parameters
    ----------
    channel : xarray.Dataset
        Test split.
    limits : Limits
        Of the catalog, in the units of the telemetry.
    options : AlertOptions
        On-delay, hysteresis and levels.

    Returns
    -------
    list of Finding
    """
    findings = []
    for stay in excursions(channel["telemetry"].values, limits, options.on_delay, options.hysteresis):
        side = "above" if stay.limit.endswith("high") else "below"
        source = stay.limit.replace("_", " ")
        units = _units(channel)
        findings.append(
            Finding(
                **_place(channel, stay.start, stay.end),
                kind="limit",
                level=options.critical_level if stay.is_critical else options.warning_level,
                severity=None,
                value=stay.value,
                threshold=stay.threshold,
                source=source,
                message=f"{channel.attrs['channel']} went {side} its {source} limit at {_when(channel, stay.start)}: "
                f"{stay.value:.4g}{units}, {abs(stay.value - stay.threshold):.3g}{units} beyond {stay.threshold:.4g}"
                f"{units}.",
                ongoing=stay.ongoing,
            )
        )
    return findings


def _place(channel: xr.Dataset, start: int, end: int, seen_at: int | None = None) -> dict[str, Any]:
    times = channel["time"].values
    end = min(end, len(times) - 1)
    first_at, last_at = (int(tick) for tick in ticks(times[[start, end]]))
    attributes = {name: str(channel.attrs.get(name, "")) for name in ("channel", "asset", "subsystem", "units")}
    return {
        **attributes,
        "start_sample": start,
        "end_sample": end,
        "start_time": as_time(times[start]),
        "end_time": as_time(times[end]),
        "first_at": first_at,
        "last_at": last_at,
        "evidence_at": None if seen_at is None else int(ticks(times[[seen_at]])[0]),
    }


def _anomaly_message(channel: xr.Dataset, start: int, value: float, threshold: float, source: str) -> str:
    name = channel.attrs["channel"]
    units = _units(channel)
    when = _when(channel, start)
    if value < threshold:
        return (
            f"{name} follows its forecast suspiciously well from {when} on: the smoothed error fell to "
            f"{value:.3g}{units} ({source})."
        )
    return (
        f"{name} left its forecast at {when}: the smoothed error reached {value:.3g}{units}, "
        f"{ratio_text(value / threshold)} times epsilon, {threshold:.3g}{units} ({source})."
    )


def _envelope_message(channel: xr.Dataset, sample: int, words: str) -> str:
    at = _when(channel, sample)
    return f"{channel.attrs['channel']} did at {at} what it had not done before: {words}."


def _when(channel: xr.Dataset, sample: int) -> str:
    time = as_time(channel["time"].values[sample])
    return f"sample {sample:,}" if time is None else f"{time:%Y-%m-%d %H:%M} UTC"


def _units(channel: xr.Dataset) -> str:
    units = str(channel.attrs.get("units", ""))
    return f" {units}" if units else ""
