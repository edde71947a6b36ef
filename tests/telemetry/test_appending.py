"""Series of one channel as one: what is added, equal, completed and contradicted, against dictionaries as an oracle."""

import numpy as np
import pytest
import xarray as xr

from workbench.telemetry.appending import difference, label_runs, make_series, merge, unfilled
from workbench.telemetry.schema import make_channel

START = np.datetime64("2024-03-01T00:00", "ns")
NAN = float("nan")


def series(minutes, values=None, commands=None, names=("speed",), kinds=None, **attributes: str) -> xr.Dataset:
    time = START + np.asarray(minutes) * np.timedelta64(1, "m")
    numbers = np.asarray(minutes, dtype="f4") if values is None else np.asarray(values, dtype="f4")
    inputs = np.zeros((len(time), len(names))) if commands is None else np.asarray(commands)
    labels = None if kinds is None else np.asarray(kinds, dtype=object)
    about = {"channel": "T", "asset": "A", "units": "", **attributes}
    return make_series(numbers, inputs, time, list(names), labels, **about)


def counts(merged, place: int) -> tuple[int, int, int, int]:
    one = merged.contributions[place]
    return one.added, one.equal, one.completed, one.conflicting


def test_later_earlier_and_late_samples_find_their_place() -> None:
    merged = merge([series([10, 11, 15]), series([14, 15, 16]), series([1, 12])])
    minutes = (merged.series["time"].values - START) // np.timedelta64(1, "m")
    assert minutes.tolist() == [1, 10, 11, 12, 14, 15, 16]
    assert merged.series["telemetry"].values.tolist() == minutes.tolist()
    assert [counts(merged, place) for place in range(3)] == [(3, 0, 0, 0), (2, 1, 0, 0), (2, 0, 0, 0)]


def test_a_contradiction_is_counted_and_its_first_example_named() -> None:
    parts = [series([0, 1, 2], [5, 6, 7]), series([1, 2, 3], [6, 9, 8])]
    kept, replaced = merge(parts, "keep"), merge(parts, "replace")
    assert kept.series["telemetry"].values.tolist() == [5, 6, 7, 8]
    assert replaced.series["telemetry"].values.tolist() == [5, 6, 9, 8]
    assert counts(kept, 1) == (1, 1, 0, 1)
    assert kept.contributions[1].example == "at 2024-03-01 00:02:00 UTC: 9 instead of 7"
    other = merge([series([0], commands=[[1]]), series([0], commands=[[2]])])
    assert other.contributions[1].example == "at 2024-03-01 00:00:00 UTC: the input speed is 2 instead of 1"


def test_a_value_completes_a_missing_one_and_contradicts_nothing() -> None:
    for parts in ([[1, NAN, 3], [1, 2, NAN]], [[1, 2, NAN], [1, NAN, 3]]):
        merged = merge([series([0, 1, 2], part) for part in parts])
        assert merged.series["telemetry"].values.tolist() == [1, 2, 3]
        assert counts(merged, 1) == (0, 2, 1, 0)


def test_many_series_against_a_dictionary() -> None:
    random = np.random.default_rng(5)
    for on_conflict in ("keep", "replace"):
        for _ in range(50):
            parts, oracle = [], {}
            for _ in range(int(random.integers(2, 6))):
                minutes = np.sort(random.choice(30, int(random.integers(1, 20)), replace=False))
                values = random.choice([1.0, 2.0, NAN], len(minutes))
                parts.append(series(minutes, values))
                for minute, value in zip(minutes.tolist(), values.tolist(), strict=True):
                    before = oracle.get(minute, NAN)
                    wins = before != before or (on_conflict == "replace" and value == value)
                    oracle[minute] = value if wins else before
            merged = merge(parts, on_conflict)
            minutes = ((merged.series["time"].values - START) // np.timedelta64(1, "m")).tolist()
            assert minutes == sorted(oracle)
            np.testing.assert_array_equal(merged.series["telemetry"].values, [oracle[minute] for minute in minutes])
            for part, one in zip(parts, merged.contributions, strict=True):
                assert one.added + one.equal + one.completed + one.conflicting == part.sizes["time"]


def test_a_word_that_one_series_lacks_is_off_in_it() -> None:
    first = series([0, 1], commands=[[1, 0], [0, 1]], names=("mode=off", "mode=on"))
    second = series([2, 3], commands=[[1], [NAN]], names=("mode=idle",))
    without = series([4], commands=[[NAN]], names=("mode",))
    assert difference(first, second) == difference(first, without) == ""
    merged = merge([first, second, without]).series
    assert merged["command"].values.tolist() == ["mode=idle", "mode=off", "mode=on"]
    expected = [[0, 1, 0], [0, 0, 1], [1, 0, 0], [NAN] * 3, [NAN] * 3]
    np.testing.assert_array_equal(merged["commands"].values, expected)


@pytest.mark.parametrize(
    ("incoming", "says"),
    [
        (series(range(20), units="K"), "is in K, what is there in bar"),
        (series(range(20), units="bar", names=("load",)), "has the inputs load, what is there has speed"),
        (series(range(20), names=("speed=a",)), "has words in the input speed, what is there has numbers"),
        (series(range(100, 300, 10)), "has a sample every 00:10:00, what is there one every 00:01:00"),
        (series(range(20)).assign_coords(time=np.arange(20.0)), "has sample numbers, what is there has times"),
    ],
)
def test_what_does_not_go_together_is_said(incoming: xr.Dataset, says: str) -> None:
    assert difference(series(range(30), units="bar"), incoming) == says


def test_other_steps_inside_of_a_series_or_without_a_rule_are_no_difference() -> None:
    present = series(range(100))
    assert difference(present, series(range(0, 100, 5))) == "", "they lie inside of what is there"
    assert difference(present, series(np.cumsum(np.arange(1, 40)) + 100)) == ""
    assert difference(present, series([200, 300, 400])) == "", "too few to tell"


def test_labels_stay_at_their_samples_and_grow_together() -> None:
    first = series([0, 2, 4, 6], kinds=["", "leak", "leak", ""])
    late = series([1, 3, 5, 8], kinds=["", "", "leak", "stuck"])
    assert label_runs(merge([first, late]).series) == [(2, 2, "leak"), (4, 5, "leak"), (7, 7, "stuck")]
    assert label_runs(merge([first, series([1, 3, 5, 8])]).series) == [(2, 4, "leak")], "3 lies inside of the anomaly"
    known = merge([series([0, 1]), series([2], kinds=[""])]).series
    assert label_runs(known) == [] and "labels" in known
    assert "labels" not in merge([series([0]), series([1])]).series


def test_what_was_filled_is_missing_again() -> None:
    stored = make_channel([1, 2, 3], [[1], [1], [0]], channel="T", asset="A")
    masks = {"missing": ("time", np.array([0, 1, 0], "i1"))}
    masks["missing_commands"] = (("time", "command"), np.array([[0], [1], [0]], "i1"))
    raw = unfilled(stored.assign(masks))
    np.testing.assert_array_equal(raw["telemetry"].values, [1, NAN, 3])
    np.testing.assert_array_equal(raw["commands"].values, [[1], [NAN], [0]])
    assert unfilled(stored)["telemetry"].values.tolist() == [1, 2, 3]
