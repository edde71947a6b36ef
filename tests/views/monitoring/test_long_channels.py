"""A channel that is too long to be held is drawn as one that is held: same extremes, statistics, spans and commands."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from workbench.plots.marks import mark_data
from workbench.settings import Settings
from workbench.telemetry.archive import Archive
from workbench.telemetry.catalog import Catalog
from workbench.telemetry.schema import make_channel
from workbench.views.monitoring import data

N = 300_000
SPIKE, GAP, MISSING = 123_457, 200_000, slice(250_000, 250_400)


def make_series(n: int, first: str, seed: int) -> xr.Dataset:
    random = np.random.default_rng(seed)
    time = np.datetime64(first, "ns") + np.arange(n) * np.timedelta64(1, "s")
    values = random.normal(5, 0.1, n).astype(np.float32)
    commands = np.zeros((n, 2), dtype=np.int8)
    if n == N:
        time[GAP:] += np.timedelta64(3600, "s")
        values[SPIKE] = 90
        values[MISSING] = np.nan
        commands[1000:1010, 0] = commands[299_000:299_500, 1] = 1
    names = ["on", "off"]
    return make_channel(values, commands, time=time, command_names=names, channel="X-1", asset="A", units="K")


@pytest.fixture(scope="module")
def session(tmp_path_factory):
    archive = Archive(tmp_path_factory.mktemp("long") / "a.zarr")
    archive.write(make_series(100, "2023-12-31", 1), make_series(N, "2024-01-01", 0))
    scored = xr.Dataset(
        {
            name: ("time", np.full(N - 260, 5, np.float32))
            for name in ("prediction", "prediction_error", "smoothed_error", "epsilon")
        },
        {"time": archive.open("X-1")["time"].values[250:-10], "sample": ("time", np.arange(250, N - 10))},
        {"forecaster": "ridge", "preset": "workbench", "anomalies": "[]", "model": "m"},
    )
    archive.write_scores("X-1", "ridge.workbench", scored)
    anomalies = pd.DataFrame(
        {"start": [SPIKE - 3, 280_000], "end": [SPIKE + 9, 281_000], "severity": [3.0, 1.0], "level": ["high", "low"]}
    )
    return SimpleNamespace(
        archive=archive,
        settings=Settings(),
        catalog=Catalog(),
        channel=archive.open,
        stored=lambda name: archive.open_scores(name, "ridge.workbench"),
        stored_anomalies=lambda name: anomalies,
    )


@pytest.fixture
def stores(session, monkeypatch):
    """Two stores of channels: one that holds what it reads, and one that does not."""
    held = data.ChannelStore(session)
    held.strip("X-1")
    monkeypatch.setattr(data, "LONG_SAMPLES", 1000)
    unheld = data.ChannelStore(session)
    unheld.strip("X-1")
    return held, unheld


@pytest.mark.parametrize("share", [(0.0, 1.0), (0.35, 0.45), (0.4, 0.42), (0.82, 0.84), (0.5, 0.5001), (-0.2, 0.3)])
def test_it_is_drawn_within_the_same_extremes(stores, share):
    held, unheld = (store.strip("X-1") for store in stores)
    assert (held.extent, held.scale, held.units, held.dated) == (
        unheld.extent,
        unheld.scale,
        unheld.units,
        unheld.dated,
    )
    length = held.extent[1] - held.extent[0]
    start, end = (held.extent[0] + one * length for one in share)
    for until in (float("inf"), start + 0.7 * (end - start)):
        assert unheld.telemetry.span(start, end, until) == held.telemetry.span(start, end, until)
        time, values = unheld.telemetry.window(start, end, until, 600)
        expected_time, expected = held.telemetry.window(start, end, until, 600)
        assert len(time) <= 600
        assert (np.diff(time) > 0).all()
        assert (time[0], time[-1]) == (expected_time[0], expected_time[-1])
        assert (np.nanmin(values), np.nanmax(values)) == (np.nanmin(expected), np.nanmax(expected))
        assert np.isnan(values).any() == np.isnan(expected).any()
        assert unheld.range(start, end, until) == held.range(start, end, until)


@pytest.mark.parametrize("share", [(0.0, 1.0), (0.5, 0.9), (0.66, 0.665)])
def test_its_line_is_broken_at_an_outage(stores, session, share):
    before, behind = session.channel("X-1")["time"].values[GAP - 1 : GAP + 1].astype("datetime64[ms]").astype(float)
    for store in stores:
        strip = store.strip("X-1")
        length = strip.extent[1] - strip.extent[0]
        start, end = (strip.extent[0] + one * length for one in share)
        for line in (strip.telemetry, strip.prediction):
            time, values = line.window(start, end, limit=600)
            inside = (time > before) & (time < behind)
            assert np.isnan(values[inside]).all() and inside.any()
            assert {before, behind} <= set(time)


def test_a_few_samples_are_drawn_one_by_one(stores):
    held, unheld = (store.strip("X-1").telemetry for store in stores)
    at = held.time[SPIKE]
    for one, other in zip(held.window(at - 9000, at + 9000), unheld.window(at - 9000, at + 9000), strict=True):
        assert one.tolist() == other.tolist()


def test_its_marks_spans_and_commands_are_the_same(stores, session):
    held, unheld = (store.strip("X-1") for store in stores)
    assert unheld.marks == held.marks == mark_data(session.channel("X-1"), session.stored_anomalies("X-1"))
    pd.testing.assert_frame_equal(unheld.spans, held.spans, check_dtype=False)
    assert (unheld.command_times.tolist(), unheld.commands.tolist()) == (
        held.command_times.tolist(),
        held.commands.tolist(),
    )
    assert len(held.commands) == 2
    assert unheld.prediction.size == held.prediction.size == N - 260


@pytest.mark.parametrize("share", [(0.0, 1.0), (0.4, 0.5), (0.83, 0.834)])
@pytest.mark.parametrize("until", [float("inf"), 0.45])
def test_its_last_values_and_statistics_are_the_same(stores, share, until):
    strip = stores[0].strip("X-1")
    length = strip.extent[1] - strip.extent[0]
    start, end = (strip.extent[0] + one * length for one in share)
    come = until if until == float("inf") else strip.extent[0] + until * length
    tables = [store.table(["X-1"], start, end, now=np.datetime64("2024-02-01", "ns"), until=come) for store in stores]
    pd.testing.assert_frame_equal(*tables, rtol=1e-9)
