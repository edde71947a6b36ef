"""Serving the apps: Voila with our template, and every script from this server.

Voila, and everything it brings, loads inside the functions.
"""

import gzip
import ipaddress
import json
import logging
import os
import shutil
import signal
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from workbench.exceptions import SettingsError
from workbench.heap import share_heaps
from workbench.home import check_folder, open_home
from workbench.jobs.ports import free_port
from workbench.observability.status import STATUS_VARIABLE
from workbench.paths import product_path
from workbench.settings import Settings, inherited_environment

__all__ = ["SHELL_APP", "apps_folder", "serve_dashboard", "template_folder"]

SHELL_APP = "workbench.ipynb"
"""The app at `/`: all views."""

_MAX_FOLDER_LETTERS = 30
"""Characters of the temporary folder with which the names of a kernel's sockets stay under the system's 107."""

_MIN_TOKEN_LETTERS = 16
"""Least length of a token, in characters."""

_KERNEL = {
    "argv": [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}", "--log-level=CRITICAL"],
    "display_name": "Python 3 (ipykernel)",
    "language": "python",
}
"""This Python, whatever kernel is installed; one that is stopped while it starts has nothing to tell the terminal."""


def serve_dashboard(
    settings: Settings,
    notebook: Path | None = None,
    *,
    host: str | None = None,
    port: int | None = None,
    open_browser: bool = False,
    announce: Callable[[str], None] | None = None,
) -> None:
    """Serve the apps until Ctrl-C or SIGTERM.

    A kernel is started ahead, so that a page does not wait for imports; sources and tracebacks are not shown, no file
    beside the notebook is served, pages send no code to run, and past the budget of kernels a page says so and tries
    again.

    Parameters
    ----------
    settings : Settings
        Handed to the kernels as they are, whatever folder the notebook lies in.
    notebook : Path, optional
        The app at `/`; the shell with all views where omitted. Those beside it are at `/app/<name>`.
    host : str, optional
        Address to listen on; that of the settings where omitted. One that others reach needs a token.
    port : int, optional
        TCP port; that of the settings where omitted, any free one where 0.
    open_browser : bool
        Whether to open the page in the reader's browser.
    announce : callable, optional
        Called as soon as the server listens, with a line that says where.

    Raises
    ------
    SettingsError
        The notebook does not exist, the host needs a token that is not there, or the port is taken.
    """
    host = settings.dashboard.host if host is None else host
    token = settings.dashboard.token.get_secret_value()
    notebook = apps_folder() / SHELL_APP if notebook is None else notebook
    if not notebook.is_file():
        raise SettingsError(f"App {notebook} does not exist.", "Give the path of one of the notebooks in apps/.")
    _check_token(host, token)
    port = free_port(host, settings.dashboard.port if port is None else port)
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):  # until the server listens: it looks, and nothing breaks off within
        signal.signal(number, lambda *_: stopped.set())
    with _kernels() as kernels, template_folder() as folder:
        check_folder(settings.home)
        settings = settings.model_copy(update={"home_id": open_home(settings.home, settings.home_id)})
        environment = inherited_environment(settings)
        for name in os.environ.keys() - environment.keys():
            del os.environ[name]
        os.environ.update(environment)
        os.environ["VOILA_APP_IP"] = "127.0.0.1" if host in ("0.0.0.0", "::", "localhost") else host
        os.environ[STATUS_VARIABLE] = str(folder / "status")
        os.environ["JUPYTER_PATH"] = os.pathsep.join([str(folder), *_present(os.environ.get("JUPYTER_PATH"))])
        address = f"http://{f'[{host}]' if ':' in host else host}:{port}/"
        line = f"Dashboard: {address} ({'sign in with the token, ' if token else ''}Ctrl-C stops it)"
        options = _options(settings, host, port, token, open_browser) | kernels
        _run(settings, notebook.resolve(), options, stopped, lambda: announce(line) if announce else None)


def apps_folder() -> Path:
    """Return the folder of the product's Voila apps.

    Returns
    -------
    Path

    Raises
    ------
    SettingsError
        The apps are missing: the installation is not complete.
    """
    folder = product_path("apps")
    if not (folder / SHELL_APP).is_file():
        raise SettingsError(f"{folder / SHELL_APP} is missing.", "Install the workbench again.")
    return folder


@contextmanager
def template_folder() -> Iterator[Path]:
    """Lay out the Voila template `workbench` and the kernel, as Jupyter looks for them, for as long as needed.

    Yields
    ------
    Path
        Folder for `JUPYTER_PATH`; it holds `bokeh.min.js` of the installed Bokeh, so that Python and browser agree,
        and the front end.
    """
    from bokeh.util.paths import bokehjs_path

    with tempfile.TemporaryDirectory(prefix="workbench-") as name:
        folder = Path(name)
        target = folder / "voila" / "templates" / "workbench"
        with as_file(files("workbench.dashboard") / "template") as source:
            shutil.copytree(source, target)
        static = target / "static"
        with as_file(files("workbench.dashboard") / "static") as source:
            shutil.copytree(source, static)
        shutil.copy(Path(bokehjs_path()) / "js" / "bokeh.min.js", static)
        _write_compressed(static)
        kernel = folder / "kernels" / "python3" / "kernel.json"
        kernel.parent.mkdir(parents=True)
        kernel.write_text(json.dumps(_KERNEL), encoding="utf-8")
        yield folder


def _write_compressed(folder: Path) -> None:
    """Put a gzip file beside each script and stylesheet of a folder."""
    for path in [*folder.glob("*.js"), *folder.glob("*.css")]:
        path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes(), 4, mtime=0))


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _check_token(host: str, token: str) -> None:
    if not token and not _is_loopback(host):
        raise SettingsError(
            f"Host {host!r} is not this machine, and there is no token: whoever reaches it could acknowledge and plan.",
            "Set WORKBENCH_DASHBOARD__TOKEN to at least 16 characters, or use 127.0.0.1.",
        )
    if token and len(token) < _MIN_TOKEN_LETTERS:
        raise SettingsError(
            f"The dashboard's token has {len(token)} characters.",
            "It can be guessed. Set one of at least 16 characters.",
        )


def _present(value: str | None) -> list[str]:
    return [value] if value else []


def _options(settings: Settings, host: str, port: int, token: str, open_browser: bool) -> dict[str, Any]:
    from workbench.observability.logs import log_path
    from workbench.observability.status import LOOK_HEADER

    short = len(tempfile.gettempdir()) <= _MAX_FOLDER_LETTERS
    public = urlsplit(settings.dashboard.public_url or "").hostname  # a proxy hands on the name that its readers use
    names = ["localhost", *([public] if public else [])]
    local = {"allow_remote_access": not _is_loopback(host), "local_hostnames": names}
    return {
        "DashboardServer": {
            "ip": host,
            "port": port,
            "port_retries": 0,
            "token": token,
            "open_browser": open_browser,
            "log_level": "ERROR",
            "config_file_paths": [],
            "tornado_settings": local,
            "budget": settings.dashboard.kernels,
            "reports": str(settings.reports_path.resolve()),
            "log_file": str(log_path(settings.home)),
        },
        "VoilaConfiguration": {
            "template": "workbench",
            "allow_template_override": "NO",
            "allow_theme_override": "NO",
            "strip_sources": True,
            "show_tracebacks": False,
            "preheat_kernel": True,
            "default_pool_size": 1,
            "file_allowlist": [],
            "http_header_envs": [LOOK_HEADER],
        },
        "VoilaExecutor": {"cell_error_instruction": "See the log, and `workbench doctor` for what to repair."},
        "KernelManager": {"shutdown_wait_time": 2.0, "transport": "ipc" if short else "tcp"},
        "KernelRestarter": {"restart_limit": 0, "time_to_dead": 1.0},  # a new kernel would know nothing of the page
        "ZMQChannelsWebsocketConnection": {"limit_rate": False},  # beyond it updates of widgets would be dropped
        "MappingKernelManager": {
            "cull_idle_timeout": settings.dashboard.idle_minutes * 60,
            "cull_interval": 60,
            "cull_connected": False,
        },
    }


@contextmanager
def _kernels() -> Iterator[dict[str, Any]]:
    """Start the process that kernels are forked from: it imports what pages need while the server comes up."""
    from workbench.dashboard.forking import can_fork, forked_kernels

    with ExitStack() as stack:
        name = stack.enter_context(forked_kernels()) if can_fork() else ""
        yield {"KernelProvisionerFactory": {"default_provisioner_name": name}} if name else {}


def _quiet_logs() -> None:
    """Leave out of the log what is no fault: tornado's own ping interval, and pages that were closed."""
    for name in ("tornado.application", "tornado.general"):
        logging.getLogger(name).setLevel(logging.ERROR)  # it warns of the server's own ping interval at every page
    logging.getLogger("asyncio").addFilter(_is_about_no_closed_page)


def _is_about_no_closed_page(record: logging.LogRecord) -> bool:
    from tornado.websocket import WebSocketClosedError

    return not (record.exc_info and isinstance(record.exc_info[1], WebSocketClosedError))


def _run(
    settings: Settings,
    notebook: Path,
    options: dict[str, Any],
    stopped: threading.Event,
    listening: Callable[[], None],
) -> None:
    from tornado.web import HTTPError
    from traitlets.config import Config

    from workbench.dashboard.nursery import load_jsonschema
    from workbench.observability.logs import log_path, log_to, rotate

    share_heaps()
    _quiet_logs()
    log = log_path(settings.home)
    rotate(log)
    for name in ("workbench", "tornado", "Voila", "DashboardServer"):
        log_to(log, name)
    with suppress(HTTPError):  # stopped while a kernel starts: it ends with its parent
        load_jsonschema()
        from workbench.dashboard.server import DashboardServer

        if stopped.is_set():
            return
        DashboardServer.stopped = stopped
        DashboardServer.listening = staticmethod(listening)
        DashboardServer.launch_instance(argv=[str(notebook)], config=Config(options))
