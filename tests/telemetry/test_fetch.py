"""Downloading, against a server on the loopback."""

import hashlib
import logging
import re
import signal
import socket
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from zipfile import ZipFile

import pytest

from workbench.exceptions import FetchError
from workbench.telemetry import fetch
from workbench.telemetry.archive import Archive
from workbench.telemetry.fetch import checksums, fetch_nasa
from workbench.telemetry.importers import import_nasa

LABELS = b'chan_id,spacecraft,anomaly_sequences,class,num_values\nA-1,SMAP,"[[5, 9]]",[point],40\n'


class Mirror(ThreadingHTTPServer):
    """Serves `files`; `drop` names files whose connection breaks that many times after half of the body."""

    daemon_threads = True

    def __init__(self, files: dict[str, bytes]) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.files = files
        self.drop: Counter[str] = Counter()
        self.status: dict[str, list[int]] = {}
        self.ranges = True
        self.requests: list[tuple[str, str | None]] = []
        self.at_once = self.most_at_once = 0
        self.together: threading.Barrier | None = None
        self.lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/set"

    def asked(self, name: str) -> list[str | None]:
        return [sent for asked, sent in self.requests if asked == name]


class Handler(BaseHTTPRequestHandler):
    server: Mirror

    def do_GET(self) -> None:
        name = self.path.removeprefix("/set/")
        server = self.server
        with server.lock:
            server.requests.append((name, self.headers["Range"]))
            server.at_once += 1
            server.most_at_once = max(server.most_at_once, server.at_once)
            status = server.status[name].pop(0) if server.status.get(name) else 0
            drops = server.drop[name] > 0
            server.drop[name] -= drops
        if server.together is not None:
            server.together.wait(20)
        with server.lock:
            server.at_once -= 1
        self.answer(server.files.get(name), status, drops)

    def answer(self, content: bytes | None, status: int, drops: bool) -> None:
        if status or content is None:
            self.send_response(status or 404)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        begin = 0
        if self.server.ranges and self.headers["Range"]:
            begin = int(re.fullmatch(r"bytes=(\d+)-", self.headers["Range"])[1])
            if begin >= len(content):
                self.send_response(416)
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {begin}-{len(content) - 1}/{len(content)}")
        else:
            self.send_response(200)
        body = content[begin:]
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: len(body) // 2] if drops else body)

    def log_message(self, *arguments: object) -> None:
        del arguments


def content_of(name: str) -> bytes:
    return hashlib.sha256(name.encode()).digest() * 8000


def sums(files: dict[str, bytes]) -> dict[str, str]:
    return {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}


@pytest.fixture
def mirror(monkeypatch: pytest.MonkeyPatch) -> Iterator[Mirror]:
    monkeypatch.setattr(fetch, "_FIRST_WAIT_S", 0)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    names = [f"{split}/{channel}.npy" for split in ("train", "test") for channel in ("A-1", "A-2", "M-1", "T-1")]
    server = Mirror({**{name: content_of(name) for name in names}, "labeled_anomalies.csv": LABELS})
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def known(mirror: Mirror) -> dict[str, str]:
    return sums(mirror.files)


def files_in(folder: Path) -> dict[str, bytes]:
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def test_every_file_arrives_and_is_not_asked_for_again(tmp_path: Path, mirror: Mirror, known: dict[str, str]) -> None:
    folder = tmp_path / "new" / "nasa"
    assert fetch_nasa(folder, base_url=mirror.url + "/", digests=known, progress=False) == folder
    assert files_in(folder) == mirror.files
    mirror.requests.clear()
    fetch_nasa(folder, base_url=mirror.url, digests=known, progress=False)
    assert mirror.requests == []


def test_a_file_that_was_changed_on_disk_is_fetched_again(
    tmp_path: Path, mirror: Mirror, known: dict[str, str]
) -> None:
    fetch_nasa(tmp_path, base_url=mirror.url, digests=known, progress=False)
    (tmp_path / "test" / "A-1.npy").write_bytes(b"cut off")
    mirror.requests.clear()
    fetch_nasa(tmp_path, base_url=mirror.url, digests=known, progress=False)
    assert [name for name, _ in mirror.requests] == ["test/A-1.npy"]
    assert files_in(tmp_path) == mirror.files


def test_a_dropped_connection_is_continued_where_it_broke(
    tmp_path: Path, mirror: Mirror, known: dict[str, str]
) -> None:
    mirror.drop["test/A-1.npy"] = 1
    fetch_nasa(tmp_path, base_url=mirror.url, digests=known, progress=False)
    assert files_in(tmp_path) == mirror.files
    first, second = mirror.asked("test/A-1.npy")
    assert first is None
    sent = len(content_of("test/A-1.npy")) // 2
    assert sent - fetch._CHUNK_BYTES < int(second.removeprefix("bytes=").removesuffix("-")) <= sent


def test_a_mirror_without_ranges_sends_the_file_anew(tmp_path: Path, mirror: Mirror, known: dict[str, str]) -> None:
    mirror.ranges = False
    mirror.drop["test/A-1.npy"] = 2
    fetch_nasa(tmp_path, base_url=mirror.url, digests=known, progress=False)
    assert files_in(tmp_path) == mirror.files


@pytest.mark.parametrize("part", [b"not the beginning", b"x" * 10_000_000])
def test_a_part_of_something_else_is_given_up(
    tmp_path: Path, mirror: Mirror, known: dict[str, str], part: bytes
) -> None:
    (tmp_path / "test").mkdir()
    (tmp_path / "test" / "A-1.npy.part").write_bytes(part)
    fetch_nasa(tmp_path, base_url=mirror.url, digests=known, progress=False)
    assert files_in(tmp_path) == mirror.files


def test_attempts_are_limited_and_the_part_waits_for_the_next_run(
    tmp_path: Path, mirror: Mirror, known: dict[str, str]
) -> None:
    mirror.drop["test/A-1.npy"] = 100
    with pytest.raises(FetchError, match=r"1 of 9 files .* test/A-1.npy: 127.0.0.1 dropped the connection") as raised:
        fetch_nasa(tmp_path, base_url=mirror.url, digests=known, progress=False)
    assert "Run it again" in raised.value.hint
    assert len(mirror.asked("test/A-1.npy")) == 4
    assert sorted(files_in(tmp_path).keys() - mirror.files.keys()) == ["test/A-1.npy.part"]
    mirror.drop.clear()
    mirror.requests.clear()
    fetch_nasa(tmp_path, base_url=mirror.url, digests=known, progress=False)
    assert len(mirror.requests) == 1
    assert mirror.requests[0][1] is not None
    assert files_in(tmp_path) == mirror.files


def test_a_corrupted_file_never_gets_its_name(tmp_path: Path, mirror: Mirror, known: dict[str, str]) -> None:
    mirror.files["train/M-1.npy"] = mirror.files["train/M-1.npy"][:-1] + b"!"
    with pytest.raises(FetchError, match=r"1 of 9 files .*train/M-1.npy: wrong checksum"):
        fetch_nasa(tmp_path, base_url=mirror.url, digests=known, progress=False)
    there = files_in(tmp_path)
    assert there == {name: content for name, content in mirror.files.items() if name != "train/M-1.npy"}


def test_failures_are_told_together(tmp_path: Path, mirror: Mirror, known: dict[str, str]) -> None:
    del mirror.files["train/A-1.npy"]
    mirror.status["test/A-2.npy"] = [403]
    mirror.status["test/M-1.npy"] = [500] * 9
    with pytest.raises(FetchError) as raised:
        fetch_nasa(tmp_path, base_url=mirror.url, digests=known, progress=False)
    message = raised.value.message
    assert message.startswith("3 of 9 files could not be fetched.")
    assert "train/A-1.npy: HTTP 404 Not Found from 127.0.0.1" in message
    assert "test/A-2.npy: HTTP 403 Forbidden" in message
    assert "test/M-1.npy: HTTP 500 Internal Server Error from 127.0.0.1 (4 attempts)" in message
    assert "right below its base URL" in raised.value.hint
    assert len(mirror.asked("train/A-1.npy")) == 1
    assert len(files_in(tmp_path)) == 6


def test_a_passing_fault_of_the_server_is_overcome(tmp_path: Path, mirror: Mirror, known: dict[str, str]) -> None:
    mirror.status["test/A-1.npy"] = [503, 429]
    fetch_nasa(tmp_path, base_url=mirror.url, digests=known, progress=False)
    assert files_in(tmp_path) == mirror.files


def test_four_files_come_at_once_and_never_more(tmp_path: Path, mirror: Mirror, known: dict[str, str]) -> None:
    mirror.together = threading.Barrier(4)  # an answer leaves only when four are asked for: fewer would hang
    eight = {name: digest for name, digest in known.items() if name.endswith(".npy")}
    fetch_nasa(tmp_path, base_url=mirror.url, digests=eight, progress=False)
    assert mirror.most_at_once == 4
    assert len(files_in(tmp_path)) == 8


def test_only_the_channels_asked_for(tmp_path: Path, mirror: Mirror, known: dict[str, str]) -> None:
    fetch_nasa(tmp_path, base_url=mirror.url, channels=["A-1"], digests=known, progress=False)
    assert sorted(files_in(tmp_path)) == ["labeled_anomalies.csv", "test/A-1.npy", "train/A-1.npy"]
    with pytest.raises(FetchError, match="no channel 'Z-9'"):
        fetch_nasa(tmp_path, base_url=mirror.url, channels=["Z-9"], digests=known, progress=False)


def test_a_mirrors_own_labels_are_taken_with_a_warning(
    tmp_path: Path, mirror: Mirror, known: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    mirror.files["labeled_anomalies.csv"] = LABELS.replace(b"[5, 9]", b"[6, 8]")
    with caplog.at_level(logging.WARNING):
        fetch_nasa(tmp_path, base_url=mirror.url, digests=known, progress=False)
    assert "its own labeled_anomalies.csv" in caplog.text
    assert files_in(tmp_path) == mirror.files
    caplog.clear()
    del mirror.files["labeled_anomalies.csv"]
    (tmp_path / "labeled_anomalies.csv").unlink()
    with caplog.at_level(logging.WARNING):
        fetch_nasa(tmp_path, base_url=mirror.url, digests=known, progress=False)
    assert "without labels" in caplog.text
    assert files_in(tmp_path) == mirror.files


def test_a_mirrors_unreadable_labels_are_refused(tmp_path: Path, mirror: Mirror, known: dict[str, str]) -> None:
    mirror.files["labeled_anomalies.csv"] = LABELS[:-20]
    with pytest.raises(FetchError, match=r"labeled_anomalies.csv: wrong checksum, and no readable labels"):
        fetch_nasa(tmp_path, base_url=mirror.url, digests=known, progress=False)
    assert not list(tmp_path.glob("labeled*"))


def test_nobody_listening_ends_soon_and_names_the_host(tmp_path: Path, known: dict[str, str], mirror: Mirror) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    with pytest.raises(FetchError, match=r"9 of 9 files .*no connection to 127.0.0.1 \(4 attempts\)"):
        fetch_nasa(tmp_path, base_url=url, digests=known, progress=False)
    assert files_in(tmp_path) == {}


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path, mirror: Mirror, known: dict[str, str]) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(FetchError, match="cannot be written") as raised:
        fetch_nasa(tmp_path / "file" / "nasa", base_url=mirror.url, digests=known, progress=False)
    assert "writable" in raised.value.hint


@pytest.mark.parametrize("url", ["ftp://host/set", "file:///etc", "host/set", "http://", "http://[", ""])
def test_a_base_url_must_be_a_url(tmp_path: Path, url: str) -> None:
    with pytest.raises(FetchError, match="base_url must begin with"):
        fetch_nasa(tmp_path, base_url=url, progress=False)


def test_jobs_must_be_positive(tmp_path: Path) -> None:
    with pytest.raises(FetchError, match="jobs"):
        fetch_nasa(tmp_path, jobs=0, progress=False)


def test_ctrl_c_stops(tmp_path: Path, mirror: Mirror) -> None:
    mirror.together = threading.Barrier(5)  # holds the four answers until the signal was sent
    mirror.files |= {name: b"x" for name in checksums()}
    program = (
        "import sys\nfrom pathlib import Path\nfrom workbench.telemetry.fetch import fetch_nasa\n"
        "try:\n    fetch_nasa(Path(sys.argv[1]), base_url=sys.argv[2], progress=False)\n"
        "except KeyboardInterrupt:\n    sys.exit(42)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", program, str(tmp_path), mirror.url])
    try:
        pause = threading.Event()
        while len(mirror.requests) < 4 and process.poll() is None:
            pause.wait(0.02)
        process.send_signal(signal.SIGINT)
        mirror.together.wait(20)
        mirror.together = None
        assert process.wait(30) == 42
    finally:
        process.kill()
        process.wait()
    assert len(mirror.requests) < len(checksums()) / 2


def test_the_pinned_list_names_both_splits_of_82_channels() -> None:
    names = set(checksums())
    channels = {name.removeprefix("train/") for name in names if name.startswith("train/")}
    assert len(channels) == 82
    assert names == {f"{split}/{name}" for split in ("train", "test") for name in channels} | {"labeled_anomalies.csv"}
    assert all(re.fullmatch(r"[0-9a-f]{64}", digest) for digest in checksums().values())


@pytest.mark.nasa
def test_nasas_files_have_the_pinned_checksums_and_import_after_the_download(
    tmp_path: Path, mirror: Mirror, nasa_zip: Path, caplog: pytest.LogCaptureFixture
) -> None:
    channels = ["P-1", "M-6", "T-10"]
    with ZipFile(nasa_zip) as bundle:
        found = {"/".join(name.split("/")[-2:]): name for name in bundle.namelist() if not name.endswith("/")}
        for name, digest in checksums().items():
            if name.endswith(".npy"):
                assert hashlib.sha256(bundle.read(found[name])).hexdigest() == digest
        mirror.files = {
            name: bundle.read(inside)
            for name, inside in found.items()
            if name.endswith(".csv") or Path(name).stem in channels
        }
    folder = fetch_nasa(tmp_path / "nasa", base_url=mirror.url, channels=channels, progress=False)
    assert "its own labeled_anomalies.csv, for 41 channels" in caplog.text
    archive = Archive(tmp_path / "archive.zarr")
    report = import_nasa(folder, archive)
    assert [(channel.channel, channel.status) for channel in report.channels] == [
        ("M-6", "imported"),
        ("P-1", "imported"),
        ("T-10", "imported"),
    ]
    assert len(archive.labels("P-1")) == 3
