"""The last cell of an app: wait for a browser, and show what it asks for."""

import asyncio
import json
import os
import threading
from contextlib import suppress

from tornado.httpclient import HTTPClientError
from tornado.websocket import websocket_connect

from workbench.heap import give_back_memory
from workbench.observability.logs import log_path, log_to
from workbench.observability.status import LOOK_HEADER, KernelReport
from workbench.views.page_comm import use_page_comms
from workbench.views.shell import Shell
from workbench.views.widgets.timers import Polling

__all__ = ["show", "wait_for_page"]

_TELL_SECONDS = 2.0
_GIVE_BACK_SECONDS = 5.0  # a forecast leaves 25 MB free; where nothing is, this takes 0.02 ms
_CONNECT_SECONDS = 5.0


def show(shell: Shell) -> Shell:
    """Show the page that a browser asks for, as soon as one does; at once in JupyterLab.

    Parameters
    ----------
    shell : Shell
        The page.

    Returns
    -------
    Shell
        The same page.
    """
    log_to(log_path(shell.session.settings.home))
    if wait_for_page():
        use_page_comms()
    look = os.environ.get(f"HTTP_{LOOK_HEADER.upper().replace('-', '_')}", "")
    Polling(KernelReport(shell.session.registry.cache).tell, _TELL_SECONDS).start()
    Polling(give_back_memory, _GIVE_BACK_SECONDS).start()
    shell.visit(os.environ.get("QUERY_STRING", ""), look)
    return shell


def wait_for_page() -> bool:
    """Wait until a browser asks for the page, in a kernel that was started ahead; return at once in any other.

    What runs after this in an app sees the data of that moment, and the request in its environment. Voila's own
    function does the same and would bring all of Voila into the kernel, 40 MB.

    Returns
    -------
    bool
        Whether a browser has asked for the page; in a notebook it has not.
    """
    if os.environ.get("VOILA_PREHEAT", "False") == "False":
        return False
    server = f"{os.environ.get('VOILA_APP_IP', '127.0.0.1')}:{os.environ.get('VOILA_APP_PORT', '8866')}"
    base = os.environ.get("VOILA_WS_BASE_URL", os.environ.get("VOILA_SERVER_URL", "/"))
    protocol, kernel = os.environ.get("VOILA_WS_PROTOCOL", "ws"), os.environ.get("VOILA_KERNEL_ID")
    told: list[str | bytes | None] = []
    address = f"{protocol}://{server}{base}voila/query/{kernel}"
    thread = threading.Thread(target=_listen, args=(address, told), daemon=True)  # this one has a loop already
    thread.start()
    thread.join()
    if told and told[0] is not None:
        os.environ.update(json.loads(told[0]))
    if told and "SERVER_SOFTWARE" not in os.environ:
        os._exit(0)  # the server stopped while this kernel waited; nobody is left to answer
    return bool(told)


def _listen(address: str, told: list[str | bytes | None]) -> None:
    """Add what the server tells of the request, None where it has stopped; nothing where it cannot be reached."""

    async def listen() -> str | bytes | None:
        connection = await websocket_connect(address, connect_timeout=_CONNECT_SECONDS)
        message = await connection.read_message()
        connection.close()
        with suppress(TimeoutError):
            async with asyncio.timeout(_CONNECT_SECONDS):
                while await connection.read_message() is not None:  # until it is closed
                    pass
        return message

    with suppress(OSError, HTTPClientError):
        told.append(asyncio.run(listen()))
