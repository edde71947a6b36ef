"""Forecasting in a real browser, on the demo fleet, trained and scored by the real session."""

import re

import pytest
from playwright.sync_api import expect

from workbench.forecasting import forecasts

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture(scope="module")
def opened(dashboard, session):
    for name in ("Ann", "Ben"):
        session.maintenance.people.set(name, "root")
    session.maintenance.orders.new("Ann", asset="Orbiter-1", title="Battery", type="corrective")
    page = dashboard.open("?view=forecasting&channel=PWR-2", shows=".wb-forecasting .wb-headline h1")
    page.wait_for_selector(".wb-forecasting .wb-fan canvas")
    yield page
    page.close()


@pytest.fixture
def page(opened):
    """The page on a channel, 10 samples ahead."""
    opened.locator(".wb-forecasting .wb-toggle button").first.click()
    choose(opened, "Ahead", "10 samples")
    expect(opened.locator(".wb-forecasting .wb-headline")).to_contain_text("10 samples ahead")
    return opened


def choose(page, words, value):
    page.locator(".wb-forecasting .wb-choice", has_text=words).locator("select").select_option(value)


def rows(page, panel):
    return page.locator(f".wb-forecasting .{panel} tbody tr")


SOURCE = """name => {
    for (const view of Object.values(Bokeh.index.roots ?? Bokeh.index))
        for (const model of view.model.references())
            if (model.type == "ColumnDataSource" && model.name == name) {
                const columns = model.data instanceof Map ? [...model.data] : Object.entries(model.data)
                return Object.fromEntries(columns.map(([key, values]) => [key, Array.from(values)]))
            }
    return null
}"""


def drawn(page, name):
    """Columns of the Bokeh source called `name` in the first figure that has it."""
    return page.evaluate(SOURCE, name)


def wait_for_forecast(page, *, last, leads):
    page.wait_for_function(
        f"""([last, leads]) => {{
            const values = ({SOURCE})("forecast").forecast
            return values.length == leads + 1 && Math.abs(values[leads] - last) < 1e-5
        }}""",
        arg=[last, leads],
    )


def test_the_forecast_drawn_is_the_session_s(page, session):
    found = forecasts(session, "PWR-2")
    names = rows(page, "wb-skill").evaluate_all("rows => rows.map(row => row.dataset.pick)")
    assert sorted(names) == sorted(found)
    for name in names:
        page.locator(f".wb-forecasting .wb-skill tr[data-pick={name}]").click()
        expect(page.locator(".wb-forecasting .wb-skill tr.wb-chosen")).to_have_attribute("data-pick", name)
        expect(page).to_have_url(re.compile(f"forecaster={name}"))
        values = found[name]["forecast"].values[-1]
        wait_for_forecast(page, last=float(values[-1]), leads=10)
        assert drawn(page, "forecast")["forecast"][1:] == pytest.approx(values, abs=1e-5)


def test_looking_farther_ahead_changes_charts_limits_and_address(page, session):
    name = page.locator(".wb-forecasting .wb-skill tr.wb-chosen").get_attribute("data-pick")
    values = forecasts(session, "PWR-2", steps=60)[name]["forecast"].values[-1]
    choose(page, "Ahead", "60 samples")
    wait_for_forecast(page, last=float(values[-1]), leads=60)
    expect(page.locator(".wb-forecasting .wb-headline")).to_contain_text("60 samples ahead")
    expect(page).to_have_url(re.compile("ahead=60"))
    expect(rows(page, "wb-limits")).to_have_count(4)


def test_risks_and_a_delay_of_the_plan(page, session):
    page.locator(".wb-forecasting .wb-toggle button").nth(1).click()
    expect(rows(page, "wb-risks")).to_have_count(3)
    expect(rows(page, "wb-risks").first).to_contain_text("Orbiter 1")
    assert "Orbiter 1" in drawn(page, "assets")["names"][0]
    entries = len(session.maintenance.log())
    days = page.locator(".wb-forecasting .wb-asked input[type=number]").first
    days.fill("3")
    days.press("Enter")
    page.get_by_role("button", name="Compare the plans").click()
    answer = page.locator(".wb-forecasting .wb-answer")
    expect(answer).to_contain_text("hours late")
    expect(answer).to_contain_text("WO-1")
    assert len(session.maintenance.log()) == entries


def test_thresholds_are_tried(page):
    page.locator(".wb-forecasting .wb-toggle button").nth(1).click()
    page.get_by_role("button", name="Try on the fleet").click()
    expect(page.locator(".wb-forecasting .wb-words")).to_contain_text("would appear")


def test_nothing_is_scrolled_at_1280_and_nothing_is_asked_of_others(page, dashboard):
    assert page.evaluate("document.documentElement.scrollHeight <= innerHeight")
    for panel in (".wb-fan", ".wb-parts", ".wb-skill", ".wb-limits", ".wb-leads"):
        box = page.locator(f".wb-forecasting {panel}").bounding_box()
        assert box["height"] > 60, panel
        assert box["y"] + box["height"] <= 800, panel
    assert (dashboard.complaints, dashboard.outside) == ([], [])
