"""Commands that run the main job, serve the dashboard and JupyterLab, and check the installation."""

import subprocess
import sys
from contextlib import ExitStack, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from workbench.cli.common import (
    AsJson,
    ComputePlace,
    close_sessions,
    count_text,
    failure_reasons,
    local,
    open_session,
    place_overrides,
    print_failures,
    show,
    table_text,
)
from workbench.exceptions import ArchiveError

if TYPE_CHECKING:
    from workbench.session import Session
    from workbench.settings import Settings

__all__ = ["cluster", "dashboard", "doctor", "lab", "registry_ui", "run"]

Host = Annotated[
    str | None,
    typer.Option(
        metavar="ADDRESS",
        show_default="dashboard.host of the settings, 127.0.0.1",
        help="Address that the dashboard is served at.",
    ),
]
Port = Annotated[
    int | None,
    typer.Option(metavar="PORT", show_default="dashboard.port of the settings, 8866", help="Port of the dashboard."),
]


def run(
    serve: Annotated[bool, typer.Option(help="Serve the dashboard at the end.")] = True,
    still: Annotated[
        bool, typer.Option("--still", help="Let the demo fleet stand still: no telemetry comes while one watches.")
    ] = False,
    mqtt: Annotated[
        bool,
        typer.Option(
            "--mqtt", help="Let the telemetry of the demo fleet come through a mosquitto of its own, on this machine."
        ),
    ] = False,
    host: Host = None,
    port: Port = None,
    compute: ComputePlace = None,
) -> None:
    """Do the main job: train missing models, score, raise alerts, open work orders, serve the dashboard.

    Where the archive is empty, or holds a damaged demo fleet, the demo fleet is generated first, with a year of alerts
    and maintenance behind it. While the dashboard is served its machines go on: eight hours of telemetry come at 60
    times the speed, and what follows in real time. With --no-serve alone it is the fleet of the notebooks, which ends
    on a fixed day.
    """
    from workbench.demo import living
    from workbench.demo.year import Year

    if mqtt:
        _check_mqtt(serve, still)
    session = open_session(**place_overrides(compute))
    session.check_settings(database=True)
    if serve:
        _check_port(session.settings, host, port)
    reasons: dict[str, str] = {}
    with ExitStack() as resources:
        with Year(session) if (serve or still) and living.lacks_history(session) else nullcontext() as year:
            moves = _provide_fleet(session, serve, still)
            if mqtt and not moves:
                raise ArchiveError(
                    "--mqtt needs a demo fleet that goes on, and this home holds other telemetry.",
                    "Leave --mqtt out, or name an empty home.",
                )
            if year is not None:
                year.begin()
            channels_with_model = {model.channel for model in session.registry.list()}
            untrained = [name for name in session.archive.channels() if name not in channels_with_model]
            if untrained:
                reasons |= failure_reasons(session.train(untrained, "ridge", progress=True))
            if year is not None:
                living.promote_challenger(session)
            reasons |= failure_reasons(session.score_all(progress=True))
            reasons |= failure_reasons(session.assets.score_all(progress=True).rename(columns={"asset": "channel"}))
            settings = living.with_messages(session.settings) if moves else session.settings
            begin = resources.enter_context(living.simulated(settings, mqtt=mqtt)) if moves else None
            if year is not None:
                typer.echo("Living through the year behind it.")
                year.finish()
        overview = session.overview()
        with_anomalies = overview[overview["anomalies"] > 0]
        typer.echo(table_text(with_anomalies.sort_values("severity", ascending=False)))
        typer.echo(
            f"{count_text(len(overview), 'channel')}, {len(with_anomalies)} with anomalies, "
            f"{count_text(int(overview['anomalies'].sum()), 'anomaly', 'anomalies')} in total."
        )
        outcome = session.raise_alerts()
        typer.echo(f"A year of maintenance is behind it: {_past(session)}." if year is not None else str(outcome))
        any_failed = print_failures(dict(outcome.failed) | reasons, len(overview))
        if serve:
            close_sessions()
            if begin is not None:
                begin()
            _serve(settings, host, port)
    if any_failed:
        raise typer.Exit(1)


def dashboard(host: Host = None, port: Port = None) -> None:
    """Serve the dashboard until Ctrl-C."""
    from workbench.settings import load_settings

    _serve(load_settings(), host, port)


def lab(
    folder: Annotated[
        Path | None,
        typer.Option(
            callback=local,
            metavar="FOLDER",
            show_default="the notebooks of the checkout, or ./notebooks where the workbench is installed",
            help="Folder for copies of the notebooks. Files that are there already stay as they are.",
        ),
    ] = None,
) -> None:
    """Open the notebooks in JupyterLab, with the settings and the home of the present folder."""
    from workbench.jobs.lab import lab_folder
    from workbench.settings import inherited_environment, load_settings

    environment = inherited_environment(load_settings())
    target, copies = lab_folder(folder)
    if copies:
        typer.echo(f"Copied {count_text(len(copies), 'notebook')} to {target}")
    command = [sys.executable, "-m", "jupyter", "lab", str(target)]
    raise typer.Exit(subprocess.run(command, env=environment, check=False).returncode)


def registry_ui(
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port of the page; 0 takes any free port.")] = 5000,
) -> None:
    """Serve MLflow's own page on the model registry, on this machine only, until Ctrl-C.

    While it runs, the Models view of the dashboard has a link to it.
    """
    from workbench.jobs.registry_ui import serve_registry
    from workbench.settings import load_settings

    serve_registry(load_settings(), port, typer.echo)


def cluster(
    workers: Annotated[
        int | None,
        typer.Option(min=1, max=1024, show_default="one a core", help="Number of worker processes on this machine."),
    ] = None,
    host: Annotated[str, typer.Option(metavar="ADDRESS", help="Address that the scheduler listens at.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port of the scheduler; 0 takes any free port.")] = 8786,
) -> None:
    """Serve a Dask scheduler with workers on this machine, for --compute, until Ctrl-C.

    Whoever reaches the scheduler can run code on its workers: keep it on this machine or in a network of your own.
    """
    import os

    from workbench.jobs.cluster import serve_cluster

    serve_cluster(workers or os.cpu_count() or 1, host, port, typer.echo)


def doctor(
    deep: Annotated[
        bool,
        typer.Option("--deep", help="Read everything that the home holds, scores, models and databases, too."),
    ] = False,
    rebuild_index: Annotated[
        bool,
        typer.Option("--rebuild-index", help="First make the index of the archive anew from what the archive holds."),
    ] = False,
    accept_loss: Annotated[
        bool,
        typer.Option("--accept-loss", help="First forget samples that were lost with files of the archive."),
    ] = False,
    rebuild_levels: Annotated[
        bool,
        typer.Option("--rebuild-levels", help="First make the levels of long series that have none, or damaged ones."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Check the installation, the home and the data, and say how to fix what is wrong.

    Every sample of the archive is read. The exit code is 1 where something is broken.
    """
    import pandas as pd

    from workbench.jobs.deep_check import examine_deeply
    from workbench.jobs.doctor import examine

    session = open_session()
    if rebuild_index:
        for error in session.archive.rebuild_index():
            typer.echo(f"Left out: {error}", err=True)
        typer.echo(f"Index made anew: {count_text(len(session.archive.channels()), 'channel')}.", err=True)
    if accept_loss:
        session.archive.accept_losses()
    if rebuild_levels:
        made, errors = session.archive.make_levels()
        for error in errors:
            typer.echo(f"Left out: {error}", err=True)
        typer.echo(f"Levels made: {made}.", err=True)
    findings = examine(session, read_samples=not deep)
    if deep:
        reported = {finding.found for finding in findings}
        findings += [finding for finding in examine_deeply(session, progress=True) if finding.found not in reported]
    show(pd.DataFrame([finding.to_dict() for finding in findings]), as_json, "")
    if any(finding.state == "broken" for finding in findings):
        raise typer.Exit(1)


def _check_mqtt(serve: bool, still: bool) -> None:
    """Refuse --mqtt before anything is done where no telemetry would come, or mosquitto is not installed."""
    from workbench.demo.broker import find_mosquitto

    if still or not serve:
        other = "--still" if still else "--no-serve"
        raise typer.BadParameter(f"--mqtt cannot go with {other}: no telemetry would come. Leave one of them out.")
    find_mosquitto()


def _check_port(settings: "Settings", host: str | None, port: int | None) -> None:
    """Refuse a port that is taken before the fleet is made, which takes minutes."""
    from workbench.jobs.ports import free_port

    dashboard = settings.dashboard
    free_port(dashboard.host if host is None else host, dashboard.port if port is None else port)


def _provide_fleet(session: "Session", serve: bool, still: bool) -> bool:
    """Generate the demo fleet where nothing else is there, mend or continue it; return whether its machines go on."""
    from datetime import UTC, datetime

    from workbench.demo import living

    is_new = not session.archive.channels()
    if is_new:
        typer.echo("The archive is empty: generating the demo fleet.")
        end = living.end_of_series(datetime.now(UTC), still=still) if serve or still else None
        session.import_demo(progress=True, end=end)
    elif _demo_is_damaged(session):
        typer.echo("The demo fleet is damaged: generating it again.")
        session.import_demo(progress=True)
    moves = serve and not still and living.goes_on(session)
    if moves and not is_new and (added := living.catch_up(session, datetime.now(UTC))):
        typer.echo(f"{count_text(added, 'sample')} have come since the demo fleet was left.")
    if moves:
        session.set_growing(session.archive.channels())
    return moves


def _demo_is_damaged(session: "Session") -> bool:
    """Return whether the archive holds the demo fleet of the session's seed, and part of it cannot be read."""
    from workbench.telemetry.synthetic import demo_source

    described, damaged = session.archive.infos()
    source = demo_source(session.archive)
    if source is None or source[0] != session.settings.seed:
        return False
    try:
        for info in described:
            for split in ("train", "test"):
                session.archive.check_deeply(info.channel, split)
    except ArchiveError:
        return True
    return bool(damaged)


def _past(session: "Session") -> str:
    desk = session.maintenance
    orders, outages = len(desk.orders.list(state=None)), len(desk.outages.list())
    alerts = int(desk.alerts.count(state=None).sum())
    return f"{count_text(alerts, 'alert')}, {count_text(orders, 'work order')}, {count_text(outages, 'outage')}"


def _serve(settings: "Settings", host: str | None, port: int | None) -> None:
    from workbench.dashboard.serving import serve_dashboard

    serve_dashboard(settings, host=host, port=port, announce=typer.echo)
