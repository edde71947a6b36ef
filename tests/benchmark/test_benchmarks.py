"""Benchmarks run by their protocols: on small data in their forms, whose figures are counted by hand."""

import json
import math
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import workbench as wb
from workbench.benchmark.blind import flag_everything, mean_of_random, moved_at_random
from workbench.benchmark.nab import read_series, run_nab
from workbench.benchmark.run import run_benchmark
from workbench.benchmark.series import BenchmarkRun, write_series
from workbench.benchmark.skab import PointCounts, count_points, read_experiments, run_skab
from workbench.cli import app
from workbench.exceptions import ImportDataError, SettingsError

SENSORS = ("Pressure", "Current")


def experiment(path: Path, fault: slice, seed: int = 0) -> None:
    """Write 600 rows of two sensors that move together but in the fault."""
    random = np.random.default_rng(seed)
    swing = np.sin(np.arange(600) / 15)
    table = pd.DataFrame({"datetime": pd.date_range("2020-03-09", periods=600, freq="s")})
    table["Pressure"] = swing + random.normal(0, 0.02, 600)
    table["Current"] = swing + random.normal(0, 0.02, 600)
    table.loc[table.index[fault], "Pressure"] *= -3
    table["anomaly"] = 0.0
    table.loc[table.index[fault], "anomaly"] = 1.0
    table["changepoint"] = 0.0
    path.parent.mkdir(parents=True, exist_ok=True)
    table.to_csv(path, sep=";", index=False)


@pytest.fixture
def skab(tmp_path: Path) -> Path:
    """Two experiments and a file without labels."""
    folder = tmp_path / "skab"
    experiment(folder / "valve1" / "0.csv", slice(480, 520))
    experiment(folder / "valve1" / "10.csv", slice(450, 480), 1)
    experiment(folder / "valve1" / "2.csv", slice(500, 560), 2)
    unlabelled = pd.read_csv(folder / "valve1" / "0.csv", sep=";").drop(columns=["anomaly", "changepoint"])
    (folder / "anomaly-free").mkdir()
    unlabelled.to_csv(folder / "anomaly-free" / "anomaly-free.csv", sep=";", index=False)
    return folder


def test_points_and_events_by_hand():
    truth = np.zeros(100, dtype=bool)
    truth[20:40] = truth[60:70] = True
    counts = count_points(np.array([[30, 49], [80, 84]]), truth)
    assert counts == PointCounts(
        hits=10, false_alarms=15, misses=20, normal=70, events=2, events_found=1, false_events=1
    )
    figures = counts.figures()
    assert figures["f1"] == 2 * 10 / (2 * 10 + 15 + 20)
    assert figures["false_alarm_rate_%"] == pytest.approx(100 * 15 / 70)
    assert figures["missing_alarm_rate_%"] == pytest.approx(100 * 20 / 30)


def test_experiments_are_those_with_labels_in_the_order_of_their_numbers(skab: Path) -> None:
    experiments = read_experiments(skab)
    assert [one.name for one in experiments] == ["valve1/0", "valve1/2", "valve1/10"]
    assert experiments[0].sensors == SENSORS
    assert np.flatnonzero(experiments[0].truth).tolist() == list(range(80, 120))


def test_a_fault_of_a_whole_asset_is_found_and_flagging_everything_shows_what_f1_is_worth(skab: Path) -> None:
    report = run_skab(skab)
    measured = report.measured.iloc[0]
    assert (measured["events"], measured["events_found"], measured["false_events"]) == (3, 3, 0)
    everything = report.gaming.set_index("detector").loc["flag everything"]
    # 40 + 60 + 30 of 600 judged points are anomalous.
    assert everything["f1"] == pytest.approx(2 * 130 / (2 * 130 + 470))
    assert (everything["false_alarm_rate_%"], everything["missing_alarm_rate_%"]) == (100, 0)
    assert measured["f1"] > everything["f1"]


def test_sequences_at_random_places_keep_their_lengths_and_stay_in_their_series():
    predicted = {"A": pd.DataFrame({"start": [0, 50], "end": [9, 99]})}
    random = np.random.default_rng(0)
    for _ in range(200):
        moved = moved_at_random(predicted, {"A": 100}, random)["A"]
        assert (moved["end"] - moved["start"]).tolist() == [9, 49]
        assert moved["start"].min() >= 0
        assert moved["end"].max() <= 99
    assert flag_everything({"A": 100})["A"].values.tolist() == [[0, 99]]
    starts = mean_of_random(predicted, {"A": 1000}, lambda flags: {"start": float(flags["A"]["start"].iloc[0])})
    assert 200 < starts["start"] < 800


@pytest.fixture
def nab(tmp_path: Path) -> Path:
    """A zip with one series that steps, one that is too short to judge, and one that no window names."""
    path = tmp_path / "nab.zip"
    times = pd.date_range("2014-04-01", periods=4000, freq="5min")
    values = np.sin(np.arange(4000) / 20) + np.random.default_rng(0).normal(0, 0.02, 4000)
    values[3000:3040] += 6
    step = pd.DataFrame({"timestamp": times, "value": values})
    windows = {"real/step.csv": [[str(times[2980]), str(times[3079])]], "real/short.csv": []}
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("data/real/step.csv", step.to_csv(index=False))
        archive.writestr("data/real/short.csv", step.head(9).to_csv(index=False))
        archive.writestr("data/real/unnamed.csv", step.head(300).to_csv(index=False))
        archive.writestr("labels/combined_windows.json", json.dumps(windows))
    return path


def test_windows_are_rows_of_the_file(nab: Path) -> None:
    series = {one.name: one for one in read_series(nab)}
    assert sorted(series) == ["real/short.csv", "real/step.csv"]
    assert series["real/step.csv"].windows.tolist() == [[2980, 3079]]
    assert series["real/step.csv"].probation == 600


def test_nab_is_scored_beside_alarms_without_a_look_and_continues_in_its_home(nab: Path, tmp_path: Path) -> None:
    report = run_benchmark("nab", nab, home=tmp_path / "home")
    measured = report.measured.head(3).set_index("alarm")  # the rows that choose nothing
    assert measured["windows"].unique().tolist() == [1]
    assert measured["windows_found"].iloc[1] >= measured["windows_found"].iloc[0]
    assert measured["false_alarms"].iloc[2] >= measured["false_alarms"].iloc[0]
    gaming = report.gaming.set_index("detector")
    assert gaming.loc["an alarm at every sample", "windows_found"] == 1
    assert gaming.loc["an alarm at every sample", "standard"] < -1000
    # One alarm at the beginning is false and far from any window: -0.11 of the 2 between nothing and perfect.
    assert gaming.loc["one alarm at the beginning", "low_fn"] == pytest.approx(100 * -0.11 * 2 / 3)
    assert any("real/short.csv could not be judged" in note for note in report.notes)
    with wb.open(home=tmp_path / "home") as session:
        assert set(session.train(["real.step"])["status"]) == {"current"}
        again = run_nab(BenchmarkRun(session, nab))
    columns = ["standard", "low_fp", "low_fn", "windows_found", "false_alarms"]
    pd.testing.assert_frame_equal(report.measured[columns], again.measured[columns])


def test_nab_takes_the_moment_of_detection_not_the_padding_before_it_as_the_alarm(nab: Path, tmp_path: Path) -> None:
    report = run_benchmark("nab", nab, home=tmp_path / "home", preset="paper")
    with wb.open(home=tmp_path / "home") as session:
        (first, *_) = session.score_all(["real.step"], "ridge", "paper")["anomalies"][0]["start"].tolist()
    # The values rise at row 3000, in the window that begins at row 2980; Telemanom's sequence begins before it.
    assert 600 + first < 2980
    row = report.measured.set_index("alarm").loc["when it is detected"]
    assert (row["windows_found"], row["false_alarms"]) == (1, 0)


def test_one_width_for_all_series_is_chosen_where_its_series_are_not(tmp_path: Path) -> None:
    """A fault that is as large as what was seen needs a width below 1, on whatever folder it is learnt."""
    path, times = tmp_path / "nab.zip", pd.date_range("2014-04-01", periods=4000, freq="5min")
    windows = {}
    with zipfile.ZipFile(path, "w") as archive:
        for seed, name in enumerate(("one/a.csv", "other/b.csv")):
            values = np.sin(np.arange(4000) / 20) + np.random.default_rng(seed).normal(0, 0.02, 4000)
            values[3000:3002] = 2.0  # beyond all values by half of their range, which is 2
            archive.writestr(f"data/{name}", pd.DataFrame({"timestamp": times, "value": values}).to_csv(index=False))
            windows[name] = [[str(times[2980]), str(times[3079])]]
        archive.writestr("labels/combined_windows.json", json.dumps(windows))
    report = run_benchmark("nab", path)
    chosen = report.measured.iloc[3:]
    assert [row.rpartition("chosen on ")[2] for row in chosen["detector"]] == ["all series", "the other folders"]
    assert chosen["windows_found"].tolist() == [2, 2]
    assert (chosen["standard"] >= report.measured["standard"].iloc[0]).all()


def test_what_a_series_loses_adds_up_to_what_its_score_lacks(nab: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(nab, "a") as archive:  # two windows more, in which nothing happens
        windows = {"real/step.csv": [["2014-04-11 08:20:00", "2014-04-11 16:35:00"]], "real/short.csv": []}
        windows["real/quiet.csv"] = [["2014-04-05 00:00:00", "2014-04-05 12:00:00"]]
        times = pd.date_range("2014-04-01", periods=4000, freq="5min")
        quiet = np.sin(np.arange(4000) / 20) + np.random.default_rng(3).normal(0, 0.02, 4000)
        archive.writestr("data/real/quiet.csv", pd.DataFrame({"timestamp": times, "value": quiet}).to_csv(index=False))
    folder = tmp_path / "nab"
    with zipfile.ZipFile(nab) as archive:
        archive.extractall(folder)
    (folder / "labels" / "combined_windows.json").write_text(json.dumps(windows), encoding="utf-8")
    report = run_benchmark("nab", folder, home=tmp_path / "home")
    lost = report.details.set_index("series")
    # Of two windows one is missed: half of all points.
    assert lost.loc["real/quiet.csv", "points_lost_missed"] == pytest.approx(50)
    points = lost.loc["all", ["points_lost_missed", "points_lost_late", "points_lost_false"]].sum()
    assert points == pytest.approx(100 - report.measured["standard"].iloc[0])


def test_times_that_do_not_rise_become_regular(tmp_path: Path) -> None:
    times = pd.date_range("2014-04-01", periods=20, freq="5min").to_numpy().copy()
    times[10:] -= np.timedelta64(3600, "s")
    with wb.open(home=tmp_path) as session:
        write_series(session, "a", "real", np.arange(20.0), 5, times)
        test = session.channel("a")
        assert np.unique(np.diff(test["time"].values)).tolist() == [np.timedelta64(300, "s").astype("timedelta64[ns]")]
        assert test["telemetry"].values.tolist() == list(range(5, 20))


@pytest.mark.parametrize(("name", "message"), [("skab", "no experiment of SKAB"), ("nab", "no combined_windows.json")])
def test_other_data_are_refused(tmp_path: Path, name: str, message: str) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "x.csv").write_text("a;b\n1;2\n", encoding="utf-8")
    with pytest.raises(ImportDataError, match=message):
        run_benchmark(name, tmp_path / "data")


def test_an_unknown_benchmark_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="no benchmark 'yahoo'"):
        run_benchmark("yahoo", tmp_path)


def test_the_command_prints_ours_beside_published_and_blind(skab: Path) -> None:
    runner = CliRunner()
    printed = runner.invoke(app, ["benchmark", "skab", "--data", str(skab)])
    assert printed.exit_code == 0, printed.output
    for text in ("T-squared and Q of the asset", "flag everything", "as many at random places", "Conv-AE", "seconds"):
        assert text in printed.output
    plain = json.loads(runner.invoke(app, ["benchmark", "skab", "--data", str(skab), "--json"]).stdout)
    assert plain["measured"][0]["events_found"] == 3
    assert len(plain["published"]) == 7
    missing = runner.invoke(app, ["benchmark", "skab"])
    assert missing.exit_code == 2
    assert "--data PATH" in missing.output


def test_what_is_found_where_nothing_is_wrong_is_counted(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    for name in ("Q-1", "S-1"):
        telemetry = np.sin(np.arange(2400) / 25) * 0.4 + random.normal(0, 0.01, 2400)
        if name == "S-1":
            telemetry[1900] = 3.0  # in the second half, which is judged
        for split in ("train", "test"):
            (tmp_path / "data" / split).mkdir(parents=True, exist_ok=True)
            np.save(tmp_path / "data" / split / f"{name}.npy", telemetry[:, None])
    report = run_benchmark("nominal", tmp_path / "data", forecaster="persistence", home=tmp_path / "home")
    measured = report.measured.iloc[0]
    assert (measured["false_events"], measured["channels_with_false_events"]) == (1, 1)
    assert measured["false_events_in_94,000_samples"] == round(94_000 / 2400, 2)
    everything = report.gaming.iloc[0]
    assert (everything["false_events"], everything["flagged_fraction"]) == (2, 1)
    (event,) = report.details.to_dict("records")
    assert (event["channel"], event["start"] <= 700 <= event["end"]) == ("S-1", True)
    assert measured["of_them_with_a_work_order"] == (event["level"] in ("high", "critical"))


def test_what_is_too_short_to_judge_is_said_and_not_divided_by(tmp_path: Path) -> None:
    (tmp_path / "train").mkdir()
    (tmp_path / "test").mkdir()
    for split in ("train", "test"):
        np.save(tmp_path / split / "S-1.npy", np.zeros((4, 1)))
    with pytest.raises(ImportDataError, match=r"No channel of .* can be judged"):
        run_benchmark("nominal", tmp_path, forecaster="persistence")


@pytest.mark.nasa
@pytest.mark.slow
def test_nasa_benchmark_is_the_evaluation_of_the_tuning_split(nasa_zip: Path, tmp_path: Path) -> None:
    report = run_benchmark("nasa", nasa_zip, forecaster="persistence", home=tmp_path)
    pooled = report.measured.set_index("group").loc["all"]
    assert pooled["true_positives"] + pooled["false_negatives"] == 56
    blind = report.gaming.set_index("detector")
    assert blind.loc["flag everything", "f1"] == 1
    assert blind.loc["as many at random places", "f1"] < pooled["f1"]
    assert not math.isnan(pooled["esa_f0_5"])
