"""Options of alerts, a part of the settings."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["AlertOptions", "Level"]

Level = Literal["info", "low", "medium", "high", "critical"]


class AlertOptions(BaseModel):
    """When an anomaly or an exceeded limit raises an alert, and what becomes of it.

    Attributes
    ----------
    least_level : str
        Anomalies below this level raise no alert.
    limit_alarms : bool
        Whether the limits of the catalog raise alerts beside the model.
    on_delay : int
        Consecutive samples beyond a limit, or inside an anomaly, before an alert is raised.
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
        After how long an alert that nobody has acknowledged is escalated, by level; a level that is not listed never.
    group_seconds : float
        Alerts on one asset that start within this time of each other form a group. Channels without dates have no
        common time and are not grouped.
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
    group_seconds: float = Field(300.0, ge=0, le=31_536_000)
    operators: int = Field(1, ge=1, le=1_000_000)
