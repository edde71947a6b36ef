"""HTML of forecasting; every value that comes from data is escaped."""

from collections.abc import Mapping
from html import escape
from typing import Any

import pandas as pd
import xarray as xr

from workbench.maintenance.kpis.risk import LIKELIHOODS
from workbench.maintenance.schedule.what_if import Comparison
from workbench.plots.theme import severity
from workbench.views.widgets.grid import Column, cell, table_markup

__all__ = [
    "comparison_markup",
    "head_markup",
    "limits_markup",
    "parts_markup",
    "risk_head_markup",
    "risks_markup",
    "skill_markup",
]

_MOST_MOVED = 12
_MOST_REASONS = 6


def head_markup(channel: str, table: pd.DataFrame, steps: int, confidence: float, units: str) -> str:
    """Say which forecaster errs least, by how much, and whether one is better than persistence."""
    words = []
    if len(table) and table["mae"].notna().any():
        best = table.iloc[0]
        words.append(
            f"{steps:,} samples ahead {best['forecaster']} errs least, by {_number(best['mae'])} {units}".strip()
        )
        words.append(f"its {confidence:.0%} interval held {best['coverage']:.0%}")
        skilled = table.sort_values("skill", ascending=False, na_position="last").iloc[0]
        better = skilled["skill"] > 0
        words.append(f"best skill {skilled['skill']:.2f}, {skilled['forecaster']}" if better else "none has skill")
    return f"<div class='wb-line'><h1>{escape(channel)}</h1><p>{escape('; '.join(words))}</p></div>"


def risk_head_markup(risks: pd.DataFrame, names: Mapping[str, str], days: float) -> str:
    """Say which risk is the worst."""
    known = risks[risks["risk"].notna()].to_dict(orient="records")
    words = f"of {len(risks)} assets none has records and a criticality from which to tell"
    if known:
        first = known[0]
        name = names.get(first["asset"], first["asset"])
        words = f"the worst of {len(known)} is {name}: {first['level']} {first['risk']}, {first['probability']:.0%}"
        words += f" within {days:g} d"
    return f"<div class='wb-line'><h1>Risk</h1><p>{escape(words)}</p></div>"


def skill_markup(table: pd.DataFrame, units: str) -> str:
    """Write the forecasters side by side, the best first."""
    unit = f", {units}" if units else ""
    columns = [
        Column("", "forecaster"),
        Column("", f"MAE{unit}", True, "Mean absolute error over all lead times and origins"),
        Column("", f"RMSE{unit}", True, "Root of the mean squared error"),
        Column("", "R2", True, "1 - squared errors over squared deviations from the mean"),
        Column(
            "",
            "skill",
            True,
            "1 - squared errors over those of persistence; below 0 persistence is better",
        ),
        Column("", "inside", True, "Share of what came that lay within the interval, on the test series"),
        Column("", "inside, fixed", True, "The same for the interval found once on held-out training windows"),
        Column("", f"± {units}".strip(), True, "Mean half width of the interval"),
    ]
    rows = []
    for row in table.to_dict(orient="records"):
        numbers = [_number(row["mae"]), _number(row["rmse"]), _fixed(row["r2"]), _fixed(row["skill"])]
        shares = [_share(row["coverage"]), _share(row["fixed_coverage"])]
        rows.append((str(row["forecaster"]), [cell(row["forecaster"]), *numbers, *shares, _number(row["width"])]))
    return table_markup(columns, rows)


def limits_markup(table: pd.DataFrame, units: str) -> str:
    """Write when each limit is reached."""
    if table.empty:
        return "<p class='wb-note wb-muted'>The catalog gives this channel no limits.</p>"
    heads = ("limit", f"at, {units}" if units else "at", "reached", "expected", "earliest", "latest")
    tips = ("", "", "", "Where the forecast reaches it", "Where its interval first does", "Where all of it lies beyond")
    head = "".join(f'<th title="{tip}">{escape(text)}</th>' for text, tip in zip(heads, tips, strict=True))
    body = ""
    for row in table.to_dict(orient="records"):
        words, levels = _OUTCOMES[row["outcome"]]
        level = severity(levels[0 if str(row["limit"]).startswith("critical") else 1])
        times = [_lead(row[lead], row[time]) for lead, time in _LEADS.items()]
        symbol = f"<span class='wb-symbol' aria-hidden='true'>{level.symbol if levels[0] else ''}</span>"
        cells = [escape(str(row["limit"])), f"{row['value']:g}", f"{symbol}{words}", *times]
        body += f"<tr class='{level.word}'>{''.join(f'<td>{text}</td>' for text in cells)}</tr>"
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


_OUTCOMES = {
    "now": ("already", ("critical", "high")),
    "expected": ("expected", ("high", "medium")),
    "possible": ("possible", ("", "")),
    "none": ("not in this time", ("", "")),
}
"""Words, and levels of a critical and of a warning limit."""

_LEADS = {"lead": "time", "earliest": "earliest_time", "latest": "latest_time"}


def parts_markup(parts: xr.Dataset | None, reason: str = "") -> str:
    """Say what the decomposition found, or why there is none."""
    if parts is None:
        return f"<p class='wb-note wb-muted'>{escape(reason)}</p>"
    period = parts.attrs["period"]
    strength = f"{parts.attrs['seasonal_strength']:.0%}"
    season = f"repeats every {period:,} samples, {strength} of what the trend leaves" if period else "no period found"
    return f"<h2>Trend, season, remainder: <span class='wb-muted'>{escape(season)}</span></h2>"


def risks_markup(risks: pd.DataFrame, days: float, names: Mapping[str, str]) -> str:
    """Write the assets, the worst risk first."""
    columns = [
        Column("", "asset"),
        Column("", "risk", False, "Likelihood times criticality, 1 to 25"),
        Column("", f"fails within {days:g} d", True, "Probability of at least one failure"),
        Column("", "90 % interval", True),
        Column("", "failures", True, "On record; several within a day are one"),
        Column("", "watched, d", True, "Days in which failures would have been recorded"),
        Column("", "criticality", True),
    ]
    rows = []
    for row in risks.to_dict(orient="records"):
        if pd.isna(row["risk"]):
            risk = f"<span class='wb-muted' title='{escape(row['reason'])}'>not known</span>"
        else:
            level = severity(row["level"])
            word = LIKELIHOODS[int(row["likelihood"]) - 1][0]
            symbol = f"<span class='{level.word}'><span class='wb-symbol'>{level.symbol}</span></span>"
            risk = f"<span title='{word}'>{symbol}{row['level']} {row['risk']}</span>"
        interval = "" if pd.isna(row["low"]) else f"{row['low']:.0%} to {row['high']:.0%}"
        importance = "" if pd.isna(row["criticality"]) else f"{row['criticality']}"
        name = cell(names.get(row["asset"], row["asset"]))
        numbers = [_share(row["probability"]), interval, f"{row['failures']}", f"{row['watched_days']:.1f}", importance]
        rows.append((str(row["asset"]), [name, risk, *numbers]))
    unknown = risks[risks["reason"] != ""].head(_MOST_REASONS)
    reasons = [
        f"{names.get(row['asset'], row['asset'])}: {row['reason']}." for row in unknown.to_dict(orient="records")
    ]
    return table_markup(columns, rows, note="<br>".join(escape(reason) for reason in reasons))


def comparison_markup(comparison: Comparison) -> str:
    """Write the plan as it is and as it would be, and the orders that move."""
    figures = comparison.figures()
    head = "<tr><th>plan</th><th>now</th><th>would be</th><th>difference</th></tr>"
    body = "".join(
        f"<tr><td>{escape(str(name))}</td><td>{row['before']:,.1f}</td><td>{row['after']:,.1f}</td>"
        f"<td>{row['difference']:+,.1f}</td></tr>"
        for name, row in zip(figures.index, figures.to_dict(orient="records"), strict=True)
    )
    moved = comparison.moved().to_dict(orient="records")
    rows = "".join(
        f"<tr><td>{escape(str(row['job']))}</td><td>{_planned(row['start'], row['technician'])}</td>"
        f"<td>{_planned(row['new_start'], row['new_technician'])}</td></tr>"
        for row in moved[:_MOST_MOVED]
    )
    table = f"<table><thead>{head}</thead><tbody>{body}</tbody></table>"
    if not moved:
        return f"{table}<p class='wb-note wb-muted'>No order moves.</p>"
    more = f"<p class='wb-note wb-muted'>{_MOST_MOVED} of {len(moved)}</p>" if len(moved) > _MOST_MOVED else ""
    heads = "<tr><th>order that moves</th><th>now</th><th>would be</th></tr>"
    return f"{table}<table><thead>{heads}</thead><tbody>{rows}</tbody></table>{more}"


def _planned(start: Any, technician: Any) -> str:
    if not isinstance(technician, str):
        return "not planned"
    return escape(f"{pd.Timestamp(start):%a %d %b %H:%M} {technician}")


def _lead(lead: float, time: Any) -> str:
    if lead != lead:  # NaN
        return ""
    stamp = f"{time:%Y-%m-%d %H:%M:%S} UTC" if isinstance(time, pd.Timestamp) else f"sample {time:,.0f}"
    return cell(f"in {lead:,.0f}", title=stamp) + f" <span class='wb-muted'>{_short(time)}</span>"


def _short(time: Any) -> str:
    return f"{time:%d %b %H:%M}" if isinstance(time, pd.Timestamp) else f"{time:,.0f}"


def _number(value: float) -> str:
    return "" if pd.isna(value) else f"{value:,.4g}"


def _fixed(value: float) -> str:
    return "" if pd.isna(value) else f"{round(value, 2) + 0.0:.2f}" if abs(value) < 100 else f"{value:,.0f}"


def _share(value: float) -> str:
    return "" if pd.isna(value) else f"{value:.0%}"
