"""What if, for the plan: maintenance comes later, somebody is away or helps, or there are other hours."""

from typing import Any

import ipywidgets as widgets

from workbench.maintenance.schedule.model import Technician
from workbench.maintenance.schedule.what_if import Change
from workbench.views.widgets.boxes import box, button, classed

__all__ = ["Questions"]

_NOBODY = "nobody"


class Questions:
    """Fields of a what-if.

    Parameters
    ----------
    asked : callable
        What the button calls.

    Attributes
    ----------
    widget : ipywidgets.Box
    delay, away, helper, hours : ipywidgets.Widget
    compare : ipywidgets.Button
    """

    def __init__(self, asked: Any) -> None:
        self.delay = _field(widgets.BoundedFloatText(min=0, max=60, step=1), "No work for, days")
        self.away = _field(widgets.Dropdown(options=[_NOBODY]), "Away")
        self.helper = _field(widgets.Text(placeholder="name: skills", continuous_update=False), "Helper")
        self.helper.tooltip = "Somebody more, for this question only, as Zoe: rf, optics"
        self.hours = _field(widgets.Text(placeholder="as set", continuous_update=False), "Hours")
        self.hours.tooltip = "Maintenance windows, as Mon-Fri 08:00-20:00; Sat 08:00-12:00"
        self.compare = button("What if", "Plan as it is and as it would be; nothing is kept (W)", asked, "wb-key-w")
        self.widget = box("wb-bar wb-asked", self.delay, self.away, self.helper, self.hours, self.compare)

    def offer(self, names: list[str]) -> None:
        """Offer the technicians that there are; who was chosen stays."""
        choices = (_NOBODY, *names)
        if tuple(self.away.options) != choices:
            kept = self.away.value
            self.away.options = choices
            self.away.value = kept if kept in choices else _NOBODY

    def change(self) -> Change:
        """Give what is asked."""
        lines = tuple(line.strip() for line in self.hours.value.split(";") if line.strip())
        away = () if self.away.value == _NOBODY else (str(self.away.value),)
        name, _, skills = self.helper.value.partition(":")
        held = frozenset(filter(None, map(str.strip, skills.split(","))))
        more = (Technician(name.strip(), held),) if name.strip() else ()
        return Change(delay_days=self.delay.value, technicians=more, without=away, hours=lines or None)

    def words(self) -> str:
        """Say what is asked."""
        change = self.change()
        parts = [
            f"no work for {change.delay_days:g} days" if change.delay_days else "",
            f"without {', '.join(change.without)}" if change.without else "",
            f"with {', '.join(one.name for one in change.technicians)}" if change.technicians else "",
            f"hours {', '.join(change.hours)}" if change.hours else "",
        ]
        return ", ".join(filter(None, parts)) or "nothing else"


def _field(made: Any, words: str) -> Any:
    made.description = words
    return classed(made, "wb-field")
