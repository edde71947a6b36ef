"""Exports of time series databases and historians, after what their makers publish about their formats."""

from pathlib import Path

import numpy as np
import pytest

from workbench.exceptions import ImportDataError
from workbench.telemetry.archive import Archive
from workbench.telemetry.importers import ImportReport, import_table


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive(tmp_path / "archive.zarr")


def load(archive: Archive, content: str, **options) -> ImportReport:
    file = archive.path.parent / "export.csv"
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


def influx(field: str, host: str, base: float, table: int, second: int = 0) -> str:
    """Points of one series as InfluxDB 2 exports them."""
    span = "2024-03-01T09:00:00Z,2024-03-01T11:00:00Z"
    return "".join(
        f",,{table},{span},2024-03-01T10:0{n}:0{second}Z,{base + n},{field},machine,{host}\r\n" for n in range(5)
    )


HEADER = (
    "#group,false,false,true,true,false,false,true,true,true\r\n"
    "#datatype,string,long,dateTime:RFC3339,dateTime:RFC3339,dateTime:RFC3339,double,string,string,string\r\n"
    "#default,_result,,,,,,,,\r\n"
    ",result,table,_start,_stop,_time,_value,_field,_measurement,host\r\n"
)


def test_annotated_csv_of_one_host(archive) -> None:
    report = load(archive, HEADER + influx("temp", "a", 20, 0) + influx("load", "a", 1, 1, second=3) + "\r\n")
    assert values(archive) == {("export", 20): [20, 21, 22, 23, 24], ("export", 1): [1, 2, 3, 4, 5]}
    assert sorted(archive.channels()) == ["load", "temp"]
    assert str(archive.open("load", "train")["time"].values[0])[:19] == "2024-03-01T10:00:03"
    assert "annotated CSV of InfluxDB" in report.channels[0].note


def test_annotated_csv_of_several_tables_and_hosts(archive) -> None:
    """The second table has other tags, and stands below annotations of its own."""
    other = (
        "\r\n#group,false,false,true,true,false,false,true,true,true,true\r\n"
        "#datatype,string,long,dateTime:RFC3339,dateTime:RFC3339,dateTime:RFC3339,long,string,string,string,string\r\n"
        "#default,_result,,,,,,,,,\r\n"
        ",result,table,_start,_stop,_time,_value,_field,_measurement,host,cpu\r\n"
    )
    rows = influx("usage", "b", 7, 2).replace(",machine,b", ",cpu,b,cpu0")
    load(archive, HEADER + influx("temp", "a", 20, 0) + influx("temp", "b", 40, 1) + other + rows)
    assert values(archive) == {
        ("a", 20): [20, 21, 22, 23, 24],
        ("b", 40): [40, 41, 42, 43, 44],
        ("b", 7): [7, 8, 9, 10, 11],
    }
    channels = {name.removeprefix("a.").removeprefix("b.") for name in archive.channels()}
    assert channels == {"machine temp", "cpu usage cpu0"}


def test_an_error_of_influxdb_is_told(archive) -> None:
    bad = (
        HEADER
        + influx("temp", "a", 20, 0)
        + "\r\n#datatype,string,string\r\n,error,reference\r\n,out of memory,897\r\n"
    )
    with pytest.raises(ImportDataError, match="error of a query: out of memory"):
        load(archive, bad)


def test_influxdb_with_a_column_for_each_field(archive) -> None:
    content = ",result,table,_start,_stop,_time,_measurement,host,temp\n" + "".join(
        f",_result,0,2024-03-01T09:00:00Z,2024-03-01T11:00:00Z,2024-03-01T10:0{n}:00Z,machine,{host},{base + n}\n"
        for host, base in (("a", 20), ("b", 40))
        for n in range(5)
    )
    load(archive, content)
    assert values(archive) == {("a", 20): [20, 21, 22, 23, 24], ("b", 40): [40, 41, 42, 43, 44]}


def test_grafana_with_a_column_for_each_series(archive) -> None:
    content = '"Time","cpu {host=a}","cpu {host=b}"\n' + "".join(
        f"2024-03-01 10:0{n}:00,{n},{n + 10}\n" for n in range(5)
    )
    load(archive, content)
    assert values(archive) == {("export", 0): [0, 1, 2, 3, 4], ("export", 10): [10, 11, 12, 13, 14]}


def test_pi_with_the_tag_above_pairs_of_time_and_value(archive) -> None:
    content = "SINUSOID,,CDT158,\n" + "".join(
        f"01-Mar-24 10:0{n}:00,{n},01-Mar-24 10:0{n}:30,{n * 2 if n else 100}\n" for n in range(5)
    )
    load(archive, content)
    assert values(archive) == {("export", 0): [0, 1, 2, 3, 4], ("export", 100): [100, 2, 4, 6, 8]}
    assert sorted(archive.channels()) == ["CDT158", "SINUSOID"]


@pytest.mark.parametrize("bad", ["1,24,0", "133,16,0", "0,24,24"])
def test_of_several_columns_of_quality_the_one_that_decides_is_taken(archive, bad: str) -> None:
    """AVEVA Historian writes Quality (0 is good), QualityDetail and OPCQuality (192 is good)."""
    rows = [
        f"2024-03-01 10:{n:02},{tag},{base + n / 8},{'0,192,192' if (n, tag) != (7, 'Temp') else bad}"
        for n in range(20)
        for tag, base in (("Level", 900), ("Temp", 65))
    ]
    load(archive, "\n".join(["DateTime,TagName,Value,Quality,QualityDetail,OPCQuality", *rows, ""]))
    assert sorted(archive.channels()) == ["Level", "Temp"]
    whole = {name: archive.open(name, "train")["telemetry"].values for name in archive.channels()}
    assert np.isnan(whole["Temp"]).nonzero()[0].tolist() == [7]
    assert not np.isnan(whole["Level"]).any()


def test_columns_of_quality_of_which_none_decides_are_asked_about(archive) -> None:
    rows = [f"2024-03-01 10:{n:02},{tag},{n},{n % 3},{n % 2}" for n in range(20) for tag in ("Level", "Temp")]
    with pytest.raises(ImportDataError, match=r"which values of 'Quality' mean good \(0, 1, 2\).*--good"):
        load(archive, "\n".join(["DateTime,TagName,Value,Quality,OPCQuality", *rows, ""]))


def test_sensors_of_a_logger_are_called_by_what_they_measure(archive) -> None:
    serials = "(LGR S/N: 20123456, SEN S/N: {})"
    names = [f"Temp, °C {serials.format(1)}", f"RH, % {serials.format(1)}", f"RH, % {serials.format(2)}", "CO(GT)"]
    rows = [f"2024-03-01 10:{n:02},{n},{n},{n},{n}" for n in range(20)]
    load(archive, "\n".join(["time," + ",".join(f'"{name}"' for name in names), *rows, ""]))
    assert {name: archive.info(name).units for name in archive.channels()} == {
        "Temp": "°C",
        names[1]: "%",
        names[2]: "%",
        "CO(GT)": "",
    }
