"""The sessions of a plan as they are shown: each with what is to be said of it."""

from collections.abc import Collection

import pandas as pd

from workbench.maintenance.schedule.model import Conflict, Plan

__all__ = ["COLUMNS", "kept_sessions", "proposed_sessions"]

COLUMNS = ["number", "title", "technician", "start", "end", "kind", "words"]


def kept_sessions(kept: pd.DataFrame, table: pd.DataFrame, conflicts: Collection[Conflict]) -> pd.DataFrame:
    """Say of each kept session whether it is late, fixed or done at the same time as another.

    Parameters
    ----------
    kept, table : pandas.DataFrame
        Of `Planning.sessions` and `Planning.table`.
    conflicts : collection of Conflict
        Of `plan_conflicts`.

    Returns
    -------
    pandas.DataFrame
        `COLUMNS`; `kind` is one of `workbench.plots.gantt.BARS`.
    """
    late, fixed = (set(table.loc[table[name], "number"]) for name in ("late", "frozen"))
    booked = {one.job for one in conflicts if one.kind == "double_booking"}
    kinds = [
        "conflict" if one in booked else "late" if one in late else "fixed" if one in fixed else "planned"
        for one in kept["number"]
    ]
    words = [
        "fixed" if one in fixed and kind != "fixed" else "" for one, kind in zip(kept["number"], kinds, strict=True)
    ]
    return kept.assign(kind=kinds, words=words)[COLUMNS]


def proposed_sessions(plan: Plan, orders: pd.DataFrame, moved: Collection[str]) -> pd.DataFrame:
    """Say of each proposed session whether it is late, impossible, or elsewhere than in the kept plan.

    Parameters
    ----------
    plan : Plan
    orders : pandas.DataFrame
        number, title.
    moved : collection of str
        Numbers of the orders that are elsewhere.

    Returns
    -------
    pandas.DataFrame
        As of `kept_sessions`.
    """
    titles = dict(zip(orders["number"], orders["title"], strict=True))
    late = {one.job for one in plan.conflicts if one.kind == "due"}
    other = {one.job for one in plan.conflicts} - late
    rows = []
    for one in plan.placements:
        elsewhere = "moved" if one.job in moved else "planned"
        kind = "conflict" if one.job in other else "late" if one.job in late else elsewhere
        words = "moved" if kind != elsewhere == "moved" else ""
        about = (one.job, titles.get(one.job, ""), one.technician)
        rows += [(*about, pd.Timestamp(part.start), pd.Timestamp(part.end), kind, words) for part in one.sessions]
    times = dict.fromkeys(("start", "end"), "datetime64[us, UTC]")
    return pd.DataFrame(rows, columns=COLUMNS).astype(times)
