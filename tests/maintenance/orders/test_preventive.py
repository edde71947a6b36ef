from datetime import timedelta

import pandas as pd
import pytest
import sqlalchemy as sa

from tests.maintenance.conftest import START
from workbench.exceptions import MaintenanceError
from workbench.maintenance.options import OrderOptions, OrderTemplate
from workbench.maintenance.orders.orders import WorkOrders
from workbench.maintenance.orders.people import People
from workbench.maintenance.orders.preventive import Preventive
from workbench.maintenance.orders.table import MissedDatesRow
from workbench.maintenance.records import present_tables, verify

OPTIONS = OrderOptions(templates={"default": OrderTemplate(checklist=())})


@pytest.fixture
def plans(database):
    People(database).set("Bob", "boss")
    return Preventive(database, OPTIONS)


@pytest.fixture
def orders(database):
    return WorkOrders(database, OPTIONS)


def finish(orders, number):
    orders.assign(number, "Bob", "boss")
    orders.start(number, "Bob")
    orders.complete(number, "Bob", done="as planned", hours=1)


def test_by_calendar_an_order_opens_once_and_the_next_counts_from_the_schedule(plans, orders, clock):
    plans.add("Calibrate", "SMAP", "boss", every_days=30, lead_days=5)
    assert plans.open_due("workbench") == ()
    clock.forward(days=25)
    assert plans.open_due("workbench") == ("WO-1",)
    assert plans.open_due("workbench") == ()
    order = orders.get(1)
    assert (order.type, order.title, order.due) == ("preventive", "Calibrate", START + timedelta(days=30))
    clock.forward(days=10)
    finish(orders, 1)
    assert plans.list()["next_due"].tolist() == [START + timedelta(days=60)]
    clock.forward(days=100)  # nobody looked for a long time: one order, not three
    assert plans.open_due("workbench") == ("WO-2",)
    finish(orders, 2)
    assert plans.open_due("workbench") == ()


def test_from_completion_the_next_counts_from_when_it_was_done(plans, orders, clock):
    plans.add(
        "Grease", "SMAP", "boss", every_days=30, anchor="completed", lead_days=0, hours=2, description="all of it"
    )
    clock.forward(days=30)
    plans.open_due("workbench")
    clock.forward(days=10)
    finish(orders, 1)
    assert orders.get(1).estimated_hours == 2
    assert plans.list()["next_due"].tolist() == [clock.now + timedelta(days=30)]


def test_by_meter_and_by_health(plans, orders):
    plans.add("Change oil", "Pump-1", "boss", meter="hours", every=500)
    plans.add("Overhaul", "Pump-1", "boss", meter="health", below=60)
    assert plans.open_due("workbench") == ()
    plans.read_meter("Pump-1", "hours", 499, "Bob")
    plans.read_meter("Pump-1", "health", 60, "Bob")
    assert plans.open_due("workbench") == ()
    plans.read_meter("Pump-1", "hours", 1210, "Bob")
    plans.read_meter("Pump-1", "health", 59, "Bob")
    assert plans.open_due("workbench") == ("WO-1", "WO-2")
    assert plans.list()["next_reading"].tolist()[0] == 1500
    finish(orders, 1)
    assert plans.open_due("workbench") == ()
    plans.stop(2, "boss")
    finish(orders, 2)
    assert plans.open_due("workbench") == ()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "needs exactly one rule"),
        ({"every_days": 3, "every": 5, "meter": "h"}, "needs exactly one rule"),
        ({"every_days": 0}, "an interval of days cannot be 0"),
        ({"every": 5}, "needs a meter"),
        ({"every_days": 5, "meter": "h"}, "needs a meter"),
        ({"every_days": 5, "anchor": "never"}, "not an anchor"),
        ({"every_days": 5, "colour": "red"}, "have no colour"),
    ],
)
def test_a_plan_that_cannot_be_is_refused(plans, given, message):
    with pytest.raises(MaintenanceError, match=message):
        plans.add("x", "SMAP", "boss", **given)
    assert plans.list().empty


def test_an_order_that_was_cancelled_does_not_open_again_at_once(plans, orders, clock):
    plans.add("Grease", "SMAP", "boss", every_days=30, anchor="completed", lead_days=0)
    plans.add("Overhaul", "Pump-1", "boss", meter="health", below=60)
    plans.add("Change oil", "Pump-1", "boss", meter="hours", every=500, anchor="completed")
    clock.forward(days=30)
    plans.read_meter("Pump-1", "health", 50, "Bob")
    plans.read_meter("Pump-1", "hours", 700, "Bob")
    assert plans.open_due("workbench") == ("WO-1", "WO-2", "WO-3")
    for number in (1, 2, 3):
        orders.cancel(number, "not now", "boss")
    assert plans.open_due("workbench") == ()
    assert plans.list()["next_due"].dropna().tolist() == [clock.now + timedelta(days=30)]
    clock.forward(days=1)
    assert plans.open_due("workbench") == ()
    plans.read_meter("Pump-1", "health", 49, "Bob")  # somebody has looked again, and it is still bad
    assert plans.open_due("workbench") == ("WO-4",)
    finish(orders, 4)
    assert plans.open_due("workbench") == (), "what was measured before the work says nothing of it"


@pytest.mark.parametrize(("ago", "due_in"), [(21, 9), (30, 0), (1, 9), (0, 0)])
def test_dates_before_a_plan_was_added_are_nobodys(plans, ago, due_in, clock, database):
    plans.add("Grease", "SMAP", "boss", every_days=10, lead_days=0, first=START - timedelta(days=ago))
    assert plans.list()["next_due"].tolist() == [START + timedelta(days=due_in)]
    clock.forward(days=10)
    assert plans.open_due("workbench") == ("WO-1",)
    missed = present_tables(database).frame(MissedDatesRow)
    assert [first for first in missed["first"] if first < pd.Timestamp(START)] == []


def test_dates_that_nobody_looked_at_are_recorded(plans, orders, clock, database):
    plans.add("Calibrate", "SMAP", "boss", every_days=10, lead_days=0)
    clock.forward(days=45)  # due on days 10, 20, 30, 40: an order opens for the first
    assert plans.open_due("workbench") == ("WO-1",)
    missed = present_tables(database).frame(MissedDatesRow)
    assert missed[["first", "dates"]].values.tolist() == [[pd.Timestamp(START + timedelta(days=20)), 3]]
    assert plans.list()["next_due"].tolist() == [START + timedelta(days=50)]
    with database.writing() as db:
        db.execute(sa.text("UPDATE missed_dates SET dates = 9"))
    (difference,) = verify(database).differences
    assert difference == "Missed dates of preventive plan 1, 2026-03-22 has dates 9; by the log it is 3."
