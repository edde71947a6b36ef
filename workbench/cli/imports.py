"""Commands that bring telemetry into the archive: fetch, import, watch, and the profiles of their options."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from workbench.cli.common import (
    AsJson,
    count_text,
    end_with_failures,
    local,
    open_session,
    print_json,
    printable,
    records,
    stop_on_signals,
    table_text,
)
from workbench.cli.reading_options import ReadingOptions, options_text, reading_options
from workbench.paths import local_path

if TYPE_CHECKING:
    import pandas as pd

    from workbench.telemetry.importers import ImportReport
    from workbench.telemetry.previews.preview import Preview

__all__ = ["fetch", "import_data", "profiles", "watch"]

_TABLES = "Options for CSV and Parquet files"
_OF_ALL_LAYOUTS = {"replace"}

profiles = typer.Typer(help="List the profiles that save how files are read; remove them.")

Layout = Annotated[
    str | None,
    typer.Option(
        metavar="LAYOUT",
        show_default="by the ending of the name",
        help="Layout: nasa, csv, parquet, or lookout: a folder an asset, as AWS Lookout for Equipment has it.",
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
Labels = Annotated[
    Path | None,
    typer.Option(
        callback=local,
        metavar="FILE",
        rich_help_panel=_TABLES,
        help="File of known anomalies with their times: CSV, JSON lines, or JSON of windows; see the guide.",
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


@reading_options
def import_data(
    path: Annotated[
        list[Path],
        typer.Argument(metavar="PATH", help="Files, folders, zips or patterns such as 'days/*.csv' to import."),
    ],
    layout: Layout = None,
    asset: AssetName = None,
    labels: Labels = None,
    train_fraction: TrainFraction = None,
    train_from: TableTrainFrom = None,
    train_until: TableTrainUntil = None,
    train_file: TrainFile = None,
    on_conflict: OnConflict = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Discard everything that the channels of the files held before.")
    ] = False,
    *,
    reading: ReadingOptions,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only show what each column would become and what would be assumed.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Import telemetry into the archive: tables of any usual format, NASA's layout, folders of Lookout for Equipment.

    Samples of a channel that is there are added to it, and equal ones are skipped. A file that contradicts the archive
    is refused, with all its channels. Everything that is repaired or dropped is counted. In lists that are separated
    by commas, a name that holds a comma stands in double quotes.
    """
    chosen_options = _chosen(
        asset=asset,
        labels=labels,
        train_fraction=train_fraction,
        train_from=train_from,
        train_until=train_until,
        train_file=train_file,
        on_conflict=on_conflict,
        replace=replace or None,
        **reading,
    )
    paths = [local_path("path", one) for one in path]
    table_options = [name for name in chosen_options if name not in _OF_ALL_LAYOUTS]
    table_options += ["profile"] if reading.profile else []
    table_options += ["dry-run"] if dry_run else []
    if table_options and _has_nasa(paths, layout):
        option = f"--{table_options[0].replace('_', '-')}"
        raise typer.BadParameter(f"{option} does not go with the layout nasa. Leave it out, or pass --layout csv.")
    session = open_session()
    chosen_options |= reading.over_profile(session.settings.home)
    reading.save(session.settings.home)
    if dry_run:
        _print_preview(session.preview(paths, layout, **chosen_options), as_json)
        return
    report = session.import_data(paths, layout, progress=True, **chosen_options)
    if as_json:
        print_json(records(report.to_frame().reset_index()))
    else:
        _print_import(report)
    _end_import(report)


@reading_options
def watch(
    folder: Annotated[
        Path, typer.Argument(metavar="FOLDER", callback=local, help="Folder to watch, with all folders below it.")
    ],
    layout: Layout = None,
    asset: AssetName = None,
    labels: Labels = None,
    train_fraction: TrainFraction = None,
    train_from: TableTrainFrom = None,
    train_until: TableTrainUntil = None,
    train_file: TrainFile = None,
    on_conflict: OnConflict = None,
    *,
    reading: ReadingOptions,
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
        labels=labels,
        train_fraction=train_fraction,
        train_from=train_from,
        train_until=train_until,
        train_file=train_file,
        on_conflict=on_conflict,
    )
    session = open_session()
    options |= reading.over_profile(session.settings.home)
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
    reading.save(session.settings.home)
    try:
        taken = watched.take_all() if once else watched.run(stop_on_signals())
    finally:
        watched.close()
    parts = [count_text(taken.imported, "file") + " imported", f"{taken.copies} known before"]
    parts += [f"{taken.rejected} rejected"] if taken.rejected else []
    parts += [f"{taken.waiting} waiting for others"] if taken.waiting else []
    typer.echo(f"{', '.join(parts)}.")
    if once and (taken.rejected or taken.waiting):
        raise typer.Exit(1)


@profiles.callback(invoke_without_command=True)
def _list_profiles(context: typer.Context, as_json: AsJson = False) -> None:
    """List the saved profiles with their options."""
    if context.invoked_subcommand is not None:
        return
    from workbench.telemetry.import_profiles import read_profiles

    saved = read_profiles(open_session().settings.home)
    if as_json:
        print_json(saved)
    elif not saved:
        typer.echo("No profile is saved. Run: workbench import PATH --save-profile NAME, with the options to save.")
    for name, options in {} if as_json else saved.items():
        typer.echo(f"{name}: {options_text(options)}")


@profiles.command("remove")
def remove_profiles(
    name: Annotated[list[str], typer.Argument(metavar="NAME", help="Names of profiles, for example historian.")],
) -> None:
    """Remove saved profiles; what was imported with them stays."""
    from workbench.telemetry.import_profiles import remove_profile

    home = open_session().settings.home
    for one in name:
        remove_profile(home, one)
        typer.echo(f"Profile {one} removed.")


def _chosen(**options: Any) -> dict[str, Any]:
    """Return the options that were passed."""
    return {name: value for name, value in options.items() if value is not None}


def _print_preview(preview: "Preview", as_json: bool) -> None:
    if as_json:
        channels = records(preview.report.to_frame().reset_index())
        print_json(
            {
                "columns": records(preview.columns),
                "assumed": preview.assumed,
                "outcome": preview.outcome,
                "channels": channels,
                "failures": preview.report.failures,
            }
        )
    else:
        typer.echo(f"{preview}\n\nNothing was imported. Leave out --dry-run to import.")
    if preview.report.failures:
        raise typer.Exit(1 if len(preview.report.failures) < preview.report.n_files else 2)


def _print_import(report: "ImportReport") -> None:
    for one in report.series:
        typer.echo(printable(one.line))
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
