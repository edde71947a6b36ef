"""How much the alerts ask of operators: the performance figures of ISA-18.2 and EEMUA 191.

What counts is what was announced: alerts that were shelved or suppressed when they were raised do not.

References
----------
.. [1] ANSI/ISA-18.2-2016, Management of Alarm Systems for the Process Industries, section 16 and table 7.
.. [2] EEMUA Publication 191, Alarm Systems, 3rd edition, chapter 6 and appendix 12.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import pandas as pd
import sqlalchemy as sa

from workbench.exceptions import MaintenanceError
from workbench.maintenance.alert_table import ALERTS, SHOWN
from workbench.maintenance.database import Database, frame
from workbench.maintenance.options import AlertOptions

__all__ = ["AlarmFigures", "alarm_figures"]

_TEN_MINUTES = pd.Timedelta(minutes=10)
_FLOOD_BEGINS, _FLOOD_ENDS = 10, 5  # alarms in ten minutes and operator
_STALE = timedelta(hours=24)
_CHATTER = 3  # alarms of one channel and kind in a minute


@dataclass(frozen=True)
class AlarmFigures:
    """Alarm performance of a period.

    A figure is None where the period holds nothing that it could be made from.

    Attributes
    ----------
    since, until : datetime
        The period; since is inclusive, until is not.
    announced : int
        Alerts announced.
    per_operator_hour : float or None
        Mean number of alerts an hour and operator. ISA-18.2, table 7: about 6 an hour are very likely acceptable, 12
        the most that can be managed.
    peak_ten_minutes : int or None
        Most alerts in ten minutes, per operator, of the ten-minute intervals counted from `since`.
    above_ten_share : float or None
        Share of the ten-minute intervals with more than 10 alerts an operator; target below 1 % [1]_.
    floods : int or None
        Floods: from 10 alerts in ten minutes and operator until fewer than 5.
    flood_share : float or None
        Share of the period inside floods; target below 1 % [1]_.
    stale : int
        Alerts shown and active for more than 24 hours at the end of the period; target below 5 on any day.
    chattering : pandas.DataFrame
        channel, kind and `most`, alerts in its busiest minute, of those with 3 or more.
    top_ten : pandas.DataFrame
        channel, kind, alerts and `share` of all of the ten most frequent; together below 5 % is the target.
    by_level : pandas.Series
        Share of the announced alerts by level. EEMUA 191 suggests about 80 % low, 15 % medium, 5 % high.
    """

    since: datetime
    until: datetime
    announced: int
    per_operator_hour: float | None
    peak_ten_minutes: int | None
    above_ten_share: float | None
    floods: int | None
    flood_share: float | None
    stale: int
    chattering: pd.DataFrame
    top_ten: pd.DataFrame
    by_level: pd.Series


def alarm_figures(database: Database, options: AlertOptions, since: datetime, until: datetime) -> AlarmFigures:
    """Compute the alarm performance of a period.

    Parameters
    ----------
    database : Database
    options : AlertOptions
        Gives the number of operators.
    since, until : datetime
        Aware.

    Returns
    -------
    AlarmFigures

    Raises
    ------
    MaintenanceError
        The period is empty.
    """
    if until <= since:
        raise MaintenanceError(
            f"The period from {since} to {until} is empty.", "Give an end that lies after the beginning."
        )
    a = ALERTS.c
    with database.reading() as db:
        alerts = frame(
            db,
            sa.select(a.channel, a.kind, a.level, a.raised_at)
            .where(a.raised_at >= since, a.raised_at < until, a.annunciated_at.is_not(None))
            .order_by(a.raised_at),
        )
        stale = db.scalar(
            sa.select(sa.func.count()).where(
                a.state.in_(SHOWN), a.active.is_(True), a.raised_at <= min(until, database.clock()) - _STALE
            )
        )
    intervals = _per_interval(alerts["raised_at"], since, until) / options.operators
    some = len(alerts) > 0
    inside, floods = _floods(intervals)
    hours = (until - since).total_seconds() / 3600
    return AlarmFigures(
        since=since,
        until=until,
        announced=len(alerts),
        per_operator_hour=len(alerts) / hours / options.operators if some else None,
        peak_ten_minutes=int(np.ceil(intervals.max())) if some else None,
        above_ten_share=float((intervals > _FLOOD_BEGINS).mean()) if some else None,
        floods=floods if some else None,
        flood_share=float(inside.mean()) if some else None,
        stale=int(stale or 0),
        chattering=_chattering(alerts),
        top_ten=_top_ten(alerts),
        by_level=alerts["level"].value_counts(normalize=True).rename("share"),
    )


def _per_interval(times: pd.Series, since: datetime, until: datetime) -> np.ndarray:
    count = max(1, int(np.ceil((pd.Timestamp(until) - pd.Timestamp(since)) / _TEN_MINUTES)))
    place = ((times - pd.Timestamp(since)) // _TEN_MINUTES).to_numpy(dtype=np.int64)
    return np.bincount(place, minlength=count).astype(np.float64)


def _floods(intervals: np.ndarray) -> tuple[np.ndarray, int]:
    """Which intervals lie in a flood, and how many floods there are."""
    inside = np.zeros(intervals.size, dtype=bool)
    floods, flooded = 0, False
    for i, alarms in enumerate(intervals.tolist()):
        if flooded and alarms < _FLOOD_ENDS:
            flooded = False
        elif not flooded and alarms >= _FLOOD_BEGINS:
            flooded, floods = True, floods + 1
        inside[i] = flooded
    return inside, floods


def _chattering(alerts: pd.DataFrame) -> pd.DataFrame:
    rows = []
    for (channel, kind), times in alerts.groupby(["channel", "kind"])["raised_at"]:
        stamps = times.to_numpy(dtype="datetime64[us]")
        within = np.searchsorted(stamps, stamps + np.timedelta64(60, "s")) - np.arange(stamps.size)
        if within.max() >= _CHATTER:
            rows.append((channel, kind, int(within.max())))
    table = pd.DataFrame(rows, columns=["channel", "kind", "most"])
    return table.sort_values("most", ascending=False, kind="stable", ignore_index=True)


def _top_ten(alerts: pd.DataFrame) -> pd.DataFrame:
    counts = alerts.groupby(["channel", "kind"]).size().rename("alerts").reset_index()
    top = counts.sort_values(["alerts", "channel"], ascending=[False, True], ignore_index=True).head(10)
    return top.assign(share=top["alerts"] / max(1, len(alerts)))
