import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from conftest import wave_channel

import workbench as wb
from workbench.detection.anomalies import detect
from workbench.exceptions import (
    ChannelNotFoundError,
    ForecasterError,
    ImportDataError,
    LabelError,
    ModelNotFoundError,
    SettingsError,
)
from workbench.scores import OVERVIEW_COLUMNS
from workbench.telemetry.schema import make_channel


@pytest.fixture
def session(trained_home: Path) -> Iterator[wb.Session]:
    """A session over the tiny archive with a trained ridge for each channel."""
    opened = wb.open(home=trained_home)
    opened.clock = lambda: datetime(2026, 1, 1, tzinfo=UTC)
    yield opened
    opened.close()


def test_a_score_is_what_its_model_and_detect_give(session):
    scored = session.score("X-1")
    model = session.registry.load(session.registry.champion("X-1"))
    channel = session.channel("X-1", "test")
    prediction = model.predict(channel)
    np.testing.assert_array_equal(scored["prediction"], prediction)
    params = session.settings.params.model_copy(update={"sequence_length": 120})  # a tenth of 1,200 training samples
    found = detect(channel["telemetry"].values, prediction, params)
    np.testing.assert_allclose(scored["epsilon"], found.epsilon, rtol=1e-6)
    np.testing.assert_allclose(scored["smoothed_error"], found.smoothed_error, rtol=1e-6)
    anomalies = session.anomalies("X-1")
    assert anomalies[["start", "end", "severity"]].equals(found.anomalies)
    assert scored.attrs["model"] == "X-1.ridge/1"
    assert scored["sample"].values.tolist() == list(range(120, 2990))
    xr.testing.assert_equal(scored["time"].drop_vars("sample"), channel["time"][120:2990])


def test_the_spike_is_found_and_the_normal_channel_is_quiet(session):
    found = session.anomalies("X-1")
    assert ((found["start"] <= 2039) & (found["end"] >= 2000)).sum() == 1
    assert list(found.columns) == ["start", "end", "severity", "level", "provisional", "found_by", "words"]
    assert session.anomalies("X-2").empty


def test_what_is_current_is_not_computed_again(session, monkeypatch):
    first = session.score("X-1").load()

    def never(*args: object) -> None:
        raise AssertionError("computed again")

    monkeypatch.setattr("workbench.scores.continue_score", never)
    xr.testing.assert_identical(session.score("X-1").load(), first)
    assert wb.open(home=session.settings.home).score_all(["X-1"])["status"].tolist() == ["current"]
    with pytest.raises(AssertionError, match="computed again"):
        session.score("X-1", force=True)


def state(session: wb.Session, channel: str) -> tuple[str, str]:
    row = session.overview().set_index("channel").loc[channel]
    return row["state"], row["reason"]


def test_what_is_stale_says_so_and_why(session):
    assert state(session, "X-1") == ("missing", "not scored yet")
    session.score_all()
    assert state(session, "X-1") == ("current", "")
    session.train("X-1", force=True)
    assert state(session, "X-1") == ("current", "")  # the same model again is not better: the champion stays
    session.registry.set_alias("X-1.ridge", 2, "champion")
    assert state(session, "X-1") == ("stale", "made with X-1.ridge/1, now X-1.ridge/2")
    session.score_all()
    assert state(session, "X-1") == ("current", "")
    session.archive.write(wave_channel("X-1"), wave_channel("X-1", 3000, 7))
    assert state(session, "X-1") == ("stale", "the telemetry has changed")
    session.score_all()
    changed = wb.open(home=session.settings.home, presets={"workbench": {"min_decrease": 0.2}})
    assert state(changed, "X-1") == ("stale", "the preset's parameters have changed")


def test_the_overview_counts_what_the_anomalies_are(session):
    session.score_all()
    overview = session.overview()
    assert tuple(overview.columns) == OVERVIEW_COLUMNS
    row = overview.set_index("channel").loc["X-1"]
    found = session.anomalies("X-1")
    assert row["anomalies"] == len(found)
    assert row["severity"] == found["severity"].max()
    assert row["level"] == session.settings.severity.level(row["severity"])
    assert row["flagged"] == pytest.approx((found["end"] - found["start"] + 1).sum() / 3000)
    quiet = overview.set_index("channel").loc["X-2"]
    assert (quiet["anomalies"], quiet["level"], quiet["flagged"]) == (0, "", 0.0)
    assert np.isnan(quiet["severity"])


def test_a_channel_without_a_model_fails_alone(session):
    session.archive.write(wave_channel("X-3"), wave_channel("X-3", 3000, 5))
    table = session.score_all().set_index("channel")
    assert table["status"].to_dict() == {"X-1": "scored", "X-2": "scored", "X-3": "failed"}
    assert "workbench train X-3" in table.loc["X-3", "reason"]
    assert state(session, "X-3") == ("missing", "no model")
    with pytest.raises(ModelNotFoundError):
        session.score("X-3")


def test_a_model_whose_inputs_do_not_fit_fails_alone(session):
    wide = [make_channel(s["telemetry"].values, np.zeros((s.sizes["time"], 3), np.int8), channel="X-1", asset="XAVER")
            for s in (wave_channel("X-1"), wave_channel("X-1", 3000, 5))]  # fmt: skip
    session.archive.write(*wide)
    table = session.score_all().set_index("channel")
    assert table["status"].to_dict() == {"X-1": "failed", "X-2": "scored"}
    assert (
        "X-1 has 4 inputs (telemetry and 3 commands). The ridge forecaster was fitted to 2."
        in table.at["X-1", "reason"]
    )
    drifted = session.models.drift().set_index("channel")
    assert drifted["status"].to_dict() == {"X-1": "failed", "X-2": "ok"}
    assert session.train("X-1")["alias"].tolist() == ["champion"]  # the old one cannot predict at all


def test_parameters_of_a_forecaster_can_be_given_and_are_checked(session):
    table = session.train("X-1", "ridge", prediction_horizon=5)
    assert session.registry.get(*table.at[0, "model"].split("/")).parameters["prediction_horizon"] == "5"
    with pytest.raises(ForecasterError, match=r"ridge has no parameter 'trainer'. Known: sequence_length, "):
        session.train("X-1", "ridge", trainer="keras")


def test_several_processes_give_the_same_scores(session):
    alone = session.score_all(force=True)
    together = wb.open(home=session.settings.home, workers=2).score_all(force=True)
    assert together["channel"].tolist() == alone["channel"].tolist()
    for one, other in zip(alone["anomalies"], together["anomalies"], strict=True):
        pd.testing.assert_frame_equal(one, other)


def test_the_champion_is_the_forecaster_with_the_least_error(session):
    session.train(forecaster="persistence")
    chosen = session.score("X-1").attrs["model"]
    errors = {m.id: m.metrics["validation_error"] for m in session.registry.list("X-1")}
    assert chosen == min(errors, key=errors.__getitem__)
    assert session.score("X-1", "persistence").attrs["model"] == "X-1.persistence/1"


def test_evaluation_judges_the_labelled_channels(session, tmp_path):
    result = session.evaluate()
    row = result.rows.set_index("group").loc["all"]
    assert (row["true_positives"], row["false_negatives"]) == (1, 0)
    assert list(result.channels["channel"]) == ["X-1", "X-2"]
    assert {"flag everything", "flag the middle half", "persistence"} == set(result.baselines["baseline"])
    file = tmp_path / "labels.csv"
    file.write_text(
        'chan_id,spacecraft,anomaly_sequences,class,num_values\nX-1,XAVER,"[[300, 310]]",[point],3000\n',
        encoding="utf-8",
    )
    row = session.evaluate(file).rows.set_index("group").loc["all"]
    assert (row["true_positives"], row["false_negatives"]) == (0, 1)
    assert json.loads(json.dumps(session.evaluate().to_json_dict()))["rows"]


def test_channels_without_labels_are_named_as_not_judged(session):
    session.archive.write(wave_channel("X-3"), wave_channel("X-3", 3000, 5))
    assert session.evaluate().unjudged == {"X-3": "no labels"}


def test_unknown_names_are_refused(session):
    with pytest.raises(ChannelNotFoundError, match="Unknown channel 'X-9'"):
        session.score_all(["X-1", "X-9"])
    with pytest.raises(SettingsError, match=r"no preset 'mine'. Known: paper"):
        session.score("X-1", preset="mine")
    with pytest.raises(ImportDataError, match=r"no layout 'xls'. Known: "):
        session.import_data("file", "xls")
    session.archive.write(wave_channel("X-1"), wave_channel("X-1", 2000, 5))
    session.archive.write(wave_channel("X-2"), wave_channel("X-2", 2000, 5))
    with pytest.raises(LabelError, match="No channel of the archive is labelled"):
        session.evaluate()


def test_the_windows_of_a_preset_are_those_of_training_not_of_scoring(session):
    other = wb.open(home=session.settings.home, preset="short", presets={"short": {"sequence_length": 100}})
    assert other.score("X-1")["sample"].values[[0, -1]].tolist() == [120, 2989]
    assert other.train("X-2")["status"].tolist() == ["trained"]
    newest = other.registry.list("X-2")[-1]
    assert (newest.parameters["sequence_length"], newest.parameters["prediction_horizon"]) == ("100", "10")


def test_an_empty_workbench_says_how_to_begin(tmp_path):
    session = wb.open(home=tmp_path / "none")
    assert session.overview().empty
    assert session.channels().empty
    assert "import_demo" in session._repr_html_()
    with pytest.raises(ChannelNotFoundError, match="workbench run"):
        session.score_all()
    assert not (tmp_path / "none").exists()


def test_session_and_channel_show_themselves(session):
    html = session._repr_html_()
    assert "2 channels of XAVER (2)" in html and "2 missing" in html and "session.score_all()" in html
    html = session.channel("X-1")._repr_html_()
    assert "<b>X-1</b> (XAVER / X): 3,000 samples from sample 0 to sample 2,999, 1 command" in html
    assert "session.anomalies('X-1')" in html
    assert "telemetry" in html, "xarray's own view follows"
    assert isinstance(session.channel("X-1").isel(time=slice(0, 10)), xr.Dataset)


def test_a_channel_says_the_longest_gap_of_the_settings_for_its_charts(session, monkeypatch):
    assert "max_gap_seconds" not in session.channel("X-1").attrs
    monkeypatch.setattr(session, "settings", session.settings.model_copy(update={"max_gap_seconds": 90.0}))
    assert session.channel("X-1").attrs["max_gap_seconds"] == 90.0


def test_opening_loads_neither_tensorflow_nor_mlflow(session):
    session.score_all()
    code = (
        "import sys, workbench as wb;"
        "assert not {'xarray', 'pandas', 'numpy', 'pydantic'} & set(sys.modules);"
        f"s = wb.open(home={str(session.settings.home)!r}); s.channel('X-1').load(); s.overview(); s.score('X-1');"
        "s.registry.load(s.registry.champion('X-1'));"
        "bad = {'tensorflow', 'keras', 'mlflow', 'bokeh', 'torch', 'onnx'} & set(sys.modules); assert not bad, bad"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)


def test_channels_recorded_together_make_one_span_in_which_their_asset_was_watched(tmp_path):
    with wb.open(home=tmp_path) as session:
        for number, (first, length) in enumerate([(0, 60), (0, 60), (50, 30), (200, 10)]):
            minutes = np.datetime64("2026-01-01") + np.arange(first, first + length) * np.timedelta64(1, "m")
            times = minutes[:5] - np.timedelta64(30, "D"), minutes
            values = np.arange(length)
            train, test = (make_channel(values[: len(t)], time=t, channel=f"X-{number}", asset="A") for t in times)
            session.archive.write(train, test)
        spans = session.watched()
    begin = pd.Timestamp("2026-01-01", tz="UTC")
    minute = pd.Timedelta(minutes=1)
    minutes = [((row.start - begin) / minute, (row.end - begin) / minute) for row in spans.itertuples()]
    assert minutes == [(0, 79), (200, 209)]  # the sensors' minutes 0 to 59, 50 to 79 and 200 to 209
