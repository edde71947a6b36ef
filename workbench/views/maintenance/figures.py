"""How well maintenance goes: figures with intervals, load of the technicians, and stock of parts."""

from collections.abc import Mapping
from datetime import timedelta
from html import escape
from typing import Any, ClassVar

import ipywidgets as widgets
import pandas as pd

from workbench.counts import counted
from workbench.maintenance.kpis.intervals import CONFIDENCE
from workbench.maintenance.kpis.kpis import cost_by_asset
from workbench.plots.load import load_figure, update_load
from workbench.views.maintenance.mode import Mode
from workbench.views.state import State
from workbench.views.widgets.boxes import box, button, classed
from workbench.views.widgets.callbacks import callback
from workbench.views.widgets.chart import Chart
from workbench.views.widgets.filters import check_choice
from workbench.views.widgets.grid import Column, Grid, cell, table_markup
from workbench.views.widgets.kept_charts import KeptCharts

__all__ = ["Figures"]

_DAYS = (30, 7, 90, 365)
_LOAD_DAYS = 7.0
_CHART = "Load"


class Figures(Mode):
    """Figures of a period, the load of the next days, and the stock.

    Attributes
    ----------
    table : pandas.DataFrame
        The figures, as `Maintenance.figures` returns them.
    load, parts : pandas.DataFrame
        Load and stock, as `Maintenance.load` and `Parts.list` return them.
    stock : Grid
        The table of the parts.
    fields : dict of str to ipywidgets.Widget
        The fields for a technician and a part, by their names.
    save, receive, set : ipywidgets.Button
        Save the technician; add to the stock; save the part.
    """

    name: ClassVar[str] = "Figures"
    css: ClassVar[str] = "wb-mode wb-mode-figures"
    keys: ClassVar[tuple[str, ...]] = ("days",)

    def build(self) -> list[widgets.Widget]:
        """Make the widgets, empty; called once."""
        self.table = pd.DataFrame()
        self.load = pd.DataFrame()
        self.parts = pd.DataFrame()
        self._charts = KeptCharts([_CHART], self.view.tokens)
        self._days = widgets.Dropdown(options=[(f"last {days} days", days) for days in _DAYS], description="Period")
        classed(self._days, "wb-choice").observe(self.on_days, "value")
        self._figures = widgets.HTML()
        self._costs = widgets.HTML()
        self._people = widgets.HTML()
        self._status = classed(widgets.HTML(), "wb-told")
        self._load = self._charts.boxes[_CHART]
        self.stock = Grid("Stock of parts", pick=self.on_part)
        self.fields: dict[str, Any] = {
            "name": widgets.Text(description="Name", continuous_update=False),
            "skills": widgets.Text(description="Skills", placeholder="rf, optics", continuous_update=False),
            "rate": widgets.BoundedFloatText(description="Hourly rate", min=0, max=1e6),
            "hours": widgets.Text(description="Hours", placeholder="Mon-Fri 08:00-17:00", continuous_update=False),
            "part": widgets.Text(description="Part", continuous_update=False),
            "quantity": widgets.BoundedIntText(1, description="Quantity", min=1, max=10**6),
            "minimum": widgets.BoundedIntText(0, description="Minimum", min=0, max=10**6),
            "lead": widgets.BoundedFloatText(description="Lead time, days", min=0, max=3650),
        }
        for name, field in self.fields.items():
            classed(field, f"wb-field wb-field-{name}")
        self.save = button("Save technician", "Add a technician, or change the one of this name", self.on_person)
        self.receive = button(
            "Receive", "Add this quantity to the stock; orders that wait for the part get theirs", self.on_receive
        )
        self.set = button("Save part", "Add a part, or change its minimum and lead time", self.on_set)
        names = {"person": ("name", "skills", "rate", "hours"), "part": ("part", "quantity", "minimum", "lead")}
        person, part = ([self.fields[name] for name in group] for group in names.values())
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
            box("wb-panel wb-form-panel", box("wb-bar wb-asked", *person, self.save)),
            box(
                "wb-panel wb-stock",
                widgets.HTML("<h2>Parts</h2>"),
                self.stock,
                box("wb-bar wb-asked", *part, self.receive, self.set),
            ),
        )
        return [box("wb-bar", self._days, self._status), box("wb-body", left, right)]

    def refresh(self) -> str:
        """Read figures, load and stock again, and return the words beside the title."""
        until = self.view.session.clock()
        watched = self.view.session.watched()
        self.table = self.desk.figures(watched, until - timedelta(days=self._days.value), until)
        self.load, self.parts = self.desk.load(_LOAD_DAYS), self.desk.parts.list()
        self._figures.value = _figures_markup(self.table)
        self._costs.value = _costs_markup(cost_by_asset(self.desk.orders.list(state=None)))
        self._people.value = (
            "" if len(self.load) else "<p class='wb-note wb-muted'>No technicians yet. Add one below.</p>"
        )
        self._load.layout.display = None if len(self.load) else "none"
        self.stock.html = _stock_markup(self.parts)
        self._draw()
        below = int(self.parts["below"].sum())
        available = int(self.table["value"].notna().sum())
        words = f"{available} of {len(self.table)} figures available for the last {self._days.value} days"
        reorder = f" <b class='high'><span class='wb-symbol'>▲</span>{counted(below, 'part')} to reorder</b>"
        return f"{words}{reorder if below else ''}"

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

    @callback
    def on_part(self, name: str) -> None:
        """Fill the fields with a part of the stock."""
        row = self.parts[self.parts["name"] == name].iloc[0]
        self.fields["part"].value = name
        self.fields["minimum"].value = int(row["minimum"])
        self.fields["lead"].value = 0.0 if pd.isna(row["lead_days"]) else float(row["lead_days"])

    @callback
    def on_person(self, pressed: widgets.Button) -> None:
        """Save a technician as the form says."""
        del pressed
        values = {name: field.value for name, field in self.fields.items()}
        hours = [line.strip() for line in values["hours"].split(";") if line.strip()]
        self.desk.people.set(
            values["name"], self.view.who, skills=values["skills"].split(","), rate=values["rate"], hours=hours
        )
        self._done(f"{escape(values['name'].strip())} is saved.")

    @callback
    def on_receive(self, pressed: widgets.Button) -> None:
        """Add a quantity of a part to the stock."""
        del pressed
        name, quantity = self.fields["part"].value.strip(), self.fields["quantity"].value
        self.desk.parts.receive(name, quantity, self.view.who)
        self._done(f"{quantity:,} added to the stock of {escape(name)}.")

    @callback
    def on_set(self, pressed: widgets.Button) -> None:
        """Save a part with its minimum and lead time."""
        del pressed
        name, lead = self.fields["part"].value.strip(), self.fields["lead"].value
        self.desk.parts.set(name, self.view.who, minimum=self.fields["minimum"].value, lead_days=lead or None)
        self._done(f"{escape(name)} is saved.")

    def _done(self, words: str) -> None:
        self.view.changed()
        self._status.value = f"<p role='status'>{words}</p>"

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
        low, high = (_number(row[name], share) for name in ("low", "high"))
        between = f"{low or '0'} to {high}" if high else f"at least {low}" if low else ""
        value = _number(row["value"], share) or "<span class='wb-muted'>not available</span>"
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


def _costs_markup(costs: pd.DataFrame) -> str:
    if costs.empty:
        return "<p class='wb-note wb-muted'>No completed orders yet.</p>"
    rows = "".join(
        f"<tr><td>{escape(row['asset'])}</td><td>{row['orders']}</td><td>{_number(row['hours'], False)}</td>"
        f"<td>{_number(row['cost'], False) or 'not available'}</td></tr>"
        for row in costs.to_dict(orient="records")
    )
    head = "<tr><th>asset</th><th>orders</th><th>hours</th><th>cost</th></tr>"
    return f"<table><thead>{head}</thead><tbody>{rows}</tbody></table>"


def _stock_markup(parts: pd.DataFrame) -> str:
    if parts.empty:
        return "<p class='wb-note wb-muted'>No parts yet. Add one below.</p>"
    columns = (
        Column("", "part"),
        Column("", "in stock", True),
        Column("", "reserved", True),
        Column("", "available", True),
        Column("", "minimum", True),
        Column("", "lead time, days", True),
        Column("", ""),
    )
    rows, classes = [], {}
    for row in parts.to_dict(orient="records"):
        numbers = [f"{row[name]}" for name in ("stock", "reserved", "available", "minimum")]
        lead = "" if pd.isna(row["lead_days"]) else f"{row['lead_days']:g}"
        mark = "<span class='wb-symbol' aria-hidden='true'>▲</span>reorder" if row["below"] else ""
        rows.append((row["name"], [cell(row["name"], title=row["description"]), *numbers, lead, mark]))
        classes[row["name"]] = "high" if row["below"] else ""
    return table_markup(columns, rows, classes=classes)
