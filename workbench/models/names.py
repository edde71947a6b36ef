"""Names of registered models, and the choice of one by name."""

import math
from collections.abc import Sequence
from typing import Any, TypeVar

from workbench.exceptions import ModelError, ModelNotFoundError
from workbench.models.listing import ASSET_KIND, Champion, ModelInfo
from workbench.names import command_line

__all__ = [
    "ALIASES",
    "check_alias",
    "choose_champion",
    "choose_rollback",
    "choose_successor",
    "choose_version",
    "current_champion",
    "model_name",
    "parameter_text",
]

T = TypeVar("T", ModelInfo, Champion)

ALIASES = ("champion", "challenger")
"""The aliases in use: the version that predicts, and one that may replace it."""


def model_name(channel: str, forecaster: str) -> str:
    """Name the model of a channel and forecaster.

    Raises
    ------
    ModelError
        The channel has no name.

    Examples
    --------
    >>> model_name("P-1", "ridge")
    'P-1.ridge'
    """
    if not channel:
        raise ModelError("A channel without a name cannot have a model.", "Name a channel: workbench channels")
    return f"{channel}.{forecaster}"


def check_alias(alias: str) -> None:
    """Refuse an alias that is not one of `ALIASES`.

    Raises
    ------
    ModelError
        Names the alias and those in use.
    """
    if alias not in ALIASES:
        raise ModelError(f"Alias {alias!r} is not in use.", f"Use one of {', '.join(ALIASES)}.")


def parameter_text(parameters: dict[str, Any], seed: int) -> dict[str, str]:
    """Return hyperparameters and seed as the text that is stored with a model.

    Examples
    --------
    >>> parameter_text({"units": [80, 80]}, seed=0)
    {'units': '[80, 80]', 'seed': '0'}
    """
    return {key: str(value) for key, value in {**parameters, "seed": seed}.items()}


def choose_champion(models: Sequence[T], channel: str, forecaster: str | None) -> T:
    """Return the champion of one channel; of several forecasters' the one with the least `validation_error`.

    Raises
    ------
    ModelNotFoundError
        No model is champion; the hint gives the command that trains one, or that takes a retired one back.
    """
    champions = [info for info in models if "champion" in info.aliases]
    if not champions:
        kind = f"{forecaster} " if forecaster else ""
        command = command_line("workbench train", channel, options=f"--forecaster {forecaster or 'ridge'}")
        hint = f"Train one: {command}"
        by_hand = (info for info in models if isinstance(info, ModelInfo) and info.retired and not info.withdrawn)
        retired = max(by_hand, key=lambda info: info.version, default=None)
        if retired is not None:  # training it anew would give the retired version again
            command = command_line("workbench models promote", retired.name, str(retired.version))
            hint = f"Its last version is retired; take it back: {command}"
        subject = "Asset" if forecaster == ASSET_KIND else "Channel"
        raise ModelNotFoundError(f"{subject} {channel!r} has no {kind}champion model.", hint)
    return min(champions, key=lambda info: (info.metrics.get("validation_error", math.inf), info.forecaster))


def choose_version(models: Sequence[ModelInfo], name: str, version: int | str) -> ModelInfo:
    """Return the version of one registered model that has a number or alias.

    Raises
    ------
    ModelNotFoundError
        There is none; the hint gives those that there are.
    """
    for info in models:
        if str(version) == str(info.version) or version in info.aliases:
            return info
    if not models:
        raise ModelNotFoundError(f"There is no model {name!r}.", "List what there is: workbench models")
    choices = [str(info.version) for info in models] + [alias for info in models for alias in info.aliases]
    raise ModelNotFoundError(f"Model {name!r} has no version {version!r}.", f"It has {', '.join(choices)}.")


def current_champion(versions: Sequence[ModelInfo]) -> ModelInfo | None:
    """Return the champion among the versions of one registered model; None where there is none."""
    return next((info for info in versions if "champion" in info.aliases), None)


def choose_rollback(versions: Sequence[ModelInfo], name: str) -> tuple[ModelInfo, ModelInfo]:
    """Return the champion of one registered model, and the version that was champion before it.

    Raises
    ------
    ModelNotFoundError
        There is no such model.
    ModelError
        It has no champion, none was champion before, or that one is gone.
    """
    if not versions:
        raise ModelNotFoundError(f"There is no model {name!r}.", "List what there is: workbench models")
    champion = current_champion(versions)
    if champion is None:
        raise ModelError(
            f"Model {name!r} has no champion.",
            f"Choose one: {command_line('workbench models promote', name, 'VERSION')}",
        )
    before = choose_successor(versions, champion)
    if before is None:
        retired = any(info.retired for info in versions if info.version == champion.replaced)
        cause = f"version {champion.replaced} is {'retired' if retired else 'gone'}"
        cause = cause if champion.replaced else "no version was champion before it"
        raise ModelError(f"{champion.id} cannot be rolled back: {cause}.", "List the versions: workbench models")
    return champion, before


def choose_successor(versions: Sequence[ModelInfo], current: ModelInfo) -> ModelInfo | None:
    """Return the version that serves where a champion no longer does: the last one before it that is not retired.

    Parameters
    ----------
    versions : sequence of ModelInfo
        Versions of one registered model.
    current : ModelInfo
        The champion.

    Returns
    -------
    ModelInfo or None
        None where no version was champion before, or each of those is retired or gone.
    """
    by_number = {info.version: info for info in versions}
    visited = {current.version}
    before = by_number.get(current.replaced or 0)
    while before is not None and (before.retired or before.version in visited):
        if before.version in visited:
            return None
        visited.add(before.version)
        before = by_number.get(before.replaced or 0)
    return before
