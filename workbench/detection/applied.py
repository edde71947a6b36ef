"""A preset's parameters as they hold for one channel: the windows of its models, the least error in its units.

A preset names no channel and no model, so it cannot know how long the windows are that a model was trained with, nor
how far the telemetry ranges. What it says of windows is the default for training.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import xarray as xr

from workbench.parameters import TelemanomParams

if TYPE_CHECKING:
    from workbench.detection.forecasters import Forecaster

__all__ = ["common_windows", "least_error_range", "params_of", "resolution", "score_attributes"]

Params = TypeVar("Params", bound=TelemanomParams)

_WINDOWS = ("sequence_length", "prediction_horizon")
_RANGE = "least_error_range"
_ROUNDING = 2.0**-16


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
    least, greatest = _bounds(test)
    if train is None:
        return greatest - least
    low, high = _bounds(train)
    return high - low if high > low else resolution(least, greatest)


def resolution(least: float, greatest: float) -> float:
    """Return what stands for the range of telemetry that was constant in training.

    Any change of it is large, so that only errors of the size of rounding must be kept from alarming: 5 % of this
    range are six steps of float32 at the largest magnitude.

    Parameters
    ----------
    least, greatest : float
        Range of the telemetry that is judged, in its units.

    Returns
    -------
    float
        0 where that is constant too, so that nothing can be anomalous.
    """
    return _ROUNDING * max(abs(least), abs(greatest)) if greatest > least else 0.0


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
    windows = {name: int(attributes[name]) for name in _WINDOWS if name in attributes}
    fitted = params.model_copy(update=windows)
    return fitted.in_units(float(attributes[_RANGE])) if _RANGE in attributes else fitted


def _bounds(split: xr.Dataset) -> tuple[float, float]:
    """Return the least and the greatest finite value of the telemetry; 0 and 0 where there is none."""
    values = split["telemetry"].values
    finite = values[np.isfinite(values)]
    return (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)
