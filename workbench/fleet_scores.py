"""Scoring of a fleet: in this process, or in workers that stage the scores which this process publishes."""

import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import pandas as pd
import xarray as xr

from workbench.compute import LARGEST_BATCH, LOCAL, BatchResults, map_batches
from workbench.compute.batches import attempt
from workbench.detection.scoring import anomaly_frames, whole_words
from workbench.exceptions import WorkbenchError
from workbench.home import check_part, open_home
from workbench.models import ModelInfo, Registry
from workbench.scores import Scores
from workbench.settings import Settings
from workbench.telemetry.archive import Archive
from workbench.telemetry.archiving.staging import StagedScore

__all__ = ["score_fleet"]

_COLUMNS = ["channel", "status", "model", "seconds", "anomalies", "reason"]
_JUDGED = ("anomalies", "complete", "grows", "least_error_range")  # attributes from which the table is made
_LARGEST_BATCH_OF_LSTM = 20  # an LSTM takes most of a second, so that a batch stays short


def score_fleet(
    scores: Scores,
    channels: Sequence[str],
    forecaster: str | None = None,
    preset: str | None = None,
    *,
    force: bool = False,
    progress: bool = False,
    together: bool = False,
) -> pd.DataFrame:
    """Score many channels where the settings say; one that fails does not stop the others.

    Workers write what they score beside the archive; only this process makes it part of the archive.

    Parameters
    ----------
    scores : Scores
        Scores of the archive and registry that hold the channels and their models.
    channels : sequence of str
        Names of the channels.
    forecaster, preset : str, optional
        As for `Session.score`.
    force : bool
        Compute scores again where they are current.
    progress : bool
        Show a bar.
    together : bool
        Score in this process, and publish all scores in one transaction: for a few new samples of many channels. The
        anomalies are not in the table then.

    Returns
    -------
    pandas.DataFrame
        As from `Session.score_all`.
    """
    scoring = _Scoring(scores.settings, scores.clock, forecaster, preset, force, scores.listed(channels, forecaster))
    names = list(dict.fromkeys(channels))
    current = {} if force else scores.all_current(names, forecaster, preset, scoring.models)
    to_rows = _plain_rows if together else partial(_rows, scores=scores)
    rows = to_rows({name: _Scored.of(about, False) for name, about in current.items()})
    due = [name for name in names if name not in current]
    batches = _together if together else _batches
    for batch in batches(scores, scoring, due, progress) if due else ():
        results = dict(batch)
        staged = [one for result in results.values() if isinstance(result, _Scored) for one in result.staged]
        if staged:
            results |= scores.archive.publish_scores(staged)
        rows |= to_rows(results)
    scores.archive.keep_verified()
    if any(row["status"] == "scored" for row in rows.values()):
        scores.archive.tidy(names)
    return pd.DataFrame([rows[name] for name in channels], columns=_COLUMNS)


@dataclass(frozen=True)
class _Scored:
    """What is to be known of a scored channel, small enough to be sent."""

    computed: bool
    model: str
    seconds: float
    judged: Mapping[str, Any]
    staged: tuple[StagedScore, ...] = ()

    @classmethod
    def of(cls, about: Mapping[str, Any], computed: bool) -> "_Scored":
        judged = {name: about[name] for name in _JUDGED if name in about}
        return cls(computed, str(about["model"]), float(about["seconds"]), judged)


@dataclass(frozen=True)
class _Scoring:
    """Scores a channel; with a staging folder it can be sent to workers, which have an archive of their own."""

    settings: Settings
    clock: Callable[[], datetime]
    forecaster: str | None
    preset: str | None
    force: bool
    models: dict[str, list[ModelInfo]] = field(repr=False)
    staging: Path | None = None
    home_id: str | None = None

    def narrowed(self, channels: Sequence[str]) -> "_Scoring":
        return replace(self, models={name: self.models[name] for name in channels})

    def here(self, scores: Scores, channel: str) -> _Scored:
        models = self.models[channel]
        stored = None if self.force else scores.current(channel, self.forecaster, self.preset, models)
        return self.read_whole(scores, channel) if stored is None else _Scored.of(stored, False)

    def read_whole(self, scores: Scores, channel: str) -> _Scored:
        """Score a channel whose score is not known to be current."""
        scored, computed = scores.score(
            channel, self.forecaster, self.preset, force=self.force, models=self.models[channel]
        )
        return _Scored.of(scored.attrs, computed)

    def __call__(self, channel: str) -> _Scored:
        settings = self.settings
        where = (settings.registry_path, settings.tracking_uri, settings.model_cache_bytes)
        archive, registry = _opened(settings.archive_path, self.staging, self.home_id, *where)
        check_part(archive.path)
        scores = Scores(settings, archive, registry, self.clock)
        scores.part_samples = sys.maxsize  # what is staged cannot be read again before it is published
        result = self.here(scores, channel)
        return replace(result, staged=archive.take())


class _StagingArchive(Archive):
    """The archive of a worker: what is scored is staged for the process that publishes it."""

    def __init__(self, path: Path, within: Path | None) -> None:
        super().__init__(path)
        self._within = within
        self._staged = threading.local()

    @classmethod
    def beside(cls, archive: Archive, within: Path) -> "_StagingArchive":
        """Return one that reads through the databases, and with what is known, of an archive that is open."""
        one = cls.__new__(cls)
        one.__dict__.update(archive.__dict__)
        one._within = within
        one._staged = threading.local()
        return one

    def write_scores(self, channel: str, key: str, scored: xr.Dataset, keep: int = 0) -> None:
        staged = self.stage_scores(channel, key, scored, self._within, keep)
        self._staged.scores = (*getattr(self._staged, "scores", ()), staged)
        self._staged.last = {(channel, key): scored}

    def open_scores(self, channel: str, key: str, *, indexed: bool = True) -> xr.Dataset:
        """Open a stored score; of one that was staged just now only what is new is here, with its attributes."""
        last: xr.Dataset | None = getattr(self._staged, "last", {}).get((channel, key))
        return super().open_scores(channel, key, indexed=indexed) if last is None else last

    def take(self) -> tuple[StagedScore, ...]:
        """Return what this thread has staged since it was last asked."""
        scores: tuple[StagedScore, ...] = getattr(self._staged, "scores", ())
        self._staged.scores, self._staged.last = (), {}
        return scores


@lru_cache(maxsize=1)
def _opened(
    path: Path, staging: Path | None, home_id: str | None, registry: Path, tracking_uri: str | None, cache_bytes: int
) -> tuple[_StagingArchive, Registry]:
    """Open the archive and the registry of a worker, once for all of its batches."""
    open_home(path.parent, home_id)
    return _StagingArchive(path, staging), Registry(registry, tracking_uri, cache_bytes)


def _together(
    scores: Scores, scoring: _Scoring, channels: list[str], progress: bool
) -> Iterator[BatchResults[_Scored]]:
    """Score channels in this process, and yield them all at once, staged."""
    del progress
    archive = _StagingArchive.beside(scores.archive, scores.archive.staging_folder())
    here = Scores(scores.settings, archive, scores.registry, scores.clock)
    here.part_samples = sys.maxsize  # what is staged cannot be read again before it is published
    results: BatchResults[_Scored] = []
    for channel in channels:
        result = attempt(partial(scoring.read_whole, here), channel)
        staged = archive.take()
        results.append((channel, replace(result, staged=staged) if isinstance(result, _Scored) else result))
    yield results


def _batches(scores: Scores, scoring: _Scoring, channels: list[str], progress: bool) -> Iterator[BatchResults[_Scored]]:
    settings, archive = scores.settings, scores.archive
    compute = settings.place
    if compute == LOCAL or (not compute.scheduler and len(channels) <= 1):
        return map_batches(partial(scoring.here, scores), channels, progress=progress, description="score")
    home = settings.home.absolute()
    staging = archive.staging_folder().absolute()
    elsewhere = replace(
        scoring, settings=settings.model_copy(update={"home": home}), staging=staging, home_id=open_home(home)
    )
    lstm = any(info.forecaster == "lstm" and info.aliases for models in scoring.models.values() for info in models)
    return map_batches(
        elsewhere,
        channels,
        compute=compute,
        progress=progress,
        description="score",
        assets={name: archive.asset_of(name)[0] for name in channels},
        narrowed=elsewhere.narrowed,
        notes=staging,
        largest=_LARGEST_BATCH_OF_LSTM if lstm else LARGEST_BATCH,
    )


def _plain_rows(results: "Mapping[str, _Scored | WorkbenchError]") -> dict[str, dict[str, Any]]:
    """Return the rows of the table, without anomalies."""
    rows = {}
    for name, result in results.items():
        if isinstance(result, WorkbenchError):
            row = {"status": "failed", "model": "", "seconds": 0.0, "reason": str(result)}
        else:
            status = "scored" if result.computed else "current"
            row = {"status": status, "model": result.model, "seconds": result.seconds, "reason": ""}
        rows[name] = {"channel": name, **row}
    return rows


def _rows(results: "Mapping[str, _Scored | WorkbenchError]", scores: Scores) -> dict[str, dict[str, Any]]:
    rows = _plain_rows(results)
    judged: list[dict[str, Any]] = [
        {"anomalies": "[]"} if isinstance(result, WorkbenchError) else dict(result.judged)
        for result in results.values()
    ]
    frames = anomaly_frames(judged, scores.settings.severity)
    for (name, row), attributes, frame in zip(rows.items(), judged, frames, strict=True):
        row["anomalies"] = whole_words(frame, attributes, partial(scores.archive.open, name))
    return rows
