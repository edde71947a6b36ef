"""The tools that every view has at its top right: refresh, export, code and notebook."""

import asyncio
from collections.abc import Mapping
from html import escape
from typing import Protocol

import ipywidgets as widgets
import pandas as pd

from workbench.jobs.processes import make_report
from workbench.views.code import CodedView, code_markup
from workbench.views.export import download_link, file_stem, report_link
from workbench.views.view_session import ViewSession
from workbench.views.widgets.boxes import box, button, close_tree
from workbench.views.widgets.callbacks import Failure, Guard, Guarded, Hosted, callback
from workbench.views.widgets.cards import progress_card
from workbench.views.widgets.chart import Chart

__all__ = ["ToolHost", "Tools"]


class ToolHost(CodedView, Guarded, Protocol):
    """What the tools ask of the view that they belong to; every `View` is one."""

    session: ViewSession
    failure: Failure | None

    def refresh(self) -> None:
        """Read the session again and show what it holds now."""

    def shown_table(self) -> pd.DataFrame | None:
        """Return the table that is shown, or None."""

    def charts(self) -> Mapping[str, Chart]:
        """Return the charts that are shown, by name."""

    def export_csv(self) -> tuple[str, str] | None:
        """Return file name and content of the table that is shown, or None."""

    def code(self) -> str:
        """Return the notebook cell that gives what is shown."""

    def link(self) -> str:
        """Return the query of the address that shows the same again."""

    def shown_channel(self) -> str:
        """Return the channel that is shown; empty where none is."""


class Tools(Hosted):
    """Buttons in a row, and one panel that opens under them.

    Parameters
    ----------
    view : ToolHost
        The view that is refreshed and exported.

    Attributes
    ----------
    widget, panel : ipywidgets.Box
    opened : str
        Which panel is open: `export`, `code`, `notebook` or none.
    """

    def __init__(self, view: ToolHost) -> None:
        super().__init__(view)
        self._view = view
        self.opened = ""
        self._buttons = {
            "export": button("Export", "Save the table or a chart, or copy a link (E)", self.on_tool),
            "code": button("Code", "Show the notebook cell that gives the same result (C)", self.on_tool),
            "notebook": button("Notebook", "Run the scoring notebook on the chosen channel (N)", self.on_tool),
        }
        self._refresh = button("Refresh", "Refresh: read all data again (R)", self.on_refresh)
        for key, made in {"refresh": self._refresh, **self._buttons}.items():
            made.add_class(f"wb-key-{key[0]}")
        self.widget = box("wb-tools", self._refresh, *self._buttons.values())
        self.panel = box("wb-panel wb-popover wb-tool-panel")
        self._saved = widgets.HTML()
        self._report = widgets.HTML()
        self._create = button(
            "Create the report",
            "Run the notebook: about half a minute, and the page can be used meanwhile",
            self.on_report,
        )
        self._report_task: asyncio.Task[None] | None = None
        self._csv = button("CSV of the table", "Save the table as a CSV file", self.on_csv)
        self._permanent = (self._csv, self._saved, self._create, self._report)
        self._saves: dict[widgets.Button, tuple[str, str]] = {}
        self._show("")

    @callback
    def on_refresh(self, button: widgets.Button) -> None:
        """Read all data again and show it."""
        del button
        self._view.refresh()

    @callback
    def on_tool(self, button: widgets.Button) -> None:
        """Open a panel, or close it if it is open."""
        key = next(key for key, made in self._buttons.items() if made is button)
        self._show("" if key == self.opened else key)

    @callback
    def on_csv(self, button: widgets.Button) -> None:
        """Save the table that is shown."""
        del button
        exported = self._view.export_csv()
        self._saved.value = "" if exported is None else download_link(*exported)

    @callback
    def on_chart(self, button: widgets.Button) -> None:
        """Save a chart as a picture, in the browser."""
        name, kind = self._saves[button]
        stem = file_stem(self._view.state)
        self._view.charts()[name].save(stem, kind)
        self._saved.value = f"{escape(stem)}.{kind}"

    @callback
    def on_report(self, button: widgets.Button) -> None:
        """Start creating the report of the chosen channel; in a script, wait for it."""
        channel = self._view.shown_channel()
        button.disabled = True
        self._report.value = progress_card(f"Running the scoring notebook on {channel}")
        try:
            self._report_task = asyncio.get_running_loop().create_task(self._run(channel))
        except RuntimeError:
            asyncio.run(self._run(channel))

    async def _run(self, channel: str) -> None:
        with Guard(self, "create the report", timed=False):
            self._report.value = report_link(await make_report(self._view.session.settings, channel), channel)
        if self._view.failure is not None:
            self._report.value = ""
        self._create.disabled = False

    def follow(self) -> None:
        """Show in the panel that is open what is chosen now."""
        if self.opened:
            self._show(self.opened)

    def close(self) -> None:
        """Stop a report that is being created, and close the widgets that are in no panel."""
        if self._report_task is not None:
            self._report_task.cancel()
        for widget in self._permanent:
            close_tree(widget)

    def _show(self, key: str) -> None:
        for name, made in self._buttons.items():
            for cls in ("wb-opened", "wb-opener-open"):
                (made.add_class if name == key else made.remove_class)(cls)
        self.opened = key
        for child in self.panel.children:
            if child not in self._permanent:
                close_tree(child)
        self.panel.children = (
            {"export": self._export, "code": self._code, "notebook": self._notebook}[key]() if key else ()
        )
        self.panel.layout.display = None if key else "none"

    def _export(self) -> tuple[widgets.Widget, ...]:
        self._saved.value = ""
        self._csv.disabled = self._view.shown_table() is None
        self._saves = {}
        for name in self._view.charts():
            for kind in ("png", "svg"):
                made = button(f"{name} as {kind.upper()}", "Save the picture of this chart", self.on_chart)
                self._saves[made] = (name, kind)
        link = widgets.HTML(
            f'<button type="button" class="wb-copy" data-copy="{escape(self._view.link())}">Copy link</button>'
            f" <code>{escape(self._view.link())}</code>"
        )
        return (self._csv, *self._saves, link, self._saved)

    def _code(self) -> tuple[widgets.Widget, ...]:
        return (widgets.HTML(code_markup(self._view.code())),)

    def _notebook(self) -> tuple[widgets.Widget, ...]:
        channel = self._view.shown_channel()
        if not channel:
            return (widgets.HTML("Choose a channel first. Its report is the scoring notebook, run on that channel."),)
        return (
            widgets.HTML(f"Report on <b>{escape(channel)}</b>: the scoring notebook, run on this channel"),
            self._create,
            self._report,
        )
