"""Times as the fields of forms hold them: in UTC, without a zone."""

from datetime import UTC, datetime
from typing import Any

__all__ = ["in_utc", "without_zone"]


def in_utc(value: datetime | None) -> datetime | None:
    """Return what a field for a time in UTC holds, with its zone."""
    return None if value is None else value.replace(tzinfo=UTC)


def without_zone(value: Any) -> datetime | None:
    """Return a time in UTC as a field for it holds it; None for one that is missing."""
    if value is None or value != value:
        return None
    plain: datetime = value.replace(tzinfo=None, second=0, microsecond=0)
    return plain
