"""The overview in a real browser, on the demo fleet, trained, scored and with its alerts raised by the real session."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Dashboard

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture(scope="module")
def opened(dashboard):
    page = dashboard.open()
    page.wait_for_selector(".wb-counts canvas")
    yield page
    page.close()


@pytest.fixture
def page(opened):
    """The page at 1280x800 with the overview open."""
    opened.set_viewport_size({"width": 1280, "height": 800})
    opened.keyboard.press("1")
    expect(opened.locator(".wb-pane.wb-overview")).to_be_visible()
    return opened


def test_every_channel_has_a_cell_with_its_open_alerts(page, session):
    counts = session.maintenance.alerts.list(state="open")["channel"].value_counts()
    cells = page.locator(".wb-cell")
    expect(cells).to_have_count(len(session.archive.channels()))
    for channel in session.archive.channels():
        shown = page.locator(".wb-cell", has_text=channel).locator("b").inner_text()
        assert shown == (str(counts[channel]) if channel in counts else "")


def test_the_figures_are_those_of_the_database(page, session):
    alerts = session.maintenance.alerts.list(state="open", order="newest")
    worst = alerts[alerts["level"] == "critical"].sort_values("acknowledged", kind="stable")["channel"].iloc[0]
    expect(page.locator(".wb-tile", has_text="Open alerts").locator("b")).to_have_text(str(len(alerts)))
    expect(page.locator(".wb-tile", has_text="Work orders").locator("b")).to_have_text(
        str(len(session.maintenance.orders.list()))
    )
    expect(page.locator(".wb-overview .wb-headline")).to_contain_text(f"Do first: {worst}")
    expect(page.locator(".wb-worst tr[data-pick]").first).to_contain_text(worst)
    expect(page.locator(".wb-worst svg").first).to_be_visible()


def test_a_table_that_is_whole_is_sorted_in_the_page_by_what_its_cells_mean(page, session):
    """Levels by their rank, scores as numbers; the other way round by the second click."""
    alerts = session.maintenance.alerts.list(state="open", order="worst").drop_duplicates("channel").head(30)
    rows = page.locator(".wb-worst tbody tr")
    heads = page.locator(".wb-worst th button")
    scores = alerts.dropna(subset="severity").sort_values("severity", kind="stable")
    heads.filter(has_text="score").click()
    expect(rows.first).to_contain_text(scores["channel"].iloc[-1])
    expect(page.locator(".wb-worst th[aria-sort]")).to_have_attribute("aria-sort", "descending")
    heads.filter(has_text="score").click()
    expect(rows.first).to_contain_text(scores["channel"].iloc[0])
    heads.filter(has_text="channel").click()
    shown = [text.split("\t")[1] for text in rows.all_inner_texts()]
    assert sorted(shown) == sorted(alerts["channel"])
    assert shown == sorted(shown, key=lambda name: (name.split("-")[0], int(name.split("-")[1])))
    heads.filter(has_text="level").click()
    ranks = ["info", "low", "medium", "high", "critical"]
    levels = [next(level for level in ranks if level in text) for text in rows.all_inner_texts()]
    assert levels == sorted(levels, key=ranks.index)
    assert len(set(levels)) > 1
    session.maintenance.alerts.comment(int(alerts["id"].iloc[0]), "Ann", "seen")  # the page reads again
    expect(page.locator(".wb-activity")).to_contain_text("commented")
    assert [next(level for level in ranks if level in text) for text in rows.all_inner_texts()] == levels
    page.reload()
    page.wait_for_selector(".wb-counts canvas")


def test_a_row_is_chosen_by_a_click_and_leads_on_by_enter(page, session):
    alerts = session.maintenance.alerts.list(state="open", order="newest")
    critical = alerts[alerts["level"] == "critical"].sort_values("acknowledged", kind="stable")
    channel = critical.drop_duplicates("channel")["channel"].iloc[1]
    row = page.locator(".wb-worst tr[data-pick]").nth(1)
    expect(row).to_contain_text(channel)
    row.click()
    expect(row).to_have_attribute("aria-selected", "true")
    page.wait_for_function("location.search.includes('anomaly=')")
    expect(page.locator(".wb-pane.wb-overview")).to_be_visible()
    page.keyboard.press("Enter")
    expect(page.locator(".wb-pane.wb-anomalies")).to_be_visible()
    expect(page.locator(".wb-anomalies .wb-title h2")).to_contain_text(channel)


def test_assets_most_likely_to_fail_are_seen_and_lead_on(page, session):
    rows = page.locator(".wb-failures tr[data-pick]")
    expect(rows).to_have_count(session.overview()["asset"].nunique())
    asset = rows.first.get_attribute("data-pick")
    expect(rows.first).to_be_visible()
    assert page.locator(".wb-failures").bounding_box()["height"] > 90
    rows.first.click()
    expect(page.locator(".wb-forecasting .wb-risks")).to_be_visible()
    page.wait_for_function("asset => new URLSearchParams(location.search).get('asset') == asset", arg=asset)


def test_a_period_changes_what_is_counted(page, session):
    page.get_by_role("button", name="1 h", exact=True).click()
    expect(page.locator(".wb-tile", has_text="Raised in 1 h")).to_be_visible()
    page.wait_for_function("location.search.includes('range=1')")
    page.get_by_role("button", name="7 d", exact=True).click()
    expect(page.locator(".wb-tile", has_text="Raised in 7 d")).to_be_visible()


@pytest.mark.parametrize(("width", "height"), [(1280, 800), (1920, 1080)])
def test_everything_is_on_one_screen(page, width, height):
    page.set_viewport_size({"width": width, "height": height})
    for part in (".wb-tiles", ".wb-health", ".wb-worst", ".wb-counts canvas", ".wb-activity", ".wb-load-panel"):
        box = page.locator(part).first.bounding_box()
        assert box["width"] > 150
        assert box["x"] + box["width"] <= width
        assert box["y"] + box["height"] <= height


@pytest.mark.parametrize(("query", "width", "height"), [("", 1280, 620), ("?wall", 1280, 800)])
def test_no_channel_lies_beside_the_panel_of_the_fleet(dashboard, session, query, width, height):
    """Where it lacks height it is longer than its room, never wider; a wall, that nobody scrolls, shows them all."""
    page = dashboard.open(query)
    page.set_viewport_size({"width": width, "height": height})
    page.wait_for_selector(".wb-counts canvas")
    expect(page.locator(".wb-health .wb-cell")).to_have_count(len(session.archive.channels()))
    body = page.locator(".wb-health .wb-grid-body")
    assert body.evaluate("one => one.scrollWidth <= one.clientWidth")
    if query:
        assert body.evaluate("one => one.scrollHeight <= one.clientHeight")
    page.close()


def test_a_page_shows_what_was_scored_after_its_kernel_was_started(dashboard, session):
    name = session.archive.channels()[-1]
    page = dashboard.open()
    expect(page.locator(".wb-unscored")).to_have_count(1)
    page.close()
    session.train(name, "ridge")
    session.score(name)
    page = dashboard.open()
    expect(page.locator(".wb-cell")).to_have_count(len(session.archive.channels()))
    expect(page.locator(".wb-unscored")).to_have_count(0)
    page.close()


def test_an_empty_home_says_what_to_run(browser, tmp_path):
    served = Dashboard(browser, tmp_path)
    try:
        page = served.open()
        expect(page.locator(".wb-overview .wb-headline")).to_contain_text("No telemetry yet. Run workbench run")
        page.close()
    finally:
        served.close()
    assert served.complaints == []


def test_no_page_complained_or_asked_another_host(page, dashboard):
    """Last: it judges what every page before it did."""
    expect(page.locator(".wb-cell").first).to_be_visible()
    assert dashboard.complaints == []
    assert dashboard.outside == []
