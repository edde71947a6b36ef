"""Telemanom's `labeled_anomalies.csv`: which samples of which test series are anomalous.

One row a channel, with the sequences as JSON and their classes as a list of bare words:
`P-1,SMAP,"[[2149, 2349], [4536, 4844]]","[contextual, contextual]",8505`. Nothing is evaluated.
"""

import csv
import io
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from workbench.exceptions import LabelError

__all__ = [
    "LABELS_FILE",
    "NORMAL_WORDS",
    "LabelledSeries",
    "faults",
    "parse_labelled_series",
    "read_labelled_series",
    "read_labels",
    "sequence_kinds",
]

LABELS_FILE = "labeled_anomalies.csv"
"""Name of the file in Telemanom's layout."""

NORMAL_WORDS = frozenset({"0", "false", "no", "n", "none", "normal", "nominal", "ok", "okay", "good", "healthy"})
"""Kinds of labels, and values in a column of labels, that mean normal."""

_REQUIRED = ("chan_id", "anomaly_sequences")
_UNKNOWN_KIND = "unknown"
_MAX_SAMPLES = 2**62

_Sequence = tuple[int, int, str]


@dataclass(frozen=True)
class LabelledSeries:
    """Labels of one channel's test series.

    Attributes
    ----------
    channel, asset : str
        `chan_id` and `spacecraft`; the latter is empty where the file has no such column.
    n_samples : int or None
        Length of the series that was labelled (`num_values`), samples.
    labels : pandas.DataFrame
        Int columns `start`, `end` (samples, both inclusive) and str `kind`, sorted by start.
    """

    channel: str
    asset: str
    n_samples: int | None
    labels: pd.DataFrame


def read_labels(source: Path | str) -> dict[str, pd.DataFrame]:
    r"""Read the labelled anomalies of each channel.

    Parameters
    ----------
    source : Path or str
        The file, or its text where a str holds more than one line.

    Returns
    -------
    dict of str to pandas.DataFrame
        By channel: int columns `start`, `end` (samples of the test series, both inclusive) and str `kind`,
        sorted by start. A channel that has several rows gets their union: duplicates and overlaps become one.

    Raises
    ------
    LabelError
        The file cannot be read or is malformed, or a sequence ends before it starts or lies outside its
        series; names the line and channel.

    Examples
    --------
    >>> text = 'chan_id,anomaly_sequences,class,num_values\nX-1,"[[7, 9], [1, 2]]","[point, contextual]",10\n'
    >>> read_labels(text)["X-1"]
       start  end        kind
    0      1    2  contextual
    1      7    9       point
    """
    return {channel: series.labels for channel, series in read_labelled_series(source).items()}


def read_labelled_series(source: Path | str) -> dict[str, LabelledSeries]:
    """Read the labels of each channel together with its spacecraft and length.

    Parameters
    ----------
    source : Path or str
        As for `read_labels`.

    Returns
    -------
    dict of str to LabelledSeries

    Raises
    ------
    LabelError
        As for `read_labels`.
    """
    if isinstance(source, str) and "\n" in source:
        return parse_labelled_series(source.encode("utf-8", "replace"), "labels")
    path = Path(source)
    try:
        content = path.read_bytes()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise LabelError(f"{path} cannot be read: {reason}.", f"Give Telemanom's {LABELS_FILE}.") from None
    return parse_labelled_series(content, str(path))


def parse_labelled_series(content: bytes, name: str) -> dict[str, LabelledSeries]:
    """Parse the bytes of a label file.

    Parameters
    ----------
    content : bytes
        UTF-8, with or without byte order mark.
    name : str
        What the file is called in an error.

    Returns
    -------
    dict of str to LabelledSeries

    Raises
    ------
    LabelError
        As for `read_labels`.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise LabelError(f"{name} is not UTF-8 text: {error.reason} at byte {error.start}.") from None
    rows: dict[str, list[list[_Sequence]]] = {}
    assets: dict[str, str] = {}
    lengths: dict[str, int | None] = {}
    for where, row in _rows(text, name):
        channel = (row["chan_id"] or "").strip()
        if not channel:
            raise LabelError(f"{where}: chan_id is empty.", "Every row names its channel.")
        where = f"{where} ({channel})"
        length = _length(row.get("num_values"), where)
        rows.setdefault(channel, []).append(_sequences(row, length, where))
        assets.setdefault(channel, (row.get("spacecraft") or "").strip())
        lengths[channel] = _longer(lengths.get(channel), length)
    return {
        channel: LabelledSeries(
            channel, assets[channel], lengths[channel], _frame(tables[0] if len(tables) == 1 else _union(tables))
        )
        for channel, tables in rows.items()
    }


def faults(labels: pd.DataFrame) -> pd.DataFrame:
    """Return the labels of a channel without those whose kind means normal, as `nominal`.

    Parameters
    ----------
    labels : pandas.DataFrame
        `start`, `end`, and `kind` where the labels have one.

    Examples
    --------
    >>> labels = pd.DataFrame({"start": [10, 50], "end": [20, 60], "kind": ["point", "Normal"]})
    >>> faults(labels)["start"].tolist(), faults(labels[["start", "end"]])["start"].tolist()
    ([10], [10, 50])
    """
    if "kind" not in labels:
        return labels
    is_normal = labels["kind"].astype(str).str.strip().str.lower().isin(NORMAL_WORDS)
    return labels[~is_normal].reset_index(drop=True) if is_normal.any() else labels


def sequence_kinds(value: str | None, count: int) -> list[str]:
    """Split the list of classes; one class holds for all, a list that does not fit tells nothing.

    Parameters
    ----------
    value : str or None
        List of bare words, as `[contextual, point]`.
    count : int
        Number of sequences.

    Returns
    -------
    list of str

    Examples
    --------
    >>> sequence_kinds("[contextual, point]", 2), sequence_kinds("", 1)
    (['contextual', 'point'], ['unknown'])
    """
    words = [word.strip().strip("'\"") for word in (value or "").strip().strip("[]").split(",")]
    words = [word for word in words if word]
    if len(words) == count:
        return words
    return words * count if len(words) == 1 else [_UNKNOWN_KIND] * count


def _rows(text: str, name: str) -> Iterable[tuple[str, dict[str, str]]]:
    reader = csv.DictReader(io.StringIO(text, newline=""), restval="")
    try:
        columns = [column.strip() for column in reader.fieldnames or []]
        missing = [column for column in _REQUIRED if column not in columns]
        if missing:
            present = ", ".join(columns)[:200] or "none"
            raise LabelError(
                f"{name} has no column {missing[0]!r} (found: {present}).", f"Needed: {', '.join(_REQUIRED)}."
            )
        reader.fieldnames = columns
        for row in reader:
            yield f"{name} line {reader.line_num}", row
    except csv.Error as error:
        raise LabelError(f"{name} is not CSV: {error} at line {reader.line_num}.") from None


def _length(value: str | None, where: str) -> int | None:
    if value is None or not value.strip():
        return None
    try:
        length = int(value)
    except ValueError:
        length = -1
    if not 0 < length < _MAX_SAMPLES:
        raise LabelError(f"{where}: num_values must be a number of samples, not {value[:40]!r}.")
    return length


def _longer(one: int | None, other: int | None) -> int | None:
    return max((length for length in (one, other) if length is not None), default=None)


def _sequences(row: dict[str, str], length: int | None, where: str) -> list[_Sequence]:
    value = row["anomaly_sequences"] or ""
    try:
        pairs = json.loads(value)
    except (ValueError, RecursionError):
        pairs = None
    if not isinstance(pairs, list) or not all(_is_pair(pair) for pair in pairs):
        raise LabelError(
            f"{where}: anomaly_sequences must be a list of [start, end], not {value[:80]!r}.", "Example: [[2149, 2349]]"
        )
    last = (length or _MAX_SAMPLES) - 1
    for start, end in pairs:
        if not 0 <= start <= end <= last:
            series = f"samples 0 to {last}" if length else "samples counted from 0"
            raise LabelError(f"{where}: sequence [{start}, {end}] lies outside its series ({series}).", "start <= end.")
    kinds = sequence_kinds(row.get("class"), len(pairs))
    return sorted((start, end, kind) for (start, end), kind in zip(pairs, kinds, strict=True))


def _is_pair(value: object) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(type(item) is int for item in value)


def _union(rows: list[list[_Sequence]]) -> list[_Sequence]:
    """Merge what overlaps between the rows of one channel; the earliest start gives the kind."""
    merged: list[_Sequence] = []
    for start, end, kind in sorted(sequence for row in rows for sequence in row):
        if merged and start <= merged[-1][1]:
            first, last, first_kind = merged[-1]
            merged[-1] = (first, max(last, end), first_kind)
        else:
            merged.append((start, end, kind))
    return merged


def _frame(sequences: list[_Sequence]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "start": pd.Series([start for start, _, _ in sequences], dtype="int64"),
            "end": pd.Series([end for _, end, _ in sequences], dtype="int64"),
            "kind": pd.Series([kind for _, _, kind in sequences], dtype="str"),
        }
    )
