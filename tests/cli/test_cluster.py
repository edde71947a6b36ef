"""`workbench cluster`, and the places that commands take."""

import re
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from typer.testing import CliRunner

from workbench.cli import app
from workbench.compute import Compute, map_channels

MAIN = [sys.executable, "-c", "from workbench.cli import main; main()"]


def lengths(channel: str) -> int:
    return len(channel)


@pytest.mark.slow
@pytest.mark.filterwarnings("default")  # Dask's own
def test_a_cluster_says_its_address_works_and_ends_with_ctrl_c():
    with subprocess.Popen(
        [*MAIN, "cluster", "--workers", "1", "--port", "0"], stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout is not None
        address = server.stdout.readline().split()[-1]
        assert re.fullmatch(r"tcp://127\.0\.0\.1:\d+", address)
        assert f"workbench score --all --compute {address}" in server.stdout.readline()
        assert dict(map_channels(lengths, ["P-1", "P-10"], compute=Compute(scheduler=address))) == {"P-1": 3, "P-10": 4}
        workers = psutil.Process(server.pid).children(recursive=True)
        assert workers
        server.send_signal(signal.SIGINT)
        server.communicate(timeout=60)
    assert server.returncode == 130
    assert psutil.wait_procs(workers, timeout=30)[1] == []


@pytest.mark.parametrize("command", [["train", "--all"], ["score", "--all"], ["evaluate"], ["run", "--no-serve"]])
def test_what_is_no_place_is_wrong_input(tmp_path: Path, monkeypatch, command):
    monkeypatch.chdir(tmp_path)
    outcome = CliRunner().invoke(app, [*command, "--compute", "proceses:2"])
    assert outcome.exit_code == 2
    assert "compute: write local, processes:N" in outcome.stderr
    assert "(got 'proceses:2')" in outcome.stderr
    assert list(tmp_path.iterdir()) == []


def test_one_place_at_a_time():
    outcome = CliRunner().invoke(app, ["train", "--all", "--workers", "2", "--compute", "local"])
    assert outcome.exit_code == 2
    assert "--compute and --workers are passed" in outcome.stderr
