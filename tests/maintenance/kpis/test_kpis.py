from datetime import timedelta

import numpy as np
import pandas as pd
import pytest

from tests.maintenance.conftest import START
from workbench.exceptions import MaintenanceError
from workbench.maintenance.kpis.kpis import (
    Evidence,
    compute_kpis,
    cost_by_asset,
    health_index,
    mean_time_between_failures,
)
from workbench.maintenance.kpis.preventive_dates import Preventives

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
    "failure_kind": "functional failure",
    "preventive": None,
    "opened_at": START + timedelta(days=1),
    "started_at": START + timedelta(days=2, hours=-3),
    "closed_at": START + timedelta(days=2),
    "due": START + timedelta(days=3),
    "down_from": None,
    "down_to": None,
}
TIMES = ("opened_at", "started_at", "closed_at", "due", "down_from", "down_to")


def order_table(*changes):
    rows = [ORDER | {"number": f"WO-{i}"} | change for i, change in enumerate(changes, 1)]
    table = pd.DataFrame(rows, columns=list(ORDER))
    return table.astype(dict.fromkeys(TIMES, "datetime64[us, UTC]"))


def watched(*spans):
    rows = spans or [(asset, START - 30 * DAY, END) for asset in ("SMAP", "MSL")]
    table = pd.DataFrame(list(rows), columns=["asset", "start", "end"])
    return table.astype({"start": "datetime64[us, UTC]", "end": "datetime64[us, UTC]"})


def failures(*rows):
    table = pd.DataFrame([(*row, "WO-1")[:3] for row in rows], columns=["asset", "time", "record"])
    return table.astype({"time": "datetime64[us, UTC]"})


def preventives(plans=(), missed=()):
    plan = pd.DataFrame(list(plans), columns=["id", "every_days", "anchor", "next_due", "active"])
    plan = plan.assign(calendar="", season="")
    dates = pd.DataFrame(list(missed), columns=["preventive", "first", "every_days", "dates"])
    return Preventives(plan.astype({"next_due": "datetime64[us, UTC]"}), dates.astype({"first": "datetime64[us, UTC]"}))


def evidence(orders=None, failed=(), minutes=(), outages=(), promised=(), preventive=None, **options):
    outage = pd.DataFrame(list(outages), columns=["asset", "since", "ended_at"])
    outage = outage.astype({"since": "datetime64[us, UTC]", "ended_at": "datetime64[us, UTC]"})
    slots = pd.DataFrame(list(promised), columns=["week", "number", "end", "accepted_at"])
    return Evidence(
        orders=order_table() if orders is None else orders,
        failures=failures(*failed),
        acknowledgements=pd.Series(list(minutes), dtype=float),
        outages=outage,
        promised=slots.astype(dict.fromkeys(("end", "accepted_at"), "datetime64[us, UTC]")),
        preventive=preventive or preventives(),
        **({"watched": watched(), "weekly_hours": 40.0} | options),
    )


def kpis(*args, since=START, until=END, **options):
    return compute_kpis(evidence(*args, **options), since, until)


def test_without_data_no_figure_is_0_or_100_percent():
    figures = kpis()
    for name in (
        "mttr_hours",
        "downtime_hours",
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


def test_an_order_that_lacks_parts_waits():
    still_open = {"state": "assigned", "closed_at": None, "estimated_hours": 10.0}
    table = order_table(still_open, still_open | {"estimated_hours": 4.0}, still_open | {"state": "in progress"})
    figures = kpis(table, lacking_parts=frozenset({"WO-2", "WO-3"}))
    assert (figures.backlog_weeks, figures.waiting_weeks) == (0.5, 0.1)  # 20 h and 4 h of 40 h a week


def test_what_is_counted_and_what_is_not():
    none = {"failure_kind": "none"}
    table = order_table(
        {},  # 3 h from start to end
        {"type": "emergency", "started_at": START + timedelta(days=1, hours=19), "actual_cost": None},  # 5 h
        {"type": "preventive", **none, "actual_hours": 8.0, "actual_cost": 40.0, "cost_missing": "rate"},
        {
            "type": "preventive",
            "closed_at": START + timedelta(days=4),
            "started_at": START + timedelta(days=3, hours=20),
        },
        {"type": "predictive", "failure_kind": "degradation", "actual_hours": 0.0},
        {"state": "open", "closed_at": None, "actual_hours": None, "actual_cost": None, "failure_kind": ""},
        {"state": "open", "closed_at": None, "due": END + timedelta(days=1), "estimated_hours": 18.0},
        {"state": "on hold", "closed_at": None, "due": None, "estimated_hours": 10.0},
        {"state": "cancelled", "type": "preventive"},
        {"closed_at": END + timedelta(days=1), "opened_at": END, "due": None},
    )
    figures = kpis(
        table,
        failed=[
            ("SMAP", START, "WO-1"),
            ("MSL", START + DAY, "alert 3"),
            ("SMAP", START - DAY, "alert 4"),
            ("SMAP", END, "alert 5"),
            ("Compressor-9", START, "alert 6"),
        ],
        minutes=[10.0, 30.0],
        outages=[
            ("SMAP", START - timedelta(days=1), START + timedelta(days=1)),  # 48 h; WO-1 was repaired after it
            ("MSL", END - timedelta(days=1), None),
        ],
        promised=[
            ("W10", "WO-1", START + timedelta(days=2), START),
            ("W10", "WO-2", START + timedelta(days=1), START),
            ("W10", "WO-2", START + timedelta(days=3), START + timedelta(days=1)),  # moved: the first promise counts
            ("W11", "WO-9", END, START),
        ],
        parts_below_minimum=2,
    )
    assert figures.mttr_hours == pytest.approx((3 + 5 + 4) / 3)  # a functional failure in preventive work counts
    assert figures.downtime_hours == pytest.approx(48)
    assert figures.mtta_minutes == 20
    assert figures.availability == pytest.approx(0.9)
    assert (figures.mtbf.failures, figures.mtbf.unwatched) == (2, ("Compressor-9",))
    assert figures.mtbf.operating_hours == pytest.approx(2 * 240 * 0.9)
    assert figures.mtbf.hours == pytest.approx(2 * 240 * 0.9 / 2)
    assert figures.pm_compliance == pytest.approx(1 / 3)  # one in time, one late, one cancelled
    assert figures.schedule_compliance == 0.5
    assert (figures.backlog_weeks, figures.waiting_weeks) == (0.5, 0.25)
    assert figures.planned_share == pytest.approx((8 + 3) / (3 + 3 + 8 + 3))
    assert (figures.open_orders, figures.overdue_orders, figures.completed_orders) == (3, 1, 5)
    assert (figures.cost, figures.cost_incomplete) == (340, 2)  # 100 + 40 + 100 + 100, and an emergency without cost
    assert figures.parts_below_minimum == 2
    assert figures.to_json_dict()["since"] == "2026-03-02T08:00:00+00:00"
    with pytest.raises(MaintenanceError, match="is empty"):
        kpis(until=START)


def test_an_outage_is_down_time_of_a_failure_only_where_it_was_repaired_then():
    outages = [
        ("SMAP", START + DAY, START + 2 * DAY),  # the failure of WO-1, opened on day 1 and closed on day 2
        ("SMAP", START + 5 * DAY, START + 6 * DAY),  # for other work
        ("MSL", START + DAY, START + 3 * DAY),  # another asset
    ]
    figures = kpis(order_table({}), failed=[("SMAP", START + DAY, "WO-1")], outages=outages)
    assert figures.downtime_hours == 24
    assert kpis(order_table({}), outages=outages).downtime_hours is None


def test_what_people_said_of_the_downtime_counts_once_beside_the_outages():
    table = order_table(
        {"down_from": START + DAY, "down_to": START + DAY + timedelta(hours=10)},
        {"asset": "MSL", "down_from": START + 2 * DAY, "down_to": START + 2 * DAY + timedelta(hours=6)},
        {"asset": "MSL", "down_from": START + DAY, "down_to": START + DAY + timedelta(hours=99)},  # no failure
        {"down_from": START + 4 * DAY, "down_to": None},
        {"down_from": START - 3 * DAY, "down_to": START - timedelta(hours=1)},  # ended before the period
    )
    failed = [
        ("SMAP", START + DAY, "WO-1"),
        ("MSL", START + DAY, "WO-2"),
        ("SMAP", START, "WO-4"),
        ("SMAP", START, "WO-5"),
    ]
    outage = ("SMAP", START + DAY + timedelta(hours=8), START + DAY + timedelta(hours=14))  # overlaps that of WO-1
    assert kpis(table, failed=failed).downtime_hours == pytest.approx((10 + 6) / 2)
    assert kpis(table, failed=failed, outages=[outage]).downtime_hours == pytest.approx((14 + 6) / 2)


def test_dates_that_passed_without_an_order_are_missed():
    """Daily dates: 3 passed over on days 1, 2, 3; the next waits since day 8.5: days 8.5 and 9.5 passed, too."""
    waiting = preventives(
        plans=[(1, 1.0, "scheduled", START + 8.5 * DAY, True), (2, 1.0, "scheduled", START + DAY, False)],
        missed=[(1, START + DAY, 1.0, 3), (1, START - 20 * DAY, 1.0, 5)],
    )
    in_time = {"type": "preventive"}
    assert kpis(order_table(in_time), preventive=waiting).pm_compliance == pytest.approx(1 / 6)
    assert kpis(order_table(in_time), preventive=waiting, until=START + 4 * DAY).pm_compliance == pytest.approx(1 / 4)
    after_work = preventives(plans=[(1, 1.0, "completed", START + DAY, True)])
    assert kpis(order_table(in_time), preventive=after_work).pm_compliance == 0.5
    opened = order_table(in_time, {"state": "open", "closed_at": None, "preventive": 1, "type": "inspection"})
    assert kpis(opened, preventive=after_work).pm_compliance == 1.0


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


def test_an_asset_is_not_available_while_an_order_says_that_it_is_down():
    """Of two assets watched for ten days each: downtime of any order, once where an outage tells of the same."""
    planned = {"type": "preventive", "failure_kind": "none", "down_from": START + DAY, "down_to": START + 3 * DAY}
    assert kpis(order_table(planned)).availability == pytest.approx(18 / 20)
    assert kpis(order_table(planned)).mtbf.operating_hours == pytest.approx(18 * 24)
    both = kpis(order_table(planned), outages=[("SMAP", START + 2 * DAY, START + 4 * DAY)])
    assert both.availability == pytest.approx(17 / 20)
    lasting = {"state": "in progress", "closed_at": None, "down_from": END - DAY}
    assert kpis(order_table(planned, lasting)).availability == pytest.approx(17 / 20)
    closed = {"down_from": START + DAY, "closed_at": START + 2 * DAY}
    assert kpis(order_table(closed)).availability == pytest.approx(19 / 20)


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
