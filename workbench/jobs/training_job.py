"""One training as a process of its own, which tells each epoch and can be stopped at any moment.

What is to be trained comes as a line of JSON on the standard input; what happens goes to the standard output, a line of
JSON each. The end of the input, as when the one who asked closes it or dies, stops the training: nothing of it stays. A
version that is being registered is registered to its end: it is there whole, or not at all.
"""

import json
import os
import shutil
import signal
import sys
import threading
from pathlib import Path
from types import FrameType
from typing import Any

from workbench.exceptions import WorkbenchError
from workbench.jobs.processes import STOPPED, Request
from workbench.models.listing import ModelInfo
from workbench.models.names import model_name
from workbench.models.registry import Registry
from workbench.names import path_name
from workbench.session import Session, open_session

__all__ = ["main", "run"]


class _Undivided(Registry):
    """A registry in which a registration that has begun is not stopped."""

    def register(self, *arguments: Any, **options: Any) -> ModelInfo:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        _tell(registering=True)
        return super().register(*arguments, **options)


def run(session: Session, request: Request) -> dict[str, Any]:
    """Train, tell each epoch, and register; where it is stopped, take away what it has left.

    Parameters
    ----------
    session : Session
        Session whose archive and registry are used.
    request : Request
        Forecaster, channel and parameters of the training.

    Returns
    -------
    dict
        The row of `workbench.models.training.train_channels`.

    Raises
    ------
    WorkbenchError
        The request is wrong, or the registry cannot be used.
    """
    from workbench.models.training import train_channels

    settings = session.settings
    name = model_name(request.channel, request.forecaster)
    with _Undivided(settings.registry_path, settings.tracking_uri, settings.model_cache_bytes) as registry:
        before = _checkpoints(registry, name)
        try:
            table = train_channels(
                session.archive,
                registry,
                [request.channel],
                request.forecaster,
                parameters=request.parameters,
                windows=settings.params.windows,
                max_gap_seconds=settings.params.max_gap_seconds,
                seed=request.seed,
                force=True,
                progress=_tell_epoch,
            )
        except (SystemExit, BrokenPipeError):
            for folder in _checkpoints(registry, name) - before:
                shutil.rmtree(folder, ignore_errors=True)
            raise
    row = table.iloc[0]
    return {key: str(row[key]) for key in ("status", "model", "alias", "reason")}


def main() -> None:
    """Read the request, train, and say how it ended."""
    signal.signal(signal.SIGTERM, _stop)
    request = Request.from_json(sys.stdin.readline())
    threading.Thread(target=_stop_with_input, daemon=True).start()
    try:
        with open_session() as session:
            _tell(done=run(session, request))
    except WorkbenchError as error:
        _tell(done={"status": "failed", "model": "", "alias": "", "reason": str(error)})


def _tell_epoch(epoch: int, most: int, loss: float, validation_loss: float) -> None:
    _tell(epoch=epoch, epochs=most, loss=loss, validation_loss=validation_loss)


def _tell(**what: Any) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


def _stop(_number: int, _frame: FrameType | None) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # once
    sys.exit(STOPPED)


def _stop_with_input() -> None:
    sys.stdin.read()
    os.kill(os.getpid(), signal.SIGTERM)


def _checkpoints(registry: Registry, name: str) -> set[Path]:
    return set((registry.location.folder / "checkpoints").glob(f"{path_name(name)}-*"))


if __name__ == "__main__":
    main()
