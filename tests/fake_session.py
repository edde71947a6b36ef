"""A session that holds a small scored fleet in memory."""

import atexit
import shutil
import tempfile
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import xarray as xr

from workbench.maintenance.desk import Maintenance
from workbench.parameters import SeverityLevels
from workbench.scores import OVERVIEW_COLUMNS as COLUMNS
from workbench.session import Session
from workbench.settings import Settings
from workbench.telemetry.catalog import Catalog
from workbench.telemetry.schema import make_channel


def fake_channel(name="P-1", n=3000, seed=0, commands=3, dated=False, asset="SMAP", units=""):
    random = np.random.default_rng(seed)
    telemetry = np.sin(np.arange(n) / 60) * 0.5 + random.normal(0, 0.02, n)
    given = (random.random((n, commands)) < 0.004).astype(np.int8)
    time = np.datetime64("2026-01-01") + np.arange(n) * np.timedelta64(60, "s") if dated else None
    return make_channel(
        telemetry, given, time=time, channel=name, asset=asset, subsystem=name[0], units=units, source="test"
    )


def fake_scored(channel, spans=()):
    n = channel.sizes["time"]
    telemetry = channel["telemetry"].values
    prediction = telemetry + np.float32(0.01)
    for start, end, size in spans:
        prediction[start : end + 1] -= np.float32(size)
    error = np.abs(prediction - telemetry)
    smoothed = pd.Series(error).ewm(span=40).mean().to_numpy()
    scored = xr.Dataset(
        {
            "prediction": ("time", prediction[250 : n - 10]),
            "prediction_error": ("time", error[250 : n - 10]),
            "smoothed_error": ("time", smoothed[250 : n - 10]),
            "epsilon": ("time", np.full(n - 260, 0.2)),
        },
        coords={"time": channel["time"].values[250 : n - 10], "sample": ("time", np.arange(250, n - 10))},
        attrs={"model": f"{channel.attrs['channel']}.ridge/1"},
    )
    return scored


@dataclass
class FakeArchive:
    known: dict[str, pd.DataFrame] = field(default_factory=dict)
    data: dict[str, xr.Dataset] = field(default_factory=dict)

    def channels(self):
        return list(self.data)

    def infos(self):
        return [self.info(name) for name in self.data], {}

    def places(self):
        return list(
            dict.fromkeys((data.attrs["asset"], data.attrs.get("subsystem", "")) for data in self.data.values())
        )

    def info(self, channel):
        return SimpleNamespace(
            channel=channel, asset=self.data[channel].attrs["asset"], source="", n_test=self.data[channel].sizes["time"]
        )

    def open(self, channel):
        return self.data[channel]

    def grows(self, channel):
        return False

    def dates(self, channel):
        time = self.data[channel]["time"].values
        dated = np.issubdtype(time.dtype, np.datetime64)
        return tuple(pd.Timestamp(stamp, tz="UTC") for stamp in time[[0, -1]]) if dated else None

    def all_dates(self, channels):
        dates = {name: self.dates(name) for name in channels}
        return {name: ends for name, ends in dates.items() if ends is not None}

    def dated_spans(self):
        return [
            (self.info(name).asset, *(stamp.value for stamp in ends))
            for name, ends in self.all_dates(self.data).items()
        ]

    @property
    def index(self):
        """An index that cannot tell what has changed."""
        return SimpleNamespace(stamp=lambda: (0, 0), changed_since=lambda stamp: None, pieces=lambda channel, part: ())

    def scores(self, channel):
        return {}

    def labels(self, channel):
        return self.known.get(channel)

    def set_labels(self, channel, labels):
        self.known[channel] = labels


class FakeSession:
    """What a view asks of a session; `spans` are (start, end, severity) by channel, None where it is not scored."""

    def __init__(self, spans, *, stale=(), dated=(), assets=None):
        self.spans, self.stale, self.levels = spans, set(stale), SeverityLevels()
        self.assets = assets or {}
        self.data = {
            name: fake_channel(name, seed=i, dated=name in dated, asset=self.assets.get(name, "SMAP"))
            for i, name in enumerate(spans)
        }
        labels = {name: pd.DataFrame({"start": [600], "end": [700]}) for name in list(spans)[:1]}
        self.archive = FakeArchive(labels, self.data)
        self.opened = []
        self.settings = Settings(home=Path("fleet"))
        self.catalog = Catalog.load()
        self.clock = lambda: datetime(2026, 1, 2, 12, tzinfo=UTC)

    @cached_property
    def maintenance(self):
        """A desk of its own, with the alerts that the scores raise."""
        folder = Path(tempfile.mkdtemp())
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        url = f"sqlite:///{folder}/maintenance.db"
        desk = Maintenance(url, self.clock, splits=self._split, files=folder / "attachments")
        for name, spans in self.spans.items():
            if spans is not None:
                judged = self.stored_anomalies(name)
                desk.alerts.raise_anomalies(self.data[name], self.stored(name), judged[judged["start"] >= 250])
        return desk

    def _split(self, name, split):
        return self.data[name] if split == "test" else fake_channel(name, seed=99)

    def watched(self):
        return Session.watched(self)

    def overview(self):
        return pd.DataFrame([self._row(name) for name in self.spans], columns=COLUMNS)

    def _row(self, name):
        spans = self.spans[name]
        channel = self.data[name]
        row = dict.fromkeys(COLUMNS) | {"channel": name, "asset": channel.attrs["asset"], "subsystem": name[0]}
        row |= {"samples": channel.sizes["time"], "anomalies": 0, "severity": np.nan, "level": "", "model": ""}
        if spans is None:
            return row | {"state": "missing", "reason": "no model", "flagged": np.nan}
        worst = max((severity for _, _, severity in spans), default=np.nan)
        return row | {
            "anomalies": len(spans),
            "severity": worst,
            "level": self.levels.level(worst) if spans else "",
            "model": f"{name}.ridge/1",
            "state": "stale" if name in self.stale else "current",
            "reason": "the telemetry has changed" if name in self.stale else "",
            "flagged": sum(end - start + 1 for start, end, _ in spans) / channel.sizes["time"],
        }

    def channel(self, name, split="test"):
        assert split in ("train", "test")  # what is in the test series has been there in training
        self.opened.append(name)
        return self.data[name]

    def stored(self, name):
        return None if self.spans[name] is None else fake_scored(self.data[name], self.spans[name])

    def explain(self, name, *, clearing=None):
        table = self.stored_anomalies(name)
        looked = [clearing is None or span in clearing for span in zip(table["start"], table["end"], strict=True)]
        words = {"text": f"{name} left its forecast.", "commands": "", "found_by": "forecast"}
        words["clears"] = ["z_min 4 instead of 2.5" if found else "" for found in looked]
        numbers = dict.fromkeys(["smoothed_error", "distance", "epsilon", "z"], 1.5)
        samples = dict.fromkeys(["smoothed_error_at", "window_start", "window_end"], 300)
        return table.assign(**words, **numbers, **samples, model=f"{name}.ridge/1", preset="paper")

    def stored_anomalies(self, name):
        spans = self.spans[name]
        if spans is None:
            return None
        table = pd.DataFrame(spans, columns=["start", "end", "severity"])
        return table.assign(level=[self.levels.level(value) for value in table["severity"]])


def small_fleet():
    spans = {
        "P-1": [(2149, 2349, 2.31), (500, 520, 0.3), (1400, 1460, 0.7)],
        "A-2": [(900, 950, 1.2)],
        "T-3": [],
        "E-4": None,
        "M-5": [(100, 140, 0.1)],
    }
    return FakeSession(spans, stale=["A-2"], dated=["T-3"], assets={"M-5": "MSL", "T-3": "MSL"})
