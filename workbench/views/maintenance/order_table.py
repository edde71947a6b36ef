"""The work orders as a table and as a board: which orders they show, and their HTML."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from html import escape
from typing import Any

import pandas as pd

from workbench.maintenance.orders.priority import PRIORITIES
from workbench.maintenance.orders.states import ORDER_STATES, TRANSITIONS
from workbench.plots.theme import severity
from workbench.views.markup import duration, name_markup
from workbench.views.widgets.filters import Filters, check_choice, next_order
from workbench.views.widgets.grid import Column, cell, table_markup

__all__ = [
    "LEVELS",
    "NOBODY",
    "SHOWN",
    "SORTS",
    "UNASSIGNED",
    "OrderFilter",
    "board_markup",
    "due_words",
    "options",
    "orders_markup",
    "priority_markup",
]

NOBODY = "nobody"
"""Value of the filter for orders without a technician, in links."""

UNASSIGNED = "unassigned"
"""Words for an order without a technician, on screen."""

LEVELS: Mapping[str, str] = {"urgent": "critical", "high": "high", "medium": "medium", "low": "low"}
"""The severity level whose colour and symbol a priority has."""

_COLUMNS = (
    Column("number", "order"),
    Column("urgent", "priority", tip="Follows from severity, frequency, impact and age, or was set by a person"),
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
SHOWN: Mapping[str, str] = {
    "": "all orders",
    "mine": "my orders",
    "overdue": "overdue",
    "unassigned": "unassigned",
    "parts": "waiting for parts",
}
"""What the first filter shows, by the word that a link holds."""

_MAX_CARDS = 60


@dataclass(frozen=True)
class OrderFilter(Filters):
    """Which work orders are listed, and in which order.

    Attributes
    ----------
    show : str
        One of `SHOWN`; empty for all.
    state : str
        `active`, `all`, or one of `ORDER_STATES`.
    priority, place, technician, text : str
        Priority, asset, assignee (`nobody` for unassigned orders), part of title or description; empty for all.
    sort : str
        One of `SORTS`, the largest first after `-`.
    """

    show: str = ""
    state: str = "active"
    priority: str = ""
    place: str = ""
    technician: str = ""
    text: str = ""
    sort: str = "-urgent"

    def filters(self, who: str = "") -> dict[str, Any]:
        """Return the arguments of `WorkOrders.list`; the orders of `who` are those that are mine."""
        assignee = "" if self.technician == NOBODY else self.technician
        choices = {"priority": self.priority, "asset": self.place, "assignee": assignee, "text": self.text}
        state = {"state": None} if self.state == "all" else {"state": self.state} if self.state != "active" else {}
        listed: dict[str, Any] = {**state, **{name: value for name, value in choices.items() if value}}
        shown: dict[str, dict[str, Any]] = {
            "mine": {"assignee": who},
            "overdue": {"overdue": True},
            "unassigned": {"unassigned": True},
        }
        return listed | {**shown, "parts": {"waiting_for_parts": True}}.get(self.show, {})

    @classmethod
    def of(cls, state: Mapping[str, str]) -> "OrderFilter":
        """Return the filter that a link holds.

        Parameters
        ----------
        state : mapping of str to str
            State of the link.

        Raises
        ------
        ViewError
            The link sorts by an unknown column.
        """
        request = super().of(state)
        check_choice("sort", request.sort.removeprefix("-"), SORTS)
        check_choice("show", request.show, SHOWN)
        return request

    def sorted_by(self, key: str) -> "OrderFilter":
        """Return the filter sorted by a column; in the other direction where it is sorted so already.

        Parameters
        ----------
        key : str
            Key of the column.
        """
        return replace(self, sort=next_order(self.sort, key, largest_first=key in ("urgent", "number")))

    def apply(self, orders: pd.DataFrame) -> pd.DataFrame:
        """Return orders filtered by what `WorkOrders.list` cannot filter by, and sorted.

        Parameters
        ----------
        orders : pandas.DataFrame
            Orders, as `WorkOrders.list` returns them.
        """
        table = orders[orders["assignee"].isna()] if self.technician == NOBODY else orders
        column = SORTS[self.sort.removeprefix("-")]
        descending = self.sort.startswith("-")
        ranks = (
            table[column].map({state: place for place, state in enumerate(ORDER_STATES)})
            if column == "state"
            else table[column]
        )
        place = ranks.sort_values(ascending=not descending, kind="stable", na_position="last").index
        return table.loc[place].reset_index(drop=True)


def options(name: str, assets: list[tuple[str, str]], people: list[str]) -> list[tuple[str, str]]:
    """Return the choices of a filter: words and value.

    Parameters
    ----------
    name : str
        Name of the filter.
    assets : list of (str, str)
        Assets of the fleet: names on screen, and names in links.
    people : list of str
        Names of the technicians.
    """
    if name == "show":
        return [(words, value) for value, words in SHOWN.items()]
    if name == "state":
        return [("active", "active"), *((one, one) for one in ORDER_STATES), ("any state", "all")]
    if name == "place":
        return [("any asset", ""), *assets]
    values = {"priority": list(PRIORITIES), "technician": [NOBODY, *people]}[name]
    return [
        (f"any {name}", ""),
        *((UNASSIGNED if value == NOBODY else value, value) for value in values),
    ]


def due_words(due: Any, overdue: bool, now: datetime) -> str:
    """Return the HTML that says when something is due, with the exact time on hover.

    Parameters
    ----------
    due : datetime or None
        When it is due; the text is empty for None and NaT.
    overdue : bool
        Whether that time has passed.
    now : datetime
        Present time, aware.

    Examples
    --------
    >>> from datetime import UTC, timedelta
    >>> now = datetime(2026, 3, 2, 8, tzinfo=UTC)
    >>> due_words(now + timedelta(hours=30), False, now)
    '<span title="2026-03-03 14:00 UTC">in 30 h</span>'
    """
    if due is None or pd.isna(due):
        return ""
    span = duration(abs((pd.Timestamp(due) - pd.Timestamp(now)).total_seconds()))
    words = f"{span} overdue" if overdue else f"in {span}"
    return cell(words, title=f"{due:%Y-%m-%d %H:%M} UTC")


def priority_markup(name: str) -> str:
    """Write a priority with its symbol.

    Parameters
    ----------
    name : str
        One of `PRIORITIES`.
    """
    return f"<span class='wb-symbol' aria-hidden='true'>{severity(LEVELS.get(name, '')).symbol}</span>{escape(name)}"


def orders_markup(orders: pd.DataFrame, total: int, request: OrderFilter, now: datetime) -> str:
    """Write the table of the orders.

    Parameters
    ----------
    orders : pandas.DataFrame
        The orders to show, as `WorkOrders.list` returns them.
    total : int
        Number of orders that match the filters.
    request : OrderFilter
        The filters, which say how the table is sorted.
    now : datetime
        Present time, aware.
    """
    rows, classes = [], {}
    for row in orders.to_dict(orient="records"):
        due = due_words(row["due"], row["overdue"], now)
        where = " ".join(filter(None, (row["asset"], row["subsystem"], row["component"], row["channel"])))
        place = f"<span title='{escape(where)}'>{name_markup(row['asset'])}</span>"
        title = f"<span class='wb-cut' title='{escape(row['title'])}'>{escape(row['title'])}</span>"
        sign = "<span class='wb-symbol' aria-hidden='true'>▲</span>" if row["overdue"] else ""
        late = f"<span class='wb-late high'>{sign}{due}</span>" if row["overdue"] else due
        words = [priority_markup(row["priority"]), cell(row["state"]), place, title]
        rows.append(
            (
                row["number"],
                [
                    cell(row["number"]),
                    *words,
                    name_markup(str(row["assignee"])) if pd.notna(row["assignee"]) else "",
                    late,
                ],
            )
        )
        closed = not TRANSITIONS[row["state"]]
        classes[row["number"]] = "wb-closed" if closed else LEVELS.get(row["priority"], "")
    note = f"{len(orders):,} of {total:,}; scroll down for more" if len(orders) < total else ""
    return table_markup(_COLUMNS, rows, order=request.sort, note=note, classes=classes)


def board_markup(orders: pd.DataFrame, now: datetime) -> str:
    """Write the board: a column for each state, and a card for each order that says to which states it can move.

    Parameters
    ----------
    orders : pandas.DataFrame
        The orders to show, as `WorkOrders.list` returns them.
    now : datetime
        Present time, aware.
    """
    columns = []
    for state in ORDER_STATES:
        rows = orders[orders["state"] == state]
        cards = "".join(_card(row, now) for row in rows.head(_MAX_CARDS).to_dict(orient="records"))
        more = f"<p class='wb-muted'>and {len(rows) - _MAX_CARDS} more</p>" if len(rows) > _MAX_CARDS else ""
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
        f"<span class='wb-muted'>{cell(row['assignee']) or UNASSIGNED}</span>"
        f"<span class='wb-hidden'> {escape(row['priority'])} priority, {row['state']}</span></button>"
    )
