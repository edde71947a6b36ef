"""The report of an import: one record a channel, with counts of everything that was repaired or dropped."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import pandas as pd

__all__ = ["ChannelImport", "ImportReport"]


@dataclass(frozen=True)
class ChannelImport:
    """Result of the import of one channel.

    Attributes
    ----------
    channel : str
        Name in the archive, or of the column that was skipped.
    status : {"imported", "unchanged", "skipped"}
        "unchanged": the archive held just this already. "skipped": see `note`.
    n_train, n_test : int
        Samples of each split.
    repairs : dict of str to int
        What was repaired or dropped, by count; what did not occur is left out.
    note : str
        What a reader should know: an assumption that was made, or why the channel was skipped.
    """

    channel: str
    status: Literal["imported", "unchanged", "skipped"]
    n_train: int = 0
    n_test: int = 0
    repairs: dict[str, int] = field(default_factory=dict)
    note: str = ""


@dataclass(frozen=True)
class ImportReport:
    """Result of an import, channel by channel.

    Attributes
    ----------
    layout : str
        "nasa", "csv" or "parquet".
    path : Path
        What was imported.
    channels : tuple of ChannelImport
        Results of the channels.
    models : pandas.DataFrame or None
        The shipped models that came with it, one row each: `channel`, `status` (installed, current or skipped),
        `model`, `reason`; None where the layout brings none.
    """

    layout: str
    path: Path
    channels: tuple[ChannelImport, ...]
    models: pd.DataFrame | None = field(default=None, compare=False)

    def count(self, status: str) -> int:
        """Count the channels of a status.

        Parameters
        ----------
        status : {"imported", "unchanged", "skipped"}
            Status to count.

        Returns
        -------
        int
        """
        return sum(channel.status == status for channel in self.channels)

    def to_frame(self) -> pd.DataFrame:
        """Make a table of it.

        Returns
        -------
        pandas.DataFrame
            One row a channel: `status`, `n_train`, `n_test`, one int column for each repair that occurred,
            `note`; the index is `channel`.

        Examples
        --------
        >>> report = ImportReport("csv", Path("a.csv"), (ChannelImport("t", "imported", 7, 3, {"gaps": 1}),))
        >>> report.to_frame()
                   status  n_train  n_test  gaps note
        channel
        t        imported        7       3     1
        """
        repairs = list(dict.fromkeys(name for channel in self.channels for name in channel.repairs))
        rows = [
            {
                "channel": channel.channel,
                "status": channel.status,
                "n_train": channel.n_train,
                "n_test": channel.n_test,
                **{name: channel.repairs.get(name, 0) for name in repairs},
                "note": channel.note,
            }
            for channel in self.channels
        ]
        columns = ["channel", "status", "n_train", "n_test", *repairs, "note"]
        return pd.DataFrame(rows, columns=columns).set_index("channel")
