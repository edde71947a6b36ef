"""A whole asset: principal components of its channels, and where they leave what the training has shown.

The standardised channels of one time base are split into a subspace in which they move together and what is left over.
Hotelling's T-squared is the distance from normal operation inside the subspace; Q is the squared residual beside it.
Either is judged by the margin rule of the envelope, and the contributions of the channels say what moved.

Sources: Jackson and Mudholkar, "Control Procedures for Residuals Associated with Principal Component Analysis", 1979;
for complete decomposition contributions Alcala and Qin, "Analysis and generalization of fault diagnosis methods for
process monitoring", 2011.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.counts import counted
from workbench.detection.envelope.events import GAP
from workbench.detection.envelope.features import MARGINS, Bound, Margin
from workbench.detection.envelope.fitted import FeatureRecord, mean_excess
from workbench.detection.envelope.rolling import SHORT, Floats
from workbench.exceptions import DetectionError

__all__ = ["AssetEvent", "AssetModel", "Statistic", "fit_asset", "on_one_clock"]

Statistic = Literal["t_squared", "q"]

_NAMES = {"t_squared": "T-squared", "q": "Q"}
_ROUNDING = 2.0**-20
"""Eight steps of float32."""
_LEAST_VARIANCE = 1e-9
"""Residual variance of channels that depend on each other exactly, so that a missing one can be computed."""


@dataclass(frozen=True, slots=True)
class AssetEvent:
    """Samples in which T-squared or Q of an asset exceeds its bound.

    Attributes
    ----------
    start, end : int
        First and last sample above the bound.
    statistic : {"t_squared", "q"}
        What exceeds it.
    peak_at : int
        Sample of the largest value.
    value, bound, record : float
        Largest value, its bound, and the largest value in training; without unit.
    contributions : tuple of (str, float)
        Channels and their shares of the statistic over the samples above the bound, largest first.
    """

    start: int
    end: int
    statistic: Statistic
    peak_at: int
    value: float
    bound: float
    record: float
    contributions: tuple[tuple[str, float], ...]

    @property
    def ratio(self) -> float:
        """Largest value in times of that in training; infinite where that is 0."""
        return self.value / self.record if self.record > 0 else float("inf")

    @property
    def words(self) -> str:
        """What was found, as a person would say it, with up to three channels that have most of it."""
        main = [f"{name} {100 * share:.0f} %" for name, share in self.contributions[:3] if share >= 0.1]
        times = f"{self.ratio:,.0f}" if self.ratio >= 100 else f"{self.ratio:.1f}"
        return f"{_NAMES[self.statistic]} {times} times the largest in training; {', '.join(main)}"


@dataclass(frozen=True, eq=False)
class AssetModel:
    """How the channels of an asset move together in training.

    Attributes
    ----------
    channels : tuple of str
        All channels, in the order of the columns.
    active : numpy.ndarray of int, shape (k,)
        Columns that vary in training; the others are not judged here.
    means, scales : numpy.ndarray, shape (k,)
        Mean and standard deviation of the active channels.
    loadings : numpy.ndarray, shape (k, r)
        Principal components with a variance above that of one channel (Kaiser's rule), at least one.
    variances : numpy.ndarray, shape (r,)
        Their variances.
    residual : float
        Mean variance of the components left out.
    rounding : float
        Value of Q that errors of rounding can reach.
    records : mapping of str to FeatureRecord
        Largest value and mean excess of each statistic in training.
    margin : Margin
        How far they may be exceeded.
    """

    channels: tuple[str, ...]
    active: npt.NDArray[np.int64]
    means: Floats
    scales: Floats
    loadings: Floats
    variances: Floats
    residual: float
    rounding: float
    records: Mapping[Statistic, FeatureRecord]
    margin: Margin

    def bound(self, statistic: Statistic) -> float:
        """Return the bound of a statistic; it stands still, so that an event lasts as long as what it shows."""
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
            Of the active channels; each row adds up to the statistic. NaN in samples of which no channel is there. A
            channel that is missing is taken to be where the others say, and contributes accordingly.
        """
        standardised = self._standardised(values)
        scores = standardised @ self.loadings
        inside = (scores / np.sqrt(self.variances)) @ self.loadings.T
        beside = standardised - scores @ self.loadings.T
        return {"t_squared": inside * inside, "q": beside * beside}

    def find(self, values: npt.ArrayLike) -> list[AssetEvent]:
        """Find the events of an asset.

        Parameters
        ----------
        values : array_like, shape (n, number of channels)
            Telemetry over one time base; missing samples are NaN.

        Returns
        -------
        list of AssetEvent
            Of both statistics, in the order of their start. An event ends after 50 samples at or below the bound.
        """
        events: list[AssetEvent] = []
        for statistic, parts in self.contributions(values).items():
            if statistic not in self.records:
                continue
            there = np.flatnonzero(np.isfinite(parts).all(axis=1))
            sums, bound = parts[there].sum(axis=1), self.bound(statistic)
            above = np.flatnonzero(sums > bound)
            spans = np.split(above, np.flatnonzero(np.diff(above) > GAP) + 1) if above.size else []
            events += [self._event(statistic, there[span], parts[there[span]], bound) for span in spans]
        return sorted(events, key=lambda event: event.start)

    def to_json_dict(self) -> dict[str, Any]:
        """Return plain values for `json.dumps`, from which `from_json_dict` makes the same model."""
        arrays = {name: getattr(self, name).tolist() for name in _ARRAYS}
        records = {name: [known.record, known.excess] for name, known in self.records.items()}
        margin = [self.margin.kappa, self.margin.theta, self.margin.floor]
        plain = {"channels": list(self.channels), "residual": self.residual, "rounding": self.rounding}
        return {**plain, **arrays, "records": records, "margin": margin}

    @classmethod
    def from_json_dict(cls, values: Mapping[str, Any]) -> "AssetModel":
        """Make a model of what `to_json_dict` returned.

        Raises
        ------
        DetectionError
            The values are not those of a model.
        """
        try:
            active = np.asarray(values["active"], dtype=np.int64)
            arrays = {name: np.asarray(values[name], dtype=np.float64) for name in _ARRAYS if name != "active"}
            arrays["loadings"] = arrays["loadings"].reshape(active.size, arrays["variances"].size)
            return cls(
                channels=tuple(values["channels"]),
                active=active,
                **arrays,
                residual=float(values["residual"]),
                rounding=float(values["rounding"]),
                records={name: FeatureRecord(*known) for name, known in values["records"].items()},
                margin=Margin(*values["margin"]),
            )
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise DetectionError(f"This is not a model of an asset: {error}.", "Train the asset again.") from None

    def _event(self, statistic: Statistic, samples: npt.NDArray[np.int64], parts: Floats, bound: float) -> AssetEvent:
        sums = parts.sum(axis=1)
        shares = parts.sum(axis=0) / sums.sum()
        order = np.argsort(-shares, kind="stable")
        return AssetEvent(
            start=int(samples[0]),
            end=int(samples[-1]),
            statistic=statistic,
            peak_at=int(samples[sums.argmax()]),
            value=float(sums.max()),
            bound=bound,
            record=self.records[statistic].record,
            contributions=tuple((self.channels[self.active[i]], float(shares[i])) for i in order),
        )

    def _standardised(self, values: npt.ArrayLike) -> Floats:
        """Standardise the active channels, and put what is missing where the others say (probabilistic PCA)."""
        columns = _table(values, len(self.channels))[:, self.active]
        standardised = (columns - self.means) / self.scales
        missing = np.isnan(standardised)
        if not missing.any():
            return standardised
        covariance = (self.loadings * (self.variances - self.residual)) @ self.loadings.T
        covariance[np.diag_indices_from(covariance)] += self.residual
        gappy = np.flatnonzero(missing.any(axis=1) & ~missing.all(axis=1))
        patterns, which = np.unique(missing[gappy], axis=0, return_inverse=True)
        for number, gone in enumerate(patterns):
            rows = gappy[which.ravel() == number]
            weights = np.linalg.solve(covariance[np.ix_(~gone, ~gone)], covariance[np.ix_(~gone, gone)])
            standardised[np.ix_(rows, gone)] = standardised[np.ix_(rows, ~gone)] @ weights
        return standardised


_ARRAYS = ("active", "means", "scales", "loadings", "variances")


def fit_asset(train: npt.ArrayLike, channels: Sequence[str], margin: Margin = MARGINS["excess"].core) -> AssetModel:
    """Learn how the channels of an asset move together.

    Parameters
    ----------
    train : array_like, shape (n, number of channels)
        Training telemetry over one time base, see `on_one_clock`; missing samples are NaN.
    channels : sequence of str
        Name of each column.
    margin : Margin
        How far T-squared and Q may exceed their largest training values.

    Returns
    -------
    AssetModel
        Channels that are constant or missing in training are not judged; without any other, nothing is. Correlations
        come from the samples in which both channels are there.

    Raises
    ------
    DetectionError
        There are fewer than 20 samples, or not more samples than channels.

    Examples
    --------
    >>> swing = np.sin(np.arange(300) / 10)
    >>> model = fit_asset(np.column_stack([swing, 2 * swing, np.cos(np.arange(300) / 7)]), ["flow", "speed", "heat"])
    >>> [(event.statistic, event.start, event.end) for event in model.find([[0.0, 0.0, 0.0], [1.0, -2.0, 0.0]])]
    [('q', 1, 1)]
    """
    values = _table(train, len(channels))
    if len(values) < SHORT or len(values) <= len(channels):
        raise DetectionError(
            f"The asset has {counted(len(values), 'training sample')} for {counted(len(channels), 'channel')}.",
            f"At least {SHORT}, and more than channels, are needed.",
        )
    there = ~np.isnan(values)
    counts = there.sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        means = np.where(there, values, 0.0).sum(axis=0) / counts
        centred = np.where(there, values - means, 0.0)
        scales = np.sqrt((centred * centred).sum(axis=0) / (counts - 1))
        sizes = np.abs(np.where(there, values, 0.0)).max(axis=0)
        active = np.flatnonzero(scales > _ROUNDING * sizes)
    means, scales, sizes = means[active], scales[active], sizes[active]
    standardised = centred[:, active] / scales
    both = there[:, active].T.astype(np.float64) @ there[:, active]
    correlations = (standardised.T @ standardised) / np.maximum(both - 1, 1)
    variances, components = np.linalg.eigh(correlations)
    variances, components = np.maximum(variances[::-1], 0.0), components[:, ::-1]
    number = min(max(1, int((variances > 1.0).sum())), active.size)
    left_out = float(variances[number:].mean()) if active.size > number else 0.0
    model = AssetModel(
        channels=tuple(channels),
        active=active,
        means=means,
        scales=scales,
        loadings=components[:, :number],
        variances=np.maximum(variances[:number], _LEAST_VARIANCE),
        residual=max(left_out, _LEAST_VARIANCE),
        rounding=float(((_ROUNDING * sizes / scales) ** 2).sum()),
        records={},
        margin=margin,
    )
    records: dict[Statistic, FeatureRecord] = {}
    for statistic, parts in model.contributions(values).items():
        sums = parts.sum(axis=1)[np.isfinite(parts).all(axis=1)]
        if active.size and sums.size:
            records[statistic] = FeatureRecord(float(sums.max()), mean_excess(sums))
    return replace(model, records=records)


def on_one_clock(
    series: Mapping[str, "pd.Series[float]"], clock: str | None = None, patience: float = 2.0
) -> pd.DataFrame:
    """Bring channels of uneven rates onto one time base.

    Parameters
    ----------
    series : mapping of str to pandas.Series
        Values of each channel over its own times, or numbers of samples.
    clock : str, optional
        Channel whose times are the base; the one with the most samples where omitted.
    patience : float
        How long a channel's last value stands, in its own median periods; afterwards it is missing.

    Returns
    -------
    pandas.DataFrame
        One column a channel, in their order.

    Examples
    --------
    >>> fast, slow = pd.Series(np.arange(6.0)), pd.Series([10.0, 20.0], index=[0, 3])
    >>> on_one_clock({"fast": fast, "slow": slow})["slow"].tolist()
    [10.0, 10.0, 10.0, 20.0, 20.0, 20.0]
    """
    ordered = {name: one[~one.index.duplicated(keep="last")].sort_index() for name, one in series.items()}
    if not ordered:
        return pd.DataFrame()
    base = ordered[clock or max(ordered, key=lambda name: len(ordered[name]))].index
    columns = {}
    for name, one in ordered.items():
        periods = one.index.to_series().diff().dropna()
        tolerance = patience * periods.median() if len(periods) else None
        columns[name] = one.reindex(base, method="ffill", tolerance=tolerance)
    return pd.DataFrame(columns, index=base)


def _table(values: npt.ArrayLike, number: int) -> Floats:
    """Return values as a table with a column for each channel, in which what is not finite is missing."""
    table = np.asarray(values, dtype=np.float64)
    if table.ndim != 2 or table.shape[1] != number:
        raise DetectionError(f"Telemetry of the asset has shape {table.shape}.", f"Pass {number} columns.")
    return np.where(np.isfinite(table), table, np.nan)
