"""Options of notifications, a part of the settings."""

from datetime import timedelta
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from workbench.exceptions import MaintenanceError
from workbench.maintenance.options import Level
from workbench.maintenance.windows import WorkingCalendar

__all__ = ["NotificationOptions", "NotificationTarget"]


class NotificationTarget(BaseModel):
    """Where notifications go.

    Attributes
    ----------
    url : str
        As Apprise reads it: `mailtos://user:password@example.com`, `slack://...`, `json://host/path`.
    least_level : str
        Only alerts of this level and above.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: str
    least_level: Level = "high"


class NotificationOptions(BaseModel):
    """Who is told of alerts, and how soon.

    Attributes
    ----------
    targets : dict of str to NotificationTarget
        By a name of your own; nobody is told where there are none.
    batch_seconds : dict of str to float
        How long an alert of a level waits for others that go into the same message.
    cool_down_seconds : float
        After a message about a channel and kind, further alerts of both wait this long.
    quiet_hours : tuple of str
        Hours in which only the gravest are sent, as `Mon-Sun 22:00-24:00`; the others follow in one message.
    timezone : str
        IANA zone of the quiet hours.
    quiet_below : str
        Alerts below this level keep the quiet hours.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    targets: dict[str, NotificationTarget] = {}
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

    @model_validator(mode="after")
    def _hours_can_be_read(self) -> Self:
        try:
            self.quiet()
        except MaintenanceError as error:
            raise ValueError(str(error)) from None
        return self

    def quiet(self) -> WorkingCalendar | None:
        """Give the quiet hours; None where there are none."""
        return WorkingCalendar(self.quiet_hours, self.timezone) if self.quiet_hours else None

    def wait(self, level: str) -> timedelta:
        """Give how long an alert of a level waits for others."""
        return next(
            (timedelta(seconds=time) for name, time in self.batch_seconds.items() if name == level), timedelta()
        )
