"""Commands around an event, and whether those of two events are the same."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import xarray as xr

__all__ = ["CommandUse", "command_uses", "input_spread", "same_commands"]

_SPREAD_SAMPLES = 200_000
_SAME_MEAN = 0.5
"""Standard deviations of an input by which its mean may differ between two occurrences of an event."""


@dataclass(frozen=True)
class CommandUse:
    """Use of one command, or other input, around an event.

    Attributes
    ----------
    name : str
        Name of the command.
    switched : bool
        Whether it is one-hot: on or off.
    in_event, in_window : float
        Share of samples with it on, within the event and within the event with its context; for an input that is not
        one-hot its mean.
    sd : float
        Standard deviation of the input in its series, 0 where it is not known; it counts for inputs that are not
        one-hot.
    """

    name: str
    switched: bool
    in_event: float
    in_window: float
    sd: float = 0.0


def input_spread(channel: xr.Dataset) -> npt.NDArray[np.float64]:
    """Return the standard deviation of each input of a channel over its last 200,000 samples; 0 for one-hot commands.

    Parameters
    ----------
    channel : xarray.Dataset
        One split of one channel, n samples and k commands.

    Returns
    -------
    numpy.ndarray, shape (k,), float64
    """
    commands = channel["commands"]
    if np.issubdtype(commands.dtype, np.integer):
        return np.zeros(commands.shape[1])
    spread: npt.NDArray[np.float64] = commands[-_SPREAD_SAMPLES:].values.std(axis=0, dtype=np.float64)
    return spread


def command_uses(
    channel: xr.Dataset,
    start: int,
    end: int,
    first: int,
    last: int,
    spread: npt.NDArray[np.float64] | None = None,
) -> tuple[CommandUse, ...]:
    """Return the use of each command around an event.

    Parameters
    ----------
    channel : xarray.Dataset
        One split of one channel, n samples and k commands.
    start, end : int
        Samples of the event, both inclusive.
    first, last : int
        Samples of the event with its context, both inclusive.
    spread : numpy.ndarray, shape (k,), optional
        Standard deviation of each command, from `input_spread`; not known where omitted.

    Returns
    -------
    tuple of CommandUse
        One for each of the k commands.
    """
    commands = channel["commands"]
    if not commands.shape[1]:
        return ()
    switched = bool(np.issubdtype(commands.dtype, np.integer))
    sd = np.zeros(commands.shape[1]) if spread is None else spread
    window = commands[first : last + 1].values.astype(np.float64)
    in_window = window.mean(axis=0)
    in_event = window[start - first : end - first + 1].mean(axis=0)
    return tuple(
        CommandUse(str(name), switched, *map(float, figures))
        for name, *figures in zip(commands["command"].values, in_event, in_window, sd, strict=True)
    )


def same_commands(known: Iterable[CommandUse], other: Iterable[CommandUse]) -> bool:
    """Return whether the commands around two events are the same.

    A command that is on within one event must be on within the other event or its context, since a sequence may begin
    a few samples earlier or later. The mean of an input that is not one-hot may differ by half of its standard
    deviation. A command that only one of the two channels has counts as off.

    Parameters
    ----------
    known, other : iterable of CommandUse
        Use of the commands around each event.

    Examples
    --------
    >>> valve = CommandUse("valve", True, 0.2, 0.1, 0.0)
    >>> heater = CommandUse("heater", True, 0.0, 0.0, 0.0)
    >>> same_commands([valve, heater], [valve]), same_commands([valve, heater], [heater])
    (True, False)
    """
    ours, theirs = ({use.name: use for use in uses} for uses in (known, other))
    return all(_is_same(ours.get(name), theirs.get(name)) for name in ours.keys() | theirs.keys())


def _is_same(one: CommandUse | None, other: CommandUse | None) -> bool:
    if one is None or other is None:
        alone = one or other
        return alone is None or (alone.switched and alone.in_event == 0)
    if one.switched != other.switched:
        return False
    if one.switched:
        return (one.in_event == 0 or other.in_window > 0) and (other.in_event == 0 or one.in_window > 0)
    return abs(one.in_event - other.in_event) <= _SAME_MEAN * max(one.sd, other.sd)
