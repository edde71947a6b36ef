"""OPC UA: values of a server's nodes, by a subscription that is acknowledged when they are stored.

A server sends what it has to report, or, where there is nothing, that it is still there: a keep-alive. So a node that
is quiet is told from a server that is dead. While nothing can be stored no notification is acknowledged, and the server
keeps the values that come meanwhile, as many of each node as it was asked to. It keeps nothing of a connection that was
lost: what it reports afterwards begins with the present values.
"""

import asyncio
import importlib
import logging
import math
import threading
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from workbench.counts import counted
from workbench.exceptions import SettingsError
from workbench.live.feeds.feed import FeedState
from workbench.live.intake import Intake
from workbench.live.samples import Delivery, Fault, Sample
from workbench.telemetry.feed_options import LiveSettings

__all__ = ["OpcUaFeed"]

_FIRST_WAIT_S = 1.0
_LONGEST_WAIT_S = 60.0
_TIMEOUT_S = 10.0
_LOOK_S = 0.5
_DEAD_KEEPALIVES = 3
_LIFETIME_KEEPALIVES = 100  # for so long a server keeps a subscription of which nothing is acknowledged
_SUBJECT_NAMES = "2.5.29.17"  # OID of the alternative names of a subject
_MOST_VALUES = 10_000  # of one notification
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_LAST_MOMENT = 2**63 - 1


class OpcUaFeed:
    """Receives from an OPC UA server.

    Parameters
    ----------
    settings : LiveSettings
        The server, and the nodes of the channels.

    Raises
    ------
    SettingsError
        The package asyncua is not installed.
    """

    name = "opcua"

    def __init__(self, settings: LiveSettings) -> None:
        self._options = settings.opcua
        self._library = _library()
        self._channels = tuple(self._options.nodes)
        self._intake: Intake | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name=self.name, daemon=True)
        self._connected = False
        self._words = "not connected yet"
        self._received = 0
        self._heard = 0.0  # when the server has last sent anything
        self._is_storing = False
        self._stored: asyncio.Future[bool] | None = None
        self._ended = ""  # why the server has ended the subscription
        self._quiet: frozenset[str] = frozenset()  # channels of which equal values are not reported

    def start(self, intake: Intake) -> None:
        """Connect, and go on trying where the server is not there."""
        self._intake = intake
        self._thread.start()

    def stop(self) -> None:
        """Disconnect; the server keeps nothing for later."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._end)
        if self._thread.is_alive():
            self._thread.join(2 * _TIMEOUT_S)

    def state(self) -> FeedState:
        """Return whether the server is there."""
        quiet = self._quiet if self._connected else frozenset()
        return FeedState(self._connected, self._words, self._received, quiet=quiet)

    # ---- in the thread

    def _run(self) -> None:
        asyncio.run(self._connect_again())

    async def _connect_again(self) -> None:
        """Receive until it is stopped; after a fault connect again, later each time that it is no use."""
        self._loop = asyncio.get_running_loop()
        wait = _FIRST_WAIT_S
        while not self._stop.is_set():
            try:
                await self._receive()
            except Exception as error:  # noqa: BLE001
                # whatever the library meets in what a server sends: the thread would end, and say nothing more
                self._words = f"{self._options.url}: {str(error) or type(error).__name__}; tried again"
            wait = _FIRST_WAIT_S if self._connected else min(2 * wait, _LONGEST_WAIT_S)
            self._connected = False
            await self._pause(wait)

    async def _receive(self) -> None:
        """Receive until it is stopped, or the server is gone."""
        client = self._library.Client(self._options.url, timeout=_TIMEOUT_S)
        await self._sign_in(client)
        async with client:
            longest = await self._subscribe(client)
            while not self._stop.is_set():
                await self._pause(_LOOK_S)
                await client.check_connection()
                if self._ended:
                    raise ConnectionError(f"the server has ended the subscription: {self._ended}")
                if not self._is_storing and time.monotonic() - self._heard > longest:
                    raise TimeoutError(f"no sign of life for {longest:.0f} s")

    async def _sign_in(self, client: Any) -> None:
        options, library = self._options, self._library
        if options.user is not None:
            client.set_user(options.user)
            client.set_password(options.password.get_secret_value())
        if options.security != "none":
            mode = {"sign": "Sign", "encrypt": "SignAndEncrypt"}[options.security]
            crypto = importlib.import_module("asyncua.crypto.uacrypto")
            client.application_uri = (
                _uri_of(await crypto.load_certificate(options.certificate)) or client.application_uri
            )
            await client.set_security(
                importlib.import_module("asyncua.crypto.security_policies").SecurityPolicyBasic256Sha256,
                certificate=str(options.certificate),
                private_key=str(options.private_key),
                server_certificate=None if options.server_certificate is None else str(options.server_certificate),
                mode=getattr(library.ua.MessageSecurityMode, mode),
            )

    async def _subscribe(self, client: Any) -> float:
        """Ask for the values of all nodes; return the seconds of silence after which the server is dead."""
        ua, options = self._library.ua, self._options
        keepalives = max(1, round(1_000 * options.keepalive_s / options.publishing_ms))
        self._ended, self._heard = "", time.monotonic()
        made = await client.uaclient.session.create_subscription(
            ua.CreateSubscriptionParameters(
                RequestedPublishingInterval=options.publishing_ms,
                RequestedMaxKeepAliveCount=keepalives,
                RequestedLifetimeCount=_LIFETIME_KEEPALIVES * keepalives,
                MaxNotificationsPerPublish=_MOST_VALUES,
                PublishingEnabled=True,
            ),
            self._on_notification,
        )
        faults = await self._monitor(client, made.SubscriptionId)
        readable = len(self._channels) - len(faults)
        self._connected = True
        self._words = f"{options.url}, {readable} of {counted(len(self._channels), 'node')}"
        if faults:
            await self._store([], faults)
        return float(_DEAD_KEEPALIVES * made.RevisedMaxKeepAliveCount * made.RevisedPublishingInterval / 1_000)

    async def _monitor(self, client: Any, subscription: int) -> list[Fault]:
        """Ask for the values of all nodes, also equal ones where the server can; return what cannot be read."""
        codes = self._library.ua.StatusCodes
        faults: list[Fault] = []
        nodes: dict[str, Any] = {}
        for channel, text in self._options.nodes.items():
            try:
                nodes[channel] = await self._node(client, text)
            except (ValueError, self._library.ua.UaError) as error:
                faults.append(Fault("no node", f"{channel}: {text}: {error}"))
        statuses = await self._monitor_nodes(client, subscription, nodes, equal=self._options.report == "writes")
        no_equal = (codes.BadMonitoredItemFilterUnsupported, codes.BadFilterNotAllowed)
        again = {name: nodes[name] for name, status in statuses.items() if status.value in no_equal}
        statuses |= await self._monitor_nodes(client, subscription, again, equal=False)
        self._quiet = frozenset(nodes if self._options.report == "changes" else again)
        for channel, status in statuses.items():
            if not status.is_good():
                faults.append(Fault("no node", f"{channel}: {self._options.nodes[channel]}: {status.name}"))
        return faults

    async def _node(self, client: Any, text: str) -> Any:
        """Return the id of a node, the URI of its namespace replaced by the number that it has now."""
        if text.startswith("nsu="):
            uri, _, rest = text.removeprefix("nsu=").partition(";")
            text = f"ns={await client.get_namespace_index(uri)};{rest}"
        return self._library.ua.NodeId.from_string(text)

    async def _monitor_nodes(
        self, client: Any, subscription: int, nodes: Mapping[str, Any], *, equal: bool
    ) -> dict[str, Any]:
        if not nodes:
            return {}
        ua, options = self._library.ua, self._options
        every = ua.DataChangeFilter(Trigger=ua.DataChangeTrigger.StatusValueTimestamp)
        items = [
            ua.MonitoredItemCreateRequest(
                ItemToMonitor=ua.ReadValueId(NodeId=node, AttributeId=ua.AttributeIds.Value),
                MonitoringMode=ua.MonitoringMode.Reporting,
                RequestedParameters=ua.MonitoringParameters(
                    ClientHandle=self._channels.index(channel),
                    SamplingInterval=options.sampling_ms,
                    QueueSize=options.queue_values,
                    DiscardOldest=True,
                    Filter=every if equal else None,
                ),
            )
            for channel, node in nodes.items()
        ]
        results = await client.uaclient.session.create_monitored_items(
            ua.CreateMonitoredItemsParameters(
                SubscriptionId=subscription, TimestampsToReturn=ua.TimestampsToReturn.Both, ItemsToCreate=items
            )
        )
        return {channel: result.StatusCode for channel, result in zip(nodes, results, strict=True)}

    async def _on_notification(self, result: Any) -> None:
        """Store what a notification holds; it is acknowledged when this returns. A keep-alive holds nothing."""
        ua = self._library.ua
        self._heard = time.monotonic()
        samples: list[Sample] = []
        faults: list[Fault] = []
        for part in result.NotificationMessage.NotificationData or ():
            if isinstance(part, ua.StatusChangeNotification):
                self._ended = str(part.Status)
            elif isinstance(part, ua.DataChangeNotification):
                for item in part.MonitoredItems:
                    read = _read(self._channels[item.ClientHandle], item.Value)
                    (samples if isinstance(read, Sample) else faults).append(read)  # type: ignore[arg-type]
        if (samples or faults) and not await self._store(samples, faults):
            await asyncio.Event().wait()  # to be cancelled: nothing is acknowledged

    async def _store(self, samples: Sequence[Sample], faults: Sequence[Fault]) -> bool:
        """Wait until samples are stored; return False where the service stops before."""
        assert self._intake is not None
        assert self._loop is not None
        stored: asyncio.Future[bool] = self._loop.create_future()
        self._stored = stored
        delivery = Delivery(self.name, list(samples), list(faults), partial(self._note_stored, stored))
        self._received += len(samples)
        self._is_storing = True
        try:
            while not await asyncio.to_thread(self._intake.put, delivery, _LOOK_S):
                if self._stop.is_set():
                    return False
            return await stored
        finally:
            self._is_storing, self._heard = False, time.monotonic()

    def _note_stored(self, stored: "asyncio.Future[bool]", counts: Mapping[str, int]) -> None:
        """Note in the thread of the feed what the thread of ingest says."""
        del counts
        assert self._loop is not None
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(_settle, stored, True)

    def _end(self) -> None:
        self._stop.set()
        if self._stored is not None:
            _settle(self._stored, False)

    async def _pause(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self._stop.wait(), seconds)
        except TimeoutError:
            return


def _settle(future: "asyncio.Future[bool]", result: bool) -> None:
    if not future.done():
        future.set_result(result)


def _library() -> Any:
    try:
        library = importlib.import_module("asyncua")
    except ImportError as error:
        raise SettingsError(
            f"live.opcua needs the package asyncua, which cannot be imported: {error}.",
            'Run: pip install "telemetry-workbench[opcua]"',
        ) from None
    logging.getLogger("asyncua").setLevel(logging.CRITICAL)  # of a server that is gone `state` tells
    return library


def _uri_of(certificate: Any) -> str:
    """Return the URI of the application that a certificate names, which servers compare with what a client says."""
    names = next((one.value for one in certificate.extensions if one.oid.dotted_string == _SUBJECT_NAMES), ())
    return next((str(one.value) for one in names if type(one).__name__ == "UniformResourceIdentifier"), "")


def _read(channel: str, value: Any) -> Sample | Fault:
    """Return the value of a node as a sample; one whose status is not good is missing."""
    at = value.SourceTimestamp or value.ServerTimestamp
    if at is None:
        return Fault("no time", f"{channel} came without a time")
    held = None if value.Value is None else value.Value.Value
    if not value.StatusCode.is_good() or (isinstance(held, float) and math.isnan(held)):
        held = math.nan
    elif not isinstance(held, int | float) or not math.isfinite(held):
        return Fault("no number", f"{channel} holds {str(held)[:200]!r}")
    moment = ((at.replace(tzinfo=UTC) if at.tzinfo is None else at) - _EPOCH) // _MICROSECOND * 1_000
    if abs(moment) > _LAST_MOMENT:  # as 1601-01-01, which servers send where they know no time
        return Fault("no time", f"{channel} came at {at:%Y-%m-%d}: times lie between 1677-09-22 and 2262-04-11")
    return Sample(channel, "time", moment, float(held))
