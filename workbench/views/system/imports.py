"""The section on which a file is dropped: what it would become, what was assumed, and then its import."""

import re
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar, Protocol, get_args
from zoneinfo import available_timezones

import ipywidgets as widgets

from workbench.exceptions import ImportDataError, MaintenanceError
from workbench.telemetry.importers import ImportReport
from workbench.telemetry.importers.reading import TimeUnit, listed
from workbench.telemetry.previews.preview import Preview, raw_columns
from workbench.views.section import Host, Section
from workbench.views.state import Selected
from workbench.views.system.import_markup import columns_markup, facts_markup, result_markup
from workbench.views.view_session import ViewSession
from workbench.views.widgets.boxes import box, button, classed
from workbench.views.widgets.callbacks import callback
from workbench.views.widgets.drop import MAX_BYTES, Drop
from workbench.views.widgets.grid import Grid

__all__ = ["ImportHost", "ImportPanel", "ImportSession"]

_BY_FILE = ("automatic", "")
_ORDERS = [_BY_FILE, ("day first", "day"), ("month first", "month"), ("year first", "year")]
_DECIMALS = [_BY_FILE, ("point", "."), ("comma", ","), ("both", "both")]
_THOUSANDS = [_BY_FILE, ("point", "."), ("comma", ","), ("space", "space"), ("apostrophe", "'"), ("none", "none")]
_PERCENTS = [_BY_FILE, ("percent", "percent"), ("share of 1", "share")]
_CONFLICTS = [("refuse file", ""), ("keep archive", "keep"), ("take file", "replace")]
_SEPARATORS = [_BY_FILE, *((word, word) for word in ("comma", "semicolon", "tab", "space", "pipe"))]
_UNITS = [_BY_FILE, *((unit, unit) for unit in get_args(TimeUnit))]
_LINES = ("encoding", "separator", "header_row")  # options that say where the columns are
_COLUMN_FIELDS = {
    "time_column": "Time column",
    "label_column": "Label column",
    "asset_column": "Machine column",
    "channel_column": "Channel column",
    "value_column": "Value column",
    "quality_column": "Quality column",
}
_LISTS = {
    "good": ("Good values", "192"),
    "normal_label": ("Normal labels", "0, OK"),
    "missing": ("Missing values", "-9999"),
    "inputs": ("Input columns", "speed, mode"),
    "columns": ("Only columns", "temp, flow"),
    "exclude": ("Without columns", "id, note"),
}
_ENCODINGS = ("utf-8", "cp1252", "utf-16", "gb18030", "big5", "shift_jis", "euc_kr", "cp1251", "iso8859-15")
_OPTION = re.compile(r"workbench [a-z]+[^.;\n]*|(?<![\w-])--([a-z]+(?:-[a-z]+)*)(?: (\w+)\b)?")
"""A whole command, or an option of the import, perhaps with its value."""
_WORDS = (
    f"Drop a table here, or choose one: text, Parquet, Excel, JSON or HDF5. Up to {MAX_BYTES / 1e6:.0f} MB; larger "
    "files and folders: workbench import PATH"
)


class ImportSession(ViewSession, Protocol):
    """What the section asks of a session beside what all views do."""

    def preview(self, path: Path, **options: Any) -> Preview:
        """Return what an import would do."""

    def import_data(self, path: Path, **options: Any) -> ImportReport:
        """Bring a file into the archive."""


class ImportHost(Host, Protocol):
    """What the section asks of its view."""

    @property
    def session(self) -> ImportSession:
        """The session that reads and imports files."""

    def refresh(self) -> None:
        """Read the session again, also where the reader has paused the updates."""


class ImportPanel(Section[ImportHost]):
    """A file that is dropped, looked at, and imported.

    Attributes
    ----------
    drop : Drop
        Place for the file.
    fields : dict of str to ipywidgets.Widget
        What the reader chooses, by the names of the options.
    grid : Grid
        What each column becomes.
    facts : ipywidgets.HTML
        What was assumed, and what the import would do.
    result : Grid
        What the import did; its channels lead to Monitoring.
    preview : Preview or None
        What is shown; None where there is no file, or it cannot be read.
    """

    name: ClassVar[str] = "Import"
    css: ClassVar[str] = "wb-import"

    def build(self) -> list[widgets.Widget]:
        """Make the widgets, empty."""
        self.preview: Preview | None = None
        self._path: Path | None = None
        self._channels: dict[str, str] = {}
        self.drop = Drop("File to import", _WORDS, on_file=self.on_file, on_too_large=self.on_too_large)
        column = [_BY_FILE]
        self.fields: dict[str, Any] = {
            "asset": widgets.Text(description="Asset", placeholder="name of the file", continuous_update=False),
            "timezone": widgets.Combobox(
                description="Time zone", placeholder="UTC", options=sorted(available_timezones()), ensure_option=False
            ),
            "date_order": widgets.Dropdown(description="Dates", options=_ORDERS),
            "time_format": widgets.Text(description="Time format", placeholder="%d.%m.%Y", continuous_update=False),
            "time_unit": widgets.Dropdown(description="Time unit", options=_UNITS),
            "encoding": widgets.Combobox(
                description="Text encoding", placeholder="automatic", options=_ENCODINGS, ensure_option=False
            ),
            "separator": widgets.Dropdown(description="Separator", options=_SEPARATORS),
            "header_row": widgets.Text(
                description="Header row", placeholder="line, 0 for none", continuous_update=False
            ),
            "decimal": widgets.Dropdown(description="Decimal mark", options=_DECIMALS),
            "thousands": widgets.Dropdown(description="Thousands mark", options=_THOUSANDS),
            "percent": widgets.Dropdown(description="Without a % sign", options=_PERCENTS),
            **{name: widgets.Dropdown(description=words, options=column) for name, words in _COLUMN_FIELDS.items()},
            "sample_period": widgets.Text(
                description="Sample period", placeholder="10s, no times", continuous_update=False
            ),
            **{
                name: widgets.Text(description=words, placeholder=example, continuous_update=False)
                for name, (words, example) in _LISTS.items()
            },
            "on_conflict": widgets.Dropdown(description="Contradictions", options=_CONFLICTS),
        }
        for name, field in self.fields.items():
            classed(field, f"wb-field wb-field-{name}")
        self._look = button("Preview again", "Show what the file becomes with these choices", self.on_preview)
        self._import = button("Import", "Bring the file into the archive as it is shown", self.on_import, "wb-primary")
        actions = box("wb-bar", self._look, self._import)
        self._form = box("wb-form wb-panel wb-import-form", *self.fields.values(), actions)
        self.grid = Grid("Columns of the file")
        self.facts = classed(widgets.HTML(), "wb-import-facts")
        self.result = Grid("Imported channels", pick=self.on_channel)
        side = box("wb-panel wb-import-side", self.facts, self.result)
        self._table = box("wb-panel wb-import-table", self.grid)
        self._shown = box("wb-import-body", self._table, side)
        self._show()
        return [self.drop, self._form, self._shown]

    def close(self) -> None:
        """Remove the file and take the section from the page."""
        self.drop.clear()
        super().close()

    # ---- callbacks

    @callback
    def on_file(self, path: Path) -> None:
        """Show what a file becomes, with no choice made yet."""
        self._path = path
        for name, field in self.fields.items():
            if name in _COLUMN_FIELDS:
                field.options = [_BY_FILE]
            field.value = ""
        self._read()

    @callback
    def on_too_large(self, name: str, size: int) -> None:
        """Say how a file that is too large for the page is imported."""
        raise ImportDataError(
            f"{name} has {size / 1e6:,.0f} MB. The page takes files of up to {MAX_BYTES / 1e6:.0f} MB.",
            "Copy it to the machine of the dashboard and run there: workbench import PATH --dry-run",
        )

    @callback
    def on_preview(self, pressed: widgets.Button) -> None:
        """Show what the file becomes with the choices."""
        del pressed
        self._read()

    @callback
    def on_import(self, pressed: widgets.Button) -> None:
        """Import the file with the choices, and say what became of it."""
        del pressed
        if self._path is None:
            return
        with self.view.busy(f"Importing {self._path.name}"):
            report = self._asked(self.view.session.import_data)
        self._channels = {name: one.asset for one in report.series for name in one.channels}
        changed = [row for row in report.channels if row.to_score]
        self.result.html = result_markup(self._path.name, report, self._channels)
        self.facts.value = self.grid.html = ""
        self._import.disabled = True
        self._form.layout.display = self._table.layout.display = "none"  # what was done is in view, on a telephone, too
        if changed:
            self._record(sorted(row.channel for row in changed))
            self.view.altered()
            self.view.refresh()

    @callback
    def on_channel(self, channel: str) -> None:
        """Open the telemetry of a channel that was imported."""
        self.view.choose(Selected(self._channels.get(channel, ""), channel))
        self.view.go("monitoring")

    # ---- parts

    def _options(self) -> dict[str, Any]:
        options: dict[str, Any] = {name: text for name, field in self.fields.items() if (text := field.value.strip())}
        if options.get("header_row", "").isdecimal():
            options["header_row"] = int(options["header_row"])
        return options | {name: listed(options[name]) for name in _LISTS if name in options}

    def _asked(self, work: Any) -> Any:
        """Call the session with the file and the choices; an error speaks of the fields of this page."""
        assert self._path is not None
        try:
            return work(self._path, **self._options())
        except ImportDataError as error:
            raise type(error)(self._in_words(error.message), self._in_words(error.hint)) from error

    def _read(self) -> None:
        if self._path is None:
            return
        self.preview, self.result.html = None, ""
        try:
            with self.view.busy(f"Reading {self._path.name}"):
                self.preview = self._asked(self.view.session.preview)
            for earlier in ("on_file", "on_too_large", "on_preview", "on_import"):
                self.view.mend(earlier)
        finally:
            self._offer_columns()
            self._show()

    def _offer_columns(self) -> None:
        """Offer the columns of the file as they stand in it, also where it cannot be read as it is."""
        assert self._path is not None
        columns: list[str] = []
        with suppress(ImportDataError):
            columns = raw_columns(self._path, **{name: one for name, one in self._options().items() if name in _LINES})
        for name in _COLUMN_FIELDS:
            value = self.fields[name].value
            self.fields[name].options = [_BY_FILE, *((column, column) for column in columns)]
            self.fields[name].value = value if value in columns else ""

    def _show(self) -> None:
        self._form.layout.display = None if self._path is not None else "none"
        self._table.layout.display = None
        self._shown.layout.display = None if self.preview is not None else "none"
        self._import.disabled = self.preview is None or bool(self.preview.report.failures)
        if self.preview is not None:
            self.grid.html = self._in_words(columns_markup(self.preview))
            self.facts.value = self._in_words(facts_markup(self.preview))

    def _in_words(self, text: str) -> str:
        """Return a text with the fields of this page in place of options of the command line.

        What the page has no field for is said to be an option of `workbench import`.
        """
        text = text.replace(str(self._path), self._path.name) if self._path is not None else text
        return _OPTION.sub(self._field_words, text)

    def _field_words(self, match: re.Match[str]) -> str:
        option, value = match[1], match[2]
        if option is None:
            return match[0]
        field = self.fields.get(option.replace("-", "_"))
        if field is None:
            return f"workbench import {match[0]}"
        choices = {one: words for words, one in field.options} if isinstance(field, widgets.Dropdown) else {}
        if value and value in choices:
            return f"“{field.description}: {choices[value]}”"
        return f"“{field.description}”{f' {value}' if value else ''}"

    def _record(self, channels: list[str]) -> None:
        """Write into the maintenance log who imported what."""
        assert self._path is not None
        with suppress(MaintenanceError):  # the import itself is done
            self.view.session.maintenance.record_import(self._path.name, channels, self.view.who)
