"""Homes for live telemetry: a channel of which only the first samples are stored, and what is to come of it."""

import threading
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

import workbench as wb
from workbench.live.feeds.feed import FeedState
from workbench.live.intake import Intake
from workbench.live.samples import Delivery, Sample
from workbench.live.service import LiveService
from workbench.session import Session
from workbench.settings import load_settings
from workbench.telemetry.moments import clock_of, ticks
from workbench.telemetry.schema import make_channel

TRAIN = 1_000
MINUTE = np.timedelta64(60, "s")
BEGIN = np.datetime64("2025-01-01", "ns")


def pump(n: int, *, faults: Sequence[int] = (), first: int = TRAIN, name: str = "flow", seed: int = 0) -> xr.Dataset:
    """A sample every minute, a wave with noise that is displaced for an hour at each fault."""
    random = np.random.default_rng(seed)
    values = 50 + 5 * np.sin(np.arange(first, first + n) / 30) + random.normal(0, 0.3, n)
    for start in faults:
        values[start : start + 60] += 12
    times = BEGIN + np.arange(first, first + n) * MINUTE
    return make_channel(values, time=times, channel=name, asset="Pump", subsystem="feed", units="l/s", source="test")


def write_plant(home: Path, tests: Sequence[xr.Dataset], stored: int, *, train: bool) -> None:
    """Store the training telemetry and the first test samples of channels, and train them."""
    with wb.open(home=home) as session:
        for number, test in enumerate(tests):
            name = str(test.attrs["channel"])
            own = pump(TRAIN, first=0, name=name, seed=100 + number)
            session.archive.write(own, test.isel(time=slice(0, stored)))
        session.set_growing([str(test.attrs["channel"]) for test in tests])
        if train:
            assert set(session.train()["status"]) == {"trained"}


def samples_of(series: xr.Dataset) -> list[Sample]:
    """The samples of a series as a feed has them."""
    times, names = series["time"].values, [str(one) for one in series["command"].values]
    rows = zip(
        ticks(times).tolist(), series["telemetry"].values.tolist(), series["commands"].values.tolist(), strict=True
    )
    channel, clock = str(series.attrs["channel"]), clock_of(times)
    return [
        Sample(channel, clock, moment, value, dict(zip(names, inputs, strict=True)) if names else None)
        for moment, value, inputs in rows
    ]


class ListFeed:
    """Delivers lists of samples, one after the other, and counts what was acknowledged."""

    name = "list"

    def __init__(self, lists: Sequence[Sequence[Sample]]) -> None:
        self._lists = lists
        self.outcomes: list[dict[str, int]] = []
        self._thread: threading.Thread | None = None

    def start(self, intake: Intake) -> None:
        self._thread = threading.Thread(target=self._put, args=(intake,))
        self._thread.start()

    def _put(self, intake: Intake) -> None:
        for one in self._lists:
            if not intake.put(Delivery(self.name, list(one), stored=self._note)):
                return

    def _note(self, counts: Any) -> None:
        self.outcomes.append(dict(counts))

    def stop(self) -> None:
        assert self._thread is not None
        self._thread.join()

    def state(self) -> FeedState:
        return FeedState(True, "lists", finished=len(self.outcomes) == len(self._lists))


def service_of(home: Path, feeds: Sequence[Any], *, port: bool = False, **live: Any) -> LiveService:
    """A service on a home; transactions are short, so that tests are."""
    settings = load_settings(home.parent, home=home, live={"port": 0, "commit_ms": 1, **live})
    return LiveService(partial(Session, settings), feeds, port=port)


def stream(home: Path, lists: Sequence[Sequence[Sample]], **live: Any) -> LiveService:
    """Let a service take lists of samples, and end."""
    service = service_of(home, [ListFeed(lists)], **live)
    service.run(threading.Event(), until_finished=True)
    return service


def outcome(home: Path) -> tuple[list[Any], list[Any]]:
    """The samples, scores and alerts of a home."""
    with wb.open(home=home) as session:
        data: list[Any] = []
        for name in session.archive.channels():
            series = session.archive.open(name)
            data += [name, series["time"].values.tolist(), series["telemetry"].values.tobytes()]
            data += [series["commands"].values.tobytes()]
            scored = session.stored(name)
            if scored is not None:
                data += [scored[one].values.tobytes() for one in ("prediction", "smoothed_error", "epsilon")]
                data += [scored.attrs[one] for one in ("anomalies", "complete", "detection_state", "data_hash")]
        alerts = session.maintenance.alerts.list(state=None)
        rows = alerts[["channel", "kind", "clock", "first_at", "last_at", "level"]].astype(str)
        return data, sorted(rows.to_numpy().tolist())


def judge(home: Path) -> None:
    """Score what is stored, and raise alerts, afterwards and in one go."""
    with wb.open(home=home) as session:
        session.score_all()
        session.raise_alerts()


def cut(samples: Sequence[Sample], seed: int, most: int = 400) -> list[list[Sample]]:
    """The same samples in lists of random lengths."""
    random = np.random.default_rng(seed)
    lists, start = [], 0
    while start < len(samples):
        end = start + int(random.integers(1, most))
        lists.append(list(samples[start:end]))
        start = end
    return lists


def values_of(home: Path, name: str = "flow") -> npt.NDArray[Any]:
    """The stored test series of a channel."""
    with wb.open(home=home) as session:
        return np.asarray(session.archive.open(name)["telemetry"].values)
