"""What every view is: a widget over a session, with a theme, that can be refreshed."""

from abc import ABC, abstractmethod
from typing import Any, ClassVar, Protocol

import ipywidgets as widgets
import pandas as pd
import xarray as xr

from workbench.exceptions import SettingsError
from workbench.plots.theme import THEMES, Tokens
from workbench.views.style import stylesheet

__all__ = ["View", "ViewSession"]


class ViewSession(Protocol):
    """What views ask of a session; `workbench.session.Session` is one."""

    def overview(self) -> pd.DataFrame:
        """Give one row a channel: what it is, its worst anomaly and how current its scores are."""

    def channel(self, name: str, split: str = "test") -> xr.Dataset:
        """Open one split of one channel."""

    def stored(self, channel: str) -> xr.Dataset | None:
        """Open the stored score of a channel, None where there is none."""

    def stored_anomalies(self, channel: str) -> pd.DataFrame | None:
        """Give the anomalies of that score."""


class View(ABC):
    """A page, or a part of one.

    A subclass builds its widgets once, changes their values afterwards, and names every callback as a method, so that
    a test can call what a click calls.

    Parameters
    ----------
    session : ViewSession
        Where all values come from.
    theme : str
        `light` or `dark`.

    Attributes
    ----------
    title : str
        How the view is called on screen.
    widget : ipywidgets.Widget
        The root; displaying the view displays this.

    Raises
    ------
    SettingsError
        There is no such theme.
    """

    title: ClassVar[str]

    def __init__(self, session: ViewSession, *, theme: str = "light") -> None:
        if theme not in THEMES:
            raise SettingsError(f"theme is {theme!r}.", f"Themes: {', '.join(THEMES)}.")
        self.session = session
        self.tokens: Tokens = THEMES[theme]
        self._style = widgets.HTML(layout=widgets.Layout(display="none"))
        self._restyle()
        self.widget = widgets.Box([self._style, *self.build()])
        self.widget.add_class("wb")
        self.refresh()

    @abstractmethod
    def build(self) -> list[widgets.Widget]:
        """Make the widgets, empty; called once, before the first `refresh`."""

    @abstractmethod
    def refresh(self) -> None:
        """Read the session again and show what it holds now."""

    def set_theme(self, theme: str) -> None:
        """Show the view in other colours.

        Parameters
        ----------
        theme : str
            `light` or `dark`.
        """
        self.tokens = THEMES[theme]
        self._restyle()
        self.recolour()

    @abstractmethod
    def recolour(self) -> None:
        """Draw again what takes its colours from `tokens` and not from the stylesheet."""

    def _restyle(self) -> None:
        self._style.value = f"<style>{stylesheet(self.tokens)}</style>"

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        return self.widget._repr_mimebundle_(**kwargs)
