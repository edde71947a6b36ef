"""Raising of alerts: one alert for one anomaly, however often it is found.

An anomaly is identified by its channel, its kind and the samples that it covers: a finding that overlaps an alert is
that alert. Scoring again, with other parameters too, therefore neither repeats an alert nor opens a closed one.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy import orm

from workbench.counts import counted
from workbench.maintenance.alerts.actions import PROGRAM, announce, find, log_change, return_to_normal
from workbench.maintenance.alerts.outages import is_out
from workbench.maintenance.alerts.table import ALERTS, AlertRow, state_of
from workbench.maintenance.database import UtcDateTime, now
from workbench.maintenance.options import AlertOptions
from workbench.parameters import LEVELS

__all__ = [
    "AlertReport",
    "Finding",
    "as_time",
    "raise_findings",
]


@dataclass(frozen=True)
class Finding:
    """One anomaly, or one stay beyond a limit, from which an alert may be raised.

    Attributes
    ----------
    channel, asset, subsystem, units : str
        Where it was found, and the units of its values.
    kind : str
        `model` or `limit`.
    start_sample, end_sample : int
        Of the test series, both inclusive.
    start_time, end_time : datetime or None
        The same as time, aware; None where the channel has no dates.
    level : str
        Severity level.
    severity, value, threshold : float or None
        Severity score; what was exceeded, and by what, in `units`.
    source : str
        Model or limit that it was compared with.
    message : str
        What was exceeded, by how much, and against what.
    ongoing : bool
        Whether it reaches the end of what was judged.
    """

    channel: str
    asset: str
    subsystem: str
    units: str
    kind: str
    start_sample: int
    end_sample: int
    start_time: datetime | None
    end_time: datetime | None
    level: str
    severity: float | None
    value: float | None
    threshold: float | None
    source: str
    message: str
    ongoing: bool


@dataclass(frozen=True)
class AlertReport:
    """Counts of what became of findings; reports of several channels can be added.

    Attributes
    ----------
    raised : tuple of int
        Alerts that are new.
    updated : tuple of int
        Alerts whose extent, level, condition or reason is another one now.
    known : int
        Findings that changed nothing, because they have their alert already, open or closed.
    returned : tuple of int
        Alerts whose anomaly is not found any more; they returned to normal.
    ignored : int
        Findings below the least level or shorter than the on-delay.
    """

    raised: tuple[int, ...] = ()
    updated: tuple[int, ...] = ()
    known: int = 0
    returned: tuple[int, ...] = ()
    ignored: int = 0

    def __add__(self, other: "AlertReport") -> "AlertReport":
        """Return the sum of two reports."""
        return AlertReport(
            self.raised + other.raised,
            self.updated + other.updated,
            self.known + other.known,
            self.returned + other.returned,
            self.ignored + other.ignored,
        )

    def __str__(self) -> str:
        """Return the counts as one sentence."""
        parts = [f"{counted(len(self.raised), 'alert')} raised", f"{len(self.updated)} updated", f"{self.known} known"]
        parts += [f"{len(self.returned)} returned to normal"] if self.returned else []
        parts += [f"{self.ignored} too low or too short for an alert"] if self.ignored else []
        return ", ".join(parts) + "."


@dataclass
class _Tally:
    raised: list[int] = field(default_factory=list)
    updated: list[int] = field(default_factory=list)
    returned: list[int] = field(default_factory=list)
    known: int = 0


def raise_findings(
    db: orm.Session, looked_at: Iterable[tuple[str, str]], findings: Sequence[Finding], options: AlertOptions
) -> AlertReport:
    """Raise and update alerts so that they agree with findings.

    Parameters
    ----------
    db : sqlalchemy.orm.Session
        Writing transaction.
    looked_at : iterable of (str, str)
        Channels and kinds that were examined: their open alerts that no finding overlaps return to normal.
    findings : sequence of Finding
        What was found; findings below the least level or shorter than the on-delay are ignored.
    options : AlertOptions
        Least level, on-delay, latching levels and the time within which alerts form a group.

    Returns
    -------
    AlertReport
    """
    alert_findings = [finding for finding in findings if _counts(finding, options)]
    examined = set(looked_at)
    by_place: dict[tuple[str, str], list[Finding]] = {place: [] for place in sorted(examined)}
    for finding in alert_findings:
        by_place.setdefault((finding.channel, finding.kind), []).append(finding)
    tally = _Tally()
    for (channel, kind), channel_findings in by_place.items():
        alert_rows = _alert_rows_near(db, channel, kind, channel_findings)
        matched_ids = _raise_channel(db, alert_rows, channel_findings, options, tally)
        for one in alert_rows if (channel, kind) in examined else ():
            if one.condition and one.closed_at is None and one.id not in matched_ids:
                return_to_normal(db, find(db, one.id), why="not found any more")
                tally.returned.append(one.id)
    return AlertReport(
        tuple(tally.raised),
        tuple(tally.updated),
        tally.known,
        tuple(tally.returned),
        len(findings) - len(alert_findings),
    )


def _counts(finding: Finding, options: AlertOptions) -> bool:
    length = finding.end_sample - finding.start_sample + 1
    return length >= options.on_delay and LEVELS.index(finding.level) >= LEVELS.index(options.least_level)


def _alert_rows_near(db: orm.Session, channel: str, kind: str, findings: Sequence[Finding]) -> Sequence[Any]:
    """Return the rows of a channel's alerts of a kind that still last or that a finding may overlap."""
    first = min((finding.start_sample for finding in findings), default=_LAST_SAMPLE)
    return db.connection().execute(_ALERT_ROWS_NEAR, {"channel": channel, "kind": kind, "first": first}).all()


def _raise_channel(
    db: orm.Session, alert_rows: Sequence[Any], findings: Sequence[Finding], options: AlertOptions, tally: _Tally
) -> set[int]:
    """Raise or update the alerts of one channel and kind, and return those that a finding overlaps."""
    rows = list(alert_rows)
    matched_ids: set[int] = set()
    findings_of_open: dict[int, Finding] = {}
    for finding in sorted(findings, key=lambda one: one.start_sample):
        overlapping = [
            row for row in rows if row.start_sample <= finding.end_sample and row.end_sample >= finding.start_sample
        ]
        matched_ids |= {row.id for row in overlapping}
        still_open = [row for row in overlapping if row.closed_at is None]
        if not overlapping:
            rows.append(_new(db, finding, options))
            tally.raised.append(rows[-1].id)
        elif still_open and still_open[0].id not in findings_of_open:
            findings_of_open[still_open[0].id] = finding
        elif still_open:
            findings_of_open[still_open[0].id] = _together(findings_of_open[still_open[0].id], finding)
            tally.known += 1
        else:
            tally.known += 1
    for number, finding in findings_of_open.items():
        if _update(db, find(db, number), finding, options):
            tally.updated.append(number)
        else:
            tally.known += 1
    return matched_ids


def _together(first: Finding, second: Finding) -> Finding:
    """Join two findings of one alert: the worse one, to the end of the later one."""
    worse = max(first, second, key=lambda one: (LEVELS.index(one.level), one.severity or 0.0))
    last = max(first, second, key=lambda one: one.end_sample)
    return replace(worse, end_sample=last.end_sample, end_time=last.end_time, ongoing=first.ongoing or second.ongoing)


def _new(db: orm.Session, finding: Finding, options: AlertOptions) -> AlertRow:
    present = now(db)
    latching = finding.level in options.latching
    place = {"channel": finding.channel, "kind": finding.kind, "present": present}
    shelf = db.connection().execute(_CURRENT_SHELF, place).mappings().first()
    suppressed = is_out(db, finding.asset)
    row = AlertRow(
        **{name: getattr(finding, name) for name in _COPIED_FIELDS},
        condition=finding.ongoing,
        active=finding.ongoing or latching,
        acknowledged=False,
        latching=latching,
        suppressed=suppressed,
        raised_at=present,
        annunciated_at=None if suppressed or shelf else present,
        cleared_at=None if finding.ongoing or latching else present,
        comment="",
        group_id=_group(db, finding, options),
        **(shelf or {}),
    )
    row.state = state_of(row)
    db.add(row)
    db.flush()
    if row.annunciated_at is not None:
        announce(db, row)
    log_change(
        db,
        row,
        "raised",
        PROGRAM,
        {
            "channel": finding.channel,
            "kind": finding.kind,
            "level": finding.level,
            "samples": [finding.start_sample, finding.end_sample],
            "source": finding.source,
            "message": finding.message,
            **({"shelf": shelf["shelf"]} if shelf else {}),
        },
    )
    return row


_A = ALERTS.c
_CURRENT_SHELF = sa.select(_A.shelf, _A.shelved_at, _A.shelved_by, _A.shelved_why, _A.shelved_until).where(
    _A.channel == sa.bindparam("channel"),
    _A.kind == sa.bindparam("kind"),
    _A.shelf == _A.id,
    _A.shelved_until > sa.bindparam("present", type_=UtcDateTime),
)
_ALERT_ROWS_NEAR = (
    sa.select(_A.id, _A.start_sample, _A.end_sample, _A.condition, _A.closed_at)
    .where(_A.channel == sa.bindparam("channel"), _A.kind == sa.bindparam("kind"))
    .where(sa.or_(_A.condition, _A.end_sample >= sa.bindparam("first")))
    .order_by(_A.start_sample, _A.id)
)
_LAST_SAMPLE = 2**63 - 1  # no alert ends after it: with it only alerts that still last are read
_FIRST_OF_GROUP = (
    sa.select(_A.id)
    .where(_A.asset == sa.bindparam("asset"), _A.group_id.is_(None))
    .where(_A.start_time.between(sa.bindparam("first", type_=UtcDateTime), sa.bindparam("last", type_=UtcDateTime)))
    .order_by(_A.id)
    .limit(1)
)
_COPIED_FIELDS = (
    "channel",
    "asset",
    "subsystem",
    "units",
    "kind",
    "start_sample",
    "end_sample",
    "start_time",
    "end_time",
    "level",
    "severity",
    "value",
    "threshold",
    "source",
    "message",
)


def _group(db: orm.Session, finding: Finding, options: AlertOptions) -> int | None:
    """Return the first alert of the group that this one joins: same asset, start within `group_seconds`."""
    if finding.start_time is None:
        return None
    reach = timedelta(seconds=options.group_seconds)
    near = {"asset": finding.asset, "first": finding.start_time - reach, "last": finding.start_time + reach}
    first_alert: int | None = db.connection().scalar(_FIRST_OF_GROUP, near)
    return first_alert


def _update(db: orm.Session, row: AlertRow, finding: Finding, options: AlertOptions) -> bool:
    """Update an open alert from its finding, and return whether anything changed."""
    risen = LEVELS.index(finding.level) > LEVELS.index(row.level)
    recurred = finding.ongoing and not row.condition
    ended = row.condition and not finding.ongoing
    updated_fields = ("end_sample", "end_time", "level", "severity", "value", "threshold", "source", "message")
    old_values = {name: getattr(row, name) for name in updated_fields}
    new_values = {name: getattr(finding, name) for name in updated_fields}
    if old_values == new_values and not recurred and not ended:
        return False
    for name, value in new_values.items():
        setattr(row, name, value)
    row.latching = row.latching or finding.level in options.latching
    if recurred:
        row.condition = True
    if recurred or (risen and row.latching):
        row.active = True
        row.cleared_at = None
    if risen or recurred:  # announced anew (ISA-18.2-2016, 5.2.2)
        row.acknowledged = False
        row.acknowledged_at = row.acknowledged_by = row.escalated_at = None
        if row.shelf is None and not row.suppressed:
            announce(db, row)
    action = "recurred" if recurred else "risen" if risen else "updated"
    log_change(
        db,
        row,
        action,
        PROGRAM,
        {"level": finding.level, "samples": [row.start_sample, row.end_sample], "source": finding.source},
    )
    if ended:
        return_to_normal(db, row)
    return True


def as_time(value: object) -> datetime | None:
    """Return a NumPy or pandas time as an aware datetime; None where it is not a time.

    Examples
    --------
    >>> import numpy as np
    >>> as_time(np.datetime64("2026-01-02T03:04"))
    datetime.datetime(2026, 1, 2, 3, 4, tzinfo=datetime.timezone.utc)
    >>> as_time(np.int64(7)) is None
    True
    """
    import numpy as np
    import pandas as pd

    if not isinstance(value, np.datetime64 | pd.Timestamp):
        return None
    stamp = pd.Timestamp(value)
    if stamp.tzinfo is None:
        stamp = stamp.tz_localize("UTC")
    time: datetime = stamp.tz_convert("UTC").floor("us").to_pydatetime(warn=False)
    return time.replace(tzinfo=UTC)
