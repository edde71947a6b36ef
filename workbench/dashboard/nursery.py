"""The process that kernels are forked from: it has imported what a page needs, and all kernels share that memory.

Run as `python -m workbench.dashboard.nursery FD`, with the file descriptor of a socket on which kernels are asked for.
"""

import gc
import json
import logging
import os
import signal
import socket
import sys
import warnings
from contextlib import suppress
from importlib import import_module
from typing import Any

from workbench.dashboard.timers import run_timers
from workbench.heap import share_heaps
from workbench.imports import leave_dask_out, left_out

__all__ = ["load_jsonschema", "main", "preload", "serve"]

_PRELOADED = (
    "workbench.detection.lstm.onnx_graph",  # before onnxruntime, which it keeps from reporting to its maker
    "IPython.core.completerlib",
    "IPython.core.debugger",
    "IPython.core.oinspect",
    "IPython.extensions.storemagic",
    "ipykernel.debugger",
    "jupyter_bokeh",
    "onnxruntime",
    "pandas.core.methods.to_dict",
    "pyarrow.pandas_compat",
    "pyarrow.vendored.version",
    "scipy.special",
    "sqlalchemy.dialects.sqlite",
    "tornado.platform.asyncio",
    "workbench.alerting",
    "workbench.dashboard.kernel",
    "workbench.jobs.reports",
    "workbench.maintenance.alerts.alerts",
    "workbench.maintenance.cases.cases",
    "workbench.maintenance.orders.needless",
    "workbench.maintenance.orders.orders",
    "workbench.maintenance.register.register",
    "workbench.session",
    "workbench.settings_check",
    "workbench.views.page",
    "zmq.utils.garbage",
)
"""Modules that every page needs, beside the views; what a kernel imports or makes itself is in its memory alone."""


def load_jsonschema() -> None:
    """Import jsonschema, which Jupyter needs, without the grammar of IRIs, which takes a second and is not needed.

    It then checks URIs by `rfc3986_validator`.
    """
    with left_out("rfc3987_syntax"):
        import_module("jsonschema")


def preload() -> None:
    """Import what pages need, and keep the garbage collector from writing to it."""
    share_heaps()
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")  # its own one holds 4 MB a kernel in reserve
    gc.disable()
    leave_dask_out()
    with left_out("debugpy"):
        for name in _PRELOADED:
            import_module(name)
        from workbench.views.registry import VIEWS, view_class

        for name in VIEWS:
            view_class(name)
        import_module("sqlalchemy.orm").configure_mappers()
    gc.collect()
    gc.freeze()
    gc.enable()


def serve(channel: socket.socket) -> dict[str, Any] | None:
    """Fork a kernel for each request, a line of JSON, and answer with its process number.

    Parameters
    ----------
    channel : socket.socket
        Closed in the forked process.

    Returns
    -------
    dict or None
        The request, in the forked process; None in this one, when the other end has closed.
    """
    with suppress(ConnectionError), channel, channel.makefile("r", encoding="utf-8") as lines:  # closed while it forked
        for line in lines:
            with warnings.catch_warnings():  # threads of imported libraries hold no lock here: none of them has work
                warnings.simplefilter("ignore", DeprecationWarning)
                pid = os.fork()
            if not pid:
                return dict(json.loads(line))
            channel.sendall(f"{pid}\n".encode())
    return None


def _become(request: dict[str, Any]) -> None:
    """Turn a forked process into the kernel that was asked for; it ends when the nursery does."""
    from workbench.dashboard.kernel import ForkedKernelApp

    os.chdir(request["folder"])
    ForkedKernelApp.launch_instance(
        [],
        connection_file=request["connection_file"],
        extra_extensions=["ipywidgets"],  # pages ask it for all widgets at once
        log_level=logging.CRITICAL,  # one that is stopped while it starts has nothing to tell the terminal
        parent_handle=os.getppid(),
    )


def main(descriptor: int) -> None:
    """Serve until the other end closes."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # kernels that end leave nothing behind
    preload()
    request = serve(socket.socket(fileno=descriptor))
    if request is None:
        return
    os.setsid()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ.clear()
    os.environ.update(request["environment"])
    if "connection_file" in request:
        _become(request)
    else:
        run_timers()


if __name__ == "__main__":
    main(int(sys.argv[1]))
