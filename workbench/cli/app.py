"""The command line: every command by its panel of `workbench --help`, and what all of them share."""

import atexit
import gc
import logging
import os
from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup
from typer.main import get_command

from workbench.cli.common import close_sessions
from workbench.exceptions import WorkbenchError
from workbench.observability.logs import SecretHidingFormatter
from workbench.paths import local_path
from workbench.version import __version__

__all__ = ["app", "main"]

_PANELS = {
    "Get started": {"run": "system.run", "doctor": "system.doctor"},
    "Telemetry": {
        "fetch": "imports.fetch",
        "import": "imports.import_data",
        "watch": "imports.watch",
        "live": "live.live",
        "profiles": "imports.profiles",
        "channels": "telemetry.channels",
        "quality": "telemetry.quality",
    },
    "Models and detection": {
        "train": "models.train",
        "models": "models.models",
        "score": "detection.score",
        "explain": "explain.explain",
        "evaluate": "detection.evaluate",
        "benchmark": "benchmark.benchmark",
        "tune": "tune.tune",
        "report": "detection.report",
        "cluster": "system.cluster",
    },
    "Maintenance": {
        "alerts": "alerts.alerts",
        "known": "known.known_events",
        "cases": "cases.cases",
        "assets": "assets.assets",
        "orders": "orders.orders",
        "requests": "requests.requests",
        "links": "requests.links",
        "plan": "plan.plan",
        "preventive": "plan.preventive",
        "people": "orders.people",
        "parts": "parts.parts",
        "kpis": "plan.kpis",
        "notify": "notify.notify",
        "log": "log.log",
    },
    "Dashboard and JupyterLab": {
        "dashboard": "system.dashboard",
        "lab": "system.lab",
        "registry-ui": "system.registry_ui",
    },
}
"""Commands by panel, and the module of each, with what it is called there: it is imported where it is asked for."""


class _ByName(Mapping[str, Any]):
    """The commands by their names, each made when it is looked at: all of them would take most of a second."""

    def __init__(self) -> None:
        self._places = {name: (panel, place) for panel, places in _PANELS.items() for name, place in places.items()}
        self._made: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._made:
            panel, place = self._places[name]
            module, _, called = place.partition(".")
            command = getattr(import_module(f"workbench.cli.{module}"), called)
            alone = typer.Typer(callback=lambda: None, add_completion=False)
            if isinstance(command, typer.Typer):
                alone.add_typer(command, name=name, rich_help_panel=panel)
            else:
                alone.command(name, rich_help_panel=panel)(command)
            self._made |= get_command(alone).commands  # type: ignore[attr-defined]
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)


class _Commands(TyperGroup):
    """Turns an error into one line and exit code 2, and Ctrl-C into one line and exit code 130."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.commands: Any = _ByName()

    def list_commands(self, ctx: Any) -> list[str]:
        return [*self.commands]

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


def main() -> None:
    """Run the command line."""
    atexit.register(gc.freeze)  # else the interpreter looks for garbage at its end: a quarter of a short command's time
    app()
