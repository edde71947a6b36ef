from itertools import pairwise

import numpy as np
import pytest
import xarray as xr
from bokeh.models import Range1d

from workbench.plots import channel_figure, errors_figure
from workbench.plots.decimate import decimate
from workbench.plots.gaps import gap_rows, longest_step
from workbench.plots.prediction_error import prediction_error_figure
from workbench.plots.series import line_data
from workbench.plots.strip_data import make_strip
from workbench.plots.strips import extend_strip, strip_figure, update_strip
from workbench.plots.trace import Trace
from workbench.telemetry.schema import make_channel

MINUTE, HOUR = 60_000, 3_600_000


def times(*steps: tuple[int, int]) -> np.ndarray:
    """Return the times of a series, from pairs of a step and how often it comes."""
    return np.concatenate([[0], np.cumsum(np.repeat([step for step, _ in steps], [n for _, n in steps]))])


def rows(time: np.ndarray, **options: float) -> list[int]:
    return gap_rows(time, longest_step(time), **options).tolist()


def dated(time: np.ndarray, values: np.ndarray | None = None) -> xr.Dataset:
    values = np.arange(time.size, dtype=np.float32) if values is None else values
    stamps = np.datetime64("2026-01-01", "ns") + time.astype("timedelta64[ms]")
    commands = np.zeros((time.size, 0), dtype=np.int8)
    return make_channel(values, commands, time=stamps, command_names=[], channel="X-1", asset="A", units="K")


def breaks(data) -> list[tuple[float, float]]:
    """Return the times of the samples on either side of each break of a line."""
    time, values = (np.asarray(data[name], dtype=float) for name in data)
    return [(time[at - 1], time[at + 1]) for at in np.flatnonzero(np.isnan(values))]


@pytest.mark.parametrize(
    ("time", "expected"),
    [
        (times((MINUTE, 100)), []),
        (times((MINUTE, 50), (3 * HOUR, 1), (MINUTE, 50)), [51]),
        (times((MINUTE, 30), (3 * HOUR, 1), (MINUTE, 1), (2 * HOUR, 1), (MINUTE, 60)), [31, 33]),
        (times((MINUTE, 50), (5 * MINUTE, 1), (MINUTE, 50)), []),  # four samples are missing
        (times((MINUTE, 50), (6 * MINUTE, 1), (MINUTE, 50)), [51]),
        (times((MINUTE, 2), (HOUR, 1), (MINUTE, 2)), [3]),
        (times((MINUTE, 1)), []),
        (times((HOUR, 1), (MINUTE, 1)), []),
        (np.zeros(0), []),
        (np.arange(1000), []),
        (times((HOUR, 200), (1000, 100_000)), []),  # another rate, not 200 gaps
        (times((HOUR, 100), (30 * HOUR, 1), (HOUR, 100), (1000, 100_000)), [101]),
        (times(*[(MINUTE, 9), (HOUR, 1)] * 50), []),  # bursts: the pauses are usual
    ],
)
def test_a_gap_is_far_above_the_usual_steps_and_those_around_it(time, expected):
    assert rows(time) == expected


@pytest.mark.parametrize("draw", ["exponential", "lognormal", "uniform"])
def test_steps_that_differ_by_nature_are_no_gaps_and_an_outage_among_them_is(draw):
    random = np.random.default_rng(0)
    steps = {
        "exponential": random.exponential(MINUTE, 50_000),
        "lognormal": random.lognormal(np.log(MINUTE), 0.5, 50_000),
        "uniform": random.uniform(1000, 10 * MINUTE, 50_000),
    }[draw].astype(np.int64) + 1
    assert rows(np.cumsum(steps)) == []
    steps[30_000] = 24 * HOUR
    assert rows(np.cumsum(steps)) == [30_000]


def test_steps_above_the_longest_one_of_the_settings_are_gaps():
    time = times((MINUTE, 50), (3 * MINUTE, 1), (MINUTE, 50))
    assert rows(time, most=2.0 * MINUTE) == [51] and rows(time, most=4.0 * MINUTE) == []
    channel = dated(time)
    assert breaks(line_data(channel, "telemetry")) == []
    channel.attrs["max_gap_seconds"] = 120.0
    start = float(channel["time"].values[0].astype("datetime64[ms]").astype(int))
    expected = [(start + 50 * MINUTE, start + 53 * MINUTE)]
    assert breaks(line_data(channel, "telemetry")) == expected
    assert breaks(dict(zip(("time", "values"), make_strip(channel).telemetry.window(0, 2e12), strict=True))) == expected


@pytest.mark.parametrize("n", [100, 200_000])
def test_every_chart_of_a_channel_breaks_its_lines_at_an_outage(n):
    channel = dated(times((MINUTE, n), (n * MINUTE // 10, 1), (MINUTE, n)))
    stamps = channel["time"].values.astype("datetime64[ms]").astype(float)
    expected = [(stamps[n], stamps[n + 1])]
    names = ("prediction", "prediction_error", "smoothed_error", "epsilon")
    scored = xr.Dataset(
        {name: ("time", np.ones(2 * n + 2, np.float32)) for name in names}, {"time": channel["time"].values}
    )
    figures = channel_figure(channel, scored), errors_figure(channel, scored), prediction_error_figure(channel, scored)
    sources = {one.data_source.name: one.data_source.data for plot in figures for one in plot.renderers}
    for name in ("telemetry", *names):
        assert breaks(sources[name]) == expected, name
    strip = make_strip(channel, scored)
    plot = strip_figure("strip", dated=True, x_range=Range1d(*strip.extent))
    update_strip(plot, strip, *strip.extent)
    sources = {one.data_source.name: one.data_source.data for one in plot.renderers}
    assert breaks(sources["telemetry"]) == breaks(sources["prediction"]) == expected


def test_gaps_too_narrow_to_be_seen_do_not_take_a_long_line_to_pieces():
    time = times(*[(1000, 50), (30_000, 1)] * 4000)
    values = np.random.default_rng(0).normal(size=time.size).astype(np.float32)
    assert len(rows(time)) == 4000
    trace = Trace(time, values)
    assert not np.isnan(trace.window(0, time[-1])[1]).any()
    near = trace.window(time[10_000], time[10_200])
    assert len(breaks({"time": near[0], "value": near[1]})) == 4
    drawn = line_data(dated(time, values), "telemetry")
    assert not np.isnan(drawn["telemetry"]).any() and drawn["time"].size == decimate(values).size


def test_a_series_that_grows_breaks_where_the_whole_one_does():
    time = times((MINUTE, 700), (HOUR, 1), (MINUTE, 900), (2 * HOUR, 1), (MINUTE, 1), (HOUR, 1), (MINUTE, 3000))
    values = np.arange(time.size, dtype=np.float32)
    whole = Trace(time, values)
    assert whole.gaps.size == 3
    grown = Trace(time[:2], values[:2])
    for first, last in pairwise([2, 700, 701, 702, 703, 1500, 1601, 1602, 1603, 1604, 1605, 2000, time.size]):
        grown = grown.extended(time[first:last], values[first:last])
    assert grown.gaps.tolist() == whole.gaps.tolist()


def test_a_live_strip_is_drawn_anew_when_telemetry_comes_back_after_an_outage():
    strip = make_strip(dated(times((1000, 1500)), np.sin(np.arange(1501, dtype=np.float32))))
    start, end = strip.extent
    plot = strip_figure("strip", dated=True, x_range=Range1d(start, end))
    update_strip(plot, strip, start, end)
    longer = strip.extended(end + np.array([1000.0, 2000.0]), np.zeros(2))
    assert extend_strip(plot, longer, start, end + 2000)
    back = longer.extended(end + HOUR + np.array([0.0, 1000.0]), np.zeros(2))
    assert not extend_strip(plot, back, start, end + HOUR)
    update_strip(plot, back, start, end + HOUR)
    source = next(one.data_source.data for one in plot.renderers if one.data_source.name == "telemetry")
    assert breaks(source) == [(end + 2000, end + HOUR)]
