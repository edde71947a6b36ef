"""An alert of a whole asset: the distances from normal operation, and the channels that contribute to them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any, ClassVar

import ipywidgets as widgets
import pandas as pd
import xarray as xr
from bokeh.models import HoverTool
from bokeh.plotting import figure

from workbench.detection.scoring import anomaly_frame
from workbench.exceptions import ArchiveError, ChannelNotFoundError, ViewError
from workbench.names import command_line, cut_in_the_middle
from workbench.plots import channel_figure, update_channel_figure
from workbench.plots.distances import distances_figure, update_distances_figure
from workbench.plots.part import part_of, sequences_within
from workbench.plots.series import is_dated, time_axis
from workbench.plots.theme import Tokens
from workbench.telemetry.moments import moment_at, ticks
from workbench.views.anomalies.detail import Shown
from workbench.views.anomalies.panel import Chosen, Panel
from workbench.views.markup import read_target, target
from workbench.views.state import Selected
from workbench.views.view_session import ViewSession
from workbench.views.widgets.boxes import classed
from workbench.views.widgets.callbacks import callback
from workbench.views.widgets.chart import LiveChart
from workbench.views.widgets.grid import Column, Grid, cell, table_markup
from workbench.views.widgets.kept_charts import KeptCharts

__all__ = ["AssetCharts", "Contributions", "ShownAsset", "contributing_series", "shares_markup"]

_NAME = "Asset"
_MAX_CHARTS = 3
_MAX_SHARES = 5
_MAX_AXIS_LETTERS = 9  # of the label of a chart that is 70 pixels high


@dataclass(frozen=True)
class ShownAsset:
    """The stored score of an asset.

    Attributes
    ----------
    scored : xarray.Dataset
        Distances over the asset's time base, as `Assets.stored` returns them.
    anomalies : pandas.DataFrame
        Its anomalies.
    explained : sequence of mapping
        What is known of each: words, distance, bound and contributions.
    """

    scored: xr.Dataset
    anomalies: pd.DataFrame
    explained: Sequence[Mapping[str, Any]]

    @classmethod
    def of(cls, session: ViewSession, asset: str) -> "ShownAsset":
        """Read the stored score of an asset.

        Raises
        ------
        ViewError
            It is not scored.
        """
        scored = session.assets.stored(asset)
        if scored is None:
            name, run = session.catalog.asset(asset).name, command_line("workbench score", asset)
            raise ViewError(f"{name} is not scored as a whole.", f"Run: {run}")
        anomalies = anomaly_frame(scored.attrs, session.settings.severity)
        return cls(scored, anomalies, json.loads(scored.attrs["explained"]))

    @property
    def shown(self) -> Shown:
        """The asset in the place of a channel, for what only asks for the time base."""
        return Shown(self.scored, None, self.anomalies, None)

    def explanation(self, span: tuple[int, int] | None) -> Mapping[str, Any] | None:
        """Return what is known of the anomaly that has most samples in a span; None where none has any."""
        if span is None:
            return None
        overlaps = [min(one["end"], span[1]) - max(one["start"], span[0]) for one in self.explained]
        best = max(range(len(overlaps)), key=overlaps.__getitem__, default=None)
        return None if best is None or overlaps[best] < 0 else self.explained[best]


class AssetCharts:
    """The distances of an asset, and below them the channels that contribute most, over one time axis.

    Parameters
    ----------
    tokens : Tokens
        Colours of the theme.

    Attributes
    ----------
    widget : ipywidgets.Box
        The box that the charts are in.
    """

    def __init__(self, tokens: Tokens) -> None:
        self._charts = KeptCharts([_NAME], tokens, "wb-charts")
        self.widget = self._charts.boxes[_NAME]

    def charts(self) -> dict[str, LiveChart]:
        """Return the chart that is shown, by its name."""
        return self._charts.shown()

    def show(self, shown: ShownAsset, span: tuple[int, int] | None, channels: Mapping[str, xr.Dataset]) -> None:
        """Show a part of an asset's score, and of some channels.

        Parameters
        ----------
        shown : ShownAsset
            The score.
        span : tuple of (int, int) or None
            First and last sample to show; the whole series where None.
        channels : mapping of str to xarray.Dataset
            Test splits of the channels.
        """
        first, last = span or (0, shown.scored.sizes["time"] - 1)
        scored, anomalies = part_of(shown.scored, first, last), sequences_within(shown.anomalies, first, last)
        parts = {name: _between(one, scored) for name, one in channels.items()}
        parts = {name: one for name, one in parts.items() if one.sizes["time"]}

        def update(figures: Any) -> None:
            update_distances_figure(figures["distances"], scored, anomalies)
            for place, (name, one) in enumerate(parts.items()):
                update_channel_figure(figures[f"channel {place}"], one)
                _name_axis(figures[f"channel {place}"], name)
            figures["distances"].x_range.update(**time_axis(scored))

        self._charts.show(
            _NAME, lambda: self._make(scored, anomalies, parts), update, kind=(is_dated(scored), len(parts))
        )

    def recolour(self, tokens: Tokens) -> None:
        """Remove the charts; they are made in other colours when an asset is shown again."""
        self._charts.recolour(tokens)

    def clear(self) -> None:
        """Remove the charts from the page."""
        self._charts.clear()

    def _make(
        self, scored: xr.Dataset, anomalies: pd.DataFrame | None, parts: Mapping[str, xr.Dataset]
    ) -> dict[str, figure]:
        tokens = self._charts.tokens
        main = distances_figure(scored, anomalies, tokens=tokens)
        main.sizing_mode = "stretch_both"
        figures = {"distances": main}
        for place, (name, one) in enumerate(parts.items()):
            drawn = channel_figure(one, tokens=tokens, height=70, x_range=main.x_range)
            drawn.sizing_mode = "stretch_both"
            drawn.yaxis.ticker.desired_num_ticks = 3
            _name_axis(drawn, name)
            figures[f"channel {place}"] = drawn
        for drawn in [*figures.values()][:-1]:
            drawn.xaxis.visible = False  # the last chart carries the axis of all
        for drawn in figures.values():
            drawn.toolbar_location = None
        return figures


class Contributions(Panel):
    """The channels that contribute to the anomaly of an asset, with their shares.

    Attributes
    ----------
    grid : Grid
        The channels; a click shows one.
    """

    name: ClassVar[str] = "Channels"
    css: ClassVar[str] = "wb-tabbed wb-tab-contributions"
    tip: ClassVar[str] = "Which channels contribute to the anomaly of the asset, and how much"
    kinds: ClassVar[frozenset[str]] = frozenset({"asset"})

    def build(self) -> list[widgets.Widget]:
        """Make the widgets, empty; called once."""
        self.words = classed(widgets.HTML(), "wb-words")
        self.grid = Grid("Channels that contribute", pick=self.on_pick)
        return [self.words, self.grid]

    def show(self, chosen: Chosen) -> None:
        """Show the channels of the anomaly.

        Parameters
        ----------
        chosen : Chosen
            The alert and its asset.
        """
        self.chosen = chosen
        found = ShownAsset.of(self.view.session, chosen.channel).explanation(chosen.sequence)
        if found is None:
            self.words.value = "<p class='wb-muted'>The present score of the asset does not hold this anomaly.</p>"
            self.grid.html = ""
            return
        self.words.value = "<p class='wb-muted'>Share of each channel in the anomaly. Choose one to see it.</p>"
        rows = [
            (target(chosen.channel, channel), [cell(channel), _bar(share), f"{100 * share:.0f} %"])
            for channel, share in found["contributions"]
        ]
        columns = (Column("", "channel"), Column("", "share"), Column("", "", number=True))
        self.grid.html = table_markup(columns, rows)

    @callback
    def on_pick(self, text: str) -> None:
        """Show a channel around the anomaly."""
        picked = read_target(text)[1]
        if self.chosen is not None and self.chosen.sequence is not None:
            start, end = self.chosen.sequence
            begin = moment_at(self.chosen.shown.channel["time"].values, start)
            self.view.look(Selected(picked.asset, picked.channel, begin), end - start + 1)


def shares_markup(contributions: Sequence[Sequence[Any]]) -> str:
    """Write the channels that contribute most to an anomaly, with bars for their shares.

    Parameters
    ----------
    contributions : sequence of (str, float)
        Channels and their shares, largest first.
    """
    rows = "".join(
        f"<li><span>{escape(str(channel))}</span>{_bar(float(share))}<span>{100 * float(share):.0f} %</span></li>"
        for channel, share in contributions[:_MAX_SHARES]
    )
    return f"<ul class='wb-shares'>{rows}</ul>"


def contributing_series(session: ViewSession, found: Mapping[str, Any] | None) -> dict[str, xr.Dataset]:
    """Return the test splits of the three channels that contribute most; those that cannot be read are left out."""
    series = {}
    for channel, _ in [] if found is None else found["contributions"][:_MAX_CHARTS]:
        try:
            series[str(channel)] = session.channel(channel, "test")
        except (ArchiveError, ChannelNotFoundError):
            continue
    return series


def _bar(share: float) -> str:
    return f"<span class='wb-share' aria-hidden='true'><i style='width:{100 * min(share, 1.0):.0f}%'></i></span>"


def _between(channel: xr.Dataset, scored: xr.Dataset) -> xr.Dataset:
    """Return the part of a channel within the times of a part of a score."""
    moments, ends = ticks(channel["time"].values), ticks(scored["time"].values[[0, -1]])
    first, last = moments.searchsorted(ends[0]), moments.searchsorted(ends[1], side="right") - 1
    return part_of(channel, int(first), int(last)).load()


def _name_axis(plot: figure, name: str) -> None:
    """Write the name of a channel beside its chart, cut in the middle where it is long, and whole on hover."""
    units = plot.yaxis[0].axis_label
    full = f"{name}, {units}" if units else name
    fits = len(full) <= _MAX_AXIS_LETTERS  # where the units do not fit, the hover has them
    plot.yaxis.axis_label = full if fits else cut_in_the_middle(name, _MAX_AXIS_LETTERS)
    for tool in plot.select({"type": HoverTool}):
        tool.tooltips = [("channel", name), *(pair for pair in tool.tooltips if pair[0] != "channel")]
