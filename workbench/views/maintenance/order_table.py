"""The work orders as a table and as a board: what is asked for, and its HTML."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime
from html import escape
from typing import Any

import pandas as pd

from workbench.exceptions import ViewError
from workbench.maintenance.orders.priority import PRIORITIES
from workbench.maintenance.orders.states import ORDER_STATES, TRANSITIONS
from workbench.plots.theme import severity
from workbench.views.widgets.grid import Column, cell, table_markup

__all__ = [
    "LEVELS",
    "NOBODY",
    "SORTS",
    "Wanted",
    "board_markup",
    "due_words",
    "options",
    "orders_markup",
    "priority_markup",
]

NOBODY = "nobody"
LEVELS: Mapping[str, str] = {"urgent": "critical", "high": "high", "medium": "medium", "low": "low"}
"""The severity level whose colour and symbol a priority has."""

_COLUMNS = (
    Column("number", "order"),
    Column("urgent", "priority", tip="By the rule of severity, frequency, impact and age, or as somebody set it"),
    Column("state", "state"),
    Column("asset", "asset"),
    Column("title", "title"),
    Column("technician", "technician"),
    Column("due", "due", number=True),
)
SORTS = {
    "number": "opened_at",
    "urgent": "score",
    "state": "state",
    "asset": "asset",
    "title": "title",
    "technician": "assignee",
    "due": "due",
}
_MOST_CARDS = 60


@dataclass(frozen=True)
class Wanted:
    """Which work orders are listed.

    Attributes
    ----------
    state : str
        `active`, `all`, or one of `ORDER_STATES`.
    priority, place, technician, text : str
        Priority, asset, assignee (`nobody` for none), part of title or description; empty for all.
    sort : str
        One of `SORTS`, the largest first after `-`.
    """

    state: str = "active"
    priority: str = ""
    place: str = ""
    technician: str = ""
    text: str = ""
    sort: str = "-urgent"

    def filters(self) -> dict[str, Any]:
        """Give them as `WorkOrders.list` takes them."""
        assignee = "" if self.technician == NOBODY else self.technician
        given = {"priority": self.priority, "asset": self.place, "assignee": assignee, "text": self.text}
        state = {"state": None} if self.state == "all" else {"state": self.state} if self.state != "active" else {}
        return {**state, **{name: value for name, value in given.items() if value}}

    def written(self) -> dict[str, str]:
        """Give what differs from what comes first, for a link."""
        return {
            item.name: getattr(self, item.name) for item in fields(self) if getattr(self, item.name) != item.default
        }

    @classmethod
    def of(cls, state: Mapping[str, str]) -> "Wanted":
        """Read a link.

        Raises
        ------
        ViewError
            It sorts by no column.
        """
        found = cls(**{item.name: state[item.name] for item in fields(cls) if item.name in state})
        if found.sort.removeprefix("-") not in SORTS:
            raise ViewError(f"sort is {found.sort!r}.", f"Known: {', '.join(SORTS)}, or the same after -.")
        return found

    def sorted_by(self, key: str) -> "Wanted":
        """Sort by a column; the other way round where it is sorted so already."""
        first = f"-{key}" if key in ("urgent", "number") else key
        other = key if first.startswith("-") else f"-{key}"
        return replace(self, sort=other if self.sort == first else first)

    def chosen(self, orders: pd.DataFrame) -> pd.DataFrame:
        """Leave out what the filters of `WorkOrders.list` cannot, and sort."""
        table = orders[orders["assignee"].isna()] if self.technician == NOBODY else orders
        column, down = SORTS[self.sort.removeprefix("-")], self.sort.startswith("-")
        ranks = (
            table[column].map({state: place for place, state in enumerate(ORDER_STATES)})
            if column == "state"
            else table[column]
        )
        place = ranks.sort_values(ascending=not down, kind="stable", na_position="last").index
        return table.loc[place].reset_index(drop=True)


def options(name: str, assets: list[str], people: list[str]) -> list[tuple[str, str]]:
    """Give the choices of a filter: words and value."""
    if name == "state":
        return [("active", "active"), *((one, one) for one in ORDER_STATES), ("any state", "all")]
    values = {"priority": list(PRIORITIES), "place": assets, "technician": [NOBODY, *people]}[name]
    return [(f"any {'asset' if name == 'place' else name}", ""), *((value, value) for value in values)]


def due_words(due: Any, overdue: bool, now: datetime) -> str:
    """Say when something is due, and the exact time on hover.

    Examples
    --------
    >>> from datetime import UTC, timedelta
    >>> now = datetime(2026, 3, 2, 8, tzinfo=UTC)
    >>> due_words(now + timedelta(hours=30), False, now)
    '<span title="2026-03-03 14:00 UTC">in 1.2 d</span>'
    """
    if due is None or pd.isna(due):
        return ""
    hours = abs((pd.Timestamp(due) - pd.Timestamp(now)) / pd.Timedelta(hours=1))
    span = f"{hours:.0f} h" if hours < 24 else f"{hours / 24:.1f} d" if hours < 24 * 14 else f"{hours / 24:.0f} d"
    words = f"{span} over" if overdue else f"in {span}"
    return cell(words, title=f"{due:%Y-%m-%d %H:%M} UTC")


def priority_markup(name: str) -> str:
    """Write a priority with its symbol."""
    return f"<span class='wb-symbol' aria-hidden='true'>{severity(LEVELS.get(name, '')).symbol}</span>{escape(name)}"


def orders_markup(orders: pd.DataFrame, total: int, wanted: Wanted, now: datetime) -> str:
    """Write the table.

    Parameters
    ----------
    orders : pandas.DataFrame
        Of `WorkOrders.list`; the rows to show.
    total : int
        How many there are in all.
    wanted : Wanted
    now : datetime
        Aware.
    """
    rows, classes = [], {}
    for row in orders.to_dict(orient="records"):
        due = due_words(row["due"], row["overdue"], now)
        place = cell(row["channel"] or row["asset"], title=f"{row['asset']} {row['subsystem']} {row['channel']}")
        title = f"<span class='wb-cut' title='{escape(row['title'])}'>{escape(row['title'])}</span>"
        sign = "<span class='wb-symbol' aria-hidden='true'>▲</span>" if row["overdue"] else ""
        late = f"<span class='wb-late high'>{sign}{due}</span>" if row["overdue"] else due
        words = [priority_markup(row["priority"]), cell(row["state"]), place, title]
        rows.append((row["number"], [cell(row["number"]), *words, cell(row["assignee"]), late]))
        closed = not TRANSITIONS[row["state"]]
        classes[row["number"]] = "wb-closed" if closed else LEVELS.get(row["priority"], "")
    note = f"{len(orders)} of {total}; go on down for more" if len(orders) < total else ""
    return table_markup(_COLUMNS, rows, order=wanted.sort, note=note, classes=classes)


def board_markup(orders: pd.DataFrame, now: datetime) -> str:
    """Write the board: a column for each state, and a card for each order that says where it may go."""
    columns = []
    for state in ORDER_STATES:
        rows = orders[orders["state"] == state]
        cards = "".join(_card(row, now) for row in rows.head(_MOST_CARDS).to_dict(orient="records"))
        more = f"<p class='wb-muted'>and {len(rows) - _MOST_CARDS} more</p>" if len(rows) > _MOST_CARDS else ""
        columns.append(
            f"<section data-drop='{state}' aria-label='{state}'><h3>{state} <b>{len(rows)}</b></h3>"
            f"<div data-scroll>{cards}{more}</div></section>"
        )
    return f"<div class='wb-board'>{''.join(columns)}</div>"


def _card(row: Mapping[Any, Any], now: datetime) -> str:
    onto = [state for state in TRANSITIONS[row["state"]] if state != row["state"]]
    moves = f"data-drag='{row['number']}' data-onto='{'|'.join(onto)}'" if onto else ""
    level = LEVELS.get(row["priority"], "") if onto else ""
    symbol = severity(level).symbol if level else ""
    due = due_words(row["due"], row["overdue"], now) if onto else ""
    late = " wb-late" if row["overdue"] else ""
    return (
        f"<button type='button' class='wb-task {level}' data-pick='{row['number']}' {moves} "
        f"title='{escape(row['title'])}, {row['priority']}'>"
        f"<span><span class='wb-symbol' aria-hidden='true'>{symbol}</span><b>{row['number']}</b>"
        f"<i class='{late}'>{due}</i></span><span class='wb-cut'>{escape(row['title'])}</span>"
        f"<span class='wb-muted'>{cell(row['assignee']) or NOBODY}</span>"
        f"<span class='wb-hidden'> {escape(row['priority'])} priority, {row['state']}</span></button>"
    )
