"""Four days of a small plant with a clock of its own: which messages arrive, when and to whom, counted by hand.

Monday 2026-03-02 to Thursday. Ann is on call on Monday and Tuesday, Ben from Wednesday 00:00, Dora is the fallback;
quiet hours from 22:00 to 06:00 for all but critical alerts. The target `shift` takes alerts from medium on. Messages
are sent every five minutes, as by a dashboard or cron. High alerts wait a minute for others and an hour for their
acknowledgement, medium ones 15 minutes and 8 hours, critical ones nothing and 15 minutes.
"""

from datetime import UTC, datetime, timedelta

from tests.maintenance.notifications.conftest import ON_BOTH
from workbench.maintenance.desk import Maintenance
from workbench.maintenance.options import NotificationOptions

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
EXPECTED = [
    # Monday: a medium alert at 08:00 and one at 08:05 wait for each other and go together
    ("Mon 08:15", "shift", "2 alerts, the worst medium"),
    # it rises to high at 10:00, waits a minute for others, and Ann hears of it, too; she acknowledges at 10:20
    ("Mon 10:05", "shift", "Alert 1, high"),
    ("Mon 10:05", "Ann", "Alert 1, high"),
    ("Mon 11:00", "Ann", "WO-1: assigned to you"),
    # the other medium alert is closed at 12:00; what Pump-2 raises in its outage, 13:00 to 18:00, is told at its end
    ("Mon 18:00", "shift", "Alert 3, critical"),
    ("Mon 18:00", "Ann", "Alert 3, critical"),
    # nobody acknowledges: the next of the rota, then the fallback, who does at 18:40
    ("Mon 18:15", "Ben", "Not acknowledged: Alert 3, critical"),
    ("Mon 18:30", "Dora", "Not acknowledged: Alert 3, critical"),
    # a high alert at 23:00 waits for the end of the quiet hours; an order that is due on Wednesday, too
    ("Tue 06:00", "Ann", "WO-1: due Wednesday"),
    ("Tue 06:00", "shift", "Alert 4, high"),
    ("Tue 06:00", "Ann", "Alert 4, high"),
    # Ann has her hour from then on, not from the night; Ben acknowledges at 07:10
    ("Tue 07:00", "Ben", "Not acknowledged: Alert 4, high"),
    # an alert of 09:00 is shelved within the minute, closed at noon, and never told; the part comes at 10:00
    ("Tue 10:00", "Ann", "WO-1: part arrived: seal"),
    # Wednesday: the order is overdue at 12:00; on Thursday Ben, now on call, hears of a critical alert at night
    ("Wed 12:05", "Ann", "WO-1: overdue"),
    ("Thu 02:00", "shift", "Alert 6, critical"),
    ("Thu 02:00", "Ben", "Alert 6, critical"),
]


@ON_BOTH
def test_four_days_of_messages_counted_by_hand(url, clock, web, finding):
    clock.now = MONDAY + timedelta(hours=7)
    shifts = [
        {"who": "Ann", "since": "2026-03-02T00:00", "until": "2026-03-04T00:00"},
        {"who": "Ben", "since": "2026-03-04T00:00", "until": "2026-03-09T00:00"},
    ]
    options = NotificationOptions(
        targets={"shift": {"url": f"{web.url}shift", "least_level": "medium"}},
        people={name: f"{web.url}{name}" for name in ("Ann", "Ben", "Dora")},
        on_call={"shifts": shifts, "fallback": "Dora"},
        quiet_hours=["Mon-Sun 22:00-06:00"],
    )

    def raise_alert(desk, channel, level, asset="Pump-1"):
        desk.alerts.raise_findings([], [finding(channel=channel, level=level, asset=asset)])

    def open_order(desk):
        desk.people.set("Ann", "Eve")
        desk.parts.set("seal", "Eve", stock=0)
        due = datetime(2026, 3, 4, 12, tzinfo=UTC)
        order = desk.orders.new("Eve", asset="Pump-1", title="Seal", due=due, parts={"seal": 1})
        desk.orders.assign(order.number, "Ann", "Eve")

    def end_of_outage(hour):
        return MONDAY + timedelta(hours=hour)

    script = {
        "Mon 08:00": lambda desk: raise_alert(desk, "A", "medium"),
        "Mon 08:05": lambda desk: raise_alert(desk, "B", "medium"),
        "Mon 10:00": lambda desk: raise_alert(desk, "A", "high"),
        "Mon 10:20": lambda desk: desk.alerts.acknowledge(1, "Ann"),
        "Mon 11:00": open_order,
        "Mon 12:00": lambda desk: desk.alerts.close(2, "Ann", "false alarm"),
        "Mon 13:00": lambda desk: desk.outages.start("Pump-2", "Eve", "cleaning", end_of_outage(18)),
        "Mon 13:10": lambda desk: raise_alert(desk, "C", "critical", "Pump-2"),
        "Mon 18:40": lambda desk: desk.alerts.acknowledge(3, "Dora"),
        "Mon 23:00": lambda desk: raise_alert(desk, "D", "high"),
        "Tue 07:10": lambda desk: desk.alerts.acknowledge(4, "Ben"),
        "Tue 09:00": lambda desk: raise_alert(desk, "E", "high"),
        "Tue 10:00": lambda desk: desk.parts.receive("seal", 1, "Eve"),
        "Tue 12:00": lambda desk: desk.alerts.close(5, "Ann", "test"),
        "Thu 02:00": lambda desk: raise_alert(desk, "F", "critical"),
        "Thu 02:10": lambda desk: desk.alerts.acknowledge(6, "Ben"),
    }
    arrived = []
    with Maintenance(url, clock, notifications=options) as desk:
        while clock.now < MONDAY + timedelta(days=4):
            moment = f"{clock.now:%a %H:%M}"
            script.get(moment, lambda desk: None)(desk)
            before = len(web.bodies)
            desk.send_messages()
            arrived += [(moment, body["to"], body["title"]) for body in web.bodies[before:]]
            if moment == "Tue 09:00":
                desk.alerts.shelve(5, "Ann", "known", hours=8)
            clock.forward(minutes=5)
        assert sorted(arrived, key=_moment) == sorted(EXPECTED, key=_moment)
        delivered = desk.log(action="notified")
        assert len(delivered) == len(EXPECTED)
        states = desk.notifier.list()["state"].value_counts().to_dict()
        assert states == {"sent": 17, "dropped": 2}  # the first message has two; alert 5 was to go to two
        assert desk.verify_log().ok


def _moment(message):
    day, time = message[0].split()
    return (("Mon", "Tue", "Wed", "Thu").index(day), time, *message[1:])
