"""Training of one forecaster for many channels, one after the other, resumable at any point."""

import hashlib
import json
import math
import shutil
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import pandas as pd
from tqdm import tqdm

from workbench.exceptions import ForecasterError, WorkbenchError
from workbench.models.listing import ModelInfo
from workbench.models.names import model_name, parameter_text
from workbench.models.registry import Registry

if TYPE_CHECKING:
    from workbench.detection.forecasters import Forecaster
    from workbench.telemetry.archive import Archive

__all__ = ["train_channels"]


def train_channels(
    archive: "Archive",
    registry: Registry,
    channels: Iterable[str],
    forecaster: str,
    *,
    seed: int = 0,
    force: bool = False,
    progress: bool = False,
) -> pd.DataFrame:
    """Train and register one forecaster for each of several channels.

    A channel whose model is current (same training data, seed and parameters) is not trained again. A channel
    that fails is reported and the others go on. After an interruption, the same call goes on where it was:
    finished channels are current, and a forecaster that writes checkpoints finds its own.

    A new version becomes `champion` where the model has none, where its training data differ from the
    champion's (whose error is then not comparable), or where its `validation_error` is not worse than the
    champion's; otherwise it becomes `challenger`.

    Parameters
    ----------
    archive : Archive
        Where the training data are.
    registry : Registry
        Where the models go.
    channels : iterable of str
        Names of the channels; trained in this order, each once.
    forecaster : str
        One of `FORECASTERS`.
    seed : int
        Seed of everything random.
    force : bool
        Train what is current, too.
    progress : bool
        Show a bar with the time left.

    Returns
    -------
    pandas.DataFrame
        One row a channel: `channel`, `status` (trained, current or failed), `model` (its id), `alias`,
        `seconds` (of the fit, NaN where there was none), `reason` (of a failure), and one column a training
        metric.

    Raises
    ------
    ForecasterError
        The forecaster is not known.
    ModelError
        The registry cannot be read or written.
    """
    from workbench.detection.forecasters import FORECASTERS

    if forecaster not in FORECASTERS:
        raise ForecasterError(f"There is no forecaster {forecaster!r}.", f"Known: {', '.join(sorted(FORECASTERS))}.")
    kind = FORECASTERS[forecaster]
    parameters = parameter_text(kind().parameters, seed)
    models = registry.list(forecaster=forecaster)
    rows: dict[str, dict[str, Any]] = {}
    pending: dict[str, str] = {}
    for channel in dict.fromkeys(channels):
        try:
            train_hash = archive.info(channel).train_hash
            model_name(channel, forecaster)
        except WorkbenchError as error:
            rows[channel] = _failed(channel, error)
            continue
        versions = [info for info in models if info.channel == channel]
        current = None if force else _current(registry, versions, train_hash, parameters)
        rows[channel] = {"channel": channel} if current is None else _row("current", current)
        if current is None:
            pending[channel] = train_hash
    if pending:
        registry.check_writable()
    with tqdm(pending.items(), desc=f"train {forecaster}", unit="channel", disable=not progress) as bar:
        for channel, train_hash in bar:
            bar.set_postfix_str(channel)
            try:
                rows[channel] = _train(
                    archive, registry, channel, train_hash, kind(), parameters, seed=seed, progress=progress
                )
            except WorkbenchError as error:
                rows[channel] = _failed(channel, error)
    columns = ["channel", "status", "model", "alias", "seconds", "reason"]
    return pd.DataFrame(list(rows.values())) if rows else pd.DataFrame(columns=columns)


def _train(
    archive: "Archive",
    registry: Registry,
    channel: str,
    train_hash: str,
    model: "Forecaster",
    parameters: dict[str, str],
    *,
    seed: int,
    progress: bool,
) -> dict[str, Any]:
    name = model_name(channel, model.name)
    identity = json.dumps([train_hash, parameters], sort_keys=True)
    digest = hashlib.sha256(identity.encode()).hexdigest()[:16]
    checkpoint = registry.location.folder / "checkpoints" / f"{name}-{digest}"
    start = time.perf_counter()
    fitted = model.fit(archive.open(channel, "train"), seed=seed, progress=progress, checkpoint=checkpoint)
    seconds = time.perf_counter() - start
    alias = _alias(registry.list(channel, model.name), train_hash, fitted.metrics)
    info = registry.register(fitted, channel, train_hash, seed=seed, duration=seconds, alias=alias)
    shutil.rmtree(checkpoint, ignore_errors=True)
    return _row("trained", info, seconds)


def _current(
    registry: Registry, versions: list[ModelInfo], train_hash: str, parameters: dict[str, str]
) -> ModelInfo | None:
    """Give the newest version made from the same data, seed and parameters."""
    for info in reversed(versions):
        if info.train_hash == train_hash and parameters.items() <= info.parameters.items():
            champion = _champion(versions)
            if champion is None or champion.train_hash != train_hash:  # a crash came before the alias, or old data back
                return registry.set_alias(info.name, info.version, "champion")
            return info
    return None


def _alias(versions: list[ModelInfo], train_hash: str, metrics: dict[str, float]) -> str:
    champion = _champion(versions)
    if champion is None or champion.train_hash != train_hash:
        return "champion"
    error = metrics.get("validation_error", math.nan)
    return "champion" if error <= champion.metrics.get("validation_error", math.inf) else "challenger"


def _champion(versions: list[ModelInfo]) -> ModelInfo | None:
    return next((info for info in versions if "champion" in info.aliases), None)


def _row(status: str, info: ModelInfo, seconds: float = math.nan) -> dict[str, Any]:
    return {
        "channel": info.channel,
        "status": status,
        "model": info.id,
        "alias": ", ".join(info.aliases),
        "seconds": seconds,
        "reason": "",
        **info.metrics,
    }


def _failed(channel: str, error: WorkbenchError) -> dict[str, Any]:
    return {
        "channel": channel,
        "status": "failed",
        "model": "",
        "alias": "",
        "seconds": math.nan,
        "reason": str(error),
    }
