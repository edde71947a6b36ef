"""What if: maintenance comes later, somebody is away, there are other hours, or other thresholds."""

from typing import TYPE_CHECKING

import ipywidgets as widgets
from pydantic import ValidationError

from workbench.exceptions import SettingsError
from workbench.maintenance.schedule.what_if import Change, Comparison
from workbench.parameters import Preset
from workbench.threshold_trial import Trial, try_thresholds
from workbench.views.forecasting.markup import comparison_markup
from workbench.views.widgets.boxes import box, button, classed
from workbench.views.widgets.callbacks import Failure, callback

if TYPE_CHECKING:
    from workbench.views.forecasting.view import Forecasting

__all__ = ["WhatIf"]

_NOBODY = "nobody"


class WhatIf:
    """Questions, each with a button; nothing of the answer is kept.

    Parameters
    ----------
    view : Forecasting
        Gives the session, and shows the errors.

    Attributes
    ----------
    widget : ipywidgets.Box
    comparison : Comparison or None
        The last answer on the plan.
    trial : Trial or None
        The last answer on thresholds.
    """

    def __init__(self, view: "Forecasting") -> None:
        self._view = view
        self.comparison: Comparison | None = None
        self.trial: Trial | None = None
        self.delay = _field(widgets.BoundedFloatText(min=0, max=60, step=1), "No work for, days")
        self.away = classed(widgets.Dropdown(options=[_NOBODY], description="Away"), "wb-field")
        self.hours = _field(widgets.Text(placeholder="as set", continuous_update=False), "Hours")
        self.hours.add_class("wb-wide")
        self.hours.tooltip = "Maintenance windows, as Mon-Fri 08:00-20:00; Sat 08:00-12:00"
        self.plan = button("Compare the plans", "Plan as it is and as it would be; nothing is kept (P)", self.on_plan)
        self.plan.add_class("wb-key-p")
        self.z_min = _field(widgets.FloatText(step=0.1), "z from")
        self.min_decrease = _field(widgets.FloatText(step=0.01), "Min decrease")
        self.thresholds = button("Try on the fleet", "See which alerts would appear and vanish", self.on_thresholds)
        self.more = button("All thresholds", "Try the others, and save them, in Anomalies", self.on_more)
        self._answer, self._effect = classed(widgets.HTML(), "wb-answer"), classed(widgets.HTML(), "wb-words")
        self.widget = box(
            "wb-panel wb-what-if",
            widgets.HTML("<h2>What if the plan: <span class='wb-muted'>nothing of it is kept</span></h2>"),
            box("wb-bar wb-asked", self.delay, self.away, self.hours, self.plan),
            widgets.HTML("<h2>What if the thresholds</h2>"),
            box("wb-bar wb-asked", self.z_min, self.min_decrease, self.thresholds, self.more),
            self._effect,
            self._answer,
        )
        self._fill()

    @property
    def title(self) -> str:
        """The view's."""
        return self._view.title

    def fail(self, failure: Failure, source: str) -> None:
        """Have the view show the card."""
        self._view.fail(failure, source)

    def mend(self, source: str) -> None:
        """Have the view take the card away."""
        self._view.mend(source)

    def refresh(self) -> None:
        """Offer the technicians that there are now; the answers are old, and go."""
        people = self._view.session.maintenance.people.list()
        self.away.options = [_NOBODY, *people.loc[people["active"], "name"]]
        self.comparison = self.trial = None
        self._answer.value = self._effect.value = ""

    @callback
    def on_plan(self, pressed: widgets.Button) -> None:
        """Plan as it is and as it would be."""
        del pressed
        lines = tuple(line.strip() for line in self.hours.value.split(";") if line.strip())
        away = () if self.away.value == _NOBODY else (str(self.away.value),)
        change = Change(delay_days=self.delay.value, without=away, hours=lines or None)
        with self._view.busy("Planning twice"):
            self.comparison = self._view.session.maintenance.planning.what_if(change)
        self._answer.value = comparison_markup(self.comparison)

    @callback
    def on_thresholds(self, pressed: widgets.Button) -> None:
        """Detect with other thresholds on the stored predictions."""
        del pressed
        session = self._view.session
        given = {"z_min": self.z_min.value, "min_decrease": self.min_decrease.value}
        try:
            params = Preset.model_validate({**session.settings.params.model_dump(), **given})
        except ValidationError as error:
            first = error.errors()[0]
            raise SettingsError(f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}.") from None
        names = session.overview()["channel"].tolist()
        desk, levels = session.maintenance, session.settings.severity
        with self._view.busy("Trying", len(names)) as done:
            self.trial = try_thresholds(desk, names, session.channel, session.stored, levels, params, done)
        self._effect.value = f"<p role='status'>{self.trial}</p>"

    @callback
    def on_more(self, pressed: widgets.Button) -> None:
        """Open Anomalies."""
        del pressed
        self._view.go("anomalies")

    def _fill(self) -> None:
        params = self._view.session.settings.params
        self.z_min.value, self.min_decrease.value = params.z_min, params.min_decrease


def _field(made: widgets.Widget, words: str) -> widgets.Widget:
    made.description = words
    return classed(made, "wb-field")
