"""`workbench explain`: why the anomalies of a channel or asset were detected, and what would clear them."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from workbench.cli.common import (
    AsJson,
    ForecasterName,
    PresetName,
    count_text,
    end_with_failures,
    open_session,
    print_json,
    records,
    split_names,
)
from workbench.exceptions import ChannelNotFoundError, WorkbenchError
from workbench.parameters import LEVELS

if TYPE_CHECKING:
    from workbench.session import Session

__all__ = ["explain"]

_MAX_CHANNELS = 10


def explain(
    channels: Annotated[
        list[str],
        typer.Argument(metavar="CHANNEL...", help="Names of channels, for example P-1, or of whole assets."),
    ],
    forecaster: ForecasterName = None,
    preset: PresetName = None,
    as_json: AsJson = False,
) -> None:
    """Explain each anomaly of channels: what found it, how far it exceeds its bound, what would clear it.

    Of a whole asset it says how its channels left normal operation, and which contributed. A channel or asset whose
    scores are missing or out of date is scored first. An anomaly that is a known event is named as one.
    """
    session = open_session()
    names = list(dict.fromkeys(channels))
    assets = split_names(session, names)[1]
    rows: list[dict[str, Any]] = []
    reasons: dict[str, str] = {}
    for name in names:
        try:
            own = records(session.explain_asset(name)) if name in assets else _rows(session, name, forecaster, preset)
        except WorkbenchError as error:
            if len(names) == 1:
                raise
            reasons[name] = str(error)
            continue
        rows += own if len(names) == 1 else [{"asset" if name in assets else "channel": name} | row for row in own]
        if not as_json:
            count = count_text(len(own), "anomaly", "anomalies")
            how = (
                "of the asset as a whole" if name in assets else f"with the preset {preset or session.settings.preset}"
            )
            typer.echo(f"{name}: {count} {how}.")
            for row in own:
                typer.echo("\n" + (_asset_text(row) if name in assets else _explanation_text(row)))
    if as_json:
        print_json(rows)
    end_with_failures(reasons, len(names))


def _rows(session: "Session", channel: str, forecaster: str | None, preset: str | None) -> list[dict[str, Any]]:
    """Return the explanations of a channel, each with the known event that its anomaly is."""
    from workbench.telemetry.store import suggest

    archived = session.archive.channels()
    if channel not in archived:
        raise ChannelNotFoundError(
            f"Unknown channel {channel!r}.", suggest(channel, [*archived, *session.assets.names()] if archived else [])
        )
    table = session.explain(channel, forecaster, preset)
    events = session.known_events(channel, table, session.score(channel, forecaster, preset))
    return records(table.assign(known_event=events))


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
    where = f"{'from' if counts else 'at'} sample {row['feature_at']:,}"
    return (
        f"{row['words']}: {row['feature_value']:.4g}{units} {where}, bound "
        f"{row['feature_bound']:.4g}{units}, record {row['feature_record']:.4g}{units}"
    )


def _head(row: dict[str, Any]) -> str:
    times = f" ({row['start_at']} to {row['end_at']} UTC)".replace("T", " ", 2) if "T" in row["start_at"] else ""
    place = f"Samples {row['start']:,} to {row['end']:,}{times}"
    event = row.get("known_event", "")
    level = f"{LEVELS[0]} as a known event (else {row['level']})" if event else row["level"]
    return f"{place}, {level}, severity {row['severity']:.2f}. {f'{event} ' if event else ''}{row['text']}"
