"""The command line: one command per job, each a thin call of the session."""

import logging
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from workbench.cli.alerts import alerts
from workbench.cli.common import (
    AsJson,
    OfForecaster,
    Preset,
    close_sessions,
    end_with_failures,
    local,
    open_session,
    print_json,
    records,
    report_failures,
    show,
    table_text,
    tell_failures,
)
from workbench.cli.explain import explain
from workbench.cli.log import log
from workbench.cli.models import models, registry_ui
from workbench.cli.orders import orders, parts, people
from workbench.cli.plan import kpis, plan, preventive
from workbench.exceptions import WorkbenchError
from workbench.paths import local_path
from workbench.version import __version__

if TYPE_CHECKING:
    import pandas as pd

    from workbench.session import Session
    from workbench.settings import Settings
    from workbench.telemetry.importers import ImportReport

__all__ = ["app", "main"]


class _Commands(TyperGroup):
    """Turns an error into one line and exit code 2, and Ctrl-C into one line and exit code 130."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except (WorkbenchError, OSError) as error:
            if ctx.params.get("debug") or isinstance(error, BrokenPipeError):
                raise
            typer.echo(f"Error: {error}", err=True)
            raise SystemExit(2) from None
        except KeyboardInterrupt:
            typer.echo("\nStopped. What was finished is kept; the same command goes on from there.", err=True)
            raise SystemExit(130) from None


app = typer.Typer(
    cls=_Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Telemetry workbench: forecast telemetry, find anomalies, plan maintenance.\n\n"
    "Begin with: workbench run (demo fleet and dashboard), or workbench import PATH.",
)

Channels = Annotated[list[str] | None, typer.Argument(metavar="[CHANNEL]...", help="Names, as P-1.")]
All = Annotated[bool, typer.Option("--all", help="All channels of the archive.")]
_LAYOUTS = {".csv": "csv", ".tsv": "csv", ".txt": "csv", ".parquet": "parquet"}


@app.callback(invoke_without_command=True)
def _options(
    context: typer.Context,
    home: Annotated[Path | None, typer.Option(help="Folder of archive, models and reports (WORKBENCH_HOME).")] = None,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    del debug
    context.call_on_close(close_sessions)
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s: %(message)s")
    if version:
        typer.echo(__version__)
        raise typer.Exit
    if home is not None:
        home = local_path("--home", home)
        os.environ["WORKBENCH_HOME"] = str(home.absolute())  # kernels of reports and dashboard inherit it


@app.command()
def run(
    serve: Annotated[bool, typer.Option(help="Serve the dashboard at the end.")] = True,
    host: Annotated[str | None, typer.Option(help="Address of the dashboard.")] = None,
    port: Annotated[int | None, typer.Option(help="Port of the dashboard.")] = None,
) -> None:
    """Do the main job: train what has no model, score, raise alerts, open work orders, and serve the dashboard.

    With an empty archive the demo fleet is generated first.
    """
    session = open_session()
    session.check_settings(database=True)
    if not session.archive.channels():
        typer.echo("The archive is empty: generating the demo fleet.")
        session.import_demo(progress=True)
    have = {model.channel for model in session.registry.list()}
    without = [name for name in session.archive.channels() if name not in have]
    failed: dict[str, str] = {}
    if without:
        failed |= _reasons(session.train(without, "ridge", progress=True))
    failed |= _reasons(session.score_all(progress=True))
    overview = session.overview()
    typer.echo(table_text(overview[overview["anomalies"] > 0].sort_values("severity", ascending=False)))
    typer.echo(
        f"{len(overview)} channels, {int((overview['anomalies'] > 0).sum())} with anomalies, "
        f"{int(overview['anomalies'].sum())} anomalies in all."
    )
    outcome = session.raise_alerts()
    typer.echo(str(outcome))
    failed = dict(outcome.failed) | failed
    any_failed = tell_failures(failed, len(overview))
    if serve:
        close_sessions()
        _serve(session.settings, host, port)
    if any_failed:
        raise typer.Exit(1)


@app.command()
def fetch(
    base_url: Annotated[str | None, typer.Option(help="A mirror that holds train/, test/ and the labels.")] = None,
    folder: Annotated[
        Path | None, typer.Option(callback=local, help="Where the files go; <home>/nasa where omitted.")
    ] = None,
    jobs: Annotated[int, typer.Option(min=1, max=64, help="Downloads at once.")] = 4,
) -> None:
    """Download NASA's SMAP and MSL telemetry, checked against its checksums, and import it."""
    from workbench.telemetry.fetch import fetch_nasa

    session = open_session()
    target = fetch_nasa(folder or session.settings.home / "nasa", base_url=base_url, jobs=jobs, progress=True)
    _print_import(session.import_data(target, "nasa", progress=True))


@app.command("import")
def import_(
    path: Annotated[Path, typer.Argument(callback=local, help="A zip, folder or file.")],
    layout: Annotated[str | None, typer.Option(help="nasa, csv or parquet; by its ending where omitted.")] = None,
    asset: Annotated[str | None, typer.Option(help="Tables: asset; the file's name where omitted.")] = None,
    time_column: Annotated[str | None, typer.Option(help="Tables: column of the time stamps.")] = None,
    inputs: Annotated[str | None, typer.Option(help="Tables: columns that are inputs, comma-separated.")] = None,
    label_column: Annotated[str | None, typer.Option(help="Tables: column that marks anomalies.")] = None,
    train_fraction: Annotated[float | None, typer.Option(help="Tables: share to train on; 0.7 where omitted.")] = None,
    train_until: Annotated[str | None, typer.Option(help="Tables: last time of the training part.")] = None,
    timezone: Annotated[str | None, typer.Option(help="Tables: time zone of stamps that carry none.")] = None,
    as_json: AsJson = False,
) -> None:
    """Bring telemetry into the archive: NASA's layout, CSV or Parquet.

    What was repaired or dropped is counted. Importing the same again changes nothing.
    """
    layout = layout or _LAYOUTS.get(path.suffix.lower(), "nasa")
    options: dict[str, Any] = {
        "asset": asset,
        "time_column": time_column,
        "inputs": tuple(name.strip() for name in inputs.split(",")) if inputs else None,
        "label_column": label_column,
        "train_fraction": train_fraction,
        "train_until": train_until,
        "timezone": timezone,
    }
    given = {name: value for name, value in options.items() if value is not None}
    if layout == "nasa" and given:
        raise typer.BadParameter(f"--{next(iter(given)).replace('_', '-')} does not go with the layout nasa.")
    report = open_session().import_data(path, layout, progress=True, **given)
    if as_json:
        print_json(records(report.to_frame().reset_index()))
    else:
        _print_import(report)


@app.command()
def channels(as_json: AsJson = False) -> None:
    """List the channels with the state of their scores; one that is damaged says so."""
    session = open_session()
    table = session.channels().reset_index()
    table = table.merge(session.overview()[["channel", "state", "anomalies"]], on="channel")
    table = table[[name for name in table if name != "damage"] + ["damage"]]
    show(table, as_json, "No channels. Run: workbench run, or workbench import PATH.")


@app.command()
def quality(channel: Channels = None, as_json: AsJson = False) -> None:
    """Report on the telemetry itself: gaps, stuck runs, outliers, noise, drift, constant training data."""
    report = open_session().quality(channel or None, progress=True)
    damaged: dict[str, str] = report.attrs["damaged"]
    show(report.to_dataframe().reset_index(), as_json, "No channels.")
    end_with_failures(damaged, report.sizes["channel"] + len(damaged))


@app.command()
def train(
    channel: Channels = None,
    everything: All = False,
    forecaster: Annotated[str, typer.Option(help="persistence, ridge or lstm.")] = "ridge",
    trainer: Annotated[str | None, typer.Option(help="lstm: numpy or keras; numpy where omitted.")] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes; WORKBENCH_WORKERS where omitted.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Train even what is current.")] = False,
    as_json: AsJson = False,
) -> None:
    """Train and register a model per channel; what is current is left alone.

    Ctrl-C stops it; the same command goes on where it stopped.
    """
    chosen: dict[str, Any] = {} if workers is None else {"workers": workers}
    session = open_session(**chosen)
    names = _chosen(session, channel, everything)
    parameters: dict[str, Any] = {} if trainer is None else {"trainer": trainer}
    table = session.train(names, forecaster, force=force, progress=True, **parameters)
    show(table, as_json, "Nothing to train.")
    report_failures(table)


@app.command()
def score(
    channel: Channels = None,
    everything: All = False,
    forecaster: OfForecaster = None,
    preset: Preset = None,
    force: Annotated[bool, typer.Option("--force", help="Compute even what is current.")] = False,
    as_json: AsJson = False,
) -> None:
    """Predict the test series, find anomalies, raise alerts and open work orders.

    What is current is not computed again; alerts follow the preset in use.
    """
    session = open_session()
    session.check_settings(database=True, forecaster=forecaster, preset=preset)
    names = _chosen(session, channel, everything)
    table = session.score_all(names, forecaster, preset, force=force, progress=True)
    done = table[table["status"] != "failed"]
    if as_json:
        rows = zip(done["channel"], done["model"], done["seconds"], done["anomalies"], strict=True)
        print_json(
            [
                {"channel": name, "model": model, "seconds": seconds, "anomalies": records(anomalies)}
                for name, model, seconds, anomalies in rows
            ]
        )
    else:
        counted = done.assign(
            anomalies=[len(found) for found in done["anomalies"]],
            worst=[found["severity"].max() for found in done["anomalies"]],
        )
        typer.echo(table_text(counted[["channel", "status", "model", "seconds", "anomalies", "worst"]]))
        typer.echo(f"{len(done)} channels, {int(counted['anomalies'].sum())} anomalies.")
    outcome = session.raise_alerts(names)
    if not as_json:
        typer.echo(f"{outcome} Next: workbench alerts list" if len(done) else str(outcome))
    end_with_failures(dict(outcome.failed) | _reasons(table), len(table))


app.command()(explain)


@app.command()
def evaluate(
    labels: Annotated[
        Path | None, typer.Option(callback=local, help="Telemanom's CSV; the archive's labels where omitted.")
    ] = None,
    forecaster: OfForecaster = None,
    preset: Preset = None,
    as_json: AsJson = False,
) -> None:
    """Judge stored scores by the paper's overlap protocol, beside detectors that look at nothing.

    What is not scored yet is scored first.
    """
    result = open_session().evaluate(labels, forecaster, preset, progress=True)
    if as_json:
        print_json(result.to_json_dict())
        end_with_failures(result.failed, len(result.channels) + len(result.unjudged))
        return
    typer.echo(table_text(result.rows))
    typer.echo("\nFor comparison, detectors that look at nothing, and persistence:")
    typer.echo(table_text(result.baselines))
    copies = result.channels[result.channels["duplicate_of"] != ""]
    for name, counted in zip(copies["channel"], copies["duplicate_of"], strict=True):
        typer.echo(f"\n{name} has the same test series as {counted}: counted once.")
    if result.unjudged:
        import pandas as pd

        reasons = pd.Series(result.unjudged).value_counts()
        typer.echo("\nNot judged: " + ", ".join(f"{count} channels ({why})" for why, count in reasons.items()) + ".")
    end_with_failures(result.failed, len(result.channels) + len(result.unjudged))


@app.command()
def report(
    channel: Channels = None, everything: All = False, forecaster: OfForecaster = None, preset: Preset = None
) -> None:
    """Write a channel's report: an executed notebook as one HTML page."""
    from workbench.jobs.reports import reports

    session = open_session()
    names = _chosen(session, channel, everything)
    written = reports(session.settings, names, forecaster=forecaster, preset=preset, progress=True)
    failed = {}
    for name, written_to in written.items():
        if isinstance(written_to, WorkbenchError):
            failed[name] = str(written_to)
        else:
            typer.echo(str(written_to))
    end_with_failures(failed, len(written))


app.command("registry-ui")(registry_ui)
app.add_typer(models, name="models")
app.add_typer(alerts, name="alerts")
app.add_typer(orders, name="orders")
app.command()(plan)
app.command()(kpis)
app.add_typer(log, name="log")
app.add_typer(people, name="people")
app.add_typer(parts, name="parts")
app.add_typer(preventive, name="preventive")


@app.command()
def lab(
    folder: Annotated[
        Path | None,
        typer.Option(
            callback=local,
            help="Folder for copies of the notebooks; in an installed workbench ./notebooks where omitted. "
            "What is there stays as it is.",
        ),
    ] = None,
) -> None:
    """Open the notebooks in JupyterLab, with the settings and the home of this folder."""
    from workbench.jobs.lab import lab_environment, lab_folder
    from workbench.settings import load_settings

    environment = lab_environment(load_settings())
    target, copied = lab_folder(folder)
    if copied:
        typer.echo(f"Copied {len(copied)} notebooks to {target}")
    command = [sys.executable, "-m", "jupyter", "lab", str(target)]
    raise typer.Exit(subprocess.run(command, env=environment, check=False).returncode)


@app.command()
def dashboard(
    host: Annotated[str | None, typer.Option(help="Address; 127.0.0.1 where omitted.")] = None,
    port: Annotated[int | None, typer.Option(help="Port; 8866 where omitted.")] = None,
) -> None:
    """Serve the dashboard until Ctrl-C."""
    from workbench.settings import load_settings

    _serve(load_settings(), host, port)


@app.command()
def doctor(as_json: AsJson = False) -> None:
    """Say what is installed, found and missing, and how to mend it."""
    import pandas as pd

    from workbench.jobs.doctor import examine

    findings = examine(open_session(), read_samples=True)
    show(pd.DataFrame([finding.to_dict() for finding in findings]), as_json, "")
    if any(finding.state == "broken" for finding in findings):
        raise typer.Exit(1)


def main() -> None:
    """Run the command line."""
    app()


# ---- internals


def _chosen(session: "Session", names: list[str] | None, everything: bool) -> list[str]:
    if bool(names) == everything:
        raise typer.BadParameter("Name channels, or give --all (and not both). workbench channels lists them.")
    return session.channel_names(names or None)


def _reasons(table: "pd.DataFrame") -> dict[str, str]:
    """Return why each channel failed, from a table with a row a channel."""
    failed = table[table["status"] == "failed"]
    return dict(zip(failed["channel"], failed["reason"], strict=True))


def _serve(settings: "Settings", host: str | None, port: int | None) -> None:
    from workbench.dashboard.serving import serve_dashboard

    serve_dashboard(settings, host=host, port=port, announce=typer.echo)


def _print_import(report: "ImportReport") -> None:
    table = report.to_frame()
    typer.echo(table_text(table.reset_index()))
    typer.echo(_counted(table["status"]) + ".")
    ready: set[str] = set()
    if report.models is not None:
        models = report.models[report.models["channel"].isin(table.index)]
        skipped = models["status"] == "skipped"
        for name, reason in models.loc[skipped, ["channel", "reason"]].itertuples(index=False):
            typer.echo(f"The trained LSTM of {name} was skipped: {reason}", err=True)
        typer.echo(f"Trained LSTMs: {_counted(models['status']) or 'none for these channels'}.")
        ready = set(models.loc[~skipped, "channel"])
    typer.echo("Next: workbench " + ("score --all" if ready.issuperset(table.index) else "train --all"))


def _counted(status: "pd.Series[str]") -> str:
    return ", ".join(f"{count} {name}" for name, count in status.value_counts().items())
