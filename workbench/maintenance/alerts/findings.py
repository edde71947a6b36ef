"""Findings from which alerts are raised: anomalies of channels and assets, and stays beyond the limits of a channel."""

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import xarray as xr

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
        start, end (samples of the test series, both inclusive), severity, level; those that are `provisional` are left
        out.
    last : int, optional
        Last sample that was judged for them; that of the score where omitted.

    Returns
    -------
    list of Finding
        `value` is the smoothed error where it lies furthest above epsilon, `threshold` epsilon there. Where bounds
        without the lag of smoothing leave its peak outside, it is the error itself; where neither reaches epsilon,
        the anomaly is that they are low, and `value` the lowest smoothed error.
    """
    first = int(scored["sample"].values[0])
    last = int(scored["sample"].values[-1]) if last is None else last
    if "provisional" in anomalies:
        anomalies = anomalies[~anomalies["provisional"]]
    smoothed, error, epsilon = (scored[name].values for name in ("smoothed_error", "prediction_error", "epsilon"))
    findings = []
    rows = anomalies[["start", "end", "severity", "level"]].to_numpy().tolist()
    for start, end, severity, level in rows:
        part = slice(max(0, start - first), end - first + 1)
        exceeding = next((values for values in (smoothed, error) if (values[part] >= epsilon[part]).any()), None)
        distance = smoothed[part] * -1 if exceeding is None else exceeding[part] - epsilon[part]
        furthest = part.start + int(np.argmax(np.where(np.isnan(distance), -np.inf, distance)))  # NaN where not judged
        value = float((smoothed if exceeding is None else exceeding)[furthest])
        threshold = float(epsilon[furthest])
        source = str(scored.attrs["model"])
        findings.append(
            Finding(
                **_place(channel, start, end),
                kind="model",
                level=level,
                severity=severity,
                value=value,
                threshold=threshold,
                source=source,
                message=_anomaly_message(channel, start, value, threshold, source),
                ongoing=end >= last,
            )
        )
    return findings


def asset_findings(scored: xr.Dataset, anomalies: pd.DataFrame) -> list[Finding]:
    """Return the anomalies of a whole asset as findings.

    Parameters
    ----------
    scored : xarray.Dataset
        Score of the asset, as `Session.score_asset` returns it.
    anomalies : pandas.DataFrame
        start, end (samples of the asset's time base, both inclusive), severity, level.

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
                message=f"{asset} left normal operation at {_when(series, start)}: {found['words']} ({source}).",
                ongoing=end >= last,
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


def _place(channel: xr.Dataset, start: int, end: int) -> dict[str, Any]:
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
        f"{value / threshold:.1f} times epsilon, {threshold:.3g}{units} ({source})."
    )


def _when(channel: xr.Dataset, sample: int) -> str:
    time = as_time(channel["time"].values[sample])
    return f"sample {sample:,}" if time is None else f"{time:%Y-%m-%d %H:%M} UTC"


def _units(channel: xr.Dataset) -> str:
    units = str(channel.attrs.get("units", ""))
    return f" {units}" if units else ""
