"""The preset that was tuned on screen: a file of its own in the home, beside what people write by hand."""

from collections.abc import Set
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from workbench.exceptions import SettingsError
from workbench.files import replacing
from workbench.parameters import Preset

__all__ = ["TUNED", "read_tuned", "remove_tuned", "tuned_path", "tuning_path", "with_tuned", "write_tuned"]

TUNED = "tuned"
"""Name of the preset."""


def tuned_path(home: Path) -> Path:
    """Return the path of the tuned preset's file."""
    return home / "tuned.yaml"


def tuning_path(home: Path) -> Path:
    """Return the path of the folder in which `workbench tune` keeps what it has judged, so that it can go on."""
    return home / "tuning"


def read_tuned(home: Path) -> Preset | None:
    """Read the preset; None where none was saved.

    Raises
    ------
    SettingsError
        The file is not one that `write_tuned` has written.
    """
    path = tuned_path(home)
    if not path.is_file():
        return None
    try:
        return Preset.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (yaml.YAMLError, UnicodeDecodeError, ValidationError) as error:
        raise SettingsError(f"{path} is not a preset: {error}", "Correct or remove it.") from None


def write_tuned(home: Path, preset: Preset) -> Path:
    """Save the preset, whole or not at all."""
    path = tuned_path(home)
    home.mkdir(parents=True, exist_ok=True)
    with replacing(path) as temporary:
        values = preset.model_dump(exclude={"max_gap_seconds"})  # a setting of the telemetry, and not tuned
        temporary.write_text(yaml.safe_dump(values, sort_keys=False), encoding="utf-8")
    return path


def remove_tuned(home: Path) -> bool:
    """Go back to the presets of the settings; False where none was saved."""
    path = tuned_path(home)
    existed = path.is_file()
    path.unlink(missing_ok=True)
    return existed


def with_tuned(values: dict[str, Any], explicit_names: Set[str]) -> dict[str, Any]:
    """Add the preset to settings; it is in use where no file or variable names another.

    Parameters
    ----------
    values : dict of str to object
        Settings; `home` and `presets` are there.
    explicit_names : set of str
        Names of those that a file, a variable or an override gives.

    Returns
    -------
    dict of str to object
    """
    tuned = read_tuned(values["home"])
    if tuned is None:
        return values
    if values.get("max_gap_seconds") is not None:
        tuned = tuned.model_copy(update={"max_gap_seconds": values["max_gap_seconds"]})
    updated = values | {"presets": {**values["presets"], TUNED: tuned}}
    return updated if "preset" in explicit_names else updated | {"preset": TUNED}
