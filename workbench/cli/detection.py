"""Commands that score channels, judge the scores against labels, and write reports."""

from pathlib import Path
from typing import Annotated

import typer

from workbench.cli.common import (
    AllChannels,
    AsJson,
    Channels,
    ForecasterName,
    PresetName,
    count_text,
    end_with_failures,
    failure_reasons,
    local,
    open_session,
    print_json,
    records,
    requested_channels,
    table_text,
)
from workbench.exceptions import WorkbenchError

__all__ = ["evaluate", "report", "score"]


def score(
    channel: Channels = None,
    all_channels: AllChannels = False,
    forecaster: ForecasterName = None,
    preset: PresetName = None,
    force: Annotated[bool, typer.Option("--force", help="Compute scores again that are up to date.")] = False,
    as_json: AsJson = False,
) -> None:
    """Predict the test series, detect anomalies, raise alerts and open work orders.

    Scores that are up to date are not computed again. Alerts follow the preset of the settings.
    """
    session = open_session()
    session.check_settings(database=True, forecaster=forecaster, preset=preset)
    names = requested_channels(session, channel, all_channels)
    table = session.score_all(names, forecaster, preset, force=force, progress=True)
    scored = table[table["status"] != "failed"]
    if as_json:
        rows = zip(scored["channel"], scored["model"], scored["seconds"], scored["anomalies"], strict=True)
        print_json(
            [
                {"channel": name, "model": model, "seconds": seconds, "anomalies": records(anomalies)}
                for name, model, seconds, anomalies in rows
            ]
        )
    else:
        summary = scored.assign(
            anomalies=[len(anomalies) for anomalies in scored["anomalies"]],
            worst=[anomalies["severity"].max() for anomalies in scored["anomalies"]],
        )
        typer.echo(table_text(summary[["channel", "status", "model", "seconds", "anomalies", "worst"]]))
        anomaly_count = count_text(int(summary["anomalies"].sum()), "anomaly", "anomalies")
        typer.echo(f"{count_text(len(scored), 'channel')}, {anomaly_count}.")
    outcome = session.raise_alerts(names)
    if not as_json:
        typer.echo(f"{outcome} Next: workbench alerts list" if len(scored) else str(outcome))
    end_with_failures(dict(outcome.failed) | failure_reasons(table), len(table))


def evaluate(
    labels: Annotated[
        Path | None,
        typer.Option(
            callback=local,
            metavar="FILE",
            show_default="the labels of the archive",
            help="CSV file of labels, in Telemanom's layout.",
        ),
    ] = None,
    forecaster: ForecasterName = None,
    preset: PresetName = None,
    as_json: AsJson = False,
) -> None:
    """Compare the anomalies with labels, by the paper's overlap protocol, beside blind baselines.

    A channel without scores is scored first. Blind baselines flag samples without looking at the telemetry.
    """
    result = open_session().evaluate(labels, forecaster, preset, progress=True)
    channel_count = len(result.channels) + len(result.unjudged)
    if as_json:
        print_json(result.to_json_dict())
        end_with_failures(result.failed, channel_count)
        return
    typer.echo(table_text(result.rows))
    typer.echo("\nFor comparison, blind baselines and the forecaster persistence:")
    typer.echo(table_text(result.baselines))
    copies = result.channels[result.channels["duplicate_of"] != ""]
    for name, original in zip(copies["channel"], copies["duplicate_of"], strict=True):
        typer.echo(f"\n{name} has the same test series as {original}: counted once.")
    if result.unjudged:
        import pandas as pd

        reasons = pd.Series(result.unjudged).value_counts()
        without = ", ".join(f"{count_text(int(count), 'channel')} ({reason})" for reason, count in reasons.items())
        typer.echo(f"\nNot evaluated: {without}.")
    end_with_failures(result.failed, channel_count)


def report(
    channel: Channels = None,
    all_channels: AllChannels = False,
    forecaster: ForecasterName = None,
    preset: PresetName = None,
) -> None:
    """Write the report of a channel: an executed notebook as one self-contained HTML page."""
    from workbench.jobs.reports import reports

    session = open_session()
    names = requested_channels(session, channel, all_channels)
    outcomes = reports(session.settings, names, forecaster=forecaster, preset=preset, progress=True)
    reasons = {}
    for name, outcome in outcomes.items():
        if isinstance(outcome, WorkbenchError):
            reasons[name] = str(outcome)
        else:
            typer.echo(str(outcome))
    end_with_failures(reasons, len(outcomes))
