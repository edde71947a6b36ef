"""Work on channels in processes of this machine, which end with the one that started them."""

import os
import signal
import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, TypeVar

from workbench.compute.batches import LARGEST_BATCH, Batch, BatchResults, Work, cut, do_batch
from workbench.compute.lost import Lost

__all__ = ["in_processes"]

Result = TypeVar("Result")

_ONE_THREAD = ("OMP", "OPENBLAS", "MKL")
_REFRESH_SECONDS = 1.0


def in_processes(
    work: Work[Result],
    channels: Sequence[str],
    folder: Path,
    bar: Any,
    processes: int,
    *,
    assets: Mapping[str, str] | None = None,
    largest: int = LARGEST_BATCH,
) -> Iterator[BatchResults[Result]]:
    """Do batches in processes that end with this one, and with the iteration.

    Each process is an executor of its own: when one is killed the others go on, and its batch is done again.

    Parameters
    ----------
    work : Work
        What to do with a channel.
    channels : sequence of str
        Names of the channels.
    folder : Path
        Folder of the journals.
    bar : tqdm.tqdm
        Bar whose postfix shows which batches are being done.
    processes : int
        How many work at once.
    assets, largest
        As for `map_batches`.

    Yields
    ------
    list of tuple
        Results of a batch.
    """
    context = get_context("spawn")
    ending, alive = context.Pipe(duplex=False)

    def executor() -> ProcessPoolExecutor:
        return ProcessPoolExecutor(1, context, _prepare, (ending,))

    waiting = cut(channels, processes, folder, assets=assets, largest=largest)[::-1]
    lost = Lost()
    free = [executor() for _ in range(processes)]
    busy: dict[Future[BatchResults[Result]], tuple[Batch, ProcessPoolExecutor]] = {}
    try:
        while waiting or busy:
            while waiting and free:
                batch, own = waiting.pop(), free.pop()
                busy[own.submit(do_batch, work.of(batch.channels), batch)] = (batch, own)
            bar.set_postfix_str(", ".join(batch.channels[0] for batch, _ in busy.values()))
            for future in wait(busy, _REFRESH_SECONDS, FIRST_COMPLETED).done:
                batch, own = busy.pop(future)
                try:
                    results = future.result()
                except BrokenProcessPool:
                    own.shutdown()
                    free.append(executor())
                    hopeless = lost.note(batch)
                    if hopeless:
                        yield [*hopeless]
                    else:
                        waiting.append(batch)
                    continue
                free.append(own)
                yield results
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
