import json

import numpy as np
import pytest
import xarray as xr
from bokeh.core.validation import check_integrity
from bokeh.embed import json_item
from bokeh.layouts import column
from bokeh.models import ColumnDataSource

from workbench.plots.theme import THEMES
from workbench.plots.usage import update_usage_figures, usage_figures


def usage(samples, names=("server", "kernels")):
    values = np.arange(len(names) * samples, dtype=float).reshape(len(names), samples) + 100
    cpu = values.copy()
    cpu[0, 0] = np.nan
    time = np.datetime64("2026-01-01", "ns") + np.arange(samples) * np.timedelta64(2, "s")
    dims = ("process", "time")
    return xr.Dataset({"memory": (dims, values), "cpu": (dims, cpu)}, coords={"process": list(names), "time": time})


def data(plot, name):
    return plot.select_one({"name": name, "type": ColumnDataSource}).data


@pytest.mark.parametrize("tokens", THEMES.values(), ids=list(THEMES))
@pytest.mark.parametrize(
    ("samples", "names"), [(1, ("notebook",)), (1, ("server", "kernels")), (50, ("server", "kernels"))]
)
def test_each_process_has_a_line_and_a_name(samples, names, tokens):
    given = usage(samples, names)
    figures = usage_figures(given, tokens=tokens)
    for measure, plot in figures.items():
        assert list(data(plot, "ends")["name"]) == list(names)
        for name in names:
            np.testing.assert_array_equal(data(plot, name)["value"], given[measure].sel(process=name).values)
    layout = column(*figures.values())
    json.dumps(json_item(layout), allow_nan=True)
    assert not check_integrity(layout.references()).error


def test_later_samples_move_the_shared_axis_and_stay_in_view():
    figures = usage_figures(usage(2))
    assert figures["memory"].x_range is figures["cpu"].x_range
    shown = figures["cpu"].x_range
    assert shown.end - shown.start >= 60_000
    later = usage(200)
    update_usage_figures(figures, later)
    time = later["time"].values.astype("datetime64[ms]").astype(float)
    assert shown.start <= time[0]
    assert shown.end > time[-1]
    for measure, plot in figures.items():
        assert plot.y_range.start == 0
        assert plot.y_range.end > later[measure].max()
        assert len(data(plot, "server")["value"]) == 200
