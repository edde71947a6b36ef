"""Scores judged against labels: the archive's own, or those of a file."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from workbench.counts import counted
from workbench.detection.alarm_samples import alarm_samples
from workbench.detection.asset.clock import standing_rows
from workbench.detection.evaluation import Evaluation, count, evaluate
from workbench.detection.evaluation.events import EVENT
from workbench.detection.evaluation.metrics import MetricChoice
from workbench.detection.evaluation.sequences import DETECTED_AT
from workbench.exceptions import ArchiveError, DetectionError, LabelError, WorkbenchError
from workbench.telemetry.archive import Archive
from workbench.telemetry.archiving.label_moments import rows_of_moments
from workbench.telemetry.importers.labels.files import read_label_spans
from workbench.telemetry.importers.labels.spans import LabelScope, LabelSpans, SeriesNames, label_samples, label_table
from workbench.telemetry.importers.reading import Reading
from workbench.telemetry.labels import faults
from workbench.telemetry.moments import ticks

__all__ = ["AssetJudgement", "Truth", "confusion", "find_labels", "judge_assets", "judge_scores"]

Tables = Mapping[str, pd.DataFrame]
_STEPS_OF_A_SAMPLE = 1.5  # median steps of a time base that a sample stands for
_CONFUSION = ("true_positives", "false_positives", "false_negatives", "precision", "recall")


@dataclass(frozen=True)
class AssetJudgement:
    """Assets judged as a whole.

    Attributes
    ----------
    evaluation : Evaluation or None
        Figures with each asset in the place of a channel; None where no asset could be judged.
    failed : dict of str to str
        Assets that could not be scored or judged, and why.
    notes : tuple of str
        Which channels of an asset have no labels, and which labels its time base does not hold.
    """

    evaluation: Evaluation | None = None
    failed: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Truth:
    """The labels that scores are judged against.

    Attributes
    ----------
    tables : mapping of str to pandas.DataFrame
        Label table of each channel that is labelled; labels of a whole asset have the name of their event in a column
        `event`, so that they are counted once.
    notes : tuple of str
        What of a label file is not judged, and why; which labels are counted once.
    """

    tables: Tables
    notes: tuple[str, ...] = ()


def find_labels(
    archive: Archive,
    channels: Sequence[str],
    labels: Path | str | Tables | None,
    timezone: str | None = None,
    date_order: str | None = None,
) -> Truth:
    """Return the label table of each channel that has one.

    Parameters
    ----------
    archive : Archive
        Archive that holds the channels.
    channels : sequence of str
        Names of the channels.
    labels : Path, str, mapping or None
        Label file in any form that `workbench.telemetry.importers.labels.files` reads, or a label table per channel;
        the archive's own where None.
    timezone : str, optional
        Zone of times of the file that carry none; UTC where omitted.
    date_order : {"day", "month"}, optional
        Order of its dates such as 03/04/2024; the whole file decides where omitted.

    Returns
    -------
    Truth
        In the order of the channels; one whose labels are damaged is left out.

    Raises
    ------
    LabelError
        No channel is labelled, or the file cannot be read.
    """
    if labels is None:
        truth = _of_archive(archive, channels)
    elif isinstance(labels, Mapping):
        truth = Truth({name: faults(labels[name]) for name in channels if name in labels})
    else:
        how = Reading.of({"timezone": timezone, "date_order": date_order})
        truth = _of_file(archive, channels, read_label_spans(Path(labels), how.timezone, how.date_order))
        if not truth.tables and not truth.notes:
            raise LabelError(f"The labels {labels} hold no label.", "Write a row for each: channel,start,end.")
    if not truth.tables:
        raise LabelError(
            " ".join(["No channel of the archive is labelled.", *truth.notes]),
            "Pass a file that names channels or assets of the archive: workbench evaluate --labels FILE"
            if truth.notes
            else "Give labels: workbench evaluate --labels labeled_anomalies.csv",
        )
    return truth


def _of_archive(archive: Archive, channels: Sequence[str]) -> Truth:
    """Return the archive's labels; those at the same times in all labelled channels of an asset are its own."""
    tables = {name: table for name in channels if (table := _labels(archive, name)[0]) is not None}
    members: dict[str, list[str]] = {}
    for name in tables:
        members.setdefault(archive.asset_of(name)[0], []).append(name)
    notes = []
    for asset, names in members.items():
        spans = [_dated_spans(archive, name) for name in names]
        shared = sorted(set.intersection(*spans)) if len(names) > 1 else []
        if not shared:
            continue
        for name in names:
            tables[name] = _with_shared_events(tables[name], shared, archive.open(name)["time"].values)
        count_of_events = len({event for name in names for event in tables[name][EVENT]} - {""})
        if count_of_events:
            what = counted(count_of_events, "label")
            notes.append(f"Counted once for {asset}: {what} at the same time in its {len(names)} labelled channels.")
    return Truth(tables, tuple(notes))


def _dated_spans(archive: Archive, channel: str) -> set[tuple[int, int, str]]:
    """Return first and last moment and kind of a channel's labels; none where they are numbers of samples."""
    try:
        stored = archive.label_moments(channel)
    except ArchiveError:
        return set()
    if stored is None or stored["clock"] != "time":
        return set()
    return {(int(first), int(last), str(kind)) for first, last, kind in stored["spans"]}


def _with_shared_events(
    table: pd.DataFrame, shared: Iterable[tuple[int, int, str]], time: npt.NDArray[np.datetime64]
) -> pd.DataFrame:
    events = {}
    for span in shared:
        for start, end, kind in rows_of_moments({"clock": "time", "spans": [span]}, time):
            events[start, end, kind] = f"{span[0]} {span[2]}"
    rows = zip(table["start"], table["end"], table["kind"], strict=True)
    return table.assign(**{EVENT: [events.get(row, "") for row in rows]})


def _file_events(
    table: pd.DataFrame, scopes: Sequence[LabelScope], names: SeriesNames, time: npt.NDArray[np.datetime64]
) -> list[str]:
    """Return the event of each row of a label table: when the label of the asset began that it overlaps, or nothing.

    A sample stands for the time until the next one.
    """
    spans: list[list[np.datetime64]] = []
    of_asset = [scope for scope in scopes if not scope.channel and scope.name not in names.unique_names]
    for first, last in sorted(pair for scope in of_asset for pair in zip(scope.starts, scope.ends, strict=True)):
        if spans and first <= spans[-1][1]:
            spans[-1][1] = max(spans[-1][1], last)
        else:
            spans.append([first, last])
    events = []
    for start, end in table[["start", "end"]].to_numpy().tolist():
        before_next = time[end + 1] if end + 1 < len(time) else None
        overlapping = (
            first for first, last in spans if last >= time[start] and (before_next is None or first < before_next)
        )
        events.append(str(next(overlapping, "")))
    return events


def _of_file(archive: Archive, channels: Sequence[str], spans: LabelSpans) -> Truth:
    infos = {info.channel: info for info in archive.infos()[0]}
    assets = {name: info.asset for name, info in infos.items()}
    tables: dict[str, pd.DataFrame] = {}
    series: list[SeriesNames] = []
    events: dict[str, list[str]] = {}
    in_training, outside, undated = 0, 0, []
    for name in channels:
        if name not in infos:
            continue
        info = infos[name]
        names = SeriesNames.of(name, info.asset, info.source, name.removeprefix(f"{info.asset}."), assets)
        series.append(names)
        if name in spans.numbers:
            tables[name] = spans.numbers[name]
            continue
        scopes = spans.of(names)
        time = [archive.open(name, split)["time"].values for split in ("train", "test")] if scopes else []
        if not scopes:
            continue
        if time[1].dtype.kind != "M":
            undated.append(name)
            continue
        before = archive.open_before(name)
        n_before = 0 if before is None else before.sizes["time"]
        time = time if before is None else [before["time"].values, *time]
        samples = label_samples(scopes, np.concatenate(time))
        n_earlier = n_before + info.n_train
        tables[name] = label_table(samples, n_earlier)
        events[name] = _file_events(tables[name], scopes, names, time[-1])
        in_training += int(samples.masks[:n_earlier].any(axis=1).sum())
        outside += int(samples.outside.sum())
    for name in events:
        if sum(assets[other] == assets[name] for other in events) > 1:
            tables[name] = tables[name].assign(**{EVENT: events[name]})
    notes = {
        "labels_in_training": f"{counted(in_training, 'labelled sample')} in training series" if in_training else "",
        "labels_outside": f"{counted(outside, 'label')} outside of the data" if outside else "",
        "unknown": spans.unused_text(series),
        "undated": f"{', '.join(undated[:5])}: sample numbers, and the labels are times" if undated else "",
    }
    if (in_training or outside) and not any(len(table) for table in tables.values()):
        where = " and ".join(note for note in (notes["labels_in_training"], notes["labels_outside"]) if note)
        raise LabelError(
            f"No label of the file lies in the telemetry that is judged, the test series: {where}.",
            "Check the times of the labels, and their time zone: workbench evaluate --labels FILE --timezone ZONE",
        )
    return Truth(tables, tuple(f"Not judged: {note}." for note in notes.values() if note))


def confusion(archive: Archive, channels: Iterable[str], stored: Callable[[str], pd.DataFrame | None]) -> pd.DataFrame:
    """Compare stored scores with the archive's own labels; nothing is computed.

    Parameters
    ----------
    archive : Archive
        Archive that holds the channels and labels.
    channels : iterable of str
        Names of the channels.
    stored : callable
        Function that returns the stored anomalies of a channel, None where it is not scored.

    Returns
    -------
    pandas.DataFrame
        One row a channel that is labelled, scored and not damaged: `channel`, int `true_positives`, `false_positives`,
        `false_negatives`, float `precision`, `recall` (NaN where undefined), by the overlap protocol of `count`.
    """
    rows = []
    for name in channels:
        try:
            labels, _ = _labels(archive, name)
            anomalies = None if labels is None else stored(name)
            if labels is None or anomalies is None:
                continue
            figures = count(anomalies, labels, archive.info(name).n_test).figures()
        except (ArchiveError, DetectionError):  # damaged, or an older score of a longer series
            continue
        else:
            rows.append({"channel": name, **{figure: figures[figure] for figure in _CONFUSION}})
    return pd.DataFrame(rows, columns=["channel", *_CONFUSION])


def judge_scores(
    archive: Archive,
    truth: Truth,
    table: pd.DataFrame,
    persistence: Callable[[Iterable[str]], dict[str, pd.DataFrame]],
    metrics: Iterable[MetricChoice] = (),
    scored: Callable[[str], xr.Dataset] | None = None,
    whole: AssetJudgement | None = None,
    error_buffer: int = 0,
) -> Evaluation:
    """Judge the table of `Session.score_all` against labels.

    Parameters
    ----------
    archive : Archive
        Archive that holds the channels.
    truth : Truth
        From `find_labels`.
    table : pandas.DataFrame
        Table of `Session.score_all`, of these channels.
    persistence : callable
        Function that returns what the persistence forecaster flags in channels.
    metrics : iterable of str or callable
        As for `workbench.detection.evaluation.evaluate`.
    scored : callable, optional
        Function that returns the score of a channel, for metrics that read the smoothed error, or when anomalies were
        detected.
    whole : AssetJudgement, optional
        From `judge_assets`, to stand beside the channels.
    error_buffer : int
        Samples that the threshold adds on each side of an anomalous error.

    Returns
    -------
    Evaluation
        Channels without labels or score are named in `unjudged`, and those that could not be read or scored in
        `failed`, too.

    Raises
    ------
    WorkbenchError
        No channel could be scored, and no asset judged.
    """
    whole = whole or AssetJudgement()
    failed = table[table["status"] == "failed"]
    if len(failed) == len(table) and whole.evaluation is None:
        raise WorkbenchError(f"No labelled channel could be scored; {failed.iloc[0]['reason']}")
    done = table[table["status"] != "failed"]
    predicted: dict[str, pd.DataFrame] = dict(zip(done["channel"], done["anomalies"], strict=True))
    infos = {info.channel: info for info in archive.infos()[0] if info.channel in truth.tables}
    lengths = {name: info.n_test for name, info in infos.items()}
    scores: dict[str, npt.NDArray[np.float64]] = {}
    for name, anomalies in predicted.items():
        if scored is None:
            break
        one = scored(name)
        scores[name] = _errors(one, lengths[name])
        predicted[name] = anomalies.assign(**{DETECTED_AT: alarm_samples(one, error_buffer)})
    judged = evaluate(
        predicted,
        truth.tables,
        lengths,
        {name: info.asset for name, info in infos.items()},
        hashes={name: info.test_hash for name, info in infos.items()},
        persistence=persistence(predicted),
        metrics=metrics,
        scores=scores,
    )
    reasons = dict(zip(failed["channel"], failed["reason"], strict=True))
    unlabelled = {}
    for name in archive.channels():
        if name not in truth.tables:
            damage = _labels(archive, name)[1]
            unlabelled[name] = damage or "no labels"
            reasons |= {name: damage} if damage else {}
    unjudged = {name: reasons.get(name, reason) for name, reason in judged.unjudged.items()}
    return replace(
        judged,
        unjudged=unjudged | unlabelled,
        failed=reasons | whole.failed,
        notes=truth.notes + whole.notes,
        assets=whole.evaluation,
    )


def judge_assets(
    archive: Archive,
    truth: Truth,
    table: pd.DataFrame,
    scored: Callable[[str], xr.Dataset],
    metrics: Iterable[MetricChoice] = (),
) -> AssetJudgement:
    """Judge the anomalies of assets as a whole against the labels of their channels.

    Parameters
    ----------
    archive : Archive
        Archive that holds the channels.
    truth : Truth
        From `find_labels`.
    table : pandas.DataFrame
        Table of `Assets.score_all`, of assets with a labelled channel.
    scored : callable
        Function that returns the score of an asset.
    metrics : iterable of str or callable
        As for `workbench.detection.evaluation.evaluate`; the score that they read is the larger of both distances.

    Returns
    -------
    AssetJudgement
        What is labelled in any channel is an event of its asset. Labels that overlap on the asset's time base, or have
        the same name of an event, are one.
    """
    members: dict[str, list[str]] = {}
    for info in archive.infos()[0]:
        members.setdefault(info.asset, []).append(info.channel)
    failed = table[table["status"] == "failed"]
    reasons = dict(zip(failed["asset"], failed["reason"], strict=True))
    predicted, labels, lengths, scores, notes = {}, {}, {}, {}, []
    done = table[table["status"] != "failed"]
    for asset, anomalies in zip(done["asset"], done["anomalies"], strict=True):
        labelled = [name for name in members[asset] if name in truth.tables]
        try:
            one = scored(asset)
            labels[asset], outside = _labels_on_base(archive, truth.tables, labelled, one["time"].values)
        except WorkbenchError as error:
            reasons[asset] = str(error)
            continue
        predicted[asset], lengths[asset] = anomalies, one.sizes["time"]
        scores[asset] = np.fmax(one["t_squared"].values, one["q"].values)
        if len(labelled) < len(members[asset]):
            which = f"{len(labelled)} of its {counted(len(members[asset]), 'channel')}"
            notes.append(f"{asset} as a whole is judged by the labels of {which}: the others have none.")
        if outside:
            notes.append(f"Not judged: {counted(outside, 'label')} outside of the time base of {asset}.")
    judged = None
    if predicted:
        judged = evaluate(
            predicted, labels, lengths, {name: name for name in predicted}, metrics=metrics, scores=scores
        )
        each = judged.intervals["over"].eq("channels")  # of which each is an asset here
        judged = replace(judged, intervals=judged.intervals[each].assign(over="assets").reset_index(drop=True))
    return AssetJudgement(judged, reasons, tuple(notes))


def _labels_on_base(
    archive: Archive, tables: Tables, channels: Sequence[str], base: npt.NDArray[np.generic]
) -> tuple[pd.DataFrame, int]:
    """Return the labels of channels as events on a time base, and how many labels it does not hold.

    A label lies where its samples stand on the base. One between two moments of the base means the one before it.
    """
    moments = ticks(base)
    step = float(np.median(np.diff(moments))) if moments.size > 1 else 0.0
    spans: dict[tuple[str, int], tuple[int, int]] = {}
    outside = 0
    for name in channels:
        own, table = ticks(archive.open(name)["time"].values), tables[name]
        standing = standing_rows(own, moments)
        events = table[EVENT].fillna("").tolist() if EVENT in table else [""] * len(table)
        for number, (start, end) in enumerate(table[["start", "end"]].to_numpy().tolist()):
            rows = np.flatnonzero((standing >= start) & (standing <= end))
            if not rows.size:
                before = int(np.searchsorted(moments, own[start], side="right")) - 1
                if before < 0 or own[start] - moments[before] > _STEPS_OF_A_SAMPLE * step:
                    outside += 1
                    continue
                rows = np.array([before])
            key = (events[number], 0) if events[number] else (name, number)
            first, last = spans.get(key, (int(rows[0]), int(rows[-1])))
            spans[key] = min(first, int(rows[0])), max(last, int(rows[-1]))
    merged: list[list[int]] = []
    for first, last in sorted(spans.values()):
        if merged and first <= merged[-1][1]:
            merged[-1][1] = max(merged[-1][1], last)
        else:
            merged.append([first, last])
    return pd.DataFrame(merged, columns=["start", "end"], dtype="int64"), outside


def _errors(scored: xr.Dataset, length: int) -> npt.NDArray[np.float64]:
    """Return the smoothed error of every sample of a series; NaN where it is not judged."""
    errors = np.full(length, np.nan)
    errors[scored["sample"].values] = scored["smoothed_error"].values
    return errors


def _labels(archive: Archive, name: str) -> tuple[pd.DataFrame | None, str]:
    """Return a channel's labels that are faults, None where it has none that can be read, and why they cannot be."""
    try:
        labels = archive.labels(name)
        return None if labels is None else faults(labels), ""
    except ArchiveError as error:
        return None, str(error)
