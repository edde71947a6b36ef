"""Two versions of a channel's models side by side on the same data: their errors, and what each finds."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from workbench.detection.evaluation import count
from workbench.detection.scoring import anomaly_frame, score
from workbench.exceptions import ModelError
from workbench.models.comparison import Contender, challenge
from workbench.models.listing import ModelInfo
from workbench.models.registry import Registry
from workbench.parameters import Preset, SeverityLevels
from workbench.telemetry.archive import Archive
from workbench.telemetry.labels import faults
from workbench.telemetry.missing import present_values

__all__ = ["STEPS", "VERSUS_COLUMNS", "Versus", "versus"]

STEPS = 3
"""Steps of a comparison: the held-out windows, then each version on the test series."""

VERSUS_COLUMNS = ("model", "held_out_error", "test_error", "anomalies", "alone", "flagged", "epsilon")
"""First columns of `Versus.figures`; the counts against labels follow where the channel is labelled."""


@dataclass(frozen=True)
class Versus:
    """Result of a comparison of two versions.

    Attributes
    ----------
    models : tuple of ModelInfo
        The two versions.
    samples : int
        Held-out training samples on which both were compared; 0 where they held out too few in common.
    figures : pandas.DataFrame
        One row a version: `VERSUS_COLUMNS` and, where the channel is labelled, `true_positives`, `false_positives`,
        `false_negatives`. Errors are mean absolute one-step errors in the units of the telemetry, over those samples
        and over the test series; `alone` counts the anomalies that touch none of the other version's, `flagged` is
        the share of samples inside anomalies, `epsilon` the median threshold.
    anomalies : pandas.DataFrame
        Anomalies of both, in the order of time: `model`, `start`, `end`, `severity`, `level`, and bool `alone`.
    scored : tuple of xarray.Dataset
        Score of each, as from `workbench.detection.scoring.score`.
    """

    models: tuple[ModelInfo, ModelInfo]
    samples: int
    figures: pd.DataFrame
    anomalies: pd.DataFrame
    scored: tuple[xr.Dataset, xr.Dataset]


def versus(
    archive: Archive,
    registry: Registry,
    models: tuple[ModelInfo, ModelInfo],
    params: Preset,
    levels: SeverityLevels,
    *,
    done: Callable[[int], None] | None = None,
) -> Versus:
    """Compare two versions on the channel's present training and test data; nothing is stored.

    Parameters
    ----------
    archive : Archive
        Archive that holds the channel.
    registry : Registry
        Registry that holds the versions.
    models : tuple of ModelInfo
        Two versions of one channel, by any forecaster.
    params : Preset
        Parameters of the thresholds.
    levels : SeverityLevels
        Severity score at which each level begins.
    done : callable, optional
        Called with the number of steps done, of `STEPS`; what it raises ends the comparison.

    Returns
    -------
    Versus

    Raises
    ------
    ModelError
        The versions are of two channels, or the same.
    ChannelNotFoundError
        The archive does not hold the channel.
    ArtifactError, ForecasterError, DetectionError
        A version cannot be loaded, or does not fit the channel.
    """
    first, second = models
    if first.channel != second.channel or first.id == second.id:
        raise ModelError(f"{first.id} and {second.id} cannot be compared.", "Choose two versions of one channel.")
    report_step = done or (lambda _step: None)
    channel = first.channel
    info = archive.info(first.channel)
    contenders = [Contender.load(registry, model) for model in models]
    train = archive.open(channel, "train")
    verdict = challenge(train, info.train_hash, *contenders)
    report_step(1)
    test = archive.open(channel)
    scored, anomaly_tables = [], []
    for step, contender in enumerate(contenders, start=2):
        scored.append(score(test, [contender.forecaster], params, train))
        anomaly_tables.append(anomaly_frame(scored[-1].attrs, levels))
        report_step(step)
    tables = [
        table.assign(model=model.id, alone=~_touched(table, other))
        for model, table, other in zip(models, anomaly_tables, reversed(anomaly_tables), strict=True)
    ]
    held_out = (verdict.error, verdict.champion_error) if verdict.enough else (np.nan, np.nan)
    rows = [
        {
            "model": model.id,
            "held_out_error": error,
            "test_error": float(np.abs(present_values(one["prediction_error"].values)).mean()),
            "anomalies": len(table),
            "alone": int(table["alone"].sum()),
            "flagged": float((table["end"] - table["start"] + 1).sum() / info.n_test),
            "epsilon": float(np.median(present_values(one["epsilon"].values))),
        }
        for model, error, one, table in zip(models, held_out, scored, tables, strict=True)
    ]
    labels = archive.labels(channel)
    if labels is not None:
        for row, table in zip(rows, anomaly_tables, strict=True):
            counted = count(table, faults(labels), info.n_test)
            names = ("true_positives", "false_positives", "false_negatives")
            row |= {name: getattr(counted, name) for name in names}
    anomalies = pd.concat(tables, ignore_index=True).sort_values(["start", "model"], ignore_index=True)
    return Versus(
        models,
        verdict.samples if verdict.enough else 0,
        pd.DataFrame(rows),
        anomalies[["model", "start", "end", "severity", "level", "alone"]],
        (scored[0], scored[1]),
    )


def _touched(sequences: pd.DataFrame, others: pd.DataFrame) -> npt.NDArray[np.bool_]:
    """Tell which sequences share a sample with one of the others."""
    mine, theirs = sequences[["start", "end"]].to_numpy(), others[["start", "end"]].to_numpy()
    overlaps = (mine[:, None, 0] <= theirs[None, :, 1]) & (theirs[None, :, 0] <= mine[:, None, 1])
    return np.asarray(overlaps.any(axis=1), dtype=np.bool_)
