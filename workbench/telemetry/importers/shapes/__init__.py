"""Shapes of tables: the series that one table holds, each with a clock of its own."""

from workbench.telemetry.importers.formats.raw_table import RawTable
from workbench.telemetry.importers.reading import Reading
from workbench.telemetry.importers.roles.value_quality import with_quality
from workbench.telemetry.importers.shapes.annotated import annotated_keys, annotated_points, is_annotated
from workbench.telemetry.importers.shapes.by_key import split_by_keys
from workbench.telemetry.importers.shapes.day_rows import with_one_row_a_time
from workbench.telemetry.importers.shapes.keys import find_keys
from workbench.telemetry.importers.shapes.time_pairs import series_of_pairs
from workbench.telemetry.importers.shapes.typed_values import with_one_value

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

    Raises
    ------
    ImportDataError
        A column that was named is not there, or holds something else.
    """
    if is_annotated(table):
        table = annotated_points(table)
        points = annotated_keys(table, reading)
        if points is not None:
            return split_by_keys(*points, reading)
    table = with_one_row_a_time(with_one_value(table, reading), reading)
    pairs = series_of_pairs(table, reading)
    if pairs:
        return [with_quality(one, reading) for one in pairs]
    keys = find_keys(table, reading)
    if keys is not None and keys.channels:
        return split_by_keys(table, keys, reading)
    table = with_quality(table, reading)
    return [table] if keys is None else split_by_keys(table, keys, reading)
