import getpass
import re
from typing import ClassVar

import pytest

from tests.fake_session import FakeSession, small_fleet
from tests.views.look import buttons, find_button, find_field, press, texts
from tests.views.test_base import Little
from workbench.exceptions import SettingsError, ViewError
from workbench.views import registry
from workbench.views.shell import Shell
from workbench.views.state import Selected, State


class Second(Little):
    name = "second"
    title = "Second"
    shortcuts: ClassVar = {"J": "next row"}


@pytest.fixture(autouse=True)
def _two_views(monkeypatch):
    views = {cls.name: f"{cls.__module__}:{cls.__name__}" for cls in (Little, Second)}
    monkeypatch.setattr(registry, "VIEWS", views)
    monkeypatch.setattr("workbench.views.shell.VIEWS", views)


@pytest.fixture
def shell():
    made = Shell(small_fleet())
    yield made
    made.close()


def tab(shell, title):
    return find_button(shell, title)


def tabs(shell):
    return [made for made in buttons(shell) if "wb-tab" in made._dom_classes]


def address(shell):
    """What the page's address follows."""
    texts = [getattr(made, "value", "") for made in shell.widget.children]
    (written,) = [text for text in texts if "wb-address" in str(text)]
    return dict(re.findall(r'data-(\w+)="([^"]*)"', written))


def go_back(shell, text):
    """What the browser does at its back button."""
    (visit,) = [made for made in shell.widget.children if "wb-visit" in made._dom_classes]
    visit.value = text


def test_only_the_first_view_is_built(shell):
    assert list(shell.views) == ["little"]
    assert [made.description for made in tabs(shell)] == ["Little", "Second"]
    assert address(shell)["query"] == "view=little"


def test_an_error_of_the_page_stands_in_its_header_and_is_closed(shell, monkeypatch):
    def fail():
        raise ViewError("The fleet is away.", "Look for it.")

    monkeypatch.setattr(shell.session, "overview", fail)
    shell.refresh()
    assert "The fleet is away." in texts(shell)
    (dismiss,) = [
        made for made in buttons(shell) if "wb-dismiss" in made._dom_classes and made not in buttons(shell.view)
    ]
    dismiss.click()
    assert shell._notice.value == ""
    assert shell.failure is None


def test_an_empty_home_says_how_to_begin_until_there_is_telemetry(shell, monkeypatch):
    """In place of views of telemetry only; a command fills the home in a process of its own."""
    monkeypatch.setattr("workbench.views.shell._OF_TELEMETRY", ("little",))
    whole, asked = shell.session.overview(), []

    async def fill(settings, *command):
        asked.append((settings.home, command))
        monkeypatch.setattr(shell.session, "overview", lambda: whole)

    monkeypatch.setattr("workbench.views.beginning.run_command", fill)
    card = shell._beginning
    assert card.widget.layout.display == "none"
    monkeypatch.setattr(shell.session, "overview", lambda: whole.head(0))
    shell.refresh()
    assert card.widget.layout.display is None
    assert "workbench fetch" in texts(shell)
    tab(shell, "Second").click()
    assert card.widget.layout.display == "none"
    tab(shell, "Little").click()
    card.buttons["demo"].click()
    assert asked == [(shell.session.settings.home, ("run", "--no-serve", "--still"))]
    assert card.widget.layout.display == "none"
    assert shell.failure is None


def test_a_tab_is_built_when_first_opened_and_kept(shell):
    tab(shell, "Second").click()
    first, second = shell.views["little"], shell.views["second"]
    assert [pane for pane in shell.widget.children[-1].children] == [first.pane, second.pane]
    assert (first.pane.layout.visibility, second.pane.layout.visibility) == ("hidden", None)
    assert (first.active, second.active) == (False, True)
    tab(shell, "Little").click()
    assert (first.pane.layout.visibility, second.pane.layout.visibility) == (None, "hidden")
    assert shell.views == {"little": first, "second": second}
    assert "wb-current" in tab(shell, "Little")._dom_classes
    assert "wb-current" not in tab(shell, "Second")._dom_classes


def test_a_view_that_reads_anew_when_shown_stands_alone_on_the_page_meanwhile(shell, monkeypatch):
    """What it has missed may take it seconds: the view before must not show through for so long."""
    tab(shell, "Second").click()
    first, second = shell.views["little"], shell.views["second"]
    seen = []

    def read():
        marked = [made.description for made in tabs(shell) if "wb-current" in made._dom_classes]
        seen.append((first.pane.layout.visibility, second.pane.layout.visibility, marked))

    monkeypatch.setattr(first, "refresh", read)
    first.outdate()
    tab(shell, "Little").click()
    assert seen == [(None, "hidden", ["Little"])]


def test_a_selection_carries_over_to_tabs_that_are_open_and_to_those_that_are_not(shell):
    shell.view.choose(Selected("SMAP", "P-1"))
    shell.view.go("second")
    assert shell.current == "second"
    assert shell.view.shown == ["P-1"]
    shell.view.choose(Selected("SMAP", "A-2", 900))
    tab(shell, "Little").click()
    assert shell.view.shown == ["A-2"]
    assert address(shell) == {
        "query": "view=little&amp;asset=SMAP&amp;channel=A-2&amp;anomaly=900",
        "step": "4",
        "look": f"light.compact.{getpass.getuser()}",
    }


def test_a_link_opens_its_view_and_a_visit_goes_back(shell):
    shell.visit("view=second&channel=T-3&level=high")
    assert (shell.current, shell.view.level, shell.selection.now.channel) == ("second", "high", "T-3")
    go_back(shell, "1 view=little&channel=P-1")
    assert (shell.current, shell.view.shown[-1]) == ("little", "P-1")
    assert address(shell)["step"] == "0", "a visit is no step of its own"
    go_back(shell, "2 view=little&channel=P-1")
    assert shell.failure is None


@pytest.mark.parametrize("query", ["view=none", "channel=" + "x" * 500, "from=b", "view=second&channel=none"])
def test_a_link_that_leads_nowhere_gives_a_card_and_a_page(query):
    shell = Shell(small_fleet())
    shell.visit(query)
    assert shell.view is not None
    assert shell.failure or shell.view.failure
    assert shell.view.pane.layout.display is None


def test_a_wrong_first_state_gives_a_card_and_the_first_view():
    shell = Shell(small_fleet(), state={"view": "none"})
    assert shell.current == "little"
    assert "There is no view 'none'" in texts(shell)


def test_new_data_in_one_view_is_read_by_the_others_when_shown(shell):
    tab(shell, "Second").click()
    shell.session.spans["M-5"] = [(100, 140, 99.0)]
    shell.view.altered()
    assert shell.views["little"].table["severity"].max() < 99
    tab(shell, "Little").click()
    assert shell.view.table["severity"].max() == 99


def test_the_header_says_how_the_fleet_is_and_where_its_data_lies(shell):
    head = texts(shell.widget)
    assert re.search(r"4 open alerts .* 1 low .* 3 info", head)
    assert "as of 12:00 UTC, 1 stale, Fleet, detection settings: workbench" in head
    assert "no telemetry yet" in texts(Shell(FakeSession({})))


def test_theme_and_density_reach_every_view_and_the_address(shell):
    tab(shell, "Second").click()
    press(shell, "Dark")
    press(shell, "Roomy")
    assert {(view.tokens.name, view.density) for view in shell.views.values()} == {("dark", "roomy")}
    assert address(shell)["look"] == f"dark.roomy.{getpass.getuser()}"
    assert find_button(shell, "Light")
    shell.visit("", "light.compact.Ada%20L.")
    assert address(shell)["look"] == "light.compact.Ada%20L."
    shell.visit("", "sepia.airy")
    assert (shell.theme, shell.density) == ("light", "compact")


def test_whoever_acts_is_named_once_for_all_views(shell):
    tab(shell, "Second").click()
    find_field(shell, "Your name").value = " Ada L. "
    assert {view.who for view in shell.views.values()} == {"Ada L."}
    assert address(shell)["look"].endswith(".Ada%20L.")
    find_field(shell, "Your name").value = " "
    assert (find_field(shell, "Your name").value, shell.selection.who) == ("Ada L.", "Ada L.")


def test_what_others_have_done_is_read_at_the_next_look(shell):
    before = texts(shell)
    shell.on_poll()
    assert texts(shell) == before
    alert = int(shell.session.maintenance.alerts.list()["id"].iloc[0])
    shell.session.spans["M-5"] = [(300, 340, 99.0)]
    shell.session.maintenance.alerts.acknowledge(alert, "Ada")
    shell.on_poll()
    assert shell.view.table["severity"].max() == 99


def test_shortcuts_are_listed_with_the_view_s_own(shell):
    tab(shell, "Second").click()
    press(shell, "?")
    listed = texts(shell)
    assert "next row" in listed
    assert "open a tab" in listed
    press(shell, "?")
    assert "open a tab" not in texts(shell)


def test_the_view_that_is_shown_is_polled(shell):
    polled = []
    shell.view.poll = lambda: polled.append("little")
    shell.on_poll()
    tab(shell, "Second").click()
    shell.on_poll()
    assert polled == ["little"]


def test_a_view_that_cannot_be_built_leaves_the_page_as_it_was(shell, monkeypatch):
    def fail(self):
        raise ViewError("No.", "Mend it.")

    monkeypatch.setattr(Second, "build", fail)
    tab(shell, "Second").click()
    assert shell.current == "little"
    assert "No. Mend it." in texts(shell)
    assert "Opening" not in texts(shell)


def test_one_view_alone_has_neither_tabs_nor_header():
    shell = Shell(small_fleet(), ["second"])
    assert "wb-alone" in shell.widget._dom_classes
    assert shell.current == "second"
    assert not any("wb-nav" in child._dom_classes for child in shell.widget.children)


def test_unknown_names_are_refused():
    with pytest.raises(ViewError, match=r"no view 'third'\. Views: little, second"):
        Shell(small_fleet(), ["third"])
    with pytest.raises(SettingsError, match="no theme 'sepia'"):
        Shell(small_fleet(), theme="sepia")
    with pytest.raises(ViewError, match="no view 'x'"):
        registry.open_view(small_fleet(), "x")


def test_a_view_is_opened_for_a_notebook_with_its_state():
    view = registry.open_view(small_fleet(), "second", State({"channel": "P-1"}), theme="dark")
    assert (view.shown, view.tokens.name) == (["P-1"], "dark")
