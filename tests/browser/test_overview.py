"""The overview in a real browser, on the demo fleet, trained and scored by the real session."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Error, Page, expect, sync_playwright

import workbench as wb

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PATIENCE = 90_000
SERVE = (
    "import sys; from workbench.settings import load_settings\n"
    "from workbench.views.serving import serve_dashboard\n"
    "def say(line): print(line, flush=True)\n"
    "serve_dashboard(load_settings(), port=0, announce=say)"
)
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking"]


def chromium():
    """System Chromium; None leaves the choice to Playwright."""
    named = os.environ.get("CHROMIUM")
    return named or next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


@pytest.fixture(scope="module")
def browser():
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium(), args=ARGUMENTS)
        yield running
        running.close()


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory):
    session = wb.open(home=tmp_path_factory.mktemp("fleet"))
    session.import_demo()
    names = session.archive.channels()
    session.train(names[:-1], "ridge")
    session.score_all(names[:-1])
    return session


class Dashboard:
    """A served home, and what a page that visits it asks for and complains of."""

    def __init__(self, browser: Browser, home: Path) -> None:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("WORKBENCH_")}
        environment |= {"WORKBENCH_HOME": str(home)}
        self.server = subprocess.Popen(
            [sys.executable, "-c", SERVE], env=environment, cwd=home, stdout=subprocess.PIPE, text=True
        )
        assert self.server.stdout is not None
        self.url = self.server.stdout.readline().split()[1]
        self.browser = browser
        self.complaints: list[str] = []
        self.outside: list[str] = []

    def open(self, width: int = 1280, height: int = 800) -> Page:
        page = self.browser.new_page(viewport={"width": width, "height": height})
        page.on("console", self._on_console)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", self._on_request)
        page.set_default_timeout(PATIENCE)
        while True:  # the server announces its address just before it listens
            try:
                page.goto(self.url)
                break
            except Error as error:
                if "ERR_CONNECTION_REFUSED" not in str(error) or self.server.poll() is not None:
                    raise
                page.wait_for_timeout(250)
        page.wait_for_selector(".wb-head h1")
        return page

    def close(self) -> None:
        self.server.terminate()
        self.server.communicate(timeout=60)

    def _on_console(self, message) -> None:
        if message.type == "error":
            self.complaints.append(message.text)

    def _on_request(self, request) -> None:
        if not request.url.startswith((self.url, "data:", "blob:")):
            self.outside.append(request.url)


@pytest.fixture(scope="module")
def dashboard(browser, session):
    served = Dashboard(browser, session.settings.home)
    yield served
    served.close()


@pytest.fixture(scope="module")
def opened(dashboard):
    page = dashboard.open()
    page.wait_for_selector(".wb-charts canvas")
    yield page
    page.close()


@pytest.fixture
def page(opened):
    """The page at 1280x800 with its first, worst channel chosen."""
    opened.set_viewport_size({"width": 1280, "height": 800})
    first = opened.locator(".widget-radio-box label").first
    first.click()
    expect(opened.locator(".wb-title h2")).to_have_text(first.text_content().split("\t")[0].strip())
    return opened


SOURCE = """name => {
    for (const view of Object.values(Bokeh.index.roots ?? Bokeh.index))
        for (const model of view.model.references())
            if (model.type == "ColumnDataSource" && model.name == name) {
                const columns = model.data instanceof Map ? [...model.data] : Object.entries(model.data)
                return Object.fromEntries(columns.map(([key, values]) => [key, Array.from(values)]))
            }
    return null
}"""
SHOWS = f"""([low, high]) => {{
    const values = ({SOURCE})("telemetry").telemetry
    return Math.abs(Math.min(...values) - low) < 1e-4 && Math.abs(Math.max(...values) - high) < 1e-4
}}"""


def drawn(page, name):
    """Columns of the Bokeh source called `name` in the first figure that has it."""
    return page.evaluate(SOURCE, name)


def fields(page):
    """Text of each row of the list, by column."""
    return [
        text.replace("\u2007", "").split("\t") for text in page.locator(".widget-radio-box label").all_text_contents()
    ]


def test_every_channel_is_listed_as_the_session_knows_it(page, session):
    overview = session.overview().set_index("channel")
    shown = {row[0].strip(): row for row in fields(page)}
    assert set(shown) == set(overview.index)
    for name, known in overview.iterrows():
        if known["state"] == "missing":
            assert shown[name][1] == "unscored"
            continue
        assert shown[name][3] == str(known["anomalies"])
        assert shown[name][1] == (known["level"] or "normal")
        assert shown[name][2] == (f"{known['severity']:.2f}" if known["anomalies"] else "")
    severities = [float(row[2]) for row in fields(page) if len(row) > 2 and row[2]]
    assert severities == sorted(severities, reverse=True)


def test_the_head_counts_the_fleet(page, session):
    overview = session.overview()
    scored = overview[overview["state"] != "missing"]
    head = page.locator(".wb-head .wb-line")
    expect(head).to_contain_text(f"{len(overview)} channels, {scored['anomalies'].sum()} anomalies")
    expect(head).to_contain_text(f"{len(scored)} scored, 1 not scored: run workbench score --all")
    for level, n in scored.loc[scored["level"] != "", "level"].value_counts().items():
        expect(page.locator(f".wb-head li.{level} b")).to_have_text(str(n))


def test_chart_and_table_hold_the_values_of_the_worst_channel(page, session):
    worst = session.overview().sort_values("severity", ascending=False).iloc[0]["channel"]
    expect(page.locator(".wb-title h2")).to_have_text(worst)
    anomalies = session.stored_anomalies(worst).sort_values("severity", ascending=False)
    cells = page.locator(".wb-anomalies tbody tr").first.locator("td").all_text_contents()
    first = anomalies.iloc[0]
    assert cells[1:4] == [f"{first['severity']:.2f}", f"{first['start']:,}", f"{first['end']:,}"]
    assert page.locator(".wb-anomalies tbody tr").count() == len(anomalies)
    assert sorted(drawn(page, "anomalies")["first"]) == sorted(anomalies["start"])
    telemetry = session.channel(worst)["telemetry"].values
    assert max(drawn(page, "telemetry")["telemetry"]) == pytest.approx(telemetry.max())
    assert drawn(page, "epsilon")["epsilon"][0] == pytest.approx(session.stored(worst)["epsilon"].values[0], rel=1e-5)


def test_click_and_keyboard_choose_another_channel(page, session):
    rows = fields(page)
    for step, move in enumerate(
        (lambda: page.locator(".widget-radio-box label").nth(1).click(), press(page, "ArrowDown")), 1
    ):
        move()
        name = rows[step][0].strip()
        expect(page.locator(".wb-title h2")).to_have_text(name)
        expect(page.locator(".widget-radio-box label:has(input:checked)")).to_contain_text(name)
        telemetry = session.channel(name)["telemetry"].values
        page.wait_for_function(SHOWS, arg=[float(telemetry.min()), float(telemetry.max())])


def press(page, key):
    return lambda: page.keyboard.press(key)


def test_an_unscored_channel_says_what_to_run(page):
    page.locator(".widget-radio-box label", has_text="unscored").click()
    expect(page.locator(".wb-anomalies")).to_contain_text("is not scored. Run workbench score")


@pytest.mark.parametrize(("width", "height"), [(1280, 800), (1920, 1080)])
def test_everything_is_on_one_screen(page, width, height):
    page.set_viewport_size({"width": width, "height": height})
    sizes = page.evaluate(
        "() => [document.documentElement.scrollHeight - innerHeight, document.documentElement.scrollWidth - innerWidth]"
    )
    assert max(sizes) <= 0
    for part in (".wb-head", ".wb-list", ".wb-charts", ".wb-anomalies"):
        box = page.locator(part).bounding_box()
        assert box is not None
        assert box["height"] > 20
        assert box["y"] + box["height"] <= height
        assert box["x"] + box["width"] <= width


def test_the_dark_theme_colours_page_and_charts(page):
    before = page.evaluate("getComputedStyle(document.querySelector('.wb')).backgroundColor")
    page.get_by_role("button", name="Dark").click()
    expect(page.get_by_role("button", name="Light")).to_be_visible()
    page.wait_for_function(
        "before => getComputedStyle(document.querySelector('.wb')).backgroundColor != before", arg=before
    )
    page.wait_for_selector(".wb-charts canvas")
    assert re.match(r"rgb\(2\d, 2\d, 2\d\)|rgb\(1\d, 2\d, 2\d\)", before) is None


def test_a_page_shows_what_was_scored_after_its_kernel_was_started(dashboard, session):
    name = session.archive.channels()[-1]
    page = dashboard.open()
    expect(page.locator(".widget-radio-box label", has_text="unscored")).to_have_count(1)
    page.close()
    session.train(name, "ridge")
    session.score(name)
    page = dashboard.open()
    expect(page.locator(".widget-radio-box label")).to_have_count(len(session.archive.channels()))
    expect(page.locator(".widget-radio-box label", has_text="unscored")).to_have_count(0)
    page.close()


def test_an_empty_home_says_what_to_run(browser, tmp_path):
    served = Dashboard(browser, tmp_path)
    try:
        page = served.open()
        expect(page.locator(".wb-head")).to_contain_text("No telemetry yet. Run workbench run")
        page.close()
    finally:
        served.close()
    assert served.complaints == []


def test_no_page_complained_or_asked_another_host(page, dashboard):
    """Last: it judges what every page before it did."""
    expect(page.locator(".wb-title h2")).not_to_be_empty()
    assert dashboard.complaints == []
    assert dashboard.outside == []
