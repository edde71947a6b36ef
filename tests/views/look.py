"""What a reader sees of a view: its texts and its controls by their words, and what is drawn, without private names."""

import re
from collections.abc import Iterator
from html import unescape
from typing import Any

import ipywidgets as widgets


def widgets_of(root: Any) -> Iterator[Any]:
    """Iterate over the widgets of a view, a section or a box, whether they are visible or not."""
    root = next((getattr(root, name) for name in ("pane", "widget") if hasattr(root, name)), root)
    yield root
    for child in getattr(root, "children", ()):
        yield from widgets_of(child)


def visible(root: Any) -> Iterator[Any]:
    """Iterate over the widgets that are not hidden, by themselves or by a box around them."""
    root = next((getattr(root, name) for name in ("pane", "widget") if hasattr(root, name)), root)
    layout = getattr(root, "layout", None)
    if layout is not None and (layout.display == "none" or layout.visibility == "hidden"):
        return
    yield root
    for child in getattr(root, "children", ()):
        yield from visible(child)


def texts(root: Any) -> str:
    """Return all text that is visible in a view or a box, without tags, with single blanks."""
    parts = [
        getattr(made, "html", "") or (made.value if isinstance(made, widgets.HTML) else "") for made in visible(root)
    ]
    words = " ".join(unescape(re.sub(r"<[^>]+>", " ", " ".join(parts))).split())
    return re.sub(r" ([,;])", r"\1", words)


def markup(root: Any) -> str:
    """Return the HTML of all that is visible in a view or a box."""
    parts = [
        getattr(made, "html", "") or (made.value if isinstance(made, widgets.HTML) else "") for made in visible(root)
    ]
    return "\n".join(parts)


def find_button(root: Any, words: str) -> widgets.Button:
    """Return the button with these words on it, the visible one where there are several."""
    for made in (*visible(root), *widgets_of(root)):
        if isinstance(made, widgets.Button) and made.description == words:
            return made
    raise AssertionError(f"no button {words!r} among {[made.description for made in buttons(root)]}")


def buttons(root: Any) -> list[widgets.Button]:
    """Return the buttons that are visible."""
    return [made for made in visible(root) if isinstance(made, widgets.Button)]


def press(root: Any, words: str) -> None:
    """Click the button with these words on it."""
    find_button(root, words).click()


def find_field(root: Any, label: str) -> Any:
    """Return the field with this label, tooltip or placeholder, the visible one where there are several."""
    for made in (*visible(root), *widgets_of(root)):
        if hasattr(made, "value") and not isinstance(made, widgets.HTML):
            names = (getattr(made, name, None) for name in ("description", "tooltip", "placeholder"))
            if label in names:
                return made
    raise AssertionError(f"no field {label!r}")


def find_toggle(root: Any, option: str) -> widgets.ToggleButtons:
    """Return the row of toggle buttons that offers an option."""
    for made in (*visible(root), *widgets_of(root)):
        if isinstance(made, widgets.ToggleButtons) and option in made.options:
            return made
    raise AssertionError(f"no toggle offers {option!r}")
