"""Dates of preventive plans that passed although no order was opened for them."""

from collections.abc import Hashable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pandas as pd

from workbench.maintenance.orders.repetition import Repetition

__all__ = ["Preventives"]

_CLOSED = ("completed", "cancelled")


@dataclass(frozen=True)
class Preventives:
    """Preventive plans, and the dates that were missed.

    Attributes
    ----------
    plans : pandas.DataFrame
        id, every_days (NaN for plans by meter or calendar), calendar, season, timezone, anchor, next_due, active.
    missed : pandas.DataFrame
        preventive, first (the first date missed), every_days, dates (how many in a row).
    """

    plans: pd.DataFrame
    missed: pd.DataFrame

    def missed_dates(self, orders: pd.DataFrame, since: datetime, until: datetime) -> int:
        """Return how many dates of a period passed without an order.

        Parameters
        ----------
        orders : pandas.DataFrame
            All work orders: preventive (number of the plan that opened it), state.
        since, until : datetime
            The period, aware; since is inclusive, until is not, and lies not after the time of the tables.

        Returns
        -------
        int
            Dates that were passed over when the next order was opened, and those that wait: the next date of an
            active plan and those after it, where they passed. A plan that counts from completion has no date while
            its order is open.
        """
        count = sum(
            _dates_between(row["first"], row["every_days"], int(row["dates"]), since, until)
            for row in self.missed.to_dict(orient="records")
        )
        working = set(orders.loc[~orders["state"].isin(_CLOSED), "preventive"].dropna().astype(int))
        plans = self.plans[self.plans["active"].astype(bool) & self.plans["next_due"].notna()]
        for row in plans.to_dict(orient="records"):
            if row["anchor"] == "scheduled" and (row["calendar"] or row["season"]):
                count += _days_between(row, since, until)
            elif row["anchor"] == "scheduled":
                count += _dates_between(row["next_due"], row["every_days"], None, since, until)
            elif row["id"] not in working:
                count += int(since <= row["next_due"] < until)
        return count


def _days_between(plan: dict[Hashable, Any], since: datetime, until: datetime) -> int:
    """Return how many dates of a plan by days of the month or with a season lie in a period, from the next one on."""
    due, days = plan["next_due"], None if plan["calendar"] else plan["every_days"]
    repetition = Repetition(days, plan["calendar"] or "", plan["season"] or "", plan["timezone"] or "UTC")
    dates, count = repetition.following(due.to_pydatetime()), 0
    while due < until:
        count += since <= due
        due = next(dates, until)
    return count


def _dates_between(first: datetime, every_days: float, dates: int | None, since: datetime, until: datetime) -> int:
    """Return how many of some dates, each some days after the one before, lie in a period; None for dates without end.

    Examples
    --------
    >>> monday, day = pd.Timestamp("2026-03-02", tz="UTC"), pd.Timedelta(days=1)
    >>> _dates_between(monday, 7.0, 3, monday, monday + 14 * day)
    2
    >>> _dates_between(monday, 7.0, None, monday + day, monday + 30 * day)
    4
    """
    step = pd.Timedelta(days=every_days)
    before_until, before_since = (
        max(-((first - bound) // step), 0) for bound in (pd.Timestamp(until), pd.Timestamp(since))
    )
    if dates is not None:
        before_until, before_since = min(before_until, dates), min(before_since, dates)
    return int(before_until - before_since)
