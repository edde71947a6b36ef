"""Tables with the samples of several machines, and tables in which nothing tells rows of one time apart."""

from pathlib import Path

import numpy as np
import pytest

from workbench.exceptions import ImportDataError
from workbench.telemetry.archive import Archive
from workbench.telemetry.importers import ImportReport, import_table

HOURS = [f"2024-03-01 {hour:02}:00:00" for hour in range(6)]


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive(tmp_path / "archive.zarr")


def load(archive: Archive, content: str, **options) -> ImportReport:
    file = archive.path.parent / "fleet.csv"
    file.write_text(content, encoding="utf-8")
    return import_table(file, archive, layout="csv", **options)


def values(archive: Archive) -> dict[tuple[str, float], list[float]]:
    """The values of every channel by its asset and its first value."""
    series = {}
    for channel in archive.channels():
        parts = [archive.open(channel, part)["telemetry"].values for part in ("train", "test")]
        whole = np.concatenate(parts).tolist()
        series[archive.info(channel).asset, whole[0]] = whole
    return series


def machines(header: str = "datetime,machineID,volt", names: tuple[str, ...] = ("1", "2", "3")) -> str:
    lines = [
        f"{stamp},{name},{170 + 10 * number + hour}"
        for number, name in enumerate(names)
        for hour, stamp in enumerate(HOURS)
    ]
    return "\n".join([header, *lines]) + "\n"


def volts(*assets: str) -> dict[tuple[str, float], list[float]]:
    return {
        (asset, 170 + 10 * number): [170 + 10 * number + hour for hour in range(6)]
        for number, asset in enumerate(assets)
    }


@pytest.mark.parametrize(
    ("header", "names", "assets"),
    [
        ("datetime,machineID,volt", ("1", "2", "3"), ("machineID 1", "machineID 2", "machineID 3")),
        ("date,serial_number,smart_1", ("ZA1", "ZA2"), ("ZA1", "ZA2")),
        ("time,unit,volt", ("1", "2"), ("unit 1", "unit 2")),
        ("time,Turbine,power", ("WT-A", "WT-B"), ("WT-A", "WT-B")),
        ("time,sensor,temperature", ("S1", "S2"), ("S1", "S2")),
        ("time,wherever,volt", ("north", "south"), ("north", "south")),
    ],
)
def test_each_machine_of_a_table_is_an_asset(archive, header: str, names: tuple[str, ...], assets) -> None:
    report = load(archive, machines(header, names))
    assert values(archive) == volts(*assets)
    assert [row.repairs for row in report.channels] == [{}] * (len(names) + 1)
    assert report.channels[-1].note.startswith("names the machine of each row")


def test_turbofan_engines_without_dates_are_series_of_their_own(archive) -> None:
    content = "unit,cycle,s1,s2\n" + "".join(
        f"{unit},{cycle},{unit * 100 + cycle},{cycle / 4}\n" for unit in (1, 2) for cycle in range(1, 5 + unit)
    )
    load(archive, content)
    assert values(archive) == {
        ("unit 1", 101): [101, 102, 103, 104, 105],
        ("unit 1", 0.25): [0.25, 0.5, 0.75, 1, 1.25],
        ("unit 2", 201): [201, 202, 203, 204, 205, 206],
        ("unit 2", 0.25): [0.25, 0.5, 0.75, 1, 1.25, 1.5],
    }


def test_machines_whose_times_differ_are_told_apart_too(archive) -> None:
    content = "time,machine,volt\n" + "".join(
        f"2024-03-01 10:{minute:02},{'AB'[minute % 2]},{minute}\n" for minute in range(8)
    )
    load(archive, content)
    assert values(archive) == {("A", 0): [0, 2, 4, 6], ("B", 1): [1, 3, 5, 7]}


def test_a_machine_of_one_name_at_two_sites_is_two_assets(archive) -> None:
    content = "time,site,machine,volt\n" + "".join(
        f"{stamp},{site},{machine},{n + add}\n"
        for n, stamp in enumerate(HOURS)
        for site, machine, add in (("Ulm", 7, 0), ("Jena", 7, 50), ("Jena", 8, 90))
    )
    load(archive, content)
    assert values(archive).keys() == {("Ulm machine 7", 0), ("Jena machine 7", 50), ("Jena machine 8", 90)}


def test_the_asset_that_is_named_stands_before_the_machines(archive) -> None:
    load(archive, machines(), asset="plant")
    assert values(archive) == volts("plant machineID 1", "plant machineID 2", "plant machineID 3")


def test_a_machine_alone_has_the_name_that_it_has_among_others(archive) -> None:
    load(archive, machines(names=("2",)))
    assert set(values(archive)) == {("machineID 2", 170)}


def test_options_choose_the_machine_column_and_take_it_out(archive) -> None:
    numbers = machines("time,k,volt")
    words = r"100% of the rows \(18 of 18\) have the time of another row.*--asset-column \"k\""
    with pytest.raises(ImportDataError, match=words):
        load(archive, numbers)
    load(archive, numbers, asset_column="k")
    assert values(archive) == volts("k 1", "k 2", "k 3")
    with pytest.raises(ImportDataError, match="have the time of another row"):
        load(archive, machines(), exclude="machineID", replace=True)
    with pytest.raises(ImportDataError, match=r"no column 'mach'.*--asset-column"):
        load(archive, machines(), asset_column="mach")


def test_rows_of_one_time_are_never_joined_away(archive) -> None:
    content = "Date;Time;CO\n" + "".join(
        f"{day}/03/2004;{hour:02}.00.00;{day * 24 + hour},5\n" for day in (10, 11) for hour in range(24)
    )
    try:
        load(archive, content)
    except ImportDataError as error:
        assert "100% of the rows (48 of 48) have the time of another row" in str(error)
        assert "--time-column" in str(error)
    else:  # the clock was read
        assert [len(whole) for whole in values(archive).values()] == [48]
    with pytest.raises(ImportDataError, match="have the time of another row"):
        load(archive, "time,a\n" + "2024-03-01,1\n2024-03-01,2\n2024-03-02,3\n2024-03-02,4\n", on_conflict="keep")


def test_a_file_that_holds_each_row_twice_is_imported(archive) -> None:
    lines = [f"{stamp},{n}\n" for n, stamp in enumerate(HOURS)]
    report = load(archive, "time,volt\n" + "".join(lines + lines))
    assert values(archive) == {("fleet", 0): [0, 1, 2, 3, 4, 5]}
    assert report.channels[0].repairs["duplicate_times"] == 6


def test_a_machine_that_cannot_be_imported_does_not_stop_the_others(archive) -> None:
    report = load(archive, machines() + f"{HOURS[0]},4,200\n")
    assert values(archive) == volts("machineID 1", "machineID 2", "machineID 3")
    (failed,) = [row for row in report.channels if row.status == "failed"]
    assert failed.channel == "machineID 4"
    assert "1 sample cannot be split" in failed.note


def test_dates_of_one_machine_decide_for_all_of_the_file(archive) -> None:
    days = [("A", day) for day in (3, 4, 5)] + [("B", day) for day in range(3, 20)]
    content = "time,machine,volt\n" + "".join(f"03/{day:02}/2024 10:00,{machine},{day}\n" for machine, day in days)
    load(archive, content)
    channel = next(name for name in archive.channels() if archive.info(name).asset == "A")
    times = archive.open(channel, "train")["time"].values
    assert str(times[0].astype("datetime64[D]")) == "2024-03-03"


def test_the_hour_that_is_there_twice_is_told_apart_on_each_machine(archive) -> None:
    clocks = ["01:30", "02:00", "02:30", "02:00", "02:30", "03:00"]
    content = "time,machine,volt\n" + "".join(
        f"2024-10-27 {clock},{machine},{n + add}\n"
        for machine, add in (("A", 0), ("B", 50))
        for n, clock in enumerate(clocks)
    )
    load(archive, content, timezone="Europe/Berlin")
    assert values(archive) == {("A", 0): [0, 1, 2, 3, 4, 5], ("B", 50): [50, 51, 52, 53, 54, 55]}


def test_runs_that_two_columns_tell_apart(archive) -> None:
    content = "faultNumber,simulationRun,sample,xmeas\n" + "".join(
        f"{fault},{run},{sample},{fault * 100 + run * 10 + sample}\n"
        for fault in (0, 1)
        for run in (1, 2)
        for sample in range(1, 6)
    )
    load(archive, content)
    assert values(archive)["faultNumber 1 simulationRun 2", 121] == [121, 122, 123, 124, 125]
    assert len(values(archive)) == 4


def test_a_file_a_day_with_one_row_for_each_machine(archive) -> None:
    for day in range(1, 7):
        text = "date,serial_number,smart_1\n" + "".join(f"2024-03-0{day},Z{n},{n * 10 + day}\n" for n in range(3))
        (archive.path.parent / f"2024-03-0{day}.csv").write_text(text, encoding="utf-8")
    import_table(sorted(archive.path.parent.glob("*.csv")), archive)
    assert values(archive) == {(f"Z{n}", n * 10 + 1): [n * 10 + day for day in range(1, 7)] for n in range(3)}
