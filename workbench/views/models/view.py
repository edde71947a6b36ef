"""Models: what is registered, how good it is, how far its channel has moved away, and what replaces it."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from html import escape
from typing import Any, ClassVar

import ipywidgets as widgets
import pandas as pd

from workbench.detection.forecasters import FORECASTERS
from workbench.exceptions import ViewError
from workbench.models.listing import ASSET_KIND, ModelInfo
from workbench.models.names import ALIASES
from workbench.plots.drift import drift_figure, update_drift_figure
from workbench.views.base import View, callback
from workbench.views.models.actions import Actions
from workbench.views.models.host import ModelsSession
from workbench.views.models.markup import drift_progress_markup, head_markup
from workbench.views.models.scene import Scene
from workbench.views.models.sections import SECTIONS, ModelSection
from workbench.views.models.table import CONDITIONS, PAGE, ModelFilters, models_markup
from workbench.views.state import Selected, State
from workbench.views.widgets.background import Background
from workbench.views.widgets.boxes import box, button, classed
from workbench.views.widgets.callbacks import Quiet
from workbench.views.widgets.chart import Chart
from workbench.views.widgets.filters import check_choice
from workbench.views.widgets.grid import Grid
from workbench.views.widgets.kept_charts import KeptCharts

__all__ = ["Models", "ModelsSession"]

_DRIFT = "Drift"
_LEAST_CHANNELS_A_PICTURE = 12
"""Channels whose drift is computed before the chart and the table are drawn again; more in a large fleet."""

_PICTURES = 20
_PROGRESS_STEPS = 100

_NAMES = tuple(section.name for section in SECTIONS)
_FIRST = _NAMES[0]


class Models(View):
    """The registered versions, one of them chosen.

    Attributes
    ----------
    scene : Scene
        What is shown: versions, filters, choice and drift.
    section : str
        Name of the section that is open, one of `SECTIONS`.
    kept_charts : KeptCharts
        The chart of drift.
    actions : Actions
        What can be done about the chosen version.
    sections : dict of str to ModelSection
        Sections by name.
    """

    name: ClassVar[str] = "models"
    title: ClassVar[str] = "Models"
    keys: ClassVar[tuple[str, ...]] = ("text", "place", "forecaster", "alias", "condition", "order", "part", "model")
    shortcuts: ClassVar[Mapping[str, str]] = {
        "Up, Down": "choose another version",
        "P": "promote the version",
        "B": "roll back to the previous champion",
        "L": "train a new version",
        "S": "score the channel again",
        "V": "compare the two marked versions",
    }
    session: ModelsSession

    def __init__(self, session: ModelsSession, **frame: Any) -> None:
        self.scene = Scene(session)
        super().__init__(session, **frame)

    def build(self) -> list[widgets.Widget]:
        """Make the widgets, empty."""
        self.section = _FIRST
        self._quiet = Quiet()
        self._unshown = 0  # channels whose drift has been computed since it was last drawn
        self._drift_total = 0  # channels whose drift is known or looked for
        self._drift_stopped = False  # by the reader
        self._drifting = Background(self, "drift", self.on_drift, self.on_drifted)
        kinds = (*FORECASTERS, ASSET_KIND)
        self._filters = {
            "place": widgets.Dropdown(options=[("any asset", "")]),
            "forecaster": widgets.Dropdown(options=[("any forecaster", ""), *((name, name) for name in kinds)]),
            "alias": widgets.Dropdown(options=[("any alias", ""), *((name, name) for name in (*ALIASES, "none"))]),
            "condition": widgets.Dropdown(options=[(words, key) for key, words in CONDITIONS.items()]),
        }
        for name, dropdown in self._filters.items():
            dropdown.tooltip = "Asset" if name == "place" else name.capitalize()
        self._text = classed(widgets.Text(placeholder="channel"), "wb-search")
        self._text.tooltip = "Part of the channel's name"
        for control in (*self._filters.values(), self._text):
            control.observe(self.on_filter, "value")
        self._grid = Grid("Models", pick=self.on_pick, sort=self.on_sort, more=self.on_more)
        self.kept_charts = KeptCharts([_DRIFT], self.tokens, "wb-chart wb-drift")
        self._drift_words = widgets.HTML()
        self._drift_button = button("Stop", "", self.on_drift_button)
        self._drift_bar = box("wb-bar wb-drift-bar", self._drift_words, self._drift_button)
        self._title = classed(widgets.HTML(), "wb-title")
        self.actions = Actions(self)
        self._section_buttons = widgets.ToggleButtons(options=_NAMES, style={"button_width": "auto"})
        classed(self._section_buttons, "wb-toggle").tooltips = [
            "Learning curve, parameters, tags",
            "All versions of the channel, two of them side by side",
            "True and false positives against the labels",
        ]
        self._section_buttons.observe(self.on_section, "value")
        self.sections: dict[str, ModelSection] = {section.name: section(self) for section in SECTIONS}
        listing = box("wb-list wb-panel", self._grid, self._drift_bar, self.kept_charts.boxes[_DRIFT])
        detail = box(
            "wb-detail wb-panel",
            self._title,
            self.actions.widget,
            box("wb-bar wb-parts-bar", self._section_buttons),
            *(section.widget for section in self.sections.values()),
        )
        bar = box("wb-bar wb-filters", self._text, *self._filters.values())
        return [bar, box("wb-body", listing, detail)]

    # ---- reading and showing

    def refresh(self) -> None:
        """Read the registry again; what is chosen stays where it can."""
        self.scene.read()
        for section in self.sections.values():
            section.forget()
        assets = [(self.session.catalog.asset(asset).name, asset) for asset in set(self.scene.assets.values())]
        with self._quiet:
            self._filters["place"].options = [("any asset", ""), *sorted(assets)]
        self._list()
        self.scene.settle(self.selection.now.channel)
        self._show()
        self._look_for_drift()

    def recolour(self) -> None:
        """Draw the charts again in the tokens' colours."""
        self.kept_charts.recolour(self.tokens)
        self._draw_drift()
        for section in self.sections.values():
            section.recolour()
        self._show()

    def show_selection(self, now: Selected) -> None:
        """Choose the champion of a channel that was selected elsewhere.

        Parameters
        ----------
        now : Selected
            Asset, channel and anomaly that are selected.
        """
        if now.channel and now.channel not in set(self.fleet["channel"]):
            raise ViewError(f"There is no channel {now.channel!r}.", "Choose a channel of the archive.")
        if now.channel and now.channel != self.channel:
            self.model = self.scene.default(now.channel)
        self._show()

    def read_state(self) -> Mapping[str, object]:
        """Return filters, order, the open section, and the version where it is not the channel's champion."""
        section = None if self.section == _FIRST else self.section
        model = None if self.model == self.scene.default(self.channel) else self.model
        return {**self.scene.filters.written(), "part": section, "model": model}

    def apply_state(self, state: State) -> None:
        """Show filters, section and version of a link.

        Parameters
        ----------
        state : State
            State of the link.
        """
        section, filters = state.get("part", _FIRST), ModelFilters.of(state)
        check_choice("part", section, _NAMES)
        self.scene.choose(state.get("model", ""), self.selection.now.channel)
        self.section = section
        self.scene.set_filters(filters)
        self._list()
        self._show()

    def shown_table(self) -> pd.DataFrame | None:
        """Return the table of the open section, or the versions that are listed."""
        own = self.sections[self.section].table()
        return self.scene.listed if own is None else own

    def shown_channel(self) -> str:
        """Return the channel of the chosen version; empty for the model of an asset."""
        return "" if self.info is not None and self.info.of_asset else self.channel

    def charts(self) -> Mapping[str, Chart]:
        """Return the chart of drift, and the chart of the open section."""
        return {**self.kept_charts.shown(), **self.sections[self.section].charts.shown()}

    def code_lines(self) -> list[str]:
        """Return the lines that list the models, or compute what the open section shows."""
        return self.sections[self.section].code_lines()

    def set_active(self, active: bool) -> None:
        """Show what has come since; drift is looked for while the view is hidden, too.

        Parameters
        ----------
        active : bool
            Whether the view is on screen.
        """
        super().set_active(active)
        if active:
            self._show_drift()
            if not self._drifting.running:
                self._look_for_drift()

    def poll(self) -> None:
        """Read again where another process has registered, promoted or rolled back a version."""
        if self.scene.outdated:
            self.outdate()

    def close(self) -> None:
        """Stop what is under way and take the view from the page."""
        self._drifting.stop()
        self.actions.close()
        self.kept_charts.clear()
        for section in self.sections.values():
            section.close()
        super().close()

    # ---- what sections ask

    @property
    def model(self) -> str:
        """Id of the chosen version; empty where its channel has none."""
        return self.scene.model

    @model.setter
    def model(self, model: str) -> None:
        self.scene.model = model

    @property
    def info(self) -> ModelInfo | None:
        """Return the version that is chosen."""
        return self.scene.info

    @property
    def channel(self) -> str:
        """The channel of the chosen version, or the selected channel where it has no version."""
        return self.selection.now.channel if self.info is None else self.info.channel

    @property
    def fleet(self) -> pd.DataFrame:
        """Return the table of `Session.overview`."""
        return self.scene.fleet

    @property
    def listed(self) -> pd.DataFrame:
        """The versions that pass the filters, in their order."""
        return self.scene.listed

    @property
    def drift(self) -> dict[str, dict[str, Any]]:
        """Rows of `ModelLife.drift` by the id of the champion, of the channels that have been looked at."""
        return self.scene.drift

    @property
    def epochs(self) -> list[dict[str, Any]]:
        """Epochs of the training that runs on the chosen channel."""
        return self.actions.epochs if self.actions.running == self.channel else []

    def versions(self) -> list[ModelInfo]:
        """Return all versions of the chosen channel."""
        return self.scene.versions(self.channel)

    def row(self) -> Mapping[str, Any]:
        """Return the chosen version's row of the table; empty where none is chosen."""
        return self.scene.row()

    def pick(self, model: str) -> None:
        """Choose a version, and its channel for all views.

        Parameters
        ----------
        model : str
            Id of the version.
        """
        self.model = model
        self.actions.outcome.value = ""
        self._show()
        self.moved()
        if self.info is not None:
            self.choose(self._selected(self.info))

    def _selected(self, info: ModelInfo) -> Selected:
        """Return what is chosen with a version; that of an asset chooses no channel."""
        if info.of_asset:
            return Selected(info.channel)
        return Selected(self.scene.assets.get(info.channel, ""), info.channel)

    def choose_channel(self, channel: str) -> None:
        """Choose the champion of a channel.

        Parameters
        ----------
        channel : str
            Name of the channel; nothing happens where it has no model.
        """
        model = self.scene.default(channel)
        if model:
            self.pick(model)

    def on_epochs(self) -> None:
        """Show the learning curve of the training that runs."""
        if self.epochs and self.section == _FIRST:
            self.sections[_FIRST].show()

    # ---- callbacks

    @callback
    def on_filter(self, change: dict[str, Any]) -> None:
        """List the versions that pass the filters."""
        del change
        if self._quiet:
            return
        values = {name: dropdown.value for name, dropdown in self._filters.items()}
        self.scene.set_filters(replace(self.scene.filters, **values, text=self._text.value.strip()))
        self._list()
        self.moved()

    @callback
    def on_sort(self, key: str) -> None:
        """Sort the list by a column."""
        self.scene.filters = self.scene.filters.sorted_by(key)
        self._list()
        self.moved()

    @callback
    def on_more(self, _value: str) -> None:
        """List more of the versions."""
        if self.scene.limit < len(self.listed):
            self.scene.limit += PAGE
            self._list()

    @callback
    def on_pick(self, model: str) -> None:
        """Choose the version of a row."""
        self.pick(model)

    @callback
    def on_section(self, change: dict[str, Any]) -> None:
        """Open the section of a button."""
        if not self._quiet:
            self.section = change["new"]
            self._show()
            self.moved()

    @callback
    def on_drift(self, row: dict[str, Any]) -> None:
        """Add the drift of one more channel."""
        self.scene.add_drift(row)
        self._unshown += 1
        if self.active and self._unshown >= max(_LEAST_CHANNELS_A_PICTURE, self._drift_total // _PICTURES):
            self._show_drift()
        elif self.active and self._unshown % max(1, self._drift_total // _PROGRESS_STEPS) == 0:
            self._show_drift_progress()

    @callback
    def on_drifted(self, _result: None) -> None:
        """Show the rest when the drift of all channels has been computed."""
        if self.active:
            self._show_drift()
        self._show_drift_progress()

    @callback
    def on_drift_button(self, pressed: widgets.Button) -> None:
        """Stop to look for drift, or go on with it."""
        del pressed
        self._drift_stopped = self._drifting.running
        if self._drift_stopped:
            self._drifting.stop()
            self._show_drift()
            self._show_drift_progress()
        else:
            self._look_for_drift()

    # ---- drawing

    def _look_for_drift(self) -> None:
        channels = [] if self._drift_stopped else self.scene.undrifted()
        if channels:
            self._drift_total = len(channels) + len(self.scene.drift)
            self._drifting.start(partial(self._compute_drift, channels))
        self._show_drift_progress()

    def _compute_drift(self, channels: list[str], report: Callable[[dict[str, Any]], None]) -> None:
        for row in self.scene.drift_of(channels):
            report(row)

    def _show_drift(self) -> None:
        if self._unshown:
            self._unshown = 0
            self._draw_drift()
            self._list()
            self._show_drift_progress()

    def _show_drift_progress(self) -> None:
        """Say how far the search for drift is; nothing where it has looked at all channels."""
        running, done = self._drifting.running, len(self.scene.drift)
        self._drift_bar.layout.display = None if running or self._drift_stopped else "none"
        self._drift_words.value = drift_progress_markup(done, self._drift_total, stopped=not running)
        self._drift_button.description = "Stop" if running else "Go on"
        self._drift_button.tooltip = "Stop looking for drift" if running else "Go on looking for drift"

    def _list(self) -> None:
        scene = self.scene
        scene.select()
        with self._quiet:
            for name, dropdown in self._filters.items():
                dropdown.value = getattr(scene.filters, name)
            if self._text.value.strip() != scene.filters.text:  # a blank after a word is being typed
                self._text.value = scene.filters.text
        self._grid.html = models_markup(scene.listed, scene.limit, scene.filters.order, self.session.catalog)
        self._grid.chosen = self.model
        self.head.value = head_markup(self.title, scene.table, scene.drifted, len(scene.drift))
        if not self.kept_charts.shown():
            self._draw_drift()

    def _draw_drift(self) -> None:
        limits, table = self.session.settings.drift, self.scene.drift_table
        make = partial(drift_figure, table, limits.ks, limits.error_ratio, tokens=self.tokens)
        self.kept_charts.show(_DRIFT, make, partial(_update_drift, table, limits.error_ratio))

    def _show(self) -> None:
        """Show the chosen version in the section that is open."""
        info = self.info
        self._grid.chosen = self.model
        with self._quiet:
            self._section_buttons.value = self.section
        title = self.channel
        if info is not None:
            is_asset = info.forecaster == ASSET_KIND
            name = self.session.catalog.asset(info.channel).name if is_asset else info.channel
            title = f"{name} {info.forecaster} version {info.version}"
        note = "no model yet" if info is None else ", ".join(info.aliases)
        self._title.value = f"<div class='wb-line'><h2>{escape(title)}</h2><span class='wb-muted'>{note}</span></div>"
        self.actions.show()
        for name, section in self.sections.items():
            section.widget.layout.display = None if name == self.section else "none"
        self.sections[self.section].show()


def _update_drift(table: pd.DataFrame, error_ratio: float, plot: Any) -> None:
    update_drift_figure(plot, table, error_ratio)
