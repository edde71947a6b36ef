"""Seals of the archive's metadata: a hash of each JSON document, of those of its arrays, and the count of their chunks.

Each chunk carries a checksum of its own (CRC-32C, after the compression), which is compared whenever it is read. A seal
does the same for what Zarr itself does not check: the description of a group and of its arrays, and chunks that are
gone, which would read as the fill value. It is an attribute of the group, so that other programs open the archive as
before. Archives of releases before it have none; they are read as they are, and get seals when they are rewritten.
"""

import hashlib
import json
import os
from pathlib import Path
from typing import Any

__all__ = ["SEAL", "check_group", "document_hash", "seal_document", "seal_group", "unsealed_attributes"]

SEAL = "workbench_seal"
"""Attribute of a group that holds its seal."""

_CHECKSUM_CODEC = "crc32c"


def document_hash(document: Any) -> str:
    """Return the SHA-256 of a JSON document, the same for every way of writing the same values.

    Examples
    --------
    >>> document_hash({"a": 1, "b": [2]}) == document_hash({"b": [2], "a": 1})
    True
    """
    return hashlib.sha256(_one_text(document).encode()).hexdigest()


def _one_text(document: Any) -> str:
    return json.dumps(document, sort_keys=True, separators=(",", ":"))


def seal_document(document: dict[str, Any], arrays: dict[str, dict[str, Any]] | None = None) -> dict[str, Any]:
    """Return the JSON document of a group with a seal that fits it.

    Parameters
    ----------
    document : dict
        Content of the group's `zarr.json`, sealed or not.
    arrays : dict of str to dict, optional
        What to note of each array, by name; as in the present seal where omitted.

    Returns
    -------
    dict
    """
    attributes = dict(document["attributes"])
    present = attributes.pop(SEAL, {"arrays": {}})
    seal = {"arrays": present["arrays"] if arrays is None else arrays}
    sealed = document | {"attributes": attributes | {SEAL: seal}}
    return document | {"attributes": attributes | {SEAL: seal | {"sha256": document_hash(sealed)}}}


def seal_group(folder: Path) -> None:
    """Seal a group that was written just now, with the arrays in it.

    Parameters
    ----------
    folder : Path
        Folder of the group, which nobody reads yet.
    """
    arrays = {}
    for file in sorted(folder.glob("*/zarr.json")):
        content = file.read_bytes()
        if json.loads(content)["node_type"] == "array":
            arrays[file.parent.name] = {
                "sha256": hashlib.sha256(content).hexdigest(),
                "chunks": _chunk_count(file.parent),
            }
    file = folder / "zarr.json"
    document = seal_document(json.loads(file.read_text(encoding="utf-8")), arrays)
    file.write_text(json.dumps(document, indent=2), encoding="utf-8")


def unsealed_attributes(document: Any) -> dict[str, Any]:
    """Return the attributes of a document without its seal, after comparing them with it.

    Parameters
    ----------
    document : Any
        Content of a `zarr.json`.

    Returns
    -------
    dict

    Raises
    ------
    ValueError, TypeError, LookupError
        They are no attributes, are not those that were written, or hold what is no text.
    """
    attributes = document["attributes"]
    if not isinstance(attributes, dict):
        raise TypeError("its attributes are no mapping")
    seal = dict(attributes.get(SEAL, {}))
    expected = seal.pop("sha256", None)
    text = _one_text(document | {"attributes": attributes | {SEAL: seal}})
    if "\\ud" in text:  # a surrogate: half of a pair is JSON, but no text
        json.dumps(attributes, ensure_ascii=False).encode()
    if SEAL not in attributes:
        if any(isinstance(value, dict) and {"arrays", "sha256"} & value.keys() for value in attributes.values()):
            raise ValueError("the name of its seal is damaged")
        return attributes
    if hashlib.sha256(text.encode()).hexdigest() != expected:
        raise ValueError("its metadata are not those that were written: the checksum differs")
    return {name: value for name, value in attributes.items() if name != SEAL}


def check_group(folder: Path) -> None:
    """Compare a group with its seal: its attributes, the descriptions of its arrays, and how many chunks there are.

    Parameters
    ----------
    folder : Path
        Folder of the group; one without a seal passes where its chunks have no checksums either.

    Raises
    ------
    ValueError, TypeError, LookupError, OSError
        It is not as it was written; the message names the array.
    """
    document = json.loads((folder / "zarr.json").read_text(encoding="utf-8"))
    unsealed_attributes(document)
    seal = document["attributes"].get(SEAL)
    if seal is not None and not seal["arrays"]:  # it holds other groups only, each with a seal of its own
        return
    contents = {file.parent.name: file.read_bytes() for file in folder.glob("*/zarr.json")}
    if seal is None:
        sealed = [name for name, content in contents.items() if f'"{_CHECKSUM_CODEC}"'.encode() in content]
        if sealed:
            raise ValueError("the checksum of its metadata is gone")
        return
    arrays = seal["arrays"]
    for name in sorted(arrays.keys() | contents.keys()):
        if name not in contents:
            raise ValueError(f"{name} is gone")
        if name not in arrays:
            raise ValueError(f"{name} is not part of what was written")
        if hashlib.sha256(contents[name]).hexdigest() != arrays[name]["sha256"]:
            raise ValueError(f"the metadata of {name} are not those that were written: the checksum differs")
        count = _chunk_count(folder / name)
        if count != arrays[name]["chunks"]:
            raise ValueError(f"{name} has {count} chunks, not {arrays[name]['chunks']}")


def _chunk_count(folder: Path) -> int:
    """Return how many files an array has beside its description."""
    return sum(len(files) for _, _, files in os.walk(folder)) - 1
