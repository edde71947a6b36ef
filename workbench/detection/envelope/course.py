"""The envelope of a score: judged over the whole test series, or from where an earlier score stopped.

What an earlier score keeps is small: the records, the open events, and the number of the sample from which the last 400
samples are read again.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import xarray as xr

from workbench.detection.envelope.events import EnvelopeEvent
from workbench.detection.envelope.features import FEATURES, MARGINS
from workbench.detection.envelope.fitted import Envelope, fit_envelope, present
from workbench.detection.envelope.rolling import LONG, Floats
from workbench.detection.envelope.stream import RECENT, EnvelopeStream
from workbench.parameters import TelemanomParams
from workbench.telemetry.breaks import break_rows, first_moment, is_break, last_moment
from workbench.telemetry.moments import clock_of, ticks

__all__ = [
    "EnvelopeCourse",
    "envelope_of",
    "extend_stream",
    "follows_training",
    "judge_envelope",
    "stream_at_end",
]

_SPAN = 262_144  # samples read at a time
_STEPS = 1_000  # training samples at the end that say how far samples lie apart


@dataclass(frozen=True)
class EnvelopeCourse:
    """What the envelope comes to at the end of a test series.

    Attributes
    ----------
    events : tuple of EnvelopeEvent
        In the order of their start, then of `FEATURES`.
    final : int
        An anomaly that ends before this sample is joined by nothing to come.
    follows_training : bool
        Whether every sample was judged; otherwise the first 250 only fed the records.
    state : dict
        Plain values for `json.dumps`, from which `judge_envelope` goes on.
    """

    events: tuple[EnvelopeEvent, ...]
    final: int
    follows_training: bool
    state: dict[str, Any]


def envelope_of(train: xr.Dataset, params: TelemanomParams) -> Envelope:
    """Learn the envelope of a channel with the margins that parameters say, which are not "none".

    Examples
    --------
    >>> from workbench.telemetry.schema import make_channel
    >>> train = make_channel(np.tile([0.0, 1.0], 300), channel="X-1", asset="X")
    >>> envelope_of(train, TelemanomParams(envelope="fixed", envelope_width=2.0)).margins.core
    Margin(kappa=0.0, theta=2.0, floor=0.02)
    """
    margins = MARGINS[params.envelope].scaled(params.envelope_width)
    return fit_envelope(train["telemetry"].values, margins, break_rows(train, params.max_gap_seconds))


def follows_training(train: xr.Dataset, test: xr.Dataset, max_gap_seconds: float | None = None) -> bool:
    """Return whether a test series goes on where its training series ends.

    Parameters
    ----------
    train, test : xarray.Dataset
        Splits of a channel.
    max_gap_seconds : float, optional
        Longest gap between their values, see `workbench.telemetry.breaks`.

    Returns
    -------
    bool
        Whether the test series begins after the last training sample, by no more than the longest step between two of
        the last thousand, and without a break.
    """
    own, first = train["time"].values[-_STEPS:], test["time"].values[:1]
    if own.size < 2 or not first.size or clock_of(own) != clock_of(first):
        return False
    moments, begin = ticks(own), int(ticks(first)[0])
    if max_gap_seconds is not None:
        before, value = last_moment(train, train.sizes["time"]), first_moment(test)
        if before is not None and value is not None and is_break(before, value, clock_of(own), max_gap_seconds):
            return False
    return 0 < begin - int(moments[-1]) <= int(np.diff(moments).max())


def judge_envelope(
    channel: xr.Dataset,
    train: xr.Dataset,
    params: TelemanomParams,
    earlier: Mapping[str, Any] | None = None,
    events: Iterable[EnvelopeEvent] = (),
    removed: int = 0,
) -> EnvelopeCourse:
    """Judge a test series by the envelope of its training series, read span by span.

    Parameters
    ----------
    channel, train : xarray.Dataset
        Test and training split.
    params : TelemanomParams
        Margins of the envelope.
    earlier : mapping, optional
        State of the course of the first samples of the series, made with the same training and parameters.
    events : iterable of EnvelopeEvent
        Events of that course.
    removed : int
        How many samples were in front of the series when the course began, and are removed since.

    Returns
    -------
    EnvelopeCourse
        To the bit that of the whole series, wherever an earlier one stopped.
    """
    stream = _begun(channel, train, params, earlier, removed)
    ended: list[EnvelopeEvent] = []
    if earlier is not None:
        unfinished = {(event.feature, event.start - removed) for event in stream.open_events}
        ended = [event for event in events if (event.feature, event.start) not in unfinished]
    n = channel.sizes["time"]
    more = extend_stream(stream, channel, params.max_gap_seconds, stream.samples - removed)
    ended += [_moved(event, -removed) for event in more]
    unfinished_events = [_moved(event, -removed) for event in stream.open_events]
    every = sorted([*ended, *unfinished_events], key=lambda event: (event.start, _ORDER[event.feature]))
    final = min([event.start for event in unfinished_events], default=n) - 1
    state = _state(channel, stream.envelope, stream, removed)
    return EnvelopeCourse(tuple(every), max(0, final), state["stream"]["follows_training"], state)


def stream_at_end(
    channel: xr.Dataset,
    train: xr.Dataset,
    params: TelemanomParams,
    earlier: Mapping[str, Any] | None = None,
    removed: int = 0,
) -> EnvelopeStream:
    """Return the stream that has taken a whole test series, for the samples that are to come.

    Parameters
    ----------
    channel, train, params, earlier, removed
        As for `judge_envelope`; where `earlier` is given, only the last samples are read.
    """
    stream = _begun(channel, train, params, earlier, removed)
    extend_stream(stream, channel, params.max_gap_seconds, stream.samples - removed)
    return stream


def _begun(
    channel: xr.Dataset, train: xr.Dataset, params: TelemanomParams, earlier: Mapping[str, Any] | None, removed: int
) -> EnvelopeStream:
    """Return the stream of an earlier course, or of none."""
    if earlier is not None:
        return _restored(channel, train, params, earlier, removed)
    return EnvelopeStream(
        envelope_of(train, params), follows_training=follows_training(train, channel, params.max_gap_seconds)
    )


def extend_stream(
    stream: EnvelopeStream, channel: xr.Dataset, max_gap_seconds: float | None, start: int = 0
) -> list[EnvelopeEvent]:
    """Let a stream take the samples of a series from a row on, read span by span, with the breaks between them.

    Parameters
    ----------
    stream : EnvelopeStream
        Stream that has taken the samples before that row.
    channel : xarray.Dataset
        Test split.
    max_gap_seconds : float or None
        As for `workbench.telemetry.breaks.break_rows`.
    start : int
        The row.

    Returns
    -------
    list of EnvelopeEvent
        Events that ended.
    """
    telemetry, n = channel["telemetry"].variable, channel.sizes["time"]
    ended = []
    for until in (*break_rows(channel, max_gap_seconds, start), n):
        for first in range(start, until, _SPAN):
            ended += stream.extend(telemetry[first : min(first + _SPAN, until)].values)
        if until < n:
            ended += stream.begin_anew()
        start = until
    return ended


_ORDER = {name: place for place, name in enumerate(FEATURES)}


def _moved(event: EnvelopeEvent, by: int) -> EnvelopeEvent:
    if not by:
        return event
    return replace(event, start=event.start + by, end=event.end + by, peak_at=event.peak_at + by)


def _state(channel: xr.Dataset, envelope: Envelope, stream: EnvelopeStream, removed: int) -> dict[str, Any]:
    """Return the state of a stream without the samples that are read again."""
    state = {name: value for name, value in stream.state().items() if name not in ("recent", "positions")}
    first = max(_first_of_last(channel, RECENT) + removed, stream.stretch_start)
    fitted = {name: value for name, value in asdict(envelope).items() if name not in ("margins", "tail")}
    return {"first": first, "stream": state, "fitted": fitted}


def _restored(
    channel: xr.Dataset, train: xr.Dataset, params: TelemanomParams, earlier: Mapping[str, Any], removed: int
) -> EnvelopeStream:
    """Return the stream that an earlier course stopped with, without learning its envelope anew."""
    first, until = int(earlier["first"]) - removed, int(earlier["stream"]["samples"]) - removed
    values, places = present(channel["telemetry"].variable[first:until].values)
    tail: Floats = np.empty(0)
    if values.size < RECENT:  # else nothing of the training telemetry matters any more
        row = _first_of_last(train, LONG)
        row = max((row, *break_rows(train, params.max_gap_seconds, row)))
        tail = present(train["telemetry"].variable[row:].values)[0][-LONG:]
    margins = MARGINS[params.envelope].scaled(params.envelope_width)
    envelope = Envelope.from_json_dict({**earlier["fitted"], "margins": asdict(margins), "tail": tail.tolist()})
    goes_on = earlier["stream"]["follows_training"] and not earlier["stream"].get("stretch_start", 0)
    before = tail if goes_on else np.empty(0)
    recent = np.concatenate((before, values))[-RECENT:]
    positions = (places + first + removed).tolist()
    return EnvelopeStream.restored(envelope, {**earlier["stream"], "recent": recent.tolist(), "positions": positions})


def _first_of_last(split: xr.Dataset, count: int) -> int:
    """Return the row from which `count` samples are there, up to the end of a series; 0 where there are fewer."""
    telemetry, start, there = split["telemetry"].variable, split.sizes["time"], 0
    while start > 0:
        begin = max(0, start - 2 * count)
        _, places = present(telemetry[begin:start].values)
        if there + places.size >= count:
            return begin + int(places[there - count])
        there += places.size
        start = begin
    return 0
