"""Import profiles: saved options of how files are read, by name, in a file of the home."""

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import yaml

from workbench.exceptions import ImportDataError
from workbench.files import replacing
from workbench.telemetry.importers.reading import LISTS, Reading
from workbench.yaml_text import read_yaml

__all__ = ["profile_options", "profiles_path", "read_profiles", "remove_profile", "save_profile"]

_NUMBERS = ("header_row", "skip_rows")
_MAX_NAME_LETTERS = 64


def profiles_path(home: Path) -> Path:
    """Return the path of the file of the profiles."""
    return home / "import-profiles.yaml"


def read_profiles(home: Path) -> dict[str, dict[str, Any]]:
    """Read the options of all profiles by name; there are none where nothing was saved.

    Parameters
    ----------
    home : Path
        Folder of the home.

    Raises
    ------
    ImportDataError
        The file is not YAML, or a profile of it has a wrong option; the message names both.
    """
    path = profiles_path(home)
    if not path.is_file():
        return {}
    try:
        document = read_yaml(path.read_text(encoding="utf-8")) or {}
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())
        raise ImportDataError(f"{path} cannot be read: {reason}.", "Correct or remove it.") from None
    if not isinstance(document, dict):
        raise ImportDataError(f"{path} holds no profiles by name.", "Correct or remove it.")
    return {str(name): _checked(path, str(name), options) for name, options in document.items()}


def profile_options(home: Path, name: str) -> dict[str, Any]:
    """Return the options of one profile.

    Parameters
    ----------
    home : Path
        Folder of the home.
    name : str
        Name of the profile.

    Raises
    ------
    ImportDataError
        There is no such profile; the message names those that there are.
    """
    profiles = read_profiles(home)
    if name not in profiles:
        names = f"Known: {', '.join(profiles)}." if profiles else "None was saved yet: --save-profile NAME saves one."
        raise ImportDataError(f"There is no profile {name!r}.", names)
    return profiles[name]


def save_profile(home: Path, name: str, options: Mapping[str, Any]) -> bool:
    """Save options under a name, in place of those that it had.

    Parameters
    ----------
    home : Path
        Folder of the home.
    name : str
        Name of the profile.
    options : mapping of str to Any
        Attributes of `Reading` by name.

    Returns
    -------
    bool
        Whether a profile of that name was replaced.

    Raises
    ------
    ImportDataError
        The name is empty, too long or not printable, there are no options, or one is wrong.
    """
    if not name.strip() or len(name) > _MAX_NAME_LETTERS or not name.isprintable():
        raise ImportDataError(
            f"{name[:80]!r} cannot be the name of a profile.",
            f"Use 1 to {_MAX_NAME_LETTERS} printable characters, for example historian.",
        )
    if not options:
        raise ImportDataError(
            f"Profile {name!r} would be empty: no option says how files are read.",
            "Pass the options to save, for example --decimal ',' --timezone Europe/Berlin.",
        )
    reading = Reading.of(options)
    values = {field: getattr(reading, field) for field in options}
    profiles = read_profiles(home)
    replaced = name in profiles
    profiles[name] = values
    _write(home, profiles)
    return replaced


def remove_profile(home: Path, name: str) -> None:
    """Remove a profile from the home.

    Parameters
    ----------
    home : Path
        Folder of the home.
    name : str
        Name of the profile.

    Raises
    ------
    ImportDataError
        There is no such profile.
    """
    profile_options(home, name)
    _write(home, {other: options for other, options in read_profiles(home).items() if other != name})


def _write(home: Path, profiles: Mapping[str, Mapping[str, Any]]) -> None:
    document = {
        name: {key: list(value) if isinstance(value, tuple) else value for key, value in options.items()}
        for name, options in profiles.items()
    }
    home.mkdir(parents=True, exist_ok=True)
    with replacing(profiles_path(home)) as temporary:
        temporary.write_text(yaml.safe_dump(document, sort_keys=False, allow_unicode=True), encoding="utf-8")


def _checked(path: Path, name: str, options: Any) -> dict[str, Any]:
    where = f"{path}: profile {name!r}"
    if not isinstance(options, dict):
        raise ImportDataError(f"{where} holds no options by name.", "Correct or remove it.")
    known = [field.name for field in fields(Reading)]
    for key, value in options.items():
        if key not in known:
            raise ImportDataError(f"{where} has an unknown option {key!r}.", f"Known: {', '.join(known)}.")
        texts = value if isinstance(value, list) and key in LISTS else [value]
        allowed: tuple[type, ...] = (int,) if key in _NUMBERS else (str, int, float) if key in LISTS else (str,)
        if not all(isinstance(one, allowed) and not isinstance(one, bool) for one in texts):
            kind = "a whole number" if key in _NUMBERS else "a list of texts" if key in LISTS else "a text in quotes"
            raise ImportDataError(f"{where}: {key} is {value!r}.", f"Write {kind}.")
    try:
        reading = Reading.of(options)
    except ImportDataError as error:
        raise ImportDataError(f"{where}: {error.message}", error.hint) from None
    return {key: getattr(reading, key) for key in options}
