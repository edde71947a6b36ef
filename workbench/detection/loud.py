"""The error windows of a series in which anything can be flagged, and detection again in these alone.

Most error windows are quiet: no error near their judged samples lies as far from the mean as the least threshold. With
a higher `z_min` or more pruning they stay quiet, whatever the others flag, so that a detection with such a change needs
only the loud ones. Those that follow each other closely depend on each other by what they have flagged, and form a
group; groups do not see each other.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from workbench.detection.anomalies import judge_window, severities
from workbench.detection.incremental import Ending, JudgedWindow, Row, Sequences, Series, Standing
from workbench.detection.stretches import judge_on
from workbench.detection.thresholds import Moments, Spread, scale_matters
from workbench.parameters import TelemanomParams
from workbench.telemetry.missing import present_values

__all__ = ["Group", "LoudWindows"]


class Group(NamedTuple):
    """Loud error windows that depend on each other.

    Attributes
    ----------
    windows : tuple of JudgedWindow
        In order.
    start, end : int
        Positions between which they judge; the end is exclusive.
    """

    windows: tuple[JudgedWindow, ...]
    start: int
    end: int


@dataclass(frozen=True)
class LoudWindows:
    """The loud error windows of a series.

    Attributes
    ----------
    series : Series
        What was judged.
    params : TelemanomParams
        Detection parameters, the least error in units.
    groups : tuple of Group
        In order.
    rows : tuple of Row
        Anomalies of the series.
    """

    series: Series
    params: TelemanomParams
    groups: tuple[Group, ...]
    rows: tuple[Row, ...]

    @classmethod
    def of(cls, series: Series, m: int, params: TelemanomParams, standing: Standing | None = None) -> "LoudWindows":
        """Judge a series of m errors, and keep its loud windows.

        Parameters
        ----------
        series : Series
            What is judged.
        m : int
            Number of its errors.
        params : TelemanomParams
            Detection parameters, the least error in units.
        standing : Standing, optional
            From where it is judged; from the start where omitted.

        Returns
        -------
        LoudWindows
        """
        watch = _Watch(params)
        rows: tuple[Row, ...] = ()
        for part in judge_on(series, m, params, standing, watch):
            if isinstance(part, Ending):
                rows = part.rows
        return cls(series, params, tuple(_groups(watch.windows, params)), rows)

    def windows(self) -> Iterator[JudgedWindow]:
        """Return all loud windows in order."""
        for group in self.groups:
            yield from group.windows

    def groups_at(self, start: int, end: int) -> list[Group]:
        """Return the groups whose anomalies can have a position from one to another in common, both inclusive."""
        reach = self.params.smoothing_span // 2
        return [group for group in self.groups if group.start - reach <= end and start < group.end]

    def rows_with(self, group: Group, changed_params: TelemanomParams) -> tuple[Row, ...]:
        """Return the anomalies of a group with other parameters, which only raise `z_min` or prune more."""
        begin = group.windows[0].start
        flagged = np.zeros(group.end - begin, dtype=bool)
        sequences = Sequences(self.series, Standing(), changed_params)
        for window in group.windows:
            part = slice(window.start - begin, window.start - begin + window.errors.size)
            threshold, anomalous, mirror = judge_window(
                window.errors, window.targets, window.judged_from, flagged[part], changed_params
            )
            if anomalous.size:
                flagged[part.start + anomalous] = True
                runs = severities(window.errors, threshold, mirror, anomalous, window.start)
                sequences.add(runs, window.start + window.errors.size, threshold, window.errors, window.start)
        return sequences.all_rows()


class _Watch:
    """Keeps the windows that are loud."""

    def __init__(self, params: TelemanomParams) -> None:
        self._params = params
        self.windows: list[JudgedWindow] = []

    def __call__(self, window: JudgedWindow) -> None:
        if window.anomalous.size or self._is_loud(window):
            self.windows.append(window)

    def _is_loud(self, window: JudgedWindow) -> bool:
        params, errors, targets = self._params, window.errors, window.targets
        near = present_values(errors[max(0, window.judged_from - params.error_buffer) :])
        if not near.size or float(np.fmax.reduce(errors)) <= params.least_error:
            return False
        moments = Moments.of(errors)
        lowest = moments.mean + moments.sd * params.z_min
        if near.max() < lowest and moments.mean + (moments.mean - near.min()) < lowest:
            return False
        return scale_matters(errors, moments, Spread.of(targets), params.least_error)


def _groups(windows: list[JudgedWindow], params: TelemanomParams) -> Iterator[Group]:
    """Part loud windows where no flag of one lies in the next, nor so near that their anomalies could join."""
    apart = max(0, params.smoothing_span // 2 + 2)
    group: list[JudgedWindow] = []
    for window in windows:
        if group:
            end = group[-1].start + group[-1].errors.size
            if end <= window.start and end + apart <= window.start + window.judged_from:
                yield _group(group)
                group = []
        group.append(window)
    if group:
        yield _group(group)


def _group(windows: list[JudgedWindow]) -> Group:
    first, last = windows[0], windows[-1]
    return Group(tuple(windows), first.start + first.judged_from, last.start + last.errors.size)
