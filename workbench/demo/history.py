"""A year with the demo fleet, lived through the functions that people use: what the log says has happened happened."""

import heapq
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.demo.troubles import DAYS, FAILURE, FALSE_ALARM, TROUBLES, WEAR, Trouble
from workbench.detection.scoring import anomalies_to_alert
from workbench.exceptions import MaintenanceError
from workbench.maintenance.alerts.findings import anomaly_findings, limit_findings
from workbench.maintenance.alerts.raising import Finding
from workbench.maintenance.orders.checklists import BEFORE_WORK

if TYPE_CHECKING:
    from workbench.maintenance.orders.table import WorkOrder
    from workbench.session import Session

__all__ = ["OPERATOR", "PLANNER", "TECHNICIANS", "Clock", "live_through"]

OPERATOR, PLANNER = "Dana Weiss", "Emil Sato"

TECHNICIANS: Mapping[str, Mapping[str, Any]] = {
    "Mara Lind": {"skills": ["electrical", "thermal"], "rate": 62.0, "hours": ["Mon-Fri 08:00-16:00"]},
    "Tom Okafor": {"skills": ["mechanical"], "rate": 54.0, "hours": ["Mon-Fri 07:00-15:00"]},
    "Ines Ruiz": {"skills": ["mechanical", "electrical"], "rate": 58.0, "hours": ["Mon-Thu 09:00-18:00"]},
}
"""Technicians, as `People.set` takes them."""

_PARTS: Mapping[str, Mapping[str, Any]] = {
    "bearing 6310": {"stock": 14, "minimum": 2, "lead_days": 9.0, "unit_cost": 118.0},
    "grease cartridge": {"stock": 60, "minimum": 6, "lead_days": 2.0, "unit_cost": 14.5},
    "shaft seal": {"stock": 16, "minimum": 3, "lead_days": 12.0, "unit_cost": 86.0},
    "strainer basket": {"stock": 20, "minimum": 2, "lead_days": 5.0, "unit_cost": 41.0},
}
_PREVENTIVE: tuple[tuple[str, str, Mapping[str, Any]], ...] = (
    ("Grease the bearing", "Pump-1", {"every_days": 28.0, "hours": 1.0, "parts": {"grease cartridge": 1}}),
    ("Wash the strainer", "Pump-1", {"every_days": 42.0, "hours": 1.5}),
    ("Run in the reaction wheel", "Orbiter-1", {"every_days": 61.0, "hours": 2.0}),
    ("Calibrate the detector", "Orbiter-2", {"calendar": "first Tuesday", "hours": 1.5}),
)
_MEAN_DAYS = 6.5  # between two troubles
_LAST_MADE_UP = timedelta(days=7)  # what is younger comes from the telemetry
_PLANNED_BEFORE = timedelta(days=3)
_RULE_ACTOR = "workbench"
_SEVERITIES = {"low": 2.9, "medium": 5.6, "high": 11.2}
_MINUTES_UNATTENDED = 30.0
"""Minutes before the end from which on nobody acknowledges: what was raised last waits for whoever opens the page."""

_MINUTE, _HOUR, _DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
_SEEN_AFTER = 51 * _MINUTE  # from the start of an anomaly of the forecast to its alert, the median
_ANSWERS: Mapping[str, Any] = {
    "done": True,
    "safety": True,
    "number": "1",
    "meter": "1",
    "permit": "P-114",
    "text": "as the alert says",
}
_KNOWN: Mapping[tuple[str, bool], str] = {
    ("PWR-3", True): "Drift of the sensor between two calibrations",
    ("RWA-3", False): "Wheel run in after it was unloaded",
}
"""What becomes a known event: channel, and whether it is labelled as a fault."""

_CERTAIN_DAYS = (11.3, 6.2)
"""Days before the end at which something fails for certain: each figure of the last week and of the one before has
something to be computed from."""

_PREVENTIVE_EVERY = timedelta(days=5)

_AFTER_TELEMETRY = 1_000_000
"""Number from which events count that come of others: of two at one time, what the telemetry shows is the first."""

Event = Callable[[], object]


class Clock:
    """A clock that stands until it is set."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        """Return the time that it was set to."""
        return self.now


@dataclass(frozen=True)
class _Work:
    """What comes of an order."""

    found: str
    done: str
    hours: float
    codes: Mapping[str, str]


def live_through(
    session: "Session", clock: Clock, end: datetime, days: int = DAYS, scored: Callable[[], object] | None = None
) -> None:
    """Let time pass up to an end, at which the stored scores of the session have raised their alerts.

    Alerts are raised when they would have been, acknowledged, and closed with a verdict; orders are opened, assigned
    and done; assets go out of service and come back; two plans are made and accepted. The last days come from the
    telemetry in the archive, all before from `workbench.demo.troubles`; the same seed gives the same life.

    Parameters
    ----------
    session : Session
        Session with channels and an empty maintenance database, whose clock is `clock`.
    clock : Clock
        Set to each moment in turn, and to the end.
    end : datetime.datetime
        End, aware.
    days : int
        Days that pass.
    scored : callable, optional
        Called before the first day of the test series, and returns once the channels are scored; they are scored
        already where omitted.
    """
    _Life(session, clock, end, days).run(scored)


class _Life:
    def __init__(self, session: "Session", clock: Clock, end: datetime, days: int) -> None:
        self._session, self._desk, self._clock = session, session.maintenance, clock
        self._begun, self._end = end - days * _DAY, end
        self._rng = np.random.default_rng(session.settings.seed)
        self._events: list[tuple[datetime, int, Event]] = []
        self._number = count()
        self._work: dict[str, _Work] = {}  # by number of the order
        self._infos = {info.channel: info for info in session.archive.infos()[0]}
        self._troubles = [one for one in TROUBLES if self._infos.keys() >= set(one.channels)]

    def run(self, scored: Callable[[], object] | None) -> None:
        """Live to the end."""
        self._clock.now = self._begun
        self._begin()
        at = self._begun + 2 * _DAY
        while at < self._end - _LAST_MADE_UP:
            self._at(at, self._trouble, self._pick(self._troubles, [one.often for one in self._troubles]))
            at += timedelta(days=float(self._rng.exponential(_MEAN_DAYS))) + 3 * _HOUR
        failures = [one for one in self._troubles if one.found == FAILURE]
        for days in _CERTAIN_DAYS:
            self._at(self._end - timedelta(days=days), self._trouble, self._pick(failures))
        at = self._begun + 6 * _HOUR
        while at < self._end:
            self._at(at, self._open_preventive)
            at += _PREVENTIVE_EVERY
        self._at(self._end - _PLANNED_BEFORE, self._plan)
        from_telemetry, self._number = self._number, count(_AFTER_TELEMETRY)
        self._live_until(self._first_sample())
        if scored is not None:
            scored()
        self._number, later = from_telemetry, self._number
        self._from_telemetry()
        self._number = later
        self._live_until(self._end)
        self._clock.now = self._end
        self._session.raise_alerts()
        self._plan()

    def _live_until(self, end: datetime) -> None:
        while self._events and self._events[0][0] < end:
            at, _, event = heapq.heappop(self._events)
            self._clock.now = max(self._clock.now, at)
            event()

    def _first_sample(self) -> datetime:
        """Return when the first test series begins: nothing comes from the telemetry before."""
        dates = self._session.archive.all_dates(list(self._infos))
        return min((first.to_pydatetime() for first, _ in dates.values()), default=self._end)

    # ---- people and plans

    def _begin(self) -> None:
        for name, values in TECHNICIANS.items():
            self._desk.people.set(name, PLANNER, **values)
        for name, values in _PARTS.items():
            self._desk.parts.set(name, PLANNER, **values)
        assets = list(dict.fromkeys(info.asset for info in self._infos.values()))
        for asset in assets:
            self._desk.register.change(asset, PLANNER, in_service_from=self._clock.now)
        for title, asset, values in _PREVENTIVE:
            if asset in assets:
                self._desk.preventive.add(title, asset, PLANNER, **values)

    def _open_preventive(self) -> None:
        for number in self._desk.preventive.open_due(_RULE_ACTOR):
            self._handle(self._desk.orders.get(number))

    def _plan(self) -> None:
        """Plan what is open, promise it, and do it when it was promised."""
        plan = self._desk.planning.make(PLANNER)
        if not plan.placements:
            return
        self._desk.planning.accept(PLANNER)
        for one in plan.placements:
            work = self._work.get(one.job)
            if work is not None:
                self._at(one.start, self._start, one.job)
                self._at(one.start + timedelta(hours=work.hours), self._complete, one.job)

    # ---- troubles of the year

    def _trouble(self, trouble: Trouble) -> None:
        began, lasts = self._clock.now - _SEEN_AFTER, timedelta(hours=float(self._rng.uniform(1.5, 9)))
        findings = []
        for place, channel in enumerate(trouble.channels):
            start = began + place * 17 * _MINUTE
            findings.append(self._made_up(channel, trouble.level, start, start + lasts))
        alerts = self._raise([self._so_far(finding) for finding in findings])
        self._at(began + lasts + _HOUR, self._raise, findings)
        if trouble.found == FALSE_ALARM:
            for alert in alerts:
                self._at(began + lasts + 2 * _HOUR, self._close, alert, "false alarm", trouble.done)
            return
        work = _Work(
            trouble.found,
            trouble.done,
            trouble.hours * float(self._rng.uniform(0.7, 1.2)),
            {name: getattr(trouble, name) for name in ("mode", "mechanism", "cause", "component")},
        )
        if trouble.level == "high":  # the rule opens its order
            self._open_by_rule(work)
        else:
            self._at(self._clock.now + 40 * _MINUTE, self._open_by_hand, alerts, trouble, work)

    def _open_by_hand(self, alerts: Sequence[int], trouble: Trouble, work: _Work) -> None:
        with suppress(MaintenanceError):  # the order of another alert has taken them
            self._handle(
                self._desk.orders.from_alerts(alerts, OPERATOR, hours=trouble.hours, parts=dict(trouble.parts)), work
            )

    def _made_up(self, channel: str, level: str, start: datetime, end: datetime) -> Finding:
        info = self._infos[channel]
        ratio = float(self._rng.uniform(1.6, 4.2))
        limit = float(self._rng.uniform(0.1, 0.9))
        severity = _SEVERITIES[level] * float(self._rng.uniform(0.8, 1.25))
        source = f"{channel}.ridge/1"
        return Finding(
            channel=channel,
            asset=info.asset,
            subsystem=info.subsystem,
            units=info.units,
            kind="model",
            start_sample=0,
            end_sample=int((end - start) / _MINUTE),
            start_time=start,
            end_time=end,
            level=level,
            severity=severity,
            value=ratio * limit,
            threshold=limit,
            source=source,
            message=(
                f"{channel} left its forecast at {start:%Y-%m-%d %H:%M} UTC: the smoothed error reached "
                f"{ratio * limit:.3g} {info.units}, {ratio:.1f} times epsilon, {limit:.3g} {info.units} ({source})."
            ),
            ongoing=False,
        )

    # ---- what the telemetry in the archive shows

    def _from_telemetry(self) -> None:
        """Let each alert of the stored scores be raised when it would have been."""
        for finding in self._found():
            assert finding.start_time is not None
            assert finding.end_time is not None
            first = finding.start_time if finding.evidence_at is None else _time(finding.evidence_at)
            seen = first + (4 * _MINUTE if finding.kind == "limit" or finding.at_once else _SEEN_AFTER)
            self._at(seen, self._seen, finding)
            if not finding.ongoing:
                self._at(max(finding.end_time, seen) + _MINUTE, self._raise, [finding])

    def _found(self) -> list[Finding]:
        session, findings = self._session, list[Finding]()
        for name in session.archive.channels():
            scored, test = session.stored(name), session.channel(name, "test")
            if scored is not None:
                last, anomalies = anomalies_to_alert(scored, session.settings.severity)
                findings += anomaly_findings(test, scored, anomalies, last) if last is not None else []
            findings += limit_findings(test, session.catalog.channel(name).limits, session.settings.alerts)
        return findings

    def _seen(self, finding: Finding) -> None:
        alerts = self._raise([self._so_far(finding)])
        hours = float(self._rng.uniform(1.0, 2.5))
        self._open_by_rule(
            _Work(WEAR, "Checked against the telemetry, and repaired", hours, {"mode": "PDE", "mechanism": "3.0"}),
            lasts=finding.ongoing,
        )
        assert finding.end_time is not None
        judged = max(finding.end_time, self._clock.now) + timedelta(hours=float(self._rng.uniform(2, 9)))
        for alert in alerts if not finding.ongoing else ():
            self._at(judged, self._judge, alert, finding)

    def _judge(self, alert: int, finding: Finding) -> None:
        """Close an alert that no order is for: rare, and as it always is, or a fault of the sensor."""
        if alert in self._desk.orders_of_alerts():
            return
        labels = self._session.archive.labels(finding.channel)
        is_labelled = labels is not None and bool(
            ((labels["start"] <= finding.end_sample) & (labels["end"] >= finding.start_sample)).any()
        )
        if finding.kind == "model" and (finding.channel, is_labelled) in _KNOWN:
            self._close(alert, "known behaviour", _KNOWN[finding.channel, is_labelled])
        elif is_labelled:
            self._close(alert, "true", "A fault of the sensor, gone by itself")
        else:
            self._close(alert, "false alarm", "Normal operation that is rare")

    # ---- alerts

    def _raise(self, findings: Sequence[Finding]) -> tuple[int, ...]:
        """Raise or update alerts; each that is announced is acknowledged some minutes later."""
        report = self._desk.alerts.raise_findings([], findings)
        for alert in (*report.raised, *report.updated, *report.reopened):
            at = self._clock.now + timedelta(minutes=2 + float(self._rng.exponential(8)))
            if at < self._end - _MINUTES_UNATTENDED * _MINUTE:
                self._at(at, self._try, self._desk.alerts.acknowledge, alert, OPERATOR)
        return report.raised

    def _so_far(self, finding: Finding) -> Finding:
        """Return a finding as it was seen at the present time: of what had happened until then."""
        now = self._clock.now
        assert finding.start_time is not None
        assert finding.end_time is not None
        if finding.end_time <= now:
            return finding
        rows = int((finding.end_time - now) / _MINUTE)
        end = max(finding.start_time, now)
        return replace(
            finding,
            ongoing=True,
            end_sample=max(finding.start_sample, finding.end_sample - rows),
            end_time=end,
            last_at=max(finding.first_at, int(end.timestamp()) * 1_000_000_000),
        )

    def _close(self, alert: int, verdict: str, comment: str) -> None:
        self._try(self._desk.alerts.close, alert, OPERATOR, verdict, comment)

    # ---- orders

    def _open_by_rule(self, work: _Work, *, lasts: bool = False) -> None:
        """Open the orders that alerts ask for, and let them be done; what lasts is left for later."""
        for number in self._desk.orders.by_rule(_RULE_ACTOR)["opened"]:
            if not lasts:
                self._handle(self._desk.orders.get(number), work)

    def _handle(self, order: "WorkOrder", work: _Work | None = None) -> None:
        """Let an order be assigned, started and completed."""
        work = work or _Work(FALSE_ALARM, "Done as planned", order.estimated_hours, {})
        self._work[order.number] = work
        is_failure = work.found == FAILURE
        longest = 3.0 if is_failure else 9.0 if order.priority.name == "urgent" else 30.0
        assigned = self._clock.now + (10 if is_failure else 50) * _MINUTE
        starts = _by_day(assigned + timedelta(hours=float(self._rng.uniform(0.3, longest))))
        if is_failure:
            self._at(
                self._clock.now + 15 * _MINUTE, self._try, self._desk.outages.start, order.asset, OPERATOR, order.title
            )
        technician = self._pick(list(TECHNICIANS))
        self._at(assigned, self._try, self._desk.orders.assign, order.number, technician, PLANNER)
        self._at(starts, self._start, order.number)
        self._at(starts + timedelta(hours=work.hours), self._complete, order.number)

    def _start(self, number: str) -> None:
        order = self._desk.orders.get(number)
        who = order.assignee or PLANNER
        for place, item in enumerate(order.checklist, 1):
            if item.kind in BEFORE_WORK and item.answer is None:
                self._try(self._desk.orders.answer, number, place, _ANSWERS[item.kind], who)
        self._try(self._desk.orders.start, number, who)

    def _complete(self, number: str) -> None:
        order, work = self._desk.orders.get(number), self._work[number]
        if order.state != "in progress":
            return
        technician = order.assignee or PLANNER
        for place, item in enumerate(order.checklist, 1):
            if item.answer is None:
                answer = item.choices[0] if item.kind == "choice" else _ANSWERS[item.kind]
                self._try(self._desk.orders.answer, number, place, answer, technician)
        self._desk.orders.book(number, technician, round(work.hours, 2), technician)
        codes: dict[str, Any] = {name: code for name, code in work.codes.items() if code}
        verdict = "true" if order.alerts else None
        self._desk.orders.complete(number, technician, done=work.done, failure=work.found, verdict=verdict, **codes)
        if work.found == FAILURE:
            self._try(self._desk.outages.end, order.asset, technician)

    # ---- time and chance

    def _at(self, when: datetime, action: Callable[..., object], *arguments: Any) -> None:
        event: Event = partial(action, *arguments)
        heapq.heappush(self._events, (when, next(self._number), event))

    def _pick(self, values: Sequence[Any], weights: Iterable[float] | None = None) -> Any:
        shares = np.ones(len(values)) if weights is None else np.array(list(weights))
        return values[int(self._rng.choice(len(values), p=shares / shares.sum()))]

    @staticmethod
    def _try(action: Callable[..., object], *arguments: Any) -> None:
        """Do what may not be possible any more, as somebody has done or closed it meanwhile."""
        with suppress(MaintenanceError):
            action(*arguments)


def _by_day(at: datetime) -> datetime:
    """Return a time, or the next one between 7 and 16 o'clock."""
    while not 7 <= at.hour < 16:
        at = at.replace(minute=at.minute % 30) + _HOUR
    return at


def _time(moment: int) -> datetime:
    return datetime.fromtimestamp(moment / 1_000_000_000, UTC)
