"""A chart that is redrawn many times a second: what changes together travels together."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

from bokeh.document.events import DocumentPatchedEvent
from bokeh.models import LayoutDOM
from bokeh.protocol import Protocol

from workbench.views.chart import Chart

__all__ = ["LiveChart"]


class LiveChart(Chart):
    """A Bokeh layout whose changes can be sent as one message.

    Parameters
    ----------
    model : bokeh.models.LayoutDOM
        What is shown.

    Notes
    -----
    `BokehModel` sends each change of each model as three messages and two more for each array, and the page may paint
    between them.
    """

    def __init__(self, model: LayoutDOM) -> None:
        self._held: list[DocumentPatchedEvent] | None = None
        super().__init__(model)

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
        patch = Protocol().create("PATCH-DOC", events)
        for part in (patch.header_json, patch.metadata_json, patch.content_json):
            self.send({"msg": "patch", "payload": part})
        for buffer in patch.buffers:
            self.send({"msg": "patch", "payload": json.dumps(buffer.ref)})
            self.send({"msg": "patch"}, [buffer.to_bytes()])
