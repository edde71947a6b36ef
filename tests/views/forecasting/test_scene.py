"""What forecasting shows, without a widget."""

import pytest

import workbench as wb
from tests.conftest import wave_channel
from workbench.exceptions import ViewError
from workbench.views.forecasting.scene import Scene


@pytest.fixture(scope="module")
def session(tmp_path_factory):
    session = wb.open(home=tmp_path_factory.mktemp("home"))
    for place, name in enumerate(["X-1", "X-2"]):
        session.archive.write(wave_channel(name, seed=place), wave_channel(name, 3000, place + 5))
    return session


@pytest.fixture
def scene(session):
    made = Scene(session)
    made.read("X-2")
    return made


def test_nothing_is_shown_before_the_channel_has_been_forecast(scene):
    assert scene.channel == "X-2"
    assert not scene.computed
    assert scene.outlook() is None


def test_the_forecaster_with_the_smallest_error_is_shown_until_another_is_chosen(scene):
    scene.compute()
    outlook = scene.outlook()
    assert outlook.forecaster == scene.skill.loc[scene.skill["mae"].idxmin(), "forecaster"]
    assert outlook.forecast.sizes["time"] == scene.steps
    assert outlook.history.sizes["time"] == 200
    scene.forecaster = "persistence"
    assert scene.outlook().forecaster == "persistence"
    scene.forecaster = "a forecaster that the channel lacks"
    assert scene.outlook().forecaster == outlook.forecaster
    assert scene.forecaster == ""


def test_a_forecast_depends_on_how_far_ahead_and_on_the_interval(scene):
    scene.compute()
    scene.steps = 30
    assert not scene.computed
    scene.steps = 10
    assert scene.computed
    scene.confidence = 0.8
    assert not scene.computed


def test_only_a_channel_of_the_archive_can_be_selected(scene):
    with pytest.raises(ViewError, match="X-9"):
        scene.select("X-9")
    assert scene.channel == "X-2"
    assert not scene.select_asset("nothing")
    assert scene.select_asset(scene.asset)
    assert scene.channel == "X-1"
