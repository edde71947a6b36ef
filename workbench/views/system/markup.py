"""HTML of the system view; every value that comes from data is escaped."""

import math
from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from datetime import UTC, datetime
from html import escape

import pandas as pd

from workbench.counts import counted
from workbench.jobs.doctor import Finding
from workbench.live.standing import Standing
from workbench.observability.logs import LogEntry
from workbench.observability.status import Status
from workbench.observability.timings import STAGE, Row
from workbench.observability.usage import Process
from workbench.plots.theme import severity
from workbench.views.markup import age, duration, percent
from workbench.views.widgets.grid import Column, cell, table_markup

__all__ = [
    "checks_markup",
    "entry_markup",
    "feed_head",
    "feed_markup",
    "head_markup",
    "live_markup",
    "log_markup",
    "processes_markup",
    "size_words",
    "storage_markup",
    "timings_markup",
]

_LEVELS = {"ok": "", "missing": "medium", "broken": "critical"}
_STATES = {"ok": "ok", "missing": "to do", "broken": "broken"}
_KERNELS = {"open": "page open", "left": "page closed", "starting": "starting", "waiting": "ready for a page"}
_MOST_UNSCORED = 5  # channels that are named
_LOG_LEVELS = {"CRITICAL": "critical", "ERROR": "high", "WARNING": "medium"}


def size_words(size: float) -> str:
    """Return a size in words.

    Parameters
    ----------
    size : float
        Size in bytes.

    Returns
    -------
    str

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
    """Write whether anything is wrong, then how much is used.

    Parameters
    ----------
    status : Status
        What the server and its kernels do.
    findings : sequence of Finding
        Results of the checks; empty before they have run.

    Returns
    -------
    str
        HTML.
    """
    failed, to_do = ([one.what for one in findings if one.state == state] for state in ("broken", "missing"))
    level = "critical" if failed else "medium" if to_do else ""
    total = counted(len(findings), "check")
    words = f"all {total} passed"
    if failed:
        words = f"{len(failed)} of {total} failed: {escape(', '.join(failed))}"
    elif to_do:
        words = f"no check failed, {len(to_do)} of {total} to do: {escape(', '.join(to_do))}"
    words = f"{_symbol(level)}System: {words}" if findings else "System"
    usage = [_pages_words(status) if status.budget else "no dashboard server"]
    usage.append(f"{size_words(sum(each.memory for each in status.processes))} of memory")
    usage.append(f"{sum(each.cpu for each in status.processes):.0f} % of one core")
    usage += [f"{counted(status.refused, 'visit')} refused since all pages were in use"] if status.refused else []
    return f"<div class='wb-line {level}'><h1>{words}</h1><p>{'; '.join(usage)}</p></div>"


def _open_pages(status: Status) -> int:
    return sum(each.state == "open" for each in status.processes)


def _pages_words(status: Status) -> str:
    """Return how many pages are open, in the one form in which it is said."""
    return f"{_open_pages(status)} of {counted(status.budget, 'page')} open"


def processes_markup(status: Status, own: int) -> str:
    """Write the server and its kernels, or this notebook alone.

    Parameters
    ----------
    status : Status
        What the server and its kernels do.
    own : int
        Number of the process of this page.

    Returns
    -------
    str
        HTML.
    """
    now = datetime.fromtimestamp(status.at, UTC)
    rows = []
    for each in status.processes:
        started = datetime.fromtimestamp(each.started, UTC)
        uptime = cell(
            duration(max((now - started).total_seconds(), 0.0)), title=f"since {started:%Y-%m-%d %H:%M:%S} UTC"
        )
        name = f"{each.role}, this page" if each.role == "kernel" and each.pid == own else each.role
        rows.append(
            [escape(name), _doing(each, now), f"{each.memory / 2**20:,.0f}", f"{each.cpu:.0f}", uptime, str(each.pid)]
        )
    heads = ["process", "status", "memory, MiB", "CPU, %", "uptime", "pid"]
    table = _table(heads, rows, numbers={2, 3, 4, 5})
    if status.budget:
        title, opened = _pages_words(status), sum(status.opened.values())
        meter = f"<progress max='{status.budget}' value='{_open_pages(status)}' aria-label='{title}'></progress>"
        words = f"{title} {meter} opened since the server started: {opened:,}"
        return f"<h2>Processes <span class='wb-muted'>{words}</span></h2>{table}"
    note = (
        "No dashboard server runs here; this notebook is the only process. <code>workbench dashboard</code> starts one."
    )
    return f"<h2>Process</h2>{table}<p class='wb-note wb-muted'>{note}</p>"


def _doing(each: Process, now: datetime) -> str:
    if each.role != "kernel":
        return ""
    words = _KERNELS[each.state] + (", busy" if each.busy else "")
    last = age(datetime.fromtimestamp(each.last, UTC), now)
    return cell(words, title="last active just now" if last == "now" else f"last active {last} ago")


def timings_markup(rows: Sequence[Row], opened: str) -> str:
    """Write how long the callbacks of each view take, and each stage of the computation.

    Parameters
    ----------
    rows : sequence of Row
        Latencies of views and stages, and of the callbacks of the view that is opened.
    opened : str
        Title of the view whose callbacks are listed; empty for none.

    Returns
    -------
    str
        HTML of a `Grid`.
    """
    columns = [
        Column("", "view or stage"),
        Column("", "runs", True, "How often it ran since the server started"),
        *(
            Column("", f"p{share}, ms", True, f"{share} % of the runs took at most this long, in milliseconds")
            for share in (50, 95, 99)
        ),
        Column("", "total, s", True),
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
    return table_markup(columns, shown, sortable=False)


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
    """Write how much is on disk, and what the cache of models did.

    Parameters
    ----------
    sizes : pandas.DataFrame
        As from `workbench.jobs.storage.storage`.
    free : int
        Free space on the disk, bytes.
    status : Status
        What the server and its kernels do.
    budget : int
        Most memory that the models of one process may take, bytes.

    Returns
    -------
    str
        HTML.
    """
    parts = sizes.to_dict(orient="records")
    rows = [[cell(row["part"], title=str(row["place"])), size_words(row["bytes"])] for row in parts]
    rows += [["total", size_words(sizes["bytes"].sum())], ["free", size_words(free)]]
    cache, requests = status.cache, status.cache["hits"] + status.cache["misses"]
    kernels = max(sum(each.role != "server" for each in status.processes), 1)
    tip = f"{size_words(budget)} in each of {kernels} processes" if kernels > 1 else ""
    loaded = cell(
        f"{counted(cache['models'], 'model')}, {size_words(cache['bytes'])} of {size_words(budget * kernels)}",
        title=tip,
    )
    hits = f"{requests:,}, {percent(cache['hits'] / requests)} answered from memory" if requests else "none"
    lines = [
        ["in memory", loaded],
        ["requests", hits],
        ["evicted", f"{cache['evictions']:,}"],
    ]
    disk, models = (
        _table(["disk", "size"], rows, numbers={1}),
        _table(["model cache", "all kernels"], lines, numbers={1}),
    )
    return f"<div class='wb-pair'>{disk}{models}</div>"


def checks_markup(findings: Sequence[Finding]) -> str:
    """Write each check, and under one that failed how to fix it.

    Parameters
    ----------
    findings : sequence of Finding
        Results of the checks.

    Returns
    -------
    str
        HTML.
    """
    order = list(_LEVELS)
    rows, classes = [], []
    for finding in sorted(findings, key=lambda finding: -order.index(finding.state)):
        state = f"{_symbol(_LEVELS[finding.state])}{_STATES[finding.state]}"
        fix = f"<p class='wb-fix'>Fix: <code>{escape(finding.fix)}</code></p>" if finding.fix else ""
        rows.append([escape(finding.what), state, f"<span>{escape(finding.found)}</span>{fix}"])
        classes.append(_LEVELS[finding.state])
    note = "<p class='wb-note wb-muted'>Every sample is read by <code>workbench doctor</code> alone.</p>"
    return _table(["check", "state", "result"], rows, classes=classes) + note


def feed_head(table: pd.DataFrame, total: int, now: datetime) -> str:
    """Write a summary of the feed.

    Parameters
    ----------
    table : pandas.DataFrame
        Channels that have been read so far.
    total : int
        How many channels there are.
    now : datetime
        Present time, aware.

    Returns
    -------
    str
        HTML.
    """
    words = []
    if len(table) < total:
        words.append(f"{len(table)} of {counted(total, 'channel')} read")
    elif total:
        gaps = int(table["gaps"].sum())
        words.append(
            f"{counted(gaps, 'gap')} in {counted(int((table['gaps'] > 0).sum()), 'channel')}" if gaps else "no gaps"
        )
        newest = table["newest"].max()
        words.append("samples have no dates" if pd.isna(newest) else f"newest sample {_long_age(newest, now)}")
    else:
        words.append("no telemetry yet")
    return f"<h2>Feed <span class='wb-muted'>{'; '.join(words)}</span></h2>"


def live_markup(standing: Standing | None) -> str:
    """Write whether the service of live telemetry runs, how each of its feeds is, and what became of the samples.

    Parameters
    ----------
    standing : Standing or None
        How it stands; None where the home has never taken live telemetry.

    Returns
    -------
    str
        HTML; empty for such a home.
    """
    if standing is None:
        return ""
    if standing.process is None:
        lines = ["No live telemetry is taken. Run <code>workbench live</code>"]
    else:
        lines = [f"Live telemetry is taken by process {standing.process}."]
    if standing.fault:
        lines.append(f"{_symbol('high')}New telemetry is not scored: {escape(standing.fault)}")
    for name, reason in list(standing.unscored.items())[:_MOST_UNSCORED]:
        lines.append(f"{_symbol('high')}<b>{escape(name)}</b> is not scored: {escape(reason)}")
    if len(standing.unscored) > _MOST_UNSCORED:
        lines.append(f"{counted(len(standing.unscored) - _MOST_UNSCORED, 'more channel')} not scored.")
    for feed in standing.feeds:
        level = "" if feed["connected"] else "high"
        lines.append(f"{_symbol(level)}<b>{escape(str(feed['name']))}</b> {escape(str(feed['words']))}")
    counts = [f"{count:,} {name}" for name, count in standing.counts.items() if count]
    counts += [f"{counted(standing.waiting_tags, 'new tag')} waiting"] if standing.waiting_tags else []
    lines.append(f"Samples so far: {', '.join(counts) or 'none'}.")
    return "".join(f"<p class='wb-note'>{line}</p>" for line in lines)


def feed_markup(table: pd.DataFrame, now: datetime, order: str) -> str:
    """Write how old the telemetry and the score of each channel are.

    Parameters
    ----------
    table : pandas.DataFrame
        Columns `LAG_COLUMNS`, and `state` and `reason` of the score.
    now : datetime
        Present time, aware.
    order : str
        Key of the column by which the table is sorted.

    Returns
    -------
    str
        HTML of a `Grid`.
    """
    columns = [
        Column("channel", "channel"),
        Column("lag", "lag", True, "Time since the last sample; empty where samples have no dates"),
        Column("gaps", "gaps", True, "Time steps above 1.5 times the usual step, in the test series"),
        Column("missed", "missed", True, "Samples missing in the gaps"),
        Column("received", "received", True, "How long ago its telemetry was written here"),
        Column("scored_at", "scored", True, "How long ago its newest score was computed"),
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
    """Write the newest entries of the log.

    Parameters
    ----------
    entries : iterable of (str, LogEntry)
        Entries with their keys.
    searched : bool
        Whether the entries are the results of a search.

    Returns
    -------
    str
        HTML of a `Grid`.
    """
    columns = [Column("", "time, UTC"), Column("", "level"), Column("", "message")]
    rows, classes = [], {}
    for key, entry in entries:
        level = _LOG_LEVELS.get(entry.level, "")
        at = cell(entry.at[5:], title=f"{entry.at} UTC, process {entry.process}")
        state = f"{_symbol(level)}{escape(entry.level.lower())}"
        rows.append((key, [at, state, cell(entry.text, title=entry.source)]))
        classes[key] = level
    if rows:
        return table_markup(columns, rows, classes=classes)
    words = "No entries match. Change the search." if searched else "The log is empty: no errors and no warnings."
    return f"<p class='wb-note wb-muted'>{words}</p>"


def entry_markup(entry: LogEntry | None) -> str:
    """Write one entry in full.

    Parameters
    ----------
    entry : LogEntry or None
        The entry; nothing is written for None.

    Returns
    -------
    str
        HTML.
    """
    if entry is None:
        return ""
    source = f"{entry.at} UTC, process {entry.process}, {entry.source}"
    more = f"\n{entry.more}" if entry.more else ""
    return f"<p class='wb-muted'>{escape(source)}</p><pre tabindex='0'>{escape(entry.text + more)}</pre>"


def _long_age(then: pd.Timestamp, now: datetime) -> str:
    return f"{duration(max((now - then).total_seconds(), 0.0), long=True)} old"


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
