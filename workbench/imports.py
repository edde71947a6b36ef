"""Packages that others load wherever they are installed, and that a process can do without."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module

__all__ = ["leave_dask_out", "left_out"]


@contextmanager
def left_out(*names: str) -> Iterator[None]:
    """Let modules look as if they were not installed, for those that are imported meanwhile."""
    absent = [name for name in names if name not in sys.modules]
    sys.modules.update(dict.fromkeys(absent))  # type: ignore[arg-type]  # of the import system: there is none
    try:
        yield
    finally:
        for name in absent:
            del sys.modules[name]


def leave_dask_out() -> None:
    """Keep xarray from loading Dask, and with it SciPy's sparse arrays and transforms: 26 MB that nothing uses.

    It has no effect where Dask is loaded already, and Dask can be imported as ever afterwards.
    """
    with left_out("dask"):
        import_module("xarray").Variable((), 0.0)  # it looks for Dask's arrays once, when it makes its first variable
