"""Figure of drift: how much channels differ from the data that their models learned."""

from typing import Any

import numpy as np
import pandas as pd
from bokeh.core.properties import value
from bokeh.models import ColumnDataSource, HoverTool, Range1d, Span
from bokeh.plotting import figure

from workbench.plots.series import set_sources
from workbench.plots.theme import FONT, LIGHT, Tokens, apply_tokens

__all__ = ["drift_figure", "update_drift_figure"]

_MAX_NAMED_POINTS = 6  # points that carry their channel's name


def drift_figure(drift: pd.DataFrame, ks: float, error_ratio: float, *, tokens: Tokens = LIGHT) -> figure:
    """Draw each channel by how its telemetry and its errors have moved, with the limits beyond which to train again.

    Parameters
    ----------
    drift : pandas.DataFrame
        `channel`, `model`, `status`, `ks`, `error_ratio`, `reason`.
    ks, error_ratio : float
        The limits.
    tokens : Tokens
        Colours.

    Returns
    -------
    bokeh.plotting.figure
        Named `drift`.
    """
    plot = figure(
        name="drift",
        height=170,
        sizing_mode="stretch_both",
        x_range=Range1d(-0.02, 1.15),
        y_range=Range1d(0.5, 10),
        y_axis_type="log",
        tools="",
        toolbar_location=None,
        min_border_left=48,
    )
    apply_tokens(plot, tokens)
    data = _data(drift)
    sources = {name: ColumnDataSource(columns, name=name) for name, columns in data.items()}
    colours = {"steady": tokens.telemetry, "drifted": tokens.level("high")}
    markers = {"steady": "circle", "drifted": "triangle"}
    for name, colour in colours.items():
        points = plot.scatter(
            "ks",
            "error_ratio",
            source=sources[name],
            marker=markers[name],
            size=7,
            color=colour,
            alpha=0.8,
            name=name,
        )
        tooltips = [
            ("channel", "@channel"),
            ("model", "@model"),
            ("change in the data", "@ks{0.00}"),
            ("error, times training's", "@error_ratio{0.0}"),
        ]
        plot.add_tools(HoverTool(renderers=[points], tooltips=tooltips))
    plot.text(
        "ks",
        "error_ratio",
        text="channel",
        source=sources["named"],
        x_offset=6,
        text_baseline="middle",
        text_font=value(FONT),
        text_font_size="11px",
        text_color=tokens.text,
        name="named",
    )
    for location, dimension in ((ks, "height"), (error_ratio, "width")):
        plot.add_layout(Span(location=location, dimension=dimension, line_color=tokens.muted, line_dash="dashed"))
    plot.xaxis.axis_label = f"change in the data, KS distance (limit {ks:g})"
    plot.yaxis.axis_label = f"error ratio (limit {error_ratio:g})"
    plot.y_range.update(**_range(drift, error_ratio))
    return plot


def update_drift_figure(plot: figure, drift: pd.DataFrame, error_ratio: float) -> None:
    """Show other channels in a figure made by `drift_figure`, by the same limits."""
    set_sources(plot, _data(drift))
    plot.y_range.update(**_range(drift, error_ratio))


def _data(drift: pd.DataFrame) -> dict[str, dict[str, list[Any]]]:
    measured = drift[np.isfinite(drift["error_ratio"].astype(float)) & (drift["error_ratio"].astype(float) > 0)]
    columns = ["channel", "model", "ks", "error_ratio"]
    drifted = measured[measured["status"] == "retrain"]
    named = drifted.sort_values("error_ratio", ascending=False).head(_MAX_NAMED_POINTS)
    parts = {"steady": measured[measured["status"] != "retrain"], "drifted": drifted, "named": named}
    return {name: {column: part[column].tolist() for column in columns} for name, part in parts.items()}


def _range(drift: pd.DataFrame, error_ratio: float) -> dict[str, float]:
    ratios = drift["error_ratio"].astype(float)
    ratios = ratios[np.isfinite(ratios) & (ratios > 0)]
    least, most = (float(ratios.min()), float(ratios.max())) if len(ratios) else (1.0, 1.0)
    return {"start": min(least, 0.8) * 0.8, "end": max(most, error_ratio) * 1.6}
