"""Folds of channels: each asset, and channels with and without events, dealt evenly."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

__all__ = ["deal_folds", "first_of_series"]


def first_of_series(channels: Sequence[str], hashes: Mapping[str, str]) -> dict[str, str]:
    """Return the channel that stands for the series of each channel: the first one that has the same test series.

    Parameters
    ----------
    channels : sequence of str
        Names of the channels.
    hashes : mapping of str to str
        Hash of each test series.

    Returns
    -------
    dict of str to str

    Examples
    --------
    >>> first_of_series(["P-1", "P-2", "P-3"], {"P-1": "a", "P-2": "b", "P-3": "a"})
    {'P-1': 'P-1', 'P-2': 'P-2', 'P-3': 'P-1'}
    """
    first: dict[str, str] = {}
    return {name: first.setdefault(hashes[name], name) for name in channels}


def deal_folds(
    assets: Sequence[str], events: Sequence[int], count: int, random: np.random.Generator
) -> npt.NDArray[np.int64]:
    """Deal channels to folds in random order, so that folds are alike.

    Parameters
    ----------
    assets : sequence of str
        Asset of each channel.
    events : sequence of int
        Number of true events of each.
    count : int
        Number of folds.
    random : numpy.random.Generator
        Source of the order.

    Returns
    -------
    numpy.ndarray of int
        Fold of each channel. The channels of an asset are dealt in turn, those with events first; one asset goes on
        where the one before it has stopped.

    Examples
    --------
    >>> deal_folds(["A", "A", "A", "A"], [1, 0, 1, 0], 2, np.random.default_rng(0)).tolist()
    [1, 0, 0, 1]
    """
    order = random.permutation(len(assets)).tolist()
    order.sort(key=lambda channel: (assets[channel], events[channel] == 0))  # stable: random within both
    folds = np.empty(len(assets), dtype=np.int64)
    folds[order] = np.arange(len(assets)) % count
    return folds
