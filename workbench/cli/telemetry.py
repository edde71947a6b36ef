"""Commands that bring telemetry into the archive, list its channels and check its quality.

One module because `channels` is one group of commands: most of its lines describe their options.
"""

import signal
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from workbench.cli.common import (
    AsJson,
    Channels,
    Who,
    count_text,
    end_with_failures,
    local,
    open_session,
    print_json,
    records,
    show,
    table_text,
)
from workbench.exceptions import CatalogError, SettingsError
from workbench.names import command_line
from workbench.paths import local_path

if TYPE_CHECKING:
    import pandas as pd

    from workbench.telemetry.importers import ImportReport

__all__ = ["channels", "fetch", "import_data", "quality", "watch"]

_TABLES = "Options for CSV and Parquet files"
_OF_ALL_LAYOUTS = {"replace"}

channels = typer.Typer(help="List the channels of the archive; choose anew what their models learn from; remove them.")

TrainFrom = Annotated[
    str | None,
    typer.Option(
        metavar="TIME",
        show_default="the beginning",
        help="First time of the samples that the models learn from.",
    ),
]


Layout = Annotated[
    str | None,
    typer.Option(
        metavar="LAYOUT",
        show_default="by the ending of the name",
        help="Layout: nasa, csv (any delimited text), parquet, feather, xlsx, json, hdf5 (also NetCDF), or lookout: a "
        "folder an asset, as AWS Lookout for Equipment has it.",
    ),
]
AssetName = Annotated[
    str | None,
    typer.Option(
        metavar="ASSET",
        show_default="the name of the file",
        rich_help_panel=_TABLES,
        help="Asset that the channels belong to.",
    ),
]
TimeColumn = Annotated[
    str | None,
    typer.Option(
        metavar="COLUMN",
        show_default="recognised by its values",
        rich_help_panel=_TABLES,
        help="Column of the times.",
    ),
]
Inputs = Annotated[
    str | None,
    typer.Option(metavar="COLUMNS", rich_help_panel=_TABLES, help="Columns that are inputs, separated by commas."),
]
LabelColumn = Annotated[
    str | None, typer.Option(metavar="COLUMN", rich_help_panel=_TABLES, help="Column that marks known anomalies.")
]
Labels = Annotated[
    Path | None,
    typer.Option(
        callback=local,
        metavar="FILE",
        rich_help_panel=_TABLES,
        help="File of known anomalies: start and end of each, for channels, assets or all of the import; a log of "
        "failures; NAB's JSON; Telemanom's CSV.",
    ),
]
TrainFraction = Annotated[
    float | None,
    typer.Option(
        metavar="SHARE",
        show_default="0.7",
        rich_help_panel=_TABLES,
        help="Share of the samples of a new channel, from the beginning, that the models learn from.",
    ),
]
TableTrainFrom = Annotated[
    str | None,
    typer.Option(
        metavar="TIME",
        show_default="the beginning",
        rich_help_panel=_TABLES,
        help="First time of the samples that the models learn from.",
    ),
]
TableTrainUntil = Annotated[
    str | None,
    typer.Option(metavar="TIME", rich_help_panel=_TABLES, help="Last time of the samples that the models learn from."),
]
TrainFile = Annotated[
    Path | None,
    typer.Option(
        callback=local,
        metavar="FILE",
        rich_help_panel=_TABLES,
        help="File of its own that the models learn from, in place of a part of the others.",
    ),
]
TimeZone = Annotated[
    str | None,
    typer.Option(
        metavar="ZONE", show_default="UTC", rich_help_panel=_TABLES, help="Time zone of times that name none."
    ),
]
DateOrder = Annotated[
    str | None,
    typer.Option(
        metavar="ORDER",
        show_default="what the file and the archive decide",
        rich_help_panel=_TABLES,
        help="Number that comes first in dates such as 03/04/2024: day or month.",
    ),
]
OnConflict = Annotated[
    str | None,
    typer.Option(
        metavar="WHAT",
        show_default="the file is refused",
        rich_help_panel=_TABLES,
        help="Values to use where a file contradicts the archive or itself: keep the first, or replace them.",
    ),
]


def fetch(
    base_url: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            show_default="the public source",
            help="Address of a mirror that holds train/, test/ and the labels.",
        ),
    ] = None,
    folder: Annotated[
        Path | None,
        typer.Option(
            callback=local, metavar="FOLDER", show_default="nasa in the home", help="Folder for the downloaded files."
        ),
    ] = None,
    jobs: Annotated[int, typer.Option(min=1, max=64, help="Number of downloads at once.")] = 4,
) -> None:
    """Download NASA's SMAP and MSL telemetry, verify its checksums, and import it."""
    from workbench.telemetry.fetch import fetch_nasa

    session = open_session()
    target = fetch_nasa(folder or session.settings.home / "nasa", base_url=base_url, jobs=jobs, progress=True)
    report = session.import_data(target, "nasa", progress=True)
    _print_import(report)
    _end_import(report)


def import_data(
    path: Annotated[
        list[Path],
        typer.Argument(metavar="PATH", help="Files, folders, zips or patterns such as 'days/*.csv' to import."),
    ],
    layout: Layout = None,
    asset: AssetName = None,
    time_column: TimeColumn = None,
    inputs: Inputs = None,
    label_column: LabelColumn = None,
    labels: Labels = None,
    train_fraction: TrainFraction = None,
    train_from: TableTrainFrom = None,
    train_until: TableTrainUntil = None,
    train_file: TrainFile = None,
    timezone: TimeZone = None,
    date_order: DateOrder = None,
    on_conflict: OnConflict = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Discard everything that the channels of the files held before.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Import telemetry into the archive: tables of many formats, NASA's layout, folders of AWS Lookout for Equipment.

    Samples of a channel that is there are added to it, and equal ones are skipped. A file that contradicts the archive
    is refused, with all its channels. Everything that is repaired or dropped is counted.
    """
    chosen_options = _chosen(
        asset=asset,
        time_column=time_column,
        inputs=_names(inputs),
        label_column=label_column,
        labels=labels,
        train_fraction=train_fraction,
        train_from=train_from,
        train_until=train_until,
        train_file=train_file,
        timezone=timezone,
        date_order=date_order,
        on_conflict=on_conflict,
        replace=replace or None,
    )
    paths = [local_path("path", one) for one in path]
    table_options = [name for name in chosen_options if name not in _OF_ALL_LAYOUTS]
    if table_options and _has_nasa(paths, layout):
        option = f"--{table_options[0].replace('_', '-')}"
        raise typer.BadParameter(f"{option} does not go with the layout nasa. Leave it out, or pass --layout csv.")
    report = open_session().import_data(paths, layout, progress=True, **chosen_options)
    if as_json:
        print_json(records(report.to_frame().reset_index()))
    else:
        _print_import(report)
    _end_import(report)


def watch(
    folder: Annotated[
        Path, typer.Argument(metavar="FOLDER", callback=local, help="Folder to watch, with all folders below it.")
    ],
    layout: Layout = None,
    asset: AssetName = None,
    time_column: TimeColumn = None,
    inputs: Inputs = None,
    label_column: LabelColumn = None,
    labels: Labels = None,
    train_fraction: TrainFraction = None,
    train_from: TableTrainFrom = None,
    train_until: TableTrainUntil = None,
    train_file: TrainFile = None,
    timezone: TimeZone = None,
    date_order: DateOrder = None,
    on_conflict: OnConflict = None,
    train: Annotated[bool, typer.Option(help="Train a ridge model for each channel that has no champion.")] = True,
    once: Annotated[bool, typer.Option("--once", help="Take what is in the folder, and end.")] = False,
    settle: Annotated[
        float,
        typer.Option(
            min=0.0, max=86_400.0, metavar="SECONDS", help="Time that a file must stay the same before it is taken."
        ),
    ] = 2.0,
    poll: Annotated[
        bool,
        typer.Option("--poll", help="Look again and again; for network file systems, from which no events come."),
    ] = False,
) -> None:
    """Import what appears in a folder, train, score and raise alerts, until Ctrl-C.

    A file is taken once it has stopped growing, and remembered by its content: restarts, copies and renames double
    nothing. A file that cannot be imported is moved to rejected/ in the folder, with a text that says why.
    """
    from workbench.jobs.watch_folder import FolderWatch

    options = _chosen(
        asset=asset,
        time_column=time_column,
        inputs=_names(inputs),
        label_column=label_column,
        labels=labels,
        train_fraction=train_fraction,
        train_from=train_from,
        train_until=train_until,
        train_file=train_file,
        timezone=timezone,
        date_order=date_order,
        on_conflict=on_conflict,
    )
    session = open_session()
    session.check_settings(database=True)
    watched = FolderWatch(
        session,
        folder,
        layout=layout,
        options=options,
        settle_s=settle,
        train=train,
        poll=poll,
        announce=typer.echo,
    )
    try:
        taken = watched.take_all() if once else watched.run(_stop_on_signals())
    finally:
        watched.close()
    parts = [count_text(taken.imported, "file") + " imported", f"{taken.copies} known before"]
    parts += [f"{taken.rejected} rejected"] if taken.rejected else []
    parts += [f"{taken.waiting} waiting for others"] if taken.waiting else []
    typer.echo(f"{', '.join(parts)}.")
    if once and (taken.rejected or taken.waiting):
        raise typer.Exit(1)


def _stop_on_signals() -> threading.Event:
    """Return an event that the first SIGINT or SIGTERM sets; a second SIGINT ends the command at once."""
    stop = threading.Event()

    def note(number: int, _frame: object) -> None:
        stop.set()
        signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, note)
    return stop


def _chosen(**options: Any) -> dict[str, Any]:
    """Return the options that were passed."""
    return {name: value for name, value in options.items() if value is not None}


def _names(text: str | None) -> tuple[str, ...] | None:
    return tuple(name.strip() for name in text.split(",")) if text else None


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


def _print_import(report: "ImportReport") -> None:
    table = report.to_frame()
    if not table.empty:
        typer.echo(table_text(table.reset_index()))
        typer.echo(_counts(table["status"]) + ".")
    channels_with_models: set[str] = set()
    if report.models is not None:
        models = report.models[report.models["channel"].isin(table.index)]
        skipped = models["status"] == "skipped"
        for name, reason in models.loc[skipped, ["channel", "reason"]].itertuples(index=False):
            typer.echo(f"The trained LSTM of {name} was skipped: {reason}", err=True)
        typer.echo(f"Trained LSTMs: {_counts(models['status']) or 'none for these channels'}.")
        channels_with_models = set(models.loc[~skipped, "channel"])
    to_train = {one.channel for one in report.channels if one.to_train} - channels_with_models
    if to_train:
        typer.echo("Next: workbench train --all")
    elif any(one.to_score for one in report.channels):
        typer.echo("Next: workbench score --all")
    elif any(one.status == "unchanged" for one in report.channels):
        typer.echo("The archive holds all of it already.")


def _has_nasa(paths: list[Path], layout: str | None) -> bool:
    from workbench.telemetry.importers.sources import find_sources

    return layout == "nasa" or (layout is None and "nasa" in find_sources(path for path in paths if path.exists()))


def _end_import(report: "ImportReport") -> None:
    """Print which files were refused and which channels failed, and end with an exit code that says so."""
    table = report.to_frame()
    failed = table[table["status"] == "failed"]
    for file, reason in report.failures.items():
        typer.echo(f"{file} was refused: {reason}", err=True)
    if report.failures:
        refused = f"{len(report.failures)} of {count_text(report.n_files, 'file')}"
        others = " The others are imported." if len(report.failures) < report.n_files else ""
        typer.echo(f"Error: {refused} refused, nothing of them is in the archive.{others}", err=True)
    end_with_failures(dict(zip(failed.index, failed["note"], strict=True)), len(table) + len(report.failures))
    if report.failures:
        raise typer.Exit(1 if len(report.failures) < report.n_files else 2)


def _counts(status: "pd.Series[str]") -> str:
    return ", ".join(f"{count} {name}" for name, count in status.value_counts().items())
