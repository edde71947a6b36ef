"""What-ifs: changes to a plan that are tried before anything is saved, and what would follow."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

import pandas as pd

from workbench.exceptions import MaintenanceError
from workbench.maintenance.options import ScheduleOptions
from workbench.maintenance.schedule.model import Placement, Plan, Problem, Technician
from workbench.maintenance.values import MAX_WAIT_DAYS, number_in_range
from workbench.maintenance.windows import WorkingCalendar

__all__ = [
    "Change",
    "Comparison",
    "changed_problem",
    "moved",
]


@dataclass(frozen=True)
class Change:
    """Changes that a what-if tries, one or several at once.

    Attributes
    ----------
    delay_days : float
        Days from now on in which no work is done.
    technicians : tuple of Technician
        Extra technicians, for this question only.
    without : tuple of str
        Names of technicians who are absent.
    hours : tuple of str or None
        Other maintenance windows, as `Mon-Fri 08:00-20:00`.
    """

    delay_days: float = 0.0
    technicians: tuple[Technician, ...] = ()
    without: tuple[str, ...] = ()
    hours: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Comparison:
    """Comparison of the plan as it is with the plan as it would be.

    Attributes
    ----------
    before, after : Plan
        Plan as it is, and plan as it would be.
    """

    before: Plan
    after: Plan

    def figures(self) -> pd.DataFrame:
        """Return planned and unplanned orders, hours late, idle hours and cost: before, after and difference."""
        rows = {
            "planned": [len(plan.placements) for plan in (self.before, self.after)],
            "unplanned": [len(plan.unplanned) for plan in (self.before, self.after)],
            "hours late": [plan.lateness_hours for plan in (self.before, self.after)],
            "idle hours": [plan.idle_hours for plan in (self.before, self.after)],
            "cost": [plan.cost for plan in (self.before, self.after)],
        }
        table = pd.DataFrame.from_dict(rows, orient="index", columns=["before", "after"], dtype=float)
        return table.assign(difference=table["after"] - table["before"])

    def moved(self) -> pd.DataFrame:
        """Return the orders that start at another time or with somebody else, as `moved` does."""
        return moved(self.before.placements, self.after.placements)


def moved(before: Sequence[Placement], after: Sequence[Placement]) -> pd.DataFrame:
    """Return the orders that have another place in the second of two plans.

    Returns
    -------
    pandas.DataFrame
        job, start, new_start, technician, new_technician; None where a plan has no place for the order.
    """
    old, new = ({one.job: one for one in placements} for placements in (before, after))
    rows = []
    for job in sorted({*old, *new}):
        a, b = old.get(job), new.get(job)
        if a is None or b is None or (a.start, a.technician) != (b.start, b.technician):
            rows.append((job, a and a.start, b and b.start, a and a.technician, b and b.technician))
    return pd.DataFrame(rows, columns=["job", "start", "new_start", "technician", "new_technician"])


def changed_problem(problem: Problem, change: Change, options: ScheduleOptions) -> Problem:
    """Return a problem with the changes of a what-if; `problem` stays as it is."""
    names = [technician.name for technician in problem.technicians]
    for name in change.without:
        if name not in names:
            raise MaintenanceError(f"There is no technician {name!r}.", f"Known: {', '.join(names) or 'none'}.")
    people = [one for one in problem.technicians if one.name not in change.without]
    new_problem = replace(
        problem,
        technicians=(*people, *change.technicians),
        jobs=tuple(
            replace(job, frozen=None) if job.frozen and job.frozen.technician in change.without else job
            for job in problem.jobs
        ),
    )
    if change.delay_days:
        later = problem.now + timedelta(days=number_in_range("the delay", change.delay_days, MAX_WAIT_DAYS))
        jobs = (
            job if job.frozen else replace(job, not_before=max(job.not_before or later, later))
            for job in new_problem.jobs
        )
        new_problem = replace(new_problem, jobs=tuple(jobs))
    if change.hours is not None:
        new_problem = replace(new_problem, windows=WorkingCalendar(change.hours, options.timezone, options.closed))
    return new_problem
