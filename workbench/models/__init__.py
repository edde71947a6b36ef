"""Trained models: registered, listed, loaded and trained, one per channel and forecaster."""

from workbench.models.cache import ModelCache
from workbench.models.listing import ModelInfo
from workbench.models.registry import Registry
from workbench.models.training import train_channels

__all__ = ["ModelCache", "ModelInfo", "Registry", "train_channels"]
