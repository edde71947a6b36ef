"""Arrivals: the samples that are stored and not in the archive yet, for those who watch them come."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt

from workbench.exceptions import ArchiveError
from workbench.telemetry.archiving.sqlite_file import SqliteFile
from workbench.telemetry.damage import Place

__all__ = ["Arrivals"]

_MOST_ROWS = 10_000
_QUERY = (
    "SELECT moment, value FROM sample WHERE channel = (SELECT id FROM channel WHERE name = ? AND state = 'served') "
    "AND moment > ? ORDER BY moment LIMIT ?"
)


class Arrivals:
    """Reads the newest samples of channels from the journal of a home, and writes nothing.

    Parameters
    ----------
    file : Path
        The journal; one that does not exist has no samples.
    """

    def __init__(self, file: Path) -> None:
        self._database = SqliteFile(file, "", "PRAGMA query_only = TRUE;", Place("The journal of live telemetry", ""))

    def after(self, since: Mapping[str, int]) -> dict[str, tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]]:
        """Return the samples behind those that are known already.

        Parameters
        ----------
        since : mapping of str to int
            Moment of the newest sample that is known of each channel.

        Returns
        -------
        dict of str to tuple of numpy.ndarray
            Moments, rising, and values of the channels that have others; a missing value is NaN.
        """
        arrived = {}
        try:
            for name, moment in since.items():
                rows = self._database.rows(_QUERY, (name, moment, _MOST_ROWS))
                if rows:
                    values = [np.nan if value is None else value for _, value in rows]
                    arrived[name] = np.array([at for at, _ in rows], dtype=np.int64), np.array(values, dtype=np.float64)
        except ArchiveError:  # it is damaged, as the service says, or is being made just now
            return {}
        return arrived
