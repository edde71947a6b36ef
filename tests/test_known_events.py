"""A nominal event that a person has named: taught once, recognised when it comes again, and taken back."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import workbench as wb
from tests.homes import copy_of
from workbench.cli.app import app
from workbench.maintenance.alerts.findings import anomaly_findings
from workbench.maintenance.alerts.table import AlertRow, state_of
from workbench.telemetry.archive import Archive
from workbench.telemetry.schema import make_channel

PURGE = np.concatenate([np.linspace(0, 1, 15), np.full(30, 1.0), np.linspace(1, 0, 15)])
FIRST, AGAIN, LOOK_ALIKE = 1000, (2200, 3400, 4600), 5800
N = 7000


def _telemetry(seed, events=()):
    random = np.random.default_rng(seed)
    values = np.sin(np.arange(N) / 25) * 0.1 + random.normal(0, 0.01, N)
    for place, height in events:
        values[place : place + PURGE.size] += PURGE * height
    return values


def _channel(values, **changed):
    valve = np.zeros((N, 1), np.int8)
    for place in (FIRST, *AGAIN, LOOK_ALIKE):
        valve[place + 5] = 1
    about = {"channel": "V-1", "asset": "Xaver", "subsystem": "V", "units": "bar", "source": "test"}
    return make_channel(values, valve, **(about | changed))


def _make_home(home: Path) -> None:
    """A channel with the same event four times, and once with its shape and ten times its size."""
    events = [(FIRST, 1.0), *((place, 1.0) for place in AGAIN), (LOOK_ALIKE, 10.0)]
    Archive(home / "archive.zarr").write(_channel(_telemetry(0)), _channel(_telemetry(1, events)))
    with wb.open(home=home) as opened:
        opened.train()
        opened.score_all()


@pytest.fixture
def session(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[wb.Session]:
    home = copy_of("events", _make_home, tmp_path_factory, tmp_path)
    with wb.open(home=home, alerts={"least_level": "low"}, orders={"open_from_level": "info"}) as opened:
        yield opened


def _only(session, *places):
    """Raise alerts of the anomalies near some places, as a series that has not come further yet would."""
    stored = session.stored_anomalies("V-1")
    near = stored[[any(abs(start - place) < 100 for place in places) for start in stored["start"]]]
    session.maintenance.alerts.raise_anomalies(session.channel("V-1"), session.stored("V-1"), near)


def _alerts(session):
    """Return the alerts by the place of their event."""
    table = session.maintenance.alerts.list(state=None, order="oldest")
    places = (FIRST, *AGAIN, LOOK_ALIKE)
    return {
        min(places, key=lambda place: abs(place - row["start_sample"])): row for row in table.to_dict(orient="records")
    }


def _taught(session, verdict="known behaviour"):
    _only(session, FIRST)
    session.maintenance.alerts.close(1, "Ann", verdict, "Purge of the line")
    session.raise_alerts()
    return session.maintenance


@pytest.mark.parametrize("verdict", ["known behaviour", "test"])
def test_an_event_taught_once_is_recognised_three_times_and_a_look_alike_is_not(session, verdict):
    desk = _taught(session, verdict)
    alerts = _alerts(session)
    assert len(alerts) == 5
    assert alerts[FIRST]["level"] != "info"  # the alert that taught it is not touched
    for place in AGAIN:
        assert alerts[place]["level"] == "info"
        assert alerts[place]["message"].startswith("Known event: Purge of the line, distance 0.")
        assert "of bound 0.50. V-1 left its forecast" in alerts[place]["message"]
    assert alerts[LOOK_ALIKE]["level"] in ("high", "critical")
    assert "Known event" not in alerts[LOOK_ALIKE]["message"]
    (event,) = desk.known.list().to_dict(orient="records")
    assert (event["name"], event["state"], event["repetitions"], event["applied"]) == (
        "Purge of the line",
        "active",
        1,
        3,
    )
    assert event["last_applied"] is not None
    assert sorted(desk.known.uses(1)["alert"]) == sorted(alerts[place]["id"] for place in AGAIN)
    again = session.raise_alerts().raised
    assert (again.raised, again.updated, again.returned) == ((), (), ())
    assert desk.verify_log().ok


def test_known_events_open_no_work_order_even_where_the_lowest_level_does(session):
    desk = _taught(session)
    alerts = _alerts(session)
    assert set(desk.orders_of_alerts()) == {alerts[LOOK_ALIKE]["id"]}


def test_an_event_that_is_disabled_gives_its_open_alerts_their_level_back_at_once(session):
    desk = _taught(session)
    before = _alerts(session)
    desk.alerts.close(before[AGAIN[0]]["id"], "Ben", "unknown")
    desk.known.disable(1, "Ben")
    after = _alerts(session)
    assert after[AGAIN[0]]["level"] == "info"  # closed: what was judged stays
    for place in AGAIN[1:]:
        assert after[place]["level"] == after[FIRST]["level"]
        assert after[place]["message"].startswith("V-1 left its forecast")
    session.raise_alerts()
    assert {place: row["state"] for place, row in _alerts(session).items() if row["state"] == "closed"} == {
        FIRST: "closed",
        AGAIN[0]: "closed",
    }
    desk.known.enable(1, "Ben")
    session.raise_alerts()
    assert {_alerts(session)[place]["level"] for place in AGAIN[1:]} == {"info"}


def test_an_event_that_is_removed_is_gone_and_its_alerts_are_judged_as_before(session):
    desk = _taught(session)
    desk.known.remove(1, "Ben")
    assert desk.known.list().empty
    assert "info" not in {row["level"] for row in _alerts(session).values()}
    session.raise_alerts()
    assert "info" not in {row["level"] for row in _alerts(session).values()}
    history = desk.log(subject="known:1")
    assert history["action"].tolist()[::-1] == ["added", "taught", "learnt", "removed"]


def test_a_smaller_bound_takes_alerts_back_and_none_learns_it_again(session):
    desk = _taught(session)
    assert desk.known.set_bound(1, "Ben", 0.001).bound_from == "set by a person"
    assert "info" not in {row["level"] for row in _alerts(session).values()}
    assert desk.known.set_bound(1, "Ben", None).bound == 0.5
    session.raise_alerts()
    assert _alerts(session)[AGAIN[0]]["level"] == "info"


def test_the_verdict_on_a_recognised_alert_is_one_more_repetition_and_narrows_the_bound(session):
    desk = _taught(session)
    desk.alerts.close(_alerts(session)[AGAIN[0]]["id"], "Ann", "known behaviour")
    (event,) = desk.known.list().to_dict(orient="records")
    use = desk.known.uses(1).iloc[-1]
    assert (event["repetitions"], event["bound_from"]) == (2, "2 repetitions")
    assert event["bound"] == pytest.approx(max(0.05, 2 * use["distance"]), rel=0.1)
    session.raise_alerts()
    assert _alerts(session)[AGAIN[1]]["level"] == "info"


def test_a_recognised_alert_that_was_a_real_fault_narrows_the_bound_below_it(session):
    desk = _taught(session)
    use = desk.known.uses(1).sort_values("distance").iloc[0]
    desk.alerts.close(int(use["alert"]), "Ann", "true")
    assert desk.known.get(1).bound == pytest.approx(0.9 * use["distance"])
    assert "info" not in {row["level"] for row in _alerts(session).values() if row["state"] != "closed"}, (
        "the others lie further away, and have their level back at once"
    )
    session.raise_alerts()
    assert "info" not in set(session.maintenance.alerts.list(state="open")["level"])


def test_the_event_is_learnt_from_the_verdict_of_a_work_order(session):
    _only(session, FIRST)
    desk = session.maintenance
    order = desk.orders.from_alerts([1], "Ann", checklist=(), skills=())
    desk.people.set("Ann", "Ann")
    desk.orders.assign(order.number, "Ann", "Ann")
    desk.orders.start(order.number, "Ann")
    desk.orders.complete(order.number, "Ann", hours=1, done="Purged", verdict="test")
    assert desk.known.list()["state"].tolist() == ["active"]


def test_an_event_whose_only_verdict_was_changed_gives_its_alerts_their_level_back_at_once(session):
    desk = _taught(session)
    with desk.database.writing() as db:  # as where the anomaly has grown: its alert opens again
        row = db.get_one(AlertRow, 1)
        row.closed_at = row.closed_by = row.verdict = None
        row.state = state_of(row)
    desk.alerts.close(1, "Ben", "true", "It was a leak")
    assert desk.known.list().empty
    assert {_alerts(session)[place]["level"] for place in AGAIN} == {_alerts(session)[FIRST]["level"]}


def test_known_events_stay_open_where_alerts_are_closed_together_as_real_faults(session):
    desk = _taught(session)
    alerts = _alerts(session)
    numbers = [alerts[place]["id"] for place in (AGAIN[0], LOOK_ALIKE)]
    outcome = desk.alerts.each("close", numbers, "Ann", verdict="Real fault")
    assert outcome["done"].tolist() == [False, True]
    assert "is the known event Purge of the line and stays open" in outcome["reason"].iloc[0]
    assert desk.known.get(1).bound == 0.5, "the verdict on the fault says nothing of the event"
    assert desk.alerts.each("close", numbers[:1], "Ann", verdict="test")["done"].all()


def test_an_alert_that_is_closed_already_is_no_fault_beside_a_known_event(session):
    desk = _taught(session)
    alerts = _alerts(session)
    known, other = (alerts[place]["id"] for place in (AGAIN[0], LOOK_ALIKE))
    desk.alerts.close(other, "Ann", "true")
    outcome = desk.alerts.each("close", [known, other], "Ann", verdict="true")
    assert outcome["done"].tolist() == [True, False]
    assert "closed" in outcome["reason"].iloc[1]


@pytest.mark.parametrize(
    ("samples", "height", "expected"), [(30, 1.0, False), (75, 1.0, True), (75, 10.0, False), (75, -1.0, False)]
)
def test_an_event_that_still_runs_is_said_to_be_like_a_known_one_and_keeps_its_level(
    session, samples, height, expected
):
    desk = _taught(session)
    anomaly = session.stored_anomalies("V-1").iloc[1:2]
    (whole,) = anomaly_findings(session.channel("V-1"), session.stored("V-1"), anomaly)
    end = whole.start_sample + samples  # of 125; its telemetry moves during the first 60
    finding = replace(whole, end_sample=end - 1, ongoing=True)
    running = _channel(_telemetry(1, [(AGAIN[0], height)])).isel(time=slice(0, end))
    (said,) = desk.known.recogniser().recognise(running, [finding])
    assert (said.known, said.level) == (None, whole.level)
    words = " So far it is like the known event Purge of the line; whether it is one is known when it is over."
    assert said.message == whole.message + (words if expected else "")


def test_telemetry_in_other_units_is_not_compared(session):
    desk = _taught(session)
    changed = _channel(_telemetry(1, [(AGAIN[0], 1.0)]), units="kPa")
    finding = anomaly_findings(changed, session.stored("V-1"), session.stored_anomalies("V-1").iloc[1:2])
    assert desk.known.recogniser().recognise(changed, finding)[0].known is None
    same_units = _channel(_telemetry(1, [(AGAIN[0], 1.0)]))
    assert desk.known.recogniser().recognise(same_units, finding)[0].known is not None


def test_the_shape_survives_the_removal_and_import_of_its_channel(session):
    desk = _taught(session)
    session.remove_channels("V-1")
    assert desk.known.list()["state"].tolist() == ["active"]
    without_valve = 3000
    session.archive.write(
        _channel(_telemetry(0)), _channel(_telemetry(1, [(without_valve, 1.0), (AGAIN[2], 1.0), (LOOK_ALIKE, 1.0)]))
    )
    session.train()
    session.score_all()
    session.raise_alerts()
    alerts = desk.alerts.list(state="open", order="channel").sort_values("start_sample")
    assert ["Known event" in message for message in alerts["message"]] == [False, True, True]


# ---- command line


def _run(session, *words, code=0):
    result = CliRunner().invoke(app, ["--home", str(session.settings.home), *words])
    assert result.exit_code == code, result.output
    return result.output


def test_the_command_line_lists_shows_and_changes_events(session, monkeypatch):
    monkeypatch.setenv("WORKBENCH_ALERTS__LEAST_LEVEL", "low")
    _only(session, FIRST)
    assert "No known events. To teach one" in _run(session, "known", "list")
    words = _run(session, "alerts", "close", "1", "--verdict", "test", "--comment", "Purge", "--who", "Ann")
    assert "workbench known list" in words
    session.raise_alerts()
    (event,) = json.loads(_run(session, "known", "list", "--json"))
    assert (event["id"], event["name"], event["applied"], event["created_by"]) == (1, "Purge", 3, "Ann")
    assert "Purge of V-1" not in _run(session, "known", "rename", "1", "Purge of the line", "--who", "Ben")
    shown = _run(session, "known", "show", "1")
    assert "Purge of the line" in shown
    assert "renamed" in shown
    assert len(json.loads(_run(session, "known", "show", "1", "--json"))["uses"]) == 3
    assert "now ago" not in _run(session, "known", "list")
    assert "is disabled" in _run(session, "known", "disable", "1")
    assert "is active" in _run(session, "known", "enable", "1")
    assert "bound 0.20 (set by a person)" in _run(session, "known", "bound", "1", "0.2")
    assert "bound 0.50 (1 repetition)" in _run(session, "known", "bound", "1")
    assert "is removed: Purge of the line" in _run(session, "known", "remove", "1")
    assert "No known events" in _run(session, "known", "list")


def test_a_verdict_on_an_asset_or_a_limit_says_that_it_teaches_nothing(session, monkeypatch):
    monkeypatch.setenv("WORKBENCH_ALERTS__LEAST_LEVEL", "low")
    _only(session, FIRST)
    with session.maintenance.database.writing() as db:
        db.get_one(AlertRow, 1).kind = "asset"
    words = _run(session, "alerts", "close", "1", "--verdict", "known behaviour", "--who", "Ann")
    assert "This verdict teaches no known event: only one on an anomaly of a channel does." in words
    assert "No known events" in _run(session, "known", "list")


def test_wrong_input_of_the_command_line_is_named(session):
    _taught(session)
    for words, message in {
        ("show", "7"): "There is no known event 7",
        ("bound", "1", "3"): "the bound",
        ("bound", "1", "nan"): "the bound",
        ("rename", "1", " "): "The name of the event is empty",
        ("learn", "1"): "is a repetition of known event 1 already",
        ("learn", "2"): "is open and teaches no known event",
        ("learn", "99"): "There is no alert 99",
    }.items():
        output = _run(session, "known", *words, code=2)
        assert message.lower() in output.lower()
        assert "Traceback" not in output


def test_a_known_event_is_one_of_its_asset_whichever_channel_is_looked_at(session):
    random = np.random.default_rng(7)
    session.archive.write(*(_channel(random.normal(0, 1, N), channel="V-2") for _ in range(2)))
    session.train(["V-2"])
    session.score_all()
    session.train_asset("Xaver")
    session.assets.score_all(["Xaver"])
    desk = _taught(session)
    of_asset = desk.alerts.list(state=None, kind="asset", order="oldest")
    known = of_asset[of_asset["message"].str.startswith("Known event: Purge of the line")]
    assert len(known) >= 2 and set(known["level"]) == {"info"}
    alone = session.raise_alerts(["V-2"], ["Xaver"]).raised  # as live telemetry does
    assert (alone.raised, alone.updated, alone.returned, alone.reopened) == ((), (), (), ())
