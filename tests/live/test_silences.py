"""Alerts on channels that have become silent, on sources that are gone, and on wrong clocks."""

import sqlite3
import threading
from contextlib import closing
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tests.live.plants import pump, samples_of, service_of, write_plant
from workbench.live.feeds.feed import FeedState
from workbench.live.intake import Intake
from workbench.live.journal import Entry, Journal, Transaction, pack_inputs
from workbench.live.samples import Sample
from workbench.live.service import LiveService

HOUR = 3_600 * 1_000_000_000


class Switch:
    """A feed that can be cut off, with senders behind it."""

    name = "plant"

    def __init__(self) -> None:
        self.words = ""
        self.gone: list[str] = []
        self.quiet: frozenset[str] = frozenset()

    def start(self, intake: Intake) -> None: ...

    def stop(self) -> None: ...

    def state(self) -> FeedState:
        return FeedState(not self.words, self.words or "connected", quiet=self.quiet)

    def dead(self) -> list[str]:
        return self.gone


class Plant:
    """A service on channels `a`, `b` and `c`, driven by hand on a clock of its own."""

    def __init__(self, folder: Path, service: LiveService | None = None) -> None:
        self.home = folder / "live"
        self.series = {name: pump(100, name=name) for name in "abc"}
        if not self.home.exists():
            write_plant(self.home, list(self.series.values()), 10, train=False)
        self.feed = Switch()
        self.service = service or service_of(self.home, [self.feed], stale_s=600, gone_s=60, ahead_s=3_600)
        self.now = 0.0
        silences, admission = self.service.detection._silences, self.service.ingest.admission
        silences.clock = admission._clock = self.clock
        silences._began = 0.0
        silences.now = lambda: int(self.now * 1e9)

    def clock(self) -> float:
        return self.now

    def send(self, name: str, row: int, *, source: str = "plant", ahead: int = 0, store: bool = False) -> None:
        sample: Sample = samples_of(self.series[name].isel(time=slice(row, row + 1)))[0]
        sample = sample._replace(moment=sample.moment + ahead)
        decided = self.service.ingest.admission.decide([(source, [sample], [])])
        if store:
            self.service.ingest._journal.store(decided.transaction)

    def look(self) -> pd.DataFrame:
        self.service.detection._look_for_silences()
        return self.alerts()

    def alerts(self) -> pd.DataFrame:
        alerts = self.service.detection._session.maintenance.alerts
        return alerts.list(state=None, order="oldest")[
            ["channel", "asset", "kind", "level", "state", "message", "comment", "verdict"]
        ]

    def rows(self) -> list[list[Any]]:
        return self.look()[["channel", "kind", "state"]].to_numpy().tolist()


@pytest.fixture
def plant(tmp_path: Path) -> Any:
    one = Plant(tmp_path)
    yield one
    one.service._resources.close()


def test_a_stale_channel_is_one_alert_that_closes_itself(plant: Plant) -> None:
    for name in "abc":
        plant.send(name, 10)
    assert plant.rows() == []
    for plant.now in (300.0, 590.0, 601.0, 650.0):
        plant.send("a", 10 + int(plant.now / 10))
        plant.send("b", 10 + int(plant.now / 10))
        rows = plant.rows()
    assert rows == [["c", "silence", "unacknowledged"]]
    row = plant.alerts().iloc[0]
    assert (row["asset"], row["level"]) == ("Pump", "medium")
    value = float(plant.series["c"]["telemetry"].values[10])
    assert row["message"] == (
        f"No samples for 10 minutes. The last one was of 2025-01-01T16:50:00Z, with the value {value:g}."
    )
    plant.send("c", 11)
    assert plant.rows() == [["c", "silence", "closed"]]
    assert plant.alerts()[["comment", "verdict"]].iloc[0].tolist() == ["Samples of it come again.", "unknown"]
    plant.now = 1_300.0
    plant.send("a", 90)
    plant.send("b", 90)
    assert plant.rows() == [["c", "silence", "closed"], ["c", "silence", "unacknowledged"]]  # another silence
    assert plant.service.detection._session.maintenance.orders.list(state=None).empty


def test_a_source_that_is_gone_is_one_alert_for_all_its_channels(plant: Plant) -> None:
    for name in "abc":
        plant.send(name, 10)
    plant.feed.words = "broker:1883 cannot be reached; tried again"
    assert plant.rows() == []
    plant.now = 59.0
    assert plant.rows() == []  # it may be there again at once
    for plant.now in (61.0, 700.0):
        assert plant.rows() == [["plant", "silence", "unacknowledged"]]
    row = plant.alerts().iloc[0]
    assert (row["asset"], row["level"]) == ("Live telemetry", "high")
    assert row["message"].startswith("Nothing comes from plant: broker:1883 cannot be reached; tried again. ")
    assert "The last sample of its 3 channels was of " in row["message"]
    assert plant.service.detection._session.vanished() == {}
    plant.feed.words = ""
    plant.send("a", 11)
    plant.send("b", 11)
    assert plant.rows() == [["plant", "silence", "closed"], ["c", "silence", "unacknowledged"]]  # c has not come back


def test_a_source_is_silent_where_all_of_its_channels_are(plant: Plant) -> None:
    for name in "abc":
        plant.send(name, 10)
    plant.now = 601.0
    rows = plant.look()
    assert rows[["channel", "kind"]].to_numpy().tolist() == [["plant", "silence"]]
    assert "no samples for 10 minutes" in rows["message"].iloc[0]


def test_a_sender_that_says_that_it_is_gone(plant: Plant) -> None:
    plant.send("a", 10, source="plant site/gateway")
    plant.send("b", 10, source="plant site/gateway/pump")
    plant.send("c", 10, source="plant other")
    plant.feed.gone = ["site/gateway"]
    plant.look()
    plant.now = 61.0
    plant.send("c", 11, source="plant other")
    assert plant.rows() == [["plant site/gateway", "silence", "unacknowledged"]]
    plant.now = 700.0  # its channels are not told of one by one
    plant.send("c", 12, source="plant other")
    assert plant.rows() == [["plant site/gateway", "silence", "unacknowledged"]]
    plant.feed.gone = []
    plant.send("a", 11, source="plant site/gateway")
    plant.send("b", 11, source="plant site/gateway/pump")
    assert plant.rows() == [["plant site/gateway", "silence", "closed"]]


def test_a_service_that_starts_anew_goes_on_with_what_is_raised(plant: Plant, tmp_path: Path) -> None:
    for name in "abc":
        plant.send(name, 10)
    plant.feed.words = "gone"
    plant.look()
    plant.now = 61.0
    assert len(plant.rows()) == 1
    plant.service._resources.close()
    again = Plant(tmp_path)
    again.feed.words = "gone"
    again.now = 1_000.0
    again.look()
    again.now = 1_100.0
    assert again.rows() == [["plant", "silence", "unacknowledged"]]
    again.feed.words = ""
    again.send("a", 12)
    assert again.rows() == [
        ["plant", "silence", "closed"],
        ["b", "silence", "unacknowledged"],  # these have not come back
        ["c", "silence", "unacknowledged"],
    ]
    again.service._resources.close()


@pytest.mark.parametrize("is_raised", [True, False])
def test_a_source_of_which_nothing_comes_after_a_start_is_one_alert(
    plant: Plant, tmp_path: Path, is_raised: bool
) -> None:
    for name in "abc":
        plant.send(name, 10, store=True)
    plant.now = 601.0 if is_raised else 10.0
    assert len(plant.rows()) == is_raised
    plant.service._resources.close()
    again = Plant(tmp_path)
    for again.now in (10.0, 590.0):
        assert len(again.rows()) == is_raised  # what was raised stays so until something comes
    for again.now in (601.0, 2_000.0):
        assert again.rows() == [["plant", "silence", "unacknowledged"]]
    words = "Nothing comes from plant: no samples since the service began, for more than 10 minutes. "
    if not is_raised:
        assert again.alerts()["message"].iloc[0] == f"{words}3 channels came from it before."
    again.send("b", 12)
    assert again.rows() == [
        ["plant", "silence", "closed"],
        ["a", "silence", "unacknowledged"],
        ["c", "silence", "unacknowledged"],
    ]
    again.service._resources.close()


def test_a_sender_that_was_gone_stays_so_after_a_start_and_others_are_told_of(plant: Plant, tmp_path: Path) -> None:
    plant.send("a", 10, source="plant site/gateway", store=True)
    plant.send("b", 10, source="plant site/gateway", store=True)
    plant.send("c", 10, source="plant other", store=True)
    plant.feed.gone = ["site/gateway"]
    plant.look()
    plant.now = 61.0
    assert plant.rows() == [["plant site/gateway", "silence", "unacknowledged"]]
    plant.service._resources.close()
    again = Plant(tmp_path)  # whose broker does not say any more what is gone
    for again.now in (10.0, 700.0):
        again.send("c", 11 + int(again.now / 10), source="plant other")
        assert again.rows() == [["plant site/gateway", "silence", "unacknowledged"]]
    again.now = 1_400.0  # c, too: nothing comes of the plant at all
    assert again.rows()[-1] == ["plant", "silence", "unacknowledged"]
    again.send("a", 12, source="plant site/gateway")
    states = {name: state for name, _, state in again.rows()}
    assert states["plant site/gateway"] == states["plant"] == "closed"
    assert states["b"] == states["c"] == "unacknowledged"
    again.service._resources.close()


def test_a_journal_of_an_earlier_release_goes_on_and_learns_its_sources(tmp_path: Path) -> None:
    file = tmp_path / "live.db"
    with closing(sqlite3.connect(file)) as connection:
        connection.executescript((Path(__file__).parent / "fixtures" / "journal-0.1.0.sql").read_text(encoding="utf-8"))
    journal = Journal(file)
    assert [(tag.id, tag.name, tag.state, tag.inputs) for tag in journal.tags()] == [
        (1, "a", "served", ()),
        (2, "b", "served", ()),
        (3, "c", "served", ()),
        (4, "d", "waiting", ("valve",)),
    ]
    assert journal.samples(4) == [(4, 2.25, pack_inputs([1.0]))]
    assert journal.counters() == {"added": {"a": 1, "b": 1, "d": 1}, "late": {"c": 1}}
    assert [(one["channel"], one["value"]) for one in journal.refused()] == [("c", 7.5)]
    assert journal.sources() == {}
    journal.store(Transaction(entries=[Entry(1, 20, 2.5, None)], sources={1: "plant", 2: "http"}))
    journal.store(Transaction(sources={2: "plant site/gateway"}))
    assert journal.sources() == {"a": "plant", "b": "plant site/gateway"}
    assert journal.samples(1) == [(10, 1.5, None), (20, 2.5, None)]
    journal.close()


def test_a_channel_that_never_comes_after_a_start(plant: Plant) -> None:
    tags = plant.service.ingest.admission
    for name in "ab":
        plant.send(name, 10)
    tags._known.state(samples_of(plant.series["c"].isel(time=slice(0, 1)))[0])  # served by an earlier run
    plant.now = 601.0
    plant.send("a", 11)
    plant.send("b", 11)
    rows = plant.look()
    assert rows[["channel", "kind"]].to_numpy().tolist() == [["c", "silence"]]
    assert "since the service began, for more than 10 minutes" in rows["message"].iloc[0]


def test_a_clock_that_jumps_is_an_alert_until_samples_follow_again(plant: Plant) -> None:
    plant.send("a", 50)
    plant.send("a", 51, ahead=5 * HOUR)
    assert plant.rows() == []  # it may be an outage
    plant.send("a", 52)
    assert plant.rows() == [["a", "clock", "unacknowledged"]]
    message = plant.alerts()["message"].iloc[0]
    assert "samples of 2025-01-01T22:31:00Z came after one of 2025-01-01T17:30:00Z, ahead of it" in message
    for row in range(53, 61):
        plant.send("a", row)
        assert plant.rows() == [["a", "clock", "unacknowledged"]]
    plant.send("a", 61)
    assert plant.rows() == [["a", "clock", "closed"]]
    plant.send("a", 62, ahead=-50 * HOUR)
    rows = plant.look()
    assert rows["state"].tolist() == ["closed", "unacknowledged"]
    assert "behind it" in rows["message"].iloc[1]


def test_an_outage_is_no_wrong_clock(plant: Plant) -> None:
    plant.send("a", 20)
    for row in range(30, 45):
        plant.send("a", row, ahead=20 * HOUR)
        assert plant.rows() == []


def test_a_replay_that_is_over_is_no_silence(plant: Plant) -> None:
    stop = threading.Event()
    stop.set()
    for name in "abc":
        plant.send(name, 10)
    plant.feed.state = lambda: FeedState(True, "all is sent", finished=True)  # type: ignore[method-assign]
    plant.now = 10_000.0
    assert not any(source.name == "plant" for source in plant.service.sources())


def test_a_channel_of_which_only_changes_come_is_quiet_not_silent(tmp_path: Path) -> None:
    plant = Plant(tmp_path)
    for name in "abc":
        plant.send(name, 10)
    plant.feed.quiet = frozenset({"a", "b"})
    plant.now = 601.0
    assert plant.rows() == [["c", "silence", "unacknowledged"]]
    plant.send("c", 11)
    plant.feed.quiet = frozenset()
    assert [[name, kind] for name, kind, _ in plant.rows()[1:]] == [["a", "silence"], ["b", "silence"]]
