"""The same map over channels, in this process or in several."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from typing import TypeVar

from tqdm.auto import tqdm

from workbench.exceptions import WorkbenchError

__all__ = ["map_channels"]

Result = TypeVar("Result")


def map_channels(
    function: Callable[[str], Result],
    channels: Sequence[str],
    *,
    workers: int = 1,
    progress: bool = False,
    description: str = "channels",
) -> Iterator[tuple[str, Result | WorkbenchError]]:
    """Call a function for each channel; one that fails does not stop the others.

    Parameters
    ----------
    function : callable
        Takes a channel's name. With several workers it must be picklable.
    channels : sequence of str
    workers : int
        Processes; 1 works in this one, in order.
    progress : bool
        Show a bar with the time left.
    description : str
        What the bar is called.

    Yields
    ------
    tuple of str and result
        The channel, and what the function returned or the `WorkbenchError` that it raised.
    """
    with tqdm(total=len(channels), desc=description, unit="channel", disable=not progress) as bar:
        for channel, result in _results(function, channels, min(workers, len(channels))):
            bar.update()
            bar.set_postfix_str(channel)
            yield channel, result


def _results(
    function: Callable[[str], Result], channels: Sequence[str], workers: int
) -> Iterator[tuple[str, Result | WorkbenchError]]:
    if workers <= 1:
        for channel in channels:
            yield channel, _attempt(function, channel)
        return
    executor = ProcessPoolExecutor(workers, mp_context=get_context("spawn"))
    try:
        names: dict[Future[Result | WorkbenchError], str] = {
            executor.submit(_attempt, function, channel): channel for channel in channels
        }
        for future in as_completed(names):
            yield names[future], future.result()
    finally:
        executor.shutdown(cancel_futures=True)


def _attempt(function: Callable[[str], Result], channel: str) -> Result | WorkbenchError:
    try:
        return function(channel)
    except WorkbenchError as error:
        return error
