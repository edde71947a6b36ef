"""A page follows what is written to its home: alerts, telemetry and scores, at its next look, half a second later."""

from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import workbench as wb
from tests.homes import copy_of
from tests.test_alerting import months
from tests.views.look import texts
from workbench.live.feeds.feed import FeedState
from workbench.live.journal import Entry, Journal, Tag, Transaction
from workbench.live.standing import StandingFile
from workbench.maintenance.alerts.raising import Finding
from workbench.telemetry.moments import ticks
from workbench.views.monitoring.data import ChannelStore
from workbench.views.shell import Shell


def make(home: Path) -> None:
    train, whole = months("2024-05-01", 900)
    with wb.open(home=home) as session:
        session.archive.write(train, whole.isel(time=slice(0, 1200)))
        session.train()
        session.score_all()


@pytest.fixture
def session(tmp_path, tmp_path_factory):
    with wb.open(home=copy_of("followed", make, tmp_path_factory, tmp_path / "home")) as opened:
        yield opened


@pytest.fixture
def shell(session):
    made = Shell(session, ["overview", "monitoring"], state={"view": "monitoring"})
    made.on_follow()
    yield made
    made.close()


def test_strips_show_what_has_come_and_overview_reads_it_when_it_is_shown(shell, session):
    view = shell.view
    before = view.scene.extent[1]
    train, whole = months("2024-05-01", 900)
    with wb.open(home=session.settings.home) as other:
        other.archive.write(train, whole)
    shell.on_follow()
    newest = pd.Timestamp(whole["time"].values[-1]).timestamp() * 1000
    assert before < view.scene.extent[1] == view.scene.range[1] == newest
    drawn = [renderer.data_source.data for renderer in view.figures()[0].renderers if renderer.name == "telemetry"]
    assert max(drawn[0]["time"]) == newest


def test_header_and_overview_agree_while_a_fleet_is_being_made(tmp_path):
    train, whole = months("2024-05-01", 900)

    def told():
        shell.on_follow()
        shell.on_rewrite()
        return shell._header.value, shell.view.head.value

    with wb.open(home=tmp_path) as session, wb.open(home=tmp_path) as other:
        shell = Shell(session, ["overview", "monitoring"])
        assert ["o telemetry yet" in words for words in told()] == [True, True]
        other.archive.write(train, whole)
        assert ["1 channel, none scored yet" in words for words in told()] == [True, True]
        other.train()
        other.score_all()
        header, head = told()
        assert "1 channel, no open alerts" in header
        assert "No open alerts on 1 channel." in head
        shell.close()


def test_every_page_says_how_far_behind_telemetry_is_until_it_has_caught_up(shell, session):
    class Simulator:
        name, words = "simulator", "7 h 10 min behind, caught up at 22:28 UTC"

        def state(self):
            return FeedState(True, "", catching_up=self.words)

    assert shell._catching_up.value == ""
    session.set_growing(session.archive.channels()[0])
    feed, texts_shown = Simulator(), []
    for feed.words in (Simulator.words, ""):
        StandingFile(session.settings.home).note([feed])
        shell.on_poll()
        shell.view.refresh()
        texts_shown.append(shell._catching_up.value)
        assert ("no data for" in texts(shell.view)) == (not feed.words), "what is on its way is behind, not silent"
    assert ">7 h 10 min behind, caught up at 22:28 UTC<" in texts_shown[0]
    assert texts_shown[1] == ""


def arrive(session, rows):
    """Let samples be stored that the archive does not hold yet."""
    journal = Journal(session.settings.journal_path)
    name = session.archive.channels()[0]
    tag = next((one for one in journal.tags() if one.name == name), None)
    tag = tag or journal.add_tag(Tag(0, name, "served", clock="time"))
    moments, values = ticks(rows["time"].values).tolist(), rows["telemetry"].values.tolist()
    entries = [Entry(tag.id, moment, value, None) for moment, value in zip(moments, values, strict=True)]
    journal.store(Transaction(entries=entries))
    journal.close()


def drawn(view):
    (data,) = [one.data_source.data for one in view.figures()[0].renderers if one.name == "telemetry"]
    return [float(at) for at in data["time"]], [float(value) for value in data["telemetry"]]


def test_strips_show_samples_before_they_are_in_the_archive_and_each_once(shell, session):
    view = shell.view
    train, whole = months("2024-05-01", 900)
    view.scene.last(100 * 3_600_000.0)
    view._draw()
    assert next(part for part in view.figures()[0].center if part.name == "silence").text.startswith("no data for ")
    read = []
    view.scene.store._read = lambda name, read_=view.scene.store._read: read.append(name) or read_(name)
    for first in range(1200, 1240, 10):
        arrive(session, whole.isel(time=slice(first, first + 10)))
        shell.on_follow()
    assert read == [], "no channel is read again for that"
    time, values = drawn(view)
    expected = whole.isel(time=slice(0, 1240))
    axis = (ticks(expected["time"].values) / 1e6).tolist()
    assert time == axis[-len(time) :] and len(time) >= 100
    assert values == expected["telemetry"].values[-len(time) :].tolist()
    assert view.scene.extent[1] == view.scene.range[1] == axis[-1]
    assert view.table["value"][0] == expected["telemetry"].values[-1]
    assert " behind" in view.head.value and "no data" not in texts(view), "old as they are, values come"
    assert not next(part for part in view.figures()[0].center if part.name == "silence").visible
    with wb.open(home=session.settings.home) as other:
        other.archive.write(train, whole.isel(time=slice(0, 1250)))
    shell.on_follow()
    time, _ = drawn(view)
    assert time == sorted(set(time)) and time[-1] == ticks(whole["time"].values[1249:1250])[0] / 1e6


def test_what_is_added_to_the_archive_is_read_alone_and_equals_the_whole(shell, session):
    view, name = shell.view, session.archive.channels()[0]
    session.set_growing(name)
    _, whole = months("2024-05-01", 900)
    store, read = view.scene.store, []
    store._read = lambda name, read_=store._read: read.append(name) or read_(name)
    for length in (1203, 1270, 1400, 1401, 1900):
        held = session.archive.info(name).n_test
        arrive(session, whole.isel(time=slice(held, held + 1)))
        shell.on_follow()
        with wb.open(home=session.settings.home) as other:
            other.archive.extend([(held, whole.isel(time=slice(held, length)))], {name: held})
            if length != 1401:
                other.score_all()
        shell.on_follow()
        mine, fresh = store.strip(name), ChannelStore(session).strip(name)
        for one, same in ((mine.telemetry, fresh.telemetry), (mine.prediction, fresh.prediction)):
            assert one.time.tolist() == same.time.tolist()
            np.testing.assert_array_equal(one.values, same.values)
        assert dict(mine.marks) == dict(fresh.marks)
        assert (mine.command_times.tolist(), mine.commands.tolist()) == (
            fresh.command_times.tolist(),
            fresh.commands.tolist(),
        )
        pd.testing.assert_frame_equal(mine.spans, fresh.spans)
        assert (mine.extent, mine.scale) == (fresh.extent, fresh.scale)
        time, values = drawn(view)
        assert time == mine.telemetry.time[: len(time)].tolist()
        assert values == mine.telemetry.values[: len(time)].tolist()
        assert 0 <= mine.extent[1] - time[-1] < (mine.extent[1] - mine.extent[0]) / 1_000, "a pixel at most"
    assert read == [], "it was never read whole again"
    with wb.open(home=session.settings.home) as other:
        train, _ = months("2024-05-01", 900)
        changed = whole.isel(time=slice(0, 1905)).copy(deep=True)
        changed["telemetry"][600] += 3
        other.archive.write(train, changed)
    shell.on_follow()
    assert read == [name], "another series is"
    assert store.strip(name).telemetry.values[600] == changed["telemetry"].values[600]


def test_a_reader_who_has_scrolled_back_or_paused_stays_there_while_samples_arrive(shell, session):
    view = shell.view
    _, whole = months("2024-05-01", 900)
    view.scene.last(100 * 3_600_000.0)
    view.scene.step(-2)
    view._draw()
    before, shown = view.scene.range, drawn(view)
    arrive(session, whole.isel(time=slice(1200, 1230)))
    shell.on_follow()
    assert (view.scene.range, drawn(view)) == (before, shown)
    assert (view.figures()[0].x_range.start, view.figures()[0].x_range.end) == before
    view.scene.play()
    view.scene.play()  # paused
    view._draw()
    before = view.scene.range, view.scene.until
    arrive(session, whole.isel(time=slice(1230, 1260)))
    shell.on_follow()
    assert (view.scene.range, view.scene.until) == before
    assert max(drawn(view)[0]) <= view.scene.until


def test_nothing_is_read_while_nothing_is_written(shell, monkeypatch):
    shell.on_follow()
    asked = []
    monkeypatch.setattr(type(shell.session.maintenance), "log_length", lambda desk: asked.append(desk) or 0)
    shell.on_follow()
    assert asked == []


def test_a_critical_alert_announces_itself_and_is_counted_until_it_is_acknowledged(shell, session):
    info, now = session.archive.info(session.archive.channels()[0]), session.clock()
    where = (info.channel, info.asset, info.subsystem, info.units, "limit", 1, 9, now - timedelta(minutes=9), now)
    finding = Finding(*where, "critical", None, 9.0, 5.0, "critical high", "It is <too> hot.", ongoing=True)
    assert shell._announcement.value == ""
    with wb.open(home=session.settings.home) as other:
        (alert,) = other.maintenance.alerts.raise_findings([], [finding]).raised
    shell.on_follow()
    assert "New critical alert." in shell._announcement.value
    assert "It is &lt;too&gt; hot." in shell._announcement.value
    assert 'data-waiting="1"' in shell._header.value
    shell.on_silence()
    shell.refresh()
    assert shell._announcement.value == ""  # once
    with wb.open(home=session.settings.home) as other:
        other.maintenance.alerts.acknowledge(alert, "Ann")
    shell.on_follow()
    assert 'data-waiting="0"' in shell._header.value
