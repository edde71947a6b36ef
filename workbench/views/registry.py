"""The registry of the views, in the order of their tabs; adding a view is one line."""

from collections.abc import Mapping
from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING

from workbench.exceptions import ViewError

if TYPE_CHECKING:
    from workbench.views.base import View
    from workbench.views.view_session import ViewSession

__all__ = ["VIEWS", "open_view", "view_class"]

VIEWS: dict[str, str] = {
    "overview": "workbench.views.overview.view:Overview",
    "monitoring": "workbench.views.monitoring.view:Monitoring",
    "anomalies": "workbench.views.anomalies.view:Anomalies",
    "forecasting": "workbench.views.forecasting.view:Forecasting",
    "models": "workbench.views.models.view:Models",
    "maintenance": "workbench.views.maintenance.view:Maintenance",
    "system": "workbench.views.system.view:System",
}
"""Module and class of each view, by name; a view is imported when it is first opened."""


def view_class(name: str) -> "type[View]":
    """Import the class of a view, and return it.

    Parameters
    ----------
    name : str
        One of `VIEWS`.

    Returns
    -------
    type of View
        The class.

    Raises
    ------
    ViewError
        There is no such view.
    """
    if name not in VIEWS:
        raise ViewError(f"There is no view {name!r}.", f"Views: {', '.join(VIEWS)}.")
    module, _, attribute = VIEWS[name].partition(":")
    cls: type[View] = getattr(import_module(module), attribute)
    return cls


def open_view(
    session: "ViewSession", name: str, state: Mapping[str, object] = MappingProxyType({}), *, theme: str = "light"
) -> "View":
    """Open a view in a notebook.

    Parameters
    ----------
    session : ViewSession
        The session that all values come from.
    name : str
        One of `VIEWS`.
    state : mapping of str to object
        What to show, as `{"channel": "P-1", "from": 2000}`.
    theme : str
        `light` or `dark`.

    Returns
    -------
    View
        Displaying it shows it.

    Raises
    ------
    ViewError
        There is no such view, or the state is malformed.
    """
    return view_class(name)(session, theme=theme, state=state)
