"""HTML of the chosen model; every value that comes from data is escaped."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from html import escape
from typing import Any

import pandas as pd

from workbench.counts import counted
from workbench.models.listing import ModelInfo
from workbench.models.versus import Versus
from workbench.views.markup import age, percent, significant
from workbench.views.models.table import size_words
from workbench.views.widgets.grid import Column, cell, table_markup

__all__ = [
    "confusion_markup",
    "drift_progress_markup",
    "facts_markup",
    "head_markup",
    "progress_markup",
    "versions_markup",
    "versus_markup",
]

_COUNTS = {"true_positives": "TP", "false_positives": "FP", "false_negatives": "FN"}


def head_markup(title: str, table: pd.DataFrame, drifted: int, judged: int) -> str:
    """Write how many versions there are, and how many channels need attention.

    Parameters
    ----------
    title : str
        Title of the view.
    table : pandas.DataFrame
        As from `model_table`.
    drifted, judged : int
        How many channels have drifted, of how many whose drift was computed.

    Returns
    -------
    str
        HTML.
    """
    champions = int(table["aliases"].str.contains("champion").sum()) if len(table) else 0
    channels = int(table["channel"].nunique()) if len(table) else 0
    words = [f"{counted(len(table), 'version')} for {counted(channels, 'channel')}", counted(champions, "champion")]
    stale = int((table["stale"] != "").sum())
    words.append(f"{drifted} of {counted(judged, 'channel')} drifted" if judged else "drift not computed yet")
    words += [f"{stale} trained on old data"] if stale else []
    return f"<div class='wb-line'><h1>{escape(title)}</h1><p>{escape('; '.join(words))}</p></div>"


def drift_progress_markup(done: int, total: int, *, stopped: bool) -> str:
    """Write how far the search for drift is.

    Parameters
    ----------
    done, total : int
        Channels that have been looked at, and all that are.
    stopped : bool
        Whether nothing is under way.

    Returns
    -------
    str
        HTML.
    """
    words = f"{'Drift search stopped:' if stopped else 'Looking for drift:'} {done:,} of {counted(total, 'channel')}"
    return (
        f"<div class='wb-doing' role='status'><span>{words}</span>"
        f"<progress max='{total or 1}' value='{done}' aria-label='Channels looked at'></progress></div>"
    )


def facts_markup(info: ModelInfo, drift: Mapping[str, Any], stale: str, served: str) -> str:
    """Write parameters, tags and figures of a version.

    Parameters
    ----------
    info : ModelInfo
        The version.
    drift : mapping of str to object
        Its row of `ModelLife.drift`; empty where drift has not been computed.
    stale : str
        Why it should be trained again; empty where its training data are current.
    served : str
        Address of its page in MLflow; empty where MLflow is not served.

    Returns
    -------
    str
        HTML.
    """
    created = f"{info.created:%Y-%m-%d %H:%M:%S} UTC"
    size = info.size
    tags = {
        "registered": created,
        "aliases": ", ".join(info.aliases) or "none",
        "training data, hash": info.train_hash[:16],
        "run in MLflow": info.run_id,
        "files": f"{size_words(size)} kB" if size is not None else "not on this machine",
    }
    if info.replaced is not None:
        tags["replaced"] = f"version {info.replaced}"
    if info.rolled_back:
        tags["rolled back"] = "champion until a rollback"
    if info.retired:
        tags["retired"] = "out of use until it is promoted"
    if stale:
        tags["train again"] = stale
    if drift:
        tags["drift"] = (
            drift["reason"]
            or f"none: error {drift['error_ratio']:.2f} times that in training, "
            f"change in the data (KS distance) {drift['ks']:.2f}"
        )
    mlflow = (
        f'<a href="{escape(served)}" target="_blank" rel="noopener">{escape(info.id)}</a>'
        if served
        else "MLflow is not running; <code>workbench registry-ui</code> starts it"
    )
    metrics = {name: significant(value) for name, value in sorted(info.metrics.items())}
    return (
        f"<h3>Parameters</h3>{_list(info.parameters)}<h3>Training</h3>{_list(metrics)}<h3>Tags</h3>{_list(tags)}"
        f"<h3>Page in MLflow</h3><p>{mlflow}</p>"
    )


def versions_markup(models: Sequence[ModelInfo], now: datetime) -> str:
    """Write the versions of a channel, the newest first; two can be marked to be compared.

    Parameters
    ----------
    models : sequence of ModelInfo
        Versions of one channel.
    now : datetime
        Present time, aware.

    Returns
    -------
    str
        HTML of a `Grid`.
    """
    columns = [
        Column("", "version"),
        Column("", "alias"),
        Column("", "history"),
        Column("", "age", True),
        Column("", "seed", True),
        Column("", "validation error", True, "Error over the held-out training windows, in the channel's units"),
        Column("", "training time, s", True),
    ]
    rows = []
    for info in sorted(models, key=lambda info: info.created, reverse=True):
        past = [f"replaced version {info.replaced}"] if info.replaced is not None else []
        past += ["rolled back"] if info.rolled_back else []
        past += ["retired"] if info.retired else []
        cells = [
            cell(f"{info.forecaster} version {info.version}"),
            cell(", ".join(info.aliases)),
            cell(", ".join(past)),
            cell(age(info.created, now), title=f"{info.created:%Y-%m-%d %H:%M:%S} UTC"),
            cell(info.parameters.get("seed", "")),
            significant(info.metrics.get("validation_error")),
            significant(info.metrics.get("training_seconds")),
        ]
        rows.append((info.id, cells))
    return table_markup(columns, rows, marks=True)


def versus_markup(comparison: Versus, units: str) -> str:
    """Write the figures of two versions side by side, and the anomalies that each detects.

    Parameters
    ----------
    comparison : Versus
        Comparison of the two versions.
    units : str
        Units of the channel.

    Returns
    -------
    str
        HTML.
    """
    unit = f", {units}" if units else ""
    rows = comparison.figures.set_index("model")
    names = list(rows.index)
    kinds: dict[str, tuple[str, Callable[[Any], str]]] = {
        f"held-out error{unit} ({comparison.samples:,} samples)": ("held_out_error", significant),
        f"error on the test series{unit}": ("test_error", significant),
        f"threshold (epsilon), median{unit}": ("epsilon", significant),
        "anomalies detected": ("anomalies", str),
        "detected by this version only": ("alone", str),
        "samples flagged": ("flagged", partial(percent, digits=2)),
    }
    kinds |= {f"{short} against the labels": (name, str) for name, short in _COUNTS.items() if name in rows}
    head = "".join(f"<th>{escape(name)}</th>" for name in names)
    body = "".join(
        f"<tr><td>{escape(words)}</td>{''.join(f'<td>{form(rows.at[name, key])}</td>' for name in names)}</tr>"
        for words, (key, form) in kinds.items()
    )
    table = f"<table class='wb-figures'><thead><tr><th>same data</th>{head}</tr></thead><tbody>{body}</tbody></table>"
    lists = ""
    for name in names:
        own = comparison.anomalies[comparison.anomalies["model"] == name].to_dict(orient="records")
        items = "".join(
            f"<tr><td>{row['start']:,} to {row['end']:,}</td><td>{row['severity']:.2f}</td>"
            f"<td>{'this version only' if row['alone'] else 'both'}</td></tr>"
            for row in own
        )
        heads = f"<tr><th>{escape(name)}: samples</th><th>severity</th><th>detected by</th></tr>"
        none = "<tr><td colspan='3'>no anomaly</td></tr>"
        lists += f"<table><thead>{heads}</thead><tbody>{items or none}</tbody></table>"
    few = (
        "" if comparison.samples else "<p class='wb-note'>Their held-out windows share too few samples to compare.</p>"
    )
    return f"{table}{few}<div class='wb-pair'>{lists}</div>"


def confusion_markup(table: pd.DataFrame, unlabelled: int) -> str:
    """Write true and false positives by channel, the most errors first, and the total.

    Parameters
    ----------
    table : pandas.DataFrame
        As from `workbench.judging.confusion`.
    unlabelled : int
        How many channels have no labels or no score.

    Returns
    -------
    str
        HTML of a `Grid`.
    """
    columns = [
        Column("", "channel"),
        Column("", "TP", True, "True positives: labelled sequences that were detected"),
        Column("", "FP", True, "False positives: detected sequences that touch no label"),
        Column("", "FN", True, "False negatives: labelled sequences that were not detected"),
        Column("", "precision", True),
        Column("", "recall", True),
    ]
    counts = table[list(_COUNTS)]
    ordered = table.assign(wrong=counts["false_positives"] + counts["false_negatives"]).sort_values(
        "wrong", ascending=False, kind="stable"
    )
    rows = []
    for row in ordered.to_dict(orient="records"):
        shares = (percent(row[name]) for name in ("precision", "recall"))
        rows.append((str(row["channel"]), [cell(row["channel"]), *(f"{row[name]}" for name in _COUNTS), *shares]))
    total = ", ".join(f"{int(counts[name].sum())} {short}" for name, short in _COUNTS.items())
    others = f"{counted(unlabelled, 'other channel')} {'has' if unlabelled == 1 else 'have'} no labels or no score."
    words = f"{counted(len(table), 'labelled and scored channel')}: {total}. {others}"
    if not len(table):
        return "<p class='wb-note wb-muted'>No channel has both labels and a score.</p>"
    return f"<p class='wb-note'>{words}</p>{table_markup(columns, rows)}"


def progress_markup(name: str, epochs: Sequence[Mapping[str, Any]], words: str = "") -> str:
    """Write how far a training is.

    Parameters
    ----------
    name : str
        Name of the model.
    epochs : sequence of mapping
        Epochs so far.
    words : str
        What is done instead, where it is not the training itself.

    Returns
    -------
    str
        HTML.
    """
    if words or not epochs:
        return f"<div class='wb-doing' role='status'>{escape(words or f'Training {name}')}</div>"
    last = epochs[-1]
    bar = f'<progress value="{last["epoch"]}" max="{last["epochs"]}"></progress>'
    text = (
        f"Training {name}: epoch {last['epoch']} of at most {last['epochs']}, "
        f"loss {last['loss']:.3g}, validation loss {last['validation_loss']:.3g}"
    )
    return f"<div class='wb-doing' role='status'>{escape(text)}{bar}</div>"


_WORDS = {
    "sequence_length": "window, samples",
    "prediction_horizon": "horizon, samples",
    "telemetry_lags": "earlier samples of telemetry",
    "command_lags": "earlier samples of commands",
    "alpha": "regularization",
    "training_seconds": "training time, s",
    "validation_error": "validation error",
}
"""Words for parameters and figures, by their names in code, which stand on hover."""


def _list(values: Mapping[str, object]) -> str:
    items = ""
    for name, value in values.items():
        words = _WORDS.get(name, name.replace("_", " "))
        items += f"<dt title='{escape(name)}'>{escape(words)}</dt><dd>{escape(str(value))}</dd>"
    return f"<dl class='wb-facts' tabindex='0'>{items}</dl>"
