"""The grid: what its HTML holds, and what a click, a key or a drag calls."""

import pytest

from workbench.views.widgets.grid import Column, Grid, cell, table_markup

COLUMNS = [Column("name", "channel"), Column("severity", "score", number=True, tip="how far")]


def test_a_message_of_the_page_does_what_tell_does():
    called = []
    grid = Grid("Channels", pick=called.append, sort=lambda value: called.append(f"by {value}"))
    grid.receive({"kind": "pick", "value": "P-1"})
    grid.receive({"kind": "sort", "value": "severity"})
    assert called == ["P-1", "by severity"]
    assert grid.chosen == "P-1"
    grid.close()


def test_marks_of_the_page_are_taken_told_and_not_sent_back(monkeypatch):
    told, sent = [], []
    grid = Grid("Alerts", mark=told.append)
    monkeypatch.setattr(grid, "send_state", sent.append)
    grid.set_state({"marked": ["2", "1"]})
    assert grid.marked == ["2", "1"]
    grid.set_state({"marked": ["2", "1"]})
    grid.set_state({"marked": ["1"]})
    assert told == ["1", "2", "2"]
    assert sent == []
    grid.close()


@pytest.mark.parametrize("content", [None, "pick", {}, {"kind": "close"}, {"kind": "more"}])
def test_a_message_that_nobody_handles_changes_nothing(content):
    grid = Grid("Channels", pick=pytest.fail)
    grid.receive(content)
    assert grid.chosen == ""
    grid.close()


def test_marks_come_and_go_in_order():
    seen = []
    grid = Grid("Alerts", mark=lambda value: seen.append((value, list(grid.marked))))
    for value in ("1", "2", "1"):
        grid.tell("mark", value)
    assert seen == [("1", ["1"]), ("2", ["1", "2"]), ("1", ["2"])]
    grid.close()


def test_a_table_escapes_values_and_says_how_it_is_sorted():
    table = table_markup(
        COLUMNS, [("a'b", [cell("<b>"), "1.0"])], order="-severity", marks=True, classes={"a'b": "high"}
    )
    assert "data-pick='a&#x27;b' class='high'" in table
    assert "&lt;b&gt;" in table
    assert "<b>" not in table
    assert "aria-sort='descending'" in table
    assert table.count("aria-sort") == 1
    assert "data-mark='a&#x27;b'" in table
    assert "▾" in table


def test_a_table_without_order_marks_or_note_has_none():
    table = table_markup([Column("", "channel")], [("P-1", ["P-1"])])
    for part in ("aria-sort", "data-mark", "data-sort", "wb-more"):
        assert part not in table
