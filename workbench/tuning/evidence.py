"""What the anomalies of a tuning are judged by: labels, or the verdicts that people gave alerts."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from workbench.counts import counted
from workbench.detection.evaluation import Contingency
from workbench.detection.evaluation.events import count_units
from workbench.exceptions import LabelError
from workbench.maintenance.alerts.alerts import Alerts
from workbench.maintenance.alerts.verdicts import ThresholdEffect
from workbench.parameters import SeverityLevels

__all__ = ["Evidence", "VerdictEffect", "verdict_effect", "verdict_evidence"]

Tables = Mapping[str, pd.DataFrame]
_JUDGED = ("true", "false alarm")
_MOST_NAMED = 12


@dataclass(frozen=True)
class Evidence:
    """What is known of the channels that a tuning judges.

    Attributes
    ----------
    labels : mapping of str to pandas.DataFrame
        True events of each channel: int `start` and `end`, samples of the test series, both inclusive. Rows of the
        channels of an asset that have the same name in a column `event` are one event.
    undecided : mapping of str to pandas.DataFrame
        Spans in which an anomaly that touches no true event is neither right nor wrong.
    raises_alert : callable, optional
        Returns the anomalies (start, end, level) that count; all where omitted.
    notes : tuple of str
        What is to be said of them.
    """

    labels: Tables
    undecided: Tables = field(default_factory=dict)
    raises_alert: Callable[[pd.DataFrame], pd.DataFrame] | None = None
    notes: tuple[str, ...] = ()

    def check(self) -> None:
        """Refuse evidence that cannot choose.

        Raises
        ------
        LabelError
            No channel has a true event.
        """
        if not any(len(table) for table in self.labels.values()):
            raise LabelError(
                "No channel has a true event, so that flagging nothing would be the best choice.",
                "Pass labels with events, or close alerts of real faults with the verdict true.",
            )

    def anomalies(self, rows: Iterable[tuple[int, int, float, str]], levels: SeverityLevels) -> pd.DataFrame:
        """Return the anomalies of a channel that count: start, end, severity, found_by, level."""
        columns = ["start", "end", "severity", "found_by"]
        frame = pd.DataFrame(list(rows), columns=columns).astype({"start": int, "end": int})
        frame["level"] = [levels.level(value) for value in frame["severity"]]
        return frame if self.raises_alert is None else self.raises_alert(frame)

    def count(self, anomalies: Tables, lengths: Mapping[str, int]) -> Contingency:
        """Count the anomalies of a channel, or of channels of an asset that share events, by the overlap protocol.

        Parameters
        ----------
        anomalies : mapping of str to pandas.DataFrame
            Anomalies of each channel.
        lengths : mapping of str to int
            Samples of each test series.

        Returns
        -------
        Contingency
            An event of the asset counts once; see `workbench.detection.evaluation.events.count_units`.
        """
        decided = {name: self._decided(name, table) for name, table in anomalies.items()}
        units = count_units(decided, self.labels, lengths, dict.fromkeys(decided, ""))
        return sum((counts for _, counts in units), Contingency())

    def _decided(self, channel: str, anomalies: pd.DataFrame) -> pd.DataFrame:
        if channel not in self.undecided or not len(anomalies):
            return anomalies
        unknown = touches(anomalies, self.undecided[channel]) & ~touches(anomalies, self.labels[channel])
        return anomalies[~unknown]


def touches(spans: pd.DataFrame, others: pd.DataFrame) -> "np.ndarray[tuple[int], np.dtype[np.bool_]]":
    """Return which spans share a sample with any of others."""
    start, end = (spans[name].to_numpy(dtype=np.int64)[:, None] for name in ("start", "end"))
    first, last = (others[name].to_numpy(dtype=np.int64)[None] for name in ("start", "end"))
    return np.asarray(((start <= last) & (first <= end)).any(axis=1))


def verdict_evidence(alerts: Alerts) -> Evidence:
    """Return verdicts as evidence: alerts closed as true are events, anomalies elsewhere are false alarms.

    Parameters
    ----------
    alerts : Alerts
        Alerts of the maintenance desk.

    Returns
    -------
    Evidence
        Of the channels that have a verdict true or false alarm. An anomaly on an alert without one of these, as an
        open one or one closed as known behaviour, is neither right nor wrong. One where there is no alert is counted
        as a false alarm: nobody has looked at it, and what finds more of them should not look better.

    Raises
    ------
    LabelError
        No alert was judged.
    """
    labels = alerts.labels()
    if not labels:
        raise LabelError(
            "No alert has a verdict.", 'Close alerts with one: workbench alerts close NUMBER --verdict "false alarm"'
        )
    every = alerts.spans(list(labels))
    undecided = {
        str(channel): rows.astype({"start": "int64", "end": "int64"})
        for channel, rows in every[~every["verdict"].isin(_JUDGED)].groupby("channel")
    }
    judged = alerts.judged()
    here = judged["channel"].isin(list(labels)) & judged["start"].notna()
    true, false = (int((here & (judged["verdict"] == verdict)).sum()) for verdict in _JUDGED)
    note = f"Verdicts: {counted(true, 'real fault')} and {counted(false, 'false alarm')}."
    return Evidence(labels, undecided, alerts.would_raise, (note,))


@dataclass(frozen=True)
class VerdictEffect:
    """Judged alerts that the candidate raises or leaves out, unlike the present preset: their numbers.

    Attributes
    ----------
    spared, missed : tuple of int
        False alarms and real faults that the present preset raises and the candidate does not.
    added, gained : tuple of int
        False alarms and real faults that only the candidate raises.
    """

    spared: tuple[int, ...] = ()
    missed: tuple[int, ...] = ()
    added: tuple[int, ...] = ()
    gained: tuple[int, ...] = ()

    def __str__(self) -> str:
        """Return the effect in sentences."""
        parts = []
        if self.spared:
            alarms = f"{counted(len(self.spared), 'false alarm')} less ({_numbers(self.spared)})"
            verb = "costs" if len(self.spared) == 1 else "cost"
            cost = f"{counted(len(self.missed), 'real fault')}" if self.missed else "no real fault"
            parts.append(f"{alarms} {verb} {cost}{f' ({_numbers(self.missed)})' if self.missed else ''}.")
        elif self.missed:
            parts.append(f"{counted(len(self.missed), 'real fault')} ({_numbers(self.missed)}) would be missed.")
        if self.gained:
            parts.append(f"{counted(len(self.gained), 'real fault')} more would be found ({_numbers(self.gained)}).")
        if self.added:
            parts.append(f"{counted(len(self.added), 'false alarm')} more would be raised ({_numbers(self.added)}).")
        return " ".join(parts) or "On the judged alerts the candidate does what the present preset does."


def verdict_effect(present: ThresholdEffect, candidate: ThresholdEffect) -> VerdictEffect:
    """Compare what two presets do on the judged alerts.

    Parameters
    ----------
    present, candidate : ThresholdEffect
        Effect of each, from `Alerts.threshold_effect` on the same channels.

    Returns
    -------
    VerdictEffect
    """
    spared_before, missed_before = (set(table["id"]) for table in (present.spared, present.missed))
    spared, missed = (set(table["id"]) for table in (candidate.spared, candidate.missed))
    return VerdictEffect(
        *(
            tuple(sorted(map(int, numbers)))
            for numbers in (
                spared - spared_before,
                missed - missed_before,
                spared_before - spared,
                missed_before - missed,
            )
        )
    )


def _numbers(alerts: tuple[int, ...]) -> str:
    named = ", ".join(map(str, alerts[:_MOST_NAMED]))
    more = f" and {len(alerts) - _MOST_NAMED} others" if len(alerts) > _MOST_NAMED else ""
    return f"{'alert' if len(alerts) == 1 else 'alerts'} {named}{more}"
