"""What the charts draw after a link, a reload and the browser's Back, beside the samples of the archive.

The documents are read in the page: titles and tables were right while the charts were another channel's.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from playwright.sync_api import Page, expect

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PATIENCE = 30_000
LEVELS = ("critical", "high", "medium", "low", "info")
DRAWN = """pattern => [...Bokeh.index]
    .filter(view => view.el.isConnected && view.el.checkVisibility())
    .flatMap(view => [...view.model.references()])
    .filter(model => model.renderers !== undefined && model.visible && new RegExp(`^${pattern}$`).test(model.name))
    .sort((a, b) => a.name < b.name ? -1 : 1)
    .map(plot => {
        const sources = {}
        for (const {data_source} of plot.renderers) {
            if (data_source === undefined) continue
            const data = data_source.data
            const columns = data instanceof Map ? [...data] : Object.entries(data)
            sources[data_source.name] = Object.fromEntries(columns.map(([name, values]) => [name, Array.from(values)]))
        }
        return {label: plot.left[0]?.axis_label ?? "", sources}
    })"""


def wait_until(page: Page, judge: Callable[[], str]):
    """Wait until nothing is wrong with the page any more; what is wrong is said in the failure."""
    waited = 0
    while wrong := judge():
        assert waited < PATIENCE, wrong
        page.wait_for_timeout(250)
        waited += 250


def expect_shown(page: Page, pattern: str, judge: Callable[[list[dict]], str]):
    """Wait until the visible figures whose names match are those of the view, by what a function says of them."""
    page.wait_for_function("window.Bokeh?.index !== undefined")
    wait_until(page, lambda: judge(page.evaluate(DRAWN, pattern)))


def samples(session, name):
    """The telemetry of the archive by the time of charts."""
    channel = session.archive.open(name, "test")
    time = channel["time"].values.astype("datetime64[ms]").astype(np.int64)
    return dict(zip(time.tolist(), channel["telemetry"].values.tolist(), strict=True))


def differs(session, name, data):
    """Say what of a drawn line is not of a channel; nothing where all of it is."""
    expected = samples(session, name)
    pairs = list(zip(data["time"], data["telemetry"], strict=True))
    if len(pairs) < 200:
        return f"only {len(pairs)} points are drawn"
    wrong = [at for at, value in pairs if int(at) not in expected or abs(expected[int(at)] - value) > 1e-4]
    return f"{len(wrong)} of {len(pairs)} points are not of {name}" if wrong else ""


def expect_anomaly_charts(page, session, name):
    expect(page.locator(".wb-anomalies .wb-title h2")).to_contain_text(name)
    expect_shown(
        page,
        "channel",
        lambda plots: differs(session, name, plots[0]["sources"]["telemetry"]) if len(plots) == 1 else "no chart",
    )


def expect_forecast_charts(page, session, name):
    expect(page.locator(".wb-forecasting .wb-headline")).to_contain_text(name)
    expect_shown(
        page,
        "forecast",
        lambda plots: differs(session, name, plots[0]["sources"]["telemetry"]) if len(plots) == 1 else "no chart",
    )


def expect_strips(page, session, name):
    asset = session.archive.info(name).asset
    names = {other for other in session.archive.channels() if session.archive.info(other).asset == asset}

    def judge(plots):
        drawn = [plot["label"].split(" ")[0] for plot in plots]
        if len(drawn) != min(len(names), 8) or not set(drawn) <= names:
            return f"the strips are of {drawn}, the asset has {sorted(names)}"
        wrong = [differs(session, one, plot["sources"]["telemetry"]) for one, plot in zip(drawn, plots, strict=True)]
        return "; ".join(filter(None, wrong))

    expect_shown(page, r"strip \d", judge)


VIEWS = {
    "anomalies": (expect_anomaly_charts, "?view=anomalies&channel={}&whole=yes"),
    "monitoring": (expect_strips, "?view=monitoring&asset={asset}&channel={}"),
    "forecasting": (expect_forecast_charts, "?view=forecasting&channel={}"),
}


def address(session, view, name):
    return VIEWS[view][1].format(name, asset=session.archive.info(name).asset)


@pytest.mark.parametrize("view", VIEWS)
def test_charts_are_those_of_the_link_of_a_reload_and_of_back(dashboard, session, view):
    judge = VIEWS[view][0]
    page = dashboard.open(address(session, view, "COM-3"))
    judge(page, session, "COM-3")
    page.reload()
    judge(page, session, "COM-3")
    page.goto(dashboard.url + address(session, view, "BRG-1"))
    judge(page, session, "BRG-1")
    page.go_back()
    judge(page, session, "COM-3")
    page.close(run_before_unload=True)  # its kernel makes room for the next


def test_back_within_the_page_draws_what_was_before(dashboard, session):
    page = dashboard.open(address(session, "anomalies", "COM-3") + "&group=alert")
    expect_anomaly_charts(page, session, "COM-3")
    page.locator(".wb-anomalies .wb-list tr[data-pick]", has_text="BRG-1").first.click()
    expect(page.locator(".wb-anomalies .wb-title h2")).to_contain_text("BRG-1")
    page.wait_for_function("location.search.includes('channel=BRG-1')")
    for name, view in (("Forecasting", "forecasting"), ("Monitoring", "monitoring")):
        page.locator(".wb-tab", has_text=name).click()
        VIEWS[view][0](page, session, "BRG-1")
        page.wait_for_function("view => location.search.includes(`view=${view}`)", arg=view)
    page.go_back()
    expect_forecast_charts(page, session, "BRG-1")
    page.go_back()
    expect(page.locator(".wb-pane.wb-anomalies")).to_be_visible()
    page.go_back()
    expect_anomaly_charts(page, session, "COM-3")
    page.close(run_before_unload=True)  # its kernel makes room for the next


LOSING = """
    const handler = Object.getOwnPropertyDescriptor(WebSocket.prototype, "onmessage")
    window.lost = 0
    Object.defineProperty(WebSocket.prototype, "onmessage", {
        ...handler,
        set(take) {
            window.socket = this
            handler.set.call(this, (event) => {
                const text = typeof event.data === "string" ? event.data : new TextDecoder().decode(event.data)
                if (window.losing?.test(text)) window.lost += 1
                else take(event)
            })
        },
    })
"""


@pytest.fixture
def losing(dashboard, session):
    """A page on the strips of Orbiter 2 whose connection can lose messages."""
    complaints = list(dashboard.complaints)
    context = dashboard.context()
    context.add_init_script(LOSING)
    page = dashboard.open(address(session, "monitoring", "COM-3"), context=context)
    expect_strips(page, session, "COM-3")
    yield page
    page.close(run_before_unload=True)  # its kernel makes room for the next
    dashboard.complaints[:] = complaints  # of a broken connection a page may complain


def choose_pump(page):
    page.locator(".wb-choice", has_text="Asset").first.locator("select").select_option(label="Pump 1")
    page.wait_for_function("window.lost > 0")


def test_a_chart_that_missed_a_part_of_a_change_is_drawn_anew(losing, session):
    losing.evaluate(r"""window.losing = /"part":\s*1\b/""")
    choose_pump(losing)
    expect_strips(losing, session, "BRG-1")


def test_a_connection_that_was_lost_brings_what_has_changed_meanwhile(losing, session):
    losing.evaluate(r"""window.losing = /"msg":\s*"patch"/""")
    choose_pump(losing)
    losing.evaluate("window.losing = null; window.socket.close()")
    expect_strips(losing, session, "BRG-1")
    losing.get_by_role("button", name="Replay").click()
    expect(losing.locator(".wb-monitoring .wb-headline")).to_contain_text("replayed to")
    ends = []

    def judge(plots):
        ends.extend(max(plots[0]["sources"]["telemetry"]["time"], default=0.0) for _ in plots[:1])
        return "" if len(set(ends)) > 3 else "the replay does not go on in the page"

    expect_shown(losing, r"strip \d", judge)


def come_again(page, query, judge):
    """Judge what a page draws by its link, by a reload, and when the reader comes back to it."""
    judge(page)
    page.reload()
    judge(page)
    page.goto(f"{page.url.split('?')[0]}?view=anomalies")
    page.wait_for_selector(".wb-anomalies .wb-charts canvas")
    page.go_back()
    judge(page)
    assert page.url.endswith(query)


def test_the_overview_counts_the_alerts_of_the_period_of_a_link(dashboard, session):
    since = pd.Timestamp(datetime.now(UTC) - timedelta(hours=24))
    alerts = session.maintenance.alerts.list(state=None, since=since.to_pydatetime())
    expected = alerts["level"].value_counts().to_dict()

    def judge(plots):
        if len(plots) != 1:
            return "no chart"
        [data] = plots[0]["sources"].values()
        first = pd.Timestamp(data["from"][0].removesuffix(" UTC"), tz="UTC")
        if abs(first - since) > pd.Timedelta(hours=1):
            return f"the bars begin at {first}, the last 24 h at {since}"
        counts = {level: sum(data[level]) for level in LEVELS if sum(data[level])}
        return "" if counts == expected else f"{counts} alerts are drawn, {expected} were raised"

    query = "?view=overview&range=24+h"
    page = dashboard.open(query)
    come_again(page, query, lambda page: expect_shown(page, "alert_counts", judge))
    page.close(run_before_unload=True)  # its kernel makes room for the next


def test_models_draw_the_drift_of_every_model(dashboard, session):
    trained = session.archive.channels()[:-1]
    expected = session.models.drift(trained).query("status != 'failed'").set_index("channel")["ks"].to_dict()

    def judge(plots):
        if len(plots) != 1:
            return "no chart"
        sources = plots[0]["sources"]
        drawn = {}
        for kind in ("steady", "drifted"):
            drawn |= dict(zip(sources[kind]["channel"], sources[kind]["ks"], strict=True))
        return "" if drawn == pytest.approx(expected, abs=1e-6) else f"{len(drawn)} of {len(expected)} are drawn"

    query = "?view=models&channel=COM-3"
    page = dashboard.open(query)
    come_again(page, query, lambda page: expect_shown(page, "drift", judge))
    page.close(run_before_unload=True)  # its kernel makes room for the next


def test_the_plan_draws_the_week_of_a_link(dashboard, session):
    desk = session.maintenance
    desk.people.set("Ann", "Kim")
    today = datetime.now(UTC).replace(hour=9, minute=0, second=0, microsecond=0)
    mondays = [today + timedelta(days=7 * weeks - today.weekday()) for weeks in (1, 4)]
    numbers = []
    for monday in mondays:
        order = desk.orders.new("Kim", asset="Pump-1", type="inspection", title="Look at the seal", hours=2)
        desk.planning.place(order.number, "Ann", monday, "Kim")
        numbers.append(order.number)

    def judge(plots):
        drawn = set(plots[0]["sources"]["bars"]["number"]) if len(plots) == 1 else "no chart"
        return "" if drawn == {numbers[1]} else f"{drawn} is drawn in the week of {numbers[1]}"

    query = f"?view=maintenance&mode=plan&day={mondays[1]:%Y-%m-%d}"
    page = dashboard.open(query)
    come_again(page, query, lambda page: expect_shown(page, "gantt", judge))
    page.close(run_before_unload=True)  # its kernel makes room for the next


def test_the_load_of_the_system_goes_on_from_link_to_link(dashboard):
    page = dashboard.open("?view=system")
    newest = []

    def judge(plots):
        times = [max(line["time"]) for plot in plots for name, line in plot["sources"].items() if name != "ends"]
        if len(plots) != 2 or not times or len(set(times)) != 1:
            return f"{len(plots)} charts with last times {times}"
        later = not newest or times[0] > newest[-1]
        newest.extend(times[:1] if later else [])
        return "" if later else "nothing new is drawn"

    for _ in range(2):
        expect_shown(page, "memory|cpu", judge)
    page.reload()
    for _ in range(2):
        expect_shown(page, "memory|cpu", judge)
    page.close(run_before_unload=True)  # its kernel makes room for the next


def test_no_page_complained(dashboard):
    """It judges what every page before it did; one that is left while it has something to say cannot send it."""
    assert [complaint for complaint in dashboard.complaints if complaint != "Cannot send"] == []
