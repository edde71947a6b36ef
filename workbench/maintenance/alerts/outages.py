"""Assets out of service: their alerts are raised, but suppressed until the asset is back."""

from collections.abc import Callable, Collection
from datetime import datetime

import pandas as pd
import sqlalchemy as sa
from sqlalchemy import orm

from workbench.exceptions import MaintenanceError, TransitionError
from workbench.maintenance import log
from workbench.maintenance.alerts.actions import announce, log_change
from workbench.maintenance.alerts.table import OPEN, AlertRow, OutageRow
from workbench.maintenance.database import Database, UtcDateTime, frame, now
from workbench.maintenance.values import known_asset, time_in_range

__all__ = ["Outages", "end_outage", "is_out"]


class Outages:
    """Take assets out of service and back.

    Parameters
    ----------
    database : Database
        Database of maintenance.
    assets : callable, optional
        Returns the names of all assets; any name is taken where it is omitted.
    """

    def __init__(self, database: Database, assets: Callable[[], Collection[str]] | None = None) -> None:
        self.database = database
        self._assets = assets

    def start(self, asset: str, who: str, why: str, until: datetime | None = None) -> int:
        """Take an asset out of service: its open alerts, and those raised from now on, are suppressed.

        Parameters
        ----------
        asset : str
            Name of the asset.
        who : str
            Person or program that does it, for the log.
        why : str
            Reason, not empty; the next shift reads it.
        until : datetime, optional
            Time at which it ends by itself, aware; it lasts until somebody ends it where omitted.

        Returns
        -------
        int
            Number of the outage.

        Raises
        ------
        MaintenanceError
            Asset or reason is empty, the asset is unknown, or `until` has passed.
        TransitionError
            The asset is out of service already.
        """
        if not asset.strip() or not why.strip():
            raise MaintenanceError("The asset or the reason of the outage is empty.", "Enter both.")
        asset = known_asset(asset, self._assets)
        with self.database.writing() as db:
            if is_out(db, asset):
                raise TransitionError(f"{asset} is out of service already.", "End that outage first.")
            if until is not None and time_in_range("the end of an outage", until) <= now(db):
                raise MaintenanceError(f"The outage would end in the past, at {until}.", "Enter a later time.")
            row = OutageRow(asset=asset, who=who.strip(), why=why.strip(), since=now(db), until=until)
            db.add(row)
            db.flush()
            log.append(db, f"outage:{row.id}", "started", who, {"asset": asset, "why": why.strip(), "until": until})
            open_ones = sa.select(AlertRow).where(AlertRow.asset == asset, AlertRow.state.in_(OPEN))
            for alert in db.scalars(open_ones.order_by(AlertRow.id)).all():
                alert.suppressed = True
                log_change(db, alert, "suppressed", who, {"outage": row.id})
            return row.id

    def end(self, asset: str, who: str) -> tuple[int, ...]:
        """Put an asset back into service.

        Returns
        -------
        tuple of int
            Its open alerts, which are shown again.

        Raises
        ------
        TransitionError
            The asset is in service.
        """
        with self.database.writing() as db:
            row = db.scalars(_standing().where(OutageRow.asset == asset)).first()
            if row is None:
                raise TransitionError(f"{asset} is not out of service.", "Check the name of the asset.")
            return end_outage(db, row, who)

    def list(self) -> pd.DataFrame:
        """Return all outages, newest first: id, asset, since, until, ended_at, who, why."""
        columns = [getattr(OutageRow, name) for name in ("id", "asset", "since", "until", "ended_at", "who", "why")]
        with self.database.reading() as db:
            return frame(db, sa.select(*columns).order_by(OutageRow.id.desc()))


def is_out(db: orm.Session, asset: str) -> bool:
    """Return whether an asset is out of service at the time of the transaction."""
    return db.connection().execute(_OUT, {"asset": asset, "present": now(db)}).first() is not None


def end_outage(db: orm.Session, row: OutageRow, who: str) -> tuple[int, ...]:
    """End an outage inside a writing transaction, and return the alerts that are shown again.

    It ends at the time that was set for it, however much later somebody looks.
    """
    row.ended_at = now(db) if row.until is None else min(row.until, now(db))
    log.append(db, f"outage:{row.id}", "ended", who, {"asset": row.asset})
    alerts = db.scalars(
        sa.select(AlertRow).where(AlertRow.asset == row.asset, AlertRow.state == "suppressed").order_by(AlertRow.id)
    ).all()
    for alert in alerts:
        alert.suppressed = False
        if alert.shelf is None and not alert.acknowledged:
            announce(db, alert)
        log_change(db, alert, "unsuppressed", who, {"outage": row.id})
    return tuple(alert.id for alert in alerts)


_OUT = sa.select(OutageRow.id).where(
    OutageRow.ended_at.is_(None),
    OutageRow.asset == sa.bindparam("asset"),
    sa.or_(OutageRow.until.is_(None), OutageRow.until > sa.bindparam("present", type_=UtcDateTime)),
)


def _standing() -> sa.Select[OutageRow]:
    return sa.select(OutageRow).where(OutageRow.ended_at.is_(None))
