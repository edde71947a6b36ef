"""An asset of four channels that two causes move, with a fault that no channel shows by itself."""

import numpy as np

from workbench.telemetry.archive import Archive
from workbench.telemetry.schema import make_channel

START = np.datetime64("2026-01-01", "ns")
FAULT = slice(600, 640)


def plant(n, seed, asset, fault=None):
    """Return four channels; the fault displaces the third."""
    random = np.random.default_rng(seed)
    causes = random.normal(size=(n, 2))
    values = causes @ np.array([[1.0, 0.9, 0.8, 0.1], [0.0, 0.2, -0.3, 1.0]]) + random.normal(0, 0.05, (n, 4))
    if fault is not None:
        values[fault, 2] += 2.5
    times = START + np.arange(n) * np.timedelta64(1, "m")
    names = [f"{asset[0]}-{i}" for i in range(4)]
    return [make_channel(values[:, i], time=times, channel=name, asset=asset) for i, name in enumerate(names)]


def write_plant(home, asset="Pump-1", seed=0):
    """Write an asset into the archive of a home; its test series begins two days later."""
    archive = Archive(home / "archive.zarr")
    for train, test in zip(plant(800, seed, asset), plant(1000, seed + 1, asset, FAULT), strict=True):
        archive.write(train, test.assign_coords(time=test["time"] + np.timedelta64(2, "D")))
    archive.close()
