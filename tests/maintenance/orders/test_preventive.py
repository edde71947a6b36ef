from datetime import timedelta

import pytest

from tests.maintenance.conftest import START
from workbench.exceptions import MaintenanceError
from workbench.maintenance.options import OrderOptions, OrderTemplate
from workbench.maintenance.orders.orders import WorkOrders
from workbench.maintenance.orders.people import People
from workbench.maintenance.orders.preventive import Preventive

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
