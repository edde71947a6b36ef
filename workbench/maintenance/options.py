"""Options of alerts, work orders, the schedule and notifications, all parts of the settings."""

import logging
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from workbench.exceptions import MaintenanceError
from workbench.maintenance.values import MAX_ORDER_HOURS, MAX_PART_PIECES, MAX_WAIT_DAYS
from workbench.maintenance.windows import DEFAULT_HOURS, WorkingCalendar

__all__ = [
    "ON_CALL",
    "AlertOptions",
    "Level",
    "NotificationOptions",
    "NotificationTarget",
    "OnCallOptions",
    "OnCallShift",
    "OrderOptions",
    "OrderTemplate",
    "ScheduleOptions",
]

ON_CALL = "on-call"
"""Recipient of what goes to whoever is on call when it is sent: no target and no person has this name."""

_LOG = logging.getLogger(__name__)

Level = Literal["info", "low", "medium", "high", "critical"]


class AlertOptions(BaseModel):
    """Options of alerts: when they are raised, latched, shelved, escalated and grouped.

    Attributes
    ----------
    least_level : str
        Anomalies below this level raise no alert.
    limit_alarms : bool
        Whether the limits of the catalog raise alerts beside the model.
    on_delay : int
        Consecutive samples beyond a limit, or inside an anomaly of the forecast, before an alert is raised. What the
        envelope found raises one however short it is: a single spike is what it looks for.
    hysteresis : float
        How far a value must come back inside its limit before the alarm clears, as a fraction of the span of the
        channel's limits (of the limit's own size where there is but one).
    warning_level, critical_level : str
        Level of an alert for an exceeded warning or critical limit.
    latching : tuple of str
        Levels whose alerts stay active after their condition is gone, until a person resets them.
    longest_shelf_hours : float
        Longest time for which an alert can be shelved.
    escalate_after_minutes : dict of str to float
        Minutes after which an unacknowledged alert is escalated, by level; a level that is not listed never is.
    reopen_levels : int
        Levels by which the anomaly of a closed alert must have risen above the level that was judged before the alert
        opens again.
    reopen_length : float
        How many times as long as what was judged it must have become before the alert opens again.
    case_gap_seconds : float
        Alerts on one asset that overlap, or of which one follows the other within this time, are one case.
    case_gap_samples : int
        The same for channels without dates, in samples; see `workbench.maintenance.alerts.grouping`.
    operators : int
        People who share the alerts, for the figures per operator.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    least_level: Level = "info"
    limit_alarms: bool = True
    on_delay: int = Field(3, ge=1, le=1_000_000_000)
    hysteresis: float = Field(0.02, ge=0, lt=1)
    warning_level: Level = "medium"
    critical_level: Level = "critical"
    latching: tuple[Level, ...] = ("critical",)
    longest_shelf_hours: float = Field(24.0, gt=0, le=87_600)
    escalate_after_minutes: dict[Level, Annotated[float, Field(ge=0, le=5_256_000)]] = {
        "medium": 480.0,
        "high": 60.0,
        "critical": 15.0,
    }
    reopen_levels: int = Field(2, ge=1, le=5)
    reopen_length: float = Field(3.0, ge=1, le=1_000_000)
    case_gap_seconds: float = Field(3600.0, ge=0, le=31_536_000)
    case_gap_samples: int = Field(60, ge=0, le=1_000_000_000)
    operators: int = Field(1, ge=1, le=1_000_000)

    @model_validator(mode="before")
    @classmethod
    def _without_groups(cls, values: Any) -> Any:
        """Leave out the option of releases before there were cases, which settings files may still have."""
        if not isinstance(values, dict) or "group_seconds" not in values:
            return values
        _LOG.warning(
            "The setting alerts.group_seconds has no effect any more: alerts of one asset form cases, by "
            "alerts.case_gap_seconds and case_gap_samples. Remove it from workbench.yaml."
        )
        return {name: value for name, value in values.items() if name != "group_seconds"}


class OrderTemplate(BaseModel):
    """Content with which a work order on a subsystem begins.

    Attributes
    ----------
    title : str
        Title, in which `{asset}`, `{subsystem}` and `{channel}` are filled in.
    type : str
        Type of the order, of `ORDER_TYPES`.
    hours : float
        Estimated hours of work, above 0.
    skills : tuple of str
        Skills that the technician must have.
    checklist : tuple of dict
        Items, as `workbench.maintenance.orders.checklists.from_json` reads them. An order for alerts begins with a look
        at the telemetry, where no checklist is set.
    parts : dict of str to int
        Quantity of each part that is needed.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str = "Inspect {channel} on {asset}"
    type: str = "predictive"
    hours: float = Field(2.0, gt=0, le=MAX_ORDER_HOURS)
    skills: tuple[str, ...] = ()
    checklist: tuple[dict[str, object], ...] = ({"text": "What was found", "kind": "text"},)
    parts: dict[str, Annotated[int, Field(ge=1, le=MAX_PART_PIECES)]] = {}

    def items(self, for_alerts: bool) -> tuple[dict[str, object], ...]:
        """Return the items of the checklist of an order for alerts, or of one that a person opens."""
        looks = for_alerts and "checklist" not in self.model_fields_set
        return (_LOOK_AT_TELEMETRY, *self.checklist) if looks else self.checklist


_LOOK_AT_TELEMETRY: dict[str, object] = {"text": "Compare the telemetry with its forecast around the anomaly"}
_MADE_SAFE: dict[str, object] = {"text": "Stopped, isolated and locked out", "kind": "safety"}
_AS_FOUND: dict[str, object] = {"text": "What was found", "kind": "text"}
_PERMIT: dict[str, object] = {"text": "Work permit", "kind": "permit"}


def _by_mode(*items: dict[str, object]) -> OrderTemplate:
    return OrderTemplate(title="Repair {channel} on {asset}", type="corrective", checklist=(_MADE_SAFE, *items))


_LEAK = _by_mode(
    {"text": "Pressure relieved", "kind": "safety"},
    {"text": "Where it leaks", "kind": "text"},
    {"text": "Tight after the repair, at working pressure"},
)
_HEAT = _by_mode(
    _AS_FOUND,
    {"text": "Temperature before", "kind": "number", "units": "°C"},
    {"text": "Temperature after, at usual load", "kind": "number", "units": "°C"},
)
_SHAKE = _by_mode(
    _AS_FOUND,
    {"text": "Vibration before, RMS", "kind": "number", "units": "mm/s"},
    {"text": "Foundation bolts and coupling", "kind": "choice", "choices": ["tight", "loose", "worn"]},
    {"text": "Vibration after, RMS", "kind": "number", "units": "mm/s"},
)
BUILT_IN_TEMPLATES: dict[str, OrderTemplate] = {
    **{f":{mode}": _LEAK for mode in ("ELP", "ELU", "INL", "LCP")},
    **{f":{mode}": _SHAKE for mode in ("VIB", "NOI")},
    ":OHE": _HEAT,
    ":STD": _by_mode(_PERMIT, _AS_FOUND, {"text": "Parts that were replaced", "kind": "text"}),
    ":BRD": _by_mode(_PERMIT, _AS_FOUND, {"text": "Parts that were replaced", "kind": "text"}),
}
"""Templates by failure mode, which templates of the settings go before."""


class OrderOptions(BaseModel):
    """Options of work orders: when they open by themselves, and what they begin with.

    Attributes
    ----------
    open_from_level : str or None
        Alerts of this level and above open a work order when they are raised; None for no order by rule.
    due_days : dict of str to float
        Days until an order is due, by priority; a priority that is not listed has no due date.
    templates : dict of str to OrderTemplate
        Templates by subsystem or `asset/subsystem`, by failure mode (`:VIB`) or both (`P:VIB`, `SMAP/P:VIB`);
        `default` for all others.
    attachment_mb : float
        Largest size of an attached file, in MB of 2**20 bytes.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    open_from_level: Level | None = "high"
    due_days: dict[str, Annotated[float, Field(ge=0, le=MAX_WAIT_DAYS)]] = {
        "urgent": 1.0,
        "high": 3.0,
        "medium": 14.0,
        "low": 30.0,
    }
    templates: dict[str, OrderTemplate] = {}
    attachment_mb: float = Field(20.0, gt=0, le=200)

    def template(self, asset: str, subsystem: str, mode: str = "") -> OrderTemplate:
        """Return the template of a subsystem and, where one is suspected, of a failure mode.

        Examples
        --------
        >>> options = OrderOptions(templates={"P": OrderTemplate(hours=4), "SMAP/P": OrderTemplate(hours=6)})
        >>> [options.template(*place).hours for place in (("SMAP", "P"), ("MSL", "P"), ("MSL", "T"))]
        [6.0, 4.0, 2.0]
        >>> [item["text"] for item in options.template("MSL", "T", "ELP").items(for_alerts=False)][:2]
        ['Stopped, isolated and locked out', 'Pressure relieved']
        """
        places = [f"{asset}/{subsystem}", *([subsystem] if subsystem else [])]
        known = BUILT_IN_TEMPLATES | self.templates
        for key in [*([f"{place}:{mode}" for place in (*places, "")] if mode else []), *places, "default"]:
            if key in known:
                return known[key]
        return OrderTemplate()


class ScheduleOptions(BaseModel):
    """Options of the schedule: windows, horizon, weights of the objective and effort of the solver.

    Attributes
    ----------
    hours : tuple of str
        Maintenance windows, as `Mon-Fri 08:00-17:00`.
    timezone : str
        IANA zone of all hours here.
    closed : tuple of date
        Days without maintenance.
    operating : dict of str to tuple of str
        Hours in which an asset runs and must not be stopped; none for an asset that is not listed.
    horizon_days : int
        Days that are planned.
    frozen_days : float
        Days from the acceptance of a plan on in which its orders do not move any more unless somebody releases them.
    slot_minutes : int
        Grid of starts; hours of a job are rounded up to it.
    lateness : float
        Points for each hour that a job of priority 1 is late; a job of priority 0 counts a tenth of it. A job that
        is not planned counts as late by twice the horizon.
    idle : float
        Points for each working hour in which a technician waits for a job before their last one.
    cost : float
        Points for each unit of currency of a technician's time.
    change : float
        Points for each job that leaves its technician or start of the previous plan.
    effort : float
        Work of the solver in CP-SAT's deterministic seconds: the same input gives the same plan on any machine.
    time_limit : float
        Most seconds of solving, whatever the effort; a plan that it stops may differ from run to run.
    seed : int
        Seed of the solver.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    hours: tuple[str, ...] = DEFAULT_HOURS
    timezone: str = "UTC"
    closed: tuple[date, ...] = ()
    operating: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    horizon_days: int = Field(28, ge=1, le=366)
    frozen_days: float = Field(7.0, ge=0, le=366)
    slot_minutes: int = Field(15, ge=5, le=240)
    lateness: float = Field(10.0, ge=0, le=1e4)
    idle: float = Field(1.0, ge=0, le=1e4)
    cost: float = Field(0.01, ge=0, le=1e4)
    change: float = Field(2.0, ge=0, le=1e4)
    effort: float = Field(0.5, gt=0, le=3600)
    time_limit: float = Field(10.0, gt=0, le=3600)
    seed: int = Field(0, ge=0, lt=2**31)

    @model_validator(mode="after")
    def _hours_can_be_read(self) -> Self:
        try:
            self.calendar()
            self.operating_calendars()
        except MaintenanceError as error:
            raise ValueError(str(error)) from None
        return self

    def calendar(self) -> WorkingCalendar:
        """Return the maintenance windows as a calendar."""
        return WorkingCalendar(self.hours, self.timezone, self.closed)

    def operating_calendars(self) -> dict[str, WorkingCalendar]:
        """Return the operating hours of each asset that has some."""
        return {asset: WorkingCalendar(lines, self.timezone) for asset, lines in self.operating.items()}


class NotificationTarget(BaseModel):
    """Target to which notifications are sent.

    Attributes
    ----------
    url : str
        Address as Apprise reads it, for example `mailtos://user:password@example.com`, `slack://...`, `json://host/path`;
        or that of a file, `file:///var/log/alerts.txt`, behind which each message is written.
    least_level : str
        Least level of the alerts that are sent.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: str
    least_level: Level = "high"


class OnCallShift(BaseModel):
    """One shift of the on-call rota.

    Attributes
    ----------
    who : str
        Name of the person, one of `notifications.people`.
    since, until : datetime
        First moment of the shift, and the first after it; in `notifications.timezone` where they have no zone.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    who: Annotated[str, Field(min_length=1, max_length=100)]
    since: datetime
    until: datetime

    @model_validator(mode="after")
    def _ends_after_it_begins(self) -> Self:
        if (self.since.tzinfo is None) != (self.until.tzinfo is None):
            raise ValueError("since and until must both have a time zone, or neither")
        if self.until <= self.since:
            raise ValueError(f"the shift of {self.who} ends at {self.until}, not after it begins")
        return self


class OnCallOptions(BaseModel):
    """Options of the on-call rota: who is told of alerts in person, and who next where nobody acknowledges.

    Attributes
    ----------
    shifts : tuple of OnCallShift
        The rota; where two shifts overlap, the one that begins later holds.
    calendar : Path or None
        The rota as an ICS calendar file in place of `shifts`: each event is a shift, and its title the name of a
        person. It is read anew at each use.
    fallback : str or None
        Name of the person who is told where nobody is on call, and last where nobody acknowledges.
    least_level : str
        Least level of the alerts that the person on call is told of.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    shifts: tuple[OnCallShift, ...] = ()
    calendar: Path | None = None
    fallback: str | None = None
    least_level: Level = "high"

    @model_validator(mode="after")
    def _has_one_rota(self) -> Self:
        if self.shifts and self.calendar is not None:
            raise ValueError("shifts and calendar are both set; use one of the two")
        return self

    @property
    def is_set(self) -> bool:
        """Whether anybody is ever on call."""
        return bool(self.shifts or self.calendar is not None or self.fallback)


class NotificationOptions(BaseModel):
    """Options of notifications: who is notified of alerts and work orders, and how soon.

    Attributes
    ----------
    targets : dict of str to NotificationTarget
        Targets by a name of your own, which are notified of alerts.
    people : dict of str to str
        Address of each person by name, as Apprise reads it: of technicians, who are notified of their work orders, and
        of those on call.
    on_call : OnCallOptions
        Who is on call.
    link_hours : float
        Hours for which the link in a message acknowledges its alert, where `dashboard.public_url` is set.
    batch_seconds : dict of str to float
        How long an alert of a level waits for others that go into the same message.
    cool_down_seconds : float
        After a message about a channel and kind, further alerts of both wait this long.
    quiet_hours : tuple of str
        Hours in which only the most severe are sent, as `Mon-Sun 22:00-24:00`; the others follow in one message, and so
        do messages about work orders.
    timezone : str
        IANA zone of the quiet hours, of the on-call rota, and of the days on which work orders are due.
    quiet_below : str
        Alerts below this level keep the quiet hours.
    keep_days : float or None
        Days after which what was sent, dropped or given up is removed from the outbox, unless its alert or order is
        still open; None keeps all. The maintenance log tells of each message for good.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    targets: dict[Annotated[str, Field(min_length=1, max_length=100)], NotificationTarget] = {}
    people: dict[Annotated[str, Field(min_length=1, max_length=100)], str] = {}
    on_call: OnCallOptions = OnCallOptions()
    link_hours: float = Field(24.0, gt=0, le=720)
    batch_seconds: dict[Level, Annotated[float, Field(ge=0, le=31_536_000)]] = {
        "info": 3600.0,
        "low": 3600.0,
        "medium": 900.0,
        "high": 60.0,
        "critical": 0.0,
    }
    cool_down_seconds: float = Field(900.0, ge=0, le=31_536_000)
    quiet_hours: tuple[str, ...] = ()
    timezone: str = "UTC"
    quiet_below: Level = "critical"
    keep_days: float | None = Field(365.0, ge=1, le=36_500)

    @model_validator(mode="after")
    def _hours_can_be_read(self) -> Self:
        try:
            self.quiet()
            WorkingCalendar(DEFAULT_HOURS, self.timezone)
        except MaintenanceError as error:
            raise ValueError(str(error)) from None
        return self

    @model_validator(mode="after")
    def _names_are_told_apart(self) -> Self:
        if ON_CALL in {*self.targets, *self.people}:
            raise ValueError(f"{ON_CALL!r} stands for whoever is on call; name the target or person otherwise")
        both = sorted(set(self.targets) & set(self.people))
        if both:
            raise ValueError(f"{', '.join(both)} is the name of a target and of a person; rename one of them")
        named = {f"on_call.shifts.{place}.who": shift.who for place, shift in enumerate(self.on_call.shifts)}
        named |= {"on_call.fallback": self.on_call.fallback} if self.on_call.fallback is not None else {}
        for key, name in named.items():
            if name not in self.people:
                raise ValueError(
                    f"{key}: {name!r} has no address in people (known: {', '.join(self.people) or 'none'})"
                )
        return self

    def quiet(self) -> WorkingCalendar | None:
        """Return the quiet hours; None where there are none."""
        return WorkingCalendar(self.quiet_hours, self.timezone) if self.quiet_hours else None

    def wait(self, level: str) -> timedelta:
        """Return how long an alert of a level waits for others."""
        return next(
            (timedelta(seconds=time) for name, time in self.batch_seconds.items() if name == level), timedelta()
        )
