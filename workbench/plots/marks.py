"""Anomalies and labels on a figure over time: shaded and hatched spans, each anomaly with its symbol and word.

An anomaly that is provisional, which later samples may still change, is hatched inside a dashed outline, its symbol is
hollow, and its word says so.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr
from bokeh.core.properties import value
from bokeh.models import ColumnDataSource, HoverTool
from bokeh.plotting import figure
from bokeh.transform import factor_cmap, factor_mark

from workbench.plots.series import time_values
from workbench.plots.theme import FONT, SEVERITIES, Tokens

__all__ = [
    "MARK_COLUMNS",
    "MARK_STYLE",
    "mark_columns",
    "mark_data",
    "mark_glyphs",
    "span_glyphs",
    "span_style",
    "symbol_style",
    "text_background",
    "top_of_marks",
    "word_places",
    "word_sides",
]

MARK_STYLE = ("standing", "filled", "dash", "hatch", "outline")
"""Columns that tell a provisional anomaly from a final one."""

MARK_COLUMNS = (
    "left", "right", "middle", "first", "last", "top", "severity", "level", "why", "word", "align", "shift", *MARK_STYLE
)  # fmt: skip
"""Columns of `mark_data`."""

_WORD_OFFSET_PX = 8
"""Distance from the middle of a symbol to its word."""

_WORD_WIDTH_SHARE = 0.15
"""Share of the time axis that an anomaly's word takes."""

_LONG_WORD_SHARE = 0.28
"""That of a provisional one, whose word says so."""

_SYMBOL_WIDTH_SHARE = 0.015
"""Share of the time axis that an anomaly's symbol takes."""


def mark_data(dataset: xr.Dataset, sequences: pd.DataFrame | None, top: float = 0.0) -> dict[str, list[Any]]:
    """Turn sequences of samples into spans of time.

    Parameters
    ----------
    dataset : xarray.Dataset
        Split to which the samples belong; a part of it says by its attribute `first_sample` where it begins.
    sequences : pandas.DataFrame or None
        `start`, `end` (inclusive); for anomalies also `severity` and `level`, `words` where the envelope was judged,
        and `provisional` where later samples may still change them.
    top : float
        Height of the symbols, in data units.

    Returns
    -------
    dict
        `MARK_COLUMNS`: `left`, `right`, `middle` in time; `first`, `last` in samples; `top`, `severity`, `level`, and
        `why`, what the envelope found; `word` with its `align` and `shift`, see `word_sides`; `standing`, which says
        "provisional" or nothing, and how that is drawn. The symbol is never left out.
    """
    if sequences is None or sequences.empty:
        return {name: [] for name in MARK_COLUMNS}
    time, offset = time_values(dataset), int(dataset.attrs.get("first_sample", 0))
    first, last = sequences["start"].to_numpy(), sequences["end"].to_numpy()
    left, right = time[first - offset].astype(float), time[last - offset].astype(float)
    return mark_columns(sequences, left, right, (float(time[0]), float(time[-1])), top)


def mark_columns(
    sequences: pd.DataFrame,
    left: npt.NDArray[np.float64],
    right: npt.NDArray[np.float64],
    span: tuple[float, float],
    top: float = 0.0,
) -> dict[str, list[Any]]:
    """Turn sequences whose times are known into the columns of `mark_data`.

    Parameters
    ----------
    sequences : pandas.DataFrame
        As for `mark_data`.
    left, right : numpy.ndarray
        Time of the first and of the last sample of each.
    span : tuple of float
        Time of the first and of the last sample of the series.
    top : float
        Height of the symbols, in data units.

    Returns
    -------
    dict
    """
    if sequences.empty:
        return {name: [] for name in MARK_COLUMNS}
    first, last = sequences["start"].to_numpy(), sequences["end"].to_numpy()
    severity = sequences["severity"].to_numpy(dtype=float) if "severity" in sequences else np.zeros(len(sequences))
    level = sequences["level"].tolist() if "level" in sequences else [""] * len(sequences)
    words = sequences["words"].tolist() if "words" in sequences else [""] * len(sequences)
    open_ = sequences["provisional"].tolist() if "provisional" in sequences else [False] * len(sequences)
    middle = (left + right) / 2
    sides = word_sides(middle.tolist(), severity.tolist(), *span, open_)
    return {
        "left": left.tolist(),
        "right": right.tolist(),
        "middle": middle.tolist(),
        "first": first.tolist(),
        "last": last.tolist(),
        "top": [top] * len(sequences),
        "severity": severity.tolist(),
        "level": level,
        "why": [one or "forecast error above its threshold" for one in words],
        "word": [_word(level[i], severity[i], abs(side) == 2) if side else "" for i, side in enumerate(sides)],
        **word_places(sides),
        "standing": ["provisional" if one else "" for one in open_],
        "filled": ["" if one else level[i] for i, one in enumerate(open_)],
        "dash": ["dashed" if one else "solid" for one in open_],
        "hatch": ["\\" if one else " " for one in open_],
        "outline": [1.0 if one else 0.55 for one in open_],
    }


def top_of_marks(low: float, high: float) -> float:
    """Return where symbols and words of anomalies stand: above all lines, so that no word lies over a value.

    Parameters
    ----------
    low, high : float
        Least and greatest value of the lines, as from `bounds`.

    Examples
    --------
    >>> top_of_marks(0.0, 100.0)
    115.0
    """
    return high + 0.15 * (high - low)  # eleven pixels of 75


def text_background(tokens: Tokens) -> dict[str, Any]:
    """Return the background of a word that may come to lie over a line: it is told from what is drawn behind it."""
    return {"background_fill_color": tokens.surface, "background_fill_alpha": 0.8}


def word_sides(
    middle: Sequence[float], severity: Sequence[float], start: float, end: float, long: Sequence[bool] = ()
) -> list[int]:
    """Return on which side of its symbol each word stands, so that it lies over no other word, symbol or edge.

    Parameters
    ----------
    middle : sequence of float
        Time of the symbols.
    severity : sequence of float
        The word of the most severe is placed first.
    start, end : float
        Times at the edges of what is shown.
    long : sequence of bool, optional
        Which have a longer word too, that says provisional, and is written where it has room.

    Returns
    -------
    list of int
        1 for right, -1 for left, 2 and -2 where the longer word stands there, 0 where no word has room.

    Examples
    --------
    >>> word_sides([10, 50, 53, 97], [1, 2, 3, 4], 0, 100)
    [1, -1, 1, -1]
    >>> word_sides([48, 50, 52], [3, 2, 1], 0, 100)
    [-1, 0, 1]
    >>> word_sides([50, 90], [1, 2], 0, 100, long=[True, True])
    [-2, -2]
    """
    symbol = _SYMBOL_WIDTH_SHARE * (end - start)
    sides, taken = [0] * len(middle), [(place - symbol / 2, place + symbol / 2) for place in middle]
    for i in sorted(range(len(middle)), key=lambda i: -np.nan_to_num(severity[i])):
        others = taken[:i] + taken[i + 1 :]
        for side in (2, -2, 1, -1) if any(long[i : i + 1]) else (1, -1):
            sign, share = (1 if side > 0 else -1), (_LONG_WORD_SHARE if abs(side) == 2 else _WORD_WIDTH_SHARE)
            near, far = sorted((middle[i] + sign * symbol / 2, middle[i] + sign * share * (end - start)))
            is_free = all(far <= left or right <= near for left, right in others)
            if is_free and start <= near and far <= end:
                sides[i] = side
                taken.append((near, far))
                break
    return sides


def word_places(sides: Sequence[int]) -> dict[str, list[Any]]:
    """Return the columns `align` and `shift` of words that stand on some sides of their symbols."""
    return {
        "align": ["right" if side < 0 else "left" for side in sides],
        "shift": [_WORD_OFFSET_PX * ((side > 0) - (side < 0)) for side in sides],
    }


def _word(level: str, severity: float, provisional: bool) -> str:
    word = level if np.isnan(severity) else f"{level} {severity:.2f}"  # a limit has no score
    return f"{word}, provisional" if provisional else word


def span_style(tokens: Tokens, alpha: float = 0.16) -> dict[str, Any]:
    """Return how the spans of anomalies are drawn, for glyphs whose source has the columns of `mark_data`.

    Parameters
    ----------
    tokens : Tokens
        Colours.
    alpha : float
        Opacity of the shade.

    Returns
    -------
    dict of str to object
        Properties of a glyph.
    """
    colour = _by_level("level", tokens, filled=True)
    return {
        "fill_color": colour,
        "fill_alpha": alpha,
        "line_color": colour,
        "line_alpha": "outline",
        "line_dash": "dash",
        "hatch_pattern": "hatch",
        "hatch_color": colour,
        "hatch_alpha": 0.5,
        "hatch_weight": 1,
    }


def symbol_style(tokens: Tokens) -> dict[str, Any]:
    """Return how the symbols of anomalies are drawn, as `span_style` does for spans."""
    levels = list(SEVERITIES)
    return {
        "marker": factor_mark("level", [SEVERITIES[level].marker for level in levels], levels),
        "line_color": _by_level("level", tokens, filled=True),
        "line_width": 1.5,
        "fill_color": _by_level("filled", tokens, filled=False),
    }


def _by_level(column: str, tokens: Tokens, *, filled: bool) -> Any:
    """Return the colours of levels; those inside a symbol are hollow for `info`, and where no level is named."""
    levels = list(SEVERITIES)
    colours = [tokens.level(name) if filled or SEVERITIES[name].filled else tokens.surface for name in levels]
    return factor_cmap(column, colours, levels, nan_color=tokens.muted if filled else tokens.surface)


def span_glyphs(plot: figure, anomalies: ColumnDataSource, labels: ColumnDataSource, tokens: Tokens) -> None:
    """Draw the shades of anomalies, and the hatching of labels, of what `mark_data` placed.

    Parameters
    ----------
    plot : bokeh.plotting.figure
        Changed in place.
    anomalies, labels : bokeh.models.ColumnDataSource
        Columns of `mark_data`.
    tokens : Tokens
        Colours.
    """
    hatched = plot.vstrip(
        "left",
        "right",
        source=labels,
        fill_color=None,
        line_color=tokens.muted,
        line_alpha=0.35,
        hatch_pattern="/",
        hatch_color=tokens.muted,
        hatch_alpha=0.35,
        hatch_scale=8,
        hatch_weight=1,
        name="labels",
    )
    plot.vstrip("left", "right", source=anomalies, name="anomalies", **span_style(tokens))
    plot.add_tools(HoverTool(renderers=[hatched], tooltips=[("labelled anomaly", "@first{0,0} to @last{0,0}")]))


def mark_glyphs(plot: figure, anomalies: ColumnDataSource, labels: ColumnDataSource, tokens: Tokens) -> None:
    """Draw what `mark_data` placed: shades, symbols and their words, and the hatching of labels.

    Parameters
    ----------
    plot : bokeh.plotting.figure
        Changed in place.
    anomalies, labels : bokeh.models.ColumnDataSource
        Columns of `mark_data`.
    tokens : Tokens
        Colours.
    """
    span_glyphs(plot, anomalies, labels, tokens)
    symbols = plot.scatter("middle", "top", source=anomalies, size=10, name="symbols", **symbol_style(tokens))
    plot.text(
        "middle",
        "top",
        text="word",
        source=anomalies,
        x_offset="shift",
        text_align="align",
        text_baseline="middle",
        text_font=value(FONT),
        text_font_size="11px",
        text_color=tokens.text,
        name="words",
        **text_background(tokens),
    )
    plot.add_tools(
        HoverTool(
            renderers=[symbols],
            tooltips=[
                ("anomaly", "@level @severity{0.00} @standing"),
                ("samples", "@first{0,0} to @last{0,0}"),
                ("why", "@why"),
            ],
        ),
    )
