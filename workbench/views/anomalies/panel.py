"""What the tabs under the charts of an alert have in common."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import ipywidgets as widgets

from workbench.views.widgets.boxes import box, close_tree
from workbench.views.widgets.callbacks import Failure

if TYPE_CHECKING:
    from workbench.views.anomalies.detail import Shown
    from workbench.views.anomalies.view import Anomalies

__all__ = ["Chosen", "Panel"]


@dataclass(frozen=True)
class Chosen:
    """The alert that a panel is about.

    Attributes
    ----------
    row : mapping
        Of `Alerts.list`.
    shown : Shown
        Its channel.
    """

    row: Mapping[str, Any]
    shown: "Shown"

    @property
    def channel(self) -> str:
        """Name."""
        return str(self.row["channel"])

    @property
    def sequence(self) -> tuple[int, int]:
        """First and last sample, within the series that is there."""
        last = int(self.shown.channel.sizes["time"]) - 1
        return min(int(self.row["start_sample"]), last), min(int(self.row["end_sample"]), last)


class Panel(ABC):
    """A tab; only the one that is open is told what is chosen.

    Parameters
    ----------
    view : Anomalies
        Gives the session, and shows the errors of the panel's callbacks.
    """

    title: ClassVar[str]
    tip: ClassVar[str]

    def __init__(self, view: "Anomalies") -> None:
        self.view = view
        self.chosen: Chosen | None = None
        self.widget = box(f"wb-tabbed wb-tab-{self.title.lower()}", *self.build())

    @abstractmethod
    def build(self) -> list[widgets.Widget]:
        """Make the widgets, empty."""

    @abstractmethod
    def show(self, chosen: Chosen) -> None:
        """Show what is known of an alert."""

    def fail(self, failure: Failure, source: str) -> None:
        """Have the view show the card."""
        self.view.fail(failure, source)

    def mend(self, source: str) -> None:
        """Have the view take the card away."""
        self.view.mend(source)

    def close(self) -> None:
        """Take it from the page."""
        close_tree(self.widget)
