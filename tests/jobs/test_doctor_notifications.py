"""What `workbench doctor` says of notifications: gaps and overlaps of the rota, the key of links, failed messages."""

from datetime import UTC, datetime
from functools import partial

from workbench.jobs.doctor import examine
from workbench.session import Session
from workbench.settings import load_settings

SETTINGS = """\
dashboard: {public_url: "https://wb.example"}
notifications:
  people: {Ann: "json://127.0.0.1:1/", Ben: "json://127.0.0.1:1/"}
  on_call:
    shifts:
      - {who: Ann, since: 2026-03-02T08:00, until: 2026-03-09T08:00}
      - {who: Ben, since: 2026-03-09T10:00, until: 2026-04-20T08:00}
"""
SUBJECTS = ("links", "on call", "notifications")
NOW = datetime(2026, 3, 3, tzinfo=UTC)


def findings(home):
    with Session(load_settings(home, home=home), partial(datetime.fromisoformat, NOW.isoformat())) as session:
        return [(one.what, one.state, one.found) for one in examine(session) if one.what in SUBJECTS]


def test_a_gap_of_the_rota_and_a_key_that_others_read_are_named(tmp_path):
    (tmp_path / "workbench.yaml").write_text(SETTINGS)
    key = tmp_path / "links.key"
    key.write_bytes(bytes(32))
    key.chmod(0o644)
    assert findings(tmp_path) == [
        ("links", "broken", f"The key of links, {key}, can be read by others."),
        ("on call", "missing", "Nobody is on call from 2026-03-09 08:00 UTC to 2026-03-09 10:00 UTC."),
        ("notifications", "ok", "0 targets, 2 people; to try them: workbench notify test"),
    ]


def test_a_calendar_that_cannot_be_read_or_names_a_stranger_is_named(tmp_path):
    (tmp_path / "workbench.yaml").write_text(
        "notifications: {people: {Ann: 'json://x'}, on_call: {calendar: rota.ics}}"
    )
    assert findings(tmp_path)[0][:2] == ("on call", "broken")
    event = "BEGIN:VEVENT\r\nUID:1\r\nSUMMARY:Zoe\r\nDTSTART;VALUE=DATE:20260301\r\nRRULE:FREQ=DAILY\r\nEND:VEVENT\r\n"
    (tmp_path / "rota.ics").write_text(f"BEGIN:VCALENDAR\r\n{event}END:VCALENDAR\r\n")
    assert [found for _, _, found in findings(tmp_path)][:2] == [
        "'Zoe' in the calendar has no address in notifications.people.",
        "Nobody is on call from 2026-03-03 00:00 UTC on.",
    ]


def test_without_anybody_to_tell_nothing_is_wrong(tmp_path):
    assert [state for _, state, _ in findings(tmp_path)] == ["ok"]
