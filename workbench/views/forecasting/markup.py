"""HTML of forecasting; every value that comes from data is escaped."""

from collections.abc import Mapping
from html import escape
from typing import Any

import pandas as pd
import xarray as xr

from workbench.counts import counted
from workbench.forecasting import TOGETHER
from workbench.maintenance.kpis.risk import LIKELIHOODS
from workbench.maintenance.schedule.what_if import Comparison
from workbench.plots.theme import severity
from workbench.views.markup import percent, significant
from workbench.views.widgets.grid import Column, cell, table_markup

__all__ = [
    "comparison_markup",
    "forecaster_words",
    "head_markup",
    "limits_markup",
    "no_telemetry_markup",
    "parts_markup",
    "risk_head_markup",
    "risks_markup",
    "skill_markup",
]

_MAX_MOVED_ORDERS = 12
_MAX_REASONS = 6
_FORECASTERS = {"persistence": "last value", TOGETHER: "combined"}


def forecaster_words(name: str) -> str:
    """Return the name of a forecaster on screen.

    Parameters
    ----------
    name : str
        Name in tables and links.

    Returns
    -------
    str

    Examples
    --------
    >>> forecaster_words("persistence"), forecaster_words("ridge")
    ('last value', 'ridge')
    """
    return _FORECASTERS.get(name, name)


def no_telemetry_markup() -> str:
    """Return the headline where the archive holds no channel.

    Returns
    -------
    str
        HTML.
    """
    return (
        "<div class='wb-line'><h1>No telemetry yet</h1><p>Run <code>workbench run</code> for the demo fleet.</p></div>"
    )


def head_markup(channel: str, table: pd.DataFrame, steps: int, confidence: float, units: str) -> str:
    """Write which forecaster has the smallest error, and whether one is better than the last value.

    Parameters
    ----------
    channel : str
        Name of the channel.
    table : pandas.DataFrame
        As from `skill_table`; empty before the channel has been forecast.
    steps : int
        How far ahead, samples.
    confidence : float
        Share of the truths that the intervals are to hold.
    units : str
        Units of the channel.

    Returns
    -------
    str
        HTML.
    """
    words = []
    if len(table) and table["mae"].notna().any():
        best = table.iloc[0]
        error = f"{significant(best['mae'])} {units}".strip()
        name = forecaster_words(best["forecaster"])
        words.append(f'{steps:,} samples ahead, "{name}" has the smallest mean error ({error})')
        words.append(f"{percent(best['coverage'])} of the values fell inside its {percent(confidence)} interval")
        squared = str(table.sort_values("rmse", kind="stable")["forecaster"].iloc[0])  # NaN comes last
        if squared != best["forecaster"]:  # which one is best depends on how much large errors count
            words.append(f'"{forecaster_words(squared)}" the smallest squared error, by which skill is counted')
        if not (table["skill"] > 0).any():
            words.append('no forecaster is better than "last value"')
    return f"<div class='wb-line'><h1>{escape(channel)}</h1><p>{escape('; '.join(words))}</p></div>"


def risk_head_markup(risks: pd.DataFrame, names: Mapping[str, str], days: float) -> str:
    """Write which asset has the highest risk.

    Parameters
    ----------
    risks : pandas.DataFrame
        As from `workbench.forecasting.risks`, the highest risk first.
    names : mapping of str to str
        Catalog names of the assets by their ids.
    days : float
        How far ahead, days.

    Returns
    -------
    str
        HTML.
    """
    rated = risks[risks["risk"].notna()].to_dict(orient="records")
    words = "No asset has both enough history and a criticality. Set criticalities in the catalog."
    if rated:
        first = rated[0]
        name = names.get(first["asset"], first["asset"])
        words = f"Highest of {counted(len(rated), 'asset')}: {name}, {first['level']} {first['risk']}; "
        words += f"{percent(first['probability'])} probability of a failure within {_days(days)}"
    return f"<div class='wb-line'><h1>Risk</h1><p>{escape(words)}</p></div>"


def skill_markup(table: pd.DataFrame, units: str) -> str:
    """Write the forecasters side by side, the smallest error first.

    Parameters
    ----------
    table : pandas.DataFrame
        As from `skill_table`.
    units : str
        Units of the channel.

    Returns
    -------
    str
        HTML of a `Grid`.
    """
    unit = f", {units}" if units else ""
    columns = [
        Column("", "forecaster"),
        Column("", f"MAE{unit}", True, "Mean absolute error over all lead times and origins"),
        Column("", f"RMSE{unit}", True, "Root of the mean squared error"),
        Column("", "R²", True, "1 - squared errors over squared deviations from the mean"),
        Column(
            "",
            "better than last value",
            True,
            "Skill: 1 - squared errors over those of the last value; below 0 the last value is the better forecast",
        ),
        Column("", "coverage", True, "Share of the values that fell inside the interval, on the test series"),
        Column("", "coverage, fixed interval", True, "The same for the interval from the held-out training windows"),
        Column("", f"± {units}".strip(), True, "Mean half width of the interval"),
    ]
    rows = []
    for row in table.to_dict(orient="records"):
        numbers = [significant(row["mae"]), significant(row["rmse"]), _fixed(row["r2"]), _fixed(row["skill"])]
        shares = [percent(row["coverage"]), percent(row["fixed_coverage"])]
        name = str(row["forecaster"])
        rows.append((name, [cell(forecaster_words(name)), *numbers, *shares, significant(row["width"])]))
    return table_markup(columns, rows)


def limits_markup(table: pd.DataFrame, units: str) -> str:
    """Write when the forecast exceeds each limit.

    Parameters
    ----------
    table : pandas.DataFrame
        As from `workbench.forecasting.crossings`.
    units : str
        Units of the channel.

    Returns
    -------
    str
        HTML.
    """
    if table.empty:
        return "<p class='wb-note wb-muted'>The catalog has no limits for this channel.</p>"
    heads = ("limit", f"at, {units}" if units else "at", "outcome", "expected", "earliest", "latest")
    tips = ("", "", "", "When the forecast exceeds it", "When its interval first does", "When all of its interval does")
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
    "now": ("already exceeded", ("critical", "high")),
    "expected": ("expected", ("high", "medium")),
    "possible": ("possible", ("", "")),
    "none": ("not in this time", ("", "")),
}
"""Words, and levels of a critical and of a warning limit."""

_LEADS = {"lead": "time", "earliest": "earliest_time", "latest": "latest_time"}


def parts_markup(parts: xr.Dataset | None, reason: str = "") -> str:
    """Write what the decomposition found, or why there is none.

    Parameters
    ----------
    parts : xarray.Dataset or None
        As from `workbench.forecasting.decomposition`.
    reason : str
        Why there is none.

    Returns
    -------
    str
        HTML.
    """
    if parts is None:
        return f"<p class='wb-note wb-muted'>{escape(reason)}</p>"
    period = parts.attrs["period"]
    strength = percent(parts.attrs["seasonal_strength"])
    season = (
        f"the season repeats every {period:,} samples and explains {strength} of what the trend leaves"
        if period
        else "no season found"
    )
    words = "; ".join(filter(None, [season, parts.attrs["note"]]))
    return f"<h2>Trend, season, remainder: <span class='wb-muted'>{escape(words)}</span></h2>"


def risks_markup(risks: pd.DataFrame, days: float, names: Mapping[str, str]) -> str:
    """Write the assets, the highest risk first.

    Parameters
    ----------
    risks : pandas.DataFrame
        As from `workbench.forecasting.risks`.
    days : float
        How far ahead, days.
    names : mapping of str to str
        Catalog names of the assets by their ids.

    Returns
    -------
    str
        HTML of a `Grid`.
    """
    columns = [
        Column("", "asset"),
        Column("", "risk", False, "Likelihood times criticality, 1 to 25"),
        Column("", f"fails within {_days(days)}", True, "Probability of at least one failure"),
        Column("", "90 % interval", True),
        Column("", "failures", True, "Functional failures on record"),
        Column("", "computed from", False, "A Weibull distribution with ten failures and more, else a constant rate"),
        Column("", "history, days", True, "Days in which failures would have been recorded"),
        Column("", "criticality", True),
    ]
    rows = []
    for row in risks.to_dict(orient="records"):
        if pd.isna(row["risk"]):
            risk = f"<span class='wb-muted' title='{escape(row['reason'])}'>not available</span>"
        else:
            level = severity(row["level"])
            word = LIKELIHOODS[int(row["likelihood"]) - 1][0]
            symbol = f"<span class='{level.word}'><span class='wb-symbol'>{level.symbol}</span></span>"
            risk = f"<span title='{word}'>{symbol}{row['level']} {row['risk']}</span>"
        interval = "" if pd.isna(row["low"]) else f"{percent(row['low'])} to {percent(row['high'])}"
        importance = "" if pd.isna(row["criticality"]) else f"{row['criticality']}"
        name = cell(names.get(row["asset"], row["asset"]))
        numbers = [
            percent(row["probability"]),
            interval,
            f"{row['failures']}",
            row["method"],
            f"{row['watched_days']:.1f}",
            importance,
        ]
        rows.append((str(row["asset"]), [name, risk, *numbers]))
    unknown = risks[risks["reason"] != ""].head(_MAX_REASONS)
    reasons = [
        f"{names.get(row['asset'], row['asset'])}: {row['reason']}." for row in unknown.to_dict(orient="records")
    ]
    return table_markup(columns, rows, note="<br>".join(escape(reason) for reason in reasons))


def comparison_markup(comparison: Comparison) -> str:
    """Write the plan as it is and as it would be, and the orders that move.

    Parameters
    ----------
    comparison : Comparison
        Both plans.

    Returns
    -------
    str
        HTML.
    """
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
        for row in moved[:_MAX_MOVED_ORDERS]
    )
    table = f"<table><thead>{head}</thead><tbody>{body}</tbody></table>"
    if not moved:
        return f"{table}<p class='wb-note wb-muted'>No order moves.</p>"
    more = (
        f"<p class='wb-note wb-muted'>{_MAX_MOVED_ORDERS} of {len(moved)} orders</p>"
        if len(moved) > _MAX_MOVED_ORDERS
        else ""
    )
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


def _fixed(value: float) -> str:
    return "" if pd.isna(value) else f"{round(value, 2) + 0.0:.2f}" if abs(value) < 100 else f"{value:,.0f}"


def _days(days: float) -> str:
    return f"{days:g} day" if days == 1 else f"{days:g} days"
