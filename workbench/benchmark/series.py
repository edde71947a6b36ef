"""Series of a benchmark in a home: written, trained on and scored, each step once however often it is asked for."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.telemetry.schema import make_channel

if TYPE_CHECKING:
    from workbench.session import Session

__all__ = ["OF_PRESET", "Detections", "detect_in", "detector_name", "forecasters_of", "write_series"]

OF_PRESET = "preset"
"""In place of a forecaster: ridge is trained, and those predict that the preset names and the home has models of."""


@dataclass(frozen=True)
class Detections:
    """What a model and a preset found in series.

    Attributes
    ----------
    detector : str
        Forecaster and preset.
    sequences : dict of str to pandas.DataFrame
        Sequences of each series, int `start` and `end` in samples of the test series; none where it failed.
    failed : dict of str to str
        Why series could not be trained on or scored.
    seconds : float
        What training and scoring took, less what was there already.
    """

    detector: str
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


def forecasters_of(forecaster: str) -> tuple[str, str | None]:
    """Return which forecaster is trained, and which one predicts; None where the preset decides.

    Examples
    --------
    >>> forecasters_of("lstm"), forecasters_of(OF_PRESET)
    (('lstm', 'lstm'), ('ridge', None))
    """
    return ("ridge", None) if forecaster == OF_PRESET else (forecaster, forecaster)


def detector_name(session: "Session", forecaster: str, preset: str | None) -> str:
    """Return what predicts and what detects, for a row of a benchmark."""
    name = preset or session.settings.preset
    return f"forecasters of preset {name}" if forecaster == OF_PRESET else f"{forecaster}, preset {name}"


def detect_in(
    session: "Session", lengths: Mapping[str, int], forecaster: str, preset: str | None, progress: bool
) -> Detections:
    """Train a forecaster on series and find their anomalies.

    Parameters
    ----------
    session : Session
        Session whose home holds the series.
    lengths : mapping of str to int
        Samples of the test series of each.
    forecaster : str
        Forecaster to train, or `OF_PRESET`.
    preset : str or None
        Detection preset; that of the settings where None.
    progress : bool
        Show bars.

    Returns
    -------
    Detections
    """
    began = time.perf_counter()
    trained_one, predicting = forecasters_of(forecaster)
    trained = session.train(list(lengths), trained_one, progress=progress)
    scored = session.score_all(list(lengths), predicting, preset, progress=progress)
    seconds = time.perf_counter() - began
    failed: dict[str, str] = {}
    for table in (scored, trained):
        rows = table[table["status"] == "failed"]
        failed |= dict(zip(rows["channel"], rows["reason"], strict=True))
    found = scored[scored["status"] != "failed"]
    sequences = {
        name: table[["start", "end"]] for name, table in zip(found["channel"], found["anomalies"], strict=True)
    }
    nothing = pd.DataFrame({"start": [], "end": []}, dtype="int64")
    return Detections(
        detector=detector_name(session, forecaster, preset),
        sequences={name: sequences.get(name, nothing) for name in lengths},
        failed=failed,
        seconds=seconds,
    )
