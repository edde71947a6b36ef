"""Eight viewers for ten minutes, each with a replay running, while alerts are acknowledged: memory, and what is missed.

`WORKBENCH_HOME` names a home with NASA's channels scored and alerts raised; `VIEWER_MINUTES` another length.
"""

import os
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Error, sync_playwright

import workbench as wb
from benchmarks.bench_views import prepare
from benchmarks.page_probe import memory
from benchmarks.served import ARGUMENTS, chromium, dashboard

VIEWERS, EVERY, PATIENCE = 8, 20.0, 10.0
HEADER = ".wb-fleet .wb-state"


def run():
    """Open the pages, let them play, close an alert every 20 s, and look whether each page shows it within 10 s."""
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
    return page


def _watch(pages, pid, session, minutes):
    desk, began, sizes, missed, stood, changes = session.maintenance.alerts, time.monotonic(), [], 0, 0, 0
    waiting = desk.list(state="open")["id"].tolist()
    seen = [_position(page) for page in pages]
    while time.monotonic() - began < minutes * 60:
        due = time.monotonic() + EVERY
        desk.close(waiting.pop(), "benchmark", "test")
        words = f"{len(desk.list(state='open'))} open alerts"
        changes += 1
        for page in pages:
            try:
                page.wait_for_function(
                    "([selector, words]) => document.querySelector(selector).innerText.includes(words)",
                    arg=[HEADER, words],
                    timeout=max(due - EVERY + PATIENCE - time.monotonic(), 0.1) * 1000,
                )
            except Error:
                missed += 1
        now = [_position(page) for page in pages]
        stood += sum(a == b for a, b in zip(seen, now, strict=True))
        seen = now
        sizes.append((time.monotonic() - began, memory(pid)))
        time.sleep(max(due - time.monotonic(), 0))
    first = [size for at, size in sizes if 60 <= at < 120] or [sizes[0][1]]
    last = [size for at, size in sizes if at >= minutes * 60 - 60]
    growth = (sum(last) / len(last)) / (sum(first) / len(first)) - 1

    def row(name, value, unit, limit=None):
        ok = limit is None or value < limit
        return {"name": name, "value": float(value), "unit": unit, "target": f"< {limit:g}" if limit else "", "ok": ok}

    return [
        row(f"memory, server and {len(pages)} viewers with a replay, second minute", sum(first) / len(first), "MB"),
        row(f"its growth until the last of {minutes:g} minutes", 100 * growth, "%", 5),
        row(f"updates missed, of {changes * len(pages)}", missed, "", 0.5),
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
