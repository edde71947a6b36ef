from datetime import timedelta

import pytest
import sqlalchemy as sa

from workbench.exceptions import MaintenanceError
from workbench.maintenance import log


@pytest.fixture
def written(database, clock):
    for i in range(5):
        with database.writing() as db:
            log.append(
                db, f"alert:{i % 2}", "commented", "Ann" if i else "Bob", {"text": f"Grüße {i}", "at": clock.now}
            )
        clock.forward(hours=1)
    assert log.verify(database).ok
    return database


def by_hand(database, statement):
    with database.writing() as db:
        db.execute(sa.text(statement))


@pytest.mark.parametrize(
    ("statement", "row", "reason"),
    [
        ("UPDATE log SET who = 'Eve' WHERE seq = 3", 3, "its content does not match its hash"),
        ("UPDATE log SET time = time + 1 WHERE seq = 2", 2, "its content does not match its hash"),
        ("UPDATE log SET subject = 'alert:9' WHERE seq = 1", 1, "its content does not match its hash"),
        ("UPDATE log SET action = 'closed' WHERE seq = 5", 5, "its content does not match its hash"),
        ("UPDATE log SET details = '{}' WHERE seq = 4", 4, "its content does not match its hash"),
        ("UPDATE log SET hash = previous WHERE seq = 4", 4, "its content does not match its hash"),
        ("UPDATE log SET previous = hash WHERE seq = 4", 4, "it does not follow the row before it"),
        ("DELETE FROM log WHERE seq = 1", 2, "row 1 is missing before it"),
        ("DELETE FROM log WHERE seq = 3", 4, "row 3 is missing before it"),
        ("DELETE FROM log WHERE seq >= 4", 4, "it is missing, with all after it up to row 5"),
        ("DELETE FROM log", 1, "it is missing, with all after it up to row 5"),
        ("DELETE FROM log_end", 5, "it was not the last row when the log was written"),
        (
            "INSERT INTO log (seq, time, subject, action, who, details, previous, hash)"
            " SELECT 6, time, subject, action, who, details, hash, hash FROM log WHERE seq = 5",
            6,
            "its content does not match its hash",
        ),
    ],
)
def test_an_edit_by_hand_is_named(written, statement, row, reason):
    by_hand(written, statement)
    result = log.verify(written)
    assert (result.ok, result.broken, result.reason) == (False, row, reason)
    assert str(result) == f"Row {row} of the log is not as it was written: {reason}."


def test_an_empty_log_is_sound(database):
    result = log.verify(database)
    assert (result.ok, result.entries) == (True, 0)
    assert "0 rows" in str(result)


def test_entries_are_filtered_newest_first(written, clock):
    assert log.entries(written)["seq"].tolist() == [5, 4, 3, 2, 1]
    assert log.entries(written, subject="alert:1")["seq"].tolist() == [4, 2]
    assert len(log.entries(written, subject="alert")) == 5
    assert log.entries(written, subject="order").empty
    assert log.entries(written, who="Bob")["seq"].tolist() == [1]
    assert log.entries(written, action="closed").empty
    assert log.entries(written, without="commented").empty
    assert len(log.entries(written, without="closed")) == 5
    start = clock.now - timedelta(hours=5)
    assert log.entries(written, since=start + timedelta(hours=1), until=start + timedelta(hours=3))["seq"].tolist() == [
        3,
        2,
    ]
    assert log.entries(written, limit=2)["seq"].tolist() == [5, 4]
    assert '"text": "Grüße 0"' in log.entries(written, who="Bob")["details"][0]


def test_nobody_cannot_write(database):
    with pytest.raises(MaintenanceError, match="The name of the person is empty"), database.writing() as db:
        log.append(db, "alert:1", "closed", "  ")
    assert log.verify(database).entries == 0


def test_length_counts_the_rows(database, written):
    assert log.length(written) == 5
    by_hand(database, "DELETE FROM log")
    by_hand(database, "DELETE FROM log_end")
    assert log.length(database) == 0


def test_pages_follow_one_another_and_text_is_found(written):
    assert log.entries(written, limit=2, offset=2)["seq"].tolist() == [3, 2]
    assert log.entries(written, limit=2, offset=4)["seq"].tolist() == [1]
    assert log.entries(written, text="grüße 0")["seq"].tolist() == log.entries(written, who="Bob")["seq"].tolist()
    assert log.entries(written, text="ALERT:1")["seq"].tolist() == [4, 2]
    assert log.entries(written, text="%").empty


def test_counts_are_those_of_the_rows(written):
    for filters in ({}, {"who": "Bob"}, {"subject": "alert:1"}, {"subject": "order"}, {"text": "grüße"}):
        assert log.count(written, **filters) == len(log.entries(written, **filters))
    assert "Bob" in log.people(written)
    assert sorted(log.people(written)) == list(log.people(written))
