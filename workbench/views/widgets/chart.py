"""A Bokeh layout as a widget."""

import json
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from bokeh.core.json_encoder import serialize_json
from bokeh.core.serialization import Serializer
from bokeh.document import Document
from bokeh.document.events import DocumentPatchedEvent
from bokeh.io import output_notebook
from bokeh.models import CustomJS, LayoutDOM, Range1d
from bokeh.resources import Resources
from bokeh.util.serialization import make_id
from IPython.core.getipython import get_ipython
from jupyter_bokeh import BokehModel

from workbench.views.widgets.chart_text import render_bundle

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
    """`BokehModel` that shows the document as it is now, can be saved as a picture, and can be closed twice.

    Parameters
    ----------
    model : bokeh.models.LayoutDOM
        What is shown.
    **kwargs
        Of `BokehModel`.

    Notes
    -----
    `BokehModel` writes its document into the trait `render_bundle` when it is made, and hands out that text for as
    long as it lives. A page that comes later, as every page of the dashboard does, would draw the charts as they were
    then: what has changed since was sent as patches before there was anybody to take them. Here the trait stays empty,
    and the document is written whenever the state is asked for.

    Patches are numbered, and the text says which of them it holds: `frontend/src/bokeh.js` compares the numbers in the
    page, and asks for the document where one is missing. JupyterLab has the front end of jupyter_bokeh as it is, which
    does not look at the numbers.
    """

    def __init__(self, model: LayoutDOM, **kwargs: object) -> None:
        self._bundle = ""
        self._serial = 0  # of the patch that was sent last
        self._has_reader = True
        super().__init__(model, **kwargs)

    def update_from_model(self, model: LayoutDOM) -> None:
        """Show another layout in place of the present one.

        Parameters
        ----------
        model : bokeh.models.LayoutDOM
            What is shown from now on.
        """
        model.js_on_change("tags", CustomJS(args={"chart": model}, code=_SAVE))
        if model.document is None:
            Document().add_root(model)
        self._model = model
        self._document.on_change_dispatch_to(self)
        self._serial += 1
        self.send_document()

    def get_state(self, key: str | Iterable[str] | None = None, drop_defaults: bool = False) -> dict[str, Any]:
        """Return the state for the page, with the document as it is now.

        Parameters
        ----------
        key : str or iterable of str, optional
            Names of the traits that are asked for; all of them where omitted.
        drop_defaults : bool
            Whether to leave out traits that have their default values.

        Returns
        -------
        dict of str to object
            By the name of the trait.
        """
        state: dict[str, Any] = super().get_state(key, drop_defaults)
        if "render_bundle" in state and self._has_reader:
            state["render_bundle"] = self._written()
        return state

    def open(self) -> None:
        """Tell the page of the chart; outside a kernel nobody reads what is told, and the document is not written."""
        self._has_reader = get_ipython() is not None
        super().open()
        self._has_reader = True

    def send_document(self) -> None:
        """Send the page the whole document; nothing happens where there is no page yet."""
        self._bundle = ""
        if self.comm is not None:
            self.send_state("render_bundle")

    def save(self, stem: str, kind: str) -> None:
        """Have the page save the chart.

        Parameters
        ----------
        stem : str
            File name without its ending.
        kind : str
            `png`, or `svg`.
        """
        self._model.tags = []
        self._model.tags = [stem, kind]

    def close(self) -> None:
        """Take the widget from the page; nothing happens the second time."""
        if self.comm is not None:
            self.layout.close()
            super().close()

    def _written(self) -> str:
        """Return the document as the page reads it; it is written anew only after a change."""
        if not self._bundle:
            text = serialize_json(render_bundle(self._model))
            self._bundle = f'{{"serial":{self._serial},{text[1:]}'
        return self._bundle

    def _document_patched(self, event: DocumentPatchedEvent) -> None:
        self._bundle = ""
        if event.setter is not self:
            self._send_patch([event])

    def _send_patch(self, events: list[DocumentPatchedEvent]) -> None:
        models = events[0].document.models
        serializer = Serializer(references=models.synced_references, deferred=False)  # arrays inside the text
        content = serialize_json({"events": serializer.encode(events)})
        models.flush_synced(lambda model: not serializer.has_ref(model))
        header = json.dumps({"msgid": make_id(), "msgtype": "PATCH-DOC"})
        self._serial += 1
        for place, payload in enumerate((header, "{}", content)):
            self.send({"msg": "patch", "payload": payload, "serial": self._serial, "part": place})

    def _sync_model(self, widget: BokehModel, content: dict[str, Any], buffers: list[Any]) -> None:
        if content.get("event") == "missed":
            self.send_document()
        else:
            super()._sync_model(widget, content, buffers)


def load_bokehjs() -> None:
    """Load BokehJS into a notebook from Bokeh's own package: charts in widgets need it and do not bring it.

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

    def _send_patch(self, events: list[DocumentPatchedEvent]) -> None:
        if self._held is not None:
            self._held += events
        else:
            super()._send_patch(events)
