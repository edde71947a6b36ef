"""Retention: which samples are older than the settings keep, and what is spared all the same; then their removal.

Whole segments go, and only where all of their samples of a channel are older. Training data, samples of an open alert
or a label, and those that a score still needs to go on, stay. Channels without times have no age: they stay whole.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import xarray as xr

from workbench.detection.shortening import needed_samples, shortened
from workbench.exceptions import WorkbenchError
from workbench.settings import RetentionSettings
from workbench.telemetry.archive import Archive
from workbench.telemetry.moments import rows_between, ticks
from workbench.telemetry.series_hash import series_hash

if TYPE_CHECKING:
    from workbench.maintenance.desk import Maintenance

__all__ = ["RETENTION_COLUMNS", "Removal", "plan_removal", "protected_moments", "remove", "retention_frame"]

RETENTION_COLUMNS = ("channel", "asset", "days", "samples", "until", "status", "reason")
"""Columns of `Session.retain`."""


@dataclass(frozen=True)
class Removal:
    """What retention takes from one channel.

    Attributes
    ----------
    channel, asset : str
        Which channel.
    days : int or None
        Days that its samples are kept; None where all are.
    rows : dict of str to int
        Rows that go from the front of the parts `before` and `test`.
    until : pandas.Timestamp or None
        Time of the last sample that goes, UTC.
    reason : str
        Why older samples stay; empty where none do.
    status : {"kept", "to remove", "removed", "failed"}
        What has become of them.
    """

    channel: str
    asset: str
    days: int | None
    rows: Mapping[str, int]
    until: pd.Timestamp | None
    reason: str
    status: str

    @property
    def samples(self) -> int:
        """Return the number of samples that go."""
        return sum(self.rows.values())


def protected_moments(maintenance: "Maintenance") -> dict[str, int]:
    """Return the first moment that an open alert refers to, in nanoseconds since 1970, by channel or whole asset."""
    alerts = maintenance.alerts.list(state="open")
    dated = alerts[alerts["clock"] == "time"]
    return {str(name): int(first) for name, first in dated.groupby("channel")["first_at"].min().items()}


def plan_removal(
    archive: Archive, channel: str, settings: RetentionSettings, now: datetime, protected: Mapping[str, int]
) -> Removal:
    """Say what of a channel is older than the settings keep, and may go.

    Parameters
    ----------
    archive : Archive
        Archive that holds the channel.
    channel : str
        Name of the channel.
    settings : RetentionSettings
        How long samples are kept.
    now : datetime
        Present time, aware.
    protected : mapping of str to int
        From `protected_moments`.

    Returns
    -------
    Removal

    Raises
    ------
    ArchiveError
        The channel is damaged.
    """
    asset = archive.info(channel).asset
    days = settings.days_of(asset)
    nothing = Removal(channel, asset, days, {}, None, "", "kept")
    if days is None:
        return nothing
    if asset in protected:  # by an alert of the asset as a whole
        protected = {**protected, channel: min(protected[asset], protected.get(channel, protected[asset]))}
    if archive.dates(channel) is None:
        return Removal(channel, asset, days, {}, None, "its samples have no times", "kept")
    limit = pd.Timestamp(now).tz_convert("UTC").as_unit("ns").value - days * 86_400 * 10**9
    rows: dict[str, int] = {}
    until, reasons = None, []
    for part in ("before", "test"):
        series = archive.open_before(channel) if part == "before" else archive.open(channel)
        if series is None:
            continue
        times = ticks(series["time"].values)
        old = int(np.searchsorted(times, limit))
        if not old:
            continue
        bounds = _bounds(archive, channel, part, series, times, protected)
        most = min([old, *bounds.values()])
        cuts = [end for end in archive.ends_of_pieces(channel, part) if end <= most]
        if part == "test":
            while cuts and not _can_begin(archive, channel, series, cuts[-1]):
                cuts.pop()
        count = cuts[-1] if cuts else 0
        if count:
            rows[part] = count
            last = pd.Timestamp(int(times[count - 1]), tz="UTC")
            until = last if until is None else max(until, last)
        if count < old:
            left = old - count
            reason = next((why for why, bound in bounds.items() if bound == most and bound < old), "")
            reasons.append(f"{left:,} older samples stay: {reason or 'their segment holds newer ones'}")
    status = "to remove" if rows else "kept"
    return Removal(channel, asset, days, rows, until, "; ".join(reasons), status)


def remove(archive: Archive, removal: Removal) -> None:
    """Remove what was planned.

    Raises
    ------
    ArchiveError
        The channel is damaged, or a score was replaced meanwhile. Nothing is removed.
    """
    scores = {}
    count = removal.rows.get("test", 0)
    test = archive.open(removal.channel)
    current_hash = archive.info(removal.channel).test_hash
    for key, attributes in archive.scores(removal.channel).items():
        if not count:
            scores[key] = attributes
            continue
        own = shortened(attributes, count)
        if attributes.get("data_hash") == current_hash:
            own["data_hash"] = series_hash(test.isel(time=slice(count, None)))
        else:
            own["data_hash"] = _prefix_hash(archive, removal.channel, key, attributes, test, count)
        scores[key] = own
    archive.remove_front(removal.channel, removal.rows, scores)


def retention_frame(removals: Iterable[Removal]) -> pd.DataFrame:
    """Return one row a channel, with `RETENTION_COLUMNS`."""
    rows = [
        (one.channel, one.asset, one.days, one.samples, one.until, one.status, one.reason or "") for one in removals
    ]
    return pd.DataFrame(rows, columns=list(RETENTION_COLUMNS)).astype({"days": "Int64", "samples": "int64"})


def _bounds(
    archive: Archive,
    channel: str,
    part: str,
    series: xr.Dataset,
    times: Any,
    protected: Mapping[str, int],
) -> dict[str, int]:
    """Return the row before which a part may be cut at most, by the reason why."""
    bounds: dict[str, int] = {}
    if channel in protected:
        bounds["an open alert refers to them"] = int(np.searchsorted(times, protected[channel]))
    labels = archive.label_moments(channel) or {"spans": []}
    places = [rows_between(series["time"].values, labels["clock"], first, last) for first, last, _ in labels["spans"]]
    labelled = [rows[0] for rows in places if rows is not None]
    if labelled:
        bounds["a label refers to them"] = min(labelled)
    if part == "before":
        return bounds
    bounds["the series would be empty"] = series.sizes["time"] - 1
    for attributes in archive.scores(channel).values():
        needed = needed_samples(attributes)
        if needed is not None:
            why = "a score needs them to go on"
            bounds[why] = min(needed, bounds.get(why, needed))
    return bounds


def _can_begin(archive: Archive, channel: str, series: xr.Dataset, row: int) -> bool:
    """Tell whether a test series can begin with a row: not inside an anomaly, nor where a value is missing.

    A missing sample is filled with the last value before, which must stay.
    """
    for attributes in archive.scores(channel).values():
        if any(start < row <= end for start, end, *_ in json.loads(attributes.get("anomalies", "[]"))):
            return False
    return not np.isnan(series["telemetry"].isel(time=row).values) and all(
        not np.any(series[name].isel(time=row).values) for name in ("missing", "missing_commands") if name in series
    )


def _prefix_hash(
    archive: Archive, channel: str, key: str, attributes: dict[str, Any], test: xr.Dataset, count: int
) -> str:
    """Return the hash of what is left of the samples that a score was made of, where it still fits them."""
    noted = str(attributes.get("data_hash", ""))
    try:
        sample = archive.open_scores(channel, key)["sample"].values
        covered = int(sample[-1]) + 1 + int(attributes["prediction_horizon"])
        if count < covered <= test.sizes["time"] and archive.test_prefix_hash(channel, covered, noted) == noted:
            return series_hash(test.isel(time=slice(count, covered)))
    except (WorkbenchError, LookupError, ValueError):  # it is stale, and stays so
        pass
    return noted
