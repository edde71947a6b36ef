import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from conftest import wave_channel

from tests.models.fakes import ScriptedForecaster
from workbench.exceptions import ChannelNotFoundError, ForecasterError, ModelError, ModelNotFoundError
from workbench.models.comparison import Contender
from workbench.models.drift import ks_distance
from workbench.models.life import DRIFT_COLUMNS, MODEL_COLUMNS, ModelLife
from workbench.models.registry import Registry
from workbench.models.training import train_channels
from workbench.parameters import DriftLimits
from workbench.telemetry.archive import Archive

Scripted = type[ScriptedForecaster]
NAME = "X-1.scripted"


@pytest.fixture
def life(tiny_archive: Archive, empty_registry: Registry) -> ModelLife:
    return ModelLife(tiny_archive, empty_registry, DriftLimits(), lambda: datetime.now(UTC) + timedelta(hours=1))


def add(life: ModelLife, error: float, seed: int = 0) -> None:
    """Register a version of X-1 that errs by so much, as challenger where there is a champion."""
    ScriptedForecaster.errors = {"X-1": error}
    train_channels(life.archive, life.registry, ["X-1"], "scripted", seed=seed, force=True)


def champion(life: ModelLife) -> int:
    return life.registry.champion("X-1").version


def test_a_listing_tells_age_size_and_metrics(life: ModelLife, scripted: Scripted) -> None:
    assert life.list().columns.tolist() == [*MODEL_COLUMNS, "validation_error"]
    add(life, 0.5)
    (row,) = life.list("X-1").to_dict("records")
    assert (row["model"], row["aliases"], row["validation_error"], row["retrain"]) == (f"{NAME}/1", "champion", 0.5, "")
    assert 3600 <= row["age"] < 3700
    assert row["size"] == sum(path.stat().st_size for path in life.registry.champion("X-1").path.iterdir())


def test_training_again_is_proposed_until_there_is_a_version_of_the_present_data(
    life: ModelLife, scripted: Scripted
) -> None:
    add(life, 0.1)
    life.archive.write(wave_channel("X-1", seed=9), wave_channel("X-1", 3000, 1))
    assert life.list()["retrain"].tolist() == ["its training data have changed"]
    assert "its training data have changed" in life.drift(["X-1"]).at[0, "reason"]
    add(life, 0.5)
    assert life.list()["retrain"].tolist() == ["", ""]
    assert champion(life) == 1


def test_a_version_of_the_present_data_can_be_promoted_over_one_of_others(life: ModelLife, scripted: Scripted) -> None:
    add(life, 0.1)
    with pytest.raises(ModelError, match="champion already"):
        life.promote(NAME, 1, anyway=True)
    life.archive.write(wave_channel("X-1", seed=9), wave_channel("X-1", 3000, 1))
    assert life.list()["promote"].tolist() == [""]
    ScriptedForecaster.errors = {"X-1": 0.5}
    command = f"workbench models promote {NAME} 2 --anyway"
    for _ in range(2):  # trained, and then current
        (reason,) = train_channels(life.archive, life.registry, ["X-1"], "scripted")["reason"]
        assert reason.startswith(f"not better than the champion {NAME}/1") and reason.endswith(command)
    assert life.list()["promote"].tolist() == [command, ""]
    with pytest.raises(ModelError, match="is not better"):
        life.promote(NAME, 2)
    assert f"{NAME}/2 is champion; {NAME}/1 learned from other training data" in str(life.promote(NAME, 2, anyway=True))
    assert (champion(life), life.list()["promote"].tolist()) == (2, ["", ""])
    life.rollback(NAME)
    assert life.list()["promote"].tolist() == ["", ""], "somebody has chosen the old one"


def test_only_a_better_version_is_promoted(life: ModelLife, scripted: Scripted) -> None:
    add(life, 0.5)
    add(life, 0.75, seed=1)
    with pytest.raises(
        ModelError, match=rf"{NAME}/2 is not better .* {NAME}/1: error 0.75 against 0.5 on \d+ held-out"
    ):
        life.promote(NAME, 2)
    life.registry.set_alias(NAME, 2, "champion")
    done = life.promote(NAME, 1)
    assert str(done).startswith(f"{NAME}/1 is champion: error 0.5 on ")
    assert champion(life) == 1
    with pytest.raises(ModelError, match="champion already"):
        life.promote(NAME, 1)
    with pytest.raises(ModelNotFoundError, match="no version '7'"):
        life.promote(NAME, "7")


def test_both_are_judged_on_windows_that_both_held_out(life: ModelLife, scripted: Scripted) -> None:
    add(life, 0.5, seed=0)
    add(life, 0.25, seed=1)
    life.registry.rollback(NAME)
    train, train_hash = life.archive.open("X-1", "train"), life.archive.info("X-1").train_hash
    sets = [
        set(Contender.load(life.registry, info).held_out(train, train_hash).tolist()) for info in life.registry.list()
    ]
    done = life.promote(NAME, 2)
    assert done.verdict is not None and done.verdict.samples == len(sets[0] & sets[1]) < len(sets[0]) == 188
    other = Contender.load(life.registry, done.model).held_out(train, "another series")
    assert other.tolist() == list(range(250, 1190))


def test_too_few_windows_in_common_are_not_compared(life: ModelLife, scripted: Scripted) -> None:
    life.archive.write(wave_channel("X-1", 330), wave_channel("X-1", 3000, 1))  # 14 of 70 windows are held out
    add(life, 0.5, seed=0)
    add(life, 0.25, seed=1)
    assert champion(life) == 1
    with pytest.raises(ModelError, match=r"cannot be compared .* samples in common. Train it with the champion's seed"):
        life.promote(NAME, 2)
    table = life.compare("X-1").set_index("model")
    assert table.at[f"{NAME}/1", "held_out_error"] == pytest.approx(0.5)
    assert "held-out samples in common with the others" in table.at[f"{NAME}/2", "reason"]
    add(life, 0.25, seed=0)
    assert champion(life) == 3


def test_a_champion_that_cannot_predict_gives_way(life: ModelLife, scripted: Scripted) -> None:
    add(life, 0.5)
    add(life, 0.75, seed=1)
    (life.registry.champion("X-1").path / "manifest.json").unlink()
    life.registry.cache.clear()
    assert "cannot predict the present training data" in str(life.promote(NAME, 2))
    assert "manifest.json is missing" in life.compare("X-1").set_index("model").at[f"{NAME}/1", "reason"]


def test_rollback_goes_back_version_by_version(life: ModelLife, scripted: Scripted) -> None:
    for error in (0.5, 0.4, 0.3):
        add(life, error)
    assert champion(life) == 3
    again = ModelLife(life.archive, Registry(life.registry.location.folder), life.limits, life.clock)
    assert [again.rollback(NAME).version, again.rollback(NAME).version, champion(life)] == [2, 1, 1]
    with pytest.raises(ModelError, match=f"{NAME}/1 cannot be rolled back: no version was champion before it"):
        again.rollback(NAME)
    with pytest.raises(ModelNotFoundError, match=r"There is no model 'Q-1\.ridge'"):
        again.rollback("Q-1.ridge")
    assert life.promote(NAME, 3).model.version == 3
    assert life.rollback(NAME).version == 1


def test_a_comparison_puts_all_forecasters_side_by_side(life: ModelLife) -> None:
    for forecaster in ("persistence", "ridge"):
        train_channels(life.archive, life.registry, ["X-1"], forecaster)
    table = life.compare("X-1")
    errors = {info.id: info.metrics["validation_error"] for info in life.registry.list("X-1")}
    assert table["model"].tolist() == sorted(errors, key=errors.__getitem__)
    assert table["held_out_error"].tolist() == pytest.approx(sorted(errors.values()))  # the same seed and windows
    assert table["samples"].tolist() == [188, 188]
    with pytest.raises(ModelNotFoundError, match="workbench train X-2"):
        life.compare("X-2")
    with pytest.raises(ChannelNotFoundError):
        life.compare("Q-9")


def test_drift_is_told_by_limits_and_never_trained(life: ModelLife) -> None:
    train_channels(life.archive, life.registry, ["X-1", "X-2"], "ridge")
    assert life.drift().columns.tolist() == list(DRIFT_COLUMNS)
    assert life.drift()["status"].tolist() == ["ok", "ok"]  # X-1's spike is an anomaly, no drift
    noise = wave_channel("X-2", 3000, 3).copy(deep=True)
    noise["telemetry"] += 2 + np.random.default_rng(0).normal(0, 0.2, 3000).astype(np.float32)
    life.archive.write(wave_channel("X-2", seed=2), noise)
    row = life.drift(["X-2"]).loc[0]
    assert row["status"] == "retrain" and row["ks"] > 0.99 and row["error_ratio"] > 3
    assert "times that of training; the telemetry has moved (KS distance 1.00)" in row["reason"]
    assert len(life.registry.list("X-2")) == 1
    life.limits = DriftLimits(ks=1, error_ratio=1e9)
    assert life.drift(["X-2"]).at[0, "status"] == "ok"


def test_drift_is_computed_once_and_anew_where_what_was_kept_is_damaged(
    life: ModelLife, monkeypatch: pytest.MonkeyPatch
) -> None:
    train_channels(life.archive, life.registry, ["X-1", "X-2"], "ridge")
    expected = life.drift()
    kept = life.archive.path.with_name("drift.sqlite")
    computed: list[int] = []
    monkeypatch.setattr(
        "workbench.models.life.ks_distance", lambda train, test: computed.append(len(test)) or ks_distance(train, test)
    )

    def again() -> pd.DataFrame:
        computed.clear()
        fresh = ModelLife(life.archive, life.registry, life.limits, life.clock)
        table = fresh.drift()
        fresh.close()
        return table

    pd.testing.assert_frame_equal(again(), expected)
    assert computed == []
    with closing(sqlite3.connect(kept)) as connection, connection:
        connection.execute("UPDATE drift SET figures = replace(figures, '0.', '1.') WHERE channel = 'X-1'")
    pd.testing.assert_frame_equal(again(), expected)
    assert computed == [3000]
    for content in (b"no database", kept.read_bytes()[:5000]):
        kept.write_bytes(content)
        pd.testing.assert_frame_equal(again(), expected)
        assert computed == [3000, 3000]
    pd.testing.assert_frame_equal(again(), expected)
    train_channels(life.archive, life.registry, ["X-2"], "persistence")
    assert again()["model"].tolist() == ["X-1.ridge/1", "X-2.ridge/1"]
    assert computed == []


def test_a_channel_without_a_model_fails_alone(life: ModelLife) -> None:
    train_channels(life.archive, life.registry, ["X-2"], "persistence")
    table = life.drift()
    assert table["status"].tolist() == ["failed", "ok"]
    assert "workbench train X-1" in table.at[0, "reason"]


def test_a_version_that_does_not_fit_the_channel_is_not_promoted(life: ModelLife) -> None:
    train_channels(life.archive, life.registry, ["X-1"], "persistence")
    with life.registry.client() as client:
        client.delete_registered_model_alias("X-1.persistence", "champion")
    life.archive.write(wave_channel("X-1", 100), wave_channel("X-1", 3000, 1))
    with pytest.raises(ForecasterError, match="X-1 has 100 samples"):
        life.promote("X-1.persistence", 1)


def test_the_last_champion_that_is_not_retired_serves_again(life: ModelLife, scripted: Scripted) -> None:
    for error in (0.5, 0.4, 0.3, 0.2):
        add(life, error)
    assert str(life.retire(NAME, 3)) == f"{NAME}/3 is retired; it was not champion."
    assert champion(life) == 4
    assert life.retire(NAME, "champion").champion == life.registry.get(NAME, 2)
    assert champion(life) == 2
    assert [info.retired for info in life.registry.list("X-1")] == [False, False, True, True]
    assert life.promote(NAME, 4).model.retired is False
    assert champion(life) == 4
    assert life.rollback(NAME).version == 2


def test_retiring_ends_where_two_versions_replaced_each_other(life: ModelLife, scripted: Scripted) -> None:
    for error in (0.5, 0.4):
        add(life, error)
    life.registry.set_alias(NAME, 1, "champion")  # replaces 2, which had replaced 1
    assert life.retire(NAME, 2).champion == life.registry.get(NAME, 1)
    with pytest.raises(ModelError, match=f"{NAME}/1 cannot be rolled back: version 2 is retired"):
        life.rollback(NAME)
    assert life.retire(NAME, 1).champion is None
    with pytest.raises(ModelNotFoundError, match="no champion model"):
        life.registry.champion("X-1")
