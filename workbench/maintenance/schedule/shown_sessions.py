"""The sessions of a plan, each with what it is: as planned, fixed, moved, late or in conflict."""

from collections.abc import Collection

import pandas as pd

from workbench.maintenance.schedule.model import Conflict, Plan

__all__ = ["COLUMNS", "KINDS", "proposed_sessions", "saved_sessions"]

COLUMNS = ["number", "title", "technician", "start", "end", "kind", "words"]

KINDS = ("planned", "fixed", "moved", "late", "conflict")
"""Kinds of sessions; where several are true, the last of them is the kind."""


def saved_sessions(sessions: pd.DataFrame, table: pd.DataFrame, conflicts: Collection[Conflict]) -> pd.DataFrame:
    """Return the sessions of the saved plan, and which of them are late, fixed or at the same time as another.

    Parameters
    ----------
    sessions, table : pandas.DataFrame
        The plan, as `Planning.sessions` and `Planning.table` return it.
    conflicts : collection of Conflict
        Its conflicts, as `plan_conflicts` returns them.

    Returns
    -------
    pandas.DataFrame
        `COLUMNS`; `kind` is one of `KINDS`, and `words` says what else is true.
    """
    late, fixed = (set(table.loc[table[name], "number"]) for name in ("late", "frozen"))
    booked = {one.job for one in conflicts if one.kind in ("double_booking", "absent")}
    kinds = [
        "conflict" if one in booked else "late" if one in late else "fixed" if one in fixed else "planned"
        for one in sessions["number"]
    ]
    words = [
        "fixed" if one in fixed and kind != "fixed" else "" for one, kind in zip(sessions["number"], kinds, strict=True)
    ]
    return sessions.assign(kind=kinds, words=words)[COLUMNS]


def proposed_sessions(plan: Plan, orders: pd.DataFrame, moved: Collection[str]) -> pd.DataFrame:
    """Return the sessions of a proposed plan, and which of them are late, in conflict or moved.

    Parameters
    ----------
    plan : Plan
        The proposed plan.
    orders : pandas.DataFrame
        number and title of the work orders.
    moved : collection of str
        Numbers of the orders that the saved plan has at another time or with another technician.

    Returns
    -------
    pandas.DataFrame
        `COLUMNS`, as `saved_sessions` returns them.
    """
    titles = dict(zip(orders["number"], orders["title"], strict=True))
    late = {one.job for one in plan.conflicts if one.kind == "due"}
    other = {one.job for one in plan.conflicts if one.kind != "moved"} - late  # that it moves is no fault of its place
    rows = []
    for one in plan.placements:
        elsewhere = "moved" if one.job in moved else "planned"
        kind = "conflict" if one.job in other else "late" if one.job in late else elsewhere
        words = "moved" if kind != elsewhere == "moved" else ""
        about = (one.job, titles.get(one.job, ""), one.technician)
        rows += [(*about, pd.Timestamp(part.start), pd.Timestamp(part.end), kind, words) for part in one.sessions]
    times = dict.fromkeys(("start", "end"), "datetime64[us, UTC]")
    return pd.DataFrame(rows, columns=COLUMNS).astype(times)
