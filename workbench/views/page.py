"""The last cell of an app: wait for a browser, and show what it asks for."""

import os
import warnings

from workbench.observability.logs import log_path, log_to
from workbench.observability.status import LOOK_HEADER, KernelReport
from workbench.views.shell import Shell
from workbench.views.widgets.timers import Polling

__all__ = ["show", "wait_for_page"]

_TELL_SECONDS = 2.0


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
    wait_for_page()
    look = os.environ.get(f"HTTP_{LOOK_HEADER.upper().replace('-', '_')}", "")
    Polling(KernelReport(shell.session.registry.cache).tell, _TELL_SECONDS).start()
    shell.visit(os.environ.get("QUERY_STRING", ""), look)
    return shell


def wait_for_page() -> None:
    """Wait until a browser asks for the page, in a kernel that was started ahead; return at once in any other.

    What runs after this in an app sees the data of that moment.
    """
    if os.environ.get("VOILA_PREHEAT", "False") == "False":
        return
    from voila.utils import wait_for_request

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        wait_for_request()
    unreachable = any("Failed to connect" in str(warning.message) for warning in caught)
    if "SERVER_SOFTWARE" not in os.environ and not unreachable:
        os._exit(0)  # the server stopped while this kernel waited; nobody is left to answer
