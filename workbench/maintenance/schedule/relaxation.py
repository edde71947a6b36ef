"""Points that no plan of a problem can be below, and who would do what if work could be divided at will."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from workbench.maintenance.schedule.grid import Grid

__all__ = ["Relaxation", "least_points", "relaxed"]

_MOST_SHARES = 20_000  # unknowns of the linear program: some tenths of a second
_MOST_PERIODS = 200


@dataclass(frozen=True)
class Relaxation:
    """The best plan of jobs that may be divided between technicians and interrupted at any time.

    Attributes
    ----------
    bound : int
        Its points, in 1 / `SCALE` points; no plan is below.
    technician : mapping of str to int
        Technician who does the greatest share of each job.
    slot : mapping of str to float
        Mean slot in which a job is done.
    """

    bound: int
    technician: Mapping[str, int]
    slot: Mapping[str, float]


def least_points(grid: Grid, plannable: Mapping[str, int]) -> int:
    """Return points that no solution can be below: each job done at once by the cheapest who can do it."""
    points = 0
    for number, end in plannable.items():
        job = grid.jobs[number]
        due = grid.due(job)
        late = 0 if due is None else max(0, end - due) * grid.late_points(job)
        points += min(grid.cost_points(job, who) for who in grid.skilled(job)) + late
    return points


def relaxed(grid: Grid, plannable: Mapping[str, int]) -> Relaxation:
    """Return the best plan of jobs that may be divided: a linear program of the working hours of each technician.

    Parameters
    ----------
    grid : Grid
        The problem in time slots.
    plannable : mapping of str to int
        First slot by which each job that can be planned could have ended; not empty.

    Returns
    -------
    Relaxation

    Notes
    -----
    The transportation problem of Bulbul, Kaminsky and Yano (2007), with technicians as machines: a slot of work that
    ends i slots after the due date of a job of p slots costs (i - 1/2 + p/2) / p of what a slot of lateness costs. The
    slots of any session together cost no more than the lateness of its end, so this is a bound. Slots are put together
    into periods, each at the cost of its first slot. Order, waiting and changes of the previous plan add nothing.
    """
    from scipy.optimize import linprog
    from scipy.sparse import csr_array

    jobs = [grid.jobs[number] for number in plannable]
    people = range(len(grid.technicians))
    pairs = sum(len(grid.skilled(job)) for job in jobs)
    free = np.array([grid.count(spans) for spans in grid.free])
    bounds = _periods(free.sum(axis=0), max(2, min(_MOST_PERIODS, _MOST_SHARES // pairs)))
    hours = np.diff(free[:, bounds], axis=1)
    rows, costs, shares = [], [], []
    for place, job in enumerate(jobs):
        length, due, late_points = sum(grid.sessions(job)), grid.due(job), grid.late_points(job)
        begin = plannable[job.number] - length
        ends = np.maximum(bounds[:-1], begin) + 1
        over = np.zeros(len(ends)) if due is None else np.maximum(0, ends - due)
        late = np.where(over > 0, (over - 0.5 + length / 2) * late_points / length, 0.0)
        for who in grid.skilled(job):
            (periods,) = np.nonzero((bounds[1:] > begin) & (hours[who] > 0))
            rows += [(place, len(jobs) + who * len(ends) + period) for period in periods.tolist()]
            costs += (late[periods] + grid.cost_points(job, who) / length).tolist()
            shares += [(place, who, period) for period in periods.tolist()]
    work = np.array([sum(grid.sessions(job)) for job in jobs])
    columns = np.arange(len(rows) + len(jobs))  # the last are what is not planned
    of_jobs = np.array([row[0] for row in rows] + list(range(len(jobs))))
    of_hours = np.array([row[1] for row in rows], dtype=int) - len(jobs)
    ones = np.ones(len(rows))
    result = linprog(
        [*costs, *(grid.unplanned_points(job) / length for job, length in zip(jobs, work, strict=True))],
        A_eq=csr_array((np.ones(len(columns)), (of_jobs, columns)), shape=(len(jobs), len(columns))),
        b_eq=work,
        A_ub=csr_array((ones, (of_hours, columns[: len(rows)])), shape=(hours.size, len(columns))),
        b_ub=hours.ravel(),
        method="highs-ds",
    )
    done = np.zeros((len(jobs), len(people)))
    slots = np.zeros(len(jobs))
    middles = (bounds[1:] + bounds[:-1]) / 2
    for (place, who, period), share in zip(shares, result.x, strict=False):
        done[place, who] += share
        slots[place] += share * middles[period]
    return Relaxation(
        bound=math.ceil(result.fun * (1 - 1e-9) - 1e-3),
        technician={job.number: int(done[place].argmax()) for place, job in enumerate(jobs)},
        slot={job.number: float(slots[place] / max(done[place].sum(), 1.0)) for place, job in enumerate(jobs)},
    )


def _periods(worked: np.ndarray, count: int) -> np.ndarray:
    """Return the slots at which periods with about the same working hours begin, and the end of the last."""
    quantiles = np.searchsorted(worked, np.linspace(0, worked[-1], count + 1))
    return np.unique([0, *quantiles.tolist(), len(worked) - 1])
