"""Filters of a list that are saved by name in the home, for everybody who uses it."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import ipywidgets as widgets

from workbench.exceptions import ViewError
from workbench.files import replacing
from workbench.views.widgets.boxes import box, button, classed
from workbench.views.widgets.callbacks import Guarded, Hosted, Quiet, callback

__all__ = ["SavedFilters", "read_filters", "write_filters"]

_FILE = "filters.json"
_LONGEST_NAME = 60
_NONE = ("saved filters", "")

Saved = dict[str, dict[str, str]]


def read_filters(home: Path, view: str) -> Saved:
    """Return the saved filters of a list; none where nothing was saved, or the file holds something else.

    Parameters
    ----------
    home : Path
        Home of the workbench.
    view : str
        Name of the list.

    Returns
    -------
    dict of str to dict
        What the list is filtered and sorted by, as in a link, by the name under which it was saved.
    """
    found = _read(home).get(view)
    if not isinstance(found, dict):
        return {}
    return {
        str(name): {str(key): str(value) for key, value in state.items()}
        for name, state in sorted(found.items())
        if isinstance(state, dict)
    }


def write_filters(home: Path, view: str, saved: Mapping[str, Mapping[str, str]]) -> None:
    """Save the filters of a list; those of other lists stay.

    Parameters
    ----------
    home : Path
        Home of the workbench.
    view : str
        Name of the list.
    saved : mapping of str to mapping
        What the list is filtered and sorted by, by name.
    """
    content = {**_read(home), view: saved}
    with replacing(home / _FILE) as path:
        path.write_text(json.dumps(content, indent=1), encoding="utf-8")


def _read(home: Path) -> dict[str, Any]:
    try:
        content = json.loads((home / _FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


class SavedFilters(Hosted):
    """The choice of the filters that were saved, and the form that saves those in use.

    Parameters
    ----------
    host : Guarded
        View or section that shows an error.
    home : Path
        Home of the workbench.
    view : str
        Name of the list.
    written : callable
        Returns the filters in use, as in a link.
    use : callable
        Called with the filters that a person has chosen.

    Attributes
    ----------
    bar, form : ipywidgets.Box
        Choice and button, in the row of the filters; the form that the button opens.
    choice, name : ipywidgets.Widget
        The choice, and the name under which to save.
    open, save, remove : ipywidgets.Button
        Open or close the form; save; remove what is chosen.
    """

    def __init__(
        self,
        host: Guarded,
        home: Path,
        view: str,
        written: Callable[[], Mapping[str, str]],
        use: Callable[[Mapping[str, str]], None],
    ) -> None:
        super().__init__(host)
        self._home, self._view = home, view
        self._written, self._use = written, use
        self._quiet = Quiet()
        self.choice = classed(widgets.Dropdown(options=[_NONE], value=""), "wb-choice")
        self.choice.tooltip = "Filters that were saved by name"
        self.choice.observe(self.on_choice, "value")
        self.open = button("Save filters", "Save these filters by name, or remove saved ones", self.on_open)
        self.bar = box("wb-saved", self.choice, self.open)
        self.name = classed(widgets.Text(description="Name", continuous_update=False), "wb-field")
        self.save = button("Save", "Save these filters under the name, for everybody", self.on_save, "wb-confirm")
        self.remove = button("Remove", "Remove the saved filters of the name", self.on_remove)
        self.form = box("wb-form wb-panel", self.name, self.save, self.remove)
        self._show_form(opened=False)
        self.follow()

    def follow(self) -> None:
        """Show which saved filters those in use are; none where they are not saved."""
        saved, now = read_filters(self._home, self._view), dict(self._written())
        choices = (_NONE, *((name, name) for name in saved))
        with self._quiet:
            if self.choice.options != choices:
                self.choice.options = choices
            self.choice.value = next((name for name, state in saved.items() if state == now), "")

    @callback
    def on_choice(self, change: dict[str, Any]) -> None:
        """Use the filters that are chosen."""
        if not self._quiet and change["new"]:
            self._use(read_filters(self._home, self._view).get(change["new"], {}))

    @callback
    def on_open(self, pressed: widgets.Button) -> None:
        """Open the form that saves the filters, or close it."""
        del pressed
        self.name.value = self.choice.value
        self._show_form(opened=self.form.layout.display == "none")
        self.name.focus()

    @callback
    def on_save(self, pressed: widgets.Button) -> None:
        """Save the filters in use under the name."""
        del pressed
        name = self.name.value.strip()
        if not name:
            raise ViewError("The name is empty.", "Enter one under which to find these filters again.")
        saved = read_filters(self._home, self._view) | {name[:_LONGEST_NAME]: dict(self._written())}
        write_filters(self._home, self._view, saved)
        self._show_form(opened=False)
        self.follow()

    @callback
    def on_remove(self, pressed: widgets.Button) -> None:
        """Remove the saved filters of the name."""
        del pressed
        name, saved = self.name.value.strip(), read_filters(self._home, self._view)
        if name not in saved:
            raise ViewError(f"No filters are saved as {name!r}.", "Enter the name of saved ones.")
        write_filters(self._home, self._view, {other: state for other, state in saved.items() if other != name})
        self._show_form(opened=False)
        self.follow()

    def _show_form(self, *, opened: bool) -> None:
        self.form.layout.display = None if opened else "none"
