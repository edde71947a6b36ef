"""The smoothed error against its threshold, where anomalies come from."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr
from bokeh.core.properties import value
from bokeh.models import ColumnDataSource, HoverTool, Range1d
from bokeh.plotting import figure

from workbench.plots.marks import mark_data, span_glyphs
from workbench.plots.series import (
    Sources,
    bounds,
    end_label_data,
    end_labels,
    line_data,
    set_sources,
    time_axis,
    time_figure,
    time_values,
    when,
)
from workbench.plots.theme import FONT, LIGHT, Tokens

__all__ = ["errors_figure", "update_errors_figure"]


def errors_figure(
    channel: xr.Dataset,
    scored: xr.Dataset | None = None,
    anomalies: pd.DataFrame | None = None,
    labels: pd.DataFrame | None = None,
    *,
    tokens: Tokens = LIGHT,
    height: int = 150,
    x_range: Range1d | None = None,
) -> figure:
    """Draw the smoothed error with epsilon as a dashed line, and the lower threshold where it detected an anomaly.

    Parameters
    ----------
    channel : xarray.Dataset
        One split of one channel; gives the time axis.
    scored : xarray.Dataset, optional
        `prediction_error`, `smoothed_error` and `epsilon` over `time`; with `lower_epsilon`, the threshold of unusually
        low errors is drawn where it is not NaN.
    anomalies : pandas.DataFrame, optional
        `start`, `end` (samples, inclusive), `severity` and `level`.
    labels : pandas.DataFrame, optional
        `start`, `end` of the true sequences.
    tokens : Tokens
        Colours.
    height : int
        Pixels.
    x_range : bokeh.models.Range1d, optional
        Time axis to share.

    Returns
    -------
    bokeh.plotting.figure
        Named `errors`.
    """
    plot = time_figure("errors", channel, tokens, height=height, x_range=x_range)
    data = _data(channel, scored, anomalies, labels)
    sources: Sources = {name: ColumnDataSource(columns, name=name) for name, columns in data.items()}
    span_glyphs(plot, sources["anomalies"], sources["labels"], tokens)  # the symbols stand in the chart above
    error = plot.line(
        "time", "smoothed_error", source=sources["smoothed_error"], line_color=tokens.telemetry, name="smoothed error"
    )
    limit = plot.line(
        "time", "epsilon", source=sources["epsilon"], line_color=tokens.text, line_dash="dashed", name="epsilon"
    )
    lower = plot.segment(
        "time",
        "lower_epsilon",
        "until",
        "lower_epsilon",
        source=sources["lower_epsilon"],
        line_color=tokens.text,
        line_dash="dashed",
        name="lower epsilon",
    )
    plot.text(
        "until",
        "lower_epsilon",
        text="word",
        source=sources["lower_epsilon"],
        x_offset=4,
        text_baseline="middle",
        text_font=value(FONT),
        text_font_size="11px",
        text_color=tokens.text,
        name="lower words",
    )
    end_labels(plot, sources["ends"], tokens)
    for line, column in ((error, "smoothed_error"), (limit, "epsilon"), (lower, "lower_epsilon")):
        line.glyph.line_width = 1.2
        hover = [(line.name, f"@{column}{{0.0000}}"), ("at", when(channel))]
        plot.add_tools(HoverTool(renderers=[line], tooltips=hover, formatters={"@time": "datetime"}, mode="mouse"))
    plot.y_range.start = 0
    plot.yaxis.ticker.desired_num_ticks = 4
    return plot


def update_errors_figure(
    plot: figure,
    channel: xr.Dataset,
    scored: xr.Dataset | None = None,
    anomalies: pd.DataFrame | None = None,
    labels: pd.DataFrame | None = None,
) -> None:
    """Show another channel in a figure made by `errors_figure`.

    Parameters
    ----------
    plot : bokeh.plotting.figure
        Changed in place.
    channel, scored, anomalies, labels
        As in `errors_figure`; the time axis must be of the same kind.
    """
    set_sources(plot, _data(channel, scored, anomalies, labels))
    plot.x_range.update(**time_axis(channel))


def _data(
    channel: xr.Dataset, scored: xr.Dataset | None, anomalies: pd.DataFrame | None, labels: pd.DataFrame | None
) -> dict[str, dict[str, Any]]:
    lines = {} if scored is None else {name: scored[name].values for name in ("smoothed_error", "epsilon")}
    low, high = bounds(*lines.values())
    words = {"smoothed_error": "smoothed error", "epsilon": f"epsilon {_last(lines.get('epsilon')):.3g}"}
    ends = {words[name]: values for name, values in lines.items()}
    return {
        "smoothed_error": line_data(scored, "smoothed_error"),
        "epsilon": line_data(scored, "epsilon"),
        "lower_epsilon": _lower_data(scored),
        "anomalies": mark_data(channel, anomalies),
        "labels": mark_data(channel, labels),
        "ends": end_label_data(channel, ends, low, high, apart=0.19),  # twelve pixels of 65
    }


def _lower_data(scored: xr.Dataset | None) -> dict[str, list[Any]]:
    """Return a segment for each value of the lower threshold, the last of adjacent ones worded."""
    if scored is None or "lower_epsilon" not in scored:
        return {"time": [], "until": [], "lower_epsilon": [], "word": []}
    limits, time = scored["lower_epsilon"].values, time_values(scored)
    finite = np.flatnonzero(np.isfinite(limits))
    ends = np.flatnonzero(np.diff(finite, append=-1) != 1)  # of adjacent samples
    changes = np.union1d(ends, np.flatnonzero(np.diff(limits[finite], append=np.nan) != 0))
    first, last = finite[np.concatenate(([0], changes[:-1] + 1))[: changes.size]], finite[changes]
    return {
        "time": time[first].tolist(),
        "until": time[last].tolist(),
        "lower_epsilon": limits[last].tolist(),
        "word": [f"lower epsilon {limits[i]:.3g}" if i in finite[ends] else "" for i in last.tolist()],
    }


def _last(values: npt.NDArray[Any] | None) -> float:
    present = np.zeros(0) if values is None else values[np.isfinite(values)]
    return float(present[-1]) if present.size else float("nan")
