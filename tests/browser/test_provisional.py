"""What is provisional is drawn so in Monitoring, and a strip from which nothing comes says so: the pixels on screen."""

from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Page

import workbench as wb
from tests.browser.conftest import Dashboard
from tests.conftest import wave_channel
from workbench.plots.theme import THEMES

pytestmark = [pytest.mark.browser, pytest.mark.slow]

LENGTH = 2100 + 120 + 10 + 70 * 60 + 66  # an error window lacks four samples
EDGES = """() => {
    for (const view of Object.values(Bokeh.index.roots ?? Bokeh.index)) {
        const plot = [...view.model.references()].find(model => model.name == "strip 0")
        const shown = plot && Bokeh.index.find_one(plot)
        if (!shown) continue
        const source = plot.renderers.find(item => item.name == "anomalies").data_source
        const {left, standing} = source.data instanceof Map ? Object.fromEntries(source.data) : source.data
        const canvas = shown.canvas_view.primary, {x, y, width, height} = shown.frame.bbox
        const label = plot.center.find(part => part.name == "silence")
        const silence = label.visible ? label.text : ""
        return {surface: plot.background_fill_color, silence, marks: Array.from(left).map((at, i) => {
            const place = Math.round(shown.frame.x_scale.compute(at))
            let most = 0
            for (const column of [place - 1, place, place + 1]) {
                const {data} = canvas.ctx.getImageData(column, y, 1, height)
                const strong = Array.from({length: height}, (_, row) => Math.max(...data.slice(4 * row, 4 * row + 3))
                    - Math.min(...data.slice(4 * row, 4 * row + 3)) > 40)
                most = Math.max(most, strong.filter((one, row) => row && one != strong[row - 1]).length)
            }
            return {standing: standing[i], changes: most}
        })}
    }
    return null
}"""


def make(home: Path) -> None:
    with wb.open(home=home, preset="paper") as session:
        test = wave_channel("X-1", LENGTH, 1, spike=1800)
        test["telemetry"][LENGTH - 46 :] += 1.5
        time = np.datetime64("2026-01-01", "ns") + np.arange(LENGTH + 1200) * np.timedelta64(60, "s")
        train = wave_channel("X-1").assign_coords(time=time[:1200])
        session.archive.write(train, test.assign_coords(time=time[1200:]))
        session.set_growing("X-1")
        session.train("X-1", "ridge")
        assert session.score_all()["anomalies"][0]["provisional"].tolist() == [False, True]


@pytest.fixture
def page(browser: Browser, tmp_path: Path):
    make(tmp_path)
    served = Dashboard(browser, tmp_path, WORKBENCH_PRESET="paper")
    yield served.open(
        "?view=monitoring&from=2026-01-01T20:00:00&to=2026-01-06T08:00:00", shows=".wb-monitor-charts canvas"
    )
    served.close()
    assert served.complaints == []


def test_a_provisional_anomaly_has_a_dashed_outline_and_a_stale_strip_says_so(page: Page) -> None:
    for theme, tokens in THEMES.items():
        drawn = f"surface => {{ const seen = ({EDGES})(); return seen?.silence && seen.surface == surface && seen }}"
        seen = page.wait_for_function(drawn, arg=tokens.surface).json_value()
        assert [one["standing"] for one in seen["marks"]] == ["", "provisional"]
        solid, dashed = (one["changes"] for one in seen["marks"])
        assert dashed > solid + 6, (theme, seen)
        assert seen["silence"].startswith("no data for ")
        assert page.get_by_text("provisional anomaly").is_visible()
        page.keyboard.press("t")
