"""Commands of live telemetry: replays stay in their sandbox, and tags are decided on by a person."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner, Result

import workbench as wb
from tests.live.plants import pump, samples_of, stream, values_of, write_plant
from workbench.cli import app
from workbench.live.journal import Journal, Tag

Cli = Callable[..., Result]
SPEED = ("--speed", "10000")


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cli:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path / "home"))
    monkeypatch.setattr("workbench.cli.live.stop_on_signals", threading.Event)

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(app, list(arguments))

    return run


def test_a_replay_stays_in_its_sandbox_and_is_made_anew_each_time(cli: Cli, tmp_path: Path) -> None:
    home = tmp_path / "home"
    write_plant(home, [pump(200)], 200, train=False)
    before = {path: path.stat().st_mtime_ns for path in home.rglob("*") if path.is_file()}
    for _ in range(2):
        done = cli("live", "replay", "flow", "--skip", "120", *SPEED)
        assert done.exit_code == 0, done.output
        assert "Samples: 80 added. 0 alerts raised." in done.output
    np.testing.assert_array_equal(values_of(home / "sandbox"), pump(200)["telemetry"].values)
    after = {path: path.stat().st_mtime_ns for path in before}
    changed = {path.name for path in before if after[path] != before[path]} - {"home.json"}
    assert changed <= {"index.db"}  # which notes what was found sound
    assert not (home / "live.db").exists()
    assert not (home / "maintenance.db").exists()


def test_a_replay_goes_into_the_home_only_where_it_is_asked_for(cli: Cli, tmp_path: Path) -> None:
    write_plant(tmp_path / "home", [pump(200)], 120, train=False)
    write_plant(tmp_path / "other", [pump(200)], 200, train=False)
    done = cli("live", "replay", "flow", "--real", *SPEED)
    assert (done.exit_code, "--real needs --source" in done.output) == (2, True)
    done = cli("live", "replay", "flow", "--real", "--source", str(tmp_path / "other"), *SPEED)
    assert "Samples: 80 added" in done.output
    np.testing.assert_array_equal(values_of(tmp_path / "home"), pump(200)["telemetry"].values)
    done = cli("live", "replay", "flow", "--real", "--source", str(tmp_path / "other"), *SPEED)
    assert (done.exit_code, "nothing to replay" in done.output) == (2, True), done.exception


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("nope",), "Unknown channel 'nope'"),
        (("flow", "--fault", "drap=1"), "There is no fault 'drap'"),
        (("flow", "--skip", "200"), "Pass a smaller --skip"),
    ],
)
def test_what_cannot_be_replayed_is_named_and_leaves_the_sandbox(
    cli: Cli, tmp_path: Path, options: tuple[str, ...], words: str
) -> None:
    write_plant(tmp_path / "home", [pump(200)], 200, train=False)
    sandbox = tmp_path / "home" / "sandbox"
    sandbox.mkdir()
    (sandbox / "kept.txt").touch()
    done = cli("live", "replay", *options)
    assert done.exit_code == 2
    assert words in done.output
    assert (sandbox / "kept.txt").exists()


def test_a_tag_that_waits_is_accepted_by_a_person(cli: Cli, tmp_path: Path) -> None:
    home = tmp_path / "home"
    samples = samples_of(pump(300, first=0))
    stream(home, [samples[:150]])
    (row,) = json.loads(cli("live", "tags", "--json").output)
    assert (row["tag"], row["state"], row["samples"]) == ("flow", "waiting", 150)
    assert "No tag 'flaw' waits" in cli("live", "accept", "flaw", "--asset", "Pump").output
    done = cli("live", "accept", "flow", "--asset", "Pump", "--units", "l/s", "--train-samples", "200")
    assert done.output == "flow is accepted: 150 of 201 samples are there.\n"
    stream(home, [samples[150:]])
    with wb.open(home=home) as session:
        info = session.archive.info("flow")
    assert (info.asset, info.units, info.n_train, info.n_test) == ("Pump", "l/s", 200, 100)
    assert "No tag waits" in cli("live", "tags").output
    (row,) = json.loads(cli("live", "status", "--json").output)
    assert (row["channel"], row["added"], row["duplicates"]) == ("flow", 300, 0)


def test_several_tags_are_accepted_or_ignored_at_once_or_none(cli: Cli, tmp_path: Path) -> None:
    samples = [sample._replace(channel=name) for name in ("a", "b", "c") for sample in samples_of(pump(120, first=0))]
    stream(tmp_path / "home", [samples])
    refused = cli("live", "accept", "a", "flaw", "--asset", "Pump", "--train-samples", "100")
    assert "No tag 'flaw' waits" in refused.output
    done = cli("live", "accept", "a", "b", "--asset", "Pump", "--train-samples", "100")
    words = "is accepted: the 101 samples that it needs are there.\n"
    assert done.output == f"a {words}b {words}"
    assert cli("live", "ignore", "c").output == "c is ignored: 120 samples discarded.\n"
    states = {row["tag"]: row["state"] for row in json.loads(cli("live", "tags", "--json").output)}
    assert states == {"a": "accepted", "b": "accepted", "c": "ignored"}


def test_an_ignored_tag_is_only_counted(cli: Cli, tmp_path: Path) -> None:
    samples = samples_of(pump(60, first=0))
    stream(tmp_path / "home", [samples[:40]])
    assert cli("live", "ignore", "flow").output == "flow is ignored: 40 samples discarded.\n"
    stream(tmp_path / "home", [samples[40:]])
    (row,) = json.loads(cli("live", "status", "--json").output)
    assert (row["added"], row["ignored"]) == (40, 20)
    (row,) = json.loads(cli("live", "tags", "--json").output)
    assert (row["state"], row["samples"]) == ("ignored", 0)


def test_refused_samples_have_their_time_in_words_beside_their_nanoseconds(cli: Cli, tmp_path: Path) -> None:
    samples = samples_of(pump(300, first=0))
    write_plant(tmp_path / "home", [pump(200)], 200, train=False)
    changed = samples[250]._replace(value=99.0)
    stream(tmp_path / "home", [[*samples[200:], changed]])
    row = next(one for one in json.loads(cli("live", "refused", "--json").output) if one["value"] == 99.0)
    assert (row["channel"], row["moment"]) == ("flow", changed.moment)
    assert row["time"].endswith("+00:00") and pd.Timestamp(row["time"]).value == changed.moment
    printed = cli("live", "refused").output
    assert row["time"] in printed and str(changed.moment) not in printed


def test_empty_lists_say_what_to_do(cli: Cli) -> None:
    assert cli("live", "status").output == "Nothing has come yet. Run: workbench live\n"
    assert cli("live", "refused").output == "No sample was refused.\n"


def test_the_terminal_says_each_line_once(cli: Cli, tmp_path: Path) -> None:
    write_plant(tmp_path / "home", [pump(200)], 200, train=False)
    folder, source = tmp_path / "home", {**os.environ, "PYTHONPATH": str(Path(wb.__file__).parents[1])}
    command = [
        sys.executable,
        "-m",
        "workbench",
        "--home",
        str(folder),
        "live",
        "replay",
        "flow",
        "--skip",
        "190",
        *SPEED,
    ]
    done = subprocess.run(command, capture_output=True, text=True, env=source, timeout=120, check=True)
    assert done.stdout.count("Samples: 10 added.") == 1
    assert "Samples: 10 added." not in done.stderr
    assert "Samples: 10 added." in (folder / "sandbox" / "logs" / "live.log").read_text(encoding="utf-8")


def test_long_names_of_tags_are_cut_in_the_middle(cli: Cli, tmp_path: Path) -> None:
    name = "plant." + "a" * 300 + ".flow"
    (tmp_path / "home").mkdir()
    journal = Journal(tmp_path / "home" / "live.db")
    journal.add_tag(Tag(0, name, "waiting", clock="time", inputs=tuple(f"input{number}" for number in range(90))))
    journal.close()
    shown = cli("live", "tags").output
    assert max(map(len, shown.splitlines())) < 200
    assert "plant.aaa" in shown and "aaa.flow" in shown and "--json prints them whole" in shown
    assert json.loads(cli("live", "tags", "--json").stdout)[0]["tag"] == name
