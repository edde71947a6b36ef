"""Downloads NASA's telemetry from its pinned public sources, checksum by checksum."""

import logging
import os
import threading
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from functools import partial
from importlib.resources import files
from pathlib import Path
from urllib.parse import urlsplit

import requests
from tqdm import tqdm

from workbench.exceptions import FetchError, LabelError
from workbench.telemetry.labels import LABELS_FILE, read_labels
from workbench.version import __version__

__all__ = ["LABELS_SOURCE", "TELEMETRY_SOURCE", "checksums", "fetch_nasa"]

TELEMETRY_SOURCE = (
    "https://raw.githubusercontent.com/imperial-qore/TranAD/7ffb98d0c18189cc3d9ab732b4cb0278200a0af0/data/SMAP_MSL"
)
"""URL of the telemetry, `{train,test}/<channel>.npy`."""

LABELS_SOURCE = "https://raw.githubusercontent.com/khundman/telemanom/2e6c5b6c3558e7835601519b7bdef37c649bdbdc"
"""URL of `labeled_anomalies.csv`."""

_MAX_ATTEMPTS = 4
_MAX_CHECKSUM_ATTEMPTS = 2
_FIRST_WAIT_S = 0.5  # seconds; doubles with each attempt
_TIMEOUTS_S = (10, 30)  # seconds to connect, seconds without a byte
_CHUNK_BYTES = 2**14
_MAX_FILE_BYTES = 64 * 2**20
_PASSING_STATUS = {408, 425, 429, 500, 502, 503, 504}
_MAX_NAMED_FAILURES = 5

_log = logging.getLogger(__name__)


def checksums() -> dict[str, str]:
    """Return the SHA-256 of every file, by its path in Telemanom's layout.

    Returns
    -------
    dict of str to str
        82 channels twice, and the labels.

    Examples
    --------
    >>> len(checksums())
    165
    """
    lines = files("workbench.telemetry").joinpath("nasa_sha256.txt").read_text(encoding="utf-8").splitlines()
    return {name: digest for digest, name in (line.split() for line in lines)}


def fetch_nasa(
    folder: Path,
    *,
    base_url: str | None = None,
    channels: Iterable[str] | None = None,
    jobs: int = 4,
    progress: bool = True,
    digests: Mapping[str, str] | None = None,
) -> Path:
    """Download NASA's SMAP and MSL telemetry.

    What is there already with the right checksum is not downloaded again, a part of a file is continued, and
    a file appears under its name only once its checksum is right. Run it again after a failure.

    Parameters
    ----------
    folder : Path
        Where the files go, in Telemanom's layout.
    base_url : str, optional
        A mirror with `{train,test}/<channel>.npy` and `labeled_anomalies.csv` below; the pinned public sources
        where omitted. Telemetry must have the pinned checksums from a mirror too. Its labels may be its own as
        long as they are readable, or missing; either is logged as a warning.
    channels : iterable of str, optional
        Only these channels, with the labels.
    jobs : int
        Files downloaded at once.
    progress : bool
        Show a progress bar.
    digests : mapping of str to str, optional
        SHA-256 by path; `checksums()` where omitted.

    Returns
    -------
    Path
        `folder`, ready for `import_nasa`.

    Raises
    ------
    FetchError
        One error for all files that failed: each with its cause, and what to do.
    """
    folder = Path(folder)
    if jobs < 1:
        raise FetchError(f"jobs must be at least 1, not {jobs}.")
    requested_files = _requested_files(dict(checksums() if digests is None else digests), channels)
    download = _Download(folder, _mirror(base_url))
    failures: dict[str, str] = {}
    with ThreadPoolExecutor(max_workers=jobs, thread_name_prefix="fetch") as pool:
        tasks = {pool.submit(download.fetch, name, digest): name for name, digest in requested_files.items()}
        try:
            for task in tqdm(as_completed(tasks), "Fetching", len(tasks), unit="file", disable=not progress):
                cause = task.result()
                if cause:
                    failures[tasks[task]] = cause
        finally:  # after Ctrl-C the other threads end at their next block
            download.stop.set()
            pool.shutdown(wait=False, cancel_futures=True)
    if failures:
        raise FetchError(_failure_text(failures, len(requested_files)), _what_to_do(failures, base_url))
    return folder


def _requested_files(digests: dict[str, str], channels: Iterable[str] | None) -> dict[str, str]:
    if channels is None:
        return digests
    names = {LABELS_FILE} & digests.keys()
    for channel in channels:
        pair = {f"{split}/{channel}.npy" for split in ("train", "test")}
        if not pair <= digests.keys():
            raise FetchError(f"NASA's data has no channel {channel!r}.", "Names are as A-1 or T-10.")
        names |= pair
    return {name: digest for name, digest in digests.items() if name in names}


def _mirror(base_url: str | None) -> str | None:
    if base_url is None:
        return None
    try:
        parts = urlsplit(base_url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise FetchError(f"base_url must begin with http:// or https:// and a host, not {base_url!r}.")
    return base_url.rstrip("/")


class _Failure(Exception):
    """Failure of a download that another attempt would not repair."""


class _Download:
    """Downloads files into one folder, each in the thread that asks for it."""

    def __init__(self, folder: Path, mirror: str | None) -> None:
        self.folder = folder.resolve()
        self.mirror = mirror
        self.stop = threading.Event()
        self.reached = False

    def fetch(self, name: str, digest: str) -> str:
        """Download one file, and return the cause where that fails, else an empty string."""
        try:
            if name == LABELS_FILE and self.mirror is not None:
                self._fetch_mirrored_labels(digest)
            else:
                self._fetch(name, name, digest)
        except _Failure as error:
            return str(error)
        except OSError as error:
            self.stop.set()  # a full disk or a folder that cannot be written fails for all
            return f"{self.folder / name} cannot be written: {error.strerror or error}"
        return ""

    def _fetch_mirrored_labels(self, digest: str) -> None:
        import pooch

        target = self.folder / LABELS_FILE
        if target.exists() and pooch.file_hash(str(target)) == digest:
            return
        staged = self.folder / f"{LABELS_FILE}.new"
        staged.unlink(missing_ok=True)
        try:
            self._fetch(LABELS_FILE, staged.name, None)
        except _Failure as error:
            if str(error).startswith("HTTP 404"):
                _log.warning("The mirror has no %s: the channels will be without labels.", LABELS_FILE)
                return
            raise
        if pooch.file_hash(str(staged)) != digest:
            try:
                count = len(read_labels(staged))
            except LabelError as error:
                staged.unlink()
                raise _Failure(f"wrong checksum, and no readable labels: {error.message}") from None
            _log.warning("The mirror has its own %s, for %d channels.", LABELS_FILE, count)
        staged.replace(target)

    def _fetch(self, name: str, local: str, digest: str | None) -> None:
        import pooch

        pooch.get_logger().setLevel(logging.ERROR)
        source = self.mirror or (LABELS_SOURCE if name == LABELS_FILE else TELEMETRY_SOURCE)
        (self.folder / local).parent.mkdir(parents=True, exist_ok=True)
        cause = "stopped"
        for attempt in range(_MAX_ATTEMPTS):
            if self.stop.is_set() or (attempt and self.stop.wait(_FIRST_WAIT_S * 2 ** (attempt - 1))):
                break
            try:
                receive = partial(self._receive, self.folder / f"{local}.part")
                pooch.retrieve(f"{source}/{name}", digest, local, self.folder, downloader=receive)
                return
            except requests.RequestException as error:
                cause = _cause(error, source)
            except ValueError:  # pooch's word for a wrong checksum
                cause = "wrong checksum: the file differs from the pinned one"
                if attempt + 1 >= _MAX_CHECKSUM_ATTEMPTS:
                    break
        if not self.reached:
            self.stop.set()  # nothing has ever answered: spare the other files the waiting
        raise _Failure(cause)

    def _receive(self, part: Path, url: str, output_file: str, pooch: object) -> None:
        """Pooch's downloader: continue the part of a file where there is one, then hand it over whole."""
        del pooch
        have = part.stat().st_size if part.exists() else 0
        headers = {"User-Agent": f"telemetry-workbench/{__version__}", "Accept-Encoding": "identity"}
        if have:
            headers["Range"] = f"bytes={have}-"
        with requests.get(url, headers=headers, stream=True, timeout=_TIMEOUTS_S) as response:
            self.reached = True
            if response.status_code == 416:  # the part is as long as the file, or longer
                part.unlink(missing_ok=True)
                raise requests.ConnectionError("the part does not fit the file")
            if response.status_code >= 400:
                cause = f"HTTP {response.status_code} {response.reason} from {urlsplit(url).hostname}"
                if response.status_code in _PASSING_STATUS:
                    raise requests.HTTPError(cause)
                raise _Failure(cause)
            goes_on = response.status_code == 206 and response.headers.get("Content-Range", "").startswith(
                f"bytes {have}-"
            )
            self._append(response, part, have if goes_on else 0)
        os.replace(part, output_file)

    def _append(self, response: requests.Response, part: Path, have: int) -> None:
        with part.open("r+b" if have else "wb") as file:
            file.seek(have)
            for block in response.iter_content(_CHUNK_BYTES):
                if self.stop.is_set():
                    raise _Failure("stopped")
                if file.tell() > _MAX_FILE_BYTES:
                    raise _Failure(f"longer than {_MAX_FILE_BYTES} bytes, as no file of this data is")
                file.write(block)


def _cause(error: requests.RequestException, source: str) -> str:
    host = urlsplit(source).hostname
    if isinstance(error, requests.HTTPError):
        return f"{error} ({_MAX_ATTEMPTS} attempts)"
    if isinstance(error, requests.Timeout) or "timed out" in str(error):
        return f"{host} did not answer in time ({_MAX_ATTEMPTS} attempts)"
    if isinstance(error, requests.exceptions.ChunkedEncodingError):
        return f"{host} dropped the connection ({_MAX_ATTEMPTS} attempts)"
    if isinstance(error, requests.ConnectionError):
        return f"no connection to {host} ({_MAX_ATTEMPTS} attempts)"
    return f"{type(error).__name__}: {error}"


def _failure_text(failures: dict[str, str], total: int) -> str:
    real = {name: cause for name, cause in failures.items() if cause != "stopped"} or failures
    named = "; ".join(f"{name}: {cause}" for name, cause in sorted(real.items())[:_MAX_NAMED_FAILURES])
    more = len(real) - _MAX_NAMED_FAILURES
    return f"{len(failures)} of {total} files could not be fetched. {named}{f'; and {more} more' if more > 0 else ''}."


def _what_to_do(failures: dict[str, str], base_url: str | None) -> str:
    causes = " ".join(failures.values())
    if "cannot be written" in causes:
        return "Free space or choose a writable folder, then run it again: what is there is kept."
    if "HTTP 4" in causes and base_url is not None:
        return "Check that the mirror has train/, test/ and labeled_anomalies.csv right below its base URL."
    if "checksum" in causes:
        return "The source may have been changed or damaged on its way: run it again, or use a mirror (--base-url)."
    return "Run it again: what is there is kept and parts are continued. Without a network, use a mirror (--base-url)."
