from datetime import timedelta

import numpy as np
import pandas as pd
import pytest

from tests.maintenance.conftest import START
from workbench.exceptions import MaintenanceError
from workbench.maintenance.kpis.kpis import compute_kpis, cost_by_asset, health_index, mean_time_between_failures

DAY = timedelta(days=1)
END = START + 10 * DAY
ORDER = {
    "number": "WO-1",
    "state": "completed",
    "type": "corrective",
    "asset": "SMAP",
    "estimated_hours": 2.0,
    "actual_hours": 3.0,
    "actual_cost": 100.0,
    "cost_missing": "",
    "failure_mode": "PDE",
    "opened_at": START + timedelta(days=1),
    "closed_at": START + timedelta(days=2),
    "due": START + timedelta(days=3),
}
TIMES = ("opened_at", "closed_at", "due")


def order_table(*changes):
    rows = [ORDER | {"number": f"WO-{i}"} | change for i, change in enumerate(changes, 1)]
    table = pd.DataFrame(rows, columns=list(ORDER))
    return table.astype(dict.fromkeys(TIMES, "datetime64[us, UTC]"))


def watched(*spans):
    rows = spans or [(asset, START - 30 * DAY, END) for asset in ("SMAP", "MSL")]
    table = pd.DataFrame(list(rows), columns=["asset", "start", "end"])
    return table.astype({"start": "datetime64[us, UTC]", "end": "datetime64[us, UTC]"})


def failures(*rows):
    return pd.DataFrame(list(rows), columns=["asset", "time"]).astype({"time": "datetime64[us, UTC]"})


def kpis(orders=None, failed=(), minutes=(), outages=(), plan=(), parts=(), **options):
    outage = pd.DataFrame(list(outages), columns=["asset", "since", "ended_at"])
    outage = outage.astype({"since": "datetime64[us, UTC]", "ended_at": "datetime64[us, UTC]"})
    planned = pd.DataFrame(list(plan), columns=["number", "end"]).astype({"end": "datetime64[us, UTC]"})
    return compute_kpis(
        order_table() if orders is None else orders,
        failures(*failed),
        pd.Series(list(minutes), dtype=float),
        outage,
        planned,
        pd.DataFrame({"below": list(parts)}, dtype=bool),
        **({"watched": watched(), "weekly_hours": 40.0, "since": START, "until": END} | options),
    )


def test_without_data_no_figure_is_0_or_100_percent():
    figures = kpis()
    for name in (
        "mttr_hours",
        "mtta_minutes",
        "availability",
        "pm_compliance",
        "schedule_compliance",
        "planned_share",
        "cost",
    ):
        assert getattr(figures, name) is None, name
    assert figures.mtbf.hours is None
    assert figures.mtbf.low > 0
    assert kpis(weekly_hours=0.0).backlog_weeks is None
    nothing = watched().iloc[:0]
    assert kpis(watched=nothing).availability is None
    assert kpis(watched=nothing).mtbf.low is None


def test_what_is_counted_and_what_is_not():
    table = order_table(
        {},
        {"type": "emergency", "actual_hours": 5.0, "actual_cost": None},
        {"type": "preventive", "failure_mode": "", "actual_hours": 8.0, "actual_cost": 40.0, "cost_missing": "rate"},
        {"type": "preventive", "failure_mode": "", "closed_at": START + timedelta(days=4)},
        {"type": "predictive", "failure_mode": "", "actual_hours": 0.0},  # its alert was false
        {"state": "open", "closed_at": None, "actual_hours": None, "actual_cost": None, "failure_mode": ""},
        {"state": "open", "closed_at": None, "due": END + timedelta(days=1), "estimated_hours": 18.0},
        {"state": "on hold", "closed_at": None, "due": None, "estimated_hours": 10.0},
        {"state": "cancelled", "type": "preventive"},
        {"closed_at": END + timedelta(days=1), "opened_at": END, "due": None},
    )
    figures = kpis(
        table,
        failed=[("SMAP", START), ("MSL", START + DAY), ("SMAP", START - DAY), ("SMAP", END), ("Compressor-9", START)],
        minutes=[10.0, 30.0],
        outages=[
            ("SMAP", START - timedelta(days=1), START + timedelta(days=1)),
            ("MSL", END - timedelta(days=1), None),
        ],
        plan=[("WO-1", START + timedelta(days=2)), ("WO-2", START + timedelta(days=1)), ("WO-9", END)],
        parts=[True, False, True],
    )
    assert figures.mttr_hours == pytest.approx(4.0)
    assert figures.mtta_minutes == 20
    assert figures.availability == pytest.approx(0.9)
    assert (figures.mtbf.failures, figures.mtbf.unwatched) == (2, ("Compressor-9",))
    assert figures.mtbf.operating_hours == pytest.approx(2 * 240 * 0.9)
    assert figures.mtbf.hours == pytest.approx(2 * 240 * 0.9 / 2)
    assert figures.pm_compliance == 0.5
    assert figures.schedule_compliance == 0.5
    assert (figures.backlog_weeks, figures.waiting_weeks) == (0.5, 0.25)
    assert figures.planned_share == pytest.approx((8 + 3) / (3 + 5 + 8 + 3))
    assert (figures.open_orders, figures.overdue_orders, figures.completed_orders) == (3, 1, 5)
    assert (figures.cost, figures.cost_incomplete) == (340, 2)  # 100 + 40 + 100 + 100, and an emergency without cost
    assert figures.parts_below_minimum == 2
    assert figures.to_json_dict()["since"] == "2026-03-02T08:00:00+00:00"
    with pytest.raises(MaintenanceError, match="is empty"):
        kpis(until=START)


def test_hours_count_from_when_an_asset_was_watched():
    late = watched(("SMAP", START + 4 * DAY, END), ("SMAP", END - DAY, END + DAY), ("MSL", END, END + DAY))
    figures = kpis(
        watched=late,
        failed=[("SMAP", START + 5 * DAY)],
        outages=[("SMAP", START, START + 5 * DAY), ("Compressor-9", START, END)],
    )
    assert figures.mtbf.operating_hours == pytest.approx(5 * 24)
    assert figures.mtbf.hours == pytest.approx(5 * 24)
    assert figures.availability == pytest.approx(5 / 6)


def test_the_interval_holds_as_often_as_it_says():
    random = np.random.default_rng(0)
    held = 0
    for _ in range(2000):
        failures = random.poisson(1000 / 100)
        mtbf = mean_time_between_failures(int(failures), 1000.0)
        held += (mtbf.low is None or mtbf.low <= 100) and (mtbf.high is None or mtbf.high >= 100)
    assert 0.90 <= held / 2000 <= 0.95  # conservative, as counts are whole numbers


def test_cost_by_asset_and_health():
    table = order_table({}, {"asset": "MSL", "actual_cost": None}, {"asset": "SMAP", "state": "cancelled"})
    assert cost_by_asset(table)["asset"].tolist() == ["SMAP", "MSL"]
    assert np.isnan(cost_by_asset(table)["cost"].iloc[1])
    alerts = pd.DataFrame(
        {"asset": ["SMAP"] * 4, "channel": ["P-1", "P-1", "P-1", "P-2"], "level": ["critical"] * 3 + ["low"]}
    )
    index_by_asset = health_index(alerts, {"SMAP": 5, "MSL": 3, "NEW": 0})
    assert index_by_asset["SMAP"] == 100 - (100 + 5) / 5
    assert index_by_asset["MSL"] == 100
    assert np.isnan(index_by_asset["NEW"])


def test_health_is_never_below_nothing():
    """Three channels with alerts, of which one is scored, each with more harm than it has points."""
    rows = [("SMAP", channel, "critical") for channel in ("P-1", "P-2", "SMAP") for _ in range(3)]
    alerts = pd.DataFrame(rows, columns=["asset", "channel", "level"])
    assert health_index(alerts, {"SMAP": 1})["SMAP"] == 0.0
    assert health_index(alerts.iloc[:3], {"SMAP": 1})["SMAP"] == 0.0
    assert health_index(alerts.iloc[:3], {"SMAP": 4})["SMAP"] == 75.0
