"""What the modes of the maintenance view have in common."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

import ipywidgets as widgets
import pandas as pd

from workbench.maintenance.desk import Maintenance as Desk
from workbench.views.state import State
from workbench.views.widgets.boxes import box
from workbench.views.widgets.callbacks import Failure
from workbench.views.widgets.chart import Chart

if TYPE_CHECKING:
    from workbench.views.maintenance.view import Maintenance

__all__ = ["Mode"]


class Mode(ABC):
    """One of the pages of the maintenance view; only the one that is open reads the database.

    Parameters
    ----------
    view : Maintenance
        Gives the session, and shows the errors of the mode's callbacks.

    Attributes
    ----------
    widget : ipywidgets.Box
    """

    name: ClassVar[str]
    keys: ClassVar[tuple[str, ...]] = ()

    def __init__(self, view: "Maintenance") -> None:
        self.view = view
        self.quiet = False
        self.widget = box(f"wb-mode wb-mode-{self.name.lower()}", *self.build())

    @abstractmethod
    def build(self) -> list[widgets.Widget]:
        """Make the widgets, empty."""

    @abstractmethod
    def refresh(self) -> str:
        """Read the desk again, show what it holds, and give the words beside the title."""

    def recolour(self) -> None:
        """Forget what takes its colours from the tokens; `refresh` comes after it."""
        return

    @abstractmethod
    def read_state(self) -> Mapping[str, object]:
        """Give what a link must carry; what comes first is left out."""

    @abstractmethod
    def apply_state(self, state: State) -> None:
        """Take what a link carries; `refresh` comes after it."""

    @abstractmethod
    def shown_table(self) -> pd.DataFrame:
        """Give the table that is shown."""

    def charts(self) -> Mapping[str, Chart]:
        """Give the charts that are shown."""
        return {}

    @abstractmethod
    def code_lines(self) -> list[str]:
        """Give the cell that makes the table."""

    @property
    def desk(self) -> Desk:
        """The session's."""
        return self.view.session.maintenance

    @property
    def title(self) -> str:
        """The view's."""
        return self.view.title

    def fail(self, failure: Failure, source: str) -> None:
        """Have the view show the card."""
        self.view.fail(failure, source)

    def mend(self, source: str) -> None:
        """Have the view take the card away."""
        self.view.mend(source)

    def close(self) -> None:
        """Stop what is under way."""
        return
