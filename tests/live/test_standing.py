"""What the live service says of itself in the home, and what the System view makes of it."""

import json
import os
from pathlib import Path

from workbench.live.feeds.feed import FeedState
from workbench.live.journal import Journal, Tag, Transaction
from workbench.live.standing import StandingFile, catching_up, read_standing
from workbench.settings import Settings
from workbench.views.header import catching_up_markup
from workbench.views.system.markup import live_markup


class Broker:
    name = "mqtt"

    def state(self) -> FeedState:
        return FeedState(False, "<broker>:1883 cannot be reached; tried again", 12)


def test_it_says_how_each_feed_is_while_the_service_runs(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    assert live_markup(read_standing(settings)) == ""
    journal = Journal(settings.journal_path)
    tag = journal.add_tag(Tag(0, "PWR-1", "served", clock="time"))
    journal.add_tag(Tag(0, "new/tag", "waiting", clock="time"))
    transaction = Transaction()
    transaction.count("added", tag.id, 1200)
    transaction.count("late", tag.id, 3)
    journal.store(transaction)
    journal.close()
    assert "No live telemetry is taken" in live_markup(read_standing(settings))
    file = StandingFile(tmp_path)
    file.note([Broker()])
    words = live_markup(read_standing(settings))
    assert f"by process {os.getpid()}." in words
    assert "&lt;broker&gt;:1883 cannot be reached" in words
    assert "1,200 added, 3 late, 1 new tag waiting" in words
    assert "not scored" not in words
    many = {f"PWR-{number}": "its model <is> damaged" for number in range(7)}
    StandingFile(tmp_path).note([], lambda: ("The disk is full.", many))
    words = live_markup(read_standing(settings))
    assert "New telemetry is not scored: The disk is full." in words
    assert words.count("is not scored: its model &lt;is&gt; damaged") == 5
    assert "2 more channels not scored." in words
    file.remove()
    assert read_standing(settings).process is None


def test_the_header_says_how_far_behind_a_feed_is_as_long_as_it_is(tmp_path: Path) -> None:
    class Behind(Broker):
        def state(self) -> FeedState:
            return FeedState(True, "", catching_up="7 h to catch up, until 9:00 & later")

    assert catching_up(tmp_path) == ""
    for feeds, expected in (([Broker(), Behind()], "7 h to catch up, until 9:00 & later"), ([Broker()], "")):
        StandingFile(tmp_path).note(feeds)
        assert catching_up(tmp_path) == expected
    assert ">7 h to catch up, until 9:00 &amp; later</p>" in catching_up_markup("7 h to catch up, until 9:00 & later")
    assert catching_up_markup("") == ""


def test_a_file_that_a_killed_service_has_left_says_nothing(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    journal = Journal(settings.journal_path)
    journal.add_tag(Tag(0, "PWR-1", "served", clock="time"))
    journal.close()
    (tmp_path / "live.json").write_text(json.dumps({"process": 2**22 + 5, "feeds": []}))
    assert read_standing(settings).process is None
    (tmp_path / "live.json").write_text("{")
    assert read_standing(settings).process is None
