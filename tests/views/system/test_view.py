"""The system view as an object, where no server is, and beside one that has written what it saw."""

import json
import os
import time

import pandas as pd
import pytest

import workbench as wb
from tests.conftest import wave_channel
from tests.telemetry.test_lag import dated
from tests.views.finders import columns, find_box, find_grid
from tests.views.look import find_button, find_field, find_toggle, press, texts
from workbench.exceptions import ArchiveError
from workbench.jobs.doctor import examine
from workbench.jobs.storage import storage
from workbench.observability.logs import log_path
from workbench.observability.status import STATUS_VARIABLE, Status, kernel_file, server_file
from workbench.observability.usage import Process
from workbench.views.state import Selected, State
from workbench.views.system.view import System


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    session = wb.open(home=home)
    session.archive.write(wave_channel("X-1"), wave_channel("X-1", 3000, 1, spike=2000))
    session.archive.write(wave_channel("X-2", seed=2), wave_channel("X-2", 3000, 3))
    session.archive.write(dated(range(300)), dated([*range(50), *range(60, 400)]))
    session.train(["X-1", "X-2", "D-1"])
    session.score_all(["X-1", "X-2"])
    session.close()
    return home


@pytest.fixture
def session(home, monkeypatch):
    monkeypatch.delenv(STATUS_VARIABLE, raising=False)
    with wb.open(home=home) as opened:
        yield opened


@pytest.fixture
def view(session):
    opened = System(session)
    yield opened
    opened.close()


@pytest.fixture
def served(tmp_path, monkeypatch):
    """What a server with two kernels has written; this process is one of them."""
    monkeypatch.setenv(STATUS_VARIABLE, str(tmp_path))
    common = {
        "started": time.time() - 7200,
        "last": time.time(),
        "memory": 100 * 2**20,
        "cpu": 12.0,
        "cpu_seconds": 9.0,
    }
    processes = [
        Process(1, "server", "", False, **common),
        Process(os.getpid(), "kernel", "open", True, **common),
        Process(3, "kernel", "waiting", False, **common),
    ]
    history = [[time.time() - age, 100 * 2**20, 200 * 2**20, 1.0, 2.0] for age in (4, 2, 0)]

    def write(**changes):
        status = Status(time.time(), 4, {"workbench": 3}, 2, processes, history)
        for name, value in changes.items():
            setattr(status, name, value)
        server_file(tmp_path).write_text(json.dumps(status.to_json()), encoding="utf-8")
        return status

    write()
    return write


def drawn(view, name):
    plot = next(plot for plot in view.kept_charts.figures("Memory and CPU") if plot.name == "memory")
    return columns(plot, name)


def open_health(view):
    find_toggle(view, "Health").value = "Health"


def processes(view):
    return texts(find_box(view, "wb-processes"))


def storage_shown(view):
    return texts(find_box(view, "wb-storage"))


def checks(view):
    return texts(find_box(view, "wb-checks"))


def latencies(view):
    return find_grid(view, "Latencies")


def test_without_a_server_it_shows_its_own_process_and_says_so(view):
    assert "no dashboard server" in view.head.value
    assert "No dashboard server runs here" in processes(view)
    (process,) = view.status.processes
    assert (process.pid, process.role) == (os.getpid(), "notebook")
    assert f"{process.memory / 2**20:,.0f}" in processes(view)
    assert len(drawn(view, "notebook")["value"]) == 1
    view.poll()
    assert len(drawn(view, "notebook")["value"]) == 2
    assert view.status.processes[0].cpu >= 0


def test_beside_a_server_it_shows_what_that_saw(session, served):
    view = System(session)
    assert "1 of 4 pages open" in view.head.value
    assert "300 MiB of memory; 36 % of one core; 2 visits refused since all pages were in use" in view.head.value
    for text in ("kernel, this page", "page open, busy", "ready for a page", "1 of 4 pages open", "2 h"):
        assert text in processes(view)
    assert drawn(view, "kernels")["value"].tolist() == [200, 200, 200]
    served(processes=view.status.processes[:2])
    view.poll()
    assert "ready for a page" not in processes(view)
    view.close()


def test_when_the_server_is_gone_it_is_alone(session, served):
    view = System(session)
    served(at=time.time() - 60)
    view.poll()
    assert "no dashboard server" in view.head.value
    assert [process.role for process in view.status.processes] == ["notebook"]
    assert view.failure is None
    view.close()


def test_paused_it_looks_only_when_asked(session, served):
    view = System(session)
    press(view, "Pause")
    assert find_button(view, "Resume")
    assert view.state["paused"] == "yes"
    served(budget=9)
    view.poll()
    view.outdate()  # something was written to the home
    assert view.status.budget == 4
    view.refresh()
    assert view.status.budget == 9
    served(budget=7)
    press(view, "Resume")
    assert view.status.budget == 7, "going on looks at once"
    assert "paused" not in view.state
    view.close()


def test_latencies_of_views_open_into_their_callbacks(view):
    shown = view.shown_table()
    row = shown[(shown["group"] == "System") & (shown["name"] == "")].iloc[0]
    assert row["count"] >= 1
    assert "data-pick='System'" in latencies(view).html
    assert "data-pick='System refresh'" not in latencies(view).html
    latencies(view).tell("pick", "System")
    assert "data-pick='System refresh'" in latencies(view).html
    assert "refresh" in set(view.shown_table()["name"])
    latencies(view).tell("pick", "System refresh")
    assert "data-pick='System refresh'" in latencies(view).html
    latencies(view).tell("pick", "System")
    assert "data-pick='System refresh'" not in latencies(view).html
    assert "stage</span> overview" in latencies(view).html


def test_the_cache_is_that_of_the_session_s_registry(view, session):
    assert "requests none" in storage_shown(view)
    for _ in range(4):
        session.registry.load(session.registry.champion("X-1"))
    view.poll()
    assert view.status.cache["hits"] == 3
    assert "requests 4, 75 % answered from memory" in storage_shown(view)


def test_sizes_are_those_of_the_disk(view, session):
    pd.testing.assert_frame_equal(view.sizes, storage(session.settings, session.maintenance.database))
    assert "telemetry" in storage_shown(view)


def test_a_failing_check_shows_its_fix_until_it_is_mended(view, session):
    open_health(view)
    assert [(item.what, item.fix) for item in view.findings if item.state != "ok"] == [
        ("scores", "workbench score --all")
    ]
    assert "no check failed, 1 of 11 checks to do: scores" in view.head.value
    assert checks(view).index("workbench score --all") < checks(view).index("python")
    session.score("D-1")
    press(view, "Run the checks")
    assert "workbench score --all" not in checks(view)
    assert "System: all 11 checks passed" in view.head.value
    assert view.findings == examine(session)


def test_the_feed_tells_lag_and_gaps_and_is_sorted(view):
    open_health(view)
    table = view.feed.table.set_index("channel")
    assert table.loc["D-1", ["gaps", "missed"]].tolist() == [1, 10]
    assert view.shown_table() is view.feed.table
    assert "1 gap in 1 channel; newest sample" in texts(view.feed)

    def first():
        return view.feed.grid.html.split("data-pick='")[1].split("'")[0]

    for key, expected in (("gaps", "D-1"), ("gaps", "X-1"), ("channel", "D-1"), ("channel", "X-2")):
        view.feed.grid.tell("sort", key)
        assert first() == expected, key
    assert "aria-sort='descending'" in view.feed.grid.html


def test_picking_a_channel_chooses_it_for_all_and_opening_goes_to_its_telemetry(view):
    class Frame:
        opened = None

        def on_moved(self, *, step):
            pass

        def open(self, name, state=None):
            self.opened = name

    frame = Frame()
    view.put_into(frame)
    open_health(view)
    view.feed.grid.tell("pick", "X-2")
    assert view.selection.now.channel == "X-2"
    view.feed.grid.tell("open", "D-1")
    assert (view.selection.now, frame.opened) == (Selected("Pump", "D-1"), "monitoring")
    view.selection.choose(Selected("X", "X-1"))
    assert view.feed.grid.chosen == "X-1"


def test_the_log_is_searched_by_the_number_of_an_error(view, home):
    open_health(view)
    assert "The log is empty" in texts(view.log)
    log = log_path(home)
    log.parent.mkdir(exist_ok=True)
    log.write_text(
        "2026-01-01 10:00:00,001 11 ERROR workbench.views: 1a2b3c4d Monitoring: refresh: <b>\nTraceback\n  here\n"
        "2026-01-01 10:00:01,001 11 INFO workbench: fine\n",
        encoding="utf-8",
    )
    view.poll()
    assert len(view.log.entries) == 2
    find_field(view, "Which entries are listed").value = "ERROR"
    assert [entry.level for entry in view.log.entries.values()] == ["ERROR"]
    find_field(view, "Which entries are listed").value = "DEBUG"
    find_field(view, "Search the whole log").value = "1A2B"
    assert view.state["find"] == "1A2B"
    (key,) = view.log.entries
    assert "&lt;b&gt;" in view.log.grid.html
    view.log.grid.tell("pick", key)
    assert "Traceback\n  here" in view.log.entry.value
    find_field(view, "Search the whole log").value = "no such text"
    assert "No entries match." in texts(view.log)
    assert view.log.entry.value == ""
    log.unlink()


def test_a_link_shows_the_same_and_one_that_is_wrong_says_so(session):
    state = {"part": "Health", "find": "x", "level": "ERROR", "paused": "yes"}
    view = System(session, state=State(state))
    assert view.state == State({"view": "system", **state})
    assert (view.paused, view.log.find.value) == (True, "x")
    for wrong in ({"part": "Wealth"}, {"level": "LOUD"}):
        view.restore(State(wrong))
        assert "Choose one of:" in view.failure.todo
    view.restore(State({}))
    assert view.failure is None
    assert view.state == State({"view": "system"})
    view.close()


def test_where_the_archive_cannot_be_read_the_rest_is_shown(session, monkeypatch):
    def fail():
        raise ArchiveError("The archive cannot be read.", "Mend it.")

    monkeypatch.setattr(session, "overview", fail)
    view = System(session)
    assert view.failure.what == "The archive cannot be read."
    assert "Mend it." in checks(view)
    assert view.status.processes
    view.close()


def test_an_empty_home_is_told_how_to_begin(tmp_path, monkeypatch):
    monkeypatch.delenv(STATUS_VARIABLE, raising=False)
    view = System(wb.open(home=tmp_path), state=State({"part": "Health"}))
    assert view.failure is None
    assert "workbench run, or workbench import PATH" in checks(view)
    assert "no telemetry yet" in texts(view.feed)
    assert view.feed.table.empty
    view.close()


def test_a_report_of_another_kernel_adds_to_the_latencies(session, served, tmp_path):
    timings = [["Elsewhere", "refresh", 1.0, {"0": 1}]]
    cache = dict.fromkeys(("hits", "misses", "evictions", "bytes", "models"), 2)
    kernel_file(tmp_path, 3).write_text(json.dumps({"timings": timings, "cache": cache}), encoding="utf-8")
    view = System(session)
    assert "data-pick='Elsewhere'" in latencies(view).html
    assert view.status.cache["hits"] == 2
    view.close()
