"""Asks whether a line holds the names of the columns, or is a title whose words are as many by chance."""

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa

from workbench.exceptions import ImportDataError
from workbench.telemetry.importers.formats.headers import Header, Row, is_value
from workbench.telemetry.importers.reading import Reading
from workbench.telemetry.importers.timing.time_forms import DATE_FORMS, fits
from workbench.telemetry.importers.timing.time_names import may_name_times

__all__ = ["check_names", "name_times"]

_MOST_ROWS = 100
_MIN_SHARE = 0.9  # of the cells of a column of dates


def check_names(path: Path, rows: Sequence[Row], header: Header, reading: Reading, *, are_words: bool) -> None:
    """Raise an error where a line taken for names may as well be a title: no name in it is that of times.

    A line of names right above the data needs none, if no line above has as many fields: its times may have any name.

    Parameters
    ----------
    path : Path
        The file.
    rows : sequence of Row
        Its first rows.
    header : Header
        What was found in them.
    reading : Reading
        What was chosen.
    are_words : bool
        Whether fields are separated by blanks, so that any text has fields.

    Raises
    ------
    ImportDataError
        Names the line, and the option for either reading.
    """
    names = header.names
    if names is None or reading.header_row is not None or header.is_in_two or {*reading.time_column} & {*names}:
        return
    above = [row for row in rows if row.number < header.names_line and len(row.cells) == len(names) > 1]
    body = [row for row in rows if row.number >= header.data_line]
    is_apart = bool(body) and not any(map(is_value, body[0].cells))
    if not (are_words or above or is_apart) or name_times(names, body):
        return
    raise ImportDataError(
        f"{path}: line {header.names_line} ({', '.join(filter(None, names))[:200]}) may hold the names of the columns "
        "or be a title: none of them is a name of times.",
        f"Pass --header-row {header.names_line} where it holds the names, another line where that does, or "
        "--header-row 0 where none does.",
    )


def name_times(names: Sequence[str], body: Sequence[Row]) -> bool:
    """Tell whether the name of a column of dates says so, or is empty; True where no column holds dates.

    Parameters
    ----------
    names : sequence of str
        A name a column.
    body : sequence of Row
        Rows of data.
    """
    cells = [row.cells for row in body[-_MOST_ROWS:] if len(row.cells) == len(names)]
    dated = [
        name
        for name, column in zip(names, zip(*cells, strict=True), strict=False)
        if max(fits(pa.array([cell for cell in column if cell], pa.large_string()), one) for one in DATE_FORMS)
        > _MIN_SHARE
    ]
    return not dated or any(not name or may_name_times(name) for name in dated)
