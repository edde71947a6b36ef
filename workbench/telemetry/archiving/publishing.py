"""Publishing in the archive: its locks, its segments and its tail, and what a crash left half done.

What is written is staged first, and published by one rename or one transaction; then the index learns of it. Two locks:
one of those who write telemetry, who read what is there before; and one of those who publish, held for a moment only.

One module because publishing, sealing and recovery share locks and numbers: each is wrong where another changes.
"""

import hashlib
import itertools
import json
import logging
import shutil
import time
import uuid
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote

import zarr
from filelock import FileLock, Timeout

from workbench.counts import counted
from workbench.exceptions import ArchiveError, WorkbenchError
from workbench.home import prepare_part, record_part
from workbench.names import command_line
from workbench.telemetry.archiving.channel_parts import ChannelParts
from workbench.telemetry.archiving.earlier_layout import earlier_folder, earlier_names, read_earlier_channel
from workbench.telemetry.archiving.index import FORMAT_VERSION, Index
from workbench.telemetry.archiving.index_place import IndexPlace, checked_index_url
from workbench.telemetry.archiving.lanes import Lane, lane_of
from workbench.telemetry.archiving.losses import Holding, Losses
from workbench.telemetry.archiving.plain_parts import plain_lane, shared_variables
from workbench.telemetry.archiving.plain_rows import PlainReader
from workbench.telemetry.archiving.publication import Piece, Publication
from workbench.telemetry.archiving.score_files import (
    packed_lane,
    plain_attributes,
    tail_place,
    unpacked_score,
)
from workbench.telemetry.archiving.seals import seal_group, unsealed_attributes
from workbench.telemetry.archiving.segments import read_publication, write_segment
from workbench.telemetry.archiving.series import PartReader
from workbench.telemetry.archiving.staging import StagingArea
from workbench.telemetry.archiving.tail import Tail
from workbench.telemetry.damage import Place, damage_named
from workbench.telemetry.import_again import import_again
from workbench.telemetry.schema import data_hash
from workbench.telemetry.store import label_frame

__all__ = ["Publisher"]

_LOG = logging.getLogger(__name__)
_ASSETS = "_assets"  # folder of the segments; no channel of the first layout can be called so
_FORMAT = "workbench_format"  # attribute of the store
_STORE = "workbench_store"  # its identity, which the index notes
_SEALED_ROWS = 4096  # of a series in the tail, which then becomes a segment
_MAX_TAIL_ROWS = 4_000_000
_MERGED_PIECES = 16  # segments at the end of a series that are merged into one
_MERGED_ROWS = 65_536
_PLAIN_VALUES = 16_777_216  # of plain series that are sealed at once
_KEPT_SECONDS = 600.0  # that what was replaced stays readable for those who opened it before
_LOOK_SECONDS = 10.0  # between two looks at all that the tail holds, and at what nothing refers to any more
_MAX_FOLDER_LETTERS = 200
_NOTE = "segments.json"  # exists while several segments are published: what to take back after a crash
_TAKEN_TOGETHER = 32  # channels of an earlier layout


class Publisher:
    """What writes to one archive.

    Parameters
    ----------
    path : Path
        Folder of the store.
    index_url : str, optional
        PostgreSQL database that the index of a new store is made in, and one that is made anew; SQLite in the store
        where omitted.

    Attributes
    ----------
    path : Path
        Folder of the store.
    incoming : Path
        Folder beside the store for what is being written.
    staging : StagingArea
        Folders beside the store for scores that are not published yet.
    index : Index
        What the archive holds, as rows of a database.
    tail : Tail
        What was added last.
    losses : Losses
        What an earlier index knew that is gone.
    """

    def __init__(self, path: Path, index_url: str | None = None) -> None:
        self.path = path
        self.index_url = None if index_url is None else checked_index_url(index_url)
        self.incoming = path.with_name(path.name + ".incoming")
        self.staging = StagingArea(path.with_name(path.name + ".staging"))
        self.index = Index(path)
        self.tail = Tail(path / "tail.db")
        self.losses = Losses(path / "lost.json")
        self._has_published = False  # since the lock of those who write was taken
        self._next_look = 0.0

    def stage_segment(
        self,
        lanes: Sequence[Lane],
        channels: Mapping[str, Mapping[str, Any]],
        whole: Sequence[str] = (),
        scores: Sequence[tuple[str, str, Mapping[str, Any]]] = (),
        removed: Sequence[str] = (),
    ) -> tuple[Path, Publication]:
        """Write a segment into `incoming`; the lock of those who write must be held. See `write_segment`."""
        folder = self.incoming / f"new-{uuid.uuid4().hex}"
        return folder, write_segment(folder, lanes, channels, whole, scores, removed)

    def remove(self, channels: Sequence[str]) -> None:
        """Publish that channels are held no more; the lock of those who write must be held.

        What they held lies in segments that may hold others, too: it is taken away once nothing in a segment holds. The
        publications that say so are segments without rows, which outlive those that they speak of.
        """
        by_asset: dict[str, list[str]] = {}
        for name in channels:
            by_asset.setdefault(_asset(self.index, name), []).append(name)
        staged = [
            (asset, *self.stage_segment([], {}, removed=sorted(names))) for asset, names in sorted(by_asset.items())
        ]
        self.publish_segments(staged)
        self.losses.write([one for one in self.losses.read() if one.channel not in set(channels)])
        for name in channels:
            folder = earlier_folder(self.path, name)
            if folder.is_dir():  # a damaged one of the first layout
                folder.rename(self.incoming / f"old-{uuid.uuid4().hex}")

    def publish_segments(
        self, staged: Sequence[tuple[str, Path, Publication]], unless: Callable[[], bool] = lambda: False
    ) -> None:
        """Put staged segments in place, all of them or none; the note in `_NOTE` says so until it is done."""
        if not staged:
            return
        with self.publishing():
            self._know_all()
            if unless():
                return
            numbers = self._numbers(len(staged))
            places = [
                f"{_ASSETS}/{_folder_name(asset)}/{number:014d}"
                for (asset, *_), number in zip(staged, numbers, strict=True)
            ]
            note = self.incoming / _NOTE
            if len(staged) > 1:
                draft = self.incoming / f"new-{uuid.uuid4().hex}"
                draft.write_text(json.dumps(places), encoding="utf-8")
                draft.replace(note)
            for (_, folder, _), place in zip(staged, places, strict=True):
                (self.path / place).parent.mkdir(parents=True, exist_ok=True)
                folder.rename(self.path / place)
            note.unlink(missing_ok=True)
            self._has_published = True
            for (_, _, publication), number, place in zip(staged, numbers, places, strict=True):
                self.index.apply(number, "segment", place, publication)

    def publish_rows(
        self,
        lanes: Sequence[Lane],
        channels: Mapping[str, Mapping[str, Any]],
        scores: Sequence[tuple[str, str, Mapping[str, Any]]] = (),
        unless: Callable[[], bool] = lambda: False,
    ) -> None:
        """Publish a few rows in the tail, and attributes that hold from then on."""
        places = tuple(tail_place(lane, number) for number, lane in enumerate(lanes))
        publication = Publication(channels, (), tuple(scores), places)
        payloads = [packed_lane(lane) for lane in lanes]
        with self.publishing():
            self._know_all()
            if unless():
                return
            (number,) = self._numbers(1)
            self.tail.add(number, publication, payloads)
            self._has_published = True
            self.index.apply(number, "tail", "", publication)

    def publish_scores(
        self, contents: Sequence[bytes], verified: Mapping[tuple[str, str], str]
    ) -> dict[str, WorkbenchError]:
        """Publish packed scores in the tail; the lock of those who publish must be held.

        Parameters
        ----------
        contents : sequence of bytes
            From `packed_score`.
        verified : mapping of tuple to str
            Stamps of the parts of channels that were read whole and are sound.

        Returns
        -------
        dict of str to WorkbenchError
            Channels whose scores go on from one that another process has replaced; they are left out.
        """
        self._know_all()
        failures: dict[str, WorkbenchError] = {}
        read = []
        for content in contents:
            channel, key, attributes, place, payload, based_on = unpacked_score(content)
            try:
                self.check_based_on(channel, key, place["first"], based_on)
            except ArchiveError as error:
                failures[channel] = error
                continue
            read.append((channel, key, attributes, place, payload))
        if not read:
            return failures
        scores = tuple((channel, key, attributes) for channel, key, attributes, _, _ in read)
        lanes = tuple(place | {"lane": number} for number, (*_, place, _) in enumerate(read))
        publication = Publication({}, (), scores, lanes)
        (number,) = self._numbers(1)
        self.tail.add(number, publication, [payload for *_, payload in read])
        self.index.apply(number, "tail", "", publication)
        channels = {channel for channel, *_ in read}
        stamps = {key: stamp for key, stamp in verified.items() if key[0] in channels}
        if stamps:
            self.index.set_verified(stamps)
        return failures

    def check_based_on(self, channel: str, key: str, keep: int, based_on: int | None) -> None:
        """Check that the stored score of which some samples stay is still the one that it was.

        Raises
        ------
        ArchiveError
            Another process has replaced it, or has removed its channel.
        """
        if self.index.asset_of(channel) is None:
            raise ArchiveError(
                f"{channel} was removed from the archive while it was scored.", "Its score is not stored."
            )
        if keep and self.index.score_revision(channel, key) != based_on:
            raise ArchiveError(
                f"The stored score {key} of {channel} was replaced while the channel was scored.",
                f"Run: {command_line('workbench score', channel)}",
            )

    def _know_all(self) -> None:
        """Enter in the index what a process that died had added to the tail; make anew an index that is another's."""
        identity = self._identity()
        if identity is not None and not self.index.is_of(identity):
            self._rebuild(identity)
            return
        lost = self.tail.numbers() - self.index.numbers()
        if lost:
            for number, publication in self.tail.publications(self.index.numbers()):
                self.index.apply(number, "tail", "", publication)

    def _numbers(self, count: int) -> list[int]:
        """Return the numbers of new publications: they rise, and none is ever given twice."""
        first = max(self.index.revision() + 1, self.tail.last() + 1, int(time.time() * 1000))
        return list(range(first, first + count))

    def seal(self, *, force: bool, channels: Sequence[str] | None = None) -> None:
        """Write rows of the tail into segments where enough are there, merge small segments, remove what is dead.

        Where channels are named only those are looked at, and the rest now and then: with a thousand channels, the
        pieces of all of them take longer to list than what a few have sent takes to be written.
        """
        looks_at_all = channels is None or time.monotonic() >= self._next_look
        everything = force or (looks_at_all and self.index.tail_rows() > _MAX_TAIL_ROWS)
        by_asset: dict[str, list[tuple[str, str, list[Piece]]]] = {}
        among = None if everything else channels
        for (channel, part), pieces in self.index.loose(_MERGED_PIECES, _MERGED_ROWS, among).items():
            in_tail = sum(piece.length for piece in pieces if piece.kind == "tail")
            series = not part.startswith("scores/")
            many = len(pieces) >= _MERGED_PIECES
            if (everything and in_tail) or (series and in_tail >= _SEALED_ROWS) or many:
                if not many:
                    pieces = pieces[next(place for place, piece in enumerate(pieces) if piece.kind == "tail") :]
                by_asset.setdefault(_asset(self.index, channel), []).append((channel, part, pieces))
        for asset, members in by_asset.items():
            self._seal_asset(asset, members)
        if looks_at_all or by_asset:
            self._next_look = time.monotonic() + _LOOK_SECONDS
            self._remove_dead()

    def put_in_order(self, channels: Sequence[str] | None = None) -> None:
        """Seal what is due, as `seal` does; where that fails, a warning says so, since what was published holds."""
        try:
            self.seal(force=False, channels=channels)
        except (OSError, ArchiveError) as error:
            reason = getattr(error, "strerror", None) or str(error).rstrip(".")
            _LOG.warning(
                "What was written to %s is stored, but its files could not be put in order: %s. "
                "The next import or scoring tries it again.",
                self.path,
                reason,
            )
            self.settle()
            self.incoming.mkdir(exist_ok=True)

    def _seal_asset(self, asset: str, members: Sequence[tuple[str, str, list[Piece]]]) -> None:
        root = (self.path / "zarr.json").stat()
        lanes, channels, scores = [], {}, []
        revisions = self._score_revisions(members)
        plain = self._plain_lanes(members)
        described = {name: about for name, (about, _) in self.index.attributes_of([one for one, _ in plain]).items()}
        for channel, part, pieces in members:
            attributes = described.get(channel)
            if (channel, part) in plain and isinstance(attributes, dict) and not attributes["n_commands"]:
                channels[channel] = attributes
                lanes.append(plain[channel, part])
                continue
            try:
                about = self.index.attributes(channel)
                if about is None:
                    continue
                stored = self.index.scores(channel)
                shifted = _from_zero(pieces)
                identity = (root.st_ino, root.st_mtime_ns)
                reader = PartReader(self.path, self.tail, shifted, _channel_place(channel), identity)
                names = None if part.startswith("scores/") else about["command_names"]
                lane = lane_of(reader.dataset({}, names), channel, part, pieces[0].first)
            except ArchiveError as error:
                _LOG.warning("%s", error)
                continue
            if part.startswith("scores/"):
                key = part.removeprefix("scores/")
                attributes = stored.get(key)
                if attributes is None or isinstance(attributes, ArchiveError):
                    continue
                scores.append((channel, key, attributes))
            else:
                channels[channel] = about
            lanes.append(lane)
        if not lanes:
            return
        folder, publication = self.stage_segment(lanes, channels, scores=scores)

        def is_outdated() -> bool:
            """Tell whether somebody published rows of these parts meanwhile: then they are sealed another time."""
            ends = [self.index.pieces(channel, part)[-len(pieces) :] for channel, part, pieces in members]
            return ends != [tuple(pieces) for *_, pieces in members] or self._score_revisions(members) != revisions

        self.publish_segments([(asset, folder, publication)], unless=is_outdated)

    def _plain_lanes(self, members: Sequence[tuple[str, str, list[Piece]]]) -> dict[tuple[str, str], Lane]:
        """Return the lanes of plain parts whose rows lie side by side, which are read all together."""
        alike: dict[tuple[Any, ...], list[tuple[str, str, list[Piece]]]] = {}
        for channel, part, pieces in members:
            if part in ("train", "test"):
                places = [replace(piece, lane=0) for piece in pieces]
                alike.setdefault((part, *places), []).append((channel, part, pieces))
        lanes: dict[tuple[str, str], Lane] = {}
        reader = PlainReader(self.path, self.tail)
        for (part, *places), group in alike.items():
            step = max(1, _PLAIN_VALUES // sum(piece.length for piece in places))
            for start in range(0, len(group), step):
                block = group[start : start + step]
                rows = reader.rows([channel for channel, *_ in block], [pieces for *_, pieces in block])
                if rows is None or not _follows(places):
                    continue
                shared = shared_variables(rows.time)
                for (channel, *_), values in zip(block, rows.telemetry, strict=True):
                    lanes[channel, part] = plain_lane(channel, part, shared, values, places[0].first)
        return lanes

    def _score_revisions(self, members: Sequence[tuple[str, str, list[Piece]]]) -> list[int | None]:
        keys = [(channel, part.removeprefix("scores/")) for channel, part, _ in members if part.startswith("scores/")]
        return [self.index.score_revision(channel, key) for channel, key in keys]

    def _remove_dead(self) -> None:
        """Remove publications of which nothing has held for a while."""
        with self.publishing():
            dead = self.index.supersede(time.time(), _KEPT_SECONDS)
            for _, kind, folder in dead:
                if kind == "segment" and (self.path / folder).exists():
                    (self.path / folder).rename(self.incoming / f"old-{uuid.uuid4().hex}")
            self.tail.remove([number for number, kind, _ in dead if kind == "tail"])
            self.index.forget([number for number, *_ in dead])

    @contextmanager
    def writing(self, *, catch_up: bool = True) -> Iterator[None]:
        """Hold the lock of those who write telemetry; `incoming` is theirs."""
        try:
            prepare_part(self.path)
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(f"{self.incoming}.lock"):
                self._has_published = False
                self._make_store()
                if self.incoming.exists() and catch_up:  # another process died while it was writing
                    self.settle()
                self.incoming.mkdir(exist_ok=True)
                try:
                    yield
                except BaseException:
                    if catch_up:
                        self.settle()
                    raise
                shutil.rmtree(self.incoming, ignore_errors=True)
        except (OSError, NotImplementedError) as error:  # filelock raises the latter on a file system without locks
            raise self.write_error(error) from error

    @contextmanager
    def publishing(self) -> Iterator[None]:
        """Hold the lock of those who publish, for a moment only."""
        with FileLock(f"{self.path}.publish.lock"):
            yield

    @contextmanager
    def publishing_only(self) -> Iterator[None]:
        """Publish what needs no place in `incoming`."""
        with self.writable(), self.publishing():
            yield

    @contextmanager
    def writable(self) -> Iterator[None]:
        """Check the home before something is written, and say why it cannot be written."""
        try:
            prepare_part(self.path)
            self.path.parent.mkdir(parents=True, exist_ok=True)
            yield
        except (OSError, NotImplementedError) as error:  # filelock raises the latter on a file system without locks
            raise self.write_error(error) from error

    def write_error(self, error: Exception) -> ArchiveError:
        """Return the error that says that nothing can be written."""
        reason = getattr(error, "strerror", None) or str(error)
        outcome = "Nothing was changed."
        if self._has_published:
            outcome = "What was written before it failed is stored, and doing the same again changes it no more."
        return ArchiveError(
            f"Archive {self.path} cannot be written: {reason}.",
            f"{outcome} Free space, or set WORKBENCH_HOME to a writable folder.",
        )

    def _make_store(self) -> None:
        if not (self.path / "zarr.json").exists():
            identity = uuid.uuid4().hex
            place = None if self.index_url is None else IndexPlace.new(self.index_url)
            if place is not None:
                Index(self.path, place).exists()  # nothing is made where its server cannot be reached
            zarr.create_group(self.path, attributes={_FORMAT: FORMAT_VERSION, _STORE: identity}, zarr_format=3)
            seal_group(self.path)
            self.index.place_file.write(place)
            record_part(self.path)
            with self.publishing():
                self._rebuild(identity)

    # ---- recovery

    def is_present_layout(self) -> bool:
        """Tell whether the store has the present layout."""
        try:
            document = json.loads((self.path / "zarr.json").read_text(encoding="utf-8"))
            return bool(document["attributes"].get(_FORMAT) == FORMAT_VERSION)
        except FileNotFoundError:
            return not earlier_names(self.path)
        except (OSError, ValueError, TypeError, LookupError, RecursionError, AttributeError):
            return True  # damaged, not of an earlier release

    def recover(self) -> None:
        """Undo what a crash left half done, unless another process is writing just now; take over an earlier layout."""
        if self.path.exists() and not self.is_present_layout():
            try:
                with FileLock(f"{self.incoming}.lock"):
                    self._take_over()
            except OSError as error:
                raise ArchiveError(
                    f"Archive {self.path} is of an earlier release and cannot be taken over: "
                    f"{error.strerror or error}.",
                    "Make its folder writable, or copy the home to a folder that is.",
                ) from error
            return
        try:
            identity = self._identity() if self.path.exists() else None
            has_index = identity is None or self.index.is_of(identity)
            if has_index and not self.incoming.exists() and self.tail.last() <= self.index.revision():
                return
            with FileLock(f"{self.incoming}.lock", timeout=-1 if not has_index else 0):
                self.settle()
        except (Timeout, OSError):
            return
        except ArchiveError as error:  # whatever reads the index says so
            _LOG.warning("%s", error)

    def recover_index(self) -> bool:
        """Make an index that was removed while the archive was open; return whether it was."""
        if self.index.exists() or not (self.path / "zarr.json").exists():
            return False
        self.recover()
        return self.index.exists()

    def settle(self) -> None:
        """Take back segments that were published in part, enter in the index what is not there, and drop the rest."""
        if self.path.exists():
            self._catch_up()
        shutil.rmtree(self.incoming, ignore_errors=True)

    def _catch_up(self) -> None:
        with self.publishing():
            self._undo_part()
            identity = self._identity()
            if identity is not None and not self.index.is_of(identity):
                self._rebuild(identity)
                return
            for number, kind, folder, publication in self.publications([], known=self.index.numbers()):
                self.index.apply(number, kind, folder, publication)

    def _identity(self) -> str | None:
        """Return the identity of the store; None where it has none yet, or its description is damaged."""
        try:
            document = json.loads((self.path / "zarr.json").read_text(encoding="utf-8"))
            return cast(str, unsealed_attributes(document).get(_STORE))
        except (OSError, ValueError, TypeError, LookupError, RecursionError, AttributeError):
            return None

    def _rebuild(self, identity: str | None) -> list[ArchiveError]:
        """Make the index anew; the lock of those who publish must be held."""
        before: dict[str, Holding] = {}
        if not self.index.is_sound():
            self.index.discard()
        elif identity is not None and self.index.store() == identity:
            before = self.index.holdings()
        return self._fill(self.index, identity, before)

    def _fill(self, index: Index, identity: str | None, before: Mapping[str, Holding]) -> list[ArchiveError]:
        """Make an index anew, and note what the one before it knew and the archive no longer holds."""
        faults: list[ArchiveError] = []
        publications = self.publications(faults)
        described = {name: number for number, _, _, one in publications for name in one.channels}
        self.losses.note(before, described, {name for *_, one in publications for name in one.removed})
        index.rebuild(publications)
        for fault in faults:
            _LOG.warning("Left out of the index: %s", fault)
        if identity is not None:
            index.set_store(identity)
        return faults

    def rebuild(self) -> list[ArchiveError]:
        """Make the index anew from the segments and the tail, where `index_url` says; return what could not be read."""
        with self.writing(catch_up=False), self.publishing():
            self._undo_part()
            return self._rebuild(self._identity()) if self._is_in_place() else self._move_index()

    def _is_in_place(self) -> bool:
        try:
            place = self.index.place_file.read()
        except ArchiveError:  # it is damaged, or that of another archive
            return False
        return (place and place.url) == self.index_url

    def _move_index(self) -> list[ArchiveError]:
        """Make the index where `index_url` says, and drop the one that was in use."""
        identity, before, former = self._identity(), {}, None
        with suppress(ArchiveError):  # where its server is gone, so is what it alone knew
            place = self.index.place_file.read()
            former = None if place is None else Index(self.path, place)
            if self.index.store() == identity:
                before = self.index.holdings()
        if self.index_url is None:
            self.index.file.unlink(missing_ok=True)
            self.index.place_file.write(None)
            faults = self._fill(self.index, identity, before)
        else:
            place = IndexPlace.new(self.index_url)
            faults = self._fill(Index(self.path, place), identity, before)
            self.index.place_file.write(place)
            self.index.file.unlink(missing_ok=True)
        if former is not None:
            with suppress(ArchiveError):
                former.discard()
        return faults

    def _undo_part(self) -> None:
        """Take back segments that were published in part."""
        note = self.incoming / _NOTE
        if note.exists():
            try:
                places = [self.path / str(place) for place in json.loads(note.read_text(encoding="utf-8"))]
            except (ValueError, TypeError, RecursionError):  # as a power failure leaves it
                places = []
                _LOG.warning(
                    "%s is damaged: what an import that was cut off had put in place stays. Import its files again.",
                    note,
                )
            for place in places:
                shutil.rmtree(place, ignore_errors=True)
            note.unlink()

    def _take_over(self) -> None:
        """Write the channels of an archive of an earlier release into segments, and make an index that is missing.

        A channel that is damaged stays as it is, and is named wherever it is used.
        """
        if self.is_present_layout():  # another process was faster
            return
        self._catch_up()
        names = earlier_names(self.path)
        if names:
            _LOG.info("%s is taken over into the present layout: %s", self.path, counted(len(names), "channel"))
        self.incoming.mkdir(exist_ok=True)
        present = set(self.index.names())
        for start in range(0, len(names), _TAKEN_TOGETHER):
            by_asset: dict[str, list[Any]] = {}
            done = []
            for name in names[start : start + _TAKEN_TOGETHER]:
                if name in present:
                    done.append(name)
                    continue
                try:
                    earlier = read_earlier_channel(self.path / name, _channel_place(name))
                    labels = None if earlier.labels is None else label_frame(earlier.labels)
                    parts = ChannelParts(
                        earlier.train, earlier.test, labels, earlier.before, earlier.span, earlier.earlier_labels
                    )
                    attributes = parts.attributes() | {"test_hash": data_hash(earlier.test)}  # as its scores note it
                except WorkbenchError as error:
                    _LOG.warning("%s", error)
                    continue
                attributes["summary"]["received"] = earlier.received
                by_asset.setdefault(attributes["asset"], []).append((parts, attributes, earlier.scores))
                done.append(name)
            staged = []
            for asset, members in by_asset.items():
                lanes, scores = [], []
                for parts, _, own in members:
                    lanes += [lane_of(dataset, parts.channel, part) for part, dataset in parts.groups().items()]
                    for key, scored in own.items():
                        lanes.append(lane_of(scored, parts.channel, f"scores/{key}"))
                        scores.append((parts.channel, key, plain_attributes(scored.attrs)))
                channels = {parts.channel: attributes for parts, attributes, _ in members}
                staged.append((asset, *self.stage_segment(lanes, channels, list(channels), scores)))
            self.publish_segments(staged)
            for name in done:
                (self.path / name).rename(self.incoming / f"old-{uuid.uuid4().hex}")
        shutil.rmtree(self.incoming, ignore_errors=True)
        file = self.path / "zarr.json"
        staged_root = self.path.with_name(f".{self.path.name}-{uuid.uuid4().hex}")
        identity = uuid.uuid4().hex
        zarr.create_group(staged_root, attributes={_FORMAT: FORMAT_VERSION, _STORE: identity}, zarr_format=3)
        seal_group(staged_root)
        with self.publishing():
            self.index.set_store(identity)
        (staged_root / "zarr.json").replace(file)
        staged_root.rmdir()

    def publications(
        self, faults: list[ArchiveError], known: Container[int] = ()
    ) -> list[tuple[int, str, str, Publication]]:
        """Return what was published beside what is known, in order; what cannot be read is added to `faults`."""
        place = Place("A segment of the archive", "Import its data again, or restore the folder from a backup.")
        found: list[tuple[int, str, str, Publication]] = []
        for folder in sorted(self.path.glob(f"{_ASSETS}/*/*/")):
            if not folder.name.isdigit() or int(folder.name) in known:
                continue
            try:
                with damage_named(place, folder):
                    publication = read_publication(folder)
                found.append((int(folder.name), "segment", str(folder.relative_to(self.path)), publication))
            except ArchiveError as error:
                faults.append(error)
        try:
            found += [(number, "tail", "", publication) for number, publication in self.tail.publications(known)]
        except ArchiveError as error:
            faults.append(error)
        return sorted(found, key=lambda one: one[0])


def _channel_place(channel: str) -> Place:
    """Name a channel for an error that says that it is damaged."""
    return Place(f"Channel {channel}", import_again({}))


def _asset(index: Index, channel: str) -> str:
    described = index.asset_of(channel)
    return "unknown" if described is None else described[0]


def _folder_name(asset: str) -> str:
    """Return the name of the folder of an asset's segments: any text is an asset's name, not any is a folder's."""
    name = quote(asset, safe=" ").replace(".", "%2E")
    return name if len(name) <= _MAX_FOLDER_LETTERS else hashlib.sha256(asset.encode()).hexdigest()


def _follows(pieces: Sequence[Piece]) -> bool:
    """Tell whether each piece begins where the one before it ends."""
    return all(one.first + one.length == following.first for one, following in itertools.pairwise(pieces))


def _from_zero(pieces: Sequence[Piece]) -> list[Piece]:
    """Return pieces as if the rows before them were not there."""
    return [replace(piece, first=piece.first - pieces[0].first) for piece in pieces]
