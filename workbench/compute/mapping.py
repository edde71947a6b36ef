"""The same map over channels, wherever it is done."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TypeVar

from workbench.compute.batches import LARGEST_BATCH, BatchResults, Work, attempt
from workbench.compute.place import LOCAL, Compute
from workbench.exceptions import WorkbenchError
from workbench.files import remove_folder

__all__ = ["map_batches", "map_channels"]

Result = TypeVar("Result")


def map_channels(
    function: Callable[[str], Result],
    channels: Sequence[str],
    *,
    compute: Compute = LOCAL,
    progress: bool = False,
    description: str = "channels",
    **options: Any,
) -> Iterator[tuple[str, Result | WorkbenchError]]:
    """Call a function for each channel; one that fails does not stop the others.

    Parameters
    ----------
    function : callable
        Takes a channel's name. Outside this process it must be picklable, and so must what it returns, which should be
        small.
    channels : sequence of str
        Names of the channels.
    compute : Compute
        Where: in this process, in order; in processes of this machine, which end with this one, however it ends; or in
        the workers of a Dask scheduler. Each worker has one thread for linear algebra.
    progress : bool
        Show a bar with the time left.
    description : str
        What the bar is called.
    **options
        Further options of `map_batches`.

    Yields
    ------
    tuple of str and result
        The channel, and what the function returned or the `WorkbenchError` that it raised. A channel whose worker is
        killed is done again by another one; where that happens three times it gets such an error.

    Raises
    ------
    ComputeError
        The scheduler cannot be reached, has no workers, or its workers do not fit this process.
    """
    batches = map_batches(function, channels, compute=compute, progress=progress, description=description, **options)
    for batch in batches:
        yield from batch


def map_batches(
    function: Callable[[str], Result],
    channels: Sequence[str],
    *,
    compute: Compute = LOCAL,
    progress: bool = False,
    description: str = "channels",
    assets: Mapping[str, str] | None = None,
    largest: int = LARGEST_BATCH,
    narrowed: Callable[[Sequence[str]], Callable[[str], Result]] | None = None,
    notes: Path | None = None,
) -> Iterator[BatchResults[Result]]:
    """Do what `map_channels` does, and yield the results of a batch together, as soon as it is done.

    Parameters
    ----------
    function, channels, compute, progress, description
        As for `map_channels`.
    assets : mapping of str to str, optional
        Asset of each channel: those of one are done by one worker as far as it goes.
    largest : int
        Most channels of a batch.
    narrowed : callable, optional
        Returns the function with only what it needs for some channels, so that less is sent.
    notes : Path, optional
        Folder for notes while the work goes on; with Dask one that all workers see, else a temporary one where omitted.

    Yields
    ------
    list of tuple of str and result
        As from `map_channels`.
    """
    from tqdm.auto import tqdm

    work = Work(function, narrowed)
    with ExitStack() as stack:
        bar = stack.enter_context(tqdm(total=len(channels), desc=description, unit="channel", disable=not progress))
        batches: Iterator[BatchResults[Result]]
        if not channels or (not compute.scheduler and min(compute.processes, len(channels)) == 1):
            batches = _here(function, channels, bar)
        else:
            folder = _folder(stack, notes)
            if compute.scheduler:
                from workbench.compute.cluster import in_cluster

                batches = in_cluster(work, channels, folder, bar, compute.scheduler, assets=assets, largest=largest)
            else:
                from workbench.compute.processes import in_processes

                count = min(compute.processes, len(channels))
                batches = in_processes(work, channels, folder, bar, count, assets=assets, largest=largest)
        for results in batches:
            bar.update(len(results))
            yield results


def _here(function: Callable[[str], Result], channels: Sequence[str], bar: Any) -> Iterator[BatchResults[Result]]:
    for channel in channels:
        bar.set_postfix_str(channel)
        yield [(channel, attempt(function, channel))]


def _folder(stack: ExitStack, notes: Path | None) -> Path:
    """Make a folder for journals; that it is gone tells workers that nobody waits any more."""
    from tempfile import mkdtemp

    if notes is not None:
        notes.mkdir(parents=True, exist_ok=True)
    folder = Path(mkdtemp(prefix="workbench-", dir=notes)).absolute()
    stack.callback(remove_folder, folder)  # a worker may be about to write a note
    return folder
