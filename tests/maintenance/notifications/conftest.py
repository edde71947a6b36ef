"""A mail server and a web server on this machine, and what raises alerts and tells of them."""

import json
import socket
import threading
from email import message_from_bytes
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from aiosmtpd.controller import Controller

from workbench.maintenance.alerts.alerts import Alerts
from workbench.maintenance.notifications.notifier import Notifier
from workbench.maintenance.options import NotificationOptions

ON_BOTH = pytest.mark.parametrize("url", ["sqlite", "postgresql"], indirect=True)
"""Runs a test on a server, too: most tests here pass many minutes, and what differs by database is tested beside it."""


@pytest.fixture
def url(request, tmp_path):
    if getattr(request, "param", "sqlite") == "sqlite":
        return f"sqlite:///{tmp_path / 'maintenance.db'}"
    return request.getfixturevalue("fresh_postgres")


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
        answers, bodies, failing = [], [], set()

        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            self.bodies.append(body | {"to": self.path.strip("/")})
            fails = self.bodies[-1]["to"] in self.failing
            self.send_response(500 if fails else self.answers.pop(0) if self.answers else 200)
            self.end_headers()

        def log_message(self, *given):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Hook)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
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
