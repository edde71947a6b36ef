"""The stored scores of assets: one safetensors file for each, beside the archive; reading one runs no code."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from workbench.exceptions import ArchiveError
from workbench.files import replacing
from workbench.names import path_name
from workbench.telemetry.moments import clock_of, ticks

__all__ = ["AssetScoreStore"]

_KEY = "workbench"
_VARIABLES = ("t_squared", "q")


class AssetScoreStore:
    """Scores of assets in a folder.

    Parameters
    ----------
    folder : Path
        Made when the first score is written.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def attributes(self, asset: str) -> dict[str, Any] | None:
        """Return the attributes of an asset's score without reading it; None where there is none, or it is damaged."""
        try:
            with safe_open(self._file(asset), framework="np") as file:
                attributes = json.loads(file.metadata()[_KEY])
        except (OSError, SafetensorError, ValueError, KeyError, TypeError):
            return None
        return attributes if isinstance(attributes, dict) and attributes.get("asset") == asset else None

    def read(self, asset: str) -> xr.Dataset | None:
        """Read the score of an asset; None where there is none, or it is damaged, so that it is computed anew.

        Parameters
        ----------
        asset : str
            Name of the asset.

        Returns
        -------
        xarray.Dataset or None
            As it was written.
        """
        attributes = self.attributes(asset)
        if attributes is None:
            return None
        try:
            with safe_open(self._file(asset), framework="np") as file:
                times = file.get_tensor("time")
                variables = {name: ("time", file.get_tensor(name)) for name in _VARIABLES}
            if attributes.pop("times") == "time":
                times = times.view("datetime64[ns]")
            coords = {"time": times, "sample": ("time", np.arange(times.size))}
            return xr.Dataset(variables, coords=coords, attrs=attributes)
        except (OSError, SafetensorError, ValueError, KeyError):
            return None

    def write(self, asset: str, scored: xr.Dataset) -> None:
        """Write the score of an asset in the place of the one before.

        Parameters
        ----------
        asset : str
            Name of the asset.
        scored : xarray.Dataset
            From `score_asset`; its attributes must be JSON values.

        Raises
        ------
        ArchiveError
            It cannot be written.
        """
        times = scored["time"].values
        attributes = {**scored.attrs, "asset": asset, "times": clock_of(times)}
        tensors = {name: np.ascontiguousarray(scored[name].values) for name in _VARIABLES}
        tensors["time"] = np.ascontiguousarray(ticks(times))
        file = self._file(asset)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with replacing(file) as temporary:
                save_file(tensors, temporary, metadata={_KEY: json.dumps(attributes)})
        except (OSError, SafetensorError) as error:
            raise ArchiveError(
                f"The score of {asset} cannot be written to {file}: {error}.",
                "Check the disk's space and the permissions.",
            ) from error

    def remove(self, asset: str) -> None:
        """Remove the score of an asset, where there is one."""
        self._file(asset).unlink(missing_ok=True)

    def _file(self, asset: str) -> Path:
        return self.folder / f"{path_name(asset)}.safetensors"
