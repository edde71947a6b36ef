"""How tables are read: what a user chose, in place of what the file itself would decide."""

import csv
import io
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal, get_args

from workbench.exceptions import ImportDataError
from workbench.telemetry.importers.formats.encodings import check_encoding
from workbench.telemetry.importers.times import DateOrder, check_time_format, time_zone
from workbench.telemetry.importers.timing.durations import read_duration

__all__ = ["LISTS", "Percent", "Reading", "TimeUnit", "list_text", "listed"]

TimeUnit = Literal["s", "ms", "us", "ns", "min", "h", "d", "excel", "labview", "ticks"]
"""What one step of a number that is a time means: elapsed or since 1970, or the day and tick numbers of programs."""

Percent = Literal["percent", "share"]
"""What numbers without a percent sign are in a column in which others have one: 0.41 is 0.41 %, or 41 %."""

LISTS = ("columns", "exclude", "inputs", "missing", "good", "normal_label", "time_column")
"""Attributes of `Reading` that hold several texts."""


@dataclass(frozen=True)
class Reading:
    """How tables are to be read. What is None or empty is decided by each file.

    Attributes
    ----------
    encoding : str or None
        Text encoding as Python calls it, "gb18030" or "shift_jis".
    separator : str or None
        Character between two fields; "tab", "space", "comma", "semicolon" and "pipe" stand for theirs.
    decimal : str or None
        Decimal mark, "." or ","; "both" where each is the decimal mark of some numbers.
    thousands : str or None
        Mark between groups of three digits: ".", ",", "'", "space" or "none".
    percent : {"percent", "share"} or None
        What numbers without a percent sign are, see `Percent`.
    header_row : int or None
        Line of the column names, from 1. 0: there is none, and columns are called "column 1", "column 2".
    skip_rows : int or None
        Lines to leave out at the beginning.
    date_order : {"day", "month", "year"} or None
        Number that comes first in dates such as 03/04/05.
    time_format : str or None
        Form of the times as `%d.%m.%y %H:%M`, in the directives of `datetime.strptime`.
    time_unit : str or None
        Unit of times that are numbers, see `TimeUnit`.
    time_column : tuple of str
        Column of the times; several hold parts of it, as date and clock.
    timezone : str or None
        Zone of times that carry none, as `Europe/Berlin`; UTC where None.
    sample_period : str or None
        Step between rows that have no times, as ISO 8601 duration, with a unit or as a rate: "PT10S", "10s", "50Hz".
    missing : tuple of str
        Values that mean that there is none, as `-9999`, beside an empty cell and the usual words.
    columns : tuple of str
        The only columns that become channels; all columns of numbers where empty.
    exclude : tuple of str
        Columns that become none.
    inputs : tuple of str
        Columns that go along as inputs to every channel; one of words becomes one input for each word.
    quality_column : str or None
        Column that says whether the values of its row are good.
    good : tuple of str
        Values of it that mean good.
    label_column : str or None
        Column that marks anomalies.
    normal_label : tuple of str
        Values of it that mean normal.
    asset_column, channel_column, value_column : str or None
        Column that names the machine of a row; that names the channel of its value, in the long form; and that holds
        the value.
    """

    encoding: str | None = None
    separator: str | None = None
    decimal: str | None = None
    thousands: str | None = None
    percent: Percent | None = None
    header_row: int | None = None
    skip_rows: int | None = None
    date_order: DateOrder | None = None
    time_format: str | None = None
    time_unit: str | None = None
    time_column: tuple[str, ...] = ()
    timezone: str | None = None
    sample_period: str | None = None
    missing: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    inputs: tuple[str, ...] = ()
    quality_column: str | None = None
    good: tuple[str, ...] = ()
    label_column: str | None = None
    normal_label: tuple[str, ...] = ()
    asset_column: str | None = None
    channel_column: str | None = None
    value_column: str | None = None

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> "Reading":
        """Make one of options by name; a str stands for a tuple of one, and None for what was not chosen.

        Parameters
        ----------
        options : mapping of str to Any
            Attributes by name.

        Returns
        -------
        Reading

        Raises
        ------
        ImportDataError
            There is no such option, or its value is wrong.

        Examples
        --------
        >>> Reading.of({"time_column": "t", "missing": ["-9999", -200]}).missing
        ('-9999', '-200')
        """
        known = [field.name for field in fields(cls)]
        unknown = [name for name in options if name not in known]
        if unknown:
            raise ImportDataError(f"There is no option {unknown[0]!r} of an import.", f"Known: {', '.join(known)}.")
        values: dict[str, Any] = {
            name: _texts(value) if name in LISTS else value for name, value in options.items() if value is not None
        }
        reading = cls(**values)
        reading.check()
        return reading

    def check(self) -> None:
        """Raise an error where a value is wrong whatever the files hold.

        Raises
        ------
        ImportDataError
            A value is none of those that are allowed, or two options do not go together.
        """
        time_zone(self.timezone)
        if self.encoding is not None:
            check_encoding(self.encoding)
        for name, allowed in (
            ("date_order", get_args(DateOrder)),
            ("time_unit", get_args(TimeUnit)),
            ("decimal", (".", ",", "both")),
            ("thousands", (".", ",", "'", "space", "none")),
            ("percent", get_args(Percent)),
        ):
            value = getattr(self, name)
            if value is not None and value not in allowed:
                raise ImportDataError(f"{name} must be {' or '.join(allowed)}, not {value!r}.")
        if self.sample_period is not None:
            read_duration(self.sample_period)
        if self.time_format is not None:
            check_time_format(self.time_format)
        if self.decimal is not None and self.decimal == self.thousands:
            raise ImportDataError(f"decimal and thousands are both {self.decimal!r}.", "Pass two different marks.")
        if self.decimal == "both" and self.thousands in (".", ","):
            raise ImportDataError(
                f"decimal is both marks, and thousands {self.thousands!r} one of them.", "Leave thousands out."
            )
        if self.separator is not None and not re.fullmatch(r"tab|space|comma|semicolon|pipe|.", self.separator, re.S):
            raise ImportDataError(
                f"separator must be one character, not {self.separator!r}.",
                "Words for some: tab, space, comma, semicolon, pipe.",
            )
        for name in ("header_row", "skip_rows"):
            number = getattr(self, name)
            if number is not None and (not isinstance(number, int) or number < 0):
                raise ImportDataError(f"{name} must be a whole number from 0 on, not {number!r}.")
        if self.good and self.quality_column is None:
            raise ImportDataError("good goes with quality_column.", "Name the column that holds these values.")
        if self.normal_label and self.label_column is None:
            raise ImportDataError("normal_label goes with label_column.", "Name the column that holds these values.")
        if self.columns and self.exclude and set(self.columns) & set(self.exclude):
            both = sorted(set(self.columns) & set(self.exclude))
            raise ImportDataError(f"columns and exclude both name {both[0]!r}.", "Name it in one of them.")


def _texts(value: Any) -> tuple[str, ...]:
    return (str(value),) if isinstance(value, str | int | float) else tuple(str(one) for one in value)


def listed(text: str) -> tuple[str, ...]:
    """Return the texts of a list as it is written on the command line, separated by commas.

    Parameters
    ----------
    text : str
        The list; a text that holds a comma stands in double quotes.

    Examples
    --------
    >>> listed('speed, "flow, m3/h"')
    ('speed', 'flow, m3/h')
    """
    row = next(csv.reader([text], skipinitialspace=True), [])
    return tuple(name.strip() for name in row if name.strip())


def list_text(texts: Iterable[str]) -> str:
    """Return texts as the list that `listed` reads.

    Parameters
    ----------
    texts : iterable of str
        Texts without a line end.

    Examples
    --------
    >>> list_text(["speed", "flow, m3/h"])
    'speed,"flow, m3/h"'
    """
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow(texts)
    return line.getvalue()
