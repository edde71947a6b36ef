"""HTML of the overview; every value that comes from data is escaped."""

from collections.abc import Mapping
from html import escape
from typing import Any

import pandas as pd
import xarray as xr

from workbench.plots import SEVERITIES
from workbench.plots.series import is_dated
from workbench.plots.theme import severity

__all__ = ["COLUMNS", "anomaly_table", "channel_title", "fleet_head", "row_symbols", "row_text"]

COLUMNS = "".join(f"<span>{name}</span>" for name in ("channel", "worst", "score", "anomalies", "asset"))
"""Heads of the columns of `row_text`."""

_FIGURE_SPACE = "\u2007"
"""As wide as a digit: aligns numbers to the right."""


def fleet_head(title: str, fleet: pd.DataFrame) -> str:
    """Give the state of the fleet: counts by level, and what to run where scores are stale or missing."""
    states = fleet["state"].value_counts() if len(fleet) else pd.Series(dtype=int)
    missing, stale = int(states.get("missing", 0)), int(states.get("stale", 0))
    scored = fleet[fleet["state"] != "missing"] if len(fleet) else fleet
    if not len(fleet):
        state = "No telemetry yet. Run <code>workbench run</code> for the demo fleet, or import yours."
        return f"<div class='wb-line'><h1>{title}</h1><p>{state}</p></div>"
    if not len(scored):
        state = (
            f"{len(fleet)} channels, none scored yet. Run <code>workbench train --all --forecaster ridge</code>, "
            "then <code>workbench score --all</code>, and refresh."
        )
        return f"<div class='wb-line'><h1>{title}</h1><p>{state}</p></div>"
    counts = scored["level"].value_counts()
    chips = "".join(_chip(level, int(counts.get(level, 0))) for level in SEVERITIES)
    total = f"{len(fleet)} channels, {int(scored['anomalies'].sum())} anomalies"
    notes = [f"{len(scored)} scored"]
    if stale:
        notes.append(f"{stale} stale")
    if missing:
        notes.append(f"{missing} not scored")
    if stale or missing:
        notes[-1] += ": run <code>workbench score --all</code>"
    return (
        f"<div class='wb-line'><h1>{title}</h1><p>{total}</p>"
        f"<p class='wb-muted'>channels by their worst:</p><ul>{chips}</ul>"
        f"<p class='wb-muted'>{', '.join(notes)}</p></div>"
    )


def _chip(level: str, n: int) -> str:
    kind = f"{level} wb-zero" if n == 0 else level
    return f"<li class='{kind}'><span class='wb-symbol'>{SEVERITIES[level].symbol}</span><b>{n}</b> {level}</li>"


def row_text(row: Mapping[Any, Any]) -> str:
    """Give the line of a channel in the list; columns are tabs, so that the text is the label of a radio button."""
    group = f"{row['asset']} {row['subsystem']}".strip()
    if row["state"] == "missing":
        return f"{row['channel']}\tunscored\t\t\t{group}"
    number = "" if pd.isna(row["severity"]) else f"{row['severity']:.2f}".rjust(6, _FIGURE_SPACE)
    count = str(row["anomalies"]).rjust(4, _FIGURE_SPACE)
    stale = " (stale)" if row["state"] == "stale" else ""
    return f"{row['channel']}\t{severity(row['level']).word}\t{number}\t{count}\t{group}{stale}"


def row_symbols(fleet: pd.DataFrame) -> str:
    """Give the rules that put each row's symbol, in its colour, before its text."""
    rules = []
    for i, (level, state) in enumerate(zip(fleet["level"], fleet["state"], strict=True), 1):
        shown = severity(level if state != "missing" else "")
        symbol = "" if state == "missing" else shown.symbol
        colour = f"color:var(--wb-{shown.word})" if shown.word in SEVERITIES else ""
        rules.append(f".wb-rows .widget-radio-box label:nth-of-type({i})::before{{content:'{symbol}';{colour}}}")
    return f"<style>{''.join(rules)}</style>"


def channel_title(channel: str, row: Mapping[Any, Any], telemetry: xr.Dataset) -> str:
    """Give what the selected channel is and which model judged it."""
    place = " ".join(part for part in (row["asset"], row["subsystem"]) if part)
    facts = [place, f"{telemetry.sizes['time']:,} samples"]
    if row["state"] != "missing":
        facts += [f"model {row['model']}", f"{row['flagged']:.1%} of samples flagged"]
    if row["state"] == "stale":
        facts.append(f"stale: {row['reason']}; run workbench score {channel}")
    text = "".join(f"<span class='wb-muted'>{escape(fact)}</span>" for fact in facts)
    return f"<div class='wb-line'><h2>{escape(channel)}</h2>{text}</div>"


def anomaly_table(anomalies: pd.DataFrame | None, telemetry: xr.Dataset, channel: str) -> str:
    """Give the anomalies of a channel as a table, worst first, or why there are none."""
    if anomalies is None:
        command = escape(f"workbench score {channel}")
        return f"<p class='wb-note'>{escape(channel)} is not scored. Run <code>{command}</code>, then refresh.</p>"
    if anomalies.empty:
        return "<p class='wb-note wb-muted'>No anomalies: the telemetry stayed within its forecast.</p>"
    time, dated = telemetry["time"].values, is_dated(telemetry)
    stamps = "<th>from (UTC)</th><th>to (UTC)</th>" if dated else ""
    rows = []
    for item in anomalies.sort_values("severity", ascending=False).to_dict(orient="records"):
        shown, start, end = severity(item["level"]), int(item["start"]), int(item["end"])
        when = "".join(f"<td>{pd.Timestamp(time[i]):%Y-%m-%d %H:%M:%S}</td>" for i in (start, end)) if dated else ""
        rows.append(
            f"<tr class='{shown.word}'><td><span class='wb-symbol'>{shown.symbol}</span> {shown.word}</td>"
            f"<td>{item['severity']:.2f}</td><td>{start:,}</td><td>{end:,}</td><td>{end - start + 1:,}</td>{when}</tr>"
        )
    head = f"<th>severity</th><th>score</th><th>first sample</th><th>last sample</th><th>samples</th>{stamps}"
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"
