"""Elapsed times in text: "0.5 s", "36:10:00", "1 days 00:00:01"."""

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from workbench.telemetry.importers.timing.time_forms import Fields, blocks, fits

__all__ = ["elapsed_seconds", "elapsed_share"]

_CLOCK = (
    r"^(?:(?P<days>\d{1,6})(?:\s*d(?:ays?)?,?\s*|\.|\s+|:))??(?P<hour>\d{1,6}):(?P<minute>\d{2})"
    r"(?::(?P<second>\d{2})(?:[.,](?P<fraction>\d{1,12}))?)?$"
)
_MINUTES = r"^(?P<minute>\d{1,6}):(?P<second>\d{2})[.,](?P<fraction>\d{1,12})$"
_WITH_UNIT = (
    r"^(?P<number>[+-]?\d+(?:[.,]\d+)?)\s*(?P<unit>ns|us|µs|μs|ms|s|secs?|seconds?|min|mins|minutes?|h|hrs?|hours?"
    r"|d|days?)$"
)
_FORMS = (_CLOCK, _MINUTES, _WITH_UNIT)
_UNITS_S = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def elapsed_share(text: pa.Array) -> float:
    """Return the share of texts that are elapsed times of the form that most have."""
    return max(fits(text, form) for form in _FORMS)


def elapsed_seconds(column: pd.Series, sample: pa.Array) -> npt.NDArray[np.float64]:
    """Return elapsed times in seconds, NaN where there is none; all of them where one falls back.

    Parameters
    ----------
    column : pandas.Series
        Text.
    sample : pyarrow.Array
        Some of it, which decides on the form.
    """
    form = max(_FORMS, key=lambda one: fits(sample, one))
    seconds = np.full(len(column), np.nan)
    for rows, text in blocks(column):
        fields = Fields(text, form)
        seconds[rows] = np.where(fields.matches, _with_unit(fields) if form == _WITH_UNIT else _clock(fields), np.nan)
    steps = np.diff(seconds[np.isfinite(seconds)])
    return np.full(len(column), np.nan) if (steps < 0).any() and (steps > 0).any() else seconds


def _clock(fields: Fields) -> npt.NDArray[np.float64]:
    whole = fields.numbers("days") * 86_400 + fields.numbers("hour") * 3600 + fields.numbers("minute") * 60
    return whole + fields.numbers("second") + fields.fractions() / 1e9


def _with_unit(fields: Fields) -> npt.NDArray[np.float64]:
    numbers, units = fields.text("number"), fields.text("unit")
    if numbers is None or units is None:
        return np.full(len(fields.matches), np.nan)
    coded = units.dictionary_encode()
    factors = np.asarray([_UNITS_S.get(str(unit), _UNITS_S.get(str(unit)[0], np.nan)) for unit in coded.dictionary])
    codes = np.asarray(coded.indices.fill_null(len(factors)).to_numpy())
    return np.asarray(_floats(pc.replace_substring(numbers, ",", ".")) * np.append(factors, np.nan)[codes])


def _floats(text: pa.Array) -> npt.NDArray[np.float64]:
    return np.asarray(pc.cast(text, pa.float64()).fill_null(0.0).to_numpy(), dtype=np.float64)
