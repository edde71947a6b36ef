"""The process in which the demo fleet goes on: the live service, fed by the simulator, or by what it publishes."""

import os
import sys
import threading
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING

import typer

from workbench.demo.simulator import SimulatorFeed
from workbench.exceptions import WorkbenchError
from workbench.live.service import LiveService
from workbench.session import Session
from workbench.settings import load_settings
from workbench.telemetry.synthetic import samples_to_come

if TYPE_CHECKING:
    from workbench.live.feeds.feed import Feed
    from workbench.settings import Settings

__all__ = ["main"]

_FILED_EVERY_S = 5.0
_NICENESS = 5  # the pages of the dashboard come first


def main(*, mqtt: bool = False) -> None:
    """Take what the simulator sends, from the first line of the standard input on until that is closed.

    It is closed when whoever has started this ends.

    Parameters
    ----------
    mqtt : bool
        Whether it is sent through a mosquitto of its own, in the folder `mosquitto` of the home.
    """
    os.nice(_NICENESS)
    settings = load_settings()
    settings = settings.model_copy(update={"live": settings.live.model_copy(update={"archive_s": _FILED_EVERY_S})})
    try:
        with Session(settings) as session:
            coming = samples_to_come(session.archive)
        if not coming:
            typer.echo("The telemetry of the demo fleet has come to its end. For a new one, name an empty home.")
            return
        feed: Feed = SimulatorFeed(coming)
        if not sys.stdin.buffer.readline():
            return
        stop = threading.Event()
        threading.Thread(target=_wait_for_end, args=(stop,), daemon=True).start()
        with ExitStack() as resources:
            if mqtt:
                feed, settings = _published(feed, settings, resources)
            LiveService(partial(Session, settings), [feed], port=False, announce=_say).run(stop)
    except WorkbenchError as error:
        typer.echo(f"The demo fleet stands still: {error}", err=True)


def _published(simulator: "Feed", settings: "Settings", resources: ExitStack) -> "tuple[Feed, Settings]":
    """Start a broker to which the simulator publishes; return what receives from it, with the settings for it."""
    from workbench.demo.broker import Publisher, keep_for, mosquitto, over_mqtt
    from workbench.live.feeds.mqtt import MqttFeed

    port = resources.enter_context(mosquitto(settings.home / "mosquitto"))
    settings = over_mqtt(settings, port)
    keep_for(settings)
    publisher = Publisher(port)
    resources.callback(publisher.close)
    simulator.start(publisher)
    resources.callback(simulator.stop)
    return MqttFeed(settings.live), settings


def _wait_for_end(stop: threading.Event) -> None:
    sys.stdin.buffer.read()
    stop.set()


def _say(line: str) -> None:
    typer.echo(f"Live: {line}")
