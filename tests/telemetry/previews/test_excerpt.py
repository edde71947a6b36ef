"""Excerpts of large files: whole lines of the beginning, of places between and of the end."""

import gzip
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import workbench as wb
from workbench.telemetry.previews import excerpt as module
from workbench.telemetry.previews.excerpt import excerpt

ROWS = 60_000


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setattr(module, "LARGE_BYTES", 1_000_000)


def lines(rows: int = ROWS) -> list[str]:
    time = pd.date_range("2024-01-01", periods=rows, freq="s").strftime("%Y-%m-%d %H:%M:%S")
    return ["time,load", *(f"{stamp},{number}" for number, stamp in enumerate(time))]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_an_excerpt_holds_whole_lines_and_both_ends(tmp_path, encoding, end):
    file = tmp_path / "pump.csv"
    mark = "" if encoding == "utf-8" else "\ufeff"
    every = lines()
    file.write_bytes((mark + end.join(every)).encode(encoding))
    with excerpt(file, "csv") as part:
        text = part.path.read_bytes().decode(encoding).removeprefix(mark)
        assert part.path.name == "pump.csv"
    assert not part.path.exists()
    read = text.split(end)
    assert set(read) <= set(every) and len(set(read)) == len(read)
    assert (read[0], read[-1]) == (every[0], every[-1])
    places = {line: place for place, line in enumerate(every)}
    middle = {places[line] * 4 // len(every) for line in read}
    assert middle == {0, 1, 2, 3}
    assert part.share == pytest.approx(len(read) / len(every), rel=0.1)


def test_a_small_file_a_packed_one_and_other_layouts_are_read_whole(tmp_path):
    file = tmp_path / "pump.csv"
    file.write_text("\n".join(lines(200)))
    packed = tmp_path / "packed.csv"
    packed.write_bytes(gzip.compress(np.random.default_rng(1).bytes(3_000_000)))
    large = tmp_path / "large.xlsx"
    large.write_text("\n".join(lines()))
    endless = tmp_path / "endless.csv"
    endless.write_text("x" * 3_000_000)
    for path, layout in ((file, "csv"), (packed, "csv"), (large, "xlsx"), (endless, "csv"), (tmp_path / "no", "csv")):
        with excerpt(path, layout) as part:
            assert part is None


def previewed(home: Path, file: Path):
    with wb.open(home=home) as session:
        return session.preview(file)


def test_the_preview_of_a_large_file_says_what_it_could_not_see(tmp_path):
    file = tmp_path / "pump.csv"
    file.write_text("\n".join(lines()) + "\n")
    preview = previewed(tmp_path / "home", file)
    (series,) = preview.series
    assert (series.first, series.last) == ("2024-01-01 00:00:00 UTC", "2024-01-01 16:39:59 UTC")
    assert series.n_samples == pytest.approx(ROWS, rel=0.05) and series.share < 1
    assert f"about {series.n_samples:,} samples" in series.line
    load = preview.columns.set_index("column").loc["load"]
    assert (load["first"], load["last"], load["minimum"], load["maximum"]) == (0, ROWS - 1, 0, ROWS - 1)
    assert preview.assumed[0].startswith("read 1.3 of 2 MB: its beginning, 3 places between and its end;")
    assert preview.outcome == ["load: new"]


def test_a_large_file_that_is_refused_is_refused_for_what_the_whole_says(tmp_path):
    file = tmp_path / "pump.csv"
    file.write_text("\n".join([*lines(), "2024-01-01 00:00:00,7"]) + "\n")
    with wb.open(home=tmp_path / "home") as session, pytest.raises(wb.exceptions.ImportDataError) as foreseen:
        session.preview(file)
    with wb.open(home=tmp_path / "home") as session, pytest.raises(wb.exceptions.ImportDataError) as caught:
        session.import_data(file)
    assert str(foreseen.value) == str(caught.value)


def test_of_a_large_parquet_file_some_row_groups_are_read(tmp_path):
    file = tmp_path / "pump.parquet"
    n = 400_000
    time = np.datetime64("2024-01-01T00:00:00") + np.arange(n).astype("timedelta64[s]")
    values = np.random.default_rng(3).normal(size=n)
    pq.write_table(pa.table({"time": time, "load": values}), file, row_group_size=50_000)
    preview = previewed(tmp_path / "home", file)
    (series,) = preview.series
    assert series.last == f"{pd.Timestamp(time[-1])} UTC"
    load = preview.columns.set_index("column").loc["load"]
    assert (load["first"], load["last"]) == pytest.approx((values[0], values[-1]))
    assert series.n_samples == pytest.approx(n, rel=0.01)
    assert "of 400,000 rows" in preview.assumed[0] and "from 3 of 8 row groups" in preview.assumed[0]
