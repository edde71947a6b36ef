"""What a user can set of the schedule; imports no solver."""

from datetime import date
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from workbench.exceptions import MaintenanceError
from workbench.maintenance.windows import DEFAULT_HOURS, WorkingCalendar

__all__ = ["ScheduleOptions"]


class ScheduleOptions(BaseModel):
    """Windows, horizon, weights of the objective and effort of the solver.

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
    slot_minutes: int = Field(15, ge=5, le=240)
    lateness: float = Field(10.0, ge=0, le=1e4)
    idle: float = Field(1.0, ge=0, le=1e4)
    cost: float = Field(0.01, ge=0, le=1e4)
    change: float = Field(2.0, ge=0, le=1e4)
    effort: float = Field(0.1, gt=0, le=3600)
    time_limit: float = Field(4.0, gt=0, le=3600)
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
        """Give the maintenance windows."""
        return WorkingCalendar(self.hours, self.timezone, self.closed)

    def operating_calendars(self) -> dict[str, WorkingCalendar]:
        """Give the operating hours of each asset that has some."""
        return {asset: WorkingCalendar(lines, self.timezone) for asset, lines in self.operating.items()}
