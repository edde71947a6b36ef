"""Eight viewers for ten minutes, each with a replay running, while alerts are acknowledged: memory, and what is missed.

`WORKBENCH_HOME` names a home with NASA's channels scored and alerts raised; `VIEWER_MINUTES` another length.
"""

import os
import tempfile
import time
from pathlib import Path

import numpy as np
from playwright.sync_api import sync_playwright

import workbench as wb
from benchmarks.bench_views import prepare
from benchmarks.page_probe import memory
from benchmarks.served import ARGUMENTS, chromium, dashboard

VIEWERS, EVERY = 8, 20.0
LISTEN = """
() => {
  window.told = []
  let last = ""
  setInterval(() => {
    const now = document.querySelector(".wb-fleet").textContent
    if (now !== last) told.push([Date.now() / 1000, last = now])
  }, 250)
}
"""
"""Has a page note when its header says something else."""


def run():
    """Open the pages, let them play, close an alert every 20 s, and look when each page shows that, if it does."""
    minutes = float(os.environ.get("VIEWER_MINUTES", "10"))
    with tempfile.TemporaryDirectory() as folder:
        home = Path(os.environ.get("WORKBENCH_HOME", ""))
        if not home.name:
            home = Path(folder) / "home"
            prepare(home)
        served = dashboard(home).answers()
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium(), args=ARGUMENTS)
            try:
                pages = [_play(browser, served.url, place) for place in range(VIEWERS)]
                return _watch(pages, served.process.pid, wb.open(home=home), minutes)
            finally:
                browser.close()
                served.close()


def _play(browser, url, place):
    page = browser.new_context(viewport={"width": 1280, "height": 800}).new_page()
    page.set_default_timeout(120_000)
    page.goto(f"{url}?view=monitoring&asset={('SMAP', 'MSL')[place % 2]}")
    page.wait_for_selector(".wb-monitor-charts canvas")
    page.get_by_role("button", name="Replay", exact=False).first.click()
    page.wait_for_selector("button:has-text('Pause')")
    page.evaluate(LISTEN)
    return page


def _watch(pages, pid, session, minutes):
    desk, began, sizes, late, stood, changes = session.maintenance.alerts, time.monotonic(), [], [], 0, 0
    waiting = desk.list(state="open")["id"].tolist()
    seen = [_position(page) for page in pages]
    while time.monotonic() - began < minutes * 60:
        due = time.monotonic() + EVERY
        desk.close(waiting.pop(), "benchmark", "test")
        closed, words = time.time(), f"{len(desk.list(state='open'))} open alerts"
        changes += 1
        time.sleep(max(due - time.monotonic(), 0))
        for page in pages:
            told = page.evaluate("() => told.splice(0)")
            late += [next(at for at, text in told if words in text) - closed] if words in str(told) else []
        now = [_position(page) for page in pages]
        stood += sum(a == b for a, b in zip(seen, now, strict=True))
        seen = now
        sizes.append((time.monotonic() - began, memory(pid)))
    shown = changes * len(pages)
    first = [size for at, size in sizes if 60 <= at < 120] or [sizes[0][1]]
    last = [size for at, size in sizes if at >= minutes * 60 - 60]
    growth = (sum(last) / len(last)) / (sum(first) / len(first)) - 1

    def row(name, value, unit, limit=None):
        ok = limit is None or value < limit
        return {"name": name, "value": float(value), "unit": unit, "target": f"< {limit:g}" if limit else "", "ok": ok}

    return [
        row(f"memory, server and {len(pages)} viewers with a replay, second minute", sum(first) / len(first), "MB"),
        row(f"its growth until the last of {minutes:g} minutes", 100 * growth, "%", 5),
        row(f"updates missed, of {shown}: not there 20 s later", shown - len(late), "", 0.5),
        row("the others, until they are seen, median", np.median(late or [np.nan]), "s"),
        row("the same, p95", np.percentile(late or [np.nan], 95), "s"),
        row("replays that stood still for 20 s", stood, "", 0.5),
    ]


def _position(page):
    """Where the replay stands; at its end it is begun again."""
    play = page.locator(".wb-monitoring button:has-text('Replay')")
    if play.count():
        play.first.click()
    return page.locator(".wb-monitoring .wb-bar").last.inner_text()


if __name__ == "__main__":
    for row in run():
        print(row)
