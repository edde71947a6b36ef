"""The list of alerts: which alerts it shows, and its table."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from html import escape
from typing import Any

import pandas as pd

from workbench.counts import counted
from workbench.maintenance.alerts.places import moment_of, place_words, span_of
from workbench.maintenance.alerts.table import ALLOWED, KINDS, STATES, VERDICTS, state_words
from workbench.maintenance.cases.case import Case, moment_words
from workbench.parameters import LEVELS
from workbench.plots.theme import SEVERITIES, severity
from workbench.views.markup import age, duration, name_markup, verdict_words
from workbench.views.widgets.filters import Filters, check_choice
from workbench.views.widgets.grid import Column, cell, table_markup

__all__ = [
    "MINE",
    "RAISED",
    "THIS_ASSET",
    "WAITING",
    "AlertFilter",
    "alerts_markup",
    "case_name",
    "case_number",
    "options",
]

ALL = "all"
WAITING = "waiting"
"""Value of the filter by state for alerts that wait for acknowledgement, in links."""

MINE = "mine"
"""Value of the filter by state for open alerts that the reader takes care of, in links."""

THIS_ASSET = "this asset"
"""Choice of the filter by asset that stands for the asset of the chosen alert; links hold the asset."""

RAISED: Mapping[str, timedelta] = {
    "1 h": timedelta(hours=1),
    "24 h": timedelta(days=1),
    "7 d": timedelta(days=7),
    "30 d": timedelta(days=30),
}
"""Periods up to now in which listed alerts were raised, by their words in links."""

_COLUMNS = (
    Column("worst", "level", tip="Severity level, then score"),
    Column("channel", "channel"),
    Column("score", "score", number=True, tip="Severity score: how far the smoothed error went beyond the threshold"),
    Column("state", "state"),
    Column("began", "began", tip="When what was found began: time in UTC, or sample"),
    Column("longest", "lasted", number=True, tip="How long it lasted: time, or samples"),
    Column("newest", "raised", tip="How long ago the alert was raised"),
    Column("", "order", tip="Open work order"),
)
_LARGEST_FIRST = ("worst", "score", "began", "longest", "newest")


@dataclass(frozen=True)
class AlertFilter(Filters):
    """Which alerts are listed, and in which order; unknown values are refused when the alerts are read.

    Attributes
    ----------
    level : str
        This level and those above it; empty for all.
    state : str
        `open`, `shown` (what an operator sees), `waiting` (for acknowledgement), `mine` (acknowledged or shelved by the
        reader, or in an order that is the reader's), one of `STATES`, or `all`.
    place, kind, verdict, text : str
        Asset, kind, verdict, part of channel or message; empty for all.
    raised : str
        One of `RAISED`; empty for any time.
    order : str
        As `Alerts.list` sorts.
    group : str
        `case`, where alerts of one case are one line that opens into them, or `alert`.
    """

    level: str = ""
    state: str = "open"
    place: str = ""
    kind: str = ""
    verdict: str = ""
    text: str = ""
    raised: str = ""
    order: str = "worst"
    group: str = "case"

    @classmethod
    def of(cls, state: Mapping[str, str]) -> "AlertFilter":
        """Return the filter that a link holds.

        Parameters
        ----------
        state : mapping of str to str
            State of the link.

        Raises
        ------
        ViewError
            The link asks for a period that is not offered.
        """
        request = super().of(state)
        check_choice("raised", request.raised, ("", *RAISED))
        return request

    def filters(self, now: datetime) -> dict[str, Any]:
        """Return the arguments of `Alerts.list`; for alerts that are mine, that of their numbers comes on top.

        Parameters
        ----------
        now : datetime
            Present time, aware.
        """
        choices = {"level": self.level, "asset": self.place, "kind": self.kind, "verdict": self.verdict}
        state = {ALL: None, WAITING: ALLOWED["acknowledge"], MINE: "open"}.get(self.state, self.state)
        since = now - RAISED[self.raised] if self.raised else None
        return {"state": state, "order": self.order, "text": self.text or None, "since": since} | {
            name: value or None for name, value in choices.items()
        }

    def sorted_by(self, key: str) -> "AlertFilter":
        """Return the filter sorted by a column; in the other direction where it is sorted so already.

        Parameters
        ----------
        key : str
            Key of the column.
        """
        turned = "oldest" if key == "newest" else f"-{key}"
        return replace(self, order=turned if key == self.order else key)

    @property
    def arrow(self) -> str:
        """The column by which the list is sorted, after `-` where its largest value comes first."""
        key = "-newest" if self.order == "oldest" else self.order
        name = key.removeprefix("-")
        return f"-{name}" if (name in _LARGEST_FIRST) != key.startswith("-") else name


def options(name: str, assets: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return the choices of a filter: words and value.

    Parameters
    ----------
    name : str
        Name of the filter.
    assets : list of (str, str)
        Assets of the fleet: names on screen, and names in links.
    """
    if name == "group":
        return [("by case", "case"), ("each alert", "alert")]
    if name == "raised":
        return [("raised: any", ""), *((f"raised in {words}", words) for words in RAISED)]
    every = [(f"any {'asset' if name == 'place' else name}", "")]
    if name == "state":
        return [
            ("open", "open"),
            ("to acknowledge", WAITING),
            ("my alerts", MINE),
            ("shown", "shown"),
            *((state_words(one), one) for one in STATES),
            ("any state", ALL),
        ]
    if name == "place":
        return [*every, ("on this asset", THIS_ASSET), *assets]
    values = {"level": list(reversed(LEVELS)), "kind": KINDS, "verdict": VERDICTS}[name]
    if name == "level":
        return every + [(f"{value} and above", value) for value in values]
    return every + [(verdict_words(value) if name == "verdict" else value, value) for value in values]


def case_name(case: int) -> str:
    """Return the name of the line of a case, by which it is picked, marked and opened.

    Examples
    --------
    >>> case_name(3), case_number("case 3"), case_number("34")
    ('case 3', 3, None)
    """
    return f"case {case}"


def case_number(name: str) -> int | None:
    """Return the number of the case that the name of a line is for; None where it is that of an alert."""
    kind, _, number = name.partition(" ")
    return int(number) if kind == "case" and number.isdecimal() else None


def alerts_markup(
    alerts: pd.DataFrame,
    orders: Mapping[int, str],
    total: int,
    request: AlertFilter,
    now: datetime,
    cases: Mapping[int, Case] | None = None,
    opened: Collection[int] = (),
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
    cases : mapping of int to Case, optional
        Cases that have a line of their own, which stands where the first of their alerts would stand.
    opened : collection of int
        Cases whose alerts are listed under their line.

    Returns
    -------
    str
        HTML of a `Grid`.
    """
    cases = cases or {}
    rows: list[tuple[str, Sequence[str]]] = []
    classes: dict[str, str] = {}
    opens: dict[str, bool] = {}
    parts: set[str] = set()
    members: dict[int, list[dict[Any, Any]]] = {}
    for row in alerts.to_dict(orient="records"):
        members.setdefault(_group_of(row, cases), []).append(row)
    for number, own in members.items():
        case = cases.get(number)
        if case is not None:
            name = case_name(case.id)
            rows.append((name, _case_cells(case, own, orders, now, is_open=number in opened)))
            classes[name] = f"{_row_class(case.level, case.state)} wb-case"
            opens[name] = number in opened
        for row in own if case is None or number in opened else ():
            name = str(row["id"])
            rows.append((name, _alert_cells(row, orders, now)))
            classes[name] = f"{_row_class(row['level'], row['state'])}{' wb-part' if case else ''}"
            parts |= {name} if case else set()
    note = f"{len(alerts):,} of {total:,}; scroll down for more" if len(alerts) < total else ""
    return table_markup(
        _COLUMNS,
        rows,
        order=request.arrow,
        marks=True,
        note=escape(note),
        classes=classes,
        opens=opens,
        parts=parts,
    )


def _group_of(row: Mapping[Any, Any], cases: Mapping[int, Case]) -> int:
    """Return the case of an alert where that has a line; else a number of the alert's own, which no case has."""
    case = row["case_id"]
    return int(case) if case == case and case in cases else -int(row["id"])


def _row_class(level: str, state: str) -> str:
    new = " wb-new" if state == "unacknowledged" else ""
    return f"{level if state != 'closed' and level in SEVERITIES else ''}{new}"


def _level_markup(level: str) -> str:
    return f"<span class='wb-symbol' aria-hidden='true'>{severity(level).symbol}</span>{level}"


def _raised_markup(raised: datetime, now: datetime) -> str:
    return cell(age(raised, now), title=f"{raised:%Y-%m-%d %H:%M:%S} UTC")


def _began_markup(row: Mapping[Any, Any]) -> str:
    moment = moment_of(row)
    return cell(f"{moment:,}" if isinstance(moment, int) else f"{moment:%d %b %H:%M}", title=place_words(row))


def _lasted_words(clock: str, first: int, last: int) -> str:
    return duration((last - first) / 1e9) if clock == "time" else counted(last - first + 1, "sample")


def _alert_cells(row: Mapping[Any, Any], orders: Mapping[int, str], now: datetime) -> list[str]:
    score = "" if pd.isna(row["severity"]) else f"{row['severity']:.2f}"
    verdict = "" if row["verdict"] is None or pd.isna(row["verdict"]) else f" ({verdict_words(row['verdict'])})"
    state = state_words(row["state"]) + verdict
    place = f"{row['asset']} {row['subsystem']}, {place_words(row)}"
    return [
        _level_markup(str(row["level"])),
        f"<span title='{escape(place)}'>{name_markup(row['channel'])}</span>",
        score or "<span class='wb-muted'>limit</span>",
        f"<span class='wb-cut' title='{escape(state)}'>{escape(state)}</span>",
        _began_markup(row),
        _lasted_words(*span_of(row)),
        _raised_markup(pd.Timestamp(row["raised_at"]), now),
        cell(orders.get(int(row["id"]), "")),
    ]


def _case_cells(
    case: Case, listed: Sequence[Mapping[Any, Any]], orders: Mapping[int, str], now: datetime, *, is_open: bool
) -> list[str]:
    """Return the cells of a case's line: level, what moved first, alerts, state, begin, length, age, orders."""
    verb = "Hide" if is_open else "Show"
    label = f"{verb} the {len(listed)} alerts of case {case.id}"
    turn = (
        f"<button type='button' class='wb-turn' tabindex='-1' data-open='{case_name(case.id)}' "
        f"aria-label='{label}' title='{label}'>{'▾' if is_open else '▸'}</button>"
    )
    first, *others = case.channels or (case.asset,)
    more = f" <span>+{len(others)}</span>" if others else ""
    own = dict.fromkeys(orders[alert] for alert in case.alerts if alert in orders)
    began = case.start_time
    shown = f"{len(listed)} of {len(case.alerts)}" if len(listed) < len(case.alerts) else str(len(case.alerts))
    return [
        f"{turn}{_level_markup(case.level)}",
        f"<span class='wb-several' title='{escape(f'Case {case.id}. {case}')}'>{name_markup(first)}{more}</span>",
        f"<span class='wb-muted' title='{label}'>{shown} alert{'' if len(case.alerts) == 1 else 's'}</span>",
        f"<span class='wb-cut' title='{escape(state_words(case.state))}'>{escape(state_words(case.state))}</span>",
        cell(
            f"{case.first_at:,}" if began is None else f"{began:%d %b %H:%M}",
            title=moment_words(case.clock, case.first_at),
        ),
        _lasted_words(case.clock, case.first_at, case.last_at),
        _raised_markup(case.raised_at, now),
        cell(", ".join(own)),
    ]
