"""The trained LSTMs that come with the product: listed, checked, and installed into a registry.

A folder of shipped models holds one file a channel, `<channel>.lstm.safetensors`, and `manifest.json`, which says what
each was trained on and how, and its size and SHA-256. `workbench.models.packing` writes such folders.
"""

import hashlib
import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import pandas as pd
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, FiniteFloat, ValidationError
from tqdm import tqdm

from workbench.exceptions import ArtifactError, WorkbenchError
from workbench.models.listing import ModelInfo, natural_key
from workbench.models.registry import Registry
from workbench.models.weights_file import MOST_BYTES, RESTORE, DType, from_file
from workbench.names import is_name, path_name
from workbench.paths import product_path

if TYPE_CHECKING:
    from workbench.detection.lstm.forecaster import LSTMForecaster
    from workbench.telemetry.archive import Archive

__all__ = [
    "MANIFEST",
    "Manifest",
    "ShippedModel",
    "file_name",
    "install_shipped",
    "load_shipped",
    "read_manifest",
    "shipped_folder",
]

MANIFEST = "manifest.json"
"""Name of the manifest; it lists every other file of the folder."""


def _checked_name(channel: str) -> str:
    if not is_name(channel):
        raise ValueError("it is no name of a channel")
    return channel


Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Channel = Annotated[str, AfterValidator(_checked_name)]


class ShippedModel(BaseModel):
    """Entry of the manifest for one model.

    Attributes
    ----------
    train_hash : str
        SHA-256 of the training series, as `Archive.info` gives it.
    seed : int
        Seed of the training.
    metrics : dict of str to float
        Metrics of the training, as in the registry: `epochs`, `loss`, `validation_loss`, `validation_error`,
        `training_seconds`.
    dtype : {"float16", "float32"}
        How the weights are stored: float16 where that leaves the anomaly sequences as they are.
    bytes, sha256 : int, str
        Size and SHA-256 of the file.
    versions : dict of str to str
        Versions of the workbench and NumPy that packed it, and the trainer.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    train_hash: Sha256
    seed: int
    metrics: dict[str, FiniteFloat]
    dtype: DType
    bytes: Annotated[int, Field(ge=1, le=MOST_BYTES)]
    sha256: Sha256
    versions: dict[str, str]


class Manifest(BaseModel):
    """Manifest of a folder of shipped models.

    Attributes
    ----------
    models : dict of str to ShippedModel
        By channel.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format_version: Literal[1] = 1
    models: dict[Channel, ShippedModel] = Field(default_factory=dict)


def shipped_folder() -> Path:
    """Return the folder of the models that come with the product.

    Returns
    -------
    Path
    """
    return product_path("data", "models")


def read_manifest(folder: Path) -> Manifest:
    """Read what a folder of shipped models holds.

    Parameters
    ----------
    folder : Path
        Need not exist.

    Returns
    -------
    Manifest
        Without models where there is no manifest.

    Raises
    ------
    ArtifactError
        The manifest is damaged; says where.
    """
    path = folder / MANIFEST
    try:
        if not path.exists():
            return Manifest()
        return Manifest.model_validate_json(path.read_bytes())
    except OSError as error:
        raise ArtifactError(f"{path} cannot be read: {error.strerror or error}.") from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise ArtifactError(f"{path} is not a manifest of shipped models: {where}: {first['msg']}.", RESTORE) from None


def load_shipped(folder: Path, channel: str) -> "LSTMForecaster":
    """Load one shipped model after checking its file.

    Parameters
    ----------
    folder : Path
        Folder of shipped models.
    channel : str
        Name of the channel.

    Returns
    -------
    LSTMForecaster

    Raises
    ------
    ArtifactError
        The manifest does not list it, or the file is missing, damaged or another one; the message names it.
    """
    entry = read_manifest(folder).models.get(channel)
    if entry is None:
        raise ArtifactError(f"{folder / MANIFEST} lists no model of {channel!r}.")
    return _load(folder, channel, entry)


def file_name(channel: str) -> str:
    """Name the file of a channel's model.

    Examples
    --------
    >>> file_name("P-1")
    'P-1.lstm.safetensors'
    """
    return f"{path_name(channel)}.lstm.safetensors"


def install_shipped(
    archive: "Archive", registry: Registry, folder: Path | None = None, *, progress: bool = False
) -> pd.DataFrame:
    """Register the shipped models of the channels that an archive holds with the same training data.

    What is registered already (same training data, seed and metrics) is left alone. A model becomes `champion` where
    its channel has no champion LSTM of these data; otherwise it becomes `challenger`. One that cannot be installed is
    skipped with a reason, and the others go on.

    Parameters
    ----------
    archive : Archive
        Where the channels are.
    registry : Registry
        Where the models go.
    folder : Path, optional
        Folder of shipped models; the product's own where omitted.
    progress : bool
        Show a bar.

    Returns
    -------
    pandas.DataFrame
        One row a shipped model: `channel`, `status` (installed, current or skipped), `model` (its id), `reason`.

    Raises
    ------
    ArtifactError
        The manifest is damaged.
    ModelError
        The registry cannot be read or written.
    """
    folder = shipped_folder() if folder is None else folder
    models = read_manifest(folder).models
    registered = registry.list(forecaster="lstm") if models else []
    rows: dict[str, tuple[str, str, str]] = {}
    pending: dict[str, str] = {}
    for channel in sorted(models, key=natural_key):
        entry, versions = models[channel], [info for info in registered if info.channel == channel]
        try:
            train_hash = archive.info(channel).train_hash
        except WorkbenchError as error:
            rows[channel] = ("skipped", "", str(error))
            continue
        if train_hash != entry.train_hash:
            rows[channel] = ("skipped", "", "The archive holds other training data than the model was trained on.")
            continue
        same = next((info for info in versions if _is_same(info, entry)), None)
        led = any("champion" in info.aliases and info.train_hash == train_hash for info in versions)
        if same is None:
            pending[channel] = "challenger" if led else "champion"
        elif not led and not (
            same.rolled_back or (same.retired and not same.withdrawn)
        ):  # a crash came before the alias, or old data are back
            registry.set_alias(same.name, same.version, "champion")
        rows[channel] = ("current", same.id if same else "", "")
    if pending:
        registry.check_writable()
    for channel, alias in tqdm(pending.items(), desc="install models", unit="model", disable=not progress):
        try:
            rows[channel] = ("installed", _install(registry, folder, channel, models[channel], alias).id, "")
        except WorkbenchError as error:
            rows[channel] = ("skipped", "", str(error))
    table = [(channel, *row) for channel, row in rows.items()]
    return pd.DataFrame(table, columns=["channel", "status", "model", "reason"])


def _install(registry: Registry, folder: Path, channel: str, entry: ShippedModel, alias: str) -> ModelInfo:
    seconds = entry.metrics.get("training_seconds", math.nan)
    model = _load(folder, channel, entry)
    return registry.register(model, channel, entry.train_hash, seed=entry.seed, duration=seconds, alias=alias)


def _is_same(info: ModelInfo, entry: ShippedModel) -> bool:
    """Tell whether a registered version came from the training of a shipped model, wherever it was run."""
    trained = {key: value for key, value in entry.metrics.items() if key != "training_seconds"}
    origin = (info.train_hash, info.parameters.get("seed"))
    return origin == (entry.train_hash, str(entry.seed)) and trained.items() <= info.metrics.items()


def _load(folder: Path, channel: str, entry: ShippedModel) -> "LSTMForecaster":
    path = folder / file_name(channel)
    try:
        size = path.stat().st_size
        if size != entry.bytes:
            raise ArtifactError(f"{path} has {size} bytes, expected {entry.bytes}.", RESTORE)
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ArtifactError(f"{path} cannot be read: {error.strerror or error}.", RESTORE) from None
    if digest != entry.sha256:
        raise ArtifactError(f"{path} has SHA-256 {digest}, expected {entry.sha256}.", RESTORE)
    return from_file(path, channel)
