"""What a first user of files found: units that change, columns of labels, rounding, clocks of twelve hours."""

from pathlib import Path

import pandas as pd
import pytest

from workbench.exceptions import ImportDataError
from workbench.telemetry.archive import Archive
from workbench.telemetry.importers.table import import_table


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive(tmp_path / "archive")


def _written(path: Path, **columns: list[object]) -> Path:
    n = len(next(iter(columns.values())))
    times = pd.date_range("2026-01-01", periods=n, freq="1min")
    pd.DataFrame({"time": times, **columns}).to_csv(path, index=False)
    return path


VALUES: list[object] = [20 + at % 7 / 10 for at in range(60)]


def test_a_unit_that_changes_is_refused(archive: Archive, tmp_path: Path) -> None:
    units: list[object] = ["C"] * 30 + ["F"] * 30
    path = _written(tmp_path / "pump.csv", temp=VALUES, unit=units)
    with pytest.raises(ImportDataError, match=r"'C' in 30 rows and 'F' in 30 rows, 'F' first in row 31\b.*--exclude"):
        import_table(path, archive)
    assert not archive.channels()
    import_table(path, archive, exclude=["unit"])
    assert archive.channels() == ["temp"]


def test_a_column_of_one_unit_is_that_of_the_only_sensor(archive: Archive, tmp_path: Path) -> None:
    units: list[object] = ["bar"] * 60
    report = import_table(_written(tmp_path / "pump.csv", pressure=VALUES, unit=units), archive)
    assert archive.info("pressure").units == "bar"
    assert "names the unit of pressure" in report.to_frame().loc["unit", "note"]


def test_a_column_of_one_unit_says_nothing_of_two_sensors(archive: Archive, tmp_path: Path) -> None:
    units: list[object] = ["bar"] * 60
    import_table(_written(tmp_path / "pump.csv", pressure=VALUES, flow=VALUES, unit=units), archive)
    assert [archive.info(name).units for name in ("pressure", "flow")] == ["", ""]


@pytest.mark.parametrize("name", ["Anomaly", "anomaly", "is_anomaly", "label", "fault", "outlier"])
def test_a_column_named_as_labels_is_no_silent_sensor(name: str, archive: Archive, tmp_path: Path) -> None:
    labels: list[object] = [0] * 50 + [1] * 4 + [0] * 6
    path = _written(tmp_path / "pump.csv", temp=VALUES, **{name: labels})
    for dry_run in (True, False):
        notes = " ".join(import_table(path, archive, dry_run=dry_run).to_frame()["note"])
        assert f"--label-column {name}" in notes
    # chosen as a sensor, or measured values: nothing is said
    chosen = import_table(path, archive, columns=["temp", name], replace=True)
    assert "--label-column" not in " ".join(chosen.to_frame()["note"])
    measured = import_table(_written(tmp_path / "mill.csv", **{name: VALUES}), archive)
    assert "--label-column" not in " ".join(measured.to_frame()["note"])


@pytest.mark.parametrize(
    ("words", "way"),
    [
        (["Normal", "FAULT"], "--label-column status;"),
        (["Grey", "FAULT"], "--normal-label"),
        (["Left", "Right"], None),
    ],
)
def test_a_column_of_words_of_faults_may_be_labels(
    words: list[str], way: str | None, archive: Archive, tmp_path: Path
) -> None:
    status: list[object] = [words[0]] * 50 + [words[1]] * 4 + [words[0]] * 6
    report = import_table(_written(tmp_path / "pump.csv", temp=VALUES, status=status), archive)
    note = report.to_frame().loc["status", "note"]
    assert "--inputs" in note
    assert (way in note) if way else ("--label-column" not in note)


@pytest.mark.parametrize("ending", ["csv", "parquet", "feather"])
@pytest.mark.parametrize("missing", [0, 1])
def test_integers_that_are_rounded_are_told_in_each_format(ending: str, missing: int, tmp_path: Path) -> None:
    counts = pd.Series([2**53 + 1 + 2 * at for at in range(60)], dtype="Int64")  # odd: none fits a float of 64 bits
    counts[:missing] = pd.NA
    times = pd.date_range("2026-01-01", periods=60, freq="1min")
    frame = pd.DataFrame({"time": times, "energy": counts, "load": VALUES}).astype({"load": "float64"})
    path = tmp_path / f"pump.{ending}"
    {"csv": lambda one: frame.to_csv(one, index=False), "parquet": frame.to_parquet, "feather": frame.to_feather}[
        ending
    ](path)
    notes = import_table(path, Archive(tmp_path / "archive"), dry_run=True).series[0].notes
    assert f"energy: {60 - missing} integers beyond 2^53 rounded to 16 digits" in notes


def test_what_is_refused_is_not_assumed(archive: Archive, tmp_path: Path) -> None:
    times = [f"{day:02d}/{11 - day:02d}/2026 00:00" for day in range(1, 11)]
    path = tmp_path / "pump.csv"
    pd.DataFrame({"time": times, "load": VALUES[:10]}).to_csv(path, index=False)
    report = import_table(path, archive, dry_run=True)
    refused = "can be read in two ways" in " ".join(report.failures.values())
    assumed = any(note.startswith("dates read") for note in report.series[0].notes)
    assert refused
    assert not assumed


def test_numbers_of_two_units_are_named(archive: Archive, tmp_path: Path) -> None:
    values: list[object] = ["20.10 bar"] * 30 + ["20051 mbar"] * 30
    with pytest.raises(ImportDataError, match=r"has no column of numbers.*'20\.10 bar' and '20051 mbar'"):
        import_table(_written(tmp_path / "pump.csv", pressure=values), archive)
    values = ["1.5k"] * 40 + ["900"] * 20
    with pytest.raises(ImportDataError, match=r"has no column of numbers.*'1\.5k' and '900'"):
        import_table(_written(tmp_path / "pump.csv", pressure=values), archive)


def test_a_clock_of_twelve_hours_without_am_and_pm_is_said_so(archive: Archive, tmp_path: Path) -> None:
    times = pd.date_range("2026-01-01", periods=600, freq="5min")
    values = [20 + at % 7 / 10 + at / 1000 for at in range(600)]
    path = tmp_path / "pump.csv"
    pd.DataFrame({"time": times.strftime("%Y-%m-%d %I:%M"), "load": values}).to_csv(path, index=False)
    with pytest.raises(ImportDataError, match=r"hours of column 'time' run from 1 to 12 without AM or PM"):
        import_table(path, archive)
    pd.DataFrame({"time": times.strftime("%Y-%m-%d %I:%M %p"), "load": values}).to_csv(path, index=False)
    assert import_table(path, archive).channels[0].status == "imported"


def test_minutes_since_1970_name_their_option(archive: Archive, tmp_path: Path) -> None:
    path = tmp_path / "pump.csv"
    pd.DataFrame({"time": range(28_570_000, 28_570_060), "load": VALUES}).to_csv(path, index=False)
    # 28,570,000 min = 19,840 d 6 h 40 min; day 19,840 since 1970 is 2024-04-27
    assert "begin on 2024-04-27: --time-unit min" in import_table(path, archive).to_frame().loc["load", "note"]
    import_table(path, archive, time_unit="min", replace=True)
    pd.DataFrame({"time": range(60), "load": VALUES}).to_csv(tmp_path / "mill.csv", index=False)
    assert "--time-unit" not in import_table(tmp_path / "mill.csv", archive).to_frame()["note"].iloc[0]
