"""The list of alerts, with the filters above it."""

from collections.abc import Callable
from typing import Any

import ipywidgets as widgets
import pandas as pd

from workbench.maintenance.alerts.places import moment_of
from workbench.views.anomalies.table import AlertFilter, alerts_markup, options
from workbench.views.state import Selected
from workbench.views.view_session import ViewSession
from workbench.views.widgets.boxes import box, classed
from workbench.views.widgets.cards import empty_card
from workbench.views.widgets.grid import Grid

__all__ = ["PAGE", "AlertList"]

PAGE = 200
"""Number of alerts that are listed at first; scrolling to the end lists as many more."""

_FILTERS = ("level", "state", "place", "kind", "verdict")


class AlertList:
    """The widgets of the list: filters, and a table of the alerts that they leave.

    Parameters
    ----------
    filter : callable
        Called with the change of a filter.
    pick, sort, mark, more : callable
        Called with the alert that is picked, the column to sort by, the alert that is marked, and when the reader has
        scrolled to the end.

    Attributes
    ----------
    bar : ipywidgets.Box
        Filters.
    grid : Grid
        The table.
    filters : dict of str to ipywidgets.Dropdown
        The filters by their names.
    text : ipywidgets.Text
        The filter for words.
    request : AlertFilter
        Which alerts are listed.
    alerts : pandas.DataFrame
        The alerts that are listed, as `Alerts.list` returns them.
    total, limit : int
        Number of alerts that match, and number that is listed at most.
    orders : dict of int to str
        Active work order by alert.
    quiet : bool
        Whether the filters are being set by the program, not by the reader.
    """

    def __init__(
        self,
        *,
        filter: Callable[[dict[str, Any]], None],
        pick: Callable[[str], None],
        sort: Callable[[str], None],
        mark: Callable[[str], None],
        more: Callable[[str], None],
    ) -> None:
        self.alerts = pd.DataFrame()
        self.request = AlertFilter()
        self.limit = PAGE
        self.total = 0
        self.orders: dict[int, str] = {}
        self.quiet = False
        self.filters = {name: widgets.Dropdown(options=options(name, [])) for name in _FILTERS}
        for name, made in self.filters.items():
            made.tooltip = "Asset" if name == "place" else name.capitalize()
            made.observe(filter, "value")
            classed(made, "wb-choice")
        self._rows: dict[int | None, dict[Any, Any]] = {}
        self.text = classed(widgets.Text(placeholder="channel or message", continuous_update=False), "wb-search")
        self.text.tooltip = "Show only alerts with this text in their channel's name or message"
        self.text.observe(filter, "value")
        self.grid = Grid("Alerts", pick=pick, sort=sort, mark=mark, more=more)
        self.bar = box("wb-bar wb-filters", *self.filters.values(), self.text)

    def ask(self) -> None:
        """Read the filters, and list the first page of what they leave."""
        values = {name: made.value for name, made in self.filters.items()}
        self.request = AlertFilter(**values, text=self.text.value.strip(), order=self.request.order)
        self.limit = PAGE

    def read(self, session: ViewSession) -> None:
        """Read the alerts that match the filters; marks stay on those that are still listed.

        Parameters
        ----------
        session : ViewSession
            The session whose alerts are read.
        """
        desk, filters = session.maintenance, self.request.filters()
        matching = desk.alerts.list(**filters, limit=self.limit + 1)  # one more tells whether there are more
        self.alerts = matching.iloc[: self.limit]
        self._rows.clear()
        self.total = len(matching) if len(matching) <= self.limit else len(desk.alerts.list(**filters))
        self.orders = desk.orders_of_alerts()
        listed = {str(number) for number in self.alerts["id"]}
        self.grid.marked = [name for name in self.grid.marked if name in listed]
        self.quiet = True
        assets = sorted(set(session.overview()["asset"]))
        for name, made in self.filters.items():
            choices = options(name, assets)
            if tuple(made.options) != tuple(choices):
                made.options = choices
            made.value = getattr(self.request, name)
        self.text.value = self.request.text
        self.quiet = False
        self.grid.html = alerts_markup(self.alerts, self.orders, self.total, self.request, session.clock())

    def nothing(self, session: ViewSession, open_alerts: int) -> str:
        """Return a card that says why the list is empty, and what to do.

        Parameters
        ----------
        session : ViewSession
            The session whose fleet may not be scored yet.
        open_alerts : int
            Number of open alerts, whatever the filters say.
        """
        if open_alerts or self.request != AlertFilter():
            return empty_card("No alerts match.", "Remove a filter.")
        if (session.overview()["state"] == "missing").all():
            return empty_card("No channel is scored yet.", "Train and score the fleet:", "workbench run")
        return empty_card(
            "No open alerts.", "Score the fleet to raise alerts for new anomalies:", "workbench score --all"
        )

    def matching(self, now: Selected) -> int | None:
        """Return the alert of an anomaly, else the first of its channel, else the first of all.

        An anomaly of an asset for which no channel is chosen has the alert of the asset as a whole, or none.

        Parameters
        ----------
        now : Selected
            The channel and the anomaly that are chosen.
        """
        if not len(self.alerts):
            return None
        if now.asset and not now.channel and now.anomaly is not None:
            rows = self.alerts[(self.alerts["kind"] == "asset") & (self.alerts["asset"] == now.asset)]
            begins = [moment_of(row) == now.anomaly for row in rows.to_dict(orient="records")]
            return int(rows[begins]["id"].iloc[0]) if any(begins) else None
        rows = self.alerts[self.alerts["channel"] == now.channel] if now.channel else self.alerts
        exact = rows
        if now.anomaly is not None:
            exact = rows[[moment_of(row) == now.anomaly for row in rows.to_dict(orient="records")]]
            if not len(exact):  # a link of the first release holds the row
                exact = rows[rows["start_sample"] == now.anomaly]
        best = exact if len(exact) else rows
        return int(best["id"].iloc[0]) if len(best) else None

    def row(self, alert: int | None) -> dict[str, Any] | None:
        """Return the row of an alert, or None where it is not listed.

        Parameters
        ----------
        alert : int or None
            Number of the alert.
        """
        if alert not in self._rows and len(self.alerts):
            for row in self.alerts[self.alerts["id"] == alert].to_dict(orient="records"):
                self._rows[alert] = dict(row)
        return self._rows.get(alert)
