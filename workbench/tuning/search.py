"""The search for better detection parameters, from the stored scores of a session to its outcome."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from workbench.compute import LOCAL, map_channels
from workbench.counts import counted
from workbench.detection.evaluation import FIGURES, Contingency
from workbench.detection.evaluation.events import linked_channels
from workbench.exceptions import LabelError, SettingsError, WorkbenchError
from workbench.maintenance.alerts.alerts import Alerts
from workbench.parameters import Preset
from workbench.scores import Scores
from workbench.tuned import tuning_path
from workbench.tuning.choice import BETAS, Counts, NestedChoice, best_point, compare_choices, nested_choice
from workbench.tuning.evidence import Evidence, VerdictEffect, verdict_effect
from workbench.tuning.folds import first_of_series
from workbench.tuning.grid import GRID, Grid, grid_points
from workbench.tuning.rejudging import Rejudging, Rows, StoredScore, forget_others
from workbench.tuning.result import CANDIDATE, NESTED, Tuning

__all__ = ["TuningOptions", "tune"]


_MONTH = pd.Timedelta(days=365.25 / 12)
_FIGURES = [name for name in FIGURES if name not in ("f1", "f0_5")]


@dataclass(frozen=True)
class TuningOptions:
    """Options of a search for better parameters.

    Attributes
    ----------
    goal : {"f1", "f0_5"}
        Figure to make as large as it can be.
    grid : mapping of str to sequence
        Values of each parameter that are tried.
    points : int
        Most points of the grid that are tried.
    folds, repeats : int
        Folds that channels are dealt to, and how often they are dealt anew.
    seed : int
        Seed of points, folds and draws.
    """

    goal: str = "f1"
    grid: Grid = field(default_factory=lambda: GRID)
    points: int = 50
    folds: int = 5
    repeats: int = 10
    seed: int = 0

    def __post_init__(self) -> None:
        if self.goal not in BETAS:
            raise SettingsError(f"There is no figure {self.goal!r} to tune by.", f"Known: {', '.join(BETAS)}.")
        for name, least in (("points", 2), ("folds", 2), ("repeats", 1)):
            if getattr(self, name) < least:
                raise SettingsError(f"{name} is {getattr(self, name)}.", f"It must be at least {least}.")


def tune(
    scores: Scores,
    evidence: Evidence,
    table: pd.DataFrame,
    options: TuningOptions,
    *,
    forecaster: str | None = None,
    preset: str | None = None,
    alerts: Alerts | None = None,
    progress: bool = False,
) -> Tuning:
    """Search for better detection parameters on stored predictions.

    Parameters
    ----------
    scores : Scores
        Scores of the archive that holds the channels.
    evidence : Evidence
        What anomalies are judged by.
    table : pandas.DataFrame
        Table of `Session.score_all`, of the channels of the evidence.
    options : TuningOptions
        How to search.
    forecaster, preset : str, optional
        As for `Session.score`; the preset is the present one.
    alerts : Alerts, optional
        Alerts whose verdicts are the evidence.
    progress : bool
        Show a bar.

    Returns
    -------
    Tuning

    Raises
    ------
    LabelError
        There is no true event, or there are fewer than two different series.
    WorkbenchError
        No channel could be scored or judged.
    """
    evidence.check()
    name, present = scores.params(preset)
    points = tuple(grid_points(present, options.grid, options.points, options.seed))
    rows, failed = _rejudged(scores, table, points, forecaster, name, progress)
    channels, copies = _different_series(scores, rows)
    judged = _Judged.of(scores, evidence, points, rows, channels)
    if len(judged.units) < 2:
        shared = len(channels) > 1
        asset = judged.assets[channels[0]] if shared else ""
        raise LabelError(
            f"The {len(channels)} channels that can be judged share events of {asset}, so that they are one series."
            if shared
            else f"Only {counted(len(channels), 'labelled series', 'labelled series')} can be judged.",
            "Nested cross-validation needs at least two: one chooses, the other judges."
            + (" Add labels of another asset, or of a channel by itself." if shared else ""),
        )
    nested = nested_choice(
        judged.counts,
        [judged.assets[unit[0]] for unit in judged.units],
        goal=options.goal,
        folds=min(options.folds, len(judged.units)),
        repeats=options.repeats,
        seed=options.seed,
    )
    candidate = best_point(judged.counts.values, options.goal)
    return Tuning(
        present_name=name,
        present=present,
        candidate=points[candidate],
        goal=options.goal,
        figures=_figures(judged, name, nested, candidate),
        table=_table(judged, options, nested),
        difference=compare_choices(judged.counts, nested, goal=options.goal, seed=options.seed),
        channels=len(channels),
        failed=failed,
        notes=(*evidence.notes, *_notes(judged, copies)),
        verdicts=None if alerts is None else _verdict_effect(alerts, judged, candidate),
    )


@dataclass(frozen=True)
class _Judged:
    """Channels at every point: their anomalies, counts, and how long they were watched.

    A unit is a channel, or the channels of an asset that share events: these are counted, and dealt to folds, together.
    """

    points: tuple[Preset, ...]
    channels: list[str]
    units: list[list[str]]
    assets: Mapping[str, str]
    months: Mapping[str, float]
    anomalies: list[list[pd.DataFrame]]
    counts: Counts

    @classmethod
    def of(
        cls,
        scores: Scores,
        evidence: Evidence,
        points: tuple[Preset, ...],
        rows: Mapping[str, list[Rows]],
        channels: list[str],
    ) -> "_Judged":
        infos = {channel: scores.archive.info(channel) for channel in channels}
        levels = scores.settings.severity
        anomalies = [
            [evidence.anomalies(rows[channel][point], levels) for channel in channels] for point in range(len(points))
        ]
        assets = {channel: info.asset for channel, info in infos.items()}
        units = linked_channels(channels, evidence.labels, assets)
        lengths = {channel: info.n_test for channel, info in infos.items()}
        table = []
        for frames in anomalies:
            by_channel = dict(zip(channels, frames, strict=True))
            table.append([evidence.count({name: by_channel[name] for name in unit}, lengths) for unit in units])
        dates = scores.archive.all_dates(channels)
        months = {channel: (end - start) / _MONTH for channel, (start, end) in dates.items()}
        return cls(points, channels, units, assets, months, anomalies, Counts(table))

    def false_alarms_per_month(self, chosen: Sequence[int]) -> float:
        """Return the false alarms of a channel in a month, each unit at the point chosen for it; NaN without dates."""
        dated = [place for place, unit in enumerate(self.units) if self.months.keys() >= {*unit}]
        months = sum(self.months[channel] for place in dated for channel in self.units[place])
        alarms = sum(self.counts.table[chosen[place]][place].false_positives for place in dated)
        return alarms / months if months > 0 else float("nan")

    def row(self, chosen: Sequence[int]) -> dict[str, float]:
        """Return the figures of all channels, each unit at the point chosen for it."""
        pooled = self.counts.judged(chosen)
        goals = {goal: _f(pooled, beta) for goal, beta in BETAS.items()}
        figures = {name: float(value) for name, value in pooled.figures().items() if name in _FIGURES}
        return {**goals, **figures, "false_alarms_per_month": self.false_alarms_per_month(chosen)}

    def everywhere(self, point: int) -> list[int]:
        """Return a choice of the same point for each unit."""
        return [point] * len(self.units)


def _f(pooled: Contingency, beta: float) -> float:
    """Return F-beta; 0 where events exist and nothing is found."""
    return 0.0 if pooled.false_negatives and not pooled.true_positives else pooled.f(beta)


def _rejudged(
    scores: Scores,
    table: pd.DataFrame,
    points: tuple[Preset, ...],
    forecaster: str | None,
    preset: str,
    progress: bool,
) -> tuple[dict[str, list[Rows]], dict[str, str]]:
    """Return the anomalies of every channel at every point, and why channels could not be judged."""
    settings, archive = scores.settings, scores.archive
    failures = table[table["status"] == "failed"]
    failed = dict(zip(failures["channel"], failures["reason"], strict=True))
    names = [channel for channel in table["channel"] if channel not in failed]
    listed = scores.listed(names, forecaster)
    attributes: dict[str, Mapping[str, Any]] = dict(scores.all_current(names, forecaster, preset, listed))
    stored = {}
    for name in names:
        try:
            about = attributes.get(name) or scores.score(name, forecaster, preset, models=listed[name])[0].attrs
            stored[name] = StoredScore.of(about, scores.params(preset)[1], archive.info(name).train_hash)
        except WorkbenchError as error:
            failed[name] = str(error)
    folder = tuning_path(settings.home.absolute())
    forget_others(folder, archive.channels())
    rejudging = Rejudging(archive.path.absolute(), folder, points, stored)
    rows: dict[str, list[Rows]] = {}
    for name, result in map_channels(
        rejudging,
        list(stored),
        compute=settings.place,
        progress=progress,
        description="tune",
        narrowed=rejudging.narrowed,
        notes=None if settings.place == LOCAL else archive.staging_folder().absolute(),
    ):
        if isinstance(result, WorkbenchError):
            failed[name] = str(result)
        else:
            rows[name] = result
    if not rows:
        raise WorkbenchError(f"No labelled channel could be judged; {next(iter(failed.values()), 'there is none')}")
    return {name: rows[name] for name in names if name in rows}, failed


def _different_series(scores: Scores, rows: Mapping[str, Any]) -> tuple[list[str], dict[str, str]]:
    """Return the channels that are judged, and those whose series another channel has, with that."""
    hashes = {name: scores.archive.info(name).test_hash for name in rows}
    first = first_of_series(list(rows), hashes)
    return [name for name in rows if first[name] == name], {name: one for name, one in first.items() if one != name}


def _figures(judged: _Judged, present_name: str, nested: NestedChoice, candidate: int) -> pd.DataFrame:
    choices = {
        present_name: [judged.everywhere(0)],
        NESTED: nested.chosen.tolist(),
        CANDIDATE: [judged.everywhere(candidate)],
    }
    rows = []
    for name, repeats in choices.items():
        figures = pd.DataFrame([judged.row(chosen) for chosen in repeats])
        row: dict[str, Any] = {"preset": name}
        for column in map(str, figures):
            row[column] = float(figures[column].mean())
            if column in BETAS:
                row |= {f"{column}_low": float(figures[column].min()), f"{column}_high": float(figures[column].max())}
        rows.append(row)
    return pd.DataFrame(rows)


def _table(judged: _Judged, options: TuningOptions, nested: NestedChoice) -> pd.DataFrame:
    varied = [name for name in options.grid if name in Preset.model_fields]
    rows = [
        {
            **{name: getattr(point, name) for name in varied},
            "present": number == 0,
            **judged.row(judged.everywhere(number)),
            "chosen": nested.share(number),
        }
        for number, point in enumerate(judged.points)
    ]
    return pd.DataFrame(rows).sort_values(
        [options.goal, "false_positives", "flagged_fraction"],
        ascending=[False, True, True],
        kind="stable",
        ignore_index=True,
    )


def _verdict_effect(alerts: Alerts, judged: _Judged, candidate: int) -> VerdictEffect:
    present, tuned = (
        alerts.threshold_effect(dict(zip(judged.channels, judged.anomalies[point], strict=True)))
        for point in (0, candidate)
    )
    return verdict_effect(present, tuned)


def _notes(judged: _Judged, copies: Mapping[str, str]) -> list[str]:
    notes = [f"{name} has the same test series as {first}: judged once." for name, first in copies.items()]
    notes += [
        f"The {len(unit)} channels of {judged.assets[unit[0]]} share events: they choose and are judged together."
        for unit in judged.units
        if len(unit) > 1
    ]
    if not judged.months:
        notes.append("No judged channel has dates, so that false alarms cannot be counted by month.")
    elif len(judged.months) < len(judged.channels):
        notes.append(f"False alarms by month are of the {counted(len(judged.months), 'channel')} that have dates.")
    return notes
