"""Finds the columns whose values say to which machine and channel a row belongs.

One module because names, contents and options decide together: each of them alone is wrong for a file that people have.
"""

import re
import shlex
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Literal

import pandas as pd

from workbench.exceptions import ImportDataError
from workbench.telemetry.importers.formats.raw_table import RawTable
from workbench.telemetry.importers.reading import Reading
from workbench.telemetry.importers.roles.value_quality import bad_rows
from workbench.telemetry.importers.shapes.key_names import ends_as_key, letters_of, names_unit, role_of
from workbench.telemetry.importers.shapes.key_rows import KeyRows
from workbench.telemetry.importers.table_times import with_times
from workbench.telemetry.importers.times import parse_times
from workbench.telemetry.importers.timing.time_zones import is_offset_column

__all__ = ["Keys", "find_keys", "separating_columns"]

_Kind = Literal["number", "text", "time", "empty"]

_SAMPLE_ROWS = 500
_KIND_ROWS = 50
_MAX_REPEATED = 0.05  # share of rows with the key and time of an earlier one, as where clocks are set back
_MIN_ROWS_A_KEY = 3  # where the content alone tells a key
_NUMBER = re.compile(r"[-+]?[\d.,'\s]*\d[\d.,'\s]*(?:[eE][-+]?\d+)?\s*%?|true|false", re.IGNORECASE)
_CLOCK = re.compile(r"\d{1,2}[:.]\d{2}(?:[:.]\d{2}(?:[.,]\d+)?)?\s*(?:[ap]\.?m\.?)?", re.IGNORECASE)
_SITES = {
    "site",
    "area",
    "fleet",
    "farm",
    "werk",
    "standort",
    "location",
    "plant",
    "building",
    "region",
    "line",
    "sheet",
}
_WORDS = re.compile(r"(?:label|anomaly|class|event|alarm|message|comment|note|text|description|state|mode)s?")


@dataclass(frozen=True)
class Keys:
    """Columns whose values say to which series a row belongs.

    Attributes
    ----------
    times : tuple of str
        Columns of the times.
    assets : tuple of str
        Those that name the machine of a row.
    channels : tuple of str
        Those that name the channel of its value, in the long form; empty where each column is a channel.
    value : str
        Column of the values of the long form.
    unit, quality : str or None
        Columns that name the unit, and say whether the value is good.
    label : str or None
        Column of labels, of the value of its row.
    """

    times: tuple[str, ...]
    assets: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    value: str = ""
    unit: str | None = None
    quality: str | None = None
    label: str | None = None


def find_keys(raw: RawTable, reading: Reading) -> Keys | None:
    """Find the columns that name the machine and the channel of each row.

    Parameters
    ----------
    raw : RawTable
        What was read.
    reading : Reading
        What was chosen.

    Returns
    -------
    Keys or None
        None where the table is one series.

    Raises
    ------
    ImportDataError
        A column that was named is not there, or the column of values is not clear.

    Notes
    -----
    A table of numbers whose names say nothing is not looked at any further. Where rows share their times with others,
    a key is a column under which each time occurs once; where they do not, its name has to say that it is one.
    """
    chosen = {
        "--asset-column": reading.asset_column,
        "--channel-column": reading.channel_column,
        "--value-column": reading.value_column,
    }
    columns = [str(column) for column in raw.frame.columns]
    for option, name in chosen.items():
        if name is not None and name not in columns:
            raise ImportDataError(
                f"There is no column {name!r}.", f"Columns: {', '.join(columns)[:500]}. Name one of them with {option}."
            )
    search = _Search(raw, reading)
    if not any(chosen.values()) and not search.has_candidates:
        return None
    search = search.with_times()
    if not search.has_times and not any(chosen.values()) and reading.sample_period is None:
        return None
    return search.long_form() or search.machines()


def separating_columns(frame: pd.DataFrame, times: pd.Series) -> list[str]:
    """Return the columns under each value of which a time occurs once, those most like keys first.

    Parameters
    ----------
    frame : pandas.DataFrame
        One row a sample, without its times.
    times : pandas.Series
        The time of each row.
    """
    name = "\0times"
    rows = KeyRows(frame.assign(**{name: times.to_numpy()}))
    separating = [
        str(column)
        for column in frame.columns
        if 2 <= rows.distinct([column]) <= len(frame) / 2 and rows.share_repeated([name, column]) <= _MAX_REPEATED
    ]
    return sorted(separating, key=lambda column: (role_of(column) not in ("tag", "machine", "group"), len(column)))


class _Search:
    """The columns of a table, with what is known of each."""

    def __init__(self, raw: RawTable, reading: Reading) -> None:
        self._raw, self._reading = raw, reading
        sample = raw.frame.iloc[:: max(1, len(raw.frame) // _SAMPLE_ROWS)]
        others = {*reading.inputs, *reading.exclude, reading.label_column, reading.quality_column}
        others |= {column for column in sample.columns if is_offset_column(sample[column])}
        self._columns = [str(column) for column in raw.frame.columns if column not in others]
        self._kinds = _kinds(sample[self._columns])
        self._rows = KeyRows(raw.frame)
        self._sample = sample
        self._times: tuple[str, ...] = ()
        self._are_shared = False

    @property
    def has_candidates(self) -> bool:
        """Whether any column may be a key."""
        return any(
            self._kinds[column] == "text" or role_of(column) in ("tag", "machine", "group") for column in self._columns
        )

    @property
    def has_times(self) -> bool:
        """Whether a column of times was found."""
        return bool(self._times)

    def with_times(self) -> "_Search":
        """Find the columns of the times, and whether most rows share theirs."""
        sample = replace(self._raw, frame=self._sample.reset_index(drop=True), last=None)
        for reading in (self._reading, replace(self._reading, date_order=self._reading.date_order or "day")):
            try:
                self._times = with_times(sample, reading).time_columns
                break
            except ImportDataError:
                continue
        self._columns = [column for column in self._columns if column not in self._times]
        is_sorted = len(self._times) == 1 and _rises_or_falls(self._raw.frame[self._times[0]])
        self._are_shared = bool(self._times) and not is_sorted and self._rows.share_in_groups(self._times) > 0.5
        return self

    def long_form(self) -> Keys | None:
        """Return the keys of a table in the long form; None where it is in another one."""
        reading = self._reading
        value = self._value()
        if value is None:
            return None
        tag = reading.channel_column or self._tag(value)
        if tag is None:
            if reading.value_column is None:
                return None
            raise ImportDataError(
                f"No column names the channel of each {value!r}.",
                f"Columns: {', '.join(self._columns)[:500]}. Name one of them with --channel-column.",
            )
        channels, assets = [tag], [reading.asset_column] if reading.asset_column else []
        free = [column for column in self._columns if column not in (value, *channels, *assets)]
        if not assets:
            assets = [column for column in free if role_of(column) == "machine" and self._is_key(column)][:1]
        further = [column for column in free if column not in assets and self._recurs(column)]
        further = [column for column in further if self._kinds[column] == "text" and role_of(column) != "quality"]
        if not reading.asset_column:
            for column in further:
                is_group = role_of(column) == "group" and not names_unit(column)
                if is_group and not self._is_separated_by([*channels, *assets]):
                    assets.append(column)
        if not reading.channel_column:
            for column in further:
                if column not in assets and not self._is_separated_by([*channels, *assets]):
                    channels.append(column)
            if not (self._is_separated_by([*channels, *assets]) or self._halves_repeated([*channels, *assets])):
                return None
        free = [column for column in free if column not in (*channels, *assets)]
        units = [column for column in free if names_unit(column) and self._kinds[column] == "text"]
        changing = [one for one in units if self._rows.distinct([*channels, one]) != self._rows.distinct(channels)]
        if changing and channels:
            raise ImportDataError(
                f"The unit of a series changes within the table (column {changing[0]!r}).",
                f"Convert the values to one unit, or pass --exclude {shlex.quote(changing[0])} to take them as they "
                "are.",
            )
        quality = [column for column in free if role_of(column) == "quality"]
        return Keys(
            self._times,
            tuple(assets),
            tuple(channels),
            value,
            units[0] if units else None,
            reading.quality_column or self._quality(quality),
            reading.label_column if reading.label_column in self._raw.frame.columns else None,
        )

    def _quality(self, columns: Sequence[str]) -> str | None:
        """Return the column of quality: of several, the first whose values say by themselves which are good."""
        for column in columns if len(columns) > 1 else ():
            with suppress(ImportDataError):
                if bad_rows(self._raw.frame[column], column, self._reading, is_chosen=False)[0] is not None:
                    return column
        return columns[0] if columns else None

    def machines(self) -> Keys | None:
        """Return the columns that name the machine of each row; None where none does."""
        if self._reading.asset_column:
            return Keys(self._times, (self._reading.asset_column,))
        named = [column for column in self._columns if role_of(column) == "machine" and self._is_key(column)]
        if not self._are_shared:
            return Keys(self._times, self._with_sites(named[:1])) if named else None
        tags = [column for column in self._columns if role_of(column) == "tag" and self._is_key(column)]
        groups = [column for column in self._columns if role_of(column) == "group" and self._is_key(column)]
        by_content = [
            column
            for column in self._columns
            if self._kinds[column] == "text"
            and self._rows.distinct([column]) * _MIN_ROWS_A_KEY <= len(self._raw.frame)
            and role_of(column) != "quality"
            and not _WORDS.fullmatch(letters_of(column))
        ]
        for column in dict.fromkeys([*named, *tags, *groups, *by_content]):
            if self._rows.distinct([column]) > 1 and self._is_separated_by([column]):
                return Keys(self._times, self._with_sites([column]))
        together = [column for column in self._columns if role_of(column) in ("machine", "group")]
        together = [column for column in together if self._recurs(column) and self._is_whole_or_text(column)]
        together.sort(key=lambda column: letters_of(column) not in _SITES)
        if together and self._is_separated_by(together):
            return Keys(self._times, tuple(together))
        halving = [column for column in named if self._halves_repeated([column])]
        return Keys(self._times, self._with_sites(halving[:1])) if halving else None

    def _value(self) -> str | None:
        """Return the column of values of the long form; None where there is none."""
        reading = self._reading
        if reading.value_column is not None:
            return reading.value_column
        values = [column for column in self._columns if role_of(column) == "value"]
        if len(values) == 1:
            return values[0]
        if reading.channel_column is None:
            return None
        keys = (reading.asset_column, reading.channel_column)
        numbers = [column for column in self._columns if self._kinds[column] == "number" and column not in keys]
        if len(numbers) != 1:
            raise ImportDataError(
                f"It is not clear which column holds the values of {reading.channel_column!r} "
                f"({', '.join(numbers)[:200] or 'none holds numbers'}).",
                "Name it with --value-column.",
            )
        return numbers[0]

    def _tag(self, value: str) -> str | None:
        """Return the column that names the channel of each value: by its name, else by its content."""
        free = [column for column in self._columns if column not in (value, self._reading.asset_column)]
        for column in free:
            if role_of(column) == "tag" and (self._is_key(column) or self._rows.distinct([column]) == 1):
                return column
        others = [column for column in free if self._kinds[column] == "number" and role_of(column) != "quality"]
        if others and self._reading.value_column is None:
            return None
        words = [column for column in free if self._kinds[column] == "text" and role_of(column) in ("", "value")]
        words = [column for column in words if self._recurs(column) and not _WORDS.fullmatch(letters_of(column))]
        enough = [one for one in words if self._rows.distinct([one]) * _MIN_ROWS_A_KEY <= len(self._raw.frame)]
        if self._are_shared:
            return next((column for column in enough if self._is_separated_by([column])), None)
        return words[0] if self._reading.value_column is not None and len(words) == 1 else None

    def _is_key(self, column: str) -> bool:
        """Return whether the values of a column whose name is that of a key are such as keys have."""
        if not self._is_whole_or_text(column):
            return False
        is_machine = role_of(column) == "machine"
        if self._rows.distinct([column]) > max(1, len(self._raw.frame) / 2):  # one row each: all of one time
            return self._are_shared and is_machine and self._rows.distinct(self._times) == 1
        if self._kinds[column] == "text":
            return True
        if self._are_shared:
            return is_machine or ends_as_key(column) or self._is_separated_by([column])
        return is_machine and ends_as_key(column)

    def _is_whole_or_text(self, column: str) -> bool:
        return self._kinds[column] == "text" or (self._kinds[column] == "number" and self._is_whole(column))

    def _is_whole(self, column: str) -> bool:
        numbers = pd.to_numeric(self._sample[column], errors="coerce").dropna()
        return bool(len(numbers)) and bool((numbers % 1 == 0).all())

    def _recurs(self, column: str) -> bool:
        return 2 <= self._rows.distinct([column]) <= len(self._raw.frame) / 2

    def _is_separated_by(self, keys: Sequence[str]) -> bool:
        """Return whether each time occurs once under each key."""
        return self._rows.share_repeated([*self._times, *keys]) <= _MAX_REPEATED if self._times else True

    def _halves_repeated(self, keys: Sequence[str]) -> bool:
        """Return whether keys take away most of the repeated times; the rest may be the hour that is there twice."""
        n = len(self._raw.frame)
        return (n - self._rows.distinct([*self._times, *keys])) * 2 <= n - self._rows.distinct(self._times)

    def _with_sites(self, machines: list[str]) -> tuple[str, ...]:
        """Return columns of machines with those of sites, where two sites have a machine of one name."""
        sites = [
            column
            for column in self._columns
            if column not in machines
            and letters_of(column) in _SITES
            and self._kinds[column] == "text"
            and self._rows.distinct([column, *machines]) > self._rows.distinct(machines)
        ]
        return (*sites, *machines)


def _rises_or_falls(column: pd.Series) -> bool:
    """Return whether each value lies behind the one before it, as written: then none is there twice."""
    earlier, later = column.iloc[:-1].array, column.iloc[1:].array
    try:
        return bool((later > earlier).all() or (later < earlier).all())
    except TypeError:  # mixed types, or missing values among text
        return False


def _kinds(sample: pd.DataFrame) -> dict[str, _Kind]:
    """Return what each column holds, by a few of its values; columns of types of their own are not looked into."""
    few = sample.iloc[:: max(1, len(sample) // _KIND_ROWS)]
    cells = few.to_numpy(dtype="object")
    is_missing = pd.isna(cells)
    kinds: dict[str, _Kind] = {}
    for place, (column, dtype) in enumerate(few.dtypes.items()):
        if pd.api.types.is_numeric_dtype(dtype):
            kinds[str(column)] = "number"
        elif pd.api.types.is_datetime64_any_dtype(dtype):
            kinds[str(column)] = "time"
        else:
            values = [str(value).strip() for value in cells[~is_missing[:, place], place]]
            kinds[str(column)] = _kind([value for value in values if value])
    return kinds


def _kind(values: list[str]) -> _Kind:
    if not values:
        return "empty"
    if sum(bool(_NUMBER.fullmatch(value)) for value in values) * 2 >= len(values):
        return "number"
    is_clock = all(_CLOCK.fullmatch(value) for value in values)
    return "time" if is_clock or parse_times(pd.Series(values)).readable.mean() > 0.5 else "text"
