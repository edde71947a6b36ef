"""Known events: the nominal events that verdicts have taught, and what can be done to them."""

from html import escape
from typing import Any, ClassVar

import ipywidgets as widgets
import pandas as pd

from workbench.counts import counted
from workbench.exceptions import ViewError
from workbench.views.anomalies.panel import Chosen, Panel
from workbench.views.markup import age, sparkline
from workbench.views.widgets.boxes import box, button, classed
from workbench.views.widgets.callbacks import callback
from workbench.views.widgets.grid import Column, Grid, cell, table_markup

__all__ = ["Known"]

_MAX_LISTED_EVENTS = 200
_MAX_DRAWN_SHAPES = 4
_CONFIRM = "Remove for good?"
_EMPTY = (
    "No known events yet. Close an alert with the verdict known behaviour or test: an anomaly of the same shape is "
    "then recognised, and opens no work order."
)
_COLUMNS = (
    Column("", "event"),
    Column("", "channel"),
    Column("", "state"),
    Column("", "repetitions", number=True, tip="Occurrences whose shape is kept"),
    Column("", "bound", number=True, tip="Largest distance at which an anomaly is this event, 0 to 2"),
    Column("", "applied", number=True, tip="Alerts that were recognised as this event"),
    Column("", "last", number=True, tip="When an alert was last recognised as this event"),
)


class Known(Panel):
    """The known events of the fleet, those of the alert's channel first.

    Attributes
    ----------
    table : pandas.DataFrame
        The events, as `KnownEvents.list` returns them.
    event : int or None
        Number of the event that is chosen; None where there is none.
    """

    name: ClassVar[str] = "Known events"
    css: ClassVar[str] = "wb-tabbed wb-tab-known"
    tip: ClassVar[str] = "Nominal events that open no work order when they come again"

    def build(self) -> list[widgets.Widget]:
        """Make the widgets, empty; called once."""
        self.table = pd.DataFrame()
        self.event: int | None = None
        self._of: tuple[Any, ...] | None = None
        self._filled: tuple[Any, ...] = ()
        self.label = classed(widgets.Text(description="Name", continuous_update=False), "wb-field wb-field-text")
        self.bound = classed(widgets.Text(description="Bound", continuous_update=False), "wb-field wb-field-bound")
        self.bound.tooltip = "Largest distance at which an anomaly is this event; empty for the learnt bound"
        self.save = button("Save", "Save the name and the bound", self.on_save)
        self.switch = button("Disable", "Stop applying this event, or apply it again", self.on_switch)
        self.remove = button("Remove", "Remove this event for good", self.on_remove)
        self.words = classed(widgets.HTML(), "wb-words")
        self.grid = Grid("Known events", pick=self.on_pick)
        self._form = box("wb-fields", self.label, self.bound, self.save, self.switch, self.remove)
        return [self._form, self.words, self.grid]

    def show(self, chosen: Chosen) -> None:
        """Show the events, and choose the one as which the alert was recognised, or the first of its channel.

        Parameters
        ----------
        chosen : Chosen
            The alert and its channel.
        """
        is_other_alert = self._of != chosen.place
        self.chosen, self._of = chosen, chosen.place
        self._read(chosen.channel)
        if is_other_alert or self._row() is None:
            events = self.view.session.maintenance.known
            recognised = events.event_of(int(chosen.row["id"]))
            own = self.table.loc[self.table["channel"] == chosen.channel, "id"]
            first = next(iter([*own, *self.table["id"]]), None)
            self.event = first if recognised is None else recognised
        self._show_event()

    @callback
    def on_pick(self, name: str) -> None:
        """Choose an event of the table."""
        self.event = int(name)
        self._show_event()

    @callback
    def on_save(self, pressed: widgets.Button) -> None:
        """Save the name and the bound where they have changed."""
        del pressed
        row, events, who = self._chosen_row(), self.view.session.maintenance.known, self.view.who
        bound = _bound(self.bound.value)
        event, version = int(row["id"]), int(row["version"])
        if self.label.value.strip() != row["name"]:
            version = events.rename(event, who, self.label.value, version=version).version
        if bound != _chosen_bound(row):
            events.set_bound(event, who, bound, version=version)
        self._changed()

    @callback
    def on_switch(self, pressed: widgets.Button) -> None:
        """Disable the event, or enable it again."""
        del pressed
        row, events = self._chosen_row(), self.view.session.maintenance.known
        switch = events.enable if row["state"] == "disabled" else events.disable
        switch(int(row["id"]), self.view.who, version=int(row["version"]))
        self._changed()

    @callback
    def on_remove(self, pressed: widgets.Button) -> None:
        """Remove the event for good, at the second press."""
        row = self._chosen_row()
        if pressed.description != _CONFIRM:
            pressed.description = _CONFIRM
            return
        self.view.session.maintenance.known.remove(int(row["id"]), self.view.who, version=int(row["version"]))
        self.event = None
        self._changed()

    # ---- parts

    def _changed(self) -> None:
        """Read the alerts again, whose levels may be others now, and tell the other views."""
        self.view.outdate()
        self.view.altered()

    def _read(self, channel: str) -> None:
        table = self.view.session.maintenance.known.list()
        is_other = (table["channel"] != channel).astype(int)
        self.table = table.assign(other=is_other).sort_values("other", kind="stable").drop(columns="other")
        now = self.view.session.clock()
        rows = [
            (
                str(row["id"]),
                [
                    cell(row["name"], title=row["reason"]),
                    cell(row["channel"]),
                    cell(row["state"], title=row["reason"]),
                    str(row["repetitions"]),
                    "" if pd.isna(row["bound"]) else f"{row['bound']:.2f}",
                    str(row["applied"]),
                    "" if pd.isna(row["last_applied"]) else age(row["last_applied"], now),
                ],
            )
            for row in self.table.head(_MAX_LISTED_EVENTS).to_dict(orient="records")
        ]
        total = len(self.table)
        note = f"{_MAX_LISTED_EVENTS} of {total:,}" if total > _MAX_LISTED_EVENTS else ""
        self.grid.html = table_markup(_COLUMNS, rows, note=note) if rows else f"<p class='wb-note'>{_EMPTY}</p>"

    def _row(self) -> dict[Any, Any] | None:
        rows = self.table[self.table["id"] == self.event] if len(self.table) else self.table
        return None if rows.empty else rows.iloc[0].to_dict()

    def _chosen_row(self) -> dict[Any, Any]:
        row = self._row()
        if row is None:
            raise ViewError("No known event is chosen.", "Choose one of the table.")
        return row

    def _show_event(self) -> None:
        """Fill the form with the chosen event, and draw its shape."""
        row = self._row()
        self._form.layout.display = "none" if row is None else None
        self.grid.chosen = "" if row is None else str(self.event)
        filled = () if row is None else (row["id"], row["version"])
        is_other, self._filled = filled != self._filled, filled
        if row is None:
            self.words.value = ""
            return
        if is_other:  # what was entered stays when something else has changed
            bound = _chosen_bound(row)
            self.label.value = row["name"]
            self.bound.value = "" if bound is None else f"{bound:g}"
            self.remove.description = "Remove"
        self.bound.placeholder = "" if pd.isna(row["bound"]) else f"{row['bound']:.2f}, learnt"
        self.switch.description = "Enable" if row["state"] == "disabled" else "Disable"
        shapes = self.view.session.maintenance.known.shapes(int(row["id"]))
        learnt = shapes[shapes["state"] == "learnt"]
        drawings = "".join(sparkline(values, [], width=90) for values in learnt["telemetry"].head(_MAX_DRAWN_SHAPES))
        self.words.value = f"<p class='wb-line'>{drawings}<span>{escape(_event_words(row))}</span></p>"


def _event_words(row: dict[Any, Any]) -> str:
    """Say what an event is recognised by."""
    if row["reason"] and not row["repetitions"]:
        return str(row["reason"])
    if not row["repetitions"]:
        return "The telemetry of this event is not in the archive; it is recognised once it was read."
    applied = counted(int(row["applied"]), "alert")
    return (
        f"{row['samples']:,} samples with context; taught by {row['created_by']}; bound {row['bound']:.2f} "
        f"({row['bound_from']}); recognised in {applied}."
    )


def _chosen_bound(row: dict[Any, Any]) -> float | None:
    """Return the bound that a person has set; None where it is learnt."""
    return float(row["bound"]) if row["bound_from"] == "set by a person" else None


def _bound(text: str) -> float | None:
    """Read a bound; None where the text is empty."""
    if not text.strip():
        return None
    try:
        return float(text)
    except ValueError:
        raise ViewError(f"{text!r} is not a number.", "Enter a bound, for example 0.3, or nothing.") from None
