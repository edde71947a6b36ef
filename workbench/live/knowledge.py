"""What live telemetry knows of channels: from the archive, from the journal, and from the rules for new tags."""

import json
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from math import inf, nan
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from workbench.detection.continuing import envelope_standing
from workbench.detection.envelope.course import stream_at_end
from workbench.detection.scoring import provenances, stale_reason
from workbench.exceptions import ArchiveError, ChannelNotFoundError, WorkbenchError
from workbench.live.admission import ChannelState
from workbench.live.journal import Journal, Tag, pack_inputs
from workbench.live.recent import Recent, Stored
from workbench.live.samples import Sample
from workbench.live.watches import Watch
from workbench.telemetry.archive import ChannelInfo
from workbench.telemetry.attribute_names import REMOVED_SAMPLES
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

    Attributes
    ----------
    due : set of str
        Channels that `complete` has found to be judged at once; whoever judges them takes them out.
    """

    def __init__(self, session: "Session", journal: Journal, finals: dict[str, int]) -> None:
        self._session = session
        self._journal = journal
        self._finals = finals
        self._series: OrderedDict[str, list[tuple[npt.NDArray[np.int64], xr.Dataset]]] = OrderedDict()
        self._tags = {tag.name: tag for tag in journal.tags()}
        self._met: dict[str, dict[str, Any]] = {}  # attributes of channels that are met just now
        self._partial: dict[str, ChannelState] = {}
        self.due: set[str] = set()

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

    def prepare(self, names: Sequence[str]) -> None:
        """Look up channels that are met for the first time, all of them together, so that `state` takes less time.

        Parameters
        ----------
        names : sequence of str
            Names of channels, and of tags that none has yet.
        """
        self._met = {}
        with suppress(ArchiveError):  # `state` says what is wrong
            self._met = self._session.archive.look(names).attributes
        new = [_served(0, about) for name, about in self._met.items() if name not in self._tags]
        if new:
            self._tags |= self._journal.add_tags(new)

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
            state.recent.remember(moment, nan if value is None else value, inputs)
            state.newest = moment if state.newest is None else max(state.newest, moment)
            state.waiting += 1
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
        if state.is_partial:
            self.complete(state)
            present = state.recent.get(moment)
            if present is not None or moment >= state.recent.begin:
                return present
        for times, series in self._opened(state.tag.name):
            row = int(np.searchsorted(times, moment))
            if row < times.size and times[row] == moment:
                value = float(series["telemetry"].variable[row : row + 1].values[0])
                inputs = series["commands"].variable[row : row + 1].values[0]
                return value, pack_inputs(inputs.astype(np.float32).tolist())
        waiting = self._journal.sample(state.tag.id, moment)
        return None if waiting is None else (nan if waiting[0] is None else waiting[0], waiting[1])

    def _archived(self, name: str) -> ChannelState:
        """Return the state of a channel of the archive, in part: what has come before is read a little later."""
        archive = self._session.archive
        about = self._met.pop(name, None) or archive.look([name]).attributes.get(name)
        if about is None:
            archive.info(name)  # says what is wrong
            raise ArchiveError(f"{name} cannot be looked up.", "Run: workbench doctor")
        tag = self._tags.get(name)
        served = _served(tag.id if tag else 0, about)
        if tag is None:
            served = self._journal.add_tag(served)
        elif tag != served:
            self._journal.change_tag(served)
        self._tags[name] = served
        dtype, of_inputs = archive.dtypes(name)
        state = ChannelState(served, dtype, of_inputs == np.int8 and bool(served.inputs), is_partial=True)
        state.newest = int(about["summary"]["last"])
        state.recent.begin = state.newest + 1
        self._partial[name] = state
        return state

    @property
    def is_complete(self) -> bool:
        """Whether all that is known of the channels that were met has been read."""
        return not self._partial

    def complete(self, state: ChannelState | None = None) -> None:
        """Read what has come before of a channel, and begin to watch it; `due` names it where it is to be judged.

        Parameters
        ----------
        state : ChannelState, optional
            State of the channel; that of the one that was met first where omitted.
        """
        if state is None:
            state = next(iter(self._partial.values()))
        self._partial.pop(state.tag.name, None)
        state.is_partial, begin = False, state.recent.begin
        try:
            test = self._session.archive.open(state.tag.name, indexed=False)
            part = test.isel(time=slice(max(0, test.sizes["time"] - _RECENT), None)).load()
            moments, values = ticks(part["time"].values), part["telemetry"].values
            recent = Recent.of(moments, values, part["commands"].values)
            come = [held[0] for moment, held in state.recent.items() if moment > moments[-1]]
            for moment, held in state.recent.items():
                recent.remember(moment, *held)
            watch = self._watch(self._session.archive.info(state.tag.name), test, values)
        except WorkbenchError:  # it is damaged, or was removed just now
            state.is_damaged = True
            return
        state.recent, state.watch = recent, watch
        if watch.take_all(come) or moments[-1] >= begin:  # the latter where some of what has come is filed
            self.due.add(state.tag.name)

    def _watch(self, info: ChannelInfo, test: "xr.Dataset", latest: npt.NDArray[Any]) -> Watch:
        session, options, name = self._session, self._session.settings.alerts, info.channel
        envelope, params = None, session.settings.params
        if params.envelope != "none":
            train = session.archive.open(name, "train", indexed=False)
            envelope = stream_at_end(test, train, params, self._envelope_standing(info))
        limits = session.catalog.channel(name).limits
        watch = Watch(limits, options.on_delay, options.hysteresis, envelope)
        watch.remember(latest)
        return watch

    def _envelope_standing(self, info: ChannelInfo) -> dict[str, Any] | None:
        """Return where the envelope stands at the end of a series, as a score that is current for it has noted."""
        made_from = provenances(self._session.settings.params)
        for stored in self._session.archive.scores(info.channel).values():
            origin = made_from(str(stored.get("model")), info.test_hash, info.train_hash)
            if not stale_reason(stored, origin) and not stored.get(REMOVED_SAMPLES):
                return envelope_standing(stored)
        return None

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


def _served(number: int, about: Mapping[str, Any]) -> Tag:
    """Return the tag of a channel of the archive, by its attributes."""
    place = (about["asset"], about["subsystem"], about["units"])
    return Tag(number, about["channel"], "served", *place, 0, about["summary"]["clock"], tuple(about["command_names"]))


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
