import pandas as pd

from workbench.maintenance.alerts import Alerts
from workbench.maintenance.verdicts import judged_alerts, threshold_effect, verdict_labels


def test_verdicts_become_labels_and_judge_other_thresholds(database, finding):
    alerts = Alerts(database)
    spots = {"P-1": [(0, 50), (200, 250), (400, 450)], "P-2": [(0, 50)], "P-3": [(0, 50)]}
    for channel, places in spots.items():
        alerts.raise_findings([], [finding(channel=channel, start_sample=a, end_sample=b) for a, b in places])
    for number, verdict in ((1, "true"), (2, "false alarm"), (4, "false alarm"), (5, "unknown")):
        alerts.close(number, "Ann", verdict)
    labels = verdict_labels(database)
    assert {name: table[["start", "end"]].values.tolist() for name, table in labels.items()} == {
        "P-1": [[0, 50]],
        "P-2": [],
    }
    found = {
        "P-1": pd.DataFrame({"start": [210, 900], "end": [220, 950]}),
        "P-2": pd.DataFrame({"start": [], "end": []}),
    }
    effect = threshold_effect(judged_alerts(database), alerts.list(state=None), found)
    assert effect.missed["id"].tolist() == [1]
    assert effect.spared["id"].tolist() == [4]
    assert effect.kept == 1
    assert effect.new.values.tolist() == [["P-1", 900, 950]]
    assert str(effect) == (
        "1 false alarm would not have been raised, 1 true alert would have been missed, 1 stay, 1 anomaly would be new."
    )
