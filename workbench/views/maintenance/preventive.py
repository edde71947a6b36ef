"""The preventive plans: which work comes again and again, by calendar, by meter or by health."""

from collections.abc import Mapping
from html import escape
from typing import Any, ClassVar

import ipywidgets as widgets
import pandas as pd

from workbench.counts import counted
from workbench.exceptions import ViewError
from workbench.maintenance.orders.preventive import ANCHORS, HEALTH_METER, MAX_HEALTH
from workbench.maintenance.orders.states import ORDER_TYPES
from workbench.maintenance.values import (
    MAX_METER_READING,
    MAX_PERIOD_DAYS,
    MAX_WAIT_DAYS,
    MIN_INTERVAL_DAYS,
    MIN_METER_INTERVAL,
)
from workbench.views.maintenance.form import AssetField, Form, items_of
from workbench.views.maintenance.mode import Mode
from workbench.views.maintenance.order_commands import ORDER_HOURS, part_quantities
from workbench.views.state import State
from workbench.views.widgets.boxes import box, button, classed
from workbench.views.widgets.callbacks import callback
from workbench.views.widgets.cards import empty_card
from workbench.views.widgets.grid import Column, Grid, cell, table_markup
from workbench.views.widgets.refusals import Range
from workbench.views.widgets.times import in_utc

__all__ = ["Preventive"]

_RULES = {
    "every some days": ("days", "season", "first", "anchor", "lead"),
    "on a day of the month": ("day", "season", "first", "anchor", "lead"),
    "by a meter": ("meter", "every", "anchor"),
    "by the health index": ("below",),
}
_CONTENT = ("title", "asset", "rule", "type", "hours", "skills", "parts", "words", "checklist")
_COLUMNS = (
    Column("", "plan", True),
    Column("", "title"),
    Column("", "asset"),
    Column("", "repeats"),
    Column("", "next"),
    Column("", "state"),
)


class Preventive(Mode):
    """The plans, the form for a new one, and what the orders of the chosen plan begin with.

    Attributes
    ----------
    plans : pandas.DataFrame
        The plans, as `Preventive.list` returns them.
    table : Grid
        The table of the plans.
    form : Form
        The form for a new plan.
    add, stop, open_due : ipywidgets.Button
        Add a plan; stop the chosen one; open the orders that are due.
    """

    name: ClassVar[str] = "Preventive"
    css: ClassVar[str] = "wb-mode wb-mode-entry wb-mode-preventive"
    keys: ClassVar[tuple[str, ...]] = ("preventive",)

    def build(self) -> list[widgets.Widget]:
        """Make the widgets, empty; called once."""
        self.plans = pd.DataFrame()
        self._number = ""
        self._status = classed(widgets.HTML(), "wb-told")
        self._empty = widgets.HTML()
        self._details = widgets.HTML()
        self.table = Grid("Preventive plans", pick=self.on_pick)
        self.add = button("Add plan", "Add a preventive plan", self.on_add, "wb-confirm")
        self.stop = button("Stop plan", "Stop the chosen plan: it opens no more orders", self.on_stop)
        self.open_due = button("Open due orders", "Open the orders that are due now", self.on_open)
        rule = widgets.Dropdown(options=list(_RULES), description="Repeats")
        rule.observe(self.on_rule, "value")
        self.form = Form(
            "New plan",
            {
                "title": widgets.Text(description="Title", continuous_update=False),
                "asset": AssetField(description="Asset", placeholder="Pump 1/BRG"),
                "rule": rule,
                "days": widgets.FloatText(90.0, description="Days"),
                "day": widgets.Text(description="Day", placeholder="first Monday", continuous_update=False),
                "season": widgets.Text(description="Season", placeholder="Apr-Sep", continuous_update=False),
                "meter": widgets.Text(description="Meter", placeholder="hours", continuous_update=False),
                "every": widgets.FloatText(500.0, description="Every, units"),
                "below": widgets.FloatText(60.0, description="Below"),
                "first": widgets.NaiveDatetimePicker(description="First, UTC"),
                "anchor": widgets.Dropdown(options=list(ANCHORS), description="Counts from"),
                "lead": widgets.FloatText(7.0, description="Opens, days before"),
                "type": widgets.Dropdown(options=list(ORDER_TYPES), value="preventive", description="Type"),
                "hours": widgets.FloatText(2.0, step=0.5, description="Hours"),
                "skills": widgets.Text(description="Skills", placeholder="rf, optics", continuous_update=False),
                "parts": widgets.Text(description="Parts", placeholder="seal=2, filter=1", continuous_update=False),
                "words": widgets.Text(description="Description", continuous_update=False),
                "checklist": widgets.Textarea(
                    description="Checklist", placeholder="one item a line", rows=3, continuous_update=False
                ),
            },
            [self.add],
            {
                "asset": r"\basset\b|retired",
                "rule": r"exactly one rule",
                "days": r"interval of days",
                "day": r"day of the month|not every month",
                "every": r"interval of the meter",
                "below": r"limit of the meter",
                "first": r"first due date",
                "lead": r"lead.days",
                "parts": r"\bparts?\b|pieces",
                "season": r"season|not a month",
            },
            {
                "days": Range(MIN_INTERVAL_DAYS, MAX_PERIOD_DAYS),
                "every": Range(MIN_METER_INTERVAL, MAX_METER_READING),
                "below": Range(0, MAX_HEALTH, above=True),
                "lead": Range(0, MAX_WAIT_DAYS),
                "hours": ORDER_HOURS,
            },
        )
        self.form.show((*_CONTENT, *_RULES[rule.value]))
        chosen = box("wb-panel wb-chosen-plan", self._details)
        left = box("wb-left", box("wb-panel wb-entry-list", self._empty, self.table), chosen)
        bar = box("wb-bar wb-filters", self.stop, self.open_due, self._status)
        return [bar, box("wb-body", left, box("wb-right", self.form.box))]

    def refresh(self) -> str:
        """Read the plans again, and return the words beside the title."""
        self.plans = self.desk.preventive.list()
        self.form.fields["asset"].offer(self.desk.register.names(), self.desk.asset_name)
        self._show()
        active = int(self.plans["active"].sum()) if len(self.plans) else 0
        return f"{counted(active, 'active plan')}" if len(self.plans) else "no preventive plans"

    def read_state(self) -> Mapping[str, object]:
        """Return the plan that is chosen."""
        return {"preventive": self._number or None}

    def apply_state(self, state: State) -> None:
        """Take the chosen plan of a link.

        Parameters
        ----------
        state : State
            State of the link.
        """
        self._number = state.get("preventive", "")

    def shown_table(self) -> pd.DataFrame:
        """Return the preventive plans that are listed."""
        return self.plans

    def code_lines(self) -> list[str]:
        """Return the cell that lists the plans."""
        return ["session.maintenance.preventive.list()"]

    # ---- callbacks

    @callback
    def on_pick(self, number: str) -> None:
        """Choose a plan of the list."""
        self._number = number
        self._status.value = ""
        self._show()
        self.view.moved()

    @callback
    def on_rule(self, change: dict[str, Any]) -> None:
        """Show the fields of another rule."""
        self.form.show((*_CONTENT, *_RULES[change["new"]]))

    @callback
    def on_add(self, pressed: widgets.Button) -> None:
        """Add the plan of the form."""
        del pressed
        with self.form.refusing():
            values = self.form.values()
            number = self.desk.preventive.add(
                values["title"], values["asset"], self.view.who, **_rule(values), **_content(values)
            )
            self._number = str(number)
            self.view.changed()
            self.form.fill({"title": "", "skills": "", "parts": "", "words": "", "checklist": ""})
            self.form.done(f"Plan {number} is added.")

    @callback
    def on_stop(self, pressed: widgets.Button) -> None:
        """Stop the chosen plan."""
        del pressed
        if not self._number:
            raise ViewError("No plan is chosen.", "Choose a plan of the list.")
        self.desk.preventive.stop(int(self._number), self.view.who)
        self.view.changed()
        self._say(f"Plan {self._number} is stopped.")

    @callback
    def on_open(self, pressed: widgets.Button) -> None:
        """Open the orders that are due."""
        del pressed
        numbers = self.desk.preventive.open_due(self.view.who)
        self.view.changed()
        self._say(f"{', '.join(numbers)} opened." if numbers else "No work order is due.")

    # ---- parts

    def _say(self, words: str) -> None:
        self._status.value = f"<p role='status'>{escape(words)}</p>"

    def _show(self) -> None:
        readings = {(row.asset, row.meter): row.value for row in self.desk.preventive.meters().itertuples()}
        name = self.desk.asset_name
        rows = [(str(row["id"]), _cells(row, readings, name(row["asset"]))) for row in self.plans.to_dict("records")]
        stopped = {str(row["id"]): "wb-closed" for row in self.plans.to_dict(orient="records") if not row["active"]}
        self.table.html = table_markup(_COLUMNS, rows, classes=stopped) if rows else ""
        self._empty.value = "" if rows else empty_card("No preventive plans.", "Add one with the form.")
        if self._number not in [value for value, _ in rows]:
            self._number = rows[0][0] if rows else ""
        self.table.chosen = self._number
        self.stop.layout.display = None if self._number and self._number not in stopped else "none"
        self._details.value = self._details_markup()

    def _details_markup(self) -> str:
        if not self._number:
            return ""
        row: Any = self.plans.set_index("id").loc[int(self._number)]
        content = self.desk.preventive.content(int(self._number))
        facts = {
            "Hours": content.get("hours"),
            "Skills": ", ".join(content.get("skills") or ()),
            "Parts": ", ".join(f"{part}={pieces}" for part, pieces in (content.get("parts") or {}).items()),
            "Description": content.get("description"),
            "Counts from": "the scheduled date" if row["anchor"] == "scheduled" else "the completion",
            "Opens": f"{row['lead_days']:g} days before"
            if pd.notna(row["next_due"])
            else "when the reading is reached",
            "Checklist": "; ".join(item["text"] for item in content.get("checklist") or ())
            or "that of the subsystem's template",
        }
        lines = "".join(f"<dt>{name}</dt><dd>{escape(str(value))}</dd>" for name, value in facts.items() if value)
        return f"<h2>Orders of plan {self._number}: {escape(row['title'])}</h2><dl class='wb-facts'>{lines}</dl>"


def _rule(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the rule of a form as `Preventive.add` takes it."""
    shown = _RULES[values["rule"]]
    rule: dict[str, Any] = {}
    for field, name in (("days", "every_days"), ("day", "calendar"), ("season", "season"), ("anchor", "anchor")):
        if field in shown:
            rule[name] = values[field]
    if "day" in shown and not values["day"]:
        raise ViewError("The day of the month is empty.", "Enter it as first Monday, last Friday or day 15.")
    if "first" in shown:
        rule |= {"first": in_utc(values["first"]), "lead_days": values["lead"]}
    if "meter" in shown:
        rule |= {"meter": values["meter"], "every": values["every"]}
    if "below" in shown:
        rule |= {"meter": HEALTH_METER, "below": values["below"]}
    return rule


def _content(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the content of the orders as `Preventive.add` takes it; what is empty comes from the template."""
    content = {
        "type": values["type"],
        "hours": values["hours"],
        "skills": items_of(values["skills"]) or None,
        "parts": part_quantities(values["parts"]) or None,
        "description": values["words"] or None,
        "checklist": [{"text": line} for line in items_of(values["checklist"], "\n")] or None,
    }
    return {name: value for name, value in content.items() if value is not None}


def _cells(row: Mapping[Any, Any], readings: Mapping[tuple[Any, Any], Any], asset: str) -> list[str]:
    """Return the cells of a plan."""
    reading = readings.get((row["asset"], row["meter"]))
    now = "no reading" if reading is None else f"now {reading:g}"
    if pd.notna(row["next_due"]):
        following = f"{row['next_due']:%Y-%m-%d %H:%M}"
    elif pd.notna(row["next_reading"]):
        following = f"at {row['next_reading']:g}, {now}"
    else:
        following = now
    if row["calendar"]:
        repeats = row["calendar"]
    elif pd.notna(row["every_days"]):
        repeats = "every day" if row["every_days"] == 1 else f"every {row['every_days']:g} days"
    elif pd.notna(row["every"]):
        repeats = f"every {row['every']:g} of {row['meter']}"
    else:
        repeats = f"{row['meter']} below {row['below']:g}"
    repeats += f", {row['season']}" if row["season"] else ""
    place = "/".join(filter(None, (asset, row["subsystem"])))
    words = (cell(text) for text in (row["title"], place, repeats, following, "active" if row["active"] else "stopped"))
    return [str(row["id"]), *words]
