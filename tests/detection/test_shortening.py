"""A score whose first samples were removed goes on with the bits of the score of the whole."""

import json
from functools import partial

import numpy as np
import pytest
import xarray as xr

from tests.detection.test_continuing import PRESETS, joined, small_lstm, wave
from workbench.detection.continuing import continue_score
from workbench.detection.envelope import AnomalyRow, anomaly_rows
from workbench.detection.ridge import RidgeForecaster
from workbench.detection.scoring import score
from workbench.detection.shortening import needed_samples, shortened

N, FIRST_END = 13_000, 11_000


def without_first(earlier: xr.Dataset, samples: int) -> xr.Dataset:
    """Return a score as it is stored once the first samples of its series are removed."""
    left = earlier.isel(time=slice(int(np.searchsorted(earlier["sample"].values, samples)), None))
    left = left.assign_coords(sample=left["sample"] - samples)
    return left.assign_attrs(shortened(earlier.attrs, samples))


def before_anomalies(rows: list[list[float]], cut: int) -> int:
    """Return a cut at or before another one that falls into no anomaly."""
    while any(start < cut <= end for start, end, *_ in rows):
        cut -= 1
    return cut


def rows_of(scored: xr.Dataset, name: str) -> list[AnomalyRow]:
    return anomaly_rows({"anomalies": scored.attrs[name]})


def back(by: int, start: int, end: int) -> tuple[int, int] | None:
    return (start - by, end - by) if start >= by else None


@pytest.mark.slow
@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("kinds", [("ridge",), ("forgets",), ("remembers",), ("ridge", "forgets")])
def test_it_goes_on_as_if_nothing_were_removed(kinds, preset):
    """At cuts near the beginning, and at the last one that is allowed, in one step or in two."""
    params, train, whole = PRESETS[preset], wave(1200, 1), wave(N, 2, dated=True)
    forecasters = [RidgeForecaster().fit(train) if kind == "ridge" else small_lstm(train, kind) for kind in kinds]
    expected = score(whole, forecasters, params, train)
    first = score(whole.isel(time=slice(0, FIRST_END)), forecasters, params, train)
    first.attrs["parameters"] = json.dumps(params.model_dump())
    rows = json.loads(first.attrs["anomalies"])
    needed = needed_samples(first.attrs)
    assert len(rows) > 3
    assert needed is not None
    assert needed > 2000
    for cuts in ((17,), (255, 1777), (1501, needed)):
        earlier, removed = first, 0
        for cut in cuts:
            cut = before_anomalies(rows, cut)
            earlier, removed = without_first(earlier, cut - removed), cut
        continuation = continue_score(whole.isel(time=slice(removed, None)), forecasters, params, train, earlier)
        assert continuation.keep > 0
        found = joined(earlier, continuation)
        behind = expected.isel(time=slice(expected.sizes["time"] - found.sizes["time"], None))
        assert int(behind["sample"][0]) == max(removed, int(expected["sample"][0]))
        for name in ("prediction", "prediction_error", "smoothed_error", "epsilon", "time"):
            np.testing.assert_array_equal(found[name].values, behind[name].values, err_msg=name)
        np.testing.assert_array_equal(found["sample"].values + removed, behind["sample"].values)
        for name in ("anomalies", "forecast_anomalies"):
            if name in expected.attrs:
                shifted = [row.placed(partial(back, removed)) for row in rows_of(expected, name)]
                assert rows_of(found, name) == [row for row in shifted if row is not None]
        for name in ("final_samples", "least_error_range"):
            assert found.attrs[name] + (removed if name == "final_samples" else 0) == expected.attrs[name]
