"""Queues of technicians: what is counted move by move is what the grid counts of the whole, and plans get better."""

import random
from datetime import timedelta
from itertools import pairwise

import pytest

from benchmarks.bench_plan import instance
from tests.maintenance.schedule.test_make_plan import NOW, some_problem
from workbench.maintenance.options import ScheduleOptions
from workbench.maintenance.schedule.first_guess import earliest_ends, first_guess
from workbench.maintenance.schedule.grid import Grid
from workbench.maintenance.schedule.model import Job, Placement, Problem, Technician
from workbench.maintenance.schedule.queues import _Queues, improved_queues
from workbench.maintenance.windows import Window


def with_previous(problem):
    """Return a problem with a previous plan of half of its jobs, in hours in which somebody works."""
    places = tuple(
        Placement(job.number, "T1", (Window(start := NOW + timedelta(days=n // 4, hours=2 + n % 4), start + HOUR),))
        for n, job in enumerate(problem.jobs[::2])
    )
    return Problem(NOW, problem.jobs, problem.technicians, problem.parts, operating=problem.operating, previous=places)


HOUR = timedelta(hours=1)


@pytest.mark.parametrize("make", [some_problem, lambda seed: with_previous(some_problem(seed))])
@pytest.mark.parametrize("worse", [0.0, 1e5, 1e9])
def test_points_of_moves_are_those_of_the_whole(make, worse):
    """Whatever is moved, taken back or begun anew; sessions do not overlap, and nobody begins before what they need."""
    grid = Grid(make(2), ScheduleOptions())
    plannable = earliest_ends(grid)
    queues, chance = _Queues(grid, first_guess(grid, plannable), plannable), random.Random(0)
    for step in range(300):
        queues.make(queues.random_move(chance), worse)
        solution = queues.solution()
        assert queues.points == grid.score(solution, plannable).points
        if step % 50 == 0:
            queues.restore(solution)
    taken = [[] for _ in grid.technicians]
    for number, place in solution.items():
        job = grid.jobs[number]
        taken[place[0]] += grid.spans(job, place)
        before = [grid.end(grid.jobs[one], solution[one]) for one in job.after]
        assert place[1][0] >= max([grid.release(job), *before])
        for start, end in grid.spans(job, place):
            assert any(low <= start and end <= high for low, high in grid.allowed(job, place[0]))
    for spans in map(sorted, taken):
        assert all(one[1] <= other[0] for one, other in pairwise(spans))


def test_an_overloaded_plan_gets_better_the_same_way_each_time():
    """A hundred orders that are due in four days, with five technicians: a fifth of the lateness can be saved."""
    grid = Grid(instance(100, 5, 4), ScheduleOptions())
    plannable = earliest_ends(grid)
    guess = first_guess(grid, plannable)
    found = []
    for _ in range(2):
        left = iter(range(4000))
        better = improved_queues(
            grid, guess, plannable, 0, random.Random(0), 4000, lambda placed, left=left: next(left, None) is not None
        )
        found.append(grid.score(better, plannable).points)
    assert found[0] == found[1] < 0.9 * grid.score(guess, plannable).points


def test_a_job_stays_where_it_was_planned_where_leaving_costs_more():
    """The job was planned for the second day; it would be earlier on the first, at the price of a change."""
    place = Placement("J", "Ann", (Window(NOW + timedelta(days=1, hours=4), NOW + timedelta(days=1, hours=6)),))
    grid = Grid(Problem(NOW, (Job("J", 2),), (Technician("Ann"),), previous=(place,)), ScheduleOptions(change=1e4))
    plannable = earliest_ends(grid)
    queues = _Queues(grid, {"J": (0, (grid.down(NOW + timedelta(hours=2)),))}, plannable)
    queues.make([(0, 0, 0.0, True)], 0.0)
    assert grid.placement(grid.jobs["J"], queues.solution()["J"]).sessions == place.sessions
