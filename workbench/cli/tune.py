"""`workbench tune`: search for better detection parameters, by labels or by verdicts."""

from pathlib import Path
from typing import Annotated, Any

import typer

from workbench.cli.common import (
    AsJson,
    ComputePlace,
    ForecasterName,
    PresetName,
    count_text,
    end_with_failures,
    local,
    open_session,
    place_overrides,
    print_json,
    table_text,
)

__all__ = ["tune"]

_SHOWN_POINTS = 10


def tune(
    labels: Annotated[
        Path | None,
        typer.Option(
            callback=local,
            metavar="FILE",
            show_default="the labels of the archive",
            help="File of known anomalies, as for workbench evaluate.",
        ),
    ] = None,
    verdicts: Annotated[
        bool, typer.Option("--verdicts", help="Judge by the verdicts of closed alerts instead of labels.")
    ] = False,
    vary: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=VALUE,VALUE",
            show_default="the grid of the guide",
            help="Parameter and its values to try, for example min_decrease=0.1,0.13,0.2; repeat the option for "
            "several.",
        ),
    ] = None,
    points: Annotated[int, typer.Option(min=2, max=100_000, help="Most points of the grid that are tried.")] = 50,
    goal: Annotated[
        str, typer.Option("--by", metavar="FIGURE", help="Figure to make as large as it can be: f1 or f0_5.")
    ] = "f1",
    folds: Annotated[int, typer.Option(min=2, max=1_000, help="Number of folds that channels are dealt to.")] = 5,
    repeats: Annotated[int, typer.Option(min=1, max=1_000, help="Number of times that folds are dealt anew.")] = 10,
    timezone: Annotated[
        str | None, typer.Option(metavar="ZONE", show_default="UTC", help="Time zone of labels that name none.")
    ] = None,
    date_order: Annotated[
        str | None,
        typer.Option(
            metavar="ORDER",
            show_default="what the file decides",
            help="Number that comes first in dates of the label file such as 03/04/2024: day or month.",
        ),
    ] = None,
    forecaster: ForecasterName = None,
    preset: PresetName = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Save no preset, whatever comes out.")] = False,
    compute: ComputePlace = None,
    workers: Annotated[
        int | None,
        typer.Option(min=1, show_default="workers of the settings, 1", help="Number of processes that judge at once."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Search for better detection parameters, and save them as the preset tuned where they are better for certain.

    Stored predictions are judged by other thresholds; no model is trained. Each channel is judged by parameters that
    other channels have chosen (nested cross-validation). A preset is saved only where even the lower bound of the
    difference is better than the present preset.

    Ctrl-C stops it. Run the same command again to continue.
    """
    from workbench.tuning.grid import read_grid

    options: dict[str, Any] = {"grid": read_grid(vary)} if vary else {}
    result = open_session(**place_overrides(compute, workers)).tune(
        labels,
        verdicts=verdicts,
        forecaster=forecaster,
        preset=preset,
        points=points,
        goal=goal,
        folds=folds,
        repeats=repeats,
        save=not dry_run,
        timezone=timezone,
        date_order=date_order,
        progress=True,
        **options,
    )
    total = result.channels + len(result.failed)
    if as_json:
        print_json(result.to_json_dict())
        end_with_failures(dict(result.failed), total)
        return
    typer.echo(table_text(result.figures.set_index("preset").T.rename_axis("figure").reset_index()))
    shown = result.table.head(_SHOWN_POINTS)
    typer.echo(f"\nThe best {len(shown)} of {count_text(len(result.table), 'point')}, on all channels:")
    typer.echo(table_text(shown.drop(columns=["precision", "recall", "tnr"])))
    typer.echo(f"\n{result}")
    end_with_failures(dict(result.failed), total)
