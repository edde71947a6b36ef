"""What views ask of a session, and of the page that they are part of."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

import pandas as pd
import xarray as xr

from workbench.assets.fleet import Assets
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
        """Settings that are in use."""

    @property
    def catalog(self) -> Catalog:
        """Assets and channels with units and limits."""

    @property
    def clock(self) -> Callable[[], datetime]:
        """Returns the present time, aware."""

    @property
    def archive(self) -> Archive:
        """Telemetry, labels and scores."""

    @property
    def assets(self) -> Assets:
        """Models and scores of whole assets."""

    @property
    def maintenance(self) -> Maintenance:
        """Alerts, work orders and the log."""

    @property
    def registry(self) -> Registry:
        """Registry of the trained models."""

    def watched(self) -> pd.DataFrame:
        """Return when the assets of the archive were watched, see `Session.watched`."""

    def overview(self) -> pd.DataFrame:
        """Return one row a channel: what it is, its worst anomaly and how current its scores are."""

    def channel(self, name: str, split: str = "test") -> xr.Dataset:
        """Load one split of a channel."""

    def stored(self, channel: str) -> xr.Dataset | None:
        """Load the stored score of a channel; None where there is none."""

    def stored_anomalies(self, channel: str) -> pd.DataFrame | None:
        """Return the anomalies of the stored score of a channel; None where there is none."""

    def explain(self, channel: str, *, clearing: Spans | None = None) -> pd.DataFrame:
        """Return why the anomalies of a channel were found, and which settings would clear those in `clearing`."""

    def quality(self, channels: Sequence[str]) -> xr.Dataset:
        """Return the quality report of some channels."""


class Frame(Protocol):
    """What a view asks of the page that it is part of."""

    def on_moved(self, *, step: bool) -> None:
        """Follow the state of the view with the address."""

    def open(self, name: str, state: Mapping[str, object] | None = None) -> None:
        """Show another view, and in it what a state holds."""

    def on_altered(self, view: object) -> None:
        """Tell the other views to read again."""
