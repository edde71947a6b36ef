"""Scores judged against labels: the archive's own, or those of a file."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd

from workbench.detection.evaluation import Evaluation, count, evaluate
from workbench.exceptions import ArchiveError, DetectionError, LabelError, WorkbenchError
from workbench.telemetry.archive import Archive
from workbench.telemetry.labels import read_labels

__all__ = ["confusion", "find_labels", "judge_scores"]

Tables = Mapping[str, pd.DataFrame]
_CONFUSION = ("true_positives", "false_positives", "false_negatives", "precision", "recall")


def find_labels(archive: Archive, channels: Sequence[str], labels: Path | str | Tables | None) -> Tables:
    """Return the label table of each channel that has one.

    Parameters
    ----------
    archive : Archive
        Archive that holds the channels.
    channels : sequence of str
        Names of the channels.
    labels : Path, str, mapping or None
        Telemanom's CSV, or a label table per channel; the archive's own where None.

    Returns
    -------
    mapping of str to pandas.DataFrame
        In the order of the channels; one whose labels are damaged is left out.

    Raises
    ------
    LabelError
        No channel is labelled, or the file cannot be read.
    """
    if labels is None:
        truth = {name: table for name in channels if (table := _labels(archive, name)[0]) is not None}
    else:
        tables = labels if isinstance(labels, Mapping) else read_labels(Path(labels))
        truth = {name: tables[name] for name in channels if name in tables}
    if not truth:
        raise LabelError(
            "No channel of the archive is labelled.",
            "Give labels: workbench evaluate --labels labeled_anomalies.csv",
        )
    return truth


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
            labels = archive.labels(name)
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
    truth: Tables,
    table: pd.DataFrame,
    persistence: Callable[[Iterable[str]], dict[str, pd.DataFrame]],
) -> Evaluation:
    """Judge the table of `Session.score_all` against labels.

    Parameters
    ----------
    archive : Archive
        Archive that holds the channels.
    truth : mapping of str to pandas.DataFrame
        Label table of each channel.
    table : pandas.DataFrame
        Table of `Session.score_all`, of these channels.
    persistence : callable
        Function that returns what the persistence forecaster flags in channels.

    Returns
    -------
    Evaluation
        Channels without labels or score are named in `unjudged`, and those that could not be read or scored in
        `failed`, too.

    Raises
    ------
    WorkbenchError
        No channel could be scored.
    """
    failed = table[table["status"] == "failed"]
    if len(failed) == len(table):
        raise WorkbenchError(f"No labelled channel could be scored; {failed.iloc[0]['reason']}")
    scored = table[table["status"] != "failed"]
    predicted: dict[str, pd.DataFrame] = dict(zip(scored["channel"], scored["anomalies"], strict=True))
    infos = {info.channel: info for info in archive.infos()[0] if info.channel in truth}
    judged = evaluate(
        predicted,
        truth,
        {name: info.n_test for name, info in infos.items()},
        {name: info.asset for name, info in infos.items()},
        hashes={name: info.test_hash for name, info in infos.items()},
        persistence=persistence(predicted),
    )
    reasons = dict(zip(failed["channel"], failed["reason"], strict=True))
    unlabelled = {}
    for name in archive.channels():
        if name not in truth:
            damage = _labels(archive, name)[1]
            unlabelled[name] = damage or "no labels"
            reasons |= {name: damage} if damage else {}
    unjudged = {name: reasons.get(name, reason) for name, reason in judged.unjudged.items()}
    return replace(judged, unjudged=unjudged | unlabelled, failed=reasons)


def _labels(archive: Archive, name: str) -> tuple[pd.DataFrame | None, str]:
    """Return a channel's labels, None where it has none that can be read, and why they cannot be."""
    try:
        return archive.labels(name), ""
    except ArchiveError as error:
        return None, str(error)
