import json

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from bokeh.core.validation import check_integrity
from bokeh.embed import json_item
from bokeh.layouts import column
from bokeh.models import ColumnDataSource

from tests.fake_session import fake_channel
from workbench.forecasting.decomposition import decompose
from workbench.maintenance.kpis.risk import risk_cells
from workbench.plots.decomposition import PARTS, decomposition_figures, update_decomposition_figures
from workbench.plots.fan import fan_figure, update_fan_figure
from workbench.plots.lead_errors import lead_figure, update_lead_figure
from workbench.plots.risk_matrix import risk_matrix_figure, update_risk_matrix
from workbench.plots.theme import DARK, THEMES

LIMITS = {"warning high": 0.7, "critical high": 900.0}


def data(plot, name):
    found = plot.select_one({"name": name, "type": ColumnDataSource}).data
    return {key: np.asarray(value).tolist() for key, value in found.items()}


def assert_draws(plot):
    json.dumps(json_item(plot), allow_nan=True)
    assert not check_integrity(plot.references()).error


def ahead(channel, steps=20, width=0.3):
    step = channel["time"].values[1] - channel["time"].values[0]
    middle = np.linspace(0, 1, steps)
    return xr.Dataset(
        {"forecast": ("time", middle), "lower": ("time", middle - width), "upper": ("time", middle + width)},
        coords={"time": channel["time"].values[-1] + step * np.arange(1, steps + 1)},
    )


def figures(seed=0, names=("lstm", "ridge")):
    errors = np.random.default_rng(seed).random((len(names), 10)).cumsum(axis=1)
    coords = {"forecaster": list(names), "lead": np.arange(1, 11)}
    dims = ("forecaster", "lead")
    return xr.Dataset({"rmse": (dims, errors), "coverage": (dims, errors / 20)}, coords=coords)


def decomposed(channel):
    parts = decompose(channel["telemetry"].values)
    return parts.rename(sample="time").assign_coords(time=channel["time"])


def risks(*rows):
    table = pd.DataFrame(rows, columns=["asset", "likelihood", "criticality", "risk"])
    return table.astype(dict.fromkeys(("likelihood", "criticality", "risk"), "Int64"))


@pytest.mark.parametrize("tokens", THEMES.values(), ids=list(THEMES))
@pytest.mark.parametrize("dated", [False, True])
def test_every_figure_draws(tokens, dated):
    channel = fake_channel(dated=dated)
    plots = [
        fan_figure(channel, ahead(channel), LIMITS, tokens=tokens),
        lead_figure(figures(), "rmse", "ridge", words="error", tokens=tokens),
        risk_matrix_figure(risk_cells(), risks(("SMAP", 3, 5, 15)), tokens=tokens),
    ]
    parts = list(decomposition_figures(decomposed(channel), tokens=tokens).values())
    assert {plot.background_fill_color for plot in [*plots, *parts]} == {tokens.surface}
    for drawn in [*plots, column(*parts)]:
        assert_draws(drawn)


@pytest.mark.parametrize("dated", [False, True])
def test_the_forecast_goes_on_from_the_last_sample_with_its_interval(dated):
    channel = fake_channel(dated=dated)
    plot = fan_figure(channel.isel(time=slice(-200, None)), ahead(channel), LIMITS)
    line, interval = data(plot, "forecast"), data(plot, "interval")
    last = channel["telemetry"].values[-1]
    assert line["forecast"] == [pytest.approx(last), *np.linspace(0, 1, 20)]
    assert np.diff(line["time"]).tolist() == [60_000 if dated else 1] * 20
    np.testing.assert_allclose(np.subtract(interval["upper"], interval["lower"])[1:], 0.6)
    assert data(plot, "limits")["word"] == ["warning high 0.7"]
    assert plot.x_range.end > line["time"][-1]
    assert plot.y_range.start < -0.3
    assert plot.y_range.end > 1.3
    update_fan_figure(plot, channel, ahead(channel, 5, np.inf), {})
    assert len(data(plot, "forecast")["forecast"]) == 6
    assert len(data(plot, "interval")["time"]) == 1
    assert data(plot, "limits")["word"] == []
    assert np.isfinite([plot.y_range.start, plot.y_range.end]).all()


def test_lines_over_lead_time_are_named_and_the_chosen_one_lies_on_top():
    plot = lead_figure(figures(), "coverage", "lstm", words="inside", target=0.9)
    lines, ends = data(plot, "lines"), data(plot, "ends")
    assert lines["name"] == ["ridge", "lstm"]
    assert lines["chosen"] == ["no", "yes"]
    np.testing.assert_array_equal(lines["ys"][1], figures()["coverage"].sel(forecaster="lstm"))
    assert sorted(ends["name"]) == ["lstm", "ridge"]
    assert plot.select_one({"name": "target"}).location == 0.9
    assert plot.y_range.end > 0.9
    update_lead_figure(plot, figures(1, ("a", "b", "c")), "rmse", "b", words="error in V", target=0.5)
    assert data(plot, "lines")["name"] == ["a", "c", "b"]
    assert plot.select_one({"name": "target"}).location == 0.5
    assert plot.title.text == "error in V"


def test_names_at_line_ends_do_not_overlap():
    same = figures(names=("a", "b", "c"))
    same["rmse"][:] = np.linspace(1, 2, 10)
    ends = sorted(data(lead_figure(same, "rmse", "a", words=""), "ends")["value"])
    assert min(np.diff(ends)) > 0.08


def test_parts_share_the_time_axis():
    channel = fake_channel()
    plots = decomposition_figures(decomposed(channel))
    assert tuple(plots) == PARTS
    assert len({plot.x_range.id for plot in plots.values()}) == 1
    shorter = channel.isel(time=slice(0, 900))
    update_decomposition_figures(plots, decomposed(shorter))
    assert plots["seasonal"].x_range.end == 899
    np.testing.assert_allclose(data(plots["observed"], "observed")["observed"], shorter.telemetry, rtol=1e-6)
    assert len(data(plots["observed"], "trend")["trend"]) == 900


def test_assets_stand_in_their_cells_and_those_without_risk_in_none():
    plot = risk_matrix_figure(risk_cells(), risks(("SMAP", 3, 5, 15), ("MSL", 2, None, None)), tokens=DARK)
    assert data(plot, "assets") == {"likelihood": [3], "criticality": [5], "names": ["SMAP"]}
    many = [(f"Orbiter with a long name {i}", 1, 1, 1) for i in range(4)]
    update_risk_matrix(plot, risks(*many))
    (names,) = data(plot, "assets")["names"]
    assert names.split("\n")[-1] == "and 2 more"
    assert max(len(line) for line in names.split("\n")) <= 14
    cells = data(plot, "cells")
    worst = cells["sign"][cells["risk"].index(25)]
    assert worst == "◆ 25"
    places = list(zip(cells["likelihood"], cells["criticality"], strict=True))
    low = [alpha for alpha, level in zip(cells["alpha"], cells["level"], strict=True) if level == "low"]
    assert cells["alpha"][places.index((1, 1))] == max(low) > min(low), "the cell with assets is not stronger"
