import numpy as np
import pandas as pd
import xarray as xr

from workbench.plots.distances import distances_figure, update_distances_figure


def scored(n, peak):
    q = np.full(n, 0.5)
    q[peak] = 7.0
    return xr.Dataset({"t_squared": ("time", np.full(n, 0.2)), "q": ("time", q)}, coords={"time": np.arange(n)})


def points(plot, name):
    return next(one.data_source.data for one in plot.renderers if one.data_source.name == name)


def test_both_distances_are_drawn_with_the_bound():
    anomalies = pd.DataFrame({"start": [10], "end": [12], "severity": [9.0], "level": ["high"]})
    plot = distances_figure(scored(50, 11), anomalies)
    assert points(plot, "q")["q"].max() == 7.0
    assert points(plot, "t_squared")["t_squared"].max() == 0.2
    assert plot.select_one({"name": "bound"}).location == 1.0
    assert len(points(plot, "anomalies")["left"]) == 1
    update_distances_figure(plot, scored(80, 70), None)
    assert points(plot, "q")["time"].max() == 79
    assert len(points(plot, "anomalies")["left"]) == 0


def test_words_of_anomalies_stand_above_the_lines():
    anomalies = pd.DataFrame({"start": [10], "end": [12], "severity": [9.0], "level": ["high"]})
    plot = distances_figure(scored(50, 11), anomalies)
    assert points(plot, "anomalies")["top"][0] >= 7.0 + 12 / 150 * 7.0, "twelve pixels of 150, the height of a word"
