"""The dashboard's server: Voila with a budget of kernels, a pool that refills when nobody waits, and a clean stop.

Importing this loads Voila; `serving` does so when it serves.
"""

import asyncio
import logging
import os
import shutil
import signal
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import tornado.web
from jinja2 import ChoiceLoader, DictLoader
from jupyter_core.utils import ensure_async, run_sync
from jupyter_server.auth.decorator import allow_unauthenticated
from jupyter_server.base.handlers import AuthenticatedFileHandler, JupyterHandler
from jupyter_server.services.kernels.connection.channels import ZMQChannelsWebsocketConnection
from tornado.ioloop import PeriodicCallback
from tornado.web import authenticated
from traitlets import Integer, Unicode
from voila.app import Voila
from voila.static_file_handler import TemplateStaticFileHandler
from voila.tornado.handler import TornadoVoilaHandler

from workbench.dashboard.forking import ForkProvisioner
from workbench.dashboard.frames import MOST_BYTES, check_frame
from workbench.dashboard.link_door import LateAnswers, LinkDoor
from workbench.dashboard.link_handlers import link_handlers
from workbench.dashboard.metrics import Metrics, MetricsHandler
from workbench.dashboard.timers import Timers
from workbench.dashboard.watch import Watch
from workbench.exceptions import ViewError
from workbench.maintenance.link_paths import LINK_PATH
from workbench.observability.status import LOOK_HEADER, STATUS_VARIABLE

if TYPE_CHECKING:
    from workbench.dashboard.acknowledge import AcknowledgementPage

__all__ = ["DashboardServer"]

_PAINT_TIMEOUT_S = 12.0
"""After this time the pool is filled again though no page has said that it has painted."""

_LEFT_TIMEOUT_S = 60.0
"""A kernel whose page has been gone for so long makes room for another viewer."""

_KERNEL_TRIES = 3
"""So many kernels that were started ahead are tried for a page before an error is one of the page."""

_STOP_TIMEOUT_S = 8.0
"""Kernels that have not ended by then are left to end with their parent."""

_WATCH_INTERVAL_S = 2.0
"""How often the server looks at its kernels: a few milliseconds each time."""

_TIMER_INTERVAL_S = 30.0
"""How often preventive orders that are due are opened, and messages sent."""

_MALFORMED_MESSAGE_CODE = 1007
"""Code with which a websocket is closed whose frame is no message (RFC 6455, 7.4.1)."""

_LOG = logging.getLogger(__name__)

_LOOK_COOKIE = "workbench-look"


_ERROR_PAGE = "<!doctype html><title>{{ status_code }}</title><h1>{{ status_message }}</h1><p>{{ message }}</p>"
"""Page of an error outside of the pages, as of a kernel that went with an earlier server. Jupyter's own asks for files
that are not served here, and ends in an error of its own."""


class Pool:
    """Who has a kernel, and when the next one is started ahead.

    Parameters
    ----------
    manager : MappingKernelManager
        With the pool that Voila gives it.
    budget : int
        Most viewers at a time.
    """

    def __init__(self, manager: Any, budget: int) -> None:
        self._manager = manager
        self._budget = budget
        self._refill: Callable[..., None] = manager.fill_if_needed
        self._due: Callable[[], None] | None = None
        self._handle: asyncio.TimerHandle | None = None
        self._take: Callable[..., Any] = manager.get_rendered_notebook
        manager.fill_if_needed = self.hold
        manager.get_rendered_notebook = self.take

    @property
    def viewers(self) -> int:
        """Kernels that pages have."""
        return len(set(self._manager.list_kernel_ids()) - self.waiting)

    def hold(self, delay: float | None = None, **options: Any) -> None:
        """Take note that the pool lacks a kernel, and fill it when the page has painted."""
        del delay
        self._due = partial(self._refill, delay=0, **options)
        self._handle = asyncio.get_running_loop().call_later(_PAINT_TIMEOUT_S, self.fill)

    def fill(self) -> None:
        """Start what is due now, unless every viewer that may come is there."""
        if self._handle is not None:
            self._handle.cancel()
        if self._due is not None and self.viewers < self._budget:
            due = self._due
            self._due = None
            self._handle = None
            due()

    async def take(self, notebook_name: str, **options: Any) -> Any:
        """Hand out the next kernel of an app, with what it has rendered; one that has ended since is left out."""
        for _ in range(_KERNEL_TRIES):
            with suppress(tornado.web.HTTPError, KeyError, RuntimeError):
                taken = await self._take(notebook_name=notebook_name, **options)
                rendering, _, kernel_id = taken
                if kernel_id in self._manager and not (rendering.done() and rendering.exception()):
                    return taken
            self._refill(delay=0, notebook_name=notebook_name, **options)
        return await self._take(notebook_name=notebook_name, **options)

    async def admit(self) -> bool:
        """Make ready for a viewer: forget kernels that died while they waited, and end those whose page is gone.

        Returns
        -------
        bool
            Whether there is room.
        """
        for tasks in self._manager._pools.values():
            tasks[:] = [task for task in tasks if not task.done() or _kernel_of(task) in self._manager]
        if self.viewers >= self._budget:
            await self._end_left()
        room = self.viewers < self._budget
        if room:
            self.fill()
        return room

    async def _end_left(self) -> None:
        before = datetime.now(UTC) - timedelta(seconds=_LEFT_TIMEOUT_S)
        for kernel_id in set(self._manager.list_kernel_ids()) - self.waiting:
            with suppress(tornado.web.HTTPError, KeyError):  # its page has ended it meanwhile
                kernel = self._manager.get_kernel(kernel_id)
                if not self._manager._kernel_connections.get(kernel_id, 0) and kernel.last_activity < before:
                    await ensure_async(self._manager.shutdown_kernel(kernel_id))

    @property
    def waiting(self) -> set[str]:
        """Kernels that were started ahead and that no page has yet."""
        tasks = [task for tasks in self._manager._pools.values() for task in tasks]
        return {_kernel_of(task) for task in tasks if task.done()}


def _session() -> Any:
    from workbench.session import open_session  # takes half a second, and no page needs it here

    return open_session()


def _kernel_of(task: asyncio.Task[dict[str, Any]]) -> str:
    failed = task.cancelled() or task.exception() is not None
    return "" if failed else str(task.result()["kernel_id"])


def _tell_ended(record: logging.LogRecord) -> bool:
    """Tell in one line, without traceback, of a page that was left, and its kernel ended, while it was rendered."""
    error = record.exc_info[1] if record.exc_info else None
    if type(error).__name__ == "DeadKernelError" or getattr(error, "ename", "") == "KeyboardInterrupt":
        record.msg, record.args, record.exc_info = "A page was left while it loaded; its kernel has ended.", (), None
        record.levelno, record.levelname = logging.INFO, logging.getLevelName(logging.INFO)
    return True


class PageHandler(TornadoVoilaHandler):  # type: ignore[misc]
    """The page of an app, or one that asks to wait where every kernel is taken."""

    notebook_path: str

    @authenticated
    async def get(self, path: str | None = None) -> None:
        """Answer with the app; `path` names one of those beside the first."""
        if path:
            notebook = Path(self.notebook_path).with_name(f"{path}.ipynb")
            if not path.isidentifier() or not (Path(self.settings["apps_root"]) / notebook).is_file():
                raise tornado.web.HTTPError(404)
            self.notebook_path = str(notebook)
        if not await self.settings["pool"].admit():
            self.settings["watch"].refused()
            self.set_status(503)
            self.set_header("Retry-After", "10")
            self.finish(self.render_template("full.html", budget=self.settings["budget"]))
            return
        self.settings["watch"].count_page(Path(self.notebook_path).stem)
        self.xsrf_token  # noqa: B018  # sets the cookie without which a page that closes may not end its kernel
        self.request.headers[LOOK_HEADER] = self.get_cookie(_LOOK_COOKIE, "")
        await super().get(None)


class PaintedHandler(JupyterHandler):  # type: ignore[misc]
    """A page says that it has painted: now is the time to start the next kernel."""

    @authenticated
    def get(self) -> None:
        """Answer without any content."""
        self.settings["pool"].fill()
        self.set_status(204)
        self.finish()


class AcknowledgeHandler(JupyterHandler):  # type: ignore[misc]
    """The page behind the link of a message; the link lets its reader in, not the token of the dashboard."""

    @property
    def content_security_policy(self) -> str:
        """Policy of the answer."""
        return (
            "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
        )

    def check_xsrf_cookie(self) -> None:
        """Ask for no cookie: who sends the form has to know the link, which no other site does."""

    @allow_unauthenticated  # type: ignore[untyped-decorator]
    async def get(self, token: str) -> None:
        """Show the alert of the link, and change nothing."""
        self._show(await self._answer(token, pressed=False))

    @allow_unauthenticated  # type: ignore[untyped-decorator]
    async def post(self, token: str) -> None:
        """Acknowledge the alert of the link."""
        page = await self._answer(token, pressed=True)
        if page.alert is None:
            self._show(page)
        else:
            self.redirect(self.request.path, status=303)

    async def _answer(self, token: str, *, pressed: bool) -> "AcknowledgementPage":
        answers, reader = self.settings["acknowledgements"], self.request.remote_ip
        page: AcknowledgementPage = await answers.door.run(lambda: answers.answer(token, reader, pressed=pressed))
        return page

    def _show(self, page: "AcknowledgementPage") -> None:
        self.set_status(page.status)
        if page.status == 429:
            self.set_header("Retry-After", "60")
        self.set_header("Cache-Control", "no-store")
        self.set_header("Referrer-Policy", "no-referrer")
        self.finish(self.settings["voila_jinja2_env"].get_template("acknowledge.html").render(page=page))

    def write_error(self, status_code: int, **_: Any) -> None:
        """Answer what is refused before, as a request for another host, with the same page."""
        from workbench.dashboard.acknowledge import AcknowledgementPage

        self._show(AcknowledgementPage(status_code, "This link cannot be used", "Open it from the message."))


class ReportHandler(AuthenticatedFileHandler):  # type: ignore[misc]
    """Reports, as HTML that runs its own scripts apart from the dashboard's pages and reaches nothing."""

    @property
    def content_security_policy(self) -> str:
        """Policy of the answer."""
        return "sandbox allow-scripts; connect-src 'none'"

    def get_content_type(self) -> str:
        """Return the type of a report; whatever else lies in the folder is text."""
        return "text/html" if str(self.absolute_path).endswith(".html") else "text/plain"


class CompressedFiles(TemplateStaticFileHandler):  # type: ignore[misc]
    """Files of the template, compressed where the browser takes that and the file beside them is there."""

    def validate_absolute_path(self, root: str, absolute_path: str) -> str:
        """Take the compressed file in place of the one asked for."""
        plain_path = str(super().validate_absolute_path(root, absolute_path))
        compressed = f"{plain_path}.gz"
        if "gzip" in self.request.headers.get("Accept-Encoding", "") and Path(compressed).is_file():
            self.set_header("Content-Encoding", "gzip")
            return str(super().validate_absolute_path(root, compressed))
        return plain_path

    def get_content_type(self) -> str:
        """Return the type of what is in the compressed file."""
        kinds = {".js": "text/javascript", ".css": "text/css"}
        path = Path(str(self.absolute_path).removesuffix(".gz"))
        return kinds.get(path.suffix) or str(super().get_content_type())

    def set_extra_headers(self, path: str) -> None:
        """Tell caches that there are two forms."""
        super().set_extra_headers(path)
        self.set_header("Vary", "Accept-Encoding")


class CheckedConnection(ZMQChannelsWebsocketConnection):  # type: ignore[misc]
    """A page's websocket to its kernel, which takes nothing but kernel messages.

    A bad frame closes this websocket, with a line in the log; the server goes on for everybody, and the kernel stays.
    """

    def handle_incoming_message(self, incoming_msg: str) -> None:
        """Check a frame, and hand it on to the kernel."""
        try:
            check_frame(incoming_msg, self.subprotocol)
        except ViewError as error:
            _LOG.warning("Kernel %s: %s The websocket is closed.", self.kernel_id, error.message)
            self.websocket_handler.close(_MALFORMED_MESSAGE_CODE, "no kernel message")
            return
        super().handle_incoming_message(incoming_msg)


class DashboardServer(Voila):  # type: ignore[misc]
    """Voila that serves the workbench's apps.

    Attributes
    ----------
    budget : int
        Most viewers at a time.
    reports, log_file : str
        Folder of the reports, file of the log.
    stopped : threading.Event
        Set where a signal said stop before the server listened.
    listening : callable
        Called once the server listens.
    """

    budget = Integer(8, min=1, config=True)
    reports = Unicode("", config=True)
    log_file = Unicode("", config=True)
    stopped: ClassVar[threading.Event]
    listening: ClassVar[Callable[[], None]]

    def init_settings(self) -> dict[str, Any]:
        """Return the application's settings, with the pool and what is told of it."""
        settings: dict[str, Any] = super().init_settings()
        settings |= {"kernel_websocket_connection_class": CheckedConnection, "websocket_max_message_size": MOST_BYTES}
        self.log.addFilter(_tell_ended)
        pages = settings["jinja2_env"]
        pages.loader = ChoiceLoader([DictLoader({"error.html": _ERROR_PAGE}), pages.loader])
        pool = Pool(settings["kernel_manager"], self.budget)
        folder = Path(os.environ[STATUS_VARIABLE])
        self._watch = Watch(settings["kernel_manager"], pool, self.budget, folder, Path(self.log_file))
        self._metrics = Metrics(folder, _session)
        nursery, environment = ForkProvisioner.nursery, dict(os.environ)
        fork = None if nursery is None else partial(nursery.run_timers, environment)
        self._timers = Timers(_session, fork)
        self._door = LinkDoor(_session)
        shared_objects = {
            "watch": self._watch,
            "metrics": self._metrics,
            "acknowledgements": LateAnswers(self._door, "workbench.dashboard.acknowledge", "Acknowledgements"),
            "link_pages": LateAnswers(self._door, "workbench.dashboard.link_pages", "LinkPages"),
        }
        return settings | shared_objects | {"pool": pool, "budget": self.budget, "apps_root": self.root_dir}

    def init_handlers(self) -> list[Any]:
        """Return the handlers: ours before Voila's, which then answers no page."""
        voila_handlers = super().init_handlers()
        pages = [handler for handler in voila_handlers if handler[1] is TornadoVoilaHandler]
        options = pages[0][2]
        others = [
            handler for handler in voila_handlers if handler[1] not in (TornadoVoilaHandler, TemplateStaticFileHandler)
        ]
        ours = [
            (r"/", PageHandler, options),
            (r"/app/(\w+)", PageHandler, options),
            (r"/metrics", MetricsHandler),
            (rf"{LINK_PATH}(.*)", AcknowledgeHandler),
            *link_handlers(),
            (r"/workbench/painted", PaintedHandler),
            (r"/workbench/reports/([\w.~-]+)", ReportHandler, {"path": self.reports}),
            (r"/voila/templates/(.*)", CompressedFiles),
        ]
        return [*ours, *others]

    def start(self) -> None:
        """Serve, and leave no file behind, however far it came."""
        try:
            super().start()
        finally:
            shutil.rmtree(self.connection_dir, ignore_errors=True)

    def listen(self) -> None:
        """Serve until a signal says stop; where it was started in the background, SIGINT too.

        A shell starts what runs in the background with SIGINT ignored, and Python then leaves it so: the server would
        never hear of it. As a handler of the loop it also cannot break into whatever runs just then.
        """
        loop = asyncio.get_event_loop_policy().get_event_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, loop.stop)
        if self.stopped.is_set():
            loop.call_soon(loop.stop)
        else:
            loop.call_soon(type(self).listening)  # the loop runs once the port is open
        PeriodicCallback(self._watch.look, _WATCH_INTERVAL_S * 1000).start()
        PeriodicCallback(self._timers.run, _TIMER_INTERVAL_S * 1000).start()
        super().listen()

    def stop(self) -> None:
        """End the kernels, and leave those that do not end in time to notice that their parent is gone."""
        run_sync(self._stop_kernels)()
        self._metrics.close()
        self._timers.close()
        self._door.close()

    async def _stop_kernels(self) -> None:
        for tasks in self.kernel_manager._pools.values():
            for task in tasks:
                task.cancel()
        try:
            async with asyncio.timeout(_STOP_TIMEOUT_S):
                await ensure_async(self.kernel_manager.shutdown_all(now=True))
        except (TimeoutError, asyncio.CancelledError, KeyError, RuntimeError) as error:
            self.log.warning("Not all kernels ended by themselves: %r", error)
