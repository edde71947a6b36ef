"""What is said of a channel once the first samples of its parts are removed."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from workbench.exceptions import ArchiveError
from workbench.telemetry.archiving.channel_parts import ChannelParts
from workbench.telemetry.archiving.label_moments import rows_of_moments
from workbench.telemetry.attribute_names import LABEL_MOMENTS, REMOVED
from workbench.telemetry.moments import ticks
from workbench.telemetry.schema import data_hash
from workbench.telemetry.series_hash import series_hash

__all__ = ["renumbered", "without_front"]


def without_front(
    attributes: Mapping[str, Any], rows: Mapping[str, int], parts: Mapping[str, xr.Dataset]
) -> dict[str, Any]:
    """Return the attributes of a channel without the first rows of some parts.

    Parameters
    ----------
    attributes : mapping of str to Any
        Attributes of the channel.
    rows : mapping of str to int
        How many rows of each part are removed.
    parts : mapping of str to xarray.Dataset
        The parts as they are.

    Returns
    -------
    dict

    Raises
    ------
    ArchiveError
        Nothing of the test series would be left, or a label lies in what is removed.
    """
    changed = dict(attributes)
    removed = {part: dict(about) for part, about in attributes.get(REMOVED, {}).items()}
    for part, count in rows.items():
        if not count:
            continue
        series = parts[part]
        if part == "test" and count >= series.sizes["time"]:
            raise ArchiveError(f"Nothing would be left of the test series of {attributes['channel']}.")
        labels = attributes.get(LABEL_MOMENTS)
        if labels and rows_of_moments(labels, series["time"].values[:count]):
            raise ArchiveError(f"A label of {attributes['channel']} lies in what is to be removed.")
        first, last = (int(moment) for moment in ticks(series["time"].values[[0, count - 1]]))
        before = removed.get(part, {"rows": 0, "samples": 0, "since": first})
        removed[part] = {
            "rows": before["rows"] + count,
            "samples": before["samples"] + count,
            "since": before["since"],
            "until": last,
        }
        rest = series.isel(time=slice(count, None))
        changed[f"n_{part}"] = rest.sizes["time"]
        changed[f"{part}_hash"] = series_hash(rest) if part == "test" else data_hash(rest)
        if part == "test":
            first = int(ticks(rest["time"].values[:1])[0])
            changed["summary"] = dict(changed["summary"]) | {"first": first}
    changed[REMOVED] = removed
    if changed.get("n_before") == 0:
        for name in ("n_before", "before_hash"):
            changed.pop(name)
    return changed


def renumbered(removed: Mapping[str, Mapping[str, Any]], parts: ChannelParts) -> dict[str, dict[str, Any]]:
    """Return what is noted of removed rows where all parts are written anew: their numbers begin anew, too."""
    test_begins = int(ticks(np.asarray(parts.test["time"].values[:1]))[0])
    notes = {part: {**about, "rows": 0} for part, about in removed.items()}
    if "test" in notes and test_begins <= notes["test"]["until"]:  # what was removed came back
        notes.pop("test")
    return notes
