"""The solver in a process of its own: OR-Tools crashes where TensorFlow was loaded before it.

`python -m workbench.maintenance.schedule.process` reads a problem as a line of JSON and writes the solution as JSON.
The end of its input ends its search, so it does not outlive the process that started it.
"""

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import threading
from typing import IO

from pydantic import TypeAdapter

from workbench.exceptions import MaintenanceError
from workbench.maintenance.options import ScheduleOptions
from workbench.maintenance.schedule.first_guess import earliest_ends, first_guess
from workbench.maintenance.schedule.grid import Grid, Solution
from workbench.maintenance.schedule.model import Problem
from workbench.maintenance.schedule.solver import Stop, search
from workbench.paths import PACKAGE

__all__ = ["improve_elsewhere"]

_PROBLEM = TypeAdapter(Problem)
_PROGRESS = b'{"progress"'
_SOLUTION = TypeAdapter(tuple[dict[str, tuple[int, tuple[int, ...]]], int, bool])


def improve_elsewhere(
    problem: Problem, options: ScheduleOptions, stop: Stop | None = None
) -> tuple[Solution, int, bool]:
    """Search for the best solution as `solver.search` does, in another process.

    Parameters
    ----------
    problem : Problem
        What is planned, and by whom.
    options : ScheduleOptions
        Horizon, weights and effort.
    stop : Stop, optional
        Ends the search early.

    Returns
    -------
    solution, bound, timed_out
        Results of `solver.search`.

    Raises
    ------
    MaintenanceError
        The process ended without a solution.
    """
    request = (
        b'{"problem":' + _PROBLEM.dump_json(problem) + b',"options":' + options.model_dump_json().encode() + b"}\n"
    )
    root = str(PACKAGE.parent)
    path = os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH"))))
    command = [sys.executable, "-m", "workbench.maintenance.schedule.process"]
    with (
        tempfile.TemporaryFile() as errors,
        subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            bufsize=0,
            env={**os.environ, "PYTHONPATH": path},
        ) as process,
    ):
        assert process.stdin is not None and process.stdout is not None
        with contextlib.suppress(BrokenPipeError):  # it has ended: its exit code says so
            view = memoryview(request)
            while view:  # a pipe may take only a part of what is written
                view = view[process.stdin.write(view) :]
        if stop is not None:
            stop.watch(_Elsewhere(process.stdin))
            if stop.is_requested:
                process.stdin.close()
        answer = b""
        for answer in process.stdout:
            if not answer.startswith(_PROGRESS):
                break
            if stop is not None:
                stop.report(*json.loads(answer)["progress"])
        process.wait()
        errors.seek(0)
        last = errors.read().decode(errors="replace").strip().rsplit("\n", 1)[-1]
    if process.returncode:
        raise MaintenanceError(f"The solver ended with exit code {process.returncode}: {last}", "Plan again.")
    return _SOLUTION.validate_json(answer)


class _Elsewhere:
    """Solver of another process, which `Stop` can stop: the end of its input ends the search."""

    def __init__(self, request_pipe: IO[bytes]) -> None:
        self.request_pipe = request_pipe

    def stop_search(self) -> None:
        self.request_pipe.close()


class _Reporting(Stop):
    """Writes how far the search is, a line at each better plan and each hundredth of the way."""

    def report(self, share: float, seconds: float, points: float) -> None:
        before = round(100 * self.share), len(self.best)
        super().report(share, seconds, points)
        if (round(100 * self.share), len(self.best)) != before:
            sys.stdout.buffer.write(json.dumps({"progress": [share, seconds, points]}).encode() + b"\n")
            sys.stdout.flush()


def main() -> None:
    """Read a problem, search for its best solution, and write that."""
    request = json.loads(sys.stdin.buffer.readline())
    stop = _Reporting()

    def listen() -> None:
        while os.read(0, 1024):
            pass
        stop()

    threading.Thread(target=listen, daemon=True).start()
    grid = Grid(_PROBLEM.validate_python(request["problem"]), ScheduleOptions.model_validate(request["options"]))
    ends = earliest_ends(grid)
    sys.stdout.buffer.write(_SOLUTION.dump_json(search(grid, first_guess(grid, ends), ends, stop)))
    sys.stdout.flush()


if __name__ == "__main__":
    main()
