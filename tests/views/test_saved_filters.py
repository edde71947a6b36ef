import pytest

from tests.fake_session import small_fleet
from tests.views.look import press
from workbench.views.anomalies.view import Anomalies
from workbench.views.saved_filters import read_filters


@pytest.fixture
def view(tmp_path):
    session = small_fleet()
    session.settings = session.settings.model_copy(update={"home": tmp_path})
    opened = Anomalies(session)
    yield opened
    opened.close()


def save(view, name):
    press(view, "Save filters")
    view.saved.name.value = name
    press(view, "Save")


def test_filters_that_are_saved_by_name_are_there_for_the_next_page(view, tmp_path):
    view.list.filters["place"].value = "SMAP"
    view.list.filters["state"].value = "waiting"
    save(view, " Mornings ")
    assert view.failure is None
    assert view.saved.choice.value == "Mornings"
    wanted = view.alerts["id"].tolist()
    assert wanted
    view.list.filters["place"].value = "MSL"
    assert view.saved.choice.value == "", "those in use are others by now"
    again = Anomalies(view.session)
    again.saved.choice.value = "Mornings"
    assert again.alerts["id"].tolist() == wanted
    assert (again.state["place"], again.state["state"]) == ("SMAP", "waiting")
    press(again, "Save filters")
    press(again, "Remove")
    assert read_filters(tmp_path, "anomalies") == {}
    again.close()


def test_filters_without_a_name_are_not_saved(view, tmp_path):
    save(view, " ")
    assert view.failure.what == "The name is empty."
    assert read_filters(tmp_path, "anomalies") == {}


def test_a_damaged_file_is_like_none(tmp_path):
    for content in ("", "[1]", '{"anomalies": [1]}', '{"anomalies": {"a": 1}}'):
        (tmp_path / "filters.json").write_text(content)
        assert read_filters(tmp_path, "anomalies") == {}
