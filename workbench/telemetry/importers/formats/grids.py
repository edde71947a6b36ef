"""Reads HDF5 and NetCDF files through xarray: the variables along the dimension that most of them share."""

import warnings
from collections import Counter
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
import xarray as xr

from workbench.exceptions import ImportDataError
from workbench.telemetry.importers.formats.limits import check_bytes, check_columns

__all__ = ["read_grid"]

_CLASSIC = b"CDF"
_ERRORS = (
    *(OSError, ValueError, TypeError, KeyError, AttributeError, RuntimeError, IndexError, OverflowError),
    *(ImportError, EOFError, AssertionError, MemoryError),
)


def read_grid(path: Path, plain: Path) -> tuple[pd.DataFrame, dict[str, str], list[str]]:
    """Read an HDF5 or NetCDF file; a variable of two dimensions becomes one column for each place of the second.

    Parameters
    ----------
    path : Path
        File that is imported.
    plain : Path
        Its content, unpacked.

    Returns
    -------
    pandas.DataFrame
    dict of str to str
        Units by column.
    list of str
        What was left out.

    Raises
    ------
    ImportDataError
        It cannot be read, holds no table, or is too large.
    """
    try:
        with plain.open("rb") as start:
            classic = start.read(3) == _CLASSIC
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of attributes that xarray cannot decode: values stay as they are
            if classic:
                groups = {"/": xr.open_dataset(plain, engine="scipy")}
            else:
                with h5py.File(plain, "r") as file:
                    file.attrs.get("_nc3_strict")  # a damaged file fails here, before h5netcdf holds it half open
                groups = xr.open_groups(plain, engine="h5netcdf", phony_dims="sort")
            try:
                return _table(path, groups)
            finally:
                for group in groups.values():
                    group.close()
    except _ERRORS as error:
        reason = str(error).partition("\n")[0][:200]
        raise ImportDataError(
            f"{path} cannot be read as HDF5 or NetCDF: {reason}.", "Export it as CSV or Parquet, with its times."
        ) from None


def _table(path: Path, groups: dict[str, xr.Dataset]) -> tuple[pd.DataFrame, dict[str, str], list[str]]:
    filled = {name: group for name, group in groups.items() if any(one.ndim for one in group.variables.values())}
    if len(filled) != 1:
        names = ", ".join(filled)[:300]
        raise ImportDataError(
            f"{path} holds {len(filled)} groups with data ({names})." if filled else f"{path} has no rows.",
            "Needed: one group of variables that share a dimension. Export one group as a file of its own.",
        )
    (group,) = filled.values()
    shared = Counter(str(variable.dims[0]) for variable in group.variables.values() if variable.ndim)
    dimension = max(shared, key=lambda name: (shared[name], group.sizes[name]))
    chosen = {
        str(name): variable
        for name, variable in group.variables.items()
        if variable.ndim in (1, 2) and str(variable.dims[0]) == dimension
    }
    check_columns(path, sum(int(np.prod(variable.shape[1:])) for variable in chosen.values()))
    check_bytes(path, sum(max(8, variable.dtype.itemsize) * variable.size for variable in chosen.values()))
    columns: dict[str, Any] = {}
    units = {}
    for name, variable in chosen.items():
        values = variable.values
        labels = [""] if variable.ndim == 1 else _labels(group, str(variable.dims[1]))
        for place, label in enumerate(labels):
            column = f"{name}.{label}" if label else name
            columns[column] = _plain(values if variable.ndim == 1 else values[:, place])
            if isinstance(unit := variable.attrs.get("units"), str):
                units[column] = unit
    others = [str(name) for name in group.variables if str(name) not in chosen]
    notes = [f"left out, as not along {dimension}: {', '.join(others)[:200]}"] if others else []
    return pd.DataFrame(columns), units, notes


def _labels(group: xr.Dataset, dimension: str) -> list[str]:
    if dimension in group.variables and group[dimension].ndim == 1:
        return [str(one.decode() if isinstance(one, bytes) else one) for one in group[dimension].values.tolist()]
    return [str(place) for place in range(group.sizes[dimension])]


def _plain(values: Any) -> Any:
    """Return values as pandas holds them; text is decoded."""
    if values.dtype.kind == "S":
        return [one.decode("utf-8", "replace") for one in values.tolist()]
    if values.dtype.kind == "O":
        return [one.decode("utf-8", "replace") if isinstance(one, bytes) else str(one) for one in values.tolist()]
    return values
