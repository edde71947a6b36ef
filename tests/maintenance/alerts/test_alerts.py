"""The life of an alert, on SQLite and PostgreSQL."""

from datetime import timedelta

import pytest

from tests.maintenance.conftest import START
from workbench.exceptions import ConflictError, MaintenanceError, TransitionError
from workbench.maintenance import log
from workbench.maintenance.alerts.alerts import Alerts
from workbench.maintenance.alerts.outages import Outages
from workbench.maintenance.options import AlertOptions

PLACE = [("P-1", "model")]


@pytest.fixture
def alerts(database):
    return Alerts(database, AlertOptions(latching=(), on_delay=3))


def raised(alerts, finding, **changed):
    (number,) = alerts.raise_findings([], [finding(**changed)]).raised
    return number


def states(alerts):
    return dict(alerts.list(state=None, order="oldest")[["id", "state"]].itertuples(index=False))


def actions(alerts, number):
    return alerts.history(number)["action"].tolist()


def test_active_and_acknowledged_are_independent(alerts, finding):
    number = raised(alerts, finding)
    assert alerts.get(number).state == "unacknowledged"
    assert alerts.acknowledge(number, "Ann", "looking").state == "acknowledged"
    gone = alerts.raise_findings(PLACE, [])
    assert gone.returned == (number,)
    assert alerts.get(number).state == "cleared"

    other = raised(alerts, finding, start_sample=500, end_sample=510, ongoing=False)
    assert alerts.get(other).state == "returned"
    assert alerts.acknowledge(other, "Ann").state == "cleared"
    assert actions(alerts, number) == ["raised", "acknowledged", "returned"]
    assert log.verify(alerts.database).ok


def test_an_anomaly_raises_one_alert_however_often_it_is_found(alerts, finding):
    number = raised(alerts, finding)
    again = alerts.raise_findings(PLACE, [finding()])
    assert (again.raised, again.found_again) == ((), 1)
    grown = alerts.raise_findings(PLACE, [finding(start_sample=90, end_sample=200)])
    assert grown.updated == (number,)
    assert alerts.get(number).end_sample == 200
    alerts.close(number, "Ann", "true")
    assert alerts.raise_findings(PLACE, [finding()]).found_again == 1
    assert states(alerts) == {number: "closed"}


def test_one_that_rises_or_comes_back_is_announced_anew(alerts, finding, clock):
    number = raised(alerts, finding, level="medium")
    alerts.acknowledge(number, "Ann")
    clock.forward(minutes=5)
    alerts.raise_findings(PLACE, [finding(level="critical")])
    alert = alerts.get(number)
    assert (alert.state, alert.level, alert.annunciated_at) == ("unacknowledged", "critical", clock.now)
    alerts.acknowledge(number, "Ann")
    alerts.raise_findings(PLACE, [finding(level="critical", ongoing=False)])
    assert alerts.get(number).state == "cleared"
    alerts.raise_findings(PLACE, [finding(level="critical")])
    assert alerts.get(number).state == "unacknowledged"


def test_too_low_and_too_short_raise_nothing(database, finding):
    alerts = Alerts(database, AlertOptions(least_level="medium", on_delay=5))
    done = alerts.raise_findings(
        [], [finding(level="low"), finding(start_sample=1, end_sample=4), finding(start_sample=11, end_sample=15)]
    )
    assert (len(done.raised), done.ignored) == (1, 2)


def test_a_latched_alert_stays_until_it_is_reset(database, finding):
    alerts = Alerts(database, AlertOptions(latching=("high",)))
    number = raised(alerts, finding)
    alerts.raise_findings(PLACE, [])
    assert (alerts.get(number).state, alerts.get(number).active) == ("latched", True)
    with pytest.raises(
        TransitionError,
        match=r"Cannot reset alert 1: it has returned to normal and is not acknowledged\. Possible now: acknowledge",
    ):
        alerts.reset(number, "Ann")
    alerts.acknowledge(number, "Ann")
    assert alerts.reset(number, "Ann").state == "cleared"


def test_a_shelf_hides_what_comes_and_gives_it_back(alerts, finding, clock):
    number = raised(alerts, finding)
    alerts.shelve(number, "Ann", "sensor is being replaced", hours=2)
    hidden = raised(alerts, finding, start_sample=300, end_sample=310)
    assert alerts.list().empty
    assert alerts.get(hidden).annunciated_at is None
    shelved = alerts.get(number)
    assert (shelved.shelved_by, shelved.shelved_why) == ("Ann", "sensor is being replaced")
    assert shelved.shelved_until == START + timedelta(hours=2)
    clock.forward(hours=2)
    assert set(alerts.list()["id"]) == {number, hidden}  # its time is over: nobody had to ask
    assert actions(alerts, hidden) == ["raised", "unshelved"]

    alerts.shelve(number, "Ann", "again", hours=1)
    third = raised(alerts, finding, start_sample=700, end_sample=720)
    back = alerts.unshelve(number, "Bob")
    assert back.hidden == (third,)
    assert str(back) == f"Alert {number} is back; it hid alerts {third}."
    assert back.missed == (f"alert:{third} raised",)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"why": " ", "hours": 1}, "The reason for shelving is empty"),
        ({"why": "x", "hours": 25}, "above 0 and at most 24"),
        ({"why": "x", "hours": -1}, "above 0 and at most 24"),
        ({"why": "x", "until": START + timedelta(hours=25)}, "at most 24 hours ahead"),
        ({"why": "x", "until": START - timedelta(hours=1)}, "Enter a time after now"),
        ({"why": "x"}, "either until or hours"),
        ({"why": "x", "until": START.replace(tzinfo=None)}, "no time zone"),
    ],
)
def test_a_shelf_without_reason_or_end_is_refused(alerts, finding, given, message):
    number = raised(alerts, finding)
    before = log.verify(alerts.database)
    with pytest.raises(MaintenanceError, match=message):
        alerts.shelve(number, "Ann", **given)
    assert log.verify(alerts.database) == before
    assert alerts.get(number).version == 1


def test_an_asset_out_of_service_keeps_its_alerts_to_itself(alerts, finding, clock):
    outages = Outages(alerts.database)
    before = raised(alerts, finding)
    outages.start("SMAP", "Ann", "safe mode", until=START + timedelta(hours=3))
    during = raised(alerts, finding, start_sample=300, end_sample=310)
    assert set(states(alerts).values()) == {"suppressed"}
    with pytest.raises(TransitionError, match="SMAP is out of service already"):
        outages.start("SMAP", "Ann", "again")
    clock.forward(hours=3)
    assert set(alerts.list()["id"]) == {before, during}
    with pytest.raises(TransitionError, match="not out of service"):
        outages.end("SMAP", "Ann")


def test_what_nobody_acknowledges_is_escalated_once(database, finding, clock):
    alerts = Alerts(database, AlertOptions(escalate_after_minutes={"high": 60}))
    late, low = raised(alerts, finding), raised(alerts, finding, start_sample=300, end_sample=310, level="low")
    seen_alert = raised(alerts, finding, start_sample=500, end_sample=510)
    alerts.acknowledge(seen_alert, "Ann")
    clock.forward(minutes=59)
    assert alerts.tick().escalated == ()
    clock.forward(minutes=1)
    assert alerts.tick().escalated == (late,)
    assert alerts.tick().escalated == ()
    assert alerts.get(low).escalated_at is None


def test_a_settings_file_of_a_release_without_cases_is_read_with_a_word_about_it(caplog):
    options = AlertOptions.model_validate({"group_seconds": 300, "on_delay": 5})
    assert options == AlertOptions(on_delay=5)
    assert "alerts.group_seconds has no effect any more: alerts of one asset form cases" in caplog.text


def test_closing_asks_what_it_was(alerts, finding):
    number = raised(alerts, finding)
    with pytest.raises(MaintenanceError, match=r"'maybe' is not a verdict\. Known: true, false alarm"):
        alerts.close(number, "Ann", "maybe")
    closed = alerts.close(number, "Ann", "false-alarm", "antenna slewed")
    assert (closed.state, closed.verdict, closed.acknowledged, closed.active) == ("closed", "false alarm", True, False)
    with pytest.raises(TransitionError, match="Possible now: correct"):
        alerts.acknowledge(number, "Ann")
    with pytest.raises(MaintenanceError, match="There is no alert 99"):
        alerts.close(99, "Ann", "true")
    with pytest.raises(MaintenanceError, match="The name of the person is empty"):
        alerts.comment(number, " ", "hm")


def test_who_saw_another_version_is_told_who_changed_it(alerts, finding):
    number = raised(alerts, finding)
    seen_version = alerts.get(number).version
    alerts.acknowledge(number, "Bob", version=seen_version)
    with pytest.raises(ConflictError, match=r"Alert 1 was changed .*acknowledged by Bob at 2026-03-02 08:00:00"):
        alerts.close(number, "Ann", "true", version=seen_version)
    assert alerts.get(number).state == "acknowledged"


def test_many_at_once_each_done_or_told_why_not(alerts, finding):
    numbers = [raised(alerts, finding, start_sample=at, end_sample=at + 20) for at in (0, 100, 200)]
    alerts.acknowledge(numbers[1], "Bob")
    done = alerts.each("acknowledge", [*numbers, 77], "Ann")
    assert done["done"].tolist() == [True, False, True, False]
    assert "it is acknowledged" in done["reason"][1]
    assert "no alert 77" in done["reason"][3]


def test_the_list_filters_and_sorts(alerts, finding):
    def add(channel, level, at, **more):
        return raised(alerts, finding, channel=channel, level=level, start_sample=at, end_sample=at + 9, **more)

    a = add("P-1", "low", 0, severity=2.5)
    b = add("P-2", "critical", 0, severity=20.0, kind="limit", message="P-2 went above 50% of its limit")
    c = add("M-1", "critical", 0, severity=30.0, asset="MSL")
    assert alerts.list(order="worst")["id"].tolist() == [c, b, a]
    assert alerts.list(level="high", order="oldest")["id"].tolist() == [b, c]
    assert alerts.list(asset="MSL")["id"].tolist() == [c]
    assert alerts.list(kind="limit", text="50% OF")["id"].tolist() == [b]
    assert alerts.list(text="%").shape[0] == 1
    assert alerts.list(order="oldest", limit=1, offset=1)["id"].tolist() == [b]
    alerts.close(b, "Ann", "test")
    assert alerts.list(state="closed", verdict="test")["id"].tolist() == [b]
    assert alerts.list(state="open").shape[0] == 2
    assert alerts.count().to_dict() == {"info": 0, "low": 1, "medium": 0, "high": 0, "critical": 1}
    for wrong in ({"state": "new"}, {"level": "worst"}, {"order": "random"}, {"kind": "x"}, {"verdict": "x"}):
        with pytest.raises(MaintenanceError, match="Known: "):
            alerts.list(**wrong)
