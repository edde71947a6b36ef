"""Small makers of widgets that all views use."""

from typing import Any

import ipywidgets as widgets

__all__ = ["box", "button", "classed", "close_tree"]


def box(names: str, *children: widgets.Widget) -> widgets.Box:
    """Make a box with CSS classes, which stand apart by spaces."""
    return widgets.Box(children, _dom_classes=names.split())


def button(words: str, tip: str, clicked: Any = None, names: str = "") -> widgets.Button:
    """Make a button: words on it, what it does in a tooltip, and the method that a click calls with it."""
    made = widgets.Button(description=words, tooltip=tip, _dom_classes=["wb-button", *names.split()])
    if clicked is not None:
        made.on_click(clicked)
    return made


def classed(widget: Any, names: str) -> Any:
    """Give a widget CSS classes, which stand apart by spaces."""
    widget._dom_classes = (*widget._dom_classes, *names.split())  # a page is told once
    return widget


def close_tree(root: Any) -> None:
    """Close a widget with all that is in it; one that is closed already stays so."""
    for child in getattr(root, "children", ()):
        close_tree(child)
    for part in (getattr(root, "style", None), getattr(root, "layout", None), root):
        if isinstance(part, widgets.Widget):
            part.close()
