"""Events of an asset: labels of several channels that stand for one event, which is found or missed once."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pandas as pd

from workbench.detection.evaluation.overlap import Contingency, count, touched_labels
from workbench.exceptions import DetectionError

__all__ = ["EVENT", "count_channel", "count_units"]

EVENT = "event"
"""Optional column of label tables: name of the event of the asset that a row belongs to; empty where it is the
channel's own."""

Tables = Mapping[str, pd.DataFrame]


def count_channel(name: str, predicted: pd.DataFrame, labels: pd.DataFrame, length: int) -> Contingency:
    """Count one channel by the overlap protocol; an error names it."""
    try:
        return count(predicted, labels, length)
    except DetectionError as error:
        raise DetectionError(f"{name}: {error.message}", error.hint) from None


def count_units(
    predicted: Tables, labels: Tables, lengths: Mapping[str, int], assets: Mapping[str, str]
) -> list[tuple[str, Contingency]]:
    """Count channels so that an event of an asset counts once.

    Parameters
    ----------
    predicted, labels : mapping of str to pandas.DataFrame
        Sequences of each channel; labels with the same name in their column `event` are one event of the asset.
    lengths, assets : mapping
        Samples and asset of each channel.

    Returns
    -------
    list of (str, Contingency)
        Asset and counts of each channel. The channels of an asset that share events are one entry, in which an event
        is found where any of them finds it, and missed where none does.

    Raises
    ------
    DetectionError
        A sequence lies outside its series.
    """
    units: list[tuple[str, Contingency]] = []
    linked: dict[str, list[str]] = {}
    for name in predicted:
        if _events(labels[name]).any():
            linked.setdefault(assets[name], []).append(name)
        else:
            units.append((assets[name], count_channel(name, predicted[name], labels[name], lengths[name])))
    return units + [(asset, _count_linked(names, predicted, labels, lengths)) for asset, names in linked.items()]


def _count_linked(names: Sequence[str], predicted: Tables, labels: Tables, lengths: Mapping[str, int]) -> Contingency:
    total, found = Contingency(), dict[str, bool]()
    for name in names:
        own = count_channel(name, predicted[name], labels[name], lengths[name])
        touched = touched_labels(predicted[name], labels[name], lengths[name])
        shared = _events(labels[name])
        hits, misses = int(touched[shared].sum()), int((~touched[shared]).sum())
        total += replace(
            own,
            true_positives=own.true_positives - hits,
            false_negatives=own.false_negatives - misses,
        )
        for event, is_touched in zip(labels[name].loc[shared, EVENT], touched[shared], strict=True):
            found[event] = found.get(event, False) or bool(is_touched)
    hits = sum(found.values())
    return total + Contingency(true_positives=hits, false_negatives=len(found) - hits)


def _events(labels: pd.DataFrame) -> "pd.Series[bool]":
    if EVENT not in labels:
        return pd.Series(False, index=labels.index)
    return labels[EVENT].fillna("") != ""
