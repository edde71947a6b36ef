"""Work on many channels: in this process, in several of this machine, or in the workers of a Dask scheduler."""

from workbench.compute.batches import LARGEST_BATCH, BatchResults
from workbench.compute.mapping import map_batches, map_channels
from workbench.compute.place import LOCAL, Compute

__all__ = ["LARGEST_BATCH", "LOCAL", "BatchResults", "Compute", "map_batches", "map_channels"]
