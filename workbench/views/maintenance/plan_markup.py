"""HTML of the plan: its calendar, its conflicts, and what a proposal changes."""

import base64
from collections.abc import Sequence
from datetime import date, timedelta
from html import escape
from typing import Any

import pandas as pd

from workbench.maintenance.schedule.model import Conflict, Plan
from workbench.maintenance.schedule.what_if import Comparison
from workbench.plots.theme import severity
from workbench.views.widgets.grid import Column, cell, table_markup

__all__ = [
    "calendar_link",
    "changes_markup",
    "conflicts_markup",
    "kept_words",
    "month_markup",
    "proposal_words",
    "week_markup",
]

_SIGNS = {
    "late": ("▲", "high"),
    "conflict": ("◆", "critical"),
    "moved": ("→", ""),
    "fixed": ("■", ""),
    "planned": ("", ""),
}
_KINDS = {"due": "high", "double_booking": "critical"}
_MOST = 4


def week_markup(sessions: pd.DataFrame, people: Sequence[str], first: date, today: date) -> str:
    """Write a week: a row for each technician, a column for each day; sessions can be carried to other days.

    Parameters
    ----------
    sessions : pandas.DataFrame
        number, title, technician, start, end, kind.
    people : sequence of str
    first, today : datetime.date
        First day of the week; the present one, UTC.
    """
    days = [first + timedelta(days=place) for place in range(7)]
    head = "".join(f"<div class='wb-day-head{_today(day, today)}'>{day:%a %d %b}</div>" for day in days)
    body = ""
    for name in people:
        body += f"<div class='wb-who-head'>{escape(name)}</div>"
        for day in days:
            rows = _of(sessions[sessions["technician"] == name], day)
            items = "".join(_item(row, who=False) for row in rows)
            body += (
                f"<div class='wb-slot{_today(day, today)}' data-drop='{escape(name)}|{day}' data-scroll>{items}</div>"
            )
    return f"<div class='wb-week'><div></div>{head}{body}</div>"


def month_markup(sessions: pd.DataFrame, first: date, today: date) -> str:
    """Write five weeks from a Monday on: a field for each day."""
    names = "".join(f"<div class='wb-day-head'>{first + timedelta(days=place):%a}</div>" for place in range(7))
    fields = ""
    for place in range(35):
        day = first + timedelta(days=place)
        rows = _of(sessions, day)
        items = "".join(_item(row, who=True) for row in rows[:_MOST])
        more = f"<span class='wb-muted'>{len(rows) - _MOST} more</span>" if len(rows) > _MOST else ""
        title = f"{day:%d %b}" if day.day == 1 or not place else f"{day.day}"
        fields += f"<div class='wb-slot{_today(day, today)}'><span class='wb-muted'>{title}</span>{items}{more}</div>"
    return f"<div class='wb-month'>{names}{fields}</div>"


def calendar_link(name: str, content: bytes) -> str:
    """Write the link under which a calendar file is saved."""
    data = base64.b64encode(content).decode()
    return f'<a class="wb-download" download="{name}" href="data:text/calendar;base64,{data}">{name}</a>'


def conflicts_markup(conflicts: Sequence[Conflict]) -> str:
    """Write what stands in the way, and what would help."""
    rows, classes = [], {}
    for place, one in enumerate(conflicts):
        level = severity(_KINDS.get(one.kind, "medium"))
        symbol = f"<span class='wb-symbol' aria-hidden='true'>{level.symbol}</span>"
        words = (
            f"<span class='wb-wrap'>{escape(one.message)} <span class='wb-muted'>{escape(one.resolve)}</span></span>"
        )
        name = f"{one.job}#{place}"
        rows.append((name, [f"{symbol}{escape(one.kind.replace('_', ' '))}", words]))
        classes[name] = level.word
    if not rows:
        return "<p class='wb-note wb-muted'>No conflict.</p>"
    return table_markup((Column("", "conflict"), Column("", "what, and what would help")), rows, classes=classes)


def changes_markup(moved: pd.DataFrame, comparison: Comparison | None) -> str:
    """Write which orders a proposal puts elsewhere and, for a what-if, how much better or worse it is."""
    table = ""
    if comparison is not None:
        figures = comparison.figures()
        body = "".join(
            f"<tr><td>{escape(str(name))}</td><td>{row['before']:,.1f}</td><td>{row['after']:,.1f}</td>"
            f"<td>{row['difference']:+,.1f}</td></tr>"
            for name, row in zip(figures.index, figures.to_dict(orient="records"), strict=True)
        )
        head = "<tr><th>plan</th><th>as it is</th><th>what if</th><th>difference</th></tr>"
        table = f"<table><thead>{head}</thead><tbody>{body}</tbody></table>"
    rows = [
        (
            str(row["job"]),
            [
                cell(row["job"]),
                _planned(row["start"], row["technician"]),
                _planned(row["new_start"], row["new_technician"]),
            ],
        )
        for row in moved.to_dict(orient="records")
    ]
    if not rows:
        return f"{table}<p class='wb-note wb-muted'>No order moves.</p>"
    return table + table_markup((Column("", "order"), Column("", "in the kept plan"), Column("", "proposed")), rows)


def kept_words(table: pd.DataFrame, active: int) -> str:
    """Say how much of the work the kept plan holds.

    Parameters
    ----------
    table : pandas.DataFrame
        Of `Planning.table`.
    active : int
        Active orders.
    """
    if table.empty:
        return f"no plan yet; {active} active orders"
    made = f"made {table['planned_at'].max():%a %d %b %H:%M} UTC"
    return f"{len(table)} of {active} active orders planned, {int(table['late'].sum())} late; {made}"


def proposal_words(plan: Plan, asked: str, moved: int) -> str:
    """Say how good a proposal is; `asked` is the what-if that it answers."""
    words = f"what if {escape(asked)}: " if asked else ""
    better = "no plan is better" if plan.optimal else f"a better one could save at most {plan.gap:.0%}"
    return (
        f"<b>Proposal, not kept</b>: {words}{len(plan.placements)} orders planned, {len(plan.unplanned)} not, "
        f"{plan.lateness_hours:,.0f} h late, {moved} moved; {better}"
    )


def _planned(start: Any, technician: Any) -> str:
    if not isinstance(technician, str):
        return "<span class='wb-muted'>no place</span>"
    return escape(f"{pd.Timestamp(start):%a %d %b %H:%M} {technician}")


def _of(sessions: pd.DataFrame, day: date) -> list[dict[Any, Any]]:
    begin = pd.Timestamp(day, tz="UTC")
    there = sessions[(sessions["start"] >= begin) & (sessions["start"] < begin + pd.Timedelta(days=1))]
    return there.sort_values(["start", "number"]).to_dict(orient="records")


def _item(row: dict[Any, Any], *, who: bool) -> str:
    sign, level = _SIGNS[row["kind"]]
    symbol = f"<span class='wb-symbol' aria-hidden='true'>{sign}</span>" if sign else ""
    name = escape(row["number"])
    words = f"{row['start']:%H:%M} {escape(row['technician'])}" if who else f"{row['start']:%H:%M}-{row['end']:%H:%M}"
    return (
        f"<button type='button' class='wb-session {row['kind']} {level}' data-pick='{name}' data-drag='{name}' "
        f"title='{escape(row['title'])}, {row['kind']}'>{symbol}<b>{name}</b> {words}"
        f"<span class='wb-hidden'> {row['kind']}</span></button>"
    )


def _today(day: date, today: date) -> str:
    return " wb-today" if day == today else ""
