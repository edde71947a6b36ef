"""Preview: what a complete error window comes to, in memory, before its samples are filed.

Like the watches, it decides nothing. It says whether the anomalies of a channel that no later sample changes may have
become others; only such channels are filed, scored and examined at once, and all others when their samples have waited
long enough. What becomes an alert is decided on the stored series. Where a preview does not know, it says that it may.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from workbench.detection.applied import params_of, windows_of
from workbench.detection.channel_errors import ChannelErrors
from workbench.detection.continuing import earlier_standing, predict_one
from workbench.detection.incremental import Ending, Row, Standing
from workbench.detection.stretches import judge_on
from workbench.exceptions import DetectionError, WorkbenchError
from workbench.live.filing import Rows, packed_rows
from workbench.parameters import Preset
from workbench.telemetry.breaks import is_break
from workbench.telemetry.moments import clock_of, ticks

if TYPE_CHECKING:
    from workbench.detection.forecasters import Forecaster

__all__ = ["ANCHORED", "NOT_HELD", "Preview", "next_to_predict"]

ANCHORED = frozenset({"lstm"})
"""Forecasters whose bits depend on where in its series a window lies, and which take long for each sample."""

NOT_HELD = (WorkbenchError, AssertionError, IndexError, ValueError)
"""What is raised where a preview would have to know what lies before the samples that it holds."""

_AHEAD_SAMPLES = 8  # that are predicted together before their window ends


class Preview:
    """The end of one channel in memory, with where its detection stands.

    Parameters
    ----------
    test : xarray.Dataset
        Stored test series.
    scored : xarray.Dataset
        Its stored score, which is current.
    forecasters : sequence of Forecaster
        Those that made the score.
    params : Preset
        Parameters that made it.

    Raises
    ------
    DetectionError
        The score says nothing to go on from.

    Attributes
    ----------
    model : str
        The versions that made the score.
    pending : int
        Samples behind the stored series.
    takes_long : bool
        Whether its predictions are better made before a window ends.
    """

    def __init__(
        self, test: xr.Dataset, scored: xr.Dataset, forecasters: "Sequence[Forecaster]", params: Preset
    ) -> None:
        standing = earlier_standing(scored)
        if standing is None or (standing.first and not standing.window):
            raise DetectionError(f"The score of {scored.attrs['channel']} cannot be gone on from.")
        self.model = str(scored.attrs["model"])
        self.pending = 0
        self.takes_long = any(one.name in ANCHORED for one in forecasters)
        self._forecasters = forecasters
        self._weights = [params.forecasters.get(one.name, 1.0) for one in forecasters]
        own = params_of(scored, params).model_copy(update=windows_of(scored.attrs))
        self._max_gap = own.max_gap_seconds
        self._params = own.model_copy(update={"max_gap_seconds": None})  # what is taken lies in one stretch
        self._standing: Standing = standing
        self._base = self._first_held(standing)  # first sample, and position, that is held
        end = test.isel(time=slice(self._base, None)).load()
        self._telemetry: npt.NDArray[Any] = end["telemetry"].values
        self._commands: npt.NDArray[Any] = end["commands"].values
        self._moments: list[int] = ticks(end["time"].values).tolist()
        self._clock = clock_of(end["time"].values)
        values = np.flatnonzero(~np.isnan(self._telemetry))
        self._newest_value = self._moments[values[-1]] if values.size else None
        self._prediction: npt.NDArray[Any] = scored["prediction"].variable[self._base :].values
        self._attributes = {"channel": scored.attrs["channel"]}
        self._complete = 0
        self._rows: tuple[Row, ...] = ()
        self._judge()

    @property
    def samples(self) -> int:
        """Return the length of the series, with what is pending."""
        return self._base + len(self._moments)

    def moment_of(self, row: int) -> int | None:
        """Return the moment of a row of the series; None where it is not held."""
        return self._moments[row - self._base] if 0 <= row - self._base < len(self._moments) else None

    def take(self, rows: Rows) -> bool:
        """Take the samples that are not stored yet, and return whether they go on from those that were taken before.

        They do not where the series begins anew with one of them.

        Parameters
        ----------
        rows : sequence of tuple
            All samples of the channel in the journal, by their moments.
        """
        new = rows[self.pending :]
        taken = self._moments[len(self._moments) - self.pending :]
        if taken != [row[0] for row in rows[: self.pending]] or (new and new[0][0] <= self._moments[-1]):
            return False
        if not self._is_one_stretch(new):
            return False
        if new:
            values, commands = packed_rows(new, self._commands.shape[1])
            self._telemetry = np.concatenate([self._telemetry, values.astype(self._telemetry.dtype)])
            self._commands = np.concatenate([self._commands, commands.astype(self._commands.dtype)])
            self._moments += [row[0] for row in new]
            self.pending += len(new)
        return True

    def _is_one_stretch(self, rows: Rows) -> bool:
        """Return whether the series begins anew with none of some new samples."""
        newest = self._newest_value
        for moment, value, _ in rows if self._max_gap is not None else ():
            if value is None:
                continue
            if newest is None or is_break(newest, moment, self._clock, self._max_gap):
                return False
            newest = moment
        self._newest_value = newest
        return True

    def may_change(self) -> bool:
        """Judge what was taken, and return whether anomalies may have become others, or one may have ended."""
        rows, complete, batch = self._rows, self._complete, self._params.batch_size
        went_on = bool(rows) and rows[-1].end >= complete - 2 * batch
        try:
            self._judge()
        except NOT_HELD:
            return True
        return went_on or self._rows != rows

    def is_filed(self, rows: Rows) -> bool:
        """Note that samples are stored now, and return whether they are those that were taken."""
        if not self.take(rows) or len(rows) != self.pending:
            return False
        values, _ = packed_rows(rows, self._commands.shape[1])
        held = self._telemetry[len(self._telemetry) - len(rows) :]
        self.pending = 0
        return np.array_equal(held, values.astype(held.dtype), equal_nan=True)

    def predict(self) -> None:
        """Predict what was taken; a network takes its time for it, which is better spent before the window ends."""
        self._predict(self._series())

    def _predict(self, series: xr.Dataset) -> None:
        m, known = self._predicted(), self._prediction.size
        if self._base + known >= m:
            return
        parts = [
            predict_one(one, series, self._params, m, self._base + known, self._base)
            if one.name in ANCHORED
            else predict_one(one, series, self._params, m - self._base, known)
            for one in self._forecasters
        ]
        total = sum(part * np.float64(weight) for part, weight in zip(parts, self._weights, strict=True))
        mean = np.asarray(total / np.sum(self._weights), dtype=self._telemetry.dtype)
        self._prediction = np.concatenate([self._prediction, mean])

    def _series(self) -> xr.Dataset:
        return xr.Dataset(
            {"telemetry": ("time", self._telemetry), "commands": (("time", "command"), self._commands)},
            attrs=self._attributes,
        )

    def _predicted(self) -> int:
        """Return how many samples of the series, with what is pending, are predicted."""
        return self.samples - self._params.sequence_length - self._params.prediction_horizon

    def _judge(self) -> None:
        params = self._params
        series, m = self._series(), self._predicted()
        self._predict(series)
        errors = ChannelErrors(series, params, m, self._prediction, self._base, removed=self._base)
        for piece in judge_on(errors, m, params, self._standing):
            if isinstance(piece, Ending):
                ending = piece
        self._rows, self._complete = ending.complete_rows, ending.complete
        if ending.standing is not None:
            self._standing = ending.standing
            self._let_go(self._first_held(ending.standing))

    def _first_held(self, standing: Standing) -> int:
        return standing.first + standing.window * self._params.batch_size

    def _let_go(self, base: int) -> None:
        """Hold no more than what the next window takes."""
        by = min(base - self._base, len(self._moments) - self.pending)
        if by > 0:
            self._telemetry, self._commands = self._telemetry[by:].copy(), self._commands[by:].copy()
            self._moments, self._prediction = self._moments[by:], self._prediction[by:].copy()
            self._base += by


def next_to_predict(
    previews: "Mapping[str, Preview | None]", samples: Mapping[str, int], until_window: Mapping[str, int]
) -> str | None:
    """Return the channel whose preview is furthest behind, of those that take long; None where none is.

    Parameters
    ----------
    previews : mapping of str to Preview or None
        By channel.
    samples : mapping of str to int
        Samples of each channel that are not filed yet.
    until_window : mapping of str to int
        With how many of them the next error window is complete. Close to that, few samples are predicted at a time, so
        that next to nothing is left to predict when it is.
    """
    behind = {}
    for name, count in samples.items():
        preview = previews.get(name)
        if preview is not None and preview.takes_long and count > preview.pending:
            ends_soon = until_window.get(name, 0) - count < _AHEAD_SAMPLES
            behind[name] = (count - preview.pending) * (_AHEAD_SAMPLES if ends_soon else 1)
    furthest = max(behind, key=behind.__getitem__, default=None)
    return None if furthest is None or behind[furthest] < _AHEAD_SAMPLES else furthest
