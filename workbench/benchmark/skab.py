"""Skoltech's Anomaly Benchmark: a water pump with eight sensors, judged point by point."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from tqdm import tqdm

from workbench.benchmark import published
from workbench.benchmark.blind import flag_everything, mean_of_random
from workbench.benchmark.report import BenchmarkReport
from workbench.counts import counted
from workbench.detection.asset import fit_asset
from workbench.detection.evaluation.pooling import intervals, pool
from workbench.detection.evaluation.sequences import Bounds, bounds_of, mask_of, ratio, runs_of
from workbench.exceptions import DetectionError, ImportDataError
from workbench.telemetry.importers.bundle import Bundle

__all__ = ["Experiment", "PointCounts", "count_points", "read_experiments", "run_skab"]

TRAINING = 400
"""First rows of each experiment, which train."""

_TIME, _LABELS = "datetime", ("anomaly", "changepoint")
_PROTOCOL = "the first 400 rows of each experiment train, the others are judged point by point"


@dataclass(frozen=True)
class Experiment:
    """One experiment of the benchmark.

    Attributes
    ----------
    name : str
        Folder and number, as `valve1/0`.
    sensors : tuple of str
        Names of the sensors.
    values : numpy.ndarray, shape (n, number of sensors)
        Telemetry at 1 Hz.
    times : numpy.ndarray, shape (n,), datetime64
        Time of each row.
    anomalous : numpy.ndarray, shape (n,), bool
        Rows that are labelled.
    """

    name: str
    sensors: tuple[str, ...]
    values: npt.NDArray[np.float64]
    times: npt.NDArray[np.datetime64]
    anomalous: npt.NDArray[np.bool_]

    @property
    def truth(self) -> npt.NDArray[np.bool_]:
        """Labels of the rows that are judged."""
        return self.anomalous[TRAINING:]


@dataclass(frozen=True)
class PointCounts:
    """Points and events of experiments, which add up."""

    hits: int = 0
    false_alarms: int = 0
    misses: int = 0
    normal: int = 0
    events: int = 0
    events_found: int = 0
    false_events: int = 0

    def figures(self) -> dict[str, float]:
        """Return the benchmark's figures, and events found and falsely reported."""
        return {
            "f1": ratio(2 * self.hits, 2 * self.hits + self.false_alarms + self.misses),
            "false_alarm_rate_%": 100 * ratio(self.false_alarms, self.normal),
            "missing_alarm_rate_%": 100 * ratio(self.misses, self.hits + self.misses),
            "events": self.events,
            "events_found": self.events_found,
            "false_events": self.false_events,
        }


def run_skab(data: Path, *, progress: bool = False) -> BenchmarkReport:
    """Run the benchmark with a model of the whole asset for each experiment.

    Parameters
    ----------
    data : Path
        Zip or folder with the benchmark's CSV files.
    progress : bool
        Show a bar.

    Returns
    -------
    BenchmarkReport

    Raises
    ------
    ImportDataError
        There is no experiment in it.

    Notes
    -----
    Model: T-squared and Q of `workbench.detection.asset`. Its bounds come from the 400 training rows of the experiment
    alone; nothing is chosen on labels.
    """
    experiments = read_experiments(data)
    lengths = {one.name: one.truth.size for one in experiments}
    began = time.perf_counter()
    found, failed = {}, {}
    for one in tqdm(experiments, desc="Detecting", unit="experiment", disable=not progress):
        found[one.name] = np.zeros((0, 2), dtype=np.int64)
        try:
            events = fit_asset(one.values[:TRAINING], list(one.sensors)).find(one.values[TRAINING:])
        except DetectionError as error:
            failed[one.name] = str(error)
            continue
        found[one.name] = np.array([(event.start, event.end) for event in events], dtype=np.int64).reshape(-1, 2)
    seconds = time.perf_counter() - began
    truths = {one.name: one.truth for one in experiments}
    counts = [count_points(found[name], truth) for name, truth in truths.items()]

    def judge(flags: dict[str, pd.DataFrame]) -> dict[str, float]:
        bounds = {name: bounds_of(table, lengths[name], "predicted") for name, table in flags.items()}
        return pool([count_points(bounds[name], truth) for name, truth in truths.items()])

    predicted = {
        name: pd.DataFrame(runs_of(mask_of(bounds, lengths[name])), columns=["start", "end"])
        for name, bounds in found.items()
    }
    gaming: list[dict[str, Any]] = [
        {"detector": "flag everything", **judge(flag_everything(lengths))},
        {"detector": "as many at random places", **mean_of_random(predicted, lengths, judge)},
    ]
    notes = [f"{counted(len(experiments), 'experiment')} of the data."]
    notes += [f"{name} could not be judged: {reason}" for name, reason in failed.items()]
    return BenchmarkReport(
        name="skab",
        protocol=_PROTOCOL,
        measured=pd.DataFrame([{"detector": "T-squared and Q of the asset", **pool(counts), "seconds": seconds}]),
        gaming=pd.DataFrame(gaming),
        published=published.SKAB,
        intervals=intervals(counts),
        notes=tuple(notes),
    )


def count_points(found: Bounds, truth: npt.NDArray[np.bool_]) -> PointCounts:
    """Count the points and events of one experiment.

    Parameters
    ----------
    found : numpy.ndarray, shape (n, 2), int
        First and last sample of each detection, both inclusive.
    truth : numpy.ndarray, shape (m,), bool
        Labelled samples.

    Returns
    -------
    PointCounts
        A run of labelled samples is an event; a run of flagged ones that meets none is a false event.
    """
    flagged = mask_of(found, truth.size)
    labelled, detected = runs_of(truth), runs_of(flagged)
    return PointCounts(
        hits=int((flagged & truth).sum()),
        false_alarms=int((flagged & ~truth).sum()),
        misses=int((~flagged & truth).sum()),
        normal=int((~truth).sum()),
        events=len(labelled),
        events_found=sum(bool(flagged[start : end + 1].any()) for start, end in labelled.tolist()),
        false_events=sum(not truth[start : end + 1].any() for start, end in detected.tolist()),
    )


def read_experiments(data: Path) -> list[Experiment]:
    """Read the labelled experiments of the benchmark, in the order of their folders and numbers.

    Raises
    ------
    ImportDataError
        There is none, or one cannot be read.
    """
    experiments = []
    with Bundle(data) as bundle:
        names = [name for name in bundle.names() if name.suffix == ".csv"]
        for name in sorted(names, key=lambda name: (str(name.parent), len(name.stem), name.stem)):
            with bundle.open(name) as file:
                try:
                    table = pd.read_csv(file, sep=";")
                except ValueError as error:
                    raise ImportDataError(f"{name} of {data} is not CSV: {error}.", "Get the file again.") from None
            if {_TIME, *_LABELS} <= set(table.columns) and len(table) > TRAINING:
                experiments.append(_experiment(f"{name.parent.name}/{name.stem}", table))
    if not experiments:
        raise ImportDataError(
            f"{data} holds no experiment of SKAB.",
            "Needed: CSV files separated by semicolons, with datetime, sensors, anomaly and changepoint.",
        )
    return experiments


def _experiment(name: str, table: pd.DataFrame) -> Experiment:
    sensors = [column for column in table.columns if column != _TIME and column not in _LABELS]
    return Experiment(
        name=name,
        sensors=tuple(sensors),
        values=table[sensors].to_numpy(dtype=np.float64),
        times=pd.to_datetime(table[_TIME]).to_numpy(),
        anomalous=table[_LABELS[0]].to_numpy() > 0,
    )
