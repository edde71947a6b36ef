"""Linear algebra has one thread as long as anybody asks for it, in whichever order they end."""

import threading

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from workbench.blas import one_blas_thread
from workbench.compute.batches import Batch, do_batch


def blas_threads() -> set[int]:
    assert np.eye(2) @ np.eye(2) is not None
    return {library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"}


@pytest.fixture(autouse=True)
def _three_threads():
    with threadpool_limits(3, "blas"):
        yield


def test_the_block_that_ends_first_leaves_the_limit_to_the_others():
    with one_blas_thread():
        with one_blas_thread():
            assert blas_threads() == {1}
        assert blas_threads() == {1}
    assert blas_threads() == {3}


def test_an_error_gives_the_threads_back():
    with pytest.raises(ZeroDivisionError), one_blas_thread():
        raise ZeroDivisionError
    assert blas_threads() == {3}


def test_a_batch_keeps_its_one_thread_when_another_batch_of_the_process_ends(tmp_path):
    second_runs, first_ended = threading.Event(), threading.Event()
    seen: list[set[int]] = []

    def first(channel: str) -> None:
        assert second_runs.wait(60)

    def second(channel: str) -> None:
        second_runs.set()
        assert first_ended.wait(60)
        seen.append(blas_threads())

    def work(function, name: str) -> threading.Thread:
        thread = threading.Thread(target=do_batch, args=(function, Batch(("P-1",), tmp_path / name)))
        thread.start()
        return thread

    early = work(first, "first")
    late = work(second, "second")
    early.join()
    first_ended.set()
    late.join()
    assert seen == [{1}]
    assert blas_threads() == {3}
