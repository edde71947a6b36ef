"""The list of alerts with its filters."""

from typing import TYPE_CHECKING, Any

import ipywidgets as widgets
import pandas as pd

from workbench.views.anomalies.table import Wanted, alerts_markup, options
from workbench.views.state import Selected
from workbench.views.view_session import ViewSession
from workbench.views.widgets.boxes import box, classed
from workbench.views.widgets.cards import empty_card
from workbench.views.widgets.grid import Grid

if TYPE_CHECKING:
    from workbench.views.anomalies.view import Anomalies

__all__ = ["PAGE", "AlertList"]

PAGE = 200
"""Alerts that are listed at first; scrolling to the end brings as many more."""

_FILTERS = ("level", "state", "place", "kind", "verdict")


class AlertList:
    """Widgets; what they do is the view's.

    Parameters
    ----------
    view : Anomalies
        Whose methods `on_filter`, `on_pick`, `on_sort`, `on_mark` and `on_more` they call.

    Attributes
    ----------
    bar : ipywidgets.Box
        Filters.
    grid : Grid
    wanted : Wanted
    alerts : pandas.DataFrame
        Those listed, of `Alerts.list`.
    total, limit : int
        How many there are, and how many are listed at most.
    orders : dict of int to str
        Active work order by alert.
    quiet : bool
        Whether the filters are being set, and not by the reader.
    """

    def __init__(self, view: "Anomalies") -> None:
        self.alerts = pd.DataFrame()
        self.wanted, self.limit, self.total = Wanted(), PAGE, 0
        self.orders: dict[int, str] = {}
        self.quiet = False
        self.filters = {name: widgets.Dropdown(options=options(name, [])) for name in _FILTERS}
        for name, made in self.filters.items():
            made.tooltip = "Asset" if name == "place" else name.capitalize()
            made.observe(view.on_filter, "value")
            classed(made, "wb-choice")
        self._rows: dict[int | None, dict[Any, Any]] = {}
        self.text = classed(widgets.Text(placeholder="channel or words", continuous_update=False), "wb-search")
        self.text.tooltip = "Part of the channel's name or of the message"
        self.text.observe(view.on_filter, "value")
        self.grid = Grid("Alerts", pick=view.on_pick, sort=view.on_sort, mark=view.on_mark, more=view.on_more)
        self.bar = box("wb-bar wb-filters", *self.filters.values(), self.text)

    def ask(self) -> None:
        """Take what the filters say."""
        values = {name: made.value for name, made in self.filters.items()}
        self.wanted = Wanted(**values, text=self.text.value.strip(), order=self.wanted.order)
        self.limit = PAGE

    def read(self, session: ViewSession) -> None:
        """Read what is wanted; marks stay on what is still listed."""
        desk, filters = session.maintenance, self.wanted.filters()
        found = desk.alerts.list(**filters, limit=self.limit + 1)
        self.alerts = found.iloc[: self.limit]
        self._rows.clear()
        self.total = len(found) if len(found) <= self.limit else len(desk.alerts.list(**filters))
        self.orders = desk.orders_of_alerts()
        listed = {str(number) for number in self.alerts["id"]}
        self.grid.marked = [name for name in self.grid.marked if name in listed]
        self.quiet = True
        assets = sorted(set(session.overview()["asset"]))
        for name, made in self.filters.items():
            choices = options(name, assets)
            if tuple(made.options) != tuple(choices):
                made.options = choices
            made.value = getattr(self.wanted, name)
        self.text.value = self.wanted.text
        self.quiet = False
        self.grid.html = alerts_markup(self.alerts, self.orders, self.total, self.wanted, session.clock())

    def nothing(self, session: ViewSession, open_alerts: int) -> str:
        """Say why the list is empty, and what to do."""
        if open_alerts or self.wanted != Wanted():
            return empty_card("No alert is like that.", "Take a filter away to see others.")
        if (session.overview()["state"] == "missing").all():
            return empty_card("No channel is scored yet.", "Train and score the fleet first:", "workbench run")
        return empty_card("No open alert.", "Scores that are not yet alerts become so by", "workbench score --all")

    def matching(self, now: Selected) -> int | None:
        """Find the alert of an anomaly, else the first of its channel, else the first of all."""
        if not len(self.alerts):
            return None
        rows = self.alerts[self.alerts["channel"] == now.channel] if now.channel else self.alerts
        exact = rows[rows["start_sample"] == now.anomaly] if now.anomaly is not None else rows
        chosen = exact if len(exact) else rows
        return int(chosen["id"].iloc[0]) if len(chosen) else None

    def row(self, alert: int | None) -> dict[str, Any] | None:
        """Give the row of an alert; None where it is not listed."""
        if alert not in self._rows and len(self.alerts):
            for found in self.alerts[self.alerts["id"] == alert].to_dict(orient="records"):
                self._rows[alert] = dict(found)
        return self._rows.get(alert)
