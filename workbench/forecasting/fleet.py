"""Forecasts of a channel with their errors so far, when it reaches its limits, and the risk of each asset."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from workbench.counts import counted
from workbench.detection.applied import common_windows
from workbench.detection.base import BaseForecaster
from workbench.detection.forecasters import Forecaster
from workbench.detection.persistence import PersistenceForecaster
from workbench.detection.windows import split_windows, window_count
from workbench.forecasting.backtest import backtest, compare
from workbench.forecasting.crossing import limit_crossings
from workbench.forecasting.decomposition import decompose, find_period
from workbench.forecasting.horizon import choose_origins, forecast_errors
from workbench.forecasting.trend import TrendForecaster
from workbench.maintenance.desk import Maintenance
from workbench.maintenance.kpis.evidence import outages_at
from workbench.maintenance.kpis.failures import failure_events
from workbench.maintenance.kpis.risk import risk_table
from workbench.maintenance.kpis.watching import standstills
from workbench.maintenance.orders.table import OrderRow
from workbench.maintenance.records import present_tables
from workbench.models import Registry
from workbench.models.comparison import Contender
from workbench.models.window_rule import choose_windows
from workbench.observability.timings import stage
from workbench.settings import Settings
from workbench.telemetry.archive import Archive
from workbench.telemetry.catalog import Catalog
from workbench.telemetry.last_values import usual_step
from workbench.telemetry.missing import interpolated
from workbench.telemetry.quality import gap_counts

__all__ = ["TOGETHER", "Parts", "crossings", "decomposition", "forecasts", "lead_times", "outlook", "risks"]

TOGETHER = "together"
"""Key of the combined forecast, the weighted mean of forecasters, in results and links; screens show "combined"."""

_MAX_ORIGINS = 300
_MIN_ORIGINS = 100
_FORECAST_SAMPLES = 6000
"""Samples forecast by each forecaster on either split: fewer origins where it looks far ahead."""

_MIN_TREND_SAMPLES = 500
_TREND_PERIODS = 4


class Parts(Protocol):
    """What forecasting asks of a session; `workbench.session.Session` is one."""

    @property
    def settings(self) -> Settings:
        """Settings, with the forecasters of the preset in use."""

    @property
    def archive(self) -> Archive:
        """Archive of telemetry and scores."""

    @property
    def registry(self) -> Registry:
        """Registry of the trained models."""

    @property
    def catalog(self) -> Catalog:
        """Catalog with limits and criticality."""

    @property
    def maintenance(self) -> Maintenance:
        """Maintenance desk with the records of failures."""

    @property
    def clock(self) -> Callable[[], datetime]:
        """Function that returns the present time, with its zone."""

    def watched(self) -> pd.DataFrame:
        """Return when the assets of the archive were watched."""


@stage("forecast")
def forecasts(
    session: Parts, channel: str, *, steps: int = 10, confidence: float = 0.9, origins: int | None = None
) -> dict[str, xr.Dataset]:
    """Forecast a channel by every forecaster that it has, at the end of its test series and at many points before.

    Parameters
    ----------
    session : Parts
        Session whose archive and models are used.
    channel : str
        Name of the channel.
    steps : int
        How far ahead, samples.
    confidence : float
        Share of the truths that the intervals are to hold.
    origins : int, optional
        Points from which each forecaster is tried, evenly spread over the test series; the last is its end. 300 where
        omitted, fewer beyond 20 samples ahead, at least 100.

    Returns
    -------
    dict of str to xarray.Dataset
        As from `workbench.forecasting.backtest.backtest`, all from the same origins: of the champion of each trained
        forecaster, of persistence, and of the trend where the series is long enough for one. `together` is the weighted
        mean of those by which the preset in use scores, where they held out the same windows. Attribute `model` is the
        champion's id. Its intervals begin with the errors on the windows held out from its training.

    Raises
    ------
    ChannelNotFoundError
        There is no such channel.
    ForecasterError
        A series is too short or holds no value, or a model does not fit it.
    ModelError
        A model cannot be loaded.
    """
    origins = origins or max(_MIN_ORIGINS, min(_MAX_ORIGINS, _FORECAST_SAMPLES // steps))
    info = session.archive.info(channel)
    train, test = session.archive.open(channel, "train").load(), session.archive.open(channel).load()
    candidates: dict[str, tuple[Forecaster, npt.NDArray[np.int64], str]] = {}
    n = train.sizes["time"]
    for model in session.registry.list(channel):
        if "champion" in model.aliases:
            contender = Contender.load(session.registry, model)
            held_out = contender.held_out(train, info.train_hash) - 1
            candidates[model.forecaster] = (contender.forecaster, held_out, model.id)
    windows = _windows(session, [forecaster for forecaster, _, _ in candidates.values()], n, test.sizes["time"])
    persistence = PersistenceForecaster(**windows).fit(train)
    count = window_count(n, persistence.sequence_length, persistence.prediction_horizon)
    own = np.sort(split_windows(count, 0)[1]) + persistence.sequence_length - 1
    candidates["persistence"] = (persistence, own, "")
    trend = _trend(train, test, steps)
    if trend is not None:
        candidates["trend"] = (trend, np.arange(trend.sequence_length - 1, n - steps), "")
    first = max(forecaster.sequence_length for forecaster, _, _ in candidates.values()) - 1
    shared_origins = choose_origins(first, test.sizes["time"] - 1, origins)
    results, errors = {}, {}
    for name, (forecaster, held_out, model_id) in candidates.items():
        some = held_out[choose_origins(0, held_out.size - 1, origins)]
        errors[name] = forecast_errors(forecaster, train, some, steps)
        results[name] = backtest(forecaster, test, shared_origins, steps, errors[name], confidence).assign_attrs(
            model=model_id
        )
    preset_weights = session.settings.params.forecasters
    weights = {name: preset_weights[name] for name in preset_weights if name in results}
    held_out_windows = [candidates[name][1] for name in weights]
    if len(held_out_windows) < 2 or not all(np.array_equal(held_out_windows[0], other) for other in held_out_windows):
        return results
    parts = ([results[name]["forecast"].values for name in weights], [errors[name] for name in weights])
    forecast, calibration = (np.average(part, axis=0, weights=list(weights.values())) for part in parts)
    attrs = {
        "forecaster": TOGETHER,
        "model": "+".join(results[name].attrs["model"] for name in weights),
        "prediction_horizon": min(results[name].attrs["prediction_horizon"] for name in weights),
    }
    return {TOGETHER: compare(forecast, test, shared_origins, calibration, confidence).assign_attrs(attrs), **results}


def lead_times(channel: xr.Dataset, leads: npt.ArrayLike) -> npt.NDArray[Any]:
    """Return the time of samples after the end of a series.

    Parameters
    ----------
    channel : xarray.Dataset
        One split of the channel.
    leads : array_like of float
        1 is the sample after the last; NaN where there is none.

    Returns
    -------
    numpy.ndarray
        datetime64[ns], going on by the usual step, NaT for NaN; sample numbers (float) where the source is anonymized.
    """
    leads = np.asarray(leads, dtype=np.float64)
    last = channel["time"].values[-1]
    if not np.issubdtype(channel["time"].dtype, np.datetime64):
        samples: npt.NDArray[Any] = float(last) + leads
        return samples
    seconds = pd.to_timedelta(leads * usual_step(channel), unit="s")
    return (pd.Timestamp(last) + seconds).to_numpy().astype("datetime64[ns]")


def outlook(session: Parts, channel: str, forecast: xr.Dataset) -> xr.Dataset:
    """Return the forecast from the end of a series, with its interval.

    Parameters
    ----------
    session : Parts
        Session whose archive is used.
    channel : str
        Name of the channel.
    forecast : xarray.Dataset
        Forecast of the channel, one of `forecasts`.

    Returns
    -------
    xarray.Dataset
        `forecast`, `lower` and `upper` over `time`, float64 in the units of the telemetry, from the last origin.
    """
    now = forecast.isel(origin=-1)
    middle, width = now["forecast"].values, now["width"].values
    time = lead_times(session.archive.open(channel), now["lead"].values)
    parts = {"forecast": middle, "lower": middle - width, "upper": middle + width}
    return xr.Dataset({name: ("time", part) for name, part in parts.items()}, {"time": time}, forecast.attrs)


def crossings(session: Parts, channel: str, forecast: xr.Dataset) -> pd.DataFrame:
    """Compute when a channel reaches its limits.

    Parameters
    ----------
    session : Parts
        Session whose archive and catalog are used.
    channel : str
        Name of the channel.
    forecast : xarray.Dataset
        Forecast of the channel, one of `forecasts`; the one from the last origin counts.

    Returns
    -------
    pandas.DataFrame
        Columns of `workbench.forecasting.crossing.limit_crossings`, and `time`, `earliest_time` and `latest_time` of
        the leads. No row where the catalog gives no limits.
    """
    now = forecast.isel(origin=-1)
    limits = session.catalog.channel(channel).limits
    table = limit_crossings(now["forecast"].values, now["width"].values, float(now["last"]), limits)
    test = session.archive.open(channel)
    times = {"time": "lead", "earliest_time": "earliest", "latest_time": "latest"}
    return table.assign(**{name: lead_times(test, table[column].to_numpy()) for name, column in times.items()})


def decomposition(session: Parts, channel: str, split: str = "test") -> xr.Dataset:
    """Decompose a channel's telemetry into trend, season and remainder.

    Parameters
    ----------
    session : Parts
        Session whose archive is used.
    channel : str
        Name of the channel.
    split : {"test", "train"}
        Split that is decomposed.

    Returns
    -------
    xarray.Dataset
        As from `workbench.forecasting.decomposition.decompose`, with dim `time` in place of `sample`. The attribute
        `note` says also how many gaps in time were passed over: samples are counted, as if steps were even.

    Raises
    ------
    DetectionError
        The series holds no value, or is too short.
    """
    series = session.archive.open(channel, split)
    parts = decompose(series["telemetry"].values)
    gaps, _ = gap_counts(series["time"].values)
    if gaps:
        passed = f"{counted(gaps, 'gap')} in time passed over"
        parts.attrs["note"] = "; ".join(filter(None, [parts.attrs["note"], passed]))
    units = {"channel": channel, "units": series.attrs.get("units", "")}
    return parts.drop_vars("sample").rename(sample="time").assign_coords(time=series["time"]).assign_attrs(units)


def risks(session: Parts, days: float = 7.0) -> pd.DataFrame:
    """Return the probability that each asset fails within some days, and its risk.

    Parameters
    ----------
    session : Parts
        Session whose archive, catalog and records of failures are used.
    days : float
        Length of the time ahead, days.

    Returns
    -------
    pandas.DataFrame
        As from `workbench.maintenance.kpis.risk.risk_table`, one row an asset of the archive.
    """
    assets = [asset for asset, _ in session.archive.places()]
    tables = present_tables(session.maintenance.database)
    return risk_table(
        failure_events(tables),
        session.watched(),
        standstills(outages_at(tables), tables.frame(OrderRow)),
        {asset: session.catalog.asset(asset).criticality for asset in dict.fromkeys(assets)},
        days=days,
        until=session.clock(),
    )


def _windows(session: Parts, trained: list[Forecaster], n_train: int, n_test: int) -> dict[str, int]:
    """Return the windows of persistence: those of the trained forecasters, or what a training would choose."""
    if trained:
        return common_windows(trained)
    return choose_windows(session.settings.params.windows, {}, n_train, n_test).sizes


def _trend(train: xr.Dataset, test: xr.Dataset, steps: int) -> BaseForecaster | None:
    """Make a trend forecaster for a channel, with the period of its training series; None where that is too short."""
    shorter = min(train.sizes["time"], test.sizes["time"])
    period = find_period(interpolated(train["telemetry"].values))
    if period is not None and period * _TREND_PERIODS > shorter // 2:
        period = None
    length = _MIN_TREND_SAMPLES if period is None else period * max(_TREND_PERIODS, -(-_MIN_TREND_SAMPLES // period))
    if max(length, steps) > shorter // 2:
        return None
    forecaster = TrendForecaster(sequence_length=length, prediction_horizon=steps, period=period)
    return forecaster.fit(train)
