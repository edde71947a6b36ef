"""Cases: which alerts of an asset belong together, and under which number.

Alerts of one asset that overlap, or of which one follows the other within a set time, are one case. Which alerts these
are follows from their moments alone, so that it is the same in whatever order they were raised; `partition` says it.
An alert counts from its evidence on: the samples that the threshold adds before it say nothing of when a channel moved.

What a person knows a case by is its number, and that depends on the past: a case keeps its number when alerts join it,
when they are found again, and when it takes in another case. Where an alert comes between two cases, the older number
stays; the younger one leads to it from then on. Where a case falls apart, since an alert has become shorter, the part
with its oldest alert keeps the number.

Channels without dates have no common time: sample 700 of one says nothing of sample 700 of another. Their alerts are
therefore cases by channel, unless the asset has alerts of its own (kind `asset`): the model behind these takes samples
of one number as of one time.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy import orm

from workbench.maintenance import log
from workbench.maintenance.alerts.actions import PROGRAM
from workbench.maintenance.alerts.places import span_of
from workbench.maintenance.alerts.table import ALERTS, CASES, EVIDENCE_AT, AlertRow, CaseRow
from workbench.maintenance.changes import note_change
from workbench.maintenance.database import now
from workbench.maintenance.options import AlertOptions

__all__ = ["ASSET_KIND", "Member", "group_alerts", "partition"]

ASSET_KIND = "asset"
"""Kind of the alerts on an asset as a whole, whose channel is the asset itself."""

_NANOSECONDS = 10**9


class Member(NamedTuple):
    """What decides to which case an alert belongs.

    Attributes
    ----------
    id : int
        Number of the alert.
    channel, kind : str
        Where it was found, and by what.
    clock : str
        `time` or `sample`, see `places.span_of`.
    first_at, last_at : int
        Moment of its first evidence and the last one on that clock, both inclusive.
    case : int or None
        Case that it is part of so far.
    """

    id: int
    channel: str
    kind: str
    clock: str
    first_at: int
    last_at: int
    case: int | None = None


def partition(alerts: Iterable[Member], options: AlertOptions) -> list[tuple[Member, ...]]:
    """Return the alerts of one asset case by case, whatever cases they are part of so far.

    Parameters
    ----------
    alerts : iterable of Member
        All alerts of the asset.
    options : AlertOptions
        How far apart alerts of one case may lie.

    Returns
    -------
    list of tuple of Member
        Each alert once; cases by their clock, their channel where each channel has its own, and their beginning.

    Examples
    --------
    >>> hour = 3600 * 10**9
    >>> spans = [(1, "Current", 0, hour), (2, "Pressure", 2 * hour, 3 * hour), (3, "Current", 5 * hour, 6 * hour)]
    >>> alerts = [Member(number, name, "model", "time", *span) for number, name, *span in spans]
    >>> [[alert.id for alert in case] for case in partition(alerts, AlertOptions())]
    [[1, 2], [3]]
    """
    members = list(alerts)
    samples_are_common = any(one.kind == ASSET_KIND and one.clock == "sample" for one in members)
    gaps = {"time": round(options.case_gap_seconds * _NANOSECONDS), "sample": options.case_gap_samples}

    def place(one: Member) -> tuple[str, str]:
        return one.clock, "" if one.clock == "time" or samples_are_common else one.channel

    cases: list[list[Member]] = []
    reach = 0
    for one in sorted(members, key=lambda one: (*place(one), one.first_at, one.id)):
        if cases and place(cases[-1][0]) == place(one) and one.first_at <= reach + gaps[one.clock]:
            cases[-1].append(one)
            reach = max(reach, one.last_at)
        else:
            cases.append([one])
            reach = one.last_at
    return [tuple(case) for case in cases]


def group_alerts(db: orm.Session, assets: Collection[str], options: AlertOptions) -> None:
    """Bring the alerts of some assets into cases, inside a writing transaction.

    Parameters
    ----------
    db : sqlalchemy.orm.Session
        Writing transaction; what is not written yet is written first.
    assets : collection of str
        Assets whose alerts have changed.
    options : AlertOptions
        How far apart alerts of one case may lie.
    """
    db.flush()
    for asset in sorted(assets):
        cases = partition(_members(db, asset), options)
        numbers = _numbers(db, asset, cases)
        moved = [
            {"alert": one.id, "case": number}
            for case, number in zip(cases, numbers, strict=True)
            for one in case
            if one.case != number
        ]
        if moved:
            db.connection().execute(_MOVE, moved)
            for one in moved:
                note_change(db, AlertRow, (one["alert"],), f"alert:{one['alert']}", {"case_id": one["case"]})
            db.expire_all()


_A = ALERTS.c
_MEMBERS = sa.select(_A.id, _A.channel, _A.kind, _A.clock, _A.first_at, _A.last_at, EVIDENCE_AT, _A.case_id).where(
    _A.asset == sa.bindparam("of_asset")
)
_MOVE = sa.update(ALERTS).where(_A.id == sa.bindparam("alert")).values(case_id=sa.bindparam("case"))


def _members(db: orm.Session, asset: str) -> list[Member]:
    rows: Sequence[Mapping[Any, Any]] = db.connection().execute(_MEMBERS, {"of_asset": asset}).mappings().all()
    members = []
    for row in rows:
        clock, _, last = span_of(row)
        members.append(Member(row["id"], row["channel"], row["kind"], clock, row["evidence_at"], last, row["case_id"]))
    return members


def _numbers(db: orm.Session, asset: str, cases: Sequence[Sequence[Member]]) -> list[int]:
    """Return the number of each case, and write down which cases are new, joined to others or fell apart."""
    heirs = _heirs(cases)
    inherited: list[list[int]] = [[] for _ in cases]
    for number, heir in sorted(heirs.items()):
        inherited[heir].append(number)
    numbers = []
    for at, case in enumerate(cases):
        if not inherited[at]:
            numbers.append(_open(db, asset))
            parts = sorted({one.case for one in case if one.case is not None})
            if parts:
                details = {"from": parts, "alerts": sorted(one.id for one in case)}
                log.append(db, f"case:{numbers[-1]}", "separated", PROGRAM, details)
            continue
        oldest, *others = inherited[at]
        numbers.append(oldest)
        for other in others:
            db.execute(
                sa.update(CASES).where(sa.or_(CASES.c.id == other, CASES.c.joined_to == other)).values(joined_to=oldest)
            )
            alerts = sorted(one.id for one in case if one.case == other)
            log.append(db, f"case:{oldest}", "joined", PROGRAM, {"case": other, "alerts": alerts})
    return numbers


def _heirs(cases: Sequence[Sequence[Member]]) -> dict[int, int]:
    """Return which of some cases keeps each number so far: the one with the oldest alert of that number."""
    oldest: dict[int, tuple[int, int]] = {}
    for at, case in enumerate(cases):
        for one in case:
            if one.case is not None:
                oldest[one.case] = min(oldest.get(one.case, (one.id, at)), (one.id, at))
    return {number: at for number, (_, at) in oldest.items()}


def _open(db: orm.Session, asset: str) -> int:
    last = db.scalar(sa.select(sa.func.max(CASES.c.id))) or 0  # a sequence would leave gaps; there is one writer
    db.add(CaseRow(id=last + 1, asset=asset, opened_at=now(db), joined_to=None))
    db.flush()
    return int(last) + 1
