"""Seeded faults: what is sent is what the fault says, and what arrives is counted and stored as it must be."""

import threading
from pathlib import Path
from zlib import crc32

import numpy as np
import pytest

from tests.live.plants import pump, service_of, values_of, write_plant
from workbench.exceptions import TelemetryError
from workbench.live.feeds.faults import FAULTS, FaultRates, with_faults
from workbench.live.feeds.replay import ReplayFeed, rates_of

SERIES = np.sin(np.arange(1_000) / 9)


def test_without_faults_all_is_sent_once_and_in_order() -> None:
    sent = with_faults(SERIES, FaultRates(), 0)
    assert sent.row.tolist() == sent.due.tolist() == list(range(1_000))
    np.testing.assert_array_equal(sent.value, SERIES)
    assert not sent.shift.any()


@pytest.mark.parametrize("name", FAULTS)
def test_the_same_seed_gives_the_same_faults(name: str) -> None:
    rates = FaultRates(**{name: 0.05})
    one, same, other = (with_faults(SERIES, rates, seed) for seed in (1, 1, 2))
    for part in ("row", "due", "value", "shift"):
        np.testing.assert_array_equal(getattr(one, part), getattr(same, part))
    assert any(
        getattr(one, part).tolist() != getattr(other, part).tolist() for part in ("row", "due", "value", "shift")
    )
    assert (np.diff(one.due) >= 0).all()


def test_each_fault_does_what_it_says() -> None:
    sent = {name: with_faults(SERIES, FaultRates(**{name: 0.05}), 3) for name in FAULTS}
    assert 900 < sent["drop"].row.size < 1_000
    assert len(set(sent["drop"].row.tolist())) == sent["drop"].row.size
    assert sent["duplicate"].row.size > 1_000
    assert set(sent["duplicate"].row.tolist()) == set(range(1_000))
    backwards = np.flatnonzero(np.diff(sent["reorder"].row) < 0)
    assert backwards.size > 10
    assert sorted(sent["reorder"].row.tolist()) == list(range(1_000))
    late = np.maximum.accumulate(sent["delay"].row) - sent["delay"].row
    assert 5 <= late[late > 0].max() <= 50
    assert sorted(sent["delay"].row.tolist()) == list(range(1_000))
    assert set(sent["skew"].shift.tolist()) == {0, 7_200}
    assert (np.diff(sent["stuck"].value) == 0).sum() >= 29
    assert np.abs(sent["spike"].value).max() > 9 * np.ptp(SERIES)


@pytest.mark.parametrize(
    ("words", "reason"), [("drop", "is no rate"), ("drap=0.1", "no fault 'drap'"), ("drop=2", "0 to 1")]
)
def test_a_wrong_rate_is_refused(words: str, reason: str) -> None:
    with pytest.raises(TelemetryError, match=reason):
        rates_of([words])


def test_what_arrives_of_each_fault(tmp_path: Path) -> None:
    """By hand: which moments are stored with which values, and what each other sample counts as."""
    tests = {name: pump(400, name=name, seed=number) for number, name in enumerate(FAULTS)}
    home = tmp_path / "live"
    write_plant(home, list(tests.values()), 1, train=False)
    rest = {name: test.isel(time=slice(1, None)) for name, test in tests.items()}
    rates = {name: FaultRates(**{name: 0.04}) for name in FAULTS}
    feeds = [ReplayFeed({name: rest[name]}, 10_000, rates[name], seed=5) for name in FAULTS]
    service = service_of(home, feeds, late_s=3_600)  # 60 samples, more than the longest delay
    service.run(threading.Event(), until_finished=True)
    counters = service.counters()
    for name, test in tests.items():
        sent = with_faults(rest[name]["telemetry"].values, rates[name], crc32(name.encode(), 5))
        is_right = sent.shift == 0
        by_row = dict(zip(sent.row[is_right].tolist(), sent.value[is_right].tolist(), strict=True))
        expected = {"added": len(by_row)}
        if name == "duplicate":
            expected["duplicates"] = sent.row.size - len(by_row)
        if name == "skew":
            expected["quarantined"] = int((~is_right).sum())
        counts = {counter: by_channel[name] for counter, by_channel in counters.items() if name in by_channel}
        assert counts == expected, name
        assert sum(counts.values()) == sent.row.size
        assert name in ("reorder", "delay", "stuck", "spike") or sent.row.size != 399 or "quarantined" in expected
        stored = [float(test["telemetry"].values[0]), *(by_row[row] for row in sorted(by_row))]
        np.testing.assert_array_equal(values_of(home, name), np.array(stored, dtype=np.float32), err_msg=name)
