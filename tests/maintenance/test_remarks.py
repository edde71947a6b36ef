"""What people write about alerts and orders can be read again, with author and time, the newest first."""

import pytest

from tests.maintenance.conftest import START
from workbench.maintenance.alerts.alerts import Alerts
from workbench.maintenance.alerts.outages import Outages
from workbench.maintenance.options import AlertOptions
from workbench.maintenance.orders.orders import WorkOrders
from workbench.maintenance.orders.people import People
from workbench.maintenance.remarks import without_remarks


@pytest.fixture
def alerts(database):
    return Alerts(database, AlertOptions(latching=(), on_delay=3))


@pytest.fixture
def orders(database):
    return WorkOrders(database)


@pytest.fixture
def alert(alerts, finding):
    (number,) = alerts.raise_findings([], [finding()]).raised
    return number


def lines(remarks):
    return list(remarks[["action", "who", "text"]].itertuples(index=False, name=None))


def test_every_text_on_an_alert_is_listed_the_newest_first(alerts, alert, clock):
    assert alerts.remarks(alert).empty
    written = [
        lambda: alerts.acknowledge(alert, "Ann", "looking into it"),
        lambda: alerts.comment(alert, "Ben", "the bus dropped"),
        lambda: alerts.shelve(alert, "Cat", "antenna test", hours=2),
        lambda: alerts.unshelve(alert, "Cat"),
        lambda: alerts.close(alert, "Dan", "false alarm", "test was the cause"),
    ]
    for write in written:
        clock.forward(minutes=1)
        write()
    remarks = alerts.remarks(alert)
    assert lines(remarks) == [
        ("closed as false alarm", "Dan", "test was the cause"),
        ("shelved", "Cat", "antenna test"),
        ("commented", "Ben", "the bus dropped"),
        ("acknowledged", "Ann", "looking into it"),
    ]
    assert [int((time - START).total_seconds() / 60) for time in remarks["time"]] == [5, 3, 2, 1]
    assert str(remarks["time"].dt.tz) == "UTC"


def test_an_alert_without_texts_has_no_remarks(alerts, alert):
    alerts.acknowledge(alert, "Ann")
    alerts.close(alert, "Ann", "true")
    assert alerts.remarks(alert).empty


def test_what_hid_an_alert_says_why(alerts, alert, finding):
    alerts.shelve(alert, "Ann", "antenna test", hours=2)
    (hidden,) = alerts.raise_findings([], [finding(start_sample=900, end_sample=950)]).raised
    assert lines(alerts.remarks(hidden)) == [("shelved", "Ann", "antenna test")]
    (other,) = alerts.raise_findings([], [finding(channel="P-2")]).raised
    Outages(alerts.database).start("SMAP", "Ben", "in the hangar")
    assert lines(alerts.remarks(other)) == [("took the asset out of service", "Ben", "in the hangar")]


def test_an_order_lists_its_texts_and_those_of_its_alerts(alerts, orders, alert, clock):
    alerts.comment(alert, "Ann", "the bus dropped")
    People(orders.database).set("Ben", "Ann")
    order = orders.from_alerts([alert], "Ann")
    for step in (
        lambda: orders.assign(order.number, "Ben", "Ann"),
        lambda: orders.start(order.number, "Ben"),
        lambda: orders.hold(order.number, "no access", "Ben"),
        lambda: orders.comment(order.number, "key is at the gate", "Cat"),
        lambda: orders.start(order.number, "Ben"),
        lambda: [orders.answer(order.number, at, given, "Ben") for at, given in ((1, True), (2, "a fuse"))],
        lambda: orders.complete(
            order.number, "Ben", done="fuse changed", hours=1, failure="degradation", mode="ELF", verdict="true"
        ),
    ):
        clock.forward(minutes=1)
        step()
    remarks = orders.remarks(order.number)
    assert lines(remarks) == [
        ("completed", "Ben", "fuse changed"),
        ("commented", "Cat", "key is at the gate"),
        ("on hold", "Ben", "no access"),
        ("commented", "Ann", "the bus dropped"),
    ]
    assert remarks["subject"].tolist() == ["order:1", "order:1", "order:1", f"alert:{alert}"]
    assert lines(alerts.remarks(alert))[0] == ("closed as true", "Ben", "WO-1: fuse changed")


def test_a_cancelled_order_says_why(orders):
    order = orders.new("Ann", asset="SMAP")
    orders.cancel(order.number, "not needed", "Ann")
    assert lines(orders.remarks(order.number)) == [("cancelled", "Ann", "not needed")]


def test_details_without_remarks_keep_everything_else(alerts, alert):
    alerts.comment(alert, "Ann", "the bus dropped")
    history = without_remarks(alerts.history(alert))
    assert "the bus dropped" not in history.to_string()
    assert history["details"].tolist()[-1] == '{"state": "unacknowledged"}'
    assert '"samples": [100, 120]' in history["details"].tolist()[0]
