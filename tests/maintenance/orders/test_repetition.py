"""Due dates by days of the month and in seasons, beside what a calendar on the wall shows."""

from datetime import UTC, date, datetime, timedelta
from itertools import islice

import pandas as pd
import pytest

from workbench.exceptions import MaintenanceError
from workbench.maintenance.desk import Maintenance
from workbench.maintenance.orders.repetition import Repetition, day_rule, season_months

YEAR = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("rule", "days"),
    [
        ("first Monday", ["01-05", "02-02", "03-02", "04-06"]),  # from the calendar of 2026
        ("last Friday", ["01-30", "02-27", "03-27", "04-24"]),
        ("third Sunday", ["01-18", "02-15", "03-15", "04-19"]),
        ("day 15", ["01-15", "02-15", "03-15", "04-15"]),
        ("last day", ["01-31", "02-28", "03-31", "04-30"]),
    ],
)
def test_days_are_those_of_the_calendar(rule, days):
    dates = islice(Repetition(rule=rule).following(YEAR), 4)
    assert [f"{one:%m-%d %H:%M}" for one in dates] == [f"{day} 23:59" for day in days]


def test_every_rule_of_forty_years_by_looking_at_each_day():
    weekdays = ("Monday", "Wednesday", "Sunday")
    for number, ordinal in ((1, "first"), (2, "second"), (3, "third"), (4, "fourth")):
        for weekday in weekdays:
            wanted, day = [], date(2026, 1, 1)
            while len(wanted) < 480:
                if day.strftime("%A") == weekday and (day.day - 1) // 7 + 1 == number:
                    wanted.append(day)
                day += timedelta(days=1)
            dates = islice(Repetition(rule=f"{ordinal} {weekday}").following(YEAR), 480)
            assert [one.date() for one in dates] == wanted


def test_a_day_ends_in_the_zone_of_the_plant():
    first = next(Repetition(rule="first Monday", timezone="Europe/Berlin").following(datetime(2026, 7, 1, tzinfo=UTC)))
    assert first == datetime(2026, 7, 6, 21, 59, tzinfo=UTC)


def test_a_season_leaves_out_the_other_months():
    monthly = [f"{one:%Y-%m}" for one in islice(Repetition(rule="day 1", season="Nov-Feb").following(YEAR), 5)]
    assert monthly == ["2026-01", "2026-02", "2026-11", "2026-12", "2027-01"]
    fortnights = Repetition(14.0, season="Mar").following(datetime(2026, 2, 10, 8, tzinfo=UTC))
    assert [f"{one:%m-%d}" for one in islice(fortnights, 3)] == ["03-10", "03-24", "03-09"]


@pytest.mark.parametrize("days", [365.0, 365.25])  # no January is a July: not in the 173 years up to 2200
def test_dates_that_never_lie_in_the_season_are_none(days):
    assert list(Repetition(days, season="Jul").following(datetime(2027, 1, 15, tzinfo=UTC))) == []


def test_a_plan_without_a_date_in_its_season_is_refused(url, clock):
    with Maintenance(url, clock) as desk:
        with pytest.raises(
            MaintenanceError, match=r"No date of the plan lies in Jul before 2200\. Choose a first date"
        ):
            desk.preventive.add(
                "Inspect", "Pump-1", "Ann", every_days=365.25, season="Jul", first=datetime(2027, 1, 15, tzinfo=UTC)
            )
        assert desk.preventive.list().empty


@pytest.mark.parametrize("text", ["fifth Monday", "first Moonday", "day 31", "day 0", "Monday", "", "first of May"])
def test_a_rule_that_is_none_is_refused(text):
    with pytest.raises(MaintenanceError, match=r"Write"):
        day_rule(text)


@pytest.mark.parametrize("text", ["Apr-", "Ap", "13", "spring", ","])
def test_a_season_that_is_none_is_refused(text):
    with pytest.raises(MaintenanceError, match=r"Write months as 'Apr-Sep'"):
        season_months(text)


def test_a_plan_by_the_calendar_opens_and_counts_what_was_missed(url, clock):
    """From 2 March 2026 on; the first Mondays of April to July are the 6th, 4th, 1st and 6th."""
    with Maintenance(url, clock) as desk:
        desk.parts.set("seal", "Ann", stock=9)
        content = {"skills": ["rf"], "parts": {"seal": 2}, "checklist": [{"text": "Look for leaks"}]}
        desk.preventive.add(
            "Grease", "Pump-1", "Ann", calendar="first Monday", season="Apr-Sep", lead_days=3, **content
        )
        clock.now = datetime(2026, 4, 3, 12, tzinfo=UTC)
        assert desk.preventive.open_due("workbench") == ()
        clock.now = datetime(2026, 4, 4, tzinfo=UTC)
        assert desk.preventive.open_due("workbench") == ("WO-1",)
        order = desk.orders.get("WO-1")
        assert (order.due, order.skills) == (datetime(2026, 4, 6, 23, 59, tzinfo=UTC), ("rf",))
        assert [item.text for item in order.checklist] == ["Look for leaks"]
        assert order.parts[0]["needed"] == 2
        desk.orders.cancel("WO-1", "no time", "Ann")
        clock.now = datetime(2026, 7, 10, tzinfo=UTC)
        figures = desk.preventive.list().iloc[0]
        assert figures["next_due"] == datetime(2026, 5, 4, 23, 59, tzinfo=UTC)
        assert desk.preventive.open_due("workbench") == ("WO-2",)
        assert desk.preventive.list()["next_due"].iloc[0] == datetime(2026, 8, 3, 23, 59, tzinfo=UTC)
        assert desk.log(subject="preventive:1", action="dates missed")["details"].iloc[0].count('"dates": 2') == 1
        assert desk.verify_log().ok


def test_dates_that_nobody_opened_lower_the_compliance(url, clock):
    """Of April, May, June and July none has an order: four dates, none kept; nothing is due in the winter."""
    with Maintenance(url, clock) as desk:
        desk.preventive.add("Grease", "Pump-1", "Ann", calendar="first Monday", season="Apr-Jul")
        clock.now = datetime(2026, 12, 1, tzinfo=UTC)
        watched = pd.DataFrame({"asset": ["Pump-1"], "start": [YEAR], "end": [clock.now]})
        figures = desk.figures(watched, datetime(2026, 3, 3, tzinfo=UTC), clock.now).set_index("figure")
        row = figures[figures.index.str.contains("reventive")].iloc[0]
        assert row["value"] == 0.0
        assert "4 preventive dates, 4 not kept" in row["basis"]


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ({"calendar": "first Monday", "every_days": 3}, "exactly one rule"),
        ({"calendar": "fifth Monday"}, "is not a rule for a day"),
        ({"meter": "hours", "every": 5, "season": "Apr-Sep"}, "A season is for plans"),
        ({"every_days": 3, "season": "summer"}, "is not a month"),
        ({"every_days": 3, "parts": {"nut": 1}}, "There is no part 'nut'"),
        ({"every_days": 3, "type": "odd"}, "'odd' is not a type of work order"),
        ({"every_days": 3, "checklist": [{"text": ""}]}, "has no text"),
    ],
)
def test_a_plan_that_could_open_no_order_is_refused(url, clock, rule, words):
    with Maintenance(url, clock) as desk:
        with pytest.raises(MaintenanceError, match=words):
            desk.preventive.add("Grease", "Pump-1", "Ann", **rule)
        assert desk.log_length() == 0


def test_a_plan_by_health_opens_when_health_falls(url, clock):
    with Maintenance(url, clock) as desk:
        desk.preventive.add("Look at it", "SMAP", "Ann", meter="health", below=60)
        assert desk.preventive.health_assets() == ("SMAP",)
        desk.preventive.record_health({"SMAP": float("nan")}, "workbench")
        desk.preventive.record_health({"SMAP": 90.0}, "workbench")
        desk.preventive.record_health({"SMAP": 90.0}, "workbench")
        assert len(desk.log(action="read")) == 1, "the same value again is no reading"
        assert desk.preventive.open_due("workbench") == ()
        desk.preventive.record_health({"SMAP": 55.0}, "workbench")
        assert desk.preventive.open_due("workbench") == ("WO-1",)
