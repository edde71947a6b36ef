"""Names of attributes of channels and scores that several modules read, without what it takes to read samples."""

from collections.abc import Mapping
from typing import Any

__all__ = ["LABEL_MOMENTS", "REMOVED", "REMOVED_ROWS", "REMOVED_SAMPLES", "removed_rows"]

LABEL_MOMENTS = "label_moments"
"""Attribute of a channel: its clock and its labels; None where it is not labelled."""

REMOVED = "removed"
"""Attribute of a channel: by part, how many rows in front of it are removed, and the time of the last of them."""

REMOVED_SAMPLES = "removed_samples"
"""Attribute of a score: how many samples in front of its series were scored with it, and are removed since."""

REMOVED_ROWS = "removed_rows"
"""Attribute of a score: how many rows in front of it are removed."""


def removed_rows(attributes: Mapping[str, Any], part: str) -> int:
    """Return how many rows in front of a part of a channel are removed, from the attributes of the channel.

    Examples
    --------
    >>> removed_rows({}, "test"), removed_rows({"removed": {"test": {"rows": 70}}}, "test")
    (0, 70)
    """
    return int(attributes.get(REMOVED, {}).get(part, {}).get("rows", 0))
