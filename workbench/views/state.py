"""The state of a view, which a link carries, and the selection that all views share."""

import getpass
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode

import numpy as np
import pandas as pd

from workbench.exceptions import ViewError
from workbench.maintenance.alerts.places import moment_of
from workbench.names import LONGEST_NAME, is_name
from workbench.telemetry.moments import Moment, read_moment

__all__ = ["EMPTY", "Selected", "Selection", "State", "anomaly_moment", "anomaly_of", "axis_time", "time_text"]

_KEY = re.compile(r"[a-z][a-z0-9_]{0,31}")
_MAX_CHARACTERS = 2 * LONGEST_NAME
_MAX_KEYS = 32


class State(Mapping[str, str]):
    """A validated, unchangeable mapping of short texts that goes to and comes from the address of a page.

    Keys that every view knows are `view`, `asset`, `channel`, `anomaly` (moment at which it begins), `from` and `to`;
    the last three are ISO times in UTC, or sample numbers where the channel has no times. A view adds its own. A key
    whose text is empty is left out.

    Parameters
    ----------
    values : mapping of str to object, optional
        Texts; numbers are written out, None and empty texts dropped.

    Raises
    ------
    ViewError
        A key is not lower-case letters, digits and `_`, a text is longer than 400 characters or cannot be printed,
        there are more than 32 keys, `anomaly` is no moment, or `from` and `to` are no times in rising order.

    Examples
    --------
    >>> state = State({"view": "anomalies", "channel": "P-1", "from": 2000, "to": 2400, "level": ""})
    >>> state.query()
    'view=anomalies&channel=P-1&from=2000&to=2400'
    >>> State.parse("?" + state.query()) == state
    True
    """

    __slots__ = ("_values",)

    def __init__(self, values: Mapping[str, object] | None = None) -> None:
        texts = {key: str(value) for key, value in (values or {}).items() if value is not None and str(value)}
        if len(texts) > _MAX_KEYS:
            raise ViewError(f"The state has {len(texts)} keys.", f"At most {_MAX_KEYS}.")
        for key, text in texts.items():
            if not _KEY.fullmatch(key):
                raise ViewError(f"The state's key {key[:40]!r} is malformed.", "Keys are letters a to z, digits and _.")
            if len(text) > _MAX_CHARACTERS or not (text.isprintable() or is_name(text)):
                raise ViewError(f"The state's {key} is too long or not text.", f"At most {_MAX_CHARACTERS} characters.")
        if "anomaly" in texts:
            anomaly_moment(texts["anomaly"])  # raises where it is none
        times = [axis_time(texts[key]) for key in ("from", "to") if key in texts]  # raises where one is no time
        if len(times) == 2 and times[0] > times[1]:
            raise ViewError(f"from ({texts['from']}) lies after to ({texts['to']}).", "Swap them.")
        self._values = texts

    @classmethod
    def parse(cls, query: str) -> "State":
        """Return the state of an address; the first of two equal keys counts.

        Parameters
        ----------
        query : str
            Query of the address, with or without `?`.
        """
        return cls(dict(reversed(parse_qsl(query.removeprefix("?")))))

    def query(self) -> str:
        """Return the query of an address, without `?`."""
        return urlencode(self._values)

    def objects(self) -> dict[str, object]:
        """Return the values as Python objects: whole numbers as int, `from` and `to` that are times as `pd.Timestamp`.

        Examples
        --------
        >>> State({"channel": "P-1", "anomaly": 2149, "from": 2000}).objects()
        {'channel': 'P-1', 'anomaly': 2149, 'from': 2000}
        >>> State({"from": "2026-01-01T00:00:10"}).objects()
        {'from': Timestamp('2026-01-01 00:00:10+0000', tz='UTC')}
        """
        return {key: _object(key, text) for key, text in self._values.items()}

    def with_values(self, **values: object) -> "State":
        """Return a state with other values.

        Parameters
        ----------
        **values
            Values by key; None removes a key, and `from` is written `from_`.
        """
        return State({**self._values, **{key.removesuffix("_"): value for key, value in values.items()}})

    def __getitem__(self, key: str) -> str:
        return self._values[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __hash__(self) -> int:
        return hash(frozenset(self._values.items()))

    def __repr__(self) -> str:
        return f"State({self._values!r})"


def _object(key: str, text: str) -> object:
    if key not in ("anomaly", "from", "to"):
        return text
    if re.fullmatch(r"-?\d+", text):
        return int(text)
    return float(text) if re.fullmatch(r"-?\d+\.\d+", text) else pd.to_datetime(text, utc=True)


EMPTY = State()
"""The state that asks for nothing."""


def anomaly_moment(text: str) -> Moment:
    """Return the moment at which the anomaly of a link begins.

    Raises
    ------
    ViewError
        The text is neither a number nor a time.
    """
    try:
        return read_moment(text)
    except ValueError:
        raise ViewError(
            f"anomaly is {text!r}.", "Use the time of its first sample, as 2024-05-12T11:00:00, or its number, as 2149."
        ) from None


def axis_time(text: str) -> float:
    """Return a time of a state as charts take it: milliseconds since 1970 of an ISO time, or the sample number.

    Parameters
    ----------
    text : str
        ISO time in UTC, or sample number.

    Raises
    ------
    ViewError
        The text is neither.

    Examples
    --------
    >>> axis_time("2026-01-01T00:00:10"), axis_time("2149")
    (1767225610000.0, 2149.0)
    """
    if re.fullmatch(r"-?\d{1,15}(\.\d{1,9})?", text):
        return float(text)
    stamp = pd.to_datetime(text, errors="coerce", utc=True)
    if not isinstance(stamp, pd.Timestamp):
        raise ViewError(
            f"{text!r} is not a time.", "Use an ISO time in UTC, as 2026-01-01T00:00:00, or a sample number."
        )
    return float(stamp.tz_localize(None).to_datetime64().astype("datetime64[ms]").astype(np.int64))


def time_text(time: float, *, dated: bool) -> str:
    """Return a time of a chart's axis as a state holds it.

    Parameters
    ----------
    time : float
        Milliseconds since 1970, or sample number.
    dated : bool
        Whether it is milliseconds since 1970.

    Examples
    --------
    >>> time_text(1767225610000.0, dated=True), time_text(2149.2, dated=False)
    ('2026-01-01T00:00:10', '2149')
    """
    if not np.isfinite(time):
        return ""
    return str(np.datetime64(round(time), "ms")).removesuffix(".000") if dated else str(round(time))


@dataclass(frozen=True)
class Selected:
    """The asset, channel and anomaly that are chosen.

    Attributes
    ----------
    asset, channel : str
        Names; empty where none is chosen.
    anomaly : pandas.Timestamp, int or None
        Moment at which the anomaly begins: its time, or the number of its first sample where the channel has no times;
        None where none is chosen.
    """

    asset: str = ""
    channel: str = ""
    anomaly: Moment | None = None


def anomaly_of(alert: Mapping[Any, Any]) -> Selected:
    """Return what is chosen with an alert; one of a whole asset chooses no channel.

    Parameters
    ----------
    alert : mapping
        A row of `Alerts.list`.
    """
    channel = "" if alert["kind"] == "asset" else str(alert["channel"])
    return Selected(str(alert["asset"]), channel, moment_of(alert))


class Selection:
    """What is chosen on a page, shared by all its views.

    Attributes
    ----------
    now : Selected
        What is chosen now; only `choose` changes it.
    who : str
        Name of the person who acts on this page, for the maintenance log; the user of the system at first.

    Examples
    --------
    >>> selection = Selection()
    >>> selection.observe(lambda now: print(now.channel, now.anomaly))
    >>> selection.choose(Selected("SMAP", "P-1", 2149))
    P-1 2149
    >>> selection.choose(Selected("SMAP", "P-1", 2149))  # nothing has changed, and no observer is called
    """

    def __init__(self, now: Selected | None = None) -> None:
        self.now = now or Selected()
        self.who = getpass.getuser()
        self._observers: list[Callable[[Selected], None]] = []

    def __repr__(self) -> str:
        return f"Selection({self.now!r})"

    def choose(self, chosen: Selected, *, by: Callable[[Selected], None] | None = None) -> None:
        """Choose, and call all observers.

        Parameters
        ----------
        chosen : Selected
            What is chosen.
        by : callable, optional
            Observer that is not called, as it chose itself.
        """
        if chosen == self.now:
            return
        self.now = chosen
        for observer in tuple(self._observers):
            if observer != by:
                observer(chosen)

    def observe(self, observer: Callable[[Selected], None]) -> None:
        """Add a callable that is called with each new selection.

        Parameters
        ----------
        observer : callable
            The callable.
        """
        self._observers.append(observer)

    def unobserve(self, observer: Callable[[Selected], None]) -> None:
        """Remove an observer; nothing happens where it was not added.

        Parameters
        ----------
        observer : callable
            The callable.
        """
        if observer in self._observers:
            self._observers.remove(observer)
