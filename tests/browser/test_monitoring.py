"""Monitoring in a real browser: every control on the demo fleet, and a channel of a million samples."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Page, expect, sync_playwright

import workbench as wb
from workbench.telemetry.schema import make_channel

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PATIENCE = 90_000
MILLION, SPIKE = 1_000_000, 654_321
SERVE = (
    "from workbench.settings import load_settings\n"
    "from workbench.dashboard.serving import apps_folder, serve_dashboard\n"
    "def say(line): print(line, flush=True)\n"
    "serve_dashboard(load_settings(), apps_folder() / 'monitoring.ipynb', port=0, announce=say)"
)
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking"]
STRIPS = """() => {
    for (const view of Object.values(Bokeh.index.roots ?? Bokeh.index)) {
        const named = [...view.model.references()].filter(model => /^strip \\d$/.test(model.name ?? ""))
        const models = named.filter(model => model.visible)
        if (models.length) return models.sort((a, b) => a.name < b.name ? -1 : 1).map(model => {
            const source = model.renderers.find(item => item.name == "telemetry").data_source
            const columns = source.data instanceof Map ? Object.fromEntries(source.data) : source.data
            const values = Array.from(columns.telemetry), time = Array.from(columns.time)
            const top = values.indexOf(Math.max(...values))
            return {name: model.left[0].axis_label, start: model.x_range.start, end: model.x_range.end,
                    points: values.length, first: time[0], last: time.at(-1), high: values[top], at: time[top]}
        })
    }
    return []
}"""


def chromium():
    named = os.environ.get("CHROMIUM")
    return named or next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


def write_million(session):
    """A stamped channel of its own asset, with one spike."""
    n = MILLION
    values = np.sin(np.arange(n) / 9000) + np.random.default_rng(0).normal(0, 0.1, n)
    values[SPIKE] = 25
    time = np.datetime64("2024-01-01", "ns") + np.arange(n) * np.timedelta64(60, "s")
    about = {"channel": "BIG-1", "asset": "Probe", "subsystem": "BIG", "units": "V", "sample_period": "PT1M"}
    session.archive.write(
        make_channel(values[:600], time=time[:600], **about), make_channel(values, time=time, **about)
    )


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory):
    session = wb.open(home=tmp_path_factory.mktemp("fleet"))
    session.import_demo()
    names = [name for name in session.archive.channels() if session.archive.info(name).asset == "Orbiter-1"]
    session.train(names, "ridge")
    session.score_all(names)
    write_million(session)
    yield session
    session.close()


@pytest.fixture(scope="module")
def opened(session):
    environment = {name: value for name, value in os.environ.items() if not name.startswith("WORKBENCH_")}
    home = session.settings.home
    server = subprocess.Popen(
        [sys.executable, "-c", SERVE],
        env=environment | {"WORKBENCH_HOME": str(home), "PYTHONPATH": str(Path(wb.__file__).parents[1])},
        cwd=home,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert server.stdout is not None
    url = server.stdout.readline().split()[1]
    complaints: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=ARGUMENTS)
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        page.set_default_timeout(PATIENCE)
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda request: complaints.append(request.url) if outside(request.url, url) else None)
        page.goto(url)
        page.wait_for_selector(".wb-monitor-charts canvas")
        yield page
        browser.close()
    server.terminate()
    server.communicate(timeout=60)
    assert complaints == []


def outside(asked, url):
    return not asked.startswith((url.rstrip("/").split("?")[0], "data:", "blob:"))


@pytest.fixture
def page(opened):
    """The demo satellite, all of its time, in strips."""
    choose(opened, "Asset", "Orbiter 1")
    opened.get_by_role("button", name="strips", exact=True).click()
    opened.locator(".wb-choice", has_text="Channels").first.locator("select").select_option(index=0)
    choose(opened, "Show", "all")
    wait(opened, "strips => strips.length == 8 && strips[0].end - strips[0].start > 4e8")
    return opened


def choose(page: Page, what: str, words: str):
    page.locator(".wb-choice", has_text=what).first.locator("select").select_option(label=words)


def strips(page):
    return page.evaluate(STRIPS)


def wait(page, condition, argument=None):
    page.wait_for_function(f"argument => ({condition})(({STRIPS})(), argument)", arg=argument)


def test_a_strip_a_channel_and_a_row_a_channel(page, session):
    table = session.overview().query("asset == 'Orbiter-1'").sort_values("severity", ascending=False)
    shown = strips(page)
    names = [strip["name"].split()[0] for strip in shown]
    assert names[0] == table.iloc[0]["channel"]
    assert page.locator(".wb-names .widget-radio-box label").all_text_contents() == names
    values = session.channel(names[0])["telemetry"].values
    assert shown[0]["high"] == pytest.approx(values.max(), rel=1e-5)
    cells = page.locator(".wb-values tbody tr").first.locator("td").all_text_contents()
    assert float(cells[1]) == pytest.approx(values[-1], abs=0.01)
    assert cells[2] == session.channel(names[0]).attrs["units"]


def test_dragging_one_strip_pans_all_and_the_wheel_zooms(page):
    whole = strips(page)[0]
    choose(page, "Show", "24 h")
    wait(page, "strips => strips.every(one => one.first > one.end - 2 * 864e5)")
    before = strips(page)[0]
    box = page.locator(".wb-monitor-charts").bounding_box()
    page.mouse.move(box["x"] + 400, box["y"] + 100)
    page.mouse.wheel(0, -400)
    wait(page, "(strips, before) => strips.every(one => one.first > before.first && one.last <= before.last)", before)
    closer = strips(page)[0]
    assert closer["end"] - closer["start"] < before["end"] - before["start"]
    page.mouse.down()
    page.mouse.move(box["x"] + 500, box["y"] + 100, steps=8)
    page.mouse.up()
    wait(page, "(strips, before) => strips.every(one => one.start < before.start && one.first < before.first)", closer)
    expect(page.locator(".wb-choice", has_text="Show").locator("select")).to_have_value("as zoomed")
    page.mouse.dblclick(box["x"] + 400, box["y"] + 100)
    wait(page, "(strips, whole) => strips[0].start == whole.start && strips[0].end == whole.end", whole)


def test_buttons_move_time_and_pages_turn(page):
    whole = strips(page)[0]
    choose(page, "Show", "24 h")
    wait(page, "strips => Math.abs(strips[0].end - strips[0].start - 864e5) < 1")
    page.get_by_title("Earlier").click()
    wait(page, "(strips, end) => strips[0].end < end", whole["end"])
    page.get_by_title("Zoom in").click()
    wait(page, "strips => Math.abs(strips[0].end - strips[0].start - 432e5) < 1")
    page.get_by_role("button", name="Next").click()
    wait(page, "strips => strips.length == 2")
    page.get_by_role("button", name="Back").click()
    wait(page, "strips => strips.length == 8")


def test_what_the_kernel_draws_is_not_sent_back_to_it(page):
    page.evaluate(
        """() => {
        window.sent = []
        const send = WebSocket.prototype.send
        WebSocket.prototype.send = function (data) {
            window.sent.push(data.byteLength ?? data.length)
            send.call(this, data)
        }
        }"""
    )
    whole = strips(page)[0]
    page.get_by_title("Zoom in").click()
    wait(page, "(strips, whole) => strips[0].end - strips[0].start < whole", 0.6 * (whole["end"] - whole["start"]))
    page.wait_for_timeout(1000)
    sent = page.evaluate("window.sent")
    assert sent
    assert max(sent) < 1500, "a click is 400 bytes, the series of a strip are thousands"


def test_a_row_is_chosen_by_click_and_keyboard(page):
    rows = page.locator(".wb-names .widget-radio-box label")
    rows.nth(2).click()
    expect(page.locator(".wb-strips b").first).to_contain_text(rows.nth(2).text_content())
    page.keyboard.press("ArrowDown")
    expect(page.locator(".wb-strips b").first).to_contain_text(rows.nth(3).text_content())
    expect(page).to_have_url(re.compile(f"channel={rows.nth(3).text_content().strip()}"))


@pytest.mark.parametrize("mode", ["overlay", "stacked", "heat map"])
def test_modes_fill_the_place_of_the_strips(page, mode):
    page.get_by_role("button", name=mode, exact=True).click()
    expect(page.locator(".wb-monitor-charts > *:visible")).to_have_count(1)
    page.wait_for_function(
        """mode => Object.values(Bokeh.index.roots ?? Bokeh.index).some(view =>
            [...view.model.references()].some(model => model.name == mode && model.inner_height > 300))""",
        arg=mode,
    )


def test_a_replay_plays_seeks_and_stops(page):
    newest = strips(page)[0]["last"]
    page.get_by_role("button", name="Replay").click()
    wait(page, "(strips, newest) => strips[0].last < newest", newest)
    now = strips(page)[0]["last"]
    wait(page, "(strips, now) => strips[0].last > now", now)
    expect(page.locator(".wb-headline")).to_contain_text("replayed to")
    page.get_by_role("button", name="Pause").click()
    page.get_by_role("button", name="Replay").wait_for()
    page.locator(".wb-strips .widget-slider [role=slider]").focus()
    now = strips(page)[0]["last"]
    page.keyboard.press("PageUp")
    wait(page, "(strips, now) => strips[0].last > now", now)
    page.get_by_role("button", name="Latest").click()
    wait(page, "(strips, newest) => strips[0].last == newest", newest)


def test_a_million_samples_are_few_points_that_keep_the_spike(page):
    choose(page, "Asset", "Probe")
    wait(page, "strips => strips.length == 1 && strips[0].name == 'BIG-1 V'")
    [big] = strips(page)
    spike = np.datetime64("2024-01-01", "ms").astype(int) + SPIKE * 60_000

    assert big["points"] <= 2400
    assert (big["high"], big["at"]) == (25, spike)
    for _ in range(3):
        width = strips(page)[0]["end"] - strips(page)[0]["start"]
        page.get_by_title("Zoom in").click()
        wait(page, "(strips, width) => strips[0].end - strips[0].start < 0.6 * width", width)
    [closer] = strips(page)
    assert closer["points"] <= 2400
    assert closer["first"] > big["first"]


@pytest.mark.parametrize(("width", "height"), [(1280, 800), (1920, 1080)])
def test_everything_is_on_one_screen(page, width, height):
    page.set_viewport_size({"width": width, "height": height})
    for part in (".wb-headline", ".wb-monitor-charts", ".wb-values", ".wb-gauges", ".wb-strips .widget-slider"):
        box = page.locator(part).first.bounding_box()
        assert box["height"] > 10
        assert box["y"] + box["height"] <= height
        assert box["x"] + box["width"] <= width
    page.set_viewport_size({"width": 1280, "height": 800})
