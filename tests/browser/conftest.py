"""A served home, the pages that visit it, and what they ask for and complain of."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

import workbench as wb
from tests.homes import copy_of

PATIENCE = 90_000
CHECKOUT = Path(__file__).parents[2]
SERVE = (
    "import sys; from workbench.settings import load_settings\n"
    "from workbench.dashboard.serving import apps_folder, serve_dashboard\n"
    "def say(line): print(line, flush=True)\n"
    "serve_dashboard(load_settings(), apps_folder() / sys.argv[1], port=0, announce=say)"
)
expect.set_options(timeout=PATIENCE)  # a machine that does other things too
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking"]


def chromium() -> str | None:
    """System Chromium; None leaves the choice to Playwright."""
    named = os.environ.get("CHROMIUM")
    return named or next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


class Dashboard:
    """A served home, and what a page that visits it asks for and complains of."""

    def __init__(self, browser: Browser, home: Path, app: str = "workbench.ipynb", **variables: str) -> None:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("WORKBENCH_")}
        environment |= {"WORKBENCH_HOME": str(home), "PYTHONPATH": str(CHECKOUT), **variables}
        command = [sys.executable, "-c", SERVE, app]
        self.server = subprocess.Popen(command, env=environment, cwd=home, stdout=subprocess.PIPE, text=True)
        assert self.server.stdout is not None
        self.url = self.server.stdout.readline().split()[1]
        self.home, self.browser = home, browser
        self.complaints: list[str] = []
        self.outside: list[str] = []

    def context(self, **options: object) -> BrowserContext:
        """A browser profile of its own, with its cookies and its cache."""
        given = {"viewport": {"width": 1280, "height": 800}} | options
        return self.browser.new_context(**given)

    def open(
        self,
        query: str = "",
        context: BrowserContext | None = None,
        shows: str = ":is(.wb-headline h1, .wb-error) >> visible=true",
    ) -> Page:
        """Visit, and wait until a view is there."""
        page = (context or self.context()).new_page()
        page.on("console", self._on_console)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", self._on_request)
        page.set_default_timeout(PATIENCE)
        page.goto(self.url + query)
        page.wait_for_selector(shows)
        return page

    def close(self) -> None:
        self.server.terminate()
        self.server.communicate(timeout=60)

    def _on_console(self, message: object) -> None:
        if message.type == "error":
            self.complaints.append(message.text)

    def _on_request(self, request: object) -> None:
        if not request.url.startswith((self.url, "data:", "blob:")):
            self.outside.append(request.url)


def reach(page: Page, selector: str) -> None:
    """Press Tab until what matches a selector has the focus."""
    for _ in range(120):
        page.keyboard.press("Tab")
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
    raise AssertionError(f"no Tab reaches {selector}")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium for one module: while Playwright runs, its event loop runs for whatever other tests are between."""
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium(), args=ARGUMENTS)
        yield running
        running.close()


def make_fleet(home: Path) -> None:
    """The demo fleet, trained, scored and its alerts raised by the real session; its last channel is left unscored."""
    with wb.open(home=home) as session:
        session.import_demo()
        names = session.archive.channels()
        session.train(names[:-1], "ridge")
        session.score_all(names[:-1])
        session.raise_alerts()


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[wb.Session]:
    """A session on a copy of the fleet that is this module's own."""
    with wb.open(home=copy_of("fleet", make_fleet, tmp_path_factory, tmp_path_factory.mktemp("fleet"))) as session:
        yield session


@pytest.fixture(scope="module")
def dashboard(browser: Browser, session: wb.Session) -> Iterator[Dashboard]:
    """The shell on the demo fleet."""
    served = Dashboard(browser, session.settings.home)
    yield served
    served.close()
