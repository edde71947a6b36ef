"""What imports say: hints are commands that work, and nothing is said that is not so."""

import json
import re
import shlex
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner, Result

import workbench as wb
from tests.archive_files import file_of, forget, segments
from workbench.cli import app
from workbench.telemetry.archive import ChannelParts
from workbench.telemetry.training_span import TrainingSpan


@pytest.fixture
def cli(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path / "home"))

    def run(*arguments: object) -> Result:
        return CliRunner().invoke(app, [str(argument) for argument in arguments])

    return run


def pump(name: str, start: str = "2024-05-01", n: int = 600, **changes: object) -> Path:
    time = pd.date_range(start, periods=n, freq="5min", tz="UTC")
    samples = (time - pd.Timestamp("2024-05-01", tz="UTC")) // pd.Timedelta(minutes=5)
    values = {"bearing": (50 + 5 * np.sin(samples / 40)).round(4), "mode": np.where(samples % 50 < 25, "on", "off")}
    file = Path(name)
    file.parent.mkdir(exist_ok=True)
    pd.DataFrame({"time": time, **values, **changes}).to_csv(file, index=False)
    return file


OPTIONS = ("--asset", "main pump", "--inputs", "mode")
SPAN = ("--train-from", "2024-05-01T02:00", "--train-until", "2024-05-02")


def span(channel: str = "bearing") -> TrainingSpan | None:
    with wb.open() as session:
        return session.archive.training_span(channel)


@pytest.mark.parametrize("where", ["test", "description", "everything"])
def test_the_hint_of_a_damaged_channel_is_a_command_that_works(cli, tmp_path, where: str) -> None:
    file = pump("days/a.csv")
    assert cli("import", file, *OPTIONS, *SPAN).exit_code == 0
    with wb.open() as session:
        samples = session.channel("bearing")["telemetry"].values
        (folder, *_) = segments(session.archive, "bearing")
        chunk = file_of(session.archive, "bearing", "test/telemetry/c")
    own_span = span()
    if where == "test":
        chunk.write_bytes(chunk.read_bytes()[:-4])
    else:
        (folder / "zarr.json").write_text("{")
    if where == "everything":
        shutil.rmtree(folder)
    found = [row for row in json.loads(cli("doctor", "--json").stdout) if row["state"] == "broken"]
    hints = [row["fix"] for row in found if "workbench import" in row["fix"]]
    words = shlex.split(re.search(r"workbench (import PATH .*) \(PATH: all its files\)", hints[0])[1])
    assert "TIME" not in words, "the index knows the span"
    outcome = cli(*(str(file) if word == "PATH" else word for word in words))
    assert outcome.exit_code == 0, outcome.output
    assert span() == own_span
    assert "training span, as before: 2024-05-01 02:00:00" in outcome.stdout
    with wb.open() as session:
        np.testing.assert_array_equal(session.channel("bearing")["telemetry"].values, samples)


def test_what_comes_next_is_said_by_what_changed(cli) -> None:
    file = pump("a.csv")
    assert cli("import", file, *OPTIONS, *SPAN).stdout.splitlines()[-1] == "Next: workbench train --all"
    assert cli("import", file, *OPTIONS, *SPAN).stdout.splitlines()[-1] == "The archive holds all of it already."
    later = cli("import", pump("b.csv", "2024-05-03T02:00", 90), *OPTIONS, "--train-fraction", "0.5")
    assert later.stdout.splitlines()[-1] == "Next: workbench score --all"
    assert "its training span stays: a share is for new channels" in later.stdout
    inside = pump("c.csv", "2024-05-01T06:02", 1)
    assert cli("import", inside, *OPTIONS).stdout.splitlines()[-1] == "Next: workbench train --all"
    early = cli("import", pump("d.csv", "2024-04-29", 90), *OPTIONS)
    assert early.stdout.splitlines()[-1] == "Next: workbench score --all"
    assert "before the training span" in early.stdout and "training data changed" not in early.stdout


def test_replace_and_on_conflict_exclude_each_other(cli) -> None:
    file = pump("a.csv")
    outcome = cli("import", file, *OPTIONS, "--replace", "--on-conflict", "keep")
    assert outcome.exit_code == 2
    assert outcome.stderr.startswith("Error: replace and on_conflict exclude each other")


def test_errors_of_columns_name_the_file(cli) -> None:
    for arguments, words in (
        (("--inputs", "speed"), "There is no column 'speed'"),
        (("--inputs", "bearing,bearing"), "Column 'bearing' was named twice"),
        (("--label-column", "time"), "Column 'time' holds the times"),
        (("--inputs", "note"), "Input 'note' has 600 different words"),
        (("--label-column", "note"), "Label column 'note' has 600 different values"),
        (("--inputs", "empty"), "Input 'empty' has no values"),
    ):
        file = pump("days/a.csv", note=[f"word {i}" for i in range(600)], empty="")
        outcome = cli("import", file, *arguments)
        assert outcome.exit_code == 2
        assert outcome.stderr.splitlines()[-1].startswith(f"Error: {file}: {words}"), outcome.stderr
    pump("days/b.csv").write_text("time,bearing\n2024-05-01,1e300\n2024-05-02,1\n")
    last_line = cli("import", "days/b.csv").stderr.splitlines()[-1]
    assert last_line.startswith("Error: days/b.csv: Column 'bearing' is 1e+300 in row 1")


def test_a_channel_of_an_earlier_release_keeps_the_beginning_of_its_training_span(cli) -> None:
    """It says that it begins with the first sample: that is the first one that was there, not one that comes later."""
    cli("import", pump("a.csv"), *OPTIONS, "--train-until", "2024-05-02")
    with wb.open() as session:
        archive = session.archive
        train, test = (archive.open("bearing", split).load() for split in ("train", "test"))
        archive.write_all([ChannelParts(train, test, span=TrainingSpan(None, np.datetime64("2024-05-02", "ns")))])
        train_hash = archive.info("bearing").train_hash
    outcome = cli("import", pump("early.csv", "2024-04-29", 90), *OPTIONS)
    assert outcome.exit_code == 0, outcome.output
    assert span() == TrainingSpan(np.datetime64("2024-05-01", "ns"), np.datetime64("2024-05-02", "ns"))
    with wb.open() as session:
        assert session.archive.info("bearing").train_hash == train_hash
        assert session.archive.open_before("bearing").sizes["time"] == 90


@pytest.mark.slow
def test_a_channel_that_is_gone_is_named_and_not_made_anew_in_silence(cli) -> None:
    first, second = pump("a.csv", n=1200), pump("b.csv", "2024-05-05T04:00", 600)
    cli("import", first, *OPTIONS, "--train-until", "2024-05-03")
    cli("import", pump("c.csv", n=1200).rename("other.csv"), "--asset", "other", "--inputs", "mode")
    assert cli("train", "--all").exit_code == 0
    with wb.open() as session:
        forget(session.archive, "bearing")
    found = [row for row in json.loads(cli("doctor", "--json").stdout) if row["state"] == "broken"]
    assert [row["found"] for row in found] == ["bearing is gone from the archive; the home has 1 model of it"]
    scored = cli("score", "--all")
    assert scored.exit_code == 1
    assert "bearing failed: it is gone from the archive; the home has 1 model of it" in scored.stderr
    assert "Error: 1 of 2 channels failed" in scored.stderr
    refused = cli("import", second, *OPTIONS)
    assert refused.exit_code == 2
    assert "bearing is gone from the archive, and the home has 1 model of it" in refused.stderr
    again = cli("import", first, second, *OPTIONS, "--replace", "--train-until", "2024-05-03")
    assert again.exit_code == 0, again.output
    assert cli("score", "--all").exit_code == 0
    assert "broken" not in {row["state"] for row in json.loads(cli("doctor", "--json").stdout)}
    with wb.open() as session:
        forget(session.archive, "bearing")
    assert cli("models", "retire", "bearing.ridge", "1").exit_code == 0
    assert cli("score", "--all").exit_code == 0, "its models are retired: it was removed on purpose"


@pytest.mark.slow
def test_scoring_with_a_stale_model_says_so(cli) -> None:
    cli("import", pump("a.csv", n=1200), *OPTIONS, "--train-until", "2024-05-03")
    cli("train", "--all")
    assert "stale" not in cli("score", "--all").stdout
    cli("import", pump("c.csv", "2024-05-01T06:02", 1), *OPTIONS)
    outcome = cli("score", "--all")
    assert (
        "The model of bearing is stale: the training data have changed. Next: workbench train bearing" in outcome.stdout
    )


def test_advice_on_an_empty_home_leads_on(cli) -> None:
    advice = "The archive is empty. Run: workbench run, or workbench import PATH."
    assert cli("alerts", "list").stdout.splitlines()[0] == advice
    assert cli("plan").stdout.splitlines()[0] == advice
    assert cli("plan", "--show").stdout.splitlines()[0] == advice
    cli("import", pump("a.csv"), *OPTIONS)
    words = "There are no work orders. Anomalies open them: workbench score --all; by hand: workbench orders new"
    assert cli("plan").stdout.splitlines()[0] == words
