"""The kernel's end of what its widgets and the dashboard's page tell each other."""

from typing import Any

import comm
from ipykernel.comm.comm import BaseComm
from ipykernel.kernelbase import Kernel

from workbench.views.widgets.together import Message, hold, send_with

__all__ = ["TOGETHER", "PageComm", "use_page_comms"]

TOGETHER = "workbench-together"
"""Number of the comm whose messages hold others; `frontend/src/manager.js` takes them apart."""


class PageComm(BaseComm):
    """One end of what the two halves of a widget tell each other; its messages can be held."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.kernel = Kernel.instance()  # a widget tells nothing through a comm without a kernel
        super().__init__(*args, **kwargs)  # type: ignore[no-untyped-call]

    def publish_msg(
        self, msg_type: str, data: Any = None, metadata: Any = None, buffers: Any = None, **keys: Any
    ) -> None:
        """Send a message to the page, or hold it; see `workbench.views.widgets.together`.

        Parameters
        ----------
        msg_type : str
            `comm_open`, `comm_msg` or `comm_close`.
        data, metadata : dict, optional
            What is told, and what is told about it.
        buffers : list, optional
            Arrays that belong to it.
        **keys
            Further parts of the content.
        """
        content = {"data": data or {}, "comm_id": self.comm_id, **keys}
        if not hold(Message(msg_type, content, metadata or {}, buffers or [])):
            super().publish_msg(msg_type, data, metadata, buffers, **keys)  # type: ignore[no-untyped-call]


def use_page_comms() -> None:
    """Make the comms of widgets that are made from now on as the dashboard's page takes them; no other page does."""
    comm.create_comm = PageComm
    send_with(_Together().send_all)


class _Together:
    """Sends many messages as one."""

    def __init__(self) -> None:
        self._comm = BaseComm(TOGETHER, comm_id=TOGETHER, primary=False)  # type: ignore[no-untyped-call]

    def send_all(self, messages: list[Message]) -> None:
        told = [[kind, content, metadata, len(buffers)] for kind, content, metadata, buffers in messages]
        self._comm.send({"messages": told}, buffers=[buffer for message in messages for buffer in message.buffers])
