"""MLflow's own page on the registry, served beside the workbench to this machine only."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from urllib.parse import quote

from workbench.exceptions import SettingsError
from workbench.files import replacing
from workbench.jobs.ports import free_port
from workbench.models.listing import registered_name
from workbench.models.location import Location
from workbench.models.mlflow_calls import ENVIRONMENT
from workbench.models.registry import Registry
from workbench.settings import Settings

__all__ = ["DEFAULT_PORT", "model_address", "registry_address", "serve_registry"]

DEFAULT_PORT = 5000
"""MLflow's own."""

_HOST = "127.0.0.1"
_STATE = "registry-ui.json"
_START_TIMEOUT_S = 120  # seconds until the server must listen
_POLL_INTERVAL_S = 0.2  # seconds between two looks whether it does


def registry_address(settings: Settings) -> str:
    """Return the address of the page that is served on the registry of a home; empty where none is.

    Parameters
    ----------
    settings : Settings
        Settings that name the home.

    Returns
    -------
    str
        As `http://127.0.0.1:5000/`.
    """
    try:
        state = json.loads(_state_file(settings).read_bytes())
        os.kill(state["pid"], 0)
        return f"http://{_HOST}:{state['port']:d}/"
    except (OSError, ValueError, KeyError, TypeError):  # none, not ours, or its process has ended
        return ""


def model_address(address: str, name: str, version: int) -> str:
    """Return the address of one version on MLflow's page.

    Examples
    --------
    >>> model_address("http://127.0.0.1:5000/", "P-1.ridge", 3)
    'http://127.0.0.1:5000/#/models/P-1.ridge/versions/3'
    """
    return f"{address}#/models/{quote(registered_name(name), safe='')}/versions/{version}"


def serve_registry(settings: Settings, port: int = DEFAULT_PORT, announce: Callable[[str], None] | None = None) -> None:
    """Serve MLflow's page on the registry until SIGINT or SIGTERM.

    While it is served a small file in the home says where, so that the dashboard links it.

    Parameters
    ----------
    settings : Settings
        Settings that name the home.
    port : int
        TCP port on this machine's loopback; any free one where 0.
    announce : callable, optional
        Called with a line that says where, once the page can be asked for.

    Raises
    ------
    SettingsError
        The port is taken, a page is served on this registry already, or MLflow does not start.
    ModelError
        The registry cannot be read.
    """
    served = registry_address(settings)
    if served:
        raise SettingsError(f"The registry is served already at {served}.", "Stop that one first.")
    port = free_port(_HOST, port)
    with Registry(settings.registry_path, settings.tracking_uri) as registry:
        location = registry.location
        if location.database is not None and not location.database.exists():
            registry.check_writable()
    with _stop_signals() as stop_signals, _server(location, port) as process:
        began = time.monotonic()
        while not stop_signals and process.poll() is None and not _listens(port):
            if time.monotonic() - began > _START_TIMEOUT_S:
                raise SettingsError(f"MLflow does not answer on port {port}.", "Read what it printed above.")
            _wait(process)
        if not stop_signals and process.poll() is None:
            with _announced(settings, port, process.pid):
                if announce is not None:
                    announce(f"Model registry: http://{_HOST}:{port}/ (Ctrl-C stops it)")
                while not stop_signals and process.poll() is None:
                    _wait(process)
    if not stop_signals:
        raise SettingsError(
            f"MLflow's server ended with exit code {process.returncode}.", "Read what it printed above."
        )


@contextmanager
def _server(location: Location, port: int) -> Iterator["subprocess.Popen[bytes]"]:
    """Run MLflow's server in a session of its own, and stop it gracefully."""
    command = [sys.executable, "-m", "mlflow", "server", "--backend-store-uri", location.uri]
    if location.artifact_root is not None:
        command += ["--default-artifact-root", location.artifact_root, "--no-serve-artifacts"]
    command += ["--host", _HOST, "--port", str(port), "--workers", "1", "--uvicorn-opts", "--log-level error"]
    quiet = ENVIRONMENT | {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "PYTHONWARNINGS": "ignore"}
    environment = os.environ | quiet | {"MLFLOW_LOGGING_LEVEL": "ERROR"}
    process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, start_new_session=True)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@contextmanager
def _stop_signals() -> Iterator[list[int]]:
    """Gather the signals that ask to stop, instead of being interrupted by them."""
    stop_signals: list[int] = []

    def note(number: int, _frame: FrameType | None) -> None:
        stop_signals.append(number)

    before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop_signals
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _announced(settings: Settings, port: int, pid: int) -> Iterator[None]:
    """Keep the file that says where the page is, for as long as it is there."""
    file = _state_file(settings)
    with replacing(file) as temporary:
        temporary.write_text(json.dumps({"port": port, "pid": pid}), encoding="utf-8")
    try:
        yield
    finally:
        file.unlink(missing_ok=True)


def _state_file(settings: Settings) -> Path:
    return settings.home / _STATE


def _wait(process: "subprocess.Popen[bytes]") -> None:
    try:
        process.wait(_POLL_INTERVAL_S)
    except subprocess.TimeoutExpired:
        return


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((_HOST, port)) == 0
