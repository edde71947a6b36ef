"""Which sheets of a workbook hold series, and whether sheets with the same columns go on or are machines."""

import re
from collections.abc import Mapping

import pandas as pd

from workbench.exceptions import ImportDataError
from workbench.telemetry.importers.formats.number_marks import numbers_in
from workbench.telemetry.importers.reading import Reading
from workbench.telemetry.importers.timing.time_columns import find_sources

__all__ = ["SHEET_COLUMN", "first_series", "joined_sheets"]

SHEET_COLUMN = "sheet"
"""Column that names the sheet of each row, where each sheet is a machine."""

_COVER_SHARE = 0.2  # of the rows of the longest sheet; a cover has fewer
_GENERIC = (
    "sheet tabelle blatt feuil hoja foglio planilha data daten export log part teil page seite trend chart history "
    "week woche kw cw day tag month monat year jahr quarter quartal q h to bis until from von and und"
)
_MONTHS = (
    "jan(?:uary|uar|vier|eiro)? feb(?:ruary|ruar)? févr(?:ier)? mar(?:ch|s|zo)? märz? apr(?:il)? avr(?:il)? may mai jun"
    "(?:e|i)? juin jul(?:y|i)? juil(?:let)? aug(?:ust)? août sept?(?:ember|embre)? o[ck]t(?:ober|obre)? "
    "nov(?:ember|embre)? de[cz](?:ember|embre)? déc(?:embre)?"
)
_PERIOD = re.compile(
    rf"(?:(?:{'|'.join([*_GENERIC.split(), *_MONTHS.split()])})|[\W\d_]|[年月日至周第季])+", re.IGNORECASE
)


def first_series(frames: Mapping[str, pd.DataFrame], reading: Reading) -> str | None:
    """Return the first sheet that holds samples; not a cover or a list of revisions, which is short beside another.

    Parameters
    ----------
    frames : mapping of str to pandas.DataFrame
        Table of each sheet, by its name.
    reading : Reading
        What was chosen.

    Returns
    -------
    str or None
        None where no sheet holds samples.
    """
    rows = {name: len(frame) for name, frame in frames.items() if _is_series(frame, reading)}
    return next((name for name, count in rows.items() if count >= _COVER_SHARE * max(rows.values())), None)


def _is_series(frame: pd.DataFrame, reading: Reading) -> bool:
    """Tell whether a table holds samples: times, unless a sample period was chosen, and numbers beside them."""
    try:
        times = {column for source in find_sources(frame, reading) for column in source.columns}
    except ImportDataError:
        if reading.sample_period is None:
            return False
        times = set()
    return any(numbers_in(frame[column]) is not None for column in frame.columns if column not in times)


def joined_sheets(frames: Mapping[str, pd.DataFrame]) -> tuple[pd.DataFrame, list[str]]:
    """Join sheets with the same columns.

    Parameters
    ----------
    frames : mapping of str to pandas.DataFrame
        Table of each sheet, by its name.

    Returns
    -------
    pandas.DataFrame
        Where a sheet is not named after a time or by a program, each is a machine: one column more names it.
    list of str
        What was assumed.
    """
    names = list(frames)
    if len(names) == 1:
        return frames[names[0]], []
    if all(_PERIOD.fullmatch(name) for name in names):
        note = f"{len(names)} sheets with the same columns joined, from {names[0]!r} on"
        return pd.concat(list(frames.values()), ignore_index=True), [note]
    column = SHEET_COLUMN
    while column in frames[names[0]].columns:
        column = f"{column} name"
    tables = [frame.assign(**{column: name}) for name, frame in frames.items()]
    note = (
        f"each of {len(names)} sheets with the same columns taken as a machine; where they are one: --exclude {column}"
    )
    return pd.concat(tables, ignore_index=True), [note]
