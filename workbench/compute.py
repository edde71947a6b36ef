"""The same map over channels, in this process or in several."""

import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any, TypeVar

from tqdm.auto import tqdm

from workbench.exceptions import WorkbenchError

__all__ = ["map_channels"]

Result = TypeVar("Result")

_ONE_THREAD = ("OMP", "OPENBLAS", "MKL")
_REFRESH_SECONDS = 1.0


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
        Names of the channels.
    workers : int
        Processes, each with one thread for linear algebra; 1 works in this one, in order. They end with this
        process, however it ends, and when the iteration is given up.
    progress : bool
        Show a bar with the time left.
    description : str
        What the bar is called.

    Yields
    ------
    tuple of str and result
        The channel, and what the function returned or the `WorkbenchError` that it raised. A process that is killed
        gives such an error for the channel that it had.
    """
    with tqdm(total=len(channels), desc=description, unit="channel", disable=not progress) as bar:
        count = min(workers, len(channels))
        results = _here(function, channels, bar) if count <= 1 else _elsewhere(function, channels, count, bar)
        for channel, result in results:
            bar.update()
            yield channel, result


def _here(
    function: Callable[[str], Result], channels: Sequence[str], bar: Any
) -> Iterator[tuple[str, Result | WorkbenchError]]:
    for channel in channels:
        bar.set_postfix_str(channel)
        yield channel, _attempt(function, channel)


def _elsewhere(
    function: Callable[[str], Result], channels: Sequence[str], workers: int, bar: Any
) -> Iterator[tuple[str, Result | WorkbenchError]]:
    """Hand each channel to a process that is free: one executor a process, to know which channel a killed one had."""
    context = get_context("spawn")
    ending, alive = context.Pipe(duplex=False)

    def executor() -> ProcessPoolExecutor:
        return ProcessPoolExecutor(1, context, _prepare, (ending,))

    waiting = list(reversed(channels))
    free = [executor() for _ in range(workers)]
    busy: dict[Future[Result | WorkbenchError], tuple[str, ProcessPoolExecutor]] = {}
    try:
        while waiting or busy:
            while waiting and free:
                channel, own = waiting.pop(), free.pop()
                busy[own.submit(_attempt, function, channel)] = (channel, own)
            bar.set_postfix_str(", ".join(channel for channel, _ in busy.values()))
            for future in wait(busy, _REFRESH_SECONDS, FIRST_COMPLETED).done:
                channel, own = busy.pop(future)
                try:
                    result = future.result()
                except BrokenProcessPool:
                    own.shutdown()
                    own = executor()
                    result = WorkbenchError(
                        f"The process that worked on {channel} was killed.",
                        "Where memory ran out, set fewer workers (WORKBENCH_WORKERS).",
                    )
                free.append(own)
                yield channel, result
    except BaseException:
        alive.close()  # ends what still runs
        raise
    finally:
        for own in [*free, *(own for _, own in busy.values())]:
            own.shutdown(cancel_futures=True)
        alive.close()
        ending.close()


def _prepare(ending: Connection) -> None:
    """Set up a process: Ctrl-C and the end of its parent are told by a pipe that closes."""
    import tqdm
    from threadpoolctl import threadpool_limits

    tqdm.tqdm.set_lock(threading.RLock())  # tqdm's own, shared among processes, outlives one that ends at once
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ.update({f"{library}_NUM_THREADS": "1" for library in _ONE_THREAD})
    threadpool_limits(1)
    threading.Thread(target=_end_with, args=(ending,), daemon=True).start()


def _end_with(ending: Connection) -> None:
    ending.poll(None)
    os._exit(1)


def _attempt(function: Callable[[str], Result], channel: str) -> Result | WorkbenchError:
    try:
        return function(channel)
    except WorkbenchError as error:
        return error
