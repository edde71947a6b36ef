"""The prediction errors of a channel, read span by span, so that memory does not follow the length of the series."""

from bisect import bisect_left, bisect_right
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from workbench.detection.errors import prediction_error
from workbench.detection.thresholds import Floats
from workbench.detection.windows import unusable_windows
from workbench.parameters import TelemanomParams
from workbench.telemetry.breaks import break_rows

__all__ = ["ChannelErrors"]

_SPAN = 262_144  # samples looked at at a time


class ChannelErrors:
    """Errors and targets of a channel's predictions; telemetry is read span by span.

    Parameters
    ----------
    channel : xarray.Dataset
        Test split.
    params : TelemanomParams
        Detection parameters; the windows are used.
    m : int
        Number of predicted samples.
    prediction : numpy.ndarray, shape (m - first,), dtype of the telemetry
        Predictions from a position on.
    first : int
        That position.
    earlier : xarray.Dataset, optional
        Score that holds the predictions before it.
    removed : int
        How many samples were in front of the series when the positions began, and are removed since.

    Attributes
    ----------
    breaks : tuple of int
        Positions from which on a window lies behind a break, of the breaks behind the window of the first position.

    Raises
    ------
    DetectionError
        The predictions do not fit the series, are not finite, or the telemetry is infinite.
    """

    def __init__(
        self,
        channel: xr.Dataset,
        params: TelemanomParams,
        m: int,
        prediction: npt.NDArray[Any],
        first: int = 0,
        earlier: xr.Dataset | None = None,
        removed: int = 0,
    ) -> None:
        self._channel = channel
        self._length, self._horizon = params.sequence_length - removed, params.prediction_horizon
        self._removed = removed
        self._removed_rows = max(0, removed - params.sequence_length)
        self._prediction = prediction
        self._first = first
        self._earlier = earlier
        breaks = break_rows(channel, params.max_gap_seconds, max(0, first - removed))
        self.breaks = tuple(row + removed for row in breaks)
        self._around = params.sequence_length + params.prediction_horizon
        self._begin = 0
        self._values: Floats = np.empty(0)
        if first + prediction.size != m or not np.isfinite(prediction).all() or self._is_infinite():
            everything = prediction
            if earlier is not None:
                rows = slice(0, first - self._removed_rows)
                everything = np.concatenate([earlier["prediction"].variable[rows].values, prediction])
            prediction_error(channel["telemetry"].values, everything, params)  # says what is wrong

    def errors(self, start: int, end: int) -> Floats:
        """Return the prediction errors from one position to before another; NaN where they are not judged."""
        first = self._first
        predicted: Floats = self._prediction[max(start - first, 0) : max(end - first, 0)].astype(np.float64)
        if start < first:
            assert self._earlier is not None
            gone = self._removed_rows
            stored = self._earlier["prediction"].variable[start - gone : min(end, first) - gone].values
            predicted = np.concatenate([stored.astype(np.float64), predicted])
        begin = start - self._removed  # where the window of the first position begins
        telemetry = self._telemetry(max(0, begin), self._length + end)
        error: Floats = np.abs(predicted - telemetry[self._length + start - max(0, begin) :])
        if np.isnan(telemetry).any():
            removed = np.zeros(max(0, -begin))  # samples of the first windows that are not there any more
            error[unusable_windows(np.concatenate([removed, telemetry]), self._length + self._removed)] = np.nan
        near = slice(bisect_right(self.breaks, start), bisect_left(self.breaks, end + self._around))
        for position in self.breaks[near]:
            error[max(0, position - self._around - start) : max(0, position - start)] = np.nan
        return error

    def targets(self, start: int, end: int) -> Floats:
        """Return the samples that follow the window of each position."""
        values = self._telemetry(self._length + start, self._length + end + self._horizon - 1)
        return np.lib.stride_tricks.sliding_window_view(values, self._horizon)

    def _telemetry(self, start: int, end: int) -> Floats:
        if not self._begin <= start <= end <= self._begin + self._values.size:
            read = self._channel["telemetry"].variable[start : end + self._horizon].values.astype(np.float64)
            if 2 * read.size < self._values.size:  # a look back, after which reading goes on where it was
                return read[: end - start]
            self._begin, self._values = start, read
        return self._values[start - self._begin : end - self._begin]

    def _is_infinite(self) -> bool:
        telemetry, n = self._channel["telemetry"].variable, self._channel.sizes["time"]
        begin = self._first + self._length if self._first else 0
        return any(np.isinf(telemetry[start : start + _SPAN].values).any() for start in range(begin, n, _SPAN))
