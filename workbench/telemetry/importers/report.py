"""The report of an import: one record a channel, with counts of everything that was repaired or dropped."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import pandas as pd

from workbench.telemetry.previews.series_summary import SeriesSummary

__all__ = ["ChannelImport", "ImportReport", "Status"]

Status = Literal["imported", "appended", "replaced", "unchanged", "changed", "skipped", "failed"]
"""What became of a channel."""


@dataclass(frozen=True)
class ChannelImport:
    """Result of the import of one channel.

    Attributes
    ----------
    channel : str
        Name in the archive, or of the column that was skipped.
    status : {"imported", "appended", "changed", "replaced", "unchanged", "skipped", "failed"}
        "imported": the channel is new. "appended": samples were added to those that were there. "changed": only values
        or labels of those were. "replaced": what was there is gone, see `note`. "unchanged": the archive held just
        this already. "skipped", "failed": see `note`.
    n_train, n_test : int
        Samples of each split, as they are in the archive now.
    repairs : dict of str to int
        What was added, repaired or dropped, by count; what did not occur is left out.
    note : str
        What a reader should know: an assumption that was made, or why the channel was skipped.
    training_changed : bool
        Whether a channel that was there has other training data now, so that its models are stale.
    """

    channel: str
    status: Status
    n_train: int = 0
    n_test: int = 0
    repairs: dict[str, int] = field(default_factory=dict)
    note: str = ""
    training_changed: bool = False

    @property
    def to_train(self) -> bool:
        """Whether models are to be trained: the channel is new, or its training data changed."""
        return self.training_changed or self.status in ("imported", "replaced")

    @property
    def to_score(self) -> bool:
        """Whether the import changed anything that scores depend on."""
        return self.to_train or self.status in ("appended", "changed")


@dataclass(frozen=True)
class ImportReport:
    """Result of an import, channel by channel.

    Attributes
    ----------
    layout : str
        "nasa", "csv" or "parquet", or several of them.
    path : Path
        What was imported; the first of several.
    channels : tuple of ChannelImport
        Results of the channels.
    models : pandas.DataFrame or None
        The shipped models that came with it, one row each: `channel`, `status` (installed, current or skipped),
        `model`, `reason`; None where the layout brings none.
    failures : dict of str to str
        Why files were refused, by path; nothing of them is in the archive.
    n_files : int
        Files that were to be imported.
    waiting : frozenset of str
        Those of the failures that are sound and can be imported later, with the files that they need.
    series : tuple of SeriesSummary
        What each file of a table, or each series of it, was taken for, column by column.
    """

    layout: str
    path: Path
    channels: tuple[ChannelImport, ...]
    models: pd.DataFrame | None = field(default=None, compare=False)
    failures: dict[str, str] = field(default_factory=dict)
    n_files: int = 1
    waiting: frozenset[str] = frozenset()
    series: tuple[SeriesSummary, ...] = ()

    @classmethod
    def joined(cls, reports: "Sequence[ImportReport]") -> "ImportReport":
        """Make one report of several.

        Parameters
        ----------
        reports : sequence of ImportReport
            At least one.

        Returns
        -------
        ImportReport
        """
        failures = {path: reason for report in reports for path, reason in report.failures.items()}
        return cls(
            ", ".join(dict.fromkeys(report.layout for report in reports)),
            reports[0].path,
            tuple(channel for report in reports for channel in report.channels),
            next((report.models for report in reports if report.models is not None), None),
            failures,
            sum(report.n_files for report in reports),
            frozenset().union(*(report.waiting for report in reports)),
            tuple(one for report in reports for one in report.series),
        )

    def count(self, status: str) -> int:
        """Count the channels of a status.

        Parameters
        ----------
        status : str
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
