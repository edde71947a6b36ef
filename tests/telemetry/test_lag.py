from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest

from tests.conftest import wave_channel
from workbench.exceptions import ChannelNotFoundError
from workbench.telemetry.archive import Archive
from workbench.telemetry.lag import LAG_COLUMNS, LagReader
from workbench.telemetry.schema import make_channel

NOW = datetime(2026, 1, 3, tzinfo=UTC)


def dated(minutes, seed=0):
    time = np.datetime64("2026-01-01") + np.asarray(minutes) * np.timedelta64(60, "s")
    values = np.random.default_rng(seed).random(len(minutes))
    return make_channel(values, time=time, channel="D-1", asset="Pump", sample_period="PT1M")


@pytest.fixture
def archive(tmp_path):
    archive = Archive(tmp_path / "archive.zarr")
    archive.write(wave_channel("X-1"), wave_channel("X-1", 3000, 1))
    archive.write(dated(range(100)), dated([*range(50), *range(60, 90), *range(95, 120)]))
    return archive


def test_lag_and_gaps_are_those_of_the_test_series(archive):
    table = LagReader(archive).read(["D-1", "X-1"], NOW).set_index("channel")
    assert list(table.reset_index().columns) == list(LAG_COLUMNS)
    row = table.loc["D-1"]
    assert row["newest"] == pd.Timestamp("2026-01-01 01:59", tz="UTC")
    assert row["lag"] == (NOW - row["newest"]).total_seconds()
    assert (row["gaps"], row["missed"]) == (2, 15)
    undated = table.loc["X-1"]
    assert pd.isna(undated["newest"])
    assert np.isnan(undated["lag"])
    assert undated["gaps"] == 0
    assert table["scored_at"].isna().all()


def test_the_newest_score_is_told(archive):
    scored = dated(range(10))[["telemetry"]]
    for key, time in (("ridge.paper", "2026-01-02T10:00:00+00:00"), ("lstm.paper", "2026-01-02T09:00:00+00:00")):
        archive.write_scores("D-1", key, scored.assign_attrs(scored_at=time, anomalies="[]", model="m"))
    table = LagReader(archive).read(["D-1"], NOW)
    assert table["scored_at"][0] == pd.Timestamp("2026-01-02 10:00", tz="UTC")


def test_a_series_is_read_again_when_it_has_changed_and_not_before(archive, monkeypatch):
    reader = LagReader(archive)
    reader.read(["D-1"], NOW)
    with monkeypatch.context() as patch:
        patch.setattr(archive, "open", None)
        assert reader.read(["D-1"], NOW)["gaps"][0] == 2
    archive.write(dated(range(100)), dated(range(200)))
    table = reader.read(["D-1"], NOW)
    assert (table["gaps"][0], table["newest"][0]) == (0, pd.Timestamp("2026-01-01 03:19", tz="UTC"))


def test_no_channels_give_an_empty_table_and_an_unknown_one_an_error(archive):
    assert LagReader(archive).read([], NOW).empty
    with pytest.raises(ChannelNotFoundError, match="'Z-9'"):
        LagReader(archive).read(["Z-9"], NOW)
