"""Kernels that are forked from one process which has imported everything: they start at once and share its memory.

Importing this loads Jupyter's client; `serving` does so when it serves.
"""

import asyncio
import json
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import EntryPoint
from typing import Any, ClassVar

from jupyter_client.provisioning.factory import KernelProvisionerFactory
from jupyter_client.provisioning.local_provisioner import LocalProvisioner

__all__ = ["ForkProvisioner", "Nursery", "can_fork", "forked_kernels"]

_NAME = "workbench-fork"


def can_fork() -> bool:
    """Tell whether this system has what forked kernels need."""
    return sys.platform == "linux" and hasattr(os, "pidfd_open")


class Nursery:
    """The process of `workbench.dashboard.nursery`, and what asks it for kernels."""

    def __init__(self) -> None:
        self._channel, other = socket.socketpair()
        self._channel.setblocking(False)
        command = [sys.executable, "-P", "-m", "workbench.dashboard.nursery", str(other.fileno())]
        with other:  # in a session of its own: Ctrl-C is for the server, which then lets go of it
            self.process = subprocess.Popen(
                command, pass_fds=[other.fileno()], stdin=subprocess.DEVNULL, start_new_session=True
            )
        self._turn = asyncio.Lock()

    async def fork(self, connection_file: str, folder: str, environment: dict[str, str]) -> "Forked":
        """Start a kernel in a forked process.

        Parameters
        ----------
        connection_file : str
            Where it is said on which ports or sockets the kernel listens.
        folder : str
            Working directory of the kernel.
        environment : dict of str to str
            Environment variables of the kernel.

        Returns
        -------
        Forked

        Raises
        ------
        OSError
            The process has ended.
        """
        return await self._ask({"connection_file": connection_file, "folder": folder, "environment": environment})

    async def run_timers(self, environment: dict[str, str]) -> "Forked":
        """Start a process that runs the timers of maintenance once; see `workbench.dashboard.timers.run_timers`.

        Parameters
        ----------
        environment : dict of str to str
            Environment variables of the process.

        Returns
        -------
        Forked

        Raises
        ------
        OSError
            The process that forks has ended.
        """
        return await self._ask({"environment": environment})

    async def _ask(self, request: dict[str, Any]) -> "Forked":
        loop = asyncio.get_running_loop()
        async with self._turn:
            await loop.sock_sendall(self._channel, f"{json.dumps(request)}\n".encode())
            answer = await loop.sock_recv(self._channel, 64)
        if not answer:
            raise ConnectionResetError("The process that kernels are forked from has ended.")
        return Forked(int(answer))

    def close(self) -> None:
        """End the process, and its kernels with it."""
        self._channel.close()
        self.process.wait()


class Forked:
    """A process that another one has forked, used as `subprocess.Popen` is.

    Parameters
    ----------
    pid : int
        Process id of the kernel.

    Notes
    -----
    Its exit status is known to its parent alone: 0 stands for any.
    """

    stdin = stdout = stderr = None

    def __init__(self, pid: int) -> None:
        self.pid = pid
        try:
            self._handle: int | None = os.pidfd_open(pid)
        except ProcessLookupError:
            self._handle = None

    def poll(self) -> int | None:
        """Return 0 where it has ended, None where it runs."""
        if self._handle is not None and select.select([self._handle], [], [], 0)[0]:
            self._forget()
        return 0 if self._handle is None else None

    def wait(self) -> int:
        """Wait for its end."""
        if self._handle is not None:
            select.select([self._handle], [], [])
            self._forget()
        return 0

    def send_signal(self, number: int) -> None:
        """Send a signal; nothing happens where it has ended."""
        if self.poll() is None and self._handle is not None:
            signal.pidfd_send_signal(self._handle, number)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """Kill the process of the kernel."""
        self.send_signal(signal.SIGKILL)

    def _forget(self) -> None:
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None


class ForkProvisioner(LocalProvisioner):
    """Has kernels forked; where the nursery has ended, they are started as usual."""

    nursery: ClassVar[Nursery | None] = None
    process: Any = None

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> Any:
        """Start a kernel by asking the nursery for a fork.

        Parameters
        ----------
        cmd : list of str
            As of `python -m ipykernel_launcher`.
        **kwargs
            Options of `subprocess.Popen`; working directory and environment are used.

        Returns
        -------
        dict
            How to reach it.
        """
        if self.nursery is None:
            return await super().launch_kernel(cmd, **kwargs)
        folder = str(kwargs.get("cwd") or os.getcwd())
        try:
            self.process = await self.nursery.fork(cmd[cmd.index("-f") + 1], folder, dict(kwargs["env"]))
        except OSError as error:
            self.log.warning("%s Kernels start slower now.", error)
            return await super().launch_kernel(cmd, **kwargs)
        self.pid = self.pgid = self.process.pid
        self.cwd = folder
        return self.connection_info


@contextmanager
def forked_kernels() -> Iterator[str]:
    """Fork kernels from one process for as long as the block runs.

    Yields
    ------
    str
        Name of the provisioner, for `KernelProvisionerFactory.default_provisioner_name`.
    """
    where = f"{ForkProvisioner.__module__}:{ForkProvisioner.__name__}"
    group = KernelProvisionerFactory.GROUP_NAME
    KernelProvisionerFactory.provisioners[_NAME] = EntryPoint(_NAME, where, group)
    nursery = ForkProvisioner.nursery = Nursery()
    try:
        yield _NAME
    finally:
        ForkProvisioner.nursery = None
        nursery.close()
