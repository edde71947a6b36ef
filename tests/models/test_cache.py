import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from workbench.models.cache import ModelCache


def test_the_least_recently_used_goes_first() -> None:
    cache: ModelCache[str] = ModelCache(budget=100)
    for key in "ab":
        cache.get(key, lambda: ("model", 50))
    cache.get("a", lambda: ("never loaded", 50))
    cache.get("c", lambda: ("model", 50))
    assert ("a" in cache, "b" in cache, "c" in cache) == (True, False, True)
    assert (cache.hits, cache.misses, cache.evictions, cache.bytes, len(cache)) == (1, 3, 1, 100, 2)


def test_one_large_model_can_push_out_several() -> None:
    cache: ModelCache[str] = ModelCache(budget=100)
    for key in "abc":
        cache.get(key, lambda: ("model", 30))
    cache.get("d", lambda: ("model", 95))
    assert (len(cache), cache.bytes, cache.evictions) == (1, 95, 3)


def test_a_model_beyond_the_budget_is_given_but_not_kept() -> None:
    cache: ModelCache[str] = ModelCache(budget=100)
    cache.get("small", lambda: ("model", 60))
    assert cache.get("large", lambda: ("large", 101)) == "large"
    assert "large" not in cache
    assert "small" in cache
    assert (cache.bytes, cache.evictions) == (60, 0)


def test_a_load_that_fails_reaches_the_caller_and_can_be_repeated() -> None:
    cache: ModelCache[str] = ModelCache(budget=100)

    def fails() -> tuple[str, int]:
        raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        cache.get("a", fails)
    assert cache.get("a", lambda: ("model", 1)) == "model"
    assert (cache.hits, cache.misses, cache.bytes) == (0, 2, 1)


def test_clear_frees_the_bytes() -> None:
    cache: ModelCache[str] = ModelCache(budget=100)
    cache.get("a", lambda: ("model", 60))
    cache.clear()
    assert (len(cache), cache.bytes, cache.misses) == (0, 0, 1)


def test_threads_that_want_one_model_share_one_load() -> None:
    cache: ModelCache[object] = ModelCache(budget=100)
    entered, proceed = threading.Event(), threading.Event()
    loads = []

    def load() -> tuple[object, int]:
        loads.append(1)
        entered.set()
        assert proceed.wait(10)
        return object(), 10

    with ThreadPoolExecutor(4) as pool:
        futures = [pool.submit(cache.get, "a", load) for _ in range(4)]
        assert entered.wait(10)
        # another model does not wait for this load
        assert cache.get("b", lambda: ("other", 1)) == "other"
        proceed.set()
        models = {id(future.result(10)) for future in futures}
    assert len(models) == 1
    assert len(loads) == 1
    assert (cache.hits, cache.misses) == (3, 2)
