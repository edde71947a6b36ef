import subprocess
import sys

PROGRAM = """
import sys
from workbench.imports import leave_dask_out

leave_dask_out()
import numpy as np
import xarray as xr

series = xr.Dataset({"telemetry": ("time", np.arange(9.0))}, {"time": np.arange(9)})
xr.concat([series, series], "time").isel(time=slice(2, 5)).telemetry.mean().item()
print(*[name for name in ("dask", "scipy") if name in sys.modules])
import dask.array
print(dask.array.arange(3).sum().compute())
"""


def test_xarray_works_without_dask_which_can_be_imported_later():
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["", "3"]
