"""Evidence: why an alert was raised, what would clear it, and what was done about it."""

from collections.abc import Mapping
from html import escape
from typing import Any, ClassVar

import ipywidgets as widgets
import pandas as pd

from workbench.views.anomalies.panel import Chosen, Panel
from workbench.views.remarks_markup import remarks_markup
from workbench.views.widgets.background import Background
from workbench.views.widgets.boxes import classed
from workbench.views.widgets.callbacks import callback
from workbench.views.widgets.timers import Later

__all__ = ["Evidence", "evidence_markup"]

_CHANGES = 4
"""Newest changes of an alert that are shown; the log has all."""


class Evidence(Panel):
    """Why, at once; what would clear it, when the reader stays: that runs the detection over and over.

    Attributes
    ----------
    facts : ipywidgets.HTML
    """

    title: ClassVar[str] = "Evidence"
    tip: ClassVar[str] = "Why it was raised, and what would clear it"

    def build(self) -> list[widgets.Widget]:
        """Make the widget, empty."""
        self.facts = classed(widgets.HTML(), "wb-evidence")
        self._explained: dict[str, pd.DataFrame] = {}
        self._cleared: dict[tuple[str, int, int], str] = {}
        self._why, self._clear = Later(self.on_explain, 0.02), Later(self.on_clear, 0.6)
        self._search = Background(self.view, "look for what clears it", lambda _told: None, self.on_cleared)
        return [self.facts]

    def show(self, chosen: Chosen) -> None:
        """Explain an alert a moment later, when its charts are on their way."""
        self.chosen = chosen
        self._clear.cancel()
        self._search.stop()
        self._why()

    def show_none(self, channel: str) -> None:
        """Say that a channel has no alert."""
        self.chosen = None
        self.facts.value = f"<p class='wb-note'>{escape(channel)} has no alert in this list.</p>"

    def forget(self) -> None:
        """Forget what was read, as scores may be others now."""
        self._search.stop()
        self._explained.clear()
        self._cleared.clear()

    @callback
    def on_explain(self) -> None:
        """Say why the alert was raised."""
        why = self._explanation()
        self._write(why)
        if why is not None and self._key not in self._cleared:
            self._clear()

    @callback
    def on_clear(self) -> None:
        """Look for what would clear it, beside the page: it may be left for another one meanwhile."""
        why = self._explanation()
        if why is None or self.chosen is None:
            return
        key, channel, span = self._key, self.chosen.channel, (why["start"], why["end"])
        explain = self.view.session.explain
        self._search.start(lambda _tell: (key, span, explain(channel, clearing=[span])))

    @callback
    def on_cleared(self, found: tuple[tuple[str, int, int], tuple[int, int], pd.DataFrame] | None) -> None:
        """Say what would clear it."""
        if found is None:
            return
        key, span, table = found
        for row in table[(table["start"] == span[0]) & (table["end"] == span[1])].to_dict(orient="records"):
            self._cleared[key] = str(row["clears"])
        self._write(self._explanation())

    def close(self) -> None:
        """Stop what is due."""
        self._why.cancel()
        self._clear.cancel()
        self._search.stop()
        super().close()

    @property
    def _key(self) -> tuple[str, int, int]:
        """What stands for the chosen anomaly."""
        row: Mapping[str, Any] = {"channel": "", "start_sample": 0, "end_sample": 0}
        if self.chosen is not None:
            row = self.chosen.row
        return str(row["channel"]), int(row["start_sample"]), int(row["end_sample"])

    def _write(self, why: Mapping[Any, Any] | None) -> None:
        if self.chosen is None:
            return
        row = self.chosen.row
        alerts, number = self.view.session.maintenance.alerts, int(row["id"])
        clears = self._cleared.get(self._key, "")
        self.facts.value = evidence_markup(row, why, alerts.history(number), clears, alerts.remarks(number))

    def _explanation(self) -> Mapping[Any, Any] | None:
        """Give the alert's row of `Session.explain`; None where the present score does not hold it."""
        if self.chosen is None or self.chosen.row["kind"] != "model" or self.chosen.shown.scored is None:
            return None
        channel, start, end = self._key
        if channel not in self._explained:
            self._explained[channel] = self.view.session.explain(channel, clearing=())
        table = self._explained[channel]
        found: list[dict[Any, Any]] = table[(table["start"] == start) & (table["end"] == end)].to_dict(orient="records")
        return found[0] if found else None


def evidence_markup(
    alert: Mapping[Any, Any],
    why: Mapping[Any, Any] | None,
    history: pd.DataFrame,
    clears: str = "",
    remarks: pd.DataFrame | None = None,
) -> str:
    """Say why an alert was raised, what would clear it and what has happened to it.

    Parameters
    ----------
    alert : mapping
        A row of `Alerts.list`.
    why : mapping or None
        Its row of `Session.explain`; None where the present score does not hold it, or a limit raised it.
    history : pandas.DataFrame
        Of `Alerts.history`.
    clears : str
        What would clear it; empty while that is looked for.
    remarks : pandas.DataFrame, optional
        What people wrote about it, of `Alerts.remarks`.
    """
    rows = [("why", escape(alert["message"]))]
    if why is not None:
        rows = [
            ("why", escape(why["text"])),
            (
                "error",
                f"{why['smoothed_error']:.3g} at sample {why['smoothed_error_at']:,}, {why['distance']:.1f} sd from "
                f"the mean; epsilon {why['epsilon']:.3g} (z {why['z']:g}, error window "
                f"{why['window_start']:,} to {why['window_end']:,})",
            ),
            ("clears", escape(clears) or "<span class='wb-muted'>looking for it</span>"),
        ]
        if why["commands"]:
            rows.append(("commands", escape(why["commands"])))
        rows.append(("model", f"{escape(why['model'])}, preset {escape(why['preset'])}"))
    elif alert["kind"] == "model":
        rows.append(("clears", "The present score does not hold this sequence: the model or the preset has changed."))
    else:
        rows.append(("clears", f"Telemetry back within its {escape(alert['source'])} limit."))
    if remarks is not None and len(remarks):
        rows.insert(1, ("remarks", remarks_markup(remarks, f"alert:{alert['id']}")))
    changes = [
        f"{pd.Timestamp(row['time']):%Y-%m-%d %H:%M} UTC, {row['action'].replace('_', ' ')} by {row['who']}"
        for row in history.iloc[::-1].head(_CHANGES).to_dict(orient="records")
    ]
    if changes:
        rows.append(("history", "<br>".join(map(escape, changes))))
    cells = "".join(f"<dt>{name}</dt><dd>{words}</dd>" for name, words in rows)
    return f"<dl class='wb-facts' tabindex='0'>{cells}</dl>"
