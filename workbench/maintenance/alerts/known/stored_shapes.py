"""Shapes in the database: how they are written and read, and to which series they still apply."""

import json
from dataclasses import asdict

import numpy as np
import numpy.typing as npt
import sqlalchemy as sa
import xarray as xr
from sqlalchemy import orm

from workbench.detection.known_events import CommandUse, Shape, learnt_bound
from workbench.maintenance.alerts.known.table import KnownShapeRow
from workbench.telemetry.moments import clock_of, ticks

__all__ = ["bound_of_shapes", "read_shape", "reason_against", "sample_spacing", "store_shape"]

_SAME_SPACING = 0.1  # share by which the sampling period may differ
_SPACING_SAMPLES = 1001


def store_shape(row: KnownShapeRow, shape: Shape, channel: xr.Dataset, normal: float) -> None:
    """Write a shape into its row.

    Parameters
    ----------
    row : KnownShapeRow
        Row of the shape.
    shape : Shape
        Shape of the event.
    channel : xarray.Dataset
        Test split that it was taken from.
    normal : float
        Distance to normal telemetry; infinite where nothing there is comparable.
    """
    row.state = "learnt"
    row.telemetry = shape.telemetry.astype("<f8").tobytes()
    row.before, row.after = shape.before, shape.after
    row.commands = json.dumps([asdict(use) for use in shape.commands])
    row.units = str(channel.attrs.get("units", ""))
    row.clock = clock_of(channel["time"].values)
    row.spacing = sample_spacing(channel["time"].values)
    row.normal_distance = normal if np.isfinite(normal) else None


def read_shape(row: KnownShapeRow) -> Shape:
    """Return the shape of a row whose state is `learnt`."""
    telemetry = np.frombuffer(row.telemetry or b"", dtype="<f8").astype(np.float64)
    commands = tuple(CommandUse(**use) for use in json.loads(row.commands or "[]"))
    return Shape(telemetry, row.before or 0, row.after or 0, commands)


def bound_of_shapes(db: orm.Session, event: int) -> float | None:
    """Return the bound that the shapes of an event teach; None where none is learnt."""
    statement = sa.select(KnownShapeRow).where(KnownShapeRow.event == event, KnownShapeRow.state == "learnt")
    rows = db.scalars(statement.order_by(KnownShapeRow.id)).all()
    normal = min((row.normal_distance for row in rows if row.normal_distance is not None), default=float("inf"))
    return learnt_bound([read_shape(row) for row in rows], normal) if rows else None


def reason_against(row: KnownShapeRow, channel: xr.Dataset) -> str:
    """Return why a shape does not apply to a series; an empty text where it does.

    Parameters
    ----------
    row : KnownShapeRow
        Row of the shape.
    channel : xarray.Dataset
        Test split, whose units, clock and period may have changed since the shape was kept.
    """
    units, times = str(channel.attrs.get("units", "")), channel["time"].values
    if row.units != units:
        return f"its units are {row.units or 'unknown'}, those of the channel are now {units or 'unknown'}"
    if row.clock != clock_of(times):
        return "the channel has changed between times and sample numbers"
    spacing = sample_spacing(times)
    if row.spacing and spacing and abs(spacing - row.spacing) > _SAME_SPACING * row.spacing:
        return "the sampling period of the channel has changed"
    return ""


def sample_spacing(times: npt.NDArray[np.generic]) -> int:
    """Return the median distance of the last samples on the clock of a series; 0 where it has fewer than two.

    Examples
    --------
    >>> sample_spacing(np.array([3, 4, 5, 9]))
    1
    """
    moments = ticks(times[-_SPACING_SAMPLES:])
    return int(np.median(np.diff(moments))) if moments.size > 1 else 0
