"""Models and scores of the assets of a home: trained, computed where they are due, and read where they are current."""

import json
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pandas as pd
import xarray as xr
from tqdm import tqdm

from workbench.assets.store import AssetScoreStore
from workbench.blas import one_blas_thread
from workbench.counts import counted
from workbench.detection.asset import AssetPCA, AssetSeries, fit_blocks
from workbench.detection.asset.clock import PATIENCE
from workbench.detection.asset.events import contribution_words
from workbench.detection.asset.scoring import asset_provenance, score_asset
from workbench.detection.scoring import anomaly_frame, stale_reason
from workbench.exceptions import (
    ArchiveError,
    ChannelNotFoundError,
    DetectionError,
    TelemetryError,
    WorkbenchError,
)
from workbench.maintenance.alerts.findings import asset_findings
from workbench.maintenance.alerts.raising import Examined, Finding
from workbench.models import ModelInfo, Registry
from workbench.models.listing import ASSET_KIND, natural_key
from workbench.models.names import choose_champion, current_champion, parameter_text
from workbench.names import command_line
from workbench.parameters import ASSET_METHOD, SeverityLevels
from workbench.settings import Settings
from workbench.telemetry.archive import Archive
from workbench.telemetry.joint_hash import joint_hash
from workbench.telemetry.moments import clock_of, moment_at, moment_text, ticks
from workbench.telemetry.store import suggest

__all__ = ["EXPLANATION_COLUMNS", "Assets"]

EXPLANATION_COLUMNS = (
    "start",
    "end",
    "start_at",
    "end_at",
    "severity",
    "level",
    "statistic",
    "distance",
    "bound",
    "record",
    "peak_at",
    "channels",
    "contributions",
    "model",
    "text",
)
"""Columns of `Assets.explain`."""

_LEAST_CHANNELS = 2
_NAMED = 3
_TRAINED = ["asset", "status", "model", "alias", "seconds", "reason"]
_SCORED = ["asset", "status", "model", "seconds", "anomalies", "reason"]
_OVERVIEW = ["asset", "channels", "samples", "anomalies", "severity", "level", "model", "state", "reason", "flagged"]


@dataclass(frozen=True)
class _Part:
    """One split of an asset's channels, and why some of them are left out."""

    series: AssetSeries
    hashes: dict[str, str]
    left_out: dict[str, str] = field(default_factory=dict)

    @property
    def note(self) -> str:
        """Sentence about the channels that are left out; empty where none is."""
        if not self.left_out:
            return ""
        name, reason = next(iter(self.left_out.items()))
        others = f" and {len(self.left_out) - 1} more" if len(self.left_out) > 1 else ""
        return f"without {name}{others}: {reason}"

    def note_of(self, model: AssetPCA) -> str:
        """Return the note, and which channels a model does not judge here; empty where it judges all of them."""
        names, absent = self.series.channels, self.series.absent
        still = [name for name in model.unjudged if name in names and name not in absent]
        new = [name for name in names if name not in model.channels and name not in absent]
        notes = [self.note] if self.note else []
        if len(absent) + len(still) + len(new) == len(names):
            notes.append("no channel is judged")
        reasons = {
            "constant or missing in training": still,
            "later than the model": new,
            f"without a value at the times of {self.series.clock}": absent,
        }
        notes += [f"not judged: {_listed(some)} ({reason})" for reason, some in reasons.items() if some]
        return "; ".join(notes)


class Assets:
    """Models and scores of an archive's assets.

    Parameters
    ----------
    settings : Settings
        Settings with the levels of severity and the home.
    archive : Archive
        Archive that holds the channels.
    registry : Registry
        Registry that holds the models.
    clock : callable
        Function that returns the present time, with its zone.
    """

    def __init__(self, settings: Settings, archive: Archive, registry: Registry, clock: Callable[[], datetime]) -> None:
        self.settings = settings
        self.archive = archive
        self.registry = registry
        self.clock = clock
        self.store = AssetScoreStore(settings.home / "asset_scores")

    def names(self, least_channels: int = 1) -> list[str]:
        """Return the names of the assets of the archive that have so many channels or more, in natural order."""
        by_asset = self._by_asset()
        return sorted((name for name, own in by_asset.items() if len(own) >= least_channels), key=natural_key)

    def channels(self, asset: str) -> list[str]:
        """Return the names of an asset's channels, damaged or not.

        Raises
        ------
        ChannelNotFoundError
            The archive holds no channel of the asset.
        """
        by_asset = self._by_asset()
        if asset not in by_asset:
            raise ChannelNotFoundError(f"Unknown asset {asset!r}.", suggest(asset, sorted(by_asset)))
        return by_asset[asset]

    def with_model(self, channels: Iterable[str] | None = None) -> list[str]:
        """Return the assets of the archive that have a champion, in natural order.

        Parameters
        ----------
        channels : iterable of str, optional
            Only assets to which one of these belongs.
        """
        modelled = {info.channel for info in self.registry.list(forecaster=ASSET_KIND) if "champion" in info.aliases}
        chosen = None if channels is None else set(channels)
        by_asset = self._by_asset() if modelled else {}
        names = [name for name in by_asset if name in modelled and (chosen is None or chosen & {*by_asset[name]})]
        return sorted(names, key=natural_key)

    # ---- training

    def train(
        self,
        assets: str | Iterable[str] | None = None,
        *,
        force: bool = False,
        progress: bool = False,
        **parameters: Any,
    ) -> pd.DataFrame:
        """Train and register a model for each of several assets; see `Session.train_asset`."""
        names = self.names(_LEAST_CHANNELS) if assets is None else [assets] if isinstance(assets, str) else list(assets)
        rows = []
        for name in tqdm(list(dict.fromkeys(names)), desc="train assets", unit="asset", disable=not progress):
            try:
                rows.append(self._train(name, force, parameters))
            except WorkbenchError as error:
                rows.append(_row(name, "failed", reason=str(error)))
        return pd.DataFrame(rows) if rows else pd.DataFrame(columns=_TRAINED)

    def _train(self, asset: str, force: bool, parameters: dict[str, Any]) -> dict[str, Any]:
        longest = self.settings.params.max_gap_seconds
        if longest is not None:
            parameters = {"max_gap_seconds": longest} | parameters
        patience, longest = float(parameters.get("patience", PATIENCE)), parameters.get("max_gap_seconds")
        part = self._part(asset, "train", patience, longest)
        train_hash = joint_hash(part.hashes)
        versions = self.registry.list(asset, ASSET_KIND)
        stored = parameter_text({**AssetPCA.defaults, **parameters, "method": ASSET_METHOD}, self.settings.seed)
        current = None if force else self._current(versions, train_hash, stored)
        if current is not None:
            retired = f"it is retired; use it again: {_promote(current)}" if current.retired else part.note
            return _row(asset, "current", current, reason=retired)
        began = time.perf_counter()
        with one_blas_thread():
            model = fit_blocks(part.series, **parameters)
        seconds = time.perf_counter() - began
        info = self.registry.register(model, asset, train_hash, seed=self.settings.seed, duration=seconds)
        return _row(asset, "trained", info, seconds, part.note_of(model))

    def _current(self, versions: Sequence[ModelInfo], train_hash: str, stored: dict[str, str]) -> ModelInfo | None:
        """Return the newest version made from the same data and parameters whose files are whole."""
        for info in reversed(versions):
            if info.train_hash != train_hash or not stored.items() <= info.parameters.items():
                continue
            if info.parameters.get("max_gap_seconds") != stored.get("max_gap_seconds"):
                continue
            if info.retired and not info.withdrawn:
                return info
            try:
                self.registry.check(info)
            except WorkbenchError:
                continue
            champion = current_champion(versions)
            if champion is not None and (champion.train_hash == train_hash or info.rolled_back):
                return info
            return self.registry.set_alias(info.name, info.version, "champion")
        return None

    # ---- scores

    def score(self, asset: str, *, force: bool = False) -> tuple[xr.Dataset, bool]:
        """Return the score of an asset, and whether it was computed just now; see `Session.score_asset`."""
        part = self._part(asset, "test")
        champion = choose_champion(self.registry.list(asset, ASSET_KIND), asset, ASSET_KIND)
        patience = float(champion.parameters.get("patience", PATIENCE))
        longest = champion.parameters.get("max_gap_seconds")
        if patience != PATIENCE or longest is not None:
            part = self._part(asset, "test", patience, None if longest is None else float(longest))
        origin = asset_provenance(champion.id, part.hashes)
        stored = None if force else self.store.read(asset)
        if stored is not None and not stale_reason(stored.attrs, origin):
            return stored, False
        began = time.perf_counter()
        model = self.registry.load_asset(champion)
        scored = score_asset(model, part.series)
        about = {"forecaster": ASSET_KIND, "seconds": time.perf_counter() - began, "left_out": part.note_of(model)}
        about["samples"] = scored.sizes["time"]
        about["scored_at"] = self.clock().isoformat(timespec="seconds")
        scored.attrs |= origin | about | {"asset": asset}
        self.store.write(asset, scored)
        return scored, True

    def score_all(
        self, assets: Iterable[str] | None = None, *, force: bool = False, progress: bool = False
    ) -> pd.DataFrame:
        """Score many assets; one that fails does not stop the others.

        Parameters
        ----------
        assets : iterable of str, optional
            Names of the assets; all that have a champion where omitted.
        force, progress : bool
            Compute scores again where they are current; show a bar.

        Returns
        -------
        pandas.DataFrame
            One row an asset: asset, status (scored, current, failed), model, seconds, anomalies (the table), reason.
        """
        rows = []
        names = self.with_model() if assets is None else list(dict.fromkeys(assets))
        for name in tqdm(names, desc="score assets", unit="asset", disable=not progress or not names):
            try:
                scored, computed = self.score(name, force=force)
            except WorkbenchError as error:
                nothing = anomaly_frame({"anomalies": "[]"}, self._levels)
                rows.append([name, "failed", "", float("nan"), nothing, str(error)])
                continue
            about, table = scored.attrs, anomaly_frame(scored.attrs, self._levels)
            status = "scored" if computed else "current"
            rows.append([name, status, about["model"], about["seconds"], table, about["left_out"]])
        return pd.DataFrame(rows, columns=_SCORED)

    def stored(self, asset: str) -> xr.Dataset | None:
        """Read the stored score of an asset, current or stale; None where it is not scored."""
        return self.store.read(asset)

    def overview(self) -> pd.DataFrame:
        """Return the state of every asset that has a model or a score; nothing is computed.

        Returns
        -------
        pandas.DataFrame
            One row an asset: asset, channels (their number), samples, anomalies, severity, level, model, state
            (current, stale or missing), reason, flagged, as `Session.overview` has them for channels.
        """
        by_asset = self._by_asset()
        hashes = {info.channel: info.test_hash for info in self.archive.infos()[0]}
        listed = self.registry.list(forecaster=ASSET_KIND)
        champions = {info.channel: info for info in listed if "champion" in info.aliases}
        rows = []
        for name in sorted(by_asset, key=natural_key):
            about, champion = self.store.attributes(name), champions.get(name)
            if about is None and champion is None:
                continue
            origin = {channel: hashes[channel] for channel in by_asset[name] if channel in hashes}
            rows.append({"asset": name, "channels": len(by_asset[name])} | self._state(about, champion, origin))
        return pd.DataFrame(rows, columns=_OVERVIEW)

    def _state(
        self, about: dict[str, Any] | None, champion: ModelInfo | None, hashes: dict[str, str]
    ) -> dict[str, Any]:
        if about is None:
            nothing = {"samples": 0, "anomalies": 0, "severity": float("nan"), "level": "", "model": ""}
            return nothing | {"state": "missing", "reason": "not scored yet", "flagged": float("nan")}
        reason = "its model is gone" if champion is None else stale_reason(about, asset_provenance(champion.id, hashes))
        rows = json.loads(about["anomalies"])
        worst = max((row[2] for row in rows), default=float("nan"))
        samples = int(about["samples"])
        return {
            "samples": samples,
            "anomalies": len(rows),
            "severity": worst,
            "level": self._levels.level(worst) if rows else "",
            "model": about["model"],
            "state": "stale" if reason else "current",
            "reason": reason,
            "flagged": sum(end - start + 1 for start, end, _ in rows) / max(samples, 1),
        }

    def explain(self, asset: str) -> pd.DataFrame:
        """Explain the anomalies of an asset; see `Session.explain_asset`."""
        scored = self.score(asset)[0]
        times = scored["time"].values
        rows = []
        for anomaly in json.loads(scored.attrs["explained"]):
            first, last = (moment_text(moment_at(times, anomaly[name])) for name in ("start", "end"))
            rows.append(
                {
                    **{name: anomaly[name] for name in ("start", "end", "severity", "statistic", "bound", "record")},
                    **{"start_at": first, "end_at": last, "distance": anomaly["value"], "peak_at": anomaly["peak_at"]},
                    "level": self._levels.level(anomaly["severity"]),
                    "channels": contribution_words(anomaly["contributions"]),
                    "contributions": {channel: share for channel, share in anomaly["contributions"]},
                    "model": scored.attrs["model"],
                    "text": f"{asset}: {anomaly['words']}.",
                }
            )
        return pd.DataFrame(rows, columns=list(EXPLANATION_COLUMNS))

    def findings(self, asset: str, name: str) -> tuple[Examined, list[Finding]] | None:
        """Return what the stored score of an asset asks of maintenance; None where it is not scored.

        Parameters
        ----------
        asset : str
            Key of the asset.
        name : str
            What people call it.

        Raises
        ------
        ArchiveError
            The score is older than the telemetry, or a channel is damaged.
        """
        scored = self.store.read(asset)
        if scored is None or not scored.sizes["time"]:
            return None
        hashes = self._part(asset, "test").hashes
        if scored.attrs["data_hash"] != joint_hash(hashes):
            fix = f"Run: {command_line('workbench score', asset)}"
            raise ArchiveError(f"The stored score of {asset} is older than its telemetry.", fix)
        moments = ticks(scored["time"].values)
        clock = clock_of(scored["time"].values)
        examined = Examined(asset, "asset", clock, int(moments[-1]), int(moments[0]))
        return examined, asset_findings(scored, anomaly_frame(scored.attrs, self._levels), name)

    # ---- parts

    @property
    def _levels(self) -> SeverityLevels:
        return self.settings.severity

    def _by_asset(self) -> dict[str, list[str]]:
        described, damaged = self.archive.infos()
        assets = {info.channel: info.asset for info in described}
        by_asset: dict[str, list[str]] = {}
        for name in sorted([*assets, *damaged], key=natural_key):
            by_asset.setdefault(assets[name] if name in assets else self.archive.asset_of(name)[0], []).append(name)
        return by_asset

    def _part(self, asset: str, split: str, patience: float = PATIENCE, max_gap_seconds: float | None = None) -> _Part:
        """Open one split of an asset's channels, without those that cannot be read."""
        names = self.channels(asset)
        series, hashes, left_out = {}, {}, {}
        for name in names:
            try:
                self.archive.check(name, split)
                series[name] = self.archive.open(name, split)
                hashes[name] = getattr(self.archive.info(name), f"{split}_hash")
            except TelemetryError as error:
                left_out[name] = str(error)
        if len(series) < _LEAST_CHANNELS:
            reason = f" ({next(iter(left_out.values()))})" if left_out else ""
            raise DetectionError(
                f"{asset} has {counted(len(names), 'channel')}, of which {len(series)} can be read{reason}.",
                f"A model of an asset needs at least {_LEAST_CHANNELS}. Look at: workbench channels",
            )
        return _Part(AssetSeries(series, patience, max_gap_seconds), hashes, left_out)


def _row(
    asset: str, status: str, info: ModelInfo | None = None, seconds: float = float("nan"), reason: str = ""
) -> dict[str, Any]:
    row: dict[str, Any] = dict(zip(_TRAINED, (asset, status, "", "", seconds, reason), strict=True))
    if info is None:
        return row
    return row | {"model": info.id, "alias": ", ".join(info.aliases), **info.metrics}


def _listed(names: Sequence[str]) -> str:
    """Return the first names, and how many more there are."""
    return ", ".join(names[:_NAMED]) + (f" and {len(names) - _NAMED} more" if len(names) > _NAMED else "")


def _promote(info: ModelInfo) -> str:
    return command_line("workbench models promote", info.name, str(info.version))
