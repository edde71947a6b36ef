"""The preview of an import: what each column becomes, what was assumed, and what the archive would hold after it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from html import escape
from pathlib import Path
from typing import Any

import pandas as pd

from workbench.counts import counted
from workbench.telemetry.importers.formats.files import read_raw
from workbench.telemetry.importers.reading import Reading
from workbench.telemetry.importers.report import ChannelImport, ImportReport
from workbench.telemetry.importers.sources import layout_of
from workbench.telemetry.previews.excerpt import excerpt
from workbench.telemetry.previews.series_summary import SeriesSummary

__all__ = ["COLUMNS", "Preview", "cell_text", "raw_columns"]

COLUMNS = ("column", "becomes", "unit", "type", "first", "last", "missing", "minimum", "maximum")
"""Columns of the table of a preview, which has a row for each column of the files."""

_MAX_LISTED = 8


@dataclass(frozen=True)
class Preview:
    """What an import would do; nothing was written.

    Attributes
    ----------
    report : ImportReport
        The report that the import would give, with what its files hold in `series`.
    ends : mapping of str to str
        Last time that the archive holds of each channel that is there.
    """

    report: ImportReport
    ends: Mapping[str, str]

    @property
    def series(self) -> tuple[SeriesSummary, ...]:
        """What each file, or each series of it, holds."""
        return self.report.series

    @property
    def columns(self) -> pd.DataFrame:
        """Table with a row for each column: `file`, `part`, `asset` and `COLUMNS`."""
        rows = [
            {"file": one.path.name, "part": one.part, "asset": one.asset, **asdict(column)}
            for one in self.series
            for column in one.columns
        ]
        return pd.DataFrame(rows, columns=["file", "part", "asset", *COLUMNS])

    @property
    def assumed(self) -> list[str]:
        """What was assumed, with the option that says otherwise, and what was left out or put right; each once."""
        shown = {name for one in self.series for name in (*one.channels, *(column.column for column in one.columns))}
        others: dict[str, list[str]] = {}
        for row in self.report.channels:
            if row.status == "skipped" and row.channel not in shown:
                others.setdefault(row.note, []).append(row.channel)
        notes = [note for one in self.series for note in one.notes]
        return list(dict.fromkeys([*notes, *(f"{_listed(names)}: {note}" for note, names in others.items())]))

    @property
    def outcome(self) -> list[str]:
        """What the import would do, in sentences: new channels, added samples, refused files."""
        groups: dict[str, list[str]] = {}
        channels = {name for one in self.series for name in one.channels}
        for row in self.report.channels:
            if row.status != "skipped" or row.channel in channels:  # other columns are in the table
                groups.setdefault(self._effect(row), []).append(row.channel)
        lines = [f"{_listed(names)}: {effect}" for effect, names in groups.items()]
        noted: dict[str, list[str]] = {}
        for row in self.report.channels:
            if row.status in ("imported", "appended", "changed") and (note := self._own_note(row)):
                noted.setdefault(note, []).append(row.channel)
        lines += [f"{_listed(names)}: {note}" for note, names in list(noted.items())[:_MAX_LISTED]]
        lines += [counted(len(noted) - _MAX_LISTED, "more note")] if len(noted) > _MAX_LISTED else []
        return lines + [f"{Path(file).name} would be refused: {why}" for file, why in self.report.failures.items()]

    def __str__(self) -> str:
        """Return the tables, the assumptions and the outcome as text."""
        blocks = []
        for one in self.series:
            rows = [asdict(column) for column in one.columns]
            asset = f" (asset {one.asset})" if one.asset != one.path.stem else ""
            blocks.append(f"{one.line.partition('; assumed: ')[0]}{asset}\n{_table_text(rows)}")
        for title, lines in (("Assumed and put right", self.assumed), ("Import would do", self.outcome)):
            if lines:
                blocks.append("\n".join([f"{title}:", *(f"- {line}" for line in lines)]))
        return "\n\n".join(blocks)

    def _repr_html_(self) -> str:
        shown = self.columns.astype(object).where(self.columns.notna(), "")
        shown = shown[[name for name in shown if (shown[name] != "").any()]]
        lists = "".join(
            f"<p><b>{title}</b></p><ul>{''.join(f'<li>{escape(line)}</li>' for line in lines)}</ul>"
            for title, lines in (("Assumed and put right", self.assumed), ("Import would do", self.outcome))
            if lines
        )
        return f"{shown.to_html(index=False, border=0)}{lists}"

    def _effect(self, row: ChannelImport) -> str:
        share = min((one.share for one in self.series), default=1.0)
        count = counted(row.n_train + row.n_test, "sample") if share == 1 else ""
        if row.status == "imported":
            return f"new, {count}" if count else "new"
        if row.status == "appended":
            added = row.repairs.get("samples_added", 0)
            adds = f"adds {counted(added, 'sample')}" if share == 1 else "adds samples"
            return f"{adds} to those until {self.ends[row.channel]}" if row.channel in self.ends else adds
        words = {
            "skipped": f"left out, {row.note}",
            "failed": f"would be refused: {row.note}",
            "unchanged": "nothing new, the archive holds all of it",
            "changed": "changes values or labels at times that are there",
            "replaced": self._own_note(row) or "replaces what is there",
        }
        return words.get(row.status, row.status)

    def _own_note(self, row: ChannelImport) -> str:
        """Return what the note of a channel says beside what was assumed of its file."""
        assumed = "\n".join(self.assumed)
        return "; ".join(part for part in row.note.split("; ") if part not in assumed)


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _MAX_LISTED} more" if len(names) > _MAX_LISTED else ""
    return ", ".join(names[:_MAX_LISTED]) + more


def _table_text(rows: Iterable[Mapping[str, Any]]) -> str:
    """Return rows as text: texts begin in one place, numbers end in one; columns without a value are left out."""
    rows = list(rows)
    columns = []
    for name in COLUMNS:
        values = [row[name] for row in rows]
        texts = [cell_text(value) for value in values]
        if not any(texts):
            continue
        width = max(len(name), *map(len, texts))
        is_text = name in COLUMNS[:4]
        columns.append([text.ljust(width) if is_text else text.rjust(width) for text in (name, *texts)])
    return "\n".join("  ".join(line).rstrip() for line in zip(*columns, strict=True))


def cell_text(value: Any) -> str:
    """Return a value of a preview as text, empty where there is none.

    Parameters
    ----------
    value : object
        A value of the table.

    Examples
    --------
    >>> cell_text(20.0), cell_text(0.1), cell_text(1234), cell_text(None)
    ('20', '0.1', '1,234', '')
    """
    if value is None or value != value:
        return ""
    if isinstance(value, float):
        text = f"{value:.0f}" if value.is_integer() and abs(value) < 1e15 else f"{value:.7g}"
    else:
        text = f"{value:,}" if isinstance(value, int) else str(value)
    text = "".join(sign if sign.isprintable() else " " for sign in text)
    return text if len(text) <= 60 else f"{text[:59]}…"


def raw_columns(path: Path, **options: Any) -> list[str]:
    """Return the names of the columns of a table as they stand in its file.

    Parameters
    ----------
    path : Path
        The file.
    **options
        What says where the columns are, as `separator` and `header_row`; see `Reading`.

    Raises
    ------
    ImportDataError
        It cannot be read.
    """
    layout = layout_of(path) or "csv"
    reading = Reading.of(
        {**options, "thousands": ","}
    )  # names are the same under any marks, and those that leave a doubt are not refused
    with excerpt(path, layout) as part:
        return [str(name) for name in read_raw(path if part is None else part.path, layout, reading).frame.columns]
