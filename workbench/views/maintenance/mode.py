"""What the sections of the maintenance view have in common, and what they ask of the view."""

from abc import abstractmethod
from collections.abc import Mapping
from typing import ClassVar, Protocol

import pandas as pd

from workbench.maintenance.desk import Maintenance as Desk
from workbench.telemetry.moments import Moment
from workbench.views.section import Host, Section
from workbench.views.state import State
from workbench.views.widgets.chart import Chart

__all__ = ["MaintenanceHost", "Mode"]


class MaintenanceHost(Host, Protocol):
    """What a section asks of the maintenance view."""

    @property
    def fleet(self) -> pd.DataFrame:
        """The channels of the fleet, as `session.overview` returns them."""

    def lead(self, number: str) -> None:
        """Open a work order in the section of the orders."""

    def changed(self) -> None:
        """Read again after a section has changed something, and tell the other views."""

    def pick(self, asset: str, channel: str, anomaly: Moment | None = None) -> None:
        """Choose a channel in all views, where the fleet has it."""


class Mode(Section[MaintenanceHost]):
    """A section of the maintenance view; only the one that is open reads the database.

    Attributes
    ----------
    keys : tuple of str
        Keys of the view's state that are the section's own.
    quiet : bool
        Whether widgets are being set by the program, not by the reader.
    """

    keys: ClassVar[tuple[str, ...]] = ()

    def __init__(self, view: MaintenanceHost) -> None:
        self.quiet = False
        super().__init__(view)

    @abstractmethod
    def refresh(self) -> str:
        """Read the desk again, show what it holds, and return the words beside the title."""

    @abstractmethod
    def read_state(self) -> Mapping[str, object]:
        """Return what a link must carry; values that are the defaults are left out."""

    @abstractmethod
    def apply_state(self, state: State) -> None:
        """Take what a link carries; `refresh` comes after it.

        Parameters
        ----------
        state : State
            State of the link.
        """

    @abstractmethod
    def shown_table(self) -> pd.DataFrame:
        """Return the table that is shown."""

    def charts(self) -> Mapping[str, Chart]:
        """Return the charts that are shown, by name."""
        return {}

    @abstractmethod
    def code_lines(self) -> list[str]:
        """Return the cell that makes the table."""

    @property
    def desk(self) -> Desk:
        """Alerts, work orders, plan and log of the session."""
        return self.view.session.maintenance
