"""Evaluation: predicted against labelled anomaly sequences, by the paper's overlap protocol.

Flags, lengths and labels go in, counts and figures come out. Nothing here knows how a sequence was found, so the
same function judges a forecaster, the baselines beside it, and any other detector.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.counts import counted
from workbench.exceptions import DetectionError

__all__ = ["FIGURES", "Contingency", "Evaluation", "count", "evaluate"]

FIGURES = (
    "true_positives",
    "false_positives",
    "false_negatives",
    "precision",
    "recall",
    "f0_5",
    "f1",
    "flagged_fraction",
    "tnr",
)
"""Columns of every row of an `Evaluation`, after its name."""


@dataclass(frozen=True)
class Contingency:
    """Counts of one channel or, added up, of a group.

    Attributes
    ----------
    true_positives : int
        True sequences touched by at least one predicted sequence.
    false_positives : int
        Predicted sequences that touch no true sequence.
    false_negatives : int
        True sequences touched by none.
    samples : int
        Samples of the test series.
    flagged : int
        Samples inside any predicted sequence.
    normal : int
        Samples outside every true sequence.
    true_negatives : int
        Normal samples that are not flagged.
    """

    true_positives: int = 0
    false_positives: int = 0
    false_negatives: int = 0
    samples: int = 0
    flagged: int = 0
    normal: int = 0
    true_negatives: int = 0

    def __add__(self, other: "Contingency") -> "Contingency":
        return Contingency(*(getattr(self, name) + getattr(other, name) for name in self.__dataclass_fields__))

    @property
    def precision(self) -> float:
        """TP / (TP + FP); NaN where TP + FP is 0."""
        return _ratio(self.true_positives, self.true_positives + self.false_positives)

    @property
    def recall(self) -> float:
        """TP / (TP + FN); NaN where no true sequence exists."""
        return _ratio(self.true_positives, self.true_positives + self.false_negatives)

    def f(self, beta: float) -> float:
        """Return F-beta; NaN where precision or recall is undefined.

        Parameters
        ----------
        beta : float
            Weight of recall; 0.5 values precision, as an operator does who has to look at every alarm.

        Returns
        -------
        float

        Examples
        --------
        >>> round(Contingency(true_positives=34, false_positives=7, false_negatives=5).f(1), 3)
        0.85
        """
        if np.isnan(self.precision) or np.isnan(self.recall):
            return float("nan")
        weight = beta * beta
        hits = (1 + weight) * self.true_positives
        return _ratio(hits, hits + weight * self.false_negatives + self.false_positives)

    @property
    def flagged_fraction(self) -> float:
        """Share of the test samples that are flagged; NaN where there are none."""
        return _ratio(self.flagged, self.samples)

    @property
    def tnr(self) -> float:
        """True negative rate by samples; NaN where every sample is labelled anomalous."""
        return _ratio(self.true_negatives, self.normal)

    def figures(self) -> dict[str, float]:
        """Return the columns named by `FIGURES`."""
        return {
            "true_positives": self.true_positives,
            "false_positives": self.false_positives,
            "false_negatives": self.false_negatives,
            "precision": self.precision,
            "recall": self.recall,
            "f0_5": self.f(0.5),
            "f1": self.f(1.0),
            "flagged_fraction": self.flagged_fraction,
            "tnr": self.tnr,
        }


@dataclass(frozen=True)
class Evaluation:
    """Figures of an evaluation against labels.

    Attributes
    ----------
    rows : pandas.DataFrame
        `group` (each asset, then `all`) and `FIGURES`, pooled by adding counts.
    channels : pandas.DataFrame
        `channel`, `asset`, `FIGURES`, `duplicate_of` (empty, or the channel counted in its place).
    baselines : pandas.DataFrame
        `baseline`, `group` and `FIGURES` of detectors that know nothing of the telemetry; a figure that they
        reach as well says nothing.
    unjudged : dict of str to str
        Channels left out, and why.
    failed : dict of str to str
        Those of them that should have been judged but could not be read or scored, and why.
    notes : tuple of str
        What of a label file was not judged, and why.
    """

    rows: pd.DataFrame
    channels: pd.DataFrame
    baselines: pd.DataFrame
    unjudged: dict[str, str]
    failed: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def to_json_dict(self) -> dict[str, Any]:
        """Return plain values for `json.dumps`; undefined figures become null.

        Returns
        -------
        dict
            `rows`, `channels`, `baselines`: lists with one object a row; `unjudged`: reason by channel; `notes`: a
            list.
        """
        return {
            "rows": _records(self.rows),
            "channels": _records(self.channels),
            "baselines": _records(self.baselines),
            "unjudged": dict(self.unjudged),
            "notes": list(self.notes),
        }

    def _repr_html_(self) -> str:
        parts = [_html(self.rows), "<p>Detectors that ignore the telemetry, for comparison:</p>", _html(self.baselines)]
        if self.unjudged:
            parts.append(f"<p>{counted(len(self.unjudged), 'channel')} not judged (see <code>.unjudged</code>).</p>")
        return "".join(parts)


def count(predicted: pd.DataFrame, labels: pd.DataFrame, length: int) -> Contingency:
    """Count one channel by the overlap protocol.

    Parameters
    ----------
    predicted : pandas.DataFrame
        Integer columns `start`, `end`, inclusive, in samples of the test series; may overlap each other.
    labels : pandas.DataFrame
        The true sequences, in the same form; no rows where the series is normal throughout.
    length : int
        Samples of the test series.

    Returns
    -------
    Contingency

    Raises
    ------
    DetectionError
        A sequence ends before it starts or lies outside the series.

    Notes
    -----
    Section 4.1 of Hundman et al. (KDD 2018, arXiv:1802.04431). Unlike Telemanom's code, where each prediction
    credits one true sequence only, a long prediction that touches two true sequences credits both.

    Examples
    --------
    >>> true = pd.DataFrame({"start": [10, 30], "end": [19, 39]})
    >>> found = pd.DataFrame({"start": [19, 50], "end": [30, 54]})
    >>> counted = count(found, true, 100)
    >>> counted.true_positives, counted.false_positives, counted.false_negatives, counted.flagged
    (2, 1, 0, 17)
    """
    flags, truth = _bounds(predicted, length, "predicted"), _bounds(labels, length, "labelled")
    touches = (flags[:, None, 0] <= truth[None, :, 1]) & (truth[None, :, 0] <= flags[:, None, 1])
    flagged, anomalous = _mask(flags, length), _mask(truth, length)
    hit = int(touches.any(axis=0).sum())
    return Contingency(
        true_positives=hit,
        false_positives=int((~touches.any(axis=1)).sum()),
        false_negatives=len(truth) - hit,
        samples=length,
        flagged=int(flagged.sum()),
        normal=int((~anomalous).sum()),
        true_negatives=int((~anomalous & ~flagged).sum()),
    )


def evaluate(
    predicted: Mapping[str, pd.DataFrame],
    labels: Mapping[str, pd.DataFrame | None],
    lengths: Mapping[str, int],
    assets: Mapping[str, str],
    *,
    hashes: Mapping[str, str] | None = None,
    persistence: Mapping[str, pd.DataFrame] | None = None,
) -> Evaluation:
    """Judge predicted sequences against labels, by asset and pooled.

    Parameters
    ----------
    predicted : mapping of channel to DataFrame
        Integer columns `start`, `end` (inclusive, samples of the test series) of each scored channel.
    labels : mapping of channel to DataFrame or None
        The true sequences; no rows for a channel labelled normal, None for one whose labels are not known.
    lengths : mapping of channel to int
        Samples of each test series.
    assets : mapping of channel to str
        Group of each channel.
    hashes : mapping of channel to str, optional
        Hash of each test series. Where given, channels that share one are counted once in `rows` and `baselines`:
        the first of them, in the order of `predicted`.
    persistence : mapping of channel to DataFrame, optional
        What the persistence forecaster flags with the same thresholds; gives the third baseline, judged on the
        channels that it holds.

    Returns
    -------
    Evaluation
        A figure that is undefined is NaN, never 0 or 1.

    Raises
    ------
    DetectionError
        A sequence lies outside its series, or a judged channel has no length or asset.
    """
    unjudged = {name: "no labels" for name in predicted if labels.get(name) is None}
    unjudged |= {
        name: "not scored" for name, sequences in labels.items() if sequences is not None and name not in predicted
    }
    truth = {name: sequences for name in predicted if (sequences := labels.get(name)) is not None}
    for name in truth:
        if name not in lengths or name not in assets:
            raise DetectionError(f"{name} is to be judged but has no length or no asset.", "Pass both with its labels.")
    counts = {name: _count(name, predicted[name], truth[name], lengths[name]) for name in truth}
    copies = _duplicates(truth, hashes or {})
    headline = [name for name in truth if name not in copies]
    channels = pd.DataFrame(
        [
            {"channel": name, "asset": assets[name], **counted.figures(), "duplicate_of": copies.get(name, "")}
            for name, counted in counts.items()
        ],
        columns=["channel", "asset", *FIGURES, "duplicate_of"],
    )
    blind = {
        "flag everything": {name: _one(0, lengths[name] - 1) for name in headline},
        "flag the middle half": {name: _one(lengths[name] // 4, lengths[name] * 3 // 4 - 1) for name in headline},
    }
    if persistence is not None:
        blind["persistence"] = {name: persistence[name] for name in headline if name in persistence}
    baselines = [
        {"baseline": label, **row}
        for label, flags in blind.items()
        for row in _rows({name: _count(name, flags[name], truth[name], lengths[name]) for name in flags}, assets)
    ]
    return Evaluation(
        rows=pd.DataFrame(_rows({name: counts[name] for name in headline}, assets), columns=["group", *FIGURES]),
        channels=channels,
        baselines=pd.DataFrame(baselines, columns=["baseline", "group", *FIGURES]),
        unjudged=unjudged,
    )


def _rows(counts: Mapping[str, Contingency], assets: Mapping[str, str]) -> list[dict[str, Any]]:
    groups = sorted({assets[name] for name in counts})
    members = {group: [counts[name] for name in counts if assets[name] == group] for group in groups}
    pooled = [*members.items(), ("all", list(counts.values()))]
    return [{"group": group, **_sum(counted).figures()} for group, counted in pooled]


def _sum(counts: Iterable[Contingency]) -> Contingency:
    return sum(counts, Contingency())


def _count(name: str, predicted: pd.DataFrame, labels: pd.DataFrame, length: int) -> Contingency:
    try:
        return count(predicted, labels, length)
    except DetectionError as error:
        raise DetectionError(f"{name}: {error.message}", error.hint) from None


def _duplicates(names: Iterable[str], hashes: Mapping[str, str]) -> dict[str, str]:
    first: dict[str, str] = {}
    copies = {}
    for name in names:
        if name in hashes and first.setdefault(hashes[name], name) != name:
            copies[name] = first[hashes[name]]
    return copies


def _bounds(sequences: pd.DataFrame, length: int, what: str) -> npt.NDArray[np.int64]:
    bounds = sequences[["start", "end"]].to_numpy(dtype=np.int64).reshape(-1, 2)
    invalid = (bounds[:, 0] > bounds[:, 1]) | (bounds[:, 0] < 0) | (bounds[:, 1] >= length)
    if invalid.any():
        start, end = bounds[invalid][0]
        raise DetectionError(
            f"{what} sequence [{start}, {end}] does not lie in a series of {length} samples.",
            f"Both ends count, so 0 <= start <= end <= {length - 1}.",
        )
    return bounds


def _mask(bounds: npt.NDArray[np.int64], length: int) -> npt.NDArray[np.bool_]:
    mask = np.zeros(length, dtype=np.bool_)
    for start, end in bounds:
        mask[start : end + 1] = True
    return mask


def _one(start: int, end: int) -> pd.DataFrame:
    return pd.DataFrame({"start": [start], "end": [end]}).query("start <= end")


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else float("nan")


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    plain = frame.astype(object).where(frame.notna(), None)
    return [{str(name): value for name, value in row.items()} for row in plain.to_dict(orient="records")]


def _html(frame: pd.DataFrame) -> str:
    return str(frame.to_html(index=False, na_rep="-", float_format="{:.3f}".format, border=0))
