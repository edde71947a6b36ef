"""Lanes: the rows of one part of one channel as plain arrays, on the way to the archive and back.

A part is `train`, `test`, `before`, or `scores/<key>`. What several channels of an asset have in common (their times,
commands and the like) is shared where their lanes lie in one group.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

__all__ = ["EPOCH", "LEAST_ROWS", "Lane", "Variable", "lane_of", "plain_variables"]

EPOCH = "nanoseconds since 1970-01-01"
"""Units of times, by the CF conventions."""

LEAST_ROWS = 65_536
"""A series with fewer rows in a segment has no levels: its samples are read as fast."""

_SHARED = ("commands", "missing_commands")


@dataclass(frozen=True)
class Variable:
    """One variable of a lane.

    Attributes
    ----------
    dims : tuple of str
        Names of its dims; `time` comes first where it is there.
    values : numpy.ndarray
        Its values; times are whole numbers of nanoseconds.
    attributes : dict
        Its attributes; `units` of times is `EPOCH`.
    is_coordinate : bool
        Whether it is a coordinate.
    """

    dims: tuple[str, ...]
    values: npt.NDArray[Any]
    attributes: Mapping[str, Any]
    is_coordinate: bool

    @cached_property
    def digest(self) -> tuple[Any, ...]:
        """What two variables that are the same have in common."""
        plain = np.ascontiguousarray(self.values)
        return (
            self.dims,
            plain.shape,
            plain.dtype.str,
            repr(sorted(self.attributes.items())),
            hashlib.sha256(plain.reshape(-1).view(np.uint8).data).digest(),
        )


@dataclass(frozen=True)
class Lane:
    """Rows of one part of one channel, to be published.

    Attributes
    ----------
    channel, part : str
        What they are rows of.
    variables : dict of str to Variable
        All variables of the part.
    first : int
        First of the rows in the part.
    total : int
        Rows of the part from then on.
    command_names : tuple of str
        Names of the commands, where it has any.
    """

    channel: str
    part: str
    variables: Mapping[str, Variable]
    first: int
    total: int
    command_names: tuple[str, ...] = ()

    @property
    def length(self) -> int:
        """Return the number of its rows."""
        return next((int(one.values.shape[0]) for one in self.variables.values() if one.dims[:1] == ("time",)), 0)

    def is_shared(self, name: str) -> bool:
        """Tell whether a variable is the same for all channels of a group."""
        return self.variables[name].is_coordinate or name in _SHARED

    @cached_property
    def group_key(self) -> tuple[Any, ...]:
        """What lanes that can lie in one group have in common."""
        key: list[Any] = [self.part, self.command_names]
        if self.length >= LEAST_ROWS:
            key.append(self.first)  # its levels lie at absolute rows
        for name, variable in sorted(self.variables.items()):
            if self.is_shared(name):
                key.append((name, *variable.digest))
            else:
                values, attributes = variable.values, sorted(variable.attributes.items())
                key.append((name, variable.dims, values.shape, values.dtype.str, repr(attributes)))
        return tuple(key)


def plain_variables(dataset: xr.Dataset) -> dict[str, Variable]:
    """Return the variables of a dataset as the archive keeps them, without the coordinate `command`."""
    variables = {}
    for name, variable in dataset.variables.items():
        if name == "command":
            continue
        values, attributes = variable.values, dict(variable.attrs)
        if values.dtype.kind == "M":
            values = values.astype("datetime64[ns]", copy=False).view(np.int64)
            attributes |= {"units": EPOCH, "calendar": "proleptic_gregorian"}
        variables[str(name)] = Variable(tuple(map(str, variable.dims)), values, attributes, name in dataset.coords)
    return variables


def lane_of(dataset: xr.Dataset, channel: str, part: str, first: int = 0) -> Lane:
    """Return the lane that a dataset makes.

    Parameters
    ----------
    dataset : xarray.Dataset
        Rows from `first` on, up to the end of the part.
    channel, part : str
        What they are rows of.
    first : int
        First of them in the part.

    Returns
    -------
    Lane
    """
    names = tuple(str(name) for name in dataset["command"].values) if "command" in dataset.coords else ()
    total = first + dataset.sizes.get("time", 0)
    return Lane(channel, part, plain_variables(dataset), first, total, names)
