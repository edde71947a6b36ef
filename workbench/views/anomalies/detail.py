"""One alert: linked charts of what is around it, and why it was raised."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from html import escape
from typing import Any

import ipywidgets as widgets
import pandas as pd
import xarray as xr
from bokeh.layouts import column
from bokeh.models import InlineStyleSheet
from bokeh.plotting import figure

from workbench.plots import (
    channel_figure,
    commands_figure,
    errors_figure,
    update_channel_figure,
    update_commands_figure,
    update_errors_figure,
)
from workbench.plots.part import part_of, sequences_within
from workbench.plots.prediction_error import prediction_error_figure, update_prediction_error_figure
from workbench.plots.series import is_dated
from workbench.plots.theme import Tokens, severity
from workbench.views.markup import age, state_words
from workbench.views.widgets.chart import LiveChart

__all__ = ["Charts", "Shown", "title_markup"]

_AROUND = 2.0  # lengths of the sequence that are shown on either side of it
_LEAST = 300  # samples on either side, at least


@dataclass(frozen=True)
class Shown:
    """What is known of a channel.

    Attributes
    ----------
    channel : xarray.Dataset
        Test split, loaded.
    scored : xarray.Dataset or None
    anomalies, labels : pandas.DataFrame or None
    """

    channel: xr.Dataset
    scored: xr.Dataset | None
    anomalies: pd.DataFrame | None
    labels: pd.DataFrame | None

    def part(self, first: int, last: int) -> "Shown":
        """Cut out some samples, both inclusive."""
        scored = None if self.scored is None else part_of(self.scored, first, last)
        marks = [sequences_within(table, first, last) for table in (self.anomalies, self.labels)]
        if scored is not None and not scored.sizes["time"]:
            scored = None
        return Shown(part_of(self.channel, first, last), scored, *marks)

    def around(self, start: int, end: int) -> tuple[int, int]:
        """Give the samples to show around a sequence."""
        room = max(_LEAST, round(_AROUND * (end - start + 1)))
        return max(0, start - room), min(self.channel.sizes["time"] - 1, end + room)


class Charts:
    """Telemetry with prediction, commands, error, and smoothed error with epsilon, over one time axis.

    Parameters
    ----------
    tokens : Tokens
        Colours.

    Attributes
    ----------
    widget : ipywidgets.Box
    chart : LiveChart or None
    """

    def __init__(self, tokens: Tokens) -> None:
        self.tokens = tokens
        self.widget = widgets.Box()
        self.chart: LiveChart | None = None
        self._dated = False
        self._figures: dict[str, figure] = {}

    def show(self, shown: Shown) -> None:
        """Show a channel, or a part of it."""
        channel, scored = shown.channel, shown.scored
        if self.chart is None or self._dated != is_dated(channel):
            self._make(shown)
            return
        with self.chart.together():
            update_channel_figure(self._figures["channel"], channel, scored, shown.anomalies, shown.labels)
            update_commands_figure(self._figures["commands"], channel)
            update_prediction_error_figure(self._figures["prediction_error"], channel, scored)
            update_errors_figure(self._figures["errors"], channel, scored, shown.anomalies, shown.labels)

    def clear(self) -> None:
        """Forget the figures, as when their colours change."""
        before, self.widget.children, self.chart = self.widget.children, (), None
        for child in before:
            child.close()

    def _make(self, shown: Shown) -> None:
        self.clear()
        channel, scored = shown.channel, shown.scored
        self._dated = is_dated(channel)
        main = channel_figure(channel, scored, shown.anomalies, shown.labels, tokens=self.tokens, height=150)
        main.sizing_mode = "stretch_both"
        main.xaxis.visible = False  # the errors below carry the axis of all
        shared: dict[str, Any] = {"tokens": self.tokens, "x_range": main.x_range}
        self._figures = {
            "channel": main,
            "commands": commands_figure(channel, **shared),
            "prediction_error": prediction_error_figure(channel, scored, **shared),
            "errors": errors_figure(channel, scored, shown.anomalies, shown.labels, height=110, **shared),
        }
        for drawn in self._figures.values():  # one toolbar serves all, and takes no room beside the frame
            drawn.toolbar_location = None
        main.update(toolbar_location="above", toolbar_inner=True)
        main.toolbar.stylesheets = [InlineStyleSheet(css=":host { background: none !important; }")]
        self._figures["prediction_error"].min_border_bottom = 7  # half a label
        self.chart = LiveChart(column(*self._figures.values(), sizing_mode="stretch_both"))
        self.widget.children = (self.chart,)


def title_markup(alert: Mapping[Any, Any], order: str, now: datetime) -> str:
    """Say which alert is chosen, what it is and what was done about it."""
    level = severity(alert["level"])
    facts = [f"{alert['asset']} {alert['subsystem']}".strip(), state_words(alert["state"])]
    facts.append(f"raised {age(alert['raised_at'], now)} ago".replace("now ago", "now"))
    if alert["acknowledged"] and alert["acknowledged_by"]:
        facts.append(f"acknowledged by {alert['acknowledged_by']}")
    if alert["state"] == "shelved":
        facts.append(f"shelved by {alert['shelved_by']} until {alert['shelved_until']:%Y-%m-%d %H:%M} UTC")
    if alert["closed_by"]:
        facts.append(f"closed by {alert['closed_by']}: {alert['verdict']}")
    if order:
        facts.append(f"work order {order}")
    text = "".join(f"<span class='wb-muted'>{escape(fact)}</span>" for fact in facts)
    symbol = f"<span class='wb-symbol' aria-hidden='true'>{level.symbol}</span>"
    head = f"<h2 class='{level.word}'>{escape(alert['channel'])} {symbol}{level.word}</h2>"
    return f"<div class='wb-line'>{head}{text}</div>"
