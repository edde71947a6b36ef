"""First steps of a newcomer to the demo fleet: one sentence that says what to look at, and the way through one case."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import pandas as pd

from workbench.maintenance.alerts.grouping import ASSET_KIND
from workbench.maintenance.alerts.table import ALLOWED
from workbench.plots.theme import severity
from workbench.settings import Settings
from workbench.telemetry.catalog import Catalog
from workbench.telemetry.synthetic import demo_source
from workbench.views.markup import alert_subject, target
from workbench.views.state import anomaly_of
from workbench.views.view_session import ViewSession

__all__ = ["FirstSteps", "dismiss", "first_steps", "first_steps_markup"]

_DISMISSED_FILE = "first-steps-dismissed"
_CASE_FILE = "first-steps-alert"


@dataclass(frozen=True)
class FirstSteps:
    """The case that a newcomer is led through.

    Attributes
    ----------
    alert : mapping of str to Any
        Row of `Alerts.list`.
    order : str
        Number of its work order; empty where it has none yet.
    is_planned : bool
        Whether the order is in the saved plan.
    """

    alert: Mapping[Any, Any]
    order: str
    is_planned: bool

    @property
    def is_acknowledged(self) -> bool:
        """Whether somebody has acknowledged the alert."""
        return self.alert["state"] not in ALLOWED["acknowledge"]


def first_steps(session: ViewSession, alerts: pd.DataFrame) -> FirstSteps | None:
    """Return the case to begin with; None where nobody is led.

    It is the alert that the overview says to do first. The newcomer stays with it, whatever else is raised and whatever
    is done about it, until it is not open any more; the next one follows then.

    Parameters
    ----------
    session : ViewSession
        Session in use; only newcomers to a demo fleet with a history are led, until somebody has dismissed the card.
    alerts : pandas.DataFrame
        Open alerts, the one to do first at their head.
    """
    if alerts.empty or _file(session.settings).exists():
        return None
    source = demo_source(session.archive)
    if source is None or source[1] is None:
        return None
    alert = _begun(session.settings, alerts)
    if alert is None:
        alert = alerts.iloc[0].to_dict()
        with suppress(OSError):  # who can only read has the newest one again
            (session.settings.home / _CASE_FILE).write_text(f"{alert['id']}\n", encoding="utf-8")
    order = session.maintenance.orders_of_alerts().get(int(alert["id"]), "")
    return FirstSteps(alert, order, order in {one.job for one in session.maintenance.planning.placements()})


def _begun(settings: Settings, alerts: pd.DataFrame) -> dict[Any, Any] | None:
    """Return the alert that the newcomer is at; None where there is none, or it is not open any more."""
    try:
        number = int((settings.home / _CASE_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    rows = alerts[alerts["id"] == number]
    return None if rows.empty else rows.iloc[0].to_dict()


def dismiss(settings: Settings) -> None:
    """Show the card no more in this home."""
    _file(settings).touch()


def first_steps_markup(steps: FirstSteps, catalog: Catalog) -> str:
    """Write the card of the first steps.

    Parameters
    ----------
    steps : FirstSteps
        The case.
    catalog : Catalog
        Names of the assets.

    Returns
    -------
    str
        HTML of a `Grid`; what a step picks is `["view", "asset", "channel", moment]`, the number of the order,
        or `plan`.
    """
    alert = steps.alert
    level = severity(alert["level"])
    chosen = anomaly_of(alert)
    place = target(chosen.asset, chosen.channel, chosen.anomaly)
    asset, subject = escape(catalog.asset(str(alert["asset"])).name), escape(alert_subject(alert, catalog))
    about, of_asset = ("", "") if alert["kind"] == ASSET_KIND else ("the cell ", f" of {asset}")
    sentence = (
        f"<b>New here?</b> Look at {about}<b class='{level.word}'><span class='wb-symbol' aria-hidden='true'>"
        f"{level.symbol}</span>{subject}</b>{of_asset}, {level.word}, and follow its case:"
    )
    links = (
        ("See why", place),
        ("See who acknowledged it" if steps.is_acknowledged else "Acknowledge it", place),
        (f"See its order {steps.order}" if steps.order else "Open its order", steps.order or place),
        ("See when it is planned" if steps.is_planned else "Plan it", "plan"),
    )
    buttons = "".join(
        f'<li><button type="button" class="wb-step" data-pick="{escape(where)}">{number}. {escape(words)}</button></li>'
        for number, (words, where) in enumerate(links, 1)
    )
    return f"<div class='wb-first-steps'><p>{sentence}</p><ol>{buttons}</ol></div>"


def _file(settings: Settings) -> Path:
    return settings.home / _DISMISSED_FILE
