"""Evaluation: predicted against labelled anomaly sequences, by the paper's overlap protocol and by other metrics.

Flags, lengths and labels go in, counts and figures come out. Nothing here knows how a sequence was found, so the
same function judges a forecaster, the baselines beside it, and any other detector.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy.typing as npt
import pandas as pd

from workbench.counts import counted
from workbench.detection.evaluation.events import count_channel, count_units
from workbench.detection.evaluation.metrics import MetricChoice, chosen_metrics, result_of
from workbench.detection.evaluation.overlap import FIGURES, Contingency
from workbench.detection.evaluation.pooling import INTERVAL_COLUMNS, RESAMPLES, Result, as_figures, intervals
from workbench.detection.evaluation.records import plain_records
from workbench.exceptions import DetectionError

__all__ = ["Evaluation", "evaluate"]

T = TypeVar("T")
_INTERVALS = ("group", *INTERVAL_COLUMNS, "over")


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
        What of a label file was not judged, and why, and what was counted once.
    intervals : pandas.DataFrame
        `group`, `figure`, its `value`, and `mean`, `low` and `high` of 95 % bootstrap intervals; `over` says what was
        drawn: "channels", or "assets" where the group has several. Figures are `FIGURES` and those of the metrics.
    metrics : pandas.DataFrame
        `channel`, `asset` and the figures of each metric that was asked for, by channel; undefined ones are NaN.
    assets : Evaluation or None
        The same of assets judged as a whole, each in the place of a channel; None where none was.
    """

    rows: pd.DataFrame
    channels: pd.DataFrame
    baselines: pd.DataFrame
    unjudged: dict[str, str]
    failed: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    intervals: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=list(_INTERVALS)))
    metrics: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=["channel", "asset"]))
    assets: "Evaluation | None" = None

    def to_json_dict(self) -> dict[str, Any]:
        """Return plain values for `json.dumps`; undefined figures become null.

        Returns
        -------
        dict
            `rows`, `channels`, `baselines`, `intervals`, `metrics`: lists with one object a row; `unjudged`: reason by
            channel; `notes`: a list; `assets`: the same of assets as a whole, or None.
        """
        return {
            "rows": plain_records(self.rows),
            "channels": plain_records(self.channels),
            "baselines": plain_records(self.baselines),
            "intervals": plain_records(self.intervals),
            "metrics": plain_records(self.metrics),
            "unjudged": dict(self.unjudged),
            "notes": list(self.notes),
            "assets": None if self.assets is None else self.assets.to_json_dict(),
        }

    def _repr_html_(self) -> str:
        parts = [_html(self.rows)]
        if not self.metrics.empty:
            pooled = self.intervals[self.intervals["group"].eq("all") & self.intervals["over"].eq("channels")]
            further = pooled[~pooled["figure"].isin(FIGURES)].drop(columns=["group", "over"])
            parts += ["<p>Further metrics, with 95 % intervals over channels:</p>", _html(further)]
        parts += ["<p>Detectors that ignore the telemetry, for comparison:</p>", _html(self.baselines)]
        if self.assets is not None:
            parts += ["<p>Assets as a whole, judged by the labels of their channels:</p>", _html(self.assets.rows)]
        if self.unjudged:
            parts.append(f"<p>{counted(len(self.unjudged), 'channel')} not judged (see <code>.unjudged</code>).</p>")
        return "".join(parts)


def evaluate(
    predicted: Mapping[str, pd.DataFrame],
    labels: Mapping[str, pd.DataFrame | None],
    lengths: Mapping[str, int],
    assets: Mapping[str, str],
    *,
    hashes: Mapping[str, str] | None = None,
    persistence: Mapping[str, pd.DataFrame] | None = None,
    metrics: Iterable[MetricChoice] = (),
    scores: Mapping[str, npt.ArrayLike] | None = None,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Evaluation:
    """Judge predicted sequences against labels, by asset and pooled.

    Parameters
    ----------
    predicted : mapping of channel to DataFrame
        Integer columns `start`, `end` (inclusive, samples of the test series) of each scored channel, and `detected_at`
        where an anomaly was detected later than where it begins.
    labels : mapping of channel to DataFrame or None
        The true sequences; no rows for a channel labelled normal, None for one whose labels are not known. Rows of an
        asset's channels that have the same name in a column `event` are one event: it is found where any of the
        channels finds it, and missed once where none does.
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
    metrics : iterable of str or callable
        Metrics beside the overlap protocol: names of `workbench.detection.evaluation.METRICS`, "all", or functions of
        predicted, labels, length and score that return a float or figures by name; see `Metric`.
    scores : mapping of channel to array_like, optional
        Anomaly score of each channel, for metrics that read it.
    resamples, seed : int
        How many times channels are drawn for the bootstrap intervals, which are left out where 0, and the seed.

    Returns
    -------
    Evaluation
        A figure that is undefined is NaN, never 0 or 1.

    Raises
    ------
    DetectionError
        A sequence lies outside its series, a judged channel has no length or asset, or a metric is not known.
    """
    chosen = chosen_metrics(metrics)
    unjudged = {name: "no labels" for name in predicted if labels.get(name) is None}
    unjudged |= {
        name: "not scored" for name, sequences in labels.items() if sequences is not None and name not in predicted
    }
    truth = {name: sequences for name in predicted if (sequences := labels.get(name)) is not None}
    for name in truth:
        if name not in lengths or name not in assets:
            raise DetectionError(f"{name} is to be judged but has no length or no asset.", "Pass both with its labels.")
    counts = {name: count_channel(name, predicted[name], truth[name], lengths[name]) for name in truth}
    copies = _duplicates(truth, hashes or {})
    headline = [name for name in truth if name not in copies]
    units = count_units({name: predicted[name] for name in headline}, truth, lengths, assets)
    results = {
        name: {
            channel: result_of(name, metric, predicted[channel], truth[channel], lengths[channel], score)
            for channel in truth
            for score in [(scores or {}).get(channel)]
        }
        for name, metric in chosen.items()
    }
    shared = [(assets[name], name) for name in headline]
    judged: list[list[tuple[str, Any]]] = [
        units,
        *([(asset, result[name]) for asset, name in shared] for result in results.values()),
    ]
    return Evaluation(
        rows=pd.DataFrame(_rows(units), columns=["group", *FIGURES]),
        channels=_channel_table(counts, assets, copies),
        baselines=_baseline_table(_blind(headline, lengths, persistence), truth, lengths, assets),
        unjudged=unjudged,
        intervals=_all_intervals(judged, resamples, seed),
        metrics=_metric_table(results, list(truth), assets),
    )


def _channel_table(
    counts: Mapping[str, Contingency], assets: Mapping[str, str], copies: Mapping[str, str]
) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {"channel": name, "asset": assets[name], **counted.figures(), "duplicate_of": copies.get(name, "")}
            for name, counted in counts.items()
        ],
        columns=["channel", "asset", *FIGURES, "duplicate_of"],
    )


def _blind(
    channels: Iterable[str], lengths: Mapping[str, int], persistence: Mapping[str, pd.DataFrame] | None
) -> dict[str, dict[str, pd.DataFrame]]:
    """Return what detectors flag that ignore the telemetry, and the persistence forecaster where it is there."""
    names = list(channels)
    flags = {
        "flag everything": {name: _one(0, lengths[name] - 1) for name in names},
        "flag the middle half": {name: _one(lengths[name] // 4, lengths[name] * 3 // 4 - 1) for name in names},
    }
    if persistence is not None:
        flags["persistence"] = {name: persistence[name] for name in names if name in persistence}
    return flags


def _baseline_table(
    blind: Mapping[str, dict[str, pd.DataFrame]],
    truth: Mapping[str, pd.DataFrame],
    lengths: Mapping[str, int],
    assets: Mapping[str, str],
) -> pd.DataFrame:
    rows = [
        {"baseline": label, **row}
        for label, flags in blind.items()
        for row in _rows(count_units(flags, truth, lengths, assets))
    ]
    return pd.DataFrame(rows, columns=["baseline", "group", *FIGURES])


def _rows(units: list[tuple[str, Contingency]]) -> list[dict[str, Any]]:
    return [
        {"group": group, **sum((one for _, one in members), Contingency()).figures()}
        for group, members in _groups(units).items()
    ]


def _groups(units: list[tuple[str, T]]) -> dict[str, list[tuple[str, T]]]:
    """Return the units of each asset, then all of them."""
    assets = sorted({asset for asset, _ in units})
    return {asset: [unit for unit in units if unit[0] == asset] for asset in assets} | {"all": units}


def _all_intervals(metrics: list[list[tuple[str, Any]]], resamples: int, seed: int) -> pd.DataFrame:
    """Return the intervals of every metric and group, from the asset and the result of each of its units."""
    tables: list[pd.DataFrame] = []
    for units in metrics:
        for group, members in _groups(units).items():
            results = [result for _, result in members]
            tables.append(intervals(results, None, resamples, seed).assign(group=group, over="channels"))
            names = [asset for asset, _ in members]
            if len(set(names)) > 1:
                tables.append(intervals(results, names, resamples, seed).assign(group=group, over="assets"))
    filled = [table for table in tables if len(table)]
    return pd.concat(filled, ignore_index=True)[list(_INTERVALS)] if filled else pd.DataFrame(columns=list(_INTERVALS))


def _metric_table(
    results: Mapping[str, Mapping[str, Result]], channels: list[str], assets: Mapping[str, str]
) -> pd.DataFrame:
    """Return the figures of each channel, one row each.

    Raises
    ------
    DetectionError
        Two metrics return figures of the same name.
    """
    if not results:
        return pd.DataFrame(columns=["channel", "asset"])
    source: dict[str, str] = dict.fromkeys((*FIGURES, "channel", "asset"), "the overlap protocol")
    rows: dict[str, dict[str, Any]] = {name: {"channel": name, "asset": assets[name]} for name in channels}
    for metric, by_channel in results.items():
        for channel, result in by_channel.items():
            for figure, value in as_figures(result).items():
                if source.setdefault(figure, metric) != metric:
                    raise DetectionError(
                        f"The metrics {source[figure]} and {metric} both return a figure called {figure}.",
                        "Let one of them call it otherwise.",
                    )
                rows[channel][figure] = float(value)
    return pd.DataFrame(list(rows.values()), columns=list(dict.fromkeys(name for row in rows.values() for name in row)))


def _duplicates(names: Iterable[str], hashes: Mapping[str, str]) -> dict[str, str]:
    first: dict[str, str] = {}
    copies = {}
    for name in names:
        if name in hashes and first.setdefault(hashes[name], name) != name:
            copies[name] = first[hashes[name]]
    return copies


def _one(start: int, end: int) -> pd.DataFrame:
    return pd.DataFrame({"start": [start], "end": [end]}).query("start <= end")


def _html(frame: pd.DataFrame) -> str:
    return str(frame.to_html(index=False, na_rep="-", float_format="{:.3f}".format, border=0))
