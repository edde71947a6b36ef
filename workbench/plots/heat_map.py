"""Many channels over time as rows of shades, so that a whole asset fits on one screen."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from bokeh.models import ColumnDataSource, HoverTool, LinearColorMapper, Range1d
from bokeh.plotting import figure

from workbench.plots.overlay import add_lane_marks, lane_marks, set_lane_names
from workbench.plots.series import set_sources
from workbench.plots.strip_data import Strip
from workbench.plots.strips import base_figure
from workbench.plots.theme import LIGHT, Tokens

__all__ = ["heat_map_figure", "shades", "update_heat_map"]

_N_BINS = 240
_N_SHADES = 64


def heat_map_figure(*, dated: bool, tokens: Tokens = LIGHT, x_range: Range1d) -> figure:
    """Make an empty figure with one row a channel, lightest at its least and darkest at its greatest value.

    Parameters
    ----------
    dated, tokens, x_range
        As for `workbench.plots.strips.base_figure`.

    Returns
    -------
    bokeh.plotting.figure
        Named `heat map`, to be filled by `update_heat_map`.
    """
    plot = base_figure("heat map", dated=dated, tokens=tokens, x_range=x_range, height=240)
    names = ("image", "x", "y", "dw", "dh")
    source = ColumnDataSource({name: [] for name in names}, name="shades")
    palette = _ramp(tokens.raised, tokens.muted)
    image = plot.image(
        "image",
        "x",
        "y",
        "dw",
        "dh",
        source=source,
        color_mapper=LinearColorMapper(palette=palette, low=0, high=1, nan_color=tokens.surface),
        name="shades",
    )
    plot.add_tools(HoverTool(renderers=[image], tooltips=[("share of the channel's range", "@image{0 %}")]))
    add_lane_marks(plot, tokens, alpha=0.0, width=2)
    plot.grid.visible = False
    return plot


def update_heat_map(
    plot: figure, strips: Sequence[Strip], start: float, end: float, until: float = float("inf")
) -> None:
    """Show a stretch of several channels in a figure made by `heat_map_figure`.

    Parameters
    ----------
    plot, strips, start, end, until
        As for `workbench.plots.overlay.update_lanes`.
    """
    margin = (end - start) / 2
    rows = [shades(strip, start - margin, end + margin, until) for strip in reversed(strips)]
    image = np.stack(rows) if rows else np.zeros((0, 2 * _N_BINS), dtype=np.float32)
    data = {"image": [image], "x": [start - margin], "y": [0], "dw": [end - start + 2 * margin], "dh": [len(strips)]}
    marks = lane_marks(strips, start, end, until)
    set_sources(plot, {"shades": data if rows else {name: [] for name in data}, "anomalies": marks})
    set_lane_names(plot, [strip.name for strip in strips])


def shades(
    strip: Strip, start: float, end: float, until: float = float("inf"), bins: int = 2 * _N_BINS
) -> npt.NDArray[np.float32]:
    """Return a channel's value in each of equally long bins of time, the one farthest from its median.

    Parameters
    ----------
    strip : Strip
        Channel, prepared for drawing.
    start, end, until : float
        In the units of the time axis.
    bins : int
        Number of bins.

    Returns
    -------
    numpy.ndarray, shape (bins,), float32
        Shares of the channel's range, 0 for its least and 1 for its greatest value; NaN where a bin has no value.
    """
    time, values = strip.telemetry.window(start, end, until, limit=12 * bins)
    low, high = strip.scale
    places = np.floor((time - start) * (bins / (end - start))).astype(int)
    drawable = np.isfinite(values) & (places >= 0) & (places < bins)
    bin_shades = np.full(bins, np.nan, dtype=np.float32)
    shares = ((values[drawable] - low) / (high - low)).astype(np.float32)
    middle = (strip.middle - low) / (high - low)
    order = np.argsort(np.abs(shares - middle), kind="stable")  # the farthest is written last and stays
    bin_shades[places[drawable][order]] = shares[order]
    if time.size:
        _fill(bin_shades, strip, start, end, until)
    return bin_shades


def _fill(bin_shades: npt.NDArray[np.float32], strip: Strip, start: float, end: float, until: float) -> None:
    """Fill a bin between two samples with the shade of the one before it, where no sample is missing there."""
    edges = start + np.arange(bin_shades.size) * ((end - start) / bin_shades.size)
    inside = (edges <= min(strip.extent[1], until)) & np.isnan(bin_shades)
    if inside.any():
        low, high = strip.scale
        bin_shades[inside] = (strip.telemetry.values_before(edges[inside]) - low) / (high - low)


def _ramp(first: str, last: str) -> list[str]:
    ends = [[int(colour[i : i + 2], 16) for i in (1, 3, 5)] for colour in (first, last)]
    mixed = np.linspace(ends[0], ends[1], _N_SHADES).round().astype(int)
    return [f"#{red:02x}{green:02x}{blue:02x}" for red, green, blue in mixed]
