"""Detection sample by sample: forecast, error and decision as each sample arrives."""

from dataclasses import dataclass, field
from math import inf, nan

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from workbench.detection.anomalies import value_range
from workbench.detection.applied import common_windows, resolution
from workbench.detection.envelope import EnvelopeEvent, EnvelopeStream
from workbench.detection.envelope.course import envelope_of
from workbench.detection.errors import quiet_level
from workbench.detection.forecasters import Forecaster
from workbench.detection.thresholds import Moments, Spread, find_epsilon, judge, scale_matters
from workbench.detection.windows import check_finite, unusable_windows
from workbench.exceptions import DetectionError, ForecasterError
from workbench.parameters import TelemanomParams
from workbench.telemetry.breaks import is_break
from workbench.telemetry.missing import held
from workbench.telemetry.moments import Moment

__all__ = ["Decision", "StreamingDetector"]


@dataclass(frozen=True, slots=True)
class Decision:
    """Result for one sample that has arrived.

    Attributes
    ----------
    sample : int
        Its number since the start of the stream.
    prediction, prediction_error : float
        Prediction of this sample, in the units of the telemetry; NaN during the first `sequence_length` samples.
    smoothed_error : float
        EWMA of the error up to this sample; NaN as long as there is no error.
    epsilon : float
        Threshold of the error window that ends with this sample; NaN during the first `2 sequence_length`
        errors, in which nothing is decided. Both are NaN, as the error is, where the window is unusable (see
        `workbench.detection.windows`): a missing sample is not decided on, nor are those after a long outage.
    anomalous : bool
        Whether the smoothed error reaches epsilon and is large compared to the telemetry, or the envelope is exceeded.
    forecast : numpy.ndarray, shape (prediction_horizon,), float32
        The samples to come; empty until a window is full.
    exceeded : tuple of EnvelopeEvent
        What this sample does that the telemetry has not done before, up to now; see `workbench.detection.envelope`.
    """

    sample: int
    prediction: float = nan
    prediction_error: float = nan
    smoothed_error: float = nan
    epsilon: float = nan
    anomalous: bool = False
    forecast: npt.NDArray[np.float32] = field(default_factory=lambda: np.empty(0, dtype=np.float32))
    exceeded: tuple[EnvelopeEvent, ...] = ()


class StreamingDetector:
    """Decides on each sample of one channel as it arrives.

    Parameters
    ----------
    forecaster : Forecaster
        Fitted.
    params : TelemanomParams, optional
        Telemanom's defaults where omitted. Their windows are those of the forecaster, whatever they say.
    train : xarray.Dataset, optional
        Training split, whose range says what is large where `params` measure the least error by it. Where it is
        omitted, that is the range of the samples that have arrived; where it is constant, their resolution. The
        envelope is learned from it, too, and is judged only where it is passed and `params` say by which margins.
    follows_training : bool
        Whether the stream follows the training split directly, so that the envelope is judged from the first sample;
        otherwise the first 250 only feed its records.

    Raises
    ------
    DetectionError
        The forecaster is not fitted.

    Notes
    -----
    Predictions and smoothed errors are those of the whole series. The decision is not, as it cannot wait for
    what comes after: its error window ends with the newest sample, only errors above their mean count, and no
    sequence is padded or pruned. The telemetry's spread is taken over the samples of the error window, each
    once. What the envelope finds is the same as in the whole series, as soon as it begins. Missing telemetry (NaN) does
    what it does in the whole series; before the first value nothing is predicted. Behind a gap that is longer than
    `max_gap_seconds`, which only the moments that are passed with the samples can tell, all begins anew.

    Examples
    --------
    >>> from workbench.detection.persistence import PersistenceForecaster
    >>> from workbench.telemetry.schema import make_channel
    >>> params = TelemanomParams(sequence_length=2, prediction_horizon=1)
    >>> train = make_channel([0.0, 1.0, 0.0, 1.0, 0.0], channel="X-1", asset="X")
    >>> forecaster = PersistenceForecaster(sequence_length=2, prediction_horizon=1).fit(train)
    >>> detector = StreamingDetector(forecaster, params)
    >>> [detector.push(np.array([value])).prediction for value in (3.0, 4.0, 6.0)]
    [nan, nan, 4.0]
    """

    def __init__(
        self,
        forecaster: Forecaster,
        params: TelemanomParams | None = None,
        train: xr.Dataset | None = None,
        *,
        follows_training: bool = False,
    ) -> None:
        if forecaster.n_inputs is None:
            raise DetectionError(f"The {forecaster.name} forecaster is not fitted.", "Call fit or load first.")
        params = (params or TelemanomParams()).model_copy(update=common_windows([forecaster]))
        self._history = _History(params, train, forecaster.dtype)
        self._envelope: EnvelopeStream | None = None
        if train is not None and params.envelope != "none":
            self._envelope = EnvelopeStream(envelope_of(train, params), follows_training=follows_training)
        self.params = params
        self.forecaster = forecaster
        self._window = np.zeros((forecaster.sequence_length, forecaster.n_inputs), dtype=forecaster.dtype)
        self._window[:, 0] = nan  # until the first value arrives
        self._telemetry = np.zeros(forecaster.sequence_length, dtype=forecaster.dtype)  # as it arrived, with NaN
        self._forecast = np.empty(0, dtype=forecaster.dtype)
        self._arrived = 0
        self._begun = 0  # number of the first sample of the stretch
        self._newest_value: Moment | None = None

    def push(self, sample: npt.ArrayLike, moment: Moment | None = None) -> Decision:
        """Take the next sample.

        Parameters
        ----------
        sample : array_like, shape (n_inputs,)
            Telemetry, NaN where it is missing, then the commands.
        moment : int or pandas.Timestamp, optional
            Its time, or its number where the source has no times; without it no gap is seen.

        Returns
        -------
        Decision

        Raises
        ------
        ForecasterError
            Another number of inputs, a command that is NaN, or an infinite value; the stream stays as it was.
        """
        values = np.asarray(sample, dtype=self.forecaster.dtype)
        if values.shape != self._window.shape[1:]:
            raise ForecasterError(
                f"Sample {self._arrived} has shape {values.shape}.",
                f"Expected {self._window.shape[1:]}: telemetry, then the commands.",
            )
        check_finite(values[None], f"The sample that follows {self._arrived} others", missing_telemetry=True)
        telemetry = float(values[0])
        if moment is not None and not np.isnan(telemetry):
            if self._newest_value is not None and self._is_break(self._newest_value, moment):
                self._begin_anew()
            self._newest_value = moment
        unusable = bool(unusable_windows(np.append(self._telemetry, values[0]), len(self._telemetry))[0])
        number = self._arrived
        self._take(values)
        expected = self._forecast
        self._history.arrive(telemetry)
        if self._arrived - self._begun >= len(self._window) and not np.isnan(self._window).any():
            self._forecast = self.forecaster.predict_window(self._window)
        exceeded = () if self._envelope is None else self._envelope.update(telemetry).exceeded
        if number - self._begun < len(self._window):
            return Decision(number, anomalous=bool(exceeded), forecast=self._forecast, exceeded=exceeded)
        prediction = float(expected[0]) if expected.size else nan
        error = nan if unusable else abs(prediction - telemetry)
        smoothed, epsilon, reached = self._history.judge(error, telemetry)
        anomalous = reached or bool(exceeded)
        return Decision(number, prediction, error, smoothed, epsilon, anomalous, self._forecast, exceeded)

    def _is_break(self, before: Moment, moment: Moment) -> bool:
        clock = "time" if isinstance(moment, pd.Timestamp) else "sample"
        last, now = (one.as_unit("ns").value if isinstance(one, pd.Timestamp) else one for one in (before, moment))
        return is_break(last, now, clock, self.params.max_gap_seconds)

    def _begin_anew(self) -> None:
        """Forget what came before a break, but for the ranges and records that the telemetry has had."""
        self._begun = self._arrived
        self._window[:] = 0
        self._window[:, 0] = nan
        self._telemetry[:] = 0
        self._forecast = self._forecast[:0]
        self._history.begin_anew()
        if self._envelope is not None:
            self._envelope.begin_anew()

    def _take(self, values: npt.NDArray[np.float32]) -> None:
        """Take a sample into the window; the last value before stands for a missing one, at first the first one."""
        self._telemetry = np.append(self._telemetry[1:], values[0])
        self._window[:-1] = self._window[1:]
        self._window[-1] = values
        self._window[:, 0] = held(self._window[:, 0])
        self._arrived += 1


class _History:
    """The error window that ends with the newest sample, and the moving average that feeds it."""

    def __init__(self, params: TelemanomParams, train: xr.Dataset | None, dtype: npt.DTypeLike) -> None:
        self._params = params
        self._dtype = dtype
        learned = 0.0 if train is None else value_range(train["telemetry"].values)
        if learned > 0:
            self._params = params.in_units(learned)
        self._constant = train is not None and learned == 0
        self._size = max(params.batch_size * params.window_size, 2 * params.sequence_length)
        self._smoothed = np.empty(0)
        self._telemetry = np.empty(0)
        self._keep = 1 - 2 / (params.smoothing_span + 1)
        self._average = 0.0
        self._weight = 0.0
        self._count = 0
        self._least = inf
        self._greatest = -inf

    def begin_anew(self) -> None:
        """Forget the errors; the range of what has arrived stays."""
        self._smoothed, self._telemetry = np.empty(0), np.empty(0)
        self._average = self._weight = 0.0
        self._count = 0

    def arrive(self, telemetry: float) -> None:
        """Take the newest sample into the range of what has arrived."""
        self._least = min(self._least, telemetry)  # a comparison with NaN is False, and keeps what is there
        self._greatest = max(self._greatest, telemetry)

    def judge(self, error: float, telemetry: float) -> tuple[float, float, bool]:
        """Take the newest error, and return its smoothed value, epsilon, and whether it is anomalous."""
        judged = not np.isnan(error)
        if judged:  # the recursion of pandas' ewm(adjust=True); it stands still at a sample that is not judged
            self._weight *= self._keep
            self._average = (self._weight * self._average + error) / (self._weight + 1)
            self._weight += 1
        self._count += 1
        smoothed = self._average if judged else nan
        self._smoothed = np.append(self._smoothed, smoothed)[-self._size :]
        self._telemetry = np.append(self._telemetry, telemetry)[-self._size :]
        quiet = self._params.sequence_length
        if self._count < 2 * quiet:
            return smoothed, nan, False
        if self._count == 2 * quiet:  # the quiet start, as in `smooth`
            start = self._smoothed[:quiet]
            start[~np.isnan(start)] = quiet_level(self._smoothed)
        if not judged:
            return nan, nan, False
        length = self._params.batch_size * self._params.window_size
        errors = self._smoothed[-length:]
        moments = Moments.of(errors)
        epsilon = find_epsilon(errors, moments, self._params)
        return smoothed, epsilon, self._is_anomalous(errors, moments, epsilon, self._telemetry[-length:])

    def _is_anomalous(
        self,
        errors: npt.NDArray[np.float64],
        moments: Moments,
        epsilon: float,
        telemetry: npt.NDArray[np.float64],
    ) -> bool:
        newest = errors[-1:]
        if moments.sd == 0 or newest[0] < epsilon:
            return False
        spread = Spread.of(telemetry)
        arrived = self._greatest - self._least
        if self._constant:
            arrived = resolution(self._least, self._greatest, self._dtype)
        params = self._params.in_units(arrived)
        if not scale_matters(errors, moments, spread, params.least_error):
            return False
        return bool(judge(newest, epsilon, spread, 0, np.zeros(1, dtype=bool), self._params).size)
