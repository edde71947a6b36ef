from datetime import timedelta

from tests.maintenance.conftest import START
from workbench.maintenance.alerts.alerts import Alerts
from workbench.maintenance.alerts.outages import Outages
from workbench.maintenance.kpis import acknowledgements
from workbench.maintenance.kpis.acknowledgements import acknowledgement_minutes
from workbench.maintenance.options import AlertOptions


def test_an_answer_belongs_to_the_announcement_before_it(database, finding, clock):
    alerts = Alerts(database, AlertOptions(on_delay=1))
    alerts.raise_findings([], [finding(channel=name, start_sample=0, end_sample=5) for name in ("P-1", "P-2", "P-3")])
    clock.forward(minutes=14)
    alerts.acknowledge(1, "Ann")
    alerts.shelve(1, "Ann", "test", hours=1)
    Outages(database).start("SMAP", "Ann", "test", until=clock.now + timedelta(hours=8))
    clock.forward(hours=10)
    alerts.tick()  # the shelf and the outage are over: what nobody has acknowledged is shown again
    clock.forward(minutes=6)
    alerts.acknowledge(2, "Ann")
    alerts.close(2, "Ann", "true")
    alerts.close(3, "Ann", "true")
    later = clock.forward(minutes=1)
    assert sorted(acknowledgement_minutes(database, START, later)) == [6.0, 6.0, 14.0]
    assert acknowledgement_minutes(database, START, START + timedelta(hours=1)).tolist() == [14.0]
    assert acknowledgement_minutes(database, START - timedelta(days=1), START).empty


def test_only_what_can_belong_to_an_answer_of_the_period_is_read(database, finding, clock, monkeypatch):
    """Ten alerts of ten days, each answered after an hour; the last two are asked for, one of them raised before."""
    alerts = Alerts(database, AlertOptions(on_delay=1))
    for number in range(1, 11):
        alerts.raise_findings([], [finding(start_sample=1000 * number, end_sample=1000 * number + 5)])
        clock.forward(hours=1)
        alerts.acknowledge(number, "Ann")
        clock.forward(hours=23)
    read = []
    monkeypatch.setattr(
        acknowledgements, "frame", lambda *given, frame=acknowledgements.frame: read.append(frame(*given)) or read[-1]
    )
    since = START + timedelta(days=8, minutes=30)
    assert acknowledgement_minutes(database, since, clock.now).tolist() == [60.0, 60.0]
    assert [len(table) for table in read] == [2, 2]


def test_without_alerts_there_is_no_answer(database):
    assert acknowledgement_minutes(database, START, START + timedelta(hours=1)).empty
