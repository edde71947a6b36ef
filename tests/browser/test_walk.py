"""A walk of random clicks, links, reloads and Backs, after each of which everything on the page says the same.

What the address asks for is looked up in the session, and compared with the title, the chosen row, the charts, the
evidence and the title of the browser's tab.
"""

import random
import re
from urllib.parse import parse_qsl, urlencode

import pandas as pd
import pytest
from playwright.sync_api import Error

from tests.browser.test_links import DRAWN, differs, wait_until
from workbench.maintenance.alerts.places import moment_of
from workbench.telemetry.moments import read_moment

pytestmark = [pytest.mark.browser, pytest.mark.slow]

STEPS, LONG_STEPS = 40, 300
SEEN = """() => {
    const shown = element => element.checkVisibility({visibilityProperty: true})
    const one = selector => [...document.querySelectorAll(selector)].find(shown)
    const text = selector => one(selector)?.textContent.trim() ?? ""
    return {
        query: location.search,
        tab: document.title,
        view: text(".wb-nav .wb-current"),
        headline: text(".wb-pane .wb-headline h1"),
        title: text(".wb-detail .wb-title h2"),
        row: one(".wb-pane .wb-list tr.wb-chosen, .wb-pane .wb-orders tr.wb-chosen")?.dataset.pick ?? "",
        cells: text(".wb-pane .wb-list tr.wb-chosen, .wb-pane .wb-orders tr.wb-chosen"),
        evidence: text(".wb-tab-evidence .wb-facts"),
        card: text(".wb-pane .wb-notice .wb-card"),
    }
}"""
VIEWS = ("overview", "monitoring", "anomalies", "forecasting", "models", "maintenance", "system")


def disagreement(page, session):
    """Say what on the page is not what the address asks for; nothing where all of it is."""
    seen = page.evaluate(SEEN)
    state = dict(parse_qsl(seen["query"].removeprefix("?")))
    view = state.get("view", VIEWS[0])
    if seen["card"]:
        return f"{seen['query']} shows the card {seen['card']!r}"
    if seen["view"].lower() != view:
        return f"{seen['query']} shows the tab {seen['view']}"
    if not re.fullmatch(rf"(\(\d+\) )?{seen['view']} · Workbench", seen["tab"]):
        return f"{seen['view']} has the title {seen['tab']!r}"
    judge = {"anomalies": _alert, "forecasting": _forecast, "models": _model, "maintenance": _order}.get(view)
    return judge(page, session, seen, state) if judge else ""


def _alert(page, session, seen, state):
    channel, number = state.get("channel", ""), seen["row"]
    if not channel or state.get("panel"):
        return ""
    if not number:
        return "" if channel in seen["title"] else f"{seen['query']} shows {seen['title']!r}"
    if number.startswith("case "):
        ids = session.maintenance.cases.table(int(number.removeprefix("case ")))["id"].tolist()
        if number.removeprefix("case ") not in seen["title"]:
            return f"the row is {number}, the title {seen['title']!r}"
    else:
        ids = [int(number)]
    alerts = [vars(session.maintenance.alerts.get(one)) for one in ids]
    if "anomaly" in state:
        asked = [row for row in alerts if moment_of(row) == read_moment(state["anomaly"]) and row["channel"] == channel]
    else:
        asked = [row for row in alerts if row["channel"] == channel]
    if not asked:
        return f"{seen['query']} has chosen {number}"
    if not number.startswith("case ") and not (channel in seen["title"] and channel in seen["cells"]):
        return f"{seen['query']} shows {seen['title']!r} and the row {seen['cells']!r}"
    raised = f"{pd.Timestamp(asked[0]['raised_at']):%Y-%m-%d %H:%M} UTC, raised"
    if not any(f"{pd.Timestamp(row['raised_at']):%Y-%m-%d %H:%M} UTC, raised" in seen["evidence"] for row in asked):
        return f"the evidence of {number} is {seen['evidence'][-300:]!r}, without {raised}"
    if asked[0]["kind"] == "asset":
        return ""
    drawn = page.evaluate(DRAWN, "channel")
    return differs(session, channel, drawn[0]["sources"]["telemetry"]) if len(drawn) == 1 else "no chart"


def _forecast(page, session, seen, state):
    channel = state.get("channel", "")
    if not channel or "mode" in state:
        return ""
    if channel not in seen["headline"]:
        return f"{seen['query']} shows {seen['headline']!r}"
    drawn = page.evaluate(DRAWN, "forecast")
    return differs(session, channel, drawn[0]["sources"]["telemetry"]) if len(drawn) == 1 else "no chart"


def _model(page, session, seen, state):
    wanted = state.get("model", "").partition(".")[0] or state.get("channel", "")
    return "" if not wanted or wanted in seen["title"] else f"{seen['query']} shows {seen['title']!r}"


def _order(page, session, seen, state):
    wanted = state.get("order", "") if state.get("mode", "orders") == "orders" else ""
    if not wanted:
        return ""
    return "" if wanted in (seen["row"] or wanted) and wanted in seen["title"] else f"{seen['query']} shows {seen}"


def step(page, session, rng, base):
    """Do one random thing, and say what it was."""
    channels = session.archive.channels()
    kind = rng.choice(("tab", "tab", "row", "row", "row", "cell", "tile", "link", "reload", "back", "sort", "filter"))
    if kind == "tab":
        name = rng.choice(VIEWS)
        page.keyboard.press("Escape")
        page.locator(".wb-nav .wb-tab", has_text=re.compile(f"^{name}$", re.IGNORECASE)).click()
        return f"tab {name}"
    if kind == "link":
        channel, view = rng.choice(channels), rng.choice(VIEWS[1:5])
        query = urlencode({"view": view, "asset": session.archive.info(channel).asset, "channel": channel})
        page.goto(f"{base}?{query}")
        page.wait_for_selector(".wb-headline h1 >> visible=true")
        return f"link {query}"
    if kind == "reload":
        page.reload()
        page.wait_for_selector(".wb-headline h1 >> visible=true")
        return "reload"
    if kind == "back":
        if page.evaluate("history.length") > 2:
            page.go_back()
            page.wait_for_selector(".wb-headline h1 >> visible=true")
        return "back"
    selector = {
        "row": ".wb-pane tr[data-pick]",
        "cell": ".wb-cell",
        "tile": ".wb-tile",
        "sort": ".wb-pane th button",
        "filter": ".wb-anomalies .wb-filters select",
    }[kind]
    found = [item for item in page.query_selector_all(selector) if item.is_visible()]
    if not found:
        return f"no {kind}"
    item = rng.choice(found)
    if kind == "filter":
        values = [option.text_content() for option in item.query_selector_all("option")]
        words = rng.choice([value for value in values if value != "closed"])
        item.select_option(label=words)
        return f"filter {words}"
    words = item.inner_text()[:60]
    try:
        item.click(timeout=5_000)
    except Error:  # the page has written it anew meanwhile
        return f"{kind} {words!r}, gone"
    return f"{kind} {words!r}"


def walk(dashboard, session, steps, seed):
    """Walk some steps; whatever disagrees is said with the steps that led to it."""
    rng, done = random.Random(seed), []
    page = dashboard.open("?view=anomalies")
    for _ in range(steps):
        done.append(step(page, session, rng, dashboard.url))
        page.wait_for_timeout(100)  # a click takes effect before its answer is judged
        wait_until(page, lambda: (wrong := disagreement(page, session)) and f"{wrong}, after {done[-6:]}")
    page.context.close()


def test_a_short_walk_agrees_with_the_session_after_each_step(dashboard, session):
    walk(dashboard, session, STEPS, 7)


@pytest.mark.long
def test_a_long_walk_agrees_with_the_session_after_each_step(dashboard, session):
    walk(dashboard, session, LONG_STEPS, 11)
