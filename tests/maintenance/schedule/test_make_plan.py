"""The schedule keeps its hard rules, whatever the problem, and says what stands in the way."""

import random
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from itertools import pairwise, permutations, product
from pathlib import Path
from types import ModuleType

import pytest

from workbench.exceptions import MaintenanceError
from workbench.maintenance.options import ScheduleOptions
from workbench.maintenance.schedule.first_guess import earliest, earliest_ends, first_guess
from workbench.maintenance.schedule.grid import SCALE, Grid
from workbench.maintenance.schedule.make_plan import make_plan
from workbench.maintenance.schedule.model import Job, PartLeadTime, Placement, Problem, Technician
from workbench.maintenance.schedule.relaxation import least_points, relaxed
from workbench.maintenance.schedule.sequences import in_sequence
from workbench.maintenance.schedule.solver import search
from workbench.maintenance.windows import Window, WorkingCalendar

NOW = datetime(2026, 3, 2, 6, tzinfo=UTC)  # a Monday
QUICK = ScheduleOptions(effort=0.02, time_limit=3600)
ANN, BOB = Technician("Ann", frozenset({"rf"}), rate=80), Technician("Bob", rate=40)


def at(day, hour):
    return NOW.replace(hour=0) + timedelta(days=day, hours=hour)


def places(plan):
    return {one.job: (one.technician, one.start, one.end) for one in plan.placements}


def kinds(plan):
    return [(conflict.kind, conflict.job) for conflict in plan.conflicts]


def some_problem(seed, n=25):
    random_ = random.Random(seed)
    skills = ["rf", "power", "software"]
    people = tuple(
        Technician(
            f"T{i}",
            frozenset(random_.sample(skills, 2)),
            random_.choice([40, 60]),
            None if i % 2 else WorkingCalendar(("Mon-Thu 07:00-15:00",)),
        )
        for i in range(3)
    )
    jobs = tuple(
        Job(
            f"J{i}",
            random_.choice([0.5, 1, 3, 8, 12]),
            asset=f"A{i % 3}",
            priority=random_.random(),
            due=NOW + timedelta(days=random_.choice([1, 4, 9])),
            skills=frozenset(random_.sample(skills, 1)),
            after=(f"J{random_.randrange(i)}",) if i and random_.random() < 0.3 else (),
            parts={"seal": 1} if random_.random() < 0.2 else {},
        )
        for i in range(n)
    )
    return Problem(
        NOW, jobs, people, (PartLeadTime("seal", 1, 3.0),), operating={"A0": WorkingCalendar(("Mon-Fri 12:00-14:00",))}
    )


@pytest.mark.parametrize("seed", range(6))
def test_hard_rules_hold(seed):
    problem = some_problem(seed)
    plan = make_plan(problem, QUICK)
    jobs, people = ({one.number: one for one in problem.jobs}, {one.name: one for one in problem.technicians})
    ends = {one.job: one.end for one in plan.placements}
    by_person = {}
    for one in plan.placements:
        job, person = jobs[one.job], people[one.technician]
        assert job.skills <= person.skills
        assert sum(part.hours for part in one.sessions) == pytest.approx(job.hours)
        assert one.start >= NOW
        for other in job.after:
            assert ends[other] <= one.start
        for part in one.sessions:
            by_person.setdefault(one.technician, []).append(part)
            around = (part.start - timedelta(days=1), part.end + timedelta(days=1))
            for calendar in filter(None, (problem.windows, person.calendar)):
                assert any(w.start <= part.start and part.end <= w.end for w in calendar.windows(*around))
            if job.asset in problem.operating:
                busy = problem.operating[job.asset].windows(part.start, part.end)
                assert not any(w.start < part.end and part.start < w.end for w in busy)
    for parts in by_person.values():
        assert all(a.end <= b.start for a, b in pairwise(sorted(parts, key=lambda part: part.start)))
    assert {*ends, *plan.unplanned} == set(jobs)
    assert 0 <= plan.gap <= 1
    assert plan.bound <= plan.objective


def test_the_same_problem_gives_the_same_plan():
    assert make_plan(some_problem(1), QUICK) == make_plan(some_problem(1), QUICK)


def test_the_more_urgent_goes_first_and_who_has_the_skill_does_it():
    jobs = (
        Job("low", 8, priority=0.1, due=at(0, 17)),
        Job("high", 8, priority=0.9, due=at(0, 17)),
        Job("rf", 2, skills=frozenset({"rf"})),
    )
    plan = make_plan(Problem(NOW, jobs, (ANN, BOB)))
    assert places(plan)["rf"][0] == "Ann"
    late = {one.job for one in plan.placements if one.end > at(0, 17)}
    assert "high" not in late
    assert plan.optimal
    alone = make_plan(Problem(NOW, jobs[:2], (BOB,)))
    assert places(alone)["high"][1] == at(0, 8)
    assert kinds(alone) == [("capacity", "low")]
    assert alone.lateness_hours > 0


def test_what_cannot_be_planned_says_what_would_resolve_it():
    jobs = (
        Job("skill", 1, skills=frozenset({"diving"})),
        Job("part", 1, parts={"valve": 2}),
        Job("after", 1, after=("skill",)),
    )
    plan = make_plan(Problem(NOW, jobs, (ANN,), (PartLeadTime("valve", 1),)))
    assert kinds(plan) == [("precedence", "after"), ("part", "part"), ("skill", "skill")]
    by_job = {conflict.job: conflict for conflict in plan.conflicts}
    assert "diving" in by_job["skill"].message
    assert by_job["skill"].resolve
    assert "valve" in by_job["part"].message
    with pytest.raises(MaintenanceError, match="3 work orders cannot be planned"):
        plan.check()


def test_a_part_that_must_come_first_delays_the_job():
    plan = make_plan(Problem(NOW, (Job("J", 1, parts={"valve": 1}),), (BOB,), (PartLeadTime("valve", 0, 3.0),)))
    assert places(plan)["J"][1] == at(3, 8)


def test_frozen_jobs_stay_and_yesterdays_plan_is_kept_where_it_can_be():
    fixed = Placement("A", "Bob", (Window(at(1, 10), at(1, 12)),))
    previous = Placement("B", "Ann", (Window(at(2, 9), at(2, 11)),))
    jobs = (Job("A", 2, frozen=fixed), Job("B", 2), Job("C", 2))
    plan = make_plan(Problem(NOW, jobs, (ANN, BOB), previous=(previous,)), ScheduleOptions(change=100))
    assert places(plan)["A"] == ("Bob", at(1, 10), at(1, 12))
    assert places(plan)["B"] == ("Ann", at(2, 9), at(2, 11))
    assert plan.changed == 0
    free = make_plan(Problem(NOW, jobs, (ANN, BOB), previous=(previous,)), ScheduleOptions(change=0))
    assert places(free)["B"][1] < at(2, 9) or free.changed == 0


@pytest.mark.parametrize(
    ("jobs", "message"),
    [
        ((Job("A", 1, after=("B",)), Job("B", 1, after=("A",))), "in a circle: "),
        ((Job("A", -1),), "estimated hours of A is -1"),
        ((Job("A", 1), Job("A", 1)), "'A' appears 2 times"),
        ((Job("A", 1, parts={"x": 1}),), "not among the parts"),
        ((Job("A", 1, priority=2),), "It must be 0 to 1"),
        ((Job("A", 1, due=datetime(2026, 1, 1)),), "has no time zone"),
    ],
)
def test_a_problem_that_cannot_be_is_refused(jobs, message):
    with pytest.raises(MaintenanceError, match=message):
        make_plan(Problem(NOW, jobs, (BOB,)))


def test_jobs_and_nobody_to_do_them_is_one_clear_error():
    with pytest.raises(MaintenanceError, match="technician"):
        make_plan(Problem(NOW, (Job("A", 1),), ()))
    assert make_plan(Problem(NOW, (), ())).placements == ()


def test_where_tensorflow_is_loaded_the_solver_has_a_process_of_its_own(monkeypatch):
    problem = some_problem(1, 8)
    here = make_plan(problem, QUICK)
    monkeypatch.setitem(sys.modules, "tensorflow", ModuleType("tensorflow"))
    monkeypatch.setitem(sys.modules, "ortools.sat.python", None)  # cannot be imported here any more
    assert make_plan(problem, QUICK) == here


def best_by_hand(problem, options):
    """Return the least points of all orders of placing the jobs, with every technician: each as early as it can be."""
    grid = Grid(problem, options)
    least = float("inf")
    for sequence in permutations(grid.jobs):
        for people in product(range(len(grid.technicians)), repeat=len(sequence)):
            open_spans = [list(spans) for spans in grid.free]
            solution = {}
            for number, who in zip(sequence, people, strict=True):
                job = grid.jobs[number]
                if who not in grid.skilled(job) or any(one not in solution for one in job.after):
                    break
                release = max([0, *(grid.end(grid.jobs[one], solution[one]) for one in job.after)])
                size = grid.sessions(job)[0]
                start = next(max(a, release) for a, b in open_spans[who] if max(a, release) + size <= b)
                solution[number] = (who, (start,))
                open_spans[who] = [
                    span
                    for a, b in open_spans[who]
                    for span in (((a, start), (start + size, b)) if a <= start < b else ((a, b),))
                    if span[0] < span[1]
                ]
            else:
                least = min(least, grid.score(solution, grid.jobs).points)
    return least / SCALE


@pytest.mark.parametrize("seed", range(3))
def test_a_small_plan_is_the_best_of_all_that_there_are(seed):
    chance = random.Random(seed)
    jobs = tuple(
        Job(
            f"J{i}",
            chance.choice([1, 2, 4, 6]),
            priority=chance.random(),
            due=at(chance.choice([0, 1]), chance.choice([12, 17])),
            skills=frozenset(chance.sample(["rf", ""], 1)) - {""},
            after=(f"J{i - 1}",) if i and chance.random() < 0.3 else (),
        )
        for i in range(5)
    )
    problem, options = Problem(NOW, jobs, (ANN, BOB)), ScheduleOptions(slot_minutes=60, horizon_days=7, effort=5)
    plan = make_plan(problem, options)
    assert plan.optimal
    assert plan.objective == pytest.approx(best_by_hand(problem, options))


def least_of_one(jobs, options):
    """Return the least lateness and idle points of one technician's jobs: all subsets, the last job first (Held, Karp).

    The technician works at any hour and nothing is released later, so they are done one after the other.
    """
    hours, rate = [job.hours for job in jobs], options.lateness
    least = {0: 0.0}
    for done in range(1, 1 << len(jobs)):
        end = NOW + timedelta(hours=sum(hours[i] for i in range(len(jobs)) if done >> i & 1))
        least[done] = min(
            least[done & ~(1 << i)]
            + rate * (0.1 + 0.9 * jobs[i].priority) * max(timedelta(), end - jobs[i].due) / timedelta(hours=1)
            for i in range(len(jobs))
            if done >> i & 1
        )
    return least[(1 << len(jobs)) - 1] + options.cost * 40 * sum(hours)


@pytest.mark.parametrize("seed", range(3))
def test_twelve_orders_of_one_technician_are_planned_as_well_as_can_be(seed):
    chance = random.Random(seed)
    jobs = tuple(
        Job(
            f"J{i}",
            chance.choice([1, 2, 3, 5]),
            priority=chance.random(),
            due=NOW + timedelta(hours=chance.randint(2, 24)),
        )
        for i in range(12)
    )
    options = ScheduleOptions(
        hours=("Mon-Sun 00:00-24:00",), slot_minutes=60, horizon_days=7, effort=20, time_limit=3600
    )
    plan = make_plan(Problem(NOW, jobs, (BOB,), windows=options.calendar()), options)
    assert plan.objective == pytest.approx(least_of_one(jobs, options), abs=0.05)  # points are rounded by the slot
    assert plan.bound <= plan.objective


@pytest.mark.parametrize("seed", range(4))
def test_no_plan_is_below_the_bound_of_divided_work(seed):
    """The bound stays below the best of all plans, and above what each job costs alone."""
    chance = random.Random(seed)
    jobs = tuple(
        Job(f"J{i}", chance.choice([1, 2, 4]), priority=chance.random(), due=at(0, chance.choice([10, 12, 14])))
        for i in range(5)
    )
    problem, options = Problem(NOW, jobs, (ANN, BOB)), ScheduleOptions(slot_minutes=60, horizon_days=7)
    grid = Grid(problem, options)
    ends = earliest_ends(grid)
    bound = relaxed(grid, ends).bound
    assert least_points(grid, ends) <= bound <= round(best_by_hand(problem, options) * SCALE)


def test_what_others_wait_for_is_not_late_for_them():
    """The first job has no due date and little priority, but three that wait for it are due on the first day."""
    jobs = (
        Job("first", 2, priority=0.0),
        *(Job(f"waits {i}", 1, priority=0.9, due=at(0, 17), after=("first",)) for i in range(3)),
        *(Job(f"other {i}", 4, priority=0.5, due=at(2, 17)) for i in range(4)),
    )
    grid = Grid(Problem(NOW, jobs, (BOB,)), ScheduleOptions())
    guess = first_guess(grid, earliest_ends(grid))
    assert grid.placement(grid.jobs["first"], guess["first"]).start == at(0, 8)
    late = [n for n, job in grid.jobs.items() if job.due and grid.end(job, guess[n]) > grid.due(job)]
    assert late == []


@pytest.mark.parametrize("seed", range(3))
def test_searching_on_is_never_worse_than_the_first_guess_and_keeps_the_others_places(seed):
    problem = some_problem(seed, n=50)
    grid = Grid(problem, QUICK)
    ends = earliest_ends(grid)
    guess = first_guess(grid, ends)
    points = grid.score(guess, ends).points
    plan = make_plan(problem, ScheduleOptions(effort=0.2, time_limit=3600))
    assert plan.objective <= points / SCALE
    part = grid.around(guess, set(list(guess)[:5]))
    assert set(part.jobs) == set(list(guess)[:5])
    for number in list(guess)[5:]:
        who, starts = guess[number]
        assert all(not (a < starts[0] + 1 and starts[0] < b) for a, b in part.free[who])


def test_a_sequence_places_every_job_for_which_there_is_room():
    grid = Grid(some_problem(2), QUICK)
    solution = in_sequence(grid, list(grid.jobs))
    taken = [[] for _ in grid.technicians]
    for number, place in solution.items():
        taken[place[0]] += grid.spans(grid.jobs[number], place)
    for spans in map(sorted, taken):
        assert all(a[1] <= b[0] for a, b in pairwise(spans))
    rest = grid.around(solution, set(grid.jobs) - set(solution))
    assert rest.jobs  # the technician who alone can do them has no two days left
    for job in rest.jobs.values():
        assert any(one in rest.jobs for one in job.after) or earliest(rest, job, rest.release(job)) is None


def test_what_is_long_overdue_is_planned_first():
    jobs = (Job("old", 2, priority=1.0, due=NOW - timedelta(days=200)), Job("new", 2, priority=0.1, due=at(3, 17)))
    plan = make_plan(Problem(NOW, jobs, (BOB,)))
    assert plan.unplanned == ()
    assert places(plan)["old"][1] == at(0, 8)


def crowded():
    """Return a problem of sixty orders for one person with two days of hours: most have no place."""
    chance = random.Random(3)
    jobs = tuple(Job(f"J{i}", chance.choice([1, 2, 4]), priority=chance.random(), due=at(1, 17)) for i in range(60))
    options = ScheduleOptions(horizon_days=2, effort=0.5, time_limit=3600)
    return Problem(NOW, jobs, (BOB,)), options


def solve_without_room():
    """Search for a place of an order for which the others have left none: there is none."""
    grid = Grid(*crowded())
    ends = earliest_ends(grid)
    guess = first_guess(grid, ends)
    missing = next(number for number in grid.jobs if number not in guess)
    solution, _, _ = search(grid.around(guess, {missing}), {}, {missing: ends[missing]})
    assert solution == {}


def test_neighbourhoods_with_an_order_that_fits_nowhere_are_solved():
    """In a process of its own: where another test has loaded TensorFlow, the solver crashes in this one."""
    code = "from tests.maintenance.schedule.test_make_plan import solve_without_room; solve_without_room()"
    subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[3], check=True)


def test_a_plan_with_too_little_room_is_no_worse_than_the_first_guess():
    grid = Grid(*crowded())
    ends = earliest_ends(grid)
    assert make_plan(*crowded()).objective <= grid.score(first_guess(grid, ends), ends).points / SCALE
