from datetime import timedelta

import pandas as pd
import pytest

from tests import naive_forecasting
from tests.maintenance.conftest import START
from workbench.exceptions import MaintenanceError
from workbench.maintenance.kpis.risk import (
    LIKELIHOODS,
    RISK_COLUMNS,
    failure_probability,
    likelihood_of,
    risk_cells,
    risk_level,
    risk_table,
)
from workbench.maintenance.kpis.watching import watched_days

DAY = timedelta(days=1)
END = START + 100 * DAY


def times(rows, *columns):
    table = pd.DataFrame(rows, columns=list(columns))
    return table.astype({name: "datetime64[us, UTC]" for name in columns if name not in ("asset", "record")})


def spans(*rows):
    return times([("SMAP", START + a * DAY, START + b * DAY) for a, b in rows], "asset", "start", "end")


def outages(*rows):
    return times(
        [(asset, START + a * DAY, b and START + b * DAY) for asset, a, b in rows], "asset", "since", "ended_at"
    )


def events(*rows):
    return times([(asset, START + at * DAY, "WO-1") for asset, at in rows], "asset", "time", "record")


@pytest.mark.parametrize(("failures", "watched", "days"), [(1, 7.0, 7.0), (4, 365.0, 30.0), (30, 90.0, 1.0)])
def test_probability_equals_that_of_drawn_rates(failures, watched, days):
    estimate = failure_probability(failures, watched, days)
    expected = naive_forecasting.sampled_probability(failures, watched, days)
    assert (estimate.probability, estimate.low, estimate.high) == pytest.approx(expected, abs=0.005)


def test_only_what_the_records_tell_is_said():
    long, short, none = (failure_probability(0, watched, 30.0) for watched in (300.0, 29.0, 0.0))
    mean, _, upper = naive_forecasting.sampled_probability(0, 300.0, 30.0)
    assert (long.probability, long.low, long.high) == pytest.approx((mean, 0.0, upper), abs=0.005)
    assert short.probability is None
    assert long.high < short.high < 1
    assert failure_probability(5, 1.0, 7.0).probability is None
    assert (none.probability, none.low, none.high) == (None, None, None)
    with pytest.raises(MaintenanceError, match="above 0"):
        failure_probability(1, 10.0, 0.0)


def test_scales_have_five_steps_and_cover_everything():
    assert len(LIKELIHOODS) == 5
    assert [likelihood_of(upper) for _, upper in LIKELIHOODS] == [1, 2, 3, 4, 5]
    assert [likelihood_of(upper + 1e-9) for _, upper in LIKELIHOODS[:-1]] == [2, 3, 4, 5]
    levels = [risk_level(risk) for risk in range(1, 26)]
    assert (levels[0], levels[-1]) == ("low", "critical")
    assert [len(list(group)) for group in _runs(levels)] == [4, 5, 10, 6]


def test_matrix_has_every_cell_once():
    cells = risk_cells()
    assert len(cells.drop_duplicates(["likelihood", "criticality"])) == 25
    assert (cells["risk"] == cells["likelihood"] * cells["criticality"]).all()
    worst = cells.sort_values("risk").iloc[-1]
    assert worst.tolist() == [5, "almost certain", 5, 25, "critical"]


def _runs(levels):
    runs = []
    for level in levels:
        if runs and runs[-1][-1] == level:
            runs[-1].append(level)
        else:
            runs.append([level])
    return runs


def test_watched_days_are_those_of_any_span_in_service():
    assert watched_days(spans((0, 10), (5, 20), (30, 31)), outages(), END, asset="SMAP") == pytest.approx(21)
    out = outages(("SMAP", 2, 4), ("SMAP", 3, 6), ("SMAP", 19, 25), ("SMAP", 99, None))
    assert watched_days(spans((0, 10), (5, 20), (30, 31)), out, END, asset="SMAP") == pytest.approx(21 - 4 - 1)
    assert watched_days(spans((90, 100)), out, END, asset="SMAP") == pytest.approx(9)
    assert watched_days(spans(), out, END, asset="SMAP") == 0


def table(found, criticality, days=30.0):
    watched_spans = spans((0, 100))
    both = pd.concat(
        [watched_spans, watched_spans.assign(asset="MSL"), watched_spans.assign(asset="Pump", end=START + 5 * DAY)]
    )
    return risk_table(found, both, outages(), criticality, days=days, until=END).set_index("asset")


def test_failures_within_a_day_count_one_by_one_and_the_worst_risk_comes_first():
    event_table = events(("SMAP", 1), ("SMAP", 1.5), ("SMAP", 2.4), ("SMAP", 50), ("MSL", 1), ("MSL", 30), ("MSL", 60))
    risks = table(event_table, {"SMAP": 5, "MSL": 3, "Pump": 5, "Rover": 1})
    assert list(risks.index) == ["SMAP", "MSL", "Pump", "Rover"]
    assert risks["failures"].tolist() == [4, 3, 0, 0]
    for asset, failures, weight in (("SMAP", 4, 5), ("MSL", 3, 3)):
        row = risks.loc[asset]
        assert row["probability"] == pytest.approx(failure_probability(failures, 100.0, 30.0).probability)
        assert row["risk"] == row["likelihood"] * weight
        assert row["level"] == risk_level(row["risk"])
    assert risks.loc["Pump", "reason"] == "not enough history (30 days needed, 5.0 recorded)"
    assert risks.loc["Rover", "reason"] == "never watched"
    assert risks.loc[["Pump", "Rover"], ["likelihood", "risk"]].isna().all(axis=None)


def test_where_nobody_said_a_criticality_there_is_no_risk():
    risks = table(events(("SMAP", 1)), {"SMAP": None, "MSL": None, "Pump": None})
    assert risks["risk"].isna().all()
    assert (risks["level"] == "").all()
    assert risks.loc["SMAP", "reason"] == "no criticality in the catalog"
    assert risks.loc["SMAP", "likelihood"] == 3
    assert risks.loc["Pump", "reason"].endswith("; no criticality in the catalog")


def test_without_assets_the_table_is_empty():
    risks = risk_table(events(), spans(), outages(), {}, days=7, until=END)
    assert tuple(risks.columns) == RISK_COLUMNS
    assert risks.empty
