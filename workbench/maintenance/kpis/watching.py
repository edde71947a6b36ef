"""How long assets were watched and in service, by what was recorded of their outages and of their work orders."""

from datetime import UTC, datetime

import numpy as np
import pandas as pd

__all__ = ["standstills", "watched_days"]


def standstills(outages: pd.DataFrame, orders: pd.DataFrame) -> pd.DataFrame:
    """Return when assets were out of service: their outages, and the downtimes that people said at work orders.

    Parameters
    ----------
    outages : pandas.DataFrame
        asset, since, ended_at (UTC, NaT while it lasts).
    orders : pandas.DataFrame
        asset, down_from, down_to, closed_at (UTC, NaT where unknown). A downtime without an end lasts until the order
        is closed.

    Returns
    -------
    pandas.DataFrame
        asset, since, ended_at; they may overlap.
    """
    said = orders[orders["down_from"].notna()]
    said = said.assign(since=said["down_from"], ended_at=said["down_to"].fillna(said["closed_at"]))
    columns = ["asset", "since", "ended_at"]
    return pd.concat([table[columns] for table in (outages, said) if len(table)] or [outages[columns]])


def watched_days(
    spans: pd.DataFrame, outages: pd.DataFrame, until: datetime, *, asset: str, since: datetime | None = None
) -> float:
    """Return the number of days in which an asset was watched and in service.

    Parameters
    ----------
    spans : pandas.DataFrame
        asset, start, end (UTC) of the times in which failures would have been recorded; they may overlap.
    outages : pandas.DataFrame
        asset, since, ended_at (UTC, NaT while it lasts).
    until : datetime
        End of the time that counts, aware, also of outages that still last.
    asset : str
        Name of the asset.
    since : datetime, optional
        Beginning of the time that counts, aware; all that was watched counts where omitted.

    Returns
    -------
    float
    """
    spans, outages = spans[spans["asset"] == asset], outages[outages["asset"] == asset]
    if not len(spans):
        return 0.0
    # A sweep over all bounds: two running counts say how many spans and how many outages last after each of them.
    kinds = np.repeat([0, 1], [len(spans), len(outages)])
    begins = [*spans["start"], *outages["since"]]
    ends = [*spans["end"], *outages["ended_at"].fillna(pd.Timestamp(until))]
    times = pd.to_datetime([*begins, *ends], utc=True).tz_localize(None).to_numpy().astype("datetime64[us]")
    last = np.datetime64(_utc(until), "us")
    times = np.minimum(times if since is None else np.maximum(times, np.datetime64(_utc(since), "us")), last)
    change = np.zeros((len(times), 2))
    change[np.arange(len(times)), np.tile(kinds, 2)] = np.repeat([1, -1], len(begins))
    order = np.argsort(times, kind="stable")
    standing = change[order].cumsum(axis=0)[:-1]
    between = np.diff(times[order]) / np.timedelta64(1, "D")
    return float(between[(standing[:, 0] > 0) & (standing[:, 1] <= 0)].sum())


def _utc(time: datetime) -> datetime:
    """Return an aware time in UTC without its zone, as NumPy takes it."""
    return time.astimezone(UTC).replace(tzinfo=None)
