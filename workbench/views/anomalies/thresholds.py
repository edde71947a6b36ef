"""Thresholds: change any parameter, see which alerts would appear and vanish, then save or go back."""

from typing import Any, ClassVar

import ipywidgets as widgets
import pandas as pd
from pydantic import ValidationError

from workbench.exceptions import SettingsError
from workbench.parameters import Preset
from workbench.plots.theme import severity
from workbench.threshold_trial import Trial, try_thresholds
from workbench.tuned import remove_tuned, tuned_path, write_tuned
from workbench.views.anomalies.panel import Chosen, Panel
from workbench.views.markup import read_target, target
from workbench.views.widgets.boxes import box, button, classed
from workbench.views.widgets.callbacks import callback
from workbench.views.widgets.grid import Column, Grid, cell, table_markup

__all__ = ["Thresholds"]

_FIELDS = {
    "z_min": ("z from", "Candidate thresholds begin at mean + z sd", 0.1),
    "z_max": ("z to", "and end here", 0.5),
    "z_step": ("z step", "in steps of", 0.1),
    "min_decrease": ("min decrease", "Least relative step between maxima that keeps the higher (pruning)", 0.01),
    "smoothing_fraction": ("smoothing", "Span of the smoothing, as a share of the error window", 0.01),
    "error_buffer": ("error buffer", "Samples added on each side of an anomalous error", 10),
    "batch_size": ("batch", "Errors by which the error window moves", 10),
    "window_size": ("batches", "Batches in one error window", 1),
}
_MOST = 300
_WORDS = {"appears": "+ appears", "vanishes": "- vanishes", "stays": "stays"}


class Thresholds(Panel):
    """Parameters of the threshold, tried on the stored predictions.

    Attributes
    ----------
    trial : Trial or None
        The last one.
    """

    title: ClassVar[str] = "Thresholds"
    tip: ClassVar[str] = "Try other thresholds before anything is changed"

    def build(self) -> list[widgets.Widget]:
        """Make the widgets, with the parameters in use."""
        self.trial: Trial | None = None
        self.fields: dict[str, Any] = {}
        for name, (words, tip, step) in _FIELDS.items():
            whole = isinstance(getattr(self._preset, name), int)
            made = (widgets.IntText if whole else widgets.FloatText)(description=words, step=step)
            made.tooltip = tip
            self.fields[name] = classed(made, "wb-field")
        self.lag = classed(widgets.Checkbox(description="lag correction", indent=False), "wb-check")
        self.lag.tooltip = "Bounds follow the prediction error, not the smoothed one that lags behind"
        self.one = button("Try on this channel", "See what these thresholds find here", self.on_one)
        self.fleet = button("Try on the fleet", "See what they find on every channel", self.on_fleet)
        self.revert = button("Revert", "Back to the thresholds in use", self.on_revert)
        self.save = button("Save as preset tuned", "In use wherever settings name no other preset", self.on_save)
        self.remove = button("Remove preset tuned", "Back to the presets of the settings", self.on_remove)
        self.words = classed(widgets.HTML(), "wb-words")
        self.grid = Grid("Alerts under these thresholds", pick=self.on_pick)
        self._fill(self._preset)
        fields = box("wb-fields", *self.fields.values(), self.lag)
        return [fields, box("wb-bar", self.one, self.fleet, self.revert, self.save, self.remove), self.words, self.grid]

    @property
    def params(self) -> Preset:
        """What the fields say.

        Raises
        ------
        SettingsError
            A value cannot be.
        """
        values = {name: field.value for name, field in self.fields.items()} | {"lag_correction": self.lag.value}
        try:
            return Preset.model_validate({**self._preset.model_dump(), **values})
        except ValidationError as error:
            first = error.errors()[0]
            name = ".".join(str(part) for part in first["loc"]) or "thresholds"
            raise SettingsError(f"{name}: {first['msg'].removeprefix('Value error, ')}.", "Change the value.") from None

    def show(self, chosen: Chosen) -> None:
        """Take note of the channel; what was tried stays until it is tried again."""
        self.chosen = chosen
        self._enable()

    @callback
    def on_one(self, pressed: widgets.Button) -> None:
        """Try on the chosen channel."""
        del pressed
        if self.chosen is not None:
            self._try([self.chosen.channel])

    @callback
    def on_fleet(self, pressed: widgets.Button) -> None:
        """Try on every channel."""
        del pressed
        self._try(self.view.session.overview()["channel"].tolist())

    @callback
    def on_revert(self, pressed: widgets.Button) -> None:
        """Go back to the thresholds in use."""
        del pressed
        self._fill(self._preset)
        self.trial, self.words.value, self.grid.html = None, "", ""

    @callback
    def on_save(self, pressed: widgets.Button) -> None:
        """Keep them as the preset `tuned`."""
        del pressed
        path = write_tuned(self.view.session.settings.home, self.params)
        self.words.value = (
            f"<p role='status'>Saved to {path.name}. From now on <code>workbench score --all</code> uses it.</p>"
        )
        self._enable()

    @callback
    def on_remove(self, pressed: widgets.Button) -> None:
        """Forget the preset `tuned`."""
        del pressed
        remove_tuned(self.view.session.settings.home)
        self.words.value = "<p role='status'>Removed: the presets of the settings are in use again.</p>"
        self._enable()

    @callback
    def on_pick(self, text: str) -> None:
        """Choose the channel of a row."""
        self.view.follow(read_target(text)[1])

    @property
    def _preset(self) -> Preset:
        return self.view.session.settings.params

    def _fill(self, preset: Preset) -> None:
        for name, field in self.fields.items():
            field.value = getattr(preset, name)
        self.lag.value = preset.lag_correction

    def _enable(self) -> None:
        self.remove.disabled = not tuned_path(self.view.session.settings.home).is_file()

    def _try(self, channels: list[str]) -> None:
        session, params = self.view.session, self.params
        with self.view.busy("Trying", len(channels)) as done:
            self.trial = try_thresholds(
                session.maintenance,
                channels,
                lambda name: session.channel(name, "test"),
                session.stored,
                session.settings.severity,
                params,
                done,
            )
        self.words.value = f"<p role='status'>{self.trial}</p>"
        self.grid.html = _table(self.trial.table, session.overview())


def _table(table: pd.DataFrame, fleet: pd.DataFrame) -> str:
    assets = fleet.set_index("channel")["asset"]
    rows = []
    for item in table.head(_MOST).to_dict(orient="records"):
        level = severity(item["level"])
        words = _WORDS[item["outcome"]]
        rows.append(
            (
                target(str(assets.get(item["channel"], "")), item["channel"], int(item["start"])),
                [
                    f"<b>{words}</b>" if item["outcome"] != "stays" else cell(words),
                    cell(item["channel"]),
                    f"<span class='{level.word}'><span class='wb-symbol'>{level.symbol}</span></span>{level.word}",
                    "" if pd.isna(item["severity"]) else f"{item['severity']:.2f}",
                    f"{item['start']:,}",
                    f"{item['end']:,}",
                ],
            )
        )
    heads = ("alert", "channel", "level", "score", "first sample", "last sample")
    columns = [Column("", head, number=place > 2) for place, head in enumerate(heads)]
    note = f"{_MOST} of {len(table)}" if len(table) > _MOST else ""
    return table_markup(columns, rows, note=note) if rows else "<p class='wb-note'>No alert, before or after.</p>"
