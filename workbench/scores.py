"""The scores of a fleet: computed where they are due, read where they are current, listed without computing."""

import json
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from workbench.compute import map_channels
from workbench.detection.applied import params_of
from workbench.detection.scoring import anomaly_frame, provenance, score, stale_reason
from workbench.exceptions import ArchiveError, DetectionError, SettingsError, WorkbenchError
from workbench.models import ModelInfo, Registry
from workbench.models.names import choose_champion
from workbench.observability.timings import stage
from workbench.parameters import Preset
from workbench.settings import Settings
from workbench.telemetry.archive import Archive

__all__ = ["OVERVIEW_COLUMNS", "Scores", "anomalies_within"]

OVERVIEW_COLUMNS = (
    "channel",
    "asset",
    "subsystem",
    "samples",
    "anomalies",
    "severity",
    "level",
    "model",
    "state",
    "reason",
    "flagged",
)
"""Columns of `Session.overview`."""


def anomalies_within(anomalies: pd.DataFrame, samples: int) -> pd.DataFrame:
    """Return the anomalies that lie within a series; a score older than its series may have others.

    Parameters
    ----------
    anomalies : pandas.DataFrame
        Anomalies of a stored score, as from `Session.stored_anomalies`.
    samples : int
        Length of the series as it is now.

    Returns
    -------
    pandas.DataFrame
        The rows whose last sample is in the series.

    Examples
    --------
    >>> anomalies_within(pd.DataFrame({"start": [3, 90], "end": [8, 120]}), 100)["end"].tolist()
    [8]
    """
    return anomalies[anomalies["end"] < samples]


class Scores:
    """Scores of an archive's channels by a registry's models.

    Parameters
    ----------
    settings : Settings
    archive : Archive
    registry : Registry
    clock : callable
        Gives the present time.
    """

    def __init__(self, settings: Settings, archive: Archive, registry: Registry, clock: Callable[[], datetime]) -> None:
        self.settings = settings
        self.archive = archive
        self.registry = registry
        self.clock = clock

    def params(self, preset: str | None) -> tuple[str, Preset]:
        """Give a preset's name, the one in use where omitted, and its parameters."""
        name = preset or self.settings.preset
        if name not in self.settings.presets:
            raise SettingsError(f"There is no preset {name!r}.", f"Known: {', '.join(sorted(self.settings.presets))}.")
        return name, self.settings.presets[name]

    def score(
        self, channel: str, forecaster: str | None, preset: str | None, *, force: bool = False
    ) -> tuple[xr.Dataset, bool]:
        """Give the score and whether it was computed just now."""
        described = self.archive.info(channel)
        self.archive.check(channel, "test")  # a current score, too, is worth nothing beside damaged telemetry
        name, params = self.params(preset)
        models = _chosen(self.registry.list(channel, forecaster), channel, forecaster, params)
        wanted = provenance(_joined(models, "id"), described.test_hash, params, described.train_hash)
        kind = _joined(models, "forecaster")
        key = f"{kind}.{name}"
        stored = self.archive.scores(channel).get(key)
        if not force and stored is not None and not stale_reason(stored, wanted):
            current = self._whole(channel, key, described.n_test)
            if current is not None:
                return current, False
        forecasters = [self.registry.load(model) for model in models]
        scored = score(self.archive.open(channel), forecasters, params, self.archive.open(channel, "train"))
        scored.attrs |= wanted | {
            "forecaster": kind,
            "preset": name,
            "scored_at": self.clock().isoformat(timespec="seconds"),
        }
        self.archive.write_scores(channel, key, scored)
        return scored, True

    def table(
        self,
        channels: Sequence[str],
        forecaster: str | None = None,
        preset: str | None = None,
        *,
        force: bool = False,
        progress: bool = False,
    ) -> pd.DataFrame:
        """Score many channels; see `Session.score_all`."""
        workers = self.settings.workers
        own: Callable[[str], dict[str, Any]] = partial(self._row, forecaster, preset, force)
        function = own if workers == 1 else partial(_elsewhere, self.settings, self.clock, forecaster, preset, force)
        rows = {}
        for name, result in map_channels(function, channels, workers=workers, progress=progress, description="score"):
            if isinstance(result, WorkbenchError):
                empty = anomaly_frame({"anomalies": "[]"}, self.settings.severity)
                result = {"status": "failed", "model": "", "seconds": 0.0, "anomalies": empty, "reason": str(result)}
            rows[name] = {"channel": name, **result}
        columns = ["channel", "status", "model", "seconds", "anomalies", "reason"]
        return pd.DataFrame([rows[name] for name in channels], columns=columns)

    @stage("overview")
    def overview(self) -> pd.DataFrame:
        """Give the state of every channel; see `Session.overview`."""
        champions: dict[str, list[ModelInfo]] = {}
        for info in self.registry.list():
            if "champion" in info.aliases:
                champions.setdefault(info.channel, []).append(info)
        rows = []
        for name in self.archive.channels():
            try:
                rows.append(self._overview_row(name, champions.get(name, [])))
            except ArchiveError as error:
                rows.append(self._damaged_row(name, error))
        return pd.DataFrame(rows, columns=list(OVERVIEW_COLUMNS))

    def stored(self, channel: str) -> xr.Dataset | None:
        """Open the score that a channel's row of the overview tells of; None where it is missing."""
        champions = [info for info in self.registry.list(channel) if "champion" in info.aliases]
        key = self._shown(channel, champions)
        return None if key is None else self.archive.open_scores(channel, key)

    def check_series(self, channel: str, scored: xr.Dataset) -> None:
        """Check that a stored score is of the test series that the archive holds now.

        Parameters
        ----------
        channel : str
            Name of the channel.
        scored : xarray.Dataset
            Its stored score.

        Raises
        ------
        ArchiveError
            It is of another one: the series was imported anew, and not scored since.
        """
        described = self.archive.info(channel)
        fix = f"Run: workbench score {channel} --force"
        if scored.attrs.get("data_hash") != described.test_hash:
            raise ArchiveError(f"The stored score of {channel} is older than its series.", fix)
        if not _fits(scored, described.n_test):
            raise ArchiveError(f"The stored score of {channel} does not fit its series.", fix)

    def persistence(
        self, channels: Iterable[str], preset: str | None, forecaster: str | None = None
    ) -> dict[str, pd.DataFrame]:
        """Flag what persistence flags with the windows and thresholds of the stored scores of readable channels."""
        from workbench.detection.persistence import PersistenceForecaster

        preset, params = self.params(preset)
        flagged = {}
        for name in channels:
            try:
                models = _chosen(self.registry.list(name, forecaster), name, forecaster, params)
                own = params_of(self.archive.open_scores(name, f"{_joined(models, 'forecaster')}.{preset}"), params)
                train = self.archive.open(name, "train")
                fitted = PersistenceForecaster(**own.windows).fit(train)
                scored = score(self.archive.open(name), [fitted], params, train)
            except (ArchiveError, DetectionError):
                continue
            flagged[name] = anomaly_frame(scored.attrs, self.settings.severity)
        return flagged

    def _row(self, forecaster: str | None, preset: str | None, force: bool, channel: str) -> dict[str, Any]:
        scored, computed = self.score(channel, forecaster, preset, force=force)
        return {
            "status": "scored" if computed else "current",
            "model": scored.attrs["model"],
            "seconds": float(scored.attrs["seconds"]),
            "anomalies": anomaly_frame(scored.attrs, self.settings.severity),
            "reason": "",
        }

    def _shown(self, name: str, champions: list[ModelInfo]) -> str | None:
        """Choose the stored score to show: the champion's where there is one, else any under the preset in use."""
        preset, params = self.params(None)
        keys = [
            key
            for key, attrs in self.archive.scores(name).items()
            if attrs.get("preset") == preset and "model" in attrs and "anomalies" in attrs
        ]
        if champions:
            wanted = f"{_joined(_chosen(champions, name, None, params), 'forecaster')}.{preset}"
            if wanted in keys:
                return wanted
        return next(iter(keys), None)

    def _whole(self, channel: str, key: str, length: int) -> xr.Dataset | None:
        """Open a stored score; None where it is damaged, so that it is computed anew."""
        try:
            scored = self.archive.open_scores(channel, key)
            for variable in scored.variables.values():
                variable.to_numpy()
        except ArchiveError:
            return None
        return scored if _fits(scored, length) else None

    def _damaged_row(self, name: str, error: ArchiveError) -> dict[str, Any]:
        """Describe a channel that cannot be read."""
        asset, subsystem = self.archive.asset_of(name)
        return {
            "channel": name,
            "asset": asset,
            "subsystem": subsystem,
            "samples": 0,
            "anomalies": 0,
            "severity": float("nan"),
            "level": "",
            "model": "",
            "state": "damaged",
            "reason": str(error),
            "flagged": float("nan"),
        }

    def _overview_row(self, name: str, champions: list[ModelInfo]) -> dict[str, Any]:
        info = self.archive.info(name)
        row = {
            "channel": name,
            "asset": info.asset,
            "subsystem": info.subsystem,
            "samples": info.n_test,
            "anomalies": 0,
            "severity": float("nan"),
            "level": "",
            "model": "",
            "state": "missing",
            "reason": "not scored yet" if champions else "no model",
            "flagged": float("nan"),
        }
        key = self._shown(name, champions)
        if key is None:
            damaged = self.archive.damaged_scores(name)
            return row | {"reason": str(next(iter(damaged.values())))} if damaged else row
        reason, attributes = "its model is gone", self.archive.scores(name)[key]
        if champions:
            _, params = self.params(None)
            wanted = _joined(_chosen(champions, name, None, params), "id")
            reason = stale_reason(attributes, provenance(wanted, info.test_hash, params, info.train_hash))
        found = anomaly_frame(attributes, self.settings.severity)
        row |= {"model": attributes["model"], "state": "stale" if reason else "current", "reason": reason}
        row |= {"anomalies": len(found), "flagged": float((found["end"] - found["start"] + 1).sum() / info.n_test)}
        if len(found):
            worst = float(found["severity"].max())
            row |= {"severity": worst, "level": self.settings.severity.level(worst)}
        return row


def _chosen(models: list[ModelInfo], channel: str, forecaster: str | None, params: Preset) -> list[ModelInfo]:
    """Give the champions that predict together: of the forecaster, else of the preset's, else the channel's one."""
    if forecaster is None:
        together = [info for info in models if "champion" in info.aliases and info.forecaster in params.forecasters]
        if together:
            return sorted(together, key=lambda info: info.forecaster)
    return [choose_champion(models, channel, forecaster)]


def _fits(scored: xr.Dataset, length: int) -> bool:
    """Tell whether a score's samples and anomalies lie in a series of some length."""
    if not scored.sizes.get("time"):
        return False
    samples = scored["sample"].to_numpy()
    ends = [int(row[1]) for row in json.loads(scored.attrs["anomalies"])]
    inside = int(samples[0]) >= 0 and int(samples[-1]) < length and bool((np.diff(samples) == 1).all())
    return inside and max(ends, default=0) < length


def _joined(models: list[ModelInfo], attribute: str) -> str:
    return "+".join(str(getattr(info, attribute)) for info in models)


def _elsewhere(
    settings: Settings,
    clock: Callable[[], datetime],
    forecaster: str | None,
    preset: str | None,
    force: bool,
    channel: str,
) -> dict[str, Any]:
    """Score a channel in another process, with an archive and registry of its own."""
    with Registry(settings.registry_path, settings.tracking_uri, settings.model_cache_bytes) as registry:
        scores = Scores(settings, Archive(settings.archive_path), registry, clock)
        return scores._row(forecaster, preset, force, channel)
