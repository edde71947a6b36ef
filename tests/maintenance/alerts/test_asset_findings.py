"""Findings on whole assets: which channels they name, and how short they may be."""

import json

import numpy as np
import pandas as pd
import xarray as xr

from workbench.maintenance.alerts.alerts import Alerts
from workbench.maintenance.alerts.findings import asset_findings


def finding_of(shares, end=50):
    time = np.datetime64("2026-01-01", "ns") + np.arange(100) * np.timedelta64(1, "m")
    explained = [{"value": 9.0, "bound": 3.0, "words": "distance 3 times the bound", "contributions": shares}]
    attrs = {"asset": "FAN", "model": "FAN.pca/1", "explained": json.dumps(explained)}
    anomalies = pd.DataFrame([(50, end, 30.0, "critical")], columns=["start", "end", "severity", "level"])
    (found,) = asset_findings(xr.Dataset(coords={"time": time}, attrs=attrs), anomalies, "Fan 1")
    return found


def test_of_hundreds_of_channels_that_move_together_the_first_is_named():
    shares = [[f"C-{place}", 1 / 600] for place in range(600)]
    assert json.loads(finding_of(shares).contributions) == [["C-0", 0.0017]]
    assert json.loads(finding_of([["A", 0.6], ["B", 0.3], ["C", 0.1], ["D", 0.0]]).contributions) == [
        ["A", 0.6], ["B", 0.3], ["C", 0.1],
    ]  # fmt: skip


def test_the_message_names_the_asset_as_people_do():
    found = finding_of([["A", 1.0]])
    assert found.message.startswith("Fan 1 left")
    assert found.channel == "FAN"


def test_a_spike_of_one_sample_raises_its_alert(database):
    alerts = Alerts(database)
    report = alerts.raise_findings([], [finding_of([["A", 1.0]])])
    assert (len(report.raised), report.ignored) == (1, 0)
    assert alerts.get(report.raised[0]).level == "critical"
