"""A channel's report, made beside the page by a process of its own: papermill runs the scoring notebook."""

import asyncio
import os
import sys
from html import escape
from urllib.parse import quote

from workbench.dashboard.serving import settings_environment
from workbench.exceptions import ReportError
from workbench.settings import Settings

__all__ = ["make_report", "report_link"]


async def make_report(settings: Settings, channel: str) -> str:
    """Write the report of a channel as `workbench report` does.

    Parameters
    ----------
    settings : Settings
    channel : str

    Returns
    -------
    str
        Path of the page.

    Raises
    ------
    ReportError
        The command failed; the message is its last line.
    """
    command = [sys.executable, "-c", "from workbench.cli import main; main()", "report", "--", channel]
    process = await asyncio.create_subprocess_exec(
        *command,
        env=os.environ | settings_environment(settings),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        _, errors = await process.communicate()
    except asyncio.CancelledError:
        process.kill()
        raise
    if process.returncode:
        lines = errors.decode(errors="replace").strip().splitlines() or [f"exit status {process.returncode}"]
        raise ReportError(f"The report on {channel} was not made: {lines[-1].removeprefix('Error: ')}")
    return str(settings.reports_path / f"{channel}.html")


def report_link(path: str, channel: str) -> str:
    """Link a report: at the dashboard's server where it serves this page, else the file."""
    served = os.environ.get("SERVER_SOFTWARE", "").startswith("voila")
    base = os.environ.get("VOILA_BASE_URL", "/")
    address = f"{base}workbench/reports/{quote(channel)}.html" if served else f"file://{quote(path)}"
    return f'<a href="{escape(address)}" target="_blank" rel="noopener">Report on {escape(channel)}</a>'
