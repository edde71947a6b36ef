"""Tables, boxes and lines of charts of a view, found by what a reader knows them by; beside `tests.views.look`."""

from tests.views.look import widgets_of
from workbench.views.widgets.grid import Grid


def find_grid(root, label):
    """Return the table with a label for screen readers."""
    [grid] = [made for made in widgets_of(root) if isinstance(made, Grid) and made.label == label]
    return grid


def find_box(root, css):
    """Return the one widget that has a CSS class."""
    [made] = [made for made in widgets_of(root) if css in made._dom_classes]  # a trait: the name is the page's
    return made


def columns(plot, source):
    """Return the columns of a figure's data source by name."""
    return next(line.data_source.data for line in plot.renderers if line.data_source.name == source)
