"""The maintenance log: who did what and when, in pages; it can be verified, and saved as CSV."""

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from html import escape
from typing import Any, ClassVar

import ipywidgets as widgets
import pandas as pd

from workbench.counts import counted
from workbench.exceptions import ViewError
from workbench.telemetry.catalog import Catalog
from workbench.views.export import csv_text, download_link
from workbench.views.maintenance.mode import Mode
from workbench.views.markup import detail_words, named_details, subject_words
from workbench.views.state import State, anomaly_of
from workbench.views.widgets.boxes import box, button, classed
from workbench.views.widgets.callbacks import callback
from workbench.views.widgets.filters import check_choice
from workbench.views.widgets.grid import Column, Grid, cell, table_markup

__all__ = ["PAGE", "Log"]

PAGE = 100
"""Number of rows of a page."""

_KINDS = (
    "alert",
    "case",
    "order",
    "plan",
    "part",
    "technician",
    "preventive",
    "meter",
    "outage",
    "asset",
    "purchase",
    "target",
    "person",
    "outbox",
)
_MAX_CSV_ROWS = 50_000  # more are too much for a link in a page
_COLUMNS = (
    Column("", "row", True),
    Column("", "time, UTC"),
    Column("", "object"),
    Column("", "action"),
    Column("", "person"),
    Column("", "details"),
)


class Log(Mode):
    """One page of the rows that match the filters, and the details of one row.

    Attributes
    ----------
    entries : pandas.DataFrame
        The rows of the page, as `Maintenance.log` returns them.
    total : int
        Number of rows that match the filters.
    page : int
        Number of the page; 0 is the newest.
    fields : dict of str to ipywidgets.Widget
        The filters, by their names.
    grid : Grid
        The table of the page.
    newest, newer, older, oldest, check, save : ipywidgets.Button
        Other pages; verify the log; save it.
    """

    name: ClassVar[str] = "Log"
    css: ClassVar[str] = "wb-mode wb-mode-log"
    keys: ClassVar[tuple[str, ...]] = ("kind", "by", "object", "find", "page")

    def build(self) -> list[widgets.Widget]:
        """Make the widgets, empty; called once."""
        self.entries = pd.DataFrame()
        self.total = 0
        self.page = 0
        self._seq = ""
        self.fields: dict[str, Any] = {
            "kind": widgets.Dropdown(options=[("any kind", ""), *((kind, kind) for kind in _KINDS)]),
            "by": widgets.Dropdown(options=[("any person", "")]),
            "object": widgets.Text(placeholder="WO-7, alert 12"),
            "find": widgets.Text(placeholder="text"),
            "from": widgets.DatePicker(description="From"),
            "to": widgets.DatePicker(description="To"),
        }
        tips = {
            "kind": "Kind of object",
            "by": "Person who did it",
            "object": "One order, alert or part, as WO-7 or alert 12",
            "find": "Text in any column",
        }
        for name, field in self.fields.items():
            field.tooltip = tips.get(name, "Days in UTC, both included")
            classed(field, f"wb-choice wb-log-{name}").observe(self.on_filter, "value")
        self.newest = button("Newest", "Show the newest rows", self.on_page)
        self.newer = button("Newer", "Show the page of newer rows ([)", self.on_page, "wb-key-[")
        self.older = button("Older", "Show the page of older rows (])", self.on_page, "wb-key-]")
        self.oldest = button("Oldest", "Show the oldest rows", self.on_page)
        self.check = button(
            "Verify",
            "Check every row against its hash, to prove that no row was changed (V)",
            self.on_verify,
            "wb-key-v",
        )
        self.save = button(
            "CSV of all rows", f"Save all rows that match the filters, at most {_MAX_CSV_ROWS:,} rows", self.on_save
        )
        self._position = widgets.HTML()
        self._download = widgets.HTML()
        self._status = classed(widgets.HTML(), "wb-told")
        self._details = classed(widgets.HTML(), "wb-log-details")
        self.grid = Grid("Maintenance log", pick=self.on_pick, open=self.on_open)
        pages = (self.newest, self.newer, self._position, self.older, self.oldest)
        return [
            box("wb-bar wb-filters", *self.fields.values()),
            box("wb-bar", *pages, self.check, self.save, self._download, self._status),
            box("wb-body", box("wb-panel wb-log", self.grid), box("wb-panel wb-log-side", self._details)),
        ]

    def refresh(self) -> str:
        """Read the page again, and return the words beside the title."""
        people = [("any person", ""), *((name, name) for name in self.desk.log_people())]
        self.quiet = True
        if tuple(self.fields["by"].options) != tuple(people):
            before = self.fields["by"].value
            self.fields["by"].options = people
            self.fields["by"].value = before if before in dict(people).values() else ""
        self.quiet = False
        self._read(keep=True)
        return f"{counted(self.desk.log_length(), 'row')} in the log"

    def read_state(self) -> Mapping[str, object]:
        """Return the filters and the page."""
        return {**{name: field.value for name, field in self.fields.items()}, "page": self.page or None}

    def apply_state(self, state: State) -> None:
        """Take the filters and the page of a link.

        Parameters
        ----------
        state : State
            State of the link.
        """
        kind, page, by = state.get("kind", ""), state.get("page", "0"), state.get("by", "")
        check_choice("kind", kind, ("", *_KINDS))
        if not page.isdecimal():
            raise ViewError(f"The link asks for page {page!r}, which is not a number.", "Use 0 for the newest page.")
        self.quiet = True
        for name in ("object", "find"):
            self.fields[name].value = state.get(name, "")
        if by not in [value for _, value in self.fields["by"].options]:
            self.fields["by"].options = [*self.fields["by"].options, (by, by)]
        self.fields["kind"].value = kind
        self.fields["by"].value = by
        for name in ("from", "to"):
            self.fields[name].value = _day(state[name]) if name in state else None
        self.quiet = False
        self.page = int(page)

    def shown_table(self) -> pd.DataFrame:
        """Return the rows of the page."""
        return self.entries

    def code_lines(self) -> list[str]:
        """Return the cell that reads the page."""
        arguments = {**self._filters(), "limit": PAGE} | ({"offset": self.page * PAGE} if self.page else {})
        words = ", ".join(
            f"{name}=datetime.fromisoformat({value.isoformat()!r})"
            if isinstance(value, datetime)
            else f"{name}={value!r}"
            for name, value in arguments.items()
        )
        dated = any(isinstance(value, datetime) for value in arguments.values())
        return [*(["from datetime import datetime"] if dated else []), f"session.maintenance.log({words})"]

    # ---- callbacks

    @callback
    def on_filter(self, change: dict[str, Any]) -> None:
        """Show the newest rows that match the filters."""
        del change
        if not self.quiet:
            self.page = 0
            self._download.value = ""
            self._read()
            self.view.moved()

    @callback
    def on_page(self, pressed: widgets.Button) -> None:
        """Show another page of the log."""
        last = self._last
        pages = {self.newest: 0, self.newer: self.page - 1, self.older: self.page + 1, self.oldest: last}
        self.page = min(max(pages[pressed], 0), last)
        self._read()
        self.view.moved()

    @callback
    def on_verify(self, pressed: widgets.Button) -> None:
        """Verify the log, and show the result."""
        del pressed
        with self.view.busy("Verifying the log"):
            result = self.desk.verify_log()
        level = "" if result.ok else "critical"
        sign = "" if result.ok else "<span class='wb-symbol' aria-hidden='true'>◆</span>"
        self._status.value = f"<p role='status' class='{level}'>{sign}{escape(str(result))}</p>"

    @callback
    def on_save(self, pressed: widgets.Button) -> None:
        """Save the rows that match the filters as CSV."""
        del pressed
        if self.total > _MAX_CSV_ROWS:
            hint = "Set a filter, or run: workbench log export FILE."
            raise ViewError(f"{self.total:,} rows are more than a page can save ({_MAX_CSV_ROWS:,}).", hint)
        self._download.value = download_link("maintenance_log.csv", csv_text(self.desk.log(**self._filters())))

    @callback
    def on_pick(self, seq: str) -> None:
        """Show the details of a row."""
        self._seq = seq
        self._show()

    @callback
    def on_open(self, seq: str) -> None:
        """Open the order or the alert that a row is about."""
        row = self._row(seq)
        kind, _, number = str("" if row is None else row["subject"]).partition(":")
        if kind == "order":
            self.view.lead(f"WO-{number}")
        elif kind == "alert":
            alert = self.desk.alerts.get(int(number))
            chosen = anomaly_of(vars(alert))
            self.view.pick(chosen.asset, chosen.channel, chosen.anomaly)
            self.view.go("anomalies")

    # ---- parts

    @property
    def _last(self) -> int:
        return max(0, (self.total - 1) // PAGE)

    def _filters(self) -> dict[str, Any]:
        values = {name: field.value for name, field in self.fields.items()}
        filters = {
            "subject": _subject(values["object"]) or values["kind"],
            "who": values["by"],
            "text": values["find"].strip(),
            "since": values["from"] and datetime.combine(values["from"], datetime.min.time(), UTC),
            "until": values["to"] and datetime.combine(values["to"] + timedelta(days=1), datetime.min.time(), UTC),
        }
        return {name: value for name, value in filters.items() if value}

    def _read(self, *, keep: bool = False) -> None:
        """Read the page again; the row that is read stays chosen where newer rows have moved it to another page."""
        filters = self._filters()
        self.total = self.desk.log_count(**filters)
        self.page = min(self.page, self._last)
        self.entries = self.desk.log(**filters, limit=PAGE, offset=self.page * PAGE)
        rows = [
            (
                str(row["seq"]),
                [
                    f"{row['seq']:,}",
                    f"{row['time']:%Y-%m-%d %H:%M:%S}",
                    cell(subject_words(row["subject"], self.view.session.catalog)),
                    cell(row["action"].replace("_", " ")),
                    cell(row["who"]),
                    _details_cell(_details(row, self.view.session.catalog)),
                ],
            )
            for row in self.entries.to_dict(orient="records")
        ]
        self.grid.html = (
            table_markup(_COLUMNS, rows) if rows else "<p class='wb-note wb-muted'>No rows match. Remove a filter.</p>"
        )
        first = self.page * PAGE + 1
        self._position.value = f"<span>{first if rows else 0:,} to {first + len(rows) - 1:,} of {self.total:,}</span>"
        self.newest.disabled = self.newer.disabled = self.page == 0
        self.older.disabled = self.oldest.disabled = self.page == self._last
        if not self._seq or (not keep and self._row(self._seq) is None):
            self._seq = rows[0][0] if rows else ""
        self._show()

    def _row(self, seq: str) -> dict[Any, Any] | None:
        rows = self.entries[self.entries["seq"].astype(str) == seq] if len(self.entries) else self.entries
        records: list[dict[Any, Any]] = rows.to_dict(orient="records")
        return records[0] if records else None

    def _show(self) -> None:
        self.grid.chosen = self._seq
        row = self._row(self._seq)
        if row is None:
            self._details.value = self._details.value if self._seq else ""
            return
        facts = {
            "row": f"{row['seq']:,}",
            "time": f"{row['time']:%Y-%m-%d %H:%M:%S} UTC",
            "object": subject_words(row["subject"], self.view.session.catalog),
            "action": row["action"].replace("_", " "),
            "person": row["who"],
            **{
                name.replace("_", " "): detail_words(value)
                for name, value in _details(row, self.view.session.catalog).items()
            },
            "hash": row["hash"],
        }
        cells = "".join(f"<dt>{escape(name)}</dt><dd>{escape(words)}</dd>" for name, words in facts.items())
        lead = (
            "<p class='wb-note wb-muted'>Press Enter on the row to open the object.</p>"
            if row["subject"].startswith(("order:", "alert:"))
            else ""
        )
        self._details.value = f"<dl class='wb-facts' tabindex='0' aria-label='Row'>{cells}</dl>{lead}"


def _subject(text: str) -> str:
    """Return the subject of the log for an object as people write it: WO-7, alert 12, or a subject itself.

    Examples
    --------
    >>> _subject("wo-7"), _subject("alert 12"), _subject("part:seal"), _subject(" ")
    ('order:7', 'alert:12', 'part:seal', '')
    """
    words = text.strip()
    if words.upper().startswith("WO-"):
        return f"order:{words[3:]}"
    kind, space, name = words.partition(" ")
    return f"{kind.lower()}:{name.strip()}" if space else words


def _details_cell(details: Mapping[str, Any]) -> str:
    words = escape(detail_words(details)[:160], quote=True)
    return f"<span class='wb-cut wb-muted' title='{words}'>{words}</span>"


def _details(row: Mapping[Any, Any], catalog: Catalog) -> dict[str, Any]:
    return named_details(json.loads(row["details"] or "{}"), catalog)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text[:10])
    except ValueError:
        raise ViewError(f"{text!r} is not a date.", "Write it as 2026-12-24.") from None
