"""A case in words: what moved first, by hand."""

from datetime import UTC, datetime

import pytest

from workbench.maintenance.alerts.table import STATES
from workbench.maintenance.cases.case import CASE_STATES, case_of

SECOND = 10**9
T = int(datetime(2026, 3, 2, 10, 2, tzinfo=UTC).timestamp()) * SECOND


def alert(number, channel, first, **changed):
    values = {"id": number, "channel": channel, "first_at": T + first * SECOND, "last_at": T + (first + 60) * SECOND}
    plain = {"asset": "Pump-1", "kind": "model", "clock": "time", "level": "high", "state": "acknowledged"}
    plain["contributions"] = ""
    values["evidence_at"] = changed.get("first_at", values["first_at"])
    return plain | values | {"raised_at": datetime(2026, 3, 2, 12, number, tzinfo=UTC)} | changed


def test_what_moved_first_is_said_in_one_sentence():
    alerts = [
        alert(1, "Current", 40),
        alert(2, "Pressure", 0),
        alert(3, "Flow", 300, level="critical"),
        alert(4, "Pressure", 400, state="closed"),
        alert(5, "Level", 300),
        alert(6, "Temperature", 500, state="returned"),
    ]
    case = case_of(3, alerts)
    words = "Pump-1: Pressure moved first at 2026-03-02 10:02:00 UTC, Current 40 s later; 5 channels, worst critical."
    assert str(case) == words
    assert case.channels == ("Pressure", "Current", "Flow", "Level", "Temperature"), "ties by level"
    assert case.alerts == (2, 1, 3, 5, 4, 6)
    assert (case.level, case.state) == ("critical", "returned")
    assert (case.start_time, case.end_time) == (
        datetime(2026, 3, 2, 10, 2, tzinfo=UTC),
        datetime(2026, 3, 2, 10, 11, 20, tzinfo=UTC),
    )
    assert case.raised_at == datetime(2026, 3, 2, 12, 1, tzinfo=UTC)
    assert case_of(3, reversed(alerts)) == case


def test_ties_go_by_level_and_then_by_name():
    case = case_of(1, [alert(1, "B", 0), alert(2, "A", 0), alert(3, "Z", 0, level="critical")])
    assert case.channels == ("Z", "A", "B")
    assert "Z moved first at 2026-03-02 10:02:00 UTC, A at the same time; 3 channels" in str(case)


def test_channels_of_an_alert_on_the_asset_move_with_it_in_the_order_of_their_shares():
    shares = '[["Flow", 0.5], ["Pressure", 0.3], ["Current", 0.2]]'
    case = case_of(
        1,
        [
            alert(1, "Pump-1", 60, kind="asset", level="info", contributions=shares),
            alert(2, "Valve", 90),
            alert(3, "Current", 0),
            alert(4, "Pump-1", 120, kind="asset", contributions='[["Flow", 0.7]]'),
            alert(5, "A", 60, level="critical"),
        ],
    )
    assert case.channels == ("Current", "Flow", "Pressure", "A", "Valve")
    assert [(one.share, one.level) for one in case.onsets[:3]] == [(0.2, "high"), (0.7, "high"), (0.3, "info")]
    assert "Current moved first at 2026-03-02 10:02:00 UTC, A 1 min later; 5 channels" in str(case), (
        "Flow only contributes"
    )


def test_channels_that_only_contribute_have_no_order_in_time():
    shares = '[["Flow", 0.2], ["Pressure", 0.71], ["Current", 0.09]]'
    whole = alert(1, "Pump-1", 0, kind="asset", contributions=shares)
    words = "the asset as a whole moved at 2026-03-02 10:02:00 UTC, contributed most: Pressure (71 %), Flow (20 %)"
    assert words in str(case_of(1, [whole]))
    assert "moved first" not in str(case_of(1, [whole]))
    later = case_of(1, [whole, alert(2, "Flow", 300), alert(3, "Level", 240)])
    assert words.replace("moved at", "moved first at") in str(later)
    assert str(later).endswith(", Current (9 %); Level by itself 4 min later; 4 channels, worst high.")
    assert later.channels == ("Pressure", "Flow", "Current", "Level")


@pytest.mark.parametrize(
    ("alerts", "words"),
    [
        ([alert(1, "Flow", 0)], "Pump-1: Flow moved at 2026-03-02 10:02:00 UTC; worst high."),
        (
            [alert(1, "Pump-1", 0, kind="asset")],
            "Pump-1: the asset as a whole moved at 2026-03-02 10:02:00 UTC; worst high.",
        ),
        (
            [alert(1, "Flow", 0, clock="sample", first_at=1200, last_at=1300), alert(2, "Pump-1", 0, kind="asset")],
            "Pump-1: Flow moved at sample 1,200; worst high.",
        ),
    ],
    ids=["one channel", "the asset alone", "no dates"],
)
def test_cases_of_one_channel(alerts, words):
    alerts = [one | ({"clock": "sample"} if alerts[0]["clock"] == "sample" else {}) for one in alerts]
    assert str(case_of(1, alerts)) == words


def test_every_state_of_alerts_has_its_place():
    assert sorted(CASE_STATES) == sorted(STATES)
