"""Events of an asset: labels of several channels that stand for one event, which is found or missed once."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import pandas as pd

from workbench.detection.evaluation.overlap import Contingency, count, touched_labels
from workbench.exceptions import DetectionError

__all__ = ["EVENT", "count_channel", "count_units", "linked_channels"]

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
    return [
        (assets[names[0]], _count_linked(names, predicted, labels, lengths))
        for names in linked_channels(predicted, labels, assets)
    ]


def linked_channels(channels: Iterable[str], labels: Tables, assets: Mapping[str, str]) -> list[list[str]]:
    """Return the channels that are counted together: those of an asset that share its events; others by themselves.

    Examples
    --------
    >>> shared = pd.DataFrame({"start": [1], "end": [2], "event": ["leak"]})
    >>> labels = {"P-1": shared, "F-1": shared.iloc[:0], "P-2": shared}
    >>> linked_channels(labels, labels, {"P-1": "PUMP", "F-1": "FAN", "P-2": "PUMP"})
    [['F-1'], ['P-1', 'P-2']]
    """
    single: list[list[str]] = []
    linked: dict[str, list[str]] = {}
    for name in channels:
        if _events(labels[name]).ne("").any():
            linked.setdefault(assets[name], []).append(name)
        else:
            single.append([name])
    return [*single, *linked.values()]


def _count_linked(names: Sequence[str], predicted: Tables, labels: Tables, lengths: Mapping[str, int]) -> Contingency:
    total, found = Contingency(), dict[str, bool]()
    for name in names:
        own = count_channel(name, predicted[name], labels[name], lengths[name])
        touched = touched_labels(predicted[name], labels[name], lengths[name])
        events = _events(labels[name])
        shared = events != ""
        hits, misses = int(touched[shared].sum()), int((~touched[shared]).sum())
        total += replace(
            own,
            true_positives=own.true_positives - hits,
            false_negatives=own.false_negatives - misses,
        )
        for event, is_touched in zip(events[shared], touched[shared], strict=True):
            found[event] = found.get(event, False) or bool(is_touched)
    hits = sum(found.values())
    return total + Contingency(true_positives=hits, false_negatives=len(found) - hits)


def _events(labels: pd.DataFrame) -> "pd.Series[str]":
    """Return the event of the asset of each row; empty where a row is the channel's own."""
    return labels[EVENT].fillna("") if EVENT in labels else pd.Series("", index=labels.index)
