"""A form of a section: its fields and buttons, and a refusal that stands at the field it is about."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from html import escape
from typing import Any

import ipywidgets as widgets

from workbench.exceptions import WorkbenchError
from workbench.views.widgets.boxes import box, classed

__all__ = ["Form", "in_utc", "items_of", "without_zone"]


class Form:
    """Fields in a row that wraps, the buttons after them, and what came of the last one.

    Parameters
    ----------
    title : str
        Title of the form.
    fields : mapping of str to ipywidgets.Widget
        The fields, by their names.
    buttons : sequence of ipywidgets.Button
        What can be done with their values.
    about : mapping of str to str, optional
        Regular expressions for words of an error that is about a field, by its name; the name itself where omitted.

    Attributes
    ----------
    box : ipywidgets.Box
        The form.
    fields : dict of str to ipywidgets.Widget
        The fields, by their names.
    filled : dict of str to object
        The values that the form was filled with or that were done last, by which one sees what a person entered.
    refused : str
        Name of the field that was refused last; empty where none was.
    """

    def __init__(
        self,
        title: str,
        fields: Mapping[str, Any],
        buttons: Sequence[widgets.Button],
        about: Mapping[str, str] | None = None,
    ) -> None:
        self.fields = dict(fields)
        self.refused = ""
        self._about = {name: re.compile((about or {}).get(name, rf"\b{name}\b"), re.IGNORECASE) for name in fields}
        for name, field in self.fields.items():
            classed(field, f"wb-field wb-field-{name}")
        self._note = classed(widgets.HTML(), "wb-refusal")
        self._status = classed(widgets.HTML(), "wb-told")
        self._asked = box("wb-bar wb-asked")
        self._buttons = box("wb-bar wb-asked wb-form-buttons", *buttons, self._status)
        self._place("")
        self._empty = self.filled = self.values()
        heading = classed(widgets.HTML(f"<h2>{escape(title)}</h2>"), "wb-form-title")
        self.box = box("wb-panel wb-form-panel wb-entry", heading, self._asked, self._buttons)

    def values(self) -> dict[str, Any]:
        """Return the values of the fields; texts without the space around them."""
        values = {name: field.value for name, field in self.fields.items()}
        return {name: value.strip() if isinstance(value, str) else value for name, value in values.items()}

    def changed(self, key: str) -> dict[str, Any]:
        """Return the values that a person entered: those that differ from what the form was filled with.

        Parameters
        ----------
        key : str
            Field that names what the form is about. Where it has another value by now, the form was not filled with
            that, and the values that differ from those of the empty form are returned.
        """
        values = self.values()
        before = self.filled if values[key] == self.filled[key] else self._empty
        return {name: value for name, value in values.items() if value != before[name]}

    def fill(self, values: Mapping[str, Any]) -> None:
        """Put values into fields, and forget what came of the last button."""
        for name, value in values.items():
            self.fields[name].value = value
        self.filled = self.values()
        self._place("")
        self._status.value = ""

    def show(self, names: Sequence[str]) -> None:
        """Show these fields, and hide the others."""
        for name, field in self.fields.items():
            field.layout.display = None if name in names else "none"

    def done(self, words: str) -> None:
        """Say what was done."""
        self.filled = self.values()
        self._place("")
        self._status.value = f"<p role='status'>{escape(words)}</p>"

    @contextmanager
    def refusing(self) -> Iterator[None]:
        """Show an error of what is done inside at the field that it is about, and keep what was entered."""
        self._status.value = ""
        try:
            yield
        except WorkbenchError as error:
            self._place(self._field_of(error.message))
            self._note.value = f"<p role='alert'><span class='wb-symbol'>▲</span>{escape(str(error))}</p>"
            if self.refused:
                self.fields[self.refused].focus()
        else:
            self._place("")

    def _field_of(self, message: str) -> str:
        """Return the field that a message speaks of first; an empty text where it speaks of none."""
        found = {name: match.start() for name in self._shown() if (match := self._about[name].search(message))}
        return min(found, key=lambda name: found[name], default="")

    def _shown(self) -> list[str]:
        return [name for name, field in self.fields.items() if field.layout.display != "none"]

    def _place(self, refused: str) -> None:
        """Place the note after the field that was refused, or after all of them."""
        self.refused = refused
        self._note.value = ""
        children: list[widgets.Widget] = []
        for name, field in self.fields.items():
            (field.add_class if name == refused else field.remove_class)("wb-wrong")
            children += [field, self._note] if name == refused else [field]
        wanted = tuple(children if refused else [*children, self._note])
        if self._asked.children != wanted:
            self._asked.children = wanted


def items_of(text: str, separator: str = ",") -> list[str]:
    """Return the items of a text, without the space around them and without empty ones.

    Examples
    --------
    >>> items_of("rf, optics,"), items_of("a; b", ";")
    (['rf', 'optics'], ['a', 'b'])
    """
    return [item.strip() for item in text.split(separator) if item.strip()]


def in_utc(value: datetime | None) -> datetime | None:
    """Return what a field for a time in UTC holds, with its zone."""
    return None if value is None else value.replace(tzinfo=UTC)


def without_zone(value: Any) -> datetime | None:
    """Return a time in UTC as a field for it holds it; None for one that is missing."""
    if value is None or value != value:
        return None
    plain: datetime = value.replace(tzinfo=None, second=0, microsecond=0)
    return plain
