"""Conflicts of the saved plan: late orders and parts, double bookings, absent technicians, orders without a place."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime

import pandas as pd

from workbench.maintenance.schedule.impossible import is_absent
from workbench.maintenance.schedule.model import Conflict, Technician
from workbench.maintenance.values import span_words
from workbench.maintenance.windows import Window

__all__ = ["plan_conflicts"]

_TIME = "%Y-%m-%d %H:%M"


def plan_conflicts(
    plan: pd.DataFrame,
    sessions: pd.DataFrame,
    active: Collection[str],
    people: Iterable[Technician],
    now: datetime,
    arrivals: Mapping[str, tuple[datetime | None, str, int]],
) -> tuple[Conflict, ...]:
    """Return the conflicts of the saved plan.

    Parameters
    ----------
    plan : pandas.DataFrame
        number, state, technician, start, end, due, late; as `Planning.table` returns it.
    sessions : pandas.DataFrame
        number, technician, start, end; as `Planning.sessions` returns it.
    active : collection of str
        Numbers of the active work orders.
    people : iterable of Technician
        The technicians who take orders.
    now : datetime
        Present time, aware; who was absent before it is no conflict.
    arrivals : mapping of str to (datetime or None, str, int)
        The orders that wait for a part, and for which; as `part_arrivals` returns them.

    Returns
    -------
    tuple of Conflict
        Kinds `double_booking`, `absent`, `part`, `due` and, where anything is planned at all, `window` for an order
        without a place.
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
    conflicts += _absences(sessions[sessions["end"] > now], {one.name: one for one in people})
    conflicts += _late_parts(plan[plan["state"] != "in progress"], arrivals)
    for row in plan[plan["late"]].to_dict(orient="records"):
        words = (
            f"{row['number']} ends {span_words(row['end'] - row['due'])} late, {row['end']:{_TIME}} UTC instead of "
            f"{row['due']:{_TIME}} UTC."
        )
        conflicts.append(Conflict("due", row["number"], words, "Plan again, or set its due date later."))
    if len(plan):
        placed = set(plan["number"])
        conflicts += [_without_place(one, arrivals.get(one)) for one in active if one not in placed]
    return tuple(conflicts)


def _without_place(number: str, waits_for: tuple[datetime | None, str, int] | None) -> Conflict:
    words = f"{number} has no place in the plan"
    if waits_for is None:
        return Conflict("window", number, f"{words}.", "Plan again.")
    at, part, pieces = waits_for
    words += f": it waits for {pieces} x {part}"
    if at is None:
        return Conflict(
            "window",
            number,
            f"{words}, and no date is known for them.",
            "Order them, or enter when they come; then plan again.",
        )
    return Conflict("window", number, f"{words}, which come {at:{_TIME}} UTC.", "Plan again, up to then or further.")


def _late_parts(waiting: pd.DataFrame, arrivals: Mapping[str, tuple[datetime | None, str, int]]) -> list[Conflict]:
    """Return a conflict for each order that has not begun and whose parts come after its start."""
    conflicts = []
    for number, start in waiting[["number", "start"]].itertuples(index=False):
        at, part, pieces = arrivals.get(number, (start, "", 0))
        if at is None or at > start:
            comes = "no date is known for them" if at is None else f"they come {at:{_TIME}} UTC"
            words = f"{number} starts {start:{_TIME}} UTC without {pieces} x {part}: {comes}."
            conflicts.append(Conflict("part", number, words, "Plan again, or get them earlier."))
    return conflicts


def _absences(sessions: pd.DataFrame, people: dict[str, Technician]) -> list[Conflict]:
    """Return a conflict for each order whose technician is absent then, or takes no orders by now."""
    conflicts: dict[str, Conflict] = {}
    for number, name, start, end in sessions[["number", "technician", "start", "end"]].itertuples(index=False):
        person = people.get(name)
        why = "takes no orders by now" if person is None else "is absent then"
        if person is None or is_absent(person, [Window(start, end)]):
            words = f"{number} is with {name} at {start:%a %d %b %H:%M} UTC, who {why}."
            conflicts.setdefault(number, Conflict("absent", number, words, "Plan again, or give it to somebody else."))
    return list(conflicts.values())
