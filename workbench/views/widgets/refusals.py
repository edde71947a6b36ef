"""Refusals: a value that cannot be right is refused at its field, at once, with the sentence of what would be right."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from html import escape
from math import inf
from typing import Any

import ipywidgets as widgets
from pydantic import BaseModel

from workbench.exceptions import ViewError, WorkbenchError
from workbench.views.widgets.boxes import classed
from workbench.views.widgets.callbacks import Failure, callback, without_commands

__all__ = ["FormError", "Range", "Refusals", "range_of"]

_BOUNDS = ("ge", "gt", "le", "lt")


@dataclass(frozen=True)
class Range:
    """Numbers that a field takes.

    Attributes
    ----------
    least, most : float
        Bounds of the range.
    above, below : bool
        Whether the number must lie above `least`, and below `most`; the bounds are allowed otherwise.

    Examples
    --------
    >>> Range(0, 8760, above=True).problem("Hours", -3), Range(0, 8760, above=True).problem("Hours", 2)
    ('Hours must be above 0 and at most 8,760.', '')
    >>> Range(0.1, 8760).problem("Hours", 1e9), Range(0, 1, below=True).problem("min decrease", 1)
    ('Hours must be between 0.1 and 8,760.', 'Min decrease must be at least 0 and below 1.')
    """

    least: float
    most: float
    above: bool = False
    below: bool = False

    def problem(self, words: str, value: float) -> str:
        """Return the sentence that says what would be right; an empty text where the value is.

        Parameters
        ----------
        words : str
            Name of the field on screen.
        value : float
            Number that was entered.
        """
        fits_below = value < self.most if self.below else value <= self.most
        if fits_below and (value > self.least if self.above else value >= self.least):
            return ""
        name = f"{words[:1].upper()}{words[1:]}"
        if not (self.above or self.below):
            return f"{name} must be between {_plain(self.least)} and {_plain(self.most)}."
        low = f"{'above' if self.above else 'at least'} {_plain(self.least)}"
        return f"{name} must be {low} and {'below' if self.below else 'at most'} {_plain(self.most)}."


def _plain(value: float) -> str:
    return f"{value:,.0f}" if value == int(value) else f"{value:,g}"


def range_of(model: type[BaseModel], name: str) -> Range:
    """Return the numbers that a field of a pydantic model takes.

    Parameters
    ----------
    model : type
        The model.
    name : str
        Name of its field, which has bounds.

    Examples
    --------
    >>> from pydantic import Field
    >>> class Params(BaseModel):
    ...     share: float = Field(0.5, gt=0, le=1)
    >>> range_of(Params, "share")
    Range(least=0, most=1, above=True, below=False)
    """
    bounds = {
        kind: getattr(part, kind)
        for part in model.model_fields[name].metadata
        for kind in _BOUNDS
        if hasattr(part, kind)
    }
    return Range(
        bounds.get("ge", bounds.get("gt", -inf)),
        bounds.get("le", bounds.get("lt", inf)),
        "gt" in bounds,
        "lt" in bounds,
    )


class FormError(ViewError):
    """Several fields of a form are not right.

    Parameters
    ----------
    problems : mapping of str to str
        Sentence of what is missing or wrong, by the name of its field; at least one.
    """

    def __init__(self, problems: Mapping[str, str]) -> None:
        super().__init__(" ".join(problems.values()))
        self.problems = dict(problems)


class Refusals:
    """The fields of a form, a note at each that was refused, and what comes after the fields.

    Parameters
    ----------
    inside : ipywidgets.Box
        Box whose children are the fields, the note and `ending`.
    fields : mapping of str to ipywidgets.Widget
        The fields, by their names.
    about : mapping of str to str, optional
        Regular expressions for words of an error that is about a field, by its name; the name itself where omitted.
    ranges : mapping of str to Range, optional
        Numbers that fields take, by their names.
    ending : sequence of ipywidgets.Widget
        What comes after the fields, as the buttons.

    Attributes
    ----------
    refused : str
        Name of the field that was refused last, the first of several; empty where none was.
    title : str
        Name under which the time of the callback is counted.
    """

    title = "Forms"

    def __init__(
        self,
        inside: widgets.Box,
        fields: Mapping[str, Any],
        *,
        about: Mapping[str, str] | None = None,
        ranges: Mapping[str, Range] | None = None,
        ending: Sequence[widgets.Widget] = (),
    ) -> None:
        self.refused = ""
        self._inside = inside
        self._fields = fields
        self._ranges = dict(ranges or {})
        self._ending = tuple(ending)
        self._about = {name: re.compile((about or {}).get(name, rf"\b{name}\b"), re.IGNORECASE) for name in fields}
        self._problems: dict[str, str] = {}
        self._notes = {"": _note()}  # by field; "" is that of the form, which is always there
        for field in fields.values():
            field.observe(self.on_value, "value")
        self.clear()

    @property
    def words(self) -> str:
        """HTML of the notes; empty where nothing is refused."""
        return "".join(note.value for note in self._notes.values())

    @callback
    def on_value(self, change: dict[str, Any]) -> None:
        """Refuse a number outside its range as soon as it is entered; a note goes when its field is changed."""
        name = next(name for name, field in self._fields.items() if field is change["owner"])
        problem = self._problem(name)
        if problem or name in self._problems:
            others = {other: words for other, words in self._problems.items() if other != name}
            self._place({**others, name: problem} if problem else others)

    def check(self) -> None:
        """Raise an error where a field that is shown holds a number outside its range.

        Raises
        ------
        ViewError
            The message says which numbers would be right.
        """
        problems = self.problems()
        if problems:
            raise FormError(problems)

    def problems(self) -> dict[str, str]:
        """Return the sentence for each field that is shown and holds a number outside its range, by its name."""
        return {name: problem for name in self._shown() if (problem := self._problem(name))}

    @contextmanager
    def refusing(self) -> Iterator[None]:
        """Show an error of what is done inside at the field that it is about, and keep what was entered."""
        try:
            yield
        except FormError as error:
            self._place(error.problems)
        except WorkbenchError as error:
            words = f"{error.message} {without_commands(error.hint)}".strip()
            self._place({self._field_of(error.message): words})
        else:
            self.clear()
            return
        if self.refused:
            self._fields[self.refused].focus()

    def clear(self) -> None:
        """Remove the notes of a refusal."""
        self._place({})

    def fail(self, failure: Failure, source: str) -> None:
        """Show an error of the check itself as the note of the form.

        Parameters
        ----------
        failure : Failure
            The error.
        source : str
            Name of the callback that failed.
        """
        del source
        self._place({"": f"{failure.what} {failure.todo}"})

    def mend(self, source: str) -> None:
        """Do nothing: the note goes when its field is right.

        Parameters
        ----------
        source : str
            Name of the callback, which has succeeded.
        """
        del source

    def _problem(self, name: str) -> str:
        field = self._fields[name]
        return self._ranges[name].problem(str(field.description), field.value) if name in self._ranges else ""

    def _field_of(self, message: str) -> str:
        """Return the field that a message speaks of: the one whose range says so, else the one named first."""
        shown = self._shown()
        exact = next((name for name in shown if self._problem(name) == message), "")
        found = {name: match.start() for name in shown if (match := self._about[name].search(message))}
        return exact or min(found, key=lambda name: found[name], default="")

    def _shown(self) -> list[str]:
        return [name for name, field in self._fields.items() if field.layout.display != "none"]

    def _place(self, problems: Mapping[str, str]) -> None:
        """Place a note after each field that was refused, and that of the form after all of them."""
        self._problems = dict(problems)
        self.refused = next((name for name in self._fields if name in problems), "")
        children: list[widgets.Widget] = []
        for name, field in self._fields.items():
            (field.add_class if name in problems else field.remove_class)("wb-wrong")
            children.append(field)
            if name in problems:
                if name not in self._notes:
                    self._notes[name] = _note()
                children.append(self._notes[name])
        for name, note in self._notes.items():
            words = problems.get(name, "")
            symbol = "<span class='wb-symbol' aria-hidden='true'>▲</span>"
            note.value = f"<p role='alert'>{symbol}{escape(words)}</p>" if words else ""
        laid_out = (*children, self._notes[""], *self._ending)
        if self._inside.children != laid_out:
            self._inside.children = laid_out
        for name in self._notes.keys() - problems.keys() - {""}:
            self._notes.pop(name).close()


def _note() -> widgets.HTML:
    return classed(widgets.HTML(), "wb-refusal")
