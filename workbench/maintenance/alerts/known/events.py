"""Known events: the list of nominal events that people have named, and all that can be done to them.

A verdict "known behaviour" or "test" on an alert of a model teaches an event: its telemetry with some context, and the
commands around it, are kept. Anomalies that come later and are near enough, of the same size and with the same commands
are alerts of the lowest level, which open no work order. Every change is written to the maintenance log.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
import sqlalchemy as sa
import xarray as xr
from sqlalchemy import orm

from workbench.counts import counted
from workbench.detection.known_events import normal_distance, take_shape
from workbench.exceptions import ArchiveError, ChannelNotFoundError, DetectionError, MaintenanceError
from workbench.maintenance import log
from workbench.maintenance.alerts.actions import PROGRAM, find
from workbench.maintenance.alerts.known.lessons import add_repetition, new_event
from workbench.maintenance.alerts.known.recognising import (
    Recogniser,
    effective_bound,
    expired_uses,
    judge_as_before,
    recogniser_of,
    refused_distances,
)
from workbench.maintenance.alerts.known.stored_shapes import bound_of_shapes, read_shape, store_shape
from workbench.maintenance.alerts.known.table import (
    TEACHING_VERDICTS,
    KnownEventRow,
    KnownMatch,
    KnownShapeRow,
    KnownUseRow,
)
from workbench.maintenance.alerts.places import rows_of
from workbench.maintenance.alerts.table import AlertRow
from workbench.maintenance.database import Database, frame, now
from workbench.maintenance.options import AlertOptions
from workbench.maintenance.values import number_in_range, required_text, row_number

__all__ = ["KnownEvent", "KnownEvents", "Splits"]

Splits: TypeAlias = Callable[[str, str], xr.Dataset]
"""Opens one split, `train` or `test`, of a channel of the archive."""

_MAX_DISTANCE = 2.0
_MAX_NAME = 200


@dataclass(frozen=True)
class KnownEvent:
    """One known event as it was when it was read.

    Attributes
    ----------
    id, version : int
        Number of the event, and how often it was changed (beginning with 1).
    channel, asset, name : str
        Where it happens, and what people call it.
    state : str
        `active`; `disabled` by a person; `waiting` while its telemetry is not in the archive; `unusable` where it has
        no shape that could be recognised.
    repetitions : int
        Number of its occurrences whose shape is kept.
    samples : int
        Samples of the longest shape, with its context.
    bound : float or None
        Largest distance at which an anomaly is this event; None where there is no shape.
    bound_from : str
        What the bound comes from: `set by a person` or the number of repetitions.
    applied : int
        Number of alerts that were recognised as this event.
    last_applied : datetime or None
        Time of the last of them.
    created_at : datetime
        When it was taught.
    created_by : str
        Person who taught it.
    reason : str
        Why a shape could not be kept; empty where all are.
    """

    id: int
    version: int
    channel: str
    asset: str
    name: str
    state: str
    repetitions: int
    samples: int
    bound: float | None
    bound_from: str
    applied: int
    last_applied: datetime | None
    created_at: datetime
    created_by: str
    reason: str


_COLUMNS = [field.name for field in fields(KnownEvent)]


class KnownEvents:
    """List of the known events of a fleet, and all that can be done to them.

    Parameters
    ----------
    database : Database
        Database of maintenance.
    options : AlertOptions, optional
        Latching levels, for alerts that are no known event any more; the defaults where omitted.
    splits : callable, optional
        Opens a split of a channel; where omitted, events wait for their shapes.
    """

    def __init__(self, database: Database, options: AlertOptions | None = None, splits: Splits | None = None) -> None:
        self.database = database
        self._options = options or AlertOptions()
        self._splits = splits

    # ---- reading

    def list(self, channel: str | None = None) -> pd.DataFrame:
        """Return the known events, by channel and name.

        Parameters
        ----------
        channel : str, optional
            Only events of this channel.

        Returns
        -------
        pandas.DataFrame
            One row for each event, with the columns of `KnownEvent`.
        """
        self.learn_waiting()
        with self.database.reading() as db:
            events = _read(db, channel)
        table = pd.DataFrame([vars(event) for event in events], columns=_COLUMNS)
        times = dict.fromkeys(("last_applied", "created_at"), "datetime64[us, UTC]")
        return table.astype({"bound": "float64", **times})

    def get(self, event: int) -> KnownEvent:
        """Return one event as it is.

        Raises
        ------
        MaintenanceError
            There is no such event, or it was removed.
        """
        self.learn_waiting()
        with self.database.reading() as db:
            row = _find(db, event)
            return next(one for one in _read(db, row.channel) if one.id == row.id)

    def shapes(self, event: int) -> pd.DataFrame:
        """Return the shapes of an event, the first that was taught first.

        Returns
        -------
        pandas.DataFrame
            alert that taught it, state, reason, samples, units, normal_distance (missing where normal telemetry holds
            nothing comparable), and telemetry, an array with its context.
        """
        self.learn_waiting()
        with self.database.reading() as db:
            _find(db, event)
            rows = db.scalars(
                sa.select(KnownShapeRow).where(KnownShapeRow.event == event).order_by(KnownShapeRow.id)
            ).all()
            values = [
                (row.alert, row.state, row.reason, shape.size, row.units or "", row.normal_distance, shape.telemetry)
                for row, shape in ((row, read_shape(row)) for row in rows)
            ]
        columns = ["alert", "state", "reason", "samples", "units", "normal_distance", "telemetry"]
        return pd.DataFrame(values, columns=columns).astype({"normal_distance": "float64"})

    def uses(self, event: int) -> pd.DataFrame:
        """Return the alerts that were recognised as an event, the newest first.

        Returns
        -------
        pandas.DataFrame
            alert, time, distance, bound, level (that the alert would have otherwise), state and verdict of the alert.
        """
        u = KnownUseRow
        statement: Any = (
            sa.select(u.alert, u.time, u.distance, u.bound, u.level, AlertRow.state, AlertRow.verdict)
            .join(AlertRow, AlertRow.id == u.alert)
            .where(u.event == row_number(event))
            .order_by(u.time.desc(), u.alert.desc())
        )
        with self.database.reading() as db:
            _find(db, event)
            return frame(db, statement)

    def event_of(self, alert: int) -> int | None:
        """Return the number of the event as which an alert was recognised, or that it taught; None where there is none.

        An event that was removed is none.
        """
        with self.database.reading() as db:
            for table in (KnownUseRow, KnownShapeRow):
                statement = (
                    sa.select(KnownEventRow.id)
                    .join(table, table.event == KnownEventRow.id)
                    .where(table.alert == row_number(alert), KnownEventRow.removed_at.is_(None))
                )
                number: int | None = db.scalar(statement)
                if number is not None:
                    return number
        return None

    def match_of(self, alert: int) -> KnownMatch | None:
        """Return the known event as which an alert was recognised, by its present name; None where there is none."""
        u, e = KnownUseRow, KnownEventRow
        statement = (
            sa.select(e.id, e.name, u.distance, u.bound, u.level, u.message)
            .join(u, u.event == e.id)
            .where(u.alert == row_number(alert), e.removed_at.is_(None))
        )
        with self.database.reading() as db:
            row = db.execute(statement).one_or_none()
        return None if row is None else KnownMatch(*row)

    def history(self, event: int) -> pd.DataFrame:
        """Return the rows of the log about an event, oldest first: seq, time, subject, action, who, details, hash."""
        return log.entries(self.database, subject=f"known:{event}").iloc[::-1].reset_index(drop=True)

    def recogniser(self) -> Recogniser:
        """Return what recognises the events in findings, with all that was taught so far."""
        self.learn_waiting()
        with self.database.reading() as db:
            return recogniser_of(db)

    def expire(self) -> None:
        """Set the open alerts that are a known event no longer back to their own level.

        A verdict narrows the bound of an event, or withdraws the only shape of it.
        """
        with self.database.reading() as db:
            due = expired_uses(db)
        if due:
            with self.database.writing() as db:
                judge_as_before(db, self._options)

    # ---- learning

    def learn(self, alert: int, who: str, *, event: int | None = None, name: str = "") -> KnownEvent:
        """Teach a closed alert as a known event, or as one more repetition of one.

        Parameters
        ----------
        alert : int
            Number of an alert that was closed as known behaviour or test.
        who : str
            Person who does it, for the log.
        event : int, optional
            Event of the same channel of which it is a repetition; a new one where omitted.
        name : str
            Name of a new event; the comment on the alert where omitted.

        Raises
        ------
        MaintenanceError
            The alert is open, has another verdict, is of a limit or of another channel than the event, or was taught
            before.
        """
        with self.database.writing() as db:
            row = _teachable(db, alert)
            target = new_event(db, row, who, name) if event is None else _find(db, event)
            if target.channel != row.channel:
                raise MaintenanceError(
                    f"Alert {alert} is of {row.channel}, the event {target.name} of {target.channel}.",
                    "An event belongs to one channel.",
                )
            add_repetition(db, target, row, who)
            number = target.id
        return self.get(number)

    def learn_waiting(self) -> int:
        """Read the shapes that verdicts have taught and that are not stored yet.

        Returns
        -------
        int
            Number of shapes that were read. A shape whose telemetry the archive does not hold waits.
        """
        if self._splits is None:
            return 0
        with self.database.reading() as db:
            waiting = db.execute(
                sa.select(KnownShapeRow.id, AlertRow)
                .join(AlertRow, AlertRow.id == KnownShapeRow.alert)
                .where(KnownShapeRow.state == "waiting")
                .order_by(KnownShapeRow.id)
            )
            alerts = {shape: (row.channel, vars(row).copy()) for shape, row in waiting}
        return sum(self._read_shape(shape, channel, alert) for shape, (channel, alert) in alerts.items())

    # ---- what people do

    def rename(self, event: int, who: str, name: str, *, version: int | None = None) -> KnownEvent:
        """Change the name of an event; alerts that were recognised before keep their message."""
        text = required_text("the name of the event", name)[:_MAX_NAME]
        return self._change(event, who, "renamed", version, name=text)

    def set_bound(self, event: int, who: str, bound: float | None, *, version: int | None = None) -> KnownEvent:
        """Set the largest distance at which an anomaly is the event; None goes back to the learnt bound.

        Open alerts beyond a smaller bound are judged as before at once. A larger one counts from when alerts are raised
        next.

        Raises
        ------
        MaintenanceError
            The bound is not above 0, or larger than 2, the greatest distance that there is.
        """
        value = None if bound is None else number_in_range("the bound", bound, _MAX_DISTANCE, above=True)
        return self._change(event, who, "bound set", version, chosen_bound=value)

    def disable(self, event: int, who: str, *, version: int | None = None) -> KnownEvent:
        """Stop applying an event; its open alerts are judged as before at once."""
        return self._change(event, who, "disabled", version, enabled=False)

    def enable(self, event: int, who: str, *, version: int | None = None) -> KnownEvent:
        """Apply an event again, from when alerts are raised next."""
        return self._change(event, who, "enabled", version, enabled=True)

    def remove(self, event: int, who: str, *, version: int | None = None) -> None:
        """Remove an event for good; its open alerts are judged as before at once. Its history stays in the log."""
        with self.database.writing() as db:
            row = _find(db, event, version)
            row.removed_at = now(db)
            db.execute(sa.delete(KnownShapeRow).where(KnownShapeRow.event == row.id))
            taken_back = judge_as_before(db, self._options)
            log.append(db, f"known:{row.id}", "removed", who, {"name": row.name, "alerts": taken_back})

    # ---- internals

    def _change(self, event: int, who: str, action: str, version: int | None, **values: Any) -> KnownEvent:
        with self.database.writing() as db:
            row = _find(db, event, version)
            before = {name: getattr(row, name) for name in values}
            for name, value in values.items():
                setattr(row, name, value)
            taken_back = judge_as_before(db, self._options)
            details = {**values, "before": before, **({"alerts": taken_back} if taken_back else {})}
            log.append(db, f"known:{row.id}", action, who, details)
        return self.get(event)

    def _read_shape(self, number: int, channel: str, alert: dict[str, Any]) -> bool:
        """Read and store one shape, and return whether its telemetry was there."""
        assert self._splits is not None  # for mypy: `learn_waiting` has looked
        try:
            series = self._splits(channel, "test")
            rows = rows_of(alert, series["time"].values)
            if rows is None:
                return False
            shape, reason = take_shape(series, *rows), ""
            normal = normal_distance(shape, self._splits(channel, "train")["telemetry"])
        except (ArchiveError, ChannelNotFoundError):
            return False
        except DetectionError as error:
            shape, reason, normal = None, str(error), float("inf")
        with self.database.writing() as db:
            row = db.get(KnownShapeRow, number)
            if row is None or row.state != "waiting":
                return False
            event = db.get_one(KnownEventRow, row.event)
            if shape is None:
                row.state, row.reason = "unusable", reason
                details: dict[str, Any] = {"alert": row.alert, "why": reason}
            else:
                store_shape(row, shape, series, normal)
                db.flush()
                event.learnt_bound = bound = bound_of_shapes(db, event.id)
                details = {"alert": row.alert, "samples": shape.size, "bound": bound}
            log.append(db, f"known:{event.id}", "not learnt" if reason else "learnt", PROGRAM, details)
        return True


def _find(db: orm.Session, event: int, version: int | None = None) -> KnownEventRow:
    row = db.get(KnownEventRow, row_number(event))
    if row is None or row.removed_at is not None:
        was = "There is no known event" if row is None else "There is no longer a known event"
        raise MaintenanceError(f"{was} {event}.", "See: workbench known list.")
    log.check_version(db, f"known:{row.id}", row.version, version)
    return row


def _teachable(db: orm.Session, alert: int) -> AlertRow:
    row = find(db, alert)
    if row.kind == "limit":
        raise MaintenanceError(
            f"Alert {alert} is of a limit and teaches no known event.", "Change the limit in the catalog."
        )
    if row.kind != "model":
        raise MaintenanceError(
            f"Alert {alert} is of an asset as a whole and teaches no known event.", "Teach the alerts of its channels."
        )
    if row.verdict not in TEACHING_VERDICTS:
        state = "open" if row.closed_at is None else f"closed as {row.verdict}"
        raise MaintenanceError(
            f"Alert {alert} is {state} and teaches no known event.",
            f"Only alerts that were closed as {' or '.join(TEACHING_VERDICTS)} do.",
        )
    shape = db.scalars(sa.select(KnownShapeRow).where(KnownShapeRow.alert == row.id)).first()
    if shape is not None:
        raise MaintenanceError(f"Alert {alert} is a repetition of known event {shape.event} already.")
    return row


def _read(db: orm.Session, channel: str | None) -> "list[KnownEvent]":
    statement = sa.select(KnownEventRow).where(KnownEventRow.removed_at.is_(None))
    if channel is not None:
        statement = statement.where(KnownEventRow.channel == channel)
    rows = db.scalars(statement.order_by(KnownEventRow.channel, KnownEventRow.name, KnownEventRow.id)).all()
    shapes: dict[int, list[Any]] = {}
    s = KnownShapeRow
    columns = (s.event, s.state, s.reason, sa.func.coalesce(sa.func.length(s.telemetry), 0).label("bytes"))
    for shape in db.execute(sa.select(*columns).order_by(s.id)):
        shapes.setdefault(shape.event, []).append(shape)
    used = sa.select(KnownUseRow.event, sa.func.count(), sa.func.max(KnownUseRow.time)).group_by(KnownUseRow.event)
    uses = {event: (count, last) for event, count, last in db.execute(used)}
    refused = refused_distances(db)
    return [_event(row, shapes.get(row.id, []), uses.get(row.id, (0, None)), refused.get(row.id)) for row in rows]


def _event(
    row: KnownEventRow, shapes: Iterable[Any], uses: tuple[int, datetime | None], refused: float | None
) -> KnownEvent:
    learnt = [shape for shape in shapes if shape.state == "learnt"]
    waits = any(shape.state == "waiting" for shape in shapes)
    state = "active" if learnt else "waiting" if waits else "unusable"
    return KnownEvent(
        row.id,
        row.version,
        row.channel,
        row.asset,
        row.name,
        state if row.enabled else "disabled",
        len(learnt),
        max((shape.bytes // np.dtype(np.float64).itemsize for shape in learnt), default=0),
        effective_bound(row, refused) if learnt else None,
        "set by a person" if row.chosen_bound is not None else counted(len(learnt), "repetition"),
        *uses,
        row.created_at,
        row.created_by,
        " ".join(shape.reason for shape in shapes if shape.reason),
    )
