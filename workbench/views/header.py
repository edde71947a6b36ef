"""Words of the page's header, and the list of shortcuts."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from html import escape

import pandas as pd

from workbench.plots.theme import SEVERITIES
from workbench.settings import Settings

__all__ = ["GLOBAL_SHORTCUTS", "header_markup", "help_markup"]

GLOBAL_SHORTCUTS: Mapping[str, str] = {
    "1 to 9": "open a tab",
    "R": "read everything again",
    "E": "export: CSV, PNG, SVG, link",
    "C": "show the code that gives the same",
    "N": "run the scoring notebook on the chosen channel",
    "T": "light or dark",
    "D": "compact or roomy",
    "Tab, Shift Tab": "go through the controls",
    "Alt Left, Alt Right": "back and forward",
    "Escape": "close what is open",
    "?": "this list",
}
"""What the keys do on every page; a view's own come after."""


def header_markup(fleet: pd.DataFrame, alerts: pd.Series, settings: Settings, now: datetime) -> str:
    """Say how the fleet is, where the data lies and how new it is.

    Parameters
    ----------
    fleet : pandas.DataFrame
        `session.overview()`.
    alerts : pandas.Series
        Open alerts by level.
    settings : Settings
        Give the home and the preset.
    now : datetime
        Aware; when `fleet` was read.

    Returns
    -------
    str
        HTML.
    """
    counts = {level: int(alerts.get(level, 0)) for level in SEVERITIES}
    if not len(fleet):
        state = '<span class="wb-state">no telemetry yet</span>'
    elif any(counts.values()):
        state = "".join(
            f'<span class="wb-state {level}" title="{level}"><span class="wb-symbol" aria-hidden="true">'
            f"{SEVERITIES[level].symbol}</span><b>{count}</b> {level}</span>"
            for level, count in counts.items()
            if count
        )
        state = f'<span class="wb-state">{sum(counts.values())} open alerts</span>{state}'
    else:
        state = f'<span class="wb-state">{len(fleet)} channels, no open alert</span>'
    stale = int((fleet["state"] == "stale").sum()) if len(fleet) else 0
    damaged = int((fleet["state"] == "damaged").sum()) if len(fleet) else 0
    notes = [f"{count} {word}" for count, word in ((stale, "stale"), (damaged, "damaged")) if count]
    stamp = now.astimezone(UTC)
    source = f'<span title="{escape(str(settings.home.resolve()))}">data: {escape(settings.home.resolve().name)}</span>'
    return (
        f'<div class="wb-line"><b class="wb-brand">Workbench</b>{state}'
        f'<span class="wb-muted">{source}{"".join(f", {note}" for note in notes)}, preset {escape(settings.preset)}, '
        f'<time class="wb-asof" datetime="{stamp:%Y-%m-%dT%H:%M:%SZ}">as of {stamp:%H:%M} UTC</time></span></div>'
    )


def help_markup(titles: Sequence[str], shortcuts: Mapping[str, str]) -> str:
    """List the keys: of the page, and of the view that is shown."""
    tabs = {str(place): title for place, title in enumerate(titles, 1)}
    lists = [("Every page", GLOBAL_SHORTCUTS), ("Tabs", tabs), ("This view", shortcuts)]
    return '<div class="wb-keys" role="dialog" aria-label="Keyboard shortcuts">{}</div>'.format(
        "".join(
            f"<section><h2>{name}</h2><dl>"
            + "".join(f"<dt><kbd>{escape(key)}</kbd></dt><dd>{escape(words)}</dd>" for key, words in keys.items())
            + "</dl></section>"
            for name, keys in lists
            if keys
        )
    )
