"""The intake: a bounded queue between feeds and the ingest thread. Where it is full, whoever puts waits."""

import threading
import time
from collections import deque

from workbench.live.samples import Delivery

__all__ = ["Intake"]


_AT_ONCE = 10  # larger transactions take less time for each sample


class Intake:
    """A queue of deliveries that holds a number of samples at most.

    Parameters
    ----------
    capacity : int
        Samples that it holds; one delivery that is larger is taken where the queue is empty.
    """

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self._deliveries: deque[Delivery] = deque()
        self._samples = 0
        self._changed = threading.Condition()
        self._is_closed = False

    @property
    def samples(self) -> int:
        """Return how many samples wait."""
        return self._samples

    def put(self, delivery: Delivery, timeout: float | None = None) -> bool:
        """Put a delivery behind the others, waiting until there is room.

        Parameters
        ----------
        delivery : Delivery
            What arrived.
        timeout : float, optional
            Longest wait in seconds; as long as it takes where omitted.

        Returns
        -------
        bool
            False where there was no room in time, or the service stops: nothing of it will be stored.
        """
        size = max(1, len(delivery.samples))
        with self._changed:
            fits = self._changed.wait_for(lambda: self._is_closed or self._has_room(size), timeout)
            if not fits or self._is_closed:
                return False
            self._deliveries.append(delivery)
            self._samples += size
            self._changed.notify_all()
            return True

    def take(self, most: int, wait_s: float, gather_s: float) -> list[Delivery]:
        """Return the next deliveries: none where nothing comes in time.

        Parameters
        ----------
        most : int
            Samples after which no more are waited for; of those that are there by then, ten times as many are returned.
        wait_s : float
            Longest wait for the first one.
        gather_s : float
            Time after the first one in which others come along.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: bool(self._deliveries) or self._is_closed, wait_s):
                return []
            until = time.monotonic() + gather_s
            while not self._is_closed and self._samples < most and (left := until - time.monotonic()) > 0:
                self._changed.wait(left)
            taken: list[Delivery] = []
            count = 0
            while self._deliveries and count < _AT_ONCE * most:
                delivery = self._deliveries.popleft()
                taken.append(delivery)
                count += max(1, len(delivery.samples))
            self._samples -= count
            self._changed.notify_all()
            return taken

    def close(self) -> None:
        """Take nothing more; what is in the queue can still be taken out."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()

    def _has_room(self, size: int) -> bool:
        return not self._deliveries or self._samples + size <= self.capacity
