"""HTML of the section that imports a file; every value that comes from data is escaped."""

from collections.abc import Mapping
from html import escape

from workbench.counts import counted
from workbench.telemetry.importers import ImportReport
from workbench.telemetry.previews.preview import COLUMNS, Preview, cell_text
from workbench.views.widgets.grid import Column, table_markup

__all__ = ["columns_markup", "facts_markup", "result_markup"]

_NUMBERS = COLUMNS[4:]
_TITLES = {"missing": "missing", "minimum": "min", "maximum": "max"}
_MAX_ROWS = 500
_MAX_CHANNELS = 60


def columns_markup(preview: Preview) -> str:
    """Return a table with a row for each column of the file, and for each series of it.

    Parameters
    ----------
    preview : Preview
        What the import would do.
    """
    table = preview.columns
    several = len(preview.series) > 1
    names = [name for name in COLUMNS if name in COLUMNS[:2] or table[name].map(cell_text).any()]
    heads = [Column("", "series")] if several else []
    heads += [Column("", _TITLES.get(name, name), name in _NUMBERS) for name in names]
    rows = []
    for number, row in enumerate(table.head(_MAX_ROWS).to_dict(orient="records")):
        series = [escape(" ".join(filter(None, (row["asset"], row["part"]))))] if several else []
        rows.append((str(number), [*series, *(_cell(name, row[name]) for name in names)]))
    note = f"the first {_MAX_ROWS} of {counted(len(table), 'column')}" if len(table) > _MAX_ROWS else ""
    return table_markup(heads, rows, note=note)


def facts_markup(preview: Preview) -> str:
    """Return how much the file holds, what was assumed and what the import would do.

    Parameters
    ----------
    preview : Preview
        What the import would do.
    """
    lines = [escape(one.line.partition("; assumed: ")[0]) for one in preview.series[:_MAX_CHANNELS]]
    refused = bool(preview.report.failures)
    parts = [
        ("File", lines, ""),
        ("Assumed and put right", [escape(line) for line in preview.assumed], ""),
        ("Import would do", [escape(line) for line in preview.outcome], "wb-card wb-error" if refused else ""),
    ]
    return "".join(
        f"<div class='{css}'><h2>{title}</h2><ul>{''.join(f'<li>{line}</li>' for line in items)}</ul></div>"
        for title, items, css in parts
        if items
    )


def result_markup(name: str, report: ImportReport, assets: Mapping[str, str]) -> str:
    """Return what an import did, with its channels as what leads to Monitoring.

    Parameters
    ----------
    name : str
        Name of the file.
    report : ImportReport
        What the import did.
    assets : mapping of str to str
        Asset of each channel of the file.
    """
    changed = [row for row in report.channels if row.to_score]
    added = sum(row.repairs.get("samples_added", 0) for row in changed)
    words = [f"{escape(name)}: {counted(report.count('imported'), 'new channel')}"]
    words += [f"{counted(added, 'sample')} added"] if added else []
    words += [f"{counted(report.count('replaced'), 'channel')} replaced"] if report.count("replaced") else []
    if not changed:
        words = [f"{escape(name)}: the archive holds all of it already"]
    links = "".join(
        f"<button type='button' class='wb-copy' data-pick='{escape(channel)}' "
        f"aria-label='Open {escape(channel)} in Monitoring'>{escape(channel)}</button>"
        for channel in list(assets)[:_MAX_CHANNELS]
    )
    next_step = "Open a channel in Monitoring:"
    if changed:
        next_step = (
            f"To judge them: <code>workbench train --all</code>, then <code>workbench score --all</code>. {next_step}"
        )
    return f"<h2>Imported</h2><p role='status'>{', '.join(words)}.</p><p>{next_step}</p><p class='wb-links'>{links}</p>"


def _cell(name: str, value: object) -> str:
    text = escape(str(value) if name == "becomes" else cell_text(value))  # why a column is left out is said to its end
    return f"<span class='wb-muted'>{text}</span>" if text.startswith("left out") else text
