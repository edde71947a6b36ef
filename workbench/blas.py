"""One thread for linear algebra, in all threads of the process that ask for it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["one_blas_thread"]


class _Limit:
    """The limit of this process, and how many blocks hold it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._holders = 0
        self._limits: Any = None

    def take(self) -> None:
        from threadpoolctl import OpenBLASController, threadpool_limits

        with self._lock:
            if not self._holders:
                OpenBLASController.clear_controlling_thread(force=True)  # else only the first thread's limits count
                self._limits = threadpool_limits(1, "blas")
            self._holders += 1

    def release(self) -> None:
        from threadpoolctl import OpenBLASController

        with self._lock:
            self._holders -= 1
            if not self._holders:
                OpenBLASController.clear_controlling_thread(force=True)  # another thread may have set them
                self._limits.restore_original_limits()
                OpenBLASController.clear_controlling_thread()


_LIMIT = _Limit()


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Let linear algebra use one thread while the block runs: sums of more threads differ in the last digit.

    Notes
    -----
    OpenBLAS, as NumPy's wheels have it, knows one number of threads for the process. Blocks of several threads share
    the limit: the first one sets it, and it goes with the last one, so that none takes it away while another computes.
    """
    _LIMIT.take()
    try:
        yield
    finally:
        _LIMIT.release()
