"""Trained models: registered, listed, loaded and trained, one per channel and forecaster.

What listing needs is imported here; training, comparison and drift are slower to import.
"""

from workbench.models.cache import ModelCache
from workbench.models.listing import ModelInfo
from workbench.models.registry import Registry

__all__ = ["ModelCache", "ModelInfo", "Registry"]
