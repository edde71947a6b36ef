"""Alerts that were open at some time, and the orders that care for alerts."""

from datetime import timedelta

from workbench.maintenance.alerts.alerts import Alerts
from workbench.maintenance.alerts.queries import first_raised, open_at
from workbench.maintenance.orders.opening import orders_of_alerts
from workbench.maintenance.orders.orders import WorkOrders


def test_open_alerts_of_a_past_moment_are_those_raised_by_then_and_not_yet_closed(database, clock, finding):
    alerts = Alerts(database)
    assert first_raised(database) is None
    begin = clock.now
    alerts.raise_findings([("P-1", "model")], [finding(channel="P-1")])
    clock.forward(hours=2)
    alerts.raise_findings([("A-2", "model")], [finding(channel="A-2")])
    one = int(alerts.list(channel="P-1")["id"].iloc[0])
    clock.forward(hours=2)
    alerts.close(one, "Ada", "test")
    clock.forward(hours=2)
    assert first_raised(database) == begin
    hours = {hour: set(open_at(database, begin + timedelta(hours=hour))["channel"]) for hour in (-1, 1, 3, 5)}
    assert hours == {-1: set(), 1: {"P-1"}, 3: {"P-1", "A-2"}, 5: {"A-2"}}


def test_an_alert_s_order_is_the_one_that_is_not_closed(database, finding):
    alerts, orders = Alerts(database), WorkOrders(database)
    alerts.raise_findings([("P-1", "model")], [finding(channel="P-1")])
    alert = int(alerts.list()["id"].iloc[0])
    assert orders_of_alerts(database) == {}
    order = orders.from_alerts([alert], "Ada")
    assert orders_of_alerts(database) == {alert: order.number}
    orders.cancel(order.number, "not needed", "Ada")
    assert orders_of_alerts(database) == {}
