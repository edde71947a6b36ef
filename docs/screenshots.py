"""Take the pictures of the documentation: every view of the served demo fleet, light and dark.

`python -m docs.screenshots [--home HOME] [--to FOLDER] [--size 1920x1080 ...] [--density roomy]`
"""

import argparse
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

import workbench as wb
from benchmarks.page_probe import settle
from benchmarks.served import ARGUMENTS, chromium, dashboard
from workbench.views import VIEWS

FOLDER = Path(__file__).parent / "screenshots"
MORE = {"maintenance-plan": "maintenance&mode=plan"}
"""Pictures beside the one of each view: the query behind `view=`."""


def make_fleet(home: Path) -> None:
    """Score the demo fleet, raise its alerts, and do some of the work that they open."""
    session = wb.open(home=home)
    session.import_demo()
    session.train(forecaster="ridge")
    session.score_all()
    session.raise_alerts()
    desk = session.maintenance
    for name, skills in (("Ann", ["rf"]), ("Ben", ["power"])):
        desk.people.set(name, "Kim", skills=skills, rate=80)
    desk.parts.set("seal", "Kim", stock=2, minimum=1, lead_days=5, unit_cost=40)
    first = desk.alerts.list(state="open", order="worst")["id"].iloc[0]
    desk.alerts.acknowledge(int(first), "Ann")
    numbers = desk.orders.list()["number"].tolist()
    for place, number in enumerate(numbers[:4]):
        desk.orders.assign(number, ("Ann", "Ben")[place % 2], "Kim")
    for number in numbers[:2]:
        desk.orders.start(number, "Ann")
        desk.orders.answer(number, 1, True, "Ann")
        desk.orders.answer(number, 2, "a loose connector", "Ann")
    desk.orders.complete(
        numbers[0], "Ann", done="connector fixed", hours=1.5, failure="degradation", mode="PDE", verdict="true"
    )
    desk.planning.keep(desk.planning.propose(), "Kim")


def take(browser: Browser, url: str, folder: Path, size: tuple[int, int], density: str) -> None:
    """Open each view in a page of its own, and take its picture when it is calm."""
    folder.mkdir(parents=True, exist_ok=True)
    for theme in ("light", "dark"):
        for name, view in {**{name: name for name in VIEWS}, **MORE}.items():
            page = browser.new_context(viewport={"width": size[0], "height": size[1]}).new_page()
            page.set_default_timeout(90_000)
            page.context.add_cookies([{"name": "workbench-look", "value": f"{theme}.{density}.Ann", "url": url}])
            page.goto(f"{url}?view={view}")
            page.wait_for_selector(".wb-pane .wb-headline h1 >> visible=true")
            settle()
            page.screenshot(path=folder / f"{name}-{theme}.png")
            page.close(run_before_unload=True)  # which ends its kernel


def main() -> None:
    """Serve, and take the pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path, help="one that is there; a demo fleet is made where omitted")
    parser.add_argument("--to", type=Path, default=FOLDER, help="folder of the pictures")
    parser.add_argument("--size", default="1280x800", help="of the page, pixels")
    parser.add_argument("--density", default="compact", choices=["compact", "roomy"])
    given = parser.parse_args()
    width, height = (int(number) for number in given.size.split("x"))
    with tempfile.TemporaryDirectory() as temporary, sync_playwright() as playwright:
        home = given.home or Path(temporary) / "demo"
        if given.home is None:
            make_fleet(home)
        served = dashboard(home).answers()
        browser = playwright.chromium.launch(executable_path=chromium(), args=ARGUMENTS)
        try:
            take(browser, served.url, given.to, (width, height), given.density)
        finally:
            browser.close()
            served.close()


if __name__ == "__main__":
    main()
