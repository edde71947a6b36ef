"""Forecasting: what a channel will do, how far that can be trusted, and which asset is at risk."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, ClassVar

import ipywidgets as widgets
import pandas as pd
import xarray as xr

from workbench.exceptions import DetectionError, ViewError, WorkbenchError
from workbench.forecasting import crossings, decomposition, forecasts, outlook, risks
from workbench.forecasting.skill import SKILL_COLUMNS, skill_by_lead, skill_table
from workbench.views.base import View, callback
from workbench.views.forecasting.charts import Charts
from workbench.views.forecasting.markup import (
    head_markup,
    limits_markup,
    parts_markup,
    risk_head_markup,
    risks_markup,
    skill_markup,
)
from workbench.views.forecasting.what_if import WhatIf
from workbench.views.state import Selected, State
from workbench.views.widgets.boxes import box, classed
from workbench.views.widgets.chart import Chart
from workbench.views.widgets.grid import Grid
from workbench.views.widgets.timers import Later

__all__ = ["Forecasting"]

_AHEAD = (10, 30, 60, 240)
_INSIDE = (0.9, 0.8, 0.95)
_DAYS = (1, 7, 30, 90)
_MODES = ("Channel", "Risk and what-if")
_HISTORY = 4  # times as many samples as are forecast are shown before them
_LEAST_HISTORY = 200
_KEPT = 12  # results of channels


class Forecasting(View):
    """Forecasts of the chosen channel, and the risks of the fleet.

    Attributes
    ----------
    channel : str
        The one shown; empty where there is none.
    skill : pandas.DataFrame
        Its forecasters, of `skill_table`.
    risks : pandas.DataFrame
        Of `workbench.forecasting.fleet.risks`; empty until they are shown.
    """

    name: ClassVar[str] = "forecasting"
    title: ClassVar[str] = "Forecasting"
    keys: ClassVar[tuple[str, ...]] = ("ahead", "inside", "forecaster", "days", "mode")
    shortcuts: ClassVar[Mapping[str, str]] = {"Up, Down": "choose another forecaster", "P": "compare the plans"}

    def build(self) -> list[widgets.Widget]:
        """Make the widgets, empty."""
        self.channel, self._forecaster = "", ""
        self.skill, self.risks = pd.DataFrame(columns=list(SKILL_COLUMNS)), pd.DataFrame()
        self._quiet = False
        self._fleet = pd.DataFrame()
        self._results: dict[tuple[str, int, float], dict[str, xr.Dataset]] = {}
        self._told: tuple[object, str] = (None, "")  # what charts and tables show, and the line that belongs to it
        self._later = Later(self.on_compute, 0.05)
        self._channel = _choice("Channel", self.on_channel)
        self._ahead = _choice("Ahead", self.on_choice, [(f"{steps} samples", steps) for steps in _AHEAD])
        self._inside = _choice("Interval", self.on_choice, [(f"{share:.0%}", share) for share in _INSIDE])
        self._days = _choice("Fails within", self.on_days, [(f"{days} d", days) for days in _DAYS])
        self._mode = widgets.ToggleButtons(options=_MODES, style={"button_width": "auto"})
        self._mode.tooltips = ["Forecasts of one channel", "Risk of each asset, and other plans and thresholds"]
        classed(self._mode, "wb-toggle").observe(self.on_mode, "value")
        self._charts = Charts(self.tokens)
        self._grid = Grid("Forecasters", pick=self.on_forecaster)
        self._limits, self._parts = widgets.HTML(), widgets.HTML()
        self._risk_grid = Grid("Risks", pick=self.on_asset)
        self.what_if = WhatIf(self)
        chart = self._charts.boxes
        series = (box("wb-panel wb-fan", chart["Forecast"]), box("wb-panel wb-parts", self._parts, chart["Parts"]))
        errors = box("wb-panel wb-leads", chart["Error by lead time"], chart["Coverage by lead time"])
        tables = (box("wb-panel wb-skill", self._grid), box("wb-panel wb-limits", self._limits))
        fleet = (box("wb-panel wb-matrix", chart["Risk matrix"]), box("wb-panel wb-risks", self._risk_grid))
        bodies = (
            box("wb-body", box("wb-left", *series), box("wb-right", *tables, errors)),
            box("wb-body", box("wb-left", *fleet), box("wb-right", self.what_if.widget)),
        )
        self._panes = dict(zip(_MODES, bodies, strict=True))
        bar = box("wb-bar", self._mode, self._channel, self._ahead, self._inside, self._days)
        return [bar, box("wb-stack", *bodies)]

    # ---- reading and showing

    def refresh(self) -> None:
        """Read everything again; what is chosen stays where it can."""
        self._results.clear()
        self._told = (None, "")
        self._fleet = self.session.overview()
        names = self._fleet["channel"].tolist()
        wanted = self.selection.now.channel or self.channel
        sound = self._fleet.loc[self._fleet["state"] != "damaged", "channel"].tolist()
        self.channel = wanted if wanted in names else next(iter(sound), next(iter(names), ""))
        self.risks = pd.DataFrame()
        self.what_if.refresh()
        with self._quietly():
            self._channel.options = names
            self._channel.value = self.channel or None
        self._show()

    def recolour(self) -> None:
        """Draw the charts again in the tokens' colours."""
        self._charts.tokens = self.tokens
        self._charts.clear()
        self._told = (None, "")
        self._show()

    def show_selection(self, now: Selected) -> None:
        """Show the channel that was chosen elsewhere."""
        if now.channel and now.channel != self.channel:
            if now.channel not in set(self._fleet["channel"]):
                raise ViewError(f"There is no channel {now.channel!r}.", "Choose one that is there.")
            self.channel = now.channel
            self._show()

    def read_state(self) -> Mapping[str, object]:
        """Give what is chosen, where it is not what comes first."""
        chosen = {"ahead": self._ahead, "inside": self._inside, "days": self._days, "mode": self._mode}
        state: dict[str, object] = {
            name: None if made.value == _first(made) else made.value for name, made in chosen.items()
        }
        return {**state, "forecaster": self._forecaster}

    def apply_state(self, state: State) -> None:
        """Show what a link chose."""
        chosen = {"ahead": self._ahead, "inside": self._inside, "days": self._days, "mode": self._mode}
        with self._quietly():
            for name, made in chosen.items():
                offered = [option[1] if isinstance(option, tuple) else option for option in made.options]
                found = [value for value in offered if str(value) == state.get(name, str(_first(made)))]
                if not found:
                    raise ViewError(f"{name} is {state[name]!r}.", f"Known: {', '.join(map(str, offered))}.")
                made.value = found[0]
        self._forecaster, self.risks = state.get("forecaster", ""), pd.DataFrame()
        self._show()

    def shown_table(self) -> pd.DataFrame | None:
        """Give the forecasters, or the risks."""
        return self.skill if self._mode.value == _MODES[0] else self.risks

    def charts(self) -> Mapping[str, Chart]:
        """Give the charts of the mode."""
        ours = {"Risk matrix"} if self._mode.value == _MODES[1] else set(self._charts.boxes) - {"Risk matrix"}
        return {name: chart for name, chart in self._charts.shown().items() if name in ours}

    def code_lines(self) -> list[str]:
        """Give the cell that makes the table."""
        if self._mode.value == _MODES[1]:
            return ["from workbench.forecasting import risks", f"risks(session, {self._days.value})"]
        given = f"session, {self.channel!r}, steps={self._ahead.value}, confidence={self._inside.value}"
        return [
            "from workbench.forecasting.skill import skill_table",
            "from workbench.forecasting import forecasts",
            f"skill_table(forecasts({given}))",
        ]

    def close(self) -> None:
        """Stop what is due and take the view from the page."""
        self._later.cancel()
        self._charts.clear()
        super().close()

    # ---- callbacks

    @callback
    def on_channel(self, change: dict[str, Any]) -> None:
        """Show the chosen channel, here and elsewhere."""
        if not self._quiet and change["new"]:
            self.channel = change["new"]
            asset = self._fleet.loc[self._fleet["channel"] == self.channel, "asset"].iloc[0]
            self._show()
            self.choose(Selected(str(asset), self.channel))

    @callback
    def on_choice(self, change: dict[str, Any]) -> None:
        """Forecast as far, and with such intervals, as is chosen."""
        del change
        if not self._quiet:
            self._show()
            self.moved()

    @callback
    def on_days(self, change: dict[str, Any]) -> None:
        """Look as far ahead for failures as is chosen."""
        del change
        if not self._quiet:
            self.risks = pd.DataFrame()
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
        self._forecaster = name
        self._tell()
        self.moved()

    @callback
    def on_asset(self, name: str) -> None:
        """Show the channels of an asset: the first of them is chosen."""
        rows = self._fleet[self._fleet["asset"] == name]
        if len(rows):
            self.channel = str(rows["channel"].iloc[0])
            with self._quietly():
                self._channel.value = self.channel
            self.choose(Selected(name, self.channel))

    @callback
    def on_compute(self) -> None:
        """Forecast the channel, and show it."""
        key = self._key
        if self._mode.value != _MODES[0]:
            return
        if self.channel and key not in self._results:
            try:
                with self.busy(f"Forecasting {self.channel}"):
                    self._results[key] = forecasts(self.session, key[0], steps=key[1], confidence=key[2])
            except WorkbenchError:
                self._blank()
                raise
            if len(self._results) > _KEPT:
                self._results.pop(next(iter(self._results)))
        self._tell()

    # ---- drawing

    def _show(self) -> None:
        """Show the mode; what takes longer comes a little later."""
        risky = self._mode.value == _MODES[1]
        for name, pane in self._panes.items():
            pane.layout.visibility = None if name == self._mode.value else "hidden"
        for made in (self._channel, self._ahead, self._inside):
            made.layout.display = "none" if risky else None
        self._days.layout.display = None if risky else "none"
        with self._quietly():
            self._channel.value = self.channel or None
        if risky:
            if self.risks.empty:
                self.risks = risks(self.session, self._days.value)
            names = {name: self.session.catalog.asset(name).name for name in self.risks["asset"]}
            self._charts.risks(self.risks.assign(asset=self.risks["asset"].map(names)))
            self._risk_grid.html = risks_markup(self.risks, self._days.value, names)
            self.head.value = risk_head_markup(self.risks, names, self._days.value)
        elif not self.channel:
            self.head.value = head_markup("No telemetry yet", self.skill, 0, 0, "")
        elif self._key not in self._results:
            self.head.value = head_markup(self.channel, self.skill.iloc[:0], 0, 0, "")
            self._later()
        elif self._told[0] == (self._key, self._forecaster):
            self.head.value = self._told[1]
        else:
            self._tell()

    def _blank(self) -> None:
        """Leave nothing of another channel beside the card of an error."""
        self._charts.clear()
        self._told = (None, "")
        self.skill = self.skill.iloc[:0]
        self._grid.html = self._limits.value = self._parts.value = ""
        self.head.value = head_markup(self.channel, self.skill, 0, 0, "")

    def _tell(self) -> None:
        """Show the forecasts of the channel."""
        results = self._results.get(self._key)
        if results is None:
            return
        self.skill = skill_table(results)
        if self._forecaster not in results:
            self._forecaster = ""
        name = self._forecaster or str(self.skill["forecaster"].iloc[0])
        chosen, confidence = results[name], self._inside.value
        channel = self.session.channel(self.channel, "test")
        known = self.session.catalog.channel(self.channel)
        units = str(channel.attrs.get("units", "")) or known.units
        history = max(_HISTORY * self._ahead.value, _LEAST_HISTORY)
        limits: Mapping[str, float | None] = dict(known.limits)
        given = {limit.replace("_", " "): value for limit, value in limits.items() if value is not None}
        self._charts.fan(channel.isel(time=slice(-history, None)), outlook(self.session, self.channel, chosen), given)
        self._charts.leads(skill_by_lead(results), name, units, confidence)
        try:
            parts = decomposition(self.session, self.channel)
        except DetectionError as error:  # there is no less to forecast
            self._charts.clear("Parts")
            self._parts.value = parts_markup(None, str(error))
        else:
            self._charts.parts(parts)
            self._parts.value = parts_markup(parts)
        self._grid.html, self._grid.chosen = skill_markup(self.skill, units), name
        self._limits.value = limits_markup(crossings(self.session, self.channel, chosen), units)
        self.head.value = head_markup(self.channel, self.skill, self._ahead.value, confidence, units)
        self._told = ((self._key, self._forecaster), self.head.value)

    @property
    def _key(self) -> tuple[str, int, float]:
        return self.channel, self._ahead.value, self._inside.value

    @contextmanager
    def _quietly(self) -> Iterator[None]:
        """Change controls without their callbacks."""
        before, self._quiet = self._quiet, True
        try:
            yield
        finally:
            self._quiet = before


def _choice(words: str, changed: Any, options: Any = ()) -> Any:
    made = classed(
        widgets.Dropdown(options=options, description=words, layout=widgets.Layout(width="auto")), "wb-choice"
    )
    made.observe(changed, "value")
    return made


def _first(made: Any) -> Any:
    option = made.options[0]
    return option[1] if isinstance(option, tuple) else option
