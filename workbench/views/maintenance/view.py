"""Maintenance: the work orders, when they are done, how well it goes, and who did what."""

from collections.abc import Mapping
from typing import Any, ClassVar

import ipywidgets as widgets
import pandas as pd

from workbench.exceptions import ViewError
from workbench.views.base import View, callback
from workbench.views.maintenance.figures import Figures
from workbench.views.maintenance.log import Log
from workbench.views.maintenance.mode import Mode
from workbench.views.maintenance.orders import Orders
from workbench.views.maintenance.plan import Plan
from workbench.views.state import Selected, State
from workbench.views.widgets.boxes import box, classed
from workbench.views.widgets.chart import Chart

__all__ = ["Maintenance"]

_TIPS = {
    "Orders": "The work orders, as a table or a board",
    "Plan": "Who does what, and when",
    "Figures": "How well it goes; technicians and parts",
    "Log": "Who did what, when",
}


class Maintenance(View):
    """Work orders, plan, figures and log, one of them shown.

    Attributes
    ----------
    fleet : pandas.DataFrame
        Of `session.overview`.
    orders : Orders
    plan : Plan
    figures : Figures
    log : Log
    """

    name: ClassVar[str] = "maintenance"
    title: ClassVar[str] = "Maintenance"
    keys: ClassVar[tuple[str, ...]] = ("mode", *Orders.keys, *Plan.keys, *Figures.keys, *Log.keys)
    shortcuts: ClassVar[Mapping[str, str]] = {
        "Up, Down": "choose another order of the table, or row of the log",
        "Arrows": "choose another card of the board, or of the calendar",
        "Shift Left, Shift Right": "carry a card to the next column that takes it",
        "O, B": "open an order; board or table",
        "A, U": "assign, take back",
        "S, H, F, X": "start, hold, complete, cancel the order",
        "G, M": "change, comment",
        "P, Y, Z": "plan, accept the proposal, discard it",
        "W, I": "what if; calendar file of the plan",
        "[, ]": "earlier, later days or rows",
        "V": "verify the log",
    }

    def build(self) -> list[widgets.Widget]:
        """Make the widgets, empty."""
        self.fleet = pd.DataFrame({"channel": [], "asset": []})
        self.orders, self.plan, self.figures, self.log = Orders(self), Plan(self), Figures(self), Log(self)
        self._modes: dict[str, Mode] = {mode.name: mode for mode in (self.orders, self.plan, self.figures, self.log)}
        self._old: set[str] = set(self._modes)
        self._words: dict[str, str] = {}
        self._quiet = False
        self._mode = classed(widgets.ToggleButtons(options=list(self._modes)), "wb-toggle")
        self._mode.tooltips = [_TIPS[name] for name in self._modes]
        self._mode.observe(self.on_mode, "value")
        modes = box("wb-stack", *(mode.widget for mode in self._modes.values()))
        return [box("wb-bar wb-modes", self._mode), modes]

    @property
    def mode(self) -> Mode:
        """The one that is open."""
        return self._modes[self._mode.value]

    def refresh(self) -> None:
        """Read everything again; what is chosen stays where it can."""
        self.fleet = self.session.overview()
        self._old = set(self._modes)
        self._show()

    def recolour(self) -> None:
        """Draw the charts again in the tokens' colours."""
        for mode in self._modes.values():
            mode.recolour()
        self.refresh()

    def show_selection(self, now: Selected) -> None:
        """Choose the work order of the channel that was chosen elsewhere."""
        if now.channel and now.channel not in set(self.fleet["channel"]):
            raise ViewError(f"There is no channel {now.channel!r}.", "Choose one that is there.")
        if now.channel and self.orders.follow(now.channel):
            self._old.add(self.orders.name)
            self._show()

    def read_state(self) -> Mapping[str, object]:
        """Give the mode, and what is chosen in it."""
        first = next(iter(self._modes))
        return {"mode": None if self._mode.value == first else self._mode.value.lower(), **self.mode.read_state()}

    def apply_state(self, state: State) -> None:
        """Open the mode of a link, and show there what it chose."""
        names = {name.lower(): name for name in self._modes}
        wanted = state.get("mode", next(iter(names)))
        if wanted not in names:
            raise ViewError(f"mode is {wanted!r}.", f"Known: {', '.join(names)}.")
        self._set(names[wanted])
        self.mode.apply_state(state)
        self._old.add(self.mode.name)
        self._show()

    def shown_table(self) -> pd.DataFrame | None:
        """Give the table of the mode."""
        return self.mode.shown_table()

    def charts(self) -> Mapping[str, Chart]:
        """Give the charts of the mode."""
        return self.mode.charts()

    def code_lines(self) -> list[str]:
        """Give the cell that makes the table."""
        return self.mode.code_lines()

    def close(self) -> None:
        """Stop what is under way and take the view from the page."""
        for mode in self._modes.values():
            mode.close()
        super().close()

    @callback
    def on_mode(self, change: dict[str, Any]) -> None:
        """Show another mode."""
        del change
        if not self._quiet:
            self._show()
            self.moved(step=True)

    # ---- what modes call

    def lead(self, number: str) -> None:
        """Show a work order in the mode of the orders."""
        self.orders.choose(number)
        self._old.add(self.orders.name)
        self._set(self.orders.name)
        self._show()
        self.moved(step=True)

    def changed(self) -> None:
        """Read again after a mode has changed something, and have the other views do so."""
        self._old = set(self._modes)
        self._show()
        self.altered()

    def pick(self, asset: str, channel: str, anomaly: int | None = None) -> None:
        """Choose a channel for all views, where the fleet has it."""
        if channel in set(self.fleet["channel"]):
            self.choose(Selected(asset, channel, anomaly))

    # ---- parts

    def _set(self, name: str) -> None:
        self._quiet = True
        self._mode.value = name
        self._quiet = False

    def _show(self) -> None:
        for name, mode in self._modes.items():
            mode.widget.layout.visibility = None if name == self._mode.value else "hidden"
        if self.mode.name in self._old:
            self._old.discard(self.mode.name)
            self._words[self.mode.name] = self.mode.refresh()
        self.head.value = f"<div class='wb-line'><h1>{self.title}</h1><p>{self._words[self.mode.name]}</p></div>"
