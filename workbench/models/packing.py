"""Packing of trained LSTMs into a folder of shipped models, one file a channel, channel by channel."""

import hashlib
import math
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr
from tqdm import tqdm

from workbench.exceptions import ArtifactError, WorkbenchError
from workbench.files import replacing
from workbench.models.names import model_name
from workbench.models.registry import Registry
from workbench.models.shipped import MANIFEST, Manifest, ShippedModel, file_name, read_manifest
from workbench.models.weights_file import DType, from_file, to_bytes
from workbench.parameters import TelemanomParams
from workbench.version import __version__

if TYPE_CHECKING:
    from workbench.detection.lstm.forecaster import LSTMForecaster
    from workbench.telemetry.archive import Archive

__all__ = ["pack", "pack_model"]


def pack(
    archive: "Archive",
    registry: Registry,
    folder: Path,
    channels: Iterable[str] | None = None,
    *,
    version: int | str = "champion",
    params: TelemanomParams | None = None,
    progress: bool = False,
) -> pd.DataFrame:
    """Write registered LSTMs as shipped models; what is packed already is left alone.

    Parameters
    ----------
    archive : Archive
        Whose test series decide between float16 and float32.
    registry : Registry
        Where the models are.
    folder : Path
        Made where it is missing; its other models stay.
    channels : iterable of str, optional
        All that have an LSTM where omitted.
    version : int or str
        Version or alias of each channel's LSTM.
    params : TelemanomParams, optional
        Parameters of the detection that float16 must not change; the paper's where omitted.
    progress : bool
        Show a bar.

    Returns
    -------
    pandas.DataFrame
        One row a channel: `channel`, `status` (packed, current or failed), `model`, `dtype`, `bytes`, `reason`.

    Raises
    ------
    ArtifactError
        The folder's manifest is damaged.
    ModelError
        The registry cannot be read.
    """
    read_manifest(folder)  # damage there is told before any work
    if channels is None:
        channels = [info.channel for info in registry.list(forecaster="lstm")]
    rows: list[tuple[str, str, str, str, int, str]] = []
    for channel in tqdm(list(dict.fromkeys(channels)), desc="pack", unit="model", disable=not progress):
        try:
            info = registry.get(model_name(channel, "lstm"), version)
            model: Any = registry.load(info)
            status, entry = pack_model(
                folder,
                channel,
                model,
                archive.open(channel, "test"),
                train_hash=info.train_hash,
                seed=int(info.parameters["seed"]),
                seconds=info.metrics.get("training_seconds", math.nan),
                params=params,
            )
            rows.append((channel, status, info.id, entry.dtype, entry.bytes, ""))
        except WorkbenchError as error:
            rows.append((channel, "failed", "", "", 0, str(error)))
    return pd.DataFrame(rows, columns=["channel", "status", "model", "dtype", "bytes", "reason"])


def pack_model(
    folder: Path,
    channel: str,
    forecaster: "LSTMForecaster",
    test: xr.Dataset,
    *,
    train_hash: str,
    seed: int,
    seconds: float,
    params: TelemanomParams | None = None,
    prediction: npt.NDArray[np.float32] | None = None,
) -> tuple[str, ShippedModel]:
    """Write one trained LSTM as a shipped model, unless the folder holds just that.

    The weights are stored as float16 where detection then finds the same anomaly sequences in the test series
    (the same starts and ends), else as float32.

    Parameters
    ----------
    folder : Path
        Made where it is missing; its other models stay.
    channel : str
        Name of the channel.
    forecaster : LSTMForecaster
        Fitted to the channel.
    test : xarray.Dataset
        Test split of the channel.
    train_hash : str
        SHA-256 of the training series.
    seed : int
        Seed of the training.
    seconds : float
        Its duration.
    params : TelemanomParams, optional
        Parameters of the detection; the paper's where omitted. Its windows are those of the forecaster.
    prediction : numpy.ndarray, optional
        What the forecaster predicts for `test`, where that is known.

    Returns
    -------
    status : str
        `packed`, or `current` where the folder held it.
    entry : ShippedModel
        What the manifest says of it.

    Raises
    ------
    ArtifactError
        A weight is not finite, the folder cannot be written, or its manifest is damaged.
    ForecasterError, DetectionError
        The test series does not fit the model.
    """
    from workbench.detection.lstm.forecaster import TRAINERS

    manifest = read_manifest(folder)
    path = folder / file_name(channel)
    present = manifest.models.get(channel)
    if present is not None and path.exists() and present.train_hash == train_hash:
        content = to_bytes(forecaster, channel, present.dtype)
        if present.sha256 == hashlib.sha256(content).hexdigest() and path.read_bytes() == content:
            return "current", present
    dtype, content = _smallest(forecaster, channel, test, params or TelemanomParams(), prediction)
    metrics = {**forecaster.metrics, "training_seconds": seconds}
    entry = ShippedModel(
        train_hash=train_hash,
        seed=seed,
        metrics={key: value for key, value in metrics.items() if math.isfinite(value)},
        dtype=dtype,
        bytes=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        versions={
            "workbench": __version__,
            "numpy": np.__version__,
            "trainer": TRAINERS[forecaster.trainer].version,
        },
    )
    models = dict(sorted({**manifest.models, channel: entry}.items()))
    _replace(path, content)
    _replace(folder / MANIFEST, Manifest(models=models).model_dump_json(indent=1).encode() + b"\n")
    return "packed", entry


def _smallest(
    forecaster: "LSTMForecaster",
    channel: str,
    test: xr.Dataset,
    params: TelemanomParams,
    prediction: npt.NDArray[np.float32] | None,
) -> tuple[DType, bytes]:
    """Return the model as float16 where that leaves the anomaly sequences as they are, else as float32."""
    from workbench.detection.anomalies import detect

    whole = to_bytes(forecaster, channel, "float32")
    with TemporaryDirectory() as folder:
        path = Path(folder) / file_name(channel)
        try:
            half = to_bytes(forecaster, channel, "float16")
        except ArtifactError:  # a weight is too large
            return "float32", whole
        path.write_bytes(half)
        rounded = from_file(path, channel).predict(test)
    if prediction is None:
        prediction = forecaster.predict(test)
    windows = {name: getattr(forecaster, name) for name in ("sequence_length", "prediction_horizon")}
    params = params.model_copy(update=windows)
    telemetry = test["telemetry"].values
    before, after = (
        detect(telemetry, predicted, params).anomalies[["start", "end"]].to_numpy()
        for predicted in (prediction, rounded)
    )
    return ("float16", half) if np.array_equal(before, after) else ("float32", whole)


def _replace(path: Path, content: bytes) -> None:
    """Write a file beside its folder, then put it into its place."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path, folder=path.parent.parent) as temporary:
            temporary.write_bytes(content)
    except OSError as error:
        raise ArtifactError(
            f"{path} cannot be written: {error.strerror or error}.", "Check the disk's space and the permissions."
        ) from error
