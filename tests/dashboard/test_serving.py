import asyncio
import gc
import gzip
import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import bokeh
import nbformat
import pytest
import tornado.web
import tornado.websocket
from tornado.websocket import WebSocketClosedError

import workbench as wb
from tests.conftest import wave_channel
from workbench.dashboard.serving import SHELL_APP, _quiet_logs, apps_folder, serve_dashboard, template_folder
from workbench.exceptions import SettingsError
from workbench.parameters import TelemanomParams
from workbench.settings import Settings, load_settings, settings_environment
from workbench.telemetry.archive import Archive
from workbench.views import VIEWS
from workbench.views.page import show, wait_for_page
from workbench.views.shell import Shell

APPS = [SHELL_APP, *(f"{name}.ipynb" for name in VIEWS)]
NOTEBOOK = apps_folder() / SHELL_APP


def test_settings_come_back_from_the_environment(tmp_path, monkeypatch):
    settings = Settings(
        home=tmp_path / "here", presets={"quick": TelemanomParams(window_size=10)}, preset="quick", seed=7, workers=2
    )
    for name, value in settings_environment(settings).items():
        monkeypatch.setenv(name, value)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    assert load_settings(elsewhere) == settings


def test_a_relative_home_is_taken_from_the_working_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert settings_environment(Settings(home=Path("data")))["WORKBENCH_HOME"] == str(tmp_path / "data")


def test_the_server_loads_nothing_that_only_pages_need():
    code = """
import sys
from workbench.dashboard.nursery import load_jsonschema
load_jsonschema()
import workbench.dashboard.server
print(sorted({"pandas", "pyarrow", "xarray", "sqlalchemy", "ipywidgets", "workbench.session"} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_no_kernel_is_given_the_token(tmp_path):
    settings = Settings(home=tmp_path, dashboard={"token": "open-sesame-open-sesame", "kernels": 3})
    assert "sesame" not in repr(settings)
    environment = settings_environment(settings)
    assert json.loads(environment["WORKBENCH_DASHBOARD"])["kernels"] == 3
    assert "sesame" not in json.dumps(environment)


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.5", "example.com", "::"])
def test_a_host_that_others_reach_is_refused_without_a_token(tmp_path, host):
    with pytest.raises(SettingsError, match=r"is not this machine, and there is no token.*WORKBENCH_DASHBOARD__TOKEN"):
        serve_dashboard(Settings(home=tmp_path), NOTEBOOK, host=host, port=0)


def test_a_token_that_can_be_guessed_is_refused(tmp_path):
    with pytest.raises(SettingsError, match=r"token has 6 characters.*at least 16"):
        serve_dashboard(Settings(home=tmp_path, dashboard={"token": "sesame"}), NOTEBOOK, port=0)


def test_a_taken_port_is_named(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(SettingsError, match=rf"Port {port} on 127.0.0.1 cannot be used: .*--port"):
            serve_dashboard(Settings(home=tmp_path), NOTEBOOK, port=port)


def test_a_missing_app_is_named(tmp_path):
    with pytest.raises(SettingsError, match=r"nowhere\.ipynb does not exist"):
        serve_dashboard(Settings(home=tmp_path), tmp_path / "nowhere.ipynb")


def test_the_template_carries_the_installed_scripts_and_goes_away():
    with template_folder() as folder:
        template = folder / "voila" / "templates" / "workbench"
        assert json.loads((template / "conf.json").read_text()) == {"base_template": "lab"}
        page = (template / "index.html.j2").read_text()
        static = template / "static"
        for name in ("bokeh.min.js", "front.js", "front.css"):
            assert name in page
            assert gzip.decompress((static / f"{name}.gz").read_bytes()) == (static / name).read_bytes()
        assert "://" not in page
        assert bokeh.__version__.encode() in (static / "bokeh.min.js").read_bytes()
    assert not folder.exists()


def test_a_page_gives_back_again_and_again_what_is_free(monkeypatch, tmp_path):
    async def use():
        given, loop = asyncio.Queue(), asyncio.get_running_loop()
        monkeypatch.setattr("workbench.views.page.give_back_memory", lambda: given.put_nowait(loop.time()))
        monkeypatch.setattr("workbench.views.page._GIVE_BACK_SECONDS", 0)
        with wb.open(home=tmp_path) as session:
            shell = show(Shell(session))
            assert await given.get() < await given.get()
            shell.close()

    monkeypatch.setattr("workbench.views.page.log_to", lambda path: None)
    monkeypatch.delenv("VOILA_PREHEAT", raising=False)
    asyncio.run(use())


def test_outside_a_preheated_kernel_nothing_waits(monkeypatch):
    monkeypatch.delenv("VOILA_PREHEAT", raising=False)
    wait_for_page()


@pytest.mark.parametrize("told", ['{"QUERY_STRING": "view=models", "SERVER_SOFTWARE": "voila/1"}', None])
def test_a_preheated_kernel_waits_for_the_request_and_ends_where_the_server_does(monkeypatch, told):
    class Query(tornado.websocket.WebSocketHandler):
        def open(self, kernel):
            assert kernel == "k-1"
            if told is None:
                self.close()
            else:
                self.write_message(told)

    async def serve():
        server = tornado.web.Application([(r"/base/voila/query/(.+)", Query)]).listen(0, "127.0.0.1")
        [listening] = server._sockets.values()
        monkeypatch.setenv("VOILA_APP_PORT", str(listening.getsockname()[1]))
        await asyncio.to_thread(wait_for_page)
        server.stop()
        await server.close_all_connections()

    ended = []
    monkeypatch.setattr("workbench.views.page.os._exit", ended.append)
    for name in ("QUERY_STRING", "SERVER_SOFTWARE"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    for name, value in {"PREHEAT": "True", "APP_IP": "127.0.0.1", "SERVER_URL": "/base/", "KERNEL_ID": "k-1"}.items():
        monkeypatch.setenv(f"VOILA_{name}", value)
    asyncio.run(serve())
    assert os.environ.get("QUERY_STRING") == (None if told is None else "view=models")
    assert ended == ([0] if told is None else [])
    wait_for_page()  # nobody listens any more: the page is shown without a request
    assert ended == ([0] if told is None else [])


@pytest.mark.parametrize("name", APPS)
def test_every_app_has_three_cells_and_no_output(name):
    cells = nbformat.read(apps_folder() / name, as_version=4).cells
    assert [cell.cell_type for cell in cells] == ["code"] * 3
    assert not any(cell.outputs for cell in cells)


@pytest.mark.slow
def test_the_kernel_of_a_page_loads_neither_tensorflow_nor_mlflow(tmp_path):
    archive = Archive(tmp_path / "archive.zarr")
    archive.write(wave_channel("X-1"), wave_channel("X-1", 3000, 1, spike=2000))
    source = "\n".join(cell.source for cell in nbformat.read(NOTEBOOK, as_version=4).cells)
    trained = "import workbench as wb; s = wb.open(); s.train(progress=False); s.score_all()"
    heavy = "{'tensorflow', 'keras', 'mlflow', 'torch', 'sklearn'} & set(__import__('sys').modules)"
    opened = "from workbench.views import VIEWS; [page.open(name) for name in VIEWS]; assert page.failure is None"
    show = f"{source}\n{opened}\nprint(page.view.failure, list(page.views), {heavy})"
    for code in (trained, show):
        done = subprocess.run(
            [sys.executable, "-c", code],
            env=os.environ | {"WORKBENCH_HOME": str(tmp_path)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == f"None {list(VIEWS)} set()"


def test_an_address_is_announced_once_somebody_answers_there(tmp_path):
    code = """
import os, signal, socket
from workbench.dashboard.serving import serve_dashboard
from workbench.settings import load_settings

def say(line):
    port = int(line.split()[1].strip("/").rpartition(":")[2])
    socket.create_connection(("127.0.0.1", port)).close()  # raises where nobody listens
    print("answered", flush=True)
    os.kill(os.getpid(), signal.SIGTERM)

serve_dashboard(load_settings(), port=0, announce=say)
"""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("WORKBENCH_")}
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=environment | {"WORKBENCH_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert done.stdout == "answered\n", done.stderr


@pytest.mark.parametrize(("error", "is_told"), [(WebSocketClosedError, False), (ValueError, True)])
def test_a_page_closed_while_it_is_written_to_is_no_error_in_the_log(
    error: type[Exception], is_told: bool, caplog: pytest.LogCaptureFixture
) -> None:
    async def write() -> None:
        raise error

    async def write_and_forget() -> None:
        task = asyncio.ensure_future(write())
        await asyncio.wait([task])

    _quiet_logs()
    asyncio.run(write_and_forget())
    gc.collect()
    assert ("never retrieved" in caplog.text) == is_told
