"""How far each channel's telemetry and scores lie behind, in the system view."""

import time
from typing import ClassVar

import ipywidgets as widgets
import pandas as pd

from workbench.live.standing import read_standing
from workbench.telemetry.lag import LagReader
from workbench.views.section import Host, Section
from workbench.views.state import Selected
from workbench.views.system.markup import feed_head, feed_markup, live_markup
from workbench.views.widgets.callbacks import callback
from workbench.views.widgets.filters import next_order
from workbench.views.widgets.grid import Grid
from workbench.views.widgets.timers import Later

__all__ = ["FeedPanel", "sort_feed"]

_READ_S = 0.05
"""Time spent reading before the page has its turn, seconds."""

_CHANNELS_AT_A_TIME = 4
_FIRST_ORDER = "-state"
_STATES = {"current": 0, "stale": 1, "missing": 2, "damaged": 3}


def sort_feed(table: pd.DataFrame, order: str) -> pd.DataFrame:
    """Return the feed in another order.

    Parameters
    ----------
    table : pandas.DataFrame
        Columns `LAG_COLUMNS`, and `state` and `reason` of the score, in the order of the archive.
    order : str
        Key of a column, after `-` where the largest comes first. `received` and `scored_at` are sorted by their age.

    Returns
    -------
    pandas.DataFrame
    """
    key = order.removeprefix("-")
    if key == "channel":  # the archive has A-2 before A-10
        return table if order == key else table.iloc[::-1]
    by = table["state"].map(_STATES) if key == "state" else table[key]
    if key in ("received", "scored_at"):  # the older, the larger
        by = -by.astype("int64").where(by.notna())
    return table.loc[by.sort_values(ascending=order == key, kind="stable").index]


class FeedPanel(Section[Host]):
    """The channels with the age of their samples and scores, read a few at a time.

    Attributes
    ----------
    head : ipywidgets.HTML
        Summary of the feed.
    live : ipywidgets.HTML
        The service of live telemetry and its feeds.
    grid : Grid
        Table of the channels.
    table : pandas.DataFrame
        Columns `LAG_COLUMNS`, and `state` and `reason` of the score.
    """

    name: ClassVar[str] = "Feed"
    css: ClassVar[str] = "wb-panel wb-feed"

    def build(self) -> list[widgets.Widget]:
        """Make the widgets, empty."""
        self._order = _FIRST_ORDER
        self._reader = LagReader(self.view.session.archive)
        self._fleet = pd.DataFrame({"channel": [], "asset": [], "state": [], "reason": []})
        self._unread: list[str] = []
        self._read = self._reader.read([], self.view.session.clock())
        self._later = Later(self.on_read, 0.01)
        self.table = self._read.assign(state="", reason="")
        self.head = widgets.HTML()
        self.live = widgets.HTML()
        self.grid = Grid("Feed", pick=self.on_pick, sort=self.on_sort, open=self.on_open)
        return [self.head, self.live, self.grid]

    def show(self, fleet: pd.DataFrame) -> None:
        """Start to read the channels.

        Parameters
        ----------
        fleet : pandas.DataFrame
            Table of `Session.overview`.
        """
        self._fleet = fleet
        self.look()
        self._unread = fleet["channel"].tolist()
        self._read = self._read.iloc[:0]
        self._later()

    def look(self) -> None:
        """Read how the service of live telemetry and its feeds are."""
        self.live.value = live_markup(read_standing(self.view.session.settings))

    def choose(self, channel: str) -> None:
        """Mark the channel that is selected.

        Parameters
        ----------
        channel : str
            Name of the channel; empty for none.
        """
        self.grid.chosen = channel

    def close(self) -> None:
        """Stop reading and take the section from the page."""
        self._later.cancel()
        super().close()

    @callback
    def on_read(self) -> None:
        """Read some channels, and go on a little later."""
        now, until = self.view.session.clock(), time.perf_counter() + _READ_S
        while self._unread and (time.perf_counter() < until or not self._later.deferred):
            names = self._unread[:_CHANNELS_AT_A_TIME]
            del self._unread[:_CHANNELS_AT_A_TIME]
            self._read = pd.concat([self._read, self._reader.read(names, now)], ignore_index=True)
        if self._unread:
            self.head.value = feed_head(self._read, len(self._fleet), now)
            self._later()
            return
        self.table = self._read.merge(self._fleet[["channel", "state", "reason"]], on="channel")
        self._show()

    @callback
    def on_pick(self, channel: str) -> None:
        """Select a channel in all views."""
        asset = self._fleet.loc[self._fleet["channel"] == channel, "asset"].iloc[0]
        self.view.choose(Selected(str(asset), channel))

    @callback
    def on_open(self, channel: str) -> None:
        """Open the telemetry of a channel in Monitoring."""
        self.on_pick(channel)
        self.view.go("monitoring")

    @callback
    def on_sort(self, key: str) -> None:
        """Sort by a column; the opposite way where it is sorted by it already."""
        self._order = next_order(self._order, key, largest_first=key != "channel")
        self._show()

    def _show(self) -> None:
        now, catalog = self.view.session.clock(), self.view.session.catalog
        self.head.value = feed_head(self.table, len(self._fleet), now)
        named = self.table.assign(asset=[catalog.asset(key).name for key in self.table["asset"]])
        self.grid.html = feed_markup(sort_feed(named, self._order), now, self._order)
