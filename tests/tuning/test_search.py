"""A tuning from stored scores to a preset, where the right parameters are known."""

import json

import pandas as pd
import pytest

import workbench as wb
from tests.tuning.fleets import BUMPS, EVENT, FAULTS, RIGHT, SETTINGS, TEST_SAMPLES
from workbench.exceptions import LabelError, SettingsError
from workbench.tuned import read_tuned, tuned_path
from workbench.tuning import rejudging
from workbench.tuning.rejudging import rejudge
from workbench.tuning.result import CANDIDATE, NESTED


def of_score(anomalies):
    return list(anomalies[["start", "end", "severity", "found_by"]].itertuples(index=False, name=None))


MONTHS = (TEST_SAMPLES - 1) / (60 * 24) / (365.25 / 12)


def test_the_right_value_is_chosen_judged_by_others_and_saved(fleet):
    tuning = fleet.tune(grid=RIGHT, save=True)
    assert tuning.changes == {"least_error": 0.1}
    figures = tuning.figures.set_index("preset")
    assert list(figures.index) == ["plain", NESTED, CANDIDATE]
    counts = figures[["true_positives", "false_positives", "false_negatives"]]
    assert counts.to_numpy().tolist() == [[3, 3, 0], [3, 0, 0], [3, 0, 0]]
    assert figures["f1"].tolist() == pytest.approx([2 / 3, 1, 1])
    assert figures["f0_5"].tolist() == pytest.approx([3.75 / 6.75, 1, 1])
    assert figures["false_alarms_per_month"].tolist() == pytest.approx([3 / (6 * MONTHS), 0, 0])
    assert tuning.difference.mean == pytest.approx(1 / 3)
    assert tuning.difference.low > 0
    assert tuning.table["chosen"].tolist() == [1, 0]
    assert read_tuned(fleet.settings.home) == tuning.candidate
    assert str(tuned_path(fleet.settings.home)) in str(tuning)
    with wb.open(home=fleet.settings.home) as again:
        assert (again.settings.preset, again.settings.params.least_error) == ("tuned", 0.1)
    assert "least_error 0.1" in tuning._repr_html_()


def test_a_preset_that_is_not_better_is_not_saved(fleet):
    tuning = fleet.tune(grid={"least_error": (0.05, 0.06), "min_decrease": (0.13, 0.99)}, save=True)
    assert tuning.saved is None
    assert not tuned_path(fleet.settings.home).exists()
    assert "The present preset plain is the best point of the grid." in str(tuning)


def test_a_gain_that_is_not_sure_is_not_saved(fleet):
    labels = {name: table.iloc[: int(name in FAULTS)] for name, table in _event_everywhere().items()}
    labels["Q-1"] = labels["P-1"]  # a bump that is an event: fewer false alarms cost one event
    tuning = fleet.tune(labels, grid=RIGHT, save=True)
    figures = tuning.figures.set_index("preset")
    assert figures.loc["plain", ["true_positives", "false_positives"]].tolist() == [4, 2]
    assert tuning.difference.low <= 0
    assert tuning.saved is None and not tuned_path(fleet.settings.home).exists()


def test_points_are_judged_as_scores_are(fleet):
    for name in ("P-1", "Q-1"):
        score, params = fleet.score(name), fleet.settings.params
        rows = rejudge(fleet.channel(name), score, params, fleet.channel(name, "train"))
        assert rows == list(
            fleet.anomalies(name)[["start", "end", "severity", "found_by"]].itertuples(index=False, name=None)
        )
    values = {"z_min": 4.0, "error_buffer": 20, "envelope": "fixed"}
    other = wb.open(home=fleet.settings.home, preset="mine", presets={"mine": values})
    mine, expected = other.settings.params, of_score(other.anomalies("P-1"))
    assert rejudge(fleet.channel("P-1"), fleet.score("P-1"), mine, fleet.channel("P-1", "train")) == expected


def test_a_stopped_tuning_goes_on_to_the_same_bytes(fleet, monkeypatch):
    grid = {"least_error": (0.05, 0.1), "z_min": (2.5, 3.0, 4.0)}
    whole = fleet.tune(grid=grid, repeats=3)
    kept = {path.name: path.read_bytes() for path in sorted((fleet.settings.home / "tuning").iterdir())}
    assert list(kept) == sorted(f"{name}.json" for name in (*FAULTS, *BUMPS))
    for name in kept:
        (fleet.settings.home / "tuning" / name).unlink()
    judged = _count_judged(monkeypatch, stop_after=8)
    with pytest.raises(KeyboardInterrupt):
        fleet.tune(grid=grid, repeats=3)
    assert len(judged) == 8
    judged = _count_judged(monkeypatch)
    again = fleet.tune(grid=grid, repeats=3)
    assert len(judged) == 6 * 6 - 8
    assert json.dumps(again.to_json_dict()) == json.dumps(whole.to_json_dict())
    assert {path.name: path.read_bytes() for path in sorted((fleet.settings.home / "tuning").iterdir())} == kept
    assert fleet.tune(grid=grid, repeats=3).table.equals(whole.table)
    assert len(judged) == 6 * 6 - 8, "nothing is judged twice"


def test_what_is_kept_is_of_the_present_predictions(fleet, monkeypatch):
    fleet.tune(grid=RIGHT)
    fleet.train("P-1", sequence_length=60, telemetry_lags=10, force=True)
    newest = fleet.registry.list("P-1")[-1]
    fleet.registry.set_alias(newest.name, newest.version, "champion")
    (fleet.settings.home / "tuning" / "Q-1.json").write_text('{"made_from": ')
    judged = _count_judged(monkeypatch)
    fleet.tune(grid=RIGHT)
    assert len(judged) == 2 * 2, "the channel with another model, and the one whose file is damaged"


def test_what_is_kept_with_another_digit_is_judged_again(fleet, monkeypatch):
    whole = fleet.tune(grid=RIGHT)
    path = fleet.settings.home / "tuning" / "P-1.json"
    kept = path.read_text()
    severity = next(row[2] for rows in json.loads(kept)["points"].values() for row in rows)
    path.write_text(kept.replace(repr(severity), repr(severity + 1)))
    judged = _count_judged(monkeypatch)
    assert fleet.tune(grid=RIGHT).table.equals(whole.table)
    assert len(judged) == 2
    assert path.read_text() == kept


@pytest.mark.slow
def test_processes_come_to_the_same(fleet):
    here = fleet.tune(grid=RIGHT)
    with wb.open(home=fleet.settings.home, compute="processes:2", **SETTINGS) as elsewhere:
        for path in (fleet.settings.home / "tuning").iterdir():
            path.unlink()
        assert elsewhere.tune(grid=RIGHT).to_json_dict() == here.to_json_dict()


def test_series_that_are_the_same_are_judged_once(fleet):
    copy = fleet.archive.open("P-1").load(), fleet.archive.open("P-1", "train").load()
    test, train = (one.assign_attrs(channel="R-1") for one in copy)
    fleet.archive.write(train, test, _event_everywhere()["P-1"])
    fleet.train("R-1", sequence_length=60, telemetry_lags=20)
    tuning = fleet.tune(grid=RIGHT)
    assert tuning.channels == 6
    assert "R-1 has the same test series as P-1: judged once." in tuning.notes


def test_an_event_of_an_asset_counts_once_and_its_channels_choose_together(fleet):
    labels = _event_everywhere()
    labels |= {name: labels[name].assign(event="fault") for name in FAULTS}
    labels |= {name: labels[name].iloc[:0] for name in BUMPS}
    tuning = fleet.tune(labels, grid=RIGHT)
    counts = tuning.figures[["true_positives", "false_positives", "false_negatives"]]
    assert counts.to_numpy().tolist() == [[1, 3, 0], [1, 0, 0], [1, 0, 0]]
    assert tuning.channels == 6
    assert "The 3 channels of Asset-P share events: they choose and are judged together." in tuning.notes
    with pytest.raises(LabelError, match=r"The 3 channels that can be judged share events of Asset-P, .* one series"):
        fleet.tune({name: labels[name] for name in FAULTS}, grid=RIGHT)


def test_one_bad_channel_does_not_stop_the_others(fleet):
    fleet.archive.write(
        fleet.archive.open("P-1", "train").load().assign_attrs(channel="S-1"),
        fleet.archive.open("P-2").load().assign_attrs(channel="S-1"),
        _event_everywhere()["P-1"],
    )
    tuning = fleet.tune(grid=RIGHT)
    assert list(tuning.failed) == ["S-1"] and "no champion model" in tuning.failed["S-1"]
    assert tuning.changes == {"least_error": 0.1}


def test_verdicts_are_labels_and_what_they_cost_is_told(fleet):
    fleet.raise_alerts()
    alerts = fleet.maintenance.alerts
    with pytest.raises(LabelError, match="No alert has a verdict"):
        fleet.tune(verdicts=True)
    numbers = {row["channel"]: row["id"] for row in alerts.list().to_dict(orient="records")}
    assert sorted(numbers) == sorted((*FAULTS, *BUMPS))
    for name in FAULTS:
        alerts.close(numbers[name], "Ann", "true")
    for name in BUMPS[:2]:
        alerts.close(numbers[name], "Ann", "false alarm")
    tuning = fleet.tune(verdicts=True, grid=RIGHT)
    assert tuning.channels == 5  # nobody has judged the alert of Q-3
    assert tuning.notes[0] == "Verdicts: 3 real faults and 2 false alarms."
    assert tuning.verdicts.spared == tuple(sorted(numbers[name] for name in BUMPS[:2]))
    assert "2 false alarms less (alerts " in str(tuning) and "cost no real fault." in str(tuning)
    figures = tuning.figures.set_index("preset")
    assert figures.loc["plain", ["true_positives", "false_positives"]].tolist() == [3, 2]


def test_what_cannot_be_tuned_is_said(fleet):
    with pytest.raises(SettingsError, match="Labels and verdicts are both asked for"):
        fleet.tune(_event_everywhere(), verdicts=True)
    with pytest.raises(SettingsError, match=r"no figure 'f2' to tune by. Known: f1, f0_5"):
        fleet.tune(goal="f2")
    with pytest.raises(SettingsError, match=r"folds is 1. It must be at least 2"):
        fleet.tune(folds=1)
    with pytest.raises(LabelError, match="No channel has a true event"):
        fleet.tune({"Q-1": _event_everywhere()["P-1"].iloc[:0]})
    with pytest.raises(LabelError, match="Only 1 labelled series can be judged"):
        fleet.tune({"P-1": _event_everywhere()["P-1"]}, grid=RIGHT)


def _event_everywhere():
    labels = pd.DataFrame({"start": [EVENT[0]], "end": [EVENT[1]], "kind": ["point"]})
    return {name: labels for name in (*FAULTS, *BUMPS)}


def _count_judged(monkeypatch, stop_after=None):
    judged = []
    score = _count_judged.score

    def counting(*arguments):
        if len(judged) == stop_after:
            raise KeyboardInterrupt
        judged.append(arguments)
        return score(*arguments)

    monkeypatch.setattr(rejudging, "score", counting)
    return judged


_count_judged.score = rejudging.score
