"""The leaderboard: every forecaster under every preset on the labelled channels, with its spread.

A figure without its spread invites choosing by luck; one without the detectors that know nothing invites praise for
nothing. Both stand in the same table.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from workbench.detection.evaluation import FIGURES, evaluate
from workbench.detection.scoring import anomaly_frame, score
from workbench.exceptions import ArchiveError, ChannelNotFoundError

if TYPE_CHECKING:
    from workbench.detection.evaluation import Evaluation
    from workbench.session import Session

__all__ = ["COLUMNS", "PUBLISHED", "fold_spread", "leaderboard", "seed_table"]

COLUMNS = ("forecaster", "preset", "channels", *FIGURES, "f1_fold_low", "f1_fold_high")
"""Columns of `leaderboard`."""

PUBLISHED = pd.DataFrame(
    [
        ("Telemanom, its committed run", "tuning split", 49, 7, 8, 0.867),
        ("Telemanom, its committed run", "all channels", 87, 13, 18, 0.849),
        ("AER, Orion 0.7.1", "SMAP, Orion's protocol", None, None, None, 0.764),
        ("AER, Orion 0.7.1", "MSL, Orion's protocol", None, None, None, 0.657),
        ("LSTM-DT, Orion 0.7.1", "SMAP, Orion's protocol", None, None, None, 0.732),
        ("LSTM-DT, Orion 0.7.1", "MSL, Orion's protocol", None, None, None, 0.455),
        ("TadGAN, Orion 0.7.1", "SMAP, Orion's protocol", None, None, None, 0.573),
        ("TadGAN, Orion 0.7.1", "MSL, Orion's protocol", None, None, None, 0.578),
        ("ARIMA, Orion 0.7.1", "SMAP, Orion's protocol", None, None, None, 0.411),
        ("ARIMA, Orion 0.7.1", "MSL, Orion's protocol", None, None, None, 0.525),
    ],
    columns=["method", "on", "true_positives", "false_positives", "false_negatives", "f1"],
).astype({"true_positives": "Int64", "false_positives": "Int64", "false_negatives": "Int64"})
"""Figures that others published for NASA's channels, to stand beside ours; another protocol is not comparable."""


def leaderboard(
    session: "Session",
    labels: Path | str | Mapping[str, pd.DataFrame] | None = None,
    *,
    folds: int = 5,
    progress: bool = False,
) -> pd.DataFrame:
    """Judge every registered forecaster under every preset, and the detectors that know nothing.

    Parameters
    ----------
    session : Session
        With trained models; what is not scored yet is scored.
    labels : Path, str or mapping, optional
        As for `Session.evaluate`.
    folds : int
        Into which the channels are split for the spread.
    progress : bool
        Show bars.

    Returns
    -------
    pandas.DataFrame
        `COLUMNS`, best F1 first; forecasters that predict together under a preset are joined by `+`. `channels`
        counts the channels judged, the same series once. The last two columns are the least and the greatest F1
        over the folds.

    Raises
    ------
    LabelError, WorkbenchError
        As `Session.evaluate`.
    """
    rows = []
    blind = pd.DataFrame()
    for forecaster, preset in _entries(session):
        judged = session.evaluate(labels, forecaster, preset, progress=progress)
        name = forecaster or "+".join(sorted(session.settings.presets[preset].forecasters))
        rows.append(_row(name, preset, judged, folds))
        if blind.empty:
            blind = judged.baselines.query("group == 'all' and baseline != 'persistence'")
    rows += [
        {"forecaster": baseline["baseline"], "preset": "", **{name: baseline[name] for name in FIGURES}}
        for baseline in blind.to_dict(orient="records")
    ]
    table = pd.DataFrame(rows, columns=list(COLUMNS)).astype({"channels": "Int64"})
    # Who flags everything would lead by F1; it stands at the end.
    return table.assign(blind=table["preset"] == "").sort_values(
        ["blind", "f1"], ascending=[True, False], kind="stable", ignore_index=True
    )[list(COLUMNS)]


def fold_spread(channels: pd.DataFrame, folds: int) -> tuple[float, float]:
    """Return the least and the greatest F1 over folds of channels.

    Parameters
    ----------
    channels : pandas.DataFrame
        `Evaluation.channels`.
    folds : int
        Each asset's channels are dealt to the folds in turn, in a fixed random order.

    Returns
    -------
    tuple of float
        NaN where no channel has an anomaly or an alarm.
    """
    counted = channels[channels["duplicate_of"] == ""].sort_values("channel").sample(frac=1, random_state=0)
    fold = counted.groupby("asset").cumcount() % folds
    totals = counted.groupby(fold)[["true_positives", "false_positives", "false_negatives"]].sum()
    hits = 2 * totals["true_positives"]
    # A fold in which nothing is found has an F1 of 0; one without anomalies and alarms has none.
    scores = (hits / (hits + totals["false_positives"] + totals["false_negatives"])).dropna()
    return (float(scores.min()), float(scores.max())) if len(scores) else (np.nan, np.nan)


def seed_table(session: "Session", forecaster: str = "lstm", *, presets: Iterable[str] | None = None) -> pd.DataFrame:
    """Judge the versions of one forecaster that were trained with different seeds, seed by seed.

    Parameters
    ----------
    session : Session
        With at least two seeds on some labelled channels; the archive's own labels judge.
    forecaster : str
        Whose versions; where a preset names it beside others, their champions predict with it.
    presets : iterable of str, optional
        All where omitted.

    Returns
    -------
    pandas.DataFrame
        `preset`, `seed`, `channels` and the figures of an evaluation, on the channels that have all the seeds;
        no rows where there are no two seeds.
    """
    by_channel: dict[str, dict[str, Any]] = {}
    for info in session.registry.list(forecaster=forecaster):
        if _labelled(session, info.channel):
            by_channel.setdefault(info.channel, {})[info.parameters["seed"]] = info
    seeds = sorted({seed for versions in by_channel.values() if len(versions) > 1 for seed in versions})
    common = [name for name, versions in by_channel.items() if set(seeds) <= set(versions)]
    rows = []
    for preset in (presets or session.settings.presets) if len(seeds) > 1 else ():
        params = session.settings.presets[preset]
        for seed in seeds:
            anomalies = {}
            for name in common:
                models = [by_channel[name][seed]]
                if forecaster in params.forecasters:
                    others = [other for other in params.forecasters if other != forecaster]
                    models += [session.registry.champion(name, other) for other in others]
                loaded = [session.registry.load(model) for model in models]
                train = session.archive.open(name, "train")
                attributes = score(session.archive.open(name), loaded, params, train).attrs
                anomalies[name] = anomaly_frame(attributes, session.settings.severity)
            infos = {name: session.archive.info(name) for name in common}
            judged = evaluate(
                anomalies,
                {name: session.archive.labels(name) for name in common},
                {name: info.n_test for name, info in infos.items()},
                {name: info.asset for name, info in infos.items()},
                hashes={name: info.test_hash for name, info in infos.items()},
            )
            rows.append({"preset": preset, "seed": int(seed), **_figures(judged)})
    return pd.DataFrame(rows, columns=["preset", "seed", "channels", *FIGURES])


def _labelled(session: "Session", channel: str) -> bool:
    """Tell whether a channel is there, whole and labelled."""
    try:
        session.archive.check(channel, "test")
        return session.archive.labels(channel) is not None
    except (ArchiveError, ChannelNotFoundError):
        return False


def _entries(session: "Session") -> list[tuple[str | None, str]]:
    trained = sorted({info.forecaster for info in session.registry.list() if "champion" in info.aliases})
    entries: list[tuple[str | None, str]] = [(name, preset) for name in trained for preset in session.settings.presets]
    for preset, params in session.settings.presets.items():
        if len(set(params.forecasters) & set(trained)) > 1:
            entries.append((None, preset))
    return entries


def _row(forecaster: str, preset: str, judged: "Evaluation", folds: int) -> dict[str, Any]:
    low, high = fold_spread(judged.channels, folds)
    return {
        "forecaster": forecaster,
        "preset": preset,
        **_figures(judged),
        "f1_fold_low": low,
        "f1_fold_high": high,
    }


def _figures(judged: "Evaluation") -> dict[str, Any]:
    pooled = judged.rows.query("group == 'all'").iloc[0]
    counted = int((judged.channels["duplicate_of"] == "").sum())
    return {"channels": counted, **{name: pooled[name] for name in FIGURES}}
