"""The command line: every command by its panel of `workbench --help`, and what all of them share."""

import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from workbench.cli.alerts import alerts
from workbench.cli.assets import assets
from workbench.cli.benchmark import benchmark
from workbench.cli.cases import cases
from workbench.cli.common import close_sessions
from workbench.cli.detection import evaluate, report, score
from workbench.cli.explain import explain
from workbench.cli.imports import fetch, import_data, profiles, watch
from workbench.cli.known import known_events
from workbench.cli.live import live
from workbench.cli.log import log
from workbench.cli.models import models, train
from workbench.cli.notify import notify
from workbench.cli.orders import orders, people
from workbench.cli.parts import parts
from workbench.cli.plan import kpis, plan, preventive
from workbench.cli.requests import links, requests
from workbench.cli.system import cluster, dashboard, doctor, lab, registry_ui, run
from workbench.cli.telemetry import channels, quality
from workbench.cli.tune import tune
from workbench.exceptions import WorkbenchError
from workbench.observability.logs import SecretHidingFormatter
from workbench.paths import local_path
from workbench.version import __version__

__all__ = ["app", "main"]

_PANELS: dict[str, dict[str, Callable[..., None] | typer.Typer]] = {
    "Get started": {"run": run, "doctor": doctor},
    "Telemetry": {
        "fetch": fetch,
        "import": import_data,
        "watch": watch,
        "live": live,
        "profiles": profiles,
        "channels": channels,
        "quality": quality,
    },
    "Models and detection": {
        "train": train,
        "models": models,
        "score": score,
        "explain": explain,
        "evaluate": evaluate,
        "benchmark": benchmark,
        "tune": tune,
        "report": report,
        "cluster": cluster,
    },
    "Maintenance": {
        "alerts": alerts,
        "known": known_events,
        "cases": cases,
        "assets": assets,
        "orders": orders,
        "requests": requests,
        "links": links,
        "plan": plan,
        "preventive": preventive,
        "people": people,
        "parts": parts,
        "kpis": kpis,
        "notify": notify,
        "log": log,
    },
    "Dashboard and JupyterLab": {"dashboard": dashboard, "lab": lab, "registry-ui": registry_ui},
}


class _Commands(TyperGroup):
    """Turns an error into one line and exit code 2, and Ctrl-C into one line and exit code 130."""

    def list_commands(self, ctx: Any) -> list[str]:
        return [name for commands in _PANELS.values() for name in commands]

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except (WorkbenchError, OSError) as error:
            if ctx.params.get("debug") or isinstance(error, BrokenPipeError):
                raise
            typer.echo(f"Error: {error}", err=True)
            raise SystemExit(2) from None
        except KeyboardInterrupt:
            typer.echo("\nStopped. Finished work is kept. Run the same command again to continue.", err=True)
            raise SystemExit(130) from None


app = typer.Typer(
    cls=_Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Telemetry workbench: forecast telemetry, detect anomalies, plan maintenance.\n\n"
    "Begin with `workbench run` (demo fleet and dashboard), or with `workbench import PATH`.",
    epilog="Exit codes: 0 where all is done, 1 where some channels failed, 2 where the input is wrong or all channels "
    "failed.",
)


@app.callback(invoke_without_command=True)
def _options(
    context: typer.Context,
    home: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            show_default="WORKBENCH_HOME, or home of the settings",
            help="Folder of the archive, models, scores and reports.",
        ),
    ] = None,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False,
) -> None:
    del debug
    context.call_on_close(close_sessions)
    handler = logging.StreamHandler()
    handler.setFormatter(SecretHidingFormatter("%(levelname)s: %(message)s"))
    handler.setLevel(logging.WARNING)  # the terminal shows no more, whatever a log file takes
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    if version:
        typer.echo(__version__)
        raise typer.Exit
    if home is not None:
        home = local_path("--home", home)
        os.environ["WORKBENCH_HOME"] = str(home.absolute())  # kernels of reports and dashboard inherit it


for _panel, _commands in _PANELS.items():
    for _name, _command in _commands.items():
        if isinstance(_command, typer.Typer):
            app.add_typer(_command, name=_name, rich_help_panel=_panel)
        else:
            app.command(_name, rich_help_panel=_panel)(_command)


def main() -> None:
    """Run the command line."""
    app()
