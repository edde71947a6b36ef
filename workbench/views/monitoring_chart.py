"""A chart that is redrawn many times a second: what changes together travels together."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

from bokeh.core.json_encoder import serialize_json
from bokeh.core.serialization import Serializer
from bokeh.document.events import DocumentPatchedEvent
from bokeh.models import LayoutDOM
from bokeh.util.serialization import make_id

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
    `BokehModel` sends each change of each model as three messages and two more for each array: hundreds for eight
    strips, which the page takes one by one. Here all changes are three messages.
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
        models = events[0].document.models
        serializer = Serializer(references=models.synced_references, deferred=False)  # arrays inside the text
        content = serialize_json({"events": serializer.encode(events)})
        models.flush_synced(lambda model: not serializer.has_ref(model))
        header = json.dumps({"msgid": make_id(), "msgtype": "PATCH-DOC"})
        for part in (header, "{}", content):
            self.send({"msg": "patch", "payload": part})
