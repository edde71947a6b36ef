import json
import math
import threading

import numpy as np
import pytest

from workbench.observability.timings import STAGE, TIMINGS, Histogram, Timings, stage


@pytest.mark.parametrize("percent", [50, 95, 99])
def test_a_percentile_errs_by_less_than_its_bucket(percent):
    durations = np.random.default_rng(0).lognormal(-3, 1.5, 5000)
    histogram = Histogram()
    for seconds in durations:
        histogram.add(seconds)
    exact = np.percentile(durations, percent, method="inverted_cdf")
    assert histogram.percentile(percent) == pytest.approx(exact, rel=0.07)
    assert (histogram.count, histogram.total) == (5000, pytest.approx(durations.sum()))


def test_nothing_counted_has_no_percentile_and_nothing_is_too_short():
    histogram = Histogram()
    assert math.isnan(histogram.percentile(50))
    histogram.add(0.0)
    assert histogram.count == 1


def test_below_counts_whole_buckets():
    histogram = Histogram()
    for seconds in (0.0005, 0.005, 0.05, 5.0):
        histogram.add(seconds)
    assert histogram.below([-61, -41, -21, -1]) == [1, 2, 3, 3]  # up to 1, 10, 100 ms and 1 s


def test_what_processes_counted_adds_up():
    both, one, other = Timings(), Timings(), Timings()
    for timings, seconds in ((one, 0.1), (other, 0.2), (other, 0.4)):
        timings.add("Overview", "refresh", seconds)
        timings.add(STAGE, "predict", seconds / 2)
        both.add("Overview", "refresh", seconds)
        both.add(STAGE, "predict", seconds / 2)
    merged = Timings(json.loads(json.dumps(one.to_json())))
    merged.merge(Timings(json.loads(json.dumps(other.to_json()))))
    assert merged.rows() == both.rows()
    assert merged.stages()["predict"].total == pytest.approx(0.35)


def test_rows_are_views_with_the_callbacks_of_the_opened_one_then_stages():
    timings = Timings()
    for group, name, seconds in (("System", "poll", 0.01), ("System", "refresh", 0.5), ("Overview", "poll", 0.1)):
        timings.add(group, name, seconds)
    timings.add(STAGE, "predict", 1.0)
    assert [(row.group, row.name, row.count) for row in timings.rows("System")] == [
        ("Overview", "", 1),
        ("System", "", 2),
        ("System", "refresh", 1),
        ("System", "poll", 1),
        (STAGE, "predict", 1),
    ]


def test_a_stage_is_counted_also_where_it_fails_and_from_threads():
    @stage("test of a stage")
    def work(size):
        return 1 / size

    with pytest.raises(ZeroDivisionError):
        work(0)
    threads = [threading.Thread(target=work, args=[1]) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert TIMINGS.stages()["test of a stage"].count == 9
