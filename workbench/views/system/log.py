"""The tail of the log with search, in the system view."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import ipywidgets as widgets

from workbench.observability.logs import LEVELS, LogEntry, log_path, read_log
from workbench.views.section import Host, Section
from workbench.views.system.markup import entry_markup, log_markup
from workbench.views.widgets.boxes import box, classed
from workbench.views.widgets.callbacks import Quiet, callback
from workbench.views.widgets.filters import check_choice
from workbench.views.widgets.grid import Grid

__all__ = ["LogPanel"]

_LEVELS = {"all": LEVELS[0], "warnings and errors": "WARNING", "errors": "ERROR"}
"""Least level of the entries by the words of the choice."""


class LogPanel(Section[Host]):
    """The newest entries of the dashboard's log, or those that hold a text, as the number of an error card.

    Attributes
    ----------
    find, level : ipywidgets.Widget
        Text to search for, and least level.
    grid : Grid
        Table of the entries.
    entry : ipywidgets.HTML
        The entry that is chosen, in full.
    entries : dict of str to LogEntry
        Entries that are listed, the newest first.
    """

    name: ClassVar[str] = "Log"
    css: ClassVar[str] = "wb-panel wb-log"

    def build(self) -> list[widgets.Widget]:
        """Make the widgets, empty."""
        self._quiet = Quiet()
        self._read_file: tuple[int, int] | None = None
        self.entries: dict[str, LogEntry] = {}
        self.find = widgets.Text(placeholder="text or error number")
        self.find.tooltip = "Search the whole log"
        self.level = widgets.Dropdown(options=list(_LEVELS.items()))
        self.level.tooltip = "Which entries are listed"
        for control in (self.find, self.level):
            control.observe(self.on_search, "value")
        self.grid = Grid("Log", pick=self.on_entry)
        self.entry = classed(widgets.HTML(), "wb-entry")
        head = box("wb-bar wb-panel-head", widgets.HTML("<h2>Log</h2>"), self.find, self.level)
        return [head, self.grid, self.entry]

    @property
    def path(self) -> Path:
        """The file of the log."""
        return log_path(self.view.session.settings.home)

    def state(self) -> dict[str, str]:
        """Return what is searched, for a link.

        Returns
        -------
        dict of str to str
            `find` and `level`; empty where nothing is searched.
        """
        return {"find": self.find.value.strip(), "level": "" if self.level.value == LEVELS[0] else self.level.value}

    def restore(self, state: Mapping[str, str]) -> None:
        """Search as a link does.

        Parameters
        ----------
        state : mapping of str to str
            State of the view.

        Raises
        ------
        ViewError
            There is no such level.
        """
        level = state.get("level", LEVELS[0])
        check_choice("level", level, _LEVELS.values())
        with self._quiet:
            self.find.value = state.get("find", "")
            self.level.value = level

    def read(self) -> None:
        """Read the log again."""
        self._read_file = self._file_now()
        entries = read_log(self.path, self.find.value, self.level.value)
        self.entries = {f"{entry.at} {entry.process} {entry.text[:80]}": entry for entry in entries}
        searched = bool(self.find.value.strip()) or self.level.value != LEVELS[0]
        self.grid.html = log_markup(self.entries.items(), searched)
        self._show(self.grid.chosen if self.grid.chosen in self.entries else "")

    def follow(self) -> None:
        """Read the log again if something was written to it."""
        if self._file_now() != self._read_file:
            self.read()

    @callback
    def on_search(self, change: dict[str, Any]) -> None:
        """List the entries that hold a text and have the level."""
        del change
        if not self._quiet:
            self.read()
            self.view.moved()

    @callback
    def on_entry(self, key: str) -> None:
        """Show an entry in full."""
        self._show(key)

    def _show(self, key: str) -> None:
        self.grid.chosen = key
        self.entry.value = entry_markup(self.entries.get(key))

    def _file_now(self) -> tuple[int, int] | None:
        """Return time and size of the file, which change with each entry; None where there is no file."""
        try:
            status = self.path.stat()
        except OSError:
            return None
        return status.st_mtime_ns, status.st_size
