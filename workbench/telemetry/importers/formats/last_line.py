"""The last line of a text file that has no line end: it may be cut anywhere, also in the middle of a number.

A line that lacks columns is left out, and so is one whose last column holds a time that is shorter than the one before,
an input or a label: what is cut of these is another sample, command or kind. A line that ends in the value of a channel
is taken, since many programs write no last line end. That value is doubtful: it gives way to what another file holds
for its time.
"""

import codecs
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from workbench.telemetry.appending import is_dated, time_text
from workbench.telemetry.importers.formats.delimited import Dialect, split_fields

__all__ = ["LEFT_OUT", "DoubtfulValue", "LastLine", "open_last_line", "settle_doubtful"]

LEFT_OUT = "the last line has no line end and may be cut: left out"
"""Note on a file whose last line was left out."""

_READ_BYTES = 2**20


@dataclass(frozen=True)
class LastLine:
    """A last line without a line end.

    Attributes
    ----------
    fields : int
        How many it has.
    is_whole : bool
        Whether it has as many as the line before.
    is_as_long : bool
        Whether its last field has as many letters as that of the line before: a time that does is not cut.
    """

    fields: int
    is_whole: bool
    is_as_long: bool


@dataclass(frozen=True)
class DoubtfulValue:
    """The last value of a file whose last line has no line end.

    Attributes
    ----------
    column : str
        Column that it stands in.
    stamp : Any
        Time of its sample.
    """

    column: str
    stamp: Any


def open_last_line(path: Path, dialect: Dialect) -> LastLine | None:
    """Look at the last line of a delimited file.

    Parameters
    ----------
    path : Path
        The file.
    dialect : Dialect
        From `sniff`.

    Returns
    -------
    LastLine or None
        None where the last line has a line end, or is no row.

    Raises
    ------
    OSError
        The file cannot be read.
    """
    with path.open("rb") as file:
        encoding = dialect.encoding
        if encoding == "utf-16":
            encoding = "utf-16-be" if file.read(2) == codecs.BOM_UTF16_BE else "utf-16-le"
        size = file.seek(0, 2)
        file.seek(max(0, size - _READ_BYTES) // 4 * 4)
        content = file.read()
    if content.rstrip(b"\0")[-1:] in (b"\n", b"\r", b""):
        return None
    lines = re.split(r"\r\n|\r|\n", content.decode(encoding, "replace"))
    rows = [line for line in lines[-3:] if line.strip()]
    if not rows or not lines[-1].strip():
        return None
    fields = split_fields(rows[-1], dialect.separator)
    before = split_fields(rows[-2], dialect.separator) if len(rows) > 1 else list(dialect.columns)
    if not fields or not before or len(fields) > len(dialect.columns):
        return None
    return LastLine(len(fields), len(fields) == len(before), len(fields[-1].strip()) == len(before[-1].strip()))


def settle_doubtful(
    series: Sequence[xr.Dataset], doubtful: Sequence[Any], names: Sequence[str]
) -> tuple[list[xr.Dataset], Any, list[str]]:
    """Take out each doubtful value for whose time another series has another one.

    Parameters
    ----------
    series : sequence of xarray.Dataset
        What is there and what comes of one channel, in the order of their coming.
    doubtful : sequence of Any
        Time of the doubtful value of each of them; None where it has none.
    names : sequence of str
        What each of them is called.

    Returns
    -------
    list of xarray.Dataset
        The series; a value that gives way is missing.
    Any
        Time of the last doubtful value that holds; None where there is none.
    list of str
        What gave way, in words.
    """
    settled, notes, held = list(series), [], []
    for number, time in enumerate(doubtful):
        own = _value(series[number], time)
        if own is None:
            continue
        others = [
            value
            for other, one in enumerate(series)
            if other != number
            and (doubtful[other] != time or other > number)  # of two doubtful values the later one holds
            and (value := _value(one, time)) is not None
        ]
        if not others:
            held.append(time)
        elif others[-1] != own:
            values = settled[number]["telemetry"].values.copy()
            values[settled[number]["time"].values == time] = np.nan
            settled[number] = settled[number].assign(telemetry=("time", values))
            notes.append(
                f"the last value of {names[number]}, at {time_text(time)}, was cut: {others[-1]:g} in place of {own:g}"
            )
    return settled, max(held, default=None), notes


def _value(series: xr.Dataset, time: Any) -> float | None:
    """Return the value of a series at a time; None where there is none."""
    if time is None or not is_dated(series):
        return None
    times = series["time"].values
    place = int(np.searchsorted(times, time))
    if place == len(times) or times[place] != time:
        return None
    value = float(series["telemetry"].values[place])
    return None if np.isnan(value) else value
