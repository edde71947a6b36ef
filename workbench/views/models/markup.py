"""HTML of the chosen model; every value that comes from data is escaped."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from html import escape
from typing import Any

import pandas as pd

from workbench.models.listing import ModelInfo
from workbench.models.versus import Versus
from workbench.views.models.table import age_words, number, size_words
from workbench.views.widgets.grid import Column, cell, table_markup

__all__ = ["confusion_markup", "facts_markup", "head_markup", "progress_markup", "versions_markup", "versus_markup"]

_COUNTS = {"true_positives": "TP", "false_positives": "FP", "false_negatives": "FN"}


def head_markup(title: str, table: pd.DataFrame, drifted: int, judged: int) -> str:
    """Say how many models there are, and how many of them ask for something."""
    champions = int(table["aliases"].str.contains("champion").sum()) if len(table) else 0
    words = [f"{len(table)} versions for {table['channel'].nunique()} channels", f"{champions} champions"]
    stale = int((table["stale"] != "").sum())
    words.append(f"{drifted} of {judged} channels drifted" if judged else "drift not looked at")
    words += [f"{stale} of old training data"] if stale else []
    return f"<div class='wb-line'><h1>{escape(title)}</h1><p>{escape('; '.join(words))}</p></div>"


def facts_markup(info: ModelInfo, drift: Mapping[str, Any], stale: str, served: str) -> str:
    """Write parameters, tags and figures of a version."""
    created = f"{info.created:%Y-%m-%d %H:%M:%S} UTC"
    size = info.size
    tags = {
        "registered": created,
        "aliases": ", ".join(info.aliases) or "none",
        "train_hash": info.train_hash[:16],
        "run": info.run_id,
        "files": f"{size_words(size)} kB in {info.path}" if size is not None else "not on this machine",
    }
    if info.replaced is not None:
        tags["replaced"] = f"version {info.replaced}"
    if info.rolled_back:
        tags["rolled back"] = "was champion until a rollback"
    if info.retired:
        tags["retired"] = "out of use until it is promoted"
    if stale:
        tags["train again"] = stale
    if drift:
        tags["drift"] = (
            drift["reason"] or f"none: error {drift['error_ratio']:.2f} times training's, KS {drift['ks']:.2f}"
            if drift["status"] != "failed"
            else drift["reason"]
        )
    mlflow = (
        f'<a href="{escape(served)}" target="_blank" rel="noopener">{escape(info.id)}</a>'
        if served
        else "not served; <code>workbench registry-ui</code> serves it"
    )
    metrics = {name: number(value) for name, value in sorted(info.metrics.items())}
    return (
        f"<h3>Parameters</h3>{_list(info.parameters)}<h3>Training</h3>{_list(metrics)}<h3>Tags</h3>{_list(tags)}"
        f"<h3>MLflow's page</h3><p>{mlflow}</p>"
    )


def versions_markup(models: Sequence[ModelInfo], now: datetime) -> str:
    """Write the versions of a channel, the newest first; two can be marked to be compared."""
    columns = [
        Column("", "version"),
        Column("", "alias"),
        Column("", "history"),
        Column("", "age", True),
        Column("", "seed", True),
        Column("", "error", True, "Over the held-out training windows, channel's units"),
        Column("", "trained, s", True),
    ]
    rows = []
    for info in sorted(models, key=lambda info: info.created, reverse=True):
        past = [f"replaced v{info.replaced}"] if info.replaced is not None else []
        past += ["rolled back"] if info.rolled_back else []
        past += ["retired"] if info.retired else []
        cells = [
            cell(f"{info.forecaster} v{info.version}"),
            cell(", ".join(info.aliases)),
            cell(", ".join(past)),
            cell(age_words((now - info.created).total_seconds()), title=f"{info.created:%Y-%m-%d %H:%M:%S} UTC"),
            cell(info.parameters.get("seed", "")),
            number(info.metrics.get("validation_error")),
            number(info.metrics.get("training_seconds")),
        ]
        rows.append((info.id, cells))
    return table_markup(columns, rows, marks=True)


def versus_markup(found: Versus, units: str) -> str:
    """Write the figures of two versions side by side, and what each finds."""
    unit = f", {units}" if units else ""
    rows = found.figures.set_index("model")
    names = list(rows.index)
    kinds: dict[str, tuple[str, Callable[[Any], str]]] = {
        f"held-out error{unit} ({found.samples:,} samples)": ("held_out_error", number),
        f"error on the test series{unit}": ("test_error", number),
        f"epsilon, median{unit}": ("epsilon", number),
        "anomalies found": ("anomalies", str),
        "of them alone": ("alone", str),
        "samples flagged": ("flagged", "{:.2%}".format),
    }
    kinds |= {f"{short} by the labels": (name, str) for name, short in _COUNTS.items() if name in rows}
    head = "".join(f"<th>{escape(name)}</th>" for name in names)
    body = "".join(
        f"<tr><td>{escape(words)}</td>{''.join(f'<td>{form(rows.at[name, key])}</td>' for name in names)}</tr>"
        for words, (key, form) in kinds.items()
    )
    table = f"<table class='wb-figures'><thead><tr><th>same data</th>{head}</tr></thead><tbody>{body}</tbody></table>"
    lists = ""
    for name in names:
        own = found.anomalies[found.anomalies["model"] == name].to_dict(orient="records")
        items = "".join(
            f"<tr><td>{row['start']:,} to {row['end']:,}</td><td>{row['severity']:.2f}</td>"
            f"<td>{'alone' if row['alone'] else 'both'}</td></tr>"
            for row in own
        )
        heads = f"<tr><th>{escape(name)}: samples</th><th>severity</th><th>found by</th></tr>"
        none = "<tr><td colspan='3'>no anomaly</td></tr>"
        lists += f"<table><thead>{heads}</thead><tbody>{items or none}</tbody></table>"
    few = "" if found.samples else "<p class='wb-note'>Their held-out windows have too few samples in common.</p>"
    return f"{table}{few}<div class='wb-pair'>{lists}</div>"


def confusion_markup(table: pd.DataFrame, unlabelled: int) -> str:
    """Write true and false positives by channel, the most wrong first, and the total."""
    columns = [
        Column("", "channel"),
        Column("", "TP", True, "Labelled sequences that were found"),
        Column("", "FP", True, "Found sequences that touch no label"),
        Column("", "FN", True, "Labelled sequences that were not found"),
        Column("", "precision", True),
        Column("", "recall", True),
    ]
    counts = table[list(_COUNTS)]
    ordered = table.assign(wrong=counts["false_positives"] + counts["false_negatives"]).sort_values(
        "wrong", ascending=False, kind="stable"
    )
    rows = []
    for row in ordered.to_dict(orient="records"):
        shares = (_share(row[name]) for name in ("precision", "recall"))
        rows.append((str(row["channel"]), [cell(row["channel"]), *(f"{row[name]}" for name in _COUNTS), *shares]))
    total = ", ".join(f"{int(counts[name].sum())} {short}" for name, short in _COUNTS.items())
    words = f"All {len(table)} labelled and scored channels: {total}. {unlabelled} others have no labels or no score."
    if not len(table):
        return "<p class='wb-note wb-muted'>No channel is both labelled and scored.</p>"
    return f"<p class='wb-note'>{words}</p>{table_markup(columns, rows)}"


def progress_markup(name: str, epochs: Sequence[Mapping[str, Any]], words: str = "") -> str:
    """Say how far a training is."""
    if words or not epochs:
        return f"<div class='wb-doing' role='status'>{escape(words or f'Training {name}')}</div>"
    last = epochs[-1]
    bar = f'<progress value="{last["epoch"]}" max="{last["epochs"]}"></progress>'
    text = (
        f"Training {name}: epoch {last['epoch']} of at most {last['epochs']}, "
        f"loss {last['loss']:.3g}, held out {last['validation_loss']:.3g}"
    )
    return f"<div class='wb-doing' role='status'>{escape(text)}{bar}</div>"


def _share(value: float) -> str:
    return "" if pd.isna(value) else f"{value:.0%}"


def _list(values: Mapping[str, object]) -> str:
    items = "".join(f"<dt>{escape(name)}</dt><dd>{escape(str(value))}</dd>" for name, value in values.items())
    return f"<dl class='wb-facts' tabindex='0'>{items}</dl>"
