"""The scores of a fleet: computed where they are due, read where they are current, listed without computing."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from functools import partial
from typing import Any

import pandas as pd
import xarray as xr

from workbench.compute import map_channels
from workbench.detection.scoring import anomaly_frame, provenance, score, stale_reason
from workbench.exceptions import SettingsError, WorkbenchError
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
        name, params = self.params(preset)
        models = _chosen(self.registry.list(channel, forecaster), channel, forecaster, params)
        wanted = provenance(_joined(models, "id"), described.test_hash, params)
        kind = _joined(models, "forecaster")
        key = f"{kind}.{name}"
        stored = self.archive.scores(channel).get(key)
        if not force and stored is not None and not stale_reason(stored, wanted):
            return self.archive.open_scores(channel, key), False
        scored = score(self.archive.open(channel), [self.registry.load(model) for model in models], params)
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
        rows = [self._overview_row(name, champions.get(name, [])) for name in self.archive.channels()]
        return pd.DataFrame(rows, columns=list(OVERVIEW_COLUMNS))

    def stored(self, channel: str) -> xr.Dataset | None:
        """Open the score that a channel's row of the overview tells of; None where it is missing."""
        champions = [info for info in self.registry.list(channel) if "champion" in info.aliases]
        key = self._shown(channel, champions)
        return None if key is None else self.archive.open_scores(channel, key)

    def persistence(self, channels: Iterable[str], preset: str | None) -> dict[str, pd.DataFrame]:
        """Flag what the forecaster that knows nothing flags under the same thresholds."""
        from workbench.detection.persistence import PersistenceForecaster

        _, params = self.params(preset)
        windows = {"sequence_length": params.sequence_length, "prediction_horizon": params.prediction_horizon}
        flagged = {}
        for name in channels:
            forecaster = PersistenceForecaster(**windows).fit(self.archive.open(name, "train"))
            scored = score(self.archive.open(name), [forecaster], params)
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
        keys = [key for key, attrs in self.archive.scores(name).items() if attrs.get("preset") == preset]
        if champions:
            wanted = f"{_joined(_chosen(champions, name, None, params), 'forecaster')}.{preset}"
            if wanted in keys:
                return wanted
        return next(iter(keys), None)

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
            return row
        reason, attributes = "its model is gone", self.archive.scores(name)[key]
        if champions:
            _, params = self.params(None)
            wanted = _joined(_chosen(champions, name, None, params), "id")
            reason = stale_reason(attributes, provenance(wanted, info.test_hash, params))
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
    registry = Registry(settings.registry_path, settings.tracking_uri, settings.model_cache_bytes)
    return Scores(settings, Archive(settings.archive_path), registry, clock)._row(forecaster, preset, force, channel)
