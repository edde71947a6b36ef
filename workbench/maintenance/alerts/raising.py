"""Raising of alerts: one alert for one anomaly, however often it is found.

An anomaly is identified by its channel, its kind and the moments that it covers: a finding that overlaps an alert in
time is that alert. Scoring again, with another model, with other parameters or from another export, therefore neither
repeats an alert nor opens a closed one; a finding at another time is a new alert, whatever its row.

A closed alert opens again where its anomaly has grown well beyond what was judged: to a level `reopen_levels` (2) steps
or more above, or to more than `reopen_length` (3) times the length. What was judged was the alert as it was when it was
closed; several closed alerts that one finding overlaps were judged together. One that was closed because its channel
was removed was not judged: where the channel is imported again, its anomaly is a new alert.

An open alert whose anomaly is not found any more, as after samples that were missing have come, returns to normal, and
its message says so. One that had returned before keeps its state, since a person acknowledges, resets or closes it; its
message and the log say that there is no such anomaly. Where anomalies that raised alerts of their own have become one,
the alert that begins first stands for it, and the others return to normal and name it.

One module because one comparison of findings with alerts decides which are raised, updated, opened again or returned.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy import orm

from workbench.maintenance.alerts.actions import PROGRAM, announce, find, log_change, return_to_normal
from workbench.maintenance.alerts.grouping import group_alerts
from workbench.maintenance.alerts.known.table import USES, KnownMatch
from workbench.maintenance.alerts.known.uses import record_use
from workbench.maintenance.alerts.outages import is_out
from workbench.maintenance.alerts.places import span_of
from workbench.maintenance.alerts.report import AlertReport
from workbench.maintenance.alerts.table import ALERTS, CHANNEL_REMOVED, AlertRow, state_of
from workbench.maintenance.database import UtcDateTime, microseconds, now
from workbench.maintenance.options import AlertOptions
from workbench.parameters import LEVELS

__all__ = [
    "Examined",
    "Finding",
    "as_time",
    "raise_findings",
    "rejudge",
]

_FROM_OTHERS = -(2**63)
_LAST_MOMENT = 2**63 - 1  # no alert ends after it: with it only open alerts are read
_NOT_FOUND = "not found any more"
_NOT_FOUND_WORDS = " It is not found any more."


@dataclass(frozen=True)
class Finding:
    """One anomaly, or one stay beyond a limit, from which an alert may be raised.

    Attributes
    ----------
    channel, asset, subsystem, units : str
        Where it was found, and the units of its values.
    kind : str
        `model`, `limit`, or `asset`, of which the channel is the name of the asset.
    start_sample, end_sample : int
        Rows of the test series, both inclusive.
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
    first_at, last_at : int
        First and last moment, both inclusive: nanoseconds since 1970, UTC, or numbers of samples since the channel
        began. Where omitted, those of the times, or of the rows where it has no times.
    evidence_at : int or None
        Moment of the first evidence where it is not `first_at`.
    known : KnownMatch or None
        Known event as which it was recognised: what it would be without it.
    at_once : bool
        Whether it raises an alert however short it is, as what the envelope found.
    contributions : str
        Of an asset as a whole: its channels that moved most with their shares, as JSON.
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
    first_at: int = _FROM_OTHERS
    last_at: int = _FROM_OTHERS
    known: KnownMatch | None = None
    at_once: bool = False
    contributions: str = ""
    evidence_at: int | None = None

    def __post_init__(self) -> None:
        """Fill in the moments where they were omitted."""
        for name, time, row in (
            ("first_at", self.start_time, self.start_sample),
            ("last_at", self.end_time, self.end_sample),
        ):
            if getattr(self, name) == _FROM_OTHERS:
                object.__setattr__(self, name, row if time is None else microseconds(time) * 1000)

    @property
    def clock(self) -> str:
        """Clock of the moments: `time`, or `sample` where the channel has no times."""
        return "sample" if self.start_time is None else "time"

    @property
    def samples(self) -> int:
        """Number of samples from its first to its last, both included."""
        return self.end_sample - self.start_sample + 1

    @property
    def judged_level(self) -> str:
        """Level that it has, or would have without the known event as which it was recognised."""
        return self.level if self.known is None else self.known.level


class Examined(NamedTuple):
    """What was looked at for findings.

    Attributes
    ----------
    channel, kind : str
        Channel, and `model`, `limit` or `asset`.
    clock : str
        Clock of the series; empty where it is not known.
    last_at : int
        Last moment that was judged: nothing is known of alerts that begin later.
    first_at : int
        First moment that was judged: an alert that ended earlier may have been of samples that are gone.
    """

    channel: str
    kind: str
    clock: str = ""
    last_at: int = _LAST_MOMENT
    first_at: int = _FROM_OTHERS


@dataclass
class _Tally:
    raised: list[int] = field(default_factory=list)
    updated: list[int] = field(default_factory=list)
    returned: list[int] = field(default_factory=list)
    reopened: list[int] = field(default_factory=list)
    found_again: int = 0
    moved: bool = False  # the evidence of an alert became known, or was earlier
    known_events: int = 0


def raise_findings(
    db: orm.Session, looked_at: Iterable[Examined | tuple[str, str]], findings: Sequence[Finding], options: AlertOptions
) -> AlertReport:
    """Raise and update alerts so that they agree with findings.

    Parameters
    ----------
    db : sqlalchemy.orm.Session
        Writing transaction.
    looked_at : iterable of Examined or (str, str)
        Channels and kinds that were examined: their open alerts that no finding overlaps return to normal, unless they
        begin after what was judged; those that had returned before it say that they are not found any more.
    findings : sequence of Finding
        What was found; findings below the least level or shorter than the on-delay are ignored.
    options : AlertOptions
        Least level, on-delay, latching levels, how far apart alerts of one case may lie, and how far an anomaly must
        grow before its closed alert opens again.

    Returns
    -------
    AlertReport
    """
    alert_findings = [finding for finding in findings if _counts(finding, options)]
    examined = {(one.channel, one.kind): one for one in (Examined(*place) for place in looked_at)}
    by_place: dict[tuple[str, str], list[Finding]] = {place: [] for place in sorted(examined)}
    for finding in alert_findings:
        by_place.setdefault((finding.channel, finding.kind), []).append(finding)
    tally = _Tally()
    for (channel, kind), channel_findings in by_place.items():
        alert_rows = _alerts_near(db, channel, kind, channel_findings)
        matched_ids = _raise_channel(db, alert_rows, channel_findings, options, tally)
        scope = examined.get((channel, kind))
        for one in alert_rows:
            if one.is_closed or one.id in matched_ids or scope is None or not one.is_in(scope):
                continue
            is_news = one.last_at >= scope.first_at and not one.message.endswith(_NOT_FOUND_WORDS)
            if not (one.lasts or is_news):
                continue
            row = find(db, one.id)
            row.message += _NOT_FOUND_WORDS if is_news else ""
            if one.lasts:
                return_to_normal(db, row, why=_NOT_FOUND)
                tally.returned.append(one.id)
            else:
                log_change(db, row, "updated", PROGRAM, {"why": _NOT_FOUND})
                tally.updated.append(one.id)
    if tally.raised or tally.updated or tally.reopened or tally.moved:
        group_alerts(db, {finding.asset for finding in alert_findings}, options)
    return AlertReport(
        tuple(tally.raised),
        tuple(tally.updated),
        tally.found_again,
        tuple(tally.returned),
        len(findings) - len(alert_findings),
        tuple(tally.reopened),
        tally.known_events,
    )


def _counts(finding: Finding, options: AlertOptions) -> bool:
    is_long = finding.at_once or finding.samples >= options.on_delay
    return is_long and LEVELS.index(finding.judged_level) >= LEVELS.index(options.least_level)


@dataclass(frozen=True)
class _Near:
    """An alert that a finding may be."""

    id: int
    clock: str
    first_at: int
    last_at: int
    level: str
    is_closed: bool
    lasts: bool
    message: str = ""

    def overlaps(self, finding: Finding) -> bool:
        """Return whether the alert and the finding have a moment in common."""
        return self.clock == finding.clock and self.first_at <= finding.last_at and self.last_at >= finding.first_at

    def is_in(self, scope: Examined) -> bool:
        """Return whether the alert does not begin after what was judged."""
        return not scope.clock or (self.clock == scope.clock and self.first_at <= scope.last_at)


def _alerts_near(db: orm.Session, channel: str, kind: str, findings: Sequence[Finding]) -> list[_Near]:
    """Return a channel's alerts of a kind that are open or that a finding may overlap, by their beginning."""
    first = min((finding.first_at for finding in findings), default=_LAST_MOMENT)
    place = {"channel": channel, "kind": kind, "first": max(first, 999 - _LAST_MOMENT) - 999}
    near = [
        _Near(
            row["id"],
            *span_of(row),
            row["level"],
            is_closed=row["closed_at"] is not None,
            lasts=row["condition"] and row["closed_at"] is None,
            message=row["message"],
        )
        for row in map(dict, db.connection().execute(_ALERTS_NEAR, place).mappings())
    ]
    return sorted(near, key=lambda one: (one.first_at, one.id))


def _raise_channel(
    db: orm.Session, alert_rows: Sequence[_Near], findings: Sequence[Finding], options: AlertOptions, tally: _Tally
) -> set[int]:
    """Raise or update the alerts of one channel and kind, and return those that a finding overlaps."""
    near = list(alert_rows)
    matched_ids: set[int] = set()
    findings_of_open: dict[int, Finding] = {}
    first_ids: set[int] = set()  # alerts before which no other one lies in their finding
    findings_of_closed: dict[int, Finding] = {}
    absorbed: dict[int, int] = {}  # open alerts in a finding that is another alert
    judged: dict[int, dict[int, _Near]] = {}  # all closed alerts that the findings of the first one overlap
    for finding in sorted(findings, key=lambda one: one.start_sample):  # in one series, rows rise with moments
        overlapping = [one for one in near if one.overlaps(finding)]
        matched_ids |= {one.id for one in overlapping}
        still_open = [one.id for one in overlapping if not one.is_closed]
        if not overlapping:
            row = _new(db, finding, options)
            place = (finding.clock, finding.first_at, finding.last_at)
            near.append(_Near(row.id, *place, finding.level, False, finding.ongoing))
            tally.raised.append(row.id)
            tally.known_events += finding.known is not None
        elif still_open:
            if still_open[0] in findings_of_open:
                tally.found_again += 1
            elif still_open[0] == overlapping[0].id:
                first_ids.add(still_open[0])
            _join(findings_of_open, still_open[0], finding)
            absorbed |= dict.fromkeys(still_open[1:], still_open[0])
        else:
            first = overlapping[0].id
            tally.found_again += first in findings_of_closed
            _join(findings_of_closed, first, finding)
            judged.setdefault(first, {}).update((one.id, one) for one in overlapping)
    for number, finding in findings_of_open.items():
        row = find(db, number)
        if _update(db, row, finding, options, begins_with=number in first_ids):
            tally.updated.append(number)
        else:
            tally.found_again += 1
        if finding.evidence_at is not None and finding.evidence_at >= row.first_at:
            evidence_at = _earlier(row.evidence_at, finding.evidence_at)
            tally.moved |= evidence_at != row.evidence_at
            row.evidence_at = evidence_at
    for number, first in absorbed.items():
        row = find(db, number)
        if row.condition and number not in findings_of_open:
            row.message += f" It is part of alert {first}."
            return_to_normal(db, row, why=f"part of alert {first}")
            tally.returned.append(number)
    for number, finding in findings_of_closed.items():
        why = _growth(list(judged[number].values()), finding, options)
        if why:
            _reopen(db, find(db, number), finding, options, why)
            tally.reopened.append(number)
        else:
            tally.found_again += 1
    return matched_ids


def _join(findings: dict[int, Finding], key: int, finding: Finding) -> None:
    """Add a finding to those of an alert: the worse one, from the start of the first to the end of the last."""
    first = findings.get(key)
    if first is None:
        findings[key] = finding
        return
    worse = max(first, finding, key=lambda one: (LEVELS.index(one.level), one.severity or 0.0))
    start = min(first, finding, key=lambda one: one.first_at)
    end = max(first, finding, key=lambda one: one.last_at)
    findings[key] = replace(
        worse,
        **{name: getattr(start, name) for name in _START_FIELDS},
        **{name: getattr(end, name) for name in _END_FIELDS},
        evidence_at=_earlier(first.evidence_at, finding.evidence_at),
        ongoing=first.ongoing or finding.ongoing,
    )


def _earlier(one: int | None, other: int | None) -> int | None:
    return min((moment for moment in (one, other) if moment is not None), default=None)


def _growth(closed: Sequence[_Near], finding: Finding, options: AlertOptions) -> str:
    """Say how far a finding goes beyond the closed alerts that it overlaps; empty where it is about what was judged."""
    words = []
    judged_level = max(LEVELS.index(one.level) for one in closed)
    if LEVELS.index(finding.level) - judged_level >= options.reopen_levels:
        words.append(f"found again as {finding.level}, judged as {LEVELS[judged_level]}")
    spacing = (finding.last_at - finding.first_at) / max(finding.samples - 1, 1)  # a sample lasts until the next one
    judged_length = sum(one.last_at - one.first_at + spacing for one in closed)
    length = finding.last_at - finding.first_at + spacing
    if length > options.reopen_length * judged_length:
        words.append(f"{length / judged_length:,.1f} times as long as what was judged")
    return "; ".join(words)


def _reopen(db: orm.Session, row: AlertRow, finding: Finding, options: AlertOptions, why: str) -> None:
    """Open a closed alert again, as new: its verdict was on less. What was said before stays in the log."""
    before = {"level": row.level, "verdict": row.verdict, "closed_by": row.closed_by}
    for name in (*_START_FIELDS, *_END_FIELDS, *_REASON_FIELDS, "evidence_at"):
        setattr(row, name, getattr(finding, name))
    row.clock = finding.clock
    row.closed_at = row.closed_by = row.verdict = None
    row.acknowledged = False
    row.acknowledged_at = row.acknowledged_by = row.escalated_at = None
    present = now(db)
    row.latching = finding.level in options.latching
    row.condition = finding.ongoing
    row.active = finding.ongoing or row.latching
    row.cleared_at = None if row.active else present
    row.suppressed = is_out(db, row.asset)
    shelf = _shelf(db, finding)
    for name, value in shelf.items():
        setattr(row, name, value)
    if not row.suppressed and not shelf:
        announce(db, row)
    record_use(db, row.id, finding.known)
    log_change(
        db,
        row,
        "reopened",
        PROGRAM,
        {
            "why": why,
            "before": before,
            "level": finding.level,
            **_extent(finding),
            "source": finding.source,
            "message": finding.message,
        },
    )


def _extent(finding: Finding) -> dict[str, Any]:
    """Return where a finding lies, for the log: its rows as they were, and its times where it has some."""
    times = {} if finding.start_time is None else {"from": finding.start_time, "to": finding.end_time}
    return {"samples": [finding.start_sample, finding.end_sample], **times}


def _shelf(db: orm.Session, finding: Finding) -> dict[str, Any]:
    """Return the shelf that hides new alerts of a channel and kind; empty where there is none."""
    place = {"channel": finding.channel, "kind": finding.kind, "present": now(db)}
    return dict(db.connection().execute(_CURRENT_SHELF, place).mappings().first() or {})


def _new(db: orm.Session, finding: Finding, options: AlertOptions) -> AlertRow:
    present = now(db)
    latching = finding.level in options.latching
    shelf = _shelf(db, finding)
    suppressed = is_out(db, finding.asset)
    row = AlertRow(
        **{name: getattr(finding, name) for name in (*_PLACE_FIELDS, *_START_FIELDS, *_END_FIELDS, *_REASON_FIELDS)},
        evidence_at=finding.evidence_at,
        condition=finding.ongoing,
        active=finding.ongoing or latching,
        acknowledged=False,
        latching=latching,
        suppressed=suppressed,
        raised_at=present,
        annunciated_at=None if suppressed or shelf else present,
        cleared_at=None if finding.ongoing or latching else present,
        comment="",
        **shelf,
    )
    row.state = state_of(row)
    db.add(row)
    db.flush()
    if row.annunciated_at is not None:
        announce(db, row)
    if finding.known is not None:
        record_use(db, row.id, finding.known)
    log_change(
        db,
        row,
        "raised",
        PROGRAM,
        {
            "channel": finding.channel,
            "kind": finding.kind,
            "level": finding.level,
            **_extent(finding),
            "source": finding.source,
            "message": finding.message,
            **({"shelf": shelf["shelf"]} if shelf else {}),
        },
    )
    return row


_A = ALERTS.c
_JUDGED_LEVEL = sa.func.coalesce(USES.c.level, _A.level).label("level")
_CURRENT_SHELF = sa.select(_A.shelf, _A.shelved_at, _A.shelved_by, _A.shelved_why, _A.shelved_until).where(
    _A.channel == sa.bindparam("channel"),
    _A.kind == sa.bindparam("kind"),
    _A.shelf == _A.id,
    _A.shelved_until > sa.bindparam("present", type_=UtcDateTime),
)
_ALERTS_NEAR = (
    sa.select(_A.id, _A.clock, _A.first_at, _A.last_at, _JUDGED_LEVEL, _A.condition, _A.closed_at, _A.message)
    .outerjoin(USES, USES.c.alert == _A.id)
    .where(_A.channel == sa.bindparam("channel"), _A.kind == sa.bindparam("kind"))
    .where(sa.or_(_A.closed_at.is_(None), _A.last_at >= sa.bindparam("first")))
    .where(sa.or_(_A.verdict.is_(None), _A.verdict != "unknown", sa.func.coalesce(_A.comment, "") != CHANNEL_REMOVED))
)
_PLACE_FIELDS = ("channel", "asset", "subsystem", "units", "kind", "clock")
_START_FIELDS = ("start_sample", "start_time", "first_at")
_END_FIELDS = ("end_sample", "end_time", "last_at")
_REASON_FIELDS = ("level", "severity", "value", "threshold", "source", "message", "contributions")


def _update(db: orm.Session, row: AlertRow, finding: Finding, options: AlertOptions, *, begins_with: bool) -> bool:
    """Update an open alert from its finding, and return whether anything but the rows of the export changed.

    The alert begins where it began, or with the finding where that begins earlier and no other alert lies before.
    """
    risen = LEVELS.index(finding.level) > LEVELS.index(row.level)
    recurred = finding.ongoing and not row.condition
    ended = row.condition and not finding.ongoing
    earlier = begins_with and finding.first_at < row.first_at
    names = ("end_time", "last_at", *_REASON_FIELDS, *(_START_FIELDS if earlier else ()))
    old_values = {name: getattr(row, name) for name in names}
    new_values = {name: getattr(finding, name) for name in names}
    if old_values == new_values and not recurred and not ended:
        return False
    for name, value in new_values.items():
        setattr(row, name, value)
    row.end_sample = finding.end_sample
    if finding.first_at == row.first_at:
        row.start_sample = finding.start_sample
    row.latching = row.latching or finding.level in options.latching
    record_use(db, row.id, finding.known)
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
        {"level": finding.level, **_extent(finding), "source": finding.source},
    )
    if ended:
        return_to_normal(db, row)
    return True


def rejudge(db: orm.Session, row: AlertRow, level: str, message: str, options: AlertOptions) -> None:
    """Set the level and message of an open alert that is not a known event any more, as if it was found so just now.

    Parameters
    ----------
    db : sqlalchemy.orm.Session
        Writing transaction.
    row : AlertRow
        The alert.
    level, message : str
        What it would have been from the beginning.
    options : AlertOptions
        Latching levels.
    """
    names = (*_PLACE_FIELDS[:-1], *_START_FIELDS, *_END_FIELDS, *_REASON_FIELDS)
    finding = Finding(**{name: getattr(row, name) for name in names}, ongoing=row.condition)
    _update(db, row, replace(finding, level=level, message=message), options, begins_with=False)


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
