"""What the sections under the charts of an alert have in common, and what they ask of the view."""

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import pandas as pd

from workbench.maintenance.alerts.places import place_words, rows_of, span_of
from workbench.views.anomalies.detail import Shown
from workbench.views.section import Host, Section
from workbench.views.state import Selected

__all__ = ["AlertHost", "Chosen", "Panel"]


class AlertHost(Host, Protocol):
    """What a section under the charts asks of the view of the alerts."""

    def follow(self, chosen: Selected) -> None:
        """Choose an alert or a channel that a section names."""

    def look(self, chosen: Selected, samples: int) -> None:
        """Show some samples of a channel; the alert stays chosen."""

    def draw_bounds(self, channel: str, lines: pd.DataFrame | None) -> None:
        """Draw other bounds of the envelope in the charts of a channel; those of its score again where None."""


@dataclass(frozen=True)
class Chosen:
    """The alert that a section is about.

    Attributes
    ----------
    row : mapping
        The alert, a row of `Alerts.list`.
    shown : Shown
        The channel of the alert.
    """

    row: Mapping[str, Any]
    shown: Shown

    @property
    def channel(self) -> str:
        """Name of the alert's channel."""
        return str(self.row["channel"])

    @property
    def sequence(self) -> tuple[int, int] | None:
        """First and last row of the anomaly in the series as it is now; None where the series does not hold it."""
        return rows_of(self.row, self.shown.channel["time"].values)

    @property
    def place(self) -> tuple[Any, ...]:
        """Channel and moments of the anomaly, which tell it from others."""
        return (self.channel, *span_of(self.row))

    @property
    def absence(self) -> str:
        """Sentence that says that the series does not hold the anomaly."""
        return f"The series of {self.channel} as it is now does not hold the anomaly: {place_words(self.row)}."


class Panel(Section[AlertHost]):
    """A section under the charts; only the one that is open learns which alert is chosen.

    Attributes
    ----------
    tip : str
        What the section shows, for the tooltip of its button.
    kinds : frozenset of str
        Kinds of alerts that the section is about.
    chosen : Chosen or None
        The alert that the section shows; None before there is one.
    """

    tip: ClassVar[str]
    kinds: ClassVar[frozenset[str]] = frozenset({"model", "limit"})

    def __init__(self, view: AlertHost) -> None:
        self.chosen: Chosen | None = None
        super().__init__(view)

    @abstractmethod
    def show(self, chosen: Chosen) -> None:
        """Show the section for an alert.

        Parameters
        ----------
        chosen : Chosen
            The alert and its channel.
        """
