"""Formats beside CSV: what can be read is, and anything else is named for what it is."""

import bz2
import gzip
import io
import json
import lzma
import os
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet
import pytest
import xarray as xr

from workbench.exceptions import ImportDataError
from workbench.session import open_session
from workbench.telemetry.archive import Archive
from workbench.telemetry.importers import import_table
from workbench.telemetry.importers.formats import limits
from workbench.telemetry.importers.formats.files import read_raw
from workbench.telemetry.importers.formats.raw_table import RawTable
from workbench.telemetry.importers.reading import Reading
from workbench.telemetry.importers.sources import find_sources, layout_of

TIMES = pd.date_range("2024-03-01 10:00", periods=20, freq="min")
TEMP = np.arange(20) + 0.25
FRAME = pd.DataFrame({"time": TIMES, "temp": TEMP, "mode": ["on", "off"] * 10})
CSV = FRAME.to_csv(index=False).encode()


def zstd(content: bytes) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(content)
    return sink.getvalue().to_pybytes()


def zipped(*names: str, content: bytes = CSV) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as bundle:
        for name in names:
            bundle.writestr(name, content)
    return sink.getvalue()


def workbook(**sheets: pd.DataFrame) -> bytes:
    sink = io.BytesIO()
    with pd.ExcelWriter(sink, engine="xlsxwriter") as writer:
        for name, frame in sheets.items():
            frame.to_excel(writer, sheet_name=name, index=False)
    return sink.getvalue()


def arrow(stream: bool = False, **options: object) -> bytes:
    sink = io.BytesIO()
    table = pa.Table.from_pandas(FRAME)
    if stream:
        with pa.ipc.new_stream(sink, table.schema) as writer:
            writer.write_table(table)
    else:
        pyarrow.feather.write_feather(table, sink, **options)
    return sink.getvalue()


def parquet(table: pa.Table, **options: object) -> bytes:
    sink = io.BytesIO()
    pyarrow.parquet.write_table(table, sink, **options)
    return sink.getvalue()


RECORDS = [{"time": str(time), "temp": value, "more": {"a": 1}} for time, value in zip(TIMES, TEMP, strict=True)]
LINES = "".join(json.dumps(record) + "\n" for record in RECORDS)

FILES = {
    "pump.csv.gz": gzip.compress(CSV, mtime=0),
    "pump.csv.zst": zstd(CSV),
    "pump.csv.bz2": bz2.compress(CSV),
    "pump.csv.xz": lzma.compress(CSV),
    "pump.zip": zipped("data/pump.csv", "__MACOSX/._pump.csv"),
    "pump.dat": CSV,
    "pump.LOG": CSV,
    "pump.tsv": CSV.replace(b",", b"\t"),
    "pump.parquet": parquet(pa.Table.from_pandas(FRAME)),
    "pump.pq.gz": gzip.compress(parquet(pa.Table.from_pandas(FRAME))),
    "pump.feather": arrow(compression="zstd"),
    "pump.arrow": arrow(stream=True),
    "pump.xlsx": workbook(Notes=pd.DataFrame({"written by hand": []}), Data=FRAME),
    "pump.jsonl": LINES.encode(),
    "pump.ndjson.gz": gzip.compress(LINES.encode()),
    "pump.json": json.dumps(RECORDS, indent=1).encode(),
    "pumps.json": json.dumps({"data": RECORDS}).encode(),
    "columns.json": json.dumps({"time": [str(time) for time in TIMES], "temp": TEMP.tolist()}).encode(),
}


def read(tmp_path: Path, name: str, content: bytes, **options: object) -> RawTable:
    file = tmp_path / name
    file.write_bytes(content)
    return read_raw(file, layout_of(file) or "csv", Reading.of(options))


@pytest.mark.parametrize("name", FILES)
def test_each_format_holds_the_same_samples(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(FILES[name])
    archive = Archive(tmp_path / "archive.zarr")
    import_table(tmp_path / name, archive)
    parts = [archive.open("temp", split) for split in ("train", "test")]
    np.testing.assert_array_equal(np.concatenate([part["telemetry"].values for part in parts]), TEMP.astype("f4"))
    np.testing.assert_array_equal(np.concatenate([part["time"].values for part in parts]), TIMES.to_numpy("M8[ns]"))


@pytest.mark.parametrize("name", ["pump.nc", "pump.h5", "classic.nc"])
def test_variables_along_one_dimension(tmp_path: Path, name: str) -> None:
    data = xr.Dataset(
        {
            "temp": ("time", TEMP, {"units": "K"}),
            "axis": (("time", "place"), np.arange(40.0).reshape(20, 2)),
            "height": 7.0,
        },
        {"time": TIMES, "place": ["x", "y"]},
    )
    data.to_netcdf(tmp_path / name, engine="scipy" if name == "classic.nc" else "h5netcdf")
    raw = read_raw(tmp_path / name, "hdf5", Reading())
    assert sorted(raw.frame.columns) == ["axis.x", "axis.y", "temp", "time"]
    assert raw.frame["axis.y"].tolist() == list(range(1, 40, 2))
    assert raw.units == {"temp": "K"}
    assert "height" in raw.notes[0]
    archive = Archive(tmp_path / "archive.zarr")
    import_table(tmp_path / name, archive)
    assert archive.info("temp").units == "K"
    assert archive.info("temp").n_train + archive.info("temp").n_test == 20


def test_an_hdf5_file_that_is_no_netcdf(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "log.h5", "w") as file:
        file["run/time"] = TIMES.to_numpy("M8[s]").astype("int64")
        file["run/temp"] = TEMP
    raw = read_raw(tmp_path / "log.h5", "hdf5", Reading())
    assert raw.frame["temp"].tolist() == TEMP.tolist()
    with h5py.File(tmp_path / "log.h5", "a") as file:
        file["other/temp"] = TEMP[:7]
    with pytest.raises(ImportDataError, match="2 groups with data"):
        read_raw(tmp_path / "log.h5", "hdf5", Reading())


def test_sheets_of_a_workbook(tmp_path: Path) -> None:
    months = [FRAME.iloc[:10], FRAME.iloc[10:]]
    raw = read(tmp_path, "a.xlsx", workbook(January=months[0], February=months[1]))
    assert raw.frame["temp"].tolist() == TEMP.tolist()
    assert raw.notes == ("2 sheets with the same columns joined, from 'January' on",)
    raw = read(tmp_path, "a.xlsx", workbook(Pump=FRAME, Limits=pd.DataFrame({"name": ["a", "b"], "limit": [1, 2]})))
    assert len(raw.frame) == 20
    assert "sheet 'Pump' read; left out: 'Limits'" in raw.notes[0]


def test_a_workbook_with_lines_above_and_units_below_its_header(tmp_path: Path) -> None:
    import xlsxwriter

    with xlsxwriter.Workbook(tmp_path / "a.xlsx") as book:
        sheet = book.add_worksheet()
        for number, cells in enumerate([["Pump 7"], [], ["Time", "Temp", "State"], ["", "°C", ""]]):
            sheet.write_row(number, 0, cells)
        form = book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
        for number, time in enumerate(TIMES, 4):
            sheet.write_datetime(number, 0, time.to_pydatetime(), form)
            sheet.write_row(number, 1, [TEMP[number - 4], "on"])
    raw = read_raw(tmp_path / "a.xlsx", "xlsx", Reading())
    assert list(raw.frame.columns) == ["Time", "Temp", "State"]
    assert raw.units == {"Temp": "°C"}
    assert raw.frame["Temp"].tolist() == TEMP.tolist()
    assert raw.frame["Time"].tolist() == list(TIMES)


def test_records_need_not_have_all_fields(tmp_path: Path) -> None:
    lines = '{"t": 1, "a": 1, "b": {"c": 2}}\n\n{"t": 2, "b": {"c": "x"}, "d": null}\n{"t": 3, "a": 9007199254740993}\n'
    frame = read(tmp_path, "a.jsonl", lines.encode()).frame
    assert list(frame.columns) == ["t", "a", "b.c", "d"]
    assert frame["a"].tolist() == [1, pd.NA, 2**53 + 1]
    assert frame["b.c"].tolist()[:2] == ["2", "x"]
    for wrong in (b"[1, 2]", b'{"a": 1}\n7\n', b'{"a": 1}\n{"a": ', b"[" * 100_000):
        with pytest.raises(ImportDataError, match=r"record is needed|cannot be read as JSON"):
            read(tmp_path, "a.jsonl", wrong)


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a.csv", FILES["pump.xlsx"], r"an Excel workbook, not delimited text.*--layout xlsx"),
        ("a.csv", FILES["pump.parquet"], r"a Parquet file, not delimited text.*--layout parquet"),
        ("a.csv", FILES["pump.jsonl"], r"JSON, not delimited text.*--layout json"),
        ("a.csv", FILES["pump.csv.gz"], r"compressed with gzip.*pump\.csv\.gz"),
        ("a.parquet", CSV[:0] + b"\x89HDF\r\n\x1a\n", r"an HDF5 file, not a Parquet file"),
        ("a.mat", b"MATLAB 5.0 MAT-file, Platform: GLNXA64", r"a MATLAB file.*writetable"),
        ("a.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), r"old Excel workbook.*Save it as \.xlsx"),
        ("a.tdms", b"TDSm" + bytes(60), "LabVIEW TDMS.*CSV, Parquet"),
        ("a.mf4", b"MDF     4.10", "ASAM MDF"),
        ("a.pkl", b"\x80\x04\x95", "pickle.*never opened"),
        ("a.html", b"<!DOCTYPE html><html>", "a web page"),
        ("a.db", b"SQLite format 3\0", "SQLite"),
        ("a.zip", zipped("a.csv", "b.csv"), r"holds 2 files \(a.csv, b.csv\).*Unpack it"),
        ("a.bin", bytes(range(256)), "is not text"),
        ("a.xlsx", b"no workbook", r"is text, not an Excel workbook.*--layout csv"),
        ("a.csv.gz", gzip.compress(CSV, mtime=0)[:-20], "cannot be unpacked"),
        ("a.csv.gz", gzip.compress(b"", mtime=0), r"a\.csv\.gz is empty"),
        ("a.csv.zst", b"no zstd", r"is not compressed as its name says\. Take \.zst from the end of its name"),
        ("a.csv.gz", CSV, r"is not compressed as its name says\. Take \.gz from the end of its name"),
    ],
)
def test_a_file_that_is_something_else_is_named(tmp_path: Path, name: str, content: bytes, says: str) -> None:
    (tmp_path / name).write_bytes(content)
    with open_session(tmp_path, home=tmp_path / "home") as session:
        with pytest.raises(ImportDataError, match=says):
            session.import_data(tmp_path / name)
        assert session.channels().empty


def test_a_pipe_or_a_device_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pump.csv")
    for path in (tmp_path / "pump.csv", tmp_path / "*.csv", Path("/dev/zero")):
        with pytest.raises(ImportDataError, match=r"is a pipe or a device, not a file\. Save what it holds"):
            find_sources([path])


def test_files_and_folders_by_their_layout(tmp_path: Path) -> None:
    assert [layout_of(Path(name)) for name in ("a.csv.gz", "a.NC", "a.gz", "a.png")] == ["csv", "hdf5", "csv", None]
    (tmp_path / "notes.txt").write_text("notes")
    (tmp_path / "limits.xlsx").write_bytes(FILES["pump.xlsx"])
    (tmp_path / "settings.json").write_text("{}")
    assert find_sources([tmp_path]) == {"xlsx": [tmp_path / "limits.xlsx"]}
    for name in ("b.csv.gz", "c.feather", "d.jsonl"):
        (tmp_path / name).write_bytes(FILES.get(name, FILES["pump.csv.gz"]))
    names = {layout: [file.name for file in files] for layout, files in find_sources([tmp_path]).items()}
    assert names == {"csv": ["b.csv.gz"], "feather": ["c.feather"], "json": ["d.jsonl"]}


@pytest.mark.parametrize("name", ["a.csv.gz", "a.csv.zst", "a.zip", "a.csv"])
def test_what_unpacks_to_too_much_is_refused(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_BYTES", 2**21)
    content = CSV + b"\n" * 2**22
    packed = {"a.csv.gz": gzip.compress(content), "a.csv.zst": zstd(content), "a.csv": content}
    with pytest.raises(ImportDataError, match=r"larger than .* GiB"):
        read(tmp_path, name, packed.get(name, zipped("a.csv", content=content)))


def test_a_small_file_of_many_values_is_refused_before_it_is_read(tmp_path: Path) -> None:
    n = 200_000
    column = pa.array(np.zeros(n))
    wide = pa.table({f"s{number}": column for number in range(100)})
    content = parquet(pa.concat_tables([wide] * 4), compression="zstd")
    monkey = pytest.MonkeyPatch()
    with monkey.context() as patch:
        patch.setattr(limits, "MAX_BYTES", 100 * n * 4 * 8 - 1)
        with pytest.raises(ImportDataError, match="larger than"):
            read(tmp_path, "a.parquet", content)
        patch.setattr(limits, "MAX_BYTES", 2**24)
        words = pa.table({"time": np.arange(n), "word": pa.array(["x" * 1000]).take(pa.array(np.zeros(n, dtype=int)))})
        with pytest.raises(ImportDataError, match="larger than"):
            read(tmp_path, "a.parquet", parquet(words))
        with pytest.raises(ImportDataError, match="larger than"):
            with h5py.File(tmp_path / "a.h5", "w") as file:
                file.create_dataset("temp", (2**30,), chunks=(1024,))
            read_raw(tmp_path / "a.h5", "hdf5", Reading())
        patch.setattr(limits, "MAX_COLUMNS", 2)
        for name in ("pump.parquet", "pump.feather", "pump.xlsx", "pump.jsonl", "pump.dat"):
            with pytest.raises(ImportDataError, match="columns; at most 2"):
                read(tmp_path, name, FILES[name])


def test_a_sheet_with_two_cells_far_apart_is_refused(tmp_path: Path) -> None:
    import xlsxwriter

    with xlsxwriter.Workbook(tmp_path / "a.xlsx") as book:
        sheet = book.add_worksheet()
        sheet.write(0, 0, "time")
        sheet.write(1_000_000, 16_000, 1)
    with pytest.raises(ImportDataError, match="larger than"):
        read_raw(tmp_path / "a.xlsx", "xlsx", Reading())


def test_columns_of_lists_are_left_out(tmp_path: Path) -> None:
    table = pa.table({"time": TIMES, "temp": TEMP, "wave": [[1, 2]] * 20, "raw": [b"x"] * 20})
    raw = read(tmp_path, "a.parquet", parquet(table))
    assert list(raw.frame.columns) == ["time", "temp"]
    assert raw.notes == ("left out, as not one value a row: wave, raw",)


def netcdf(tmp_path: Path, engine: str) -> bytes:
    xr.Dataset({"temp": ("time", TEMP)}, {"time": TIMES}).to_netcdf(tmp_path / "sound", engine=engine)
    return (tmp_path / "sound").read_bytes()


@pytest.mark.parametrize("name", [*FILES, "a.nc", "classic.nc"])
def test_damaged_files_are_read_or_refused(tmp_path: Path, name: str) -> None:
    sound = FILES.get(name) or netcdf(tmp_path, "scipy" if name == "classic.nc" else "h5netcdf")
    random = np.random.default_rng(7)
    for _ in range(25):
        content = bytearray(sound)
        for place in random.integers(0, len(content), random.integers(1, 6)):
            match random.integers(0, 8):
                case 0:
                    del content[place:]
                case 1 | 2:
                    del content[place : place + 9]
                case 3:
                    content[place:place] = random.bytes(5)
                case _:
                    content[place : place + 1] = random.bytes(1)
        try:
            raw = read(tmp_path, name, bytes(content))
        except ImportDataError as error:
            assert name in error.message
        else:
            assert len(raw.frame.columns)
