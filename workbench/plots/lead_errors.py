"""Figure of forecasters: errors or coverage over the lead time."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr
from bokeh.core.properties import value
from bokeh.models import ColumnDataSource, HoverTool, NumeralTickFormatter, Range1d, Span
from bokeh.plotting import figure
from bokeh.transform import factor_cmap

from workbench.plots.series import bounds, name_room, set_sources
from workbench.plots.theme import FONT, LIGHT, Tokens, apply_tokens

__all__ = ["lead_figure", "update_lead_figure"]

_RIGHT_MARGIN_SHARE = 0.5
"""Room for the names, as a share of the lead times."""
_MIN_TARGET_MARGIN = 0.1
"""Margin on either side of a target, in the units of the figure."""


def lead_figure(
    by_lead: xr.Dataset, measure: str, chosen: str, *, words: str, target: float | None = None, tokens: Tokens = LIGHT
) -> figure:
    """Draw a figure of each forecaster over the lead time, each line named at its end.

    Parameters
    ----------
    by_lead : xarray.Dataset
        Dims (forecaster, lead).
    measure : str
        One of its variables.
    chosen : str
        Forecaster that is drawn in the accent.
    words : str
        What the figure is, with its unit.
    target : float, optional
        Where a dashed line is drawn.
    tokens : Tokens
        Colours.

    Returns
    -------
    bokeh.plotting.figure
        Named as the measure.
    """
    plot = figure(
        name=measure,
        height=150,
        sizing_mode="stretch_both",
        x_range=Range1d(0, 1),
        y_range=Range1d(0, 1),
        tools="",
        toolbar_location=None,
        min_border_left=54,
        min_border_right=8,
        min_border_top=4,
        min_border_bottom=4,
    )
    apply_tokens(plot, tokens)
    data = _data(by_lead, measure, chosen, target)
    sources = {name: ColumnDataSource(columns, name=name) for name, columns in data.items()}
    colours = factor_cmap("chosen", [tokens.accent, tokens.telemetry], ["yes", "no"])
    lines = plot.multi_line(
        "xs", "ys", source=sources["lines"], line_color=colours, line_width="width", line_alpha="alpha", name="lines"
    )
    plot.text(
        "lead",
        "value",
        text="name",
        source=sources["ends"],
        x_offset=6,
        text_baseline="middle",
        text_font=value(FONT),
        text_font_size="11px",
        text_color=factor_cmap("chosen", [tokens.accent, tokens.text], ["yes", "no"]),
        background_fill_color=tokens.surface,  # where the line of the target goes through it
        name="ends",
    )
    if target is not None:
        plot.add_layout(
            Span(
                location=target,
                dimension="width",
                line_color=tokens.muted,
                line_dash="dashed",
                name="target",
                level="underlay",
            )
        )
    plot.title.text = words
    tooltips = [("forecaster", "@name"), ("samples ahead", "$x{0}"), (measure, "$y{0.000}")]
    plot.add_tools(HoverTool(renderers=[lines], tooltips=tooltips))
    plot.xaxis.axis_label = "samples ahead"
    plot.yaxis.ticker.desired_num_ticks = 4
    if measure == "coverage":
        plot.yaxis.formatter = NumeralTickFormatter(format="0 %")
    _set_ranges(plot, data, target)
    return plot


def update_lead_figure(
    plot: figure, by_lead: xr.Dataset, measure: str, chosen: str, *, words: str, target: float | None = None
) -> None:
    """Show other forecasters in a figure made by `lead_figure`, with a target where that had one."""
    data = _data(by_lead, measure, chosen, target)
    set_sources(plot, data)
    for part in plot.select({"name": "target"}):
        part.location = target
    plot.title.text = words
    _set_ranges(plot, data, target)


def _data(by_lead: xr.Dataset, measure: str, chosen: str, target: float | None) -> dict[str, dict[str, list[Any]]]:
    names = sorted(by_lead["forecaster"].values.tolist(), key=lambda name: name == chosen)  # the chosen one on top
    values = {name: by_lead[measure].sel(forecaster=name).values for name in names}
    lead = by_lead["lead"].values
    low, high = _bounds(values.values(), target)
    ends = {name: line[np.isfinite(line)][-1:] for name, line in values.items()}
    placed: dict[str, float] = {}
    for name in sorted((name for name in names if ends[name].size), key=lambda name: float(ends[name][0])):
        floor = max(placed.values(), default=-np.inf) + 0.09 * (high - low)
        placed[name] = max(float(ends[name][0]), floor)
    pushed = np.mean([placed[name] - ends[name][0] for name in placed]) if placed else 0.0  # up, all in all
    placed = {name: float(at - pushed) for name, at in placed.items()}
    flags = {name: "yes" if name == chosen else "no" for name in names}
    return {
        "lines": {
            "xs": [lead] * len(names),
            "ys": [values[name] for name in names],
            "name": names,
            "chosen": [flags[name] for name in names],
            "width": [2.0 if name == chosen else 1.0 for name in names],
            "alpha": [1.0 if name == chosen else 0.5 for name in names],
        },
        "ends": {
            "lead": [float(lead[-1])] * len(placed),
            "value": list(placed.values()),
            "name": list(placed),
            "chosen": [flags[name] for name in placed],
        },
    }


def _set_ranges(plot: figure, data: dict[str, dict[str, list[Any]]], target: float | None) -> None:
    lines = data["lines"]
    low, high = _bounds([*lines["ys"], np.array(data["ends"]["value"])], target)
    room = 0.08 * (high - low)
    leads = lines["xs"][0]
    width = max(float(leads[-1] - leads[0]), 1.0)
    last = float(leads[-1])
    end = last + _RIGHT_MARGIN_SHARE * width
    plot.x_range.update(start=float(leads[0]) - 0.02 * width, end=end, tags=name_room(last, 76))
    plot.y_range.update(start=low - room if target is not None else 0, end=high + room)


def _bounds(lines: Iterable[npt.NDArray[Any]], target: float | None) -> tuple[float, float]:
    return bounds(
        *lines, np.array([0.0] if target is None else [target - _MIN_TARGET_MARGIN, target + _MIN_TARGET_MARGIN])
    )
