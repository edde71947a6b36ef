"""One trained LSTM as one safetensors file, as models are shipped.

The weights are float16 or float32, named as `LSTMForecaster.to_weights` names them. The only metadata key,
`workbench`, holds JSON: channel, parameters, number of inputs, metrics and scaling. The same model gives the same
bytes. Reading such a file runs no code, and what it holds is checked before it is used.
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, ValidationError, model_validator

from workbench.exceptions import ArtifactError, WorkbenchError

if TYPE_CHECKING:
    from workbench.detection.lstm.forecaster import LSTMForecaster

__all__ = ["MOST_BYTES", "RESTORE", "DType", "from_file", "to_bytes"]

DType = Literal["float16", "float32"]

MOST_BYTES = 64 * 2**20
"""Larger files are not opened; a shipped model has about 0.2 MB."""

_KEY = "workbench"
_MAX_WINDOW_SAMPLES = 100_000  # in a window
_STORED = {"F16": "float16", "F32": "float32"}
RESTORE = "Restore the file from the product, or train the model again."
"""Hint for a damaged file."""


class _Scaling(BaseModel):
    model_config = ConfigDict(extra="forbid")

    offset: tuple[FiniteFloat, ...]
    scale: tuple[FiniteFloat, ...]


class _Description(BaseModel):
    model_config = ConfigDict(extra="forbid")

    format_version: Literal[1]
    channel: str
    forecaster: Literal["lstm"]
    parameters: dict[str, int | float | str | list[int]]
    n_inputs: Annotated[int, Field(ge=1)]
    metrics: dict[str, FiniteFloat]
    scaling: _Scaling

    @model_validator(mode="after")
    def _fits(self) -> Self:
        lengths = (len(self.scaling.offset), len(self.scaling.scale))
        if lengths != (self.n_inputs, self.n_inputs) or 0 in self.scaling.scale:
            raise ValueError(f"scaling needs {self.n_inputs} offsets and as many scales other than 0")
        length = self.parameters.get("sequence_length", 1)
        if not isinstance(length, int) or length > _MAX_WINDOW_SAMPLES:
            raise ValueError(f"sequence_length is {length}, expected a whole number up to {_MAX_WINDOW_SAMPLES}")
        return self


def to_bytes(forecaster: "LSTMForecaster", channel: str, dtype: DType) -> bytes:
    """Write a fitted LSTM as a safetensors file.

    Parameters
    ----------
    forecaster : LSTMForecaster
        Fitted to the channel.
    channel : str
        Name of the channel.
    dtype : {"float16", "float32"}
        How the weights are stored.

    Returns
    -------
    bytes
        Content of the file.

    Raises
    ------
    ArtifactError
        A weight or metric is not finite, or a weight is too large for float16.
    ForecasterError
        The forecaster is not fitted.
    """
    from safetensors.numpy import save

    with TemporaryDirectory() as folder:
        forecaster.save(Path(folder))
        described = json.loads((Path(folder) / "forecaster.json").read_text(encoding="utf-8"))
    described.pop("history")  # of the training, not of the model
    with np.errstate(over="ignore"):
        weights = {name: array.astype(dtype, order="C") for name, array in forecaster.to_weights().items()}
    _check_finite(weights, f"The {dtype} model of {channel}")
    try:
        text = json.dumps({"format_version": 1, "channel": channel, **described}, sort_keys=True, allow_nan=False)
    except ValueError:
        raise ArtifactError(
            f"The model of {channel} has a metric that is not finite: {forecaster.metrics}.", "Train it again."
        ) from None
    content: bytes = save(weights, {_KEY: text})  # with several metadata keys their order would be random
    return content


def from_file(path: Path, channel: str) -> "LSTMForecaster":
    """Read a trained LSTM.

    Parameters
    ----------
    path : Path
        A file with the content that `to_bytes` gives.
    channel : str
        Name of the channel that it must be for.

    Returns
    -------
    LSTMForecaster
        Ready to predict, with the parameters and metrics of the training.

    Raises
    ------
    ArtifactError
        The file is missing, too large, damaged or foreign, is for another channel, or holds weights that are not
        finite or do not fit its description; the message names it.
    """
    from workbench.detection.lstm.forecaster import LSTMForecaster
    from workbench.detection.scaling import Scaling

    description, weights = _read(path)
    if description.channel != channel:
        raise ArtifactError(f"{path} is the model of {description.channel}, not of {channel}.", RESTORE)
    parameters: dict[str, Any] = dict(description.parameters)
    try:
        described = LSTMForecaster(**parameters)
        scaling = Scaling(**description.scaling.model_dump())
        forecaster = LSTMForecaster.from_weights(weights, sequence_length=described.sequence_length, scaling=scaling)
    except WorkbenchError as error:
        raise ArtifactError(f"{path} holds no LSTM that fits its description: {error}", RESTORE) from None
    except (TypeError, ValueError, OverflowError) as error:
        raise ArtifactError(f"{path} describes no LSTM: {error}.", RESTORE) from None
    shape = (forecaster.n_inputs, list(forecaster.units), forecaster.prediction_horizon)
    expected = (description.n_inputs, list(described.units), described.prediction_horizon)
    if shape != expected:
        raise ArtifactError(
            "{} takes {} inputs, has layers of {} units and predicts {} samples.".format(path, *shape),
            "Its description says {}, {} and {}.".format(*expected),
        )
    for name in described.parameters:
        setattr(forecaster, name, getattr(described, name))
    forecaster.metrics = dict(description.metrics)
    return forecaster


def _read(path: Path) -> tuple[_Description, dict[str, npt.NDArray[np.float32]]]:
    from safetensors import SafetensorError, safe_open

    try:
        size = os.stat(path).st_size
        if size > MOST_BYTES:
            raise ArtifactError(f"{path} has {size:,} bytes; at most {MOST_BYTES:,} are read.", RESTORE)
        with safe_open(path, framework="numpy") as file:
            description = _Description.model_validate_json((file.metadata() or {}).get(_KEY, ""))
            names = list(file.keys())
            stored = {str(file.get_slice(name).get_dtype()) for name in names}
            if not stored <= _STORED.keys():
                raise ArtifactError(f"{path} holds {', '.join(sorted(stored))}; allowed: {', '.join(_STORED)}.")
            weights = {name: file.get_tensor(name).astype(np.float32) for name in names}
    except OSError as error:
        raise ArtifactError(f"{path} cannot be read: {error.strerror or error}.", RESTORE) from None
    except SafetensorError as error:
        raise ArtifactError(f"{path} is not a safetensors file: {error}.", RESTORE) from None
    except ValidationError as error:
        what = "; ".join(f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors()[:3])
        raise ArtifactError(f"{path} is not a model of the workbench: {what}.", RESTORE) from None
    _check_finite(weights, str(path))
    return description, weights


def _check_finite(weights: Mapping[str, npt.NDArray[np.floating[Any]]], what: str) -> None:
    names = sorted(name for name, array in weights.items() if not np.isfinite(array).all())
    if names:
        raise ArtifactError(f"{what} has weights that are not finite: {', '.join(names)}.", RESTORE)
