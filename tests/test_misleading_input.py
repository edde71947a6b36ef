"""What outsiders tried and got a traceback, a dead end or an advice that leads in a circle for."""

import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import workbench as wb
from tests.conftest import wave_channel
from workbench.cli import app
from workbench.exceptions import MaintenanceError, ModelNotFoundError, SettingsError
from workbench.maintenance.schedule.model import Placement
from workbench.maintenance.windows import Window
from workbench.paths import local_path
from workbench.session import Session
from workbench.settings import load_settings


@pytest.fixture
def session(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path / "home"))
    with wb.open() as session:
        train, test = wave_channel("X-1", 900), wave_channel("X-1", 900)
        session.archive.write(train, test, None)
        yield session


def test_a_retired_model_is_offered_where_no_other_serves(session):
    session.train(["X-1"], "persistence")
    session.models.retire("X-1.persistence", 1)
    with pytest.raises(ModelNotFoundError, match=r"workbench models promote X-1\.persistence 1"):
        session.score("X-1")


def test_a_channel_that_may_not_be_read_is_listed(session, monkeypatch):
    """By one that has not read it before."""
    other, read = Session(session.settings), Path.read_bytes

    def refuse(path):
        if path.is_relative_to(session.archive.path):
            raise PermissionError(13, "Permission denied", str(path))
        return read(path)

    monkeypatch.setattr("pathlib.Path.read_bytes", refuse)
    assert other.archive.channels() == ["X-1"]
    assert "Permission denied" in other.channels().loc["X-1", "damage"]
    other.close()


def test_a_verdict_is_taken_as_the_screens_say_it(session):
    session.train(["X-1"], "persistence")
    desk = session.maintenance
    with pytest.raises(MaintenanceError, match="There is no alert"):
        desk.alerts.close(1, "Ann", "real fault")


def test_a_text_that_is_not_unicode_is_refused(session):
    with pytest.raises(MaintenanceError, match="not Unicode"):
        session.maintenance.orders.new("Ann", asset="XAVER", title="\udc9b")


def test_a_key_that_is_no_text_is_named(tmp_path):
    (tmp_path / "workbench.yaml").write_text("1: 2\n", encoding="utf-8")
    with pytest.raises(SettingsError, match="the key 1 is not a setting"):
        load_settings(tmp_path)


@pytest.mark.parametrize("text", ["a\0b", " s3://bucket/home", "HTTP://host/x "])
def test_what_is_no_path_is_refused(text):
    with pytest.raises(SettingsError, match="home"):
        local_path("home", text)


def test_terminals_are_not_steered_by_names(session):
    session.maintenance.people.set("E\x1b[31mve", who="Ann")
    printed = CliRunner().invoke(app, ["people", "list"], color=True).output
    assert "ve" in printed
    assert "\x1b" not in printed


def test_a_quantity_of_thousands_of_digits_is_one_error(session):
    result = CliRunner().invoke(app, ["orders", "new", "--asset", "Pump-1", "--part", f"seal={'9' * 5000}"])
    assert result.exit_code == 2
    assert "is not a part with a quantity" in result.output


def test_an_order_that_falls_out_of_a_plan_is_shown(session, monkeypatch):
    from workbench.maintenance.planning import Planning
    from workbench.maintenance.schedule.what_if import moved

    start = pd.Timestamp("2026-01-01", tz="UTC").to_pydatetime()
    placed = Placement("WO-1", "Ann", (Window(start, start + timedelta(hours=1)),))
    table = moved([placed], [])
    assert len(table) == 1

    class Comparison:
        def figures(self):
            return pd.DataFrame({"before": [1.0], "after": [np.nan]}, index=["planned"])

        def moved(self):
            return table

    monkeypatch.setattr(Planning, "what_if", lambda planning, change: Comparison())
    result = CliRunner().invoke(app, ["plan", "--what-if", "delay=10"])
    assert result.exit_code == 0
    assert "1 order would move" in result.output


def test_completion_offers_the_public_names_before_they_are_loaded():
    command = "import workbench; print({'open', 'Session', 'detection'} <= set(dir(workbench)))"
    assert subprocess.run([sys.executable, "-c", command], capture_output=True, text=True).stdout == "True\n"


def test_the_values_that_moved_can_be_imported_from_the_settings():
    from workbench import parameters, settings

    for name in ("LEVELS", "DriftLimits", "Preset", "SeverityLevels", "TelemanomParams"):
        assert getattr(settings, name) is getattr(parameters, name)
