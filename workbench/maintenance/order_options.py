"""Options of work orders, a part of the settings."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from workbench.maintenance.options import Level
from workbench.maintenance.order_values import MOST_HOURS, MOST_PIECES, MOST_WAIT_DAYS

__all__ = ["OrderOptions", "OrderTemplate"]


class OrderTemplate(BaseModel):
    """What a work order on a subsystem begins with.

    Attributes
    ----------
    title : str
        `{asset}`, `{subsystem}` and `{channel}` are filled in.
    type : str
        Of the order.
    hours : float
        Estimated hours of work, above 0.
    skills : tuple of str
        That whoever does it must have.
    checklist : tuple of dict
        Items, as `workbench.maintenance.checklists.from_json` reads them.
    parts : dict of str to int
        Pieces of each part that are needed.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str = "Inspect {channel} on {asset}"
    type: str = "predictive"
    hours: float = Field(2.0, gt=0, le=MOST_HOURS)
    skills: tuple[str, ...] = ()
    checklist: tuple[dict[str, object], ...] = (
        {"text": "Compare the telemetry with its forecast around the anomaly"},
        {"text": "What was found", "kind": "text"},
    )
    parts: dict[str, Annotated[int, Field(ge=1, le=MOST_PIECES)]] = {}


class OrderOptions(BaseModel):
    """When work orders open by themselves, and what they begin with.

    Attributes
    ----------
    open_from_level : str or None
        Alerts of this level and above open a work order when they are raised; None for no order by rule.
    due_days : dict of str to float
        Days until an order is due, by priority; a priority that is not listed has no due date.
    templates : dict of str to OrderTemplate
        By subsystem, or `asset/subsystem`; `default` for all others.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    open_from_level: Level | None = "high"
    due_days: dict[str, Annotated[float, Field(ge=0, le=MOST_WAIT_DAYS)]] = {
        "urgent": 1.0,
        "high": 3.0,
        "medium": 14.0,
        "low": 30.0,
    }
    templates: dict[str, OrderTemplate] = {}

    def template(self, asset: str, subsystem: str) -> OrderTemplate:
        """Give the template of a subsystem.

        Examples
        --------
        >>> options = OrderOptions(templates={"P": OrderTemplate(hours=4), "SMAP/P": OrderTemplate(hours=6)})
        >>> [options.template(*place).hours for place in (("SMAP", "P"), ("MSL", "P"), ("MSL", "T"))]
        [6.0, 4.0, 2.0]
        """
        for key in (f"{asset}/{subsystem}", subsystem, "default"):
            if key in self.templates:
                return self.templates[key]
        return OrderTemplate()
