"""Every view as a picture, at five sizes, light and dark, full, empty and with an error: its structure, not its pixels.

`pictures.js` says what is cut, what lies over what and how much of the page is blank; axe judges contrast and more.
"""

import re
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

import workbench as wb
from tests.browser.conftest import Dashboard, make_fleet
from tests.homes import copy_of
from workbench.views import VIEWS
from workbench.views.registry import view_class

pytestmark = [pytest.mark.browser, pytest.mark.slow]

SIZES = {"phone": (390, 844), "tablet": (820, 1180), "laptop": (1280, 800), "desk": (1920, 1080), "wide": (2560, 1440)}
_LOOKS = 3  # a page that follows what comes may change under a look
FULL = pytest.mark.parametrize("opened", ["full", pytest.param("empty", marks=pytest.mark.long)], indirect=True)
CHECKS = Path(__file__).with_name("pictures.js").read_text(encoding="utf-8")
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"], "resultTypes": ["violations"]}


def make_busy_fleet(home):
    """The demo fleet with people, orders and a plan."""
    make_fleet(home)
    with wb.open(home=home) as session:
        desk = session.maintenance
        desk.people.set("Ann", "boss", rate=80.0)
        desk.people.set("Ben", "boss", rate=50.0)
        number = desk.orders.list()["number"].iloc[0]
        desk.orders.assign(number, "Ann", "Ann")
        desk.alerts.acknowledge(int(desk.alerts.list(state="open", order="worst")["id"].iloc[0]), "Ann")
        desk.planning.keep(desk.planning.propose(), "Ann")


@pytest.fixture(scope="module")
def homes(tmp_path_factory):
    """Folder of a home for each state of the data."""
    empty = tmp_path_factory.mktemp("nothing")
    return {
        "full": copy_of("busy-fleet", make_busy_fleet, tmp_path_factory, tmp_path_factory.mktemp("busy")),
        "empty": empty,
    }


@pytest.fixture(scope="module", params=["full", "empty"])
def opened(request, browser, homes):
    """A page of each home, which all tests of it resize and lead from view to view."""
    served = Dashboard(browser, homes[request.param])
    page = served.context().new_page()
    page.add_init_script(CHECKS)
    page.set_default_timeout(90_000)
    page.goto(served.url)
    page.wait_for_selector(".wb-headline h1 >> visible=true")
    page.state = request.param
    yield page
    page.context.close()
    served.close()


def show(page, name, theme):
    """Open a tab in a theme; the tools over it are closed."""
    page.locator(".wb-nav .wb-tab", has_text=re.compile(f"^{view_class(name).title}$")).click()
    expect(page.locator(f".wb-pane.wb-{name}")).to_be_visible()
    if page.evaluate("document.documentElement.dataset.look").split(".")[0] != theme:
        page.keyboard.press("t")
        page.wait_for_function("theme => document.documentElement.dataset.look.startsWith(theme)", arg=theme)


def faults(page, *, may_be_blank):
    """Return what is wrong with the picture at each size, one line for each."""
    found = ""
    for size, (width, height) in SIZES.items():
        page.set_viewport_size({"width": width, "height": height})
        for _ in range(_LOOKS):
            wrong = page.evaluate("blank => window.pictures(blank)", may_be_blank)
            if not wrong:
                break
        found += "".join(f"\n{size}: {one}" for one in wrong)
    return found


@pytest.mark.parametrize("theme", ["light", pytest.param("dark", marks=pytest.mark.long)])
@pytest.mark.parametrize("name", list(VIEWS))
def test_nothing_is_cut_or_lies_over_each_other_or_is_blank(opened, name, theme):
    show(opened, name, theme)
    assert not (wrong := faults(opened, may_be_blank=opened.state == "empty")), wrong


@FULL
@pytest.mark.parametrize(
    "name", ["overview", *(pytest.param(name, marks=pytest.mark.long) for name in VIEWS if name != "overview")]
)
def test_an_error_of_the_page_moves_and_covers_nothing(opened, name):
    show(opened, name, "light")
    opened.evaluate("""() => {
        history.replaceState(null, "", "?view=none")
        dispatchEvent(new PopStateEvent("popstate"))
    }""")
    expect(opened.locator(".wb-header .wb-error")).to_be_visible()
    wrong = faults(opened, may_be_blank=opened.state == "empty")
    opened.locator(".wb-header .wb-dismiss").click()
    expect(opened.locator(".wb-header .wb-error")).to_have_count(0)
    assert not wrong, wrong


PLACES = """name => [...document.querySelectorAll(`.wb-${name} :is(.wb-bar, .wb-tools, .wb-body, .wb-own, .wb-tile)`)]
    .filter(one => one.checkVisibility({ visibilityProperty: true, contentVisibilityAuto: true }))
    .map(one => { const { x, y, width } = one.getBoundingClientRect(); return `${one.className} ${x} ${y} ${width}` })
"""
COVERED = """name => [...document.querySelectorAll(`.wb-${name} :is(button, input, select)`)].filter(one => {
    const { x, y, width, height } = one.getBoundingClientRect()
    const isSeen = one.checkVisibility({ visibilityProperty: true, contentVisibilityAuto: true })
    if (!isSeen || one.closest(".wb-notice")) return false
    return document.elementFromPoint(x + width / 2, y + height / 2)?.closest(".wb-error")
}).map(one => one.outerHTML)"""


@FULL
@pytest.mark.parametrize("name", list(VIEWS))
def test_the_error_of_a_view_moves_and_covers_nothing_and_is_read_to_its_end(opened, name):
    show(opened, name, "light")
    wrong = {}
    for size in ("laptop", "desk", "phone"):
        width, height = SIZES[size]
        opened.set_viewport_size({"width": width, "height": height})
        opened.evaluate("window.pictures(true)")  # which waits until the page is still
        before = opened.evaluate(PLACES, name)
        opened.evaluate(
            """name => {
                history.replaceState(null, "", `?view=${name}&nothing=${"of the kind that anything knows, ".repeat(9)}`)
                dispatchEvent(new PopStateEvent("popstate"))
            }""",
            name,
        )
        card = opened.locator(f".wb-{name} .wb-notice .wb-error")
        expect(card).to_contain_text("does not know nothing=of the kind")
        opened.evaluate("window.pictures(true)")
        if (now := opened.evaluate(PLACES, name)) != before:
            wrong[f"{size}, moved"] = set(before) ^ set(now)
        if covered := opened.evaluate(COVERED, name):
            wrong[f"{size}, covered"] = covered
        card.focus()
        rest = card.get_by_text("The rest of the link is shown")
        expect(rest).to_be_in_viewport(ratio=0.999)  # rounding takes a ten-thousandth
        opened.locator(f".wb-{name} .wb-notice .wb-dismiss").click()
        expect(card).to_have_count(0)
    assert wrong == {}


def test_a_page_that_is_opening_says_so(opened):
    page = opened.context.new_page()
    page.add_init_script(CHECKS)
    page.route_web_socket(re.compile("/channels"), lambda socket: None)  # the kernel never answers
    page.goto(opened.url)
    expect(page.locator("#wb-loading")).to_contain_text("Opening the workbench")
    wrong = faults(page, may_be_blank=True)
    page.close()
    assert not wrong, wrong


@FULL
@pytest.mark.parametrize(
    ("theme", "size"), [("light", "laptop"), ("dark", "phone"), *(
        pytest.param(theme, size, marks=pytest.mark.long)
        for theme, size in (
            ("dark", "laptop"), ("light", "phone"), ("light", "tablet"), ("dark", "tablet"), ("light", "desk"),
            ("dark", "desk"), ("light", "wide"), ("dark", "wide"),
        )
    )],
)  # fmt: skip
def test_axe_finds_nothing_serious(opened, theme, size):
    width, height = SIZES[size]
    opened.set_viewport_size({"width": width, "height": height})
    told = {}
    for name in VIEWS:
        show(opened, name, theme)
        opened.evaluate("window.pictures(true)")  # which waits until the page is still
        found = Axe().run(opened, options=RULES).response["violations"]
        worst = [item for item in found if item["impact"] in ("serious", "critical")]
        if worst:
            told[name] = [(item["id"], [node["html"][:120] for node in item["nodes"][:3]]) for item in worst]
    assert told == {}
