"""Forms of dates and clocks in text, and their fields as numbers: whole columns at once, by the engine of pyarrow."""

import re
from collections.abc import Iterator
from functools import cache

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from workbench.telemetry.importers.timing.fixed_text import FixedText
from workbench.telemetry.importers.timing.time_zones import ZONE

__all__ = [
    "CLOCK_FORM",
    "DATE_FORMS",
    "DAY_NS",
    "EARLIEST_YEAR",
    "FIELD_DATES",
    "LATEST_YEAR",
    "Fields",
    "as_text",
    "blocks",
    "clock_ns",
    "days_of",
    "days_of_week",
    "days_of_year",
    "fits",
    "sample_of",
]

DAY_NS = 86_400 * 10**9
FIELD_DATES = "three numbers"
"""Form of dates such as 03/04/2024, whose order is to be decided."""

_BLOCK_ROWS = 500_000
_SAMPLE_ROWS = 1000
EARLIEST_YEAR, LATEST_YEAR = 1900, 2200
"""First year of the dates that are read, and the one behind the last."""

_YEARS = (EARLIEST_YEAR, LATEST_YEAR)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_OTHER_MONTHS = {
    **{"mär": 3, "mrz": 3, "mai": 5, "okt": 10, "dez": 12},  # German
    **{"fév": 2, "fev": 2, "avr": 4, "jui": 6, "aoû": 8, "aou": 8, "déc": 12},  # French; juillet is told apart below
    **{"ene": 1, "abr": 4, "ago": 8, "dic": 12, "out": 10, "set": 9, "gen": 1, "mag": 5, "giu": 6, "lug": 7, "ott": 10},
}
_MONTH_NUMBERS = {name: number for number, name in enumerate(_MONTHS, 1)} | _OTHER_MONTHS

_MARKS_OF_OTHER_SCRIPTS = {"年년": "-", "月월": "-", "日일": " ", "时時시点點": ":", "分분": ":", "秒초": ""}
_HALVES = {"AM": "上午|午前|오전", "PM": "下午|午後|오후"}

_HALF = r"(?:\s*(?P<half>[AaPp])(?:\.?\s?[Mm]\b\.?|\b))?"
_TIME = (
    r"(?P<hour>\d{1,2})(?:(?:[:.]|h\s?)(?P<minute>\d{2})(?:(?:[:.]|m(?:in)?\s?)(?P<second>\d{2})"
    r"(?:[.,:](?P<fraction>\d{1,12}))?s?)?)?(?:\s?(?:h|Uhr))?" + _HALF
)
_ZONE = r"\s*(?P<zone>" + ZONE + r")?\s*$"
_CLOCK = r"(?:[T\s,_-]+" + _TIME + r")?" + _ZONE
_COLON_CLOCK = r"(?:[T\s,_:-]+" + _TIME + r")?" + _ZONE
_WEEKDAY = r"^(?:\pL{2,10}\.?,?\s+)?"
_NAME = r"(?P<name>\pL{3,10})"

CLOCK_FORM = (
    r"^T?(?P<hour>\d{1,2})(?:(?:[:.]|h\s?)(?P<minute>\d{2})(?:(?:[:.]|m(?:in)?\s?)(?P<second>\d{2})"
    r"(?:[.,:](?P<fraction>\d{1,12}))?s?)?|h)?(?:\s?(?:h|Uhr))?" + _HALF + _ZONE
)
"""Form of a time of day."""

DATE_FORMS = {
    "ISO 8601": r"^(?P<year>\d{4})[-/. 年] ?(?P<month>\d{1,2})[-/. 月] ?(?P<day>\d{1,2})[日.]?" + _CLOCK,
    "year and month": r"^(?P<year>\d{4})[-/.](?P<month>0[1-9]|1[0-2])$",
    "marks throughout": r"^(?P<year>\d{4})[-_.](?P<month>\d{1,2})[-_.](?P<day>\d{1,2})[-_.T ](?P<hour>\d{1,2})"
    r"[-_](?P<minute>\d{2})[-_](?P<second>\d{2})(?:[.,](?P<fraction>\d{1,12}))?" + _ZONE,
    "year and day of year": r"^(?P<year>\d{4})[-/.:](?P<ordinal>\d{3})" + _COLON_CLOCK,
    "year and week": r"^(?P<year>\d{4})-?W(?P<week>\d{2})(?:-?(?P<weekday>[1-7]))?" + _CLOCK,
    "compact": r"^(?P<year>(?:19|20)\d{2})(?P<month>0[1-9]|1[0-2])(?P<day>[0-3]\d)(?:[T\s_-]?"
    r"(?P<hour>[0-2]\d)(?::?(?P<minute>[0-5]\d)(?::?(?P<second>[0-6]\d)(?:[.,]?(?P<fraction>\d{1,12}))?)?)?)?" + _ZONE,
    FIELD_DATES: r"^(?P<first>\d{1,2})(?P<mark>[-/. ]) ?(?P<middle>\d{1,2})[-/. ] ?(?P<last>\d{4}|\d{1,2})" + _CLOCK,
    "day, month by name": _WEEKDAY + r"(?P<day>\d{1,2})(?:st|nd|rd|th)?\.?[\s/-]*" + _NAME
    + r"\.?[\s/,-]*(?P<year>\d{4}|\d{2})" + _COLON_CLOCK,
    "month by name, day": _WEEKDAY + _NAME + r"\.?[\s-]*(?P<day>\d{1,2})(?:st|nd|rd|th)?,?\s+(?P<year>\d{4})" + _CLOCK,
    "year, month by name": r"^(?P<year>\d{4})[\s/-]+" + _NAME + r"\.?[\s/-]+(?P<day>\d{1,2})" + _CLOCK,
    "year last": _WEEKDAY + _NAME + r"\s+(?P<day>\d{1,2})\s+" + _TIME + r"\s+(?:(?P<zone>" + ZONE + r")\s+)?"
    r"(?P<year>\d{4})$",
}  # fmt: skip
"""Forms of dates, with or without a clock, in text without blanks around it."""


class Fields:
    """The fields of a form in a block of text.

    Parameters
    ----------
    text : pyarrow.Array
        Text from `as_text`.
    form : str
        One of `DATE_FORMS`, or `CLOCK_FORM`.
    """

    def __init__(self, text: pa.Array, form: str) -> None:
        pattern = DATE_FORMS.get(form, form)
        self._text = text
        self._fixed = FixedText.of(text)
        self._spans = None if self._fixed is None else pc.extract_regex_span(text[:1], pattern)[0].as_py()
        if self._spans is None:
            self._found = pc.extract_regex(text, pattern)
            self._names = {field.name for field in self._found.type}
            self.matches: npt.NDArray[np.bool_] = self._found.is_valid().to_numpy(zero_copy_only=False)
        else:
            self._names = set(self._spans)
            self.matches = np.ones(len(text), dtype=bool)

    def __contains__(self, name: str) -> bool:
        return name in self._names

    def text(self, name: str) -> pa.Array | None:
        """Return a field as text, null where it is not there; None where it is nowhere."""
        if name not in self._names:
            return None
        if self._spans is not None:
            span = self._spans[name]
            return span and pc.utf8_slice_codeunits(self._text, span[0], span[0] + span[1])
        field = pc.struct_field(self._found, name)
        field = pc.if_else(pc.equal(field, ""), None, field)
        return None if field.null_count == len(field) else field

    def numbers(self, name: str, missing: int = 0) -> npt.NDArray[np.int64]:
        """Return a field as whole numbers, `missing` where it is not there."""
        span = None if self._spans is None else self._spans.get(name)
        if self._fixed is not None and span:
            return self._fixed.number(*span)
        return _whole(self.text(name), len(self.matches), missing)

    def years(self) -> npt.NDArray[np.int64]:
        """Return the years; of two digits, those below 70 are of this century."""
        return full_years(self.numbers("year"), self.digits("year"))

    def digits(self, name: str) -> npt.NDArray[np.int64]:
        """Return the number of signs of a field, 0 where it is not there."""
        if self._spans is not None:
            span = self._spans.get(name)
            return np.full(len(self.matches), span[1] if span else 0, dtype=np.int64)
        text = self.text(name)
        if text is None:
            return np.zeros(len(self.matches), dtype=np.int64)
        return np.asarray(pc.utf8_length(text).fill_null(0).to_numpy(), dtype=np.int64)

    def months(self) -> npt.NDArray[np.int64]:
        """Return the months, 0 where there is none of that name."""
        if "name" not in self._names:
            return self.numbers("month")
        names = self.text("name")
        if names is None:
            return np.zeros(len(self.matches), dtype=np.int64)
        coded = pc.utf8_lower(names).dictionary_encode()
        numbers = np.asarray([_month_number(str(name)) for name in coded.dictionary], dtype=np.int64)
        codes = np.asarray(coded.indices.fill_null(len(numbers)).to_numpy())
        return np.asarray(np.append(numbers, 0)[codes], dtype=np.int64)

    def clock(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
        """Return nanoseconds since midnight, and where the text holds a time."""
        hours, minutes, seconds = (self.numbers(name) for name in ("hour", "minute", "second"))
        return clock_ns(hours, minutes, seconds, self.fractions(), self.text("half"))

    def fractions(self) -> npt.NDArray[np.int64]:
        """Return the fractions of a second, nanoseconds."""
        span = None if self._spans is None else self._spans.get("fraction")
        if self._fixed is not None and span:
            start, length = int(span[0]), int(span[1])
            return self._fixed.number(start, min(length, 9)) * np.int64(10 ** max(9 - length, 0))
        fraction = self.text("fraction")
        if fraction is not None:
            fraction = pc.utf8_slice_codeunits(pc.utf8_rpad(fraction, 9, "0"), 0, 9)
        return _whole(fraction, len(self.matches), 0)


def _month_number(name: str) -> int:
    return 7 if name.startswith(("juil", "jul")) else _MONTH_NUMBERS.get(name[:3], 0)


def full_years(years: npt.NDArray[np.int64], digits: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return years in full; of two digits, those below 70 are of this century."""
    return np.where(digits == 4, years, np.where(digits <= 2, years + np.where(years < 70, 2000, 1900), 0))


def _whole(text: pa.Array | None, n: int, missing: int) -> npt.NDArray[np.int64]:
    if text is None:
        return np.full(n, missing, dtype=np.int64)
    return np.asarray(pc.cast(text, pa.int64()).fill_null(missing).to_numpy(), dtype=np.int64)


def as_text(column: pd.Series) -> pa.Array:
    """Return a column as text without blanks around it, null where it is missing or empty."""
    try:
        if isinstance(column.dtype, pd.DatetimeTZDtype):  # its values in Arrow would warn, and lose the zone
            kind = pa.timestamp(column.dtype.unit, str(column.dtype.tz))
            text = pa.array(column.dt.tz_convert(None).to_numpy(), kind, from_pandas=True)
        else:
            text = pa.array(column, from_pandas=True)
        text = text.combine_chunks() if isinstance(text, pa.ChunkedArray) else text
        text = text.cast(pa.large_string())
    except (pa.ArrowException, TypeError):
        missing = column.isna().to_numpy()
        values = [None if is_missing else str(one) for one, is_missing in zip(column, missing, strict=True)]
        text = pa.array(values, pa.large_string())
    text = pc.utf8_trim_whitespace(text)
    if not pc.all(pc.string_is_ascii(text), min_count=0).as_py():
        text = _with_plain_marks(text)
    return pc.if_else(pc.equal(text, ""), None, text)


def _with_plain_marks(text: pa.Array) -> pa.Array:
    """Write the marks of dates and clocks that other scripts use as those of ASCII: `2024年5月1日 下午3时5分`."""
    text = pc.replace_substring_regex(text, "[\u00a0\u2009\u202f\u3000]", " ")
    if not pc.any(pc.match_substring_regex(text, r"\d\s*[年년时時시分분]|[午전후]"), min_count=0).as_py():
        return text
    for signs, mark in _MARKS_OF_OTHER_SCRIPTS.items():
        text = pc.replace_substring_regex(text, rf"(\d)\s*[{signs}]\s*(?:[(\x{{ff08}}]\pL[)\x{{ff09}}])?", rf"\1{mark}")
    for half, words in _HALVES.items():
        text = pc.replace_substring_regex(text, rf"\s*(?:{words})\s*(\d[\d:.]*)", rf" \1 {half}")
    text = pc.replace_substring_regex(text, r"([ :]\d{1,2}):?( [AP]M)?$", r"\1\2")
    for _ in range(2):  # minutes and seconds of one digit
        text = pc.replace_substring_regex(text, r":(\d)(:|$| )", r":0\1\2")
    return pc.utf8_trim_whitespace(pc.replace_substring_regex(text, r"^(\S+ \d{1,2})( [AP]M)?$", r"\1:00\2"))


def blocks(column: pd.Series) -> Iterator[tuple[slice, pa.Array]]:
    """Yield a column as text in blocks, with the rows of each: a whole column at once would take much memory."""
    for start in range(0, len(column), _BLOCK_ROWS):
        rows = slice(start, min(len(column), start + _BLOCK_ROWS))
        yield rows, as_text(column.iloc[rows])


def sample_of(column: pd.Series, rows: int = _SAMPLE_ROWS) -> pd.Series:
    """Return rows from all over a column that are not missing."""
    present = np.flatnonzero(column.notna().to_numpy())
    places = np.unique(np.linspace(0, len(present) - 1, min(rows, len(present))).astype(int))
    sample: pd.Series = column.iloc[present[places]]
    return sample


def fits(text: pa.Array, form: str) -> float:
    """Return the share of texts that have a form; null counts as none."""
    if not len(text) or text.null_count == len(text):
        return 0.0
    pattern = DATE_FORMS.get(form, form)
    if len(text) <= _SAMPLE_ROWS and not any(map(_similar(pattern).search, text.drop_null().to_pylist())):
        return 0.0
    return float(pc.mean(pc.match_substring_regex(text, pattern)).as_py())


@cache
def _similar(pattern: str) -> re.Pattern[str]:
    """Return a form for Python, which fits what it fits in Arrow and a little more; Arrow compiles it at each use."""
    return re.compile(pattern.replace(r"\pL", r"[^\W\d_]"))


def days_of(
    years: npt.NDArray[np.int64], months: npt.NDArray[np.int64], days: npt.NDArray[np.int64]
) -> npt.NDArray[np.datetime64]:
    """Return dates as datetime64[ns], NaT where there is no such day.

    Examples
    --------
    >>> days_of(np.array([2024, 2023]), np.array([2, 2]), np.array([29, 29])).astype("datetime64[D]")
    array(['2024-02-29',        'NaT'], dtype='datetime64[D]')
    """
    good = (years >= _YEARS[0]) & (years < _YEARS[1]) & (months >= 1) & (months <= 12) & (days >= 1) & (days <= 31)
    month = np.where(good, (years - 1970) * 12 + months - 1, 0).astype("datetime64[M]")
    dates = month.astype("datetime64[D]") + np.where(good, days - 1, 0)
    good &= dates.astype("datetime64[M]") == month
    return _dates(dates, good)


def days_of_year(years: npt.NDArray[np.int64], ordinals: npt.NDArray[np.int64]) -> npt.NDArray[np.datetime64]:
    """Return dates of years and days of the year as datetime64[ns], NaT where there is no such day."""
    good = (years >= _YEARS[0]) & (years < _YEARS[1]) & (ordinals >= 1)
    year = np.where(good, years - 1970, 0).astype("datetime64[Y]")
    dates = year.astype("datetime64[D]") + np.where(good, ordinals - 1, 0)
    return _dates(dates, good & (dates.astype("datetime64[Y]") == year))


def days_of_week(
    years: npt.NDArray[np.int64], weeks: npt.NDArray[np.int64], weekdays: npt.NDArray[np.int64]
) -> npt.NDArray[np.datetime64]:
    """Return dates of years, weeks and days of the week by ISO 8601 as datetime64[ns], NaT where there is none."""
    good = (years >= _YEARS[0]) & (years < _YEARS[1]) & (weeks >= 1) & (weeks <= 53)
    good &= (weekdays >= 1) & (weekdays <= 7)
    fourth = np.where(good, years - 1970, 0).astype("datetime64[Y]").astype("datetime64[D]") + 3  # lies in week 1
    monday = fourth - (fourth.astype(np.int64) + 3) % 7
    thursday = monday + np.where(good, (weeks - 1) * 7 + 3, 0)
    good &= thursday.astype("datetime64[Y]").astype(np.int64) == years - 1970
    return _dates((thursday + (weekdays - 4)).astype("datetime64[D]"), good)


def _dates(dates: npt.NDArray[np.datetime64], good: npt.NDArray[np.bool_]) -> npt.NDArray[np.datetime64]:
    return np.where(good, dates, np.datetime64("NaT")).astype("datetime64[ns]")


def clock_ns(
    hours: npt.NDArray[np.int64],
    minutes: npt.NDArray[np.int64],
    seconds: npt.NDArray[np.int64],
    fractions: npt.NDArray[np.int64],
    halves: pa.Array | None = None,
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """Return nanoseconds since midnight, and where there is such a time; 24:00 and a leap second are times."""
    good = (hours >= 0) & (hours <= 24) & (minutes >= 0) & (minutes < 60) & (seconds >= 0) & (seconds < 61)
    if halves is not None:
        has_half = halves.is_valid().to_numpy(zero_copy_only=False)
        afternoon = pc.equal(pc.utf8_lower(halves), "p").fill_null(False).to_numpy(zero_copy_only=False)
        good &= ~has_half | ((hours >= 1) & (hours <= 12))
        hours = np.where(has_half, hours % 12 + 12 * afternoon, hours)
    nanoseconds = (hours * 3600 + minutes * 60 + seconds) * 10**9 + fractions
    return nanoseconds, good & (nanoseconds <= DAY_NS + 10**9)
