"""The overview in a real browser, on the demo fleet, trained and scored by the real session."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Dashboard

pytestmark = [pytest.mark.browser, pytest.mark.slow]


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
    head = page.locator(".wb-overview .wb-headline .wb-line")
    expect(head).to_contain_text(f"{len(overview)} channels, {scored['anomalies'].sum()} anomalies")
    expect(head).to_contain_text(f"{len(scored)} scored, 1 not scored: run workbench score --all")
    for level, n in scored.loc[scored["level"] != "", "level"].value_counts().items():
        expect(page.locator(f".wb-overview .wb-headline li.{level} b")).to_have_text(str(n))


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
    for part in (".wb-top", ".wb-list", ".wb-charts", ".wb-anomalies"):
        box = page.locator(part).bounding_box()
        assert box is not None
        assert box["height"] > 20
        assert box["y"] + box["height"] <= height
        assert box["x"] + box["width"] <= width


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
        expect(page.locator(".wb-overview .wb-headline")).to_contain_text("No telemetry yet. Run workbench run")
        page.close()
    finally:
        served.close()
    assert served.complaints == []


def test_no_page_complained_or_asked_another_host(page, dashboard):
    """Last: it judges what every page before it did."""
    expect(page.locator(".wb-title h2")).not_to_be_empty()
    assert dashboard.complaints == []
    assert dashboard.outside == []
