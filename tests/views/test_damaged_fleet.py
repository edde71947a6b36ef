"""The views of a fleet in which one channel is damaged: all of them open, and show the others."""

from pathlib import Path

import pytest

from tests.damaged_fleet import BROKEN, SOUND, damage, make_alerted_fleet, open_fleet
from tests.homes import copy_of
from workbench.dashboard.metrics import Metrics
from workbench.threshold_trial import try_thresholds
from workbench.views.header import header_markup
from workbench.views.registry import VIEWS, open_view

DAMAGED = ("zarr.json", "test/telemetry/c/0", "scores/ridge.workbench/epsilon/c/0")


@pytest.fixture
def home(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with two scored channels whose alerts are raised."""
    return copy_of("alerted-fleet", make_alerted_fleet, tmp_path_factory, tmp_path / "home")


@pytest.fixture(params=DAMAGED)
def session(request: pytest.FixtureRequest, home: Path):
    damage(home, request.param, "noise")
    return open_fleet(home)


@pytest.mark.slow
@pytest.mark.parametrize("name", VIEWS)
def test_a_view_opens_on_the_sound_channel(session, name):
    view = open_view(session, name, {"channel": SOUND, "asset": "XAVER"})
    assert view.failure is None, view.failure.what
    view.close()


def test_monitoring_draws_the_others_and_says_what_to_do(session):
    view = open_view(session, "monitoring", {"asset": "XAVER"})
    assert view.failure is None
    assert SOUND in view.table["channel"].tolist()
    assert f"Cannot be read: {BROKEN}" in view.head.value
    assert "workbench import PATH" in view.head.value or "workbench score X-1 --force" in view.head.value
    view.close()


def test_the_damaged_channel_is_a_cell_of_the_overview_and_a_note_of_the_header(home):
    damage(home, "zarr.json", "noise")
    session = open_fleet(home)
    view = open_view(session, "overview")
    assert view.failure is None
    assert "cannot be read" in view.head.value and "workbench doctor" in view.head.value
    alerts = session.maintenance.alerts.count(state="open")
    assert "1 damaged" in header_markup(session.overview(), alerts, session.settings, session.clock())
    view.close()


def test_metrics_count_it(home, tmp_path):
    damage(home, "zarr.json", "noise")
    families = {family.name: family for family in Metrics(tmp_path, lambda: open_fleet(home)).collect()}
    counts = {sample.labels["score"]: sample.value for sample in families["workbench_channels"].samples}
    assert counts == {"current": 1.0, "stale": 0.0, "missing": 0.0, "damaged": 1.0}
    readable = {sample.labels["part"]: sample.value for sample in families["workbench_readable"].samples}
    assert readable["fleet"] == 1.0


def test_thresholds_are_tried_on_the_others(home):
    damage(home, "test/telemetry/c/0", "noise")
    session = open_fleet(home)
    settings, desk = session.settings, session.maintenance
    trial = try_thresholds(desk, [BROKEN, SOUND], session.channel, session.stored, settings.severity, settings.params)
    assert (trial.channels, list(trial.failed)) == (1, [BROKEN])
    assert str(trial).endswith(f"Not tried: {BROKEN}.")
