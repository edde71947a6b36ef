import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Event
from types import ModuleType

import pytest

from tests.maintenance.conftest import START
from workbench.exceptions import ConflictError, MaintenanceError
from workbench.maintenance import log
from workbench.maintenance.options import OrderOptions, OrderTemplate, ScheduleOptions
from workbench.maintenance.orders.orders import WorkOrders
from workbench.maintenance.orders.parts import Parts
from workbench.maintenance.orders.people import People
from workbench.maintenance.planning import Planning
from workbench.maintenance.schedule.make_plan import Stop
from workbench.maintenance.schedule.model import Technician
from workbench.maintenance.schedule.what_if import Change, moved


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
    assert entries["who"].tolist() == ["boss", "boss"]


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
