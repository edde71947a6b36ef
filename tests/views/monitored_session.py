"""A session whose fleet monitoring can be tried on: stamps and sample numbers, limits, pages."""

from datetime import UTC, datetime

import pandas as pd
import xarray as xr

from tests.fake_session import FakeSession, fake_channel
from workbench.settings import Settings
from workbench.telemetry.catalog import Asset, Catalog, CatalogChannel, Limits
from workbench.telemetry.quality import MEASURES

HOUR = 3_600_000.0
START = 1_767_225_600_000.0  # 2026-01-01, as charts take it
LAST = START + 2999 * 60_000.0


class MonitoredSession(FakeSession):
    """`Sat` has ten stamped channels, P-1 with limits and both worst; `Rover` has two with sample numbers."""

    def __init__(self):
        spans = {f"{'PA'[i % 2]}-{i + 1}": [] for i in range(10)} | {"M-1": [(100, 140, 5.0)], "M-2": None}
        spans |= {"P-1": [(500, 520, 0.3), (2149, 2349, 9.3)], "A-10": [(900, 950, 4.0)]}
        assets = {name: "Rover" if name.startswith("M") else "Sat" for name in spans}
        super().__init__(spans, assets=assets)
        for i, (name, asset) in enumerate(assets.items()):
            self.data[name] = fake_channel(name, seed=i, dated=asset == "Sat", asset=asset, units="V")
        limits = Limits(critical_low=-2, warning_low=-1, warning_high=0.7, critical_high=0.8)
        self.catalog = Catalog(
            assets={"Sat": Asset(name="Satellite", subsystems={"P": "Power", "A": "Antenna"})},
            channels={"P-1": CatalogChannel(asset="Sat", subsystem="P", units="V", description="Bus", limits=limits)},
        )
        self.settings = Settings()
        self.now = datetime(2026, 1, 3, 3, tzinfo=UTC)  # 61 minutes after the last sample
        self.judged = []
        self.clock = lambda: self.now

    def quality(self, channels):
        self.judged += list(channels)
        zero = dict.fromkeys(MEASURES, 0.0)
        rows = [zero | ({"stuck_runs": 2, "missing_test": 0.25} if name == "P-1" else {}) for name in channels]
        return xr.Dataset.from_dataframe(pd.DataFrame(rows, index=pd.Index(list(channels), name="channel")))
