"""What a hand and an ear meet: fingers on charts of a phone, and the sound of a new critical alert."""

from datetime import timedelta

import pytest
from playwright.sync_api import expect

from workbench.maintenance.alerts.raising import Finding
from workbench.maintenance.alerts.table import ALLOWED

pytestmark = [pytest.mark.browser, pytest.mark.slow]

CHART = """() => {
    const view = [...Bokeh.index.query(view => view.model.name === "channel")].find(view => view.el.checkVisibility())
    if (!view?.has_finished()) return null
    const { x, y } = view.el.getBoundingClientRect(), { bbox } = view.frame, { start, end } = view.model.x_range
    return { x: x + bbox.x_center, y: y + bbox.y_center, start, end, width: bbox.width }
}"""
SCROLLED = "document.querySelector('.wb-pane.wb-anomalies').scrollTop"
COVERED = """() => {
    const toast = document.querySelector(".wb-announcement p").getBoundingClientRect()
    return [...document.querySelectorAll("button, input, select, a, canvas, td, .bk-Figure")]
        .filter(one => one.checkVisibility({ visibilityProperty: true, contentVisibilityAuto: true }))
        .filter(one => {
            const box = one.getBoundingClientRect()
            const [across, down] = [["left", "right"], ["top", "bottom"]].map(([from, to]) =>
                Math.min(box[to], toast[to]) - Math.max(box[from], toast[from]))
            return box.width && box.height && across > 1 && down > 1
        })
        .map(one => one.outerHTML.slice(0, 80))
}"""
COUNT = """() => {
    window.tones = []
    window.AudioContext = class { currentTime = 0; destination = {}; resume() {} }
    window.GainNode = class { connect(to) { return to } }
    window.OscillatorNode = class {
        constructor(_, { frequency }) { this.frequency = frequency }
        connect(to) { return to }
        start() { window.tones.push(this.frequency) }
        stop() {}
    }
}"""


def swipe(page, *fingers):
    """Move fingers over the page, each from one point to another."""
    touch = page.context.new_cdp_session(page)
    for kind, share in (("touchStart", 0.0), *(("touchMove", step / 8) for step in range(1, 9)), ("touchEnd", None)):
        points = [
            {"id": number, "x": one[0] + (two[0] - one[0]) * share, "y": one[1] + (two[1] - one[1]) * share}
            for number, (one, two) in enumerate(fingers)
            if share is not None
        ]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
        page.evaluate("new Promise(requestAnimationFrame)")
    touch.detach()


def chart(page):
    """Bring the chart of the chosen alert into view, and return where it is and what it shows."""
    page.locator(".wb-anomalies .wb-charts canvas").first.scroll_into_view_if_needed()
    page.wait_for_function(CHART)
    return page.evaluate(CHART)


def test_fingers_pan_and_zoom_a_chart_and_scroll_the_page(dashboard, session):
    channel = session.maintenance.alerts.list(state="open", kind="model", order="worst")["channel"].iloc[0]
    context = dashboard.context(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    page = dashboard.open(f"?view=anomalies&channel={channel}", context=context)
    page.wait_for_function(CHART)
    before = chart(page)
    x, y = before["x"], before["y"]
    swipe(page, ((x + 60, y), (x - 60, y)))
    page.wait_for_function(f"before => ({CHART})()?.start > before", arg=before["start"])
    panned = chart(page)
    assert panned["end"] - panned["start"] == pytest.approx(before["end"] - before["start"])
    moved = (panned["start"] - before["start"]) / (before["end"] - before["start"]) * before["width"]
    assert moved == pytest.approx(120, abs=25), "the chart follows the finger"
    x, y = panned["x"], panned["y"]
    swipe(page, ((x - 30, y), (x - 90, y)), ((x + 30, y), (x + 90, y)))
    page.wait_for_function(f"before => {{ const now = ({CHART})(); return now && now.end - now.start < before }}",
                           arg=(panned["end"] - panned["start"]) * 0.9)  # fmt: skip
    zoomed, scrolled = chart(page), page.evaluate(SCROLLED)
    x, y = zoomed["x"], zoomed["y"]
    swipe(page, ((x, y), (x, y - 160)))
    page.wait_for_function(f"before => {SCROLLED} > before", arg=scrolled)
    after = page.evaluate(CHART)
    assert [after["start"], after["end"]] == pytest.approx([zoomed["start"], zoomed["end"]])
    context.close()


def raise_critical(session, number):
    """Raise a critical alert of a limit; return its number."""
    info, now = session.archive.info(session.archive.channels()[number]), session.clock()
    where = (info.channel, info.asset, info.subsystem, info.units, "limit", 1, 9, now - timedelta(minutes=9), now)
    finding = Finding(*where, "critical", None, 9.0, 5.0, f"critical high {number}", f"Hot, {number}.", ongoing=True)
    (alert,) = session.maintenance.alerts.raise_findings([], [finding]).raised
    return alert


def test_a_new_critical_alert_is_heard_only_where_that_was_asked_for_and_until_it_is_seen(dashboard, session):
    context = dashboard.context()
    context.add_init_script(f"({COUNT})()")
    page = dashboard.open(context=context)
    sound, announced = page.locator(".wb-sound"), page.locator(".wb-announcement")
    expect(sound).to_have_attribute("aria-pressed", "false")
    raise_critical(session, 0)
    expect(announced).to_contain_text("Hot, 0.")
    assert page.evaluate("tones") == [], "off at first"
    sound.click()
    expect(sound).to_have_attribute("aria-pressed", "true")
    assert page.evaluate("tones.length") == 2, "as it will sound"
    page.reload()
    expect(sound).to_have_attribute("aria-pressed", "true")
    alert = raise_critical(session, 1)
    expect(announced).to_contain_text("Hot, 1.")
    page.wait_for_function("tones.length >= 4")  # again and again
    page.keyboard.press("Shift")
    heard = page.evaluate("tones.length")
    raise_critical(session, 2)
    expect(announced).to_contain_text("Hot, 2.")
    page.wait_for_function("heard => tones.length === heard + 2", arg=heard)
    waiting = session.maintenance.alerts.list(state=ALLOWED["acknowledge"], level="critical")["id"].tolist()
    assert alert in waiting
    session.maintenance.alerts.each("acknowledge", waiting, "Ann")
    expect(page.locator(".wb-fleet [data-waiting='0']")).to_have_count(1)
    heard = page.evaluate("tones.length")
    page.wait_for_timeout(4500)  # longer than from tone to tone
    assert page.evaluate("tones.length") == heard
    context.close()


@pytest.mark.parametrize(("width", "height"), [(1280, 800), (390, 844)])
@pytest.mark.parametrize("view", ["overview", "monitoring"])
def test_a_new_critical_alert_covers_nothing_that_is_worked_with(dashboard, session, view, width, height):
    page = dashboard.open(f"?view={view}", context=dashboard.context(viewport={"width": width, "height": height}))
    number = 4 + 2 * (view == "monitoring") + (width == 390)  # a channel that no other test has an alert on
    raise_critical(session, number)
    expect(page.locator(".wb-announcement")).to_contain_text(f"Hot, {number}.")
    assert page.evaluate(COVERED) == []
