"""Versions of what decides the bytes of a result; workers must have those of the process that they work for."""

from collections.abc import Mapping
from functools import cache
from importlib import metadata
from platform import python_version

from workbench.exceptions import ComputeError
from workbench.version import __version__

__all__ = ["check_versions", "present_versions"]

_PACKAGES = ("numpy", "tensorflow", "onnxruntime")


@cache
def present_versions() -> dict[str, str]:
    """Return the versions of this process by name; nothing is imported for it."""
    versions = {"workbench": __version__, "Python": python_version()}
    for name in _PACKAGES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            versions[name] = "none"
    return versions


def check_versions(expected: Mapping[str, str], present: Mapping[str, str], worker: str) -> None:
    """Check that a worker has the expected versions.

    Parameters
    ----------
    expected : mapping of str to str
        Versions of the process that it works for.
    present : mapping of str to str
        Versions of the worker.
    worker : str
        Name of the worker, for the error.

    Raises
    ------
    ComputeError
        A version differs; the message names both.

    Examples
    --------
    >>> check_versions({"numpy": "2.4.6"}, {"numpy": "2.3.0"}, "tcp://10.0.0.5:4000")
    Traceback (most recent call last):
        ...
    workbench.exceptions.ComputeError: The worker tcp://10.0.0.5:4000 has numpy 2.3.0, this process has numpy 2.4.6. ...
    """
    other = [name for name in expected if present.get(name) != expected[name]]
    if other:
        there = ", ".join(f"{name} {present.get(name, 'none')}" for name in other)
        here = ", ".join(f"{name} {expected[name]}" for name in other)
        raise ComputeError(
            f"The worker {worker} has {there}, this process has {here}.",
            "Install the same versions everywhere: pip install -c constraints.txt telemetry-workbench.",
        )
