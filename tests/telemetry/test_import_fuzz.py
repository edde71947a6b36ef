"""Loaders under more than 2,500 hostile inputs: each imports, or raises a workbench error and leaves nothing."""

import io
import struct
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from workbench.exceptions import ArchiveError, ChannelNotFoundError, ImportDataError, LabelError, WorkbenchError
from workbench.telemetry.archive import Archive, ChannelInfo, ChannelParts
from workbench.telemetry.archiving.channel_parts import without_time
from workbench.telemetry.archiving.plain_parts import PlainParts
from workbench.telemetry.importers import IMPORTERS, delivery, import_nasa
from workbench.telemetry.importers.npy import read_npy
from workbench.telemetry.labels import read_labels
from workbench.telemetry.schema import validate

LABELS = 'chan_id,spacecraft,anomaly_sequences,class,num_values\nA-1,SMAP,"[[5, 9], [11, 12]]","[point, point]",40\n'
CSV = "time;temp;mode\n" + "".join(f"2024-03-{day:02} 10:00;{day},5;on\n" for day in range(1, 20))
LIMITS = {
    "deadline": None,
    "derandomize": True,
    "database": None,
    "suppress_health_check": [HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
}


def fuzz(examples: int) -> Callable:
    return settings(max_examples=examples, **LIMITS)


def npy(array: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array, allow_pickle=True)
    return stream.getvalue()


def small_zip() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as bundle:
        wave = np.sin(np.arange(80.0)).reshape(40, 2)
        for name, content in (
            ("d/train/A-1.npy", npy(wave)),
            ("d/test/A-1.npy", npy(wave)),
            ("labeled_anomalies.csv", LABELS.encode()),
        ):
            bundle.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return stream.getvalue()


ZIP = small_zip()
NPY = [npy(np.sin(np.arange(30.0)).reshape(10, 3)), npy(np.array([[{}]], dtype=object)), npy(np.zeros(5, "f4"))]
PARQUET = io.BytesIO()
pd.read_csv(io.StringIO(CSV), sep=";", decimal=",").to_parquet(PARQUET)


@st.composite
def mutated(draw: st.DrawFn, *originals: bytes) -> bytes:
    """One of the originals with bytes changed, taken out, put in or cut off."""
    content = bytearray(draw(st.sampled_from(originals)))
    for _ in range(draw(st.integers(1, 6))):
        place = draw(st.integers(0, max(0, len(content) - 1)))
        way = draw(st.sampled_from(["change", "insert", "delete", "cut", "copy"]))
        if way == "change" and content:
            content[place] = draw(st.integers(0, 255))
        elif way == "insert":
            content[place:place] = draw(st.binary(min_size=1, max_size=12))
        elif way == "delete":
            del content[place : place + draw(st.integers(1, 12))]
        elif way == "cut":
            del content[place:]
        else:
            other = draw(st.integers(0, len(content)))
            content[place:place] = content[other : other + 20]
    return bytes(content)


@st.composite
def zips_of_mutated_files(draw: st.DrawFn) -> bytes:
    """A sound zip whose files are not."""
    wave = npy(np.sin(np.arange(80.0)).reshape(40, 2))
    names = draw(
        st.lists(st.sampled_from(["train/A-1.npy", "test/A-1.npy", "../x", "test/B.npy", "test/a b.npy"]), max_size=2)
    )
    files = {"train/A-1.npy": wave, "test/A-1.npy": wave, "labeled_anomalies.csv": LABELS.encode()}
    files |= {name: draw(st.one_of(st.just(wave), mutated(wave, *NPY))) for name in names}
    if draw(st.booleans()):
        files["labeled_anomalies.csv"] = draw(mutated(LABELS.encode()))
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as bundle:
        for name, content in files.items():
            bundle.writestr(zipfile.ZipInfo(name), content)
    return stream.getvalue()


class Recorder(Archive):
    """An archive in memory: keeps what is valid under its name, as the real one does."""

    def __init__(self) -> None:
        self.kept: dict[str, tuple[xr.Dataset, xr.Dataset] | PlainParts] = {}
        self.described: dict[str, object] = {}

    def channels(self) -> list[str]:
        return list(self.kept)

    def infos(self) -> tuple[list[ChannelInfo], dict[str, ArchiveError]]:
        return [], {}

    def info(self, channel: str) -> ChannelInfo:
        raise ChannelNotFoundError(channel)

    def content_hashes(self, channel: str) -> tuple[str, ...] | None:
        return None

    def write_all(
        self,
        channels: Sequence[ChannelParts | PlainParts],
        based_on: Mapping[str, tuple[str, ...] | None] | None = None,
    ) -> list[bool]:
        changed = []
        for parts in channels:
            self.described[parts.channel] = without_time(parts.attributes())
            if isinstance(parts, PlainParts):
                self.kept[parts.channel] = parts
                changed.append(True)
            else:
                changed.append(self.write(parts.train, parts.test, parts.labels))
        return changed

    def write(self, train: xr.Dataset, test: xr.Dataset, labels: pd.DataFrame | None = None) -> bool:
        for split in (train, test):
            validate(split)
            assert not np.isinf(split["telemetry"]).any() and not np.isnan(split["telemetry"]).all()
            assert np.isfinite(split["commands"]).all()
        if labels is not None and len(labels):
            assert labels["end"].max() < test.sizes["time"]
        self.kept[test.attrs["channel"]] = (train, test)
        return True


def imports_or_refuses(path: Path, layout: str, **options) -> bool:
    archive = Recorder()
    try:
        report = IMPORTERS[layout](path, archive, **options)
    except WorkbenchError as error:
        assert error.message
        assert not archive.kept
        return False
    assert sorted(archive.kept) == sorted(c.channel for c in report.channels if c.status == "imported")
    if any(isinstance(parts, PlainParts) for parts in archive.kept.values()):
        alone = Recorder()
        with patch.object(delivery, "plain_channels", lambda *_: {}):
            assert IMPORTERS[layout](path, alone, **options) == report
        assert alone.described == archive.described
    return True


@fuzz(700)
@given(st.one_of(mutated(*NPY), st.binary(max_size=300)))
def test_npy(content: bytes) -> None:
    try:
        values = read_npy(io.BytesIO(content), len(content), "a.npy")
    except ImportDataError as error:
        assert "a.npy" in error.message
        return
    assert values.ndim == 2
    assert np.isfinite(values).all()
    assert values.nbytes <= 4 * len(content)


@fuzz(300)
@given(st.text(max_size=150))
def test_npy_headers(text: str) -> None:
    body = text.encode()
    content = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(body)) + body + bytes(64)
    with pytest.raises(ImportDataError):
        read_npy(io.BytesIO(content), len(content), "a.npy")


@fuzz(300)
@given(st.one_of(mutated(ZIP), zips_of_mutated_files()))
def test_zips(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "set.zip"
    path.write_bytes(content)
    imports_or_refuses(path, "nasa")


@fuzz(40)
@given(st.one_of(mutated(ZIP), zips_of_mutated_files()))
def test_zips_into_a_store(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    folder = tmp_path_factory.mktemp("store")
    (folder / "set.zip").write_bytes(content)
    archive = Archive(folder / "archive.zarr")
    try:
        import_nasa(folder / "set.zip", archive)
    except WorkbenchError:
        assert archive.channels() == []
    for channel in Archive(folder / "archive.zarr").channels():
        for split in ("train", "test"):
            validate(archive.open(channel, split).load())
    assert not (folder / "archive.zarr.incoming").exists()


@fuzz(500)
@given(st.one_of(mutated(LABELS.encode()), st.text(max_size=200).map(str.encode)))
def test_labels(content: bytes) -> None:
    text = content.decode("utf-8", "replace") + "\n"
    try:
        labels = read_labels(text)
    except LabelError:
        return
    for frame in labels.values():
        assert ((frame["start"] >= 0) & (frame["start"] <= frame["end"])).all()


CELLS = st.one_of(
    st.sampled_from(["", "1", "-2,5", "3.5", "NaN", "inf", "1e400", "2024-03-10", "2024-03-10 10:00", "10/3/24", "x"]),
    st.integers().map(str),
    st.floats().map(str),
    st.datetimes().map(str),
    st.text(max_size=6),
)


@st.composite
def tables(draw: st.DrawFn) -> bytes:
    separator = draw(st.sampled_from([",", ";", "\t", "|", " "]))
    width = draw(st.integers(1, 4))
    lines = [
        separator.join(draw(st.lists(st.sampled_from(["time", "temp", "a b", "ü", "", "1"]), min_size=1, max_size=4)))
    ]
    count = draw(st.integers(0, 8))
    lines += [separator.join(draw(st.lists(CELLS, min_size=1, max_size=width + 1))) for _ in range(count)]
    text = draw(st.sampled_from(["\n", "\r\n"])).join(lines)
    return text.encode(draw(st.sampled_from(["utf-8", "utf-8-sig", "utf-16"])), "replace")


@pytest.mark.slow
@fuzz(200)
@given(st.one_of(mutated(CSV.encode()), tables(), st.binary(max_size=200)))
def test_csv(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "table.csv"
    path.write_bytes(content)
    imports_or_refuses(path, "csv")


@fuzz(100)
@given(mutated(CSV.encode()), st.sampled_from(["temp", "mode", "time", "x"]), st.sampled_from(["temp", "mode", None]))
def test_csv_with_roles(tmp_path: Path, content: bytes, name: str, label: str | None) -> None:
    path = tmp_path / "table.csv"
    path.write_bytes(content)
    imports_or_refuses(path, "csv", inputs=[name], label_column=label)


@fuzz(150)
@given(mutated(PARQUET.getvalue()))
def test_parquet(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "table.parquet"
    path.write_bytes(content)
    imports_or_refuses(path, "parquet")


def test_the_originals_import(tmp_path: Path) -> None:
    for name, content, layout in (
        ("a.zip", ZIP, "nasa"),
        ("a.csv", CSV.encode(), "csv"),
        ("a.parquet", PARQUET.getvalue(), "parquet"),
    ):
        (tmp_path / name).write_bytes(content)
        assert imports_or_refuses(tmp_path / name, layout)
