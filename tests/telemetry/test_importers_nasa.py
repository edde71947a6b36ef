"""Telemanom's layout, good and bad."""

import io
import re
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest

from workbench.exceptions import ArchiveError, ImportDataError, LabelError
from workbench.telemetry.archive import Archive
from workbench.telemetry.importers import bundle as bundle_module
from workbench.telemetry.importers import import_nasa
from workbench.telemetry.importers.npy import read_npy

LABELS = 'chan_id,spacecraft,anomaly_sequences,class,num_values\nA-1,SMAP,"[[5, 9]]",[point],40\n'


def npy(array: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array, allow_pickle=True)
    return stream.getvalue()


def header(text: str, samples: bytes = b"") -> bytes:
    body = text.encode().ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(body)) + body + samples


def wave(n: int, width: int = 25, dtype: str = "f8") -> np.ndarray:
    array = np.zeros((n, width), dtype)
    array[:, 0] = np.sin(np.arange(n))
    array[::3, 1:2] = 1
    return array


def good(prefix: str = "") -> dict[str, bytes]:
    return {
        f"{prefix}train/A-1.npy": npy(wave(30)),
        f"{prefix}test/A-1.npy": npy(wave(40)),
        f"{prefix}train/M-10.npy": npy(wave(20, 55)),
        f"{prefix}test/M-10.npy": npy(wave(25, 55)),
    }


def make_zip(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as bundle:
        for name, content in files.items():
            bundle.writestr(name, content)
    return path


def make_folder(path: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        file = path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    return path


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive(tmp_path / "archive.zarr")


@pytest.mark.parametrize("make", [make_zip, make_folder])
@pytest.mark.parametrize("prefix", ["", "data/data/", "a/b/c/"])
def test_channels_are_found_wherever_they_lie(tmp_path: Path, archive: Archive, make, prefix: str) -> None:
    path = make(
        tmp_path / "set", {**good(prefix), "x/labeled_anomalies.csv": LABELS.encode(), "__MACOSX/train/._A-1.npy": b"x"}
    )
    report = import_nasa(path, archive)
    assert archive.channels() == ["A-1", "M-10"]
    assert [(c.channel, c.status, c.n_train, c.n_test) for c in report.channels] == [
        ("A-1", "imported", 30, 40),
        ("M-10", "imported", 20, 25),
    ]
    info = archive.info("A-1")
    assert (info.asset, info.subsystem, info.n_commands, info.sample_period) == ("SMAP", "A", 24, "unknown")
    assert archive.info("M-10").asset == "MSL"
    test = archive.open("A-1", "test")
    np.testing.assert_array_equal(test["telemetry"], wave(40)[:, 0].astype("f4"))
    np.testing.assert_array_equal(test["commands"], wave(40)[:, 1:])
    assert test["commands"].dtype == np.int8
    np.testing.assert_array_equal(test["time"], np.arange(40))
    assert archive.labels("A-1").values.tolist() == [[5, 9, "point"]]
    assert archive.labels("M-10") is None
    assert "no labels" in report.channels[1].note


def test_importing_again_changes_nothing(tmp_path: Path, archive: Archive) -> None:
    path = make_zip(tmp_path / "set.zip", good())
    import_nasa(path, archive)
    report = import_nasa(path, archive)
    assert report.count("unchanged") == 2
    assert report.to_frame()["status"].tolist() == ["unchanged", "unchanged"]


def test_other_widths_orders_and_precisions_are_read(tmp_path: Path, archive: Archive) -> None:
    values = wave(40, 3)
    files = {
        "train/Q-1.npy": npy(np.asfortranarray(values)),
        "test/Q-1.npy": npy(values.astype(">f4")),
        "train/Q-2.npy": npy(wave(10, 1)),
        "test/Q-2.npy": npy(wave(10, 1)),
    }
    import_nasa(make_zip(tmp_path / "mine.zip", files), archive)
    for split in ("train", "test"):
        np.testing.assert_array_equal(archive.open("Q-1", split)["telemetry"], values[:, 0].astype("f4"))
    assert archive.info("Q-1").asset == "mine"
    assert archive.info("Q-2").n_commands == 0


BAD_NPY = {
    "objects": (npy(np.array([[{}]], dtype=object)), "objects"),
    "structured": (npy(np.zeros((3, 2), [("a", "f8")])), "not floating-point"),
    "whole numbers": (npy(np.zeros((3, 2), "i8")), "not floating-point"),
    "complex": (npy(np.zeros((3, 2), "c16")), "not floating-point"),
    "text": (b"hello, world", "not a readable npy"),
    "empty": (b"", "not a readable npy"),
    "one dimension": (npy(np.zeros(9)), "has shape"),
    "three dimensions": (npy(np.zeros((2, 2, 2))), "has shape"),
    "no samples": (npy(np.zeros((0, 25))), "has shape"),
    "no columns": (npy(np.zeros((9, 0))), "has shape"),
    "truncated": (npy(wave(40))[:-1], "claims 8000 bytes of samples but holds 7999"),
    "surplus": (npy(wave(40)) + b"\0", "claims 8000"),
    "lying header": (
        header("{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000, 25), }", b"\0" * 200),
        "claims 200000000000000 bytes of samples but holds 200",
    ),
    "negative shape": (
        header("{'descr': '<f8', 'fortran_order': False, 'shape': (-1, -25), }", b"\0" * 200),
        "has shape",
    ),
    "header that is code": (header("__import__('os').abort()"), "not a readable npy"),
    "open bracket": (header("{'descr': '<f8', 'fortran_order': False, 'shape': (1L, ("), "not a readable npy"),
    "deep header": (header("(" * 5000), "not a readable npy"),
    "version 3": (b"\x93NUMPY\x03\x00" + b"\0" * 100, "version"),
    "NaN": (npy(np.where(np.arange(40)[:, None] == 17, np.nan, wave(40))), "telemetry is nan at sample 17"),
    "infinite command": (
        npy(np.where((np.arange(40)[:, None] == 3) & (np.arange(25) == 2), np.inf, wave(40))),
        "command 1 is inf at sample 3",
    ),
    "beyond float32": (npy(np.full((40, 25), 1e300)), "telemetry is inf at sample 0"),
}


@pytest.mark.parametrize("case", BAD_NPY)
@pytest.mark.parametrize("make", [make_zip, make_folder])
def test_a_bad_file_is_named_and_its_channel_not_written(tmp_path: Path, archive: Archive, make, case: str) -> None:
    content, says = BAD_NPY[case]
    path = make(tmp_path / "set", {**good(), "test/A-1.npy": content})
    with pytest.raises(ImportDataError, match=re.escape(says)) as raised:
        import_nasa(path, archive)
    assert "test/A-1.npy" in str(raised.value)
    assert archive.channels() == []


def test_a_channel_that_fails_leaves_those_before_it_and_the_next_run_continues(
    tmp_path: Path, archive: Archive
) -> None:
    files = good()
    files["test/M-10.npy"] = npy(np.full((25, 55), np.nan))
    with pytest.raises(ImportDataError, match=r"1 channel before it is in the archive"):
        import_nasa(make_zip(tmp_path / "set.zip", files), archive)
    assert archive.channels() == ["A-1"]
    report = import_nasa(make_zip(tmp_path / "set.zip", good()), archive)
    assert [channel.status for channel in report.channels] == ["unchanged", "imported"]


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ({}, "no channel in Telemanom's layout"),
        ({"readme.txt": b""}, "no channel in Telemanom's layout"),
        ({"train/A-1.npy": npy(wave(3))}, "A-1 has no test"),
        ({**good(), "train/M-10.npy": npy(wave(20))}, "M-10: train has 25 inputs, test has 55"),
        ({**good("a/"), **good("b/")}, "holds A-1 twice"),
        ({**good(), "test/a  b.npy": b""}, "cannot name a channel"),
        ({**good(), "../evil.txt": b""}, "leads out of the zip"),
        ({**good(), "/etc/evil.txt": b""}, "leads out of the zip"),
        ({**good(), "a\\..\\evil.txt": b""}, "leads out of the zip"),
        ({**good(), "C:/evil.txt": b""}, "leads out of the zip"),
        ({**good(), "./train/A-1.npy": b""}, "in the zip twice"),
        ({**good(), "a/labeled_anomalies.csv": LABELS.encode(), "labeled_anomalies.csv": b"x"}, "different labels"),
    ],
)
def test_a_layout_that_is_wrong_is_refused_before_anything_is_written(
    tmp_path: Path, archive: Archive, files: dict[str, bytes], says: str
) -> None:
    with pytest.raises(ImportDataError, match=re.escape(says)):
        import_nasa(make_zip(tmp_path / "set.zip", files), archive)
    assert archive.channels() == []


def test_labels_outside_the_series_are_refused(tmp_path: Path, archive: Archive) -> None:
    labels = LABELS.replace("[5, 9]", "[5, 40]").replace(",40\n", ",100\n")
    with pytest.raises(LabelError, match=r"A-1: label \[5, 40\] lies outside"):
        import_nasa(make_zip(tmp_path / "set.zip", {**good(), "labeled_anomalies.csv": labels.encode()}), archive)
    assert archive.channels() == []


def test_labels_of_another_length_are_noted(tmp_path: Path, archive: Archive) -> None:
    files = {**good(), "labeled_anomalies.csv": LABELS.replace(",40\n", ",100\n").encode()}
    report = import_nasa(make_zip(tmp_path / "set.zip", files), archive)
    assert report.channels[0].note == "labels were made for 100 samples"


def test_zips_that_are_damaged_or_unsafe(tmp_path: Path, archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    path = make_zip(tmp_path / "set.zip", good())
    whole = path.read_bytes()
    flipped = bytearray(whole)
    flipped[whole.index(b"test/A-1.npy") + 60] ^= 0xFF
    encrypted = bytearray(whole)
    encrypted[whole.index(b"PK\x01\x02") + 8] |= 1
    cases = {
        "is not a readable zip": [whole[: len(whole) // 2], b"", b"PK\x03\x04 no zip"],
        "cannot be read": [bytes(flipped)],
        "is encrypted": [bytes(encrypted)],
    }
    for says, contents in cases.items():
        for content in contents:
            path.write_bytes(content)
            with pytest.raises(ImportDataError, match=says):
                import_nasa(path, archive)
    path.write_bytes(whole)
    monkeypatch.setattr(bundle_module, "_MAX_MEMBER_BYTES", 5000)
    with pytest.raises(ImportDataError, match="has 6,128 bytes unpacked"):
        import_nasa(path, archive)
    with pytest.raises(ImportDataError, match="does not exist"):
        import_nasa(tmp_path / "nowhere.zip", archive)
    assert archive.channels() == []


def test_a_header_that_lies_about_a_terabyte_allocates_nothing() -> None:
    content = header("{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000000, 25), }", b"\0" * 100)

    class Counting(io.BytesIO):
        most = 0

        def read(self, size: int | None = -1, /) -> bytes:
            Counting.most = max(Counting.most, size or 0)
            return super().read(size)

    with pytest.raises(ImportDataError, match="claims"):
        read_npy(Counting(content), len(content), "a.npy")
    assert Counting.most < 1000


def test_an_archive_that_cannot_be_written_is_an_archive_error(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("a file where a folder should be")
    with pytest.raises(ArchiveError, match="cannot be written"):
        import_nasa(make_zip(tmp_path / "set.zip", good()), Archive(tmp_path / "home" / "archive.zarr"))


@pytest.mark.slow
@pytest.mark.nasa
def test_all_of_nasas_channels(nasa_zip: Path, archive: Archive) -> None:
    report = import_nasa(nasa_zip, archive)
    assert report.count("imported") == len(archive.channels()) == 82
    infos = [archive.info(channel) for channel in archive.channels()]
    assert sum(info.asset == "SMAP" for info in infos) == 54
    assert {info.n_commands for info in infos if info.asset == "MSL"} == {54}
    assert sum(info.labelled for info in infos) == 41
    assert archive.labels("T-10") is None
    assert archive.labels("P-1")[["start", "end"]].values.tolist() == [[2149, 2349], [3539, 3779], [4536, 4844]]
    np.testing.assert_array_equal(archive.open("P-10")["telemetry"], archive.open("P-14")["telemetry"])
    assert import_nasa(nasa_zip, archive).count("unchanged") == 82
