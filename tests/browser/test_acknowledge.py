"""An alert that escalates to the inbox of the person on call, and is acknowledged from there.

A mail server on this machine takes the messages of the real notifier, the links in them are opened in Chromium on the
real dashboard, and the maintenance log says who has acknowledged.
"""

import os
import re
import signal
import socket
import subprocess
import sys
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import requests
from playwright.sync_api import expect

from tests.browser.conftest import PATIENCE
from tests.maintenance.notifications.conftest import mail  # noqa: F401  # a fixture
from workbench.maintenance.alerts.raising import Finding
from workbench.session import Session
from workbench.settings import load_settings

pytestmark = [pytest.mark.browser, pytest.mark.slow]
TOKEN = "open-sesame-open-sesame"
SETTINGS = """\
dashboard: {{port: {port}, public_url: "http://127.0.0.1:{port}"}}
notifications:
  people:
    Ann: {ann}
    Ben: {ben}
  on_call:
    shifts:
      - {{who: Ann, since: "{today}T00:00Z", until: "{tomorrow}T00:00Z"}}
      - {{who: Ben, since: "{tomorrow}T00:00Z", until: "{after}T00:00Z"}}
"""


class Clock:
    def __init__(self):
        self.now = datetime.now(UTC) - timedelta(minutes=20)

    def __call__(self):
        return self.now


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def finding(channel="Pressure", level="critical"):
    return Finding(channel, "Pump-1", "hydraulics", "bar", "model", 100, 120, None, None, level, 9.0, 0.5, 0.1,
                   "Pressure.ridge/1", f"{channel} left its forecast by 9.0 epsilon", True)  # fmt: skip


def write_settings(home, inbox):
    clock = Clock()
    day = clock.now.date()
    address = f"mailto://127.0.0.1:{inbox.port}?from=wb@example.com&smtp=127.0.0.1&to="
    port = free_port()
    text = SETTINGS.format(
        port=port,
        ann=f"{address}ann@example.com",
        ben=f"{address}ben@example.com",
        today=day,
        tomorrow=day + timedelta(days=1),
        after=day + timedelta(days=2),
    )
    (home / "workbench.yaml").write_text(text)
    return clock, f"http://127.0.0.1:{port}/"


@contextmanager
def served(home, url, token=""):
    environment = {name: value for name, value in os.environ.items() if not name.startswith("WORKBENCH_")}
    environment |= {"WORKBENCH_HOME": str(home), "PYTHONPATH": str(Path(__file__).parents[2])}
    environment |= {"WORKBENCH_DASHBOARD__TOKEN": token} if token else {}
    command = [sys.executable, "-c", "from workbench.cli import main; main()", "dashboard"]
    process = subprocess.Popen(command, env=environment, cwd=home, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        while True:
            assert process.poll() is None, process.communicate()[1].decode()
            try:
                requests.get(f"{url}workbench/acknowledge/x", timeout=60)
                break
            except requests.ConnectionError:
                continue
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        errors = process.communicate(timeout=60)[1].decode()
    assert "Traceback" not in errors


def link_in(message):
    text = message.get_payload(decode=True).decode()
    return re.search(r"http://\S+", text)[0]


@pytest.mark.parametrize("token", ["", TOKEN], ids=["open", "with a token"])
def test_an_alert_escalates_to_an_inbox_and_is_acknowledged_from_there(tmp_path, browser, mail, token):  # noqa: F811
    clock, url = write_settings(tmp_path, mail)
    with Session(load_settings(tmp_path, home=tmp_path), clock) as session:
        desk = session.maintenance
        desk.alerts.raise_findings([], [finding()])
        desk.send_messages()
        clock.now += timedelta(minutes=15)
        desk.send_messages()
        assert [(one["To"], one["Subject"]) for one in mail.mails] == [
            ("ann@example.com", "Alert 1, critical"),
            ("ben@example.com", "Not acknowledged: Alert 1, critical"),
        ]
        anns, bens = map(link_in, mail.mails)
        assert anns != bens
        with served(tmp_path, url, token):
            for method in (requests.get, requests.head):  # a program that scans mail opens every link
                method(bens, timeout=60)
            assert requests.get(bens, timeout=60).status_code == 200
            assert desk.alerts.get(1).state == "unacknowledged"
            page = browser.new_context(viewport={"width": 390, "height": 844}).new_page()
            page.set_default_timeout(PATIENCE)
            page.goto(bens)
            shown = page.locator("main").inner_text()
            for words in ("Alert 1", "Pressure left its forecast by 9.0 epsilon", "critical", "Pump 1", "UTC"):
                assert words in shown
            assert page.evaluate("document.documentElement.scrollWidth") <= 390
            assert page.evaluate("document.activeElement.textContent") == "Acknowledge as Ben"
            _keep(page, "acknowledge-390")
            page.keyboard.press("Enter")
            expect(page.locator("h1")).to_have_text("Alert 1 is acknowledged")
            _keep(page, "acknowledged-390")
            assert page.locator("button").count() == 0
            page.set_viewport_size({"width": 1280, "height": 800})
            page.goto(anns)  # who comes later sees that it is done, and by whom
            assert "Acknowledged by Ben" in page.locator("main").inner_text()
            _keep(page, "acknowledged-1280")
        alert = desk.alerts.get(1)
        assert (alert.state, alert.acknowledged_by) == ("acknowledged", "Ben")
        entry = desk.alerts.history(1).iloc[-1]
        assert (entry["action"], entry["who"]) == ("acknowledged", "Ben")
        clock.now += timedelta(hours=3)
        desk.send_messages()
        assert len(mail.mails) == 2


def test_hostile_links_get_one_clear_page_and_change_nothing(tmp_path, browser, mail):  # noqa: F811
    clock, url = write_settings(tmp_path, mail)
    with Session(load_settings(tmp_path, home=tmp_path), clock) as session:
        desk = session.maintenance
        desk.alerts.raise_findings([], [finding()])
        desk.send_messages()
        good = link_in(mail.mails[0])
        place, _, token = good.rpartition("/")
        with served(tmp_path, url):
            hostile = [
                token[:-1] + ("A" if token[-1] != "A" else "B"),
                "<script>alert(1)</script>",
                "..%2f..%2fetc",
                "%00",
            ]
            for one in hostile:
                for method in (requests.get, requests.post):
                    answer = method(f"{place}/{one}", timeout=60)
                    assert answer.status_code == 404
                    assert "This link cannot be used" in answer.text
                    assert "<script" not in answer.text
                    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
                    assert answer.headers["Referrer-Policy"] == "no-referrer"
            page = browser.new_page()
            page.goto(f"{place}/{hostile[0]}")
            _keep(page, "hostile-1280")
            statuses = [requests.get(f"{place}/{number}", timeout=60).status_code for number in range(30)]
            assert statuses[-1] == 429
            assert statuses.count(404) <= 20
            assert requests.get(good, timeout=60).status_code == 200  # bad links keep nobody else out
            elsewhere = requests.post(good, timeout=60, headers={"Host": "evil.example"}, allow_redirects=False)
            assert elsewhere.status_code == 403
            assert desk.alerts.get(1).state == "unacknowledged"


def _keep(page, name):
    folder = os.environ.get("SCREENSHOTS")
    if folder:
        page.screenshot(path=f"{folder}/{name}.png")
