"""One hash for the series of several channels."""

import hashlib
import json
from collections.abc import Mapping

__all__ = ["joint_hash"]


def joint_hash(hashes: Mapping[str, str]) -> str:
    """Return one hash of the series of several channels, from the name and hash of each, whatever their order.

    Examples
    --------
    >>> joint_hash({"flow": "ab", "heat": "cd"}) == joint_hash({"heat": "cd", "flow": "ab"})
    True
    """
    return hashlib.sha256(json.dumps(sorted(hashes.items())).encode()).hexdigest()
