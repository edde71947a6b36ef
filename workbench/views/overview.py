"""The first page: the state of the fleet, its channels worst first, and the selected channel's evidence."""

from typing import Any, ClassVar

import ipywidgets as widgets
import pandas as pd
import xarray as xr
from bokeh.layouts import column
from bokeh.plotting import figure

from workbench.exceptions import ViewError
from workbench.plots import (
    channel_figure,
    commands_figure,
    errors_figure,
    update_channel_figure,
    update_commands_figure,
    update_errors_figure,
)
from workbench.plots.series import is_dated
from workbench.views.base import View, callback
from workbench.views.boxes import box
from workbench.views.chart import Chart
from workbench.views.markup import COLUMNS, anomaly_table, channel_title, fleet_head, row_symbols, row_text
from workbench.views.state import Selected

__all__ = ["Overview"]


class Overview(View):
    """The scored fleet on one screen.

    Parameters
    ----------
    session : ViewSession
        Where all values come from.
    theme : str
        `light` or `dark`.

    Attributes
    ----------
    fleet : pandas.DataFrame
        `session.overview()`, worst first.
    channel : str or None
        The selected channel.
    """

    name: ClassVar[str] = "overview"
    title: ClassVar[str] = "Overview"

    def build(self) -> list[widgets.Widget]:
        """Make the widgets, empty."""
        self.fleet = pd.DataFrame()
        self._dated: bool | None = None
        self._figures: dict[str, figure] = {}
        self._rows_style = widgets.HTML(layout=widgets.Layout(display="none"))
        self._columns = widgets.HTML(COLUMNS)
        self._columns.add_class("wb-columns")
        self._list = widgets.RadioButtons(options=[], layout=widgets.Layout(width="100%"))
        self._list.add_class("wb-rows")
        self._list.observe(self.on_select, "value")
        self._title = widgets.HTML()
        self._title.add_class("wb-title")
        self._charts = widgets.Box()
        self._charts.add_class("wb-charts")
        self._anomalies = widgets.HTML()
        self._anomalies.add_class("wb-anomaly-table")
        listing = box("wb-list", self._rows_style, self._columns, self._list)
        detail = box("wb-detail", self._title, self._charts, self._anomalies)
        for panel in (listing, detail):
            panel.add_class("wb-panel")
        return [box("wb-body", listing, detail)]

    @property
    def channel(self) -> str | None:
        """Name of the selected channel; None where there is none."""
        name: str | None = self._list.value
        return name

    def select(self, channel: str) -> None:
        """Show a channel, as a click on its row does.

        Parameters
        ----------
        channel : str
            One of `fleet`.
        """
        self._list.value = channel

    def refresh(self) -> None:
        """Read the session again; the selection stays where it can."""
        selected = self.channel
        self.fleet = _worst_first(self.session.overview())
        names = self.fleet["channel"].tolist()
        self.head.value = fleet_head(self.title, self.fleet)
        self._rows_style.value = row_symbols(self.fleet)
        self._list.unobserve(self.on_select, "value")
        self._list.options = [(row_text(row), row["channel"]) for row in self.fleet.to_dict(orient="records")]
        self._list.value = selected if selected in names else next(iter(names), None)
        self._list.observe(self.on_select, "value")
        self._show()

    def recolour(self) -> None:
        """Draw the charts again in the tokens' colours."""
        self._dated = None
        self._show()

    @callback
    def on_select(self, change: dict[str, Any]) -> None:
        """Show the chosen channel, here and elsewhere."""
        del change
        self._show()
        if self.channel is not None:
            asset = self.fleet.loc[self.fleet["channel"] == self.channel, "asset"].iloc[0]
            self.choose(Selected(str(asset), self.channel))

    def show_selection(self, now: Selected) -> None:
        """Show the channel that was chosen elsewhere."""
        if now.channel and now.channel != self.channel:
            if now.channel not in set(self.fleet["channel"]):
                raise ViewError(f"There is no channel {now.channel!r}.", "Choose one of the list.")
            self.select(now.channel)

    def shown_table(self) -> pd.DataFrame:
        """Give the fleet, worst first."""
        return self.fleet

    def charts(self) -> dict[str, Chart]:
        """Give the charts of the channel."""
        return {"Charts": self._charts.children[0]} if self._charts.children else {}

    def code_lines(self) -> list[str]:
        """Give what the list shows."""
        return ["session.overview()"]

    def _show(self) -> None:
        if self.channel is None:
            self._title.value = ""
            self._anomalies.value = ""
            self._charts.children = ()
            return
        row = next(row for row in self.fleet.to_dict(orient="records") if row["channel"] == self.channel)
        telemetry = self.session.channel(self.channel, "test").load()
        scored = self.session.stored(self.channel)
        anomalies = self.session.stored_anomalies(self.channel)
        if anomalies is not None:  # a stale score may be of a series that was longer
            anomalies = anomalies[anomalies["end"] < telemetry.sizes["time"]]
        self._title.value = channel_title(self.channel, row, telemetry)
        self._anomalies.value = anomaly_table(anomalies, telemetry, self.channel)
        self._draw(telemetry, scored, anomalies)

    def _draw(self, telemetry: xr.Dataset, scored: xr.Dataset | None, anomalies: pd.DataFrame | None) -> None:
        if self._dated == is_dated(telemetry):
            update_channel_figure(self._figures["channel"], telemetry, scored, anomalies)
            update_commands_figure(self._figures["commands"], telemetry)
            update_errors_figure(self._figures["errors"], telemetry, scored, anomalies)
            return
        self._dated = is_dated(telemetry)
        main = channel_figure(telemetry, scored, anomalies, tokens=self.tokens)
        main.sizing_mode = "stretch_both"
        main.xaxis.visible = False  # the errors below carry the axis of all three
        shared = {"tokens": self.tokens, "x_range": main.x_range}
        self._figures = {
            "channel": main,
            "commands": commands_figure(telemetry, **shared),
            "errors": errors_figure(telemetry, scored, anomalies, **shared),
        }
        before = self._charts.children
        self._charts.children = [Chart(column(*self._figures.values(), sizing_mode="stretch_both"))]
        for widget in before:
            widget.close()


def _worst_first(overview: pd.DataFrame) -> pd.DataFrame:
    rank = overview["severity"].where(overview["state"] != "missing", float("-inf")).fillna(-1.0)
    return overview.assign(rank=rank).sort_values("rank", ascending=False, kind="stable").drop(columns="rank")
