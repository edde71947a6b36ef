"""HTML of the system view; every value that comes from data is escaped."""

import math
from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from datetime import UTC, datetime
from html import escape

import pandas as pd

from workbench.jobs.doctor import Finding
from workbench.observability.logs import LogEntry
from workbench.observability.status import Status
from workbench.observability.timings import STAGE, Row
from workbench.observability.usage import Process
from workbench.plots.theme import severity
from workbench.views.markup import age
from workbench.views.widgets.grid import Column, cell, table_markup

__all__ = [
    "checks_markup",
    "entry_markup",
    "feed_head",
    "feed_markup",
    "head_markup",
    "log_markup",
    "processes_markup",
    "size_words",
    "storage_markup",
    "timings_markup",
]

_LEVELS = {"ok": "", "missing": "medium", "broken": "critical"}
_STATES = {"ok": "ok", "missing": "to do", "broken": "broken"}
_KERNELS = {"open": "page open", "left": "page gone", "starting": "starting", "waiting": "ready for a page"}
_LOG_LEVELS = {"CRITICAL": "critical", "ERROR": "high", "WARNING": "medium"}


def size_words(size: float) -> str:
    """Write bytes.

    Examples
    --------
    >>> [size_words(size) for size in (0, 900, 20_000, 35_000_000, 3 * 2**30)]
    ['0 B', '900 B', '20 KiB', '33 MiB', '3.0 GiB']
    """
    for unit in ("B", "KiB", "MiB"):
        if size < 1024:
            return f"{size:.0f} {unit}"
        size /= 1024
    return f"{size:,.1f} GiB"


def head_markup(status: Status, findings: Sequence[Finding]) -> str:
    """Say whether anything is wrong, then how much is used."""
    wrong = [finding for finding in findings if finding.state != "ok"]
    level = "critical" if any(finding.state == "broken" for finding in wrong) else "medium" if wrong else ""
    words = f"{len(findings)} checks pass" if findings else "System"
    if wrong:
        names = escape(", ".join(finding.what for finding in wrong))
        words = f"{_symbol(level)}{len(wrong)} of {len(findings)} checks to mend: {names}"
    open_pages = sum(each.state == "open" for each in status.processes)
    told = [f"{open_pages} of {status.budget} pages open"] if status.budget else ["no dashboard server here"]
    told.append(f"{size_words(sum(each.memory for each in status.processes))} of memory")
    told.append(f"{sum(each.cpu for each in status.processes):.0f} % of one core")
    told += [f"{status.refused} visits found no place"] if status.refused else []
    return f"<div class='wb-line {level}'><h1>{words}</h1><p>{'; '.join(told)}</p></div>"


def processes_markup(status: Status, own: int) -> str:
    """Write the server and its kernels, or this notebook alone."""
    now = datetime.fromtimestamp(status.at, UTC)
    rows = []
    for each in status.processes:
        started = datetime.fromtimestamp(each.started, UTC)
        up = cell(_up(started, now), title=f"since {started:%Y-%m-%d %H:%M:%S} UTC")
        name = f"{each.role}, this page" if each.role == "kernel" and each.pid == own else each.role
        rows.append(
            [escape(name), _doing(each, now), f"{each.memory / 2**20:,.0f}", f"{each.cpu:.0f}", up, str(each.pid)]
        )
    heads = ["process", "does", "memory, MiB", "CPU, %", "up", "pid"]
    table = _table(heads, rows, numbers={2, 3, 4, 5})
    if status.budget:
        opened = sum(status.opened.values())
        taken = sum(each.state in ("open", "left", "starting") for each in status.processes)
        title = f"{taken} of {status.budget} places taken"
        meter = f"<progress max='{status.budget}' value='{taken}' aria-label='{title}'></progress>"
        told = f"{title} {meter} {opened} page{'s' if opened != 1 else ''} opened so far"
        return f"<h2>Processes <span class='wb-muted'>{told}</span></h2>{table}"
    note = "No dashboard serves this: the process of this notebook alone. <code>workbench dashboard</code> starts one."
    return f"<h2>Process</h2>{table}<p class='wb-note wb-muted'>{note}</p>"


def _up(started: datetime, now: datetime) -> str:
    words = age(started, now)
    return "< 1 min" if words == "now" else words


def _doing(each: Process, now: datetime) -> str:
    if each.role != "kernel":
        return ""
    words = _KERNELS[each.state] + (", busy" if each.busy else "")
    last = age(datetime.fromtimestamp(each.last, UTC), now)
    return cell(words, title="heard of just now" if last == "now" else f"last heard of {last} ago")


def timings_markup(rows: Sequence[Row], opened: str) -> str:
    """Write how long callbacks of each view take, and each stage."""
    columns = [
        Column("", "view or stage"),
        Column("", "times", True, "How often it ran since the server started"),
        *(
            Column("", f"p{percent}, ms", True, f"{percent} % of them took at most so long, in milliseconds")
            for percent in (50, 95, 99)
        ),
        Column("", "in all, s", True),
    ]
    shown = []
    for row in rows:
        numbers = [f"{row.count:,}", *map(_milliseconds, (row.p50, row.p95, row.p99)), f"{row.total:,.1f}"]
        if row.group == STAGE:
            name, key = f"<span class='wb-muted'>stage</span> {escape(row.name)}", f"{STAGE} {row.name}"
        elif row.name:
            name, key = f"<span class='wb-inner'>{escape(_readable(row.name))}</span>", f"{row.group} {row.name}"
        else:
            sign = "▾" if row.group == opened else "▸"
            name, key = f"<span aria-hidden='true'>{sign}</span> {escape(row.group)}", row.group
        shown.append((key, [name, *numbers]))
    return table_markup(columns, shown)


def _readable(name: str) -> str:
    return name.removeprefix("_").removeprefix("on_").replace("_", " ")


def _milliseconds(seconds: float) -> str:
    milliseconds = seconds * 1000
    if math.isnan(milliseconds):
        return ""
    return (
        f"{milliseconds:,.0f}" if milliseconds >= 10 else f"{milliseconds:.1f}" if milliseconds >= 0.1 else "&lt; 0.1"
    )


def storage_markup(sizes: pd.DataFrame, free: int, status: Status, budget: int) -> str:
    """Write what lies on disk, and what the cache of models did."""
    parts = sizes.to_dict(orient="records")
    rows = [[cell(row["part"], title=str(row["place"])), size_words(row["bytes"])] for row in parts]
    rows += [["all", size_words(sizes["bytes"].sum())], ["free", size_words(free)]]
    cache, asked = status.cache, status.cache["hits"] + status.cache["misses"]
    kernels = max(sum(each.role != "server" for each in status.processes), 1)
    tip = f"{size_words(budget)} in each of {kernels} processes" if kernels > 1 else ""
    loaded = cell(f"{cache['models']}, {size_words(cache['bytes'])} of {size_words(budget * kernels)}", title=tip)
    hits = f"{cache['hits'] / asked:.0%} of {asked:,} found loaded" if asked else "none"
    lines = [
        ["loaded", loaded],
        ["asked for", hits],
        ["dropped for room", f"{cache['evictions']:,}"],
    ]
    disk, models = (
        _table(["disk", "size"], rows, numbers={1}),
        _table(["model cache", "all kernels"], lines, numbers={1}),
    )
    return f"<div class='wb-pair'>{disk}{models}</div>"


def checks_markup(findings: Sequence[Finding]) -> str:
    """Write each check, and under one that does not pass how to mend it."""
    order = list(_LEVELS)
    rows, classes = [], []
    for finding in sorted(findings, key=lambda finding: -order.index(finding.state)):
        state = f"{_symbol(_LEVELS[finding.state])}{_STATES[finding.state]}"
        fix = f"<p class='wb-fix'>Mend: <code>{escape(finding.fix)}</code></p>" if finding.fix else ""
        rows.append([escape(finding.what), state, f"<span>{escape(finding.found)}</span>{fix}"])
        classes.append(_LEVELS[finding.state])
    return _table(["check", "state", "found"], rows, classes=classes)


def feed_head(table: pd.DataFrame, total: int, now: datetime) -> str:
    """Sum the feed up."""
    words = []
    if len(table) < total:
        words.append(f"reading {len(table)} of {total} channels")
    elif total:
        gaps = int(table["gaps"].sum())
        words.append(f"{gaps:,} gaps in {int((table['gaps'] > 0).sum())} channels" if gaps else "no gaps")
        newest = table["newest"].max()
        words.append("samples carry no dates" if pd.isna(newest) else f"newest sample {age(newest, now)} old")
    else:
        words.append("no telemetry yet")
    return f"<h2>Feed <span class='wb-muted'>{'; '.join(words)}</span></h2>"


def feed_markup(table: pd.DataFrame, now: datetime, order: str) -> str:
    """Write how far each channel lies behind."""
    columns = [
        Column("channel", "channel"),
        Column("lag", "lag", True, "From its last sample to now; empty where samples carry no dates"),
        Column("gaps", "gaps", True, "Steps in time above 1.5 times the usual one, in the test series"),
        Column("missed", "missed", True, "Samples that the gaps leave out"),
        Column("received", "received", True, "How long ago its telemetry was written here"),
        Column("scored_at", "scored", True, "How long ago its newest score was made"),
        Column("state", "score"),
    ]
    rows, classes = [], {}
    for row in table.to_dict(orient="records"):
        level = "" if row["state"] == "current" else "medium"
        state = f"{_symbol(level)}{cell(row['state'], title=row['reason'])}"
        numbers = [f"{row[name]:,}" if row[name] else "" for name in ("gaps", "missed")]
        ages = [_ago(row[name], now) for name in ("newest", "received", "scored_at")]
        rows.append(
            (str(row["channel"]), [cell(row["channel"], title=row["asset"]), ages[0], *numbers, *ages[1:], state])
        )
        classes[str(row["channel"])] = level
    return table_markup(columns, rows, order=order, classes=classes)


def _ago(then: pd.Timestamp, now: datetime) -> str:
    return "" if pd.isna(then) else cell(age(then, now), title=f"{then:%Y-%m-%d %H:%M:%S} UTC")


def log_markup(entries: Iterable[tuple[str, LogEntry]], searched: bool) -> str:
    """Write the newest entries of the log."""
    columns = [Column("", "at, UTC"), Column("", "level"), Column("", "what")]
    rows, classes = [], {}
    for key, entry in entries:
        level = _LOG_LEVELS.get(entry.level, "")
        at = cell(entry.at[5:], title=f"{entry.at} UTC, process {entry.process}")
        state = f"{_symbol(level)}{escape(entry.level.lower())}"
        rows.append((key, [at, state, cell(entry.text, title=entry.source)]))
        classes[key] = level
    if rows:
        return table_markup(columns, rows, classes=classes)
    words = "Nothing in the log is like this." if searched else "The log is empty: nothing has gone wrong."
    return f"<p class='wb-note wb-muted'>{words}</p>"


def entry_markup(entry: LogEntry | None) -> str:
    """Write one entry whole."""
    if entry is None:
        return ""
    source = f"{entry.at} UTC, process {entry.process}, {entry.source}"
    more = f"\n{entry.more}" if entry.more else ""
    return f"<p class='wb-muted'>{escape(source)}</p><pre tabindex='0'>{escape(entry.text + more)}</pre>"


def _symbol(level: str) -> str:
    return f"<span class='wb-symbol' aria-hidden='true'>{severity(level).symbol}</span>" if level else ""


def _table(
    heads: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    numbers: AbstractSet[int] = frozenset(),
    classes: Sequence[str] = (),
) -> str:
    kinds = [" class='wb-number'" if place in numbers else "" for place in range(len(heads))]
    head = "".join(f"<th{kind}>{escape(text)}</th>" for kind, text in zip(kinds, heads, strict=True))
    body = ""
    for place, row in enumerate(rows):
        level = f" class='{classes[place]}'" if classes else ""
        body += f"<tr{level}>{''.join(f'<td{kind}>{text}</td>' for kind, text in zip(kinds, row, strict=True))}</tr>"
    return f"<table class='wb-plain'><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
