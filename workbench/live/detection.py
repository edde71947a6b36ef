"""Detection of live telemetry: files what the journal holds, scores where it is due, and raises alerts.

It decides on nothing itself: the archive, `score_fleet` and `raise_alerts` do, as they do for what is imported. A
channel is due at once where a watch says so, and where a sample has completed an error window, unless its preview says
that no anomaly has changed. All others are due when their oldest sample has waited for `archive_s`, a few at a time, so
that what is due at once does not wait for them; of a large fleet later, so that they take a quarter of the time, and
more at a time, as a round costs about as much as a channel. Where there is no time for it, unfinished windows are not
scored.

One module because it is one class: filing, scoring and raising share what is due, what waits and what has failed.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from workbench.counts import counted
from workbench.detection.continuing import complete_rows, provisional_rows
from workbench.exceptions import WorkbenchError
from workbench.fleet_scores import score_fleet
from workbench.heap import give_back_memory
from workbench.live.backlog import Backlog, Waiting
from workbench.live.filing import Filed, file_rows, has_inputs, new_channel
from workbench.live.journal import Journal, Tag
from workbench.live.knowledge import complete_samples, moment_of_row, placed
from workbench.live.preview import ANCHORED, NOT_HELD, Preview, next_to_predict
from workbench.live.silences import Silences
from workbench.scores import Scores

if TYPE_CHECKING:
    from workbench.alerting import Outcome
    from workbench.session import Session

__all__ = ["Detection", "Figures"]

_LOG = logging.getLogger(__name__)
_LOOK_S = 0.25
_TIMERS_S = 30.0
_ASSETS_S = 60.0
_TRAINING_S = 60.0
_RETRY_S = 5.0
_SILENCES_S = 5.0
_FEW_AT_ONCE = 4  # channels whose samples have waited long enough: what is due at once waits for them
_MANY_AT_ONCE = 64  # where many of them are late
_SHARE = 0.25  # of the time, for filing what nothing is due for; where it takes more, each channel waits longer
_LONGEST_WAIT_S = 600.0
_CHANNEL_S = 0.05  # that filing takes a channel, until it has been measured
_SMOOTHING = 0.1  # of that time, by each round
_ROUNDS_A_FLEET = 64  # in which all channels are filed, where that makes more of them than a few
_IDLE_S = 0.1  # of preparing at a time
_LEARNED_AT_ONCE = 32  # channels whose next windows are looked up
_GATHER_S = 1.0  # that channels wait for others to be filed with
_PREVIEWED = frozenset({"persistence", "ridge"}) | ANCHORED  # forecasters whose predictions can be made twice
_MOST_ROWS = 20_000  # of a channel that are filed at a time
_SOURCE = "live telemetry"
_COUNTERS = {"late": "late", "conflict": "conflicts", "unfit": "unfit"}  # of samples that filing refuses


@dataclass
class Figures:
    """What detection has done since the start.

    Attributes
    ----------
    filed, scored, alerts : int
        Samples filed, scores computed, and alerts raised.
    provisional_shed : int
        Scores of unfinished error windows that were left out, since there was no time.
    round_s : float
        Length of the last round.
    alert_s : deque of float
        Time from the sample that made each channel due, stored, to its alerts, committed: the latest ones.
    failures : dict of str to str
        Channels that cannot be filed, scored or examined, and why.
    provisional : dict of str to int
        Anomalies of unfinished error windows, by channel: shown, and never alerted.
    unscored : dict of str to str
        Channels that hold enough samples and cannot be scored, and why.
    errors : dict of str to str
        What is refused at present by the archive or a database, and why; empty where all is well.
    """

    filed: int = 0
    scored: int = 0
    alerts: int = 0
    provisional_shed: int = 0
    round_s: float = 0.0
    alert_s: deque[float] = field(default_factory=lambda: deque(maxlen=1_000))
    failures: dict[str, str] = field(default_factory=dict)
    provisional: dict[str, int] = field(default_factory=dict)
    unscored: dict[str, str] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)


class Detection:
    """Files, scores and raises alerts in a thread of its own.

    Parameters
    ----------
    session : Session
        Session of this thread.
    journal : Journal
        Journal of this thread.
    backlog : Backlog
        What waits.
    finals : dict of str to int
        Filled with the moment up to which each channel is final.
    announce : callable
        Called with each line to show.
    silences : Silences
        Raises alerts for what has become silent.
    """

    def __init__(
        self,
        session: "Session",
        journal: Journal,
        backlog: Backlog,
        finals: dict[str, int],
        announce: Callable[[str], None],
        silences: Silences,
    ) -> None:
        self.figures = Figures()
        self._session = session
        self._journal = journal
        self._backlog = backlog
        self._finals = finals
        self._announce = announce
        self._silences = silences
        self._next_look = time.monotonic() + _SILENCES_S
        self._scores = Scores(session.settings, session.archive, session.registry, session.clock)
        self._until_window: dict[str, int] = {}  # samples until the next error window is complete
        self._previews: dict[str, Preview | None] = {}  # None where a preview takes as long as scoring
        self._looked: set[str] = set()  # channels with complete windows that their previews have judged
        self._had_rows: dict[str, bool] = {}  # whether there were anomalies when a channel was last examined
        self._retry_at: dict[str, float] = {}
        self._unjudged: set[str] = set()  # channels that hold what no round has judged to its end
        self._has_begun = False
        self._channel_s = _CHANNEL_S
        self._next_filing = 0.0  # of channels that nothing is due for
        self._next_judging = 0.0
        self._assets_due: set[str] = set()
        self._next_timers = 0.0
        self._next_training = 0.0
        self._training_turn = 0
        self._next_assets = time.monotonic() + _ASSETS_S
        self._reported: dict[str, float] = {}

    def run(self, stop: threading.Event) -> None:
        """Work until it is stopped, and finish what waits then."""
        self.begin()
        while not stop.is_set():
            self._backlog.changed.wait(_LOOK_S)
            self._backlog.changed.clear()
            self.step()
        self.step(everything=True)

    def begin(self) -> None:
        """Repeat what the last run may not have finished: score and examine every channel that it served.

        Where that is refused, the rounds try it again.
        """
        self._next_judging = time.monotonic() + _RETRY_S
        self._guarded("judging", self._judge_rest)

    def _judge_rest(self) -> None:
        """Judge the channels that the last run, or a round that failed, has left."""
        archived = set(self._session.archive.channels())
        if not self._has_begun:
            tags = self._journal.tags()
            self._backlog.load(self._journal.pending(), {tag.id: tag.name for tag in tags}, time.monotonic())
            self._unjudged |= {tag.name for tag in tags if tag.state == "served"}
            self._has_begun = True
        self._unjudged &= archived
        self._judge(sorted(self._unjudged))
        self._unjudged.clear()

    def step(self, *, everything: bool = False) -> None:
        """Do one round: all that is due, or all that waits."""
        began, least = time.monotonic(), self._session.settings.live.archive_s
        waiting = self._backlog.waiting()
        ready = {name: one for name, one in waiting.items() if began >= self._retry_at.get(name, 0.0)}
        if everything:
            due, rest, longest = set(waiting), [], 0.0
        else:
            self._guarded("windows", lambda: self._learn_windows(ready))
            due = {name for name, one in ready.items() if one.urgent}
            windows = {name: one for name, one in ready.items() if name not in due and self._has_window(name, one)}
            if windows:
                self._guarded("previews", lambda: due.update(self._look(windows)))
            longest = self.longest_wait(len(ready))
            rest = [name for name, one in ready.items() if name not in due and began - one.since >= least]
            rest.sort(key=lambda name: ready[name].since)
        late = bool(rest) and began - ready[rest[0]].since >= 2 * longest
        batch, few = due, max(_FEW_AT_ONCE, len(ready) // _ROUNDS_A_FLEET)
        if few > _FEW_AT_ONCE and 0 < len(rest) < few and began - ready[rest[0]].since < least + _GATHER_S:
            rest = []  # others are due within a moment, and a round takes less time for each of more
        if began < self._next_filing and not late:
            rest = []
        if late or not due:  # who has waited for long does not wait for others any more
            batch = due | set(rest[: max(_MANY_AT_ONCE, few) if late else few])
        if batch:
            self._guarded("archive", lambda: self._work(batch, everything, late=late))
            self.figures.round_s = time.monotonic() - began
            self._channel_s += _SMOOTHING * (self.figures.round_s / len(batch) - self._channel_s)
            if not due:
                self._next_filing = began + self.figures.round_s / _SHARE
            if rest:
                self._backlog.changed.set()  # they need not wait for others
        elif not everything:
            self._guarded("previews", lambda: self._use_time(ready))
        now = time.monotonic()
        if now >= self._next_training:
            self._next_training = now + _TRAINING_S
            self._guarded("training", self._train_left)
        if (self._unjudged or not self._has_begun) and (everything or now >= self._next_judging):
            self.begin()
        if self._assets_due and (everything or now >= self._next_assets):
            self._next_assets = now + _ASSETS_S
            self._guarded("assets", self._judge_assets)
        if now >= self._next_look:
            self._next_look = now + _SILENCES_S
            self._guarded("silences", self._look_for_silences)
        if now >= self._next_timers:
            self._next_timers = now + _TIMERS_S
            self._guarded("timers", self._session.run_timers)
            give_back_memory()

    def longest_wait(self, count: int) -> float:
        """Return for how many seconds samples wait for the archive at most, where so many channels have some."""
        return max(self._session.settings.live.archive_s, min(count * self._channel_s / _SHARE, _LONGEST_WAIT_S))

    def _look_for_silences(self) -> None:
        """Raise alerts for what has become silent or has a wrong clock, and close those that are over."""
        raised = self._silences.look(self._session, self._journal.tags("served"), self._journal.sources)
        self.figures.alerts += len(raised)
        for number in raised:
            self._announce(self._session.maintenance.alerts.get(number).message)

    def _has_window(self, name: str, one: Waiting) -> bool:
        return one.samples >= self._until_window.get(name, self._session.settings.params.batch_size)

    # ---- previews

    def _look(self, windows: Mapping[str, Waiting]) -> set[str]:
        """Return those of the channels with a complete error window whose anomalies may have changed."""
        batch = self._session.settings.params.batch_size
        tags = {tag.name: tag for tag in self._journal.tags("served", [*windows])}
        due = set()
        for name, one in windows.items():
            if name in self._until_window and name not in self._previews:
                self._make_preview(name)
            preview = self._previews.get(name)
            far_behind = one.samples >= self._until_window.get(name, 0) + 2 * batch
            if preview is None or name not in tags or far_behind:
                due.add(name)
                continue
            if not preview.take(self._journal.samples(tags[name].id, _MOST_ROWS)) or preview.may_change():
                self._previews.pop(name)  # made anew from what is stored
                due.add(name)
                continue
            self._until_window[name] = self._until_window.get(name, batch) + batch
            self._looked.add(name)
            self.figures.alert_s.append(time.monotonic() - one.latest)
        return due

    def _use_time(self, ready: Mapping[str, Waiting]) -> None:
        """Do what is better done before it is due, for a moment, or until something comes."""
        if self._predict_ahead(ready):
            return
        until = time.monotonic() + _IDLE_S
        while self._prepare_preview() and not self._backlog.changed.is_set() and time.monotonic() < until:
            pass

    def _learn_windows(self, ready: Iterable[str]) -> None:
        """Note when the next windows of a few channels are complete that were not filed since the start."""
        unknown = [name for name in ready if name not in self._until_window]
        known = set(self._session.archive.channels()) if unknown else set[str]()
        for name in [name for name in unknown if name in known][:_LEARNED_AT_ONCE]:
            self._note_windows(name)

    def _predict_ahead(self, ready: Mapping[str, Waiting]) -> bool:
        """Let the preview that is furthest behind predict, where that takes long, and return whether there was one."""
        samples = {name: one.samples for name, one in ready.items()}
        name = next_to_predict(self._previews, samples, self._until_window)
        if name is None:
            return False
        preview = self._previews[name]
        assert preview is not None
        tag, pending = next(iter(self._journal.tags("served", [name])), None), preview.pending
        try:
            goes_on = tag is not None and preview.take(self._journal.samples(tag.id, _MOST_ROWS))
            if goes_on:
                preview.predict()
        except NOT_HELD:
            goes_on = False
        if not goes_on:
            self._previews.pop(name)  # made anew from what is stored
        elif preview.pending == pending:
            return False
        self._backlog.changed.set()  # others may be behind, too
        return True

    def _prepare_preview(self) -> bool:
        """Make the preview of one channel that has none, and return whether there was one."""
        name = next((one for one in self._until_window if one not in self._previews), None)
        if name is None:
            return False
        self._make_preview(name)
        return True

    def _make_preview(self, name: str) -> None:
        """Make the preview of a channel from what is stored, where one can be made."""
        self._previews[name] = None
        with suppress(*NOT_HELD):
            archive, params = self._session.archive, self._session.settings.params
            forecasters = self._scores.forecasters(name)
            if all(one.name in _PREVIEWED for one in forecasters):
                test, scored = archive.open(name, indexed=False), self._scores.stored(name)
                if scored is not None and scored.attrs.get("data_hash") == archive.info(name).test_hash:
                    self._previews[name] = Preview(test, scored, forecasters, params)

    def _guarded(self, about: str, work: Callable[[], object]) -> bool:
        """Do something that a database or disk may refuse, and return whether it is done: else it is done again."""
        try:
            work()
            self.figures.errors.pop(about, None)
            return True
        except (WorkbenchError, OSError) as error:
            self.figures.errors[about] = str(error)
            self._report(about, f"Tried again every {_RETRY_S:.0f} seconds: {error}")
            return False

    def _work(self, due: Collection[str], everything: bool, *, late: bool = False) -> None:
        """File, score and examine channels."""
        tags = {tag.name: tag for tag in self._journal.tags(names=[*due])}
        taken = self._backlog.take(due)
        try:
            filed = self._file([tags[name] for name in taken if name in tags])
        except BaseException:
            self._give_back(taken)
            raise
        for name in set(taken) - set(filed):
            if name in self._retry_at:
                self._give_back({name: taken[name]})
        at_once = {name for name in filed if everything or taken[name].urgent or self._has_window(name, taken[name])}
        important = at_once | (self._looked & set(filed))
        names = [name for name in filed if name in important]
        provisional = [name for name in filed if name not in important]
        if late and not everything:
            self.figures.provisional_shed += len(provisional)
            for name in provisional:
                self._note_windows(name)
        else:
            names += provisional
        urgent = {name for name in filed if everything or taken[name].urgent}
        if not self._guarded("judging", lambda: self._judge(names, important, urgent)):
            self._next_judging = time.monotonic() + _RETRY_S
            return
        self._unjudged -= set(filed)
        self._looked -= set(filed)
        now = time.monotonic()
        self.figures.alert_s.extend(now - taken[name].latest for name in at_once)

    def _give_back(self, taken: dict[str, Waiting]) -> None:
        retry = time.monotonic() + _RETRY_S
        for name, one in taken.items():
            self._retry_at[name] = retry
            self._backlog.add({name: one.samples}, [name] if one.urgent else (), time.monotonic())

    # ---- filing

    def _file(self, tags: Sequence[Tag]) -> list[str]:
        """File the samples of channels, and return the names of those that hold new ones."""
        archive = self._session.archive
        prepared: list[tuple[Tag, list[tuple[int, float | None, bytes | None]], Filed | None]] = []
        for tag in tags:
            if tag.state in ("waiting", "ignored"):
                continue
            rows = self._journal.samples(tag.id, _MOST_ROWS if tag.state == "served" else -1)
            if not rows:
                continue
            try:
                filed = self._prepare(tag, rows)
            except WorkbenchError as error:
                if not self._was_removed(tag):
                    self._fail(tag.name, error)
                continue
            if filed is not None:
                prepared.append((tag, rows, filed))
        written = {tag.name: one for tag, _, one in prepared if one is not None and one.rows is not None}
        extensions = [(one.keep, one.rows) for one in written.values() if one.rows is not None]
        done = list(prepared)
        if extensions:
            try:
                archive.extend(extensions, {name: one.before for name, one in written.items()})
                self._unjudged |= set(written)
            except WorkbenchError as error:
                if len(prepared) == 1:
                    self._fail(prepared[0][0].name, error)
                    raise
                return [name for tag in tags for name in self._file_alone(tag)]
        self._clear(done)
        growing = [tag.name for tag, _, _ in done if not archive.grows(tag.name)]
        archive.set_growing(growing, True)
        for tag, rows, one in done:
            preview = self._previews.get(tag.name)
            goes_on = one is not None and one.keep == one.before and not one.refused
            if preview is not None and not (goes_on and preview.is_filed(rows)):
                del self._previews[tag.name]
            self.figures.failures.pop(tag.name, None)
            self._retry_at.pop(tag.name, None)
            if len(rows) == _MOST_ROWS:  # more of it waits
                self._backlog.add({tag.name: _MOST_ROWS}, (), 0.0)
        return [
            tag.name for tag, _, one in done if tag.state == "accepted" or (one is not None and one.rows is not None)
        ]

    def _file_alone(self, tag: Tag) -> list[str]:
        try:
            return self._file([tag])
        except WorkbenchError:
            return []

    def _train_left(self) -> None:
        """Train channels that were made of new tags and never got a model: a kill, or a full disk, came between."""
        archive, registry = self._session.archive, self._session.registry
        left = []
        for name in self.figures.unscored:
            with suppress(WorkbenchError):  # removed, or damaged
                if archive.info(name).source == _SOURCE and not registry.list(name):
                    left.append(name)
        if left:
            turn = self._training_turn % len(left)  # those that cannot be trained do not stand in the way of others
            self._training_turn = turn + _FEW_AT_ONCE
            outcomes = self._session.train([*left[turn:], *left[:turn]][:_FEW_AT_ONCE])
            self._unjudged |= set(outcomes.loc[outcomes["status"] != "failed", "channel"])

    def _was_removed(self, tag: Tag) -> bool:
        """Return whether the archive does not hold a channel any more, which makes it a new tag again."""
        with suppress(WorkbenchError):
            if tag.state == "served" and tag.name not in self._session.archive.channels():
                self._journal.change_tag(placed(tag, self._session.settings.live))
                self.figures.failures.pop(tag.name, None)
                self._retry_at.pop(tag.name, None)
                self._finals.pop(tag.name, None)
                self._previews.pop(tag.name, None)
                self._until_window.pop(tag.name, None)
                return True
        return False

    def _prepare(self, tag: Tag, rows: list[tuple[int, float | None, bytes | None]]) -> Filed | None:
        """Return what is to be written of a channel; one that is to be made is made, and what is left returned."""
        archive = self._session.archive
        if tag.state == "accepted":
            if tag.name not in archive.channels():
                fitting = [row for row in rows if has_inputs(row[2], len(tag.inputs))]
                if len(fitting) <= tag.train_samples:
                    return None
                archive.write_all([new_channel(tag, fitting, _SOURCE)])
                self._announce(f"{tag.name} is a channel of {tag.asset}, from {counted(len(fitting), 'sample')}.")
            self._session.train([tag.name])
            self._journal.change_tag(replace(tag, state="served"))  # last: whoever dies before it trains again
        return file_rows(archive, tag, rows, self._finals.get(tag.name, float("-inf")))

    def _clear(self, done: Sequence[tuple[Tag, list[tuple[int, float | None, bytes | None]], Filed | None]]) -> None:
        """Remove from the journal what the archive holds now."""
        refused = [one for _, _, filed in done if filed is not None for one in filed.refused]
        counts: dict[tuple[str, int], int] = {}
        for one in refused:
            for name, by in ((_COUNTERS[one.reason], 1), ("added", -1)):
                counts[name, one.channel] = counts.get((name, one.channel), 0) + by
        self._journal.clear([(tag.id, rows) for tag, rows, _ in done], refused, counts)
        self.figures.filed += sum(len(rows) for _, rows, _ in done)

    def _fail(self, name: str, error: WorkbenchError) -> None:
        self.figures.failures[name] = str(error)
        self._retry_at[name] = time.monotonic() + _RETRY_S
        self._report(name, f"{name} cannot be filed: {error}")

    # ---- judging

    def _judge(
        self, names: Sequence[str], important: Iterable[str] | None = None, urgent: Iterable[str] | None = None
    ) -> None:
        """Score channels, note what is final, and raise the alerts of those whose decisions may have changed.

        Parameters
        ----------
        names : sequence of str
            The channels.
        important : iterable of str, optional
            Those of which more than unfinished windows is new; all where omitted.
        urgent : iterable of str, optional
            Those that are examined though they have no anomalies and had none before; all where omitted.
        """
        if not names:
            return
        session = self._session
        table = score_fleet(self._scores, names, together=True)
        self.figures.scored += int((table["status"] == "scored").sum())
        for name, status, model, reason in table[["channel", "status", "model", "reason"]].itertuples(index=False):
            preview = self._previews.get(name)
            if preview is None or preview.model != model:  # where there was nothing to go on from, there may be now
                self._previews.pop(name, None)
            self.figures.unscored.pop(name, None)
            if status == "failed" and self._is_long_enough(name):
                self.figures.unscored[name] = str(reason)
                self._report(f"score {name}", f"{name} is not scored: {reason}")
        has_rows = {name: self._note_windows(name) for name in names}
        examined = set(names if important is None else important)
        always = set(names if urgent is None else urgent)
        to_examine = [
            name
            for name in names
            if name in examined and (name in always or has_rows[name] or self._had_rows.get(name, True))
        ]
        if to_examine:
            outcome = session.raise_alerts(to_examine, ())
            self._tell(outcome)
            for name, reason in outcome.failed:
                self._report(f"alerts {name}", f"{name} was not examined: {reason}")
            failed = {name for name, _ in outcome.failed}
            self._had_rows |= {name: has_rows[name] or name in failed for name in to_examine}
        self._assets_due |= set(session.assets.with_model([name for name in names if name in examined]))

    def _is_long_enough(self, name: str) -> bool:
        """Return whether a channel holds enough samples for a forecast with the windows of the settings."""
        params = self._session.settings.params
        return self._session.archive.info(name).n_test > params.sequence_length + params.prediction_horizon

    def _note_windows(self, name: str) -> bool:
        """Note what is final of a channel, and how many samples are missing to its next complete error window.

        Returns
        -------
        bool
            Whether it has anomalies that may be alerts; True where that is not known.
        """
        batch = self._session.settings.params.batch_size
        try:
            stored = self._session.archive.scores(name)
            n = self._session.archive.info(name).n_test
            complete = max((complete_samples(one) for one in stored.values()), default=0)
            if complete:
                preview = self._previews.get(name)
                moment = None if preview is None else preview.moment_of(complete - 1)
                self._finals[name] = moment_of_row(self._session, name, complete - 1) if moment is None else moment
        except WorkbenchError as error:
            self._until_window.setdefault(name, batch)
            self._report(f"final {name}", str(error))
            return True
        # Behind a break the first window takes far more than a batch; until then it is looked at batch by batch.
        self._until_window[name] = batch - (n - complete) % batch if complete else batch
        self.figures.provisional[name] = max(map(provisional_rows, stored.values()), default=0)
        return any(complete_rows(one)[1] for one in stored.values())

    def _judge_assets(self) -> None:
        """Score the assets whose channels have changed as a whole, and raise their alerts."""
        names, self._assets_due = sorted(self._assets_due), set()
        table = self._session.assets.score_all(names)
        for name, reason in table.loc[table["status"] == "failed", ["asset", "reason"]].itertuples(index=False):
            self._report(f"asset {name}", f"{name} is not scored as a whole: {reason}")
        channels = [info.channel for info in self._session.archive.infos()[0] if info.asset in set(names)][:1]
        self._tell(self._session.raise_alerts(channels, names))

    def _tell(self, outcome: "Outcome") -> None:
        """Count the alerts, and tell of them and of orders; one that grew, and is no new alert, may open an order."""
        self.figures.alerts += len(outcome.raised.raised)
        if outcome.raised.raised or outcome.opened:
            self._announce(str(outcome))

    def _report(self, about: str, words: str) -> None:
        """Tell of something that went wrong, once an hour."""
        now = time.monotonic()
        if now - self._reported.get(about, -3_600.0) >= 3_600.0:
            self._reported[about] = now
            _LOG.warning("%s", words)
