"""A server that pages are asked of, and the browser that asks."""

import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import workbench as wb
from workbench.jobs.ports import free_port

ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking"]
"""Of Chromium."""


def chromium():
    """Find the system's Chromium; None leaves the choice to Playwright."""
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


class Served:
    """A server and its address, until it is closed."""

    def __init__(self, command, home, waits_for):
        self.port = free_port("127.0.0.1")
        variables = os.environ | {"WORKBENCH_HOME": str(home), "PYTHONPATH": str(Path(wb.__file__).parents[1])}
        variables.pop("PYTHONDONTWRITEBYTECODE", None)  # where it is set, each start would compile all modules anew
        command = [part.replace("PORT", str(self.port)) for part in command]
        self.began = time.perf_counter()
        self.process = subprocess.Popen(
            command, env=variables, cwd=home, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        self.url = f"http://127.0.0.1:{self.port}{waits_for}"

    def answers(self):
        """Wait until it listens."""
        while self.process.poll() is None:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return self
            time.sleep(0.05)
        raise RuntimeError("the server ended")

    def close(self):
        self.process.terminate()
        self.process.wait(60)


def dashboard(home):
    """Start the dashboard on a home."""
    return Served([str(Path(sys.executable).with_name("workbench")), "dashboard", "--port", "PORT"], home, "/")
