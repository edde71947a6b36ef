"""What views ask of a session, and of the page that they are part of."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

import pandas as pd
import xarray as xr

from workbench.detection.explanation import Spans
from workbench.maintenance.desk import Maintenance
from workbench.models import Registry
from workbench.settings import Settings
from workbench.telemetry.archive import Archive
from workbench.telemetry.catalog import Catalog

__all__ = ["Frame", "ViewSession"]


class ViewSession(Protocol):
    """What views ask of a session; `workbench.session.Session` is one."""

    @property
    def settings(self) -> Settings:
        """Settings in use."""

    @property
    def catalog(self) -> Catalog:
        """Assets and channels with units and limits."""

    @property
    def clock(self) -> Callable[[], datetime]:
        """Gives the present time, aware."""

    @property
    def archive(self) -> Archive:
        """Telemetry, labels and scores."""

    @property
    def maintenance(self) -> Maintenance:
        """Alerts, work orders and the log."""

    @property
    def registry(self) -> Registry:
        """The trained models."""

    def overview(self) -> pd.DataFrame:
        """Give one row a channel: what it is, its worst anomaly and how current its scores are."""

    def channel(self, name: str, split: str = "test") -> xr.Dataset:
        """Open one split of one channel."""

    def stored(self, channel: str) -> xr.Dataset | None:
        """Open the stored score of a channel, None where there is none."""

    def stored_anomalies(self, channel: str) -> pd.DataFrame | None:
        """Give the anomalies of that score."""

    def explain(self, channel: str, *, clearing: Spans | None = None) -> pd.DataFrame:
        """Explain the anomalies of a channel; what clears them is looked for where asked."""

    def quality(self, channels: Sequence[str]) -> xr.Dataset:
        """Report on the quality of the telemetry."""


class Frame(Protocol):
    """What a view asks of the page that it is part of."""

    def on_moved(self, *, step: bool) -> None:
        """Take note of the view's state."""

    def open(self, name: str, state: Mapping[str, object] | None = None) -> None:
        """Show another view; with a state, what that holds."""

    def on_altered(self, view: object) -> None:
        """Have the other views read again."""
