"""A Bokeh layout as a widget."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager

from bokeh.core.json_encoder import serialize_json
from bokeh.core.serialization import Serializer
from bokeh.document.events import DocumentPatchedEvent
from bokeh.io import output_notebook
from bokeh.models import CustomJS, LayoutDOM, Range1d
from bokeh.resources import Resources
from bokeh.util.serialization import make_id
from IPython.core.getipython import get_ipython
from jupyter_bokeh import BokehModel

__all__ = ["Chart", "LiveChart", "load_bokehjs"]

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


_GIVE = "requestAnimationFrame(() => { receipt.end = receipt.start })"


_SILENT_SECONDS = 5.0


class LiveChart(Chart):
    """A Bokeh layout whose changes can be sent as one message.

    Parameters
    ----------
    model : bokeh.models.LayoutDOM
        What is shown.

    Notes
    -----
    `BokehModel` sends each change of each model as three messages and two more for each array: hundreds for eight
    strips, which the page takes one by one. Here all changes are three messages.
    """

    def __init__(self, model: LayoutDOM) -> None:
        self._held: list[DocumentPatchedEvent] | None = None
        self._receipt, self._asked = Range1d(start=0, end=0), 0.0  # start: asked for; end: given
        self._receipt.js_on_change("start", CustomJS(args={"receipt": self._receipt}, code=_GIVE))
        model.js_on_change("tags", CustomJS(args={"receipt": self._receipt}, code=""))  # it belongs to the document
        super().__init__(model)

    def ask(self) -> None:
        """Have the page say when it has drawn what was sent before."""
        self._asked = time.monotonic()
        self._receipt.start = float(self._receipt.start) + 1

    @property
    def behind(self) -> bool:
        """Whether the page was asked and has not said yet that it has drawn; one that is silent is not waited for."""
        return bool(self._receipt.end != self._receipt.start) and time.monotonic() - self._asked < _SILENT_SECONDS

    @contextmanager
    def together(self) -> Iterator[None]:
        """Hold changes back, and send them in one patch at the end."""
        if self._held is not None:
            yield
            return
        self._held = []
        try:
            yield
        finally:
            held, self._held = self._held, None
            if held and self.comm is not None:
                self._send_patch(held)

    def _document_patched(self, event: DocumentPatchedEvent) -> None:
        if event.setter is self:
            return
        if self._held is not None:
            self._held.append(event)
        else:
            self._send_patch([event])

    def _send_patch(self, events: list[DocumentPatchedEvent]) -> None:
        models = events[0].document.models
        serializer = Serializer(references=models.synced_references, deferred=False)  # arrays inside the text
        content = serialize_json({"events": serializer.encode(events)})
        models.flush_synced(lambda model: not serializer.has_ref(model))
        header = json.dumps({"msgid": make_id(), "msgtype": "PATCH-DOC"})
        for part in (header, "{}", content):
            self.send({"msg": "patch", "payload": part})
