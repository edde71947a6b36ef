"""The order of the plan that is chosen: when it is planned, and what moves or fixes it by hand."""

from collections.abc import Callable
from datetime import UTC, datetime
from html import escape
from typing import Any

import ipywidgets as widgets
import pandas as pd

from workbench.exceptions import ViewError
from workbench.maintenance.orders.table import WorkOrder
from workbench.views.widgets.boxes import box, button, classed

__all__ = ["ByHand"]

_NOTHING = "<p class='wb-note wb-muted'>Choose an order of the plan to move it by hand, or to fix it.</p>"


class ByHand:
    """The widgets that show the chosen order of the plan and change its place.

    Parameters
    ----------
    place, fix, open_order : callable
        Called with the button that moves the order, that fixes or releases it, and that opens it.

    Attributes
    ----------
    widget : ipywidgets.Box
        The panel.
    status : ipywidgets.HTML
        What was done last.
    technician, start : ipywidgets.Widget
        The fields for whom and when the order is planned.
    place, fix, open : ipywidgets.Button
        The buttons.
    """

    def __init__(
        self,
        *,
        place: Callable[[widgets.Button], None],
        fix: Callable[[widgets.Button], None],
        open_order: Callable[[widgets.Button], None],
    ) -> None:
        self._about = widgets.HTML(_NOTHING)
        self._filled: tuple[object, ...] = ()
        self.status = classed(widgets.HTML(), "wb-told")
        self.technician = classed(widgets.Dropdown(description="Technician"), "wb-field")
        self.start: Any = classed(widgets.NaiveDatetimePicker(description="Start, UTC"), "wb-field wb-field-due")
        self.place = button("Move", "Move the order there, and fix it, so that the next plan leaves it there", place)
        self.fix = button("Fix", "Fix the order, so that the next plan leaves it where it is, or release it", fix)
        self.open = button("Open order", "Show the order with its checklist (Enter on a row)", open_order)
        self._fields = box("wb-bar wb-asked", self.technician, self.start, self.place, self.fix, self.open)
        self.widget = box("wb-panel wb-by-hand", self._about, self.status, self._fields)

    def offer(self, names: list[str]) -> None:
        """Offer technicians to choose from.

        Parameters
        ----------
        names : list of str
            Names of the technicians.
        """
        if tuple(self.technician.options) != tuple(names):
            self.technician.options = names

    def show(self, order: WorkOrder | None, sessions: pd.DataFrame, *, fixed: bool, proposed: bool) -> None:
        """Show when and for whom an order is planned.

        Parameters
        ----------
        order : WorkOrder or None
            The order; None where none is chosen.
        sessions : pandas.DataFrame
            The sessions of the order: technician, start, end.
        fixed : bool
            Whether the order is fixed in the saved plan.
        proposed : bool
            Whether a proposed plan is shown, which is not changed by hand.
        """
        self._fields.layout.display = "none" if order is None else None
        if order is None:
            self._about.value, self._filled = _NOTHING, ()
            return
        where = "; ".join(
            f"{row['start']:%a %d %b %H:%M} to {row['end']:%H:%M} UTC, {row['technician']}"
            for row in sessions.to_dict(orient="records")
        )
        due = "" if order.due is None else f", due {order.due:%a %d %b %H:%M}"
        state = ", fixed" if fixed and not proposed else ""
        self._about.value = (
            f"<h2>{order.number} {escape(order.title)}</h2><p class='wb-where'>{escape(where or 'not planned')}{state}"
            f"<span class='wb-muted'>, {order.estimated_hours:g} h{due}</span></p>"
        )
        filled = (order.number, *(sessions[["start", "technician"]].iloc[0] if len(sessions) else ()))
        is_other, self._filled = filled != self._filled, filled
        if len(sessions) and is_other:  # what was entered stays when something else has changed
            self.start.value = sessions["start"].iloc[0].to_pydatetime().replace(tzinfo=None)
            if sessions["technician"].iloc[0] in self.technician.options:
                self.technician.value = sessions["technician"].iloc[0]
        self.fix.description = "Release" if fixed else "Fix"
        self.fix.disabled = proposed or sessions.empty
        self.place.disabled = proposed or not order.is_open

    def slot(self) -> tuple[str, datetime]:
        """Return the technician and the start, in UTC, that the fields hold.

        Raises
        ------
        ViewError
            One of them is missing.
        """
        if self.start.value is None or not self.technician.value:
            raise ViewError("The technician or the start is missing.", "Enter both.")
        return self.technician.value, self.start.value.replace(tzinfo=UTC)
