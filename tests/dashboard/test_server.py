"""The server over HTTP: sign-in, budget, files, and its stop."""

import asyncio
import json
import logging
import os
import random
import re
import signal
import subprocess
import sys
import time
from contextlib import suppress
from uuid import uuid4

import pytest
import requests
from jupyter_server.services.kernels.connection.base import serialize_msg_to_ws_v1
from nbclient.exceptions import DeadKernelError
from prometheus_client.parser import text_string_to_metric_families
from tornado.httpclient import HTTPRequest
from tornado.web import HTTPError
from tornado.websocket import WebSocketClosedError, websocket_connect

from workbench.dashboard.frames import MOST_BYTES, V1
from workbench.dashboard.server import Pool, _tell_ended
from workbench.observability.logs import log_path

TOKEN = "open-sesame-open-sesame"
SERVE = (
    "from workbench.settings import load_settings\n"
    "from workbench.dashboard.serving import serve_dashboard\n"
    "def say(line): print(line, flush=True)\n"
    "serve_dashboard(load_settings(), port=0, announce=say)"
)


class Manager:
    """Kernels by name; the pool's tasks are done."""

    def __init__(self):
        self.kernels, self.filled = [], []
        self._pools = {"app": []}

    def list_kernel_ids(self):
        return list(self.kernels)

    def __contains__(self, kernel_id):
        return kernel_id in self.kernels

    def fill_if_needed(self, delay, **given):
        self.filled.append((delay, given))

    async def get_rendered_notebook(self, notebook_name, **given):
        kernel_id = (await self._pools[notebook_name].pop(0))["kernel_id"]
        rendering = asyncio.ensure_future(asyncio.sleep(0))
        await rendering
        return rendering, [], kernel_id

    def get_kernel(self, kernel_id):
        raise HTTPError(404)

    async def pooled(self, *names):
        async def made(name):
            return {"kernel_id": name}

        self._pools["app"] = [asyncio.ensure_future(made(name)) for name in names]
        await asyncio.gather(*self._pools["app"])


def test_the_next_kernel_is_started_when_the_page_has_painted_and_once():
    async def scenario():
        manager = Manager()
        pool = Pool(manager, 2)
        manager.fill_if_needed(None, notebook_name="app")
        assert manager.filled == []
        pool.fill()
        pool.fill()
        return manager.filled

    assert asyncio.run(scenario()) == [(0, {"notebook_name": "app"})]


def test_a_viewer_who_comes_before_the_page_has_painted_starts_it():
    async def scenario():
        manager = Manager()
        pool = Pool(manager, 2)
        manager.fill_if_needed(None, notebook_name="app")
        assert await pool.admit()
        return manager.filled

    assert len(asyncio.run(scenario())) == 1


def test_kernels_in_the_pool_are_no_viewers_and_dead_ones_leave_it():
    async def scenario():
        manager = Manager()
        pool = Pool(manager, 1)
        manager.kernels = ["waiting"]
        await manager.pooled("waiting", "dead")
        assert (pool.viewers, await pool.admit()) == (0, True)
        return [task.result()["kernel_id"] for task in manager._pools["app"]]

    assert asyncio.run(scenario()) == ["waiting"]


def test_a_page_gets_another_kernel_where_the_first_has_ended():
    async def scenario():
        manager = Manager()
        Pool(manager, 2)
        manager.kernels = ["next"]
        await manager.pooled("ended", "next")
        _, _, kernel_id = await manager.get_rendered_notebook("app")
        return kernel_id, manager.filled

    assert asyncio.run(scenario()) == ("next", [(0, {"notebook_name": "app"})])


def test_a_page_gets_another_kernel_where_the_first_ended_while_it_started():
    async def scenario():
        manager = Manager()
        Pool(manager, 2)
        manager.kernels = ["next"]
        await manager.pooled("next")
        failed = asyncio.get_running_loop().create_future()
        failed.set_exception(HTTPError(404, "Kernel does not exist"))
        manager._pools["app"].insert(0, failed)
        return (await manager.get_rendered_notebook("app"))[2]

    assert asyncio.run(scenario()) == "next"


def test_a_kernel_that_ends_while_room_is_made_is_no_error_of_the_next_page():
    async def scenario():
        manager = Manager()
        manager.kernels = ["ended"]
        return await Pool(manager, 1).admit()

    assert asyncio.run(scenario()) is False


def test_a_kernel_that_ends_under_its_page_is_told_in_one_line():
    error = DeadKernelError("Kernel died")
    record = logging.LogRecord("x", logging.ERROR, "", 0, "cell: %r", ("a" * 5000,), (DeadKernelError, error, None))
    assert _tell_ended(record)
    assert (record.getMessage(), record.exc_info) == ("A page was left while it loaded; its kernel has ended.", None)


class Served:
    def __init__(self, home, *, ignored=False, **variables):
        environment = {name: value for name, value in os.environ.items() if not name.startswith("WORKBENCH_")}
        environment |= {"WORKBENCH_HOME": str(home), **variables}
        handler = signal.SIG_IGN if ignored else signal.default_int_handler
        self.process = subprocess.Popen(
            [sys.executable, "-c", SERVE],
            env=environment,
            cwd=home,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, handler),
        )
        self.url = self.process.stdout.readline().split()[1]

    def get(self, path="", **given):
        """Ask as soon as the server answers."""
        while True:
            assert self.process.poll() is None, self.process.communicate()[1]
            try:
                return requests.get(self.url + path, timeout=120, **given)
            except requests.ConnectionError:
                continue

    def stop(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        return self.process.communicate(timeout=60)[1]


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    (home / "reports").mkdir()
    (home / "reports" / "P-1.html").write_text("<p>report", encoding="utf-8")
    (home / "secret.html").write_text("secret", encoding="utf-8")
    made = Served(home, WORKBENCH_DASHBOARD__TOKEN=TOKEN, WORKBENCH_DASHBOARD__KERNELS="1")
    yield made
    assert "Traceback" not in made.stop()


SIGNED = {"params": {"token": TOKEN}}


@pytest.mark.slow
def test_a_page_of_before_a_restart_leaves_no_traceback(served):
    """Its kernel went with the server before; the fixture looks at what is printed."""
    answer = served.get(f"api/kernels/{uuid4()}/channels", **SIGNED, headers={"Upgrade": "websocket"})
    assert (answer.status_code, "Kernel does not exist" in answer.text) == (404, True)


@pytest.mark.slow
@pytest.mark.parametrize("path", ["", "app/overview", "workbench/reports/P-1.html", "workbench/painted", "metrics"])
def test_nothing_is_shown_without_the_token(served, path):
    for wrong in ({}, {"params": {"token": "x" * 20}}):
        answer = served.get(path, allow_redirects=False, **wrong)
        assert answer.status_code in (302, 403)
        assert answer.headers.get("Location", "/login").startswith("/login")


@pytest.mark.slow
def test_reports_run_apart_and_nothing_else_is_served(served):
    answer = served.get("workbench/reports/P-1.html", **SIGNED)
    assert answer.text == "<p>report"
    assert "sandbox allow-scripts" in answer.headers["Content-Security-Policy"]
    for path in ("../secret.html", "%2e%2e%2fsecret.html", "P-2.html"):
        assert served.get(f"workbench/reports/{path}", **SIGNED).status_code in (403, 404)
    assert served.get("app/nothing", **SIGNED).status_code == 404
    assert served.get("voila/files/workbench.ipynb", **SIGNED).status_code == 403


@pytest.mark.slow
def test_a_page_hides_its_source_names_no_other_host_and_past_the_budget_one_waits(served):
    page = served.get(**SIGNED)
    assert page.status_code == 200
    assert "wb.open" not in page.text
    assert set(re.findall(r"(?:src|href)=\"(https?:)?//", page.text)) == set()
    front = re.search(r'src="/(voila/templates/workbench/static/front\.js\?v=\w+)"', page.text)[1]
    script = served.get(front)
    assert script.headers["Content-Encoding"] == "gzip"
    assert "max-age" in script.headers["Cache-Control"]
    assert served.get(front, headers={"Accept-Encoding": "identity"}).text == script.text
    kernel = re.search(r'"kernelId": "([\w-]+)"', page.text)[1]
    full = served.get(**SIGNED)
    assert (full.status_code, full.headers["Retry-After"]) == (503, "10")
    assert "1 pages of this workbench are open" in full.text
    assert 'http-equiv="refresh"' in full.text
    ended = requests.delete(
        f"{served.url}api/kernels/{kernel}", headers={"Authorization": f"token {TOKEN}"}, timeout=60
    )
    assert ended.status_code == 204
    assert served.get(**SIGNED).status_code == 200


@pytest.mark.slow
def test_metrics_are_given_to_who_has_the_token(served):
    answer = served.get("metrics", headers={"Authorization": f"Bearer {TOKEN}"})
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/plain; version=")
    names = {family.name for family in text_string_to_metric_families(answer.text)}
    assert {"workbench_info", "workbench_channels", "workbench_open_alerts", "workbench_storage_bytes"} <= names
    assert served.get("metrics", headers={"Authorization": "Bearer wrong"}).status_code == 403


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "ignored"), [(signal.SIGINT, False), (signal.SIGTERM, False), (signal.SIGINT, True)]
)
def test_a_signal_stops_the_server_with_its_kernels_and_leaves_nothing(tmp_path, number, ignored):
    """Started in the background by a shell it has SIGINT ignored, and must hear it all the same."""
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    served = Served(tmp_path, ignored=ignored, TMPDIR=str(scratch))
    assert served.get().status_code == 200
    errors = served.stop(number)
    assert served.process.returncode == 0, errors
    assert "Traceback" not in errors
    assert list(scratch.iterdir()) == []


@pytest.mark.slow
@pytest.mark.parametrize("seconds", [0, 0.5, 1, 1.5, 2, 3])
def test_it_stops_while_it_starts(tmp_path, seconds):
    served = Served(tmp_path)
    time.sleep(seconds)
    errors = served.stop(signal.SIGINT)
    assert served.process.returncode == 0, errors
    assert "Traceback" not in errors


BAD_FRAMES = [
    (2**62).to_bytes(8, "little"),
    b"\xff" * 8,
    b"",
    b"\x00" * 8,
    (7).to_bytes(8, "little") + b"\xff" * 56,
    "not JSON",
    "{}",
    *(random.Random(seed).randbytes(20 * seed) for seed in range(1, 8)),
]


@pytest.mark.slow
def test_a_bad_frame_closes_its_own_websocket_and_nobody_elses(tmp_path):
    """In both protocols: the server, and the kernel behind the websocket, go on."""
    served = Served(tmp_path)
    kernel = re.search(r'"kernelId": "([\w-]+)"', served.get().text)[1]
    address = f"{served.url.replace('http', 'ws', 1)}api/kernels/{kernel}/channels"

    async def closed_by(frame, protocols):
        socket = await connected(address, protocols)
        with suppress(WebSocketClosedError):
            await socket.write_message(frame, binary=isinstance(frame, bytes))
        while await socket.read_message() is not None:
            pass
        socket.close()
        return socket.close_code

    async def scenario():
        for protocols in ([V1], []):
            other = await connected(address, protocols)
            for number, frame in enumerate(BAD_FRAMES):
                assert await closed_by(frame, protocols) == 1007, (frame, protocols)
                await ask(other, protocols, f"ask-{number}")
            assert await closed_by(b"x" * (MOST_BYTES + 1), protocols) in (1009, None)
            await ask(other, protocols, "the last")
            while "the last" not in (answer := str(await other.read_message())) or "kernel_info_reply" not in answer:
                assert answer != "None"  # it is closed
            other.close()
            while await other.read_message() is not None:  # until the server has closed it, too
                pass

    asyncio.run(asyncio.wait_for(scenario(), 300))
    assert served.get("metrics").status_code == 200
    assert "no kernel message: it announces 4,611,686,018,427,387,904 segments in 8 bytes" in log_path(
        tmp_path
    ).read_text(encoding="utf-8")
    assert "Traceback" not in served.stop()


async def connected(address, protocols):
    return await websocket_connect(HTTPRequest(address, connect_timeout=60), subprotocols=protocols)


async def ask(socket, protocols, number):
    """Ask a kernel who it is."""
    header = {"msg_id": number, "msg_type": "kernel_info_request", "session": "s", "username": "", "version": "5.3"}
    message = {"header": header, "parent_header": {}, "metadata": {}, "content": {}}
    if protocols:
        await socket.write_message(
            serialize_msg_to_ws_v1(message, "shell", lambda part: json.dumps(part).encode()), True
        )
    else:
        await socket.write_message(json.dumps({**message, "channel": "shell"}))
