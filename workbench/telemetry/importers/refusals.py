"""What to do about a file that does not go with what is there, or that contradicts it: the options that settle it."""

from collections.abc import Sequence
from contextlib import suppress

import numpy as np
import xarray as xr

from workbench.counts import counted
from workbench.exceptions import ImportDataError
from workbench.names import command_line
from workbench.telemetry.appending import Contribution, is_dated, time_text
from workbench.telemetry.importers.delivery_report import extent_of
from workbench.telemetry.importers.file_samples import FileSamples

__all__ = ["contradiction", "held_as_missing", "how_to_settle", "ways_out"]

_OTHER_MACHINE = "where it is another machine, pass --asset NAME"


def contradiction(
    path: str, channel: str, there: str, brought: Contribution, present: xr.Dataset | None
) -> ImportDataError:
    """Return the error of a file that contradicts what is there.

    Parameters
    ----------
    path : str
        The file.
    channel : str
        Name of the channel.
    there : str
        What it contradicts, as "the archive".
    brought : Contribution
        What it brought.
    present : xarray.Dataset or None
        The series in the archive; None where it contradicts another file.

    Returns
    -------
    ImportDataError
    """
    samples = counted(brought.conflicting, "sample")
    names = ("the earlier file", "the later one") if present is None else ("the archive", "the file")
    return ImportDataError(
        f"{path} contradicts {channel} of {there} in {samples}, the first {brought.example}.",
        f"Pass --on-conflict keep to keep the values of {names[0]}, or --on-conflict replace to take those of "
        f"{names[1]} at these times; {_OTHER_MACHINE}.{ways_out(channel, present)}",
    )


def held_as_missing(
    path: str, channel: str, incoming: xr.Dataset, present: xr.Dataset, words: Sequence[str]
) -> ImportDataError | None:
    """Return the error of a file of which values are missing now that the archive holds as numbers.

    Parameters
    ----------
    path : str
        The file.
    channel : str
        Name of the channel.
    incoming, present : xarray.Dataset
        Its series, and the one in the archive.
    words : sequence of str
        Values that mean that there is none.

    Returns
    -------
    ImportDataError or None
        None where the archive holds none of these values at the times at which the file has none.
    """
    numbers = []
    for word in words:
        with suppress(ValueError):
            numbers.append(float(word.replace(",", ".")))
    if not numbers or is_dated(incoming) != is_dated(present):
        return None
    times = incoming["time"].values[np.isnan(incoming["telemetry"].values)]
    values = present["telemetry"].values
    held = np.isin(present["time"].values, times) & np.isin(values, np.array(numbers, values.dtype))
    if not held.any():
        return None
    place = int(np.argmax(held))
    samples = counted(int(held.sum()), "sample")
    return ImportDataError(
        f"{path} has no value where the archive holds {values[place]:g} in {samples} of {channel}, the first at "
        f"{time_text(present['time'].values[place])}: --missing says that it means none.",
        "Pass --replace with all files of the asset, which discards "
        f"{extent_of(present)} and takes what the files hold, or --on-conflict keep to keep these values.",
    )


def ways_out(channel: str, present: xr.Dataset | None) -> str:
    """Return the sentence on what discards a channel, for the end of a hint; an empty text where there is none.

    Parameters
    ----------
    channel : str
        Name of the channel.
    present : xarray.Dataset or None
        Its series in the archive; None where it holds none.
    """
    if present is None:
        return ""
    return (
        f" Where what the archive holds is the mistake: {command_line('workbench channels remove', channel)}, or "
        f"--replace, which discards {extent_of(present)} and takes what the files hold."
    )


def how_to_settle(file: FileSamples, channel: str, incoming: xr.Dataset, reference: xr.Dataset) -> str:
    """Say what to do about a file whose series has a `difference` from the one that is there.

    Parameters
    ----------
    file : FileSamples
        The file.
    channel : str
        Name of the channel.
    incoming, reference : xarray.Dataset
        Its series, and the one that is there.

    Returns
    -------
    str
        A sentence.
    """
    if is_dated(incoming) != is_dated(reference):
        which = "of the times of the one without" if is_dated(incoming) else "of its times"
        return f"Name the column {which} with --time-column, or {_OTHER_MACHINE}."
    own, needed = (_input_columns(series) for series in (incoming, reference))
    if set(own) != set(needed):
        columns = {*file.columns, *file.input_names, *(row.channel for row in file.skipped), *own}
        absent = [name for name in needed if name not in columns]
        if absent:
            what = f"column {absent[0]}" if len(absent) == 1 else f"columns {', '.join(absent)}"
            return f"The file lacks the {what}: add what is missing, or {_OTHER_MACHINE}."
        return f"Pass --inputs {_quoted(needed)}." if needed else "Leave --inputs out."
    units = [str(series.attrs.get("units", "")) for series in (incoming, reference)]
    if all(units) and units[0] != units[1]:
        return f"Convert the values, or correct the unit in the first line; {_OTHER_MACHINE}."
    if any(_is_of_words(name, incoming) != _is_of_words(name, reference) for name in own):
        return f"Correct the column of the input; {_OTHER_MACHINE}."
    return f"Correct the times of the file; {_OTHER_MACHINE}."


def _input_columns(series: xr.Dataset) -> list[str]:
    return list(dict.fromkeys(str(name).partition("=")[0] for name in series["command"].values))


def _is_of_words(column: str, series: xr.Dataset) -> bool:
    return any(str(name).startswith(f"{column}=") for name in series["command"].values)


def _quoted(names: Sequence[str]) -> str:
    text = ",".join(names)
    return text if " " not in text else f'"{text}"'
