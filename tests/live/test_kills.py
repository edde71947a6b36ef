"""Kills of the service while samples are posted; `python -m benchmarks.kill_live` does many."""

from pathlib import Path

import pytest

from benchmarks.kill_live import run_kills


@pytest.mark.slow
def test_kills_lose_nothing_and_double_nothing(tmp_path: Path) -> None:
    assert run_kills(2, 0, tmp_path) == []


@pytest.mark.long
def test_many_kills_lose_nothing_and_double_nothing(tmp_path: Path) -> None:
    assert run_kills(40, 1, tmp_path) == []
