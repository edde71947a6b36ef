"""Shapes of tables: the series that one table holds, each with a clock of its own."""

from workbench.telemetry.importers.raw_table import RawTable
from workbench.telemetry.importers.reading import Reading

__all__ = ["series_of"]


def series_of(table: RawTable, reading: Reading) -> list[RawTable]:
    """Split a table into the series that it holds.

    Parameters
    ----------
    table : RawTable
        What was read.
    reading : Reading
        What was chosen.

    Returns
    -------
    list of RawTable
        One a machine and clock; mostly the table itself.
    """
    del reading
    return [table]
