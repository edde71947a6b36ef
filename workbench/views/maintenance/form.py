"""A form of a section: its fields and buttons, and a refusal that stands at the field it is about."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from html import escape
from typing import Any

import ipywidgets as widgets

from workbench.views.widgets.boxes import box, classed
from workbench.views.widgets.refusals import Range, Refusals

__all__ = ["AssetField", "Form", "items_of"]


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
    ranges : mapping of str to Range, optional
        Numbers that fields take, by their names.

    Attributes
    ----------
    box : ipywidgets.Box
        The form.
    fields : dict of str to ipywidgets.Widget
        The fields, by their names.
    filled : dict of str to object
        The values that the form was filled with or that were done last, by which one sees what a person entered.
    """

    def __init__(
        self,
        title: str,
        fields: Mapping[str, Any],
        buttons: Sequence[widgets.Button],
        about: Mapping[str, str] | None = None,
        ranges: Mapping[str, Range] | None = None,
    ) -> None:
        self.fields = dict(fields)
        for name, field in self.fields.items():
            classed(field, f"wb-field wb-field-{name}")
        self._status = classed(widgets.HTML(), "wb-told")
        self._asked = box("wb-bar wb-asked")
        self._buttons = box("wb-bar wb-asked wb-form-buttons", *buttons, self._status)
        self._refusals = Refusals(self._asked, self.fields, about=about, ranges=ranges)
        self._empty = self.filled = self._entered()
        heading = classed(widgets.HTML(f"<h2>{escape(title)}</h2>"), "wb-form-title")
        self.box = box("wb-panel wb-form-panel wb-entry", heading, self._asked, self._buttons)

    @property
    def refused(self) -> str:
        """Name of the field that was refused last; empty where none was."""
        return self._refusals.refused

    def values(self) -> dict[str, Any]:
        """Return the values of the fields; texts without the space around them, assets by their names in the register.

        Raises
        ------
        ViewError
            A field that is shown holds a number outside its range.
        """
        self._refusals.check()
        return self._entered()

    def _entered(self) -> dict[str, Any]:
        values = {name: field.value for name, field in self.fields.items()}
        values = {name: value.strip() if isinstance(value, str) else value for name, value in values.items()}
        keys = {name: field.key(values[name]) for name, field in self.fields.items() if isinstance(field, AssetField)}
        return values | keys

    def changed(self, key: str) -> dict[str, Any]:
        """Return the values that a person entered: those that differ from what the form was filled with.

        Parameters
        ----------
        key : str
            Field that names what the form is about. Where it has another value by now, the form was not filled with
            that, and the values that differ from those of the empty form are returned.
        """
        values = self._entered()
        before = self.filled if values[key] == self.filled[key] else self._empty
        return {name: value for name, value in values.items() if value != before[name]}

    def fill(self, values: Mapping[str, Any]) -> None:
        """Put values into fields, and forget what came of the last button."""
        for name, value in values.items():
            field = self.fields[name]
            field.value = field.words(value) if isinstance(field, AssetField) else value
        self.filled = self._entered()
        self._refusals.clear()
        self._status.value = ""

    def show(self, names: Sequence[str]) -> None:
        """Show these fields, and hide the others."""
        for name, field in self.fields.items():
            field.layout.display = None if name in names else "none"

    def done(self, words: str) -> None:
        """Say what was done."""
        self.filled = self._entered()
        self._refusals.clear()
        self._status.value = f"<p role='status'>{escape(words)}</p>"

    @contextmanager
    def refusing(self) -> Iterator[None]:
        """Show an error of what is done inside at the field that it is about, and keep what was entered."""
        self._status.value = ""
        with self._refusals.refusing():
            yield


class AssetField(widgets.Combobox):  # type: ignore[misc]
    """A field for an asset or a part of one: it offers what people call them, and takes their names as well."""

    def __init__(self, **options: Any) -> None:
        self._names: dict[str, str] = {}
        super().__init__(continuous_update=False, **options)

    def offer(self, names: Sequence[str], asset_name: Callable[[str], str]) -> None:
        """Offer assets and their parts.

        Parameters
        ----------
        names : sequence of str
            Their names in the register, as `Pump-1/BRG`.
        asset_name : callable
            Returns what people call an asset, as `Pump 1`; where two are called the same, they are offered by name.
        """
        words = {}
        for name in names:
            asset, slash, part = name.partition("/")
            words[name] = f"{asset_name(asset)}{slash}{part}"
        times = Counter(words.values())
        self._names = {shown: name for name, shown in words.items() if times[shown] == 1}
        shown = tuple(called if times[called] == 1 else name for name, called in words.items())
        self.options = shown

    def key(self, words: str) -> str:
        """Return the name in the register of what was entered; what is not offered stays as it is."""
        asset, slash, part = words.partition("/")
        return self._names.get(words, f"{self._names.get(asset, asset)}{slash}{part}")

    def words(self, name: str) -> str:
        """Return how a name in the register is shown."""
        return next((shown for shown, key in self._names.items() if key == name), name)


def items_of(text: str, separator: str = ",") -> list[str]:
    """Return the items of a text, without the space around them and without empty ones.

    Examples
    --------
    >>> items_of("rf, optics,"), items_of("a; b", ";")
    (['rf', 'optics'], ['a', 'b'])
    """
    return [item.strip() for item in text.split(separator) if item.strip()]
