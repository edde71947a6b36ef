"""The views of a channel with late samples that are not scored yet: they open, and marks are where they were."""

from pathlib import Path

import numpy as np
import pytest

import workbench as wb
from tests.homes import copy_of
from tests.test_alerting import months
from workbench.views.registry import VIEWS, open_view

LATE = np.r_[5:10, 905:907]


def make(home: Path) -> None:
    train, whole = months("2024-05-01", 900)
    with wb.open(home=home) as session:
        session.archive.write(train, whole.drop_isel(time=LATE))
        session.train()
        session.score_all()
        session.raise_alerts()
        session.archive.write(train, whole)


@pytest.fixture
def session(tmp_path, tmp_path_factory):
    with wb.open(home=copy_of("late-samples", make, tmp_path_factory, tmp_path / "home")) as opened:
        yield opened


@pytest.mark.slow
@pytest.mark.parametrize("name", VIEWS)
def test_a_view_opens_beside_a_score_with_gaps(session, name):
    """Five samples came in front of the fault, and two into it."""
    scored = session.stored("bearing")
    missing = scored["sample"].values[np.isnan(scored["prediction"].values)].tolist()
    assert [row for row in missing if row >= 900] == [905, 906]
    (anomaly,) = session.stored_anomalies("bearing")[["start", "end"]].values.tolist()
    alerts = session.maintenance.alerts
    assert list(alerts.rows(alerts.get(1))) == anomaly
    view = open_view(session, name, {"channel": "bearing", "asset": "pump"})
    assert view.failure is None, view.failure.what
    view.close()
