"""Known events in the database of either kind: what teaches them, what waits, and what people change."""

import importlib
import pkgutil

import numpy as np
import pytest

from tests.maintenance.conftest import downgrade
from workbench.exceptions import ArchiveError, ConflictError, MaintenanceError
from workbench.maintenance import log
from workbench.maintenance.alerts.alerts import Alerts
from workbench.maintenance.alerts.known.events import KnownEvents
from workbench.maintenance.database import Database
from workbench.maintenance.migrations import versions
from workbench.maintenance.options import AlertOptions
from workbench.telemetry.schema import make_channel

N = 3000
PLACES = (600, 1200, 1800)


def _channel(values, units=""):
    return make_channel(values, np.zeros((len(values), 0), np.int8), channel="P-1", asset="SMAP", units=units)


class Splits:
    """The splits of P-1, which can be taken away."""

    def __init__(self):
        random = np.random.default_rng(0)
        values = random.normal(0, 0.02, N)
        for place in PLACES:
            values[place : place + 40] += np.hanning(40)
        self.test, self.train = _channel(values), _channel(random.normal(0, 0.02, N))
        self.error = None

    def __call__(self, channel, split):
        assert channel == "P-1"
        if self.error is not None:
            raise self.error
        return self.test if split == "test" else self.train


@pytest.fixture
def splits():
    return Splits()


@pytest.fixture
def alerts(database, splits):
    return Alerts(database, known=KnownEvents(database, splits=splits))


@pytest.fixture
def anomalies(finding):
    """Findings at the three events, after which all is normal again."""
    return [finding(start_sample=place, end_sample=place + 39, ongoing=False) for place in PLACES]


def _raise(alerts, splits, findings):
    recognised = alerts.known.recogniser().recognise(splits.test, findings)
    return alerts.raise_findings([("P-1", "model")], recognised)


def _taught(alerts, splits, anomalies, comment="Antenna test"):
    alerts.raise_findings([], anomalies[:1])
    alerts.close(1, "Ann", "test", comment)
    _raise(alerts, splits, anomalies)


def test_a_verdict_teaches_an_event_that_is_named_after_its_comment(alerts, splits, anomalies):
    _taught(alerts, splits, anomalies)
    event = alerts.known.get(1)
    assert (event.name, event.state, event.samples, event.bound, event.created_by) == (
        "Antenna test",
        "active",
        60,  # 40 and 10 of context on each side
        0.5,
        "Ann",
    )
    assert alerts.list(state=None, order="oldest")["level"].tolist() == ["high", "info", "info"]
    actions = log.entries(alerts.database, subject="known:1")["action"].tolist()[::-1]
    assert actions == ["added", "taught", "learnt"]


@pytest.mark.parametrize("verdict", ["true", "false alarm", "unknown"])
def test_other_verdicts_teach_nothing(alerts, anomalies, verdict):
    alerts.raise_findings([], anomalies)
    alerts.close(1, "Ann", verdict)
    assert alerts.known.list().empty


def test_an_alert_of_a_limit_teaches_nothing(alerts, finding):
    alerts.raise_findings([], [finding(kind="limit")])
    alerts.each("close", [1], "Ann", verdict="test")
    assert alerts.known.list().empty
    with pytest.raises(MaintenanceError, match="is of a limit"):
        alerts.known.learn(1, "Ann")


def test_names_of_a_channel_are_told_apart(alerts, anomalies):
    alerts.raise_findings([], anomalies)
    alerts.each("close", [1, 2], "Ann", verdict="test", comment="Test\nof the dish")
    alerts.close(3, "Ann", "known behaviour")
    assert alerts.known.list()["name"].tolist() == ["Test", "Test (2)", "known behaviour of P-1"]


def test_an_event_waits_for_telemetry_that_cannot_be_read(alerts, splits, anomalies):
    splits.error = ArchiveError("P-1 is damaged.")
    _taught(alerts, splits, anomalies)
    assert (alerts.known.get(1).state, alerts.known.get(1).bound) == ("waiting", None)
    assert "info" not in set(alerts.list(state=None)["level"])
    splits.error = None
    _raise(alerts, splits, anomalies)
    assert alerts.known.get(1).state == "active"
    assert alerts.list(state="open")["level"].tolist() == ["info", "info"]


def test_an_anomaly_without_shape_is_kept_as_unusable_and_says_why(alerts, splits, anomalies):
    splits.test = _channel(np.ones(N))
    _taught(alerts, splits, anomalies)
    event = alerts.known.get(1)
    assert event.state == "unusable"
    assert "has no shape to recognise" in event.reason
    assert log.entries(alerts.database, subject="known:1")["action"].iloc[0] == "not learnt"


def test_what_waits_without_an_archive_is_learnt_with_one(database, splits, anomalies):
    without = Alerts(database)
    without.raise_findings([], anomalies)
    without.close(1, "Ann", "test")
    assert without.known.list()["state"].tolist() == ["waiting"]
    assert KnownEvents(database, splits=splits).list()["state"].tolist() == ["active"]


def test_changed_units_or_period_are_not_compared(alerts, splits, anomalies):
    _taught(alerts, splits, anomalies)
    recogniser = alerts.known.recogniser()
    values = splits.test["telemetry"].values
    seconds = np.datetime64("2026-01-01", "ns") + np.arange(N) * np.timedelta64(1, "s")
    dated = make_channel(values, np.zeros((N, 0), np.int8), time=seconds, channel="P-1", asset="SMAP")
    for changed, expected in ((_channel(values), True), (_channel(values, "V"), False), (dated, False)):
        assert (recogniser.recognise(changed, anomalies[1:2])[0].known is not None) == expected


def test_known_findings_stay_alerts_where_the_least_level_is_higher(database, splits, anomalies):
    options = AlertOptions(least_level="medium")
    alerts = Alerts(database, options, known=KnownEvents(database, options, splits))
    _taught(alerts, splits, anomalies)
    assert alerts.list(state="open")["level"].tolist() == ["info", "info"]


def test_a_verdict_that_teaches_nothing_withdraws_what_the_alert_has_taught(alerts, splits, anomalies, finding):
    _taught(alerts, splits, anomalies)
    grown = finding(start_sample=600, end_sample=900, level="critical", ongoing=False)
    assert _raise(alerts, splits, [grown, *anomalies[1:]]).reopened == (1,)
    alerts.close(1, "Ben", "true")
    assert alerts.known.list().empty
    assert log.entries(alerts.database, subject="known:1")["action"].tolist()[:2] == ["removed", "shape withdrawn"]


def _revision_before():
    """Return the revision of the database before there were known events."""
    (name,) = (module.name for module in pkgutil.iter_modules(versions.__path__) if "known_events" in module.name)
    return importlib.import_module(f"{versions.__name__}.{name}").down_revision


def test_a_closed_alert_of_before_is_taught_when_a_person_asks(database, url, clock, splits, anomalies):
    old = Alerts(database)
    old.raise_findings([], anomalies)
    old.each("close", [1, 2], "Ann", verdict="known behaviour", comment="Dish moves")
    old.close(3, "Ann", "true")
    downgrade(database, _revision_before())
    later = Database(url, clock)
    known = KnownEvents(later, splits=splits)
    assert known.list().empty
    assert known.learn(1, "Ben").name == "Dish moves"
    assert known.learn(2, "Ben", event=1).repetitions == 2
    for number, words in (
        (1, "is a repetition of known event 1"),
        (3, "is closed as true"),
        (9, "There is no alert 9"),
    ):
        with pytest.raises(MaintenanceError, match=words):
            known.learn(number, "Ben")
    later.close()


def test_two_people_at_once_do_not_overwrite_each_other(alerts, splits, anomalies):
    _taught(alerts, splits, anomalies)
    seen = alerts.known.get(1).version
    alerts.known.rename(1, "Ann", "Dish test", version=seen)
    with pytest.raises(ConflictError, match="was changed in between"):
        alerts.known.set_bound(1, "Ben", 0.2, version=seen)


def test_an_alert_with_the_shape_of_two_events_is_the_nearer_one(alerts, splits, anomalies):
    alerts.raise_findings([], anomalies)
    alerts.close(1, "Ann", "test", "First")
    alerts.close(2, "Ann", "test", "Second")
    alerts.known.set_bound(1, "Ann", 2.0)
    alerts.known.set_bound(2, "Ann", 0.5)
    (match,) = (one.known for one in alerts.known.recogniser().recognise(splits.test, anomalies[2:]))
    assert match.name == "First"  # a quarter as far in its own bound


def test_a_corrected_verdict_takes_back_what_it_has_taught_and_its_open_alerts(alerts, splits, anomalies):
    _taught(alerts, splits, anomalies)
    assert alerts.list(state="open", order="oldest")["level"].tolist() == ["info", "info"]
    alerts.correct(1, "Ben", "true", "the dish was broken")
    assert alerts.known.list().empty
    assert alerts.list(state="open", order="oldest")["level"].tolist() == ["high", "high"]
    assert alerts.labels()["P-1"][["start", "end"]].to_numpy().tolist() == [[PLACES[0], PLACES[0] + 39]]
    actions = log.entries(alerts.database, subject="known:1")["action"].tolist()
    assert actions == ["removed", "shape withdrawn", "learnt", "taught", "added"]


def test_a_verdict_corrected_to_known_behaviour_teaches(alerts, splits, anomalies):
    alerts.raise_findings([], anomalies[:1])
    alerts.close(1, "Ann", "true", "broken")
    outcome = alerts.each("correct", [1], "Ben", verdict="known behaviour", why="Antenna test")
    assert outcome["done"].all()
    assert (alerts.known.get(1).name, alerts.known.get(1).state) == ("Antenna test", "active")
    _raise(alerts, splits, anomalies)
    assert alerts.list(state="open")["level"].tolist() == ["info", "info"]
    assert alerts.labels() == {}
