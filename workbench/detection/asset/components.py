"""Principal components of an asset's channels: how they move together, how far they went, and what does not fit.

A sample is judged with the samples before it (`lags`), so that the dynamics of the asset count as well as its state:
how fast a channel follows another, and how fast it may change at all. The standardised columns are split into a
subspace in which they move together and what is left over. Hotelling's T-squared is the squared distance from normal
operation inside the subspace, Q the squared distance from it. What is left over is measured in what training left over
of each column, so that a channel that no other explains does not hide one that the others explain well. The distances,
their square roots, are judged by the margin rule of the envelope; contributions of the channels say what moved.

A component that drifts in training may drift as much again: its variance in T-squared includes the square of twice the
distance between its means in the two halves of training.

Sources: Jackson and Mudholkar, "Control Procedures for Residuals Associated with Principal Component Analysis", 1979;
for the lags Ku, Storer and Georgakis, "Disturbance detection and isolation by dynamic principal component analysis",
1995; for complete decomposition contributions Alcala and Qin, "Analysis and generalization of fault diagnosis methods
for process monitoring", 2011; for missing samples Tipping and Bishop, "Probabilistic Principal Component Analysis",
1999. That a component may drift, that Q is measured in each column's own residuals, and the margin rule, are not from
there.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from workbench.detection.asset.events import AssetEvent, Statistic
from workbench.detection.asset.missing import expected_scores
from workbench.detection.envelope.events import GAP
from workbench.detection.envelope.features import Bound, Margin
from workbench.detection.envelope.fitted import FeatureRecord
from workbench.detection.envelope.rolling import Floats
from workbench.exceptions import DetectionError

__all__ = ["STATISTICS", "AssetModel", "Rows", "lagged", "rows_from", "table_of"]

STATISTICS: tuple[Statistic, ...] = ("t_squared", "q")
"""Statistics of an asset."""
_PART_VALUES = 4_194_304  # of a table with lags, so that memory does not follow the length of a series

Rows = Callable[[int, int], Floats]
"""Function that returns the rows from one number up to another of a table with a column for each channel."""


@dataclass(frozen=True, eq=False)
class AssetModel:
    """How the channels of an asset move together in training.

    Attributes
    ----------
    channels : tuple of str
        All channels, in the order of the columns.
    active : numpy.ndarray of int, shape (k,)
        Columns that vary in training; the others are not judged here.
    lags : int
        Samples before each one that are judged with it.
    means, scales : numpy.ndarray, shape (k,)
        Mean and standard deviation of the active channels.
    loadings : numpy.ndarray, shape (k * (lags + 1), r)
        Principal components with a variance above that of one column (Kaiser's rule), at least one. The columns are
        the active channels, then these one sample before, and so on.
    variances : numpy.ndarray, shape (r,)
        Their variances.
    spreads : numpy.ndarray, shape (r,)
        Their variances with the drift that training showed, by which T-squared is measured.
    residual : float
        Mean variance of the components left out.
    residual_spreads : numpy.ndarray, shape (k * (lags + 1),)
        Standard deviation of what the components leave of each column, by which Q is measured.
    rounding : float
        Square root of Q that errors of rounding can reach.
    records : mapping of str to FeatureRecord
        Largest distance and mean excess of each statistic in training.
    margin : Margin
        How far they may be exceeded.
    """

    channels: tuple[str, ...]
    active: npt.NDArray[np.int64]
    lags: int
    means: Floats
    scales: Floats
    loadings: Floats
    variances: Floats
    spreads: Floats
    residual: float
    residual_spreads: Floats
    rounding: float
    records: Mapping[Statistic, FeatureRecord]
    margin: Margin

    def bound(self, statistic: Statistic) -> float:
        """Return the bound of a distance; it stands still, so that an event lasts as long as what it shows."""
        known, margin = self.records[statistic], self.margin
        floor = margin.floor * known.record + (self.rounding if statistic == "q" else 0.0)
        return float(Bound("core", margin.kappa * known.excess, margin.theta, floor).at(np.asarray(known.record)))

    def contributions(self, values: npt.ArrayLike) -> dict[Statistic, Floats]:
        """Compute what each channel contributes to both statistics.

        Parameters
        ----------
        values : array_like, shape (n, number of channels)
            Telemetry over one time base; missing samples are NaN.

        Returns
        -------
        dict of str to numpy.ndarray, shape (n, k)
            Of the active channels, with what they contribute by the samples before; each row adds up to T-squared or
            Q. NaN in samples of which no channel is there. A channel that is missing is taken to be where the others
            say, and contributes accordingly.
        """
        columns, scores = self._projected(table_of(values, len(self.channels)))
        inside = (scores / np.sqrt(self.spreads)) @ self.loadings.T
        beside = self._beside(columns, scores)
        shape = (len(columns), self.lags + 1, self.active.size)
        parts = {"t_squared": inside * inside, "q": beside * beside}
        return {name: parts[name].reshape(shape).sum(axis=1) for name in STATISTICS}

    def distances(self, rows: Rows, start: int, end: int) -> dict[Statistic, Floats]:
        """Compute the distances of samples, part by part.

        Parameters
        ----------
        rows : callable
            Returns telemetry over one time base; see `Rows`.
        start, end : int
            First sample, and the one after the last.

        Returns
        -------
        dict of str to numpy.ndarray, shape (end - start,)
            Square roots of T-squared and Q, in standard deviations; NaN where no channel is there.
        """
        found: dict[Statistic, list[Floats]] = {name: [] for name in STATISTICS}
        for first, last in self._parts(start, end):
            columns, scores = self._projected(self._with_before(rows, first, last), first)
            beside = self._beside(columns, scores)
            found["t_squared"].append(np.sqrt((scores * scores / self.spreads).sum(axis=1)))
            found["q"].append(np.sqrt(np.einsum("ij,ij->i", beside, beside)))
        return {name: np.concatenate(parts) if parts else np.zeros(0) for name, parts in found.items()}

    def find(self, values: npt.ArrayLike) -> list[AssetEvent]:
        """Find the events of an asset.

        Parameters
        ----------
        values : array_like, shape (n, number of channels)
            Telemetry over one time base; missing samples are NaN.

        Returns
        -------
        list of AssetEvent
            Of both statistics, in the order of their start. An event ends after 50 samples at or below the bound;
            samples that exceed it only because of those before them are not part of it.
        """
        table = table_of(values, len(self.channels))

        def rows(start: int, end: int) -> Floats:
            return table[start:end]

        return self.events(self.distances(rows, 0, len(table)), rows)

    def events(self, distances: Mapping[Statistic, Floats], rows: Rows) -> list[AssetEvent]:
        """Find the events in distances that were computed before.

        Parameters
        ----------
        distances : mapping of str to numpy.ndarray, shape (n,)
            From `distances`, of all samples.
        rows : callable
            Returns the same telemetry again, of which the contributions are made; see `Rows`.

        Returns
        -------
        list of AssetEvent
            As from `find`.
        """
        events: list[AssetEvent] = []
        for statistic in STATISTICS:
            if statistic not in self.records:
                continue
            there = np.flatnonzero(np.isfinite(distances[statistic]))
            values, bound = distances[statistic][there], self.bound(statistic)
            above = np.flatnonzero(values > bound)
            spans = np.split(above, np.flatnonzero(np.diff(above) > GAP) + 1) if above.size else []
            n = len(distances[statistic])
            events += [self._event(statistic, there[span], values[span], bound, rows, n) for span in spans]
        return sorted(events, key=lambda event: event.start)

    def to_json_dict(self) -> dict[str, Any]:
        """Return plain values for `json.dumps`, from which `from_json_dict` makes the same model."""
        arrays = {name: getattr(self, name).tolist() for name in _ARRAYS}
        records = {name: [known.record, known.excess] for name, known in self.records.items()}
        margin = [self.margin.kappa, self.margin.theta, self.margin.floor]
        plain = {name: getattr(self, name) for name in ("lags", "residual", "rounding")}
        return {"channels": list(self.channels), **plain, **arrays, "records": records, "margin": margin}

    @classmethod
    def from_json_dict(cls, values: Mapping[str, Any]) -> "AssetModel":
        """Make a model of what `to_json_dict` returned.

        Raises
        ------
        DetectionError
            The values are not those of a model.
        """
        try:
            active, lags = np.asarray(values["active"], dtype=np.int64), int(values["lags"])
            arrays = {name: np.asarray(values[name], dtype=np.float64) for name in _ARRAYS if name != "active"}
            arrays["loadings"] = arrays["loadings"].reshape(active.size * (lags + 1), arrays["variances"].size)
            if any(arrays[name].shape != active.shape for name in ("means", "scales")):
                raise ValueError("means and scales are not those of the active channels")
            if arrays["residual_spreads"].shape != arrays["loadings"].shape[:1]:
                raise ValueError("residual_spreads are not those of the columns")
            return cls(
                channels=tuple(values["channels"]),
                active=active,
                lags=lags,
                **arrays,
                residual=float(values["residual"]),
                rounding=float(values["rounding"]),
                records={name: FeatureRecord(*known) for name, known in values["records"].items()},
                margin=Margin(*values["margin"]),
            )
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise DetectionError(f"This is not a model of an asset: {error}.", "Train the asset again.") from None

    def _event(
        self,
        statistic: Statistic,
        samples: npt.NDArray[np.int64],
        values: Floats,
        bound: float,
        rows: Rows,
        n: int,
    ) -> AssetEvent:
        start, end = int(samples[0]), int(samples[-1])
        if end < n - 1:  # the last of them exceed the bound because of a sample before
            end = max(start, end - self.lags)
        totals = np.zeros(self.active.size)
        for first, last in self._parts(int(samples[0]), int(samples[-1]) + 1):
            own = samples[(samples >= first) & (samples < last)] - max(0, first - self.lags)
            totals += self.contributions(self._with_before(rows, first, last))[statistic][own].sum(axis=0)
        shares = totals / totals.sum()
        order = np.argsort(-shares, kind="stable")
        return AssetEvent(
            start=start,
            end=end,
            statistic=statistic,
            peak_at=min(int(samples[values.argmax()]), end),
            value=float(values.max()),
            bound=bound,
            record=self.records[statistic].record,
            contributions=tuple((self.channels[self.active[i]], float(shares[i])) for i in order),
        )

    def _parts(self, start: int, end: int) -> Iterator[tuple[int, int]]:
        step = max(1, _PART_VALUES // max(1, len(self.loadings)))
        for first in range(start, end, step):
            yield first, min(first + step, end)

    def _with_before(self, rows: Rows, first: int, last: int) -> Floats:
        """Return the telemetry of samples and of those before that are judged with them."""
        return table_of(rows(max(0, first - self.lags), last), len(self.channels))

    def _beside(self, columns: Floats, scores: Floats) -> Floats:
        """Return what the components leave of each column, in standard deviations of that in training."""
        return np.asarray((columns - scores @ self.loadings.T) / self.residual_spreads)

    def _projected(self, table: Floats, first: int = 0) -> tuple[Floats, Floats]:
        """Return the standardised columns, with what is missing where the others say, and their scores.

        The table begins with the samples before `first` that are judged with it.
        """
        standardised = (table[:, self.active] - self.means) / self.scales
        columns = lagged(standardised, self.lags)[min(first, self.lags) :]
        missing = np.isnan(columns)
        if missing.any():
            gappy = np.flatnonzero(missing.any(axis=1) & ~np.isnan(columns[:, : self.active.size]).all(axis=1))
            expected = expected_scores(columns[gappy], self.loadings, self.variances, self.residual)
            filled = columns[gappy]
            filled[missing[gappy]] = (expected @ self.loadings.T)[missing[gappy]]
            columns[gappy] = filled
            columns[np.isnan(columns).any(axis=1)] = np.nan
        return columns, columns @ self.loadings


_ARRAYS = ("active", "means", "scales", "loadings", "variances", "spreads", "residual_spreads")


def lagged(values: Floats, lags: int) -> Floats:
    """Return a table beside itself one sample later, and so on; what lies before its first row is missing.

    Examples
    --------
    >>> lagged(np.array([[1.0], [2.0], [3.0]]), 1).tolist()
    [[1.0, nan], [2.0, 1.0], [3.0, 2.0]]
    """
    n, k = values.shape
    table = np.full((n, (lags + 1) * k), np.nan)
    for lag in range(min(lags, n) + 1):
        table[lag:, lag * k : (lag + 1) * k] = values[: n - lag]
    return table


def rows_from(rows: Rows, first: int) -> Rows:
    """Return a function that reads the rows of a table from one of them on, which is row 0 then."""

    def part(start: int, end: int) -> Floats:
        return rows(first + start, first + end)

    return part


def table_of(values: npt.ArrayLike, number: int) -> Floats:
    """Return values as a table with a column for each channel, in which what is not finite is missing."""
    table = np.asarray(values, dtype=np.float64)
    if table.ndim != 2 or table.shape[1] != number:
        raise DetectionError(f"Telemetry of the asset has shape {table.shape}.", f"Pass {number} columns.")
    return table if np.isfinite(table).all() else np.where(np.isfinite(table), table, np.nan)
