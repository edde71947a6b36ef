"""Forecasting: what a channel will do, how far that can be trusted, and which asset is at risk."""

from collections.abc import Mapping
from typing import Any, ClassVar

import ipywidgets as widgets
import pandas as pd

from workbench.counts import counted
from workbench.exceptions import WorkbenchError
from workbench.views.base import View, ViewSession, callback
from workbench.views.forecasting.charts import Charts
from workbench.views.forecasting.markup import (
    head_markup,
    limits_markup,
    no_telemetry_markup,
    parts_markup,
    risk_head_markup,
    risks_markup,
    skill_markup,
)
from workbench.views.forecasting.scene import CONFIDENCES, DAYS, STEPS, Scene
from workbench.views.forecasting.what_if import WhatIf
from workbench.views.markup import percent
from workbench.views.state import Selected, State
from workbench.views.widgets.boxes import box, classed
from workbench.views.widgets.callbacks import Quiet
from workbench.views.widgets.cards import progress_card
from workbench.views.widgets.chart import Chart
from workbench.views.widgets.filters import check_choice
from workbench.views.widgets.grid import Grid
from workbench.views.widgets.timers import Later

__all__ = ["Forecasting"]

_MODES = ("Channel", "Risk and what-if")
"""Values of the state's key `mode`, and words on the buttons."""


class Forecasting(View):
    """Forecasts of the chosen channel, and the risks of the fleet.

    Attributes
    ----------
    scene : Scene
        What is shown: channel, how far ahead, forecasts and risks.
    kept_charts : Charts
        Charts of the channel, and the risk matrix.
    what_if : WhatIf
        Questions about the plan and the thresholds.
    """

    name: ClassVar[str] = "forecasting"
    title: ClassVar[str] = "Forecasting"
    keys: ClassVar[tuple[str, ...]] = ("ahead", "inside", "forecaster", "days", "mode")
    shortcuts: ClassVar[Mapping[str, str]] = {"Up, Down": "choose another forecaster", "P": "compare the plans"}

    def __init__(self, session: ViewSession, **frame: Any) -> None:
        self.scene = Scene(session)
        super().__init__(session, **frame)

    def build(self) -> list[widgets.Widget]:
        """Make the widgets, empty."""
        self._quiet = Quiet()
        self._drawn: tuple[object, str] = (None, "")  # what charts and tables show, and the headline that belongs to it
        self._headed: object = None  # what the headline is about
        self._later = Later(self.on_compute, 0.05)
        self._channel = _dropdown("Channel", self.on_channel)
        self._steps = _dropdown("Ahead", self.on_choice, [(f"{steps} samples", steps) for steps in STEPS])
        self._confidence = _dropdown("Interval", self.on_choice, [(percent(share), share) for share in CONFIDENCES])
        days = [(counted(number, "day"), number) for number in DAYS]
        self._days = _dropdown("Fails within", self.on_days, days)
        self._mode = widgets.ToggleButtons(options=_MODES, style={"button_width": "auto"})
        self._mode.tooltips = ["Forecasts of one channel", "Risk of each asset, and other plans and thresholds"]
        classed(self._mode, "wb-toggle").observe(self.on_mode, "value")
        self.kept_charts = Charts(self.tokens)
        self._grid = Grid("Forecasters", pick=self.on_forecaster)
        self._limits = widgets.HTML()
        self._parts = widgets.HTML()
        self._risk_grid = Grid("Risks", pick=self.on_asset)
        self.what_if = WhatIf(self)
        chart = self.kept_charts.boxes
        series = (box("wb-panel wb-fan", chart["Forecast"]), box("wb-panel wb-parts", self._parts, chart["Parts"]))
        errors = box("wb-panel wb-leads", chart["Error by lead time"], chart["Coverage by lead time"])
        tables = (box("wb-panel wb-skill", self._grid), box("wb-panel wb-limits", self._limits))
        fleet = (box("wb-panel wb-matrix", chart["Risk matrix"]), box("wb-panel wb-risks", self._risk_grid))
        bodies = (
            box("wb-body", box("wb-left", *series), box("wb-right", *tables, errors)),
            box("wb-body", box("wb-left", *fleet), box("wb-right", self.what_if.widget)),
        )
        self._panes = dict(zip(_MODES, bodies, strict=True))
        # keys of the state, with the dropdowns that hold their values
        self._choices = {"ahead": self._steps, "inside": self._confidence, "days": self._days}
        bar = box("wb-bar", self._mode, self._channel, self._steps, self._confidence, self._days)
        return [bar, box("wb-stack", *bodies)]

    @property
    def channel(self) -> str:
        """The channel that is shown; empty where there is none."""
        return self.scene.channel

    @property
    def skill(self) -> pd.DataFrame:
        """The channel's forecasters, of `skill_table`."""
        return self.scene.skill

    @property
    def risks(self) -> pd.DataFrame:
        """Table of `workbench.forecasting.risks`; empty until the risks are shown."""
        return self.scene.risks

    # ---- reading and showing

    def refresh(self) -> None:
        """Read the session again; what is selected stays selected where it can."""
        self._drawn = (None, "")
        self.scene.read(self.selection.now.channel)
        self.what_if.refresh()
        with self._quiet:
            self._channel.options = self.scene.channels
            self._channel.value = self.channel or None
        self._show()

    def recolour(self) -> None:
        """Draw the charts again in the tokens' colours."""
        self.kept_charts.recolour(self.tokens)
        self._drawn = (None, "")
        self._show()

    def show_selection(self, now: Selected) -> None:
        """Show the channel that was selected elsewhere.

        Parameters
        ----------
        now : Selected
            Asset, channel and anomaly that are selected.
        """
        if now.channel and now.channel != self.channel:
            self.scene.select(now.channel)
            self._show()

    def read_state(self) -> Mapping[str, object]:
        """Return what is chosen, where it differs from the first choice."""
        values = {name: dropdown.value for name, dropdown in self._choices.items()}
        state: dict[str, object] = {
            name: None if value == self._offered(name)[0] else value for name, value in values.items()
        }
        mode = None if self._mode.value == _MODES[0] else self._mode.value
        return {**state, "mode": mode, "forecaster": self.scene.forecaster}

    def apply_state(self, state: State) -> None:
        """Show what a link asks for.

        Parameters
        ----------
        state : State
            State of the link.
        """
        values, mode = {}, state.get("mode", _MODES[0])
        for name in self._choices:
            offered = {str(value): value for value in self._offered(name)}
            text = state.get(name, next(iter(offered)))
            check_choice(name, text, offered)
            values[name] = offered[text]
        check_choice("mode", mode, _MODES)
        with self._quiet:
            for name, value in values.items():
                self._choices[name].value = value
            self._mode.value = mode
        self.scene.forecaster = state.get("forecaster", "")
        self._take_choices()
        self.scene.set_days(self._days.value)
        self._show()

    def shown_table(self) -> pd.DataFrame | None:
        """Return the forecasters, or the risks."""
        return self.skill if self._mode.value == _MODES[0] else self.risks

    def shown_channel(self) -> str:
        """Return the channel that is shown."""
        return self.channel

    def charts(self) -> Mapping[str, Chart]:
        """Return the charts of the mode."""
        risky = self._mode.value == _MODES[1]
        return {name: chart for name, chart in self.kept_charts.shown().items() if (name == "Risk matrix") == risky}

    def code_lines(self) -> list[str]:
        """Return the lines that compute the table."""
        if self._mode.value == _MODES[1]:
            return ["from workbench.forecasting import risks", f"risks(session, {self._days.value})"]
        channel, steps, confidence = self.scene.key
        return [
            "from workbench.forecasting.skill import skill_table",
            "from workbench.forecasting import forecasts",
            f"skill_table(forecasts(session, {channel!r}, steps={steps}, confidence={confidence}))",
        ]

    def close(self) -> None:
        """Stop what is due and take the view from the page."""
        self._later.cancel()
        self.kept_charts.clear()
        super().close()

    # ---- callbacks

    @callback
    def on_channel(self, change: dict[str, Any]) -> None:
        """Show the chosen channel, here and elsewhere."""
        if not self._quiet and change["new"]:
            self.scene.select(change["new"])
            self.choose(Selected(self.scene.asset, self.channel))
            self._show()

    @callback
    def on_choice(self, change: dict[str, Any]) -> None:
        """Forecast as far, and with such intervals, as is chosen."""
        del change
        if not self._quiet:
            self._take_choices()
            self._show()
            self.moved()

    @callback
    def on_days(self, change: dict[str, Any]) -> None:
        """Compute the risks within the chosen days."""
        if not self._quiet:
            self.scene.set_days(change["new"])
            self._show()
            self.moved()

    @callback
    def on_mode(self, change: dict[str, Any]) -> None:
        """Show the channel, or the risks."""
        del change
        if not self._quiet:
            self._show()
            self.moved()

    @callback
    def on_forecaster(self, name: str) -> None:
        """Show the forecast of a row."""
        self.scene.forecaster = name
        self._draw()
        self.moved()

    @callback
    def on_asset(self, asset: str) -> None:
        """Select the first channel of an asset."""
        if self.scene.select_asset(asset):
            with self._quiet:
                self._channel.value = self.channel
            self.choose(Selected(asset, self.channel))

    @callback
    def on_compute(self) -> None:
        """Forecast the channel, and show it."""
        self._progress.value = ""
        if self._mode.value != _MODES[0]:
            return
        with self.busy(f"Forecasting {self.channel}"):  # until it is drawn
            if self.channel and not self.scene.computed:
                try:
                    self.scene.compute()
                except WorkbenchError:
                    self._blank()
                    raise
            self._draw()

    # ---- drawing

    def _take_choices(self) -> None:
        self.scene.steps = self._steps.value
        self.scene.confidence = self._confidence.value

    def _show(self) -> None:
        """Show the mode; what takes longer follows a little later."""
        risky = self._mode.value == _MODES[1]
        for name, pane in self._panes.items():
            pane.layout.visibility = None if name == self._mode.value else "hidden"
        for dropdown in (self._channel, self._steps, self._confidence):
            dropdown.layout.display = "none" if risky else None
        self._days.layout.display = None if risky else "none"
        with self._quiet:
            self._channel.value = self.channel or None
        if risky:
            self._headed = None
            self._show_risks()
        elif not self.channel:
            self.head.value = no_telemetry_markup()
        elif not self.scene.computed:
            if self._headed != self.scene.key:  # what is shown of it stays until it is forecast anew
                self._write_head(self.skill.iloc[:0])
            self._progress.value = progress_card(f"Forecasting {self.channel}")  # until its turn comes, too
            self._later()
        elif self._drawn[0] == (self.scene.key, self.scene.forecaster):
            self.head.value = self._drawn[1]
        else:
            self._draw()

    def _show_risks(self) -> None:
        scene = self.scene
        scene.read_risks()
        names = scene.asset_names
        self.kept_charts.risks(scene.risks.assign(asset=scene.risks["asset"].map(names)))
        self._risk_grid.html = risks_markup(scene.risks, scene.days, names)
        self.head.value = risk_head_markup(scene.risks, names, scene.days)

    def _blank(self) -> None:
        """Leave nothing of another channel beside the card of an error."""
        self.kept_charts.clear()
        self._drawn = (None, "")
        self.scene.forget_skill()
        self._grid.html = ""
        self._limits.value = ""
        self._parts.value = ""
        self._write_head(self.skill)

    def _draw(self) -> None:
        """Show the forecasts of the channel."""
        scene = self.scene
        outlook = scene.outlook()
        if outlook is None:
            return
        self.kept_charts.fan(outlook.history, outlook.forecast, outlook.limits)
        self.kept_charts.leads(outlook.by_lead, outlook.forecaster, outlook.units, scene.confidence)
        if outlook.parts is None:
            self.kept_charts.clear("Parts")
        else:
            self.kept_charts.parts(outlook.parts)
        self._parts.value = parts_markup(outlook.parts, outlook.reason)
        self._grid.html = skill_markup(scene.skill, outlook.units)
        self._grid.chosen = outlook.forecaster
        self._limits.value = limits_markup(outlook.crossings, outlook.units)
        self._write_head(scene.skill, outlook.units)
        self._drawn = ((scene.key, scene.forecaster), self.head.value)
        self._headed = scene.key

    def _write_head(self, skill: pd.DataFrame, units: str = "") -> None:
        self.head.value = head_markup(self.channel, skill, self.scene.steps, self.scene.confidence, units)

    def _offered(self, name: str) -> list[Any]:
        """Return the values that a dropdown offers, the first of which is the default."""
        return [value for _, value in self._choices[name].options]


def _dropdown(words: str, changed: Any, options: Any = ()) -> Any:
    layout = widgets.Layout(width="auto")
    dropdown = classed(widgets.Dropdown(options=options, description=words, layout=layout), "wb-choice")
    dropdown.observe(changed, "value")
    return dropdown
