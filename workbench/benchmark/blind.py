"""Detectors that ignore the data: what they reach says how much a figure can be gamed."""

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd

__all__ = ["DRAWS", "flag_everything", "mean_of_random", "moved_at_random"]

DRAWS = 20
"""How many times sequences are moved; figures are the mean."""

Tables = Mapping[str, pd.DataFrame]


def flag_everything(lengths: Mapping[str, int]) -> dict[str, pd.DataFrame]:
    """Return one sequence over the whole of each series."""
    return {name: pd.DataFrame({"start": [0], "end": [length - 1]}) for name, length in lengths.items()}


def moved_at_random(
    predicted: Tables, lengths: Mapping[str, int], random: np.random.Generator
) -> dict[str, pd.DataFrame]:
    """Return as many sequences of the same lengths, at random places of their series.

    Parameters
    ----------
    predicted : mapping of str to pandas.DataFrame
        Integer columns `start`, `end`, inclusive.
    lengths : mapping of str to int
        Samples of each series.
    random : numpy.random.Generator
        Source of the places.

    Returns
    -------
    dict of str to pandas.DataFrame
    """
    moved = {}
    for name, table in predicted.items():
        last = (table["end"] - table["start"]).to_numpy()
        start = random.integers(0, lengths[name] - last)
        moved[name] = pd.DataFrame({"start": start, "end": start + last}).astype("int64")
    return moved


def mean_of_random(
    predicted: Tables, lengths: Mapping[str, int], judge: Callable[[dict[str, pd.DataFrame]], dict[str, float]]
) -> dict[str, float]:
    """Return the mean figures of sequences that are moved at random `DRAWS` times, with a fixed seed.

    Parameters
    ----------
    predicted, lengths
        As for `moved_at_random`.
    judge : callable
        Function that returns the figures of predicted sequences.

    Returns
    -------
    dict of str to float
        NaN where a figure is never defined.
    """
    random = np.random.default_rng(0)
    figures = pd.DataFrame([judge(moved_at_random(predicted, lengths, random)) for _ in range(DRAWS)])
    return {str(name): float(value) for name, value in figures.mean().items()}
