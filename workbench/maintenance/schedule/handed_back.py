"""Due dates handed back: a job must end early enough for those that wait for it."""

from workbench.maintenance.schedule.grid import Grid

__all__ = ["handed_back"]


def handed_back(grid: Grid) -> dict[str, tuple[int | None, float]]:
    """Return the due date and priority of each job with those of the jobs that wait for it.

    Parameters
    ----------
    grid : Grid
        The problem in time slots.

    Returns
    -------
    dict of str to (int or None, float)
        Slot by which the job must have ended so that neither it nor a job that waits for it is late, the working
        slots of the latter taken off; None where none of them has a due date. And the greatest of their priorities.
    """
    result: dict[str, tuple[int | None, float]] = {}
    for job in reversed(grid.jobs.values()):  # those that wait come first
        due, priority = grid.due(job), job.priority
        for number in grid.followers[job.number]:
            if number not in result:  # it stays where it is
                continue
            limit, urgency = result[number]
            priority = max(priority, urgency)
            if limit is not None:
                begin = _before(grid, number, limit)
                due = begin if due is None else min(due, begin)
        result[job.number] = due, priority
    return result


def _before(grid: Grid, number: str, limit: int) -> int:
    """Return the last slot in which a job can begin and end by a slot, in the hours of whoever works most."""
    job = grid.jobs[number]
    size = sum(grid.sessions(job))
    skilled = grid.skilled(job)
    if not skilled or not 0 < limit <= grid.length:
        return limit - size
    worked = max((grid.worked[who] for who in skilled), key=lambda counts: counts[-1])
    slot = limit
    while slot > 0 and worked[limit] - worked[slot] < size:
        slot -= 1
    return slot - max(0, size - worked[limit])
