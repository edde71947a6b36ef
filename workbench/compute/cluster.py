"""Work on channels in the workers of a Dask scheduler, on this machine or on many that share a file system.

This is the only module that speaks to a scheduler, and it imports Dask only when it does. A window of batches is in
flight at a time, so that the scheduler never holds a large fleet. When a worker is lost, Dask has its batch done again
by another; where that was in vain a few times, it is handed in again here, and a channel over which workers die is
given up.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

from workbench.compute.batches import LARGEST_BATCH, Batch, BatchResults, Work, cut, do_batch
from workbench.compute.dask_logs import quiet_dask
from workbench.compute.lost import Lost
from workbench.compute.versions import check_versions, present_versions
from workbench.exceptions import ComputeError

__all__ = ["in_cluster"]

Result = TypeVar("Result")

_CONNECT_SECONDS = 5
_FIRST_WORKER_SECONDS = 10
_NO_WORKER_SECONDS = 60  # a worker that was killed starts again within seconds
_REFRESH_SECONDS = 1.0
_BATCHES_A_THREAD = 2  # one is done, one waits


def in_cluster(
    work: Work[Result],
    channels: Sequence[str],
    folder: Path,
    bar: Any,
    scheduler: str,
    *,
    assets: Mapping[str, str] | None = None,
    largest: int = LARGEST_BATCH,
) -> Iterator[BatchResults[Result]]:
    """Do batches in the workers of a scheduler; what is in flight is cancelled where the iteration is given up.

    Parameters
    ----------
    work : Work
        What to do with a channel.
    channels : sequence of str
        Names of the channels.
    folder : Path
        Folder of the journals, which all workers see at this path.
    bar : tqdm.tqdm
        Bar whose postfix shows how many work.
    scheduler : str
        Address of the scheduler.
    assets, largest
        As for `map_batches`.

    Yields
    ------
    list of tuple
        Results of a batch.

    Raises
    ------
    ComputeError
        The scheduler cannot be reached or is lost, has no workers, or a worker has other versions or does not see the
        folder.
    """
    with _connected(scheduler) as client:
        threads = _checked_workers(client, scheduler, folder)
        running: dict[Any, Batch] = {}
        try:
            waiting = cut(channels, threads, folder, assets=assets, largest=largest)[::-1]
            yield from _results(client, scheduler, work, waiting, running, bar)
        finally:
            with suppress(OSError, RuntimeError):  # the scheduler may be gone
                client.cancel(list(running), force=True)


def _results(
    client: Any, scheduler: str, work: Work[Result], waiting: list[Batch], running: dict[Any, Batch], bar: Any
) -> Iterator[BatchResults[Result]]:
    from distributed import wait
    from distributed.scheduler import KilledWorker

    lost, attempts = Lost(), 0
    last_seen = time.monotonic()
    threads = _threads(client, scheduler)
    while waiting or running:
        while waiting and len(running) < _BATCHES_A_THREAD * max(1, threads):
            batch, attempts = waiting.pop(), attempts + 1
            key = f"workbench-{batch.journal.parent.name}-{attempts}"
            function = work.of(batch.channels)
            running[client.submit(_do_checked, function, batch, present_versions(), key=key, pure=False)] = batch
        with suppress(TimeoutError), client.as_current():
            wait(list(running), timeout=_REFRESH_SECONDS, return_when="FIRST_COMPLETED")
        for future in [future for future in running if future.status != "pending"]:
            batch = running.pop(future)
            if future.status in ("cancelled", "lost"):
                raise _gone(scheduler)
            error = future.exception() if future.status == "error" else None
            if isinstance(error, KilledWorker):
                hopeless = lost.note(batch)
                if hopeless:
                    yield [*hopeless]
                else:
                    waiting.append(batch)
            elif error is not None:
                raise error
            else:
                results: BatchResults[Result] = future.result()
                yield results
            future.release()
        threads = _threads(client, scheduler)
        bar.set_postfix_str(f"{threads} at work")
        now = time.monotonic()
        last_seen = now if threads else last_seen
        if now - last_seen > _NO_WORKER_SECONDS:
            raise ComputeError(
                f"The scheduler {scheduler} has had no worker for {_NO_WORKER_SECONDS} seconds.",
                f"What is done is kept. Start workers and run the command again: dask worker {scheduler} --nthreads 1",
            )


def _do_checked(function: Callable[[str], Result], batch: Batch, expected: Mapping[str, str]) -> BatchResults[Result]:
    """Do a batch in a worker that may have joined after the work began."""
    from distributed import get_worker

    check_versions(expected, present_versions(), str(get_worker().address))
    return do_batch(function, batch)


@contextmanager
def _connected(scheduler: str) -> Iterator[Any]:
    """Connect to a scheduler; what Dask logs about lost connections becomes an error where it matters."""
    import dask
    from distributed import Client

    with quiet_dask(), dask.config.set({"distributed.comm.timeouts.connect": f"{_CONNECT_SECONDS}s"}):
        try:
            client = Client(scheduler, timeout=_CONNECT_SECONDS, set_as_default=False)
        except (OSError, TimeoutError, ValueError) as error:
            reason = str(error).splitlines()[0].rstrip(".")
            raise ComputeError(
                f"The scheduler {scheduler} cannot be reached: {reason}.",
                "Start one (workbench cluster), or work on this machine: --compute local.",
            ) from None
        try:
            yield client
        finally:
            client.close(timeout=_CONNECT_SECONDS)


def _checked_workers(client: Any, scheduler: str, folder: Path) -> int:
    """Wait for a worker, and compare all with this process; return how many channels they do at once."""
    try:
        client.wait_for_workers(1, timeout=_FIRST_WORKER_SECONDS)
    except TimeoutError:
        raise ComputeError(
            f"The scheduler {scheduler} has no workers.", f"Start some: dask worker {scheduler} --nthreads 1"
        ) from None
    marker = folder / "coordinator"
    marker.touch()
    try:
        answers = client.run(_describe_worker, str(marker), on_error="return")
    except OSError:
        raise _gone(scheduler) from None
    for worker, answer in answers.items():
        if isinstance(answer, ImportError):
            raise ComputeError(
                f"The worker {worker} cannot load the workbench: {answer}.",
                "Install it there: pip install -c constraints.txt telemetry-workbench.",
            )
        if isinstance(answer, OSError):  # it was lost just now
            continue
        if isinstance(answer, Exception):
            raise answer
        versions, sees_folder = answer
        check_versions(present_versions(), versions, worker)
        if not sees_folder:
            raise ComputeError(
                f"The worker {worker} does not see the folder {folder.parent}.",
                "The home must be on a file system that all machines share, at the same path.",
            )
    return max(1, _threads(client, scheduler))


def _describe_worker(marker: str) -> tuple[dict[str, str], bool]:
    return present_versions(), Path(marker).exists()


def _threads(client: Any, scheduler: str) -> int:
    """Return how many channels the workers do at once; 0 where there are none just now."""
    try:
        return sum(client.nthreads().values())
    except (OSError, RuntimeError):
        raise _gone(scheduler) from None


def _gone(scheduler: str) -> ComputeError:
    return ComputeError(
        f"The scheduler {scheduler} was lost.", "What is done is kept. Start it, and run the command again."
    )
