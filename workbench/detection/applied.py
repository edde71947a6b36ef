"""A preset's parameters as they hold for one channel: the windows of its models, the least error in its units.

A preset names no channel and no model, so it cannot know how long the windows are that a model was trained with, nor
how far the telemetry ranges. What it says of windows is the default for training.
"""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt
import xarray as xr

from workbench.detection.envelope.features import UNCHANGED_SHARE
from workbench.parameters import TelemanomParams

if TYPE_CHECKING:
    from workbench.detection.forecasters import Forecaster

__all__ = [
    "NO_BOUNDS",
    "Bounds",
    "bounds_of",
    "common_windows",
    "least_error_range",
    "params_of",
    "range_of_least_error",
    "resolution",
    "score_attributes",
    "unchanged_step",
    "windows_of",
]

Params = TypeVar("Params", bound=TelemanomParams)

_WINDOWS = ("sequence_length", "prediction_horizon")
_RANGE = "least_error_range"
_STEPS = 2.0**7  # with that of float32, 2 ** -23, it is 2 ** -16
_SPAN = 1_048_576  # samples read at a time


class Bounds(NamedTuple):
    """Least and greatest finite value of telemetry; None where there is none.

    Attributes
    ----------
    least, greatest : float or None
        In the units of the telemetry.
    """

    least: float | None = None
    greatest: float | None = None

    def joined(self, other: "Bounds") -> "Bounds":
        """Return the bounds of both.

        Examples
        --------
        >>> Bounds(1.0, 3.0).joined(Bounds()), Bounds(1.0, 3.0).joined(Bounds(2.0, 4.0))
        (Bounds(least=1.0, greatest=3.0), Bounds(least=1.0, greatest=4.0))
        """
        if self.least is None or self.greatest is None:
            return other
        if other.least is None or other.greatest is None:
            return self
        return Bounds(min(self.least, other.least), max(self.greatest, other.greatest))

    @property
    def size(self) -> float:
        """Greatest minus least value; 0 where there is none."""
        return 0.0 if self.least is None or self.greatest is None else self.greatest - self.least


NO_BOUNDS = Bounds()
"""Bounds of no telemetry."""


def common_windows(forecasters: "Iterable[Forecaster]") -> dict[str, int]:
    """Return the windows of forecasters that predict together.

    Parameters
    ----------
    forecasters : iterable of Forecaster
        At least one.

    Returns
    -------
    dict of str to int
        The longest `sequence_length` and `prediction_horizon`: the samples that all of them predict are those that one
        with these windows would.
    """
    members = list(forecasters)
    return {name: max(getattr(forecaster, name) for forecaster in members) for name in _WINDOWS}


def least_error_range(train: xr.Dataset | None, test: xr.Dataset) -> float:
    """Return the range by which the least error of a channel is measured.

    Parameters
    ----------
    train : xarray.Dataset or None
        Training split.
    test : xarray.Dataset
        Test split.

    Returns
    -------
    float
        Greatest minus least finite value of the training telemetry, in its units; of the test telemetry where there is
        no training split. Where the training telemetry is constant, `resolution` of the test telemetry.
    """
    train_bounds = None if train is None else bounds_of(train)
    return range_of_least_error(train_bounds, bounds_of(test), test["telemetry"].dtype)


def range_of_least_error(train: Bounds | None, test: Bounds, dtype: npt.DTypeLike) -> float:
    """Return what `least_error_range` does, from the bounds of both splits and the dtype of the telemetry."""
    if train is None:
        return test.size
    return train.size if train.size > 0 else resolution(test.least or 0.0, test.greatest or 0.0, dtype)


def resolution(least: float, greatest: float, dtype: npt.DTypeLike) -> float:
    """Return what stands for the range of telemetry that was constant in training.

    Any change of it is large, so that only errors of the size of rounding must be kept from alarming: 5 % of this
    range are six steps of its dtype at the largest magnitude.

    Parameters
    ----------
    least, greatest : float
        Range of the telemetry that is judged, in its units.
    dtype : dtype
        Of the telemetry: float32 or float64.

    Returns
    -------
    float
        0 where that is constant too, so that nothing can be anomalous.
    """
    steps = _STEPS * float(np.finfo(np.dtype(dtype).type).eps)
    return steps * max(abs(least), abs(greatest)) if greatest > least else 0.0


def score_attributes(params: TelemanomParams, least_error_range: float) -> dict[str, Any]:
    """Return what a score keeps of the parameters that held for it, so that `params_of` can give them back.

    Parameters
    ----------
    params : TelemanomParams
        With the windows of the models.
    least_error_range : float
        From the function of that name.

    Returns
    -------
    dict
    """
    return {**{name: getattr(params, name) for name in _WINDOWS}, _RANGE: least_error_range}


def params_of(scored: xr.Dataset, params: Params) -> Params:
    """Return parameters as they hold for a score's predictions.

    Parameters
    ----------
    scored : xarray.Dataset
        A score.
    params : TelemanomParams
        Parameters of the preset that made it, or others that are tried on it.

    Returns
    -------
    TelemanomParams
        With the windows of the score and a least error in the units of its telemetry; as they were given where the
        score does not hold these, as one of an earlier version.
    """
    attributes = scored.attrs
    fitted = params.model_copy(update=windows_of(attributes))
    return fitted.in_units(float(attributes[_RANGE])) if _RANGE in attributes else fitted


def windows_of(attributes: Mapping[str, Any]) -> dict[str, int]:
    """Return the windows that a score was made with, as far as it tells."""
    return {name: int(attributes[name]) for name in _WINDOWS if name in attributes}


def unchanged_step(attributes: Mapping[str, Any]) -> float:
    """Return the largest step of a channel's telemetry that the envelope takes for no change, from its score."""
    return UNCHANGED_SHARE * float(attributes.get(_RANGE, 0.0))


def bounds_of(split: xr.Dataset, start: int = 0) -> Bounds:
    """Return the bounds of the telemetry from a sample on, read span by span.

    Parameters
    ----------
    split : xarray.Dataset
        One split of a channel.
    start : int
        First sample.

    Returns
    -------
    Bounds
    """
    telemetry, bounds = split["telemetry"].variable, Bounds()
    for first in range(start, split.sizes["time"], _SPAN):
        values = telemetry[first : first + _SPAN].values
        finite = values[np.isfinite(values)]
        if finite.size:
            bounds = bounds.joined(Bounds(float(finite.min()) + 0.0, float(finite.max()) + 0.0))
    return bounds
