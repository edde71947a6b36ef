"""Thresholds: change any parameter, see which alerts would appear and vanish, then save or revert."""

import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any, ClassVar

import ipywidgets as widgets
import pandas as pd
from pydantic import ValidationError

from workbench.counts import counted
from workbench.detection.envelope import EnvelopeEvent, event_bound_lines
from workbench.exceptions import SettingsError
from workbench.parameters import Preset
from workbench.plots.theme import severity
from workbench.telemetry.moments import Moment, moment_at
from workbench.threshold_trial import Trial, try_thresholds
from workbench.tuned import remove_tuned, tuned_path, write_tuned
from workbench.views.anomalies.panel import Chosen, Panel
from workbench.views.markup import read_target, target
from workbench.views.widgets.boxes import box, button, classed
from workbench.views.widgets.callbacks import callback
from workbench.views.widgets.grid import Column, Grid, cell, table_markup
from workbench.views.widgets.refusals import Refusals, range_of

__all__ = ["Thresholds"]

_FIELDS = {
    "z_min": ("z from", "Lowest candidate threshold: mean + z standard deviations of the error", 0.1),
    "z_max": ("z to", "Highest candidate threshold", 0.5),
    "z_step": ("z step", "Step between candidate thresholds", 0.1),
    "min_decrease": (
        "min decrease",
        "Pruning: smallest relative step between two maxima that keeps the higher one",
        0.01,
    ),
    "smoothing_fraction": ("smoothing", "Span of the smoothing, as a share of the error window", 0.01),
    "error_buffer": ("error buffer", "Samples added on each side of an anomalous error", 10),
    "batch_size": ("batch", "Samples by which the error window moves", 10),
    "window_size": ("batches", "Number of batches in one error window", 1),
    "envelope_width": (
        "envelope width",
        "Margins of the envelope: how far the telemetry may exceed what it did in training, in times of the default",
        0.1,
    ),
}
_ENVELOPES = (("off", "none"), ("twice the record", "fixed"), ("by the tail", "excess"))
_MAX_LISTED_ALERTS = 300
_WORDS = {"appears": "+ appears", "vanishes": "- vanishes", "stays": "stays"}


class Thresholds(Panel):
    """Parameters of the threshold and of the envelope, tried on the stored predictions.

    Attributes
    ----------
    trial : Trial or None
        The last trial; None before there is one.
    fields : dict of str to ipywidgets.Widget
        The fields of the parameters, by name.
    refusals : Refusals
        The note at the field that was refused.
    """

    name: ClassVar[str] = "Thresholds"
    css: ClassVar[str] = "wb-tabbed wb-tab-thresholds"
    tip: ClassVar[str] = "Try other thresholds before anything is changed"

    def build(self) -> list[widgets.Widget]:
        """Make the widgets, with the parameters in use; called once."""
        self.trial: Trial | None = None
        self._drawn: set[str] = set()
        self.fields: dict[str, Any] = {}
        for name, (words, tip, step) in _FIELDS.items():
            whole = isinstance(getattr(self._preset, name), int)
            made = (widgets.IntText if whole else widgets.FloatText)(description=words, step=step)
            made.tooltip = tip
            self.fields[name] = classed(made, "wb-field")
        self.lag = classed(widgets.Checkbox(description="lag correction", indent=False), "wb-check")
        self.lag.tooltip = (
            "Anomalies begin and end with the prediction error, not with the smoothed error, which lags behind"
        )
        self.envelope = classed(widgets.Dropdown(description="envelope", options=_ENVELOPES), "wb-field")
        self.envelope.tooltip = (
            "Second detector: telemetry that exceeds what it did in training and since, by a fixed margin or by one "
            "from the tail of its training values"
        )
        self.one = button(
            "Try on this channel", "Show which alerts these thresholds would raise on this channel", self.on_one
        )
        self.fleet = button(
            "Try on the fleet", "Show which alerts these thresholds would raise on every channel", self.on_fleet
        )
        self.revert = button("Revert", "Go back to the thresholds in use", self.on_revert)
        self.save = button(
            "Save as preset tuned", "Use these thresholds wherever the settings name no other preset", self.on_save
        )
        self.remove = button("Remove preset tuned", "Use the preset of the settings again", self.on_remove)
        self.words = classed(widgets.HTML(), "wb-words")
        self.grid = Grid("Alerts under these thresholds", pick=self.on_pick)
        self.bounds = Grid("Bounds of the envelope under these thresholds", pick=self.on_look)
        self._fill(self._preset)
        fields = box("wb-fields")
        self.refusals = Refusals(
            fields,
            self.fields,
            ranges={name: range_of(Preset, name) for name in _FIELDS},
            ending=[self.envelope, self.lag],
        )
        return [
            fields,
            box("wb-bar", self.one, self.fleet, self.revert, self.save, self.remove),
            self.words,
            self.grid,
            self.bounds,
        ]

    @property
    def params(self) -> Preset:
        """The parameters that the fields hold.

        Raises
        ------
        ViewError, SettingsError
            A value is outside its range, or does not fit the others.
        """
        self.refusals.check()
        values = {name: field.value for name, field in self.fields.items()}
        values |= {"lag_correction": self.lag.value, "envelope": self.envelope.value}
        try:
            return Preset.model_validate({**self._preset.model_dump(), **values})
        except ValidationError as error:
            first = error.errors()[0]
            name = ".".join(str(part) for part in first["loc"]) or "thresholds"
            raise SettingsError(
                f"{name}: {first['msg'].removeprefix('Value error, ')}.", "Enter another value."
            ) from None

    def show(self, chosen: Chosen) -> None:
        """Prepare a trial on the channel of an alert; the last trial stays until the next one.

        Parameters
        ----------
        chosen : Chosen
            The alert and its channel.
        """
        self.chosen = chosen
        self._enable()

    def draw_again(self) -> None:
        """Draw the bounds that were tried again, after the view has read the telemetry anew."""
        for channel in self._drawn.copy():
            self._draw_bounds(channel)

    @callback
    def on_one(self, pressed: widgets.Button) -> None:
        """Try the thresholds on the chosen channel."""
        del pressed
        if self.chosen is not None:
            with self.refusals.refusing():
                self._try([self.chosen.channel])

    @callback
    def on_fleet(self, pressed: widgets.Button) -> None:
        """Try the thresholds on every channel of the fleet."""
        del pressed
        with self.refusals.refusing():
            self._try(self.view.session.overview()["channel"].tolist())

    @callback
    def on_revert(self, pressed: widgets.Button) -> None:
        """Fill the fields with the thresholds in use."""
        del pressed
        self._fill(self._preset)
        self.trial = None
        self.words.value = ""
        self.grid.html = self.bounds.html = ""
        for channel in self._drawn:
            self.view.draw_bounds(channel, None)
        self._drawn.clear()

    @callback
    def on_save(self, pressed: widgets.Button) -> None:
        """Save the thresholds as the preset `tuned`."""
        del pressed
        with self.refusals.refusing():
            self._save()

    def _save(self) -> None:
        path = write_tuned(self.view.session.settings.home, self.params)
        self.words.value = (
            f"<p role='status'>Saved to {path.name}. <code>workbench score --all</code> uses it from now on.</p>"
        )
        self._enable()

    @callback
    def on_remove(self, pressed: widgets.Button) -> None:
        """Remove the preset `tuned`."""
        del pressed
        remove_tuned(self.view.session.settings.home)
        self.words.value = "<p role='status'>Preset tuned removed. The preset of the settings is in use again.</p>"
        self._enable()

    @callback
    def on_pick(self, text: str) -> None:
        """Choose the alert of a row, with its channel."""
        self.view.follow(read_target(text)[1])

    @callback
    def on_look(self, text: str) -> None:
        """Show where the telemetry exceeds a bound, with the bounds that were tried."""
        picked = read_target(text)[1]
        self._draw_bounds(picked.channel)
        self.view.look(picked, 1)

    @property
    def _preset(self) -> Preset:
        return self.view.session.settings.params

    def _fill(self, preset: Preset) -> None:
        for name, field in self.fields.items():
            field.value = getattr(preset, name)
        self.lag.value = preset.lag_correction
        self.envelope.value = preset.envelope

    def _enable(self) -> None:
        self.remove.disabled = not tuned_path(self.view.session.settings.home).is_file()

    def _try(self, channels: list[str]) -> None:
        session, params = self.view.session, self.params
        with self.view.busy("Trying the thresholds", len(channels)) as done:
            self.trial = try_thresholds(
                session.maintenance,
                channels,
                session.channel,
                session.stored,
                session.settings.severity,
                params,
                done,
            )
        self.words.value = f"<p role='status'>{self.trial} {_furthest_words(self.trial.events)}</p>"
        overview = session.overview()
        self.grid.html = _table(self.trial.table, overview)
        self.bounds.html = self._bounds_markup(self.trial.events, overview)
        if self.chosen is not None and self.chosen.channel in channels:
            self._draw_bounds(self.chosen.channel)

    def _draw_bounds(self, channel: str) -> None:
        """Draw the bounds that were tried in the charts of a channel; none where the envelope was off."""
        if self.trial is None or channel in self.trial.failed:
            return
        telemetry = self.view.session.channel(channel, "test")["telemetry"]
        lines = event_bound_lines(self.trial.events.get(channel, ()), telemetry)
        self.view.draw_bounds(channel, lines.assign(label=lines["label"] + ", tried"))
        self._drawn.add(channel)

    def _bounds_markup(self, events: Mapping[str, Sequence[EnvelopeEvent]], fleet: pd.DataFrame) -> str:
        """Write what exceeds the bounds that were tried: what it reached, the bound, and by how much."""
        every = [(channel, event) for channel, own in events.items() for event in own]
        if not every:
            within = "The telemetry stays within the envelope with these margins."
            return f"<p class='wb-note'>{within}</p>" if events else ""
        listed = every[:_MAX_LISTED_ALERTS]
        times = {channel: self.view.session.channel(channel, "test")["time"].values for channel, _ in listed}
        begins = [moment_at(times[channel], event.start) for channel, event in listed]
        return _bounds_table(listed, begins, fleet, len(every))


def _furthest_words(events: Mapping[str, Sequence[EnvelopeEvent]]) -> str:
    """Say what lies furthest beyond the envelope that was tried; empty where nothing does."""
    every = [(channel, event) for channel, own in events.items() for event in own]
    if not every:
        return ""
    channel, event = max(every, key=lambda one: one[1].margins)
    return escape(
        f"Furthest beyond the envelope: {event.subject} of {channel} at sample {event.peak_at:,}, "
        f"{_amount(event, event.value)}, bound {_amount(event, event.bound)}."
    )


def _bounds_table(
    listed: Sequence[tuple[str, EnvelopeEvent]], begins: Sequence[Moment], fleet: pd.DataFrame, total: int
) -> str:
    assets = fleet.set_index("channel")["asset"]
    rows = [
        (
            target(str(assets.get(channel, "")), channel, begin),
            [
                cell(event.subject),
                cell(channel),
                f"{event.start:,}",
                f"{event.end:,}",
                _amount(event, event.value),
                f"{'below' if event.falls else 'above'} {_amount(event, event.bound)}",
                _amount(event, event.record),
                f"{event.margins:,.1f}" if math.isfinite(event.margins) else "no margin",
            ],
        )
        for (channel, event), begin in zip(listed, begins, strict=True)
    ]
    heads = ("envelope", "channel", "from", "to", "reached", "bound", "record before", "margins")
    columns = [Column("", head, number=place > 1) for place, head in enumerate(heads)]
    shown = f"{len(listed)} of {total:,}. " if total > len(listed) else ""
    note = f"{shown}Margins: how far it lies from the record before; 1 at the bound."
    return table_markup(columns, rows, note=note)


def _amount(event: EnvelopeEvent, value: float) -> str:
    return counted(int(value), "sample") if event.feature == "stuck" else f"{value:,.4g}"


def _table(table: pd.DataFrame, fleet: pd.DataFrame) -> str:
    assets = fleet.set_index("channel")["asset"]
    rows = []
    for item in table.head(_MAX_LISTED_ALERTS).to_dict(orient="records"):
        level = severity(item["level"])
        words = _WORDS[item["outcome"]]
        rows.append(
            (
                target(str(assets.get(item["channel"], "")), item["channel"], item["begin"]),
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
    note = f"{_MAX_LISTED_ALERTS} of {len(table):,}" if len(table) > _MAX_LISTED_ALERTS else ""
    return (
        table_markup(columns, rows, note=note)
        if rows
        else "<p class='wb-note'>No alerts, neither now nor with these thresholds.</p>"
    )
