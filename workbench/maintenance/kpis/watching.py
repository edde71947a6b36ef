"""How long assets were watched and in service, by what was recorded of their outages and of their work orders."""

from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt
import pandas as pd

__all__ = ["standstills", "watched_days", "watched_days_by_asset"]

_NONE = np.array([], dtype=np.intp)


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
    days = watched_days_by_asset(spans[spans["asset"] == asset], outages, until, since=since)
    return days.get(asset, 0.0)


def watched_days_by_asset(
    spans: pd.DataFrame, outages: pd.DataFrame, until: datetime, *, since: datetime | None = None
) -> dict[str, float]:
    """Return what `watched_days` returns for every asset that was watched, in the order of the spans."""
    last = np.datetime64(_utc(until), "us")
    first = None if since is None else np.datetime64(_utc(since), "us")
    begins, ends = _times(spans["start"]), _times(spans["end"])
    stops, restarts = _times(outages["since"]), _times(outages["ended_at"].fillna(pd.Timestamp(until)))
    of_asset, out_of_service = spans.groupby("asset").indices, outages.groupby("asset").indices
    days = {}
    for asset in spans["asset"].unique():
        watched, down = of_asset[asset], out_of_service.get(asset, _NONE)
        # A sweep over all bounds: two running counts say how many spans and how many outages last after each of them.
        times = np.concatenate([begins[watched], stops[down], ends[watched], restarts[down]])
        times = np.minimum(times if first is None else np.maximum(times, first), last)
        number = len(watched) + len(down)
        change = np.zeros((2 * number, 2))
        kinds = np.repeat([0, 1], [len(watched), len(down)])
        change[np.arange(2 * number), np.tile(kinds, 2)] = np.repeat([1, -1], number)
        order = np.argsort(times, kind="stable")
        standing = change[order].cumsum(axis=0)[:-1]
        between = np.diff(times[order]) / np.timedelta64(1, "D")
        days[str(asset)] = float(between[(standing[:, 0] > 0) & (standing[:, 1] <= 0)].sum())
    return days


def _times(column: pd.Series) -> npt.NDArray[np.datetime64]:
    return pd.to_datetime(column, utc=True).dt.tz_localize(None).to_numpy().astype("datetime64[us]")


def _utc(time: datetime) -> datetime:
    """Return an aware time in UTC without its zone, as NumPy takes it."""
    return time.astimezone(UTC).replace(tzinfo=None)
