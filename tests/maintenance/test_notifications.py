"""Notifications, delivered to a mail server and a web server on this machine."""

import json
import socket
import threading
from datetime import timedelta
from email import message_from_bytes
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from aiosmtpd.controller import Controller

from workbench.exceptions import SettingsError
from workbench.maintenance.alerts.alerts import Alerts
from workbench.maintenance.notifications import Notifier
from workbench.maintenance.options import NotificationOptions
from workbench.settings import load_settings


class Inbox:
    """Keeps the mail that comes."""

    def __init__(self):
        self.mails = []

    async def handle_DATA(self, server, session, envelope):
        self.mails.append(message_from_bytes(envelope.content))
        return "250 OK"


@pytest.fixture
def mail():
    inbox = Inbox()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        inbox.port = probe.getsockname()[1]
    server = Controller(inbox, hostname="127.0.0.1", port=inbox.port)
    server.start()
    yield inbox
    server.stop()


@pytest.fixture
def web():
    class Hook(BaseHTTPRequestHandler):
        answers, bodies = [], []

        def do_POST(self):
            self.bodies.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(self.answers.pop(0) if self.answers else 200)
            self.end_headers()

        def log_message(self, *given):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Hook)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    Hook.url = f"json://127.0.0.1:{server.server_port}/"
    yield Hook
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def alerts(database):
    return Alerts(database)


def raised(alerts, finding, **changed):
    (number,) = alerts.raise_findings([], [finding(**changed)]).raised
    return number


def notifier(database, url, **options):
    target = {"url": url, "least_level": options.pop("least_level", "medium")}
    return Notifier(database, NotificationOptions(targets={"ops": target}, **options))


def test_alerts_of_a_minute_go_into_one_message_once(database, alerts, finding, clock, web):
    ours = notifier(database, web.url)
    numbers = [raised(alerts, finding), raised(alerts, finding, channel="P-2"), raised(alerts, finding, channel="P-3")]
    low = raised(alerts, finding, channel="P-4", level="low")
    assert ours.queue([*numbers, low]) == 3
    assert ours.queue(numbers) == 0
    assert ours.tick().waiting == 3
    clock.forward(seconds=60)
    again = Notifier(database, ours.options)  # as after a restart
    assert again.tick().sent == (("ops", 3),)
    assert again.tick().sent == ()
    (body,) = web.bodies
    assert body["title"] == "3 alerts, the worst high"
    assert body["message"].splitlines()[1] == "high (alert 2): P-2 left its forecast"


def test_alerts_of_a_case_are_one_line_of_a_message(database, alerts, finding, clock, web):
    def at(channel, minute):
        times = {name: clock.now + timedelta(minutes=minute) for name in ("start_time", "end_time")}
        return raised(alerts, finding, channel=channel, **times)

    ours = notifier(database, web.url)
    ours.queue([at("P-2", 5), at("P-1", 0)])
    clock.forward(seconds=60)
    assert ours.tick().sent == (("ops", 2),)
    sentence = "SMAP: P-1 moved first at 2026-03-02 08:00:00 UTC, P-2 5 min later; 2 channels, worst high."
    assert web.bodies[0]["title"] == "Case 1, high: 2 alerts"
    assert web.bodies[0]["message"] == f"high (case 1, alerts 1, 2): {sentence}"
    ours.queue([at("P-3", 400), at("P-4", 400), raised(alerts, finding, channel="X-1")])
    clock.forward(seconds=60)
    assert ours.tick().sent == (("ops", 3),)
    assert web.bodies[1]["title"] == "3 alerts, the worst high"
    lines = web.bodies[1]["message"].splitlines()
    assert [line.partition(")")[0] for line in lines] == ["high (case 2, alerts 3, 4", "high (alert 5"]


def test_the_gravest_go_at_once_and_take_the_others_along(database, alerts, finding, web):
    ours = notifier(database, web.url)
    ours.queue([raised(alerts, finding), raised(alerts, finding, channel="P-2", level="critical")])
    assert ours.tick().sent == (("ops", 2),)
    assert web.bodies[0]["message"].startswith("critical (alert 2)")


def test_a_channel_cools_down(database, alerts, finding, clock, web):
    ours = notifier(database, web.url, cool_down_seconds=600)
    ours.queue([raised(alerts, finding, level="critical")])
    assert ours.tick().sent == (("ops", 1),)
    ours.queue([raised(alerts, finding, level="critical", start_sample=500, end_sample=520)])
    clock.forward(seconds=599)
    assert (ours.tick().sent, ours.tick().waiting) == ((), 1)
    clock.forward(seconds=1)
    assert ours.tick().sent == (("ops", 1),)


def test_quiet_hours_hold_back_all_but_the_gravest_until_they_end(database, alerts, finding, clock, web):
    ours = notifier(database, web.url, quiet_hours=["Mon-Sun 07:00-09:00"])  # it is 8
    ours.queue([raised(alerts, finding, channel=f"P-{i}") for i in range(3)])
    clock.forward(minutes=5)
    assert ours.tick().sent == ()
    ours.queue([raised(alerts, finding, channel="E-1", level="critical")])
    assert ours.tick().sent == (("ops", 1),)
    clock.forward(hours=1)
    assert ours.tick().sent == (("ops", 3),)


def test_a_failed_delivery_says_why_and_is_tried_again(database, alerts, finding, web):
    ours = notifier(database, web.url)
    web.answers.append(500)
    ours.queue([raised(alerts, finding, level="critical")])
    done = ours.tick()
    assert done.sent == ()
    assert done.waiting == 1
    ((target, reason),) = done.failed
    assert target == "ops"
    assert "500" in reason
    assert ours.tick().sent == (("ops", 1),)
    nowhere = notifier(database, "nothing://x")
    nowhere.queue([raised(alerts, finding, channel="E-1", level="critical")])
    assert nowhere.tick().failed[0][1]


def test_mail_arrives(database, alerts, finding, mail):
    ours = notifier(database, f"mailto://127.0.0.1:{mail.port}?from=wb@example.com&to=ann@example.com&smtp=127.0.0.1")
    ours.queue([raised(alerts, finding, level="critical")])
    assert ours.tick().failed == ()
    (one,) = mail.mails
    assert one["Subject"] == "Alert 1, critical"
    assert "P-1 left its forecast" in one.get_payload(decode=True).decode()


def test_what_is_hidden_is_not_told(database, alerts, finding, web):
    number = raised(alerts, finding, level="critical")
    alerts.shelve(number, "Ann", "known", hours=1)
    assert notifier(database, web.url).queue([number]) == 0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{quiet_hours: [whenever]}", "notifications"),
        ("{targets: {ops: {uri: x}}}", "notifications.targets.ops"),
        ("{cool_down_seconds: -1}", "notifications.cool_down_seconds"),
    ],
)
def test_wrong_settings_are_named(tmp_path, text, message):
    (tmp_path / "workbench.yaml").write_text(f"notifications: {text}")
    with pytest.raises(SettingsError, match=message):
        load_settings(tmp_path)


def test_an_alert_that_opens_again_is_told_again(database, alerts, finding, web):
    ours = notifier(database, web.url)
    number = raised(alerts, finding, level="critical")
    ours.queue([number])
    assert ours.tick().sent == (("ops", 1),)
    alerts.close(number, "Ann", "false alarm")
    report = alerts.raise_findings([], [finding(level="critical", end_sample=900)])
    assert report.reopened == (number,)
    assert ours.queue(report.raised, report.reopened) == 1
    assert ours.tick().sent == (("ops", 1),)
