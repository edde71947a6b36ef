"""Memory that is free in the C library's heap goes back to the system: it would keep all of it, and grow for hours."""

import ctypes
from contextlib import suppress

__all__ = ["give_back_memory"]


def give_back_memory() -> None:
    """Return free memory to the system, where the C library can (glibc)."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
