"""Fixtures that all tests share."""

import os
import signal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import settings

from workbench.telemetry.archive import Archive
from workbench.telemetry.schema import make_channel

SHARED = Path(__file__).parents[2] / "shared"

signal.signal(signal.SIGINT, signal.default_int_handler)  # in the background of a shell it is ignored, by children too
settings.register_profile("untimed", deadline=None)  # speed is measured in benchmarks/, not asserted here
settings.load_profile("untimed")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Skip the NASA tier where its data is not there, unless the run requires it."""
    del config
    if (SHARED / "nasa" / "smap_msl.zip").exists():
        return
    if os.environ.get("REQUIRE_NASA"):
        raise pytest.UsageError(f"The NASA tier must run here, but {SHARED / 'nasa'} holds no smap_msl.zip.")
    for item in items:
        if "nasa" in item.keywords:
            item.add_marker(pytest.mark.skip(reason="../shared/nasa is not there"))


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("WORKBENCH_"):
            monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def nasa_zip() -> Path:
    """NASA's SMAP and MSL telemetry in Telemanom's layout."""
    return SHARED / "nasa" / "smap_msl.zip"


@pytest.fixture(scope="session")
def reference_folder() -> Path:
    """Reference vectors of the dynamic threshold."""
    return SHARED / "reference" / "ndt"


def wave_channel(name: str = "X-1", n: int = 1200, seed: int = 0, *, spike: int | None = None) -> xr.Dataset:
    """A noisy wave that steps when its command is on; `spike` displaces 40 samples."""
    random = np.random.default_rng(seed)
    command = (np.arange(n) // 100 % 2).astype(np.int8)
    telemetry = np.sin(np.arange(n) / 25) * 0.4 + 0.2 * command + random.normal(0, 0.01, n)
    if spike is not None:
        telemetry[spike : spike + 40] += 1.5
    return make_channel(telemetry, command[:, None], channel=name, asset="XAVER", subsystem=name[0], source="test")


@pytest.fixture
def tiny_archive(tmp_path: Path) -> Archive:
    """Two channels, X-1 with a labelled anomaly at 2000 to 2039, X-2 labelled normal."""
    archive = Archive(tmp_path / "archive.zarr")
    spiked = pd.DataFrame({"start": [2000], "end": [2039], "kind": ["point"]})
    archive.write(wave_channel("X-1"), wave_channel("X-1", 3000, 1, spike=2000), spiked)
    archive.write(wave_channel("X-2", seed=2), wave_channel("X-2", 3000, 3), spiked.iloc[:0])
    return archive
