"""From scores to alerts to work orders: what a fleet's stored scores and limits ask of maintenance."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import xarray as xr

from workbench.detection.anomalies import detect
from workbench.detection.applied import params_of
from workbench.detection.scoring import anomaly_frame
from workbench.maintenance.desk import Maintenance
from workbench.maintenance.findings import anomaly_findings, limit_findings
from workbench.maintenance.notifications import Delivery
from workbench.maintenance.raising import AlertReport
from workbench.maintenance.verdicts import ThresholdEffect
from workbench.settings import Settings, SeverityLevels, TelemanomParams

if TYPE_CHECKING:
    from workbench.telemetry.catalog import Catalog

__all__ = ["Outcome", "open_desk", "raise_alerts", "threshold_effect"]


@dataclass(frozen=True)
class Outcome:
    """What became of a fleet's anomalies and exceeded limits.

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
    """

    raised: AlertReport
    opened: tuple[str, ...]
    extended: tuple[str, ...]
    preventive: tuple[str, ...]
    delivery: Delivery

    def __str__(self) -> str:
        """Say it in one sentence."""
        orders = f"{_count(len(self.opened), 'work order')} opened"
        orders += f", {len(self.extended)} extended" if self.extended else ""
        orders += f", {_count(len(self.preventive), 'preventive one')} due" if self.preventive else ""
        told = "".join(f" {target} could not be told: {reason}" for target, reason in self.delivery.failed)
        return f"{str(self.raised).rstrip('.')}; {orders}.{told}"


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
) -> Outcome:
    """Raise alerts for the stored anomalies and exceeded limits of channels, and open work orders by rule.

    Doing it again with the same scores changes nothing.

    Parameters
    ----------
    desk : Maintenance
    catalog : Catalog
        Gives the limits.
    channels : iterable of str
    read : callable
        Opens the test split of a channel.
    stored : callable
        Gives a channel's stored score; None where it is not scored.
    levels : SeverityLevels

    Returns
    -------
    Outcome
    """
    options = desk.alerts.options
    findings, looked_at = [], []
    for name in channels:
        channel = read(name)
        score = stored(name)
        if score is not None:
            looked_at.append((name, "model"))
            findings += anomaly_findings(channel, score, anomaly_frame(score.attrs, levels))
        limits = catalog.channel(name).limits
        if options.limit_alarms and any(value is not None for value in limits.model_dump().values()):
            looked_at.append((name, "limit"))
            findings += limit_findings(channel, limits, options)
    desk.alerts.tick()
    raised = desk.alerts.raise_findings(looked_at, findings)
    desk.orders.reprioritise("workbench")
    orders = desk.orders.by_rule("workbench")
    desk.notifier.queue(raised.raised)
    delivery = desk.notifier.tick()
    return Outcome(raised, orders["opened"], orders["extended"], desk.preventive.open_due("workbench"), delivery)


def threshold_effect(
    desk: Maintenance,
    channels: Iterable[str],
    read: Callable[[str], xr.Dataset],
    stored: Callable[[str], xr.Dataset | None],
    levels: SeverityLevels,
    params: TelemanomParams,
) -> ThresholdEffect:
    """Say what other thresholds would have made of the alerts that people judged; nothing is changed.

    Parameters
    ----------
    desk : Maintenance
    channels : iterable of str
        Those that are not scored are left out.
    read, stored : callable
        As for `raise_alerts`.
    levels : SeverityLevels
    params : TelemanomParams
        Their smoothing and thresholds are tried on the stored predictions; the windows are those of the score.

    Returns
    -------
    ThresholdEffect

    Raises
    ------
    DetectionError
        A score does not fit its series.
    """
    found = {}
    for name in channels:
        score = stored(name)
        if score is not None:
            own = params_of(score, params)
            anomalies = detect(read(name)["telemetry"].values, score["prediction"].values, own).anomalies
            found[name] = anomalies.assign(level=[levels.level(value) for value in anomalies["severity"]])
    return desk.alerts.threshold_effect(found)


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
