"""The on-call rota: who is on call, from settings and from calendars as Google, Outlook and PagerDuty write them."""

from datetime import UTC, datetime, timedelta

import pytest

from workbench.exceptions import MaintenanceError, SettingsError
from workbench.maintenance.notifications.rota import read_rota
from workbench.maintenance.options import NotificationOptions
from workbench.settings import load_settings

PEOPLE = {"Ann": "json://ann", "Ben": "json://ben", "Cid": "json://cid"}
HEAD = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//EN\r\n"


def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def rota(shifts, **options):
    rows = [{"who": who, "since": since, "until": until} for who, since, until in shifts]
    return read_rota(NotificationOptions(people=PEOPLE, on_call={"shifts": rows}, **options))


def calendar(tmp_path, *events, **options):
    lines = "".join(f"BEGIN:VEVENT\r\n{event}\r\nEND:VEVENT\r\n" for event in events)
    path = tmp_path / "rota.ics"
    path.write_bytes(f"{HEAD}{lines}END:VCALENDAR\r\n".encode())
    return read_rota(NotificationOptions(people=PEOPLE, on_call={"calendar": path}, **options))


def event(who, start, *more, end=None):
    return "\r\n".join(
        [f"UID:{who}-{start}", f"SUMMARY:{who}", f"DTSTART{start}", *([f"DTEND{end}"] if end else []), *more]
    )


WEEKS = [
    ("Ann", "2026-03-02T08:00", "2026-03-09T08:00"),
    ("Ben", "2026-03-09T08:00", "2026-03-16T08:00"),
]


def test_a_shift_holds_from_its_first_moment_to_the_next_one():
    weeks = rota(WEEKS)
    moments = ["2026-03-02T07:59", "2026-03-02T08:00", "2026-03-09T07:59", "2026-03-09T08:00", "2026-03-16T08:00"]
    assert [weeks.at(at(moment)) for moment in moments] == [None, "Ann", "Ann", "Ben", None]


def test_times_without_zone_are_of_the_zone_of_the_notifications():
    weeks = rota(WEEKS, timezone="Europe/Berlin")  # 08:00 in Berlin is 07:00 UTC in March
    assert [weeks.at(at(moment)) for moment in ("2026-03-02T06:59", "2026-03-02T07:00")] == [None, "Ann"]


def test_the_next_person_is_the_next_of_the_rota_who_was_not_told():
    weeks = rota(
        [*WEEKS, ("Ann", "2026-03-16T08:00", "2026-03-23T08:00"), ("Cid", "2026-03-23T08:00", "2026-03-30T08:00")]
    )
    moment = at("2026-03-03T12:00")
    assert [weeks.following(moment, told) for told in ([], ["Ann"], ["Ann", "Ben"], list(PEOPLE))] == [
        "Ann",
        "Ben",
        "Cid",
        None,
    ]


def test_gaps_and_overlaps_are_named():
    faulty = rota(
        [
            ("Ann", "2026-03-02T08:00", "2026-03-05T08:00"),
            ("Ben", "2026-03-04T20:00", "2026-03-07T08:00"),
            ("Cid", "2026-03-07T10:00", "2026-03-12T08:00"),
        ]
    )
    assert faulty.faults(at("2026-03-02T09:00")) == [
        "Nobody is on call from 2026-03-07 08:00 UTC to 2026-03-07 10:00 UTC.",
        "Nobody is on call from 2026-03-12 08:00 UTC on.",
        "Ann and Ben are both on call from 2026-03-04 20:00 UTC to 2026-03-05 08:00 UTC; Ben is told.",
    ]
    assert faulty.at(at("2026-03-04T21:00")) == "Ben"


def test_a_rota_without_gaps_has_no_faults():
    first = at("2026-03-02T08:00")
    days = [
        (list(PEOPLE)[day % 3], str(first + timedelta(days=day)), str(first + timedelta(days=day + 1)))
        for day in range(40)
    ]
    assert rota(days).faults(first) == []


def test_a_weekly_rota_of_a_calendar_keeps_its_local_time_when_the_clocks_change(tmp_path):
    zone = ";TZID=Europe/Berlin:"
    weekly = "RRULE:FREQ=WEEKLY;INTERVAL=2"
    made = calendar(
        tmp_path,
        event("Ann", f"{zone}20260302T080000", weekly, end=f"{zone}20260309T080000"),
        event("ben", f"{zone}20260309T080000", weekly, end=f"{zone}20260316T080000"),
    )
    # Berlin goes to summer time on 29 March 2026: 08:00 there is 07:00 UTC before, and 06:00 UTC after
    for moment, who in (
        ("2026-03-16T06:59", "Ben"),
        ("2026-03-16T07:00", "Ann"),
        ("2026-03-30T05:59", "Ben"),
        ("2026-03-30T06:00", "Ann"),
        ("2026-04-06T06:00", "Ben"),
    ):
        assert made.at(at(moment)) == who, moment
    assert made.faults(at("2026-03-10T00:00")) == []


def test_days_off_moved_and_cancelled_shifts_of_a_calendar(tmp_path):
    made = calendar(
        tmp_path,
        event(
            "Ann", ":20260302T080000Z", "RRULE:FREQ=DAILY;COUNT=6", "EXDATE:20260304T080000Z", end=":20260303T080000Z"
        ),
        "\r\n".join(
            [
                "UID:Ann-:20260302T080000Z",
                "RECURRENCE-ID:20260305T080000Z",
                "SUMMARY:Ben",
                "DTSTART:20260305T080000Z",
                "DTEND:20260306T080000Z",
            ]
        ),
        event("Cid", ":20260307T080000Z", "STATUS:CANCELLED", end=":20260308T080000Z"),
    )
    days = [made.at(at(f"2026-03-{day:02}T12:00")) for day in range(2, 9)]
    assert days == ["Ann", "Ann", None, "Ben", "Ann", "Ann", None]


@pytest.mark.parametrize("until", ["20260311T080000Z", "20260311", "20260311T090000"])
def test_whole_days_and_every_form_of_until(tmp_path, until):
    made = calendar(
        tmp_path, event("Ann", ";VALUE=DATE:20260302", f"RRULE:FREQ=WEEKLY;UNTIL={until}", end=";VALUE=DATE:20260304")
    )
    assert [made.at(at(f"2026-03-{day:02}T12:00")) for day in (2, 3, 4, 9, 10, 11, 16)] == [
        "Ann", "Ann", None, "Ann", "Ann", None, None,
    ]  # fmt: skip


def test_strangers_of_a_calendar_are_named_and_are_not_on_call(tmp_path):
    made = calendar(tmp_path, event("Zoe", ":20260302T080000Z", end=":20260309T080000Z"))
    assert (made.strangers(), made.at(at("2026-03-03T12:00"))) == (["Zoe"], None)


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("SUMMARY:Ann", "times of event 'Ann'"),
        ("SUMMARY:Ann\r\nDTSTART:20260302T080000Z", "does not end after it begins"),
        ("SUMMARY:Ann\r\nDTSTART:20260302T080000Z\r\nDTEND:20260301T080000Z", "does not end after it begins"),
        ("SUMMARY:Ann\r\nDTSTART:20260302T080000Z\r\nDURATION:P1D\r\nRRULE:FREQ=SECONDLY", "more often than daily"),
    ],
)
def test_an_event_that_is_no_shift_is_refused(tmp_path, lines, message):
    with pytest.raises(MaintenanceError, match=message):
        calendar(tmp_path, lines)


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, "cannot be read"), (b"\xff\x00 pump,1", "not an ICS file|no event"), (b"", "no event")],
)
def test_a_file_that_is_no_calendar_is_refused(tmp_path, content, message):
    path = tmp_path / "rota.ics"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(MaintenanceError, match=message):
        read_rota(NotificationOptions(people=PEOPLE, on_call={"calendar": path}))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{on_call: {fallback: Zoe}}", "on_call.fallback: 'Zoe' has no address"),
        ("{on_call: {shifts: [{who: Zoe, since: 2026-03-02, until: 2026-03-03}]}}", "on_call.shifts.0.who: 'Zoe'"),
        (
            "{people: {Ann: x}, on_call: {shifts: [{who: Ann, since: 2026-03-03, until: 2026-03-02}]}}",
            "not after it begins",
        ),
        ("{people: {Ann: x}, targets: {Ann: {url: y}}}", "Ann is the name of a target and of a person"),
        ("{people: {on-call: x}}", "on-call"),
        ("{timezone: Mars/Base}", "There is no time zone"),
        ("{link_hours: 0}", "notifications.link_hours"),
    ],
)
def test_wrong_settings_are_named(tmp_path, text, message):
    (tmp_path / "workbench.yaml").write_text(f"notifications: {text}")
    with pytest.raises(SettingsError, match=message):
        load_settings(tmp_path)


@pytest.mark.parametrize(
    "address", ["workbench.example", "ftp://x", "https://x?a=1", "https://u:p@x", "http://x:99999", "https://x y"]
)
def test_a_public_address_that_is_none_is_refused(tmp_path, address):
    with pytest.raises(SettingsError, match=r"dashboard\.public_url"):
        load_settings(tmp_path, dashboard={"public_url": address})
    assert load_settings(tmp_path, dashboard={"public_url": "https://x/wb/"}).dashboard.public_url == "https://x/wb"
