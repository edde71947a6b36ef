"""Watch a folder: import what appears in it and has stopped growing, train, score and raise alerts.

What is remembered is written last, after the alerts of a file: a process that is killed at any time takes the file
again when it is next started, which changes nothing that was done before, and does what is left.
"""

import hashlib
import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock, Timeout
from watchfiles import watch as watch_changes

from workbench.counts import counted
from workbench.exceptions import (
    ImportDataError,
    LabelError,
    SchemaError,
    UnfinishedImportError,
    WorkbenchError,
)
from workbench.jobs.rejection import REJECTED_FOLDER, reject
from workbench.jobs.settled_files import FileState, SettledFiles
from workbench.jobs.watch_memory import MEMORY_FILE, WatchMemory, content_hash
from workbench.names import command_line

if TYPE_CHECKING:
    from workbench.session import Session
    from workbench.telemetry.importers import ImportReport

__all__ = ["FolderWatch", "Taken"]

_MAX_FILES_AT_ONCE = 1000
_FILE_FAULTS = (ImportDataError, LabelError, SchemaError)
_RETRY_S = 30.0  # after an error of the archive, and where no event came
_CHECK_S = 0.5  # while files are settling


@dataclass
class Taken:
    """What became of files.

    Attributes
    ----------
    imported, copies, rejected, waiting : int
        Files that were imported, that have the content of one that was imported before, that cannot be imported, and
        that are sound but wait for others.
    """

    imported: int = 0
    copies: int = 0
    rejected: int = 0
    waiting: int = 0


@dataclass
class _Imported:
    """What the importer said of the files of one round."""

    reports: list["ImportReport"] = field(default_factory=list)
    failures: dict[Path, str] = field(default_factory=dict)
    waiting: dict[Path, str] = field(default_factory=dict)


class FolderWatch:
    """Imports the files of a folder as they come.

    Parameters
    ----------
    session : Session
        Session whose archive, models and alerts take what comes.
    folder : Path
        Folder to watch, with all folders below it but `rejected/`.
    layout : str, optional
        Layout of the files; by the ending of each name where omitted.
    options : mapping of str to Any, optional
        Options of the import, as `asset` and `train_until`.
    settle_s : float
        Seconds that a file must stay the same before it is taken.
    train : bool
        Train a ridge model for each channel that has no champion, and again where its training data changed.
    poll : bool
        Look into the folder again and again in place of waiting for events, which do not come from network file
        systems.
    announce : callable
        Function that is called with each line to show.

    Raises
    ------
    ImportDataError
        The folder does not exist, or an option is wrong.
    ArchiveError
        The memory in the home cannot be written.
    """

    def __init__(
        self,
        session: "Session",
        folder: Path,
        *,
        layout: str | None = None,
        options: Mapping[str, Any] | None = None,
        settle_s: float = 2.0,
        train: bool = True,
        poll: bool = False,
        announce: Callable[[str], None] = lambda line: None,
    ) -> None:
        if not folder.is_dir():
            raise ImportDataError(f"{folder} is not a folder.", "Name a folder that exists.")
        self._session = session
        self._folder = folder.absolute()
        self._layout = layout
        self._options = dict(options or {})
        _check_options(self._options)
        self._settle_s = settle_s
        self._train = train
        self._poll = poll
        self._announce = announce
        others = [Path(self._options[name]) for name in ("labels", "train_file") if self._options.get(name)]
        self._files = SettledFiles(self._folder, settle_s, [self._folder / REJECTED_FOLDER, *others])
        purpose = str(self._options.get("asset") or layout or "")
        home = session.settings.home
        self._memory = WatchMemory(home / MEMORY_FILE, self._folder, purpose)
        digest = hashlib.sha256(str(self._folder.resolve()).encode()).hexdigest()[:16]
        self._lock = FileLock(home / f"watch-{digest}.lock", timeout=0)
        self._waiting: dict[Path, tuple[FileState, str]] = {}
        self._stuck: set[FileState] = set()  # rejected files that could not be moved
        self._said: set[str] = set()
        self._say_damage()

    def close(self) -> None:
        """Close the memory; the session stays open."""
        self._memory.close()

    # ---- running

    def take_all(self) -> Taken:
        """Take what is in the folder, as soon as it is settled, and return.

        Returns
        -------
        Taken

        Raises
        ------
        WorkbenchError
            The archive or a database cannot be used; what is left is done when it is called again.
        """
        total = Taken()
        with self._locked():
            waits_until = time.monotonic() + 10 * self._settle_s + 1
            while True:
                settled = self._files.scan()
                if not self._files.unsettled or time.monotonic() > waits_until:
                    self._take(settled, total)
                    if not self._files.unsettled or time.monotonic() > waits_until:
                        break
                time.sleep(min(_CHECK_S, self._settle_s / 4 + 0.01))
        if self._files.unsettled:
            self._say(f"{counted(self._files.unsettled, 'file')} left alone: still being written.")
        total.waiting = len(self._waiting)
        return total

    def run(self, stop: threading.Event) -> Taken:
        """Take what is in the folder and what comes, until it is stopped.

        Parameters
        ----------
        stop : threading.Event
            Event that ends the watch, after the files that are being imported.

        Returns
        -------
        Taken
        """
        total = Taken()
        with self._locked():
            self._say(f"Watching {self._folder}.")
            next_look = 0.0
            for changes in self._wakes(stop):
                now = time.monotonic()
                if not changes and not self._files.unsettled and now < next_look:
                    continue
                next_look = now + _RETRY_S
                try:
                    self._take(self._files.scan(), total)
                    for number in self._session.run_timers():
                        self._say(f"{number} opened by a preventive plan.")
                except WorkbenchError as error:  # of the archive or a database, not of a file
                    self._say_once(f"Not finished, tried again every {_RETRY_S:.0f} seconds: {error}")
                if stop.is_set():
                    break
        total.waiting = len(self._waiting)
        return total

    @contextmanager
    def _locked(self) -> Iterator[None]:
        try:
            self._lock.acquire()
        except Timeout:
            raise ImportDataError(
                f"{self._folder} is watched already by another process.",
                "Stop that one first, or watch another folder.",
            ) from None
        try:
            yield
        finally:
            self._lock.release()

    def _wakes(self, stop: threading.Event) -> Iterator[bool]:
        """Yield at once, after each change in the folder, and every half second in between."""
        yield True
        milliseconds = int(1000 * _CHECK_S)
        while not stop.is_set():
            try:
                for changes in watch_changes(
                    self._folder,
                    stop_event=stop,
                    watch_filter=None,
                    debounce=200,
                    rust_timeout=milliseconds,
                    yield_on_timeout=True,
                    raise_interrupt=False,
                    force_polling=self._poll or None,
                    ignore_permission_denied=True,
                ):
                    yield bool(changes)
            except (OSError, RuntimeError) as error:  # the folder vanished, or the system has no more watches
                self._say_once(f"{self._folder} cannot be watched, looked into every {_RETRY_S:.0f} seconds: {error}")
                if not stop.wait(_RETRY_S):
                    yield True

    # ---- taking

    def _take(self, settled: list[FileState], total: Taken) -> None:
        """Take settled files that are not remembered; those that wait are taken again with the new ones."""
        present = set(settled)
        self._waiting = {path: one for path, one in self._waiting.items() if one[0] in present}
        self._stuck &= present
        waiting = {state for state, _ in self._waiting.values()}
        fresh = [
            state
            for state in settled
            if state not in waiting and state not in self._stuck and not self._memory.holds(state)
        ]
        while fresh:
            batch, fresh = fresh[:_MAX_FILES_AT_ONCE], fresh[_MAX_FILES_AT_ONCE:]
            self._take_batch(sorted([*waiting, *batch], key=settled.index), total)
            waiting = {state for state, _ in self._waiting.values()}
        self._say_damage()

    def _take_batch(self, states: list[FileState], total: Taken) -> None:
        by_content: dict[str, list[FileState]] = {}
        for state in states:
            try:
                digest = content_hash(state.path)
            except OSError as error:
                if state.path.exists():
                    self._say_once(f"{self._name(state.path)}: cannot be read: {error.strerror or error}")
                continue
            original = self._memory.path_of(digest)
            if original is None:
                by_content.setdefault(digest, []).append(state)
            else:
                self._remember_copy(state, digest, original, total)
        if not by_content:
            return
        result = self._import([copies[0].path for copies in by_content.values()])
        self._evaluate(result.reports)
        self._settle(by_content, result, total)

    def _settle(self, by_content: dict[str, list[FileState]], result: _Imported, total: Taken) -> None:
        """Remember what was imported, put aside what cannot be, and keep what waits in mind."""
        done: list[tuple[FileState, str]] = []
        newly_waiting = [path for path in result.waiting if path not in self._waiting]
        for path in newly_waiting:
            self._say(f"{self._name(path)}: waits")
        for reason in dict.fromkeys(result.waiting[path].removeprefix(f"{path}: ") for path in newly_waiting):
            self._say(f"  {reason}")
        for digest, (state, *copies) in by_content.items():
            if state.path in result.waiting:
                for one in (state, *copies):
                    self._waiting[one.path] = (one, digest)
            elif state.path in result.failures:
                for one in (state, *copies):
                    self._waiting.pop(one.path, None)
                    self._reject(one, result.failures[state.path], total)
            elif not self._files.is_unchanged(state):
                self._say(f"{self._name(state.path)}: was written to while it was imported; it is taken again")
            else:
                done += [(one, digest) for one in (state, *copies)]
        self._memory.add(done)
        seen: dict[str, Path] = {}
        for state, digest in done:
            self._waiting.pop(state.path, None)
            if digest in seen:
                total.copies += 1
                self._say(f"{self._name(state.path)}: the same content as {self._name(seen[digest])}")
                continue
            seen[digest] = state.path
            total.imported += 1
            self._say(f"{self._name(state.path)}: imported")

    def _remember_copy(self, state: FileState, digest: str, original: str, total: Taken) -> None:
        self._waiting.pop(state.path, None)
        self._memory.add([(state, digest)])
        total.copies += 1
        same = Path(original) == state.path.resolve()
        self._say(
            f"{self._name(state.path)}: "
            + ("unchanged" if same else f"the same content as {self._name(Path(original))}, imported before")
        )

    def _reject(self, state: FileState, reason: str, total: Taken) -> None:
        total.rejected += 1
        name = self._name(state.path)
        try:
            target = reject(state.path, self._folder, reason, self._layout, self._options)
        except OSError as error:
            self._stuck.add(state)
            self._say(f"{name}: rejected, and cannot be moved ({error.strerror or error}): {reason}")
            return
        self._say(f"{name}: rejected, now {self._name(target)}: {reason}")

    def _import(self, paths: list[Path]) -> _Imported:
        """Import files together; those that are refused are tried once more, each alone."""
        result = _Imported()
        try:
            report = self._session.import_data(paths, self._layout, **self._options)
        except UnfinishedImportError as error:
            result.waiting = dict.fromkeys(paths, str(error))
            return result
        except _FILE_FAULTS as error:
            if len(paths) == 1:
                result.failures[paths[0]] = str(error)
                return result
            refused = list(paths)
        else:
            result.reports.append(report)
            result.waiting = {path: report.failures[str(path)] for path in paths if str(path) in report.waiting}
            refused = [Path(path) for path in report.failures if path not in report.waiting]
            if len(paths) == 1:
                result.failures = {path: report.failures[str(path)] for path in refused}
                return result
        for path in refused:
            alone = self._import([path])
            result.reports += alone.reports
            result.failures |= alone.failures
            result.waiting |= alone.waiting
        if result.failures and len(result.waiting) > 1:  # without those that are at fault they may go together
            together = self._import(list(result.waiting))
            result.reports += together.reports
            result.failures |= together.failures
            result.waiting = together.waiting
        return result

    # ---- what follows an import

    def _evaluate(self, reports: Iterable["ImportReport"]) -> None:
        """Train, score and raise alerts for the channels of an import, also where nothing of them changed.

        A process that was killed after an import did none of these: the import finds nothing new when it is repeated.
        """
        rows = [row for report in reports for row in report.channels if row.status not in ("skipped", "failed")]
        names = list(dict.fromkeys(row.channel for row in rows))
        for row in rows:
            counts = ", ".join(f"{name} {count}" for name, count in row.repairs.items())
            self._say(f"  {row.channel}: {row.status}{f' ({counts})' if counts else ''}")
        if not names:
            return
        self._session.set_growing(names)
        if self._train:
            self._train_channels(names, {row.channel for row in rows if row.training_changed})
        table = self._session.score_all(names)
        for name, reason in table.loc[table["status"] == "failed", ["channel", "reason"]].itertuples(index=False):
            self._say_once(f"  {name}: not scored: {reason}")
        assets = self._session.assets.with_model(names)
        of_assets = self._session.assets.score_all(assets)
        for name, reason in of_assets.loc[of_assets["status"] == "failed", ["asset", "reason"]].itertuples(index=False):
            self._say_once(f"  {name}: not scored as a whole: {reason}")
        outcome = self._session.raise_alerts(names, assets)
        for name, reason in outcome.failed:
            self._say_once(f"  {name}: no alerts: {reason}")
        scored = int((table["status"] == "scored").sum())
        self._say(f"  {counted(scored, 'channel')} scored. {outcome}")

    def _train_channels(self, names: Collection[str], changed: Collection[str]) -> None:
        """Train the channels that have no champion, and those whose ridge model learned from other data."""
        models = self._session.registry.list()
        served = {model.channel for model in models if "champion" in model.aliases}
        of_ridge = {model.channel for model in models if model.forecaster == "ridge" and not model.retired}
        stale = {
            model.channel
            for model in models
            if "champion" in model.aliases
            and model.channel in names
            and model.train_hash != self._session.archive.info(model.channel).train_hash
        }
        due = [name for name in names if name not in served or name in (stale | set(changed)) & of_ridge]
        for name in sorted(stale - set(due)):
            self._say_once(
                f"  {name}: its training data changed; run: {command_line('workbench train', name)} with its forecaster"
            )
        if not due:
            return
        table = self._session.train(due)
        for name, status, reason in table[["channel", "status", "reason"]].itertuples(index=False):
            if status == "failed":
                self._say_once(f"  {name}: not trained: {reason}")
            elif status == "trained":
                self._say(f"  {name}: trained")

    # ---- words

    def _say_damage(self) -> None:
        if self._memory.was_damaged:
            self._memory.was_damaged = False
            self._say("The memory of watched folders was damaged and is made anew: all files are read again.")

    def _name(self, path: Path) -> str:
        try:
            return str(path.relative_to(self._folder))
        except ValueError:
            return path.name

    def _say(self, line: str) -> None:
        self._announce(f"{self._session.clock():%Y-%m-%d %H:%M:%S} UTC  {line}")

    def _say_once(self, line: str) -> None:
        if line not in self._said:
            self._said.add(line)
            self._say(line)


def _check_options(options: Mapping[str, Any]) -> None:
    """Check what holds for every file, so that a wrong option does not reject them all.

    Raises
    ------
    ImportDataError
        An option cannot be right for any file.
    WorkbenchError
        The labels cannot be read.
    """
    from workbench.telemetry.importers.table import check_table_options

    check_table_options(**options)
