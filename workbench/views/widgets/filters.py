"""Filters of a list: how they are written into a link, read from it, checked, and changed by a click on a column."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Self

from workbench.exceptions import ViewError

__all__ = ["Filters", "check_choice", "next_order"]


@dataclass(frozen=True)
class Filters:
    """What a list is filtered and sorted by.

    A subclass is a frozen dataclass too. Its fields are texts with a default, and their names are keys of the view's
    state.

    Examples
    --------
    >>> @dataclass(frozen=True)
    ... class Chosen(Filters):
    ...     level: str = ""
    ...     order: str = "worst"
    >>> Chosen.of({"level": "high", "view": "anomalies"}).written()
    {'level': 'high'}
    """

    def written(self) -> dict[str, str]:
        """Return the fields that differ from their defaults, for a link.

        Returns
        -------
        dict of str to str
            Values by the names of the fields.
        """
        values = {item.name: getattr(self, item.name) for item in fields(self)}
        return {item.name: values[item.name] for item in fields(self) if values[item.name] != item.default}

    @classmethod
    def of(cls, state: Mapping[str, str]) -> Self:
        """Return the filters of a link.

        Parameters
        ----------
        state : mapping of str to str
            State of a view; a field that it lacks has its default, and keys that are no fields are left out.

        Returns
        -------
        Filters
            A subclass that accepts only some values checks them with `check_choice` in a method of the same name.
        """
        return cls(**{item.name: state[item.name] for item in fields(cls) if item.name in state})


def check_choice(name: str, value: str, choices: Iterable[object]) -> None:
    """Raise where a link asks for a value that is not offered.

    Parameters
    ----------
    name : str
        Key of the state, as in the address.
    value : str
        Value in the link.
    choices : iterable of object
        Values that are offered; an empty text stands for the default and is not listed in the error.

    Raises
    ------
    ViewError
        The value is not among the choices.

    Examples
    --------
    >>> check_choice("order", "worst", ["worst", "newest"])
    """
    offered = [str(choice) for choice in choices]
    if value not in offered:
        names = ", ".join(choice for choice in offered if choice)
        raise ViewError(f"The link asks for {name} {value!r}, which is not offered.", f"Choose one of: {names}.")


def next_order(order: str, key: str, *, largest_first: bool = False) -> str:
    """Return the order of a table after a click on the head of a column.

    Parameters
    ----------
    order : str
        Present order: the key of a column, after `-` where the largest value comes first.
    key : str
        Key of the column that was clicked.
    largest_first : bool
        Whether the first click puts the largest value first.

    Returns
    -------
    str
        The column's first order, or the opposite where the table has that order already.

    Examples
    --------
    >>> next_order("age", "channel"), next_order("channel", "channel")
    ('channel', '-channel')
    >>> next_order("channel", "gaps", largest_first=True)
    '-gaps'
    """
    first, opposite = (f"-{key}", key) if largest_first else (key, f"-{key}")
    return opposite if order == first else first
