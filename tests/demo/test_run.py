"""`workbench run` on an empty home, as a newcomer starts it: a year behind it, and it goes on until Ctrl-C."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import workbench as wb
from workbench.jobs.processes import run_command
from workbench.telemetry.moments import ticks

COMMAND = [sys.executable, "-c", "from workbench.cli import main; main()", "run", "--port", "0"]


@pytest.mark.slow
def test_the_demo_fleet_goes_on_while_it_is_served_and_stops_with_it(tmp_path: Path) -> None:
    home, began = tmp_path / "home", datetime.now(UTC)
    environment = {**os.environ, "WORKBENCH_HOME": str(home)}
    with subprocess.Popen(COMMAND, env=environment, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        said = ""
        while "Dashboard: " not in said or "Live: simulator" not in said:
            line = server.stdout.readline()
            assert line, said
            said += line
        assert "A year of maintenance is behind it: " in said
        with wb.open(home=home) as session:
            assert session.maintenance.verify_log().ok
            assert len(session.maintenance.outages.list()) >= 2
            assert session.maintenance.log()["time"].min() < began - timedelta(days=364)
            ends = [newest(session, "PWR-1")]
            assert began - timedelta(hours=8, minutes=2) < ends[0] < began
            while newest(session, "PWR-1") == ends[0]:
                time.sleep(0.5)
            assert any(info.grows for info in session.archive.infos()[0])
        server.send_signal(signal.SIGINT)
        server.stdout.read()
        assert server.wait() == 0
    assert not (home / "live.pid").exists()  # the process of the simulator has ended, too


def newest(session: wb.Session, channel: str) -> datetime:
    moment = int(ticks(session.archive.open(channel, indexed=False)["time"].variable[-1:].values)[0])
    return datetime.fromtimestamp(moment / 1e9, UTC)


@pytest.mark.slow
def test_a_page_that_is_open_on_the_empty_home_does_not_cost_the_year(tmp_path: Path) -> None:
    with wb.open(home=tmp_path) as page:
        assert page.maintenance.alerts.list(state=None).empty
        asyncio.run(run_command(page.settings, "run", "--no-serve", "--still"))
        assert len(page.maintenance.alerts.list(state=None)) > 100
    with wb.open(home=tmp_path) as session:
        assert len(session.maintenance.alerts.list(state=None)) > 100
