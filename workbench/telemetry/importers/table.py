"""Imports tables of any format: one row a sample, a time column, one or more sensor columns."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace as replaced
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from tqdm import tqdm

from workbench.exceptions import ImportDataError, OutdatedError, UnfinishedImportError, WorkbenchError
from workbench.names import clean_name
from workbench.telemetry.appending import OnConflict
from workbench.telemetry.archive import Archive
from workbench.telemetry.importers.choices import DEFAULT_TRAIN_FRACTION, Choices
from workbench.telemetry.importers.components import holds_components, in_components
from workbench.telemetry.importers.delivery import Delivery
from workbench.telemetry.importers.file_samples import FileSamples, read_samples
from workbench.telemetry.importers.formats.contents import LAYOUT_WORDS
from workbench.telemetry.importers.labels.delivered import series_names
from workbench.telemetry.importers.labels.files import read_label_spans
from workbench.telemetry.importers.names import archived_assets, asset_name, shared_names
from workbench.telemetry.importers.reading import Reading
from workbench.telemetry.importers.report import ChannelImport, ImportReport
from workbench.telemetry.importers.sources import find_tables, layout_of
from workbench.telemetry.importers.times import parse_times
from workbench.telemetry.previews.series_summary import SeriesSummary
from workbench.telemetry.previews.summary import summarized

__all__ = ["DEFAULT_TRAIN_FRACTION", "check_table_options", "import_table"]

_TRIES = 4  # where other processes write the same channels
_LAYOUTS = (*LAYOUT_WORDS, "lookout")


def import_table(
    path: Path | str | Sequence[Path | str],
    archive: Archive,
    *,
    layout: str | None = None,
    asset: str | None = None,
    train_fraction: float | None = None,
    train_from: str | None = None,
    train_until: str | None = None,
    train_file: Path | str | None = None,
    labels: Path | str | None = None,
    on_conflict: OnConflict | None = None,
    replace: bool = False,
    progress: bool = False,
    vanished: Mapping[str, str] | None = None,
    dry_run: bool = False,
    **reading: Any,
) -> ImportReport:
    """Import tables; every column of numbers becomes a channel, or is added to the channel that is there.

    The files of one asset are merged before the training span is chosen. All their channels are written, or none.

    Parameters
    ----------
    path : Path, str or sequence of them
        Files, folders and patterns to import.
    archive : Archive
        Archive that takes the channels.
    layout : {"csv", "parquet", "feather", "xlsx", "json", "hdf5", "lookout"}, optional
        Format of the files; by the ending of each name where omitted. "lookout": a folder an asset, as AWS Lookout for
        Equipment takes them; a folder whose folders hold the parts of one series each is recognised.
    asset : str, optional
        Asset of the channels; the file's name without ending where omitted, or its folder in the layout "lookout".
        Where the rows name their machines, these are the assets, with this before their names.
    train_fraction : float, optional
        Share of the samples that becomes the training series of a new channel; `DEFAULT_TRAIN_FRACTION` where
        omitted. It says nothing about a channel that is there already.
    train_from, train_until : str, optional
        Time of the first and of the last training sample instead, in any form of a time column (in `timezone` where it
        has none). The archive keeps it with the channel.
    train_file : Path or str, optional
        File of its own to learn from; the span of its times is the training span.
    labels : Path or str, optional
        File that says when channels and assets were anomalous, in any form that
        `workbench.telemetry.importers.labels.files` reads. Without names it holds for all channels of the import.
    on_conflict : {"keep", "replace"}, optional
        What holds where a file contradicts what is there, or itself. Such a file is refused where omitted.
    replace : bool
        Discard what the channels held before. They keep their training span unless another one is chosen.
    progress : bool
        Show a progress bar.
    vanished : mapping of str to str, optional
        Channels that the archive does not hold though something else knows them, and what does. Files for them are
        refused without `replace`.
    dry_run : bool
        Write nothing: the report says what the import would do. Of large files excerpts are read.
    **reading
        How the files are read, in place of what they decide themselves: attributes of `Reading` by name, as
        `time_column`, `timezone`, `date_order`, `inputs` or `label_column`.

    Returns
    -------
    ImportReport
        Counts: `samples_added`, `equal_samples` (skipped), `values_completed` (at times that were there without a
        value), `conflicts_kept` or `conflicts_replaced`, `rows_dropped` (unreadable time or too many fields),
        `out_of_order` (sorted), `duplicate_times` (equal, skipped), `gaps` (steps beyond 1.5 median steps; kept),
        `unreadable_values` (no numbers, or infinite; taken as missing), `missing_values` (stored as missing: NaN),
        `input_values_held`,
        `missing_labels` (taken as normal), `labels_in_training` (anomalous samples that lie in the training series),
        `labels_outside` (labels of a file that hold no sample of the channel), `labels_added`,
        `label_conflicts_kept` or `label_conflicts_replaced` (samples whose labels differ from those that were there;
        the latter with `on_conflict="replace"`). Of several files those that are refused stand in `failures`, and the
        others are imported.

    Raises
    ------
    ImportDataError
        The only file cannot be read, has no time column or no column of numbers, a value is beyond float32, a column
        that was named is not there, the split leaves one series empty, or it contradicts what the archive holds.
    ArchiveError
        The archive cannot be written.

    Notes
    -----
    A channel is called after its column, with a unit in brackets taken as `units`. Where another asset's
    channel has that name already, the asset is put before it (`pump.temperature`).
    """
    if layout is not None and layout not in _LAYOUTS:
        raise ImportDataError(f"layout must be one of {', '.join(_LAYOUTS)}, not {layout!r}.")
    check_table_options(
        train_fraction=train_fraction,
        train_from=train_from,
        train_until=train_until,
        train_file=train_file,
        labels=labels,
        on_conflict=on_conflict,
        replace=replace,
        **reading,
    )
    how = Reading.of(reading)
    paths = [Path(path)] if isinstance(path, Path | str) else [Path(one) for one in path]
    file_format = None if layout == "lookout" else layout
    files = find_tables(paths, file_format)
    if not files:
        raise ImportDataError("There is nothing to import.", "Give files, folders or patterns.")
    failures: dict[str, WorkbenchError] = {}
    everything: list[FileSamples] = []
    for file in tqdm(files, desc="Reading", unit="file", disable=not progress or len(files) == 1):
        try:
            everything += read_samples(file, file_format or _layout_of(file), how, on_conflict, excerpts=dry_run)
        except ImportDataError as error:
            failures[str(file)] = error
    everything = _with_machines_apart(everything, failures)
    if layout is None and asset is None and holds_components(paths, files) and in_components(everything):
        layout = "lookout"
    by_asset: dict[str, list[FileSamples]] = {}
    for samples in everything:
        own_name = samples.path.absolute().parent.name if layout == "lookout" else samples.path.stem
        whose = asset_name(_asset_name(samples.asset, asset, own_name), shorten=samples.asset is not None)
        by_asset.setdefault(whose, []).append(samples)
    training = None
    if train_file is not None:
        training_path = Path(train_file)
        training, *others = read_samples(training_path, file_format or _layout_of(training_path), how, on_conflict)
        if others:
            raise ImportDataError(
                f"{training_path} holds more than one series.", "Name a file of one with --train-file."
            )
        if len(by_asset) > 1:
            raise ImportDataError(
                f"train_file goes with one asset, not with {', '.join(sorted(by_asset))}.", "Import one at a time."
            )
    spans = None if labels is None else read_label_spans(Path(labels), how.timezone, how.date_order)
    choices = Choices(
        train_fraction,
        train_from,
        train_until,
        how.timezone,
        on_conflict,
        replace,
        spans,
        how.normal_label,
        how.missing,
    )
    imports: list[ChannelImport] = []
    left_out: list[ChannelImport] = []
    faults: list[tuple[str, str, WorkbenchError]] = []
    written: set[str] = set()
    summaries: list[SeriesSummary] = []
    machines: dict[str, set[str]] = {}
    for name, group in by_asset.items():
        machines[name] = {column for samples in group if samples.asset is not None for column in samples.columns}
    assets = shared_names(machines) | archived_assets(archive)
    for name, group in tqdm(by_asset.items(), desc="Importing", unit="asset", disable=not progress or not by_asset):
        try:
            delivery, reports = _delivered(archive, dry_run, name, group, training, choices, assets, vanished)
            summaries += [
                summarized(samples, name, delivery.names_of(samples), how.normal_label) for samples in delivery.files
            ]
            imports += [row for row in reports if row.status != "skipped"]
            left_out += [row for row in reports if row.status == "skipped" and row not in left_out]
            refused = delivery.refused
            assets |= dict.fromkeys(delivery.channels, name)
        except (ImportDataError, OutdatedError) as error:
            refused = {str(samples.path): _naming(error, samples.path) for samples in group}
            summaries += [summarized(samples, name, {}, how.normal_label) for samples in group]
        faults += [(name, file, error) for file, error in refused.items()]
        written |= {str(samples.path) for samples in group} - refused.keys()
    for name, where, fault in faults:
        if where in written:  # other machines of the file are imported
            imports.append(ChannelImport(name, "failed", note=str(fault)))
        else:
            failures.setdefault(where, fault)
    imports += left_out
    if spans is not None:
        names = [series_names(asset, group, assets) for asset, group in by_asset.items()]
        imports += spans.unused_row(one for own in names for one in own.values())
    if failures and len(files) == 1 and not (dry_run and summaries):
        raise next(iter(failures.values()))
    layouts = list(dict.fromkeys(layout or _layout_of(file) for file in files))
    reasons = {file: str(error) for file, error in failures.items()}
    waiting = frozenset(file for file, error in failures.items() if isinstance(error, UnfinishedImportError))
    return ImportReport(
        ", ".join(layouts), paths[0], tuple(imports), None, reasons, len(files), waiting, tuple(summaries)
    )


def _with_machines_apart(everything: Sequence[FileSamples], failures: dict[str, WorkbenchError]) -> list[FileSamples]:
    """Note machines of a file whose names differ only in white space; refuse it where they cannot be one machine."""
    groups: dict[tuple[str, str], list[FileSamples]] = {}
    for samples in everything:
        if samples.asset is not None:
            groups.setdefault((str(samples.path), clean_name(samples.asset)), []).append(samples)
    notes: dict[int, str] = {}
    for (path, _), group in groups.items():
        names = list(dict.fromkeys(str(samples.asset) for samples in group))
        if len(names) == 1:
            continue
        machines = [np.concatenate([one.stamps for one in group if one.asset == name]) for name in names]
        if len(np.unique(np.concatenate(machines))) < sum(len(np.unique(one)) for one in machines):
            failures[path] = ImportDataError(
                f"{path}: the machines {' and '.join(map(repr, names))} differ in white space only, and have samples "
                "at the same times.",
                "Where they are one machine, write its name alike in all rows; else rename one of them.",
            )
        note = f"{' and '.join(map(repr, names))}, which differ in white space only, taken as one machine"
        notes |= {id(samples): note for samples in group}
    return [
        replaced(samples, notes=(*samples.notes, notes[id(samples)])) if id(samples) in notes else samples
        for samples in everything
        if str(samples.path) not in failures
    ]


def _asset_name(machine: str | None, asset: str | None, own_name: str) -> str:
    """Return the asset of samples: the machine that its rows name, behind the asset that was chosen."""
    if machine is None or machine == asset:
        return asset or own_name
    return machine if asset is None else f"{asset} {machine}"


def _delivered(archive: Archive, dry_run: bool, *arguments: Any) -> tuple[Delivery, list[ChannelImport]]:
    """Write a delivery; it is worked out anew where another process wrote one of its channels meanwhile."""
    for _ in range(_TRIES):
        delivery = Delivery(archive, *arguments)
        with suppress(OutdatedError):
            return delivery, delivery.write(dry_run=dry_run)
    delivery = Delivery(archive, *arguments)
    return delivery, delivery.write(dry_run=dry_run)


def _layout_of(file: Path) -> str:
    return layout_of(file) or "csv"


def _naming(error: WorkbenchError, path: Path) -> WorkbenchError:
    """Return an error about the files of an asset as one that names a file."""
    return error if str(path) in error.message else type(error)(f"{path}: {error.message}", error.hint)


def check_table_options(
    *,
    train_fraction: float | None = None,
    train_from: str | None = None,
    train_until: str | None = None,
    train_file: Path | str | None = None,
    labels: Path | str | None = None,
    on_conflict: str | None = None,
    replace: bool = False,
    asset: str | None = None,
    **reading: Any,
) -> None:
    """Check the options of `import_table` that are right or wrong whatever the files hold.

    Parameters
    ----------
    train_fraction, train_from, train_until, train_file, labels, on_conflict, replace, asset, **reading
        As for `import_table`.

    Raises
    ------
    ImportDataError
        An option has a wrong value, or does not go with another one.
    LabelError
        The labels cannot be read.
    """
    if asset is not None:
        asset_name(asset)
    how = Reading.of(reading)
    if on_conflict not in (None, "keep", "replace"):
        raise ImportDataError(f"on_conflict must be keep or replace, not {on_conflict!r}.")
    if replace and on_conflict is not None:
        raise ImportDataError(
            "replace and on_conflict exclude each other: nothing of what the channels held is left to contradict.",
            "Pass one of them.",
        )
    if labels is not None and how.label_column is not None:
        raise ImportDataError("labels and label_column exclude each other.", "Pass one of them.")
    _check_split(train_fraction, train_from, train_until, train_file)
    for name, text in (("train_from", train_from), ("train_until", train_until)):
        if text is not None and not parse_times(pd.Series([text]), how.timezone).readable[0]:
            raise ImportDataError(f"{name} is no time: {text!r}.", "Example: 2024-03-01 10:00")
    if labels is not None:
        read_label_spans(Path(labels), how.timezone, how.date_order)


def _check_split(fraction: float | None, start: str | None, end: str | None, file: Path | str | None) -> None:
    ways = {"train_fraction": fraction, "train_until": end, "train_file": file}
    named = [name for name, value in ways.items() if value is not None]
    if len(named) > 1:
        raise ImportDataError(f"{named[0]} and {named[1]} exclude each other.", "Pass one of them.")
    if start is not None and file is not None:
        raise ImportDataError("train_from and train_file exclude each other.", "Pass one of them.")
    if fraction is not None and not 0 < fraction < 1:
        raise ImportDataError(f"train_fraction must lie between 0 and 1, not {fraction}.")
