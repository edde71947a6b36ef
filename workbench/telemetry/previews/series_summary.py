"""The summary of a series of a file: what each of its columns becomes, and what was assumed."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.counts import counted

__all__ = ["ColumnSummary", "SeriesSummary"]


@dataclass(frozen=True)
class ColumnSummary:
    """What one column becomes, and what it holds.

    Attributes
    ----------
    column : str
        Its name in the file.
    becomes : str
        "time", "channel NAME", "input", "label", "quality", or "left out: " and the reason.
    unit : str
        Its unit; empty where none is known.
    type : str
        "number", "whole number", "text", "time (UTC)" or "empty".
    first, last : object
        First and last value in the order of time, None where there is none. Times are texts.
    missing : int
        Rows without a value.
    minimum, maximum : float or None
        Range of the numbers.
    channel : str
        Name of its channel; empty where it is none.
    """

    column: str
    becomes: str
    unit: str
    type: str
    first: Any
    last: Any
    missing: int
    minimum: float | None = None
    maximum: float | None = None
    channel: str = ""


@dataclass(frozen=True)
class SeriesSummary:
    """What one series of a file holds: mostly that is the file.

    Attributes
    ----------
    path : Path
        The file.
    part : str
        Which of several series of the file this is; empty where it is the only one.
    asset : str
        Asset of its channels.
    n_samples : int
        Samples, each time once; an estimate where `share` is below 1.
    first, last : str
        First and last time.
    columns : tuple of ColumnSummary
        Its columns in the order of the file.
    notes : tuple of str
        What was assumed, with the option that says otherwise where there is one.
    share : float
        Share of the rows that was read.
    """

    path: Path
    part: str
    asset: str
    n_samples: int
    first: str
    last: str
    columns: tuple[ColumnSummary, ...]
    notes: tuple[str, ...]
    share: float = 1.0

    @property
    def channels(self) -> tuple[str, ...]:
        """Names of its channels."""
        return tuple(one.channel for one in self.columns if one.channel)

    @property
    def line(self) -> str:
        """The summary in a line: file, channels, samples, times, and what was assumed."""
        n_channels = sum(one.becomes.startswith("channel") for one in self.columns)
        about = "about " if self.share < 1 else ""
        name = f"{self.path.name}, {self.part}" if self.part else self.path.name
        parts = [
            f"{counted(n_channels, 'channel')} from {counted(len(self.columns), 'column')}",
            f"{about}{counted(self.n_samples, 'sample')}",
            f"{self.first.removesuffix(' UTC')} to {self.last}",
        ]
        assumed = f"; assumed: {'; '.join(self.notes)}" if self.notes else ""
        return f"{name}: {', '.join(parts)}{assumed}"
