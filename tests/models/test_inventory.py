from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.conftest import wave_channel
from workbench.models.inventory import inventory, train_hashes
from workbench.models.registry import Registry
from workbench.models.training import train_channels
from workbench.telemetry.archive import Archive


def test_hashes_are_those_of_the_archive(tiny_archive: Archive, tmp_path: Path) -> None:
    expected = {name: tiny_archive.info(name).train_hash for name in ("X-1", "X-2")}
    assert train_hashes(tiny_archive.path, ["X-1", "X-2", "Q-9"]) == expected
    assert train_hashes(tmp_path / "none", ["X-1"]) == {}


@pytest.mark.parametrize("content", ["", "[]", "noise" * 1000])
def test_a_damaged_index_does_not_hide_the_models(tiny_archive: Archive, content: str) -> None:
    tiny_archive.close()
    tiny_archive.index.file.write_text(content)
    assert train_hashes(tiny_archive.path, ["X-1", "X-2"]) == {}


def test_a_champion_of_other_data_is_to_be_trained_again(tiny_archive: Archive, empty_registry: Registry) -> None:
    train_channels(tiny_archive, empty_registry, ["X-1", "X-2"], "persistence")
    now = datetime.now(UTC) + timedelta(hours=2)

    def proposed() -> list[str]:
        return [row["retrain"] for row in inventory(empty_registry.list(), tiny_archive.path, now)]

    assert proposed() == ["", ""]
    tiny_archive.write(wave_channel("X-1", seed=9), wave_channel("X-1", 3000, 1))
    assert proposed() == ["its training data have changed", ""]
    (row, _) = inventory(empty_registry.list(), tiny_archive.path, now)
    assert 7200 <= row["age"] < 7300
    assert row["size"] == sum(file.stat().st_size for file in empty_registry.champion("X-1").path.iterdir())
