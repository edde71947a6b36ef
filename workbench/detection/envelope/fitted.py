"""The envelope of a channel: what its telemetry has done in training, and where it does more."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from workbench.detection.envelope.events import LAG, EnvelopeEvent, Excursion, Judge, event_of
from workbench.detection.envelope.features import (
    FEATURES,
    LARGEST,
    MARGINS,
    Bound,
    Margin,
    Margins,
    feature_values,
)
from workbench.detection.envelope.rolling import LONG, SHORT, Floats
from workbench.exceptions import DetectionError

__all__ = ["BLOCK", "Envelope", "FeatureRecord", "fit_envelope", "mean_excess"]

BLOCK = 65_536
"""Samples whose features are computed at a time, so that a series of any length takes little memory."""
_QUANTILE = 0.98
_ROUNDING = 2.0**-12
_SAME = 1e-9


@dataclass(frozen=True, slots=True)
class FeatureRecord:
    """What a feature did in training.

    Attributes
    ----------
    record : float
        M, the largest value of the feature; the negative of the smallest where its kind is "log", with 0.001 of the
        training range added.
    excess : float
        s, the mean of what exceeds the feature's 98 % quantile, beyond it; of logarithms where its kind is "log".
    """

    record: float
    excess: float


@dataclass(frozen=True)
class Envelope:
    """What the telemetry of a channel has done in training.

    Attributes
    ----------
    least, greatest : float or None
        Of the training telemetry; None where no sample of it is there.
    samples : int
        Training samples that are there.
    records : mapping of str to FeatureRecord
        By name of the feature; those that are missing are not judged.
    margins : Margins
        How far the features may exceed their records.
    tail : tuple of float
        The last training samples, at most 150, for the windows of a series that follows.
    unchanged : int
        Training samples at the end since the last change.

    Notes
    -----
    Windows are counted in samples, whatever the sampling period, and are not scaled with it. Every feature is compared
    with itself over the same number of samples in the training series of the same channel, so that a period, like a
    unit, cancels out; a window in seconds would hold less than one sample of a slow channel and thousands of a fast
    one. Samples that are missing are passed over: windows, pauses and lags count samples that are there.
    """

    least: float | None
    greatest: float | None
    samples: int
    records: Mapping[str, FeatureRecord]
    margins: Margins
    tail: tuple[float, ...] = ()
    unchanged: int = 0

    @property
    def range(self) -> float:
        """R, the greatest minus the least training value; 0 where there is none."""
        return 0.0 if self.least is None or self.greatest is None else self.greatest - self.least

    def bound(self, feature: str) -> Bound:
        """Return the bound of a feature that is judged.

        Notes
        -----
        Where the training telemetry is constant, any change of it is unusual, but for errors of rounding: the floor is
        0.01 of a 4,096th of its size, which twenty steps of the
        rounding of float32 do not exceed, in place of 0.01 of its range.
        """
        kind = FEATURES[feature]
        margin: Margin = getattr(self.margins, kind)
        unit = 1.0
        if kind == "core":
            unit = self.range if self.range > 0 else _ROUNDING * abs(self.greatest or 0.0)
        return Bound(kind, margin.kappa * self.records[feature].excess, margin.theta, margin.floor * unit)

    def find(self, test: npt.ArrayLike, *, follows_training: bool, breaks: Sequence[int] = ()) -> list[EnvelopeEvent]:
        """Find the events of a test series.

        Parameters
        ----------
        test : array_like, shape (n,)
            Telemetry in its units. Samples that are missing are NaN or infinite.
        follows_training : bool
            Whether the series follows the training directly. Its windows then go on from those of the training, and
            every sample is judged; otherwise they begin anew, and the first 250 samples only feed the records.
        breaks : sequence of int
            Samples, which are there, with which the series begins anew, in rising order. An event ends before one;
            behind it the windows begin anew, and 250 samples only feed the records, which stay.

        Returns
        -------
        list of EnvelopeEvent
            Of all features, in the order of their start, then of `FEATURES`.

        Examples
        --------
        >>> train = np.tile([0.0, 1.0], 300)
        >>> test = np.tile([0.0, 1.0], 300)
        >>> test[400] = 4.0
        >>> for event in fit_envelope(train).find(test, follows_training=True)[:2]:
        ...     print(event.start, event.end, event.words)
        400 400 distance above the training minimum 4.0 times the largest in training and since
        400 401 step 3.0 times the largest in training and since
        """
        values, positions = present(test)
        if self.least is None or self.greatest is None or not values.size:
            return []
        before = np.asarray(self.tail if follows_training else ())
        unchanged, first = self.unchanged, 0 if follows_training else LAG
        judges = {feature: Judge(self.bound(feature), known.record) for feature, known in self.records.items()}
        excursions: dict[str, list[Excursion]] = {feature: [] for feature in judges}
        for begin, end in pairwise((0, *np.searchsorted(positions, breaks).tolist(), values.size)):
            if begin:
                before, unchanged, first = np.empty(0), 0, begin + LAG
            for start in range(begin, end, BLOCK):
                block = values[start : min(start + BLOCK, end)]
                columns = feature_values(block, self.least, self.greatest, before, unchanged)
                for feature, judge in judges.items():
                    excursions[feature] += judge.extend(start, columns[feature], first)
                before, unchanged = np.concatenate((before, block))[-LONG:], int(columns["stuck"][-1])
            for feature, judge in judges.items():
                ended = judge.begin_anew()
                excursions[feature] += [] if ended is None else [ended]
        events = [
            event_of(feature, excursion, positions)
            for feature, of_feature in excursions.items()
            for excursion in of_feature
        ]
        return sorted(events, key=lambda event: event.start)

    def to_json_dict(self) -> dict[str, Any]:
        """Return plain values for `json.dumps`, from which `from_json_dict` makes the same envelope."""
        return asdict(self)

    @classmethod
    def from_json_dict(cls, values: Mapping[str, Any]) -> "Envelope":
        """Make an envelope of what `to_json_dict` returned.

        Raises
        ------
        DetectionError
            The values are not those of an envelope.
        """
        try:
            records = {name: FeatureRecord(**known) for name, known in values["records"].items()}
            margins = Margins(**{name: Margin(**margin) for name, margin in values["margins"].items()})
            envelope = cls(**{**values, "records": records, "margins": margins, "tail": tuple(values["tail"])})
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise DetectionError(f"This is not an envelope: {error}.", "Fit the envelope again.") from None
        if unknown := sorted(records.keys() - FEATURES.keys()):
            raise DetectionError(f"The envelope has unknown features: {', '.join(unknown)}.", "Fit the envelope again.")
        return envelope


def fit_envelope(train: npt.ArrayLike, margins: str | Margins = "excess", breaks: Sequence[int] = ()) -> Envelope:
    """Learn the envelope of a channel from its training telemetry.

    Parameters
    ----------
    train : array_like, shape (n,)
        Telemetry in its units. Samples that are missing are NaN or infinite.
    margins : str or Margins
        Name of one of `MARGINS`: "excess", or "fixed" for twice the record. Or margins of one's own.
    breaks : sequence of int
        Samples, which are there, with which the series begins anew, in rising order; no window reaches across one.

    Returns
    -------
    Envelope
        It judges no feature whose window the training does not fill, and none where fewer than 20 samples are there.
        Where they are all equal, `stuck`, `calm150` and `quiet150` are not judged, as silence is normal there.

    Raises
    ------
    DetectionError
        There are no margins of this name, or the telemetry is not one series.

    Examples
    --------
    >>> fit_envelope(np.tile([0.0, 1.0], 300)).records["travel20"]
    FeatureRecord(record=20.0, excess=0.0)
    """
    if isinstance(margins, str):
        if margins not in MARGINS:
            raise DetectionError(f"There are no margins {margins!r}.", f"Known: {', '.join(MARGINS)}.")
        margins = MARGINS[margins]
    values, positions = present(train)
    if not values.size:
        return Envelope(None, None, 0, {}, margins)
    least, greatest = float(values.min()), float(values.max())
    stretches = np.split(values, np.searchsorted(positions, breaks))
    parts = [feature_values(stretch, least, greatest, np.empty(0), 0) for stretch in stretches]
    columns = {feature: np.concatenate([part[feature] for part in parts]) for feature in FEATURES}
    records = {}
    for feature, column in columns.items():
        complete = column[np.isfinite(column)]
        if values.size < SHORT or not complete.size or (greatest == least and FEATURES[feature] != "core"):
            continue
        compared = -np.log(-complete) if FEATURES[feature] == "log" else complete
        records[feature] = FeatureRecord(float(complete.max()), mean_excess(compared))
    tail = tuple(stretches[-1][-LONG:].tolist())
    return Envelope(least, greatest, values.size, records, margins, tail, int(columns["stuck"][-1]))


def present(series: npt.ArrayLike) -> tuple[Floats, npt.NDArray[np.int64]]:
    """Return the samples of a series that are there, clipped, and their positions."""
    values = np.asarray(series, dtype=np.float64)
    if values.ndim != 1:
        raise DetectionError(f"Telemetry has shape {values.shape}.", "Pass one value for each sample.")
    positions = np.flatnonzero(np.isfinite(values))
    return np.clip(values[positions], -LARGEST, LARGEST), positions


def mean_excess(values: Floats) -> float:
    """Return s, the mean of what exceeds the 98 % quantile, beyond it; 0 where nothing does.

    Sums of the same steps in another order differ by rounding; those at the quantile are not beyond it.
    """
    quantile = np.quantile(values, _QUANTILE)
    beyond = values[values > quantile + _SAME * np.abs(values).max()]
    return float((beyond - quantile).mean()) if beyond.size else 0.0
