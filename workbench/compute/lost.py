"""Batches whose worker was killed: whether doing them again can come to an end."""

from workbench.compute.batches import MOST_DEATHS, Batch, deaths
from workbench.exceptions import WorkbenchError

__all__ = ["Lost"]


class Lost:
    """Counts of batches that were lost without a trace.

    Each worker that dies over a channel leaves a note, and a channel with a few notes is given up; this ends. Workers
    that die before they begin, as where a library cannot be loaded, leave none.
    """

    def __init__(self) -> None:
        self._notes: dict[Batch, int] = {}
        self._silent: dict[Batch, int] = {}

    def note(self, batch: Batch) -> list[tuple[str, WorkbenchError]] | None:
        """Note that the worker of a batch was killed.

        Parameters
        ----------
        batch : Batch
            The batch.

        Returns
        -------
        list of tuple or None
            An error for each of its channels where doing it again is hopeless; None where it is not.
        """
        notes = sum(count for count in deaths(batch.journal).values() if count > 0)
        if notes > self._notes.get(batch, 0):
            self._notes[batch], self._silent[batch] = notes, 0
            return None
        self._silent[batch] = self._silent.get(batch, 0) + 1
        if self._silent[batch] < MOST_DEATHS:
            return None
        message = f"Processes ended {MOST_DEATHS} times before they began with "
        hint = "Look at what they print, or work in this process: --compute local."
        return [(channel, WorkbenchError(f"{message}{channel}.", hint)) for channel in batch.channels]
