"""Conflicts of the saved plan: orders that are late, double bookings, and orders without a place."""

from collections.abc import Collection

import pandas as pd

from workbench.maintenance.schedule.model import Conflict

__all__ = ["plan_conflicts"]


def plan_conflicts(plan: pd.DataFrame, sessions: pd.DataFrame, active: Collection[str]) -> tuple[Conflict, ...]:
    """Return the conflicts of the saved plan.

    Parameters
    ----------
    plan : pandas.DataFrame
        number, technician, end, due, late; as `Planning.table` returns it.
    sessions : pandas.DataFrame
        number, technician, start, end; as `Planning.sessions` returns it.
    active : collection of str
        Numbers of the active work orders.

    Returns
    -------
    tuple of Conflict
        Kinds `double_booking`, `due` and, where anything is planned at all, `window` for an order without a place.
    """
    conflicts = []
    for name, rows in sessions.sort_values("start").groupby("technician", sort=True):
        until = None
        holder = ""
        for number, start, end in zip(rows["number"], rows["start"], rows["end"], strict=True):
            if until is not None and start < until and number != holder:
                words = f"{number} is with {name} at {start:%a %d %b %H:%M} UTC, while they do {holder}."
                conflicts.append(
                    Conflict("double_booking", number, words, "Place one of them elsewhere, or plan again.")
                )
            if until is None or end > until:
                until = end
                holder = number
    for row in plan[plan["late"]].to_dict(orient="records"):
        hours = (row["end"] - row["due"]) / pd.Timedelta(hours=1)
        words = f"{row['number']} ends {hours:.0f} h after it is due."
        conflicts.append(Conflict("due", row["number"], words, "Plan again, or set its due date later."))
    if len(plan):
        placed = set(plan["number"])
        missing = [number for number in active if number not in placed]
        conflicts += [Conflict("window", one, f"{one} has no place in the plan.", "Plan again.") for one in missing]
    return tuple(conflicts)
