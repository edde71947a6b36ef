"""The C library's heap, which in a process with many threads holds far more than is in use, and grows for hours."""

import ctypes
from contextlib import suppress

__all__ = ["give_back_memory", "share_heaps"]

_ARENA_MAX = -8  # of `mallopt`, see its manual
_HEAPS = 2


def share_heaps() -> None:
    """Let threads share a few heaps, where the C library can (glibc); of itself it has eight a processor core."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(_ARENA_MAX, _HEAPS)


def give_back_memory() -> None:
    """Return free memory to the system, where the C library can (glibc)."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
