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
    twice = run("plan", "--what-if", "delay=3", "--what-if", "delay=5", "--who", "boss", fails=2)
    assert "The delay is named twice. Name it once." in twice
    assert "'technician=' names no technician." in run("plan", "--what-if", "technician=", "--who", "boss", fails=2)
    assert "is assigned" in run("orders", "assign", number, "--to", "Ann", "--who", "boss")
    run("orders", "start", number, "--who", "Ann")
    run("orders", "hold", number, "--why", "no access", "--who", "Ann")
    run("orders", "start", number, "--who", "Ann")
    run("orders", "answer", number, 1, "yes", "--who", "Ann")
    run("orders", "answer", number, 2, "a spike", "--who", "Ann")
    report = ("--done", "checked", "--hours", "1.5", "--failure", "functional failure", "--mode", "pde", "--who", "Ann")
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
    figures = run.json("kpis")
    assert 0 < figures["mttr_hours"] < 0.5, "from the start to the end of the work, of whatever type the order is"
    head = run("log", "head").strip()
    assert run.json("log", "verify", "--since", head)["ok"]
    assert "not the head of a log" in run("log", "verify", "--since", "12", fails=2)
    assert run.json("kpis", "--as-of", figures["until"]) == {**figures, "health": {}}
    assert "has not come yet" in run("kpis", "--as-of", "2100-01-01", fails=2)
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


def test_a_completion_that_is_seldom_meant_is_asked_about(run):
    run("score", "--all")
    (order,) = run.json("orders", "list")
    number = order["number"]
    run("people", "set", "Ann", "--skill", "power", "--who", "boss")
    run("orders", "assign", number, "--to", "Ann", "--who", "boss")
    run("orders", "start", number, "--who", "Ann")
    run("orders", "answer", number, 1, "yes", "--who", "Ann")
    run("orders", "answer", number, 2, "nothing", "--who", "Ann")
    words = ("orders", "complete", number, "--done", "looked", "--failure", "none", "--verdict", "true", "--who", "Ann")
    refused = run(*words, "--hours", 1000, fails=2)
    assert "1000 hours are more than three months of one person." in refused
    assert "The alerts would be closed as real faults, although nothing had failed." in refused
    assert run.json("orders", "show", number)["state"] == "in progress"
    assert "is completed" in run(*words, "--hours", 1000, "--sure")


def test_what_people_reported_is_a_line_of_a_table(run):
    problem = f"Oil below the pump\n{'and more ' * 200}"
    run("requests", "new", "--asset", "XAVER", "--problem", problem, "--who", "U" * 100)
    line = run("requests", "list").splitlines()[1]
    assert "Oil below the pump and more" in line and "…" in line
    assert re.search(r" \d{4}-\d\d-\d\d \d\d:\d\d UTC$", line)
    assert len(line) < 200
    assert run.json("requests", "list")[0]["problem"] == problem.strip()


def test_hours_and_parts_that_are_seldom_meant_are_asked_about(run):
    run("people", "set", "Ann", "--who", "boss")
    run("parts", "set", "seal", "--stock", "5")
    new = ("orders", "new", "--asset", "XAVER", "--title", "Look", "--who", "boss")
    assert "'seal' is named twice" in run(*new, "--part", "seal=2", "--part", "seal=1", fails=2)
    assert run.json("orders", "list") == []
    run(*new)
    book = ("orders", "book", "WO-1", "--technician", "Ann", "--hours", "900", "--who", "boss")
    assert "900 hours are more than three months of one person." in run(*book, fails=2)
    assert "900 hours are more than" in run("orders", "follow-up", "WO-1", "--hours", "900", "--who", "boss", fails=2)
    run(*book, "--sure")
    assert run.json("orders", "show", "WO-1")["labour"] == {"Ann": 900.0}


def test_a_name_that_is_nearly_one_that_exists_is_asked_about(run):
    run("people", "set", "Ben", "--who", "boss")
    run("parts", "set", "seal", "--who", "boss")
    run("preventive", "read", "XAVER", "hours", 100, "--who", "Ann")
    absent = ("--absent", "2026-03-02", "--who", "boss")
    assert "There is no technician 'Bne', but 'Ben' exists." in run("people", "set", "Bne", *absent, fails=2)
    assert "There is no technician 'ben', but 'Ben' exists." in run("people", "set", "ben", "--who", "boss", fails=2)
    assert "pass --new if this is right" in run("parts", "set", "Seal", "--who", "boss", fails=2)
    read = ("preventive", "read", "XAVER")
    assert "no meter of XAVER 'huors', but 'hours' exists." in run(*read, "huors", 110, "--who", "Ann", fails=2)
    add = ("preventive", "add", "Oil", "--asset", "XAVER", "--every", 100, "--meter", "huors", "--who", "boss")
    assert "no meter of XAVER 'huors', but 'hours' exists." in run(*add, fails=2)
    assert "hours of XAVER was 100 before, and would fall to 90." in run(*read, "hours", 90, "--who", "Ann", fails=2)
    run(*read, "hours", 90, "--sure", "--who", "Ann")
    assert [one["name"] for one in run.json("people", "list")] == ["Ben"]
    assert [one["name"] for one in run.json("parts", "list")] == ["seal"]
    run("people", "set", "Bne", *absent, "--new")
    assert [one["name"] for one in run.json("people", "list")] == ["Ben", "Bne"]


def test_a_number_below_0_is_refused_as_a_number(run):
    run("parts", "set", "seal", "--who", "boss")
    for words in (("parts", "request", "seal", -1), ("parts", "receive", "seal", -1)):
        assert "cannot be -1. Enter a whole number from 0" in run(*words, "--who", "boss", fails=2)
    assert "cannot be -5.0. Enter a number from 0" in run("preventive", "read", "XAVER", "hours", -5, fails=2)
    added = run("preventive", "add", "Oil", "--asset", "XAVER", "--who", "boss", fails=2)
    assert "--every-days, --calendar, --every, --below" in added


def test_the_cost_is_an_amount_of_money(run):
    run("people", "set", "Ann", "--rate", 67, "--who", "boss")
    run("orders", "new", "--asset", "XAVER", "--type", "inspection", "--title", "Look", "--skill", "x", "--sure")
    (order,) = run.json("orders", "list")
    run("people", "set", "Ann", "--skill", "x", "--who", "boss")
    run("orders", "assign", order["number"], "--to", "Ann", "--who", "boss")
    run("orders", "start", order["number"], "--who", "Ann")
    for item, one in enumerate(run.json("orders", "show", order["number"])["checklist"], 1):
        run("orders", "answer", order["number"], item, "yes" if one["kind"] == "done" else "nothing", "--who", "Ann")
    done = ("--done", "looked", "--hours", 750, "--sure", "--who", "Ann")
    run("orders", "complete", order["number"], *done)
    assert "50,250.00" in run("kpis")  # 750 h at 67 an hour


def test_dates_of_a_purchase_that_cannot_be_are_refused(run):
    run("parts", "set", "seal", "--lead-days", 3, "--who", "boss")
    request = ("parts", "request", "seal", 2, "--who", "boss")
    assert "The expected date 2001-01-01 has passed." in run(*request, "--expected", "2001-01-01", fails=2)
    ordered = run(*request, "--ordered", "2150-01-01", fails=2)
    assert "The date of the order, 2150-01-01, has not come yet." in ordered
    wrong = ("--ordered", "2150-01-05", "--expected", "2150-01-01", "--sure")
    assert "before it is ordered on 2150-01-05" in run(*request, *wrong, fails=2)
    assert run.json("parts", "requests") == []
    run(*request, "--expected", "2001-01-01", "--sure")
    assert run.json("parts", "requests")[0]["overdue"]


def test_alerts_are_shelved_closed_and_suppressed(run):
    run("score", "--all")
    run("alerts", "shelve", 1, "--why", "slew", "--hours", "2", "--who", "Ann")
    assert run.json("alerts", "list") == []
    run("alerts", "unshelve", 1, "--who", "Ann")
    run("alerts", "outage", "XAVER", "--why", "safe mode", "--who", "Ann")
    assert run.json("alerts", "list") == []
    assert "1 alert is shown again" in run("alerts", "outage", "XAVER", "--end", "--who", "Ann")
    words = "returned to normal"
    assert words in run("alerts", "list") and "latched" not in run("alerts", "list")
    assert [one["state"] for one in run.json("alerts", "list", "--state", words)] == ["returned"]
    assert [one["state"] for one in run.json("alerts", "list", "--state", words.title())] == ["returned"]
    refusal = run("alerts", "list", "--state", "lost", fails=2)
    assert "shown, open, all; new" in refusal and words in refusal and "latched" not in refusal
    run("alerts", "comment", 1, "--text", "hm", "--who", "Ann")
    assert "is not a verdict" in run("alerts", "close", 1, "--verdict", "maybe", "--who", "Ann", fails=2)
    run("alerts", "close", 1, "--verdict", "test", "--who", "Ann")
    assert run.json("alerts", "list", "--state", "closed")[0]["verdict"] == "test"
    assert "There is nothing to undo: alert 1 is closed." in run("alerts", "undo", 1, "--who", "Bob", fails=2)
    assert run("alerts", "undo", 1, "--who", "Ann") == "Alert 1 is open: it has returned to normal.\n"
    assert "There is nothing to undo" in run("alerts", "undo", 1, "--who", "Ann", fails=2)
    run("alerts", "close", 1, "--verdict", "test", "--who", "Ann")
    actions = [row["action"] for row in run.json("log", "show", "--subject", "alert:1")]
    assert actions[:5] == ["closed", "acknowledgement undone", "closing undone", "closed", "commented"]


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
        "announced", "per_operator_and_day", "per_operator_and_hour", "per_operator_and_ten_minutes",
        "most_in_ten_minutes", "share_of_hours_above_30", "share_of_ten_minutes_above_10", "floods",
        "share_of_time_in_floods", "stale", "chattering", "top_ten",
    ]  # fmt: skip
    assert "0 failures that began in " in run("kpis")


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
    twice = run("alerts", "thresholds", "--set", "z_min=2", "--set", "z_min=3", fails=2)
    assert "z_min is set twice. Set it once." in twice
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


def test_a_plan_is_accepted_disturbed_and_made_anew(run):
    run("people", "set", "Ann", "--skill", "rf", "--who", "boss")
    run("people", "set", "Ben", "--who", "boss")
    run("parts", "set", "seal", "--stock", 0, "--lead-days", 2, "--who", "boss")
    for title in ("Look at it", "Paint the base"):
        run("orders", "new", "--asset", "XAVER", "--hours", 3, "--title", title, "--who", "boss")
    assert "no plan that could be accepted" in run("plan", "accept", "--who", "boss", fails=2)
    run("plan", "--who", "boss")
    assert "2 orders of the next 7 days are frozen" in run("plan", "accept", "--who", "boss")
    promised = run.json("plan", "frozen")
    assert [row["accepted_by"] for row in promised] == ["boss", "boss"]
    ill = promised[0]
    day = ill["start"][:10]
    run("people", "set", ill["technician"], "--absent", f"{day}..{day}", "--who", "boss")
    new = ("orders", "new", "--asset", "XAVER", "--title", "Leak", "--priority", "urgent", "--who", "boss")
    assert "600 hours are more than three months" in run(*new, "--hours", 600, fails=2)
    assert "No technician has diving." in run(*new, "--hours", 2, "--skill", "diving", fails=2)
    assert "The due date 2020-01-01 00:00 UTC has passed." in run(*new, "--hours", 2, "--due", "2020-01-01", fails=2)
    run(*new, "--hours", 2, "--part", "seal=1")
    said = run("plan", "--who", "boss")
    assert f"{ill['number']} was frozen with {ill['technician']}" in said
    assert "WO-3 is new: " in said
    (request,) = run.json("parts", "requests")
    assert (request["part"], request["pieces"], request["note"]) == ("seal", 1, "for WO-3")
    run("parts", "change-request", request["id"], "--expected", "2150-01-01", "--who", "boss")
    assert "WO-3 has no place any more" in run("plan", "--who", "boss")
    run("parts", "received", request["id"], "--who", "boss")
    assert "No purchase requests." in run("parts", "requests")
    assert "is released" in run("plan", "release", promised[1]["number"], "--who", "boss")
    assert run.json("plan", "frozen", "--week", promised[1]["start"][:10])[-1]["released_by"] == "boss"
    where = ("plan", "place", "WO-3", "--to", ill["technician"], "--start", f"{day}T09:00", "--who", "boss")
    assert f"{ill['technician']} is absent on" in run(*where, fails=2)
    assert "fixed there" in run(*where, "--sure")
    assert "WO-3 is assigned" in run("orders", "assign", "WO-3", "--to", "Ann", "--who", "boss")
    assert "WO-3 is assigned" in run("orders", "change", "WO-3", "--may-reassign", "--hours", 1, "--who", "boss")
    assert run.json("orders", "show", "WO-3")["may_reassign"]


def test_a_verdict_is_corrected_and_an_order_reopened(run):
    run("score", "--all")
    (alert,), (order,) = run.json("alerts", "list"), run.json("orders", "list")
    run("people", "set", "Ann", "--who", "boss")
    for words in (("assign", order["number"], "--to", "Ann"), ("start", order["number"]),
                  ("answer", order["number"], 1, "yes"), ("answer", order["number"], 2, "a spike")):  # fmt: skip
        run("orders", *words, "--who", "Ann")
    run("orders", "complete", order["number"], "--done", "x", "--hours", 1, "--verdict", "false alarm", "--who", "Ann")
    correction = ("alerts", "correct", alert["id"], "--verdict", "true", "--why", "it leaks", "--who", "Ben")
    assert run(*correction) == f"The verdict on alert {alert['id']} is corrected.\n"
    assert "already" in run(*correction, fails=2)
    assert run.json("alerts", "show", alert["id"])["verdict"] == "true"
    reopened = run("orders", "reopen", order["number"], "--why", "the wrong order", "--who", "Ann")
    assert "is in progress" in reopened
    assert run.json("alerts", "show", alert["id"])["verdict"] is None
    assert "only a completed order" in run("orders", "reopen", order["number"], "--why", "x", fails=2)


def test_notifications_are_tried_listed_and_sent_again(run, monkeypatch):
    assert "Nobody is notified" in run("notify", "test", fails=2)
    assert run("notify", "list") == "No messages.\n"
    targets = {"ops": {"url": "nothing://x", "least_level": "info"}}
    monkeypatch.setenv("WORKBENCH_NOTIFICATIONS", json.dumps({"targets": targets, "batch_seconds": {"high": 0}}))
    assert re.search(r"ops +target +failed: Apprise does not support this address", run("notify", "test", fails=2))
    assert "There is no target or person 'Zoe'" in run("notify", "test", "--to", "Zoe", fails=2)
    assert "ops could not be notified: Apprise does not support this address" in run("score", "--all")
    (message,) = run.json("notify", "list")
    assert (message["state"], message["about"], message["attempts"]) == ("waiting", "alert 1", 1)
    assert "1 message waiting." in run("notify", "send")  # it is not time yet
    assert "1 message queued again." in run("notify", "retry", 1, "--who", "Ann", fails=1)
    assert "There is no message 9" in run("notify", "retry", 9, fails=2)
    assert run("notify", "retry") == "No failed messages.\n"
    assert "'sunk' is not" in run("notify", "list", "--state", "sunk", fails=2)
