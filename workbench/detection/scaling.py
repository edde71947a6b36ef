"""Scaling of a channel's inputs to the range that a forecaster works in."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from workbench.telemetry.schema import inputs

__all__ = ["Scaling"]

_SCALED_SOURCES = ("NASA SMAP/MSL",)


@dataclass(frozen=True)
class Scaling:
    """Offset and scale of each input, from the training series.

    Attributes
    ----------
    offset, scale : tuple of float, length 1 + k
        An input is worked with as (input - offset) / scale.

    Notes
    -----
    The rule: int8 (one-hot) commands are kept as they are. So is telemetry of a source that has scaled it already,
    which is NASA's (to -1 to 1 over both splits; its largest training value is 4.2). Everything else is brought to -1
    to 1 by its least and greatest training value, so that its units do not matter; a constant is only shifted to 0.
    """

    offset: tuple[float, ...]
    scale: tuple[float, ...]

    @classmethod
    def of(cls, train: xr.Dataset) -> "Scaling":
        """Choose the scaling for a training series.

        Parameters
        ----------
        train : xarray.Dataset
            Training split of a channel that holds a value; NaN where telemetry is missing.

        Returns
        -------
        Scaling
        """
        values = inputs(train).astype(np.float64)
        low, high = np.fmin.reduce(values), np.fmax.reduce(values)  # of the values that are there
        offset, scale = (high + low) / 2, (high - low) / 2
        scale[scale == 0] = 1.0
        unscaled = np.full(offset.size, train["commands"].dtype == np.int8)
        unscaled[0] = train.attrs.get("source", "") in _SCALED_SOURCES
        return cls(tuple(np.where(unscaled, 0.0, offset).tolist()), tuple(np.where(unscaled, 1.0, scale).tolist()))

    def apply(self, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Scale inputs to the range of the network.

        Parameters
        ----------
        values : numpy.ndarray, shape (..., 1 + k), float32 or float64
            Inputs as they are in the channel.

        Returns
        -------
        numpy.ndarray, same shape
            float32; inputs that are kept as they are keep their dtype.
        """
        if not any(self.offset) and all(scale == 1 for scale in self.scale):
            return values
        scaled: npt.NDArray[np.float64] = (values - np.asarray(self.offset)) / np.asarray(self.scale)
        return scaled.astype(np.float32)

    def restore(self, telemetry: npt.NDArray[Any], dtype: npt.DTypeLike = np.float32) -> npt.NDArray[Any]:
        """Bring predictions back to the units of the telemetry.

        Parameters
        ----------
        telemetry : numpy.ndarray, any shape
            Scaled telemetry.
        dtype : dtype
            That of the channel's telemetry.

        Returns
        -------
        numpy.ndarray, same shape, `dtype`
        """
        restored: npt.NDArray[np.float64] = np.asarray(telemetry, dtype=np.float64) * self.scale[0] + self.offset[0]
        return restored.astype(dtype)
