"""Plants whose true rates are known, and how often the intervals of their figures hold these."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd

from workbench.maintenance.kpis.intervals import figure_table
from workbench.maintenance.kpis.kpis import Evidence, compute_kpis
from workbench.maintenance.kpis.preventive_dates import Preventives
from workbench.maintenance.kpis.risk import CONSTANT_RATE, WEIBULL, risk_table

SINCE = datetime(2025, 1, 1, tzinfo=UTC)
UNTIL = SINCE + timedelta(days=365)
AHEAD_DAYS = 14.0
MTBF_HOURS, MTTR_HOURS, DOWN_HOURS, COST = 480.0, 6.0, 20.0, 400.0
KEPT, PROMISED_KEPT = 0.85, 0.7
_SPREAD = 0.8  # of the logarithms of times and costs, which are skewed
_TIMES = "datetime64[us, UTC]"


def coverages(plants: int, seed: int) -> pd.Series:
    """Return the share of plants whose 90 % interval holds the true value, by figure."""
    random = np.random.default_rng(seed)
    held: dict[str, list[bool]] = {}
    for _ in range(plants):
        for name, holds in _year(random).items():
            held.setdefault(name, []).append(holds)
        for shape, name in ((1.0, CONSTANT_RATE), (2.0, WEIBULL)):
            held.setdefault(f"Failure probability, {name}", []).append(_risk(random, shape, name))
    return pd.Series({name: float(np.mean(values)) for name, values in held.items()})


def _skewed(random: np.random.Generator, mean: float, count: int) -> np.ndarray:
    return random.lognormal(np.log(mean) - _SPREAD**2 / 2, _SPREAD, count)


def _year(random: np.random.Generator) -> dict[str, bool]:
    """Live a year at one plant: the asset fails at a constant rate while it is in service, and is down after each."""
    rows, outages, now = [], [], SINCE
    while True:
        now += timedelta(hours=float(random.exponential(MTBF_HOURS)))
        if now >= UNTIL:
            break
        down, repair = (float(_skewed(random, mean, 1)[0]) for mean in (DOWN_HOURS, MTTR_HOURS))
        up = now + timedelta(hours=down)
        outages.append(("Pump-1", now, up if up < UNTIL else None))
        started = now + timedelta(hours=0.1)
        rows.append(("corrective", "functional failure", now, started, started + timedelta(hours=repair), None))
        now = up
    for number, kept in enumerate(random.random(int(random.integers(30, 60))) < KEPT):
        due = SINCE + timedelta(days=6 * number + 3)
        rows.append(("preventive", "none", due, due, due + timedelta(days=-1 if kept else 1), due))
    orders = pd.DataFrame(rows, columns=["type", "failure_kind", "opened_at", "started_at", "closed_at", "due"])
    orders = orders.assign(down_from=None, down_to=None)
    orders = orders.astype(
        dict.fromkeys(("opened_at", "started_at", "closed_at", "due", "down_from", "down_to"), _TIMES)
    )
    orders = orders.assign(
        number=[f"WO-{number}" for number in range(len(orders))],
        asset="Pump-1",
        state="completed",
        estimated_hours=1.0,
        actual_hours=1.0,
        actual_cost=_skewed(random, COST, len(orders)),
        cost_missing="",
        preventive=None,
    )
    failures = orders.loc[orders["failure_kind"] == "functional failure", ["asset", "opened_at", "number"]]
    on_time = random.random(len(orders)) < PROMISED_KEPT
    end = orders["closed_at"] + pd.to_timedelta(np.where(on_time, 1.0, -1.0), unit="h")
    promised = pd.DataFrame({"week": 1, "number": orders["number"], "end": end, "accepted_at": orders["opened_at"]})
    evidence = Evidence(
        orders=orders,
        failures=failures.set_axis(["asset", "time", "record"], axis=1),
        acknowledgements=pd.Series(dtype=float),
        outages=pd.DataFrame(outages, columns=["asset", "since", "ended_at"]).astype(
            dict.fromkeys(("since", "ended_at"), _TIMES)
        ),
        promised=promised,
        preventive=Preventives(
            pd.DataFrame(columns=["id", "every_days", "anchor", "next_due", "active"]),
            pd.DataFrame(columns=["preventive", "first", "every_days", "dates"]),
        ),
        watched=_watched(),
        weekly_hours=40.0,
    )
    table = figure_table(compute_kpis(evidence, SINCE, UNTIL), evidence).set_index("figure")
    truth = {
        "MTBF": MTBF_HOURS,
        "MTTR": MTTR_HOURS,
        "Mean downtime": DOWN_HOURS,
        "Preventive compliance": KEPT,
        "Schedule compliance": PROMISED_KEPT,
        "Cost of an order": COST,
    }
    return {name: bool(table.loc[name, "low"] <= value <= table.loc[name, "high"]) for name, value in truth.items()}


def _risk(random: np.random.Generator, shape: float, method: str) -> bool:
    """Tell whether the interval holds the true probability; times between failures are Weibull, 20 or 5 in a year."""
    count = 5 if method == CONSTANT_RATE else 20
    scale = 365 / count
    ages = np.cumsum(scale * random.weibull(shape, 4 * count))
    ages = ages[ages < 365]
    if (len(ages) >= 10) != (method == WEIBULL):
        return _risk(random, shape, method)
    age = 365 - (ages[-1] if len(ages) else 0.0)
    truth = -np.expm1((age / scale) ** shape - ((age + AHEAD_DAYS) / scale) ** shape)
    times = pd.Series([SINCE + timedelta(days=float(one)) for one in ages], dtype=_TIMES)
    events = pd.DataFrame({"asset": "Pump-1", "time": times, "record": "WO-1"})
    outages = pd.DataFrame(columns=["asset", "since", "ended_at"]).astype(dict.fromkeys(("since", "ended_at"), _TIMES))
    (row,) = risk_table(events, _watched(), outages, {"Pump-1": 3}, days=AHEAD_DAYS, until=UNTIL).to_dict("records")
    assert row["method"] == method
    return bool(row["low"] <= truth <= row["high"])


def _watched() -> pd.DataFrame:
    table = pd.DataFrame([("Pump-1", SINCE, UNTIL)], columns=["asset", "start", "end"])
    return table.astype(dict.fromkeys(("start", "end"), _TIMES))
