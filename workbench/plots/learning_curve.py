"""Figure of a training's loss by epoch."""

from typing import Any

import numpy as np
import pandas as pd
from bokeh.core.properties import value
from bokeh.models import ColumnDataSource, HoverTool, Range1d
from bokeh.plotting import figure

from workbench.plots.series import bounds, set_sources
from workbench.plots.theme import FONT, LIGHT, Tokens, apply_tokens

__all__ = ["learning_curve_figure", "update_learning_curve"]

_LINES = {"loss": "learned", "validation_loss": "held out"}
_NAME_WIDTH_SHARE = 0.28  # for the names, as a share of the epochs


def learning_curve_figure(curves: pd.DataFrame, *, words: str = "", tokens: Tokens = LIGHT) -> figure:
    """Draw the loss over the learned and over the held-out windows, epoch by epoch.

    Parameters
    ----------
    curves : pandas.DataFrame
        `epoch`, `loss`, `validation_loss`; no rows where nothing is known yet.
    words : str
        Title.
    tokens : Tokens
        Colours.

    Returns
    -------
    bokeh.plotting.figure
        Named `learning`.
    """
    plot = figure(
        name="learning",
        height=160,
        sizing_mode="stretch_both",
        x_range=Range1d(0, 1),
        y_range=Range1d(0, 1),
        tools="",
        toolbar_location=None,
        min_border_left=54,
    )
    apply_tokens(plot, tokens)
    sources = {name: ColumnDataSource(columns, name=name) for name, columns in _data(curves).items()}
    colours = {"loss": tokens.telemetry, "validation_loss": tokens.accent}
    for name, label in _LINES.items():
        style = {"source": sources[name], "color": colours[name]}
        line = plot.line("epoch", "value", line_width=1.5, name=name, **style)
        plot.scatter("epoch", "value", size=4, name=f"{name} points", **style)
        tooltips = [(label, "@value{0.00000}"), ("epoch", "@epoch")]
        plot.add_tools(HoverTool(renderers=[line], tooltips=tooltips, mode="vline"))
        plot.text(
            "epoch",
            "value",
            text="text",
            source=sources[f"{name} end"],
            x_offset=6,
            text_baseline="middle",
            text_font=value(FONT),
            text_font_size="11px",
            text_color=colours[name],
            name=f"{name} end",
        )
    plot.xaxis.axis_label = "epoch"
    plot.yaxis.axis_label = "mean squared error, scaled"
    plot.yaxis.ticker.desired_num_ticks = 4
    plot.xaxis.ticker.min_interval = 1
    plot.title.text = words
    _set_ranges(plot, curves)
    return plot


def update_learning_curve(plot: figure, curves: pd.DataFrame, *, words: str = "") -> None:
    """Show other curves in a figure made by `learning_curve_figure`."""
    set_sources(plot, _data(curves))
    plot.title.text = words
    _set_ranges(plot, curves)


def _data(curves: pd.DataFrame) -> dict[str, dict[str, list[Any]]]:
    epochs = [int(epoch) for epoch in curves["epoch"]]
    data: dict[str, dict[str, list[Any]]] = {}
    lasts = {name: float(curves[name].iloc[-1]) if epochs else np.nan for name in _LINES}
    low, high = bounds(*(curves[name].to_numpy(dtype=np.float64) for name in _LINES), np.zeros(1))
    apart = 0.1 * (high - low)
    middle = sum(lasts.values()) / 2
    near = abs(lasts["loss"] - lasts["validation_loss"]) < apart
    for name, label in _LINES.items():
        values = [float(one) for one in curves[name]]
        above = lasts[name] == max(lasts.values()) and (name == "loss" or lasts["loss"] != lasts["validation_loss"])
        place = middle + (apart / 2 if above else -apart / 2) if near else lasts[name]
        data[name] = {"epoch": epochs, "value": values}
        has_value = bool(epochs) and np.isfinite(lasts[name])
        data[f"{name} end"] = {
            "epoch": epochs[-1:] if has_value else [],
            "value": [float(place)] if has_value else [],
            "text": [f"{label} {lasts[name]:.3g}"] if has_value else [],
        }
    return data


def _set_ranges(plot: figure, curves: pd.DataFrame) -> None:
    _, high = bounds(*(curves[name].to_numpy(dtype=np.float64) for name in _LINES), np.zeros(1))
    last = float(curves["epoch"].max()) if len(curves) else 1.0
    plot.x_range.update(start=0.5, end=max(last, 4.0) * (1 + _NAME_WIDTH_SHARE) + 0.5)
    plot.y_range.update(start=0, end=high * 1.1)
