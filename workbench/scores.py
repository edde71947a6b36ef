"""The scores of a fleet: computed where they are due, read where they are current, listed without computing.

One module because what is due, what is current and what is listed are one rule, which has to be read in one place.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import pandas as pd
import xarray as xr

from workbench.detection.applied import params_of, windows_of
from workbench.detection.continuing import continue_score
from workbench.detection.moved import score_on
from workbench.detection.scoring import anomaly_frame, provenance, provenances, score, stale_reason
from workbench.exceptions import ArchiveError, DetectionError, ModelNotFoundError, SettingsError
from workbench.models import ModelInfo, Registry
from workbench.models.listing import Champion
from workbench.models.names import choose_champion
from workbench.names import command_line
from workbench.observability.timings import stage
from workbench.parameters import Preset
from workbench.settings import Settings
from workbench.telemetry.archive import Archive, ChannelInfo
from workbench.telemetry.attribute_names import REMOVED_SAMPLES

if TYPE_CHECKING:
    from workbench.detection.forecasters import Forecaster

__all__ = ["OVERVIEW_COLUMNS", "Scores", "anomalies_within"]

T = TypeVar("T", ModelInfo, Champion)

_SPAN = 1_048_576  # samples read at a time
_MAX_LOOKED_UP = 500  # channels whose scores are in memory at a time

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


@dataclass(frozen=True)
class _Listed:
    """What `Scores.overview` has last listed, and of what."""

    preset: tuple[str, Preset]
    stamp: tuple[int, int]
    registry_stamp: tuple[int, ...] | None
    champions: dict[str, list[Champion]]
    rows: dict[str, dict[str, Any]]


class Scores:
    """Scores of an archive's channels by a registry's models.

    Parameters
    ----------
    settings : Settings
        Settings with the presets.
    archive : Archive
        Archive that holds the channels and stores the scores.
    registry : Registry
        Registry that holds the models.
    clock : callable
        Function that returns the present time, with its zone.
    """

    part_samples = 2_000_000
    """Samples of a long series that are scored at a time."""

    def __init__(self, settings: Settings, archive: Archive, registry: Registry, clock: Callable[[], datetime]) -> None:
        self.settings = settings
        self.archive = archive
        self.registry = registry
        self.clock = clock
        self._listed: _Listed | None = None

    def params(self, preset: str | None) -> tuple[str, Preset]:
        """Return a preset's name, the one in use where omitted, and its parameters."""
        name = preset or self.settings.preset
        if name not in self.settings.presets:
            raise SettingsError(f"There is no preset {name!r}.", f"Known: {', '.join(sorted(self.settings.presets))}.")
        return name, self.settings.presets[name]

    def score(
        self,
        channel: str,
        forecaster: str | None,
        preset: str | None,
        *,
        force: bool = False,
        models: list[ModelInfo] | None = None,
    ) -> tuple[xr.Dataset, bool]:
        """Return the score and whether it was computed just now; `models` are the channel's where they are listed."""
        described = self.archive.info(channel)
        self.archive.check(channel, "test")  # a current score, too, is worth nothing beside damaged telemetry
        name, params = self.params(preset)
        listed = self.registry.list(channel, forecaster) if models is None else models
        models = _chosen(listed, channel, forecaster, params)
        current_provenance = provenance(_joined(models, "id"), described.test_hash, params, described.train_hash)
        kind = _joined(models, "forecaster")
        key = f"{kind}.{name}"
        stored = self.archive.scores(channel).get(key)
        if not force and stored is not None and not stale_reason(stored, current_provenance):
            current = self._whole(channel, key, described.n_test)
            if current is not None:
                return self._with_growth(channel, current), False
        forecasters = [self.registry.load(model) for model in models]
        about = current_provenance | {
            "forecaster": kind,
            "preset": name,
            "scored_at": self.clock().isoformat(timespec="seconds"),
        }
        earlier = None if force else self._earlier(channel, key, stored, current_provenance, described.n_test)
        scored = self._compute(channel, key, forecasters, params, about, earlier, described.n_test)
        return self._with_growth(channel, scored), True

    def current(
        self, channel: str, forecaster: str | None, preset: str | None, models: list[ModelInfo]
    ) -> dict[str, Any] | None:
        """Return the attributes of the stored score that `score` would return, where it would compute nothing.

        Nothing is opened: files that were found sound before are read again only where they have changed since.

        Parameters
        ----------
        channel : str
            Name of the channel.
        forecaster, preset : str or None
            As for `score`.
        models : list of ModelInfo
            Versions of the channel.

        Returns
        -------
        dict or None
            None where the score is to be computed, or is damaged.
        """
        described = self.archive.info(channel)
        self.archive.check(channel, "test")
        name, params = self.params(preset)
        chosen = _chosen(models, channel, forecaster, params)
        key = f"{_joined(chosen, 'forecaster')}.{name}"
        stored = self.archive.scores(channel).get(key)
        made_from = provenance(_joined(chosen, "id"), described.test_hash, params, described.train_hash)
        if stored is None or stale_reason(stored, made_from):
            return None
        try:
            self.archive.check_score(channel, key)
        except ArchiveError:
            return None
        return stored | {"grows": int(described.grows)}

    def all_current(
        self,
        channels: Sequence[str],
        forecaster: str | None,
        preset: str | None,
        models: Mapping[str, list[ModelInfo]],
    ) -> dict[str, dict[str, Any]]:
        """Return what `current` returns for many channels, which are looked up at once.

        A score of which a part was sealed since it was last found sound is left out, too: `current` reads it.

        Parameters
        ----------
        channels : sequence of str
            Names of the channels.
        forecaster, preset : str or None
            As for `score`.
        models : mapping of str to list of ModelInfo
            Versions of each channel.

        Returns
        -------
        dict of str to dict
            By channel, without those of which anything is to be computed, to be read whole, or to be said.
        """
        name, params = self.params(preset)
        made_from = provenances(params)
        look = self.archive.look(channels, with_scores=True)
        keys, current = {}, {}
        for channel, about in look.attributes.items():
            try:
                chosen = _chosen(models[channel], channel, forecaster, params)
            except ModelNotFoundError:
                continue
            key = f"{_joined(chosen, 'forecaster')}.{name}"
            stored = look.score(channel, key)
            origin = made_from(_joined(chosen, "id"), about["test_hash"], about["train_hash"])
            if stored is not None and not stale_reason(stored, origin):
                keys[channel] = key
                current[channel] = stored | {"grows": int(about.get("grows", False))}
        sound = self.archive.sound_scores(look, keys)
        return {channel: attributes for channel, attributes in current.items() if channel in sound}

    def _earlier(
        self, channel: str, key: str, stored: dict[str, Any] | None, current: dict[str, Any], length: int
    ) -> xr.Dataset | None:
        """Open a stored score that is of the first samples of the series and is current but for that; None else."""
        if stored is None or stale_reason(stored | {"data_hash": current["data_hash"]}, current):
            return None
        try:
            self.archive.check_score(channel, key)
            earlier = self.archive.open_scores(channel, key, indexed=False)
            samples = _covered(earlier)
            noted = str(stored.get("data_hash"))
            if samples > length or self.archive.test_prefix_hash(channel, samples, noted) != noted:
                return None
        except ArchiveError:  # a damaged score is computed anew
            return None
        return earlier if _fits(earlier, length) else None

    def _compute(
        self,
        channel: str,
        key: str,
        forecasters: Sequence["Forecaster"],
        params: Preset,
        about: dict[str, Any],
        earlier: xr.Dataset | None,
        length: int,
    ) -> xr.Dataset:
        """Score a channel, go on from an earlier score where there is one, and store what is new.

        A long series is scored part by part, each of which is stored as a score of the series up to its end: memory
        does not follow its length, and a scoring that was stopped goes on.
        """
        train = self.archive.open(channel, "train", indexed=False)
        test = self.archive.open(channel, indexed=False)
        seconds = 0.0
        ends = [*range(self.part_samples, length - self.part_samples, self.part_samples), length]
        done = 0 if earlier is None else _covered(earlier)
        for end in [end for end in ends if end > done]:
            part = test if end == length else test.isel(time=slice(0, end))
            try:
                keep, scored = continue_score(part, forecasters, params, train, earlier)
            except ArchiveError:
                if earlier is None:
                    raise
                self.archive.check(channel, "test")  # what is damaged is the earlier score, unless this says otherwise
                return self._compute(channel, key, forecasters, params, about, None, length)
            seconds += scored.attrs["seconds"]
            scored.attrs |= about | {"seconds": seconds}
            if end < length:
                scored.attrs["data_hash"] = self.archive.test_prefix_hash(channel, end)
            self.archive.write_scores(channel, key, scored, keep)
            if keep == 0 and end == length:
                return scored
            del scored
            earlier = self.archive.open_scores(channel, key, indexed=end == length)
        assert earlier is not None
        return earlier

    def _with_growth(self, channel: str, scored: xr.Dataset) -> xr.Dataset:
        """Note in an opened score whether its channel grows, for `anomaly_frame`; this is not stored with it."""
        scored.attrs["grows"] = int(self.archive.grows(channel))
        return scored

    @stage("overview")
    def overview(self) -> pd.DataFrame:
        """Return the state of every channel; see `Session.overview`.

        Only channels of which something was published since, or whose champion is another one, are looked at again;
        all of them where the preset in use was changed.
        """
        preset, stamp, before = self.params(None), self.archive.index.stamp(), self._listed
        if before is not None and before.preset != preset:
            before = None
        registry_stamp, champions = self._champions(before)
        described, damaged = self.archive.infos()
        infos = {info.channel: info for info in described}
        due, rows = list(infos), {}
        changed = None if before is None else self.archive.index.changed_since(before.stamp)
        if before is not None and changed is not None:
            kept = before.rows.keys() - changed[0] - changed[1]
            kept -= {name for name in kept if champions.get(name) != before.champions.get(name)}
            due = [name for name in infos if name not in kept]
            rows = {name: before.rows[name] for name in kept if name in infos}
        made_from = provenances(preset[1])
        for start in range(0, len(due), _MAX_LOOKED_UP):
            names = due[start : start + _MAX_LOOKED_UP]
            scores = self.archive.all_scores(names)
            for name in names:
                stored = scores.get(name, ({}, {}))
                rows[name] = self._overview_row(infos[name], champions.get(name, []), *stored, made_from)
        self._listed = _Listed(preset, stamp, registry_stamp, champions, rows)
        listed = [
            rows.get(name) or self._damaged_row(name, damaged[name])
            for name in self.archive.channels()
            if name in rows or name in damaged
        ]
        return pd.DataFrame(listed, columns=list(OVERVIEW_COLUMNS))

    def _champions(self, before: _Listed | None) -> tuple[tuple[int, ...] | None, dict[str, list[Champion]]]:
        """Return the registry's stamp and the champions by channel, which are read where the stamp is another one."""
        stamp = self.registry.stamp()
        if before is not None and stamp is not None and before.registry_stamp == stamp:
            return stamp, before.champions
        return stamp, self.registry.champions()

    def stored(self, channel: str, models: list[ModelInfo] | None = None) -> xr.Dataset | None:
        """Open the score that a channel's row of the overview tells of; None where it is missing.

        `models` are the channel's where they are listed.
        """
        listed = self.registry.list(channel) if models is None else models
        champions = [info for info in listed if "champion" in info.aliases]
        key = self._key_to_show(channel, champions, self.archive.scores(channel))
        return None if key is None else self._with_growth(channel, self.archive.open_scores(channel, key))

    def shown(self, channel: str) -> xr.Dataset | None:
        """Return the score that `stored` opens at the rows that its samples have now; see `score_on`."""
        scored = self.stored(channel)
        if scored is None or scored.attrs.get("data_hash") == self.archive.info(channel).test_hash:
            return scored
        return score_on(scored, self.archive.open(channel)["time"].values)

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
        fix = f"Run: {command_line('workbench score', channel, options='--force')}"
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
        names = list(channels)
        listed = self.listed(names, forecaster)
        for name in names:
            try:
                models = _chosen(listed[name], name, forecaster, params)
                own = params_of(self.archive.open_scores(name, f"{_joined(models, 'forecaster')}.{preset}"), params)
                train = self.archive.open(name, "train")
                fitted = PersistenceForecaster(**own.windows).fit(train)
                alone = params.model_copy(update={"envelope": "none"})  # what a forecast that knows nothing finds
                scored = score(self.archive.open(name), [fitted], alone, train)
            except (ArchiveError, DetectionError):
                continue
            flagged[name] = anomaly_frame(scored.attrs, self.settings.severity)
        return flagged

    def forecasters(self, channel: str) -> list["Forecaster"]:
        """Return the forecasters whose predictions the score of a channel is made of, under the preset in use."""
        _, params = self.params(None)
        chosen = _chosen(self.registry.list(channel), channel, None, params)
        return [self.registry.load(model) for model in chosen]

    def listed(self, channels: Sequence[str], forecaster: str | None) -> dict[str, list[ModelInfo]]:
        """List the models of channels: a single channel's by its name, those of several in one reading."""
        if len(channels) == 1:
            return {channels[0]: self.registry.list(channels[0], forecaster)}
        listed: dict[str, list[ModelInfo]] = {name: [] for name in channels}
        for info in self.registry.list(forecaster=forecaster):
            if info.channel in listed:
                listed[info.channel].append(info)
        return listed

    def _key_to_show(self, name: str, champions: Sequence[T], scores: dict[str, dict[str, Any]]) -> str | None:
        """Choose the stored score to show: the champion's where there is one, else any under the preset in use."""
        preset, params = self.params(None)
        keys = [
            key
            for key, attrs in scores.items()
            if attrs.get("preset") == preset and "model" in attrs and "anomalies" in attrs
        ]
        if champions:
            champion_key = f"{_joined(_chosen(champions, name, None, params), 'forecaster')}.{preset}"
            if champion_key in keys:
                return champion_key
        return next(iter(keys), None)

    def _whole(self, channel: str, key: str, length: int) -> xr.Dataset | None:
        """Open a stored score; None where it is damaged, so that it is computed anew."""
        try:
            scored = self.archive.open_scores(channel, key)
            for start in range(0, scored.sizes.get("time", 0), _SPAN):
                for variable in scored.isel(time=slice(start, start + _SPAN)).variables.values():
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

    def _overview_row(
        self,
        info: ChannelInfo,
        champions: list[Champion],
        scores: dict[str, dict[str, Any]],
        damaged: dict[str, ArchiveError],
        made_from: Callable[[str, str, str], dict[str, Any]],
    ) -> dict[str, Any]:
        name = info.channel
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
        key = self._key_to_show(name, champions, scores)
        if key is None:
            return row | {"reason": str(next(iter(damaged.values())))} if damaged else row
        reason = "its model is gone"
        attributes = scores[key]
        if champions:
            _, params = self.params(None)
            model_ids = _joined(_chosen(champions, name, None, params), "id")
            current = made_from(model_ids, info.test_hash, info.train_hash)
            reason = stale_reason(attributes, current)
            if reason and _only_waits(info, attributes):
                reason = stale_reason(attributes | {"data_hash": current["data_hash"]}, current)
        anomalies = json.loads(attributes["anomalies"])
        row |= {"model": attributes["model"], "state": "stale" if reason else "current", "reason": reason}
        row |= {
            "anomalies": len(anomalies),
            "flagged": sum(int(end) - int(start) + 1 for start, end, *_ in anomalies) / info.n_test,
        }
        if anomalies:
            worst = max(float(row[2]) for row in anomalies)
            row |= {"severity": worst, "level": self.settings.severity.level(worst)}
        return row


def _only_waits(info: ChannelInfo, attributes: dict[str, Any]) -> bool:
    """Return whether a score of a channel that grows lacks only what waits for its error window to be complete."""
    judged = int(json.loads(attributes.get("complete", "{}")).get("samples", 0))
    if not info.grows or not judged:
        return False
    return 0 <= info.n_test - judged < int(json.loads(attributes["parameters"])["batch_size"])


def _chosen(models: Sequence[T], channel: str, forecaster: str | None, params: Preset) -> list[T]:
    """Return the champions that predict together: of the forecaster, else of the preset's, else the channel's one."""
    if forecaster is None:
        together = [info for info in models if "champion" in info.aliases and info.forecaster in params.forecasters]
        if together:
            return sorted(together, key=lambda info: info.forecaster)
    return [choose_champion(models, channel, forecaster)]


def _covered(scored: xr.Dataset) -> int:
    """Return how many samples of its series a score is of."""
    windows = windows_of(scored.attrs)
    removed = int(scored.attrs.get(REMOVED_SAMPLES, 0))
    return int(scored.sizes["time"] + sum(windows.values()) - min(removed, windows["sequence_length"]))


def _fits(scored: xr.Dataset, length: int) -> bool:
    """Tell whether a score's samples and anomalies lie in a series of some length."""
    if not scored.sizes.get("time"):
        return False
    samples, size = scored["sample"].variable, scored.sizes["time"]
    first = int(samples[0])
    ends = [int(row[1]) for row in json.loads(scored.attrs["anomalies"])]
    if first < 0 or first + size > length or max(ends, default=0) >= length:
        return False
    return all(
        np.array_equal(part.to_numpy(), np.arange(first + start, first + start + part.size))
        for start in range(0, size, _SPAN)
        for part in [samples[start : start + _SPAN]]
    )


def _joined(models: Sequence[ModelInfo | Champion], attribute: str) -> str:
    return "+".join(str(getattr(info, attribute)) for info in models)
