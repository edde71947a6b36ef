"""The use of commands inside a sequence, compared with the rest of the series."""

import re
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

__all__ = ["CommandTotals", "command_use", "command_words"]

_MAX_COMMANDS = 5
_SPAN = 1_048_576  # samples read at a time


@dataclass(frozen=True)
class CommandTotals:
    """Sums and standard deviations of the commands over a whole series.

    Attributes
    ----------
    samples : int
        Number of samples.
    sum, sd : numpy.ndarray, shape (k,), float64
        Of each command; `sd` is 0 where it never changes.
    """

    samples: int
    sum: npt.NDArray[np.float64]
    sd: npt.NDArray[np.float64]

    @classmethod
    def of(cls, channel: xr.Dataset) -> Self:
        """Sum the commands of a channel, read span by span.

        Parameters
        ----------
        channel : xarray.Dataset
            One split of one channel, n samples and k commands.
        """
        commands, n = channel["commands"].variable, channel.sizes["time"]
        first = commands[:1].values.astype(np.float64).reshape(-1)  # taken off, so that no digits are lost
        total, squares = np.zeros((2, first.size))
        for start in range(0, n, _SPAN):
            part: npt.NDArray[Any] = commands[start : start + _SPAN].values.astype(np.float64) - first
            total += part.sum(axis=0)
            squares += (part**2).sum(axis=0)
        variance = np.maximum(squares / n - (total / n) ** 2, 0)
        return cls(n, total + n * first, np.sqrt(variance))


def command_use(
    channel: xr.Dataset, start: int, end: int, *, most: int = _MAX_COMMANDS, totals: CommandTotals | None = None
) -> pd.DataFrame:
    """Compare the commands inside a sequence with those in the rest of the series.

    Parameters
    ----------
    channel : xarray.Dataset
        One split of one channel, n samples and k commands.
    start, end : int
        Samples of the sequence, inclusive.
    most : int
        Most commands to list.
    totals : CommandTotals, optional
        Of the channel; computed where omitted.

    Returns
    -------
    pandas.DataFrame
        The most distinctive commands first: `command` (its name; `command 7` for `command-7`), `inside` and `rest`,
        the share of samples with the command on, for inputs that are not one-hot their mean. Listed are commands that
        were on inside, and those that were off there but on in most of the rest; one that never changes is not.

    Notes
    -----
    Distinctive is a large difference between `inside` and `rest` in standard deviations of the command.
    """
    totals = totals or CommandTotals.of(channel)
    part = channel["commands"].variable[start : end + 1].values.astype(np.float64)
    n_rest = totals.samples - len(part)
    names = [re.sub(r"^command-(\d+)$", r"command \1", name) for name in channel["command"].values.astype(str)]
    if not n_rest or not part.shape[1]:
        return pd.DataFrame({"command": pd.Series(dtype="str"), "inside": [], "rest": []})
    inside, rest, sd = part.mean(axis=0), (totals.sum - part.sum(axis=0)) / n_rest, totals.sd
    listed = np.flatnonzero((sd > 0) & ((inside != 0) | (rest > 0.5)))
    listed = listed[np.argsort(-np.abs(inside - rest)[listed] / sd[listed], kind="stable")][:most]
    return pd.DataFrame(
        {"command": [names[i] for i in listed.tolist()], "inside": inside[listed], "rest": rest[listed]}
    )


def command_words(channel: xr.Dataset, start: int, end: int, totals: CommandTotals | None = None) -> str:
    """Say which commands were active inside a sequence.

    Parameters
    ----------
    channel : xarray.Dataset
        One split of one channel.
    start, end : int
        Samples of the sequence, inclusive.
    totals : CommandTotals, optional
        As for `command_use`.

    Returns
    -------
    str

    Examples
    --------
    >>> from workbench.telemetry.schema import make_channel
    >>> commands = np.array([[0, 0, 1, 1, 0, 0], [0, 0, 0, 0, 0, 1]]).T
    >>> channel = make_channel(np.zeros(6), commands, channel="X-1", asset="X")
    >>> command_words(channel, 2, 4)
    'command 0 on in 67 % (rest 0 %)'
    >>> command_words(channel, 0, 1)
    'no command on'
    """
    if not channel.sizes["command"]:
        return "the channel has no commands"
    switched = np.issubdtype(channel["commands"].dtype, np.integer)
    words = [
        f"{name} on in {_percent(inside)} (rest {_percent(rest)})"
        if switched
        else f"{name} {inside:.3g} (rest {rest:.3g})"
        for name, inside, rest in command_use(channel, start, end, totals=totals).itertuples(index=False)
    ]
    return ", ".join(words) or ("no command on" if switched else "no input differs")


def _percent(share: float) -> str:
    return "under 1 %" if 0 < share < 0.01 else f"{share:.0%}".replace("%", " %")
