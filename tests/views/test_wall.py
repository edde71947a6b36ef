"""A screen on a wall: what the address asks for, what is shown in turn, and how it ends."""

import re

import pytest

from tests.fake_session import small_fleet
from workbench.exceptions import ViewError
from workbench.views.shell import Shell
from workbench.views.wall import Wall

VIEWS = ("overview", "monitoring", "anomalies", "system")


@pytest.fixture
def shell():
    made = Shell(small_fleet(), VIEWS[:2])
    yield made
    made.close()


def address(shell):
    return re.search(r'data-query="([^"]*)"', shell._address.value)[1].replace("&amp;", "&")


def test_views_come_in_turn_for_as_long_as_the_address_says():
    wall = Wall.of("?wall=monitoring,overview&seconds=12.5&token=x", VIEWS)
    assert wall == Wall(("monitoring", "overview"), 12.5)
    assert [wall.next(name) for name in ("monitoring", "overview", "system")] == [
        "overview",
        "monitoring",
        "monitoring",
    ]
    assert Wall.of("?" + wall.query(), VIEWS) == wall
    assert Wall.of("wall=", VIEWS).views == VIEWS[:3]
    assert Wall.of("view=overview", VIEWS) is None


@pytest.mark.parametrize("query", ["wall=nothing", "wall&seconds=soon", "wall&seconds=0", "wall&seconds=nan"])
def test_an_address_that_asks_for_what_cannot_be_is_refused(query):
    with pytest.raises(ViewError):
        Wall.of(query, VIEWS)


def test_the_page_turns_and_keeps_the_address_until_it_is_left(shell):
    shell.visit("wall=monitoring,overview&seconds=30")
    assert (shell.current, shell.failure) == ("monitoring", None)
    assert "wb-wall" in shell.widget._dom_classes
    assert "wall=monitoring,overview&seconds=30" in address(shell)
    shell.on_turn()
    assert shell.current == "overview"
    shell.restore(address(shell))
    assert (shell.current, shell.wall.views) == ("overview", ("monitoring", "overview"))
    shell.on_leave_wall(None)
    assert "wb-wall" not in shell.widget._dom_classes
    assert "wall" not in address(shell)
    shell.on_turn()
    assert shell.current == "overview"


def test_a_page_that_is_not_on_a_wall_has_no_trace_of_it(shell):
    shell.visit("view=monitoring")
    assert shell.wall is None
    assert "wall" not in address(shell)
    shell.visit("wall=nothing")
    assert "nothing" in shell.failure.what
