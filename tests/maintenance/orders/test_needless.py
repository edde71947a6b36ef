"""Orders whose alerts were all closed as no fault, on SQLite and PostgreSQL."""

import pytest

from workbench.maintenance import log
from workbench.maintenance.alerts.alerts import Alerts
from workbench.maintenance.options import OrderOptions
from workbench.maintenance.orders.needless import needless_order_words, settle_needless_orders
from workbench.maintenance.orders.orders import WorkOrders
from workbench.maintenance.orders.people import People


@pytest.fixture
def orders(database):
    People(database).set("Bob", "boss", skills=[])
    return WorkOrders(database, OrderOptions(), {}.get)


@pytest.fixture
def alerts(database):
    return Alerts(database, after_closing=settle_needless_orders)


def raised(alerts, finding, place=0):
    (number,) = alerts.raise_findings([], [finding(start_sample=place, end_sample=place + 30)]).raised
    return number


def by_rule(orders):
    """The order that the rule opens, and what it extends."""
    return {name: numbers for name, numbers in orders.by_rule("workbench").items() if numbers}


@pytest.mark.parametrize("verdict", ["known behaviour", "false alarm", "test"])
def test_an_order_that_nobody_has_touched_is_cancelled_and_the_next_alert_asks_for_its_own(
    orders, alerts, finding, verdict
):
    first = raised(alerts, finding)
    assert by_rule(orders) == {"opened": ("WO-1",)}
    alerts.close(first, "Ann", verdict, "Purge of the line")
    order = orders.get("WO-1")
    assert order.state == "cancelled"
    last = orders.history("WO-1").iloc[-1]
    assert (last["action"], last["who"]) == ("cancelled", "workbench")
    assert f"all its alerts were closed as {verdict}" in str(last["details"])
    assert needless_order_words(orders.database, [first]) == [
        f"Work order WO-1 is cancelled: all its alerts were closed as {verdict}."
    ]
    raised(alerts, finding, 5000)
    assert by_rule(orders) == {"opened": ("WO-2",)}
    assert log.verify(orders.database).ok


def test_an_order_with_an_alert_that_is_open_or_a_real_fault_stays(orders, alerts, finding):
    one, other = raised(alerts, finding), raised(alerts, finding, 500)
    by_rule(orders)
    assert orders.get("WO-1").alerts == (one, other)
    alerts.close(one, "Ann", "test")
    assert orders.get("WO-1").state == "open"
    alerts.close(other, "Ann", "true")
    assert orders.get("WO-1").state == "open"
    assert needless_order_words(orders.database, [one, other]) == []


def test_alerts_that_are_closed_together_settle_their_order_once(orders, alerts, finding):
    numbers = [raised(alerts, finding), raised(alerts, finding, 500)]
    by_rule(orders)
    alerts.each("close", numbers, "Ann", verdict="false alarm")
    assert orders.history("WO-1")["action"].tolist().count("cancelled") == 1


def test_an_order_that_somebody_has_stays_and_says_that_its_alerts_are_closed(orders, alerts, finding):
    alert = raised(alerts, finding)
    by_rule(orders)
    orders.assign("WO-1", "Bob", "boss")
    alerts.close(alert, "Ann", "known behaviour")
    assert orders.get("WO-1").state == "assigned"
    last = orders.history("WO-1").iloc[-1]
    assert (last["action"], last["who"]) == ("alerts closed", "Ann")
    assert needless_order_words(orders.database, [alert]) == [
        "Work order WO-1 is still assigned, although all its alerts were closed as known behaviour: Bob has it. "
        "Cancel it if nothing is to be done."
    ]


def test_an_order_that_a_person_has_opened_is_theirs(orders, alerts, finding):
    alert = raised(alerts, finding)
    orders.from_alerts([alert], "Ann")
    alerts.close(alert, "Ann", "test")
    assert orders.get("WO-1").state == "open"


def test_an_alert_that_opens_again_after_its_order_was_cancelled_asks_for_another(orders, alerts, finding, clock):
    alert = raised(alerts, finding)
    by_rule(orders)
    alerts.close(alert, "Ann", "false alarm")
    clock.forward(hours=1)
    assert alerts.raise_findings([], [finding(start_sample=0, end_sample=900)]).reopened == (alert,)
    assert by_rule(orders) == {"opened": ("WO-2",)}
    assert orders.get("WO-2").alerts == (alert,)
    assert by_rule(orders) == {}


def test_a_verdict_that_is_corrected_to_no_fault_ends_the_order_too(orders, alerts, finding):
    alert = raised(alerts, finding)
    by_rule(orders)
    alerts.close(alert, "Ann", "true")
    assert orders.get("WO-1").state == "open"
    alerts.correct(alert, "Ann", "test", "It was the valve test.")
    assert orders.get("WO-1").state == "cancelled"
