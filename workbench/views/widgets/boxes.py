"""Small makers of widgets that all views use."""

from typing import Any

import ipywidgets as widgets

__all__ = ["box", "button", "classed", "close_tree"]


def box(names: str, *children: widgets.Widget) -> widgets.Box:
    """Make a box with CSS classes.

    Parameters
    ----------
    names : str
        CSS classes, separated by spaces.
    *children : ipywidgets.Widget
        Widgets in the box.

    Returns
    -------
    ipywidgets.Box
    """
    return widgets.Box(children, _dom_classes=names.split())


def button(words: str, tip: str, clicked: Any = None, names: str = "") -> widgets.Button:
    """Make a button with a label, a tooltip and a callback.

    Parameters
    ----------
    words : str
        Label of the button.
    tip : str
        What the button does, on hover.
    clicked : callable, optional
        Called with the button when it is clicked.
    names : str
        CSS classes besides `wb-button`, separated by spaces.

    Returns
    -------
    ipywidgets.Button
    """
    made = widgets.Button(description=words, tooltip=tip, _dom_classes=["wb-button", *names.split()])
    if clicked is not None:
        made.on_click(clicked)
    return made


def classed(widget: Any, names: str) -> Any:
    """Add CSS classes to a widget, and return it.

    Parameters
    ----------
    widget : ipywidgets.DOMWidget
        Widget to style.
    names : str
        CSS classes, separated by spaces.

    Returns
    -------
    ipywidgets.DOMWidget
        The same widget.
    """
    widget._dom_classes = (*widget._dom_classes, *names.split())  # one message to the page, not one a class
    return widget


def close_tree(root: Any) -> None:
    """Close a widget with all that is in it; one that is closed already stays so.

    Parameters
    ----------
    root : ipywidgets.Widget
        Widget whose children, style and layout are closed too.
    """
    for child in getattr(root, "children", ()):
        close_tree(child)
    for part in (getattr(root, "style", None), getattr(root, "layout", None), root):
        if isinstance(part, widgets.Widget):
            part.close()
