"""What the models view shows, without a widget."""

from dataclasses import replace

import pytest

import workbench as wb
from tests.conftest import wave_channel
from workbench.exceptions import ViewError
from workbench.views.models.scene import Scene


@pytest.fixture(scope="module")
def session(tmp_path_factory):
    """X-2 and X-10 with two versions and one, X-3 with none."""
    session = wb.open(home=tmp_path_factory.mktemp("home"), preset="paper")
    for place, name in enumerate(["X-2", "X-3", "X-10"]):
        session.archive.write(wave_channel(name, seed=place), wave_channel(name, 3000, place + 5))
    session.train(["X-10"], "ridge")
    for lags in (40, 1):
        session.train(["X-2"], "ridge", telemetry_lags=lags, force=True)
    return session


@pytest.fixture
def scene(session):
    made = Scene(session)
    made.read()
    return made


def test_a_channel_stands_for_its_champion_and_one_without_a_model_for_none(scene, session):
    assert scene.default("X-2") == session.registry.champion("X-2").id
    assert scene.default("X-3") == ""
    assert len(scene.versions("X-2")) == 2


def test_channels_are_listed_by_number_and_clicks_turn_the_order_round(scene):
    assert scene.listed["channel"].tolist() == ["X-2", "X-2", "X-10"]
    scene.set_filters(scene.filters.sorted_by("channel"))
    assert scene.listed["channel"].tolist() == ["X-10", "X-2", "X-2"]
    scene.set_filters(replace(scene.filters, alias="champion"))
    assert scene.listed["channel"].tolist() == ["X-10", "X-2"]


def test_only_a_registered_version_can_be_chosen(scene):
    scene.choose("X-2.ridge/1", "X-2")
    assert scene.info.version == 1
    with pytest.raises(ViewError, match=r"X-2\.ridge/9"):
        scene.choose("X-2.ridge/9", "X-2")
    assert scene.model == "X-2.ridge/1"


def test_drift_is_computed_for_each_channel_with_a_model_once(scene):
    assert scene.undrifted() == ["X-2", "X-10"]
    for row in scene.drift_of(["X-10"]):
        scene.add_drift(row)
    assert scene.undrifted() == ["X-2"]
    assert scene.drift_table["channel"].tolist() == ["X-10"]


def test_a_version_of_another_process_is_noticed(scene, session):
    assert not scene.outdated
    session.train(["X-3"], "ridge")
    assert scene.outdated
    scene.read()
    assert not scene.outdated
    assert scene.default("X-3") == "X-3.ridge/1"
