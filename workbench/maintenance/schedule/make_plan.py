"""The schedule: open work orders onto technicians and windows.

Each job gets one technician who has all its skills, and one session, or several where it is longer than any window.
Hard rules: a technician does one job at a time, inside the maintenance windows and their own calendar; the asset's
operating hours stay free; a job starts after those that it waits for, after its parts have come and not before its
date; frozen jobs stay. Weighed against each other: hours late by priority, hours of waiting, cost, and changes of the
previous plan. Travel between assets is not modelled.
"""

import sys
from datetime import timedelta

from workbench.maintenance.options import ScheduleOptions
from workbench.maintenance.schedule.conflicts import find_conflicts
from workbench.maintenance.schedule.first_guess import earliest_ends, first_guess
from workbench.maintenance.schedule.grid import SCALE, Grid
from workbench.maintenance.schedule.model import Placement, Plan, Problem
from workbench.maintenance.schedule.process import improve_elsewhere
from workbench.maintenance.schedule.solver import Stop, search

__all__ = ["ScheduleOptions", "Stop", "make_plan"]


def make_plan(problem: Problem, options: ScheduleOptions | None = None, stop: Stop | None = None) -> Plan:
    """Plan the jobs of a problem, and name what cannot be planned.

    Parameters
    ----------
    problem : Problem
        What is planned, and by whom.
    options : ScheduleOptions, optional
        Horizon, weights and effort; the defaults where omitted.
    stop : Stop, optional
        Ends the search early.

    Returns
    -------
    Plan
        The plan with its optimality gap, and a conflict for each job that has no place, is late, or cannot be as
        frozen. The same problem and options give the same plan unless the time limit ends the search (`timed_out`).

    Raises
    ------
    MaintenanceError
        There are jobs, but no technician or no window before the horizon.

    Examples
    --------
    >>> from datetime import datetime, UTC
    >>> from workbench.maintenance.schedule.model import Job, Technician
    >>> monday = datetime(2026, 3, 2, 6, tzinfo=UTC)
    >>> plan = make_plan(Problem(monday, (Job("7", hours=2),), (Technician("Ada"),)))
    >>> str(plan.placements[0].start), plan.gap
    ('2026-03-02 08:00:00+00:00', 0.0)
    """
    options = options or ScheduleOptions()
    grid = Grid(problem, options)
    ends = earliest_ends(grid)
    if "tensorflow" in sys.modules:
        solution, bound, timed_out = improve_elsewhere(problem, options, stop)
    else:
        solution, bound, timed_out = search(grid, first_guess(grid, ends), ends, stop)
    placements = [grid.placement(grid.jobs[number], place) for number, place in solution.items()]
    placements = sorted([*placements, *grid.frozen.values()], key=lambda one: (one.start, one.job))
    score = grid.score(solution, ends)
    return Plan(
        now=problem.now,
        placements=tuple(placements),
        conflicts=tuple(
            sorted(
                [*find_conflicts(grid, solution, ends), *problem.set_aside],
                key=lambda conflict: (conflict.job, conflict.kind),
            )
        ),
        lateness_hours=_lateness(problem, placements),
        idle_hours=grid.hours(score.idle),
        cost=_cost(problem, placements),
        changed=score.changed,
        objective=score.points / SCALE,
        bound=min(bound, score.points) / SCALE,
        optimal=bound >= score.points,
        timed_out=timed_out,
    )


def _lateness(problem: Problem, placements: list[Placement]) -> float:
    due = {job.number: job.due for job in problem.jobs}
    late = [at.end - limit for at in placements if (limit := due[at.job]) is not None and at.end > limit]
    return sum(late, timedelta()) / timedelta(hours=1)


def _cost(problem: Problem, placements: list[Placement]) -> float:
    rates = {technician.name: technician.rate for technician in problem.technicians}
    return sum(rates[at.technician] * sum(session.hours for session in at.sessions) for at in placements)
