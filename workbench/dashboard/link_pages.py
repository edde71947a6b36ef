"""What the links that let people in show: a calendar, a technician's orders, and the page that reports a problem.

A link lets its reader in, not the token of the dashboard. All text is escaped, no page runs a script, and readers who
guess links or report too much have to wait.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import quote

from workbench.dashboard import my_orders
from workbench.dashboard.link_door import ORDER_NUMBER, LinkDoor, RateLimit
from workbench.dashboard.phone_markup import field as input_field
from workbench.dashboard.phone_markup import page, select
from workbench.exceptions import MaintenanceError, WorkbenchError
from workbench.maintenance.orders.qr_code import order_address, qr_code

if TYPE_CHECKING:
    from workbench.maintenance.access_links import AccessLink
    from workbench.session import Session

__all__ = ["LinkAnswer", "LinkPages", "LinkRequest"]

_REPORTS_PER_MINUTE = 5
_REPORTS_OF_LINK_PER_MINUTE = 20
_MAX_SELECT = 300
_MAX_STATUS_LETTERS = 200
_SENT = re.compile(r"RQ-\d{1,10}")
_ORDER = re.compile(r"(?P<number>WO-\d{1,10})(?:/file/(?P<digest>[0-9a-f]{64}))?")
_HTML = "text/html; charset=utf-8"


@dataclass(frozen=True)
class LinkRequest:
    """What a reader asks for.

    Attributes
    ----------
    kind, secret : str
        Kind and secret of the link.
    rest : str
        What follows the secret in the path, without the slash.
    reader : str
        Network address of the reader.
    sends : bool
        Whether a form was sent.
    values : mapping of str to str
        Values of the address, and of the form that was sent.
    files : sequence of (str, bytes)
        Name and content of the files that were sent.
    """

    kind: str
    secret: str
    rest: str = ""
    reader: str = ""
    sends: bool = False
    values: Mapping[str, str] = field(default_factory=dict)
    files: Sequence[tuple[str, bytes]] = ()


@dataclass(frozen=True)
class LinkAnswer:
    """What the reader gets.

    Attributes
    ----------
    status : int
        Status of the answer.
    body : bytes
        Content.
    content_type : str
        Type of the content.
    location : str
        Path and query that the reader is sent on to; empty where there is none.
    download : str
        Name under which a file is saved; empty for what is shown.
    """

    status: int
    body: bytes = b""
    content_type: str = _HTML
    location: str = ""
    download: str = ""


class LinkPages:
    """Answers the links to a calendar, to a technician's orders, and to the page that reports a problem.

    Parameters
    ----------
    door : LinkDoor
        Session and limits of the links; all methods are to be called in its thread.
    """

    def __init__(self, door: LinkDoor) -> None:
        self.door = door
        self._reports = RateLimit(_REPORTS_PER_MINUTE)
        self._reports_of_link = RateLimit(_REPORTS_OF_LINK_PER_MINUTE)

    @property
    def _session(self) -> "Session":
        return self.door.session

    @property
    def max_body_bytes(self) -> int:
        """Largest size of a form with its files, bytes."""
        return 5 * self._session.maintenance.orders.files.max_bytes + 2**16

    def admits(self, request: LinkRequest) -> LinkAnswer | None:
        """Return None where a link is good and its reader need not wait; otherwise what to answer."""
        try:
            return self._link(request)[1]
        except WorkbenchError as error:
            return _failed(error)

    def answer(self, request: LinkRequest) -> LinkAnswer:
        """Return what a reader gets."""
        if request.kind == "technician" and ORDER_NUMBER.fullmatch(
            request.secret
        ):  # from a QR code: it holds no secret
            words = (
                "<p>Open the link to your own orders once on this telephone, then scan the code again. Your planner "
                "makes the link.</p>"
            )
            return _html(404, page("Whose telephone is this?", words))
        try:
            link, refusal = self._link(request)
            if refusal is not None or link is None:
                return refusal or _unknown()
            if request.kind == "calendar":
                content = self._session.maintenance.calendars.render(link.person)
                return LinkAnswer(200, content, "text/calendar; charset=utf-8")
            return self._report(request, link) if request.kind == "request" else self._orders(request, link)
        except WorkbenchError as error:
            return _failed(error)

    def code(self, number: str, server: str) -> LinkAnswer:
        """Return the QR code that leads to an order on a telephone; `server` is the address of this server."""
        try:
            address = self._phone_address(self._session.maintenance.orders.get(number).number, server)
            return LinkAnswer(200, qr_code(address).encode(), "image/svg+xml")
        except MaintenanceError as error:
            return _html(404, page("There is no such order", "", error=str(error)))

    def _phone_address(self, number: str, server: str) -> str:
        return order_address(self._session.settings.dashboard.public_url or server, number)

    def printed(self, number: str, server: str) -> LinkAnswer:
        """Return a work order as a page to print, for who has signed in; `server` is the address of this server."""
        from workbench.maintenance.exports import order_page

        try:
            desk = self._session.maintenance
            order = desk.orders.get(number)
            text = order_page(
                order,
                desk.orders.history(number),
                desk.orders.remarks(number),
                log_head=desk.log_head(),
                thumbnail=desk.orders.files.thumbnail,
                phone_address=self._phone_address(order.number, server),
                asset=desk.asset_name(order.asset),
            )
            return LinkAnswer(200, text.encode())
        except MaintenanceError as error:
            return _html(404, page("There is no such order", "", error=str(error)))

    def stored_file(self, number: str, digest: str, *, small: bool = False) -> LinkAnswer:
        """Return a file of an order or a request: its content, or its small picture."""
        try:
            desk = self._session.maintenance
            owner = desk.requests.get(number) if number.startswith("RQ-") else desk.orders.get(number)
            entry = next((one for one in owner.attachments if one.get("file") == digest), None)
            if entry is None:
                raise MaintenanceError(f"{owner.number} has no such file.", "Open it again.")
            if small:
                return LinkAnswer(200, desk.orders.files.thumbnail(digest), "image/jpeg")
            download = "" if entry["type"].startswith("image/") else entry["name"]
            return LinkAnswer(200, desk.orders.files.read(digest), entry["type"], download=download)
        except MaintenanceError as error:
            return _html(404, page("There is no such file", "", error=str(error)))

    # ---- internals

    def _link(self, request: LinkRequest) -> tuple["AccessLink | None", LinkAnswer | None]:
        session = self._session
        present = session.clock()
        link = session.maintenance.access_links.find(request.secret, request.kind)
        if link is None:
            waits = not self.door.allows_bad(request.reader, present)
            return None, _too_much("links that do not work") if waits else _unknown()
        if not self.door.allows_good(str(link.id), request.reader, present):
            return None, _too_much("pages")
        return link, None

    def _orders(self, request: LinkRequest, link: "AccessLink") -> LinkAnswer:
        desk, address, present = self._session.maintenance, f"/my/{request.secret}", self._session.clock()
        show = request.values.get("show", "")
        show = show if show in my_orders.FILTERS else "mine"
        if not request.rest:
            return _html(200, my_orders.list_page(desk, link.person, address, show, present))
        place = _ORDER.fullmatch(request.rest)
        if place is None:
            return _unknown()
        number, digest = place["number"], place["digest"]
        if digest:
            return self.stored_file(number, digest, small="small" in request.values)
        try:
            order = desk.orders.get(number)
        except MaintenanceError as error:
            return _html(404, page("There is no such order", "", back=(address, "Orders"), error=str(error)))
        if not request.sends:
            told = request.values.get("told", "")[:_MAX_STATUS_LETTERS]
            return _html(200, my_orders.order_page(desk, order, link.person, address, present, show=show, status=told))
        try:
            words = my_orders.perform(desk, number, link.person, request.values, request.files)
        except WorkbenchError as error:
            order = desk.orders.get(number)
            text = my_orders.order_page(
                desk, order, link.person, address, present, show=show, entered=request.values, error=str(error)
            )
            return _html(409, text)
        return LinkAnswer(303, location=f"{address}/{number}?show={show}&told={quote(words)}")

    def _report(self, request: LinkRequest, link: "AccessLink") -> LinkAnswer:
        requests, present = self._session.maintenance.requests, self._session.clock()
        if not request.sends:
            sent = request.values.get("sent", "")
            status = f"Thank you. Your report is {sent}." if _SENT.fullmatch(sent) else ""
            return _html(200, self._report_page(request.values.get("asset", ""), status=status))
        values = request.values
        texts = {name: values.get(name, "") for name in ("asset", "problem", "reporter")}
        many = not self._reports.allows(request.reader, present)
        if not self._reports_of_link.allows(str(link.id), present) or many:
            words = "Too many reports in a minute. Wait a minute, then send this one again; choose its photos anew."
            return _html(429, self._report_page(**texts, error=words))
        try:
            made = requests.report(**texts, photos=request.files, via=f"link {link.id}")
        except MaintenanceError as error:
            return _html(409, self._report_page(**texts, error=str(error)))
        return LinkAnswer(303, location=f"/report/{request.secret}?sent={made.number}")

    def _report_page(
        self, asset: str, *, problem: str = "", reporter: str = "", status: str = "", error: str = ""
    ) -> str:
        assets = self._session.maintenance.requests.assets()
        if 0 < len(assets) <= _MAX_SELECT:
            choices = [("", "choose"), *((one, self._session.maintenance.asset_name(one)) for one in assets)]
            place = select("Asset", "asset", choices, asset)
        else:
            place = input_field("Asset", "asset", asset, more="required maxlength='200'")
        form = "".join(
            [
                "<form method='post' enctype='multipart/form-data'>",
                place,
                input_field("What is wrong", "problem", problem, kind="textarea", more="required maxlength='2000'"),
                input_field(
                    "Photos", "photo", kind="file", more="accept='image/*,application/pdf' multiple", hint="optional"
                ),
                input_field("Your name", "reporter", reporter, more="maxlength='100'", hint="optional"),
                "<button>Send report</button></form>",
            ]
        )
        return page("Report a problem", f"<section>{form}</section>", status=status, error=error)


def _html(status: int, text: str) -> LinkAnswer:
    return LinkAnswer(status, text.encode())


def _unknown() -> LinkAnswer:
    words = "<p>It was revoked, or a part of it is missing. Ask for a new one.</p>"
    return _html(404, page("This link cannot be used", words))


def _too_much(what: str) -> LinkAnswer:
    return _html(429, page(f"Too many {what} in a minute", "<p>Wait a minute, then try again.</p>"))


def _failed(error: WorkbenchError) -> LinkAnswer:
    return _html(503, page("The workbench cannot answer now", "", error=str(error)))
