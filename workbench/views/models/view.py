"""Models: what is registered, how good it is, how far its channel has moved away, and what replaces it."""

from collections.abc import Callable, Hashable, Mapping
from functools import partial
from typing import Any, ClassVar, Protocol

import ipywidgets as widgets
import pandas as pd

from workbench.detection.forecasters import FORECASTERS
from workbench.exceptions import ViewError
from workbench.models.life import DRIFT_COLUMNS, ModelLife
from workbench.models.listing import ModelInfo
from workbench.models.names import ALIASES, choose_champion
from workbench.plots.drift import drift_figure, update_drift_figure
from workbench.views.base import View, ViewSession, callback
from workbench.views.models.actions import Actions
from workbench.views.models.markup import head_markup
from workbench.views.models.parts import PARTS, Labels, Part, Training, Versions
from workbench.views.models.table import CONDITIONS, PAGE, Wanted, model_table, models_markup
from workbench.views.state import Selected, State
from workbench.views.widgets.background import Background
from workbench.views.widgets.boxes import box, classed
from workbench.views.widgets.chart import Chart
from workbench.views.widgets.grid import Grid
from workbench.views.widgets.kept_charts import KeptCharts

__all__ = ["Models", "ModelsSession"]

_DRIFT = "Drift"
_SHOWN_EVERY = 12  # channels whose drift is known before it is shown again


class ModelsSession(ViewSession, Protocol):
    """What this view asks of a session beside what all views do."""

    @property
    def models(self) -> ModelLife:
        """The life of the trained models."""


class Models(View):
    """The registered versions, one of them chosen.

    Attributes
    ----------
    wanted : Wanted
        Which versions are listed.
    listed : pandas.DataFrame
        Those, in their order.
    model : str
        Id of the chosen version; empty where its channel has none.
    drift : dict of str to dict
        Rows of `ModelLife.drift` by the id of the champion; those that are known so far.
    part : str
        One of `PARTS`.
    """

    name: ClassVar[str] = "models"
    title: ClassVar[str] = "Models"
    keys: ClassVar[tuple[str, ...]] = ("text", "place", "forecaster", "alias", "condition", "order", "part", "model")
    shortcuts: ClassVar[Mapping[str, str]] = {
        "Up, Down": "choose another version",
        "P": "promote",
        "B": "roll back",
        "L": "train again",
        "S": "score again",
    }
    session: ModelsSession

    def __init__(self, session: ModelsSession, **frame: Any) -> None:
        super().__init__(session, **frame)

    def build(self) -> list[widgets.Widget]:
        """Make the widgets, empty."""
        self.wanted, self.listed, self._limit = Wanted(), pd.DataFrame(), PAGE
        self.model, self.part, self.drift = "", PARTS[0], dict[str, dict[str, Any]]()
        self._models: dict[str, ModelInfo] = {}
        self._fleet, self._table = pd.DataFrame({"channel": []}), pd.DataFrame()
        self._quiet, self._unshown, self._changed_at = False, 0, 0.0
        self._drifting = Background(self, "drift", self.on_drift, self.on_drifted)
        self._filters = {
            "place": widgets.Dropdown(options=[("any asset", "")]),
            "forecaster": widgets.Dropdown(options=[("any forecaster", ""), *((name, name) for name in FORECASTERS)]),
            "alias": widgets.Dropdown(options=[("any alias", ""), *((name, name) for name in (*ALIASES, "none"))]),
            "condition": widgets.Dropdown(options=[(words, key) for key, words in CONDITIONS.items()]),
        }
        self._text = classed(widgets.Text(placeholder="channel", continuous_update=False), "wb-search")
        self._text.tooltip = "Part of the channel's name"
        for name, made in self._filters.items():
            made.tooltip = {"condition": "State", "place": "Asset"}.get(name, name.capitalize())
        for made in (*self._filters.values(), self._text):
            made.observe(self.on_filter, "value")
        self._grid = Grid("Models", pick=self.on_pick, sort=self.on_sort, more=self.on_more)
        self._charts = KeptCharts([_DRIFT], self.tokens)
        self._title = widgets.HTML()
        self.actions = Actions(self)
        self._part = classed(widgets.ToggleButtons(options=PARTS, style={"button_width": "auto"}), "wb-toggle")
        self._part.tooltips = ["Learning curve, parameters, tags", "All versions of the channel, two side by side", ""]
        self._part.observe(self.on_part, "value")
        self.parts: dict[str, Part] = dict(zip(PARTS, (Training(self), Versions(self), Labels(self)), strict=True))
        listing = box("wb-list wb-panel", self._grid, classed(self._charts.boxes[_DRIFT], "wb-drift"))
        detail = box(
            "wb-detail wb-panel",
            classed(self._title, "wb-title"),
            self.actions.bar,
            self.actions.doing,
            self.actions.told,
            box("wb-bar wb-parts-bar", self._part),
            *(part.widget for part in self.parts.values()),
        )
        bar = box("wb-bar wb-filters", self._text, *self._filters.values())
        return [bar, box("wb-body", listing, detail)]

    # ---- reading and showing

    def refresh(self) -> None:
        """Read the registry again; what is chosen stays where it can."""
        self._fleet = self.session.overview()
        models = self.session.registry.list()
        self._changed_at = self._registry_time()
        self._models = {info.id: info for info in models}
        assets = dict(zip(self._fleet["channel"], self._fleet["asset"], strict=True))
        cache = self.session.registry.cache
        loaded = {info.id: info.run_id in cache for info in models}
        self._table = model_table(self.session, models, assets, loaded)
        champions = {info.id for info in models if "champion" in info.aliases}
        self.drift = {model: row for model, row in self.drift.items() if model in champions}
        for part in self.parts.values():
            part.forget()
        places = [("any asset", ""), *((name, name) for name in sorted(set(assets.values())))]
        self._filters["place"].options = places
        self._list()
        if self.model not in self._models:
            self.model = self._default(self.selection.now.channel)
        self._show()
        self._look_for_drift()

    def recolour(self) -> None:
        """Draw the charts again in the tokens' colours."""
        self._charts.tokens = self.tokens
        self._charts.clear()
        self._draw_drift()
        for part in self.parts.values():
            part.recolour()
        self._show()

    def show_selection(self, now: Selected) -> None:
        """Choose the champion of a channel that was chosen elsewhere."""
        if now.channel and now.channel not in set(self._fleet["channel"]):
            raise ViewError(f"There is no channel {now.channel!r}.", "Choose one that is there.")
        if now.channel and now.channel != self.channel:
            self.model = self._default(now.channel)
        self._show()

    def read_state(self) -> Mapping[str, object]:
        """Give filters, order, the part, and the version where it is not the channel's champion."""
        part = None if self.part == PARTS[0] else self.part
        own = None if self.model == self._default(self.channel) else self.model
        return {**self.wanted.written(), "part": part, "model": own}

    def apply_state(self, state: State) -> None:
        """Take what a link chose."""
        part, wanted = state.get("part", PARTS[0]), Wanted.of(state)
        if part not in PARTS:
            raise ViewError(f"part is {part!r}.", f"Known: {', '.join(PARTS)}.")
        model = state.get("model", "")
        if model and model not in self._models:
            raise ViewError(f"There is no model {model!r}.", "Choose one of the list.")
        self.wanted, self.part, self._limit = wanted, part, PAGE
        self.model = model or self._default(self.selection.now.channel)
        self._list()
        self._show()

    def shown_table(self) -> pd.DataFrame | None:
        """Give the versions listed, or what the part holds."""
        own = self.parts[self.part].table()
        return self.listed if own is None else own

    def charts(self) -> Mapping[str, Chart]:
        """Give drift, and the chart of the part."""
        return {**self._charts.shown(), **self.parts[self.part].charts.shown()}

    def code_lines(self) -> list[str]:
        """Give the cell that lists the models, or what the part holds."""
        return self.parts[self.part].code_lines()

    def set_active(self, active: bool) -> None:
        """Look for drift only while somebody sees it."""
        super().set_active(active)
        if active:
            self._show_drift()
            self._look_for_drift()
        else:
            self._drifting.stop()

    def poll(self) -> None:
        """Read again where another process has registered, promoted or rolled back."""
        if self._registry_time() != self._changed_at:
            self.outdate()

    def close(self) -> None:
        """Stop what is under way and take the view from the page."""
        self._drifting.stop()
        self.actions.close()
        self._charts.clear()
        for part in self.parts.values():
            part.close()
        super().close()

    # ---- what parts ask

    @property
    def info(self) -> ModelInfo | None:
        """The chosen version."""
        return self._models.get(self.model)

    @property
    def channel(self) -> str:
        """The channel of the chosen version, or the chosen channel where it has none."""
        return self.selection.now.channel if self.info is None else self.info.channel

    @property
    def fleet(self) -> pd.DataFrame:
        """Of `Session.overview`."""
        return self._fleet

    @property
    def epochs(self) -> list[dict[str, Any]]:
        """Epochs of the training that runs on the chosen channel."""
        return self.actions.epochs if self.actions.running == self.channel else []

    def versions(self) -> list[ModelInfo]:
        """Give all versions of the chosen channel."""
        return [info for info in self._models.values() if info.channel == self.channel]

    def row(self) -> Mapping[str, Any]:
        """Give the chosen version's row of the table; empty where none is chosen."""
        rows = self._table[self._table["model"] == self.model].to_dict(orient="records")
        return {str(key): value for key, value in rows[0].items()} if rows else {}

    def pick(self, model: str) -> None:
        """Choose a version."""
        self.model = model
        info = self.info
        self.actions.told.value = ""
        self._show()
        self.moved()
        if info is not None:
            assets = self._fleet.set_index("channel")["asset"]
            self.choose(Selected(str(assets.get(info.channel, "")), info.channel))

    def trained_on(self) -> None:
        """Show the curve of the training that runs."""
        if self.epochs and self.part == PARTS[0]:
            self.parts[PARTS[0]].show()

    def choose_channel(self, channel: str) -> None:
        """Choose the champion of a channel."""
        model = self._default(channel)
        if model:
            self.pick(model)

    # ---- callbacks

    @callback
    def on_filter(self, change: dict[str, Any]) -> None:
        """List what the filters ask for."""
        del change
        if self._quiet:
            return
        values = {name: made.value for name, made in self._filters.items()}
        self.wanted = Wanted(**values, text=self._text.value.strip(), order=self.wanted.order)
        self._limit = PAGE
        self._list()
        self.moved()

    @callback
    def on_sort(self, key: str) -> None:
        """Sort by a column."""
        self.wanted = self.wanted.sorted_by(key)
        self._list()
        self.moved()

    @callback
    def on_more(self, _value: str) -> None:
        """List more."""
        if self._limit < len(self.listed):
            self._limit += PAGE
            self._list()

    @callback
    def on_pick(self, model: str) -> None:
        """Choose a version."""
        self.pick(model)

    @callback
    def on_part(self, change: dict[str, Any]) -> None:
        """Show another part."""
        if not self._quiet:
            self.part = change["new"]
            self._show()
            self.moved()

    @callback
    def on_drift(self, row: dict[str, Any]) -> None:
        """Take note how far one more channel has moved."""
        self.drift[row["model"] or row["channel"]] = row
        self._unshown += 1
        if self._unshown >= _SHOWN_EVERY:
            self._show_drift()

    @callback
    def on_drifted(self, _result: None) -> None:
        """Show the rest, when all channels have been looked at."""
        self._show_drift()

    # ---- parts

    def _default(self, channel: str) -> str:
        """Give the version that is chosen with a channel: a champion, else the newest; empty where there is none."""
        first = channel or next((info.channel for info in self._models.values()), "")
        own = [info for info in self._models.values() if info.channel == first]
        if any("champion" in info.aliases for info in own):
            return choose_champion(own, first, None).id
        return max(own, key=lambda info: info.created).id if own else ""

    def _look_for_drift(self) -> None:
        known = {row["channel"] for row in self.drift.values()}
        names = [name for name in self._fleet["channel"] if self._default(name) and name not in known]
        if names:
            self._drifting.start(partial(self._drift_of, names))

    def _drift_of(self, names: list[str], tell: Callable[[dict[Hashable, Any]], None]) -> None:
        for name in names:
            tell(self.session.models.drift([name]).to_dict(orient="records")[0])

    def _show_drift(self) -> None:
        if self._unshown:
            self._unshown = 0
            self._draw_drift()
            self._list()

    def _registry_time(self) -> float:
        database = self.session.registry.location.database
        return database.stat().st_mtime if database is not None and database.exists() else 0.0

    def _list(self) -> None:
        self.listed = self.wanted.of_table(self._table, self.drift)
        self._quiet = True
        for name, made in self._filters.items():
            made.value = getattr(self.wanted, name)
        self._text.value = self.wanted.text
        self._quiet = False
        drifted = sum(row["status"] == "retrain" for row in self.drift.values())
        self._grid.html = models_markup(self.listed, self._limit, self.wanted.order)
        self._grid.chosen = self.model
        self.head.value = head_markup(self.title, self._table, drifted, len(self.drift))
        if not self._charts.shown():
            self._draw_drift()

    def _draw_drift(self) -> None:
        limits = self.session.settings.drift
        table = pd.DataFrame([*self.drift.values()], columns=list(DRIFT_COLUMNS))
        table = table[table["status"] != "failed"]
        make = partial(drift_figure, table, limits.ks, limits.error_ratio, tokens=self.tokens)
        self._charts.show(_DRIFT, make, partial(_update_drift, table, limits.error_ratio))

    def _show(self) -> None:
        """Show the chosen version in the part that is open."""
        info = self.info
        self._grid.chosen = self.model
        self._quiet = True
        self._part.value = self.part
        self._quiet = False
        aliases = "" if info is None else ", ".join(info.aliases)
        title = self.channel if info is None else f"{info.channel} {info.forecaster} v{info.version}"
        note = "no model yet" if info is None else aliases
        self._title.value = f"<div class='wb-line'><h2>{title}</h2><span class='wb-muted'>{note}</span></div>"
        self.actions.show()
        for name, part in self.parts.items():
            part.widget.layout.display = None if name == self.part else "none"
        self.parts[self.part].show()


def _update_drift(table: pd.DataFrame, error_ratio: float, plot: Any) -> None:
    update_drift_figure(plot, table, error_ratio)
