"""What was done to an alert is undone by a row of its own in the log; the states are those of ISA-18.2."""

import pytest

from tests.maintenance.conftest import START
from workbench.maintenance import log
from workbench.maintenance.alerts.alerts import Alerts
from workbench.maintenance.kpis.acknowledgements import acknowledgement_minutes
from workbench.maintenance.options import AlertOptions


@pytest.fixture
def alerts(database, finding):
    made = Alerts(database, AlertOptions(on_delay=1, latching=()))
    made.raise_findings([], [finding(start_sample=at, end_sample=at + 20) for at in (0, 100)])
    return made


OPTIONS = {"shelve": {"why": "bench", "hours": 2}, "close": {"verdict": "test", "comment": "bench"}}


@pytest.mark.parametrize("acknowledged", [False, True])
@pytest.mark.parametrize("action", ["acknowledge", "shelve", "close"])
def test_an_alert_is_as_it_was_and_the_log_keeps_both(alerts, action, acknowledged):
    if acknowledged and action == "acknowledge":
        return
    if acknowledged:
        alerts.acknowledge(1, "Bob")
    before = alerts.get(1)
    rows = len(alerts.history(1))
    alerts.each(action, [1], "Ann", **OPTIONS.get(action, {}))
    assert alerts.get(1).state != before.state
    assert alerts.each("undo", [1], "Ann", done=action)["done"].all()
    after = alerts.get(1)
    for name in (
        "state",
        "condition",
        "active",
        "acknowledged",
        "acknowledged_by",
        "shelved_until",
        "closed_at",
        "verdict",
    ):
        assert getattr(after, name) == getattr(before, name), name
    assert len(alerts.history(1)) >= rows + 2, "what was done is not taken out of the log"
    assert log.verify(alerts.database).ok


def test_what_the_telemetry_does_meanwhile_and_a_comment_stand_in_nobodys_way(alerts, finding):
    alerts.acknowledge(1, "Ann")
    alerts.raise_findings([("P-1", "model")], [])  # back to normal
    alerts.comment(1, "Bob", "seen")
    assert alerts.get(1).state == "cleared"
    assert alerts.each("undo", [1], "Ann", done="acknowledge")["done"].all()
    assert alerts.get(1).state == "returned"


def test_only_who_has_done_it_undoes_it_and_only_once(alerts):
    alerts.acknowledge(1, "Ann")
    for who, action in (("Bob", "acknowledge"), ("Ann", "close"), ("Ann", "comment")):
        (reason,) = alerts.each("undo", [1], who, done=action)["reason"]
        assert reason.startswith("There is nothing to undo: alert 1 is acknowledged.")
    alerts.shelve(1, "Bob", "noise", hours=1)
    assert not alerts.each("undo", [1], "Ann", done="acknowledge")["done"].any(), "Bob has shelved it since"
    assert alerts.each("undo", [1], "Bob", done="shelve")["done"].all()
    assert not alerts.each("undo", [1], "Bob", done="shelve")["done"].any()
    assert not alerts.each("undo", [2], "Ann", done="acknowledge")["done"].any(), "nothing was done to it"


def test_an_acknowledgement_that_was_undone_is_no_answer(alerts, database, clock):
    clock.forward(minutes=10)
    alerts.acknowledge(1, "Ann")
    alerts.close(2, "Ann", "test")
    clock.forward(minutes=1)
    alerts.each("undo", [1], "Ann", done="acknowledge")
    alerts.each("undo", [2], "Ann", done="close")
    assert acknowledgement_minutes(database, START, clock.forward(minutes=1)).empty
    clock.forward(minutes=13)
    alerts.acknowledge(1, "Ann")
    assert acknowledgement_minutes(database, START, clock.forward(minutes=1)).tolist() == [25.0]
