"""A Bokeh layout as a widget."""

from jupyter_bokeh import BokehModel

__all__ = ["Chart"]


class Chart(BokehModel):  # type: ignore[misc]
    """`BokehModel` that can be closed twice: its own `close` raises when ipywidgets closes it again at its end."""

    def close(self) -> None:
        """Take the widget from the page; nothing happens the second time."""
        if self.comm is not None:
            super().close()
