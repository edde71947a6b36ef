"""An LRU cache of loaded models that keeps to a budget of bytes."""

import threading
from collections import OrderedDict, defaultdict
from collections.abc import Callable
from typing import Generic, TypeVar

from workbench.observability.timings import stage

__all__ = ["ModelCache"]

Model = TypeVar("Model")


class ModelCache(Generic[Model]):
    """Keeps the most recently used models within a budget of bytes. Safe to use from threads.

    Parameters
    ----------
    budget : int
        Bytes that the kept models may take; a model that is larger alone is loaded and not kept.

    Attributes
    ----------
    budget : int
        See above.
    hits, misses, evictions : int
        Models found, loaded and dropped since the cache was made.
    bytes : int
        What the kept models take now.

    Examples
    --------
    >>> cache = ModelCache(budget=100)
    >>> cache.get("P-1.ridge/1", lambda: ("model", 60)), cache.get("P-1.ridge/1", lambda: ("again", 60))
    ('model', 'model')
    >>> cache.hits, cache.misses, cache.bytes
    (1, 1, 60)
    """

    def __init__(self, budget: int) -> None:
        self.budget = budget
        self.hits = 0
        self.misses = 0
        self.evictions = 0
        self.bytes = 0
        self._models: OrderedDict[str, tuple[Model, int]] = OrderedDict()
        self._lock = threading.Lock()
        self._gates: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)

    def __len__(self) -> int:
        return len(self._models)

    def __contains__(self, key: str) -> bool:
        return key in self._models

    def get(self, key: str, load: Callable[[], tuple[Model, int]]) -> Model:
        """Return a model from memory, or load it; threads that ask for one model at once wait for one load.

        Parameters
        ----------
        key : str
            Identity of the model.
        load : callable
            Returns the model and its size in bytes. Its errors reach the caller, and nothing is stored.

        Returns
        -------
        Model
        """
        with self._lock:
            if key in self._models:
                return self._hit(key)
            gate = self._gates[key]
        with gate:
            with self._lock:
                if key in self._models:
                    return self._hit(key)
                self.misses += 1
            with stage("load model"):
                model, size = load()
            with self._lock:
                self._keep(key, model, size)
            return model

    def clear(self) -> None:
        """Drop every model; the counts go on."""
        with self._lock:
            self._models.clear()
            self.bytes = 0

    def _hit(self, key: str) -> Model:
        self.hits += 1
        self._models.move_to_end(key)
        return self._models[key][0]

    def _keep(self, key: str, model: Model, size: int) -> None:
        if size > self.budget:
            return
        self._models[key] = (model, size)
        self.bytes += size
        while self.bytes > self.budget:
            self.bytes -= self._models.popitem(last=False)[1][1]
            self.evictions += 1
