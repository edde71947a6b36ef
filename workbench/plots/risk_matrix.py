"""Assets by how likely they are to fail and how much depends on them."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
from bokeh.core.properties import value
from bokeh.models import ColumnDataSource, FixedTicker, HoverTool, Range1d
from bokeh.plotting import figure

from workbench.plots.series import set_sources
from workbench.plots.theme import FONT, LIGHT, SEVERITIES, Tokens, apply_tokens

__all__ = ["risk_matrix_figure", "update_risk_matrix"]

_ALPHA = {"critical": 0.45, "high": 0.3, "medium": 0.18, "low": 0.08}
_EMPTY_CELL_ALPHA_SHARE = 0.35  # of that, where no asset stands
_MAX_LETTERS = 14  # characters of a name


def risk_matrix_figure(cells: pd.DataFrame, risks: pd.DataFrame, *, tokens: Tokens = LIGHT) -> figure:
    """Draw the matrix: each cell in the colour, symbol and number of its risk, and the assets in theirs.

    Parameters
    ----------
    cells : pandas.DataFrame
        likelihood, word, criticality, risk, level: all 25.
    risks : pandas.DataFrame
        asset, likelihood, criticality, risk; where one is missing the asset is not drawn.
    tokens : Tokens
        Colours.

    Returns
    -------
    bokeh.plotting.figure
        Named `risk matrix`.
    """
    plot = figure(
        name="risk matrix",
        height=220,
        sizing_mode="stretch_both",
        x_range=Range1d(0.5, 5.5),
        y_range=Range1d(0.5, 5.5),
        tools="",
        toolbar_location=None,
        min_border_left=40,
        min_border_right=8,
        min_border_top=4,
        min_border_bottom=4,
    )
    apply_tokens(plot, tokens)
    labelled_cells = cells.assign(
        colour=[tokens.level(level) for level in cells["level"]],
        alpha=_alphas(cells, risks),
        sign=[f"{SEVERITIES[level].symbol} {risk}" for level, risk in zip(cells["level"], cells["risk"], strict=True)],
    )
    source = ColumnDataSource(labelled_cells.to_dict(orient="list"), name="cells")
    squares = plot.rect(
        "likelihood",
        "criticality",
        width=0.98,
        height=0.98,
        source=source,
        fill_color="colour",
        fill_alpha="alpha",
        line_color=tokens.border,
        name="cells",
    )
    small: dict[str, Any] = {"text_font": value(FONT), "text_font_size": "11px"}
    plot.text(
        "likelihood",
        "criticality",
        text="sign",
        source=source,
        x_offset=-4,
        text_align="center",
        y_offset=-4,
        anchor="bottom_center",
        text_color=tokens.muted,
        name="signs",
        **small,
    )
    plot.text(
        "likelihood",
        "criticality",
        text="names",
        source=ColumnDataSource(_names(risks), name="assets"),
        text_align="center",
        y_offset=2,
        anchor="top_center",
        text_color=tokens.text,
        text_font_style="bold",
        name="assets",
        **small,
    )
    tooltips = [("likelihood", "@word"), ("criticality", "@criticality"), ("risk", "@risk, @level")]
    plot.add_tools(HoverTool(renderers=[squares], tooltips=tooltips))
    plot.grid.visible = False
    words = cells.drop_duplicates("likelihood").set_index("likelihood")["word"].to_dict()
    for axis in (plot.xaxis, plot.yaxis):
        axis.ticker = FixedTicker(ticks=[1, 2, 3, 4, 5])
        axis.major_tick_line_color = None
    plot.xaxis.major_label_overrides = words
    plot.xaxis.axis_label = "likelihood"
    plot.yaxis.axis_label = "criticality"
    return plot


def update_risk_matrix(plot: figure, risks: pd.DataFrame) -> None:
    """Show other assets in a figure made by `risk_matrix_figure`."""
    source = plot.select_one({"name": "cells", "type": ColumnDataSource})
    source.data = dict(source.data) | {"alpha": _alphas(source.data, risks)}
    set_sources(plot, {"assets": _names(risks)})


def _alphas(cells: Mapping[Any, Any] | pd.DataFrame, risks: pd.DataFrame) -> list[float]:
    occupied = set(zip(risks["likelihood"], risks["criticality"], strict=True))
    places = zip(cells["likelihood"], cells["criticality"], strict=True)
    return [
        _ALPHA[level] * (1.0 if place in occupied else _EMPTY_CELL_ALPHA_SHARE)
        for level, place in zip(cells["level"], places, strict=True)
    ]


def _names(risks: pd.DataFrame) -> dict[str, list[Any]]:
    """Write the assets of a cell, the first two by name."""
    columns: dict[str, list[Any]] = {"likelihood": [], "criticality": [], "names": []}
    placed = risks[risks["risk"].notna()]
    for _, group in placed.groupby(["likelihood", "criticality"], sort=False):
        names = [name if len(name) <= _MAX_LETTERS else f"{name[: _MAX_LETTERS - 1]}…" for name in group["asset"]]
        more = [f"and {len(names) - 2} more"] if len(names) > 2 else []
        columns["likelihood"].append(group["likelihood"].tolist()[0])
        columns["criticality"].append(group["criticality"].tolist()[0])
        columns["names"].append("\n".join([*names[:2], *more]))
    return columns
