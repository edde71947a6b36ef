"""Intervals of the figures, against sampling and the tables of textbooks."""

from datetime import timedelta

import numpy as np
import pandas as pd
import pytest

from tests.maintenance.conftest import START
from tests.maintenance.kpis.test_kpis import END, evidence, kpis, order_table
from workbench.maintenance.kpis.intervals import figure_table, mean_interval, share_interval, skewed_mean_interval
from workbench.maintenance.kpis.kpis import compute_kpis

DAY = timedelta(days=1)


def figures(orders, promised=()):
    records = evidence(orders, promised=promised)
    return figure_table(compute_kpis(records, START, END), records).set_index("figure")


def test_the_interval_of_a_mean_holds_it_nine_times_of_ten():
    random = np.random.default_rng(0)
    samples = random.normal(10.0, 2.0, (2000, 6))
    held = [low < 10.0 < high for low, high in (mean_interval(pd.Series(sample)) for sample in samples)]
    assert np.mean(held) == pytest.approx(0.9, abs=0.02)
    assert mean_interval(pd.Series([3.0])) == (None, None)
    assert mean_interval(pd.Series([0.0, 9.0]))[0] == 0.0


@pytest.mark.parametrize("count", [3, 5, 10])
@pytest.mark.parametrize("spread", [0.5, 1.0])
def test_the_interval_of_a_skewed_mean_holds_it_nine_times_of_ten(count, spread):
    random = np.random.default_rng(2)
    mean = np.exp(spread**2 / 2)
    intervals = [skewed_mean_interval(pd.Series(random.lognormal(0.0, spread, count))) for _ in range(600)]
    assert 0.87 <= np.mean([low < mean < high for low, high in intervals]) <= 0.93
    assert skewed_mean_interval(pd.Series([3.0])) == (None, None)
    assert skewed_mean_interval(pd.Series([0.0, 9.0])) == mean_interval(pd.Series([0.0, 9.0]))


def test_the_interval_of_a_share_holds_it_nine_times_of_ten():
    random = np.random.default_rng(1)
    held = []
    for successes in random.binomial(40, 0.8, 2000).tolist():
        low, high = share_interval(successes, 40)
        held.append(low < 0.8 < high)
    assert np.mean(held) == pytest.approx(0.92, abs=0.03)
    for successes in (0, 5):
        low, high = share_interval(successes, 5)
        assert 0.0 <= low < high <= 1.0


def test_without_data_no_figure_is_told():
    table = figures(order_table())
    has_value = table["value"].notna()
    assert table.index[has_value].tolist() == ["Backlog"]
    assert table.loc["Backlog", "value"] == 0
    assert table["low"].notna().sum() == 1, "only the MTBF has a bound without a failure"


def test_repairs_that_are_too_few_bound_nothing_above():
    hours = (3.0, 5.0, 4.0, 3.5, 4.5, 4.0)
    rows = [{"started_at": START + timedelta(days=2, hours=-one)} for one in hours]
    few, more = figures(order_table(*rows[:2])).loc["MTTR"], figures(order_table(*rows)).loc["MTTR"]
    assert 0 < few["low"] < few["value"]
    assert np.isnan(few["high"]), "by the two values alone it is 40 million hours"
    assert more["low"] < more["value"] < more["high"] < 10.0


def test_figures_have_their_intervals_and_say_what_they_are_made_from():
    late = {"type": "preventive", "failure_kind": "none", "closed_at": START + 4 * DAY}
    rows = [
        {},
        {"started_at": START + timedelta(hours=43), "actual_cost": 300.0},
        late,
        {"type": "preventive", "failure_kind": "none"},
        {"state": "open", "closed_at": None},
    ]
    table = figures(
        order_table(*rows), promised=[("W10", "WO-1", START + 3 * DAY, START), ("W10", "WO-3", START + 3 * DAY, START)]
    )
    made_from = "2 repairs that ended in the period, from start to end of the work"
    assert table.loc["MTTR", ["value", "basis"]].tolist() == [4.0, made_from]
    assert table.loc["MTTR", "low"] < 4.0
    assert table.loc["Preventive compliance", "value"] == 0.5
    assert table.loc["Schedule compliance", "value"] == 0.5
    assert table.loc["Schedule compliance", "basis"] == "2 orders in accepted plans"
    assert table.loc["Cost", "value"] == 600.0
    assert table.loc["Cost of an order", "value"] == 150.0
    backlog = table.loc["Backlog"]
    assert backlog["value"] == 2.0 / 40.0
    assert backlog[["low", "high"]].isna().all()
    assert kpis(order_table(*rows)).until == END
