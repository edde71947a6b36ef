"""Maintenance: work orders, requests, the plan, what comes again, assets, resources, figures, and who did what."""

from collections.abc import Mapping
from typing import Any, ClassVar, TypeVar

import ipywidgets as widgets
import pandas as pd

from workbench.exceptions import ViewError
from workbench.telemetry.moments import Moment
from workbench.views.base import View, callback
from workbench.views.maintenance.assets import Assets
from workbench.views.maintenance.figures import Figures
from workbench.views.maintenance.log import Log
from workbench.views.maintenance.mode import Mode
from workbench.views.maintenance.orders import Orders
from workbench.views.maintenance.plan import Plan
from workbench.views.maintenance.preventive import Preventive
from workbench.views.maintenance.requests import Requests
from workbench.views.maintenance.resources import Resources
from workbench.views.state import Selected, State
from workbench.views.widgets.boxes import box, classed
from workbench.views.widgets.chart import Chart
from workbench.views.widgets.filters import check_choice
from workbench.views.widgets.timers import Later
from workbench.views.widgets.together import together

__all__ = ["Maintenance"]

_TIPS = {
    "Orders": "Work orders, as a table or a board",
    "Requests": "Problems that people have reported",
    "Plan": "Who does what, and when",
    "Preventive": "Work that comes again and again",
    "Assets": "Asset register, meters and outages",
    "Resources": "Technicians, parts and purchase requests",
    "Figures": "Key figures and load",
    "Log": "Who did what, and when",
}

_SECTIONS: tuple[type[Mode], ...] = (Orders, Requests, Plan, Preventive, Assets, Resources, Figures, Log)

_NEXT_SECONDS = 0.4  # between two sections that are made while nobody waits for them

ModeT = TypeVar("ModeT", bound=Mode)


class Maintenance(View):
    """The sections Orders, Requests, Plan, Preventive, Assets, Resources, Figures and Log, one of them open.

    Sections are made when they are first opened, or while nobody waits for them.

    Attributes
    ----------
    fleet : pandas.DataFrame
        The channels, as `session.overview` returns them.
    """

    name: ClassVar[str] = "maintenance"
    title: ClassVar[str] = "Maintenance"
    keys: ClassVar[tuple[str, ...]] = (
        "mode",
        *Orders.keys,
        *Requests.keys,
        *Plan.keys,
        *Preventive.keys,
        *Assets.keys,
        *Resources.keys,
        *Figures.keys,
        *Log.keys,
    )
    shortcuts: ClassVar[Mapping[str, str]] = {
        "Up, Down": "choose another order of the table, or another row of the log",
        "Arrows": "choose another card of the board or the calendar",
        "Shift Left, Shift Right": "move a card to the next column that accepts it",
        "O, B": "new order; board or table",
        "A, U": "assign, unassign the order",
        "S, H, F, X": "start, hold, complete, cancel the order",
        "G, M": "change the order, comment on it",
        "P, Y, Z": "make a plan; accept or discard the proposed plan",
        "W, I": "what if; calendar file of the plan",
        "[, ]": "earlier or later week; newer or older rows",
        "V": "verify the log",
    }

    def build(self) -> list[widgets.Widget]:
        """Make the widgets, empty; called once."""
        self.fleet = pd.DataFrame({"channel": [], "asset": []})
        self._made: dict[type[Mode], Mode] = {}
        self._outdated: set[str] = {section.name for section in _SECTIONS}
        self._words: dict[str, str] = {}
        self._quiet = False
        self._next = Later(self.on_next, _NEXT_SECONDS)
        self._mode = classed(widgets.ToggleButtons(options=[section.name for section in _SECTIONS]), "wb-toggle")
        self._mode.tooltips = [_TIPS[section.name] for section in _SECTIONS]
        self._mode.observe(self.on_mode, "value")
        self._stack = box("wb-stack")
        self._next()
        return [box("wb-bar wb-modes", self._mode), self._stack]

    @property
    def mode(self) -> Mode:
        """The section that is open."""
        return self._section(next(section for section in _SECTIONS if section.name == self._mode.value))

    @property
    def orders(self) -> Orders:
        """The section of work orders."""
        return self._section(Orders)

    @property
    def requests(self) -> Requests:
        """What people have reported, and what comes of it."""
        return self._section(Requests)

    @property
    def plan(self) -> Plan:
        """Who does what, and when."""
        return self._section(Plan)

    @property
    def preventive(self) -> Preventive:
        """Work that comes again and again."""
        return self._section(Preventive)

    @property
    def assets(self) -> Assets:
        """Asset register, meters and outages."""
        return self._section(Assets)

    @property
    def resources(self) -> Resources:
        """Technicians, parts and purchase requests."""
        return self._section(Resources)

    @property
    def figures(self) -> Figures:
        """Key figures and the load of technicians."""
        return self._section(Figures)

    @property
    def log(self) -> Log:
        """Who did what, and when."""
        return self._section(Log)

    def _section(self, section: type[ModeT]) -> ModeT:
        """Return a section, which is made when it is first asked for."""
        made = self._made.get(section)
        if not isinstance(made, section):
            with together():
                made = section(self)
                made.widget.layout.visibility = "hidden"
            self._made[section] = made
            self._stack.children = (*self._stack.children, made.widget)  # those before it stay as they are in the page
        return made

    def refresh(self) -> None:
        """Read the open section again; the others are read again when they are opened."""
        self.fleet = self.session.overview()
        self._outdated = {section.name for section in _SECTIONS}
        self._show()

    def recolour(self) -> None:
        """Draw the charts again in the colours of the theme."""
        for mode in self._made.values():
            mode.recolour()
        self.refresh()

    def show_selection(self, now: Selected) -> None:
        """Choose the work order of the channel that was chosen elsewhere.

        Parameters
        ----------
        now : Selected
            What was chosen.
        """
        if now.channel and now.channel not in set(self.fleet["channel"]):
            raise ViewError(f"There is no channel {now.channel!r}.", "Choose a channel of the fleet.")
        if now.channel and self.orders.follow(now.channel):
            self._outdated.add(self.orders.name)
            self._show()

    def read_state(self) -> Mapping[str, object]:
        """Return the open section, and what is chosen in it."""
        first = self._mode.value == _SECTIONS[0].name
        return {"mode": None if first else self._mode.value.lower(), **self.mode.read_state()}

    def apply_state(self, state: State) -> None:
        """Open the section of a link, and show there what the link holds.

        Parameters
        ----------
        state : State
            State of the link.
        """
        names = {section.name.lower(): section.name for section in _SECTIONS}
        mode = state.get("mode", next(iter(names)))
        check_choice("mode", mode, names)
        self._set(names[mode])
        self.mode.apply_state(state)
        self._outdated.add(self.mode.name)
        self._show()

    def shown_table(self) -> pd.DataFrame | None:
        """Return the table of the open section."""
        return self.mode.shown_table()

    def charts(self) -> Mapping[str, Chart]:
        """Return the charts of the open section."""
        return self.mode.charts()

    def code_lines(self) -> list[str]:
        """Return the cell that makes the table of the open section."""
        return self.mode.code_lines()

    def close(self) -> None:
        """Stop what is under way and remove the view from the page."""
        self._next.cancel()
        for mode in self._made.values():
            mode.close()
        super().close()

    @callback
    def on_mode(self, change: dict[str, Any]) -> None:
        """Open another section of the view."""
        del change
        if not self._quiet:
            self._show()
            self.moved(step=True)

    @callback
    def on_next(self) -> None:
        """Make one more section while the kernel is idle, so that it opens at once."""
        rest = [section for section in _SECTIONS if section not in self._made]
        if rest and self._next.deferred:
            self._section(rest[0])
            self._next()

    # ---- what sections call

    def lead(self, number: str) -> None:
        """Open a work order in the section of the orders.

        Parameters
        ----------
        number : str
            Number of the order.
        """
        self.orders.choose(number)
        self._outdated.add(self.orders.name)
        self._set(self.orders.name)
        self._show()
        self.moved(step=True)

    def changed(self) -> None:
        """Read again after a section has changed something, and tell the other views."""
        self._outdated = {section.name for section in _SECTIONS}
        self._show()
        self.altered()

    def pick(self, asset: str, channel: str, anomaly: Moment | None = None) -> None:
        """Choose a channel in all views, where the fleet has it, or the anomaly of an asset as a whole.

        Parameters
        ----------
        asset, channel : str
            The channel and its asset; no channel for the anomaly of an asset.
        anomaly : int, pandas.Timestamp or None
            Moment at which the anomaly to choose begins.
        """
        if channel in set(self.fleet["channel"]) or (not channel and anomaly is not None):
            self.choose(Selected(asset, channel, anomaly))

    # ---- parts

    def _set(self, name: str) -> None:
        self._quiet = True
        self._mode.value = name
        self._quiet = False

    def _show(self) -> None:
        shown = self.mode
        for mode in self._made.values():
            mode.widget.layout.visibility = None if mode is shown else "hidden"
        if self.mode.name in self._outdated:
            self._outdated.discard(self.mode.name)
            self._words[self.mode.name] = self.mode.refresh()
        self.head.value = f"<div class='wb-line'><h1>{self.title}</h1><p>{self._words[self.mode.name]}</p></div>"
