"""Commands of live telemetry: the service, replays, new tags, and what became of samples."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from workbench.cli.common import AsJson, local, open_session, printable, show, stop_on_signals
from workbench.counts import counted
from workbench.exceptions import ChannelNotFoundError
from workbench.names import cut_in_the_middle

if TYPE_CHECKING:
    import xarray as xr

    from workbench.live.feeds.feed import Feed
    from workbench.live.journal import Journal, Tag
    from workbench.settings import Settings

__all__ = ["live"]

_MAX_LETTERS = 60  # of a name in a table

live = typer.Typer(help="Take telemetry as it comes, score it, and raise alerts, until Ctrl-C.", no_args_is_help=False)
TagNames = Annotated[
    list[str], typer.Argument(metavar="TAG...", help="Names of the tags, as workbench live tags prints them.")
]


@live.callback(invoke_without_command=True)
def _run(
    context: typer.Context,
    port: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=65535,
            metavar="PORT",
            show_default="live.port of the settings, 8867",
            help="Port that samples are posted to, and health and metrics are read from; 0 takes any free port.",
        ),
    ] = None,
) -> None:
    """Take telemetry as it comes, score it, and raise alerts, until Ctrl-C."""
    if context.invoked_subcommand is not None:
        return
    session = open_session()
    session.check_settings(database=True)
    settings = session.settings
    if port is not None:
        settings = settings.model_copy(update={"live": settings.live.model_copy(update={"port": port})})
    feeds: list[Feed] = []
    if settings.live.mqtt.host is not None:
        from workbench.live.feeds.mqtt import MqttFeed

        feeds.append(MqttFeed(settings.live))
    if settings.live.opcua.url is not None:
        from workbench.live.feeds.opcua import OpcUaFeed

        feeds.append(OpcUaFeed(settings.live))
    _serve(settings, feeds)


@live.command("replay")
def replay(
    channels: Annotated[list[str], typer.Argument(metavar="CHANNEL", help="Names of the channels to send again.")],
    speed: Annotated[
        float,
        typer.Option(
            min=0.1, max=10_000, help="Seconds of the telemetry a second; samples of a channel without times."
        ),
    ] = 60.0,
    fault: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KIND=RATE",
            show_default="no faults",
            help="Rate of a fault on the way, for example drop=0.01; also duplicate, reorder, delay, skew, stuck, "
            "spike. Can be repeated.",
        ),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(min=0, max=2**32 - 1, show_default="seed of the settings, 0", help="Seed of the faults."),
    ] = None,
    skip: Annotated[int, typer.Option(min=1, help="Test samples that are there from the start.")] = 1,
    source: Annotated[
        Path | None,
        typer.Option(
            callback=local, metavar="HOME", show_default="the home in use", help="Home whose samples are sent."
        ),
    ] = None,
    real: Annotated[
        bool,
        typer.Option("--real", help="Send into the home in use, with real alerts and messages; needs --source."),
    ] = False,
) -> None:
    """Send archived channels again, as if they came just now, and end when all is sent and judged.

    They are sent into a sandbox inside the home, which is made anew and has alerts of its own; nobody is notified.
    """
    from workbench.live.feeds.replay import ReplayFeed, rates_of
    from workbench.live.sandbox import make_sandbox, samples_to_come

    if real and source is None:
        raise typer.BadParameter("--real needs --source: the home in use holds its own samples already.")
    rates = rates_of(fault or [])
    session = open_session()
    origin = session if source is None else open_session(home=source)
    names = origin.channel_names(channels)
    rest: Mapping[str, xr.Dataset]
    if real:
        settings, rest = session.settings, samples_to_come(session, origin, names)
    else:
        settings, rest = make_sandbox(origin, names, skip)
        typer.echo(f"Sandbox: {settings.home}. See its alerts with: workbench --home {settings.home} alerts list")
    feed = ReplayFeed(rest, speed, rates, settings.seed if seed is None else seed)
    _serve(settings, [feed], until_finished=True)


@live.command("status")
def status(as_json: AsJson = False) -> None:
    """List how many samples of each channel became what, and how many of its anomalies are provisional."""
    import pandas as pd

    from workbench.detection.continuing import provisional_rows
    from workbench.live.samples import COUNTERS

    journal, scores = _journal(), open_session().archive.all_scores()
    counters = journal.counters()
    names = dict.fromkeys(name for counts in counters.values() for name in counts)
    rows = [
        {
            "channel": name,
            **{counter: counters.get(counter, {}).get(name, 0) for counter in COUNTERS},
            "provisional": max(map(provisional_rows, scores.get(name, ({}, {}))[0].values()), default=0),
        }
        for name in names
    ]
    empty = "Nothing has come yet. Run: workbench live"
    show(pd.DataFrame(rows, columns=["channel", *COUNTERS, "provisional"]), as_json, empty)
    if not as_json:
        for one in journal.faults():
            typer.echo(printable(f"{one['feed']}: {one['kind']}, {one['count']} in all, last: {one['example']}"))


@live.command("refused")
def refused(as_json: AsJson = False) -> None:
    """List the samples that were kept aside, newest first: late ones, contradictions, and those in quarantine."""
    import pandas as pd

    columns = ["channel", "reason", "moment", "time", "value", "present", "received"]
    rows = pd.DataFrame(_journal().refused(), columns=[*columns, "clock"])
    clocked = list(zip(rows["clock"], rows["moment"], strict=True))
    rows["time"] = [pd.Timestamp(at, tz="UTC").isoformat() if clock == "time" else None for clock, at in clocked]
    rows["received"] = pd.to_datetime(rows["received"], unit="s", utc=True).dt.floor("s")
    if not as_json:  # nanoseconds are for programs
        rows["moment"] = [None if clock == "time" else at for clock, at in clocked]
    show(rows[columns], as_json, "No sample was refused.")


@live.command("tags")
def tags(as_json: AsJson = False) -> None:
    """List the tags that no channel has: those that wait for a person, and those that were accepted or ignored."""
    import pandas as pd

    journal = _journal()
    pending = {one.channel: one.samples for one in journal.pending()}
    rows = [
        {
            "tag": tag.name,
            "state": tag.state,
            "samples": pending.get(tag.id, 0),
            "needed": tag.train_samples + 1 if tag.state == "accepted" else None,
            "asset": tag.asset,
            "inputs": ", ".join(tag.inputs),
        }
        for tag in journal.tags()
        if tag.state != "served"
    ]
    columns = ["tag", "state", "samples", "needed", "asset", "inputs"]
    table = pd.DataFrame(rows, columns=columns).astype({"needed": "Int64"})
    if not as_json:
        whole = table.copy()
        for column in ("tag", "asset", "inputs"):
            table[column] = [cut_in_the_middle(text, _MAX_LETTERS) for text in table[column]]
    show(table, as_json, "No tag waits. New ones appear here when they send something that no rule speaks of.")
    if not as_json and not table.equals(whole):
        typer.echo("Long names are cut in the middle: --json prints them whole.")


@live.command("accept")
def accept(
    tags: TagNames,
    asset: Annotated[str, typer.Option(help="Asset of the new channels.")],
    subsystem: Annotated[str, typer.Option(help="Subsystem of the new channels.")] = "",
    units: Annotated[str, typer.Option(help="Units of its values.")] = "",
    train_samples: Annotated[
        int, typer.Option(min=100, max=1_000_000, help="First samples, from which its models learn.")
    ] = 2_000,
) -> None:
    """Make each tag a channel, once one sample more than its models learn from has come."""
    journal = _journal()
    waiting_tags = [_tag(journal, tag) for tag in tags]
    changes: dict[str, Any] = {"asset": asset, "subsystem": subsystem, "units": units, "train_samples": train_samples}
    pending = {one.channel: one.samples for one in journal.pending()}
    for waiting_tag in waiting_tags:
        journal.change_tag(replace(waiting_tag, state="accepted", **changes))
        have, needed = pending.get(waiting_tag.id, 0), train_samples + 1
        state = f"{have:,} of {needed:,} samples are there"
        if have >= needed:
            state = f"the {needed:,} samples that it needs are there"
        typer.echo(printable(f"{waiting_tag.name} is accepted: {state}."))


@live.command("ignore")
def ignore(tags: TagNames) -> None:
    """Ignore tags: their samples are discarded, and what comes of them later is only counted."""
    journal = _journal()
    for waiting_tag in [_tag(journal, tag) for tag in tags]:
        journal.change_tag(replace(waiting_tag, state="ignored"))
        discarded = counted(journal.forget_samples(waiting_tag), "sample")
        typer.echo(printable(f"{waiting_tag.name} is ignored: {discarded} discarded."))


def _serve(settings: "Settings", feeds: "list[Feed]", *, until_finished: bool = False) -> None:
    """Run the service, and say at the end what became of the samples."""
    import logging

    from workbench.live.samples import COUNTERS
    from workbench.live.service import LiveService
    from workbench.observability.logs import log_to, rotate
    from workbench.session import Session

    stop = stop_on_signals()
    log, service_log = settings.home / "logs" / "live.log", logging.getLogger("workbench.live")
    rotate(log)
    log_to(log, structured=True)
    service_log.setLevel(logging.INFO)

    def announce(line: str) -> None:
        typer.echo(printable(line))
        service_log.info("%s", line)

    service_log.info("The service begins.")
    logging.getLogger("asyncio").setLevel(logging.ERROR)
    service = LiveService(partial(Session, settings), feeds, port=not until_finished, announce=announce)
    service.run(stop, until_finished=until_finished)
    figures = service.detection.figures
    counters = service.counters()
    counts = [f"{sum(counters[name].values()):,} {name}" for name in COUNTERS if counters.get(name)]
    announce(f"Samples: {', '.join(counts) or 'none'}. {figures.alerts:,} alerts raised.")


def _journal() -> "Journal":
    from workbench.live.journal import Journal

    return Journal(open_session().settings.journal_path)


def _tag(journal: "Journal", name: str) -> "Tag":
    tags_by_name = {tag.name: tag for tag in journal.tags()}
    if name not in tags_by_name or tags_by_name[name].state == "served":
        raise ChannelNotFoundError(f"No tag {name!r} waits.", "Run: workbench live tags")
    return tags_by_name[name]
