"""Code pages of Windows: a file is read in the one that it was written in."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from workbench.exceptions import ImportDataError
from workbench.telemetry.archive import Archive
from workbench.telemetry.importers import import_table
from workbench.telemetry.importers.formats.encodings import find_encoding
from workbench.telemetry.importers.times import parse_times

ROWS = "".join(f"2024-05-01 10:{minute:02},{minute / 2}\n" for minute in range(20))


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("gb18030", "时间,温度\n"),
        ("gb18030", "轴承,电机\n"),
        ("big5", "時間,溫度\n"),
        ("big5", "馬達,軸承溫度\n"),
        ("cp932", "日時,圧力\n"),
        ("cp932", "モーター,軸受\n"),
        ("cp949", "번호,온도(℃)\n"),
        ("cp1251", "Время,Температура\n"),
        ("cp1252", "Zeit;Temp [°C];Größe\n"),
        ("cp1252", "Température extérieure;Débit m³/h;²\n"),
        ("latin-1", "Temp. (ºC);Año;Presión\n"),
        ("cp1252", "Öl\n"),
        ("utf-8", "时间,温度\n"),
    ],
)
def test_a_file_is_read_in_the_encoding_it_was_written_in(tmp_path: Path, encoding: str, text: str) -> None:
    file = tmp_path / "pump.csv"
    file.write_bytes((text + ROWS).encode(encoding))
    assert file.read_bytes().decode(find_encoding(file).name) == text + ROWS


@pytest.mark.parametrize(
    ("encoding", "header"),
    [("gbk", "时间,轴承温度"), ("big5", "時間,軸承溫度"), ("shift_jis", "時刻,軸受温度"), ("cp1252", "Zeit,Öldruck")],
)
def test_names_of_channels_are_those_of_the_file(tmp_path: Path, encoding: str, header: str) -> None:
    file = tmp_path / "pump.csv"
    file.write_bytes(f"{header}\n{ROWS}".encode(encoding))
    archive = Archive(tmp_path / "archive.zarr")
    report = import_table(file, archive)
    assert archive.channels() == [header.split(",")[1]]
    assert "otherwise: --encoding" in report.channels[0].note


def test_the_encoding_can_be_chosen(tmp_path: Path) -> None:
    file = tmp_path / "pump.csv"
    file.write_bytes(f"时间,振动\n{ROWS}".encode("gbk"))
    archive = Archive(tmp_path / "archive.zarr")
    with pytest.raises(ImportDataError, match=r"is not text in utf-8.*--encoding"):
        import_table(file, archive, encoding="utf-8")
    with pytest.raises(ImportDataError, match="no text encoding 'gbk9'"):
        import_table(file, archive, encoding="gbk9")
    with pytest.raises(ImportDataError, match=r"is not text in utf-16.*--encoding"):
        import_table(file, archive, encoding="utf-16")
    import_table(file, archive, encoding="gb2312")
    assert archive.channels() == ["振动"]


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("2024年5月1日", "2024-05-01T00:00:00"),
        ("2024年5月1日 10:05:00", "2024-05-01T10:05:00"),
        ("2024年5月1日10时5分3秒", "2024-05-01T10:05:03"),
        ("2024年05月01日 10時05分", "2024-05-01T10:05:00"),
        ("2024年5月1日(水) 10:05", "2024-05-01T10:05:00"),
        ("2024年5月1日 下午3时", "2024-05-01T15:00:00"),
        ("2024/5/1 上午 12:05:00", "2024-05-01T00:05:00"),
        ("2024-05-01 午後03:05:07", "2024-05-01T15:05:07"),
        ("2024년 5월 1일 오후 3:05", "2024-05-01T15:05:00"),
    ],
)
def test_dates_of_east_asia(text: str, time: str) -> None:
    assert parse_times(pd.Series([text])).stamps[0] == np.datetime64(time)
