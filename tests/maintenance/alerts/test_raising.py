import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conftest import wave_channel
from tests.maintenance.alerts.test_findings import score
from tests.maintenance.conftest import Clock
from workbench.maintenance import log
from workbench.maintenance.alerts.alerts import Alerts
from workbench.maintenance.alerts.raising import AlertReport
from workbench.maintenance.database import Database
from workbench.maintenance.options import AlertOptions
from workbench.telemetry.catalog import Limits

PLACE = [("P-1", "model")]


@pytest.fixture
def alerts(database):
    return Alerts(database, AlertOptions(latching=(), on_delay=1))


def found(finding, *places, **more):
    return [finding(start_sample=a, end_sample=b, **more) for a, b in places]


def spans(alerts):
    return alerts.list(state=None, order="oldest")[["start_sample", "end_sample"]].values.tolist()


def test_one_alert_that_falls_apart_stays_one(alerts, finding):
    alerts.raise_findings(PLACE, found(finding, (100, 200)))
    apart = [
        finding(start_sample=100, end_sample=120, level="high"),
        finding(start_sample=150, end_sample=170, level="critical"),
    ]
    assert alerts.raise_findings(PLACE, apart).updated == (1,)
    assert (spans(alerts), alerts.get(1).level) == ([[100, 170]], "critical")
    again = alerts.raise_findings(PLACE, apart)
    assert (again.raised, again.updated, again.returned, again.known) == ((), (), (), 2)


def test_two_alerts_that_grow_together_stay_two(alerts, finding):
    alerts.raise_findings(PLACE, found(finding, (100, 120), (150, 170)))
    assert alerts.raise_findings(PLACE, found(finding, (100, 170))).updated == (1,)
    assert spans(alerts) == [[100, 170], [150, 170]]
    assert alerts.raise_findings(PLACE, found(finding, (100, 170))).known == 1


def test_what_was_closed_stays_closed_when_it_grows(alerts, finding):
    alerts.raise_findings(PLACE, found(finding, (100, 120)))
    alerts.close(1, "Ann", "false alarm")
    report = alerts.raise_findings(PLACE, found(finding, (90, 300), level="critical"))
    assert report == AlertReport(known=1)
    assert alerts.get(1).state == "closed"
    assert len(alerts.history(1)) == 2


def test_the_same_finding_twice_is_one_alert(alerts, finding):
    report = alerts.raise_findings(PLACE, found(finding, (100, 120), (100, 120)))
    assert (report.raised, report.known) == ((1,), 1)


def test_kinds_and_channels_are_alerts_of_their_own(alerts, finding):
    alerts.raise_findings([], [finding(), finding(kind="limit"), finding(channel="P-2")])
    assert len(alerts.list()) == 3
    gone = alerts.raise_findings([("P-1", "limit")], [])
    assert gone.returned == (2,)


def test_one_that_rises_to_a_latching_level_is_latched(database, finding):
    alerts = Alerts(database, AlertOptions(latching=("critical",)))
    alerts.raise_findings([], [finding(ongoing=False)])
    assert alerts.acknowledge(1, "Ann").state == "cleared"
    alerts.raise_findings([], [finding(ongoing=False, level="critical")])
    assert alerts.get(1).state == "latched"


def test_reports_add_up():
    one, two = AlertReport((1,), (2,), 3, (4,), 5), AlertReport((6,))
    assert one + two == AlertReport((1, 6), (2,), 3, (4,), 5)
    assert str(one + two) == (
        "2 alerts raised, 1 updated, 3 known, 1 returned to normal, 5 too low or too short for an alert."
    )


places = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 15)), max_size=5)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(places, min_size=1, max_size=4), st.data())
def test_scoring_again_changes_nothing(tmp_path_factory, finding, rounds, data):
    folder = tmp_path_factory.mktemp("scored")
    alerts = Alerts(Database(f"sqlite:///{folder / 'maintenance.db'}", Clock()), AlertOptions(on_delay=1))
    for places in rounds:
        edges = sorted((start, start + length) for start, length in places)
        disjoint = [edge for i, edge in enumerate(edges) if all(edge[0] > other[1] for other in edges[:i])]
        now = [finding(start_sample=a, end_sample=b, ongoing=b > 55) for a, b in disjoint]
        alerts.raise_findings(PLACE, now)
        still_open = alerts.list(state="open")["id"].tolist()
        if still_open and data.draw(st.booleans()):
            alerts.close(data.draw(st.sampled_from(still_open)), "Ann", "test")
        before = alerts.list(state=None, order="oldest")
        again = alerts.raise_findings(PLACE, now)
        assert (again.raised, again.updated, again.returned) == ((), (), ())
        pd.testing.assert_frame_equal(alerts.list(state=None, order="oldest"), before)
    assert log.verify(alerts.database).ok
    alerts.database.close()


def test_a_score_and_limits_raise_alerts_on_a_channel(database):
    alerts = Alerts(database, AlertOptions(latching=()))
    channel = wave_channel(n=1200, spike=500)
    anomalies = pd.DataFrame({"start": [600], "end": [700], "severity": [3.0], "level": ["low"]})
    assert alerts.raise_anomalies(channel, score(940, 650), anomalies).raised == (1,)
    assert alerts.raise_limits(channel, Limits(warning_high=1.0, critical_high=1.8)).raised == (2,)
    assert alerts.list(order="oldest")[["channel", "kind", "level", "state"]].values.tolist() == [
        ["X-1", "model", "low", "returned"],
        ["X-1", "limit", "critical", "returned"],
    ]
    assert alerts.raise_anomalies(channel, score(940, 650), anomalies).known == 1
    silent = Alerts(database, AlertOptions(limit_alarms=False))
    assert silent.raise_limits(channel, Limits(warning_high=0.5)) == AlertReport()
