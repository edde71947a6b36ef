"""Related: channels that moved with the anomaly, and alerts near it in time."""

from html import escape
from typing import Any, ClassVar

import ipywidgets as widgets
import numpy as np
import pandas as pd

from workbench.counts import counted
from workbench.detection.correlation import correlated_channels
from workbench.exceptions import ArchiveError
from workbench.maintenance.alerts.places import CLOCKS, span_of
from workbench.maintenance.alerts.table import state_words
from workbench.plots.series import is_dated
from workbench.plots.theme import severity
from workbench.telemetry.moments import moment_at
from workbench.views.anomalies.panel import Chosen, Panel
from workbench.views.markup import alert_subject, read_target, target
from workbench.views.state import Selected, anomaly_of
from workbench.views.widgets.boxes import box, classed
from workbench.views.widgets.callbacks import callback
from workbench.views.widgets.grid import Column, Grid, cell, table_markup
from workbench.views.widgets.timers import Later

__all__ = ["Related"]

_CONTEXT_SAMPLES = 200
_MAX_LAG = 100
_MAX_LISTED_CHANNELS = 10
_MAX_LISTED_ALERTS = 20


class Related(Panel):
    """Channels that correlate with the anomaly, with their lags, and alerts near it in time.

    Attributes
    ----------
    channels : pandas.DataFrame
        The channels, as `correlated_channels` returns them.
    alerts : pandas.DataFrame
        The alerts, as `Alerts.list` returns them, with `apart`: samples, or seconds where the channel is dated.
    """

    name: ClassVar[str] = "Related"
    css: ClassVar[str] = "wb-tabbed wb-tab-related"
    tip: ClassVar[str] = "Channels that moved with the anomaly, and alerts near it in time"

    def build(self) -> list[widgets.Widget]:
        """Make the widgets, empty; called once."""
        self.channels = pd.DataFrame()
        self.alerts = pd.DataFrame()
        self._later = Later(self.on_correlate, 0.05)
        self._of: tuple[Any, ...] | None = None
        self.moved = Grid("Correlated channels", pick=self.on_pick)
        self.near = Grid("Alerts near in time", pick=self.on_pick)
        self.words = classed(widgets.HTML(), "wb-words")
        return [self.words, box("wb-pair", self.moved, self.near)]

    def show(self, chosen: Chosen) -> None:
        """Show the alerts near an alert, and a little later the channels that correlate with it.

        Parameters
        ----------
        chosen : Chosen
            The alert and its channel.
        """
        self.chosen = chosen
        if self._of == chosen.place:
            return
        self._of = chosen.place
        self._near(chosen)
        if chosen.sequence is None:
            self.channels = pd.DataFrame()
            self.moved.html = ""
            self.words.value = f"<p class='wb-muted'>{escape(chosen.absence)}</p>"
            return
        self.moved.html = "<p class='wb-note wb-muted'>Comparing the channels…</p>"
        self._later()

    @callback
    def on_correlate(self) -> None:
        """Show which channels of the asset moved with the anomaly."""
        if self.chosen is None or self.chosen.sequence is None:
            return
        session, chosen = self.view.session, self.chosen
        start, end = self.chosen.sequence
        fleet = session.overview()
        names = fleet[fleet["asset"] == chosen.row["asset"]]["channel"].tolist()
        dated = is_dated(chosen.shown.channel)
        own_time = chosen.shown.channel["time"].values
        series = []
        damaged = []
        for name in names:
            try:
                data = session.channel(name, "test")
                if is_dated(data) == dated and (not dated or data["time"].values[0] == own_time[0]):
                    series.append((name, data["telemetry"].values))
            except ArchiveError:
                damaged.append(name)
        last = chosen.shown.channel.sizes["time"] - 1
        span = max(0, start - _CONTEXT_SAMPLES), min(last, end + _CONTEXT_SAMPLES)
        self.channels, left_out = correlated_channels(chosen.channel, *span, series, max_lag=_MAX_LAG)
        rows = [
            (
                target(chosen.row["asset"], item["channel"]),
                [cell(item["channel"]), f"{item['correlation']:+.2f}", f"{item['lag']:+d}"],
            )
            for item in self.channels.head(_MAX_LISTED_CHANNELS).to_dict(orient="records")
        ]
        columns = (
            Column("", "channel"),
            Column("", "correlation", number=True),
            Column("", "lag, samples", number=True),
        )
        self.moved.html = table_markup(columns, rows)
        by = "" if dated else " Compared by sample number, as these channels have no times."
        left_out_words = f"{counted(len(left_out), 'channel')} left out: constant there, too short, or half missing."
        out = f" {left_out_words}" if left_out else ""
        gappy = any(np.isnan(np.asarray(values)[span[0] : span[1] + 1]).any() for _, values in series)
        filled = " Missing values are interpolated." if gappy else ""
        out += f" {escape(', '.join(damaged))} cannot be read." if damaged else ""
        self.words.value = (
            f"<p class='wb-muted'>Samples {span[0]:,} to {span[1]:,}, lags up to {_MAX_LAG} samples. A channel with "
            f"a positive lag moves later than {escape(chosen.channel)}.{filled}{out}{by}</p>"
        )

    @callback
    def on_pick(self, text: str) -> None:
        """Show a channel in the charts, or choose an alert."""
        chosen = read_target(text)[1]
        if chosen.anomaly is not None:
            self.view.follow(chosen)
        elif self.chosen is not None and self.chosen.sequence is not None:
            start, end = self.chosen.sequence
            begin = moment_at(self.chosen.shown.channel["time"].values, start)
            self.view.look(Selected(chosen.asset, chosen.channel, begin), end - start + 1)

    def close(self) -> None:
        """Stop what is due, and remove the section from the page."""
        self._later.cancel()
        super().close()

    def _near(self, chosen: Chosen) -> None:
        table = self.view.session.maintenance.alerts.list(state="open", asset=chosen.row["asset"])
        clock = span_of(chosen.row)[0]
        dated = clock == "time"
        table = table[(table["id"] != chosen.row["id"]) & (table["clock"].map(CLOCKS) == clock)]
        apart = table["evidence_at"] - chosen.row["evidence_at"]
        table = table.assign(apart=apart / 1e9 if dated else apart)
        self.alerts = table.loc[table["apart"].abs().sort_values().index].head(_MAX_LISTED_ALERTS)
        rows, catalog = [], self.view.session.catalog
        for item in self.alerts.to_dict(orient="records"):
            level, chosen_with = severity(item["level"]), anomaly_of(item)
            symbol = f"<span class='{level.word}'><span class='wb-symbol'>{level.symbol}</span></span>"
            apart_words = f"{item['apart'] / 3600:+.1f} h" if dated else f"{int(item['apart']):+,}"
            rows.append(
                (
                    target(chosen_with.asset, chosen_with.channel, chosen_with.anomaly),
                    [
                        f"{symbol}{level.word}",
                        cell(alert_subject(item, catalog)),
                        apart_words,
                        cell(state_words(item["state"])),
                    ],
                )
            )
        columns = (
            Column("", "level"),
            Column("", "channel"),
            Column(
                "",
                "begins" if dated else "begins, samples",
                number=True,
                tip="After (+) or before (-) the chosen alert",
            ),
            Column("", "state"),
        )
        self.near.html = (
            table_markup(columns, rows)
            if rows
            else "<p class='wb-note wb-muted'>No other open alerts of this asset.</p>"
        )
