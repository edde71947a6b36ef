"""What can happen to an alert: one function an action, each inside a writing transaction of its caller.

Every function writes its row of the log. `Alerts` wraps them in transactions of their own; completing a work order
calls `close` in the order's.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy import orm

from workbench.exceptions import MaintenanceError, TransitionError
from workbench.maintenance import log
from workbench.maintenance.alerts.known.lessons import note_verdict
from workbench.maintenance.alerts.table import (
    ALLOWED,
    ANNUNCIATIONS,
    CHANNEL_REMOVED,
    VERDICTS,
    Alert,
    AlertRow,
    OutageRow,
    name_of_verdict,
    state_of,
)
from workbench.maintenance.database import now
from workbench.maintenance.values import number_in_range, required_text, row_number

__all__ = [
    "ACKNOWLEDGEMENT_UNDONE",
    "PROGRAM",
    "Unshelved",
    "acknowledge",
    "announce",
    "close",
    "comment",
    "correct",
    "empty_shelf",
    "find",
    "log_change",
    "reopen",
    "reset",
    "return_to_normal",
    "shelve",
    "undo",
    "unshelve",
]

PROGRAM = "workbench"
"""Name in the log of what no person did."""

ACKNOWLEDGEMENT_UNDONE = "acknowledgement undone"
"""Action in the log by which an acknowledgement, or that of a closing, was taken back."""

_INSERT_ANNUNCIATION = sa.insert(ANNUNCIATIONS)
_PARTICIPLES = {"acknowledge": "acknowledged", "shelve": "shelved", "close": "closed"}
"""Actions that can be undone, and what the log calls them."""

_SHELF_FIELDS = ("shelf", "shelved_at", "shelved_by", "shelved_why", "shelved_until")


_STATE_WORDS = {
    "returned": "has returned to normal",
    "latched": "has returned to normal and is not acknowledged",
    "latched_acknowledged": "is acknowledged and waits for reset",
}
"""What messages say of an alert in a state whose stored name is not enough."""


@dataclass(frozen=True)
class Unshelved:
    """An alert that came back from its shelf, and what was not shown meanwhile.

    Attributes
    ----------
    alert : Alert
        Alert that was shelved.
    hidden : tuple of int
        Alerts raised meanwhile on its channel and kind; they are shown now.
    missed : tuple of str
        What happened to it and to them meanwhile: `alert:12 returned`.
    """

    alert: Alert
    hidden: tuple[int, ...]
    missed: tuple[str, ...]

    def __str__(self) -> str:
        """Return it as one sentence."""
        hid = f"it hid alerts {', '.join(map(str, self.hidden))}" if self.hidden else "it hid no other alert"
        return f"Alert {self.alert.id} is back; {hid}."


def find(db: orm.Session, alert: int) -> AlertRow:
    """Return the row of an alert.

    Raises
    ------
    MaintenanceError
        There is no alert with this number.
    """
    row = db.get(AlertRow, row_number(alert))
    if row is None:
        raise MaintenanceError(f"There is no alert {alert}.", "See: workbench alerts list.")
    return row


def acknowledge(db: orm.Session, alert: int, who: str, comment: str = "", version: int | None = None) -> AlertRow:
    """Acknowledge an alert, whether or not its condition still holds: somebody has seen it and takes care of it."""
    row = _allowed(db, alert, "acknowledge", version)
    _set_acknowledged(db, row, who)
    return log_change(db, row, "acknowledged", who, {"comment": comment} if comment else {})


def reset(db: orm.Session, alert: int, who: str, version: int | None = None) -> AlertRow:
    """Clear a latched alert, which must be back to normal and acknowledged."""
    row = _allowed(db, alert, "reset", version)
    row.active = False
    row.cleared_at = now(db)
    return log_change(db, row, "reset", who)


def return_to_normal(db: orm.Session, row: AlertRow, who: str = PROGRAM, why: str = "") -> AlertRow:
    """Record that the condition is gone: the alert clears, unless it is latched."""
    if not row.condition or row.closed_at is not None:
        raise _refused(row, "return to normal")
    row.condition = False
    if not row.latching:
        row.active = False
        row.cleared_at = now(db)
    return log_change(db, row, "returned", who, {"why": why} if why else {})


def shelve(
    db: orm.Session,
    alert: int,
    who: str,
    why: str,
    *,
    longest: timedelta,
    until: datetime | None = None,
    hours: float | None = None,
    version: int | None = None,
) -> AlertRow:
    """Hide an alert, and new ones on its channel and kind, for some hours or until a time.

    Raises
    ------
    MaintenanceError
        `why` is empty; not one of `until` and `hours` is given; the end has no zone, has passed, or is further away
        than `longest`.
    """
    row = _allowed(db, alert, "shelve", version)
    present = now(db)
    if (until is None) == (hours is None):
        raise MaintenanceError("An alert cannot be shelved without an end.", "Pass either until or hours.")
    if until is None:
        until = present + timedelta(
            hours=number_in_range("hours", hours or 0.0, longest / timedelta(hours=1), above=True)
        )
    if not why.strip():
        raise MaintenanceError("The reason for shelving is empty.", "Enter one: the next shift reads it.")
    if until.tzinfo is None:
        raise MaintenanceError(f"The time {until} has no time zone.", "Give it one, for example datetime.now(UTC).")
    if not present < until <= present + longest:
        raise MaintenanceError(
            f"An alert cannot be shelved until {until.isoformat(timespec='minutes')}.",
            f"Enter a time after now and at most {longest.total_seconds() / 3600:g} hours ahead.",
        )
    row.shelf = row.id
    row.shelved_at = present
    row.shelved_by = who.strip()
    row.shelved_why = why.strip()
    row.shelved_until = until
    return log_change(db, row, "shelved", who, {"why": why.strip(), "until": until})


def unshelve(db: orm.Session, alert: int, who: str, version: int | None = None) -> Unshelved:
    """Show an alert again, with all that its shelf hid."""
    row = _allowed(db, alert, "unshelve", version)
    return empty_shelf(db, find(db, row.shelf or row.id), who)


def empty_shelf(db: orm.Session, root: AlertRow, who: str) -> Unshelved:
    """Bring back the alert that was shelved and those that came onto its shelf."""
    members = db.scalars(sa.select(AlertRow).where(AlertRow.shelf == root.id).order_by(AlertRow.id)).all()
    hidden = tuple(member.id for member in members if member.id != root.id)
    subjects = [f"alert:{member.id}" for member in members]
    events = sa.select(log.LogRow.subject, log.LogRow.action).where(
        log.LogRow.subject.in_(subjects),
        log.LogRow.time >= root.shelved_at,
        log.LogRow.action.in_(("raised", "risen", "returned", "recurred")),
    )
    missed = [f"{event.subject} {event.action}" for event in db.execute(events.order_by(log.LogRow.seq))]
    for member in members:
        for name in _SHELF_FIELDS:
            setattr(member, name, None)
        if not member.suppressed and not member.acknowledged:
            announce(db, member)
        log_details = {"hidden": list(hidden), "missed": missed} if member is root else {"shelf": root.id}
        log_change(db, member, "unshelved", who, log_details)
    db.flush()
    return Unshelved(Alert.of(root), hidden, tuple(missed))


def close(
    db: orm.Session, alert: int, who: str, verdict: str, comment: str = "", version: int | None = None
) -> AlertRow:
    """Close an alert with a verdict, which also acknowledges and resets it and takes it off its shelf.

    Parameters
    ----------
    db : sqlalchemy.orm.Session
        Writing transaction.
    alert : int
        Number of the alert.
    who : str
        Person or program that does it, for the log.
    verdict : str
        One of `VERDICTS`.
    comment : str
        Remark on the verdict; may be empty.
    version : int, optional
        Version that the user saw; omitted, the alert is changed whatever it is.

    Raises
    ------
    MaintenanceError
        The verdict is not one of `VERDICTS`, or there is no such alert.
    TransitionError
        The alert is closed already.
    ConflictError
        Somebody changed the alert since `version`.
    """
    verdict_name = _verdict_name(verdict)
    row = _allowed(db, alert, "close", version)
    if row.shelf == row.id:
        empty_shelf(db, row, who)
    row.shelf = row.shelved_at = row.shelved_by = row.shelved_why = row.shelved_until = None
    state_before = row.state
    if not row.acknowledged:
        _set_acknowledged(db, row, who)
    if row.active:
        row.active = False
        row.cleared_at = now(db)
    row.closed_at = now(db)
    row.closed_by = who.strip()
    row.verdict = verdict_name
    row.comment = comment.strip()
    log_details = {"verdict": verdict_name, "comment": row.comment, "before": state_before}
    log_change(db, row, "closed", who, log_details)
    note_verdict(db, row, who)
    return row


def correct(db: orm.Session, alert: int, who: str, verdict: str, why: str, version: int | None = None) -> AlertRow:
    """Correct the verdict on a closed alert, for a reason; the log keeps both verdicts.

    Parameters
    ----------
    db : sqlalchemy.orm.Session
        Writing transaction.
    alert : int
        Number of the alert.
    who : str
        Person or program that does it, for the log.
    verdict : str
        The right verdict, one of `VERDICTS`.
    why : str
        Reason, not empty.
    version : int, optional
        Version that the user saw; omitted, the alert is changed whatever it is.

    Raises
    ------
    MaintenanceError
        The verdict is not one of `VERDICTS`, the reason is empty, or there is no such alert.
    TransitionError
        The alert is not closed, its channel was removed, or it has this verdict already.
    ConflictError
        Somebody changed the alert since `version`.
    """
    verdict_name, reason = _verdict_name(verdict), required_text("the reason for the correction", why)
    row = _allowed(db, alert, "correct", version)
    before = row.verdict
    if row.comment == CHANNEL_REMOVED and before == "unknown":
        raise TransitionError(
            f"Alert {row.id} has no verdict: its channel was removed.", "There is nothing to correct."
        )
    if before == verdict_name:
        raise TransitionError(f"The verdict on alert {row.id} is {before} already.", "Pass another one.")
    row.verdict, row.comment = verdict_name, reason
    log_change(db, row, "verdict corrected", who, {"verdict": verdict_name, "before": before, "comment": reason})
    note_verdict(db, row, who)
    return row


def reopen(db: orm.Session, row: AlertRow, who: str, why: str) -> None:
    """Open an alert again that was closed by mistake: as it was before, acknowledged, and without a verdict.

    Parameters
    ----------
    db : sqlalchemy.orm.Session
        Writing transaction.
    row : AlertRow
        The alert, which is closed.
    who : str
        Person or program that does it, for the log.
    why : str
        Reason.
    """
    before = {"verdict": row.verdict, "closed_by": row.closed_by}
    row.closed_at = row.closed_by = row.verdict = None
    row.active = row.condition
    row.cleared_at = None if row.active else row.cleared_at
    lasts = sa.and_(OutageRow.ended_at.is_(None), sa.or_(OutageRow.until.is_(None), OutageRow.until > now(db)))
    row.suppressed = db.scalars(sa.select(OutageRow.id).where(OutageRow.asset == row.asset, lasts)).first() is not None
    log_change(db, row, "closing undone", who, {"why": why, "before": before})
    note_verdict(db, row, who)


def undo(db: orm.Session, alert: int, who: str, done: str | None = None, version: int | None = None) -> AlertRow:
    """Undo what a person did to an alert last, where that was to acknowledge, to shelve or to close it.

    Comments, and what the program did since, as when the alert returned to normal, do not count. The log keeps what was
    done, and gets a row that reverses it. Closing acknowledges an alert that nobody had acknowledged; undoing it takes
    that back, too. A shelf that was emptied by closing stays empty.

    Parameters
    ----------
    db : sqlalchemy.orm.Session
        Writing transaction.
    alert : int
        Number of the alert.
    who : str
        Person who has done it, and undoes it.
    done : str, optional
        What is undone: acknowledge, shelve or close; omitted, it is whichever of these the person did last.
    version : int, optional
        Version that the user saw; omitted, the alert is changed whatever it is.

    Raises
    ------
    MaintenanceError
        There is no alert with this number.
    TransitionError
        The last thing that a person did to the alert is another one, or somebody else did it.
    ConflictError
        Somebody changed the alert since `version`.
    """
    row = find(db, alert)
    log.check_version(db, f"alert:{row.id}", row.version, version)
    by_people = sa.select(log.LogRow.action, log.LogRow.who).where(
        log.LogRow.subject == f"alert:{row.id}", log.LogRow.who != PROGRAM, log.LogRow.action != "commented"
    )
    last = db.execute(by_people.order_by(log.LogRow.seq.desc()).limit(1)).one_or_none()
    if done is None and last is not None:
        done = next((action for action, participle in _PARTICIPLES.items() if participle == last.action), "")
    is_last = last is not None and last.who == who.strip() and last.action == _PARTICIPLES.get(done or "")
    if is_last and done == "shelve" and row.shelf == row.id:
        empty_shelf(db, row, who)
    elif is_last and done == "acknowledge" and row.acknowledged and row.closed_at is None:
        _take_acknowledgement_back(db, row, who)
    elif is_last and done == "close" and row.closed_at is not None:
        by_closing = (row.acknowledged_at, row.acknowledged_by) == (row.closed_at, row.closed_by)
        reopen(db, row, who, "undone")
        if by_closing:
            _take_acknowledgement_back(db, row, who)
    else:
        raise TransitionError(
            f"There is nothing to undo: alert {row.id} {_STATE_WORDS.get(row.state, f'is {row.state}')}.",
            "Acknowledge, shelve and close can be undone by who has done it, until somebody does something else.",
        )
    return row


def comment(db: orm.Session, alert: int, who: str, text: str) -> AlertRow:
    """Add a remark to an alert, closed ones too.

    Raises
    ------
    MaintenanceError
        The text is empty, or there is no such alert.
    """
    if not text.strip():
        raise MaintenanceError("The comment is empty.", "Write a few words.")
    row = find(db, alert)
    row.comment = text.strip()
    return log_change(db, row, "commented", who, {"comment": row.comment})


def announce(db: orm.Session, row: AlertRow) -> None:
    """Record that operators are shown an alert anew."""
    row.annunciated_at = now(db)
    values = {"alert": row.id, "time": now(db), "channel": row.channel, "kind": row.kind, "level": row.level}
    db.connection().execute(_INSERT_ANNUNCIATION, values)


def log_change(
    db: orm.Session, row: AlertRow, action: str, who: str, details: Mapping[str, Any] | None = None
) -> AlertRow:
    """Set the state of a changed row and write the change to the log."""
    row.state = state_of(row)
    log.append(db, f"alert:{row.id}", action, who, {"state": row.state, **(details or {})})
    return row


def _verdict_name(verdict: str) -> str:
    """Return a verdict as it is stored, from any way in which people write it."""
    name = name_of_verdict(verdict)
    if name not in VERDICTS:
        raise MaintenanceError(f"{verdict!r} is not a verdict.", f"Known: {', '.join(VERDICTS)}.")
    return name


def _set_acknowledged(db: orm.Session, row: AlertRow, who: str) -> None:
    row.acknowledged = True
    row.acknowledged_at = now(db)
    row.acknowledged_by = who.strip()


def _take_acknowledgement_back(db: orm.Session, row: AlertRow, who: str) -> None:
    before = {"acknowledged_by": row.acknowledged_by}
    row.acknowledged = False
    row.acknowledged_at = row.acknowledged_by = None
    log_change(db, row, ACKNOWLEDGEMENT_UNDONE, who, {"before": before})


def _allowed(db: orm.Session, alert: int, action: str, version: int | None) -> AlertRow:
    row = find(db, alert)
    log.check_version(db, f"alert:{alert}", row.version, version)
    if row.state not in ALLOWED[action]:
        raise _refused(row, action)
    return row


def _refused(row: AlertRow, action: str) -> TransitionError:
    state = _STATE_WORDS.get(row.state, f"is {row.state}")
    possible = [name for name, states in ALLOWED.items() if row.state in states]
    return TransitionError(
        f"Alert {row.id} cannot {action}: it {state}."
        if action == "return to normal"
        else f"Cannot {action} alert {row.id}: it {state}.",
        f"Possible now: {', '.join(possible) or 'nothing'}.",
    )
