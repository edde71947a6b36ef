"""MQTT: messages of a broker, acknowledged only when their samples are stored, so that nothing is lost.

The broker keeps a session under the client's name: what it sends while the service is away arrives later. Messages have
quality of service 1: one that was stored but not acknowledged comes again, and its samples count as duplicates.
"""

import ssl
import time
from collections.abc import Mapping
from functools import partial

from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from workbench.exceptions import SettingsError
from workbench.live.feeds.feed import FeedState
from workbench.live.intake import Intake
from workbench.live.payloads import read_json, read_lines
from workbench.live.samples import Delivery, Fault, Sample
from workbench.live.sparkplug import SparkplugReader, rebirth_command
from workbench.telemetry.feed_options import LiveSettings

__all__ = ["MqttFeed"]

_FIRST_WAIT_S = 1
_LONGEST_WAIT_S = 60
_QOS = 1
_LONGEST_EXAMPLE = 200


class MqttFeed:
    """Receives from an MQTT broker.

    Parameters
    ----------
    settings : LiveSettings
        The broker, with how payloads are read.

    Raises
    ------
    SettingsError
        Certificates cannot be read.
    """

    name = "mqtt"

    def __init__(self, settings: LiveSettings) -> None:
        options = settings.mqtt
        self._settings = settings
        self._options = options
        self._sparkplug = (
            SparkplugReader(settings.sparkplug_mapping, time.monotonic) if options.format == "sparkplug" else None
        )
        self._intake: Intake | None = None
        self._received = 0
        self._connected = False
        self._connection = 0
        self._words = "not connected yet"
        self._client = Client(
            CallbackAPIVersion.VERSION2, client_id=options.client_id, clean_session=False, manual_ack=True
        )
        if options.user is not None:
            self._client.username_pw_set(options.user, options.password.get_secret_value() or None)
        if options.tls:
            try:
                self._client.tls_set(
                    ca_certs=None if options.ca_file is None else str(options.ca_file),
                    tls_version=ssl.PROTOCOL_TLS_CLIENT,
                )
            except (OSError, ValueError) as error:
                raise SettingsError(f"live.mqtt.ca_file: {options.ca_file} cannot be read: {error}") from None
        self._client.reconnect_delay_set(_FIRST_WAIT_S, _LONGEST_WAIT_S)
        self._client.on_connect = self._on_connect
        self._client.on_connect_fail = self._on_connect_fail
        self._client.on_subscribe = self._on_subscribe
        self._client.on_disconnect = self._on_disconnect
        self._client.on_message = self._on_message

    def start(self, intake: Intake) -> None:
        """Connect, and go on trying where the broker is not there."""
        self._intake = intake
        self._client.connect_async(self._options.host or "", self._options.port, keepalive=self._options.keepalive_s)
        self._client.loop_start()

    def stop(self) -> None:
        """Disconnect; the broker keeps what was not acknowledged."""
        self._client.disconnect()
        self._client.loop_stop()

    def state(self) -> FeedState:
        """Return whether the broker is there."""
        return FeedState(self._connected, self._words, self._received)

    def dead(self) -> list[str]:
        """Return the edge nodes and devices of Sparkplug B that are gone."""
        return [] if self._sparkplug is None else self._sparkplug.dead()

    # ---- called in the client's thread

    def _on_connect(
        self, client: Client, userdata: object, flags: ConnectFlags, reason: ReasonCode, properties: Properties | None
    ) -> None:
        del userdata, properties
        where = f"{self._options.host}:{self._options.port}"
        if reason.is_failure:
            self._connected, self._words = False, f"{where} refused the connection: {reason}"
            return
        self._connection += 1
        client.subscribe([(topic, _QOS) for topic in self._options.topics])
        kept = "goes on with the session that the broker kept" if flags.session_present else "new session"
        self._connected, self._words = True, f"{where}, {kept}"

    def _on_connect_fail(self, client: Client, userdata: object) -> None:
        del client, userdata
        self._connected = False
        self._words = f"{self._options.host}:{self._options.port} cannot be reached; tried again"

    def _on_subscribe(
        self, client: Client, userdata: object, mid: int, reasons: list[ReasonCode], properties: Properties | None
    ) -> None:
        """Note which topics the broker does not give, as its access list says."""
        del client, userdata, mid, properties
        refused = [topic for topic, reason in zip(self._options.topics, reasons, strict=False) if reason.is_failure]
        if refused:
            where = f"{self._options.host}:{self._options.port}"
            self._connected, self._words = False, f"{where} does not give the topics {', '.join(refused)}"

    def _on_disconnect(
        self,
        client: Client,
        userdata: object,
        flags: DisconnectFlags,
        reason: ReasonCode,
        properties: Properties | None,
    ) -> None:
        del client, userdata, flags, properties
        if self._connected or not reason.is_failure:
            self._words = f"disconnected from {self._options.host}:{self._options.port}: {reason}; tried again"
        self._connected = False

    def _on_message(self, client: Client, userdata: object, message: MQTTMessage) -> None:
        """Read a message; while the intake is full this waits, and nothing more is read from the broker.

        An edge node of which a birth or another message is missing is asked for its birth.
        """
        del userdata
        if self._intake is None:
            return
        source, samples, faults = self.name, list[Sample](), list[Fault]()
        try:
            source, samples, faults = self._read(client, message)
        except Exception as error:  # noqa: BLE001
            # whatever a reader does not expect: the client's thread would end, and meet the same message on every start
            faults = [Fault("cannot be read", f"{error!r}: {bytes(message.payload)[:_LONGEST_EXAMPLE]!r}")]
        self._received += len(samples)
        stored = partial(self._acknowledge, self._connection, message.mid, message.qos)
        self._intake.put(Delivery(source, samples, faults, stored))

    def _read(self, client: Client, message: MQTTMessage) -> tuple[str, list[Sample], list[Fault]]:
        """Return the source of a message, its samples, and what of it cannot be read."""
        payload = bytes(message.payload)
        if self._sparkplug is not None:
            read = self._sparkplug.read(message.topic, payload, repeated=message.dup)
            if read.rebirth:
                client.publish(read.rebirth, rebirth_command(time.time_ns() // 1_000_000))
            return f"{self.name} {read.source}" if read.source else self.name, read.samples, read.faults
        if self._options.format == "json":
            return self.name, *read_json(payload, self._settings.json_mapping, message.topic)
        return self.name, *read_lines(payload, self._settings.line_mapping)

    def _acknowledge(self, connection: int, mid: int, qos: int, counts: Mapping[str, int]) -> None:
        """Acknowledge a message; one of an earlier connection comes again, and its number may mean another by then."""
        del counts
        if connection == self._connection:
            self._client.ack(mid, qos)
