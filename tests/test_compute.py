import os

import pytest

from workbench.compute import map_channels
from workbench.exceptions import ModelError, WorkbenchError


def process_of(channel: str) -> int:
    if channel == "bad":
        raise ModelError("no model")
    return os.getpid()


@pytest.mark.parametrize("workers", [1, 2])
def test_one_that_fails_does_not_stop_the_others(workers):
    results = dict(map_channels(process_of, ["a", "bad", "b"], workers=workers))
    assert sorted(results) == ["a", "b", "bad"]
    assert isinstance(results["bad"], WorkbenchError)
    assert (os.getpid() in results.values()) == (workers == 1)


def test_a_defect_is_not_hidden():
    def broken(channel: str) -> None:
        raise ZeroDivisionError(channel)

    with pytest.raises(ZeroDivisionError):
        list(map_channels(broken, ["a"]))


def test_nothing_to_do():
    assert list(map_channels(process_of, [], workers=2)) == []
