"""Anomalies of stored predictions at the points of a grid, kept in the home so that a stopped tuning goes on."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy.typing as npt
import xarray as xr

from workbench.detection.applied import windows_of
from workbench.detection.envelope.rows import anomaly_rows
from workbench.detection.scoring import METHOD, score
from workbench.files import replacing
from workbench.names import path_name
from workbench.parameters import Preset
from workbench.telemetry.archive import Archive

if TYPE_CHECKING:
    from workbench.detection.forecasters import Forecaster

__all__ = ["Rejudging", "StoredScore", "forget_others", "rejudge"]

Rows = list[tuple[int, int, float, str]]
_OF_PREDICTIONS = {"forecasters", "sequence_length", "prediction_horizon"}


@dataclass(frozen=True)
class StoredScore:
    """Where a stored score lies, and what its predictions were made from.

    Attributes
    ----------
    key : str
        Key of the score in the archive.
    made_from : str
        Digest that changes with the predictions, the telemetry or the method.
    """

    key: str
    made_from: str

    @classmethod
    def of(cls, attributes: Mapping[str, Any], preset: Preset, train_hash: str) -> "StoredScore":
        """Return it from the attributes of a score, and the hash of the channel's training series."""
        weights = preset.forecasters
        origin = [attributes["model"], weights, attributes["data_hash"], train_hash, windows_of(attributes), METHOD]
        digest = hashlib.sha256(json.dumps(origin, sort_keys=True).encode()).hexdigest()
        return cls(f"{attributes['forecaster']}.{attributes['preset']}", digest)


class _StoredForecast:
    """A forecaster that repeats the predictions of a score."""

    name = "stored"

    def __init__(self, scored: xr.Dataset) -> None:
        windows = windows_of(scored.attrs)
        self.sequence_length = windows["sequence_length"]
        self.prediction_horizon = windows["prediction_horizon"]
        # Where samples were removed in front, the first predictions have no window in the series any more.
        first = self.sequence_length - int(scored["sample"].variable[0])
        self._prediction: npt.NDArray[Any] = scored["prediction"].variable[first:].values

    def predict_from(self, channel: xr.Dataset, first: int) -> npt.NDArray[Any]:
        """Return the predictions from a window on."""
        del channel
        return self._prediction[first:]


def rejudge(test: xr.Dataset, scored: xr.Dataset, params: Preset, train: xr.Dataset) -> Rows:
    """Find the anomalies that other parameters make of the predictions of a score.

    Parameters
    ----------
    test : xarray.Dataset
        Test split.
    scored : xarray.Dataset
        Score of it.
    params : Preset
        Parameters to judge by; windows are those of the score.
    train : xarray.Dataset
        Training split.

    Returns
    -------
    list of (int, int, float, str)
        Start, end (samples of the test series, both inclusive), severity and what found it; those that a score with
        these parameters has, to the bit.
    """
    return _judged(test, _StoredForecast(scored), params, train)


def _judged(test: xr.Dataset, forecast: "Forecaster | _StoredForecast", params: Preset, train: xr.Dataset) -> Rows:
    attributes = score(test, [forecast], params, train).attrs  # type: ignore[list-item]
    return [(row.start, row.end, row.severity, row.found_by) for row in anomaly_rows(attributes)]


@dataclass(frozen=True)
class Rejudging:
    """Judges a channel at every point, and keeps what it has judged; it can be sent to other processes.

    Attributes
    ----------
    archive : Path
        Archive that holds the channels and their scores.
    folder : Path
        Folder of what is kept, one file a channel.
    points : tuple of Preset
        Points of the grid.
    stored : dict of str to StoredScore
        Score of each channel.
    """

    archive: Path
    folder: Path
    points: tuple[Preset, ...]
    stored: dict[str, StoredScore] = field(repr=False)

    def narrowed(self, channels: Sequence[str]) -> "Rejudging":
        """Return this with the scores of some channels only."""
        return replace(self, stored={name: self.stored[name] for name in channels})

    def __call__(self, channel: str) -> list[Rows]:
        """Return the anomalies of a channel at each point, in the order of the points."""
        stored = self.stored[channel]
        kept = _Kept.read(_path(self.folder, channel), stored.made_from)
        names = [_point_name(point) for point in self.points]
        due = {name: point for name, point in zip(names, self.points, strict=True) if name not in kept.rows}
        if due:
            self._judge(channel, stored, due, kept)
        return [kept.rows[name] for name in names]

    def _judge(self, channel: str, stored: StoredScore, due: Mapping[str, Preset], kept: "_Kept") -> None:
        archive = Archive(self.archive)
        test, train = archive.open(channel).load(), archive.open(channel, "train").load()
        forecast = _StoredForecast(archive.open_scores(channel, stored.key))
        try:
            for name, point in due.items():
                kept.rows[name] = _judged(test, forecast, point, train)
        finally:  # after Ctrl-C, too
            kept.write()


@dataclass
class _Kept:
    """What was judged of a channel before: anomalies by the name of the point."""

    path: Path
    made_from: str
    rows: dict[str, Rows]

    @classmethod
    def read(cls, path: Path, made_from: str) -> "_Kept":
        """Read what is kept; nothing where there is no file, or it is of other predictions or damaged."""
        rows: dict[str, Rows] = {}
        with suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
            content = json.loads(path.read_text(encoding="utf-8"))
            if content["made_from"] == made_from and content["sha256"] == _digest(content["points"]):
                rows = {
                    str(name): [(int(start), int(end), float(severity), str(by)) for start, end, severity, by in some]
                    for name, some in content["points"].items()
                }
        return cls(path, made_from, rows)

    def write(self) -> None:
        """Write what is kept, whole or not at all."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        points = dict(sorted(self.rows.items()))
        content = {"made_from": self.made_from, "sha256": _digest(points), "points": points}
        with replacing(self.path) as temporary:
            temporary.write_text(json.dumps(content), encoding="utf-8")


def forget_others(folder: Path, channels: Sequence[str]) -> None:
    """Remove what is kept of channels that the archive does not hold any more.

    Parameters
    ----------
    folder : Path
        Folder of what is kept.
    channels : sequence of str
        Names of the channels of the archive.
    """
    names = {_path(folder, channel).name for channel in channels}
    for path in folder.glob("*.json"):
        if path.name not in names:
            path.unlink(missing_ok=True)


def _digest(points: Mapping[str, Rows]) -> str:
    return hashlib.sha256(json.dumps(points).encode()).hexdigest()


def _path(folder: Path, channel: str) -> Path:
    return folder / f"{path_name(channel)}.json"


def _point_name(point: Preset) -> str:
    thresholds = {name: value for name, value in point.model_dump().items() if name not in _OF_PREDICTIONS}
    return hashlib.sha256(json.dumps(thresholds, sort_keys=True).encode()).hexdigest()[:16]
