"""The page: a header, a tab for each view, and the address that follows what is shown.

One module because it is one object: what the page shows, and what it tells its views.
"""

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import ipywidgets as widgets
import pandas as pd

from workbench.exceptions import SettingsError, ViewError
from workbench.live.standing import catching_up
from workbench.maintenance.alerts.table import ALLOWED
from workbench.plots.theme import THEMES
from workbench.views.base import View
from workbench.views.beginning import Beginning
from workbench.views.header import announcement_markup, catching_up_markup, header_markup, help_markup
from workbench.views.registry import VIEWS, view_class
from workbench.views.remembered import data_stamp, remember_fleet
from workbench.views.state import EMPTY, Selection, State
from workbench.views.view_session import ViewSession
from workbench.views.wall import Wall
from workbench.views.widgets.boxes import box, button, close_tree
from workbench.views.widgets.callbacks import Failure, Guard, callback
from workbench.views.widgets.cards import error_card, progress_card
from workbench.views.widgets.style import DENSITIES, stylesheet
from workbench.views.widgets.timers import Later, Polling
from workbench.views.widgets.together import together

__all__ = ["Shell"]

_POLL_SECONDS = 3.0
_FOLLOW_SECONDS = 0.5
_REWRITE_SECONDS = 5.0  # from scores that were published to the header, which reads the whole fleet for them
_ANNOUNCED_SECONDS = 20.0
_LONGEST_NAME = 60
_OF_TELEMETRY = ("overview", "monitoring", "anomalies", "forecasting", "models")  # these have nothing to show without


class Shell:
    """All views on one page; each is built when its tab is first opened and stays in the page from then on.

    Parameters
    ----------
    session : ViewSession
        The session that all values come from.
    names : sequence of str, optional
        Names of the views in the order of their tabs; all of `VIEWS` where omitted. A single view has neither tabs
        nor header.
    theme, density : str
        `light` or `dark`; `compact` or `roomy`.
    state : mapping of str to object
        What to show first, as from a link; a link that cannot be read leads to the first view and a card.

    Attributes
    ----------
    widget : ipywidgets.Box
        The root; displaying the shell displays this.
    selection : Selection
        Selection that is shared by all views.
    views : dict of str to View
        The views that have been opened so far.
    current : str
        Name of the view that is shown.
    wall : Wall or None
        Views that are shown in turn on a wall; None where the reader chooses.

    Raises
    ------
    SettingsError
        There is no such theme or density.
    ViewError
        There is no such view.
    """

    title = "Workbench"

    def __init__(
        self,
        session: ViewSession,
        names: Sequence[str] | None = None,
        *,
        theme: str = "light",
        density: str = "compact",
        state: Mapping[str, object] = EMPTY,
    ) -> None:
        self._classes = {name: view_class(name) for name in (VIEWS if names is None else names)}
        self.session = remember_fleet(session)
        self.selection = Selection()
        self.views: dict[str, View] = {}
        self.current = ""
        self.failure: Failure | None = None
        self._failed_source = ""
        self._restoring = False
        self._steps = 0
        self._log_length = -1
        self.theme, self.density = self._look(theme, density)
        self._stamp: tuple[int, ...] = ()
        self._published: tuple[int, ...] = ()
        self._fleet: tuple[object, ...] | None = None  # names of the channels, and whether any is scored, as last seen
        self._alert_counts: pd.Series = pd.Series(dtype=int)  # open ones, by level
        self._waiting: set[int] | None = None  # critical alerts that nobody has acknowledged
        self._polling = Polling(self.on_poll, _POLL_SECONDS)
        self._following = Polling(self.on_follow, _FOLLOW_SECONDS)
        self._rewrite = Later(self.on_rewrite, _REWRITE_SECONDS)
        self.wall: Wall | None = None
        self._turning = Polling(self.on_turn, _POLL_SECONDS)
        self._silence = Later(self.on_silence, _ANNOUNCED_SECONDS)
        self._build()
        self._restyle()
        self._show_header()
        self.restore(state)

    def _build(self) -> None:
        hidden = {"layout": widgets.Layout(display="none")}
        self._style = widgets.HTML(**hidden)
        self._address = widgets.HTML(**hidden)
        self._visit = widgets.Text(continuous_update=False, **hidden)
        self._visit.add_class("wb-visit")
        self._visit.observe(self.on_visit, "value")
        self._header = widgets.HTML()
        self._catching_up = widgets.HTML()
        self._catching_up.add_class("wb-catching-up")
        self._notice = widgets.HTML()
        self._progress = widgets.HTML()
        self._announcement = widgets.HTML()
        self._announcement.add_class("wb-announcement")
        self._header.add_class("wb-fleet")
        self._progress.add_class("wb-progress")
        self._theme_button = button("", "Switch between the light and the dark theme (T)", self.on_look, "wb-key-t")
        self._density_button = button(
            "", "Switch between the compact and the roomy layout (D)", self.on_look, "wb-key-d"
        )
        self._help_button = button("?", "Show the keyboard shortcuts (?)", self.on_help, "wb-key-help wb-opener-help")
        self._tabs = {
            name: button(cls.title, f"{cls.title} ({place})", self.on_tab, f"wb-tab wb-key-{place}")
            for place, (name, cls) in enumerate(self._classes.items(), 1)
        }
        self._beginning = Beginning(self, self.session.settings, self.on_dropped, self.refresh)
        self._beginning.widget.layout.display = "none"
        self._help = box("wb-help wb-panel wb-popover")
        self._help.layout.display = "none"
        self._panes = box("wb-panes")
        self._who = widgets.Text(self.selection.who, description="Your name", continuous_update=False)
        self._who.tooltip = "The maintenance log records this name with everything that you do here"
        self._who.add_class("wb-who")
        self._who.observe(self.on_who, "value")
        self._leave_wall = button(
            "Leave wall mode", "Show the controls again (Escape)", self.on_leave_wall, "wb-leave-wall wb-key-escape"
        )
        tip = "Hear a new critical alert until somebody presses anything or acknowledges it; this browser remembers it"
        sound = button("Sound", tip, names="wb-sound")  # the page itself plays it
        looks = box("wb-looks", self._who, sound, self._theme_button, self._density_button, self._help_button)
        dismiss = button("✕", "Close this message", self.on_dismiss_notice, "wb-dismiss")
        heading = box("wb-heading", self._header, self._announcement, box("wb-notice", self._notice, dismiss))
        head = box("wb-header", heading, self._catching_up, looks)
        navigation = box("wb-nav", *self._tabs.values())
        alone = len(self._classes) == 1
        frame = (head,) if alone else (head, navigation)
        self.widget = box(
            f"wb wb-shell{' wb-alone' if alone else ''}",
            self._style,
            self._address,
            self._visit,
            *frame,
            self._help,
            self._progress,
            self._leave_wall,
            self._beginning.widget,
            self._panes,
        )

    # ---- state

    @property
    def view(self) -> View | None:
        """The view that is shown, or None where it could not be opened."""
        return self.views.get(self.current)

    @property
    def state(self) -> State:
        """The state that a link carries to show the same again."""
        return self.view.state if self.view else State({"view": self.current})

    def restore(self, state: Mapping[str, object] | str) -> None:
        """Show a state, or what the query of an address asks for; where it cannot be shown, a card says why.

        Parameters
        ----------
        state : mapping of str to object, or str
            The state, or the query of an address.
        """
        self._restoring = True
        try:
            with Guard(self, "open link"):
                if isinstance(state, str):
                    self._set_wall(Wall.of(state, tuple(self._classes)))
                requested = State.parse(state) if isinstance(state, str) else State(state)
                if self.wall is not None and "view" not in requested:
                    requested = requested.with_values(view=self.wall.views[0])
                self._show(requested.get("view", next(iter(self._classes))), requested)
            if not self.current:
                self._show(next(iter(self._classes)), EMPTY)
        finally:
            self._restoring = False
        self.on_moved(step=False)

    def visit(self, query: str = "", look: str = "") -> None:
        """Show what a browser has asked for, with the data of this moment; the page of the dashboard calls this.

        Parameters
        ----------
        query : str
            Query of the address.
        look : str
            Theme, density and name that the reader chose on an earlier page, as `dark.roomy.Ada%20L.`.
        """
        theme, density, who = [*look.split(".", 2), "", ""][:3]
        if unquote(who).strip():
            self._who.value = unquote(who)[:_LONGEST_NAME]
        if theme in THEMES and density in DENSITIES:
            self.set_look(theme, density)
        self.refresh()
        if query:
            self.restore(query)
        self._polling.start()
        self._following.start()

    def open(self, name: str, state: Mapping[str, object] | None = None) -> None:
        """Show a view with what is chosen; a page of a single view stays as it is.

        Parameters
        ----------
        name : str
            Name of one of the page's views.
        state : mapping of str to object, optional
            What the view shows; as it was where omitted.

        Raises
        ------
        ViewError
            There is no such view.
        """
        if len(self._classes) > 1:
            self._show(name, None if state is None else State(state))
        self.on_moved(step=True)

    def _show(self, name: str, state: State | None) -> None:
        if name not in self._classes:
            raise ViewError(f"There is no view {name!r}.", f"Views: {', '.join(self._classes)}.")
        if name not in self.views:
            self._open(name, State() if state is None else state)
        elif state is not None:
            self.views[name].restore(state)
        for other, view in self.views.items():
            view.pane.layout.visibility = None if other == name else "hidden"  # it keeps its layout: showing is cheap
        for other, tab in self._tabs.items():
            (tab.add_class if other == name else tab.remove_class)("wb-current")
        for other, view in self.views.items():  # last: a view may take seconds to read what it has missed
            if view.active != (other == name):
                view.set_active(other == name)
        self.current = name
        self._offer_beginning(self.session.overview().empty)

    def _offer_beginning(self, is_empty: bool) -> None:
        """Show how to begin, in place of a view that has nothing to show; or the view."""
        offered = is_empty and self.current in _OF_TELEMETRY
        self._beginning.widget.layout.display = None if offered else "none"
        (self.widget.add_class if is_empty else self.widget.remove_class)("wb-nothing")

    def on_dropped(self, path: Path) -> None:
        """Show what a dropped file would become.

        Parameters
        ----------
        path : Path
            The file.
        """
        self.open("system", {"part": "Import"})
        self.views["system"].take_file(path)

    def _open(self, name: str, state: State) -> None:
        cls = self._classes[name]
        self._progress.value = progress_card(f"Opening {cls.title}")
        frame: dict[str, Any] = {"theme": self.theme, "density": self.density, "selection": self.selection}
        try:
            with together():
                opened = cls(self.session, **frame, state=state)
        finally:
            self._progress.value = ""
        opened.put_into(self)
        self.views[name] = opened
        self._panes.children = (*self._panes.children, opened.pane)

    # ---- what views and widgets call

    def on_moved(self, *, step: bool) -> None:
        """Follow the state with the address; steps are counted, as a page may see only the last of several messages.

        Parameters
        ----------
        step : bool
            Whether the browser's back button returns to the state before.
        """
        if not self._restoring:
            self._steps += step
            query = self.state.query()
            values = {
                "query": query if self.wall is None else f"{query}&{self.wall.query()}",
                "step": self._steps,
                "look": f"{self.theme}.{self.density}.{quote(self.selection.who, safe='')}",
            }
            data = " ".join(f'data-{key}="{escape(str(value))}"' for key, value in values.items())
            self._address.value = f'<i class="wb-address" {data}></i>'

    def on_altered(self, view: object) -> None:
        """Tell all other views, and the header, to read again.

        Parameters
        ----------
        view : View
            The view that has changed data.
        """
        for other in self.views.values():
            if other is not view:
                other.outdate()
        self._show_header()

    @callback
    def on_visit(self, change: dict[str, Any]) -> None:
        """Show what the browser's back button has returned to.

        The text before the first blank only makes the value of the widget new.
        """
        if change["new"]:
            self.restore(change["new"].partition(" ")[2])

    @callback
    def on_tab(self, tab: widgets.Button) -> None:
        """Show the view of a tab."""
        self.open(next(name for name, made in self._tabs.items() if made is tab))

    @callback
    def on_look(self, pressed: widgets.Button) -> None:
        """Switch theme or density."""
        theme, density = self.theme, self.density
        if pressed is self._theme_button:
            theme = "light" if theme == "dark" else "dark"
        else:
            density = "compact" if density == "roomy" else "roomy"
        self.set_look(theme, density)

    @callback
    def on_who(self, change: dict[str, Any]) -> None:
        """Take another name for the maintenance log; an empty name changes nothing."""
        self.selection.who = change["new"].strip()[:_LONGEST_NAME] or change["old"]
        self._who.value = self.selection.who
        for view in self.views.values():
            view.outdate()  # lists of what is mine are others now
        self.on_moved(step=False)

    @callback
    def on_help(self, pressed: widgets.Button) -> None:
        """Open or close the list of keyboard shortcuts."""
        del pressed
        closed = self._help.layout.display == "none"
        shortcuts = self.view.shortcuts if self.view else {}
        titles = [cls.title for cls in self._classes.values()]
        self._help.children = [widgets.HTML(help_markup(titles, shortcuts))] if closed else []
        self._help.layout.display = None if closed else "none"

    @callback
    def on_poll(self) -> None:
        """Read again where others have changed something, and poll the view that is shown."""
        if self.session.maintenance.log_length() != self._log_length:
            self._show_logged()
        self._show_catching_up()
        if self.view is not None:
            self.view.poll()

    @callback
    def on_follow(self) -> None:
        """Read again at once where anything was written to the home: alerts, telemetry or scores.

        While nothing is written this only asks for the times of some files.
        """
        stamp = data_stamp(self.session.settings)
        if not stamp or stamp == self._stamp:
            return
        self._stamp = stamp
        if self.session.maintenance.log_length() != self._log_length:
            self._show_logged()
            return
        published = self.session.archive.index.stamp()
        if published != self._published:
            self._published = published
            self._rewrite()  # of alerts there are no others: they would be in the log
            for view in self.views.values():
                view.show_newest()
        elif self.view is not None:
            self.view.show_arriving()

    @callback
    def on_rewrite(self) -> None:
        """Write again how current the scores are."""
        self._write_header()

    @callback
    def on_turn(self) -> None:
        """Show the next view of a screen on a wall."""
        if self.wall is not None:
            self._show(self.wall.next(self.current), None)
            self.on_moved(step=False)

    @callback
    def on_leave_wall(self, pressed: widgets.Button) -> None:
        """Show controls again, and stay with the view that is shown."""
        del pressed
        self._set_wall(None)
        self.on_moved(step=False)

    def _set_wall(self, wall: Wall | None) -> None:
        """Begin or end to show views in turn."""
        self._turning.stop()
        self.wall = wall
        (self.widget.remove_class if wall is None else self.widget.add_class)("wb-wall")
        if wall is not None:
            self._turning = Polling(self.on_turn, wall.seconds)
            self._turning.start()

    @callback
    def on_silence(self) -> None:
        """Take the announcement away."""
        self._announcement.value = ""

    # ---- look

    def set_look(self, theme: str, density: str) -> None:
        """Show everything in another theme and density.

        Parameters
        ----------
        theme : str
            `light` or `dark`.
        density : str
            `compact` or `roomy`.
        """
        self.theme, self.density = self._look(theme, density)
        self._restyle()
        for view in self.views.values():
            view.set_theme(theme, density)
        self.on_moved(step=False)

    def _look(self, theme: str, density: str) -> tuple[str, str]:
        for kind, value, names in (("theme", theme, THEMES), ("density", density, DENSITIES)):
            if value not in names:
                raise SettingsError(f"There is no {kind} {value!r}.", f"Choose one of: {', '.join(names)}.")
        return theme, density

    def _restyle(self) -> None:
        self._style.value = f"<style>{stylesheet(THEMES[self.theme], self.density)}</style>"
        self._theme_button.description = "Light" if self.theme == "dark" else "Dark"
        self._density_button.description = "Compact" if self.density == "roomy" else "Roomy"

    def refresh(self) -> None:
        """Read the session again, for the header and for all views."""
        self._show_header()
        for view in self.views.values():
            view.outdate()

    def _show_logged(self) -> None:
        """Show what others have done, in the header and in all views."""
        self._show_header()
        for view in self.views.values():
            view.show_logged()

    def _show_header(self) -> None:
        with Guard(self, "read the fleet"):
            self._log_length = self.session.maintenance.log_length()
            self._alert_counts = self.session.maintenance.alerts.count(state="open")
            self._announce()
            self._write_header()
            self._show_catching_up()

    def _write_header(self) -> None:
        now, fleet, waiting = self.session.clock(), self.session.overview(), len(self._waiting or ())
        self._offer_beginning(fleet.empty)
        present = (*fleet["channel"], bool((fleet["state"] == "missing").all()))
        if self._fleet not in (None, present):  # a fleet that is being made, or another one
            for view in self.views.values():
                view.outdate()
        self._fleet = present
        self._header.value = header_markup(fleet, self._alert_counts, self.session.settings, now, waiting)

    def _show_catching_up(self) -> None:
        self._catching_up.value = catching_up_markup(catching_up(self.session.settings.home))

    def _announce(self) -> None:
        """Announce critical alerts that are new since the last look."""
        rows = self.session.maintenance.alerts.list(state=ALLOWED["acknowledge"], level="critical")
        present = {int(number): str(message) for number, message in rows[["id", "message"]].to_numpy().tolist()}
        new = sorted(set(present) - (set(present) if self._waiting is None else self._waiting))
        self._waiting = set(present)
        if new:
            self._announcement.value = announcement_markup([present[number] for number in new])
            self._silence.cancel()
            if self._silence.deferred:
                self._silence()

    # ---- errors

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

    def _dismiss(self) -> None:
        self.failure = None
        self._failed_source = ""
        self._notice.value = ""

    def close(self) -> None:
        """Stop what is under way, and remove the page."""
        self._polling.stop()
        self._following.stop()
        self._turning.stop()
        self._silence.cancel()
        self._rewrite.cancel()
        self._beginning.close()
        for view in self.views.values():
            view.close()
        close_tree(self.widget)

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        return self.widget._repr_mimebundle_(**kwargs)
