"""Settings of live telemetry: where samples come from, how payloads are read, and what becomes of new tags."""

import re
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationInfo, field_validator, model_validator

from workbench.names import is_name

__all__ = [
    "JsonMapping",
    "LineMapping",
    "LiveSettings",
    "MqttSettings",
    "NewChannelRule",
    "OpcUaSettings",
    "SparkplugMapping",
    "placeholders",
]

_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_DEVICE = re.compile(r"\{device\}[^\w{}]?")
_NODE = re.compile(r"(?:(?:ns=\d+|nsu=[^;]+);)?(?:i=\d+|s=.+|g=[0-9a-fA-F-]{36}|b=[A-Za-z0-9+/=]+)")
_TOPIC_LEVEL = re.compile(r"[^+#]*|\+|#")
_LOOPBACK = ("127.0.0.1", "::1", "localhost")


def placeholders(template: str) -> tuple[str, ...]:
    """Return the names that a template has in braces.

    Raises
    ------
    ValueError
        A brace is not closed, or not opened.

    Examples
    --------
    >>> placeholders("{topic.1}/{tag}")
    ('topic.1', 'tag')
    """
    names = tuple(_PLACEHOLDER.findall(template))
    if re.search(r"[{}]", _PLACEHOLDER.sub("", template)) or "" in names:
        raise ValueError("write the names of fields in braces, as {channel}")
    return names


class _Options(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class JsonMapping(_Options):
    """Where a JSON object holds what; a dot goes into an object inside.

    Attributes
    ----------
    channel : str
        Name of the channel, with fields of the object in braces; `{topic}` is the topic of a message, `{topic.0}` its
        first level.
    time, sample : str
        Fields of the time, and of the number of the sample for channels without times.
    time_unit : {"s", "ms", "us", "ns"} or None
        Unit of a time that is a number; None takes only ISO 8601.
    value : str
        Field of the value; null means that it is missing.
    inputs : str
        Field of an object with the inputs by name.
    quality : str
        Field of the quality: true, "good" and 0 are good, all else makes the value missing.
    """

    channel: str = "{channel}"
    time: str = "time"
    sample: str = "sample"
    time_unit: Literal["s", "ms", "us", "ns"] | None = None
    value: str = "value"
    inputs: str = "inputs"
    quality: str = "quality"

    @field_validator("channel")
    @classmethod
    def _is_a_template(cls, value: str) -> str:
        placeholders(value)
        return value


class LineMapping(_Options):
    """How a line of InfluxDB's line protocol is read.

    Attributes
    ----------
    channel : str
        Name of the channel, with tags, `measurement` and `field` in braces; `{series}` is the measurement with all its
        tags, sorted, as `pump,site=north`, so that no two series are one channel.
    value : str or None
        Field of the value, all other fields being inputs; None makes each field a channel of its own.
    clock : {"time", "sample"}
        Whether the time stamps are times or numbers of samples.
    """

    channel: str = "{series}.{field}"
    value: str | None = None
    clock: Literal["time", "sample"] = "time"

    @field_validator("channel")
    @classmethod
    def _is_a_template(cls, value: str) -> str:
        placeholders(value)
        return value

    @model_validator(mode="after")
    def _tells_fields_apart(self) -> "LineMapping":
        if self.value is None and "field" not in placeholders(self.channel):
            raise ValueError("channel must hold {field} where each field is a channel; or name the field of the value")
        return self


class SparkplugMapping(_Options):
    """How the metrics of Sparkplug B are called.

    Attributes
    ----------
    channel : str
        Name of the channel, with `group`, `node`, `device` and `metric` in braces. Where a metric is of the edge node
        itself, `{device}` and the mark behind it are left out.
    """

    channel: str = "{group}/{node}/{device}/{metric}"

    @field_validator("channel")
    @classmethod
    def _tells_metrics_apart(cls, value: str) -> str:
        names = placeholders(value)
        unknown = [name for name in names if name not in ("group", "node", "device", "metric")]
        if unknown:
            raise ValueError(f"there is no {{{unknown[0]}}}; known are {{group}}, {{node}}, {{device}} and {{metric}}")
        if "metric" not in names:
            raise ValueError("channel must hold {metric}, or all metrics would be one channel")
        return value

    def name(self, group: str, node: str, device: str, metric: str) -> str:
        """Return the name of the channel of a metric; `device` is empty where it is of the edge node.

        Examples
        --------
        >>> SparkplugMapping().name("plant", "gateway", "", "temperature")
        'plant/gateway/temperature'
        """
        template = self.channel if device else _DEVICE.sub("", self.channel)
        texts = {"group": group, "node": node, "device": device, "metric": metric}
        return _PLACEHOLDER.sub(lambda one: texts[one[1]], template)


class MqttSettings(_Options):
    """The MQTT broker that telemetry comes from.

    Attributes
    ----------
    host : str or None
        Name of the broker; None where there is none.
    port : int
        Its port.
    topics : tuple of str
        Filters of the topics, with quality of service 1.
    format : {"json", "line", "sparkplug"}
        What messages hold; the topics of Sparkplug B are `spBv1.0/#`, or `spBv1.0/GROUP/#`.
    client_id : str
        Name under which the broker keeps the session; no two services may share one.
    user : str or None
        Name to sign in with.
    password : SecretStr
        Password of the user.
    tls : bool
        Whether the connection is encrypted, and the broker's certificate checked.
    ca_file : Path or None
        Certificates to check it with; those of the system where omitted.
    keepalive_s : int
        Seconds after which a silent connection is tried.
    """

    host: str | None = None
    port: int = Field(1883, ge=1, le=65535)
    topics: tuple[str, ...] = ("telemetry/#",)
    format: Literal["json", "line", "sparkplug"] = "json"
    client_id: str = Field("workbench-live", min_length=1, max_length=23)
    user: str | None = None
    password: SecretStr = SecretStr("")
    tls: bool = False
    ca_file: Path | None = None
    keepalive_s: int = Field(60, ge=5, le=3_600)

    @field_validator("topics")
    @classmethod
    def _are_filters(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for topic in value:
            levels = topic.split("/")
            if not topic or not all(map(_TOPIC_LEVEL.fullmatch, levels)) or "#" in levels[:-1] or "\0" in topic:
                raise ValueError(f"{topic!r} is no topic filter: + stands for one whole level, # for all the last ones")
        if not value:
            raise ValueError("name at least one topic, as telemetry/#")
        return value

    @model_validator(mode="after")
    def _signs_in(self) -> "MqttSettings":
        if self.password.get_secret_value() and self.user is None:
            raise ValueError("a password needs a user")
        if self.ca_file is not None and not self.tls:
            raise ValueError("ca_file needs tls: true")
        if self.format == "sparkplug" and not any(topic.startswith(("spBv1.0/", "+/", "#")) for topic in self.topics):
            raise ValueError('the topics of Sparkplug B begin with spBv1.0: set topics to ["spBv1.0/#"]')
        return self


class OpcUaSettings(_Options):
    """The OPC UA server that telemetry comes from.

    Attributes
    ----------
    url : str or None
        Address of the server, as `opc.tcp://plc.example:4840`; None where there is none.
    nodes : dict of str to str
        Node of each channel, as `ns=2;s=Pump.Flow`, or with the URI of the namespace, whose number may change when the
        server starts anew: `nsu=http://plant.example;s=Pump.Flow`.
    report : {"writes", "changes"}
        Whether each value that is written is a sample, or only one that differs from the one before. Where a server
        cannot report equal values it reports changes.
    publishing_ms : int
        Time between two notifications.
    sampling_ms : int
        Time between two looks of the server at a node; 0 is as fast as it can.
    queue_values : int
        Values of a node that the server keeps between two notifications; beyond it the oldest are lost.
    keepalive_s : int
        Seconds after which a server that has nothing to report says that it is there; where it says nothing for three
        times as long it is taken for dead.
    user : str or None
        Name to sign in with.
    password : SecretStr
        Password of the user.
    security : {"none", "sign", "encrypt"}
        Whether messages are signed, or signed and encrypted, by the policy Basic256Sha256; both need the certificate.
    certificate, private_key : Path or None
        Files of this client, DER or PEM; the server has to trust the certificate.
    server_certificate : Path or None
        File of the server's certificate; the one that it shows is taken where omitted.
    """

    url: str | None = None
    nodes: dict[str, str] = Field(default_factory=dict)
    report: Literal["writes", "changes"] = "writes"
    publishing_ms: int = Field(500, ge=10, le=60_000)
    sampling_ms: int = Field(0, ge=0, le=3_600_000)
    queue_values: int = Field(1_000, ge=1, le=1_000_000)
    keepalive_s: int = Field(10, ge=1, le=3_600)
    user: str | None = None
    password: SecretStr = SecretStr("")
    security: Literal["none", "sign", "encrypt"] = "none"
    certificate: Path | None = None
    private_key: Path | None = None
    server_certificate: Path | None = None

    @field_validator("url")
    @classmethod
    def _is_an_address(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(r"opc\.tcp://[^\s@/]+(/\S*)?", value):
            raise ValueError(f"write {value!r} as opc.tcp://plc.example:4840, without a user: that is `user`")
        return value

    @field_validator("nodes")
    @classmethod
    def _are_nodes(cls, value: dict[str, str]) -> dict[str, str]:
        for channel, node in value.items():
            if not is_name(channel):
                raise ValueError(f"{channel!r} cannot name a channel")
            if not _NODE.fullmatch(node):
                raise ValueError(f"{channel}: {node!r} is no node: write it as ns=2;s=Pump.Flow")
        channels: dict[str, str] = {}
        for channel, node in value.items():
            if node in channels:
                raise ValueError(f"{channels[node]!r} and {channel!r} are the same node {node}: name it once")
            channels[node] = channel
        return value

    @model_validator(mode="after")
    def _is_complete(self) -> "OpcUaSettings":
        if self.url is not None and not self.nodes:
            raise ValueError("name at least one node, as nodes: {flow: ns=2;s=Pump.Flow}")
        if self.password.get_secret_value() and self.user is None:
            raise ValueError("a password needs a user")
        if self.security != "none" and (self.certificate is None or self.private_key is None):
            raise ValueError(f"security: {self.security} needs certificate and private_key")
        if self.security == "none" and (self.certificate or self.private_key or self.server_certificate):
            raise ValueError("certificates need security: sign, or encrypt")
        return self


class NewChannelRule(_Options):
    """What becomes of a tag that the archive does not hold.

    Attributes
    ----------
    pattern : str
        Regular expression that the whole name of the tag must match.
    asset, subsystem : str
        Asset and subsystem of the new channel, with named groups of the pattern in braces.
    units : str
        Units of its values.
    train_samples : int
        First samples of the tag, from which the models learn; the channel is made when one more has come.
    """

    pattern: str
    asset: str = Field(min_length=1, max_length=200)
    subsystem: str = Field("", max_length=200)
    units: str = Field("", max_length=40)
    train_samples: int = Field(2_000, ge=100, le=1_000_000)

    @field_validator("pattern")
    @classmethod
    def _is_a_pattern(cls, value: str) -> str:
        try:
            re.compile(value)
        except re.error as error:
            raise ValueError(f"it is no regular expression: {error}") from None
        return value

    @field_validator("asset", "subsystem")
    @classmethod
    def _names_groups(cls, value: str, info: ValidationInfo) -> str:
        groups = re.compile(info.data.get("pattern", "")).groupindex
        unknown = [name for name in placeholders(value) if "pattern" in info.data and name not in groups]
        if unknown:
            raise ValueError(f"the pattern has no group called {unknown[0]!r}; write (?P<{unknown[0]}>...)")
        return value

    def place(self, tag: str) -> tuple[str, str] | None:
        r"""Return asset and subsystem of a tag; None where the rule does not speak of it.

        Examples
        --------
        >>> NewChannelRule(pattern=r"(?P<site>\w+)/.*", asset="Pump {site}").place("north/flow")
        ('Pump north', '')
        """
        match = re.fullmatch(self.pattern, tag)
        if match is None:
            return None
        groups = {name: text or "" for name, text in match.groupdict().items()}
        asset, subsystem = (
            _PLACEHOLDER.sub(lambda one: groups[one[1]], template) for template in (self.asset, self.subsystem)
        )
        return asset, subsystem


class LiveSettings(_Options):
    """Settings of `workbench live`.

    Attributes
    ----------
    host : str
        Address that samples are posted to, and health and metrics are read from; one that others reach needs a token.
    port : int
        TCP port.
    token : SecretStr
        What a sender signs in with; none is asked for where it is empty.
    queue_samples : int
        Samples that wait to be stored; beyond it nothing is taken until there is room.
    commit_ms, commit_samples : int
        A transaction is written after this time, or once so many samples are there.
    archive_s : float
        Time that stored samples wait for their place in the archive; complete error windows do not wait. Where more
        than 16 channels a second are due by it, they wait longer: 1,000 channels for 62 s.
    late_s : float
        Seconds by which a sample may come late and is still sorted in, unless what lies there is final. Of a channel
        without times a second is one sample, here and below.
    ahead_s : float
        A sample that lies further ahead of the channel's newest, or behind it, is put in quarantine.
    confirm_samples : int
        Samples in a row that go on from a jump ahead, after which it counts as a gap.
    stale_s : float
        Seconds without a sample after which a channel is stale, which is an alert.
    gone_s : float
        Seconds after which a source that is gone, as a broker, is an alert.
    waiting_samples : int
        Samples that are kept of a tag that waits for a person; those beyond are counted.
    waiting_tags : int
        Tags that may wait.
    new_channels : tuple of NewChannelRule
        What becomes of new tags; the first rule that matches holds. The others wait for a person.
    json_mapping : JsonMapping
        Where JSON objects hold what.
    line_mapping : LineMapping
        How lines are read.
    sparkplug_mapping : SparkplugMapping
        How the metrics of Sparkplug B are called.
    mqtt : MqttSettings
        The broker.
    opcua : OpcUaSettings
        The OPC UA server.
    """

    host: str = "127.0.0.1"
    port: int = Field(8867, ge=0, le=65535)
    token: SecretStr = SecretStr("")
    queue_samples: int = Field(50_000, ge=100, le=10_000_000)
    commit_ms: int = Field(250, ge=1, le=10_000)
    commit_samples: int = Field(1_000, ge=1, le=100_000)
    archive_s: float = Field(15.0, ge=0.1, le=86_400)
    late_s: float = Field(60.0, ge=0, le=86_400)
    ahead_s: float = Field(3_600.0, ge=1, le=31_536_000)
    confirm_samples: int = Field(10, ge=2, le=1_000)
    stale_s: float = Field(600.0, ge=1, le=31_536_000)
    gone_s: float = Field(60.0, ge=1, le=31_536_000)
    waiting_samples: int = Field(100_000, ge=1, le=10_000_000)
    waiting_tags: int = Field(1_000, ge=1, le=100_000)
    new_channels: tuple[NewChannelRule, ...] = ()
    json_mapping: JsonMapping = JsonMapping()
    line_mapping: LineMapping = LineMapping()
    sparkplug_mapping: SparkplugMapping = SparkplugMapping()
    mqtt: MqttSettings = MqttSettings()
    opcua: OpcUaSettings = OpcUaSettings()

    @model_validator(mode="after")
    def _is_guarded(self) -> "LiveSettings":
        if self.host not in _LOOPBACK and not self.token.get_secret_value():
            raise ValueError(
                f"host {self.host!r} can be reached by others and needs a token: set WORKBENCH_LIVE__TOKEN, "
                "or take 127.0.0.1"
            )
        if self.ahead_s < self.late_s:
            raise ValueError("ahead_s must not be below late_s")
        return self

    def place(self, tag: str) -> tuple[NewChannelRule, str, str] | None:
        """Return the rule that speaks of a tag, with its asset and subsystem; None where it waits for a person."""
        for rule in self.new_channels:
            place = rule.place(tag)
            if place is not None:
                return (rule, *place)
        return None
