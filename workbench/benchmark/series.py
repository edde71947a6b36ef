"""Series of a benchmark in a home: written, trained on and scored, each step once however often it is asked for."""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.detection.scoring import anomaly_frame
from workbench.telemetry.schema import make_channel

if TYPE_CHECKING:
    from workbench.session import Session

__all__ = ["OF_PRESET", "BenchmarkRun", "Detections", "write_series"]

OF_PRESET = "preset"
"""In place of a forecaster: ridge is trained, and those predict that the preset names and the home has models of."""


@dataclass(frozen=True)
class Detections:
    """What a model and a preset found in series.

    Attributes
    ----------
    sequences : dict of str to pandas.DataFrame
        Anomalies of each series as `Session.anomalies` returns them; none where it failed.
    failed : dict of str to str
        Why series could not be trained on or scored.
    seconds : float
        What training and scoring took, less what was there already.
    """

    sequences: dict[str, pd.DataFrame]
    failed: dict[str, str]
    seconds: float


def write_series(
    session: "Session",
    name: str,
    asset: str,
    values: npt.ArrayLike,
    n_train: int,
    times: npt.NDArray[np.datetime64],
) -> None:
    """Write a series to the archive of a home; its first samples train.

    Parameters
    ----------
    session : Session
        Session whose home takes it.
    name, asset : str
        Channel and asset.
    values : array_like, shape (n,)
        Telemetry.
    n_train : int
        How many samples train.
    times : numpy.ndarray, shape (n,), datetime64
        Time of each sample. Where they do not rise, as at a change of clocks, the samples stand at their median step.
    """
    telemetry = np.asarray(values, dtype=np.float64)
    steps = np.diff(times)
    if len(steps) and not (steps > np.timedelta64(0)).all():
        times = times[0] + np.arange(len(times)) * np.median(steps.astype(np.int64)).astype(steps.dtype)
    train, test = (
        make_channel(telemetry[part], channel=name, asset=asset, time=times[part], dtype=np.float64)
        for part in (slice(0, n_train), slice(n_train, None))
    )
    session.archive.write(train, test)


@dataclass(frozen=True)
class BenchmarkRun:
    """What a benchmark is run with.

    Attributes
    ----------
    session : Session
        Session whose home takes channels, models and scores.
    data : Path
        Zip or folder of the benchmark's data.
    forecaster : str
        Forecaster to train, or `OF_PRESET`.
    preset : str or None
        Detection preset; that of the settings where None.
    progress : bool
        Show bars.
    """

    session: "Session"
    data: Path
    forecaster: str = "ridge"
    preset: str | None = None
    progress: bool = False

    @property
    def trained(self) -> str:
        """The forecaster that is trained."""
        return "ridge" if self.forecaster == OF_PRESET else self.forecaster

    @property
    def predicting(self) -> str | None:
        """The forecaster that predicts; None where the preset decides."""
        return None if self.forecaster == OF_PRESET else self.forecaster

    @property
    def preset_name(self) -> str:
        """The preset that detects."""
        return self.preset or self.session.settings.preset

    @property
    def detector(self) -> str:
        """What predicts and what detects, for a row of the benchmark."""
        if self.forecaster == OF_PRESET:
            return f"forecasters of preset {self.preset_name}"
        return f"{self.forecaster}, preset {self.preset_name}"

    def detect(self, channels: Iterable[str]) -> Detections:
        """Train a forecaster on series and find their anomalies.

        Parameters
        ----------
        channels : iterable of str
            Series that the home of the session holds.

        Returns
        -------
        Detections
        """
        names = list(channels)
        began = time.perf_counter()
        trained = self.session.train(names, self.trained, progress=self.progress)
        scored = self.session.score_all(names, self.predicting, self.preset, progress=self.progress)
        seconds = time.perf_counter() - began
        failed: dict[str, str] = {}
        for table in (scored, trained):
            rows = table[table["status"] == "failed"]
            failed |= dict(zip(rows["channel"], rows["reason"], strict=True))
        found = scored[scored["status"] != "failed"]
        nothing = anomaly_frame({}, self.session.settings.severity)
        anomalies = dict(zip(found["channel"], found["anomalies"], strict=True))
        return Detections({name: anomalies.get(name, nothing) for name in names}, failed, seconds)
