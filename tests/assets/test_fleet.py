"""Assets of a home from training to alerts, with the real archive, registry and maintenance database."""

import json

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import workbench as wb
from tests.plants import write_plant
from workbench.cli import app
from workbench.detection.asset import AssetPCA, fit_blocks
from workbench.exceptions import ArchiveError, ChannelNotFoundError, DetectionError, ModelNotFoundError
from workbench.jobs.deep_check import examine_deeply
from workbench.models.listing import ASSET_KIND
from workbench.telemetry.schema import make_channel

_DAYS = ("2026-01-01", "2026-03-01")


@pytest.fixture
def session(tmp_path):
    write_plant(tmp_path)
    with wb.open(home=tmp_path) as opened:
        yield opened


def test_an_asset_is_trained_scored_explained_and_raises_an_alert_once(session):
    (row,) = session.train_asset("Pump-1").to_dict("records")
    assert (row["status"], row["model"], row["alias"]) == ("trained", "Pump-1.pca/1", "champion")
    assert (row["channels"], row["training_samples"]) == (4, 800)
    scored = session.score_asset("Pump-1")
    ((start, end, severity),) = json.loads(scored.attrs["anomalies"])
    assert (start, end) == (600, 639)
    assert (scored["q"].values[600:640] > 1).all()
    assert (scored["q"].values[:600] < 1).all()
    (why,) = session.explain_asset("Pump-1").to_dict("records")
    assert (why["start"], why["end"], why["severity"]) == (start, end, severity)
    assert next(iter(why["contributions"])) == "P-2"
    assert why["text"].startswith("Pump-1: channels moved apart ")
    assert why["start_at"] == "2026-01-03T10:00:00"
    assert why["record"] < why["bound"] < why["distance"]

    outcome = session.raise_alerts()
    (alert,) = session.maintenance.alerts.list(kind="asset").to_dict("records")
    assert (alert["channel"], alert["asset"], alert["start_sample"], alert["end_sample"]) == (
        "Pump-1",
        "Pump-1",
        600,
        639,
    )
    assert alert["level"] == session.settings.severity.level(severity) == why["level"]
    assert alert["message"].startswith("Pump 1 left normal operation at 2026-01-03 10:00 UTC: channels moved apart ")
    assert "P-2 " in alert["message"]
    assert len(outcome.raised.raised) == 1
    assert session.raise_alerts().raised.raised == ()
    assert "Pump-1" not in session.vanished()


def test_what_is_current_is_neither_trained_nor_scored_again(session):
    session.train_asset()
    assert session.train_asset()["status"].tolist() == ["current"]
    assert session.assets.score_all()["status"].tolist() == ["scored"]
    assert session.assets.score_all()["status"].tolist() == ["current"]
    assert session.assets.score_all(force=True)["status"].tolist() == ["scored"]
    assert session.train_asset("Pump-1", lags=0)["model"].tolist() == ["Pump-1.pca/2"]
    (row,) = session.assets.overview().to_dict("records")
    assert (row["state"], row["reason"]) == ("stale", "made with Pump-1.pca/1, now Pump-1.pca/2")
    assert session.assets.score_all()["status"].tolist() == ["scored"]


def test_new_telemetry_makes_score_and_model_stale(session, tmp_path):
    session.train_asset()
    session.score_asset("Pump-1")
    write_plant(tmp_path, seed=5)
    with wb.open(home=tmp_path) as again:
        assert again.assets.overview()["reason"].tolist() == ["the telemetry has changed"]
        assert again.models.list()["retrain"].tolist() == ["its training data have changed"]
        (failure,) = again.raise_alerts().failed
        assert failure == (
            "Pump-1",
            "The stored score of Pump-1 is older than its telemetry. Run: workbench score Pump-1",
        )
        assert again.train_asset()["model"].tolist() == ["Pump-1.pca/2"]
        assert again.assets.score_all()["status"].tolist() == ["scored"]
        assert again.assets.overview()["state"].tolist() == ["current"]


def test_a_model_by_an_earlier_method_is_said_and_trained_again(session, tmp_path, monkeypatch):
    """Models of the first method had no version of it, and Q in standard deviations of the channels."""

    def fitted(series, **parameters):
        model = fit_blocks(series, **parameters)
        del model.parameters["method"]
        return model

    monkeypatch.setattr("workbench.assets.fleet.fit_blocks", fitted)
    session.train_asset()
    monkeypatch.undo()
    with wb.open(home=tmp_path) as again:
        assert again.models.list()["retrain"].tolist() == ["the method has changed"]
        (row,) = again.assets.score_all().to_dict("records")
        assert row["status"] == "failed"
        assert "asset.json is of version 1 of the method, expected 2. Train the asset again." in row["reason"]
        assert again.train_asset()["model"].tolist() == ["Pump-1.pca/2"]
        assert again.assets.score_all()["status"].tolist() == ["scored"]
        assert again.models.list()["retrain"].tolist() == ["", ""]


def test_models_of_assets_are_listed_promoted_rolled_back_and_retired_like_others(session):
    session.train_asset()
    session.train_asset(lags=1)
    assert session.models.list()["model"].tolist() == ["Pump-1.pca/1", "Pump-1.pca/2"]
    assert session.registry.list() == []  # those of channels
    assert str(session.models.promote("Pump-1.pca", 1)) == "Pump-1.pca/1 is champion in place of Pump-1.pca/2."
    assert session.models.rollback("Pump-1.pca").id == "Pump-1.pca/2"
    assert session.models.retire("Pump-1.pca", 2).champion is not None
    session.models.retire("Pump-1.pca", 1)
    with pytest.raises(ModelNotFoundError, match="Asset 'Pump-1' has no pca champion"):
        session.score_asset("Pump-1")
    (row,) = session.train_asset().to_dict("records")
    assert row["reason"] == "it is retired; use it again: workbench models promote Pump-1.pca 1"
    assert AssetPCA.name == ASSET_KIND


def test_a_model_with_a_changed_file_is_not_loaded(session):
    session.train_asset()
    (info,) = session.registry.list(forecaster=ASSET_KIND)
    (info.path / "asset.json").write_text("{}")
    (row,) = session.assets.score_all().to_dict("records")
    assert row["status"] == "failed"
    assert "asset.json has 2 bytes" in row["reason"]


def test_one_bad_asset_does_not_stop_the_others(session, tmp_path):
    write_plant(tmp_path, "Valve-1")
    one = make_channel(np.arange(50.0), channel="L-1", asset="Lonely")
    session.archive.write(one, one)
    table = session.train_asset(["Pump-1", "Lonely", "Nope", "Valve-1"])
    assert table["status"].tolist() == ["trained", "failed", "failed", "trained"]
    assert table["reason"].tolist()[1].startswith("Lonely has 1 channel, of which 1 can be read.")
    assert session.assets.names() == ["Lonely", "Pump-1", "Valve-1"]
    session.assets.score_all()
    session.assets.store._file("Pump-1").write_bytes(b"broken")
    outcome = session.raise_alerts()
    assert outcome.failed == ()
    assert session.maintenance.alerts.list(kind="asset")["channel"].tolist() == ["Valve-1"]
    assert session.assets.score_all()["status"].tolist() == ["scored", "current"]


def test_a_damaged_channel_is_left_out_and_said(session, monkeypatch):
    session.train_asset()

    def check(name, split):
        if name == "P-3":
            raise ArchiveError("P-3 is damaged.", "Import it again.")

    monkeypatch.setattr(session.archive, "check", check)
    scored = session.score_asset("Pump-1")
    assert scored.attrs["left_out"] == "without P-3: P-3 is damaged. Import it again."
    assert [row[:2] for row in json.loads(scored.attrs["anomalies"])] == [[600, 639]]
    monkeypatch.undo()
    assert session.assets.score_all()["status"].tolist() == ["scored"]  # the channel is there again


def test_channels_that_an_asset_does_not_judge_are_named(session):
    wave, still = np.sin(np.arange(400) / 9), np.full(400, 5.0)
    january, march = (np.datetime64(day, "ns") + np.arange(400) * np.timedelta64(60, "s") for day in _DAYS)

    def write(name, values, time):
        channel = make_channel(values, time=time, channel=name, asset=name.split("-")[0])
        session.archive.write(channel, channel)

    for name, values, time in (
        ("Flat-1", still, january),
        ("Flat-2", still, january),
        ("Apart-1", wave, january),
        ("Apart-2", wave, march),
        ("Mixed-1", wave, january),
        ("Mixed-2", still, january),
    ):
        write(name, values, time)
    reasons = {
        "Flat": "no channel is judged; not judged: Flat-1, Flat-2 (constant or missing in training)",
        "Apart": "not judged: Apart-2 (without a value at the times of Apart-1)",
        "Mixed": "not judged: Mixed-2 (constant or missing in training)",
        "Pump-1": "",
    }
    table = session.train_asset()
    assert dict(zip(table["asset"], table["reason"], strict=True)) == reasons
    for _ in ("computed", "read again"):
        scores = session.assets.score_all()
        assert dict(zip(scores["asset"], scores["reason"], strict=True)) == reasons
    write("Mixed-3", wave, january)
    note = session.score_asset("Mixed").attrs["left_out"]
    assert note == f"{reasons['Mixed']}; not judged: Mixed-3 (later than the model)"


def test_a_channel_and_an_asset_of_one_name_are_kept_apart(session):
    values = np.sin(np.arange(1200) / 9)
    channel = make_channel(values, channel="Pump-1", asset="Pump-1")
    session.archive.write(channel, channel)
    with pytest.raises(DetectionError, match="has sample numbers"):
        session.score_asset("Pump-1")
    assert session.train("Pump-1", "persistence")["model"].tolist() == ["Pump-1.persistence/1"]
    session.train_asset()
    assert {info.forecaster for info in session.registry.list("Pump-1")} == {"persistence"}
    assert session.score("Pump-1").attrs["forecaster"] == "persistence"


def test_removing_the_last_channel_of_an_asset_takes_its_model_and_alerts_along(session):
    session.train_asset()
    session.score_asset("Pump-1")
    session.raise_alerts()
    session.remove_channels(asset="Pump-1")
    assert session.models.list()["aliases"].tolist() == ["retired"]
    assert not len(session.maintenance.alerts.list(state="open"))
    assert session.vanished() == {}
    with pytest.raises(ChannelNotFoundError, match="Unknown asset 'Pump-1'"):
        session.score_asset("Pump-1")


def test_the_commands_take_assets(session, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path))

    def run(*arguments):
        return CliRunner().invoke(app, list(arguments))

    assert "no pca champion" in run("score", "Pump-1").output
    (row,) = json.loads(run("train", "Pump-1", "--json").stdout)
    assert (row["channel"], row["model"]) == ("Pump-1", "Pump-1.pca/1")
    assert run("train", "--all", "--forecaster", "pca").exit_code == 0
    assert "not an asset" in run("train", "P-1", "--forecaster", "pca").output
    outcome = run("score", "Pump-1")
    assert outcome.exit_code == 0, outcome.output
    assert "1 asset, 1 anomaly." in outcome.output
    assert "1 alert raised" in outcome.output
    outcome = run("explain", "Pump-1")
    assert outcome.exit_code == 0, outcome.output
    assert "Pump-1: 1 anomaly of the asset as a whole." in outcome.output
    assert "detected by    Pump-1.pca/1" in outcome.output
    assert "channels       P-2 " in outcome.output
    (row,) = json.loads(run("explain", "Pump-1", "--json").stdout)
    assert (row["start"], row["end"]) == (600, 639)
    assert run("train", "P-0", "P-1", "--forecaster", "persistence").exit_code == 0
    outcome = run("score", "--all")
    assert outcome.exit_code == 1  # two channels have no model
    assert "2 channels, 1 asset, " in outcome.output
    assert "Pump-1.pca/1" in run("models").output
    assert "Unknown channel 'Nope'" in run("score", "Nope", "Pump-1").output


def test_the_stored_score_is_what_was_computed(session):
    session.train_asset()
    scored = session.score_asset("Pump-1")
    stored = session.assets.stored("Pump-1")
    assert stored is not None
    for name in ("t_squared", "q"):
        np.testing.assert_array_equal(stored[name].values, scored[name].values)
    pd.testing.assert_index_equal(stored.indexes["time"], scored.indexes["time"])
    assert stored.attrs["explained"] == scored.attrs["explained"]
    assert session.assets.stored("Nope") is None


def test_every_flipped_byte_of_a_stored_score_is_harmless_or_seen(session):
    """The score is computed anew then; a digit of an anomaly's place was believed."""
    session.train_asset("Pump-1")
    score = session.score_asset("Pump-1")
    (file,) = (session.settings.home / "asset_scores").glob("*.safetensors")
    sound, store = file.read_bytes(), session.assets.store
    assert store.damaged() == {}
    place = sound.index(b"[[600, 639")
    places = [place + 2, place + 4, sound.index(b'"sha256"') + 2, *range(0, len(sound), 97)]
    for place in places:
        file.write_bytes(sound[:place] + bytes([sound[place] ^ 1]) + sound[place + 1 :])
        read = store.read("Pump-1")
        assert read is None or read.identical(score), place
        assert (store.attributes("Pump-1") or score.attrs)["anomalies"] == score.attrs["anomalies"], place
        assert bool(store.damaged()) == (read is None), place
    file.write_bytes(sound.replace(b"[[600, 639", b"[[500, 639"))
    (fault,) = [one for one in examine_deeply(session) if one.what == "score of an asset"]
    assert fault.state == "broken"
    assert "Pump-1.safetensors: its attributes are not those that were written" in fault.found
    session.score_asset("Pump-1")
    assert store.damaged() == {}


def test_a_longest_gap_makes_a_model_of_its_own_which_its_scores_follow(tmp_path, monkeypatch):
    write_plant(tmp_path)
    with wb.open(home=tmp_path) as plain:
        assert plain.train_asset("Pump-1")["status"].tolist() == ["trained"]
        before = plain.score_asset("Pump-1")
    monkeypatch.setenv("WORKBENCH_MAX_GAP_SECONDS", "7200")
    with wb.open(home=tmp_path) as session:
        assert session.train_asset("Pump-1")["model"].tolist() == ["Pump-1.pca/2"]
        assert session.train_asset("Pump-1")["status"].tolist() == ["current"]
        (newest,) = [info for info in session.registry.list("Pump-1", ASSET_KIND) if info.version == 2]
        assert newest.parameters["max_gap_seconds"] == "7200.0"
        scored = session.score_asset("Pump-1")
        assert scored.attrs["model"] == "Pump-1.pca/2"
        np.testing.assert_allclose(scored["q"], before["q"], rtol=1e-6)  # the plant has no gaps
    monkeypatch.delenv("WORKBENCH_MAX_GAP_SECONDS")
    with wb.open(home=tmp_path) as again:
        assert again.train_asset("Pump-1")["model"].tolist() == ["Pump-1.pca/1"]
