"""Troubles beside the stream: what others write meanwhile, what is damaged, refused or removed, and comes back."""

import threading
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.reasoncodes import ReasonCode

import workbench as wb
from tests.live.plants import BEGIN, MINUTE, pump, samples_of, service_of, stream, values_of, write_plant
from workbench.alerting import Outcome
from workbench.exceptions import ArchiveError, OutdatedError
from workbench.live.feeds.mqtt import MqttFeed
from workbench.live.samples import Delivery, Sample
from workbench.live.service import LiveService
from workbench.maintenance.alerts.report import AlertReport
from workbench.maintenance.notifications.notifier import Delivery as Messages
from workbench.telemetry.feed_options import LiveSettings


def offer(service: LiveService, samples: list[Sample]) -> dict[str, int]:
    """Let ingest take samples, as it does in its thread."""
    ingest = service.ingest
    ingest._next_refresh = 0.0
    counts: list[dict[str, int]] = []
    service.intake.put(Delivery("test", samples, stored=lambda one: counts.append(dict(one))))
    ingest.step(threading.Event())
    return counts[0]


def rest_of(test: xr.Dataset, start: int = 10, stop: int | None = None) -> list[Sample]:
    return samples_of(test.isel(time=slice(start, stop)))


def test_a_channel_that_is_damaged_from_the_start_stops_no_other(tmp_path: Path) -> None:
    tests = [pump(60), pump(60, name="head")]
    home = tmp_path / "live"
    write_plant(home, tests, 10, train=False)
    service = service_of(home, [])
    for session in (service.detection._session, service.ingest._knowledge._session):
        archive = session.archive
        whole = archive.open

        def damaged(name: str, *arguments: object, whole: object = whole, **options: object) -> xr.Dataset:
            if name == "head":
                raise ArchiveError("head is damaged.")
            return whole(name, *arguments, **options)  # type: ignore[operator,no-any-return]

        archive.open = damaged  # type: ignore[method-assign,assignment]
    assert offer(service, [*rest_of(tests[1]), *rest_of(tests[0])]) == {"added": 100}
    service.detection.step(everything=True)
    assert service.detection.figures.failures == {"head": "head is damaged."}
    service._resources.close()
    np.testing.assert_array_equal(values_of(home), tests[0]["telemetry"].values)
    stream(home, [])  # mended
    np.testing.assert_array_equal(values_of(home, "head"), tests[1]["telemetry"].values)


def test_what_was_imported_while_samples_were_filed_is_kept(tmp_path: Path) -> None:
    test = pump(60)
    home = tmp_path / "live"
    write_plant(home, [test], 10, train=False)
    service = service_of(home, [])
    offer(service, rest_of(test, 10, 20))
    archive = service.detection._session.archive
    extend, imported = archive.extend, []

    def extend_later(*arguments: object) -> None:
        if not imported:
            with wb.open(home=home) as other:
                other.archive.extend([(10, test.isel(time=slice(15, 60)))])
            imported.append(True)
        extend(*arguments)  # type: ignore[arg-type]

    archive.extend = extend_later  # type: ignore[method-assign]
    service.detection.step(everything=True)
    service.detection._retry_at.clear()
    service.detection.step(everything=True)
    service._resources.close()
    np.testing.assert_array_equal(values_of(home), test["telemetry"].values)


def test_an_extension_is_refused_where_the_series_has_another_length(tmp_path: Path) -> None:
    test = pump(60)
    write_plant(tmp_path / "live", [test], 10, train=False)
    with wb.open(home=tmp_path / "live") as session:
        with pytest.raises(OutdatedError, match="flow was changed by another process meanwhile"):
            session.archive.extend([(9, test.isel(time=slice(20, None)))], {"flow": 9})
        assert session.archive.info("flow").n_test == 10


def test_what_others_wrote_and_contradicts_is_kept_aside(tmp_path: Path) -> None:
    test = pump(20)
    home = tmp_path / "live"
    write_plant(home, [test], 10, train=False)
    service = service_of(home, [])
    samples = rest_of(test)
    assert offer(service, [samples[0], samples[1]._replace(value=99.0), samples[2]]) == {"added": 3}
    with wb.open(home=home) as other:
        other.archive.extend([(10, test.isel(time=slice(10, None)))])
    service.detection.step(everything=True)
    assert service.counters() == {"added": {"flow": 2}, "conflicts": {"flow": 1}}
    kept = service._journal.refused()
    assert [(one["reason"], one["value"]) for one in kept] == [("conflict", 99.0)]
    assert kept[0]["present"] == test["telemetry"].values[11]
    assert service._journal.pending() == []
    service._resources.close()


def test_samples_of_a_channel_that_was_replaced_do_not_stop_the_service(tmp_path: Path) -> None:
    test = pump(20)
    home = tmp_path / "live"
    write_plant(home, [test], 10, train=False)
    service = service_of(home, [])
    assert offer(service, rest_of(test)) == {"added": 10}
    with wb.open(home=home) as other:
        other.archive.remove(["flow"])
        numbered = [pump(n).assign_coords(time=np.arange(n)) for n in (100, 10)]
        other.archive.write(*numbered)
    service.detection.step(everything=True)
    assert service.counters() == {"added": {"flow": 0}, "unfit": {"flow": 10}}
    service._resources.close()
    assert values_of(home).size == 10


def test_alerts_that_could_not_be_raised_are_raised_later(tmp_path: Path) -> None:
    test = pump(40)
    test["telemetry"].values[30:35] = 90.0
    (tmp_path / "catalog.yaml").write_text(
        "assets: {Pump: {name: Pump}}\nchannels: {flow: {asset: Pump, limits: {critical_high: 80}}}\n"
    )
    (tmp_path / "workbench.yaml").write_text("catalog: catalog.yaml\n")
    home = tmp_path / "live"
    write_plant(home, [test], 10, train=False)
    service = service_of(home, [], archive_s=86_400)
    detection = service.detection
    session = detection._session
    detection.begin()
    offer(service, rest_of(test))
    raise_alerts = session.raise_alerts

    def locked(*arguments: object) -> object:
        raise ArchiveError("The database is locked.")

    session.raise_alerts = locked  # type: ignore[method-assign,assignment]
    detection.step()
    assert detection.figures.errors != {}
    session.raise_alerts = raise_alerts  # type: ignore[method-assign]
    detection._next_judging = 0.0
    detection.step()
    assert detection.figures.errors == {}
    alerts = session.maintenance.alerts.list(state=None)
    assert alerts[["kind", "level"]].to_numpy().tolist() == [["limit", "critical"]]
    service._resources.close()


def test_an_archive_that_cannot_be_read_at_the_start_is_tried_again(tmp_path: Path) -> None:
    test = pump(20)
    home = tmp_path / "live"
    write_plant(home, [test], 10, train=False)
    service = service_of(home, [])
    offer(service, rest_of(test))
    archive = service.detection._session.archive
    channels = archive.channels

    def unreadable() -> list[str]:
        raise ArchiveError("The store cannot be read.")

    archive.channels = unreadable  # type: ignore[method-assign]
    service.detection.begin()
    assert service.detection.figures.errors == {"judging": "The store cannot be read."}
    archive.channels = channels  # type: ignore[method-assign]
    service.detection.step(everything=True)
    assert service.detection.figures.errors == {}
    service._resources.close()
    np.testing.assert_array_equal(values_of(home), test["telemetry"].values)


def test_a_channel_that_is_removed_waits_as_a_tag_and_goes_on_when_it_is_imported(tmp_path: Path) -> None:
    tests = [pump(60), pump(60, name="head")]
    home = tmp_path / "live"
    write_plant(home, tests, 10, train=False)
    service = service_of(home, [])
    service.detection.begin()
    offer(service, rest_of(tests[0], 10, 20))
    with wb.open(home=home) as other:
        other.archive.remove(["flow"])
    service.detection.step(everything=True)
    assert service.detection.figures.failures == {}
    assert [(tag.name, tag.state) for tag in service._journal.tags()] == [("flow", "waiting")]
    assert offer(service, rest_of(tests[0], 20, 30)) == {"added": 10}
    with wb.open(home=home) as other:
        other.archive.write(pump(1_000, first=0), tests[0].isel(time=slice(0, 10)))
    assert offer(service, rest_of(tests[0], 30)) == {"added": 30}
    service.detection.step(everything=True)
    service._resources.close()
    np.testing.assert_array_equal(values_of(home), tests[0]["telemetry"].values)


def test_samples_of_long_ago_of_a_waiting_tag_are_looked_up_one_by_one(tmp_path: Path) -> None:
    (tmp_path / "live").mkdir()
    service = service_of(tmp_path / "live", [])
    moments = (BEGIN + np.arange(9_000) * MINUTE).astype(np.int64).tolist()
    samples = [Sample("tag", "time", moment, float(number)) for number, moment in enumerate(moments)]
    assert offer(service, samples) == {"added": 9_000}
    service.ingest._journal.samples = None  # type: ignore[assignment,method-assign]  # all of them for each is too much
    assert offer(service, [samples[0], samples[1]._replace(value=7.0)]) == {"duplicates": 1, "conflicts": 1}
    service._resources.close()


def test_topics_that_the_broker_does_not_give_are_told() -> None:
    live = LiveSettings.model_validate({"mqtt": {"host": "broker", "topics": ["plant/a", "plant/b"]}})
    feed = MqttFeed(live)
    feed._connected = True
    codes = [ReasonCode(PacketTypes.SUBACK, identifier=number) for number in (1, 0x80)]
    assert feed._client.on_subscribe is not None
    feed._client.on_subscribe(feed._client, None, 1, codes, None)
    assert (feed.state().connected, feed.state().words) == (False, "broker:1883 does not give the topics plant/b")


def test_the_order_of_an_alert_that_became_worse_is_told_and_that_of_an_asset(tmp_path: Path) -> None:
    home = tmp_path / "live"
    write_plant(home, [pump(60)], 10, train=False)
    service = service_of(home, [])
    told: list[str] = []
    detection = service.detection
    detection._announce = told.append
    outcome = Outcome(AlertReport(updated=(1,)), ("WO-1",), (), (), Messages())
    detection._session.raise_alerts = lambda *_: outcome  # type: ignore[method-assign]
    detection._judge(detection._session.archive.channels())
    detection._judge_assets()
    service._resources.close()
    assert [line.count("1 work order opened") for line in told] == [1, 1]
