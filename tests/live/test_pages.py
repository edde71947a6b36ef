"""The port: samples are answered for when they are stored; health and metrics say what is."""

import gzip
import json
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import requests
from pydantic import ValidationError

from tests.live.plants import pump, samples_of, service_of, values_of, write_plant
from workbench.exceptions import SettingsError
from workbench.live import pages
from workbench.live.payloads import read_lines
from workbench.live.service import LiveService
from workbench.telemetry.feed_options import LiveSettings

TIMEOUT_S = 60
LINES = {"channel": "{measurement}", "value": "value"}


class Running:
    """A service in a thread."""

    def __init__(self, service: LiveService) -> None:
        self.service = service
        self._stop = threading.Event()
        self._thread = threading.Thread(target=service.run, args=(self._stop,))
        self._thread.start()
        assert service.pages is not None
        assert service.pages._ready.wait(TIMEOUT_S)
        self.address = f"http://127.0.0.1:{service.pages.port}"

    def post(self, path: str, body: str | bytes, **headers: str) -> requests.Response:
        return requests.post(self.address + path, data=body, headers=headers, timeout=TIMEOUT_S)

    def get(self, path: str, **headers: str) -> requests.Response:
        return requests.get(self.address + path, headers=headers, timeout=TIMEOUT_S)

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    write_plant(tmp_path / "live", [pump(120)], 10, train=False)
    return tmp_path / "live"


@pytest.fixture
def running(home: Path) -> Iterator[Running]:
    one = Running(service_of(home, [], port=True, line_mapping=LINES, token="secret"))
    yield one
    one.stop()


def lines(start: int, stop: int) -> str:
    rest = samples_of(pump(120).isel(time=slice(start, stop)))
    return "\n".join(f"flow value={one.value!r} {one.moment}" for one in rest)


def test_samples_are_posted_as_lines_and_as_json_and_stored_once(running: Running, home: Path) -> None:
    signed = {"Authorization": "Token secret"}
    answer = running.post("/api/v2/write?org=x&bucket=y&precision=ns", lines(10, 60), **signed)
    assert (answer.status_code, answer.json()["samples"]) == (200, {"added": 50})
    objects = [
        {"channel": "flow", "time": str(np.datetime64(one.moment, "ns")) + "Z", "value": one.value}
        for one in samples_of(pump(120).isel(time=slice(50, None)))
    ]
    signed = {"Authorization": "Bearer secret", "Content-Type": "application/json; charset=utf-8"}
    for counts in ({"duplicates": 10, "added": 60}, {"duplicates": 70}):
        answer = running.post("/ingest", json.dumps(objects), **signed)
        assert (answer.status_code, answer.json()["samples"]) == (200, counts)
    running.stop()
    np.testing.assert_array_equal(values_of(home), pump(120)["telemetry"].values)


def test_health_answers_while_a_large_body_is_read(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    has_begun, may_end = threading.Event(), threading.Event()

    def read(*arguments: Any) -> Any:
        has_begun.set()
        assert may_end.wait(TIMEOUT_S)
        return read_lines(*arguments)

    monkeypatch.setattr(pages, "read_lines", read)
    with ThreadPoolExecutor(1) as pool:
        posted = pool.submit(running.post, "/ingest", lines(10, 20), Authorization="Token secret")
        assert has_begun.wait(TIMEOUT_S)
        try:
            assert requests.get(f"{running.address}/health", timeout=10).json()["state"] == "well"
        finally:
            may_end.set()
        assert posted.result().json()["samples"] == {"added": 10}


def test_what_cannot_be_used_is_answered_with_its_reason_and_the_rest_is_stored(running: Running) -> None:
    body = lines(10, 12) + "\nflow value=abc 5\nflow valve=1 1735741440000000000"
    answer = running.post("/ingest", body, Authorization="Token secret")
    document = answer.json()
    assert (answer.status_code, document["samples"], document["unreadable"]) == (400, {"added": 2}, 2)
    assert any("flow value=abc 5" in example for example in document["examples"])
    metrics = running.get("/metrics", Authorization="Bearer secret").text
    assert 'workbench_live_unreadable_total{feed="http",kind="no value"} 1.0' in metrics
    assert 'workbench_live_added_total{channel="flow"} 2.0' in metrics


def test_an_answer_says_why_samples_do_not_fit_their_channel_and_which_were_not_stored(running: Running) -> None:
    signed = {"Authorization": "Token secret", "Content-Type": "application/json"}
    when = str(np.datetime64(samples_of(pump(120))[10].moment, "ns")) + "Z"
    fine = {"channel": "flow", "time": when, "value": 1.0}
    document = running.post("/ingest", json.dumps([fine, {**fine, "inputs": {"open": 1}}]), **signed).json()
    assert document["samples"] == {"added": 1, "unfit": 1}
    assert document["examples"] == ["other inputs: flow has the inputs none, not open"]
    answer = running.post("/ingest", json.dumps([fine, {**fine, "value": 2.0}]), **signed)
    assert (answer.status_code, answer.json()["message"]) == (200, "Stored, apart from: 1 conflicts.")
    answer = running.post("/ingest", json.dumps([fine]), **signed)
    assert (answer.status_code, answer.json()["message"]) == (200, "Stored.")


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/ingest", {}, 401),
        ("/ingest", {"Authorization": "Bearer wrong"}, 401),
        ("/ingest", {"Authorization": "Basic secret"}, 401),
        ("/ingest", {"Authorization": "Bearer secret", "Origin": "http://evil.example"}, 403),
        ("/ingest?precision=h", {"Authorization": "Bearer secret"}, 400),
        ("/elsewhere", {"Authorization": "Bearer secret"}, 404),
    ],
)
def test_who_may_not_post_stores_nothing(running: Running, path: str, headers: dict[str, str], status: int) -> None:
    assert running.post(path, lines(10, 12), **headers).status_code == status
    assert running.service.counters() == {}


def test_a_body_that_is_compressed_or_too_large_is_told_what_would_be_right(running: Running) -> None:
    signed = {"Authorization": "Token secret"}
    answer = running.post(
        "/api/v2/write", gzip.compress(lines(10, 12).encode()), **signed, **{"Content-Encoding": "gzip"}
    )
    assert (answer.status_code, "content_encoding" in answer.json()["message"]) == (415, True)
    answer = running.post("/ingest", b"#" * (16 * 2**20 + 1), **signed)
    assert (answer.status_code, "in parts" in answer.json()["message"]) == (413, True)
    assert running.service.counters() == {}


def test_who_does_not_sign_in_is_answered_before_the_body(running: Running) -> None:
    assert running.service.pages is not None
    with socket.create_connection(("127.0.0.1", running.service.pages.port), timeout=TIMEOUT_S) as one:
        one.sendall(b"POST /ingest HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\nflow")
        assert b" 401 " in one.recv(1_000)


def test_metrics_are_guarded_and_health_is_not(running: Running) -> None:
    assert running.get("/metrics").status_code == 401
    health = running.get("/health")
    assert (health.status_code, health.json()["state"], health.json()["faults"]) == (200, "well", [])
    running.service.ingest.figures.error = "No space left on device"
    health = running.get("/health")
    assert (health.status_code, health.json()["faults"]) == (503, ["No space left on device"])


def test_a_full_queue_is_told_at_once(running: Running) -> None:
    running.service.intake.capacity = 0
    held = running.service.intake._has_room
    running.service.intake._has_room = lambda size: False  # type: ignore[method-assign]
    answer = running.post("/ingest", lines(10, 12), Authorization="Bearer secret")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
    running.service.intake._has_room = held  # type: ignore[method-assign]
    assert running.post("/ingest", lines(10, 12), Authorization="Bearer secret").status_code == 200


def test_a_port_in_use_is_named(running: Running, tmp_path: Path) -> None:
    port = running.service.pages.port  # type: ignore[union-attr]
    second = service_of(tmp_path / "other", [], port=True)
    assert second.pages is not None
    second.pages.settings = LiveSettings(port=port)
    with pytest.raises(SettingsError, match=f"live.port: 127.0.0.1:{port} cannot be listened on"):
        second.run(threading.Event())


def test_a_public_address_needs_a_token() -> None:
    with pytest.raises(ValidationError, match="needs a token"):
        LiveSettings(host="0.0.0.0")
    assert LiveSettings(host="0.0.0.0", token="secret").host == "0.0.0.0"  # type: ignore[arg-type]
