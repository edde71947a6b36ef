"""Cases: the list that operators work through where one event raises many alerts, and what can be done to a whole case.

A case is what its alerts are: nothing is done to it that is not done to these. An action is one transaction, and tells
for each alert whether it was done.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any

import pandas as pd
import sqlalchemy as sa

from workbench.exceptions import MaintenanceError, TransitionError
from workbench.maintenance import log
from workbench.maintenance.alerts.alerts import Alerts
from workbench.maintenance.alerts.queries import conditions
from workbench.maintenance.alerts.table import ALERT_COLUMNS, ALERTS, ALLOWED, CASES, EVIDENCE_AT
from workbench.maintenance.cases.case import Case, case_of
from workbench.maintenance.database import frame
from workbench.maintenance.values import check_choice, row_limit, row_number
from workbench.parameters import LEVELS

__all__ = ["CASE_COLUMNS", "Cases"]

CASE_COLUMNS = (
    "id",
    "asset",
    "level",
    "state",
    "first_channel",
    "channels",
    "alerts",
    "open_alerts",
    "start_time",
    "end_time",
    "clock",
    "first_at",
    "last_at",
    "raised_at",
    "words",
)
"""Columns of `Cases.list`."""

_ORDERS = ("worst", "newest", "oldest", "asset")
_Alerts = list[dict[Any, Any]]
_CHUNK = 10_000
"""Cases whose alerts are read at once: databases limit the values of one statement."""


class Cases:
    """List of the cases of a fleet, and what can be done to a whole case.

    Parameters
    ----------
    alerts : Alerts
        The alerts that the cases are made of.
    """

    def __init__(self, alerts: Alerts) -> None:
        self.alerts = alerts
        self.database = alerts.database

    # ---- reading

    def list(
        self,
        *,
        state: str | Iterable[str] | None = "shown",
        level: str | None = None,
        asset: str | None = None,
        channel: str | None = None,
        kind: str | None = None,
        verdict: str | None = None,
        text: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        order: str = "worst",
        limit: int | None = None,
    ) -> pd.DataFrame:
        """Return the cases of which some alert matches the filters.

        Parameters
        ----------
        state, level, asset, channel, kind, verdict, text, since, until
            Filters for alerts, as `Alerts.list` has them.
        order : str
            worst (level, then the number of alerts), newest, oldest (when the first alert was raised) or asset.
        limit : int, optional
            Most rows to return, all where omitted.

        Returns
        -------
        pandas.DataFrame
            `CASE_COLUMNS`, one row a case. Each row is of all alerts of the case: how many `channels` and `alerts` it
            has, and how many of these are open; `first_channel`, the one that moved first, empty where only the asset
            as a whole did; and `words`, the case in a sentence.

        Raises
        ------
        MaintenanceError
            A filter is not a state, level, kind, verdict or order.
        """
        check_choice("order", order, _ORDERS)
        filters = conditions(
            self.database.engine.dialect.name,
            state=state,
            level=level,
            asset=asset,
            channel=channel,
            kind=kind,
            verdict=verdict,
            text=text,
            since=since,
            until=until,
        )
        members = self._members(self._matching(filters))
        rows = [_row(case_of(number, own), own) for number, own in members.items()]
        table = pd.DataFrame(_sorted(rows, order)[: row_limit(limit)], columns=list(CASE_COLUMNS))
        for name in ("start_time", "end_time", "raised_at"):
            table[name] = pd.to_datetime(table[name], utc=True).astype("datetime64[us, UTC]")
        return table

    def of_alerts(self, alerts: pd.DataFrame) -> dict[int, Case]:
        """Return the cases that some alerts are part of, each with all its alerts.

        Parameters
        ----------
        alerts : pandas.DataFrame
            Alerts, as `Alerts.list` returns them.

        Returns
        -------
        dict of int to Case
            Cases by their numbers.
        """
        numbers = [] if alerts.empty else [int(number) for number in alerts["case_id"].dropna().unique()]
        return {number: case_of(number, own) for number, own in self._members(numbers).items()}

    def get(self, case: int) -> Case:
        """Return one case as it is; a case that was joined to another is that one now.

        Raises
        ------
        MaintenanceError
            There is no case with this number, or it has no alert any more.
        """
        return case_of(*self._found(case))

    def table(self, case: int) -> pd.DataFrame:
        """Return the alerts of a case, as `Alerts.list` returns them, in the order in which they set in."""
        number = self._number(case)
        statement = sa.select(*ALERT_COLUMNS).where(ALERTS.c.case_id == number)
        with self.database.reading() as db:
            return frame(db, statement.order_by(EVIDENCE_AT, ALERTS.c.id))

    def joined(self, case: int) -> tuple[int, ...]:
        """Return the numbers of the cases that were joined to a case."""
        statement = sa.select(CASES.c.id).where(CASES.c.joined_to == self._number(case)).order_by(CASES.c.id)
        with self.database.reading() as db:
            return tuple(db.scalars(statement))

    def history(self, case: int) -> pd.DataFrame:
        """Return which cases were joined to a case, and which fell off, oldest first; rows of the log.

        What was done to its alerts stands in the history of each.
        """
        number = self._number(case)
        return log.entries(self.database, subject=f"case:{number}").iloc[::-1].reset_index(drop=True)

    def count(self, *, state: str | Iterable[str] | None = "open") -> int:
        """Return how many cases have an alert of a state."""
        self.alerts.expire()
        filters = conditions(self.database.engine.dialect.name, state=state)
        with self.database.reading() as db:
            return int(db.scalar(sa.select(sa.func.count(ALERTS.c.case_id.distinct())).where(*filters)) or 0)

    # ---- what people do

    def acknowledge(self, case: int, who: str, comment: str = "") -> pd.DataFrame:
        """Acknowledge all alerts of a case that wait for it; see `each`."""
        return self.each("acknowledge", case, who, comment=comment)

    def shelve(
        self, case: int, who: str, why: str, *, hours: float | None = None, until: datetime | None = None
    ) -> pd.DataFrame:
        """Hide all alerts of a case that are shown, and new ones on their channels; see `each`."""
        return self.each("shelve", case, who, why=why, hours=hours, until=until)

    def close(self, case: int, who: str, verdict: str, comment: str = "") -> pd.DataFrame:
        """Close all open alerts of a case with one verdict; see `each`."""
        return self.each("close", case, who, verdict=verdict, comment=comment)

    def each(self, action: str, case: int, who: str, **options: Any) -> pd.DataFrame:
        """Apply one action to the alerts of a case whose state allows it, in one transaction.

        Parameters
        ----------
        action : str
            acknowledge, reset, shelve, unshelve or close.
        case : int
            Number of the case.
        who : str
            Person or program that does it, for the log.
        **options
            Options of the action, for example `verdict="test"`.

        Returns
        -------
        pandas.DataFrame
            alert, done (bool) and reason (empty where it is done), as `Alerts.each` returns them.

        Raises
        ------
        MaintenanceError
            There is no such case or action.
        TransitionError
            No alert of the case allows the action.
        """
        check_choice("action", action, tuple(ALLOWED))
        number, members = self._found(case)
        concerned = [int(alert["id"]) for alert in members if alert["state"] in ALLOWED[action]]
        if not concerned:
            states = pd.Series([str(alert["state"]).replace("_", " ") for alert in members]).value_counts()
            words = ", ".join(f"{count} {state}" for state, count in states.items())
            raise TransitionError(f"Case {number} has no alert to {action}.", f"Its alerts: {words}.")
        return self.alerts.each(action, concerned, who, **options)

    # ---- internals

    def _number(self, case: int) -> int:
        with self.database.reading() as db:
            row = db.execute(sa.select(CASES.c.id, CASES.c.joined_to).where(CASES.c.id == row_number(case))).first()
        if row is None:
            raise MaintenanceError(f"There is no case {case}.", "See: workbench cases list.")
        return int(row.joined_to or row.id)

    def _found(self, case: int) -> tuple[int, _Alerts]:
        number = self._number(case)
        members = self._members([number])
        if not members:
            raise MaintenanceError(f"Case {number} has no alert any more.", "See: workbench cases list.")
        return number, members[number]

    def _matching(self, filters: Sequence[sa.ColumnElement[bool]]) -> Sequence[int]:
        statement = sa.select(ALERTS.c.case_id).where(*filters, ALERTS.c.case_id.is_not(None)).distinct()
        with self.database.reading() as db:
            return [int(number) for number in db.scalars(statement)]

    def _members(self, numbers: Sequence[int]) -> dict[int, _Alerts]:
        """Return the alerts of some cases by their case."""
        self.alerts.expire()
        members: dict[int, _Alerts] = {}
        with self.database.reading() as db:
            for first in range(0, len(numbers), _CHUNK):
                statement = sa.select(*_OF_CASES).where(ALERTS.c.case_id.in_(numbers[first : first + _CHUNK]))
                for row in db.execute(statement.order_by(ALERTS.c.case_id)).mappings():
                    members.setdefault(row["case_id"], []).append(dict(row))
        return members


def _row(case: Case, members: Sequence[dict[Any, Any]]) -> dict[str, Any]:
    """Return the row of a case in the list."""
    return {
        "id": case.id,
        "asset": case.asset,
        "level": case.level,
        "state": case.state,
        "first_channel": case.channels[0] if case.channels else "",
        "channels": len(case.channels),
        "alerts": len(members),
        "open_alerts": sum(alert["state"] != "closed" for alert in members),
        "start_time": case.start_time,
        "end_time": case.end_time,
        "clock": case.clock,
        "first_at": case.first_at,
        "last_at": case.last_at,
        "raised_at": case.raised_at,
        "words": str(case),
    }


def _sorted(rows: list[dict[str, Any]], order: str) -> list[dict[str, Any]]:
    keys: dict[str, Callable[[dict[str, Any]], tuple[Any, ...]]] = {
        "worst": lambda row: (-LEVELS.index(row["level"]), -row["alerts"], row["id"]),
        "newest": lambda row: (-row["raised_at"].timestamp(), -row["id"]),
        "oldest": lambda row: (row["raised_at"], row["id"]),
        "asset": lambda row: (row["asset"], row["first_at"], row["id"]),
    }
    return sorted(rows, key=keys[order])


_OF_CASES = [
    EVIDENCE_AT if name == "evidence_at" else ALERTS.c[name]
    for name in (
        "id",
        "asset",
        "channel",
        "kind",
        "clock",
        "first_at",
        "last_at",
        "evidence_at",
        "level",
        "state",
        "contributions",
        "raised_at",
        "case_id",
    )
]
