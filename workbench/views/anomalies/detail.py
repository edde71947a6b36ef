"""One alert, or one case: its title, and linked charts of the telemetry around it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from html import escape
from typing import Any

import ipywidgets as widgets
import pandas as pd
import xarray as xr
from bokeh.models import InlineStyleSheet
from bokeh.plotting import figure

from workbench.counts import counted
from workbench.maintenance.alerts.table import state_words
from workbench.maintenance.cases.case import Case
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
from workbench.views.markup import age, verdict_words
from workbench.views.widgets.boxes import box, classed
from workbench.views.widgets.chart import LiveChart
from workbench.views.widgets.kept_charts import KeptCharts

__all__ = ["Charts", "Shown", "case_title_markup", "legend_markup", "title_markup"]

_NAME = "Charts"
_CONTEXT_LENGTHS = 2.0  # lengths of the sequence that are shown on either side of it
_MIN_CONTEXT_SAMPLES = 300  # on either side, at least


@dataclass(frozen=True)
class Shown:
    """The data of a channel that the charts show.

    Attributes
    ----------
    channel : xarray.Dataset
        Test split, loaded.
    scored : xarray.Dataset or None
        The stored score; None where there is none.
    anomalies, labels : pandas.DataFrame or None
        Anomalies of the score, and labelled anomalies; None where there are none.
    lines : pandas.DataFrame or None
        Bounds of the envelope that were exceeded, see `bound_lines`.
    limit : str
        Limit that is drawn instead, in words; empty where none is.
    """

    channel: xr.Dataset
    scored: xr.Dataset | None
    anomalies: pd.DataFrame | None
    labels: pd.DataFrame | None
    lines: pd.DataFrame | None = None
    limit: str = ""

    def part(self, first: int, last: int) -> "Shown":
        """Return the data of some samples.

        Parameters
        ----------
        first, last : int
            First and last sample, both inclusive.
        """
        scored = None if self.scored is None else part_of(self.scored, first, last)
        marks = [sequences_within(table, first, last) for table in (self.anomalies, self.labels, self.lines)]
        if scored is not None and not scored.sizes["time"]:
            scored = None
        anomalies, labels, lines = marks
        return Shown(part_of(self.channel, first, last), scored, anomalies, labels, lines, self.limit)

    def of_limit(self, alert: Mapping[Any, Any], span: tuple[int, int]) -> "Shown":
        """Return the data with the limit that raised an alert and the time beyond it, in place of other anomalies.

        Parameters
        ----------
        alert : mapping
            The alert of the limit, a row of `Alerts.list`.
        span : tuple of (int, int)
            First and last row of the time beyond the limit.
        """
        words = f"{alert['source']} limit, {alert['threshold']:.4g} {alert['units']}".strip()
        beyond = {"start": [span[0]], "end": [span[1]], "severity": [float("nan")], "level": [alert["level"]]}
        last = self.channel.sizes["time"] - 1
        line = {
            "start": [0],
            "end": [last],
            "value": [alert["threshold"]],
            "words": [alert["message"]],
            "label": [""],  # the legend has it
        }
        anomalies = pd.DataFrame({**beyond, "words": [alert["message"]]})
        return replace(self, anomalies=anomalies, lines=pd.DataFrame(line), limit=words)

    def around(self, start: int, end: int) -> tuple[int, int]:
        """Return the first and last sample to show around a sequence.

        Parameters
        ----------
        start, end : int
            First and last sample of the sequence.
        """
        room = max(_MIN_CONTEXT_SAMPLES, round(_CONTEXT_LENGTHS * (end - start + 1)))
        return max(0, start - room), min(self.channel.sizes["time"] - 1, end + room)


class Charts:
    """Telemetry with prediction, commands, error, and smoothed error with its threshold, over one time axis.

    Parameters
    ----------
    tokens : Tokens
        Colours of the theme.

    Attributes
    ----------
    widget : ipywidgets.Box
        The box that the charts are in.
    figures : dict of str to bokeh.plotting.figure
        channel, commands, prediction_error and errors; empty before a channel is shown.
    """

    def __init__(self, tokens: Tokens) -> None:
        self._charts = KeptCharts([_NAME], tokens, "wb-charts")
        self._legend = classed(widgets.HTML(), "wb-legend")
        self.widget = box("wb-charted", self._charts.boxes[_NAME], self._legend)
        self.figures: dict[str, figure] = {}

    def charts(self) -> dict[str, LiveChart]:
        """Return the chart that is shown, by its name; empty before a channel is shown."""
        return self._charts.shown()

    def show(self, shown: Shown) -> None:
        """Show a channel, or a part of it.

        Parameters
        ----------
        shown : Shown
            The data to show.
        """

        def update(figures: Any) -> None:
            channel, scored = shown.channel, shown.scored
            update_channel_figure(figures["channel"], channel, scored, shown.anomalies, shown.labels, shown.lines)
            update_commands_figure(figures["commands"], channel)
            update_prediction_error_figure(figures["prediction_error"], channel, scored)
            update_errors_figure(figures["errors"], channel, scored, shown.anomalies, shown.labels)

        self._charts.show(_NAME, lambda: self._make(shown), update, kind=is_dated(shown.channel))
        self._legend.value = legend_markup(shown)

    def recolour(self, tokens: Tokens) -> None:
        """Remove the charts; they are made in other colours when a channel is shown again.

        Parameters
        ----------
        tokens : Tokens
            The colours.
        """
        self._charts.recolour(tokens)
        self.figures = {}

    def clear(self) -> None:
        """Remove the charts from the page."""
        self._charts.clear()
        self._legend.value = ""
        self.figures = {}

    def _make(self, shown: Shown) -> dict[str, figure]:
        channel, scored = shown.channel, shown.scored
        marks = (shown.anomalies, shown.labels)
        main = channel_figure(channel, scored, *marks, lines=shown.lines, tokens=self._charts.tokens, height=150)
        main.sizing_mode = "stretch_both"
        main.xaxis.visible = False  # the errors below carry the axis of all
        shared: dict[str, Any] = {"tokens": self._charts.tokens, "x_range": main.x_range}
        self.figures = {
            "channel": main,
            "commands": commands_figure(channel, **shared),
            "prediction_error": prediction_error_figure(channel, scored, **shared),
            "errors": errors_figure(channel, scored, shown.anomalies, shown.labels, height=110, **shared),
        }
        for drawn in self.figures.values():  # one toolbar serves all, and takes no room beside the frame
            drawn.toolbar_location = None
        main.update(toolbar_location="above", toolbar_inner=True)
        main.toolbar.stylesheets = [InlineStyleSheet(css=":host { background: none !important; }")]
        self.figures["prediction_error"].min_border_bottom = 7  # half a label
        return self.figures


def legend_markup(shown: Shown) -> str:
    """Write what the shading, the hatching and the dashed lines of the charts mean; only of those that are drawn.

    Parameters
    ----------
    shown : Shown
        The data that the charts show.
    """
    keys = [
        (
            "wb-shade",
            "time beyond the limit" if shown.limit else "anomaly, in the colour of its level",
            shown.anomalies,
        ),
        ("wb-hatch", "labelled as an anomaly", shown.labels),
        ("wb-dash", escape(shown.limit) or "bound of the envelope that was exceeded", shown.lines),
    ]
    words = [
        f"<span><i class='{name}' aria-hidden='true'></i>{meaning}</span>"
        for name, meaning, table in keys
        if table is not None and len(table)
    ]
    return f"<p class='wb-muted'>{''.join(words)}</p>" if words else ""


def title_markup(alert: Mapping[Any, Any], order: str, now: datetime) -> str:
    """Write the title of an alert: what it is, and what was done about it.

    Parameters
    ----------
    alert : mapping
        A row of `Alerts.list`.
    order : str
        Number of its work order; empty where it has none.
    now : datetime
        Present time, aware.
    """
    level = severity(alert["level"])
    facts = [f"{alert['asset']} {alert['subsystem']}".strip(), state_words(alert["state"])]
    facts.append(f"raised {age(alert['raised_at'], now)} ago".replace("now ago", "just now"))
    if alert["acknowledged"] and alert["acknowledged_by"]:
        facts.append(f"acknowledged by {alert['acknowledged_by']}")
    if alert["state"] == "shelved":
        facts.append(f"shelved by {alert['shelved_by']} until {alert['shelved_until']:%Y-%m-%d %H:%M} UTC")
    if alert["closed_by"]:
        facts.append(f"closed by {alert['closed_by']}: {verdict_words(alert['verdict'])}")
    if order:
        facts.append(f"work order {order}")
    text = "".join(f"<span class='wb-muted'>{escape(fact)}</span>" for fact in facts)
    symbol = f"<span class='wb-symbol' aria-hidden='true'>{level.symbol}</span>"
    head = f"<h2 class='{level.word}'>{escape(alert['channel'])} {symbol}{level.word}</h2>"
    return f"<div class='wb-line'>{head}{text}</div>"


def case_title_markup(case: Case, orders: Collection[str]) -> str:
    """Write the title of a case: what moved first, how much there is of it, and its work orders.

    Parameters
    ----------
    case : Case
        The case.
    orders : collection of str
        Numbers of its active work orders.
    """
    level = severity(case.level)
    facts = [str(case), f"{counted(len(case.alerts), 'alert')}, {state_words(case.state)}"]
    facts += [f"work order {', '.join(orders)}"] if orders else []
    text = "".join(f"<span class='wb-muted'>{escape(fact)}</span>" for fact in facts)
    symbol = f"<span class='wb-symbol' aria-hidden='true'>{level.symbol}</span>"
    head = f"<h2 class='{level.word}'>Case {case.id} {symbol}{level.word}</h2>"
    return f"<div class='wb-line wb-of-case'>{head}{text}</div>"
