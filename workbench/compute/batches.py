"""Batches of channels: how a fleet is cut into them, and how a worker does one.

A worker notes each channel in the batch's journal when it begins and when it ends. A worker that is killed leaves the
channel that it had without an end: whoever does the batch again reads there which channel that was, and gives up on one
that has cost a few workers, since it would cost the others, too.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeAlias, TypeVar

from workbench.blas import one_blas_thread
from workbench.exceptions import WorkbenchError

__all__ = ["LARGEST_BATCH", "MOST_DEATHS", "Batch", "BatchResults", "Work", "attempt", "cut", "deaths", "do_batch"]

Result = TypeVar("Result")
BatchResults: TypeAlias = list[tuple[str, Result | WorkbenchError]]

LARGEST_BATCH = 200
"""Most channels of a batch."""

MOST_DEATHS = 3
"""After as many killed workers a channel is given up."""

_BATCHES_A_WORKER = 4  # so that a worker that is done early finds more


@dataclass(frozen=True)
class Work(Generic[Result]):
    """Work on channels, as it is sent to workers; all of it can be pickled.

    Attributes
    ----------
    function : callable
        Function of the name of a channel.
    narrowed : callable or None
        Returns the function with only what it needs for some channels, so that less is sent.
    """

    function: Callable[[str], Result]
    narrowed: Callable[[Sequence[str]], Callable[[str], Result]] | None = None

    def of(self, channels: Sequence[str]) -> Callable[[str], Result]:
        """Return the function that is sent to the worker of some channels."""
        return self.function if self.narrowed is None else self.narrowed(channels)


@dataclass(frozen=True)
class Batch:
    """Channels that one worker does in one go.

    Attributes
    ----------
    channels : tuple of str
        Names of the channels.
    journal : Path
        File in which workers note what they begin and end.
    """

    channels: tuple[str, ...]
    journal: Path


def cut(
    channels: Sequence[str],
    workers: int,
    folder: Path,
    *,
    assets: Mapping[str, str] | None = None,
    largest: int = LARGEST_BATCH,
) -> list[Batch]:
    """Cut a fleet into batches of one asset each: large ones, but enough of them that every worker has some.

    Parameters
    ----------
    channels : sequence of str
        Names of the channels.
    workers : int
        How many work at once.
    folder : Path
        Folder of the journals.
    assets : mapping of str to str, optional
        Asset of each channel; where it is omitted or lacks a channel, these channels count as those of one asset.
    largest : int
        Most channels of a batch.

    Examples
    --------
    >>> names = [f"P-{number}" for number in range(1000)]
    >>> {len(batch.channels) for batch in cut(names, 2, Path("notes"))}
    {125}
    >>> [batch.channels for batch in cut(["a", "b", "c"], 2, Path("notes"), assets={"a": "X", "b": "Y", "c": "X"})]
    [('a',), ('c',), ('b',)]
    """
    size = max(1, min(largest, -(-len(channels) // (_BATCHES_A_WORKER * workers))))
    by_asset: defaultdict[str, list[str]] = defaultdict(list)
    for channel in channels:
        by_asset[(assets or {}).get(channel, "")].append(channel)
    parts = [tuple(names[at : at + size]) for names in by_asset.values() for at in range(0, len(names), size)]
    return [Batch(part, folder / f"batch-{number}.journal") for number, part in enumerate(parts)]


def do_batch(function: Callable[[str], Result], batch: Batch) -> BatchResults[Result]:
    """Do a batch in a worker.

    Parameters
    ----------
    function : callable
        Function of the name of a channel.
    batch : Batch
        The channels. Where the folder of the journal is gone, nobody waits for the results any more, and the rest is
        left.

    Returns
    -------
    list of tuple
        Each channel with what the function returned or the `WorkbenchError` that it raised.
    """
    killed = deaths(batch.journal)
    results: BatchResults[Result] = []
    with one_blas_thread():  # as many workers as cores
        for channel in batch.channels:
            if killed[channel] >= MOST_DEATHS:
                results.append((channel, given_up(channel)))
                continue
            try:
                _note(batch.journal, "begin", channel)
            except OSError:
                break
            results.append((channel, attempt(function, channel)))
            try:
                _note(batch.journal, "end", channel)
            except OSError:
                break
    return results


def attempt(function: Callable[[str], Result], channel: str) -> Result | WorkbenchError:
    """Call a function for a channel, and return its error in place of a result."""
    try:
        return function(channel)
    except WorkbenchError as error:
        return error


def given_up(channel: str) -> WorkbenchError:
    """Return the error of a channel whose worker was killed again and again."""
    return WorkbenchError(
        f"The process that worked on {channel} was killed {MOST_DEATHS} times.",
        "Where memory ran out, use fewer processes (compute, or WORKBENCH_COMPUTE).",
    )


def deaths(journal: Path) -> Counter[str]:
    """Count by channel how often a worker that had begun it came to no end."""
    counts: Counter[str] = Counter()
    try:
        lines = journal.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return counts
    for line in lines:
        what, _, channel = line.partition(" ")
        counts[channel] += 1 if what == "begin" else -1
    return counts


def _note(journal: Path, what: str, channel: str) -> None:
    with journal.open("a", encoding="utf-8") as file:
        file.write(f"{what} {channel}\n")
