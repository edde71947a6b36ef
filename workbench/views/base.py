"""The base of every view: widgets over a session, a state that a link carries, and a selection that all share.

One module because it is one contract: what a view defines, and what it has for it.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

import ipywidgets as widgets
import pandas as pd

from workbench.exceptions import SettingsError, ViewError
from workbench.plots.theme import THEMES, Tokens
from workbench.telemetry.moments import moment_text
from workbench.views.code import view_code
from workbench.views.export import csv_text, file_stem
from workbench.views.state import EMPTY, Selected, Selection, State, anomaly_moment
from workbench.views.tools import Tools
from workbench.views.view_session import Frame, ViewSession
from workbench.views.wall import WALL_KEYS
from workbench.views.widgets.boxes import box, button, classed, close_tree
from workbench.views.widgets.callbacks import Failure, Guard, callback
from workbench.views.widgets.cards import error_card, progress_card
from workbench.views.widgets.chart import load_bokehjs
from workbench.views.widgets.style import DENSITIES, stylesheet

if TYPE_CHECKING:
    from workbench.views.widgets.chart import Chart

__all__ = ["Frame", "View", "ViewSession", "callback"]

_COMMON_KEYS = ("view", "asset", "channel", "anomaly", "from", "to")
"""Keys of a link that every view knows."""
_KEYS_OF_THE_PAGE = ("token", "theme", "density", *WALL_KEYS)
"""Keys that an address may have which are about the page, not about what it shows."""


class View(ABC):
    """A page, alone or as a tab of the shell; the same object in JupyterLab, in Voila and in a test.

    A subclass has a `name` and a `title`, builds its widgets once, changes their values afterwards, and makes every
    callback a named method under `callback`, so that a test can call what a click calls and an error in it becomes a
    card. The base puts one row above what `build` returns: `head`, which the view fills with what the reader
    needs first, and the tools (refresh, export, code, report). Below is a whole view::

        class Worst(View):
            name = "worst"                        # in the address and in the registry of views
            title = "Worst channel"
            keys = ("level",)                     # what it adds to the state, besides asset, channel, from, to

            def build(self):                      # widgets, empty; once
                self._level = widgets.Dropdown(options=["all", *SEVERITIES], description="Level")
                self._level.observe(self.on_level, "value")
                self._charts = widgets.Box()
                return [box("wb-bar", self._level), self._charts]

            def refresh(self):                    # read the session again and show what it holds now
                self._table = self.session.overview()
                self.head.value = f"<h1>{len(self._table)} channels</h1>"
                self.draw()

            def recolour(self):                   # draw again what takes colours from self.tokens
                self.draw()

            @callback
            def on_level(self, change):           # what a click calls; an error in it becomes a card
                self.draw()
                self.moved()                      # the state has changed: the address follows

            @callback
            def on_row(self, name):               # a row was clicked: all views learn of it, and the address
                self.choose(Selected(asset="SMAP", channel=name))
                self.draw()                       # self.go("anomalies") would also open that tab

            @callback
            def on_close_alert(self, button):
                self.session.maintenance.close(...)
                self.altered()                    # data has changed: other views read again when they are shown

            def show_selection(self, now):        # another view, or a link, has chosen a channel
                self.draw()

            def read_state(self):                 # what a link must carry to show the same again
                return {"level": self._level.value}

            def apply_state(self, state):         # the reverse; a key that is missing stands for the default
                self._level.value = state.get("level", "all")

            def shown_table(self):                # what is shown, for "Export CSV" (None: nothing to export)
                return self._table

            def charts(self):                     # what can be saved as PNG or SVG, by name
                return {"Overview": self._chart}  # workbench.views.widgets.chart.Chart

            def code_lines(self):                 # the notebook cell that gives the same result
                return ["session.overview()"]

    A button with the class `wb-key-x` is clicked by the key x while its view is shown; `shortcuts` says so under `?`.

    A subclass that has parameters of its own passes the others on: `def __init__(self, session, *, mine=1, **frame)`
    and `super().__init__(session, **frame)`.

    Parameters
    ----------
    session : ViewSession
        The session that all values come from.
    theme : str
        `light` or `dark`.
    density : str
        `compact` or `roomy`.
    selection : Selection, optional
        Selection that is shared with other views; a new one where omitted.
    state : State or mapping, optional
        What to show first, as a link holds it.

    Attributes
    ----------
    name, title : str
        Name in addresses, and title on screen.
    keys : tuple of str
        Keys of the state that are the view's own.
    shortcuts : mapping of str to str
        What the keys of the keyboard do, for the list under `?`.
    widget : ipywidgets.Widget
        The root with its stylesheet; displaying the view displays this.
    pane : ipywidgets.Widget
        The same without the stylesheet, for the shell.
    selection : Selection
        `selection.now` is what is chosen; `selection.choose(Selected("SMAP", "P-1"))` chooses.
    tokens : Tokens
        Colours of the theme in use.
    active : bool
        Whether the view is on screen; a hidden one learns of selections when it is shown.
    failure : Failure or None
        The error whose card is shown; None where there is none.

    Raises
    ------
    SettingsError
        There is no such theme or density.
    ViewError
        `state` is malformed.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    keys: ClassVar[tuple[str, ...]] = ()
    shortcuts: ClassVar[Mapping[str, str]] = MappingProxyType({})

    def __init__(
        self,
        session: ViewSession,
        *,
        theme: str = "light",
        density: str = "compact",
        selection: Selection | None = None,
        state: Mapping[str, object] = EMPTY,
    ) -> None:
        for kind, value, names in (("theme", theme, THEMES), ("density", density, DENSITIES)):
            if value not in names:
                raise SettingsError(f"There is no {kind} {value!r}.", f"Choose one of: {', '.join(names)}.")
        self.session = session
        self.tokens: Tokens = THEMES[theme]
        self.density = density
        self.selection = Selection() if selection is None else selection
        self.active = True
        self.failure: Failure | None = None
        self._failed_source = ""
        self._missed: set[str] = set()
        self._frame: Frame | None = None
        self.head = classed(widgets.HTML(), "wb-headline")
        self._notice = widgets.HTML()
        dismiss = button("✕", "Close this message", self.on_dismiss_notice, "wb-dismiss")
        notice = box("wb-notice", self._notice, dismiss)
        self._style = widgets.HTML(layout=widgets.Layout(display="none"))
        self._scope = f"wb-of-{self._style.model_id}"  # two views on a page may have two themes
        self._progress = classed(widgets.HTML(), "wb-progress")
        self.tools = Tools(self)
        top = box("wb-top", box("wb-heading", self.head, notice), self._progress, self.tools.widget)
        self.pane = box(f"wb-pane wb-{self.name}", top, self.tools.panel, *self.build())
        self.selection.observe(self._on_selected)
        with Guard(self, "refresh"):
            self.refresh()
        first = State(state)
        if first or self.selection.now != Selected():
            self.restore(first)

    # ---- what a subclass defines

    @abstractmethod
    def build(self) -> list[widgets.Widget]:
        """Make the widgets, empty; called once, before the first `refresh`."""

    @abstractmethod
    def refresh(self) -> None:
        """Read the session again and show what it holds now; what is chosen stays if it still exists."""

    @abstractmethod
    def recolour(self) -> None:
        """Draw again what takes its colours from `tokens` and not from the stylesheet."""

    def show_selection(self, now: Selected) -> None:
        """Show what was chosen elsewhere; a view that shows no channel does nothing.

        Parameters
        ----------
        now : Selected
            What was chosen.
        """
        del now

    def read_state(self) -> Mapping[str, object]:
        """Return `from`, `to` and the view's own `keys`; empty texts and None are left out."""
        return {}

    def apply_state(self, state: State) -> None:
        """Show a state; a key that is missing stands for its default.

        Parameters
        ----------
        state : State
            The state, whose selection is shown already.
        """
        del state

    def shown_table(self) -> pd.DataFrame | None:
        """Return the table that is shown, for export; None where there is none."""
        return None

    def shown_channel(self) -> str:
        """Return the channel that is shown, on which the notebook runs; empty where none is."""
        return self.selection.now.channel

    def charts(self) -> Mapping[str, "Chart"]:
        """Return the charts that are shown, by name, for PNG and SVG."""
        return {}

    def code_lines(self) -> list[str]:
        """Return the lines after `session = wb.open()`; the last one has the result that is shown."""
        return []

    def poll(self) -> None:
        """Check quickly whether others have changed what is shown; called every few seconds while it is shown."""
        return

    def show_newest(self) -> None:
        """Show the telemetry and scores that have come since; a view that shows none has nothing to do."""
        return

    def show_arriving(self) -> None:
        """Show the samples that have come and are not in the archive yet; a view that shows none has nothing to do."""
        return

    def take_file(self, path: Path) -> None:
        """Show what a file that was dropped on the page would become; a view that imports none does nothing.

        Parameters
        ----------
        path : Path
            The file.
        """
        del path

    def set_active(self, active: bool) -> None:
        """Show or hide the view; a view with a clock overrides this to stop its clock while it is hidden.

        Parameters
        ----------
        active : bool
            Whether the view is shown.
        """
        self.active = active
        missed, self._missed = (self._missed, set()) if active else (set(), self._missed)
        if "refresh" in missed:
            with Guard(self, "refresh"):
                self.refresh()
        if "selection" in missed:
            with Guard(self, "show_selection"):
                self.show_selection(self.selection.now)

    # ---- state and selection

    @property
    def who(self) -> str:
        """Name of the person who acts, for the maintenance log."""
        return self.selection.who

    @property
    def state(self) -> State:
        """The state that a link carries to show the same again; assign a mapping to show another state."""
        now = self.selection.now
        anomaly = None if now.anomaly is None else moment_text(now.anomaly)
        chosen = {"asset": now.asset, "channel": now.channel, "anomaly": anomaly}
        return State({"view": self.name, **chosen, **self.read_state()})

    @state.setter
    def state(self, values: Mapping[str, object]) -> None:
        self.restore(State(values))

    def restore(self, state: State) -> None:
        """Show a state, as from a link; where it names no asset or channel, the selection stays.

        Parameters
        ----------
        state : State
            The state.
        """
        if "asset" in state or "channel" in state:
            anomaly = anomaly_moment(state["anomaly"]) if "anomaly" in state else None
            chosen = Selected(state.get("asset", ""), state.get("channel", ""), anomaly)
            self.selection.choose(chosen, by=self._on_selected)
        self._missed.discard("selection")  # it is shown now, before what the link holds
        with Guard(self, "restore"):
            if self.selection.now != Selected():
                self.show_selection(self.selection.now)
            self.apply_state(state)
            self._check_link(state)

    def _check_link(self, state: State) -> None:
        """Raise an error where a link names what does not exist; what does is shown."""
        unknown = [key for key in state if key not in (*_COMMON_KEYS, *_KEYS_OF_THE_PAGE, *self.keys)]
        if unknown:
            raise ViewError(
                f"{self.title} does not know {unknown[0]}={state[unknown[0]]} of this link.",
                f"The rest of the link is shown. Known: {', '.join((*_COMMON_KEYS, *self.keys))}.",
            )
        asset = state.get("asset", "")
        if asset and asset not in set(self.session.overview()["asset"]):
            desk = self.session.maintenance
            if asset not in desk.register.names() and desk.alerts.list(asset=asset, state=None, limit=1).empty:
                raise ViewError(f"There is no asset {asset!r}.", "Choose an asset of the fleet.")

    def choose(self, chosen: Selected) -> None:
        """Choose for all views, with an entry in the browser's history; this view shows it by itself.

        Parameters
        ----------
        chosen : Selected
            What is chosen.
        """
        if chosen != self.selection.now:
            self.selection.choose(chosen, by=self._on_selected)
            self.moved(step=True)

    def moved(self, *, step: bool = False) -> None:
        """Tell the page that the state has changed, so that the address follows.

        Parameters
        ----------
        step : bool
            Whether the browser's back button returns to the state before.
        """
        self._outlive()
        self.tools.follow()
        if self._frame is not None:
            self._frame.on_moved(step=step)

    def go(self, name: str, state: Mapping[str, object] | None = None) -> None:
        """Open another view; nothing happens where this view stands alone.

        Parameters
        ----------
        name : str
            Name of the other view.
        state : mapping of str to object, optional
            What the other view shows; as it was where omitted.
        """
        if self._frame is not None:
            self._frame.open(name, state)

    def altered(self) -> None:
        """Tell the other views that data has changed, so that they read again when they are shown."""
        self._outlive()
        if self._frame is not None:
            self._frame.on_altered(self)

    def outdate(self) -> None:
        """Read the session again: at once where the view is shown, else when it is."""
        if self.active:
            with Guard(self, "refresh"):
                self.refresh()
        else:
            self._missed.add("refresh")

    def show_logged(self) -> None:
        """Show what others have done with alerts and orders; a view that shows little of it reads less again."""
        self.outdate()

    def put_into(self, frame: Frame) -> None:
        """Connect the view to the page that it is part of.

        Parameters
        ----------
        frame : Frame
            The page.
        """
        self._frame = frame

    def _on_selected(self, now: Selected) -> None:
        if not self.active:
            self._missed.add("selection")
            return
        with Guard(self, "show_selection"):
            self.show_selection(now)
        self.tools.follow()
        if self._frame is not None:
            self._frame.on_moved(step=True)

    # ---- look

    @cached_property
    def widget(self) -> widgets.Widget:
        """The root of a view that stands alone, with its stylesheet."""
        self._restyle()
        return box(f"wb {self._scope}", self._style, self.pane)

    def set_theme(self, theme: str, density: str | None = None) -> None:
        """Show the view in another theme and density.

        Parameters
        ----------
        theme : str
            `light` or `dark`.
        density : str, optional
            `compact` or `roomy`; as it is where omitted.
        """
        recolour = THEMES[theme] is not self.tokens
        self.tokens = THEMES[theme]
        self.density = density or self.density
        if "widget" in self.__dict__:
            self._restyle()
        if recolour:
            with Guard(self, "recolour"):
                self.recolour()

    def _restyle(self) -> None:
        self._style.value = f"<style>{stylesheet(self.tokens, self.density, f'.{self._scope}')}</style>"

    # ---- errors and progress

    def fail(self, failure: Failure, source: str) -> None:
        """Show the card of an error.

        Parameters
        ----------
        failure : Failure
            The error.
        source : str
            Name of the callback that failed.
        """
        self.failure = failure
        self._failed_source = source
        self._notice.value = error_card(failure)

    def mend(self, source: str) -> None:
        """Remove the card that a callback has left.

        Parameters
        ----------
        source : str
            Name of the callback, which has succeeded now.
        """
        if self._failed_source == source:
            self._dismiss()

    @callback
    def on_dismiss_notice(self, pressed: widgets.Button) -> None:
        """Close the card of an error."""
        del pressed
        self._dismiss()

    def _outlive(self) -> None:
        """Close the card of something that was tried, as something else has been done; one of reading stays."""
        if self._failed_source != "refresh":
            self._dismiss()

    def _dismiss(self) -> None:
        self.failure = None
        self._failed_source = ""
        self._notice.value = ""

    @contextmanager
    def busy(self, words: str, total: int = 0) -> Iterator[Callable[[int], None]]:
        """Show that something takes a while, and how far it is: `with self.busy("Scoring", 82) as done: done(1)`.

        Parameters
        ----------
        words : str
            What is done, as `Scoring`.
        total : int
            Number of steps; 0 where it is not known.

        Yields
        ------
        callable
            Call it with the number of steps done.
        """

        def show(done: int) -> None:
            self._progress.value = progress_card(words, done, total)

        show(0)
        try:
            yield show
        finally:
            self._progress.value = ""

    # ---- export

    def export_csv(self) -> tuple[str, str] | None:
        """Return file name and content of the table that is shown; None where there is none."""
        table = self.shown_table()
        return None if table is None else (f"{file_stem(self.state)}.csv", csv_text(table))

    def code(self) -> str:
        """Return the notebook cell that gives what is shown."""
        return view_code(self)

    def link(self) -> str:
        """Return the query of the address that shows the same again."""
        return f"?{self.state.query()}"

    # ---- end

    def close(self) -> None:
        """Remove the view from the page; a subclass that has a clock stops it first and calls this last."""
        self.selection.unobserve(self._on_selected)
        self._frame = None
        self.tools.close()
        close_tree(self.pane)
        close_tree(self._style)
        if "widget" in self.__dict__:
            close_tree(self.widget)

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        load_bokehjs()
        return self.widget._repr_mimebundle_(**kwargs)
