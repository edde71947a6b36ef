"""Every view of the registry keeps the frame's contract."""

import pytest

import workbench as wb
from tests.checks import check_view
from tests.conftest import wave_channel
from tests.homes import copy_of
from workbench.views.registry import VIEWS, view_class


def make_home(home):
    with wb.open(home=home) as session:
        session.archive.write(wave_channel("X-1"), wave_channel("X-1", 3000, 1, spike=2000))
        session.archive.write(wave_channel("X-2", seed=2), wave_channel("X-2", 3000, 3))
        session.archive.write(wave_channel("X-3", seed=4), wave_channel("X-3", 3000, 5))
        session.train(["X-1", "X-2"], "ridge")
        session.score_all(["X-1", "X-2"])


@pytest.fixture
def session(tmp_path, tmp_path_factory):
    """Three channels: one with an anomaly, one without, one that is not scored."""
    with wb.open(home=copy_of("three-channels", make_home, tmp_path_factory, tmp_path)) as session:
        yield session


@pytest.mark.parametrize("name", VIEWS)
def test_view(name, session):
    check_view(name, view_class(name), session)


def test_titles_are_each_view_s_own():
    titles = [view_class(name).title for name in VIEWS]
    assert len(set(titles)) == len(titles)
