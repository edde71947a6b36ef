"""Dates of three numbers, such as 03/04/05: which of them is the day, the month and the year."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from workbench.telemetry.importers.timing.time_forms import days_of, full_years

__all__ = [
    "YEAR_MAY_BE_FIRST",
    "DateFields",
    "DateOrder",
    "OrderDecision",
    "decide_order",
    "time_steps",
    "uneven_steps",
]

DateOrder = Literal["day", "month", "year"]
"""Which number of a date such as 03/04/05 comes first."""

YEAR_MAY_BE_FIRST = "as is usual with dots, though the year may come first"
"""Why dates such as 24.03.14 of a single day are read as they are."""

_PLACES: dict[DateOrder, tuple[int, int, int]] = {"day": (2, 1, 0), "month": (2, 0, 1), "year": (0, 1, 2)}
_ONE_DAY = np.timedelta64(1, "D")


@dataclass(frozen=True)
class DateFields:
    """The three numbers of dates, 0 where there is none.

    Attributes
    ----------
    numbers : tuple of numpy.ndarray, shape (n,), int
        First, second and third number.
    digits : numpy.ndarray, shape (n,), int
        Digits of the third.
    is_date : numpy.ndarray, shape (n,), bool
        Where the text is a date with a possible time of day.
    marks : set of str
        What stands between the numbers.
    has_half : bool
        Whether AM or PM stands behind any.
    """

    numbers: tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.int64]]
    digits: npt.NDArray[np.int64]
    is_date: npt.NDArray[np.bool_]
    marks: set[str]
    has_half: bool

    @property
    def has_dots(self) -> bool:
        """Whether points stand between the numbers of any date."""
        return "." in self.marks

    @property
    def orders(self) -> tuple[DateOrder, ...]:
        """Orders that the digits allow."""
        return ("day", "month") if (self.digits == 4).any() else ("day", "month", "year")

    def fields(self, order: DateOrder) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Return year, month and day in an order."""
        year, month, day = (self.numbers[place] for place in _PLACES[order])
        if order == "year":
            return full_years(year, np.full(len(year), 2)), month, day
        return np.where(self.digits == 1, 0, full_years(year, self.digits)), month, day

    def dates(self, order: DateOrder) -> npt.NDArray[np.datetime64]:
        """Return the dates in an order, datetime64[ns], NaT where there is no such day."""
        return np.where(self.is_date, days_of(*self.fields(order)), np.datetime64("NaT"))


@dataclass(frozen=True)
class OrderDecision:
    """The order of dates that was decided on.

    Attributes
    ----------
    order : {"day", "month", "year"}
        The order.
    why : str
        What decided; empty where nobody need be told.
    is_sure : bool
        Whether anything in the column decided, and not just a habit.
    open_orders : tuple of str
        The orders that nothing in the column contradicts.
    """

    order: DateOrder
    why: str
    is_sure: bool
    open_orders: tuple[DateOrder, ...] = ()


def uneven_steps(stamps: npt.NDArray[np.datetime64]) -> int:
    """Count the steps of stamps, in the order of time, that are longer than one and a half times the median step.

    Examples
    --------
    >>> uneven_steps(np.array(["2024-03-01T00", "2024-03-01T01", "2024-03-01T02", "2024-04-01T00"], "datetime64[ns]"))
    1
    """
    steps = time_steps(stamps)
    return int((steps > 1.5 * np.median(steps)).sum()) if len(steps) else 0


def time_steps(stamps: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return the steps of stamps in the order of time, without those of equal ones; whole nanoseconds of dates."""
    ticks = stamps[~np.isnan(stamps)]
    steps = np.diff(np.sort(ticks.astype(np.int64) if ticks.dtype.kind == "M" else ticks))
    return steps[steps > 0]  # a sort, as np.unique of many whole seconds takes a hundred times as long


def decide_order(fields: DateFields, clock: npt.NDArray[np.int64], now: np.datetime64) -> OrderDecision:
    """Decide on the order of dates by the whole column.

    Parameters
    ----------
    fields : DateFields
        The dates.
    clock : numpy.ndarray, shape (n,)
        Nanoseconds since midnight of each.
    now : numpy.datetime64
        The time after which nothing can have been measured.

    Returns
    -------
    OrderDecision

    Notes
    -----
    What decides, in this order: the fewest impossible dates; a year that changes less often than the number at the
    other end; the fewest dates in the future; time that rises or falls throughout; even steps.
    """
    orders = fields.orders
    dates = {order: fields.dates(order) for order in orders}
    left = _fewest(orders, {order: int(np.isnat(dates[order]).sum()) for order in orders})
    why = "" if left[0] != "year" else "as no other order makes dates of all"
    if len(left) > 1 and "year" in left:
        left, why = _running(fields, left), "as then the year runs slowest"
    late = now + _ONE_DAY
    counts: tuple[tuple[str, Callable[[DateOrder], int]], ...] = (
        ("as no date is ahead", lambda order: int((dates[order] > late).sum())),
        ("as that keeps time rising", lambda order: _turns(dates[order])),
        ("as that keeps the steps even", lambda order: uneven_steps(dates[order] + clock.astype("timedelta64[ns]"))),
        ("as that makes all steps equal", lambda order: _unequal(dates[order] + clock.astype("timedelta64[ns]"))),
    )
    for reason, count in counts:
        if len(left) > 1:
            left, why = _fewest(left, {order: count(order) for order in left}), reason
    if len(left) == 1:
        return OrderDecision(left[0], why, True)
    if "day" in left and fields.has_dots:
        return OrderDecision("day", YEAR_MAY_BE_FIRST if "year" in left else "as goes with dots", True)
    if "month" in left and fields.marks == {"/"} and fields.has_half:
        return OrderDecision("month", "as goes with AM and PM", True)
    return OrderDecision(left[0], "which nothing in it contradicts", False, left)


def _fewest(orders: tuple[DateOrder, ...], counts: dict[DateOrder, int]) -> tuple[DateOrder, ...]:
    least = min(counts[order] for order in orders)
    return tuple(order for order in orders if counts[order] == least)


def _running(fields: DateFields, orders: tuple[DateOrder, ...]) -> tuple[DateOrder, ...]:
    """Return the orders under which the year changes least: of the first and the last number, the one that does."""
    first, last = (int((np.diff(fields.numbers[place][fields.is_date]) != 0).sum()) for place in (0, 2))
    if first == last:
        return orders
    return tuple(order for order in orders if (order == "year") == (first < last)) or orders


def _unequal(stamps: npt.NDArray[np.datetime64]) -> int:
    """Return 1 where three steps at least are not all equal, else 0: nothing is said by fewer."""
    steps = time_steps(stamps)
    return int(len(steps) >= 3 and steps.min() != steps.max())


def _turns(dates: npt.NDArray[np.datetime64]) -> int:
    """Count the steps that go against the direction of most others."""
    steps = np.diff(dates[~np.isnat(dates)]).astype("int64")
    return min(int((steps < 0).sum()), int((steps > 0).sum()))
