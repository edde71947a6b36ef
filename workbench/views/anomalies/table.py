"""The list of alerts: what is asked for, and its table."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime
from html import escape
from typing import Any

import pandas as pd

from workbench.maintenance.alerts.table import KINDS, STATES, VERDICTS
from workbench.parameters import LEVELS
from workbench.plots.theme import SEVERITIES, severity
from workbench.views.markup import age, state_words
from workbench.views.widgets.grid import Column, cell, table_markup

__all__ = [
    "ORDERS",
    "Wanted",
    "alerts_markup",
    "options",
]

ALL = "all"
ORDERS = ("worst", "newest", "oldest", "channel")
_COLUMNS = (
    Column("worst", "level", tip="Severity level, then score"),
    Column("channel", "channel"),
    Column("", "score", number=True, tip="Severity score: how far the smoothed error went beyond epsilon"),
    Column("", "state"),
    Column("newest", "raised", tip="How long ago the alert was raised"),
    Column("", "order", tip="Open work order"),
)
_SORTED = {"worst": "-worst", "newest": "-newest", "oldest": "newest", "channel": "channel"}


@dataclass(frozen=True)
class Wanted:
    """Which alerts are listed.

    Attributes
    ----------
    level : str
        This and those above it; empty for all.
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
        """Give them as `Alerts.list` takes them."""
        given = {"level": self.level, "asset": self.place, "kind": self.kind, "verdict": self.verdict}
        state = None if self.state == ALL else self.state
        return {"state": state, "order": self.order, "text": self.text or None} | {
            name: value or None for name, value in given.items()
        }

    def written(self) -> dict[str, str]:
        """Give what differs from what comes first, for a link."""
        return {
            item.name: getattr(self, item.name) for item in fields(self) if getattr(self, item.name) != item.default
        }

    @classmethod
    def of(cls, state: Mapping[str, str]) -> "Wanted":
        """Read a link; what is no level, state, kind, verdict or order is refused when the list is asked for."""
        return cls(**{item.name: state[item.name] for item in fields(cls) if item.name in state})

    def sorted_by(self, key: str) -> "Wanted":
        """Sort by a column; by time, the other way round where it is sorted so already."""
        return replace(self, order="oldest" if key == self.order == "newest" else key)


def options(name: str, assets: list[str]) -> list[tuple[str, str]]:
    """Give the choices of a filter: words and value."""
    every = [(f"any {'asset' if name == 'place' else name}", "")]
    if name == "state":
        return [("open", "open"), ("shown", "shown"), *((state_words(one), one) for one in STATES), ("any state", ALL)]
    values = {"level": list(reversed(LEVELS)), "place": assets, "kind": KINDS, "verdict": VERDICTS}[name]
    words = {"level": "{} and above"}.get(name, "{}")
    return every + [(words.format(value), value) for value in values]


def alerts_markup(alerts: pd.DataFrame, orders: Mapping[int, str], total: int, wanted: Wanted, now: datetime) -> str:
    """Write the table.

    Parameters
    ----------
    alerts : pandas.DataFrame
        Of `Alerts.list`.
    orders : mapping of int to str
        Open work order by alert.
    total : int
        How many there are in all.
    wanted : Wanted
    now : datetime
        Aware.

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
        done = "" if row["verdict"] is None or pd.isna(row["verdict"]) else f" ({row['verdict']})"
        rows.append(
            (
                name,
                [
                    f"{symbol}{level}",
                    cell(row["channel"], title=f"{row['asset']} {row['subsystem']}, sample {row['start_sample']:,}"),
                    score or "<span class='wb-muted'>limit</span>",
                    cell(state_words(row["state"]) + done),
                    cell(age(raised, now), title=f"{raised:%Y-%m-%d %H:%M:%S} UTC"),
                    cell(orders.get(int(row["id"]), "")),
                ],
            )
        )
        new = " wb-new" if row["state"] == "unacknowledged" else ""
        classes[name] = f"{level if row['state'] != 'closed' and level in SEVERITIES else ''}{new}"
    note = f"{len(alerts)} of {total}; go on down for more" if len(alerts) < total else ""
    return table_markup(_COLUMNS, rows, order=_SORTED[wanted.order], marks=True, note=escape(note), classes=classes)
