"""OPC UA from a server in this process: acknowledged is stored, not good is missing, and quiet is not dead."""

import asyncio
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.live.plants import service_of
from tests.live.test_mqtt import wait_for
from workbench.exceptions import SettingsError
from workbench.live.feeds.opcua import OpcUaFeed
from workbench.live.journal import Journal
from workbench.live.service import LiveService
from workbench.settings import load_settings
from workbench.telemetry.feed_options import LiveSettings

T = datetime(2026, 1, 1, tzinfo=UTC)
URI = "http://plant.example"


class Server:
    """A server with the nodes `flow`, `head` and `state`, in a loop of its own."""

    def __init__(self, port: int = 0) -> None:
        pytest.importorskip("asyncua")
        with socket.create_server(("127.0.0.1", port)) as free:
            self.port = int(free.getsockname()[1])
        self.url = f"opc.tcp://127.0.0.1:{self.port}/plant"
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        self.nodes: dict[str, Any] = {}
        self.call(self._begin())

    def call(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(30)

    async def _begin(self) -> None:
        from asyncua import Server as UaServer
        from asyncua import ua

        self.server = UaServer(user_manager=Doorman())
        await self.server.init()
        self.server.set_endpoint(self.url)
        await self.prepare()
        index = await self.server.register_namespace(URI)
        for name in ("flow", "head", "state"):
            kind = ua.VariantType.String if name == "state" else ua.VariantType.Double
            first = ua.DataValue(ua.Variant("on" if name == "state" else 0.0, kind), SourceTimestamp=T)
            node = ua.NodeId(f"Pump.{name}", index)
            self.nodes[name] = await self.server.nodes.objects.add_variable(node, name, first.Value)
            await self.nodes[name].write_value(first)
        await self.server.start()

    async def prepare(self) -> None:
        """Change the server before it starts."""

    def write(self, name: str, second: int, value: Any, status: str = "Good") -> None:
        from asyncua import ua

        variant = ua.Variant(value, ua.VariantType.String if isinstance(value, str) else ua.VariantType.Double)
        code = ua.StatusCode(getattr(ua.StatusCodes, status))
        at = T + timedelta(seconds=second)
        self.call(self.nodes[name].write_value(ua.DataValue(variant, StatusCode=code, SourceTimestamp=at)))

    def end(self) -> None:
        self.call(self.server.stop())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()


class Doorman:
    """Lets in whoever has no name, and the one who knows the password."""

    def get_user(self, iserver: object, username: str | None = None, password: Any = None, certificate: Any = None):
        from asyncua.crypto.permission_rules import User, UserRole

        known = username is None or (username, password) == ("plant", "secret")
        return User(role=UserRole.Admin) if known else None


class Running:
    """A service in a thread."""

    def __init__(self, home: Path, server: Server, **opcua: Any) -> None:
        nodes = {"flow": f"nsu={URI};s=Pump.flow", "head": f"nsu={URI};s=Pump.head"}
        live = {"opcua": {"url": server.url, "nodes": nodes, "publishing_ms": 20, "keepalive_s": 1} | opcua}
        self.home = home
        self.feed = OpcUaFeed(load_settings(home.parent, home=home, live=live).live)
        self.service: LiveService = service_of(home, [self.feed], **live)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self.service.run, args=(self._stop,))
        self._thread.start()

    def rows(self, name: str) -> list[tuple[int, float | None]]:
        """Return second and value of the samples of a channel that has no archive yet."""
        journal = Journal(self.home / "live.db")
        ids = {tag.name: tag.id for tag in journal.tags()}
        if name not in ids:
            return []
        return [((row[0] - int(T.timestamp()) * 10**9) // 10**9, row[1]) for row in journal.samples(ids[name])]

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()


@pytest.fixture
def server() -> Iterator[Server]:
    one = Server()
    yield one
    one.end()


Run = Callable[..., Running]


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    """Start services, and stop them at the end of the test."""
    started: list[Running] = []

    def start(server: Server, **opcua: Any) -> Running:
        started.append(Running(tmp_path / "live", server, **opcua))
        return started[-1]

    yield start
    for one in started:
        one.stop()


def test_each_value_is_a_sample_equal_ones_too_and_one_that_is_not_good_is_missing(server: Server, run: Run) -> None:
    live = run(server, nodes={"flow": f"nsu={URI};s=Pump.flow", "state": f"nsu={URI};s=Pump.state", "x": "ns=2;s=X"})
    wait_for(lambda: live.feed.state().connected)
    wait_for(lambda: live.rows("flow") == [(0, 0.0)])
    for second, (value, status) in enumerate(
        [(1.5, "Good"), (1.5, "Good"), (9.0, "BadSensorFailure"), (2.5, "UncertainLastUsableValue"), (7.25, "Good")], 1
    ):
        server.write("flow", second, value, status)
    server.write("state", 1, "off")
    server.write("flow", int((datetime(1601, 1, 1, tzinfo=UTC) - T).total_seconds()), 3.0)  # "no time" of many servers
    server.write("flow", 6, 7.5)
    wait_for(lambda: len(live.rows("flow")) == 7)
    rows = live.rows("flow")
    assert [second for second, _ in rows] == list(range(7))
    assert [value for _, value in rows] == [0.0, 1.5, 1.5, None, None, 7.25, 7.5]
    assert "2 of 3 nodes" in live.feed.state().words
    wait_for(lambda: len(live.service.faults()) == 3)
    faults = {one["kind"]: one["example"] for one in live.service.faults()}
    assert faults["no node"] == "x: ns=2;s=X: BadNodeIdUnknown"
    assert faults["no number"].startswith("state holds 'o")
    assert faults["no time"] == "flow came at 1601-01-01: times lie between 1677-09-22 and 2262-04-11"


@pytest.mark.slow
def test_what_cannot_be_stored_is_kept_by_the_server(server: Server, run: Run) -> None:
    live = run(server)
    wait_for(lambda: bool(live.rows("head")))
    journal = live.service.ingest._journal
    store = journal.store

    def full(transaction: object) -> None:
        raise OSError(28, "No space left on device")

    journal.store = full  # type: ignore[method-assign,assignment]
    for second in range(1, 201):
        server.write("flow", second, second / 2)
    wait_for(lambda: live.service.ingest.figures.error != "")
    assert live.feed._received < 203, "no further notification is taken"
    journal.store = store  # type: ignore[method-assign]
    wait_for(lambda: len(live.rows("flow")) == 201)
    assert live.rows("flow") == [(second, second / 2) for second in range(201)]


@pytest.mark.slow
def test_a_server_that_is_gone_is_told_and_found_again(run: Run) -> None:
    server = Server()
    live = run(server)
    wait_for(lambda: bool(live.rows("flow")))
    server.end()
    wait_for(lambda: not live.feed.state().connected)
    assert "tried again" in live.feed.state().words
    assert not live.service.figures.health()[0]
    again = Server(server.port)
    wait_for(lambda: live.feed.state().connected)
    again.write("flow", 7, 3.5)
    wait_for(lambda: live.rows("flow")[-1] == (7, 3.5))
    again.end()


@pytest.mark.slow
def test_a_quiet_node_is_told_from_a_server_that_is_dead(server: Server, run: Run) -> None:
    live = run(server, report="changes")
    wait_for(lambda: bool(live.rows("flow")))
    heard = live.feed._heard
    server.write("flow", 1, 0.0)  # an equal value is not reported
    wait_for(lambda: live.feed._heard > heard + 2)
    assert live.feed.state().connected and live.rows("flow") == [(0, 0.0)]
    assert live.feed.state().quiet == {"flow", "head"}
    (source,) = [one for one in live.service.sources() if one.name == "opcua"]
    assert (source.gone, source.quiet) == ("", {"flow", "head"})
    thaw = threading.Event()
    server.loop.call_soon_threadsafe(thaw.wait)  # its sockets stay open, and say nothing
    wait_for(lambda: not live.feed.state().connected)
    assert live.feed.state().quiet == set()
    thaw.set()
    wait_for(lambda: live.feed.state().connected)


def test_a_wrong_password_is_told(server: Server, run: Run) -> None:
    live = run(server, user="plant", password="wrong")
    wait_for(lambda: "tried again" in live.feed.state().words)
    assert "BadUserAccessDenied" in live.feed.state().words or "BadIdentityToken" in live.feed.state().words
    live.stop()
    right = run(server, user="plant", password="secret")
    wait_for(lambda: right.feed.state().connected)


@pytest.mark.slow
def test_messages_are_signed_and_encrypted_with_certificates(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("asyncua")
    from asyncua.server.internal_session import InternalSession

    made = {name: (tmp_path / f"{name}.der", tmp_path / f"{name}.pem") for name in ("server", "client")}

    class Guarded(Server):
        async def prepare(self) -> None:
            from asyncua import ua
            from asyncua.crypto.cert_gen import setup_self_signed_certificate

            for name, (certificate, key) in made.items():
                await setup_self_signed_certificate(key, certificate, f"urn:{name}", "localhost", [], {})
            self.server.set_security_policy([ua.SecurityPolicyType.Basic256Sha256_SignAndEncrypt])
            await self.server.load_certificate(str(made["server"][0]))
            await self.server.load_private_key(str(made["server"][1]))

    server, told = Guarded(), []
    create = InternalSession.create_session

    async def noting(session: Any, parameters: Any, *more: Any, **options: Any) -> Any:
        told.append(parameters.ClientDescription.ApplicationUri)
        return await create(session, parameters, *more, **options)

    monkeypatch.setattr(InternalSession, "create_session", noting)
    certificate, key = made["client"]
    live = run(server, security="encrypt", certificate=str(certificate), private_key=str(key))
    wait_for(lambda: bool(live.rows("flow")))
    assert told[-1] == "urn:client", "as the certificate says, or a strict server refuses it"
    live.stop()
    plain = run(server)
    wait_for(lambda: "tried again" in plain.feed.state().words)
    plain.stop()
    server.end()


def test_a_missing_package_is_told_with_what_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "asyncua", None)
    live = LiveSettings.model_validate({"opcua": {"url": "opc.tcp://plc:4840", "nodes": {"flow": "ns=2;s=flow"}}})
    with pytest.raises(SettingsError, match=r'pip install "telemetry-workbench\[opcua\]"'):
        OpcUaFeed(live)


@pytest.mark.parametrize(
    ("opcua", "words"),
    [
        ({"url": "http://plc"}, "opc.tcp://plc.example:4840"),
        ({"url": "opc.tcp://me:secret@plc:4840"}, "without a user"),
        ({"url": "opc.tcp://plc:4840"}, "name at least one node"),
        ({"nodes": {"flow": "Pump.flow"}}, "'Pump.flow' is no node"),
        ({"nodes": {"a  b": "i=1"}}, "cannot name a channel"),
        ({"nodes": {"a": "i=1", "b": "i=2", "c": "i=1"}}, "'a' and 'c' are the same node i=1"),
        ({"password": "x"}, "a password needs a user"),
        ({"security": "sign"}, "needs certificate and private_key"),
        ({"certificate": "/x.der"}, "certificates need security"),
    ],
)
def test_wrong_settings_are_named(opcua: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        LiveSettings.model_validate({"opcua": opcua})
