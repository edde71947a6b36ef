"""Which alerts are one case, counted by hand and against the slow way; and which number a case keeps."""

import itertools
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.naive import naive_cases
from workbench.maintenance import log
from workbench.maintenance.alerts.alerts import Alerts
from workbench.maintenance.alerts.grouping import Member, partition
from workbench.maintenance.cases.cases import Cases
from workbench.maintenance.database import Database
from workbench.maintenance.options import AlertOptions

HOUR = 3600 * 10**9
T0 = datetime(2026, 3, 1, 10, tzinfo=UTC)


def numbers(cases):
    return [[alert.id for alert in case] for case in cases]


def member(number, first, last, *, channel="Pressure", kind="model", clock="time"):
    return Member(number, channel, kind, clock, first, last)


def test_alerts_that_overlap_or_follow_within_the_gap_are_one_case():
    alerts = [
        member(1, 0, 10 * HOUR),
        member(2, 2 * HOUR, 3 * HOUR, channel="Current"),  # inside the first
        member(3, 11 * HOUR, 12 * HOUR),  # exactly one gap after the first, nine hours after the second
        member(4, 13 * HOUR + 1, 14 * HOUR),  # a nanosecond beyond the gap
    ]
    assert numbers(partition(alerts, AlertOptions())) == [[1, 2, 3], [4]]
    assert numbers(partition(alerts, AlertOptions(case_gap_seconds=0))) == [[1, 2], [3], [4]]


def test_channels_without_dates_are_cases_by_channel_and_not_with_those_that_have_dates():
    alerts = [
        member(1, 100, 200, clock="sample"),
        member(2, 120, 130, clock="sample", channel="Current"),
        member(3, 260, 300, clock="sample"),  # 60 samples after the first
        member(4, 361, 400, clock="sample"),  # 61 after the third
        member(5, 100, 200),
    ]
    assert numbers(partition(alerts, AlertOptions())) == [[2], [1, 3], [4], [5]]


def test_channels_without_dates_have_a_common_clock_where_their_asset_has_alerts_of_its_own():
    alerts = [
        member(1, 100, 200, clock="sample"),
        member(2, 120, 130, clock="sample", channel="Current"),
        member(3, 110, 115, clock="sample", channel="Pump-1", kind="asset"),
    ]
    assert numbers(partition(alerts, AlertOptions())) == [[1, 3, 2]]


spans = st.tuples(st.integers(0, 60), st.integers(0, 20), st.sampled_from(["time", "sample"]), st.sampled_from("ABC"))


@given(drawn=st.lists(spans, max_size=12), gap=st.integers(0, 10), common=st.booleans(), data=st.data())
def test_cases_are_a_partition_that_no_order_of_arrival_changes(drawn, gap, common, data):
    options = AlertOptions(case_gap_seconds=gap / 10**9, case_gap_samples=gap)
    alerts = [
        member(number, first, first + length, channel=channel, clock=clock)
        for number, (first, length, clock, channel) in enumerate(drawn)
    ]
    if common:
        alerts.append(member(99, 5, 9, channel="Pump-1", kind="asset", clock="sample"))
    cases = partition(alerts, options)
    assert sorted(itertools.chain(*numbers(cases))) == sorted(alert.id for alert in alerts)
    as_sets = {frozenset(case) for case in numbers(cases)}
    assert as_sets == naive_cases(alerts, gap)
    shuffled = data.draw(st.permutations(alerts))
    assert partition(shuffled, options) == cases


# ---- numbers


@pytest.fixture
def sqlite(tmp_path, clock):
    with Database(f"sqlite:///{tmp_path / 'maintenance.db'}", clock) as database:
        yield database


@pytest.fixture
def at(finding):
    """Make a finding on Pump-1 from one minute to another after 10:00."""

    def make(channel, first, last, **changed):
        times = {"start_time": T0 + timedelta(minutes=first), "end_time": T0 + timedelta(minutes=last)}
        place = {"asset": "Pump-1", "channel": channel, "start_sample": first, "end_sample": max(last, first + 5)}
        return finding(**(place | times | changed))

    return make


def cases_of(alerts):
    table = alerts.list(state=None)
    return dict(zip(table["id"].tolist(), table["case_id"].tolist(), strict=True))


def test_a_late_alert_between_two_cases_joins_them_under_the_older_number(database, at):
    alerts = Alerts(database)
    alerts.raise_findings([], [at("Pressure", 0, 10)])
    alerts.raise_findings([], [at("Current", 200, 210)])
    alerts.raise_findings([], [at("Flow", 500, 510)])
    assert cases_of(alerts) == {1: 1, 2: 2, 3: 3}
    alerts.raise_findings([], [at("Level", 60, 150)])
    assert cases_of(alerts) == {1: 1, 2: 1, 3: 3, 4: 1}
    (row,) = log.entries(database, subject="case:1").to_dict(orient="records")
    assert (row["action"], row["details"]) == ("joined", '{"alerts": [2], "case": 2}')
    assert log.verify(database).ok


def test_alerts_count_from_their_evidence_not_from_the_samples_before_it(sqlite, at):
    """Pressure begins at minute 0 with its evidence at 100; Current moved at 92, Level stopped 62 minutes before."""
    alerts, cases = Alerts(sqlite), Cases(Alerts(sqlite))
    t0 = int(T0.timestamp()) * 10**9
    minute = 60 * 10**9
    alerts.raise_findings([], [at("Level", 0, 30), at("Pressure", 0, 140, evidence_at=t0 + 100 * minute)])
    alerts.raise_findings([], [at("Current", 92, 97, kind="limit")])
    assert cases_of(alerts) == {1: 1, 2: 2, 3: 2}
    case = cases.get(2)
    assert case.channels == ("Current", "Pressure")
    assert "Current moved first at 2026-03-01 11:32:00 UTC, Pressure 8 min later" in str(case)
    assert cases.table(2)["channel"].tolist() == ["Current", "Pressure"]
    assert (alerts.get(2).first_at, alerts.get(2).evidence_at) == (t0, t0 + 100 * minute)
    assert alerts.get(3).evidence_at == alerts.get(3).first_at == t0 + 92 * minute


def test_evidence_that_becomes_known_later_parts_a_case_in_silence(sqlite, at):
    """An alert of an earlier release knows only where it begins; found again, nothing else of it has changed."""
    alerts = Alerts(sqlite)
    alerts.raise_findings([], [at("Level", 0, 30), at("Pressure", 0, 140)])
    assert cases_of(alerts) == {1: 1, 2: 1}
    evidence_at = (int(T0.timestamp()) + 100 * 60) * 10**9
    report = alerts.raise_findings([], [at("Pressure", 0, 140, evidence_at=evidence_at)])
    assert (report.raised, report.updated, report.found_again) == ((), (), 1)
    assert cases_of(alerts) == {1: 1, 2: 2}
    later = at("Pressure", 0, 140, evidence_at=evidence_at + 60 * 10**9)
    alerts.raise_findings([], [later])
    assert alerts.get(2).evidence_at == evidence_at, "the first evidence stays"
    assert log.verify(sqlite).ok


def test_in_whatever_order_alerts_come_the_same_alerts_are_one_case(sqlite, at):
    alerts = Alerts(sqlite)
    spots = {"Pressure": (0, 10), "Current": (65, 80), "Flow": (135, 150), "Level": (300, 310)}
    for number, order in enumerate(itertools.permutations(spots)):
        for channel in order:
            alerts.raise_findings([], [at(f"{channel} {number}", *spots[channel], asset=f"Pump-{number}")])
    table = alerts.list(state=None)
    assert table["asset"].nunique() == 24
    for _, own in table.groupby("asset"):
        together = {frozenset(case["channel"].str.split().str[0]) for _, case in own.groupby("case_id")}
        assert together == {frozenset({"Pressure", "Current", "Flow"}), frozenset({"Level"})}


def test_a_case_keeps_its_number_when_its_anomalies_are_found_again(sqlite, at):
    alerts = Alerts(sqlite)
    alerts.raise_findings([], [at("Pressure", 0, 10), at("Current", 5, 20), at("Flow", 300, 310)])
    before = cases_of(alerts)
    assert before == {1: 1, 2: 1, 3: 2}
    alerts.raise_findings([], [at("Current", 4, 25), at("Pressure", 0, 12), at("Flow", 290, 320)])
    assert cases_of(alerts) == before
    alerts.close(1, "Ann", "test")
    alerts.raise_findings([], [at("Level", 30, 31)])
    assert cases_of(alerts)[4] == 1, "closed alerts are part of their case, too"


def test_a_case_that_falls_apart_leaves_its_number_to_its_oldest_alert(sqlite, at):
    alerts = Alerts(sqlite)
    alerts.raise_findings([], [at("Flow", 150, 160)])
    alerts.raise_findings([], [at("Pressure", 0, 140)])
    assert cases_of(alerts) == {1: 1, 2: 1}
    alerts.raise_findings([], [at("Pressure", 0, 20)])  # found again, shorter
    assert cases_of(alerts) == {1: 1, 2: 2}
    (row,) = log.entries(sqlite, subject="case:2").to_dict(orient="records")
    assert (row["action"], row["details"]) == ("separated", '{"alerts": [2], "from": [1]}')


def test_assets_share_no_case(sqlite, at):
    alerts = Alerts(sqlite)
    alerts.raise_findings([], [at("Pressure", 0, 10), at("Power", 0, 10, asset="Press")])
    assert len(set(cases_of(alerts).values())) == 2
