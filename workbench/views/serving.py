"""Serving an app: Voila on this machine, with our template and BokehJS from Bokeh's own package.

Voila, and everything it brings, loads inside the functions.
"""

import ipaddress
import json
import logging
import os
import shutil
import socket
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

from workbench.exceptions import SettingsError
from workbench.settings import Settings

__all__ = ["apps_folder", "serve_dashboard", "settings_environment", "template_folder", "wait_for_page"]

_EXTENSIONS = ("@jupyter-widgets/jupyterlab-manager", "@voila-dashboards/widgets-manager8", "@bokeh/jupyter_bokeh")
"""Of all that is installed into JupyterLab, a page loads only these: widgets and Bokeh."""

_LONGEST_FOLDER = 30
"""Characters of the temporary folder with which the names of a kernel's sockets stay under the system's 107."""

_IDLE_SECONDS = 30 * 60
"""After this time without a message the kernel of a page that is no longer connected is ended."""


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
    """Serve one app until Ctrl-C or SIGTERM.

    Kernels are started ahead, so that a page does not wait for imports; sources and tracebacks are not shown, no file
    beside the notebook is served, and only this machine can connect.

    Parameters
    ----------
    settings : Settings
        Handed to the kernels as they are, whatever folder the notebook lies in.
    notebook : Path, optional
        The app; the overview where omitted.
    host : str, optional
        Loopback address to listen on; that of the settings where omitted.
    port : int, optional
        TCP port; that of the settings where omitted, any free one where 0.
    open_browser : bool
        Whether to open the page in the reader's browser.
    announce : callable, optional
        Called just before the server starts, with a line that says where.

    Raises
    ------
    SettingsError
        The notebook does not exist, the host is not loopback, or the port is taken.
    """
    host = settings.dashboard.host if host is None else host
    notebook = apps_folder() / "overview.ipynb" if notebook is None else notebook
    if not notebook.is_file():
        raise SettingsError(f"App {notebook} does not exist.", "Give the path of one of the notebooks in apps/.")
    _check_loopback(host)
    port = _free_port(host, settings.dashboard.port if port is None else port)
    with template_folder() as folder:
        os.environ.pop("WORKBENCH_ENV", None)
        os.environ.update(settings_environment(settings))
        os.environ["JUPYTER_PATH"] = os.pathsep.join([str(folder), *_present(os.environ.get("JUPYTER_PATH"))])
        if announce is not None:
            announce(f"Dashboard: http://{f'[{host}]' if ':' in host else host}:{port}/ (Ctrl-C stops it)")
        _run_voila(notebook.resolve(), host, port, open_browser)


def apps_folder() -> Path:
    """Find the apps of the product: in the installed package, or at the root of a checkout.

    Returns
    -------
    Path

    Raises
    ------
    SettingsError
        They are in neither place.
    """
    package = Path(__file__).resolve().parents[1]
    places = (package / "apps", package.parent / "apps")
    for folder in places:
        if (folder / "overview.ipynb").is_file():
            return folder
    raise SettingsError(f"overview.ipynb is neither in {places[0]} nor in {places[1]}.", "Install the workbench again.")


def settings_environment(settings: Settings) -> dict[str, str]:
    """Write settings as the variables that give them back.

    Parameters
    ----------
    settings : Settings
        Relative paths are taken from the working directory.

    Returns
    -------
    dict of str to str
        `WORKBENCH_*`; a setting that is None is left out.
    """
    values = settings.model_dump(mode="json", exclude_none=True)
    values |= {name: str(getattr(settings, name).resolve()) for name in ("home", "catalog") if name in values}
    return {
        f"WORKBENCH_{name.upper()}": value if isinstance(value, str) else json.dumps(value)
        for name, value in values.items()
    }


@contextmanager
def template_folder() -> Iterator[Path]:
    """Lay out the Voila template `workbench` and the kernel, as Jupyter looks for them, for as long as needed.

    Yields
    ------
    Path
        Folder for `JUPYTER_PATH`; it holds `bokeh.min.js` of the installed Bokeh, so that Python and browser agree.
    """
    from bokeh.util.paths import bokehjs_path

    with tempfile.TemporaryDirectory(prefix="workbench-") as name:
        folder = Path(name)
        target = folder / "voila" / "templates" / "workbench"
        with as_file(files("workbench.views") / "template") as source:
            shutil.copytree(source, target)
        (target / "static").mkdir()
        shutil.copy(Path(bokehjs_path()) / "js" / "bokeh.min.js", target / "static")
        kernel = folder / "kernels" / "python3" / "kernel.json"
        kernel.parent.mkdir(parents=True)
        kernel.write_text(json.dumps(_KERNEL), encoding="utf-8")
        yield folder


def wait_for_page() -> None:
    """Hold a kernel that was started ahead until a browser asks for its page.

    What runs after this in an app sees the data of that moment. Does nothing anywhere but in such a kernel.
    """
    if os.environ.get("VOILA_PREHEAT", "False") == "False":
        return
    from voila.utils import wait_for_request

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        wait_for_request()
    unreachable = any("Failed to connect" in str(warning.message) for warning in caught)
    if "SERVER_SOFTWARE" not in os.environ and not unreachable:
        os._exit(0)  # the server stopped while this kernel waited; nobody is left to answer


def _check_loopback(host: str) -> None:
    try:
        loopback = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        loopback = False
    if not loopback:
        raise SettingsError(
            f"Host {host!r} is not this machine: the dashboard has no sign-in.",
            "Use 127.0.0.1, and reach it from elsewhere through an SSH tunnel or a proxy that signs users in.",
        )


def _free_port(host: str, port: int) -> int:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise SettingsError(
                f"Port {port} on {host} cannot be used: {error.strerror}.", "Choose another with --port."
            ) from None
        return int(probe.getsockname()[1])


def _present(value: str | None) -> list[str]:
    return [value] if value else []


def _options(host: str, port: int, open_browser: bool) -> Mapping[str, Mapping[str, Any]]:
    short = len(tempfile.gettempdir()) <= _LONGEST_FOLDER
    return {
        "Voila": {
            "ip": host,
            "port": port,
            "port_retries": 0,
            "open_browser": open_browser,
            "log_level": "ERROR",
            "config_file_paths": [],
            "tornado_settings": {"allow_remote_access": False, "local_hostnames": ["localhost"]},
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
            "extension_allowlist": list(_EXTENSIONS),
            "extension_denylist": [],
        },
        "KernelManager": {"shutdown_wait_time": 2.0, "transport": "ipc" if short else "tcp"},
        "MappingKernelManager": {
            "cull_idle_timeout": _IDLE_SECONDS,
            "cull_interval": 60,
            "cull_connected": False,
        },
    }


def _run_voila(notebook: Path, host: str, port: int, open_browser: bool) -> None:
    from tornado.web import HTTPError
    from traitlets.config import Config
    from voila.app import Voila

    for name in ("tornado.application", "tornado.general"):
        logging.getLogger(name).setLevel(logging.ERROR)  # it warns of the server's own ping interval at every page
    with suppress(HTTPError):  # stopped while a kernel starts: it is not known yet, and ends with its parent
        Voila.launch_instance(argv=[str(notebook)], config=Config(_options(host, port, open_browser)))
