"""HTML of the overview; every value that comes from data is escaped."""

import json
from collections.abc import Callable, Mapping
from functools import partial
from html import escape
from typing import Any

import pandas as pd

from workbench.counts import counted
from workbench.maintenance.alerts.table import ALLOWED
from workbench.parameters import LEVELS
from workbench.plots.theme import SEVERITIES, severity
from workbench.telemetry.catalog import Catalog
from workbench.views.markup import (
    age,
    alert_subject,
    duration,
    lead,
    name_markup,
    named_details,
    percent,
    subject_words,
    target,
)
from workbench.views.overview.data import Picture
from workbench.views.state import anomaly_of
from workbench.views.widgets.grid import Column, cell, table_markup

__all__ = [
    "failures_markup",
    "feed_markup",
    "head_markup",
    "load_markup",
    "tiles_markup",
    "worst_markup",
]

_MAX_CHANNELS = 30
"""Channels with the worst open alerts that are listed."""

_MAX_ASSETS = 3
"""Assets most likely to fail that are listed."""

_MAX_ORDERS = 5
"""Work orders next due that are listed."""


_PERIODS = {"1 h": "hour", "24 h": "24 hours", "7 d": "7 days", "30 d": "30 days"}
"""Names of the periods before; there is none before all of the time."""


def _pick(value: str) -> str:
    return f'data-pick="{escape(value)}"'


def tiles_markup(picture: Picture, catalog: Catalog) -> str:
    """Write the key figures, each with its value in the period before.

    Parameters
    ----------
    picture : Picture
        What the overview shows.
    catalog : Catalog
        Names of the assets.

    Returns
    -------
    str
        HTML of a `Grid`.
    """
    kpis, before = picture.kpis, picture.kpis_before
    counts = picture.alerts["level"].astype(str).value_counts()
    levels = " ".join(
        f"<span class='{level}'><span class='wb-symbol' aria-hidden='true'>{SEVERITIES[level].symbol}</span>"
        f"{int(counts[level])}<span class='wb-hidden'> {level}</span></span>"
        for level in reversed(LEVELS)
        if counts.get(level, 0)
    )
    cases = picture.alerts["case_id"].nunique() if len(picture.alerts) else 0
    new = picture.alerts[picture.alerts["state"].isin(ALLOWED["acknowledge"])]
    oldest = age(new["raised_at"].min(), picture.now) if len(new) else ""
    tiles = [
        (
            f"Open alerts in {counted(cases, 'case')}" if cases else "Open alerts",
            f"{len(picture.alerts)}",
            levels,
            _change(picture.words, len(picture.alerts), picture.open_before),
            lead("anomalies"),
        ),
        (
            "To acknowledge",
            f"{len(new)}",
            f"oldest: {oldest}" if oldest else "nothing waiting",
            "",
            lead("anomalies", state="waiting", order="oldest"),
        ),
        (
            f"Raised in {picture.words}" if picture.words != "all" else "Raised",
            f"{len(picture.raised)}",
            "alert" if len(picture.raised) == 1 else "alerts",
            _change(picture.words, len(picture.raised), picture.raised_before),
            lead(
                "anomalies",
                state="all",
                order="newest",
                **({} if picture.words == "all" else {"raised": picture.words}),
            ),
        ),
        ("Health, of 100", *_health(picture, catalog)),
        (
            "Availability",
            "" if kpis.availability is None else percent(kpis.availability, 1),
            "no outage recorded" if kpis.availability is None else "",
            _change(
                picture.words, kpis.availability, before.availability if before else None, partial(percent, digits=1)
            ),
            lead("maintenance", mode="assets"),
        ),
        (
            "Work orders",
            f"{kpis.open_orders}",
            f"{kpis.overdue_orders} overdue, {kpis.completed_orders} completed",
            "",
            lead("maintenance", mode="orders"),
        ),
        (
            "Mean time to repair",
            "" if kpis.mttr_hours is None else f"{kpis.mttr_hours:.1f} h",
            "no repair completed" if kpis.mttr_hours is None else "per repair",
            _change(picture.words, kpis.mttr_hours, before.mttr_hours if before else None, "{:.1f} h".format),
            lead("maintenance", mode="figures"),
        ),
    ]
    return "<div class='wb-tiles'>" + "".join(_tile(*tile) for tile in tiles) + "</div>"


_SOURCES = {
    "Open alerts": "Alerts that are not closed, and the cases that they belong to",
    "To acknowledge": "Open alerts that nobody has acknowledged since they were last announced",
    "Raised": "Alerts raised in the period, whatever has become of them",
    "Health": "100 less points for each open alert by its level, over the scored channels of an asset",
    "Availability": "Share of the time watched in which assets were not out of service, from the outages on record",
    "Work orders": "Active orders now, and those completed in the period",
    "Mean time to repair": "Mean time from start to end of the work of orders that repaired a functional failure",
}
"""What each figure is computed from, by the beginning of its name."""


def _tile(name: str, value: str, words: str, change: str, leads_to: str) -> str:
    inside = f"<span class='wb-muted'>{escape(name)}</span><b>{value or '-'}</b><i>{change}</i><span>{words}</span>"
    source = next(words for beginning, words in _SOURCES.items() if name.startswith(beginning))
    return f'<button type="button" class="wb-tile" title="{source}" {_pick(leads_to)}>{inside}</button>'


def _health(picture: Picture, catalog: Catalog) -> tuple[str, str, str, str]:
    health, before = picture.health.dropna(), picture.health_before
    if not len(health):
        return "", "no channel scored", "", lead("anomalies")
    asset = str(health.idxmin())
    name = catalog.asset(asset).name
    was = None if before is None or pd.isna(before.get(asset)) else float(before[asset])
    return (
        f"{health.min():.0f}",
        f"lowest: {name_markup(name)}",
        _change(picture.words, float(health.min()), was, "{:.0f}".format),
        lead("anomalies", place=asset),
    )


def _change(period: str, now: float | None, before: float | None, form: Callable[[Any], str] = str) -> str:
    """Return what a figure was in the period before."""
    return "" if now is None or before is None else f"previous {_PERIODS[period]}: {form(before)}"


def worst_markup(picture: Picture, lines: Mapping[str, str], catalog: Catalog) -> str:
    """Write the channels with the worst open alerts.

    Parameters
    ----------
    picture : Picture
        What the overview shows.
    lines : mapping of str to str
        Sparklines by channel, as HTML; those that have been drawn so far.
    catalog : Catalog
        Names of the assets.

    Returns
    -------
    str
        HTML of a `Grid`.
    """
    rows, classes = [], {}
    first = picture.alerts.drop_duplicates("channel").head(_MAX_CHANNELS)
    for alert in first.to_dict(orient="records"):
        chosen = anomaly_of(alert)
        name = target(chosen.asset, chosen.channel, chosen.anomaly)
        level = severity(alert["level"])
        score = "<span class='wb-muted'>limit</span>" if pd.isna(alert["severity"]) else f"{alert['severity']:.2f}"
        symbol = f"<span class='wb-symbol' aria-hidden='true'>{level.symbol}</span>"
        subject = name_markup(alert_subject(alert, catalog))
        cells = [f"{symbol}{level.word}", subject, score, lines.get(alert["channel"], "")]
        rows.append((name, cells))
        classes[name] = level.word
    if not rows:
        return "<p class='wb-note wb-muted'>No open alerts.</p>"
    columns = (Column("", "level"), Column("", "channel"), Column("", "score", number=True), Column("", "telemetry"))
    return table_markup(columns, rows, classes=classes)


def failures_markup(risks: pd.DataFrame, catalog: Catalog) -> str:
    """Write the assets that are most likely to fail, or what is missing to compute that.

    Parameters
    ----------
    risks : pandas.DataFrame
        Table of `workbench.forecasting.risks`.
    catalog : Catalog
        Names of the assets.

    Returns
    -------
    str
        HTML of a `Grid`.
    """
    rows = []
    first = risks.sort_values("probability", ascending=False, na_position="last", kind="stable").head(_MAX_ASSETS)
    for row in first.to_dict(orient="records"):
        name = str(row["asset"])
        about = f"<span title='{escape(_history(row))}'>{name_markup(catalog.asset(name).name)}</span>"
        if pd.isna(row["probability"]):
            rows.append(
                (
                    name,
                    [
                        about,
                        "-",
                        f"<span class='wb-muted' title='{escape(str(row['reason']))}'>not enough history</span>",
                    ],
                )
            )
        else:
            between = f"{percent(row['low'])} to {percent(row['high'])}"
            rows.append((name, [about, percent(row["probability"]), f"<span class='wb-muted'>{between}</span>"]))
    if not rows:
        return "<p class='wb-note wb-muted'>No asset yet.</p>"
    columns = (Column("", "asset"), Column("", "probability", number=True), Column("", "90 % interval"))
    return table_markup(columns, rows)


def _history(row: Mapping[Any, Any]) -> str:
    return f"{counted(int(row['failures']), 'failure')} in {row['watched_days']:.1f} days"


def feed_markup(picture: Picture, catalog: Catalog) -> str:
    """Write the newest entries of the maintenance log, the newest first.

    Parameters
    ----------
    picture : Picture
        What the overview shows.
    catalog : Catalog
        Names of the assets.

    Returns
    -------
    str
        HTML.
    """
    rows = []
    for row in picture.feed.to_dict(orient="records"):
        subject = subject_words(row["subject"], catalog)
        details = named_details(json.loads(row["details"] or "{}"), catalog)
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
        else "<p class='wb-note wb-muted'>No activity yet.</p>"
    )


def load_markup(picture: Picture) -> str:
    """Write each technician's load, and the work orders that are due next.

    Parameters
    ----------
    picture : Picture
        What the overview shows.

    Returns
    -------
    str
        HTML.
    """
    people = picture.people[picture.people["active"]] if len(picture.people) else picture.people
    rows = []
    for person in people.sort_values("hours", ascending=False).to_dict(orient="records"):
        hours = 0.0 if pd.isna(person["hours"]) else float(person["hours"])
        weekly = person["weekly_hours"]
        share = "" if pd.isna(weekly) or not weekly else f" of {weekly:g} h a week"
        bar = "" if not share else f"<progress max='1' value='{min(hours / weekly, 1):.2f}'></progress>"
        rows.append(f"<li><span>{escape(person['name'])}</span><span>{hours:g} h{share} {bar}</span></li>")
    due = picture.orders[picture.orders["due"].notna()].sort_values("due").head(_MAX_ORDERS)
    for order in due.to_dict(orient="records"):
        stamp = pd.Timestamp(order["due"])
        left = duration((stamp - picture.now).total_seconds())
        due_words = "overdue" if order["overdue"] else f"in {left}"
        who = cell(order["assignee"]) or "unassigned"
        what = f"{escape(order['number'])} {escape(order['title'])}"
        due_time = f"due {stamp:%Y-%m-%d %H:%M} UTC"
        rows.append(f"<li><span>{what}</span><span title='{due_time}'>{due_words}, {who}</span></li>")
    if not len(people):
        rows.insert(0, "<li class='wb-muted'><span>No technicians yet. Add one in Maintenance, Resources.</span></li>")
    return f"<ul class='wb-load' tabindex='0' aria-label='Load, and work due next'>{''.join(rows)}</ul>"


def head_markup(picture: Picture, catalog: Catalog) -> str:
    """Write what is wrong first, and which command helps where scores are missing or out of date.

    Parameters
    ----------
    picture : Picture
        What the overview shows.
    catalog : Catalog
        Names of the assets.

    Returns
    -------
    str
        HTML.
    """
    fleet, alerts = picture.fleet, picture.alerts
    missing, stale = (int((fleet["state"] == state).sum()) for state in ("missing", "stale"))
    if not len(fleet):
        words = "No telemetry yet. Run <code>workbench run</code> for the demo fleet, or import yours."
    elif missing == len(fleet):
        words = (
            f"{counted(missing, 'channel')}, none scored yet. While the demo fleet is being made this takes a minute; "
            "<code>workbench run</code> trains and scores a fleet of your own."
        )
    elif len(alerts):
        worst = alerts.iloc[0].to_dict()
        words = (
            f"{int((fleet['alerts'] > 0).sum())} of {counted(len(fleet), 'channel')} with open alerts. Do first: "
            f"<b class='{worst['level']}'>{escape(alert_subject(worst, catalog))}</b>, {worst['level']}."
        )
    else:
        words = f"No open alerts on {counted(len(fleet), 'channel')}."
    notes = [
        f"{count} {word}" for count, word in ((stale, "with scores out of date"), (missing, "not scored")) if count
    ]
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
