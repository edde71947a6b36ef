"""Alerts: the list that operators work through, and all that can be done to it.

Every method is one transaction, so that a change and its row in the log are both there or neither.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

import pandas as pd
import sqlalchemy as sa
from sqlalchemy import orm

from workbench.exceptions import MaintenanceError
from workbench.maintenance import alert_actions as actions
from workbench.maintenance import log, timers
from workbench.maintenance.alert_table import ALERTS, KINDS, OPEN, SHOWN, STATES, VERDICTS, Alert, AlertRow
from workbench.maintenance.database import Database, frame, now
from workbench.maintenance.options import AlertOptions
from workbench.maintenance.raising import Finding, Raised, raise_findings
from workbench.settings import LEVELS

__all__ = ["Alerts"]

_ORDERS = ("newest", "oldest", "worst", "channel")
_Filters = list[sa.ColumnElement[bool]]


class Alerts:
    """The alerts of a fleet.

    Parameters
    ----------
    database : Database
    options : AlertOptions

    Attributes
    ----------
    database : Database
    options : AlertOptions
    """

    def __init__(self, database: Database, options: AlertOptions | None = None) -> None:
        self.database = database
        self.options = options or AlertOptions()

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
        order: str = "newest",
        limit: int | None = None,
        offset: int = 0,
    ) -> pd.DataFrame:
        """List alerts.

        Parameters
        ----------
        state : str, iterable of str or None
            Of `STATES`; `shown` (what an operator sees), `open` (all but closed), None for all.
        level : str, optional
            This level and those above it.
        asset, channel, kind, verdict : str, optional
            Only these.
        text : str, optional
            Part of the channel's name or the message, in any case.
        since, until : datetime, optional
            Raised at or after, before; aware.
        order : str
            newest, oldest, worst (level, then severity score) or channel.
        limit, offset : int, optional
            Rows to give and to leave out.

        Returns
        -------
        pandas.DataFrame
            One row an alert, with the columns of `Alert`.

        Raises
        ------
        MaintenanceError
            A filter names no state, level, kind, verdict or order.
        """
        self._expire()
        with self.database.reading() as db:
            wanted = sa.select(*ALERTS.c).where(*self._filters(**_given(locals())))
            return frame(db, wanted.order_by(*_ordering(order)).limit(limit).offset(offset or None))

    def count(self, by: str = "level", *, state: str | Iterable[str] | None = "shown") -> pd.Series:
        """Count alerts by level, state, asset, channel, kind or verdict.

        Returns
        -------
        pandas.Series
            int, by value; all levels appear, in rising order.
        """
        _known("column to count by", by, ("level", "state", "asset", "channel", "kind", "verdict"))
        self._expire()
        column = ALERTS.c[by]
        with self.database.reading() as db:
            statement = sa.select(column, sa.func.count()).where(*self._filters(state=state)).group_by(column)
            found: dict[str, int] = {key: number for key, number in db.execute(statement)}
        keys = LEVELS if by == "level" else sorted(found, key=str)
        return pd.Series({key: int(found.get(key, 0)) for key in keys}, dtype="int64", name="alerts")

    def get(self, alert: int) -> Alert:
        """Give one alert as it is.

        Raises
        ------
        MaintenanceError
            There is none with this number.
        """
        self._expire()
        with self.database.reading() as db:
            return Alert.of(actions.find(db, alert))

    def history(self, alert: int) -> pd.DataFrame:
        """Give the rows of the log about an alert, oldest first: seq, time, subject, action, who, details, hash."""
        self.get(alert)
        return log.entries(self.database, subject=f"alert:{alert}").iloc[::-1].reset_index(drop=True)

    # ---- raising

    def raise_findings(self, looked_at: Iterable[tuple[str, str]], findings: Sequence[Finding]) -> Raised:
        """Raise, change or leave alerts so that they tell what was found; see `raising.raise_findings`."""
        self._expire()
        with self.database.writing() as db:
            return raise_findings(db, looked_at, findings, self.options)

    def tick(self) -> timers.Elapsed:
        """Do what time has brought: end shelves and outages, escalate what nobody acknowledged.

        Returns
        -------
        Elapsed
        """
        with self.database.writing() as db:
            elapsed = timers.expire(db)
            return timers.Elapsed(elapsed.unshelved, elapsed.unsuppressed, timers.escalate(db, self.options))

    # ---- what people do

    def acknowledge(self, alert: int, who: str, comment: str = "", *, version: int | None = None) -> Alert:
        """Say that somebody has seen the alert and cares for it.

        Raises
        ------
        TransitionError
            It is acknowledged, hidden or closed.
        ConflictError
            Somebody changed it since `version`.
        """
        return self._change(lambda db: actions.acknowledge(db, alert, who, comment, version))

    def reset(self, alert: int, who: str, *, version: int | None = None) -> Alert:
        """Clear a latched alert that is back to normal and acknowledged."""
        return self._change(lambda db: actions.reset(db, alert, who, version))

    def shelve(
        self,
        alert: int,
        who: str,
        why: str,
        *,
        until: datetime | None = None,
        hours: float | None = None,
        version: int | None = None,
    ) -> Alert:
        """Hide an alert, and new ones on its channel and kind, for some hours or until a time.

        Raises
        ------
        MaintenanceError
            No reason, not one of `until` and `hours`, or too long.
        TransitionError, ConflictError
            As for `acknowledge`.
        """
        if (until is None) == (hours is None):
            raise MaintenanceError("A shelf needs an end.", "Give either until or hours.")
        longest = timedelta(hours=self.options.longest_shelf_hours)

        def change(db: orm.Session) -> AlertRow:
            end = until if until is not None else now(db) + timedelta(hours=hours or 0)
            return actions.shelve(db, alert, who, why, end, longest, version)

        return self._change(change)

    def unshelve(self, alert: int, who: str, *, version: int | None = None) -> actions.Unshelved:
        """Show a shelved alert again, and tell what its shelf hid."""
        with self.database.writing() as db:
            return actions.unshelve(db, alert, who, version)

    def close(self, alert: int, who: str, verdict: str, comment: str = "", *, version: int | None = None) -> Alert:
        """Close an alert with what it was: true, false alarm, known behaviour, test or unknown."""
        return self._change(lambda db: actions.close(db, alert, who, verdict, comment, version))

    def comment(self, alert: int, who: str, comment: str) -> Alert:
        """Add a remark to the alert's history; `Alert.comment` is the last one."""
        if not comment.strip():
            raise MaintenanceError("The comment is empty.", "Write something.")

        def change(db: orm.Session) -> AlertRow:
            row = actions.find(db, alert)
            row.comment = comment.strip()
            return actions.log_change(db, row, "commented", who, {"comment": comment.strip()})

        return self._change(change)

    def each(self, action: str, alerts: Iterable[int], who: str, **options: Any) -> pd.DataFrame:
        """Do the same to many alerts; one that refuses does not stop the others.

        Parameters
        ----------
        action : str
            acknowledge, reset, shelve, unshelve, close or comment.
        alerts : iterable of int
        who : str
        **options
            Of the action, as `verdict="test"`.

        Returns
        -------
        pandas.DataFrame
            alert, done (bool) and reason (empty where it is done).
        """
        _known("action", action, ("acknowledge", "reset", "shelve", "unshelve", "close", "comment"))
        rows = []
        for alert in alerts:
            reason = ""
            try:
                getattr(self, action)(alert, who, **options)
            except MaintenanceError as error:
                reason = str(error)
            rows.append((alert, not reason, reason))
        return pd.DataFrame(rows, columns=["alert", "done", "reason"])

    # ---- internals

    def _change(self, change: Callable[[orm.Session], AlertRow]) -> Alert:
        self._expire()
        with self.database.writing() as db:
            row = change(db)
            db.flush()
            return Alert.of(row)

    def _expire(self) -> None:
        """End shelves and outages whose time is over before anything is read or done."""
        with self.database.reading() as db:
            due = timers.something_expired(db, self.database.clock())
        if due:
            with self.database.writing() as db:
                timers.expire(db)

    def _filters(
        self,
        *,
        state: str | Iterable[str] | None = None,
        level: str | None = None,
        asset: str | None = None,
        channel: str | None = None,
        kind: str | None = None,
        verdict: str | None = None,
        text: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> _Filters:
        found: _Filters = []
        if state is not None:
            named = {"shown": SHOWN, "open": OPEN}.get(state, (state,)) if isinstance(state, str) else tuple(state)
            for name in named:
                _known("state", name, (*STATES, "shown", "open"))
            found.append(ALERTS.c.state.in_(named))
        if level is not None:
            _known("level", level, LEVELS)
            found.append(ALERTS.c.level.in_(LEVELS[LEVELS.index(level) :]))
        for name, value, known in (("kind", kind, KINDS), ("verdict", verdict, VERDICTS)):
            if value is not None:
                _known(name, value, known)
                found.append(ALERTS.c[name] == value)
        found += [
            ALERTS.c[name] == value for name, value in (("asset", asset), ("channel", channel)) if value is not None
        ]
        if text:
            found.append(
                sa.or_(
                    ALERTS.c.channel.icontains(text, autoescape=True),
                    ALERTS.c.message.icontains(text, autoescape=True),
                )
            )
        if since is not None:
            found.append(ALERTS.c.raised_at >= since)
        if until is not None:
            found.append(ALERTS.c.raised_at < until)
        return found


def _given(arguments: dict[str, Any]) -> dict[str, Any]:
    names = ("state", "level", "asset", "channel", "kind", "verdict", "text", "since", "until")
    return {name: arguments[name] for name in names}


def _ordering(order: str) -> list[Any]:
    _known("order", order, _ORDERS)
    alerts = ALERTS.c
    orders: dict[str, list[Any]] = {
        "newest": [alerts.raised_at.desc(), alerts.id.desc()],
        "oldest": [alerts.raised_at, alerts.id],
        "worst": [alerts.level.desc(), sa.func.coalesce(alerts.severity, 0.0).desc(), alerts.id],
        "channel": [alerts.channel, alerts.start_sample],
    }
    return orders[order]


def _known(what: str, value: str, known: Sequence[str]) -> None:
    if value not in known:
        raise MaintenanceError(f"{value!r} is not a {what}.", f"Known: {', '.join(known)}.")
