"""Imports on the command line: what comes later is added, what contradicts is refused, and the exit codes say so."""

import json
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner, Result

import workbench as wb
from workbench.cli import app

CASES = Path(__file__).parents[3] / "shared" / "cases" / "import"
needs_cases = pytest.mark.skipif(
    not CASES.exists() and not os.environ.get("REQUIRE_NASA"), reason="../shared/cases is not there"
)


@pytest.fixture
def cli(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path / "home"))

    def run(*arguments: object) -> Result:
        return CliRunner().invoke(app, [str(argument) for argument in arguments])

    return run


def month(folder: str, number: int, fault: int) -> Path:
    """One month of a pump, a sample every five minutes, with a fault of an hour."""
    random = np.random.default_rng(9 + number)
    values = 50 + 5 * np.sin(np.arange(4000) / 40) + random.normal(0, 0.2, 4000)
    values[fault : fault + 60] += 9
    time = pd.date_range(f"2024-{number:02}-01", periods=4000, freq="5min", tz="UTC")
    file = Path(folder) / "pump.csv"
    file.parent.mkdir(exist_ok=True)
    pd.DataFrame({"time": time, "bearing": values}).to_csv(file, index=False)
    return file


def status(cli) -> dict[str, object]:
    (row,) = json.loads(cli("channels", "--json").stdout)
    return row


@needs_cases
def test_a_second_file_of_one_name_replaces_nothing_in_silence(cli):
    """Case 03: two sites, the same times, other values."""
    assert cli("import", CASES / "03-siteA" / "pump.csv").exit_code == 0
    outcome = cli("import", CASES / "03-siteB" / "pump.csv")
    assert outcome.exit_code == 2
    assert (
        "contradicts bearing of the archive in 10 samples, the first at 2024-03-01 10:00:00 UTC: 150 instead of 50"
        in (outcome.stderr)
    )
    assert "--on-conflict keep" in outcome.stderr and "--replace" in outcome.stderr and "--asset" in outcome.stderr
    with wb.open() as session:
        assert session.channel("bearing")["telemetry"].values.tolist() == [57, 58, 59]
    outcome = cli("import", CASES / "03-siteB" / "pump.csv", "--replace")
    assert outcome.exit_code == 0
    assert "replaced 10 samples, 2024-03-01 10:00:00 UTC to 2024-03-01 10:00:09 UTC" in outcome.stdout
    other = cli("import", CASES / "03-siteA" / "pump.csv", "--asset", "site-A")
    assert "site-A.bearing imported" in other.stdout


@needs_cases
def test_quality_tells_what_was_missing_at_the_import(cli):
    """Case 23: 140 of 180 test values are not in the file."""
    assert cli("import", CASES / "23-missing-told-as-none.csv").exit_code == 0
    rows = {row["channel"]: row for row in json.loads(cli("quality", "--json").stdout)}
    assert rows["b"]["missing_samples_test"] == 140
    assert rows["b"]["missing_test"] == pytest.approx(140 / 180)
    assert rows["a"]["missing_samples_test"] == 0


def test_the_next_month_is_added_and_makes_the_score_stale_but_never_the_model(cli):
    """Cases 01 and 02: the second file of a pump, and one that overlaps both."""
    assert cli("import", month("may", 5, 3300), "--train-fraction", "0.6").exit_code == 0
    assert cli("train", "--all").exit_code == 0
    assert cli("score", "--all").exit_code == 0
    assert status(cli)["state"] == "current"
    outcome = cli("import", month("june", 6, 3310), "--train-fraction", "0.6")
    assert outcome.exit_code == 0
    assert "bearing appended" in outcome.stdout and "Next: workbench score --all" in outcome.stdout
    row = status(cli)
    assert (row["n_train"], row["n_test"], row["state"]) == (2400, 5600, "stale")
    assert json.loads(cli("models", "--json").stdout)[0]["retrain"] == ""
    assert json.loads(cli("train", "--all", "--json").stdout)[0]["status"] == "current"
    scored = json.loads(cli("score", "--all", "--json").stdout)
    assert len(scored[0]["anomalies"]) == 2, "the fault of May and that of June"
    both = pd.concat([pd.read_csv("may/pump.csv").iloc[2000:], pd.read_csv("june/pump.csv").iloc[:2000]])
    Path("both").mkdir()
    both.to_csv("both/pump.csv", index=False)
    (row,) = json.loads(cli("import", "both", "--json").stdout)
    assert (row["status"], row["equal_samples"]) == ("unchanged", 4000)
    assert status(cli)["state"] == "current"


def test_some_files_of_many_are_refused(cli):
    month("may", 5, 3300)
    month("june", 6, 3310)
    Path("bad.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    outcome = cli("import", "june", "bad.csv", "m*/pump.csv", "--train-until", "2024-05-10")
    assert outcome.exit_code == 1
    assert "bad.csv was refused: bad.csv: There is no time column" in outcome.stderr
    assert "Error: 1 of 3 files refused, nothing of them is in the archive. The others are imported." in outcome.stderr
    assert status(cli)["n_test"] == 8000 - 9 * 288 - 1
    outcome = cli("import", "bad.csv", "nowhere.csv")
    assert outcome.exit_code == 2
    assert "2 of 2 files refused" in outcome.stderr


def test_the_training_span_is_chosen_anew_and_what_is_stale_named(cli):
    cli("import", month("may", 5, 3300), "--train-until", "2024-05-09")
    cli("train", "--all")
    cli("score", "--all")
    (row,) = json.loads(cli("channels", "split", "bearing", "--train-until", "2024-05-05", "--json").stdout)
    assert (row["status"], row["n_train"], row["n_test"]) == ("split", 4 * 288 + 1, 4000 - 4 * 288 - 1)
    assert (row["stale_models"], row["stale_scores"]) == ("bearing.ridge/1", "ridge.workbench")
    assert status(cli)["state"] == "stale"
    assert json.loads(cli("models", "--json").stdout)[0]["retrain"] == "its training data have changed"
    again = cli("channels", "split", "bearing", "--train-until", "2024-05-05")
    assert again.exit_code == 0 and "unchanged" in again.stdout and "Next" not in again.stdout
    cli("channels", "split", "bearing", "--train-until", "2024-05-09")
    assert status(cli)["state"] == "current", "the old span brings back the series that was scored"
    for arguments, words in (
        (["--train-until", "2024-07-01"], "lies not before the last sample: nothing is left to score"),
        (["--train-until", "soon"], "train_until is no time: 'soon'"),
        (["--train-until", "2024-05-05", "--train-from", "2024-05-06"], "lies after train_until"),
    ):
        outcome = cli("channels", "split", "bearing", *arguments)
        assert outcome.exit_code == 2 and words in outcome.stderr
    assert cli("channels", "split", "gearing", "--train-until", "2024").exit_code == 2


@pytest.mark.slow
def test_the_way_from_a_split_to_a_model_of_the_new_span_is_told_to_its_end(cli):
    """Persistence is the same whatever it learned from, so that its new version is never better."""
    cli("import", month("may", 5, 3300), "--train-until", "2024-05-09")
    cli("train", "bearing", "--forecaster", "persistence")
    cli("train", "--all")
    told = cli("channels", "split", "bearing", "--train-until", "2024-05-05").stdout
    next_line = next(line for line in told.splitlines() if line.startswith("Next: "))
    commands = [words.split()[1:] for words in next_line.removeprefix("Next: ").replace(", then:", ",").split(", ")]
    assert commands == [
        ["train", "bearing", "--forecaster", "persistence"],
        ["train", "bearing"],
        ["score", "bearing"],
    ]
    trained = [cli(*words) for words in commands[:2]]
    scored = cli(*commands[2])
    assert all(outcome.exit_code == 0 for outcome in (*trained, scored))
    with wb.open() as session:
        champions = [model for model in session.registry.list("bearing") if "champion" in model.aliases]
        current = session.archive.info("bearing").train_hash
    old = [model.id for model in champions if model.train_hash != current]
    listed = cli("models").stdout
    for model in old:
        name = model.partition("/")[0]
        command = f"models promote {name} 2 --anyway"
        assert command in listed and any(command in outcome.stdout for outcome in trained)
        assert cli(*command.split()).exit_code == 0
    with wb.open() as session:
        used = {model.id for model in session.registry.list("bearing") if "champion" in model.aliases}
    assert used == {"bearing.persistence/2", "bearing.ridge/2"}
    assert old
    assert "--anyway" not in cli("models").stdout


def test_a_folder_that_does_not_exist_is_named(cli):
    outcome = cli("import", "nowhere", "--asset", "p")
    assert outcome.exit_code == 2
    assert outcome.stderr == "Error: nowhere does not exist. Check the name and the folder.\n"


def test_options_of_tables_do_not_go_with_nasas_layout(cli):
    Path("a.zip").write_bytes(b"")
    outcome = cli("import", "a.zip", "--on-conflict", "keep")
    assert outcome.exit_code == 2
    assert "--on-conflict does not go with the layout nasa" in " ".join(outcome.stderr.replace("│", " ").split())


def test_a_demo_channel_that_has_grown_stays_as_it_is(cli):
    with wb.open() as session:
        name = session.import_demo()[0]
        session.split(name, str(session.channel(name, "train")["time"].values[500]))
        assert session.archive.info(name).n_train == 501
        session.import_demo()
        assert session.archive.info(name).n_train == 501


def test_the_fault_of_the_next_month_is_an_alert_of_its_own_and_an_overlap_raises_none_twice(cli):
    """Cases 01 and 02: May's alert is closed with a verdict, then June comes, then an export that overlaps both."""
    cli("import", month("may", 5, 3310), "--train-fraction", "0.6")
    assert cli("train", "--all").exit_code == 0
    cli("score", "--all")
    for words in (("ack", 1), ("close", 1, "--verdict", "true")):
        assert cli("alerts", *words).exit_code == 0
    assert "appended" in cli("import", month("june", 6, 3310)).stdout
    assert "1 alert raised" in cli("score", "--all").output
    rolling = pd.concat([pd.read_csv("may/pump.csv").iloc[3000:], pd.read_csv("june/pump.csv")])
    Path("rolling").mkdir()
    rolling.to_csv("rolling/pump.csv", index=False)
    assert "unchanged" in cli("import", "rolling/pump.csv").stdout
    cli("score", "--all")
    with wb.open() as session:
        alerts = session.maintenance.alerts.list(state=None)
        moments = pd.to_datetime(alerts["first_at"]).sort_values()
        assert moments.dt.strftime("%Y-%m-%d").tolist() == ["2024-05-12", "2024-06-12"]
        assert alerts.set_index("id")["verdict"].to_dict()[1] == "true"
