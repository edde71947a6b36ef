"""`workbench explain`: why a channel's anomalies were found, and what would clear them."""

from typing import Annotated, Any

import typer

from workbench.cli.common import AsJson, OfForecaster, Preset, open_session, print_json, records

__all__ = ["explain"]


def explain(
    channel: Annotated[str, typer.Argument(help="As P-1.")],
    forecaster: OfForecaster = None,
    preset: Preset = None,
    as_json: AsJson = False,
) -> None:
    """Explain each anomaly of a channel: by which threshold, how far beyond, what would clear it.

    It is scored first where that is due.
    """
    session = open_session()
    rows = records(session.explain(channel, forecaster, preset))
    if as_json:
        print_json(rows)
        return
    count = f"{len(rows)} {'anomaly' if len(rows) == 1 else 'anomalies'}"
    typer.echo(f"{channel}: {count} with the preset {preset or session.settings.preset}.")
    for row in rows:
        typer.echo("\n" + _text(row))


def _text(row: dict[str, Any]) -> str:
    units = f" {row['units']}" if row["units"] else ""
    low = row["smoothed_error"] < row["epsilon"]
    beyond = "" if low or row["ratio"] is None else f"{row['ratio']:.2f} times epsilon, "
    windows = "1 error window" if row["windows"] == 1 else f"{row['windows']} error windows"
    lines = {
        "found by": f"{row['model']}, preset {row['preset']}, from {row['found_from']} in {windows}",
        "epsilon": f"{row['epsilon']:.4g}{units} (z {row['z']:g}) in the error window of samples "
        f"{row['window_start']:,} to {row['window_end']:,}",
        "farthest": f"smoothed error {row['smoothed_error']:.4g}{units} at sample {row['smoothed_error_at']:,}: "
        f"{beyond}{row['distance']:.1f} sd {'below' if low else 'above'} the mean",
        "cleared by": row["clears"],
        "commands": row["commands"],
    }
    head = f"Samples {row['start']:,} to {row['end']:,}, {row['level']}, severity {row['severity']:.2f}. {row['text']}"
    return "\n".join([head, *(f"  {name:<10}  {text}" for name, text in lines.items())])
