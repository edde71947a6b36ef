"""Plain values that every layer may use: parameters of detection, presets, severity levels and drift limits.

This module imports nothing of the workbench, so that a command which only needs a value loads nothing else.
"""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

__all__ = ["ASSET_METHOD", "LEVELS", "DriftLimits", "Preset", "SeverityLevels", "TelemanomParams"]


LEVELS = ("info", "low", "medium", "high", "critical")
"""Severity levels in rising order (design, Look)."""
ASSET_METHOD = 2
"""Version of the method that judges whole assets; raised when the same telemetry gives another model or score."""


class TelemanomParams(BaseModel):
    """Parameters of the nonparametric dynamic threshold.

    The defaults are those of Telemanom 2.0's `config.yaml` [1]_; names are ours, Telemanom's in brackets.

    Attributes
    ----------
    sequence_length : int
        Inputs of one window [`l_s`], samples. As `prediction_horizon`, what models are trained with at most where
        nothing else is said, see `workbench.models.window_rule`; where a model scores, its own windows hold.
    prediction_horizon : int
        Targets of one window [`n_predictions`], samples; step 0 makes the error.
    batch_size : int
        Errors by which the error window moves, samples.
    window_size : int
        Batches in one error window.
    smoothing_fraction : float
        EWMA span as a fraction of the error window [`smoothing_perc`].
    error_buffer : int
        Samples added on each side of an anomalous error.
    min_decrease : float
        Least relative step between the maxima of two sequences that keeps the higher one [`p`].
    z_min, z_max, z_step : float
        Candidate thresholds: mean + z sd for z in `arange(z_min, z_max, z_step)`; `z_max` itself is
        used where no candidate is accepted.
    least_error : float
        Largest smoothed error of an error window up to which nothing in it is anomalous, in what `least_error_of` says
        [0.05 in the code, not in the paper].
    least_error_of : {"units", "range"}
        Whether `least_error` is in the units of the telemetry, as in Telemanom, whose channels are all scaled to -1 to
        1; or a share of the range of the training telemetry, so that units do not matter. Where that is constant, any
        error above rounding is large; where the telemetry that is judged is constant too, nothing is anomalous.
    lag_correction : bool
        Whether a sequence begins and ends with the prediction error that reached epsilon, instead of with the
        smoothed error, which lags behind by half its span, and the buffer around it. Not in Telemanom.
    envelope : {"none", "fixed", "excess"}
        Margins of the envelope whose events join the sequences of the threshold, see `workbench.detection.envelope`:
        "fixed" for twice what the training telemetry did, "excess" by the tail of what it did. Not in Telemanom.
    envelope_width : float
        Width of these margins, in times of what they are by definition.
    max_gap_seconds : float or None
        Most time between two values of one stretch of a series; a sample counts as a second where a series has no
        times. After a longer gap the series begins anew: no window, moving average, error window or record of
        movement reaches across it, and nothing is judged until they are full again. None: samples on both sides of
        any gap stand next to each other. Not in Telemanom.

    References
    ----------
    .. [1] Hundman et al., "Detecting Spacecraft Anomalies Using LSTMs and Nonparametric Dynamic
       Thresholding", KDD 2018, arXiv:1802.04431, section 3.2 and 3.3.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    sequence_length: int = Field(250, ge=1, le=1_000_000)
    prediction_horizon: int = Field(10, ge=1, le=1_000_000)
    batch_size: int = Field(70, ge=1, le=1_000_000)
    window_size: int = Field(30, ge=1, le=1_000_000)
    smoothing_fraction: float = Field(0.05, gt=0, le=1)
    error_buffer: int = Field(100, ge=1, le=1_000_000_000)
    min_decrease: float = Field(0.13, ge=0, lt=1)
    z_min: float = Field(2.5, gt=0, le=1_000)
    z_max: float = Field(12.0, gt=0, le=1_000)
    z_step: float = Field(0.5, ge=0.001, le=1_000)
    least_error: float = Field(0.05, ge=0, allow_inf_nan=False)
    least_error_of: Literal["units", "range"] = "units"
    lag_correction: bool = False
    envelope: Literal["none", "fixed", "excess"] = "none"
    envelope_width: float = Field(1.0, gt=0, le=1_000)
    max_gap_seconds: float | None = Field(None, gt=0, allow_inf_nan=False)

    @model_validator(mode="after")
    def _check(self) -> "TelemanomParams":
        if self.z_max <= self.z_min:
            raise ValueError(f"z_max ({self.z_max}) must be above z_min ({self.z_min})")
        if self.smoothing_span < 1:
            raise ValueError("smoothing_fraction x batch_size x window_size must give a span of at least 1 sample")
        return self

    @property
    def smoothing_span(self) -> int:
        """Span of the EWMA in samples."""
        return int(self.batch_size * self.window_size * self.smoothing_fraction)

    @property
    def windows(self) -> dict[str, int]:
        """Windows by name, as forecasters take them."""
        return {"sequence_length": self.sequence_length, "prediction_horizon": self.prediction_horizon}

    def in_units(self, telemetry_range: float) -> Self:
        """Return the parameters with `least_error` in the units of the telemetry.

        Parameters
        ----------
        telemetry_range : float
            Greatest minus least value of the training telemetry.

        Returns
        -------
        TelemanomParams
            These themselves where `least_error` is in units already; infinity is no error's size, so that nothing is
            anomalous where the range is 0.

        Examples
        --------
        >>> TelemanomParams(least_error_of="range").in_units(200.0).least_error
        10.0
        """
        if self.least_error_of == "units":
            return self
        least = self.least_error * telemetry_range if telemetry_range > 0 else float("inf")
        return self.model_copy(update={"least_error": least, "least_error_of": "units"})


class Preset(TelemanomParams):
    """Named detection settings: the parameters of the threshold, and what predicts.

    Attributes
    ----------
    forecasters : dict of str to float
        Forecasters whose champions predict together, and the weight of each one's prediction in their mean; those
        that a channel has no champion of are left out. Empty: the channel's champion alone.
    """

    forecasters: dict[str, Annotated[float, Field(gt=0, allow_inf_nan=False)]] = {}


class SeverityLevels(BaseModel):
    """Least severity score of each level above `info`.

    The score of an anomaly says how far its smoothed error lies from epsilon, in units of the error window's mean
    plus standard deviation; where the envelope found it, how far its feature lies from what was seen before, see
    `workbench.detection.envelope.EnvelopeEvent.severity`. The defaults double from step to step; among the anomalies
    that ridge finds on NASA's channels they set apart about a tenth below `low`, half below `high`, and a tenth as
    `critical`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    low: float = Field(2.0, ge=0, allow_inf_nan=False)
    medium: float = Field(4.0, ge=0, allow_inf_nan=False)
    high: float = Field(8.0, ge=0, allow_inf_nan=False)
    critical: float = Field(16.0, ge=0, allow_inf_nan=False)

    @model_validator(mode="after")
    def _check(self) -> "SeverityLevels":
        if not self.low <= self.medium <= self.high <= self.critical:
            raise ValueError("levels must rise: low <= medium <= high <= critical")
        return self

    def level(self, severity: float) -> str:
        """Name the level of a severity score.

        Examples
        --------
        >>> SeverityLevels().level(9.5)
        'high'
        """
        for name in ("critical", "high", "medium", "low"):
            if severity >= getattr(self, name):
                return name
        return "info"


class DriftLimits(BaseModel):
    """Above which training a model again is proposed.

    With ridge on NASA's channels the defaults propose it for 18 of 82: 9 lie above the distance, 16 above the ratio,
    where three quarters have a ratio below 2.2.

    Attributes
    ----------
    ks : float
        Kolmogorov-Smirnov distance between training and test telemetry, 0 to 1.
    error_ratio : float
        Typical prediction error on the test series in multiples of the validation error.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    ks: float = Field(0.7, ge=0, le=1)
    error_ratio: float = Field(3.0, gt=0, allow_inf_nan=False)
