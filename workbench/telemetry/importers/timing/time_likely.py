"""Says what is wrong with a column that is called as times, where nothing can be read as times."""

from collections.abc import Sequence

import pandas as pd
import pyarrow.compute as pc

from workbench.exceptions import ImportDataError
from workbench.telemetry.importers.timing.clocks import clock_kind
from workbench.telemetry.importers.timing.time_forms import EARLIEST_YEAR, LATEST_YEAR, as_text

__all__ = ["check_likely"]

_YEAR_FIRST = r"^(?P<year>\d{4})[-/.]\d{1,2}[-/.]\d{1,2}(?:\D|$)"


def check_likely(sample: pd.DataFrame, columns: Sequence[str]) -> None:
    """Raise an error that says what is wrong with a column that is called as times and cannot be read as such.

    Parameters
    ----------
    sample : pandas.DataFrame
        Rows from all over the table.
    columns : sequence of str
        Columns with such a name.

    Raises
    ------
    ImportDataError
        The years of one lie out of range, or it holds times of day that start anew.
    """
    for column in columns:
        text = as_text(sample[column].dropna())
        if not len(text):
            continue
        example = text[0].as_py()
        years = pc.extract_regex(text, _YEAR_FIRST).drop_null()
        if len(years) * 2 > len(text) and all(
            not EARLIEST_YEAR <= int(year["year"]) < LATEST_YEAR for year in years.to_pylist()
        ):
            raise ImportDataError(
                f"The years of column {column!r} lie outside {EARLIEST_YEAR} to {LATEST_YEAR - 1}, as in {example!r}.",
                "Correct them in the file, or name another column of times with --time-column.",
            )
        if clock_kind(sample[column]) == "text":
            raise ImportDataError(
                f"Column {column!r} holds times of day without a date, as {example!r}, and they start anew.",
                "Put a column of dates beside it, or pass --sample-period with the step of the rows, as 10min.",
            )
