"""Forecasting with the real session."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import workbench as wb
from tests.conftest import wave_channel
from workbench.forecasting import crossings, decomposition, forecasts, lead_times, outlook, risks
from workbench.forecasting.skill import skill_table
from workbench.telemetry.schema import make_channel

CATALOG = """
assets:
  XAVER: {name: Xaver, kind: satellite, criticality: 4, subsystems: {X: Power}}
channels:
  X-4: {asset: XAVER, subsystem: X, units: V, limits: {warning_high: 0.3, critical_high: 5.0}}
"""


@pytest.fixture
def session(trained_home: Path) -> Iterator[wb.Session]:
    home = trained_home  # without the catalog, whose channel X-4 a test adds later
    (home / "catalog.yaml").write_text(CATALOG)
    opened = wb.open(home=home, catalog=home / "catalog.yaml")
    yield opened
    opened.close()


def test_every_forecaster_is_tried_from_the_same_origins(session):
    found = forecasts(session, "X-2", steps=12, origins=60)
    assert list(found) == ["ridge", "persistence", "trend"]
    for name, result in found.items():
        assert dict(result.sizes) == {"origin": 60, "lead": 12}, name
        assert result["origin"].values[-1] == 2999
        assert result["origin"].values[0] >= 119
        assert np.isfinite(result["width"]).all()
        assert result["origin"].equals(found["ridge"]["origin"])
    assert found["ridge"].attrs["model"] == "X-2.ridge/1"
    table = skill_table(found).set_index("forecaster")
    assert table["skill"]["ridge"] > 0.8
    assert table["coverage"].between(0.8, 1).all()
    telemetry = session.channel("X-2")["telemetry"].values
    window = np.column_stack([telemetry, session.channel("X-2")["commands"].values])[-120:].astype(np.float32)
    direct = session.registry.load(session.registry.champion("X-2")).predict_window(window)
    np.testing.assert_allclose(found["ridge"]["forecast"].values[-1, :10], direct, atol=1e-5)


def test_those_that_score_together_are_tried_together(session, monkeypatch):
    preset = session.settings.params.model_copy(update={"forecasters": {"ridge": 3.0, "persistence": 1.0}})
    monkeypatch.setattr(type(session.settings), "params", property(lambda _: preset))
    found = forecasts(session, "X-2", steps=12, origins=40)
    assert next(iter(found)) == "together"
    for name in ("forecast", "truth"):
        mean = 0.75 * found["ridge"][name] + 0.25 * found["persistence"][name]
        np.testing.assert_allclose(found["together"][name], mean, atol=1e-6)
    errors = skill_table(found).set_index("forecaster")["mae"]
    assert errors["ridge"] < errors["together"] < errors["persistence"]
    assert 0 < found["together"]["fixed_width"].values[0] < found["persistence"]["fixed_width"].values[0]


def test_without_a_model_there_is_persistence(session, tiny_archive):
    tiny_archive.write(wave_channel("X-3", n=300), wave_channel("X-3", n=300, seed=1))
    assert list(forecasts(session, "X-3", steps=5, origins=10)) == ["persistence"]


def test_limits_are_reached_at_a_time(session):
    rise = np.linspace(0, 0.28, 3000)
    session.archive.write(
        *(
            make_channel(
                rise,
                time=pd.date_range(begin, periods=3000, freq="10s").to_numpy(),
                channel="X-4",
                asset="XAVER",
                subsystem="X",
                units="V",
                source="test",
            )
            for begin in ("2026-01-01", "2026-02-01")
        )
    )
    found = forecasts(session, "X-4", steps=400, origins=50)["trend"]
    table = crossings(session, "X-4", found)
    assert table["outcome"].tolist() == ["expected", "none"]
    slope = rise[1]
    lead = np.ceil((0.3 - rise[-1]) / slope)
    assert table["lead"][0] == pytest.approx(lead, abs=3)
    last = session.channel("X-4")["time"].values[-1]
    assert table["time"][0] == last + table["lead"][0] * np.timedelta64(10, "s")
    assert pd.isna(table["time"][1])
    ahead = outlook(session, "X-4", found)
    assert ahead["time"].values[0] == last + np.timedelta64(10, "s")
    np.testing.assert_allclose(ahead["upper"] - ahead["lower"], 2 * found["width"].values[-1])
    np.testing.assert_allclose((ahead["upper"] + ahead["lower"]) / 2, found["forecast"].values[-1])
    assert crossings(session, "X-2", forecasts(session, "X-2", origins=20)["ridge"]).empty


def test_lead_times_go_on_by_samples_where_there_are_no_stamps():
    assert lead_times(wave_channel(n=100), [1, 5]).tolist() == [100, 104]


def test_telemetry_is_taken_apart_over_its_time(session):
    parts = decomposition(session, "X-2")
    telemetry = session.channel("X-2")
    assert parts["time"].equals(telemetry["time"])
    np.testing.assert_allclose(parts.trend + parts.seasonal + parts.remainder, telemetry.telemetry, atol=1e-6)
    assert parts.attrs["period"] > 100


def test_risk_comes_from_what_was_recorded(session):
    before = risks(session, 7).iloc[0]
    assert (before["asset"], before["criticality"], before["failures"]) == ("XAVER", 4, 0)
    assert before["reason"] == "never watched"
    began = session.clock()
    orders = session.maintenance.orders
    number = orders.new("Ann", asset="XAVER", title="Wheel", type="corrective", checklist=()).number
    session.maintenance.people.set("Ben", "Ann")
    orders.assign(number, "Ben", "Ann")
    orders.start(number, "Ann")
    orders.complete(number, "Ann", done="changed", hours=1, failure="functional failure", mode="UNK")
    session.clock = lambda: began + timedelta(days=20)
    after = risks(session, 7).iloc[0]
    assert after["failures"] == 1
    assert after["watched_days"] == pytest.approx(20, abs=0.01)
    assert after["probability"] == pytest.approx(1 - (20 / 27) ** 1.5, abs=1e-3)
    assert (after["likelihood"], after["risk"], after["level"]) == (3, 12, "high")
