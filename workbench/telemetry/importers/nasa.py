"""Imports telemetry in Telemanom's layout: `train/` and `test/` with one `.npy` a channel, labels beside them."""

import re
from collections import defaultdict
from pathlib import Path, PurePosixPath

from tqdm import tqdm

from workbench.counts import counted
from workbench.exceptions import ArchiveError, ChannelNotFoundError, ImportDataError, LabelError, WorkbenchError
from workbench.names import is_name, name_hint
from workbench.telemetry.archive import Archive, ChannelInfo, natural_key
from workbench.telemetry.importers.bundle import Bundle
from workbench.telemetry.importers.npy import read_npy, read_npy_header
from workbench.telemetry.importers.report import ChannelImport, ImportReport, Status
from workbench.telemetry.labels import LABELS_FILE, LabelledSeries, parse_labelled_series
from workbench.telemetry.schema import SPLITS, data_hash, make_channel
from workbench.telemetry.series_hash import hash_as

__all__ = ["ASSET_OF_WIDTH", "import_nasa"]

ASSET_OF_WIDTH = {25: "SMAP", 55: "MSL"}
"""Spacecraft by number of input columns, for channels that no label row names."""

_SOURCE = "NASA SMAP/MSL"
_MAX_LABELS_BYTES = 16 * 2**20

_Files = dict[str, dict[str, PurePosixPath]]


def import_nasa(path: Path, archive: Archive, *, replace: bool = False, progress: bool = False) -> ImportReport:
    """Import a zip or folder in Telemanom's layout.

    Everything that shows without reading samples (names, pairs, labels, headers, sizes) is checked before the
    first channel is written. Then one channel is in memory at a time. Should one turn out bad, those before it
    stay, each whole; importing again continues where it stopped.

    Parameters
    ----------
    path : Path
        `<somewhere>/{train,test}/<channel>.npy` with shape `(samples, 1 + commands)`, column 0 the telemetry,
        and `labeled_anomalies.csv` anywhere, if at all.
    archive : Archive
        Archive that takes the channels.
    replace : bool
        Discard what the channels held before. Without it a channel that holds other samples fails, and the others are
        imported: nothing can be added to samples without times.
    progress : bool
        Show a progress bar.

    Returns
    -------
    ImportReport

    Raises
    ------
    ImportDataError
        No channel in it, one that is unreadable or not finite (named), or one with only one of its splits.
    LabelError
        The labels are malformed, or one lies outside its test series.
    ArchiveError
        The archive cannot be written.

    Notes
    -----
    `time` is the sample number and `sample_period` unknown: the source is anonymized. A channel without a row
    of labels is unlabelled, not normal; its asset follows from the number of inputs, 25 for SMAP and 55 for
    MSL (with another number it is called after the zip or folder). The subsystem is the letter of the
    channel's name. Unlike Telemanom, which evaluates labels as code, they are parsed, and the two rows of P-2
    become one.
    """
    path = Path(path)
    with Bundle(path) as bundle:
        files = _find_channels(bundle)
        labels = _find_labels(bundle)
        for channel, splits in files.items():
            _check_headers(bundle, channel, splits, labels.get(channel))
        imports: list[ChannelImport] = []
        for channel in tqdm(sorted(files, key=natural_key), desc="Importing", unit="channel", disable=not progress):
            try:
                imports.append(_import_channel(bundle, channel, files[channel], labels.get(channel), archive, replace))
            except ImportDataError as error:
                raise ImportDataError(error.message, _what_now(error, len(imports))) from None
    return ImportReport("nasa", path, tuple(imports))


def _find_channels(bundle: Bundle) -> _Files:
    files: _Files = defaultdict(dict)
    for name in bundle.names():
        if name.suffix != ".npy" or name.parent.name not in SPLITS:
            continue
        channel, split = name.stem, name.parent.name
        if not is_name(channel):
            raise ImportDataError(
                f"{str(name)[:200]!r} in {bundle.path}: {channel[:80]!r} cannot name a channel.",
                name_hint(channel),
            )
        if split in files[channel]:
            raise ImportDataError(
                f"{bundle.path} holds {channel} twice: {files[channel][split]} and {name}.",
                "Import one of the folders.",
            )
        files[channel][split] = name
    if not files:
        raise ImportDataError(
            f"{bundle.path} holds no channel in Telemanom's layout.",
            "Needed: train/<channel>.npy and test/<channel>.npy.",
        )
    halves = [f"{channel} has no {split}" for channel in files for split in SPLITS if split not in files[channel]]
    if halves:
        more = f" and {len(halves) - 5} more" if len(halves) > 5 else ""
        raise ImportDataError(
            f"{bundle.path} is not complete: {', '.join(halves[:5])}{more}.", "Each channel needs train and test."
        )
    return dict(files)


def _find_labels(bundle: Bundle) -> dict[str, LabelledSeries]:
    names = [name for name in bundle.names() if name.name == LABELS_FILE]
    contents: dict[bytes, PurePosixPath] = {}
    for name in names:
        if bundle.size(name) > _MAX_LABELS_BYTES:
            raise ImportDataError(
                f"{name} in {bundle.path} has {bundle.size(name)} bytes.",
                "A file of labels is smaller. Check which file it is.",
            )
        with bundle.open(name) as stream:
            contents.setdefault(stream.read(), name)
    if not contents:
        return {}
    if len(contents) > 1:
        raise ImportDataError(
            f"{bundle.path} holds different labels: {', '.join(map(str, contents.values()))}.", "Keep one of them."
        )
    content, name = next(iter(contents.items()))
    return parse_labelled_series(content, f"{name} in {bundle.path}")


def _check_headers(
    bundle: Bundle, channel: str, splits: dict[str, PurePosixPath], labels: LabelledSeries | None
) -> None:
    shapes = {}
    for split, name in splits.items():
        with bundle.open(name) as stream:
            shapes[split] = read_npy_header(stream, bundle.size(name), f"{name} in {bundle.path}")[0]
    widths = {split: shape[1] for split, shape in shapes.items()}
    if widths["train"] != widths["test"]:
        raise ImportDataError(
            f"{channel}: train has {counted(widths['train'], 'input')}, test has {widths['test']}.",
            "Both need the same inputs.",
        )
    n_test = shapes["test"][0]
    if labels is None:
        return
    for start, end in zip(labels.labels["start"], labels.labels["end"], strict=True):
        if end >= n_test:
            raise LabelError(
                f"{channel}: label [{start}, {end}] lies outside its test series.", f"Samples are 0 to {n_test - 1}."
            )


def _import_channel(
    bundle: Bundle,
    channel: str,
    files: dict[str, PurePosixPath],
    labels: LabelledSeries | None,
    archive: Archive,
    replace: bool,
) -> ChannelImport:
    arrays = {}
    for split in SPLITS:
        with bundle.open(files[split]) as stream:
            arrays[split] = read_npy(stream, bundle.size(files[split]), f"{files[split]} in {bundle.path}")
    width = arrays["test"].shape[1]
    notes = []
    asset = labels.asset if labels else ""
    if not asset:
        asset = ASSET_OF_WIDTH.get(width, bundle.path.stem)
        notes.append(f"asset from its {width} inputs")
    if labels is None:
        notes.append("no labels")
    elif labels.n_samples not in (None, arrays["test"].shape[0]):
        notes.append(f"labels were made for {labels.n_samples} samples")
    letters = re.match(r"[A-Za-z]*", channel)
    train, test = (
        make_channel(
            arrays[split][:, 0],
            arrays[split][:, 1:],
            channel=channel,
            asset=asset,
            subsystem=letters.group() if letters else "",
            source=_SOURCE if asset in ASSET_OF_WIDTH.values() else bundle.path.name,
        )
        for split in SPLITS
    )
    old = _described(archive, channel)
    differs = old is not None and (old.train_hash, old.test_hash) != (data_hash(train), hash_as(test, old.test_hash))
    if old is not None and differs and not replace:
        reason = f"the archive holds other samples, {old.n_train} to train and {old.n_test} to test; --replace discards"
        return ChannelImport(channel, "failed", old.n_train, old.n_test, note=f"{reason} them")
    if old is not None and differs:
        notes.append(f"replaced {counted(old.n_train + old.n_test, 'sample')}")
    changed_archive = archive.write(train, test, labels.labels if labels else None)
    status: Status = "replaced" if differs else "imported"
    return ChannelImport(
        channel,
        status if changed_archive else "unchanged",
        train.sizes["time"],
        test.sizes["time"],
        note="; ".join(notes),
    )


def _described(archive: Archive, channel: str) -> ChannelInfo | None:
    """Describe a channel; None where the archive does not hold it, or its description is damaged."""
    try:
        return archive.info(channel)
    except (ChannelNotFoundError, ArchiveError):
        return None


def _what_now(error: WorkbenchError, n_imported: int) -> str:
    if not n_imported:
        return f"{error.hint} Nothing was imported.".strip()
    verb = "is" if n_imported == 1 else "are"
    imported = f"{counted(n_imported, 'channel')} before it {verb} in the archive"
    return f"{error.hint} {imported}; correct the file and import again.".strip()
