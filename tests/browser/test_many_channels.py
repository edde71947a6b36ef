"""A fleet of many channels in a real browser: what is abnormal is seen, the rest opens; walls and paper."""

import itertools
from datetime import timedelta

import numpy as np
import pandas as pd
import pytest
from playwright.sync_api import expect

import workbench as wb
from tests.browser.conftest import Dashboard
from workbench.maintenance.alerts.raising import Finding
from workbench.telemetry.importers import import_table

pytestmark = [pytest.mark.browser, pytest.mark.slow]

CHANNELS = 300
HOT = {7: "critical", 8: "high", 207: "medium"}
"""Levels of the alerts by the number of their channel; all others have none."""


def name_of(number):
    return f"{'TP'[number // 200]}-compressor-outlet-temperature-{number:04d}"


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    folder = tmp_path_factory.mktemp("many")
    time = pd.Timestamp("2024-01-01") + pd.to_timedelta(np.arange(200), "min")
    columns = {name_of(number): np.sin(np.arange(200) / (number + 5)) for number in range(CHANNELS)}
    pd.DataFrame({"time": time} | columns).to_parquet(folder / "many.parquet")
    with wb.open(home=folder / "home") as session:
        import_table(folder / "many.parquet", session.archive, asset="Plant")
        now, infos = session.clock(), {info.channel: info for info in session.archive.infos()[0]}
        findings = []
        for number, level in HOT.items():
            info = infos[name_of(number)]
            where = (info.channel, info.asset, info.subsystem, info.units, "limit", 1, 9, now - timedelta(hours=1), now)
            findings.append(Finding(*where, level, None, 9.0, 5.0, f"{level} high", "It is too hot.", ongoing=True))
        session.maintenance.alerts.raise_findings([], findings)
    return folder / "home"


@pytest.fixture(scope="module")
def dashboard(browser, home):
    served = Dashboard(browser, home)
    yield served
    served.close()


@pytest.fixture
def page(dashboard):
    opened = dashboard.open()
    yield opened
    opened.close()


def test_only_abnormal_channels_have_cells_and_a_line_opens_by_the_keyboard(page):
    cells, line = page.locator(".wb-cell"), page.locator(".wb-fold").first
    expect(cells).to_have_count(len(HOT))
    line.focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator(".wb-fold[aria-expanded=true]")).to_be_focused()
    assert cells.count() > len(HOT)
    page.wait_for_function("new URLSearchParams(location.search).get('open')?.includes('Plant')")
    page.reload()
    expect(page.locator(".wb-fold[aria-expanded=true]")).to_be_visible()
    page.locator(".wb-fold[aria-expanded=true]").focus()
    page.keyboard.press("ArrowLeft")
    expect(cells).to_have_count(len(HOT))


def test_a_channel_is_found_while_typing_and_those_with_alerts_by_one_click(page):
    page.locator(".wb-find input").press_sequentially("-0123")
    expect(page.locator(".wb-cell")).to_have_count(1)
    page.wait_for_function("new URLSearchParams(location.search).get('find') == '-0123'")
    page.locator(".wb-find input").fill("")
    page.get_by_role("button", name="With alerts").click()
    expect(page.locator(".wb-cell")).to_have_count(len(HOT))
    expect(page.locator(".wb-fold")).to_have_count(0)


@pytest.mark.parametrize(("width", "height"), [(1280, 800), (390, 844)])
def test_what_is_opened_goes_on_below_and_never_sideways(page, width, height):
    page.set_viewport_size({"width": width, "height": height})
    page.locator(".wb-fold").first.click()
    expect(page.locator(".wb-cell").nth(20)).to_be_attached()
    assert (
        page.evaluate(
            """() => [...document.querySelectorAll(".wb-health, .wb-health *")]
            .filter(one => getComputedStyle(one).overflowX === "auto" && one.scrollWidth > one.clientWidth + 1)
            .map(one => one.className)"""
        )
        == []
    )


def test_a_cell_leads_to_the_alerts_of_its_channel(page):
    page.locator(".wb-cell.critical").click()
    expect(page.locator(".wb-pane.wb-anomalies")).to_be_visible()
    rows = page.locator(".wb-anomalies .wb-list tr[data-pick]")
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text(name_of(7))
    page.go_back()
    expect(page.locator(".wb-cell.critical")).to_be_visible()


def test_names_are_cut_in_the_middle_and_only_where_there_is_no_room(page):
    cut = """element => [...element.children].map(part => part.scrollWidth > part.clientWidth + 1)"""
    name = page.locator(".wb-cell.critical .wb-name")
    assert name.evaluate(cut) == [True, False]
    page.set_viewport_size({"width": 2560, "height": 1200})
    assert page.locator(".wb-worst .wb-name").first.evaluate(cut) == [False, False]


def test_a_wall_shows_views_without_controls_until_escape(dashboard):
    page = dashboard.open(
        "?wall=overview,monitoring&seconds=3600", dashboard.context(viewport={"width": 1920, "height": 1080})
    )
    controls = page.locator(".wb-nav, .wb-looks, .wb-tools, .wb-ranges, .wb-find")
    for place in range(controls.count()):
        expect(controls.nth(place)).to_be_hidden()
    assert page.locator(".wb-overview h1").evaluate("e => e.currentCSSZoom") == pytest.approx(1.4)
    panel, chart = (page.locator(one).first.bounding_box() for one in (".wb-over-time", ".wb-counts canvas"))
    assert chart["x"] + chart["width"] <= panel["x"] + panel["width"]
    assert chart["y"] + chart["height"] <= panel["y"] + panel["height"] <= 1080
    page.keyboard.press("Escape")
    expect(page.locator(".wb-nav")).to_be_visible()
    page.wait_for_function("!location.search.includes('wall')")
    page.close()


def test_on_paper_there_is_the_view_without_controls_on_white(page):
    page.keyboard.press("t")
    page.wait_for_function("document.documentElement.dataset.look.startsWith('dark')")
    page.emulate_media(media="print")
    for hidden in (".wb-nav", ".wb-looks", ".wb-tools", ".wb-ranges"):
        expect(page.locator(hidden).first).to_be_hidden()
    assert page.locator(".wb-health").evaluate("e => getComputedStyle(e).backgroundColor") == "rgb(255, 255, 255)"
    cut = page.locator(".wb-overview .wb-grid-body, .wb-overview .wb-panel").evaluate_all(
        "all => all.filter(e => getComputedStyle(e).overflowY != 'visible').length"
    )
    assert cut == 0
    panels = [one.bounding_box() for one in page.locator(".wb-overview .wb-panel:visible").all()]
    assert all(above["y"] + above["height"] <= below["y"] for above, below in itertools.pairwise(panels))
    page.emulate_media(media="screen")
    page.keyboard.press("t")
    page.wait_for_function("document.documentElement.dataset.look.startsWith('light')")


def test_no_page_complained_or_asked_another_host(page, dashboard):
    """Last: it judges what every page before it did."""
    expect(page.locator(".wb-cell").first).to_be_visible()
    assert dashboard.complaints == []
    assert dashboard.outside == []
