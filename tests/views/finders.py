"""Find what a view shows, as a reader does: controls by their labels, words, tables and lines of charts."""

import html
import re

import ipywidgets as widgets

from workbench.views.widgets.grid import Grid


def every_widget(root, *, hidden=False):
    """Return the widgets of a view from top to bottom; without those in a hidden box unless asked."""
    if not hidden and (root.layout.display == "none" or root.layout.visibility == "hidden"):
        return []
    children = [made for child in getattr(root, "children", ()) for made in every_widget(child, hidden=hidden)]
    return [root, *children]


def labels(widget):
    """Return the texts by which a reader or a screen reader knows a control."""
    names = ("description", "tooltip", "placeholder", "label")
    if isinstance(widget, Grid):
        return [widget.label]
    if not isinstance(widget, (widgets.Button, widgets.Text, widgets.Dropdown, widgets.ToggleButtons)):
        names = ("description", "tooltip")
    texts = [getattr(widget, name, None) for name in names if name != "label"]
    return [text for text in texts if isinstance(text, str) and text]


def control(view, label):
    """Return the one control that has a label; buttons may be hidden."""
    found = [widget for widget in every_widget(view.pane, hidden=True) if label in labels(widget)]
    assert len(found) == 1, f"{len(found)} controls are labelled {label!r}"
    return found[0]


def choice(view, *options):
    """Return the toggle buttons that offer some options."""
    toggles = [widget for widget in every_widget(view.pane, hidden=True) if isinstance(widget, widgets.ToggleButtons)]
    [found] = [widget for widget in toggles if set(options) <= set(widget.options)]
    return found


def press(view, label):
    """Press the button with a label."""
    button = control(view, label)
    assert not button.disabled, f"{label!r} is disabled"
    button.click()


def markup(view, css="", *, hidden=True):
    """Return the HTML that a view shows, of the widgets under a CSS class where one is named."""
    roots = [view.pane]
    if css:
        roots = [one for one in every_widget(view.pane, hidden=True) if css in one._dom_classes]
        assert roots, f"nothing has the class {css!r}"
    shown = [one for root in roots for one in every_widget(root, hidden=hidden)]
    return "\n".join(one.html if isinstance(one, Grid) else one.value for one in shown if isinstance(one, HOLDERS))


HOLDERS = (Grid, widgets.HTML)


def words(view, css="", *, hidden=False):
    """Return the words that a view shows, without their markup."""
    return text(markup(view, css, hidden=hidden))


def text(shown):
    """Return HTML without its tags, with single spaces."""
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", shown))).strip()


def columns(plot, source):
    """Return the columns of a figure's source by name."""
    sources = {renderer.data_source.name: renderer.data_source.data for renderer in plot.renderers}
    return sources[source]
