"""The solver in a process of its own: OR-Tools crashes where TensorFlow was loaded before it.

`python -m workbench.maintenance.schedule_process` reads a problem as JSON and writes the solution as JSON.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

from pydantic import TypeAdapter

from workbench.exceptions import MaintenanceError
from workbench.maintenance.schedule_grid import Grid, Solution
from workbench.maintenance.schedule_hint import earliest_ends, first_guess
from workbench.maintenance.schedule_model import Problem
from workbench.maintenance.schedule_options import ScheduleOptions
from workbench.maintenance.schedule_solver import search

__all__ = ["improve_elsewhere"]

_PROBLEM = TypeAdapter(Problem)
_SOLUTION = TypeAdapter(tuple[dict[str, tuple[int, tuple[int, ...]]], int, bool])


def improve_elsewhere(problem: Problem, options: ScheduleOptions) -> tuple[Solution, int, bool]:
    """Search as `schedule_solver.search` does, in another process.

    Parameters
    ----------
    problem : Problem
    options : ScheduleOptions

    Returns
    -------
    solution, bound, timed_out
        As of `schedule_solver.search`.

    Raises
    ------
    MaintenanceError
        The process ended without a solution.
    """
    told = b'{"problem":' + _PROBLEM.dump_json(problem) + b',"options":' + options.model_dump_json().encode() + b"}"
    root = str(Path(__file__).resolve().parents[2])
    path = os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH"))))
    command = [sys.executable, "-m", "workbench.maintenance.schedule_process"]
    done = subprocess.run(command, input=told, capture_output=True, check=False, env={**os.environ, "PYTHONPATH": path})
    if done.returncode:
        last = done.stderr.decode(errors="replace").strip().rsplit("\n", 1)[-1]
        raise MaintenanceError(f"The solver ended with exit code {done.returncode}: {last}", "Plan again.")
    return _SOLUTION.validate_json(done.stdout)


def main() -> None:
    """Read a problem, search, and write the solution."""
    given = json.load(sys.stdin)
    grid = Grid(_PROBLEM.validate_python(given["problem"]), ScheduleOptions.model_validate(given["options"]))
    ends = earliest_ends(grid)
    sys.stdout.buffer.write(_SOLUTION.dump_json(search(grid, first_guess(grid, ends), ends)))


if __name__ == "__main__":
    main()
