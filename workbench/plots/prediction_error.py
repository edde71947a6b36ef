"""The prediction error of a channel over time."""

import numpy as np
import xarray as xr
from bokeh.models import ColumnDataSource, HoverTool, Range1d
from bokeh.plotting import figure

from workbench.plots.series import bounds, end_label_data, end_labels, line_data, set_sources, time_figure, when
from workbench.plots.theme import LIGHT, Tokens

__all__ = ["prediction_error_figure", "update_prediction_error_figure"]


def prediction_error_figure(
    channel: xr.Dataset, scored: xr.Dataset | None, *, tokens: Tokens = LIGHT, x_range: Range1d | None = None
) -> figure:
    """Draw the absolute error of each prediction.

    Parameters
    ----------
    channel : xarray.Dataset
        One split of one channel; gives the time axis.
    scored : xarray.Dataset or None
        `prediction_error` over `time`.
    tokens : Tokens
        Colours.
    x_range : bokeh.models.Range1d, optional
        Time axis to share.

    Returns
    -------
    bokeh.plotting.figure
        Named `prediction_error`.
    """
    plot = time_figure("prediction_error", channel, tokens, height=56, x_range=x_range, axis=False)
    sources = {name: ColumnDataSource(columns, name=name) for name, columns in _data(channel, scored).items()}
    line = plot.line(
        "time", "prediction_error", source=sources["prediction_error"], line_color=tokens.telemetry, name="error"
    )
    line.glyph.line_width = 1
    end_labels(plot, sources["ends"], tokens)
    tooltips = [("error", "@prediction_error{0.0000}"), ("at", when(channel))]
    plot.add_tools(HoverTool(renderers=[line], tooltips=tooltips, formatters={"@time": "datetime"}, mode="mouse"))
    plot.y_range.start = 0
    plot.yaxis.ticker.desired_num_ticks = 2
    return plot


def update_prediction_error_figure(plot: figure, channel: xr.Dataset, scored: xr.Dataset | None) -> None:
    """Show another channel in a figure made by `prediction_error_figure`."""
    set_sources(plot, _data(channel, scored))


def _data(channel: xr.Dataset, scored: xr.Dataset | None) -> dict[str, dict[str, object]]:
    low, high = bounds(*([] if scored is None else [scored["prediction_error"].values]))
    words = {} if scored is None else {"error": np.array([(low + high) / 2])}  # beside the line, not under it
    return {
        "prediction_error": dict(line_data(scored, "prediction_error")),
        "ends": dict(end_label_data(channel, words, low, high)),
    }
