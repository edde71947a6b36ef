"""Anomalies in a real browser: triage by mouse and by keys, and what it leaves in the database."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import reach
from workbench.maintenance.alerts.places import moment_of
from workbench.telemetry.moments import moment_text

pytestmark = [pytest.mark.browser, pytest.mark.slow]

ROWS = ".wb-anomalies .wb-list tr[data-pick]"


@pytest.fixture(scope="module")
def opened(dashboard):
    page = dashboard.open("?view=anomalies&group=alert")
    page.wait_for_selector(ROWS)
    page.wait_for_selector(".wb-anomalies .wb-charts canvas")
    yield page
    page.close()


@pytest.fixture
def page(opened):
    """The page with all open alerts listed, none marked and the first chosen."""
    opened.locator(ROWS).first.click()
    expect(opened.locator(ROWS).first).to_have_attribute("aria-selected", "true")
    return opened


def alert_of(page):
    return int(page.locator(f"{ROWS}.wb-chosen").get_attribute("data-pick"))


def told(page, words):
    expect(page.locator(".wb-anomalies .wb-told")).to_contain_text(words)


def stored(session, alert):
    return session.maintenance.alerts.get(alert)


def test_the_list_is_that_of_the_database_worst_first(page, session):
    alerts = session.maintenance.alerts.list(state="open", order="worst")
    assert page.locator(ROWS).evaluate_all("rows => rows.map(row => Number(row.dataset.pick))") == alerts["id"].tolist()
    first = page.locator(ROWS).first
    expect(first).to_contain_text(alerts["channel"].iloc[0])
    expect(page.locator(".wb-fleet")).to_contain_text(f"{len(alerts)} open alerts")


def test_arrows_choose_and_everything_follows(page, session):
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    third = page.locator(ROWS).nth(2)
    expect(third).to_have_attribute("aria-selected", "true")
    alert = stored(session, int(third.get_attribute("data-pick")))
    expect(page.locator(".wb-anomalies .wb-title h2")).to_contain_text(alert.channel)
    expect(page.locator(".wb-anomalies .wb-evidence")).to_contain_text("other settings")
    begin = moment_text(moment_of(vars(alert)))
    page.wait_for_function("begin => new URLSearchParams(location.search).get('anomaly') === begin", arg=begin)


def test_a_key_acknowledges_and_the_other_browser_sees_it(page, session, dashboard):
    other = dashboard.open("?view=anomalies&group=alert")
    alert = alert_of(page)
    expect(other.locator(f"{ROWS}[data-pick='{alert}']")).not_to_contain_text("cleared")
    page.keyboard.press("a")
    told(page, "1 alert acknowledged.")
    assert stored(session, alert).acknowledged
    state = {"returned": "cleared", "cleared": "cleared", "latched_acknowledged": "acknowledged, waiting for reset"}
    words = state.get(stored(session, alert).state, "acknowledged")
    expect(other.locator(f"{ROWS}[data-pick='{alert}']")).to_contain_text(words)
    other.close()


def test_shelving_asks_for_a_reason_and_unshelving_brings_it_back(page, session):
    page.locator(ROWS).nth(1).click()
    alert = alert_of(page)
    page.keyboard.press("s")
    page.get_by_label("Reason").fill("sensor is being replaced")
    page.get_by_role("button", name="Shelve alert").click()
    told(page, "1 alert shelved.")
    assert stored(session, alert).shelved_why == "sensor is being replaced"
    page.locator(f"{ROWS}[data-pick='{alert}']").click()
    page.keyboard.press("u")
    told(page, "1 alert shown again.")
    assert stored(session, alert).state != "shelved"


def test_marked_alerts_are_commented_and_closed_together(page, session):
    for place in (-1, -2):
        page.locator(ROWS).nth(place).click()
        page.keyboard.press("x")
    expect(page.locator(f"{ROWS}:has(:checked)")).to_have_count(2)
    marked = page.locator(f"{ROWS}:has(:checked)").evaluate_all("rows => rows.map(row => Number(row.dataset.pick))")
    page.keyboard.press("m")
    page.get_by_label("Comment").fill("seen in both")
    page.get_by_role("button", name="Add comment to 2 alerts").click()
    told(page, "2 alerts commented.")
    assert {stored(session, alert).comment for alert in marked} == {"seen in both"}
    for alert in marked:
        page.locator(f"{ROWS}[data-pick='{alert}'] input").check()
    page.keyboard.press("v")
    page.get_by_label("Verdict").select_option("false alarm")
    page.get_by_role("button", name="Close 2 alerts").click()
    told(page, "2 alerts closed.")
    assert {stored(session, alert).verdict for alert in marked} == {"false alarm"}
    for alert in marked:
        expect(page.locator(f"{ROWS}[data-pick='{alert}']")).to_have_count(0)


def test_filters_and_heads_change_the_list(page, session):
    desk = session.maintenance.alerts
    page.locator(".wb-filters select").first.select_option("high and above")
    count = len(desk.list(state="open", level="high"))
    expect(page.locator(ROWS)).to_have_count(count)
    page.locator(".wb-filters select").first.select_option("any level")
    expect(page.locator(ROWS)).to_have_count(len(desk.list(state="open")))
    page.locator(".wb-list [data-sort=channel]").click()
    expect(page.locator(".wb-list th[aria-sort]")).to_contain_text("channel")
    first = desk.list(state="open", order="channel")["id"].iloc[0]
    expect(page.locator(ROWS).first).to_have_attribute("data-pick", str(first))
    page.locator(".wb-list [data-sort=worst]").click()
    expect(page.locator(".wb-list th[aria-sort]")).to_contain_text("level")


def test_other_thresholds_are_tried_and_nothing_is_changed(page, session):
    count = len(session.maintenance.alerts.list(state="open"))
    page.get_by_role("button", name="Thresholds").click()
    page.get_by_label("z from").fill("11.5")
    page.get_by_role("button", name="Try on the fleet").click()
    expect(page.locator(".wb-tab-thresholds .wb-words")).to_contain_text("would vanish")
    assert len(session.maintenance.alerts.list(state="open")) == count
    page.get_by_role("button", name="Revert").click()
    expect(page.get_by_label("z from")).to_have_value("2.5")
    page.get_by_role("button", name="Evidence").click()


def test_related_channels_and_similar_segments_are_shown(page):
    page.get_by_role("button", name="Related").click()
    expect(page.locator(".wb-tab-related tr[data-pick]").first).to_be_visible()
    page.get_by_role("button", name="Similar", exact=True).click()
    page.get_by_role("button", name="Find similar segments").click()
    expect(page.locator(".wb-tab-similar tr[data-pick]").first).to_be_visible()
    page.get_by_role("button", name="Evidence").click()


def test_from_a_cell_of_the_overview_through_other_thresholds_to_a_work_order_by_keyboard_alone(dashboard, session):
    page = dashboard.open("?view=overview")
    page.wait_for_selector(".wb-cell")
    alert = stored(session, int(session.maintenance.alerts.list(state="open")["id"].max()))
    own = session.maintenance.alerts.list(state="open", channel=alert.channel)["id"]
    orders = session.maintenance.orders_of_alerts()
    for number in {orders[one] for one in own if one in orders}:
        session.maintenance.orders.cancel(number, "opened by hand below", "Kim")
    reach(page, ".wb-cell")
    for _ in range(40):
        if alert.channel in page.evaluate("document.activeElement.textContent"):
            break
        page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    expect(page.locator(".wb-anomalies .wb-title h2")).to_contain_text(alert.channel)
    page.wait_for_selector(f"{ROWS}.wb-chosen")
    chosen = alert_of(page)
    expect(page.locator(".wb-anomalies .wb-evidence")).to_contain_text("why")
    before = session.maintenance.alerts.list(state="open")["id"].tolist()
    reach(page, ".wb-subtab[title='Try other thresholds before anything is changed']")
    page.keyboard.press("Enter")
    reach(page, ".wb-tab-thresholds .wb-field:first-child input")
    page.keyboard.press("Control+A")
    page.keyboard.type("11.5")
    reach(page, ".wb-tab-thresholds .wb-bar button:nth-of-type(2)")
    page.keyboard.press("Enter")
    expect(page.locator(".wb-tab-thresholds .wb-words")).to_contain_text("would vanish")
    assert session.maintenance.alerts.list(state="open")["id"].tolist() == before
    page.keyboard.press("a")
    told(page, "1 alert")
    assert stored(session, chosen).acknowledged
    page.keyboard.press("w")
    page.wait_for_selector(".wb-confirm >> visible=true")
    due = page.get_by_label("Due, UTC").locator("visible=true")
    ruler = "field => (font => Object.assign(document.createElement('canvas').getContext('2d'), { font }))"
    letters = f"{ruler}(getComputedStyle(field).font).measureText('12/12/2026, 12:00 AM').width"
    assert due.evaluate("field => field.clientWidth") > due.evaluate(letters)  # the time of day is seen, too
    reach(page, ".wb-confirm")
    page.keyboard.press("Enter")
    told(page, "Work order WO-")
    assert chosen in session.maintenance.orders_of_alerts()
    page.close()


def test_no_page_complained_or_asked_another_host(page, dashboard):
    assert dashboard.complaints == []
    assert dashboard.outside == []


def test_a_case_is_a_line_that_opens_into_its_alerts_by_keys_and_by_mouse(dashboard, session):
    alerts = session.maintenance.alerts.list(state="open", order="worst")
    several = alerts[alerts["case_id"].duplicated(keep=False)]
    case = session.maintenance.cases.get(int(several["case_id"].iloc[0]))
    own = [str(alert) for alert in several.loc[several["case_id"] == case.id, "id"]]
    page = dashboard.open("?view=anomalies")
    line = page.locator(f"{ROWS}[data-pick='case {case.id}']")
    part = page.locator(f"{ROWS}[data-pick='{own[0]}']")
    page.wait_for_selector(".wb-anomalies .wb-charts canvas")
    expect(line).to_have_attribute("aria-expanded", "false")
    expect(part).to_have_count(0)
    line.click()
    words = str(case).replace(case.asset, session.catalog.asset(case.asset).name)
    expect(page.locator(".wb-anomalies .wb-title")).to_contain_text(words.removesuffix("."))
    page.keyboard.press("ArrowRight")
    expect(line).to_have_attribute("aria-expanded", "true")
    expect(page.locator(".wb-anomalies .wb-list table")).to_have_attribute("role", "treegrid")
    rows = page.locator(ROWS).evaluate_all("rows => rows.map(row => row.dataset.pick)")
    at = rows.index(f"case {case.id}")
    assert rows[at + 1 : at + 1 + len(own)] == own
    page.keyboard.press("ArrowDown")  # the focus stayed on the line
    expect(part).to_have_attribute("aria-selected", "true")
    page.keyboard.press("ArrowUp")
    expect(line).to_have_attribute("aria-selected", "true")
    page.keyboard.press("ArrowLeft")
    expect(part).to_have_count(0)
    line.locator("button.wb-turn").click()
    expect(part).to_be_visible()
    line.locator("button.wb-turn").click()
    expect(line).to_have_attribute("aria-expanded", "false")
    page.close()


def test_the_list_shows_all_its_columns(dashboard):
    page = dashboard.open("?view=anomalies")
    for width in (1280, 1920, 2560):
        page.set_viewport_size({"width": width, "height": 800})
        expect(page.locator(".wb-anomalies .wb-list .wb-grid-body tr").nth(1)).to_be_visible()
        page.wait_for_function(
            """() => {
                const body = document.querySelector(".wb-anomalies .wb-list .wb-grid-body")
                return body.scrollWidth <= body.clientWidth
            }"""
        )
    page.close()


def test_a_narrow_screen_has_the_details_below_the_list(dashboard):
    context = dashboard.context(viewport={"width": 390, "height": 844})
    narrow = dashboard.open("?view=anomalies&group=alert", context)
    narrow.locator(ROWS).first.click()
    detail = narrow.locator(".wb-anomalies .wb-detail")
    detail.locator("canvas").first.scroll_into_view_if_needed()
    listing, below = narrow.locator(".wb-anomalies .wb-list").bounding_box(), detail.bounding_box()
    assert below["y"] >= listing["y"] + listing["height"]
    assert below["width"] > 350, "of 390"
    pane = narrow.locator(".wb-pane.wb-anomalies")
    assert pane.evaluate("node => node.scrollHeight > node.clientHeight")
    context.close()


def test_a_form_has_the_focus_and_no_letter_is_a_key_and_no_text_moves_to_another(dashboard, session):
    context = dashboard.context(viewport={"width": 390, "height": 844})
    narrow = dashboard.open("?view=anomalies&group=alert", context)
    narrow.locator(ROWS).first.click()
    actions = narrow.locator(".wb-anomalies .wb-actions")
    actions.get_by_role("button", name="Comment").click()
    field = narrow.get_by_label("Comment", exact=True)
    expect(field).to_be_focused()
    look = narrow.evaluate("document.documentElement.dataset.look")
    narrow.keyboard.type("test")
    expect(field).to_have_value("test")
    narrow.evaluate("document.activeElement.blur()")
    narrow.keyboard.press("t")
    actions.get_by_role("button", name="Shelve").click()
    reason = narrow.get_by_label("Reason", exact=True)
    expect(reason).to_have_value("")
    expect(narrow.get_by_label("Hours", exact=True)).to_be_focused()
    assert narrow.evaluate("document.documentElement.dataset.look") == look
    narrow.keyboard.press("Escape")
    expect(reason).to_be_hidden()
    context.close()


def test_the_second_click_of_a_double_click_presses_no_other_button(dashboard, session):
    alerts = session.maintenance.alerts.list(state="open", order="worst")
    waiting = alerts[alerts["state"].isin(["unacknowledged", "returned", "latched"])]["id"]
    context = dashboard.context(viewport={"width": 1280, "height": 800})
    page = dashboard.open("?view=anomalies&group=alert", context)
    page.locator(f"{ROWS}[data-pick='{waiting.iloc[0]}']").click()
    page.evaluate("""() => {
        window.heard = []
        const [first, second] = document.querySelectorAll(".wb-anomalies .wb-actions button:not(:disabled)")
        for (const button of [first, second]) {
            const hear = (event) => { heard.push(button.textContent); event.stopImmediatePropagation() }
            button.addEventListener("click", hear, true)
        }
        for (const button of [first, second]) {
            button.dispatchEvent(new MouseEvent("click", { bubbles: true, detail: 1, clientX: 100, clientY: 100 }))
        }
    }""")
    assert page.evaluate("heard") == ["Acknowledge"]
    context.close()
