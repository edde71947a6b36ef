"""The asset register, with the meters and the outages of the assets."""

from collections.abc import Mapping
from datetime import UTC, datetime, time
from html import escape
from typing import Any, ClassVar

import ipywidgets as widgets
import pandas as pd

from workbench.counts import counted
from workbench.exceptions import ViewError
from workbench.maintenance.register.items import KINDS
from workbench.maintenance.values import MAX_METER_READING
from workbench.views.maintenance.form import AssetField, Form, items_of
from workbench.views.maintenance.mode import Mode
from workbench.views.maintenance.order_commands import part_quantities
from workbench.views.state import State
from workbench.views.widgets.boxes import box, button, classed
from workbench.views.widgets.callbacks import callback
from workbench.views.widgets.cards import empty_card
from workbench.views.widgets.grid import Column, Grid, cell, table_markup
from workbench.views.widgets.refusals import Range
from workbench.views.widgets.times import in_utc

__all__ = ["Assets"]

_COLUMNS = (
    Column("", "name"),
    Column("", "kind"),
    Column("", "title"),
    Column("", "criticality", True, "1 (little depends on it) to 5 (everything)"),
    Column("", "state"),
    Column("", "orders", True, "active work orders on it and on what belongs to it"),
    Column("", "plans", True, "active preventive plans"),
)
_METER_COLUMNS = (Column("", "asset"), Column("", "meter"), Column("", "reading", True), Column("", "read, UTC"))
_OUTAGE_COLUMNS = (Column("", "asset"), Column("", "since, UTC"), Column("", "until, UTC"), Column("", "reason"))
_FIELDS = ("name", "kind", "parent", "title", "criticality", "from", "to", "parts", "documents", "reason")
_MAX_SHOWN_OUTAGES = 50
_UNKNOWN = "not known"


class Assets(Mode):
    """The register, the form of one of its items, and the readings and outages of all.

    Attributes
    ----------
    register, meters, outages : pandas.DataFrame
        What `AssetRegister.list`, `Preventive.meters` and `Outages.list` return.
    table, readings, stops : Grid
        The three tables.
    form, reading, outage : Form
        The forms of an item, of a reading and of an outage.
    add, save, retire, move : ipywidgets.Button
        Add what the form says, change the chosen item, retire it, or move the records of an unregistered name.
    record, begin, end : ipywidgets.Button
        Record a reading; take an asset out of service, and put it back.
    """

    name: ClassVar[str] = "Assets"
    css: ClassVar[str] = "wb-mode wb-mode-entry wb-mode-assets"
    keys: ClassVar[tuple[str, ...]] = ("item",)

    def build(self) -> list[widgets.Widget]:
        """Make the widgets, empty; called once."""
        self.register = self.meters = self.outages = pd.DataFrame()
        self._chosen = ""
        self._empty = widgets.HTML()
        self._find = classed(widgets.Text(placeholder="name or title"), "wb-search")
        self._find.tooltip = "Show only assets with this text in their name or title"
        self._find.observe(self.on_find, "value")
        self.table = Grid("Asset register", pick=self.on_pick)
        self.readings = Grid("Meters", pick=self.on_meter)
        self.stops = Grid("Outages", pick=self.on_outage)
        self._clear = button("New", "Empty the form, to add something", self.on_new)
        self.add = button("Add", "Add what the form says", self.on_add, "wb-confirm")
        self.save = button("Save changes", "Change what is chosen as the form says", self.on_save, "wb-confirm")
        self.retire = button("Retire", "Take it out of service for good, with a reason", self.on_retire)
        self.move = button("Move records", "Move its orders, plans and meters to the parent", self.on_move)
        self.form = Form(
            "Asset",
            {
                "name": widgets.Text(description="Name", continuous_update=False),
                "kind": widgets.Dropdown(options=list(KINDS), value="asset", description="Kind"),
                "parent": AssetField(description="Belongs to"),
                "title": widgets.Text(description="Title", continuous_update=False),
                "criticality": widgets.Dropdown(
                    options=[(_UNKNOWN, 0), *((str(number), number) for number in range(1, 6))],
                    description="Criticality",
                ),
                "from": widgets.DatePicker(description="In service from"),
                "to": widgets.DatePicker(description="In service to"),
                "parts": widgets.Text(description="Spare parts", placeholder="seal=2", continuous_update=False),
                "documents": widgets.Text(
                    description="Documents", placeholder="https://...; /path/manual.pdf", continuous_update=False
                ),
                "reason": widgets.Text(description="Reason", continuous_update=False),
            },
            [self.add, self.save, self.retire, self.move, self._clear],
            {
                "reason": r"\breason\b",
                "criticality": r"criticality",
                "to": r"in service|end of",
                "parts": r"\bparts?\b|pieces",
                "documents": r"web address|document",
                "parent": r"belong|moved",
                "name": r"\bname\b|there is an? .* already|no asset",
            },
        )
        self.record = button("Record reading", "Record a reading; orders that are due open", self.on_record)
        self.reading = Form(
            "Meters",
            {
                "asset": AssetField(description="Asset"),
                "meter": widgets.Text(description="Meter", placeholder="hours", continuous_update=False),
                "value": widgets.FloatText(description="Reading"),
            },
            [self.record],
            {"meter": r"the name of the meter", "value": r"reading"},
            {"value": Range(0, MAX_METER_READING)},
        )
        self.begin = button("Begin outage", "Take the asset out of service: its alerts are suppressed", self.on_begin)
        self.end = button("End outage", "Put the asset back into service", self.on_end)
        self.outage = Form(
            "Outages",
            {
                "asset": AssetField(description="Asset"),
                "reason": widgets.Text(description="Reason", continuous_update=False),
                "until": widgets.NaiveDatetimePicker(description="Until, UTC"),
            },
            [self.begin, self.end],
            {"until": r"in the past|end of an outage", "asset": r"no asset|service", "reason": r"reason"},
        )
        self.reading.box.children = (*self.reading.box.children, self.readings)
        self.outage.box.children = (*self.outage.box.children, self.stops)
        left = box("wb-left", box("wb-panel wb-entry-list", self._empty, self.table))
        right = box("wb-right", self.form.box, self.reading.box, self.outage.box)
        self._new()
        return [box("wb-bar wb-filters", self._find), box("wb-body", left, right)]

    def refresh(self) -> str:
        """Read register, meters and outages again, and return the words beside the title."""
        self.register = self.desk.register.list()
        self.meters = self.desk.preventive.meters()
        self.outages = self.desk.outages.list().head(_MAX_SHOWN_OUTAGES)
        registered = self.register[self.register["state"] != "unregistered"]
        names = registered["name"].tolist()
        self.form.fields["parent"].offer(names, self.desk.asset_name)
        assets = registered[registered["kind"].isin(KINDS[:3])]["name"].tolist()
        for field in (self.reading.fields["asset"], self.outage.fields["asset"]):
            field.offer(assets, self.desk.asset_name)
        self._show()
        unregistered = len(self.register) - len(registered)
        out = int(self.outages["ended_at"].isna().sum())
        words = f"{counted(len(registered), 'item')}, {counted(out, 'asset')} out of service"
        mark = f" <b class='high'><span class='wb-symbol'>▲</span>{counted(unregistered, 'name')} not registered</b>"
        return words + (mark if unregistered else "")

    def read_state(self) -> Mapping[str, object]:
        """Return what is chosen."""
        return {"item": self._chosen or None}

    def apply_state(self, state: State) -> None:
        """Take the chosen item of a link.

        Parameters
        ----------
        state : State
            State of the link.
        """
        self._chosen = state.get("item", "")

    def shown_table(self) -> pd.DataFrame:
        """Return the asset register that is listed."""
        return self.register

    def code_lines(self) -> list[str]:
        """Return the cell that lists the register."""
        return ["session.maintenance.register.list()"]

    # ---- callbacks

    @callback
    def on_find(self, change: dict[str, Any]) -> None:
        """List what has the text in its name or title."""
        del change
        self._show()

    @callback
    def on_pick(self, name: str) -> None:
        """Choose an item, and fill the forms with it."""
        self._chosen = name
        self._fill()
        self.view.moved()

    @callback
    def on_meter(self, key: str) -> None:
        """Fill the form of a reading with a meter."""
        asset, _, meter = key.partition("\t")
        row = self.meters[(self.meters["asset"] == asset) & (self.meters["meter"] == meter)].iloc[0]
        self.reading.fill({"asset": asset, "meter": meter, "value": float(row["value"])})

    @callback
    def on_outage(self, number: str) -> None:
        """Fill the form of an outage with one of the list."""
        row = self.outages.set_index("id").loc[int(number)]
        self.outage.fill({"asset": row["asset"], "reason": row["why"]})

    @callback
    def on_new(self, pressed: widgets.Button) -> None:
        """Empty the form for something new."""
        del pressed
        self._new()

    @callback
    def on_add(self, pressed: widgets.Button) -> None:
        """Add what the form says."""
        del pressed
        with self.form.refusing():
            values = self.form.values()
            given = {name: value for name, value in _values(values).items() if value}
            self._chosen = self.desk.register.add(
                values["name"], values["kind"], self.view.who, parent=values["parent"], **given
            )
            self._done(self.form, f"{self._chosen} is added.")

    @callback
    def on_save(self, pressed: widgets.Button) -> None:
        """Change what is chosen as the form says."""
        del pressed
        with self.form.refusing():
            values, before = self.form.values(), self.form.filled
            changes = {name: value for name, value in _values(values).items() if value != _values(before)[name]}
            parent = values["parent"] if values["parent"] != before["parent"] else None
            self.desk.register.change(self._chosen, self.view.who, parent=parent, **changes)
            self._done(self.form, f"{self._chosen} is changed.")

    @callback
    def on_retire(self, pressed: widgets.Button) -> None:
        """Retire what is chosen: on the day of the form where that is new, else now."""
        del pressed
        with self.form.refusing():
            values, before = self.form.values(), self.form.filled
            at = _midnight(values["to"]) if values["to"] != before["to"] else None
            self.desk.register.retire(self._chosen, self.view.who, values["reason"], at)
            self._done(self.form, f"{self._chosen} is retired.")

    @callback
    def on_move(self, pressed: widgets.Button) -> None:
        """Move the records of an unregistered name to what the form names as its parent."""
        del pressed
        with self.form.refusing():
            to = self.form.values()["parent"]
            if not to:
                raise ViewError("It belongs to nothing yet.", "Choose the asset that the name means.")
            count = self.desk.register.move_records(self._chosen, to, self.view.who)
            name, self._chosen = self._chosen, to
            self._done(self.form, f"{counted(count, 'record')} of {name} moved to {to}.")

    @callback
    def on_record(self, pressed: widgets.Button) -> None:
        """Record a reading, and open the orders that are due."""
        del pressed
        with self.reading.refusing():
            values = self.reading.values()
            self.desk.preventive.read_meter(values["asset"], values["meter"], values["value"], self.view.who)
            numbers = self.desk.preventive.open_due(self.view.who)
            opened = f"; {', '.join(numbers)} opened" if numbers else ""
            self._done(
                self.reading,
                f"{values['meter']} of {self.desk.asset_name(values['asset'])} is {values['value']:g}{opened}.",
            )

    @callback
    def on_begin(self, pressed: widgets.Button) -> None:
        """Take an asset out of service."""
        del pressed
        with self.outage.refusing():
            values = self.outage.values()
            self.desk.outages.start(values["asset"], self.view.who, values["reason"], in_utc(values["until"]))
            self._done(self.outage, f"{self.desk.asset_name(values['asset'])} is out of service.")

    @callback
    def on_end(self, pressed: widgets.Button) -> None:
        """Put an asset back into service."""
        del pressed
        with self.outage.refusing():
            asset = self.outage.values()["asset"]
            shown = self.desk.outages.end(asset, self.view.who)
            self._done(
                self.outage, f"{self.desk.asset_name(asset)} is in service; {counted(len(shown), 'alert')} shown again."
            )

    # ---- parts

    def _done(self, form: Form, words: str) -> None:
        self.view.changed()
        self._fill()
        form.done(words)

    def _new(self) -> None:
        self._chosen = ""
        empty = {"name": "", "kind": "asset", "parent": "", "title": "", "criticality": 0, "from": None, "to": None}
        self.form.fill({**empty, "parts": "", "documents": "", "reason": ""})
        self._offer("")

    def _fill(self) -> None:
        """Fill the forms with what is chosen."""
        rows = self.register[self.register["name"] == self._chosen]
        if rows.empty:
            self._new()
            return
        state, kind = rows["state"].iloc[0], rows["kind"].iloc[0]
        if state == "unregistered":
            name = self._chosen
            self._new()
            self._chosen = name
            self.form.fill({"name": name})
        else:
            self.form.fill({**_item_values(self.desk.register.get(self._chosen)), "reason": ""})
        self._offer(state)
        self.table.chosen = self._chosen
        asset = self.desk.register.location_of(self._chosen).asset if kind else ""
        self.reading.fill({"asset": asset})
        self.outage.fill({"asset": asset})

    def _offer(self, state: str) -> None:
        """Show the buttons and fields for what is chosen."""
        registered = state not in ("", "unregistered")
        for made, shown in (
            (self.add, not registered),
            (self.save, registered),
            (self.retire, registered and state != "retired"),
            (self.move, state == "unregistered"),
            (self._clear, bool(state)),
        ):
            made.layout.display = None if shown else "none"
        self.form.show(_FIELDS if registered else _FIELDS[:-1])
        for name in ("name", "kind"):
            self.form.fields[name].disabled = registered

    def _show(self) -> None:
        wanted, depth = self._find.value.strip().lower(), dict[str, int]()
        rows, classes = [], {}
        for row in self.register.to_dict(orient="records"):
            depth[row["name"]] = depth.get(row["parent"], -1) + 1
            if wanted in row["name"].lower() or wanted in str(row["title"]).lower():
                rows.append((row["name"], _cells(row, 0 if wanted else depth[row["name"]])))
                classes[row["name"]] = {"unregistered": "high", "retired": "wb-closed"}.get(row["state"], "")
        self.table.html = table_markup(_COLUMNS, rows, classes=classes) if rows else ""
        self._empty.value = "" if rows else empty_card("No assets match.", "Change the text, or add one with the form.")
        self.table.chosen = self._chosen
        readings = [
            _reading_row(row, self.desk.asset_name(row["asset"])) for row in self.meters.to_dict(orient="records")
        ]
        self.readings.html = table_markup(_METER_COLUMNS, readings) if readings else _note("No readings yet.")
        named = self.outages.assign(asset=self.outages["asset"].map(self.desk.asset_name))
        stops = [(str(row["id"]), _outage_cells(row)) for row in named.to_dict(orient="records")]
        ended = {
            str(row["id"]): "wb-closed" for row in self.outages.to_dict(orient="records") if pd.notna(row["ended_at"])
        }
        self.stops.html = table_markup(_OUTAGE_COLUMNS, stops, classes=ended) if stops else _note("No outages yet.")
        if self._chosen and self.form.fields["name"].value != self._chosen:
            self._fill()


def _values(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of the form as the register takes them."""
    return {
        "title": values["title"],
        "criticality": values["criticality"] or None,
        "in_service_from": _midnight(values["from"]),
        "in_service_to": _midnight(values["to"]),
        "parts": part_quantities(values["parts"]),
        "documents": items_of(values["documents"], ";"),
    }


def _item_values(item: Any) -> dict[str, Any]:
    """Return the values of an item as the form shows them."""
    return {
        "name": item.name,
        "kind": item.kind,
        "parent": item.parent,
        "title": item.title,
        "criticality": item.criticality or 0,
        "from": None if item.in_service_from is None else item.in_service_from.date(),
        "to": None if item.in_service_to is None else item.in_service_to.date(),
        "parts": ", ".join(f"{part}={pieces}" for part, pieces in item.parts.items()),
        "documents": "; ".join(one["reference"] for one in item.documents),
    }


def _midnight(day: Any) -> datetime | None:
    return None if day is None else datetime.combine(day, time(), UTC)


def _cells(row: Mapping[Any, Any], depth: int) -> list[str]:
    name = row["name"].removeprefix(f"{row['parent']}/") if depth else row["name"]
    criticality = "" if pd.isna(row["criticality"]) else str(row["criticality"])
    state = row["state"]
    if state == "unregistered":
        state = "<span class='wb-symbol' aria-hidden='true'>▲</span>not registered"
    elif pd.notna(row["in_service_to"]):
        state = cell(f"{state} {'since' if state == 'retired' else 'until'} {row['in_service_to']:%Y-%m-%d}")
    elif state == "planned":
        state = cell(f"planned from {row['in_service_from']:%Y-%m-%d}")
    indent = f"<span style='padding-left:{16 * depth}px'>{escape(name)}</span>"
    counts = (str(row[key]) if row[key] else "" for key in ("orders", "plans"))
    return [indent, cell(row["kind"]), cell(row["title"]), criticality, state, *counts]


def _reading_row(row: Mapping[Any, Any], asset: str) -> tuple[str, list[str]]:
    cells = [cell(asset), cell(row["meter"]), f"{row['value']:g}", _minute(row["read_at"])]
    return f"{row['asset']}\t{row['meter']}", cells


def _outage_cells(row: Mapping[Any, Any]) -> list[str]:
    until = row["ended_at"] if pd.notna(row["ended_at"]) else row["until"]
    words = _minute(until) if pd.notna(until) else "<b>still out</b>"
    return [cell(row["asset"]), _minute(row["since"]), words, cell(row["why"], title=row["who"])]


def _minute(when: Any) -> str:
    return f"{when:%Y-%m-%d %H:%M}"


def _note(words: str) -> str:
    return f"<p class='wb-note wb-muted'>{words}</p>"
