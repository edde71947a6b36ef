"""Questions about times that can hardly be right: ahead of now, before 1970, or far off all others."""

from typing import Any

import numpy as np
import numpy.typing as npt

from workbench.counts import counted
from workbench.telemetry.appending import time_text
from workbench.telemetry.importers.times import now_utc

__all__ = ["time_questions"]

_ONE_DAY = np.timedelta64(1, "D")
_FIRST = np.datetime64("1970-01-01", "ns")
_FEW = 0.05  # of the times
_FAR_SPANS = 10  # times the span of all but the few
_FAR_NS = 366 * 86_400 * 10**9
_OPTIONS = "--date-order, --time-format, --time-unit or --time-column say it otherwise"


def time_questions(stamps: npt.NDArray[Any]) -> tuple[str, ...]:
    """Return notes about times that can hardly be right.

    Parameters
    ----------
    stamps : numpy.ndarray, shape (n,)
        datetime64[ns] in UTC, none missing, in the order of the rows; nothing is said of counts.

    Returns
    -------
    tuple of str
    """
    if stamps.dtype.kind != "M" or not len(stamps):
        return ()
    notes = []
    first, last = stamps.min(), stamps.max()
    if int(last.astype(np.int64)) - int(first.astype(np.int64)) > _FAR_NS:  # else none is far off
        ticks = stamps.astype(np.int64)
        low, high = (int(one) for one in np.quantile(ticks, (_FEW, 1 - _FEW), method="nearest"))
        reach = max(_FAR_SPANS * (high - low), _FAR_NS)
        far = (ticks < low - reach) | (ticks > high + reach)
        if far.any() and far.sum() <= max(_FEW * len(stamps), 1) and len(stamps) > 2:
            row = int(np.argmax(far))
            notes.append(
                f"{counted(int(far.sum()), 'time')} far off the others, the first in row {row + 1} "
                f"({time_text(stamps[row])}): a clock that was reset? They stay"
            )
            stamps = stamps[~far]
            first, last = stamps.min(), stamps.max()
    if last > now_utc() + _ONE_DAY or first < _FIRST:
        why = "lie in the future" if last > now_utc() + _ONE_DAY else "begin before 1970"
        notes.append(f"the times {why}, from {time_text(first)} to {time_text(last)}: {_OPTIONS}")
    return tuple(notes)
