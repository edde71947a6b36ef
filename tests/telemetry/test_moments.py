import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.telemetry.moments import moment_at, moment_text, read_moment, row_at, rows_between, ticks

MAY = pd.date_range("2024-05-01", periods=100, freq="5min").values.astype("datetime64[ns]")


def test_rows_follow_their_times_into_another_export():
    first, last = ticks(MAY)[[40, 50]]
    assert rows_between(MAY, "time", first, last) == (40, 50)
    assert rows_between(MAY[30:], "time", first, last) == (10, 20)
    assert rows_between(MAY[45:], "time", first, last) == (0, 5), "what the export still holds"
    assert rows_between(MAY[60:], "time", first, last) is None
    assert rows_between(MAY + np.timedelta64(31, "D"), "time", first, last) is None


def test_a_moment_of_one_clock_is_none_of_the_other():
    assert rows_between(np.arange(100), "time", 40, 50) is None
    assert rows_between(MAY, "sample", 40, 50) is None
    assert rows_between(np.arange(1000, 1100), "sample", 1040, 1050) == (40, 50)


@given(st.integers(0, 2**61))
def test_a_moment_comes_back_from_its_text_to_the_nanosecond(tick):
    stamp = pd.Timestamp(tick, tz="UTC")
    assert read_moment(moment_text(stamp)) == stamp
    assert read_moment(moment_text(stamp)).value == tick
    assert read_moment(moment_text(tick % 10**12)) == tick % 10**12


@pytest.mark.parametrize("text", ["first", "", "--3", "1.5", "1" * 13, "NaT"])
def test_what_is_no_moment_is_refused(text):
    with pytest.raises(ValueError, match="neither the number of a sample nor a time"):
        read_moment(text)


def test_the_row_of_a_moment_is_the_next_one_or_the_last():
    assert row_at(MAY, pd.Timestamp("2024-05-01T00:09", tz="UTC")) == 2
    assert row_at(MAY, pd.Timestamp("2025-01-01", tz="UTC")) == 99
    assert row_at(MAY, 7) == 7, "a link of the first release holds the row"
    assert row_at(np.arange(500, 600), 507) == 7
    assert row_at(np.arange(500, 600), pd.Timestamp("2025-01-01", tz="UTC")) == 0
    assert (moment_at(MAY, 1), moment_at(np.arange(500, 600), 1)) == (pd.Timestamp("2024-05-01T00:05", tz="UTC"), 501)
