"""How far each channel's telemetry and scores lie behind, in the system view."""

import time
from typing import TYPE_CHECKING

import ipywidgets as widgets
import pandas as pd

from workbench.telemetry.lag import LagReader
from workbench.views.state import Selected
from workbench.views.system.markup import feed_head, feed_markup
from workbench.views.widgets.boxes import box
from workbench.views.widgets.callbacks import Failure, callback
from workbench.views.widgets.grid import Grid
from workbench.views.widgets.timers import Later

if TYPE_CHECKING:
    from workbench.views.base import View

__all__ = ["FeedPanel"]

_SECONDS = 0.05  # of reading at a time
_FIRST = "-state"
_STATES = {"current": 0, "stale": 1, "missing": 2, "damaged": 3}


class FeedPanel:
    """The channels with the age of their samples and scores, read a few at a time.

    Parameters
    ----------
    view : View

    Attributes
    ----------
    widget : ipywidgets.Box
    table : pandas.DataFrame
        Columns `LAG_COLUMNS`, and `state` and `reason` of the score.
    """

    def __init__(self, view: "View") -> None:
        self._view, self._order = view, _FIRST
        self._reader = LagReader(view.session.archive)
        self._fleet = pd.DataFrame({"channel": [], "asset": [], "state": [], "reason": []})
        self._todo: list[str] = []
        self._read = self._reader.read([], view.session.clock())
        self._later = Later(self.on_read, 0.01)
        self.table = self._read.assign(state="", reason="")
        self.head = widgets.HTML()
        self.grid = Grid("Feed", pick=self.on_pick, sort=self.on_sort, open=self.on_open)
        self.widget = box("wb-panel wb-feed", self.head, self.grid)

    @property
    def title(self) -> str:
        """The view's."""
        return self._view.title

    def fail(self, failure: Failure, source: str) -> None:
        """Have the view show the card."""
        self._view.fail(failure, source)

    def mend(self, source: str) -> None:
        """Have the view take the card away."""
        self._view.mend(source)

    def show(self, fleet: pd.DataFrame) -> None:
        """Begin to read the channels of `session.overview()`."""
        self._fleet, self._todo, self._read = fleet, fleet["channel"].tolist(), self._read.iloc[:0]
        self._later()

    def choose(self, channel: str) -> None:
        """Mark the channel that is chosen."""
        self.grid.chosen = channel

    def cancel(self) -> None:
        """Stop reading."""
        self._later.cancel()

    @callback
    def on_read(self) -> None:
        """Read some channels, and go on a little later."""
        now, until = self._view.session.clock(), time.perf_counter() + _SECONDS
        while self._todo and (time.perf_counter() < until or not self._later.deferred):
            some, self._todo = self._todo[:4], self._todo[4:]
            self._read = pd.concat([self._read, self._reader.read(some, now)], ignore_index=True)
        if self._todo:
            self.head.value = feed_head(self._read, len(self._fleet), now)
            self._later()
            return
        self.table = self._read.merge(self._fleet[["channel", "state", "reason"]], on="channel")
        self._show()

    @callback
    def on_pick(self, channel: str) -> None:
        """Choose a channel."""
        asset = self._fleet.loc[self._fleet["channel"] == channel, "asset"].iloc[0]
        self._view.choose(Selected(str(asset), channel))

    @callback
    def on_open(self, channel: str) -> None:
        """Go to its telemetry."""
        self.on_pick(channel)
        self._view.go("monitoring")

    @callback
    def on_sort(self, key: str) -> None:
        """Sort by a column; the other way round where it is sorted so."""
        first = key if key == "channel" else f"-{key}"
        other = f"-{key}" if key == "channel" else key
        self._order = other if self._order == first else first
        self._show()

    def _show(self) -> None:
        key, now = self._order.removeprefix("-"), self._view.session.clock()
        if key == "channel":  # as the archive has them, A-2 before A-10
            table = self.table if self._order == key else self.table.iloc[::-1]
        else:
            by = self.table["state"].map(_STATES) if key == "state" else self.table[key]
            if key in ("received", "scored_at"):  # by age
                by = -by.astype("int64").where(by.notna())
            table = self.table.loc[by.sort_values(ascending=self._order == key, kind="stable").index]
        self.head.value = feed_head(self.table, len(self._fleet), now)
        self.grid.html = feed_markup(table, now, self._order)
