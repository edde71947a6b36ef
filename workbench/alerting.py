"""From scores to alerts to work orders: what a fleet's stored scores and limits ask of maintenance."""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy.typing as npt
import xarray as xr

from workbench.counts import counted
from workbench.detection.scoring import anomalies_to_alert, first_judged
from workbench.exceptions import ArchiveError, ChannelNotFoundError, WorkbenchError
from workbench.maintenance.alerts.findings import anomaly_findings, limit_findings
from workbench.maintenance.alerts.raising import Examined, Finding
from workbench.maintenance.alerts.report import AlertReport
from workbench.maintenance.desk import Maintenance
from workbench.maintenance.notifications.links import LinkSigner
from workbench.maintenance.notifications.notifier import Delivery
from workbench.maintenance.register.items import CatalogItem
from workbench.parameters import SeverityLevels
from workbench.settings import Settings
from workbench.telemetry.moments import clock_of, ticks
from workbench.version import __version__

if TYPE_CHECKING:
    from workbench.telemetry.archive import Archive
    from workbench.telemetry.catalog import Catalog

__all__ = ["ExaminedBefore", "Outcome", "catalog_items", "open_desk", "open_due_orders", "raise_alerts"]


@dataclass(frozen=True)
class Outcome:
    """Outcome of raising alerts for the anomalies and exceeded limits of a fleet.

    Attributes
    ----------
    raised : AlertReport
        Alerts.
    opened, extended : tuple of str
        Numbers of the work orders that rules opened, and those that got more alerts.
    preventive : tuple of str
        Numbers of the preventive orders that were due.
    delivery : Delivery
        Notifications that were sent, failed or wait.
    failed : tuple of (str, str)
        Channels and assets whose telemetry or score could not be read, and why; their alerts stay as they were.
    """

    raised: AlertReport
    opened: tuple[str, ...]
    extended: tuple[str, ...]
    preventive: tuple[str, ...]
    delivery: Delivery
    failed: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        """Return the outcome in one sentence."""
        orders = f"{counted(len(self.opened), 'work order')} opened"
        orders += f", {len(self.extended)} extended" if self.extended else ""
        orders += f", {counted(len(self.preventive), 'preventive one')} due" if self.preventive else ""
        failures = "".join(f" {target} could not be notified: {reason}" for target, reason in self.delivery.failed)
        return f"{str(self.raised).rstrip('.')}; {orders}.{failures}"


def open_desk(settings: Settings, clock: Callable[[], datetime], catalog: "Catalog", archive: "Archive") -> Maintenance:
    """Open the maintenance desk of settings; the database is made when it is first used.

    Parameters
    ----------
    settings : Settings
        Settings of the workbench.
    clock : callable
        Returns the present time, aware, in UTC.
    catalog : Catalog
        Catalog with the criticality of the assets.
    archive : Archive
        Archive in which the desk looks up where alerts lie now.

    Returns
    -------
    Maintenance

    Raises
    ------
    MaintenanceError
        `database_url` is no URL of a maintenance database.
    """
    address = settings.dashboard.public_url
    key_file = settings.home.absolute() / "links.key"
    return Maintenance(
        settings.maintenance_url,
        clock,
        alerts=settings.alerts,
        orders=settings.orders,
        schedule=settings.schedule,
        notifications=settings.notifications,
        criticality=lambda asset: catalog.asset(asset).criticality,
        asset_name=lambda asset: catalog.asset(asset).name,
        catalog=lambda: catalog_items(catalog, archive, stored_only=settings.catalog is None),
        series=lambda channel: _times(archive, channel),
        splits=archive.open,
        links=None if address is None else LinkSigner(key_file, address, settings.notifications.link_hours),
        files=settings.attachments_path,
    )


def catalog_items(catalog: "Catalog", archive: "Archive", *, stored_only: bool) -> list[CatalogItem]:
    """Return the assets and subsystems of the catalog and of the archive, those of damaged channels among them.

    With `stored_only`, assets of the catalog are left out of which an archive that is not empty has no channel: the
    catalog of the product lists those of fleets that somebody else has.
    """
    places = archive.places()
    stored = {asset for asset, _ in places}
    assets = {name: entry for name, entry in catalog.assets.items() if not (stored_only and stored) or name in stored}
    items = {
        name: CatalogItem(name, title=entry.name, description=entry.description, criticality=entry.criticality)
        for name, entry in assets.items()
    }
    items |= {asset: CatalogItem(asset) for asset, _ in places if asset not in items}
    keys = {(asset, key): title for asset, entry in assets.items() for key, title in entry.subsystems.items()}
    keys |= {(asset, key): "" for asset, key in places if key and (asset, key) not in keys}
    subsystems = [
        CatalogItem(f"{asset}/{key}", "subsystem", asset, title=title) for (asset, key), title in sorted(keys.items())
    ]
    return [*items.values(), *subsystems]


def _times(archive: "Archive", channel: str) -> npt.NDArray[Any] | None:
    """Return the coordinate `time` of a channel's test series; None where the archive does not hold it, or damaged.

    That of an asset is its longest channel's.
    """
    try:
        return archive.open(channel)["time"].values
    except ArchiveError:
        return None
    except ChannelNotFoundError:
        own = [info for info in archive.infos()[0] if info.asset == channel]
        return _times(archive, max(own, key=lambda info: info.n_test).channel) if own else None


def open_due_orders(desk: Maintenance, scored: Callable[[], Mapping[str, int]]) -> tuple[str, ...]:
    """Open the preventive orders that are due, after the health of the assets whose plans ask for it was recorded.

    Parameters
    ----------
    desk : Maintenance
        Maintenance desk.
    scored : callable
        Returns the number of scored channels of each asset.

    Returns
    -------
    tuple of str
        Numbers of the new orders.
    """
    asked = desk.preventive.health_assets()
    if asked:
        channels = scored()
        health = desk.health({name: channels.get(name, 0) for name in asked})
        desk.preventive.record_health({str(name): float(value) for name, value in health.items()}, "workbench")
    return desk.preventive.open_due("workbench")


def raise_alerts(
    desk: Maintenance,
    catalog: "Catalog",
    channels: Iterable[str],
    read: Callable[[str], xr.Dataset],
    stored: Callable[[str], xr.Dataset | None],
    levels: SeverityLevels,
    check: Callable[[str, xr.Dataset], None] | None = None,
    before: "ExaminedBefore | None" = None,
    assets: Mapping[str, Callable[[], tuple[Examined, list[Finding]] | None]] | None = None,
    scored: Callable[[], Mapping[str, int]] | None = None,
) -> Outcome:
    """Raise alerts for the stored anomalies and exceeded limits of channels, and open work orders by rule.

    Doing it again with the same scores changes nothing. An anomaly that is a known event raises an alert of the lowest
    level, which names the event and opens no order. What is provisional, at the end of a series that grows, raises
    no alert before its error window is complete. A channel whose telemetry or score is damaged does not stop the
    others: its alerts stay as they were, and the outcome names it.

    Parameters
    ----------
    desk : Maintenance
        Maintenance desk that stores the alerts and orders.
    catalog : Catalog
        Catalog with the limits.
    channels : iterable of str
        Names of the channels to look at.
    read : callable
        Function that opens the test split of a channel.
    stored : callable
        Function that returns a channel's stored score; None where it is not scored.
    levels : SeverityLevels
        Severity score at which each level begins.
    check : callable, optional
        Called with a channel and its stored score; raises an `ArchiveError` where the score is not of the series.
    before : ExaminedBefore, optional
        What was found in the channels before; those that have not changed since are not opened.
    assets : mapping of str to callable, optional
        Assets to look at as a whole, and what returns the findings of each; None where it is not scored.
    scored : callable, optional
        Returns the number of scored channels of each asset, for the health index that preventive plans ask for.

    Returns
    -------
    Outcome
    """
    options = desk.alerts.options
    findings: list[Finding] = []
    looked_at: list[Examined] = []
    failed: list[tuple[str, str]] = []
    unplaced = desk.alerts.unplaced()
    recogniser = desk.known.recogniser()
    for name in channels:
        has_known_events = name in recogniser.events
        earlier = None if before is None or name in unplaced or has_known_events else before.get(name)
        if earlier is not None:
            looked_at += earlier[0]
            findings += earlier[1]
            continue
        reasons: list[str] = []
        n_looked_at, n_findings = len(looked_at), len(findings)
        try:
            if name in unplaced:
                desk.alerts.place_in(read(name))
            score = stored(name)
            if score is not None:
                if check is not None:
                    check(name, score)
                last, anomalies = anomalies_to_alert(score, levels)
                if last is not None:
                    channel = read(name)
                    findings += recogniser.recognise(channel, anomaly_findings(channel, score, anomalies, last))
                    looked_at.append(_examined(channel, "model", first_judged(score), last))
        except ArchiveError as error:
            reasons.append(str(error))
        limits = catalog.channel(name).limits
        if options.limit_alarms and any(value is not None for value in limits.model_dump().values()):
            try:
                channel = read(name)
                findings += limit_findings(channel, limits, options)
                looked_at.append(_examined(channel, "limit", 0, -1))
            except ArchiveError as error:
                reasons.append(str(error))
        if reasons:
            failed.append((name, " ".join(dict.fromkeys(reasons))))
        elif before is not None and not has_known_events:
            before.note(name, looked_at[n_looked_at:], findings[n_findings:])
    if before is not None:
        before.keep()
    for name, find in (assets or {}).items():
        try:
            result = find()
        except WorkbenchError as error:
            failed.append((name, str(error)))
            continue
        if result is not None:
            looked_at.append(result[0])
            findings += recogniser.recognise_assets(result[1], findings)
    desk.alerts.tick()
    raised = desk.alerts.raise_findings(looked_at, findings)
    desk.orders.reprioritise("workbench")
    orders = desk.orders.by_rule("workbench")
    preventive = open_due_orders(desk, scored or dict)
    delivery = desk.notifier.tick()
    return Outcome(raised, orders["opened"], orders["extended"], preventive, delivery, tuple(failed))


class ExaminedBefore:
    """What was found in channels when alerts were last raised, as the index of the archive keeps it.

    Parameters
    ----------
    archive : Archive
        Archive that holds the channels.
    channels : sequence of str
        Names of the channels.
    conditions : callable
        Function that returns, in JSON, what the findings of a channel depend on beside what is stored of it.
    """

    def __init__(self, archive: "Archive", channels: Sequence[str], conditions: Callable[[str], Any]) -> None:
        self._archive = archive
        look = archive.look(channels, with_scores=True)
        states = {name: look.state(name) for name in look.attributes}
        self._states = {
            name: hashlib.sha256(json.dumps([__version__, state, conditions(name)]).encode()).hexdigest()
            for name, state in states.items()
            if state is not None
        }
        self._kept = archive.index.examined_of(channels)
        self._new: dict[str, tuple[str, str]] = {}

    def get(self, channel: str) -> tuple[list[Examined], list[Finding]] | None:
        """Return what was looked at and found in a channel; None where anything of it has changed since."""
        state, text = self._kept.get(channel, ("", ""))
        if not state or state != self._states.get(channel):
            return None
        document = json.loads(text)
        return [Examined(*one) for one in document["examined"]], [_finding(**one) for one in document["findings"]]

    def note(self, channel: str, examined: Sequence[Examined], findings: Sequence[Finding]) -> None:
        """Note what was looked at and found in a channel; `keep` stores it."""
        if channel in self._states:
            document = {"examined": examined, "findings": [asdict(one) for one in findings]}
            self._new[channel] = (self._states[channel], json.dumps(document, default=datetime.isoformat))

    def keep(self) -> None:
        """Store what was noted."""
        self._archive.note_examined(self._new)
        self._new = {}


def _finding(start_time: str | None, end_time: str | None, **rest: Any) -> Finding:
    """Return a finding that was written in JSON."""
    times = [None if text is None else datetime.fromisoformat(text) for text in (start_time, end_time)]
    return Finding(start_time=times[0], end_time=times[1], **rest)


def _examined(channel: xr.Dataset, kind: str, first: int, last: int) -> Examined:
    """Return what was examined of a channel: all from one row to another."""
    times = channel["time"].values
    moments = ticks(times)
    return Examined(str(channel.attrs["channel"]), kind, clock_of(times), int(moments[last]), int(moments[first]))
