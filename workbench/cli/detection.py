"""Commands that score channels, judge the scores against labels, and write reports."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from workbench.cli.common import (
    AllChannels,
    AsJson,
    Channels,
    ChannelsOrAssets,
    ComputePlace,
    ForecasterName,
    PresetName,
    count_text,
    end_with_failures,
    failure_reasons,
    local,
    open_session,
    place_overrides,
    print_json,
    records,
    requested_channels,
    split_names,
    table_text,
)
from workbench.exceptions import WorkbenchError
from workbench.names import command_line

if TYPE_CHECKING:
    import pandas as pd

    from workbench.detection.evaluation import Evaluation
    from workbench.session import Session

__all__ = ["evaluate", "report", "score"]


def score(
    channel: ChannelsOrAssets = None,
    all_channels: AllChannels = False,
    forecaster: ForecasterName = None,
    preset: PresetName = None,
    force: Annotated[bool, typer.Option("--force", help="Compute scores again that are up to date.")] = False,
    compute: ComputePlace = None,
    as_json: AsJson = False,
) -> None:
    """Predict the test series, detect anomalies, raise alerts and open work orders.

    Scores that are up to date are not computed again. Alerts follow the preset of the settings. Assets that are named
    are judged as a whole; with --all, those that have a model.
    """
    session = open_session(**place_overrides(compute))
    session.check_settings(database=True, forecaster=forecaster, preset=preset)
    names, assets = split_names(session, channel)
    if not assets or all_channels:
        names = requested_channels(session, channel, all_channels)
        assets = session.assets.with_model() if all_channels else []
    table = _scored(session, names, assets, forecaster, preset, force)
    scored = table[table["status"] != "failed"]
    if as_json:
        rows = records(scored[["channel", "model", "seconds", "reason"]])
        print_json([row | {"anomalies": records(each)} for row, each in zip(rows, scored["anomalies"], strict=True)])
    else:
        summary = scored.assign(
            anomalies=[len(anomalies) for anomalies in scored["anomalies"]],
            worst=[anomalies["severity"].max() for anomalies in scored["anomalies"]],
        )
        columns = ["channel", "status", "model", "seconds", "anomalies", "worst"]
        provisional = [int(anomalies["provisional"].sum()) for anomalies in scored["anomalies"]]
        if any(provisional):  # of channels that grow
            summary["provisional"] = provisional
            columns.append("provisional")
        typer.echo(table_text(summary[columns]))
        anomaly_count = count_text(int(summary["anomalies"].sum()), "anomaly", "anomalies")
        kinds = ["channel"] * bool(names or not assets) + ["asset"] * bool(assets)
        counts = [count_text(int((scored["kind"] == kind).sum()), kind) for kind in kinds]
        typer.echo(f"{', '.join([*counts, anomaly_count])}.")
        for name, left_out in scored.loc[scored["reason"] != "", ["channel", "reason"]].values:
            typer.echo(f"{name}: {left_out}")
        _print_stale_models(session, set(scored["channel"]), scored["model"])
    outcome = session.raise_alerts(names, assets)
    if not as_json:
        typer.echo(f"{outcome} Next: workbench alerts list" if len(scored) else str(outcome))
    reasons = dict(outcome.failed) | failure_reasons(table)
    vanished = session.vanished() if all_channels else {}
    for name, what in vanished.items():
        fix = f"Restore it, or run: {command_line('workbench channels remove', name)}"
        reasons[name] = f"it is gone from the archive; the home has {what} of it. {fix}"
    end_with_failures(reasons, len(table) + len(vanished))


def _scored(
    session: "Session",
    names: list[str],
    assets: list[str],
    forecaster: str | None,
    preset: str | None,
    force: bool,
) -> "pd.DataFrame":
    """Return one row a channel and one an asset, which `kind` tells apart."""
    import pandas as pd

    tables = []
    if names or not assets:
        tables.append(session.score_all(names, forecaster, preset, force=force, progress=True).assign(kind="channel"))
    if assets:
        of_assets = session.assets.score_all(assets, force=force, progress=True)
        tables.append(of_assets.rename(columns={"asset": "channel"}).assign(kind="asset"))
    return pd.concat(tables, ignore_index=True)


def _print_stale_models(session: "Session", channels: set[str], used_models: Iterable[str]) -> None:
    """Say which models predicted though their training data have changed since."""
    from workbench.models.listing import model_ids

    used = {name for text in used_models for name in model_ids(text)}
    models = session.models.list()
    for model, command in models.loc[
        (models["promote"] != "") & models["model"].isin(used), ["model", "promote"]
    ].values:
        typer.echo(
            f"{model} predicted, which learned from other training data than the channel has now. Next: {command}"
        )
    stale = models.loc[(models["retrain"] != "") & models["channel"].isin(channels), "channel"].unique()
    if len(stale):
        which = f"The model of {stale[0]} is" if len(stale) == 1 else f"The models of {len(stale)} channels are"
        typer.echo(
            f"{which} stale: the training data have changed. Next: {command_line('workbench train', *stale[:20])}"
        )


def evaluate(
    labels: Annotated[
        Path | None,
        typer.Option(
            callback=local,
            metavar="FILE",
            show_default="the labels of the archive",
            help="File of known anomalies: start and end of each for channels or assets, a log of failures, "
            "NAB's JSON, or Telemanom's CSV.",
        ),
    ] = None,
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
    metrics: Annotated[
        str,
        typer.Option(
            metavar="NAMES",
            help="Metrics beside the overlap protocol, separated by commas: esa, affiliation, range, vus, nab, or all.",
        ),
    ] = "esa",
    intervals: Annotated[
        bool, typer.Option("--intervals", help="Print the 95 % interval of every figure, over channels and assets.")
    ] = False,
    forecaster: ForecasterName = None,
    preset: PresetName = None,
    compute: ComputePlace = None,
    as_json: AsJson = False,
) -> None:
    """Compare the anomalies with labels, by the paper's overlap protocol, beside blind baselines.

    A channel without scores is scored first. Assets that have a model are judged as a whole beside their channels: an
    event that several of their channels have counts once. Blind baselines flag samples without looking at the
    telemetry. Intervals of 95 % come from drawing channels, or assets, with replacement.
    """
    names = [name.strip() for name in metrics.split(",") if name.strip()]
    result = open_session(**place_overrides(compute)).evaluate(
        labels, forecaster, preset, timezone=timezone, date_order=date_order, metrics=names, progress=True
    )
    assets = result.assets
    judged_count = len(result.channels) + len(result.unjudged) + (0 if assets is None else len(assets.channels))
    if as_json:
        print_json(result.to_json_dict())
        end_with_failures(result.failed, judged_count)
        return
    typer.echo(table_text(_with_f1_interval(result, "channels")))
    _print_metrics(result, intervals, "channels")
    typer.echo("\nFor comparison, blind baselines and the forecaster persistence:")
    typer.echo(table_text(result.baselines))
    if assets is not None:
        typer.echo("\nAssets as a whole, against the labels of their channels on one time base:")
        typer.echo(table_text(_with_f1_interval(assets, "assets").rename(columns={"group": "asset"})))
        _print_metrics(assets, intervals, "assets")
        typer.echo("\nFor comparison, blind baselines on the same assets:")
        typer.echo(table_text(assets.baselines[assets.baselines["group"].eq("all")].drop(columns="group")))
    copies = result.channels[result.channels["duplicate_of"] != ""]
    for name, original in zip(copies["channel"], copies["duplicate_of"], strict=True):
        typer.echo(f"\n{name} has the same test series as {original}: counted once.")
    if result.unjudged:
        import pandas as pd

        reasons = pd.Series(result.unjudged).value_counts()
        without = ", ".join(f"{count_text(int(count), 'channel')} ({reason})" for reason, count in reasons.items())
        typer.echo(f"\nNot evaluated: {without}.")
    for note in result.notes:
        typer.echo(f"\n{note}")
    end_with_failures(result.failed, judged_count)


def _with_f1_interval(result: "Evaluation", over: str) -> "pd.DataFrame":
    """Return the rows of an evaluation with the interval of F1 over channels, or assets, beside it."""
    table = result.intervals
    f1 = table[table["figure"].eq("f1") & table["over"].eq(over)].set_index("group")
    bounds = f1.reindex(result.rows["group"])[["low", "high"]].to_numpy()
    text = ["" if low != low else f"{low:.3f}-{high:.3f}" for low, high in bounds.tolist()]
    rows = result.rows.copy()
    rows.insert(list(rows.columns).index("f1") + 1, "f1_95_%", text)
    return rows


def _print_metrics(result: "Evaluation", every_interval: bool, over: str) -> None:
    """Print what further metrics say of all channels, or assets, or the interval of every figure."""
    from workbench.detection.evaluation import FIGURES

    table = result.intervals
    if every_interval:
        typer.echo("\nEvery figure with its 95 % interval:")
        typer.echo(table_text(table))
        return
    further = table[table["group"].eq("all") & table["over"].eq(over) & ~table["figure"].isin(FIGURES)]
    if len(further):
        typer.echo(f"\nFurther metrics over all {over}, with 95 % intervals:")
        typer.echo(table_text(further[["figure", "value", "low", "high"]]))


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
