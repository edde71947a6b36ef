"""What each column of a file becomes, with its values in short: the same for a preview and for the import itself."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.counts import counted
from workbench.exceptions import ImportDataError
from workbench.telemetry.appending import time_text
from workbench.telemetry.importers.file_samples import FileSamples, RawColumn
from workbench.telemetry.importers.labels.column import label_kinds
from workbench.telemetry.previews.series_summary import ColumnSummary, SeriesSummary

__all__ = ["summarized"]

_AT_ONCE = 65_536  # values
_WAYS_OUT = {
    "taken as UTC": "--timezone",
    "dates read": "--date-order",
}
"""Options that say otherwise, by words of an assumption that names none itself."""


def summarized(
    file: FileSamples, asset: str, names: Mapping[str, str], normal_labels: Sequence[str] = ()
) -> SeriesSummary:
    """Summarize the samples of a file.

    Parameters
    ----------
    file : FileSamples
        What was read.
    asset : str
        Asset of its channels.
    names : mapping of str to str
        Names of its channels by column.
    normal_labels : sequence of str, optional
        Values of the label column that mean normal.

    Returns
    -------
    SeriesSummary
    """
    reasons = {row.channel: row.note for row in file.skipped}
    columns = [_summary(file, raw, names, reasons, normal_labels) for raw in file.raw_columns]
    ends = [time_text(file.stamps[place]) for place in (0, -1)] if len(file.stamps) else ["", ""]
    assumed = [note for note in file.notes if file.other is None or not note.startswith("dates read ")]
    notes = [*map(_with_way_out, assumed), *_repairs(file)]
    n_samples = _estimate(len(file.stamps), file.share)
    return SeriesSummary(
        file.path,
        file.part or file.asset or "",
        asset,
        n_samples,
        ends[0],
        ends[1],
        tuple(columns),
        tuple(notes),
        file.share,
    )


def _summary(
    file: FileSamples,
    raw: RawColumn,
    names: Mapping[str, str],
    reasons: Mapping[str, str],
    normal_labels: Sequence[str],
) -> ColumnSummary:
    column, becomes = raw.name, []
    unit = file.units_of(column, names.get(column, ""))
    if raw.role == "time" and len(file.stamps):
        kind = "time (UTC)" if file.stamps.dtype.kind == "M" else "number"
        first, last = (time_text(file.stamps[place]).removesuffix(" UTC") for place in (0, -1))
        return ColumnSummary(column, "time", "", kind, first, last, _estimate(raw.missing, file.share))
    if column in file.columns:
        becomes.append("left out: no values" if column in file.empty else f"channel {names.get(column, '')}".strip())
    if column in file.input_names:
        becomes.append("input")
    words = [name for name in file.input_names if name.startswith(f"{column}=") and column not in file.input_names]
    if words:
        becomes.append(f"{counted(len(words), 'input')}: {', '.join(words[:5])}{', ...' if words[5:] else ''}")
    if column in file.columns:
        summary = _of_numbers(column, " and ".join(becomes), unit, file.columns[column], file.share)
        return summary if column in file.empty else replace(summary, channel=names.get(column, ""))
    if column in file.input_names:
        return _of_numbers(column, "input", unit, file.inputs[:, file.input_names.index(column)], file.share)
    if file.labels is not None and raw.role == "label":
        becomes.append(f"label{_anomalous(file.labels, normal_labels)}")
    elif raw.role:
        becomes.append(raw.role)
    if not becomes:
        becomes.append(f"left out: {reasons.get(column, 'no values' if raw.is_empty else 'not used')}")
    if raw.role == "quality" and isinstance(raw.first, bool | np.bool_):
        first, last = ("bad" if is_bad else "good" for is_bad in (raw.first, raw.last))
        return ColumnSummary(column, " and ".join(becomes), unit, "text", first, last, 0)
    kind = "empty" if raw.is_empty else "text" if raw.is_text else "number"
    n_missing = _estimate(raw.missing, file.share)
    return ColumnSummary(column, " and ".join(becomes), unit, kind, raw.first, raw.last, n_missing)


def _of_numbers(column: str, becomes: str, unit: str, values: npt.NDArray[Any], share: float) -> ColumnSummary:
    missing = np.isnan(values)
    present = values[~missing] if missing.any() else values
    if not len(present):
        return ColumnSummary(column, becomes, unit, "empty", None, None, _estimate(len(values), share))
    kind = "whole number" if _are_whole(present) else "number"
    first, last, minimum, maximum = (_plain(one) for one in (present[0], present[-1], present.min(), present.max()))
    n_missing = _estimate(int(missing.sum()), share)
    return ColumnSummary(column, becomes, unit, kind, first, last, n_missing, minimum, maximum)


def _are_whole(values: npt.NDArray[Any]) -> bool:
    """Tell whether all values are whole numbers; most columns say so, or not, at their beginning."""
    parts = (values[start : start + _AT_ONCE] for start in range(0, len(values), _AT_ONCE))
    return all(np.array_equal(part, np.rint(part)) for part in parts)


def _estimate(count: int, share: float) -> int:
    """Return the count in the whole file, to three digits where only a share of it was read."""
    return count if share == 1 else int(float(f"{count / share:.2e}"))


def _plain(value: Any) -> float:
    """Return a number with the digits that it has in its own precision, as 21.5 and not 21.49999."""
    return float(str(value))


def _anomalous(labels: pd.Series, normal_labels: Sequence[str]) -> str:
    try:
        kinds, _ = label_kinds(labels, str(labels.name), normal_labels)
    except ImportDataError:
        return ""
    return f": {int((kinds != '').sum()):,} of {counted(len(kinds), 'sample')} anomalous"


def _repairs(file: FileSamples) -> list[str]:
    """Say what was left out or put right; of an excerpt that is only what was seen of it."""
    words = {
        "rows_dropped": ("row", "left out, without a readable time or with too many fields"),
        "out_of_order": ("sample", "out of order, sorted"),
        "duplicate_times": ("row", "at a time that was there, with equal values"),
        "conflicts_kept": ("row", "with another value at a time that was there: the first one is kept"),
        "conflicts_replaced": ("row", "with another value at a time that was there: the last one is taken"),
    }
    lines = [
        f"{counted(n, words[name][0])} {words[name][1]}" for name, n in file.repairs.items() if n and name in words
    ]
    for column, n in file.unreadable.items():
        if n:
            lines.append(f"{counted(n, 'value')} of {column} not a number, taken as missing")
    return lines


def _with_way_out(note: str) -> str:
    if re.search(r"--\w", note):
        return note
    option = next((option for words, option in _WAYS_OUT.items() if words in note), "")
    return f"{note} (otherwise: {option})" if option else note
