"""What becomes of each sample: by hand, for every rule."""

from collections.abc import Sequence
from math import inf, nan
from pathlib import Path

import numpy as np
import pytest

from workbench.live.admission import Admission, ChannelState, Decided
from workbench.live.journal import Journal, Refused, Tag, Transaction
from workbench.live.recent import Recent, Stored
from workbench.live.samples import Sample
from workbench.telemetry.feed_options import LiveSettings

SECOND = 1_000_000_000
HOUR = 3_600


class Knows:
    """One channel with a sample each second from 1 to 100, of which `old` are not in memory; up to `final` is final."""

    def __init__(self, *, final: float = -inf, old: int = 0, **tag: object) -> None:
        self.tag = Tag(1, "a", **({"state": "served", "clock": "time"} | tag))  # type: ignore[arg-type]
        self._final = final * SECOND
        self._old = old

    def prepare(self, names: Sequence[str]) -> None:
        assert names == [*dict.fromkeys(names)]

    def state(self, sample: Sample) -> ChannelState:
        del sample
        state = ChannelState(self.tag, np.float32, one_hot=bool(self.tag.inputs))
        for second in range(self._old + 1, 101):
            state.recent.remember(second * SECOND, float(second), None)
        state.newest, state.recent.begin = 100 * SECOND, (self._old + 1) * SECOND
        return state

    def final(self, state: ChannelState) -> float:
        del state
        return self._final

    def stored(self, state: ChannelState, moment: int) -> Stored | None:
        del state
        second = moment / SECOND
        return (second, None) if second in range(1, self._old + 1) else None


def sample(second: float, value: float = 5.0, inputs: dict[str, float] | None = None, clock: str = "time") -> Sample:
    return Sample("a", clock, int(second * SECOND), value, inputs)


def decide(samples: Sequence[Sample], known: Knows | None = None, **options: object) -> tuple[Decided, Admission]:
    admission = Admission(LiveSettings.model_validate(options), known or Knows(), lambda: 0.0)
    return admission.decide([("test", samples, [])]), admission


def outcomes(samples: Sequence[Sample], known: Knows | None = None, **options: object) -> dict[str, int]:
    return decide(samples, known, **options)[0].outcomes[0]


def test_samples_behind_the_newest_are_added_in_any_distance_up_to_the_limit() -> None:
    assert outcomes([sample(101), sample(101 + HOUR)]) == {"added": 2}


def test_the_same_sample_again_is_a_duplicate() -> None:
    assert outcomes([sample(101), sample(101), sample(40, 40.0)]) == {"added": 1, "duplicates": 2}


def test_a_value_is_compared_in_the_precision_of_its_channel() -> None:
    assert outcomes([sample(101, 0.1), sample(101, float(np.float32(0.1)))]) == {"added": 1, "duplicates": 1}


def test_another_value_for_a_moment_is_kept_beside_what_is_there() -> None:
    decided, _ = decide([sample(40, 41.0)])
    assert decided.outcomes == [{"conflicts": 1}]
    (refused,) = decided.transaction.refused
    assert (refused.reason, refused.moment, refused.value, refused.present) == ("conflict", 40 * SECOND, 41.0, 40.0)
    assert not decided.transaction.entries


def test_samples_of_long_ago_are_looked_up() -> None:
    assert outcomes([sample(3, 3.0), sample(3, 9.0)], Knows(old=50)) == {"duplicates": 1, "conflicts": 1}


@pytest.mark.parametrize(
    ("second", "final", "outcome"),
    [(99.5, -inf, "added"), (40.5, -inf, "added"), (39.5, -inf, "late"), (60.5, 61, "late"), (61.5, 61, "added")],
)
def test_a_late_sample_is_sorted_in_within_a_minute_and_before_it_is_final(
    second: float, final: float, outcome: str
) -> None:
    decided, _ = decide([sample(second)], Knows(final=final))
    assert decided.outcomes == [{outcome: 1}]
    assert len(decided.transaction.entries) == (outcome == "added")
    assert [one.reason for one in decided.transaction.refused] == ["late"] * (outcome == "late")


def test_a_missing_value_is_filled_in_until_it_is_final() -> None:
    decided, _ = decide([sample(101, nan), sample(101, nan), sample(101, 7.0)])
    assert decided.outcomes == [{"added": 1, "duplicates": 1, "completed": 1}]
    assert [one.value for one in decided.transaction.entries] == [None, 7.0]
    assert outcomes([sample(101, nan), sample(102), sample(101, 7.0)], Knows(final=101)) == {"added": 2, "late": 1}


def test_a_jump_ahead_waits_in_quarantine_until_others_go_on_from_it() -> None:
    far = 100 + 2 * HOUR
    decided, admission = decide([sample(far + n) for n in range(3)], confirm_samples=3)
    assert decided.outcomes == [{"quarantined": 2, "added": 1}]
    assert [entry.moment for entry in decided.transaction.entries] == [(far + n) * SECOND for n in range(3)]
    assert decided.transaction.refused == []  # put aside and released in one transaction
    assert decided.transaction.counts == {("quarantined", 1): 0, ("added", 1): 3}
    assert admission.states["a"].gaps == 1


def test_a_jump_that_was_stored_leaves_quarantine_later() -> None:
    far = 100 + 2 * HOUR
    decided, admission = decide([sample(far)], confirm_samples=2)
    assert [one.reason for one in decided.transaction.refused] == ["ahead"]
    decided = admission.decide([("test", [sample(far), sample(far + 1)], [])])
    assert decided.outcomes == [{"duplicates": 1, "added": 1}]
    assert decided.transaction.released == [(1, far * SECOND), (1, (far + 1) * SECOND)]


def test_another_value_in_quarantine_is_a_contradiction() -> None:
    far = 100 + 2 * HOUR
    decided, _ = decide([sample(far), sample(far), sample(far, 6.0)])
    assert decided.outcomes == [{"quarantined": 1, "duplicates": 1, "conflicts": 1}]
    assert [(one.reason, one.value, one.present) for one in decided.transaction.refused] == [
        ("ahead", 5.0, None),
        ("conflict", 6.0, 5.0),
    ]


def test_one_sample_of_another_century_stays_in_quarantine() -> None:
    samples = [sample(10**9), *(sample(100 + n) for n in range(1, 20)), sample(2 * 10**9)]
    decided, _ = decide(samples)
    assert decided.outcomes == [{"quarantined": 2, "added": 19}]
    assert {one.reason for one in decided.transaction.refused} == {"ahead"}


def test_a_clock_that_was_set_back_does_not_overwrite_anything() -> None:
    decided, _ = decide([sample(100 - 2 * HOUR), sample(101)])
    assert decided.outcomes == [{"quarantined": 1, "added": 1}]
    assert [one.reason for one in decided.transaction.refused] == ["behind"]


def test_numbered_samples_count_as_seconds() -> None:
    class Numbered(Knows):
        def state(self, sample: Sample) -> ChannelState:
            state = super().state(sample)
            state.newest, state.recent = 100, Recent()
            state.recent.begin = 1
            return state

    known = Numbered(clock="sample")
    numbers = [Sample("a", "sample", number, 1.0) for number in (101, 3_701, 200, 3_650, 10**6)]
    assert outcomes(numbers, known) == {"added": 3, "quarantined": 1, "late": 1}


@pytest.mark.parametrize(
    ("one", "known", "words"),
    [
        (sample(101, clock="sample"), Knows(), "has times, not sample numbers"),
        (sample(101, 1e300), Knows(), "does not fit its precision"),
        (sample(101, inputs={"v": 1}), Knows(), "has the inputs none, not v"),
        (sample(101), Knows(inputs=("v",)), "has the inputs v, not none"),
        (sample(101, inputs={"w": 1}), Knows(inputs=("v",)), "has the inputs v, not w"),
        (sample(101, inputs={"v": 0.5}), Knows(inputs=("v",)), "are 0 or 1"),
    ],
)
def test_what_does_not_fit_its_channel_is_told(one: Sample, known: Knows, words: str) -> None:
    decided, _ = decide([one], known)
    assert decided.outcomes == [{"unfit": 1}]
    ((_, (count, example)),) = decided.transaction.faults.items()
    assert count == 1
    assert words in example


def test_inputs_are_stored_in_the_order_of_the_channel() -> None:
    decided, _ = decide([sample(101, inputs={"b": 0, "a": 1})], Knows(inputs=("a", "b")))
    (entry,) = decided.transaction.entries
    assert np.frombuffer(entry.inputs or b"", "<f4").tolist() == [1.0, 0.0]


def test_a_tag_keeps_only_so_many_samples_and_an_ignored_one_none() -> None:
    waiting = Knows(state="waiting")
    assert outcomes([sample(100 + n) for n in range(1, 6)], waiting, waiting_samples=3) == {"added": 3, "dropped": 2}
    assert outcomes([sample(101)], Knows(state="ignored")) == {"ignored": 1}


def test_memory_holds_the_newest_samples_however_many_come() -> None:
    _, admission = decide([sample(100 + n) for n in range(1, 20_001)])
    state = admission.states["a"]
    assert len(state.recent) <= 2_048
    assert all(second * SECOND in state.recent for second in range(20_100 - 1_000, 20_101))
    assert min(state.recent) == state.recent.begin


class KnowsNothing(Knows):
    """A tag that has sent nothing yet."""

    def state(self, sample: Sample) -> ChannelState:
        del sample
        return ChannelState(self.tag)


def test_a_first_sample_of_a_clock_in_the_future_does_not_keep_a_new_tag_out(tmp_path: Path) -> None:
    """The wrong one is in quarantine once ten others have gone on from the present; these are stored, each once."""
    journal = Journal(tmp_path / "live.db")
    tag = journal.add_tag(Tag(0, "a", "waiting", clock="time"))
    known = KnowsNothing()
    known.tag = tag
    admission = Admission(LiveSettings(), known, lambda: 0.0)
    future = sample(400_000_000, 7.0)
    counts: dict[str, int] = {}
    for one in [future, *(sample(second, float(second)) for second in range(1, 31))]:
        decided = admission.decide([("test", [one], [])])
        journal.store(decided.transaction)
        for (name, _), count in decided.transaction.counts.items():
            counts[name] = counts.get(name, 0) + count
    assert [(moment // SECOND, value) for moment, value, _ in journal.samples(tag.id)] == [
        (second, float(second)) for second in range(1, 31)
    ]
    assert [(one["reason"], one["moment"]) for one in journal.refused()] == [("ahead", future.moment)]
    assert {name: count for name, count in counts.items() if count} == {"added": 30, "quarantined": 1}
    assert journal.counters() == {"added": {"a": 30}, "quarantined": {"a": 1}}


def test_it_is_the_same_in_one_transaction(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "live.db")
    known = KnowsNothing()
    known.tag = journal.add_tag(Tag(0, "a", "waiting", clock="time"))
    admission = Admission(LiveSettings(), known, lambda: 0.0)
    samples = [sample(400_000_000, 7.0), *(sample(second, float(second)) for second in range(1, 31))]
    journal.store(admission.decide([("test", samples, [])]).transaction)
    assert len(journal.samples(known.tag.id)) == 30
    assert [one["value"] for one in journal.refused()] == [7.0]
    assert journal.counters() == {"added": {"a": 30}, "quarantined": {"a": 1}}


def test_a_tag_that_has_been_there_does_not_go_back_in_time() -> None:
    samples = [*(sample(10_000 + second) for second in range(20)), *(sample(second) for second in range(1, 31))]
    assert outcomes(samples, KnowsNothing(state="waiting")) == {"added": 20, "quarantined": 30}


def test_no_more_refused_samples_are_kept_than_a_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workbench.live.journal.MAX_REFUSED", 50)
    journal = Journal(tmp_path / "live.db")
    tag = journal.add_tag(Tag(0, "a", "served", clock="time"))
    for start in range(0, 200, 20):
        refused = [Refused(tag.id, "late", moment, 1.0, None, None) for moment in range(start, start + 20)]
        journal.store(Transaction(refused=refused, counts={("late", tag.id): 20}))
    assert [one["moment"] for one in journal.refused()] == list(range(199, 149, -1))
    assert journal.counters() == {"late": {"a": 200}}
