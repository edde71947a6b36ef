"""Other thresholds, tried: which alerts would appear and vanish, before anything is changed."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import pandas as pd
import xarray as xr

from workbench.counts import counted
from workbench.detection.anomalies import detect
from workbench.detection.applied import params_of
from workbench.detection.envelope import EnvelopeEvent, join
from workbench.detection.envelope.course import judge_envelope
from workbench.exceptions import ArchiveError, DetectionError
from workbench.maintenance.alerts.places import moment_of, rows_of
from workbench.maintenance.alerts.verdicts import ThresholdEffect
from workbench.maintenance.desk import Maintenance
from workbench.parameters import SeverityLevels, TelemanomParams
from workbench.telemetry.breaks import break_rows
from workbench.telemetry.moments import moment_at

__all__ = ["Trial", "detect_anew", "threshold_effect", "try_thresholds"]


@dataclass(frozen=True)
class Trial:
    """Outcome of other thresholds: alerts that would appear, vanish and stay.

    Attributes
    ----------
    table : pandas.DataFrame
        channel, start, end (rows of the test series), severity, level, outcome (`appears`, `vanishes`, `stays`), begin
        (moment at which it begins, see `workbench.telemetry.moments`); severity and level are those under the
        thresholds tried, and of the alert where it vanishes. Alerts that the series does not hold are left out.
    effect : ThresholdEffect
        On the alerts that people judged.
    channels : int
        How many were tried.
    failed : dict of str to str
        Channels that could not be tried, and why.
    events : dict of str to tuple of EnvelopeEvent
        Where the telemetry of each channel exceeds the bounds of the envelope that was tried, in the order of their
        start; empty for a channel that never does, and without the channels where the envelope is off.
    """

    table: pd.DataFrame
    effect: ThresholdEffect
    channels: int
    failed: dict[str, str] = field(default_factory=dict)
    events: dict[str, tuple[EnvelopeEvent, ...]] = field(default_factory=dict)

    def __str__(self) -> str:
        """Return the outcome in one sentence."""
        counts = self.table["outcome"].value_counts()
        words = ", ".join(f"{int(counts.get(name, 0))} {word}" for name, word in _WORDS.items())
        judged = self.effect.kept + len(self.effect.spared) + len(self.effect.missed)
        text = f"{counted(self.channels, 'channel')}: {words}." + (
            f" Of {judged} judged: {self.effect}" if judged else ""
        )
        return text + (f" Not tried: {', '.join(self.failed)}." if self.failed else "")


_WORDS = {"appears": "would appear", "vanishes": "would vanish", "stays": "stay"}


def try_thresholds(
    desk: Maintenance,
    channels: Iterable[str],
    read: Callable[[str, str], xr.Dataset],
    stored: Callable[[str], xr.Dataset | None],
    levels: SeverityLevels,
    params: TelemanomParams,
    progress: Callable[[int], None] | None = None,
) -> Trial:
    """Detect with other thresholds on the stored predictions, and compare with the models' alerts that are there.

    Parameters
    ----------
    desk : Maintenance
        Maintenance desk that holds the alerts.
    channels : iterable of str
        Those that are not scored are left out.
    read, stored : callable
        Functions that return a split of a channel, "train" or "test", and its stored score or None.
    levels : SeverityLevels
        Severity score at which each level begins.
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
    anomalies_by_channel, failed = detect_anew(channels, read, stored, levels, params, progress)
    effect = desk.alerts.threshold_effect(anomalies_by_channel)
    alerts = desk.alerts.list(state="open", kind="model")
    rows = []
    for name, anomalies in anomalies_by_channel.items():
        times = read(name, "test")["time"].values
        placed = [
            (alert, *span)
            for alert in alerts[alerts["channel"] == name].to_dict(orient="records")
            if (span := rows_of(alert, times)) is not None
        ]
        raised = desk.alerts.would_raise(anomalies)
        for item in raised.to_dict(orient="records"):
            overlaps = any(start <= item["end"] and end >= item["start"] for _, start, end in placed)
            words = "stays" if overlaps else "appears"
            rows.append((name, *(item[key] for key in _KEYS), words, moment_at(times, item["start"])))
        for alert, start, end in placed:
            if not ((raised["start"] <= end) & (raised["end"] >= start)).any():
                rows.append((name, start, end, alert["severity"], alert["level"], "vanishes", moment_of(alert)))
    table = pd.DataFrame(rows, columns=["channel", *_KEYS, "outcome", "begin"])
    table["begin"] = table["begin"].astype(object)
    rank = table["outcome"].map({"appears": 0, "vanishes": 1, "stays": 2})
    table = table.assign(rank=rank).sort_values(["rank", "channel", "start"]).drop(columns="rank")
    events = {
        name: tuple(event for own in anomalies["events"] for event in own)
        for name, anomalies in anomalies_by_channel.items()
        if "events" in anomalies
    }
    return Trial(table.reset_index(drop=True), effect, len(anomalies_by_channel), failed, events)


def detect_anew(
    channels: Iterable[str],
    read: Callable[[str, str], xr.Dataset],
    stored: Callable[[str], xr.Dataset | None],
    levels: SeverityLevels,
    params: TelemanomParams,
    progress: Callable[[int], None] | None = None,
) -> tuple[dict[str, pd.DataFrame], dict[str, str]]:
    """Detect with other thresholds on the stored predictions of channels.

    Parameters
    ----------
    channels : iterable of str
        Those that are not scored are left out.
    read, stored, levels, params, progress
        As for `try_thresholds`.

    Returns
    -------
    dict of str to pandas.DataFrame
        The anomalies of each channel, with their level, and as `events` a tuple of what the envelope has found in each;
        without `events` where the envelope is off.
    dict of str to str
        Channels whose telemetry or score is damaged, or do not fit each other, and why.

    Raises
    ------
    DetectionError
        No channel could be tried: no score fits its series.
    """
    anomalies_by_channel: dict[str, pd.DataFrame] = {}
    failed: dict[str, str] = {}
    refused: DetectionError | None = None
    for n_done, name in enumerate(channels, 1):
        try:
            score = stored(name)
            if score is not None:
                train = None if params.envelope == "none" else read(name, "train")
                anomalies = _detected(read(name, "test"), score, params, train)
                anomalies_by_channel[name] = anomalies.assign(
                    level=[levels.level(value) for value in anomalies["severity"]]
                )
        except ArchiveError as error:
            failed[name] = str(error)
        except DetectionError as error:
            failed[name] = str(error)
            refused = error
        if progress is not None:
            progress(n_done)
    if refused is not None and not anomalies_by_channel:
        raise refused
    return anomalies_by_channel, failed


def _detected(
    channel: xr.Dataset, score: xr.Dataset, params: TelemanomParams, train: xr.Dataset | None
) -> pd.DataFrame:
    """Detect with other parameters on the stored predictions of a channel, joined with the envelope."""
    own = params_of(score, params)
    first = max(0, own.sequence_length - int(score["sample"].variable[0]))  # of a score whose first samples are gone
    values, prediction = channel["telemetry"].to_numpy(), score["prediction"].to_numpy()[first:]
    sequences = detect(values, prediction, own, break_rows(channel, own.max_gap_seconds)).anomalies
    if train is None:
        return sequences.assign(found_by="forecast")
    joined = join(judge_envelope(channel, train, params).events, sequences)
    rows = [(one.start, one.end, one.severity, one.found_by, one.events) for one in joined]
    return pd.DataFrame(rows, columns=[*sequences.columns, "found_by", "events"]).astype(sequences.dtypes)


_KEYS = ("start", "end", "severity", "level")


def threshold_effect(
    desk: Maintenance,
    channels: Iterable[str],
    read: Callable[[str, str], xr.Dataset],
    stored: Callable[[str], xr.Dataset | None],
    levels: SeverityLevels,
    params: TelemanomParams,
) -> ThresholdEffect:
    """Return the effect of other thresholds on the alerts that people judged; nothing is changed.

    Parameters
    ----------
    desk : Maintenance
        Maintenance desk that holds the alerts.
    channels : iterable of str
        Those that are not scored are left out.
    read, stored : callable
        As for `try_thresholds`.
    levels : SeverityLevels
        Severity score at which each level begins.
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
    return desk.alerts.threshold_effect(detect_anew(channels, read, stored, levels, params)[0])
