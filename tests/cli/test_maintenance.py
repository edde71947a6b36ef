"""The loop on the command line: from score to alert, order, plan, completion, and a log that verifies."""

import json
import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from typer.testing import CliRunner

from workbench.cli import app


@pytest.fixture
def run(trained_home: Path):
    home = trained_home
    runner = CliRunner()

    def call(*words: object, fails: int = 0) -> str:
        result = runner.invoke(app, ["--home", str(home), *map(str, words)])
        assert result.exit_code == fails, result.output
        return result.output

    call.home = home
    call.json = lambda *words: json.loads(runner.invoke(app, ["--home", str(home), *map(str, words), "--json"]).stdout)
    return call


def test_the_whole_loop(run, tmp_path):
    assert "1 alert raised" in run("score", "--all")
    assert "0 alerts raised" in run("score", "--all")
    (alert,) = run.json("alerts", "list")
    assert (alert["channel"], alert["level"], alert["state"]) == ("X-1", "high", "returned")
    assert "is cleared" in run("alerts", "ack", alert["id"], "--who", "Ann", "--comment", "looking")
    assert "Possible now" in run("alerts", "ack", alert["id"], "--who", "Ann", fails=2)
    (order,) = run.json("orders", "list")
    number = order["number"]
    run("people", "set", "Ann", "--skill", "power", "--rate", "80", "--who", "boss")
    assert "1 order planned, 0 not planned" in run("plan", "--who", "boss")
    (placed,) = run.json("plan", "--show", "--who", "boss")["plan"]
    assert (placed["number"], placed["technician"]) == (number, "Ann")
    assert "hours late" in run("plan", "--what-if", "delay=3", "--what-if", "technician=Eve:power", "--who", "boss")
    assert "is not a change that can be compared" in run("plan", "--what-if", "more", "--who", "boss", fails=2)
    assert "is assigned" in run("orders", "assign", number, "--to", "Ann", "--who", "boss")
    run("orders", "start", number, "--who", "Ann")
    run("orders", "hold", number, "--why", "no access", "--who", "Ann")
    run("orders", "start", number, "--who", "Ann")
    run("orders", "answer", number, 1, "yes", "--who", "Ann")
    run("orders", "answer", number, 2, "a spike", "--who", "Ann")
    report = ("--done", "checked", "--hours", "1.5", "--mode", "pde", "--who", "Ann")
    assert "has open alerts" in run("orders", "complete", number, *report, fails=2)
    assert "is completed" in run("orders", "complete", number, *report, "--verdict", "true")
    shown = run.json("orders", "show", number)
    assert (shown["state"], shown["actual_cost"], shown["failure"]["mode"]) == ("completed", 120.0, "PDE")
    assert [row["action"] for row in shown["history"]][-1] == "completed"
    closed = run.json("alerts", "show", alert["id"])
    assert (closed["state"], closed["verdict"]) == ("closed", "true")
    assert closed["rows"] == [closed["start_sample"], closed["end_sample"]]
    shown_to_people = run("alerts", "show", alert["id"])
    assert f"{closed['start_sample']:,} to {closed['end_sample']:,} of the series" in shown_to_people
    assert f"samples {closed['first_at']:,} to {closed['last_at']:,}" in shown_to_people
    assert "120" in run("kpis")
    assert run.json("kpis")["mttr_hours"] == 1.5  # a repair, of whatever type the order is
    assert run.json("alerts", "figures")["announced"] == 1
    assert "as it was written" in run("log", "verify")
    run("log", "export", tmp_path / "log.csv")
    assert "checked" in (tmp_path / "log.csv").read_text()
    with closing(sqlite3.connect(run.home / "maintenance.db")) as db, db:
        db.execute("UPDATE log SET details = '{}' WHERE seq = 3")
    assert "Row 3 of the log is not as it was written" in run("log", "verify", fails=1)


def test_cases_are_listed_shown_and_closed(run):
    assert "No alerts. To raise them" in run("cases", "list")
    run("score", "--all")
    (case,) = run.json("cases", "list")
    assert (case["id"], case["first_channel"], case["alerts"]) == (1, "X-1", 1)
    assert case["words"] in run("cases", "list")
    shown = run("cases", "show", 1)
    assert "X-1, high: first" in shown
    assert "WO-1" in shown
    assert [alert["channel"] for alert in run.json("cases", "show", 1)["alerts"]] == ["X-1"]
    assert "Case 1: Alert 1 is cleared." in run("cases", "ack", 1, "--who", "Ann")
    refused = run("cases", "ack", 1, 77, "--who", "Ann", fails=2)
    assert "Case 1 has no alert to acknowledge. Its alerts: 1 cleared." in refused
    assert "There is no case 77." in refused
    run("cases", "shelve", 1, "--why", "test", "--hours", 1, "--who", "Ann")
    run("cases", "unshelve", 1, "--who", "Ann")
    assert "Case 1: Alert 1 is closed." in run("cases", "close", 1, "--verdict", "test", "--who", "Ann")
    assert "No cases match. Remove a filter." in run("cases", "list", "--level", "low")
    assert run.json("cases", "list", "--state", "all")[0]["open_alerts"] == 0


def test_orders_by_hand_parts_and_preventive_plans(run, tmp_path):
    run("parts", "set", "seal", "--stock", "1", "--minimum", "2", "--who", "boss")
    assert "WO-1 is open: Replace it" in run(
        "orders", "new", "--asset", "XAVER", "--title", "Replace it", "--part", "seal=2", "--due", "2030-01-01",
        "--who", "Ann",
    )  # fmt: skip
    run("parts", "receive", "seal", 3, "--who", "boss")
    (part,) = run.json("parts", "list")
    assert (part["stock"], part["reserved"], part["below"]) == (4, 2, False)
    for wrong, message in (
        (("--part", "seal"), "NAME=QUANTITY"),
        (("--due", "soon"), "is not a date"),
        (("--type", "odd"), "is not a type"),
    ):
        assert message in run("orders", "new", "--asset", "XAVER", *wrong, "--who", "Ann", fails=2)
    assert "neither an asset nor an alert is named" in run("orders", "new", "--who", "Ann", fails=2)
    run("preventive", "add", "Overhaul", "--asset", "XAVER", "--meter", "hours", "--every", "100", "--who", "boss")
    assert "WO-2 opened" in run("preventive", "read", "XAVER", "hours", "120", "--who", "Ann")
    assert [row["title"] for row in run.json("preventive", "list")] == ["Overhaul"]
    run("orders", "cancel", "WO-2", "--why", "done last week", "--who", "boss")
    assert len(run.json("orders", "list")) == 1
    run("orders", "list", "--state", "all", "--export", tmp_path / "orders.xlsx")
    assert (tmp_path / "orders.xlsx").stat().st_size > 1000
    run("orders", "show", "WO-1", "--html", tmp_path / "order.html")
    assert "Replace it" in (tmp_path / "order.html").read_text()


def test_alerts_are_shelved_closed_and_suppressed(run):
    run("score", "--all")
    run("alerts", "shelve", 1, "--why", "slew", "--hours", "2", "--who", "Ann")
    assert run.json("alerts", "list") == []
    run("alerts", "unshelve", 1, "--who", "Ann")
    run("alerts", "outage", "XAVER", "--why", "safe mode", "--who", "Ann")
    assert run.json("alerts", "list") == []
    assert "1 alert is shown again" in run("alerts", "outage", "XAVER", "--end", "--who", "Ann")
    run("alerts", "comment", 1, "--text", "hm", "--who", "Ann")
    assert "is not a verdict" in run("alerts", "close", 1, "--verdict", "maybe", "--who", "Ann", fails=2)
    run("alerts", "close", 1, "--verdict", "test", "--who", "Ann")
    assert run.json("alerts", "list", "--state", "closed")[0]["verdict"] == "test"
    actions = [row["action"] for row in run.json("log", "show", "--subject", "alert:1")]
    assert actions[:2] == ["closed", "commented"]


def test_an_empty_list_says_what_to_do(run):
    assert run("alerts", "list") == "No alerts. To raise them: workbench score --all\n"
    assert run("alerts", "list", "--level", "high") == "No alerts match. Remove a filter.\n"
    assert run("alerts", "list", "--state", "closed") == "No alerts match. Remove a filter.\n"
    assert run("orders", "list") == "No work orders. To open one: workbench orders new --asset ASSET\n"
    assert run("orders", "list", "--overdue") == "No work orders match. Remove a filter.\n"
    assert run("people", "list").startswith("No technicians. To add one: workbench people set NAME")
    assert run("parts", "list").startswith("No parts. To add one: workbench parts set NAME")
    assert run("preventive", "list").startswith("No preventive plans. To add one: workbench preventive add TITLE")
    assert run("plan", "--show") == "Nothing is planned. Run: workbench plan\n"
    assert run("log", "show", "--who", "Zoe") == "No rows match. Remove a filter.\n"


def test_the_figures_of_alerts_and_maintenance_are_sentences_and_their_json_keys_stay(run):
    run("score", "--all")
    shown = run("alerts", "figures")
    assert re.search(r"alerts shown to operators  1\n", shown)
    assert re.search(r"time in floods  0\.0 %\n", shown)
    assert list(run.json("alerts", "figures")) == [
        "announced", "per_operator_and_hour", "most_in_ten_minutes", "share_of_ten_minutes_above_10", "floods",
        "share_of_time_in_floods", "stale", "chattering", "top_ten",
    ]  # fmt: skip
    assert "0 failures in " in run("kpis")


def test_an_action_that_is_refused_counts_the_alerts_that_stay(run):
    run("score", "--all")
    run("alerts", "ack", 1, "--who", "Ann")
    assert "Error: 1 of 1 alert was not changed." in run("alerts", "ack", 1, "--who", "Ann", fails=2)


def test_other_thresholds_are_tried_on_what_people_judged(run):
    run("score", "--all")
    before = run("log", "verify")
    same = run("alerts", "thresholds", "--set", "min_decrease=0.13")
    assert "0 false alarms would not have been raised, 0 real faults would have been missed, 0 alerts would" in same
    run("alerts", "close", 1, "--verdict", "true", "--who", "Ann")
    missed = run.json("alerts", "thresholds", "--set", "min_decrease=0.99", "--set", "envelope=none")["missed"]
    assert [row["id"] for row in missed] == [1]
    assert run.json("alerts", "thresholds", "--set", "z_min=3")["kept"] == 1
    for wrong, message in (
        ("colour=1", "does not set a threshold"),
        ("z_min=x", "z_min"),
        ("z_max=1", "must be above z_min"),
    ):
        assert message in run("alerts", "thresholds", "--set", wrong, fails=2)
    assert before != run("log", "verify")  # the verdict; trying wrote nothing
    assert len(run.json("log", "show", "--subject", "alert:1")) == 2


@pytest.mark.slow
def test_what_people_write_on_an_alert_is_shown_with_it_and_with_its_order(run, tmp_path):
    run("score", "--all")
    (alert,) = run.json("alerts", "list")
    long = "the bus dropped " * 40
    run("alerts", "comment", alert["id"], "--who", "Ann", "--text", f"{long}\x1b[31mred")
    run("alerts", "shelve", alert["id"], "--who", "Ben", "--why", "antenna test", "--hours", 2)
    shown = run("alerts", "show", alert["id"])
    assert "UTC  shelved by Ben\n    antenna test\n" in shown
    assert "UTC  commented by Ann\n    the bus dropped" in shown
    assert shown.index("antenna test") < shown.index("the bus dropped")
    assert "\x1b" not in shown
    assert max(map(len, shown.splitlines())) < 400
    assert [one["who"] for one in run.json("alerts", "show", alert["id"])["remarks"]] == ["Ben", "Ann"]
    (order,) = run.json("orders", "list")
    run("orders", "comment", order["number"], "--who", "Cat", "--text", "key is at the gate")
    shown = run("orders", "show", order["number"])
    assert "commented by Cat\n    key is at the gate" in shown
    assert f"shelved by Ben (alert {alert['id']})\n    antenna test" in shown
    run("orders", "show", order["number"], "--html", tmp_path / "order.html")
    assert "antenna test" in (tmp_path / "order.html").read_text(encoding="utf-8")
    for number in range(30):
        run("alerts", "comment", alert["id"], "--who", "Ann", "--text", f"remark number {number}.")
    shown = run("alerts", "show", alert["id"])
    assert "remark number 29." in shown
    assert "remark number 5." not in shown
    assert "22 earlier remarks" in shown
