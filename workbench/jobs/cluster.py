"""A Dask scheduler with workers on this machine, until Ctrl-C."""

import logging
import warnings
from collections.abc import Callable

from workbench.compute.dask_logs import quiet_dask
from workbench.exceptions import ComputeError

__all__ = ["serve_cluster"]


def serve_cluster(workers: int, host: str, port: int, announce: Callable[[str], None]) -> None:
    """Start a scheduler and workers, say the address, and stay until Ctrl-C, which ends all of them.

    Parameters
    ----------
    workers : int
        Worker processes on this machine, each of one thread.
    host : str
        Address that the scheduler listens at.
    port : int
        Its port; 0 takes any free one.
    announce : callable
        Takes each line for the reader.

    Raises
    ------
    ComputeError
        The address is not one of this machine, or the port is taken.
    """
    from distributed import LocalCluster

    with quiet_dask(), warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        try:
            cluster = LocalCluster(
                n_workers=workers,
                threads_per_worker=1,
                host=host,
                scheduler_port=port,
                dashboard_address="127.0.0.1:0",
                scheduler_kwargs={"dashboard": False},
                silence_logs=logging.CRITICAL,
            )
        except (OSError, RuntimeError) as error:
            reason = str(_first_cause(error)).splitlines()[0].rstrip(".")
            raise ComputeError(
                f"No scheduler can be started at {host}:{port}: {reason}.", "Choose another --host or --port."
            ) from None
        with cluster:
            address = cluster.scheduler_address
            announce(f"Scheduler {address}")
            announce(f"Next, in another shell: workbench score --all --compute {address}")
            announce("Ctrl-C ends it.")
            _wait()


def _first_cause(error: BaseException) -> BaseException:
    while error.__cause__ is not None:
        error = error.__cause__
    return error


def _wait() -> None:
    import threading

    threading.Event().wait()
