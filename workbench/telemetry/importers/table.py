"""Imports a CSV or Parquet table: one row a sample, a time column, one or more sensor columns."""

import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr
from tqdm import tqdm

from workbench.exceptions import ImportDataError
from workbench.telemetry.archive import Archive
from workbench.telemetry.importers.columns import label_kinds, numbers_in, one_hot
from workbench.telemetry.importers.repair import count_gaps, fill_missing, in_order, sample_period
from workbench.telemetry.importers.report import ChannelImport, ImportReport
from workbench.telemetry.importers.table_files import TimedTable, read_csv_table, read_parquet_table
from workbench.telemetry.importers.times import parse_times
from workbench.telemetry.schema import make_channel

__all__ = ["DEFAULT_TRAIN_FRACTION", "TABLE_READERS", "import_table"]

DEFAULT_TRAIN_FRACTION = 0.7
"""Share of the samples, from the first on, that becomes the training series where nothing else is asked for."""

TABLE_READERS: dict[str, Callable[..., TimedTable]] = {"csv": read_csv_table, "parquet": read_parquet_table}
"""Reader of each layout."""

_MAX_NAME_LETTERS = 64


@dataclass(frozen=True)
class _Samples:
    """Parts of a table that all its channels share; rows are sorted and their times unique."""

    frame: pd.DataFrame
    stamps: npt.NDArray[Any]
    n_train: int
    inputs: npt.NDArray[Any]
    input_names: list[str]
    labels: pd.DataFrame | None
    repairs: dict[str, int]
    attributes: dict[str, str]
    notes: tuple[str, ...]


def import_table(
    path: Path,
    archive: Archive,
    *,
    layout: str,
    asset: str | None = None,
    time_column: str | None = None,
    inputs: Sequence[str] = (),
    label_column: str | None = None,
    train_fraction: float | None = None,
    train_until: str | None = None,
    timezone: str | None = None,
    progress: bool = False,
) -> ImportReport:
    """Import a table; every column of numbers becomes a channel.

    Everything is read and checked before the first channel is written.

    Parameters
    ----------
    path : Path
        File to import.
    archive : Archive
        Archive that takes the channels.
    layout : {"csv", "parquet"}
        Format of the file.
    asset : str, optional
        Asset of the channels; the file's name without ending where omitted.
    time_column : str, optional
        Looked for by name and content where omitted.
    inputs : sequence of str
        Columns that go along as inputs to every channel; one of words becomes one input for each word.
    label_column : str, optional
        Column of 0 and 1 or of words; runs in the test series become labelled anomalies.
    train_fraction : float, optional
        Share of the samples that becomes the training series; `DEFAULT_TRAIN_FRACTION` where omitted.
    train_until : str, optional
        Time of the last training sample instead, in any form of a time column (in `timezone` where it has none).
    timezone : str, optional
        Zone of times that carry none, as `Europe/Berlin`; UTC where omitted. Kept are times in UTC.
    progress : bool
        Show a progress bar.

    Returns
    -------
    ImportReport
        Repairs by count: `rows_dropped` (unreadable time or too many fields), `out_of_order` (sorted),
        `duplicate_times` (joined, the last value wins), `gaps` (steps beyond 1.5 median steps; kept),
        `unreadable_values` (taken as missing), `missing_values_interpolated` (up to 10 in a row),
        `missing_values_held` (more than that, or at an end), `input_values_held`, `missing_labels` (taken as
        normal), `labels_in_training` (anomalous samples that lie in the training series).

    Raises
    ------
    ImportDataError
        The file cannot be read, has no time column or no column of numbers, a value is infinite, a column
        that was named is not there, or the split leaves one series empty.
    ArchiveError
        The archive cannot be written.

    Notes
    -----
    A channel is called after its column, with a unit in square brackets taken as `units`. Where another asset's
    channel has that name already, the asset is put before it (`pump.temperature`).
    """
    path = Path(path)
    if layout not in TABLE_READERS:
        raise ImportDataError(f"layout must be one of {', '.join(TABLE_READERS)}, not {layout!r}.")
    if train_fraction is not None and train_until is not None:
        raise ImportDataError("train_fraction and train_until exclude each other.", "Pass one of them.")
    fraction = DEFAULT_TRAIN_FRACTION if train_fraction is None else train_fraction
    if not 0 < fraction < 1:
        raise ImportDataError(f"train_fraction must lie between 0 and 1, not {fraction}.")
    if path.is_dir() or not path.exists():
        raise ImportDataError(f"{path} {'is a folder' if path.is_dir() else 'does not exist'}.", "Give a file.")
    as_words = [label_column] if label_column else []
    table = TABLE_READERS[layout](path, time_column=time_column, timezone=timezone, as_text=as_words)
    _check_roles(table, inputs, label_column)
    sensors, skipped = _sensors(table, {*inputs, *as_words})
    if not sensors:
        raise ImportDataError(f"{path} has no column of numbers beside its times.", "Needed: at least one sensor.")
    table.frame[list(sensors)] = pd.DataFrame({name: values for name, (values, _) in sensors.items()})
    samples = _samples(table, path, asset or path.stem, inputs, label_column, fraction, train_until, timezone)
    names = _channel_names(list(sensors), samples.attributes["asset"], archive)
    prepared = {
        column: _prepare(samples, column, names[column], unreadable) for column, (_, unreadable) in sensors.items()
    }
    imports = []
    for column in tqdm(prepared, desc="Importing", unit="channel", disable=not progress):
        result = prepared[column]
        if isinstance(result, ChannelImport):
            imports.append(result)
            continue
        train, test, repairs = result
        changed_archive = archive.write(train, test, samples.labels)
        status: Literal["imported", "unchanged"] = "imported" if changed_archive else "unchanged"
        sizes = (train.sizes["time"], test.sizes["time"])
        imports.append(ChannelImport(names[column], status, *sizes, repairs, "; ".join(samples.notes)))
    return ImportReport(layout, path, (*imports, *skipped))


def _check_roles(table: TimedTable, inputs: Sequence[str], label_column: str | None) -> None:
    columns = [str(column) for column in table.frame.columns]
    roles = [*inputs, *([label_column] if label_column else [])]
    for name in roles:
        if name in table.time_columns:
            raise ImportDataError(f"Column {name!r} holds the times.", "It cannot be an input or a label too.")
        if name not in columns:
            raise ImportDataError(f"There is no column {name!r}.", f"Columns: {', '.join(columns)[:500]}.")
        if roles.count(name) > 1:
            raise ImportDataError(f"Column {name!r} was named twice.", "It can be one input, or the label.")


def _sensors(
    table: TimedTable, used_columns: set[str]
) -> tuple[dict[str, tuple[npt.NDArray[np.float64], int]], list[ChannelImport]]:
    """Read each column that is not taken as numbers; what cannot be one is skipped with the reason."""
    sensors: dict[str, tuple[npt.NDArray[np.float64], int]] = {}
    skipped = []
    for column in table.frame.columns:
        if column in used_columns:
            continue
        numbers = numbers_in(table.frame[column])
        empty = bool(table.frame[column].isna().all())
        if re.fullmatch(r"unnamed \d+|__index_level_\d+__|Unnamed: \d+", column):
            if not empty:
                skipped.append(ChannelImport(column, "skipped", note="the column has no name"))
        elif empty or (numbers is not None and np.isnan(numbers[0]).all()):
            skipped.append(ChannelImport(column, "skipped", note="no values"))
        elif numbers is None:
            skipped.append(ChannelImport(column, "skipped", note="not numbers; as an input: --inputs"))
        else:
            _check_finite(numbers[0], column)
            sensors[column] = numbers
    return sensors, skipped


def _check_finite(values: npt.NDArray[np.float64], column: str) -> None:
    with np.errstate(over="ignore"):
        infinite = np.isinf(values.astype(np.float32))
    if infinite.any():
        row = int(np.argmax(infinite))
        raise ImportDataError(
            f"Column {column!r} is {values[row]} in row {row + 1} ({int(infinite.sum())} such values in all).",
            "Values must be finite in float32; leave a cell empty where a value is missing.",
        )


def _samples(
    table: TimedTable,
    path: Path,
    asset: str,
    inputs: Sequence[str],
    label_column: str | None,
    fraction: float,
    train_until: str | None,
    timezone: str | None,
) -> _Samples:
    frame, stamps, repairs = in_order(table.frame, table.stamps)
    repairs = {"rows_dropped": table.rows_dropped, **repairs, "gaps": count_gaps(stamps)}
    n_train = _split(stamps, fraction, train_until, timezone)
    columns, names, n_held = _inputs(frame, inputs)
    repairs["input_values_held"] = n_held
    labels = None
    if label_column is not None:
        kinds, repairs["missing_labels"] = label_kinds(frame[label_column], label_column)
        repairs["labels_in_training"] = int((kinds[:n_train] != "").sum())
        labels = _runs(kinds[n_train:])
    attributes = {"asset": asset, "source": path.name, "sample_period": sample_period(stamps)}
    return _Samples(frame, stamps, n_train, columns, names, labels, repairs, attributes, table.notes)


def _split(stamps: npt.NDArray[Any], fraction: float, until: str | None, timezone: str | None) -> int:
    if until is None:
        n_train = min(max(1, round(len(stamps) * fraction)), len(stamps) - 1)
        if n_train < 1:
            raise ImportDataError(f"{len(stamps)} sample cannot be split.", "Needed: two samples at least.")
        return n_train
    absolute = stamps.dtype.kind == "M"
    limit = parse_times(pd.Series([str(until)]), timezone)
    if not limit.readable[0] or limit.absolute != absolute:
        raise ImportDataError(f"train_until is no {'time' if absolute else 'count'}: {until!r}.", f"As: {stamps[0]}")
    n_train = int(np.searchsorted(stamps, limit.stamps[0], side="right"))
    if not 0 < n_train < len(stamps):
        where = "before the first" if n_train == 0 else "not before the last"
        raise ImportDataError(f"train_until {until!r} lies {where} sample.", f"Samples: {stamps[0]} to {stamps[-1]}.")
    return n_train


def _inputs(frame: pd.DataFrame, names: Sequence[str]) -> tuple[npt.NDArray[Any], list[str], int]:
    """Read the input columns; a missing value takes the last one before it."""
    arrays: list[npt.NDArray[Any]] = [np.zeros((len(frame), 0), dtype=np.int8)]
    labels: list[str] = []
    n_held = 0
    for name in names:
        numbers = numbers_in(frame[name])
        column = frame[name] if numbers is None else pd.Series(numbers[0])
        missing = int(column.isna().sum())
        if missing == len(column):
            raise ImportDataError(f"Input {name!r} has no values.", "Name another column, or none.")
        n_held += missing
        column = column.ffill().bfill()
        if numbers is None:
            words, new = one_hot(column, name)
            arrays.append(words)
            labels += new
        else:
            values = np.asarray(column, dtype=np.float64)
            _check_finite(values, name)
            arrays.append(values[:, None])
            labels.append(name)
    return np.concatenate(arrays, axis=1), labels, n_held


def _runs(kinds: npt.NDArray[np.object_]) -> pd.DataFrame:
    """Make sequences of the samples that lie together and are of one kind."""
    changes = np.flatnonzero(kinds[1:] != kinds[:-1]) + 1
    starts = np.concatenate([[0], changes])
    ends = np.concatenate([changes - 1, [len(kinds) - 1]])
    rows = [(int(start), int(end), str(kinds[start])) for start, end in zip(starts, ends, strict=True) if kinds[start]]
    columns: list[tuple[Any, ...]] = list(zip(*rows, strict=True)) if rows else [(), (), ()]
    dtypes = {"start": "int64", "end": "int64", "kind": "str"}
    return pd.DataFrame(
        {name: pd.Series(columns[index], dtype=dtype) for index, (name, dtype) in enumerate(dtypes.items())}
    )


def _prepare(
    samples: _Samples, column: str, channel: str, unreadable: int
) -> tuple[xr.Dataset, xr.Dataset, dict[str, int]] | ChannelImport:
    values = samples.frame[column].to_numpy(dtype=np.float64)
    _, units = _name_and_units(column)
    repairs = samples.repairs | {"unreadable_values": unreadable}
    splits = []
    for name, part in (("training", slice(None, samples.n_train)), ("test", slice(samples.n_train, None))):
        if np.isnan(values[part]).all():
            return ChannelImport(column, "skipped", note=f"no values in the {name} series")
        filled, interpolated, n_held = fill_missing(values[part], samples.stamps[part])
        repairs["missing_values_interpolated"] = repairs.get("missing_values_interpolated", 0) + interpolated
        repairs["missing_values_held"] = repairs.get("missing_values_held", 0) + n_held
        stamps = samples.stamps[part] if samples.stamps.dtype.kind == "M" else None
        splits.append(
            make_channel(
                filled,
                samples.inputs[part],
                time=stamps,
                command_names=samples.input_names,
                channel=channel,
                units=units,
                **samples.attributes,
            )
        )
    return splits[0], splits[1], {name: count for name, count in repairs.items() if count}


def _name_and_units(column: str) -> tuple[str, str]:
    match = re.fullmatch(r"(.*\S)\s*\[([^\[\]]{1,20})\]\s*", column)
    return (match[1], match[2].strip()) if match else (column, "")


def _safe(text: str) -> str:
    letters = unicodedata.normalize("NFKD", text.replace("ß", "ss")).encode("ascii", "ignore").decode()
    return re.sub(r"[^A-Za-z0-9._-]+", "-", letters).strip("._-")[:_MAX_NAME_LETTERS].rstrip("._-") or "channel"


def _channel_names(columns: list[str], asset: str, archive: Archive) -> dict[str, str]:
    """Name each channel after its column, unlike any other of the table and any other asset's channel."""
    described, damaged = archive.infos()
    archived = {info.channel: info.asset for info in described}
    archived |= {channel: place for channel in damaged if (place := archive.asset_of(channel)[0]) != "unknown"}
    names: dict[str, str] = {}
    for column in columns:
        plain = _safe(_name_and_units(column)[0])
        choices = [plain, f"{_safe(asset)}.{plain}"[-_MAX_NAME_LETTERS:].lstrip("._-")]
        choices += [f"{plain[: _MAX_NAME_LETTERS - 4]}-{number}" for number in range(2, len(columns) + 1)]
        free = (name for name in choices if name not in names.values() and archived.get(name, asset) == asset)
        name = next(free, None)
        if name is None:
            raise ImportDataError(
                f"The archive holds {plain} of asset {archived[plain]} already.", "Rename the column."
            )
        names[column] = name
    return names
