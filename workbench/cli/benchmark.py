"""The command that runs public benchmarks."""

from pathlib import Path
from typing import Annotated

import typer

from workbench.cli.common import AsJson, PresetName, local, print_json, table_text
from workbench.exceptions import WorkbenchError

__all__ = ["benchmark"]


def benchmark(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Benchmark to run: nasa, skab, nab or nominal.")],
    data: Annotated[
        Path | None,
        typer.Option(
            callback=local, metavar="PATH", show_default="required", help="Zip or folder of the benchmark's data."
        ),
    ] = None,
    preset: PresetName = None,
    forecaster: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="Forecaster to train: persistence, ridge or lstm; or preset, for those that the preset names.",
        ),
    ] = "ridge",
    home: Annotated[
        Path | None,
        typer.Option(
            callback=local,
            metavar="FOLDER",
            show_default="a folder that is thrown away",
            help="Folder that keeps models and scores; a run that was stopped continues from it.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Run a public benchmark by its own protocol, beside what others published and what blind detectors reach.

    Skab judges whole assets and needs no forecaster and no preset. Nominal counts alarms on NASA's data where nothing
    is wrong.
    """
    from workbench.benchmark.run import run_benchmark

    if data is None:
        raise WorkbenchError("No data are named.", f"Run: workbench benchmark {name} --data PATH")
    report = run_benchmark(name, data, home=home, forecaster=forecaster, preset=preset, progress=True)
    if as_json:
        print_json(report.to_json_dict())
        return
    typer.echo(f"{report.name}: {report.protocol}.\n")
    typer.echo(table_text(report.measured))
    if len(report.intervals):
        typer.echo("\n95 % intervals of all of it, over series:")
        typer.echo(table_text(report.intervals))
    typer.echo("\nDetectors that ignore the data; a figure that they reach as well says nothing:")
    typer.echo(table_text(report.gaming))
    if len(report.published):
        typer.echo("\nPublished by others:")
        typer.echo(table_text(report.published))
    if len(report.details):
        typer.echo("\nWhat the first row measured comes from:")
        typer.echo(table_text(report.details))
    for note in report.notes:
        typer.echo(f"\n{note}")
