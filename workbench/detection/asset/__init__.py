"""Whole assets: how their channels move together, and where they leave what the training has shown.

An `AssetModel` holds the principal components of an asset's channels over one time base. An event is where the channels
move together further than in training (T-squared), or apart (Q). Each says which channels contribute most.

Modules, each importing those before it: `events` (and the anomalies that they make), `missing`, `components` (the
model), `fitting`, `clock` (one time base), `blocks` (assets of many channels, and the model that is registered) and
`scoring`.
"""

from workbench.detection.asset.blocks import AssetPCA, fit_blocks
from workbench.detection.asset.clock import AssetSeries, on_one_clock
from workbench.detection.asset.components import AssetModel
from workbench.detection.asset.events import AssetAnomaly, AssetEvent, Statistic, join_events
from workbench.detection.asset.fitting import fit_asset

__all__ = [
    "AssetAnomaly",
    "AssetEvent",
    "AssetModel",
    "AssetPCA",
    "AssetSeries",
    "Statistic",
    "fit_asset",
    "fit_blocks",
    "join_events",
    "on_one_clock",
]
