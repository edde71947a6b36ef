"""The table of alerts, their states, and which action each state allows.

After ISA-18.2 [1]_ (section 5.2, figure 2): whether an alert is active and whether it is acknowledged are two
independent facts; latched, shelved and suppressed (by design, or while its asset is out of service) come on top.
Closing, with a verdict, is ours.

References
----------
.. [1] ANSI/ISA-18.2-2016, Management of Alarm Systems for the Process Industries; IEC 62682:2022.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, ClassVar, Self, cast

import sqlalchemy as sa
from sqlalchemy import orm
from sqlalchemy.engine.interfaces import Dialect

from workbench.exceptions import MaintenanceError
from workbench.maintenance.changes import Recorded
from workbench.maintenance.database import Base, UtcDateTime, Versioned
from workbench.parameters import LEVELS

__all__ = [
    "ALERTS",
    "ALERT_COLUMNS",
    "ALLOWED",
    "ANNUNCIATIONS",
    "CASES",
    "CHANNEL_REMOVED",
    "EVIDENCE_AT",
    "KINDS",
    "LIVE_ASSET",
    "OF_LIVE",
    "OPEN",
    "SHOWN",
    "STATES",
    "STATE_WORDS",
    "VERDICTS",
    "Alert",
    "AlertRow",
    "AnnunciationRow",
    "CaseRow",
    "OutageRow",
    "name_of_verdict",
    "state_of",
    "state_words",
]

KINDS = ("model", "limit", "asset", "silence", "clock")
"""Kinds of alerts: from the error of a forecaster, from a limit of the catalog, from the model of a whole asset, from
live telemetry that does not come any more, or that comes with wrong times.

The channel of the third is the asset's name; that of a silence is the name of a source where none of its channels send.
"""

OF_LIVE = KINDS[3:]
"""Kinds of alerts that live telemetry raises and closes: about what sends, not about what an asset does."""

STATES = (
    "unacknowledged",  # the condition holds, nobody has acknowledged
    "acknowledged",  # the condition holds
    "returned",  # back to normal, nobody has acknowledged
    "cleared",  # back to normal and acknowledged
    "latched",  # back to normal, stays active until reset; nobody has acknowledged
    "latched_acknowledged",  # the same, acknowledged: can be reset
    "shelved",
    "suppressed",
    "closed",
)
OPEN = STATES[:-1]
"""States of an alert that is not closed."""
SHOWN = STATES[:6]
"""Open states that an operator's list shows."""

LIVE_ASSET = "Live telemetry"
"""Asset of the alerts on what sends live telemetry, which belongs to none."""

CHANNEL_REMOVED = "Its channel was removed from the archive."
"""Comment on an alert that was closed, as unknown, because its channel was removed: nobody has judged it."""

VERDICTS = ("true", "false alarm", "known behaviour", "test", "unknown")
"""What an alert turned out to be."""

ALLOWED: dict[str, tuple[str, ...]] = {
    "acknowledge": ("unacknowledged", "returned", "latched"),
    "reset": ("latched_acknowledged",),
    "shelve": SHOWN,
    "unshelve": ("shelved",),
    "close": OPEN,
    "correct": ("closed",),
}
"""States in which a person may do what; those of `acknowledge` are the states that wait for acknowledgement."""


class LevelName(sa.types.TypeDecorator[str]):
    """Column type of a severity level, stored as its rank (0 info to 4 critical), so that databases can compare."""

    impl = sa.SmallInteger
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> int | None:
        """Return the rank of a level."""
        del dialect
        if value is not None and value not in LEVELS:
            raise MaintenanceError(f"{value!r} is not a level of alerts.", f"Known: {', '.join(LEVELS)}.")
        return None if value is None else LEVELS.index(value)

    def process_result_value(self, value: int | None, dialect: Dialect) -> str | None:
        """Return the level of a rank."""
        del dialect
        return None if value is None else LEVELS[value]


class CaseRow(Base):
    """Row of one case: alerts of one asset that belong together; what it is like follows from its alerts."""

    __tablename__ = "cases"

    id: orm.Mapped[int] = orm.mapped_column(sa.Integer, primary_key=True, autoincrement=False)
    asset: orm.Mapped[str] = orm.mapped_column(sa.String(200), index=True)
    opened_at: orm.Mapped[datetime] = orm.mapped_column(UtcDateTime)
    joined_to: orm.Mapped[int | None] = orm.mapped_column(sa.ForeignKey("cases.id"), index=True)


class AlertRow(Recorded, Versioned, Base):
    """Row of one alert; `Alert` describes the columns."""

    __tablename__ = "alerts"
    unrecorded: ClassVar[tuple[str, ...]] = (  # where it lies in an export, and the group of the first release
        "version",
        "start_sample",
        "end_sample",
        "clock",
        "first_at",
        "last_at",
        "evidence_at",
        "group_id",
    )

    id: orm.Mapped[int] = orm.mapped_column(sa.Integer, primary_key=True)
    channel: orm.Mapped[str] = orm.mapped_column(sa.String(200))
    asset: orm.Mapped[str] = orm.mapped_column(sa.String(200))
    subsystem: orm.Mapped[str] = orm.mapped_column(sa.String(200))
    kind: orm.Mapped[str] = orm.mapped_column(sa.String(10))
    start_sample: orm.Mapped[int] = orm.mapped_column(sa.BigInteger)
    end_sample: orm.Mapped[int] = orm.mapped_column(sa.BigInteger)
    start_time: orm.Mapped[datetime | None] = orm.mapped_column(UtcDateTime)
    end_time: orm.Mapped[datetime | None] = orm.mapped_column(UtcDateTime)
    clock: orm.Mapped[str] = orm.mapped_column(sa.String(12), server_default="row")
    first_at: orm.Mapped[int] = orm.mapped_column(sa.BigInteger, server_default="0")
    last_at: orm.Mapped[int] = orm.mapped_column(sa.BigInteger, server_default="0")
    evidence_at: orm.Mapped[int | None] = orm.mapped_column(sa.BigInteger)
    level: orm.Mapped[str] = orm.mapped_column(LevelName)
    severity: orm.Mapped[float | None] = orm.mapped_column(sa.Double)
    value: orm.Mapped[float | None] = orm.mapped_column(sa.Double)
    threshold: orm.Mapped[float | None] = orm.mapped_column(sa.Double)
    units: orm.Mapped[str] = orm.mapped_column(sa.String(40))
    source: orm.Mapped[str] = orm.mapped_column(sa.String(200))
    message: orm.Mapped[str] = orm.mapped_column(sa.Text)
    contributions: orm.Mapped[str] = orm.mapped_column(sa.Text, default="", server_default="")
    state: orm.Mapped[str] = orm.mapped_column(sa.String(20))
    condition: orm.Mapped[bool] = orm.mapped_column(sa.Boolean)
    active: orm.Mapped[bool] = orm.mapped_column(sa.Boolean)
    acknowledged: orm.Mapped[bool] = orm.mapped_column(sa.Boolean)
    latching: orm.Mapped[bool] = orm.mapped_column(sa.Boolean)
    suppressed: orm.Mapped[bool] = orm.mapped_column(sa.Boolean)
    raised_at: orm.Mapped[datetime] = orm.mapped_column(UtcDateTime)
    annunciated_at: orm.Mapped[datetime | None] = orm.mapped_column(UtcDateTime)
    acknowledged_at: orm.Mapped[datetime | None] = orm.mapped_column(UtcDateTime)
    acknowledged_by: orm.Mapped[str | None] = orm.mapped_column(sa.String(200))
    cleared_at: orm.Mapped[datetime | None] = orm.mapped_column(UtcDateTime)
    escalated_at: orm.Mapped[datetime | None] = orm.mapped_column(UtcDateTime)
    shelf: orm.Mapped[int | None] = orm.mapped_column(sa.ForeignKey("alerts.id"))
    shelved_at: orm.Mapped[datetime | None] = orm.mapped_column(UtcDateTime)
    shelved_by: orm.Mapped[str | None] = orm.mapped_column(sa.String(200))
    shelved_why: orm.Mapped[str | None] = orm.mapped_column(sa.Text)
    shelved_until: orm.Mapped[datetime | None] = orm.mapped_column(UtcDateTime)
    group_id: orm.Mapped[int | None] = orm.mapped_column(sa.ForeignKey("alerts.id"))  # of releases without cases
    case_id: orm.Mapped[int | None] = orm.mapped_column(sa.ForeignKey("cases.id"))
    closed_at: orm.Mapped[datetime | None] = orm.mapped_column(UtcDateTime)
    closed_by: orm.Mapped[str | None] = orm.mapped_column(sa.String(200))
    verdict: orm.Mapped[str | None] = orm.mapped_column(sa.String(20))
    comment: orm.Mapped[str] = orm.mapped_column(sa.Text)

    __table_args__ = (
        sa.Index("ix_alerts_moments", "channel", "kind", "clock", "first_at"),
        sa.Index("ix_alerts_raised", "raised_at"),
        sa.Index("ix_alerts_state", "state", "raised_at"),
        sa.Index("ix_alerts_asset", "asset", "raised_at"),
        sa.Index("ix_alerts_level", "level", "raised_at"),
        sa.Index("ix_alerts_start", "asset", "start_time"),
        sa.Index("ix_alerts_group", "group_id"),
        sa.Index("ix_alerts_case", "case_id"),
        sa.Index("ix_alerts_shelf", "shelf"),
        sa.Index("ix_alerts_shelved", "shelved_until"),
        sa.Index("ix_alerts_verdict", "verdict", "raised_at"),
    )

    @property
    def log_subject(self) -> str:
        """Subject of the rows of the log that tell of this alert."""
        return f"alert:{self.id}"


class AnnunciationRow(Base):
    """Record that an alert was shown to operators anew: raised, risen, come back, or no longer hidden."""

    __tablename__ = "annunciations"

    id: orm.Mapped[int] = orm.mapped_column(sa.Integer, primary_key=True)
    alert: orm.Mapped[int] = orm.mapped_column(sa.ForeignKey("alerts.id"))
    time: orm.Mapped[datetime] = orm.mapped_column(UtcDateTime)
    channel: orm.Mapped[str] = orm.mapped_column(sa.String(200))
    kind: orm.Mapped[str] = orm.mapped_column(sa.String(10))
    level: orm.Mapped[str] = orm.mapped_column(LevelName)

    __table_args__ = (
        sa.Index("ix_annunciations_time", "time"),
        sa.Index("ix_annunciations_channel", "channel", "kind", "level", "time"),
    )


class OutageRow(Recorded, Versioned, Base):
    """Record that an asset is out of service; its alerts are suppressed until it is back."""

    __tablename__ = "outages"

    id: orm.Mapped[int] = orm.mapped_column(sa.Integer, primary_key=True)
    asset: orm.Mapped[str] = orm.mapped_column(sa.String(200), index=True)
    since: orm.Mapped[datetime] = orm.mapped_column(UtcDateTime)
    until: orm.Mapped[datetime | None] = orm.mapped_column(UtcDateTime)
    who: orm.Mapped[str] = orm.mapped_column(sa.String(200))
    why: orm.Mapped[str] = orm.mapped_column(sa.Text)
    ended_at: orm.Mapped[datetime | None] = orm.mapped_column(UtcDateTime)

    @property
    def log_subject(self) -> str:
        """Subject of the rows of the log that tell of this outage."""
        return f"outage:{self.id}"


ALERTS = cast(sa.Table, AlertRow.__table__)
CASES = cast(sa.Table, CaseRow.__table__)
ANNUNCIATIONS = cast(sa.Table, AnnunciationRow.__table__)
EVIDENCE_AT = sa.func.coalesce(ALERTS.c.evidence_at, ALERTS.c.first_at).label("evidence_at")
"""Moment of the first evidence of an alert, or of its beginning where that is not known."""


@dataclass(frozen=True)
class Alert:
    """One alert as it was when it was read.

    Attributes
    ----------
    id, version : int
        Number of the alert, and how often it was changed (beginning with 1).
    channel, asset, subsystem, kind : str
        Where it was found, and by what: `kind` is one of `KINDS`.
    start_sample, end_sample : int
        Rows of its first and last sample in the test series in which these were found, both inclusive; only to be
        shown. The rows in the series as it is now are those of `places.rows_of`.
    start_time, end_time : datetime or None
        Times of its first and last sample; None where the channel has no dates.
    clock : str
        What `first_at` and `last_at` count, of `places.CLOCKS`: `time`, nanoseconds since 1970, UTC; or `sample`, the
        samples since the channel began, where its source has no times.
    first_at, last_at : int
        First and last moment, both inclusive. By these an anomaly that is found again is known.
    evidence_at : int
        Moment of the first evidence, which can be later: an anomaly of the forecast begins up to `error_buffer` samples
        before it. By these a case knows which channel moved first. `first_at` where it is not known, and of limits and
        whole assets, which begin with their evidence.
    level : str
        Severity level.
    severity : float or None
        Severity score of an anomaly.
    value, threshold : float or None
        Value that was reached, and the threshold that it exceeded, in `units`.
    source : str
        Model, or limit, that it was compared with.
    message : str
        What was exceeded, by how much, and against what.
    contributions : str
        Of an alert on an asset as a whole: its channels that moved most with their shares, as JSON; empty otherwise.
    state : str
        One of `STATES`.
    condition : bool
        Whether the anomaly or excess still goes on.
    active, acknowledged : bool
        A latched alert stays active after its condition is gone.
    raised_at, annunciated_at, acknowledged_at, cleared_at, escalated_at, closed_at : datetime or None
        Times of what happened, UTC; None where it has not. `annunciated_at` is when an operator was last shown it
        anew; None where it was always hidden.
    acknowledged_by, closed_by : str or None
        People who did it; None where nobody has yet.
    shelf : int or None
        The alert with which it was shelved: itself, or the one shelved before on its channel and kind.
    shelved_by, shelved_why, shelved_until, shelved_at
        Who, why, until when and since when; None unless shelved.
    case_id : int or None
        Number of the case that it is part of; None only where a release without cases has raised it.
    verdict : str or None
        What it turned out to be, one of `VERDICTS`; None until it is closed.
    comment : str
        Last remark of a person; empty where there is none.
    """

    id: int
    version: int
    channel: str
    asset: str
    subsystem: str
    kind: str
    start_sample: int
    end_sample: int
    start_time: datetime | None
    end_time: datetime | None
    clock: str
    first_at: int
    last_at: int
    evidence_at: int
    level: str
    severity: float | None
    value: float | None
    threshold: float | None
    units: str
    source: str
    message: str
    contributions: str
    state: str
    condition: bool
    active: bool
    acknowledged: bool
    latching: bool
    suppressed: bool
    raised_at: datetime
    annunciated_at: datetime | None
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    cleared_at: datetime | None
    escalated_at: datetime | None
    shelf: int | None
    shelved_at: datetime | None
    shelved_by: str | None
    shelved_why: str | None
    shelved_until: datetime | None
    case_id: int | None
    closed_at: datetime | None
    closed_by: str | None
    verdict: str | None
    comment: str

    @classmethod
    def of(cls, row: AlertRow) -> Self:
        """Return a copy of a row."""
        values: dict[str, Any] = {field.name: getattr(row, field.name) for field in fields(cls)}
        values["evidence_at"] = row.first_at if row.evidence_at is None else row.evidence_at
        return cls(**values)


ALERT_COLUMNS = [EVIDENCE_AT if field.name == "evidence_at" else ALERTS.c[field.name] for field in fields(Alert)]
"""Columns of the table that are those of `Alert`."""


def name_of_verdict(verdict: str) -> str:
    """Return the name of a verdict as people write it; other text stays what it is.

    Examples
    --------
    >>> name_of_verdict("Real fault"), name_of_verdict("false-alarm")
    ('true', 'false alarm')
    """
    name = verdict.strip().lower().replace("_", " ").replace("-", " ")
    return "true" if name == "real fault" else name  # as the screens say it


def state_of(alert: AlertRow) -> str:
    """Return the state of an alert, which follows from its other columns.

    Parameters
    ----------
    alert : AlertRow
        Row whose `state` is not read.

    Returns
    -------
    str
        One of `STATES`.
    """
    if alert.closed_at is not None:
        return "closed"
    if alert.suppressed:
        return "suppressed"
    if alert.shelf is not None:
        return "shelved"
    if not alert.active:
        return "cleared" if alert.acknowledged else "returned"
    if alert.condition:
        return "acknowledged" if alert.acknowledged else "unacknowledged"
    return "latched_acknowledged" if alert.acknowledged else "latched"


STATE_WORDS: Mapping[str, str] = {
    "unacknowledged": "new",
    "returned": "returned to normal",
    "latched": "returned to normal, not acknowledged",
    "latched_acknowledged": "acknowledged, waiting for reset",
}
"""Words for states whose names are no words, on screens and in the terminal."""


def state_words(state: str) -> str:
    """Return the words for the state of an alert, as screens and the terminal show it.

    Parameters
    ----------
    state : str
        One of `STATES`.

    Examples
    --------
    >>> state_words("latched_acknowledged"), state_words("shelved")
    ('acknowledged, waiting for reset', 'shelved')
    """
    return STATE_WORDS.get(state, state.replace("_", " "))
