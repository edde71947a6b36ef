"""The last value of a channel as an operator reads it: how old it is, where it stands to its limits, what is usual."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from workbench.telemetry.catalog import Limits
from workbench.telemetry.schema import UNKNOWN_PERIOD

__all__ = ["COLUMNS", "STALE_STEPS", "last_value", "limit_state", "quality_spans", "usual_step"]

COLUMNS = (
    "value", "time", "age", "stale", "limit", "bound", "n", "missing", "minimum", "mean", "maximum", "sd"
)  # fmt: skip
"""Columns of `last_value`."""

STALE_STEPS = 5
"""A value older than so many usual steps is stale."""

_GAP_STEPS = 1.5  # as in `workbench.telemetry.quality`
_STEPS_OF_MEDIAN = 1000  # steps that the usual one is the median of
_TAIL_SAMPLES = 4096  # samples looked at first for the last finite one


def limit_state(value: float, limits: Limits) -> tuple[str, float]:
    """Return the limit that a value exceeds.

    Parameters
    ----------
    value : float
        In the units of the limits.
    limits : Limits
        Limits of the channel, in its units.

    Returns
    -------
    tuple of str and float
        `critical low`, `warning low`, `normal`, `warning high` or `critical high`, and the limit that was reached;
        an empty state where there is no limit or no value. The limit is NaN where none is reached.

    Examples
    --------
    >>> limit_state(33.2, Limits(warning_high=32.2, critical_high=33))
    ('critical high', 33.0)
    """
    bounds = {name: bound for name, bound in limits if bound is not None}
    if not bounds or not np.isfinite(value):
        return "", float("nan")
    for name in ("critical_low", "warning_low"):
        if name in bounds and value <= bounds[name]:
            return name.replace("_", " "), float(bounds[name])
    for name in ("critical_high", "warning_high"):
        if name in bounds and value >= bounds[name]:
            return name.replace("_", " "), float(bounds[name])
    return "normal", float("nan")


def usual_step(channel: xr.Dataset) -> float:
    """Return the time between samples: the channel's sample period, else the median of its last steps.

    Parameters
    ----------
    channel : xarray.Dataset
        One split of one channel.

    Returns
    -------
    float
        Seconds for stamps, samples otherwise; NaN for a single sample.
    """
    time = channel["time"].values
    dated = np.issubdtype(time.dtype, np.datetime64)
    period = channel.attrs.get("sample_period", UNKNOWN_PERIOD)
    if dated and period != UNKNOWN_PERIOD:
        try:
            return float(pd.Timedelta(period).total_seconds())
        except ValueError:  # a source may call its period what it likes
            pass
    if time.size < 2:
        return float("nan")
    return float(np.median(np.diff(time[-_STEPS_OF_MEDIAN:]).astype(np.float64))) / (1e9 if dated else 1.0)


def last_value(
    channel: xr.Dataset,
    limits: Limits,
    *,
    now: np.datetime64 | float | None = None,
    first: int = 0,
    last: int | None = None,
) -> dict[str, Any]:
    """Describe the newest value of a channel and the samples shown with it.

    Parameters
    ----------
    channel : xarray.Dataset
        One split of one channel, loaded.
    limits : Limits
        In the channel's units.
    now : numpy.datetime64 or float, optional
        Time up to which samples have come, UTC or a sample number; the time of the last sample where omitted. What
        lies after it is not looked at.
    first, last : int, optional
        Samples of the statistics, `last` exclusive; all where omitted.

    Returns
    -------
    dict
        `COLUMNS`: `value` and `time` of the last finite sample (NaN, None where there is none); `age` in seconds or
        samples; `stale`; `limit`, `bound` as from `limit_state`; `n` samples between first and last that have come,
        `missing` of these not finite; `minimum`, `mean`, `maximum` and `sd` (population) of the rest.
    """
    time, values = channel["time"].values, channel["telemetry"].values
    dated = np.issubdtype(time.dtype, np.datetime64)
    reference: Any = time[-1] if now is None else now
    come = time.size if now is None else int(np.searchsorted(time, reference, side="right"))
    at = _last_finite(values[:come])
    value = float("nan") if at is None else float(values[at])
    age = float("nan") if at is None else float((reference - time[at]) / (np.timedelta64(1, "s") if dated else 1))
    state, bound = limit_state(value, limits)
    samples = values[first : come if last is None else min(last, come)]
    finite = np.isfinite(samples)
    finite_samples = samples if finite.all() else samples[finite]
    empty = finite_samples.size == 0
    return {
        "value": value,
        "time": None if at is None else time[at],
        "age": age,
        "stale": bool(age > STALE_STEPS * usual_step(channel)),
        "limit": state,
        "bound": bound,
        "n": int(samples.size),
        "missing": int(samples.size - finite_samples.size),
        "minimum": float("nan") if empty else float(finite_samples.min()),
        "mean": float("nan") if empty else float(finite_samples.mean(dtype=np.float64)),
        "maximum": float("nan") if empty else float(finite_samples.max()),
        "sd": float("nan") if empty else float(finite_samples.std(dtype=np.float64)),
    }


def quality_spans(channel: xr.Dataset) -> pd.DataFrame:
    """Find where telemetry is missing.

    Parameters
    ----------
    channel : xarray.Dataset
        One split of one channel.

    Returns
    -------
    pandas.DataFrame
        `start`, `end` in samples, both inclusive, and `kind`: `missing` for samples that are not finite, `gap` for
        the two samples on either side of a step in time above 1.5 times the usual one. In order of `start`.
    """
    values, time = channel["telemetry"].values, channel["time"].values
    edges = np.flatnonzero(np.diff(np.concatenate([[False], ~np.isfinite(values), [False]]).astype(np.int8)))
    starts, ends = edges[::2], edges[1::2] - 1
    steps = np.diff(time).astype(np.float64)
    before = np.flatnonzero(steps > _GAP_STEPS * np.median(steps)) if steps.size else np.zeros(0, dtype=np.intp)
    table = pd.DataFrame(
        {
            "start": np.concatenate([starts, before]),
            "end": np.concatenate([ends, before + 1]),
            "kind": ["missing"] * starts.size + ["gap"] * before.size,
        }
    )
    return table.sort_values("start", kind="stable", ignore_index=True)


def _last_finite(values: npt.NDArray[np.floating[Any]]) -> int | None:
    for start in (max(values.size - _TAIL_SAMPLES, 0), 0):
        positions = np.flatnonzero(np.isfinite(values[start:]))
        if positions.size:
            return int(start + positions[-1])
    return None
