import json
import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import wave_channel
from typer.main import get_command
from typer.testing import CliRunner, Result

from tests.archive_files import file_of
from workbench import __version__
from workbench.cli import app
from workbench.session import Session
from workbench.telemetry.archive import Archive

JOBS = ("run", "fetch", "import", "channels", "quality", "train", "score", "evaluate", "report", "models")


@pytest.fixture
def cli(tmp_path, monkeypatch):
    """Runs the command line with `tmp_path` as home and working directory."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path))

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(app, list(arguments))

    return run


def ok(result: Result) -> str:
    assert result.exit_code == 0, result.output
    return result.stdout


def test_a_taken_port_is_named_before_the_fleet_is_made(cli, tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        result = cli("run", "--port", str(port))
    assert result.exit_code == 2
    assert f"Port {port} on 127.0.0.1 cannot be used" in result.output
    assert "generating" not in result.output


def test_help_names_every_command(cli):
    shown = ok(cli("--help"))
    for command in (*JOBS, "lab", "dashboard", "doctor"):
        assert f" {command} " in shown
        assert "Usage" in ok(cli(command, "--help"))
    assert ok(cli("--version")).strip() == __version__


def test_help_shows_every_command_once_by_task(cli):
    lines = ok(cli("--help")).splitlines()
    panels = ["Get started", "Telemetry", "Models and detection", "Maintenance", "Dashboard and JupyterLab"]
    places = [next(place for place, line in enumerate(lines) if f"─ {panel} ─" in line) for panel in panels]
    assert places == sorted(places)
    group = get_command(app)
    shown = [line.split()[1] for line in lines[places[0] :] if re.match("│ [a-z]", line)]
    assert sorted(shown) == sorted(group.commands)
    assert "Exit codes" in " ".join(lines)


def test_an_empty_archive_says_what_to_run(cli):
    assert ok(cli("channels")) == "The archive is empty. Run: workbench run, or workbench import PATH.\n"
    assert ok(cli("models")) == "There are no models. Run: workbench train --all\n"
    assert ok(cli("models", "--channel", "P-1")) == "P-1 has no model. Run: workbench train P-1\n"


def test_from_training_to_evaluation(cli, tiny_archive):
    assert "X-1.ridge/1" in ok(cli("train", "--all"))
    assert "current" in ok(cli("train", "X-1"))
    scored = json.loads(ok(cli("score", "--all", "--json")))
    assert [row["channel"] for row in scored] == ["X-1", "X-2"]
    assert set(scored[0]) == {"channel", "model", "seconds", "reason", "anomalies"}
    assert set(scored[0]["anomalies"][0]) == {"start", "end", "severity", "level", "provisional", "found_by", "words"}
    assert isinstance(scored[0]["anomalies"][0]["start"], int)
    judged = json.loads(ok(cli("evaluate", "--json")))
    assert [row["group"] for row in judged["rows"]] == ["XAVER", "all"]
    assert judged["rows"][1]["true_positives"] == 1
    assert {"channel", "true_positives", "false_positives", "false_negatives"} <= set(judged["channels"][0])
    assert "flag everything" in ok(cli("evaluate"))
    listed = json.loads(ok(cli("models", "--json")))
    assert [model["model"] for model in listed] == ["X-1.ridge/1", "X-2.ridge/1"]
    assert json.loads(ok(cli("channels", "--json")))[0]["state"] == "current"
    assert "X-1" in ok(cli("quality", "X-1"))


def test_evaluate_says_what_it_counted_once(cli, tiny_archive):
    again = wave_channel("X-1", 3000, 1, spike=2000).assign_attrs(channel="X-4")
    tiny_archive.write(wave_channel("X-4"), again, tiny_archive.labels("X-1"))
    ok(cli("train", "--all"))
    assert "X-4 has the same test series as X-1: counted once." in ok(cli("evaluate"))


def test_one_failure_is_told_and_the_rest_is_kept(cli, tiny_archive):
    ok(cli("train", "--all"))
    tiny_archive.write(wave_channel("X-3"), wave_channel("X-3", 3000, 5))
    result = cli("score", "--all", "--json")
    assert result.exit_code == 1
    assert [row["channel"] for row in json.loads(result.stdout)] == ["X-1", "X-2"]
    assert "X-3 failed" in result.stderr and "workbench train X-3" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["score", "X-9"], "Error: Unknown channel 'X-9'. Did you mean"),
        (["score", "X-1"], "Train one: workbench train X-1"),
        (["train", "X-1", "--forecaster", "oracle"], "There is no forecaster 'oracle'. Known: "),
        (["import", "nowhere.zip"], "nowhere.zip"),
        (["import", "nowhere.csv", "--layout", "xls"], "no layout 'xls'"),
        (["evaluate", "--labels", "nowhere.csv"], "nowhere.csv"),
        (["train"], "No channel is named. Name channels or pass --all"),
        (["train", "X-1", "--all"], "Channels are named, and --all is passed."),
        (["import", "a.zip", "--asset", "A"], "--asset does not go with the layout nasa"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(cli, tiny_archive, arguments, message):
    Path("a.zip").write_bytes(b"")
    result = cli(*arguments)
    assert result.exit_code == 2
    assert message in " ".join(result.stderr.replace("│", " ").split())
    assert "Traceback" not in result.output


def test_a_wrong_setting_is_named(cli, monkeypatch):
    monkeypatch.setenv("WORKBENCH_SEDE", "1")
    result = cli("channels")
    assert result.exit_code == 2
    assert "WORKBENCH_SEDE is not a setting" in result.stderr


def test_debug_shows_the_traceback(cli, tiny_archive):
    result = cli("--debug", "score", "X-9")
    assert result.exit_code == 1
    assert type(result.exception).__name__ == "ChannelNotFoundError"


def test_home_can_be_given(cli, tmp_path, tiny_archive):
    assert json.loads(ok(cli("--home", str(tmp_path / "other"), "channels", "--json"))) == []


def test_ctrl_c_is_one_line(cli, tiny_archive, monkeypatch):
    def stop(*args: object, **options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Session, "train", stop)
    result = cli("train", "--all")
    assert result.exit_code == 130
    assert "Run the same command again to continue." in result.stderr


def test_doctor_finds_what_is_missing(cli, tmp_path, tiny_archive):
    states = {row["what"]: row for row in json.loads(ok(cli("doctor", "--json")))}
    assert states["models"]["state"] == "missing"
    assert states["models"]["fix"] == "workbench train --all"
    assert states["packages"]["state"] == "ok"
    ok(cli("train", "--all"))
    ok(cli("score", "--all"))
    states = {row["what"]: row["state"] for row in json.loads(ok(cli("doctor", "--json")))}
    assert states["models"] == states["scores"] == "ok"
    file_of(tiny_archive, "X-1", "zarr.json").write_text("{")
    result = cli("doctor")
    assert result.exit_code == 1 and "zarr.json" in result.stdout


def test_doctor_names_a_home_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    result = CliRunner().invoke(app, ["--home", str(tmp_path / "file" / "home"), "doctor", "--json"])
    os.environ.pop("WORKBENCH_HOME", None)
    assert result.exit_code == 2
    assert "is no folder" in result.stderr


@pytest.mark.slow
def test_the_main_job_on_the_demo_fleet(tmp_path: Path):
    """From nothing to a scored fleet, as a user runs it, and a second run computes nothing."""
    environment = {**os.environ, "WORKBENCH_HOME": str(tmp_path / "home")}
    command = [sys.executable, "-c", "from workbench.cli import main; main()", "run", "--no-serve"]
    first = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, cwd=tmp_path)
    assert first.returncode == 0, first.stderr
    assert "24 channels" in first.stdout
    archive = Archive(tmp_path / "home" / "archive.zarr")
    assert len(archive.channels()) == 24
    stored = {name: archive.scores(name) for name in archive.channels()}
    assert all(stored.values())
    second = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, cwd=tmp_path)
    counts, alerts = first.stdout.splitlines()[-2:]
    assert second.stdout.splitlines()[-2] == counts
    raised = int(alerts.split()[0])
    assert raised > 0
    assert (
        second.stdout.splitlines()[-1]
        == f"0 alerts raised, 0 updated, {raised} found again as before; 0 work orders opened."
    )
    assert {name: archive.scores(name) for name in archive.channels()} == stored
