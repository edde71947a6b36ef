"""What people enter into the asset register: checked, and put into its row."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import orm

from workbench.exceptions import MaintenanceError
from workbench.maintenance.orders.parts import find_part
from workbench.maintenance.register.items import MAX_NAME, RATED_KINDS, article
from workbench.maintenance.register.table import AssetRow
from workbench.maintenance.values import required_text, time_in_range, whole_number

__all__ = ["set_values"]

_MAX_CRITICALITY = 5
_SCHEMES = ("http", "https")


def set_values(db: orm.Session, row: AssetRow, values: Mapping[str, Any]) -> dict[str, Any]:
    """Check values, put them into a row, and return those that are others than before."""
    checked: dict[str, Any] = {}
    for name, value in values.items():
        if name in ("title", "description"):
            checked[name] = None if value is None else str(value).strip()[: MAX_NAME if name == "title" else None]
        elif name == "criticality":
            checked[name] = None if value is None else _checked_criticality(row.kind, value)
        elif name in ("in_service_from", "in_service_to"):
            checked[name] = None if value is None else time_in_range(name, value)
        elif name == "parts":
            checked[name] = {part: _checked_pieces(db, part, pieces) for part, pieces in value.items()}
        elif name == "documents":
            checked[name] = [_document(one) for one in value]
        else:
            raise MaintenanceError(
                f"An asset has no {name.replace('_', ' ')}.",
                "Known: title, description, criticality, in_service_from, in_service_to, parts, documents.",
            )
    changes = {name: value for name, value in checked.items() if getattr(row, name) != value}
    for name, value in changes.items():
        setattr(row, name, value)
    begin, end = row.in_service_from, row.in_service_to
    if begin is not None and end is not None and end <= begin:
        raise MaintenanceError(
            f"{row.name} cannot be in service from {begin:%Y-%m-%d} to {end:%Y-%m-%d}.", "Enter a later end."
        )
    return changes


def _checked_criticality(kind: str, value: int) -> int:
    if kind not in RATED_KINDS:
        raise MaintenanceError(
            f"{article(kind).capitalize()} has no criticality of its own.", "Set that of the asset it belongs to."
        )
    if not 1 <= value <= _MAX_CRITICALITY or int(value) != value:
        raise MaintenanceError(
            f"criticality cannot be {value!r}.", f"Enter a whole number from 1 (little) to {_MAX_CRITICALITY}."
        )
    return int(value)


def _checked_pieces(db: orm.Session, part: str, pieces: int) -> int:
    find_part(db, part)
    return whole_number(f"pieces of {part}", pieces)


def _document(given: str | Mapping[str, str]) -> dict[str, str]:
    """Return a document with its title: a web address, or a file that is there."""
    reference = given if isinstance(given, str) else given["reference"]
    reference = required_text("the reference of a document", reference)
    title = "" if isinstance(given, str) else given.get("title", "")
    parts = urlsplit(reference)
    if parts.scheme in _SCHEMES and parts.netloc:
        return {"reference": reference, "title": title.strip() or reference}
    if "://" in reference or not Path(reference).is_file():
        raise MaintenanceError(
            f"{reference!r} is neither a web address nor a file that is there.",
            "Write https://..., or the path of a file.",
        )
    path = Path(reference).resolve()
    return {"reference": str(path), "title": title.strip() or path.name}
