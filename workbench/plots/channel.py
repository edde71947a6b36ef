"""One channel over time: telemetry, prediction, anomalies, labels, and its commands in a strip below."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr
from bokeh.core.properties import value
from bokeh.models import ColumnDataSource, HoverTool, Range1d
from bokeh.plotting import figure

from workbench.plots.decimate import decimate
from workbench.plots.marks import mark_data, mark_glyphs, text_background, top_of_marks
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

__all__ = ["channel_figure", "commands_figure", "update_channel_figure", "update_commands_figure"]


def channel_figure(
    channel: xr.Dataset,
    scored: xr.Dataset | None = None,
    anomalies: pd.DataFrame | None = None,
    labels: pd.DataFrame | None = None,
    *,
    lines: pd.DataFrame | None = None,
    tokens: Tokens = LIGHT,
    height: int = 260,
    x_range: Range1d | None = None,
) -> figure:
    """Draw telemetry with its prediction, anomalies as shaded spans, labels hatched and bounds dashed.

    Parameters
    ----------
    channel : xarray.Dataset
        One split of one channel.
    scored : xarray.Dataset, optional
        `prediction` over `time`.
    anomalies : pandas.DataFrame, optional
        `start`, `end` (samples, inclusive), `severity` and `level`.
    labels : pandas.DataFrame, optional
        `start`, `end` of the true sequences.
    lines : pandas.DataFrame, optional
        `start`, `end`, `value`, `words` and `label` of the bounds that were exceeded, in the units of the telemetry.
    tokens : Tokens
        Colours.
    height : int
        Pixels; the width is that of what holds the figure.
    x_range : bokeh.models.Range1d, optional
        Time axis to share.

    Returns
    -------
    bokeh.plotting.figure
        Named `channel`. Long series are drawn by at most 4,000 points that keep every extreme.
    """
    plot = time_figure("channel", channel, tokens, height=height, x_range=x_range)
    data = _channel_data(channel, scored, anomalies, labels, lines)
    sources: Sources = {name: ColumnDataSource(columns, name=name) for name, columns in data.items()}
    mark_glyphs(plot, sources["anomalies"], sources["labels"], tokens)
    bound = plot.segment(
        "left",
        "value",
        "right",
        "value",
        source=sources["bound_lines"],
        line_color=tokens.text,
        line_dash="dashed",
        name="bound_lines",
    )
    plot.text(
        "right",
        "value",
        text="label",
        source=sources["bound_lines"],
        x_offset=3,
        text_baseline="middle",
        text_color=tokens.text,
        **text_background(tokens),
        text_font=value(FONT),
        text_font_size="11px",
        name="bound_words",
        level="overlay",  # with its background before the lines
    )
    plot.add_tools(HoverTool(renderers=[bound], tooltips=[("bound", "@value{0.0000}"), ("exceeded", "@words")]))
    drawn = [
        plot.line("time", "prediction", source=sources["prediction"], line_color=tokens.accent, name="prediction"),
        plot.line("time", "telemetry", source=sources["telemetry"], line_color=tokens.telemetry, name="telemetry"),
    ]
    end_labels(plot, sources["ends"], tokens)
    for line in drawn:
        line.glyph.line_width = 1.2
        hover = [(line.name, f"@{line.name}{{0.0000}}"), ("at", when(channel)), ("unit", channel.attrs["units"] or "-")]
        plot.add_tools(HoverTool(renderers=[line], tooltips=hover, formatters={"@time": "datetime"}, mode="mouse"))
    plot.yaxis.axis_label = channel.attrs["units"] or None
    return plot


def update_channel_figure(
    plot: figure,
    channel: xr.Dataset,
    scored: xr.Dataset | None = None,
    anomalies: pd.DataFrame | None = None,
    labels: pd.DataFrame | None = None,
    lines: pd.DataFrame | None = None,
) -> None:
    """Show another channel in a figure made by `channel_figure`.

    Parameters
    ----------
    plot : bokeh.plotting.figure
        Changed in place: its sources, its time range and its unit.
    channel, scored, anomalies, labels, lines
        As in `channel_figure`; the time axis must be of the same kind.
    """
    set_sources(plot, _channel_data(channel, scored, anomalies, labels, lines))
    plot.x_range.update(**time_axis(channel))
    plot.yaxis.axis_label = channel.attrs["units"] or None


def commands_figure(
    channel: xr.Dataset, *, tokens: Tokens = LIGHT, height: int | None = None, x_range: Range1d | None = None
) -> figure:
    """Draw when each command was given, as ticks.

    Parameters
    ----------
    channel : xarray.Dataset
        One split of one channel.
    tokens : Tokens
        Colours.
    height : int, optional
        Pixels; 46 by default, 30 for a channel without commands.
    x_range : bokeh.models.Range1d, optional
        Time axis to share.

    Returns
    -------
    bokeh.plotting.figure
        Named `commands`: one row a command that was given at all, a tick where it begins.
    """
    height = height or _commands_height(channel)
    plot = time_figure("commands", channel, tokens, height=height, x_range=x_range, axis=False)
    source = ColumnDataSource(_command_data(channel), name="commands")
    ticks = plot.scatter(
        "time",
        "row",
        source=source,
        marker="dash",
        angle=np.pi / 2,
        size=8,
        line_color=tokens.telemetry,
        name="commands",
    )
    plot.y_range = Range1d(0, 1)
    plot.yaxis.visible = False
    plot.grid.visible = False
    end_labels(plot, ColumnDataSource(_command_words(channel), name="ends"), tokens)
    tooltips = [("command", "@command"), ("from", when(channel))]
    plot.add_tools(HoverTool(renderers=[ticks], tooltips=tooltips, formatters={"@time": "datetime"}))
    return plot


def update_commands_figure(plot: figure, channel: xr.Dataset) -> None:
    """Show another channel's commands in a figure made by `commands_figure`.

    Parameters
    ----------
    plot : bokeh.plotting.figure
        Changed in place.
    channel : xarray.Dataset
        One split of one channel.
    """
    set_sources(plot, {"commands": _command_data(channel), "ends": _command_words(channel)})
    plot.height = _commands_height(channel)


def _commands_height(channel: xr.Dataset) -> int:
    return 46 if channel.sizes["command"] else 30


def _channel_data(
    channel: xr.Dataset,
    scored: xr.Dataset | None,
    anomalies: pd.DataFrame | None,
    labels: pd.DataFrame | None,
    bound_lines: pd.DataFrame | None,
) -> dict[str, dict[str, Any]]:
    telemetry = channel["telemetry"].values
    predicted = None if scored is None else scored["prediction"].values
    lines = {"telemetry": telemetry} | ({} if predicted is None else {"prediction": predicted})
    low, high = bounds(*lines.values())
    return {
        "telemetry": line_data(channel, "telemetry"),
        "prediction": line_data(scored, "prediction"),
        "anomalies": mark_data(channel, anomalies, top=top_of_marks(low, high)),
        "labels": mark_data(channel, labels),
        "bound_lines": _bound_data(channel, bound_lines),
        "ends": end_label_data(channel, lines, low, high, apart=0.16),  # twelve pixels of 75
    }


def _bound_data(channel: xr.Dataset, lines: pd.DataFrame | None) -> dict[str, Any]:
    """Return bounds as segments over time, at least a fiftieth of the axis long, so that a spike has one, too."""
    if lines is None or lines.empty:
        return {name: [] for name in ("left", "right", "value", "words", "label")}
    time, offset = time_values(channel).astype(float), int(channel.attrs.get("first_sample", 0))
    left, right = (time[lines[name].to_numpy() - offset] for name in ("start", "end"))
    least = (time[-1] - time[0]) / 50
    return {
        "left": left - least / 2,
        "right": np.maximum(right, left + least / 2),
        "value": lines["value"].to_numpy(),
        "words": lines["words"].tolist(),
        "label": lines["label"].tolist(),
    }


def _command_data(channel: xr.Dataset) -> dict[str, npt.NDArray[Any]]:
    commands = channel["commands"].values
    active = commands.astype(bool)
    begins = active & ~np.vstack([np.zeros((1, active.shape[1]), dtype=bool), active[:-1]])
    used = np.flatnonzero(active.any(axis=0))
    samples, columns = np.nonzero(begins[:, used])
    names = channel["command"].values[used].astype(str) if used.size else np.zeros(0, dtype=str)
    if samples.size > 4000:
        thinned = decimate(samples.astype(np.float64), 4000)
        samples, columns = samples[thinned], columns[thinned]
    return {
        "time": time_values(channel)[samples],
        "row": 1 - (columns + 0.5) / max(used.size, 1),
        "command": names[columns],
    }


def _command_words(channel: xr.Dataset) -> dict[str, list[Any]]:
    n = channel.sizes["command"]
    used = int(channel["commands"].values.any(axis=0).sum())
    words = f"{used} of {n}\ncommands" if n else "no\ncommands"
    return {"time": [float(time_values(channel)[-1])], "value": [0.5], "name": [words]}
