"""Hyperparameters of a forecaster written as text: `sequence_length=120`."""

from collections.abc import Iterable, Mapping
from typing import Any

from workbench.exceptions import ForecasterError
from workbench.models.listing import ASSET_KIND

__all__ = ["read_hyperparameters"]


def read_hyperparameters(forecaster: str, assignments: Iterable[str]) -> dict[str, Any]:
    """Read hyperparameters of a forecaster from texts of the form NAME=VALUE.

    Parameters
    ----------
    forecaster : str
        Name of the forecaster, one of `workbench.detection.forecasters.FORECASTERS`, or `pca` of whole assets.
    assignments : iterable of str
        The texts, each of another name.

    Returns
    -------
    dict of str to object
        Values of the type that the forecaster's default has; whether they are allowed is for the forecaster to say.

    Raises
    ------
    ForecasterError
        There is no such forecaster or parameter, one is set twice, or a value is of another type.

    Examples
    --------
    >>> read_hyperparameters("lstm", ["sequence_length=120", "units=40,20", "dropout=0.1"])
    {'sequence_length': 120, 'units': (40, 20), 'dropout': 0.1}
    """
    texts = list(assignments)
    if not texts:
        return {}
    defaults = _defaults(forecaster)
    values = {}
    for text in texts:
        name, equals, value = text.partition("=")
        name = name.strip()
        if not equals or name not in defaults:
            raise ForecasterError(
                f"{text!r} does not set a parameter of the forecaster {forecaster}.",
                f"Write NAME=VALUE, with NAME one of: {', '.join(defaults)}.",
            )
        if name in values:
            raise ForecasterError(f"{name} is set twice.", "Set it once.")
        values[name] = _converted(name, value.strip(), defaults[name])
    return values


def _defaults(forecaster: str) -> Mapping[str, Any]:
    """Return the defaults of a forecaster, or of the model of whole assets."""
    from workbench.detection.asset import AssetPCA
    from workbench.detection.forecasters import FORECASTERS

    if forecaster == ASSET_KIND:
        return AssetPCA.defaults
    if forecaster not in FORECASTERS:
        raise ForecasterError(
            f"There is no forecaster {forecaster!r}.", f"Known: {', '.join(sorted([*FORECASTERS, ASSET_KIND]))}."
        )
    return FORECASTERS[forecaster]().parameters


def _converted(name: str, text: str, default: Any) -> Any:
    """Convert a text to the type of a default."""
    if isinstance(default, str):
        return text
    try:
        if isinstance(default, list):
            return tuple(int(part) for part in text.split(","))
        return int(text) if isinstance(default, int) else float(text)
    except ValueError:
        kinds = {int: "a whole number", float: "a number", list: "whole numbers, separated by commas"}
        raise ForecasterError(
            f"Cannot set {name} to {text!r}.", f"Write {kinds[type(default)]}, for example {name}={_example(default)}."
        ) from None


def _example(default: Any) -> str:
    return ",".join(map(str, default)) if isinstance(default, list) else str(default)
