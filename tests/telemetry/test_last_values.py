import numpy as np
import pytest

from workbench.telemetry.catalog import Limits
from workbench.telemetry.last_values import COLUMNS, last_value, limit_state, quality_spans, usual_step
from workbench.telemetry.schema import make_channel

LIMITS = Limits(critical_low=-2, warning_low=-1, warning_high=1, critical_high=2)
START = np.datetime64("2026-01-01T00:00:00", "ns")


def channel(values, *, dated=True, time=None, period="PT1M"):
    n = len(values)
    stamps = START + np.arange(n) * np.timedelta64(60, "s") if dated and time is None else time
    return make_channel(values, time=stamps, channel="X-1", asset="X", sample_period=period)


@pytest.mark.parametrize(
    ("value", "state", "bound"),
    [
        (-3, "critical low", -2),
        (-2, "critical low", -2),
        (-1.5, "warning low", -1),
        (0, "normal", None),
        (1, "warning high", 1),
        (2.5, "critical high", 2),
    ],
)
def test_limit_states(value, state, bound):
    found, reached = limit_state(value, LIMITS)
    assert found == state
    assert np.isnan(reached) if bound is None else reached == bound


def test_a_critical_limit_alone_is_enough_and_none_means_no_state():
    assert limit_state(5, Limits(critical_high=4)) == ("critical high", 4.0)
    assert limit_state(3, Limits(critical_high=4))[0] == "normal"
    assert limit_state(3, Limits())[0] == ""
    assert limit_state(float("nan"), LIMITS)[0] == ""


def test_the_last_value_with_age_limit_and_statistics():
    told = last_value(channel([0.0, 1.0, 2.0, 3.0]), LIMITS, now=START + np.timedelta64(10, "m"))
    assert set(told) == set(COLUMNS)
    assert (told["value"], told["time"], told["age"]) == (3.0, START + np.timedelta64(3, "m"), 420.0)
    assert told["stale"]
    assert told["limit"] == "critical high"
    assert (told["n"], told["missing"], told["minimum"], told["mean"], told["maximum"]) == (4, 0, 0.0, 1.5, 3.0)
    assert told["sd"] == pytest.approx(np.std([0, 1, 2, 3]))


def test_what_has_not_come_yet_is_not_looked_at():
    told = last_value(channel([0.0, 1.0, 2.0, 9.0]), LIMITS, now=START + np.timedelta64(150, "s"))
    assert (told["value"], told["age"], told["stale"], told["n"], told["maximum"]) == (2.0, 30.0, False, 3, 2.0)


def test_statistics_are_of_the_samples_shown_and_the_value_is_the_newest():
    told = last_value(channel(np.arange(10.0)), Limits(), first=2, last=5)
    assert (told["n"], told["minimum"], told["maximum"], told["value"], told["age"]) == (3, 2.0, 4.0, 9.0, 0.0)


def test_a_value_is_stale_after_five_steps():
    data = channel([0.0, 1.0])
    last = START + np.timedelta64(1, "m")
    assert not last_value(data, LIMITS, now=last + np.timedelta64(300, "s"))["stale"]
    assert last_value(data, LIMITS, now=last + np.timedelta64(301, "s"))["stale"]


def test_missing_values_are_counted_and_age_the_last_one():
    told = last_value(channel([1.0, 2.0, np.nan, np.nan], dated=False), LIMITS)
    assert (told["value"], told["age"], told["n"], told["missing"], told["mean"]) == (2.0, 2.0, 4, 2, 1.5)
    long = np.full(9000, np.nan)
    long[7] = 5.0
    assert last_value(channel(long, dated=False), LIMITS)["value"] == 5.0


@pytest.mark.parametrize("now", [None, -1.0])
def test_without_any_value_there_is_none_to_tell(now):
    told = last_value(channel([np.nan, np.nan], dated=False), LIMITS, now=now)
    assert told["time"] is None
    assert (told["limit"], told["stale"]) == ("", False)
    assert np.isnan([told["value"], told["age"], told["mean"], told["sd"]]).all()


def test_the_usual_step_is_the_period_or_the_median():
    assert usual_step(channel([0, 1, 2])) == 60.0
    time = START + np.array([0, 10, 20, 900]) * np.timedelta64(1, "s")
    assert usual_step(channel([0, 1, 2, 3], time=time, period="unknown")) == 10.0
    assert usual_step(channel([0, 1, 2, 3], time=time, period="now and then")) == 10.0
    assert usual_step(channel([0, 1], dated=False)) == 1.0
    assert np.isnan(usual_step(channel([0], dated=False)))


def test_missing_runs_and_gaps_are_found():
    time = START + np.array([0, 1, 2, 3, 4, 9, 10]) * np.timedelta64(60, "s")
    spans = quality_spans(channel([np.nan, 1, np.nan, np.nan, 1, 2, 3], time=time))
    assert spans.values.tolist() == [[0, 0, "missing"], [2, 3, "missing"], [4, 5, "gap"]]
    assert quality_spans(channel([1.0, 2.0])).empty
    assert quality_spans(channel([1.0])).empty
