import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.models.fakes import HASH, fitted
from workbench.exceptions import ModelError
from workbench.models.registry import Registry


def free_port() -> int:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        return int(server.getsockname()[1])


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    """An MLflow tracking server that keeps artifacts itself."""
    port = free_port()
    store = [f"--backend-store-uri=sqlite:///{tmp_path / 'server.db'}", f"--artifacts-destination={tmp_path / 'kept'}"]
    command = [sys.executable, "-m", "mlflow", "server", *store, f"--port={port}", "--workers=1"]
    environment = os.environ | {"MLFLOW_DISABLE_TELEMETRY": "true"}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment, start_new_session=True
    ) as process:
        assert process.stdout is not None
        assert any("Application startup complete" in line for line in process.stdout)
        yield f"http://127.0.0.1:{port}"
        os.killpg(process.pid, signal.SIGTERM)


@pytest.mark.slow
def test_a_tracking_server_keeps_models_for_several_machines(
    server: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    one, other = Registry(tmp_path / "one", server), Registry(tmp_path / "other", server)
    assert other.list() == []
    first = one.register(fitted(0.5), "P-1", HASH, seed=0, duration=1.0)
    second = one.register(fitted(0.4), "P-1", HASH, seed=1, duration=1.0)
    assert [(info.version, info.aliases) for info in one.list()] == [(1, ()), (2, ("champion",))]
    assert other.list("P-1", "ridge") == []
    there = other.champion("P-1")
    assert (there.id, there.metrics, there.parameters) == (second.id, second.metrics, second.parameters)
    assert not there.path.exists()
    assert other.load(there).metrics == {"validation_error": 0.4}
    assert one.load(first).metrics == {"validation_error": 0.5}
    assert not (tmp_path / "one" / "mlflow.db").exists()
    assert capfd.readouterr() == ("", "")


def test_a_server_that_is_not_there_is_one_clear_error_without_the_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    registry = Registry(tmp_path, f"http://me:secret@127.0.0.1:{free_port()}")
    with pytest.raises(ModelError, match=r"http://127\.0\.0\.1:\d+ cannot be used: .*refused") as caught:
        registry.list()
    assert "secret" not in str(caught.value)
