"""Data of a channel on a strip, prepared once and then cut to the time that is shown."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from workbench.plots.gaps import max_gap
from workbench.plots.long_trace import LongTrace
from workbench.plots.marks import mark_data, word_places, word_sides
from workbench.plots.series import bounds, is_dated, time_values
from workbench.plots.trace import Trace

__all__ = ["Strip", "alike", "command_begins", "make_strip", "span_columns"]

_MAX_MARKS = 400  # most command marks on a strip
_NEAR_LIMIT_SHARE = 0.6  # a limit so much of the range away from the values is drawn with them


@dataclass(frozen=True)
class Strip:
    """A channel as the charts of monitoring draw it; times as charts take them.

    Attributes
    ----------
    name, words, units : str
        Channel, what it measures, and its units.
    dated : bool
        Whether time is stamps.
    telemetry, prediction : Trace or LongTrace
        The prediction is empty where the channel is not scored.
    marks : mapping
        Anomalies, as from `mark_data`.
    command_times, commands : numpy.ndarray, shape (c,)
        When a command began, rising, and its name.
    limits : mapping of str to float
        Value of each limit by its words, as `critical high`.
    spans : pandas.DataFrame
        `left`, `right`, `kind` of missing telemetry.
    extent : tuple of float
        First and last time.
    scale : tuple of float
        Least and greatest value.
    middle : float
        Median of the values.
    """

    name: str
    words: str
    units: str
    dated: bool
    telemetry: Trace | LongTrace
    prediction: Trace | LongTrace
    marks: Mapping[str, list[Any]]
    command_times: npt.NDArray[np.float64]
    commands: npt.NDArray[np.str_]
    limits: Mapping[str, float] = field(default_factory=dict)
    spans: pd.DataFrame = field(default_factory=pd.DataFrame)
    extent: tuple[float, float] = (0.0, 1.0)
    scale: tuple[float, float] = (0.0, 1.0)
    middle: float = 0.0

    def scaled(
        self, start: float, end: float, until: float, limit: int
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float32]]:
        """Return what `Trace.window` gives, with the values as shares of the channel's whole range."""
        time, values = self.telemetry.window(start, end, until, limit)
        low, high = self.scale
        return time, ((values - low) / (high - low)).astype(np.float32)

    def range(self, start: float, end: float, until: float) -> tuple[float, float]:
        """Return the range of the values shown, with the limits that are near them."""
        lines = [trace.window(start, end, until, 600)[1] for trace in (self.telemetry, self.prediction)]
        low, high = bounds(*lines)
        near = [value for value in self.limits.values() if low - _NEAR_LIMIT_SHARE * (high - low) <= value]
        near = [value for value in near if value <= high + _NEAR_LIMIT_SHARE * (high - low)]
        return min([low, *near]), max([high, *near])

    def anomalies(self, start: float, end: float, until: float, top: float) -> dict[str, list[Any]]:
        """Cut the anomalies to what is shown; a word that a more severe one's would overlap is left out."""
        visible = [
            i
            for i, (left, right) in enumerate(zip(self.marks["left"], self.marks["right"], strict=True))
            if left <= min(end, until) and right >= start
        ]
        columns: dict[str, list[Any]] = {name: [values[i] for i in visible] for name, values in self.marks.items()}
        columns["right"] = [min(right, until) for right in columns["right"]]
        bounds = zip(columns["left"], columns["right"], strict=True)
        columns["middle"] = [(max(left, start) + min(right, end)) / 2 for left, right in bounds]
        columns["top"] = [top] * len(visible)
        long = [bool(one) for one in columns["standing"]]
        sides = word_sides(columns["middle"], columns["severity"], start, end, long)
        words = zip(columns["level"], columns["severity"], sides, strict=True)
        columns["word"] = [_word(level, value, abs(side) == 2) if side else "" for level, value, side in words]
        columns |= word_places(sides)
        return columns

    def extended(self, time: npt.NDArray[np.float64], values: npt.NDArray[np.float64]) -> "Strip":
        """Return the channel with samples behind its newest one, of which nothing but their values is known yet.

        Parameters
        ----------
        time, values : numpy.ndarray, shape (k,)
            Rising times as charts take them, and values.

        Returns
        -------
        Strip
            The channel itself where its series is too long to be held.
        """
        if not isinstance(self.telemetry, Trace):
            return self
        finite = values[np.isfinite(values)]
        scale = min([self.scale[0], *finite.tolist()]), max([self.scale[1], *finite.tolist()])
        telemetry = self.telemetry.extended(time, values)
        return replace(self, telemetry=telemetry, extent=(self.extent[0], float(time[-1])), scale=scale)

    @property
    def is_provisional(self) -> bool:
        """Return whether later samples may still change an anomaly of the channel."""
        return any(self.marks["standing"])

    def command_marks(self, start: float, end: float, until: float, height: float) -> dict[str, Any]:
        """Return the commands that began in the time shown, one where several fall on the same place."""
        first, last = np.searchsorted(self.command_times, (start, min(end, until)))
        time = self.command_times[first:last]
        if time.size > _MAX_MARKS:
            positions = np.unique(((time - start) * (_MAX_MARKS / (end - start))).astype(int), return_index=True)[1]
        else:
            positions = np.arange(time.size)
        return {
            "time": time[positions].tolist(),  # short lists travel faster than arrays, which are messages of their own
            "value": [height] * positions.size,
            "command": self.commands[first:last][positions].tolist(),
        }


def _word(level: str, severity: float, provisional: bool) -> str:
    return f"{level} {severity:.1f}{', provisional' if provisional else ''}"


def alike(strips: Sequence[Strip]) -> list[Strip]:
    """Return the channels that can share a time axis with the first one.

    Parameters
    ----------
    strips : sequence of Strip
        Channels.

    Returns
    -------
    list of Strip
        Those whose time is stamps where that of the first is, and sample numbers where it is not.
    """
    return [strip for strip in strips if strip.dated == strips[0].dated]


def make_strip(
    channel: xr.Dataset,
    scored: xr.Dataset | None = None,
    anomalies: pd.DataFrame | None = None,
    *,
    limits: Mapping[str, float] | None = None,
    spans: pd.DataFrame | None = None,
    words: str = "",
) -> Strip:
    """Prepare a channel for the charts of monitoring.

    Parameters
    ----------
    channel : xarray.Dataset
        One split of one channel, loaded.
    scored : xarray.Dataset, optional
        `prediction` over `time`.
    anomalies : pandas.DataFrame, optional
        `start`, `end` (samples, inclusive), `severity` and `level`.
    limits : mapping of str to float, optional
        Value of each limit by its words.
    spans : pandas.DataFrame, optional
        `start`, `end` (samples, inclusive) and `kind` of missing telemetry.
    words : str
        What the channel measures.

    Returns
    -------
    Strip
    """
    time = time_values(channel).astype(np.float64)
    values = channel["telemetry"].values
    most = max_gap(channel)
    predicted = None if scored is None else Trace(time_values(scored), scored["prediction"].values, most)
    begins, names = command_begins(channel)
    missing = pd.DataFrame({"start": [], "end": [], "kind": []}) if spans is None else spans
    finite = values[np.isfinite(values)]
    return Strip(
        name=channel.attrs["channel"],
        words=words,
        units=channel.attrs["units"],
        dated=is_dated(channel),
        telemetry=Trace(time, values, most),
        prediction=predicted or Trace([], []),
        marks=mark_data(channel, anomalies),
        command_times=begins,
        commands=names,
        limits=dict(limits or {}),
        spans=span_columns(channel, missing),
        extent=(float(time[0]), float(time[-1])),
        scale=bounds(values),
        middle=float(np.median(finite)) if finite.size else 0.0,
    )


def span_columns(channel: xr.Dataset, spans: pd.DataFrame) -> pd.DataFrame:
    """Return spans of samples as spans of time: `left`, `right` and `kind`."""
    time = time_values(channel).astype(np.float64)
    left, right = (time[spans[name].to_numpy(dtype=int)] for name in ("start", "end"))
    return pd.DataFrame({"left": left, "right": right, "kind": spans["kind"].to_numpy()})


def command_begins(channel: xr.Dataset) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.str_]]:
    """Return when commands begin, as charts take times, and their names; those of the first sample begin there."""
    active = channel["commands"].values.astype(bool)
    begins = active.copy()
    begins[1:] &= ~active[:-1]
    samples, columns = np.nonzero(begins)
    return time_values(channel).astype(np.float64)[samples], channel["command"].values.astype(str)[columns]
