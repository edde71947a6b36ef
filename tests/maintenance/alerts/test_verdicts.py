import json

import numpy as np
import pandas as pd
import pytest

from tests.maintenance.alerts.test_raising import dated
from workbench.exceptions import ConflictError, MaintenanceError, TransitionError
from workbench.maintenance.alerts.alerts import Alerts
from workbench.maintenance.options import AlertOptions


def test_verdicts_become_labels_and_judge_other_thresholds(database, finding):
    alerts = Alerts(database)
    spots = {"P-1": [(0, 50), (200, 250), (400, 450)], "P-2": [(0, 50)], "P-3": [(0, 50)]}
    for channel, places in spots.items():
        alerts.raise_findings([], [finding(channel=channel, start_sample=a, end_sample=b) for a, b in places])
    for number, verdict in ((1, "true"), (2, "false alarm"), (4, "false alarm"), (5, "unknown")):
        alerts.close(number, "Ann", verdict)
    labels = alerts.labels()
    assert {name: table[["start", "end"]].values.tolist() for name, table in labels.items()} == {
        "P-1": [[0, 50]],
        "P-2": [],
    }
    anomalies = {
        "P-1": pd.DataFrame({"start": [210, 900], "end": [220, 950]}),
        "P-2": pd.DataFrame({"start": [], "end": []}),
    }
    effect = alerts.threshold_effect(anomalies)
    assert effect.missed["id"].tolist() == [1]
    assert effect.spared["id"].tolist() == [4]
    assert effect.kept == 1
    assert effect.new.values.tolist() == [["P-1", 900, 950]]
    assert str(effect) == (
        "1 false alarm would not have been raised, 1 real fault would have been missed, "
        "1 alert would be raised as before, 1 anomaly would be new."
    )


def test_what_is_too_short_or_too_low_would_not_have_been_raised(database, finding):
    alerts = Alerts(database, AlertOptions(on_delay=3, least_level="low"))
    alerts.raise_findings([], [finding(start_sample=a, end_sample=a + 50) for a in (0, 200, 400)])
    for number in (1, 2, 3):
        alerts.close(number, "Ann", "true")
    anomalies = pd.DataFrame({"start": [0, 200, 400], "end": [1, 210, 410], "level": ["high", "info", "low"]})
    assert alerts.threshold_effect({"P-1": anomalies}).missed["id"].tolist() == [1, 2]
    assert alerts.judged()["verdict"].tolist() == ["true"] * 3


def test_verdicts_follow_the_data(database, finding):
    may = pd.date_range("2024-05-01", periods=2000, freq="min").values.astype("datetime64[ns]")
    archive = {"P-1": may}
    alerts = Alerts(database, series=archive.get)
    alerts.raise_findings([], [dated(finding, 900, 1042, row=900), dated(finding, 1500, 1510, row=1500)])
    alerts.close(1, "Ann", "true")
    alerts.close(2, "Ann", "false alarm")

    def rows():
        return {name: table[["start", "end"]].values.tolist() for name, table in alerts.labels().items()}

    assert rows() == {"P-1": [[900, 1042]]}
    archive["P-1"] = may[300:]
    assert rows() == {"P-1": [[600, 742]]}
    archive["P-1"] = may[1000:]
    assert rows() == {"P-1": [[0, 42]]}, "the part that is still there"
    archive["P-1"] = may[1200:]
    assert rows() == {"P-1": []}, "only the false alarm is still there"
    assert alerts.threshold_effect({"P-1": pd.DataFrame({"start": [], "end": []})}).spared["id"].tolist() == [2]
    for other in (may + np.timedelta64(31, "D"), np.arange(2000), None):
        archive["P-1"] = other
        assert rows() == {}, "May's verdicts are no labels of another series"
        assert alerts.judged()["start"].isna().all()


def test_a_verdict_is_corrected_with_a_reason_and_the_log_keeps_both(database, finding):
    alerts = Alerts(database)
    alerts.raise_findings([], [finding()])
    with pytest.raises(TransitionError, match="Cannot correct alert 1: it is unacknowledged"):
        alerts.correct(1, "Ben", "true", "why")
    alerts.close(1, "Ann", "false alarm", "a glitch")
    assert alerts.labels()["P-1"].empty
    for verdict, why, message in (
        ("false-alarm", "why", "is false alarm already"),
        ("true", " ", "reason"),
        ("maybe", "why", "'maybe' is not a verdict"),
    ):
        with pytest.raises(MaintenanceError, match=message):
            alerts.correct(1, "Ben", verdict, why)
    corrected = alerts.correct(1, "Ben", "real fault", "the seal leaks")
    assert (corrected.state, corrected.verdict, corrected.closed_by) == ("closed", "true", "Ann")
    assert alerts.labels()["P-1"][["start", "end"]].to_numpy().tolist() == [[100, 120]]
    assert alerts.judged()["verdict"].tolist() == ["true"]
    history = alerts.history(1)[["action", "who"]].to_numpy().tolist()
    assert history == [["raised", "workbench"], ["closed", "Ann"], ["verdict corrected", "Ben"]]
    details = json.loads(alerts.history(1)["details"].iloc[-1])
    assert (details["before"], details["verdict"]) == ("false alarm", "true")
    assert alerts.remarks(1)["text"].tolist() == ["the seal leaks", "a glitch"]
    with pytest.raises(ConflictError):
        alerts.correct(1, "Cid", "test", "why", version=1)


def test_an_alert_of_a_removed_channel_has_no_verdict_to_correct(database, finding):
    alerts = Alerts(database)
    alerts.raise_findings([], [finding()])
    alerts.close(1, "Ann", "unknown", "Its channel was removed from the archive.")
    with pytest.raises(TransitionError, match="its channel was removed"):
        alerts.correct(1, "Ben", "true", "why")
