"""The tail of the log with search, in the system view."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets

from workbench.exceptions import ViewError
from workbench.observability.logs import LEVELS, LogEntry, log_path, read_log
from workbench.views.system.markup import entry_markup, log_markup
from workbench.views.widgets.boxes import box, classed
from workbench.views.widgets.callbacks import Failure, callback
from workbench.views.widgets.grid import Grid

if TYPE_CHECKING:
    from workbench.views.base import View

__all__ = ["LogPanel"]

_LEVELS = {"all": LEVELS[0], "warnings and errors": "WARNING", "errors": "ERROR"}


class LogPanel:
    """The newest entries of the dashboard's log, or those that hold a text, as the number of an error card.

    Parameters
    ----------
    view : View

    Attributes
    ----------
    widget : ipywidgets.Box
    entries : dict of str to LogEntry
        Those shown, the newest first.
    """

    def __init__(self, view: "View") -> None:
        self._view, self._quiet = view, False
        self._stamp: tuple[int, int] | None = None
        self.entries: dict[str, LogEntry] = {}
        self.find = widgets.Text(placeholder="Find, as the number of an error", continuous_update=False)
        self.level = widgets.Dropdown(options=list(_LEVELS.items()))
        self.find.tooltip, self.level.tooltip = "Search all that is kept of the log", "Which entries"
        for made in (self.find, self.level):
            made.observe(self.on_search, "value")
        self.grid = Grid("Log", pick=self.on_entry)
        self.entry = classed(widgets.HTML(), "wb-entry")
        head = box("wb-bar wb-panel-head", widgets.HTML("<h2>Log</h2>"), self.find, self.level)
        self.widget = box("wb-panel wb-log", head, self.grid, self.entry)

    @property
    def title(self) -> str:
        """The view's."""
        return self._view.title

    @property
    def path(self) -> Path:
        """The file."""
        return log_path(self._view.session.settings.home)

    def fail(self, failure: Failure, source: str) -> None:
        """Have the view show the card."""
        self._view.fail(failure, source)

    def mend(self, source: str) -> None:
        """Have the view take the card away."""
        self._view.mend(source)

    def state(self) -> dict[str, str]:
        """Give what is searched."""
        return {"find": self.find.value.strip(), "level": "" if self.level.value == LEVELS[0] else self.level.value}

    def restore(self, state: Mapping[str, str]) -> None:
        """Search as a link does."""
        level = state.get("level", LEVELS[0])
        if level not in _LEVELS.values():
            raise ViewError(f"level is {level!r}.", f"Known: {', '.join(_LEVELS.values())}.")
        self._quiet = True
        self.find.value, self.level.value = state.get("find", ""), level
        self._quiet = False

    def read(self) -> None:
        """Read the log again."""
        self._stamp = self._now()
        found = read_log(self.path, self.find.value, self.level.value)
        self.entries = {f"{entry.at} {entry.process} {entry.text[:80]}": entry for entry in found}
        searched = bool(self.find.value.strip()) or self.level.value != LEVELS[0]
        self.grid.html = log_markup(self.entries.items(), searched)
        self._show(self.grid.chosen if self.grid.chosen in self.entries else "")

    def follow(self) -> None:
        """Read the log again if something was written to it."""
        if self._now() != self._stamp:
            self.read()

    @callback
    def on_search(self, change: dict[str, Any]) -> None:
        """Look for a text, or for what is worse."""
        del change
        if not self._quiet:
            self.read()
            self._view.moved()

    @callback
    def on_entry(self, key: str) -> None:
        """Show an entry whole."""
        self._show(key)

    def _show(self, key: str) -> None:
        self.grid.chosen = key
        self.entry.value = entry_markup(self.entries.get(key))

    def _now(self) -> tuple[int, int] | None:
        try:
            found = self.path.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size
