"""A file that is read straight into numbers gives the samples that its text gives: the same, or the same error."""

from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from workbench.exceptions import ImportDataError
from workbench.telemetry.importers.file_samples import FileSamples, read_samples
from workbench.telemetry.importers.formats import files, typed_text
from workbench.telemetry.importers.reading import Reading

NAMES = ("temp", "flow [m3/h]", "value", "RECORD", "temp_quality", "machineID", "hour", "ts", "step", "p.1", "rate")
ODD_NAMES = NAMES[2:]
ODD_CELLS = (
    *("-0.0", "-0", "1e400", "-1E-400", "1,000", '"1,000"', "1.000", '"7.25"', "+5.5", " 5.25 ", "", "NaN", "nan"),
    *("Nan", "inf", "-Infinity", "0x1F", "12.30", "007", "5.", ".5", "1.5e3", "-9999", "9007199254740993", "word"),
    *("1.234.567", "12 000.5", "\u22125.5", "20.5 °C", "true", "5.5 {ok}", "1_000.5", "1.797693134862315708145e308"),
)
ODD_ROWS = ("#a comment", "# note,1", "time,temp", "Total", ",,", "", "2024-03-14 10:00:00", "end;of;data", '"')
TIMES = ("%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M:%SZ", "%Y-%m-%dT%H:%M:%S.%f", "%Y-%m-%d %H:%M")
ODD_TIMES = ("%Y-%m-%d", "%d.%m.%Y %H:%M:%S", "%Y-%m-%d %H:%M:%S+02:00", "%Y%m%d%H%M%S", "%m/%d/%Y %I:%M:%S %p")
ODD_STAMPS = ["", "2024-03-14T10:00:00", "2024-02-30 10:00:00", "never"]
STEPS = ("1min", "1s", "1D", "1h", "250ms")


def write_random(seed: int, path: Path) -> None:
    """Write a table of times and numbers, mostly a plain one, with something odd in it now and then."""
    random = np.random.default_rng(seed)

    def happens(share: float) -> bool:
        return bool(random.random() < share)

    def one_of(things: Any) -> Any:
        return things[int(random.integers(len(things)))]

    n_rows, n_columns = int(random.integers(3, 60)), int(random.integers(1, 5))
    separator = one_of((",", ",", ";", "\t", "|"))
    form = one_of(ODD_TIMES) if happens(0.1) else one_of(TIMES)
    stamps = pd.date_range("2024-03-14 10:00", periods=n_rows, freq=one_of(STEPS))
    if happens(0.1):
        stamps = stamps[random.permutation(n_rows)]
    times = list(stamps.strftime(form))
    if happens(0.1):
        times[int(random.integers(n_rows))] = one_of(
            ("", "2024-03-14T10:00:00", "2024-02-30 10:00:00", "never", times[0])
        )
    names = [f"sensor {place}" if happens(0.7) else one_of(NAMES) for place in range(n_columns)]
    columns = []
    for name in names:
        digits = 0 if name in ODD_NAMES or happens(0.2) else int(random.integers(1, 5))
        values = np.round(random.normal(20, 5, n_rows), digits)
        columns.append([f"{value:.{digits}f}" if happens(0.97) else "" for value in values])
        if happens(0.25):
            for place in random.integers(n_rows, size=int(random.integers(1, 4))):
                columns[-1][place] = one_of(ODD_CELLS)
    place = 0 if happens(0.8) else int(random.integers(n_columns + 1))
    names.insert(place, one_of(("time", "time", "Timestamp", "Date", "moment", "value")))
    columns.insert(place, times)
    rows = [separator.join(row) for row in zip(*columns, strict=True)]
    if happens(0.15):
        rows.insert(int(random.integers(n_rows + 1)), one_of(ODD_ROWS))
    if happens(0.1):
        rows[int(random.integers(n_rows))] += separator + "5.5"
    quoted = [f'"{name}"' if happens(0.2) else name for name in names]
    text = "\n".join([separator.join(quoted), *rows]) + ("" if happens(0.1) else one_of(("\n", "\r\n")))
    path.write_bytes((b"\xef\xbb\xbf" if happens(0.1) else b"") + text.encode())


def outcome(path: Path, reading: Reading) -> "list[FileSamples] | str":
    """Return the samples of a file, or why it is refused."""
    try:
        return read_samples(path, "csv", reading, "keep")
    except ImportDataError as error:
        return str(error)


def assert_equal(first: FileSamples, second: FileSamples, what: str) -> None:
    for field in fields(FileSamples):
        one, other = getattr(first, field.name), getattr(second, field.name)
        if field.name == "raw_columns":  # a column that is left out is shown as it is written
            assert [(raw.name, raw.role, raw.missing) for raw in one] == [
                (raw.name, raw.role, raw.missing) for raw in other
            ], what
        elif field.name == "columns":
            assert list(one) == list(other), what
            for name in one:
                assert one[name].tobytes() == other[name].tobytes(), (what, name)
        elif isinstance(one, np.ndarray):
            assert one.dtype == other.dtype, (what, field.name)
            assert one.tobytes() == other.tobytes(), (what, field.name)
        elif field.name != "other":
            assert one == other, (what, field.name)
        assert (first.other is None) == (second.other is None), what


def compare(seeds: range, folder: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    """Read random files both ways, and return how many were read straight into numbers."""
    n_typed = 0

    def counting(*arguments: Any) -> Any:
        nonlocal n_typed
        frame = typed_text.read_typed(*arguments)
        n_typed += frame is not None
        return frame

    monkeypatch.setattr(typed_text, "_MIN_BYTES", 0)
    for seed in seeds:
        path = folder / "random.csv"
        write_random(seed, path)
        reading = Reading(timezone=(None, None, "Europe/Berlin")[seed % 3])
        monkeypatch.setattr(typed_text, "_HEAD_BYTES", (120, 400, 2**18)[seed // 3 % 3])
        monkeypatch.setattr(files, "read_typed", counting)
        typed = outcome(path, reading)
        monkeypatch.setattr(files, "read_typed", lambda *_: None)
        text = outcome(path, reading)
        what = f"seed {seed}: {path.read_text(encoding='utf-8-sig')[:2000]}"
        if isinstance(typed, str) or isinstance(text, str):
            assert typed == text, what
            continue
        assert len(typed) == len(text), what
        for one, other in zip(typed, text, strict=True):
            assert_equal(one, other, what)
    return n_typed


def test_numbers_are_those_of_the_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert compare(range(120), tmp_path, monkeypatch) > 12


@pytest.mark.long
@pytest.mark.parametrize("first", range(120, 5000, 488))
def test_numbers_of_thousands_of_tables_are_those_of_the_text(
    first: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert compare(range(first, first + 488), tmp_path, monkeypatch) > 60


def test_what_is_read_straight_into_numbers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(typed_text, "_MIN_BYTES", 0)
    path = tmp_path / "plain.csv"
    path.write_text("time,a,b\n2024-03-14T10:00:00.5Z,1.5,\n2024-03-14T10:00:01.5Z,NaN,-0.0\n")
    frame = typed_text.read_typed(path, files.sniff(path), Reading())
    assert frame is not None
    assert str(frame["time"].iloc[0]) == "2024-03-14 10:00:00.500000+00:00"
    np.testing.assert_array_equal(frame[["a", "b"]].to_numpy(), [[1.5, np.nan], [np.nan, -0.0]])
    assert np.signbit(frame["b"].iloc[1])
    assert typed_text.read_typed(path, files.sniff(path), Reading(missing=("-9999",))) is None
