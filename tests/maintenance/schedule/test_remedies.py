"""What would resolve a conflict is tried: whoever does it gets a plan in which the order is in time."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from workbench.maintenance.options import ScheduleOptions
from workbench.maintenance.schedule.first_guess import earliest_ends
from workbench.maintenance.schedule.grid import Grid
from workbench.maintenance.schedule.make_plan import make_plan
from workbench.maintenance.schedule.model import Job, PartLeadTime, Placement, Problem, Technician
from workbench.maintenance.schedule.remedies import remedies
from workbench.maintenance.windows import Window, WorkingCalendar

NOW = datetime(2026, 3, 2, 6, tzinfo=UTC)  # a Monday; windows are 8 to 17
QUICK = ScheduleOptions(effort=0.02, time_limit=3600)
ANN, BOB = Technician("Ann", frozenset({"rf"}), rate=80), Technician("Bob", rate=40)


def at(day, hour):
    return NOW.replace(hour=0) + timedelta(days=day, hours=hour)


def words(problem, solution, number):
    grid = Grid(problem, ScheduleOptions(slot_minutes=60))
    slots = {
        job: (who, (grid.down(start),)) for job, (who, start) in solution.items()
    }  # a plan by hand, which no search has touched
    assert set(slots) <= set(earliest_ends(grid))
    return [one.words for one in remedies(grid, slots, grid.jobs[number])]


def test_a_job_that_it_waits_for_is_named_and_would_help_earlier():
    jobs = (Job("first", 2), Job("idle", 1), Job("late", 2, due=at(0, 17), after=("first",)))
    by_hand = {"idle": (0, at(0, 8)), "first": (0, at(1, 8)), "late": (0, at(1, 10))}
    assert words(Problem(NOW, jobs, (BOB,)), by_hand, "late")[0] == "first earlier: it could end 2026-03-02 11:00 UTC"


def test_one_technician_more_until_a_time_is_true():
    jobs = tuple(Job(f"J{i}", 6, priority=0.9, due=at(0, 17), skills=frozenset({"rf"})) for i in range(2))
    problem = Problem(NOW, jobs, (ANN, BOB))
    plan = make_plan(problem, QUICK)
    (conflict,) = plan.conflicts
    assert conflict.kind == "capacity"
    assert "one technician more with rf until 2026-03-02 14:00 UTC" in conflict.resolve
    helped = make_plan(replace(problem, technicians=(ANN, BOB, Technician("Eve", frozenset({"rf"})))), QUICK)
    assert helped.conflicts == ()


def test_the_last_time_at_which_a_part_may_come_is_true():
    job = Job("J", 3, due=at(1, 17), parts={"seal": 2})
    problem = Problem(NOW, (job,), (BOB,), (PartLeadTime("seal", 0, 4.0),))
    (conflict,) = make_plan(problem, QUICK).conflicts
    assert (conflict.kind, conflict.job) == ("part", "J")
    assert conflict.resolve == "2 x seal by 2026-03-03 14:00 UTC: then it would be in time."
    for hour, late in ((14, 0), (15, 1)):  # an hour later is too late
        part = PartLeadTime("seal", 0, 4.0, ((at(1, hour), 2),))
        assert len(make_plan(replace(problem, parts=(part,)), QUICK).conflicts) == late


def test_a_part_that_is_requested_comes_with_its_request():
    job = Job("J", 3, due=at(1, 17), parts={"seal": 2})
    for part, comes in (
        (PartLeadTime("seal", 0, 4.0), "ordered now they come 2026-03-06 06:00 UTC"),
        (PartLeadTime("seal", 0, 4.0, ((at(2, 9), 2),), (7,)), "purchase request 7 is expected 2026-03-04 09:00 UTC"),
    ):
        (conflict,) = make_plan(Problem(NOW, (job,), (BOB,), (part,)), QUICK).conflicts
        assert f"2 x seal are missing, {comes}." in conflict.message


def test_who_could_do_it_beside_the_assignee_is_named():
    jobs = (Job("J0", 9, priority=1.0, due=at(0, 17), assignee="Ann"), Job("J1", 4, due=at(0, 17), assignee="Ann"))
    plan = make_plan(Problem(NOW, jobs, (ANN, BOB)), QUICK)
    assert {one.technician for one in plan.placements} == {"Ann"}
    (conflict,) = plan.conflicts
    assert conflict.resolve.startswith("Give J1 to Bob, who could begin 2026-03-02 08:00 UTC")
    free = make_plan(Problem(NOW, (jobs[0], replace(jobs[1], assignee="")), (ANN, BOB)), QUICK)
    assert free.conflicts == ()


def test_an_assignee_who_takes_no_orders_is_the_cause():
    plan = make_plan(Problem(NOW, (Job("J", 1, assignee="Eve"),), (ANN, BOB)), QUICK)
    assert [(one.kind, one.job) for one in plan.conflicts] == [("assignee", "J")]
    assert "it is assigned to Eve, who takes no orders now" in plan.conflicts[0].message


def test_a_frozen_job_that_blocks_another_is_named():
    frozen = Placement("F", "Bob", (Window(at(0, 8), at(0, 17)),))
    jobs = (Job("F", 9, frozen=frozen), Job("J", 4, due=at(0, 17)))
    (conflict,) = make_plan(Problem(NOW, jobs, (BOB,)), QUICK).conflicts
    assert "release F, which is frozen with Bob" in conflict.resolve.replace("Release", "release")


def test_hours_of_a_technician_who_is_absent_are_no_remedy():
    urgent = Job("J", 4, due=at(0, 8))  # two hours from now, before the windows open
    assert "hours of Bob from 2026-03-02 06:00 UTC" in hours_of(urgent, BOB)
    ill = replace(BOB, calendar=WorkingCalendar(closed=(NOW.date(),)))
    assert "hours of Bob" not in hours_of(urgent, ill)


def hours_of(job, person):
    late = replace(job, due=job.due + timedelta(hours=2))  # what lasts four hours is in time at ten
    (conflict,) = make_plan(Problem(NOW, (late,), (person,)), QUICK).conflicts
    return conflict.resolve.lower().replace("bob", "Bob").replace("utc", "UTC")


def test_the_last_pieces_that_come_in_time_are_taken_first():
    """Two in stock and two that come on Wednesday: who needs three waits, and leaves one of the stock to others."""
    jobs = (Job("three", 1, priority=0.9, parts={"seal": 3}), Job("one", 1, priority=0.1, parts={"seal": 1}))
    parts = (PartLeadTime("seal", 2, 30.0, ((at(2, 12), 2),)),)
    plan = make_plan(Problem(NOW, jobs, (BOB,), parts), QUICK)
    starts = {one.job: one.start for one in plan.placements}
    assert starts == {"one": at(0, 8), "three": at(2, 12)}
