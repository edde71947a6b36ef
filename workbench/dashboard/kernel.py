"""A forked kernel that starts without touching what it does not need: what it touches is no longer shared.

To count a reference to an object is to write to it, and the system then copies its page of memory.
"""

import logging
import sys
from types import SimpleNamespace
from typing import Any

from ipykernel import ipkernel
from ipykernel.ipkernel import IPythonKernel
from ipykernel.kernelapp import IPKernelApp
from traitlets import Type

__all__ = ["ForkedKernel", "ForkedKernelApp"]

logging.getLogger("ForkedKernelApp").addHandler(logging.NullHandler())

_NO_MODULES = SimpleNamespace(**vars(sys) | {"modules": {}})


class ForkedKernel(IPythonKernel):
    """A kernel that does not list the files of all modules, which only the debugger needs."""

    def __init__(self, **kwargs: Any) -> None:
        vars(ipkernel)["sys"] = _NO_MODULES
        try:
            super().__init__(**kwargs)  # type: ignore[no-untyped-call]
        finally:
            vars(ipkernel)["sys"] = sys


class ForkedKernelApp(IPKernelApp):
    """Starts a kernel by what it is given; there is no command line, and its log has no handler."""

    kernel_class = Type(ForkedKernel, klass="ipykernel.kernelbase.Kernel")

    def parse_command_line(self, argv: list[str] | None = None) -> None:
        """Take nothing from a command line, and make no parser of all the options that there are."""
        del argv

    def init_code(self) -> None:
        """Run what a profile of IPython names, and take no note of all modules for a later reset."""
        self._run_startup_files()
        self._run_exec_lines()
        self._run_exec_files()

    def _configure_logging(self) -> None:
        self._logging_configured = True  # to set the level of a logger is to write to all of them
