"""How well maintenance goes: figures with intervals, technicians' load, stock of parts, and who and what there is."""

from collections.abc import Mapping
from datetime import timedelta
from html import escape
from typing import Any, ClassVar

import ipywidgets as widgets
import pandas as pd
from bokeh.plotting import figure

from workbench.exceptions import ViewError
from workbench.maintenance.kpis.intervals import CONFIDENCE
from workbench.maintenance.kpis.kpis import cost_by_asset
from workbench.plots.load import load_figure, update_load
from workbench.views.maintenance.mode import Mode
from workbench.views.state import State
from workbench.views.widgets.boxes import box, button, classed
from workbench.views.widgets.callbacks import callback
from workbench.views.widgets.chart import Chart, LiveChart
from workbench.views.widgets.grid import Column, Grid, cell, table_markup

__all__ = ["Figures"]

_DAYS = (30, 7, 90, 365)
_AHEAD = 7.0


class Figures(Mode):
    """Figures of a period, the load ahead, and the stock.

    Attributes
    ----------
    table : pandas.DataFrame
        Of `Maintenance.figures`.
    load, parts : pandas.DataFrame
        Of `Maintenance.load` and `Parts.list`.
    """

    name: ClassVar[str] = "Figures"
    keys: ClassVar[tuple[str, ...]] = ("days",)

    def build(self) -> list[widgets.Widget]:
        """Make the widgets, empty."""
        self.table, self.load, self.parts = pd.DataFrame(), pd.DataFrame(), pd.DataFrame()
        self._plot: figure | None = None
        self._days = widgets.Dropdown(options=[(f"{days} d", days) for days in _DAYS], description="The last")
        classed(self._days, "wb-choice").observe(self.on_days, "value")
        self._figures, self._costs, self._people, self._told = (widgets.HTML() for _ in range(4))
        classed(self._told, "wb-told")
        self._load = box("wb-chart")
        self.stock = Grid("Stock of parts", pick=self.on_part)
        self.fields: dict[str, Any] = {
            "name": widgets.Text(description="Name", continuous_update=False),
            "skills": widgets.Text(description="Skills", placeholder="rf, optics", continuous_update=False),
            "rate": widgets.BoundedFloatText(description="Cost of an hour", min=0, max=1e6),
            "hours": widgets.Text(description="Hours", placeholder="Mon-Fri 08:00-17:00", continuous_update=False),
            "part": widgets.Text(description="Part", continuous_update=False),
            "pieces": widgets.BoundedIntText(1, description="Pieces", min=1, max=10**6),
            "minimum": widgets.BoundedIntText(0, description="Minimum", min=0, max=10**6),
            "lead": widgets.BoundedFloatText(description="Days to get", min=0, max=3650),
        }
        for name, field in self.fields.items():
            classed(field, f"wb-field wb-field-{name}")
        self.save = button("Save technician", "Add a technician, or change one of this name", self.on_person)
        self.receive = button("Receive", "Put pieces into stock; orders that wait for them get theirs", self.on_receive)
        self.set = button("Save part", "Add a part, or change its minimum and time to get it", self.on_set)
        names = {"person": ("name", "skills", "rate", "hours"), "part": ("part", "pieces", "minimum", "lead")}
        person, part = ([self.fields[name] for name in given] for given in names.values())
        left = box(
            "wb-left",
            box("wb-panel wb-kpis", self._figures),
            box("wb-panel wb-costs", widgets.HTML("<h2>Completed work by asset, all time</h2>"), self._costs),
        )
        right = box(
            "wb-right",
            box(
                "wb-panel wb-load-ahead",
                widgets.HTML("<h2>Technicians, the next 7 days; the line is what is available</h2>"),
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
        return [box("wb-bar", self._days, self._told), box("wb-body", left, right)]

    def refresh(self) -> str:
        """Read everything again."""
        until = self.view.session.clock()
        assets = max(int(self.view.fleet["asset"].nunique()), 1)
        self.table = self.desk.figures(assets, until - timedelta(days=self._days.value), until)
        self.load, self.parts = self.desk.load(_AHEAD), self.desk.parts.list()
        self._figures.value = _figures_markup(self.table)
        self._costs.value = _costs_markup(cost_by_asset(self.desk.orders.list(state=None)))
        self._people.value = (
            "" if len(self.load) else "<p class='wb-note wb-muted'>No technicians yet: add one below.</p>"
        )
        self._load.layout.display = None if len(self.load) else "none"
        self.stock.html = _stock_markup(self.parts)
        self._draw()
        below = int(self.parts["below"].sum())
        words = f"{int(self.table['value'].notna().sum())} of {len(self.table)} figures known for {self._days.value} d"
        low = f" <b class='high'><span class='wb-symbol'>▲</span>{below} parts to reorder</b>" if below else ""
        return f"{words}{low}"

    def recolour(self) -> None:
        """Forget the chart."""
        before, self._load.children, self._plot = self._load.children, (), None
        for child in before:
            child.close()

    def read_state(self) -> Mapping[str, object]:
        """Give the period."""
        return {"days": None if self._days.value == _DAYS[0] else self._days.value}

    def apply_state(self, state: State) -> None:
        """Take the period of a link."""
        known = {str(days): days for days in _DAYS}
        wanted = state.get("days", str(_DAYS[0]))
        if wanted not in known:
            raise ViewError(f"days is {wanted!r}.", f"Known: {', '.join(known)}.")
        self.quiet = True
        self._days.value = known[wanted]
        self.quiet = False

    def shown_table(self) -> pd.DataFrame:
        """Give the figures."""
        return self.table

    def charts(self) -> Mapping[str, Chart]:
        """Give the chart of the load."""
        return {"Load": self._load.children[0]} if self._load.children and len(self.load) else {}

    def code_lines(self) -> list[str]:
        """Give the cell that computes the figures."""
        return [
            "from datetime import timedelta",
            "assets = session.overview()['asset'].nunique()",
            f"session.maintenance.figures(assets, session.clock() - timedelta(days={self._days.value}))",
        ]

    def close(self) -> None:
        """Take the chart away."""
        self.recolour()

    # ---- callbacks

    @callback
    def on_days(self, change: dict[str, Any]) -> None:
        """Compute another period."""
        del change
        if not self.quiet:
            self.view.outdate()
            self.view.moved()

    @callback
    def on_part(self, name: str) -> None:
        """Put a part into the fields."""
        row = self.parts[self.parts["name"] == name].iloc[0]
        self.fields["part"].value, self.fields["minimum"].value = name, int(row["minimum"])
        self.fields["lead"].value = 0.0 if pd.isna(row["lead_days"]) else float(row["lead_days"])

    @callback
    def on_person(self, pressed: widgets.Button) -> None:
        """Add a technician, or change one."""
        del pressed
        values = {name: field.value for name, field in self.fields.items()}
        hours = [line.strip() for line in values["hours"].split(";") if line.strip()]
        self.desk.people.set(
            values["name"], self.view.who, skills=values["skills"].split(","), rate=values["rate"], hours=hours
        )
        self._done(f"{escape(values['name'].strip())} is saved.")

    @callback
    def on_receive(self, pressed: widgets.Button) -> None:
        """Put pieces into stock."""
        del pressed
        name, pieces = self.fields["part"].value.strip(), self.fields["pieces"].value
        self.desk.parts.receive(name, pieces, self.view.who)
        self._done(f"{pieces} of {escape(name)} are in stock.")

    @callback
    def on_set(self, pressed: widgets.Button) -> None:
        """Add a part, or change one."""
        del pressed
        name, lead = self.fields["part"].value.strip(), self.fields["lead"].value
        self.desk.parts.set(name, self.view.who, minimum=self.fields["minimum"].value, lead_days=lead or None)
        self._done(f"{escape(name)} is saved.")

    def _done(self, words: str) -> None:
        self.view.changed()
        self._told.value = f"<p role='status'>{words}</p>"

    def _draw(self) -> None:
        if self._plot is None:
            self._plot = load_figure(self.load, tokens=self.view.tokens)
            self._load.children = (LiveChart(self._plot),)
        else:
            with self._load.children[0].together():
                update_load(self._plot, self.load)


def _figures_markup(table: pd.DataFrame) -> str:
    rows = ""
    for row in table.to_dict(orient="records"):
        share = row["unit"] == "%"
        low, high = (_number(row[name], share) for name in ("low", "high"))
        between = f"{low or '0'} to {high}" if high else f"at least {low}" if low else ""
        value = _number(row["value"], share) or "<span class='wb-muted'>not known</span>"
        unit = "" if share else row["unit"]
        rows += (
            f"<tr><td>{escape(row['figure'])}</td><td>{value}</td><td>{unit}</td><td>{between}</td>"
            f"<td class='wb-muted'>{escape(row['basis'])}</td></tr>"
        )
    head = f"<tr><th>figure</th><th>value</th><th></th><th>{CONFIDENCE:.0%} interval</th><th>from</th></tr>"
    return f"<table class='wb-kpi-table'><thead>{head}</thead><tbody>{rows}</tbody></table>"


def _number(value: float, share: bool) -> str:
    return "" if pd.isna(value) else f"{value:.0%}" if share else f"{value:,.0f}" if value >= 1000 else f"{value:,.3g}"


def _costs_markup(costs: pd.DataFrame) -> str:
    if costs.empty:
        return "<p class='wb-note wb-muted'>No order is completed yet.</p>"
    rows = "".join(
        f"<tr><td>{escape(row['asset'])}</td><td>{row['orders']}</td><td>{_number(row['hours'], False)}</td>"
        f"<td>{_number(row['cost'], False) or 'not known'}</td></tr>"
        for row in costs.to_dict(orient="records")
    )
    head = "<tr><th>asset</th><th>orders</th><th>hours</th><th>cost</th></tr>"
    return f"<table><thead>{head}</thead><tbody>{rows}</tbody></table>"


def _stock_markup(parts: pd.DataFrame) -> str:
    if parts.empty:
        return "<p class='wb-note wb-muted'>No parts yet: add one below.</p>"
    columns = (
        Column("", "part"),
        Column("", "in stock", True),
        Column("", "reserved", True),
        Column("", "available", True),
        Column("", "minimum", True),
        Column("", "days to get", True),
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
