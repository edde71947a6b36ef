"""Where the work of an order is done: an asset, and perhaps a subsystem and a component of it."""

from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["FindLocation", "Location"]


@dataclass(frozen=True)
class Location:
    """Place in the hierarchy of the asset register on which an order stands.

    Attributes
    ----------
    asset : str
        Name of the asset, or of the site or unit where the work is for all of it.
    subsystem : str
        Key of the subsystem in the asset; may be empty.
    component : str
        Name of the component in the subsystem or the asset; may be empty.
    """

    asset: str
    subsystem: str = ""
    component: str = ""


FindLocation = Callable[[str], Location]
"""Returns the place of a name that a person entered, or raises an error that names the nearest."""
