"""Admission: what becomes of each sample that arrives, decided by its moment and by what is there already.

The clock of this machine decides nothing: a sample is early or late by the newest one of its channel.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from math import isnan
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from workbench.live.journal import Entry, Refused, Tag, Transaction, pack_inputs
from workbench.live.recent import Recent, Stored
from workbench.live.samples import Fault, Sample
from workbench.live.watches import Watch
from workbench.telemetry.feed_options import LiveSettings

__all__ = ["Admission", "Astray", "ChannelState", "Decided", "Known"]

_SECOND = 1_000_000_000
_FLOAT32_MAX = float(np.finfo(np.float32).max)


class Astray(NamedTuple):
    """A sample of a wrong clock: its moment, and the newest one of its channel when it came."""

    moment: int
    newest: int


class Known(Protocol):
    """What is known of channels beside what has just come."""

    def prepare(self, names: Sequence[str]) -> None:
        """Look up together what `state` is asked for next."""

    def state(self, sample: Sample) -> "ChannelState":
        """Return the state of the channel of a sample, which is met for the first time."""

    def final(self, state: "ChannelState") -> float:
        """Return the moment up to which nothing of a channel changes any more."""

    def stored(self, state: "ChannelState", moment: int) -> Stored | None:
        """Return the sample at a moment that is not in memory any more; None where there is none."""


@dataclass
class ChannelState:
    """A channel as admission sees it.

    Attributes
    ----------
    tag : Tag
        What the journal knows of it.
    dtype : dtype
        Precision of its values.
    one_hot : bool
        Whether its inputs are 0 or 1.
    newest : int or None
        Moment of the newest sample.
    recent : Recent
        The latest samples by their moments.
    waiting : int
        Samples in the journal of a tag that is no channel yet.
    watch : Watch or None
        What watches it.
    jump : list of Sample
        Samples in a row that lie ahead, all of them in quarantine.
    arrived : float
        When its last sample came, on the clock of `time.monotonic`; 0 where none has since the start.
    gaps : int
        Jumps ahead that were confirmed since the start.
    is_damaged : bool
        Whether the archive could not tell of it.
    is_partial : bool
        Whether what has come before is still to be read, and its watch to begin.
    source : str
        Where its last sample came from.
    astray : Astray or None
        The last sample of a wrong clock; None again where enough others have followed each other since.
    """

    tag: Tag
    dtype: npt.DTypeLike = np.float64
    one_hot: bool = False
    newest: int | None = None
    recent: Recent = field(default_factory=Recent)
    waiting: int = 0
    watch: Watch | None = None
    jump: list[tuple[int, float, bytes | None]] = field(default_factory=list)
    arrived: float = 0.0
    gaps: int = 0
    is_damaged: bool = False
    is_partial: bool = False
    source: str = ""
    astray: Astray | None = None
    in_order: int = 0  # samples since the last one of a wrong clock

    def span(self, seconds: float) -> int:
        """Return seconds on the clock of the channel; of one without times each sample counts as one."""
        return int(seconds * (_SECOND if self.tag.clock == "time" else 1))

    def goes_on(self, before: int, moment: int, most_s: float) -> bool:
        """Return whether a moment lies behind another one by so many seconds at most."""
        return 0 < moment - before <= self.span(most_s)


@dataclass(frozen=True)
class Decided:
    """What admission made of samples.

    Attributes
    ----------
    transaction : Transaction
        What is to be stored before anything is acknowledged.
    outcomes : list of dict of str to int
        Counts of each delivery.
    unfit : list of list of Fault
        Why samples of each delivery do not fit their channels.
    added : dict of str to int
        Samples that each channel is to get.
    urgent : frozenset of str
        Channels that are to be judged at once.
    """

    transaction: Transaction
    outcomes: list[dict[str, int]]
    unfit: list[list[Fault]]
    added: dict[str, int]
    urgent: frozenset[str]


class Admission:
    """Decides on samples in the order in which they arrive.

    Parameters
    ----------
    settings : LiveSettings
        Windows for what comes late or early.
    known : Known
        What is known of channels.
    clock : callable
        Function that returns seconds that only rise.

    Attributes
    ----------
    states : dict of str to ChannelState
        The channels that have sent something, by their names.
    """

    def __init__(self, settings: LiveSettings, known: Known, clock: Callable[[], float]) -> None:
        self.settings = settings
        self.states: dict[str, ChannelState] = {}
        self._known = known
        self._clock = clock
        self._watched: dict[str, list[tuple[int, float]]] = {}  # moments and values that were added in this transaction

    def decide(self, deliveries: Iterable[tuple[str, Sequence[Sample], Sequence[Fault]]]) -> Decided:
        """Decide on the samples of deliveries, given as the names of their feeds, samples and faults."""
        transaction, self._watched = Transaction(), {}
        outcomes, unfit, added = [], list[list[Fault]](), dict[str, int]()
        now, deliveries = self._clock(), list(deliveries)
        unknown = {sample.channel for _, samples, _ in deliveries for sample in samples} - self.states.keys()
        if unknown:
            self._known.prepare(sorted(unknown))
        for feed, samples, faults in deliveries:
            outcome: dict[str, int] = {}
            unfit.append([])
            for fault in faults:
                transaction.note(feed, fault)
            for sample in samples:
                state = self.states.get(sample.channel)
                if state is None:
                    state = self._known.state(sample)
                    if state.tag.name == sample.channel:  # else it stands for all tags beyond those that may wait
                        self.states[sample.channel] = state
                state.arrived = now
                if state.source != feed:
                    state.source = transaction.sources[state.tag.id] = feed
                fits = self._fitted(state, sample)
                if isinstance(fits, Fault):
                    transaction.note(feed, fits)
                    unfit[-1].append(fits)
                    name = "unfit"
                else:
                    name, n_added = self._decide(state, sample.moment, *fits, transaction)
                    if n_added:
                        added[sample.channel] = added.get(sample.channel, 0) + n_added
                transaction.count(name, state.tag.id)
                outcome[name] = outcome.get(name, 0) + 1
            outcomes.append(outcome)
        urgent = frozenset(
            name
            for name, samples in self._watched.items()
            if (watch := self.states[name].watch) is not None
            and watch.take_all([value for _, value in samples], [moment for moment, _ in samples])
        )
        return Decided(transaction, outcomes, unfit, added, urgent)

    def _fitted(self, state: ChannelState, sample: Sample) -> "tuple[float, bytes | None] | Fault":
        """Return value and inputs of a sample as its channel stores them."""
        tag = state.tag
        if sample.clock != tag.clock:
            kinds = {"time": "times", "sample": "sample numbers"}
            return Fault("another clock", f"{tag.name} has {kinds[tag.clock]}, not {kinds[sample.clock]}")
        value = sample.value
        if state.dtype != np.float64 and abs(value) <= _FLOAT32_MAX:  # NaN stays, too
            value = float(np.float32(value))
        elif state.dtype != np.float64 and not isnan(value):
            return Fault("too large", f"{tag.name}: {sample.value:g} does not fit its precision, {state.dtype}")
        if not tag.inputs and not sample.inputs:
            return value, None
        inputs = sample.inputs or {}
        if len(inputs) != len(tag.inputs) or any(name not in inputs for name in tag.inputs):
            have, expected = (", ".join(names) or "none" for names in (inputs, tag.inputs))
            return Fault("other inputs", f"{tag.name} has the inputs {expected}, not {have}"[:400])
        values = [inputs[name] for name in tag.inputs]
        if state.one_hot and any(one not in (0, 1) for one in values):
            return Fault("other inputs", f"{tag.name}: its inputs are 0 or 1")
        with np.errstate(over="ignore"):
            packed = pack_inputs(values)
        if packed is not None and not np.isfinite(np.frombuffer(packed, "<f4")).all():
            return Fault("too large", f"{tag.name}: an input does not fit float32")
        return value, packed

    def _decide(
        self, state: ChannelState, moment: int, value: float, inputs: bytes | None, transaction: Transaction
    ) -> tuple[str, int]:
        """Decide on one sample: what it counts as, and how many samples are added."""
        if state.tag.state == "ignored":
            return "ignored", 0
        if state.newest is None or state.goes_on(state.newest, moment, self.settings.ahead_s):
            self._end_jump(state)
            return self._add(state, moment, value, inputs, transaction)
        if moment > state.newest:
            return self._jump_ahead(state, moment, value, inputs, transaction)
        if moment >= state.newest - state.span(self.settings.ahead_s):
            self._end_jump(state)
        present = state.recent.get(moment)
        if present is None and moment < state.recent.begin:
            present = self._known.stored(state, moment)
        if present is not None:
            return self._decide_again(state, moment, (value, inputs), present, transaction)
        behind = state.newest - moment
        if behind > state.span(self.settings.ahead_s):
            return self._far_behind(state, moment, value, inputs, transaction)
        if behind > state.span(self.settings.late_s) or moment <= self._known.final(state):
            return self._refuse(state, "late", "late", moment, value, inputs, transaction)
        transaction.entries.append(_entry(state, moment, value, inputs))
        state.recent.remember(moment, value, inputs)
        return "added", 1

    def _add(
        self, state: ChannelState, moment: int, value: float, inputs: bytes | None, transaction: Transaction
    ) -> tuple[str, int]:
        """Add a sample behind all others."""
        if state.tag.state == "waiting":
            if state.waiting >= self.settings.waiting_samples:
                return "dropped", 0
            state.waiting += 1
        if state.astray is not None:
            state.in_order += 1
            if state.in_order >= self.settings.confirm_samples:
                state.astray = None
        state.newest = moment
        transaction.entries.append(_entry(state, moment, value, inputs))
        state.recent.remember(moment, value, inputs)
        if state.watch is not None:
            self._watched.setdefault(state.tag.name, []).append((moment, value))
        return "added", 1

    def _decide_again(
        self, state: ChannelState, moment: int, new: Stored, present: Stored, transaction: Transaction
    ) -> tuple[str, int]:
        """Decide on a sample at a moment that is there."""
        same_inputs = new[1] == present[1]
        if same_inputs and (new[0] == present[0] or isnan(new[0])):  # a missing value says nothing new
            return "duplicates", 0
        if same_inputs and isnan(present[0]):
            if moment <= self._known.final(state):
                return self._refuse(state, "late", "late", moment, *new, transaction)
            transaction.entries.append(_entry(state, moment, *new))
            state.recent.remember(moment, *new)
            return "completed", 1
        kept = None if isnan(present[0]) else present[0]
        return self._refuse(state, "conflict", "conflicts", moment, *new, transaction, kept)

    def _jump_ahead(
        self, state: ChannelState, moment: int, value: float, inputs: bytes | None, transaction: Transaction
    ) -> tuple[str, int]:
        """Put a sample in quarantine that lies too far ahead, until others have gone on from there."""
        present = next((one[1:] for one in state.jump if one[0] == moment), None)
        if present is not None and (isnan(value) or (value, inputs) == present):
            return "duplicates", 0
        if present is not None:
            kept = None if isnan(present[0]) else present[0]
            return self._refuse(state, "conflict", "conflicts", moment, value, inputs, transaction, kept)
        if state.jump and not state.goes_on(state.jump[-1][0], moment, self.settings.ahead_s):
            self._end_jump(state)
        state.jump.append((moment, value, inputs))
        if len(state.jump) < self.settings.confirm_samples:
            return self._refuse(state, "ahead", "quarantined", moment, value, inputs, transaction)
        confirmed, state.jump = state.jump, []
        state.gaps += 1
        n_added = 0
        for one in confirmed:
            n_added += self._add(state, *one, transaction)[1]
            transaction.released.append((state.tag.id, one[0]))
        transaction.count("quarantined", state.tag.id, 1 - len(confirmed))
        transaction.count("added", state.tag.id, len(confirmed) - 1)
        # Those that were put aside in the same transaction leave it again.
        released = {one[0] for one in confirmed}
        transaction.refused = [
            one
            for one in transaction.refused
            if one.channel != state.tag.id or one.reason != "ahead" or one.moment not in released
        ]
        return "added", n_added

    @staticmethod
    def _end_jump(state: ChannelState) -> None:
        """Forget samples ahead from which others have not gone on: their clock was wrong."""
        if state.jump and state.newest is not None and state.jump[-1][0] > state.newest:
            state.astray, state.in_order = Astray(state.jump[-1][0], state.newest), 0
        state.jump.clear()

    def _far_behind(
        self, state: ChannelState, moment: int, value: float, inputs: bytes | None, transaction: Transaction
    ) -> tuple[str, int]:
        """Put a sample in quarantine that lies too far behind.

        Of a tag that has just begun, the first samples may be the wrong ones: where more than they go on from behind,
        these are taken in, and the first ones are in quarantine.
        """
        outcome = self._refuse(state, "behind", "quarantined", moment, value, inputs, transaction)
        state.astray, state.in_order = Astray(moment, state.newest or 0), 0
        if state.tag.state == "served" or len(state.recent) >= self.settings.confirm_samples or isnan(value):
            return outcome
        if state.jump and not state.goes_on(state.jump[-1][0], moment, self.settings.ahead_s):
            state.jump.clear()
        state.jump.append((moment, value, inputs))
        if len(state.jump) < self.settings.confirm_samples:
            return outcome
        row, first = state.jump, state.recent
        state.jump, state.recent, state.newest, state.waiting, state.astray = [], Recent(), None, 0, None
        moments = {one[0] for one in row}
        transaction.entries = [one for one in transaction.entries if one.channel != state.tag.id]
        transaction.withdrawn += [(state.tag.id, one) for one in first]
        transaction.refused = [
            one for one in transaction.refused if one.channel != state.tag.id or one.moment not in moments
        ]
        transaction.released += [(state.tag.id, one) for one in moments]
        for one, held in first.items():
            self._refuse(state, "ahead", "quarantined", one, *held, transaction)
        for sample in row:
            self._add(state, *sample, transaction)
        transaction.count("added", state.tag.id, len(row) - 1 - len(first))
        transaction.count("quarantined", state.tag.id, len(first) + 1 - len(row))
        return "added", len(row) - len(first)

    @staticmethod
    def _refuse(
        state: ChannelState,
        reason: str,
        name: str,
        moment: int,
        value: float,
        inputs: bytes | None,
        transaction: Transaction,
        present: float | None = None,
    ) -> tuple[str, int]:
        """Keep a sample aside; a missing value is not worth keeping."""
        if not isnan(value):
            transaction.refused.append(Refused(state.tag.id, reason, moment, value, inputs, present))
        return name, 0

    def serve(self, tag: Tag) -> None:
        """Forget what is known of a channel whose tag has changed; it is looked up with its next sample."""
        state = self.states.get(tag.name)
        if state is not None and state.tag != tag:
            del self.states[tag.name]

    def look_again(self) -> None:
        """Forget the channels that were damaged; they are looked up with their next samples."""
        self.states = {name: state for name, state in self.states.items() if not state.is_damaged}


def _entry(state: ChannelState, moment: int, value: float, inputs: bytes | None) -> Entry:
    return Entry(state.tag.id, moment, None if isnan(value) else value, inputs)
