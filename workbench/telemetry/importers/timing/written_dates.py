"""Times that are written as few programs do: dates of six digits, and intervals in place of times."""

import re

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from workbench.telemetry.importers.timing.time_forms import CLOCK_FORM, DATE_FORMS, as_text, fits

__all__ = ["interval_starts", "with_marked_dates"]

_SAMPLE_ROWS = 200
_DATE_NAME = re.compile(
    r"(?:utc|local|log|obs|sample|record|reading|event|meas(?:urement)?)?date|datum|fecha|yymmdd|ddmmyy|mmddyy"
)
_MONTH, _DAY, _YEAR = r"(?:0[1-9]|1[0-2])", r"(?:0[1-9]|[12]\d|3[01])", r"\d{2}"
_ORDERS = (_YEAR + _MONTH + _DAY, _DAY + _MONTH + _YEAR, _MONTH + _DAY + _YEAR)
_MONTHS_OF_YEARS = r"^(?:19|20)\d{2}" + _MONTH + "$"
_INTERVAL = (  # the mark between stands behind a clock: dates may hold slashes, too
    r"^(?P<start>\S.*?[T ]\d{1,2}[:.]\d{2}.*?)(?:\s+(?:[-\x{2013}\x{2014}]|to|bis)\s+|/)(?P<end>\d.*)$"
)


def with_marked_dates(column: pd.Series) -> pd.Series | None:
    """Write dates of six digits, as 240314, with marks between their numbers, as 24-03-14.

    Parameters
    ----------
    column : pandas.Series
        Column of a file under its name; a zero at the beginning may be lost.

    Returns
    -------
    pandas.Series or None
        None where the column is not called a date, or does not hold such dates throughout.
    """
    letters = re.sub(r"[^a-z]", "", re.sub(r"[\[(].*?[\])]", "", str(column.name).lower()))
    if not _DATE_NAME.fullmatch(letters):
        return None
    text = as_text(column)
    if not _all(text.drop_null()[:_SAMPLE_ROWS], r"^\d{5,6}$") or not _all(text, r"^\d{5,6}$"):
        return None
    lengths = pc.utf8_length(text)
    text = pc.utf8_lpad(text, 6, "0")
    is_date = any(_all(text, f"^{order}$") for order in _ORDERS)
    if pc.max(lengths).as_py() < 6 or not is_date or _all(text, _MONTHS_OF_YEARS):
        return None
    marked = pc.replace_substring_regex(text, r"^(..)(..)(..)$", r"\1-\2-\3")
    return pd.Series(marked.to_pandas(), dtype="str", index=column.index)


def interval_starts(column: pd.Series) -> pd.Series | None:
    """Return the starts of intervals, as of `14.03.2024 10:00 - 14.03.2024 11:00`.

    Parameters
    ----------
    column : pandas.Series
        Column of text.

    Returns
    -------
    pandas.Series or None
        None where it does not hold intervals of times throughout.
    """
    head = column.dropna().iloc[:_SAMPLE_ROWS]
    if not len(head) or pc.extract_regex(as_text(head[:1]), _INTERVAL).null_count:
        return None
    parts = pc.extract_regex(as_text(head), _INTERVAL)
    start, end = (pc.struct_field(parts, name) for name in ("start", "end"))
    ends_as_time = max(fits(end, form) for form in (*DATE_FORMS.values(), CLOCK_FORM)) == 1
    if parts.null_count or not ends_as_time:
        return None
    if max(fits(start, form) for form in DATE_FORMS.values()) < 1:
        return None
    text = as_text(column)
    starts = pc.struct_field(pc.extract_regex(text, _INTERVAL), "start")
    return pd.Series(pc.coalesce(starts, text).to_pandas(), dtype="str", index=column.index)


def _all(text: pa.Array, pattern: str) -> bool:
    """Tell whether all of some texts that are there have a form, and one at least is there."""
    return bool(pc.all(pc.match_substring_regex(text, pattern), min_count=1).as_py())
