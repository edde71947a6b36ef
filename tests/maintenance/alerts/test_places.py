import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa

from workbench.maintenance.alerts.alerts import Alerts
from workbench.maintenance.alerts.places import moment_of, place_words, rows_of
from workbench.maintenance.alerts.table import ALERTS
from workbench.telemetry.schema import make_channel

TIMES = pd.date_range("2024-05-01", periods=200, freq="5min").values.astype("datetime64[ns]") + np.timedelta64(
    250, "ns"
)


def series(times=None, n=200):
    return make_channel(np.zeros(n), time=times, channel="P-1", asset="SMAP")


def as_of_the_first_release(alerts, **values):
    with alerts.database.writing() as db:
        db.execute(sa.update(ALERTS).values(**values))


@pytest.fixture
def alerts(database, finding):
    opened = Alerts(database)
    opened.raise_findings([], [finding(start_sample=40, end_sample=50)])
    return opened


def test_microseconds_become_the_nanoseconds_of_the_archive(alerts):
    first, last = (TIMES[[40, 50]].astype("datetime64[us]").view(np.int64) * 1000).tolist()
    as_of_the_first_release(alerts, clock="microsecond", first_at=first, last_at=last)
    assert rows_of(vars(alerts.get(1)), TIMES) == (40, 50)
    assert alerts.place_in(series(TIMES[10:], 190)) == 1, "whatever the rows"
    one = alerts.get(1)
    assert (one.clock, one.first_at, one.last_at) == ("time", first + 250, last + 250)
    assert alerts.unplaced() == set()
    assert alerts.place_in(series(TIMES)) == 0


@pytest.mark.parametrize(
    "other", [TIMES + np.timedelta64(31, "D"), TIMES + np.timedelta64(1, "m"), None], ids=["June", "apart", "undated"]
)
def test_times_that_the_archive_does_not_hold_stay_as_they_are(alerts, other):
    as_of_the_first_release(alerts, clock="microsecond", first_at=1714533600000000000, last_at=1714536600000000000)
    before = alerts.get(1)
    assert alerts.place_in(series(other)) == 0
    assert alerts.get(1) == before
    assert place_words(vars(before)) == "2024-05-01 03:20:00 to 2024-05-01 04:10:00 UTC"


def test_rows_become_numbers_of_samples_where_the_series_is_there(alerts):
    as_of_the_first_release(alerts, clock="row")
    assert place_words(vars(alerts.get(1))).endswith("that series is not in the archive")
    assert alerts.place_in(series(TIMES)) == 0, "that series has times"
    assert alerts.place_in(series(n=45)) == 0, "that series is shorter"
    assert alerts.place_in(series()) == 1
    assert place_words(vars(alerts.get(1))) == "samples 40 to 50"
    assert moment_of(vars(alerts.get(1))) == 40


def test_placing_is_no_change_that_people_see(alerts):
    as_of_the_first_release(alerts, clock="row")
    version, log = alerts.get(1).version, len(alerts.history(1))
    alerts.place_in(series())
    assert (alerts.get(1).version, len(alerts.history(1))) == (version, log)
