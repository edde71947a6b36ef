from benchmarks.kill_writers import check, finding, kill_writers
from workbench.maintenance.alerts.alerts import Alerts


def test_writers_can_be_killed_at_any_moment(url):
    acknowledged_writes, faults = kill_writers(url, kills=4)
    assert faults == []
    assert acknowledged_writes > 0


def test_the_check_finds_what_is_missing(database):
    (number,) = Alerts(database).raise_findings([], [finding("C-1", 0)]).raised
    assert check(database, [(number, "raised")]) == []
    assert check(database, [(number, "raised"), (number, "closed")]) == ["alert:1 closed: told 1 times too often"]
