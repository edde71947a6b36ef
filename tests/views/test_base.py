import logging
import re

import pandas as pd
import pytest
from ipywidgets.widgets.widget import _instances

from tests.fake_session import small_fleet
from tests.views.look import find_button, markup, press, texts
from workbench.exceptions import SettingsError, ViewError
from workbench.views.base import View, callback
from workbench.views.state import Selected, Selection, State
from workbench.views.widgets.boxes import box, button


class Little(View):
    """The smallest view that has everything."""

    name = "little"
    title = "Little"
    keys = ("level",)

    def build(self):
        self.level, self.shown, self.drawn = "all", [], 0
        self.go_wrong = ""
        self.breaker = button("Break", "", self.on_break)
        return [box("wb-bar", self.breaker)]

    def refresh(self):
        if self.go_wrong:
            raise ViewError("It went wrong.", "Mend it.")
        self.table = self.session.overview()
        self.head.value = f"<h1>{len(self.table)}</h1>"

    def recolour(self):
        self.drawn += 1

    def show_selection(self, now):
        if now.channel == "none":
            raise ViewError("There is no channel none.", "Choose another.")
        self.shown.append(now.channel)

    def read_state(self):
        return {"level": self.level if self.level != "all" else ""}

    def apply_state(self, state):
        self.level = state.get("level", "all")

    def shown_table(self):
        return pd.DataFrame({"channel": ["P-1", "=cmd()"], "value": [1.0, -2.0]})

    def code_lines(self):
        return ["import math", "math.pi"]

    @callback
    def on_break(self, pressed):
        """Fail as the test says."""
        if self.go_wrong == "mine":
            raise ViewError("It went wrong <b>.", "Mend it.")
        if self.go_wrong:
            raise ZeroDivisionError("secret")


class Frame:
    def __init__(self):
        self.moves, self.opened, self.alterations = [], [], []

    def on_moved(self, *, step):
        self.moves.append(step)

    def open(self, name, state=None):
        self.opened.append(name)

    def on_altered(self, view):
        self.alterations.append(view)


@pytest.fixture
def view():
    made = Little(small_fleet())
    made.put_into(Frame())
    yield made
    made.close()


def card(view):
    return re.sub(r"<[^>]+>", " ", markup(view.pane.children[0]))


@pytest.mark.parametrize(("wrong", "words"), [("mine", "It went wrong &lt;b&gt;."), ("other", "Little: break failed.")])
def test_an_error_in_a_callback_becomes_a_card_whose_number_the_log_holds(view, caplog, wrong, words):
    view.go_wrong = wrong
    with caplog.at_level(logging.ERROR, "workbench.views"):
        view.breaker.click()
    assert view.failure is not None
    assert words in card(view)
    assert view.failure.number in card(view)
    assert "secret" not in card(view)
    assert "Error" not in card(view), "no name of an exception reaches a person"
    (record,) = caplog.records
    assert view.failure.number in record.message
    assert record.exc_info is not None


def test_the_card_stays_until_what_failed_succeeds(view):
    view.go_wrong = "mine"
    view.breaker.click()
    press(view, "Export")
    assert view.failure is not None
    view.go_wrong = ""
    view.breaker.click()
    assert view.failure is None
    assert "wb-card" not in markup(view)


def test_the_card_is_closed_by_hand_and_goes_when_something_else_is_done(view):
    view.go_wrong = "mine"
    view.breaker.click()
    assert view.failure is not None
    find_button(view, "✕").click()
    assert view.failure is None
    assert "wb-card" not in markup(view)
    view.breaker.click()
    view.choose(Selected("SMAP", "P-1"))
    assert view.failure is None, "the reader is somewhere else by now"


def test_the_card_of_data_that_cannot_be_read_stays_until_it_can(view):
    view.go_wrong = "yes"
    view.outdate()
    view.choose(Selected("SMAP", "P-1"))
    assert view.failure is not None
    view.go_wrong = ""
    view.outdate()
    assert view.failure is None


def test_an_open_panel_follows_what_is_chosen(view):
    press(view, "Notebook")
    assert "Choose a channel first." in texts(view)
    view.choose(Selected("SMAP", "P-1"))
    assert "Report on P-1 :" in texts(view)
    view.selection.choose(Selected("SMAP", "A-2"))
    assert "Report on A-2 :" in texts(view)


def test_a_view_whose_data_cannot_be_read_shows_a_card():
    class Broken(Little):
        def build(self):
            built = super().build()
            self.go_wrong = "yes"
            return built

    assert "It went wrong. Mend it." in " ".join(card(Broken(small_fleet())).split())


def test_a_state_is_shown_and_comes_back(view):
    view.restore(State({"channel": "A-2", "asset": "SMAP", "level": "high"}))
    assert dict(view.state) == {"view": "little", "asset": "SMAP", "channel": "A-2", "level": "high"}
    assert view.shown == ["A-2"]
    again = Little(small_fleet(), state=view.state)
    assert (again.state, again.level) == (view.state, "high")
    view.restore(State({}))
    assert (view.level, view.selection.now.channel) == ("all", "A-2")


def test_what_a_link_names_in_vain_gives_a_card(view):
    view.restore(State({"channel": "none"}))
    assert "There is no channel none." in card(view)


def test_choosing_tells_the_other_views_and_the_page_but_not_itself(view):
    other = Little(small_fleet(), selection=view.selection)
    frame = Frame()
    view.put_into(frame)
    view.choose(Selected("SMAP", "P-1"))
    view.choose(Selected("SMAP", "P-1"))
    assert (view.shown, other.shown) == ([], ["P-1"])
    assert frame.moves == [True]
    view.close()
    other.choose(Selected("SMAP", "A-2"))
    assert view.shown == []


def test_a_hidden_view_learns_the_last_selection_and_new_data_when_it_is_shown(view):
    reads = []
    view.refresh = lambda: reads.append(1)
    view.set_active(False)
    for name in ("P-1", "A-2"):
        view.selection.choose(Selected("SMAP", name))
    view.outdate()
    view.outdate()
    assert (view.shown, reads) == ([], [])
    view.set_active(True)
    view.set_active(True)
    assert (view.shown, reads) == (["A-2"], [1])
    view.outdate()
    assert reads == [1, 1]


def test_a_new_view_shows_what_is_already_chosen():
    selection = Selection(Selected("SMAP", "P-1"))
    assert Little(small_fleet(), selection=selection).shown == ["P-1"]


def test_the_theme_recolours_once_and_the_density_not_at_all(view):
    sheet = view.widget.children[0]
    light = sheet.value
    view.set_theme("dark")
    dark = sheet.value
    view.set_theme("dark", "roomy")
    assert view.drawn == 1
    assert len({light, dark, sheet.value}) == 3


@pytest.mark.parametrize("look", [{"theme": "sepia"}, {"density": "airy"}])
def test_an_unknown_look_is_refused(look):
    with pytest.raises(SettingsError, match=r"no (theme|density) '(sepia|airy)'\. Choose one of: "):
        Little(small_fleet(), **look)


def test_the_table_is_exported_without_formulas(view):
    view.restore(State({"channel": "P-1"}))
    assert view.export_csv() == ("little_P-1.csv", "channel,value\nP-1,1.0\n'=cmd(),-2.0\n")
    press(view, "Export")
    press(view.tools.panel, "CSV of the table")
    assert 'download="little_P-1.csv"' in markup(view)


def test_the_code_puts_imports_first_and_the_view_last(view):
    view.restore(State({"channel": "P-1"}))
    lines = view.code().splitlines()
    assert lines[:2] == ["import workbench as wb", "import math"]
    assert lines[-1] == "session.view('little', channel='P-1')"
    compile(view.code(), "cell", "exec")


def test_one_tool_is_open_at_a_time_and_closes_again(view):
    tools = view.tools
    press(view, "Code")
    assert "session.view" in tools.panel.children[0].value
    press(view, "Export")
    assert "?view=little" in tools.panel.children[1].value
    assert tools.panel.layout.display is None
    press(view, "Export")
    assert (tools.opened, tools.panel.layout.display) == ("", "none")


def test_a_report_needs_a_channel(view):
    press(view, "Notebook")
    assert "Choose a channel first" in view.tools.panel.children[0].value


def test_progress_is_shown_while_it_lasts(view):
    with view.busy("Scoring", 3) as done:
        done(2)
        assert "Scoring 2 of 3" in texts(view)
    assert "Scoring" not in texts(view)


def test_closing_leaves_no_widget_behind():
    before = set(_instances)
    made = Little(small_fleet())
    press(made, "Export")
    press(made, "Code")
    assert made.widget.comm is not None
    made.close()
    assert set(_instances) == before


def test_the_report_of_the_chosen_channel_is_linked(view, monkeypatch):
    async def make_report(settings, channel):
        return f"/reports/{channel}.html"

    monkeypatch.setattr("workbench.views.tools.make_report", make_report)
    view.restore(State({"channel": "P-1"}))
    press(view, "Notebook")
    press(view, "Create the report")
    assert view.failure is None
    assert "/reports/P-1.html" in markup(view)
    assert "Report on P-1" in texts(view)


def test_a_report_that_fails_shows_a_card_and_can_be_tried_again(view, monkeypatch):
    async def make_report(settings, channel):
        raise ViewError("It went wrong.", "Mend it.")

    monkeypatch.setattr("workbench.views.tools.make_report", make_report)
    view.restore(State({"channel": "P-1"}))
    press(view, "Notebook")
    press(view, "Create the report")
    assert view.failure is not None
    assert not find_button(view, "Create the report").disabled
