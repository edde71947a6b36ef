"""Where alerts lie: from the moments that they keep to the rows of a series as it is now.

Everything that draws, judges or compares an alert beside its telemetry asks `rows_of`; nothing else turns moments into
rows. An alert of the first release kept the rows of a series and, where there were times, microseconds. It keeps these
(`CLOCKS` row and microsecond) until `place` finds its samples in the archive; an alert whose series is gone keeps them
for good, and `place_words` says so.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import sqlalchemy as sa
from sqlalchemy import orm

from workbench.maintenance.alerts.table import ALERTS
from workbench.telemetry.moments import Moment, clock_of, rows_between, ticks

__all__ = [
    "CLOCKS",
    "moment_of",
    "place",
    "place_words",
    "rows_of",
    "span_of",
    "unplaced_channels",
]

CLOCKS: Mapping[str, str] = {"time": "time", "sample": "sample", "microsecond": "time", "row": "sample"}
"""Clocks of alerts, and the clock of the series on which each lies; the last two are those of the first release."""

_UNPLACED = ("microsecond", "row")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def span_of(alert: Mapping[Any, Any]) -> tuple[str, int, int]:
    """Return the clock, the first and the last moment of an alert, both inclusive, as a series counts them.

    Parameters
    ----------
    alert : mapping
        `clock`, `first_at` and `last_at`, as `Alerts.list` returns them. One that is known to the microsecond only
        lasts to the end of its last microsecond.

    Examples
    --------
    >>> span_of({"clock": "microsecond", "first_at": 5000, "last_at": 7000})
    ('time', 5000, 7999)
    """
    last = int(alert["last_at"]) + (999 if alert["clock"] == "microsecond" else 0)
    return CLOCKS[alert["clock"]], int(alert["first_at"]), last


def rows_of(alert: Mapping[Any, Any], times: npt.NDArray[Any] | None) -> tuple[int, int] | None:
    """Return the rows of an alert in a series: the one way from moments to rows.

    Parameters
    ----------
    alert : mapping
        `clock`, `first_at` and `last_at`, as `Alerts.list` returns them.
    times : numpy.ndarray, shape (n,), or None
        Coordinate `time` of the series as it is now; None where the archive does not hold it.

    Returns
    -------
    tuple of (int, int) or None
        First and last row, both inclusive, of those samples of the alert that the series holds; None where it holds
        none of them.
    """
    return None if times is None else rows_between(times, *span_of(alert))


def moment_of(alert: Mapping[Any, Any]) -> Moment:
    """Return the moment at which an alert begins, as selections and links name its anomaly."""
    clock, first, _ = span_of(alert)
    return pd.Timestamp(first, unit="ns", tz="UTC") if clock == "time" else first


def place_words(alert: Mapping[Any, Any]) -> str:
    """Say where an alert lies, and what is missing where its series could not be looked up.

    Parameters
    ----------
    alert : mapping
        `clock`, `first_at` and `last_at`, as `Alerts.list` returns them.

    Examples
    --------
    >>> place_words({"clock": "sample", "first_at": 700, "last_at": 1833})
    'samples 700 to 1,833'
    """
    clock, first, last = span_of(alert)
    if clock == "time":
        begin, end = (_EPOCH + timedelta(microseconds=moment // 1000) for moment in (first, last))
        words = f"{begin:%Y-%m-%d %H:%M:%S} to {end:%Y-%m-%d %H:%M:%S} UTC"
    else:
        words = f"{'rows' if alert['clock'] == 'row' else 'samples'} {first:,} to {last:,}"
    if alert["clock"] == "row":
        words += " of the series in which it was found; that series is not in the archive"
    return words


def unplaced_channels(db: orm.Session) -> set[str]:
    """Return the channels with alerts of the first release whose samples have not been looked up yet."""
    statement = sa.select(ALERTS.c.channel).distinct().where(ALERTS.c.clock.in_(_UNPLACED))
    return set(db.scalars(statement))


def place(db: orm.Session, channel: str, times: npt.NDArray[Any]) -> int:
    """Look up the samples of a channel's alerts of the first release, and keep their moments from now on.

    An alert is left as it is where the series does not hold its samples: it has another clock, is shorter, or has no
    sample at the very times that the alert names.

    Parameters
    ----------
    db : sqlalchemy.orm.Session
        Writing transaction.
    channel : str
        Name of the channel.
    times : numpy.ndarray, shape (n,)
        Coordinate `time` of its series.

    Returns
    -------
    int
        Number of alerts whose moments are known now.
    """
    a = ALERTS.c
    statement = sa.select(a.id, a.clock, a.first_at, a.last_at).where(a.channel == channel)
    alerts = [dict(row) for row in db.execute(statement.order_by(a.id)).mappings()]
    clock, moments = clock_of(times), ticks(times)
    n_placed = 0
    for alert in alerts:
        if alert["clock"] not in _UNPLACED or CLOCKS[alert["clock"]] != clock:
            continue
        rows = _rows_as_stored(alert, moments)
        if rows is None:
            continue
        first, last = (int(moments[row]) for row in rows)
        values = {"clock": clock, "first_at": first, "last_at": last}
        db.execute(sa.update(ALERTS).where(a.id == alert["id"]).values(values))
        n_placed += 1
    return n_placed


def _rows_as_stored(alert: Mapping[Any, Any], moments: npt.NDArray[np.int64]) -> tuple[int, int] | None:
    """Return the rows in which an alert of the first release was found, None where they are not these samples."""
    if alert["clock"] == "row":
        first, last = int(alert["first_at"]), int(alert["last_at"])
        return (first, last) if 0 <= first <= last < len(moments) else None
    _, first, last = span_of(alert)
    start = int(np.searchsorted(moments, first, side="left"))
    end = int(np.searchsorted(moments, last, side="right")) - 1
    if start > end or moments[start] // 1000 != first // 1000 or moments[end] // 1000 != last // 1000:
        return None
    return start, end
