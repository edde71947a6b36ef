"""System: what the workbench itself does, how much it uses, and what has to be fixed."""

import os
from collections.abc import Mapping
from dataclasses import asdict, fields
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Protocol

import ipywidgets as widgets
import pandas as pd
import xarray as xr
from bokeh.plotting import figure

from workbench.exceptions import ViewError
from workbench.jobs.doctor import Finding, examine
from workbench.jobs.storage import free_disk, storage
from workbench.observability.status import KernelReport, Status, read_status, status_folder
from workbench.observability.timings import Row
from workbench.observability.usage import Sampler, history_dataset
from workbench.plots.usage import update_usage_figures, usage_figures
from workbench.views.base import View, callback
from workbench.views.state import Selected, State
from workbench.views.system.feed import FeedPanel
from workbench.views.system.imports import ImportPanel, ImportSession
from workbench.views.system.log import LogPanel
from workbench.views.system.markup import checks_markup, head_markup, processes_markup, storage_markup, timings_markup
from workbench.views.widgets.boxes import box, button, classed
from workbench.views.widgets.callbacks import Quiet
from workbench.views.widgets.chart import Chart
from workbench.views.widgets.filters import check_choice
from workbench.views.widgets.grid import Grid
from workbench.views.widgets.kept_charts import KeptCharts
from workbench.views.widgets.timers import Later

__all__ = ["System", "SystemSession"]

_SECTIONS = ("Load", "Health", "Import")
"""Values of the state's key `part`, and words on the buttons."""

_USAGE = "Memory and CPU"


class SystemSession(ImportSession, Protocol):
    """What the system view asks of a session beside what all views do."""

    def channels(self) -> pd.DataFrame:
        """Return one row for each channel: what it is, and how many labels it has."""

    def vanished(self) -> dict[str, str]:
        """Return what knows each channel that the archive does not hold."""

    def check_settings(self) -> None:
        """Raise where settings and catalog do not fit the archive."""


class System(View):
    """Processes, latencies, sizes; checks, feed and log.

    It is updated every few seconds while it is shown, unless the reader has paused it.

    Attributes
    ----------
    status : Status
        What the server and its kernels do; of this process alone where there is no server.
    findings : list of Finding
        Results of the last run of the checks.
    sizes : pandas.DataFrame
        Table of `workbench.jobs.storage.storage`.
    paused : bool
        Whether the reader has paused the updates.
    kept_charts : KeptCharts
        The chart of memory and processor time.
    feed : FeedPanel
        Age of each channel's telemetry and scores.
    log : LogPanel
        Entries of the log.
    imports : ImportPanel
        A file that is dropped, looked at and imported.
    """

    name: ClassVar[str] = "system"
    title: ClassVar[str] = "System"
    keys: ClassVar[tuple[str, ...]] = ("part", "find", "level", "paused")
    shortcuts: ClassVar[Mapping[str, str]] = {
        "P": "pause or resume the updates",
        "H": "run the checks",
        "Up, Down": "go through latencies, channels or the log",
        "Enter": "go to a channel's telemetry",
    }
    session: SystemSession

    def __init__(self, session: SystemSession, **frame: Any) -> None:
        super().__init__(session, **frame)

    def build(self) -> list[widgets.Widget]:
        """Make the widgets, empty."""
        self.status = Status()
        self.findings: list[Finding] = []
        self.paused = False
        self.sizes = pd.DataFrame({"part": [], "bytes": [], "place": []})
        self._free = 0
        self._fleet = pd.DataFrame({"channel": []})
        self._opened = ""  # the view whose callbacks are listed under its latencies
        self._quiet = Quiet()
        self._report = KernelReport(self.session.registry.cache)
        self._sampler = Sampler("notebook")
        self.kept_charts = KeptCharts([_USAGE], self.tokens)
        self._later = Later(self.on_rest, 0.05)
        self._section = classed(widgets.ToggleButtons(options=_SECTIONS, style={"button_width": "auto"}), "wb-toggle")
        self._section.tooltips = ["Memory, CPU, latencies, sizes", "Checks, feed and log", "A file of your own"]
        self._section.observe(self.on_section, "value")
        self._pause = button("Pause", "Pause or resume the updates every few seconds (P)", self.on_pause, "wb-key-p")
        self._as_of = widgets.HTML()
        self._processes = widgets.HTML()
        self._storage = widgets.HTML()
        self._checks = classed(widgets.HTML(), "wb-found")
        self._timings = Grid("Latencies", pick=self.on_timing)
        self._run = button("Run the checks", "Check everything that the workbench needs (H)", self.on_run, "wb-key-h")
        self.feed = FeedPanel(self)
        self.log = LogPanel(self)
        self.imports = ImportPanel(self)
        checks = box("wb-bar wb-panel-head", widgets.HTML("<h2>Checks</h2>"), self._run)
        load = (
            box(
                "wb-left",
                box("wb-panel wb-processes", self._processes),
                box("wb-panel wb-usage", self.kept_charts.boxes[_USAGE]),
            ),
            box("wb-right", box("wb-panel wb-timings", self._timings), box("wb-panel wb-storage", self._storage)),
        )
        health = (
            box("wb-left", box("wb-panel wb-checks", checks, self._checks), self.feed.widget),
            box("wb-right", self.log.widget),
        )
        bodies = (box("wb-body", *load), box("wb-body", *health), box("wb-body", self.imports.widget))
        self._bodies = dict(zip(_SECTIONS, bodies, strict=True))
        return [box("wb-bar", self._section, self._pause, self._as_of), *self._bodies.values()]

    # ---- reading and showing

    def refresh(self) -> None:
        """Read the state of the system again; slow checks follow a little later."""
        self._look()
        self._later()
        self._fleet = self.session.overview()
        self._switch()

    def recolour(self) -> None:
        """Draw the chart again in the tokens' colours."""
        self.kept_charts.recolour(self.tokens)
        self._draw()

    def show_selection(self, now: Selected) -> None:
        """Mark the channel that was selected elsewhere.

        Parameters
        ----------
        now : Selected
            Asset, channel and anomaly that are selected.
        """
        if now.channel and now.channel not in set(self._fleet["channel"]):
            raise ViewError(f"There is no channel {now.channel!r}.", "Choose a channel of the feed.")
        self.feed.choose(now.channel)

    def read_state(self) -> Mapping[str, object]:
        """Return what is chosen, where it differs from the first choice."""
        section = None if self._section.value == _SECTIONS[0] else self._section.value
        return {"part": section, "paused": "yes" if self.paused else None, **self.log.state()}

    def apply_state(self, state: State) -> None:
        """Show what a link asks for.

        Parameters
        ----------
        state : State
            State of the link.
        """
        section = state.get("part", _SECTIONS[0])
        check_choice("part", section, _SECTIONS)
        self.log.restore(state)
        with self._quiet:
            self._section.value = section
        self._set_paused(state.get("paused", "") == "yes")
        self._switch()

    def shown_table(self) -> pd.DataFrame | None:
        """Return the latencies, the feed, or the columns of the file that was dropped."""
        if self._section.value == _SECTIONS[2]:
            return None if self.imports.preview is None else self.imports.preview.columns
        if self._section.value == _SECTIONS[1]:
            return self.feed.table
        rows = [asdict(row) for row in self.status.timings.rows(self._opened)]
        return pd.DataFrame(rows, columns=[field.name for field in fields(Row)])

    def charts(self) -> Mapping[str, Chart]:
        """Return the chart of memory and processor time."""
        return self.kept_charts.shown()

    def code_lines(self) -> list[str]:
        """Return the lines that measure the disk, run the checks, or look at a file."""
        if self._section.value == _SECTIONS[2]:
            return ["session.preview('pump.csv')"]
        if self._section.value == _SECTIONS[1]:
            return ["from workbench.jobs.doctor import examine", "examine(session)"]
        return ["from workbench.jobs.storage import storage", "storage(session.settings, session.maintenance.database)"]

    def outdate(self) -> None:
        """Read the session again, unless the reader has paused the updates: then when they go on."""
        if not self.paused:
            super().outdate()

    def poll(self) -> None:
        """Update what is shown, unless it is paused."""
        if not self.paused:
            self.on_live()

    def take_file(self, path: Path) -> None:
        """Show what a file that was dropped on the page would become.

        Parameters
        ----------
        path : Path
            The file.
        """
        self.imports.on_file(path)

    def close(self) -> None:
        """Stop what is due and take the view from the page."""
        self._later.cancel()
        self.feed.close()
        self.log.close()
        self.imports.close()
        self.kept_charts.clear()
        super().close()

    # ---- callbacks

    @callback
    def on_live(self) -> None:
        """Update the processes, and the log where it is shown."""
        self._look()
        if self._section.value == _SECTIONS[1]:
            self.feed.look()
            self.log.follow()

    @callback
    def on_rest(self) -> None:
        """Run the checks and measure the disk."""
        self.findings = examine(self.session)
        self._checks.value = checks_markup(self.findings)
        self.sizes = storage(self.session.settings, self.session.maintenance.database)
        self._free = free_disk(self.session.settings.home)
        self._write()

    @callback
    def on_section(self, change: dict[str, Any]) -> None:
        """Show the load, or the health."""
        del change
        if not self._quiet:
            self._switch()
            self.moved()

    @callback
    def on_pause(self, pressed: widgets.Button) -> None:
        """Pause the updates, or resume them."""
        del pressed
        self._set_paused(not self.paused)
        self.outdate()
        self.moved()

    @callback
    def on_run(self, pressed: widgets.Button) -> None:
        """Run the checks again."""
        del pressed
        self.on_rest()

    @callback
    def on_timing(self, key: str) -> None:
        """Show the callbacks of a view, or hide them."""
        if key in self.status.timings.groups():
            self._opened = "" if key == self._opened else key
            self._timings.html = timings_markup(self.status.timings.rows(self._opened), self._opened)

    # ---- parts

    def _look(self) -> None:
        """Show what the server has reported last, or this process alone where there is no server."""
        status = read_status(status_folder(), self._report)
        if status is None:
            status = Status(processes=self._sampler.sample({}), at=self._sampler.at)
            status.history = [list(row) for row in self._sampler.history]
            status.add(self._report.now())
        self.status = status
        self._as_of.value = f"<span class='wb-muted'>as of {datetime.fromtimestamp(status.at, UTC):%H:%M:%S} UTC</span>"
        self._processes.value = processes_markup(status, os.getpid())
        self._timings.html = timings_markup(status.timings.rows(self._opened), self._opened)
        self._write()
        self._draw()

    def _write(self) -> None:
        budget = self.session.settings.model_cache_bytes
        self.head.value = head_markup(self.status, self.findings)
        self._storage.value = storage_markup(self.sizes, self._free, self.status, budget)

    def _draw(self) -> None:
        role = self.status.processes[0].role
        usage = history_dataset(self.status.history, role)
        make = partial(usage_figures, usage, tokens=self.tokens)
        self.kept_charts.show(_USAGE, make, partial(_update_usage, usage), role)  # the role names the lines

    def _switch(self) -> None:
        """Show the section that is open; feed and log are read where they are shown."""
        for name, body in self._bodies.items():
            body.layout.display = None if name == self._section.value else "none"
        if self._section.value == _SECTIONS[1]:
            self.feed.show(self._fleet)
            self.feed.choose(self.selection.now.channel)
            self.log.read()

    def _set_paused(self, paused: bool) -> None:
        self.paused = paused
        self._pause.description = "Resume" if paused else "Pause"


def _update_usage(usage: xr.Dataset, figures: dict[str, figure]) -> None:
    update_usage_figures(figures, usage)
