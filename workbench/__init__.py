"""Telemetry workbench: from telemetry to maintenance, one stage after the other.

::

    telemetry -> windows -> forecaster -> prediction error -> smoothed error -> threshold (epsilon)
              -> anomaly sequences -> alerts -> work orders -> schedule -> maintenance log

>>> import workbench as wb
>>> session = wb.open()  # doctest: +SKIP
>>> session.score("P-1")  # doctest: +SKIP

Importing the package loads nothing heavy; `open` and `detection` are loaded at first use.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from workbench.version import __version__

if TYPE_CHECKING:
    from workbench import detection
    from workbench.session import Session
    from workbench.session import open_session as open

__all__ = ["Session", "__version__", "detection", "open"]


def __dir__() -> list[str]:
    """Return the public names, so that completion offers those that are loaded at first use."""
    return sorted({*globals(), *__all__})


def __getattr__(name: str) -> Any:
    """Load the public names at first use (PEP 562)."""
    if name == "detection":
        return import_module("workbench.detection")
    if name in ("open", "Session"):
        session = import_module("workbench.session")
        return session.open_session if name == "open" else session.Session
    raise AttributeError(f"module 'workbench' has no attribute {name!r}")
