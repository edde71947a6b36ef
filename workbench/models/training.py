"""Training of one forecaster for many channels, in one process or several, resumable at any point."""

import hashlib
import json
import math
import shutil
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from workbench.blas import one_blas_thread
from workbench.compute import LARGEST_BATCH, LOCAL, Compute, map_channels
from workbench.detection.base import Progress
from workbench.exceptions import ArtifactError, ForecasterError, WorkbenchError
from workbench.models.comparison import Contender
from workbench.models.inventory import promote_command, successor_of_present_data
from workbench.models.life import judge
from workbench.models.listing import ModelInfo
from workbench.models.names import current_champion, model_name, parameter_text
from workbench.models.registry import Registry
from workbench.models.window_rule import choose_windows
from workbench.names import command_line, path_name
from workbench.telemetry.archive import Archive, ChannelInfo
from workbench.telemetry.missing import present_values

if TYPE_CHECKING:
    from workbench.detection.forecasters import Forecaster

__all__ = ["train_channels"]

_CONSTANT = "its training telemetry is constant"


def train_channels(
    archive: Archive,
    registry: Registry,
    channels: Iterable[str],
    forecaster: str,
    *,
    parameters: Mapping[str, Any] | None = None,
    windows: Mapping[str, int] | None = None,
    max_gap_seconds: float | None = None,
    seed: int = 0,
    workers: int = 1,
    compute: Compute | None = None,
    force: bool = False,
    progress: Progress = False,
) -> pd.DataFrame:
    """Train and register one forecaster for each of several channels.

    A channel whose model is current (same training data, seed and parameters) is not trained again. A channel
    that fails is reported and the others go on. After an interruption, the same call goes on where it was:
    finished channels are current, and a forecaster that writes checkpoints finds its own.

    A new version becomes `champion` where the model has none, or where it is better than the champion on the
    held-out windows of the present training data; otherwise it becomes `challenger`.

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
    parameters : mapping of str to Any, optional
        Hyperparameters; the forecaster's own where omitted.
    windows : mapping of str to int, optional
        Windows of the preset, for what `parameters` does not say of them; a channel with little telemetry gets shorter
        ones, see `workbench.models.window_rule`. The forecaster's own for every channel where omitted.
    max_gap_seconds : float, optional
        Longest gap that a window of a forecaster of ours may reach across, where `parameters` does not say it.
    seed : int
        Seed of everything random.
    workers : int
        Processes that fit channels at once, where `compute` is omitted; the same models come out of any number.
    compute : Compute, optional
        Where channels are fitted; only this process registers what comes out.
    force : bool
        Train what is current, too.
    progress : Progress
        Show a bar with the time left; or what to call after each epoch, where one process trains.

    Returns
    -------
    pandas.DataFrame
        One row a channel: `channel`, `status` (trained, current or failed), `model` (its id), `alias`,
        `seconds` (of the fit, NaN where there was none), `reason` (of a failure; of a trained model, what is
        unusual about its data), and one column a training metric.

    Raises
    ------
    ForecasterError
        The forecaster or a parameter is not known, or the parameter is not allowed.
    ModelError
        The registry cannot be read or written.
    ComputeError
        The workers of a scheduler cannot be used.
    """
    compute = compute or Compute(processes=workers)
    parameters = dict(parameters or {})
    template = _make(forecaster, parameters)
    if max_gap_seconds is not None and hasattr(template, "max_gap_seconds"):
        parameters = {"max_gap_seconds": max_gap_seconds} | parameters
    listed: defaultdict[str, list[ModelInfo]] = defaultdict(list)
    for info in registry.list(forecaster=forecaster):
        listed[info.channel].append(info)
    rows: dict[str, dict[str, Any]] = {}
    pending: dict[str, _Planned] = {}
    for channel in dict.fromkeys(channels):
        try:
            described = archive.info(channel)
            train_hash = described.train_hash
            archive.check(channel, "train")  # a current model, too, says nothing about damaged telemetry
            own, window_note = _own_parameters(parameters, windows, described)
            stored = parameter_text(_make(forecaster, own).parameters, seed)
            name = model_name(channel, forecaster)
            current = None if force else _current(archive, registry, listed[channel], train_hash, stored)
        except WorkbenchError as error:
            rows[channel] = _failed(channel, error)
            continue
        if current is None:
            rows[channel] = {"channel": channel}
        else:
            note = _unused(current) or _not_better(current, current_champion(listed[channel]))
            rows[channel] = _row("current", current, note=note)
        if current is None:
            identity = json.dumps([train_hash, stored], sort_keys=True)
            digest = hashlib.sha256(identity.encode()).hexdigest()[:16]
            checkpoint = registry.location.folder / "checkpoints" / f"{path_name(name)}-{digest}"
            pending[channel] = _Planned(checkpoint, own, window_note)
    if pending:
        registry.check_writable()
    here = compute == LOCAL or (not compute.scheduler and len(pending) <= 1)
    own_progress = progress if here else False
    fit = _Fit(archive.path.absolute(), pending, forecaster, seed, own_progress)
    bar = progress is True
    mapped = map_channels(
        fit,
        list(pending),
        compute=compute,
        progress=bar,
        description=f"train {forecaster}",
        narrowed=fit.narrowed,
        largest=1 if forecaster == "lstm" else LARGEST_BATCH,  # each takes long
        notes=None if here else archive.staging_folder().absolute(),
    )
    for channel, result in mapped:
        try:
            if isinstance(result, WorkbenchError):
                raise result
            rows[channel] = _register(archive, registry, channel, type(template), result, seed)
            shutil.rmtree(pending[channel].checkpoint, ignore_errors=True)
        except WorkbenchError as error:
            rows[channel] = _failed(channel, error)
    columns = ["channel", "status", "model", "alias", "seconds", "reason"]
    return pd.DataFrame(list(rows.values())) if rows else pd.DataFrame(columns=columns)


@dataclass(frozen=True)
class _Fitted:
    """A forecaster that was fitted, perhaps in another process, and saved for the registry."""

    folder: Path
    train_hash: str
    seconds: float
    note: str


@dataclass(frozen=True)
class _Planned:
    """Training of one channel that is to be done."""

    checkpoint: Path
    parameters: dict[str, Any]
    note: str


@dataclass(frozen=True)
class _Fit:
    """Fits a channel's forecaster and saves it beside its checkpoint; it can be sent to other processes."""

    archive: Path
    planned: dict[str, _Planned]
    forecaster: str
    seed: int
    progress: Progress

    def narrowed(self, channels: Sequence[str]) -> "_Fit":
        """Return this with what is planned for some channels only."""
        return replace(self, planned={name: self.planned[name] for name in channels})

    def __call__(self, channel: str) -> _Fitted:
        archive, planned = Archive(self.archive), self.planned[channel]
        archive.check(channel, "train")
        train = archive.open(channel, "train")
        began = time.perf_counter()
        with one_blas_thread():
            model = _make(self.forecaster, planned.parameters)
            model.fit(train, seed=self.seed, progress=self.progress, checkpoint=planned.checkpoint)
        seconds = time.perf_counter() - began
        folder = planned.checkpoint / "fitted"
        shutil.rmtree(folder, ignore_errors=True)
        model.save(folder)
        constant = _CONSTANT if np.ptp(present_values(train["telemetry"].values)) == 0 else ""
        note = "; ".join(filter(None, (planned.note, constant)))
        return _Fitted(folder, archive.info(channel).train_hash, seconds, note)


def _own_parameters(
    parameters: Mapping[str, Any], windows: Mapping[str, int] | None, described: ChannelInfo
) -> tuple[dict[str, Any], str]:
    """Return the hyperparameters of a channel's training, and what is unusual about its windows."""
    if windows is None:
        return dict(parameters), ""
    n_test = None if described.grows else described.n_test
    chosen = choose_windows(windows, parameters, described.n_train, n_test)
    return chosen.sizes | dict(parameters), chosen.reason


def _make(forecaster: str, parameters: Mapping[str, Any]) -> "Forecaster":
    from workbench.detection.forecasters import FORECASTERS

    if forecaster not in FORECASTERS:
        raise ForecasterError(f"There is no forecaster {forecaster!r}.", f"Known: {', '.join(sorted(FORECASTERS))}.")
    template = FORECASTERS[forecaster]()
    defaults = template.parameters
    optional = {"max_gap_seconds"} if hasattr(template, "max_gap_seconds") else set()
    unknown = sorted(parameters.keys() - defaults.keys() - optional)
    if unknown:
        raise ForecasterError(f"{forecaster} has no parameter {unknown[0]!r}.", f"Known: {', '.join(defaults)}.")
    return FORECASTERS[forecaster](**parameters)


def _register(
    archive: Archive, registry: Registry, channel: str, kind: "type[Forecaster]", fitted: _Fitted, seed: int
) -> dict[str, Any]:
    model = kind.load(fitted.folder)
    champion = current_champion(registry.list(channel, model.name))
    contender = Contender(model, seed, fitted.train_hash)
    better = champion is None or judge(archive, registry, channel, contender, champion).better
    alias = "champion" if better else "challenger"
    info = registry.register(model, channel, fitted.train_hash, seed=seed, duration=fitted.seconds, alias=alias)
    note = "; ".join(filter(None, (fitted.note, _not_better(info, champion))))
    return _row("trained", info, fitted.seconds, note)


def _current(
    archive: Archive, registry: Registry, versions: list[ModelInfo], train_hash: str, parameters: dict[str, str]
) -> ModelInfo | None:
    """Return the newest version made from the same data, seed and parameters whose files are whole.

    It becomes champion where there is none, as a crash came before the alias, or where the champion was made from
    other data, as the old ones are back, and it is better; not where it was rolled back or retired. One that was
    retired because its channel was removed counts as any other: the channel is back.
    """
    same = (
        info
        for info in reversed(versions)
        if info.train_hash == train_hash
        and parameters.items() <= info.parameters.items()
        and parameters.get("max_gap_seconds") == info.parameters.get("max_gap_seconds")
        and ((info.retired and not info.withdrawn) or _is_whole(registry, info))
    )
    info = next(same, None)
    if info is None or (info.retired and not info.withdrawn):
        return info
    champion = current_champion(versions)
    if champion is None:
        return registry.set_alias(info.name, info.version, "champion")
    if champion.train_hash == train_hash or info.rolled_back:
        return info
    contender = Contender.load(registry, info)
    better = judge(archive, registry, info.channel, contender, champion).better
    return registry.set_alias(info.name, info.version, "champion") if better else info


def _is_whole(registry: Registry, info: ModelInfo) -> bool:
    """Tell whether the files of a version are those that were registered; otherwise it is trained again."""
    try:
        registry.check(info)
    except ArtifactError:
        return False
    return True


def _unused(current: ModelInfo) -> str:
    """Say what to do where the version that a training would make again was retired; empty where it was not."""
    if not current.retired:
        return ""
    return (
        f"it is retired; use it again: {command_line('workbench models promote', current.name, str(current.version))}"
    )


def _not_better(info: ModelInfo, champion: ModelInfo | None) -> str:
    """Say how a version of the present data becomes champion where one of other data stays it; else nothing."""
    if champion is None or "champion" in info.aliases:
        return ""
    successor = successor_of_present_data(champion, [info], info.train_hash)
    if successor is None:
        return ""
    return (
        f"not better than the champion {champion.id}, which learned from other training data and goes on predicting; "
        f"to use this one: {promote_command(successor)}"
    )


def _row(status: str, info: ModelInfo, seconds: float = math.nan, note: str = "") -> dict[str, Any]:
    return {
        "channel": info.channel,
        "status": status,
        "model": info.id,
        "alias": ", ".join(info.aliases),
        "seconds": seconds,
        "reason": note,
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
