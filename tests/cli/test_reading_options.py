"""Options of how files are read: both commands have one for each attribute, and profiles save them."""

import json
from dataclasses import fields

import pytest
from typer.main import get_command
from typer.testing import CliRunner, Result

import workbench as wb
from workbench.cli import app
from workbench.telemetry.importers.reading import LISTS, Reading

TABLE = "time;temp [°C];flow, x;mode\n" + "".join(
    f"2024-03-01 10:{minute:02};{20 + minute},5;{minute % 3};on\n" for minute in range(20)
)


@pytest.fixture
def cli(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path / "home"))
    (tmp_path / "pump.csv").write_text(TABLE, encoding="utf-8")

    def run(*arguments: object) -> Result:
        return CliRunner().invoke(app, [str(argument) for argument in arguments])

    return run


@pytest.mark.parametrize("command", ["import", "watch"])
def test_every_attribute_of_reading_is_an_option(command):
    options = {parameter.name: parameter for parameter in get_command(app).commands[command].params}
    names = {field.name for field in fields(Reading)}
    assert names <= options.keys()
    assert {name for name in names if "separate several by commas" in options[name].help.lower()} == set(LISTS)
    assert {options[name].opts[0] for name in names} == {f"--{name.replace('_', '-')}" for name in names}
    assert {"profile", "save_profile"} <= options.keys()


def test_a_name_with_a_comma_can_be_quoted(cli):
    outcome = cli("import", "pump.csv", "--inputs", '"flow, x", mode')
    assert outcome.exit_code == 0, outcome.output
    with wb.open() as session:
        assert session.channel("temp")["command"].values.tolist() == ["flow, x", "mode=on"]


def test_a_profile_is_saved_used_overridden_listed_and_removed(cli):
    outcome = cli("import", "pump.csv", "--inputs", '"flow, x"', "--decimal", ",", "--save-profile", "his")
    assert outcome.exit_code == 0, outcome.output
    assert "Profile his saved." in outcome.stderr
    assert cli("profiles").stdout == "his: --decimal , --inputs '\"flow, x\"'\n"
    assert json.loads(cli("profiles", "--json").stdout) == {"his": {"decimal": ",", "inputs": ["flow, x"]}}
    outcome = cli("import", "pump.csv", "--profile", "his")
    assert outcome.exit_code == 0 and "The archive holds all of it already." in outcome.stdout
    outcome = cli("import", "pump.csv", "--profile", "his", "--inputs", "mode")
    assert outcome.exit_code == 2 and "it has the inputs mode, what is there has flow, x" in outcome.stderr
    assert cli("import", "pump.csv", "--profile", "hers").stderr.endswith("no profile 'hers'. Known: his.\n")
    assert cli("profiles", "remove", "his").stdout == "Profile his removed.\n"
    assert "No profile is saved" in cli("profiles").stdout


def test_watch_takes_a_profile(cli, tmp_path):
    (tmp_path / "inbox").mkdir()
    (tmp_path / "pump.csv").rename(tmp_path / "inbox" / "pump.csv")
    take = ("watch", "inbox", "--once", "--settle", 0, "--no-train")
    assert "no profile 'his'" in cli(*take, "--profile", "his").stderr
    outcome = cli(*take, "--inputs", '"flow, x"', "--save-profile", "his")
    assert outcome.exit_code == 0, outcome.output
    assert cli("profiles").stdout == "his: --inputs '\"flow, x\"'\n"
    with wb.open() as session:
        assert session.channel("temp")["command"].values.tolist() == ["flow, x"]


def test_a_profile_that_would_be_empty_is_refused(cli):
    outcome = cli("import", "pump.csv", "--save-profile", "his")
    assert outcome.exit_code == 2
    assert "Profile 'his' would be empty" in outcome.stderr
    assert "The archive is empty" in cli("channels").stdout


def test_a_wrong_value_is_refused_before_anything_is_read(cli):
    outcome = cli("import", "pump.csv", "--decimal", "x", "--save-profile", "his")
    assert outcome.exit_code == 2 and "decimal must be" in outcome.stderr
    assert cli("profiles").stdout.startswith("No profile is saved")


def test_a_dry_run_shows_the_table_and_the_import_says_the_same_in_a_line(cli, tmp_path):
    outcome = cli("import", "pump.csv", "--dry-run")
    assert outcome.exit_code == 0, outcome.output
    lines = outcome.stdout.splitlines()
    head = "pump.csv: 2 channels from 4 columns, 20 samples, 2024-03-01 10:00:00 to 2024-03-01 10:19:00 UTC"
    assert lines[0] == head
    assert lines[1].split()[:4] == ["column", "becomes", "unit", "type"]
    assert lines[3].split() == ["temp", "[°C]", "channel", "temp", "°C", "number", "20.5", "39.5", "0", "20.5", "39.5"]
    assert "- times without a zone taken as UTC (otherwise: --timezone)" in lines
    assert lines[-1] == "Nothing was imported. Leave out --dry-run to import."
    assert not (tmp_path / "home").exists()
    shown = json.loads(cli("import", "pump.csv", "--dry-run", "--json").stdout)
    assert [row["becomes"] for row in shown["columns"]][:3] == ["time", "channel temp", "channel flow, x"]
    assert shown["outcome"] == ["temp, flow, x: new, 20 samples"]
    imported = cli("import", "pump.csv")
    assert imported.stdout.startswith(f"{head}; assumed: times without a zone taken as UTC (otherwise: --timezone)\n")


def test_a_dry_run_of_what_would_be_refused_ends_as_the_import_does(cli, tmp_path):
    assert cli("import", "pump.csv").exit_code == 0
    (tmp_path / "pump.csv").write_text(TABLE.replace("20,5", "99,5"), encoding="utf-8")
    outcome = cli("import", "pump.csv", "--dry-run")
    assert outcome.exit_code == 2 and "pump.csv would be refused" in outcome.stdout
    assert cli("import", "pump.csv").exit_code == 2
    outcome = cli("import", "elsewhere.csv", "--dry-run")
    assert outcome.exit_code == 2 and "elsewhere.csv does not exist" in outcome.stderr
