"""The grid of a tuning: values that detection parameters may take, and the points of it that are tried."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import product
from math import prod
from typing import Any

import numpy as np
from pydantic import ValidationError

from workbench.exceptions import SettingsError
from workbench.parameters import Preset

__all__ = ["GRID", "changes", "grid_points", "read_grid"]

Grid = Mapping[str, Sequence[Any]]

GRID: dict[str, tuple[Any, ...]] = {
    "smoothing_fraction": (0.03, 0.05, 0.07, 0.1),
    "error_buffer": (50, 100, 150),
    "min_decrease": (0.05, 0.1, 0.13, 0.2, 0.3),
    "z_min": (2.0, 2.5, 3.0, 4.0),
    "least_error": (0.02, 0.05, 0.1),
    "lag_correction": (False, True),
    "envelope": ("none", "fixed", "excess"),
    "envelope_width": (0.5, 1.0, 1.5, 2.0),
}
"""Values of each parameter that are tried where nothing else is asked for."""

_OF_MODELS = {"forecasters", "sequence_length", "prediction_horizon"}  # another value needs other predictions
_MOST_DRAWS_PER_POINT = 100


def grid_points(preset: Preset, grid: Grid | None = None, points: int = 50, seed: int = 0) -> list[Preset]:
    """Return the presets that are tried: the present one, its neighbours, and others drawn from the grid.

    Parameters
    ----------
    preset : Preset
        The present one, which is always the first point.
    grid : mapping of str to sequence, optional
        Values by parameter, `GRID` where omitted; parameters that a preset does not have are passed over.
    points : int
        Most points; all of a grid that has no more are tried.
    seed : int
        Seed of what is drawn.

    Returns
    -------
    list of Preset
        Each once: the present preset, those that differ from it in one parameter, and then combinations in random
        order. Combinations that a preset cannot have are left out.

    Notes
    -----
    Random points of a grid find good values with fewer trials than all combinations of few values, where few of the
    parameters matter (Bergstra and Bengio, JMLR 13, 2012).

    Examples
    --------
    >>> [point.z_min for point in grid_points(Preset(), {"z_min": (2.0, 2.5, 3.0)})]
    [2.5, 2.0, 3.0]
    """
    values = {name: tuple(some) for name, some in (grid or GRID).items() if name in Preset.model_fields}
    tried = _Points(preset, points)
    for name, some in values.items():
        for value in some:
            tried.add({name: value})
    names = list(values)
    if prod(map(len, values.values())) <= points:
        for combination in product(*values.values()):
            tried.add(dict(zip(names, combination, strict=True)))
        return tried.presets
    random = np.random.default_rng(seed)
    for _ in range(_MOST_DRAWS_PER_POINT * points):
        tried.add({name: some[int(random.integers(len(some)))] for name, some in values.items()})
    return tried.presets


class _Points:
    """Presets that differ from each other, up to some number."""

    def __init__(self, preset: Preset, most: int) -> None:
        self.presets = [preset]
        self._preset = preset
        self._most = most

    def add(self, update: Mapping[str, Any]) -> None:
        """Add the preset with some values changed, unless it is there, is not allowed, or there are enough."""
        if len(self.presets) >= self._most:
            return
        changed = {**self._preset.model_dump(), **update}
        if changed.get("envelope") == "none":  # no envelope has no width
            changed["envelope_width"] = self._preset.model_dump()["envelope_width"]
        try:
            point = Preset.model_validate(changed)
        except ValidationError:
            return
        if point not in self.presets:
            self.presets.append(point)


def changes(preset: Preset, present: Preset) -> dict[str, Any]:
    """Return the parameters in which a preset differs from the present one, with their values.

    Examples
    --------
    >>> changes(Preset(z_min=3.0, error_buffer=50), Preset())
    {'error_buffer': 50, 'z_min': 3.0}
    """
    before = present.model_dump()
    return {name: value for name, value in preset.model_dump().items() if value != before[name]}


def read_grid(assignments: Iterable[str]) -> dict[str, tuple[Any, ...]]:
    """Read a grid from texts of the form NAME=VALUE,VALUE.

    Parameters
    ----------
    assignments : iterable of str
        As `min_decrease=0.1,0.13,0.2`.

    Returns
    -------
    dict of str to tuple
        Values by parameter, of the type that a preset holds.

    Raises
    ------
    SettingsError
        A text does not name a threshold, one is named twice, or one of its values is not allowed.

    Examples
    --------
    >>> read_grid(["z_min=2,3", "lag_correction=yes,no"])
    {'z_min': (2.0, 3.0), 'lag_correction': (True, False)}
    """
    grid: dict[str, tuple[Any, ...]] = {}
    names = [name for name in Preset.model_fields if name not in _OF_MODELS]
    for text in assignments:
        name, equals, values = text.partition("=")
        if not equals or name not in names:
            raise SettingsError(
                f"{text!r} does not name values of a threshold.",
                f"Write NAME=VALUE,VALUE, with NAME one of: {', '.join(names)}.",
            )
        if name in grid:
            raise SettingsError(f"{name} is named twice.", f"Name it once, with all values: {name}=VALUE,VALUE.")
        grid[name] = tuple(_value(name, value.strip()) for value in values.split(","))
    return grid


def _value(name: str, text: str) -> Any:
    """Return one value of a parameter, as a preset holds it."""
    widest = {"z_max": 1_000.0} if name == "z_min" else {"z_min": 0.001} if name == "z_max" else {}
    try:
        return getattr(Preset.model_validate({**widest, name: text}), name)
    except ValidationError as error:
        reason = error.errors()[0]["msg"].removeprefix("Value error, ")
        raise SettingsError(f"Cannot try {name} with {text!r}: {reason}.") from None
