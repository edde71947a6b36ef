"""The list of alerts, with the filters above it."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

import ipywidgets as widgets
import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.exceptions import MaintenanceError
from workbench.maintenance.alerts.places import moment_of
from workbench.maintenance.cases.case import Case
from workbench.views.anomalies.table import (
    MINE,
    THIS_ASSET,
    AlertFilter,
    alerts_markup,
    case_name,
    case_number,
    options,
)
from workbench.views.markup import with_names
from workbench.views.state import Selected
from workbench.views.view_session import ViewSession
from workbench.views.widgets.boxes import box, classed
from workbench.views.widgets.cards import empty_card
from workbench.views.widgets.grid import Grid

__all__ = ["PAGE", "AlertList"]

PAGE = 200
"""Number of alerts that are listed at first; scrolling to the end lists as many more."""

_FILTERS = ("level", "state", "place", "kind", "raised", "verdict", "group")
_TIPS = {"place": "Asset", "group": "One line for each case, the alerts of one event on an asset, or for each alert"}


class AlertList:
    """The widgets of the list: filters, and a table of the alerts that they leave.

    Parameters
    ----------
    filter : callable
        Called with the change of a filter.
    pick, sort, mark, more, turn : callable
        Called with the line that is picked, the column to sort by, the line that is marked, and when the reader has
        scrolled to the end. A line is an alert, by its number, or a case, by its `case_name`.

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
    cases : dict of int to Case
        Cases that have a line: those of which several alerts are listed, unless each alert is to have its own.
    opened : set of int
        Cases whose line is open.
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
        turn: Callable[[str], None],
    ) -> None:
        self.alerts = pd.DataFrame()
        self.request = AlertFilter()
        self.limit = PAGE
        self.total = 0
        self.orders: dict[int, str] = {}
        self.cases: dict[int, Case] = {}
        self.opened: set[int] = set()
        self.quiet = False
        self.filters = {name: widgets.Dropdown(options=options(name, [])) for name in _FILTERS}
        for name, made in self.filters.items():
            made.tooltip = _TIPS.get(name, name.capitalize())
            made.observe(filter, "value")
            classed(made, "wb-choice")
        self._rows: dict[int | None, dict[Any, Any]] = {}
        self.text = classed(widgets.Text(placeholder="channel or message"), "wb-search")
        self.text.tooltip = "Show only alerts with this text in their channel's name or message"
        self.text.observe(filter, "value")
        self.grid = Grid("Alerts", pick=pick, sort=sort, mark=mark, more=more, open=turn)
        self.bar = box("wb-bar wb-filters", *self.filters.values(), self.text)

    def ask(self, asset: str) -> None:
        """Read the filters, and list the first page of what they leave.

        Parameters
        ----------
        asset : str
            Asset of the chosen alert, which `on this asset` stands for.
        """
        values = {name: made.value for name, made in self.filters.items()}
        values["place"] = asset if values["place"] == THIS_ASSET else values["place"]
        self.request = AlertFilter(**values, text=self.text.value.strip(), order=self.request.order)
        self.limit = PAGE

    def read(self, session: ViewSession, who: str) -> None:
        """Read the alerts that match the filters; marks stay on those that are still listed.

        Parameters
        ----------
        session : ViewSession
            The session whose alerts are read.
        who : str
            Name of the reader, for the alerts that are mine.
        """
        self._now, self._catalog = session.clock(), session.catalog
        desk, filters = session.maintenance, self.request.filters(self._now)
        if self.request.state == MINE:
            filters["numbers"] = desk.alerts_of_person(who)
        matching = desk.alerts.list(**filters, limit=self.limit + 1)  # one more tells whether there are more
        self.alerts = matching.iloc[: self.limit]
        self._rows.clear()
        self.total = len(matching) if len(matching) <= self.limit else len(desk.alerts.list(**filters))
        self.orders = desk.orders_of_alerts()
        several = self.alerts["case_id"].duplicated(keep=False) & (self.request.group == "case")
        self.cases = desk.cases.of_alerts(self.alerts[several])
        self.opened &= set(self.cases)
        listed = {*map(str, self.alerts["id"]), *map(case_name, self.cases)}
        self.grid.marked = [name for name in self.grid.marked if name in listed]
        self.quiet = True
        assets = sorted((session.catalog.asset(asset).name, asset) for asset in set(session.overview()["asset"]))
        if self.request.place not in ("", *(key for _, key in assets)):  # a source, or an asset that is gone
            assets.append((self.request.place, self.request.place))
        for name, made in self.filters.items():
            choices = options(name, assets)
            if tuple(made.options) != tuple(choices):
                made.options = choices
            made.value = getattr(self.request, name)
        if self.text.value.strip() != self.request.text:  # a blank after a word is being typed
            self.text.value = self.request.text
        self.quiet = False
        self._draw()

    def hold(self, session: ViewSession, alert: int) -> None:
        """Keep the row of an alert that the filters leave out now, so that what a person reads does not vanish.

        Parameters
        ----------
        session : ViewSession
            The session whose alert is read.
        alert : int
            Number of the alert.
        """
        with suppress(MaintenanceError):  # there is none any more
            self._rows[alert] = dict(vars(session.maintenance.alerts.get(alert)))

    def reach(self, session: ViewSession, who: str, now: Selected) -> None:
        """List more alerts where the one of the chosen anomaly comes later than those that are listed.

        Parameters
        ----------
        session : ViewSession
            The session whose alerts are read.
        who : str
            Name of the reader.
        now : Selected
            The channel and the anomaly that are chosen.
        """
        if now.anomaly is not None and len(self.alerts) < self.total and not self._begins(self.alerts, now).any():
            self.limit = self.total
            self.read(session, who)

    def turn(self, name: str) -> None:
        """Open the line of a case into its alerts, or close it; that of an alert stays as it is.

        Parameters
        ----------
        name : str
            Name of the line.
        """
        case = case_number(name)
        if case in self.cases:
            self.opened ^= {case}
            self._draw()

    def reveal(self, alert: int | None) -> None:
        """Open the case of an alert, so that its own line is listed.

        Parameters
        ----------
        alert : int or None
            Number of the alert.
        """
        case = self.case_of(alert)
        if case is not None and case not in self.opened:
            self.opened.add(case)
            self._draw()

    def case_of(self, alert: int | None) -> int | None:
        """Return the case with a line of its own that an alert is part of; None where there is none.

        Parameters
        ----------
        alert : int or None
            Number of the alert.
        """
        return next((number for number, case in self.cases.items() if alert in case.alerts), None)

    def first_of(self, case: int) -> int | None:
        """Return the first alert of a case that is listed: what moved first.

        Parameters
        ----------
        case : int
            Number of a case that has a line.
        """
        listed = set(self.alerts["id"])
        return next((alert for alert in self.cases[case].alerts if alert in listed), None)

    def names(self) -> list[str]:
        """Return the names of the lines of cases and of the alerts that are in none of these."""
        inside = {alert for case in self.cases.values() for alert in case.alerts}
        alone = [str(number) for number in self.alerts["id"] if number not in inside] if len(self.alerts) else []
        return [*map(case_name, self.cases), *alone]

    def _draw(self) -> None:
        alerts = with_names(self.alerts, self._catalog)
        cases = {
            number: replace(case, asset=self._catalog.asset(case.asset).name) for number, case in self.cases.items()
        }
        self.grid.html = alerts_markup(alerts, self.orders, self.total, self.request, self._now, cases, self.opened)

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
            begins = self._begins(rows, now)
            return int(rows[begins]["id"].iloc[0]) if begins.any() else None
        rows = self.alerts[self.alerts["channel"] == now.channel] if now.channel else self.alerts
        exact = rows
        if now.anomaly is not None:
            exact = rows[self._begins(rows, now)]
            if not len(exact):  # a link of the first release holds the row
                exact = rows[rows["start_sample"] == now.anomaly]
        best = exact if len(exact) else rows
        return int(best["id"].iloc[0]) if len(best) else None

    @staticmethod
    def _begins(rows: pd.DataFrame, now: Selected) -> npt.NDArray[np.bool_]:
        """Return whether each alert is that of the chosen anomaly, by its begin, and by its channel where one is."""
        names = ("channel", now.channel) if now.channel else ("asset", now.asset)
        marks = [moment_of(row) == now.anomaly and row[names[0]] == names[1] for row in rows.to_dict(orient="records")]
        return np.array(marks, dtype=bool)

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
