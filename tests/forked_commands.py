"""Commands of the workbench without their start: each is forked from a process that has imported what they need.

It has the arguments, folder, environment and files of the program that stands for `workbench`, and a process of its own
that ends as ever; only the seconds in which a fresh interpreter imports are saved. `CLIENT` is that program.
"""

import gc
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[1]
CLIENT = """
import json, os, socket, sys
with socket.socket(socket.AF_UNIX) as connection:
    connection.connect(sys.argv[1])
    socket.send_fds(connection, [b"f"], [0, 1, 2])
    order = {"arguments": sys.argv[2:], "folder": os.getcwd(), "environment": dict(os.environ)}
    connection.sendall(json.dumps(order).encode())
    connection.shutdown(socket.SHUT_WR)
    status = connection.makefile().read()
sys.exit(int(status))
"""


@contextmanager
def forked_commands(folder: Path) -> Iterator[Path]:
    """Start the process that forks, and yield the socket at which `CLIENT` asks it."""
    address = folder / "commands"
    code = "import sys; from tests.forked_commands import serve; serve(sys.argv[1])"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("WORKBENCH_")}
    command = [sys.executable, "-c", code, str(address)]
    with subprocess.Popen(
        command, env=environment | {"PYTHONPATH": str(ROOT)}, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE
    ) as server:
        assert server.stdout is not None
        assert server.stdout.readline() == b"ready\n"
        try:
            yield address
        finally:
            server.terminate()


def serve(address: str) -> None:
    """Import what commands import, and fork one for each that asks."""
    from workbench.models.mlflow_calls import ENVIRONMENT

    os.environ.update(ENVIRONMENT)
    import alembic.config
    import alembic.script  # noqa: F401
    import mlflow.tracking  # noqa: F401
    import scipy.linalg
    import scipy.stats  # noqa: F401
    from sqlalchemy.dialects import sqlite  # noqa: F401
    from sqlalchemy.orm import configure_mappers

    import workbench.alerting
    import workbench.cli.app
    import workbench.jobs
    import workbench.maintenance.desk
    import workbench.session  # noqa: F401

    configure_mappers()
    gc.freeze()  # else each command copies at its end, to look for garbage, nearly all that it shares with this process

    assert threading.active_count() == 1, "a thread would be missing in what is forked"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(address)
        listener.listen()
        os.write(1, b"ready\n")
        while True:
            connection, _ = listener.accept()
            if os.fork() == 0:
                listener.close()
                _answer(connection)
                return
            connection.close()
            _reap()


def _reap() -> None:
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass


def _answer(connection: socket.socket) -> None:
    """Run the command in a child, which ends as any interpreter does, and send its exit status."""
    _, files, _, _ = socket.recv_fds(connection, 1, 3)
    order = json.loads(connection.makefile().read())
    child = os.fork()
    if child == 0:
        connection.close()
        for number, file in enumerate(files):
            os.dup2(file, number)
            os.close(file)
        os.chdir(order["folder"])
        os.environ.clear()
        os.environ.update(order["environment"])
        sys.argv = ["workbench", *order["arguments"]]
        from workbench.cli import main

        main()
        return
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    connection.sendall(str(status if status >= 0 else 128 - status).encode())
    connection.close()
    os._exit(0)
