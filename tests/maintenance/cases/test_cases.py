"""The list of cases, and what is done to a whole case."""

from datetime import timedelta

import pytest

from tests.maintenance.conftest import START
from workbench.exceptions import MaintenanceError, TransitionError
from workbench.maintenance.alerts.alerts import Alerts
from workbench.maintenance.cases.cases import CASE_COLUMNS, Cases
from workbench.maintenance.database import Database


@pytest.fixture
def cases(tmp_path, clock, finding):
    """The case of Pump-1: Pressure, a minute later Current, an hour after that Flow; and that of Press, one alert."""

    def at(channel, first, last, **changed):
        times = {"start_time": START + timedelta(minutes=first), "end_time": START + timedelta(minutes=last)}
        return finding(**({"asset": "Pump-1", "channel": channel} | times | changed))

    with Database(f"sqlite:///{tmp_path / 'maintenance.db'}", clock) as database:
        alerts = Alerts(database)
        alerts.raise_findings(
            [],
            [
                at("Pressure", 0, 60, level="medium"),
                at("Current", 1, 90, level="critical"),
                at("Flow", 150, 160),
                at("Force", 0, 5, asset="Press"),
            ],
        )
        yield Cases(alerts)


def numbered(cases):
    return {row["channel"]: row["id"] for row in cases.alerts.list(state=None).to_dict(orient="records")}


def test_the_list_has_one_row_a_case(cases):
    table = cases.list()
    assert tuple(table.columns) == CASE_COLUMNS
    first, second = table.to_dict(orient="records")
    assert (first["asset"], first["first_channel"], first["level"]) == ("Pump-1", "Pressure", "critical")
    assert (first["channels"], first["alerts"], first["open_alerts"], first["state"]) == (3, 3, 3, "unacknowledged")
    assert (first["start_time"], first["end_time"]) == (START, START + timedelta(minutes=160))
    assert (second["asset"], second["alerts"]) == ("Press", 1)
    assert cases.count() == 2


def test_filters_find_a_case_by_any_of_its_alerts_and_show_it_whole(cases):
    assert cases.list(channel="Flow")[["alerts", "level"]].values.tolist() == [[3, "critical"]]
    assert cases.list(level="critical")["asset"].tolist() == ["Pump-1"]
    assert cases.list(asset="Press", order="newest")["alerts"].tolist() == [1]
    assert cases.list(text="force")["asset"].tolist() == ["Press"]
    assert cases.list(order="asset")["asset"].tolist() == ["Press", "Pump-1"]
    assert len(cases.list(limit=1)) == 1
    with pytest.raises(MaintenanceError, match="'channel' is not an order"):
        cases.list(order="channel")


def test_a_case_is_acknowledged_and_closed_in_one_go_and_each_alert_tells(cases):
    of = numbered(cases)
    case = cases.alerts.get(of["Flow"]).case_id
    cases.alerts.acknowledge(of["Flow"], "Bob")
    outcome = cases.acknowledge(case, "Ann", comment="all hands")
    assert outcome.values.tolist() == [[of["Pressure"], True, ""], [of["Current"], True, ""]]
    assert cases.alerts.get(of["Flow"]).acknowledged_by == "Bob"
    assert cases.get(case).state == "acknowledged"
    with pytest.raises(TransitionError, match=r"no alert to acknowledge\. Its alerts: 3 acknowledged"):
        cases.acknowledge(case, "Ann")
    assert cases.close(case, "Ann", "true", "seal")["done"].tolist() == [True, True, True]
    assert cases.get(case).state == "closed"
    assert cases.list()["asset"].tolist() == ["Press"]
    assert cases.list(state=None, order="oldest")["open_alerts"].tolist() == [1, 0]
    assert cases.alerts.get(of["Force"]).state == "unacknowledged"


def test_a_whole_case_is_shelved(cases):
    case = cases.alerts.get(numbered(cases)["Flow"]).case_id
    assert cases.shelve(case, "Ann", "test run", hours=2)["done"].all()
    assert (cases.get(case).state, len(cases.list())) == ("shelved", 1)
    assert cases.each("unshelve", case, "Ann")["done"].all()


def test_what_an_alert_refuses_stands_in_its_row(cases):
    case = cases.alerts.get(numbered(cases)["Flow"]).case_id
    outcome = cases.close(case, "Ann", "perhaps")
    assert not outcome["done"].any()
    assert outcome["reason"].str.contains("'perhaps' is not a verdict").all()


def test_a_case_that_is_not_there(cases):
    with pytest.raises(MaintenanceError, match="There is no case 77"):
        cases.get(77)
    with pytest.raises(MaintenanceError, match="is not an action"):
        cases.each("dance", 1, "Ann")


def test_a_case_that_was_joined_leads_to_the_other(cases, finding):
    span = {"start_time": START - timedelta(hours=9), "end_time": START - timedelta(hours=8)}
    cases.alerts.raise_findings([], [finding(asset="Pump-1", channel="Level", **span)])
    first = cases.alerts.get(numbered(cases)["Flow"]).case_id
    third = cases.alerts.get(numbered(cases)["Level"]).case_id
    assert third != first
    bridge = {"start_time": START - timedelta(hours=8), "end_time": START - timedelta(minutes=30)}
    cases.alerts.raise_findings([], [finding(asset="Pump-1", channel="Power", **bridge)])
    assert (cases.get(third).id, cases.joined(first)) == (first, (third,))
    assert cases.history(third)["action"].tolist() == ["joined"]
    assert len(cases.table(third)) == 5
    assert str(cases.get(first)).startswith("Pump-1: Level moved first at ")
