"""Retention: what is too old goes, the rest stays what it is, and scores go on as if nothing had gone."""

import json
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import workbench as wb
from tests.homes import copy_of
from workbench.cli.app import app
from workbench.detection import incremental
from workbench.exceptions import DetectionError, SettingsError
from workbench.telemetry.archiving import publishing
from workbench.telemetry.schema import make_channel

START = pd.Timestamp("2024-01-01")
DAY = 1440
N, TRAINED = 14 * DAY, 2 * DAY
NOW = datetime(2024, 1, 15, tzinfo=UTC)
VALUES = np.sin(np.arange(N + DAY) / 25) + np.random.default_rng(0).normal(0, 0.02, N + DAY)
for _start in range(3 * DAY + 700, N, 2 * DAY):
    VALUES[_start : _start + 40] += 1.5


def series(begin: int, end: int, name: str = "A-1"):
    time = (START + pd.to_timedelta(np.arange(begin, end), "min")).to_numpy()
    return make_channel(VALUES[begin:end], time=time, channel=name, asset="Pump", source="test")


def make_daily_home(home: Path) -> None:
    """Make a home whose channel came day by day: two days to learn from, and twelve that are scored."""
    with wb.open(home=home) as session:
        session.archive.write(series(0, TRAINED), series(TRAINED, 3 * DAY))
        for day in range(3, 14):
            session.archive.extend([((day - 2) * DAY, series(day * DAY, (day + 1) * DAY))])
            session.archive.seal()
        session.train()
        session.score("A-1")


@pytest.fixture
def home(tmp_path, tmp_path_factory):
    return copy_of("daily", make_daily_home, tmp_path_factory, tmp_path / "home")


def opened(home: Path, **retention):
    session = wb.open(home=home, retention=retention)
    session.clock = lambda: NOW
    return session


def anomalies_with_times(session):
    scored = session.stored("A-1")
    times = session.channel("A-1")["time"].values
    return [
        (times[int(start)], times[int(end)], level) for start, end, level, *_ in json.loads(scored.attrs["anomalies"])
    ]


def test_nothing_goes_where_the_settings_say_nothing(home):
    with opened(home) as session:
        table = session.retain()
        assert table[["status", "samples"]].to_numpy().tolist() == [["kept", 0]]
        assert table["days"].isna().all()
        assert session.archive.info("A-1").n_test == N - TRAINED


def test_a_dry_run_says_what_would_go_and_changes_nothing(home):
    with opened(home, days=10) as session:
        stamp = session.archive.index.stamp()
        (row,) = session.retain(dry_run=True).to_dict(orient="records")
        assert (row["status"], row["samples"], row["days"]) == ("to remove", 2 * DAY, 10)
        assert row["until"] == pd.Timestamp("2024-01-04T23:59", tz="UTC")
        assert session.archive.index.stamp() == stamp


def test_what_is_left_keeps_its_times_values_and_anomalies(home):
    with opened(home, days=10) as session:
        whole, before = session.channel("A-1").load(), anomalies_with_times(session)
        train_hash = session.archive.info("A-1").train_hash
        assert session.retain()["status"].tolist() == ["removed"]
        left = session.channel("A-1").load()
        assert left.equals(whole.isel(time=slice(2 * DAY, None)))
        assert session.archive.info("A-1").train_hash == train_hash
        assert anomalies_with_times(session) == [row for row in before if row[0] >= left["time"].values[0]]
        assert len(before) > len(anomalies_with_times(session)) > 2
        assert session.overview()["state"].tolist() == ["current"]
        assert session.retain()["samples"].tolist() == [0]
        assert session.archive.rebuild_index() == []
        session.archive.check_deeply("A-1", "test")
        assert session.channel("A-1").load().equals(left)
        envelope = session.archive.envelope("A-1", "test", 0, left.sizes["time"], 1)
        assert envelope.maximum[0] == left["telemetry"].values.max()


def test_scores_go_on_as_if_nothing_had_gone(home, tmp_path_factory, tmp_path):
    twin = copy_of("daily", make_daily_home, tmp_path_factory, tmp_path / "twin")
    with opened(home, days=10) as session, opened(twin) as other:
        session.retain()
        removed = 2 * DAY
        for one, gone in ((session, removed), (other, 0)):
            one.archive.extend([(N - TRAINED - gone, series(N, N + DAY))])
            one.score("A-1")
        found, expected = session.stored("A-1").load(), other.stored("A-1").load()
        behind = expected.isel(time=slice(expected.sizes["time"] - found.sizes["time"], None))
        for name in ("prediction", "smoothed_error", "epsilon", "time"):
            np.testing.assert_array_equal(found[name].values, behind[name].values)
        np.testing.assert_array_equal(found["sample"].values + removed, behind["sample"].values)
        rows = anomalies_with_times(other)
        assert anomalies_with_times(session) == [row for row in rows if row[0] >= found["time"].values[0]]
        session.archive.seal()
        session.archive.check_score_deeply("A-1", "ridge.workbench")
        again = session.stored("A-1")
        np.testing.assert_array_equal(again["sample"].values, found["sample"].values)
        assert session.archive.rebuild_index() == []
        np.testing.assert_array_equal(session.stored("A-1")["prediction"].values, found["prediction"].values)


def test_what_a_label_or_an_open_alert_refers_to_stays(home):
    with opened(home, days=8) as session:
        label = pd.DataFrame({"start": [DAY + 10], "end": [DAY + 20], "kind": ["point"]})
        session.archive.set_labels("A-1", label)
        (row,) = session.retain(dry_run=True).to_dict(orient="records")
        assert row["samples"] == DAY
        assert "a label refers to them" in row["reason"]
        session.raise_alerts()
        (row,) = session.retain(dry_run=True).to_dict(orient="records")
        first = session.maintenance.alerts.list(state="open")["first_at"].min()
        assert first > pd.Timestamp("2024-01-03").value
        assert row["until"].value < first
        session.retain()
        assert session.archive.labels("A-1")["start"].tolist() == [10]


def test_old_files_do_not_bring_back_what_was_removed(home, tmp_path):
    file = tmp_path / "export.csv"
    numbers = np.arange(3 * DAY, N + 100)
    pd.DataFrame({"time": START + pd.to_timedelta(numbers, "min"), "A-1": VALUES[numbers].astype(np.float32)}).to_csv(
        file, index=False
    )
    with opened(home, days=10) as session:
        session.retain()
        before = session.channel("A-1")["time"].values[0]
        report = session.import_data(file, asset="Pump")
        (row,) = report.channels
        assert row.channel == "A-1"
        assert f"{DAY:,} samples skipped: retention has removed those of that time" in row.note
        left = session.channel("A-1")
        assert left["time"].values[0] == before
        assert left.sizes["time"] == N + 100 - 4 * DAY


def test_a_channel_without_times_stays_and_says_why(tmp_path):
    with opened(tmp_path / "home", days=1) as session:
        plain = make_channel(VALUES[:3000], channel="B-1", asset="Pump")
        session.archive.write(plain, plain)
        (row,) = session.retain().to_dict(orient="records")
        assert (row["status"], row["reason"]) == ("kept", "its samples have no times")


@pytest.mark.parametrize(
    ("retention", "key"),
    [({"days": 0}, "retention.days"), ({"hours": 3}, "retention.hours"), ({"assets": {"P": -1}}, "retention.assets.P")],
)
def test_a_wrong_setting_is_named(retention, key, tmp_path):
    with pytest.raises(SettingsError, match=key):
        wb.open(home=tmp_path / "home", retention=retention)


def test_an_asset_has_its_own_days(home):
    with opened(home, days=10, assets={"Pump": None}) as session:
        assert session.retain()["status"].tolist() == ["kept"]


def test_files_go_once_no_channel_needs_them(home, monkeypatch):
    monkeypatch.setattr(publishing, "_KEPT_SECONDS", -1.0)
    with opened(home, days=10) as session:
        archive = session.archive
        archive.seal()
        gone = [piece.folder for piece in archive.index.pieces("A-1", "test")[1:2]]
        kept = [piece.folder for piece in archive.index.pieces("A-1", "test")[2:]]
        session.retain()
        assert [folder for folder in gone if (archive.path / folder).exists()] == []
        assert all((archive.path / folder).exists() for folder in kept)
        assert archive.faults() == []


def test_what_is_left_is_explained_as_before(home, caplog):
    """But for what was found from samples that are gone, or hangs together with it."""
    with opened(home, days=10) as session:
        before = session.explain("A-1").set_index("start_at")
        session.retain()
        assert session.stored("A-1").attrs["removed_samples"] == 2880
        after = session.explain("A-1").set_index("start_at")
        assert 3 <= len(after) < len(before)
        assert "cannot be explained: retention has removed samples" in caplog.text
        expected = before.loc[after.index]
        rows = ["start", "end", "window_start", "window_end", "left_at", "smoothed_error_at", "prediction_error_at"]
        assert (expected[rows] - after[rows] == 2880).all(axis=None)
        figures = expected.select_dtypes("float").columns
        np.testing.assert_allclose(after[figures], expected[figures], rtol=1e-9)
        texts = ["level", "found_from", "windows", "clears", "commands", "end_at"]
        assert after[texts].equals(expected[texts])


def test_where_nothing_that_is_left_can_be_explained_the_way_out_is_named(home, monkeypatch):
    monkeypatch.setattr(incremental, "_WARM_SPANS", 10_000)
    with opened(home, days=1) as session:
        session.retain()
        with pytest.raises(DetectionError, match=r"of A-1 cannot be explained: retention has removed") as raised:
            session.explain("A-1")
        assert "workbench score A-1 --force" in raised.value.hint
        session.score("A-1", force=True)
        assert len(session.explain("A-1")) > 0
        session.archive.check_score_deeply("A-1", "ridge.workbench")


def test_the_command_says_what_goes(home, monkeypatch, tmp_path):
    (tmp_path / "workbench.yaml").write_text(f"home: {home}\nretention:\n  days: 10\n")
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(app, ["channels", "retain", "--dry-run"])
    assert result.exit_code == 0
    assert "would go" in result.output


def test_what_lies_before_the_training_span_goes_too_and_stays_away(tmp_path):
    """A channel of three days before its training span; a new span and a file with everything bring nothing back."""
    numbers = np.arange(N)
    frame = pd.DataFrame({"time": START + pd.to_timedelta(numbers, "min"), "B": VALUES[:N].astype(np.float32)})
    with opened(tmp_path / "home", days=12) as session:
        for day in range(14):
            file = tmp_path / f"{day}.csv"
            frame.iloc[day * DAY : (day + 1) * DAY].to_csv(file, index=False)
        session.import_data(
            [tmp_path / "0.csv", tmp_path / "1.csv", tmp_path / "2.csv", tmp_path / "3.csv", tmp_path / "4.csv"],
            asset="Pump",
            train_from="2024-01-03",
            train_until="2024-01-04",
        )
        (row,) = session.retain().to_dict(orient="records")
        assert (row["status"], row["samples"]) == ("removed", 2 * DAY)
        assert session.archive.open_before("B") is None
        session.split(["B"], "2024-01-04 12:00", train_from="2024-01-03 12:00")
        assert session.archive.open_before("B").sizes["time"] == DAY // 2
        frame.iloc[: 6 * DAY].to_csv(tmp_path / "all.csv", index=False)
        (brought,) = session.import_data(tmp_path / "all.csv", asset="Pump").channels
        assert "2,880 samples skipped" in brought.note
        assert session.archive.open_before("B")["time"].values[0] == np.datetime64("2024-01-03")
        assert session.channel("B")["time"].values[-1] == np.datetime64("2024-01-06T23:59")
