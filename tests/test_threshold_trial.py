"""Other thresholds, tried: what appears, vanishes and stays."""

import pytest

from tests.detection.envelope.test_course import FIXED, LEVELS, quiet, scored_with, split
from tests.fake_session import FakeSession
from workbench.detection.anomalies import detect
from workbench.parameters import TelemanomParams
from workbench.threshold_trial import detect_anew, try_thresholds

PLAIN = TelemanomParams()


class Fixed(FakeSession):
    """Scores stay what they were when it was made; alerts are those that the plain thresholds find."""

    def __init__(self, spans):
        super().__init__(spans)
        self.kept = {name: FakeSession.stored(self, name) for name in spans}
        for name, score in self.kept.items():
            if score is not None:
                found = detect(self.data[name]["telemetry"].values, score["prediction"].values, PLAIN).anomalies
                self.spans[name] = [
                    (int(start), int(end), severity)
                    for start, end, severity in found[["start", "end", "severity"]].to_numpy().tolist()
                ]

    def stored(self, name):
        return self.kept[name]


@pytest.fixture
def fixed():
    return Fixed({"P-1": [(2149, 2349, 2.0)], "A-2": [(900, 950, 1.0)], "E-4": None})


def tried(session, params, progress=None):
    return try_thresholds(
        session.maintenance, list(session.spans), session.channel, session.stored, session.levels, params, progress
    )


def test_the_same_thresholds_keep_every_alert(fixed):
    done = []
    trial = tried(fixed, PLAIN, done.append)
    assert set(trial.table["outcome"]) == {"stays"}
    assert len(trial.table) == len(fixed.maintenance.alerts.list())
    assert trial.channels == 2
    assert done == [1, 2, 3]


def test_thresholds_out_of_reach_make_every_alert_vanish(fixed):
    trial = tried(fixed, PLAIN.model_copy(update={"min_decrease": 0.999}))
    alerts = fixed.maintenance.alerts.list()
    assert set(trial.table["outcome"]) == {"vanishes"}
    assert sorted(trial.table["start"]) == sorted(alerts["start_sample"])
    assert "0 would appear" in str(trial)
    assert f"{len(alerts)} would vanish" in str(trial)


def test_what_no_alert_overlaps_appears_and_closed_alerts_are_no_alerts(fixed):
    desk = fixed.maintenance
    desk.alerts.each("close", desk.alerts.list()["id"], "Ada", verdict="false alarm")
    trial = tried(fixed, PLAIN)
    assert set(trial.table["outcome"]) == {"appears"}
    assert trial.effect.kept == len(trial.table)
    assert "judged" in str(trial)


def test_a_wider_envelope_spares_what_it_found_and_without_one_the_forecast_is_alone():
    train, test = split(quiet(2000, 1), 0), split(quiet(3000, 2), 2000)
    test["telemetry"][100] += 25
    score = scored_with(train, test)
    splits = {"train": train, "test": test}

    def starts(**changes):
        params = FIXED.model_copy(update=changes)
        stored, read = {"X-1": score}.get, lambda _name, which: splits[which]
        return detect_anew(["X-1"], read, stored, LEVELS, params)[0]["X-1"]["start"].tolist()

    assert starts() == [100]
    assert starts(envelope_width=50.0) == starts(envelope="none") == []


def test_a_trial_holds_what_exceeds_the_envelope_that_was_tried():
    session = Fixed({"P-1": [(2149, 2349, 2.0)]})
    train = session.channel("P-1", "train")
    session.data["P-1"] = spiked = session.data["P-1"].copy(deep=True)
    spiked["telemetry"][1000] += 100
    splits = {"train": train, "test": spiked}
    params = PLAIN.model_copy(update={"envelope": "fixed"})
    trial = try_thresholds(
        session.maintenance, ["P-1"], lambda _, which: splits[which], session.stored, session.levels, params
    )
    above = next(event for event in trial.events["P-1"] if event.feature == "above")
    lowest, highest = (float(value) for value in (train["telemetry"].min(), train["telemetry"].max()))
    assert (above.start, above.peak_at) == (1000, 1000)
    assert above.bound == pytest.approx(2.01 * (highest - lowest), rel=1e-5)  # twice the record and 0.01 of the range
    assert tried(session, PLAIN).events == {}
