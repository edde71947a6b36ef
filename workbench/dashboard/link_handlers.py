"""Handlers of the links that let people in, and of the pages and files of orders for who has signed in.

A link is checked before the body of a form is read, and a body is never longer than its files may be.
"""

from functools import partial
from typing import TYPE_CHECKING, Any

import tornado.web
from jupyter_server.base.handlers import JupyterHandler
from tornado.httputil import HTTPFile, parse_body_arguments
from tornado.web import authenticated

from workbench.dashboard.link_door import ORDER_NUMBER
from workbench.maintenance.link_paths import SECRET

if TYPE_CHECKING:
    from workbench.dashboard.link_pages import LinkAnswer, LinkPages

__all__ = ["link_handlers"]

_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; form-action 'self'; frame-ancestors 'none'; "
    "base-uri 'none'"
)
_MAX_FIELDS = 500
_PHONE_COOKIE = "workbench-my"
_REMEMBERED_DAYS = 180


def link_handlers() -> list[tuple[Any, ...]]:
    """Return the handlers, with the paths that they answer."""
    secret = r"([A-Za-z0-9_-]{1,200})"
    return [
        (rf"/calendar/{secret}\.ics", LinkHandler, {"kind": "calendar"}),
        (rf"/my/{secret}(?:/(.*))?", LinkHandler, {"kind": "technician"}),
        (rf"/report/{secret}", LinkHandler, {"kind": "request"}),
        (r"/workbench/orders/(WO-\d{1,10})", OrderHandler),
        (r"/workbench/orders/(WO-\d{1,10})/(code)\.svg", OrderHandler),
        (r"/workbench/(?:orders|requests)/((?:WO|RQ)-\d{1,10})/file/([0-9a-f]{64})", OrderHandler),
    ]


@tornado.web.stream_request_body
class LinkHandler(tornado.web.RequestHandler):
    """A page behind a link."""

    def initialize(self, kind: str) -> None:
        """Take note of the kind of the link."""
        self._kind = kind
        self._body = bytearray()

    def check_xsrf_cookie(self) -> None:
        """Ask for no cookie: who sends the form has to know the link, which no other site does."""

    async def prepare(self) -> None:
        """Refuse a link that is not good, and a form that is too large, before its body is read."""
        if self.request.method not in ("GET", "HEAD", "POST") or (
            self.request.method == "POST" and self._kind == "calendar"
        ):
            raise tornado.web.HTTPError(405)
        if self.request.method != "POST":
            return
        refusal = await self._run("admits", sends=True)
        if refusal is not None:
            self._send(refusal)
            return
        most = await self._pages.door.run(lambda: self._pages.max_body_bytes)
        self._most = most
        length = self.request.headers.get("Content-Length", "")
        if length.isdecimal() and int(length) > most:
            self.set_header("Connection", "close")
            raise tornado.web.HTTPError(413)
        connection: Any = self.request.connection
        connection.set_max_body_size(most)

    def data_received(self, chunk: bytes) -> None:
        """Take a part of the body."""
        if not self._finished:
            self._body += chunk

    async def get(self, secret: str, rest: str | None = None) -> None:
        """Show the page behind the link.

        The telephone remembers the link to a technician's orders, so that the QR code of an order, which holds no
        secret, leads to it.
        """
        del rest
        own = self.get_cookie(_PHONE_COOKIE, "")
        if self._kind == "technician" and ORDER_NUMBER.fullmatch(secret) and SECRET.fullmatch(own or ""):
            self._guard()
            self.redirect(f"/my/{own}/{secret}")
            return
        answer = await self._run("answer")
        if self._kind == "technician" and answer.status == 200 and secret != own:
            self.set_cookie(
                _PHONE_COOKIE,
                secret,
                expires_days=_REMEMBERED_DAYS,
                path="/my",
                httponly=True,
                samesite="Lax",
                secure=self.request.protocol == "https",
            )
        self._send(answer)

    async def head(self, secret: str, rest: str | None = None) -> None:
        """Answer as `get` does; the server leaves the body out."""
        await self.get(secret, rest)

    async def post(self, secret: str, rest: str | None = None) -> None:
        """Do what a form says."""
        del secret, rest
        arguments: dict[str, list[bytes]] = {}
        files: dict[str, list[HTTPFile]] = {}
        parse_body_arguments(self.request.headers.get("Content-Type", ""), bytes(self._body), arguments, files)
        self._body.clear()
        values = {name: parts[-1].decode("utf-8", "replace") for name, parts in list(arguments.items())[:_MAX_FIELDS]}
        sent = [(one["filename"], one["body"]) for one in files.get("photo", []) if one["body"] or one["filename"]]
        self._send(await self._run("answer", values, sent, sends=True))

    def write_error(self, status_code: int, **_: Any) -> None:
        """Answer in one line what is refused before a page is made."""
        words = {
            405: "This address takes no such request.",
            413: "The files are too large. Send fewer or smaller ones.",
        }
        self._guard()
        self.set_header("Content-Type", "text/plain; charset=utf-8")
        self.finish(words.get(status_code, "The page cannot be shown now."))

    # ---- internals

    @property
    def _pages(self) -> "LinkPages":
        pages: LinkPages = self.settings["link_pages"]
        return pages

    async def _run(self, method: str, *form: Any, sends: bool = False) -> Any:
        """Ask the pages, in the thread of their session."""
        query = {name: parts[-1].decode("utf-8", "replace") for name, parts in self.request.query_arguments.items()}
        secret, rest = [*self.path_args, None][:2]
        values, files = form or ({}, ())
        where = (self._kind, secret or "", rest or "", self.request.remote_ip or "")

        def ask() -> Any:
            from workbench.dashboard.link_pages import LinkRequest

            return getattr(self._pages, method)(LinkRequest(*where, sends, {**query, **values}, files))

        return await self._pages.door.run(ask)

    def _guard(self) -> None:
        self.set_header("Content-Security-Policy", _POLICY)
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("Referrer-Policy", "no-referrer")
        self.set_header("Cache-Control", "no-store")

    def _send(self, answer: "LinkAnswer") -> None:
        self._guard()
        _write(self, answer)


class OrderHandler(JupyterHandler):  # type: ignore[misc]
    """A work order as a page to print, its QR code, and its files and those of requests, for who has signed in."""

    @property
    def content_security_policy(self) -> str:
        """Policy of the answer."""
        return _POLICY

    @authenticated
    async def get(self, number: str, digest: str | None = None) -> None:
        """Show the order, its QR code, or one of its files."""
        pages: LinkPages = self.settings["link_pages"]
        small = self.get_query_argument("small", "") != ""
        server = f"{self.request.protocol}://{self.request.host}"
        if digest == "code":
            work = partial(_call, pages, "code", number, server)
        elif digest:
            work = partial(_call, pages, "stored_file", number, digest, small=small)
        else:
            work = partial(_call, pages, "printed", number, server)
        self.set_header("X-Content-Type-Options", "nosniff")
        _write(self, await pages.door.run(work))


def _call(pages: "LinkPages", method: str, *arguments: Any, **options: Any) -> Any:
    """Call a method of the pages; that these are imported with the first link happens here, in the thread."""
    return getattr(pages, method)(*arguments, **options)


def _write(handler: tornado.web.RequestHandler, answer: "LinkAnswer") -> None:
    handler.set_status(answer.status)
    if answer.location:
        handler.set_header("Location", answer.location)
    if answer.status == 429:
        handler.set_header("Retry-After", "60")
    if answer.download:
        name = "".join(sign for sign in answer.download if sign.isascii() and (sign.isalnum() or sign in "._- "))
        handler.set_header("Content-Disposition", f'attachment; filename="{name or "file"}"')
    handler.set_header("Content-Type", answer.content_type)
    handler.finish(answer.body)
