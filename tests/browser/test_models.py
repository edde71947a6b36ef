"""The models view in a real browser: what its controls change in the page and in the registry."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import PATIENCE

pytestmark = [pytest.mark.browser, pytest.mark.slow]

VIEW = ".wb-models"


@pytest.fixture(scope="module")
def page(dashboard):
    page = dashboard.open("?view=models", shows=f"{VIEW} .wb-headline h1")
    page.wait_for_selector(f"{VIEW} .wb-drift canvas")
    yield page
    page.close()


def rows(page):
    return page.locator(f"{VIEW} .wb-list tbody tr")


def press(page, name):
    page.locator(VIEW).get_by_role("button", name=name, exact=True).click()


def part(page, name):
    page.locator(f"{VIEW} .wb-toggle button", has_text=name).click()


def chosen(page):
    return page.locator(f"{VIEW} .wb-list tr.wb-chosen")


def test_versions_are_filtered_sorted_and_chosen(page):
    every = rows(page).count()
    assert every > 1
    page.locator(f"{VIEW} .wb-search input").fill(rows(page).first.locator("td").first.inner_text())
    page.keyboard.press("Enter")
    expect(rows(page)).not_to_have_count(every)
    page.locator(f"{VIEW} .wb-search input").fill("")
    page.keyboard.press("Enter")
    expect(rows(page)).to_have_count(every)
    first = rows(page).first.get_attribute("data-pick")
    page.locator(f"{VIEW} th button", has_text="channel").click()
    expect(rows(page).first).not_to_have_attribute("data-pick", first)
    page.locator(f"{VIEW} th button", has_text="channel").click()
    expect(rows(page).first).to_have_attribute("data-pick", first)
    name = rows(page).nth(1).get_attribute("data-pick")
    rows(page).nth(1).click()
    expect(page.locator(f"{VIEW} .wb-title h2")).to_contain_text(name.split(".")[0])
    expect(chosen(page)).to_have_attribute("data-pick", name)


def test_a_training_is_watched_compared_and_what_is_not_better_is_refused(page, session):
    rows(page).first.click()
    name = rows(page).first.get_attribute("data-pick")
    model, _, version = name.partition("/")
    page.locator(f"{VIEW} .wb-actions input").fill("7")
    page.keyboard.press("Tab")
    press(page, "Train again")
    expect(page.locator(f"{VIEW} .wb-training")).to_contain_text("Training")
    expect(page.locator(f"{VIEW} .wb-told")).to_contain_text("is registered")
    versions = [info for info in session.registry.list() if info.name == model]
    assert len(versions) == int(version) + 1
    part(page, "Versions")
    boxes = page.locator(f"{VIEW} .wb-part-versions input[type=checkbox]")
    expect(boxes).to_have_count(len(versions))
    for place in range(2):
        boxes.nth(place).click()
    press(page, "Compare marked versions")
    expect(page.locator(f"{VIEW} .wb-versus")).to_contain_text("anomalies detected")
    expect(page.locator(f"{VIEW} .wb-part-versions canvas").first).to_be_visible()
    champion = session.registry.champion(model.split(".")[0]).id
    if "champion" not in next(info for info in versions if info.version == len(versions)).aliases:
        press(page, "Promote")
        expect(page.locator(f"{VIEW} .wb-notice")).to_contain_text("is not better than the champion")
        assert session.registry.champion(model.split(".")[0]).id == champion
    part(page, "Training")


def test_a_training_is_cancelled_and_leaves_nothing(page, session):
    before = len(session.registry.list())
    page.locator(f"{VIEW} .wb-actions select").select_option("lstm")
    press(page, "Train again")
    expect(page.locator(f"{VIEW} .wb-training")).to_contain_text("epoch", timeout=PATIENCE)
    press(page, "Cancel")
    expect(page.locator(f"{VIEW} .wb-told")).to_contain_text("No version was registered")
    assert len(session.registry.list()) == before


def test_a_version_is_rolled_back_promoted_and_the_next_score_uses_it(page, session, dashboard):
    channel = "PWR-1"
    first = session.registry.champion(channel).id
    session.train([channel], "ridge", telemetry_lags=200, force=True)
    better = session.registry.champion(channel).id
    assert better != first
    page = dashboard.open(f"?view=models&channel={channel}", shows=f"{VIEW} .wb-headline h1")
    told = page.locator(f"{VIEW} .wb-told")

    def use(name, champion):
        press(page, name)
        expect(told).to_contain_text(f"{champion} is champion")
        assert session.registry.champion(channel).id == champion
        press(page, "Score again")
        expect(told).to_contain_text("alerts raised")
        assert session.stored(channel).attrs["model"] == champion
        expect(page.locator(f"{VIEW} tr[data-pick='{champion}']")).to_contain_text("champion")

    expect(page.locator(f"{VIEW} tr[data-pick='{better}']")).to_contain_text("champion")
    use("Roll back", first)
    page.locator(f"{VIEW} .wb-list tr[data-pick='{better}']").click()
    use("Promote", better)
    page.close()


def test_nothing_was_complained_of_and_no_other_host_was_asked(page, dashboard):
    del page
    assert dashboard.outside == []
    assert dashboard.complaints == []
