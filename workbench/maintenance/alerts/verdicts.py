"""Verdicts on closed alerts, as labels, and which of these alerts other thresholds would have raised.

A verdict is about moments. Its rows are looked up in the series as it is now, so that it follows the data: a verdict on
what the series does not hold is no label of it.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy.typing as npt
import pandas as pd
import sqlalchemy as sa

from workbench.counts import counted
from workbench.maintenance.alerts.places import rows_of
from workbench.maintenance.alerts.table import ALERTS
from workbench.maintenance.database import Database, frame
from workbench.maintenance.options import AlertOptions
from workbench.parameters import LEVELS

__all__ = [
    "Series",
    "ThresholdEffect",
    "judged_alerts",
    "model_alerts",
    "threshold_effect",
    "verdict_labels",
    "would_raise",
]

Series: TypeAlias = Callable[[str], "npt.NDArray[Any] | None"]
"""Returns the coordinate `time` of a channel's test series as it is now; None where the archive does not hold it."""

_REAL = ("true",)
_FALSE = ("false alarm",)


@dataclass(frozen=True)
class ThresholdEffect:
    """Effect that other detection parameters would have had on the alerts that people judged.

    Attributes
    ----------
    spared : pandas.DataFrame
        False alarms that would not have been raised.
    missed : pandas.DataFrame
        True alerts that would not have been raised.
    kept : int
        Judged alerts that would have been raised all the same.
    new : pandas.DataFrame
        channel, start, end of anomalies that overlap no alert.
    """

    spared: pd.DataFrame
    missed: pd.DataFrame
    kept: int
    new: pd.DataFrame

    def __str__(self) -> str:
        """Return it as one sentence."""
        return (
            f"{counted(len(self.spared), 'false alarm')} would not have been raised, "
            f"{counted(len(self.missed), 'real fault')} would have been missed, "
            f"{counted(self.kept, 'alert')} would be raised as before, "
            f"{counted(len(self.new), 'anomaly', 'anomalies')} would be new."
        )


def judged_alerts(
    database: Database, channels: Iterable[str] | None = None, series: Series | None = None
) -> pd.DataFrame:
    """Return the alerts of models that were closed with a verdict.

    Parameters
    ----------
    database : Database
        Database of maintenance.
    channels : iterable of str, optional
        Only alerts on these channels.
    series : callable, optional
        Function that returns the coordinate `time` of a channel; where omitted, the rows are those in which the alerts
        were found.

    Returns
    -------
    pandas.DataFrame
        id, channel, start, end (rows of the test series, both inclusive; missing where the series does not hold it),
        clock, first_at, last_at, level, verdict, closed_by, closed_at, comment.
    """
    a = ALERTS.c
    statement = sa.select(
        a.id,
        a.channel,
        a.start_sample.label("start"),
        a.end_sample.label("end"),
        a.clock,
        a.first_at,
        a.last_at,
        a.level,
        a.verdict,
        a.closed_by,
        a.closed_at,
        a.comment,
    ).where(a.verdict.is_not(None), a.kind == "model")
    if channels is not None:
        statement = statement.where(a.channel.in_(list(channels)))
    with database.reading() as db:
        table = _with_rows(frame(db, statement), series)
    return table.sort_values(["channel", "first_at"], ignore_index=True)  # faster here than in SQLite, alike anywhere


def verdict_labels(database: Database, series: Series | None = None) -> dict[str, pd.DataFrame]:
    """Return the alerts with the verdict true as labels, as `Session.evaluate` takes them.

    Parameters
    ----------
    database : Database
        Database of maintenance.
    series : callable, optional
        As for `judged_alerts`.

    Returns
    -------
    dict of str to pandas.DataFrame
        By channel: int `start` and `end` (rows of the test series as it is now, both inclusive), str `kind`. A channel
        all of whose alerts were called false alarms has an empty table; one whose series holds nothing that was judged
        is missing.
    """
    judged = judged_alerts(database, series=series)
    judged = judged[judged["verdict"].isin(_REAL + _FALSE) & judged["start"].notna()]
    labels = {}
    for channel, rows in judged.groupby("channel"):
        true = rows.loc[rows["verdict"].isin(_REAL), ["start", "end"]].astype("int64").reset_index(drop=True)
        labels[str(channel)] = true.assign(kind="verdict")
    return labels


def model_alerts(database: Database, channels: Iterable[str], series: Series | None = None) -> pd.DataFrame:
    """Return all alerts of models in the series of some channels: channel, start, end (rows, inclusive), verdict."""
    a = ALERTS.c
    where = (a.start_sample.label("start"), a.end_sample.label("end"), a.clock, a.first_at, a.last_at)
    columns = (a.channel, *where, a.verdict)
    with database.reading() as db:
        table = frame(db, sa.select(*columns).where(a.kind == "model", a.channel.in_(list(channels))))
    return _with_rows(table, series).dropna(subset="start")[["channel", "start", "end", "verdict"]]


def _with_rows(table: pd.DataFrame, series: Series | None) -> pd.DataFrame:
    """Return a table of alerts with their rows in the series as they are now; missing where they hold none of them."""
    if series is None:
        return table
    names = list(table)
    parts = []
    for channel, alerts in table.groupby("channel"):
        times = series(str(channel))
        rows = [rows_of(alert, times) or (pd.NA, pd.NA) for alert in alerts.to_dict(orient="records")]
        start, end = (pd.array(list(column), dtype="Int64") for column in zip(*rows, strict=True))
        parts.append(alerts.assign(start=start, end=end))
    return pd.concat(parts)[names] if parts else table


def would_raise(anomalies: pd.DataFrame, options: AlertOptions) -> pd.DataFrame:
    """Return the anomalies that are long and, where they have a level, severe enough for an alert.

    Parameters
    ----------
    anomalies : pandas.DataFrame
        start, end (samples, both inclusive) and, optionally, level and `found_by`: what the envelope found may be
        short.
    options : AlertOptions
        Options of which `on_delay` and `least_level` are read.

    Returns
    -------
    pandas.DataFrame
        Some of the rows of `anomalies`.
    """
    raises_alert = anomalies["end"] - anomalies["start"] + 1 >= options.on_delay
    if "found_by" in anomalies:
        raises_alert |= anomalies["found_by"] != "forecast"
    if "level" in anomalies:
        raises_alert &= anomalies["level"].isin(LEVELS[LEVELS.index(options.least_level) :])
    return anomalies[raises_alert]


def threshold_effect(
    judged: pd.DataFrame, alerts: pd.DataFrame, anomalies: Mapping[str, pd.DataFrame]
) -> ThresholdEffect:
    """Compare the judged alerts with the anomalies that other parameters find.

    Parameters
    ----------
    judged : pandas.DataFrame
        Table that `judged_alerts` returns; alerts that the series does not hold are left out.
    alerts : pandas.DataFrame
        Table that `model_alerts` returns.
    anomalies : mapping of str to pandas.DataFrame
        Anomalies (start, end) that would raise an alert under the other parameters, by channel. Channels that are
        not in it are left out.

    Returns
    -------
    ThresholdEffect

    Examples
    --------
    >>> columns = ["id", "channel", "start", "end", "level", "verdict"]
    >>> judged = pd.DataFrame([(1, "P-1", 10, 20, "high", "false alarm"), (2, "P-1", 50, 60, "low", "true")],
    ...                       columns=columns)
    >>> alerts = pd.DataFrame([("P-1", 10, 20), ("P-1", 50, 60)], columns=["channel", "start", "end"])
    >>> print(threshold_effect(judged, alerts, {"P-1": pd.DataFrame({"start": [55], "end": [70]})}))
    1 false alarm would not have been raised, 0 real faults would have been missed, 1 alert would be raised as before,
    0 anomalies would be new.
    """
    judged_again = judged[judged["channel"].isin(list(anomalies)) & judged["start"].notna()]
    overlapped = [
        _overlaps(anomalies[channel], start, end)
        for channel, start, end in judged_again[["channel", "start", "end"]].to_numpy().tolist()
    ]
    still_raised = pd.Series(overlapped, index=judged_again.index, dtype=bool)
    rows = []
    for channel, channel_anomalies in anomalies.items():
        channel_alerts = alerts[alerts["channel"] == channel]
        rows += [
            (channel, start, end)
            for start, end in channel_anomalies[["start", "end"]].to_numpy().tolist()
            if not _overlaps(channel_alerts, start, end)
        ]
    return ThresholdEffect(
        spared=judged_again[~still_raised & judged_again["verdict"].isin(_FALSE)].reset_index(drop=True),
        missed=judged_again[~still_raised & judged_again["verdict"].isin(_REAL)].reset_index(drop=True),
        kept=int(still_raised.sum()),
        new=pd.DataFrame(rows, columns=["channel", "start", "end"]),
    )


def _overlaps(table: pd.DataFrame, start: int, end: int) -> bool:
    return bool(((table["start"] <= end) & (table["end"] >= start)).any())
