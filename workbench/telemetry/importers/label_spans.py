"""Labels as times: a file of when an asset was anomalous, two times a row, as AWS Lookout for Equipment takes it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.exceptions import ImportDataError, LabelError
from workbench.telemetry.importers.file_samples import FileSamples
from workbench.telemetry.importers.times import DateOrder, parse_times

__all__ = ["LabelSpans", "read_label_spans", "with_labels"]

_MAX_ROWS = 1_000_000
_NORMAL, _ANOMALOUS = "0", "1"


@dataclass(frozen=True)
class LabelSpans:
    """When something was anomalous.

    Attributes
    ----------
    path : Path
        File that says so.
    starts, ends : numpy.ndarray, shape (n,), datetime64[ns]
        First and last time of each span, UTC, both inclusive.
    """

    path: Path
    starts: npt.NDArray[np.datetime64]
    ends: npt.NDArray[np.datetime64]

    def mask(self, time: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
        """Return which times lie in a span.

        Parameters
        ----------
        time : numpy.ndarray, shape (n,), datetime64[ns]
            Times, rising.
        """
        change = np.zeros(len(time) + 1, dtype=np.int64)
        np.add.at(change, np.searchsorted(time, self.starts, side="left"), 1)
        np.add.at(change, np.searchsorted(time, self.ends, side="right"), -1)
        return np.asarray(np.cumsum(change)[:-1] > 0)


def read_label_spans(path: Path, timezone: str | None = None, date_order: DateOrder | None = None) -> LabelSpans:
    """Read a CSV file without header: start and end of what was anomalous, in any form of a time column.

    Parameters
    ----------
    path : Path
        File to read.
    timezone : str, optional
        Zone of times that carry none; UTC where omitted.
    date_order : {"day", "month", "year"}, optional
        Order of dates such as 03/04/05; the whole file decides where omitted.

    Returns
    -------
    LabelSpans

    Raises
    ------
    LabelError
        It cannot be read, a row is not two times, or ends before it starts.
    """
    try:
        table = pd.read_csv(path, header=None, dtype=str, skip_blank_lines=True, nrows=_MAX_ROWS, encoding="utf-8-sig")
    except (OSError, ValueError) as error:  # pandas' own errors are ValueErrors
        reason = getattr(error, "strerror", None) or str(error).partition("\n")[0]
        raise LabelError(f"The labels {path} cannot be read: {reason}.", "Needed: rows of start and end.") from None
    if table.shape[1] != 2:
        raise LabelError(f"The labels {path} have {table.shape[1]} columns.", "Needed: two, start and end.")
    n = len(table)
    try:
        parsed = parse_times(pd.concat([table[0], table[1]], ignore_index=True), timezone, date_order)
    except ImportDataError as error:
        raise LabelError(f"{path}: {error.message}", error.hint) from None
    readable = np.logical_and(*parsed.readable.reshape(2, n))
    if n and not readable[0] and readable[1:].all() and n > 1:  # a header
        return _spans(path, parsed.stamps.reshape(2, n)[:, 1:], 2, parsed.date_order, _others(parsed.others, n, 1))
    if not parsed.absolute or not readable.all():
        row = int(np.argmin(readable)) if not readable.all() else 0
        text = ", ".join(str(value) for value in table.iloc[row])
        raise LabelError(
            f"The labels {path}: line {row + 1} is not two times: {text[:80]}.", "Example: 2024-03-01 10:00:00"
        )
    return _spans(path, parsed.stamps.reshape(2, n), 1, parsed.date_order, _others(parsed.others, n, 0))


def with_labels(file: FileSamples, spans: LabelSpans | None) -> FileSamples:
    """Return samples of a file with labels; as they are where there are no spans.

    Raises
    ------
    ImportDataError
        The file has no times.
    """
    if spans is None:
        return file
    if file.stamps.dtype.kind != "M":
        raise ImportDataError(
            f"{file.path} has sample numbers, {spans.path} has times.",
            "Leave --labels out, or name the column of the times with --time-column.",
        )
    words = np.where(spans.mask(file.stamps), _ANOMALOUS, _NORMAL)
    return replace(file, labels=pd.Series(words, name="labels"))


def _others(others: Mapping[DateOrder, npt.NDArray[Any]], n: int, first: int) -> dict[DateOrder, npt.NDArray[Any]]:
    return {order: stamps.reshape(2, n)[:, first:] for order, stamps in others.items()}


def _spans(
    path: Path, times: npt.NDArray[Any], first_line: int, order: DateOrder | None, others: Mapping[DateOrder, Any]
) -> LabelSpans:
    fits = bool(np.all(times[0] <= times[1]))
    other_fits = [name for name, other in others.items() if np.all(other[0] <= other[1])]
    ways = [*([order] if fits and order else []), *other_fits]
    if len(ways) > 1:
        raise LabelError(
            f"The dates of the labels {path} can be read {' and '.join(f'{way} first' for way in ways)}.",
            f"Pass {' or '.join(f'--date-order {way}' for way in ways)}.",
        )
    if other_fits:
        times = others[other_fits[0]]
    elif not fits:
        row = int(np.argmax(times[0] > times[1]))
        raise LabelError(
            f"The labels {path}: line {row + first_line} ends before it starts.", "Write start and end of each span."
        )
    return LabelSpans(path, times[0], times[1])
