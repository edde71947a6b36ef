"""A chart that is redrawn many times a second: what changes together travels together."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager

from bokeh.core.json_encoder import serialize_json
from bokeh.core.serialization import Serializer
from bokeh.document.events import DocumentPatchedEvent
from bokeh.models import CustomJS, LayoutDOM, Range1d
from bokeh.util.serialization import make_id

from workbench.views.chart import Chart

__all__ = ["LiveChart"]

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
        self._bundle = ""
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
        self._serial += 1
        for place, payload in enumerate((header, "{}", content)):
            self.send({"msg": "patch", "payload": payload, "serial": self._serial, "part": place})
