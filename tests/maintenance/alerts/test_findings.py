import numpy as np
import pandas as pd
import xarray as xr

from tests.conftest import wave_channel
from workbench.detection.persistence import PersistenceForecaster
from workbench.detection.scoring import anomaly_frame, whole_words
from workbench.detection.scoring import score as score_channel
from workbench.maintenance.alerts.findings import anomaly_findings, limit_findings
from workbench.maintenance.options import AlertOptions
from workbench.parameters import SeverityLevels, TelemanomParams
from workbench.telemetry.catalog import Limits
from workbench.telemetry.schema import make_channel


def score(n, peak_at):
    smoothed = np.full(n, 0.02)
    smoothed[peak_at - 250 : peak_at - 200] = 0.31
    series = {name: ("time", smoothed) for name in ("smoothed_error", "prediction_error")}
    series["epsilon"] = ("time", np.full(n, 0.1))
    return xr.Dataset(series, {"sample": ("time", np.arange(250, 250 + n))}, {"model": "X-1.ridge/1"})


def test_an_anomaly_says_what_was_exceeded_and_by_how_much():
    channel = wave_channel(n=1200)
    anomalies = pd.DataFrame(
        {"start": [600, 1100], "end": [700, 1189], "severity": [3.0, 1.0], "level": ["low", "info"]}
    )
    first, last = anomaly_findings(channel, score(940, 650), anomalies)
    assert (first.value, first.threshold, first.ongoing, first.kind) == (0.31, 0.1, False, "model")
    assert first.message == (
        "X-1 left its forecast at sample 650: the smoothed error reached 0.31, 3.1 times epsilon, 0.1 (X-1.ridge/1)."
    )
    assert last.ongoing
    assert "suspiciously well" in last.message
    assert (first.first_at, first.evidence_at) == (600, 650)
    assert (last.first_at, last.evidence_at) == (1100, None), "low errors reach nothing"


def test_a_sensor_that_stays_frozen_is_not_back_to_normal():
    """Noise for 700 samples, then the last value for ever: the event ends at its cap, the silence does not.

    Steps are 0.1 and more, so that sample 700 is the first without one; the count is that of the samples from it on.
    """
    values = np.random.default_rng(3).permutation(np.arange(1200) / 10)
    values[700:] = values[699]
    moves = values.copy()
    moves[1150] += 5
    train = make_channel(np.random.default_rng(4).permutation(np.arange(1200) / 10), channel="X-1", asset="X")
    params = TelemanomParams(envelope="fixed", sequence_length=250, prediction_horizon=10)
    outcomes = {}
    for name, series in (("frozen", values), ("moves", moves)):
        test = make_channel(series, channel="X-1", asset="X")
        scored = score_channel(test, [PersistenceForecaster(sequence_length=250).fit(train)], params, train)
        scored.attrs["model"] = "X-1.persistence/1"
        table = anomaly_frame(scored.attrs, SeverityLevels())
        found = next(one for one in anomaly_findings(test, scored, table) if one.start_sample >= 700)
        whole = whole_words(table, scored.attrs, lambda test=test: test)["words"]
        outcomes[name] = found.ongoing, [words for words in whole if words and words in found.message]
        assert found.end_sample < 1100, "its events end after 100 samples"
        assert found.evidence_at >= 700
    assert outcomes["frozen"][0] is True
    assert outcomes["frozen"][1][0].startswith("unchanged for 500 samples, where the longest time")
    assert outcomes["moves"][0] is False
    assert outcomes["moves"][1][0].startswith("unchanged for 450 samples, where the longest time")


def test_a_limit_says_which_side_and_how_far():
    channel = wave_channel(n=1200, spike=500)
    channel.attrs["units"] = "V"
    (finding,) = limit_findings(channel, Limits(warning_high=1.0, critical_high=1.8), AlertOptions())
    assert (finding.start_sample, finding.end_sample, finding.level, finding.source) == (
        500,
        539,
        "critical",
        "critical high",
    )
    assert finding.message.startswith("X-1 went above its critical high limit at sample 500: ")
    assert finding.message.endswith(f"{finding.value - 1.8:.3g} V beyond 1.8 V.")
    times = pd.date_range("2026-01-01", periods=1200, freq="min").values.astype("datetime64[ns]")
    (dated,) = limit_findings(channel.assign_coords(time=times), Limits(warning_high=1.0), AlertOptions())
    assert dated.level == "medium"
    assert dated.start_time is not None
    assert dated.start_time.isoformat() == "2026-01-01T08:20:00+00:00"
    assert "at 2026-01-01 08:20 UTC" in dated.message
