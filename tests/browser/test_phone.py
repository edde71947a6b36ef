"""An order carried out on a telephone, with a photo, and a problem reported: pages of 390 pixels, no script."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.dashboard.test_link_pages import Clock, Served
from tests.maintenance.orders.test_attachments import photo

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture
def served(tmp_path):
    made = Served(tmp_path, Clock())
    try:
        made.desk.people.set("Ann", "boss", rate=80.0)
        made.desk.people.set("Ben", "boss", rate=50.0)
        made.desk.orders.new("boss", asset="Pump-1", title="Replace the seal", mode="ELP", priority="high", hours=3)
        made.desk.orders.assign(1, "Ann", "boss")
        made.desk.orders.new("boss", asset="Orbiter-1", title="Check the belt", type="inspection")
        yield made
    finally:
        made.close()


@pytest.fixture
def page(browser):
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    made = context.new_page()
    made.set_default_timeout(60_000)
    yield made
    context.close()


def fits(page: Page) -> None:
    """Nothing is wider than the page, and whatever a thumb presses is 44 pixels high or more."""
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    small = page.evaluate(
        "[...document.querySelectorAll('button, nav a, summary, select, input:not([type=hidden])')]"
        ".filter(one => one.offsetParent && (one.closest('label') || one).getBoundingClientRect().height < 44)"
        ".map(one => one.outerHTML)"
    )
    assert small == []


def keep(page: Page, folder: Path, name: str) -> None:
    fits(page)
    page.screenshot(path=folder / f"{name}.png", full_page=True)


def section(page: Page, title: str):
    return page.locator("section").filter(has=page.get_by_role("heading", name=title))


def test_an_order_is_carried_out_with_a_photo(served, page, tmp_path):
    page.goto(served.link("technician", "Ann"))
    expect(page.get_by_role("heading", level=1)).to_have_text("Orders of Ann")
    keep(page, tmp_path, "1-list")
    page.get_by_role("link", name="Replace the seal").click()
    keep(page, tmp_path, "2-order")
    page.get_by_role("button", name="Start work").click()
    expect(page.get_by_role("alert")).to_contain_text("cannot be started before its safety steps and permits")
    for step in ("Stopped, isolated and locked out", "Pressure relieved"):
        page.get_by_label(step).check()
    page.get_by_role("button", name="Save checklist").click()
    expect(page.get_by_role("status")).to_have_text("The checklist is saved.")
    page.get_by_role("button", name="Start work").click()
    expect(page.get_by_role("status")).to_have_text("The work has started.")
    keep(page, tmp_path, "3-started")
    page.get_by_label("Photo or PDF").set_input_files({"name": "seal.jpg", "mimeType": "image/jpeg", "buffer": photo()})
    page.get_by_role("button", name="Send photo").click()
    picture = page.get_by_role("img", name="seal.jpg")
    expect(picture).to_be_visible()
    assert picture.evaluate("one => one.complete && one.naturalWidth") == 480
    keep(page, tmp_path, "4-photo")
    page.get_by_label("Where it leaks").fill("shaft seal, drive side")
    page.get_by_label("Tight after the repair").check()
    page.get_by_role("button", name="Save checklist").click()
    complete = section(page, "Complete")
    complete.get_by_label("Work done").fill("New seal")
    complete.get_by_label("Hours of work").fill("2,5")
    complete.get_by_label("What had failed").select_option("functional failure")
    complete.get_by_label("Signature").fill("Ann Able")
    complete.get_by_role("button", name="Complete order").click()
    expect(page.get_by_role("alert")).to_contain_text("cannot be completed without a failure mode")
    expect(complete.get_by_label("Work done")).to_have_value("New seal")
    keep(page, tmp_path, "5-refused")
    complete.get_by_label("Failure mode").select_option("ELP")
    complete.get_by_role("button", name="Complete order").click()
    expect(page.get_by_role("status")).to_have_text("WO-1 is completed.")
    keep(page, tmp_path, "6-completed")
    done = served.desk.orders.get(1)
    assert (done.state, done.actual_hours, done.actual_cost) == ("completed", 2.5, 200.0)
    assert done.attachments[0]["bytes"] == len(photo())
    page.get_by_role("link", name="Mine").click()
    page.get_by_role("link", name="Unassigned").click()
    assert page.url.endswith("show=unassigned")
    page.get_by_role("link", name="Check the belt").click()
    page.get_by_role("button", name="Take this order").click()
    expect(page.get_by_role("status")).to_have_text("WO-2 is yours.")


def test_a_problem_is_reported_with_a_photo(served, page, tmp_path):
    page.goto(served.link("request"))
    page.get_by_label("Asset").select_option("Pump-1")
    page.get_by_label("What is wrong").fill("<b>Oil</b> below the pump")
    page.get_by_label("Photos").set_input_files({"name": "oil.png", "mimeType": "image/png", "buffer": photo("PNG")})
    keep(page, tmp_path, "1-report")
    page.get_by_role("button", name="Send report").click()
    expect(page.get_by_role("status")).to_have_text("Thank you. Your report is RQ-1.")
    keep(page, tmp_path, "2-reported")
    assert served.desk.requests.get(1).problem == "<b>Oil</b> below the pump"
