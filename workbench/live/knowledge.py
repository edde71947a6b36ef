"""What live telemetry knows of channels: from the archive, from the journal, and from the rules for new tags."""

import json
from collections import OrderedDict
from contextlib import suppress
from dataclasses import replace
from math import inf, nan
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from workbench.detection.envelope import EnvelopeStream
from workbench.detection.envelope.course import envelope_of, extend_stream, follows_training
from workbench.exceptions import ArchiveError, ChannelNotFoundError
from workbench.live.admission import ChannelState, Stored
from workbench.live.journal import Journal, Tag, pack_inputs
from workbench.live.samples import Sample
from workbench.live.watches import Watch
from workbench.telemetry.breaks import last_moment
from workbench.telemetry.feed_options import LiveSettings
from workbench.telemetry.moments import clock_of, ticks

if TYPE_CHECKING:
    import xarray as xr

    from workbench.session import Session

__all__ = ["OVERFLOW", "Knowledge", "complete_samples", "moment_of_row", "placed"]

OVERFLOW = "(further new tags)"
"""Stands in the journal for all tags beyond those that may wait."""

_RECENT = 4_096
_OPEN_SERIES = 16  # whose times are held to look up samples of long ago


class Knowledge:
    """Knows the channels of one home.

    Parameters
    ----------
    session : Session
        Session of the thread that asks.
    journal : Journal
        Journal of that thread.
    finals : dict of str to int
        Moment up to which each channel is final; the detection thread fills it.
    """

    def __init__(self, session: "Session", journal: Journal, finals: dict[str, int]) -> None:
        self._session = session
        self._journal = journal
        self._finals = finals
        self._series: OrderedDict[str, list[tuple[npt.NDArray[np.int64], xr.Dataset]]] = OrderedDict()
        self._tags = {tag.name: tag for tag in journal.tags()}

    def refresh(self) -> list[Tag]:
        """Read anew what the journal knows of channels, and return those that have changed."""
        tags = {tag.name: tag for tag in self._journal.tags()}
        waiting = [name for name, tag in tags.items() if tag.state == "waiting"]
        for name in set(waiting) & set(self._session.archive.channels() if waiting else ()):  # somebody imported it
            tags[name] = replace(tags[name], state="served")
            self._journal.change_tag(tags[name])
        changed = [tag for name, tag in tags.items() if self._tags.get(name) not in (None, tag)]
        self._tags = tags
        return changed

    def final(self, state: ChannelState) -> float:
        """Return the moment up to which nothing of a channel changes any more."""
        return self._finals.get(state.tag.name, -inf)

    def state(self, sample: Sample) -> ChannelState:
        """Return the state of the channel of a sample, which is met for the first time."""
        name = sample.channel
        try:
            state = self._archived(name)
        except ChannelNotFoundError:
            state = self._new(sample)
        except ArchiveError:  # damaged: its samples are kept until somebody mends it
            state = self._damaged(sample)
        for moment, value, inputs in self._journal.samples(state.tag.id):
            state.remember(moment, nan if value is None else value, inputs)
            state.newest = moment if state.newest is None else max(state.newest, moment)
            state.waiting += 1
            if state.watch is not None:
                state.watch.take_all([nan if value is None else value], [moment])
        if state.newest is not None:
            live = self._session.settings.live
            for one in self._journal.ahead(state.tag.id, state.newest):
                if state.jump and not state.goes_on(state.jump[-1][0], one[0], live.ahead_s):
                    state.jump.clear()
                state.jump.append(one)
            del state.jump[: -live.confirm_samples + 1]
        return state

    def stored(self, state: ChannelState, moment: int) -> Stored | None:
        """Return the sample at a moment that is not in memory any more; None where there is none."""
        for times, series in self._opened(state.tag.name):
            row = int(np.searchsorted(times, moment))
            if row < times.size and times[row] == moment:
                value = float(series["telemetry"].variable[row : row + 1].values[0])
                inputs = series["commands"].variable[row : row + 1].values[0]
                return value, pack_inputs(inputs.astype(np.float32).tolist())
        waiting = self._journal.sample(state.tag.id, moment)
        return None if waiting is None else (nan if waiting[0] is None else waiting[0], waiting[1])

    def _archived(self, name: str) -> ChannelState:
        """Return the state of a channel of the archive."""
        session = self._session
        info = session.archive.info(name)
        test = session.archive.open(name, indexed=False)
        part = test.isel(time=slice(max(0, info.n_test - _RECENT), None)).load()
        times = part["time"].values
        inputs = tuple(str(one) for one in part["command"].values)
        tag = self._tags.get(name)
        served = Tag(
            tag.id if tag else 0, name, "served", info.asset, info.subsystem, info.units, 0, clock_of(times), inputs
        )
        if tag is None:
            tag = served = self._journal.add_tag(served)
        elif tag != served:
            self._journal.change_tag(served)
        self._tags[name] = served
        values, commands = part["telemetry"].values, part["commands"].values
        state = ChannelState(served, values.dtype, commands.dtype == np.int8 and bool(inputs))
        moments = ticks(times).tolist()
        for moment, value, row in zip(moments, values.tolist(), commands.astype(np.float32).tolist(), strict=True):
            state.remember(moment, value, pack_inputs(row))
        state.newest, state.recent_from = moments[-1], min(state.recent)
        state.watch = self._watch(name, test, values)
        return state

    def _watch(self, name: str, test: "xr.Dataset", latest: npt.NDArray[Any]) -> Watch:
        session, options = self._session, self._session.settings.alerts
        envelope, params = None, session.settings.params
        if params.envelope != "none":
            train = session.archive.open(name, "train", indexed=False)
            fitted = envelope_of(train, params)
            follows = follows_training(train, test, params.max_gap_seconds)
            envelope = EnvelopeStream(fitted, follows_training=follows)
            extend_stream(envelope, test, params.max_gap_seconds)
        limits = session.catalog.channel(name).limits
        newest = None if params.max_gap_seconds is None else last_moment(test, test.sizes["time"])
        clock = clock_of(test["time"].variable[:1].values)
        watch = Watch(limits, options.on_delay, options.hysteresis, envelope, clock, params.max_gap_seconds, newest)
        watch.remember(latest)
        return watch

    def _new(self, sample: Sample) -> ChannelState:
        """Return the state of a tag that no channel has."""
        tag = self._tags.get(sample.channel)
        if tag is None or tag.state == "served":  # its channel was removed
            live = self._session.settings.live
            waiting = sum(one.state == "waiting" for one in self._tags.values())
            inputs = tuple(sample.inputs or ())
            new = placed(Tag(0, sample.channel, "waiting", clock=sample.clock, inputs=inputs), live)
            if new.state == "waiting" and waiting >= live.waiting_tags:
                new = Tag(0, OVERFLOW, "ignored", clock=sample.clock)
            known = self._tags.get(new.name)
            if known is None:
                tag = self._journal.add_tag(new)
            elif known.state == "served":
                tag = replace(new, id=known.id)
                self._journal.change_tag(tag)
            else:
                tag = known
            self._tags[tag.name] = tag
        return ChannelState(tag, np.float64)

    def _damaged(self, sample: Sample) -> ChannelState:
        """Return the state of a channel that cannot be read, of which nothing is known but what is in the journal."""
        tag = self._tags.get(sample.channel)
        if tag is None:
            inputs = tuple(sample.inputs or ())
            tag = self._journal.add_tag(Tag(0, sample.channel, "served", clock=sample.clock, inputs=inputs))
            self._tags[tag.name] = tag
        return ChannelState(tag, is_damaged=True)

    def _opened(self, name: str) -> "list[tuple[npt.NDArray[np.int64], xr.Dataset]]":
        """Return the series of a channel with their moments."""
        if name not in self._series:
            opened = []
            with suppress(ArchiveError, ChannelNotFoundError):
                archive = self._session.archive
                series = [archive.open(name, indexed=False)]
                if clock_of(series[0]["time"].values) == "time":  # numbers of other parts are not on the same clock
                    before = archive.open_before(name)
                    series += [archive.open(name, "train", indexed=False), *([] if before is None else [before])]
                opened = [(ticks(one["time"].values), one) for one in series]
            self._series[name] = opened
            if len(self._series) > _OPEN_SERIES:
                self._series.popitem(last=False)
        self._series.move_to_end(name)
        return self._series[name]

    def forget_series(self) -> None:
        """Forget the series that were opened; what is filed later lies in others."""
        self._series.clear()


def placed(tag: Tag, live: LiveSettings) -> Tag:
    """Return a tag that no channel has: as the rule that speaks of it says, or waiting for a person."""
    rule = live.place(tag.name)
    if rule is None:
        return replace(tag, state="waiting", asset="", subsystem="", units="", train_samples=0)
    chosen, asset, subsystem = rule
    return replace(
        tag,
        state="accepted",
        asset=asset,
        subsystem=subsystem,
        units=chosen.units,
        train_samples=chosen.train_samples,
    )


def complete_samples(attributes: dict[str, Any]) -> int:
    """Return how many samples of a series its score has judged for good; 0 where none."""
    return int(json.loads(attributes.get("complete", "{}")).get("samples", 0))


def moment_of_row(session: "Session", name: str, row: int) -> int:
    """Return the moment of a row of the test series of a channel."""
    times = session.archive.open(name, indexed=False)["time"].variable[row : row + 1].values
    return int(ticks(times)[0])
