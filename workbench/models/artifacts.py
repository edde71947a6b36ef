"""A model on disk: a folder of ONNX, safetensors and JSON files with a manifest of their SHA-256.

Nothing in such a folder can run code when it is read: pickled files are refused, both when a model is
written and when it is loaded.
"""

import hashlib
import json
import os
import shutil
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.exceptions import ArtifactError

if TYPE_CHECKING:
    from workbench.detection.asset import AssetPCA
    from workbench.detection.forecasters import Forecaster

__all__ = ["DESCRIPTION", "FORMAT_VERSION", "MANIFEST", "SUFFIXES", "Manifest", "read", "verify", "write"]

FORMAT_VERSION = 1
"""Version of the folder's layout that this code writes and reads."""

SUFFIXES = (".onnx", ".safetensors", ".json")
"""The kinds of file that a model may consist of."""

MANIFEST = "manifest.json"
"""Name of the manifest inside the folder; it lists every other file."""

DESCRIPTION = "MLmodel"
"""Name of MLflow's description of a model (YAML, never executed), allowed besides `SUFFIXES`."""

_RETRAIN = "Restore the file from a backup, or train the model again."


@dataclass(frozen=True)
class Manifest:
    """Content of `manifest.json` in a model's folder.

    Attributes
    ----------
    forecaster : str
        Name of the forecaster that wrote the files.
    files : Mapping of str to tuple of (int, str)
        Size in bytes and SHA-256 of each file, by name.
    digest : str
        SHA-256 of the manifest itself.
    """

    forecaster: str
    files: Mapping[str, tuple[int, str]]
    digest: str

    @property
    def size(self) -> int:
        """Bytes of all files together."""
        return sum(size for size, _ in self.files.values())


def write(forecaster: "Forecaster | AssetPCA", folder: Path, description: str = "") -> Manifest:
    """Save a fitted forecaster and its manifest; the folder appears complete or not at all.

    Parameters
    ----------
    forecaster : Forecaster or AssetPCA
        A fitted forecaster, or the fitted model of an asset.
    folder : Path
        Where the model goes; must not exist.
    description : str, optional
        Content of the file `MLmodel`; none is written where empty.

    Returns
    -------
    Manifest

    Raises
    ------
    ArtifactError
        The folder exists or cannot be written, or the forecaster wrote a file of a kind that is not allowed.
    """
    if folder.exists():
        raise ArtifactError(f"{folder} exists already.", "Models are never overwritten: choose a new folder.")
    temporary = folder.with_name(f".{folder.name}-{uuid.uuid4().hex}")
    try:
        temporary.mkdir(parents=True)
        forecaster.save(temporary)
        if description:
            (temporary / DESCRIPTION).write_text(description, encoding="utf-8")
        files = {path.name: _measure(path) for path in _listed(temporary)}
        content = {
            "format_version": FORMAT_VERSION,
            "forecaster": forecaster.name,
            "files": {name: {"size": size, "sha256": digest} for name, (size, digest) in files.items()},
        }
        text = json.dumps(content, indent=2, sort_keys=True)
        (temporary / MANIFEST).write_text(text, encoding="utf-8")
        os.rename(temporary, folder)
    except OSError as error:
        raise ArtifactError(
            f"{folder} cannot be written: {error.strerror or error}.", "Check the disk's space and the permissions."
        ) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return Manifest(forecaster.name, files, hashlib.sha256(text.encode()).hexdigest())


def verify(folder: Path, digest: str | None = None) -> Manifest:
    """Check every file of a model against the manifest.

    Parameters
    ----------
    folder : Path
        A folder that `write` made.
    digest : str, optional
        SHA-256 that the manifest itself must have.

    Returns
    -------
    Manifest

    Raises
    ------
    ArtifactError
        The folder or a file is missing, is not listed, is of a kind that is not allowed, or differs from the
        manifest in size or SHA-256; the message names the file, the expected and the received.
    """
    if not folder.is_dir():
        raise ArtifactError(f"The model's folder {folder} is missing.", _RETRAIN)
    try:
        manifest = _read_manifest(folder / MANIFEST, digest)
        present = {path.name: path for path in _listed(folder) if path.name != MANIFEST}
        for name in sorted(manifest.files.keys() | present.keys()):
            _compare(folder / name, manifest.files.get(name), present.get(name))
    except OSError as error:
        raise ArtifactError(f"{folder} cannot be read: {error.strerror or error}.", _RETRAIN) from error
    return manifest


def read(folder: Path, forecaster: str, digest: str | None = None) -> tuple["Forecaster | AssetPCA", int]:
    """Load a model after checking every file of it.

    Parameters
    ----------
    folder : Path
        A folder that `write` made.
    forecaster : str
        Name of the forecaster that must have made it.
    digest : str, optional
        SHA-256 that the manifest must have.

    Returns
    -------
    model : Forecaster or AssetPCA
    size : int
        Bytes of its files.

    Raises
    ------
    ArtifactError
        See `verify`, or another forecaster made it, or one that is not known.
    """
    from workbench.detection.asset import AssetPCA
    from workbench.detection.forecasters import FORECASTERS

    manifest = verify(folder, digest)
    if manifest.forecaster != forecaster:
        raise ArtifactError(
            f"{folder} was made by forecaster {manifest.forecaster!r}, expected {forecaster!r}.", _RETRAIN
        )
    if forecaster == AssetPCA.name:
        return AssetPCA.load(folder), manifest.size
    if forecaster not in FORECASTERS:
        raise ArtifactError(
            f"{folder} was made by forecaster {forecaster!r}, which this installation does not have.",
            f"Known: {', '.join(sorted(FORECASTERS))}.",
        )
    return FORECASTERS[forecaster].load(folder), manifest.size


def _compare(path: Path, expected: tuple[int, str] | None, present: Path | None) -> None:
    if expected is None:
        raise ArtifactError(f"{path} is not listed in {MANIFEST}.", "A model's folder holds listed files only.")
    if present is None:
        raise ArtifactError(f"{path} is missing: expected {expected[0]} bytes.", _RETRAIN)
    size = present.stat().st_size
    if size != expected[0]:
        raise ArtifactError(f"{path} has {size} bytes, expected {expected[0]}.", _RETRAIN)
    received = _measure(present)[1]
    if received != expected[1]:
        raise ArtifactError(f"{path} has SHA-256 {received}, expected {expected[1]}.", _RETRAIN)


def _read_manifest(path: Path, digest: str | None) -> Manifest:
    if not path.is_file():
        raise ArtifactError(f"{path} is missing.", _RETRAIN)
    data = path.read_bytes()
    received = hashlib.sha256(data).hexdigest()
    if digest is not None and received != digest:
        raise ArtifactError(f"{path} has SHA-256 {received}, expected {digest}.", _RETRAIN)
    try:
        content = json.loads(data)
        version = content["format_version"]
        forecaster = str(content["forecaster"])
        files = {str(name): (int(entry["size"]), str(entry["sha256"])) for name, entry in content["files"].items()}
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise ArtifactError(f"{path} is not a manifest: {type(error).__name__}: {error}.", _RETRAIN) from None
    if version != FORMAT_VERSION:
        raise ArtifactError(
            f"{path} has format version {version!r}, expected {FORMAT_VERSION}.",
            "Update the workbench, or train the model again.",
        )
    return Manifest(forecaster, files, received)


def _listed(folder: Path) -> list[Path]:
    """Return the files of a folder, refusing whatever is not a plain file of an allowed kind."""
    paths = sorted(folder.iterdir())
    for path in paths:
        if path.is_symlink() or not path.is_file():
            raise ArtifactError(f"{path} is not a plain file.", "A model's folder holds plain files only.")
        if path.suffix not in SUFFIXES and path.name != DESCRIPTION:
            raise ArtifactError(
                f"{path} has a suffix that is not allowed: {path.suffix!r}.", f"Allowed: {', '.join(SUFFIXES)}."
            )
    return paths


def _measure(path: Path) -> tuple[int, str]:
    with path.open("rb") as file:
        return path.stat().st_size, hashlib.file_digest(file, "sha256").hexdigest()
