"""A channel whose series is too long to be held: a strip that is read where it is shown, and its last values."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.plots.long_trace import LongTrace
from workbench.plots.marks import mark_columns
from workbench.plots.series import bounds
from workbench.plots.strip_data import Strip
from workbench.plots.trace import Trace
from workbench.telemetry.archive import Archive
from workbench.telemetry.archiving.envelopes import Envelope
from workbench.telemetry.catalog import Limits
from workbench.telemetry.last_values import last_value, quality_spans

__all__ = ["StoredSeries", "long_last_value", "long_strip"]

_ROWS_AT_A_TIME = 1_048_576
_TAIL_SAMPLES = 4096
_MIDDLE_BUCKETS = 4096


class StoredSeries:
    """One variable of a part of a channel, as charts read it.

    Parameters
    ----------
    archive : Archive
        Archive that holds the channel.
    channel, part : str
        As for `Archive.envelope`.
    variable : str
        Name of the variable.
    """

    def __init__(self, archive: Archive, channel: str, part: str, variable: str) -> None:
        self.archive = archive
        self.channel = channel
        self.part = part
        self.variable = variable
        self.length = archive.length(channel, part)

    def envelope(self, begin: int, end: int, width: int) -> Envelope:
        """Return minimum, mean and maximum of some rows in at most `width` buckets."""
        return self.archive.envelope(self.channel, self.part, begin, end, width, self.variable)

    def rows_at(self, times: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Return the first row at or behind each time."""
        return np.minimum(self.archive.rows_at(self.channel, self.part, times), self.length)

    def samples(self, begin: int, end: int) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
        """Return times and values of some rows."""
        rows = self.archive.rows(self.channel, self.part, begin, end, (self.variable,))
        return rows["time"].values, rows[self.variable].values


def long_strip(
    archive: Archive,
    name: str,
    key: str | None,
    anomalies: pd.DataFrame | None,
    *,
    limits: Mapping[str, float],
    words: str = "",
) -> Strip:
    """Prepare a long channel for the charts of monitoring; it is read once, piece by piece.

    Parameters
    ----------
    archive : Archive
        Archive that holds the channel.
    name : str
        Name of the channel.
    key : str or None
        Key of its score, whose prediction is drawn.
    anomalies : pandas.DataFrame or None
        `start`, `end` (samples, inclusive), `severity` and `level`.
    limits : mapping of str to float
        Value of each limit by its words.
    words : str
        What the channel measures.

    Returns
    -------
    Strip
    """
    series = StoredSeries(archive, name, "test", "telemetry")
    dated = archive.dates(name) is not None
    telemetry = LongTrace(series, dated=dated)
    prediction: Trace | LongTrace = Trace([], [])
    if key is not None:
        prediction = LongTrace(StoredSeries(archive, name, f"scores/{key}", "prediction"), dated=dated)
    spans, command_times, commands = _scanned(archive, name, series.length)
    whole = series.envelope(0, series.length, 1)
    means = series.envelope(0, series.length, _MIDDLE_BUCKETS).mean
    finite = means[np.isfinite(means)]
    ends = _times(archive, name, [0, series.length - 1])
    extent = float(ends[0]), float(ends[1])
    sequences = pd.DataFrame({"start": [], "end": []}, dtype="int64") if anomalies is None else anomalies
    edges = _times(archive, name, [*sequences["start"].tolist(), *sequences["end"].tolist()])
    return Strip(
        name=name,
        words=words,
        units=archive.info(name).units,
        dated=dated,
        telemetry=telemetry,
        prediction=prediction,
        marks=mark_columns(sequences, edges[: len(sequences)], edges[len(sequences) :], extent),
        command_times=command_times,
        commands=commands,
        limits=dict(limits),
        spans=spans,
        extent=extent,
        scale=bounds(np.concatenate([whole.minimum, whole.maximum])),
        middle=float(np.median(finite)) if finite.size else 0.0,
    )


def long_last_value(strip: Strip, limits: Limits, start: float, end: float, present: Any) -> dict[str, Any]:
    """Describe the newest value of a long channel and the samples shown with it.

    Parameters
    ----------
    strip : Strip
        From `long_strip`.
    limits : Limits
        In the channel's units.
    start, end : float
        Time shown, as charts take it.
    present : numpy.datetime64, float or None
        Time up to which samples have come; the time of the last sample where None.

    Returns
    -------
    dict
        As from `workbench.telemetry.last_values.last_value`.
    """
    trace = strip.telemetry
    assert isinstance(trace, LongTrace)
    series = trace.series
    assert isinstance(series, StoredSeries)
    come = series.length
    if present is not None:
        at = float(present.astype("datetime64[ms]").astype(np.int64)) if strip.dated else float(present)
        come = trace.rows(np.floor(at) + 1)[0]
    shown = trace.span(start, end)
    first = shown.start + int(trace.rows(start)[0] > shown.start)
    seen = series.envelope(first, max(min(shown.stop, come), first), 1)
    size = _TAIL_SAMPLES
    while True:  # the last finite value lies further back where the newest ones are missing
        tail = series.archive.rows(series.channel, series.part, max(come - size, 0), max(come, 1))
        values = last_value(tail, limits, now=present)
        if values["time"] is not None or size >= come:
            break
        size *= 8
    count, n = int(seen.count.sum()), int(seen.rows.sum())
    described: dict[str, Any] = {"n": n, "missing": n - count}
    for key, column in (
        ("minimum", seen.minimum),
        ("mean", seen.mean),
        ("maximum", seen.maximum),
        ("sd", seen.deviation),
    ):
        described[key] = float(column[0]) if count else float("nan")
    return values | described


def _scanned(
    archive: Archive, name: str, length: int
) -> tuple[pd.DataFrame, npt.NDArray[np.float64], npt.NDArray[np.str_]]:
    """Return where telemetry is missing, and when commands began, piece by piece with one sample of overlap."""
    spans, times, names = [], [], []
    for begin in range(0, length, _ROWS_AT_A_TIME):
        rows = archive.rows(name, "test", max(begin - 1, 0), min(begin + _ROWS_AT_A_TIME, length))
        axis = _axis(rows["time"].values)
        missing = quality_spans(rows)
        first, last = missing["start"].to_numpy(dtype=int), missing["end"].to_numpy(dtype=int)
        spans.append(pd.DataFrame({"left": axis[first], "right": axis[last], "kind": missing["kind"]}))
        active = rows["commands"].values.astype(bool)
        begins = active[1:] & ~active[:-1]
        samples, columns = np.nonzero(np.concatenate([active[:1] if begin == 0 else active[:1] & False, begins]))
        times.append(axis[samples])
        names.append(rows["command"].values.astype(str)[columns])
    return _joined(pd.concat(spans, ignore_index=True)), np.concatenate(times), np.concatenate(names)


def _joined(spans: pd.DataFrame) -> pd.DataFrame:
    """Join what two pieces hold of the same gap, which they share a sample of."""
    rows: list[dict[str, Any]] = []
    for row in spans.to_dict(orient="records"):
        before = rows[-1] if rows else None
        if before is not None and row["kind"] == before["kind"] == "missing" and row["left"] <= before["right"]:
            before["right"] = max(before["right"], row["right"])
        else:
            rows.append({str(name): value for name, value in row.items()})
    return pd.DataFrame(rows, columns=["left", "right", "kind"])


def _times(archive: Archive, name: str, rows: list[int]) -> npt.NDArray[np.float64]:
    """Return the times of some samples as charts take them."""
    each = [archive.rows(name, "test", row, row + 1, ())["time"].values for row in rows]
    return _axis(np.concatenate(each)) if each else np.zeros(0)


def _axis(time: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    dated = np.issubdtype(time.dtype, np.datetime64)
    return (time.astype("datetime64[ms]").astype(np.int64) if dated else time).astype(np.float64)
