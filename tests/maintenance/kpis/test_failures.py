from datetime import timedelta

import pandas as pd

from tests.maintenance.conftest import START
from workbench.maintenance.alerts.alerts import Alerts
from workbench.maintenance.kpis.failures import EVENT_COLUMNS, failure_events, records_began
from workbench.maintenance.orders.orders import WorkOrders
from workbench.maintenance.orders.people import People
from workbench.maintenance.records import present_tables


def test_without_records_there_is_no_failure(database):
    events = failure_events(present_tables(database))
    assert tuple(events.columns) == EVENT_COLUMNS
    assert events.empty
    assert records_began(database) is None


def test_orders_with_a_failure_and_cases_with_true_alerts_count_once_each(database, finding, clock):
    alerts, orders = Alerts(database), WorkOrders(database)
    began = START - timedelta(days=3)
    early = began - timedelta(days=1)
    places = [
        {"start_time": began, "end_time": began},
        {},
        {},
        {},
        {"start_time": began, "end_time": began, "channel": "P-2"},  # in the case of the first
        *({"start_time": early, "end_time": early, "channel": name} for name in ("P-3", "P-4", "P-5")),
    ]
    spots = [finding(start_sample=200 * i, end_sample=200 * i + 50, **place) for i, place in enumerate(places)]
    alerts.raise_findings([], spots)
    clock.forward(hours=1)
    dated = orders.from_alerts([1], "Ann", type="corrective", checklist=[])  # its alert tells when
    foreseen = orders.from_alerts([2], "Ann", type="predictive", checklist=[])
    dropped = orders.from_alerts([3], "Ann", type="corrective", checklist=[])
    orders.cancel(dropped.number, "no need", "Ann")
    plain = orders.new("Ann", asset="MSL", title="Wheel", type="corrective", checklist=[])
    looked = orders.new("Ann", asset="MSL", title="Look", type="inspection", checklist=[])
    for number in range(1, 9):
        alerts.close(number, "Ann", "false alarm" if number in (4, 7) else "true")
    assert failure_events(present_tables(database))["record"].tolist() == [
        f"case {alerts.get(6).case_id}",
        "alert 3",
    ], "of the others, an order is to say what was found"
    People(database).set("Ben", "boss")
    kinds = {dated.number: "functional failure", foreseen.number: "degradation", plain.number: "functional failure"}
    for number, kind in {**kinds, looked.number: "functional failure"}.items():
        orders.assign(number, "Ben", "boss")
        orders.start(number, "Ben")
        orders.complete(number, "Ben", done="it", hours=1, failure=kind, mode="UNK")
    events = failure_events(present_tables(database))
    assert events.values.tolist() == [
        ["SMAP", pd.Timestamp(early), f"case {alerts.get(6).case_id}"],
        ["SMAP", pd.Timestamp(began), dated.number],
        ["SMAP", pd.Timestamp(START), "alert 3"],
        ["MSL", pd.Timestamp(START + timedelta(hours=1)), plain.number],
        ["MSL", pd.Timestamp(START + timedelta(hours=1)), looked.number],
    ]
    assert records_began(database) == START
