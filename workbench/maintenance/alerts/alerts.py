"""Alerts: the list that operators work through, and all that can be done to it.

Every method is one transaction, so that a change and its row in the log are both there or neither.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import pandas as pd
import sqlalchemy as sa
import xarray as xr
from sqlalchemy import orm

from workbench.exceptions import MaintenanceError, TransitionError
from workbench.maintenance import log
from workbench.maintenance.alerts import actions, timers
from workbench.maintenance.alerts.findings import anomaly_findings, limit_findings
from workbench.maintenance.alerts.grouping import group_alerts
from workbench.maintenance.alerts.known.events import KnownEvents
from workbench.maintenance.alerts.known.recognising import expired_uses
from workbench.maintenance.alerts.known.uses import spared_alerts
from workbench.maintenance.alerts.places import place, rows_of, unplaced_channels
from workbench.maintenance.alerts.queries import conditions, ordering
from workbench.maintenance.alerts.raising import Examined, Finding, raise_findings
from workbench.maintenance.alerts.report import AlertReport
from workbench.maintenance.alerts.table import ALERT_COLUMNS, ALERTS, Alert, AlertRow
from workbench.maintenance.alerts.verdicts import (
    Series,
    ThresholdEffect,
    judged_alerts,
    model_alerts,
    threshold_effect,
    verdict_labels,
    would_raise,
)
from workbench.maintenance.database import Database, frame
from workbench.maintenance.options import AlertOptions
from workbench.maintenance.remarks import remarks_of
from workbench.maintenance.values import check_choice, row_limit
from workbench.parameters import LEVELS
from workbench.telemetry.catalog import Limits

__all__ = ["Alerts"]

AfterClosing = Callable[[orm.Session, Sequence[int], str], None]

_ACTIONS: dict[str, Callable[..., Any]] = {
    "acknowledge": actions.acknowledge,
    "reset": actions.reset,
    "shelve": actions.shelve,
    "unshelve": actions.unshelve,
    "close": actions.close,
    "comment": actions.comment,
    "correct": actions.correct,
    "undo": actions.undo,
}


class Alerts:
    """List of the alerts of a fleet, and all that can be done to them.

    Parameters
    ----------
    database : Database
        Database of maintenance.
    options : AlertOptions
        When alerts are raised, and what becomes of them; the defaults where omitted.
    series : callable, optional
        Function that returns the coordinate `time` of a channel's test series as it is now, None where the archive does
        not hold it; where omitted, the rows of verdicts are those in which their alerts were found.
    known : KnownEvents, optional
        Known events, which anomalies are compared with; where omitted, those of the database, without an archive.
    after_closing : callable, optional
        Called with the transaction, the numbers of the alerts that got a verdict in it, and who has given it.

    Attributes
    ----------
    database : Database
        Database of maintenance.
    options : AlertOptions
        Options with which the alerts are raised.
    known : KnownEvents
        Nominal events that people have named.
    """

    def __init__(
        self,
        database: Database,
        options: AlertOptions | None = None,
        series: Series | None = None,
        known: KnownEvents | None = None,
        after_closing: AfterClosing | None = None,
    ) -> None:
        self.database = database
        self.options = options or AlertOptions()
        self.known = known or KnownEvents(database, self.options)
        self._series = series
        self._after_closing = after_closing

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
        numbers: Iterable[int] | None = None,
        order: str = "newest",
        limit: int | None = None,
        offset: int = 0,
    ) -> pd.DataFrame:
        """Return the alerts that match some filters.

        Parameters
        ----------
        state : str, iterable of str or None
            Of `STATES`; `shown` (what an operator sees), `open` (all but closed), None for all.
        level : str, optional
            This level and those above it.
        asset, channel, kind, verdict : str, optional
            Only alerts with this value.
        text : str, optional
            Part of the channel's name or the message, in any case.
        since, until : datetime, optional
            Raised at or after `since` and before `until`; aware.
        numbers : iterable of int, optional
            Only alerts with these numbers.
        order : str
            newest, oldest, worst (level, then severity score), channel, score, state, began (the latest first) or
            longest; the reverse of these after `-`.
        limit, offset : int, optional
            Most rows to return, all where omitted; and how many of the first to leave out.

        Returns
        -------
        pandas.DataFrame
            One row for each alert, with the columns of `Alert`.

        Raises
        ------
        MaintenanceError
            A filter is not a state, level, kind, verdict or order.
        """
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
            numbers=numbers,
        )
        self.expire()
        with self.database.reading() as db:
            statement = sa.select(*ALERT_COLUMNS).where(*filters).order_by(*ordering(order))
            return frame(db, statement.limit(row_limit(limit)).offset(offset or None))

    def count(self, by: str = "level", *, state: str | Iterable[str] | None = "shown") -> pd.Series:
        """Return the number of alerts by level, state, asset, channel, kind or verdict.

        Returns
        -------
        pandas.Series
            int, by value; all levels appear, in rising order.
        """
        check_choice("column to count by", by, ("level", "state", "asset", "channel", "kind", "verdict"))
        self.expire()
        column = ALERTS.c[by]
        filters = conditions(self.database.engine.dialect.name, state=state)
        with self.database.reading() as db:
            statement = sa.select(column, sa.func.count()).where(*filters).group_by(column)
            alert_counts: dict[str, int] = {key: number for key, number in db.execute(statement)}
        keys = LEVELS if by == "level" else sorted(alert_counts, key=str)
        return pd.Series({key: int(alert_counts.get(key, 0)) for key in keys}, dtype="int64", name="alerts")

    def get(self, alert: int) -> Alert:
        """Return one alert as it is.

        Raises
        ------
        MaintenanceError
            There is no alert with this number.
        """
        self.expire()
        with self.database.reading() as db:
            return Alert.of(actions.find(db, alert))

    def rows(self, alert: Alert) -> tuple[int, int] | None:
        """Return the rows of an alert in its series as it is now, both inclusive; None where that does not hold it.

        A desk without an archive returns the rows in which the alert was found.
        """
        if self._series is None:
            return alert.start_sample, alert.end_sample
        return rows_of(vars(alert), self._series(alert.channel))

    def history(self, alert: int) -> pd.DataFrame:
        """Return the rows of the log about an alert, oldest first: seq, time, subject, action, who, details, hash."""
        self.get(alert)
        return log.entries(self.database, subject=f"alert:{alert}").iloc[::-1].reset_index(drop=True)

    def remarks(self, alert: int) -> pd.DataFrame:
        """Return what people wrote about an alert, the newest first: time, subject, action, who, text."""
        self.get(alert)
        return remarks_of(self.database, [f"alert:{alert}"])

    # ---- raising

    def raise_anomalies(self, channel: xr.Dataset, scored: xr.Dataset, anomalies: pd.DataFrame) -> AlertReport:
        """Raise or update the alerts of a channel's anomalies; alerts whose anomaly is gone return to normal.

        Parameters
        ----------
        channel : xarray.Dataset
            Test split.
        scored : xarray.Dataset
            Its score, as `Session.score` gives it.
        anomalies : pandas.DataFrame
            start, end (samples of the test series, both inclusive), severity, level.

        Returns
        -------
        AlertReport
        """
        self.place_in(channel)
        looked_at = (str(channel.attrs["channel"]), "model")
        findings = self.known.recogniser().recognise(channel, anomaly_findings(channel, scored, anomalies))
        return self.raise_findings([looked_at], findings)

    def raise_limits(self, channel: xr.Dataset, limits: Limits) -> AlertReport:
        """Raise or update the alerts of a channel's stays beyond its limits, unless `limit_alarms` is off.

        Parameters
        ----------
        channel : xarray.Dataset
            Test split.
        limits : Limits
            Of the catalog, in the units of the telemetry.

        Returns
        -------
        AlertReport
        """
        if not self.options.limit_alarms:
            return AlertReport()
        self.place_in(channel)
        looked_at = (str(channel.attrs["channel"]), "limit")
        return self.raise_findings([looked_at], limit_findings(channel, limits, self.options))

    def raise_findings(
        self, looked_at: Iterable[Examined | tuple[str, str]], findings: Sequence[Finding]
    ) -> AlertReport:
        """Raise and update alerts so that they agree with findings; see `raising.raise_findings`."""
        self.expire()
        with self.database.writing() as db:
            return raise_findings(db, looked_at, findings, self.options)

    def unplaced(self) -> set[str]:
        """Return the channels with alerts of the first release whose samples were not looked up in the archive yet."""
        with self.database.reading() as db:
            return unplaced_channels(db)

    def place_in(self, channel: xr.Dataset) -> int:
        """Look up the samples of a channel's alerts of the first release in its series; see `places.place`.

        Parameters
        ----------
        channel : xarray.Dataset
            Test split.

        Returns
        -------
        int
            Number of alerts whose moments are known now.
        """
        name = str(channel.attrs["channel"])
        if name not in self.unplaced():
            return 0
        with self.database.writing() as db:
            n_placed = place(db, name, channel["time"].values)
            assets = set(db.scalars(sa.select(ALERTS.c.asset).where(ALERTS.c.channel == name).distinct()))
            group_alerts(db, assets if n_placed else (), self.options)
            return n_placed

    def tick(self) -> timers.Elapsed:
        """Apply what has become due: end shelves and outages, escalate alerts that nobody acknowledged.

        Returns
        -------
        Elapsed
        """
        with self.database.writing() as db:
            elapsed = timers.expire(db)
            return timers.Elapsed(elapsed.unshelved, elapsed.unsuppressed, timers.escalate(db, self.options))

    def expire(self) -> None:
        """End shelves and outages whose time is over, and the level of known events that are none any more.

        This is done before anything is read or changed.
        """
        with self.database.reading() as db:
            due, are_judged_anew = timers.something_expired(db, self.database.clock()), bool(expired_uses(db))
        if are_judged_anew:
            self.known.expire()
        if due:
            with self.database.writing() as db:
                timers.expire(db)

    # ---- what people do

    def acknowledge(self, alert: int, who: str, comment: str = "", *, version: int | None = None) -> Alert:
        """Acknowledge an alert: somebody has seen it and takes care of it.

        Raises
        ------
        TransitionError
            The alert is acknowledged already, hidden or closed.
        ConflictError
            Somebody changed the alert since `version`.
        """
        return self._change(actions.acknowledge, alert, who, comment=comment, version=version)

    def reset(self, alert: int, who: str, *, version: int | None = None) -> Alert:
        """Clear a latched alert that is back to normal and acknowledged."""
        return self._change(actions.reset, alert, who, version=version)

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
            The reason is empty, not exactly one of `until` and `hours` is passed, or the time is too long.
        TransitionError, ConflictError
            The alert is hidden or closed, or somebody changed it since `version`.
        """
        span = {"until": until, "hours": hours, "longest": self._longest()}
        return self._change(actions.shelve, alert, who, why=why, **span, version=version)

    def unshelve(self, alert: int, who: str, *, version: int | None = None) -> actions.Unshelved:
        """Show a shelved alert again, and return what its shelf hid."""
        with self.database.writing() as db:
            return actions.unshelve(db, alert, who, version)

    def close(self, alert: int, who: str, verdict: str, comment: str = "", *, version: int | None = None) -> Alert:
        """Close an alert with a verdict: true, false alarm, known behaviour, test or unknown.

        The verdicts known behaviour and test teach a known event, which `known` lists.
        """
        closed = self._change(actions.close, alert, who, verdict=verdict, comment=comment, version=version)
        self.known.learn_waiting()
        return closed

    def correct(self, alert: int, who: str, verdict: str, why: str, *, version: int | None = None) -> Alert:
        """Correct the verdict on a closed alert, for a reason; see `workbench.maintenance.alerts.actions.correct`.

        Labels follow the new verdict, and so does what the alert has taught: a known event that only a withdrawn
        verdict had taught is removed, and its open alerts are judged as before.
        """
        corrected = self._change(actions.correct, alert, who, verdict=verdict, why=why, version=version)
        self.known.learn_waiting()
        return corrected

    def comment(self, alert: int, who: str, text: str) -> Alert:
        """Add a remark to the alert's history; `Alert.comment` is the last one."""
        return self._change(actions.comment, alert, who, text=text)

    def each(self, action: str, alerts: Iterable[int], who: str, **options: Any) -> pd.DataFrame:
        """Apply one action to many alerts in one transaction; one that refuses does not stop the others.

        Known events stay open where others are closed as true with them; see `known.uses.spared_alerts`.

        Parameters
        ----------
        action : str
            acknowledge, reset, shelve, unshelve, close, comment, correct, or undo, which reverses what the person did
            to an alert last; its option `done`, acknowledge, shelve or close, undoes nothing else.
        alerts : iterable of int
            Numbers of the alerts.
        who : str
            Person or program that does it, for the log.
        **options
            Options of the action, for example `verdict="test"`; and `versions`, a mapping from the number of an
            alert to the version that the user saw.

        Returns
        -------
        pandas.DataFrame
            alert, done (bool) and reason (empty where it is done).
        """
        check_choice("action", action, tuple(_ACTIONS))
        if action == "shelve":
            options["longest"] = self._longest()
        versions: Mapping[int, int] = options.pop("versions", {})
        rows = []
        numbers = list(alerts)
        self.expire()
        with self.database.writing() as db:
            spared = spared_alerts(db, numbers, options["verdict"]) if action == "close" else {}
            for alert in numbers:
                reason = ""
                seen_version = {"version": versions[alert]} if alert in versions else {}
                try:
                    if alert in spared:
                        raise TransitionError(spared[alert])
                    with db.begin_nested():
                        _ACTIONS[action](db, alert, who, **options, **seen_version)
                except MaintenanceError as error:
                    reason = str(error)
                rows.append((alert, not reason, reason))
            if action in ("close", "correct"):
                self._judged(db, [alert for alert, done, _ in rows if done], who)
        if action in ("close", "correct"):
            self.known.learn_waiting()
        return pd.DataFrame(rows, columns=["alert", "done", "reason"])

    # ---- verdicts

    def judged(self) -> pd.DataFrame:
        """Return the alerts of models that were closed with a verdict; see `verdicts.judged_alerts`."""
        return judged_alerts(self.database, series=self._series)

    def labels(self) -> dict[str, pd.DataFrame]:
        """Return the verdicts as a label table for each channel; see `verdicts.verdict_labels`."""
        return verdict_labels(self.database, self._series)

    def spans(self, channels: Iterable[str]) -> pd.DataFrame:
        """Return where the alerts of models lie in some channels: channel, start, end (rows, inclusive), verdict."""
        return model_alerts(self.database, channels, self._series)

    def threshold_effect(self, anomalies: Mapping[str, pd.DataFrame]) -> ThresholdEffect:
        """Return which judged alerts other parameters would not have raised.

        Parameters
        ----------
        anomalies : mapping of str to pandas.DataFrame
            Anomalies (start, end, level) under the other parameters, by channel. Channels that are not in it are
            left out.

        Returns
        -------
        ThresholdEffect
        """
        alert_anomalies = {
            channel: would_raise(channel_anomalies, self.options) for channel, channel_anomalies in anomalies.items()
        }
        judged = judged_alerts(self.database, alert_anomalies, self._series)
        alerts = model_alerts(self.database, alert_anomalies, self._series)
        return threshold_effect(judged, alerts, alert_anomalies)

    def would_raise(self, anomalies: pd.DataFrame) -> pd.DataFrame:
        """Return the anomalies (start, end, level) that are long and severe enough for an alert."""
        return would_raise(anomalies, self.options)

    # ---- internals

    def _change(self, action: Callable[..., AlertRow], alert: int, who: str, **options: Any) -> Alert:
        self.expire()
        with self.database.writing() as db:
            row = action(db, alert, who, **options)
            db.flush()
            if action in (actions.close, actions.correct):
                self._judged(db, [alert], who)
            return Alert.of(row)

    def _judged(self, db: orm.Session, alerts: Sequence[int], who: str) -> None:
        if self._after_closing is not None and alerts:
            db.flush()
            self._after_closing(db, alerts, who)

    def _longest(self) -> timedelta:
        return timedelta(hours=self.options.longest_shelf_hours)
