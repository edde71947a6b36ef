"""Find a port that a server can listen on."""

import socket

from workbench.exceptions import SettingsError

__all__ = ["free_port"]


def free_port(host: str, port: int = 0) -> int:
    """Return a port of a host that nothing listens on.

    Parameters
    ----------
    host : str
        Address or name of this machine; one with a colon is IPv6.
    port : int
        The port to check; 0 takes any that is free.

    Returns
    -------
    int

    Raises
    ------
    SettingsError
        The port is in use, or may not be used.
    """
    if not 0 <= port <= 65_535:
        raise SettingsError(f"Port {port} cannot be used.", "Give a port from 1 to 65,535, or 0 for any free one.")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise SettingsError(
                f"Port {port} on {host} cannot be used: {error.strerror}.", "Choose another with --port."
            ) from None
        return int(probe.getsockname()[1])
