"""What the asset register lists: sites, units, assets, subsystems and components."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

__all__ = [
    "KINDS",
    "MAX_NAME",
    "RATED_KINDS",
    "CatalogItem",
    "RegisteredAsset",
    "article",
    "full_name",
    "state_at",
]

KINDS = ("site", "unit", "asset", "subsystem", "component")
"""Levels of the hierarchy, from the highest down."""

RATED_KINDS = KINDS[:3]
"""Levels that have a criticality, and to which meters, outages and alerts belong."""

MAX_NAME = 200
"""Most characters of a name or title."""

_PATH_KINDS = ("subsystem", "component")


@dataclass(frozen=True)
class CatalogItem:
    """Asset or subsystem that catalog or archive list.

    Attributes
    ----------
    name : str
        Name in the register.
    kind : str
        Level of the hierarchy, of `KINDS`.
    parent : str
        Name of what it belongs to; empty where that is not known.
    title, description : str
        What people call it, and what it is; may be empty.
    criticality : int or None
        How much depends on it, from 1 (little) to 5 (everything).
    """

    name: str
    kind: str = "asset"
    parent: str = ""
    title: str = ""
    description: str = ""
    criticality: int | None = None


@dataclass(frozen=True)
class RegisteredAsset:
    """One item of the register as it was when it was read.

    Attributes
    ----------
    name : str
        Name; that of a subsystem or component begins with what it belongs to: `Pump-1/BRG/Seal`.
    kind : str
        Level of the hierarchy, of `KINDS`.
    parent : str
        Name of what it belongs to; may be empty.
    title, description : str
        What people call it, and what it is; may be empty.
    criticality : int or None
        How much depends on it, from 1 (little) to 5 (everything); None where nobody has said.
    in_service_from, in_service_to : datetime or None
        When it is in service, UTC; None where there is no such bound.
    state : str
        `planned`, `in service` or `retired`.
    parts : mapping of str to int
        Spare parts with the quantity that is built in.
    documents : tuple of dict
        Links and files: `reference` and `title`.
    source : str
        `catalog`, or `register` where a person has added it.
    """

    name: str
    kind: str
    parent: str
    title: str = ""
    description: str = ""
    criticality: int | None = None
    in_service_from: datetime | None = None
    in_service_to: datetime | None = None
    state: str = "in service"
    parts: Mapping[str, int] = field(default_factory=dict)
    documents: tuple[Mapping[str, str], ...] = ()
    source: str = "register"


def full_name(kind: str, name: str, parent: str) -> str:
    """Return the name of an item in the register; that of a subsystem or component begins with its parent's.

    Examples
    --------
    >>> full_name("component", "Seal", "Pump-1/BRG"), full_name("asset", "Pump-1", "Hall A")
    ('Pump-1/BRG/Seal', 'Pump-1')
    """
    if kind not in _PATH_KINDS or not parent or name.startswith(f"{parent}/"):
        return name
    return f"{parent}/{name}"


def state_at(begin: datetime | None, end: datetime | None, present: datetime) -> str:
    """Return whether something is planned, in service or retired at a time."""
    if end is not None and end <= present:
        return "retired"
    return "planned" if begin is not None and begin > present else "in service"


def article(kind: str) -> str:
    """Return a level of the hierarchy with its article."""
    return f"{'an' if kind[0] == 'a' else 'a'} {kind}"
