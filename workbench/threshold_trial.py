"""Other thresholds, tried: which alerts would appear and vanish, before anything is changed."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import pandas as pd
import xarray as xr

from workbench.detection.anomalies import detect
from workbench.detection.applied import params_of
from workbench.maintenance.alerts.verdicts import ThresholdEffect
from workbench.maintenance.desk import Maintenance
from workbench.parameters import SeverityLevels, TelemanomParams

__all__ = ["Trial", "threshold_effect", "try_thresholds"]


@dataclass(frozen=True)
class Trial:
    """What other thresholds would make of the alerts.

    Attributes
    ----------
    table : pandas.DataFrame
        channel, start, end, severity, level, outcome (`appears`, `vanishes`, `stays`); severity and level are those
        under the thresholds tried, and of the alert where it vanishes.
    effect : ThresholdEffect
        On the alerts that people judged.
    channels : int
        How many were tried.
    """

    table: pd.DataFrame
    effect: ThresholdEffect
    channels: int

    def __str__(self) -> str:
        """Say it in one sentence."""
        counts = self.table["outcome"].value_counts()
        words = ", ".join(f"{int(counts.get(name, 0))} {word}" for name, word in _WORDS.items())
        judged = self.effect.kept + len(self.effect.spared) + len(self.effect.missed)
        return f"{self.channels} channels: {words}." + (f" Of {judged} judged: {self.effect}" if judged else "")


_WORDS = {"appears": "would appear", "vanishes": "would vanish", "stays": "stay"}


def try_thresholds(
    desk: Maintenance,
    channels: Iterable[str],
    read: Callable[[str], xr.Dataset],
    stored: Callable[[str], xr.Dataset | None],
    levels: SeverityLevels,
    params: TelemanomParams,
    progress: Callable[[int], None] | None = None,
) -> Trial:
    """Detect with other thresholds on the stored predictions, and compare with the models' alerts that are there.

    Parameters
    ----------
    desk : Maintenance
    channels : iterable of str
        Those that are not scored are left out.
    read, stored : callable
        Give a channel's test split, and its score or None.
    levels : SeverityLevels
    params : TelemanomParams
        The windows are those of each score, whatever they say.
    progress : callable, optional
        Called with the number of channels done.

    Returns
    -------
    Trial

    Raises
    ------
    DetectionError
        A score does not fit its series.
    """
    found = _detect_again(channels, read, stored, levels, params, progress)
    effect = desk.alerts.threshold_effect(found)
    alerts = desk.alerts.list(state="open", kind="model")
    rows = []
    for name, anomalies in found.items():
        there = alerts[alerts["channel"] == name]
        raised = desk.alerts.would_raise(anomalies)
        for item in raised.to_dict(orient="records"):
            known = ((there["start_sample"] <= item["end"]) & (there["end_sample"] >= item["start"])).any()
            rows.append((name, *(item[key] for key in _KEYS), "stays" if known else "appears"))
        for alert in there.to_dict(orient="records"):
            start, end = alert["start_sample"], alert["end_sample"]
            if not ((raised["start"] <= end) & (raised["end"] >= start)).any():
                rows.append((name, start, end, alert["severity"], alert["level"], "vanishes"))
    table = pd.DataFrame(rows, columns=["channel", *_KEYS, "outcome"])
    rank = table["outcome"].map({"appears": 0, "vanishes": 1, "stays": 2})
    table = table.assign(rank=rank).sort_values(["rank", "channel", "start"]).drop(columns="rank")
    return Trial(table.reset_index(drop=True), effect, len(found))


_KEYS = ("start", "end", "severity", "level")


def threshold_effect(
    desk: Maintenance,
    channels: Iterable[str],
    read: Callable[[str], xr.Dataset],
    stored: Callable[[str], xr.Dataset | None],
    levels: SeverityLevels,
    params: TelemanomParams,
) -> ThresholdEffect:
    """Say what other thresholds would have made of the alerts that people judged; nothing is changed.

    Parameters
    ----------
    desk : Maintenance
    channels : iterable of str
        Those that are not scored are left out.
    read, stored : callable
        As for `raise_alerts`.
    levels : SeverityLevels
    params : TelemanomParams
        Their smoothing and thresholds are tried on the stored predictions; the windows are those of the score.

    Returns
    -------
    ThresholdEffect

    Raises
    ------
    DetectionError
        A score does not fit its series.
    """
    found = _detect_again(channels, read, stored, levels, params)
    return desk.alerts.threshold_effect(found)


def _detect_again(
    channels: Iterable[str],
    read: Callable[[str], xr.Dataset],
    stored: Callable[[str], xr.Dataset | None],
    levels: SeverityLevels,
    params: TelemanomParams,
    progress: Callable[[int], None] | None = None,
) -> dict[str, pd.DataFrame]:
    """Return the anomalies, with their level, that other parameters find in the stored predictions, by channel."""
    anomalies_by_channel = {}
    for done, name in enumerate(channels, 1):
        score = stored(name)
        if score is not None:
            own = params_of(score, params)
            anomalies = detect(read(name)["telemetry"].values, score["prediction"].values, own).anomalies
            anomalies_by_channel[name] = anomalies.assign(
                level=[levels.level(value) for value in anomalies["severity"]]
            )
        if progress is not None:
            progress(done)
    return anomalies_by_channel
