"""How well maintenance goes: figures with intervals, cost by asset, and load of the technicians."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import partial
from html import escape
from typing import Any, ClassVar

import ipywidgets as widgets
import pandas as pd

from workbench.maintenance.kpis.intervals import CONFIDENCE
from workbench.maintenance.kpis.kpis import cost_by_asset
from workbench.plots.load import load_figure, update_load
from workbench.views.maintenance.mode import Mode
from workbench.views.state import State
from workbench.views.widgets.boxes import box, classed
from workbench.views.widgets.callbacks import callback
from workbench.views.widgets.chart import Chart
from workbench.views.widgets.filters import check_choice
from workbench.views.widgets.kept_charts import KeptCharts

__all__ = ["Figures"]

_DAYS = (30, 7, 90, 365)
_LOAD_DAYS = 7.0
_CHART = "Load"


class Figures(Mode):
    """Figures of a period, and the load of the next days.

    Attributes
    ----------
    table : pandas.DataFrame
        The figures, as `Maintenance.figures` returns them.
    load : pandas.DataFrame
        Load, as `Maintenance.load` returns it.
    """

    name: ClassVar[str] = "Figures"
    css: ClassVar[str] = "wb-mode wb-mode-figures"
    keys: ClassVar[tuple[str, ...]] = ("days",)

    def build(self) -> list[widgets.Widget]:
        """Make the widgets, empty; called once."""
        self.table = pd.DataFrame()
        self.load = pd.DataFrame()
        self._charts = KeptCharts([_CHART], self.view.tokens)
        self._days = widgets.Dropdown(options=[(f"last {days} days", days) for days in _DAYS], description="Period")
        classed(self._days, "wb-choice").observe(self.on_days, "value")
        self._figures = widgets.HTML()
        self._costs = widgets.HTML()
        self._people = widgets.HTML()
        self._load = self._charts.boxes[_CHART]
        left = box(
            "wb-left",
            box("wb-panel wb-kpis", self._figures),
            box("wb-panel wb-costs", widgets.HTML("<h2>Completed work by asset, all time</h2>"), self._costs),
        )
        right = box(
            "wb-right",
            box(
                "wb-panel wb-load-ahead",
                widgets.HTML(
                    "<h2>Technicians, next 7 days: hours planned and assigned; the line shows the hours available</h2>"
                ),
                self._load,
                self._people,
            ),
        )
        return [box("wb-bar", self._days), box("wb-body", left, right)]

    def refresh(self) -> str:
        """Read figures and load again, and return the words beside the title."""
        until = self.view.session.clock()
        watched = self.view.session.watched()
        self.table = self.desk.figures(watched, until - timedelta(days=self._days.value), until)
        self.load = self.desk.load(_LOAD_DAYS)
        self._figures.value = _figures_markup(self.table)
        self._costs.value = _costs_markup(cost_by_asset(self.desk.orders.list(state=None)), self.desk.asset_name)
        self._people.value = (
            "" if len(self.load) else "<p class='wb-note wb-muted'>No technicians yet. Add one in Resources.</p>"
        )
        self._load.layout.display = None if len(self.load) else "none"
        self._draw()
        available = int(self.table["value"].notna().sum())
        return f"{available} of {len(self.table)} figures available for the last {self._days.value} days"

    def recolour(self) -> None:
        """Remove the chart, which is made in other colours when the section is shown again."""
        self._charts.recolour(self.view.tokens)

    def read_state(self) -> Mapping[str, object]:
        """Return the period that is shown."""
        return {"days": None if self._days.value == _DAYS[0] else self._days.value}

    def apply_state(self, state: State) -> None:
        """Take the period of a link.

        Parameters
        ----------
        state : State
            State of the link.
        """
        days = state.get("days", str(_DAYS[0]))
        check_choice("days", days, _DAYS)
        self.quiet = True
        self._days.value = int(days)
        self.quiet = False

    def shown_table(self) -> pd.DataFrame:
        """Return the figures that are shown."""
        return self.table

    def charts(self) -> Mapping[str, Chart]:
        """Return the chart of the load, where there are technicians."""
        return self._charts.shown() if len(self.load) else {}

    def code_lines(self) -> list[str]:
        """Return the cell that computes the figures."""
        return [
            "from datetime import timedelta",
            f"session.maintenance.figures(session.watched(), session.clock() - timedelta(days={self._days.value}))",
        ]

    def close(self) -> None:
        """Remove the section and its chart from the page."""
        self._charts.clear()
        super().close()

    # ---- callbacks

    @callback
    def on_days(self, change: dict[str, Any]) -> None:
        """Show the figures of another period."""
        del change
        if not self.quiet:
            self.view.outdate()
            self.view.moved()

    def _draw(self) -> None:
        self._charts.show(
            _CHART,
            lambda: load_figure(self.load, tokens=self.view.tokens),
            lambda plot: update_load(plot, self.load),
        )


def _figures_markup(table: pd.DataFrame) -> str:
    rows = ""
    for row in table.to_dict(orient="records"):
        share = row["unit"] == "%"
        shown = _money if row["figure"].startswith("Cost") else partial(_number, share=share)
        low, high = (shown(row[name]) for name in ("low", "high"))
        between = f"{low or '0'} to {high}" if high else f"at least {low}" if low else ""
        if low and not high and not pd.isna(row["value"]):
            between += ", too few to bound above"
        value = shown(row["value"]) or "<span class='wb-muted'>not available</span>"
        unit = "" if share else row["unit"]
        rows += (
            f"<tr><td>{escape(row['figure'])}</td><td>{value}</td><td>{unit}</td><td>{between}</td>"
            f"<td class='wb-muted'>{escape(row['basis'])}</td></tr>"
        )
    head = f"<tr><th>figure</th><th>value</th><th></th><th>{100 * CONFIDENCE:.0f} % interval</th><th>from</th></tr>"
    return f"<table class='wb-kpi-table'><thead>{head}</thead><tbody>{rows}</tbody></table>"


def _number(value: float, share: bool) -> str:
    return (
        ""
        if pd.isna(value)
        else f"{100 * value:.0f} %"
        if share
        else f"{value:,.0f}"
        if value >= 1000
        else f"{value:,.3g}"
    )


def _money(value: float) -> str:
    return "" if pd.isna(value) else f"{value:,.2f}"


def _costs_markup(costs: pd.DataFrame, asset_name: Callable[[str], str]) -> str:
    if costs.empty:
        return "<p class='wb-note wb-muted'>No completed orders yet.</p>"
    rows = "".join(
        f"<tr><td>{escape(asset_name(row['asset']))}</td><td>{row['orders']}</td>"
        f"<td>{_number(row['hours'], False)}</td>"
        f"<td>{_money(row['cost']) or 'not available'}</td></tr>"
        for row in costs.to_dict(orient="records")
    )
    head = "<tr><th>asset</th><th>orders</th><th>hours</th><th>cost</th></tr>"
    return f"<table><thead>{head}</thead><tbody>{rows}</tbody></table>"
