"""System: what the workbench itself does, what it takes, and what is to be mended."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, fields
from datetime import UTC, datetime
from typing import Any, ClassVar, Protocol, cast

import ipywidgets as widgets
import pandas as pd
from bokeh.layouts import column
from bokeh.plotting import figure

from workbench.exceptions import ViewError
from workbench.jobs.doctor import Finding, examine
from workbench.jobs.storage import free_disk, storage
from workbench.observability.status import KernelReport, Status, read_status, status_folder
from workbench.observability.timings import Row
from workbench.observability.usage import Sampler, history_dataset
from workbench.plots.usage import update_usage_figures, usage_figures
from workbench.session import Session
from workbench.views.base import View, ViewSession, callback
from workbench.views.state import Selected, State
from workbench.views.system.feed import FeedPanel
from workbench.views.system.log import LogPanel
from workbench.views.system.markup import checks_markup, head_markup, processes_markup, storage_markup, timings_markup
from workbench.views.widgets.boxes import box, button, classed
from workbench.views.widgets.chart import Chart, LiveChart
from workbench.views.widgets.grid import Grid
from workbench.views.widgets.timers import Later

__all__ = ["System", "SystemSession"]

_PARTS = ("Load", "Health")


class SystemSession(ViewSession, Protocol):
    """What the system view asks of a session beside what all views do."""


class System(View):
    """Processes, latencies, sizes; checks, feed and log.

    It looks again every few seconds while it is shown, unless the reader has paused it.

    Attributes
    ----------
    status : Status
        What the server and its kernels do; of this process alone where there is no server.
    findings : list of Finding
        Of the last run of the checks.
    sizes : pandas.DataFrame
        Of `workbench.jobs.storage.storage`.
    paused : bool
    """

    name: ClassVar[str] = "system"
    title: ClassVar[str] = "System"
    keys: ClassVar[tuple[str, ...]] = ("part", "find", "level", "paused")
    shortcuts: ClassVar[Mapping[str, str]] = {
        "P": "pause, or go on",
        "H": "run the checks",
        "Up, Down": "go through latencies, channels or the log",
        "Enter": "go to a channel's telemetry",
    }
    session: SystemSession

    def __init__(self, session: SystemSession, **frame: Any) -> None:
        super().__init__(session, **frame)

    def build(self) -> list[widgets.Widget]:
        """Make the widgets, empty."""
        self.status, self.findings, self.paused, self._quiet = Status(), list[Finding](), False, False
        self.sizes, self._free = pd.DataFrame({"part": [], "bytes": [], "place": []}), 0
        self._fleet, self._opened = pd.DataFrame({"channel": []}), ""
        self._report = KernelReport(self.session.registry.cache)
        self._sampler = Sampler("notebook")
        self._chart: tuple[LiveChart, dict[str, figure], str] | None = None
        self._later = Later(self.on_rest, 0.05)
        self._part = classed(widgets.ToggleButtons(options=_PARTS, style={"button_width": "auto"}), "wb-toggle")
        self._part.tooltips = ["Memory, CPU, latencies, sizes", "Checks, feed and log"]
        self._part.observe(self.on_part, "value")
        self._pause = button("Pause", "Look again only when asked, or go on (P)", self.on_pause, "wb-key-p")
        self._looked, self._processes, self._storage, self._checks = (widgets.HTML() for _ in range(4))
        self._timings = Grid("Latencies", pick=self.on_timing)
        self._usage = box("wb-chart")
        self._run = button("Run the checks", "Look at everything that the workbench needs (H)", self.on_run, "wb-key-h")
        self.feed, self.log = FeedPanel(self), LogPanel(self)
        checks = box("wb-bar wb-panel-head", widgets.HTML("<h2>Checks</h2>"), self._run)
        load = (
            box("wb-left", box("wb-panel wb-processes", self._processes), box("wb-panel wb-usage", self._usage)),
            box("wb-right", box("wb-panel wb-timings", self._timings), box("wb-panel wb-storage", self._storage)),
        )
        health = (
            box("wb-left", box("wb-panel wb-checks", checks, classed(self._checks, "wb-found")), self.feed.widget),
            box("wb-right", self.log.widget),
        )
        self._bodies = dict(zip(_PARTS, (box("wb-body", *load), box("wb-body", *health)), strict=True))
        return [box("wb-bar", self._part, self._pause, self._looked), *self._bodies.values()]

    # ---- reading and showing

    def refresh(self) -> None:
        """Look at everything again; what takes longer comes a little later."""
        self._look()
        self._later()
        self._fleet = self.session.overview()
        self._switch()

    def recolour(self) -> None:
        """Draw the chart again in the tokens' colours."""
        self._clear()
        self._draw()

    def show_selection(self, now: Selected) -> None:
        """Mark the channel that was chosen elsewhere."""
        if now.channel and now.channel not in set(self._fleet["channel"]):
            raise ViewError(f"There is no channel {now.channel!r}.", "Choose one of the feed.")
        self.feed.choose(now.channel)

    def read_state(self) -> Mapping[str, object]:
        """Give what is chosen, where it is not what comes first."""
        part = None if self._part.value == _PARTS[0] else self._part.value
        return {"part": part, "paused": "yes" if self.paused else None, **self.log.state()}

    def apply_state(self, state: State) -> None:
        """Show what a link chose."""
        part = state.get("part", _PARTS[0])
        if part not in _PARTS:
            raise ViewError(f"part is {part!r}.", f"Known: {', '.join(_PARTS)}.")
        self.log.restore(state)
        with self._quietly():
            self._part.value = part
        self._set_paused(state.get("paused", "") == "yes")
        self._switch()

    def shown_table(self) -> pd.DataFrame | None:
        """Give the latencies, or the feed."""
        if self._part.value == _PARTS[1]:
            return self.feed.table
        rows = [asdict(row) for row in self.status.timings.rows(self._opened)]
        return pd.DataFrame(rows, columns=[field.name for field in fields(Row)])

    def charts(self) -> Mapping[str, Chart]:
        """Give the chart of memory and processor time."""
        return {} if self._chart is None else {"Memory and CPU": self._chart[0]}

    def code_lines(self) -> list[str]:
        """Give the cell that measures the disk, or runs the checks."""
        if self._part.value == _PARTS[1]:
            return ["from workbench.jobs.doctor import examine", "examine(session)"]
        return ["from workbench.jobs.storage import storage", "storage(session.settings, session.maintenance.database)"]

    def poll(self) -> None:
        """Look again, unless it is paused."""
        if not self.paused:
            self.on_live()

    def close(self) -> None:
        """Stop what is due and take the view from the page."""
        self._later.cancel()
        self.feed.cancel()
        self._clear()
        super().close()

    # ---- callbacks

    @callback
    def on_live(self) -> None:
        """Look at the processes, and at the log where it is shown."""
        self._look()
        if self._part.value == _PARTS[1]:
            self.log.follow()

    @callback
    def on_rest(self) -> None:
        """Run the checks and measure the disk."""
        self.findings = examine(cast(Session, self.session))
        self._checks.value = checks_markup(self.findings)
        self.sizes = storage(self.session.settings, self.session.maintenance.database)
        self._free = free_disk(self.session.settings.home)
        self._tell()

    @callback
    def on_part(self, change: dict[str, Any]) -> None:
        """Show the load, or the health."""
        del change
        if not self._quiet:
            self._switch()
            self.moved()

    @callback
    def on_pause(self, pressed: widgets.Button) -> None:
        """Stop looking by itself, or go on."""
        del pressed
        self._set_paused(not self.paused)
        self.poll()
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
        """Read what the server saw last, or look at this process."""
        found = read_status(status_folder(), self._report)
        if found is None:
            found = Status(processes=self._sampler.sample({}), at=self._sampler.at)
            found.history = [list(row) for row in self._sampler.history]
            found.add(self._report.now())
        self.status = found
        looked = datetime.fromtimestamp(found.at, UTC)
        self._looked.value = f"<span class='wb-muted'>as of {looked:%H:%M:%S} UTC</span>"
        self._processes.value = processes_markup(found, os.getpid())
        self._timings.html = timings_markup(found.timings.rows(self._opened), self._opened)
        self._tell()
        self._draw()

    def _tell(self) -> None:
        budget = self.session.settings.model_cache_bytes
        self.head.value = head_markup(self.status, self.findings)
        self._storage.value = storage_markup(self.sizes, self._free, self.status, budget)

    def _draw(self) -> None:
        role = self.status.processes[0].role
        usage = history_dataset(self.status.history, role)
        if self._chart is not None and self._chart[2] == role:
            with self._chart[0].together():
                update_usage_figures(self._chart[1], usage)
            return
        self._clear()
        figures = usage_figures(usage, tokens=self.tokens)
        chart = LiveChart(column(*figures.values(), sizing_mode="stretch_both"))
        self._chart, self._usage.children = (chart, figures, role), (chart,)

    def _clear(self) -> None:
        before, self._chart = self._chart, None
        self._usage.children = ()
        if before is not None:
            before[0].close()

    def _switch(self) -> None:
        """Show the part that is chosen; feed and log are read where they are shown."""
        for name, body in self._bodies.items():
            body.layout.display = None if name == self._part.value else "none"
        if self._part.value == _PARTS[1]:
            self.feed.show(self._fleet)
            self.feed.choose(self.selection.now.channel)
            self.log.read()

    def _set_paused(self, paused: bool) -> None:
        self.paused = paused
        self._pause.description = "Go on" if paused else "Pause"

    @contextmanager
    def _quietly(self) -> Iterator[None]:
        self._quiet = True
        try:
            yield
        finally:
            self._quiet = False
