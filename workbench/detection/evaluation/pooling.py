"""Results of several channels as one figure, and how sure that figure is.

Counts add up before a figure is computed from them; figures by themselves are averaged over the channels where they
are defined. Intervals come from the bootstrap: channels, or whole assets, are drawn with replacement.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import astuple, dataclass
from typing import Protocol, TypeGuard, runtime_checkable

import numpy as np
import numpy.typing as npt
import pandas as pd

__all__ = ["INTERVAL_COLUMNS", "RESAMPLES", "Counts", "Result", "as_figures", "intervals", "pool"]

INTERVAL_COLUMNS = ("figure", "value", "mean", "low", "high")
"""Columns of what `intervals` returns."""

RESAMPLES = 1000
"""How many times channels are drawn, unless somebody asks for another number."""

_TAILS = (0.025, 0.975)

Floats = npt.NDArray[np.float64]


@runtime_checkable
class Counts(Protocol):
    """Counts that add up over channels: a frozen dataclass of numbers with a method `figures`."""

    def figures(self) -> dict[str, float]:
        """Return the figures that follow from the counts; NaN where one is undefined."""


Result = Counts | Mapping[str, float]
"""What a metric says of one channel."""


@dataclass(frozen=True)
class _Summed:
    """Rows of counts of one class."""

    kind: type[Counts]
    rows: Floats

    def at(self, weights: Floats) -> dict[str, float]:
        return self.kind(*(weights @ self.rows).tolist()).figures()


@dataclass(frozen=True)
class _Averaged:
    """Rows of figures, NaN where one is undefined."""

    names: tuple[str, ...]
    rows: Floats

    def at(self, weights: Floats) -> dict[str, float]:
        defined = ~np.isnan(self.rows)
        total = weights @ np.where(defined, self.rows, 0.0)
        number = weights @ defined
        means = np.divide(total, number, out=np.full(len(self.names), np.nan), where=number > 0)
        return dict(zip(self.names, means.tolist(), strict=True))


def as_figures(result: Result) -> dict[str, float]:
    """Return the figures of one result."""
    return result.figures() if isinstance(result, Counts) else dict(result)


def pool(results: Sequence[Result]) -> dict[str, float]:
    """Return the figures of several results of one metric together; empty where there is none.

    Parameters
    ----------
    results : sequence of Counts or mapping of str to float
        All of one kind.

    Returns
    -------
    dict of str to float

    Examples
    --------
    >>> pool([{"delay": 2.0}, {"delay": 4.0}, {"delay": float("nan")}])
    {'delay': 3.0}
    """
    return _stacked(results).at(np.ones(len(results))) if results else {}


def intervals(
    results: Sequence[Result], clusters: Sequence[Hashable] | None = None, resamples: int = RESAMPLES, seed: int = 0
) -> pd.DataFrame:
    """Compute figures with their 95 % bootstrap intervals.

    Parameters
    ----------
    results : sequence of Counts or mapping of str to float
        Results of one metric, one for each channel.
    clusters : sequence of hashable, optional
        What each result belongs to, as its asset: those of one cluster are drawn together. Each is drawn by itself
        where omitted.
    resamples : int
        How many times to draw.
    seed : int
        Seed of the draws.

    Returns
    -------
    pandas.DataFrame
        str `figure`, float `value` (of the results as they are), `mean`, `low` and `high` (mean, 2.5 % and 97.5 %
        quantiles over the draws in which the figure is defined). Only the value where there is a single cluster.

    Notes
    -----
    The percentile bootstrap of Efron and Tibshirani, "An Introduction to the Bootstrap", 1993, chapter 13. It says how
    much figures vary with the choice of channels, not how sure the labels are.

    Examples
    --------
    >>> intervals([{"delay": 2.0}, {"delay": 4.0}], resamples=200)[["value", "low", "high"]].values.tolist()
    [[3.0, 2.0, 4.0]]
    """
    if not results:
        return pd.DataFrame(columns=list(INTERVAL_COLUMNS))
    stacked = _stacked(results)
    values = stacked.at(np.ones(len(results)))
    table = pd.DataFrame({"figure": list(values), "value": list(map(float, values.values()))})
    names = list(range(len(results))) if clusters is None else list(clusters)
    members = {name: number for number, name in enumerate(dict.fromkeys(names))}
    spread = np.full((3, len(table)), np.nan)
    if len(members) > 1 and resamples:
        places = np.array([members[name] for name in names])
        chances = np.full(len(members), 1 / len(members))
        draws = np.random.default_rng(seed).multinomial(len(members), chances, size=resamples)
        drawn = np.array([list(stacked.at(weights[places]).values()) for weights in draws.astype(np.float64)])
        for number, column in enumerate(drawn.T):
            defined = column[~np.isnan(column)]
            if defined.size:
                spread[:, number] = defined.mean(), *np.quantile(defined, _TAILS)
    return table.assign(mean=spread[0], low=spread[1], high=spread[2])


def _stacked(results: Sequence[Result]) -> _Summed | _Averaged:
    if _are_counts(results):
        return _Summed(type(results[0]), np.array([astuple(one) for one in results], dtype=np.float64))  # type: ignore[call-overload]
    figures = [as_figures(one) for one in results]
    names = tuple(dict.fromkeys(name for one in figures for name in one))
    rows = [[one.get(name, float("nan")) for name in names] for one in figures]
    return _Averaged(names, np.array(rows, dtype=np.float64).reshape(len(rows), len(names)))


def _are_counts(results: Sequence[Result]) -> TypeGuard[Sequence[Counts]]:
    return all(isinstance(one, Counts) for one in results)
