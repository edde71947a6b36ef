"""The frame in a real browser: tabs, address, looks, keys, files, and what happens when the kernel is gone."""

import os
import re
import signal
import struct
from urllib.parse import parse_qs, urlsplit

import pandas as pd
import psutil
import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Dashboard
from workbench.observability.logs import log_path
from workbench.views import VIEWS
from workbench.views.registry import view_class

pytestmark = [pytest.mark.browser, pytest.mark.slow]

TITLES = {name: view_class(name).title for name in VIEWS}


@pytest.fixture(scope="module")
def opened(dashboard):
    context = dashboard.context(permissions=["clipboard-read", "clipboard-write"])
    page = dashboard.open(context=context)
    page.evaluate("window.stayed = true")
    yield page
    page.close()


@pytest.fixture
def page(opened):
    """The page with its first tab open."""
    show(opened, "overview")
    return opened


def show(page, name):
    page.locator(".wb-tab", has_text=TITLES[name]).click()
    expect(page.locator(f".wb-pane.wb-{name}")).to_be_visible()
    expect(page.locator(".wb-tab.wb-current")).to_have_text(TITLES[name])


def asked(page):
    return {key: values[0] for key, values in parse_qs(urlsplit(page.url).query).items()}


def test_every_tab_opens_without_a_page_load_and_the_address_follows(page):
    for name in VIEWS:
        show(page, name)
        page.wait_for_function("name => new URLSearchParams(location.search).get('view') == name", arg=name)
        expect(page.get_by_role("tab", selected=True)).to_have_text(TITLES[name])
        assert re.fullmatch(rf"(\(\d+\) )?{TITLES[name]} · Workbench", page.title())
        assert page.locator(".wb-pane:visible").count() == 1
        assert page.locator(".wb-error").count() == 0
    assert page.evaluate("window.stayed")


def chosen(page):
    return page.locator(".wb-health .wb-chosen")


def test_the_back_button_and_a_reload_show_the_same_again(dashboard, session):
    first, second = session.archive.channels()[:2]
    page = dashboard.open(f"?view=overview&channel={first}")
    expect(chosen(page)).to_contain_text(first)
    page.locator(".wb-cell", has_text=second).click()
    expect(page.locator(".wb-anomalies .wb-title h2")).to_contain_text(second)
    page.wait_for_function("name => location.search.includes(name)", arg=f"channel={second}")
    show(page, "monitoring")
    page.wait_for_function("location.search.includes('view=monitoring')")
    page.go_back()
    expect(page.locator(".wb-pane.wb-anomalies")).to_be_visible()
    page.go_back()
    expect(page.locator(".wb-pane.wb-overview")).to_be_visible()
    expect(chosen(page)).to_contain_text(first)
    page.go_forward()
    expect(page.locator(".wb-anomalies .wb-title h2")).to_contain_text(second)
    before = asked(page)
    page.reload()
    expect(page.locator(".wb-anomalies .wb-title h2")).to_contain_text(second)
    page.wait_for_timeout(500)
    assert asked(page) == before
    page.close()


def test_a_link_that_leads_nowhere_says_so(dashboard):
    page = dashboard.open("?view=overview&channel=none")
    expect(page.locator(".wb-pane .wb-error")).to_contain_text("There is no channel")
    number = re.search(r"error (\w{8})", page.locator(".wb-pane .wb-error").inner_text())[1]
    assert number in log_path(dashboard.home).read_text(encoding="utf-8")
    page.close()


def test_look_is_changed_by_key_and_kept_by_the_browser(dashboard):
    context = dashboard.context()
    page = dashboard.open(context=context)
    light = page.evaluate("getComputedStyle(document.querySelector('.wb')).backgroundColor")
    page.keyboard.press("t")
    page.keyboard.press("d")
    expect(page.get_by_role("button", name="Compact")).to_be_visible()
    page.wait_for_function("document.documentElement.dataset.look == 'dark.roomy'")
    page.close()
    page = dashboard.open(context=context)
    assert page.evaluate("getComputedStyle(document.querySelector('.wb')).backgroundColor") != light
    expect(page.get_by_role("button", name="Compact")).to_be_visible()
    who = page.get_by_label("Your name")
    who.fill("Ada Lovelace")
    who.press("Tab")
    page.wait_for_function("document.cookie.includes('Ada%20Lovelace')")
    page.reload()
    expect(page.get_by_label("Your name")).to_have_value("Ada Lovelace")
    context.close()


def test_keys_open_tabs_and_the_list_of_keys_but_not_while_typing(page):
    page.keyboard.press("2")
    expect(page.locator(".wb-pane.wb-monitoring")).to_be_visible()
    page.keyboard.press("1")
    expect(page.locator(".wb-pane.wb-overview")).to_be_visible()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_contain_text("open a tab")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_table_chart_link_and_code_can_be_taken_away(page, session):
    page.keyboard.press("e")
    with page.expect_download() as waited:
        page.get_by_role("button", name="CSV of the table").click()
    table = pd.read_csv(waited.value.path())
    assert set(table["channel"]) == set(session.archive.channels())
    with page.expect_download() as waited:
        page.get_by_role("button", name="as PNG").first.click()
    content = waited.value.path().read_bytes()
    width, height = struct.unpack(">II", content[16:24])
    assert content.startswith(b"\x89PNG")
    assert min(width, height) > 100
    with page.expect_download() as waited:
        page.get_by_role("button", name="as SVG").first.click()
    assert waited.value.path().read_text(encoding="utf-8").lstrip().startswith("<svg")
    page.get_by_role("button", name="Copy link").click()
    page.wait_for_function("async () => (await navigator.clipboard.readText()).includes('?view=overview')")
    page.keyboard.press("c")
    expect(page.locator(".wb-tool-panel pre")).to_contain_text("session.overview()")
    page.keyboard.press("Escape")
    expect(page.locator(".wb-tool-panel:visible")).to_have_count(0)


def test_the_scoring_notebook_runs_on_the_chosen_channel(dashboard, session):
    name = session.archive.channels()[0]
    page = dashboard.open(f"?view=overview&channel={name}")
    page.keyboard.press("n")
    page.get_by_role("button", name="Create the report").click()
    with page.expect_popup() as waited:
        page.get_by_role("link", name=f"Report on {name}").click()
    report = waited.value
    report.wait_for_load_state()
    expect(report.locator("body")).to_contain_text(name)
    page.close()


@pytest.mark.parametrize(("width", "height"), [(1280, 800), (1920, 1080)])
@pytest.mark.parametrize("density", ["compact", "roomy"])
def test_nothing_of_the_frame_is_cut_off(page, width, height, density):
    page.set_viewport_size({"width": width, "height": height})
    if page.evaluate("document.documentElement.dataset.look").split(".")[1] != density:
        page.keyboard.press("d")
        page.wait_for_function("density => document.documentElement.dataset.look.endsWith(density)", arg=density)
    over = "[document.documentElement.scrollHeight - innerHeight, document.documentElement.scrollWidth - innerWidth]"
    assert max(page.evaluate(over)) <= 0
    for part in (".wb-header", ".wb-nav", ".wb-pane:visible .wb-top", ".wb-pane:visible .wb-tools"):
        box = page.locator(part).bounding_box()
        assert box["height"] >= 28
        assert box["x"] + box["width"] <= width
    page.set_viewport_size({"width": 1280, "height": 800})


def test_no_page_complained_or_asked_another_host(dashboard, page):
    """It judges what every page before it did."""
    assert dashboard.complaints == []
    assert dashboard.outside == []


def test_a_kernel_that_died_shows_its_card_and_a_reload_goes_on(dashboard, session):
    name = session.archive.channels()[1]
    page = dashboard.open(f"?view=overview&channel={name}")
    kernel = page.evaluate("JSON.parse(document.querySelector('#jupyter-config-data').textContent).kernelId")
    os.kill(process_of(dashboard, kernel), signal.SIGKILL)
    expect(page.get_by_role("alert")).to_contain_text("This page's kernel has ended")
    page.get_by_role("button", name="Reload").click()
    expect(chosen(page)).to_contain_text(name)
    page.close()


def test_a_page_whose_kernel_is_slow_comes_all_the_same(dashboard, opened):
    del opened  # the server listens
    page = dashboard.context().new_page()
    page.goto(dashboard.url, wait_until="commit")
    page.wait_for_function("document.querySelector('#jupyter-config-data')?.textContent.includes('kernelId')")
    kernel = page.evaluate("JSON.parse(document.querySelector('#jupyter-config-data').textContent).kernelId")
    process = process_of(dashboard, kernel)
    os.kill(process, signal.SIGSTOP)
    try:
        page.wait_for_timeout(9000)  # longer than ipywidgets waits by itself
    finally:
        os.kill(process, signal.SIGCONT)
    expect(page.locator(".wb-cell").first).to_be_visible()
    page.close()


def process_of(dashboard, kernel):
    """The names of the sockets that it listens on hold the kernel's."""
    for process in psutil.Process(dashboard.server.pid).children(recursive=True):
        if any(kernel in str(socket.laddr) for socket in process.net_connections("unix")):
            return process.pid
    raise AssertionError(f"kernel {kernel} does not run")


def test_a_page_that_closes_ends_its_kernel(dashboard):
    page = dashboard.open()
    kernel = page.evaluate("JSON.parse(document.querySelector('#jupyter-config-data').textContent).kernelId")
    asking = page.context.new_page()
    alive = f"{dashboard.url}api/kernels/{kernel}"
    assert asking.goto(alive).status == 200
    page.close(run_before_unload=True)
    while asking.goto(alive).status != 404:
        asking.wait_for_timeout(200)
    asking.close()


def test_a_view_has_an_app_of_its_own(dashboard):
    page = dashboard.open("app/monitoring")
    expect(page.locator(".wb-pane.wb-monitoring")).to_be_visible()
    assert page.locator(".wb-nav").count() == 0
    page.close()


def test_a_server_that_stopped_is_told(browser, tmp_path):
    served = Dashboard(browser, tmp_path)
    page = served.open(shows=".wb-pane")
    served.close()
    expect(page.get_by_role("alert")).to_contain_text("No connection since")
    page.close()
