"""The system view in a real browser: what its controls change, and that it agrees with `/metrics`."""

import os
import re
import signal

import pytest
import requests
from playwright.sync_api import expect
from prometheus_client.parser import text_string_to_metric_families

from tests.browser.conftest import reach
from workbench.observability.logs import log_path

pytestmark = [pytest.mark.browser, pytest.mark.slow]

VIEW = ".wb-system"


@pytest.fixture(scope="module")
def opened(dashboard):
    page = dashboard.open("?view=system", shows=f"{VIEW} .wb-headline h1")
    page.wait_for_selector(f"{VIEW} .wb-usage canvas")
    yield page
    page.close()


@pytest.fixture
def page(opened):
    """The page on its first part, looking by itself."""
    show(opened, "Load")
    go_on = opened.locator(VIEW).get_by_role("button", name="Resume")
    if go_on.count():
        go_on.click()
    return opened


SHOWN = {"Load": ".wb-timings", "Health": ".wb-log", "Import": ".wb-drop-zone"}


def show(page, part):
    page.locator(f"{VIEW} .wb-toggle button", has_text=part).click()
    expect(page.locator(f"{VIEW} {SHOWN[part]}")).to_be_visible()


def processes(page):
    return page.locator(f"{VIEW} .wb-processes tbody tr")


def metrics(dashboard):
    text = requests.get(f"{dashboard.url}metrics", timeout=60).text
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_a_second_page_appears_and_a_killed_kernel_disappears(page, dashboard):
    headline = page.locator(f"{VIEW} .wb-headline")
    expect(headline).to_contain_text("1 of 8 pages open")
    expect(page.locator(f"{VIEW} .wb-processes")).to_contain_text("ready for a page")
    before = set(pids(page))
    other = dashboard.open("?view=overview")
    expect(headline).to_contain_text("2 of 8 pages open")
    expect(processes(page).filter(has_text="page open")).to_have_count(2)
    killed = (
        processes(page).filter(has_text="page open").filter(has_not_text="this page").locator("td").last.inner_text()
    )
    assert killed in before, "the one that waited has the new page"
    os.kill(int(killed), signal.SIGKILL)
    expect(headline).to_contain_text("1 of 8 pages open")
    assert killed not in pids(page)
    other.close()
    dashboard.complaints[:] = [text for text in dashboard.complaints if "404" not in text]  # it asked for its kernel


def pids(page):
    return processes(page).evaluate_all("rows => rows.map(row => row.lastElementChild.textContent)")


def test_metrics_agree_with_the_page(page, dashboard, session):
    page.locator(VIEW).get_by_role("button", name="Pause").click()
    found = metrics(dashboard)
    assert {key[1] for key in found if key[0] == "workbench_process_memory_bytes"} == set(pids(page))
    budget = int(found[("workbench_kernels_budget",)])
    assert f"{found['workbench_kernels', 'open']:.0f} of {budget} pages open" in headline(page)
    title = page.locator(f"{VIEW} .wb-processes h2").inner_text()
    told = re.search(r"opened since the server started: (\d+)", title)[1]
    assert sum(value for key, value in found.items() if key[0] == "workbench_pages_opened_total") == int(told)
    alerts = session.maintenance.alerts.count(state="open").to_dict()
    assert {key[1]: value for key, value in found.items() if key[0] == "workbench_open_alerts"} == alerts
    shown = page.locator(f"{VIEW} .wb-timings tr[data-pick=System] td").nth(1).inner_text()
    assert found["workbench_callback_seconds_count", "System"] >= int(shown)


def headline(page):
    return page.locator(f"{VIEW} .wb-headline").inner_text()


def as_of(page):
    return page.locator(f"{VIEW} > .wb-bar .widget-html").inner_text()


def test_it_looks_by_itself_until_it_is_paused(page):
    then = as_of(page)
    page.wait_for_function(
        "([selector, then]) => document.querySelector(selector).innerText != then", arg=[LOOKED, then]
    )
    page.keyboard.press("p")
    expect(page.locator(VIEW).get_by_role("button", name="Resume")).to_be_visible()
    expect(page).to_have_url(re.compile("paused=yes"))
    then = as_of(page)
    page.wait_for_timeout(7000)  # more than two looks
    assert as_of(page) == then
    page.keyboard.press("p")
    page.wait_for_function(
        "([selector, then]) => document.querySelector(selector).innerText != then", arg=[LOOKED, then]
    )
    expect(page).not_to_have_url(re.compile("paused"))


LOOKED = f"{VIEW} > .wb-bar .widget-html"


def test_the_latencies_of_a_view_open_by_click_and_close_by_another(page):
    row = page.locator(f"{VIEW} .wb-timings tr[data-pick=System]")
    inner = page.locator(f"{VIEW} .wb-timings .wb-inner")
    expect(inner).to_have_count(0)
    row.click()
    expect(inner.filter(has_text="refresh")).to_have_count(1)
    row.click()
    expect(inner).to_have_count(0)


def test_a_failing_check_shows_its_fix_and_passes_once_it_is_mended(page, session):
    show(page, "Health")
    checks = page.locator(f"{VIEW} .wb-checks")
    expect(checks.locator("tbody tr")).to_have_count(11)
    expect(checks.locator("tbody tr").first).to_contain_text("workbench train --all")  # the last channel has no model
    expect(page.locator(f"{VIEW} .wb-headline h1")).to_contain_text(
        "no check failed, 2 of 11 checks to do: models, scores"
    )
    name = session.archive.channels()[-1]
    session.train(name, "ridge")
    session.score(name)
    page.keyboard.press("h")
    expect(checks).not_to_contain_text("Fix:")
    expect(page.locator(f"{VIEW} .wb-headline h1")).to_have_text("System: all 11 checks passed")


def test_the_feed_is_sorted_picked_and_leads_to_the_telemetry(page, session):
    show(page, "Health")
    rows = page.locator(f"{VIEW} .wb-feed tbody tr")
    names = session.archive.channels()
    expect(rows).to_have_count(len(names))
    page.locator(f"{VIEW} .wb-feed th button", has_text="channel").click()
    expect(rows.first).to_have_attribute("data-pick", names[0])
    page.locator(f"{VIEW} .wb-feed th button", has_text="channel").click()
    expect(rows.first).to_have_attribute("data-pick", names[-1])
    rows.nth(1).click()
    expect(page).to_have_url(re.compile(f"channel={names[-2]}"))
    expect(rows.nth(1)).to_have_class(re.compile("wb-chosen"))
    page.keyboard.press("Enter")
    expect(page.locator(".wb-monitoring")).to_be_visible()
    page.locator(".wb-tab", has_text="System").click()
    expect(page.locator(VIEW)).to_be_visible()


def test_the_number_of_an_error_is_found_in_the_log(page, dashboard):
    other = dashboard.open("?view=overview&channel=none")
    number = re.search(r"error (\w{8})", other.locator(".wb-pane .wb-error").inner_text())[1]
    other.close()
    assert number in log_path(dashboard.home).read_text(encoding="utf-8")
    show(page, "Health")
    rows = page.locator(f"{VIEW} .wb-log tbody tr")
    find = page.locator(f"{VIEW} .wb-log input")
    find.fill(number)
    find.press("Enter")
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("There is no channel")
    rows.click()
    expect(page.locator(f"{VIEW} .wb-entry pre")).to_contain_text("ViewError")
    expect(page).to_have_url(re.compile(f"find={number}"))
    find.fill("nothing has this text")
    find.press("Enter")
    expect(page.locator(f"{VIEW} .wb-log")).to_contain_text("No entries match.")
    expect(page.locator(f"{VIEW} .wb-entry pre")).to_have_count(0)
    find.fill("")
    find.press("Enter")
    expect(rows.filter(has_text=number)).to_have_count(1)
    page.locator(f"{VIEW} .wb-log select").select_option("errors")
    expect(page).to_have_url(re.compile("level=ERROR"))
    expect(rows.filter(has_not_text="error")).to_have_count(0)
    page.locator(f"{VIEW} .wb-log select").select_option("all")


def test_nothing_is_scrolled_at_1280_and_nothing_is_asked_of_others(page, dashboard):
    parts = {"Load": ("processes", "usage", "timings", "storage"), "Health": ("checks", "feed", "log")}
    for part, panels in parts.items():
        show(page, part)
        assert page.evaluate("document.documentElement.scrollHeight <= innerHeight")
        for panel in panels:
            box = page.locator(f"{VIEW} .wb-{panel}").bounding_box()
            assert box["height"] > 60, panel
            assert box["y"] + box["height"] <= 800, panel
    assert (dashboard.complaints, dashboard.outside) == ([], [])


def test_a_file_is_dropped_looked_at_imported_and_opened(page, session):
    show(page, "Import")
    rows = [f"14/03/2024 10:{minute:02};{20 + minute},5" for minute in range(60)]
    text = "\n".join(["date;temp [°C]", *rows]) + "\n"
    zone = page.locator(f"{VIEW} .wb-drop-zone")
    transfer = page.evaluate_handle(
        "text => { const all = new DataTransfer(); all.items.add(new File([text], 'boiler.csv')); return all }", text
    )
    zone.dispatch_event("drop", {"dataTransfer": transfer})
    table = page.locator(f"{VIEW} .wb-import-table")
    expect(table.locator("tr", has_text="temp")).to_contain_text("channel temp")
    expect(table).to_contain_text("2024-03-14 10:59:00")
    expect(page.locator(f"{VIEW} .wb-import-facts")).to_contain_text("temp: new, 60 samples")
    page.get_by_label("Time zone").fill("Europe/Berlin")
    page.keyboard.press("Tab")
    page.locator(VIEW).get_by_role("button", name="Preview again").click()
    expect(table).to_contain_text("2024-03-14 09:59:00")
    page.locator(VIEW).get_by_role("button", name="Import", exact=True).last.click()
    expect(page.locator(f"{VIEW} .wb-import-side")).to_contain_text("boiler.csv: 1 new channel.")
    assert session.archive.info("temp").asset == "boiler"
    page.get_by_role("button", name="Open temp in Monitoring").click()
    expect(page).to_have_url(re.compile("view=monitoring.*channel=temp|channel=temp.*view=monitoring"))
    page.get_by_role("tab", name="System").click()
    expect(zone).to_be_visible()


def test_a_file_can_be_dropped_and_its_columns_are_seen_at_every_width(page, tmp_path):
    show(page, "Import")
    file = tmp_path / "boiler.csv"
    file.write_text("time,temp\n" + "".join(f"2024-03-14 10:{minute:02},{minute}.5\n" for minute in range(60)))
    zone = page.locator(f"{VIEW} .wb-drop-zone")
    zone.locator("input").set_input_files(file)
    row = page.locator(f"{VIEW} .wb-import-table tr", has_text="channel temp")
    for width in (390, 800, 1280):
        page.set_viewport_size({"width": width, "height": 844})
        expect(zone).to_be_in_viewport()
        row.scroll_into_view_if_needed()
        expect(row).to_be_in_viewport()
        zone.scroll_into_view_if_needed()


def test_what_an_import_did_is_in_view_on_a_telephone(page, tmp_path):
    show(page, "Import")
    page.set_viewport_size({"width": 390, "height": 844})
    file = tmp_path / "flow.csv"
    rows = [f"2024-03-14 10:{minute:02},{minute}.5" for minute in range(60)]
    file.write_text("\n".join(["time,flow,speed,load,heat", *(f"{row},1,2,{row[-4:-2]}" for row in rows)]) + "\n")
    page.locator(f"{VIEW} .wb-drop-zone input").set_input_files(file)
    done = page.locator(f"{VIEW} .wb-import-form").get_by_role("button", name="Import", exact=True)
    done.scroll_into_view_if_needed()
    done.click()
    outcome = page.locator(f"{VIEW} .wb-import-side [role=status]")
    expect(outcome).to_contain_text("flow.csv: ")
    expect(outcome).to_be_in_viewport(ratio=1)
    page.set_viewport_size({"width": 1280, "height": 800})


def test_a_file_is_chosen_with_the_keyboard_and_one_too_large_is_not_sent(page, tmp_path):
    show(page, "Import")
    reach(page, f"{VIEW} .wb-drop-zone input")
    with page.expect_file_chooser() as chooser:
        page.locator(f"{VIEW} .wb-drop-zone input").press("Enter")  # the page may have drawn it anew meanwhile
    large = tmp_path / "large.csv"
    with large.open("wb") as file:
        file.truncate(60_000_000)
    chooser.value.set_files(large)
    card = page.locator(f"{VIEW} .wb-error")
    expect(card).to_contain_text("large.csv has 60 MB. The page takes files of up to 50 MB.")
    expect(card).to_contain_text("workbench import PATH --dry-run")
