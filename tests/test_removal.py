"""Channels that are removed from a home: what is discarded, what is kept, and that they can come back."""

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

import workbench as wb
from workbench.cli import app
from workbench.exceptions import ChannelNotFoundError


@pytest.fixture
def cli(trained_home, monkeypatch):
    monkeypatch.chdir(trained_home)
    monkeypatch.setenv("WORKBENCH_HOME", str(trained_home))

    def run(*arguments: object, **options: object) -> Result:
        return CliRunner().invoke(app, [str(argument) for argument in arguments], **options)

    return run


def test_a_mistake_is_taken_back_and_the_rest_goes_on(cli, trained_home: Path) -> None:
    assert cli("score", "--all").exit_code == 0
    with wb.open() as session:
        alert = int(session.maintenance.alerts.list(state="open", channel="X-1")["id"].iloc[0])
        order = session.maintenance.orders.list(state=None)
    refused = cli("channels", "remove", "X-1", input="n\n")
    assert refused.exit_code == 1
    assert "4,200 samples, 1 label and 1 score of 1 channel are discarded for good." in refused.stderr
    assert "1 model version is retired, 1 open alert is closed." in refused.stderr
    assert "Nothing was removed." in refused.stderr
    assert "Pass --yes" in cli("channels", "remove", "X-1").stderr
    assert cli("channels").stdout.count("X-1") == 1
    outcome = cli("channels", "remove", "X-1", "--yes", "--who", "Ann")
    assert (outcome.exit_code, outcome.stdout.splitlines()[-1]) == (0, "1 channel removed.")
    with wb.open() as session:
        assert session.archive.channels() == ["X-2"]
        assert session.vanished() == {}
        log = session.maintenance.alerts.history(alert).iloc[-1]
        assert (log["action"], log["who"]) == ("closed", "Ann")
        assert "removed from the archive" in str(log["details"])
        assert session.maintenance.verify_log().ok
        assert len(session.maintenance.orders.list(state=None)) == len(order)
    assert cli("score", "--all").exit_code == 0
    assert cli("doctor").exit_code == 0


def test_what_comes_back_is_served_by_the_model_that_it_had(cli) -> None:
    with wb.open() as session:
        parts = session.archive.open("X-1", "train").load(), session.archive.open("X-1").load()
        version = session.registry.champion("X-1").id
        session.score_all()
        assert len(session.raise_alerts().raised.raised) == 1
        session.remove_channels("X-1")
        assert [model.retired for model in session.registry.list("X-1")] == [True]
        session.archive.write(*parts)
        assert session.score_all(["X-1"])["status"].tolist() == ["failed"]
        table = session.train()
        assert table.set_index("channel").loc["X-1", ["status", "model", "alias", "reason"]].tolist() == [
            "current",
            version,
            "champion",
            "",
        ]
        assert session.score_all()["status"].tolist() == ["scored", "current"]
        assert len(session.raise_alerts().raised.raised) == 1, "nobody has judged the alert that was closed"
        alerts = session.maintenance.alerts
        alerts.close(2, "Ann", "unknown", "Nothing to see.")
        session.remove_channels("X-1")
        session.archive.write(*parts)
        session.train()
        session.score_all()
        assert session.raise_alerts().raised.raised == (), "Ann has judged it"


def test_a_version_that_a_person_retired_stays_so(cli) -> None:
    with wb.open() as session:
        parts = session.archive.open("X-1", "train").load(), session.archive.open("X-1").load()
        session.models.retire("X-1.ridge", 1)
        session.remove_channels("X-1")
        session.archive.write(*parts)
        assert "models promote X-1.ridge 1" in session.train("X-1")["reason"].item()


def test_an_asset_is_removed_as_a_whole_and_names_are_checked(cli) -> None:
    for words, message in (
        (("NOBODY",), "Unknown channel"),
        (("--asset", "NOBODY"), "Its assets: XAVER"),
        ((), "Name channels, or one asset"),
        (("X-1", "--asset", "XAVER"), "Use one of the two"),
    ):
        outcome = cli("channels", "remove", *words, "--yes")
        assert outcome.exit_code == 2
        assert message in " ".join(outcome.stderr.replace("│", " ").split())
    with wb.open() as session:
        with pytest.raises(ChannelNotFoundError):
            session.remove_channels(["X-1", "X-11"])
        assert session.remove_channels(asset="XAVER", dry_run=True)["channel"].tolist() == ["X-1", "X-2"]
        assert session.archive.channels() == ["X-1", "X-2"]
    assert cli("channels", "remove", "--asset", "XAVER", "--yes").exit_code == 0
    with wb.open() as session:
        assert session.archive.channels() == []


def test_what_a_kill_left_is_named_and_can_be_finished(cli, monkeypatch) -> None:
    class Killed(BaseException):
        pass

    def die(*args: object) -> None:
        raise Killed

    monkeypatch.setattr("workbench.models.Registry.withdraw", die)
    with wb.open() as session, pytest.raises(Killed):
        session.remove_channels("X-1")
    monkeypatch.undo()
    monkeypatch.setenv("WORKBENCH_HOME", str(session.settings.home))
    outcome = cli("score", "--all")
    assert "workbench channels remove X-1" in outcome.stderr
    assert cli("channels", "remove", "X-1", "--yes").exit_code == 0
    assert cli("score", "--all").exit_code == 0
    assert "Unknown channel" in cli("channels", "remove", "X-1", "--yes").stderr


def test_a_catalog_that_still_has_its_limits_is_named(cli, trained_home: Path) -> None:
    (trained_home / "own.yaml").write_text(
        "assets: {XAVER: {name: Xaver}}\nchannels:\n  X-1: {asset: XAVER, limits: {warning_high: 9}}\n"
    )
    (trained_home / "workbench.yaml").write_text("catalog: own.yaml\n")
    outcome = cli("channels", "remove", "X-1", "--yes")
    assert outcome.exit_code == 0
    assert "Before the next scoring: Catalog own.yaml: channels.X-1 has limits" in outcome.stderr
