"""When the parts of a job are there: from the stock, from what is requested, or from an order placed now."""

from datetime import UTC, datetime, timedelta

from workbench.maintenance.schedule.model import Problem

__all__ = ["part_arrivals"]

_NOW = datetime.min.replace(tzinfo=UTC)  # when the stock came


def part_arrivals(problem: Problem) -> dict[str, tuple[datetime | None, str, int]]:
    """Return the jobs that wait for a part, and for which.

    Stock and arrivals go to frozen jobs first, then by priority, due date and number. A job takes the last pieces of
    those that come early enough, so that the first stay for others. What is neither in stock nor requested comes its
    lead time from now on.

    Parameters
    ----------
    problem : Problem
        What is planned.

    Returns
    -------
    dict of str to (datetime or None, str, int)
        Time at which the last of its parts arrives, None where it never does; its name, and the pieces of it that the
        stock lacks.
    """
    batches = {part.name: [(_NOW, part.available), *sorted(part.arrivals)] for part in problem.parts}
    lead_days = {part.name: part.lead_days for part in problem.parts}
    last = datetime.max.replace(tzinfo=UTC)
    waits: dict[str, tuple[datetime | None, str, int]] = {}
    for job in sorted(problem.jobs, key=lambda j: (j.frozen is None, -j.priority, j.due or last, j.number)):
        arrivals: list[tuple[datetime | None, str, int]] = []
        for name, pieces in sorted(job.parts.items()):
            in_stock, days = batches[name][0][1], lead_days[name]
            at = _take(batches[name], pieces)
            if at is None and days is not None:
                at = problem.now + timedelta(days=days)
            if at != _NOW:
                arrivals.append((at, name, pieces - in_stock))
        if arrivals:
            waits[job.number] = max(arrivals, key=lambda one: one[0] or last)
    return waits


def _take(batches: list[tuple[datetime, int]], pieces: int) -> datetime | None:
    """Take pieces out of the first batches that have enough, and return when the last of these comes; None where none.

    The last of these batches are taken first.
    """
    total = 0
    for count, (at, available) in enumerate(batches, 1):
        total += available
        if total < pieces:
            continue
        for place in reversed(range(count)):
            when, available = batches[place]
            taken = min(pieces, available)
            batches[place] = (when, available - taken)
            pieces -= taken
        return at
    return None
