"""Checks of the attributes of a channel and of its scores, whenever they are read.

They are JSON files that a disk, a copy or an editor can damage: what is wrong is told before anything relies on it.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import xarray as xr

from workbench.telemetry.schema import ATTRIBUTES

__all__ = ["ENVELOPE_FEATURES", "check_channel", "check_labels", "check_score", "check_scored"]

_TEXTS = (*ATTRIBUTES, "train_hash", "test_hash")
_COUNTS = {"n_train": 1, "n_test": 1, "n_commands": 0}
_SCORE_TEXTS = ("channel", "model", "preset", "forecaster", "data_hash", "parameters", "scored_at", "anomalies")
ENVELOPE_FEATURES = frozenset(["above", "below", "step", "travel20", "spread20", "stuck", "calm150", "quiet150"])
"""Features that the envelope of a score may name."""
_SERIES = ("prediction", "prediction_error", "smoothed_error", "epsilon")


def check_channel(attributes: Mapping[str, Any], channel: str) -> None:
    """Check the attributes of a channel, its labels apart.

    Parameters
    ----------
    attributes : mapping of str to Any
        As they were read.
    channel : str
        The channel that they must describe.

    Raises
    ------
    ValueError
        One is missing or wrong.
    """
    for name in (*_TEXTS, *_COUNTS, "command_names"):
        if name not in attributes:
            raise ValueError(f"it does not describe a channel: there is no {name}")
    for name in _TEXTS:
        if not isinstance(attributes[name], str):
            raise ValueError(f"{name} is {attributes[name]!r}, which is no text")
    if attributes["channel"] != channel:
        raise ValueError(f"it describes {attributes['channel']!r}")
    for name, least in _COUNTS.items():
        if type(attributes[name]) is not int or attributes[name] < least:
            raise ValueError(f"{name} is {attributes[name]!r}, which cannot be a number of samples or commands")
    names = attributes["command_names"]
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ValueError("command_names is no list of names")
    if len(names) != attributes["n_commands"]:
        raise ValueError(f"it names {len(names)} commands, not {attributes['n_commands']}")


def check_labels(rows: Any, length: int) -> None:
    """Check the labels of a channel.

    Parameters
    ----------
    rows : Any
        Rows of start, end and kind, as they were read.
    length : int
        Samples of the test series.

    Raises
    ------
    ValueError
        A row is none, or lies outside the series.
    """
    for row in rows:
        start, end, kind = row
        if not (type(start) is int and type(end) is int and isinstance(kind, str) and 0 <= start <= end < length):
            raise ValueError(f"the label {row!r} lies outside the {length} samples, or is none")


def check_score(attributes: Mapping[str, Any]) -> None:
    """Check those attributes of a score that others rely on, where it has them.

    Parameters
    ----------
    attributes : mapping of str to Any
        As they were read.

    Raises
    ------
    ValueError, TypeError
        One is wrong.
    """
    for name in _SCORE_TEXTS:
        if name in attributes and not isinstance(attributes[name], str):
            raise ValueError(f"{name} is {attributes[name]!r}, which is no text")
    if "scored_at" in attributes:
        datetime.fromisoformat(attributes["scored_at"])
    for row in json.loads(attributes.get("anomalies", "[]")):
        start, end, severity = row[:3]
        if not (0 <= int(start) <= int(end)) or float(start) % 1 or float(end) % 1 or isinstance(severity, str):
            raise ValueError(f"the anomaly {row!r} is none")
        _check_events(row[3:])


def _check_events(values: Sequence[Any]) -> None:
    """Check what follows start, end and severity of an anomaly: nothing, or what the envelope found."""
    if not values:
        return
    found_by, events = values
    if found_by not in ("envelope", "both") or not events:
        raise ValueError(f"an anomaly was found by {found_by!r}")
    for start, end, feature, peak_at, *numbers in events:
        samples_fit = all(type(one) is int for one in (start, end, peak_at)) and 0 <= start <= peak_at <= end
        numbers_fit = len(numbers) == 3 and all(type(one) in (int, float) for one in numbers)
        if not (samples_fit and feature in ENVELOPE_FEATURES and numbers_fit):
            raise ValueError(f"the event of {feature!r} at {start!r} is none")


def check_scored(scored: xr.Dataset) -> None:
    """Check that a dataset that carries anomalies holds the series that explain them.

    Parameters
    ----------
    scored : xarray.Dataset
        A stored score; one without anomalies may hold anything.

    Raises
    ------
    ValueError, KeyError
        A series is missing, or an anomaly lies outside of them.
    """
    check_score(scored.attrs)
    if "anomalies" not in scored.attrs:
        return
    for name in (*_SERIES, "sample"):
        if scored[name].dims != ("time",):
            raise ValueError(f"{name} has the dims {scored[name].dims}")
    first = [int(row[0]) for row in json.loads(scored.attrs["anomalies"])]
    if first and not scored.sizes["time"]:
        raise ValueError("it holds anomalies but no sample")
