"""From scores to alerts to work orders: what a fleet's stored scores and limits ask of maintenance."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import xarray as xr

from workbench.counts import counted
from workbench.detection.scoring import anomaly_frame
from workbench.exceptions import ArchiveError
from workbench.maintenance.alerts.findings import anomaly_findings, limit_findings
from workbench.maintenance.alerts.raising import AlertReport, Finding
from workbench.maintenance.desk import Maintenance
from workbench.maintenance.notifications import Delivery
from workbench.parameters import SeverityLevels
from workbench.settings import Settings

if TYPE_CHECKING:
    from workbench.telemetry.catalog import Catalog

__all__ = ["Outcome", "open_desk", "raise_alerts"]


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
        Channels whose telemetry or score could not be read, and why; their alerts stay as they were.
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


def open_desk(settings: Settings, clock: Callable[[], datetime], catalog: "Catalog") -> Maintenance:
    """Open the maintenance desk of settings; the database is made when it is first used.

    Raises
    ------
    MaintenanceError
        `database_url` is no URL of a maintenance database.
    """
    return Maintenance(
        settings.maintenance_url,
        clock,
        alerts=settings.alerts,
        orders=settings.orders,
        schedule=settings.schedule,
        notifications=settings.notifications,
        criticality=lambda asset: catalog.asset(asset).criticality,
    )


def raise_alerts(
    desk: Maintenance,
    catalog: "Catalog",
    channels: Iterable[str],
    read: Callable[[str], xr.Dataset],
    stored: Callable[[str], xr.Dataset | None],
    levels: SeverityLevels,
    check: Callable[[str, xr.Dataset], None] | None = None,
) -> Outcome:
    """Raise alerts for the stored anomalies and exceeded limits of channels, and open work orders by rule.

    Doing it again with the same scores changes nothing. A channel whose telemetry or score is damaged does not stop the
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

    Returns
    -------
    Outcome
    """
    options = desk.alerts.options
    findings: list[Finding] = []
    looked_at: list[tuple[str, str]] = []
    failed: list[tuple[str, str]] = []
    for name in channels:
        reasons = []
        try:
            score = stored(name)
            if score is not None:
                if check is not None:
                    check(name, score)
                findings += anomaly_findings(read(name), score, anomaly_frame(score.attrs, levels))
                looked_at.append((name, "model"))
        except ArchiveError as error:
            reasons.append(str(error))
        limits = catalog.channel(name).limits
        if options.limit_alarms and any(value is not None for value in limits.model_dump().values()):
            try:
                findings += limit_findings(read(name), limits, options)
                looked_at.append((name, "limit"))
            except ArchiveError as error:
                reasons.append(str(error))
        if reasons:
            failed.append((name, " ".join(dict.fromkeys(reasons))))
    desk.alerts.tick()
    raised = desk.alerts.raise_findings(looked_at, findings)
    desk.orders.reprioritise("workbench")
    orders = desk.orders.by_rule("workbench")
    desk.notifier.queue(raised.raised)
    delivery = desk.notifier.tick()
    preventive = desk.preventive.open_due("workbench")
    return Outcome(raised, orders["opened"], orders["extended"], preventive, delivery, tuple(failed))
