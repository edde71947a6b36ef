"""A table as it stands in a file: its columns, before anything says what they hold."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from workbench.telemetry.importers.formats.last_line import LastLine
from workbench.telemetry.importers.formats.number_marks import NumberMarks
from workbench.telemetry.importers.report import ChannelImport

__all__ = ["RawTable"]


@dataclass(frozen=True)
class RawTable:
    """A table as it stands in a file.

    Attributes
    ----------
    path : Path
        File that it comes from.
    frame : pandas.DataFrame
        One row a row. A column of a text file is text as it is written; what marks a missing value is NaN. Other
        formats have types of their own.
    marks : NumberMarks
        How numbers are written in its text.
    rows_dropped : int
        Rows that were left out, as they have more fields than the header.
    notes : tuple of str
        What was assumed.
    last : LastLine or None
        The last line, where it has no line end and may be cut.
    asset : str or None
        Asset that its rows name; None where they name none.
    part : str
        Which of several series of the file this is, in words; empty where it is the only one.
    quality : mapping of str to str
        Column that says whether the values of another one are good, by that other one.
    left_out : tuple of ChannelImport
        Columns of the file that are none of the table, with the reason.
    units : dict of str to str
        Units by column, where the file holds them apart from the names.
    """

    path: Path
    frame: pd.DataFrame
    marks: NumberMarks
    rows_dropped: int = 0
    notes: tuple[str, ...] = ()
    last: LastLine | None = None
    asset: str | None = None
    part: str = ""
    quality: Mapping[str, str] = field(default_factory=dict)
    left_out: tuple[ChannelImport, ...] = ()
    units: dict[str, str] = field(default_factory=dict)
