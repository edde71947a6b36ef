"""The stored scores of assets: one safetensors file for each, beside the archive; reading one runs no code.

A file holds a hash of its attributes, and these hold one of its values; files of earlier releases have neither.
"""

import hashlib
import json
from collections.abc import Mapping
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

_KEY, _HASH, _VALUES_HASH = "workbench", "sha256", "values_sha256"
_VARIABLES = ("t_squared", "q")
_DAMAGE = (OSError, SafetensorError, ValueError, LookupError, TypeError)


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
            attributes = _attributes(self._file(asset))
        except _DAMAGE:
            return None
        return attributes if attributes.get("asset") == asset else None

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
        try:
            scored = _read(self._file(asset))
        except _DAMAGE:
            return None
        return scored if scored.attrs.get("asset") == asset else None

    def damaged(self) -> dict[Path, str]:
        """Read every file, and return what is wrong with each that is damaged."""
        faults = {}
        for file in sorted(self.folder.glob("*.safetensors")):
            try:
                _read(file)
            except _DAMAGE as error:
                faults[file] = str(error)
        return faults

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
        tensors = {name: np.ascontiguousarray(scored[name].values) for name in _VARIABLES}
        tensors["time"] = np.ascontiguousarray(ticks(times))
        about = {"asset": asset, "times": clock_of(times), _VALUES_HASH: _values_hash(tensors)}
        text = json.dumps({**scored.attrs, **about})
        file = self._file(asset)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with replacing(file) as temporary:
                save_file(tensors, temporary, metadata={_KEY: text, _HASH: _text_hash(text)})
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


def _attributes(file: Path) -> dict[str, Any]:
    """Read the attributes in a file, after comparing them with their hash."""
    with safe_open(file, framework="np") as opened:
        metadata = opened.metadata()
    text = metadata[_KEY]
    if metadata.get(_HASH, _text_hash(text)) != _text_hash(text):
        raise ValueError("its attributes are not those that were written: the checksum differs")
    attributes = json.loads(text)
    if not isinstance(attributes, dict):
        raise TypeError("its attributes are no mapping")
    return attributes


def _read(file: Path) -> xr.Dataset:
    """Read a file, after comparing what it holds with its hashes."""
    attributes = _attributes(file)
    with safe_open(file, framework="np") as opened:
        tensors = {name: opened.get_tensor(name) for name in ("time", *_VARIABLES)}
    if attributes.pop(_VALUES_HASH, None) not in (None, _values_hash(tensors)):
        raise ValueError("its values are not those that were written: the checksum differs")
    times = tensors["time"].view("datetime64[ns]") if attributes.pop("times") == "time" else tensors["time"]
    coords = {"time": times, "sample": ("time", np.arange(times.size))}
    return xr.Dataset({name: ("time", tensors[name]) for name in _VARIABLES}, coords=coords, attrs=attributes)


def _text_hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _values_hash(tensors: Mapping[str, np.ndarray[Any, Any]]) -> str:
    digest = hashlib.sha256()
    for name in sorted(tensors):
        digest.update(f"{name} {tensors[name].dtype} {tensors[name].shape}".encode())
        digest.update(tensors[name].tobytes())
    return digest.hexdigest()
