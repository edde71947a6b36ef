"""Notifications of alerts, delivered to a mail server and a web server on this machine."""

import multiprocessing
import os
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from tests.maintenance.conftest import Clock
from tests.maintenance.notifications.conftest import ON_BOTH, notifier, raised
from workbench.exceptions import MaintenanceError, SettingsError
from workbench.maintenance import log
from workbench.maintenance.alerts.known.table import KnownMatch
from workbench.maintenance.alerts.outages import Outages
from workbench.maintenance.database import Database
from workbench.maintenance.notifications import notifier as sending
from workbench.maintenance.notifications.notifier import Delivery, Notifier
from workbench.maintenance.options import NotificationOptions
from workbench.settings import load_settings


def test_alerts_of_a_minute_go_into_one_message_once(database, alerts, finding, clock, web):
    ours = notifier(database, web.url)
    numbers = [raised(alerts, finding), raised(alerts, finding, channel="P-2"), raised(alerts, finding, channel="P-3")]
    low = raised(alerts, finding, channel="P-4", level="low")
    assert low == 4
    assert ours.tick().waiting == 3
    assert ours.tick().waiting == len(numbers)
    clock.forward(seconds=60)
    again = Notifier(database, ours.options)  # as after a restart
    assert again.tick().sent == (("ops", 3),)
    assert again.tick().sent == ()
    (body,) = web.bodies
    assert body["title"] == "3 alerts, the worst high"
    assert body["message"].splitlines()[1] == "high (alert 2): P-2 left its forecast"


def test_alerts_of_a_case_are_one_line_of_a_message(database, alerts, finding, clock, web):
    def at(channel, minute):
        times = {name: clock.now + timedelta(minutes=minute) for name in ("start_time", "end_time")}
        return raised(alerts, finding, channel=channel, **times)

    ours = notifier(database, web.url)
    at("P-2", 5), at("P-1", 0)
    ours.tick()
    clock.forward(seconds=60)
    assert ours.tick().sent == (("ops", 2),)
    sentence = "SMAP: P-1 moved first at 2026-03-02 08:00:00 UTC, P-2 5 min later; 2 channels, worst high."
    assert web.bodies[0]["title"] == "Case 1, high: 2 alerts"
    assert web.bodies[0]["message"].splitlines()[0] == f"high (case 1, alerts 1, 2): {sentence}"
    at("P-3", 400), at("P-4", 400), raised(alerts, finding, channel="X-1")
    ours.tick()
    clock.forward(seconds=60)
    assert ours.tick().sent == (("ops", 3),)
    assert web.bodies[1]["title"] == "3 alerts, the worst high"
    lines = web.bodies[1]["message"].splitlines()[:2]
    assert [line.partition(")")[0] for line in lines] == ["high (case 2, alerts 3, 4", "high (alert 5"]


def test_the_gravest_go_at_once_and_take_the_others_along(database, alerts, finding, web):
    ours = notifier(database, web.url)
    raised(alerts, finding), raised(alerts, finding, channel="P-2", level="critical")
    assert ours.tick().sent == (("ops", 2),)
    assert web.bodies[0]["message"].startswith("critical (alert 2)")


def test_a_channel_cools_down(database, alerts, finding, clock, web):
    ours = notifier(database, web.url, cool_down_seconds=600)
    raised(alerts, finding, level="critical")
    assert ours.tick().sent == (("ops", 1),)
    raised(alerts, finding, level="critical", start_sample=500, end_sample=520)
    clock.forward(seconds=599)
    assert (ours.tick().sent, ours.tick().waiting) == ((), 1)
    clock.forward(seconds=1)
    assert ours.tick().sent == (("ops", 1),)


def test_quiet_hours_hold_back_all_but_the_gravest_until_they_end(database, alerts, finding, clock, web):
    ours = notifier(database, web.url, quiet_hours=["Mon-Sun 07:00-09:00"])  # it is 8
    for i in range(3):
        raised(alerts, finding, channel=f"P-{i}")
    clock.forward(minutes=5)
    assert ours.tick().sent == ()
    raised(alerts, finding, channel="E-1", level="critical")
    assert ours.tick().sent == (("ops", 1),)
    clock.forward(hours=1)
    assert ours.tick().sent == (("ops", 3),)


def test_a_failed_delivery_says_why_and_is_tried_again(database, alerts, finding, clock, web):
    ours = notifier(database, web.url)
    web.answers.append(500)
    raised(alerts, finding, level="critical")
    done = ours.tick()
    assert done.sent == ()
    assert done.waiting == 1
    ((target, reason),) = done.failed
    assert target == "ops"
    assert "500" in reason
    clock.forward(seconds=59)
    assert ours.tick() == Delivery(waiting=1)
    clock.forward(seconds=1)
    assert ours.tick().sent == (("ops", 1),)
    nowhere = notifier(database, "nothing://x")
    alerts.close(1, "Ann", "true")
    raised(alerts, finding, channel="E-1", level="critical")
    assert nowhere.tick().failed[0][1]


def test_mail_arrives(database, alerts, finding, mail):
    ours = notifier(database, f"mailto://127.0.0.1:{mail.port}?from=wb@example.com&to=ann@example.com&smtp=127.0.0.1")
    raised(alerts, finding, level="critical")
    assert ours.tick().failed == ()
    (one,) = mail.mails
    assert one["Subject"] == "Alert 1, critical"
    assert "P-1 left its forecast" in one.get_payload(decode=True).decode()


def test_what_is_hidden_is_not_told(database, alerts, finding, web):
    number = raised(alerts, finding, level="critical")
    alerts.shelve(number, "Ann", "known", hours=1)
    assert notifier(database, web.url).tick().waiting == 0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{quiet_hours: [whenever]}", "notifications"),
        ("{targets: {ops: {uri: x}}}", "notifications.targets.ops"),
        ("{cool_down_seconds: -1}", "notifications.cool_down_seconds"),
    ],
)
def test_wrong_settings_are_named(tmp_path, text, message):
    (tmp_path / "workbench.yaml").write_text(f"notifications: {text}")
    with pytest.raises(SettingsError, match=message):
        load_settings(tmp_path)


def test_an_alert_that_opens_again_is_told_again(database, alerts, finding, clock, web):
    ours = notifier(database, web.url)
    number = raised(alerts, finding, level="critical")
    assert ours.tick().sent == (("ops", 1),)
    alerts.close(number, "Ann", "false alarm")
    report = alerts.raise_findings([], [finding(level="critical", end_sample=900)])
    assert report.reopened == (number,)
    clock.forward(minutes=15)  # the channel has cooled down
    assert ours.tick().sent == (("ops", 1),)


def lines(web):
    """What has arrived, by its first words."""
    return [body["message"].splitlines()[0].partition(":")[0] for body in web.bodies]


def test_an_alert_that_rises_is_told_once_a_rise_however_soon_after_the_first(database, alerts, finding, clock, web):
    ours = notifier(database, web.url)
    raised(alerts, finding, level="medium")
    clock.forward(minutes=15)
    assert ours.tick().sent == (("ops", 1),)
    for level in ("medium", "high", "high", "critical", "critical"):
        alerts.raise_findings([], [finding(level=level)])
        ours.tick()
        clock.forward(minutes=1)  # less than the channel's cool-down
        ours.tick()
    assert lines(web) == ["medium (alert 1)", "high, risen (alert 1)", "critical, risen (alert 1)"]


def test_a_rise_before_the_first_message_is_one_message(database, alerts, finding, clock, web):
    ours = notifier(database, web.url)
    raised(alerts, finding, level="medium")
    ours.tick()
    alerts.raise_findings([], [finding(level="critical")])
    assert ours.tick().sent == (("ops", 1),)
    clock.forward(hours=1)
    assert ours.tick() == Delivery()
    assert lines(web) == ["critical, risen (alert 1)"]


def test_what_was_raised_in_an_outage_is_told_when_it_ends(database, alerts, finding, clock, web):
    ours, outages = notifier(database, web.url), Outages(database)
    outages.start("SMAP", "Ann", "calibration", until=clock.now + timedelta(hours=3))
    raised(alerts, finding, level="critical")
    raised(alerts, finding, channel="P-2", level="critical")
    alerts.close(2, "Ann", "test")
    clock.forward(hours=2)
    assert ours.tick() == Delivery()
    clock.forward(hours=1)
    alerts.tick()  # nobody ends it: its time is over
    assert ours.tick().sent == (("ops", 1),)
    assert lines(web) == ["critical, shown again after the outage of its asset (alert 1)"]


def test_what_a_shelf_hid_is_told_when_it_ends(database, alerts, finding, clock, web):
    ours = notifier(database, web.url)
    first = raised(alerts, finding, level="critical")
    ours.tick()
    alerts.shelve(first, "Ann", "known", hours=1)
    raised(alerts, finding, level="critical", start_sample=500, end_sample=520)
    assert ours.tick().sent == ()
    clock.forward(hours=1)
    alerts.tick()
    assert ours.tick().sent == (("ops", 2),)


@pytest.mark.parametrize("change", ["close", "shelve", "acknowledge", "outage"])
def test_what_was_dealt_with_before_its_batch_is_not_told(database, alerts, finding, clock, web, change):
    ours = notifier(database, web.url)
    number = raised(alerts, finding)
    assert ours.tick().waiting == 1
    if change == "close":
        alerts.close(number, "Ann", "test")
    elif change == "shelve":
        alerts.shelve(number, "Ann", "known", hours=9)
    elif change == "acknowledge":
        alerts.acknowledge(number, "Ann")
    else:
        Outages(database).start("SMAP", "Ann", "calibration")
    clock.forward(hours=1)
    assert ours.tick() == Delivery()
    assert web.bodies == []
    (row,) = ours.list().to_dict(orient="records")
    assert (row["state"], row["about"], row["error"].split()[:3]) == ("dropped", "alert 1", ["the", "alert", "is"])


def test_a_known_event_at_info_is_not_told(database, alerts, finding, clock, web):
    raised(alerts, finding, channel="P-9", level="info")
    alerts.close(1, "Ann", "test", "valve test")
    alerts.known.set_bound(1, "Ann", 0.3)  # there is no telemetry from which one could be learnt
    match = KnownMatch(event=1, name="valve test", distance=0.1, bound=0.3, level="high", message="P-1 left")
    alerts.raise_findings([], [finding(level="info", known=match)])
    raised(alerts, finding, channel="P-3", level="info")
    ours = notifier(database, web.url, least_level="info")
    ours.tick()
    clock.forward(hours=1)
    assert ours.tick().sent == (("ops", 1),)
    assert lines(web) == ["info (alert 3)"]


def test_without_a_rota_an_escalation_tells_the_targets_once_more(database, alerts, finding, clock, web):
    ours = notifier(database, web.url)
    raised(alerts, finding, level="critical")
    for _ in range(60):
        alerts.tick()
        ours.tick()
        clock.forward(minutes=1)
    assert lines(web) == ["critical (alert 1)", "critical, not acknowledged (alert 1)"]
    assert [body["title"] for body in web.bodies] == ["Alert 1, critical", "Not acknowledged: Alert 1, critical"]


def test_deliveries_and_failures_stand_in_the_log_without_secrets(database, alerts, finding, clock, web):
    address = web.url.replace("//", "//ann:sesame-secret@") + "hook/T0KEN-T0KEN"
    ours = notifier(database, address)
    web.answers.append(500)
    raised(alerts, finding, level="critical")
    ours.tick()
    clock.forward(minutes=1)
    ours.tick()
    rows = log.entries(database, subject="target:ops").to_dict(orient="records")
    assert [row["action"] for row in rows] == ["notified", "notification failed"]
    assert rows[0]["details"] == '{"alerts": [1]}'
    assert "500" in rows[1]["details"]
    assert "sesame-secret" not in str(rows) + str(ours.list().to_dict())
    assert "T0KEN" not in str(rows)


def test_tries_back_off_and_are_given_up_until_somebody_asks(database, alerts, finding, clock, web):
    ours = notifier(database, web.url)
    raised(alerts, finding, level="critical")
    web.answers.extend([500] * 12)
    start, tries = clock.now, []
    for _ in range(600):
        if ours.tick().failed:
            tries.append(int((clock.now - start).total_seconds() / 60))
        clock.forward(minutes=1)
    # waits of 1, 2, 4, 8, 16 and 32 minutes, then an hour each
    assert tries == [0, 1, 3, 7, 15, 31, 63, 123, 183, 243, 303, 363]
    assert ours.list("failed")["attempts"].tolist() == [12]
    assert ours.retry("Ann") == 1
    assert ours.tick().sent == (("ops", 1),)
    with pytest.raises(MaintenanceError, match="Message 1 is sent"):
        ours.retry("Ann", [1])
    for number in (7, 10**20):
        with pytest.raises(MaintenanceError, match=f"There is no message {number}"):
            ours.retry("Ann", [number])


def test_a_target_that_fails_does_not_keep_others_from_theirs(database, alerts, finding, web):
    targets = {name: {"url": url} for name, url in (("bad", "json://127.0.0.1:1/"), ("good", web.url))}
    ours = Notifier(database, NotificationOptions(targets=targets))
    raised(alerts, finding, level="critical")
    done = ours.tick()
    assert ([name for name, _ in done.failed], done.sent) == (["bad"], (("good", 1),))


def test_two_that_send_at_once_send_each_message_once(url, database, alerts, finding, web):
    for number in range(5):
        raised(alerts, finding, channel=f"P-{number}", level="critical")
    targets = {f"t{number}": {"url": f"{web.url}t{number}"} for number in range(8)}
    four = [Notifier(Database(url, database.clock, patience=60), NotificationOptions(targets=targets)) for _ in "abcd"]
    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(Notifier.tick, four))
    for one in four:
        one.database.close()
    assert sorted(body["to"] for body in web.bodies) == sorted(targets)
    assert sum(len(one.sent) for one in done) == 8


def _die(url, target, moment):
    """Send, and die while the message is on its way."""
    clock = Clock()
    clock.now = moment
    sending.deliver = _killed
    Notifier(Database(url, clock), NotificationOptions(targets={"ops": {"url": target}})).tick()


def _killed(*_):
    os._exit(9)


@ON_BOTH
def test_a_process_that_dies_while_it_sends_loses_nothing(url, database, alerts, finding, clock, web):
    raised(alerts, finding, level="critical")
    database.close()
    process = multiprocessing.get_context("fork").Process(target=_die, args=(url, web.url, clock.now))
    process.start()
    process.join()
    assert process.exitcode == 9
    ours = notifier(database, web.url)
    assert ours.tick() == Delivery(waiting=1)  # nobody knows whether it still sends
    clock.forward(minutes=5)
    assert ours.tick().sent == (("ops", 1),)
    assert "This may have arrived before" in web.bodies[0]["message"]
    clock.forward(hours=1)
    assert ours.tick() == Delivery()


def test_each_channel_is_tried_and_says_what_happened(database, web):
    options = NotificationOptions(
        targets={"ops": {"url": web.url}, "nowhere": {"url": "nothing://x"}}, people={"Ann": f"{web.url}ann"}
    )
    table = Notifier(database, options).test(who="Ben")
    assert table[["name", "kind", "sent"]].to_numpy().tolist() == [
        ["ops", "target", True],
        ["nowhere", "target", False],
        ["Ann", "person", True],
    ]
    assert table["reason"][1] == "Apprise does not support this address"
    assert [body["to"] for body in web.bodies] == ["", "ann"]
    assert Notifier(database, options).test("Ann")["name"].tolist() == ["Ann"]
    with pytest.raises(MaintenanceError, match="Known: ops, nowhere, Ann"):
        Notifier(database, options).test("Cid")
    with pytest.raises(MaintenanceError, match="no target and no person"):
        Notifier(database).test()


def test_a_recipient_that_left_the_settings_is_named(database, alerts, finding, clock, web):
    raised(alerts, finding)
    notifier(database, web.url).tick()
    clock.forward(hours=1)
    ours = Notifier(database, NotificationOptions(targets={"new": {"url": web.url}}))
    assert ours.tick() == Delivery()
    assert ours.list("failed")["error"].tolist() == ["ops has no address in the settings"]


def test_the_message_holds_the_head_of_the_log(database, alerts, finding, web):
    ours = notifier(database, web.url)
    raised(alerts, finding, level="critical")
    ours.tick()
    head = web.bodies[0]["message"].splitlines()[-1].removeprefix("Maintenance log: ")
    assert log.verify(database, head).ok, "what was sent is in the log as it was"


def test_old_messages_are_removed_once_what_they_are_about_is_closed(database, alerts, finding, clock, web):
    ours = notifier(database, web.url, keep_days=30, cool_down_seconds=0)
    closed, open_one = (
        raised(alerts, finding, level="critical"),
        raised(alerts, finding, level="critical", channel="P-2"),
    )
    assert ours.tick().sent == (("ops", 2),)
    alerts.close(closed, "Ann", "false alarm")
    clock.forward(days=30)
    ours.tick()
    assert len(ours.list()) == 2
    clock.forward(seconds=1)
    ours.tick()
    assert ours.list()["about"].tolist() == [f"alert {open_one}"]
    alerts.close(open_one, "Ann", "false alarm")
    kept = notifier(database, web.url, keep_days=None)
    kept.tick()
    assert len(kept.list()) == 1
    assert len(log.entries(database, action="notified")) == 1, "the log still says who was told"
