from datetime import timedelta

import pytest

from tests.maintenance.conftest import START
from workbench.exceptions import MaintenanceError
from workbench.maintenance.alerts.alerts import Alerts
from workbench.maintenance.kpis.alarms import alarm_figures
from workbench.maintenance.options import AlertOptions

HOUR = START + timedelta(hours=1)


def add(alerts, finding, at, channel="P-1", **more):
    alerts.raise_findings([], [finding(channel=channel, start_sample=at, end_sample=at + 5, **more)])


def test_without_alerts_there_are_no_rates(database):
    figures = alarm_figures(database, AlertOptions(), START, HOUR)
    assert figures.announced == 0
    assert figures.per_operator_hour is figures.peak_ten_minutes is figures.flood_share is figures.floods is None
    assert figures.top_ten.empty
    assert figures.chattering.empty
    with pytest.raises(MaintenanceError, match="is empty"):
        alarm_figures(database, AlertOptions(), START, START)


def test_rates_floods_and_the_most_frequent(database, finding, clock):
    options = AlertOptions(on_delay=1)
    alerts = Alerts(database, options)
    for i in range(12):  # a flood in the first ten minutes, with one channel chattering
        add(alerts, finding, i * 10, "P-1" if i < 8 else f"P-{i}", level="low" if i % 2 else "high")
        clock.forward(seconds=15)
    clock.now = START + timedelta(minutes=12)
    for i in range(6):  # goes on: not fewer than five
        add(alerts, finding, 1000 + i * 10, "E-1")
    clock.now = START + timedelta(minutes=45)
    add(alerts, finding, 5000, "D-1")
    figures = alarm_figures(database, options, START, HOUR)
    assert figures.announced == 19
    assert figures.per_operator_hour == 19
    assert figures.peak_ten_minutes == 12
    assert figures.above_ten_share == pytest.approx(1 / 6)
    # The tenth alert comes at 135 s. The eighth of them, of 105 s, is ten minutes old at 705 s: four are left. The six
    # that follow at 720 s make nine with the last three of the twelve, which is no flood of its own.
    assert (figures.floods, figures.flood_share) == (1, pytest.approx((705 - 135) / 3600))
    assert figures.top_ten[["channel", "alerts"]].values.tolist()[:2] == [["P-1", 8], ["E-1", 6]]
    assert figures.top_ten["share"].iloc[0] == pytest.approx(8 / 19)
    assert figures.chattering.values.tolist() == [["E-1", "model", 6], ["P-1", "model", 4]]
    assert figures.by_level["low"] == pytest.approx(6 / 19)
    two = alarm_figures(database, AlertOptions(operators=2), START, HOUR)
    assert (two.per_operator_hour, two.floods) == (9.5, 0)


def test_what_was_hidden_does_not_count_and_what_stays_grows_stale(database, finding, clock):
    alerts = Alerts(database, AlertOptions(on_delay=1))
    add(alerts, finding, 0)
    alerts.shelve(1, "Ann", "test", hours=1)
    add(alerts, finding, 100)
    assert alarm_figures(database, alerts.options, START, HOUR).announced == 1
    clock.forward(hours=30)
    alerts.tick()
    later = clock.now
    assert alarm_figures(database, alerts.options, START, later).stale == 2
    alerts.close(1, "Ann", "true")
    assert alarm_figures(database, alerts.options, START, later).stale == 1


def test_a_flood_across_two_intervals_is_seen(database, finding, clock):
    alerts = Alerts(database, AlertOptions(on_delay=1))
    clock.now = START + timedelta(minutes=8)
    for i in range(12):  # six before the tenth minute, six after it
        add(alerts, finding, i * 10, f"P-{i}")
        clock.forward(seconds=20)
    figures = alarm_figures(database, AlertOptions(), START, HOUR)
    assert (figures.floods, figures.peak_ten_minutes, figures.above_ten_share) == (1, 12, 0.0)


def test_a_shelf_that_ends_counts_only_where_somebody_must_look_again(database, finding, clock):
    alerts = Alerts(database, AlertOptions(on_delay=1))
    for start, channel in ((0, "P-1"), (100, "P-2")):
        add(alerts, finding, start, channel)
    alerts.acknowledge(1, "Ann")
    for alert in (1, 2):
        alerts.shelve(alert, "Ann", "test", hours=1)
    clock.forward(hours=2)
    alerts.tick()
    assert alarm_figures(database, alerts.options, START, clock.forward(minutes=1)).announced == 3
    assert alerts.get(2).annunciated_at > alerts.get(1).annunciated_at


def test_an_alert_counts_each_time_it_is_shown_anew(database, finding, clock):
    alerts = Alerts(database, AlertOptions(latching=()))
    for ongoing in (True, False, True, False, True):  # comes and goes: it chatters
        alerts.raise_findings([("P-1", "model")], [finding(ongoing=ongoing)])
        clock.forward(seconds=10)
    alerts.shelve(1, "Ann", "test", hours=1)
    clock.forward(hours=1)
    alerts.tick()
    figures = alarm_figures(database, alerts.options, START, clock.forward(minutes=1))
    assert figures.announced == 4
    assert figures.chattering.values.tolist() == [["P-1", "model", 3]]
    assert figures.top_ten["alerts"].tolist() == [4]
    outside = alarm_figures(database, alerts.options, START - timedelta(days=1), START)
    assert (outside.announced, outside.per_operator_hour) == (0, None)
