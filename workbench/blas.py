"""One thread for linear algebra, in all threads of the process that ask for it."""

import sys
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
        self._controller: Any = None
        self._modules = 0  # that were imported when the controller was made

    def take(self) -> None:
        from threadpoolctl import OpenBLASController, ThreadpoolController

        with self._lock:
            if not self._holders:
                OpenBLASController.clear_controlling_thread(force=True)  # else only the first thread's limits count
                if len(sys.modules) != self._modules:  # it looks through all libraries, of which there may be more now
                    self._controller, self._modules = ThreadpoolController(), len(sys.modules)
                self._limits = self._controller.limit(limits=1, user_api="blas")
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
