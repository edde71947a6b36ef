"""A Bokeh layout as a widget."""

from bokeh.io import output_notebook
from bokeh.models import CustomJS, LayoutDOM
from bokeh.resources import Resources
from IPython.core.getipython import get_ipython
from jupyter_bokeh import BokehModel

__all__ = ["Chart", "load_bokehjs"]

_SAVE = """
const [stem, kind] = chart.tags
if (kind === undefined) return
const view = Bokeh.index.find_one(chart) ?? [...Bokeh.index].find(view => view.model === chart)
if (view == null) return
const link = document.createElement("a")
link.download = `${stem}.${kind}`
view.export(kind, true).to_blob().then((blob) => {
  link.href = URL.createObjectURL(blob)
  link.click()
  setTimeout(() => URL.revokeObjectURL(link.href), 10000)
})
"""
"""Runs in the page, where the chart is; `tags` say under which name and as what it is saved."""


class Chart(BokehModel):  # type: ignore[misc]
    """`BokehModel` that can be saved as a picture, and closed twice: its own `close` raises the second time.

    Parameters
    ----------
    model : bokeh.models.LayoutDOM
        What is shown.
    **kwargs
        Of `BokehModel`.
    """

    def __init__(self, model: LayoutDOM, **kwargs: object) -> None:
        model.js_on_change("tags", CustomJS(args={"chart": model}, code=_SAVE))
        self._shown = model
        super().__init__(model, **kwargs)

    def save(self, stem: str, kind: str) -> None:
        """Have the page save the chart.

        Parameters
        ----------
        stem : str
            File name without its ending.
        kind : str
            `png`, or `svg`.
        """
        self._shown.tags = []
        self._shown.tags = [stem, kind]

    def close(self) -> None:
        """Take the widget from the page; nothing happens the second time."""
        if self.comm is not None:
            self.layout.close()
            super().close()


def load_bokehjs() -> None:
    """Give a notebook BokehJS, from Bokeh's own package: charts in widgets need it and do not bring it.

    Nothing happens outside IPython. A page that has it keeps what it has.
    """
    if get_ipython() is not None:
        output_notebook(Resources(mode="inline", components=["bokeh"]), hide_banner=True)
