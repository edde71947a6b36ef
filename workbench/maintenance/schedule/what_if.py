"""What-ifs: changes to a plan that are tried before anything is saved, and what would follow."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pandas as pd

from workbench.exceptions import MaintenanceError
from workbench.maintenance.options import ScheduleOptions
from workbench.maintenance.schedule.impossible import moved_conflict
from workbench.maintenance.schedule.model import Placement, Plan, Problem, Technician
from workbench.maintenance.values import MAX_WAIT_DAYS, number_in_range, span_words
from workbench.maintenance.windows import WorkingCalendar

__all__ = [
    "Change",
    "Comparison",
    "change_sentence",
    "change_words",
    "changed_problem",
    "moved",
]

_DAY_TIME = "%a %d %b %H:%M"


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


def change_words(before: Sequence[Placement], plan: Plan) -> list[str]:
    """Return what a plan changes of the placements before it, a sentence for each order, by its new start.

    Parameters
    ----------
    before : sequence of Placement
        Placements of the plan before.
    plan : Plan
        The new plan.
    """
    table = moved(before, plan.placements)
    table = table.sort_values("new_start", kind="stable", na_position="last") if len(table) else table
    return [change_sentence(row) for row in table.to_dict(orient="records")]


def change_sentence(row: Mapping[Any, Any]) -> str:
    """Return what a row of `moved` says, as a sentence."""
    job, old, new = row["job"], row["start"], row["new_start"]
    if pd.isna(old):
        return f"{job} is new: {new:{_DAY_TIME}} UTC with {row['new_technician']}."
    if pd.isna(new):
        return f"{job} has no place any more, before {old:{_DAY_TIME}} UTC with {row['technician']}."
    words = []
    if old != new:
        how = f"{span_words(abs(new - old))} {'later' if new > old else 'earlier'}"
        words.append(f"starts {how}, {new:{_DAY_TIME}} UTC instead of {old:{_DAY_TIME}}")
    if row["technician"] != row["new_technician"]:
        words.append(f"goes from {row['technician']} to {row['new_technician']}")
    return f"{job} {' and '.join(words)}."


def changed_problem(problem: Problem, change: Change, options: ScheduleOptions) -> Problem:
    """Return a problem with the changes of a what-if; `problem` stays as it is."""
    names = [technician.name for technician in problem.technicians]
    for name in change.without:
        if name not in names:
            raise MaintenanceError(f"There is no technician {name!r}.", f"Known: {', '.join(names) or 'none'}.")
    people = [one for one in problem.technicians if one.name not in change.without]
    moves = [job.frozen for job in problem.jobs if job.frozen is not None and job.frozen.technician in change.without]
    new_problem = replace(
        problem,
        technicians=(*people, *change.technicians),
        set_aside=(*problem.set_aside, *(moved_conflict(one, f"{one.technician} is absent") for one in moves)),
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
