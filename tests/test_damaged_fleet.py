"""One damaged channel is one row that says what to do: the others are scored, alerted and shown."""

import json
import shutil
import sqlite3
import zlib
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner, Result

import workbench as wb
from tests.conftest import wave_channel
from tests.damaged_fleet import BROKEN, SOUND, channel_files, damage, make_fleet, open_fleet
from tests.homes import copy_of
from workbench.cli import app
from workbench.exceptions import ArchiveError, ChannelNotFoundError
from workbench.forecasting import risks
from workbench.judging import confusion
from workbench.leaderboard import leaderboard
from workbench.telemetry.lag import LagReader

CHUNK, DESCRIPTION = "test/telemetry/c/0", "zarr.json"


@pytest.fixture
def home(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with two channels that are trained and scored."""
    return copy_of("scored-fleet", make_fleet, tmp_path_factory, tmp_path / "home")


@pytest.fixture
def cli(home: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(home.parent)
    monkeypatch.setenv("WORKBENCH_HOME", str(home))
    monkeypatch.setenv("WORKBENCH_CATALOG", str(home / "catalog.yaml"))

    def run(*arguments: str) -> Result:
        result = CliRunner().invoke(app, list(arguments))
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return result

    return run


def alerts_of(session: wb.Session, channel: str) -> list[str]:
    listed = session.maintenance.alerts.list(state=None)
    return sorted(set(listed.loc[listed["channel"] == channel, "kind"]))


@pytest.mark.parametrize("name", [CHUNK, DESCRIPTION])
def test_score_raises_the_other_channels_alerts_and_ends_with_one(cli, home, name):
    damage(home, name, "noise")
    told = cli("score", "--all", "--json")
    assert told.exit_code == 1
    assert [row["channel"] for row in json.loads(told.stdout)] == [SOUND]
    lines = told.stderr.splitlines()
    (row,) = [line for line in lines if line.startswith(f"{BROKEN} failed")]
    assert "is damaged" in row and "Import it again: workbench import PATH" in row
    assert lines[-1] == "Error: 1 of 2 channels failed. The others are done and kept."
    assert alerts_of(open_fleet(home), SOUND) == ["limit", "model"]


@pytest.mark.parametrize("name", [CHUNK, DESCRIPTION])
def test_other_commands_go_on_beside_a_damaged_channel(cli, home, name):
    damage(home, name, "noise")
    listed = {row["channel"]: row for row in json.loads(cli("channels", "--json").stdout)}
    assert set(listed) == {BROKEN, SOUND}
    if name == DESCRIPTION:
        assert (listed[BROKEN]["state"], listed[BROKEN]["asset"]) == ("damaged", "XAVER")
        assert "Import it again" in listed[BROKEN]["damage"]
    measured = cli("quality", "--json")
    assert (measured.exit_code, [row["channel"] for row in json.loads(measured.stdout)]) == (1, [SOUND])
    assert f"{BROKEN} failed: Channel {BROKEN} is damaged" in measured.stderr
    examined = cli("doctor", "--json")
    broken = [row for row in json.loads(examined.stdout) if row["state"] == "broken"]
    assert (examined.exit_code, len(broken)) == (1, 1)
    assert broken[0]["found"].startswith(f"Channel {BROKEN} is damaged") and "Import it again" in broken[0]["fix"]
    judged = cli("evaluate", "--json")
    assert judged.exit_code == 1
    assert [row["channel"] for row in json.loads(judged.stdout)["channels"]] == [SOUND]
    drifted = cli("models", "drift", "--json")
    assert {row["channel"]: row["status"] == "failed" for row in json.loads(drifted.stdout)} == {
        BROKEN: True,
        SOUND: False,
    }
    for command in (["models"], ["kpis"], ["alerts", "list"]):
        assert cli(*command).exit_code == 0, command


def test_a_damaged_channel_is_left_out_of_training(cli, home):
    damage(home, "train/telemetry/c/0", "cut")
    told = cli("train", "--all", "--forecaster", "persistence", "--json")
    assert told.exit_code == 1
    assert {row["channel"]: row["status"] for row in json.loads(told.stdout)} == {BROKEN: "failed", SOUND: "trained"}
    assert f"{BROKEN} failed: Channel {BROKEN} is damaged" in told.stderr


def test_a_score_that_is_older_than_its_series_stops_no_alert(home):
    """A shorter series came, and its model is gone: the score cannot be made anew."""
    session = open_fleet(home)
    session.archive.write(wave_channel(BROKEN, 600, 0), wave_channel(BROKEN, 700, 10))
    outcome = session.raise_alerts()
    assert outcome.failed == (
        (BROKEN, f"The stored score of {BROKEN} is older than its series. Run: workbench score {BROKEN} --force"),
    )
    assert alerts_of(session, SOUND) == ["limit", "model"]
    assert "model" not in alerts_of(session, BROKEN)
    assert set(session.score_all()["status"]) == {"scored", "current"}
    assert session.raise_alerts().failed == ()


@pytest.mark.parametrize(
    ("name", "how"),
    [("epsilon/c/0", "noise"), ("zarr.json", "cut"), ("sample/c/0", "remove"), ("prediction/zarr.json", "list")],
)
def test_a_damaged_score_is_made_anew(home, name, how):
    damage(home, f"scores/ridge.workbench/{name}", how)
    session = open_fleet(home)
    table = session.score_all().set_index("channel")
    assert table["status"].to_dict() == {BROKEN: "scored", SOUND: "current"}
    assert session.raise_alerts().failed == ()
    assert alerts_of(session, BROKEN) == ["limit", "model"]


def test_damaged_labels_leave_the_channel_scored_but_not_judged(home):
    session = open_fleet(home)
    attributes = session.archive.index.attributes(BROKEN) | {"labels": [[1000, 99_999, "point"]]}
    text = json.dumps(attributes)
    with closing(sqlite3.connect(session.archive.index.file)) as connection, connection:
        row = (text, zlib.crc32(text.encode()), BROKEN)
        connection.execute("UPDATE channel SET attributes = ?, crc = ? WHERE name = ?", row)
    with pytest.raises(ArchiveError, match="The label table of X-1 is damaged"):
        session.archive.labels(BROKEN)
    assert set(session.score_all()["status"]) == {"current"}
    judged = session.evaluate()
    assert judged.channels["channel"].tolist() == [SOUND]
    assert "label table of X-1 is damaged" in judged.failed[BROKEN]


@pytest.mark.parametrize("name", [CHUNK, DESCRIPTION, "test/time/zarr.json", "train/zarr.json"])
def test_importing_again_mends_a_channel_and_keeps_its_scores(home, name):
    """The same data are written: nothing about them has changed but that they are whole again."""
    damage(home, name, "noise")
    session = open_fleet(home)
    train, test = wave_channel(BROKEN, 600, 0), wave_channel(BROKEN, 1500, 10, spike=1000)
    assert session.archive.write(train, test)
    np.testing.assert_array_equal(session.channel(BROKEN)["telemetry"].values, test["telemetry"].values)
    assert set(session.score_all()["status"]) == {"current"}
    assert not session.archive.write(train, test), "now the archive holds just this"


def test_a_value_that_has_changed_unseen_is_told(home):
    """A missing chunk reads as zeros and raises nothing by itself; the seal of what was written tells it."""
    damage(home, "test/commands/c/0/0", "remove")
    session = open_fleet(home)
    (reason,) = session.score_all().query("status == 'failed'")["reason"]
    assert "commands has 0 chunks, not 1" in reason


def test_the_library_goes_on_beside_a_damaged_channel(home):
    damage(home, DESCRIPTION, "cut")
    session = open_fleet(home)
    overview = session.overview().set_index("channel")
    assert overview["state"].to_dict() == {BROKEN: "damaged", SOUND: "current"}
    assert session.channels()["damage"].map(bool).to_dict() == {BROKEN: True, SOUND: False}
    assert session.quality()["channel"].values.tolist() == [SOUND]
    assert list(session.fleet()) == [SOUND]
    assert risks(session)["asset"].tolist() == ["XAVER"]
    assert confusion(session.archive, [BROKEN, SOUND], session.stored_anomalies)["channel"].tolist() == [SOUND]
    assert LagReader(session.archive).read([BROKEN, SOUND], session.clock())["gaps"].tolist() == [0, 0]
    assert (leaderboard(session)["channels"].dropna() == 1).all()
    with pytest.raises(ChannelNotFoundError):
        session.score_all(["X-9"])


@pytest.mark.slow
def test_no_damage_to_any_file_ends_in_a_traceback_or_hides_the_other_channel(home, tmp_path):
    """Every file of the channel, once damaged in each way."""
    ways = ("flip", "cut", "empty", "remove", "noise", "list", "null")
    for place, name in enumerate(channel_files(home)):
        how = ways[place % len(ways)]
        damaged = Path(shutil.copytree(home, tmp_path / str(place)))
        damage(damaged, name, how, seed=place)
        session = open_fleet(damaged)
        about = f"{how} {name}"
        assert set(session.channels().index) == {BROKEN, SOUND} == set(session.overview()["channel"]), about
        assert SOUND in session.quality()["channel"].values, about
        assert session.score_all().set_index("channel").loc[SOUND, "status"] != "failed", about
        session.raise_alerts()
        assert alerts_of(session, SOUND) == ["limit", "model"], about
