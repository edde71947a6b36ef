"""The Numenta Anomaly Benchmark: single series, and windows in which an early alarm earns more."""

import json
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from workbench.benchmark import published
from workbench.benchmark.blind import mean_of_random
from workbench.benchmark.report import BenchmarkReport
from workbench.benchmark.series import BenchmarkRun, write_series
from workbench.counts import counted
from workbench.detection.alarm_samples import alarm_samples
from workbench.detection.continuing import with_envelope
from workbench.detection.envelope.course import judge_envelope
from workbench.detection.envelope.rows import rows_text
from workbench.detection.evaluation.nab import NAB_PROFILES, NabCounts, nab_score, probation_samples
from workbench.detection.evaluation.pooling import intervals
from workbench.detection.evaluation.sequences import Bounds, bounds_of, mask_of
from workbench.exceptions import ImportDataError
from workbench.telemetry.importers.bundle import Bundle

__all__ = ["NabSeries", "read_series", "run_nab"]

_WINDOWS = "combined_windows.json"
_PROTOCOL = (
    "the first 15 % of each series (at most 750 samples) train and are not judged; the first alarm in a window earns "
    "more the earlier it is, and each alarm outside costs"
)

_WIDTHS = tuple(2.0 ** (step / 2) for step in range(-8, 3))
"""Widths of the envelope among which one is chosen for all series: from a sixteenth to twice, doubled in two steps."""


@dataclass(frozen=True)
class NabSeries:
    """One series of the benchmark.

    Attributes
    ----------
    name : str
        Folder and file, as `realKnownCause/nyc_taxi.csv`.
    times : numpy.ndarray, shape (n,), datetime64
        Time of each row as the file has it.
    values : numpy.ndarray, shape (n,)
        Telemetry.
    windows : numpy.ndarray, shape (k, 2), int
        First and last row of each window.
    """

    name: str
    times: npt.NDArray[np.datetime64]
    values: npt.NDArray[np.float64]
    windows: Bounds

    @property
    def probation(self) -> int:
        """How many rows train and are not judged."""
        return probation_samples(self.values.size)


def run_nab(run: BenchmarkRun) -> BenchmarkReport:
    """Run the benchmark on the series that the data hold.

    Parameters
    ----------
    run : BenchmarkRun
        What it is run with. Data are the benchmark's `data` and `labels/combined_windows.json`.

    Returns
    -------
    BenchmarkReport
        Its details say what each series loses.

    Raises
    ------
    ImportDataError
        The data hold no series or no windows.

    Notes
    -----
    Our anomalies have a length, while NAB's detectors raise alarms at single samples: the first row takes the sample at
    which an anomaly is detected as the alarm, the next two say what else it could be. What an anomaly has before that
    sample, as the samples that the threshold adds, could not alarm and counts for nothing. Series that the product
    cannot judge count as series without an alarm.

    These rows choose nothing. The scoreboard's detectors have one threshold for all series, which the benchmark chooses
    on them for each profile. Where the preset has an envelope, two rows do the same with `envelope_width`, the one
    number that says how unusual telemetry must be: chosen on all series, as the scoreboard does, and chosen for the
    series of each folder on those of the other folders, which have never seen what they are judged on.
    """
    every = {_channel(one.name): one for one in read_series(run.data)}
    for name, one in every.items():
        write_series(run.session, name, PurePosixPath(one.name).parent.name, one.values, one.probation, one.times)
    lengths = {name: one.values.size - one.probation for name, one in every.items()}
    found = run.detect(lengths)
    buffer = run.session.settings.presets[run.preset_name].error_buffer
    scored = {name: run.session.score(name, run.predicting, run.preset) for name in every if name not in found.failed}
    detected = {
        name: found.sequences[name].assign(start=alarm_samples(scored[name], buffer))
        if name in scored
        else found.sequences[name]
        for name in every
    }
    by_rule = {
        rule: [_counts(one, alarms(detected[name], one)) for name, one in every.items()]
        for rule, alarms in _ALARMS.items()
    }
    measured = [
        {"detector": run.detector, "alarm": rule, **_figures(counts), "seconds": found.seconds}
        for rule, counts in by_rule.items()
    ]
    measured += _rows_of_one_width(run, every, scored)

    def judge(moved: dict[str, pd.DataFrame]) -> dict[str, float]:
        return _figures([_counts(one, moved[name]["start"].tolist()) for name, one in every.items()])

    everything = [_counts(one, list(range(lengths[name]))) for name, one in every.items()]
    first = [_counts(one, [0]) for one in every.values()]
    gaming: list[dict[str, Any]] = [
        {"detector": "an alarm at every sample", **_figures(everything)},
        {"detector": "one alarm at the beginning", **_figures(first)},
        {"detector": "as many at random places", **mean_of_random(detected, lengths, judge)},
    ]
    windows = sum(len(one.windows) for one in every.values())
    notes = [f"{counted(len(every), 'series', 'series')} with {counted(windows, 'window')}."]
    notes += [f"{every[name].name} could not be judged: {reason}" for name, reason in found.failed.items()]
    return BenchmarkReport(
        name="nab",
        protocol=_PROTOCOL,
        measured=pd.DataFrame(measured),
        gaming=pd.DataFrame(gaming),
        published=published.NAB,
        intervals=intervals(by_rule[_AT_DETECTION]),
        details=_losses([one.name for one in every.values()], by_rule[_AT_DETECTION]),
        notes=tuple(notes),
    )


def _rows_of_one_width(
    run: BenchmarkRun, every: Mapping[str, NabSeries], scored: Mapping[str, xr.Dataset]
) -> list[dict[str, Any]]:
    """Return the figures with one `envelope_width` for all series; none where the preset has no envelope."""
    params = run.session.settings.presets[run.preset_name]
    if params.envelope == "none":
        return []
    began = time.perf_counter()
    at_width = {
        width: [_counts(one, _alarms_at_width(run, name, scored.get(name), width)) for name, one in every.items()]
        for width in _WIDTHS
    }
    seconds = time.perf_counter() - began
    folders = [PurePosixPath(one.name).parent for one in every.values()]
    windows = [len(one.windows) for one in every.values()]
    elsewhere = [[i for i, one in enumerate(folders) if one != own] for own in folders]
    choices = {"all series": [list(range(len(folders)))] * len(folders)}
    if all(sum(windows[i] for i in others) for others in elsewhere):
        choices["the other folders"] = elsewhere
    rows: list[dict[str, Any]] = []
    for chosen_on, others in choices.items():
        widths = {profile: [_best_width(at_width, some, profile) for some in others] for profile in NAB_PROFILES}
        counts = {profile: [at_width[width][i] for i, width in enumerate(own)] for profile, own in widths.items()}
        figures = _figures(counts["standard"]) | {
            profile: _total(own).score(NAB_PROFILES[profile]) for profile, own in counts.items()
        }
        named = " or ".join(f"{width:.2g}" for width in sorted(set(widths["standard"])))
        detector = f"{run.detector}, envelope_width {named}, chosen on {chosen_on}"
        rows.append({"detector": detector, "alarm": _AT_DETECTION, **figures, "seconds": seconds})
    return rows


def _alarms_at_width(run: BenchmarkRun, name: str, scored: xr.Dataset | None, width: float) -> list[int]:
    """Return when the anomalies of a series are detected with another width of the envelope."""
    if scored is None:
        return []
    params = run.session.settings.presets[run.preset_name].model_copy(update={"envelope_width": width})
    test, train = run.session.channel(name), run.session.channel(name, "train")
    rows = rows_text(with_envelope(scored.attrs, judge_envelope(test, train, params)))
    return alarm_samples(scored.assign_attrs(anomalies=rows), params.error_buffer)


def _best_width(at_width: Mapping[float, list[NabCounts]], series: Sequence[int], profile: str) -> float:
    """Return the width with the best score on some series; the widest of those that are equal."""
    return max(
        sorted(at_width, reverse=True),
        key=lambda width: _total(at_width[width][i] for i in series).score(NAB_PROFILES[profile]),
    )


def _losses(names: list[str], counts: list[NabCounts]) -> pd.DataFrame:
    """Return what each series loses of the standard score, and why; those that lose nothing are left out.

    There are no points to lose where no series has a window.
    """
    profile = NAB_PROFILES["standard"]
    whole = (1 + profile.false_negative) * _total(counts).windows / 100
    rows = [
        {
            "series": name,
            "windows": one.windows,
            "windows_found": one.windows_found,
            "false_alarms": one.false_detections,
            "points_lost_missed": (1 + profile.false_negative) * (one.windows - one.windows_found) / whole,
            "points_lost_late": (one.windows_found - one.earned) / whole,
            "points_lost_false": profile.false_positive * one.cost / whole,
        }
        for name, one in zip(names, counts, strict=True)
        if whole and (one.earned < one.windows or one.cost)
    ]
    return pd.DataFrame([*rows, {"series": "all", **pd.DataFrame(rows).drop(columns="series").sum()}] if rows else [])


def read_series(data: Path) -> list[NabSeries]:
    """Read the series of the benchmark that have windows or are known to have none.

    Raises
    ------
    ImportDataError
        There is none, or a file cannot be read.
    """
    with Bundle(data) as bundle:
        names = bundle.names()
        label_file = next((name for name in names if name.name == _WINDOWS), None)
        if label_file is None:
            raise ImportDataError(f"{data} holds no {_WINDOWS}.", "Give the folder with data and labels of NAB.")
        with bundle.open(label_file) as file:
            try:
                windows = json.load(file)
            except ValueError as error:
                raise ImportDataError(f"{label_file} of {data} is not JSON: {error}.", "Get the file again.") from None
        files = {f"{name.parent.name}/{name.name}": name for name in names if name.suffix == ".csv"}
        labelled = {short: name for short, name in files.items() if short in windows}
        if not labelled:
            raise ImportDataError(f"{data} holds no series that {_WINDOWS} names.", "Give data and labels of NAB.")
        series = []
        for short, name in labelled.items():
            with bundle.open(name) as file:
                try:
                    table = pd.read_csv(file)
                    times = pd.to_datetime(table["timestamp"]).to_numpy(dtype="datetime64[ns]")
                    values = table["value"].to_numpy(dtype=np.float64)
                    spans = np.array(windows[short], dtype="datetime64[ns]").reshape(-1, 2)
                except (KeyError, ValueError) as error:
                    raise ImportDataError(
                        f"{name} of {data} is not a series of NAB: {error}.", "Get it again."
                    ) from None
            series.append(NabSeries(short, times, values, _rows(spans, times)))
    return series


def _rows(spans: npt.NDArray[np.datetime64], times: npt.NDArray[np.datetime64]) -> Bounds:
    """Return first and last row within each span; times need not rise."""
    inside = [np.flatnonzero((times >= first) & (times <= last)) for first, last in spans]
    return np.array([(rows[0], rows[-1]) for rows in inside if rows.size], dtype=np.int64).reshape(-1, 2)


def _channel(name: str) -> str:
    return name.removesuffix(".csv").replace("/", ".")


def _first_samples(sequences: pd.DataFrame, series: NabSeries) -> list[int]:
    del series
    starts: list[int] = sequences["start"].tolist()
    return starts


def _first_samples_in_windows(sequences: pd.DataFrame, series: NabSeries) -> list[int]:
    """Return the first sample of each sequence in each window that it overlaps, or its first where it overlaps none."""
    alarms = []
    for start, end in sequences[["start", "end"]].to_numpy().tolist():
        windows = (series.windows - series.probation).tolist()
        inside = [max(start, first) for first, last in windows if start <= last and first <= end]
        alarms += inside or [start]
    return alarms


def _every_sample(sequences: pd.DataFrame, series: NabSeries) -> list[int]:
    bounds = bounds_of(sequences, series.values.size - series.probation, "predicted")
    return np.flatnonzero(mask_of(bounds, series.values.size - series.probation)).tolist()


_AT_DETECTION = "when it is detected"
_ALARMS: dict[str, Callable[[pd.DataFrame, NabSeries], list[int]]] = {
    _AT_DETECTION: _first_samples,
    "at its first sample in a window from then on": _first_samples_in_windows,
    "at each of its samples from then on": _every_sample,
}
"""Which samples of an anomaly are alarms: as an operator sees it, as the overlap protocol does, and to NAB's letter."""


def _counts(series: NabSeries, alarms: list[int]) -> NabCounts:
    """Judge alarms, in samples after the probation."""
    return nab_score([series.probation + alarm for alarm in alarms], series.windows)


def _figures(counts: list[NabCounts]) -> dict[str, float]:
    total = _total(counts)
    scores = {name: total.score(profile) for name, profile in NAB_PROFILES.items()}
    found = {"windows": total.windows, "windows_found": total.windows_found, "false_alarms": total.false_detections}
    return {**scores, **found}


def _total(counts: Iterable[NabCounts]) -> NabCounts:
    return sum(counts, NabCounts())
