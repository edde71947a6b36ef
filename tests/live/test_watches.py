"""Watches say that a channel is due where the whole series says that something begins or ends, and nowhere else."""

import numpy as np
import pytest

from workbench.detection.envelope import EnvelopeStream
from workbench.detection.envelope.fitted import fit_envelope
from workbench.live.watches import LimitWatch, Watch
from workbench.maintenance.alerts.limits import beyond
from workbench.telemetry.catalog import Limits


@pytest.mark.parametrize("on_delay", [1, 2, 5])
@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_a_limit_begins_and_ends_as_in_the_whole_series(on_delay: int, sign: float) -> None:
    random = np.random.default_rng(on_delay)
    values = sign * (np.sin(np.arange(3_000) / 20) + random.normal(0, 0.3, 3_000))
    values[random.random(values.size) < 0.05] = np.nan
    threshold, deadband = sign * float(np.nanquantile(sign * values, 0.6)), 0.4
    watch = LimitWatch(threshold, deadband, sign, on_delay)
    due = [row for row, value in enumerate(values.tolist()) if watch.take(value)]
    expected = []
    for start, end, is_ongoing in beyond(sign * values, sign * threshold, deadband, on_delay):
        expected += [start + on_delay - 1, *([] if is_ongoing else [end + 1])]
    assert len(expected) > 20
    assert due == expected


def test_an_event_of_the_envelope_is_due_when_it_begins_and_when_it_has_ended() -> None:
    random = np.random.default_rng(0)
    train, test = random.normal(0, 1, 2_000), random.normal(0, 1, 1_200)
    test[500:503] = 40.0
    envelope = fit_envelope(train)
    watch = Watch(Limits(), 1, 0.0, EnvelopeStream(envelope, follows_training=True))
    due = [row for row, value in enumerate(test.tolist()) if watch.take(value)]
    assert due[0] == 500
    whole = EnvelopeStream(envelope, follows_training=True)
    starts = sorted({event.start for event in [*whole.extend(test), *whole.open_events]})
    assert starts[0] == 500
    assert len(due) < 40  # not at each sample of a long event


def test_many_samples_at_once_are_due_where_one_of_them_is() -> None:
    random = np.random.default_rng(1)
    train, test = random.normal(0, 1, 2_000), random.normal(0, 1, 3_000)
    for start in (300, 700, 701, 1_500, 2_990):
        test[start : start + int(random.integers(1, 60))] = 40.0
    one, many = (
        Watch(Limits(warning_high=3.5), 2, 0.1, EnvelopeStream(fit_envelope(train), follows_training=True))
        for _ in range(2)
    )
    start, due = 0, []
    while start < test.size:
        part = test[start : start + int(random.integers(1, 120))].tolist()
        start += len(part)
        due.append(many.take_all(part, range(start - len(part), start)))
        assert due[-1] == any([one.take(value) for value in part]), start
    assert 3 < sum(due) < len(due)


def test_what_was_there_before_is_not_due_again() -> None:
    values = np.array([0.0, 5.0, 5.0, 5.0])
    watch = Watch(Limits(warning_high=3.0), 1, 0.0, None)
    watch.remember(values)
    assert [watch.take(value) for value in (5.0, 5.0, 0.0)] == [False, False, True]
