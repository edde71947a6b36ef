"""Shared parts of figures over time: axis, lines, direct labels and the update of sources."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr
from bokeh.core.properties import value
from bokeh.models import (
    CategoricalColorMapper,
    ColumnDataSource,
    FixedTicker,
    NoOverlap,
    NumeralTickFormatter,
    Range1d,
)
from bokeh.plotting import figure
from bokeh.transform import transform

from workbench.plots.decimate import decimate, plotted
from workbench.plots.gaps import broken_line, gap_rows, longest_step, max_gap, seen_gaps
from workbench.plots.theme import FONT, Tokens, apply_tokens

__all__ = [
    "Sources",
    "bounds",
    "chart_times",
    "end_label_data",
    "end_labels",
    "is_dated",
    "line_data",
    "name_room",
    "set_changed",
    "set_rows",
    "set_sources",
    "time_axis",
    "time_figure",
    "time_values",
    "when",
]

Sources = Mapping[str, ColumnDataSource]
"""Data sources of a figure by name."""

_RIGHT_MARGIN_SHARE = 0.17
"""Share of the time axis left free on the right for direct labels."""


def is_dated(dataset: xr.Dataset) -> bool:
    """Tell whether time is stamps; otherwise it is sample numbers."""
    return np.issubdtype(dataset["time"].dtype, np.datetime64)


def time_values(dataset: xr.Dataset) -> npt.NDArray[Any]:
    """Return time as charts take it: milliseconds since 1970 for stamps, sample numbers otherwise."""
    return chart_times(dataset["time"].values)


def chart_times(times: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return times as charts take them, as `time_values` does."""
    return times.astype("datetime64[ms]").astype(np.int64) if np.issubdtype(times.dtype, np.datetime64) else times


def name_room(last: float, pixels: int = 92) -> list[Any]:
    """Return the tags of a range by which the page makes room for names at the ends of lines, whatever the width.

    Parameters
    ----------
    last : float
        Where the lines end.
    pixels : int
        Room that the names need.
    """
    return [["names", last, pixels]]


def time_axis(dataset: xr.Dataset) -> dict[str, Any]:
    """Start and end of the time axis, with room for direct labels on the right.

    Parameters
    ----------
    dataset : xarray.Dataset
        One split of one channel.

    Returns
    -------
    dict
        `start`, `end`, `reset_start`, `reset_end` and `tags` of a `Range1d`.
    """
    time = time_values(dataset)
    start, last = float(time[0]), float(time[-1])
    end = last + max((last - start) * _RIGHT_MARGIN_SHARE, 1.0)
    return {"start": start, "end": end, "reset_start": start, "reset_end": end, "tags": name_room(last)}


def when(dataset: xr.Dataset) -> str:
    """Return how a tooltip shows the time of a point."""
    return "@time{%F %T} UTC" if is_dated(dataset) else "sample @time{0,0}"


def time_figure(
    name: str, dataset: xr.Dataset, tokens: Tokens, *, height: int, x_range: Range1d | None, axis: bool = True
) -> figure:
    """Make an empty figure over a channel's time.

    Parameters
    ----------
    name : str
        By which the figure is found again.
    dataset : xarray.Dataset
        One split of one channel.
    tokens : Tokens
        Colours.
    height : int
        Pixels.
    x_range : bokeh.models.Range1d or None
        Time axis to share; a new one where None.
    axis : bool
        Whether the time axis is drawn.

    Returns
    -------
    bokeh.plotting.figure
    """
    dated = is_dated(dataset)
    plot = figure(
        name=name,
        height=height,
        sizing_mode="stretch_width",
        x_axis_type="datetime" if dated else "linear",
        x_range=x_range or Range1d(**time_axis(dataset)),
        tools="xpan,xwheel_zoom,xbox_zoom,reset",
        active_drag="xbox_zoom",
        output_backend="canvas",
        min_border_left=54,
        min_border_right=12,
        min_border_top=4,
        min_border_bottom=4,
    )
    apply_tokens(plot, tokens)
    plot.xaxis.visible = axis
    plot.xaxis.major_label_policy = NoOverlap(min_distance=10)
    if not dated:
        plot.xaxis.formatter = NumeralTickFormatter(format="0,0")
        plot.xaxis.axis_label = "sample"
    return plot


def line_data(dataset: xr.Dataset | None, name: str) -> dict[str, npt.NDArray[Any]]:
    """Return the points of one variable's line, broken at gaps in time; none where there is no dataset."""
    if dataset is None:
        return {"time": np.zeros(0), name: np.zeros(0)}
    time, values = time_values(dataset), plotted(dataset[name].values)
    positions, rows = decimate(values), gap_rows(time, longest_step(time), max_gap(dataset))
    if positions.size < values.size:
        rows = seen_gaps(time, rows)
    time, values = broken_line(time, values, positions, rows)
    return {"time": time, name: values}


def bounds(*series: npt.NDArray[Any]) -> tuple[float, float]:
    """Return the least and the greatest finite value, with at least a small distance between them.

    Examples
    --------
    >>> bounds(np.array([1.0, np.nan]), np.array([3.0]))
    (1.0, 3.0)
    """
    finite = [values[np.isfinite(values)] for values in series]
    finite = [values for values in finite if values.size]
    low = min((float(values.min()) for values in finite), default=0.0)
    high = max((float(values.max()) for values in finite), default=0.0)
    return (low, high) if high > low else (low - 0.5, high + 0.5)


def end_label_data(
    dataset: xr.Dataset, lines: Mapping[str, npt.NDArray[Any]], low: float, high: float, apart: float = 0.06
) -> dict[str, list[Any]]:
    """Place each line's name at its end, apart from the others.

    Parameters
    ----------
    dataset : xarray.Dataset
        Whose last time the labels stand at.
    lines : mapping of str to numpy.ndarray
        Values of each line by name.
    low, high : float
        Range of the vertical axis, in data units.
    apart : float
        Least distance of two names, as a share of that range.

    Returns
    -------
    dict
        `time`, `value`, `name` for the source of `end_labels`.
    """
    gap, last = apart * (high - low), float(time_values(dataset)[-1])
    ends = {}
    for name, values in lines.items():
        finite = values[np.isfinite(values)]
        ends[name] = float(finite[-1]) if finite.size else low
    placed: dict[str, float] = {}
    for name in sorted(ends, key=ends.__getitem__):
        floor = max(placed.values(), default=low - gap / 2) + gap
        placed[name] = max(ends[name], floor)
    over = max(placed.values(), default=high) - high
    if over > 0:
        placed = {name: value - over for name, value in placed.items()}
    return {"time": [last] * len(placed), "value": list(placed.values()), "name": list(placed)}


def end_labels(plot: figure, source: ColumnDataSource, tokens: Tokens, accent: str = "prediction") -> None:
    """Write the lines' names beside their ends, the accented one in its colour."""
    colours = CategoricalColorMapper(factors=[accent], palette=[tokens.accent], nan_color=tokens.text)
    plot.text(
        "time",
        "value",
        text="name",
        source=source,
        x_offset=6,
        text_baseline="middle",
        text_font=value(FONT),
        text_font_size="11px",
        text_color=transform("name", colours),
        name="line names",
    )


def set_sources(plot: figure, data: Mapping[str, Mapping[str, Any]]) -> None:
    """Replace the data of a figure's sources by name, in place.

    Parameters
    ----------
    plot : bokeh.plotting.figure
        Whose sources carry the names in `data`.
    data : mapping of str to mapping
        New columns of each source.
    """
    sources = {renderer.data_source.name: renderer.data_source for renderer in plot.renderers}
    for name, columns in data.items():
        sources[name].data = dict(columns)


def set_changed(plot: figure, data: Mapping[str, Mapping[str, list[Any]]]) -> None:
    """Replace the data of those of a figure's sources that hold others, as `set_sources` does; columns are lists."""
    sources = {renderer.data_source.name: renderer.data_source for renderer in plot.renderers}
    for name, columns in data.items():
        if dict(sources[name].data) != columns:
            sources[name].data = dict(columns)


def set_rows(plot: figure, names: Sequence[str]) -> None:
    """Write names beside rows of height 1, the first at the top; nothing is changed where they stand there already.

    Parameters
    ----------
    plot : bokeh.plotting.figure
        Changed in place.
    names : sequence of str
        From top to bottom.
    """
    labels = {len(names) - 0.5 - row: name for row, name in enumerate(names)}
    axis = plot.yaxis[0]
    if axis.major_label_overrides != labels or list(getattr(axis.ticker, "ticks", ())) != list(labels):
        axis.ticker = FixedTicker(ticks=list(labels))  # another model makes Bokeh go through all models of the document
        axis.major_label_overrides = labels
    plot.y_range.end = max(len(names), 1)
