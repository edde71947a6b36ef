"""The Numenta Anomaly Benchmark: single series, and windows in which an early alarm earns more."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.benchmark import published
from workbench.benchmark.blind import mean_of_random
from workbench.benchmark.report import BenchmarkReport
from workbench.benchmark.series import detect_in, write_series
from workbench.counts import counted
from workbench.detection.evaluation.nab import NAB_PROFILES, NabCounts, nab_score, probation_samples
from workbench.detection.evaluation.pooling import intervals
from workbench.detection.evaluation.sequences import Bounds, bounds_of, mask_of
from workbench.exceptions import ImportDataError
from workbench.telemetry.importers.bundle import Bundle

if TYPE_CHECKING:
    from workbench.session import Session

__all__ = ["NabSeries", "read_series", "run_nab"]

_WINDOWS = "combined_windows.json"
_PROTOCOL = (
    "the first 15 % of each series (at most 750 samples) train and are not judged; the first alarm in a window earns "
    "more the earlier it is, and each alarm outside costs"
)


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


def run_nab(
    session: "Session", data: Path, forecaster: str, preset: str | None, *, progress: bool = False
) -> BenchmarkReport:
    """Run the benchmark on the series that the data hold.

    Parameters
    ----------
    session : Session
        Session whose home takes series, models and scores.
    data : Path
        Zip or folder with the benchmark's `data` and `labels/combined_windows.json`.
    forecaster : str
        Forecaster to train, or "preset": see `workbench.benchmark.series.OF_PRESET`.
    preset : str or None
        Detection preset; that of the settings where None.
    progress : bool
        Show bars.

    Returns
    -------
    BenchmarkReport

    Raises
    ------
    ImportDataError
        The data hold no series or no windows.

    Notes
    -----
    The scoreboard's detectors have one threshold for all series, which the benchmark chooses on them for each profile;
    here nothing is chosen. They raise alarms at single samples, our anomalies have a length: the first row takes their
    first sample as the alarm, the others say what else it could be. Series that the product cannot judge count as
    series without an alarm.
    """
    every = {_channel(one.name): one for one in read_series(data)}
    for name, one in every.items():
        write_series(session, name, PurePosixPath(one.name).parent.name, one.values, one.probation, one.times)
    lengths = {name: one.values.size - one.probation for name, one in every.items()}
    found = detect_in(session, lengths, forecaster, preset, progress)
    by_rule = {
        rule: [_counts(one, alarms(found.sequences[name], one)) for name, one in every.items()]
        for rule, alarms in _ALARMS.items()
    }
    measured = [
        {"detector": found.detector, "alarm": rule, **_figures(counts), "seconds": found.seconds}
        for rule, counts in by_rule.items()
    ]

    def judge(moved: dict[str, pd.DataFrame]) -> dict[str, float]:
        return _figures([_counts(one, moved[name]["start"].tolist()) for name, one in every.items()])

    everything = [_counts(one, list(range(lengths[name]))) for name, one in every.items()]
    first = [_counts(one, [0]) for one in every.values()]
    gaming: list[dict[str, Any]] = [
        {"detector": "an alarm at every sample", **_figures(everything)},
        {"detector": "one alarm at the beginning", **_figures(first)},
        {"detector": "as many at random places", **mean_of_random(found.sequences, lengths, judge)},
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
        intervals=intervals(by_rule[_FIRST_SAMPLE]),
        notes=tuple(notes),
    )


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


_FIRST_SAMPLE = "at its first sample"
_ALARMS: dict[str, Callable[[pd.DataFrame, NabSeries], list[int]]] = {
    _FIRST_SAMPLE: _first_samples,
    "at its first sample in a window": _first_samples_in_windows,
    "at each of its samples": _every_sample,
}
"""Which samples of an anomaly are alarms: as an operator sees it, as the overlap protocol does, and to NAB's letter."""


def _counts(series: NabSeries, alarms: list[int]) -> NabCounts:
    """Judge alarms, in samples after the probation."""
    return nab_score([series.probation + alarm for alarm in alarms], series.windows)


def _figures(counts: list[NabCounts]) -> dict[str, float]:
    total = sum(counts, NabCounts())
    scores = {name: total.score(profile) for name, profile in NAB_PROFILES.items()}
    found = {"windows": total.windows, "windows_found": total.windows_found, "false_alarms": total.false_detections}
    return {**scores, **found}
