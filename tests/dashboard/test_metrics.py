"""`/metrics`, read back by the parser of Prometheus' own client."""

import asyncio
import json
import time

import pytest
from prometheus_client.parser import text_string_to_metric_families

import workbench as wb
from tests.conftest import wave_channel
from tests.telemetry.test_lag import dated
from workbench.dashboard.metrics import Metrics
from workbench.exceptions import MaintenanceError
from workbench.jobs.storage import storage
from workbench.observability.status import Status, kernel_file, server_file
from workbench.observability.timings import STAGE, Timings
from workbench.observability.usage import Process


@pytest.fixture
def session(tmp_path):
    session = wb.open(home=tmp_path / "home")
    session.archive.write(wave_channel("X-1"), wave_channel("X-1", 3000, 1, spike=2000))
    session.archive.write(dated(range(300)), dated([*range(50), *range(60, 400)]))
    session.train("X-1")
    session.score("X-1")
    session.raise_alerts()
    yield session
    session.close()


@pytest.fixture
def folder(tmp_path):
    """The server and two kernels, of which one has told of itself."""
    folder = tmp_path / "status"
    folder.mkdir()
    common = {"started": 0.0, "last": 0.0, "memory": 1000, "cpu": 5.0, "cpu_seconds": 2.5}
    processes = [
        Process(1, "server", "", False, **common),
        Process(2, "kernel", "open", True, **common),
        Process(3, "kernel", "waiting", False, **common),
    ]
    ended = Timings()
    ended.add("Overview", "refresh", 0.05)
    status = Status(time.time(), 8, {"workbench": 3}, 1, processes, [], ended)
    server_file(folder).write_text(json.dumps(status.to_json()), encoding="utf-8")
    timings = Timings()
    for group, name, seconds in (("Overview", "refresh", 0.5), ("System", "live", 0.02), (STAGE, "predict", 2.0)):
        timings.add(group, name, seconds)
    cache = {"hits": 5, "misses": 2, "evictions": 1, "bytes": 700, "models": 1}
    text = json.dumps({"timings": timings.to_json(), "cache": cache})
    kernel_file(folder, 2).write_text(text, encoding="utf-8")
    return folder


def scrape(metrics):
    """Values by the name and labels of each sample."""
    text = asyncio.run(metrics.text()).decode()
    return {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_processes_work_and_fleet_are_told(session, folder):
    found = scrape(Metrics(folder, lambda: session))
    assert found["workbench_info", ("version", wb.__version__)] == 1
    assert found["workbench_process_memory_bytes", ("pid", "1"), ("process", "server")] == 1000
    assert found["workbench_process_cpu_seconds_total", ("pid", "3"), ("process", "kernel")] == 2.5
    assert [found["workbench_kernels", ("state", state)] for state in ("open", "waiting", "left")] == [1, 1, 0]
    assert found[("workbench_kernels_busy",)] == 1
    assert found[("workbench_kernels_budget",)] == 8
    assert found["workbench_pages_opened_total", ("app", "workbench")] == 3
    assert found[("workbench_pages_refused_total",)] == 1
    assert found[("workbench_model_cache_hits_total",)] == 5
    assert found[("workbench_model_cache_bytes",)] == 700
    overview = session.overview()["state"].value_counts()
    assert found["workbench_channels", ("score", "current")] == overview["current"] == 1
    assert found["workbench_channels", ("score", "missing")] == overview["missing"] == 1
    alerts = session.maintenance.alerts.count(state="open")
    assert alerts.sum() > 0
    assert {level: found["workbench_open_alerts", ("level", level)] for level in alerts.index} == alerts.to_dict()
    assert found["workbench_feed_lag_seconds", ("channel", "D-1")] > 0
    assert ("workbench_feed_lag_seconds", ("channel", "X-1")) not in found, "its samples carry no dates"
    assert found["workbench_feed_gaps", ("channel", "D-1")] == 1
    sizes = storage(session.settings, session.maintenance.database).set_index("part")["bytes"]
    assert found["workbench_storage_bytes", ("part", "telemetry")] == sizes["telemetry"]
    assert found[("workbench_disk_free_bytes",)] > 0
    assert [found["workbench_readable", ("part", part)] for part in ("disk", "alerts", "fleet")] == [1, 1, 1]


def test_latencies_are_histograms_of_all_kernels_also_of_ended_ones(session, folder):
    found = scrape(Metrics(folder, lambda: session))
    name, view = "workbench_callback_seconds", ("view", "Overview")
    assert found[f"{name}_count", view] == 2
    assert found[f"{name}_sum", view] == pytest.approx(0.55)
    buckets = {key[1][1]: value for key, value in found.items() if key[0] == f"{name}_bucket" and view in key}
    assert (buckets["0.0316"], buckets["0.1"], buckets["1"], buckets["+Inf"]) == (0, 1, 2, 2)
    assert found["workbench_stage_seconds_sum", ("stage", "predict")] == 2
    assert found[f"{name}_count", ("view", "System")] == 1


def test_a_part_that_cannot_be_read_hides_nothing_else(session, folder, monkeypatch):
    def fail(**_given):
        raise MaintenanceError("The database is locked.")

    monkeypatch.setattr(session.maintenance.alerts, "count", fail)
    found = scrape(Metrics(folder, lambda: session))
    assert found["workbench_readable", ("part", "alerts")] == 0
    assert not any(key[0] == "workbench_open_alerts" for key in found)
    assert found["workbench_channels", ("score", "current")] == 1


def test_before_the_server_has_looked_the_fleet_is_told_all_the_same(session, tmp_path):
    found = scrape(Metrics(tmp_path / "nothing", lambda: session))
    assert found["workbench_channels", ("score", "current")] == 1
    assert not any(key[0] == "workbench_kernels" for key in found)
