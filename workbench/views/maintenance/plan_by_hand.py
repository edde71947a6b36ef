"""The order of the plan that is chosen: where it is, and what moves or fixes it by hand."""

from datetime import UTC, datetime
from html import escape
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets
import pandas as pd

from workbench.exceptions import ViewError
from workbench.maintenance.orders.table import WorkOrder
from workbench.views.widgets.boxes import box, button, classed

if TYPE_CHECKING:
    from workbench.views.maintenance.plan import Plan

__all__ = ["ByHand"]

_NOTHING = "<p class='wb-note wb-muted'>Choose an order of the plan to fix it, or to place it by hand.</p>"


class ByHand:
    """Widgets; what they do is the mode's.

    Parameters
    ----------
    mode : Plan
        Whose methods `on_place`, `on_fix` and `on_open_order` they call.

    Attributes
    ----------
    widget : ipywidgets.Box
    told : ipywidgets.HTML
        What was done last.
    technician, start : ipywidgets.Widget
    place, fix, open : ipywidgets.Button
    """

    def __init__(self, mode: "Plan") -> None:
        self._about, self.told = widgets.HTML(_NOTHING), classed(widgets.HTML(), "wb-told")
        self.technician = classed(widgets.Dropdown(description="With"), "wb-field")
        self.start: Any = classed(widgets.NaiveDatetimePicker(description="at, UTC"), "wb-field wb-field-due")
        self.place = button("Place", "Put the order there, and fix it: the next plan goes around it", mode.on_place)
        self.fix = button("Fix", "Let the next plan leave it where it is, or move it again", mode.on_fix)
        self.open = button("Open order", "Show it with its checklist (Enter on a row)", mode.on_open_order)
        self._fields = box("wb-bar wb-asked", self.technician, self.start, self.place, self.fix, self.open)
        self.widget = box("wb-panel wb-by-hand", self._about, self.told, self._fields)

    def offer(self, names: list[str]) -> None:
        """Offer the technicians that there are."""
        if tuple(self.technician.options) != tuple(names):
            self.technician.options = names

    def show(self, order: WorkOrder | None, sessions: pd.DataFrame, *, fixed: bool, proposed: bool) -> None:
        """Show where an order is.

        Parameters
        ----------
        order : WorkOrder or None
        sessions : pandas.DataFrame
            Its own: technician, start, end.
        fixed : bool
            Whether the kept plan has it fixed.
        proposed : bool
            Whether this is a proposal, which nobody changes by hand.
        """
        self._fields.layout.display = "none" if order is None else None
        if order is None:
            self._about.value = _NOTHING
            return
        where = "; ".join(
            f"{row['start']:%a %d %b %H:%M} to {row['end']:%H:%M} UTC, {row['technician']}"
            for row in sessions.to_dict(orient="records")
        )
        due = "" if order.due is None else f", due {order.due:%a %d %b %H:%M}"
        state = ", fixed" if fixed and not proposed else ""
        self._about.value = (
            f"<h2>{order.number} {escape(order.title)}</h2><p class='wb-where'>{escape(where or 'no place')}{state}"
            f"<span class='wb-muted'>, {order.estimated_hours:g} h{due}</span></p>"
        )
        if len(sessions):
            self.start.value = sessions["start"].iloc[0].to_pydatetime().replace(tzinfo=None)
            if sessions["technician"].iloc[0] in self.technician.options:
                self.technician.value = sessions["technician"].iloc[0]
        self.fix.description = "Let it move" if fixed else "Fix"
        self.fix.disabled = proposed or sessions.empty
        self.place.disabled = proposed or not order.is_open

    def wanted(self) -> tuple[str, datetime]:
        """Give who shall do it, and when, in UTC.

        Raises
        ------
        ViewError
            One of them is missing.
        """
        if self.start.value is None or not self.technician.value:
            raise ViewError("Who does it, and when, is not said.", "Give technician and time.")
        return self.technician.value, self.start.value.replace(tzinfo=UTC)
