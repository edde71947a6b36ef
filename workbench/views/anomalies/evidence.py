"""Evidence: why an alert was raised, under which settings it would not have been, and what was done about it."""

import json
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any, ClassVar

import ipywidgets as widgets
import pandas as pd

from workbench.maintenance.alerts.known.table import KnownMatch
from workbench.maintenance.alerts.table import KINDS, OF_LIVE
from workbench.views.anomalies.asset import ShownAsset, shares_markup
from workbench.views.anomalies.panel import Chosen, Panel
from workbench.views.markup import verdict_words
from workbench.views.remarks_markup import remarks_markup
from workbench.views.widgets.background import Background
from workbench.views.widgets.boxes import classed
from workbench.views.widgets.callbacks import callback
from workbench.views.widgets.timers import Later

__all__ = ["Evidence", "evidence_markup"]

_CHANGES = 4
"""Number of the newest changes that are shown; the log has all."""
_FOUND_BY = {
    "forecast": "forecast error above its threshold",
    "envelope": "envelope: telemetry that does what it has not done before",
    "both": "forecast error and envelope",
}


class Evidence(Panel):
    """Why the alert was raised, at once, and what would clear it, a little later.

    The latter runs the detection many times, so it is computed only for an alert at which the reader stays.

    Attributes
    ----------
    facts : ipywidgets.HTML
        The evidence as a list of facts.
    """

    name: ClassVar[str] = "Evidence"
    css: ClassVar[str] = "wb-tabbed wb-tab-evidence"
    tip: ClassVar[str] = "Why the alert was raised, and with which settings it would not have been"
    kinds: ClassVar[frozenset[str]] = frozenset(KINDS)

    def build(self) -> list[widgets.Widget]:
        """Make the widget, empty; called once."""
        self.facts = classed(widgets.HTML(), "wb-evidence")
        self._explained: dict[str, pd.DataFrame] = {}
        self._cleared: dict[tuple[Any, ...], str] = {}
        self._why = Later(self.on_explain, 0.02)
        self._clear = Later(self.on_clear, 0.6)
        self._search = Background(self, "look for what clears it", lambda _progress: None, self.on_cleared)
        return [self.facts]

    def show(self, chosen: Chosen) -> None:
        """Explain an alert a moment later, when its charts are on their way to the page.

        Parameters
        ----------
        chosen : Chosen
            The alert and its channel.
        """
        self.chosen = chosen
        self._clear.cancel()
        self._search.stop()
        self._why()

    def show_none(self, channel: str) -> None:
        """Show that a channel has no alert.

        Parameters
        ----------
        channel : str
            Name of the channel.
        """
        self.chosen = None
        self.facts.value = f"<p class='wb-note'>{escape(channel)} has no alert in this list.</p>"

    def show_source(self, row: Mapping[str, Any]) -> None:
        """Show the alert of a source of live telemetry, which has no series.

        Parameters
        ----------
        row : mapping
            The alert, a row of `Alerts.list`.
        """
        self.chosen = None
        alerts, number = self.view.session.maintenance.alerts, int(row["id"])
        self.facts.value = evidence_markup(row, None, alerts.history(number), remarks=alerts.remarks(number))

    def forget(self) -> None:
        """Remove what was computed before, as the scores may have changed."""
        self._search.stop()
        self._explained.clear()
        self._cleared.clear()

    @callback
    def on_explain(self) -> None:
        """Show why the alert was raised."""
        why = self._explanation()
        self._write(why)
        if why is not None and self._key not in self._cleared:
            self._clear()

    @callback
    def on_clear(self) -> None:
        """Start to compute what would clear the alert, beside the page; another alert may be chosen meanwhile."""
        why = self._explanation()
        if why is None or self.chosen is None:
            return
        key, channel, span = self._key, self.chosen.channel, (why["start"], why["end"])
        explain = self.view.session.explain
        self._search.start(lambda _progress: (key, span, explain(channel, clearing=[span])))

    @callback
    def on_cleared(self, result: tuple[tuple[Any, ...], tuple[int, int], pd.DataFrame] | None) -> None:
        """Show what would clear the alert."""
        if result is None:
            return
        key, span, table = result
        for row in table[(table["start"] == span[0]) & (table["end"] == span[1])].to_dict(orient="records"):
            self._cleared[key] = str(row["clears"])
        self._write(self._explanation())

    def close(self) -> None:
        """Stop what is due, and remove the section from the page."""
        self._why.cancel()
        self._clear.cancel()
        self._search.stop()
        super().close()

    @property
    def _key(self) -> tuple[Any, ...]:
        """Channel and moments of the chosen anomaly; empty where none is chosen."""
        return () if self.chosen is None else self.chosen.place

    def _write(self, why: Mapping[Any, Any] | None) -> None:
        if self.chosen is None:
            return
        row = self.chosen.row
        alerts, number = self.view.session.maintenance.alerts, int(row["id"])
        clears = self._cleared.get(self._key, "")
        absence = self.chosen.absence if self.chosen.sequence is None else ""
        history, remarks = alerts.history(number), alerts.remarks(number)
        asset = self._asset_evidence(absence) if row["kind"] == "asset" else None
        known = alerts.known.match_of(number)
        self.facts.value = evidence_markup(row, why, history, clears, remarks, absence, asset, known)

    def _asset_evidence(self, absence: str) -> list[tuple[str, str]]:
        """Return the facts about the anomaly of an asset as a whole."""
        assert self.chosen is not None
        found = ShownAsset.of(self.view.session, self.chosen.channel).explanation(self.chosen.sequence)
        if found is None:
            return [("distance", escape(absence or "The present score of the asset does not hold this anomaly."))]
        distance = (
            f"{found['value']:.3g} standard deviations at sample {found['peak_at']:,}; bound {found['bound']:.3g}, "
            f"largest in training {found['record']:.3g}"
        )
        return [("channels", shares_markup(found["contributions"])), ("distance", distance)]

    def _explanation(self) -> Mapping[Any, Any] | None:
        """Return the alert's row of `Session.explain`, or None where the present score does not hold it."""
        if self.chosen is None or self.chosen.row["kind"] != "model" or self.chosen.shown.scored is None:
            return None
        channel, span = self.chosen.channel, self.chosen.sequence
        if span is None:
            return None
        if channel not in self._explained:
            self._explained[channel] = self.view.session.explain(channel, clearing=())
        table = self._explained[channel]
        overlap = table["end"].clip(upper=span[1]) - table["start"].clip(lower=span[0])
        rows: list[dict[Any, Any]] = table[overlap >= 0].to_dict(orient="records")
        return rows[int(overlap[overlap >= 0].to_numpy().argmax())] if rows else None


def evidence_markup(
    alert: Mapping[Any, Any],
    why: Mapping[Any, Any] | None,
    history: pd.DataFrame,
    clears: str = "",
    remarks: pd.DataFrame | None = None,
    absence: str = "",
    asset: Sequence[tuple[str, str]] | None = None,
    known: KnownMatch | None = None,
) -> str:
    """Write why an alert was raised, what would clear it and what has happened to it.

    Parameters
    ----------
    alert : mapping
        The alert, a row of `Alerts.list`.
    why : mapping or None
        Its row of `Session.explain`; None where the present score does not hold it, or a limit raised it.
    history : pandas.DataFrame
        Changes of the alert, as `Alerts.history` returns them.
    clears : str
        Settings that would clear it; empty while they are being computed.
    remarks : pandas.DataFrame, optional
        What people wrote about it, as `Alerts.remarks` returns it.
    absence : str
        Sentence that says that the series does not hold the anomaly; empty where it does.
    asset : sequence of (str, str), optional
        Names and HTML of the facts about the anomaly of a whole asset.
    known : KnownMatch or None
        Known event as which it was recognised.
    """
    rows = [("why", escape(alert["message"]))]
    if why is not None:
        rows = [
            ("why", escape(why["text"])),
            *_facts(why),
            ("other settings", escape(clears) or "<span class='wb-muted'>computing</span>"),
        ]
        if why["commands"]:
            rows.append(("commands", escape(why["commands"])))
        rows.append(("model", f"{escape(why['model'])}, detection settings: {escape(why['preset'])}"))
    elif asset is not None:
        rows += [*asset, ("model", escape(alert["source"]))]
    elif absence and alert["kind"] not in OF_LIVE:
        rows.append(("other settings", escape(absence)))
    elif alert["kind"] == "model":
        rows.append(
            (
                "other settings",
                "Not available: the model or the detection settings have changed, and this anomaly is gone.",
            )
        )
    elif alert["kind"] in OF_LIVE:
        rows.append(("clears when", "Samples follow each other again; it closes by itself then."))
    else:
        rows.append(("clears when", f"Telemetry inside its {escape(alert['source'])} limit."))
    if known is not None:
        fit = f"distance {known.distance:.2f} of bound {known.bound:.2f}"
        rows.insert(1, ("known event", f"<b>{escape(known.name)}</b>, {fit}; {escape(known.level)} without it"))
    again = history[history["action"] == "reopened"]
    if len(again) and alert["state"] != "closed":
        rows.insert(1, ("opened again", escape(_reopening(json.loads(again["details"].iloc[-1])))))
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


def _facts(why: Mapping[Any, Any]) -> list[tuple[str, str]]:
    """Return the figures of what found an anomaly: the forecast error, the envelope, or both."""
    facts = [("found by", _FOUND_BY[why["found_by"]])]
    if why["found_by"] != "envelope":
        facts.append(
            (
                "error",
                f"{why['smoothed_error']:.3g} at sample {why['smoothed_error_at']:,}, {why['distance']:.1f} standard "
                f"deviations from the mean; threshold {why['epsilon']:.3g} (epsilon, with z {why['z']:g}; error window "
                f"{why['window_start']:,} to {why['window_end']:,})",
            )
        )
    if why["found_by"] != "forecast":
        units = " samples" if why["feature"] == "stuck" else f" {escape(why['units'])}" if why["units"] else ""
        facts.append(
            (
                "envelope",
                f"{escape(why['words'])}: {why['feature_value']:.3g}{units} at sample {why['feature_at']:,}; bound "
                f"{why['feature_bound']:.3g}{units}, record of training and since {why['feature_record']:.3g}{units}",
            )
        )
    return facts


def _reopening(details: Mapping[str, Any]) -> str:
    """Say why a closed alert is open again, and what was said of it before."""
    before = details["before"]
    return f"{details['why']}. It was closed as {verdict_words(before['verdict'])} by {before['closed_by']}."
