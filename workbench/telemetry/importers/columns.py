"""Finds out what the columns of a table hold: times, numbers, words."""

import re

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.exceptions import ImportDataError
from workbench.telemetry.importers.number_marks import numbers_in
from workbench.telemetry.importers.times import parse_times

__all__ = ["clock_column", "find_time_column", "one_hot"]

_TIME_NAME = re.compile(
    r"(?:utc|local|sample|measurement|event|log|record(?:ed)?)?(?:date)?(?:time(?:stamp)?s?|date|zeit(?:stempel|punkt)?"
    r"|datum(?:zeit)?|fecha|horodatage|epoch|ts|utc)(?:utc|local|at|iso|in)?(?:s|ms|us|ns|sec|seconds)?"
    r"|unixtime|unix|datumuhrzeit|datumzeit|createdat|recordedat|uhrzeit"
)
_COUNTER_NAME = re.compile(
    r"time(?:stamp)?(?:s|ms|us|sec|seconds)?|ts|elapsed\w*|sample(?:number)?|step|cycles?|seconds"
)
_CLOCK = r"\s*\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?\s*(?:[AaPp]\.?[Mm]\.?)?\s*"
_MAX_CATEGORIES = 64


def find_time_column(sample: pd.DataFrame, named: str | None) -> str:
    """Find the column that holds the times.

    Parameters
    ----------
    sample : pandas.DataFrame
        The first rows; text as it is written.
    named : str or None
        The column that the user named.

    Returns
    -------
    str

    Raises
    ------
    ImportDataError
        There is none, or the named one holds no times; names the columns found.
    """
    columns = [str(column) for column in sample.columns]
    if named is not None:
        if named not in columns:
            raise ImportDataError(
                f"There is no column {named!r}.",
                f"Columns: {_listed(columns)}. Name one of them with --time-column.",
            )
        if not _share_readable(sample[named]) > 0.5:
            examples = _listed([str(value) for value in sample[named].dropna().iloc[:3]])
            raise ImportDataError(
                f"Column {named!r} holds no times ({examples or 'nothing'}).",
                "Needed: dates with times, epoch numbers or Excel days; name another one with --time-column.",
            )
        return named
    by_name = [column for column in columns if _TIME_NAME.fullmatch(_letters(column))]
    counters = [column for column in columns if _COUNTER_NAME.fullmatch(_letters(column))]
    for column in by_name:
        if _share_readable(sample[column], absolute=True) > 0.5:
            return column
    for column in columns:
        if not _is_numeric(sample[column]) and _share_readable(sample[column], absolute=True) > 0.9:
            return column
    for column in counters:
        if _share_readable(sample[column]) > 0.9:
            return column
    raise ImportDataError(
        f"There is no time column (found: {_listed(columns)}).", "Name the column of times with --time-column."
    )


def clock_column(sample: pd.DataFrame, date_column: str) -> str | None:
    """Find the time of day that goes with a column of dates.

    Parameters
    ----------
    sample : pandas.DataFrame
        The first rows; text as it is written.
    date_column : str
        Name of the column of dates.

    Returns
    -------
    str or None
        None where the dates carry a time of day themselves, or no column holds one.
    """
    dates = sample[date_column].dropna().astype("str")
    if dates.empty or dates.str.contains(":", regex=False).any():
        return None
    for column in sample.columns:
        values = sample[column].dropna().astype("str")
        if column != date_column and len(values) and values.str.fullmatch(_CLOCK).all():
            return str(column)
    return None


def one_hot(column: pd.Series, name: str) -> tuple[npt.NDArray[np.int8], list[str]]:
    """Turn a column of words into one input for each word.

    Parameters
    ----------
    column : pandas.Series
        Without missing values.
    name : str
        Name of the column, for the names of the inputs.

    Returns
    -------
    values : numpy.ndarray, shape (n, k), int8
    names : list of str
        As `mode=on`.

    Raises
    ------
    ImportDataError
        There are more than 64 different words.
    """
    words = column.map(str)
    categories = sorted(words.unique())
    if len(categories) > _MAX_CATEGORIES:
        raise ImportDataError(
            f"Input {name!r} has {len(categories)} different words.",
            f"At most {_MAX_CATEGORIES} are allowed. Leave it out of --inputs.",
        )
    values = np.stack([(words == category).to_numpy() for category in categories], axis=1)
    return values.astype(np.int8), [f"{name}={category}" for category in categories]


def _letters(column: str) -> str:
    """Reduce a name to its letters, without a unit in brackets."""
    return re.sub(r"[^a-z]", "", re.sub(r"[\[(].*?[\])]", "", column.lower()))


def _listed(names: list[str]) -> str:
    return ", ".join(name[:60] for name in names[:20]) + (f" and {len(names) - 20} more" if len(names) > 20 else "")


def _is_numeric(column: pd.Series) -> bool:
    return numbers_in(column) is not None


def _share_readable(column: pd.Series, *, absolute: bool = False) -> float:
    values = column.dropna()
    if values.empty:
        return 0.0
    parsed = parse_times(values)
    return 0.0 if absolute and not parsed.absolute else float(parsed.readable.mean())
