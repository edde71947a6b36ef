"""Hashes of series that grow: those of a chain worked out by hand, whatever they go on from."""

import hashlib

import numpy as np
import pytest

from workbench.telemetry import series_hash as module
from workbench.telemetry.schema import data_hash, make_channel
from workbench.telemetry.series_hash import START, hash_as, is_chained, links, series_hash

BLOCK = 100


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    monkeypatch.setattr(module, "BLOCK_SAMPLES", BLOCK)


def series(n, changed=None):
    values = np.sin(np.arange(n) / 7)
    if changed is not None:
        values[changed] += 1
    return make_channel(values, np.arange(n)[:, None] % 2, channel="X-1", asset="X")


def sha256(text):
    return hashlib.sha256(text.encode()).hexdigest()


def test_a_series_of_one_block_has_the_hash_of_its_values():
    assert series_hash(series(BLOCK)) == data_hash(series(BLOCK))
    assert not is_chained(series_hash(series(BLOCK)))


def test_a_longer_one_has_that_of_its_chain():
    whole = series(250)
    first, second, rest = (data_hash(whole.isel(time=slice(*ends))) for ends in ((0, 100), (100, 200), (200, 250)))
    chain = sha256(sha256(first) + second)
    assert series_hash(whole) == "blocks:" + sha256(f"{chain}250:{rest}")
    assert [link.samples for link in links(whole)] == [100, 200]


@pytest.mark.parametrize("n", [101, 199, 200, 201, 1700])
def test_it_is_the_same_from_every_link(n, monkeypatch):
    monkeypatch.setattr(module, "_BLOCKS_AT_A_TIME", 3)
    whole = series(n)
    for link in (START, *links(whole)):
        assert series_hash(whole.isel(time=slice(link.samples, None)), link) == series_hash(whole)


def test_every_sample_counts():
    hashes = {series_hash(series(250, changed)) for changed in (None, 0, 99, 100, 199, 200, 249)}
    assert len(hashes | {series_hash(series(n)) for n in (249, 251)}) == 9


def test_a_hash_of_an_earlier_release_is_told_by_its_form():
    whole = series(250)
    assert hash_as(whole, data_hash(series(9))) == data_hash(whole)
    assert hash_as(whole, series_hash(series(300))) == series_hash(whole)
