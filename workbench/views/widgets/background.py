"""Work beside the page: in a thread that tells how far it is, or in a process of its own that can be stopped."""

import asyncio
import json
import os
import sys
import threading
from collections.abc import Callable
from typing import Any

from workbench.dashboard.serving import settings_environment
from workbench.exceptions import ModelError
from workbench.jobs.training_job import STOPPED, Request
from workbench.settings import Settings
from workbench.views.widgets.callbacks import Guard, Guarded

__all__ = ["Background", "TrainingProcess", "run_command"]

Tell = Callable[[Any], None]


class _Stopped(Exception):
    """The work was told to stop."""


class Background:
    """Work in a thread; where no event loop runs, as in a script, it is done at once.

    Parameters
    ----------
    view : Guarded
        Shows an error of the work.
    source : str
        What is done, in words.
    told : callable
        Called on the event loop with what the work tells.
    ended : callable
        Called there with its result, None where it failed; not where it was stopped.
    """

    def __init__(self, view: Guarded, source: str, told: Tell, ended: Tell) -> None:
        self._view, self._source, self._told, self._ended = view, source, told, ended
        self._stop: threading.Event | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def running(self) -> bool:
        """Whether there is work."""
        return self._stop is not None

    def start(self, work: Callable[[Tell], Any]) -> None:
        """Begin; what was under way is stopped, and ends without a word.

        Parameters
        ----------
        work : callable
            Called with what it tells by; that ends it where it is to stop.
        """
        self.stop()
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            result = None
            with Guard(self._view, self._source, timed=False):
                result = work(self._told)
            self._ended(result)
            return
        stop = self._stop = threading.Event()

        def tell(value: Any) -> None:
            if stop.is_set():
                raise _Stopped
            loop.call_soon_threadsafe(self._hear, stop, value)

        self._task = loop.create_task(self._follow(work, tell, stop))

    def stop(self) -> None:
        """Stop what is under way at its next step."""
        if self._stop is not None:
            self._stop.set()
            self._stop = None

    async def _follow(self, work: Callable[[Tell], Any], tell: Tell, stop: threading.Event) -> None:
        result = None
        with Guard(self._view, self._source, timed=False):
            try:
                result = await asyncio.to_thread(work, tell)
            except _Stopped:
                return
        if not stop.is_set():
            self._stop = None
            self._ended(result)

    def _hear(self, stop: threading.Event, value: Any) -> None:
        if not stop.is_set():
            self._told(value)


async def run_command(settings: Settings, *arguments: str) -> str:
    """Run a command of the workbench in a process of its own: what it imports stays out of this one.

    Parameters
    ----------
    settings : Settings
    *arguments : str
        As on the command line.

    Returns
    -------
    str
        The last line that it printed.

    Raises
    ------
    ModelError
        It failed; the message is its own.
    """
    process = await _begin(settings, "workbench.cli", *arguments)
    try:
        output, errors = await process.communicate()
    except asyncio.CancelledError:
        process.kill()
        raise
    if process.returncode:
        raise ModelError(_last(errors) or f"The command ended with exit code {process.returncode}.")
    return _last(output)


class TrainingProcess:
    """One training in a process of its own.

    Parameters
    ----------
    settings : Settings
    request : Request
    told : callable
        Called with what it tells: `epoch`, `epochs`, `loss`, `validation_loss`; or `registering`.
    """

    def __init__(self, settings: Settings, request: Request, told: Tell) -> None:
        self.request = request
        self._settings, self._told = settings, told
        self._process: asyncio.subprocess.Process | None = None
        self._stopped = False

    async def run(self) -> dict[str, str] | None:
        """Train to the end.

        Returns
        -------
        dict or None
            `status`, `model`, `alias`, `reason`; None where it was stopped before anything was registered.

        Raises
        ------
        ModelError
            It ended without a word.
        """
        process = self._process = await _begin(self._settings, "workbench.jobs.training_job")
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        errors = asyncio.ensure_future(process.stderr.read())
        done: dict[str, str] | None = None
        try:
            process.stdin.write(f"{self.request.to_json()}\n".encode())
            if self._stopped:
                process.stdin.close()
            async for line in process.stdout:
                what = json.loads(line)
                if "done" in what:
                    done = what["done"]
                else:
                    self._told(what)
            code = await process.wait()
        finally:
            process.stdin.close()
        if done is None and code != STOPPED:
            raise ModelError(f"The training ended with exit code {code}: {_last(await errors) or 'it said nothing'}")
        return done

    def stop(self) -> None:
        """Stop it; it takes away what it has left, unless its version is being registered already."""
        self._stopped = True
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()


async def _begin(settings: Settings, module: str, *arguments: str) -> asyncio.subprocess.Process:
    command = [sys.executable, "-c", f"from {module} import main; main()", *arguments]
    return await asyncio.create_subprocess_exec(
        *command,
        env=os.environ | settings_environment(settings),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
    )


def _last(output: bytes) -> str:
    lines = output.decode(errors="replace").strip().splitlines()
    return lines[-1].removeprefix("Error: ") if lines else ""
