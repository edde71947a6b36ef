"""The service: what comes sample by sample is stored, scored and alerted as if it had come in one file."""

import shutil
import threading
import time
from functools import partial
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import workbench as wb
from tests.live.plants import (
    BEGIN,
    MINUTE,
    TRAIN,
    ListFeed,
    cut,
    judge,
    outcome,
    pump,
    samples_of,
    service_of,
    stream,
    values_of,
    write_plant,
)
from workbench.exceptions import ArchiveError
from workbench.live.feeds.feed import FeedState
from workbench.live.journal import Journal
from workbench.live.samples import Sample
from workbench.live.service import LiveService, only_writer
from workbench.session import Session
from workbench.settings import load_settings
from workbench.telemetry.schema import make_channel

FAULTS = (2_500, 2_900)


@pytest.fixture(scope="module")
def plant(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, list[xr.Dataset]]:
    """Two trained channels with their first 2,000 samples stored; the same with all of them, judged; and the series."""
    folder = tmp_path_factory.mktemp("plant")
    tests = [pump(3_200, faults=FAULTS), pump(3_200, name="head", seed=1, faults=FAULTS[1:])]
    write_plant(folder / "begun", tests, 2_000, train=True)
    shutil.copytree(folder / "begun", folder / "whole")
    with wb.open(home=folder / "whole") as session:
        session.archive.extend([(2_000, test.isel(time=slice(2_000, None))) for test in tests])
    judge(folder / "whole")
    return folder / "begun", folder / "whole", tests


def to_come(tests: list[xr.Dataset]) -> list[Sample]:
    """What is not stored of both channels, in the order of time."""
    rest = [samples_of(test.isel(time=slice(2_000, None))) for test in tests]
    return [sample for pair in zip(*rest, strict=True) for sample in pair]


def test_streaming_is_scoring_afterwards(plant: tuple[Path, Path, list[xr.Dataset]], tmp_path: Path) -> None:
    begun, whole, tests = plant
    home = Path(shutil.copytree(begun, tmp_path / "live"))
    samples = to_come(tests)
    cuts = [0, 700, 701, 1_650, len(samples)]  # a restart at each of them
    for start, end in pairwise(cuts):
        stream(home, cut(samples[start:end], seed=start))
    data, alerts = outcome(whole)
    assert len(alerts) >= 3  # of both channels, or equality says little
    assert outcome(home) == (data, alerts)


def test_a_service_that_died_anywhere_repeats_what_it_had_not_finished(
    plant: tuple[Path, Path, list[xr.Dataset]], tmp_path: Path
) -> None:
    """Stored and never filed; filed and never cleared; sent again, as by a sender that got no answer."""
    begun, whole, tests = plant
    home = Path(shutil.copytree(begun, tmp_path / "live"))
    samples = to_come(tests)
    stream(home, [samples[:600]])
    settings = load_settings(tmp_path, home=home)
    service = service_of(home, [])
    decided = service.ingest.admission.decide([("test", samples[600:1_500], [])])
    journal = Journal(settings.journal_path)
    journal.store(decided.transaction)  # acknowledged, then killed
    service.detection.begin()
    service.detection._clear = lambda done: None  # type: ignore[method-assign]  # killed before the journal is cleared
    service.detection.step(everything=True)
    assert sum(one.samples for one in journal.pending()) == 900
    journal.close()
    service._resources.close()
    live = stream(home, [samples[600:1_500], samples[1_400:]])
    assert outcome(home) == outcome(whole)
    added, duplicates = (live.counters()[name] for name in ("added", "duplicates"))
    assert (added, duplicates) == ({"flow": 1_200, "head": 1_200}, {"flow": 500, "head": 500})


def test_a_limit_is_alerted_without_waiting_for_a_window(tmp_path: Path) -> None:
    test = pump(40)
    test["telemetry"].values[30:33] = 90.0
    (tmp_path / "catalog.yaml").write_text(
        "assets: {Pump: {name: Pump}}\nchannels: {flow: {asset: Pump, limits: {critical_high: 80}}}\n"
    )
    home = tmp_path / "live"
    write_plant(home, [test], 10, train=False)
    (tmp_path / "workbench.yaml").write_text("catalog: catalog.yaml\npreset: paper\n")  # without an envelope
    service = service_of(home, [], archive_s=86_400)
    detection = service.detection
    detection.begin()
    for sample in samples_of(test.isel(time=slice(10, None))):
        ingest = service.ingest
        decided = ingest.admission.decide([("test", [sample], [])])
        ingest._journal.store(decided.transaction)
        service.backlog.add(decided.added, decided.urgent, 0.0)
        ingest.complete()
        due = {name for name, one in service.backlog.waiting().items() if one.urgent}
        row = (sample.moment - int(test["time"].values[0].astype("int64"))) // 60_000_000_000
        assert bool(due) == (row in (32, 33))  # the third in a row, as alerts.on_delay says; and the first one back
        if due:
            detection._work(due, everything=False)
            alerts = detection._session.maintenance.alerts.list(state=None)
            assert alerts["condition"].tolist() == [row == 32]
    service._resources.close()


def test_what_was_due_at_once_when_the_service_died_is_judged_when_it_starts(tmp_path: Path) -> None:
    test = pump(40)
    test["telemetry"].values[30:35] = 90.0
    (tmp_path / "catalog.yaml").write_text(
        "assets: {Pump: {name: Pump}}\nchannels: {flow: {asset: Pump, limits: {critical_high: 80}}}\n"
    )
    (tmp_path / "workbench.yaml").write_text("catalog: catalog.yaml\n")
    home = tmp_path / "live"
    write_plant(home, [test], 10, train=False)
    service = service_of(home, [], archive_s=86_400)
    decided = service.ingest.admission.decide([("test", samples_of(test.isel(time=slice(10, None))), [])])
    service.ingest._journal.store(decided.transaction)  # acknowledged, then killed
    service._resources.close()
    service = service_of(home, [], archive_s=86_400)
    service.detection.begin()
    service.detection.step()
    alerts = service.detection._session.maintenance.alerts.list(state=None)
    assert alerts[["kind", "level"]].to_numpy().tolist() == [["limit", "critical"]]
    service._resources.close()


def test_a_sample_that_became_too_late_while_it_waited_is_kept_aside(tmp_path: Path) -> None:
    test = pump(100)
    home = tmp_path / "live"
    samples = samples_of(test)
    write_plant(home, [test.isel(time=[*range(50), *range(51, 100)])], 99, train=False)
    service = service_of(home, [], late_s=86_400, ahead_s=86_400)
    decided = service.ingest.admission.decide([("test", [samples[50]], [])])
    assert decided.outcomes == [{"added": 1}]
    service.ingest._journal.store(decided.transaction)
    service.detection.begin()
    service.detection._finals["flow"] = samples[60].moment  # meanwhile
    service.detection.step(everything=True)
    assert service.counters() == {"added": {"flow": 0}, "late": {"flow": 1}}
    assert [one["reason"] for one in Journal(home / "live.db").refused()] == ["late"]
    service._resources.close()
    assert values_of(home).size == 99


def test_a_second_service_is_refused_with_the_process_that_runs(tmp_path: Path) -> None:
    settings = load_settings(tmp_path, home=tmp_path / "home")
    with only_writer(settings):
        with pytest.raises(ArchiveError, match=r"taken by process \d+ already"), only_writer(settings):
            pass
        service = service_of(settings.home, [])
        with pytest.raises(ArchiveError, match="already"):
            service.run(threading.Event())
    with only_writer(settings):  # it is free again
        pass


def test_late_samples_and_contradictions_are_kept_and_counted(tmp_path: Path) -> None:
    test = pump(300)
    home = tmp_path / "live"
    write_plant(home, [test], 100, train=False)
    samples = samples_of(test.isel(time=slice(100, None)))
    held_back = samples.pop(50)
    other = samples[20]._replace(value=1.0)
    service = stream(home, [samples[:120], [held_back, other, samples[10]], samples[120:]], late_s=7_200, ahead_s=7_200)
    np.testing.assert_array_equal(values_of(home), test["telemetry"].values)  # sorted in, the contradiction not
    counters = service.counters()
    assert {name: counts["flow"] for name, counts in counters.items()} == {
        "added": 200,
        "conflicts": 1,
        "duplicates": 1,
    }
    (refused,) = Journal(home / "live.db").refused()
    assert (refused["reason"], refused["moment"], refused["value"]) == ("conflict", other.moment, 1.0)


def test_a_sample_behind_what_is_filed_already_is_sorted_in(tmp_path: Path) -> None:
    test = pump(200)
    home = tmp_path / "live"
    write_plant(home, [test], 50, train=False)
    samples = samples_of(test.isel(time=slice(50, None)))
    stream(home, [[*samples[:90], *samples[91:]]])
    assert values_of(home).size == 199
    stream(home, [[samples[90]]], late_s=86_400, ahead_s=86_400)
    np.testing.assert_array_equal(values_of(home), test["telemetry"].values)


def test_inputs_go_along(tmp_path: Path) -> None:
    n = 120
    plain = pump(n)
    commands = np.column_stack([np.arange(n) % 3 == 0, np.arange(n) % 3 == 1])
    test = make_channel(
        plain["telemetry"].values,
        commands,
        time=plain["time"].values,
        command_names=["heat", "cool"],
        **{name: str(plain.attrs[name]) for name in ("channel", "asset", "units")},
    )
    home = tmp_path / "live"
    with wb.open(home=home) as session:
        train = test.assign_coords(time=test["time"].values - 1_000 * MINUTE)
        session.archive.write(train, test.isel(time=slice(0, 20)))
    stream(home, cut(samples_of(test.isel(time=slice(20, None))), 0, 30))
    with wb.open(home=home) as session:
        xr.testing.assert_equal(session.archive.open("flow"), test)
        assert session.archive.grows("flow")


def test_a_tag_becomes_a_channel_by_rule_and_is_scored(tmp_path: Path) -> None:
    rule = {"pattern": r"(?P<site>\w+)/flow", "asset": "Pump {site}", "units": "l/s", "train_samples": 1_000}
    home = tmp_path / "live"
    series = [pump(1_000, first=0, seed=100), pump(600, faults=[400])]
    samples = [one._replace(channel="north/flow") for part in series for one in samples_of(part)]
    stream(home, cut(samples[:900], 0), new_channels=[rule])
    with wb.open(home=home) as session:
        assert session.archive.channels() == []  # not enough to learn from
    stream(home, cut(samples[900:], 1), new_channels=[rule])
    with wb.open(home=home) as session:
        info = session.archive.info("north/flow")
        assert (info.asset, info.units, info.grows) == ("Pump north", "l/s", True)
        assert (info.n_train, info.n_test) == (1_000, 600)
        whole = np.concatenate([session.archive.open("north/flow", split)["telemetry"] for split in ("train", "test")])
        np.testing.assert_array_equal(whole, np.concatenate([one["telemetry"] for one in series]))
        assert session.overview()["state"].tolist() == ["current"]
        assert session.split("north/flow", "2025-01-01T10:00")["status"].tolist() == ["split"]  # its span is known


def test_a_new_channel_that_could_not_be_trained_is_trained_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after a full disk, or a kill between the channel and its model."""
    rule = {"pattern": "flow", "asset": "Pump", "train_samples": 1_000}
    home, samples = tmp_path / "live", samples_of(pump(1_600, first=0))
    with monkeypatch.context() as patch:
        patch.setattr(Session, "train", lambda self, names: pd.DataFrame({"channel": names, "status": "failed"}))
        stream(home, [samples[:1_500]], new_channels=[rule])
    with wb.open(home=home) as session:
        assert session.overview()["state"].tolist() == ["missing"]
    stream(home, [samples[1_500:]], new_channels=[rule])
    with wb.open(home=home) as session:
        assert session.overview()["state"].tolist() == ["current"]
        session.registry.retire("flow.ridge", 1)
    stream(home, [samples[1_500:]], new_channels=[rule])
    with wb.open(home=home) as session:
        assert [info.version for info in session.registry.list("flow")] == [1]  # a person has taken it out of use


def test_a_tag_that_no_rule_speaks_of_waits_for_a_person(tmp_path: Path) -> None:
    home = tmp_path / "live"
    samples = samples_of(pump(150, first=0))
    stream(home, [samples])
    journal = Journal(home / "live.db")
    (tag,) = journal.tags()
    assert (tag.name, tag.state, [one.samples for one in journal.pending()]) == ("flow", "waiting", [150])


def test_tags_beyond_those_that_may_wait_are_counted_together(tmp_path: Path) -> None:
    samples = [Sample(f"t{number}", "time", 1, 1.0) for number in range(5)]
    service = stream(tmp_path / "live", [samples], waiting_tags=3)
    assert service.counters() == {
        "added": {"t0": 1, "t1": 1, "t2": 1},
        "ignored": {"(further new tags)": 2},
    }


def test_a_disk_that_is_full_stops_acknowledging_and_loses_nothing(tmp_path: Path) -> None:
    test = pump(60)
    home = tmp_path / "live"
    write_plant(home, [test], 10, train=False)
    feed = ListFeed([samples_of(test.isel(time=slice(10, None)))])
    service = service_of(home, [feed])
    store = service.ingest._journal.store
    failed = threading.Event()

    def full_once(transaction: object) -> None:
        if not failed.is_set():
            assert not feed.outcomes
            failed.set()
            raise OSError(28, "No space left on device")
        store(transaction)  # type: ignore[arg-type]

    service.ingest._journal.store = full_once  # type: ignore[method-assign,assignment]
    service.run(threading.Event(), until_finished=True)
    assert failed.is_set()
    assert feed.outcomes == [{"added": 50}]
    np.testing.assert_array_equal(values_of(home), test["telemetry"].values)


def test_a_channel_that_is_damaged_stops_no_other(tmp_path: Path) -> None:
    tests = [pump(60), pump(60, name="head")]
    home = tmp_path / "live"
    write_plant(home, tests, 10, train=False)
    service = service_of(home, [ListFeed([[*samples_of(tests[0].isel(time=slice(10, None))), *samples_of(tests[1])]])])
    archive = service.detection._session.archive
    whole = archive.open

    def damaged(name: str, *arguments: object, **options: object) -> xr.Dataset:
        if name == "head":
            raise ArchiveError("head is damaged.")
        return whole(name, *arguments, **options)  # type: ignore[arg-type]

    archive.open = damaged  # type: ignore[method-assign,assignment]
    service.run(threading.Event(), until_finished=True)
    assert service.detection.figures.failures == {"head": "head is damaged."}
    np.testing.assert_array_equal(values_of(home), tests[0]["telemetry"].values)
    assert values_of(home, "head").size == 10
    stream(home, [])  # mended
    np.testing.assert_array_equal(values_of(home, "head"), tests[1]["telemetry"].values)


def test_a_gap_is_an_outage_once_samples_go_on_behind_it(tmp_path: Path) -> None:
    test = pump(100)
    times = test["time"].values.copy()
    times[60:] += np.timedelta64(5, "h")
    test = test.assign_coords(time=times)
    home = tmp_path / "live"
    write_plant(home, [test], 10, train=False)
    samples = samples_of(test.isel(time=slice(10, None)))
    spike = samples[20]._replace(moment=int(pd.Timestamp("2038-01-19").value))
    service = stream(home, [samples[:20], [spike], samples[20:55]])
    assert service.counters()["quarantined"] == {"flow": 6}
    service = stream(home, [samples[55:]])  # the restart remembers how many have gone on
    assert service.counters() == {"added": {"flow": 90}, "quarantined": {"flow": 1}}
    np.testing.assert_array_equal(values_of(home), test["telemetry"].values)
    assert [one["moment"] for one in Journal(home / "live.db").refused()] == [spike.moment]
    assert test["time"].values[0] == BEGIN + TRAIN * MINUTE


def test_a_feed_says_in_the_terminal_why_it_is_not_connected_and_when_it_is(tmp_path: Path) -> None:
    class Wavering(ListFeed):
        name = "plant"
        calls = 0

        def state(self) -> FeedState:
            self.calls += 1
            if self.calls < 20:
                return FeedState(False, "not connected yet")
            if self.calls < 40:
                return FeedState(False, "no file client.der; tried again")
            return FeedState(True, f"{self.calls} values", finished=self.calls > 60)

    lines: list[str] = []
    settings = load_settings(tmp_path, home=tmp_path / "live")
    service = LiveService(partial(Session, settings), [Wavering([])], port=False, announce=lines.append)
    service.run(threading.Event(), until_finished=True)
    assert lines[:2] == ["plant: not connected yet", "plant: no file client.der; tried again"]
    assert len(lines) == 3  # that it is connected, once, however its words go on
    assert lines[2].endswith(" values")


def test_of_a_large_fleet_channels_wait_longer_for_the_archive(tmp_path: Path) -> None:
    service = service_of(tmp_path / "live", [], archive_s=15)
    assert [service.detection.longest_wait(count) for count in (1, 60, 1_000)] == [15, 15, 200]
    assert service.scoring() == ("", {})
    service.backlog.add({"flow": 1}, (), time.monotonic() - 89)
    assert service.scoring() == ("", {})
    service.backlog.add({"head": 1}, (), time.monotonic() - 120)
    assert "have been waiting for 120 seconds" in service.scoring()[0]
    service.detection.figures.errors["judging"] = "the database is locked"
    service.detection.figures.unscored["flow"] = "its model is damaged"
    assert service.scoring() == ("the database is locked", {"flow": "its model is damaged"})
    service._resources.close()


def test_filing_takes_a_quarter_of_the_time_and_what_is_due_does_not_wait_for_it(tmp_path: Path) -> None:
    service = service_of(tmp_path / "live", [], archive_s=15)
    detection, now = service.detection, [1_000.0]
    filed: list[list[str]] = []

    def file(due: set[str], everything: bool, *, late: bool = False) -> None:
        service.backlog.take(due)
        filed.append(sorted(due))
        now[0] += 0.1 * len(due)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("workbench.live.detection.time.monotonic", lambda: now[0])
        patch.setattr(detection, "_work", file)
        detection._has_begun = True
        service.backlog.add({f"C-{number:03}": 1 for number in range(200)}, (), now[0])
        now[0] += 15
        while now[0] < 1_055:
            detection.step()
            now[0] += 0.05
        assert 95 <= sum(map(len, filed)) <= 105  # 40 seconds, of which a quarter is 100 channels of 0.1 seconds
        assert [one for batch in filed for one in batch] == sorted(one for batch in filed for one in batch)
        detection.step()
        service.backlog.add({"C-500": 1}, ["C-500"], now[0])
        detection.step()
        assert filed[-1] == ["C-500"]
        assert detection.longest_wait(1_000) > 250  # of which the health of the service takes account
    service._resources.close()


def test_channels_that_begin_together_are_watched_after_their_first_samples(tmp_path: Path) -> None:
    """A jump beyond all that was there is due at once, whether it comes before or after the history is read."""
    tests = [pump(300, name=name, seed=number) for number, name in enumerate(("flow", "head", "heat"))]
    write_plant(tmp_path / "live", tests, 290, train=False)
    service = service_of(tmp_path / "live", [])
    rows = [samples_of(test.isel(time=slice(289, None))) for test in tests]  # the first one is there already
    first = [one._replace(value=500.0) if one.channel == "head" else one for row in rows for one in row[1:4]]
    decided = service.ingest.admission.decide([("test", [rows[0][0], *first], [])])
    assert decided.outcomes == [{"duplicates": 1, "added": 9}]
    assert not decided.urgent
    service.ingest.complete()
    assert {name for name, one in service.backlog.waiting().items() if one.urgent} == {"head"}
    later = [row[4]._replace(value=500.0) if row[4].channel == "heat" else row[4] for row in rows]
    assert service.ingest.admission.decide([("test", later, [])]).urgent == {"heat"}
    service._resources.close()
