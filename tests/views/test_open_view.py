"""`session.view`: the views as Python objects that a notebook opens, reads and drives."""

import pandas as pd
import pytest

import workbench as wb
from tests.conftest import wave_channel
from tests.homes import copy_of
from workbench.exceptions import SettingsError, ViewError
from workbench.views.registry import VIEWS
from workbench.views.state import Selected


def make_home(home):
    with wb.open(home=home) as session:
        for seed, name in enumerate(["X-1", "X-2"]):
            session.archive.write(wave_channel(name, seed=seed), wave_channel(name, 3000, seed, spike=2000))
        session.train(["X-1", "X-2"], "ridge")
        session.score_all()


@pytest.fixture
def session(tmp_path, tmp_path_factory):
    with wb.open(home=copy_of("two-anomalies", make_home, tmp_path_factory, tmp_path)) as session:
        yield session


@pytest.mark.parametrize("name", VIEWS)
def test_each_view_opens_on_the_channel_that_is_named(session, name):
    view = session.view(name, channel="X-2", theme="dark")
    assert view.failure is None
    assert (view.name, view.tokens.name, view.state["channel"]) == (name, "dark", "X-2")
    assert view.selection.now.channel == "X-2"
    view.close()


def test_the_state_is_read_and_set(session):
    view = session.view("monitoring", channel="X-1", from_=1900, to=2100)
    assert (view.state["from"], view.state["to"]) == ("1900", "2100")
    assert view.state.objects()["from"] == 1900
    kept = view.state
    view.state = {"channel": "X-2"}
    assert (view.failure, view.state["channel"]) == (None, "X-2")
    view.state = kept
    assert view.state == kept
    view.close()


def test_choosing_drives_the_view(session):
    view = session.view("anomalies", channel="X-1")
    row = session.overview().set_index("channel").loc["X-2"]
    view.selection.choose(Selected(row["asset"], "X-2"))
    assert view.failure is None
    assert view.state["channel"] == "X-2"
    assert "X-2" in repr(view.selection)
    view.close()


def test_what_cannot_be_opened_gives_one_clear_error(session):
    with pytest.raises(ViewError, match=r"There is no view 'x'\. Views: overview"):
        session.view("x")
    with pytest.raises(SettingsError, match="no theme 'sepia'"):
        session.view("overview", theme="sepia")
    with pytest.raises(ViewError, match="lies after"):
        session.view("monitoring", channel="X-1", from_=20, to=10)
    view = session.view("overview")
    with pytest.raises(ViewError, match="anomaly is 'first'"):
        view.state = {"anomaly": "first"}
    view.close()


def test_two_views_on_a_page_have_a_theme_each(session):
    light, dark = session.view("overview"), session.view("overview", theme="dark")
    sheets = [view.widget.children[0].value for view in (light, dark)]
    assert not [sheet for sheet in sheets if ":root" in sheet]
    for view, sheet in zip((light, dark), sheets, strict=True):
        scopes = [name for name in view.widget._dom_classes if name.startswith("wb-of-")]
        assert f".{scopes[0]}{{" in sheet
        assert f"color-scheme:{view.tokens.name}" in sheet
        view.close()
    assert pd.Series(sheets).is_unique
