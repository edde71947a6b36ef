"""The score of an asset: how far its channels were from normal operation, and the anomalies that this makes."""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from workbench.detection.asset.blocks import AssetPCA
from workbench.detection.asset.clock import AssetSeries
from workbench.parameters import ASSET_METHOD
from workbench.telemetry.joint_hash import joint_hash

__all__ = ["asset_provenance", "score_asset"]


def asset_provenance(model: str, test_hashes: Mapping[str, str]) -> dict[str, Any]:
    """Return what the score of an asset is made from; equal provenance means an equal score.

    Parameters
    ----------
    model : str
        Model and version, as `Pump-1.pca/3`; a version has its parameters for good.
    test_hashes : mapping of str to str
        Hash of the test series of each channel that is judged.
    """
    return {"model": model, "data_hash": joint_hash(test_hashes), "method": ASSET_METHOD}


def score_asset(model: AssetPCA, series: AssetSeries) -> xr.Dataset:
    """Judge the channels of an asset.

    Parameters
    ----------
    model : AssetPCA
        Fitted to the asset.
    series : AssetSeries
        Test splits of its channels, n samples.

    Returns
    -------
    xarray.Dataset
        `t_squared` and `q`, float32, dims (time,) of length n: both distances from normal operation in times of their
        bounds; NaN where nothing is judged. Coordinates `time` and `sample`, the position on the asset's time base.
        Attributes: `anomalies` (JSON rows of start, end, severity), `explained` (JSON: what `AssetAnomaly` says of
        each) and `clock`, the channel whose times are the base.
    """
    relative, anomalies = model.judge(series)
    rows = [[anomaly.start, anomaly.end, anomaly.severity] for anomaly in anomalies]
    return xr.Dataset(
        {name: ("time", values.astype(np.float32)) for name, values in relative.items()},
        coords={"time": series.times, "sample": ("time", np.arange(len(series)))},
        attrs={
            "anomalies": json.dumps(rows),
            "explained": json.dumps([anomaly.to_json_dict() for anomaly in anomalies]),
            "clock": series.clock,
        },
    )
