"""The page behind the link of a message: it shows one alert, and a button acknowledges it for the person who was told.

Opening the link changes nothing, because programs that scan mail open every link; only the button does. The link is
what lets a person in, so the page asks for no token, shows nothing but its alert, and leads nowhere by itself.
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime

from workbench.dashboard.link_door import LinkDoor
from workbench.exceptions import LinkError, MaintenanceError, TransitionError, WorkbenchError
from workbench.maintenance.alerts.grouping import ASSET_KIND
from workbench.maintenance.alerts.table import ALLOWED, Alert
from workbench.maintenance.database import microseconds
from workbench.maintenance.notifications.links import AlertLink

__all__ = ["AcknowledgementPage", "Acknowledgements"]

_SYMBOLS = {"critical": "◆", "high": "▲", "medium": "●", "low": "▼", "info": "○"}
_COMMENT = "by the link of a message"


@dataclass(frozen=True)
class AcknowledgementPage:
    """What the page shows.

    Attributes
    ----------
    status : int
        Status of the answer.
    title : str
        Heading.
    words : str
        What happened, and what to do.
    alert : Alert or None
        The alert; None where the link does not say which.
    person : str
        Person for whom the button acknowledges; empty where there is no button.
    """

    status: int
    title: str
    words: str
    alert: Alert | None = None
    person: str = ""

    @property
    def symbol(self) -> str:
        """Symbol of the level of the alert."""
        return "" if self.alert is None else _SYMBOLS[self.alert.level]

    @property
    def announced(self) -> str:
        """When the alert was announced last, with its zone."""
        return "" if self.alert is None else _time_text(self.alert.annunciated_at or self.alert.raised_at)


class Acknowledgements:
    """Answers the links of messages.

    Parameters
    ----------
    door : LinkDoor
        Session and limits of the links; `answer` is to be called in its thread.
    """

    def __init__(self, door: LinkDoor) -> None:
        self.door = door

    def answer(self, token: str, address: str, *, pressed: bool) -> AcknowledgementPage:
        """Return the page of a link.

        Parameters
        ----------
        token : str
            Last part of the link.
        address : str
            Network address of the reader: bad links of one address are counted.
        pressed : bool
            Whether the button was pressed, which acknowledges the alert.
        """
        try:
            return self._answer(token, address, pressed=pressed)
        except WorkbenchError as error:
            return AcknowledgementPage(
                503, "The workbench cannot answer now", f"{error} The alert is not acknowledged."
            )

    def _answer(self, token: str, address: str, *, pressed: bool) -> AcknowledgementPage:
        session = self.door.session
        links, present = session.maintenance.links, session.clock()
        try:
            if links is None:
                raise LinkError("Links of messages are not in use here.", "Set dashboard.public_url to use them.")
            link = links.read(token, present)
        except LinkError as error:
            if not self.door.allows_bad(address, present):
                return AcknowledgementPage(429, "Too many links that are not good", "Wait a minute.")
            expired = "expired" in error.message
            return AcknowledgementPage(410 if expired else 404, "This link cannot be used", str(error))
        if not self.door.allows_good(token, address, present):
            return AcknowledgementPage(429, "This link was opened too often", "Wait a minute, then open it again.")
        try:
            alert = session.maintenance.alerts.get(link.alert)
        except MaintenanceError as error:
            return AcknowledgementPage(404, "This link cannot be used", str(error))
        if not _is_news(alert, link):
            words = f"Alert {alert.id} was announced again since this message, on {_announced(alert)}."
            return AcknowledgementPage(410, "This link is out of date", f"{words} Use the link of the newer message.")
        if pressed and alert.state in ALLOWED["acknowledge"]:
            try:
                alert = session.maintenance.alerts.acknowledge(alert.id, link.person, _COMMENT, version=alert.version)
            except (TransitionError, MaintenanceError):  # somebody was faster
                alert = session.maintenance.alerts.get(alert.id)
        name = session.maintenance.asset_name(alert.asset)
        named = replace(alert, asset=name, channel=name if alert.kind == ASSET_KIND else alert.channel)
        return _page(named, link.person)


def _is_news(alert: Alert, link: AlertLink) -> bool:
    """Return whether the alert was not announced anew since the message, so that its reader has seen what it is."""
    return microseconds(alert.annunciated_at or alert.raised_at) == link.announced


def _page(alert: Alert, person: str) -> AcknowledgementPage:
    if alert.state in ALLOWED["acknowledge"]:
        return AcknowledgementPage(200, f"Alert {alert.id}", "", alert, person)
    if alert.acknowledged and alert.acknowledged_at is not None:
        words = f"Acknowledged by {alert.acknowledged_by}, {_time_text(alert.acknowledged_at)}."
        closed = " It is closed." if alert.state == "closed" else ""
        return AcknowledgementPage(200, f"Alert {alert.id} is acknowledged", f"{words}{closed}", alert)
    why = "its asset is out of service" if alert.state == "suppressed" else f"it is {alert.state}"
    words = f"It is not shown to operators now: {why}. It will be announced again when it is shown."
    return AcknowledgementPage(200, f"Alert {alert.id} is hidden", words, alert)


def _announced(alert: Alert) -> str:
    return _time_text(alert.annunciated_at or alert.raised_at)


def _time_text(time: datetime) -> str:
    return f"{time.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
