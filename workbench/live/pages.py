"""The port of the service: samples are posted to it, and health and metrics are read from it.

`POST /ingest` takes JSON or InfluxDB's line protocol, and `POST /api/v2/write` the latter as Telegraf sends it. An
answer comes once the samples are stored; the same samples again count as duplicates, so a sender repeats what it got no
answer for.
"""

import asyncio
import hmac
import json
import socket
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import tornado.web
from tornado.httpserver import HTTPServer

from workbench.exceptions import SettingsError
from workbench.live.feeds.feed import FeedState
from workbench.live.intake import Intake
from workbench.live.payloads import UNITS, read_json, read_lines
from workbench.live.samples import Delivery
from workbench.telemetry.feed_options import LiveSettings

__all__ = ["Pages"]

_MAX_BODY_BYTES = 16 * 2**20
_MAX_READ_BYTES = 2**30  # a body that is too large is read and dropped, so that its sender learns of it
_STORED_WITHIN_S = 30.0
_SILENT_S = 60.0  # after which a connection is closed, and within which a body must have come
_SHOWN_FAULTS = 5
_STORED = ("added", "completed", "duplicates")


class Pages:
    """Serves the port in a thread of its own; it is the feed `http`, too.

    Parameters
    ----------
    settings : LiveSettings
        Address and token, and how payloads are read.
    health : callable
        Returns whether all is well, and the document of health.
    metrics : callable
        Returns the metrics in the text format of Prometheus, and its content type.
    """

    name = "http"

    def __init__(
        self,
        settings: LiveSettings,
        health: Callable[[], tuple[bool, dict[str, Any]]],
        metrics: Callable[[], tuple[bytes, str]],
    ) -> None:
        self.settings = settings
        self.health = health
        self.metrics = metrics
        self.intake: Intake | None = None
        self.received = 0
        self.port = settings.port
        self.reading = ThreadPoolExecutor(1, "reading")  # a large body takes seconds: health answers meanwhile
        self._loop = asyncio.new_event_loop()
        self._thread: threading.Thread | None = None
        self._ready = threading.Event()
        self._error: OSError | None = None
        self._server: HTTPServer | None = None

    def start(self, intake: Intake) -> None:
        """Listen on the port.

        Raises
        ------
        SettingsError
            The address cannot be listened on.
        """
        self.intake = intake
        self._thread = threading.Thread(target=self._run, name="pages", daemon=True)
        self._thread.start()
        self._ready.wait()
        if self._error is not None:
            reason = self._error.strerror or self._error
            raise SettingsError(
                f"live.port: {self.settings.host}:{self.settings.port} cannot be listened on: {reason}.",
                "Set another port, or stop what listens there.",
            )

    def stop(self) -> None:
        """Stop listening; requests that are being answered are cut off."""
        if self._thread is not None and self._error is None:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(timeout=10)

    def state(self) -> FeedState:
        """Return where it listens."""
        return FeedState(self._error is None, f"listens on {self.settings.host}:{self.port}", self.received)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            family = socket.AF_INET6 if ":" in self.settings.host else socket.AF_INET
            listening = socket.create_server((self.settings.host, self.settings.port), family=family)
        except OSError as error:
            self._error = error
            self._ready.set()
            self._loop.close()
            return
        listening.setblocking(False)
        self.port = listening.getsockname()[1]
        try:
            self._loop.run_until_complete(self._serve(listening))
            self._ready.set()
            self._loop.run_forever()
        finally:
            if self._server is not None:
                self._server.stop()
                self._loop.run_until_complete(self._server.close_all_connections())
            tasks = asyncio.all_tasks(self._loop)
            for task in tasks:
                task.cancel()
            self._loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
            self.reading.shutdown(wait=False, cancel_futures=True)
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())
            self._loop.close()

    async def _serve(self, listening: socket.socket) -> None:
        pages = {"pages": self}
        application = tornado.web.Application(
            [
                (r"/ingest", _Ingest, pages),
                (r"/api/v2/write", _Write, pages),
                (r"/health", _Health, pages),
                (r"/metrics", _Metrics, pages),
            ],
            log_function=lambda handler: None,
        )
        self._server = HTTPServer(
            application,
            max_body_size=_MAX_READ_BYTES,
            idle_connection_timeout=_SILENT_S,
            body_timeout=_SILENT_S,
        )
        self._server.add_socket(listening)


class _Page(tornado.web.RequestHandler):
    def initialize(self, pages: Pages) -> None:
        """Take the pages that it belongs to."""
        self.pages = pages

    def prepare(self) -> None:
        """Refuse those who do not sign in, and pages of a browser, which sends requests for whoever wrote the page."""
        if "Origin" in self.request.headers:
            self._end(403, "Samples are not taken from pages of a browser.")
        elif self.is_guarded() and not self._is_signed_in():
            self._end(401, "Sign in with the token: Authorization: Bearer TOKEN.")

    def is_guarded(self) -> bool:
        """Return whether a token is asked for where there is one."""
        return True

    def _is_signed_in(self) -> bool:
        token = self.pages.settings.token.get_secret_value()
        kind, _, given = self.request.headers.get("Authorization", "").partition(" ")
        return not token or (
            kind in ("Bearer", "Token") and hmac.compare_digest(given.strip().encode(), token.encode())
        )

    def _end(self, status: int, words: str, **more: Any) -> None:
        self.set_status(status)
        self.set_header("Content-Type", "application/json")
        self.finish(json.dumps({"message": words, **more}))

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Answer with the reason in place of a page."""
        del kwargs
        self._end(status_code, self._reason)


class _Health(_Page):
    def is_guarded(self) -> bool:
        """Return False: it says nothing about telemetry."""
        return False

    def get(self) -> None:
        """Answer 200 where all is well, else 503."""
        is_well, document = self.pages.health()
        self.set_status(200 if is_well else 503)
        self.set_header("Content-Type", "application/json")
        self.finish(json.dumps(document))


class _Metrics(_Page):
    def get(self) -> None:
        """Answer with all metrics."""
        content, kind = self.pages.metrics()
        self.set_header("Content-Type", kind)
        self.finish(content)


@tornado.web.stream_request_body  # who may not post is refused before anything of the body is held
class _Ingest(_Page):
    lines_only = False

    def initialize(self, pages: Pages) -> None:
        """Take the pages that it belongs to, and begin an empty body."""
        super().initialize(pages)
        self._body = bytearray()
        self._is_too_large = False

    def data_received(self, chunk: bytes) -> None:
        """Hold a part of the body, as long as it is not too large."""
        self._is_too_large |= len(self._body) + len(chunk) > _MAX_BODY_BYTES
        if self._is_too_large:
            self._body.clear()
        else:
            self._body += chunk

    async def post(self) -> None:
        """Take samples, and answer once they are stored."""
        settings = self.pages.settings
        if self.request.headers.get("Content-Encoding", "identity").lower() != "identity":
            self._end(
                415, 'Bodies are taken as they are, not compressed: in Telegraf set content_encoding = "identity".'
            )
            return
        if self._is_too_large:
            self._end(413, f"More than {_MAX_BODY_BYTES // 2**20} MiB are not taken at once. Send them in parts.")
            return
        body, self._body = bytes(self._body), bytearray()
        kind = self.request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        unit = self.get_query_argument("precision", "ns")
        if unit not in UNITS:
            self._end(400, f"There is no precision {unit!r}. Known: {', '.join(UNITS)}.")
            return
        if kind == "application/json" and not self.lines_only:
            read = partial(read_json, body, settings.json_mapping)
        else:
            read = partial(read_lines, body, settings.line_mapping, unit)
        loop = asyncio.get_running_loop()
        samples, faults = await loop.run_in_executor(self.pages.reading, read)
        stored: asyncio.Future[Mapping[str, int]] = loop.create_future()
        answer = _Answer(loop, stored)
        delivery = Delivery("http", samples, faults, answer)
        intake = self.pages.intake
        if intake is None or not intake.put(delivery, timeout=0):
            self.set_header("Retry-After", "1")
            self._end(503, "The queue is full. Send the same again later.")
            return
        self.pages.received += len(samples)
        try:
            counts = dict(await asyncio.wait_for(stored, _STORED_WITHIN_S))
        except TimeoutError:
            self.set_header("Retry-After", "1")
            self._end(503, "The samples could not be stored in time. Send the same again later.")
            return
        unusable = [*faults, *delivery.unfit]
        if not unusable:
            aside = ", ".join(f"{number:,} {word}" for word, number in counts.items() if word not in _STORED)
            self._end(200, f"Stored, apart from: {aside}." if aside else "Stored.", samples=counts)
            return
        words = "Some samples cannot be used; the others are stored. Do not send these again."
        shown = [f"{fault.kind}: {fault.example}" for fault in unusable[:_SHOWN_FAULTS]]
        self._end(400, words, samples=counts, unreadable=len(faults), examples=shown)


class _Write(_Ingest):
    lines_only = True


class _Answer:
    """Hands the outcome of a delivery from the ingest thread to the request that waits for it."""

    def __init__(self, loop: asyncio.AbstractEventLoop, stored: "asyncio.Future[Mapping[str, int]]") -> None:
        self._loop = loop
        self._stored = stored

    def __call__(self, counts: Mapping[str, int]) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._note, counts)

    def _note(self, counts: Mapping[str, int]) -> None:
        if not self._stored.done():
            self._stored.set_result(counts)
