"""HTML of the plan: its calendar, its conflicts, and what a proposed plan changes."""

import base64
from collections.abc import Sequence
from datetime import date, timedelta
from html import escape
from typing import Any

import pandas as pd

from workbench.counts import counted
from workbench.maintenance.schedule.model import Conflict, Plan
from workbench.maintenance.schedule.solver import Stop
from workbench.maintenance.schedule.what_if import Comparison, change_sentence
from workbench.maintenance.values import span_words
from workbench.plots.theme import severity
from workbench.views.widgets.callbacks import without_commands
from workbench.views.widgets.grid import Column, table_markup

__all__ = [
    "calendar_link",
    "changes_markup",
    "conflicts_markup",
    "month_markup",
    "proposed_words",
    "saved_words",
    "search_markup",
    "week_markup",
]

_SIGNS = {
    "late": ("▲", "high"),
    "conflict": ("◆", "critical"),
    "moved": ("→", ""),
    "fixed": ("■", ""),
    "planned": ("", ""),
}
_KINDS = {"due": "high", "double_booking": "critical", "absent": "critical", "moved": "high"}
_MAX_LISTED_SESSIONS = 4
_TIGHT_GAP = 0.1


def week_markup(sessions: pd.DataFrame, people: Sequence[str], first: date, today: date) -> str:
    """Write a week: a row for each technician, a column for each day; sessions can be moved to other days.

    Parameters
    ----------
    sessions : pandas.DataFrame
        number, title, technician, start, end, kind.
    people : sequence of str
        Names of the technicians, one a row.
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
    """Write five weeks: a field for each day.

    Parameters
    ----------
    sessions : pandas.DataFrame
        number, title, technician, start, end, kind.
    first, today : datetime.date
        First day, a Monday; the present day, UTC.
    """
    names = "".join(f"<div class='wb-day-head'>{first + timedelta(days=place):%a}</div>" for place in range(7))
    fields = ""
    for place in range(35):
        day = first + timedelta(days=place)
        rows = _of(sessions, day)
        items = "".join(_item(row, who=True) for row in rows[:_MAX_LISTED_SESSIONS])
        more = (
            f"<span class='wb-muted'>{len(rows) - _MAX_LISTED_SESSIONS} more</span>"
            if len(rows) > _MAX_LISTED_SESSIONS
            else ""
        )
        title = f"{day:%d %b}" if day.day == 1 or not place else f"{day.day}"
        fields += f"<div class='wb-slot{_today(day, today)}'><span class='wb-muted'>{title}</span>{items}{more}</div>"
    return f"<div class='wb-month'>{names}{fields}</div>"


def calendar_link(name: str, content: bytes) -> str:
    """Write the link that saves a calendar file.

    Parameters
    ----------
    name : str
        Name of the file.
    content : bytes
        The calendar.
    """
    data = base64.b64encode(content).decode()
    return f'<a class="wb-download" download="{name}" href="data:text/calendar;base64,{data}">{name}</a>'


def conflicts_markup(conflicts: Sequence[Conflict]) -> str:
    """Write the conflicts of a plan, and what would solve each.

    Parameters
    ----------
    conflicts : sequence of Conflict
        The conflicts.
    """
    rows, classes = [], {}
    for place, one in enumerate(conflicts):
        level = severity(_KINDS.get(one.kind, "medium"))
        symbol = f"<span class='wb-symbol' aria-hidden='true'>{level.symbol}</span>"
        todo = escape(without_commands(one.resolve))
        words = f"<span class='wb-wrap'>{escape(one.message)} <span class='wb-muted'>{todo}</span></span>"
        name = f"{one.job}#{place}"
        rows.append((name, [f"{symbol}{escape(one.kind.replace('_', ' '))}", words]))
        classes[name] = level.word
    if not rows:
        return "<p class='wb-note wb-muted'>No conflicts.</p>"
    return table_markup((Column("", "conflict"), Column("", "description, and what to do")), rows, classes=classes)


def changes_markup(moved: pd.DataFrame, comparison: Comparison | None) -> str:
    """Write which orders a proposed plan moves and, for a what-if, how much better or worse it is.

    Parameters
    ----------
    moved : pandas.DataFrame
        The orders that move, as `what_if.moved` returns them.
    comparison : Comparison or None
        The what-if; None where the plan does not answer one.
    """
    table = ""
    if comparison is not None:
        figures = comparison.figures()
        body = "".join(
            f"<tr><td>{escape(str(name))}</td><td>{row['before']:,.1f}</td><td>{row['after']:,.1f}</td>"
            f"<td>{row['difference']:+,.1f}</td></tr>"
            for name, row in zip(figures.index, figures.to_dict(orient="records"), strict=True)
        )
        head = "<tr><th>plan</th><th>now</th><th>what if</th><th>difference</th></tr>"
        table = f"<table><thead>{head}</thead><tbody>{body}</tbody></table>"
    ordered = moved.sort_values("new_start", kind="stable", na_position="last") if len(moved) else moved
    rows = []
    for row in ordered.to_dict(orient="records"):
        mark = "+" if pd.isna(row["start"]) else "-" if pd.isna(row["new_start"]) else "→"
        sign = f"<span class='wb-symbol' aria-hidden='true'>{mark}</span>"
        words = change_sentence(row).removeprefix(f"{row['job']} ")
        rows.append((str(row["job"]), [f"{sign}{escape(row['job'])}", f"<span class='wb-wrap'>{escape(words)}</span>"]))
    if not rows:
        return f"{table}<p class='wb-note wb-muted'>No orders move.</p>"
    return table + table_markup((Column("", "order"), Column("", "what changes")), rows)


def search_markup(stop: Stop) -> str:
    """Write how far a search is, and the points of the best plan so far.

    Parameters
    ----------
    stop : Stop
        Of the search.
    """
    if not stop.best:
        return ""
    first, last = stop.best[0][1], stop.best[-1]
    better = f", {first - last[1]:,.1f} fewer than the first guess" if last[1] < first else ""
    return (
        f"<span class='wb-searching'><progress max='100' value='{100 * stop.share:.0f}' "
        f"aria-label='Share of the search that is done'></progress> "
        f"best plan so far: {last[1]:,.1f} points{better}; found after {last[0]:.0f} s</span>"
    )


def saved_words(table: pd.DataFrame, active: int) -> str:
    """Return the words that say how much of the work the saved plan holds.

    Parameters
    ----------
    table : pandas.DataFrame
        The plan, as `Planning.table` returns it.
    active : int
        Number of active orders.
    """
    if table.empty:
        return f"no plan yet; {counted(active, 'active order')}"
    made = f"made {table['planned_at'].max():%a %d %b %H:%M} UTC"
    return f"{len(table)} of {counted(active, 'active order')} planned, {int(table['late'].sum())} late; {made}"


def proposed_words(plan: Plan, question: str, moved: int) -> str:
    """Return the words that say how good a proposed plan is.

    Parameters
    ----------
    plan : Plan
        The proposed plan.
    question : str
        The what-if that the plan answers; empty where there is none.
    moved : int
        Number of orders that the plan moves.
    """
    words = f"what if {escape(question)}: " if question else ""
    quality = ""
    if plan.optimal:
        quality = "; no plan is better"
    elif plan.gap <= _TIGHT_GAP:  # a wide bound says nothing of the plan
        quality = f"; within {100 * plan.gap:.0f} % of the best possible plan"
    return (
        f"<b>Proposed plan, not saved</b>: {words}{counted(len(plan.placements), 'order')} planned, "
        f"{len(plan.unplanned)} not planned, {_late_words(plan)}, {moved} moved{quality}"
    )


def _late_words(plan: Plan) -> str:
    late = timedelta(hours=plan.lateness_hours)
    return f"{span_words(late)} late in total" if late else "none late"


def _of(sessions: pd.DataFrame, day: date) -> list[dict[Any, Any]]:
    begin = pd.Timestamp(day, tz="UTC")
    rows = sessions[(sessions["start"] >= begin) & (sessions["start"] < begin + pd.Timedelta(days=1))]
    return rows.sort_values(["start", "number"]).to_dict(orient="records")


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
