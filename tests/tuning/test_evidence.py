"""Verdicts as evidence, by hand."""

import pandas as pd
import pytest

from workbench.exceptions import LabelError
from workbench.maintenance.alerts.verdicts import ThresholdEffect, would_raise
from workbench.maintenance.options import AlertOptions
from workbench.parameters import SeverityLevels
from workbench.tuning.evidence import Evidence, VerdictEffect, touches, verdict_effect


def spans(*rows):
    return pd.DataFrame(list(rows), columns=["start", "end"]).astype("int64")


def effect(spared=(), missed=()):
    tables = (pd.DataFrame({"id": list(ids)}, dtype="int64") for ids in (spared, missed))
    return ThresholdEffect(*tables, 0, spans())


def test_spans_touch_where_they_share_a_sample():
    assert touches(spans((0, 9), (20, 29), (50, 50)), spans((9, 9), (30, 49), (50, 60))).tolist() == [True, False, True]
    assert touches(spans((0, 9)), spans()).tolist() == [False]


def test_an_anomaly_on_an_undecided_alert_counts_for_nothing():
    evidence = Evidence({"P-1": spans((100, 119))}, {"P-1": spans((200, 219), (110, 130))})
    rows = [
        (105, 125, 5.0, "forecast"),  # true, and undecided
        (210, 215, 3.0, "forecast"),  # undecided
        (300, 310, 2.0, "forecast"),  # false
    ]
    anomalies = evidence.anomalies(rows, SeverityLevels())
    counted = evidence.count({"P-1": anomalies}, {"P-1": 400})
    assert (counted.true_positives, counted.false_positives, counted.false_negatives) == (1, 1, 0)
    assert counted.flagged == 21 + 11


def test_an_event_of_an_asset_is_found_where_any_channel_finds_it():
    leak = spans((100, 119), (300, 319)).assign(event=["leak", "blockage"])
    evidence = Evidence({"P-1": leak, "P-2": leak})
    anomalies = {"P-1": spans((110, 115)), "P-2": spans((105, 125), (200, 210))}
    counted = evidence.count(anomalies, {"P-1": 400, "P-2": 400})
    # The leak is found by both, the blockage by none; P-2 has a false alarm.
    assert (counted.true_positives, counted.false_positives, counted.false_negatives) == (1, 1, 1)


def test_what_would_raise_no_alert_does_not_count():
    evidence = Evidence({"P-1": spans()}, raises_alert=lambda table: table[table["level"] == "medium"])
    rows = [(0, 9, 5.0, "forecast"), (20, 29, 1.0, "forecast")]
    assert evidence.anomalies(rows, SeverityLevels())["start"].tolist() == [0]


def test_evidence_without_events_chooses_nothing():
    with pytest.raises(LabelError, match="flagging nothing would be the best choice"):
        Evidence({"P-1": spans(), "P-2": spans()}).check()


def test_false_alarms_less_and_what_they_cost():
    present, candidate = effect(spared=[1], missed=[2]), effect(spared=[1, 3, 4, 5], missed=[7])
    result = verdict_effect(present, candidate)
    assert result == VerdictEffect(spared=(3, 4, 5), missed=(7,), added=(), gained=(2,))
    assert str(result) == (
        "3 false alarms less (alerts 3, 4, 5) cost 1 real fault (alert 7). 1 real fault more would be found (alert 2)."
    )


@pytest.mark.parametrize(
    ("outcome", "words"),
    [
        (VerdictEffect(), "On the judged alerts the candidate does what the present preset does."),
        (VerdictEffect(spared=(4,)), "1 false alarm less (alert 4) costs no real fault."),
        (VerdictEffect(missed=(4, 6)), "2 real faults (alerts 4, 6) would be missed."),
        (VerdictEffect(added=(9,)), "1 false alarm more would be raised (alert 9)."),
        (
            VerdictEffect(spared=tuple(range(1, 15))),
            "14 false alarms less (alerts 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12 and 2 others) cost no real fault.",
        ),
    ],
)
def test_the_effect_in_words(outcome, words):
    assert str(outcome) == words


def test_what_the_envelope_found_counts_however_short_it_is():
    """An alert needs three samples in a row, unless the envelope found it."""
    evidence = Evidence({"P-1": spans()}, raises_alert=lambda table: would_raise(table, AlertOptions(on_delay=3)))
    rows = [(0, 0, 5.0, "envelope"), (20, 21, 5.0, "forecast"), (40, 42, 5.0, "forecast")]
    assert evidence.anomalies(rows, SeverityLevels())["start"].tolist() == [0, 40]
