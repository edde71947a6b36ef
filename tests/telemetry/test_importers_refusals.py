"""What refusals of files advise: following it settles the matter."""

import re
import shlex
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner, Result

import workbench as wb
from workbench.cli import app
from workbench.exceptions import ImportDataError
from workbench.telemetry.importers.names import channel_names


@pytest.fixture
def cli(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path / "home"))

    def run(*arguments: object) -> Result:
        return CliRunner().invoke(app, [str(argument) for argument in arguments])

    return run


def pump(name: str, first: int = 0, n: int = 200, **changes: object) -> Path:
    samples = np.arange(first, first + n)
    time = (pd.Timestamp("2024-05-01") + pd.to_timedelta(samples * 5, unit="min")).strftime("%Y-%m-%d %H:%M:%S")
    values = {"time": time, "temp": (50 + samples % 40).astype(float), "speed": samples // 20 % 2, "set point": 1.0}
    file = Path(name)
    pd.DataFrame(values | changes).to_csv(file, index=False)
    return file


def advised(outcome: Result, option: str) -> list[str]:
    """Return the words of an option that an error names."""
    assert outcome.exit_code == 2, outcome.output
    (text,) = re.findall(rf'{option} (?:"[^"]*"|\S+?)(?=\.?(?:\s|$))', " ".join(outcome.stderr.split()))
    return shlex.split(text)


@pytest.mark.parametrize("inputs", ["speed", "speed,set point"])
def test_a_file_without_the_inputs_of_its_channel_is_told_which(cli, inputs: str) -> None:
    assert cli("import", pump("a.csv"), "--asset", "pump", "--inputs", inputs).exit_code == 0
    refused = cli("import", pump("b.csv", 200), "--asset", "pump")
    assert "Correct the file" not in refused.stderr
    option = advised(refused, "--inputs")
    assert option == ["--inputs", inputs]
    outcome = cli("import", "b.csv", "--asset", "pump", *option)
    assert outcome.exit_code == 0, outcome.output


def test_a_file_with_inputs_that_its_channel_has_not_is_told_so(cli) -> None:
    assert cli("import", pump("a.csv"), "--asset", "pump").exit_code == 0
    refused = cli("import", pump("b.csv", 200), "--asset", "pump", "--inputs", "speed")
    assert "Leave --inputs out." in " ".join(refused.stderr.split())


def test_a_file_that_lacks_the_column_is_told_so(cli) -> None:
    assert cli("import", pump("a.csv"), "--asset", "pump", "--inputs", "speed").exit_code == 0
    pd.read_csv(pump("b.csv", 200)).drop(columns="speed").to_csv("b.csv", index=False)
    refused = cli("import", "b.csv", "--asset", "pump")
    assert "The file lacks the column speed" in refused.stderr


@pytest.mark.parametrize("advice", ["keep", "replace", "remove"])
def test_each_way_out_of_a_contradiction_works(cli, advice: str) -> None:
    assert cli("import", pump("a.csv"), "--asset", "pump").exit_code == 0
    file = pump("b.csv", temp=np.full(200, 7.0))
    refused = cli("import", file, "--asset", "pump")
    hint = " ".join(refused.stderr.split())
    assert "--on-conflict keep to keep the values of the archive, or --on-conflict replace to take those of" in hint
    assert hint.index("--on-conflict") < hint.index("channels remove temp") < hint.index("--replace, which discards")
    if advice == "remove":
        assert cli("channels", "remove", "--asset", "pump", "--yes").exit_code == 0
        assert cli("import", file, "--asset", "pump").exit_code == 0
    else:
        assert cli("import", file, "--asset", "pump", "--on-conflict", advice).exit_code == 0
    with wb.open() as session:
        assert session.channel("temp")["telemetry"].values[-1] == (89.0 if advice == "keep" else 7.0)


def test_a_name_that_another_asset_has_is_told_how_to_go_on() -> None:
    taken = {"load": "pump 8", "pump 7.load": "fan"}
    with pytest.raises(ImportDataError, match=r"--asset 'pump 8' .* workbench channels remove load"):
        channel_names(["load"], "pump 7", taken)


@pytest.mark.parametrize(
    ("options", "advice"),
    [
        (("--inputs", "sped"), "--inputs"),
        (("--label-column", "fault"), "--label-column"),
        (("--time-column", "zeit"), "--time-column"),
        (("--inputs", "time"), "--time-column"),
        (("--inputs", "speed,speed"), "--inputs"),
        (("--inputs", "speed,temp,set point"), "--inputs"),
    ],
)
def test_an_option_that_names_a_wrong_column_is_named(cli, options: tuple[str, str], advice: str) -> None:
    refused = cli("import", pump("a.csv"), *options)
    assert refused.exit_code == 2
    assert advice in refused.stderr.partition(". ")[2]


def test_a_channel_that_could_not_have_the_name_of_its_column_says_why(cli) -> None:
    assert cli("import", pump("a.csv"), "--asset", "wrong").exit_code == 0
    told = " ".join(cli("import", "a.csv", "--asset", "pump").stdout.split())
    assert "pump.temp imported" in told
    assert "temp is a channel of wrong already; if that was a mistake: workbench channels remove temp" in told
