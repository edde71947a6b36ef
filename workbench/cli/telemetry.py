"""Commands that list the channels of the archive, change or remove them, and check the telemetry itself."""

from typing import Annotated

import typer

from workbench.cli.common import (
    AsJson,
    Channels,
    Who,
    count_text,
    end_with_failures,
    open_session,
    show,
    table_text,
)
from workbench.exceptions import CatalogError, SettingsError
from workbench.names import command_line

__all__ = ["channels", "quality"]

channels = typer.Typer(help="List the channels of the archive; choose anew what their models learn from; remove them.")

TrainFrom = Annotated[
    str | None,
    typer.Option(
        metavar="TIME",
        show_default="the beginning",
        help="First time of the samples that the models learn from.",
    ),
]


@channels.callback(invoke_without_command=True)
def _list(context: typer.Context, as_json: AsJson = False) -> None:
    """List the channels of the archive, with damage that their metadata show; `workbench doctor` reads every sample."""
    if context.invoked_subcommand is not None:
        return
    session = open_session()
    table = session.channels().reset_index()
    table = table.merge(session.overview()[["channel", "state", "anomalies"]], on="channel")
    table = table[[name for name in table if name != "damage"] + ["damage"]]
    show(table, as_json, "The archive is empty. Run: workbench run, or workbench import PATH.")


@channels.command("split")
def split_channels(
    channel: Annotated[list[str], typer.Argument(metavar="CHANNEL", help="Names of channels, for example P-1.")],
    train_until: Annotated[
        str,
        typer.Option(
            metavar="TIME",
            help="Last time of the samples that the models learn from, or number of a sample where there are no times.",
        ),
    ],
    train_from: TrainFrom = None,
    timezone: Annotated[
        str | None, typer.Option(metavar="ZONE", show_default="UTC", help="Time zone of times that name none.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Choose anew what the models of channels learn from; the samples after it are the test series.

    Models and scores that are stale after it are named. Nothing is lost: choosing the old span brings the old series
    back.
    """
    session = open_session()
    table = session.split(channel, train_until, train_from=train_from, timezone=timezone)
    show(table, as_json, "There is no channel to split. Run: workbench import PATH.")
    if not as_json and (table["status"] == "split").any():
        names = list(table.loc[table["status"] == "split", "channel"])
        stale = {
            model.rpartition("/")[0].rpartition(".")[2]
            for text in table["stale_models"]
            for model in text.split(", ")
            if model.rpartition("/")[2].isdigit()  # a name may hold a comma
        }
        commands = [
            command_line(
                "workbench train", *names, options="" if forecaster == "ridge" else f"--forecaster {forecaster}"
            )
            for forecaster in sorted(stale - {""}) or ["ridge"]
        ]
        typer.echo(f"Next: {', '.join(commands)}, then: {command_line('workbench score', *names)}")
        typer.echo(
            "Where a new model is not better than the old one, which stays champion then, train says what to do."
        )


@channels.command("grow")
def grow_channels(
    channel: Annotated[list[str], typer.Argument(metavar="CHANNEL", help="Names of channels, for example P-1.")],
    ended: Annotated[
        bool, typer.Option("--ended", help="No more samples are to come: the series is judged to its end.")
    ] = False,
) -> None:
    """Say that more samples of channels are to come: alerts are raised only for what no later sample takes back."""
    open_session().set_growing(channel, not ended)
    more = "no more samples are to come" if ended else "more samples are to come"
    typer.echo(f"{', '.join(channel)}: {more}. Next: {command_line('workbench score', *channel)}")


@channels.command("remove")
def remove_channels(
    who: Who,
    channel: Annotated[
        list[str] | None, typer.Argument(metavar="CHANNEL", help="Names of channels, for example P-1.")
    ] = None,
    asset: Annotated[
        str | None,
        typer.Option(metavar="ASSET", help="Asset whose channels are all removed, in place of their names."),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Remove them without asking.")] = False,
    as_json: AsJson = False,
) -> None:
    """Remove channels from the archive, as those of a file that was imported by mistake; it asks before it does.

    Their samples, labels and scores are discarded for good. Their models are retired and their open alerts closed, with
    the reason in the maintenance log. Work orders and the log are kept. The channels can be imported again.
    """
    from workbench.removal import removal_text

    if bool(channel) == (asset is not None):
        raise typer.BadParameter(
            "Nothing says what to remove. Name channels, or one asset with --asset; `workbench channels` lists them."
            if not channel
            else "Channels are named, and --asset is passed. Use one of the two."
        )
    session = open_session()
    table = session.remove_channels(channel or None, asset=asset, dry_run=True)
    if not yes:
        typer.echo(table_text(table), err=True)
        typer.echo(removal_text(table), err=True)
        try:
            agreed = typer.confirm(f"Remove {count_text(len(table), 'channel')}?", err=True)
        except typer.Abort:  # nobody is there to answer
            agreed = False
            typer.echo(err=True)
        if not agreed:
            typer.echo("Nothing was removed. Pass --yes to remove without being asked.", err=True)
            raise typer.Exit(1)
    table = session.remove_channels(channel or None, asset=asset, who=who)
    if as_json or yes:
        show(table, as_json, "")
    if as_json:
        return
    typer.echo(f"{count_text(len(table), 'channel')} removed.")
    try:
        session.check_settings()
    except (CatalogError, SettingsError) as error:
        typer.echo(f"Before the next scoring: {error}", err=True)


@channels.command("retain")
def retain_channels(
    channel: Channels = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
    as_json: AsJson = False,
) -> None:
    """Remove samples that are older than `retention` of the settings keeps, for good.

    Whole segments go, of all channels where none is named. Training data, samples of labels and of open alerts, and
    those that a score needs to go on, stay; the table says so.
    """
    session = open_session()
    table = session.retain(channel or None, dry_run=dry_run)
    show(table, as_json, "There is no channel. Run: workbench import PATH.")
    failed = table[table["status"] == "failed"]
    if not as_json:
        if table["days"].isna().all():
            typer.echo("All samples are kept: there is no retention in the settings.")
        else:
            going = table[table["samples"] > 0]
            verb = "would go" if dry_run else "are removed"
            typer.echo(
                f"{count_text(int(going['samples'].sum()), 'sample')} of {len(going)} of "
                f"{count_text(len(table), 'channel')} {verb}."
            )
    end_with_failures(dict(zip(failed["channel"], failed["reason"], strict=True)), len(table))


def quality(channel: Channels = None, as_json: AsJson = False) -> None:
    """Check the telemetry itself: gaps, stuck values, outliers, noise, drift and constant training data.

    All channels are checked where none is named.
    """
    report = open_session().quality(channel or None, progress=True)
    damages: dict[str, str] = report.attrs["damaged"]
    table = report.to_dataframe().reset_index()
    show(table, as_json, "There is no channel to check. Run: workbench run, or workbench import PATH.")
    end_with_failures(damages, report.sizes["channel"] + len(damages))
