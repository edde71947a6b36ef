from datetime import timedelta

import pytest

from tests.maintenance.conftest import START
from workbench.exceptions import MaintenanceError
from workbench.maintenance import log
from workbench.maintenance.alerts.alerts import Alerts
from workbench.maintenance.alerts.outages import Outages
from workbench.maintenance.options import AlertOptions


@pytest.fixture
def alerts(database, finding):
    made = Alerts(database, AlertOptions(latching=()))
    made.raise_findings([], [finding(start_sample=at, end_sample=at + 20) for at in (0, 100, 200)])
    return made


def test_one_that_refuses_leaves_nothing_behind(alerts):
    before = log.verify(alerts.database)
    done = alerts.each("acknowledge", [1, 2], " ")
    assert done["done"].tolist() == [False, False]
    assert done["reason"].str.startswith("The name of the person is empty").all()
    assert log.verify(alerts.database) == before
    assert set(alerts.list()["state"]) == {"unacknowledged"}


def test_many_are_one_transaction(alerts):
    with pytest.raises(TypeError):  # a slip of the caller: not even the first is done
        alerts.each("close", [1, 2], "Ann", verdict="true", colour="red")
    assert len(alerts.list()) == 3


def test_versions_that_were_seen_are_compared(alerts):
    alerts.acknowledge(2, "Bob")
    done = alerts.each("close", [1, 2, 3], "Ann", verdict="test", versions={1: 1, 2: 1})
    assert done["done"].tolist() == [True, False, True]
    assert "acknowledged by Bob" in done["reason"][1]


def test_shelving_and_commenting_many(alerts, clock):
    assert alerts.each("shelve", [1, 2], "Ann", why="test bench", hours=2)["done"].all()
    assert alerts.each("shelve", [3], "Ann", why="too long", hours=1e300)["reason"][0].startswith(
        "hours cannot be 1e+300."
    )
    assert alerts.list()["id"].tolist() == [3]
    assert alerts.each("unshelve", [1, 2, 3], "Ann")["done"].tolist() == [True, True, False]
    assert alerts.each("comment", [1, 3], "Ann", text="seen")["done"].all()
    assert alerts.get(3).comment == "seen"
    with pytest.raises(MaintenanceError, match="'delete' is not an action"):
        alerts.each("delete", [1], "Ann")


def test_shelved_and_suppressed_at_once(alerts, clock):
    outages = Outages(alerts.database)
    alerts.shelve(1, "Ann", "noise", hours=5)
    outages.start("SMAP", "Ann", "maintenance", until=START + timedelta(hours=9))
    assert set(alerts.list(state="suppressed")["id"]) == {1, 2, 3}
    assert outages.end("SMAP", "Bob") == (1, 2, 3)
    assert (alerts.get(1).state, alerts.get(2).state) == ("shelved", "unacknowledged")
    outages.start("SMAP", "Ann", "again")
    clock.forward(hours=5)
    assert alerts.get(1).state == "suppressed"  # the shelf is over, the outage not
    outages.end("SMAP", "Bob")
    assert alerts.get(1).state == "unacknowledged"
    assert outages.list()[["id", "who", "why"]].values.tolist() == [[2, "Ann", "again"], [1, "Ann", "maintenance"]]
    assert outages.list()["ended_at"].tolist() == [START + timedelta(hours=5), START]
    assert log.verify(alerts.database).ok


@pytest.mark.parametrize("ended_by_hand", [False, True])
def test_an_outage_ends_when_it_was_to_end_whoever_looks_later(alerts, clock, ended_by_hand):
    outages = Outages(alerts.database)
    outages.start("SMAP", "Ann", "maintenance", until=START + timedelta(hours=1))
    clock.forward(hours=12)
    if ended_by_hand:
        outages.end("SMAP", "Ann")
    else:
        alerts.tick()
    assert outages.list()["ended_at"].tolist() == [START + timedelta(hours=1)]


def test_an_outage_needs_a_reason_and_an_end_that_is_to_come(alerts):
    outages = Outages(alerts.database)
    with pytest.raises(MaintenanceError, match="asset or the reason of the outage is empty"):
        outages.start("SMAP", "Ann", " ")
    with pytest.raises(MaintenanceError, match="would end in the past"):
        outages.start("SMAP", "Ann", "why", until=START)
    assert outages.list().empty
    assert len(alerts.list()) == 3
