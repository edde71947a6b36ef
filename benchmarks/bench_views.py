"""The dashboard in real Chromium, on NASA's fleet: page, tabs, controls and memory, beside a bare Voila page."""

import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import nbformat
import numpy as np
from playwright.sync_api import sync_playwright

import workbench as wb
from benchmarks.page_probe import PROBE, changed_after, memory, settle
from benchmarks.served import ARGUMENTS, Served, chromium, dashboard
from workbench.maintenance import log
from workbench.views import VIEWS
from workbench.views.registry import view_class

SHARED = Path(__file__).parents[2] / "shared" / "nasa" / "smap_msl.zip"
PAGES, TIMES = 7, 16  # even, so that what is toggled and typed is as it was
MODELS, LOG_ROWS = 200, 100_000
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


class Control(NamedTuple):
    """What is used in turn, and where the screen then changes."""

    view: str
    words: str
    used: str
    shows: str
    first: str = ""  # clicked once before
    types: str = ""  # into a field of text
    late: bool = False  # comes after the screen has changed: told, without a target


_CHANNEL = ".wb-forecasting .wb-toggle + .wb-choice select"

CONTROLS = (
    Control("overview", "choose a period", ".wb-overview .wb-ranges button", ".wb-overview .wb-figures"),
    Control("monitoring", "choose a row", ".wb-monitoring .wb-names label", ".wb-monitoring .wb-values"),
    Control("monitoring", "zoom", ".wb-monitoring button[title='Zoom in']", ".wb-monitor-charts"),
    Control("anomalies", "choose an alert", ".wb-anomalies tr[data-pick]", ".wb-anomalies .wb-charts"),
    Control(
        "anomalies",
        "choose an alert, until it is explained",
        ".wb-anomalies tr[data-pick]",
        ".wb-anomalies .wb-evidence",
        late=True,
    ),
    Control("anomalies", "sort the table", ".wb-anomalies [data-sort]", ".wb-anomalies .wb-grid"),
    Control("forecasting", "choose a channel", _CHANNEL, ".wb-forecasting .wb-headline"),
    Control("forecasting", "choose a channel, until it is forecast", _CHANNEL, ".wb-forecasting .wb-skill", late=True),
    Control("forecasting", "choose a forecaster", ".wb-forecasting .wb-skill tr[data-pick]", ".wb-forecasting"),
    Control("forecasting", "channel, or risk", ".wb-forecasting .wb-toggle button", ".wb-forecasting .wb-headline"),
    Control("models", "choose a version", ".wb-models .wb-list tr[data-pick]", ".wb-models .wb-title"),
    Control("models", "sort the table", ".wb-models .wb-list [data-sort]", ".wb-models .wb-list .wb-grid"),
    Control("models", "filter the table", ".wb-models .wb-filters input", ".wb-models .wb-list .wb-grid", types="P-1"),
    Control("models", "scroll to the end", ".wb-models .wb-list .wb-grid-body", ".wb-models .wb-list .wb-grid"),
    Control("maintenance", "choose an order", ".wb-maintenance .wb-orders tr[data-pick]", ".wb-maintenance .wb-title"),
    Control("maintenance", "sort the orders", ".wb-maintenance .wb-orders [data-sort]", ".wb-maintenance .wb-orders"),
    Control(
        "maintenance",
        "filter the orders",
        ".wb-maintenance .wb-filters input",
        ".wb-maintenance .wb-orders",
        types="P-1",
    ),
    Control(
        "maintenance", "orders, plan, figures, log", ".wb-maintenance .wb-modes button", ".wb-maintenance .wb-headline"
    ),
    Control(
        "maintenance",
        "page of the log",
        ".wb-maintenance [class*='wb-key-]']",
        ".wb-maintenance .wb-log .wb-grid",
        ".wb-maintenance .wb-modes button:has-text('Log')",
    ),
    Control(
        "maintenance",
        "search the log",
        ".wb-log-find input",
        ".wb-maintenance .wb-log .wb-grid",
        ".wb-maintenance .wb-modes button:has-text('Log')",
        "remark 777",
    ),
    Control(
        "maintenance",
        "filter the log",
        ".wb-log-kind select",
        ".wb-maintenance .wb-log .wb-grid",
        ".wb-maintenance .wb-modes button:has-text('Log')",
    ),
    Control("system", "load, or health", ".wb-system .wb-toggle button", ".wb-system"),
)


def _row(name, value, unit, limit=None):
    target = "" if limit is None else f"< {limit:g}"
    return {
        "name": name,
        "value": float(value),
        "unit": unit,
        "target": target,
        "ok": bool(limit is None or value < limit),
    }


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


def _close(page):
    """Close a page as its reader does, so that its kernel ends."""
    page.close(run_before_unload=True)
    time.sleep(2)
    page.context.close()


def _pages(browser, ours, bare):
    """Open both in turn, each time with an empty cache and when the machine is calm again."""
    found = {"ours": [], "bare": []}
    for _ in range(PAGES):
        for name, served in (("bare", bare), ("ours", ours)):
            settle()
            page, stages = _open(browser, served)
            found[name].append(stages)
            settle()  # the page stays while the next kernel starts, as a reader's does
            _close(page)
    median = {
        name: {key: statistics.median(run[key] for run in runs) for key in runs[0]} for name, runs in found.items()
    }
    mine, other = median["ours"], median["bare"]
    rows = [
        _row("page opened to first plot painted", mine["total"] / 1000, "s", 0.9),
        _row("the same, a bare Voila page with one inline Bokeh figure", other["total"] / 1000, "s"),
        _row("ratio of the two", mine["total"] / other["total"], "", 0.5),
    ]
    return rows + [_row(f"of it: {key}", mine[key] / 1000, "s") for key in ("server", "transfer", "scripts", "widgets")]


def _tabs(page):
    """Switch to each tab: at first, and later."""
    first, later = [], []
    for times in (first, *[later] * 5):
        for name in [*list(VIEWS)[1:], next(iter(VIEWS))]:
            times.append(changed_after(page, _tab(name), f".wb-pane.wb-{name}", shown=True))
            page.wait_for_timeout(800)
    return [
        _row("tab switch, first, slowest", max(first) / 1000, "s", 0.7),
        _row("tab switch, later, median", statistics.median(later), "ms", 40),
    ]


def _controls(page):
    """Use each control some times: median and 95th percentile."""
    rows, view = [], ""
    for control in CONTROLS:
        if control.view != view:
            view = control.view
            page.locator(f".wb-tab:has-text('{view_class(view).title}')").click()
            page.wait_for_timeout(2500)
        if control.first:
            page.locator(control.first).click()
            page.wait_for_timeout(1500)
        count = page.locator(f"{control.used} >> visible=true").count()
        times = []
        for i in range(TIMES):
            times.append(changed_after(page, control.used, control.shows, place=(i + 1) % count, types=control.types))
            page.wait_for_timeout(500)
        name = f"{view}: {control.words}"
        rows.append(_row(f"{name}, median", np.nanmedian(times), "ms", None if control.late else 100))
        rows.append(_row(f"{name}, p95", np.nanpercentile(times, 95), "ms", None if control.late else 180))
        if np.isnan(times).any():
            rows.append(_row(f"{name}, uses that changed nothing", np.isnan(times).sum(), f"of {TIMES}"))
    return rows


def _memory(browser, ours):
    """Proportional memory of server and kernels, without the browser, as viewers come, and as they open all tabs."""
    settle()
    pages, sizes, opened = [], [], []
    for _ in range(3):
        pages.append(_open(browser, ours)[0])
        settle()
        sizes.append(memory(ours.process.pid))
    for page in pages:
        for name in VIEWS:
            changed_after(page, _tab(name), f".wb-pane.wb-{name}", shown=True)
            page.wait_for_timeout(2000)
        settle()
        opened.append(memory(ours.process.pid))
    for page in pages:
        _close(page)
    further = (sizes[2] - sizes[0]) / 2
    return [
        _row("memory, server and one viewer (its spare kernel too)", sizes[0], "MB", 380),
        _row("the same, all tabs opened", sizes[0] + opened[0] - sizes[2], "MB", 480),
        _row("memory, each further viewer", further, "MB", 85),
        _row("the same, all tabs opened", further + (opened[2] - opened[0]) / 2, "MB", 150),
    ]


def _tab(name):
    return f".wb-tab.wb-key-{list(VIEWS).index(name) + 1}"


def prepare(home):
    """Import, train ridge, score and raise alerts under the preset in use. Then what years leave behind."""
    session = wb.open(home=home)
    session.import_data(str(SHARED), "nasa")
    session.train(forecaster="ridge")
    known = len(session.registry.list())
    session.train(session.archive.channels()[: max(MODELS - known, 0)], "ridge", telemetry_lags=100, force=True)
    session.score_all()
    session.raise_alerts()
    for name in ("Ann", "Ben"):
        session.maintenance.people.set(name, "setup")
    written = session.maintenance.log_length()
    with session.maintenance.database.writing() as db:
        for number in range(LOG_ROWS - written):
            log.append(db, f"alert:{number % 90 + 1}", "commented", "setup", {"comment": f"remark {number}"})


def run():
    """Measure on a home of its own; `WORKBENCH_HOME` names another with NASA's channels scored and alerts raised."""
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
            browser = playwright.chromium.launch(executable_path=chromium(), args=ARGUMENTS)
            settle()
            ours = dashboard(home).answers()
            try:
                page, _ = _open(browser, ours)
                rows = [_row("dashboard started to first plot painted", time.perf_counter() - ours.began, "s", 3)]
                _close(page)
                rows += _pages(browser, ours, bare)
                bare.close()
                settle()
                page, _ = _open(browser, ours)
                settle()
                rows += _tabs(page) + _controls(page)
                _close(page)
                rows += _memory(browser, ours)
            finally:
                ours.close()
                bare.close()
                browser.close()
    return rows


if __name__ == "__main__":
    for row in run():
        print(row)
