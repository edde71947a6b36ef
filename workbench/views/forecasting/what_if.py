"""What if: maintenance comes later, a technician is absent, there are other hours, or other thresholds."""

from typing import Any, ClassVar

import ipywidgets as widgets
from pydantic import ValidationError

from workbench.exceptions import SettingsError
from workbench.maintenance.schedule.what_if import Change, Comparison
from workbench.maintenance.values import MAX_WAIT_DAYS
from workbench.parameters import Preset
from workbench.threshold_trial import Trial, try_thresholds
from workbench.views.forecasting.markup import comparison_markup
from workbench.views.section import Host, Section
from workbench.views.widgets.boxes import box, button, classed
from workbench.views.widgets.callbacks import callback
from workbench.views.widgets.refusals import Range, Refusals, range_of

__all__ = ["WhatIf"]

_NOBODY = "nobody"

_OF_BEFORE = "<p class='wb-muted'>Data has changed since: ask again for an answer of now.</p>"


class WhatIf(Section[Host]):
    """Questions, each with a button; no answer changes the plan or the settings.

    Attributes
    ----------
    comparison : Comparison or None
        The last answer about the plan.
    trial : Trial or None
        The last answer about the thresholds.
    delay, absent, hours, z_min, min_decrease : ipywidgets.Widget
        Fields of the questions.
    plan, thresholds, more : ipywidgets.Button
        Buttons that ask them, and the one that opens Anomalies.
    answer, effect : ipywidgets.HTML
        Answer about the plan, and about the thresholds.
    plan_refusals, threshold_refusals : Refusals
        The notes at fields that were refused.
    """

    name: ClassVar[str] = "What if"
    css: ClassVar[str] = "wb-panel wb-what-if"

    def build(self) -> list[widgets.Widget]:
        """Make the widgets, with the thresholds in use."""
        self.comparison: Comparison | None = None
        self.trial: Trial | None = None
        params = self.view.session.settings.params
        self.delay = _field(widgets.FloatText(step=1), "No work for, days")
        self.absent = classed(widgets.Dropdown(options=[_NOBODY], description="Absent"), "wb-field")
        self.hours = _field(widgets.Text(placeholder="as in the settings", continuous_update=False), "Working hours")
        self.hours.add_class("wb-wide")
        self.hours.tooltip = "Maintenance windows, for example Mon-Fri 08:00-20:00; Sat 08:00-12:00"
        tip = "Compare the plan as it is with the plan under these conditions; nothing is saved (P)"
        self.plan = button("Compare the plans", tip, self.on_plan, "wb-key-p")
        self.z_min = _field(widgets.FloatText(value=params.z_min, step=0.1), "Smallest z")
        self.min_decrease = _field(widgets.FloatText(value=params.min_decrease, step=0.01), "Min decrease")
        tip = "Show which alerts would appear and vanish with these thresholds"
        self.thresholds = button("Try on the fleet", tip, self.on_thresholds)
        self.more = button("All thresholds", "Try the other thresholds, and save them, in Anomalies", self.on_more)
        self.answer = classed(widgets.HTML(), "wb-answer")
        self.effect = classed(widgets.HTML(), "wb-words")
        of_plan = {"delay": self.delay, "absent": self.absent, "hours": self.hours}
        of_thresholds = {"z_min": self.z_min, "min_decrease": self.min_decrease}
        asked = [box("wb-bar wb-asked"), box("wb-bar wb-asked")]
        self.plan_refusals = Refusals(
            asked[0],
            of_plan,
            about={"hours": r"hours|window|opens", "absent": r"technician"},
            ranges={"delay": Range(0, MAX_WAIT_DAYS)},
            ending=[self.plan],
        )
        self.threshold_refusals = Refusals(
            asked[1],
            of_thresholds,
            ranges={name: range_of(Preset, name) for name in of_thresholds},
            ending=[self.thresholds, self.more],
        )
        return [
            widgets.HTML("<h2>What if the plan changes <span class='wb-muted'>nothing is saved</span></h2>"),
            asked[0],
            widgets.HTML("<h2>What if the thresholds change <span class='wb-muted'>nothing is saved</span></h2>"),
            asked[1],
            self.effect,
            self.answer,
        ]

    def refresh(self) -> None:
        """Offer the technicians that there are now; answers stay, and say that they are of before."""
        people = self.view.session.maintenance.people.list()
        chosen = self.absent.value
        offered = (_NOBODY, *people.loc[people["active"], "name"])
        if self.absent.options != offered:  # a menu that is open stays so
            self.absent.options = offered
            self.absent.value = chosen if chosen in offered else _NOBODY
        for answer in (self.answer, self.effect):
            if answer.value and not answer.value.endswith(_OF_BEFORE):
                answer.value += _OF_BEFORE

    @callback
    def on_plan(self, pressed: widgets.Button) -> None:
        """Compare the plan as it is with the plan under the conditions."""
        del pressed
        with self.plan_refusals.refusing():
            self.plan_refusals.check()
            self._compare()

    def _compare(self) -> None:
        lines = tuple(line.strip() for line in self.hours.value.split(";") if line.strip())
        without = () if self.absent.value == _NOBODY else (str(self.absent.value),)
        change = Change(delay_days=self.delay.value, without=without, hours=lines or None)
        with self.view.busy("Computing both plans"):
            self.comparison = self.view.session.maintenance.planning.what_if(change)
        self.answer.value = comparison_markup(self.comparison)

    @callback
    def on_thresholds(self, pressed: widgets.Button) -> None:
        """Detect with other thresholds on the stored predictions."""
        del pressed
        with self.threshold_refusals.refusing():
            self.threshold_refusals.check()
            self._try()

    def _try(self) -> None:
        session = self.view.session
        changes = {"z_min": self.z_min.value, "min_decrease": self.min_decrease.value}
        try:
            params = Preset.model_validate({**session.settings.params.model_dump(), **changes})
        except ValidationError as error:
            first = error.errors()[0]
            field = ".".join(str(part) for part in first["loc"]) or "The thresholds"
            reason = first["msg"].removeprefix("Value error, ")
            raise SettingsError(f"{field} does not fit: {reason}.", "Enter another value.") from None
        names = session.overview()["channel"].tolist()
        desk, levels = session.maintenance, session.settings.severity
        with self.view.busy("Trying the thresholds on channel", len(names)) as on_step:
            self.trial = try_thresholds(desk, names, session.channel, session.stored, levels, params, on_step)
        self.effect.value = f"<p role='status'>{self.trial}</p>"

    @callback
    def on_more(self, pressed: widgets.Button) -> None:
        """Open Anomalies, where all thresholds can be tried and saved."""
        del pressed
        self.view.go("anomalies")


def _field(widget: Any, words: str) -> Any:
    widget.description = words
    return classed(widget, "wb-field")
