"""The list of alerts: which alerts it shows, and its table."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from html import escape
from typing import Any

import pandas as pd

from workbench.maintenance.alerts.places import place_words
from workbench.maintenance.alerts.table import KINDS, STATES, VERDICTS
from workbench.parameters import LEVELS
from workbench.plots.theme import SEVERITIES, severity
from workbench.views.markup import age, state_words, verdict_words
from workbench.views.widgets.filters import Filters
from workbench.views.widgets.grid import Column, cell, table_markup

__all__ = [
    "ORDERS",
    "AlertFilter",
    "alerts_markup",
    "options",
]

ALL = "all"
ORDERS = ("worst", "newest", "oldest", "channel")
_COLUMNS = (
    Column("worst", "level", tip="Severity level, then score"),
    Column("channel", "channel"),
    Column("", "score", number=True, tip="Severity score: how far the smoothed error went beyond the threshold"),
    Column("", "state"),
    Column("newest", "raised", tip="How long ago the alert was raised"),
    Column("", "order", tip="Open work order"),
)
_SORTED = {"worst": "-worst", "newest": "-newest", "oldest": "newest", "channel": "channel"}


@dataclass(frozen=True)
class AlertFilter(Filters):
    """Which alerts are listed, and in which order; unknown values are refused when the alerts are read.

    Attributes
    ----------
    level : str
        This level and those above it; empty for all.
    state : str
        `open`, `shown` (what an operator sees), one of `STATES`, or `all`.
    place, kind, verdict, text : str
        Asset, kind, verdict, part of channel or message; empty for all.
    order : str
        One of `ORDERS`.
    """

    level: str = ""
    state: str = "open"
    place: str = ""
    kind: str = ""
    verdict: str = ""
    text: str = ""
    order: str = "worst"

    def filters(self) -> dict[str, Any]:
        """Return the arguments of `Alerts.list`."""
        choices = {"level": self.level, "asset": self.place, "kind": self.kind, "verdict": self.verdict}
        state = None if self.state == ALL else self.state
        return {"state": state, "order": self.order, "text": self.text or None} | {
            name: value or None for name, value in choices.items()
        }

    def sorted_by(self, key: str) -> "AlertFilter":
        """Return the filter sorted by a column; by time, in the other direction where it is sorted so already.

        Parameters
        ----------
        key : str
            Key of the column.
        """
        return replace(self, order="oldest" if key == self.order == "newest" else key)


def options(name: str, assets: list[str]) -> list[tuple[str, str]]:
    """Return the choices of a filter: words and value.

    Parameters
    ----------
    name : str
        Name of the filter.
    assets : list of str
        Names of the assets of the fleet.
    """
    every = [(f"any {'asset' if name == 'place' else name}", "")]
    if name == "state":
        return [("open", "open"), ("shown", "shown"), *((state_words(one), one) for one in STATES), ("any state", ALL)]
    values = {"level": list(reversed(LEVELS)), "place": assets, "kind": KINDS, "verdict": VERDICTS}[name]
    if name == "level":
        return every + [(f"{value} and above", value) for value in values]
    return every + [(verdict_words(value) if name == "verdict" else value, value) for value in values]


def alerts_markup(
    alerts: pd.DataFrame, orders: Mapping[int, str], total: int, request: AlertFilter, now: datetime
) -> str:
    """Write the table of the alerts.

    Parameters
    ----------
    alerts : pandas.DataFrame
        The alerts to show, as `Alerts.list` returns them.
    orders : mapping of int to str
        Open work order by alert.
    total : int
        Number of alerts that match the filters.
    request : AlertFilter
        The filters, which say how the table is sorted.
    now : datetime
        Present time, aware.

    Returns
    -------
    str
        HTML of a `Grid`.
    """
    rows, classes = [], {}
    for row in alerts.to_dict(orient="records"):
        name, level = str(row["id"]), str(row["level"])
        symbol = f"<span class='wb-symbol' aria-hidden='true'>{severity(level).symbol}</span>"
        raised = pd.Timestamp(row["raised_at"])
        score = "" if pd.isna(row["severity"]) else f"{row['severity']:.2f}"
        verdict = "" if row["verdict"] is None or pd.isna(row["verdict"]) else f" ({verdict_words(row['verdict'])})"
        state = state_words(row["state"]) + verdict
        rows.append(
            (
                name,
                [
                    f"{symbol}{level}",
                    cell(row["channel"], title=f"{row['asset']} {row['subsystem']}, {place_words(row)}"),
                    score or "<span class='wb-muted'>limit</span>",
                    f"<span class='wb-cut' title='{escape(state)}'>{escape(state)}</span>",
                    cell(age(raised, now), title=f"{raised:%Y-%m-%d %H:%M:%S} UTC"),
                    cell(orders.get(int(row["id"]), "")),
                ],
            )
        )
        new = " wb-new" if row["state"] == "unacknowledged" else ""
        classes[name] = f"{level if row['state'] != 'closed' and level in SEVERITIES else ''}{new}"
    note = f"{len(alerts):,} of {total:,}; scroll down for more" if len(alerts) < total else ""
    return table_markup(_COLUMNS, rows, order=_SORTED[request.order], marks=True, note=escape(note), classes=classes)
