"""LabVIEW's measurement files (.lvm): a header, then segments, each with the start and the step of its channels."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.exceptions import ImportDataError
from workbench.telemetry.importers.formats.encodings import find_encoding
from workbench.telemetry.importers.formats.headers import unique_names
from workbench.telemetry.importers.formats.last_line import LEFT_OUT

__all__ = ["read_labview"]

_FIRST_WORDS = b"LabVIEW Measurement"
_HEADER_END = "***End_of_Header***"
_TIMES = "X_Value"
_COMMENT = "Comment"
_DAY_NS = 86_400 * 10**9


def read_labview(path: Path) -> tuple[pd.DataFrame, dict[str, str], list[str]] | None:
    """Read a measurement file of LabVIEW; what it counts from its start is made times, where the start is there.

    Parameters
    ----------
    path : Path
        The file, not compressed.

    Returns
    -------
    pandas.DataFrame
        Times, then the values of each channel as they are written.
    dict of str to str
        Units by column.
    list of str
        What was left out.

    Raises
    ------
    ImportDataError
        It is cut within a header, a number of its clock cannot be read, or its segments have different channels.

    Notes
    -----
    None is returned where it is another file.
    """
    with path.open("rb") as file:
        if not file.readline().strip().startswith(_FIRST_WORDS):
            return None
    text = path.read_text(encoding=find_encoding(path).name, errors="replace")
    lines, notes = text.splitlines(), []
    if lines[-1] and not text.endswith("\n"):
        lines, notes = lines[:-1], [LEFT_OUT]
    about, rest = _header(lines)
    sign = "," if about.get("Separator", [""])[:1] == ["Comma"] else "\t"
    tables: list[pd.DataFrame] = []
    units: dict[str, str] = {}
    for block in _segments(rest):
        header, body = _header(block, sign)
        try:
            table, units = _table(header, [line.split(sign) for line in body], about)
        except (ValueError, LookupError, OverflowError) as error:
            raise ImportDataError(f"A segment cannot be read: {error}.", "Write the file again in LabVIEW.") from None
        if tables and list(table.columns) != list(tables[0].columns):
            raise ImportDataError("Its segments have different channels.", "Split the file, a segment a file.")
        tables.append(table)
    if not tables:
        raise ImportDataError("It holds no segment of samples.", "Write the file again in LabVIEW.")
    return pd.concat(tables, ignore_index=True), units, notes


def _header(lines: Sequence[str], separator: str = "\t") -> tuple[dict[str, list[str]], list[str]]:
    """Return the entries of a header by their names, and the lines below it."""
    entries: dict[str, list[str]] = {}
    for number, line in enumerate(lines):
        if line.startswith(_HEADER_END):
            return entries, list(lines[number + 1 :])
        name, *values = line.split(separator)
        entries[name.strip()] = [value.strip() for value in values]
    raise ImportDataError("It is cut within a header.", "Write the file again in LabVIEW.")


def _segments(lines: Sequence[str]) -> Iterator[list[str]]:
    """Yield the lines of each segment: a header, the names, and the rows."""
    block: list[str] = []
    for line in lines:
        if line.startswith("Channels") and any(one.startswith(_HEADER_END) for one in block):
            yield block
            block = []
        if line.strip():
            block.append(line)
    if block:
        yield block


def _table(
    header: dict[str, list[str]], rows: list[list[str]], about: dict[str, list[str]]
) -> tuple[pd.DataFrame, dict[str, str]]:
    header_cells, *body = rows
    written = [cell.strip() for cell in header_cells]
    clocks = [place for place, name in enumerate(written) if name == _TIMES]
    sensors = [place for place, name in enumerate(written) if name and name not in (_TIMES, _COMMENT)]
    names = unique_names(written)
    cells = [[*row, *[""] * (len(names) - len(row))] for row in body]
    is_dated = about.get("Time_Pref", ["Absolute"])[:1] != ["Relative"] and "Date" in header
    dimensions = header.get("X_Dimension", [])
    columns: dict[str, object] = {}
    for number, place in enumerate(sensors):
        before = [clock for clock in clocks if clock < place]
        is_time = number >= len(dimensions) or dimensions[number] in ("", "Time")
        time = f"{names[place]} time" if len(clocks) > 1 else "seconds" if is_time and not is_dated else _TIMES
        if time not in columns:
            texts = [row[before[-1]].strip() for row in cells] if before else []
            steps = np.array([_number(text) for text in texts]) if any(texts) else _steps(header, number, len(cells))
            elapsed = pd.Series(np.rint(steps * 1e9).astype("timedelta64[ns]")) if is_time else steps
            columns[time] = _moments(header, number, steps) if is_dated and is_time else elapsed
        columns[names[place]] = [row[place].strip() or None for row in cells]
    labels = header.get("Y_Unit_Label", [])
    return pd.DataFrame(columns), {names[place]: unit for place, unit in zip(sensors, labels, strict=False) if unit}


def _number(text: str) -> float:
    return float(text.replace(",", "."))


def _steps(header: dict[str, list[str]], number: int, count: int) -> npt.NDArray[np.float64]:
    """Return what X is in each row, where the rows do not hold it."""
    return np.arange(count, dtype=np.float64) * _number(header["Delta_X"][number]) + _number(header["X0"][number])


def _moments(header: dict[str, list[str]], number: int, seconds: npt.NDArray[np.float64]) -> pd.Series:
    """Return the times that lie so many seconds behind the start of a channel."""
    hours, minutes, second = header["Time"][number].split(":")
    clock = (int(hours) * 60 + int(minutes)) * 60 * 10**9 + round(_number(second) * 1e9)
    if not 0 <= clock < _DAY_NS:
        raise ValueError(f"the time {header['Time'][number]!r}")
    start = np.datetime64(header["Date"][number].replace("/", "-"), "ns") + np.timedelta64(clock, "ns")
    return pd.Series(start + np.rint(seconds * 1e9).astype("timedelta64[ns]"))
