"""Similar: segments of the asset's channels that have the shape of the anomaly."""

from html import escape
from typing import Any, ClassVar

import ipywidgets as widgets
import numpy as np
import pandas as pd

from workbench.detection.similar import similar_segments
from workbench.exceptions import ArchiveError
from workbench.telemetry.moments import moment_at
from workbench.views.anomalies.panel import Chosen, Panel
from workbench.views.markup import alert_subject, read_target, sparkline, target
from workbench.views.state import Selected
from workbench.views.widgets.boxes import box, button, classed
from workbench.views.widgets.callbacks import callback
from workbench.views.widgets.grid import Column, Grid, cell, table_markup

__all__ = ["Similar"]

_MAX_SAMPLES = 2000  # of the anomaly that are compared


class Similar(Panel):
    """The nearest segments by the distance of the matrix profile; the search starts when its button is pressed.

    Attributes
    ----------
    table : pandas.DataFrame
        The segments, as `similar_segments` returns them.
    """

    name: ClassVar[str] = "Similar"
    css: ClassVar[str] = "wb-tabbed wb-tab-similar"
    tip: ClassVar[str] = "Segments of this asset's channels that look like the anomaly"

    def build(self) -> list[widgets.Widget]:
        """Make the widgets, empty; called once."""
        self.table = pd.DataFrame()
        self._of: tuple[Any, ...] | None = None
        self.find = button("Find similar segments", "Search all channels of the asset", self.on_find)
        self.words = classed(widgets.HTML(), "wb-words")
        self.grid = Grid("Similar segments", pick=self.on_pick)
        return [box("wb-bar", self.find, self.words), self.grid]

    def show(self, chosen: Chosen) -> None:
        """Prepare the search for an alert; segments that were found for another one are removed.

        Parameters
        ----------
        chosen : Chosen
            The alert and its channel.
        """
        self.chosen = chosen
        if self._of != chosen.place:
            self._of = None
            self.table = pd.DataFrame()
            self.grid.html = ""
            span = chosen.sequence
            words = (
                chosen.absence
                if span is None
                else f"{alert_subject(chosen.row, self.view.session.catalog)}, samples {span[0]:,} to {span[1]:,}"
            )
            self.words.value = f"<p class='wb-muted'>{escape(words)}</p>"
            self.find.disabled = span is None

    @callback
    def on_find(self, pressed: widgets.Button) -> None:
        """Find similar segments; the first time takes some seconds more, while the search is compiled."""
        del pressed
        if self.chosen is None or self.chosen.sequence is None:
            return
        session, chosen = self.view.session, self.chosen
        start, end = self.chosen.sequence
        end = min(end, start + _MAX_SAMPLES - 1)
        fleet = session.overview()
        names = fleet[fleet["asset"] == chosen.row["asset"]]["channel"].tolist()
        with self.view.busy("Finding similar segments", len(names)) as done:
            series, times = {}, {}
            damaged: list[str] = []
            for place, name in enumerate(names, 1):
                try:
                    data = session.channel(name, "test")
                    series[name], times[name] = data["telemetry"].values, data["time"].values
                except ArchiveError:
                    damaged.append(name)
                done(place)
            self.table = similar_segments(chosen.channel, start, end, series.items())
        self._of = chosen.place
        rows = []
        for item in self.table.to_dict(orient="records"):
            part = np.asarray(series[item["channel"]])[item["start"] : item["end"] + 1]
            rows.append(
                (
                    target(chosen.row["asset"], item["channel"], moment_at(times[item["channel"]], item["start"])),
                    [
                        cell(item["channel"]),
                        f"{item['start']:,} to {item['end']:,}",
                        f"{item['distance']:.2f}",
                        f"{item['correlation']:+.2f}",
                        sparkline(part, []),
                    ],
                )
            )
        heads = (("channel", False), ("samples", True), ("distance", True), ("correlation", True), ("shape", False))
        out = f"; {', '.join(damaged)} cannot be read" if damaged else ""
        own = np.asarray(series[chosen.channel])[start : end + 1]
        if any(np.isnan(values).any() for values in series.values()):
            out += "; missing values are interpolated"
        self.words.value = f"<p class='wb-line'>{sparkline(own, [])}<span>{len(rows)} found{out}</span></p>"
        self.grid.html = table_markup([Column("", head, number=number) for head, number in heads], rows)

    @callback
    def on_pick(self, text: str) -> None:
        """Show a segment in the charts."""
        chosen = read_target(text)[1]
        if self.chosen is not None and self.chosen.sequence is not None and chosen.anomaly is not None:
            start, end = self.chosen.sequence
            self.view.look(Selected(chosen.asset, chosen.channel, chosen.anomaly), end - start + 1)
