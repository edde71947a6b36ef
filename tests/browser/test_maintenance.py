"""Maintenance in a real browser: orders on the board and in their form, the plan, figures, and the log."""

import re

import pandas as pd
import pytest
from icalendar import Calendar
from playwright.sync_api import expect

from tests.browser.conftest import reach
from tests.maintenance.orders.test_attachments import photo

pytestmark = [pytest.mark.browser, pytest.mark.slow]

VIEW = ".wb-maintenance"
CHECKLIST = f"{VIEW} .wb-checklist .wb-item"


@pytest.fixture(scope="module")
def opened(dashboard, session):
    desk = session.maintenance
    for name in ("Ann", "Ben"):
        desk.people.set(name, "Kim")
    page = dashboard.open("?view=maintenance", shows=f"{VIEW} .wb-headline h1")
    page.wait_for_selector(f"{VIEW} .wb-orders tr[data-pick]")
    yield page
    page.close()


@pytest.fixture
def page(opened):
    """The page at 1280x800."""
    opened.set_viewport_size({"width": 1280, "height": 800})
    return opened


@pytest.fixture
def made(session):
    """An order by hand, for one test."""
    return session.maintenance.orders.new("Kim", asset="Pump-1", type="inspection", title="Look at the seal", hours=2)


def mode(page, name):
    page.locator(f"{VIEW} .wb-modes button", has_text=name).click()
    expect(page.locator(f"{VIEW} .wb-modes .mod-active")).to_have_text(name)


def lay_out(page, name):
    """Show the orders as a table or as a board."""
    mode(page, "Orders")
    switch = page.locator(f"{VIEW} .wb-key-b")
    if switch.inner_text() == name:
        switch.click()
    expect(switch).to_have_text({"Board": "Table", "Table": "Board"}[name])


def press(page, name):
    words = re.compile(rf"^\s*{re.escape(name)}\s*$")
    page.locator(f"{VIEW} .wb-button >> visible=true").filter(has_text=words).click()


def told(page, words):
    expect(page.locator(f"{VIEW} .wb-detail .wb-told")).to_contain_text(words)


def card(page, number):
    return page.locator(f"{VIEW} .wb-board [data-pick={number}]")


def column(page, state):
    return page.locator(f"{VIEW} .wb-board section[data-drop='{state}']")


def state_of(session, number):
    return session.maintenance.orders.get(number).state


def answer(page):
    """Answer all items of the checklist that is shown; each leaves its name beside the answer."""
    for place in range(page.locator(CHECKLIST).count()):
        item = page.locator(CHECKLIST).nth(place)
        if item.locator("input[type=checkbox]").count():
            item.locator("input[type=checkbox]").check()
        elif item.locator("select").count():
            item.locator("select").select_option(index=1)
        else:
            item.locator("input >> visible=true").fill("12")
            item.locator("input >> visible=true").press("Enter")
        expect(item).not_to_contain_text("required")


def test_the_table_is_that_of_the_database_filtered_and_sorted(page, session):
    lay_out(page, "Table")
    active = session.maintenance.orders.list()
    rows = page.locator(f"{VIEW} .wb-orders tr[data-pick]")
    expect(rows).to_have_count(len(active))
    expect(page.locator(f"{VIEW} .wb-headline")).to_contain_text(f"{len(active)} active")
    page.locator(f"{VIEW} [data-sort=number]").click()
    newest_first = active.sort_values("opened_at", ascending=False, kind="stable")["number"]
    expect(rows.first).to_have_attribute("data-pick", newest_first.iloc[0])
    urgent = active[active["priority"] == active["priority"].iloc[0]]
    page.locator(f"{VIEW} .wb-filters select").nth(2).select_option(str(active["priority"].iloc[0]))
    expect(rows).to_have_count(len(urgent))
    page.wait_for_function("location.search.includes('priority=')")
    page.locator(f"{VIEW} .wb-filters select").nth(2).select_option("any priority")
    expect(rows).to_have_count(len(active))
    page.locator(f"{VIEW} [data-sort=urgent]").click()


def test_an_order_is_dragged_from_open_to_completed_on_the_board(page, session, made):
    lay_out(page, "Table")  # it reads again as it is opened
    lay_out(page, "Board")
    number = made.number
    expect(card(page, number)).to_be_visible()
    card(page, number).drag_to(column(page, "completed"))  # no column for an open order
    expect(column(page, "open").locator(f"[data-pick={number}]")).to_have_count(1)
    assert state_of(session, number) == "open"
    card(page, number).drag_to(column(page, "assigned"))
    page.locator(f"{VIEW} .wb-form").get_by_label("Technician", exact=True).select_option("Ann")
    press(page, "Assign order")
    expect(column(page, "assigned").locator(f"[data-pick={number}]")).to_have_count(1)
    assert session.maintenance.orders.get(number).assignee == "Ann"
    card(page, number).drag_to(column(page, "in progress"))
    expect(column(page, "in progress").locator(f"[data-pick={number}]")).to_have_count(1)
    assert state_of(session, number) == "in progress"
    answer(page)
    card(page, number).drag_to(column(page, "completed"))
    page.get_by_label("Work done").fill("seal is dry")
    press(page, "Complete order")
    told(page, f"{number} is completed.")
    expect(column(page, "completed").locator(f"[data-pick={number}]")).to_have_count(1)
    done = session.maintenance.orders.get(number)
    assert (done.state, done.done) == ("completed", "seal is dry")
    actions = session.maintenance.orders.history(number)["action"].tolist()
    states = ["assigned", "in progress", "completed"]
    assert [action for action in actions if action in states] == states


def test_an_order_is_completed_by_keyboard_alone(dashboard, session, made):
    number = made.number
    page = dashboard.open(f"?view=maintenance&board=yes&order={number}", shows=f"{VIEW} .wb-board")
    reach(page, ".wb-task")
    page.keyboard.press("Home")
    for _ in range(40):
        if page.evaluate("document.activeElement.dataset.pick") == number:
            break
        page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    expect(page.locator(f"{VIEW} .wb-detail h2")).to_contain_text(number)
    page.keyboard.press("Shift+ArrowRight")  # to the next column that takes it: assigned
    page.wait_for_selector(f"{VIEW} .wb-field-technician select >> visible=true")
    reach(page, ".wb-confirm")
    page.keyboard.press("Enter")
    told(page, "is assigned to")
    page.keyboard.press("s")
    told(page, "is in progress")
    reach(page, f"{CHECKLIST} input[type=text]")
    page.keyboard.type("a loose screw")
    page.keyboard.press("Enter")
    expect(page.locator(CHECKLIST).first).not_to_contain_text("required")
    reach(page, f"{VIEW} .wb-button")  # letters are keys again
    page.keyboard.press("f")
    expect(page.get_by_label("Work done")).to_be_focused()
    page.keyboard.type("tightened")
    reach(page, ".wb-confirm")
    page.keyboard.press("Enter")
    told(page, f"{number} is completed.")
    assert session.maintenance.orders.get(number).done == "tightened"
    page.close()


def test_an_order_is_opened_changed_remarked_held_and_cancelled(page, session):
    lay_out(page, "Table")
    before = set(session.maintenance.orders.list(state=None)["number"])
    press(page, "New order")
    form = page.locator(f"{VIEW} .wb-form")
    form.get_by_label("Asset").select_option("Pump 1")
    form.get_by_label("Title").fill("Replace the filter")
    press(page, "Open work order")
    told(page, "is open.")
    (number,) = set(session.maintenance.orders.list(state=None)["number"]) - before
    press(page, "Change")
    form.get_by_label("Priority").select_option("urgent")
    form.get_by_label("Description").fill("with the pump stopped")
    press(page, "Save changes")
    told(page, f"{number} is changed.")
    press(page, "Comment")
    form.get_by_label("Comment").fill("filter is in the store")
    press(page, "Add comment")
    told(page, f"{number} has a new comment.")
    press(page, "Assign")
    form.get_by_label("Technician").select_option("Ben")
    press(page, "Assign order")
    told(page, "is assigned to Ben")
    press(page, "Unassign")
    told(page, f"{number} is unassigned.")
    press(page, "Assign")
    press(page, "Assign order")
    told(page, "is assigned to")
    press(page, "Start")
    told(page, f"{number} is in progress.")
    press(page, "Hold")
    form.get_by_label("Reason").fill("wrong size")
    press(page, "Put order on hold")
    told(page, f"{number} is on hold.")
    press(page, "Cancel order")
    form.get_by_label("Reason").fill("ordered anew")
    press(page, "Cancel work order")
    told(page, f"{number} is cancelled.")
    order = session.maintenance.orders.get(number)
    assert (order.state, order.priority.name, order.description) == ("cancelled", "urgent", "with the pump stopped")
    assert "filter is in the store" in session.maintenance.orders.history(number).to_string()


def test_an_alert_of_an_order_leads_to_its_evidence(page, session):
    lay_out(page, "Table")
    linked = session.maintenance.orders_of_alerts()
    alert, number = next((alert, order) for alert, order in linked.items() if state_of(session, order) == "open")
    page.locator(f"{VIEW} .wb-orders tr[data-pick={number}]").click()
    page.locator(f"{VIEW} .wb-order tr[data-pick='{alert}']").click()
    expect(page.locator(".wb-pane.wb-anomalies")).to_be_visible()
    expect(page.locator(".wb-anomalies .wb-title h2")).to_contain_text(session.maintenance.alerts.get(alert).channel)
    page.locator(".wb-tab", has_text="Maintenance").click()


def test_a_plan_is_made_changed_by_what_if_kept_and_saved_as_a_calendar(page, session):
    planning = session.maintenance.planning
    headline = page.locator(f"{VIEW} .wb-headline")
    mode(page, "Plan")
    press(page, "Make a plan")
    expect(headline).to_contain_text("Proposed plan, not saved")
    assert planning.table().empty
    press(page, "Accept")
    expect(headline).to_contain_text("active orders planned")
    kept = planning.table().set_index("number")
    assert set(kept.index) == set(session.maintenance.orders.list()["number"])
    page.get_by_label("Days without work").fill("4")
    page.get_by_label("Days without work").press("Enter")
    page.get_by_label("Absent").and_(page.locator("select")).select_option("Ben")
    press(page, "What if")
    expect(headline).to_contain_text("what if")
    expect(page.locator(f"{VIEW} .wb-moves")).to_contain_text("difference")
    assert planning.table().set_index("number")["start"].equals(kept["start"]), "asking keeps nothing"
    press(page, "Accept")
    expect(headline).not_to_contain_text("Proposed")
    changed = planning.table().set_index("number")
    assert set(changed["technician"]) == {"Ann"}
    press(page, "Calendar file")
    with page.expect_download() as waited:
        page.locator(f"{VIEW} a[download$='.ics']").click()
    events = Calendar.from_ical(waited.value.path().read_bytes()).walk("VEVENT")
    assert sorted(event.decoded("dtstart") for event in events) == sorted(planning.sessions()["start"])


def test_a_planned_order_is_carried_to_another_day_placed_and_loosened(page, session):
    planning = session.maintenance.planning
    mode(page, "Plan")
    page.locator(f"{VIEW} .wb-toggle button", has_text="Week").click()
    sessions = page.locator(f"{VIEW} .wb-week .wb-session")
    slots = page.locator(f"{VIEW} .wb-slot[data-drop^='Ben|']")
    this_week = slots.first.get_attribute("data-drop")
    press(page, "Later")
    expect(slots.first).not_to_have_attribute("data-drop", this_week)
    if sessions.count() == 0:  # at the end of a week all work lies in the next one
        press(page, "Earlier")
        expect(slots.first).to_have_attribute("data-drop", this_week)
    number = sessions.first.get_attribute("data-pick")
    target = slots.nth(2).get_attribute("data-drop")
    sessions.first.drag_to(slots.nth(2))
    expect(page.locator(f"{VIEW} .wb-by-hand .wb-told")).to_contain_text("and fixed there")
    row = planning.table().set_index("number").loc[number]
    assert f"{row['technician']}|{row['start']:%Y-%m-%d}" == target
    assert row["frozen"]
    press(page, "Release")
    expect(page.locator(f"{VIEW} .wb-by-hand .wb-told")).to_contain_text("is released")
    assert not planning.table().set_index("number").loc[number, "frozen"]
    page.locator(f"{VIEW} .wb-toggle button", has_text="Month").click()
    expect(page.locator(f"{VIEW} .wb-plan [data-pick={number}]").first).to_be_visible()
    press(page, "Open order")
    expect(page.locator(f"{VIEW} .wb-detail h2")).to_contain_text(number)


def test_a_week_is_planned_by_keyboard_alone(dashboard, session):
    page = dashboard.open("?view=maintenance&mode=plan", shows=f"{VIEW} .wb-plan")
    page.locator(f"{VIEW} .wb-headline h1").wait_for()
    before = session.maintenance.planning.table()["planned_at"].max()
    page.keyboard.press("p")
    expect(page.locator(f"{VIEW} .wb-headline")).to_contain_text("Proposed plan, not saved")
    page.keyboard.press("y")
    expect(page.locator(f"{VIEW} .wb-headline")).not_to_contain_text("Proposed")
    assert session.maintenance.planning.table()["planned_at"].max() > before
    page.close()


def test_technicians_and_parts_are_saved_and_figures_follow(page, session):
    mode(page, "Resources")
    part = page.locator(f"{VIEW} .wb-entry", has=page.locator("h2", has_text="Parts"))
    part.get_by_label("Part", exact=True).fill("seal")
    part.get_by_label("Minimum").fill("3")
    part.get_by_label("Minimum").press("Tab")
    press(page, "Save part")
    expect(part.locator("tr[data-pick=seal]")).to_contain_text("reorder")
    part.get_by_label("Quantity").fill("5")
    part.get_by_label("Quantity").press("Tab")
    press(page, "Receive")
    expect(part.locator("tr[data-pick=seal]")).not_to_contain_text("reorder")
    assert session.maintenance.parts.list().set_index("name").loc["seal", "stock"] == 5
    page.locator(f"{VIEW} .wb-mode-resources").get_by_label("Name", exact=True).fill("Eve")
    page.locator(f"{VIEW} .wb-mode-resources").get_by_label("Skills").fill("optics")
    press(page, "Save technician")
    expect(page.locator(f"{VIEW} .wb-told", has_text="Eve is saved.")).to_be_visible()
    assert "Eve" in set(session.maintenance.people.list()["name"])
    mode(page, "Figures")
    rows = page.locator(f"{VIEW} .wb-kpi-table tbody tr")
    found = session.maintenance.kpis(session.watched())
    expect(rows.filter(has_text=re.compile("completed", re.IGNORECASE)).first).to_be_visible()
    assert found.completed_orders == len(session.maintenance.orders.list(state="completed"))


def test_the_log_is_searched_verified_and_saved(page, session):
    desk = session.maintenance
    mode(page, "Log")
    rows = page.locator(f"{VIEW} .wb-log tr[data-pick]")
    find = page.locator(f"{VIEW} .wb-log-find input")
    find.fill("seal is dry")
    find.press("Enter")
    expect(rows).to_have_count(desk.log_count(text="seal is dry"))
    expect(page.locator(f"{VIEW} .wb-log-details")).to_contain_text("completed")
    press(page, "CSV of all rows")
    with page.expect_download() as waited:
        page.locator(f"{VIEW} a[download='maintenance_log.csv']").click()
    assert pd.read_csv(waited.value.path())["seq"].tolist() == desk.log(text="seal is dry")["seq"].tolist()
    find.fill("")
    find.press("Enter")
    expect(rows).to_have_count(min(desk.log_length(), 100))
    press(page, "Verify")
    expect(page.locator(f"{VIEW} .wb-told", has_text=re.compile("rows"))).to_be_visible()
    page.locator(f"{VIEW} .wb-log-kind select").select_option("order")
    expect(rows.first).to_contain_text("WO-")
    subject = rows.first.locator("td").nth(2).inner_text()
    rows.first.click()
    page.keyboard.press("Enter")
    expect(page.locator(f"{VIEW} .wb-detail h2")).to_contain_text(subject)


@pytest.mark.parametrize("name", ["Orders", "Requests", "Plan", "Preventive", "Assets", "Resources", "Figures", "Log"])
def test_nothing_is_scrolled_at_1280_and_no_page_complained(page, dashboard, name):
    mode(page, name)
    assert page.evaluate("document.documentElement.scrollHeight <= innerHeight")
    assert (dashboard.complaints, dashboard.outside) == ([], [])


SHOWN = """name => [...document.querySelectorAll(".wb-maintenance .wb-mode")]
    .every(one => one.checkVisibility({visibilityProperty: true}) === one.classList.contains(name))"""
OUTSIDE = """() => [...document.querySelectorAll(".wb-maintenance *")]
    .filter(one => one.checkVisibility({visibilityProperty: true, contentVisibilityAuto: true}))
    .filter(one => one.textContent.trim())
    .filter(one => one.getBoundingClientRect().width > 1 && !one.closest("canvas, .bk-Figure, .wb-hidden"))
    .filter(one => one.getBoundingClientRect().right > innerWidth + 1)
    .map(one => one.textContent.trim().slice(0, 40))"""


@pytest.mark.parametrize("name", ["Orders", "Requests", "Preventive", "Assets", "Resources", "Figures", "Log"])
def test_nothing_is_outside_of_a_telephone(opened, dashboard, name):
    opened.set_viewport_size({"width": 390, "height": 844})
    mode(opened, name)
    opened.wait_for_function(SHOWN, arg=f"wb-mode-{name.lower()}")
    assert opened.evaluate(OUTSIDE) == []
    assert opened.evaluate("document.documentElement.scrollWidth") <= 390
    assert (dashboard.complaints, dashboard.outside) == ([], [])


def test_a_photo_is_attached_and_shown_and_the_code_of_the_order_is_drawn(page, session, made, tmp_path):
    lay_out(page, "Table")
    page.locator(f"{VIEW} .wb-orders tr[data-pick={made.number}]").click()
    expect(page.locator(f"{VIEW} .wb-detail h2")).to_contain_text(made.number)
    file = tmp_path / "leak.jpg"
    file.write_bytes(photo())
    press(page, "Attach file")
    page.locator(f"{VIEW} .wb-field-file input[type=file]").set_input_files(file)
    expect(page.locator(f"{VIEW} .wb-field-file img")).to_be_visible()
    press(page, "Attach this file")
    told(page, "has a new file")
    picture = page.locator(f"{VIEW} .wb-photos img")
    expect(picture).to_be_visible()
    page.wait_for_function("document.querySelector('.wb-maintenance .wb-photos img').naturalWidth === 480")
    (attached,) = session.maintenance.orders.get(made.number).attachments
    assert session.maintenance.orders.files.read(attached["file"]) == photo()
    page.locator(f"{VIEW} .wb-code summary").click()
    page.wait_for_function("document.querySelector('.wb-maintenance .wb-code img').naturalWidth > 100")
