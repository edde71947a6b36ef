"""HTML of the overview; every value that comes from data is escaped."""

import json
from collections.abc import Mapping
from html import escape
from typing import Any

import pandas as pd

from workbench.maintenance.alerts.table import ALLOWED
from workbench.parameters import LEVELS
from workbench.plots.theme import SEVERITIES, severity
from workbench.telemetry.catalog import Catalog
from workbench.views.markup import age, target
from workbench.views.overview.data import Picture
from workbench.views.widgets.grid import Column, cell, table_markup

__all__ = [
    "failures_markup",
    "feed_markup",
    "head_markup",
    "health_markup",
    "load_markup",
    "tiles_markup",
    "worst_markup",
]

_WORST = 12
_FAILURES = 3


def _pick(value: str) -> str:
    return f'data-pick="{escape(value)}"'


def tiles_markup(picture: Picture, views: Mapping[str, str]) -> str:
    """Write the key figures, each with what it was before."""
    kpis, before = picture.kpis, picture.kpis_before
    counts = picture.alerts["level"].astype(str).value_counts()
    levels = " ".join(
        f"<span class='{level}'><span class='wb-symbol' aria-hidden='true'>{SEVERITIES[level].symbol}</span>"
        f"{int(counts[level])}<span class='wb-hidden'> {level}</span></span>"
        for level in reversed(LEVELS)
        if counts.get(level, 0)
    )
    new = picture.alerts[picture.alerts["state"].isin(ALLOWED["acknowledge"])]
    oldest = age(new["raised_at"].min(), picture.now) if len(new) else ""
    health = picture.health.dropna()
    maintenance = "maintenance" if "maintenance" in views else ""
    tiles = [
        (
            "Open alerts",
            f"{len(picture.alerts)}",
            levels,
            _change(len(picture.alerts), picture.open_before),
            "anomalies",
        ),
        ("To acknowledge", f"{len(new)}", f"oldest {oldest}" if oldest else "none waits", "", "anomalies"),
        (
            f"Raised in {picture.words}" if picture.words != "all" else "Raised",
            f"{len(picture.raised)}",
            "alerts",
            _change(len(picture.raised), picture.raised_before),
            "anomalies",
        ),
        ("Health", *_health(health, picture.health_before), "anomalies"),
        (
            "Availability",
            "" if kpis.availability is None else f"{kpis.availability:.1%}",
            "no outage recorded" if kpis.availability is None else "of operating time",
            _change(kpis.availability, before.availability if before else None, "{:.1%}"),
            maintenance,
        ),
        (
            "Work orders",
            f"{kpis.open_orders}",
            f"{kpis.overdue_orders} overdue, {kpis.completed_orders} done",
            "",
            maintenance,
        ),
        (
            "Mean time to repair",
            "" if kpis.mttr_hours is None else f"{kpis.mttr_hours:.1f} h",
            "no repair completed" if kpis.mttr_hours is None else "per repair",
            _change(kpis.mttr_hours, before.mttr_hours if before else None, "{:.1f} h"),
            maintenance,
        ),
    ]
    return "<div class='wb-tiles'>" + "".join(_tile(*tile) for tile in tiles) + "</div>"


def _tile(name: str, value: str, words: str, change: str, view: str) -> str:
    inside = f"<span class='wb-muted'>{escape(name)}</span><b>{value or '-'}</b><i>{change}</i><span>{words}</span>"
    if not view:
        return f"<div class='wb-tile'>{inside}</div>"
    return f'<button type="button" class="wb-tile" {_pick(target(view=view))}>{inside}</button>'


def _health(health: pd.Series, before: pd.Series | None) -> tuple[str, str, str]:
    if not len(health):
        return "", "no channel scored", ""
    asset = str(health.idxmin())
    was = None if before is None or pd.isna(before.get(asset)) else float(before[asset])
    return f"{health.min():.0f}", f"of 100: {escape(asset)}, the lowest", _change(float(health.min()), was, "{:.0f}")


def _change(now: float | None, before: float | None, form: str = "{}") -> str:
    """Say what a figure was in the period before."""
    return "" if now is None or before is None else f"before: {form.format(before)}"


def health_markup(picture: Picture, catalog: Catalog) -> str:
    """Write the health grid: a cell for each channel, by asset and subsystem."""
    parts = []
    for asset, rows in picture.fleet.groupby("asset", sort=True):
        index = picture.health.get(asset)
        words = "not scored" if index is None or pd.isna(index) else f"health {index:.0f}"
        parts.append(f"<h3>{escape(str(asset))} <span class='wb-muted'>{words}, {len(rows)} channels</span></h3>")
        names = catalog.asset(str(asset)).subsystems
        for subsystem, group in rows.groupby("subsystem", sort=True):
            cells = "".join(_cell(row) for row in group.to_dict(orient="records"))
            name = str(names.get(str(subsystem), subsystem)) or "-"
            parts.append(
                f"<div class='wb-group'><span title='{escape(name)}'>{escape(name)}</span><div>{cells}</div></div>"
            )
    return "".join(parts)


def _cell(row: Mapping[Any, Any]) -> str:
    level, name = row["worst"], escape(row["channel"])
    if row["state"] == "missing":
        kind, symbol, number, words = "wb-unscored", "·", "", "not scored"
    elif row["state"] == "damaged":
        kind, symbol, number, words = "wb-unscored", "!", "", escape(f"damaged: {row['reason']}", quote=True)
    else:
        kind, symbol = level, SEVERITIES[level].symbol if level else ""
        number = str(row["alerts"]) if row["alerts"] else ""
        words = f"{row['alerts']} open alerts, worst {level}" if level else "no open alert"
    stale = ", score is stale" if row["state"] == "stale" else ""
    return (
        f'<button type="button" class="wb-cell {kind}" {_pick(target(row["asset"], row["channel"]))} '
        f'title="{name}: {words}{stale}"><span class="wb-symbol" aria-hidden="true">{symbol}</span>{name}'
        f"<b>{number}</b><span class='wb-hidden'> {words}</span></button>"
    )


def worst_markup(picture: Picture, lines: Mapping[str, str]) -> str:
    """Write the channels with the worst open alerts."""
    rows, classes = [], {}
    first = picture.alerts.drop_duplicates("channel").head(_WORST)
    for alert in first.to_dict(orient="records"):
        name = target(alert["asset"], alert["channel"], int(alert["start_sample"]))
        level = severity(alert["level"])
        score = "" if pd.isna(alert["severity"]) else f"{alert['severity']:.2f}"
        symbol = f"<span class='wb-symbol' aria-hidden='true'>{level.symbol}</span>"
        cells = [f"{symbol}{level.word}", cell(alert["channel"]), score, lines.get(alert["channel"], "")]
        rows.append((name, cells))
        classes[name] = level.word
    if not rows:
        return "<p class='wb-note wb-muted'>No open alert.</p>"
    columns = (Column("", "level"), Column("", "channel"), Column("", "score", number=True), Column("", "telemetry"))
    return table_markup(columns, rows, classes=classes)


def failures_markup(risks: pd.DataFrame, catalog: Catalog) -> str:
    """Write the assets that are most likely to fail, or what is missing to tell.

    Parameters
    ----------
    risks : pandas.DataFrame
        Of `workbench.forecasting.fleet.risks`.
    catalog : Catalog
    """
    rows = []
    first = risks.sort_values("probability", ascending=False, na_position="last", kind="stable").head(_FAILURES)
    for row in first.to_dict(orient="records"):
        name = str(row["asset"])
        about = cell(catalog.asset(name).name, title=f"{row['failures']} failures in {row['watched_days']:.1f} d")
        if pd.isna(row["probability"]):
            rows.append((name, [about, "-", "<span class='wb-muted'>too few days</span>"]))
        else:
            between = f"{row['low']:.0%} to {row['high']:.0%}"
            rows.append((name, [about, f"{row['probability']:.0%}", f"<span class='wb-muted'>{between}</span>"]))
    if not rows:
        return "<p class='wb-note wb-muted'>No asset yet.</p>"
    columns = (Column("", "asset"), Column("", "probability", number=True), Column("", "90 % interval"))
    return table_markup(columns, rows)


def feed_markup(picture: Picture) -> str:
    """Write what has happened, newest first."""
    rows = []
    for row in picture.feed.to_dict(orient="records"):
        kind, _, number = row["subject"].partition(":")
        subject = f"WO-{number}" if kind == "order" else f"{kind} {number}".strip()
        details = json.loads(row["details"] or "{}")
        about = details.get("channel") or details.get("title") or ""
        stamp = pd.Timestamp(row["time"])
        rows.append(
            f"<li><time title='{stamp:%Y-%m-%d %H:%M:%S} UTC'>{age(stamp, picture.now)}</time>"
            f"<span>{escape(subject)} {escape(row['action'].replace('_', ' '))} {escape(str(about))}"
            f" <span class='wb-muted'>by {escape(row['who'])}</span></span></li>"
        )
    return (
        f"<ul class='wb-feed' tabindex='0' aria-label='Activity'>{''.join(rows)}</ul>"
        if rows
        else "<p class='wb-note wb-muted'>Nothing yet.</p>"
    )


def load_markup(picture: Picture) -> str:
    """Write the work next due and each technician's load."""
    people = picture.people[picture.people["active"]] if len(picture.people) else picture.people
    rows = []
    for person in people.sort_values("hours", ascending=False).to_dict(orient="records"):
        hours = 0.0 if pd.isna(person["hours"]) else float(person["hours"])
        weekly = person["weekly_hours"]
        share = "" if pd.isna(weekly) or not weekly else f" of {weekly:g} h a week"
        bar = "" if not share else f"<progress max='1' value='{min(hours / weekly, 1):.2f}'></progress>"
        rows.append(f"<li><span>{escape(person['name'])}</span><span>{hours:g} h{share} {bar}</span></li>")
    due = picture.orders[picture.orders["due"].notna()].sort_values("due").head(5)
    for order in due.to_dict(orient="records"):
        stamp = pd.Timestamp(order["due"])
        late = "overdue" if order["overdue"] else f"due {stamp:%m-%d %H:%M}"
        who = cell(order["assignee"]) or "nobody"
        what = f"{escape(order['number'])} {escape(order['title'])}"
        rows.append(f"<li><span>{what}</span><span>{late}, {who}</span></li>")
    if not len(people):
        rows.insert(
            0, "<li class='wb-muted'><span>No technicians yet: <code>workbench people set NAME</code></span></li>"
        )
    return f"<ul class='wb-load' tabindex='0' aria-label='Load and work next due'>{''.join(rows)}</ul>"


def head_markup(picture: Picture) -> str:
    """Say what is wrong first, and which command helps where scores are missing or stale."""
    fleet, alerts = picture.fleet, picture.alerts
    missing, stale = (int((fleet["state"] == state).sum()) for state in ("missing", "stale"))
    if not len(fleet):
        words = "No telemetry yet. Run <code>workbench run</code> for the demo fleet, or import yours."
    elif missing == len(fleet):
        words = f"{missing} channels, none scored yet. Run <code>workbench run</code>, or train and score them."
    elif len(alerts):
        worst = alerts.iloc[0]
        words = (
            f"{alerts['channel'].nunique()} of {len(fleet)} channels have open alerts. First: "
            f"<b class='{worst['level']}'>{escape(worst['channel'])}</b>, {worst['level']}."
        )
    else:
        words = f"Nothing is wrong: {len(fleet)} channels, no open alert."
    notes = [f"{count} {word}" for count, word in ((stale, "stale"), (missing, "not scored")) if count]
    if notes and missing < len(fleet):
        words += f" <span class='wb-muted'>{', '.join(notes)}: run <code>workbench score --all</code></span>"
    damaged = fleet[fleet["state"] == "damaged"] if len(fleet) else fleet
    if len(damaged):
        first = (
            f"<span title='{escape(damaged['reason'].iloc[0], quote=True)}'>{escape(damaged['channel'].iloc[0])}</span>"
        )
        more = f" and {len(damaged) - 1} more" if len(damaged) > 1 else ""
        words += f" <b class='critical'>{first}{more} cannot be read</b>: run <code>workbench doctor</code>"
    return f"<div class='wb-line'><h1>Overview</h1><p>{words}</p></div>"
