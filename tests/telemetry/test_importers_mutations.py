"""Valid files of every format with something changed: one clear error, or all that was not changed read as before."""

import csv
import gzip
import io
import json
import random
import resource
import signal
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pandas as pd
import pytest

from tests.telemetry.test_import_fuzz import Recorder
from workbench.exceptions import WorkbenchError
from workbench.telemetry.importers import delivery, import_table
from workbench.telemetry.importers.labels.files import read_label_spans

QUICK, LONG = 300, 20_000
AT_ONCE = 50
MAX_SECONDS = 120  # of one file of 2 kB, however slow the machine
MAX_KIB = 1024 * 1024

N_ROWS = 24
TIMES = pd.date_range("2024-03-01 10:00", periods=N_ROWS, freq="min")
FRAME = pd.DataFrame(
    {"time": TIMES.strftime("%Y-%m-%d %H:%M:%S"), "temp": np.arange(N_ROWS) * 0.5 + 20, "load": np.arange(N_ROWS) * 3}
)
LABELS = "asset,start,end,kind\npump,2024-03-01 10:15,2024-03-01 10:17,leak\npump,2024-03-01 10:20,2024-03-01 10:21,\n"
WINDOWS = json.dumps({"folder/pump.csv": [["2024-03-01 10:15:00", "2024-03-01 10:17:00"]], "fan.csv": []}, indent=1)


def delimited(separator: str) -> bytes:
    return FRAME.to_csv(sep=separator, index=False, lineterminator="\n").encode()


def zipped(content: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as bundle:
        bundle.writestr(zipfile.ZipInfo("pump.csv"), content)
    return stream.getvalue()


def in_memory(write: Callable[[io.BytesIO], object]) -> bytes:
    stream = io.BytesIO()
    write(stream)
    return stream.getvalue()


FORMATS: dict[str, tuple[bool, Callable[[], bytes]]] = {
    "pump.csv": (True, lambda: delimited(",")),
    "pump.tsv": (True, lambda: delimited("\t")),
    "pump.txt": (True, lambda: delimited(";")),
    "pump.parquet": (True, lambda: in_memory(FRAME.to_parquet)),
    "pump.csv.gz": (True, lambda: gzip.compress(delimited(","), mtime=0)),
    "pump.csv.zip": (True, lambda: zipped(delimited(","))),
    "pump.feather": (True, lambda: in_memory(FRAME.to_feather)),
    "pump.jsonl": (True, lambda: FRAME.to_json(orient="records", lines=True).encode()),
    "pump.xlsx": (True, lambda: in_memory(lambda stream: FRAME.to_excel(stream, index=False, engine="xlsxwriter"))),
}
"""Whether a format can be imported, and the maker of a valid file, by its name."""
FILES = {name: make() for name, (is_on, make) in FORMATS.items() if is_on}
CELLS = ["", "x", "-", "NaN", "1e400", "1,5", "1.234.567", "0x10", "1_000", "9" * 400, "=1+1", '"', "#N/A", "٣", "1 2"]
TIME_CELLS = ["", "x", "2024-13-45 10:00:00", "2999-01-01 00:00:00", "1999-01-01 00:00:00", "2024-03-01 10:00:00", "0"]


@contextmanager
def within_bounds() -> Iterator[None]:
    """End a test in which one file takes minutes, or a gigabyte."""

    def stop(*_: object) -> None:
        raise AssertionError(f"one file took more than {MAX_SECONDS} s")

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    old = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, MAX_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, old)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < MAX_KIB


def imported(path: Path) -> dict[str, pd.Series] | None:
    """Import a file; return the values of every channel by time, None where it is refused with a clear error."""
    archive = Recorder()
    try:
        with within_bounds(), patch.object(delivery, "plain_channels", lambda *_: {}):
            import_table(path, archive, asset="pump")
    except WorkbenchError as error:
        assert str(error).strip()
        assert not archive.kept
        return None
    series = {}
    for splits in archive.kept.values():
        values = np.concatenate([split["telemetry"].values for split in splits])
        series[splits[0].attrs["channel"]] = pd.Series(values, np.concatenate([s["time"].values for s in splits]))
    return series


def mutated(content: bytes, draw: random.Random) -> bytes:
    """Change, insert, take out, cut or copy some bytes."""
    changed = bytearray(content)
    for _ in range(draw.randint(1, 5)):
        place = draw.randrange(max(1, len(changed)))
        way = draw.choice(["change", "insert", "delete", "cut", "copy", "flip"])
        if way == "change" and changed:
            changed[place] = draw.randrange(256)
        elif way == "flip" and changed:
            changed[place] ^= 1 << draw.randrange(8)
        elif way == "insert":
            changed[place:place] = draw.randbytes(draw.randint(1, 9))
        elif way == "delete":
            del changed[place : place + draw.randint(1, 12)]
        elif way == "copy":
            other = draw.randrange(len(changed) + 1)
            changed[place:place] = changed[other : other + draw.randint(1, 40)]
        elif draw.random() < 0.3:
            del changed[place:]
    return bytes(changed)


def with_other_cell(draw: random.Random) -> tuple[bytes, int]:
    """Return the table with another text in one cell of it, and the row of this cell."""
    row, column = draw.randrange(N_ROWS), draw.randrange(3)
    rows = [list(FRAME.columns), *FRAME.astype(str).to_numpy().tolist()]
    cell = draw.choice(CELLS if column else TIME_CELLS)
    rows[row + 1][column] = cell
    if '"' in cell:
        return "\n".join(";".join(cells) for cells in [*rows, []]).encode(), row
    stream = io.StringIO()
    csv.writer(stream, delimiter=";", lineterminator="\n").writerows(rows)
    return stream.getvalue().encode(), row


def check_bytes(seed: int, folder: Path) -> None:
    draw = random.Random(seed)
    name = draw.choice(list(FILES))
    path = folder / name
    path.write_bytes(mutated(FILES[name], draw))
    series = imported(path)
    for values in (series or {}).values():
        assert len(values) <= 2 * N_ROWS, f"seed {seed}"
        assert values.index.is_monotonic_increasing, f"seed {seed}"


def check_cell(seed: int, folder: Path) -> None:
    content, row = with_other_cell(random.Random(seed))
    path = folder / "pump.txt"
    path.write_bytes(content)
    series = imported(path)
    if series is None:
        return
    assert series.keys() == {"temp", "load"}, f"seed {seed}"
    others = np.delete(TIMES.to_numpy().astype("datetime64[ns]"), row)
    for name, values in series.items():
        expected = np.delete(FRAME[name].to_numpy(), row).astype(np.float32)
        np.testing.assert_array_equal(values.reindex(others), expected, err_msg=f"seed {seed}: {content!r}")


def check_labels(seed: int, folder: Path) -> None:
    draw = random.Random(seed)
    path = folder / draw.choice(["labels.csv", "labels.json"])
    path.write_bytes(mutated((WINDOWS if path.suffix == ".json" else LABELS).encode(), draw))
    try:
        with within_bounds():
            spans = read_label_spans(path)
    except WorkbenchError as error:
        assert str(error).strip()
        return
    for scope in spans.scopes:
        assert (scope.starts <= scope.ends).all(), f"seed {seed}"


CHECKS = {"bytes": (check_bytes, 0.5), "cells": (check_cell, 0.3), "labels": (check_labels, 0.2)}


@pytest.mark.parametrize("what", CHECKS)
def test_a_mutated_file_is_read_rightly_or_refused(tmp_path: Path, what: str) -> None:
    check, share = CHECKS[what]
    for seed in range(int(share * QUICK)):
        check(seed, tmp_path)


@pytest.mark.long
@pytest.mark.parametrize("first", range(0, LONG, LONG // 20))
@pytest.mark.parametrize("what", CHECKS)
def test_thousands_of_mutated_files(tmp_path: Path, what: str, first: int) -> None:
    check, share = CHECKS[what]
    for seed in range(QUICK + first, QUICK + first + int(share * LONG // 20)):
        check(seed, tmp_path)


def test_the_files_themselves_are_read(tmp_path: Path) -> None:
    for name, content in FILES.items():
        (tmp_path / name).write_bytes(content)
        series = imported(tmp_path / name)
        assert series is not None, name
        for channel in ("temp", "load"):
            np.testing.assert_array_equal(series[channel], FRAME[channel].astype(np.float32))
            assert (series[channel].index == TIMES).all()
