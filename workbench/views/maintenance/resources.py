"""What the work takes: technicians with their shifts and absences, parts, and purchase requests."""

from collections.abc import Mapping
from html import escape
from typing import Any, ClassVar

import ipywidgets as widgets
import pandas as pd

from workbench.counts import counted
from workbench.exceptions import ViewError
from workbench.maintenance.orders.people import absence_days
from workbench.maintenance.values import MAX_COST, MAX_HOURLY_RATE, MAX_PART_PIECES, MAX_WAIT_DAYS
from workbench.views.maintenance.form import Form, items_of
from workbench.views.maintenance.mode import Mode
from workbench.views.state import State
from workbench.views.widgets.boxes import box, button
from workbench.views.widgets.callbacks import callback
from workbench.views.widgets.grid import Column, Grid, cell, table_markup
from workbench.views.widgets.refusals import Range
from workbench.views.widgets.times import in_utc, without_zone

__all__ = ["Resources"]

_PIECES = Range(1, MAX_PART_PIECES)
_PEOPLE_COLUMNS = (
    Column("", "technician"),
    Column("", "skills"),
    Column("", "shifts"),
    Column("", "absent"),
    Column("", "orders", True, "open orders assigned"),
    Column("", "hours", True, "estimated hours of these"),
)
_PART_COLUMNS = (
    Column("", "part"),
    Column("", "in stock", True),
    Column("", "reserved", True),
    Column("", "available", True),
    Column("", "minimum", True),
    Column("", "lead time, days", True),
    Column("", ""),
)
_REQUEST_COLUMNS = (
    Column("", "request", True),
    Column("", "part"),
    Column("", "to come", True, "pieces that have not been received"),
    Column("", "state"),
    Column("", "expected, UTC"),
    Column("", "note"),
)


class Resources(Mode):
    """Three tables, each with the form of one of its rows.

    Attributes
    ----------
    technicians, parts, requests : pandas.DataFrame
        What `People.list`, `Parts.list` and `Purchases.list` return.
    people, stock, purchases : Grid
        The three tables.
    person, part, purchase : Form
        Their forms.
    save, receive, set : ipywidgets.Button
        Save the technician; add to the stock; save the part.
    request, change, receive_request, cancel : ipywidgets.Button
        Request pieces of a part; change the chosen request, receive it, or cancel it.
    """

    name: ClassVar[str] = "Resources"
    css: ClassVar[str] = "wb-mode wb-mode-entry wb-mode-resources"
    keys: ClassVar[tuple[str, ...]] = ("request",)

    def build(self) -> list[widgets.Widget]:
        """Make the widgets, empty; called once."""
        self.technicians = self.parts = self.requests = pd.DataFrame()
        self._chosen = ""
        self._asked: tuple[str, ...] = ()
        self.people = Grid("Technicians", pick=self.on_person)
        self.stock = Grid("Stock of parts", pick=self.on_part)
        self.purchases = Grid("Purchase requests", pick=self.on_request)
        self.save = button("Save technician", "Add a technician, or change the one of this name", self.on_save)
        self.person = Form(
            "Technicians",
            {
                "name": widgets.Text(description="Name", continuous_update=False),
                "skills": widgets.Text(description="Skills", placeholder="rf, optics", continuous_update=False),
                "rate": widgets.FloatText(description="Hourly rate"),
                "shifts": widgets.Text(
                    description="Shifts", placeholder="Mon-Fri 06:00-14:00; Sat 06:00-12:00", continuous_update=False
                ),
                "zone": widgets.Text("UTC", description="Time zone", continuous_update=False),
                "absent": widgets.Text(
                    description="Absent", placeholder="2026-12-24..2026-12-31; 2027-01-04", continuous_update=False
                ),
                "active": widgets.Checkbox(True, description="Takes orders", indent=False),
            },
            [self.save],
            {"shifts": r"hours|window|opens", "zone": r"zone", "absent": r"absence|range of days"},
            {"rate": Range(0, MAX_HOURLY_RATE)},
        )
        self.receive = button(
            "Receive", "Add this quantity to the stock; orders that wait for the part get theirs", self.on_receive
        )
        self.set = button("Save part", "Add a part, or change its minimum, lead time and price", self.on_set)
        self.part = Form(
            "Parts",
            {
                "part": widgets.Text(description="Part", continuous_update=False),
                "quantity": widgets.IntText(1, description="Quantity"),
                "minimum": widgets.IntText(0, description="Minimum"),
                "lead": widgets.FloatText(description="Lead time, days"),
                "price": widgets.FloatText(description="Unit price"),
            },
            [self.receive, self.set],
            {"part": r"\bpart\b", "quantity": r"pieces|stock", "lead": r"lead.days", "price": r"unit.cost"},
            {
                "quantity": _PIECES,
                "minimum": Range(0, MAX_PART_PIECES),
                "lead": Range(0, MAX_WAIT_DAYS),
                "price": Range(0, MAX_COST),
            },
        )
        self.request = button("Request", "Request pieces of a part", self.on_new_request)
        self.change = button("Save request", "Change the chosen request", self.on_change)
        self.receive_request = button("Receive request", "The quantity has come", self.on_receive_request)
        self.cancel = button("Cancel request", "Cancel the chosen request; the note is the reason", self.on_cancel)
        self.purchase = Form(
            "Purchase requests",
            {
                "part": widgets.Combobox(description="Part", continuous_update=False),
                "quantity": widgets.IntText(1, description="Quantity"),
                "ordered": widgets.NaiveDatetimePicker(description="Ordered, UTC"),
                "expected": widgets.NaiveDatetimePicker(description="Expected, UTC"),
                "note": widgets.Text(description="Note", placeholder="supplier", continuous_update=False),
            },
            [self.request, self.change, self.receive_request, self.cancel],
            {
                "part": r"there is no part",
                "quantity": r"pieces",
                "ordered": r"date of the order",
                "expected": r"expected date",
                "note": r"reason|note",
            },
            {"quantity": _PIECES},
        )
        for form, grid in ((self.person, self.people), (self.part, self.stock), (self.purchase, self.purchases)):
            form.box.children = (form.box.children[0], grid, *form.box.children[1:])
        return [box("wb-body", box("wb-left", self.person.box), box("wb-right", self.part.box, self.purchase.box))]

    def refresh(self) -> str:
        """Read technicians, stock and requests again, and return the words beside the title."""
        self.technicians, self.parts = self.desk.people.list(), self.desk.parts.list()
        self.requests = self.desk.purchases.list()
        self.purchase.fields["part"].options = self.parts["name"].tolist()
        self.people.html = _people_markup(self.technicians)
        self.stock.html = _stock_markup(self.parts)
        self.purchases.html = _requests_markup(self.requests)
        self._offer()
        if self._chosen and not self.purchase.fields["part"].value:
            self._fill()
        below, overdue = int(self.parts["below"].sum()), int(self.requests["overdue"].sum())
        words = (
            f"{counted(len(self.technicians), 'technician')}, {counted(len(self.requests), 'open purchase request')}"
        )
        late = [f"{counted(below, 'part')} to reorder"] if below else []
        late += [f"{counted(overdue, 'delivery', 'deliveries')} overdue"] if overdue else []
        mark = f" <b class='high'><span class='wb-symbol'>▲</span>{', '.join(late)}</b>"
        return words + (mark if late else "")

    def read_state(self) -> Mapping[str, object]:
        """Return the request that is chosen."""
        return {"request": self._chosen or None}

    def apply_state(self, state: State) -> None:
        """Take the chosen request of a link.

        Parameters
        ----------
        state : State
            State of the link.
        """
        self._chosen = state.get("request", "")

    def shown_table(self) -> pd.DataFrame:
        """Return the technicians that are listed."""
        return self.technicians

    def code_lines(self) -> list[str]:
        """Return the cells that list technicians, stock and requests."""
        return [f"session.maintenance.{name}.list()" for name in ("people", "parts", "purchases")]

    # ---- callbacks

    @callback
    def on_person(self, name: str) -> None:
        """Fill the form with a technician."""
        row: Any = self.technicians.set_index("name").loc[name]
        values: dict[str, Any] = {key: row[key] for key in ("skills", "shifts", "absent")}
        values |= {"rate": float(row["rate"]), "active": bool(row["active"]), "zone": row["timezone"]}
        self.person.fill({"name": name, **values})

    @callback
    def on_part(self, name: str) -> None:
        """Fill the fields with a part of the stock."""
        row = self.parts[self.parts["name"] == name].iloc[0]
        lead = 0.0 if pd.isna(row["lead_days"]) else float(row["lead_days"])
        price = 0.0 if pd.isna(row["unit_cost"]) else float(row["unit_cost"])
        self.part.fill({"part": name, "minimum": int(row["minimum"]), "lead": lead, "price": price})
        self.purchase.fields["part"].value = name

    @callback
    def on_request(self, number: str) -> None:
        """Choose a request, and fill the form with it."""
        self._chosen = number
        self._fill()
        self._offer()
        self.view.moved()

    @callback
    def on_save(self, pressed: widgets.Button) -> None:
        """Save a technician as the form says."""
        del pressed
        with self.person.refusing():
            values = self.person.values()
            self._ask(self.desk.questions(new_person=values["name"]))
            content = {
                "skills": ("skills", items_of(values["skills"])),
                "rate": ("rate", values["rate"]),
                "shifts": ("hours", items_of(values["shifts"], ";")),
                "zone": ("timezone", values["zone"] or "UTC"),
                "absent": ("closed", absence_days(items_of(values["absent"], ";"))),
                "active": ("active", values["active"]),
            }
            changed = self.person.changed("name")
            self.desk.people.set(
                values["name"], self.view.who, **dict(entry for field, entry in content.items() if field in changed)
            )
            self._done(self.person, f"{values['name']} is saved.")

    @callback
    def on_receive(self, pressed: widgets.Button) -> None:
        """Add a quantity of a part to the stock."""
        del pressed
        with self.part.refusing():
            values = self.part.values()
            self.desk.parts.receive(values["part"], values["quantity"], self.view.who)
            self._done(self.part, f"{values['quantity']:,} added to the stock of {values['part']}.")

    @callback
    def on_set(self, pressed: widgets.Button) -> None:
        """Save a part with its minimum, lead time and price."""
        del pressed
        with self.part.refusing():
            values = self.part.values()
            changed = self.part.changed("part")
            self._ask(self.desk.questions(new_part=values["part"]))
            self.desk.parts.set(
                values["part"],
                self.view.who,
                minimum=changed.get("minimum"),
                lead_days=changed.get("lead"),
                unit_cost=changed.get("price"),
            )
            self._done(self.part, f"{values['part']} is saved.")

    @callback
    def on_new_request(self, pressed: widgets.Button) -> None:
        """Request pieces of a part."""
        del pressed
        with self.purchase.refusing():
            values = self.purchase.values()
            dates = {name: in_utc(values[name]) for name in ("ordered", "expected")}
            self._ask(self.desk.questions(ordered=dates["ordered"], expected=dates["expected"]))
            number = self.desk.purchases.request(
                values["part"], values["quantity"], self.view.who, note=values["note"], **dates
            )
            self._chosen = str(number)
            self._done(self.purchase, f"Purchase request {number} is open.")

    @callback
    def on_change(self, pressed: widgets.Button) -> None:
        """Change the chosen request as the form says."""
        del pressed
        with self.purchase.refusing():
            row, changed = self._row(), self.purchase.changed("part")
            changes: dict[str, Any] = {
                name: in_utc(changed[name]) for name in ("ordered", "expected") if changed.get(name) is not None
            }
            if "quantity" in changed:
                changes["pieces"] = changed["quantity"] + int(row["received"])
            if "note" in changed:
                changes["note"] = changed["note"]
            self.desk.purchases.change(int(self._chosen), self.view.who, **changes)
            self._done(self.purchase, f"Purchase request {self._chosen} is changed.")

    @callback
    def on_receive_request(self, pressed: widgets.Button) -> None:
        """Receive the quantity of the form for the chosen request."""
        del pressed
        with self.purchase.refusing():
            self._row()
            self.desk.purchases.receive(int(self._chosen), self.view.who, self.purchase.values()["quantity"])
            self._done(self.purchase, f"Purchase request {self._chosen}: received.")

    @callback
    def on_cancel(self, pressed: widgets.Button) -> None:
        """Cancel the chosen request; its note is the reason."""
        del pressed
        with self.purchase.refusing():
            self._row()
            self.desk.purchases.cancel(int(self._chosen), self.purchase.values()["note"], self.view.who)
            self._done(self.purchase, f"Purchase request {self._chosen} is cancelled.")

    # ---- parts

    def _row(self) -> Any:
        """Return the row of the chosen request."""
        if self._chosen not in set(self.requests["id"].astype(str)):
            raise ViewError("No open request is chosen.", "Choose a request of the list.")
        return self.requests.set_index("id").loc[int(self._chosen)]

    def _ask(self, questions: tuple[str, ...]) -> None:
        """Raise an error with the questions about what was entered; the same values are taken the second time."""
        if questions and questions != self._asked:
            self._asked = questions
            raise ViewError(" ".join(questions), "Correct it, or press again if this is right.")
        self._asked = ()

    def _done(self, form: Form, words: str) -> None:
        self.view.changed()
        form.done(words)

    def _fill(self) -> None:
        """Fill the form with the chosen request."""
        row = self._row()
        times = {"ordered": without_zone(row["ordered_at"]), "expected": without_zone(row["expected_at"])}
        pieces = int(row["pieces"] - row["received"])
        self.purchase.fill({"part": row["part"], "quantity": pieces, "note": row["note"], **times})

    def _offer(self) -> None:
        """Show the buttons for the chosen request, where one is."""
        if self._chosen not in set(self.requests["id"].astype(str)):
            self._chosen = ""
        self.purchases.chosen = self._chosen
        for made in (self.change, self.receive_request, self.cancel):
            made.layout.display = None if self._chosen else "none"


def _people_markup(people: pd.DataFrame) -> str:
    rows, classes = [], {}
    for row in people.to_dict(orient="records"):
        zone = f" ({row['timezone']})" if row["shifts"] and row["timezone"] != "UTC" else ""
        shifts = f"{row['shifts']}{zone}" if row["shifts"] else "all maintenance windows"
        absent = row["absent"] if row["active"] else "takes no orders"
        cells = [cell(row["name"]), cell(row["skills"]), cell(shifts), cell(absent)]
        rows.append((row["name"], [*cells, str(row["orders"]), f"{row['hours']:g}"]))
        classes[row["name"]] = "" if row["active"] else "wb-closed"
    note = "<p class='wb-note wb-muted'>No technicians yet. Add one below.</p>"
    return table_markup(_PEOPLE_COLUMNS, rows, classes=classes) if rows else note


def _stock_markup(parts: pd.DataFrame) -> str:
    rows, classes = [], {}
    for row in parts.to_dict(orient="records"):
        numbers = [f"{row[name]}" for name in ("stock", "reserved", "available", "minimum")]
        lead = "" if pd.isna(row["lead_days"]) else f"{row['lead_days']:g}"
        mark = "<span class='wb-symbol' aria-hidden='true'>▲</span>reorder" if row["below"] else ""
        rows.append((row["name"], [cell(row["name"], title=row["description"]), *numbers, lead, mark]))
        classes[row["name"]] = "high" if row["below"] else ""
    note = "<p class='wb-note wb-muted'>No parts yet. Add one below.</p>"
    return table_markup(_PART_COLUMNS, rows, classes=classes) if rows else note


def _requests_markup(requests: pd.DataFrame) -> str:
    rows, classes = [], {}
    for row in requests.to_dict(orient="records"):
        expected = f"{row['expected_at']:%Y-%m-%d}" if pd.notna(row["expected_at"]) else "no date"
        mark = " <span class='wb-symbol' aria-hidden='true'>▲</span>overdue" if row["overdue"] else ""
        number, left = str(row["id"]), row["pieces"] - row["received"]
        rows.append(
            (number, [number, cell(row["part"]), str(left), cell(row["state"]), expected + mark, escape(row["note"])])
        )
        classes[number] = "high" if row["overdue"] else ""
    note = "<p class='wb-note wb-muted'>No open requests. An order that lacks a part opens one by itself.</p>"
    return table_markup(_REQUEST_COLUMNS, rows, classes=classes) if rows else note
