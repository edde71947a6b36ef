"""`workbench explain`: why the anomalies of a channel or asset were detected, and what would clear them."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from workbench.cli.common import (
    AsJson,
    ForecasterName,
    PresetName,
    count_text,
    open_session,
    print_json,
    records,
    split_names,
)

if TYPE_CHECKING:
    from workbench.session import Session

__all__ = ["explain"]

_MAX_CHANNELS = 10


def explain(
    channel: Annotated[
        str,
        typer.Argument(metavar="CHANNEL", help="Name of the channel, for example P-1, or of a whole asset."),
    ],
    forecaster: ForecasterName = None,
    preset: PresetName = None,
    as_json: AsJson = False,
) -> None:
    """Explain each anomaly of a channel: what found it, how far it exceeds its bound, what would clear it.

    Of a whole asset it says how its channels left normal operation, and which contributed. A channel or asset whose
    scores are missing or out of date is scored first.
    """
    session = open_session()
    if split_names(session, [channel])[1]:
        _explain_asset(session, channel, as_json)
        return
    rows = records(session.explain(channel, forecaster, preset))
    if as_json:
        print_json(rows)
        return
    count = count_text(len(rows), "anomaly", "anomalies")
    typer.echo(f"{channel}: {count} with the preset {preset or session.settings.preset}.")
    for row in rows:
        typer.echo("\n" + _explanation_text(row))


def _explain_asset(session: "Session", asset: str, as_json: bool) -> None:
    rows = records(session.explain_asset(asset))
    if as_json:
        print_json(rows)
        return
    typer.echo(f"{asset}: {count_text(len(rows), 'anomaly', 'anomalies')} of the asset as a whole.")
    for row in rows:
        typer.echo("\n" + _asset_text(row))


def _asset_text(row: dict[str, Any]) -> str:
    shares = [f"{channel} {100 * share:.0f} %" for channel, share in row["contributions"].items() if share >= 0.01]
    lines = {
        "detected by": row["model"],
        "distance": f"{row['distance']:.4g} standard deviations at sample {row['peak_at']:,}; "
        f"bound {row['bound']:.4g}, largest in training {row['record']:.4g}",
        "channels": ", ".join(shares[:_MAX_CHANNELS]),
    }
    return "\n".join([_head(row), *(f"  {name:<13}  {text}" for name, text in lines.items())])


def _explanation_text(row: dict[str, Any]) -> str:
    lines = {"detected by": f"{row['model']}, preset {row['preset']}, from {_sources(row)}"}
    lines |= {} if row["found_by"] == "envelope" else _forecast_lines(row)
    lines |= {} if row["found_by"] == "forecast" else {"envelope": _envelope_line(row)}
    lines |= {"cleared by": row["clears"], "commands": row["commands"]}
    return "\n".join([_head(row), *(f"  {name:<13}  {text}" for name, text in lines.items())])


def _sources(row: dict[str, Any]) -> str:
    """Say what found an anomaly: error windows, the envelope, or both."""
    windows = f"{row['found_from']} in {count_text(row['windows'], 'error window')}"
    return {"forecast": windows, "envelope": "the envelope", "both": f"{windows} and the envelope"}[row["found_by"]]


def _forecast_lines(row: dict[str, Any]) -> dict[str, str]:
    units = f" {row['units']}" if row["units"] else ""
    low = row["smoothed_error"] < row["epsilon"]
    beyond = "" if low or row["ratio"] is None else f"{row['ratio']:.2f} times epsilon, "
    return {
        "epsilon": f"{row['epsilon']:.4g}{units} (z {row['z']:g}) in the error window of samples "
        f"{row['window_start']:,} to {row['window_end']:,}",
        "largest error": f"smoothed error {row['smoothed_error']:.4g}{units} at sample {row['smoothed_error_at']:,}: "
        f"{beyond}{row['distance']:.1f} standard deviations {'below' if low else 'above'} the mean",
    }


def _envelope_line(row: dict[str, Any]) -> str:
    counts = row["feature"] == "stuck"
    units = " samples" if counts else f" {row['units']}" if row["units"] else ""
    return (
        f"{row['words']}: {row['feature_value']:.4g}{units} at sample {row['feature_at']:,}, bound "
        f"{row['feature_bound']:.4g}{units}, record {row['feature_record']:.4g}{units}"
    )


def _head(row: dict[str, Any]) -> str:
    times = f" ({row['start_at']} to {row['end_at']} UTC)".replace("T", " ", 2) if "T" in row["start_at"] else ""
    place = f"Samples {row['start']:,} to {row['end']:,}{times}"
    return f"{place}, {row['level']}, severity {row['severity']:.2f}. {row['text']}"
