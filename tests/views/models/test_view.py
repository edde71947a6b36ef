"""Models as an object: what its controls do to the registry, and what the next score uses."""

import asyncio
import threading

import pandas as pd
import pytest

import workbench as wb
from tests.conftest import wave_channel
from tests.homes import copy_of
from tests.views.finders import find_box, find_grid
from tests.views.look import find_button, find_field, find_toggle, press, texts
from workbench.exceptions import ModelError
from workbench.views.models import actions
from workbench.views.models.scene import Scene
from workbench.views.models.view import Models
from workbench.views.state import Selected, State


def make_home(home):
    with wb.open(home=home, preset="paper") as session:
        for place, name in enumerate(["X-1", "X-2", "X-3"]):
            session.archive.write(wave_channel(name, seed=place), wave_channel(name, 3000, place + 5, spike=2000))
        session.train(["X-1"], "ridge", telemetry_lags=1)
        session.train(["X-1"], "ridge", telemetry_lags=40, force=True)
        session.train(["X-2"], "ridge")
        session.score_all(["X-1", "X-2"])


@pytest.fixture
def session(tmp_path, tmp_path_factory):
    """X-1: a poor champion that a better one has replaced; X-2 with one version, X-3 with none."""
    home = copy_of("versions", make_home, tmp_path_factory, tmp_path)
    with wb.open(home=home, preset="paper") as session:
        yield session


@pytest.fixture
def view(session):
    opened = Models(session)
    yield opened
    opened.close()


def champion(session, channel="X-1"):
    return session.registry.champion(channel).id


def open_section(view, name):
    find_toggle(view, name).value = name


def test_all_versions_are_listed_filtered_and_sorted(view):
    assert view.listed["model"].tolist() == ["X-1.ridge/1", "X-1.ridge/2", "X-2.ridge/1"]
    assert view.model == "X-1.ridge/2"
    assert "3 versions for 2 channels" in view.head.value
    find_field(view, "Part of the channel's name").value = "x-2"
    assert view.listed["model"].tolist() == ["X-2.ridge/1"]
    find_field(view, "Part of the channel's name").value = ""
    find_field(view, "Alias").value = "champion"
    assert view.listed["model"].tolist() == ["X-1.ridge/2", "X-2.ridge/1"]
    find_field(view, "Alias").value = ""
    find_grid(view, "Models").tell("sort", "error")
    assert view.listed["error"].is_monotonic_increasing
    find_grid(view, "Models").tell("sort", "error")
    assert view.listed["error"].is_monotonic_decreasing
    again = Models(view.session, state=view.state)
    assert again.listed["model"].tolist() == view.listed["model"].tolist()
    again.close()


def test_drift_is_that_of_the_session(view, session):
    drift = session.models.drift(["X-1", "X-2"]).set_index("model")
    assert {model: row["error_ratio"] for model, row in view.drift.items() if row["model"]} == drift[
        "error_ratio"
    ].to_dict()


def test_the_search_for_drift_says_how_far_it_is_and_can_be_stopped(session, monkeypatch):
    release, drift_of = threading.Event(), Scene.drift_of

    def drift_of_one_and_wait(scene, channels):
        for row in drift_of(scene, channels):
            yield row
            release.wait(60)

    async def look():
        view = Models(session)
        words = lambda: texts(find_box(view, "wb-drift-bar"))  # noqa: E731
        while not view.drift:
            await asyncio.sleep(0)
        assert "Looking for drift: 1 of 2 channels" in words()
        view.set_active(False)
        press(view, "Stop")
        assert "Drift search stopped: 1 of 2 channels" in words()
        release.set()
        view.refresh()
        assert len(view.drift) == 1
        view.set_active(True)
        press(view, "Go on")
        while find_box(view, "wb-drift-bar").layout.display is None:
            await asyncio.sleep(0)
        assert {row["channel"] for row in view.drift.values()} == {"X-1", "X-2"}
        view.close()

    monkeypatch.setattr(Scene, "drift_of", drift_of_one_and_wait)
    asyncio.run(look())


def test_a_channel_without_a_model_is_shown_as_such(view):
    view.selection.choose(Selected("X", "X-3"))
    assert (view.model, view.channel) == ("", "X-3")
    assert "X-3 no model yet" in texts(view)
    assert find_button(view, "Promote").disabled
    assert not find_button(view, "Train again").disabled


@pytest.mark.parametrize("wrong", [{"part": "Nothing"}, {"model": "X-1.ridge/9"}, {"alias": "king"}, {"order": "luck"}])
def test_links_that_cannot_be_are_refused(view, wrong):
    view.restore(State({"channel": "X-1", **wrong}))
    assert next(iter(wrong.values())) in view.failure.what


def test_two_versions_are_compared_on_the_same_data(view):
    open_section(view, "Versions")
    assert find_button(view, "Compare marked versions").disabled
    for model in ("X-1.ridge/1", "X-1.ridge/2"):
        find_grid(view, "Versions").tell("mark", model)
    assert not find_button(view, "Compare marked versions").disabled
    press(view, "Compare marked versions")
    figures = view.shown_table().set_index("model")
    assert figures.loc["X-1.ridge/2", "held_out_error"] < figures.loc["X-1.ridge/1", "held_out_error"]
    assert set(view.charts()) == {"Drift", "Comparison"}
    view.selection.choose(Selected("X", "X-2"))
    assert set(view.charts()) == {"Drift"}
    pd.testing.assert_frame_equal(view.shown_table(), view.listed)


def test_labels_are_counted_where_they_are(view, session):
    session.archive.set_labels("X-1", pd.DataFrame({"start": [1990], "end": [2010], "kind": ["point"]}))
    open_section(view, "Labels")
    counts = view.shown_table()
    assert counts["channel"].tolist() == ["X-1"]
    assert counts["true_positives"].item() + counts["false_negatives"].item() == 1


def test_what_a_command_refuses_stays_on_the_page(view, monkeypatch):
    async def refuse(settings, *command):
        raise ModelError("It is not better than the champion.")

    monkeypatch.setattr(actions, "run_command", refuse)
    press(view, "Score again")
    assert "not better" in view.failure.what


@pytest.mark.slow
def test_a_version_is_rolled_back_promoted_and_the_next_score_uses_it(view, session):
    assert champion(session) == "X-1.ridge/2"
    press(view, "Roll back")
    assert view.failure is None
    assert champion(session) == "X-1.ridge/1"
    press(view, "Score again")
    assert session.stored("X-1").attrs["model"] == "X-1.ridge/1"
    find_grid(view, "Models").tell("pick", "X-1.ridge/2")
    press(view, "Promote")
    assert champion(session) == "X-1.ridge/2"
    press(view, "Score again")
    assert session.stored("X-1").attrs["model"] == "X-1.ridge/2"
    find_grid(view, "Models").tell("pick", "X-1.ridge/1")
    press(view, "Promote")
    assert "is not better than the champion" in view.failure.what
    assert champion(session) == "X-1.ridge/2"
    find_grid(view, "Models").tell("pick", "X-1.ridge/2")
    press(view, "Retire")
    assert champion(session) == "X-1.ridge/1"
    assert find_button(view, "Retire").disabled


@pytest.mark.slow
def test_a_training_registers_a_version_and_a_cancelled_one_nothing(view, session):
    view.selection.choose(Selected("X", "X-3"))
    view.actions.how.value = "ridge"
    press(view, "Train again")
    assert view.failure is None
    assert view.model == champion(session, "X-3") == "X-3.ridge/1"

    async def cancelled():
        view.actions.how.value = "lstm"
        press(view, "Train again")
        assert view.actions.running == "X-3"
        while not view.epochs:
            await asyncio.sleep(0.05)
        assert "Learning curve" in view.charts()
        press(view, "Cancel")
        while view.actions.running:
            await asyncio.sleep(0.05)

    asyncio.run(cancelled())
    assert "Training stopped. No version was registered." in texts(view)
    assert [info.id for info in session.registry.list("X-3")] == ["X-3.ridge/1"]
