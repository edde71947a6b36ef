"""Recognition: which findings of a channel are known events that have come again."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import sqlalchemy as sa
import xarray as xr
from sqlalchemy import orm

from workbench.detection.known_events import Shape, begins_like, compare
from workbench.maintenance.alerts.known.stored_shapes import read_shape, reason_against
from workbench.maintenance.alerts.known.table import KnownEventRow, KnownMatch, KnownShapeRow, KnownUseRow
from workbench.maintenance.alerts.raising import Finding, rejudge
from workbench.maintenance.alerts.table import AlertRow
from workbench.maintenance.options import AlertOptions
from workbench.parameters import LEVELS

__all__ = [
    "Recogniser",
    "effective_bound",
    "expired_uses",
    "judge_as_before",
    "recogniser_of",
    "refused_distances",
]

_KNOWN_LEVEL = LEVELS[0]
_REFUSED_SHARE = 0.9  # of the distance of an alert that was taken for the event, and was a real fault


@dataclass(frozen=True)
class _Event:
    id: int
    name: str
    bound: float
    shapes: tuple[tuple[KnownShapeRow, Shape], ...]

    def applied_to(self, channel: xr.Dataset) -> "_Event":
        """Return the event with those of its shapes that can be compared with a series as it is now."""
        return replace(self, shapes=tuple(pair for pair in self.shapes if not reason_against(pair[0], channel)))

    def match(self, channel: xr.Dataset, finding: Finding) -> KnownMatch | None:
        """Return the match of a finding with the nearest shape that it agrees with; None where there is none."""
        place = finding.start_sample, finding.end_sample
        comparisons = [compare(shape, channel, *place) for _, shape in self.shapes]
        distance = min((one.distance for one in comparisons if one.is_within(self.bound)), default=None)
        if distance is None:
            return None
        return KnownMatch(self.id, self.name, distance, self.bound, finding.level, finding.message)


@dataclass(frozen=True)
class Recogniser:
    """The known events of the channels that have some.

    Attributes
    ----------
    events : mapping of str to sequence
        Events that are enabled and have a shape, by channel.
    """

    events: Mapping[str, Sequence[_Event]]

    def recognise(self, channel: xr.Dataset, findings: Sequence[Finding]) -> list[Finding]:
        """Return the findings of a channel, those that are known events at the lowest level and named.

        Parameters
        ----------
        channel : xarray.Dataset
            Test split in which they were found.
        findings : sequence of Finding
            Anomalies of the channel.

        Returns
        -------
        list of Finding
            In the same order.
        """
        events = self.events.get(str(channel.attrs["channel"]), ())
        if not events or not findings:
            return list(findings)
        comparable = [event.applied_to(channel) for event in events]
        return [_recognised(channel, finding, comparable) for finding in findings]

    @staticmethod
    def recognise_assets(of_assets: Sequence[Finding], of_channels: Sequence[Finding]) -> list[Finding]:
        """Return the findings on whole assets, those that are but a known event of a channel at the lowest level.

        That is so where each finding on a channel of the asset at that time is a known event, one of them is on the
        channel that contributes most, and it covers at least half of the time. One that still runs keeps its level.

        Parameters
        ----------
        of_assets, of_channels : sequence of Finding
            Findings on whole assets, and those on channels after they were recognised.

        Returns
        -------
        list of Finding
            Those on assets, in the same order.
        """
        return [_recognised_asset(finding, of_channels) for finding in of_assets]


def _recognised_asset(finding: Finding, of_channels: Sequence[Finding]) -> Finding:
    contributions = json.loads(finding.contributions or "[]")
    meanwhile = [
        one
        for one in of_channels
        if (one.asset, one.clock) == (finding.asset, finding.clock)
        and one.first_at <= finding.last_at
        and finding.first_at <= one.last_at
    ]
    if finding.ongoing or not contributions or any(one.known is None for one in meanwhile):
        return finding
    for one in meanwhile:
        shared = min(one.last_at, finding.last_at) - max(one.first_at, finding.first_at)
        covers = 2 * shared >= finding.last_at - finding.first_at
        if one.known is not None and one.channel == contributions[0][0] and covers:
            match = replace(one.known, level=finding.level, message=finding.message)
            return replace(finding, level=_KNOWN_LEVEL, message=f"{match} {finding.message}", known=match)
    return finding


def _recognised(channel: xr.Dataset, finding: Finding, events: Sequence[_Event]) -> Finding:
    matches = [match for event in events if (match := event.match(channel, finding)) is not None]
    if not matches:
        return _provisional(channel, finding, events) if finding.ongoing else finding
    nearest = min(matches, key=lambda match: match.distance / match.bound)
    return replace(finding, level=_KNOWN_LEVEL, message=f"{nearest} {finding.message}", known=nearest)


def _provisional(channel: xr.Dataset, finding: Finding, events: Sequence[_Event]) -> Finding:
    """Return a finding that still runs, with the event that it is like so far; its level stays until it is over."""
    for event in events:
        if any(begins_like(shape, channel, finding.start_sample, event.bound) for _, shape in event.shapes):
            words = f"So far it is like the known event {event.name}; whether it is one is known when it is over."
            return replace(finding, message=f"{finding.message} {words}")
    return finding


def recogniser_of(db: orm.Session) -> Recogniser:
    """Return the recogniser of all events that are enabled and have a shape.

    Parameters
    ----------
    db : sqlalchemy.orm.Session
        Reading or writing transaction.
    """
    statement = (
        sa.select(KnownEventRow, KnownShapeRow)
        .join(KnownShapeRow, KnownShapeRow.event == KnownEventRow.id)
        .where(KnownEventRow.enabled, KnownEventRow.removed_at.is_(None), KnownShapeRow.state == "learnt")
        .order_by(KnownEventRow.id, KnownShapeRow.id)
    )
    rows: dict[int, KnownEventRow] = {}
    shapes: dict[int, list[tuple[KnownShapeRow, Shape]]] = {}
    for event, shape in db.execute(statement):
        rows[event.id] = event
        shapes.setdefault(event.id, []).append((shape, read_shape(shape)))
    refused = refused_distances(db) if rows else {}
    by_channel: dict[str, list[_Event]] = {}
    for number, event in rows.items():
        bound = effective_bound(event, refused.get(number))
        if bound:  # one of 0 would recognise nothing but a copy
            by_channel.setdefault(event.channel, []).append(_Event(number, event.name, bound, tuple(shapes[number])))
    return Recogniser(by_channel)


def effective_bound(event: KnownEventRow, refused: float | None) -> float | None:
    """Return the bound of an event: a person's, else the learnt one; None where there is neither.

    Parameters
    ----------
    event : KnownEventRow
        Row of the event.
    refused : float or None
        Least distance at which an alert was taken for the event, and then closed as a real fault: a learnt bound stays
        below it.
    """
    if event.chosen_bound is not None or event.learnt_bound is None:
        return event.chosen_bound
    return event.learnt_bound if refused is None else min(event.learnt_bound, _REFUSED_SHARE * refused)


def refused_distances(db: orm.Session) -> dict[int, float]:
    """Return for each event the least distance of its alerts that people closed as real faults."""
    statement = (
        sa.select(KnownUseRow.event, sa.func.min(KnownUseRow.distance))
        .join(AlertRow, AlertRow.id == KnownUseRow.alert)
        .where(AlertRow.verdict == "true")
        .group_by(KnownUseRow.event)
    )
    return {event: float(distance) for event, distance in db.execute(statement)}


def expired_uses(db: orm.Session) -> list[int]:
    """Return the open alerts that were recognised as a known event and are none any more, by their numbers.

    Their event was removed or disabled, or its bound is smaller than their distance by now.
    """
    if db.connection().execute(_OPEN_USE).first() is None:  # mostly there is none, and this is asked at every change
        return []
    statement = (
        sa.select(KnownUseRow.alert, KnownUseRow.distance, KnownEventRow)
        .join(KnownEventRow, KnownEventRow.id == KnownUseRow.event)
        .join(AlertRow, AlertRow.id == KnownUseRow.alert)
        .where(AlertRow.closed_at.is_(None))
        .order_by(KnownUseRow.alert)
    )
    uses = db.execute(statement).all()
    refused = refused_distances(db) if uses else {}
    bounds = {
        event.id: effective_bound(event, refused.get(event.id)) if event.enabled and event.removed_at is None else None
        for _, _, event in uses
    }
    return [alert for alert, distance, event in uses if distance > (bounds[event.id] or 0.0)]


_OPEN_USE = (
    sa.select(KnownUseRow.alert)
    .join(AlertRow, AlertRow.id == KnownUseRow.alert)
    .where(AlertRow.closed_at.is_(None))
    .limit(1)
)


def judge_as_before(db: orm.Session, options: AlertOptions) -> list[int]:
    """Set the open alerts that are a known event no longer to their own level, and return their numbers.

    Parameters
    ----------
    db : sqlalchemy.orm.Session
        Writing transaction.
    options : AlertOptions
        Latching levels.
    """
    db.flush()
    expired = expired_uses(db)
    for number in expired:
        use = db.get_one(KnownUseRow, number)
        rejudge(db, db.get_one(AlertRow, number), use.level, use.message, options)
    return expired
