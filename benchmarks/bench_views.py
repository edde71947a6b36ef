"""The dashboard in real Chromium, on NASA's fleet: page, tabs, controls and memory, beside a bare Voila page."""

import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import nbformat
import numpy as np
from playwright.sync_api import sync_playwright

import workbench as wb
from benchmarks.page_probe import PROBE, changed_after, memory, settle
from workbench.views import VIEWS
from workbench.views.registry import view_class

SHARED = Path(__file__).parents[2] / "shared" / "nasa" / "smap_msl.zip"
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking"]
PAGES, TIMES = 7, 15
BARE = """
from bokeh.io import output_notebook
from bokeh.plotting import figure
from bokeh.resources import INLINE
from jupyter_bokeh import BokehModel
output_notebook(resources=INLINE, hide_banner=True)
plot = figure(width=600, height=300)
plot.line(list(range(1000)), [i % 17 for i in range(1000)])
BokehModel(plot)
"""
PAINTED = """
() => {
  const all = (root) => [...root.querySelectorAll('*')].flatMap(e => [e, ...(e.shadowRoot ? all(e.shadowRoot) : [])])
  return all(document).some(e => e.tagName === 'CANVAS' && e.width > 100 && e.drawn) }
"""
CONTROLS = {
    "monitoring": [
        (".wb-monitoring .wb-names label", ".wb-monitoring .wb-values", "choose a row"),
        (".wb-monitoring button[title*='loser']", ".wb-monitor-charts", "zoom"),
    ],
    "overview": [(".wb-overview .wb-ranges button", ".wb-overview", "choose a period")],
    "anomalies": [
        (".wb-anomalies tr[data-pick]", ".wb-anomalies .wb-evidence", "choose an alert"),
        (".wb-anomalies [data-sort]", ".wb-anomalies .wb-grid", "sort the table"),
    ],
    "forecasting": [
        (".wb-forecasting .wb-skill tr[data-pick]", ".wb-forecasting", "choose a forecaster"),
        (".wb-forecasting .wb-toggle button", ".wb-forecasting .wb-headline", "channel, or risk"),
    ],
    "system": [(".wb-system .wb-toggle button", ".wb-system", "load, or health")],
}
"""By view: what is clicked in turn, where the screen then changes, and what that is."""


def _row(name, value, unit, limit=None):
    target = "" if limit is None else f"< {limit:g}"
    return {
        "name": name,
        "value": float(value),
        "unit": unit,
        "target": target,
        "ok": bool(limit is None or value < limit),
    }


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Served:
    """A server and its address, until it is closed."""

    def __init__(self, command, home, waits_for):
        self.port = _free_port()
        variables = os.environ | {"WORKBENCH_HOME": str(home), "PYTHONPATH": str(Path(wb.__file__).parents[1])}
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


def _open(browser, served, query=""):
    """Open a page in a profile of its own: the page, and milliseconds by stage until its first plot is painted."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    context.add_init_script(PROBE)
    page = context.new_page()
    page.set_default_timeout(90_000)
    page.goto(served.url + query)
    page.wait_for_function(PAINTED, polling="raf")
    stages = page.evaluate(
        """() => { const n = performance.getEntriesByType('navigation')[0]
        return {total: performance.now(), server: n.responseStart, transfer: n.responseEnd - n.responseStart,
                scripts: n.domContentLoadedEventEnd - n.responseEnd,
                widgets: performance.now() - n.domContentLoadedEventEnd} }"""
    )
    return page, stages


def _pages(browser, ours, bare):
    """Open both in turn, each time with an empty cache and when the machine is calm again."""
    found = {"ours": [], "bare": []}
    for _ in range(PAGES):
        for name, served in (("bare", bare), ("ours", ours)):
            settle()
            page, stages = _open(browser, served)
            found[name].append(stages)
            settle()  # the page stays while the next kernel starts, as a reader's does
            page.context.close()
    median = {
        name: {key: statistics.median(run[key] for run in runs) for key in runs[0]} for name, runs in found.items()
    }
    mine, other = median["ours"], median["bare"]
    rows = [
        _row("page opened to first plot painted", mine["total"] / 1000, "s", 2),
        _row("the same, a bare Voila page with one inline Bokeh figure", other["total"] / 1000, "s"),
        _row("ratio of the two", mine["total"] / other["total"], "", 0.6),
    ]
    return rows + [_row(f"of it: {key}", mine[key] / 1000, "s") for key in ("server", "transfer", "scripts", "widgets")]


def _tabs(page):
    """Switch to each tab: at first, and later."""
    first, later = [], []
    for times in (first, *[later] * 5):
        for name in [*list(VIEWS)[1:], next(iter(VIEWS))]:
            tab = f".wb-tab.wb-key-{list(VIEWS).index(name) + 1}"
            times.append(changed_after(page, tab, f".wb-pane.wb-{name}", shown=True))
            page.wait_for_timeout(800)
    return [
        _row("tab switch, first, slowest", max(first) / 1000, "s", 1),
        _row("tab switch, later, median", statistics.median(later), "ms", 150),
    ]


def _controls(page):
    """Use each control some times: median and 95th percentile."""
    rows = []
    for name, controls in CONTROLS.items():
        if name not in VIEWS:
            continue
        page.locator(f".wb-tab:has-text('{view_class(name).title}')").click()
        page.wait_for_timeout(2500)
        for clicked, shows, words in controls:
            count = page.locator(clicked).count()
            if not count:
                continue
            times = []
            for i in range(TIMES):
                times.append(changed_after(page, clicked, shows, place=(i + 1) % count))
                page.wait_for_timeout(500)
            rows.append(_row(f"{name}: {words}, median", np.nanmedian(times), "ms", 150))
            rows.append(_row(f"{name}: {words}, p95", np.nanpercentile(times, 95), "ms", 200))
            if np.isnan(times).any():
                rows.append(_row(f"{name}: {words}, clicks that changed nothing", np.isnan(times).sum(), "of 15"))
    return rows


def _memory(browser, ours):
    """Proportional memory of server and kernels, without the browser, as viewers come."""
    settle()
    pages, sizes = [], []
    for _ in range(3):
        pages.append(_open(browser, ours)[0])
        settle()
        sizes.append(memory(ours.process.pid))
    for page in pages:
        page.context.close()
    return [
        _row("memory, server and one viewer (its spare kernel too)", sizes[0], "MB", 400),
        _row("memory, each further viewer", (sizes[2] - sizes[0]) / 2, "MB", 130),
    ]


def prepare(home):
    """Import, train, score and raise alerts; with ridge, so that it takes two minutes."""
    session = wb.open(home=home, preset="paper")
    session.import_data(str(SHARED), "nasa")
    session.train(forecaster="ridge")
    session.score_all()
    session.raise_alerts()


def run():
    """Measure on a home of its own; `WORKBENCH_HOME` names another with NASA's channels scored and alerts raised."""
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    with tempfile.TemporaryDirectory() as folder:
        home = Path(os.environ.get("WORKBENCH_HOME", ""))
        if not home.name:
            home = Path(folder) / "home"
            prepare(home)
        cell = nbformat.v4.new_code_cell(BARE)
        kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
        nbformat.write(nbformat.v4.new_notebook(cells=[cell], metadata=kernel), Path(folder) / "bare.ipynb")
        voila = ["voila", str(Path(folder) / "bare.ipynb"), "--port=PORT", "--no-browser", "--preheat_kernel=True"]
        bare = Served([sys.executable, "-m", *voila], home, "/").answers()
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
            settle()
            dashboard = [str(Path(sys.executable).with_name("workbench")), "dashboard", "--port", "PORT"]
            ours = Served(dashboard, home, "/").answers()
            try:
                page, _ = _open(browser, ours)
                rows = [_row("dashboard started to first plot painted", time.perf_counter() - ours.began, "s", 6)]
                page.context.close()
                rows += _pages(browser, ours, bare)
                bare.close()
                settle()
                page, _ = _open(browser, ours)
                settle()
                rows += _tabs(page) + _controls(page)
                page.context.close()
                rows += _memory(browser, ours)
            finally:
                ours.close()
                bare.close()
                browser.close()
    return rows


if __name__ == "__main__":
    for row in run():
        print(row)
