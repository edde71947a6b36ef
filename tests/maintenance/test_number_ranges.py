"""Numbers that people give have ranges in the library itself, and no value of a database stops all planning."""

import math
import tempfile
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from tests.maintenance.conftest import START, Clock
from workbench.exceptions import MaintenanceError
from workbench.maintenance.alerts.alerts import Alerts
from workbench.maintenance.alerts.outages import Outages
from workbench.maintenance.database import Database
from workbench.maintenance.kpis.risk import failure_probability
from workbench.maintenance.options import AlertOptions, NotificationOptions, OrderOptions, OrderTemplate
from workbench.maintenance.orders.orders import WorkOrders
from workbench.maintenance.orders.parts import Parts
from workbench.maintenance.orders.people import People
from workbench.maintenance.orders.preventive import Preventive
from workbench.maintenance.orders.purchases import Purchases
from workbench.maintenance.orders.table import OrderPartRow, OrderRow, PartRow, PreventiveRow, TechnicianRow
from workbench.maintenance.planning import Change, Planning

IMPOSSIBLE = [math.nan, math.inf, -math.inf, -1, 1e300, 10**400]
OPTIONS = OrderOptions(templates={"default": OrderTemplate(checklist=())})


@pytest.fixture
def database(tmp_path, clock):
    opened = Database(f"sqlite:///{tmp_path / 'maintenance.db'}", clock)
    yield opened
    opened.close()


@pytest.fixture
def orders(database):
    People(database).set("Ann", "boss", rate=80)
    return WorkOrders(database, OPTIONS)


@pytest.mark.parametrize(
    "enter",
    [
        lambda db, n: WorkOrders(db, OPTIONS).new("x", asset="A", hours=n),
        lambda db, n: WorkOrders(db, OPTIONS).new("x", asset="A", parts={"seal": n}),
        lambda db, n: WorkOrders(db, OPTIONS).change("WO-1", "x", hours=n),
        lambda db, n: WorkOrders(db, OPTIONS).complete("WO-1", "Ann", done="it", hours=n),
        lambda db, n: WorkOrders(db, OPTIONS).complete(
            "WO-1", "Ann", done="it", hours=1, failure="degradation", mode="UNK", cost=n
        ),
        lambda db, n: WorkOrders(db, OPTIONS).complete(
            "WO-1", "Ann", done="it", hours=1, failure="degradation", mode="UNK", used={"seal": n}
        ),
        lambda db, n: People(db).set("Ann", "x", rate=n),
        lambda db, n: Parts(db).set("seal", "x", stock=n),
        lambda db, n: Parts(db).set("seal", "x", minimum=n),
        lambda db, n: Parts(db).set("seal", "x", lead_days=n),
        lambda db, n: Parts(db).set("seal", "x", unit_cost=n),
        lambda db, n: Parts(db).receive("seal", n, "x"),
        lambda db, n: Preventive(db).add("clean", "A", "x", every_days=n),
        lambda db, n: Preventive(db).add("clean", "A", "x", meter="h", every=n),
        lambda db, n: Preventive(db).add("clean", "A", "x", meter="h", below=n),
        lambda db, n: Preventive(db).add("clean", "A", "x", every_days=5, lead_days=n),
        lambda db, n: Preventive(db).add("clean", "A", "x", every_days=5, hours=n),
        lambda db, n: Preventive(db).read_meter("A", "h", n, "x"),
        lambda db, n: Planning(db).what_if(Change(delay_days=n)),
        lambda db, n: failure_probability(1, 10.0, n),
    ],
)
def test_a_number_that_cannot_be_is_refused_with_its_range(database, orders, enter):
    Parts(database).set("seal", "x", stock=2)
    orders.new("x", asset="A")
    orders.assign("WO-1", "Ann", "x")
    orders.start("WO-1", "Ann")
    before = log_length(database)
    for value in IMPOSSIBLE:
        with pytest.raises(
            MaintenanceError, match=r"Enter a (whole )?number (from|above) [\d.]+ (to|and at most) [\d,]+"
        ):
            enter(database, value)
    assert log_length(database) == before


def log_length(database):
    from workbench.maintenance import log

    return log.length(database)


def test_numbers_at_the_ends_of_their_ranges_are_taken(database, orders):
    Parts(database).set("seal", "x", stock=1_000_000, minimum=0, lead_days=3650, unit_cost=1e9)
    People(database).set("Bob", "x", rate=1_000_000)
    orders.new("x", asset="A", hours=10_000, parts={"seal": 1_000_000})
    orders.new("x", asset="A", hours=0.01)
    Preventive(database).read_meter("A", "h", 1e12, "x")
    plan = Planning(database).make("x")
    assert plan.unplanned == ("WO-1",)
    with pytest.raises(MaintenanceError, match="the stock of seal"):
        Parts(database).receive("seal", 1, "x")


@pytest.mark.parametrize("when", [datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)])
def test_a_time_that_no_plan_reaches_is_refused(database, orders, when):
    for enter in (
        lambda: orders.new("x", asset="A", due=when),
        lambda: orders.new("x", asset="A", not_before=when),
        lambda: Preventive(database).add("clean", "A", "x", every_days=5, first=when),
        lambda: Outages(database).start("A", "x", "why", when),
    ):
        with pytest.raises(MaintenanceError, match="1970-01-01 to 2200-01-01"):
            enter()


@pytest.mark.parametrize("number", [10**30, 2**63, -1, 0])
def test_a_number_that_no_row_has_is_not_there(database, orders, number):
    alerts = Alerts(database)
    for enter in (
        lambda: alerts.get(number),
        lambda: alerts.comment(number, "x", "words"),
        lambda: alerts.history(number),
        lambda: orders.get(number),
        lambda: orders.from_alerts([number], "x"),
        lambda: Preventive(database).stop(number, "x"),
    ):
        with pytest.raises(MaintenanceError):
            enter()


def test_a_limit_that_no_list_has_is_refused(database, orders):
    for enter in (
        lambda: orders.list(limit=10**30),
        lambda: Alerts(database).list(limit=10**30),
    ):
        with pytest.raises(MaintenanceError, match="whole number from 0"):
            enter()


@pytest.mark.parametrize("hours", [math.nan, math.inf, 1e10, 1e300, -1, 0])
def test_a_shelf_of_so_many_hours_is_refused(database, finding, hours):
    alerts = Alerts(database)
    (number,) = alerts.raise_findings([], [finding()]).raised
    with pytest.raises(MaintenanceError, match="above 0 and at most 24"):
        alerts.shelve(number, "Ann", "why", hours=hours)
    assert alerts.get(number).state == "unacknowledged"


@pytest.mark.parametrize("value", [math.nan, math.inf, 1e300, -1])
def test_settings_have_ranges_too(value):
    for make in (
        lambda: AlertOptions(longest_shelf_hours=value),
        lambda: AlertOptions(escalate_after_minutes={"high": value}),
        lambda: AlertOptions(case_gap_seconds=value),
        lambda: OrderOptions(due_days={"high": value}),
        lambda: OrderTemplate(hours=value),
        lambda: OrderTemplate(parts={"seal": value}),
        lambda: NotificationOptions(batch_seconds={"high": value}),
        lambda: NotificationOptions(cool_down_seconds=value),
    ):
        with pytest.raises(ValidationError):
            make()


# ---- values that are in a database already


def stored(database, statement):
    with database.writing() as db:
        db.connection().execute(statement)


@pytest.mark.parametrize(
    "values",
    [
        {"estimated_hours": 1e300},
        {"estimated_hours": math.inf},
        {"estimated_hours": -4.0},
        {"estimated_hours": 0.0},
        {"score": 1e300},
        {"score": -1.0},
        {"due": datetime.min.replace(tzinfo=UTC)},
        {"not_before": datetime.max.replace(tzinfo=UTC)},
        {"after": [1]},
    ],
)
def test_one_bad_order_is_one_row_with_its_reason_and_the_rest_is_planned(database, orders, values):
    for _ in range(3):
        orders.new("x", asset="A", hours=2)
    stored(database, sa.update(OrderRow).where(OrderRow.id == 1).values(**values))
    planning = Planning(database)
    for plan in (planning.make("x"), planning.what_if(Change(delay_days=1)).after):
        assert plan.unplanned == ("WO-1",)
        assert {one.job for one in plan.placements} == {"WO-2", "WO-3"}
        (conflict,) = plan.conflicts
        assert conflict.message.startswith("WO-1 cannot be planned: ")
        assert "cancel" in conflict.resolve.lower()
    assert set(planning.table()["number"]) == {"WO-2", "WO-3"}


def test_what_waits_for_a_bad_order_waits_and_says_so(database, orders):
    orders.new("x", asset="A", hours=2)
    orders.new("x", asset="A", hours=2, after=["WO-1"])
    orders.new("x", asset="A", hours=2)
    stored(database, sa.update(OrderRow).where(OrderRow.id == 1).values(estimated_hours=1e300))
    plan = Planning(database).make("x")
    assert [one.job for one in plan.placements] == ["WO-3"]
    assert plan.unplanned == ("WO-1", "WO-2")
    assert "it waits for WO-1" in plan.conflicts[1].message


def test_an_order_in_progress_stays_where_it_is_whatever_its_hours(database, orders):
    orders.new("x", asset="A", hours=2)
    orders.new("x", asset="A", hours=2)
    orders.assign("WO-1", "Ann", "x")
    planning = Planning(database)
    planning.make("x")
    orders.start("WO-1", "Ann")
    (place,) = [one for one in planning.placements() if one.job == "WO-1"]
    stored(database, sa.update(OrderRow).where(OrderRow.id == 1).values(estimated_hours=1e300))
    assert place in planning.make("x").placements


def test_a_bad_rate_stock_or_lead_time_does_not_stop_the_plan(database, orders, caplog):
    Parts(database).set("seal", "x", stock=0, lead_days=2)
    orders.new("x", asset="A", hours=2, parts={"seal": 1})
    orders.new("x", asset="A", hours=2)
    stored(database, sa.update(TechnicianRow).values(rate=math.inf))
    stored(database, sa.update(PartRow).values(lead_days=1e300, stock=-5))
    plan = Planning(database).make("x")
    assert {one.job for one in plan.placements} == {"WO-1", "WO-2"}  # the request for the seal has a date of its own
    Purchases(database).cancel(1, "dear", "x")
    plan = Planning(database).make("x")
    assert [one.job for one in plan.placements] == ["WO-2"]
    assert "no lead time is known" in plan.conflicts[0].message
    assert "The rate of Ann is inf" in caplog.text
    stored(database, sa.update(OrderPartRow).values(needed=-3))
    assert Planning(database).make("x").placements


def test_a_bad_preventive_plan_does_not_keep_the_others_from_opening(database, clock, caplog):
    preventive = Preventive(database)
    for title in ("bad", "worse", "good"):
        preventive.add(title, "A", "x", every_days=5, first=START, hours=2)
    bad = sa.update(PreventiveRow)
    stored(database, bad.where(PreventiveRow.id == 1).values(content={"hours": 1e300}))
    stored(database, bad.where(PreventiveRow.id == 2).values(every_days=1e300, lead_days=1e300))
    assert len(preventive.open_due("x")) == 2
    assert "Preventive plan 1 opens no order" in caplog.text
    assert [WorkOrders(database).get(number).title for number in ("WO-1", "WO-2")] == ["worse", "good"]


def test_dates_that_nobody_looked_at_are_left_out_however_many(database, clock):
    preventive = Preventive(database)
    preventive.add("clean", "A", "x", every_days=1 / 24, first=datetime(1970, 1, 1, tzinfo=UTC))
    preventive.add("grease", "A", "x", meter="h", every=0.001)
    preventive.read_meter("A", "h", 1e12, "x")
    assert len(preventive.open_due("x")) == 2
    table = preventive.list()
    assert START < table["next_due"].iloc[0] <= START + timedelta(hours=1)
    assert 1e12 < table["next_reading"].iloc[1] < 1e12 + 1


any_number = st.one_of(st.floats(), st.integers(), st.floats(0, 20_000))


@pytest.mark.slow
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(entered=st.lists(any_number, max_size=3), lying=st.lists(st.floats(), max_size=3), rate=any_number)
def test_whatever_is_entered_or_lies_there_the_sound_orders_are_planned(entered, lying, rate):
    folder = tempfile.TemporaryDirectory()
    database = Database(f"sqlite:///{folder.name}/maintenance.db", Clock())
    try:
        people, orders = People(database), WorkOrders(database, OPTIONS)
        people.set("Ann", "x")
        try:
            people.set("Bob", "x", rate=rate)
        except MaintenanceError as error:
            assert not 0 <= rate <= 1_000_000, error
        sound = orders.new("x", asset="A", hours=1, priority="urgent").number
        for hours in entered:
            try:
                orders.new("x", asset="A", hours=hours)
            except MaintenanceError as error:
                assert not 0 < hours <= 10_000, error
        for hours in lying:
            number = orders.new("x", asset="A", hours=1).number
            value = None if math.isnan(hours) else hours
            if value is not None:
                row = int(number.removeprefix("WO-"))
                stored(database, sa.update(OrderRow).where(OrderRow.id == row).values(estimated_hours=value))
        plan = Planning(database).make("x")
        every = set(orders.list()["number"])
        assert {one.job for one in plan.placements} | set(plan.unplanned) == every
        assert sound in {one.job for one in plan.placements}
    finally:
        database.close()
        folder.cleanup()
