"""What if, for the plan: work is delayed, a technician is absent, an extra one helps, or the hours are others."""

from collections.abc import Callable
from typing import Any

import ipywidgets as widgets

from workbench.maintenance.schedule.model import Technician
from workbench.maintenance.schedule.what_if import Change
from workbench.maintenance.values import MAX_WAIT_DAYS
from workbench.views.widgets.boxes import box, button, classed
from workbench.views.widgets.refusals import Range, Refusals

__all__ = ["Questions"]

_NOBODY = "nobody"


class Questions:
    """The fields of a what-if, and the button that compares.

    Parameters
    ----------
    compare : callable
        Called with the button.

    Attributes
    ----------
    widget : ipywidgets.Box
        The row of fields.
    delay, absent, extra, hours : ipywidgets.Widget
        Days without work; technician who is absent; name and skills of an extra technician; maintenance windows.
    compare : ipywidgets.Button
        Compares the plan with one under these conditions.
    refusals : Refusals
        The note at the field that was refused.
    """

    def __init__(self, compare: Callable[[widgets.Button], None]) -> None:
        self.delay = _field(widgets.FloatText(step=1), "Days without work")
        self.absent = _field(widgets.Dropdown(options=[_NOBODY]), "Absent")
        self.extra = _field(widgets.Text(placeholder="name: skills", continuous_update=False), "Extra technician")
        self.extra.tooltip = "A technician for this comparison only, for example Zoe: rf, optics"
        self.hours = _field(widgets.Text(placeholder="as set", continuous_update=False), "Hours")
        self.hours.tooltip = "Maintenance windows, for example Mon-Fri 08:00-20:00; Sat 08:00-12:00"
        self.compare = button(
            "What if", "Compare the plan with one under these conditions; nothing is saved (W)", compare, "wb-key-w"
        )
        self.widget = box("wb-bar wb-asked")
        fields = {"delay": self.delay, "absent": self.absent, "extra": self.extra, "hours": self.hours}
        self.refusals = Refusals(
            self.widget,
            fields,
            about={"hours": r"hours|window|opens", "extra": r"technician"},
            ranges={"delay": Range(0, MAX_WAIT_DAYS)},
            ending=[self.compare],
        )

    def offer(self, names: list[str]) -> None:
        """Offer technicians who may be absent; the one that was chosen stays.

        Parameters
        ----------
        names : list of str
            Names of the technicians.
        """
        choices = (_NOBODY, *names)
        if tuple(self.absent.options) != choices:
            before = self.absent.value
            self.absent.options = choices
            self.absent.value = before if before in choices else _NOBODY

    def change(self) -> Change:
        """Return the change that the fields hold.

        Raises
        ------
        ViewError
            A field holds a number outside its range.
        """
        self.refusals.check()
        lines = tuple(line.strip() for line in self.hours.value.split(";") if line.strip())
        absent = () if self.absent.value == _NOBODY else (str(self.absent.value),)
        name, _, skills = self.extra.value.partition(":")
        extra_skills = frozenset(filter(None, map(str.strip, skills.split(","))))
        extra = (Technician(name.strip(), extra_skills),) if name.strip() else ()
        return Change(delay_days=self.delay.value, technicians=extra, without=absent, hours=lines or None)

    def words(self) -> str:
        """Return the change that the fields hold, in words."""
        change = self.change()
        parts = [
            f"no work for {change.delay_days:g} {'day' if change.delay_days == 1 else 'days'}"
            if change.delay_days
            else "",
            f"without {', '.join(change.without)}" if change.without else "",
            f"with {', '.join(one.name for one in change.technicians)}" if change.technicians else "",
            f"hours {', '.join(change.hours)}" if change.hours else "",
        ]
        return ", ".join(filter(None, parts)) or "nothing changes"


def _field(made: Any, words: str) -> Any:
    made.description = words
    return classed(made, "wb-field")
