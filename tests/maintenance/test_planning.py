import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Event
from types import ModuleType

import pandas as pd
import pytest
import sqlalchemy as sa

from tests.maintenance.conftest import START
from workbench.exceptions import ConflictError, MaintenanceError, TransitionError
from workbench.maintenance import log
from workbench.maintenance.kpis.evidence import evidence
from workbench.maintenance.options import OrderOptions, OrderTemplate, ScheduleOptions
from workbench.maintenance.orders.orders import WorkOrders
from workbench.maintenance.orders.parts import Parts
from workbench.maintenance.orders.people import People
from workbench.maintenance.orders.purchases import Purchases
from workbench.maintenance.orders.questions import place_questions
from workbench.maintenance.planning import Planning
from workbench.maintenance.records import present_tables
from workbench.maintenance.schedule.make_plan import Stop
from workbench.maintenance.schedule.model import Technician
from workbench.maintenance.schedule.what_if import Change, change_words, moved


@pytest.fixture
def orders(database):
    people = People(database)
    people.set("Ann", "boss", skills=["rf"], rate=80)
    people.set("Bob", "boss", rate=40)
    return WorkOrders(database, OrderOptions(templates={"default": OrderTemplate(checklist=())}))


@pytest.fixture
def planning(database):
    return Planning(database)


@pytest.mark.slow
def test_a_plan_is_kept_and_what_has_begun_or_is_fixed_stays(orders, planning, clock):
    orders.new("x", asset="SMAP", hours=4, skills=["rf"])
    orders.new("x", asset="SMAP", hours=4, due=START + timedelta(hours=5))
    orders.new("x", asset="MSL", hours=6, after=["WO-2"])
    plan = planning.make("boss")
    table = planning.table().set_index("number")
    assert set(table.index) == {"WO-1", "WO-2", "WO-3"}
    assert table.loc["WO-1", "technician"] == "Ann"
    assert table.loc["WO-3", "start"] >= table.loc["WO-2", "end"]
    assert planning.placements() == plan.placements
    assert planning.make("boss").changed == 0

    planning.place("WO-3", "Ann", datetime(2026, 3, 5, 9, tzinfo=UTC), "boss")
    planning.make("boss")
    again = planning.table().set_index("number")
    assert (again.loc["WO-3", "technician"], again.loc["WO-3", "start"].day) == ("Ann", 5)
    assert again.loc["WO-3", "frozen"]
    planning.freeze("WO-3", "boss", frozen=False)
    planning.make("boss")
    orders.cancel("WO-1", "no", "boss")
    assert "WO-1" not in planning.table()["number"].tolist()
    assert len(planning.sessions()) >= 2
    assert log.verify(planning.database).ok


def test_a_place_that_is_seldom_meant_is_asked_about_and_an_overlap_is_marked(orders, planning):
    database = planning.database
    Parts(database).set("seal", "boss", stock=0)
    orders.new("x", asset="SMAP", hours=3)
    orders.new("x", asset="MSL", hours=2)
    orders.new("x", asset="MSL", hours=1, parts={"seal": 2})
    Purchases(database).request("seal", 2, "boss", expected=datetime(2026, 3, 6, 12, tzinfo=UTC))
    planning.place("WO-1", "Ann", datetime(2026, 3, 4, 9, tzinfo=UTC), "boss")  # a Wednesday
    ann = next(one for one in People(database).technicians() if one.name == "Ann")

    def asked(number, day, hour):
        return place_questions(ann, START, datetime(2026, 3, day, hour, tzinfo=UTC), number, planning.problem())

    assert asked("WO-2", 5, 9) == ()
    assert asked("WO-2", 4, 12) == (), "WO-1 ends at 12:00"
    assert asked("WO-1", 4, 10) == (), "an order is not in its own way"
    assert asked("WO-2", 4, 11) == ("Ann does WO-1 from 2026-03-04 11:00 UTC to 2026-03-04 12:00 UTC.",)
    (outside,) = asked("WO-2", 5, 16)
    assert outside.endswith("1 h of it lie outside the hours of Ann."), "the windows close at 17:00"
    assert asked("WO-3", 5, 9) == ("WO-3 lacks 2 x seal until 2026-03-06 12:00 UTC.",)
    assert asked("WO-3", 6, 12) == ()
    planning.place("WO-2", "Ann", datetime(2026, 3, 4, 11, tzinfo=UTC), "boss")
    planning.place("WO-3", "Bob", datetime(2026, 3, 4, 11, tzinfo=UTC), "boss")
    watched = pd.DataFrame({"asset": [], "start": [], "end": []})
    figures = (planning.options.calendar(), START, START + timedelta(days=1))
    assert evidence(database, present_tables(database), watched, *figures).lacking_parts == {"WO-3"}
    overlaps = planning.table().set_index("number")["overlaps"]
    assert overlaps.to_dict() == {"WO-1": "WO-2", "WO-2": "WO-1", "WO-3": ""}


@pytest.mark.slow
def test_a_what_if_touches_nothing(orders, planning):
    for _ in range(6):
        orders.new("x", asset="SMAP", hours=8, due=START + timedelta(days=1), priority="urgent")
    planning.make("boss")
    before, state = log.verify(planning.database), planning.table()
    late = planning.what_if(Change(delay_days=3))
    assert late.figures().loc["hours late", "difference"] > 0
    assert len(late.moved()) == 6
    more = planning.what_if(Change(technicians=(Technician("Eve"),)))
    assert more.figures().loc["hours late", "difference"] < 0
    with pytest.raises(MaintenanceError, match="'whenever' cannot be read"):
        planning.what_if(Change(hours=("whenever",)))
    longer = planning.what_if(Change(hours=("Mon-Sun 00:00-24:00",)))
    assert longer.figures().loc["hours late", "difference"] < 0
    away = planning.what_if(Change(without=("Ann",)))
    assert {one.technician for one in away.after.placements} == {"Bob"}
    assert log.verify(planning.database) == before
    assert planning.table().equals(state)
    with pytest.raises(MaintenanceError, match="There is no technician 'Eve'"):
        planning.what_if(Change(without=("Eve",)))
    with pytest.raises(MaintenanceError, match="delay cannot be -1"):
        planning.what_if(Change(delay_days=-1))


def test_parts_on_their_way_delay_an_order(orders, planning):
    Parts(planning.database).set("valve", "boss", stock=0, lead_days=2.0)
    orders.new("x", asset="SMAP", hours=1, parts={"valve": 1})
    planning.make("boss")
    assert planning.table()["start"].tolist() == [START + timedelta(days=2)]


def test_nobody_to_plan_for_is_an_error_that_keeps_the_old_plan(orders, planning):
    orders.new("x", asset="SMAP", hours=1)
    planning.make("boss")
    state = planning.table()
    for name in ("Ann", "Bob"):
        People(planning.database).set(name, "boss", active=False)
    with pytest.raises(MaintenanceError, match="technician"):
        planning.make("boss")
    assert planning.table().equals(state)
    with pytest.raises(MaintenanceError, match="WO-9"):
        planning.freeze("WO-9", "boss")


@pytest.mark.slow
def test_a_proposal_is_kept_only_when_it_is_accepted(orders, planning):
    orders.new("x", asset="SMAP", hours=4)
    orders.new("x", asset="MSL", hours=4)
    plan = planning.propose()
    assert planning.table().empty
    planning.keep(plan, "boss")
    assert planning.placements() == plan.placements
    assert moved((), plan.placements)["new_technician"].tolist() == [one.technician for one in plan.placements]
    assert moved(plan.placements, plan.placements).empty
    without = planning.what_if(Change(without=(plan.placements[0].technician,))).after
    planning.keep(without, "boss")
    assert set(planning.table()["technician"]) == {without.placements[0].technician}
    entries = log.entries(planning.database, subject="plan:1")
    assert entries["action"].tolist() == ["accepted", "made", "accepted", "made"]
    assert set(entries["who"]) == {"boss"}


@pytest.mark.slow
def test_a_proposal_that_no_longer_fits_is_refused(orders, planning, clock):
    orders.new("x", asset="SMAP", hours=4)
    orders.new("x", asset="MSL", hours=4)
    plan = planning.propose()
    clock.forward(minutes=1)
    planning.make("Ann")
    with pytest.raises(ConflictError, match="Ann has changed the plan"):
        planning.keep(plan, "boss")
    table = planning.table()
    helped = planning.what_if(Change(technicians=(Technician("Zoe"),), without=("Ann", "Bob"))).after
    with pytest.raises(MaintenanceError, match="Zoe, who would do WO-1, is not a technician"):
        planning.keep(helped, "boss")
    plan = planning.propose()
    orders.cancel("WO-1", "no", "boss")
    with pytest.raises(MaintenanceError, match="WO-1 is closed by now"):
        planning.keep(plan, "boss")
    assert planning.table()["start"].tolist() == table["start"].tolist()[1:]


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)  # the search knows no database
def test_a_search_that_is_stopped_gives_the_first_guess(orders, planning):
    for _ in range(6):
        orders.new("x", asset="SMAP", hours=8, due=START + timedelta(days=1), priority="urgent")
    stop = Stop()
    stop()
    plan = planning.propose(stop)
    assert len(plan.placements) == 6
    assert not plan.optimal
    assert plan.gap > 0


class WatchedStop(Stop):
    """Stop that says when a search has begun."""

    def __init__(self):
        super().__init__()
        self.search_begun = Event()

    def watch(self, solver):
        super().watch(solver)
        self.search_begun.set()


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)  # the search knows no database
@pytest.mark.slow
@pytest.mark.parametrize("elsewhere", [False, True])
def test_a_search_is_stopped_from_another_thread(orders, database, monkeypatch, elsewhere):
    if elsewhere:  # then the solver has a process of its own
        monkeypatch.setitem(sys.modules, "tensorflow", ModuleType("tensorflow"))
    for place in range(24):
        orders.new("x", asset=f"A{place % 5}", hours=3 + place % 4, due=START + timedelta(days=1 + place % 3))
    stop = WatchedStop()
    patient = Planning(database, ScheduleOptions(effort=3000.0, time_limit=600.0))
    with ThreadPoolExecutor() as pool:
        making = pool.submit(patient.propose, stop)
        while not stop.search_begun.is_set():
            assert not making.done()
        while not making.done():
            stop()
        plan = making.result()
    assert len(plan.placements) == 24
    assert not plan.timed_out


def test_nothing_stays_in_the_past(orders, planning, clock):
    """An order that was fixed and not begun in time is planned anew; one in progress holds its technician from now."""
    orders.new("x", asset="SMAP", hours=4)
    orders.new("x", asset="MSL", hours=4)
    planning.make("boss")
    planning.place("WO-1", "Ann", START + timedelta(hours=1), "boss")
    planning.place("WO-2", "Bob", START + timedelta(hours=1), "boss")
    orders.assign("WO-2", "Bob", "boss")
    clock.forward(hours=1)
    orders.start("WO-2", "Bob")
    clock.forward(hours=2)
    planning.make("boss")
    table = planning.table().set_index("number")
    present = START + timedelta(hours=3)
    assert table.loc["WO-1", "start"] >= present
    assert (table.loc["WO-2", "start"], table.loc["WO-2", "end"]) == (
        START + timedelta(hours=1),
        START + timedelta(hours=5),
    )
    orders.hold("WO-2", "no light", "Bob")
    clock.forward(hours=1)
    planning.make("boss")
    assert planning.table().set_index("number").loc["WO-2", "start"] >= START + timedelta(hours=4)


def test_work_that_takes_longer_is_a_conflict_of_the_plan(orders, planning, clock):
    orders.new("x", asset="SMAP", hours=1)
    orders.assign("WO-1", "Bob", "boss")
    orders.start("WO-1", "Bob")
    clock.forward(hours=3)
    plan = planning.propose()
    assert [(one.kind, one.job) for one in plan.conflicts] == [("overrun", "WO-1")]
    assert plan.placements[0].end == START + timedelta(hours=3, minutes=15)


def test_two_orders_in_progress_with_one_technician_follow_each_other(orders, planning, clock):
    for number in ("WO-1", "WO-2"):
        orders.new("x", asset="SMAP", hours=2)
        orders.assign(number, "Bob", "boss")
        orders.start(number, "Bob")
    plan = planning.propose()
    assert plan.conflicts == ()
    assert [(one.start, one.end) for one in plan.placements] == [
        (START, START + timedelta(hours=2)),
        (START + timedelta(hours=2), START + timedelta(hours=4)),
    ]


def test_an_order_that_was_fixed_in_the_past_is_not_fixed_where_it_comes_now(orders, planning, clock):
    orders.new("x", asset="SMAP", hours=2)
    planning.place("WO-1", "Ann", START + timedelta(hours=1), "boss")
    clock.forward(hours=3)
    planning.make("boss")
    row = planning.table().set_index("number").loc["WO-1"]
    assert row["start"] >= START + timedelta(hours=3)
    assert not row["frozen"]


def test_accepting_a_plan_assigns_and_freezes_and_the_frozen_week_is_stored(orders, planning, clock):
    with pytest.raises(MaintenanceError, match="no plan that could be accepted"):
        planning.accept("boss")
    orders.new("x", asset="SMAP", hours=4, skills=["rf"])
    orders.new("x", asset="MSL", hours=4)
    orders.new("x", asset="MSL", hours=2, not_before=START + timedelta(days=10))
    planning.make("boss")
    assert planning.frozen().empty
    assert planning.accept("boss").frozen == 2  # the third starts after seven days
    week = planning.frozen(START.date() + timedelta(days=3))
    promised = planning.table().set_index("number")
    assert sorted(week["number"]) == ["WO-1", "WO-2"]
    assert set(week["week"]) == {START.date()}  # a Monday
    for row in week.to_dict(orient="records"):
        assert (row["technician"], row["start"], row["end"]) == tuple(
            promised.loc[row["number"], ["technician", "start", "end"]]
        )
        assert (row["accepted_by"], row["accepted_at"]) == ("boss", START)
    assert orders.get("WO-1").assignee == "Ann"
    assert [orders.get(number).state for number in ("WO-1", "WO-3")] == ["assigned", "assigned"]
    planning.accept("boss")
    assert len(planning.frozen()) == 2  # what was promised is not promised again
    planning.freeze("WO-1", "Kim", frozen=False)
    released = planning.frozen().set_index("number")
    assert released.loc["WO-1", "released_by"] == "Kim"
    assert planning.frozen(START.date() + timedelta(days=20)).empty


def test_frozen_work_stays_for_an_urgent_order_and_moves_for_an_illness_which_is_said(orders, planning, clock):
    orders.new("x", asset="SMAP", hours=9, skills=["rf"])  # Ann's
    orders.new("x", asset="SMAP", hours=9)
    planning.make("boss")
    planning.accept("boss")
    before = planning.placements()
    orders.new("x", asset="SMAP", hours=9, priority="urgent", due=START + timedelta(hours=9))
    plan = planning.propose()
    assert moved(before, plan.placements)["job"].tolist() == ["WO-3"]
    ann = next(one for one in before if one.technician == "Ann")
    People(planning.database).set("Ann", "boss", closed=[ann.start.date()])
    plan = planning.propose()
    assert [(one.kind, one.job) for one in plan.conflicts if one.kind == "moved"] == [("moved", ann.job)]
    assert "Ann is absent" in next(one.message for one in plan.conflicts if one.kind == "moved")
    assert all(one.start.date() != ann.start.date() for one in plan.placements if one.technician == "Ann")
    assert change_words(before, plan)


def test_an_assignee_is_respected_unless_it_may_be_reassigned(orders, planning):
    for number in ("WO-1", "WO-2"):
        orders.new("x", asset="SMAP", hours=9, due=START + timedelta(hours=9))
        orders.assign(number, "Ann", "boss")
    plan = planning.propose()
    assert {one.technician for one in plan.placements} == {"Ann"}
    assert any("to Bob" in one.resolve for one in plan.conflicts)
    orders.change("WO-2", "boss", may_reassign=True)
    plan = planning.propose()
    assert {one.job: one.technician for one in plan.placements} == {"WO-1": "Ann", "WO-2": "Bob"}
    assert plan.conflicts == ()


def test_an_accepted_plan_leaves_what_a_person_has_given_to_somebody_else_since(orders, planning):
    orders.new("x", asset="SMAP", hours=4)
    (place,) = planning.make("boss").placements
    other = {"Ann": "Bob", "Bob": "Ann"}[place.technician]
    orders.assign("WO-1", other, "Kim")
    accepted = planning.accept("boss")
    assert (accepted.frozen, accepted.left, accepted.refused) == (0, ("WO-1",), {})
    assert orders.get("WO-1").assignee == other
    assert planning.frozen().empty


def test_one_technician_who_takes_no_orders_refuses_only_their_part_of_a_plan(orders, planning):
    for skills in (["rf"], ["rf"], [], []):  # Ann's, then the other's
        orders.new("x", asset="SMAP", hours=8, skills=skills, due=START + timedelta(hours=9))
    plan = planning.make("boss")
    theirs = sorted(one.job for one in plan.placements if one.technician == "Bob")
    others = sorted(one.job for one in plan.placements if one.technician == "Ann")
    assert theirs and others
    People(planning.database).set("Bob", "boss", active=False)
    accepted = planning.accept("boss")
    assert accepted.refused == dict.fromkeys(theirs, "Bob is inactive and takes no orders.")
    assert f"{theirs[0]} is not accepted: Bob is inactive" in accepted.words
    assert {orders.get(number).assignee for number in others} == {"Ann"}
    assert {orders.get(number).state for number in theirs} == {"open"}
    assert sorted(planning.frozen()["number"]) == others
    People(planning.database).set("Ann", "boss", active=False)
    with pytest.raises(MaintenanceError, match=r"No order of the plan can be accepted\. Ann is inactive"):
        planning.accept("boss")


def test_frozen_work_moves_to_whom_a_person_gives_it_and_a_place_by_hand_is_a_persons_word(orders, planning):
    orders.new("x", asset="SMAP", hours=4)
    planning.make("boss")
    planning.accept("boss")
    first = orders.get("WO-1").assignee
    other = {"Ann": "Bob", "Bob": "Ann"}[first]
    orders.assign("WO-1", other, "Kim")
    plan = planning.make("boss")
    assert [one.technician for one in plan.placements] == [other]
    assert [one.kind for one in plan.conflicts] == ["moved"]
    assert f"has to move: it is assigned to {other}." in plan.conflicts[0].message
    planning.place("WO-1", first, START + timedelta(days=1, hours=2), "Kim")
    plan = planning.make("boss")
    assert [(one.technician, one.start) for one in plan.placements] == [(first, START + timedelta(days=1, hours=2))]
    assert plan.conflicts == ()
    planning.accept("boss")
    assert orders.get("WO-1").assignee == first


def test_a_part_arrives_at_a_stored_date_whenever_one_plans(orders, planning, clock):
    database = planning.database
    parts, purchases = Parts(database), Purchases(database)
    parts.set("valve", "boss", stock=1, lead_days=2.0)
    orders.new("x", asset="SMAP", hours=1, parts={"valve": 3})
    (request,) = purchases.list().to_dict(orient="records")
    assert (request["part"], request["pieces"], request["state"]) == ("valve", 2, "requested")
    assert request["expected_at"] == START + timedelta(days=2)
    clock.forward(days=1)
    assert planning.propose().placements[0].start == START + timedelta(days=2)
    purchases.change(1, "boss", expected=START + timedelta(days=4))
    assert planning.propose().placements[0].start == START + timedelta(days=4)
    clock.forward(days=4)  # it is Saturday, and it has not come
    plan = planning.propose()
    assert [(one.kind, one.job) for one in plan.conflicts] == [("part", "WO-1")]
    assert "purchase request 1 was expected on 2026-03-06" in plan.conflicts[0].message
    purchases.receive(1, "Ann", 1)
    assert purchases.list()["received"].tolist() == [1]
    parts.receive("valve", 5, "Ann")  # a delivery counts for what was requested
    assert purchases.list().empty
    assert parts.list()["stock"].tolist() == [7]
    assert orders.get("WO-1").parts[0]["reserved"] == 3
    assert planning.propose().conflicts == ()
    with pytest.raises(TransitionError, match="Purchase request 1 is received"):
        purchases.cancel(1, "no", "Ann")
    for wrong in (lambda: purchases.request("bolt", 1, "x"), lambda: purchases.request("valve", 0, "x")):
        with pytest.raises(MaintenanceError):
            wrong()


def test_the_saved_plan_notices_that_a_part_comes_later(orders, planning):
    database = planning.database
    Parts(database).set("valve", "boss", stock=0, lead_days=2.0)
    orders.new("x", asset="SMAP", hours=1, parts={"valve": 2})
    planning.make("boss")
    assert planning.conflicts() == ()
    Purchases(database).change(1, "boss", expected=START + timedelta(days=4))
    (conflict,) = planning.conflicts()
    assert (conflict.kind, conflict.job) == ("part", "WO-1")
    assert "WO-1 starts 2026-03-04 08:00 UTC without 2 x valve: they come 2026-03-06 08:00 UTC." in conflict.message
    planning.make("boss")
    assert planning.conflicts() == ()


def test_one_order_with_hours_beyond_all_bounds_is_set_aside_by_name(orders, planning):
    for _ in range(3):
        orders.new("x", asset="SMAP", hours=1)
    orders.assign("WO-1", "Bob", "boss")
    orders.start("WO-1", "Bob")
    with planning.database.writing() as db:
        db.execute(sa.text("UPDATE orders SET estimated_hours = 1e300 WHERE id < 3"))
    plan = planning.propose()
    assert [one.job for one in plan.placements] == ["WO-3"]
    assert [(one.kind, one.job) for one in plan.conflicts] == [("value", "WO-1"), ("value", "WO-2")]


def test_a_search_reports_its_best_points(orders, planning):
    for place in range(6):
        orders.new("x", asset="SMAP", hours=3 + place % 2, due=START + timedelta(days=1), priority="urgent")
    shares = []
    stop = Stop(lambda share, points: shares.append((share, points)))
    plan = planning.propose(stop)
    points = [one for _, one in stop.best]
    assert points == sorted(points, reverse=True)
    assert points[-1] >= plan.objective
    assert [share for share, _ in shares] == sorted(share for share, _ in shares)


def test_a_date_that_a_person_gave_stays_when_the_part_is_ordered(planning, clock):
    desk = planning.database
    Parts(desk).set("seal", "boss", lead_days=5)
    purchases = Purchases(desk)
    for expected in (None, START + timedelta(days=20)):
        purchases.request("seal", 1, "boss", expected=expected)

    def expected():
        return purchases.list().set_index("id").loc[[1, 2], "expected_at"].tolist()

    assert expected() == [START + timedelta(days=5), START + timedelta(days=20)]
    clock.forward(days=2)
    for number in (1, 2):
        purchases.change(number, "boss", ordered=clock.now)
    assert expected() == [START + timedelta(days=7), START + timedelta(days=20)]
    purchases.change(1, "boss", expected=START + timedelta(days=9))
    purchases.change(1, "boss", ordered=clock.now + timedelta(days=1))
    assert expected()[0] == START + timedelta(days=9)
