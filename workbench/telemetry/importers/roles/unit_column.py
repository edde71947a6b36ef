"""Reads a column of units beside the sensors of a table, as `time,temp,unit`."""

import re
import shlex
from collections.abc import Sequence

import pandas as pd

from workbench.counts import counted
from workbench.exceptions import ImportDataError
from workbench.telemetry.importers.formats.units import UNIT
from workbench.telemetry.importers.shapes.key_names import names_unit

__all__ = ["unit_column"]

_UNIT = re.compile(UNIT)


def unit_column(frame: pd.DataFrame, left_out: Sequence[str]) -> tuple[str, str] | None:
    """Return the column of units of a table, and the unit that all its rows have.

    Parameters
    ----------
    frame : pandas.DataFrame
        Table with one row a sample.
    left_out : sequence of str
        Columns that have another role, or were left out.

    Returns
    -------
    tuple of str and str, or None
        None where the table has no such column.

    Raises
    ------
    ImportDataError
        The unit changes within the table, so that the values before and after do not go together.
    """
    for name in map(str, frame.columns):
        if name in left_out or not names_unit(name) or not pd.api.types.is_string_dtype(frame[name]):
            continue
        words = frame[name].dropna().astype(str).str.strip()
        units = [str(word) for word in words.unique()]
        if not units or not all(_UNIT.fullmatch(unit) for unit in units):
            continue
        if len(units) == 1:
            return name, units[0]
        counts = " and ".join(f"{unit!r} in {counted(int((words == unit).sum()), 'row')}" for unit in units[:3])
        row = int(words[words != units[0]].index[0]) + 1
        option = shlex.quote(name)
        raise ImportDataError(
            f"The unit changes within the table: column {name!r} holds {counts}, {units[1]!r} first in row {row:,}.",
            f"Convert the values to one unit, or pass --exclude {option} to take them as they are; where {name!r} "
            f"names machines: --asset-column {option}.",
        )
    return None
