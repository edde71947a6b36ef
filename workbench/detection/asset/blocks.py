"""The model of a whole asset as it is registered: one block of channels, or several where there are many."""

import json
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np

from workbench.detection.asset.clock import PATIENCE, AssetSeries
from workbench.detection.asset.components import STATISTICS, AssetModel, rows_from
from workbench.detection.asset.events import AssetAnomaly, AssetEvent, Statistic, join_events
from workbench.detection.asset.fitting import LAGS, fit_rows
from workbench.detection.envelope.features import MARGINS, Margin
from workbench.detection.envelope.rolling import Floats
from workbench.exceptions import ArtifactError, DetectionError
from workbench.parameters import ASSET_METHOD

__all__ = ["BLOCK_CHANNELS", "AssetPCA", "fit_blocks"]

BLOCK_CHANNELS = 500
"""Channels whose components are computed together; an asset with more is split, so that memory stays bounded."""

_FILE = "asset.json"
_RANGES = {"lags": (0, 100), "block_channels": (1, 10_000)}
_RANGE_OF_NUMBERS = (0.0, 1e6)


class AssetPCA:
    """Principal components of an asset's channels, as they are registered, stored and loaded.

    Parameters
    ----------
    blocks : sequence of AssetModel
        Fitted models, each of some of the channels.
    parameters : mapping of str to Any
        With what they were fitted, as `AssetPCA.defaults` names them, and the version of the method.
    metrics : mapping of str to float
        Figures of the training.

    Attributes
    ----------
    name : str
        Under which it is registered: `Pump-1.pca`.
    channels : tuple of str
        Names of all channels.
    history : dict
        Empty: there are no epochs.
    """

    name: ClassVar[str] = "pca"
    defaults: ClassVar[Mapping[str, Any]] = {
        "kappa": MARGINS["excess"].core.kappa,
        "theta": MARGINS["excess"].core.theta,
        "floor": MARGINS["excess"].core.floor,
        "lags": LAGS,
        "patience": PATIENCE,
        "block_channels": BLOCK_CHANNELS,
    }

    def __init__(
        self, blocks: Sequence[AssetModel], parameters: Mapping[str, Any], metrics: Mapping[str, float]
    ) -> None:
        self.blocks = tuple(blocks)
        self.parameters = dict(parameters)
        self.metrics = dict(metrics)
        self.history: dict[str, list[float]] = {}
        self.channels = tuple(name for block in self.blocks for name in block.channels)

    def __repr__(self) -> str:
        """Say how many channels it is of."""
        return f"AssetPCA({len(self.channels)} channels, {int(self.metrics['components'])} components)"

    @property
    def patience(self) -> float:
        """How long a channel's last value stands, in its own median periods."""
        return float(self.parameters["patience"])

    @property
    def unjudged(self) -> tuple[str, ...]:
        """Channels that do not vary in training, or are missing there."""
        varied = {block.channels[column] for block in self.blocks for column in block.active}
        return tuple(name for name in self.channels if name not in varied)

    def judge(self, series: AssetSeries) -> tuple[dict[Statistic, Floats], list[AssetAnomaly]]:
        """Judge telemetry of the asset.

        Parameters
        ----------
        series : AssetSeries
            Telemetry of n samples; channels of the model that it does not have are missing, others are not read.

        Returns
        -------
        dict of str to numpy.ndarray, shape (n,)
            Both distances in times of their bounds, the largest of the blocks; NaN where nothing is judged.
        list of AssetAnomaly
            Anomalies, in order.

        Notes
        -----
        Each stretch between two breaks is judged as a series of its own.
        """
        relative: dict[Statistic, Floats] = {name: np.full(len(series), np.nan) for name in STATISTICS}
        anomalies: list[AssetAnomaly] = []
        for start, end in pairwise((0, *series.breaks, len(series))):
            events: list[AssetEvent] = []
            for block in self.blocks:
                if not block.records:
                    continue
                rows = rows_from(series.reader(block.channels), start)
                distances = block.distances(rows, 0, end - start)
                events += [event.moved(start) for event in block.events(distances, rows)]
                for name in STATISTICS:
                    part = relative[name][start:end]
                    np.fmax(part, distances[name] / block.bound(name), out=part)
            anomalies += join_events(events)
        return relative, anomalies

    def save(self, folder: Path) -> None:
        """Write the model as JSON.

        Parameters
        ----------
        folder : Path
            Made where it does not exist.
        """
        folder.mkdir(parents=True, exist_ok=True)
        content = {
            "forecaster": self.name,
            "parameters": self.parameters,
            "metrics": self.metrics,
            "blocks": [block.to_json_dict() for block in self.blocks],
        }
        (folder / _FILE).write_text(json.dumps(content, allow_nan=False) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read a model that `save` wrote.

        Parameters
        ----------
        folder : Path
            As given to `save`.

        Raises
        ------
        ArtifactError
            The file is missing or damaged.
        """
        path = Path(folder) / _FILE
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            parameters = content["parameters"]
            if content["forecaster"] != cls.name or not cls.defaults.keys() <= parameters.keys():
                raise ArtifactError(f"{path} is not a model of an asset.", "Train the asset again.")
            if parameters.get("method", 1) != ASSET_METHOD:
                raise ArtifactError(
                    f"{path} is of version {parameters.get('method', 1)} of the method, expected {ASSET_METHOD}.",
                    "Train the asset again.",
                )
            blocks = [AssetModel.from_json_dict(block) for block in content["blocks"]]
            metrics = {str(name): float(value) for name, value in content["metrics"].items()}
            return cls(blocks, parameters, metrics)
        except OSError as error:
            reason = f"{path} cannot be read: {error.strerror or error}."
        except (ValueError, KeyError, TypeError, AttributeError, DetectionError) as error:
            reason = f"{path} is not a model of an asset: {error}."
        raise ArtifactError(reason, "Train the asset again.")


def fit_blocks(series: AssetSeries, **parameters: Any) -> AssetPCA:
    """Learn how the channels of an asset move together, in blocks where they are many.

    Parameters
    ----------
    series : AssetSeries
        Training telemetry.
    **parameters
        Those of `AssetPCA.defaults` that are to be others, and the `max_gap_seconds` that gave the series its breaks.

    Returns
    -------
    AssetPCA

    Raises
    ------
    DetectionError
        There are fewer than 20 samples, or not more samples than channels in a block; or a parameter does not exist, or
        is out of range.
    """
    unknown = sorted(parameters.keys() - AssetPCA.defaults.keys() - {"max_gap_seconds"})
    if unknown:
        raise DetectionError(f"pca has no parameter {unknown[0]!r}.", f"Known: {', '.join(AssetPCA.defaults)}.")
    chosen = {**AssetPCA.defaults, **parameters}
    for name, value in chosen.items():
        if name == "max_gap_seconds":  # by which the series has its breaks
            continue
        least, most = _RANGES.get(name, _RANGE_OF_NUMBERS)
        if not least <= value <= most:
            raise DetectionError(f"{name} of pca is {value}.", f"It must be from {least:g} to {most:g}.")
    margin = Margin(chosen["kappa"], chosen["theta"], chosen["floor"])
    lags = None if chosen["lags"] == LAGS else int(chosen["lags"])
    number = -(-len(series.channels) // int(chosen["block_channels"]))
    n, breaks = len(series), series.breaks
    blocks = [
        fit_rows(series.reader(channels.tolist()), n, channels.tolist(), margin, lags=lags, breaks=breaks)
        for channels in np.array_split(np.asarray(series.channels, dtype=object), number)
    ]
    metrics = {
        "channels": float(len(series.channels)),
        "judged_channels": float(sum(block.active.size for block in blocks)),
        "components": float(sum(block.variances.size for block in blocks)),
        "training_samples": float(len(series)),
    }
    return AssetPCA(blocks, chosen | {"method": ASSET_METHOD}, metrics)
