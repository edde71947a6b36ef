"""Models compared on data that none of them learned from: the windows of the training series that all held out.

Limits: windows overlap, so that a held-out sample was an input of windows that were learned; and a model that was
trained on earlier data may have seen some of the present ones. Both flatter every model that it concerns.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from workbench.counts import counted
from workbench.detection.windows import broken_windows, split_windows, unusable_windows, window_count
from workbench.exceptions import ForecasterError, WorkbenchError
from workbench.models.listing import ModelInfo
from workbench.models.registry import Registry
from workbench.telemetry.breaks import break_rows

if TYPE_CHECKING:
    from workbench.detection.forecasters import Forecaster

__all__ = ["COMPARISON_COLUMNS", "LEAST_SAMPLES", "Contender", "Verdict", "challenge", "compare"]

LEAST_SAMPLES = 20
"""Fewest samples, held out from models of different seeds, on which they are compared."""

COMPARISON_COLUMNS = ("model", "forecaster", "version", "aliases", "held_out_error", "samples", "reason")


@dataclass(frozen=True)
class Contender:
    """A fitted forecaster and what it was fitted to.

    Attributes
    ----------
    forecaster : Forecaster
        Fitted forecaster of the version.
    seed : int
        Seed of the fit; decides which windows were held out.
    train_hash : str
        `workbench.telemetry.schema.data_hash` of the series it was fitted to.
    """

    forecaster: "Forecaster"
    seed: int
    train_hash: str

    @classmethod
    def load(cls, registry: Registry, info: ModelInfo) -> "Contender":
        """Load a registered version.

        Raises
        ------
        ArtifactError
            It cannot be loaded.
        """
        return cls(registry.load(info), int(info.parameters.get("seed", 0)), info.train_hash)

    def held_out(self, train: xr.Dataset, train_hash: str) -> npt.NDArray[np.int64]:
        """Return the samples of a training series that it predicts and did not learn to predict.

        Parameters
        ----------
        train : xarray.Dataset
            Training split of a channel, n samples.
        train_hash : str
            Hash of the series; all windows of one that it was not fitted to are held out.

        Returns
        -------
        numpy.ndarray of int
            Sample at step 0 of each usable window, see `workbench.detection.windows`, in rising order.

        Raises
        ------
        ForecasterError
            The series is shorter than one window.
        """
        length, horizon, n = self.forecaster.sequence_length, self.forecaster.prediction_horizon, train.sizes["time"]
        count = window_count(n, length, horizon)
        if count < 1:
            raise ForecasterError(
                f"The training series has {counted(n, 'sample')}.", f"At least {length + horizon + 1} are needed."
            )
        same_data = train_hash == self.train_hash
        windows = np.sort(split_windows(count, self.seed)[1] if same_data else np.arange(count))
        unusable = unusable_windows(train["telemetry"].values[: length + count], length)
        unusable |= self._broken(train, count)
        return windows[~unusable[windows]] + length

    def errors(self, train: xr.Dataset) -> npt.NDArray[np.float64]:
        """Return the absolute one-step error at each sample, NaN where none is predicted or its window is unusable.

        Parameters
        ----------
        train : xarray.Dataset
            Training split of a channel, n samples.

        Returns
        -------
        numpy.ndarray, shape (n,), float64
            In the units of the telemetry.

        Raises
        ------
        ForecasterError
            The forecaster does not fit the series.
        """
        telemetry = train["telemetry"].values.astype(np.float64)
        prediction = self.forecaster.predict(train)
        errors = np.full(telemetry.size, np.nan)
        judged = slice(self.forecaster.sequence_length, self.forecaster.sequence_length + prediction.size)
        errors[judged] = np.abs(prediction - telemetry[judged])
        unusable = unusable_windows(telemetry[: judged.stop], judged.start)
        errors[judged][unusable | self._broken(train, prediction.size)] = np.nan
        return errors

    def _broken(self, train: xr.Dataset, count: int) -> npt.NDArray[np.bool_]:
        """Return which windows reach across a gap that it did not learn across."""
        forecaster = self.forecaster
        breaks = break_rows(train, getattr(forecaster, "max_gap_seconds", None))
        return broken_windows(breaks, count, forecaster.sequence_length, forecaster.prediction_horizon)


@dataclass(frozen=True)
class Verdict:
    """Result of a comparison of a challenger with the champion.

    Attributes
    ----------
    error, champion_error : float
        Mean absolute one-step error over the same held-out samples, in the units of the telemetry; infinite for a
        champion that cannot predict the series.
    samples : int
        How many samples both held out.
    enough : bool
        Whether these are enough to compare on.
    """

    error: float
    champion_error: float
    samples: int
    enough: bool

    @property
    def better(self) -> bool:
        """Whether the challenger takes the champion's place; its error is finite and less."""
        return self.enough and math.isfinite(self.error) and self.error < self.champion_error


def challenge(train: xr.Dataset, train_hash: str, challenger: Contender, champion: Contender | None) -> Verdict:
    """Compare a challenger with the champion on the windows that both held out.

    Parameters
    ----------
    train : xarray.Dataset
        Present training split of the channel.
    train_hash : str
        Its hash.
    challenger : Contender
        Version that may replace the champion.
    champion : Contender or None
        None where it cannot be loaded.

    Returns
    -------
    Verdict

    Raises
    ------
    ForecasterError
        The challenger does not fit the series.
    """
    samples, errors = challenger.held_out(train, train_hash), challenger.errors(train)
    try:
        other = None if champion is None else (champion.held_out(train, train_hash), champion.errors(train))
    except ForecasterError:  # made for other inputs
        other = None
    if other is None:
        return Verdict(float(errors[samples].mean()), math.inf, samples.size, True)
    shared = np.intersect1d(samples, other[0], assume_unique=True)
    enough = _enough(shared, samples, other[0])
    if not shared.size:
        return Verdict(math.nan, math.nan, 0, False)
    return Verdict(float(errors[shared].mean()), float(other[1][shared].mean()), shared.size, enough)


def compare(train: xr.Dataset, train_hash: str, registry: Registry, models: Sequence[ModelInfo]) -> pd.DataFrame:
    """Compare versions of all forecasters on the windows that all of them held out.

    Parameters
    ----------
    train : xarray.Dataset
        Present training split of the channel.
    train_hash : str
        Its hash.
    registry : Registry
        Registry that holds the versions.
    models : sequence of ModelInfo
        Versions of the channel. Champions come first, then the newest: one whose held-out windows leave fewer than
        `LEAST_SAMPLES` in common with those before it is not compared.

    Returns
    -------
    pandas.DataFrame
        `COMPARISON_COLUMNS`, the least held-out error first. `held_out_error` is the mean absolute one-step error
        in the units of the telemetry, the same for each version over `samples` samples; NaN with a `reason` for a
        version that could not be compared.
    """
    ordered = sorted(models, key=lambda info: ("champion" not in info.aliases, -info.created.timestamp()))
    shared: npt.NDArray[np.int64] | None = None
    errors: dict[str, npt.NDArray[np.float64]] = {}
    reasons: dict[str, str] = {}
    for info in ordered:
        try:
            contender = Contender.load(registry, info)
            own, own_errors = contender.held_out(train, train_hash), contender.errors(train)
        except WorkbenchError as error:
            reasons[info.id] = str(error)
            continue
        common = own if shared is None else np.intersect1d(shared, own, assume_unique=True)
        if shared is not None and not _enough(common, shared, own):
            reasons[info.id] = f"only {common.size} held-out samples in common with the others: another seed"
            continue
        shared, errors[info.id] = common, own_errors
    rows = [
        {
            "model": info.id,
            "forecaster": info.forecaster,
            "version": info.version,
            "aliases": ", ".join(info.aliases),
            "held_out_error": float(errors[info.id][shared].mean()) if info.id in errors else math.nan,
            "samples": shared.size if shared is not None and info.id in errors else 0,
            "reason": reasons.get(info.id, ""),
        }
        for info in ordered
    ]
    table = pd.DataFrame(rows, columns=list(COMPARISON_COLUMNS))
    return table.sort_values("held_out_error", ignore_index=True, kind="stable")


def _enough(common: npt.NDArray[np.int64], *sets: npt.NDArray[np.int64]) -> bool:
    """Return whether the samples in common suffice: all that one of the models held out, or `LEAST_SAMPLES`."""
    return common.size >= min(LEAST_SAMPLES, *(samples.size for samples in sets)) and common.size > 0
