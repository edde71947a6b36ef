"""Points that no plan of a problem can be below."""

from collections.abc import Mapping

from workbench.maintenance.schedule.grid import Grid

__all__ = ["least_points"]


def least_points(grid: Grid, plannable: Mapping[str, int]) -> int:
    """Return points that no solution can be below: each job done at once by the cheapest who can do it."""
    points = 0
    for number, end in plannable.items():
        job = grid.jobs[number]
        due = grid.due(job)
        late = 0 if due is None else max(0, end - due) * grid.late_points(job)
        points += min(grid.cost_points(job, who) for who in grid.skilled(job)) + late
    return points
