"""A small fleet for which the right parameters are known."""

from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

import workbench as wb
from workbench.telemetry.schema import make_channel

FAULTS = ("P-1", "P-2", "P-3")
"""Channels with a fault of 1.5 at samples 2000 to 2039, which is labelled."""
BUMPS = ("Q-1", "Q-2", "Q-3")
"""Channels with a bump of 0.5 at the same place, which is no event."""
EVENT = (2000, 2039)
PLAIN = {"smoothing_fraction": 0.07, "least_error_of": "range", "lag_correction": True}
SETTINGS = {"preset": "plain", "presets": {"plain": PLAIN}}
"""Settings with a preset of the threshold alone."""
TEST_SAMPLES = 3000
RIGHT = {"least_error": (0.05, 0.1)}
"""A grid: of the first value everything is found, of the second the faults alone."""


def series(name: str, n: int, seed: int, size: float, start: str) -> xr.Dataset:
    random = np.random.default_rng(seed)
    telemetry = np.sin(np.arange(n) / 25) * 0.5 + random.normal(0, 0.01, n)
    telemetry[EVENT[0] : EVENT[1] + 1] += size
    time = np.datetime64(start) + (seed + np.arange(n)) * np.timedelta64(1, "m")  # no two labels at the same times
    return make_channel(telemetry, time=time, channel=name, asset=f"Asset-{name[0]}", source="test")


def make_fleet(home: Path) -> None:
    """Six channels, a month of minutes behind each other, trained and scored."""
    with wb.open(home=home, **SETTINGS) as session:
        for seed, name in enumerate((*FAULTS, *BUMPS)):
            size = 1.5 if name in FAULTS else 0.5
            labels = pd.DataFrame({"start": [EVENT[0]], "end": [EVENT[1]], "kind": ["point"]})
            session.archive.write(
                series(name, 1200, seed, 0.0, "2026-01-01"),
                series(name, TEST_SAMPLES, 100 + seed, size, "2026-02-01"),
                labels if name in FAULTS else labels.iloc[:0],
            )
        assert set(session.train(sequence_length=60, telemetry_lags=20)["status"]) == {"trained"}
        assert set(session.score_all()["status"]) == {"scored"}
