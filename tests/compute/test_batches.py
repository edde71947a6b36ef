from collections import Counter
from pathlib import Path

import pytest

from workbench.compute.batches import Batch, cut, deaths, do_batch
from workbench.exceptions import WorkbenchError


@pytest.mark.parametrize(("channels", "workers"), [(1, 3), (7, 3), (82, 3), (1_000, 2), (100_000, 50), (300, 400)])
def test_every_channel_is_in_one_batch_and_every_worker_has_some(channels, workers):
    names = [f"P-{number}" for number in range(channels)]
    assets = {name: f"A{number % 5}" for number, name in enumerate(names)}
    batches = cut(names, workers, Path("notes"), assets=assets)
    assert Counter(name for batch in batches for name in batch.channels) == Counter(names)
    assert all(len({assets[name] for name in batch.channels}) == 1 for batch in batches)
    assert len(batches) >= min(channels, workers)
    assert max(len(batch.channels) for batch in batches) <= 200
    assert len({batch.journal for batch in batches}) == len(batches)


def test_large_fleets_have_batches_of_twenty_channels_and_more():
    assets = {f"P-{number}": f"A{number // 200}" for number in range(10_000)}
    assert {len(batch.channels) for batch in cut(list(assets), 50, Path("notes"), assets=assets)} == {50}


def test_a_channel_that_cost_three_workers_is_not_begun_again(tmp_path):
    batch = Batch(("a", "bad", "b"), tmp_path / "journal")
    for _ in range(3):  # as three workers leave it that are killed in the second channel
        with batch.journal.open("a") as file:
            file.write("begin a\nend a\nbegin bad\n")
    results = dict(do_batch(str.upper, batch))
    assert (results["a"], results["b"]) == ("A", "B")
    assert isinstance(results["bad"], WorkbenchError)
    assert "worked on bad was killed 3 times" in str(results["bad"])
    assert deaths(batch.journal)["bad"] == 3


def test_nothing_is_begun_for_somebody_who_has_left(tmp_path):
    batch = Batch(("a", "b"), tmp_path / "gone" / "journal")
    assert do_batch(str.upper, batch) == []
