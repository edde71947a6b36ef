"""Sections: the parts of a view that open by their own buttons, and what they ask of the view around them."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import ClassVar, Generic, Protocol, TypeVar

import ipywidgets as widgets

from workbench.plots.theme import Tokens
from workbench.views.state import Selected, Selection
from workbench.views.view_session import ViewSession
from workbench.views.widgets.boxes import box, close_tree
from workbench.views.widgets.callbacks import Failure, Guarded, Hosted

__all__ = ["Host", "Section"]


class Host(Guarded, Protocol):
    """What a section asks of the view that it is part of; every `View` is one.

    A section that needs more of its own view says so in a protocol of its own, which extends this one: the view knows
    its sections, and no section imports its view.
    """

    @property
    def session(self) -> ViewSession:
        """The session that all values come from."""

    @property
    def selection(self) -> Selection:
        """The asset, channel and anomaly that are selected in all views."""

    @property
    def tokens(self) -> Tokens:
        """Colours of the theme in use."""

    @property
    def who(self) -> str:
        """Name of the person who acts, for the maintenance log."""

    @property
    def failure(self) -> Failure | None:
        """The error whose card is shown, or None."""

    def choose(self, chosen: Selected) -> None:
        """Select an asset, a channel or an anomaly in all views."""

    def moved(self, *, step: bool = False) -> None:
        """Tell the page that the state of the view has changed."""

    def go(self, name: str, state: Mapping[str, object] | None = None) -> None:
        """Open another view, with what is selected."""

    def altered(self) -> None:
        """Tell the other views that data has changed."""

    def outdate(self) -> None:
        """Read the session again: at once where the view is shown, else when it is."""

    def busy(self, words: str, total: int = 0) -> AbstractContextManager[Callable[[int], None]]:
        """Show that something takes a while, and how far it is."""


HostT = TypeVar("HostT", bound=Host)


class Section(Hosted, ABC, Generic[HostT]):
    """A part of a view; only the section that is open reads the session.

    Errors of its callbacks are shown by the view.

    Parameters
    ----------
    view : Host
        The view that the section is part of.

    Attributes
    ----------
    name : str
        Word on the section's button.
    css : str
        CSS classes of its box.
    widget : ipywidgets.Box
        What the view shows while the section is open.
    """

    name: ClassVar[str]
    css: ClassVar[str]

    def __init__(self, view: HostT) -> None:
        super().__init__(view)
        self.view = view
        self.widget = box(self.css, *self.build())

    @abstractmethod
    def build(self) -> list[widgets.Widget]:
        """Make the widgets, empty; called once."""

    def recolour(self) -> None:
        """Remove what takes its colours from the tokens; the section is shown again after it."""
        return

    def close(self) -> None:
        """Stop what is under way and remove the section from the page."""
        close_tree(self.widget)
