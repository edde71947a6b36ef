"""A series with long gaps is judged as if each stretch between two of them were all there is."""

import json
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import naive
from tests.detection.test_continuing import PRESETS, check_cuts, small_lstm, wave
from tests.detection.test_incremental import ALL, SHORT, Arrays, series
from tests.detection.test_shortening import before_anomalies, without_first
from workbench.detection.anomalies import detect
from workbench.detection.continuing import continue_score
from workbench.detection.envelope import MARGINS, EnvelopeStream, fit_envelope
from workbench.detection.envelope.course import follows_training, judge_envelope
from workbench.detection.explanation import explain
from workbench.detection.forecasters import Forecaster
from workbench.detection.incremental import Ending, Row, Standing
from workbench.detection.persistence import PersistenceForecaster
from workbench.detection.ridge import RidgeForecaster
from workbench.detection.scoring import anomalies_to_alert, provenance, score
from workbench.detection.shortening import needed_samples
from workbench.detection.streaming import StreamingDetector
from workbench.detection.stretches import judge_on
from workbench.exceptions import DetectionError
from workbench.parameters import SeverityLevels, TelemanomParams
from workbench.telemetry.breaks import break_rows, usual_step
from workbench.telemetry.schema import inputs, make_channel

HOUR = np.timedelta64(1, "h")
LONGEST_S = 600.0  # samples are a minute apart


def with_outages(channel: xr.Dataset, rows: Sequence[int], hours: int = 5) -> xr.Dataset:
    """Put hours between a row and the one before it."""
    time = channel["time"].values.copy()
    for row in rows:
        time[row:] += hours * HOUR
    return channel.assign_coords(time=time)


def lively(n: int = 9000, seed: int = 2) -> xr.Dataset:
    """A wave with bursts, some of them beside where the tests have their breaks."""
    channel = wave(n, seed, dated=True)
    telemetry, random = channel["telemetry"].values, np.random.default_rng(seed)
    for start in (1200, 2700, 3060, 3900, 5200, 5970, 6600, 7900, 8700):
        if start < n:
            size = len(telemetry[start : start + 35])
            telemetry[start : start + size] += random.choice([25, -40]) * random.random(size).astype(np.float32)
    return channel


def broken(params: TelemanomParams) -> TelemanomParams:
    return params.model_copy(update={"max_gap_seconds": LONGEST_S})


def rows_of(scored: xr.Dataset) -> list[list[object]]:
    return json.loads(scored.attrs["anomalies"])


@settings(max_examples=60)
@given(seed=st.integers(0, 2**32 - 1), longest=st.floats(0.5, 40), missing=st.floats(0, 0.9), dated=st.booleans())
def test_breaks_are_those_of_the_definition(seed: int, longest: float, missing: float, dated: bool) -> None:
    random = np.random.default_rng(seed)
    n = int(random.integers(1, 200))
    moments = np.cumsum(random.integers(1, 12, n))
    telemetry = np.where(random.random(n) < missing, np.nan, random.normal(size=n))
    time = np.datetime64("2026-01-01", "ns") + moments * np.timedelta64(1, "s") if dated else moments
    split = xr.Dataset({"telemetry": ("time", telemetry)}, {"time": time})
    expected = naive.breaks(moments.tolist(), telemetry.tolist(), longest)
    assert list(break_rows(split, longest)) == expected
    start = int(random.integers(0, n + 1))
    assert list(break_rows(split, longest, start)) == [row for row in expected if row >= start]
    assert break_rows(split, None) == ()


def test_the_usual_step_is_in_seconds() -> None:
    assert usual_step(wave(50, dated=True)) == 60
    assert usual_step(wave(50)) == usual_step(wave(1, dated=True)) + 1 == 1


@settings(max_examples=12)
@given(telemetry=series(), seed=st.integers(0, 2**32 - 1))
def test_each_stretch_is_judged_as_a_series_of_its_own(telemetry: np.ndarray, seed: int) -> None:
    random = np.random.default_rng(seed)
    telemetry = telemetry[:1500].astype(np.float64)
    breaks = sorted({int(row) for row in random.integers(1, telemetry.size, int(random.integers(1, 6)))})
    prediction = random.normal(0, 0.05, telemetry.size - SHORT.sequence_length - SHORT.prediction_horizon)
    params = SHORT.model_copy(update={"lag_correction": False})
    found = detect(telemetry, prediction, params, breaks).anomalies
    sequences, severities = naive.detect_by_stretches(telemetry, prediction, params, breaks)
    assert found[["start", "end"]].values.tolist() == [list(one) for one in sequences]
    np.testing.assert_allclose(found["severity"], severities, rtol=1e-9)


def judged(
    telemetry: np.ndarray, params: TelemanomParams, breaks: Sequence[int], standing: Standing | None = None
) -> tuple[dict[str, np.ndarray], Ending]:
    m = telemetry.size - params.sequence_length - params.prediction_horizon
    inside = [row for row in breaks if row < telemetry.size]
    *pieces, ending = judge_on(Arrays(telemetry, params, inside), m, params, standing)
    arrays = {name: np.full(m, np.nan) for name in ("error", "smoothed", "epsilon")}
    for piece in pieces:
        for name, values in arrays.items():
            values[piece.start : piece.start + piece.error.size] = getattr(piece, name)
    assert isinstance(ending, Ending)
    return arrays, ending


@pytest.mark.parametrize("params", ALL.values(), ids=ALL)
@settings(max_examples=10)
@given(telemetry=series(), seed=st.integers(0, 2**32 - 1))
def test_parts_of_a_series_with_breaks_are_the_whole(params: TelemanomParams, telemetry: np.ndarray, seed: int) -> None:
    random = np.random.default_rng(seed)
    n, length, around = telemetry.size, params.sequence_length, params.sequence_length + params.prediction_horizon
    breaks = sorted({int(row) for row in random.integers(1, n, int(random.integers(1, 5)))})
    whole = detect(telemetry, np.zeros(n - around), params, breaks)
    arrays, ending = judged(telemetry, params, breaks)
    for name, values in (
        ("error", whole.prediction_error),
        ("smoothed", whole.smoothed_error),
        ("epsilon", whole.epsilon),
    ):
        np.testing.assert_array_equal(arrays[name], values, err_msg=name)
    expected = [Row(int(a) - length, int(b) - length, severity) for a, b, severity in whole.anomalies.to_numpy()]
    assert list(ending.rows) == expected
    near = [row + int(shift) for row in breaks for shift in random.integers(-30, 30, 1)]
    cuts = sorted({*random.integers(around + 1, n, 4).tolist(), *(cut for cut in near if around < cut < n)})
    standing, certain = None, []
    for cut in [*cuts, n]:
        arrays, part = judged(telemetry[:cut], params, breaks, standing)
        own = detect(telemetry[:cut], np.zeros(cut - around), params, [row for row in breaks if row < cut])
        begin = 0 if standing is None else standing.judged(params)
        np.testing.assert_array_equal(arrays["epsilon"][begin:], own.epsilon[begin:])
        assert [(row.start + length, row.end + length) for row in part.rows] == [
            (int(a), int(b)) for a, b, _ in own.anomalies.to_numpy()
        ]
        for row in certain:  # what was final is never changed, and none comes between
            assert row in expected
        certain = [row for row in part.complete_rows if row.end < part.final]
        assert certain == [row for row in expected if row.end < part.final]
        last = max((row for row in breaks if row < cut), default=0)
        assert part.complete <= cut - around
        if last > around:
            assert part.complete >= last - around + 1  # the sample behind the break is decided, too
        standing = part.standing and Standing.from_text(part.standing.to_text(), list(part.rows))
    assert part.rows == ending.rows and part.complete_rows == ending.complete_rows
    assert (part.standing and part.standing.to_text()) == (ending.standing and ending.standing.to_text())


def stretches_alone(
    channel: xr.Dataset,
    forecasters: Sequence[Forecaster],
    params: TelemanomParams,
    train: xr.Dataset,
    breaks: Sequence[int],
) -> list[list[float]]:
    rows = []
    around = params.sequence_length + params.prediction_horizon
    for start, end in pairwise([0, *breaks, channel.sizes["time"]]):
        if end - start > around:
            own = score(channel.isel(time=slice(start, end)), forecasters, params, train)
            rows += [[row[0] + start, row[1] + start, row[2]] for row in rows_of(own)]
    return rows


@pytest.mark.parametrize("preset", PRESETS)
def test_a_score_with_breaks_is_that_of_its_stretches(preset: str) -> None:
    train, plain = wave(1200, 1, dated=True), lively()
    breaks = (90, 3100, 3200, 6000, 8850)  # two of the stretches are too short for a window
    channel = with_outages(plain, breaks)
    forecasters = [PersistenceForecaster().fit(train)]
    params = PRESETS[preset].model_copy(update={"envelope": "none"})
    scored = score(channel, forecasters, broken(params), train)
    expected = stretches_alone(channel, forecasters, params, train, breaks)
    assert rows_of(scored) == expected and expected != rows_of(score(channel, forecasters, params, train))
    error = scored["prediction_error"].values
    for row in breaks:
        warming_up = slice(max(0, row - 260), row)  # of the errors: those of the samples around the break
        assert np.isnan(error[warming_up]).all()
    assert np.isfinite(error[3200]) and np.isfinite(error[6000])


def test_what_lies_before_a_break_does_not_matter() -> None:
    train, plain = wave(1200, 1, dated=True), lively(7000)
    other = plain.assign(telemetry=plain["telemetry"].copy())
    other["telemetry"].values[:3000] = np.random.default_rng(9).normal(0, 0.3, 3000)
    scores = [
        score(with_outages(one, [3000]), [RidgeForecaster().fit(train)], broken(PRESETS["paper"]), train)
        for one in (plain, other)
    ]
    for name in ("prediction_error", "smoothed_error", "epsilon"):
        first, second = (one[name].values[3000:] for one in scores)
        np.testing.assert_array_equal(first, second)
    first, second = ([row for row in rows_of(one) if row[0] >= 3000] for one in scores)
    assert first == second and first


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("kinds", [("ridge",), ("persistence",), ("forgets",), ("remembers",), ("ridge", "forgets")])
def test_parts_of_a_score_with_breaks_are_the_whole(kinds: tuple[str, ...], preset: str) -> None:
    train, plain = wave(1200, 1, dated=True), lively(7000)
    forecasters: list[Forecaster] = []
    for kind in kinds:
        simple = {"ridge": RidgeForecaster, "persistence": PersistenceForecaster}
        forecasters.append(simple[kind]().fit(train) if kind in simple else small_lstm(train, kind))
    random = np.random.default_rng(len(kinds) + len(preset))
    for round_number in range(3):
        breaks = sorted({int(row) for row in random.integers(1, 7000, 1 + 2 * round_number)})
        channel = with_outages(plain, breaks)
        telemetry = channel["telemetry"].values.copy()
        for row in breaks:  # some gaps begin, or end, with samples that have no value
            telemetry[max(0, row - int(random.integers(0, 40))) : row + int(random.integers(0, 40))] = np.nan
        channel = channel.assign(telemetry=("time", telemetry, channel["telemetry"].attrs))
        near = [row + int(shift) for row in breaks for shift in random.integers(-20, 50, 2)]
        cuts = {*random.integers(300, 7000, 4).tolist(), *(cut for cut in near if 300 < cut < 7000)}
        check_cuts(channel, forecasters, broken(PRESETS[preset]), train, sorted(cuts))


@settings(max_examples=25)
@given(seed=st.integers(0, 2**32 - 1), follows=st.booleans(), margins=st.sampled_from(sorted(MARGINS)))
def test_the_envelope_begins_anew_behind_a_break(seed: int, follows: bool, margins: str) -> None:
    random = np.random.default_rng(seed)
    train, test = random.normal(0, 1, 600), random.normal(0, 1, 2200)
    for start in random.integers(0, 2200, 5):
        test[start : start + int(random.integers(1, 120))] += random.choice([3, 8, -12])
    test[random.random(2200) < 0.05] = np.nan
    stuck = int(random.integers(0, 2000))
    test[stuck : stuck + 170] = 0.5
    there = np.flatnonzero(~np.isnan(test))
    breaks = sorted({int(there[one]) for one in random.integers(1, there.size, int(random.integers(1, 4)))})
    envelope = fit_envelope(train, margins)
    found = envelope.find(test, follows_training=follows, breaks=breaks)
    rules = {kind: getattr(MARGINS[margins], kind) for kind in ("core", "count", "log")}
    naive_margins = {kind: (one.kappa, one.theta, one.floor) for kind, one in rules.items()}
    expected = naive.envelope_events(train.tolist(), test.tolist(), follows, naive_margins, breaks)
    assert sorted((one.start, one.end, one.feature) for one in found) == sorted(one[:3] for one in expected)

    one_by_one, ended = EnvelopeStream(envelope, follows_training=follows), []
    for row, value in enumerate(test.tolist()):
        if row in breaks:
            ended += one_by_one.begin_anew()
        ended += one_by_one.update(value).ended
        if row % 397 == 0 or row - 1 in breaks:
            state = json.loads(json.dumps(one_by_one.state()))
            one_by_one = EnvelopeStream.restored(envelope, state)
    ended += one_by_one.open_events
    key = lambda event: (event.start, event.feature)  # noqa: E731
    assert sorted(ended, key=key) == sorted(found, key=key)


def test_no_step_over_a_break_is_a_step() -> None:
    telemetry = np.sin(np.arange(3000) / 9.0)
    telemetry[2000:] += 2.0
    time = np.datetime64("2026-01-01", "ns") + np.arange(3000) * np.timedelta64(1, "m")
    whole = make_channel(telemetry, time=time, channel="X-1", asset="X")
    train, test = whole.isel(time=slice(0, 1000)), with_outages(whole.isel(time=slice(1000, None)), [1000])
    params = TelemanomParams(envelope="fixed")
    features = [
        {(event.feature, event.start) for event in judge_envelope(test, train, one).events}
        for one in (params, broken(params))
    ]
    assert ("step", 1000) in features[0]
    assert not any(feature == "step" for feature, _ in features[1])


def test_a_test_series_behind_a_break_does_not_follow_its_training() -> None:
    whole = with_outages(wave(3000, 1, dated=True), [400, 1000])  # such a gap is usual in training
    train, test = whole.isel(time=slice(0, 1000)), whole.isel(time=slice(1000, None))
    assert follows_training(train, test) and not follows_training(train, test, LONGEST_S)
    joined = with_outages(wave(3000, 1, dated=True), [400])
    parts = joined.isel(time=slice(0, 1000)), joined.isel(time=slice(1000, None))
    assert follows_training(*parts, LONGEST_S)
    parts[1]["telemetry"].values[:20] = np.nan
    assert not follows_training(*parts, LONGEST_S)


def test_the_training_of_an_envelope_does_not_reach_across_a_break() -> None:
    train = np.tile([0.0, 1.0], 400)
    train[400:] += 50
    assert fit_envelope(train).records["step"].record == 49  # from 1 to 50
    parted = fit_envelope(train, breaks=[400])
    assert parted.records["step"].record == 1
    assert parted.records["spread20"].record == fit_envelope(train[400:]).records["spread20"].record
    assert (parted.least, parted.greatest) == (0, 51)


def test_training_does_not_reach_across_a_break() -> None:
    plain = wave(1500, 3, dated=True)
    other = plain.assign(telemetry=plain["telemetry"] + np.where(np.arange(1500) < 700, 0, 40).astype(np.float32))
    train = with_outages(other, [700])
    reaching = range(700 - 50, 700)
    seen: dict[float | None, set[int]] = {}

    class Spy(RidgeForecaster):
        def _fit(self, training):  # type: ignore[no-untyped-def]
            seen[self.max_gap_seconds] = {*training.learned.tolist(), *training.held_out.tolist()}
            return super()._fit(training)

    for longest in (None, LONGEST_S):
        fitted = Spy(sequence_length=50, prediction_horizon=5, max_gap_seconds=longest).fit(train)
        assert fitted.parameters.get("max_gap_seconds") == longest
    assert seen[None] & set(reaching) == set(reaching)
    assert seen[None] - seen[LONGEST_S] == set(range(700 - 50 - 5 + 1, 700))


def test_a_stream_begins_anew_behind_a_break() -> None:
    small = {"sequence_length": 20, "prediction_horizon": 3}
    params = TelemanomParams(batch_size=20, window_size=15, error_buffer=10, smoothing_fraction=0.02, **small)
    params = params.model_copy(update={"max_gap_seconds": LONGEST_S, "envelope": "fixed"})
    train = wave(900, 1, dated=True)
    channel = with_outages(wave(900, 4, dated=True), [480])
    forecaster = RidgeForecaster(**small).fit(train)
    values, moments = inputs(channel), pd.DatetimeIndex(channel["time"].values, tz="UTC")

    def decisions(first: int) -> list[tuple[float, ...]]:
        detector = StreamingDetector(forecaster, params)
        pairs = zip(values[first:], moments[first:], strict=True)
        some = [detector.push(value, moment) for value, moment in pairs]
        return [(one.prediction, one.prediction_error, one.smoothed_error, one.epsilon) for one in some]

    whole, alone = decisions(0), decisions(480)
    np.testing.assert_array_equal(whole[480:], alone)
    assert np.isnan(np.array(whole)[480:500]).all() and np.isfinite(np.array(whole)[500:, :3]).all()

    scored = score(channel, [forecaster], params, train)
    batch = scored["prediction_error"].values
    np.testing.assert_array_equal(np.isnan(batch[460:480]), True)
    np.testing.assert_allclose([one[1] for one in whole[500:880]], batch[480:860], rtol=1e-4, atol=1e-6)


def test_a_stream_and_the_series_exceed_the_envelope_at_the_same_samples() -> None:
    params = TelemanomParams(sequence_length=20, prediction_horizon=3, envelope="fixed", max_gap_seconds=LONGEST_S)
    train, channel = wave(900, 1, dated=True), with_outages(lively(1800), [480, 900])
    forecaster = PersistenceForecaster(sequence_length=20, prediction_horizon=3).fit(train)
    detector = StreamingDetector(forecaster, params, train)
    moments = pd.DatetimeIndex(channel["time"].values, tz="UTC")
    begun = set()
    for value, moment in zip(inputs(channel), moments, strict=True):
        begun |= {(event.start, event.feature) for event in detector.push(value, moment).exceeded}
    assert begun == {(event.start, event.feature) for event in judge_envelope(channel, train, params).events}
    assert begun


def test_a_channel_that_grows_raises_what_a_break_has_closed_and_nothing_of_the_warm_up() -> None:
    train, plain = wave(1200, 1, dated=True), wave(6000, 2, dated=True)
    plain["telemetry"].values[3960:3990] += 30
    plain["telemetry"].values[4900:4930] += 30
    channel = with_outages(plain, [4000])
    params = broken(PRESETS["paper"])
    forecasters = [PersistenceForecaster().fit(train)]

    def alerted(n: int) -> tuple[int | None, list[tuple[int, int]]]:
        scored = score(channel.isel(time=slice(0, n)), forecasters, params, train)
        scored.attrs["grows"] = 1
        last, frame = anomalies_to_alert(scored, SeverityLevels())
        return last, list(frame[["start", "end"]].itertuples(index=False, name=None))

    def at(rows: list[tuple[int, int]], sample: int) -> bool:
        return any(start <= sample <= end for start, end in rows)

    assert not at(alerted(4000)[1], 3970)  # its error window is not complete yet
    last, rows = alerted(4001)
    assert at(rows, 3970) and last is not None and 3989 <= last < 4000
    assert not at(alerted(5500)[1], 4910)  # in the first error windows behind the break
    assert alerted(5500)[1] == rows


def test_an_explanation_reads_the_stretch() -> None:
    train, plain = wave(1200, 1, dated=True), lively()
    channel = with_outages(plain, [3100, 6000])
    for name in PRESETS:
        params = broken(PRESETS[name])
        scored = score(channel, [PersistenceForecaster().fit(train)], params, train)
        table = explain(channel, scored, params, name, train=train)
        assert table[["start", "end"]].values.tolist() == [row[:2] for row in rows_of(scored)]
        found = table[table["windows"] > 0]
        bounds = [0, 3100, 6000, 9000]
        for start, window_start, window_end in found[["start", "window_start", "window_end"]].itertuples(index=False):
            stretch = int(np.searchsorted(bounds, start, side="right"))
            assert bounds[stretch - 1] + 250 <= window_start < window_end < bounds[stretch]
        assert len(found) > 3


def test_a_score_with_breaks_goes_on_where_its_first_samples_are_gone() -> None:
    params, train = broken(PRESETS["workbench"]), wave(1200, 1, dated=True)
    whole = with_outages(lively(9000), [3100, 6000, 8100])
    forecasters = [PersistenceForecaster().fit(train)]
    expected = score(whole, forecasters, params, train)
    for end, removed in ((7000, 4500), (8900, 6500)):
        first = score(whole.isel(time=slice(0, end)), forecasters, params, train)
        first.attrs["parameters"] = json.dumps(params.model_dump())
        cut = before_anomalies(json.loads(first.attrs["anomalies"]), removed)
        continuation = continue_score(
            whole.isel(time=slice(cut, None)), forecasters, params, train, without_first(first, cut)
        )
        found = [[row[0] + cut, row[1] + cut, row[2]] for row in rows_of(continuation.scored)]
        assert found == [row[:3] for row in rows_of(expected) if row[0] >= cut]
        rest = without_first(expected.assign_attrs(parameters=first.attrs["parameters"]), cut)
        table = explain(whole.isel(time=slice(cut, None)), rest, params, "workbench", train=train)
        told = table.loc[table["windows"] > 0, ["start", "end"]].values.tolist()
        behind = [row[:2] for row in rows_of(rest) if row[0] + cut >= 8100 and "envelope" not in row]
        assert behind and told[-len(behind) :] == behind


def test_retention_keeps_what_a_stretch_needs() -> None:
    params, train = broken(PRESETS["paper"]), wave(1200, 1, dated=True)
    whole = with_outages(lively(9000), [5500])
    scored = score(whole.isel(time=slice(0, 7000)), [PersistenceForecaster().fit(train)], params, train)
    scored.attrs["parameters"] = json.dumps(params.model_dump())
    needed, without = (
        needed_samples(one.attrs | {"parameters": scored.attrs["parameters"]})
        for one in (scored, score(whole, [PersistenceForecaster().fit(train)], PRESETS["paper"], train))
    )
    assert needed == 5500 - 16 * 250 - 1024
    assert without is not None and without > 1000


def test_a_longest_gap_below_the_usual_step_is_refused() -> None:
    train = wave(1200, 1, dated=True)
    params = TelemanomParams(max_gap_seconds=59)
    with pytest.raises(DetectionError, match="max_gap_seconds is 59, and X-1 has a sample every 60 seconds"):
        score(wave(3000, 2, dated=True), [PersistenceForecaster().fit(train)], params, train)
    score(wave(3000, 2, dated=True), [PersistenceForecaster().fit(train)], TelemanomParams(max_gap_seconds=60), train)


def test_scores_from_before_the_setting_stay_current() -> None:
    parameters = json.loads(provenance("X-1.ridge/1", "abc", TelemanomParams())["parameters"])
    assert "max_gap_seconds" not in parameters
    assert json.loads(provenance("X-1.ridge/1", "abc", broken(TelemanomParams()))["parameters"])["max_gap_seconds"]
