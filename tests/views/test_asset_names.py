"""An asset is called by its catalog name wherever it is shown: its key is for links, commands and code."""

import re
from html import unescape

import pytest

import workbench as wb
from tests.plants import write_plant
from tests.views.look import markup

_KEY = re.compile(r"Pump-1(?!\.pca)")  # the id of a model is made of the key, as commands take it


@pytest.fixture(scope="module")
def session(tmp_path_factory):
    home = tmp_path_factory.mktemp("names")
    write_plant(home)
    with wb.open(home=home) as opened:
        opened.train_asset()
        opened.score_asset("Pump-1")
        opened.raise_alerts()
        desk = opened.maintenance
        desk.requests.report("Pump-1", "It hums")
        desk.preventive.read_meter("Pump-1", "hours", 120, "Kim")
        yield opened


@pytest.mark.parametrize(
    ("name", "state"),
    [
        ("overview", {}),
        ("monitoring", {"asset": "Pump-1"}),
        ("anomalies", {"kind": "asset"}),
        ("anomalies", {"group": "alert"}),
        ("forecasting", {"mode": "Risk and what-if"}),
        ("models", {"forecaster": "pca"}),
        ("maintenance", {"mode": "orders"}),
        ("maintenance", {"mode": "requests"}),
        ("maintenance", {"mode": "log"}),
        ("system", {"part": "Health"}),
    ],
)
def test_no_page_shows_the_key_of_an_asset(session, name, state):
    view = session.view(name, **state)
    assert view.failure is None
    shown = unescape(re.sub(r"data-[a-z-]+=('[^']*'|\"[^\"]*\")", "", markup(view)))
    found = [shown[max(0, one.start() - 60) : one.end() + 20] for one in _KEY.finditer(shown)]
    assert not found
    if (name, state) != ("anomalies", {"group": "alert"}):
        assert "Pump 1" in shown
    view.close()
