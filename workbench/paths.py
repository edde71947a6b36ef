"""Find the product's own files, and check the paths that people enter."""

import re
from pathlib import Path

from workbench.exceptions import SettingsError

__all__ = ["PACKAGE", "is_installed", "local_path", "product_path"]

PACKAGE = Path(__file__).resolve().parent
"""Folder of the package."""

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:/+.*", re.DOTALL)
"""A scheme of two letters or more, so that a drive of Windows is none; `Path` makes one slash of two."""


def local_path(name: str, value: str | Path) -> Path:
    """Return a path of this machine, or refuse a URL.

    Parameters
    ----------
    name : str
        Name of the setting or option, for the message.
    value : str or Path
        Path as it was entered.

    Raises
    ------
    SettingsError
        It is a URL, as `s3://bucket/home` or `file:///home`.

    Examples
    --------
    >>> local_path("home", "data/local").as_posix()
    'data/local'
    >>> local_path("home", "s3://bucket/home")
    Traceback (most recent call last):
    workbench.exceptions.SettingsError: home is a URL: 's3://bucket/home'. Give the path of a folder or file on this \
machine.
    """
    text = str(value)
    if "\0" in text:
        raise SettingsError(f"{name} holds a null byte: {text!r}.", "Enter the path of a folder or file.")
    if _URL.fullmatch(text.strip()):
        hint = "Give the path of a folder or file on this machine."
        if text.lower().startswith("file:"):
            hint = "Give the path alone, without file:."
        raise SettingsError(f"{name} is a URL: {text!r}.", hint)
    return Path(text)


def product_path(*parts: str) -> Path:
    """Return where a file of the product lies: inside the package once installed, else at the root of a checkout.

    Parameters
    ----------
    *parts : str
        Names from the root of the checkout, as `"data", "catalog.yaml"`.

    Returns
    -------
    Path
        It need not exist.
    """
    installed = PACKAGE.joinpath(*parts)
    return installed if installed.exists() else PACKAGE.parent.joinpath(*parts)


def is_installed(path: Path) -> bool:
    """Return whether a file of the product lies inside the installed package, where nobody should write."""
    return path.is_relative_to(PACKAGE)
