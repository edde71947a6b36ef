"""Scores judged against labels: events of an asset count once, and metrics of one's own read the score."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from typer.testing import CliRunner

import workbench as wb
from tests.plants import write_plant
from workbench.cli import app
from workbench.detection.evaluation import evaluate
from workbench.exceptions import DetectionError, LabelError
from workbench.judging import Truth, confusion, find_labels, judge_assets
from workbench.telemetry.archive import Archive
from workbench.telemetry.schema import make_channel

MINUTE = np.timedelta64(1, "m")
BEGIN = np.datetime64("2024-03-01T00:00:00", "ns")


def dated(name: str, n: int, first: int, step: int = 1, asset: str = "PUMP"):
    """A channel sampled every `step` minutes from minute `first` on."""
    time = BEGIN + (first + step * np.arange(n)) * MINUTE
    return make_channel(np.sin(np.arange(n) / 9), channel=name, asset=asset, time=time)


def labels(*pairs: tuple[int, int]) -> pd.DataFrame:
    return pd.DataFrame([(*pair, "fault") for pair in pairs], columns=["start", "end", "kind"])


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    """Two channels of a pump, one of them at half the rate, and a fan."""
    archive = Archive(tmp_path / "archive.zarr")
    archive.write(dated("P-1", 300, 0), dated("P-1", 400, 300))
    archive.write(dated("P-2", 150, 0, 2), dated("P-2", 200, 300, 2))
    archive.write(dated("F-1", 300, 0, asset="FAN"), dated("F-1", 400, 300, asset="FAN"))
    return archive


def judged(archive: Archive, truth, found: dict[str, tuple[int, int]]) -> pd.Series:
    predicted = {
        name: pd.DataFrame([found[name]] if name in found else [], columns=["start", "end"]).astype("int64")
        for name in truth.tables
    }
    infos = {name: archive.info(name) for name in truth.tables}
    lengths = {name: info.n_test for name, info in infos.items()}
    assets = {name: info.asset for name, info in infos.items()}
    rows = evaluate(predicted, truth.tables, lengths, assets).rows.set_index("group")
    return rows.loc["all", ["true_positives", "false_positives", "false_negatives"]].tolist()


def test_a_label_of_an_asset_is_one_event_for_channels_of_any_rate(archive: Archive, tmp_path: Path) -> None:
    file = tmp_path / "labels.csv"
    rows = ["PUMP,2024-03-01 06:40,2024-03-01 06:59", "PUMP,2024-03-01 08:20,2024-03-01 08:29"]
    file.write_text("\n".join(["asset,start,end", *rows]), encoding="utf-8")
    truth = find_labels(archive, archive.channels(), file)
    # Minute 400 is sample 100 of P-1 and sample 50 of P-2.
    assert truth.tables["P-1"]["start"].tolist() == [100, 200]
    assert truth.tables["P-2"]["start"].tolist() == [50, 100]
    assert truth.tables["P-1"]["event"].tolist() == truth.tables["P-2"]["event"].tolist()
    assert judged(archive, truth, {"P-2": (52, 55)}) == [1, 0, 1]
    assert judged(archive, truth, {"P-1": (100, 101), "P-2": (52, 55)}) == [1, 0, 1]
    assert judged(archive, truth, {}) == [0, 0, 2]


@pytest.mark.parametrize(
    ("row", "where"),
    [
        ("PUMP,2023-03-01 06:40,2023-03-01 06:59", "2 labels outside of the data"),  # the year is another
        ("PUMP,2024-03-01 01:00,2024-03-01 01:01", "3 labelled samples in training series"),  # two of P-1, one of P-2
    ],
)
def test_labels_none_of_which_can_be_judged_are_refused(archive: Archive, tmp_path: Path, row: str, where: str) -> None:
    file = tmp_path / "labels.csv"
    file.write_text(f"asset,start,end\n{row}\n", encoding="utf-8")
    with pytest.raises(LabelError, match=f"No label of the file .*: {where}"):
        find_labels(archive, archive.channels(), file)


def test_a_label_of_one_channel_stays_its_own(archive: Archive, tmp_path: Path) -> None:
    file = tmp_path / "labels.csv"
    rows = ["PUMP,,2024-03-01 06:40,2024-03-01 06:59", "PUMP,P-1,2024-03-01 09:00,2024-03-01 09:09"]
    file.write_text("\n".join(["asset,channel,start,end", *rows]), encoding="utf-8")
    truth = find_labels(archive, archive.channels(), file)
    assert truth.tables["P-1"]["event"].eq("").tolist() == [False, True]
    assert judged(archive, truth, {"P-1": (100, 101)}) == [1, 0, 1]


def test_a_label_between_two_samples_of_a_slow_channel_is_the_same_event(archive: Archive, tmp_path: Path) -> None:
    file = tmp_path / "labels.csv"
    file.write_text("asset,start,end\nPUMP,2024-03-01 06:41,2024-03-01 06:41\n", encoding="utf-8")
    truth = find_labels(archive, archive.channels(), file)
    assert truth.tables["P-2"]["start"].tolist() == [50]
    assert judged(archive, truth, {"P-2": (50, 51)}) == [1, 0, 0]


def test_labels_that_all_channels_of_an_asset_have_are_counted_once_and_said_so(archive: Archive) -> None:
    archive.set_labels("P-1", labels((100, 118), (200, 209)))
    archive.set_labels("P-2", labels((50, 59)))
    archive.set_labels("F-1", labels((100, 118)))
    truth = find_labels(archive, archive.channels(), None)
    assert truth.notes == ("Counted once for PUMP: 1 label at the same time in its 2 labelled channels.",)
    assert judged(archive, truth, {"P-1": (100, 101)}) == [1, 0, 2]
    assert judged(archive, truth, {"P-1": (210, 215), "F-1": (100, 101)}) == [1, 1, 2]


def test_a_label_that_says_normal_is_no_fault(archive: Archive) -> None:
    mixed = labels((100, 118), (200, 209)).assign(kind=["point", "Nominal"])
    archive.set_labels("P-1", mixed)
    for given in (None, {"P-1": mixed}):
        truth = find_labels(archive, ["P-1"], given)
        assert judged(archive, truth, {"P-1": (200, 209)}) == [0, 1, 1], (
            "what is found in the nominal label is a false alarm"
        )
    (row,) = confusion(archive, ["P-1"], lambda name: labels((200, 209))).to_dict(orient="records")
    assert (row["true_positives"], row["false_positives"], row["false_negatives"]) == (0, 1, 1)
    assert len(archive.labels("P-1")) == 2, "the archive keeps what it was given"


def test_labels_as_numbers_of_samples_are_each_channels_own(tiny_archive: Archive) -> None:
    truth = find_labels(tiny_archive, tiny_archive.channels(), None)
    assert truth.notes == ()
    assert "event" not in truth.tables["X-1"]


def test_a_session_judges_with_metrics_by_name_and_of_ones_own(trained_home: Path) -> None:
    lengths, alarms = [], []

    def largest_error_at(predicted, labels, length, score):
        lengths.append((length, len(score), int(np.isnan(score[:250]).sum())))
        alarms.extend(zip(predicted["start"], predicted["detected_at"], strict=True))
        return {"largest_error_at": int(np.nanargmax(score))}

    with wb.open(home=trained_home) as session:
        result = session.evaluate(metrics=["all", largest_error_at])
        assert lengths == [(3000, 3000, 120), (3000, 3000, 120)]  # a tenth of the training telemetry
        figures = result.metrics.set_index("channel")
        assert 2000 <= figures.loc["X-1", "largest_error_at"] <= 2039 + 105  # the span of the smoothing
        assert figures.loc["X-1", "vus_pr"] > 0.3
        assert figures.loc["X-1", "esa_recall"] == 1
        assert any(start <= alarm and 2000 <= alarm < 2040 for start, alarm in alarms), "a fault from 2000 on"
        assert "largest_error_at" in result._repr_html_()
        with pytest.raises(DetectionError, match="no metric 'f1'"):
            session.evaluate(metrics=["f1"])


def asset_score(first: int, n: int, step: int = 1) -> xr.Dataset:
    """A score over the time base that begins at minute `first`; nothing is far from normal."""
    time = BEGIN + (first + step * np.arange(n)) * MINUTE
    quiet = ("time", np.zeros(n, dtype=np.float32))
    return xr.Dataset({"t_squared": quiet, "q": quiet}, coords={"time": time})


def asset_table(*pairs: tuple[int, int]) -> pd.DataFrame:
    anomalies = pd.DataFrame(pairs, columns=["start", "end"]).astype("int64")
    return pd.DataFrame([{"asset": "PUMP", "status": "scored", "anomalies": anomalies, "reason": ""}])


def test_an_asset_is_judged_by_the_labels_of_its_channels_on_its_time_base(archive: Archive) -> None:
    tables = {"P-1": labels((300, 309)), "P-2": labels((50, 50), (150, 155))}
    whole = judge_assets(archive, Truth(tables), asset_table((101, 101), (350, 360)), lambda _: asset_score(300, 400))
    # Sample 50 of P-2, which has every second minute, stands at 100 and 101 of the base; its samples 150 to 155 stand
    # at 300 to 311 and overlap the label of P-1. So there are two events: one is found, and one anomaly is false.
    (row,) = whole.evaluation.rows[whole.evaluation.rows["group"] == "PUMP"].to_dict("records")
    assert [row[name] for name in ("true_positives", "false_positives", "false_negatives")] == [1, 1, 1]
    assert row["flagged_fraction"] == 12 / 400
    assert row["tnr"] == 1 - 11 / (400 - 2 - 12)
    assert (whole.failed, whole.notes) == ({}, ())


def test_labels_between_and_outside_of_the_moments_of_a_time_base(archive: Archive) -> None:
    truth = Truth({"P-1": labels((104, 104), (0, 5))})
    # The base has minutes 400, 403, 406, ...; minute 404 is between two of them, minutes 300 to 305 are before it.
    whole = judge_assets(archive, truth, asset_table((1, 1)), lambda _: asset_score(400, 100, 3))
    row = whole.evaluation.rows.iloc[0]
    assert [row[name] for name in ("true_positives", "false_positives", "false_negatives")] == [1, 0, 0]
    assert whole.notes == (
        "PUMP as a whole is judged by the labels of 1 of its 2 channels: the others have none.",
        "Not judged: 1 label outside of the time base of PUMP.",
    )


def test_a_session_judges_an_asset_beside_its_channels_and_without_them(tmp_path: Path) -> None:
    write_plant(tmp_path)
    file = tmp_path / "labels.csv"
    rows = ["Pump-1,2026-01-03 10:10,2026-01-03 10:19", "Pump-1,2026-01-03 04:00,2026-01-03 04:09"]
    file.write_text("\n".join(["asset,start,end", *rows]), encoding="utf-8")
    with wb.open(home=tmp_path) as session:
        session.train_asset()
        result = session.evaluate(file)  # no channel has a model
        assert sorted(result.failed) == ["P-0", "P-1", "P-2", "P-3"]
        assert result.assets.channels["channel"].tolist() == ["Pump-1"]
        # The fault of minutes 600 to 639 is found; the label at minute 240 names samples in which nothing happens.
        figures = result.assets.rows.iloc[0]
        assert figures[["true_positives", "false_positives", "false_negatives"]].tolist() == [1, 0, 1]
        assert figures["flagged_fraction"] == 40 / 1000
        session.train(forecaster="ridge")
        both = session.evaluate(file)
        assert both.failed == {}
        assert both.channels["asset"].tolist() == ["Pump-1"] * 4
        assert "Assets as a whole" in both._repr_html_()
    done = CliRunner().invoke(app, ["--home", str(tmp_path), "evaluate", "--labels", str(file)])
    assert done.exit_code == 0, done.output
    below = done.output.split("Assets as a whole, against the labels of their channels on one time base:\n")[1]
    assert below.splitlines()[1].split()[0] == "Pump-1"
    done = CliRunner().invoke(app, ["--home", str(tmp_path), "evaluate", "--labels", str(file), "--json"])
    (row, _) = json.loads(done.stdout)["assets"]["rows"]
    assert (row["group"], row["true_positives"], row["false_negatives"]) == ("Pump-1", 1, 1)
