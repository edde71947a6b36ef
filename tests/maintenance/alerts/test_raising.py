import json
from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conftest import wave_channel
from tests.maintenance.alerts.test_findings import score
from tests.maintenance.conftest import Clock
from workbench.maintenance import log
from workbench.maintenance.alerts.alerts import Alerts
from workbench.maintenance.alerts.raising import Examined
from workbench.maintenance.alerts.report import AlertReport
from workbench.maintenance.database import Database
from workbench.maintenance.options import AlertOptions
from workbench.telemetry.catalog import Limits

PLACE = [("P-1", "model")]


@pytest.fixture
def alerts(database):
    return Alerts(database, AlertOptions(latching=(), on_delay=1))


def found(finding, *places, **more):
    return [finding(start_sample=a, end_sample=b, **more) for a, b in places]


def spans_of(alerts):
    return alerts.list(state=None, order="oldest")[["start_sample", "end_sample"]].values.tolist()


def test_one_alert_that_falls_apart_stays_one(alerts, finding):
    alerts.raise_findings(PLACE, found(finding, (100, 200)))
    apart = [
        finding(start_sample=100, end_sample=120, level="high"),
        finding(start_sample=150, end_sample=170, level="critical"),
    ]
    assert alerts.raise_findings(PLACE, apart).updated == (1,)
    assert (spans_of(alerts), alerts.get(1).level) == ([[100, 170]], "critical")
    again = alerts.raise_findings(PLACE, apart)
    assert (again.raised, again.updated, again.returned, again.found_again) == ((), (), (), 2)


def test_two_alerts_that_grow_together_stay_two(alerts, finding):
    alerts.raise_findings(PLACE, found(finding, (100, 120), (150, 170)))
    assert alerts.raise_findings(PLACE, found(finding, (100, 170))).updated == (1,)
    assert spans_of(alerts) == [[100, 170], [150, 170]]
    assert alerts.raise_findings(PLACE, found(finding, (100, 170))).found_again == 1


def test_of_two_alerts_that_have_become_one_anomaly_the_first_stands_for_it(alerts, finding):
    early, late = finding(start_sample=100, end_sample=120, ongoing=False), finding(start_sample=150, end_sample=153)
    assert alerts.raise_findings(PLACE, [early, late]).raised == (1, 2)
    assert [alerts.get(number).condition for number in (1, 2)] == [False, True]
    whole = found(finding, (100, 170), ongoing=True)
    report = alerts.raise_findings(PLACE, whole)
    assert (report.raised, report.updated, report.returned) == ((), (1,), (2,))
    assert [alerts.get(number).condition for number in (1, 2)] == [True, False]
    assert alerts.get(2).message.endswith(" It is part of alert 1.")
    assert "part of alert 1" in alerts.history(2)["details"].iloc[-1]
    again = alerts.raise_findings(PLACE, whole)
    assert (again.updated, again.returned, again.found_again) == ((), (), 1), "it is said once"


def test_what_was_closed_stays_closed_when_it_grows_a_little(alerts, finding):
    alerts.raise_findings(PLACE, found(finding, (100, 120)))
    alerts.close(1, "Ann", "false alarm")
    report = alerts.raise_findings(PLACE, found(finding, (90, 152), level="critical"))
    assert report == AlertReport(found_again=1), "one level higher, three times as long"
    assert alerts.get(1).state == "closed"
    assert len(alerts.history(1)) == 2


@pytest.mark.parametrize(
    ("level", "end", "why"),
    [
        ("low", 163, "3.0 times as long as what was judged"),
        ("high", 120, "found again as high, judged as low"),
        ("critical", 5349, "found again as critical, judged as low; 250.0 times as long as what was judged"),
    ],
)
def test_a_closed_alert_opens_again_when_its_anomaly_grows_beyond_what_was_judged(alerts, finding, level, end, why):
    alerts.raise_findings(PLACE, found(finding, (100, 120), level="low"))
    alerts.close(1, "Ann", "false alarm")
    grown = found(finding, (100, end), level=level)
    report = alerts.raise_findings(PLACE, grown)
    assert (report.raised, report.reopened, report.found_again) == ((), (1,), 0)
    assert "1 opened again" in str(report)
    one = alerts.get(1)
    assert (one.state, one.level, one.end_sample, one.verdict, one.closed_by) == (
        "unacknowledged",
        level,
        end,
        None,
        None,
    )
    assert alerts.labels() == {}, "the verdict was on less"
    last = alerts.history(1).iloc[-1]
    details = json.loads(last["details"])
    assert (last["action"], details["why"]) == ("reopened", why)
    assert details["before"] == {"level": "low", "verdict": "false alarm", "closed_by": "Ann"}
    assert alerts.raise_findings(PLACE, grown) == AlertReport(found_again=1)
    alerts.close(1, "Ann", "false alarm")
    assert alerts.raise_findings(PLACE, grown) == AlertReport(found_again=1), "all of it is judged now"
    assert log.verify(alerts.database).ok


def test_how_far_an_anomaly_must_grow_is_a_setting(database, finding):
    patient = Alerts(database, AlertOptions(reopen_levels=5, reopen_length=1000))
    patient.raise_findings(PLACE, found(finding, (100, 120), level="low"))
    patient.close(1, "Ann", "test")
    grown = found(finding, (100, 5000), level="critical")
    assert patient.raise_findings(PLACE, grown) == AlertReport(found_again=1)


def test_one_that_opens_again_comes_onto_the_shelf_of_its_channel(alerts, finding):
    alerts.raise_findings(PLACE, found(finding, (100, 120), (900, 920), level="low"))
    alerts.close(1, "Ann", "false alarm")
    alerts.shelve(2, "Ann", "work on it", hours=2)
    assert alerts.raise_findings(PLACE, found(finding, (100, 800), (900, 920), level="low")).reopened == (1,)
    assert (alerts.get(1).state, alerts.get(1).shelf) == ("shelved", 2)


def dated(finding, start, end, row, **more):
    """Make a finding at two times, in minutes of May 2024, found at a row."""
    first, last = (datetime(2024, 5, 1, tzinfo=UTC) + timedelta(minutes=minute) for minute in (start, end))
    return finding(start_sample=row, end_sample=row + end - start, start_time=first, end_time=last, **more)


def test_the_same_row_at_another_time_is_another_alert(alerts, finding):
    alerts.raise_findings(PLACE, [dated(finding, 900, 1042, row=900)])
    alerts.close(1, "Ann", "true")
    june = 31 * 24 * 60
    report = alerts.raise_findings(PLACE, [dated(finding, june + 910, june + 1054, row=910)])
    assert (report.raised, report.found_again) == ((2,), 0)
    assert alerts.get(1).end_sample == 1042


def test_the_same_time_at_another_row_is_the_same_alert(alerts, finding):
    alerts.raise_findings(PLACE, [dated(finding, 900, 1042, row=900)])
    again = alerts.raise_findings(PLACE, [dated(finding, 900, 1042, row=60)])
    assert again == AlertReport(found_again=1)
    wider = alerts.raise_findings(PLACE, [dated(finding, 890, 1050, row=50, source="P-1.ridge/2")])
    assert (wider.raised, wider.updated) == ((), (1,))
    assert (alerts.get(1).start_sample, alerts.get(1).end_sample) == (50, 210)


def test_an_alert_with_times_is_none_of_a_series_without(alerts, finding):
    alerts.raise_findings(PLACE, [dated(finding, 900, 1042, row=900)])
    assert alerts.raise_findings([], [finding(start_sample=900, end_sample=1042)]).raised == (2,)


def test_what_begins_after_what_was_judged_stays_as_it_is(alerts, finding):
    late = dated(finding, 5000, 5100, row=100)
    alerts.raise_findings(PLACE, [late])
    older = Examined("P-1", "model", "time", late.first_at - 1)
    assert alerts.raise_findings([older], []).returned == ()
    assert alerts.raise_findings([older._replace(clock="sample", last_at=10**9)], []).returned == ()
    assert alerts.raise_findings([older._replace(last_at=late.last_at + 1)], []).returned == (1,)


spans = st.lists(st.tuples(st.integers(0, 400), st.integers(3, 30)), max_size=6)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(spans, st.integers(-300, 300), st.booleans(), st.sampled_from([1, 7, 300]))
def test_shifting_rows_changes_no_alert(tmp_path_factory, finding, places, shift, closed, step):
    """Dropping the first samples of an export, or adding earlier ones, moves rows and nothing else."""
    folder = tmp_path_factory.mktemp("shifted")
    alerts = Alerts(Database(f"sqlite:///{folder / 'maintenance.db'}", Clock()), AlertOptions(on_delay=1))
    edges = sorted((start, start + length) for start, length in places)
    disjoint = [edge for i, edge in enumerate(edges) if all(edge[0] > other[1] for other in edges[:i])]
    minute = timedelta(minutes=step)
    begin = datetime(2024, 5, 1, tzinfo=UTC)

    def export(moved):
        return [
            finding(
                start_sample=a + moved, end_sample=b + moved, start_time=begin + a * minute, end_time=begin + b * minute
            )
            for a, b in disjoint
            if a + moved >= 0
        ]

    alerts.raise_findings(PLACE, export(0))
    for number in alerts.list(state=None)["id"].tolist() if closed else ():
        alerts.close(number, "Ann", "test")
    before = alerts.list(state=None, order="oldest")
    report = alerts.raise_findings([], export(shift))
    assert (report.raised, report.updated, report.reopened) == ((), (), ())
    pd.testing.assert_frame_equal(alerts.list(state=None, order="oldest"), before)
    alerts.database.close()


def test_the_same_finding_twice_is_one_alert(alerts, finding):
    report = alerts.raise_findings(PLACE, found(finding, (100, 120), (100, 120)))
    assert (report.raised, report.found_again) == ((1,), 1)


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
            assert (
                alerts.raise_findings(PLACE, now).raised == ()
            )  # but another that a finding overlaps may carry it now
        before = alerts.list(state=None, order="oldest")
        again = alerts.raise_findings(PLACE, now)
        assert (again.raised, again.updated, again.returned) == ((), (), ())
        pd.testing.assert_frame_equal(alerts.list(state=None, order="oldest"), before)
    assert log.verify(alerts.database).ok
    alerts.database.close()


def test_a_finding_over_two_alerts_is_that_of_the_open_one_once_the_first_is_closed(database, finding):
    alerts = Alerts(database, AlertOptions(on_delay=1))
    first, second = (finding(start_sample=a, end_sample=b, ongoing=False) for a, b in ((28, 37), (38, 52)))
    assert alerts.raise_findings(PLACE, [first, second]).raised == (1, 2)
    over_both = [finding(start_sample=32, end_sample=46, ongoing=False)]
    assert alerts.raise_findings(PLACE, over_both).updated == (1,)
    alerts.close(1, "Ann", "test")
    assert alerts.raise_findings(PLACE, over_both).updated == (2,)
    assert alerts.raise_findings(PLACE, over_both).updated == ()
    assert alerts.list(state=None, order="oldest")["state"].tolist()[0] == "closed"


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
    assert alerts.raise_anomalies(channel, score(940, 650), anomalies).found_again == 1
    silent = Alerts(database, AlertOptions(limit_alarms=False))
    assert silent.raise_limits(channel, Limits(warning_high=0.5)) == AlertReport()
