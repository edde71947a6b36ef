"""Work in a process of its own: trainings and commands, asked for by the page of a view."""

import asyncio
import json
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

from workbench.exceptions import ModelError, ReportError
from workbench.names import path_name
from workbench.settings import Settings, inherited_environment

__all__ = [
    "STOPPED",
    "Request",
    "Tell",
    "TrainingProcess",
    "make_report",
    "run_command",
]


STOPPED = 130
"""Exit code of a training that was stopped."""


@dataclass(frozen=True)
class Request:
    """Request to train a forecaster of a channel.

    Attributes
    ----------
    channel, forecaster : str
        Names of the channel and of the forecaster.
    seed : int
        Seed of the training.
    parameters : dict of str to Any
        Hyperparameters; the forecaster's own where left out.
    """

    channel: str
    forecaster: str
    seed: int = 0
    parameters: dict[str, Any] = field(default_factory=dict)

    def to_json(self) -> str:
        """Write it as one line."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, line: str) -> "Request":
        """Read a request from JSON."""
        return cls(**json.loads(line))


Tell = Callable[[Any], None]


async def run_command(settings: Settings, *arguments: str) -> str:
    """Run a command of the workbench in a process of its own: what it imports stays out of this one.

    Parameters
    ----------
    settings : Settings
        Settings that the process runs with.
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
        Settings that the process runs with.
    request : Request
        Forecaster, channel and parameters of the training.
    tell : callable
        Called with each message of the process: `epoch`, `epochs`, `loss`, `validation_loss`; or `registering`.
    """

    def __init__(self, settings: Settings, request: Request, tell: Tell) -> None:
        self.request = request
        self._settings = settings
        self._tell = tell
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
        outcome: dict[str, str] | None = None
        try:
            process.stdin.write(f"{self.request.to_json()}\n".encode())
            if self._stopped:
                process.stdin.close()
            async for line in process.stdout:
                message = json.loads(line)
                if "done" in message:
                    outcome = message["done"]
                else:
                    self._tell(message)
            code = await process.wait()
        finally:
            process.stdin.close()
        if outcome is None and code != STOPPED:
            raise ModelError(f"The training ended with exit code {code}: {_last(await errors) or 'without a message'}")
        return outcome

    def stop(self) -> None:
        """Stop it; it takes away what it has left, unless its version is being registered already."""
        self._stopped = True
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()


async def _begin(settings: Settings, module: str, *arguments: str) -> asyncio.subprocess.Process:
    command = [sys.executable, "-c", f"from {module} import main; main()", *arguments]
    return await asyncio.create_subprocess_exec(
        *command,
        env=inherited_environment(settings),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
    )


def _last(output: bytes) -> str:
    lines = output.decode(errors="replace").strip().splitlines()
    return lines[-1].removeprefix("Error: ") if lines else ""


async def make_report(settings: Settings, channel: str) -> str:
    """Write the report of a channel as `workbench report` does.

    Parameters
    ----------
    settings : Settings
        Settings that the process runs with.
    channel : str
        Name of the channel.

    Returns
    -------
    str
        Path of the page.

    Raises
    ------
    ReportError
        The command failed; the message is its last line.
    """
    try:
        await run_command(settings, "report", "--", channel)
    except ModelError as error:
        raise ReportError(f"The report on {channel} was not made: {error}") from None
    return str(settings.reports_path / f"{path_name(channel)}.html")
